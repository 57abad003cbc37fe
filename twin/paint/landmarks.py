"""Where MediaPipe's 478 face landmarks lie on the head mesh, and the fit that found them (needs mediapipe; drawing does not).

    python -m twin.paint.landmarks        stores the fit in assets/weights/head.npz

Heads of both sexes and several ancestries are rendered, MediaPipe looks at each, every landmark is carried back to the template's surface,
and the mean of all heads and of both sides is kept as a point on a triangle. Lids, lips and irises are set exactly
at drawing time (`anchor.py`).
"""

from __future__ import annotations

import logging
from pathlib import Path

import cv2
import numpy as np
from scipy import optimize

from . import head, mesh

OVAL = [
    10,
    338,
    297,
    332,
    284,
    251,
    389,
    356,
    454,
    323,
    361,
    288,
    397,
    365,
    379,
    378,
    400,
    377,
    152,
    148,
    176,
    149,
    150,
    136,
    172,
    58,
    132,
    93,
    234,
    127,
    162,
    21,
    54,
    103,
    67,
    109,
]
# Picture's left eye, then the other: outer corner, upper lid, inner corner, lower lid back to the start.
LIDS = (
    [33, 246, 161, 160, 159, 158, 157, 173, 133, 155, 154, 153, 145, 144, 163, 7],
    [263, 466, 388, 387, 386, 385, 384, 398, 362, 382, 381, 380, 374, 373, 390, 249],
)
# Picture's left corner, upper lip, right corner, lower lip back to the start.
LIPS_OUTER = [61, 185, 40, 39, 37, 0, 267, 269, 270, 409, 291, 375, 321, 405, 314, 17, 84, 181, 91, 146]
LIPS_INNER = [78, 191, 80, 81, 82, 13, 312, 311, 310, 415, 308, 324, 318, 402, 317, 14, 87, 178, 88, 95]
# Upper edge then lower edge, from the middle of the face outwards.
BROWS = (([107, 66, 105, 63, 70], [55, 65, 52, 53, 46]), ([336, 296, 334, 293, 300], [285, 295, 282, 283, 276]))


def detect(picture: np.ndarray) -> np.ndarray | None:
    """MediaPipe's 478 landmarks [478, 3] in px of an RGB uint8 picture, None without a face. Raises ImportError without mediapipe."""
    import mediapipe

    logging.getLogger("absl").setLevel(logging.ERROR)
    h, w = picture.shape[:2]
    with mediapipe.solutions.face_mesh.FaceMesh(static_image_mode=True, refine_landmarks=True, min_detection_confidence=0.3) as finder:
        found = finder.process(np.ascontiguousarray(picture)).multi_face_landmarks
    return np.array([[p.x * w, p.y * h, p.z * w] for p in found[0].landmark]) if found else None


def _study(weights: dict[str, float], size: int) -> tuple[np.ndarray, np.ndarray]:
    """A plainly lit head as RGB [size, size, 3] and the template place [size, size, 3] behind each pixel (NaN outside)."""
    base = head.template()
    points = base.smooth @ head.blend(weights)
    tris = np.concatenate([base.body, base.eyes])
    eye = points[np.unique(base.eyes)]
    camera = head.Camera((size, size), (size / 2, size * 0.48), (0, eye[:, 1].mean(), eye[:, 2].mean()), size * 0.24)
    seen = mesh.rasterise(camera.project(points), tris, (size, size))
    normal = seen.spread(mesh.normals(points, tris), tris)
    light = np.clip(normal @ np.array([-0.3, 0.45, 0.84]) * 0.55 + 0.45, 0, 1)[..., None]
    tint = np.tile([214.0, 165, 132], (len(points), 1))
    for side in (eye[eye[:, 0] < 0], eye[eye[:, 0] > 0]):
        pole = side.mean(0) + [0, 0, 0.14]
        ids = np.flatnonzero(np.linalg.norm(points - side.mean(0), axis=1) < 0.16)
        ids = ids[np.isin(ids, base.eyes)]
        tint[ids] = np.where(np.linalg.norm(points[ids] - pole, axis=1)[:, None] < 0.065, [60.0, 40, 30], [235.0, 232, 228])
    colour = seen.spread(tint, tris) * light
    colour[~seen.mask()] = (205, 212, 220)
    return colour.astype(np.uint8), seen.spread(base.rest, tris, np.nan)


def _both_sides(mean: np.ndarray) -> np.ndarray:
    """Makes places [478, 3] mirror each other: pairs by optimal assignment, points of the middle to x = 0."""
    mean = mean - [np.median(mean[[0, 1, 4, 10, 152, 168, 17], 0]), 0, 0]
    cost = np.linalg.norm(mean[:, None] - (mean * [-1, 1, 1])[None], axis=2)
    _, pair = optimize.linear_sum_assignment(np.minimum(cost, cost.T) ** 2)
    pair = np.where(pair[pair] == np.arange(len(pair)), pair, np.arange(len(pair)))
    even = (mean + mean[pair] * [-1, 1, 1]) / 2
    alone = (pair == np.arange(len(pair))) & (np.abs(mean[:, 0]) > 0.03)
    return np.where(alone[:, None], mean, even)


def fit(size: int = 1000) -> tuple[np.ndarray, np.ndarray]:
    """Triangle corners int [478, 3] and weights float [478, 3] over the smooth points."""
    places = []
    for weights in (
        {"caucasian-female-young": 1.0},
        {"african-female-young": 1.0},
        {"asian-female-young": 1.0},
        {"caucasian-male-young": 1.0},
        {"asian-male-young": 1.0},
        {"african-male-young": 1.0},
        {"asian-female-old": 0.5, "caucasian-female-young": 0.5},
    ):
        picture, place = _study(weights, size)
        for flip in (False, True):
            points = detect(picture[:, ::-1] if flip else picture)
            if points is None:
                continue
            x = size - 1 - points[:, 0] if flip else points[:, 0]
            at = place[np.clip(points[:, 1].round(), 0, size - 1).astype(int), np.clip(x.round(), 0, size - 1).astype(int)]
            places.append(at * [-1, 1, 1] if flip else at)
    mean = _both_sides(np.nanmedian(np.array(places), 0))
    print(f"{len(places)} views, {np.isnan(mean).any(1).sum()} landmarks never on the head")
    base = head.template()
    scale, middle = 900.0, (1500, 2200)
    tris = np.concatenate([base.body, base.eyes])
    flat = np.stack([base.rest[:, 0] * scale + middle[0], middle[1] - (base.rest[:, 1] - 7.2) * scale, base.rest[:, 2] * scale], -1)
    shape = (4400, 3000)
    seen = mesh.rasterise(flat, tris, shape)
    lookup = np.full(shape[0] * shape[1], -1)
    lookup[seen.pixel] = np.arange(len(seen.pixel))
    row = (middle[1] - (mean[:, 1] - 7.2) * scale).astype(int) * shape[1] + (mean[:, 0] * scale + middle[0]).astype(int)
    hit = lookup[row]
    if (hit < 0).any():
        raise ValueError(f"landmarks beside the template: {np.flatnonzero(hit < 0).tolist()}")
    return tris[seen.triangle[hit]], seen.weight[hit].astype(np.float64)


def overlay(picture: np.ndarray, points: np.ndarray) -> np.ndarray:
    """The picture with landmarks dotted and the contours drawn, to look at."""
    out = picture.copy()
    for x, y in points[:, :2]:
        cv2.circle(out, (round(x), round(y)), 2, (0, 255, 255), -1, cv2.LINE_AA)
    for ring in (OVAL, *LIDS, LIPS_OUTER, LIPS_INNER):
        cv2.polylines(out, [np.round(points[ring, :2] * 16).astype(np.int32)], True, (255, 0, 160), 1, cv2.LINE_AA, 4)
    return out


def seen(folder: Path) -> np.ndarray:
    """MediaPipe's landmarks [478, 3] px on a face/ folder's portrait before its background. Raises ValueError where it finds no face."""
    from PIL import Image

    portrait = np.array(Image.open(folder / "portrait.webp")).astype(float)
    behind = np.array(Image.open(folder / "background.webp").convert("RGB")).astype(float)
    alpha = portrait[..., 3:] / 255
    found = detect((portrait[..., :3] * alpha + behind * (1 - alpha)).astype(np.uint8))
    if found is None:
        raise ValueError(f"no face in {folder / 'portrait.webp'}")
    return found


def distance(found: np.ndarray, points: np.ndarray) -> tuple[float, float]:
    """Mean distance between two sets of landmarks on the lids and on the lips, as a share of the distance between the irises."""
    apart = np.linalg.norm(points[473, :2] - points[468, :2])
    off = np.linalg.norm(found[:, :2] - points[:, :2], axis=1) / apart
    return float(off[[*LIDS[0], *LIDS[1]]].mean()), float(off[[*LIPS_OUTER, *LIPS_INNER]].mean())


def main() -> None:
    corners, weights = fit()
    with np.load(head.FILE) as stored:
        data = {key: stored[key] for key in stored}
    np.savez_compressed(head.FILE, **data | {"landmark_points": corners.astype(np.int32), "landmark_weights": weights.astype(np.float32)})


if __name__ == "__main__":
    main()
