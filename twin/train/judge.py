"""How good a trained model of faces is: `python -m twin.train.judge MODEL SET [--samples 1000]` writes figures.json into the folder MODEL.

Real are the pictures that SET holds back from learning. Distances are in features of our own encoder (encoder.py), so they are `fd_own` and `kd_own`, never
FID, and beside each stands what other real pictures score, which is what perfect would be. The formulas: measure.py. `bench faces` judges all that ship.
"""
from __future__ import annotations

import argparse
import importlib
import inspect
import json
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from twin.errors import Missing
from twin.paint.engines import FAMILIES, WEIGHTS, family_of

from . import measure
from .data import FaceSet, open_set
from .encoder import Encoder, rows_of
from .ground import clock, done

SAMPLED = 30_000_000                                     # first seed of samples' looks
SAMPLES, LEAST = 1000, 32                                # of a judgement; real pictures below which there is none
KINDS = {"vae": "Vae", "gan": "Gan", "diffusion": "Diffusion"}


def loaded(family: str, folder: Path) -> Any:
    """Raises Missing, Refused."""
    return getattr(importlib.import_module(f"twin.paint.{family}"), KINDS[family]).from_pretrained(folder)


# real ones ----------------------------------------------------------------------------------------------------------------------------

class Held:
    """Held-out pictures and their features, 2 `count` of them or as many as there are. `draw(k)`: two disjoint sets of `count` of them, as rows; `project`:
    features as they are, or fewer of them."""

    def __init__(self, folder: Path, encoder: Encoder, count: int):
        faces = open_set(folder)
        _seeds_apart(folder, encoder)
        portraits = faces.portraits("held", min(encoder.px, faces.about.size))
        self.pictures, self.folder, self.faces, self.files = portraits.pixels, folder, faces, portraits.files
        self.count = min(count, len(self.pictures) // 2)
        if self.count < count:
            print(f"{folder} holds {len(self.pictures)} pictures back, so the figures are of {self.count} samples, not of {count}.", flush=True)
        self.pictures = self.pictures[:max(2 * self.count, 2)]
        self.features = encoder.features(self.pictures)
        self.width = self.features.shape[1]
        self._basis = None
        if self.count <= self.width:                     # a covariance of so few has no inverse: the first components alone
            self.width = max(1, self.count // 8)
            self._basis = measure.projected(self.features, self.width)

    def project(self, features: np.ndarray) -> np.ndarray:
        return features if self._basis is None else features @ self._basis

    def draw(self, number: int) -> tuple[np.ndarray, np.ndarray]:
        rows = np.random.default_rng([number, 1]).permutation(len(self.pictures))
        return rows[:self.count], rows[self.count:2 * self.count]


def _seeds_apart(folder: Path, encoder: Encoder) -> None:
    learned = encoder.about.get("seeds")
    shared = sum(learned[0] <= row["seed"] <= learned[1] for row in rows_of(folder).values() if row.get("seed") is not None) if learned else 0
    if shared:
        print(f"Seeds of {shared} pictures of {folder} lie between those that the encoder learned from: its distances may flatter.", flush=True)


# samples ------------------------------------------------------------------------------------------------------------------------------

def drawn(model: Any, count: int, seed: int, looks: list[dict] | None = None) -> Iterator[np.ndarray]:
    """uint8 [n, 3, px, px] by and by. `looks`: what each shall look like; else what anybody may."""
    import torch

    from twin.paint.attributes import WIDTH, invent, vector
    known = getattr(model, "statistics", None)           # of a VAE; its directions
    width = len(known.centre) if known is not None else getattr(getattr(model, "size", None), "attributes", WIDTH)
    told = width == WIDTH and "attributes" in inspect.signature(model.sample).parameters
    for at in range(0, count, 32):
        number = min(32, count - at)
        if told:
            some = looks[at:at + number] if looks else [invent(SAMPLED + seed + at + k) for k in range(number)]
            yield model.sample(number, seed + at, attributes=torch.from_numpy(np.stack([vector(look) for look in some]))).numpy()
        else:
            yield model.sample(number, seed + at).numpy()


def judged(sample: Callable[[int, int], Iterator[np.ndarray]], held: Held, encoder: Encoder, learned: Learned | None, draws: int,
           sheet: Path | None = None) -> dict[str, float]:
    """A family's figures, each the mean over the draws; copies are of all draws together."""
    rows: list[dict[str, float]] = []
    for number in range(draws):
        began, parts, smalls, kept = time.perf_counter(), [], [], []
        for pictures in sample(held.count, 1 + number * held.count):
            parts.append(encoder.features(pictures))
            if learned:
                smalls += [measure.small(pictures), measure.small(pictures[..., ::-1].copy())]
                kept.append(pictures)
        took = time.perf_counter() - began
        whole = np.concatenate(parts)
        one, two = held.draw(number)
        made, real, other = (held.project(part) for part in (whole, held.features[one], held.features[two]))
        base, distance = measure.fd(other, real), measure.fd(made, real)
        kernel, spread = measure.kernel_distance(made, real)
        precision, recall = measure.precision_recall(real, made)
        density, coverage = measure.density_coverage(real, made)
        row = {"fd_ratio": distance / max(base, 1e-12), "fd_own": distance, "fd_own_real": base, "kd_own": kernel, "kd_own_sd": spread, "precision": precision,
               "recall": recall, "density": density, "coverage": coverage, "diversity": measure.diversity(real, made), "ms_each": 1000 * took / held.count}
        if learned:
            row |= learned.copies(whole, smalls, kept, sheet and sheet / f"draw{number}")
        rows.append(row)
    over: dict[str, Callable[[list[float]], Any]] = {"copies": sum, "copies_features": sum, "copies_pixels": sum, "nearest_share": min}
    return {key: float(over.get(key, np.mean)([row[key] for row in rows])) for key in rows[0]}


# copies -------------------------------------------------------------------------------------------------------------------------------

class Learned:
    """What the families learned from, as features and as small pixels."""

    def __init__(self, pictures: np.ndarray, encoder: Encoder):
        self.pictures, self.features, self.small = pictures, encoder.features(pictures), measure.small(pictures)

    @classmethod
    def of(cls, faces: FaceSet, encoder: Encoder) -> Learned | None:
        """The training part of a set; None where there is none."""
        if not faces.files["train"]:
            return None
        return cls(faces.portraits("train", min(encoder.px, faces.about.size)).pixels, encoder)

    def copies(self, features: np.ndarray, smalls: list[np.ndarray], kept: list[np.ndarray], sheet: Path | None = None) -> dict[str, float]:
        """`copies`: of the samples, those that are near in features or, as they are or mirrored, in pixels. `nearest_share`: the nearest's distance in pixels
        over that of the two closest that were learned from."""
        seen = measure.copies(features, self.features)
        plain, mirrored = (measure.copies(np.concatenate(smalls[k::2]), self.small) for k in (0, 1))
        pixels = np.minimum(plain.nearest, mirrored.nearest)
        found = (seen.nearest < seen.pair) | (pixels < plain.pair)
        if sheet and found.any():
            _sheet(sheet, kept, self.pictures, np.flatnonzero(found), np.where(plain.nearest < mirrored.nearest, plain.index, mirrored.index), seen.index)
        return {"copies": int(found.sum()), "copies_features": seen.count, "copies_pixels": int((pixels < plain.pair).sum()),
                "nearest_share": float(pixels.min() / plain.pair)}

    def control(self, held: Held) -> dict[str, float]:
        """The same of real held-out pictures, of which none is a copy."""
        part = held.pictures[:held.count]
        row = self.copies(held.features[:held.count], [measure.small(part), measure.small(part[..., ::-1].copy())], [part])
        return {f"{key}_real": value for key, value in row.items()}


def _sheet(folder: Path, kept: list[np.ndarray], learned: np.ndarray, rows: np.ndarray, *indices: np.ndarray) -> None:
    import cv2
    folder.mkdir(parents=True, exist_ok=True)
    made = np.concatenate(kept)
    for row in rows[:50]:
        strip = [cv2.resize(one.transpose(1, 2, 0), (256, 256)) for one in (made[row], *(learned[index[row]] for index in indices))]
        cv2.imwrite(str(folder / f"{row}.png"), np.concatenate(strip, 1)[..., ::-1])


# the command line ----------------------------------------------------------------------------------------------------------------------

def judge(model: Path, faces: Path, encoder: Encoder, samples: int = SAMPLES) -> dict[str, float]:
    """The figures of the model in a folder beside those of what it learned from. Raises Missing, Refused."""
    family = family_of(model)
    if family not in FAMILIES:
        raise Missing(f"There is no model of faces in {model}.", "Name the folder that --export wrote.")
    opened = open_set(faces)
    if len(opened.files["held"]) < LEAST:
        raise Missing(f"{faces} holds {len(opened.files['held'])} pictures back: too few to judge by.",
                      f"{LEAST} are the least, hundreds are good.", code="few")
    held = Held(faces, encoder, samples)
    learned = Learned.of(opened, encoder)
    row = judged(partial(drawn, loaded(family, model)), held, encoder, learned, 1)
    return {"samples": float(held.count), **row, **(learned.control(held) if learned else {})}


def main(given: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m twin.train.judge", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model", type=Path)
    parser.add_argument("set", type=Path)
    parser.add_argument("--samples", type=int, default=SAMPLES)
    parser.add_argument("--encoder", type=Path, default=WEIGHTS / "encoder")
    options = parser.parse_args(given)

    def run() -> None:
        figures = judge(options.model, options.set, Encoder.from_pretrained(options.encoder), max(LEAST, options.samples))
        path = options.model / "figures.json"
        half = path.with_suffix(".half")
        half.write_text(json.dumps({name: float(f"{value:.5g}") for name, value in figures.items()}, indent=1) + "\n", encoding="utf-8")
        half.replace(path)
        clock("  ".join(f"{name} {value:.4g}" for name, value in figures.items()))
    return done(run, clock)


if __name__ == "__main__":
    sys.exit(main())
