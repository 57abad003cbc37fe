"""The engines of invent.py that have learnt: GAN, VAE and diffusion behind the same recipe.

A recipe's parts are people again, {"look", "seed", "weight"}: the noise of a face is the mixture of its seeds' (scaled so that it stays as long as noise is),
its attributes the mean of its looks'. So "more like this" and the way between two faces mean the same in every engine. Weights lie in
assets/weights/faces/<family>; those of "gan:NAME" were made on this machine, in the folder NAME of made_here().
"""
from __future__ import annotations

import json
import math
import os
import re
from collections.abc import Callable, Iterator, Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np

from twin.devices import storage
from twin.errors import Missing, Refused

from .attributes import WIDTH, Look, invent, vector
from .invent import MOST_PARTS, PREVIEW, Invented, mixture, near, parts_of

WEIGHTS = Path(__file__).parents[2] / "assets/weights/faces"
FAMILIES = ("gan", "vae", "diffusion")
TRUNCATION = {"gan": 0.85, "vae": 0.8, "diffusion": 1.0}  # a little nearer to the middle than what was learnt: fewer odd faces
ARCHITECTURES = {"twin.Gan": "gan", "twin.Vae": "vae", "twin.Diffusion": "diffusion"}
NAME = re.compile(r"[a-z0-9][a-z0-9_-]{0,55}")
Embed = Callable[[list[str]], np.ndarray]


def made_here() -> Path:
    """The folder of the models that were made or brought here, a folder each; TWIN_STUDIO names another place for all that the Studio makes."""
    return Path(os.environ.get("TWIN_STUDIO") or storage() / "studio").expanduser() / "models"


def made() -> list[str]:
    """The engines of those, "FAMILY:NAME" each."""
    try:
        folders = sorted(path for path in made_here().iterdir() if NAME.fullmatch(path.name) and (path / "model.safetensors").is_file())
    except OSError:
        return []
    return [f"{family}:{path.name}" for path in folders if (family := family_of(path)) in FAMILIES]


def family_of(folder: Path) -> str:
    """What a model's config.json says it is, "" where it is none of ours."""
    try:
        return ARCHITECTURES.get(json.loads((folder / "config.json").read_text("utf-8"))["architecture"], "")
    except (OSError, ValueError, KeyError, TypeError):
        return ""


def title_of(name: str) -> str:
    """What a model made here is called by who made it."""
    try:
        return str(json.loads((made_here() / name / "about.json").read_text("utf-8"))["title"])[:60]
    except (OSError, ValueError, KeyError, TypeError):
        return name


class Learned:
    """One family's model. `embed`: sentences -> float32 [n, 384], for the diffusion's words. Raises Missing, Refused when it is first used."""

    def __init__(self, name: str, folder: Path | None = None, embed: Embed | None = None):
        family, _, own = name.partition(":")
        if family not in FAMILIES or own and not NAME.fullmatch(own):
            raise Refused(f"There is no engine called {name!r}.", f"It is one of: {', '.join(FAMILIES)}.")
        self.name, self.family, self.folder, self.embed = name, family, Path(folder or (made_here() / own if own else WEIGHTS / name)), embed

    @property
    def model(self) -> Any:
        return load(self.family, self.folder)

    def faces(self, asked: Look, seed: int, count: int = 4, words: str = "") -> Iterator[Invented]:
        for k in range(count):
            one = (seed * 1009 + k) % 2**31
            yield self._made({"parts": [{"look": invent(one, asked), "seed": one, "weight": 1.0}], **({"words": words[:600]} if words and self.embed else {})})

    def like(self, face: Mapping[str, Any], seed: int, count: int = 4) -> Iterator[Invented]:
        for k in range(count):
            yield self._made({**_words(face), "parts": near(parts_of(face), seed, k)})

    def between(self, one: Mapping[str, Any], other: Mapping[str, Any], part: float) -> Invented:
        return self._made({**_words(one if part < 0.5 else other), "parts": mixture(one, other, part)})

    def portrait(self, face: Mapping[str, Any], size: int = 1024) -> np.ndarray:
        return larger(self._picture(_checked(face)), size)

    def _made(self, recipe: Mapping[str, Any]) -> Invented:
        recipe = _checked(recipe)
        return Invented(self.name, recipe, larger(self._picture(recipe), PREVIEW))

    def _picture(self, recipe: Mapping[str, Any]) -> np.ndarray:
        """uint8 [px, px, 3], as large as the model paints."""
        import torch

        model, parts = self.model, recipe["parts"]
        weights = np.array([part["weight"] for part in parts])
        attributes = torch.from_numpy(np.average([vector(part["look"]) for part in parts], axis=0, weights=weights).astype(np.float32))
        share = torch.from_numpy((weights / math.sqrt((weights**2).sum())).astype(np.float32)) * TRUNCATION[self.family]
        seeds = [part["seed"] for part in parts]
        if self.family == "gan":
            z = (model.z(seeds) * share[:, None]).sum(0, keepdim=True)
            made = model.from_z(z, _width(model.size.attributes, attributes))
        elif self.family == "vae":
            held = model.statistics
            if not len(held.spread):
                raise Refused(f"The autoencoder in {self.folder} has learnt no faces to draw.", "Name a folder that twin.train.vae exported.")
            from .gan import noise

            drawn = (noise(seeds, len(held.spread)) * share[:, None]).sum(0)
            known = _width(len(held.centre), attributes)
            flat = held.mean + (drawn * held.spread) @ held.basis
            if known is not None:
                flat = flat + (known - held.centre) @ held.directions
            made = model.decode(flat.reshape(1, *model.size.shape))
        else:
            start = (model.start(seeds) * share[:, None, None, None]).sum(0, keepdim=True)
            words = recipe.get("words")
            sentence = torch.from_numpy(self.embed([words])[0]) if words and self.embed else None
            asked = model.asked(1, _width(sum(model.size.groups), attributes), sentence=sentence)
            made = next(model.faces(start, asked))[None]
        return made[0].numpy().transpose(1, 2, 0)


def _words(face: Mapping[str, Any]) -> dict[str, str]:
    return {"words": str(face["words"])[:600]} if isinstance(face.get("words"), str) else {}


def _checked(face: Mapping[str, Any]) -> dict[str, Any]:
    return {**_words(face), "parts": sorted(parts_of(face), key=lambda part: -part["weight"])[:MOST_PARTS]}


def _width(wanted: int, attributes: Any) -> Any:
    if wanted not in (0, WIDTH):
        raise Refused(f"This model was taught {wanted} numbers of attributes, a look has {WIDTH}.", "Name one that learnt from painted faces.")
    return attributes if wanted else None


def forget() -> None:
    """Models are read anew: one has changed or gone."""
    load.cache_clear()


@lru_cache(maxsize=3)
def load(name: str, folder: Path) -> Any:
    """The model of a family in a folder. Raises Missing and Refused."""
    if not folder.is_dir():
        raise Missing(f"There is no trained {name} in {folder}.", f"Train one (python -m twin.train.{name}) and --export it, or use the illustrated painter.",
                      zh=(f"没有训练好的 {name}。", "请先训练并导出，或使用插画引擎。"))
    if name == "gan":
        from .gan import Gan

        return Gan.from_pretrained(folder)
    if name == "vae":
        from .vae import Vae

        return Vae.from_pretrained(folder)
    from .diffusion import Diffusion

    return Diffusion.from_pretrained(folder)


def larger(picture: np.ndarray, size: int) -> np.ndarray:
    """uint8 [s, s, 3] at another size."""
    import cv2

    if size > picture.shape[0]:
        from . import enlarge

        net = enlarge.shipped()
        if net is not None:
            picture = enlarge.enlarge(picture, net)
    if picture.shape[0] == size:
        return picture
    return cv2.resize(picture, (size, size), interpolation=cv2.INTER_AREA if size < picture.shape[0] else cv2.INTER_CUBIC)
