"""Ships trained models of faces: `python docs/cards.py FAMILY MODEL --run RUN [--bench FIGURES.json] [--command "..."]`

Into assets/weights/faces/FAMILY go the weights of the folder MODEL, the log of RUN (thinned), sheets (64 samples, and some beside what is nearest to them in
the set), the figures of `python -m bench faces --json FIGURES.json`, and a card that is written from all of these, so that nobody types a figure. RUN may be
several folders of one training, oldest first. Without MODEL only the figures and the card are made anew.
"""
from __future__ import annotations

import argparse
import csv
import json
import shutil
import sys
from pathlib import Path
from typing import Any

from PIL import Image

HERE = Path(__file__).parent
ROOT = HERE.parent
sys.path.insert(0, str(ROOT))

WEIGHTS = ROOT / "assets" / "weights" / "faces"
ROWS = 300                                               # of a log that ships
SEEN = 20_000                                            # seed of the first face of a sheet
FILES = ("config.json", "model.safetensors")
ABOUT = {
    "vae": ("Variational autoencoder", "Says a painted portrait of 128 px in 2,048 numbers and paints it again from them; a Gaussian fitted to those numbers "
            "draws faces that never were. It is also the space that the diffusion model beside it paints in."),
    "gan": ("GAN", "R3GAN's generator: a point of noise and the attributes of a face become a portrait of 128 px, in one step."),
    "diffusion": ("Latent diffusion with a Transformer denoiser", "From noise to the latent of a portrait of 128 px in a few steps, led by attributes and "
                  "by an English sentence. The autoencoder beside it turns latents into pictures."),
    "enlarge": ("Enlarger", "Makes the faces of the models beside it four times larger, with the strands and edges that such faces have."),
    "encoder": ("Encoder", "Reads the attributes of a portrait, and how it was damaged. Its features judge the models beside it: they were learned from "
                "portraits of other seeds than anybody else here has seen. Nothing in the app needs it."),
}
SENTENCES = {
    "fd_ratio": "Fréchet distance of samples to held-out portraits, over that of other held-out portraits to them; 1 is perfect",
    "fd_own": "that distance, in features of our own encoder (so it is no FID)", "fd_own_real": "... of held-out portraits to others",
    "kd_own": "kernel distance in the same features; 0 is perfect", "kd_own_sd": "... its deviation over subsets",
    "precision": "share of samples among the real ones; real against real has about as much as recall", "recall": "share of real ones among the samples",
    "density": "how densely real ones lie about the samples; 1 is perfect", "coverage": "share of real ones with a sample nearby; 1 is perfect",
    "diversity": "how far samples are from each other, over how far real ones are; 1 is perfect",
    "copies": "samples nearer to a picture it learned from than the two closest of those are to each other",
    "copies_real": "... the same of as many real held-out portraits, by chance alone",
    "nearest_share": "distance of the nearest sample to what it learned from, over that of the two closest there",
    "attribute_accuracy": "share of up to three wished attributes that the encoder reads from the picture",
    "attribute_accuracy_illustrated": "... of the illustrated painter's",
    "rig_rate": "share of faces that become a moving face", "four_faces_s": "s to read the weights and paint four faces, two CPU cores",
    "ms_each": "ms a picture on that machine",
}


def thinned(folders: list[Path], out: Path) -> dict[str, float]:
    """The logs of a training's folders as one of at most ROWS rows, each the mean of what it stands for. Returns the last row's numbers."""
    rows: list[dict[str, float]] = []
    before = {"step": 0.0, "seconds": 0.0, "pictures": 0.0}
    for folder in folders:
        with (folder / "log.csv").open(encoding="utf-8", newline="") as file:
            new = [{name: float(value) for name, value in row.items() if value} for row in csv.DictReader(file)]
        rows += [{**row, **{name: row.get(name, 0.0) + value for name, value in before.items()}} for row in new]
        before = {name: rows[-1][name] for name in before}
    names = list(dict.fromkeys(name for row in rows for name in row))
    step = max(1, -(-len(rows) // ROWS))
    with out.open("w", encoding="utf-8", newline="") as file:
        table = csv.DictWriter(file, names)
        table.writeheader()
        for at in range(0, len(rows), step):
            part = rows[at:at + step]
            table.writerow({name: part[-1].get(name) if name in before else f"{sum(found) / len(found):.5g}" for name in names
                            if (found := [row[name] for row in part if name in row])})
    return rows[-1]


def sheet(family: str, folder: Path) -> Image.Image | None:
    """64 faces of seeds that nobody chose."""
    import importlib

    from twin.train.ground import grid
    kinds = {"vae": "Vae", "gan": "Gan", "diffusion": "Diffusion"}
    if family not in kinds:
        return None
    import torch

    from twin.paint.attributes import invent, vector
    model = getattr(importlib.import_module(f"twin.paint.{family}"), kinds[family]).from_pretrained(folder)
    looks = torch.stack([torch.from_numpy(vector(invent(SEEN + k))) for k in range(64)])
    return grid(torch.cat([model.sample(8, SEEN + at, attributes=looks[at:at + 8]) for at in range(0, 64, 8)]), 8)


def beside(family: str, folder: Path, faces: Path, out: Path) -> None:
    """Some samples, each with what is nearest to it in the set."""
    import tempfile

    from twin.train import judge
    from twin.train.data import open_set
    from twin.train.ground import nearest
    model = judge.loaded(family, folder)
    with tempfile.TemporaryDirectory() as place:
        drawn = model.sample(32, SEEN)
        nearest(drawn, open_set(faces).portraits("train", drawn.shape[-1]), Path(place) / "nearest.png")
        Image.open(Path(place) / "nearest.png").convert("RGB").save(out, quality=80, method=6)


def figures(family: str, measured: dict[str, Any]) -> dict[str, float]:
    """What a bench's figures say of a family."""
    own = {key.removesuffix(f"_{family}"): value for key, value in measured.items() if key.endswith(f"_{family}")}
    if own:
        own |= {key: measured[key] for key in ("copies_real",) if key in measured}
    if family == "diffusion":
        own |= {key: measured[key] for key in ("attribute_accuracy", "attribute_accuracy_illustrated", "rig_rate", "four_faces_s") if key in measured}
    return {key: own[key] for key in SENTENCES if isinstance(own.get(key), (int, float))}


def card(family: str, about: dict[str, Any], measured: dict[str, float]) -> str:
    title, what = ABOUT[family]
    size = (WEIGHTS / family / "model.safetensors").stat().st_size / 1e6
    lines = ["---", "license: cc0-1.0", "---", f"# {title}", "", what, "",
             "Learned from what [the illustrated painter](../../../../twin/paint/quick.py) paints: nobody's face. Like that, the weights are free (CC0).",
             "",
             f"- **Weights**: {size:.1f} MB, 16 bits, safetensors", f"- **Trained**: {about['trained']}"]
    lines += ["", "```sh", *about["commands"], "```"]
    if measured:
        lines += ["", f"`python -m bench faces` ({about['bench']}):", "", "| figure | | |", "|---|---|---|"]
        lines += [f"| `{key}` | {value:.4g} | {SENTENCES[key]} |" for key, value in measured.items()]
    for note in about.get("notes", ()):
        lines += ["", note]
    return "\n".join(lines) + "\n"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("family", choices=tuple(ABOUT))
    parser.add_argument("model", type=Path, nargs="?")
    parser.add_argument("--run", type=Path, nargs="*", default=[])
    parser.add_argument("--bench", type=Path)
    parser.add_argument("--set", type=Path, help="what it learned from, where RUN holds no sheet of what is nearest")
    parser.add_argument("--command", action="append", default=[], help="as it was typed, SET and folders by other names")
    parser.add_argument("--on", default="one core of a shared CPU", help="the machine")
    parser.add_argument("--trained", help="how, where there is no log")
    parser.add_argument("--note", action="append", default=[])
    options = parser.parse_args()
    folder = WEIGHTS / options.family
    folder.mkdir(parents=True, exist_ok=True)
    if options.model and options.model.resolve() != folder.resolve():
        for name in FILES:
            shutil.copyfile(options.model / name, folder / name)
            (folder / name).chmod(0o644)
    made = json.loads((folder / "about.json").read_text("utf-8")) if (folder / "about.json").is_file() else {}
    if options.run:
        last = thinned(options.run, folder / "log.csv")
        seen = f"{last['pictures']:,.0f} pictures seen in {last['seconds'] / 3600:.1f} h of {options.on}" if "pictures" in last else options.on
        made |= {"trained": seen, "title": ABOUT[options.family][0], "family": options.family}
        if (options.run[-1] / "nearest.png").is_file():
            Image.open(options.run[-1] / "nearest.png").convert("RGB").save(folder / "nearest.webp", quality=80, method=6)
    made |= {key: value for key, value in (("trained", options.trained), ("commands", options.command), ("notes", options.note)) if value}
    if options.model and (drawn := sheet(options.family, folder)):
        drawn.save(folder / "samples.webp", quality=82, method=6)
    if options.set and options.family in ("vae", "gan", "diffusion"):
        beside(options.family, folder, options.set, folder / "nearest.webp")
    measured = json.loads((folder / "figures.json").read_text("utf-8")) if (folder / "figures.json").is_file() else {}
    if options.bench:
        told = json.loads(options.bench.read_text("utf-8"))
        told = told.get("figures", told)
        measured = figures(options.family, told)
        made["bench"] = f"{told.get('samples')} samples, {told.get('draws')} draws"
        (folder / "figures.json").write_text(json.dumps(measured, indent=1) + "\n", encoding="utf-8")
    (folder / "about.json").write_text(json.dumps(made, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    (folder / "README.md").write_text(card(options.family, {"trained": "", "commands": [], "bench": "", **made}, measured), encoding="utf-8")
    print("  ".join(f"{path.name} {path.stat().st_size // 1000} kB" for path in sorted(folder.iterdir())))


if __name__ == "__main__":
    main()
