"""What must not be taught: pieces of the exams, as checksums, so that nobody reads an exam here. tests/test_compose.py holds the file to the exams."""
from __future__ import annotations

import re
from array import array
from collections.abc import Iterable, Iterator
from functools import cache
from pathlib import Path
from zlib import crc32

FILE = Path(__file__).with_name("heldout.bin")
LONG = {"en": 5, "zh": 8}                                # words, characters: from that length on a piece of text is somebody's own
_WORD = re.compile(r"[a-z0-9']+")
_RUN = re.compile(r"[\u3400-\u9fff]{8,}")


def pieces(text: str, language: str) -> Iterator[str]:
    """All runs of LONG words, or of LONG Chinese characters that no mark interrupts."""
    n = LONG[language]
    if language == "zh":
        for run in _RUN.findall(text):
            for i in range(len(run) - n + 1):
                yield run[i:i + n]
        return
    words = _WORD.findall(text.lower().replace("\u2019", "'"))
    for i in range(len(words) - n + 1):
        yield " ".join(words[i:i + n])


@cache
def held_out() -> frozenset[int]:
    """Checksums of the exams' pieces; empty where the file is missing."""
    if not FILE.is_file():
        return frozenset()
    sums = array("I")
    sums.frombytes(FILE.read_bytes())
    return frozenset(sums)


def allowed(text: str, language: str) -> bool:
    sums = held_out()
    return all(crc32(piece.encode()) not in sums for piece in pieces(text, language))


def write(every: Iterable[tuple[str, str]]) -> int:
    """(text, language) of all that is held out -> FILE; how many pieces."""
    sums = sorted({crc32(piece.encode()) for text, language in every for piece in pieces(text, language)})
    FILE.write_bytes(array("I", sums).tobytes())
    return len(sums)
