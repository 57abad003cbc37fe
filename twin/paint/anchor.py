"""The 478 points of a drawn head. Most are read off the mesh; lids, irises and lips are traced where the surface says they are."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from . import head, mesh
from .landmarks import LIDS, LIPS_INNER, LIPS_OUTER

EYEBALL = 0.1382  # dm: the template's eyeball radius
IRIS = 0.066  # dm


@dataclass(frozen=True)
class Anchors:
    """Points in px of the picture the camera describes."""

    points: np.ndarray  # [478, 3] x, y, z (negative = nearer)
    iris: tuple[np.ndarray, np.ndarray]  # (cx, cy, r) of the picture's left eye, then of the other


def trace(points: np.ndarray, camera: head.Camera) -> Anchors:
    """Anchors of the smooth points [m, 3] (dm) seen by a camera."""
    base = head.template()
    out = camera.project(base.landmarks(points))
    irises = []
    for side in (0, 1):
        ball = _ball(points, side)
        out[LIDS[side]] = _lids(points, camera, ball, out[LIDS[side]])
        centre = camera.project(ball.mean(0) + [0, 0, EYEBALL * 0.9])
        radius = IRIS * np.ptp(ball[:, 0]) / (2 * EYEBALL) * camera.scale
        irises.append(np.array([centre[0], centre[1], radius]))
        first = 468 + 5 * side
        out[first] = centre
        for k, (dx, dy) in enumerate(((1, 0), (0, -1), (-1, 0), (0, 1))):
            out[first + 1 + k] = centre + [dx * radius, dy * radius, 0]
    _lips(points, camera, out)
    nose = out[1, 2]
    out[:, 2] = nose - out[:, 2] - 0.28 * camera.scale
    return Anchors(out, (irises[0], irises[1]))


def _ball(points: np.ndarray, side: int) -> np.ndarray:
    ids = np.unique(head.template().eyes)
    sign = -1 if side == 0 else 1
    return points[ids[points[ids, 0] * sign > 0]]


def _lids(points: np.ndarray, camera: head.Camera, ball: np.ndarray, guess: np.ndarray) -> np.ndarray:
    """The 16 lid points [16, 3] on the edge of the eyeball's visible part, corners set a little beyond it."""
    base = head.template()
    near = head.Camera((640, 480), (320, 240), tuple(ball.mean(0)), 480 / (np.ptp(ball[:, 0]) / 0.2764), camera.distance)
    factor = near.scale / camera.scale
    tris = np.concatenate([base.body, base.eyes])
    around = np.linalg.norm(points[tris[:, 0], :2] - ball[:, :2].mean(0), axis=1) < 0.75
    seen = mesh.rasterise(near.project(points), tris[around], (480, 640))
    white = np.zeros(len(points), np.float32)
    white[np.unique(base.eyes)] = 1
    mask = (seen.spread(white, tris[around]) > 0.5).astype(np.uint8)
    count, label, stats, _ = cv2.connectedComponentsWithStats(mask)
    mask = label == 1 + stats[1:, cv2.CC_STAT_AREA].argmax()
    columns = np.flatnonzero(mask.sum(0) > 3)
    top = np.array([np.flatnonzero(mask[:, c])[0] for c in columns])
    bottom = np.array([np.flatnonzero(mask[:, c])[-1] + 1 for c in columns])
    left, right = columns[0], columns[-1]
    width = right - left
    inner_right = ball[:, 0].mean() < 0
    grow = (0.02, 0.075) if inner_right else (0.075, 0.02)
    a, b = left - grow[0] * width, right + grow[1] * width
    t = (columns - a) / (b - a)
    ends = (top[:3].mean() + bottom[:3].mean()) / 2, (top[-3:].mean() + bottom[-3:].mean()) / 2
    ends = (ends[0] + (0.02 * width if not inner_right else 0), ends[1] + (0.02 * width if inner_right else 0))
    upper, lower = (_arch(t, edge, ends) for edge in (top, bottom))
    x = np.array([0, 0.07, 0.16, 0.30, 0.47, 0.64, 0.80, 0.92, 1, 0.92, 0.80, 0.64, 0.47, 0.30, 0.16, 0.07])
    along = x if inner_right else 1 - x
    y = np.concatenate([upper(along[:9]), lower(along[9:])])
    place = np.stack([a + along * (b - a), y], -1)
    centre = camera.project(ball.mean(0))[:2]
    z = guess[:, 2]
    return np.concatenate([(place - [320, 240]) / factor + centre, z[:, None]], 1)


def _arch(t: np.ndarray, edge: np.ndarray, ends: tuple[float, float]):
    """A smooth curve from end to end of the opening: a quartic that vanishes at the corners, added to the line between them."""
    line = ends[0] + (ends[1] - ends[0]) * t
    bump = np.sqrt(np.clip(t * (1 - t), 0, None))
    basis = np.stack([bump * t**k for k in range(4)], -1)
    found = np.linalg.lstsq(basis, edge - line, rcond=None)[0]

    def curve(at: np.ndarray) -> np.ndarray:
        b = np.sqrt(np.clip(at * (1 - at), 0, None))
        return ends[0] + (ends[1] - ends[0]) * at + np.stack([b * at**k for k in range(4)], -1) @ found

    return curve


def _lips(points: np.ndarray, camera: head.Camera, out: np.ndarray) -> None:
    """Sets both lip rings: the inner one on the line where the lips touch, the outer one smoothed, the same on both sides."""
    base = head.template()
    outer, inner = np.array(LIPS_OUTER), np.array(LIPS_INNER)
    half = np.abs(out[[270, 40], 0] - out[0, 0]).mean() / 0.80
    x0, middle = out[[0, 17], 0].mean(), (out[0, 1] + out[17, 1]) / 2
    near = head.Camera((900, 500), (450, 250), (points[:, 0].mean() * 0, 0.0, 0.0), 1.0)
    factor = 340 / half
    view = camera.times(factor)
    shift = np.array([450 - x0 * factor, 250 - middle * factor])
    screen = view.project(points) + [*shift, 0]
    tris = base.body[(np.abs(screen[base.body[:, 0], :2] - [450, 250]) < [600, 400]).all(1)]
    seen = mesh.rasterise(screen, tris, (near.size[1], near.size[0]))
    rest = seen.spread(base.rest, tris, np.nan)
    jump = np.linalg.norm(np.diff(rest, axis=0), axis=2)
    steep = np.nan_to_num(jump)
    steep[:130] = steep[370:] = 0
    columns = np.arange(450 - 270, 450 + 271)
    rows = np.arange(steep.shape[0])[:, None]
    strong = np.where(steep > 0.03, np.minimum(steep, 0.2), 0)[:, columns]
    good = strong.sum(0) > 0
    y = (strong * rows).sum(0)[good] / strong.sum(0)[good]
    u = (columns[good] - 450) / 340
    even = np.stack([u**k for k in (0, 2, 4)], -1)
    line = np.linalg.lstsq(even, y, rcond=None)[0]

    def crease(at: np.ndarray) -> np.ndarray:
        at = np.clip(at, -0.85, 0.85)
        return (np.stack([at**k for k in (0, 2, 4)], -1) @ line - shift[1]) / factor

    across = np.array(
        [-0.96, -0.86, -0.70, -0.47, -0.22, 0, 0.22, 0.47, 0.70, 0.86, 0.96, 0.86, 0.70, 0.47, 0.22, 0, -0.22, -0.47, -0.70, -0.86]
    )
    out[inner, 0] = x0 + across * half
    out[inner, 1] = crease(across)
    out[inner, 2] = np.interp(
        np.abs(across), [0, 1], [out[[0, 17], 2].mean() - 0.03 * camera.scale, out[[40, 270], 2].mean() - 0.09 * camera.scale]
    )
    mirror = outer[[10, 9, 8, 7, 6, 5, 4, 3, 2, 1, 0, 19, 18, 17, 16, 15, 14, 13, 12, 11]]
    ring = (out[outer] + (out[mirror] * [-1, 1, 1] + [2 * x0, 0, 0])) / 2
    ring[[0, 10], 0] = x0 + np.array([-1.04, 1.04]) * half
    ring[[0, 10], 1] = crease(np.array([0.9]))[0]
    low = ring[11:]
    u = (low[:, 0] - x0) / (1.04 * half)
    bump = np.sqrt(np.clip(1 - u**2, 0, 1))
    basis = np.stack([bump, bump**2, bump**4], -1)
    weight = np.where(np.abs(u) < 0.62, 1.0, 0.25)[:, None]
    shape = np.linalg.lstsq(basis * weight, (low[:, 1] - ring[0, 1]) * weight[:, 0], rcond=None)[0]
    spaced = x0 + 1.04 * half * np.array([0.90, 0.74, 0.50, 0.25, 0, -0.25, -0.50, -0.74, -0.90])
    full = np.sqrt(np.clip(1 - ((spaced - x0) / (1.04 * half)) ** 2, 0, 1))
    low[:, 0], low[:, 1] = spaced, ring[0, 1] + np.stack([full, full**2, full**4], -1) @ shape
    ring[11:] = low
    out[outer] = ring
