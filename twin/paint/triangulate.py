"""Constrained Delaunay triangulation of a few hundred points: Delaunay first, then wanted edges are put in by flips (Sloan 1993)."""
from __future__ import annotations

from collections.abc import Iterable

import numpy as np
from scipy.spatial import Delaunay

Edge = tuple[int, int]


def cross(o: np.ndarray, a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """Twice the signed area of o, a, b ([..., 2] each); positive = clockwise in a picture."""
    return (a[..., 0] - o[..., 0]) * (b[..., 1] - o[..., 1]) - (a[..., 1] - o[..., 1]) * (b[..., 0] - o[..., 0])


def areas(points: np.ndarray, triangles: np.ndarray) -> np.ndarray:
    """Twice the signed areas [n] of triangles int [n, 3] over points [m, 2 or more]."""
    return cross(points[triangles[:, 0]], points[triangles[:, 1]], points[triangles[:, 2]])


class Mesh:
    """Triangles by their edges: which third points lie beside each edge."""

    def __init__(self, points: np.ndarray, triangles: np.ndarray):
        self.points = points
        self.beside: dict[Edge, list[int]] = {}
        for a, b, c in triangles.tolist():
            for i, j, k in ((a, b, c), (b, c, a), (c, a, b)):
                self.beside.setdefault((min(i, j), max(i, j)), []).append(k)
        self.fixed: set[Edge] = set()

    def crossing(self, a: int, b: int) -> list[Edge]:
        """The edges that segment a-b cuts through."""
        edges = np.array([e for e in self.beside if a not in e and b not in e])
        p, q, c, d = self.points[a], self.points[b], self.points[edges[:, 0]], self.points[edges[:, 1]]
        cut = (cross(p, q, c) * cross(p, q, d) < 0) & (cross(c, d, p) * cross(c, d, q) < 0)
        return [tuple(e) for e in edges[cut].tolist()]

    def flip(self, edge: Edge) -> Edge | None:
        """Replaces an edge by the other diagonal of its two triangles; None where these make no convex quad."""
        (a, b), (c, d) = edge, self.beside[edge]
        p = self.points
        if cross(p[c], p[d], p[a]) * cross(p[c], p[d], p[b]) >= 0 or cross(p[a], p[b], p[c]) * cross(p[a], p[b], p[d]) >= 0:
            return None
        del self.beside[edge]
        for i, j, old, new in ((a, c, b, d), (a, d, b, c), (b, c, a, d), (b, d, a, c)):
            near = self.beside[(min(i, j), max(i, j))]
            near[near.index(old)] = new
        made = (min(c, d), max(c, d))
        self.beside[made] = [a, b]
        return made

    def insert(self, a: int, b: int) -> bool:
        """Makes a-b an edge and keeps it; False where it would cut an edge that is kept already."""
        wanted = (min(a, b), max(a, b))
        if wanted not in self.beside:
            queue = self.crossing(a, b)
            if any(e in self.fixed for e in queue):
                return False
            for _ in range(40 * len(queue) + 40):
                if not queue:
                    break
                edge = queue.pop(0)
                made = self.flip(edge)
                if made is None:
                    queue.append(edge)
                elif made != wanted and a not in made and b not in made:
                    p, q, c, d = (self.points[i] for i in (a, b, *made))
                    if cross(p, q, c) * cross(p, q, d) < 0:
                        queue.append(made)
            if wanted not in self.beside:
                return False
        self.fixed.add(wanted)
        return True

    def triangles(self) -> np.ndarray:
        """int [n, 3], all of positive area, in a fixed order."""
        found = {tuple(sorted((a, b, c))) for (a, b), thirds in self.beside.items() for c in thirds}
        tri = np.array(sorted(found))
        back = areas(self.points, tri) < 0
        tri[back] = tri[back][:, ::-1]
        return tri


def constrained(points: np.ndarray, edges: Iterable[Edge]) -> np.ndarray:
    """Triangles int [n, 3] over points [m, 2] with the wanted edges in order of importance; edges that cannot be had are left out."""
    mesh = Mesh(points, Delaunay(points).simplices)
    for a, b in edges:
        mesh.insert(a, b)
    return mesh.triangles()


def inside(polygon: np.ndarray, places: np.ndarray) -> np.ndarray:
    """bool [n]: which places [n, 2] lie in the polygon [m, 2] (even-odd rule)."""
    x, y = places[:, :1], places[:, 1:2]
    a, b = polygon, np.roll(polygon, -1, 0)
    spans = (a[:, 1] > y) != (b[:, 1] > y)
    slope = np.where(b[:, 1] == a[:, 1], 1.0, b[:, 1] - a[:, 1])
    return (spans & (x < a[:, 0] + (y - a[:, 1]) * (b[:, 0] - a[:, 0]) / slope)).sum(1) % 2 == 1
