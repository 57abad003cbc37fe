"""A painted person's surface before the camera: its mesh posed, what lies behind each pixel, and light on its skin and eyes."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from . import strokes
from .atlas import Level, atlas, level
from .canvas import blur, linear
from .flesh import AMOUNTS, shade
from .head import Camera, blend
from .likeness import Likeness

FRAME = 1.35  # a picture's side, in sides of FFHQ's square
SIDE = 2.6 * FRAME  # dm: that side on a usual head


@dataclass
class Body:
    """A person's surface before the camera; pictures are at the working size."""

    who: Likeness
    level: Level
    points: np.ndarray  # float32 [m, 3] dm
    screen: np.ndarray  # float32 [m, 3] px, the third nearer where larger
    camera: Camera
    turned: np.ndarray  # [3, 3]: the head's rotation
    pivot: np.ndarray  # [3] dm
    landmarks: np.ndarray  # float32 [478, 3] dm
    depth: np.ndarray  # float32 [h, w]
    seen: np.ndarray  # int32 [h, w], -1 outside
    weights: np.ndarray  # float32 [h, w, 2]
    values: np.ndarray  # float32 [h, w, 8]: normal, place, maps' column and row
    triangles: np.ndarray  # int32 [t, 3]: the level's body and eyes, as `seen` counts them

    @property
    def dm(self) -> float:
        """px per dm."""
        return self.camera.scale

    def head(self, points: np.ndarray) -> np.ndarray:
        """Places [..., 3] of the untwisted head, turned as the head is."""
        return ((points - self.pivot) @ self.turned.T + self.pivot).astype(np.float32)


def rotation(yaw: float, pitch: float, roll: float) -> np.ndarray:
    """[3, 3]: yaw to the picture's right, pitch down, roll, in rad."""
    (cy, sy), (cp, sp), (cr, sr) = ((np.cos(a), np.sin(a)) for a in (yaw, pitch, roll))
    return (
        np.array([[cy, 0, sy], [0, 1, 0], [-sy, 0, cy]]) @ np.array([[1, 0, 0], [0, cp, -sp], [0, sp, cp]]) @ np.array([[cr, -sr, 0], [sr, cr, 0], [0, 0, 1]])
    )


def stand(who: Likeness, size: tuple[int, int], side: float = SIDE, middle: float = 0.5, fine: bool = False) -> Body:
    """A body before a camera that sees `side` dm of height in `size` (w, h) px, the head's middle at `middle` of the height."""
    mesh = level(fine)
    base = blend(who.shape).astype(np.float32)
    points = mesh.smooth @ base
    marks = atlas().landmarks @ base
    for ids in mesh.ball:  # larger eyes: what lies about them makes room
        centre = points[ids].mean(0)
        for group in (points, marks):
            away = group - centre
            near = np.exp(-0.5 * ((away[:, 0] / 0.27) ** 2 + (away[:, 1] / 0.21) ** 2 + (away[:, 2] / 0.45) ** 2) ** 1.5)
            group += near[:, None] * (away * np.array([who.eyes - 1, who.eyes - 1, (who.eyes - 1) * 0.6], np.float32))
    eye = points[np.concatenate(mesh.ball)].mean(0)
    pivot = np.array([0, eye[1] - 1.0, eye[2] - 0.95])
    turned = rotation(*who.turn)
    for group in (points, marks):  # the neck takes the turn up bit by bit, the shoulders a third of it
        share = 0.3 + 0.7 * np.clip((group[:, 1] - (eye[1] - 1.75)) / 0.85, 0, 1)
        share = (share * share * (3 - 2 * share))[:, None]
        group[:] = group + share * ((group - pivot) @ turned.T + pivot - group)
    eye = points[np.concatenate(mesh.ball)].mean(0)
    mouth = marks[[61, 291]].mean(0)
    w, h = size
    centre = eye + 0.1 * (mouth - eye)
    camera = Camera(size, (w / 2, h * middle), (float(centre[0]), float(centre[1]), float(eye[2])), h / side)
    screen = camera.project(points).astype(np.float32)
    depth, seen, weights = np.full((h, w), strokes.FAR, np.float32), np.full((h, w), -1, np.int32), np.zeros((h, w, 2), np.float32)
    triangles = np.concatenate([mesh.body, mesh.eyes])
    strokes.rasterise(screen, triangles, depth, seen, weights, True)
    normal = np.zeros_like(points)
    strokes.normals(points, triangles, normal)
    values = np.zeros((h, w, 8), np.float32)
    strokes.spread(np.concatenate([normal, points, mesh.uv], 1, dtype=np.float32), triangles, seen, weights, values)
    return Body(who, mesh, points, screen, camera, turned, pivot, marks, depth, seen, weights, values, triangles)


def lamps(who: Likeness) -> np.ndarray:
    """float32 [k, 6]: direction and colour of each lamp."""
    return np.array([[*lamp.unit, *lamp.colour] for lamp in who.lamps], np.float32)


def axes(towards: np.ndarray) -> np.ndarray:
    """Columns [3, 3]: two across a direction, and the direction."""
    side = np.cross([0, 1, 0], towards)
    side /= np.linalg.norm(side)
    return np.stack([side, np.cross(towards, side), towards], 1).astype(np.float32)


def shadow(body: Body, hair: np.ndarray | None, cell: float = 0.03) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The key lamp's nearest surfaces [n, n], its axes [3, 3], and where the map lies (x, y, cell). `hair`: loose points [n, 3] that shade as well."""
    frame = axes(body.who.lamps[0].unit)
    flat = (body.points @ frame).astype(np.float32)
    low = np.array([-2.6, float(flat[:, 1].max()) - 4.4, cell], np.float32)
    n = int(5.2 / cell)
    nearest, seen, weights = np.full((n, n), strokes.FAR, np.float32), np.full((n, n), -1, np.int32), np.zeros((n, n, 2), np.float32)
    placed = flat.copy()
    placed[:, :2] = (flat[:, :2] - low[:2]) / cell
    strokes.rasterise(placed, body.level.body, nearest, seen, weights, False)
    if hair is not None:
        strokes.splat((hair @ frame - [0, 0, 0.05]).astype(np.float32), np.float32(cell), low[0], low[1], nearest)
    return nearest, frame, low


def openness(depth: np.ndarray, scale: float) -> np.ndarray:
    """How open to the sky each pixel is [h, w], 0..1, from how far its surroundings rise above it; `scale` px per dm."""
    step = 2
    small = depth[::step, ::step]
    mask = (small > -1e8).astype(np.float32)
    near = np.where(mask > 0, small, 0).astype(np.float32)
    scale /= step
    out = np.ones(mask.shape, np.float32)
    for radius, strength in ((0.06, 0.9), (0.15, 0.7), (0.36, 0.55), (0.7, 0.35)):
        sigma = max(radius * scale, 0.6)
        rise = (blur(near, sigma, 1.9) / np.maximum(blur(mask, sigma, 1.9), 1e-3) - near) / (radius * scale)
        out *= 1 - strength * np.clip(rise * 0.9, 0, 0.75)
    return cv2.resize(np.maximum(out, 0.16), depth.shape[::-1], interpolation=cv2.INTER_LINEAR)


def skin(body: Body, hair: np.ndarray | None, open_: np.ndarray, hidden: np.ndarray) -> np.ndarray:
    """Lit skin and eyes, linear float32 [h, w, 3]; what is well within `hidden` uint8 [h, w] stays dark. `open_` [h, w]: how open each pixel is."""
    who, charts = body.who, atlas()
    h, w = body.depth.shape
    nearest, frame, low = shadow(body, hair)
    reach = 2 * round(0.08 * body.dm) + 1  # of light that sinks in beside what hides
    seen = np.where(cv2.erode(hidden, np.ones((reach, reach), np.uint8)) > 0, -1, body.seen)
    mesh = body.level
    balls, gaze = np.zeros((2, 5), np.float32), np.zeros((2, 3), np.float32)
    for side, ids in enumerate(mesh.ball):
        ball = body.points[ids]
        middle = (ball.max(0) + ball.min(0)) / 2
        balls[side] = (*middle, float(np.ptp(ball[:, 1]) / 2), 0.50)
        aim = body.turned @ np.array([who.gaze[0] + (0.02 if side == 0 else -0.02) - 0.5 * np.sin(who.turn[0]), who.gaze[1] + 0.35 * np.sin(who.turn[1]), 1.0])
        gaze[side] = aim / np.linalg.norm(aim)
    colours = np.stack([linear(c) for c in (who.skin, who.lip, who.blush, who.shadow, who.hair[0], who.iris, (238, 233, 226))]).astype(np.float32)
    arriving, base, gloss = np.zeros((3, h, w), np.float32), np.zeros((h, w, 3), np.float32), np.zeros((h, w, 3), np.float32)
    shade(
        seen,
        body.values,
        len(mesh.body),
        balls,
        gaze,
        who.lamps[0].unit.astype(np.float32),
        charts.maps,
        charts.grain,
        colours,
        np.array([who.amounts[name] for name in AMOUNTS], np.float32),
        lamps(who),
        np.array([who.sky, who.ground], np.float32),
        nearest,
        frame,
        low,
        np.float32(0.05),
        np.float32(2.4),
        open_,
        arriving,
        base,
        gloss,
    )
    rows, columns = (np.flatnonzero((seen >= 0).any(axis)) for axis in (1, 0))
    box = slice(max(rows[0] - reach, 0), rows[-1] + reach), slice(max(columns[0] - reach, 0), columns[-1] + reach)
    sunk = _sunk([np.ascontiguousarray(channel[box]) for channel in arriving], (seen[box] >= 0).astype(np.float32), body.dm)
    gloss[box] += base[box] * sunk
    return gloss


def _sunk(arriving: list[np.ndarray], mask: np.ndarray, dm: float) -> np.ndarray:
    """Light [h, w] of each colour that has sunk into skin (`mask` [h, w]) and comes out near by, red the farthest: [h, w, 3]."""
    size, out = mask.shape[::-1], []
    for light, radius in zip(arriving, (0.040, 0.015, 0.009)):
        near = light * np.float32(0.30)
        for part, sigma in ((np.float32(0.40), 0.45 * radius * dm), (np.float32(0.30), radius * dm)):
            if sigma < 0.5:
                near += part * light
            elif sigma < 1.6:
                near += part * blur(light, sigma) / np.maximum(blur(mask, sigma), np.float32(1e-3))
            else:  # wide ones of a smaller picture
                half, there = (cv2.resize(one, (size[0] // 2, size[1] // 2), interpolation=cv2.INTER_AREA) for one in (light, mask))
                wide = blur(half, sigma / 2) / np.maximum(blur(there, sigma / 2), np.float32(1e-3))
                near += part * cv2.resize(wide, size, interpolation=cv2.INTER_LINEAR)
        out.append(near)
    return cv2.merge(out)
