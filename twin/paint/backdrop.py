"""What lies behind a painted person: plain walls, gradients, and places out of focus, as sRGB float32 [n, n, 3] made small and enlarged."""

from __future__ import annotations

import cv2
import numpy as np

from .attributes import Look
from .canvas import linear, srgb
from .likeness import CLOTH

SIZE = 160  # px at which a place is laid out

_LEAVES = (
    ((60, 96, 52), (92, 130, 66), (140, 166, 90), (44, 76, 50), (180, 196, 120)),
    ((40, 74, 62), (62, 104, 88), (96, 136, 118), (30, 56, 52), (150, 178, 160)),
    ((150, 92, 40), (188, 130, 58), (122, 70, 38), (204, 168, 96), (96, 80, 48)),
    ((196, 150, 164), (220, 186, 192), (120, 140, 100), (166, 116, 136), (236, 214, 214)),
)


def _disc(radius: float) -> np.ndarray:
    y, x = np.mgrid[-int(radius) - 1 : int(radius) + 2, -int(radius) - 1 : int(radius) + 2]
    kernel = np.clip(radius + 0.5 - np.hypot(x, y), 0, 1).astype(np.float32)
    return kernel / kernel.sum()


def _softly(colour: tuple[float, ...], pale: float, dim: float) -> np.ndarray:
    """A colour as a wall has it: towards grey, and darker; linear."""
    c = np.array(colour, float)
    return linear(c * (1 - pale) + (c.mean() * 0.5 + 90) * pale) * np.float32(dim)


def paint(look: Look, seed: int, size: int, light: float = -1.0) -> np.ndarray:
    """The background of a look; `light` < 0 where the key lamp stands on the picture's left."""
    rng = np.random.default_rng([seed, 17])
    kind, colour = str(look["background"]), CLOTH[str(look["background colour"])]
    n = SIZE
    y, x = np.mgrid[:n, :n].astype(np.float32) / n
    base = _softly(colour, rng.uniform(0.1, 0.45), rng.uniform(0.55, 1.0))
    picture = np.ones((n, n, 3), np.float32) * base
    if kind == "plain":
        picture *= (1.06 - 0.20 * np.clip(((x - 0.5 + 0.12 * light) ** 2 + (y - 0.4) ** 2) / 0.5, 0, 1))[..., None]
    elif kind == "gradient":
        other = _softly(CLOTH[str(rng.choice(["white", "beige", "grey", "navy", "teal", "pink", "blue", "brown"]))], 0.3, rng.uniform(0.5, 1.0))
        t = np.clip((y if rng.random() < 0.6 else 0.5 * (x + y)) * 1.1 - 0.05, 0, 1)[..., None]
        picture = base * (1 - t) + other * t
    elif kind == "window":
        picture = np.ones((n, n, 3), np.float32) * _softly(colour, 0.55, 0.42)
        at = 0.06 + 0.12 * rng.random() if light < 0 else 0.60 + 0.12 * rng.random()
        wide, high, low = rng.uniform(0.26, 0.34), rng.uniform(0.04, 0.14), rng.uniform(0.62, 0.8)
        x0, x1, y0, y1 = (int(v * n) for v in (at, at + wide, high, low))
        sky, ground = (
            linear(rng.choice([(206, 226, 240), (240, 224, 200), (190, 210, 230)])),
            linear(rng.choice([(140, 168, 132), (170, 180, 186), (150, 140, 126)])),
        )
        t = np.linspace(0, 1, max(1, y1 - y0), dtype=np.float32)[:, None, None]
        picture[y0:y1, x0:x1] = (sky * (1 - t) + ground * t)[:, :] * 1.15
        for bar in (x0, (x0 + x1) // 2, x1):
            picture[y0:y1, max(0, bar - 1) : bar + 2] = _softly((230, 228, 222), 0.2, 0.6)
        picture[(y0 + y1) // 2 : (y0 + y1) // 2 + 2, x0:x1] = _softly((230, 228, 222), 0.2, 0.6)
        picture = cv2.filter2D(picture, -1, _disc(2.6 + 1.5 * rng.random()), borderType=cv2.BORDER_REFLECT)
    elif kind == "lights":
        picture = np.ones((n, n, 3), np.float32) * _softly(colour, 0.2, 0.10) * (0.6 + 0.8 * y[..., None])
        tones = [(255, 214, 150), (255, 236, 200), (150, 190, 255), (255, 150, 110), (190, 230, 210)]
        for _ in range(int(rng.integers(14, 26))):
            cv2.circle(
                picture,
                tuple(int(v) for v in rng.uniform(0, n, 2)),
                int(rng.integers(1, 3)),
                tuple(float(v) * rng.uniform(1.5, 5) for v in linear(tones[int(rng.integers(len(tones)))])),
                -1,
            )
        picture = cv2.filter2D(picture, -1, _disc(rng.uniform(4.5, 8)), borderType=cv2.BORDER_REFLECT)
    elif kind == "garden":
        leaves = _LEAVES[int(rng.integers(len(_LEAVES)))]
        picture = (linear((196, 214, 206)) * (1 - y[..., None]) + linear((74, 108, 62)) * y[..., None]).astype(np.float32)
        for _ in range(130):
            tone = linear(np.clip(np.array(leaves[int(rng.integers(len(leaves)))]) * rng.uniform(0.8, 1.2), 0, 255))
            cv2.circle(picture, (int(rng.uniform(0, n)), int(n * rng.beta(1.3, 1.1))), int(rng.integers(3, 12)), tuple(float(v) for v in tone), -1)
        for _ in range(int(rng.integers(0, 14))):
            cv2.circle(picture, tuple(int(v) for v in rng.uniform(0, n, 2)), int(rng.integers(1, 4)), tuple(float(v) for v in linear(colour)), -1)
        picture = cv2.filter2D(picture, -1, _disc(rng.uniform(4, 6.5)), borderType=cv2.BORDER_REFLECT)
    else:  # a room: a wall, a shelf or a picture, a lamp
        picture = np.ones((n, n, 3), np.float32) * _softly(colour, 0.45, 0.65)
        for _ in range(int(rng.integers(3, 8))):
            x0, y0 = (int(v) for v in rng.uniform(-0.1, 0.85, 2) * n)
            tone = _softly(CLOTH[str(rng.choice(list(CLOTH)))], 0.35, rng.uniform(0.3, 0.8))
            cv2.rectangle(picture, (x0, y0), (x0 + int(rng.uniform(0.08, 0.34) * n), y0 + int(rng.uniform(0.08, 0.5) * n)), tuple(float(v) for v in tone), -1)
        lx, ly = rng.uniform(0, 1), rng.uniform(0.1, 0.5)
        picture += (0.5 * np.exp(-((x - lx) ** 2 + (y - ly) ** 2) / 0.02))[..., None] * linear((255, 214, 160))
        picture = cv2.filter2D(picture, -1, _disc(rng.uniform(3.5, 6)), borderType=cv2.BORDER_REFLECT)
    factor = {"warm": (1.10, 1.0, 0.86), "cool": (0.90, 0.98, 1.12)}.get(str(look["light"]), (1, 1, 1))
    small = srgb(np.clip(picture * np.array(factor, np.float32) * (1.05 - 0.25 * ((x - 0.5) ** 2 + (y - 0.45) ** 2)[..., None]), 0, 1))
    out = cv2.resize(small, (size, size), interpolation=cv2.INTER_CUBIC)
    tile = rng.standard_normal((97, 97, 1)).astype(np.float32) * np.float32(0.8)  # a little grain against bands
    return np.clip(out + np.tile(np.repeat(tile, 3, 2), (size // 97 + 1, size // 97 + 1, 1))[:size, :size], 0, 255)
