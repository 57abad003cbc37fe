"""The histories that recall is tuned on and measured with: well made, and nothing of the exam in them."""
from __future__ import annotations

from collections import Counter

import memory_dev
import pytest
from test_exams import LONGEST_SHARED, exam, pieces


@pytest.mark.parametrize("language", ("en", "zh"))
@pytest.mark.parametrize(("of", "people"), (("memory_dev", 20), ("memory_dev2", 4)))
def test_enough_of_every_kind_in_both_halves(of, people, language):
    found = memory_dev.histories(language, of)
    assert len(found) >= people and len({history.name for history in found}) == len(found)
    counts = Counter((history.part, ask.kind) for history in found for ask in history.asks)
    assert all(counts[part, kind] >= 4 for part in ("tune", "measure") for kind in memory_dev.KINDS), counts
    for history in found:
        labels = [label for _, label, _ in history.told if label]
        assert len(labels) == len(set(labels))
        for ask in history.asks:
            assert set(ask.gold) | set(filter(None, [ask.old])) <= set(labels) and bool(ask.gold) is (ask.kind != "never"), ask
            assert len(ask.gold) == (2 if ask.kind == "several" else 1 if ask.gold else 0) and bool(ask.old) is (ask.kind == "now"), ask


@pytest.mark.parametrize("language", ("en", "zh"))
@pytest.mark.parametrize("of", memory_dev.SETS)
def test_nothing_of_the_exam_is_in_them(of, language):
    n = LONGEST_SHARED[language]
    taken = {piece for text in exam(language) for piece in pieces(text, language, n)}
    mine = [text for history in memory_dev.histories(language, of) for text in (*(text for _, _, text in history.told), *(ask.text for ask in history.asks))]
    mine += (memory_dev.DATA / of / f"chatter.{language}.txt").read_text("utf-8").splitlines()
    found = sorted({piece for text in mine for piece in pieces(text, language, n) if piece in taken})
    assert not found, "\n".join(found)
