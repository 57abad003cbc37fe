"""Diffusion, what enlarges, and the engines that have learnt: tiny ones, on painted portraits."""
from __future__ import annotations

import shutil
from itertools import islice
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch
from safetensors.torch import load_file

from twin.errors import Missing, Refused
from twin.paint import attributes, engines, enlarge, invent, vae
from twin.paint.diffusion import Denoiser, Diffusion, sized
from twin.paint.gan import Gan, Generator
from twin.paint.gan import sized as gan_sized
from twin.train import diffusion, painted
from twin.train import enlarge as enlarging
from twin.train.data import Manifest, open_set, write_set
from twin.train.ground import Plan
from twin.train.run import Run
from twin.train.vae import fitted

pytestmark = pytest.mark.usefixtures("one_thread")
PX = 32
PLAN = Plan(steps=4, batch=8, mixed="no", save=1e9, sheet=0)


@pytest.fixture(scope="module")
def faces(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("painted") / "set"
    write_set(folder, islice(painted.faces(range(100), 64), 40), Manifest("painted", "illustrated", painted.SOURCE, painted.LICENCE, 64))
    return folder


@pytest.fixture(scope="module")
def coder() -> vae.Vae:
    torch.manual_seed(0)
    return vae.Vae(vae.Autoencoder(vae.sized("tiny", PX)))


def taught(out: Path, faces: Path, coder: vae.Vae, plan: Plan = PLAN, **options) -> Path:
    return diffusion.train(out, faces, coder, plan, "tiny", **{"say": lambda line: None, "figure": lambda sampler: 0.0, **options})


def weights(at: Path) -> dict[str, torch.Tensor]:
    return load_file(at / "net.safetensors")


def made(coder: vae.Vae, groups: tuple[int, ...] = ()) -> Diffusion:
    torch.manual_seed(1)
    net = Denoiser(sized("tiny", coder.size.shape, groups or diffusion.groups(attributes.WIDTH)))
    for weight in net.parameters():                      # PixArt's last layer begins as nothing
        torch.nn.init.normal_(weight, std=0.05)
    return Diffusion(net, coder, tuple(attributes.ATTRIBUTES))


def test_its_loss_falls(tmp_path, faces, coder):
    torch.manual_seed(0)
    held = diffusion.encoded(coder, open_set(faces).portraits("train", PX))
    at = taught(tmp_path / "run", faces, coder, Plan(steps=60, batch=16, mixed="no", save=1e9, sheet=0, average=200), rate=2e-3, warm=64)
    known = torch.from_numpy(open_set(faces).portraits("train", PX).attributes)
    net = Denoiser(sized("tiny", coder.size.shape, diffusion.groups(attributes.WIDTH)))
    before = diffusion.wrongness(net, held, known)
    net.load_state_dict(weights(at))
    assert diffusion.wrongness(net.eval(), held, known) < 0.9 * before


def test_going_on_equals_not_stopping(tmp_path, faces, coder):
    embed = lambda texts: np.ones((len(texts), 384), np.float32) * np.array([[len(text)] for text in texts]) / 100      # noqa: E731
    whole = taught(tmp_path / "whole", faces, coder, embed=embed)
    taught(tmp_path / "parts", faces, coder, Plan(steps=2, batch=8, mixed="no", save=1e9, sheet=0), embed=embed)
    again = taught(tmp_path / "parts", faces, coder, resume=True, embed=embed)
    one, other = weights(whole), weights(again)
    assert one.keys() == other.keys() and all(torch.equal(one[name], other[name]) for name in one)


def test_save_load_sample_is_equal_to_the_bit(tmp_path, coder):
    model = made(coder)
    model.save_pretrained(tmp_path / "model")
    again = Diffusion.from_pretrained(tmp_path / "model")
    look = torch.from_numpy(attributes.vector(attributes.invent(1)))
    first, second = model.sample(2, 5, look, steps=3), again.sample(2, 5, look, steps=3)
    assert torch.equal(first, second) and first.shape == (2, 3, PX, PX)
    assert torch.equal(again.sample(1, 6, look, steps=3)[0], first[1])                  # a face depends on its own seed alone
    assert not torch.equal(again.sample(1, 7, look, steps=3)[0], first[1])
    assert not torch.equal(again.sample(1, 5, torch.from_numpy(attributes.vector(attributes.invent(2))), steps=3)[0], first[0])


def test_words_and_what_is_left_open_count(coder):
    model = made(coder)
    start, look = model.start([3]), torch.from_numpy(attributes.vector(attributes.invent(1)))
    some = torch.zeros(len(attributes.ATTRIBUTES))
    some[0] = 1
    answers = [model.latents(start, asked, 2) for asked in (model.asked(1), model.asked(1, look), model.asked(1, look, some), model.asked(1, sentence=torch.ones(384)))]
    assert all(not torch.equal(one, other) for k, one in enumerate(answers) for other in answers[k + 1:])
    told = []
    model.latents(start, model.asked(1), 3, each=lambda number, sight: told.append((number, tuple(sight.shape))))
    assert told == [(number, (1, *coder.size.shape)) for number in range(3)]


def test_what_is_told_to_it_is_drawn_anew_and_now_and_then_nothing(tmp_path, faces, coder):
    from twin.train.ground import Ground
    ground = Ground(tmp_path, Plan(steps=1, batch=32, sheet=0), "diffusion", {}, faces, PX, say=lambda line: None)
    rows = np.arange(32)
    first = diffusion.masked(ground, torch.zeros(32, attributes.WIDTH), None, rows, slice(0, 32), 30)
    assert torch.equal(first.known, diffusion.masked(ground, torch.zeros(32, attributes.WIDTH), None, rows, slice(0, 32), 30).known)
    assert 0 < first.known.mean() < 1 and (first.known.sum(1) == 0).any() and (first.known.sum(1) == 30).any()


def test_a_folder_of_something_else_is_refused(tmp_path, coder):
    with pytest.raises(Missing):
        Diffusion.from_pretrained(tmp_path)
    coder.save_pretrained(tmp_path / "vae")
    with pytest.raises(Refused, match="not of twin.Diffusion"):
        Diffusion.from_pretrained(tmp_path / "vae")
    made(coder).save_pretrained(tmp_path / "model")
    other = vae.Vae(vae.Autoencoder(vae.sized("tiny", 64)))
    shutil.rmtree(tmp_path / "model" / "vae")
    other.save_pretrained(tmp_path / "model" / "vae")
    with pytest.raises(Refused, match="latents"):
        Diffusion.from_pretrained(tmp_path / "model")
    with pytest.raises(Refused, match="attributes"):
        made(coder).asked(1, torch.zeros(3))


# --- the engines

@pytest.fixture(scope="module")
def folders(tmp_path_factory, faces, coder) -> Path:
    """A model of each family, none of which has learnt much."""
    root = tmp_path_factory.mktemp("models")
    torch.manual_seed(2)
    Gan(Generator(gan_sized("tiny", PX, attributes.WIDTH))).save_pretrained(root / "gan")
    fitted(vae.Vae(coder.net), open_set(faces).portraits("train", PX)).save_pretrained(root / "vae")
    made(vae.Vae.from_pretrained(root / "vae")).save_pretrained(root / "diffusion", with_vae=False)       # it finds the one beside it
    return root


@pytest.mark.parametrize("name", engines.FAMILIES)
def test_every_engine_invents_varies_walks_and_paints_again(name, folders):
    engine = invent.engine(name, folder=folders / name)
    four = list(engine.faces({"gender": "woman", "age": 60.0}, 5, 2, "a woman of sixty"))
    assert [face.picture.shape for face in four] == [(256, 256, 3)] * 2 and not np.array_equal(four[0].picture, four[1].picture)
    assert all(part["look"]["age"] == 60.0 for face in four for part in face.recipe["parts"])
    assert np.array_equal(engine.portrait(four[0].recipe, 256), four[0].picture)
    assert np.array_equal(engine.between(four[0].recipe, four[1].recipe, 0.0).picture, four[0].picture)
    half = engine.between(four[0].recipe, four[1].recipe, 0.5)
    assert not np.array_equal(half.picture, four[0].picture) and len(half.recipe["parts"]) == 2
    like = list(engine.like(four[0].recipe, 1, 2))
    assert not np.array_equal(like[0].picture, like[1].picture)
    assert engine.portrait(half.recipe, 512).shape == (512, 512, 3)


def test_words_lead_the_diffusion_where_an_embedder_is_given(folders):
    plain = invent.engine("diffusion", folder=folders / "diffusion")
    told = invent.engine("diffusion", folder=folders / "diffusion", embed=lambda texts: np.full((len(texts), 384), 0.3, np.float32))
    one, other = next(plain.faces({}, 1, 1, "a kind face")), next(told.faces({}, 1, 1, "a kind face"))
    assert other.recipe["words"] == "a kind face" and not np.array_equal(one.picture, other.picture)


def test_an_engine_without_weights_says_how_to_get_them(tmp_path):
    with pytest.raises(Missing, match="no trained gan"):
        next(invent.engine("gan", folder=tmp_path / "gan").faces({}, 1, 1))
    assert "illustrated" in invent.at_hand()


# --- larger

def test_what_enlarges_learns_and_is_kept(tmp_path, faces):
    enlarging.train(tmp_path / "run", faces, Plan(steps=200, batch=4, mixed="no", save=1e9, sheet=0, average=40), "tiny", 64, rate=2e-3, say=lambda line: None)
    enlarging.train(tmp_path / "judged", faces, Plan(steps=3, batch=4, mixed="no", save=1e9, sheet=0), "tiny", 64, alone=0, say=lambda line: None)
    assert {"apart", "discriminator"} <= set(Run(tmp_path / "judged").rows()[-1])
    enlarging.exported(tmp_path / "run", tmp_path / "net")
    learnt, plain = enlarge.Enlarger.from_pretrained(tmp_path / "net"), enlarge.Enlarger(enlarging.SIZES["tiny"])     # it begins as the bicubic picture
    real = np.asarray(open_set(faces).portraits("held", 64).pixels).transpose(0, 2, 3, 1)
    small = [cv2.resize(one, (16, 16), interpolation=cv2.INTER_AREA) for one in real]
    off = [np.mean([np.abs(enlarge.enlarge(one, net).astype(int) - whole).mean() for one, whole in zip(small, real, strict=True)]) for net in (plain, learnt)]
    assert off[1] < off[0]
