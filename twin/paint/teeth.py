"""Two rows of teeth for the inside of a mouth, drawn tooth by tooth."""

from __future__ import annotations

import numpy as np

from .canvas import blur, curve, filled, noise, over

WIDE, TALL = 1024, 256
# Widths in px from the middle outwards, seen from the front (the arch turns away), and heights as shares of the first.
UPPER = ((128, 1.0), (97, 0.90), (99, 0.97), (78, 0.84), (58, 0.76), (40, 0.68))
LOWER = ((82, 0.94), (86, 0.97), (92, 1.0), (80, 0.92), (62, 0.85), (46, 0.78))


def rows(tone: tuple[int, int, int], gum: tuple[int, int, int], rng: np.random.Generator) -> np.ndarray:
    """RGBA uint8 [512, 1024, 4]: upper teeth in the top half, lower teeth in the bottom half."""
    return np.concatenate([_row(UPPER, 172, True, tone, gum, rng), _row(LOWER, 132, False, tone, gum, rng)])


def _row(sizes: tuple, tall: float, upper: bool, tone: tuple, gum: tuple, rng: np.random.Generator) -> np.ndarray:
    """Drawn with the biting edge downwards, then turned over for the lower jaw."""
    picture = np.zeros((TALL, WIDE, 3), np.float32)
    picture[:] = gum
    y, x = np.mgrid[:TALL, :WIDE].astype(np.float32)
    root = 54.0
    turn = np.clip(np.abs(x - WIDE / 2) / 480, 0, 1)
    picture *= (0.86 + 0.10 * np.exp(-(((y - 28) / 20) ** 2)))[..., None]
    alpha = np.zeros((TALL, WIDE), np.float32)
    edge_gum = root + 16 - 10 * np.abs(np.sin((x - WIDE / 2) / 64))
    alpha = np.maximum(alpha, np.clip((edge_gum + 14 - y) / 8, 0, 1) * np.clip(y / 14, 0, 1))
    for sign in (-1, 1):
        at = WIDE / 2
        for index, (width, share) in enumerate(sizes):
            middle = at + sign * width / 2
            at += sign * width
            picture, alpha = _tooth(
                picture, alpha, middle, width * 0.985, root, tall * share * (1 + 0.012 * rng.standard_normal()), index, sign, upper, tone
            )
    shade = 1 - 0.62 * turn**1.6
    picture *= shade[..., None] * np.array([1.0, 0.99, 0.98])
    picture *= (1 + 0.012 * noise((TALL, WIDE), 40, rng, 2))[..., None]
    alpha *= np.clip((1.0 - np.abs(x - WIDE / 2) / (WIDE / 2)) * 18, 0, 1)
    out = np.dstack([np.clip(picture, 0, 255), 255 * np.clip(alpha, 0, 1)]).round().astype(np.uint8)
    return out if upper else out[::-1]


def _tooth(
    picture: np.ndarray,
    alpha: np.ndarray,
    middle: float,
    width: float,
    top: float,
    tall: float,
    index: int,
    sign: int,
    upper: bool,
    tone: tuple,
) -> tuple[np.ndarray, np.ndarray]:
    half = width / 2
    corner = 0.20 if index < 2 else 0.34
    point = 0.07 * tall if index == 2 else 0.0
    side = np.array([[-0.80, 0.02], [-0.96, 0.35], [-1.0, 0.72], [-0.96 + corner * 0.25, 0.93], [-0.66, 1.0], [-0.2, 1.005], [0.0, 1.005]])
    right = side[::-1][1:] * [-1, 1]
    cap = np.array([[0.55, -0.09], [0.0, -0.13], [-0.55, -0.09]])
    ring = np.concatenate([side, right, cap])
    outline = np.stack([middle + ring[:, 0] * half, top + ring[:, 1] * tall + point * (1 - np.abs(ring[:, 0])) * (ring[:, 1] > 0.9)], -1)
    mask = filled((TALL, WIDE), curve(outline, 120, closed=True), 0.9)
    y, x = np.mgrid[:TALL, :WIDE].astype(np.float32)
    u, v = (x - middle) / half, (y - top) / tall
    colour = np.array(tone, np.float32) * np.ones((TALL, WIDE, 1), np.float32)
    colour *= (1.0 - 0.20 * np.abs(u) ** 3 - 0.07 * np.clip(0.35 - v, 0, 1) / 0.35)[..., None] * np.array([1, 1, 1])
    root = np.clip(0.40 - v, 0, 1)[..., None]
    colour = colour * (1 - root * np.array([0.02, 0.10, 0.26]))
    tip = np.clip((v - 0.86) / 0.14, 0, 1)[..., None]
    colour = colour * (1 - tip * np.array([0.10, 0.06, 0.02]))
    glow = np.exp(-(((u + 0.18 * sign) / 0.34) ** 2) - ((v - 0.42) / 0.28) ** 2)
    colour = colour + (13 * glow)[..., None]
    shadow = blur(mask, 5.0)
    picture = over(picture, picture * 0.62, np.clip(shadow - mask, 0, 1))
    picture = over(picture, np.clip(colour, 0, 255), mask)
    return picture, np.maximum(alpha, mask)
