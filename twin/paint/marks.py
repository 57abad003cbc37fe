"""Hand placement: a few marks dragged onto a picture, and the 478 points of a mean face bent through them. For drawings, statues and animals."""
from __future__ import annotations

import json
from functools import cache
from pathlib import Path

import numpy as np
from scipy.interpolate import RBFInterpolator

from twin.errors import Missing, Refused

from .faces import Found, points_in
from .picture import Picture, fitted
from .topology import FACE, LEFT, LOWER_LIP, RIGHT, UPPER_LIP, face_triangles
from .triangulate import areas

# name -> landmark, label in English and Chinese; left and right are the picture's
PLACES = {"left_eye": (468, "the pupil on the left", "左边的瞳孔"), "right_eye": (473, "the pupil on the right", "右边的瞳孔"),
          "corner_left": (33, "the outer corner of the left eye", "左眼外角"), "corner_right": (263, "the outer corner of the right eye", "右眼外角"),
          "lid_left": (159, "the upper lid, left", "左上眼睑"), "lid_right": (386, "the upper lid, right", "右上眼睑"),
          "under_left": (145, "the lower lid, left", "左下眼睑"), "under_right": (374, "the lower lid, right", "右下眼睑"),
          "nose": (1, "the tip of the nose", "鼻尖"), "mouth_left": (61, "the corner of the mouth, left", "左嘴角"),
          "mouth_right": (291, "the corner of the mouth, right", "右嘴角"), "lip_top": (0, "the top of the upper lip", "上唇上缘"),
          "lips_upper": (13, "the lower edge of the upper lip", "上唇下缘"), "lips_lower": (14, "the upper edge of the lower lip", "下唇上缘"),
          "lip_bottom": (17, "the bottom of the lower lip", "下唇下缘"), "chin": (152, "the chin", "下巴")}
MARKS = {name: (en, zh) for name, (_, en, zh) in PLACES.items()}
STIFF = (0.0, 0.02, 0.1, 0.5, 2.0)       # how far the bending may miss the marks, tried in turn until nothing folds


@cache
def mean_face() -> np.ndarray:
    """A plain face from the front [478, 3], origin between the irises, in units of their distance (the mean of the illustrated twins)."""
    return np.array(json.loads(Path(__file__).with_name("mean_face.json").read_text()), float).reshape(-1, 3)


def guess(picture: Picture) -> dict[str, tuple[float, float]]:
    """Where the marks start: on what looks most like a face, or else in the middle of the picture."""
    width, height = picture.size
    small = fitted(picture.pixels, 640)
    try:
        points = points_in(small, 0.1)
    except Missing:
        points = None
    if points is not None:
        points = points * (width / small.shape[1])
        if (points[:FACE, :2] > -0.1 * width).all() and np.linalg.norm(points[473] - points[468]) > 12:
            return {name: (round(float(points[i, 0]), 1), round(float(points[i, 1]), 1)) for name, (i, _, _) in PLACES.items()}
    unit = 0.17 * min(width, height)
    face = mean_face() * unit + [width / 2, 0.42 * height, 0]
    return {name: (round(float(face[i, 0]), 1), round(float(face[i, 1]), 1)) for name, (i, _, _) in PLACES.items()}


def placed(picture: Picture, marks: dict[str, tuple[float, float]]) -> Found:
    """The face that lies under the marks (px of the picture; those left out follow the others). Raises Refused where they can be no face."""
    known = {name: np.array(marks[name], float) for name in PLACES if name in marks}
    width, height = picture.size
    wrong = [name for name in marks if name not in PLACES]
    if wrong:
        raise Refused(f"There is no mark {wrong[0]!r}.", "The marks are " + ", ".join(PLACES) + ".")
    if not {"left_eye", "right_eye", "mouth_left", "mouth_right"} <= set(known):
        raise Refused("Both eyes and both corners of the mouth are needed.", "Drag these four marks first.",
                      zh=("需要双眼和两个嘴角。", "请先拖动这四个标记。"))
    places = np.array(list(known.values()))
    if places.shape != (len(known), 2) or not np.isfinite(places).all() or (places < -0.05 * max(width, height)).any() \
            or (places > 1.05 * np.array([width, height])).any():
        raise Refused("A mark lies outside the picture.", "Drag it back onto the face.", zh=("有标记在图片之外。", "请把它拖回脸上。"))
    mean = mean_face()
    lips = {name: known.pop(name) for name in ("lips_upper", "lips_lower") if name in known}     # on a closed mouth they are one place
    if lips:
        known["lips_upper"] = np.mean(list(lips.values()), axis=0)
    index, places = [PLACES[name][0] for name in known], np.array(list(known.values()))
    fit = _affine(mean[index, :2], places)
    if np.linalg.det(fit[:, :2]) <= 0 or np.linalg.cond(fit[:, :2]) > 6:
        raise Refused("The marks do not make a face: some are swapped or on one line.", "Left and right are the picture's; the chin is below the mouth.",
                      zh=("这些标记不像一张脸：有的左右颠倒，或在一条线上。", "左右以图片为准；下巴在嘴的下方。"))
    flat = mean[:, :2] @ fit[:, :2].T + fit[:, 2]
    scale = float(np.sqrt(np.linalg.det(fit[:, :2])))
    far = np.linalg.norm(flat[:, None] - flat[index], axis=2).min(1) / scale
    near = np.exp(-(np.maximum(far - 0.3, 0) / 0.5) ** 2)[:, None]           # far from all marks the bending says nothing
    for stiff in STIFF:
        bend = RBFInterpolator(flat[index], places - flat[index], kernel="thin_plate_spline", smoothing=stiff * scale * len(index))
        points = np.column_stack([flat + near * bend(flat), mean[:, 2] * scale])
        if _sound(points, mean):
            break
    else:
        points = np.column_stack([flat, mean[:, 2] * scale])
    points[:, :2] = np.clip(points[:, :2], 1, [width - 2, height - 2])
    if len(lips) == 2:
        _part(points, lips["lips_upper"], lips["lips_lower"])
    _round_irises(points, known)
    if np.linalg.norm(points[473, :2] - points[468, :2]) < 8:
        raise Refused("The eyes are too close together.", "Use a picture in which the face is larger.", zh=("两只眼睛离得太近。", "请用脸更大的图片。"))
    low, high = points[:, :2].min(0), points[:, :2].max(0)
    return Found((float(low[0]), float(low[1]), float(high[0] - low[0]), float(high[1] - low[1])), points.astype(np.float32), 1.0, by_hand=True)


def _affine(source: np.ndarray, target: np.ndarray) -> np.ndarray:
    """The map [2, 3] that takes source [n, 2] nearest to target [n, 2], pulled a little towards a similarity."""
    a, b = source - source.mean(0), target - target.mean(0)
    turn = (a[:, 0] @ b[:, 0] + a[:, 1] @ b[:, 1], a[:, 0] @ b[:, 1] - a[:, 1] @ b[:, 0])
    plain = np.array([[turn[0], -turn[1]], [turn[1], turn[0]]]) / max(float((a ** 2).sum()), 1e-9)
    pull = 0.15 * (a ** 2).sum() / 2
    free = np.linalg.solve(a.T @ a + pull * np.eye(2), a.T @ b + pull * plain.T).T
    return np.column_stack([free, target.mean(0) - free @ source.mean(0)])


def _sound(points: np.ndarray, mean: np.ndarray) -> bool:
    """Whether no triangle that mattered has turned over."""
    tri = face_triangles()
    before, after = areas(mean, tri), areas(points, tri)
    real = np.abs(before) > 2e-4
    return bool(((np.sign(before) == np.sign(after)) | ~real).mean() > 0.995)


def _part(points: np.ndarray, upper: np.ndarray, lower: np.ndarray) -> None:
    """The lips apart as far as their two marks are, in a bow that ends at the corners."""
    for row, mark in ((UPPER_LIP, upper), (LOWER_LIP, lower)):
        move = mark - (upper + lower) / 2
        for k in range(1, 10):
            bow = 1 - abs(k - 5) / 5
            for ring, share in ((1, 0.33), (2, 0.66), (3, 1.0)):
                points[row[ring][k], :2] += share * bow ** 0.7 * move


def _round_irises(points: np.ndarray, known: dict[str, np.ndarray]) -> None:
    """Irises are round and as large as their eye is wide, whatever the bending made of them; they sit where their mark is."""
    mean = mean_face()
    for side, name in ((RIGHT, "left_eye"), (LEFT, "right_eye")):
        share = np.linalg.norm(mean[side.iris + 1] - mean[side.iris]) / np.linalg.norm(mean[side.upper[0]] - mean[side.upper[-1]])
        radius = share * np.linalg.norm(points[side.upper[0], :2] - points[side.upper[-1], :2])
        points[side.iris, :2] = known[name]
        for k, (dx, dy) in enumerate(((1, 0), (0, -1), (-1, 0), (0, 1))):
            points[side.iris + 1 + k, :2] = known[name] + radius * np.array([dx, dy])
