"""Invents faces: one verb, several engines. A face is told by a recipe of a few numbers, from which its engine paints it again at any time.

Every engine has the same methods, each a generator or a plain function of numbers, so that a page, a bench and a test can treat them alike:

    faces(wish, seed, count)     new ones, as they are made
    like(face, seed, count)      more like one
    between(one, other, part)    on the way from one to another, part 0..1
    portrait(face, size)         the same face larger, uint8 [size, size, 3]
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

from twin.errors import Missing, Refused

from .attributes import ATTRIBUTES, Choice, Look, Measure, checked, invent

if TYPE_CHECKING:
    from .likeness import Likeness

PREVIEW = 256  # px
NEAR = 0.35  # how much of somebody else "more like this" has
KEPT = ("gender", "features", "headwear", "glasses", "beard")  # what "more like this" does not change
MOST_PARTS = 8  # of a recipe that has been walked and varied again and again


@dataclass(frozen=True)
class Invented:
    """A face that never was: its picture uint8 [PREVIEW, PREVIEW, 3], and the recipe (JSON) its engine paints it from: {"parts": [{"look", "seed",
    "weight"}, ...]}, people and how much of each."""

    engine: str
    recipe: Mapping[str, Any]
    picture: np.ndarray = field(repr=False, compare=False)


class Engine(Protocol):
    name: str

    def faces(self, asked: Look, seed: int, count: int = 4, words: str = "") -> Iterator[Invented]: ...
    def like(self, face: Mapping[str, Any], seed: int, count: int = 4) -> Iterator[Invented]: ...
    def between(self, one: Mapping[str, Any], other: Mapping[str, Any], part: float) -> Invented: ...
    def portrait(self, face: Mapping[str, Any], size: int = 1024) -> np.ndarray: ...


class Illustrated:
    """The painter of quick.py."""

    name = "illustrated"

    def faces(self, asked: Look, seed: int, count: int = 4, words: str = "") -> Iterator[Invented]:
        """Whoever the wish leaves open, different each; `words` have been read into `asked` already (wish.py)."""
        for k in range(count):
            one = (seed * 1009 + k) % 2**31
            yield self._painted([{"look": invent(one, asked), "seed": one, "weight": 1.0}])

    def like(self, face: Mapping[str, Any], seed: int, count: int = 4) -> Iterator[Invented]:
        for k in range(count):
            yield self._painted(near(parts_of(face), seed, k))

    def between(self, one: Mapping[str, Any], other: Mapping[str, Any], part: float) -> Invented:
        return self._painted(mixture(one, other, part))

    def portrait(self, face: Mapping[str, Any], size: int = 1024) -> np.ndarray:
        from . import quick

        return quick.paint(_person(parts_of(face)), size, 1.25 if size >= 768 else 2.0).picture

    def layers(self, face: Mapping[str, Any], size: int = 1024) -> tuple[np.ndarray, np.ndarray]:
        """Of that portrait: how much of each pixel is the person, uint8 [size, size], and what is behind, uint8 [size, size, 3]."""
        from . import quick

        made = quick.paint(_person(parts_of(face)), size, 1.25 if size >= 768 else 2.0, layers=True)
        assert made.alpha is not None and made.behind is not None
        return made.alpha, made.behind

    def _painted(self, parts: list[dict[str, Any]]) -> Invented:
        from . import quick

        parts = sorted(parts, key=lambda part: -part["weight"])[:MOST_PARTS]
        return Invented(self.name, {"parts": parts}, quick.paint(_person(parts), PREVIEW).picture)


def _person(parts: list[dict[str, Any]]) -> Likeness:
    from .likeness import likeness, mixed

    return mixed([(likeness(part["look"], part["seed"]), part["weight"]) for part in parts])


def near(parts: list[dict[str, Any]], seed: int, number: int) -> list[dict[str, Any]]:
    """The same kind of person: some of the shape of somebody else, and a trait or two changed. Another for each seed and number."""
    heaviest = max(parts, key=lambda part: part["weight"])
    rng = np.random.default_rng([seed, number, 31])
    one = int(rng.integers(2**31))
    look: Look = dict(heaviest["look"])
    other = invent(one, {name: look[name] for name in ("gender", "features", "skin")})
    free = [name for name, row in ATTRIBUTES.items() if isinstance(row, Choice) and name not in KEPT]
    for name in rng.choice(free, 2, replace=False):
        look[str(name)] = other[str(name)]
    for name, row in ATTRIBUTES.items():
        if isinstance(row, Measure):
            look[name] = float(np.clip(float(look[name]) + 0.06 * (row.most - row.least) * rng.standard_normal(), row.least, row.most))
    changed = [{**part, "look": look if part is heaviest else part["look"], "weight": part["weight"] * (1 - NEAR)} for part in parts]
    return [*changed, {"look": {**other, **look}, "seed": one, "weight": NEAR}]


def mixture(one: Mapping[str, Any], other: Mapping[str, Any], part: float) -> list[dict[str, Any]]:
    """The parts of a face on the way from one to another, `part` 0..1."""
    part = float(np.clip(part, 0, 1))
    return [{**row, "weight": row["weight"] * share} for face, share in ((one, 1 - part), (other, part)) for row in parts_of(face) if share > 0]


def parts_of(face: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The people of a recipe. Raises Refused for what is no recipe: it may come from a page."""
    rows = face.get("parts") if isinstance(face, Mapping) else None
    if not isinstance(rows, list) or not 0 < len(rows) <= 2 * MOST_PARTS or not all(map(_is_part, rows)):
        raise Refused("That is no invented face.", "Invent one, then choose it.", zh=("这不是一张虚构的脸。", "请先生成，再选择。"))
    return [{"look": invent(row["seed"] % 2**31, checked(row["look"])), "seed": row["seed"] % 2**31,
             "weight": min(1.0, max(1e-6, float(row["weight"])))} for row in rows]


def _is_part(row: Any) -> bool:
    return isinstance(row, Mapping) and isinstance(row.get("look"), Mapping) and type(row.get("seed")) is int and isinstance(row.get("weight"), (int, float))


ENGINES: tuple[str, ...] = ("illustrated", "gan", "vae", "diffusion", "hub")


def engine(name: str, **given: Any) -> Engine:
    """An engine by its name; `given` is what engines.Learned or hub.Hub takes. Raises Refused for one that isn't known,
    Missing for a hub without a model."""
    if name == "illustrated":
        return Illustrated()
    if name.partition(":")[0] in ("gan", "vae", "diffusion"):
        from .engines import Learned

        return Learned(name, **given)
    if name.partition(":")[0] == "hub":
        given.setdefault("model", name.partition(":")[2])
        if not given["model"]:
            raise Missing("No pipeline was named.", "Name one of diffusers' that lies on this machine.",
                          zh=("没有指定管线。", "请指定本机上的一个 diffusers 管线。"))
        from .hub import Hub

        hub = Hub(**given)
        hub.name = name
        return hub
    raise Refused(f"There is no engine called {name!r}.", f"It is one of: {', '.join(ENGINES)}.", zh=(f"没有名为 {name!r} 的引擎。", "请选择列出的引擎。"))


def at_hand() -> list[str]:
    """The engines whose weights are there: those that ship, then "FAMILY:NAME" of each model that was made here, and "hub:NAME" of each pipeline."""
    from .engines import WEIGHTS, made
    from .hub import here

    return [*(name for name in ENGINES if name == "illustrated" or (WEIGHTS / name / "model.safetensors").is_file()), *made(),
            *(f"hub:{name}" for name in here())]
