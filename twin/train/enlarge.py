"""What makes a small face larger: `python -m twin.train.enlarge SET --out DIR --px 512 --hours 1`, on a set of 512 px (twin.train.painted --size 512).

Pictures are made a quarter as large, some of them blurred, noisy or packed a little as generated ones are, and what they were is learnt
(twin/paint/enlarge.py). The loss is the error at several finenesses, which alone leaves hair and skin soft; after some thousand pictures a discriminator of
small squares joins it (sharpen.py), and strands are drawn where strands must have been (arxiv.org/abs/1609.04802).
"""
from __future__ import annotations

import argparse
import copy
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import torch
from torch import Tensor
from torch.nn.functional import avg_pool2d

from twin.errors import Missing
from twin.paint.enlarge import TIMES, Enlarger, Size

from . import checkpoints
from .data import FaceSet, open_set
from .ground import Ground, Plan, arguments, clock, done, follow, planned
from .sharpen import Judge

RATE, WARM = 5e-4, 2_000
PATCH = 32                                               # px of a small picture's patch
PATCHES = 4                                              # of a picture
SPOILT = 0.5                                             # share of small pictures that are spoilt
STRENGTH = 0.5                                           # of the discriminator beside the error
ALONE, JUDGED = 6_000, 2_000                             # pictures before it begins to learn, and from then on until it is heard
SIZES = {"tiny": Size(8, 1), "small": Size(), "base": Size(64, 16)}


def train(out: Path, faces: Path | FaceSet, plan: Plan, size: str = "small", px: int = 512, *, rate: float = RATE, strength: float = STRENGTH,
          alone: int = ALONE, resume: bool = False, say: Callable[[str], None] = print) -> Path:
    """Train in `out`; returns the last checkpoint. Raises Missing, Refused, TwinError."""
    ground = Ground(out, plan, "enlarge", {"size": size, "strength": strength}, faces, px, resume=resume, say=say)
    torch.manual_seed(plan.seed)
    net = Enlarger(SIZES[size]).to(ground.device, memory_format=torch.channels_last)      # type: ignore[call-overload]
    average = copy.deepcopy(net).eval().requires_grad_(False)
    optimiser, judge = torch.optim.Adam(net.parameters(), rate, betas=(0.9, 0.99)), Judge(ground, PATCH * TIMES)
    shown = ground.held or ground.portraits

    @torch.no_grad()
    def sheet(count: int) -> Tensor:
        """Bicubic, made, real; around the eyes."""
        rows = []
        for number in range(max(1, min(count // 3, len(shown)))):
            real = torch.from_numpy(np.array(shown.pixels[number])).float()[None] / 127.5 - 1
            little = avg_pool2d(real, TIMES)
            three = (torch.nn.functional.interpolate(little, scale_factor=TIMES, mode="bicubic"), average(little), real)
            rows += [((one[0, :, px // 4:px * 3 // 4, px // 4:px * 3 // 4] + 1) * 127.5).round().clamp(0, 255).to(torch.uint8) for one in three]
        return torch.stack(rows)

    def held_out(_: object) -> float:
        """The mean error in 0..255 of a channel, of pictures that were not spoilt."""
        with torch.no_grad():
            real = torch.from_numpy(np.array(shown.pixels[:24])).float() / 127.5 - 1
            return float((average(avg_pool2d(real, TIMES)).clamp(-1, 1) - real).abs().mean() * 127.5)

    ground.attach({"net": net, "average": average, "judge": judge.net}, {"net": optimiser, "judge": judge.optimiser},
                  sampler=lambda n, seed: sheet(n), sheet=sheet, figure=held_out, export=lambda folder: average.save_pretrained(folder, torch.float16))
    for _ in ground.steps():
        seen = ground.state.pictures
        for group in optimiser.param_groups:
            group["lr"] = rate * min(1.0, (seen + plan.batch) / WARM)
        for part in ground.parts():
            real = patches(part.pictures, ground.chance("patches", part.slots.start))
            little = spoilt(avg_pool2d(real, TIMES), ground.chance("spoilt", part.slots.start)).contiguous(memory_format=torch.channels_last)
            places = torch.rand(len(real), 2, generator=ground.chance("places", part.slots.start))
            with ground.autocast():
                made = net(little)
            slope = judge.slope(real, made.float(), places, strength if seen >= alone else 0.0, seen >= alone + JUDGED)
            ground.accelerator.backward((made.float() * slope).sum() / plan.accumulate)
        ground.update("judge")
        ground.note(gradient=ground.update("net", clip=1.0))
        follow(average, net, plan.batch, plan.average, seen + plan.batch)
    at = checkpoints.newest(out)
    assert at is not None
    return at


def patches(pictures: Tensor, chance: torch.Generator) -> Tensor:
    """PATCHES squares of each picture, of PATCH * TIMES px, more of them from its middle than a plain draw would take."""
    wide = pictures.shape[-1]
    side = min(PATCH * TIMES, wide)
    out = []
    for picture in pictures:
        places = torch.rand(2, PATCHES, 2, generator=chance).mean(0) * (wide - side + 1)
        for x, y in places.long().clamp_max(wide - side).tolist():
            out.append(picture[:, y:y + side, x:x + side])
    return torch.stack(out)


def spoilt(pictures: Tensor, chance: torch.Generator) -> Tensor:
    """As a generator makes them: some a little soft, some a little noisy."""
    count = len(pictures)
    soft = avg_pool2d(torch.nn.functional.pad(pictures, (1, 1, 1, 1), mode="replicate"), 3, 1)

    def some() -> Tensor:
        return torch.rand(count, 1, 1, 1, generator=chance) * (torch.rand(count, 1, 1, 1, generator=chance) < SPOILT)

    amount, noise = 0.8 * some(), 0.04 * some() * torch.randn(pictures.shape, generator=chance)
    return pictures + (soft - pictures) * amount.to(pictures.device) + noise.to(pictures.device)


def exported(out: Path, folder: Path) -> None:
    """The newest checkpoint's average, in 16 bits. Raises Missing."""
    import json
    at = checkpoints.newest(out)
    if at is None:
        raise Missing(f"There is no checkpoint in {out}.", "Train first.")
    net = Enlarger(SIZES[json.loads((at / "config.json").read_text("utf-8"))["size"]])
    net.load_state_dict(checkpoints.read(at / "average.safetensors"))
    net.save_pretrained(folder, torch.float16)


def main(given: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m twin.train.enlarge", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments(parser, SIZES, batch=8, check=20_000, patience=0, average=4_000)
    parser.add_argument("--rate", type=float, default=RATE)
    parser.add_argument("--strength", type=float, default=STRENGTH, help="of the discriminator beside the error: 0 invents nothing, and is soft")
    options = parser.parse_args(given)
    torch.set_num_threads(options.threads)

    def run() -> None:
        if options.export:
            exported(options.out, options.export)
            return
        train(options.out, open_set(options.set), planned(options), options.size, options.px, rate=options.rate, strength=options.strength,
              resume=options.resume, say=clock)
    return done(run, clock)


if __name__ == "__main__":
    sys.exit(main())
