"""Hair as strands: roots on the scalp, guides that grow round the head, locks about the guides, light along each strand, and drawing.

Strands are float32 [n, k, 3] in dm. A style (`styles.py`) says how the guides grow; everything else is the same for all.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import cv2
import numpy as np
from scipy import ndimage, spatial

from . import head, mesh
from .canvas import film, linear, srgb
from .figure import Figure, Lamp


class Skull:
    """Signed distance to the body around the head, for hair to lie on: a grid of `CELL` dm, negative inside."""

    CELL = 0.09

    def __init__(self, points: np.ndarray) -> None:
        base = head.template()
        ids = np.unique(base.body)
        eye = points[np.unique(base.eyes)].mean(0)
        self.low = eye - [2.1, 3.0, 3.0]
        shape = (np.array([4.2, 5.0, 4.4]) / self.CELL).astype(int)
        grid = np.stack(np.meshgrid(*(np.arange(n) for n in shape), indexing="ij"), -1) * self.CELL + self.low
        ids = ids[(points[ids] > self.low - 0.3).all(1)][::3]
        normal = mesh.normals(points, base.body)[ids]
        away, nearest = spatial.cKDTree(points[ids]).query(grid.reshape(-1, 3))
        side = ((grid.reshape(-1, 3) - points[ids][nearest]) * normal[nearest]).sum(1)
        self.distance = ndimage.gaussian_filter(np.where(side < 0, -away, away).reshape(shape).astype(np.float32), 0.7)
        self.slope = np.stack(np.gradient(self.distance, self.CELL), -1)

    def feel(self, points: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Distance [...] and outward direction [..., 3] at points [..., 3]."""
        at = ((points - self.low) / self.CELL).reshape(-1, 3).T
        distance = ndimage.map_coordinates(self.distance, at, order=1, mode="nearest")
        slope = np.stack([ndimage.map_coordinates(self.slope[..., i], at, order=1, mode="nearest") for i in range(3)], -1)
        slope /= np.maximum(np.linalg.norm(slope, axis=1, keepdims=True), 1e-6)
        return distance.reshape(points.shape[:-1]), slope.reshape(points.shape)


@dataclass(frozen=True)
class Colour:
    """sRGB of hair: in shade, its own, and where light runs along it. `spread` between strands, `grey` = share of light ones."""

    dark: tuple[int, int, int]
    middle: tuple[int, int, int]
    shine: tuple[int, int, int]
    spread: float = 0.16
    grey: float = 0.0
    grey_tone: tuple[int, int, int] = (205, 203, 200)
    gloss: float = 1.0


@dataclass
class Locks:
    """Grown hair: strands [n, k, 3], width px factor [n], tone [n] (1 = usual brightness), filler [n] (thick dark strands beneath)."""

    strands: np.ndarray
    width: np.ndarray
    tone: np.ndarray
    grey: np.ndarray = field(default_factory=lambda: np.zeros(0, bool))


def roots(points: np.ndarray, keep: np.ndarray, count: int, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Random places where `keep` (weight [m] per smooth point): points, normals, places on the template, each [n, 3]."""
    base = head.template()
    tris = base.body[keep[base.body].min(1) > 0]
    a, b, c = (points[tris[:, i]] for i in range(3))
    area = np.linalg.norm(np.cross(b - a, c - a), axis=1) * keep[tris].mean(1)
    chosen = rng.choice(len(tris), count, p=area / area.sum())
    u = np.sort(rng.random((count, 2)), 1)
    w = np.stack([u[:, 0], u[:, 1] - u[:, 0], 1 - u[:, 1]], 1)[..., None]
    normal = mesh.normals(points, base.body)
    mixed = [(values[tris[chosen]] * w).sum(1) for values in (points, normal, base.rest)]
    mixed[1] /= np.linalg.norm(mixed[1], axis=1, keepdims=True)
    return mixed[0], mixed[1], mixed[2]


def grow(
    start: np.ndarray, towards: np.ndarray, length: np.ndarray, skull: Skull, lift: np.ndarray, pull, steps: int, hold: float = 0.0
) -> np.ndarray:
    """Guides [g, steps, 3]: each walks its `length` (dm) from `start`, turned by `pull(points, t) -> [g, 3]`, kept `lift` dm off the skull.

    Above the height `hold` (dm) hair clings to the head: what has risen beyond its lift is drawn back.
    """
    point, way = start.copy(), towards / np.linalg.norm(towards, axis=1, keepdims=True)
    out = [point.copy()]
    step = (length / (steps - 1))[:, None]
    for k in range(1, steps):
        t = k / (steps - 1)
        way = way + pull(point, t) * step
        way /= np.linalg.norm(way, axis=1, keepdims=True)
        target = point + way * step
        distance, outward = skull.feel(target)
        rise = np.minimum(lift, 0.015 + 3.0 * t * length * 0.5)
        cling = 0.7 * np.clip((point[:, 1] - hold) / 0.3, 0, 1) if hold else 0.0
        away = rise - distance
        target = target + outward * (np.clip(away, 0, 0.12) + cling * np.clip(away, -0.10, 0))[:, None]
        way = target - point
        way /= np.maximum(np.linalg.norm(way, axis=1, keepdims=True), 1e-9)
        point = target
        out.append(point.copy())
    return np.stack(out, 1)


def curl(guides: np.ndarray, radius: np.ndarray, turns: np.ndarray, start: float, rng: np.random.Generator) -> np.ndarray:
    """Winds guides [g, k, 3] into coils of `radius` dm, `turns` per guide, growing in from the share `start` of the length."""
    tangent = np.gradient(guides, axis=1)
    tangent /= np.maximum(np.linalg.norm(tangent, axis=2, keepdims=True), 1e-9)
    first = np.cross(tangent, np.array([0.3, 0.1, 1.0]))
    first /= np.maximum(np.linalg.norm(first, axis=2, keepdims=True), 1e-9)
    second = np.cross(tangent, first)
    t = np.linspace(0, 1, guides.shape[1])[None]
    grown = np.clip((t - start) / (1 - start), 0, 1) ** 0.8
    phase = 2 * np.pi * (turns[:, None] * t + rng.random((len(guides), 1)))
    amount = radius[:, None] * grown
    return guides + (amount * np.cos(phase))[..., None] * first + (amount * np.sin(phase))[..., None] * second


def locks(
    guides: np.ndarray,
    start: np.ndarray,
    skull: Skull,
    rng: np.random.Generator,
    *,
    bundle: float = 0.05,
    tip: float = 0.5,
    wander: float = 0.02,
    ragged: float = 0.12,
    width: float = 1.0,
    tone_spread: float = 0.1,
    clearance: float = 0.012,
) -> Locks:
    """Strands from roots [n, 3] that follow the nearest guide: `bundle` dm = a lock's radius, narrowing to `tip` of it at its end."""
    near = spatial.cKDTree(guides[:, 0]).query(start, k=min(3, len(guides)))[1].reshape(len(start), -1)
    pick = near[np.arange(len(start)), np.minimum(rng.geometric(0.75, len(start)) - 1, near.shape[1] - 1)]
    k = guides.shape[1]
    t = np.linspace(0, 1, k)
    own = 1 - ragged * rng.random(len(start)) ** 1.5
    at = t[None] * own[:, None] * (k - 1)
    low = np.clip(at.astype(int), 0, k - 2)
    part = (at - low)[..., None]
    follow = guides[pick[:, None], low] * (1 - part) + guides[pick[:, None], low + 1] * part
    offset = start - guides[pick, 0]
    offset *= np.minimum(1, 2.5 * bundle / np.maximum(np.linalg.norm(offset, axis=1, keepdims=True), 1e-6))
    scatter = rng.standard_normal((len(start), 3)) * bundle * 0.5
    narrow = 1 - (1 - tip) * t**1.2
    near_root = np.exp(-((t / 0.12) ** 2))[None, :, None]
    paths = follow + (offset[:, None] * 0.55 + scatter[:, None]) * narrow[None, :, None]
    paths = near_root * (start[:, None] + (follow - guides[pick, None, 0])) + (1 - near_root) * paths
    phase = rng.random((len(start), 3, 1)) * 6.3
    speed = rng.uniform(4, 12, (len(start), 3, 1))
    paths = paths + (wander * t * np.sin(speed * t + phase)).transpose(0, 2, 1) * rng.uniform(0.3, 1.0, (len(start), 1, 1))
    distance, outward = skull.feel(paths)
    paths = paths + outward * (np.clip(clearance - distance, 0, 0.2) * np.minimum(1, t * 8))[..., None]
    lock_tone = 1 + tone_spread * rng.standard_normal(len(guides))[pick]
    return Locks(paths.astype(np.float32), np.full(len(start), width, np.float32), lock_tone.astype(np.float32))


def together(*parts: Locks) -> Locks:
    """Several growths as one (all with the same number of points a strand)."""
    return Locks(*(np.concatenate([getattr(part, name) for part in parts]) for name in ("strands", "width", "tone")))


def buried(points: np.ndarray, direction: np.ndarray, cell: float = 0.03) -> np.ndarray:
    """How deep (dm) each of points [n, 3] lies beneath the outermost hair, seen along a direction."""
    side = np.cross([0.03, 1, 0.01], direction)
    side /= np.linalg.norm(side)
    axes = np.stack([side, np.cross(direction, side), direction], 1)
    flat = points @ axes
    ij = ((flat[:, :2] - flat[:, :2].min(0)) / cell).astype(int) + 2
    top = np.full(ij.max(0) + 3, -1e9, np.float32)
    np.maximum.at(top, (ij[:, 0], ij[:, 1]), flat[:, 2])
    grown = ndimage.maximum_filter(top, 2)
    hollow = grown < -1e8
    grown[hollow] = np.nan_to_num(flat[:, 2].min())
    smooth = ndimage.gaussian_filter(grown, 1.0)
    return np.clip(smooth[ij[:, 0], ij[:, 1]] - flat[:, 2], 0, None)


def shade(hair: Locks, colour: Colour, skull: Skull, lamps: list[Lamp], rng: np.random.Generator) -> np.ndarray:
    """sRGB [n, k, 3] along each strand: Kajiya and Kay's light (1989), Marschner's two highlights (2003), depth as shadow."""
    strands = hair.strands
    n, k = len(strands), strands.shape[1]
    tangent = np.gradient(strands, axis=1)
    tangent /= np.maximum(np.linalg.norm(tangent, axis=2, keepdims=True), 1e-9)
    _, outward = skull.feel(strands)
    flat = strands.reshape(-1, 3).astype(np.float64)
    inner = np.exp(-np.minimum(buried(flat, np.array([0, 0.15, 0.99])) * 4.2, 4)).reshape(n, k)
    tone = hair.tone * (1 + colour.spread * rng.standard_normal(n).astype(np.float32) * 0.8)
    dark, middle, shine = (linear(c) for c in (colour.dark, colour.middle, colour.shine))
    grey = rng.random(n) < colour.grey
    mid = np.where(grey[:, None], linear(colour.grey_tone), middle[None] * np.clip(tone, 0.4, 1.9)[:, None])
    t = np.linspace(0, 1, k)[None]
    body = mid[:, None] * (0.78 + 0.3 * t[..., None])
    out = np.zeros((n, k, 3), np.float32)
    shift = (0.10 * rng.standard_normal(n).astype(np.float32))[:, None]
    for lamp in lamps:
        unit = lamp.unit
        deep = np.exp(-np.minimum(buried(flat, unit) * 3.6, 4)).reshape(n, k)
        form = np.clip(outward @ unit * 0.62 + 0.42, 0.04, 1)
        along = tangent @ unit
        diffuse = np.sqrt(np.clip(1 - along**2, 0, 1))
        half = unit + [0, 0, 1]
        half = half / np.linalg.norm(half)
        lift = tangent + outward * shift[..., None]
        lift /= np.maximum(np.linalg.norm(lift, axis=2, keepdims=True), 1e-6)
        first = np.sqrt(np.clip(1 - (lift @ half) ** 2, 0, 1)) ** 70
        lift = tangent + outward * (shift[..., None] - 0.22)
        lift /= np.maximum(np.linalg.norm(lift, axis=2, keepdims=True), 1e-6)
        second = np.sqrt(np.clip(1 - (lift @ half) ** 2, 0, 1)) ** 14
        lit = (deep * form)[..., None] * np.asarray(lamp.colour, np.float32)
        out += lit * (
            body * diffuse[..., None] * 0.95
            + colour.gloss * (shine * first[..., None] * 0.36 + shine * body / max(float(body.mean()), 0.02) * 0.10 * second[..., None])
        )
    ambient = (0.25 + 0.75 * inner) * (0.75 + 0.25 * outward[..., 1])
    out += ambient[..., None] * (body * 0.42 + dark * 0.4)
    out = out * (0.30 + 0.70 * inner)[..., None] + dark * 0.25
    return srgb(film(out))


def draw(
    picture: np.ndarray,
    alpha: np.ndarray,
    figure: Figure,
    hair: Locks,
    colours: np.ndarray,
    *,
    thick: float,
    front: bool,
    bias: float = 0.03,
) -> None:
    """Draws strands from back to front into uint8 `picture` [h, w, 3] and `alpha` [h, w], in place. `thick` px at width 1.

    `front` chooses the parts before the figure's surface, otherwise those behind it (drawn first, the figure then goes over them).
    """
    screen = figure.camera.project(hair.strands.astype(np.float64))
    a, b = screen[:, :-1], screen[:, 1:]
    middle = (a + b) / 2
    h, w = figure.shape
    xi, yi = np.clip(middle[..., 0], 0, w - 1).astype(int), np.clip(middle[..., 1], 0, h - 1).astype(int)
    inside = (middle[..., 0] > -20) & (middle[..., 0] < w + 20) & (middle[..., 1] > -20) & (middle[..., 1] < h + 20)
    reach = max(1, round(0.03 * figure.dm))
    edge = cv2.dilate(figure.depth, np.ones((reach, reach), np.uint8))  # strands close beside an edge must not lap over it
    at = np.clip(screen[..., :2], 0, [w - 1, h - 1]).astype(int)
    ahead = screen[..., 2] + bias * figure.dm > edge[at[..., 1], at[..., 0]]
    before = ahead[:, 1:] & ahead[:, :-1] & (middle[..., 2] + bias * figure.dm > edge[yi, xi])
    seen = inside & (before if front else ~before)
    k = a.shape[1]
    taper = np.interp(np.linspace(0, 1, k), [0, 0.05, 0.16, 0.7, 1], [0.3, 0.6, 1.0, 0.9, 0.35])
    widths = np.maximum(1, np.round(thick * hair.width[:, None] * taper[None])).astype(int)
    tint = np.clip((colours[:, :-1] + colours[:, 1:]) / 2, 0, 255)
    s, j = np.nonzero(seen)
    order = np.argsort(middle[s, j, 2], kind="stable")
    s, j = s[order], j[order]
    ends = np.round(np.concatenate([a[s, j, :2], b[s, j, :2]], 1) * 16).astype(int).tolist()
    tint, widths = tint[s, j].tolist(), widths[s, j].tolist()
    line, smooth = cv2.line, cv2.LINE_AA
    for (x0, y0, x1, y1), tone, width in zip(ends, tint, widths):
        line(picture, (x0, y0), (x1, y1), tone, width, smooth, 4)
        line(alpha, (x0, y0), (x1, y1), 255, width, smooth, 4)
