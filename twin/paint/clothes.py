"""Clothes cut from the body's own surface: each piece lies a little off the skin and is bounded by a rule on the template's places."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import cv2
import numpy as np

from . import head, mesh
from .canvas import blur, linear, noise
from .figure import Figure, Lamp


@dataclass(frozen=True)
class Piece:
    """One layer of cloth. `inside(rest) -> [h, w]` is positive where there is cloth, in dm from its edge."""

    colour: tuple[int, int, int]
    inside: Callable[[np.ndarray], np.ndarray]
    off: float  # dm from the skin
    folds: float = 1.0
    hem: float = 0.0  # width in dm of a stitched or ribbed edge
    rib: float = 0.0  # strength of ribbing on that edge
    weave: str = "jersey"  # jersey, knit, canvas, silk
    sheen: float = 0.03


def around(rest: np.ndarray) -> np.ndarray:
    """Angle from the front about the neck, degrees 0..180."""
    return np.degrees(np.arctan2(np.abs(rest[..., 0]), rest[..., 2] - 0.12))


def below(heights: tuple[float, float, float]) -> Callable[[np.ndarray], np.ndarray]:
    """Cloth below a neckline given by its height (dm on the template) in front, at the side and at the back."""
    return lambda rest: (
        np.interp(around(rest), [0, 20, 90, 180], [heights[0], heights[0] + 0.03, heights[1], heights[2]])
        - rest[..., 1]
        + np.clip(2 * np.abs(rest[..., 0]) - 1.5, 0, 1)
    )


def apron(rest: np.ndarray) -> np.ndarray:
    """A bib with two straps over the shoulders."""
    x, y = np.abs(rest[..., 0]), rest[..., 1]
    bib = np.minimum(0.80 - x - 0.10 * np.clip(y - 4.8, -1, 1), 5.06 - y)
    centre = np.interp(y, [4.9, 5.5, 5.75], [0.70, 0.66, 0.60])
    strap = np.where(y > 4.95, 0.105 - np.abs(x - centre), -1)
    return np.where(rest[..., 2] > -0.15, np.maximum(bib, strap), -1)


def open_front(
    top: float, bottom: float, wide: float, narrow: float, neck: tuple[float, float, float]
) -> Callable[[np.ndarray], np.ndarray]:
    """A jacket's front open between |x| = `wide` at height `top` and `narrow` at `bottom`."""
    line = below(neck)

    def inside(rest: np.ndarray) -> np.ndarray:
        gap = np.interp(rest[..., 1], [bottom, top], [narrow, wide])
        front = np.where(rest[..., 2] > 0.0, np.abs(rest[..., 0]) - gap, 1.0)
        return np.minimum(front, line(rest))

    return inside


def leaves(
    top: tuple[float, float], point: tuple[float, float], rise: float, gap: float, spread: float
) -> Callable[[np.ndarray], np.ndarray]:
    """A turned-down collar: two leaves from height `top` (front, side) to `point` (x, y); `rise` = lower edge at the side."""

    def inside(rest: np.ndarray) -> np.ndarray:
        x, y = np.abs(rest[..., 0]), rest[..., 1]
        upper = np.interp(around(rest), [0, 90, 180], [top[0], top[1], top[1] + 0.14]) - y
        lower = y - np.interp(x, [point[0] - 0.05, point[0], 0.62, 0.85], [point[1] - 0.0, point[1], rise - 0.06, rise])
        inner = x - (gap + spread * np.clip(top[0] - y, 0, 2))
        return np.minimum(np.minimum(np.minimum(upper, lower), 0.76 - x), np.where(rest[..., 2] > 0.1, inner, 1))

    return inside


def band(low: tuple[float, float], high: tuple[float, float], gap: float) -> Callable[[np.ndarray], np.ndarray]:
    """A standing collar between heights `low` and `high` (front, side), parted by `gap` at the throat."""

    def inside(rest: np.ndarray) -> np.ndarray:
        angle = around(rest)
        top = np.interp(angle, [0, 90, 180], [high[0], high[1], high[1] + 0.08]) - rest[..., 1]
        bottom = rest[..., 1] - np.interp(angle, [0, 90, 180], [low[0], low[1], low[1] + 0.08])
        parted = np.abs(rest[..., 0]) - gap * np.clip((rest[..., 1] - low[0]) / 0.2, 0.2, 1.2)
        return np.minimum(np.minimum(top, bottom), np.where(rest[..., 2] > 0.1, parted, 1))

    return inside


def dress(
    figure: Figure, piece: Piece, lamps: list[Lamp], ambient: tuple[np.ndarray, np.ndarray], rng: np.random.Generator
) -> tuple[np.ndarray, ...]:
    """A piece on a figure: linear colour [h, w, 3], coverage [h, w], depth [h, w]."""
    base = head.template()
    ids = base.rest[:, 1] < 6.25
    tris = base.body[ids[base.body].all(1)]
    normal = mesh.normals(figure.points, base.body)
    points = figure.points + normal * (piece.off * np.clip((6.3 - base.rest[:, 1]) / 0.2, 0, 1))[:, None]
    screen = figure.camera.project(points)
    seen = mesh.rasterise(screen, tris, figure.shape)
    rest = seen.spread(base.rest, tris)
    depth = seen.spread(screen[:, 2], tris, -1e9)
    edge = np.where(seen.mask(), piece.inside(rest), -1).astype(np.float32)
    cover = np.clip(edge * figure.dm * 0.9 + 0.5, 0, 1) * (depth >= figure.depth - 0.02 * figure.dm)
    turned = seen.spread(mesh.normals(points, tris), tris)
    turned = _fold(turned, rest, piece, rng)
    colour = _pattern(linear(piece.colour) * np.ones((*figure.shape, 1), np.float32), rest, edge, piece, figure, rng)
    sky = turned[..., 1:2] * 0.5 + 0.5
    light = (ambient[1] + (ambient[0] - ambient[1]) * sky) * 1.05
    for k, lamp in enumerate(lamps):
        facing = np.clip((turned @ lamp.unit.astype(np.float32) + 0.12) / 1.12, 0, 1)
        if str(k) in figure.shadows:
            facing = facing * (0.25 + 0.75 * blur(figure.shadows[str(k)], 0.09 * figure.dm))
        light = light + facing[..., None] * np.asarray(lamp.colour, np.float32)
    rim = (1 - np.clip(turned[..., 2], 0, 1)) ** 3
    lit = colour * light + (piece.sheen * rim)[..., None] * np.asarray(lamps[0].colour, np.float32)
    thickness = np.exp(-np.clip(edge, 0, None) / 0.012)
    lit *= 1 - 0.35 * thickness[..., None]
    return lit.astype(np.float32), cover.astype(np.float32), np.where(cover > 0.5, depth, -1e9)


def _fold(normal: np.ndarray, rest: np.ndarray, piece: Piece, rng: np.random.Generator) -> np.ndarray:
    sheet = noise((512, 512), 60, rng, 3)
    sheet = cv2.GaussianBlur(sheet, (0, 0), 3)
    x, y = rest[..., 0], rest[..., 1]
    u = (256 + 150 * x + 60 * np.sign(x) * (y - 5.0)).astype(np.float32)
    v = (256 + 55 * (y - 5.0) - 70 * np.abs(x)).astype(np.float32)
    height = cv2.remap(sheet, np.clip(u, 0, 511), np.clip(v, 0, 511), cv2.INTER_LINEAR)
    slope: np.ndarray = np.stack([cv2.Sobel(height, cv2.CV_32F, 1, 0, ksize=5), cv2.Sobel(height, cv2.CV_32F, 0, 1, ksize=5)], -1)
    slope /= max(float(np.percentile(np.abs(slope), 98)), 1e-6)
    out = normal.copy()
    out[..., 0] -= 0.26 * piece.folds * np.clip(slope[..., 0], -1.5, 1.5)
    out[..., 1] += 0.26 * piece.folds * np.clip(slope[..., 1], -1.5, 1.5)
    return out / np.maximum(np.linalg.norm(out, axis=2, keepdims=True), 1e-6)


def _pattern(colour: np.ndarray, rest: np.ndarray, edge: np.ndarray, piece: Piece, figure: Figure, rng: np.random.Generator) -> np.ndarray:
    shape, x, y = figure.shape, rest[..., 0], rest[..., 1]
    grain = noise(shape, 2.2, rng)
    if piece.weave == "knit":
        stitch = np.sin(2 * np.pi * (x * 15 + 0.22 * np.abs(((y * 24) % 1) - 0.5) * 2)) * 0.6 + np.sin(2 * np.pi * y * 24) * 0.25
        colour = colour * (1 + 0.13 * stitch + 0.05 * grain)[..., None]
    elif piece.weave == "canvas":
        colour = colour * (1 + 0.06 * grain + 0.05 * noise(shape, 9, rng))[..., None]
    elif piece.weave == "silk":
        colour = colour * (1 + 0.02 * grain)[..., None]
    else:
        colour = colour * (1 + 0.035 * grain)[..., None]
    if piece.hem:
        band = np.clip((piece.hem - edge) / 0.012, 0, 1)
        groove = np.exp(-(((edge - piece.hem) / 0.010) ** 2))
        ribs = 1 + piece.rib * 0.28 * np.sin(around(rest) * 3.1 + y * 6) * band
        colour = colour * (ribs * (1 - 0.32 * groove))[..., None] * (1 + 0.05 * band)[..., None]
        if not piece.rib:
            stitch = np.exp(-(((edge - 0.72 * piece.hem) / 0.005) ** 2)) * (np.sin((x + y) * 150) > -0.2)
            colour = colour * (1 - 0.25 * stitch)[..., None]
    return colour


def contact(cover: np.ndarray, figure: Figure) -> np.ndarray:
    """Shade [h, w] 0..1 that a piece throws on what lies just outside it."""
    return np.clip(0.75 * blur(cover, 0.030 * figure.dm) + 0.35 * blur(cover, 0.09 * figure.dm), 0, 0.6) * (1 - cover)
