"""What a face is painted with, laid out once on the template: where lips, blush, beard, freckles and lines lie, whoever the head becomes.

The face of the template is unrolled about its axis: columns are the angle, rows the height. `Atlas.maps` holds one channel per `CHANNELS`.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import cv2
import numpy as np
from scipy import sparse, spatial

from . import anchor, head, mesh
from .canvas import blur, curve, filled, noise, spot, stroke
from .landmarks import LIDS, LIPS_INNER, LIPS_OUTER

CHANNELS = ("lips", "blush", "hollow", "lid", "beard", "oil", "freckles", "line_x", "line_y", "line", "groove", "seam", "nostril", "wet", "pore", "stubble")
AXIS = 0.10  # dm: the z about which a face is unrolled
ANGLE = 1.25  # rad to each side
TOP, LOW = 8.15, 5.85  # dm
FINE = 250  # px per dm of height
WIDE, HIGH = 860, round((TOP - LOW) * FINE)


@dataclass(frozen=True)
class Level:
    """The template at one fineness: `smooth` makes its points from those of the base mesh."""

    smooth: sparse.csr_matrix
    body: np.ndarray  # int32 [t, 3]
    eyes: np.ndarray  # int32 [e, 3]
    rest: np.ndarray  # float32 [m, 3]
    uv: np.ndarray  # float32 [m, 2]: columns and rows of the maps
    upper: np.ndarray  # int32 [c, 3]: the part of the body that clothes may cover
    crown: np.ndarray  # int32 [c, 3]: the part that headwear may cover
    ball: tuple[np.ndarray, np.ndarray]  # points of the eye on the picture's left, and of the other


@dataclass(frozen=True)
class Atlas:
    maps: np.ndarray  # float32 [HIGH, WIDE, len(CHANNELS)]
    grain: np.ndarray  # float32 [3, 512, 512]: noise of three sizes, repeats; each side a power of two
    landmarks: sparse.csr_matrix  # [478, n] of the base mesh's points


def place(rest: np.ndarray) -> np.ndarray:
    """Columns and rows [..., 2] of places [..., 3] on the template."""
    angle = np.arctan2(rest[..., 0], rest[..., 2] - AXIS)
    return np.stack([(angle / ANGLE + 1) * 0.5 * WIDE, (TOP - rest[..., 1]) * FINE], -1).astype(np.float32)


@lru_cache(maxsize=2)
def level(fine: bool) -> Level:
    """The template subdivided once (22,000 points), or twice (88,000)."""
    base = head.template()
    with np.load(head.FILE) as stored:
        quads = np.concatenate([stored["body"], stored["eyes"]]).astype(np.int64)
        body = len(stored["body"])
    smooth, quads = mesh.subdivision(quads, len(base.points))
    parts = 4
    if fine:
        second, quads = mesh.subdivision(quads, smooth.shape[0])
        smooth, parts = second @ smooth, 16
    smooth = smooth.tocsr().astype(np.float32)
    rest = np.asarray(smooth @ base.points, np.float32)
    skin, eyes = mesh.triangles(quads[: body * parts]).astype(np.int32), mesh.triangles(quads[body * parts :]).astype(np.int32)
    upper = skin[(rest[skin, 1] < 6.3).all(1)]
    crown = skin[(rest[skin, 1] > 5.2).all(1)]
    ids = np.unique(eyes)
    return Level(smooth, skin, eyes, rest, place(rest), upper, crown, (ids[rest[ids, 0] < 0], ids[rest[ids, 0] > 0]))


@lru_cache(maxsize=1)
def atlas() -> Atlas:
    """The maps and the landmarks (some three seconds, once)."""
    bound = _landmarks()
    p = place(np.asarray(bound @ head.template().points))
    rng = np.random.default_rng(5)
    shape = (HIGH, WIDE)
    maps: dict[str, Any] = dict.fromkeys(CHANNELS, np.zeros(shape, np.float32))
    eye = float(np.linalg.norm(p[263] - p[33]))
    maps["lips"] = filled(shape, curve(p[LIPS_OUTER], 240, closed=True), 0.008 * FINE)
    maps["blush"] = sum(
        k * spot(shape, p[i], (rx * eye, ry * eye))
        for i, k, rx, ry in (
            (50, 0.9, 0.21, 0.16),
            (280, 0.9, 0.21, 0.16),
            (4, 0.75, 0.10, 0.085),
            (152, 0.3, 0.16, 0.10),
            (10, 0.18, 0.5, 0.15),
            (205, 0.35, 0.16, 0.2),
            (425, 0.35, 0.16, 0.2),
        )
    )
    maps["hollow"] = sum(spot(shape, p[i] + [0, 0.02 * eye], (0.13 * eye, 0.05 * eye)) for i in (230, 450))
    maps["lid"] = sum(spot(shape, (p[a] + p[b]) / 2 + [0, 0.01 * eye], (0.145 * eye, 0.06 * eye)) for a, b in ((159, 52), (386, 282)))
    maps["oil"] = (
        0.55
        + 0.5 * spot(shape, p[4], (0.10 * eye, 0.12 * eye))
        + 0.3 * spot(shape, p[9], (0.45 * eye, 0.25 * eye))
        + 0.25 * sum(spot(shape, p[i], (0.16 * eye, 0.12 * eye)) for i in (117, 346))
    )
    maps["beard"], maps["stubble"] = _beard(p, shape, eye)
    maps["freckles"] = _freckles(p, shape, eye, rng)
    height, maps["line"], maps["groove"] = _lines(p, shape, eye)
    maps["line_x"], maps["line_y"] = (cv2.Sobel(height, cv2.CV_32F, *d, scale=1 / 8) for d in ((1, 0), (0, 1)))
    seam = np.zeros(shape, np.uint8)
    path = curve(np.concatenate([[p[61] * 0.8 + p[78] * 0.2], p[LIPS_INNER[1:10]], [p[291] * 0.8 + p[308] * 0.2]]), 160)
    t = np.linspace(-1, 1, 160)
    stroke(seam, path, FINE * (0.016 * (1 - np.abs(t) ** 3) + 0.004))
    maps["seam"] = np.clip(blur(seam.astype(np.float32) / 255, 0.005 * FINE) + 0.5 * blur(seam.astype(np.float32) / 255, 0.022 * FINE), 0, 1)
    y, x = np.mgrid[:HIGH, :WIDE].astype(np.float32)
    crease = np.interp(x[0], p[LIPS_INNER[:11], 0], p[LIPS_INNER[:11], 1])[None]
    maps["wet"] = np.clip((y - crease) / (0.10 * FINE), -1, 1) * maps["lips"]
    holes = np.zeros(shape, np.float32)
    for wing in (98, 327):
        away = p[wing] - p[2]
        holes += np.clip(1.5 * spot(shape, p[2] + away * [0.50, 0.10], (0.034 * FINE, 0.018 * FINE), -0.35 * np.sign(away[0])) - 0.12, 0, 1)
    maps["nostril"] = np.clip(holes, 0, 1)
    maps["pore"] = noise(shape, 0.03 * FINE, rng, 2) * 0.5
    edge = np.minimum(np.minimum(x, WIDE - 1 - x), np.minimum(y, HIGH - 1 - y)) / 24
    stack = np.stack([maps[name] for name in CHANNELS], -1) * np.clip(edge, 0, 1)[..., None]
    stack[..., CHANNELS.index("oil")] = np.maximum(stack[..., CHANNELS.index("oil")], 0.5)
    grain = np.stack([_tiled(cell, rng) for cell in (90, 24, 7)])
    return Atlas(np.ascontiguousarray(stack, np.float32), np.ascontiguousarray(grain, np.float32), bound)


def _tiled(cell: int, rng: np.random.Generator, n: int = 512) -> np.ndarray:
    """Noise [n, n] that repeats without a seam."""
    big = np.tile(rng.standard_normal((max(2, n // cell), max(2, n // cell))).astype(np.float32), (3, 3))
    out = cv2.resize(big, (3 * n, 3 * n), interpolation=cv2.INTER_CUBIC)[n : 2 * n, n : 2 * n]
    return (out - out.mean()) / out.std()


def _landmarks() -> sparse.csr_matrix:
    """MediaPipe's points as weights of the base mesh: those of the lids and lips are traced on the template, then bound to the surface there."""
    base = head.template()
    rest = base.rest
    middle = rest[np.unique(base.eyes)].mean(0)
    camera = head.Camera((1200, 1500), (600, 600), (0, middle[1], middle[2]), 560.0)
    traced = anchor.trace(rest, camera).points[:, :2]
    seen = mesh.rasterise(camera.project(rest), base.body, (1500, 1200))
    outside = seen.spread(base.rest, base.body, -9.0).reshape(-1, 3)[seen.pixel, 2] > 1.2  # not the inside of the mouth
    seen = mesh.Fragments(seen.shape, seen.pixel[outside], seen.triangle[outside], seen.weight[outside])
    tree = spatial.cKDTree(np.stack([seen.pixel % 1200, seen.pixel // 1200], -1) + 0.5)
    assert base.landmark_points is not None and base.landmark_weights is not None
    corners, weights = base.landmark_points.copy(), base.landmark_weights.copy()
    for k in (*LIDS[0], *LIDS[1], *LIPS_OUTER, *LIPS_INNER):
        _, at = tree.query(traced[k])
        corners[k], weights[k] = base.body[seen.triangle[at]], seen.weight[at]
    balls = np.unique(base.eyes)
    for side in (0, 1):  # irises stay with the eyeball: its foremost points
        ids: np.ndarray = balls[(rest[balls, 0] < 0) == (side == 0)]
        ball = rest[ids] - rest[ids].mean(0)
        for n, (dx, dy) in enumerate(((0, 0), (1, 0), (0, 1), (-1, 0), (0, -1))):
            aim = np.array([0.066 * dx, 0.066 * dy, 0.125])
            near = np.linalg.norm(ball - aim, axis=1).argsort()[:3]
            corners[468 + 5 * side + n], weights[468 + 5 * side + n] = ids[near], 1 / 3
    rows = np.repeat(np.arange(478), 3)
    return (sparse.csr_matrix((weights.ravel(), (rows, corners.ravel())), (478, len(rest))) @ base.smooth).tocsr()


def _beard(p: np.ndarray, shape: tuple[int, int], eye: float) -> tuple[np.ndarray, np.ndarray]:
    """Where a beard stands thick, and the wider place of stubble."""
    jaw = np.concatenate(
        [
            p[[234, 132, 58, 172, 136, 150, 149, 176, 148, 152, 377, 400, 378, 379, 365, 397, 288, 361, 454]] + [0, 0.10 * eye],
            p[[366, 411, 426, 327, 2, 98, 206, 187, 137]] + [0, 0.05 * eye],
        ]
    )
    bare = filled(shape, curve(p[LIPS_OUTER], 120, closed=True), 1) + 0.8 * sum(
        spot(shape, p[k] + [0, 0.035 * eye], (0.05 * eye, 0.03 * eye)) for k in (84, 314)
    )
    return filled(shape, jaw, 0.035 * eye) * np.clip(1 - bare, 0, 1), filled(shape, jaw, 0.09 * eye) * np.clip(1 - bare, 0, 1)


def _freckles(p: np.ndarray, shape: tuple[int, int], eye: float, rng: np.random.Generator) -> np.ndarray:
    layer = np.zeros(shape, np.uint8)
    for k, wide, count in ((50, 0.19, 190), (280, 0.19, 190), (197, 0.13, 130), (9, 0.26, 70), (205, 0.17, 50), (425, 0.17, 50), (152, 0.2, 25)):
        for x, y in p[k] + rng.standard_normal((count, 2)) * wide * eye * [1, 0.7]:
            radius = (0.0026 + 0.0036 * rng.random() ** 3) * eye * 2
            cv2.ellipse(layer, ((x, y), (2 * radius, 1.6 * radius), float(rng.random() * 180)), int(rng.uniform(60, 210)), -1, cv2.LINE_AA)
    return blur(layer.astype(np.float32) / 255, 0.007 * FINE)


def _lines(p: np.ndarray, shape: tuple[int, int], eye: float) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """What years write: heights (a groove is low), where it is darker, and the folds that faces have at any age."""
    thin, wide, fold = (np.zeros(shape, np.uint8) for _ in range(3))

    def line(mask: np.ndarray, points: Any, width: float, value: float = 1.0) -> None:
        path = curve(np.asarray(points, float), 60)
        stroke(mask, path, width * eye * np.sin(np.pi * np.linspace(0.04, 0.96, 60)) ** 0.6, value)

    for k, (rise, value) in enumerate(((0.17, 0.8), (0.27, 1.0), (0.37, 0.75))):  # the forehead
        across = np.linspace(-0.52 + 0.06 * k, 0.52 - 0.06 * k, 7)
        line(thin, np.stack([p[9, 0] + across * eye, p[9, 1] - (rise + 0.05 * np.cos(across * 5) - 0.02 * np.cos(across * 17)) * eye], -1), 0.022, value)
    for outer, lid, wing, corner in ((33, 145, 129, 61), (263, 374, 358, 291)):
        out = np.sign(p[outer, 0] - p[9, 0])
        for angle, length, value in ((-0.45, 0.17, 0.7), (-0.05, 0.20, 0.9), (0.35, 0.19, 0.8), (0.75, 0.16, 0.5)):  # crow's feet
            start = p[outer] + [out * 0.05 * eye, 0.01 * eye]
            way = np.array([out * np.cos(angle), np.sin(angle)])
            line(thin, [start, start + way * 0.5 * length * eye + [0, -0.008 * eye], start + way * length * eye], 0.014, value)
        line(wide, [p[lid] + [-out * 0.13 * eye, 0.055 * eye], p[lid] + [0, 0.105 * eye], p[lid] + [out * 0.14 * eye, 0.06 * eye]], 0.03, 0.75)  # bags
        line(
            wide,
            [
                p[wing] + [out * 0.02 * eye, -0.02 * eye],
                (p[wing] + p[corner]) / 2 + [out * 0.085 * eye, 0.01 * eye],
                p[corner] + [out * 0.085 * eye, 0.03 * eye],
            ],
            0.036,
        )
        line(
            fold,
            [p[wing] + [out * 0.02 * eye, -0.02 * eye], (p[wing] + p[corner]) / 2 + [out * 0.08 * eye, 0], p[corner] + [out * 0.09 * eye, -0.02 * eye]],
            0.04,
        )
        line(
            wide,
            [p[corner] + [out * 0.03 * eye, 0.04 * eye], p[corner] + [out * 0.045 * eye, 0.14 * eye], p[corner] + [out * 0.03 * eye, 0.24 * eye]],
            0.024,
            0.7,
        )
        line(thin, [p[9] + [out * 0.045 * eye, 0.05 * eye], p[9] + [out * 0.05 * eye, -0.04 * eye], p[9] + [out * 0.04 * eye, -0.12 * eye]], 0.016, 0.6)
        line(
            thin,
            [p[corner] + [out * 0.26 * eye, -0.12 * eye], p[corner] + [out * 0.29 * eye, 0.05 * eye], p[corner] + [out * 0.24 * eye, 0.18 * eye]],
            0.014,
            0.35,
        )
    soft_thin, soft_wide = blur(thin.astype(np.float32) / 255, 0.008 * FINE), blur(wide.astype(np.float32) / 255, 0.018 * FINE)
    height = -(1.2 * soft_thin + 3.2 * soft_wide - 1.6 * blur(wide.astype(np.float32) / 255, 0.05 * FINE))
    return height * 6, np.clip(0.8 * soft_thin + 0.7 * soft_wide, 0, 1), blur(fold.astype(np.float32) / 255, 0.03 * FINE)
