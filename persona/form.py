"""The form in which a person writes who a twin is: plain fields, and the persona and lines that they become. Nothing is read or written here.

A form holds one text a field, a persona one a language: a text goes to the language it is written in, and what an edited twin had in the
other language stays. Fields: name, age, gender, tagline, description, style, facts (list), examples (list of [asked, said]), greeting,
languages (list), voice (mapping).
"""
from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

import yaml

from persona.card import LANGUAGES, LIMITS, MOST_FACTS, MOST_GREETINGS, CardError, Persona, Said, language_written
from persona.lines import Line
from persona.private import marked, unmarked

FIELDS = ("name", "age", "gender", "tagline", "description", "style", "facts", "examples", "greeting", "languages", "voice", "scene")
TEXTS = ("name", "tagline", "description", "style")
MOST_EXAMPLES = 200
LONGEST = {**{name: LIMITS[name] for name in (*TEXTS, "fact", "greeting")}, "asked": 300, "said": 800, "gender": 20, "scene": 40}
OLDEST = 99_999                                          # years; a twin may be a mountain

Fields = dict[str, Any]
Example = tuple[str, str]                                # (what somebody asks, what the twin says)

_NAMES = {"name": ("the name", "名字"), "tagline": ("the line under the name", "一句话介绍"), "description": ("the description", "介绍"),
          "style": ("how they talk", "说话方式"), "fact": ("a fact", "一条事实"), "greeting": ("the greeting", "开场白"),
          "asked": ("a question of an example", "示例里的一个问题"), "said": ("an answer of an example", "示例里的一个回答"), "gender": ("the gender", "性别"), "scene": ("the scene", "场景")}
_FIELD = {"fact": "facts", "asked": "examples", "said": "examples"}


def kept(fields: object) -> Fields:
    """The fields as they can be kept while somebody types: known ones alone, clean text, bounded. Nothing need be filled. Raises CardError."""
    if not isinstance(fields, Mapping):
        raise CardError("The form holds no fields.", "Send an object of fields.", ("表单里没有内容。", "请发送一个包含各字段的对象。"))
    found: Fields = {name: _text(fields[name], name) for name in (*TEXTS, "gender") if fields.get(name) is not None}
    if "age" in fields:
        found["age"] = _age(fields["age"])
    if "facts" in fields:
        found["facts"] = [text for item in _list(fields["facts"], "facts", MOST_FACTS) if (text := _text(item, "fact"))]
    if "examples" in fields:
        found["examples"] = [pair for item in _list(fields["examples"], "examples", MOST_EXAMPLES) if any(pair := _pair(item))]
    if "greeting" in fields:
        given = fields["greeting"]
        texts = [_text(item, "greeting") for item in _list(given if isinstance(given, list) else [given], "greeting", MOST_GREETINGS)]
        found["greeting"] = [text for text in texts if text] if isinstance(given, list) else texts[0]
    if "languages" in fields:
        given = [fields["languages"]] if isinstance(fields["languages"], str) else fields["languages"]
        found["languages"] = [code for code in LANGUAGES if isinstance(given, list) and code in given]
        found["languages"].sort(key=lambda code: given.index(code))
    if "scene" in fields:
        found["scene"] = _text(fields["scene"], "scene")
    if isinstance(fields.get("voice"), Mapping):
        found["voice"] = {str(key)[:40]: value[:200] if isinstance(value, str) else value for key, value in list(fields["voice"].items())[:20]
                          if isinstance(value, (str, int, float)) and not isinstance(value, bool)}
    return found


def from_fields(fields: object, before: Persona | None = None) -> dict[str, Any]:
    """What a persona.yaml holds, from a filled form; examples are not in it, they become `lines`. `before`: the persona that is being edited.
    Raises CardError with the field's name."""
    form = kept(fields)
    if not form.get("name"):
        raise CardError("The twin has no name yet.", "Write what they are called.", ("还没有名字。", "写下名字。"), "name")
    data: dict[str, Any] = {}
    for what in TEXTS:
        if said := _said(form.get(what, ""), getattr(before, what, {})):
            data[what] = said
    for what in ("age", "gender"):
        if form.get(what) not in (None, ""):
            data[what] = form[what]
    if form.get("facts"):
        known = {text: said for said in (before.facts if before else ()) for text in said.values()}
        bare = [unmarked(text) for text in form["facts"]]
        data["facts"] = [{**(known.get(text) or {language_written(text): text}), **({"private": True} if hidden else {})} for text, hidden in bare if text]
    greetings: dict[str, list[str]] = {}
    for text in form["greeting"] if isinstance(form.get("greeting"), list) else [form.get("greeting") or ""]:
        if text:
            greetings.setdefault(language_written(text), []).append(text)
    if greetings:
        other = {code: list(texts) for code, texts in before.greeting.items() if code not in greetings} if before else {}
        data["greeting"] = other | greetings
    written = list(dict.fromkeys([*data["name"], *data.get("description", {})]))
    data["languages"] = form.get("languages") or (list(before.languages) if before else [code for code in LANGUAGES if code in written] or ["en"])
    if form.get("voice") or (before and before.voice):
        data["voice"] = form.get("voice") or dict(before.voice)  # type: ignore[union-attr]
    if scene := form.get("scene", before.scene if before else ""):
        data["scene"] = scene
    if before and before.lorebook:
        left = before.lorebook.standing(text for fact in data.get("facts", ()) for text in fact.values() if isinstance(text, str))
        data["lorebook"] = replace(before.lorebook, entries=left).to_yaml()
    if before and before.prompts:
        data["prompts"] = dict(before.prompts)
    try:
        Persona.parse(data)
    except CardError as error:
        named = re.match(r"`(\w+)", error.message)
        raise CardError(error.message, error.hint, error.zh, error.field or (_FIELD.get(named[1], named[1]) if named else "")) from None
    return data


def to_fields(persona: Persona, examples: Iterable[Example] = (), language: str = "") -> Fields:
    """The form that shows a persona, each text in `language` where it has that, else in the one it was written in."""
    code = language or (persona.languages or ("en",))[0]
    greeting = persona.greeting.get(code) or next(iter(persona.greeting.values()), ())
    return {**{what: persona.text(what, code) for what in TEXTS}, "age": persona.age, "gender": persona.gender,
            "facts": [marked(said.get(code) or next(iter(said.values())), number in persona.private) for number, said in enumerate(persona.facts)], "examples": [list(pair) for pair in examples],
            "greeting": list(greeting) if len(greeting) > 1 else "".join(greeting), "languages": list(persona.languages), "voice": dict(persona.voice), "scene": persona.scene}


def lines(examples: Iterable[Sequence[str]], language: str) -> list[dict[str, Any]]:
    """What a lines.<language>.yaml holds: the examples of which the answer is in that language. The same question twice is one line of two
    answers. An example without its question is something the twin says of its own accord."""
    found: dict[str, dict[str, Any]] = {}
    for asked, said in (_pair(example) for example in examples):
        (asked, hidden), (said, hidden_too) = unmarked(asked), unmarked(said)
        if not said or language_written(said) != language:
            continue
        asked, said, hidden = unbraced(asked), unbraced(said), hidden or hidden_too
        key = (re.sub(r"[\W_]+", "", asked).lower() or f"aside {len(found)}") + hidden * " private"
        line = found.setdefault(key, {"id": f"{'example' if asked else 'aside'}_{len(found) + 1}", "ask": [asked] if asked else [], "say": []})
        if hidden:
            line["private"] = True
        if said not in line["say"] and len(line["say"]) < 6:
            line["say"].append(said)
    return list(found.values())


def examples(own: Iterable[Line | Mapping[str, Any]]) -> list[Example]:
    """The examples behind a twin's own lines, whether made by `lines` or written by hand: each answer with the first way to ask for it."""
    found: list[Example] = []
    for line in own:
        ask, say, hidden = (line["ask"], line["say"], bool(line.get("private"))) if isinstance(line, Mapping) else (line.ask, line.say, line.private)
        found += [(marked(ask[0], hidden), said) if ask else ("", marked(said, hidden)) for said in say]
    return found[:MOST_EXAMPLES]


def to_yaml(data: Any) -> str:
    """As the default twins' files are written: one field a line, in the order given."""
    return str(yaml.safe_dump(data, allow_unicode=True, sort_keys=False, width=160))


def _said(text: str, before: Said) -> Said:
    """A form's text beside what was there: an unchanged one leaves all as it was."""
    if text in before.values():
        return dict(before)
    return {**before, language_written(text): text} if text else {}


def _text(value: object, what: str) -> str:
    if value is None:
        return ""
    if isinstance(value, bool) or not isinstance(value, (str, int, float)):
        raise CardError(f"`{what}` must be a text.", "Write it in words.", (f"{_NAMES[what][1]}应该是文字。", "请用文字写。"), _FIELD.get(what, what))
    text = str(value)
    most = LONGEST[what]
    if len(text) > 4 * most or len(text := tidy(text)) > most:
        en, zh = _NAMES[what]
        raise CardError(f"{en[0].upper()}{en[1:]} has {len(text):,} characters; {most:,} are allowed.", "Shorten it.",
                        (f"{zh}有 {len(text):,} 个字，最多 {most:,} 个。", "请写短一些。"), _FIELD.get(what, what))
    return text


def tidy(text: str) -> str:
    return " ".join("".join(c if c.isprintable() else " " for c in text).split())


def unbraced(text: str) -> str:
    """Braces are places to be filled in a line: as brackets they are only read."""
    return text.replace("{", "(").replace("}", ")")


def _pair(value: object) -> tuple[str, str]:
    if isinstance(value, Mapping):
        value = [value.get("asked"), value.get("said")]
    if not isinstance(value, (list, tuple)) or len(value) != 2:
        raise CardError("An example is a question and its answer.", "Write both.", ("一个示例是一问一答。", "请把问和答都写上。"), "examples")
    return _text(value[0], "asked"), _text(value[1], "said")


def _list(value: object, what: str, most: int) -> list[Any]:
    if value is None:
        return []
    if not isinstance(value, list):
        raise CardError(f"`{what}` must be a list.", "Send a list of texts.", ("这里应该是一个列表。", "请发送列表。"), what)
    if len(value) > most:
        raise CardError(f"{len(value):,} entries; {most} are allowed.", "Keep the ones that people will ask about.",
                        (f"有 {len(value):,} 条，最多 {most} 条。", "请留下别人会问到的。"), what)
    return value


def _age(value: object) -> int | None:
    if value in (None, ""):
        return None
    text = str(value).strip()
    if isinstance(value, bool) or not re.fullmatch(r"[0-9]{1,5}", text) or int(text) > OLDEST:
        raise CardError(f"The age is {text[:20]!r}.", "Write a whole number of years, such as 34, or leave it out.",
                        (f"年龄写的是“{text[:20]}”。", "请写整数，例如 34，也可以不写。"), "age")
    return int(text)
