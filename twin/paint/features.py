"""What is drawn on a face with a fine brush: eyes in their lids, lashes, brows, the line between the lips.

Works on linear light [h, w, 3], in place.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from . import eyes as pieces
from .canvas import blur, curve, filled, glaze, linear, over, spot, stroke
from .figure import Figure
from .landmarks import BROWS, LIDS, LIPS_INNER


@dataclass(frozen=True)
class Traits:
    """Brush work of one person; colours sRGB, sizes as factors of the usual."""

    brow: tuple[int, int, int]
    brow_width: float = 1.0
    brow_density: float = 1.0
    brow_arch: float = 0.0  # in brow widths, the arch raised (+) or flattened (-)
    brow_lift: float = 0.0  # in eye widths
    grey: float = 0.0  # share of light hairs in the brows
    lash: tuple[int, int, int] = (28, 20, 18)
    lash_length: float = 1.0
    liner: float = 0.5
    crease: float = 1.0  # height of the lid's fold, 0 = none


def eyes(
    picture: np.ndarray, figure: Figure, whites: tuple[np.ndarray, np.ndarray], disc: np.ndarray, light: np.ndarray, bright: float = 0.78
) -> np.ndarray:
    """Paints both eyes, their shade and their catch lights into the lid openings. `light` [3]: the key lamp's direction."""
    for side in (0, 1):
        patch, corner = _patch(picture, figure, LIDS[side], 0.3)
        shape, ring = patch.shape[:2], figure.anchors.points[LIDS[side], :2] - corner
        opening = filled(shape, curve(ring, 200, closed=True), 0.004 * figure.dm)
        centre, scale = pieces.frame(figure.anchors.points, side)
        layer = pieces.place(whites[side], shape, centre - corner, scale)
        cx, cy, radius = figure.anchors.iris[side] - [*corner, 0]
        iris = pieces.place(disc, shape, np.array([cx, cy]), radius / pieces.DISC)
        colour = linear(layer[..., :3] * 255 / np.maximum(layer[..., 3:], 1e-4)) * np.float32(bright)
        colour = over(colour, linear(iris[..., :3] * 255 / np.maximum(iris[..., 3:], 1e-4)), iris[..., 3])
        lid = np.interp(np.arange(shape[1]), *_upper(ring)).astype(np.float32)
        y = np.arange(shape[0], dtype=np.float32)[:, None]
        colour *= 1 - 0.60 * np.exp(-np.clip(y - lid[None], 0, None) / (0.034 * figure.dm))[..., None] * iris[..., 3:]
        glint = spot(shape, (cx + light[0] * 0.55 * radius, cy - light[1] * 0.62 * radius), (0.17 * radius, 0.20 * radius)) ** 1.0
        glint = np.clip(glint * 2.2 - 0.9, 0, 1)
        second = spot(shape, (cx - light[0] * 0.48 * radius, cy + 0.45 * radius), 0.16 * radius)
        colour = over(colour, (1.0, 0.99, 0.97), np.clip(glint, 0, 1))
        colour = colour + (0.10 * second * iris[..., 3])[..., None]
        over(patch, colour, opening)
    return picture


def _patch(picture: np.ndarray, figure: Figure, ids: list[int], margin: float) -> tuple[np.ndarray, np.ndarray]:
    """The part of a picture around some landmarks (a view of it), and its corner [2] in px; `margin` as a share of its width."""
    around = figure.anchors.points[ids, :2]
    low, high = around.min(0), around.max(0)
    reach = margin * (high[0] - low[0])
    x0, y0 = np.maximum(np.floor(low - reach), 0).astype(int)
    x1, y1 = np.ceil(high + reach).astype(int)
    return picture[y0:y1, x0:x1], np.array([x0, y0])


def _upper(ring: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    part = curve(ring[:9], 60)
    order = part[:, 0].argsort()
    return part[order, 0], part[order, 1]


def lashes(picture: np.ndarray, figure: Figure, traits: Traits, rng: np.random.Generator) -> np.ndarray:
    """Lid crease, lash line, and upper and lower lashes."""
    whole = picture
    for side in (0, 1):
        picture, corner = _patch(whole, figure, LIDS[side], 0.6)
        shape, ring = picture.shape[:2], figure.anchors.points[LIDS[side], :2] - corner
        width = np.float64(np.linalg.norm(ring[0] - ring[8]))
        outward = np.sign(ring[0, 0] - ring[8, 0])
        upper, lower = curve(ring[:9], 90), curve(np.concatenate([ring[8:], ring[:1]]), 90)[::-1]
        wet = np.zeros(shape, np.uint8)
        stroke(wet, lower + [0, 0.012 * width], np.full(90, 0.022 * width))
        picture = glaze(picture, (1.12, 1.0, 1.0), add=0.035, alpha=0.6 * blur(wet.astype(np.float32) / 255, 0.008 * width))
        line = np.zeros(shape, np.uint8)
        t = np.linspace(0, 1, 90)
        stroke(
            line,
            upper - np.stack([0 * t, 0.008 * width + 0 * t], -1),
            width * (0.018 + 0.034 * traits.liner * np.sin(np.pi * np.clip(1.05 - t, 0, 1)) ** 0.7),
        )
        picture = over(picture, linear(traits.lash), 0.88 * blur(line.astype(np.float32) / 255, 0.006 * width))
        picture = glaze(picture, (0.42, 0.30, 0.28), 0.35 * blur(line.astype(np.float32) / 255, 0.03 * width))
        fold = np.zeros(shape, np.uint8)
        bow = np.sin(np.pi * np.clip(0.06 + 0.92 * t, 0, 1))
        path = upper + np.stack([outward * 0.02 * width * (1 - t), -width * (0.035 + traits.crease * 0.095 * bow)], -1)
        stroke(fold, path[4:-10], width * 0.022 * bow[4:-10])
        picture = glaze(
            picture, (0.50, 0.36, 0.34), (0.75 if traits.crease > 0 else 0.0) * blur(fold.astype(np.float32) / 255, 0.012 * width)
        )
        hairs = np.zeros(shape, np.uint8)
        for s in np.sort(rng.uniform(0.01, 0.93, 84)):
            root = upper[int((s) * 89)]
            lean = outward * (1.25 - 1.75 * s)
            length = traits.lash_length * width * (0.055 + 0.085 * (1 - s) + 0.015 * rng.standard_normal())
            tip = root + length * np.array([lean + 0.14 * rng.standard_normal(), -0.62])
            bend = root + length * 0.55 * np.array([lean * 1.05, 0.02])
            u = np.linspace(0, 1, 10)[:, None]
            path = (1 - u) ** 2 * root + 2 * u * (1 - u) * bend + u**2 * tip
            stroke(hairs, path, width * (0.0150 * (1 - u[:, 0]) + 0.002))
        picture = over(picture, linear(traits.lash), 0.85 * blur(hairs.astype(np.float32) / 255, 0.0035 * width))
        hairs[:] = 0
        for s in np.sort(rng.uniform(0.06, 0.75, 30)):
            root = lower[int(s * 89)] + [0, 0.022 * width]
            length = traits.lash_length * width * (0.055 + 0.012 * rng.standard_normal())
            tip = root + length * np.array([outward * (0.9 - 1.3 * s), 0.8])
            stroke(hairs, np.stack([root, (root + tip) / 2 + [0, 0.1 * length], tip]), width * np.array([0.009, 0.006, 0.002]))
        picture = over(picture, linear(traits.lash), 0.26 * blur(hairs.astype(np.float32) / 255, 0.004 * width))
    return whole


def brows(picture: np.ndarray, figure: Figure, traits: Traits, rng: np.random.Generator) -> np.ndarray:
    """Brows of many tapered hairs over a soft ground."""
    whole = picture
    for side in (0, 1):
        picture, corner = _patch(whole, figure, [*BROWS[side][0], *BROWS[side][1], *LIDS[side]], 0.4)
        shape, points = picture.shape[:2], figure.anchors.points[:, :2] - corner
        top, low = (points[list(edge)] for edge in BROWS[side])
        middle = curve((top + low) / 2, 100)
        ring = points[LIDS[side]]
        width = np.float64(np.linalg.norm(ring[0] - ring[8]))
        outward = np.sign(ring[0, 0] - ring[8, 0])
        t = np.linspace(0, 1, 100)
        middle[:, 1] -= width * (traits.brow_lift + 0.10 * traits.brow_arch * np.exp(-(((t - 0.66) / 0.25) ** 2)))
        middle[:, 0] += outward * width * 0.10 * t**2
        middle[:, 1] += width * 0.07 * np.clip(t - 0.72, 0, 1) * 2
        half = traits.brow_width * width * 0.105 * np.clip(np.minimum(0.50 + 2.6 * t, 1.12 - 0.98 * t**2.2), 0.05, 1)
        ground = np.zeros(shape, np.uint8)
        stroke(ground, middle, 1.5 * half)
        soft = (
            blur(ground.astype(np.float32) / 255, 0.035 * width)
            * np.clip((np.abs(np.arange(shape[1]) - middle[0, 0]) / width) * 3 + 0.25, 0.3, 1)[None]
        )
        picture = over(picture, linear(traits.brow), 0.55 * traits.brow_density * soft)
        for grey in (False, True):
            hairs = np.zeros(shape, np.uint8)
            share = traits.grey if grey else 1 - traits.grey
            for s in np.sort(rng.beta(1.05, 1.05, int(520 * traits.brow_density * share))):
                i = min(int(s * 97) + 1, 98)
                across = rng.uniform(-1, 1)
                root = middle[i] + [0, across * half[i] * 0.92]
                along = middle[i + 1] - middle[i - 1]
                along = along / np.linalg.norm(along)
                rise = np.interp(s, [0, 0.12, 0.4, 1], [1.35, 0.95, 0.38, 0.05]) * (0.65 + 0.5 * across) - 0.15 * (across < -0.4)
                direction = along * np.interp(s, [0, 0.15, 1], [0.45, 0.9, 1.0]) + np.array([0, -rise])
                direction = direction / np.linalg.norm(direction) + 0.10 * rng.standard_normal(2)
                length = width * (0.15 + 0.045 * rng.random()) * np.interp(s, [0, 0.2, 1], [0.85, 1.0, 0.75])
                u = np.linspace(0, 1, 7)[:, None]
                path = root + direction * length * u + (along - direction) * length * 0.45 * u**2
                stroke(hairs, path, width * (0.0115 * (1 - u[:, 0]) ** 0.7 + 0.002), rng.uniform(0.6, 1.0))
            tone = np.array([138, 133, 128]) if grey else np.array(traits.brow)
            picture = over(picture, linear(tone), (0.8 if grey else 0.88) * blur(hairs.astype(np.float32) / 255, 0.005 * width))
    return whole


def mouth(picture: np.ndarray, figure: Figure) -> np.ndarray:
    """The line between the lips, the soft dark at its corners, and the nostrils."""
    whole, dm = picture, figure.dm
    picture, corner = _patch(whole, figure, [61, 291, 2, 17], 0.3)
    shape, points = picture.shape[:2], figure.anchors.points[:, :2] - corner
    ring = points[LIPS_INNER[:11]]
    path = curve(np.concatenate([[points[61] * 0.8 + ring[0] * 0.2], ring[1:-1], [points[291] * 0.8 + ring[-1] * 0.2]]), 120)
    t = np.linspace(-1, 1, 120)
    line = np.zeros(shape, np.uint8)
    stroke(line, path, dm * (0.013 * (1 - np.abs(t) ** 3) + 0.004))
    soft = blur(line.astype(np.float32) / 255, 0.004 * dm)
    wide = blur(line.astype(np.float32) / 255, 0.020 * dm)
    picture = glaze(picture, (0.35, 0.22, 0.22), 0.7 * np.clip(1.6 * wide, 0, 1))
    picture = over(picture, np.array([0.045, 0.012, 0.012], np.float32), 0.85 * soft)
    for wing in (98, 327):
        away = points[wing] - points[2]
        hole = spot(shape, points[2] + away * [0.50, 0.10], (0.030 * dm, 0.016 * dm), -0.35 * np.sign(away[0]))
        picture = glaze(picture, (0.30, 0.17, 0.16), 0.85 * np.clip(hole * 1.5 - 0.12, 0, 1))
    for k, sign in ((61, 1), (291, -1)):
        dent = spot(shape, points[k] + [sign * -0.004 * dm, 0], (0.028 * dm, 0.022 * dm))
        picture = glaze(picture, (0.55, 0.42, 0.40), 0.6 * dent)
    return whole
