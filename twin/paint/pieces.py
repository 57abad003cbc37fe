"""What moves behind a photograph's skin: the whites of the eyes, an iris and the teeth, taken from the picture as far as it shows them."""
from __future__ import annotations

from functools import cache
from pathlib import Path

import cv2
import numpy as np
from PIL import Image

from . import eyes, teeth
from .canvas import blur
from .matte import filled_in
from .topology import LEFT, LOWER_LIP, RIGHT, UPPER_LIP, Side

SIZE = eyes.SIZE
BITE = 0.040             # of the unit: how far below the line where the lips meet the upper teeth end (as in shaders.js)


def light_of(pixels: np.ndarray, points: np.ndarray) -> np.ndarray:
    """What white looks like in the face's light, RGB float [3]: from the whites of the eyes, never far from neutral."""
    whites = []
    for side in (RIGHT, LEFT):
        mask = _opening(points, side, pixels.shape[:2], 0.9)
        centre, radius = iris_at(points, side)
        cv2.circle(mask, (round(centre[0]), round(centre[1])), round(radius * 1.15), 0, -1)
        found = pixels[mask > 0].reshape(-1, 3).astype(float)
        if len(found) > 30:
            bright = found.mean(1)
            whites.append(found[bright >= np.percentile(bright, 70)].mean(0))
    cheek = np.median([tone(pixels, points, i, 0.10) for i in (205, 425, 50, 280)], axis=0)
    floor = cheek.max() * np.array([1.02, 0.98, 0.94])
    white = np.mean(whites, axis=0) if whites else floor
    level = float(np.clip(max(white.mean(), 0.9 * floor.mean()), 70, 240))
    tint = 0.5 + 0.5 * white / max(float(white.mean()), 1)
    return np.clip(level * tint, 40, 246)


def iris_at(points: np.ndarray, side: Side) -> tuple[np.ndarray, float]:
    """Centre [2] and radius of an iris, px."""
    centre = points[side.iris, :2]
    return centre, float(np.linalg.norm(points[side.iris + 1:side.iris + 5, :2] - centre, axis=1).mean())


def whites(pixels: np.ndarray, points: np.ndarray, fine: float, rng: np.random.Generator) -> np.ndarray:
    """Both eyes without their irises, RGBA uint8 [512, 1024, 4]. `fine`: source px from corner to corner of an eye."""
    share = float(np.clip((fine - 14) / 40, 0.35, 0.9))                     # how much of it the source decides
    white, skin = light_of(pixels, points), np.median([tone(pixels, points, i, 0.10) for i in (205, 425)], axis=0)
    return np.concatenate([_white(pixels, points, side, number, white, skin, share, rng) for number, side in enumerate((RIGHT, LEFT))], 1)


def _white(pixels: np.ndarray, points: np.ndarray, side: Side, number: int, white: np.ndarray, skin: np.ndarray, share: float,
           rng: np.random.Generator) -> np.ndarray:
    plain = eyes.white(points, number, skin, rng).astype(np.float32)
    plain[..., :3] *= (white / np.array([244, 238, 230])).astype(np.float32)
    centre, scale = eyes.frame(points, number)
    matrix = np.array([[1 / scale, 0, SIZE / 2 - centre[0] / scale], [0, 1 / scale, SIZE / 2 - centre[1] / scale]])
    shown = cv2.warpAffine(pixels, matrix, (SIZE, SIZE), flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE).astype(np.float32)
    moved = points.copy()
    moved[:, :2] = points[:, :2] @ matrix[:, :2].T + matrix[:, 2]
    known: np.ndarray = _opening(moved, side, (SIZE, SIZE), 0.86).astype(np.float32)
    middle, radius = iris_at(moved, side)
    cv2.circle(known, (round(middle[0]), round(middle[1])), round(radius * 1.16), 0.0, -1)
    bright = shown.mean(2)
    if known.sum() > 60:
        low = np.percentile(bright[known > 0], 25)
        known *= np.clip((bright - 0.72 * low) / (0.28 * low + 1), 0, 1)    # lashes and the iris's blurred rim are not white
        known *= (cv2.GaussianBlur(known, (0, 0), 3) > 0.4).astype(np.float32)
    out: np.ndarray = plain[..., :3]
    if known.sum() >= 60:
        ratio = shown / np.maximum(out, 20)                       # what the source is, against the drawn one: smooth, so it can be carried on
        carried = np.clip(blur(filled_in(ratio, known), 4), 0.25, 1.35)
        near = np.clip(blur(known, 6) * 1.5, 0, 1)[..., None]
        out = out * (1 + (carried - 1) * share * (0.55 + 0.45 * near))
        out += (shown - out) * known[..., None] * max(0.0, share - 0.35)
    return np.dstack([np.clip(out, 0, 255), plain[..., 3]]).round().astype(np.uint8)


def iris(pixels: np.ndarray, points: np.ndarray, fine: float, rng: np.random.Generator) -> np.ndarray:
    """An iris with its pupil, RGBA uint8 [512, 512, 4], disc radius 240 px. `fine`: source px of an iris's radius."""
    wide, tall = 512, 128
    angle = np.linspace(0, 2 * np.pi, wide, endpoint=False)[None]
    r = ((np.arange(tall) + 0.5) / tall)[:, None]
    sheets, masks = [], []
    for side in (RIGHT, LEFT):
        centre, radius = iris_at(points, side)
        x, y = (centre[0] + radius * r * np.cos(angle)).astype(np.float32), (centre[1] + radius * r * np.sin(angle)).astype(np.float32)
        sheet = cv2.remap(pixels, x, y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE).astype(np.float32)
        seen = cv2.remap(_opening(points, side, pixels.shape[:2], 0.9), x, y, cv2.INTER_NEAREST).astype(np.float32)
        bright = sheet.mean(2)
        if seen.sum() > 200:
            typical = np.median(bright[seen > 0])
            glint = cv2.dilate((bright > max(1.9 * typical, typical + 55)).astype(np.uint8), np.ones((7, 15), np.uint8))
            seen = seen * (1 - glint)
        sheets.append(sheet)
        masks.append(seen)
    best = int(np.argmax([m.sum() for m in masks]))
    sheet, seen = sheets[best], masks[best]
    if seen.sum() < 300:
        return eyes.iris((84, 60, 44), rng)
    ring = (r > 0.50) & (r < 0.82)
    sample = sheet[np.broadcast_to(ring, seen.shape) & (seen > 0)]
    seen_as = np.median(sample if len(sample) else sheet[seen > 0], axis=0).astype(float)
    drawn = _toned(eyes.iris((int(seen_as[0]), int(seen_as[1]), int(seen_as[2])), rng), seen_as)
    share = float(np.clip((fine - 1) / 14, 0.3, 0.9))
    profile = (sheet * seen[..., None]).sum(1) / np.maximum(seen.sum(1), 1)[:, None]
    filled = filled_in(profile[:, None].astype(np.float32), (seen.sum(1) > 12).astype(np.float32)[:, None])
    whole = filled + 0 * sheet
    soft = cv2.GaussianBlur(np.tile(seen, (1, 3)), (0, 0), 9)[:, wide:2 * wide, None] * seen[..., None]
    whole = whole + (sheet - whole) * np.clip(soft, 0, 1)
    y, x = np.mgrid[:SIZE, :SIZE].astype(np.float32) - (SIZE - 1) / 2
    far, turn = np.hypot(x, y) / eyes.DISC, np.mod(np.arctan2(y, x) / (2 * np.pi) * wide, wide).astype(np.float32)
    padded = np.concatenate([whole, whole[:, :4]], 1).astype(np.float32)
    disc = cv2.remap(padded, turn, np.clip(far * tall - 0.5, 0, tall - 1).astype(np.float32), cv2.INTER_LINEAR)
    disc *= 1 - 0.35 * np.clip((far - 0.86) / 0.14, 0, 1)[..., None]           # the source's rim is mixed with white
    out = drawn[..., :3] + (disc - drawn[..., :3]) * share
    return np.dstack([np.clip(out, 0, 255), drawn[..., 3]]).round().astype(np.uint8)


def _toned(drawn: np.ndarray, tone: np.ndarray) -> np.ndarray:
    """The drawn iris made as light as the one in the picture."""
    y, x = np.mgrid[:SIZE, :SIZE] - (SIZE - 1) / 2
    ring = np.abs(np.hypot(x, y) / eyes.DISC - 0.66) < 0.16
    now = drawn[ring][:, :3].astype(float).mean(0)
    out = drawn.astype(np.float32)
    out[..., :3] = np.clip(out[..., :3] * np.clip(tone / np.maximum(now, 4), 0.3, 1.6), 0, 255)
    return out.round().astype(np.uint8)


@cache
def drawn_teeth() -> np.ndarray:
    """Teeth in full light, RGBA uint8 [512, 1024, 4]: those of an illustrated twin, which take a second to draw anew."""
    drawn = Path(__file__).parents[2] / "assets/twins/maya/face/mouth.webp"
    if drawn.is_file():
        return np.array(Image.open(drawn).convert("RGBA"))
    return teeth.rows((236, 228, 214), (196, 108, 104), np.random.default_rng(1))


def mouth(pixels: np.ndarray, points: np.ndarray, rest: np.ndarray) -> np.ndarray:
    """Teeth, RGBA uint8 [512, 1024, 4]. `points` [478, 3] as pictured, `rest` [478, 3] with the lips closed.

    Teeth that the picture shows are carried over column by column, and upwards under the lip; the rest is drawn in the picture's light.
    """
    light = light_of(pixels, points)
    row = drawn_teeth().astype(np.float32)
    row[..., :3] *= (light / 236).astype(np.float32)
    row = np.clip(row, 0, 246 if light.max() < 246 else 255).round().astype(np.uint8)
    row[..., 3] = drawn_teeth()[..., 3]
    gum = np.array([196.0, 104, 108]) * (light / 236)
    shown = _shown_teeth(pixels, points)
    if shown is None:
        return row
    mask, edge = shown
    unit = float(np.linalg.norm(rest[473] - rest[468]))
    across = (rest[454] + rest[291] - rest[234] - rest[61])[:2]
    right = across / np.linalg.norm(across)
    down = np.array([-right[1], right[0]])
    place, width = rest[[13, 14], :2].mean(0), float(np.linalg.norm(rest[291, :2] - rest[61, :2]))
    high = row[:256].astype(np.float32)
    solid = (high[:, 490:534, 3] > 128).mean(1) > 0.5
    bite = int(np.flatnonzero(solid).max()) + 1
    v, u = np.mgrid[:256, :1024].astype(np.float32)
    px = (u / 1024 - 0.5) * 1.2 * width
    py = (v - bite) / 1024 * 1.2 * width + edge                              # px below the place, in the picture: the pictured edge comes to the drawn one
    source = place + px[..., None] * right + py[..., None] * down
    tooth = cv2.remap(mask.astype(np.float32), source[..., 0].astype(np.float32), source[..., 1].astype(np.float32), cv2.INTER_LINEAR)
    shade = cv2.remap(pixels, source[..., 0].astype(np.float32), source[..., 1].astype(np.float32), cv2.INTER_CUBIC).astype(np.float32)
    known = tooth > 0.6
    columns = known.sum(0) > 4
    if columns.sum() < 60:
        return row
    first = np.where(columns, known.argmax(0), 0)
    last = np.where(columns, 255 - known[::-1].argmax(0), 0)
    xs = np.flatnonzero(columns)
    xs = xs[(xs > np.percentile(xs, 7)) & (xs < np.percentile(xs, 93))]      # the last ones are half lip
    top = np.interp(np.arange(1024), xs, cv2.GaussianBlur(first[xs].astype(np.float32)[None], (0, 0), 12)[0])
    low = np.interp(np.arange(1024), xs, cv2.GaussianBlur(last[xs].astype(np.float32)[None], (0, 0), 8)[0])
    lip = 0.14 * (low - top)                                                 # just under the lip its shadow and its blur lie on the teeth
    at = np.clip(np.clip(v, (top + lip)[None], (low - 1)[None]), 0, 255).astype(np.float32)
    inner = np.clip(u, xs.min() + 6, xs.max() - 6).astype(np.float32)
    carried = cv2.remap(shade, inner, at, cv2.INTER_LINEAR)
    tall = 0.165 * unit / (1.2 * width) * 1024                               # px of a crown in the texture
    root = np.clip(((low[None] - v) / tall - 0.82) / 0.22, 0, 1)[..., None]
    carried = carried * (1 - root) + gum * root
    alpha = np.clip((low[None] + 1.5 - v) / 3, 0, 1) * np.clip(v / 14, 0, 1)
    alpha *= np.clip(1.6 - ((low[None] - v) / tall), 0, 1) ** 0.3
    # beside what the picture shows stand the drawn teeth, as light as the pictured ones next to them
    beyond = np.clip(np.maximum(xs.min() - u, u - xs.max()) / 50 + 0.15, 0, 1)
    beyond = beyond * beyond * (3 - 2 * beyond)
    edge_tone = carried[max(0, bite - 70):bite - 12, [*range(xs.min(), xs.min() + 30), *range(xs.max() - 30, xs.max())]].mean((0, 1))
    drawn_tone = high[max(0, bite - 70):bite - 12, 480:544, :3].mean((0, 1))
    beside = np.clip(high[..., :3] * np.clip(0.85 * edge_tone / np.maximum(drawn_tone, 20), 0.4, 1.15), 0, 255)
    carried = carried + (beside - carried) * beyond[..., None]
    alpha = alpha + (high[..., 3] / 255 - alpha) * beyond
    out = np.dstack([np.clip(carried, 0, 255), 255 * alpha])
    return np.concatenate([out.round().astype(np.uint8), row[256:]])


def without_teeth(pixels: np.ndarray, points: np.ndarray) -> np.ndarray:
    """The picture with an open mouth's inside painted over from the lips around it: no tooth is left to shine at a lip's edge."""
    unit = float(np.linalg.norm(points[473] - points[468]))
    if np.linalg.norm(points[14, :2] - points[13, :2]) < 0.02 * unit:
        return pixels
    loop = points[[*UPPER_LIP[3], *LOWER_LIP[3][-2:0:-1]], :2]
    margin = int(0.2 * unit)
    x0, y0 = np.maximum(loop.min(0).astype(int) - margin, 0)
    x1, y1 = loop.max(0).astype(int) + margin
    part = pixels[y0:y1, x0:x1].astype(np.float32)
    hole = cv2.fillPoly(np.zeros(part.shape[:2], np.uint8), [np.round(loop - [x0, y0]).astype(np.int32)], 1)
    line = cv2.GaussianBlur(cv2.dilate(hole, np.ones((int(0.012 * unit) | 1,) * 2, np.uint8)).astype(np.float32), (0, 0), 0.009 * unit)[..., None]
    reach = int(0.035 * unit) | 1
    hole = cv2.dilate(hole, cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (reach, reach)))
    known = 1 - cv2.GaussianBlur(hole.astype(np.float32), (0, 0), 0.006 * unit)
    out = pixels.copy()
    lips = filled_in(part, known * (known > 0.5)) * (1 - line * np.array([0.50, 0.62, 0.60]))     # the dark line of closed lips
    out[y0:y1, x0:x1] = np.clip(lips, 0, 255).round().astype(np.uint8)
    return out


def _shown_teeth(pixels: np.ndarray, points: np.ndarray) -> tuple[np.ndarray, float] | None:
    """uint8 [h, w] where the picture shows teeth, and how far below the place where the lips will meet their edge lies (px); None where it shows none."""
    unit = float(np.linalg.norm(points[473] - points[468]))
    gap = float(np.linalg.norm(points[14, :2] - points[13, :2]))
    if gap < 0.05 * unit:
        return None
    loop = np.array([*UPPER_LIP[3], *LOWER_LIP[3][-2:0:-1]])
    inside: np.ndarray = cv2.fillPoly(np.zeros(pixels.shape[:2], np.uint8), [np.round(points[loop, :2]).astype(np.int32)], 1)
    lab = cv2.cvtColor(pixels, cv2.COLOR_RGB2LAB).astype(np.float32)
    lips = lab[np.round(points[[0, 17, 37, 267, 84, 314], 1]).astype(int), np.round(points[[0, 17, 37, 267, 84, 314], 0]).astype(int)]
    white = light_of(pixels, points)
    bright = lab[..., 0] > max(0.58 * float(white.mean()), 1.05 * float(np.median(lips[:, 0])))
    plain = lab[..., 1] < float(np.median(lips[:, 1])) - 4
    mask = cv2.morphologyEx(((inside > 0) & bright & plain).astype(np.uint8), cv2.MORPH_OPEN, np.ones((3, 3), np.uint8))
    if mask.sum() < 0.25 * inside.sum():
        return None
    x0, x1 = (points[61, 0] * 0.68 + points[291, 0] * 0.32), (points[61, 0] * 0.32 + points[291, 0] * 0.68)
    part = mask[:, int(x0):int(x1)]
    columns = part.any(0)
    if columns.sum() < 4:
        return None
    ends = np.array([np.flatnonzero(column).max() for column in part.T[columns]])
    return mask, float(np.median(ends)) - float(points[13, 1] + 0.45 * (points[14, 1] - points[13, 1]))


def _opening(points: np.ndarray, side: Side, shape: tuple[int, int], part: float) -> np.ndarray:
    """uint8 [h, w]: between the lids, drawn in to `part` of its height."""
    upper, lower = points[list(side.upper), :2], points[list(side.lower), :2]
    middle = (upper + lower) / 2
    ring = np.concatenate([middle + (upper - middle) * part, (middle + (lower - middle) * part)[-2:0:-1]])
    return cv2.fillPoly(np.zeros(shape, np.uint8), [np.round(ring * 16).astype(np.int32)], 1, cv2.LINE_8, 4)


def tone(pixels: np.ndarray, points: np.ndarray, index: int, reach: float) -> np.ndarray:
    """Median colour [3] around a landmark, within `reach` units."""
    return around(pixels, points[index, :2], reach * float(np.linalg.norm(points[473] - points[468])))


def around(pixels: np.ndarray, place: np.ndarray, reach: float) -> np.ndarray:
    """Median colour [3] around a place, within `reach` px."""
    x, y, r = int(place[0]), int(place[1]), max(1, int(reach))
    h, w = pixels.shape[:2]
    part = pixels[max(0, y - r):min(h, y + r + 1), max(0, x - r):min(w, x + r + 1)].reshape(-1, 3)
    return np.median(part, axis=0) if len(part) else np.array([180.0, 150, 130])
