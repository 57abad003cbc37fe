"""Differentiable augmentations for a discriminator that sees few pictures, and the dial that says how often they are used.

The same kinds are done to real pictures and to made ones, so the discriminator can't learn the set by heart and the generator isn't taught to make augmented
faces: DiffAugment (arxiv.org/abs/2006.10738). Each kind happens to a picture with probability p; below about 0.8 what the generator learns stays clean of it,
and p follows how far the discriminator overfits: ADA (arxiv.org/abs/2006.06676). Pictures [B, 3, S, S], -1..1.
"""
from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor
from torch.nn.functional import pad

KINDS = ("colour", "translation", "cutout")
MOST = 0.8                                               # of p: above it augmentations leak (ADA, section 2.2)
TARGET = {"held": 0.5, "sign": 0.6}                      # of how far it overfits (ADA, section 3.1)
RAMP = 100_000                                           # pictures in which p can go from 0 to 1: a fifth of ADA's, for sets a fifth as large
SHIFT, HOLE = 0.125, 0.5                                 # of the side: DiffAugment's


def augment(pictures: Tensor, p: float, chance: torch.Generator, kinds: Sequence[str] = KINDS) -> Tensor:
    """Each kind to each picture with probability `p`, with numbers drawn from `chance` (on the CPU). Gradients go through, also the second ones."""
    if p <= 0 or not kinds:
        return pictures
    count, device = len(pictures), pictures.device
    out = pictures
    for kind in KINDS:                                   # as many numbers are drawn whether or not a kind is used: the next kind's don't depend on it
        does = torch.rand(count, generator=chance) < p
        numbers = torch.rand(count, 3, generator=chance)
        if kind in kinds and bool(does.any()):
            out = _DONE[kind](out, does.to(device), numbers.to(device))
    return out


def _colour(x: Tensor, does: Tensor, numbers: Tensor) -> Tensor:
    """Brightness ± 0.5, saturation 0..2, contrast 0.5..1.5."""
    def each(value: Tensor, plain: float) -> Tensor:
        return torch.where(does, value, torch.full_like(value, plain))[:, None, None, None]
    x = x + each(numbers[:, 0] - 0.5, 0.0)
    grey = x.mean(1, keepdim=True)
    x = grey + (x - grey) * each(2 * numbers[:, 1], 1.0)
    mean = x.mean((1, 2, 3), keepdim=True)
    return mean + (x - mean) * each(numbers[:, 2] + 0.5, 1.0)


def _translation(x: Tensor, does: Tensor, numbers: Tensor) -> Tensor:
    """By whole pixels, up to SHIFT of the side; what comes in is 0."""
    side = x.shape[-1]
    most = int(side * SHIFT + 0.5)
    moves = torch.where(does[:, None], (numbers[:, :2] * (2 * most + 1)).floor().long(), torch.full_like(numbers[:, :2], most).long()).tolist()
    wide = pad(x, (most, most, most, most))
    return torch.stack([wide[row, :, down:down + side, right:right + side] for row, (down, right) in enumerate(moves)])


def _cutout(x: Tensor, does: Tensor, numbers: Tensor) -> Tensor:
    """A square of HOLE of the side becomes 0; its middle lies anywhere in the picture."""
    side = x.shape[-1]
    half = int(side * HOLE + 0.5) / 2
    along = torch.arange(side, device=x.device) + 0.5
    middle = numbers[:, :2] * side
    rows, columns = ((along[None] - middle[:, axis:axis + 1]).abs() < half for axis in (0, 1))
    hole = rows[:, :, None] & columns[:, None, :] & does[:, None, None]
    return x * (~hole)[:, None]


_DONE = {"colour": _colour, "translation": _translation, "cutout": _cutout}


def overfit(real: Tensor, made: Tensor, held: Tensor | None = None) -> float:
    """How far the discriminator knows the set by heart, from its scores: 0 not at all, 1 wholly (ADA, section 3.1).

    With held-out pictures, (E real - E held) / (E real - E made): it doesn't change when all scores are shifted or stretched, as a relativistic loss leaves
    them. Without, E sign(real - E made); ADA's own E sign(real) means nothing to a loss that only looks at differences.
    """
    if held is not None:
        gap = (real.mean() - made.mean()).item()
        return max(-1.0, min(1.0, (real.mean() - held.mean()).item() / gap)) if gap > 1e-6 else 0.0
    return float((real - made.mean()).sign().mean())


def followed(p: float, overfits: float, target: float, pictures: int) -> float:
    """p after another `pictures`: up where the discriminator overfits more than `target`, else down."""
    step = pictures / RAMP
    return max(0.0, min(MOST, p + (step if overfits > target else -step)))
