"""A photo of a face in another style, the face kept where it was: by a pipeline of the hub, or drawn anew by the illustrated painter with no model at all.

`restyle(picture, points, strength, pipeline)` gives a square portrait (FFHQ's square times 1.35) and says how far the face's points have moved in it.

Without a pipeline the photo is read into numbers (`read`): skin, hair, lips, irises, brows, beard and glasses by colour at MediaPipe's points, and the head's
shape by fitting the painter's mesh to them. Colours are settled by looking at the painting as at the photo and correcting what differs, so the light of the
painting doesn't matter. **Neither age nor gender nor origin is guessed from a face**: a person says them, or they stay in the middle. The mesh is built from
measures of proportion alone, whatever its targets are called.
"""
from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any, Protocol

import cv2
import numpy as np
from scipy import optimize

from twin.errors import Missing, Refused

from . import head, quick
from .atlas import atlas
from .attributes import Look, checked, invent
from .body import FRAME
from .canvas import linear, srgb
from .landmarks import BROWS, LIDS, LIPS_INNER, LIPS_OUTER, OVAL
from .likeness import _IRIS, CLOTH, HAIR, Likeness, likeness, ramp

SIDE = 512                               # px of the square a photo is read in
EYES = (33, 133, 263, 362)               # corners
DRAWN = 0.04                             # by which eyes are drawn larger than measured: MediaPipe reads narrow ones wider than they are
ELSEWHERE = 0.7                          # of the distance between the irises: a face that moved so far is another one, or none
DISTANCE = 16.0                          # dm to the camera, as in head.py


@dataclass(frozen=True)
class Restyled:
    """A portrait uint8 [n, n, 3], its points float32 [478, 3] px, and how far the face's points moved, as a share of the distance between the irises."""
    picture: np.ndarray
    points: np.ndarray
    moved: float


class Pipeline(Protocol):
    """What a pipeline has to do: hub.Hub does."""
    def redrawn(self, picture: np.ndarray, prompt: str, strength: float, seed: int) -> np.ndarray: ...


# --- framing

def square(points: np.ndarray, size: int, frame: float = FRAME) -> np.ndarray:
    """The similarity [2, 3] that carries a picture to its face's upright square of `size` px: FFHQ's recipe (Karras et al. 2018, arxiv.org/abs/1812.04948,
    appendix C), its side times `frame`."""
    right, left = (points[list(EYES[k:k + 2]), :2].mean(0) for k in (0, 2))
    eyes, mouth = (right + left) / 2, points[[61, 291], :2].mean(0)
    across, down = left - right, mouth - eyes
    way = across - np.array([-down[1], down[0]])
    way = way / max(float(np.hypot(*way)), 1e-6)
    half = way * frame * max(2.0 * float(np.hypot(*across)), 1.8 * float(np.hypot(*down)), 1.0)
    x, y = half, np.array([-half[1], half[0]])
    middle = eyes + 0.1 * down
    axes = np.stack([x, y], 1) / (size / 2)                # from the square's px to the picture's
    back = np.linalg.inv(axes)
    return np.column_stack([back, size / 2 - back @ middle])


def carried(points: np.ndarray, matrix: np.ndarray) -> np.ndarray:
    """Points [n, 3] through a similarity [2, 3]."""
    scale = float(np.sqrt(abs(np.linalg.det(matrix[:, :2]))))
    return np.column_stack([points[:, :2] @ matrix[:, :2].T + matrix[:, 2], points[:, 2] * scale])


def framed(picture: np.ndarray, points: np.ndarray, size: int) -> tuple[np.ndarray, np.ndarray]:
    """The face's square uint8 [size, size, 3] and its points there; what lies beyond the picture is carried on from its edge."""
    matrix = square(points, size)
    scale = float(np.sqrt(abs(np.linalg.det(matrix[:, :2]))))
    if scale < 0.5:                                        # smoothly to about twice the size first, or fine lines flicker
        small = 2 * scale
        picture = cv2.resize(picture, None, fx=small, fy=small, interpolation=cv2.INTER_AREA)
        matrix, points = matrix @ np.diag([1 / small, 1 / small, 1.0]), carried(points, np.array([[small, 0, 0], [0, small, 0]]))
    out = cv2.warpAffine(picture, matrix, (size, size), flags=cv2.INTER_AREA if scale < 1 else cv2.INTER_CUBIC, borderMode=cv2.BORDER_REPLICATE)
    return out, carried(points, matrix)


def moved(one: np.ndarray, other: np.ndarray) -> float:
    """The mean distance of a face's points [478, >=2] from others in the same picture, as a share of the distance between the irises."""
    return float(np.linalg.norm(one[:468, :2] - other[:468, :2], axis=1).mean() / max(float(np.linalg.norm(other[473, :2] - other[468, :2])), 1e-6))


def onto(one: np.ndarray, other: np.ndarray) -> np.ndarray:
    """The similarity [2, 3] that carries points [n, >=2] best onto others (Umeyama 1991)."""
    a, b = one[:, :2].mean(0), other[:, :2].mean(0)
    u, s, v = np.linalg.svd((one[:, :2] - a).T @ (other[:, :2] - b))
    flip = np.diag([1, np.sign(np.linalg.det(u @ v))])
    turn = (u @ flip @ v).T * (s * np.diag(flip)).sum() / max(float(((one[:, :2] - a) ** 2).sum()), 1e-9)
    return np.column_stack([turn, b - turn @ a])


# --- shape

# Targets with two ends, and single ones; `*` stands for both sides. None of them is of age: that is told, not seen.
_PAIRS = (
    "head-fat-incr/decr", "head-scale-vert-incr/decr", "head-scale-horiz-incr/decr", "head-angle-in/out", "chin-width-incr/decr",
    "chin-height-incr/decr", "chin-bones-incr/decr", "chin-jaw-drop-incr/decr", "chin-prominent-incr/decr", "*-cheek-volume-incr/decr",
    "*-cheek-bones-incr/decr", "*-cheek-inner-incr/decr", "*-cheek-trans-up/down", "forehead-scale-vert-incr/decr", "forehead-temple-incr/decr",
    "nose-scale-horiz-incr/decr", "nose-scale-vert-incr/decr", "nose-scale-depth-incr/decr", "nose-width1-incr/decr", "nose-width2-incr/decr",
    "nose-width3-incr/decr", "nose-point-up/down", "nose-base-up/down", "nose-trans-up/down", "nose-flaring-incr/decr", "nose-hump-incr/decr",
    "mouth-scale-horiz-incr/decr", "mouth-scale-vert-incr/decr", "mouth-trans-up/down", "mouth-upperlip-height-incr/decr",
    "mouth-lowerlip-height-incr/decr", "mouth-upperlip-volume-incr/decr", "mouth-lowerlip-volume-incr/decr", "mouth-upperlip-width-incr/decr",
    "mouth-lowerlip-width-incr/decr", "mouth-cupidsbow-incr/decr", "mouth-angles-up/down", "*-eye-scale-incr/decr", "*-eye-height1-incr/decr",
    "*-eye-height2-incr/decr", "*-eye-height3-incr/decr", "*-eye-corner1-up/down", "*-eye-corner2-up/down", "*-eye-trans-in/out", "*-eye-trans-up/down",
    "eyebrows-trans-up/down", "eyebrows-angle-up/down", "*-eye-bag-incr/decr",
)
_SINGLE = ("head-oval", "head-round", "head-square", "head-invertedtriangular", "head-triangular", "head-rectangular", "head-diamond", "mouth-corner-puller",
           "*-eye-epicanthus-in")
_ORIGINS = ("caucasian", "african", "asian")


@dataclass(frozen=True)
class Basis:
    """What numbers do to the 478 points: `rest` [478, 3] dm, `ways` [k, 478, 3] each at 1, the targets each moves, and the usual values and bounds [k]."""
    rest: np.ndarray
    ways: np.ndarray
    names: tuple[tuple[str, ...], ...]
    mean: np.ndarray
    deviation: np.ndarray
    most: np.ndarray


@lru_cache(maxsize=4)
def basis(old: float = 0.18) -> Basis:
    """`old` 0..1: the share of the mesh's old targets, from the age a person says. It begins from half of each sex and a third of each origin."""
    base, marks = head.template(), atlas().landmarks
    rest = np.asarray(marks @ base.points)
    rows: list[tuple[tuple[tuple[str, float], ...], float, float, float]] = []
    for origin in _ORIGINS:
        for sex in ("female", "male"):
            both = ((f"{origin}-{sex}-young", 1 - old), (f"{origin}-{sex}-old", old))
            rows.append((both, 0.92 / 6, 0.22, 1.0))
    for text in _PAIRS:
        stem, _, ends = text.rpartition("-")
        for end in ends.split("/"):
            rows.append((((f"{stem}-{end}", 1.0),), 0.0, 0.26, 1.0))
    rows += [(((name, 1.0),), 0.22 if name == "mouth-corner-puller" else 0.0, 0.24, 1.0) for name in _SINGLE]
    ways = []
    for parts, *_ in rows:
        delta = np.zeros_like(base.points)
        for name, weight in parts:
            for full in _sides(name):
                index, shift = base.targets[full]
                delta[index] += weight * shift
        ways.append(np.asarray(marks @ delta))
    names = tuple(tuple(f"{name}={weight}" for name, weight in parts) for parts, *_ in rows)
    return Basis(rest, np.array(ways), names, *(np.array([row[k] for row in rows]) for k in (1, 2, 3)))


def _sides(name: str) -> list[str]:
    return [name.replace("*", side, 1) for side in "lr"] if name.startswith("*") else [name]


def _enlarged(marks: np.ndarray, eyes: float) -> np.ndarray:
    """The points [478, 3] with larger eyes, as body.py makes room for them."""
    out = marks.copy()
    for first in (468, 473):
        away = out - (marks[first] - [0, 0, 0.125])
        near = np.exp(-0.5 * ((away[:, 0] / 0.27) ** 2 + (away[:, 1] / 0.21) ** 2 + (away[:, 2] / 0.45) ** 2) ** 1.5)
        out = out + near[:, None] * (away * [eyes - 1, eyes - 1, (eyes - 1) * 0.6])
    return out


def _weights() -> np.ndarray:
    """How much each landmark counts [478]: what people are known by counts more, the inner lips and the hair line less."""
    out = np.full(478, 0.5)
    for ids in (*LIDS, LIPS_OUTER):
        out[list(ids)] = 1.2
    out[list(OVAL)] = 1.0
    out[list(LIPS_INNER)] = 0.15
    for top, low in BROWS:
        out[[*top, *low]] = 0.8
    out[[1, 2, 4, 5, 6, 48, 64, 97, 98, 115, 129, 168, 195, 197, 278, 294, 326, 327, 344, 358, 152, 148, 377]] = 1.2
    out[[54, 103, 67, 109, 10, 338, 297, 332, 284, 21, 251]] = 0.35           # the hair line is a guess of MediaPipe's
    out[468:] = 0.6
    return out


@dataclass(frozen=True)
class Fit:
    """A head: weights of targets, how large the eyes are, yaw, pitch and roll in rad, and the points' distance that is left, of the distance between irises."""
    shape: dict[str, float]
    eyes: float
    turn: tuple[float, float, float]
    left: float


def _closed(points: np.ndarray) -> np.ndarray:
    """The points with the lips brought together: the painter's mouth has no teeth."""
    out = points.copy()
    gap = out[[14, 87, 317], :2].mean(0) - out[[13, 82, 312], :2].mean(0)
    lower = [*LIPS_OUTER[11:], *LIPS_INNER[11:]]
    upper = [*LIPS_OUTER[1:10], *LIPS_INNER[1:10]]
    out[lower, :2] -= 0.6 * gap
    out[upper, :2] += 0.4 * gap
    return out


def fit(points: np.ndarray, old: float = 0.18, rounds: int = 7, loose: float = 1.0) -> Fit:
    """The head whose points, seen by a camera, lie on points [478, 3] px. Gauss-Newton over pose, size of the eyes and weights, each step a bounded least
    squares in which weights are held to what is usual (a Gaussian prior; `loose` widens it)."""
    told = basis(old)
    points = _closed(points)
    unit = float(np.linalg.norm(points[473, :2] - points[468, :2]))
    flat = points[:, :2] / unit * [1, -1]
    flat = flat - flat.mean(0)
    weight = np.sqrt(_weights())[:, None] / 0.035
    w, eyes = told.mean.copy(), 1.31
    marks = told.rest + np.tensordot(w, told.ways, 1)
    turn = _first(points / unit, marks)
    scale, shift = 1.0 / float(np.linalg.norm(marks[473] - marks[468])), np.zeros(2)
    count = len(w)
    for step in range(rounds):
        marks = told.rest + np.tensordot(w, told.ways, 1)
        big = _enlarged(marks, eyes)
        more = (_enlarged(marks, eyes + 0.02) - big) / 0.02
        room = 1 + np.clip(_room(marks) * (eyes - 1), 0, 0.5)
        centre = big.mean(0)
        seen = (big - centre) @ turn.T
        near = DISTANCE / (DISTANCE - seen[:, 2])
        if step == 0:
            shift = np.zeros(2)
            a, b = (seen[:, :2] * near[:, None]).ravel(), flat.ravel()
            scale = float(a @ b / (a @ a))
        now = scale * near[:, None] * seen[:, :2] + shift
        columns = np.zeros((478, 2, count + 7))
        ways = told.ways * room[None, :, None]
        columns[:, :, :count] = (scale * near[:, None, None] * np.einsum("kpc,dc->pdk", ways - ways.mean(1, keepdims=True), turn[:2]))
        columns[:, :, count] = scale * near[:, None] * ((more - more.mean(0)) @ turn.T)[:, :2]
        for axis in range(3):                              # small turns about the picture's axes
            spin = np.cross(np.eye(3)[axis], seen)
            columns[:, :, count + 1 + axis] = scale * near[:, None] * spin[:, :2]
        columns[:, :, count + 4] = now - shift
        columns[:, 0, count + 5], columns[:, 1, count + 6] = 1, 1
        rows = (columns * weight[..., None]).reshape(-1, count + 7)
        wanted = ((flat - now) * weight).ravel()
        prior = np.zeros((count + 1, count + 7))
        prior[:count, :count] = np.diag(1 / (loose * told.deviation))
        prior[count, count] = 1 / 0.06
        aim = np.append((told.mean - w) / (loose * told.deviation), (1.30 - eyes) / 0.06)
        low = np.concatenate([-w - 1e-9, [1.12 - eyes - 1e-9], [-0.4] * 3, [-0.4], [-2, -2]])
        high = np.concatenate([told.most - w + 1e-9, [1.45 - eyes + 1e-9], [0.4] * 3, [0.4], [2, 2]])
        found = optimize.lsq_linear(np.concatenate([rows, prior]), np.concatenate([wanted, aim]), (low, high), max_iter=60, tol=1e-6).x
        w, eyes = np.clip(w + found[:count], 0, told.most), float(eyes + found[count])
        turn = cv2.Rodrigues(found[count + 1:count + 4])[0] @ turn
        scale, shift = scale * (1 + found[count + 4]), shift + found[count + 5:]
    left = float(np.linalg.norm(flat - now, axis=1)[:468].mean())
    shape: dict[str, float] = {}
    for value, parts in zip(w, told.names):
        for part in parts:
            name, _, share = part.partition("=")
            for full in _sides(name):
                if value * float(share) > 0.005:
                    shape[full] = float(value * float(share))
    yaw, pitch = float(np.arctan2(turn[0, 2], turn[2, 2])), float(-np.arcsin(np.clip(turn[1, 2], -1, 1)))
    return Fit(shape, eyes, (yaw, pitch, float(np.arctan2(turn[1, 0], turn[1, 1]))), left)


def _room(marks: np.ndarray) -> np.ndarray:
    """How near each point is to an eye [478], 0..1."""
    out = np.zeros(len(marks))
    for first in (468, 473):
        away = marks - (marks[first] - [0, 0, 0.125])
        out += np.exp(-0.5 * ((away[:, 0] / 0.27) ** 2 + (away[:, 1] / 0.21) ** 2 + (away[:, 2] / 0.45) ** 2) ** 1.5)
    return np.minimum(out, 1)


def _first(points: np.ndarray, marks: np.ndarray) -> np.ndarray:
    """A first rotation [3, 3] of the head: the best one between its points and MediaPipe's, whose depth is rough (Umeyama 1991)."""
    a = marks - marks.mean(0)
    b = points * [1, -1, -1]
    b = b - b.mean(0)
    u, _, v = np.linalg.svd(a.T @ b)
    return (u @ np.diag([1, 1, np.sign(np.linalg.det(u @ v))]) @ v).T


# --- colours and features, in the upright square

@dataclass
class Seen:
    """A face in its square, looked at: `lab` float32 [n, n, 3] (CIE L*a*b*, D65), points [478, 3] px, `person` [n, n] 0..1."""
    picture: np.ndarray
    lab: np.ndarray
    points: np.ndarray
    person: np.ndarray

    @property
    def unit(self) -> float:
        return float(np.linalg.norm(self.points[473, :2] - self.points[468, :2]))


def lab(picture: np.ndarray) -> np.ndarray:
    """sRGB uint8 or 0..255 [..., 3] as CIE L*a*b* float32."""
    flat = np.asarray(picture, np.float32).reshape(-1, 1, 3) / 255
    return cv2.cvtColor(flat, cv2.COLOR_RGB2LAB).reshape(np.shape(picture))


def rgb(colour: np.ndarray) -> np.ndarray:
    """L*a*b* [..., 3] as sRGB 0..255."""
    return np.clip(cv2.cvtColor(np.asarray(colour, np.float32).reshape(-1, 1, 3), cv2.COLOR_LAB2RGB).reshape(np.shape(colour)) * 255, 0, 255)


def looked(picture: np.ndarray, points: np.ndarray, person: np.ndarray | None = None, size: int = SIDE) -> Seen:
    """A picture with points [478, 3] px in its square. `person` [h, w] 0..1 where it is known, else as MediaPipe's segmenter says, or a guess."""
    view, at = framed(picture, points, size)
    if person is None:
        cut = _person(view, at)
    else:
        cut = cv2.warpAffine(person.astype(np.float32), square(points, size), (size, size), flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    return Seen(view, lab(view), at, cut)


def _person(view: np.ndarray, points: np.ndarray) -> np.ndarray:
    from .faces import selfie
    from .matte import _guessed
    try:
        found = selfie(view)
    except Missing:
        return _guessed(points, view.shape[1], view.shape[0])
    inside = found[_filled(view.shape, points[list(OVAL)]) > 0]
    return found if len(inside) and inside.mean() > 0.5 else _guessed(points, view.shape[1], view.shape[0])


def _filled(shape: tuple[int, ...], outline: np.ndarray) -> np.ndarray:
    return cv2.fillPoly(np.zeros(shape[:2], np.uint8), [np.round(outline[:, :2]).astype(np.int32)], 1)


def _disc(seen: Seen, ids: tuple[int, ...], radius: float) -> np.ndarray:
    """Pixels [k, 3] in L*a*b* about some points; `radius` of the distance between the irises."""
    mask = np.zeros(seen.lab.shape[:2], np.uint8)
    for k in ids:
        cv2.circle(mask, (round(float(seen.points[k, 0])), round(float(seen.points[k, 1]))), max(2, round(radius * seen.unit)), 1, -1)
    return seen.lab[mask > 0]


def _median(pixels: np.ndarray) -> np.ndarray:
    return np.median(pixels, 0) if len(pixels) else np.array([50.0, 0, 0])


def skin_of(seen: Seen) -> np.ndarray:
    """L*a*b* of the skin: medians of both cheeks, each by how much of it is turned to us, and of the forehead where it is no hair."""
    p = seen.points
    shown = [max(float(abs(p[k, 0] - p[4, 0])), 1e-3) for k in (50, 280)]
    cheeks = [_median(_disc(seen, ids, 0.10)) for ids in ((50, 101, 118, 205), (280, 330, 347, 425))]
    both = (shown[0] ** 2 * cheeks[0] + shown[1] ** 2 * cheeks[1]) / (shown[0] ** 2 + shown[1] ** 2)
    brow = _median(_disc(seen, (9, 151), 0.08))
    return both if np.linalg.norm(brow - both) > 18 else 0.6 * both + 0.4 * brow


def lips_of(seen: Seen) -> np.ndarray:
    mask = _filled(seen.lab.shape, seen.points[LIPS_OUTER]) & (1 - cv2.dilate(_filled(seen.lab.shape, seen.points[LIPS_INNER]), np.ones((3, 3), np.uint8)))
    mask = cv2.erode(mask, np.ones((3, 3), np.uint8))
    return _median(seen.lab[mask > 0])


def iris_of(seen: Seen) -> np.ndarray | None:
    """L*a*b* of the irises' lower parts, without pupil and glints; None where they are too small or closed."""
    kept = []
    y, x = np.mgrid[:seen.lab.shape[0], :seen.lab.shape[1]]
    for first, lids in ((468, LIDS[0]), (473, LIDS[1])):
        centre = seen.points[first, :2]
        radius = float(np.linalg.norm(seen.points[first + 1:first + 5, :2] - centre, axis=1).mean())
        way = np.hypot(x + 0.5 - centre[0], y + 0.5 - centre[1]) / max(radius, 1e-6)
        inside = (way > 0.5) & (way < 0.85) & (y > centre[1] - 0.25 * radius) & (_filled(seen.lab.shape, seen.points[lids]) > 0)
        if inside.sum() >= 6:
            kept.append(seen.lab[inside])
    if not kept:
        return None
    pixels = np.concatenate(kept)
    return _median(pixels[pixels[:, 0] <= np.quantile(pixels[:, 0], 0.85)])


def brows_of(seen: Seen, skin: np.ndarray) -> tuple[np.ndarray, float]:
    """(L*a*b* of the brows' hairs, how thick they are: the mean height of what is darker than skin, of the distance between the irises)."""
    tones, heights = [], []
    for top, low in BROWS:
        middle = (seen.points[top, :2] + seen.points[low, :2]) / 2
        for t in np.linspace(0.8, 3.2, 9):
            k = int(t)
            at = middle[k] + (middle[k + 1] - middle[k]) * (t - k)
            rows = np.arange(-0.17, 0.10, 1 / seen.unit) * seen.unit + at[1]
            column = seen.lab[np.clip(rows.round().astype(int), 0, seen.lab.shape[0] - 1), int(np.clip(round(at[0]), 0, seen.lab.shape[1] - 1))]
            fall = skin[0] - column[:, 0]
            dark = fall > max(5.0, 0.45 * float(fall.max()))
            heights.append(dark.sum() / seen.unit)
            if dark.any():
                tones.append(column[dark])
    pixels = np.concatenate(tones) if tones else skin[None]
    return _median(pixels[pixels[:, 0] <= np.quantile(pixels[:, 0], 0.5)]), float(np.median(heights))


@dataclass(frozen=True)
class Hairs:
    """What is seen of hair: L*a*b* of it, and shares 0..1 or lengths in face heights of where it lies."""
    tone: np.ndarray
    top: float                                             # share of the skull above the face that isn't skin
    rise: float                                            # of the outline above the face's upper end, in face heights
    spread: float                                          # the outline's width at the temples, in face widths
    low: float                                             # share beside the jaw, of the side that has less
    tail: float                                            # ... of the side that has more
    shoulder: float                                        # share beside the neck
    long: float                                            # share lower and wider than that, where hair falls on shoulders
    knob: float                                            # the outline's width a little below its upper end, in face widths
    fringe: float                                          # share of the forehead
    curl: float                                            # 0: strands run one way, 1: every way
    rough: float                                           # how much its light changes within itself


def hair_of(seen: Seen, skin: np.ndarray) -> Hairs:
    p, size = seen.points, seen.lab.shape[:2]
    y, x = np.mgrid[:size[0], :size[1]].astype(np.float32)
    top, chin, middle = float(p[10, 1]), float(p[152, 1]), float((p[234, 0] + p[454, 0]) / 2)
    tall, wide = chin - top, float(abs(p[454, 0] - p[234, 0]))
    person = seen.person > 0.5
    face = cv2.dilate(_filled(size, p[list(OVAL)]), np.ones((5, 5), np.uint8)) > 0
    away = np.linalg.norm((seen.lab - skin) * [0.8, 1, 1], axis=2)
    apart = person & ~face & (away > 15)
    side = np.abs(x - middle) / wide
    crown = person & ~face & (side < 0.36) & (y < top - 0.03 * tall) & (y > top - 0.36 * tall)
    share_top = float(apart[crown].mean()) if crown.sum() > 30 else 0.0
    ring = crown if share_top > 0.3 else person & ~face & (side < 0.62) & (y < p[9, 1])
    tone = _median(seen.lab[ring & apart]) if (ring & apart).sum() > 30 else skin * [0.4, 0.5, 0.5]
    near = np.linalg.norm((seen.lab - tone) * [0.6, 1, 1], axis=2)
    hair = person & ~face & (near < np.maximum(away, 9)) & (near < 30)

    def share(region: np.ndarray) -> float:
        return float(hair[region].mean()) if region.sum() > 20 else 0.0

    column = person[:, np.abs(x[0] - middle) < 0.12 * wide].mean(1) > 0.5
    outline = float(np.flatnonzero(column)[0]) if column.any() else top
    at = int(np.clip(p[9, 1] - 0.08 * tall, 0, size[0] - 1))
    row = np.flatnonzero(person[max(0, at - 3):at + 4].mean(0) > 0.5)
    jaw = float(p[[132, 361], 1].mean())
    forehead = _filled(size, p[[103, 67, 109, 10, 338, 297, 332, 334, 296, 336, 107, 66, 105]] * [1, 1, 1]) > 0
    forehead &= y < float(p[[105, 66, 107, 336, 296, 334], 1].min()) - 0.03 * tall
    inside = cv2.erode(hair.astype(np.uint8), np.ones((5, 5), np.uint8)) > 0
    beside = (side > 0.53) & (side < 0.75) & (y > jaw) & (y < chin - 0.06 * tall)
    low = sorted(share(beside & (x * sign > middle * sign)) for sign in (1, -1))
    knob = person[int(np.clip(outline + 0.15 * tall, 0, size[0] - 1))].sum() / wide
    return Hairs(tone, share_top, (top - outline) / tall, (float(np.ptp(row)) if len(row) else wide) / wide, low[0], low[1],
                 share((side > 0.40) & (side < 0.72) & (y > chin + 0.12 * tall) & (y < chin + 0.45 * tall)),
                 share((side > 0.55) & (side < 0.90) & (y > chin + 0.30 * tall) & (y < chin + 0.45 * tall)), float(knob),
                 float((near < np.minimum(away, 30))[forehead].mean()) if forehead.sum() > 20 else 0.0, *_run(seen, inside))


def _run(seen: Seen, hair: np.ndarray) -> tuple[float, float]:
    """(how far strands are from running one way, how rough they are) by the structure tensor of their light."""
    if hair.sum() < 80:
        return 0.0, 0.0
    light = cv2.GaussianBlur(seen.lab[..., 0], (0, 0), 1.0)
    gx, gy = cv2.Sobel(light, cv2.CV_32F, 1, 0), cv2.Sobel(light, cv2.CV_32F, 0, 1)
    sigma = 0.09 * seen.unit
    xx, yy, xy = (cv2.GaussianBlur(g, (0, 0), sigma) for g in (gx * gx, gy * gy, gx * gy))
    coherence = np.sqrt((xx - yy) ** 2 + 4 * xy ** 2) / np.maximum(xx + yy, 1e-3)
    return float(1 - np.median(coherence[hair])), float(seen.lab[..., 0][hair].std() / max(float(seen.lab[..., 0][hair].mean()), 5))


@dataclass(frozen=True)
class Bearded:
    """How much darker than skin it is over the lip, on the chin, along the jaw and under the chin (shares of the skin's lightness), and how much finer grained
    (L*) than the cheeks the first three are: single hairs show, whatever their colour."""
    lip: float
    chin: float
    jaw: float
    below: float
    grain: tuple[float, float, float]


_BEARDED = ((165, 167, 391, 393), (199, 200, 175, 208, 428), (135, 138, 210, 364, 367, 430))


def beard_of(seen: Seen, skin: np.ndarray) -> Bearded:
    p, light = seen.points, max(float(skin[0]), 10)
    dark = [float((skin[0] - np.quantile(_disc(seen, ids, 0.05)[:, 0], 0.4)) / light) for ids in _BEARDED]
    y, x, r = int(p[152, 1] + 0.08 * (p[152, 1] - p[10, 1])), int(p[152, 0]), max(2, round(0.12 * seen.unit))
    under = seen.lab[min(y, seen.lab.shape[0] - 4):, :, 0][:7, max(0, x - r):x + r]
    fine = cv2.GaussianBlur(seen.lab[..., 0], (0, 0), 0.0085 * seen.unit) - cv2.GaussianBlur(seen.lab[..., 0], (0, 0), 0.032 * seen.unit)
    grain = replace(seen, lab=np.repeat(fine[..., None], 3, 2))
    cheeks = float(_disc(grain, (50, 280, 205, 425), 0.09)[:, 0].std())
    more = [float(_disc(grain, ids, 0.07)[:, 0].std()) - cheeks for ids in _BEARDED]
    return Bearded(dark[0], dark[1], dark[2], float((skin[0] - np.median(under)) / light) if under.size else 0.0, (more[0], more[1], more[2]))


def glasses_of(seen: Seen) -> tuple[float, float]:
    """How sharp the line over the nose is, and the rims below the eyes, in L*a*b* units."""
    p, unit = seen.points, seen.unit
    smooth = cv2.GaussianBlur(seen.lab, (0, 0), max(0.6, 0.008 * unit))
    x0, x1 = (p[133, 0] * 0.7 + p[362, 0] * 0.3), (p[133, 0] * 0.3 + p[362, 0] * 0.7)
    y0, y1 = p[168, 1] - 0.16 * unit, p[6, 1] + 0.16 * unit
    strip = smooth[int(y0):int(y1), int(x0):max(int(x0) + 2, int(x1))]
    rows = np.median(strip, axis=1)
    reach = max(1, round(0.03 * unit))
    bridge = float(np.linalg.norm(rows[reach:] - rows[:-reach], axis=1).max()) if len(rows) > reach + 1 else 0.0
    rims = []
    for first in (468, 473):
        for angle in np.radians(np.arange(35, 150, 8)):
            r = np.arange(0.24, 0.62, 1 / unit) * unit
            xs, ys = p[first, 0] + np.cos(angle) * r, p[first, 1] + np.sin(angle) * r
            line = smooth[np.clip(ys.astype(int), 0, smooth.shape[0] - 1), np.clip(xs.astype(int), 0, smooth.shape[1] - 1)]
            rims.append(float(np.linalg.norm(line[reach:] - line[:-reach], axis=1).max()))
    return bridge, float(np.quantile(rims, 0.35))


# --- what it comes to

def cut(hair: Hairs) -> tuple[str, bool]:
    """(the painter's cut, whether there is a fringe), by a few thresholds set on painted people."""
    fringe = hair.fringe > 0.12
    if hair.top < 0.36 and hair.spread < 1.16 and hair.low < 0.3:
        return "bald", False
    if hair.low > 0.33:
        if hair.curl > 0.27 and hair.spread > 1.55:
            return "long curly", False
        if hair.long < 0.40:
            return "bob", fringe
        return ("long wavy" if hair.spread > 1.46 else "long straight"), fringe
    if hair.tail > 0.45 and hair.spread > 1.3:
        return "ponytail", False
    if hair.curl > 0.62 and hair.spread > 1.28:
        return "afro", False
    if hair.knob < 0.68 and hair.rise > 0.4:
        return "bun", False
    if hair.spread < 1.13 and hair.rise < 0.5:
        return ("buzz" if hair.top < 0.7 else "crop"), False
    if hair.spread > 1.28 and hair.curl > 0.34:
        return "curly short", False
    if hair.top > 0.84:
        return ("short" if hair.spread < 1.25 or hair.curl > 0.38 else "pixie"), fringe
    return ("side part" if hair.curl < 0.27 else "quiff"), False


def beard(seen: Bearded) -> str:
    """The painter's beard; "none" where it is not sure. Shade under a nose or a chin is dark as well, but has no hairs."""
    lip, chin, _ = seen.grain
    if seen.chin > 0.42 and (min(chin, lip) > 1.2 or (seen.chin > 0.55 and seen.lip > 0.3)):      # black hair on dark skin shows no single hairs
        return ("full" if seen.below > 0.75 and seen.lip > 0.5 else "short") if seen.jaw > 0.6 else "goatee"
    if chin > 2.4 and lip > 1.5:                           # of a colour as light as the skin
        return "short"
    if lip > 3.0 and seen.lip > 0.35 and chin < 1.5:
        return "moustache"
    return "stubble" if chin > 1.0 and lip > 0.6 and seen.chin > 0.05 else "none"


def _nearest(tone: np.ndarray, palette: Mapping[str, Any]) -> str:
    return min(palette, key=lambda name: float(np.linalg.norm((lab(np.array(palette[name], np.float32)) - tone) * [0.8, 1, 1])))


def hair_colour(tone: np.ndarray) -> str:
    """The painter's natural hair colour that looks most like L*a*b* `tone`: a strand's three tones as they mix in the light."""
    seen = {name: srgb(0.30 * linear(deep) + 0.55 * linear(own) + 0.15 * linear(light)) for name, (deep, own, light) in HAIR.items()}
    return _nearest(tone, seen)


def _tones(seen: Seen) -> dict[str, np.ndarray]:
    """Colours L*a*b* that a painting is compared by."""
    skin = skin_of(seen)
    out = {"skin": skin, "lip": lips_of(seen), "brow": brows_of(seen, skin)[0], "hair": hair_of(seen, skin).tone}
    if (iris := iris_of(seen)) is not None:
        out["iris"] = iris
    chin, tall = float(seen.points[152, 1]), float(seen.points[152, 1] - seen.points[10, 1])
    worn = seen.lab[min(int(chin + 0.62 * tall), seen.lab.shape[0] - 12):][seen.person[min(int(chin + 0.62 * tall), seen.lab.shape[0] - 12):] > 0.6]
    if len(worn) > 60:
        out["cloth"] = _median(worn)
    return out


def _towards(now: tuple[float, ...], wanted: np.ndarray, got: np.ndarray, most: float = 2.2) -> tuple[float, ...]:
    """A colour sRGB that is painted as `got` and shall be as `wanted` (L*a*b*), moved by what light did to it; linear light, a channel at a time."""
    factor = np.clip(linear(rgb(wanted)) + 0.002, 1e-3, None) / np.clip(linear(rgb(got)) + 0.002, 1e-3, None)
    return tuple(np.clip(srgb(linear(np.asarray(now, np.float32)) * np.clip(factor, 1 / most, most) ** 0.9), 4, 252).tolist())


def read(picture: np.ndarray, points: np.ndarray, told: Mapping[str, Any] | None = None, seed: int = 0, rounds: int = 2) -> tuple[Look, Likeness]:
    """A person as the painter knows one, from a photo uint8 [h, w, 3] and MediaPipe's points [478, 3] px on it.

    `told`: what the person says (`attributes.ATTRIBUTES`), which goes before what is seen; age, gender and origin are never seen. What nobody told of gender
    and age is not in the look that comes back. `rounds`: how often the painting is compared with the photo. Raises Refused for a face that is too small or
    points that are none.
    """
    points = _checked(picture, points)
    said = checked(dict(told or {}))
    seen = looked(picture, points)
    skin = skin_of(seen)
    hair, hairy, specs = hair_of(seen, skin), beard_of(seen, skin), glasses_of(seen)
    style, fringe = cut(hair)
    wanted = _tones(seen)
    brow = brows_of(seen, skin)[1]
    behind = seen.lab[seen.person < 0.2]
    found: Look = {
        "hair": style, "fringe": fringe, "hair colour": hair_colour(wanted["brow"] if style == "bald" else wanted["hair"]), "beard": beard(hairy),
        "glasses": "square" if specs[0] > 7 and specs[1] > 13 else "none",
        "brows": "thin" if brow < 0.075 else "thick" if brow > 0.105 else "medium", "eyes": _nearest(wanted["iris"], _IRIS) if "iris" in wanted else "brown",
        "skin": _along(rgb(skin)), "clothes colour": _nearest(wanted["cloth"], CLOTH) if "cloth" in wanted else "grey",
        "background": "plain", "background colour": _nearest(_median(behind), CLOTH) if len(behind) > 200 else "beige", "light": _lit(seen),
        "features": "mixed", "headwear": "none", "make-up": "none", "freckles": False, "earrings": "none", "clothes": "t-shirt", "smile": 0.3, "turn": 0.0,
    }
    look = invent(seed, {**found, "age": 35.0, **said})
    old = float(np.clip((float(look["age"]) - 30) / 52, 0, 1))
    head_ = fit(seen.points, 0.72 * old if "age" in said else 0.18)
    who = _neutral(likeness(look, seed), head_, seen, look, said)
    aims = seen.points
    for turn in range(rounds):
        shown = quick.paint(who, 256, 1.5)
        at = _points(shown.picture, shown.points)
        again = looked(shown.picture, at)
        who = _settled(who, wanted, _tones(again), brow, brows_of(again, skin_of(again))[1])
        if turn + 1 < rounds and at is not shown.points:   # what MediaPipe sees on the painting, and what is there: by so much it errs on the photo too
            aims = seen.points - (again.points - carried(shown.points.astype(np.float64), square(at, SIDE)))
            head_ = fit(aims, 0.72 * old if "age" in said else 0.18)
            who = replace(who, shape=head_.shape, eyes=head_.eyes + DRAWN, turn=_turned(head_))
    kept: Look = {name: value for name, value in look.items() if name in said or name not in ("gender", "age")}
    kept["skin"] = round(_along(np.array(who.skin)), 3) if "skin" not in said else kept["skin"]
    return kept, replace(who, look={**look, **kept})


def _checked(picture: np.ndarray, points: np.ndarray) -> np.ndarray:
    points = np.asarray(points, np.float64)
    if picture.ndim != 3 or picture.shape[2] != 3 or picture.dtype != np.uint8 or points.shape != (478, 3) or not np.isfinite(points).all():
        raise Refused("A face is told by a picture and its 478 points.", "Choose a photo on which a face is found.",
                      zh=("需要一张图片和它的 478 个面部点。", "请选择能找到人脸的照片。"))
    if np.linalg.norm(points[473, :2] - points[468, :2]) < 12:
        raise Refused("The face is too small to be drawn anew: its eyes are less than 12 px apart.", "Choose a picture in which it is larger.",
                      zh=("脸太小，两眼相距不到 12 像素。", "请选脸更大的照片。"))
    return points


def _points(picture: np.ndarray, known: np.ndarray) -> np.ndarray:
    """MediaPipe's points on a painting, or those that the painter knows where MediaPipe is missing or sees none."""
    from .faces import points_in, steadied
    try:
        found = points_in(picture)
        return known if found is None else steadied(picture, found)
    except Missing:
        return known


def _along(colour: np.ndarray) -> float:
    """Where on the painter's ramp of skins 0..1 a colour sRGB lies nearest."""
    at = np.linspace(0, 1, 81)
    return float(at[np.linalg.norm(lab(np.array([ramp(t) for t in at], np.float32)) - lab(np.asarray(colour, np.float32)), axis=1).argmin()])


def _halves(seen: Seen) -> float:
    """How much lighter the picture's left cheek is than the other, L*."""
    return float(_median(_disc(seen, (50, 101, 118, 205), 0.10))[0] - _median(_disc(seen, (280, 330, 347, 425), 0.10))[0])


def _lit(seen: Seen) -> str:
    return "side" if abs(_halves(seen)) > 16 else "soft"


def _turned(fitted: Fit, most: float = 0.62) -> tuple[float, ...]:
    """Yaw, pitch and roll that the painter can draw; rad."""
    return tuple(float(np.clip(angle, -limit, limit)) for angle, limit in zip(fitted.turn, (most, 0.3, 0.3)))


def _neutral(who: Likeness, fitted: Fit, seen: Seen, look: Look, said: Mapping[str, Any]) -> Likeness:
    """A likeness of a look with what was read in place of what the seed or a gender would give."""
    tones, specks = HAIR[str(look["hair colour"])], dict(who.amounts)
    specks |= {"blush": 0.15, "hollow": 0.10, "groove": 0.12, "mottle": 0.8, "shine": 0.8, "spots": 0.0, "freckles": 0.95 if look["freckles"] else 0.0,
               "stubble": {"stubble": 0.42, "short": 0.5, "full": 0.5, "goatee": 0.16, "moustache": 0.14}.get(str(look["beard"]), 0.0)}
    lamps = who.lamps
    if _halves(seen) * lamps[0].towards[0] > 0:            # the key lamp on the other side: x < 0 is the picture's left
        lamps = tuple(replace(lamp, towards=(-lamp.towards[0], *lamp.towards[1:])) for lamp in lamps)
    skin = rgb(skin_of(seen))
    if "skin" in said:
        skin = ramp(float(look["skin"]))
    marks = {**who.brows, "arch": 0.2, "lift": 0.0, "tilt": 0.0, "length": 1.0}
    if "make-up" not in said:
        marks |= {"liner": 0.2, "lash": 0.6}
    return replace(who, shape=fitted.shape, eyes=fitted.eyes + DRAWN, turn=_turned(fitted), gaze=(0.0, 0.0), skin=tuple(skin.tolist()),
                   shadow=tuple((skin * [0.72, 0.55, 0.52]).tolist()), hair=tuple(tuple(float(v) for v in tone) for tone in tones), amounts=specks, lamps=lamps,
                   brows=marks)


def _settled(who: Likeness, wanted: Mapping[str, np.ndarray], got: Mapping[str, np.ndarray], brow: float, drawn: float) -> Likeness:
    """The likeness with its colours moved by what the painting lacks of the photo."""
    skin = _towards(who.skin, wanted["skin"], got["skin"])
    out = replace(who, skin=skin, lip=_towards(who.lip, wanted["lip"], got["lip"]), brow=_towards(who.brow, wanted["brow"], got["brow"]),
                  shadow=tuple((np.array(skin) * [0.72, 0.55, 0.52]).tolist()),
                  blush=tuple((0.5 * np.array(skin) + 0.5 * np.array(skin) * [1.05, 0.72, 0.70]).clip(10, 250).tolist()))
    if "iris" in wanted and "iris" in got:
        out = replace(out, iris=_towards(who.iris, wanted["iris"], got["iris"]))
    if "cloth" in wanted and "cloth" in got:
        out = replace(out, cloth=_towards(who.cloth, wanted["cloth"], got["cloth"], 3.0))
    if who.look["hair"] != "bald":                         # between cropped hairs skin shows, which tells little of their own tone
        most = 1.3 if who.look["hair"] in ("buzz", "crop") else 1.7
        out = replace(out, hair=tuple(_towards(tone, wanted["hair"], got["hair"], most) for tone in who.hair))
    width = float(np.clip(who.brows["width"] * np.clip(brow / max(drawn, 0.02), 0.75, 1.35), 0.55, 1.7))
    return replace(out, brows={**who.brows, "width": width})


# --- the verb

def restyle(picture: np.ndarray, points: np.ndarray, strength: float = 1.0, pipeline: Pipeline | None = None, *, words: str = "", size: int = SIDE,
            told: Mapping[str, Any] | None = None, seed: int = 0) -> Restyled:
    """A photo uint8 [h, w, 3] with MediaPipe's points [478, 3] px as a square portrait of `size` px in another style. `strength` 0 leaves it, 1 changes most.

    With a `pipeline` (hub.Hub): img2img led by `words`. Without: the illustrated painter; below 1 its painting is drawn onto the photo's points and mixed in.
    Raises Refused where no face is found in what came out, for words that name a real person, and what read() refuses.
    """
    points, strength = _checked(picture, points), float(np.clip(strength, 0, 1))
    photo, at = framed(picture, points, size)
    if strength < 0.01:
        return Restyled(photo, at.astype(np.float32), 0.0)
    if pipeline is not None:
        return _piped(photo, at, strength, pipeline, words, seed)
    _, who = read(picture, points, told, seed)
    shown = quick.paint(who, size, 1.25 if size >= 768 else 2.0)
    matrix = onto(shown.points[:468], at[:468])
    drawn = cv2.warpAffine(shown.picture, matrix, (size, size), flags=cv2.INTER_AREA if np.linalg.det(matrix[:, :2]) < 1 else cv2.INTER_CUBIC,
                           borderMode=cv2.BORDER_REPLICATE)
    there = carried(shown.points.astype(np.float64), matrix)
    if strength < 0.99:
        share = min(1.0, 2 * (1 - strength))
        drawn, there = _bent(drawn, there, there + share * (np.column_stack([_closed(at)[:, :2], there[:, 2]]) - there))
        drawn = cv2.addWeighted(drawn, strength, photo, 1 - strength, 0)
    return Restyled(drawn, there.astype(np.float32), moved(there, at))


def _bent(picture: np.ndarray, points: np.ndarray, aims: np.ndarray, step: int = 8) -> tuple[np.ndarray, np.ndarray]:
    """A picture [n, n, 3] whose points [478, 3] come to lie on others, smoothly between them and still at its border (thin-plate spline, Bookstein 1989)."""
    from scipy.interpolate import RBFInterpolator
    n = picture.shape[0]
    edge = np.array([(x, y) for x in np.linspace(0, n, 5) for y in np.linspace(0, n, 5) if x in (0, n) or y in (0, n)])
    some = np.unique([*OVAL, *LIDS[0], *LIDS[1], *LIPS_OUTER, *(k for pair in BROWS for row in pair for k in row), 1, 4, 5, 6, 168, 98, 327, 48, 278, 468, 473])
    to = np.concatenate([aims[some, :2], edge])
    back = np.concatenate([points[some, :2], edge]) - to
    y, x = np.mgrid[0:n + step:step, 0:n + step:step]
    field = RBFInterpolator(to, back, smoothing=4.0, kernel="thin_plate_spline")(np.column_stack([x.ravel(), y.ravel()]).astype(float))
    field = cv2.resize(field.reshape(*x.shape, 2).astype(np.float32), (x.shape[1] * step, x.shape[0] * step), interpolation=cv2.INTER_LINEAR)
    shift = (step - 1) / 2                                 # resize lays samples at the middles of their cells
    field = cv2.warpAffine(field, np.array([[1, 0, -shift], [0, 1, -shift]]), (n, n), borderMode=cv2.BORDER_REPLICATE)
    yy, xx = np.mgrid[:n, :n].astype(np.float32)
    return cv2.remap(picture, xx + field[..., 0], yy + field[..., 1], cv2.INTER_CUBIC, borderMode=cv2.BORDER_REPLICATE), aims


def _piped(photo: np.ndarray, at: np.ndarray, strength: float, pipeline: Pipeline, words: str, seed: int) -> Restyled:
    from . import wish
    from .faces import points_in, steadied
    wish.read(words)
    style = words.strip() or "an illustrated portrait, clean shapes, soft light"
    prompt = f"{style}, portrait of one adult person, the same face, pose and expression, mouth closed"
    drawn = pipeline.redrawn(photo, prompt, strength, seed)
    try:
        found = points_in(drawn, 0.5)
    except Missing:                                        # it can't be judged here; the photo's points are the best there are
        return Restyled(drawn, at.astype(np.float32), 0.0)
    if found is None:
        raise Refused("There is no face in what came out.", "Take less strength, other words or another seed.",
                      zh=("结果里没有找到人脸。", "请降低强度，或换词、换种子。"))
    found = steadied(drawn, found)
    if moved(found, at) > ELSEWHERE:
        raise Refused("The face in what came out is not where it was.", "Take less strength, other words or another seed.",
                      zh=("结果里的脸不在原来的位置。", "请降低强度，或换词、换种子。"))
    return Restyled(drawn, found.astype(np.float32), moved(found, at))
