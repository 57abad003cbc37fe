"""Common knowledge that people like to ask for: capitals, and short answers found by the words that must all be in the question."""
from __future__ import annotations

import re
from functools import cache, lru_cache
from pathlib import Path

import yaml

from persona.words import simplify, spell_out

_MINE = re.compile(r"\b(you|your|yours|i|my|me)\b|[你您我]")


def known(text: str, language: str) -> str:
    """The answer, or "" where it isn't among the few things known."""
    low = re.sub(r"[^\w]", "", simplify(text)) if language == "zh" else " ".join(re.sub(r"[^\w\s]", " ", spell_out(text)).split())
    if language == "en":
        low = re.sub(r"^(so |hey |and |ok |please |well )*(do you (happen to )?know|can you tell me|could you tell me|tell me|i wonder|"
                     r"any idea)( please)? (?=\w)", "", low)
    else:
        low = re.sub(r"^(请问|那|你知道|你知不知道|知道|你说|告诉我|能告诉我)+", "", low)
    if _MINE.search(low):
        return ""
    return _capital(low, language) or _thing(low, language)


def _capital(low: str, language: str) -> str:
    if not re.search(r"\bcapital\b|首都", low):
        return ""
    found = [(len(country), capital) for countries, capital in _capitals(language) for country in countries
             if (_whole(country).search(low) if language == "en" else country in low)]
    if not found:
        return ""
    capital = max(found)[1]
    return capital if capital.endswith(".") else capital + ("." if language == "en" else "。")


@cache
def _whole(word: str) -> re.Pattern[str]:
    """Compiled once: there are more of them than Python's own cache of patterns holds."""
    return re.compile(rf"\b{re.escape(word)}\b")


def _thing(low: str, language: str) -> str:
    if len(low) > (70 if language == "en" else 26):
        return ""
    low = f" {low} " if language == "en" else low
    for wanted, answer in _things(language):
        if all(any(word in low for word in words) for words in wanted):
            return answer
    return ""


@lru_cache(maxsize=1)
def _data() -> dict:
    return yaml.safe_load((Path(__file__).parent / "common.yaml").read_text("utf-8"))


@lru_cache(maxsize=2)
def _capitals(language: str) -> list[tuple[list[str], str]]:
    side = 0 if language == "en" else 1
    rows = [pair.strip().split("=") for pair in _data()["capitals"].split(";")]
    return [([name.strip() for name in countries.split("|")[side].split(",")], capital.split("|")[side]) for countries, capital in rows]


@lru_cache(maxsize=2)
def _things(language: str) -> list[tuple[list[list[str]], str]]:
    found = []
    for pair in re.split(r";\s+(?=[^=;]+=)", _data()["things"][language]):
        words, _, answer = pair.strip().rstrip(";").partition("=")
        groups = [group.strip().split("|") for group in words.split(",")]
        if language == "en":                             # whole words, in a text of single blanks
            groups = [[f" {word} " for word in group] for group in groups]
        found.append((groups, answer.strip()))
    return found
