"""A person's surface as the camera sees it: stylised geometry, what lies behind every pixel, light and shade on it. No colour yet."""

from __future__ import annotations

from dataclasses import dataclass, field

import cv2
import numpy as np

from . import head, mesh
from .anchor import Anchors, trace
from .canvas import blur, masked_blur


@dataclass(frozen=True)
class Lamp:
    """Light from afar: direction it comes from (x right, y up, z to the viewer), colour and strength in linear light."""

    towards: tuple[float, ...]
    colour: tuple[float, ...]

    @property
    def unit(self) -> np.ndarray:
        return np.asarray(self.towards) / np.linalg.norm(self.towards)


@dataclass
class Figure:
    """A blended body before the camera. Pictures are [h, w] or [h, w, c] at the working size."""

    camera: head.Camera
    points: np.ndarray  # [m, 3] dm
    anchors: Anchors  # at the working size
    normal: np.ndarray  # [h, w, 3]
    rest: np.ndarray  # [h, w, 3] place on the template
    depth: np.ndarray  # [h, w] px, larger is nearer; -1e9 outside
    mask: np.ndarray  # [h, w] 0..1 float
    seen: mesh.Fragments
    shadows: dict[str, np.ndarray] = field(default_factory=dict)

    @property
    def shape(self) -> tuple[int, int]:
        return self.mask.shape

    @property
    def dm(self) -> float:
        """px per dm."""
        return self.camera.scale

    def world(self, step: int = 1) -> np.ndarray:
        """Position behind every `step`-th pixel [h / step, w / step, 3] in dm (perspective undone)."""
        h, w = self.shape
        y, x = np.mgrid[:h:step, :w:step].astype(np.float32) + 0.5
        z = np.where(self.depth > -1e8, self.depth, 0)[::step, ::step] / self.camera.scale
        k = self.camera.scale * self.camera.distance / (self.camera.distance - z)
        return np.stack(
            [
                (x - self.camera.middle[0]) / k + self.camera.centre[0],
                self.camera.centre[1] - (y - self.camera.middle[1]) / k,
                z + self.camera.centre[2],
            ],
            -1,
        )


def body(shape: dict[str, float], *, eyes: float = 1.0, lift: float = 0.0) -> np.ndarray:
    """Smooth points [m, 3] of a blended body whose eyes are enlarged by the factor `eyes` and set `lift` dm higher."""
    base = head.template()
    points = base.smooth @ head.blend(shape)
    ids = np.unique(base.eyes)
    moved = points.copy()
    for sign in (-1, 1):
        centre = points[ids[points[ids, 0] * sign > 0]].mean(0)
        away = points - centre
        near = np.exp(-0.5 * ((away[:, 0] / 0.27) ** 2 + (away[:, 1] / 0.21) ** 2 + (away[:, 2] / 0.45) ** 2) ** 1.5)
        moved += near[:, None] * (away * [eyes - 1, eyes - 1, (eyes - 1) * 0.6] + [0, lift, 0])
    return moved


def stand(points: np.ndarray, camera: head.Camera) -> Figure:
    """Looks at smooth points with a camera."""
    base = head.template()
    shape = (camera.size[1], camera.size[0])
    screen = camera.project(points)
    seen = mesh.rasterise(screen, base.body, shape)
    normal = seen.spread(mesh.normals(points, base.body), base.body)
    normal /= np.maximum(np.linalg.norm(normal, axis=2, keepdims=True), 1e-6)
    return Figure(
        camera,
        points,
        trace(points, camera),
        normal,
        seen.spread(base.rest, base.body),
        seen.spread(screen[:, 2], base.body, -1e9),
        seen.mask().astype(np.float32),
        seen,
    )


def shadow(
    world: np.ndarray, lamp: Lamp, occluders: list[tuple[np.ndarray, np.ndarray | None]], *, bias: float, soft: float, cell: float = 0.012
) -> np.ndarray:
    """How much of a lamp reaches each place [h, w, 3] (dm): 1 lit, 0 in shade.

    `occluders` are (points, triangles), or (points, None) for strands given as loose points. `soft` is the penumbra's radius in dm.
    """
    side = np.cross([0, 1, 0], lamp.unit)
    side /= np.linalg.norm(side)
    axes = np.stack([side, np.cross(lamp.unit, side), lamp.unit], 1)
    low = np.array([-2.6, 3.6])
    n = int(5.6 / cell)
    nearest = np.full((n, n), -1e9, np.float32)
    for points, tris in occluders:
        flat = points @ axes
        flat[:, :2] = (flat[:, :2] - low) / cell
        if tris is None:
            ij = flat[:, :2].astype(int)
            ok = ((ij >= 0) & (ij < n)).all(1)
            np.maximum.at(nearest, (ij[ok, 1], ij[ok, 0]), flat[ok, 2].astype(np.float32))
        else:
            seen = mesh.rasterise(flat, tris, (n, n), cull=False)
            nearest = np.maximum(nearest, seen.spread(flat[:, 2], tris, -1e9))
    flat = world.reshape(-1, 3) @ axes.astype(np.float32)
    at = (flat[:, :2] - low) / cell
    lit = np.zeros(len(flat), np.float32)
    taps = [(r * np.cos(a), r * np.sin(a)) for i, (r, a) in enumerate((np.sqrt((k + 0.5) / 14), k * 2.39996) for k in range(14))]
    for dx, dy in taps:
        i = np.clip((at[:, 0] + dx * soft / cell).astype(np.int32), 0, n - 1)
        j = np.clip((at[:, 1] + dy * soft / cell).astype(np.int32), 0, n - 1)
        lit += np.clip((flat[:, 2] + bias - nearest[j, i]) / bias + 0.5, 0, 1)
    return (lit / len(taps)).reshape(world.shape[:2])


def occlusion(depth: np.ndarray, mask: np.ndarray, scale: float) -> np.ndarray:
    """Ambient light [h, w] 0..1 that reaches each pixel, from how far its surroundings rise above it; `scale` px per dm."""
    full = mask.shape
    depth, mask, scale = depth[::2, ::2], mask[::2, ::2], scale / 2
    open_ = np.ones(mask.shape, np.float32)
    level = np.where(mask > 0, depth, 0).astype(np.float32)
    for radius, strength in ((0.05, 0.9), (0.13, 0.7), (0.32, 0.55), (0.7, 0.35)):
        rise = (masked_blur(level, mask, radius * scale) - level) / (radius * scale)
        open_ *= 1 - strength * np.clip(rise * 0.9, 0, 0.75)
    return cv2.resize(blur(open_, 0.01 * scale), full[::-1], interpolation=cv2.INTER_LINEAR)
