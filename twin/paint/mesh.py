"""Surfaces for painting: smooth subdivision of a quad mesh, and a z-buffer in numpy. It knows nothing of faces or of colours."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import sparse


def subdivision(quads: np.ndarray, count: int) -> tuple[sparse.csr_matrix, np.ndarray]:
    """One Catmull-Clark step (Catmull and Clark 1978, with the cubic B-spline rule on open borders).

    `quads` is int [f, 4] over `count` points. Returns the sparse matrix [new points, count] and the new quads [4 f, 4];
    the matrix works for positions and for anything else that is kept per point.
    """
    f = len(quads)
    pairs = np.sort(np.stack([quads, np.roll(quads, -1, 1)], -1).reshape(-1, 2), 1)
    edges, inverse, uses = np.unique(pairs, axis=0, return_inverse=True, return_counts=True)
    inverse = inverse.reshape(f, 4)
    e = len(edges)
    face = sparse.csr_matrix((np.full(f * 4, 0.25), (np.repeat(np.arange(f), 4), quads.ravel())), (f, count))
    ends = sparse.csr_matrix((np.full(e * 2, 0.5), (np.repeat(np.arange(e), 2), edges.ravel())), (e, count))
    beside = sparse.csr_matrix((np.ones(f * 4), (inverse.ravel(), np.repeat(np.arange(f), 4))), (e, f))
    inner = uses == 2
    edge = sparse.diags(np.where(inner, 0.5, 1.0)) @ ends + sparse.diags(np.where(inner, 0.25, 0.0)) @ beside @ face

    valence = np.bincount(edges.ravel(), minlength=count).astype(float)
    around = sparse.csr_matrix((np.ones(f * 4), (quads.ravel(), np.repeat(np.arange(f), 4))), (count, f))
    of_edges = sparse.csr_matrix((np.ones(e * 2), (edges.ravel(), np.repeat(np.arange(e), 2))), (count, e))
    faces_at = np.maximum(np.asarray(around.sum(1)).ravel(), 1)
    n = np.maximum(valence, 3)
    smooth = (
        sparse.diags(1 / n / faces_at) @ around @ face
        + sparse.diags(2 / n / np.maximum(valence, 1)) @ of_edges @ ends
        + sparse.diags((n - 3) / n)
    )
    rim = sparse.csr_matrix((np.where(inner, 0.0, 1.0).repeat(2), (edges.ravel(), np.repeat(np.arange(e), 2))), (count, e))
    open_ = np.asarray(rim.sum(1)).ravel() > 0
    border = sparse.diags(np.full(count, 0.5)) + 0.25 * (rim @ ends)
    point = sparse.diags(np.where(open_, 0.0, 1.0)) @ smooth + sparse.diags(np.where(open_, 1.0, 0.0)) @ border
    corner = np.arange(4)
    middle = count + inverse
    centre = (count + e + np.arange(f))[:, None]
    new = np.stack([quads[:, corner], middle[:, corner], np.broadcast_to(centre, (f, 4)), middle[:, (corner - 1) % 4]], -1)
    return sparse.vstack([point, edge, face]).tocsr(), new.reshape(-1, 4)


def triangles(quads: np.ndarray) -> np.ndarray:
    """Quads [f, 4] as triangles [2 f, 3]."""
    return np.concatenate([quads[:, [0, 1, 2]], quads[:, [0, 2, 3]]])


def normals(points: np.ndarray, tris: np.ndarray) -> np.ndarray:
    """Unit normals per point [n, 3], weighted by area."""
    a, b, c = (points[tris[:, i]] for i in range(3))
    cross = np.cross(b - a, c - a)
    out = np.zeros_like(points)
    for axis in range(3):
        out[:, axis] = np.bincount(tris.ravel(), np.repeat(cross[:, axis], 3), len(points))
    return out / np.maximum(np.linalg.norm(out, axis=1, keepdims=True), 1e-12)


@dataclass(frozen=True)
class Fragments:
    """What a z-buffer saw: per covered pixel its place, triangle, and barycentric weights."""

    shape: tuple[int, int]
    pixel: np.ndarray  # int64 [k] index into the flat picture
    triangle: np.ndarray  # int64 [k]
    weight: np.ndarray  # float32 [k, 3]

    def mask(self) -> np.ndarray:
        """Bool [h, w]: where something was seen."""
        out = np.zeros(self.shape[0] * self.shape[1], bool)
        out[self.pixel] = True
        return out.reshape(self.shape)

    def spread(self, values: np.ndarray, tris: np.ndarray, empty: float = 0.0) -> np.ndarray:
        """Values per point ([n] or [n, c]) as a picture [h, w] or [h, w, c]; `empty` where nothing was seen."""
        values = np.asarray(values, np.float32)
        flat = values.reshape(len(values), -1)
        corners = tris[self.triangle]
        seen = sum(flat[corners[:, i]] * self.weight[:, i : i + 1] for i in range(3))
        out = np.full((self.shape[0] * self.shape[1], flat.shape[1]), empty, np.float32)
        out[self.pixel] = seen
        return out.reshape(*self.shape, *values.shape[1:])


def rasterise(screen: np.ndarray, tris: np.ndarray, shape: tuple[int, int], *, cull: bool = True) -> Fragments:
    """Nearest triangle at each pixel centre.

    `screen` is [n, 3]: x and y in px (y down), and depth with *larger nearer*. `cull` drops triangles seen from behind.
    Triangles that are counter-clockwise in a y-up world are front faces.
    """
    h, w = shape
    p = screen[tris].astype(np.float32)  # [t, 3, 3]
    area = (p[:, 1, 0] - p[:, 0, 0]) * (p[:, 2, 1] - p[:, 0, 1]) - (p[:, 2, 0] - p[:, 0, 0]) * (p[:, 1, 1] - p[:, 0, 1])
    low = np.maximum(np.ceil(p[..., :2].min(1) - 0.5), 0).astype(np.int64)
    high = np.minimum(np.floor(p[..., :2].max(1) - 0.5), (w - 1, h - 1)).astype(np.int64)
    span = (high - low).max(1) + 1
    keep = ((area < -1e-9) if cull else (np.abs(area) > 1e-9)) & (high >= low).all(1)
    pieces: list[tuple[np.ndarray, ...]] = []
    size = 1
    while keep.any() and size < 2 * max(h, w):
        chosen = np.flatnonzero(keep & (span <= size) & (span > size // 2))
        for start in range(0, len(chosen), max(1, 4_000_000 // size**2)):
            part = chosen[start : start + max(1, 4_000_000 // size**2)]
            pieces.append(_inside(part, p[part], area[part], low[part], high[part], size, w))
        size *= 2
    pixel, triangle, weight, depth = (np.concatenate(column) for column in zip(*pieces))
    order = np.argsort(depth, kind="stable")
    nearest = np.full(h * w, -1, np.int64)
    nearest[pixel[order]] = order
    found = nearest[nearest >= 0]
    return Fragments(shape, pixel[found], triangle[found], weight[found])


def _inside(
    part: np.ndarray, p: np.ndarray, area: np.ndarray, low: np.ndarray, high: np.ndarray, size: int, width: int
) -> tuple[np.ndarray, ...]:
    grid = np.stack(np.meshgrid(np.arange(size), np.arange(size)), -1).reshape(-1, 2)
    at = low[:, None] + grid[None]  # [t, size^2, 2]
    centre = at.astype(np.float32) + np.float32(0.5)
    weights = []
    for i in range(3):
        a, b = p[:, (i + 1) % 3, None, :2], p[:, (i + 2) % 3, None, :2]
        side = (b[..., 0] - a[..., 0]) * (centre[..., 1] - a[..., 1]) - (b[..., 1] - a[..., 1]) * (centre[..., 0] - a[..., 0])
        weights.append(side / area[:, None])
    weight = np.stack(weights, -1)
    t, k = np.nonzero((weight >= -1e-6).all(-1) & (at <= high[:, None]).all(-1))
    weight = weight[t, k]
    return at[t, k, 1] * width + at[t, k, 0], part[t], weight, (weight * p[t, :, 2]).sum(1)
