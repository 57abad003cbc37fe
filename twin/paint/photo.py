"""A photograph (or painting, or statue) becomes a face/ folder that the renderers bring to life: `read`, `faces`, `report`, `placed`, `build`.

The picture is levelled and cropped to a portrait, the person cut out, the background filled behind them, the points found again more exactly,
eyes and teeth taken out as pieces of their own, and `rig.build` makes the mesh and its 52 shapes. Nothing is kept but the folder.
"""
from __future__ import annotations

import shutil
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import cv2
import numpy as np
from PIL import Image

from twin.errors import Missing, Refused

from . import matte, pieces, rig
from .canvas import blur
from .faces import Found, faces, selfie, steadied, warm
from .marks import MARKS, guess, placed
from .picture import Picture, read
from .report import Remark, report
from .topology import LEFT, LOWER_LIP, OVAL, RIGHT, UPPER_LIP, face_triangles

__all__ = ["MARKS", "Found", "Picture", "Remark", "build", "faces", "guess", "placed", "read", "report", "warm"]
WIDE, TALL = 1024, 1280                # px: the most a portrait has
LEAST_UNIT = 8.0                       # source px between the irises
QUALITY = {"portrait": 92, "background": 84, "eyes": 92, "iris": 92, "mouth": 92, "depth": 88}


def build(picture: Picture, found: Found, folder: Path, progress: Callable[[float, str], None] = lambda done, note: None) -> dict[str, float]:
    """Writes the whole face/ folder; it is made beside and renamed, so it is there whole or not at all.

    `progress(done 0..1, note)` is called at each step and may raise to cancel. Returns {"seconds": ...}. Raises Refused for a face without points
    or too small, Missing without MediaPipe (a face placed by hand is built without it, its outline guessed).
    """
    began = time.perf_counter()
    if found.points is None:
        raise Refused("No eyes, nose and mouth were found in this face.", "Place the points by hand, or choose another photo.",
                      zh=("这张脸上没有找到眼、鼻、口。", "请手动放置标记，或换一张照片。"), code="no-points")
    if found.unit < LEAST_UNIT:
        raise Refused(f"The eyes are only {found.unit:.0f} px apart; {LEAST_UNIT:.0f} are the least, 60 or more look good.",
                      "Choose a picture in which the face is larger.",
                      zh=(f"两眼只相距 {found.unit:.0f} 像素；至少要 {LEAST_UNIT:.0f}，60 以上才好看。", "请选脸更大的照片。"), code="too-small")
    folder = Path(folder)
    beside = folder.with_name(f".{folder.name}.part")
    shutil.rmtree(beside, ignore_errors=True)
    beside.mkdir(parents=True)
    try:
        progress(0.05, "cropping")
        pictures, plain = paint(picture, found, progress)
        progress(0.60, "rigging")
        with ThreadPoolExecutor(1) as press:                                # encoding leaves Python alone, so the rig is built meanwhile
            saving = [press.submit(_save, beside / f"{name}.webp", pixels, QUALITY[name]) for name, pixels in pictures.items()]
            rig.save(beside, rig.build(plain, pictures["depth"]))
            progress(0.90, "saving")
            for one in saving:
                one.result()
        shutil.rmtree(folder, ignore_errors=True)
        beside.rename(folder)
    finally:
        shutil.rmtree(beside, ignore_errors=True)
    progress(1.0, "done")
    return {"seconds": round(time.perf_counter() - began, 2)}


def _save(path: Path, pixels: np.ndarray, quality: int) -> None:
    Image.fromarray(pixels).save(path, quality=quality, method=1, exact=True)


def paint(picture: Picture, found: Found, progress: Callable[[float, str], None] = lambda done, note: None) -> tuple[dict[str, np.ndarray], dict]:
    """The pictures of a face/ folder by file stem (uint8) and the rig before `rig.build`."""
    rng = np.random.default_rng(1)
    pixels, alpha, points, scale, matrix = _portrait(picture, found)
    height, width = pixels.shape[:2]
    progress(0.15, "points")
    if not found.by_hand:
        points = _nearer(pixels, points)
    points = _seamed(pixels, points)
    progress(0.25, "cutting out")
    if alpha is None:
        try:
            coarse = selfie(pixels)
        except Missing:
            coarse = None
        alpha = matte.person(pixels, points, coarse)
    if alpha[0].mean() > 0.02:                                              # the head goes on above the picture: it ends softly, not in a line
        alpha = alpha * np.clip(np.arange(height) / (0.035 * height), 0, 1)[:, None].astype(np.float32)
    progress(0.40, "background")
    if picture.behind is None:
        behind = matte.scenery(pixels, alpha, 0.005 * width)
    else:
        behind = _warped(picture.behind, matrix, (width, height), scale)
    own = matte.freed(pieces.without_teeth(pixels, points), alpha, behind)
    progress(0.50, "eyes and teeth")
    eye = float(np.linalg.norm(points[33] - points[133]) + np.linalg.norm(points[263] - points[362])) / 2 / scale
    irises = [pieces.iris_at(points, side) for side in (RIGHT, LEFT)]
    closed = points + rig.closed(points)
    pictures = {
        "portrait": np.dstack([own, (alpha * 255).round().astype(np.uint8)]), "background": behind,
        "eyes": pieces.whites(pixels, points, eye, rng), "iris": pieces.iris(pixels, points, irises[0][1] / scale, rng),
        "mouth": pieces.mouth(pixels, points, closed), "depth": _depth(points, alpha),
    }
    return pictures, _plain(pixels, points, irises, (width, height))


def _portrait(picture: Picture, found: Found) -> tuple[np.ndarray, np.ndarray | None, np.ndarray, float, np.ndarray]:
    """The levelled crop: pixels uint8 [h, w, 3], alpha [h, w] 0..1 or None, points [478, 3] in it, portrait px per picture px, and the map there [2, 3]."""
    assert found.points is not None
    points = found.points.astype(float)
    left, right = points[468, :2], points[473, :2]
    eyes, chin = (left + right) / 2, points[152, :2]
    angle = float(np.arctan2(*(right - left)[::-1]))
    along, down = np.array([np.cos(angle), np.sin(angle)]), np.array([-np.sin(angle), np.cos(angle)])
    unit = max(float(np.linalg.norm(right - left)), 0.58 * float(abs((chin - eyes) @ down)))
    rel = (points[list(OVAL), :2] - eyes) @ np.stack([along, down]).T       # the face's outline in the levelled frame
    low, high = rel.min(0), rel.max(0)
    middle = float(low[0] + high[0]) / 2
    room = _room(picture.size, eyes + middle * along, along, down)
    half = 2.9 * unit
    x0 = middle - max(min(half, room[0]), middle - low[0] + 0.12 * unit)
    x1 = middle + max(min(half, room[1]), high[0] - middle + 0.12 * unit)
    y0 = -max(min(3.05 * unit, room[2]), -low[1] + 0.10 * unit)
    y1 = max(min(4.2 * unit, room[3]), high[1] + 0.25 * unit)
    scale = min(WIDE / (x1 - x0), TALL / (y1 - y0))
    width, height = max(16, round((x1 - x0) * scale)), max(16, round((y1 - y0) * scale))
    turned = np.stack([along, down]) * scale
    matrix = np.column_stack([turned, -turned @ eyes - scale * np.array([x0, y0])])
    pixels = _warped(picture.pixels, matrix, (width, height), scale)
    if scale > 1.5:                                                         # enlarging blurs; a little of it can be taken back
        soft = blur(pixels.astype(np.float32), 0.55 * scale)
        pixels = np.clip(pixels + 0.45 * (pixels - soft), 0, 255).round().astype(np.uint8)
    alpha = None if picture.alpha is None else _warped(picture.alpha, matrix, (width, height), scale).astype(np.float32) / 255
    flat = points[:, :2] @ matrix[:, :2].T + matrix[:, 2]
    return pixels, alpha, np.column_stack([flat, points[:, 2] * scale]), scale, matrix


def _room(size: tuple[int, int], place: np.ndarray, along: np.ndarray, down: np.ndarray) -> list[float]:
    """How far it is from a place to the picture's border, px: to the left, right, up and down of a levelled head."""
    out = []
    for way in (-along, along, -down, down):
        steps = [((size[k] - 1 if way[k] > 0 else 0) - place[k]) / way[k] for k in (0, 1) if abs(way[k]) > 1e-6]
        out.append(max(0.0, min(steps)))
    return out


def _warped(pixels: np.ndarray, matrix: np.ndarray, size: tuple[int, int], scale: float) -> np.ndarray:
    """The picture through an affine map to px of the portrait; what lies outside it is carried on from its border."""
    while scale < 0.5:
        pixels = cv2.resize(pixels, (pixels.shape[1] // 2, pixels.shape[0] // 2), interpolation=cv2.INTER_AREA)
        matrix = matrix @ np.diag([2.0, 2.0, 1.0])
        scale *= 2
    return cv2.warpAffine(pixels, matrix, size, flags=cv2.INTER_CUBIC, borderMode=cv2.BORDER_REPLICATE)


def _nearer(pixels: np.ndarray, points: np.ndarray) -> np.ndarray:
    """The points found again in the levelled portrait, where that agrees with what was found before."""
    try:
        return steadied(pixels, points)
    except Missing:
        return points


def _seamed(pixels: np.ndarray, points: np.ndarray) -> np.ndarray:
    """Closed lips parted where the picture has its dark line: finders put it a little too high or too low, and then lip sticks to lip."""
    unit = float(np.linalg.norm(points[473] - points[468]))
    if np.linalg.norm(points[13, :2] - points[14, :2]) > 0.03 * unit:
        return points
    right = points[291, :2] - points[61, :2]
    right = right / np.linalg.norm(right)
    down = np.array([-right[1], right[0]])
    grey = blur(cv2.cvtColor(pixels, cv2.COLOR_RGB2GRAY).astype(np.float32), 0.006 * unit)
    line = (points[list(UPPER_LIP[3]), :2] + points[list(LOWER_LIP[3]), :2]) / 2
    t = np.linspace(0, 10, 61)
    base = np.stack([np.interp(t, np.arange(11), line[:, k]) for k in (0, 1)], -1)
    far = np.linspace(-0.06, 0.06, 49) * unit
    spots = (base[:, None] + far[None, :, None] * down).astype(np.float32)
    dark = cv2.remap(grey, spots[..., 0], spots[..., 1], cv2.INTER_LINEAR)
    dark = dark - dark.mean(1, keepdims=True)
    cost = dark / max(float(dark.std()), 1.0) + (far[None] / (0.05 * unit)) ** 2
    best = far[_path(cost)]
    best = cv2.GaussianBlur(best[None].astype(np.float32), (0, 0), 2.0, borderType=cv2.BORDER_REPLICATE)[0] * np.clip(np.minimum(t, 10 - t) / 1.2, 0, 1)
    out = points.copy()
    for k in range(1, 10):
        move = down * np.interp(k, t, best)
        for row in (UPPER_LIP, LOWER_LIP):
            out[row[3][k], :2] = line[k] + move
    return out


def _path(cost: np.ndarray) -> np.ndarray:
    """The cheapest way through cost [n, m], one place a step, neighbours at most one apart."""
    total, back = cost.copy(), np.zeros(cost.shape, int)
    for k in range(1, len(cost)):
        near = np.stack([np.r_[np.inf, total[k - 1, :-1]] + 0.05, total[k - 1], np.r_[total[k - 1, 1:], np.inf] + 0.05])
        back[k] = near.argmin(0) - 1
        total[k] += near.min(0)
    way = [int(total[-1].argmin())]
    for k in range(len(cost) - 1, 0, -1):
        way.append(way[-1] + int(back[k, way[-1]]))
    return np.array(way[::-1])


def _depth(points: np.ndarray, alpha: np.ndarray) -> np.ndarray:
    """Smooth nearness, uint8 [h, w], 255 nearest: the face's own depth, falling away behind its outline, 0 outside the person."""
    h, w = alpha.shape
    small = (w // 8, h // 8)
    unit = float(np.linalg.norm(points[473] - points[468]))
    near, back = points[:468, 2].min(), points[list(OVAL), 2].max() + 0.25 * unit
    level = np.clip((back - points[:468, 2]) / (back - near), 0, 1)
    total, weight = np.zeros(small[::-1], np.float32), np.zeros(small[::-1], np.float32)
    at = np.clip(points[:468, :2] / 8, 0, np.array(small) - 1).astype(int)
    np.add.at(total, (at[:, 1], at[:, 0]), level)
    np.add.at(weight, (at[:, 1], at[:, 0]), 1)
    face = matte.filled_in((total / np.maximum(weight, 1))[..., None], np.minimum(weight, 1))[..., 0]
    shape = cv2.fillPoly(np.zeros(small[::-1], np.uint8), [np.round(points[list(OVAL), :2] / 8).astype(np.int32)], 1)
    away = cv2.distanceTransform(1 - shape, cv2.DIST_L2, 3) * 8 / unit
    value = face * np.exp(-away / 0.9) * cv2.resize(alpha, small, interpolation=cv2.INTER_AREA)
    return (np.clip(cv2.resize(blur(value.astype(np.float32), 1.2), (w, h), interpolation=cv2.INTER_CUBIC), 0, 1) * 255).round().astype(np.uint8)


def _plain(pixels: np.ndarray, points: np.ndarray, irises: list[tuple[np.ndarray, float]], size: tuple[int, int]) -> dict:
    """The rig before its mesh: places and colours."""
    chin, eyes = points[152, 1], points[[468, 473], 1].mean()

    def colour(values: np.ndarray) -> list[int]:
        return [int(v) for v in np.clip(values, 0, 255)]

    skin = np.median([pieces.tone(pixels, points, i, 0.08) for i in (205, 425)], axis=0)
    rims = np.concatenate([points[list(side.upper), :2] for side in (RIGHT, LEFT)]).round().astype(int)
    dark = pixels[np.clip(rims[:, 1], 0, size[1] - 1), np.clip(rims[:, 0], 0, size[0] - 1)]
    light = pieces.light_of(pixels, points)
    return {
        "version": 1, "size": list(size), "points": [[round(float(v), 2) for v in p] for p in points],
        "iris": {name: [round(float(c[0]), 2), round(float(c[1]), 2), round(r, 2)] for name, (c, r) in zip(("left", "right"), irises)},
        "skin": colour(skin), "lip": colour((pieces.tone(pixels, points, 0, 0.03) + pieces.tone(pixels, points, 17, 0.03)) / 2),
        "lid": colour(_lid(pixels, points)), "lash": colour(np.percentile(dark, 15, axis=0) * 0.6),
        "light": _lamp(pixels, points), "fold": [0.20, 0.62], "inside": [round(float(v) / 236, 3) for v in light],
        "shoulder_y": round(float(min(size[1] * 0.985, chin + 0.62 * (chin - eyes))), 1),
    }


def _lid(pixels: np.ndarray, points: np.ndarray) -> np.ndarray:
    """What `lid` has to be for closed lids to get the tone of the skin above and below them, RGB [3].

    The renderers (SKIN in shaders.js) make 0.35 of it and 0.65 of the skin 0.8 of an eye's width below.
    """
    wide = float(np.linalg.norm(points[33, :2] - points[133, :2]) + np.linalg.norm(points[263, :2] - points[362, :2])) / 2
    out = []
    for side in (RIGHT, LEFT):
        above = [(points[side.above[k], :2] + points[side.fold[k], :2]) / 2 for k in (3, 4, 5)]
        over = np.median([pieces.around(pixels, place, 0.06 * wide) for place in above], axis=0)
        below = np.median([pieces.around(pixels, points[side.upper[k], :2] + [0, 0.80 * wide], 0.12 * wide) for k in (3, 4, 5)], axis=0)
        wanted = np.maximum(0.6 * over + 0.4 * below, 0.92 * below) * [1.06, 1.00, 0.97]            # a ball in the light, not a hollow
        wanted = 0.5 * wanted + 0.5 * below * (wanted.mean() / max(float(below.mean()), 1.0))       # the hue of a shadow is no skin's
        out.append(wanted - 0.65 * below)
    return np.mean(out, axis=0) / 0.35


def _lamp(pixels: np.ndarray, points: np.ndarray) -> list[float]:
    """Where the light comes from (y down, near is negative): the direction whose shading of the mesh is most like the picture's."""
    tri = face_triangles()
    a, b, c = (points[tri[:, k]] for k in range(3))
    normal = np.cross(b - a, c - a)
    area = np.linalg.norm(normal, axis=1)
    normal = normal / np.maximum(area, 1e-9)[:, None]
    normal *= np.where(normal[:, 2:] > 0, -1, 1)                            # towards the viewer
    grey = blur(cv2.cvtColor(pixels, cv2.COLOR_RGB2GRAY).astype(np.float32), 0.02 * pixels.shape[1])
    at = np.clip(((a + b + c) / 3)[:, :2].round().astype(int), 0, [pixels.shape[1] - 1, pixels.shape[0] - 1])
    seen = grey[at[:, 1], at[:, 0]]
    weight = np.sqrt(area * np.abs(normal[:, 2]))
    fit, *_ = np.linalg.lstsq(np.column_stack([normal[:, :2], np.ones(len(tri))]) * weight[:, None], seen * weight, rcond=None)
    side = np.clip(fit[:2] / max(float(np.abs(seen).mean()), 1) * 1.5, -0.8, 0.8)
    way = np.array([0.6 * side[0] - 0.06, 0.6 * side[1] - 0.25, -0.8])
    return [round(float(v), 4) for v in way / np.linalg.norm(way)]
