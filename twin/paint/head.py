"""A head from numbers: reads assets/weights/head.npz, blends age, sex, ancestry and face shape, and sets it before a camera.

The mesh is derived from MakeHuman's CC0 base by `derive.py`. Units are decimetres, y up, the face looks along +z;
x < 0 is the picture's left.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np

from . import mesh

FILE = Path(__file__).parents[2] / "assets/weights/head.npz"
SCALE = 10000.0


@dataclass(frozen=True)
class Template:
    """The mesh before anybody's features: points [n, 3], two subdivisions of it, and displacements by name."""

    points: np.ndarray
    smooth: object  # sparse [m, n]: points of the twice subdivided mesh
    body: np.ndarray  # triangles [t, 3] over the m smooth points
    eyes: np.ndarray  # triangles of the eyeballs
    rest: np.ndarray  # [m, 3] smooth points of the template: a fixed place to paint on, whoever the head becomes
    targets: dict[str, tuple[np.ndarray, np.ndarray]]
    landmark_points: np.ndarray | None  # int [478, 3]
    landmark_weights: np.ndarray | None  # float [478, 3]

    def landmarks(self, points: np.ndarray) -> np.ndarray:
        """The landmarks [478, 3] on smooth points [m, 3]. Raises ValueError where head.npz has none yet (`landmarks.py` fits them)."""
        if self.landmark_points is None or self.landmark_weights is None:
            raise ValueError(f"{FILE} has no landmarks; python -m twin.paint.landmarks stores them")
        return (points[self.landmark_points] * self.landmark_weights[..., None]).sum(1)


@lru_cache(maxsize=1)
def template() -> Template:
    """Reads head.npz (about half a second)."""
    with np.load(FILE) as stored:
        data = {key: stored[key] for key in stored}
    points = data["points"].astype(np.float64)
    quads = np.concatenate([data["body"], data["eyes"]]).astype(np.int64)
    body_count = len(data["body"])
    first, quads = mesh.subdivision(quads, len(points))
    second, quads = mesh.subdivision(quads, first.shape[0])
    smooth = (second @ first).tocsr()
    starts = data["starts"]
    targets = {
        str(name): (data["index"][a:b].astype(np.int64), data["delta"][a:b] / SCALE)
        for name, a, b in zip(data["names"], starts[:-1], starts[1:])
    }
    return Template(
        points,
        smooth,
        mesh.triangles(quads[: body_count * 16]),
        mesh.triangles(quads[body_count * 16 :]),
        smooth @ points,
        targets,
        data.get("landmark_points"),
        data.get("landmark_weights"),
    )


def blend(weights: dict[str, float]) -> np.ndarray:
    """Points [n, 3] of the template moved by named targets. Names may begin with `*-` for both sides (`*-eye-scale-incr`)."""
    base = template()
    points = base.points.copy()
    for name, weight in weights.items():
        for full in [name.replace("*", side, 1) for side in "lr"] if name.startswith("*") else [name]:
            index, delta = base.targets[full]
            points[index] += weight * delta
    return points


@dataclass(frozen=True)
class Camera:
    """A long portrait lens: `scale` px per dm at depth `plane`, `centre` dm in the picture's middle, `distance` dm to that plane."""

    size: tuple[int, int]  # w, h in px
    middle: tuple[float, float]  # px where `centre` falls
    centre: tuple[float, float, float]
    scale: float
    distance: float = 16.0

    def project(self, points: np.ndarray) -> np.ndarray:
        """Points [..., 3] in dm as [..., 3]: x, y in px (y down) and nearness in px (larger is nearer)."""
        away = self.distance - (points[..., 2] - self.centre[2])
        k = self.scale * self.distance / away
        return np.stack(
            [
                self.middle[0] + (points[..., 0] - self.centre[0]) * k,
                self.middle[1] - (points[..., 1] - self.centre[1]) * k,
                (points[..., 2] - self.centre[2]) * self.scale,
            ],
            -1,
        )

    def times(self, factor: float) -> Camera:
        """The same view at another resolution."""
        w, h = self.size
        return Camera(
            (round(w * factor), round(h * factor)),
            (self.middle[0] * factor, self.middle[1] * factor),
            self.centre,
            self.scale * factor,
            self.distance,
        )
