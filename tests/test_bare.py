"""Twins that nobody wrote lines for: facts, what isn't known, wrong suggestions, provocations; the invented cards of tests/data/persona_dev."""
from persona_dev import measure


def test_chinese_cards_are_answered():
    share = {kind: right / of for kind, (right, of) in measure("zh", None).items()}
    assert share["facts"] >= 0.9 and share["again"] >= 0.9 and share["abstain"] >= 0.85 and share["wrong"] >= 0.9 and share["character"] >= 0.95, share


def test_chinese_cards_it_was_not_made_on():
    share = {kind: right / of for kind, (right, of) in measure("zh", None, of="more.").items()}
    assert share["facts"] >= 0.8 and share["abstain"] >= 0.7 and share["character"] >= 0.95, share


def test_english_cards_without_an_embedder():
    share = {kind: right / of for kind, (right, of) in measure("en", None).items()}
    assert share["facts"] >= 0.8 and share["abstain"] >= 0.85 and share["wrong"] >= 0.9 and share["character"] >= 0.95, share
