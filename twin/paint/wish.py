"""A wish in words into attributes: "a woman of sixty with silver curls, round glasses and a kind smile", 戴圆框眼镜的短发姑娘.

Offline and by a lexicon, in English and Chinese. What it does not understand it says. Two kinds of wish are refused plainly: a picture of a real person
who is named, and a child (faces here are of adults: a twin may be talked to about anything).
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Any

import yaml

from twin.errors import Refused

from .attributes import ATTRIBUTES, Choice, Look

MOST = 600  # characters of a wish that are read


@dataclass
class Wish:
    """What was understood (`asked`, a part of a look) and what was not (`left`, words of the wish)."""

    asked: Look = field(default_factory=dict)
    left: list[str] = field(default_factory=list)


_YEARS = "one|two|three|four|five|six|seven|eight|nine|ten|eleven|twelve|thirteen|fourteen|fifteen|sixteen|seventeen"
_CHILD = re.compile(
    r"\b(?:child(?:ren)?|kids?|bab(?:y|ies)|toddlers?|infants?|little (?:girl|boy)|schoolgirl|schoolboy|minors?|teen(?:s|ager|aged?)?|girls?|boys?"
    rf"|under ?age|preteen|(?:[1-9]|1[0-7]|{_YEARS})[- ]years?[- ]olds?)\b|(?:aged?|of) (?:[1-9]|1[0-7])\b(?! ?\d)"
    r"|小孩|孩子|儿童|婴儿|幼儿|宝宝|未成年|小女孩|小男孩|小学生|中学生|少女|少年|萝莉|正太|(?<![0-9])(?:[1-9]|1[0-7])岁|(?<![二三四五六七八九])十[一二三四五六七]?岁",
    re.IGNORECASE,
)
_GROWN = re.compile(r"\b(?:1[89]|[2-9]\d)[- ]year|\b(?:of|aged?) (?:1[89]|[2-9]\d)\b|(?:1[89]|[2-9]\d)岁|[二三四五六七八]十")
_NAME = r"[A-Z][\w'’.-]+"
_NAMED = re.compile(
    r"\b(?:look(?:s|ing)? (?:just |exactly )?like|(?:exact )?likeness of|clone of|copy of|photo of|picture of|portrait of|as|be|is)"
    rf"\s+({_NAME}(?:\s+(?:(?:de|da|van|von|bin|al|el|la|di)\s+)?{_NAME})*)"
)
_PAIR = re.compile(r"(?<![.!?]\s)\b([A-Z][a-z'’-]{2,})\s+([A-Z][a-z'’-]{2,})\b")
_NAMED_ZH = re.compile(
    r"(?:长得?像|像|照着|扮成|变成)(?!一|个|位|我|你|她|他|大|小|老|那|这|是|个)([\u4e00-\u9fff]{2,4})"
    r"|(?:明星|名人|总统|主席|偶像|演员|歌手)[\u4e00-\u9fff]{2,3}(?=的|$)"
)


@lru_cache(maxsize=1)
def _lexicon() -> Mapping[str, Any]:
    return yaml.safe_load((Path(__file__).parent / "wish.yaml").read_text(encoding="utf-8"))


def read(words: str) -> Wish:
    """What a wish asks for. Raises Refused for a named real person and for a child."""
    text = " ".join(words.split())[:MOST]
    _refuse(text)
    chinese = len(re.findall(r"[\u4e00-\u9fff]", text)) > 0.2 * max(1, len(text.replace(" ", "")))
    wish = Wish()
    rest = (_read_zh if chinese else _read_en)(text, wish.asked)
    _finish(wish.asked)
    wish.left = rest
    return wish


def _refuse(text: str) -> None:
    lower = text.lower()
    if (
        any(re.search(rf"(?<![a-z]){re.escape(name)}(?![a-z])", lower) if name.isascii() else name in text for name in _lexicon()["famous"])
        or _NAMED_ZH.search(text)
        or _person(text)
    ):
        raise Refused(
            "That asks for a real person, and faces here are invented: nobody's likeness is made from a name.",
            "Describe the face instead: age, hair, glasses, smile. A photo of somebody who agrees goes into “Choose a photo”.",
            zh=(
                "这是在要一个真实的人，而这里的脸都是虚构的：不会凭名字做出谁的样子。",
                "请改为描述这张脸：年龄、头发、眼镜、笑容。若有本人同意的照片，请用“选一张照片”。",
            ),
        )
    if _CHILD.search(text) and not _GROWN.search(lower):
        raise Refused("Faces here are of adults only.", "Ask for somebody of eighteen or more.", zh=("这里只画成年人的脸。", "请描述十八岁以上的人。"))


def _person(text: str) -> bool:
    """Whether words name somebody: two capitalised words beside each other in a text that isn't all capitalised, or a name after "looks like"."""
    known = set(_lexicon()["no_names"])
    told = _NAMED.search(text)
    if told and not set(told[1].split()) <= known and told[1].split()[0] not in known:
        return True
    pairs = [pair for pair in _PAIR.findall(text) if pair[0] not in known and pair[1] not in known]
    words = re.findall(r"[A-Za-z']+", text)
    return bool(pairs) and sum(word[0].isupper() for word in words) < 0.6 * len(words) + 1 and not text.istitle()


def _taken(patterns: list[tuple[str, Mapping[str, Any]]], text: str, asked: Look) -> str:
    """Sets what patterns say and gives the text without their words; what is set already stays."""
    for pattern, sets in patterns:
        found = re.search(pattern if pattern.startswith("\\b") or not pattern[0].isascii() or not pattern[0].isalpha() else rf"\b(?:{pattern})", text)
        if found:
            for name, value in sets.items():
                asked.setdefault(name, value)  # type: ignore[arg-type]
            text = " ".join((text[: found.start()] + " " + text[found.end() :]).split())
    return text


def _colour(found: str, also: Mapping[str, str]) -> str:
    found = re.sub(r"gr[ae]y", "grey", found)
    return also.get(found, found)


def _read_en(text: str, asked: Look) -> list[str]:
    words = _lexicon()["en"]
    text = text.lower().replace("’", "'")
    for pattern, turned in (
        (r"\b(\d{2})[- ]year", None),
        (r"\b(?:of|aged?|is|about|around)\s+(\d{2})\b|,\s*(\d{2})\b(?=\s*(?:,|$))", None),
        (r"\bin (?:his|her|their|the) (?:early |mid |late )?(\w+?)(?:ies)\b", "ties"),
        (r"\b(?:of|aged?)\s+(?:about |around )?(twenty|thirty|forty|fifty|sixty|seventy|eighty)", "word"),
    ):
        found = re.search(pattern, text)
        if found:
            age = words["ages"].get(found[1]) if turned == "word" else words["ages"].get(found[1] + "y", 0) + 4 if turned else int(found[1] or found[2])
            if age and 18 <= age <= 99:
                asked.setdefault("age", float(min(age, 85)))
                text = text[: found.start()] + " " + text[found.end() :]
    found = (
        re.search(
            rf"\b({words['hair_words']})[- ,]+(?:(?:and )?(?:long|short|curly|wavy|straight|very|cropped|tousled|thick|shoulder-length|loose)[- ,]+)*"
            rf"(?:hair(?:ed)?|curls|waves|bob|pixie|afro|bun|ponytail|locks|coils|ringlets|fringe|bangs|quiff|buzz)",
            text,
        )
        or re.search(r"\bhair\s+(?:is|dyed|colou?red)?\s*(" + words["hair_words"] + r")\b", text)
        or re.search(r"\b(blonde?|brunette|redhead(?:ed)?|ginger)\b", text)
    )
    if found:
        name = {"brunette": "dark brown", "redhead": "red", "redheaded": "red"}.get(found[1], found[1])
        asked["hair colour"] = _colour(name, words["hair_colours"])
        text = text[: found.start(1)] + " " + text[found.end(1) :]
    found = re.search(
        rf"\b({words['hair_words']})[- ,]+(?:(?:and )?(?:full|long|short|big|bushy|thick|thin|trimmed|neat|wispy)[- ,]+)*"
        r"(?:beard(?:ed)?|moustached?|mustached?|goatee|stubble|whiskers)\b",
        text,
    )
    if found and "hair colour" not in asked:             # a beard is painted in the colour of the hair
        asked["hair colour"] = _colour(found[1], words["hair_colours"])
        text = text[: found.start(1)] + " " + text[found.end(1) :]
    found = re.search(r"\b(dark brown|brown|hazel|amber|golden|green|blue|gr[ae]y|dark|light)(?:[- ]+(?:\w+ )?eye[sd]?)\b", text)
    if found:
        asked["eyes"] = _colour(found[1], words["eyes"])
        text = text[: found.start()] + " " + text[found.end() :]
    for piece, kind in words["pieces"].items():
        found = (
            re.search(rf"\b(?:({words['cloth_words']})\s+)?(?:\w+ )?(?:{piece})\b", text)
            if piece != "dress"
            else re.search(rf"\b(?:({words['cloth_words']})\s+)(?:dress)\b|\ba dress\b", text)
        )
        if found:
            asked["clothes"] = kind
            if found[1]:
                asked["clothes colour"] = _colour(found[1], words["cloth_colours"])
            text = text[: found.start()] + " " + text[found.end() :]
            break
    found = re.search(rf"\b(?:in|wearing|dressed in) ({words['cloth_words']})\b", text)
    if found and "clothes" not in asked:
        asked["clothes colour"] = _colour(found[1], words["cloth_colours"])
        text = text[: found.start()] + " " + text[found.end() :]
    found = re.search(rf"\b({words['cloth_words']}) (?:background|wall|backdrop)", text)
    if found:
        asked["background colour"] = _colour(found[1], words["cloth_colours"])
        asked.setdefault("background", "plain")
        text = text[: found.start()] + " " + text[found.end() :]
    text = _taken(words["first"], " ".join(text.split()), asked)
    text = _taken(words["hair"], text, asked)
    text = _taken(words["then"], text, asked)
    return [word for word in re.findall(r"[a-z][a-z'-]+", text) if word not in _lexicon()["filler"] and len(word) > 2]


def _read_zh(text: str, asked: Look) -> list[str]:
    words = _lexicon()["zh"]
    found = re.search(r"(\d{2})\s*(?:多)?岁|([二三四五六七八])十(?:多|来|几|[一二三四五六七八九])?岁", text)
    if found:
        age = int(found[1]) if found[1] else words["ages"][found[2]] + (4 if "多" in found[0] or "几" in found[0] else 0)
        if 18 <= age <= 99:
            asked["age"] = float(min(age, 85))
        text = text.replace(found[0], " ")
    for lexicon, name, after in (
        (words["eyes"], "eyes", r"色?的?(?:眼睛|眼珠|眼眸|瞳|双?眼)"),
        (
            words["hair_colours"],
            "hair colour",
            r"色?的?(?:头发|短?发|长发|卷发|直发|短卷发|长直发|长卷发|长波浪发|波波头|马尾|丸子头|爆炸头|寸头|刘海|偏分|精灵|飞机头|鬈发|(?:大|小|长|短)?(?:胡子|胡须|络腮胡|八字胡|山羊胡|胡茬))",
        ),
        (words["cloth_colours"], "background colour", r"色?的?背景"),
    ):
        found = re.search(f"({'|'.join(sorted(lexicon, key=len, reverse=True))}){after}", text)
        if found:
            asked[name] = lexicon[found[1]]
            text = (
                text[: found.start()] + " " + text[found.start() + len(found[1]) + (1 if text[found.start() + len(found[1]) :].startswith("色") else 0) :]
                if name == "hair colour"
                else text.replace(found[0], " ")
            )
    for piece, kind in words["pieces"].items():
        found = re.search(f"({'|'.join(sorted(words['cloth_colours'], key=len, reverse=True))})?色?的?(?:{piece})", text)
        if found:
            asked["clothes"] = kind
            if found[1]:
                asked["clothes colour"] = words["cloth_colours"][found[1]]
            text = text.replace(found[0], " ")
            break
    text = _taken(words["then"], text, asked)
    for filler in "一位个名的有着了穿戴留和与及着在是张脸头发眼睛皮肤背景色岁请画我要想带，。、；,.!！ 她他人":
        text = text.replace(filler, " ")
    return [part for part in text.split() if len(part) > 1]


def _finish(asked: Look) -> None:
    """What follows from what was said: curls by sex and length, silver hair of who is old."""
    if asked.get("hair") == "curly":
        asked["hair"] = "long curly" if asked.get("gender") == "woman" and float(asked.get("age", 30)) < 50 else "curly short"
    for name in [name for name, value in asked.items() if isinstance(row := ATTRIBUTES[name], Choice) and value not in row.often]:
        del asked[name]
    if asked.get("features") == "african" and "skin" not in asked:
        asked["skin"] = 0.78
