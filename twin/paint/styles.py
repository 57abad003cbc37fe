"""Hairstyles: where hair grows and how its guides fall. Each gives Locks for a body; `hair.py` does the rest."""

from __future__ import annotations

import numpy as np

from . import head
from .hair import Locks, Skull, curl, grow, locks, roots, together

STEPS = 34
RECEDING = {"cropped": (0.02, 0.08), "tousled": (0.05, 0.0)}  # how far the hairline is raised in front and at the corners, dm
HAIRLINE = ((0, 7.90), (25, 7.89), (42, 7.82), (55, 7.66), (68, 7.40), (80, 7.05), (92, 6.98), (105, 6.80), (130, 6.45), (180, 6.30))


def scalp(raise_front: float = 0.0, corners: float = 0.0) -> np.ndarray:
    """Weight [m] 0..1 per smooth point: on the hairy part of the head. `corners` lets the temples recede (dm)."""
    rest = head.template().rest
    angle = np.degrees(np.arctan2(np.abs(rest[:, 0]), rest[:, 2] - 0.25))
    line = (
        np.interp(angle, *np.array(HAIRLINE, float).T)
        + raise_front * np.clip(1 - angle / 60, 0, 1)
        + corners * np.exp(-(((angle - 42) / 16) ** 2))
    )
    ear = (np.abs(rest[:, 0]) > 0.80) & (rest[:, 1] < 7.42) & (rest[:, 2] > -0.25)
    return np.clip((rest[:, 1] - line) / 0.13, 0, 1) * ~ear


def _edge(rest: np.ndarray) -> np.ndarray:
    """Height (dm) of template places above the hairline."""
    angle = np.degrees(np.arctan2(np.abs(rest[:, 0]), rest[:, 2] - 0.25))
    return rest[:, 1] - np.interp(angle, *np.array(HAIRLINE, float).T)


def loose_curls(points: np.ndarray, skull: Skull, rng: np.random.Generator, fill: float = 1.0) -> Locks:
    """To the shoulders, parted a little to one side, falling in loose curls."""
    keep, part = scalp(), 0.16
    inner = np.clip(keep * 3 - 2, 0, 1)
    eye = points[np.unique(head.template().eyes)].mean(0)
    start, normal, rest = roots(points, keep, 420, rng)
    side = np.where(start[:, 0] - part + 0.05 * rng.standard_normal(len(start)) > 0, 1.0, -1.0)
    front = np.clip((start[:, 2] - 0.5) / 0.6, 0, 1)
    towards = (
        normal * 0.55
        + np.stack([side * (0.55 + 0.25 * front), 0.25 + 0 * side, -0.15 - 0.50 * front], 1)
        + 0.10 * rng.standard_normal((len(start), 3))
    )
    below = np.clip((eye[1] + 0.9 - start[:, 1]) / 1.6, 0, 1)
    length = (3.05 - 1.05 * below) * rng.uniform(0.88, 1.05, len(start))
    lift = np.clip(0.05 + 0.24 * rng.random(len(start)) ** 0.8 * (1 - 0.4 * below), 0.05, 0.32)

    def pull(p: np.ndarray, t: float) -> np.ndarray:
        across = np.clip(0.98 - np.abs(p[:, 0]), 0, 1) * (p[:, 2] > 0.25) * (p[:, 1] < eye[1] + 1.05)
        back = (p[:, 2] > 0.85) * (np.abs(p[:, 0]) < 1.0)
        flare = -0.9 * np.clip((eye[1] - 1.1 - p[:, 1]), 0, 1) * (np.abs(p[:, 0]) > 0.95)
        forward = np.clip(0.35 - p[:, 2], 0, 1) * (np.abs(p[:, 0]) > 0.7) * (p[:, 1] < eye[1] - 0.2)
        return np.stack([side * (3.2 * across + flare), -1.5 + 0 * side, -2.2 * back + 1.0 * forward], 1)

    guides = grow(start, towards, length, skull, lift, pull, STEPS, hold=eye[1] - 0.25)
    guides = curl(guides, rng.uniform(0.07, 0.13, len(guides)), rng.uniform(3.0, 4.4, len(guides)) * length / 3.0, 0.16, rng)
    under = locks(guides, roots(points, inner, int(1300 * fill), rng)[0], skull, rng, bundle=0.12, width=3.2, wander=0.02, ragged=0.25)
    under.tone *= 0.42
    main = locks(
        guides,
        roots(points, keep, int(13000 * fill), rng)[0],
        skull,
        rng,
        bundle=0.062,
        tip=0.5,
        wander=0.013,
        ragged=0.2,
        tone_spread=0.14,
        width=0.85,
    )
    loose = locks(
        guides, roots(points, keep, int(420 * fill), rng)[0], skull, rng, bundle=0.20, tip=1.3, wander=0.05, width=0.5, ragged=0.35
    )
    return together(under, main, loose)


def bob(points: np.ndarray, skull: Skull, rng: np.random.Generator, fill: float = 1.0) -> Locks:
    """Sleek, parted on one side, cut at the jaw and turned in."""
    keep, part = scalp(), -0.34
    inner = np.clip(keep * 3 - 2, 0, 1)
    eye = points[np.unique(head.template().eyes)].mean(0)
    start, normal, rest = roots(points, keep, 520, rng)
    side = np.where(start[:, 0] - part > 0, 1.0, -1.0)
    front = np.clip((start[:, 2] - 0.4) / 0.6, 0, 1)
    towards = (
        normal * 0.35 + np.stack([side * 0.85, 0.12 + 0 * side, -0.10 - 0.30 * front], 1) + 0.02 * rng.standard_normal((len(start), 3))
    )
    lift = np.clip(0.05 + 0.15 * rng.random(len(start)), 0.04, 0.22)

    def pull(p: np.ndarray, t: float) -> np.ndarray:
        face = np.clip(0.80 - np.abs(p[:, 0]), 0, 1) * (p[:, 2] > 0.35) * (p[:, 1] < eye[1] + 1.0)
        back = (p[:, 2] > 0.95) * (np.abs(p[:, 0]) < 0.95)
        turn_in = np.clip(eye[1] - 0.62 - p[:, 1], 0, 0.5) * 2.2
        out = np.sign(p[:, 0])
        return np.stack(
            [
                side * 3.4 * face - out * turn_in * (np.abs(p[:, 0]) > 0.62),
                -2.3 + 0 * side,
                -1.6 * back + 0.5 * (p[:, 2] < -0.1) * (np.abs(p[:, 0]) > 0.7),
            ],
            1,
        )

    guides = grow(start, towards, np.full(len(start), 3.0), skull, lift, pull, 60, hold=eye[1] - 0.45)
    guides = _trim(guides, eye[1] - 0.97 + 0.035 * rng.standard_normal(len(guides)) - 0.10 * np.clip(guides[:, 30, 2], -1, 1), STEPS)
    under = locks(guides, roots(points, inner, int(1500 * fill), rng)[0], skull, rng, bundle=0.10, width=3.2, wander=0.004, ragged=0.08)
    under.tone *= 0.5
    main = locks(
        guides,
        roots(points, keep, int(11000 * fill), rng)[0],
        skull,
        rng,
        bundle=0.075,
        tip=0.8,
        wander=0.008,
        ragged=0.03,
        tone_spread=0.08,
    )
    loose = locks(
        guides, roots(points, keep, int(150 * fill), rng)[0], skull, rng, bundle=0.10, tip=1.2, wander=0.05, width=0.5, ragged=0.2
    )
    return together(under, main, loose)


def _trim(guides: np.ndarray, floor: np.ndarray, steps: int) -> np.ndarray:
    """Cuts guides where they fall below `floor` [g] and samples what is left evenly: [g, steps, 3]."""
    out = np.empty((len(guides), steps, 3))
    for i, path in enumerate(guides):
        low = np.flatnonzero(path[:, 1] < floor[i])
        stop = low[0] if len(low) else len(path) - 1
        if stop and len(low):
            above, under = path[stop - 1, 1], path[stop, 1]
            end = stop - 1 + np.clip((above - floor[i]) / max(above - under, 1e-6), 0, 1)
        else:
            end = stop
        at = np.linspace(0, max(end, 1.0), steps)
        out[i] = np.stack([np.interp(at, np.arange(len(path)), path[:, axis]) for axis in range(3)], -1)
    return out


def tousled(points: np.ndarray, skull: Skull, rng: np.random.Generator, fill: float = 1.0) -> Locks:
    """Short at the sides, longer and ruffled on top, a fringe swept over the forehead."""
    keep = scalp(*RECEDING["tousled"])
    inner = np.clip(keep * 3 - 2, 0, 1)
    eye = points[np.unique(head.template().eyes)].mean(0)
    start, normal, rest = roots(points, keep, 620, rng)
    high = np.clip((_edge(rest) - 0.10) / 0.45, 0, 1) * np.clip((start[:, 1] - eye[1] - 0.35) / 0.45, 0, 1)
    front = np.clip((start[:, 2] - 0.55) / 0.45, 0, 1) * np.clip((start[:, 1] - eye[1] - 0.45) / 0.2, 0, 1)
    ruffle = rng.standard_normal((len(start), 3))
    top = np.maximum(high, front)
    towards = (
        normal * (0.45 + 0.55 * top[:, None])
        + np.stack([0.30 * top, 0.25 * top - 0.75 * (1 - top), 0.55 * front - 0.35 * (1 - top)], 1)
        + ruffle * (0.10 + 0.24 * top[:, None])
    )
    length = 0.26 + 0.50 * top + 0.10 * front + 0.13 * rng.standard_normal(len(start)) * top
    lift = 0.03 + 0.20 * top * rng.random(len(start))

    def pull(p: np.ndarray, t: float) -> np.ndarray:
        return np.stack([0.9 * top + 1.1 * front, -2.6 * top * (0.4 + t) - 2.5 * (1 - top) - 0.9 * front, 0.8 * front + 0 * top], 1)

    guides = grow(start, towards, np.maximum(length, 0.2), skull, lift, pull, 18, hold=eye[1] - 0.4)
    guides = curl(guides, 0.028 * (0.4 + top), np.full(len(guides), 0.8), 0.2, rng)
    under = locks(guides, roots(points, inner, int(2600 * fill), rng)[0], skull, rng, bundle=0.07, width=2.8, wander=0.01, ragged=0.3)
    under.tone *= 0.5
    main = locks(
        guides,
        roots(points, keep, int(11000 * fill), rng)[0],
        skull,
        rng,
        bundle=0.055,
        tip=0.30,
        wander=0.014,
        ragged=0.28,
        tone_spread=0.13,
    )
    loose = locks(
        guides, roots(points, keep, int(350 * fill), rng)[0], skull, rng, bundle=0.12, tip=1.4, wander=0.05, width=0.5, ragged=0.4
    )
    return together(under, main, loose)


def cropped(points: np.ndarray, skull: Skull, rng: np.random.Generator, fill: float = 1.0) -> Locks:
    """Very short and tightly curled, the temples a little receded."""
    keep = scalp(*RECEDING["cropped"])
    start, normal, _ = roots(points, keep, int(20000 * fill), rng)
    return _coils(start, normal, rng, 0.060, np.array([0, -0.1, 0.1]), 0.7)


def beard(points: np.ndarray, skull: Skull, rng: np.random.Generator, fill: float = 1.0) -> Locks:
    """A short boxed beard with moustache."""
    keep = beard_weight()
    start, normal, _ = roots(points, keep, int(13000 * fill), rng)
    return _coils(start, normal, rng, 0.066, np.array([0, -0.9, 0.1]), 0.6)


def beard_weight() -> np.ndarray:
    """Weight [m] 0..1 per smooth point: where a beard grows."""
    base = head.template()
    rest = base.rest
    mark = base.landmarks(rest)
    x, y = np.abs(rest[:, 0]), rest[:, 1]
    cheek = np.interp(x, [0, 0.15, 0.25, 0.36, 0.50, 0.66, 0.76], [mark[2, 1] - 0.02, mark[2, 1] - 0.03, 6.76, 6.67, 6.66, 6.92, 7.25])
    low = np.interp(x, [0, 0.4, 0.75], [6.13, 6.20, 6.52])
    weight = np.clip((cheek - y) / 0.07, 0, 1) * np.clip((y - low) / 0.06, 0, 1) * (rest[:, 2] > 0.28) * np.clip((0.73 - x) / 0.03, 0, 1)
    lips = ((rest[:, 0] / 0.275) ** 2 + ((y - 6.60) / 0.122) ** 2) < 1
    under = np.exp(-(((x - 0.17) / 0.06) ** 2) - ((y - 6.44) / 0.05) ** 2)
    inside = rest[:, 2] < np.interp(x, [0, 0.3], [1.25, 1.0])
    return weight * ~lips * (1 - 0.8 * under) * ~(inside & (x < 0.3) & (y > 6.4))


def _coils(start: np.ndarray, normal: np.ndarray, rng: np.random.Generator, length: float, lean: np.ndarray, width: float) -> Locks:
    steps = 9
    t = np.linspace(0, 1, steps)[None, :, None]
    way = normal + lean + 0.45 * rng.standard_normal(normal.shape)
    way /= np.linalg.norm(way, axis=1, keepdims=True)
    across = np.cross(way, rng.standard_normal(way.shape))
    across /= np.linalg.norm(across, axis=1, keepdims=True)
    other = np.cross(way, across)
    size = length * rng.uniform(0.6, 1.15, (len(start), 1, 1))
    bend = 0.32 * size * (np.sin(4.2 * t) * across[:, None] + (1 - np.cos(4.2 * t)) * other[:, None])
    strands = start[:, None] + way[:, None] * size * t * 0.8 + bend * t**0.5
    return Locks(
        strands.astype(np.float32), np.full(len(start), width, np.float32), (1 + 0.15 * rng.standard_normal(len(start))).astype(np.float32)
    )
