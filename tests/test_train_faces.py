"""The face trainings: they learn, go on after a kill to the same weights, in one process or two, and say plainly what is wrong."""
from __future__ import annotations

import json
import math
import os
import resource
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
import torch
from conftest import ROOT
from PIL import Image

from twin.errors import Missing, Refused, TwinError
from twin.paint import attributes as looks
from twin.paint.gan import Discriminator, Gan, sized
from twin.paint.vae import Autoencoder, Vae
from twin.paint.vae import sized as vae_sized
from twin.train import augment, checkpoints, gan, run, sharpen, vae
from twin.train.data import Face, Manifest, open_set, write_set
from twin.train.ground import DIVERGED, Plan, follow, grid, order, seeded
from twin.train.run import Run

pytestmark = pytest.mark.usefixtures("one_thread")
PX = 32
QUIET = {"say": lambda line: None}
PLAN = Plan(steps=4, batch=8, mixed="no", save=1e9, sheet=0)


@pytest.fixture(scope="module")
def faces(tmp_path_factory) -> Path:
    """Crops of the default twins' portraits; how light one is, is what its look says of the skin."""
    chance, sources = np.random.default_rng(0), []
    for path in sorted((ROOT / "assets" / "twins").glob("*/face/portrait.webp")):
        portrait = Image.open(path).convert("RGBA")
        ground = Image.new("RGBA", portrait.size, (200, 205, 215, 255))
        ground.alpha_composite(portrait)
        sources.append(ground.convert("RGB"))

    def cut(number: int) -> Face:
        source, look = sources[number % len(sources)], looks.invent(number, {"skin": round(float(chance.random()), 3)})
        side = int(min(source.size) * chance.uniform(0.75, 1.0))
        x, y = int(chance.integers(source.width - side + 1)), int(chance.integers((source.height - side) // 2 + 1))
        pixels = np.asarray(source.crop((x, y, x + side, y + side)).resize((PX, PX), Image.Resampling.LANCZOS)).astype(float) * (1.2 - 0.9 * float(look["skin"]))
        return Face(pixels.clip(0, 255).astype(np.uint8), seed=number, attributes=look)

    folder = tmp_path_factory.mktemp("faces") / "set"
    write_set(folder, map(cut, range(60)), Manifest("twins", "drawn", "the default twins' portraits", "Apache-2.0", PX))
    return folder


FAMILIES = {"gan": gan, "vae": vae}


def taught(family: str, out: Path, faces: Path, plan: Plan = PLAN, **options) -> Path:
    return FAMILIES[family].train(out, faces, plan, "tiny", PX, **{**QUIET, **options})


def weights(at: Path) -> dict[str, torch.Tensor]:
    return {f"{path.name} {name}": value for path in sorted(at.glob("*.safetensors")) for name, value in checkpoints.read(path).items()}


def same(a: Path, b: Path) -> bool:
    one, other = weights(a), weights(b)
    return one.keys() == other.keys() and all(torch.equal(one[name], other[name]) for name in one)


@pytest.fixture(scope="module")
def learnt(faces, tmp_path_factory) -> dict[str, Path]:
    """Some seconds of each family."""
    outs = {name: tmp_path_factory.mktemp(name) / "out" for name in FAMILIES}
    taught("vae", outs["vae"], faces, Plan(steps=80, batch=8, mixed="no", save=1e9, sheet=1e9, average=100), rate=4e-3, warm=80)
    taught("gan", outs["gan"], faces, Plan(steps=80, batch=8, mixed="no", save=1e9, sheet=1e9, average=100), rate=3e-3, gamma=0.3, often=0.0)
    return outs


def test_the_autoencoder_learns_to_paint_what_it_was_shown(learnt):
    rows = Run(learnt["vae"]).rows()
    assert rows[-1]["reconstruction"] < 0.5 * rows[0]["reconstruction"]
    assert {path.name for path in learnt["vae"].iterdir()} >= {"run.json", "heartbeat", "log.csv", "curves.png", "nearest.png", "samples", "at-00000080"}
    status = Run(learnt["vae"]).status()
    assert (status["state"], status["step"], status["share"], status["alive"]) == ("ended", 80, 1.0, False)


def test_the_generator_comes_nearer_to_the_set(learnt, faces):
    """By the mean and the spread of colours in each sixteenth of a picture."""
    real = torch.from_numpy(open_set(faces).portraits("train", PX).pixels[:].copy()).float()

    def told(pictures):
        patches = torch.nn.functional.avg_pool2d(pictures.float(), PX // 4)
        return torch.cat([patches.mean(0).flatten(), patches.std(0).flatten()])
    torch.manual_seed(1)
    before = Gan(gan.Generator(sized("tiny", PX, looks.WIDTH)), torch.from_numpy(open_set(faces).attributes["train"])).sample(48, 0)
    newest = checkpoints.newest(learnt["gan"])
    gan.exported(learnt["gan"], faces, newest.parent / "model")
    after = Gan.from_pretrained(newest.parent / "model").sample(48, 0)
    assert (told(after) - told(real)).norm() < 0.7 * (told(before) - told(real)).norm()
    rows = Run(learnt["gan"]).rows()
    assert all(math.isfinite(value) for row in rows for value in row.values())
    assert min(row["discriminator"] for row in rows) < 0.6 < rows[0]["discriminator"] + 0.1


def test_what_was_exported_paints_the_same_again(learnt, faces, tmp_path):
    for family, kind in (("gan", Gan), ("vae", Vae)):
        FAMILIES[family].exported(learnt[family], faces, tmp_path / family)
        model = kind.from_pretrained(tmp_path / family)
        drawn = model.sample(3, 5)
        assert drawn.dtype == torch.uint8 and drawn.shape == (3, 3, PX, PX) and drawn.float().std() > 1
        assert torch.equal(drawn, kind.from_pretrained(tmp_path / family).sample(3, 5)), "the same seed, the same picture"
        assert not torch.equal(drawn[0], drawn[1])
        assert (model.sample(1, 6)[0].int() - drawn[1].int()).abs().max() <= 2, "number 6 is the same face in any company"
        model.save_pretrained(tmp_path / f"{family} again", torch.float16)
        assert torch.equal(kind.from_pretrained(tmp_path / f"{family} again").sample(3, 5), drawn)


def test_a_decoder_is_sharpened_and_its_encoder_stays(learnt, faces, tmp_path):
    vae.exported(learnt["vae"], faces, tmp_path / "vae")
    before = Vae.from_pretrained(tmp_path / "vae")

    def sharpened(out: Path, steps: int, resume: bool = False) -> Path:
        plan = Plan(**{**vars(PLAN), "steps": steps})
        return sharpen.train(out, faces, Vae.from_pretrained(tmp_path / "vae"), plan, warm=8, resume=resume, say=lambda line: None)
    whole = sharpened(tmp_path / "whole", 4)
    sharpened(tmp_path / "parts", 2)
    assert same(whole, sharpened(tmp_path / "parts", 4, resume=True))
    sharpen.exported(tmp_path / "whole", Vae.from_pretrained(tmp_path / "vae"), tmp_path / "sharp")
    after, pictures = Vae.from_pretrained(tmp_path / "sharp"), torch.from_numpy(open_set(faces).portraits("held", PX).pixels[:4].copy())
    assert torch.equal(after.encode(pictures), before.encode(pictures)) and not torch.equal(after.reconstruct(pictures), before.reconstruct(pictures))
    assert all(math.isfinite(value) for row in Run(tmp_path / "whole").rows() for value in row.values())
    with pytest.raises(Refused):
        sharpen.exported(tmp_path / "whole", Vae(Autoencoder(vae_sized("tiny", 64))), tmp_path / "none")


def test_an_attribute_is_a_direction_in_the_latents(learnt, faces, tmp_path):
    vae.exported(learnt["vae"], faces, tmp_path)
    model, held = Vae.from_pretrained(tmp_path), open_set(faces).portraits("held", PX)
    pictures = torch.from_numpy(held.pixels[:].copy())
    latents = model.encode(pictures)
    darker = model.decode(model.with_attributes(latents, {"skin": 0.8})).float().mean((1, 2, 3))
    lighter = model.decode(model.with_attributes(latents, {"skin": -0.8})).float().mean((1, 2, 3))
    assert (darker < lighter - 10).all()
    assert model.walk(latents[0], latents[1], 5).shape == (5, 3, PX, PX)
    assert (model.walk(latents[0], latents[1], 5)[0].int() - model.decode(latents[:1])[0].int()).abs().max() <= 2
    assert 0.8 < model.encode(torch.from_numpy(open_set(faces).portraits("train", PX).pixels[:].copy())).std() < 1.2
    with pytest.raises(Refused, match="no attribute wings"):
        model.with_attributes(latents, {"wings": 1.0})


@pytest.mark.parametrize("family", FAMILIES)
def test_going_on_gives_the_weights_of_not_stopping(family, faces, tmp_path):
    whole = taught(family, tmp_path / "whole", faces)
    taught(family, tmp_path / "parts", faces, Plan(**{**vars(PLAN), "steps": 2}))
    assert same(whole, taught(family, tmp_path / "parts", faces, resume=True))
    assert [row["step"] for row in Run(tmp_path / "parts").rows()] == [1, 2, 3, 4]
    assert not same(whole, taught(family, tmp_path / "other", faces, Plan(**{**vars(PLAN), "seed": 2})))


def test_in_parts_a_step_is_the_same_step(faces, tmp_path):
    """Up to the order of sums, in which Adam, whose first steps are all of one length, sees a sign."""
    whole = taught("vae", tmp_path / "whole", faces, Plan(**{**vars(PLAN), "steps": 1}))
    parts = taught("vae", tmp_path / "parts", faces, Plan(**{**vars(PLAN), "steps": 1, "accumulate": 4}))
    one, other = weights(whole), weights(parts)
    moments = [name for name in one if "exp_avg" in name and "sq" not in name]
    assert all(torch.allclose(one[name], other[name], rtol=1e-3, atol=1e-6) for name in moments)


def command(family: str, faces: Path, out: Path, *more: str) -> list[str]:
    return [f"twin.train.{family}", str(faces), "--out", str(out), "--size", "tiny", "--px", str(PX), "--batch", "8", "--mixed", "no", *more]


def test_a_killed_training_goes_on_to_the_same_weights(faces, tmp_path):
    out = tmp_path / "out"
    process = subprocess.Popen([sys.executable, "-m", *command("gan", faces, out, "--steps", "100000", "--save", "0", "--sheet", "0")], cwd=ROOT,
                               env={**os.environ, "OMP_NUM_THREADS": "1"}, stdout=subprocess.DEVNULL)
    until = time.monotonic() + 60
    while process.poll() is None and time.monotonic() < until and len(checkpoints.whole(out)) < 2:
        time.sleep(0.02)
    assert Run(out).status()["alive"]
    with pytest.raises(Refused, match="runs in"):
        taught("gan", out, faces, resume=True)
    process.send_signal(signal.SIGKILL)
    process.wait()
    status = Run(out).status()
    assert (status["state"], status["alive"]) == ("killed", False)
    with pytest.raises(Refused, match="already"):
        taught("gan", out, faces)
    steps = json.loads((checkpoints.newest(out) / "state.json").read_text())["step"] + 2
    plan = Plan(**{**vars(PLAN), "steps": steps})
    assert same(taught("gan", out, faces, plan, resume=True), taught("gan", tmp_path / "whole", faces, plan))


def test_two_processes_share_a_training(faces, tmp_path):
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    done = subprocess.run([sys.executable, "-m", "accelerate.commands.launch", "--multi_gpu", "--num_processes", "2", "--num_machines", "1", "--mixed_precision", "no",
                           "--dynamo_backend", "no", "--num_cpu_threads_per_process", "1", "--main_process_port", str(port), "-m",
                           *command("gan", faces, tmp_path / "two", "--steps", "3", "--augment", "0", "--sheet", "0")],
                          cwd=ROOT, env={**os.environ, "OMP_NUM_THREADS": "1"}, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr
    assert "2 processes hold the same weights" in done.stdout and done.stdout.count("step 3 ") == 1
    assert json.loads((tmp_path / "two" / "run.json").read_text())["processes"] == 2
    one = weights(taught("gan", tmp_path / "one", faces, Plan(**{**vars(PLAN), "steps": 3}), often=0.0))
    two = weights(checkpoints.newest(tmp_path / "two"))
    apart = torch.cat([(one[name] - two[name]).abs().flatten() for name in one if name.startswith("generator")])
    assert apart.mean() < 1e-5, "as in one process, up to the order of sums"


def test_a_loss_that_is_no_number_ends_it_and_keeps_the_good_checkpoint(faces, tmp_path, capsys):
    good = taught("vae", tmp_path, faces)
    before = weights(good)
    code = vae.main([*command("vae", faces, tmp_path, "--steps", "100", "--resume", "--rate", "1e30", "--save", "1e9")][1:])
    said = capsys.readouterr().out
    assert code == DIVERGED == 3
    assert "no number" in said and str(good) in said
    assert checkpoints.newest(tmp_path) == good and all(torch.equal(value, before[name]) for name, value in weights(good).items())
    status = Run(tmp_path).status()
    assert status["state"] == "failed" and "no number" in status["why"] and status["step"] < 20


def test_a_disk_that_takes_no_more(faces, tmp_path):
    """A limit on how long a file may grow, which is a write that fails; the checkpoint before it stays."""
    first = taught("gan", tmp_path, faces)
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)

    def full(line: str) -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (60_000, limits[1]))
    try:
        with pytest.raises(TwinError, match="at-00000004 is still whole") as caught:
            taught("gan", tmp_path, faces, Plan(**{**vars(PLAN), "steps": 6}), resume=True, say=full)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert "--resume" in caught.value.hint
    assert checkpoints.whole(tmp_path) == [first] and not list(tmp_path.glob("*.half"))
    taught("gan", tmp_path, faces, Plan(**{**vars(PLAN), "steps": 6}), resume=True)
    assert checkpoints.newest(tmp_path).name == "at-00000006"


@pytest.mark.parametrize("how", ["signal", "file"])
def test_asked_to_stop_it_saves_and_leaves(how, faces, tmp_path):
    said: list[str] = []

    def say(line: str) -> None:
        said.append(line)
        if "step 2 " in line:
            os.kill(os.getpid(), signal.SIGTERM) if how == "signal" else Run(tmp_path).ask_to_stop()
    at = taught("vae", tmp_path, faces, Plan(**{**vars(PLAN), "steps": 100}), say=say)
    assert at.name == "at-00000002" and "stopped as asked" in said[-1]
    assert Run(tmp_path).status()["state"] == "stopped" and not (tmp_path / "stop").exists()
    assert signal.getsignal(signal.SIGTERM) == signal.SIG_DFL


def test_it_ends_where_the_figure_gets_no_better(faces, tmp_path):
    figures = iter([3.0, 2.0, 2.5, 2.4, 2.3, 1.0])
    drawn = []

    def figure(sample):
        drawn.append(sample(2, 0))
        return next(figures)
    at = taught("gan", tmp_path, faces, Plan(**{**vars(PLAN), "steps": 100, "check": 16, "patience": 3}), figure=figure)
    assert at.name == "at-00000010" and len(drawn) == 5
    state = json.loads((at / "state.json").read_text())
    assert (state["best"], state["waited"]) == (2.0, 3)
    assert Gan.from_pretrained(tmp_path / "best").sample(1, 0).shape == (1, 3, PX, PX)


def test_refusals(faces, tmp_path):
    with pytest.raises(Refused, match="fewer than a batch of 64"):
        taught("gan", tmp_path / "a", faces, Plan(steps=1, batch=64))
    with pytest.raises(Refused, match="shared out"):
        taught("gan", tmp_path / "b", faces, Plan(steps=1, batch=8, accumulate=3))
    with pytest.raises(Refused, match="128"):
        gan.train(tmp_path / "c", faces, PLAN, "tiny", 128, **QUIET)
    with pytest.raises(Missing, match="no data set"):
        taught("vae", tmp_path / "d", tmp_path / "nowhere")
    with pytest.raises(Missing, match="no checkpoint"):
        gan.exported(tmp_path, faces, tmp_path / "e")
    assert gan.main(command("gan", tmp_path / "nowhere", tmp_path / "f")[1:]) == 1
    taught("gan", tmp_path / "g", faces, Plan(**{**vars(PLAN), "steps": 1}))
    with pytest.raises(Refused, match="begun with loss relativistic, not hinge"):
        taught("gan", tmp_path / "g", faces, resume=True, loss="hinge")
    (tmp_path / "file").write_text("")
    with pytest.raises(Refused, match="is a file"):
        taught("gan", tmp_path / "file", faces)


def test_losses_can_be_chosen(faces, tmp_path):
    real, made = torch.tensor([2.0, -1.0]), torch.tensor([0.5, 1.5])
    found = {name: (judge(real, made), deceive(real, made)) for name, (judge, deceive) in gan.LOSSES.items()}
    assert torch.allclose(found["relativistic"][0], torch.log(1 + torch.exp(made - real)))
    assert torch.allclose(found["nonsaturating"][0], -torch.log(real.sigmoid()) - torch.log(1 - made.sigmoid()))
    assert torch.allclose(found["nonsaturating"][1], -torch.log(made.sigmoid()))
    assert torch.allclose(found["minimax"][1], torch.log(1 - made.sigmoid()))
    assert torch.equal(found["hinge"][0], torch.tensor([1.5, 4.5])) and torch.equal(found["hinge"][1], -made)
    for name in gan.LOSSES:
        at = taught("gan", tmp_path / name, faces, Plan(**{**vars(PLAN), "steps": 1}), loss=name, flip=True)
        assert all(value.isfinite().all() for value in weights(at).values())


def test_the_game_may_be_about_latents(learnt, faces, tmp_path):
    """Its pictures are the autoencoder's; it goes on to the same weights, is read again with the autoencoder within it or beside it, and not without."""
    vae.exported(learnt["vae"], faces, tmp_path / "vae")
    coder, plan = Vae.from_pretrained(tmp_path / "vae"), Plan(**{**vars(PLAN), "steps": 60, "average": 50.0})
    told = {"vae": coder, "head_start": 160, "rate": 3e-3}
    at = taught("gan", tmp_path / "whole", faces, plan, **told)
    rows = Run(tmp_path / "whole").rows()
    assert sum("head_start" in row for row in rows) == 20 and min(row["discriminator"] for row in rows[20:]) < 0.65
    taught("gan", tmp_path / "parts", faces, Plan(**{**vars(plan), "steps": 30}), **told)
    assert same(at, taught("gan", tmp_path / "parts", faces, plan, resume=True, **told))
    gan.exported(tmp_path / "whole", faces, tmp_path / "models" / "gan", coder)
    model = Gan.from_pretrained(tmp_path / "models" / "gan")
    drawn = model.sample(3, 5)
    assert drawn.shape == (3, 3, PX, PX) and model.px == PX and model.size.px == coder.size.side and drawn.float().std() > 1
    real = coder.encode(torch.from_numpy(open_set(faces).portraits("train", PX).pixels[:32].copy()))
    latents = model.generator(model.z(range(32)), model.wanted(range(32)))
    assert (latents.mean(0) - real.mean(0)).abs().mean() < 0.7 * real.mean(0).abs().mean(), "nearer to the set's latents than nothing is"
    (tmp_path / "models" / "gan" / "vae").rename(tmp_path / "models" / "vae")
    assert torch.equal(Gan.from_pretrained(tmp_path / "models" / "gan").sample(3, 5), drawn)
    Vae(Autoencoder(vae_sized("tiny", 64))).save_pretrained(tmp_path / "models" / "vae")
    with pytest.raises(Refused, match="belong together|not of"):
        Gan.from_pretrained(tmp_path / "models" / "gan")
    (tmp_path / "models" / "vae").rename(tmp_path / "elsewhere")
    with pytest.raises(Missing, match="vae"):
        Gan.from_pretrained(tmp_path / "models" / "gan")
    with pytest.raises(Refused, match="of latents"):
        gan.exported(tmp_path / "whole", faces, tmp_path / "e")
    with pytest.raises(Refused, match="can't be mirrored"):
        taught("gan", tmp_path / "f", faces, vae=coder, flip=True)
    with pytest.raises(Refused, match="was begun with vae"):
        taught("gan", tmp_path / "parts", faces, resume=True, head_start=160)


def test_a_head_start_paints_after_what_it_sees(faces, tmp_path):
    plan = Plan(**{**vars(PLAN), "steps": 24})
    at = taught("gan", tmp_path / "whole", faces, plan, head_start=160, rate=3e-3, often=0.0)
    rows = Run(tmp_path / "whole").rows()
    painted_after = [row["head_start"] for row in rows if "head_start" in row]
    assert len(painted_after) == 20 and sum(painted_after[-5:]) < 0.9 * sum(painted_after[:5]) and sum("generator" in row for row in rows) == 4
    taught("gan", tmp_path / "parts", faces, Plan(**{**vars(PLAN), "steps": 19}), head_start=160, rate=3e-3, often=0.0)
    assert same(at, taught("gan", tmp_path / "parts", faces, plan, head_start=160, rate=3e-3, often=0.0, resume=True))


def test_the_gradient_penalty_is_right_in_bfloat16_too():
    slope = torch.randn(3, 8, 8)
    pictures = torch.randn(2, 3, 8, 8, requires_grad=True)
    assert torch.allclose(gan.penalty((pictures * slope).sum((1, 2, 3)), pictures), slope.square().sum().expand(2))
    torch.manual_seed(1)
    net = Discriminator(sized("tiny", PX, 5))
    with torch.no_grad():
        for weight in net.parameters():
            weight.add_(0.05 * torch.randn_like(weight))
    found = {}
    for mixed in (False, True):
        shown = torch.rand(8, 3, PX, PX, generator=seeded(1)).mul(2).sub(1).requires_grad_(True)
        with torch.autocast("cpu", torch.bfloat16, enabled=mixed):
            scores = net(shown, torch.ones(8, 5))
        net.zero_grad()
        gan.penalty(scores, shown).mean().backward()
        found[mixed] = torch.cat([weight.grad.flatten() for weight in net.parameters() if weight.grad is not None])
    assert torch.cosine_similarity(found[True], found[False], 0) > 0.995
    assert 0.97 < found[True].norm() / found[False].norm() < 1.03


def test_augmentations_let_gradients_through_twice():
    pictures = torch.rand(6, 3, 16, 16).requires_grad_(True)
    assert augment.augment(pictures, 0.0, seeded(1)) is pictures
    out = augment.augment(pictures, 0.8, seeded(1))
    assert out.shape == pictures.shape and not torch.equal(out, pictures)
    assert torch.equal(out, augment.augment(pictures, 0.8, seeded(1)))
    gan.penalty(out.pow(3).sum((1, 2, 3)), pictures).sum().backward()
    assert pictures.grad.isfinite().all() and pictures.grad.abs().sum() > 0
    for kind in augment.KINDS:
        changed = (augment.augment(pictures.detach(), 0.5, seeded(2), [kind]) != pictures).flatten(1).any(1)
        assert 0 < changed.sum() < 6, f"{kind} happens to some"


def test_the_dial_follows_how_far_the_discriminator_overfits():
    real, made, held = torch.full((8,), 2.0), torch.full((8,), -2.0), torch.full((8,), -1.0)
    assert augment.overfit(real, made, held) == pytest.approx(0.75)
    assert augment.overfit(real + 100, made + 100, held + 100) == pytest.approx(0.75)
    assert augment.overfit(real, made, real) == 0 and augment.overfit(real, made) == 1
    assert augment.followed(0.1, 0.75, 0.5, 10_000) == pytest.approx(0.2)
    assert augment.followed(0.1, 0.25, 0.5, 50_000) == 0.0 and augment.followed(0.79, 0.9, 0.5, 50_000) == augment.MOST


def test_pictures_are_seen_in_rounds():
    seen = np.concatenate([order(3, 8 * step, 8, 20) for step in range(5)])
    assert sorted(seen[:20]) == sorted(seen[20:]) == list(range(20)) and list(seen[:20]) != list(seen[20:])
    assert np.array_equal(seen[13:29], order(3, 13, 16, 20))


def test_the_average_forgets_half_in_the_pictures_it_is_told():
    average, net = torch.nn.Linear(1, 1), torch.nn.Linear(1, 1)
    with torch.no_grad():
        average.weight.fill_(0.0)
        net.weight.fill_(1.0)
    for _ in range(10):
        follow(average, net, 100, 1000, 10 ** 6)
    assert average.weight.item() == pytest.approx(0.5, abs=1e-5)


def test_checkpoints_in_pieces(faces, tmp_path, monkeypatch):
    monkeypatch.setattr(checkpoints.split, "__defaults__", (50_000,))
    plan = Plan(**{**vars(PLAN), "steps": 2, "pieces": True})
    at = taught("gan", tmp_path / "pieces", faces, plan)
    assert max(path.stat().st_size for path in at.iterdir()) <= 50_000 and (at / "generator.safetensors.01").is_file()
    again = taught("gan", tmp_path / "pieces", faces, Plan(**{**vars(plan), "steps": 4}), resume=True)
    assert json.loads((again / "state.json").read_text())["step"] == 4


def test_runs_can_be_looked_at_from_outside(learnt, tmp_path, capsys):
    assert run.main([str(learnt["vae"])]) == 0
    told = json.loads(capsys.readouterr().out)
    assert told[0]["state"] == "ended" and told[0]["about"]["family"] == "vae" and told[0]["about"]["plan"]["batch"] == 8
    assert run.main([str(tmp_path)]) == 1 and "no training" in capsys.readouterr().err
    (tmp_path / "one").mkdir()
    one = Run(tmp_path / "one")
    one.begin({"family": "vae"}, fresh=True)
    one.log({"step": 1, "pictures": 8, "loss": 2.0})
    one.log({"step": 2, "pictures": 16, "loss": 1.0, "figure": 4.0})
    (one.folder / "log.csv").open("a").write("3,24,")
    assert one.rows() == [{"step": 1, "pictures": 8, "loss": 2.0}, {"step": 2, "pictures": 16, "loss": 1.0, "figure": 4.0}, {"step": 3, "pictures": 24}]
    one.trim(1)
    assert one.rows() == [{"step": 1, "pictures": 8, "loss": 2.0}] and one.curves() is None
    assert [found.folder for found in run.found(tmp_path)] == [one.folder]
    assert run.main([str(tmp_path), "--stop"]) == 0 and one.asked()
    one.end("ended")
    assert not one.alive() and not one.asked()
    assert run.spoken(3_725) == "1 h 02 min" and run.spoken(65) == "1 min 05 s" and run.spoken(None) == "?"


def test_a_grid_of_pictures():
    sheet = grid(torch.arange(3, dtype=torch.uint8)[:, None, None, None].expand(3, 3, 4, 4))
    assert sheet.size == (8, 8) and np.asarray(sheet)[[0, 0, 4, 4], [0, 4, 0, 4], 0].tolist() == [0, 1, 2, 255]
