"""The parts that exchanges are composed of: YAML beside this file -> templates and attributes. What they are filled with is values.py's.

A template is a line with alternatives `(a|b|)` and slots: `<n>` a value, `<n!>` another of its pool, `<n+>` `<n->` a larger or smaller one,
`<n.he>` `<n.his>` `<n.him>` `<n.ta>` the pronoun of who is named, `<@name>` a fragment of the language's fragments.
"""
from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from random import Random
from typing import Any
from zlib import crc32

import yaml

HERE = Path(__file__).parent
LANGUAGES = ("en", "zh")
_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_MARK = re.compile(r"[()|<>]|[^()|<>]+")


class PartsError(ValueError):
    """A part that is not well made: which, and why."""


@dataclass(frozen=True)
class Slot:
    name: str
    mod: str = ""                                        # "", "!", "+", "-", or a pronoun


@dataclass(frozen=True)
class Choice:
    of: tuple[Sequence, ...]


@dataclass(frozen=True)
class Fragment:
    name: str


Sequence = tuple[str | Slot | Choice | Fragment, ...]


@dataclass(frozen=True)
class Template:
    text: str
    parts: Sequence
    slots: frozenset[str]                                # whose values it may speak of
    plain: frozenset[str]                                # whose own value it always says


@cache
def template(text: str) -> Template:
    """Raises PartsError for a bracket without its partner."""
    tokens = _MARK.findall(text)
    at = 0

    def sequence(inside: bool) -> Sequence:
        nonlocal at
        out: list[str | Slot | Choice | Fragment] = []
        while at < len(tokens):
            token = tokens[at]
            if token in "|)" and inside:
                break
            at += 1
            if token == "(":
                of = [sequence(True)]
                while at < len(tokens) and tokens[at] == "|":
                    at += 1
                    of.append(sequence(True))
                if at == len(tokens):
                    raise PartsError(f"a bracket is not closed: {text}")
                at += 1
                out.append(Choice(tuple(of)))
            elif token == "<":
                if at + 1 >= len(tokens) or tokens[at + 1] != ">":
                    raise PartsError(f"a slot is not closed: {text}")
                out.append(_slot(tokens[at]))
                at += 2
            elif token in ")|>":
                raise PartsError(f"a stray {token}: {text}")
            else:
                out.append(token)
        return tuple(out)

    parts = sequence(False)
    return Template(text, parts, frozenset(_slots(parts)), frozenset(_plain(parts)))


def _slot(text: str) -> Slot | Fragment:
    if text[0] == "@":
        return Fragment(text[1:])
    if text[-1] in "!+-":
        return Slot(text[:-1], text[-1])
    name, _, mod = text.partition(".")
    return Slot(name, mod)


def _slots(parts: Sequence) -> Iterator[str]:
    for part in parts:
        if isinstance(part, Slot):
            yield part.name
        elif isinstance(part, Choice):
            for way in part.of:
                yield from _slots(way)


def _plain(parts: Sequence) -> set[str]:
    out: set[str] = set()
    for part in parts:
        if isinstance(part, Slot) and not part.mod:
            out.add(part.name)
        elif isinstance(part, Choice):
            out |= set.intersection(*(_plain(way) for way in part.of))
    return out


@dataclass(frozen=True)
class Aspect:
    """What can be asked of an attribute, and how it is answered."""
    keys: frozenset[str]                                 # slots whose values are the answer
    ask: tuple[Template, ...]
    then: tuple[Template, ...]                           # the same as a follow-up, with pronouns
    suggest: tuple[Template, ...]                        # yes or no: the key's value stands in it
    say: tuple[Template, ...]
    about: tuple[Template, ...]                          # "how old my dog is"


@dataclass(frozen=True)
class Inference:
    ask: tuple[Template, ...]
    say: tuple[Template, ...]


@dataclass(frozen=True)
class Attribute:
    name: str
    group: str                                           # the file it stands in
    tags: frozenset[str]                                 # a persona has one attribute of each tag at most
    clash: frozenset[str]                                # attributes that don't go with it
    near: frozenset[str]                                 # attributes whose facts may answer its questions too
    slots: dict[str, str]                                # name -> what it is drawn from (values.py)
    told: tuple[Template, ...]
    aspects: tuple[Aspect, ...]
    infer: tuple[Inference, ...]
    never: tuple[Template, ...]                          # near it, and told by no wording
    noun: str                                            # "a dog": what the story does not mention

    @property
    def held(self) -> bool:
        """Of the tenth of all attributes that is kept for measuring."""
        return crc32(self.name.encode()) % 10 == 3


@dataclass(frozen=True)
class Parts:
    language: str
    attributes: tuple[Attribute, ...]
    pools: dict[str, list[Any]]
    fragments: dict[str, tuple[Template, ...]]
    talk: dict[str, list[Inference]] = field(default_factory=dict)      # empathy, provocation, small_talk: what is said and what is answered


@cache
def parts(language: str) -> Parts:
    """Everything of one language. Raises PartsError naming the file and the part."""
    pools: dict[str, list[Any]] = {}
    fragments: dict[str, tuple[Template, ...]] = {}
    talk: dict[str, list[Inference]] = {}
    found: dict[str, tuple[str, dict[str, Any]]] = {}
    more: list[dict[str, dict[str, Any]]] = []
    near = {name: frozenset(others.split()) for name, others in yaml.load((HERE / "near.yaml").read_text(encoding="utf-8"), _LOADER).items()}
    for path in sorted((HERE / language).glob("*.yaml")):
        data = yaml.load(path.read_text(encoding="utf-8"), _LOADER)
        if path.stem.startswith("pools"):
            for name, entries in data.items():
                if bad := [e for e in entries if not isinstance(e, str | dict)]:
                    raise PartsError(f"{language}/{path.stem}/{name}: not words: {bad}")
            pools.update(data)
        elif path.stem.startswith("fragments"):
            fragments.update({name: _templates(lines) for name, lines in data.items()})
        elif path.stem.startswith("talk"):
            for kind, entries in data.items():
                talk.setdefault(kind, []).extend(Inference(_templates(e["q"]), _templates(e["a"])) for e in entries)
        elif path.stem.startswith("more"):
            more.append(data)
        else:
            found.update({name: (path.stem, entry) for name, entry in data.items()})
    for data in more:
        for name, added in data.items():
            if name not in found:
                raise PartsError(f"{language}/more: no attribute {name}")
            found[name] = found[name][0], _merged(found[name][1], added)
    attributes = tuple(_attribute(name, group, entry, near.get(name, frozenset())) for name, (group, entry) in found.items())
    return Parts(language, attributes, pools, fragments, talk)


def _merged(entry: dict[str, Any], added: dict[str, Any]) -> dict[str, Any]:
    """An attribute with the further wordings of a file more*.yaml."""
    out = dict(entry)
    for key, value in added.items():
        if key not in out:
            out[key] = value
        elif isinstance(value, list):
            out[key] = out[key] + value
        elif isinstance(value, dict):
            out[key] = _merged(out[key], value)
        else:
            raise PartsError(f"more of {key} cannot be added")
    return out


def _templates(lines: object) -> tuple[Template, ...]:
    every = lines if isinstance(lines, list) else [] if lines is None else [lines]
    for line in every:
        if not isinstance(line, str):                    # an unquoted colon makes a mapping, an unquoted yes a truth
            raise PartsError(f"not a sentence: {line}")
    return tuple(template(line) for line in every)


_WHOLE = re.compile(r"[A-Z0-9(<\u4e00-\u9fff“].*[.?!。？！)]$")
_OWN = {"slots", "tag", "clash", "told", "infer", "never", "noun"}


def _attribute(name: str, group: str, entry: dict[str, Any], near: frozenset[str] = frozenset()) -> Attribute:
    slots = {str(k): str(v) for k, v in (entry.get("slots") or {}).items()}
    aspects = []
    for key, lines in entry.items():
        if key in _OWN:
            continue
        keys = frozenset(str(key).split(","))
        aspect = Aspect(keys, *(_templates(lines.get(part)) for part in ("q", "f", "y", "a", "t")))
        for t in aspect.say:
            if not keys <= t.plain:
                raise PartsError(f"{group}/{name}/{key}: the answer does not always say its value: {t.text}")
        for t in (*aspect.ask, *aspect.then):
            if keys & t.slots:
                raise PartsError(f"{group}/{name}/{key}: the question says the answer: {t.text}")
        for t in aspect.suggest:
            if not keys & t.plain:
                raise PartsError(f"{group}/{name}/{key}: suggests nothing: {t.text}")
        if not aspect.ask or not aspect.say:
            raise PartsError(f"{group}/{name}/{key}: wants questions and answers")
        aspects.append(aspect)
    infer = tuple(Inference(_templates(e["q"]), _templates(e["a"])) for e in entry.get("infer") or ())
    told, never = _templates(entry["told"]), _templates(entry.get("never"))
    whole = [*told, *never, *(t for a in aspects for t in a.ask + a.then + a.suggest + a.say), *(t for i in infer for t in i.ask + i.say)]
    for t in [*whole, *(t for a in aspects for t in a.about)]:
        if unknown := t.slots - slots.keys():
            raise PartsError(f"{group}/{name}: no slot {sorted(unknown)}: {t.text}")
    for t in whole:                                      # a comma in a YAML list cuts a sentence in two: seen here
        if not _WHOLE.match(t.text):
            raise PartsError(f"{group}/{name}: not a whole sentence: {t.text}")
    tags, clash = frozenset(str(entry.get("tag", "")).split()) | {name}, frozenset(str(entry.get("clash", "")).split())
    return Attribute(name, group, tags, clash, near, slots, told, tuple(aspects), infer, never, str(entry.get("noun", "")))


def pick(rng: Random, of: Any) -> Any:
    return of[int(rng.random() * len(of))]
