"""A person cut out of a photograph: alpha refined at the hair, colours freed of the background, and the background without the person."""
from __future__ import annotations

import cv2
import numpy as np

from .canvas import blur
from .topology import OVAL


def filled_in(picture: np.ndarray, known: np.ndarray) -> np.ndarray:
    """float32 [h, w, c] whose unknown pixels (known [h, w] 0..1) come smoothly from the known ones around (push-pull, Gortler et al. 1996)."""
    known = np.clip(known, 0, 1).astype(np.float32)
    h, w = known.shape
    if min(h, w) <= 2 or known.min() > 0.999:
        weight = max(float(known.sum()), 1e-6)
        mean = (picture * known[..., None]).sum((0, 1)) / weight
        return picture * known[..., None] + mean * (1 - known[..., None])
    size = ((w + 1) // 2, (h + 1) // 2)
    share = cv2.resize(known, size, interpolation=cv2.INTER_AREA)
    small = cv2.resize(picture * known[..., None], size, interpolation=cv2.INTER_AREA).reshape(*share.shape, -1) / np.maximum(share, 1e-6)[..., None]
    below = filled_in(small, np.minimum(1, 2 * share))
    wide = cv2.resize(cv2.GaussianBlur(below, (0, 0), 0.8), (w, h), interpolation=cv2.INTER_LINEAR).reshape(picture.shape)
    return picture * known[..., None] + wide * (1 - known[..., None])


def person(pixels: np.ndarray, points: np.ndarray, coarse: np.ndarray | None) -> np.ndarray:
    """Alpha float32 [h, w] 0..1 of the person whose face [478, 3] px it is; `coarse` [h, w] is a segmenter's, None leaves face and bust to a guess."""
    h, w = pixels.shape[:2]
    face = cv2.fillPoly(np.zeros((h, w), np.uint8), [np.round(points[list(OVAL), :2]).astype(np.int32)], 1)
    if coarse is None or float(coarse[face > 0].mean()) < 0.5:               # the segmenter did not see this one
        coarse = _guessed(points, w, h)
    solid = ((coarse > 0.4) | (face > 0)).astype(np.uint8)
    count, label = cv2.connectedComponents(solid)
    if count > 2:
        mine = np.bincount(label[face > 0], minlength=count)[1:].argmax() + 1
        coarse = coarse * cv2.dilate((label == mine).astype(np.uint8), np.ones((15, 15), np.uint8))
    holes = cv2.morphologyEx((coarse > 0.5).astype(np.uint8), cv2.MORPH_CLOSE, np.ones((int(w * 0.03) | 1,) * 2, np.uint8))
    inside = cv2.erode(holes, np.ones((int(w * 0.10) | 1,) * 2, np.uint8), borderValue=1)
    kernel = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (int(w * 0.024) | 1,) * 2)
    inside = np.maximum(inside, cv2.erode(face, kernel))                     # the oval is off by a little on the far side of a turned face
    coarse = np.maximum(coarse, inside)
    # at half size: hair thinner than two pixels of a portrait is not told from its background anyway
    small = (w // 2, h // 2)
    picture = cv2.resize(pixels, small, interpolation=cv2.INTER_AREA).astype(np.float32)
    rough = cv2.resize(coarse, small, interpolation=cv2.INTER_AREA)
    sure = cv2.resize(inside, small, interpolation=cv2.INTER_NEAREST)
    fine = _by_colour(picture, cv2.GaussianBlur(rough, (0, 0), 0.003 * w), sure, 0.017 * w)
    fine = cv2.resize(fine, (w, h), interpolation=cv2.INTER_CUBIC)
    return np.clip(np.where(fine < 0.03, 0, fine), 0, 1).astype(np.float32)


def _by_colour(picture: np.ndarray, rough: np.ndarray, sure: np.ndarray, band: float) -> np.ndarray:
    """Alpha [h, w] whose edge follows the colours: along the rough one's border each pixel is placed between what lies inside and outside of it.

    `band` px: how far the rough border may be off. Where inside and outside look alike, the rough alpha stands.
    """
    reach = int(band) | 1
    kernel = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * reach + 1,) * 2)
    solid = (rough > 0.5).astype(np.uint8)
    front = np.maximum(cv2.erode(solid, kernel, borderValue=1), sure)
    behind = 1 - cv2.dilate(solid, kernel)
    inner = _nearest_tone(picture, front, band)
    outer = _nearest_tone(picture, behind, band)
    way = inner - outer
    length = (way * way).sum(2)
    along = np.clip(((picture - outer) * way).sum(2) / np.maximum(length, 1), -0.3, 1.3)
    trust = length / (length + 3 * 22.0 ** 2)
    mixed = trust * along + (1 - trust) * np.clip((rough - 0.3) / 0.4, 0, 1)
    mixed = np.where(front > 0, 1, np.where(behind > 0, 0, mixed)).astype(np.float32)
    fine = cv2.ximgproc.guidedFilter(picture / 255, mixed, max(2, round(0.22 * band)), 1e-4)
    return np.where(behind > 0, 0, np.clip((fine - 0.12) / 0.74, 0, 1)).astype(np.float32)


def _nearest_tone(picture: np.ndarray, known: np.ndarray, band: float) -> np.ndarray:
    """What the known side of a border looks like, carried across the border [h, w, 3]."""
    mask = known.astype(np.float32)
    near = cv2.GaussianBlur(mask, (0, 0), band)
    tone = cv2.GaussianBlur(picture * mask[..., None], (0, 0), band) / np.maximum(near, 1e-4)[..., None]
    return np.where((near > 0.002)[..., None], tone, filled_in(picture, mask))


def _guessed(points: np.ndarray, w: int, h: int) -> np.ndarray:
    """A head's ellipse and shoulders, where nothing better is known."""
    oval = points[list(OVAL), :2]
    low, high = oval.min(0), oval.max(0)
    (cx, cy), (a, b) = (low + high) / 2, (high - low) / 2
    out: np.ndarray = np.zeros((h, w), np.float32)
    cv2.ellipse(out, ((cx, cy - 0.16 * b), (2.5 * a, 2.75 * b), 0), 1, -1)
    cv2.ellipse(out, ((cx, high[1] + 2.2 * b), (5.6 * a, 3.6 * b), 0), 1, -1)
    cv2.rectangle(out, (int(cx - 0.6 * a), int(cy)), (int(cx + 0.6 * a), h), 1, -1)
    return blur(out, 0.01 * w)


def freed(pixels: np.ndarray, alpha: np.ndarray, behind: np.ndarray) -> np.ndarray:
    """The person's own colours uint8 [h, w, 3], also where alpha is part (blur fusion, Forte 2021), carried on beyond the edge."""
    height, width = alpha.shape
    size = (width // 2, height // 2)                                          # colours change slowly; alpha keeps the edge sharp
    thin = cv2.resize(alpha, size, interpolation=cv2.INTER_AREA)
    a = thin[..., None]
    picture, back = (cv2.resize(p, size, interpolation=cv2.INTER_AREA).astype(np.float32) for p in (pixels, behind))
    front = picture
    for radius in (0.03, 0.006):
        sigma = radius * size[0]
        part = blur(thin, sigma)[..., None]
        front_mean = blur(front * a, sigma) / np.maximum(part, 1e-3)
        back_mean = blur(back * (1 - a), sigma) / np.maximum(1 - part, 1e-3)
        front = np.clip(front_mean + a * (picture - a * front_mean - (1 - a) * back_mean), 0, 255)
        back = back_mean
    front = np.clip(filled_in(front, (thin > 0.05).astype(np.float32)), 0, 255)
    wide = cv2.resize(front, (width, height), interpolation=cv2.INTER_LINEAR).round().astype(np.uint8)
    return np.where((alpha > 0.97)[..., None], pixels, wide)


def scenery(pixels: np.ndarray, alpha: np.ndarray, soft: float) -> np.ndarray:
    """The background uint8 [h, w, 3] with the person taken out, out of focus by `soft` px: it is shown larger than the person in wide windows."""
    height, width = alpha.shape
    w, h = width // 2, height // 2                                            # it is blurred anyway
    picture = cv2.resize(pixels, (w, h), interpolation=cv2.INTER_AREA).astype(np.float32)
    reach = int(w * 0.018) | 1
    hole = cv2.dilate((cv2.resize(alpha, (w, h), interpolation=cv2.INTER_AREA) > 0.02).astype(np.uint8), np.ones((reach, reach), np.uint8))
    if hole.mean() > 0.98:                                                    # nothing but the person: a plain wall in the picture's own tone
        tone = np.median(pixels[:max(2, height // 6)].reshape(-1, 3), axis=0) * 0.6 + 60
        return np.clip(np.ones((height, width, 1)) * tone * np.linspace(1.06, 0.86, height)[:, None, None], 0, 255).round().astype(np.uint8)
    known = np.where(hole > 0, 0, np.clip(1 - 2 * cv2.GaussianBlur(hole.astype(np.float32), (0, 0), reach / 4), 0, 1))
    # squeezed sideways while it is filled: horizons and walls go on behind a head rather than the sky coming down
    thin = (max(8, w // 8), h)
    share = cv2.resize(known, thin, interpolation=cv2.INTER_AREA)
    squeezed = cv2.resize(picture * known[..., None], thin, interpolation=cv2.INTER_AREA) / np.maximum(share, 1e-6)[..., None]
    full = cv2.resize(filled_in(squeezed, np.minimum(1, 2 * share)), (w, h), interpolation=cv2.INTER_CUBIC)
    full = blur(full, 0.012 * w)
    mask = np.clip(1.6 * cv2.GaussianBlur(known, (0, 0), 0.01 * w) - 0.6, 0, 1) * known
    out = picture * mask[..., None] + full * (1 - mask[..., None])
    return np.clip(cv2.resize(blur(out, soft / 2), (width, height), interpolation=cv2.INTER_LINEAR), 0, 255).round().astype(np.uint8)
