"""The invented cards are well made: enough of everything, keys that compile and take the fact's own words, no wording twice."""
from __future__ import annotations

import re
from collections import Counter

import pytest
import yaml

from persona.card import Persona
from tests import persona_dev

FOLDERS = [(folder, language, cards) for folder, cards in (("persona_dev2", 6), ("persona_dev3", 4)) for language in ("en", "zh")]
EVERY = [(language, row) for folder, language, _ in FOLDERS for row in persona_dev.rows(folder, language)]


def pieces(text: str, language: str) -> set[str]:
    """Runs of five words, or of eight Chinese characters that no mark interrupts."""
    if language == "zh":
        return {run[at:at + 8] for run in re.findall(r"[\u3400-\u9fff]+", text) for at in range(len(run) - 7)}
    words = re.findall(r"[a-z0-9']+", text.lower().replace("’", "'"))
    return {" ".join(words[at:at + 5]) for at in range(len(words) - 4)}


@pytest.mark.parametrize(("folder", "language", "cards"), FOLDERS)
def test_enough_of_everything(folder, language, cards):
    rows = persona_dev.rows(folder, language)
    assert len(rows) == cards
    for row in rows:
        counts = Counter(kind for kind, *_ in persona_dev.probes(row))
        assert counts["paraphrase"] >= 5 and counts["synonym"] >= 5 and counts["follow_up"] >= 4 and counts["unknown"] >= 8, row["card"]["name"]
        assert counts["inference"] + counts["wrong"] >= 6 and counts["wrong"] >= 2, row["card"]["name"]
        card = Persona.parse(row["card"])
        assert 20 <= len(card.facts) <= 24 and card.description and card.style


@pytest.mark.parametrize(("language", "row"), EVERY, ids=[row["card"]["name"] for _, row in EVERY])
def test_keys_take_the_facts_own_words_and_hardly_any_other_fact(language, row):
    facts = [*row["card"]["facts"], row["card"]["description"]]
    for kind, before, text, wanted in persona_dev.probes(row):
        assert (len(before) % 2 == 0 and bool(before) is (kind == "follow_up")) and text, text
        if kind == "unknown":
            assert not wanted
            continue
        taking = [fact for fact in facts if persona_dev.right("paraphrase", language, fact, wanted)]
        assert 1 <= len(taking) <= 2, (text, wanted, taking)
        assert not any(pieces(text, language) & pieces(fact, language) for fact in facts), text


@pytest.mark.parametrize("language", ["en", "zh"])
def test_no_wording_twice(language):
    asked: dict[str, str] = {}
    for name, text in [(row["card"]["name"], text) for of, row in EVERY if of == language for _, _, text, _ in persona_dev.probes(row)]:
        assert all(asked.setdefault(piece, name) == name for piece in pieces(text, language)), text


def test_the_files_are_what_is_read():
    for folder in {folder for folder, *_ in FOLDERS}:
        for path in (persona_dev.HERE / "data" / folder).iterdir():
            assert re.fullmatch(r"[a-z]+\.(en|zh)\.yaml", path.name) and set(yaml.safe_load(path.read_text("utf-8"))) == {"card", "ask", "wrong", "unknown"}
