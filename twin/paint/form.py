"""A face in a frame of its own, with a mesh of springs: what is moved at a few points is followed smoothly by the skin between them."""
from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import sparse
from scipy.sparse.linalg import spsolve

from . import topology
from .topology import LEFT, LOWER_LIP, RIGHT, UPPER_LIP
from .triangulate import areas

SQUEEZE = 0.4              # the least of its area that one shape leaves a triangle of skin
Controls = dict[int, np.ndarray]
Number = float | np.ndarray


def smooth(low: float, high: float, x: np.ndarray | float) -> np.ndarray:
    """0 at low, 1 at high, a smooth step between."""
    t = np.clip((np.asarray(x, float) - low) / (high - low), 0, 1)
    return t * t * (3 - 2 * t)


@dataclass
class Form:
    """A face in its own frame: x to the picture's right, y down along the face, z away; the origin is between the irises."""
    places: np.ndarray      # [n, 3] landmarks (at rest, lips and lids as they are), then the ring; px
    axes: np.ndarray        # [3, 3] rows: the frame's axes in the picture
    unit: float             # px between the irises
    springs: sparse.csr_matrix   # [n, n] rows sum to 0: each point minus the weighted mean of its neighbours
    triangles: np.ndarray   # int [m, 3]

    @classmethod
    def of(cls, points: np.ndarray, triangles: np.ndarray) -> Form:
        """`points` [n, 3] in px: 478 landmarks, then the ring."""
        across = points[[454, 263, 291, 473]].sum(0) - points[[234, 33, 61, 468]].sum(0)
        down = points[152] - points[10]
        ex = across / np.linalg.norm(across)
        ey = down - (down @ ex) * ex
        ey /= np.linalg.norm(ey)
        axes = np.stack([ex, ey, np.cross(ex, ey)])
        places = (points - (points[468] + points[473]) / 2) @ axes.T
        edges = np.unique(np.sort(np.concatenate([triangles[:, [0, 1]], triangles[:, [1, 2]], triangles[:, [0, 2]]]), 1), axis=0)
        unit = float(np.linalg.norm(points[473] - points[468]))
        length = np.linalg.norm(places[edges[:, 0]] - places[edges[:, 1]], axis=1)
        pull = 1 / np.maximum(length, 0.02 * unit)
        n = len(points)
        graph = sparse.csr_matrix((np.r_[pull, pull], (np.r_[edges[:, 0], edges[:, 1]], np.r_[edges[:, 1], edges[:, 0]])), (n, n))
        total = np.maximum(np.asarray(graph.sum(1)).ravel(), 1e-9)
        return cls(places, axes, unit, sparse.csr_matrix(sparse.identity(n) - sparse.diags(1 / total) @ graph), triangles)

    def spread(self, controls: Controls, reach: float) -> np.ndarray:
        """Displacements [n, 3] in px of the face's frame: `controls` kept (in units), points further than `reach` units from them still."""
        keys = np.array(sorted(controls))
        held = np.array([controls[k] for k in keys]) * self.unit
        gaps = np.linalg.norm(self.places[:, None, :2] - self.places[keys][None, :, :2], axis=2).min(1)
        known = gaps > reach * self.unit
        known[topology.FACE:topology.POINTS] = True
        known[keys] = True
        field = np.zeros_like(self.places)
        field[keys] = held
        free = ~known
        energy = (self.springs.T @ self.springs).tocsc()
        if free.any():
            field[free] = spsolve(energy[free][:, free], -(energy[free][:, known] @ field[known])).reshape(-1, 3)
        return field

    def tamed(self, field: np.ndarray) -> np.ndarray:
        """The field [n, 3] made even wherever it would squeeze a triangle of skin too much; lips and lids keep their places."""
        fixed = np.zeros(len(field), bool)
        fixed[[i for row in (*UPPER_LIP, *LOWER_LIP, *(side.upper + side.lower for side in (RIGHT, LEFT))) for i in row]] = True
        flat, tri, field = self.places[:, :2], self.triangles, field.copy()
        before = areas(flat, tri)
        for _ in range(60):
            tight = areas(flat + field[:, :2], tri) < SQUEEZE * before
            near = np.zeros(len(field), bool)
            near[tri[tight]] = True
            near &= ~fixed
            if not near.any():
                break
            field[near] -= 0.5 * (self.springs @ field)[near]          # all rows: taking some out of a sparse matrix costs far more
        return field


def vec(x: Number = 0.0, y: Number = 0.0, z: Number = 0.0) -> np.ndarray:
    return np.array([x, y, z], float)
