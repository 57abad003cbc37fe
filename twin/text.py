"""Text on its way to and from a voice: what a user may send, sentences to be checked, clauses to be spoken, what was heard of them."""
from __future__ import annotations

import re
import unicodedata
from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing

from .errors import Refused

LONGEST = 4_000                                          # characters of one question; a page of a book has some 2,000
_CJK = r"\u3040-\u30ff\u3400-\u9fff\uf900-\ufaff"
# A clause ends at punctuation: in Latin script with a space behind it ("3.5" is one number), in CJK at once.
_CLAUSE = re.compile(r"[.!?…]+[\"'”’)\]]*\s+|[;:,—]\s+|\n+|[。！？；，、：…]+[”’」』）]*")
_SENTENCE = re.compile(r"[.!?…]+[\"'”’)\]]*\s+|\n+|[。！？…]+[”’」』）]*")
_ABBREVIATION = re.compile(r"\b(?:Mr|Mrs|Ms|Dr|Prof|St|vs|etc|e\.g|i\.e|[A-Z])\.\s*$")


def clean(text: str) -> str:
    """What the user typed, without control and formatting characters. Raises Refused when nothing is left, or far too much."""
    kept = "".join(c for c in text if c in "\n\t" or unicodedata.category(c) not in ("Cc", "Cs", "Co", "Cn") and c not in "\u202e\u202d\ufeff")
    kept = re.sub(r"[ \t]+", " ", kept).strip()
    if not kept:
        raise Refused("There was nothing to read.", "Type a question, or hold the microphone button and speak.")
    if len(kept) > LONGEST:
        raise Refused(f"That is {len(kept):,} characters; I can take in {LONGEST:,} at a time.", "Shorten it, or send it in parts.")
    return kept


async def sentences(tokens: AsyncGenerator[str, None], longest: int = 70) -> AsyncGenerator[str, None]:
    """Whole sentences, so that each can be checked before it is spoken; one longer than `longest` characters is cut at a clause."""
    async for part in _cut(tokens, lambda held, _: _end(_SENTENCE, held, 2) or (_end(_CLAUSE, held, longest) if len(held) > longest else 0)):
        yield part


async def clauses(tokens: AsyncGenerator[str, None], first: int = 10, rest: int = 36) -> AsyncGenerator[str, None]:
    """Clauses that a voice can speak. `first` and `rest` are their least lengths: the first may be short so that the voice starts early."""
    async for part in _cut(tokens, lambda held, count: _end(_CLAUSE, held, rest if count else first)):
        yield part


async def _cut(tokens: AsyncGenerator[str, None], find: Callable[[str, int], int]) -> AsyncGenerator[str, None]:
    held, count = "", 0
    async with aclosing(tokens) as source:
        async for token in source:
            held += token
            while cut := find(held, count):
                yield held[:cut]
                held, count = held[cut:], count + 1
    if held.strip():
        yield held


def _end(pattern: re.Pattern[str], held: str, least: int) -> int:
    """Where the first part of at least `least` units ends (a CJK character counts for three Latin ones), or 0."""
    for match in pattern.finditer(held):
        end = match.end()
        if end + 2 * cjk(held[:end]) >= least and not _ABBREVIATION.search(held[:end]):
            return end
    return 0


def cjk(text: str) -> int:
    """The number of Chinese or Japanese characters."""
    return len(re.findall(f"[{_CJK}]", text))


def share(text: str, part: float) -> str:
    """The first `part` (0..1) of a text, cut between words; between characters where there are no spaces."""
    units = re.findall(rf"[{_CJK}][^\w{_CJK}\s]*|[^\s{_CJK}]+\s*|\s+", text)
    return "".join(units[: int(len(units) * max(0.0, min(1.0, part)))])
