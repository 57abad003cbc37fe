"""The face's mesh as it is drawn: finer, with soft rims at the eyes and the mouth, and its light. What mesh.js, surface.js, light.js do.

Everything that the pose does not change is worked out once; a frame is some products of matrices.
"""
from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache

import numpy as np
from numba import njit
from scipy import sparse

from .pose import FOLDED, LOOK, OPENED, RISE, SLIM, SWEEPS, TURN, areas, free
from .topology import FACE, POINTS

GAIN, MOST = 0.34, 0.13          # as in light.js
CORNERS = (0.62, 0.9, 1, 1, 1, 0.9, 0.62)   # as in surface.js
ROUNDS = 2                       # how often each triangle is split in four
SIDES = (("Right", -1), ("Left", 1))


@njit(cache=True, nogil=True, error_model="numpy")
def unfold(points, triangles, sign, wanted, give, least, sweeps):
    """Opens triangles that are turned over, in place, as pose.py does."""
    bad = np.zeros(len(triangles), np.int64)
    for sweep in range(sweeps):
        count = 0
        for k in range(len(triangles)):
            a, b, c = points[triangles[k, 0]], points[triangles[k, 1]], points[triangles[k, 2]]
            if ((b[0] - a[0]) * (c[1] - a[1]) - (b[1] - a[1]) * (c[0] - a[0])) * sign[k] < -least:
                bad[count] = k
                count += 1
        if count == 0:
            return
        for n in range(count):
            k = bad[n]
            a, b, c = points[triangles[k, 0]], points[triangles[k, 1]], points[triangles[k, 2]]
            lack = (wanted[k] if sweep < sweeps // 2 else 0.0) - ((b[0] - a[0]) * (c[1] - a[1]) - (b[1] - a[1]) * (c[0] - a[0])) * sign[k]
            if lack > 0:
                ga, gb, gc = give[triangles[k, 0]], give[triangles[k, 1]], give[triangles[k, 2]]
                x1, y1, x2, y2, x3, y3 = (b[1] - c[1]) * ga, (c[0] - b[0]) * ga, (c[1] - a[1]) * gb, (a[0] - c[0]) * gb, (a[1] - b[1]) * gc, (b[0] - a[0]) * gc
                far = lack * sign[k] / max(x1 * x1 + y1 * y1 + x2 * x2 + y2 * y2 + x3 * x3 + y3 * y3, 1e-6)
                a[0] += far * x1
                a[1] += far * y1
                b[0] += far * x2
                b[1] += far * y2
                c[0] += far * x3
                c[1] += far * y3


class Posed:
    """A rig that is posed again and again: `pose.pose` with its arrays made once. `weights` are those that were really applied."""

    def __init__(self, rig: dict, names: tuple[str, ...]):
        self.rig, self.names = rig, names
        self.at = {name: k for k, name in enumerate(names)}
        self.picture = np.array(rig["points"] + rig["ring"], np.float64)
        base = self.picture.copy()
        base[:, 2] = rig["relief"]
        _add(base, rig["rest"])
        shapes = np.zeros((len(rig["shapes"]), *base.shape))
        for field, part in zip(shapes, rig["shapes"].values()):
            _add(field, part)
        self.triangles = np.array(rig["triangles"], np.int64)
        size = areas(base, self.triangles)
        unit = float(rig["head"]["unit"])
        self._give, self._sign, self._wanted = free(rig), np.sign(size), np.minimum(SLIM * np.abs(size), OPENED * unit ** 2)
        self.base, self.order = base, [self.at[name] for name in rig["shapes"]]
        self.shapes = np.ascontiguousarray(shapes.reshape(len(shapes), -1).T)
        contact = rig["contact"]
        self.lips, self.lids = np.array(contact["lips"]), np.array(contact["lids"])
        self.falloff, self.down = np.array(contact["falloff"]) / 2, np.array(contact["down"])
        count = len(base)
        self.follow, self.chest = np.ones(count), np.full(count, 0.35)
        self.follow[POINTS:], self.chest[POINTS:] = rig["ring_follow"], rig["ring_breath"]
        self.pivot, self.distance = np.array(rig["head"]["pivot"], float), float(rig["head"]["distance"])
        self.unit = unit
        self.weights, self.points, self.lift = np.zeros(len(names)), base.copy(), 0.0
        self.matrix = np.eye(3)

    def apply(self, given: np.ndarray, breath: float = 0.0) -> np.ndarray:
        """Places [n, 3] px of landmarks and ring under weights [57] (rad for the signed ones) and a breath 0..1."""
        w = self.weights = self._effective(given)
        points = self.base + (self.shapes @ w[self.order]).reshape(-1, 3)
        self._touch(points)
        self.matrix = _rotation(*(TURN * w[self.at[name]] for name in ("headYaw", "headPitch", "headRoll")))
        rise = breath * RISE * self.unit
        self.lift = 0.35 * rise
        points += (self.turn(points) - points) * self.follow[:, None]
        points[:, 1] -= rise * self.chest
        unfold(points, self.triangles, self._sign, self._wanted, self._give, FOLDED * self.unit ** 2, SWEEPS)
        self.points = points
        return points

    def turn(self, points: np.ndarray) -> np.ndarray:
        """Places of the head [n, 3] as `apply` last turned it."""
        q = points - self.pivot
        q[:, :2] *= 1 + q[:, 2:] / self.distance
        q = q @ self.matrix.T
        q[:, :2] /= 1 + q[:, 2:] / self.distance
        return q + self.pivot

    def _effective(self, given: np.ndarray) -> np.ndarray:
        w, at = np.array(given, np.float64), self.at
        w[at["mouthClose"]] = min(w[at["mouthClose"]], w[at["jawOpen"]])
        x, y = w[at["gazeX"]] / LOOK, w[at["gazeY"]] / LOOK
        for side, sign in SIDES:
            for name, extra in (("Up", y), ("Down", -y), ("Out", sign * x), ("In", -sign * x)):
                k = at[f"eyeLook{name}{side}"]
                w[k] = min(1.0, w[k] + max(0.0, extra))
            w[at[f"eyeWide{side}"]] *= 1 - w[at[f"eyeBlink{side}"]]
        return w

    def _touch(self, p: np.ndarray) -> None:
        rows, down = self.lips, self.down
        over = np.maximum(0.0, (p[rows[:, 0], :2] - p[rows[:, 3], :2]) @ down)
        for k, share in enumerate(self.falloff):
            step = over[:, None] * share * down
            p[rows[:, k], :2] -= step
            p[rows[:, 3 + k], :2] += step
        rows = self.lids
        over = np.maximum(0.0, (p[rows[:, 0], :2] - p[rows[:, 2], :2]) @ down)[:, None] * down
        p[rows[:, 0], :2] -= over
        p[rows[:, 1], :2] -= 0.2 * over


def _add(field: np.ndarray, part: Mapping[str, list]) -> None:
    if part["i"]:
        field[part["i"]] += np.array(part["d"])


def _rotation(yaw: float, pitch: float, roll: float) -> np.ndarray:
    cy, sy, cp, sp, cr, sr = np.cos(yaw), np.sin(yaw), np.cos(pitch), np.sin(pitch), np.cos(roll), np.sin(roll)
    about_y = np.array([[cy, 0, -sy], [0, 1, 0], [sy, 0, cy]])
    about_x = np.array([[1, 0, 0], [0, cp, sp], [0, -sp, cp]])
    return np.array([[cr, -sr, 0], [sr, cr, 0], [0, 0, 1]]) @ about_y @ about_x


class Surface:
    """The fine mesh under a pose. `rest` [m, 2] px of the portrait, `kind` [m, 3] (alpha, lid, lip), `triangles` int32 [t, 3] with the soft
    rims' triangles last (`soft` says from where), `places` [m, 3] (x, y px, change of light) after `update`."""

    def __init__(self, rig: dict, posed: Posed):
        self.posed = posed
        coarse = np.array(rig["triangles"], np.int64)
        sharp = {i for eye in rig["eyes"] for i in (eye["upper"][0], eye["upper"][-1])}
        self.fill, rest, faces, ends = _refined(posed.picture[:, :2].tobytes(), coarse.tobytes(), frozenset(sharp))
        loops = _rims(faces)
        self.holes = [next(loop for loop in loops if i in loop) for i in (13, *(eye["upper"][4] for eye in rig["eyes"]))]
        kinds: dict[int, float] = {}
        for eye in rig["eyes"]:
            for row, share in ((eye["above"], 0.5), (eye["upper"], 1.0)):
                kinds |= {i: share * eye["side"] * (corner if "fold" in rig else 1.0) for i, corner in zip(row[1:-1], CORNERS)}
        lips = dict.fromkeys(rig["mouth"]["upper"][1:-1], -1.0) | dict.fromkeys(rig["mouth"]["lower"][1:-1], 1.0)
        count, start = len(rest), len(rest)
        lid, lip = _linear(kinds, ends, posed.picture.shape[0]), _linear(lips, ends, posed.picture.shape[0])
        strips, rim = [], []
        for loop in self.holes:
            n = len(loop)
            for k in range(n):
                nxt = (k + 1) % n
                strips += [(loop[k], loop[nxt], start + k), (start + k, loop[nxt], start + nxt)]
            rim += [(loop[k - 1], loop[k], loop[(k + 1) % n]) for k in range(n)]
            start += n
        self._rim = np.array(rim)
        own = np.concatenate([np.arange(count), self._rim[:, 1]])
        self.rest = np.ascontiguousarray(rest[own], np.float32)
        self.kind = np.stack([np.r_[np.ones(count), np.zeros(len(rim))], lid[own], lip[own]], 1).astype(np.float32)
        self.triangles = np.concatenate([faces, np.array(strips)]).astype(np.int32)
        self.soft, self.count = len(faces), count
        self.places = np.zeros((len(own), 3), np.float32)
        self._settle(rig, coarse)

    def _settle(self, rig: dict, coarse: np.ndarray) -> None:
        lamp = np.array(rig.get("light", (-0.3, -0.5, -0.8)), float)
        self._lamp = lamp / np.linalg.norm(lamp)
        self._coarse, n = coarse, len(self.posed.picture)
        rows = coarse.T.ravel()
        self._around = sparse.csr_matrix((np.ones(len(rows)), (rows, np.tile(np.arange(len(coarse)), 3))), (n, len(coarse)))
        self._share = _shares(coarse, n)
        self._lit = self._shine(self.posed.points)

    def _shine(self, p: np.ndarray) -> np.ndarray:
        a, b, c = (p[self._coarse[:, k]].T for k in range(3))
        (ux, uy, uz), (vx, vy, vz) = b - a, c - a
        normal = self._around @ np.stack([uz * vy - uy * vz, ux * vz - uz * vx, uy * vx - ux * vy], 1)
        return (normal @ self._lamp) / np.maximum(np.sqrt((normal ** 2).sum(1)), 1e-9)

    def update(self, rim: float) -> np.ndarray:
        """Places of all points; `rim`: width of the soft rims, px of the portrait."""
        p = self.posed.points
        d = GAIN * (self._shine(p) - self._lit)
        light = self._share * MOST * d / (MOST + np.abs(d))
        field = self.fill @ np.column_stack([p[:, :2] - self.posed.picture[:, :2], light]).astype(np.float32)
        places = self.places
        places[:self.count] = field
        places[:self.count, :2] += self.rest[:self.count]
        before, at, after = self._rim.T
        way = places[after, :2] - places[before, :2]
        way /= np.maximum(np.hypot(*way.T), 1e-6)[:, None]
        places[self.count:] = places[at]
        places[self.count:, 0] += rim * way[:, 1]        # the hole lies to the left of the rim's direction
        places[self.count:, 1] -= rim * way[:, 0]
        return places

    def along(self, start: int, end: int, by: int) -> np.ndarray:
        """The fine points between two coarse points along a hole's rim, by way of a third."""
        loop = next(hole for hole in self.holes if by in hole)
        turned = loop.index(start)
        turned_loop = loop[turned:] + loop[:turned]
        part = turned_loop[:turned_loop.index(end) + 1]
        return np.array(part if by in part else [start, *turned_loop[turned_loop.index(end):][::-1]])


@lru_cache(4)
def _refined(flat: bytes, corners: bytes, sharp: frozenset[int]) -> tuple[sparse.csr_matrix, np.ndarray, np.ndarray, list[tuple[int, int]]]:
    """The matrix [fine, coarse] of displacements, the fine points' places in the picture, triangles, and the edge each new point sits on."""
    places, faces = np.frombuffer(flat).reshape(-1, 2), np.frombuffer(corners, np.int64).reshape(-1, 3)
    rest: list[np.ndarray] = list(places)
    matrix, ends = sparse.eye(len(places), format="csr"), []
    for _ in range(ROUNDS):
        third = {pair: c for t in faces.tolist() for pair, c in (((t[0], t[1]), t[2]), ((t[1], t[2]), t[0]), ((t[2], t[0]), t[1]))}
        after = {a: b for a, b in third if (b, a) not in third}
        before = {b: a for a, b in after.items()}
        made: dict[tuple[int, int], int] = {}
        rows: list[dict[int, float]] = []
        out = []
        for a, b, c in faces.tolist():
            new = []
            for p, q in ((a, b), (b, c), (c, a)):
                key = (min(p, q), max(p, q))
                if key not in made:
                    made[key] = len(rest)
                    rim = (p, q) not in third or (q, p) not in third
                    mask = _curve(p, q, after, before, sharp) if rim else _butterfly(p, q, third)
                    rest.append(np.sum([share * rest[i] for i, share in mask.items()], 0) if rim else (rest[p] + rest[q]) / 2)
                    rows.append(mask)
                    ends.append((p, q))
                new.append(made[key])
            ab, bc, ca = new
            out += [(a, ab, ca), (ab, b, bc), (ca, bc, c), (ab, bc, ca)]
        index = [(k, i, share) for k, mask in enumerate(rows) for i, share in mask.items()]
        k, i, share = (np.array(column) for column in zip(*index))
        matrix = sparse.vstack([matrix, sparse.csr_matrix((share, (k, i)), (len(rows), matrix.shape[0])) @ matrix]).tocsr()
        faces = np.array(out)
    return matrix.astype(np.float32), np.array(rest), faces, ends


def _curve(a: int, b: int, after: dict[int, int], before: dict[int, int], sharp: frozenset[int]) -> dict[int, float]:
    first, last = (a, b) if after.get(a) == b else (b, a)
    if (first in sharp) != (last in sharp):              # a curve that starts at a corner: the parabola through three points
        corner, nxt = (first, last) if first in sharp else (last, first)
        return {corner: 0.375, nxt: 0.75, after[last] if first in sharp else before[first]: -0.125}
    return {first: 0.5625, last: 0.5625, before[first]: -0.0625, after[last]: -0.0625}


def _butterfly(a: int, b: int, third: dict[tuple[int, int], int]) -> dict[int, float]:
    mask = {a: 0.5, b: 0.5}

    def put(i: int, share: float) -> None:
        mask[i] = mask.get(i, 0.0) + share
    for p, q in ((a, b), (b, a)):
        c = third[p, q]
        put(c, 0.125)
        for s, t, other in ((c, q, p), (p, c, q)):
            wing = third.get((s, t))
            for i, share in (((s, -0.0625), (t, -0.0625), (other, 0.0625)) if wing is None else ((wing, -0.0625),)):
                put(i, share)
    return mask


def _linear(values: Mapping[int, float], ends: list[tuple[int, int]], coarse: int) -> np.ndarray:
    out = np.zeros(coarse + len(ends))
    for i, value in values.items():
        out[i] = value
    for k, (a, b) in enumerate(ends):
        out[coarse + k] = (out[a] + out[b]) / 2
    return out


def _rims(faces: np.ndarray) -> list[list[int]]:
    """The closed loops of edges that have one triangle only."""
    seen = {pair for a, b, c in faces.tolist() for pair in ((a, b), (b, c), (c, a))}
    after = {a: b for a, b in seen if (b, a) not in seen}
    loops = []
    while after:
        at, loop = next(iter(after)), []
        while at in after:
            loop.append(at)
            at = after.pop(at)
        loops.append(loop)
    return loops


def _shares(triangles: np.ndarray, count: int) -> np.ndarray:
    """Light changes on the face, less at its edge, and not on hair, neck and clothes: what lies beside each other must not part."""
    share = np.zeros(count)
    outside = (triangles >= POINTS).any(1)
    near = np.zeros(count, bool)
    near[triangles[outside]] = True
    share[:FACE] = ~near[:FACE]
    edge = near.copy()
    edge[FACE:] = False
    beside = triangles[edge[triangles].any(1)]
    for i in np.unique(beside):
        share[i] = min(share[i], 0.15 if edge[i] else 0.55)
    share[edge] = 0.15
    return share
