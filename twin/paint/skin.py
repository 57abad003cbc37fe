"""Skin: its colour over a face, light sinking into it, oil and pores on top. Works on a Figure and gives linear light [h, w, 3]."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from .canvas import blur, curve, filled, linear, masked_blur, noise, spot
from .figure import Figure, Lamp
from .landmarks import LIPS_INNER, LIPS_OUTER


@dataclass(frozen=True)
class Complexion:
    """sRGB colours and strengths 0..1 of one person's skin."""

    skin: tuple[int, int, int]
    lip: tuple[int, int, int]
    blush: tuple[int, int, int]
    blushing: float = 0.3
    freckles: float = 0.0
    mottle: float = 1.0
    shine: float = 1.0
    lines: float = 0.0  # age: under-eye, forehead and nasolabial lines
    stubble: float = 0.0
    scatter: float = 1.0


def lips_mask(figure: Figure) -> np.ndarray:
    """Mask [h, w] of the lips' red."""
    points = figure.anchors.points
    loop = points[LIPS_OUTER, :2]
    return filled(figure.shape, curve(loop, 240, closed=True, smooth=0.0), 0.007 * figure.dm)


def albedo(figure: Figure, look: Complexion, rng: np.random.Generator) -> np.ndarray:
    """Linear colour [h, w, 3] of skin and lips, before light."""
    shape, dm, p = figure.shape, figure.dm, figure.anchors.points[:, :2]
    base = linear(look.skin)
    colour = np.broadcast_to(base, (*shape, 3)).copy()
    mottle = look.mottle * (0.022 * noise(shape, 0.16 * dm, rng, 3) + 0.02 * noise(shape, 0.035 * dm, rng, 2))
    colour *= 1 + mottle[..., None] * np.array([0.5, 1.0, 1.15], np.float32)
    red = np.zeros(shape, np.float32)
    eye = np.float64(np.linalg.norm(p[263] - p[33]))
    for k, strength, rx, ry in (
        (50, 0.9, 0.23, 0.16),
        (280, 0.9, 0.23, 0.16),
        (4, 0.75, 0.10, 0.085),
        (152, 0.3, 0.16, 0.10),
        (10, 0.18, 0.5, 0.15),
        (205, 0.35, 0.16, 0.2),
        (425, 0.35, 0.16, 0.2),
    ):
        red += strength * spot(shape, p[k], (rx * eye, ry * eye))
    red += 0.8 * np.clip((np.abs(figure.rest[..., 0]) - 0.72) * 6, 0, 1) * (figure.rest[..., 1] > 6.5)
    tint = linear(look.blush) / np.maximum(base, 1e-3)
    colour *= 1 + (tint - 1) * (look.blushing * np.clip(red, 0, 1.3))[..., None]
    one, other = (spot(shape, p[k] + [0, 0.02 * eye], (0.13 * eye, 0.05 * eye)) for k in (230, 450))
    colour *= 1 - (0.10 + 0.12 * look.lines) * (one + other)[..., None] * np.array([0.8, 1.0, 0.8], np.float32)
    one, other = (spot(shape, (p[a] + p[b]) / 2, (0.15 * eye, 0.055 * eye)) for a, b in ((159, 52), (386, 282)))
    colour *= 1 - 0.14 * (one + other)[..., None] * np.array([0.7, 1.1, 1.0], np.float32)
    colour = _freckles(colour, figure, look, rng)
    if look.stubble:
        colour *= 1 - look.stubble * _beard_zone(figure)[..., None] * np.array([1.0, 0.85, 0.7], np.float32)
    return _lips(colour, figure, look, rng)


def _freckles(colour: np.ndarray, figure: Figure, look: Complexion, rng: np.random.Generator) -> np.ndarray:
    if look.freckles <= 0:
        return colour
    p = figure.anchors.points[:, :2]
    eye = np.float64(np.linalg.norm(p[263] - p[33]))
    layer = np.zeros(figure.shape, np.uint8)
    for k, spread, count in ((50, 0.17, 150), (280, 0.17, 150), (197, 0.12, 110), (9, 0.22, 40), (205, 0.15, 30), (425, 0.15, 30)):
        for x, y in p[k] + rng.standard_normal((int(count * look.freckles), 2)) * spread * eye * [1, 0.7]:
            radius = (0.0020 + 0.0032 * rng.random() ** 3) * eye * 2
            cv2.ellipse(layer, ((x, y), (2 * radius, 1.6 * radius), float(rng.random() * 180)), int(rng.uniform(50, 190)), -1, cv2.LINE_AA)
    soft = blur(layer.astype(np.float32) / 255, 0.006 * figure.dm)
    return colour * (1 - soft[..., None] * np.array([0.20, 0.36, 0.44], np.float32))


def _beard_zone(figure: Figure) -> np.ndarray:
    p = figure.anchors.points[:, :2]
    eye = np.float64(np.linalg.norm(p[263] - p[33]))
    jaw = np.concatenate(
        [
            p[[234, 132, 58, 172, 136, 150, 149, 176, 148, 152, 377, 400, 378, 379, 365, 397, 288, 361, 454]],
            p[[425, 426, 327, 2, 98, 206, 205]],
        ]
    )
    zone = filled(figure.shape, jaw, 0.10 * eye)
    return zone * (1 - filled(figure.shape, p[LIPS_OUTER], 0.03 * eye))


def _lips(colour: np.ndarray, figure: Figure, look: Complexion, rng: np.random.Generator) -> np.ndarray:
    points, dm, shape = figure.anchors.points[:, :2], figure.dm, figure.shape
    mask = lips_mask(figure)
    x0 = points[0, 0]
    half = abs(points[291, 0] - points[61, 0]) / 2
    inner = points[LIPS_INNER[:11]]
    y, x = np.mgrid[: shape[0], : shape[1]].astype(np.float32)
    crease = np.interp(x[0], inner[:, 0], inner[:, 1])[None]
    above = np.clip((crease - y) / (0.05 * dm), -1, 1)
    lip = linear(look.lip) * np.ones((*shape, 1), np.float32)
    lip = lip * (1 - 0.16 * np.clip(above * 2 + 0.4, 0, 1))[..., None]
    lip *= 1 - 0.30 * np.exp(-np.abs(y - crease) / (0.028 * dm))[..., None]
    lip *= 1 - 0.18 * (np.clip(np.abs(x - x0) / half, 0, 1) ** 3)[..., None]
    wrinkle = cv2.resize(
        rng.standard_normal((6, shape[1] // max(1, int(0.022 * dm)) + 4)).astype(np.float32),
        (shape[1], shape[0]),
        interpolation=cv2.INTER_CUBIC,
    )
    lip *= 1 + 0.05 * wrinkle[..., None]
    return colour * (1 - mask[..., None] * 0.88) + lip * mask[..., None] * 0.88


def light(
    figure: Figure,
    look: Complexion,
    base: np.ndarray,
    lamps: list[Lamp],
    ambient: tuple[np.ndarray, np.ndarray],
    open_: np.ndarray,
    rng: np.random.Generator,
) -> np.ndarray:
    """Lit skin, linear [h, w, 3]. `ambient` = light from above and below; `open_` = ambient occlusion; shadows are the figure's."""
    dm, normal, mask = figure.dm, figure.normal, figure.mask
    sky = normal[..., 1:2] * 0.5 + 0.5
    bent = open_[..., None] ** np.array([0.45, 0.62, 0.70], np.float32)  # light between folds has been through skin: it is redder
    arriving = (ambient[1] + (ambient[0] - ambient[1]) * sky) * bent
    facing = []
    for k, lamp in enumerate(lamps):
        turn = normal @ lamp.unit.astype(np.float32)
        wrap = np.array([0.28, 0.16, 0.12], np.float32)
        soft = np.clip((turn[..., None] + wrap) / (1 + wrap), 0, 1)
        lit = figure.shadows.get(str(k))
        facing.append((turn, lit))
        if lit is not None:
            soft = soft * lit[..., None]
        arriving = arriving + soft * np.asarray(lamp.colour, np.float32)
    sunk = arriving.copy()
    for channel, radius in enumerate((0.040, 0.015, 0.009)):
        near = masked_blur(arriving[..., channel], mask, radius * dm * 0.45 * look.scatter)
        wide = masked_blur(arriving[..., channel], mask, radius * dm * look.scatter)
        sunk[..., channel] = 0.30 * arriving[..., channel] + 0.40 * near + 0.30 * wide
    sunk *= open_[..., None] ** np.array([0.45, 0.60, 0.66], np.float32)
    return base * sunk + _gloss(figure, look, lamps, facing, open_, rng)


def _gloss(figure: Figure, look: Complexion, lamps: list[Lamp], facing: list, open_: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    shape, dm, p = figure.shape, figure.dm, figure.anchors.points[:, :2]
    eye = np.float64(np.linalg.norm(p[263] - p[33]))
    pores = noise(shape, 0.014 * dm, rng, 2)
    bumps = np.stack([cv2.Sobel(pores, cv2.CV_32F, 1, 0), cv2.Sobel(pores, cv2.CV_32F, 0, 1)], -1)
    normal = figure.normal.copy()
    normal[..., :2] += 0.020 * bumps / max(float(bumps.std()), 1e-6) * np.array([1, -1], np.float32)
    normal /= np.maximum(np.linalg.norm(normal, axis=2, keepdims=True), 1e-6)
    lips = lips_mask(figure)
    one, other = (spot(shape, p[k], (0.16 * eye, 0.12 * eye)) for k in (117, 346))
    oily = (
        0.55
        + 0.5 * spot(shape, p[4], (0.10 * eye, 0.12 * eye))
        + 0.3 * spot(shape, p[9], (0.45 * eye, 0.25 * eye))
        + 0.25 * (one + other)
    )
    out = np.zeros((*shape, 3), np.float32)
    for lamp, (turn, lit) in zip(lamps, facing):
        half = lamp.unit + [0, 0, 1]
        half = (half / np.linalg.norm(half)).astype(np.float32)
        peak = np.clip(normal @ half, 0, 1)
        edge = 0.04 + 0.96 * (1 - np.clip(half[2], 0, 1)) ** 5
        broad = 0.9 * peak**14 + 1.6 * peak**38
        wet = 5.0 * peak**90
        amount = (look.shine * oily * (1 - lips) * broad + lips * (0.5 * broad + 0.75 * wet)) * np.clip(turn * 4, 0, 1) * open_
        if lit is not None:
            amount = amount * lit
        out += amount[..., None] * edge * np.asarray(lamp.colour, np.float32)
    grazing = (1 - np.clip(figure.normal[..., 2], 0, 1)) ** 4
    out += (0.05 * look.shine * grazing * open_)[..., None] * np.array([0.9, 0.95, 1.0], np.float32)
    return out
