"""The engines of invent.py that have learnt: GAN, VAE and diffusion behind the same recipe.

A recipe's parts are people again, {"look", "seed", "weight"}: the noise of a face is the mixture of its seeds' (scaled so that it stays as long as noise is),
its attributes the mean of its looks'. So "more like this" and the way between two faces mean the same in every engine. Weights lie in
assets/weights/faces/<family>, or in the folder of a training's result.
"""
from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np

from twin.errors import Missing, Refused

from .attributes import WIDTH, Look, invent, vector
from .invent import MOST_PARTS, PREVIEW, Invented, mixture, near, parts_of

WEIGHTS = Path(__file__).parents[2] / "assets/weights/faces"
FAMILIES = ("gan", "vae", "diffusion")
TRUNCATION = {"gan": 0.85, "vae": 0.8, "diffusion": 1.0}  # a little nearer to the middle than what was learnt: fewer odd faces
Embed = Callable[[list[str]], np.ndarray]


class Learned:
    """One family's model. `embed`: sentences -> float32 [n, 384], for the diffusion's words. Raises Missing, Refused when it is first used."""

    def __init__(self, name: str, folder: Path | None = None, embed: Embed | None = None):
        if name not in FAMILIES:
            raise Refused(f"There is no engine called {name!r}.", f"It is one of: {', '.join(FAMILIES)}.")
        self.name, self.folder, self.embed = name, Path(folder or WEIGHTS / name), embed

    @property
    def model(self) -> Any:
        return _model(self.name, self.folder)

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
        share = torch.from_numpy((weights / math.sqrt((weights**2).sum())).astype(np.float32)) * TRUNCATION[self.name]
        seeds = [part["seed"] for part in parts]
        if self.name == "gan":
            z = (model.z(seeds) * share[:, None]).sum(0, keepdim=True)
            made = model.from_z(z, _width(model.size.attributes, attributes))
        elif self.name == "vae":
            held = model.statistics
            if not len(held.spread):
                raise Refused(f"The autoencoder in {self.folder} has learnt no faces to draw.", "Name a folder that twin.train.vae exported.")
            from .gan import noise

            drawn = (noise(seeds, len(held.spread)) * share[:, None]).sum(0)
            flat = held.mean + (_width(len(held.centre), attributes) - held.centre) @ held.directions + (drawn * held.spread) @ held.basis
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


@lru_cache(maxsize=3)
def _model(name: str, folder: Path) -> Any:
    """Raises Missing and Refused."""
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
