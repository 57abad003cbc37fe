"""Faces that never existed, for whoever has no photo to give: previews as they are painted, more like one, the way between two, and the one that is taken.

The engines are twin/paint/invent.py's and stay loaded here, one of each; who asks takes turns (wire/inventing.py). A face travels as its recipe, some numbers
from which it is painted again, so nothing is kept of those that nobody takes.
"""
from __future__ import annotations

import base64
import io
import json
import re
import threading
from collections.abc import Callable, Generator, Iterator, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from ..errors import Missing, Refused
from . import looks, parts

if TYPE_CHECKING:
    from ..paint import attributes, invent
    from .draft import Draft

COUNT, MOST = 4, 8                                       # previews at once
SIZE = 1024                                              # px of the picture that a twin is made of
MOST_SEED = 999_999
MOST_RECIPE = 64 * 2**10                                 # characters
LABELS = {"illustrated": ("Illustrated", "插画"), "gan": ("GAN", "GAN"), "vae": ("VAE", "VAE"), "diffusion": ("Diffusion", "扩散模型"),
          "hub": ("From the hub", "来自 Hub")}
EXAMPLES = {"en": ["a woman of sixty with silver curls, round glasses and a kind smile", "a young man with a full beard and a green hoodie",
                   "a serious old man with white hair and a full beard", "a red-haired woman with freckles, in a garden"],
            "zh": ["六十岁的女人，银色卷发，圆框眼镜，亲切的笑容", "留大胡子、穿绿色连帽衫的年轻男人", "戴圆框眼镜的短发姑娘",
                   "白发老爷爷，大胡子，严肃"]}
CHINESE = re.compile("[\u3400-\u9fff]")                  # words that a sentence model of English has no use for: they are attributes already
Json = dict[str, Any]


class Inventor:
    """The engines, each made when it is first asked for. Every step paints one picture; between steps a generator can be closed. `embed`: English sentences
    -> float32 [n, 384], so that diffusion hears the words too that are no attribute's."""

    def __init__(self, embed: Callable[[list[str]], np.ndarray] | None = None) -> None:
        self.embed = embed
        self.engines: dict[str, invent.Engine] = {}
        self._guard = threading.Lock()

    def engine(self, name: str = "") -> invent.Engine:
        """Raises Refused for one that nobody knows, Missing for one whose weights are not there."""
        room = parts.invent()
        name = name or room.ENGINES[0]
        if (name in room.ENGINES or ":" in name) and name not in room.at_hand():
            raise Missing(f"The engine {name} is not on this machine.", "Train it, or take the illustrated one.",
                          zh=("这台机器上没有这个引擎。", "请先训练，或使用插画引擎。"))
        with self._guard:
            if name not in self.engines:
                self.engines[name] = room.engine(name, **({"embed": self.embed} if name == "diffusion" else {}))
            return self.engines[name]

    def described(self) -> Json:
        """What a page needs to ask: the engines that are there or could be, the controls with their names, examples of wishes."""
        return {"engines": self._engines(), "groups": looks.described(), "examples": EXAMPLES, "count": COUNT, "most_seed": MOST_SEED}

    def _engines(self) -> list[Json]:
        found: list[Json] = []
        room = parts.invent()
        for name in dict.fromkeys((*room.ENGINES, *room.at_hand())):
            try:
                self.engine(name)
            except Missing:
                found.append({"name": name, "label": engine_label(name), "ready": False, "why": {"en": "not on this machine", "zh": "这台机器上没有"}})
            except Refused:                              # planned, and not part of this version
                continue
            else:
                found.append({"name": name, "label": engine_label(name), "ready": True})
        return found

    def faces(self, asked: Mapping[str, Any], seed: int, *, words: str = "", engine: str = "", count: int = COUNT) -> Iterator[Json]:
        """New ones, {"face": ...} each as it is painted. Raises Refused for a wish that asks for a real person or a child."""
        if words:
            parts.wish().read(words)
        return _told(self.engine(engine).faces(parts.attributes().checked(asked), seed, min(count, MOST), "" if CHINESE.search(words) else words))

    def like(self, recipe: Mapping[str, Any], seed: int, *, engine: str = "", count: int = COUNT) -> Iterator[Json]:
        """More like one. Raises Refused for what is no recipe, with the first step."""
        return _told(self.engine(engine).like(bounded(recipe), seed, min(count, MOST)))

    def between(self, one: Mapping[str, Any], other: Mapping[str, Any], part: float, *, engine: str = "") -> Json:
        """The one on the way, `part` 0..1."""
        return {"face": told(self.engine(engine).between(bounded(one), bounded(other), part))}

    def portrait(self, recipe: Mapping[str, Any], *, engine: str = "") -> bytes:
        """A face at full size, as a PNG."""
        from PIL import Image
        out = io.BytesIO()
        Image.fromarray(self.engine(engine).portrait(bounded(recipe), SIZE)).save(out, "PNG", compress_level=3)
        return out.getvalue()


    def layered(self, picture: Any, note: Mapping[str, Any]) -> Any:
        """A picture as paint read it, with the cut-out and the background that its engine painted, where that one knows them."""
        layers = getattr(self.engine(str(note.get("engine") or "")), "layers", None)
        if layers is None or picture.size != (SIZE, SIZE):
            return picture
        alpha, behind = layers(note["recipe"], SIZE)
        return replace(picture, alpha=alpha, behind=behind)


def understood(words: str) -> Json:
    """A wish in attributes: {"asked", "left"}. Raises Refused for a real person and for a child."""
    read = parts.wish().read(words)
    return {"asked": read.asked, "left": list(dict.fromkeys(read.left))[:12]}


def used(draft: Draft, engine: str, recipe: Mapping[str, Any], picture: bytes) -> None:
    """The face becomes the draft's, with where it came from."""
    look = look_of(recipe)
    draft.invented(picture, {"engine": engine, "seed": seed_of(recipe), "recipe": recipe}, looks.gender_of(look), looks.age_of(look))


def engine_label(name: str) -> Json:
    """What an engine is called; one made here, "FAMILY:NAME", by its title."""
    family, _, own = name.partition(":")
    en, zh = LABELS.get(family, (family, family))
    title = "" if not own else own.rpartition("/")[2] if family == "hub" else parts.engines().title_of(own)
    return {"en": f"{title} ({en})", "zh": f"{title}（{zh}）"} if title else {"en": en, "zh": zh}


def told(face: invent.Invented) -> Json:
    """A face as the page gets it: its recipe, the picture as a data URL, and who is to be seen, in both languages where its recipe tells."""
    room, look, seed = parts.attributes(), look_of(face.recipe), seed_of(face.recipe)
    whole = look is not None and set(room.ATTRIBUTES) <= set(look)
    about = {code: room.caption(look, seed or 0, code == "zh") for code in ("en", "zh")} if look is not None and whole else {"en": "", "zh": ""}
    return {"engine": face.engine, "recipe": dict(face.recipe), "seed": seed, "picture": _url(face.picture), "about": about}


def look_of(recipe: Mapping[str, Any]) -> attributes.Look | None:
    """The look a recipe names: its own, or that of whoever it has most of."""
    rows = [row for row in _rows(recipe) if isinstance(row.get("look"), Mapping)]
    look = max(rows, key=_weight)["look"] if rows else recipe.get("look")
    return parts.attributes().checked(look) if isinstance(look, Mapping) else None


def seed_of(recipe: Mapping[str, Any]) -> int | None:
    """The seed a recipe begins with, as look_of has it."""
    rows = [row for row in _rows(recipe) if isinstance(row.get("seed"), int)]
    seed = max(rows, key=_weight)["seed"] if rows else recipe.get("seed")
    return seed if isinstance(seed, int) and not isinstance(seed, bool) else None


def bounded(recipe: Any) -> Mapping[str, Any]:
    """The same, if it is an object of a size that an engine makes. Raises Refused."""
    if not isinstance(recipe, Mapping) or len(json.dumps(recipe)) > MOST_RECIPE:
        raise Refused("That is no invented face.", "Invent one, then choose it.", zh=("这不是一张虚构的脸。", "请先生成，再选择。"))
    return recipe


def _told(faces: Iterator[invent.Invented]) -> Generator[Json, None, None]:
    try:
        for k, face in enumerate(faces):
            yield {"k": k, "face": told(face)}
    finally:
        getattr(faces, "close", bool)()


def _rows(recipe: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    rows = recipe.get("parts")
    return [row for row in rows if isinstance(row, Mapping)] if isinstance(rows, list) else []


def _weight(row: Mapping[str, Any]) -> float:
    weight = row.get("weight")
    return float(weight) if isinstance(weight, (int, float)) else 0.0


def _url(picture: np.ndarray) -> str:
    from PIL import Image
    out = io.BytesIO()
    Image.fromarray(picture).save(out, "WEBP", quality=88, method=2)
    return "data:image/webp;base64," + base64.b64encode(out.getvalue()).decode()
