"""Derives assets/weights/head.npz from MakeHuman's base mesh and targets (run once; the product only reads the result).

    python -m twin.paint.derive FOLDER_OF_MAKEHUMAN_CC0

FOLDER holds base.obj, targets/ and expression_units/ as published in the makehuman repository (data/3dobjs and data/targets), which their
holders (Data Collection AB, Joel Palmius, Jonas Hauquier) released as CC0 in September 2020. What is derived from them here is CC0 too.
The body's quads above the waist are kept, the eyeballs beside them, and each target's displacements on those points as 16-bit numbers
(1/10000 dm). Units are decimetres, y up, the face looks along +z.
"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

import numpy as np

LOWEST = 3.9  # dm: the mesh is cut here, well under the picture's edge
WIDEST = 3.3  # dm: arms are cut here
SCALE = 10000.0


def read_base(path: Path) -> tuple[np.ndarray, dict[str, np.ndarray]]:
    """Points [n, 3] and quads of each group [f, 4] of an OBJ file."""
    points: list[list[float]] = []
    groups: dict[str, list[list[int]]] = {}
    name = ""
    for line in path.read_text().splitlines():
        kind, *rest = line.split() or [""]
        if kind == "v":
            points.append([float(x) for x in rest[:3]])
        elif kind == "g":
            name = rest[0]
        elif kind == "f":
            groups.setdefault(name, []).append([int(item.split("/")[0]) - 1 for item in rest])
    return np.array(points), {key: np.array(value) for key, value in groups.items()}


def read_target(path: Path, count: int) -> np.ndarray:
    """Displacements [count, 3] of one target file (lines `point dx dy dz`)."""
    out = np.zeros((count, 3))
    for line in path.read_text().splitlines():
        if line and not line.startswith("#"):
            index, *delta = line.split()
            out[int(index)] = [float(x) for x in delta]
    return out


def derive(folder: Path) -> dict[str, np.ndarray]:
    """Everything head.npz holds but the landmarks."""
    points, groups = read_base(folder / "base.obj")
    body = groups["body"]
    middle = points[body].mean(1)
    body = body[(middle[:, 1] > LOWEST) & (np.abs(middle[:, 0]) < WIDEST)]
    eyes = np.concatenate([groups["helper-r-eye"], groups["helper-l-eye"]])
    used = np.unique(np.concatenate([body.ravel(), eyes.ravel()]))
    renumber = np.full(len(points), -1)
    renumber[used] = np.arange(len(used))
    out = {"points": points[used].astype(np.float32), "body": renumber[body].astype(np.uint16), "eyes": renumber[eyes].astype(np.uint16)}
    names, starts, index, delta = [], [0], [], []
    for path in sorted([*(folder / "targets").rglob("*.target"), *(folder / "expression_units").glob("*.target")]):
        if path.stem.endswith("child"):
            continue
        moved = np.round(read_target(path, len(points))[used] * SCALE).astype(np.int16)
        at = np.flatnonzero(moved.any(1))
        if len(at):
            names.append(path.stem)
            index.append(at.astype(np.uint16))
            delta.append(moved[at])
            starts.append(starts[-1] + len(at))
    out |= {"names": np.array(names), "starts": np.array(starts, np.int32), "index": np.concatenate(index), "delta": np.concatenate(delta)}
    return out


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("-o", "--out", type=Path, default=Path(__file__).parents[2] / "assets/weights/head.npz")
    chosen = parser.parse_args()
    made: dict[str, Any] = derive(chosen.folder)
    if chosen.out.exists():
        with np.load(chosen.out) as old:
            made |= {key: old[key] for key in ("landmark_points", "landmark_weights") if key in old}
    np.savez_compressed(chosen.out, **made)
    print(f"{chosen.out}: {chosen.out.stat().st_size / 1000:.0f} kB, {len(made['points'])} points, {len(made['names'])} targets")


if __name__ == "__main__":
    main()
