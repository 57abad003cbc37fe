"""A twin's face drawn on the server: the same picture as the browser's (face.js, eye.js, mouth.js, layers.js), for films and for measuring.

The pose is in fine.py, the pixels are in shade.py. What the weights do not change is worked out once.

    python -m twin.paint.draw [TWIN_DIR]        compiles what draws, once per machine
"""
from __future__ import annotations

import io
import json
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from PIL import Image

from twin.errors import Missing, Refused
from twin.types import CHANNELS, FULL, SIGNED

from . import shade
from .fine import Posed, Surface
from .pose import LOOK
from .topology import OVAL, POINTS

FINER = 1.25             # texels a pixel of the canvas
CLOSEST, EYES = 1.12, 0.41   # as in stage.js
OPEN_LASH, SHUT_LASH = 0.04, 0.14   # of the eye's width, as in eye.js
FAR = (0, 0.03, 0.07, 0.13, 0.22, 0.36, 0.6)                             # as in surface.js: where the picture's border is drawn out to
BESIDE = 6               # mip level at their outer end, as in layers.js
LARGEST = 4096           # px of a side
FARTHEST = 1e6           # px; a number beyond it is none that a face has
BROKEN = (ValueError, KeyError, IndexError, TypeError, AttributeError, StopIteration, ArithmeticError, RecursionError, cv2.error)


@dataclass(frozen=True)
class Fit:
    """Where the portrait stands on the canvas: canvas px = portrait px * scale + (x, y)."""
    scale: float
    x: float
    y: float


def whole(rig: dict, size: tuple[int, int]) -> Fit:
    """All of the person: feet on the ground, all of the face in sight, sides cropped where it is narrow. As face.js."""
    (w, h), (width, height) = rig["size"], size
    xs = [rig["points"][i][0] for i in OVAL]
    middle, across = (min(xs) + max(xs)) / 2, max(xs) - min(xs)
    scale = min(height / h, width / (1.45 * across))
    x = width / 2 - middle * scale
    if width < w * scale:
        x = min(0.0, max(width - w * scale, x))
    return Fit(scale, x, height - h * scale)


def staged(rig: dict, size: tuple[int, int]) -> Fit:
    """As the page frames it: the person fills the width where it can, the eyes where a photographer would have them. As stage.js."""
    (w, h), (width, height) = rig["size"], size
    first = whole(rig, size).scale
    scale = min(max(first, width / w), first * CLOSEST)
    left, right = rig["iris"]["left"], rig["iris"]["right"]
    x = min(0.0, max(width - w * scale, width / 2 - (left[0] + right[0]) / 2 * scale))
    if w * scale < width:
        x = (width - w * scale) / 2
    return Fit(scale, x, max(height - h * scale, EYES * height - (left[1] + right[1]) / 2 * scale))


class Painter:
    """Draws one twin. Not for two threads at once.

    `read` gives the bytes of a file of the twin ("face/rig.json"); `size` is width and height in px; `framing` is `whole` or `staged`;
    `background` is a picture uint8 [h, w, 3] in place of the twin's own. Raises Missing or Refused, naming the file.
    """

    def __init__(self, read: Callable[[str], bytes], size: tuple[int, int], framing: Callable[[dict, tuple[int, int]], Fit] = whole,
                 background: np.ndarray | None = None):
        if min(size) < 16 or max(size) > LARGEST:
            raise Refused(f"A picture of {size[0]} x {size[1]} px cannot be drawn.", f"Choose 16 to {LARGEST} px a side.")
        self.size = size
        try:
            self.rig = json.loads(read("face/rig.json"))
            _bounded(self.rig)
            self._begin(read, framing, background)
        except BROKEN:                                   # a twin may come from anybody
            raise _damaged() from None

    def _begin(self, read: Callable[[str], bytes], framing: Callable[[dict, tuple[int, int]], Fit], background: np.ndarray | None) -> None:
        rig, size = self.rig, self.size
        self.fit = framing(rig, size)
        self.posed = Posed(rig, CHANNELS)
        self.surface = Surface(rig, self.posed)
        self._canvas = np.zeros((size[1], size[0], 3), np.uint8)
        self._textures(read, background)
        lamp = np.array(rig.get("light", (-0.3, -0.5)), float)[:2]
        self._lamp = (lamp / (np.hypot(*lamp) or 1)).astype(np.float32)
        self.eyes = [_Eye(rig, k, self.surface) for k in (0, 1)]
        self.mouth = _Mouth(rig, self.surface)
        self._lid = np.array(rig.get("lid", rig["skin"]), np.float32)
        self._inside = np.array(rig.get("inside", (1, 1, 1)), np.float32)
        self._glint = float(min(1.0, self._inside.max()))
        self._fold = np.array([*rig["fold"], 0.14] if "fold" in rig else [0.16, 0.50, 0.0], np.float32)
        self._ink = np.array(rig.get("lash", (40, 28, 24)), np.float32)

    def _textures(self, read: Callable[[str], bytes], background: np.ndarray | None) -> None:
        rig, scale, (w, h) = self.rig, self.fit.scale, self.rig["size"]
        portrait = _premultiplied(_picture(read, "face/portrait.webp"))
        texels = min(1.0, scale * FINER)
        self._portrait = _sized(portrait, w * texels, h * texels)
        down, across = self._portrait.shape[0] / h, self._portrait.shape[1] / w
        self._texels = np.ascontiguousarray((self.surface.rest * (across, down) - 0.5).astype(np.float32))
        self._wings(portrait)
        self._drawn = _solid(self._portrait, self._texels, self.surface.triangles)
        wide, unit = rig["eyes"][0]["width"], rig["head"]["unit"]
        self._view = np.array([wide * down, unit * down], np.float32)
        self._near, self._above, self._wet = (_sized(portrait, w / max(1.0, blur), h / max(1.0, blur)) for blur in (wide * 0.14, wide * 0.07, unit * 0.014))
        eyes = _premultiplied(_picture(read, "face/eyes.webp"))
        side = 2 * wide * scale * FINER
        self._whites = [_sized(half, side, side) for half in np.split(eyes[:, :eyes.shape[1] // 2 * 2], 2, 1)]
        radius = rig["iris"]["left"][2]
        self._iris = _sized(_premultiplied(_picture(read, "face/iris.webp")), *(2 * [radius * 2.133 * scale * FINER * 1.2]))
        teeth = _premultiplied(_picture(read, "face/mouth.webp"))
        halves = np.split(teeth[:teeth.shape[0] // 2 * 2], 2, 0)
        self.bite = np.array(_edges(halves), np.float32)
        wide = rig["mouth"]["width"] * 1.2 * scale * FINER
        self._teeth = [_sized(half, wide, wide * 0.25) for half in halves]
        scene = _picture(read, "face/background.webp")[:, :, :3] if background is None else background[:, :, :3]
        width, height = self.size
        if background is None:                           # as face.js: it covers the canvas, four hundredths larger
            cover = 1.04 * max(width / w, height / h)
            self._scene = _sized(scene, w * cover, h * cover)
        else:
            cover = 1.04 * max(width / scene.shape[1], height / scene.shape[0])
            self._scene = _sized(scene, scene.shape[1] * cover, scene.shape[0] * cover)

    def _wings(self, portrait: np.ndarray) -> None:
        """What goes on beside the picture on a canvas wider than it: strips, each from a softer picture than the one before."""
        w, h = self.rig["size"]
        self._needs_wings = self.fit.x > 0 or self.fit.x + w * self.fit.scale < self.size[0]
        self._beside = []
        for k in range(len(FAR) - 1 if self._needs_wings else 0):
            near, far = FAR[k] * w, FAR[k + 1] * w
            blur = max(1 / min(1.0, self.fit.scale * FINER), 2 ** (BESIDE * 3 * min(1 / 3, FAR[k] + FAR[k + 1])))
            texture = _sized(portrait, w / blur, h / blur)
            for side in (-1, 1):
                rest = np.array([(0.5 if side < 0 else w - 0.5, y) for _ in (near, far) for y in (0, h)])
                places = np.array([(-x if side < 0 else w + x, y + 0.42 * x + 2.2 * x * x / w, 0.0) for x in (near, far) for y in (0, h)], np.float32)
                texels = rest * (texture.shape[1] / w, texture.shape[0] / h) - 0.5
                self._beside.append((texture, self._seen(places), texels.astype(np.float32), np.array([(0, 1, 2), (2, 1, 3)], np.int32)))

    def _seen(self, places: np.ndarray) -> np.ndarray:
        """Places of the portrait on the canvas."""
        out = places.copy()
        out[:, :2] *= self.fit.scale
        out[:, :2] += np.array([self.fit.x, self.fit.y], out.dtype)
        return out

    def frame(self, weights: Mapping[str, float] | np.ndarray, breath: float = 0.0, scene: bool = True) -> np.ndarray:
        """The picture uint8 [h, w, 3] of an instant; the array is used again for the next one.

        `weights`: by name, or a row of a Motion uint8 [57], or real values float [57]; `breath` 0 out .. 1 in; without `scene` the ground is black.
        """
        given = values(weights)
        canvas, fit, surface = self._canvas, self.fit, self.surface
        try:
            with np.errstate(all="ignore"):
                self.posed.apply(given, breath)
                places = surface.update(1.5 / fit.scale)
                seen = self._seen(places)
                for one in self.eyes:
                    one.update(self.posed, places)
                self.mouth.update(self.posed, places)
                self._sane(seen)
        except BROKEN:
            raise _damaged() from None
        if scene:
            self._behind(canvas)
        else:
            canvas[:] = 0
        for one, white in zip(self.eyes, self._whites):
            shade.eye(canvas, white, self._iris, *one.patch(fit), one.width, one.iris, one.gaze, one.top, one.bottom, self._lamp, self._glint,
                      one.back(fit))
        mouth, (high, low) = self.mouth, self._teeth
        origin, frame, box = mouth.patch(fit)
        back = mouth.back(fit)
        shade.mouth(canvas, high, low, origin, frame, box, back, mouth.unit, mouth.width, mouth.raised, mouth.tongue, mouth.gap, mouth.jaw,
                    self.bite, mouth.top, mouth.bottom, self._inside)
        self._skin(canvas, seen)
        for one in self.eyes:
            shade.lashes(canvas, self._seen(one.lashes), 0.55 + 0.35 * one.shut, self._ink)
        if mouth.tongue > 0:
            shade.lick(canvas, self._seen(mouth.strip), origin, back, mouth.unit, mouth.raised, mouth.tongue, mouth.jaw, self._inside)
        return canvas

    def _sane(self, seen: np.ndarray) -> None:
        """Compiled code trusts its numbers: a face that no face builder made may have posed to none. Raises Refused."""
        parts = [seen, *(part for one in (*self.eyes, self.mouth) for part in (one.origin, one.frame, one.box, one.top, one.bottom, one.back(self.fit))),
                 *(one.lashes for one in self.eyes)]
        if not all(np.abs(part).max(initial=0.0) < FARTHEST for part in parts):          # not a number is not less
            raise _damaged()

    def _skin(self, canvas: np.ndarray, seen: np.ndarray) -> None:
        surface, (left, right) = self.surface, self.eyes
        look = (self._near, self._above, self._wet, self._view, left.shut, right.shut, self.mouth.apart, self._lid, self._fold)
        if self._needs_wings:
            for texture, places, texels, triangles in self._beside:
                kind = np.ones((len(places), 3), np.float32) * (1, 0, 0)
                shade.skin(canvas, places, texels, kind.astype(np.float32), triangles, texture, texture.view(np.uint32).ravel(), *look)
        shade.skin(canvas, seen, self._texels, surface.kind, self._drawn, self._portrait, self._portrait.view(np.uint32).ravel(), *look)

    def _behind(self, canvas: np.ndarray) -> None:
        """The background, which shifts a little against the head."""
        (h, w), (width, height) = self._scene.shape[:2], self.size
        weights, at = self.posed.weights, self.posed.at
        x = (w - width) / 2 + 0.03 * weights[at["headYaw"]] * w
        y = (h - height) * 0.4 - 0.02 * weights[at["headPitch"]] * h
        move = np.array([[1.0, 0.0, x], [0.0, 1.0, y]])
        cv2.warpAffine(self._scene, move, self.size, canvas, cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP, cv2.BORDER_REPLICATE)

    def landmarks(self) -> np.ndarray:
        """Where the landmarks stand on the canvas [478, 2], as last drawn."""
        return self._seen(self.posed.points[:478])[:, :2]


def values(weights: Mapping[str, float] | np.ndarray) -> np.ndarray:
    """float64 [57] of weights by name, of a row of a Motion, or of real values."""
    if isinstance(weights, Mapping):
        out = np.zeros(len(CHANNELS))
        for name, value in weights.items():
            out[CHANNELS.index(name)] = value
        return out
    if weights.dtype != np.uint8:
        return np.asarray(weights, np.float64)
    out = weights / 255.0
    signed = len(CHANNELS) - len(SIGNED)
    out[signed:] = (weights[signed:].astype(np.float64) - 128) / 127 * FULL
    return out


def _bounded(rig: dict) -> None:
    """Raises ValueError for a rig that is larger than any that is built, or holds numbers that are none."""
    (w, h), triangles = rig["size"], rig["triangles"]
    if not (16 <= w <= LARGEST and 16 <= h <= LARGEST and len(rig["points"]) == POINTS and len(rig["ring"]) <= 1024 and len(triangles) <= 8192):
        raise ValueError("rig")
    if not all(0 <= i < POINTS + len(rig["ring"]) for triangle in triangles for i in triangle):
        raise ValueError("triangles")
    left: list[Any] = [rig]
    while left:
        for part in left.pop().values() if isinstance(left[-1], dict) else left.pop():
            if isinstance(part, (dict, list)):
                left.append(part)
            elif isinstance(part, (int, float)) and not abs(part) < FARTHEST:
                raise ValueError("number")


def _damaged() -> Refused:
    return Refused("This twin's face cannot be drawn: its face/rig.json is damaged.", "Make its face anew from a photo.", code="damaged",
                   zh=("这个分身的脸部数据已损坏，画不出来。", "请用照片重新制作它的脸。"))


class _Patch:
    """Something behind a hole: `origin` and `frame` carry its local px to the portrait."""
    origin: np.ndarray
    frame: np.ndarray                                    # local x axis, local y axis
    box: np.ndarray                                      # left, top, right, bottom, local px
    top: np.ndarray                                      # the hole's rims, local px
    bottom: np.ndarray

    def patch(self, fit: Fit) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Origin and frame on the canvas, and the box."""
        return self.origin * fit.scale + (fit.x, fit.y), self.frame * fit.scale, self.box

    def back(self, fit: Fit) -> np.ndarray:
        """From px of the canvas to local px, laid out as `frame`."""
        return _inverse(self.frame) / fit.scale

    def local(self, points: np.ndarray) -> np.ndarray:
        """Places of the portrait [n, >= 2] in local px [n, 2]."""
        return (points[:, :2] - self.origin) @ _inverse(self.frame).reshape(2, 2)


def _inverse(frame: np.ndarray) -> np.ndarray:
    """Of a matrix laid out as [a, b, c, d]."""
    a, b, c, d = frame
    return np.array([d, -b, -c, a]) / (a * d - b * c)


class _Eye(_Patch):
    """One eye behind its lids, as eye.js has it. k 0: the picture's left."""

    def __init__(self, rig: dict, k: int, surface: Surface):
        eye = rig["eyes"][k]
        self.name, self.side, self.width = ("Right", "Left")[k], eye["side"], float(eye["width"])
        order = -1 if k else 1
        self.upper, self.lower = eye["upper"][::order], eye["lower"][::order]
        points = np.array(rig["points"])[:, :2]
        rim = points[self.upper + self.lower]
        low, high = rim.min(0), rim.max(0)
        centre = (low + high) / 2
        self.corners = points[[self.upper[0], self.upper[8]]]
        self.offset = centre - self.corners.mean(0)
        x, y, radius = rig["iris"]["right" if k else "left"]
        self.iris = np.array([x - centre[0], y - centre[1], radius], np.float32)
        self.box = np.r_[low - centre - self.width * np.array([0.12, 0.25]), high - centre + self.width * np.array([0.12, 0.2])]
        self.gap = self._gap(points)
        self.rim = surface.along(eye["upper"][0], eye["upper"][8], eye["upper"][4])
        self.shut = 0.0

    def _gap(self, p: np.ndarray) -> float:
        return float((p[self.lower[2:7], 1] - p[self.upper[2:7], 1]).mean())

    def update(self, posed: Posed, places: np.ndarray) -> None:
        p = posed.points
        a, b = p[self.upper[0], :2], p[self.upper[8], :2]
        now, rest = b - a, self.corners[1] - self.corners[0]
        angle = np.arctan2(now[1], now[0]) - np.arctan2(rest[1], rest[0])
        scale = np.hypot(*now) / np.hypot(*rest)
        cos, sin = np.cos(angle), np.sin(angle)
        self.frame = np.array([cos * scale, sin * scale, -sin, cos])
        self.origin = (a + b) / 2 + self.offset @ self.frame.reshape(2, 2)
        self.top, self.bottom = self.local(p[self.upper]), self.local(p[self.lower])
        self.shut = float(np.clip(1 - self._gap(p) / self.gap, 0, 1))
        w, at, n = posed.weights, posed.at, self.name
        side = self.side * LOOK * (w[at["eyeLookOut" + n]] - w[at["eyeLookIn" + n]])
        up = LOOK * (w[at["eyeLookUp" + n]] - w[at["eyeLookDown" + n]])
        cy, sy, cx, sx = np.cos(side), np.sin(side), np.cos(up), np.sin(up)
        self.gaze = np.array([[cy, 0, -sy], [sx * sy, cx, sx * cy], [cx * sy, -sx, cx * cy]])
        self._lash(places)

    def _lash(self, places: np.ndarray) -> None:
        rim = places[self.rim, :2]
        t = np.linspace(0, 1, len(rim))                  # 0 at the outer corner
        fall = _smooth((self.shut - 0.08) / 0.34)
        u = (rim[-1] - rim[0]) * -self.side
        u /= np.hypot(*u) or 1
        down = np.array([-u[1], u[0]])
        grow = np.sin(np.pi * np.minimum(1, 0.12 + 0.92 * t)).clip(0) ** 0.7 * (1.15 - 0.5 * t)
        length = self.width * (OPEN_LASH + (SHUT_LASH - OPEN_LASH) * fall) * grow
        lean, way, back = (0.55 - 1.1 * t) * (0.35 + 0.65 * fall), -1 + 2 * fall, self.width * 0.018
        root = rim - down * back * way
        tip = rim + (down * way - u * lean[:, None]) * length[:, None]
        strip = np.zeros((2 * len(rim), 4), np.float32)
        strip[::2, :2], strip[1::2, :2] = root, tip
        strip[::2, 2] = strip[1::2, 2] = t
        strip[1::2, 3] = 1
        self.lashes = strip


class _Mouth(_Patch):
    """The inside of the mouth, as mouth.js has it: it hangs on the skull, the lower teeth on the jaw."""

    def __init__(self, rig: dict, surface: Surface):
        self.rig, self.unit, self.width = rig["mouth"], float(rig["head"]["unit"]), float(rig["mouth"]["width"])
        place, right, down = (np.array(self.rig[name], float) for name in ("place", "right", "down"))
        self.spots = np.array([place, place + right * self.unit, place + down * self.unit])
        self.drop = float(np.array(self.rig["jaw"]) @ down)
        self.rim = surface.along(self.rig["upper"][0], self.rig["upper"][10], 14)
        self.jaw = np.zeros(2)

    def update(self, posed: Posed, places: np.ndarray) -> None:
        w, at, u = posed.weights, posed.at, self.unit
        spots = posed.turn(self.spots)[:, :2]
        self.origin = spots[0] - (0, posed.lift)
        self.frame = np.r_[spots[1] - spots[0], spots[2] - spots[0]] / u
        opened = w[at["jawOpen"]]
        self.jaw = np.array([0.11 * u * (w[at["jawLeft"]] - w[at["jawRight"]]), self.drop * opened])
        self.top, self.bottom = self.local(posed.points[self.rig["upper"]]), self.local(posed.points[self.rig["lower"]])
        narrow = float(np.clip(((self.top[10, 0] - self.top[0, 0]) / self.width - 0.58) / 0.34, 0, 1))
        parted = max(0.0, float(self.bottom[5, 1] - self.top[5, 1]))
        self.gap = parted * (0.25 + 0.75 * narrow)       # a narrow mouth lets less light in
        self.apart = min(1.0, parted / (0.06 * u))
        stretch = sum(w[at[n]] for n in ("mouthStretchLeft", "mouthStretchRight", "mouthSmileLeft", "mouthSmileRight")) / 2
        tip = w[at["tongueOut"]]
        self.raised = float(min(1, 2.2 * tip + min(0.55, 0.6 * stretch) * max(0, 1 - 1.6 * opened)))
        self.tongue = float(max(0, (tip - 0.4) / 0.6))
        both = np.concatenate([self.top, self.bottom])
        self.box = np.r_[both.min(0) - 0.12 * u, both.max(0) + 0.12 * u]
        strip = np.repeat(places[self.rim, :2].astype(np.float64), 2, 0)
        down = self.frame[2:]
        strip[::2] -= 0.03 * u * down                    # under the lip's soft rim
        strip[1::2] += 0.57 * u * down
        self.strip = strip


def _smooth(x: float) -> float:
    t = min(1.0, max(0.0, x))
    return t * t * (3 - 2 * t)


def _picture(read: Callable[[str], bytes], name: str) -> np.ndarray:
    """uint8 [h, w, 4]."""
    try:
        with Image.open(io.BytesIO(read(name))) as picture:
            return np.array(picture.convert("RGBA"))
    except OSError as error:                             # no such file, or no picture
        raise Missing(f"The twin's {name} could not be read ({type(error).__name__}).", "Build its face again, or take the twin from a bundle.") from None


def _premultiplied(picture: np.ndarray) -> np.ndarray:
    out = picture.copy()
    out[:, :, :3] = (picture[:, :, :3].astype(np.uint16) * picture[:, :, 3:] + 127) // 255
    return out


def _solid(portrait: np.ndarray, texels: np.ndarray, triangles: np.ndarray) -> np.ndarray:
    """The triangles in which there is something to be seen, in their order."""
    h, w = portrait.shape[:2]
    sums = cv2.integral((portrait[:, :, 3] > 0).astype(np.uint8))
    corners = texels[triangles]
    x0, y0 = (np.clip(corners[..., k].min(1).astype(int) - 1, 0, most) for k, most in ((0, w), (1, h)))
    x1, y1 = (np.clip(corners[..., k].max(1).astype(int) + 3, 0, most) for k, most in ((0, w), (1, h)))
    return np.ascontiguousarray(triangles[sums[y1, x1] - sums[y0, x1] - sums[y1, x0] + sums[y0, x0] > 0])


def _sized(picture: np.ndarray, width: float, height: float) -> np.ndarray:
    """Averaged down, or drawn up where it is too small."""
    size = max(2, round(width)), max(2, round(height))
    if max(size) > 4 * LARGEST:
        raise ValueError("size")
    smaller = size[0] <= picture.shape[1] and size[1] <= picture.shape[0]
    return np.ascontiguousarray(cv2.resize(picture, size, interpolation=cv2.INTER_AREA if smaller else cv2.INTER_LINEAR))


def _edges(halves: list[np.ndarray]) -> list[float]:
    """Where the upper teeth end and the lower ones begin, as parts of their half's height. As teeth.js."""
    out = []
    for half, order in zip(halves, (-1, 1)):
        w = half.shape[1] / 16
        middle = half[:, round(half.shape[1] / 2 + w * 0.1):round(half.shape[1] / 2 + w * 1.1), 3].mean(1)
        solid = np.flatnonzero(middle > 128)
        k = solid[-1] + 1 if len(solid) and order < 0 else solid[0] if len(solid) else (len(half) if order < 0 else 0)
        out.append(k / len(half))
    return out


def main() -> None:
    """Draws one frame with everything in it, so that what Numba compiles is compiled and kept on disk before anybody waits for it."""
    folder = Path(sys.argv[1] if len(sys.argv) > 1 else Path(__file__).resolve().parents[2] / "assets/twins/maya")
    Painter(lambda name: (folder / name).read_bytes(), (320, 180), staged).frame({"jawOpen": 0.5, "tongueOut": 0.9, "eyeBlinkLeft": 0.5})


if __name__ == "__main__":
    main()
