"""A painted person in a fraction of a second, at any size: the illustrated painter that invents faces (twin/train/painted.py makes many).

What `illustrated.py` does for the four twins with a brush of numpy, this does for anybody with compiled ones: a head of MakeHuman's CC0 mesh from a look
(attributes.py, likeness.py), lit (flesh.py), with hair that is grown once per cut and carried to every head (wigs.py), dressed and set before a scene.
The 478 points of the rig come with the geometry. The same look and seed give the same picture.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from . import backdrop, strokes, tress, wigs, worn
from .body import lamps, openness, skin, stand
from .canvas import blur, linear
from .likeness import Likeness


@dataclass(frozen=True)
class Portrait:
    """A painted person: uint8 [size, size, 3], and the rig's points float32 [478, 3] px (negative z is nearer)."""

    picture: np.ndarray
    points: np.ndarray
    alpha: np.ndarray | None = None  # uint8 [size, size]: how much of a pixel is the person; and what is behind it, uint8 [size, size, 3]
    behind: np.ndarray | None = None


def paint(who: Likeness, size: int = 256, over: float = 2.0, layers: bool = False) -> Portrait:
    """A square portrait of `size` px, painted `over` times larger first; with its `layers`, if asked. The same person gives the same picture."""
    rng, look = np.random.default_rng([who.seed, 22]), who.look
    work = round(size * over)
    body = stand(who, (work, work), fine=work > 700)
    cut = tress.choice(look, rng)
    cropped = cut is not None and cut[0] in ("buzz", "crop")
    hair = tress.Hair(body, wigs.wig(*cut), size=2.4 if cropped else 1.0) if cut else None
    bulbs, open_ = lamps(who), openness(body.depth, body.dm)
    shells = [(shell, True) for shell in worn.clothes(who)] + [(shell, False) for shell in worn.headwear(who)]
    cloths = [worn.dress(body, shell, bulbs, open_, upper) for shell, upper in shells]
    mask, depth, hidden = (body.seen >= 0).astype(np.float32), body.depth.copy(), np.zeros((work, work), np.uint8)
    for cloth in cloths:
        at, flat = cloth.where, [layer.reshape(-1) for layer in (mask, depth, hidden)]
        for layer, own in zip(flat, (cloth.cover, cloth.depth, cloth.cover == 1)):
            layer[at] = np.maximum(layer[at], own)
    light = skin(body, hair.loose if hair is not None and not cropped else None, open_, hidden)
    if cut:
        bare = np.zeros((work, work, 1), np.float32)
        strokes.spread(tress.under(cut[0], len(body.points))[:, None], body.triangles, body.seen, body.weights, bare)
        soft = blur(bare[..., 0], 0.02 * body.dm) * np.float32(0.6 if cropped else 0.92)
        strokes.laid(linear(who.hair[0]) * (0.25 + 0.75 * open_[..., None]), soft, light)
    figure = strokes.toned(light)
    tress.brows(body, figure)
    tress.lashes(body, figure, tress.lids(body))
    for cloth in cloths:
        cloth.lay(figure, body.dm)
    worn.glasses(body, figure, depth)
    picture = backdrop.paint(look, who.seed, work, float(who.lamps[0].unit[0]))
    behind = picture.copy() if layers else None
    strokes.laid(figure, mask, picture)
    cover = np.zeros((work, work), np.float32)
    beard = tress.beard(body)
    if beard:
        beard.draw(picture, cover, depth, who.hair, gloss=0.4, bias=0.05)
    worn.earrings(body, picture, depth)
    if hair and cut:
        hair.draw(picture, cover, depth, who.hair, gloss=0.5 if cropped or cut[0] == "afro" else 1.0)
    out = _small(picture, size)
    points = body.camera.project(body.landmarks).astype(np.float32) / np.float32(over)
    points[:, 2] = points[1, 2] - points[:, 2] - 0.28 * body.dm / over  # as MediaPipe has it: nearer is less, the nose's tip well before 0
    if behind is None:
        return Portrait(out, points)
    alpha = 1 - (1 - cover) * (1 - mask)
    return Portrait(out, points, *(_small(layer, size) for layer in (255 * alpha, behind)))


def _small(picture: np.ndarray, size: int) -> np.ndarray:
    return cv2.resize(picture, (size, size), interpolation=cv2.INTER_AREA).clip(0, 255).round().astype(np.uint8)
