"""Hair for anybody: each cut is grown once on the template's head, kept on disk, and carried to the head that wears it.

A wig knows, for every point of its strands, how deep it lies beneath the outermost hair as seen from the front and from either side, so that a portrait's
light costs no search. Growing is hair.py's; a cut is some numbers (`CUTS`).
"""

from __future__ import annotations

import logging
import os
import tempfile
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path

import numpy as np

from . import head
from .hair import Locks, Skull, buried, curl, grow, locks, roots, together
from .styles import _trim, beard_weight, scalp

VERSION = 7  # of what lies in the cache
POINTS = 18  # of a strand
SIDES = ((0.0, 0.15, 0.99), (-0.6, 0.55, 0.65), (0.6, 0.55, 0.65))  # directions from which depth is known: the viewer's, and a lamp's at either side
log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Cut:
    """How hair grows and falls; lengths in dm."""

    count: int = 6000  # strands
    length: tuple[float, float] = (1.0, 0.4)  # on top, at the sides
    part: float | None = None  # x of the parting; None without one
    comb: tuple[float, float, float] = (0.0, 0.0, 0.0)  # where it is combed: away from the parting, up, forward
    volume: tuple[float, float] = (0.05, 0.15)  # how far it lies off the head, least and most
    fall: float = 2.0  # pull of the ground
    curl: tuple[float, float] = (0.0, 0.0)  # radius, turns per 3 dm
    bundle: float = 0.06
    wander: float = 0.012
    ragged: float = 0.15
    ruffle: float = 0.08
    floor: float | None = None  # cut level, dm below the eyes
    recede: tuple[float, float] = (0.0, 0.0)
    turn_in: float = 0.0
    width: float = 1.0
    gather: tuple[float, float, float] | None = None  # all hair is drawn towards this place (dm from the eyes' middle)
    ball: tuple[float, float, float, float] | None = None  # a bun there: x, y, z, radius
    tail: tuple[float, float, float, float] | None = None  # a tail from there, of this length
    coils: float = 0.0  # hair that stands off the head in coils of this length
    fringe: bool = False


CUTS: dict[str, Cut] = {
    "buzz": Cut(16000, coils=0.045, recede=(0.02, 0.05), width=0.55),
    "crop": Cut(14000, coils=0.10, recede=(0.02, 0.03), width=0.7),
    "afro": Cut(10000, coils=0.62, width=1.0),
    "curly short": Cut(6500, (0.85, 0.45), None, (0.1, 0.3, 0.15), (0.06, 0.30), 0.9, (0.045, 9), 0.05, 0.014, 0.25, 0.30),
    "short": Cut(6500, (0.62, 0.26), None, (0.25, 0.1, 0.5), (0.03, 0.16), 1.8, (0.02, 1.2), 0.05, 0.014, 0.28, 0.2, recede=(0.03, 0.0)),
    "side part": Cut(6500, (0.95, 0.30), -0.36, (0.95, 0.25, -0.1), (0.04, 0.17), 1.6, (0.0, 0), 0.05, 0.01, 0.2, 0.06, recede=(0.03, 0.04)),
    "quiff": Cut(6500, (0.80, 0.24), None, (0.05, 0.75, -0.55), (0.05, 0.26), 0.5, (0.0, 0), 0.055, 0.01, 0.2, 0.10, recede=(0.02, 0.06)),
    "pixie": Cut(6500, (0.95, 0.45), -0.28, (0.75, 0.15, 0.35), (0.04, 0.18), 2.4, (0.0, 0), 0.05, 0.012, 0.3, 0.12, 0.35),
    "bob": Cut(8000, (3.0, 3.0), -0.34, (0.85, 0.12, -0.2), (0.05, 0.20), 2.3, (0.0, 0), 0.075, 0.008, 0.03, 0.02, 0.97, turn_in=2.2),
    "long straight": Cut(9000, (4.4, 3.8), 0.0, (0.85, 0.05, -0.2), (0.04, 0.13), 2.4, (0.0, 0), 0.07, 0.010, 0.10, 0.03, 2.5),
    "long wavy": Cut(9000, (3.5, 3.1), 0.16, (0.60, 0.25, -0.25), (0.05, 0.26), 1.7, (0.065, 2.6), 0.065, 0.012, 0.18, 0.08),
    "long curly": Cut(9000, (3.0, 2.8), 0.10, (0.60, 0.3, -0.1), (0.08, 0.42), 1.1, (0.085, 7.0), 0.055, 0.014, 0.2, 0.16),
    "bun": Cut(
        6500, (1.55, 1.3), None, (0.0, 0.25, -0.9), (0.03, 0.07), 0.0, (0.0, 0), 0.05, 0.008, 0.04, 0.03, gather=(0.0, 0.95, -1.5), ball=(0.0, 1.28, -1.2, 0.36)
    ),
    "ponytail": Cut(
        6500, (1.6, 1.4), None, (0.0, 0.25, -0.9), (0.03, 0.08), 0.0, (0.0, 0), 0.05, 0.008, 0.04, 0.03, gather=(0.0, 0.85, -1.7), tail=(0.0, 0.95, -1.85, 2.6)
    ),
}
VARIANTS = {
    "short": (replace(CUTS["short"], comb=(-0.3, 0.2, 0.55)), replace(CUTS["short"], length=(0.8, 0.35), curl=(0.03, 2.0))),
    "side part": (replace(CUTS["side part"], part=0.36, comb=(0.95, 0.35, 0.05)),),
    "pixie": (replace(CUTS["pixie"], part=0.30),),
    "bob": (
        replace(CUTS["bob"], part=0.05, floor=1.15, turn_in=1.0),
        replace(CUTS["bob"], part=0.30, curl=(0.05, 2.4), floor=None, length=(2.1, 1.8), ragged=0.15),
    ),
    "long straight": (replace(CUTS["long straight"], part=-0.30, floor=1.9),),
    "long wavy": (replace(CUTS["long wavy"], part=-0.25, length=(2.9, 2.5), curl=(0.08, 3.2)),),
    "long curly": (replace(CUTS["long curly"], part=-0.2, length=(2.4, 2.2), curl=(0.065, 10)),),
    "curly short": (replace(CUTS["curly short"], length=(1.15, 0.7), curl=(0.06, 7)),),
    "quiff": (replace(CUTS["quiff"], length=(1.0, 0.22), part=-0.30, comb=(0.5, 0.6, -0.4)),),
    "afro": (replace(CUTS["afro"], coils=0.38),),
}
FRINGED = ("short", "pixie", "bob", "long straight", "long wavy", "ponytail", "bun", "long curly")


@dataclass(frozen=True)
class Wig:
    """Strands float32 [n, k, 3] on the template (dm), of which any beginning is a fair sample; deep float32 [3, n, k] dm under the hair; tone, width [n]."""

    strands: np.ndarray
    deep: np.ndarray
    tone: np.ndarray
    width: np.ndarray


def names() -> list[tuple[str, int]]:
    """Every cut with the number of each of its variants."""
    return [(name, k) for name in CUTS for k in range(1 + len(VARIANTS.get(name, ())))]


@lru_cache(maxsize=2)
def _skull(tied: bool) -> Skull:
    points = head.template().rest.astype(np.float64).copy()
    ear = tied & (np.abs(points[:, 0]) > 0.74) & (points[:, 1] > 6.6) & (points[:, 1] < 7.6) & (points[:, 2] > -0.4)
    points[ear, 0] = np.sign(points[ear, 0]) * 0.74  # hair passes over them
    return Skull(points)


def _home() -> Path:
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "twin" / f"wigs-{VERSION}"


@lru_cache(maxsize=64)
def wig(name: str, variant: int = 0, fringe: bool = False) -> Wig:
    """A cut's wig, grown at first use (about a second) and kept in the cache on disk. Raises KeyError for an unknown cut."""
    every = (CUTS[name], *VARIANTS.get(name, ())) if name != "beard" else ()
    path = _home() / f"{name.replace(' ', '-')}-{variant}{'-f' if fringe else ''}.npz"
    try:
        with np.load(path, allow_pickle=False) as kept:
            return Wig(*(kept[key].astype(np.float32) for key in ("strands", "deep", "tone", "width")))
    except (OSError, ValueError, KeyError):
        pass
    made = _beard() if name == "beard" else _grown(replace(every[variant % len(every)], fringe=fringe))
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.NamedTemporaryFile(dir=path.parent, suffix=".npz", delete=False) as half:
            np.savez(half, strands=made.strands, deep=made.deep.astype(np.float16), tone=made.tone, width=made.width)
        os.replace(half.name, path)
    except OSError as trouble:
        log.info("a wig was not kept: %s", trouble.strerror)
    return made


def _finished(hair: Locks, rng: np.random.Generator) -> Wig:
    order = rng.permutation(len(hair.strands))
    strands = hair.strands[order].astype(np.float32)
    if strands.shape[1] != POINTS:
        at = np.linspace(0, strands.shape[1] - 1, POINTS)
        low = np.clip(at.astype(int), 0, strands.shape[1] - 2)
        strands = strands[:, low] * (1 - (at - low))[None, :, None] + strands[:, low + 1] * (at - low)[None, :, None]
    flat = strands.reshape(-1, 3).astype(np.float64)
    deep = np.stack([buried(flat, np.array(way) / np.linalg.norm(way)).reshape(strands.shape[:2]) for way in SIDES])
    return Wig(strands.astype(np.float32), deep.astype(np.float32), hair.tone[order].astype(np.float32), hair.width[order].astype(np.float32))


def _grown(cut: Cut) -> Wig:
    rng = np.random.default_rng(3)
    points, skull = head.template().rest.astype(np.float64), _skull(cut.gather is not None)
    keep = scalp(*cut.recede)
    eye = points[np.unique(head.template().eyes)].mean(0)
    if cut.coils:
        return _finished(_coils(points, keep, cut, skull, rng), rng)
    start, normal, rest = roots(points, keep, 560, rng)
    part = cut.part if cut.part is not None else 0.0
    side = np.where(start[:, 0] - part + 0.03 * rng.standard_normal(len(start)) > 0, 1.0, -1.0)
    one = np.ones(len(start))
    away, up, forward = cut.comb
    high = np.clip((start[:, 1] - eye[1] - 0.35) / 0.45, 0, 1)
    front = np.clip((start[:, 2] - 0.5) / 0.6, 0, 1)
    long = cut.length[0] > 1.8
    across = side if cut.part is not None else np.sign(away) * one * 0.6
    towards = normal * (0.35 + (0.3 if long else 0.0) * high)[:, None] + np.stack(
        [across * abs(away) * (0.4 + 0.6 * high), up * high - 0.6 * (1 - high) * (cut.gather is None), forward * one - 0.25 * front * (forward < 0)], 1
    )
    towards += cut.ruffle * rng.standard_normal((len(start), 3)) * (0.4 + 0.6 * high)[:, None]
    length = (cut.length[1] + (cut.length[0] - cut.length[1]) * high) * rng.uniform(0.88, 1.06, len(start))
    lift = cut.volume[0] + (cut.volume[1] - cut.volume[0]) * rng.random(len(start)) ** 0.8 * (0.35 + 0.65 * high)
    goal = eye + np.array(cut.gather) if cut.gather else None

    def pull(p: np.ndarray, t: float) -> np.ndarray:
        if goal is not None:
            to = goal - p
            return 3.5 * to / np.maximum(np.linalg.norm(to, axis=1, keepdims=True), 0.2)
        if not long:
            return np.stack(
                [
                    2.2 * across * abs(away) * high,
                    (2.0 * up - cut.fall * (0.4 + t)) * high - 2.5 * (1 - high),
                    2.2 * forward * high + 0.6 * max(forward, 0) * front,
                ],
                1,
            )
        face = np.clip(0.90 - np.abs(p[:, 0]), 0, 1) * (p[:, 2] > 0.28) * (p[:, 1] < eye[1] + 1.03)
        back = (p[:, 2] > 0.90) * (np.abs(p[:, 0]) < 1.0)
        inward = np.clip(eye[1] - 0.62 - p[:, 1], 0, 0.5) * cut.turn_in * (np.abs(p[:, 0]) > 0.62)
        flare = -0.7 * np.clip(eye[1] - 1.1 - p[:, 1], 0, 1) * (np.abs(p[:, 0]) > 0.95) * (cut.turn_in == 0)
        ahead = np.clip(0.35 - p[:, 2], 0, 1) * (np.abs(p[:, 0]) > 0.7) * (p[:, 1] < eye[1] - 0.2)
        return np.stack([side * (3.3 * face + flare) - np.sign(p[:, 0]) * inward, -cut.fall * one, -2.0 * back + 0.9 * ahead], 1)

    if goal is not None:  # what would reach further than the knot ends there
        length = np.minimum(length, 1.12 * np.linalg.norm(goal - start, axis=1))
    steps = 60 if cut.floor else 34
    guides = grow(start, towards, np.maximum(length, 0.2), skull, lift, pull, steps, hold=eye[1] - 0.35)
    for _ in range(3 if goal is not None else 1):  # what clings to the head jumps from step to step
        guides[:, 1:-1] = (guides[:, :-2] + 2 * guides[:, 1:-1] + guides[:, 2:]) / 4
    if cut.floor is not None and long:
        guides = _trim(guides, eye[1] - cut.floor + 0.035 * rng.standard_normal(len(guides)) - 0.10 * np.clip(guides[:, 30, 2], -1, 1), 34)
    if cut.curl[0]:
        guides = curl(guides, cut.curl[0] * rng.uniform(0.8, 1.3, len(guides)), np.maximum(cut.curl[1] * length / 3.0, 0.6), 0.12, rng)
    inner = np.clip(keep * 3 - 2, 0, 1)
    under = locks(guides, roots(points, inner, cut.count // 6, rng)[0], skull, rng, bundle=0.10, width=2.6, wander=0.012, ragged=0.2)
    under.tone *= 0.5
    main = locks(
        guides,
        roots(points, keep, cut.count, rng)[0],
        skull,
        rng,
        bundle=cut.bundle,
        tip=0.55,
        wander=cut.wander,
        ragged=cut.ragged,
        tone_spread=0.12,
        width=cut.width,
    )
    loose = locks(guides, roots(points, keep, cut.count // 40, rng)[0], skull, rng, bundle=0.14, tip=1.3, wander=0.05, width=0.55, ragged=0.35)
    pieces = [under, main, loose]
    if cut.fringe:
        pieces.append(_fringe(points, keep, skull, eye, guides.shape[1], cut, rng))
    if cut.ball:
        pieces.append(_ball(eye + np.array(cut.ball[:3]), cut.ball[3], guides.shape[1], rng))
    if cut.tail:
        pieces.append(_tail(eye + np.array(cut.tail[:3]), cut.tail[3], guides.shape[1], rng))
    return _finished(together(*pieces), rng)


def _fringe(points: np.ndarray, keep: np.ndarray, skull: Skull, eye: np.ndarray, steps: int, cut: Cut, rng: np.random.Generator) -> Locks:
    """Hair from above the forehead that falls over it, to a little above the brows."""
    rest = head.template().rest
    front = keep * (rest[:, 2] > 0.70) * (np.abs(rest[:, 0]) < 0.66)
    start, normal, _ = roots(points, front, 220, rng)
    lean = 0.35 * rng.standard_normal() + 0.12 * rng.standard_normal(len(start))
    towards = normal * 0.35 + np.stack([0.5 * start[:, 0] + lean, 0.0 + 0 * lean, 1.0 + 0 * lean], 1)
    away = np.linalg.norm((start - [0, eye[1] + 0.33, 1.5]) * [0.3, 1, 1], axis=1)
    length = away * 1.08 + 0.05 * rng.standard_normal(len(start))

    def pull(p: np.ndarray, t: float) -> np.ndarray:
        return np.stack([0.6 * lean, -2.6 - 2 * t + 0 * lean, 0.4 - 1.0 * t + 0 * lean], 1)

    guides = grow(start, towards, np.clip(length, 0.3, 1.6), skull, np.full(len(start), 0.075), pull, steps, hold=eye[1])
    return locks(guides, roots(points, front, cut.count // 3, rng)[0], skull, rng, bundle=0.06, tip=0.7, wander=0.010, ragged=0.10, tone_spread=0.10)


def _ball(centre: np.ndarray, radius: float, steps: int, rng: np.random.Generator) -> Locks:
    """Strands wound about a ball, each on a circle of its own."""
    n = 900
    axis = rng.standard_normal((n, 3)) * [0.5, 0.5, 1.0]
    axis /= np.linalg.norm(axis, axis=1, keepdims=True)
    first = np.cross(axis, rng.standard_normal((n, 3)))
    first /= np.linalg.norm(first, axis=1, keepdims=True)
    second = np.cross(axis, first)
    t = np.linspace(0, 1, steps)[None] * rng.uniform(1.2, 2.6, (n, 1)) + rng.uniform(0, 6.3, (n, 1))
    size = radius * rng.uniform(0.90, 1.04, (n, 1))
    off = axis * (size * rng.uniform(-0.5, 0.5, (n, 1)))
    round_ = np.sqrt(np.maximum(size**2 - (off**2).sum(1, keepdims=True), 0.01))
    strands = centre + off[:, None] + (round_ * np.cos(t))[..., None] * first[:, None] + (round_ * np.sin(t))[..., None] * second[:, None]
    return Locks(strands.astype(np.float32), np.full(n, 1.3, np.float32), (1 + 0.12 * rng.standard_normal(n)).astype(np.float32))


def _tail(start: np.ndarray, length: float, steps: int, rng: np.random.Generator) -> Locks:
    """A tail that rises from the back of the head and falls over one shoulder."""
    n = 1600
    t = np.linspace(0, 1, steps)[None]
    root = start + 0.13 * rng.standard_normal((n, 3)) * [1, 1, 0.5]
    x = 1.0 * np.sin(t * 1.9) ** 1.0 + 0 * root[:, :1]
    y = 0.28 * np.sin(np.minimum(t * 5.5, np.pi)) - length * np.clip(t - 0.12, 0, 1)
    z = -0.25 * np.sin(t * np.pi) + 1.45 * t**1.4
    spread = (0.10 + 0.20 * np.sin(np.clip(t * 1.1, 0, 1) * np.pi))[..., None]
    strands = root[:, None] + np.stack([x + 0 * y, y + 0 * x, z + 0 * x], -1) + spread * rng.standard_normal((n, 1, 3)) * 0.7
    strands += 0.03 * np.sin(t * rng.uniform(4, 12, (n, 1)) + rng.uniform(0, 6, (n, 1)))[..., None]
    return Locks(strands.astype(np.float32), np.full(n, 1.0, np.float32), (1 + 0.12 * rng.standard_normal(n)).astype(np.float32))


def _coils(points: np.ndarray, keep: np.ndarray, cut: Cut, skull: Skull, rng: np.random.Generator) -> Locks:
    """Hair that stands away from the head, each strand a coil; long ones make a round shape."""
    start, normal, _ = roots(points, keep, cut.count, rng)
    steps, long = POINTS, cut.coils > 0.3
    t = np.linspace(0, 1, steps)[None, :, None]
    way = normal + (np.array([0, 0.1, -0.05]) if long else np.array([0, -0.5, 0.5])) + (0.22 if long else 0.35) * rng.standard_normal(normal.shape)
    way /= np.linalg.norm(way, axis=1, keepdims=True)
    across = np.cross(way, rng.standard_normal(way.shape))
    across /= np.linalg.norm(across, axis=1, keepdims=True)
    other = np.cross(way, across)
    size = cut.coils * rng.uniform(0.7, 1.1, (len(start), 1, 1))
    if long:
        turns, radius = 2 * np.pi * size / 0.085, 0.030
        bend = radius * np.minimum(1, t * 4) * (np.sin(turns * t) * across[:, None] + np.cos(turns * t) * other[:, None])
    else:
        bend = (0.32 if cut.coils > 0.06 else 0.05) * size * (np.sin(4.2 * t) * across[:, None] + (1 - np.cos(4.2 * t)) * other[:, None]) * t**0.5
    strands = start[:, None] + way[:, None] * size * t * 0.85 + bend
    return Locks(strands.astype(np.float32), np.full(len(start), cut.width, np.float32), (1 + 0.13 * rng.standard_normal(len(start))).astype(np.float32))


def _beard() -> Wig:
    """Hair of a beard with its moustache; `quick.py` keeps what a style wants of it."""
    rng = np.random.default_rng(4)
    points = head.template().rest.astype(np.float64)
    start, normal, _ = roots(points, beard_weight(), 9000, rng)
    steps = POINTS
    t = np.linspace(0, 1, steps)[None, :, None]
    way = (
        normal * 0.55
        + np.array([0, -0.75, 0.1])
        + np.stack([0.45 * np.sign(start[:, 0]) * (start[:, 1] > 6.62), 0 * start[:, 0], 0 * start[:, 0]], 1)
        + 0.28 * rng.standard_normal(normal.shape)
    )
    way /= np.linalg.norm(way, axis=1, keepdims=True)
    across = np.cross(way, rng.standard_normal(way.shape))
    across /= np.linalg.norm(across, axis=1, keepdims=True)
    size = 0.13 * rng.uniform(0.6, 1.1, (len(start), 1, 1))
    strands = start[:, None] + way[:, None] * size * t + 0.16 * size * np.sin(3.6 * t) * across[:, None]
    return _finished(
        Locks(strands.astype(np.float32), np.full(len(start), 0.75, np.float32), (1 + 0.13 * rng.standard_normal(len(start))).astype(np.float32)), rng
    )
