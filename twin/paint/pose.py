"""How a rig is posed: weights -> where its points are in the picture. face.js does the same on the GPU's side of the wire."""
from __future__ import annotations

from collections.abc import Mapping

import numpy as np

LOOK = 0.45              # rad of gaze that an eyeLook channel at 1 stands for
RISE = 0.028             # of the distance between the irises: how far a full breath lifts the chest
TURN = 0.9               # how much of an angle the flattened head really turns
# Skin does not fold: a triangle turned over by more than FOLDED (of unit squared) is opened again to SLIM of its size at rest;
# where that cannot be had for all of them, half of the sweeps on, to a line.
FOLDED, SLIM, OPENED, SWEEPS = 1e-6, 0.05, 4e-4, 400


def effective(weights: Mapping[str, float]) -> dict[str, float]:
    """Weights with what follows from them: a mouth closes no further than its jaw is open, lids follow the gaze, a blink ends a stare."""
    w = {name: float(value) for name, value in weights.items() if value}
    w["mouthClose"] = min(w.get("mouthClose", 0.0), w.get("jawOpen", 0.0))
    x, y = w.get("gazeX", 0.0) / LOOK, w.get("gazeY", 0.0) / LOOK
    for side, sign in (("Right", -1), ("Left", 1)):
        for name, extra in (("Up", y), ("Down", -y), ("Out", sign * x), ("In", -sign * x)):
            w[f"eyeLook{name}{side}"] = min(1.0, w.get(f"eyeLook{name}{side}", 0.0) + max(0.0, extra))
        w[f"eyeWide{side}"] = w.get(f"eyeWide{side}", 0.0) * (1 - w.get(f"eyeBlink{side}", 0.0))
    return w


def pose(rig: dict, weights: Mapping[str, float], breath: float = 0.0) -> np.ndarray:
    """Places [n, 3] px of landmarks and ring under ARKit weights (0..1), signed angles (rad) and a breath (0 out .. 1 in)."""
    w = effective(weights)
    points = np.array(rig["points"] + rig["ring"], float)
    points[:, 2] = rig["relief"]
    for part, weight in [(rig["rest"], 1.0)] + [(rig["shapes"][name], value) for name, value in w.items() if name in rig["shapes"]]:
        if weight and part["i"]:
            points[part["i"]] += weight * np.array(part["d"])
    _touch(points, rig["contact"])
    points = _turn(points, rig, w)
    points[:, 1] -= breath * RISE * rig["head"]["unit"] * np.concatenate([np.full(len(rig["points"]), 0.35), rig["ring_breath"]])
    base = np.array(rig["points"] + rig["ring"], float)
    if rig["rest"]["i"]:
        base[rig["rest"]["i"]] += np.array(rig["rest"]["d"])
    _unfold(points, np.array(rig["triangles"]), areas(base, np.array(rig["triangles"])), rig["head"]["unit"], free(rig))
    return points


def areas(points: np.ndarray, triangles: np.ndarray) -> np.ndarray:
    """Twice the signed areas [t], px squared."""
    a, b, c = (points[triangles[:, k], :2] for k in range(3))
    return (b[:, 0] - a[:, 0]) * (c[:, 1] - a[:, 1]) - (b[:, 1] - a[:, 1]) * (c[:, 0] - a[:, 0])


def free(rig: dict) -> np.ndarray:
    """1 for a point that may give way, 0 where lips and lids meet [n]."""
    out = np.ones(len(rig["points"]) + len(rig["ring"]))
    for row, places in (("lips", (0, 3)), ("lids", (0, 2))):
        out[[points[k] for points in rig["contact"][row] for k in places]] = 0
    return out


def _unfold(points: np.ndarray, triangles: np.ndarray, rest: np.ndarray, unit: float, give: np.ndarray) -> None:
    """Opens what is turned over, in place: corners go the shortest way (a projection as in position-based dynamics, Mueller et al. 2007)."""
    sign, wanted = np.sign(rest), np.minimum(SLIM * np.abs(rest), OPENED * unit ** 2)
    for sweep in range(SWEEPS):
        bad = np.flatnonzero(areas(points, triangles) * sign < -FOLDED * unit ** 2)
        if not len(bad):
            return
        for k in bad:
            corners = triangles[k]
            (ax, ay), (bx, by), (cx, cy) = points[corners, :2]
            lack = wanted[k] * (sweep < SWEEPS // 2) - ((bx - ax) * (cy - ay) - (by - ay) * (cx - ax)) * sign[k]
            if lack > 0:
                ways = np.array([[by - cy, cx - bx], [cy - ay, ax - cx], [ay - by, bx - ax]]) * give[corners, None]
                points[corners, :2] += ways * (lack * sign[k] / max((ways ** 2).sum(), 1e-6))


def _touch(points: np.ndarray, contact: dict) -> None:
    """Lips and lids meet and never pass each other."""
    down = np.array([*contact["down"], 0.0])
    for u3, u2, u1, l3, l2, l1 in contact["lips"]:
        over = (points[u3] - points[l3]) @ down
        if over > 0:
            for share, up, low in zip(contact["falloff"], (u3, u2, u1), (l3, l2, l1)):
                points[up] -= down * over * share / 2
                points[low] += down * over * share / 2
    for upper, above, lower in contact["lids"]:
        over = (points[upper] - points[lower]) @ down
        if over > 0:
            points[upper] -= down * over
            points[above] -= down * over * 0.2


def _turn(points: np.ndarray, rig: dict, w: Mapping[str, float]) -> np.ndarray:
    """Turns the head's relief by yaw, pitch and roll about its pivot and looks at it from `distance`; each ring point takes its share."""
    yaw, pitch, roll = (TURN * w.get(name, 0.0) for name in ("headYaw", "headPitch", "headRoll"))
    head = rig["head"]
    q = points - head["pivot"]
    depth = 1 + q[:, 2:] / head["distance"]
    q[:, :2] *= depth
    cy, sy, cp, sp, cr, sr = np.cos(yaw), np.sin(yaw), np.cos(pitch), np.sin(pitch), np.cos(roll), np.sin(roll)
    # nearer is negative z: yaw > 0 takes the nose to the right, pitch > 0 upwards, roll > 0 clockwise in the picture
    about_y = np.array([[cy, 0, -sy], [0, 1, 0], [sy, 0, cy]])
    about_x = np.array([[1, 0, 0], [0, cp, sp], [0, -sp, cp]])
    about_z = np.array([[cr, -sr, 0], [sr, cr, 0], [0, 0, 1]])
    q = q @ (about_z @ about_y @ about_x).T
    q[:, :2] /= 1 + q[:, 2:] / head["distance"]
    turned = q + head["pivot"]
    share = np.concatenate([np.ones(len(rig["points"])), rig["ring_follow"]])[:, None]
    return points + (turned - points) * share
