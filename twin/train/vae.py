"""The first family: a variational autoencoder. `python -m twin.train.vae SET --out DIR --size small --px 128 --hours 2`

What is learnt: to say a portrait in a few numbers and to paint it again from them (twin/paint/vae.py). The loss is how far the second is from the first, at
several finenesses, and how far the numbers are from N(0, 1). After it statistics are fitted: scales, directions of attributes, a Gaussian to draw from.
"""
from __future__ import annotations

import argparse
import copy
import math
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

import torch
from torch import Tensor
from torch.nn.functional import avg_pool2d, interpolate

from twin.errors import Missing
from twin.paint import attributes as looks
from twin.paint.gan import KNOWN
from twin.paint.pretrained import laid
from twin.paint.vae import SIZES, Autoencoder, Statistics, Vae, sized

from . import checkpoints
from .data import FaceSet, Portraits, open_set
from .ground import Figure, Ground, Plan, Sampler, arguments, clock, done, figured, follow, grid, nearest, planned, seeded

KL = 1e-3                                                # weight of the KL divergence of a latent's number, on average
RATE, WARM = 6e-4, 3_000                                 # Adam's rate, and pictures over which it rises
LEVELS = 3                                               # of the pyramid
COMPONENTS, RIDGE, FITTED = 256, 1e-2, 10_000            # principal components; of an attribute's variance; pictures that statistics are fitted on
LOOKED = 256                                             # held-out pictures


def pyramid(wrong: Tensor, levels: int = LEVELS) -> Tensor:
    """The mean size of an error (B, 3, S, S), plus that of each of its Laplacian pyramid's bands: edges count that a plain mean would blur
    (arxiv.org/abs/1707.05776)."""
    loss = wrong.abs().mean()
    for _ in range(min(levels, wrong.shape[-1].bit_length() - 1)):
        coarse = avg_pool2d(wrong, 2)
        loss = loss + (wrong - interpolate(coarse, scale_factor=2, mode="bilinear")).abs().mean()
        wrong = coarse
    return loss


def divergence(mean: Tensor, variance: Tensor) -> Tensor:
    """KL(N(mean, variance) ‖ N(0, 1)) of a number, on average; `variance` as its logarithm (arxiv.org/abs/1312.6114, appendix B)."""
    return 0.5 * (mean.square() + variance.exp() - 1 - variance).mean()


def train(out: Path, faces: Path | FaceSet, plan: Plan, size: str = "small", px: int = 128, *, kl: float = KL, rate: float = RATE, warm: int = WARM,
          resume: bool = False, figure: Figure | None = None, say: Callable[[str], None] = print) -> Path:
    """Train in `out`. `warm`: pictures over which the rate rises. Returns the last checkpoint. Raises Missing, Refused, TwinError."""
    ground = Ground(out, plan, "vae", {"size": size, "kl": kl}, faces, px, resume=resume, say=say)
    torch.manual_seed(plan.seed)
    net = laid(Autoencoder(sized(size, px)), ground.device)
    average = copy.deepcopy(net).eval().requires_grad_(False)
    optimiser = torch.optim.Adam(net.parameters(), rate, betas=(0.9, 0.99))
    shown = ground.held or ground.portraits

    def held_out(sampler: Sampler) -> float:
        return wrongness(Vae(average), shown)

    def sheet(count: int) -> Tensor:
        pictures = torch.from_numpy(shown.pixels[:count // 2].copy())
        return torch.stack([pictures, Vae(average).reconstruct(pictures)], 1).flatten(0, 1)

    ground.attach({"net": net, "average": average}, {"net": optimiser}, sampler=lambda n, seed: Vae(average).sample(n, seed), sheet=sheet,
                  figure=figure or held_out, export=lambda folder: Vae(average).save_pretrained(folder, torch.float16))
    for _ in ground.steps():
        seen = ground.state.pictures
        for group in optimiser.param_groups:
            group["lr"] = rate * min(1.0, (seen + plan.batch) / warm)
        for part in ground.parts():
            with ground.autocast():
                mean, variance = net.encode(part.pictures)
                variance = variance.clamp(-20, 10)
                latent = mean + (0.5 * variance).exp() * ground.noise("latent", part, *mean.shape[1:])
                painted = net.decode(latent)
            wrong = pyramid(painted - part.pictures)
            apart = divergence(mean, variance)
            ground.accelerator.backward((wrong + kl * apart) / plan.accumulate)
            ground.note(reconstruction=wrong.detach(), divergence=apart.detach())
        ground.note(gradient=ground.update("net", clip=1.0))
        follow(average, net, plan.batch, plan.average, seen + plan.batch)
    at = checkpoints.newest(out)
    assert at is not None
    if ground.first and plan.sheet and ground.ended != "asked":
        vae = fitted(Vae(average.cpu()), ground.portraits, plan.seed)
        nearest(vae.sample(32, 0), ground.portraits, out / "nearest.png")
        grid(vae.sample(64, 0)).save(out / "samples" / "drawn.png")
    ground.accelerator.wait_for_everyone()
    return at


@torch.no_grad()
def encoded(vae: Vae, portraits: Portraits, most: int = 0) -> Tensor:
    """Latents of pictures, float16 [n, c, s, s]."""
    count = min(most or len(portraits), len(portraits))
    return torch.cat([vae.encode(torch.from_numpy(portraits.pixels[at:min(at + 64, count)].copy())).half() for at in range(0, count, 64)])


@torch.no_grad()
def wrongness(vae: Vae, portraits: Portraits, most: int = LOOKED) -> float:
    """The mean error of reconstructing pictures, in 0..255 of a channel."""
    pictures = torch.from_numpy(portraits.pixels[:most].copy())
    return float((vae.reconstruct(pictures).float() - pictures.float()).abs().mean())


@torch.no_grad()
def fitted(vae: Vae, portraits: Portraits, seed: int = 1, components: int = COMPONENTS, most: int = FITTED) -> Vae:
    """`vae` with statistics of the latents of (a part of) `portraits`: the scale of each channel; by ridge regression what each attribute adds; the principal
    components of what is left, of which new faces are drawn (density estimation afterwards, arxiv.org/abs/1903.12436)."""
    rows = torch.randperm(len(portraits), generator=seeded(seed, "fitted"))[:most].sort().values.numpy()
    size = vae.size
    vae.statistics = Statistics.none(size)
    found = torch.cat([vae.encode(torch.from_numpy(portraits.pixels[rows[at:at + 64]])) for at in range(0, len(rows), 64)])
    shift, scale = found.mean((0, 2, 3)), found.std((0, 2, 3)).clamp_min(1e-6)
    flat = ((found - shift[:, None, None]) / scale[:, None, None]).flatten(1)
    known = torch.from_numpy(portraits.attributes[rows])
    mean, centre = flat.mean(0), known.mean(0)
    told = known - centre
    width = known.shape[1]
    cross = told.T @ told / len(rows)
    ridge = RIDGE * cross.diagonal().mean().clamp_min(1e-6) if width else torch.tensor(1.0)
    directions = torch.linalg.solve(cross + ridge * torch.eye(width), told.T @ (flat - mean) / len(rows)) if width else torch.zeros(0, flat.shape[1])
    rest = flat - mean - told @ directions
    count = max(1, min(components, len(rows) - 1, flat.shape[1]))
    with torch.random.fork_rng(devices=[]):              # a randomised decomposition: the same each time
        torch.manual_seed(seed)
        _, lengths, axes = torch.pca_lowrank(rest, count, center=False, niter=3)
    vae.statistics = Statistics(shift, scale, mean, axes.T.contiguous(), lengths / math.sqrt(len(rows)), directions, centre, known[:KNOWN].clone())
    vae.names = attribute_names(width)
    return vae


def attribute_names(width: int) -> tuple[str, ...]:
    """What the numbers of a vector are called: twin/paint/attributes.py's, or a0, a1 ... for numbers of another origin."""
    names = tuple(name for key, row in looks.ATTRIBUTES.items()
                  for name in ([f"{key}={value}" for value in row.often] if isinstance(row, looks.Choice) else [key]))
    return names if len(names) == width else tuple(f"a{number}" for number in range(width))


def exported(out: Path, faces: Path, folder: Path) -> None:
    """The newest checkpoint's average, with its statistics, in 16 bits. Raises Missing."""
    import json
    at = checkpoints.newest(out)
    if at is None:
        raise Missing(f"There is no checkpoint in {out}.", "Train first.")
    settings = json.loads((at / "config.json").read_text("utf-8"))
    net = Autoencoder(sized(settings["size"], settings["px"]))
    net.load_state_dict(checkpoints.read(at / "average.safetensors"))
    vae = fitted(Vae(laid(net)), open_set(faces).portraits("train", settings["px"]), settings["seed"])
    vae.save_pretrained(folder, torch.float16)


def main(given: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m twin.train.vae", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments(parser, SIZES, batch=32, check=20_000)
    parser.add_argument("--kl", type=float, default=KL, help="weight of the KL divergence: more makes latents nearer to N(0, 1) and pictures blurrier")
    parser.add_argument("--rate", type=float, default=RATE)
    options = parser.parse_args(given)
    torch.set_num_threads(options.threads)

    def run() -> None:
        if options.export:
            exported(options.out, options.set, options.export)
            return
        plan = planned(options)
        faces = open_set(options.set)
        train(options.out, faces, plan, options.size, options.px, kl=options.kl, rate=options.rate, resume=options.resume,
              figure=figured(options, faces), say=clock)
    return done(run, clock)


if __name__ == "__main__":
    sys.exit(main())
