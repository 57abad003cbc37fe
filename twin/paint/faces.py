"""Finding faces in a picture: MediaPipe's detectors on the whole and on tiles of it, then its 478 points on each face. It judges nothing."""
from __future__ import annotations

import logging
import os
import time
from dataclasses import dataclass
from functools import cache
from typing import Any

import cv2
import numpy as np

from twin.errors import Missing

from .picture import Picture, fitted
from .quiet import quiet

MOST = 16                # faces that are told apart
BUDGET = 4.0             # s of looking; what has been found by then counts
WORK = 1280              # px: the longer side of the picture that is looked at


@dataclass(frozen=True)
class Found:
    """A face: its box x, y, w, h in px of the picture, 478 points float32 [478, 3] px where the mesh took hold, the detector's score 0..1."""
    box: tuple[float, float, float, float]
    points: np.ndarray | None
    score: float
    by_hand: bool = False

    @property
    def unit(self) -> float:
        """px between the irises; 0 without points."""
        return 0.0 if self.points is None else float(np.linalg.norm(self.points[473, :2] - self.points[468, :2]))


@cache
def _solutions() -> Any:
    """MediaPipe, quiet. Raises Missing where it is not installed."""
    os.environ.setdefault("GLOG_minloglevel", "3")
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    try:
        import mediapipe
    except ImportError:
        raise Missing("MediaPipe is not installed, so no face can be found by itself.",
                      "pip install --no-deps -r requirements-embedded.txt, or place the points by hand.") from None
    logging.getLogger("absl").setLevel(logging.ERROR)
    return mediapipe.solutions


def warm() -> None:
    """Imports what finding a face needs (about 2 s once), so that the first photo need not wait for it. Raises Missing."""
    _solutions()


def faces(picture: Picture) -> list[Found]:
    """All faces, largest first; those without points last. A picture lying on its side is looked at both ways."""
    until = time.monotonic() + BUDGET
    small = fitted(picture.pixels, WORK)
    scale = picture.size[0] / small.shape[1]
    found: list[Found] = []
    # whole and in nine parts; on its side, upside down; then in small parts, for a face far away
    for turn, parts in ((0, (1, 2, 3)), (1, (1,)), (3, (1,)), (2, (1,)), (0, (5,))):
        boxes = _boxes(np.ascontiguousarray(np.rot90(small, turn)), until, parts)
        found += [_meshed(picture.pixels, _turned_back(box, turn, small.shape[:2]), scale, turn, until) for box in boxes]
        if any(one.points is not None for one in found) or time.monotonic() > until:
            break
    return _apart(found)[:MOST]


def points_in(pixels: np.ndarray, least: float = 0.3) -> np.ndarray | None:
    """MediaPipe's points float64 [478, 3] px of the most prominent face of RGB uint8 [h, w, 3], None without one."""
    h, w = pixels.shape[:2]
    mesh = _solutions().face_mesh
    with quiet(), mesh.FaceMesh(static_image_mode=True, refine_landmarks=True, min_detection_confidence=least) as finder:
        seen = finder.process(np.ascontiguousarray(pixels)).multi_face_landmarks
    return np.array([[p.x * w, p.y * h, p.z * w] for p in seen[0].landmark]) if seen else None


def steadied(pixels: np.ndarray, points: np.ndarray) -> np.ndarray:
    """Points [478, 3] found again on slightly turned, shifted and scaled views, and their median: one look is off by a pixel or two."""
    h, w = pixels.shape[:2]
    middle, across = points[:, :2].mean(0), np.ptp(points[:, :2], axis=0).max()
    seen = [points]
    mesh = _solutions().face_mesh
    with quiet(), mesh.FaceMesh(static_image_mode=True, refine_landmarks=True, min_detection_confidence=0.3) as finder:
        for angle, size, dx, dy in ((0, 1.9, 0, 0), (4, 1.7, 0.03, -0.02), (-4, 1.8, -0.03, 0.02), (2, 2.2, 0.02, 0.04), (-2, 2.0, -0.02, -0.04)):
            k = 384 / (size * across)
            matrix = cv2.getRotationMatrix2D((float(middle[0]), float(middle[1])), angle, k)
            matrix = matrix + np.array([[0, 0, 192 * (1 + dx) - middle[0]], [0, 0, 192 * (1 + dy) - middle[1]]])
            view = cv2.warpAffine(pixels, matrix, (384, 384), flags=cv2.INTER_AREA if k < 1 else cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
            got = finder.process(view).multi_face_landmarks
            if got:
                place = np.array([[p.x, p.y, p.z] for p in got[0].landmark]) * 384
                back = cv2.invertAffineTransform(matrix)
                flat = place[:, :2] @ back[:, :2].T + back[:, 2]
                if np.linalg.norm(flat - points[:, :2], axis=1).mean() < 0.12 * across:
                    seen.append(np.column_stack([flat, place[:, 2] / k]))
    return np.median(seen[1:] or seen, axis=0)


def selfie(pixels: np.ndarray) -> np.ndarray:
    """How much each pixel belongs to a person: float32 [h, w], 0..1, as coarse as 256 px across."""
    selfies = _solutions().selfie_segmentation
    with quiet(), selfies.SelfieSegmentation(model_selection=0) as cutter:
        return np.asarray(cutter.process(np.ascontiguousarray(pixels)).segmentation_mask, np.float32)


def _boxes(small: np.ndarray, until: float, parts: tuple[int, ...]) -> list[tuple[float, float, float, float, float]]:
    """x, y, w, h, score in px of the small picture, looked at in n x n overlapping parts for each n; overlapping boxes merged."""
    h, w = small.shape[:2]
    out: list[tuple[float, float, float, float, float]] = []
    tiles = []
    for n in parts:
        tw, th = w / (n - 0.35 * (n - 1)), h / (n - 0.35 * (n - 1))
        tiles += [(int(x), int(y), int(tw), int(th)) for x in np.linspace(0, w - tw, n) for y in np.linspace(0, h - th, n)]
    detection = _solutions().face_detection
    with quiet(), detection.FaceDetection(model_selection=0, min_detection_confidence=0.5) as near, \
            detection.FaceDetection(model_selection=1, min_detection_confidence=0.5) as far:
        for x, y, tw, th in tiles:
            if time.monotonic() > until:
                break
            view = np.ascontiguousarray(small[y:y + th, x:x + tw])
            if max(view.shape) < 640 and parts != (1,):
                view = cv2.resize(view, None, fx=640 / max(view.shape), fy=640 / max(view.shape), interpolation=cv2.INTER_LINEAR)
            for finder in (near, far) if tw == w else (far,):
                for one in finder.process(view).detections or ():
                    b = one.location_data.relative_bounding_box
                    out.append((x + b.xmin * tw, y + b.ymin * th, b.width * tw, b.height * th, float(one.score[0])))
    kept: list[tuple[float, float, float, float, float]] = []
    for box in sorted(out, key=lambda b: -b[4]):
        if all(_overlap(box, other) < 0.3 for other in kept):
            kept.append(box)
    return kept[:2 * MOST]


def _overlap(a: tuple[float, ...], b: tuple[float, ...]) -> float:
    """Shared area over the smaller area."""
    w = min(a[0] + a[2], b[0] + b[2]) - max(a[0], b[0])
    h = min(a[1] + a[3], b[1] + b[3]) - max(a[1], b[1])
    return 0.0 if w <= 0 or h <= 0 else w * h / max(min(a[2] * a[3], b[2] * b[3]), 1e-6)


def _turned_back(box: tuple[float, ...], turn: int, shape: tuple[int, int]) -> tuple[float, float, float, float, float]:
    """A box of np.rot90(picture, turn) in px of the picture [h, w] itself."""
    x, y, w, h, score = box
    height, width = shape
    if turn == 1:
        return width - y - h, x, h, w, score
    if turn == 2:
        return width - x - w, height - y - h, w, h, score
    if turn == 3:
        return y, height - x - w, h, w, score
    return x, y, w, h, score


def _meshed(pixels: np.ndarray, box: tuple[float, ...], scale: float, turn: int, until: float) -> Found:
    """The box with the mesh's points, in px of the whole picture."""
    x, y, w, h = (v * scale for v in box[:4])
    if time.monotonic() > until:
        return Found((x, y, w, h), None, box[4])
    half, (cx, cy) = 1.1 * max(w, h), (x + w / 2, y + h / 2)
    k = 512 / (2 * half)
    matrix = np.array([[k, 0, 256 - k * cx], [0, k, 256 - k * cy]])
    view = cv2.warpAffine(pixels, matrix, (512, 512), flags=cv2.INTER_AREA if k < 0.7 else cv2.INTER_LINEAR)
    if k < 0.5:
        part = pixels[max(0, int(cy - half)):int(cy + half), max(0, int(cx - half)):int(cx + half)]
        if part.size:
            tiny = cv2.resize(part, None, fx=k, fy=k, interpolation=cv2.INTER_AREA)
            view = np.zeros((512, 512, 3), np.uint8)
            ox, oy = max(0, round((half - cx) * k)), max(0, round((half - cy) * k))
            tiny = tiny[:512 - oy, :512 - ox]
            view[oy:oy + tiny.shape[0], ox:ox + tiny.shape[1]] = tiny
    points = points_in(np.ascontiguousarray(np.rot90(view, turn)))
    if points is None:
        return Found((x, y, w, h), None, box[4])
    flat = points[:, :2].copy()
    for _ in range(turn):                                                    # rot90 takes (x, y) to (y, 512 - x)
        flat = np.column_stack([512 - flat[:, 1], flat[:, 0]])
    flat = flat / k + [cx - half, cy - half]
    low, high = flat.min(0), flat.max(0)
    if _overlap((*low, *(high - low)), (x, y, w, h)) < 0.3:
        return Found((x, y, w, h), None, box[4])
    full = np.column_stack([flat, points[:, 2] / k]).astype(np.float32)
    return Found((float(low[0]), float(low[1]), float(high[0] - low[0]), float(high[1] - low[1])), full, box[4])


def _apart(found: list[Found]) -> list[Found]:
    """Each face once, the largest first; then boxes without points, where they are no part of another face."""
    kept: list[Found] = []
    for one in sorted(found, key=lambda f: (f.points is None, -f.box[2] * f.box[3])):
        if all(_overlap(one.box, other.box) < (0.5 if one.points is not None else 0.1) for other in kept) and (one.points is not None or one.score > 0.75):
            kept.append(one)
    return kept
