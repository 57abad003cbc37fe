"""Eyes as loose pieces: the white of an eye with its shading, and an iris.

The page moves them beneath the lids; the portrait has them painted in.
"""

from __future__ import annotations

import cv2
import numpy as np

from .canvas import blur, curve, filled, noise, spot
from .landmarks import LIDS

SIZE = 512
DISC = 240  # px: the iris disc's radius in its picture


def iris(colour: tuple[int, int, int], rng: np.random.Generator) -> np.ndarray:
    """Iris with pupil, RGBA uint8 [512, 512, 4], disc diameter 480 px; `colour` is the middle zone's sRGB."""
    y, x = np.mgrid[:SIZE, :SIZE].astype(np.float32) - (SIZE - 1) / 2
    r = np.hypot(x, y) / DISC
    angle = np.arctan2(y, x)
    turn = (angle / (2 * np.pi) + 0.5) * 1024
    rays = np.zeros_like(r)
    for count, strength in ((90, 1.0), (44, 0.9), (200, 0.6)):
        strip = cv2.resize(rng.standard_normal((6, count)).astype(np.float32), (1024, 64), interpolation=cv2.INTER_CUBIC)
        strip = np.concatenate([strip, strip[:, :8]], 1)
        bend = turn + 9 * np.sin(r * 5 + count)
        rays += strength * cv2.remap(
            strip, np.mod(bend, 1024).astype(np.float32), np.clip(r * 60, 0, 63).astype(np.float32), cv2.INTER_LINEAR
        )
    rays /= rays.std()
    base = np.array(colour, np.float32)
    warm = np.clip(base * [1.45, 1.22, 0.95] + [30, 14, 0], 0, 255)
    picture = np.broadcast_to(base, (SIZE, SIZE, 3)).astype(np.float32).copy()
    inner = np.exp(-(((r - 0.42) / 0.17) ** 2))[..., None]
    picture = picture * (1 - 0.75 * inner) + warm * 0.75 * inner
    picture *= (1 + 0.20 * rays * np.exp(-(((r - 0.62) / 0.3) ** 2)))[..., None]
    crypts = np.clip(noise((SIZE, SIZE), 26, rng, 2), -1.5, 1.5)
    picture *= (1 + 0.06 * crypts)[..., None]
    lift = np.clip(0.5 + 0.55 * y / DISC, 0, 1)  # light passes through and gathers on the side away from it
    picture *= (0.74 + 0.62 * lift * np.exp(-(((r - 0.66) / 0.28) ** 2)))[..., None]
    limbus = 1 / (1 + np.exp(-(r - 0.88) / 0.035))
    picture = picture * (1 - 0.86 * limbus[..., None]) + np.array([22, 16, 16]) * 0.86 * limbus[..., None]
    wobble = 0.012 * np.sin(angle * 7 + 1) + 0.008 * np.sin(angle * 13)
    pupil = 1 / (1 + np.exp((r - 0.37 - wobble) / 0.014))
    rim = np.exp(-(((r - 0.40) / 0.03) ** 2))
    picture *= (1 - 0.35 * rim)[..., None]
    picture = picture * (1 - pupil[..., None]) + np.array([9, 7, 8]) * pupil[..., None]
    alpha = np.clip((1.0 - r) * DISC / 14, 0, 1)
    return np.dstack([np.clip(picture, 0, 255), 255 * alpha]).round().astype(np.uint8)


def frame(points: np.ndarray, side: int) -> tuple[np.ndarray, float]:
    """Where an eye's 512 px picture lies: its centre [2] (of the lids' bounding box) and portrait px per picture px."""
    ring = points[LIDS[side], :2]
    centre = (ring.min(0) + ring.max(0)) / 2
    return centre, float(np.linalg.norm(ring[0] - ring[8])) * 2 / SIZE


def white(points: np.ndarray, side: int, skin: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """The eye without iris, RGBA uint8 [512, 512, 4]: sclera, caruncle, and the shade of lid and lashes at rest. `skin` is sRGB."""
    centre, scale = frame(points, side)
    ring = (points[LIDS[side], :2] - centre) / scale + SIZE / 2
    loop = curve(ring, 160, closed=True)
    inside = filled((SIZE, SIZE), loop, 1.0)
    y, x = np.mgrid[:SIZE, :SIZE].astype(np.float32)
    outer, inner = ring[0], ring[8]
    picture = np.empty((SIZE, SIZE, 3), np.float32)
    picture[:] = (244, 238, 230)
    ball = np.hypot((x - SIZE / 2) / 150, (y - SIZE / 2 - 6) / 128)
    picture *= (1.02 - 0.20 * np.clip(ball, 0, 1.5) ** 2)[..., None]
    top = np.interp(x[0], *_sorted(loop, upper=True))
    bottom = np.interp(x[0], *_sorted(loop, upper=False))
    under = np.exp(-np.clip(y - top[None], 0, None) / 17)
    picture *= 1 - under[..., None] * np.array([0.42, 0.46, 0.47])
    above = np.exp(-np.clip(bottom[None] - y, 0, None) / 11)
    picture *= 1 - above[..., None] * np.array([0.12, 0.20, 0.20])
    for corner, reach in ((outer, 34), (inner, 44)):
        near = spot((SIZE, SIZE), corner, reach)[..., None]
        picture = picture * (1 - 0.55 * near) + np.array([198, 142, 130]) * 0.55 * near
    toward = np.sign(outer[0] - inner[0])
    lump = spot((SIZE, SIZE), inner + [toward * 13, 1], (15, 12))
    flesh = np.array([205, 128, 118]) * (0.55 + 0.45 * skin / max(skin.max(), 1))
    picture = picture * (1 - 0.85 * lump[..., None]) + flesh * 0.85 * lump[..., None]
    glint = spot((SIZE, SIZE), inner + [toward * 15, -3], (4, 3))
    picture += 50 * glint[..., None]
    picture *= 1 + 0.012 * noise((SIZE, SIZE), 30, rng, 2)[..., None]
    far = blur(1 - inside, 20)[..., None]  # what only shows when the lids move is dim
    picture *= 1 - 0.25 * np.clip(far * 2 - 1, 0, 1)
    alpha = np.clip((2.0 - np.hypot((x - SIZE / 2) / 140, (y - SIZE / 2) / 120)) * 4, 0, 1)
    return np.dstack([np.clip(picture, 0, 255), 255 * alpha]).round().astype(np.uint8)


def _sorted(loop: np.ndarray, *, upper: bool) -> tuple[np.ndarray, np.ndarray]:
    left, right = loop[:, 0].argmin(), loop[:, 0].argmax()
    a, b = min(left, right), max(left, right)
    parts = [loop[a : b + 1], np.concatenate([loop[b:], loop[: a + 1]])]
    parts.sort(key=lambda part: part[:, 1].mean())
    part = parts[0] if upper else parts[1]
    order = part[:, 0].argsort()
    return part[order, 0], part[order, 1]


def place(layer: np.ndarray, shape: tuple[int, int], centre: np.ndarray, scale: float) -> np.ndarray:
    """A piece [n, n, 4] set onto `shape`, its middle at `centre`, `scale` px per px of it: float32 [h, w, 4], premultiplied."""
    n = layer.shape[0]
    half = n * scale / 2
    x0, y0 = np.floor(centre - half - 2).astype(int)
    size = int(np.ceil(2 * half)) + 5
    premultiplied = layer.astype(np.float32) / 255
    premultiplied[..., :3] *= premultiplied[..., 3:]
    if scale < 0.7:
        premultiplied = blur(premultiplied, 0.45 / scale)
    matrix = np.array([[scale, 0, centre[0] - x0 - half + scale / 2 - 0.5], [0, scale, centre[1] - y0 - half + scale / 2 - 0.5]])
    patch = cv2.warpAffine(premultiplied, matrix, (size, size), flags=cv2.INTER_LINEAR)
    out = np.zeros((*shape, 4), np.float32)
    ya, yb, xa, xb = max(y0, 0), min(y0 + size, shape[0]), max(x0, 0), min(x0 + size, shape[1])
    out[ya:yb, xa:xb] = patch[ya - y0 : yb - y0, xa - x0 : xb - x0]
    return out
