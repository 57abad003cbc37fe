"""Whether the person before a camera may be the one in a photo.

By landmarks: the shape of the bony parts of the face in both, and whether the head was turned to the side that was asked for, in depth and not as a
picture on paper turns. That can say no; it can't say yes: MediaPipe's mesh leans on the average face, and many people fit one another so far. So
without an embedding the answer stays "not verified", with what was measured. With dlib's face embedding at hand (`pip install dlib-bin
face_recognition_models`, CC0 weights; King 2017, 99.4 % on LFW at a distance of 0.6) it can be "verified". Points in, numbers out.
"""
from __future__ import annotations

import importlib.util
import secrets
import time
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

from .challenge import Challenge

SIDES = ("left", "right")                                # the person's own
FAR = 0.085              # RMS distance of the rigid points over the distance of the irises: another face
TURNED, DEEP = 0.22, 0.05                                # rad of yaw; how far the nose moves against the eyes beyond what a flat picture's would
SAME = 0.5               # of dlib's distance: stricter than its authors' 0.6
# eye corners, bridge and tip of the nose, nostrils, brows' ends, temples and cheekbones: what neither speaks nor smiles
RIGID = np.array([33, 133, 263, 362, 168, 6, 197, 195, 5, 4, 1, 98, 327, 129, 358, 70, 300, 107, 336, 127, 356, 234, 454, 10, 151, 9, 8, 116, 345])
IRISES = (468, 473)


@dataclass(frozen=True)
class Compared:
    """`shape`: as FAR has it; `yaw`: rad the head was turned to the side that was asked; `deep`: as DEEP has it; `distance` of embeddings, or None.
    `why` it is not verified, "" where it is."""
    shape: float
    yaw: float
    deep: float
    distance: float | None
    why: str


def fresh(about: str) -> Challenge:
    """Which way to turn the head: one of two, for one use."""
    return Challenge(secrets.token_hex(8), "", (secrets.choice(SIDES),), time.time(), about)


def compared(photo: np.ndarray, front: np.ndarray, turned: np.ndarray, side: str, known: np.ndarray | None = None,
             seen: np.ndarray | None = None) -> Compared:
    """Points [478, 3] px of the photo, of the camera looked into, and of the head turned to `side`; `known`, `seen`: embeddings of the first two."""
    distance = float(np.linalg.norm(known - seen)) if known is not None and seen is not None else None
    sign = 1.0 if side == "left" else -1.0
    yaw, deep = sign * (yaw_of(turned) - yaw_of(front)), sign * _depth(front, turned)
    shape = shape_distance(photo, front)
    if yaw < TURNED or deep < DEEP:
        why = "no-turn"
    elif (distance is not None and distance > SAME) or (distance is None and shape > FAR):
        why = "other-face"
    else:
        why = "" if distance is not None else "landmarks-only"
    return Compared(shape, yaw, deep, distance, why)


def shape_distance(one: np.ndarray, two: np.ndarray) -> float:
    """RMS distance of the rigid points after the best similarity (Umeyama 1991), over the distance of the irises. Depth counts by half: it is guessed."""
    a, b = (np.asarray(points, float)[RIGID] * (1, 1, 0.5) for points in (one, two))
    a, b = a - a.mean(0), b - b.mean(0)
    u, s, vt = np.linalg.svd(a.T @ b)
    flip = np.diag([1, 1, np.sign(np.linalg.det(u @ vt))])
    scale = np.trace(np.diag(s) @ flip) / (a ** 2).sum()
    unit = np.linalg.norm(np.asarray(two, float)[IRISES[1], :2] - np.asarray(two, float)[IRISES[0], :2])
    return float(np.sqrt(((scale * a @ u @ flip @ vt - b) ** 2).sum(1).mean()) / unit)


def yaw_of(points: np.ndarray) -> float:
    """rad the head is turned to its own left, by the temples' depth (z grows away from the camera)."""
    across = np.asarray(points, float)[356] - np.asarray(points, float)[127]
    return float(np.arctan2(across[2], across[0]))


def _depth(front: np.ndarray, turned: np.ndarray) -> float:
    """How far the nose's tip moved between the eyes' outer corners, as a share of their distance: on a flat picture it stays where it is."""
    def place(points: np.ndarray) -> float:
        points = np.asarray(points, float)[:, :2]
        across = points[263] - points[33]
        return float((points[1] - points[33]) @ across / (across @ across))
    return place(turned) - place(front)


# an embedding, where its weights are at hand -------------------------------------------------------------------------------------------------

def embedded(pixels: np.ndarray, points: np.ndarray) -> np.ndarray | None:
    """float64 [128] of a face in RGB uint8 [h, w, 3] by its points; None without dlib and its weights."""
    model = _dlib()
    if model is None:
        return None
    dlib, encoder, shaper = model
    x0, y0 = np.asarray(points)[:, :2].min(0)
    x1, y1 = np.asarray(points)[:, :2].max(0)
    box = dlib.rectangle(int(x0), int(y0), int(x1), int(y1))
    return np.array(encoder.compute_face_descriptor(np.ascontiguousarray(pixels), shaper(np.ascontiguousarray(pixels), box), 4))


@cache
def _dlib() -> tuple[Any, Any, Any] | None:
    if importlib.util.find_spec("dlib") is None:
        return None
    found = importlib.util.find_spec("face_recognition_models")
    folder = Path(found.origin).parent / "models" if found and found.origin else None
    if folder is None or not (folder / "dlib_face_recognition_resnet_model_v1.dat").is_file():
        return None
    import dlib
    return (dlib, dlib.face_recognition_model_v1(str(folder / "dlib_face_recognition_resnet_model_v1.dat")),
            dlib.shape_predictor(str(folder / "shape_predictor_5_face_landmarks.dat")))
