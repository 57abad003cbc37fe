"""Faces that never existed: how near each family of generators comes to real ones, whether it paints what was wished, and whether it copies.

Real are held-out pictures of `--set`; without it the illustrated painter renders twice `--samples` of them into the cache folder, from seeds nobody learns
from. `fd_ratio_best`: of all families the least FD(samples, held-out) / FD(other held-out, held-out), in features of our own encoder (twin/train/encoder.py,
which has learned from other seeds), so `fd_own`, not FID; mean of `--draws` draws of samples and of real ones. `kd_own`: the kernel distance beside it, mean
and sd over subsets. `attribute_accuracy`: share of up to three wished attributes that the encoder reads from what diffusion painted (or the best family, where
there is no diffusion), the painter beside it. `rig_rate`: share of those faces in which twin/paint finds a face and builds a rig. `four_faces_s`: weights read
and four faces painted, two cores. `copies`: samples nearer to a picture of the training set than its own two closest are, in features or in small pixels, all
families together; `copies_real` of as many real ones, by chance alone. `--few`: 200 samples and fewer features; its distances are not the others' equals.
"""
from __future__ import annotations

import os
import tempfile
import time
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from twin.train.judge import Held

WEIGHTS = Path(__file__).resolve().parents[1] / "assets" / "weights" / "faces"
FAMILIES = ("vae", "gan", "diffusion")
ASKED = 20_000_000                                       # first seed of wishes; samples' looks have judge.SAMPLED's, held-out pictures painted.HELD_OUT's
FEW, WISHES, RIGGED = 200, 300, 100
PX = 256                                                 # of what the painter paints, as for training sets
WISHED = ("gender", "age", "features", "skin", "hair", "hair colour", "beard", "glasses", "headwear", "make-up", "freckles", "earrings", "eyes", "lips",
          "brows", "smile", "clothes", "clothes colour", "background", "background colour")
BANDS = {"age": (20, 75), "skin": (0.1, 0.9), "smile": (-0.1, 0.9)}                 # "young", "old": what a wish for less or more of a measure means
STRENGTHS = (0.0, 0.125, 0.25, 0.5, 1.0)                 # of the table


def options(parser) -> None:
    parser.add_argument("--set", type=Path, help="data set whose held-out pictures are the real ones")
    parser.add_argument("--train", type=Path, help="data set that the families learned from, for copies; default: the training part of --set")
    parser.add_argument("--encoder", type=Path, default=WEIGHTS / "encoder")
    parser.add_argument("--weights", type=Path, default=WEIGHTS, help="folder of the families' folders")
    parser.add_argument("--samples", type=int, default=5000)
    parser.add_argument("--draws", type=int, default=3)
    parser.add_argument("--few", action="store_true", help=f"a quick look: {FEW} samples, one draw")
    parser.add_argument("--table", action="store_true", help="only how the distance rises as real pictures are harmed or kinds of people left out")
    parser.add_argument("--sheet", type=Path, help="folder for each sample that counts as a copy, beside what it is a copy of")


def families(folder: Path = WEIGHTS) -> dict[str, Path | None]:
    """Each family's folder, or None where it has no weights."""
    return {name: folder / name if (folder / name / "config.json").is_file() else None for name in FAMILIES}


def run(options) -> dict[str, object]:
    from twin.errors import TwinError
    try:
        return _run(options)
    except TwinError as error:
        raise SystemExit(f"{error.message} {error.hint}") from None


def _run(options) -> dict[str, object]:
    from twin.train import judge
    from twin.train.data import open_set
    from twin.train.encoder import Encoder
    encoder = Encoder.from_pretrained(options.encoder)
    count, draws = (FEW, 1) if options.few else (options.samples, options.draws)
    held = judge.Held(options.set or rendered(2 * count), encoder, count)
    figures: dict[str, object] = {"samples": held.count, "features": held.width, "draws": draws}
    if options.table:
        return figures | table(held, encoder)
    learned = judge.Learned.of(open_set(options.train) if options.train else held.faces, encoder)
    if learned is None:
        print("What the families learned from is not there (--train), so nobody knows whether they copy.", flush=True)
    folders = families(options.weights)
    shares: dict[str, float] = {}
    for name, folder in folders.items():
        if folder is None:
            figures[name] = "missing"
            print(f"{name}: no weights in {options.weights / name}", flush=True)
            continue
        row = judge.judged(partial(judge.drawn, judge.loaded(name, folder)), held, encoder, learned, draws, options.sheet and options.sheet / name)
        shares[name] = row["fd_ratio"]
        print(f"{name}: " + "  ".join(f"{key} {value:.4g}" for key, value in row.items()), flush=True)
        figures |= {f"{key}_{name}": value for key, value in row.items()}
    figures |= learned.control(held) if learned else {}
    figures |= wishes(folders, shares, encoder, options.few)
    if shares:
        figures["fd_ratio_best"] = min(shares.values())
        if learned:
            figures["copies"] = sum(int(figures[f"copies_{name}"]) for name in shares)      # type: ignore[call-overload]
    return figures


# real ones ----------------------------------------------------------------------------------------------------------------------------

def rendered(count: int) -> Path:
    """A set of so many held-out pictures by the illustrated painter, in the cache folder; gone on with where it was broken off."""
    from twin.devices import storage
    from twin.train import painted
    folder = storage() / "faces-held"
    painted.make(folder, count, PX, painted.HELD_OUT, os.cpu_count() or 1, held=1.0,
                 tell=lambda done, total: print(f"{done} of {total} held-out pictures rendered", flush=True) if done % 500 == 0 else None)
    return folder


def painted(count: int, seed: int, looks: list[dict]) -> Iterator[np.ndarray]:
    """Pictures by the illustrated painter, uint8 [1, 3, px, px] each, as large as its sets are."""
    from twin.paint.likeness import likeness
    from twin.paint.quick import paint
    from twin.train.painted import OVER
    for k in range(count):
        yield paint(likeness(looks[k], seed + k), PX, OVER).picture.transpose(2, 0, 1)[None]


# wishes and rigs ----------------------------------------------------------------------------------------------------------------------

def wishes(folders: dict[str, Path | None], shares: dict[str, float], encoder, few: bool) -> dict[str, object]:
    """attribute_accuracy, rig_rate and four_faces_s, of whoever answers a wish, with the painter's beside them."""
    from twin.train import judge
    count = 40 if few else WISHES
    asked = [wish(ASKED + k, encoder.heads) for k in range(count)]
    looks = [look for _, look in asked]
    figures: dict[str, object] = {}
    teller = "diffusion" if folders["diffusion"] else min(shares, key=shares.__getitem__, default="")
    for name in (teller, "illustrated"):
        if not name:
            continue
        began = time.perf_counter()
        folder = folders.get(name)
        paint = partial(judge.drawn, judge.loaded(name, folder)) if folder else painted
        list(paint(4, 1, looks=[looks[0]] * 4))
        took = time.perf_counter() - began
        made = list(paint(count, ASKED, looks=looks))
        right = heeded(encoder, made, asked)
        print(f"{name}: " + "  ".join(f"{key} {value:.2f}" for key, value in right.items()), flush=True)
        rate, seconds = rigs([picture for part in made for picture in part][:20 if few else RIGGED])
        end = "" if name == teller else f"_{name}"
        figures |= {f"attribute_accuracy{end}": right["all"], f"rig_rate{end}": rate, f"rig_s{end}": seconds, f"four_faces_s{end}": took}
    return figures


def wish(seed: int, heads: dict) -> tuple[dict[str, Any], dict[str, Any]]:
    """(one to three attributes that a picture can show, a whole look that has them)."""
    from twin.paint.attributes import ATTRIBUTES, Choice, invent
    rng = np.random.default_rng([seed, 21])
    known = [name for name in WISHED if name in heads]
    if not known:
        raise SystemExit("The encoder reads nothing that can be wished for: it has learned from another set.")
    while True:
        asked: dict[str, Any] = {}
        for name in rng.choice(known, min(len(known), int(rng.integers(1, 4))), replace=False).tolist():
            row = ATTRIBUTES[name]
            either = BANDS.get(name) or (list(row.often) if isinstance(row, Choice) else [False, True])
            asked[name] = either[int(rng.integers(len(either)))]
        look = invent(seed, asked)
        if all(look[name] == value and shown(name, look) for name, value in asked.items()):
            return asked, look


def shown(name: str, look: dict[str, Any]) -> bool:
    """Whether this attribute of a look can be seen in its picture."""
    bare = look["headwear"] in ("none", "headband")
    return {"hair": bare, "hair colour": bare and look["hair"] != "bald", "beard": look["gender"] == "man" or look["beard"] == "none",
            "earrings": not str(look["hair"]).startswith("long") and look["headwear"] != "headscarf",
            "background colour": look["background"] in ("plain", "gradient")}.get(name, True)


def heeded(encoder, made: list[np.ndarray], asked: list[tuple[dict[str, Any], dict[str, Any]]]) -> dict[str, float]:
    """Attribute -> share of the wishes for it that the encoder reads from the pictures; "all": of all."""
    from twin.train.encoder import agrees
    read: dict[str, list] = {}
    for part in made:
        for name, values in encoder.attributes(part).items():
            read.setdefault(name, []).extend(values)
    right: dict[str, list[bool]] = {}
    for k, (wanted, _) in enumerate(asked):
        for name, value in wanted.items():
            right.setdefault(name, []).append(agrees(encoder.heads[name], read[name][k], value))
    return {name: float(np.mean(values)) for name, values in sorted(right.items())} | {"all": float(np.mean(sum(right.values(), [])))}


def rigs(pictures: list[np.ndarray]) -> tuple[float, float]:
    """(share of pictures uint8 [3, h, w] that become a face/ folder, s each)."""
    from twin.errors import Refused
    from twin.paint import photo
    photo.warm()
    good, began = 0, time.perf_counter()
    with tempfile.TemporaryDirectory() as folder:
        for pixels in pictures:
            picture = photo.Picture(np.ascontiguousarray(pixels.transpose(1, 2, 0)))
            try:
                found = [face for face in photo.faces(picture) if face.points is not None]
                if found:
                    photo.build(picture, found[0], Path(folder) / "face")
                    good += 1
            except Refused:
                continue
    return good / max(1, len(pictures)), (time.perf_counter() - began) / max(1, len(pictures))


# whether the distance sees what it should -------------------------------------------------------------------------------------------------

def table(held: Held, encoder) -> dict[str, object]:
    """FD(harmed, real) / FD(other real, real) for each damage and strength, and with kinds of people left out; prints it. `monotone`: every row rises."""
    from twin.train import measure
    from twin.train.encoder import DAMAGES, rows_of
    one, two = held.draw(0)
    real = held.project(held.features[one])
    base = measure.fd(held.project(held.features[two]), real)
    rows = rows_of(held.folder)
    looks = [rows[held.files[at]].get("attributes") or {} for at in two]
    figures: dict[str, object] = {}
    risen = []
    print(f"{'':<10}" + "".join(f"{value:>10.3f}" for value in STRENGTHS))
    for kind in (*DAMAGES, "mode drop"):
        line = []
        for strength in STRENGTHS:
            features = held.features[two[left_out(looks, strength)]] if kind == "mode drop" else harmed(held.pictures, two, kind, strength, encoder)
            line.append(measure.fd(held.project(features), real) / base)
        risen.append(all(a < b for a, b in zip(line, line[1:])))
        print(f"{kind:<10}" + "".join(f"{value:>10.2f}" for value in line), flush=True)
        figures |= {f"{kind.replace(' ', '_')}_{strength:g}": value for strength, value in zip(STRENGTHS, line)}
    return figures | {"monotone": int(all(risen))}


def harmed(pictures: np.ndarray, rows: np.ndarray, kind: str, strength: float, encoder) -> np.ndarray:
    """Features of those rows of the pictures, damaged and made bytes again."""
    import torch

    from twin.train.encoder import damaged
    rng, out = torch.Generator().manual_seed(1), []
    for at in range(0, len(rows), 64):
        part = damaged(torch.from_numpy(np.array(pictures[rows[at:at + 64]])).float() / 255, kind, strength, rng)
        out.append(encoder.features((part * 255).round().clamp(0, 255).to(torch.uint8)))
    return np.concatenate(out)


def left_out(looks: list[dict], share: float) -> np.ndarray:
    """Half of the rows, so that it is as many for every share: of those with the commonest value of the first choice (women, say) that share is gone."""
    name = next((name for name, value in looks[0].items() if isinstance(value, str)), "")
    values = [look.get(name) for look in looks]
    most = max(set(values), key=values.count)
    mixed = np.random.default_rng(3).permutation(len(looks))
    gone = [row for row in mixed if values[row] == most]
    return np.setdiff1d(mixed, gone[:round(share * len(gone))], assume_unique=True)[:len(looks) // 2]
