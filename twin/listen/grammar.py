"""A small language model made of the sentences that people are likely to say to this twin.

A recogniser of general English takes a synthetic or accented "how much is a flat tyre" for something else; a bigram model of the twin's own
questions does not. Written as an ARPA file, the format that CMU's decoders read (cmusphinx.github.io/wiki/arpaformat).
"""
from __future__ import annotations

import math
import re
from collections import Counter, defaultdict
from collections.abc import Iterable

START, END = "<s>", "</s>"


def words_of(sentence: str) -> list[str]:
    """Lower-case English words of a sentence, apostrophes kept."""
    return re.findall(r"[a-z]+(?:'[a-z]+)*", sentence.lower().replace("’", "'"))


def arpa(sentences: Iterable[list[str]]) -> str:
    """A bigram model with Witten-Bell smoothing (Witten and Bell 1991) over the given sentences, as ARPA text."""
    follow: dict[str, Counter[str]] = defaultdict(Counter)
    unigrams: Counter[str] = Counter()
    for words in sentences:
        path = [START, *words, END]
        unigrams.update(path[1:])
        for a, b in zip(path, path[1:]):
            follow[a][b] += 1
    total = sum(unigrams.values())
    share = {w: n / total for w, n in unigrams.items()}
    lines = ["\\data\\", f"ngram 1={len(share) + 1}", f"ngram 2={sum(map(len, follow.values()))}", "", "\\1-grams:"]
    for word in [START, *share]:
        kinds, count = len(follow[word]), sum(follow[word].values())
        backoff = math.log10(kinds / (kinds + count)) if kinds else 0.0
        lines.append(f"{-99.0 if word == START else math.log10(share[word]):.4f} {word} {backoff:.4f}")
    lines += ["", "\\2-grams:"]
    for a, next_words in follow.items():
        kinds, count = len(next_words), sum(next_words.values())
        for b, n in next_words.items():
            p = n / (kinds + count) + kinds / (kinds + count) * share[b]
            lines.append(f"{math.log10(min(p, 1.0)):.4f} {a} {b}")
    return "\n".join([*lines, "", "\\end\\", ""])
