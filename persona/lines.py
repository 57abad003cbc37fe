"""Lines: what a twin says when it is asked this or that, written by hand or made from its card. Which variant is said next; who was quoted."""
from __future__ import annotations

import re
import string
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import yaml

from persona.card import LANGUAGES, CardError
from persona.emotion import EMOTIONS
from persona.words import normal

MOST_BYTES = 2 * 1024 * 1024
MOST_LINES = 2000


@dataclass(frozen=True)
class Line:
    """`ask`: ways people put it; `say`: variants of the answer; `follow`: the id of the line after which alone it makes sense;
    `fact`: a regex over the persona's facts: where one matches, that fact is the answer, and `say` only where none does."""
    id: str
    ask: tuple[str, ...]
    say: tuple[str, ...]
    mood: str = "neutral"
    follow: str = ""
    fact: str = ""
    most: int = 1                                        # facts said at once
    about: str = ""                                      # what `fact` is about, as the end of "ask me about ..."
    private: bool = False                                # stays with its owner when the twin is shared (private.py)


Lines = dict[str, tuple[Line, ...]]                      # language -> lines


def load_lines(folder: str | Path) -> Lines:
    """lines.en.yaml and lines.zh.yaml of a folder; a language without a file has none. Raises CardError."""
    return {language: read_lines(Path(folder) / f"lines.{language}.yaml") for language in LANGUAGES}


@lru_cache(maxsize=2)
def general(language: str) -> tuple[Line, ...]:
    """The lines that fit any persona."""
    return read_lines(Path(__file__).parent / f"general.{language}.yaml")


def read_lines(path: Path) -> tuple[Line, ...]:
    """The lines of one file, () where there is none. Raises CardError with the id of the bad line."""
    return parse_lines(path.read_bytes(), path.name) if path.is_file() else ()


def parse_lines(raw: bytes, name: str) -> tuple[Line, ...]:
    """The lines in the bytes of a file of that name. Raises CardError with the id of the bad line."""
    if len(raw) > MOST_BYTES:
        raise CardError(f"{name} is larger than {MOST_BYTES // 1024} kB.", "Split or shorten it.")
    try:
        items = yaml.load(raw.decode("utf-8-sig"), getattr(yaml, "CSafeLoader", yaml.SafeLoader))
    except (yaml.YAMLError, UnicodeDecodeError, RecursionError) as error:
        where = getattr(error, "problem_mark", None)
        raise CardError(f"{name} cannot be read{f', line {where.line + 1}' if where else ''}.", "Check indentation and quotes.") from error
    if not isinstance(items, list) or len(items) > MOST_LINES:
        raise CardError(f"{name} must be a list of at most {MOST_LINES} lines.", "Write `- {id: ..., ask: [...], say: [...]}`.")
    lines = tuple(_line(item, name) for item in items)
    seen: set[str] = set()
    for line in lines:
        if line.id in seen:
            raise CardError(f"{name} has two lines with the id {line.id!r}.", "Give each line its own id.")
        seen.add(line.id)
    return lines


def _line(item: object, where: str) -> Line:
    if not isinstance(item, Mapping) or not item.get("id"):
        raise CardError(f"{where} holds an entry without an id: {str(item)[:60]!r}.", "Write `- {id: ..., ask: [...], say: [...]}`.")
    own = str(item["id"])
    ask, say = _texts(item.get("ask")), _texts(item.get("say"))
    if not say:
        raise CardError(f"{where}: the line {own!r} says nothing.", "Add `say: [some text]`.")
    mood = str(item.get("mood") or "neutral")
    if mood not in EMOTIONS:
        raise CardError(f"{where}: the line {own!r} has the mood {mood!r}.", "Moods are: " + ", ".join(EMOTIONS) + ".")
    return Line(own, ask, say, mood, str(item.get("follow") or ""), str(item.get("fact") or ""),
                int(item.get("most") or 1), str(item.get("about") or ""), item.get("private") is True)


def _texts(value: object) -> tuple[str, ...]:
    items = [value] if isinstance(value, (str, int, float)) else value if isinstance(value, list) else []
    return tuple(" ".join(str(item).split()) for item in items if str(item).strip())


def fill(text: str, values: Mapping[str, str]) -> str | None:
    """`text` with its {places} filled, or None where a value is missing."""
    places = {name for _, name, _, _ in string.Formatter().parse(text) if name} if "{" in text else set()
    if any(not values.get(place) for place in places):
        return None
    for place in places:
        text = text.replace("{" + place + "}", values[place])
    return text


def pick(say: Sequence[str], values: Mapping[str, str], history: Sequence[dict], salt: int = 0) -> str:
    """The variant that was said least and longest ago in this conversation; among fresh ones those with more {places} filled come
    first for every other salt, so that a name is not said each time. "" where no variant can be filled."""
    filled = [(text, variant.count("{")) for variant in say if (text := fill(variant, values)) is not None]
    if not filled:
        return ""
    said = [turn.get("content", "") for turn in history if turn.get("role") == "assistant"]
    last = {text: max((n + 1 for n, content in enumerate(said) if text in content or content and content in text), default=0)
            for text, _ in filled}
    oldest = min(last.values())
    fresh = [(text, places) for text, places in filled if last[text] == oldest]
    personal = "user" not in "".join(say) or salt % 2 == 0
    most = max(places for _, places in fresh)
    best = [text for text, places in fresh if places == most] if personal else [text for text, places in fresh if places < most] or [fresh[0][0]]
    return best[salt % len(best)]


class Quoted:
    """Which line a reply of the twin came from, found again from its text, whole or cut short."""

    def __init__(self, lines: Sequence[Line], values: Mapping[str, str]):
        self._whole: dict[str, str] = {}
        for line in lines:
            for variant in line.say:
                self._whole.setdefault(_mark(fill(variant, {**values, "user": "~"}) or variant), line.id)

    def source(self, content: str) -> str:
        """The id of the line, or ""."""
        mark = _mark(content)
        if not mark:
            return ""
        if mark in self._whole:
            return self._whole[mark]
        return next((own for text, own in self._whole.items()
                     if len(text) > 8 and text in mark or len(mark) > 8 and text.startswith(mark)), "")


def _mark(text: str) -> str:
    return re.sub(r"[\W_]+", "", text).lower()


def same(first: str, second: str, language: str) -> bool:
    """Whether two texts of a user ask the very same."""
    return bool(first and second) and normal(first, language) == normal(second, language)
