"""Paint and brushes: colour spaces, noise, smooth curves, soft filled shapes. Pictures are float32 [h, w, c] unless said otherwise."""

from __future__ import annotations

import cv2
import numpy as np
from scipy import interpolate


def linear(colour: np.ndarray | tuple[float, ...]) -> np.ndarray:
    """sRGB 0..255 to linear light 0..1 (IEC 61966-2-1)."""
    c = np.asarray(colour, np.float32) / np.float32(255)
    return np.where(c <= 0.04045, c / 12.92, ((c + 0.055) / 1.055) ** 2.4).astype(np.float32)


def srgb(light: np.ndarray) -> np.ndarray:
    """Linear light to sRGB 0..255, float32."""
    c = np.clip(light, 0, 1)
    return (255 * np.where(c <= 0.0031308, c * 12.92, 1.055 * c ** (1 / 2.4) - 0.055)).astype(np.float32)


def film(light: np.ndarray) -> np.ndarray:
    """A soft shoulder for bright places: linear up to 0.7, then rolling off to 1."""
    over = np.maximum(light - 0.7, 0)
    return np.minimum(light, 0.7) + 0.3 * (1 - np.exp(-over / 0.3))


def blur(picture: np.ndarray, sigma: float, fine: float = 6.0) -> np.ndarray:
    """Gaussian blur; large sigmas are done on a smaller picture, on which they are `fine` px or more."""
    if sigma < 0.2:
        return picture
    step = max(1, int(sigma // fine))
    if step == 1:
        return cv2.GaussianBlur(picture, (0, 0), sigma, borderType=cv2.BORDER_REPLICATE)
    h, w = picture.shape[:2]
    small = cv2.resize(picture, (max(2, w // step), max(2, h // step)), interpolation=cv2.INTER_AREA)
    return cv2.resize(cv2.GaussianBlur(small, (0, 0), sigma / step, borderType=cv2.BORDER_REPLICATE), (w, h), interpolation=cv2.INTER_CUBIC)


def masked_blur(picture: np.ndarray, mask: np.ndarray, sigma: float) -> np.ndarray:
    """Blur that takes nothing from outside the mask [h, w] 0..1."""
    weight = blur(mask, sigma)
    part = blur(picture * (mask[..., None] if picture.ndim == 3 else mask), sigma)
    return part / np.maximum(weight[..., None] if picture.ndim == 3 else weight, 1e-3)


def noise(shape: tuple[int, int], cell: float, rng: np.random.Generator, octaves: int = 1) -> np.ndarray:
    """Smooth noise [h, w] of zero mean and unit deviation; `cell` px a bump, each further octave half the size and strength."""
    h, w = shape
    total = np.zeros(shape, np.float32)
    for octave in range(octaves):
        size = max(1.0, cell / 2**octave)
        grid = rng.standard_normal((int(h / size) + 4, int(w / size) + 4)).astype(np.float32)
        big = cv2.resize(grid, None, fx=size, fy=size, interpolation=cv2.INTER_CUBIC)
        total += big[int(size) : int(size) + h, int(size) : int(size) + w] * 0.5**octave
    return (total - total.mean()) / max(float(total.std()), 1e-6)


def curve(points: np.ndarray, count: int, *, closed: bool = False, smooth: float = 0.0) -> np.ndarray:
    """A cubic spline through points [n, d] (a loop if `closed`), sampled `count` times."""
    points = np.asarray(points, float)
    if closed:
        points = np.concatenate([points, points[:1]])
    spline, _ = interpolate.splprep(points.T, s=smooth * len(points), per=closed, k=min(3, len(points) - 1))
    return np.stack(interpolate.splev(np.linspace(0, 1, count, endpoint=not closed), spline), -1)


def filled(shape: tuple[int, int], outline: np.ndarray, soft: float = 0.7) -> np.ndarray:
    """Mask [h, w] 0..1 of a polygon [n, 2] in px with an edge about `soft` px wide."""
    mask = np.zeros(shape, np.uint8)
    cv2.fillPoly(mask, [np.round(outline * 16).astype(np.int32)], 255, cv2.LINE_AA, 4)
    return blur(mask.astype(np.float32) / 255, soft)


def stroke(mask: np.ndarray, path: np.ndarray, widths: np.ndarray, value: float = 1.0) -> None:
    """Draws a tapered stroke along path [n, 2] (px) with widths [n] px into a uint8 mask, in place."""
    path = np.asarray(path, float)
    along = np.gradient(path, axis=0)
    side = np.stack([-along[:, 1], along[:, 0]], -1)
    side /= np.maximum(np.linalg.norm(side, axis=1, keepdims=True), 1e-9)
    half = side * np.asarray(widths)[:, None] / 2
    outline = np.concatenate([path + half, (path - half)[::-1]])
    cv2.fillPoly(mask, [np.round(outline * 16).astype(np.int32)], int(255 * value), cv2.LINE_AA, 4)


def spot(
    shape: tuple[int, int], centre: np.ndarray | tuple[float, float], radius: tuple[float, float] | float, turn: float = 0.0
) -> np.ndarray:
    """A Gaussian spot [h, w], 1 in its centre; radii (sigma) in px, `turn` in rad."""
    rx, ry = radius if isinstance(radius, tuple) else (radius, radius)
    out = np.zeros(shape, np.float32)
    reach = 4 * max(rx, ry) + 1
    (x0, y0), (x1, y1) = (np.clip(np.asarray(centre) + sign * reach, 0, shape[::-1]).astype(int) for sign in (-1, 1))
    y, x = np.ogrid[y0:y1, x0:x1]
    dx, dy = (x - centre[0]).astype(np.float32), (y - centre[1]).astype(np.float32)
    c, s = np.float32(np.cos(turn)), np.float32(np.sin(turn))
    out[y0:y1, x0:x1] = np.exp(-0.5 * (((dx * c + dy * s) / np.float32(rx)) ** 2 + ((-dx * s + dy * c) / np.float32(ry)) ** 2))
    return out


def over(below: np.ndarray, colour: np.ndarray | tuple[float, ...], alpha: np.ndarray) -> np.ndarray:
    """Paints a colour (or picture) over another with alpha [h, w], in place where `alpha` is not 0."""
    box = _box(alpha)
    colour = np.asarray(colour, np.float32)
    part = below[box]
    part += ((colour[box] if colour.ndim == 3 else colour) - part) * alpha[box][..., None]
    return below


def glaze(below: np.ndarray, factors: tuple[float, float, float], alpha: np.ndarray, add: float = 0.0) -> np.ndarray:
    """Multiplies a picture by `factors` per channel (and adds) as far as alpha [h, w] says, in place."""
    box = _box(alpha)
    part = below[box]
    part += (part * (np.asarray(factors, np.float32) - 1) + np.float32(add)) * alpha[box][..., None]
    return below


def _box(alpha: np.ndarray) -> tuple[slice, slice]:
    """The rows and columns in which a mask is not 0."""
    rows, columns = np.flatnonzero(alpha.any(1)), np.flatnonzero(alpha.any(0))
    return (slice(rows[0], rows[-1] + 1), slice(columns[0], columns[-1] + 1)) if len(rows) else (slice(0, 0), slice(0, 0))
