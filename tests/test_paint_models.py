"""The face generators' folders: what is written is read again, what is not theirs is refused; the small sizes cost what they say."""
from __future__ import annotations

import json
import pickle
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file

from twin.errors import Missing, Refused
from twin.paint import gan, vae
from twin.paint.gan import Discriminator, Gan, Generator
from twin.paint.vae import Autoencoder, Statistics, Vae

pytestmark = pytest.mark.usefixtures("one_thread")
MODELS = {"gan": (gan, Gan, lambda: Gan(Generator(gan.sized("tiny", 32, 3)), torch.randn(5, 3))),
          "vae": (vae, Vae, lambda: Vae(Autoencoder(vae.sized("tiny", 32))))}


@pytest.fixture(scope="module", params=MODELS)
def model(request, tmp_path_factory):
    """(class, a folder of it)"""
    torch.manual_seed(0)
    folder = tmp_path_factory.mktemp(request.param)
    made = MODELS[request.param][2]()
    made.save_pretrained(folder)
    return MODELS[request.param][1], made, folder


def copied(folder: Path, to: Path) -> Path:
    to.mkdir()
    for file in folder.iterdir():
        (to / file.name).write_bytes(file.read_bytes())
    return to


def test_written_and_read_again(model, tmp_path):
    kind, made, folder = model
    assert sorted(path.name for path in folder.iterdir()) == ["config.json", "model.safetensors"]
    read = kind.from_pretrained(folder)
    drawn = read.sample(2, 7)
    assert torch.equal(drawn, made.sample(2, 7)) and torch.equal(drawn, read.sample(2, 7)) and drawn.dtype == torch.uint8
    read.save_pretrained(tmp_path, torch.float16)
    assert {value.dtype for value in load_file(tmp_path / "model.safetensors").values()} == {torch.float16}
    assert (kind.from_pretrained(tmp_path).sample(2, 7).int() - drawn.int()).abs().float().mean() < 2


def test_folders_that_are_refused(model, tmp_path):
    kind, _, folder = model

    def refuses(error: type[Exception], words: str, at: Path) -> None:
        with pytest.raises(error, match=words) as caught:
            kind.from_pretrained(at)
        assert caught.value.hint
    refuses(Missing, "no folder", tmp_path / "nowhere")
    at = copied(folder, tmp_path / "a")
    (at / "config.json").unlink()
    refuses(Missing, "no config.json", at)
    at = copied(folder, tmp_path / "b")
    (at / "model.safetensors").unlink()
    refuses(Missing, "no model.safetensors", at)
    (at / "diffusion_pytorch_model.bin").write_bytes(pickle.dumps({}))
    refuses(Refused, "diffusion_pytorch_model.bin is a pickle", at)
    at = copied(folder, tmp_path / "c")
    (at / "config.json").write_text(json.dumps({"_class_name": "UNet2DModel"}))
    refuses(Refused, "of UNet2DModel", at)
    (at / "config.json").write_text("{")
    refuses(Refused, "config.json is damaged", at)
    at = copied(folder, tmp_path / "d")
    config = json.loads((at / "config.json").read_text())
    for size in ({}, {**config["size"], "widths": [1 << 40] * len(config["size"]["widths"])}, {**config["size"], "wings": 2}, {**config["size"], "patch": 0}):
        (at / "config.json").write_text(json.dumps({**config, "size": size}))
        with pytest.raises(Refused):
            kind.from_pretrained(at)
    at = copied(folder, tmp_path / "e")
    (at / "model.safetensors").write_bytes((at / "model.safetensors").read_bytes()[:-100])
    refuses(Refused, "model.safetensors is damaged", at)
    tensors = load_file(folder / "model.safetensors")
    name = next(name for name, value in tensors.items() if value.ndim == 4)
    for changed, words in (({**tensors, name: tensors[name][..., :0]}, name), ({key: value for key, value in tensors.items() if key != name}, f"has no {name}"),
                           ({**tensors, "wings": tensors[name].clone()}, "has wings")):
        save_file({key: value.contiguous() for key, value in changed.items()}, at / "model.safetensors")
        refuses(Refused, words, at)


def test_a_face_by_its_number_and_the_way_to_another():
    torch.manual_seed(0)
    model = MODELS["gan"][2]()
    with torch.no_grad():
        for weight in model.generator.parameters():
            weight.add_(0.1 * torch.randn_like(weight))
    a, b = model.z([3, 4])
    walk = model.walk(a, b, 4, torch.ones(3))
    assert (walk[[0, 3]].int() - model.from_z(torch.stack([a, b]), torch.ones(3)).int()).abs().max() <= 1
    half = gan.slerp(a, b, 0.5)
    assert torch.isclose(half @ a / a.norm(), half @ b / b.norm(), rtol=1e-4), "as far in angle from the one as from the other"
    assert torch.isclose(half.norm(), (a.norm() + b.norm()) / 2) and torch.equal(gan.slerp(a, a, 0.5), a)
    near = (model.from_z(model.z([3]) + 0.05 * gan.noise([9], 16), torch.ones(3)).float() - walk[:1].float()).abs().mean()
    far = (walk[3].float() - walk[0].float()).abs().mean()
    assert near < 0.5 * far, "more like this"
    assert (model.sample(4, 0, torch.ones(3), truncation=0.0).float().std(0) < 0.6).all(), "truncated to nothing they are one face"
    assert not torch.equal(model.sample(1, 0, torch.ones(3)), model.sample(1, 0, -torch.ones(3)))
    with pytest.raises(Refused, match="3 attributes, not 4"):
        model.sample(1, 0, torch.ones(4))
    with pytest.raises(Refused, match="what the face looks like"):
        model.from_z(model.z([1]))
    assert model.from_z(torch.zeros(0, 16), torch.ones(3)).shape == (0, 3, 32, 32)


def test_a_fresh_discriminator_sees_attributes_and_pictures():
    torch.manual_seed(0)
    net, pictures = Discriminator(gan.sized("tiny", 64, 3)), torch.rand(2, 3, 64, 64)
    assert net(pictures, torch.ones(2, 3)).shape == (2,)
    assert torch.allclose(net(pictures, -torch.ones(2, 3)), -net(pictures, torch.ones(2, 3)), atol=1e-6)
    assert Discriminator(gan.sized("tiny", 64))(pictures).shape == (2,)


def test_latents_are_brought_to_unit_variance_and_back():
    torch.manual_seed(0)
    model = MODELS["vae"][2]()
    pictures = torch.randint(0, 256, (5, 3, 32, 32), dtype=torch.uint8)
    before = model.encode(pictures)
    model.statistics.shift, model.statistics.scale = before.mean((0, 2, 3)), before.std((0, 2, 3))
    after = model.encode(pictures)
    assert torch.allclose(after.mean((0, 2, 3)), torch.zeros(4), atol=1e-5) and torch.allclose(after.std((0, 2, 3)), torch.ones(4), atol=1e-5)
    assert torch.equal(model.reconstruct(pictures), model.decode(after))
    assert model.encode(pictures[:0]).shape == (0, 4, 4, 4) and model.decode(after[:0]).shape == (0, 3, 32, 32)
    with pytest.raises(Refused, match="Pictures are"):
        model.encode(torch.zeros(1, 3, 64, 64))
    with pytest.raises(Refused, match="Latents are"):
        model.decode(torch.zeros(1, 5, 4, 4))


def test_the_prior_follows_attributes():
    model = MODELS["vae"][2]()
    flat = 4 * 4 * 4
    held = Statistics.none(model.size)
    held.basis, held.spread = torch.eye(flat)[:2], torch.tensor([2.0, 0.0])
    held.directions, held.centre, held.known = torch.eye(flat)[5:6], torch.tensor([0.5]), torch.tensor([[0.5], [1.5]])
    model.statistics, model.names = held, ("smile",)
    drawn = model.draw(400, 0, torch.tensor([3.0])).flatten(1)
    assert torch.allclose(drawn[:, 5], torch.tensor(2.5)) and 1.7 < drawn[:, 0].std() < 2.3 and drawn[:, 1].abs().max() == 0
    assert set(model.draw(50, 0).flatten(1)[:, 5].tolist()) == {0.0, 1.0}, "without attributes, those of some faces of the set"
    assert model.draw(3, 0, torch.tensor([0.5]), truncation=0.0).abs().max() == 0
    assert 0.8 < model.draw(50, 0, prior="unit").std() < 1.2
    assert model.with_attributes(torch.zeros(1, 4, 4, 4), {"smile": 2.0}).flatten()[5] == 2.0


@pytest.mark.parametrize("px", gan.PIXELS)
def test_every_size_can_be_built(px):
    for name in gan.SIZES:
        size = gan.sized(name, px, 10)
        with torch.device("meta"):
            pictures = Generator(size)(torch.zeros(1, size.noise), torch.zeros(1, 10))
            assert pictures.shape == (1, 3, px, px) and Discriminator(size)(pictures, torch.zeros(1, 10)).shape == (1,)
    for name in vae.SIZES:
        size = vae.sized(name, px)
        with torch.device("meta"):
            net = Autoencoder(size)
            assert net.encode(torch.zeros(1, 3, px, px))[0].shape == (1, *size.shape)
    with pytest.raises(Refused, match="no size huge"):
        gan.sized("huge", px)


def test_the_small_networks_cost_what_two_cores_can_pay():
    """At 128 px: arithmetic of one picture forward, and weights."""
    from torch.utils.flop_counter import FlopCounterMode
    size, coder = gan.sized("small", 128, 180), vae.sized("small", 128)
    with torch.device("meta"):
        generator, discriminator, net = Generator(size), Discriminator(size), Autoencoder(coder)
        costs = []
        for forward in (lambda: generator(torch.zeros(1, 64), torch.zeros(1, 180)), lambda: discriminator(torch.zeros(1, 3, 128, 128), torch.zeros(1, 180)),
                        lambda: net.decode(net.encode(torch.zeros(1, 3, 128, 128))[0])):
            with FlopCounterMode(display=False) as count, torch.no_grad():
                forward()
            costs.append(count.get_total_flops() / 1e9)
    assert costs[0] < 1.5 and costs[1] < 1.5 and costs[2] < 4, costs
    weights = [sum(weight.numel() for weight in one.parameters()) / 1e6 for one in (generator, discriminator, net)]
    assert weights[0] < 4 and weights[1] < 4 and 2 < weights[2] < 4, weights
