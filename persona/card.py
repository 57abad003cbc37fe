"""The card of a twin: who it is, as plain data, read from YAML or JSON. Nothing here thinks or speaks."""
from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import yaml

from persona.lorebook import Lorebook
from persona.private import unmarked

LANGUAGES = ("en", "zh")
LIMITS = {"name": 80, "tagline": 200, "description": 8000, "style": 2000, "fact": 500, "greeting": 500, "prompt": 2000}
PROMPTS = ("system", "last")
MOST_FACTS = 200
MOST_GREETINGS = 10
MOST_BYTES = 256 * 1024
DEEPEST = 8

_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)

_CJK = re.compile(r"[\u3400-\u9fff]")


class CardError(ValueError):
    """A persona that cannot be read. `hint` says what to change, `zh` both in Chinese, `field` where in the form it stands."""

    def __init__(self, message: str, hint: str = "", zh: tuple[str, str] = ("", ""), field: str = ""):
        super().__init__(message)
        self.message, self.hint, self.zh, self.field = message, hint, zh, field

    def told(self, language: str) -> tuple[str, str]:
        """(message, hint) in that language, in English where there is no other."""
        return self.zh if language == "zh" and self.zh[0] else (self.message, self.hint)


class CardMissing(CardError):
    """There is no persona where one was looked for."""


Said = dict[str, str]                                    # language -> text; holds only the languages that were written


@dataclass(frozen=True)
class Persona:
    """Everything a twin may claim about itself. Texts are {language: text} with at least one language."""
    name: Said
    id: str = ""
    age: int | None = None
    gender: str = ""
    languages: tuple[str, ...] = ()
    tagline: Said = field(default_factory=dict)
    description: Said = field(default_factory=dict)
    style: Said = field(default_factory=dict)
    facts: tuple[Said, ...] = ()
    voice: dict[str, str | float] = field(default_factory=dict)
    greeting: dict[str, tuple[str, ...]] = field(default_factory=dict)
    lorebook: Lorebook | None = None                     # what is told only when it is spoken of
    prompts: dict[str, str] = field(default_factory=dict)            # what a card's author asks of a capable model: "system", "last"
    scene: str = ""                                      # what it is there for: the id of a scene (scene.py)
    private: frozenset[int] = frozenset()                # numbers of the facts that stay with its owner (private.py)

    @classmethod
    def load(cls, path: str | Path) -> Persona:
        """From a folder with persona.yaml, or a YAML or JSON file. Raises CardMissing or CardError."""
        path = Path(path)
        if path.is_dir():
            path = next((path / n for n in ("persona.yaml", "persona.yml", "persona.json") if (path / n).is_file()), path / "persona.yaml")
        if not path.is_file():
            raise CardMissing(f"No persona at {path}.", "Name a folder with a persona.yaml, or a .yaml or .json file.")
        raw = path.read_bytes()
        if len(raw) > MOST_BYTES:
            raise CardError(f"{path.name} is {len(raw) // 1024} kB; a persona may have {MOST_BYTES // 1024} kB.", "Shorten it.")
        own = path.parent.name if path.stem == "persona" else path.stem
        return cls.parse(_decode(raw, path), own)

    @classmethod
    def read(cls, raw: bytes, own_id: str = "", name: str = "persona.yaml") -> Persona:
        """From the bytes of a YAML or JSON file, as `name` says. Raises CardError."""
        if len(raw) > MOST_BYTES:
            raise CardError(f"{name} is {len(raw) // 1024} kB; a persona may have {MOST_BYTES // 1024} kB.", "Shorten it.")
        return cls.parse(_decode(raw, Path(name)), own_id)

    @classmethod
    def parse(cls, data: object, own_id: str = "") -> Persona:
        """From the mapping a YAML or JSON file holds. Raises CardError."""
        if not isinstance(data, Mapping):
            raise CardError("A persona is a mapping of fields.", "Write at least `name: Ada` and `description: Two sentences about her.`")
        if "name" not in data:
            raise CardError("The persona has no name.", "Add a line such as `name: Ada`.")
        name = _said(data["name"], "name")
        if not name:
            raise CardError("The persona's name is empty.", "Add a line such as `name: Ada`.")
        written = _languages(data.get("languages"), name, data.get("description"))
        facts, private = _facts(data.get("facts"))
        return cls(
            name=name, id=_identifier(data.get("id") or own_id or next(iter(name.values()))), age=_age(data.get("age")),
            gender=str(data.get("gender") or "").strip().lower()[:20], languages=written,
            tagline=_said(data.get("tagline"), "tagline"), description=_said(data.get("description"), "description"),
            style=_said(data.get("style"), "style"), facts=facts, private=private, voice=_voice(data.get("voice")),
            greeting=_greeting(data.get("greeting")), lorebook=Lorebook.of_yaml(data.get("lorebook")), prompts=_prompts(data.get("prompts")),
            scene=_scene(data.get("scene")))

    def text(self, what: str, language: str) -> str:
        """`name`, `tagline`, `description` or `style` in this language, or in the one it was written in, or ""."""
        said: Said = getattr(self, what)
        return said.get(language) or next(iter(said.values()), "")

    def has(self, what: str, language: str) -> bool:
        return language in getattr(self, what)


def _decode(raw: bytes, path: Path) -> object:
    try:
        text = raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise CardError(f"{path.name} is not UTF-8 text.", "Save it as UTF-8.") from error
    try:
        if path.suffix.lower() == ".json":
            return json.loads(text)
        _flat(text, path)
        return yaml.load(text, _LOADER)
    except (yaml.YAMLError, json.JSONDecodeError, RecursionError) as error:
        where = getattr(error, "problem_mark", None)
        line = f", line {where.line + 1}" if where else ""
        raise CardError(f"{path.name} cannot be read{line}.", "Check the indentation; put texts with a colon in quotes.") from error


def _flat(text: str, path: Path) -> None:
    """Refuses aliases and deep nesting before anything is built of them."""
    depth = 0
    for event in yaml.parse(text, _LOADER):
        depth += isinstance(event, yaml.CollectionStartEvent) - isinstance(event, yaml.CollectionEndEvent)
        if isinstance(event, yaml.AliasEvent):
            raise CardError(f"{path.name} uses YAML aliases (*name).", "Write the text out where it is needed.")
        if depth > DEEPEST:
            raise CardError(f"{path.name} is nested too deeply to be read.", "Write each field on a line of its own.")


def language_written(text: str) -> str:
    """"zh" where the text has Chinese characters in earnest (a fifth of its letters), else "en"."""
    letters = [c for c in text if c.isalpha()]
    return "zh" if letters and sum(bool(_CJK.match(c)) for c in letters) / len(letters) >= 0.2 else "en"


def _said(value: object, what: str) -> Said:
    """A plain string belongs to the language it is written in; a mapping says so itself."""
    if value is None:
        return {}
    if isinstance(value, bool) or not isinstance(value, (str, int, float, Mapping)):
        raise CardError(f"`{what}` must be a text or {{en: ..., zh: ...}}.", f"Write `{what}: some text`.")
    if not isinstance(value, Mapping):
        text = _bounded(str(value), what)
        return {language_written(text): text} if text else {}
    said: Said = {}
    code = ""
    for language, text in value.items():
        if text is None and code in said:                # {en: I like tea, and cake., zh: ...}: YAML took the comma for the next field
            said[code] = _bounded(f"{said[code]}, {language}", what)
            continue
        code = str(language).lower().split("-")[0].split("_")[0]
        if code not in LANGUAGES:
            continue
        if not isinstance(text, (str, int, float)) or isinstance(text, bool):
            raise CardError(f"`{what}.{language}` must be a text.", f"Write `{what}: {{en: some text}}`.")
        if text := _bounded(str(text), what):
            said[code] = text
    return said


def _bounded(text: str, what: str) -> str:
    text = " ".join("".join(c if c.isprintable() else " " for c in text).split())
    if len(text) > LIMITS[what]:
        raise CardError(f"`{what}` has {len(text)} characters; {LIMITS[what]} are allowed.", f"Shorten `{what}`.")
    return text


def _facts(value: object) -> tuple[tuple[Said, ...], frozenset[int]]:
    """The facts, and the numbers of those that are private."""
    if value is None:
        return (), frozenset()
    items = [value] if isinstance(value, (str, Mapping)) else value
    if not isinstance(items, list):
        raise CardError("`facts` must be a list of sentences.", "Write each fact as `- I keep bees.`")
    if len(items) > MOST_FACTS:
        raise CardError(f"{len(items)} facts; {MOST_FACTS} are allowed.", "Keep the ones that people will ask about.")
    found: list[Said] = []
    private = set()
    for item in items:
        bare = {code: unmarked(text) for code, text in _said(item, "fact").items()}
        if said := {code: text for code, (text, _) in bare.items() if text}:
            if any(hidden for _, hidden in bare.values()) or (isinstance(item, Mapping) and item.get("private") is True):
                private.add(len(found))
            found.append(said)
    return tuple(found), frozenset(private)


def _greeting(value: object) -> dict[str, tuple[str, ...]]:
    if value is None:
        return {}
    found: dict[str, list[str]] = {}
    pairs = value.items() if isinstance(value, Mapping) else [("", value)]
    for language, texts in pairs:
        code = str(language).lower().split("-")[0]
        for text in ([texts] if isinstance(texts, str) else texts if isinstance(texts, list) else [None])[:MOST_GREETINGS]:
            if not isinstance(text, str):
                raise CardError("`greeting` must be texts.", 'Write `greeting: {en: ["Hello!"]}`.')
            if said := _bounded(text, "greeting"):
                found.setdefault(code or language_written(said), []).append(said)
    return {code: tuple(said) for code, said in found.items() if code in LANGUAGES}


def _scene(value: object) -> str:
    """An id; one that this app does not know is kept and has no effect."""
    if value is None or value == "":
        return ""
    if not isinstance(value, str) or not re.fullmatch(r"[a-z_]{2,40}", value):
        raise CardError(f"`scene` is {str(value)[:40]!r}.", "Write the name of one, such as `scene: teacher`.", (f"场景写的是“{str(value)[:40]}”。", "请写一个场景名，例如 scene: teacher。"), "scene")
    return value


def _prompts(value: object) -> dict[str, str]:
    given = value if isinstance(value, Mapping) else {}
    return {name: text for name in PROMPTS if isinstance(given.get(name), str) and (text := " ".join(given[name].split())[:LIMITS["prompt"]])}


def _age(value: object) -> int | None:
    if value is None or value == "":
        return None
    text = str(value).strip()
    if isinstance(value, bool) or not re.fullmatch(r"\d{1,5}", text):
        raise CardError(f"`age` is {text[:20]!r}.", "Write a whole number of years, such as `age: 34`.")
    return int(text)


def _languages(value: object, name: Said, description: object) -> tuple[str, ...]:
    items = [value] if isinstance(value, str) else value if isinstance(value, list) else []
    codes = [str(item).lower().split("-")[0] for item in items]
    known = tuple(dict.fromkeys(code for code in codes if code in LANGUAGES))
    if known:
        return known
    written = _said(description, "description") or name
    return tuple(written)


def _voice(value: object) -> dict[str, str | float]:
    if value is None:
        return {}
    if isinstance(value, str):
        return {"name": value[:80]}
    if not isinstance(value, Mapping):
        raise CardError("`voice` must be {name: ..., rate: ..., pitch: ...}.", "Write `voice: {name: f2}`.")
    voice: dict[str, str | float] = {}
    for key, (low, high) in {"rate": (0.5, 2.0), "pitch": (-24.0, 24.0), "volume": (0.0, 2.0), "age": (-1.0, 1.0),
                             "warmth": (-1.0, 1.0)}.items():
        if key in value:
            number = value[key]
            if isinstance(number, bool) or not isinstance(number, (int, float)) or not low <= number <= high:
                raise CardError(f"`voice.{key}` is {str(number)[:20]!r}.", f"Write a number from {low} to {high}.")
            voice[key] = float(number)
    for key in ("backend", "name", "folder"):
        if value.get(key):
            voice[key] = str(value[key])[:200]
    return voice


def _identifier(value: object) -> str:
    """A name that is safe as a folder: letters, digits, - and _."""
    return re.sub(r"[^\w-]+", "-", str(value).strip().lower())[:60].strip("-_") or "twin"
