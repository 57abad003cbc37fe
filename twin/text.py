"""Text on its way to and from a voice: what a user may send, sentences to be checked, clauses to be spoken, what was heard of them."""
from __future__ import annotations

import re
import unicodedata
from collections.abc import AsyncGenerator, Iterator
from contextlib import aclosing

from .errors import Refused

LONGEST = 4_000                                          # characters of one question; a page of a book has some 2,000
_CJK = r"\u3040-\u30ff\u3400-\u9fff\uf900-\ufaff"
_HAN = re.compile(f"[{_CJK}]")
_ENDS, _PAUSES = ".!?…。！？", ";:,—；：，、"
_MARKS = re.escape(_ENDS + _PAUSES)
# Where a text may be cut: behind marks, what they close and the blank behind them, or behind a line.
_PLACE = re.compile(rf"[{_MARKS}](?:[{_MARKS}”’」』）》】)\]]|[\"'](?=\s|\Z|[{_MARKS}])|[*_]{{1,3}}(?=\s|\Z)|\s{{1,9}}(?=[{_MARKS}])){{0,60}}\s{{0,60}}|"
                    rf"\n\s{{0,60}}")
# What is never cut: a code block, a link, code in a line, something acted (*smiles, and waves*); and how it looks before its end has come.
_WHOLE = re.compile(r"!?\[[^\[\]\n]{0,200}\]\([^()\n]{0,600}\)|(?<!`)`[^`\n]{1,200}`|(?<![A-Za-z0-9*])\*(?![\s*])[^*\n]{1,120}\*(?!\*)")
_OPEN = re.compile(r"!?\[[^\[\]\n]{0,200}(?:\](?:\([^()\n]{0,600})?)?\Z|`{1,2}\Z|(?<!`)`[^`\n]{1,200}\Z|(?<![A-Za-z0-9*])\*(?:(?![\s*])[^*\n]{1,120}\*?)?\Z")
_STOP = re.compile(rf"!?\[|`|\*|[{_MARKS}\n]")
# A full stop behind these ends no sentence: ever; before a figure; unless a word like BEGINNING follows.
_NEVER = frozenset(("Mr", "Mrs", "Ms", "Dr", "Prof", "Rev", "Gen", "Col", "Sgt", "Capt", "Lt", "Gov", "Sen", "Hon", "Mt", "Mme", "Messrs", "vs", "e.g", "i.e",
                    "cf", "viz", "approx", "E.g", "I.e", "Approx"))
_NUMBERED = frozenset(("no", "nos", "p", "pp", "fig", "figs", "vol", "ch", "sec", "art", "eq", "ver", "apt", "ca", "op", "jan", "feb", "mar", "apr", "jun",
                       "jul", "aug", "sep", "sept", "oct", "nov", "dec", "tel", "ext", "par"))
_MAYBE = frozenset(("etc", "inc", "ltd", "co", "corp", "jr", "sr", "st", "ave", "blvd", "rd", "dept", "est", "bros", "al", "esp", "rep", "univ", "misc",
                    "min", "max"))
_DOTTED = re.compile(r"(?:[A-Za-z]{1,2}\.)+[A-Za-z]{1,2}|[A-HJ-Z]")                # U.S  p.m  Ph.D  and an initial
BEGINNING = re.compile(r"(?:The|An?|Its?|He|She|They|We|You|I|I['’](?:m|ll|d|ve)|This|That|These|Those|There|Then|But|And|So|Or|My|Your|His|Her|Our|Their|"
                       r"In|On|At|If|When|What|Why|How|Who|Where|Yes|No|Not|Please|Let|Do|Did|Does|Is|Are|Was|Were|Can|Could|Would|Will|Now|Today|After|"
                       r"Before|Also|As|For|To|With|From|All|Some|Maybe|However|Next)(?![\w])")
_HELD = re.compile(r"[A-Za-z][A-Za-z.]*\Z")


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
    """Whole sentences, so that each can be checked before it is spoken; one longer than `longest` characters is cut at a clause. Joined they are
    the text, and they are the same however it came in tokens: a place at the end of what has come is cut only once more has."""
    async for part in _cut(tokens, Cutter(2, 2, longest)):
        yield part


async def clauses(tokens: AsyncGenerator[str, None], first: int = 10, rest: int = 36, settled: bool = False) -> AsyncGenerator[str, None]:
    """Clauses that a voice can speak. `first` and `rest` are their least lengths: the first may be short so that the voice starts early. `settled`:
    what comes are whole sentences, whose ends need no waiting for what follows."""
    async for part in _cut(tokens, Cutter(first, rest), settled):
        yield part


async def _cut(tokens: AsyncGenerator[str, None], cutter: Cutter, settled: bool = False) -> AsyncGenerator[str, None]:
    async with aclosing(tokens) as source:
        async for token in source:
            cutter.held += token
            while part := cutter.cut(settled):
                yield part
    while part := cutter.cut(True):
        yield part
    if cutter.held.strip():
        yield cutter.held


class Cutter:
    """Text as it comes, in parts of at least `first` and then `rest` units (a CJK character counts for three Latin ones). With `longest`, parts are
    sentences, and only one that has no end within so many characters is cut at a clause of at least that many units."""

    def __init__(self, first: int, rest: int, longest: int = 0):
        self.first, self.rest, self.longest = first, rest, longest
        self.held = ""
        self.count = self.at = self.clause = 0           # parts cut; where to look on; where a long sentence could be cut
        self.fresh = True                                # what is held begins a line

    def cut(self, complete: bool) -> str:
        """The next part, or "" while none is certain. `complete`: what is held ends where a part may end."""
        end = self._end(complete)
        part, self.held = self.held[:end], self.held[end:]
        if end:
            self.fresh = part.rstrip(" \t").endswith("\n")
            self.count, self.at, self.clause = self.count + 1, 0, 0
        return part

    def _end(self, complete: bool) -> int:
        least = self.rest if self.count else self.first
        for found, end in self._places(complete):
            if end < 0:                                  # it is not known yet what stands here
                return self.clause if self.clause and found >= self.longest else 0
            sentence = self._ends(found, end)
            if self.clause and (found >= self.longest or sentence and end > self.longest):
                return self.clause
            if (units := end + 2 * cjk(self.held[:end])) >= least and (sentence or not self.longest):
                return end
            if self.longest and not self.clause and units >= self.longest:
                self.clause = end
        return self.clause if len(self.held) > self.longest else 0

    def _places(self, complete: bool) -> Iterator[tuple[int, int]]:
        """(start of the marks, end of the part) of every place that may be cut, from self.at on; (start, -1) where more must come first."""
        held = self.held
        while found := _STOP.search(held, self.at):
            start = found.start()
            self.at = start
            if held.startswith("```", start):
                close = held.find("```", start + 3)
                if close < 0:
                    if complete:
                        self.at = len(held)
                        return
                    yield start, -1
                    return
                self.at = close + 3
                continue
            if not complete and _OPEN.match(held, start):
                yield start, -1
                return
            if whole := _WHOLE.match(held, start):
                self.at = whole.end()
                continue
            place = _PLACE.match(held, start)
            if not place:
                self.at = found.end()
                continue
            if place.end() == len(held) and not complete:
                yield start, -1
                return
            verdict = self._verdict(start, place.end(), complete)
            if verdict is None:
                yield start, -1
                return
            self.at = place.end()
            if verdict:
                yield start, place.end()
        self.at = len(held)

    def _ends(self, start: int, end: int) -> bool:
        """Whether a sentence ends here, and not only a clause."""
        marks = [c for c in self.held[start:end] if c in _ENDS + _PAUSES]
        return "\n" in self.held[start:end] or bool(marks) and marks[-1] in _ENDS

    def _verdict(self, start: int, end: int, complete: bool) -> bool | None:
        """Whether the marks at `start` are a place to cut; None while the word behind them has not come whole."""
        held = self.held
        marks = held[start:end].rstrip()
        before, behind = held[start - 1:start] if start else "", held[end:end + 1]
        if not marks or "\n" in held[start:end] and marks != ".":
            return True
        if len(marks) == 1 and before.isdecimal() and behind.isdecimal() and end == start + 1:
            return False                                 # 3.5  10：30  3,000
        if end < len(held) and end == start + len(marks) and marks.isascii() or marks == "—" and end == start + 1 and behind:
            han = _HAN.match(before) and not (marks == "." and behind.isalnum()) or _HAN.match(behind) and not (marks in ".:" and before.isdecimal())
            if not han:                                  # in Latin script with a blank behind it
                return False
        if marks != ".":
            return True
        line = held[held.rfind("\n", 0, start) + 1:start]
        if re.fullmatch(r"\s*(?:\d{1,3}|[a-zA-Z])", line) and (self.fresh or len(line) < start) and behind:
            return False                                 # "1. First"
        word = _HELD.search(held[max(0, start - 16):start])
        if not word or not behind:
            return True
        said = word[0]
        if said in _NEVER:
            return False
        if said.lower() in _NUMBERED and behind.isdecimal():
            return False
        if "\n" in held[start:end] or not (said.lower() in _MAYBE or _DOTTED.fullmatch(said)):
            return True
        following = re.match(r"[A-Za-z'’]*", held[end:end + 24])
        if following is None or not following[0]:
            return not behind.isdecimal()
        if end + following.end() == len(held) and not complete:
            return None
        return bool(BEGINNING.match(held, end))


def cjk(text: str) -> int:
    """The number of Chinese or Japanese characters."""
    return len(re.findall(f"[{_CJK}]", text))


def share(text: str, part: float) -> str:
    """The first `part` (0..1) of a text, cut between words; between characters where there are no spaces."""
    units = re.findall(rf"[{_CJK}][^\w{_CJK}\s]*|[^\s{_CJK}]+\s*|\s+", text)
    return "".join(units[: int(len(units) * max(0.0, min(1.0, part)))])
