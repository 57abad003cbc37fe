"""Remarks that anybody takes up in the same way, whatever their story: talk.<language>.yaml; and what a short question is plainly about."""
from __future__ import annotations

import re
from functools import lru_cache
from pathlib import Path

import yaml

from persona.rules import Rule, read
from persona.words import simplify, spell_out


def remark(text: str, language: str, late: bool) -> Rule | None:
    """The first rule that fits; `late`: of those that are only used where nothing else fits."""
    said = plain(text, language)
    return next((rule for rule in read(f"talk.{language}.yaml").values() if rule.late == late and rule.fits(said)), None)


def topics(text: str, language: str) -> list[str]:
    """Ids of the general lines that a question is plainly about."""
    said = plain(text, language)
    return [own for own, pattern in _topics(language) if pattern.search(said)]


def plain(text: str, language: str) -> str:
    """Lower case without punctuation; Chinese simplified and without spaces."""
    if language == "zh":
        return re.sub(r"[^\w]", "", simplify(text))
    return " ".join(re.sub(r"[^\w\s]", " ", spell_out(text)).split())


@lru_cache(maxsize=2)
def _topics(language: str) -> list[tuple[str, re.Pattern[str]]]:
    data = yaml.safe_load((Path(__file__).parent / "topics.yaml").read_text("utf-8"))
    return [(own, re.compile(row[language], re.IGNORECASE)) for own, row in data.items()]
