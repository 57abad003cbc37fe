"""The third family: latent diffusion. `python -m twin.train.diffusion SET --vae FOLDER --out DIR --size small --px 128 --hours 3`

What is learnt: on the straight way from a face's latent to noise, which direction noise lies in (twin/paint/diffusion.py), led by some of the face's
attributes and a sentence about it, now and then by neither. The loss is the mean square of what is wrong with that direction; places on the way are drawn
most often where it is hardest to tell, in the middle (arxiv.org/abs/2403.03206, section 3.1). The autoencoder (vae.py) was trained before and stays as it is.
"""
from __future__ import annotations

import argparse
import copy
import sys
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from twin.errors import Missing
from twin.paint import attributes as looks
from twin.paint.diffusion import SENTENCE, SIZES, Asked, Denoiser, Diffusion, sized
from twin.paint.vae import Vae

from . import checkpoints
from .data import FaceSet, Portraits, open_set
from .ground import Figure, Ground, Plan, arguments, clock, done, figured, follow, grid, nearest, planned
from .vae import encoded

RATE, WARM = 6e-4, 5_000                                 # AdamW's rate, and pictures over which it rises
DECAY = 0.01
OPEN = 0.1                                               # share of faces of which nothing is told
TOLD = 0.6                                               # ... of the others, to which a sentence is told
WHOLE = 0.5                                              # ... and all attributes, which is how the wizard asks
PROBED = 256                                             # held-out faces whose loss is looked at
Embed = Callable[[list[str]], np.ndarray]


def train(out: Path, faces: Path | FaceSet, vae: Vae, plan: Plan, size: str = "small", *, rate: float = RATE, warm: int = WARM, resume: bool = False,
          embed: Embed | None = None, figure: Figure | None = None, say: Callable[[str], None] = print) -> Path:
    """Train in `out`. `embed`: sentences -> float32 [n, 384]; without it no sentence is ever told. Returns the last checkpoint. Raises Missing, Refused,
    TwinError."""
    px = vae.size.px
    ground = Ground(out, plan, "diffusion", {"size": size, "vae": list(vae.size.shape)}, faces, px, resume=resume, say=say)
    known = groups(ground.faces.width)
    torch.manual_seed(plan.seed)
    net = Denoiser(replace(sized(size, vae.size.shape, known), sentence=SENTENCE)).to(ground.device)
    average = copy.deepcopy(net).eval().requires_grad_(False)
    optimiser = torch.optim.AdamW(net.parameters(), rate, betas=(0.9, 0.99), weight_decay=DECAY)
    vae.to(ground.device)
    latents = encoded(vae, ground.portraits)
    held = encoded(vae, ground.held, PROBED) if ground.held else latents[:PROBED]
    said = sentences(ground.portraits, embed, out / "sentences.npy", say)
    made = Diffusion(average, vae, names(ground.faces.width))
    shown = torch.from_numpy((ground.held or ground.portraits).attributes[:64].copy())

    def sampler(n: int, seed: int) -> Tensor:
        return made.sample(n, seed, some_of(ground, n, seed))

    def held_out(_: object) -> float:
        return wrongness(average, held, torch.from_numpy((ground.held or ground.portraits).attributes[:len(held)].copy()))

    ground.attach({"net": net, "average": average}, {"net": optimiser}, sampler=sampler, sheet=lambda n: made.sample(min(n, len(shown)), 0, shown[:n]),
                  figure=figure or held_out, export=lambda folder: made.save_pretrained(folder, torch.float16))
    for _ in ground.steps():
        seen = ground.state.pictures
        for group in optimiser.param_groups:
            group["lr"] = rate * min(1.0, (seen + plan.batch) / warm)
        for rows, slots in ground.rows():
            attributes = torch.from_numpy(ground.portraits.attributes[rows])
            x = latents[rows].float().to(ground.device)
            e = torch.randn(plan.batch, *x.shape[1:], generator=ground.chance("noise"))[slots].to(ground.device)
            times = torch.sigmoid(torch.randn(plan.batch, generator=ground.chance("times")))[slots].to(ground.device)
            asked = masked(ground, attributes, said, rows, slots, len(known)).to(ground.device)
            t = times[:, None, None, None]
            with ground.autocast():
                found = net((1 - t) * x + t * e, times, asked)
            wrong = (found.float() - (e - x)).square().mean()
            ground.accelerator.backward(wrong / plan.accumulate)
            ground.note(loss=wrong.detach())
        ground.note(gradient=ground.update("net", clip=1.0))
        follow(average, net, plan.batch, plan.average, seen + plan.batch)
    at = checkpoints.newest(out)
    assert at is not None
    if ground.first and plan.sheet and ground.ended != "asked":
        nearest(sampler(32, 0), ground.portraits, out / "nearest.png")
        grid(sampler(64, 0)).save(out / "samples" / "drawn.png")
    ground.accelerator.wait_for_everyone()
    return at


def some_of(ground: Ground, n: int, seed: int) -> Tensor:
    """Attributes [n, D] of `n` faces of the set: what a face that nobody described looks like."""
    rows = np.random.default_rng([seed, 3]).integers(len(ground.portraits), size=n)
    return torch.from_numpy(ground.portraits.attributes[rows])


def masked(ground: Ground, attributes: Tensor, said: np.ndarray | None, rows: np.ndarray, slots: slice, count: int) -> Asked:
    """What of each face is told in this step: nothing, or some of its attributes (few more often than many), or all, and perhaps a sentence."""
    batch = ground.plan.batch
    chance = ground.chance("told")
    some, each = torch.rand(batch, 1, generator=chance), torch.rand(batch, count, generator=chance)
    known = (each < some ** 2).float()                   # the share that is told: small ones more often
    known[torch.rand(batch, generator=chance) < WHOLE] = 1.0
    told = (torch.rand(batch, generator=chance) < TOLD).float()
    which = torch.randint(1 << 30, (batch,), generator=chance)
    free = torch.rand(batch, generator=chance) < OPEN
    known[free], told[free] = 0.0, 0.0
    known, told, which = known[slots], told[slots], which[slots]
    if said is None:
        return Asked(attributes, known, torch.zeros(len(rows), SENTENCE), torch.zeros(len(rows)))
    picked = said[rows, which.numpy() % said.shape[1]].astype(np.float32)
    return Asked(attributes, known, torch.from_numpy(picked), told)


def sentences(portraits: Portraits, embed: Embed | None, path: Path, say: Callable[[str], None] = print) -> np.ndarray | None:
    """What is said of each face in English, as float16 [n, k, 384]; kept in `path`. None without an embedder or without captions."""
    if embed is None:
        return None
    if path.is_file():
        kept = np.load(path, mmap_mode="r", allow_pickle=False)
        if len(kept) == len(portraits):
            return kept
    texts = [portraits.faces.captions(portraits.split, number).get("en") or [] for number in range(len(portraits))]
    count = min((len(some) for some in texts), default=0)
    if not count:
        return None
    say(f"reading {count * len(texts):,} sentences")
    flat = embed([text for some in texts for text in some[:count]]).astype(np.float16).reshape(len(texts), count, -1)
    half = path.with_suffix(".half.npy")
    np.save(half, flat)
    half.replace(path)
    return flat


@torch.no_grad()
def wrongness(net: Denoiser, latents: Tensor, attributes: Tensor, seed: int = 7) -> float:
    """The mean square error of the velocity on held-out latents, at the same places and noises each time, with all attributes told."""
    chance = torch.Generator().manual_seed(seed)
    device = next(net.parameters()).device
    total = 0.0
    for at in range(0, len(latents), 32):
        x = latents[at:at + 32].float()
        e, times = torch.randn(x.shape, generator=chance), torch.sigmoid(torch.randn(len(x), generator=chance))
        t = times[:, None, None, None]
        asked = Asked(attributes[at:at + 32], torch.ones(len(x), len(net.size.groups)), torch.zeros(len(x), net.size.sentence), torch.zeros(len(x)))
        found = net(((1 - t) * x + t * e).to(device), times.to(device), asked.to(device)).cpu()
        total += float((found - (e - x)).square().mean((1, 2, 3)).sum())
    return total / max(1, len(latents))


def groups(width: int) -> tuple[int, ...]:
    """How many numbers of a vector of attributes belong to each attribute: twin/paint/attributes.py's, or one each for numbers of another origin."""
    own = tuple(len(row.often) if isinstance(row, looks.Choice) else 1 for row in looks.ATTRIBUTES.values())
    return own if sum(own) == width else (1,) * width


def names(width: int) -> tuple[str, ...]:
    return tuple(looks.ATTRIBUTES) if width == looks.WIDTH else tuple(f"a{number}" for number in range(width))


def embedder() -> Embed | None:
    """MiniLM's, where it is installed."""
    try:
        from twin.think.embed import Embedder
        return Embedder().embed
    except (Missing, ImportError):
        return None


def exported(out: Path, vae: Vae, folder: Path) -> None:
    """The newest checkpoint's average, with its autoencoder, in 16 bits. Raises Missing."""
    import json
    at = checkpoints.newest(out)
    if at is None:
        raise Missing(f"There is no checkpoint in {out}.", "Train first.")
    settings = json.loads((at / "config.json").read_text("utf-8"))
    net = Denoiser(sized(settings["size"], settings["vae"], groups(settings["attributes"])))
    net.load_state_dict(checkpoints.read(at / "average.safetensors"))
    Diffusion(net, vae, names(settings["attributes"])).save_pretrained(folder, torch.float16)


def main(given: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m twin.train.diffusion", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments(parser, SIZES, batch=64, check=50_000, patience=0, average=30_000)
    parser.add_argument("--vae", type=Path, required=True, help="the folder of the autoencoder whose latents are learnt")
    parser.add_argument("--rate", type=float, default=RATE)
    options = parser.parse_args(given)
    torch.set_num_threads(options.threads)

    def run() -> None:
        vae = Vae.from_pretrained(options.vae)
        if options.export:
            exported(options.out, vae, options.export)
            return
        plan = planned(options)
        faces = open_set(options.set)
        train(options.out, faces, vae, plan, options.size, rate=options.rate, resume=options.resume, embed=embedder(),
              figure=figured(options, faces), say=clock)
    return done(run, clock)


if __name__ == "__main__":
    sys.exit(main())
