"""The rig of a face: a ring of points around it, the mesh, and the shapes, all made from 478 landmarks and a few colours.

    python -m twin.paint.rig FACE_DIR ...        rebuilds rig.json in place

`build` overwrites what it makes (ring, ring_follow, ring_breath, triangles, rest, shapes, contact, relief, head, mouth, eyes) and keeps the
rest, so running it twice changes nothing. All geometry that a renderer needs is here; `pose.py` is the reference of how it is put together.
"""
from __future__ import annotations

import argparse
import json
from pathlib import Path

import numpy as np

from twin.errors import Missing, Refused

from . import shapes, topology
from .form import Controls, Form, smooth, vec
from .topology import FACE, LEFT, LOWER_LIP, OVAL, POINTS, RIGHT, UPPER_LIP
from .triangulate import areas, constrained, inside

FALLOFF = (1.0, 0.75, 0.4)      # how far the lips' other rings take part where contact moves the inner one
SLIVER = 0.3                   # triangles thinner than this (twice the area over the longest edge squared) are not worth keeping
STEEP = 1.2                     # the most that a turning head's relief may rise per px across
MOVED = 0.15                    # px at 1024 wide: smaller displacements are not stored


def build(rig: dict, depth: np.ndarray | None = None) -> dict:
    """A complete rig from one with `size` [w, h] and `points` [478][3] px.

    `depth` [h, w] uint8 (255 nearest), where there is one, gives the ring its z. Raises Refused for points that are no face.
    """
    points = np.array(rig["points"], float)
    if points.shape != (POINTS, 3) or not np.isfinite(points).all():
        raise Refused(f"A rig needs {POINTS} points [x, y, z], this one has {points.shape}.", "Find them with MediaPipe's refined face mesh.")
    unit = float(np.linalg.norm(points[473] - points[468]))
    if unit < 8:
        raise Refused(f"The eyes are {unit:.0f} px apart.", "Use a picture in which the face is larger.")
    width, height = rig["size"]
    points = np.round(_mended(points), 1)
    places, follow = _ring(points, width, height, rig.get("shoulder_y", height))
    rest = closed(points)
    triangles = _triangles(np.concatenate([_opened(points + rest), places]))
    ring = _deep(np.concatenate([points, places]), unit, depth)
    everything = np.concatenate([points + rest, ring])
    form = Form.of(everything, triangles)
    relief = _relief(everything, triangles)
    tiny = MOVED * max(1.0, width / 1024)
    rest[:, 2] = 0                                    # relief has it
    lamp = [float(v) for v in rig.get("light", (-0.3, -0.5, -0.8))]
    if lamp[2] > 0:                                   # given as y up, z towards the viewer: here y runs down and near is negative
        lamp = [lamp[0], -lamp[1], -lamp[2]]
    made = {name: _sparse(field, tiny) for name, field in shapes.basis(form).items()}
    return rig | {
        "version": 1, "light": [round(v, 4) for v in lamp], "points": _rounded(points), "ring": _rounded(ring),
        "ring_follow": [round(float(f), 3) for f in follow],
        "ring_breath": [round(float(f), 3) for f in _breath(ring, follow, points[152, 1], width, height)],
        "triangles": triangles.tolist(), "rest": _sparse(np.concatenate([rest, np.zeros_like(ring)]), 0.05, 2), "shapes": made,
        "contact": {"lips": [[row[k] for rows in (UPPER_LIP, LOWER_LIP) for row in rows[:0:-1]] for k in range(1, 10)], "falloff": list(FALLOFF),
                    "lids": [[side.upper[k], side.above[k], side.lower[k]] for side in (RIGHT, LEFT) for k in range(1, 8)],
                    "down": [round(float(v), 4) for v in form.axes[1, :2] / np.hypot(*form.axes[1, :2])]},
        "relief": [round(float(v), 1) for v in relief], "head": _head(everything, unit),
        "mouth": _mouth(everything, relief, form), "eyes": [_eye(everything, side) for side in (RIGHT, LEFT)],
    }


def _ring(points: np.ndarray, width: float, height: float, shoulder: float) -> tuple[np.ndarray, np.ndarray]:
    """Points [n, 3] (z still 0) around the face up to the picture's border, and how much of the head's motion each takes [n]."""
    oval = points[list(OVAL), :2]
    middle = (oval.min(0) + oval.max(0)) / 2
    span = oval.max(0) - oval.min(0)
    step = span[0] * 0.28
    kept: list[np.ndarray] = [np.array([x, y]) for x in np.linspace(0, width, max(3, round(width / step)) + 1) for y in (0.0, height)]
    kept += [np.array([x, y]) for y in np.linspace(0, height, max(3, round(height / step)) + 1)[1:-1] for x in (0.0, width)]
    border = len(kept)
    for scale, every in ((1.16, 1), (1.36, 2), (1.62, 2), (1.95, 2)):
        for p in (middle + (oval - middle) * scale)[::every]:
            near = min(np.hypot(*(p - k)) for k in kept)
            if near > 0.45 * step * min(1.0, (scale - 1) * 2.2) and 0 < p[0] < width and 0 < p[1] < height:
                kept.append(p)
    for y in np.arange(step / 2, height, step):
        for x in np.arange(step / 2, width, step):
            p = np.array([x, y])
            if np.hypot(*((p - middle) / (span * 0.98))) > 1 and min(np.hypot(*(p - k)) for k in kept) > 0.62 * step:
                kept.append(p)
    ring = np.array(kept)
    chin = points[152, 1]
    below = smooth(chin + 0.02 * span[1], max(shoulder, chin + 0.25 * span[1]) + 0.10 * span[1], ring[:, 1])
    aside = smooth(0.85, 1.55, np.abs(ring[:, 0] - middle[0]) / span[0]) * smooth(chin - 0.6 * span[1], chin, ring[:, 1])
    follow = (1 - below) * (1 - 0.8 * aside)
    follow[:border] = 0
    edge = np.minimum.reduce([ring[:, 0], width - ring[:, 0], ring[:, 1]]) / step
    return np.concatenate([ring, np.zeros((len(ring), 1))], 1), follow * smooth(0, 2.6, edge)


def _breath(ring: np.ndarray, follow: np.ndarray, chin: float, width: float, height: float) -> np.ndarray:
    """How much of a breath's rise each ring point takes [n]: the chest most, the head a third, the border nothing."""
    chest = smooth(chin, chin + 0.6 * (height - chin), ring[:, 1]) * (1 - follow)
    aside = smooth(0, 0.2 * width, np.minimum(ring[:, 0], width - ring[:, 0]))
    return (0.35 * follow + chest * aside) * (1 - smooth(0.85 * height, height, ring[:, 1]))


def _mended(points: np.ndarray) -> np.ndarray:
    """The landmarks with the two middle rings of the lips on the straight line from the outer ring to the inner one, where finders are vague,
    and room beside the eyes."""
    out = points.copy()
    for rows in (UPPER_LIP, LOWER_LIP):
        for k in range(11):
            outer, inner = out[rows[0][k]], out[rows[3][k]]
            way = inner - outer
            length = max(float(way[:2] @ way[:2]), 1e-6)
            for ring in (1, 2):
                i = rows[ring][k]
                t = np.clip((out[i] - outer)[:2] @ way[:2] / length, (ring - 0.6) / 3, (ring + 0.5) / 3)
                if np.hypot(*(outer + t * way - out[i])[:2]) > 0.15 or abs((outer + t * way - out[i])[2]) > np.sqrt(length):
                    out[i] = outer + t * way
    least = 0.018 * np.linalg.norm(points[473] - points[468])
    for side in (RIGHT, LEFT):                                    # on the far side of a turned head the skin beside the eye's corner is a hair's breadth wide
        corner, beside = side.upper[0], side.above[0]
        out_ = points[corner, :2] - points[side.upper[-1], :2]
        out_ /= max(float(np.hypot(*out_)), 1e-6)
        lacking = least - float((out[beside, :2] - out[corner, :2]) @ out_)
        if lacking > 0.05:
            out[beside, :2] += lacking * out_
    return out


def closed(points: np.ndarray) -> np.ndarray:
    """Displacements [478, 3] that close the lips of a face that was pictured with them apart (or a hair's breadth apart)."""
    form = Form.of(points, topology.face_triangles())
    controls: Controls = {}
    for k in range(11):
        gap = form.places[LOWER_LIP[3][k]] - form.places[UPPER_LIP[3][k]]
        for rows, part in ((UPPER_LIP, 0.45), (LOWER_LIP, -0.55)):
            for ring, share in enumerate((0.6, 0.75, 0.9, 1.0)):
                controls[rows[ring][k]] = gap * part * share / form.unit
    chin = -0.3 * (form.places[14] - form.places[13]) * [0, 1, 0] / form.unit
    controls |= dict.fromkeys(topology.CHIN_TIP, chin) | {i: vec() for i in topology.NOSE}
    return form.spread(controls, 0.6) @ form.axes


def _opened(points: np.ndarray) -> np.ndarray:
    """The face [478, 3] with its jaw a little open, as closed lips lie on each other; points in line are put out of it by a hair's breadth."""
    jitter = np.random.default_rng(0).normal(0, 0.15, points.shape)
    return points + 0.3 * shapes.Basis(Form.of(points, topology.face_triangles())).jaw + jitter


def _triangles(points: np.ndarray) -> np.ndarray:
    """int [n, 3] over landmarks and ring, MediaPipe's own mesh wherever its triangles are sound, without eyes and mouth."""
    used = np.r_[0:FACE, POINTS:len(points)]
    place = {int(i): k for k, i in enumerate(used)}
    flat = points[used, :2]
    loops = [_loop(RIGHT.upper, RIGHT.lower), _loop(LEFT.upper, LEFT.lower), _loop(UPPER_LIP[3], LOWER_LIP[3])]
    rows = [*UPPER_LIP, *LOWER_LIP, (*OVAL, OVAL[0])] + [row for side in (RIGHT, LEFT) for row in (side.above, side.below, side.fold)]
    wanted = [pair for loop in loops for pair in zip(loop, loop[1:] + loop[:1])] + [pair for row in rows for pair in zip(row, row[1:])]
    own = topology.face_triangles()
    longest = np.max([((points[own[:, a], :2] - points[own[:, b], :2]) ** 2).sum(1) for a, b in ((0, 1), (1, 2), (0, 2))], 0)
    sound = own[areas(points, own) > SLIVER * longest]
    edges = {tuple(sorted(pair)) for t in sound.tolist() for pair in zip(t, t[1:] + t[:1])}
    wanted += sorted(edges, key=lambda e: float(np.hypot(*(points[e[0], :2] - points[e[1], :2]))))
    made = used[constrained(flat, [(place[a], place[b]) for a, b in wanted])]
    centre = points[made, :2].mean(1)
    hole = np.zeros(len(made), bool)
    for loop in loops:
        hole |= inside(points[loop, :2], centre)
    return made[~hole]


def _loop(upper: tuple[int, ...], lower: tuple[int, ...]) -> list[int]:
    return [*upper, *lower[-2:0:-1]]


def _deep(flat: np.ndarray, unit: float, depth: np.ndarray | None) -> np.ndarray:
    """The ring with its z: from the depth picture, fitted to the landmarks' z, or from how far a point lies outside the face."""
    face, ring = flat[:FACE], flat[POINTS:].copy()
    back = face[list(OVAL), 2].max()
    if depth is not None:
        def look(p: np.ndarray) -> np.ndarray:
            h, w = depth.shape
            return depth[np.clip(p[:, 1].astype(int), 0, h - 1), np.clip(p[:, 0].astype(int), 0, w - 1)].astype(float)
        slope, base = np.polyfit(look(face), face[:, 2], 1)
        if slope < 0:
            ring[:, 2] = np.clip(slope * look(ring) + base, face[:, 2].min(), back + 0.5 * unit)
            return ring
    oval = face[list(OVAL)]
    gap = np.linalg.norm(ring[:, None, :2] - oval[None, :, :2], axis=2)
    near = gap.argmin(1)
    blend = smooth(0, 1.2 * unit, gap.min(1))
    ring[:, 2] = oval[near, 2] * (1 - blend) + (back + 0.1 * unit) * blend
    return ring


def _head(points: np.ndarray, unit: float) -> dict:
    """What the head turns about, and the distance of the eye that sees it (px)."""
    oval = points[list(OVAL)]
    across = oval[:, 0].max() - oval[:, 0].min()
    pivot = [(oval[:, 0].max() + oval[:, 0].min()) / 2, (points[13, 1] + points[152, 1]) / 2, points[6, 2] + 0.5 * across]
    return {"pivot": [round(float(v), 1) for v in pivot], "distance": round(9.0 * across, 1), "unit": round(unit, 2)}


def _relief(points: np.ndarray, triangles: np.ndarray) -> np.ndarray:
    """The z [n] that a turning head is given: flatter than life, levelling off behind the face, nowhere steep. A picture has no sides to show."""
    oval = points[list(OVAL), 0]
    far = 0.2 * (oval.max() - oval.min())
    z = 0.85 * np.where(points[:, 2] < 0, points[:, 2], far * (1 - np.exp(-np.maximum(points[:, 2], 0) / far)))
    edges = np.unique(np.sort(np.concatenate([triangles[:, [0, 1]], triangles[:, [1, 2]], triangles[:, [0, 2]]]), 1), axis=0)
    length = np.linalg.norm(points[edges[:, 0], :2] - points[edges[:, 1], :2], axis=1)
    for _ in range(200):
        excess = np.abs(z[edges[:, 0]] - z[edges[:, 1]]) - STEEP * length
        steep = excess > 0.05
        if not steep.any():
            break
        a, b = edges[steep].T
        behind = np.where(z[a] > z[b], a, b)
        np.subtract.at(z, behind, 0.5 * excess[steep] / np.bincount(behind, minlength=len(z))[behind])
    return z


def _mouth(points: np.ndarray, relief: np.ndarray, form: Form) -> dict:
    """Where teeth and tongue hang, in px: `place` is where the lips meet, `jaw` how far the lower teeth go at jawOpen = 1."""
    place = np.r_[points[[13, 14], :2].mean(0), relief[[13, 14]].mean() + 0.10 * form.unit]
    jaw = shapes.JAW * form.unit * (0.9 * form.axes[1] + 0.15 * form.axes[2])
    return {"place": [round(float(v), 1) for v in place], "width": round(float(np.linalg.norm(points[291] - points[61])), 1),
            "right": [round(float(v), 4) for v in form.axes[0]], "down": [round(float(v), 4) for v in form.axes[1]],
            "jaw": [round(float(v), 1) for v in jaw], "upper": list(UPPER_LIP[3]), "lower": list(LOWER_LIP[3])}


def _eye(points: np.ndarray, side: topology.Side) -> dict:
    """An eye's contours as indices, and its width in px."""
    return {"upper": list(side.upper), "lower": list(side.lower), "above": list(side.above), "iris": side.iris, "side": side.sign,
            "width": round(float(np.linalg.norm(points[side.upper[0]] - points[side.upper[-1]])), 1)}


def _sparse(field: np.ndarray, tiny: float, digits: int = 1) -> dict:
    index = np.flatnonzero(np.abs(field).max(1) >= tiny)
    return {"i": index.tolist(), "d": _rounded(field[index], digits)}


def _rounded(values: np.ndarray, digits: int = 1) -> list:
    return [[int(v) if v == int(v) else float(v) for v in row] for row in np.round(values, digits)]


def load(folder: Path) -> dict:
    """The rig of a face folder. Raises Missing."""
    path = Path(folder) / "rig.json"
    if not path.is_file():
        raise Missing(f"There is no rig in {folder}.", "Give the face/ folder of a twin.")
    return json.loads(path.read_text())


def save(folder: Path, rig: dict) -> None:
    """Writes rig.json, compact."""
    (Path(folder) / "rig.json").write_text(json.dumps(rig, separators=(",", ":"), ensure_ascii=False) + "\n")


def rebuild(folder: Path) -> dict:
    """Builds the rig of a face folder anew, in place."""
    depth = None
    if (Path(folder) / "depth.webp").is_file():
        from PIL import Image
        depth = np.array(Image.open(Path(folder) / "depth.webp").convert("L"))
    rig = build(load(folder), depth)
    save(folder, rig)
    return rig


def main() -> None:
    parser = argparse.ArgumentParser(description="Rebuilds rig.json of face folders.")
    parser.add_argument("folders", nargs="+", type=Path)
    for folder in parser.parse_args().folders:
        rig = rebuild(folder)
        print(f"{folder}: {len(rig['ring'])} ring points, {len(rig['triangles'])} triangles, {(folder / 'rig.json').stat().st_size // 1024} kB")


if __name__ == "__main__":
    main()
