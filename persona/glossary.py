"""The small glossary of the gists, Chinese and English, both ways."""
from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import yaml

DAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
DAY_ZH = "一二三四五六日"
HANZI = "\u4e00-\u9fff"


@dataclass(frozen=True)
class Glossary:
    """`chinese`: word -> (kind, English); `english`: word -> (kind, Chinese)."""
    chinese: dict[str, tuple[str, str]]
    english: dict[str, tuple[str, str]]
    things: dict[str, tuple[str, str]]                  # of these the ones that are not verbs


@lru_cache(maxsize=1)
def glossary() -> Glossary:
    """glossary.yaml, both ways."""
    data = yaml.safe_load((Path(__file__).parent / "glossary.yaml").read_text("utf-8"))
    chinese: dict[str, tuple[str, str]] = {}
    english: dict[str, tuple[str, str]] = {}
    for kind, text in data.items():
        for pair in filter(str.strip, text.split(";")):
            zh, _, en = pair.strip().partition("=")
            words = en.split("/")
            chinese.setdefault(zh, (kind, words[0]))
            for word in words:
                english.setdefault(word.lower(), (kind, zh))
    things = {en: (kind, zh) for kind, text in data.items() if kind not in ("verb", "time") for pair in reversed(text.strip(" \n;").split(";"))
              for zh, _, side in [pair.strip().partition("=")] for en in side.lower().split("/")}
    return Glossary(chinese, english, {**english, **things})
