"""A mind taken along: all that a twin can say without a model, as plain data for a page that has neither Python nor an embedder.

Every way in which people put a question is asked of the mind here, so what it would say lies beside the question; what the page adds is finding
the nearest of these questions by character n-grams (assets/web/alone_mind.js, the same ranking as persona/search.py). Rules travel as their
expressions. What depends on the clock, on a sum or on what the user said before stays behind.
"""
from __future__ import annotations

import re
from collections.abc import Iterator, Sequence, Set
from datetime import datetime
from functools import cached_property
from typing import Any

import numpy as np

from persona import chat, cited, rules, search, wanted, words
from persona.card import Persona, language_written
from persona.check import Grounds
from persona.documents import Library, instructs
from persona.lines import Line, fill
from persona.mind import Answer, Mind
from persona.offers import offer
from persona.repertoire import PLAIN, Repertoire
from persona.search import Embed
from persona.talk import _topics

# By the clock, by what was said before, or by what only the server does. Their replies are not carried.
MOVING = frozenset(("time", "date", "day", "tomorrow", "yesterday", "year", "sum", "sum-about", "sum-zero", "sum-big", "name-told", "name-told-again",
                    "name-changed", "name-asked", "told-asked", "told-unknown", "you-said", "i-said", "nothing-said", "slower", "louder", "quieter",
                    "speak-en", "speak-zh", "greet-back", "again", "again-new", "as-said", "gist", "quoted", "none-but", "not-told", "day-yes", "day-no"))
ALWAYS = ("crisis", "crisis-other", "crisis-stay", "emergency", "human", "made-by", "harm", "medical")      # spoken before its own lines
VARIANTS = {"greeting": 3, "unknown": 2, "unknown-self": 2, "talk-beyond": 2, "heard": 2}     # how many ways of saying these are spoken, else one
BLANK = ("empty", "question-mark", "dots", "emoji-happy", "emoji-sad", "emoji", "gibberish")
UNKNOWN, UNKNOWN_SELF, HEARD = "unknown", "unknown-self", "heard"
MOST_ASKS = 6000                                         # of one language
MOST_SENTENCES = 4000                                    # of documents
_WORD = r"A-Za-z0-9_\u00c0-\u024f\u3400-\u9fff"


class Carried:
    """What one language of a mind holds. `steps()` asks the mind, a little at a time; `data` is there when it is through."""

    def __init__(self, mind: Mind, language: str, now: datetime):
        self.mind, self.language, self.now = mind, language, now
        self.room: Repertoire = mind._rooms[language]
        self.values = mind._values(language, "")
        self.says: list[dict[str, Any]] = []             # each text once, in the order in which it is worth being spoken
        self.replies: dict[str, dict[str, Any]] = {}     # id -> {"step", "mood", "say": numbers of says}
        self.asks: list[tuple[str, str, str]] = []       # question, id of its reply, id of the line it must follow
        self.shared: list[tuple[str, str, str]] = []     # the same, of lines for anybody
        self.facts: list[tuple[str, str, str]] = []      # fact, id of its reply, expression that finds a name of it
        self.rules: list[dict[str, Any]] = []
        self._numbers: dict[str, int] = {}
        self._common: dict[str, list[str]] = {}          # id of a line -> the replies that its ways of asking got
        self._rank = 0

    def steps(self) -> Iterator[float]:
        """Yields how far it is, 0..1."""
        self._fixed()
        own = [(ask, line, self.asks) for line in self.room.own for ask in line.ask]
        common = [(ask, line, self.shared) for line in self.room.anybody for ask in line.ask]
        rows = (own + common)[:MOST_ASKS]
        for number, (ask, line, into) in enumerate(rows):
            self._rank = 1 if into is self.asks else 5
            if line.follow:
                into.append((ask, self._line(line), line.follow))
            elif reply := self.reply(self.mind.answer((), ask, now=self.now, language=self.language)):
                into.append((ask, reply, ""))
                self._common.setdefault(line.id, []).append(reply)
            if number % 50 == 49:
                yield number / len(rows)
        self._rest()
        yield 1.0

    def reply(self, answer: Answer) -> str:
        """The id of the reply that an answer of the mind is; "" for one that cannot be carried."""
        text, step = (answer.text, answer.step) if answer.text else (answer.fallback, answer.fallback_step)
        source = answer.sources[0] if answer.sources else ""
        if step == "unknown" or not text:
            return UNKNOWN_SELF if source == UNKNOWN_SELF else UNKNOWN
        if source in MOVING or answer.language != self.language:
            return ""
        if len(answer.sources) == 1 and (row := self._rows.get(source)) and text in self._filled(row):
            return self._reply(source, step, answer.mood, self._filled(row))
        return self._reply(f"={text}", step, answer.mood, [text])

    @property
    def data(self) -> dict[str, Any]:
        """JSON for the page."""
        margins, chinese = (self.room.margins, True) if self.language == "zh" else (PLAIN, False)
        return {"replies": self.replies, "asks": self.asks, "shared": self.shared, "facts": self.facts, "rules": self.rules,
                "margins": {"close": margins.close, "fact": margins.fact, "near": margins.near},
                "question": script((chat._ASKS_ZH if chinese else chat._ASKS_EN).pattern),
                "wants": {kind: script(one) for kind, one in search._WANTS.items()} if chinese else {},
                "holds": {kind: script(one) for kind, one in search._HOLDS.items()} if chinese else {},
                "topics": [[script(one.pattern), max(set(got), key=got.count)] for own, one in _topics(self.language) if (got := self._common.get(own))]}

    def starters(self, spoken: Set[int] = frozenset()) -> list[str]:
        """What one may ask first: ways of asking for what is spoken, its own lines before anybody's."""
        opens = r"(what(?! a\b)|how|why|where|who|which|do|did|have|tell)\b" if self.language == "en" else r"(你|谁|什么|怎么|为什么|哪).*(什么|怎么|吗|谁|哪|多少|几)"
        seen: set[str] = set()
        found: list[str] = []
        for ask, reply, follow in (*self.asks, *self.shared):
            wide = len(ask) * (2 if self.language == "zh" else 1)
            row = self.replies[reply]
            if reply in seen or follow or not 12 <= wide <= 34 or not re.match(opens, ask.lower()) or row["step"] not in ("line", "fact"):
                continue
            if spoken and not spoken & set(row["say"]) or self.language == "en" and re.search(r"\b(u|ur|r|whats|hows)\b|[^\w\s'?]", ask):
                continue
            seen.add(reply)
            found.append(self.written(ask))
        if spoken and len(found) < 4:
            return self.starters()
        return found[:: max(1, len(found) // 8)][:8]

    def written(self, ask: str) -> str:
        """A way of asking as one would write it, with capitals and a question mark."""
        if self.language == "zh":
            return ask if ask[-1] in "？?！!。" else ask + "？"
        named = {name.lower(): name for names in self.room.names for name in names} | {word.lower(): word for word in self.values["name"].split()}
        text = " ".join("I" if word == "i" else named.get(word, word) for word in ask.split())
        text = text[:1].upper() + text[1:]
        return text if text[-1] in "?.!" or re.match(r"(?i)tell", text) else text + "?"

    # What is said.

    @cached_property
    def _rows(self) -> dict[str, Any]:
        """Everything with an id that has texts of its own: lines and rules."""
        talk = rules.read(f"talk.{self.language}.yaml")
        return {**rules.load(self.language), **talk, **self.room.lines}

    def _filled(self, row: Line | rules.Rule) -> list[str]:
        """Its variants with the {places} filled that hold for everybody."""
        fact = next((fact.text for fact in self.room.facts if fact.source.startswith("fact")), "")
        offers = [offer(self.room.facts, self.language, "", salt) for salt in range(3)]
        found = [fill(text, {**self.values, "fact": fact, "offer": offers[number % 3]}) for number, text in enumerate(row.say)]
        return list(dict.fromkeys(text.strip() for text in found if text and text.strip()))

    def _fixed(self) -> None:
        """What a page must be able to say, before anything else."""
        greeting = self.mind.greeting(self.language)
        own = list(self.mind.persona.greeting.get(self.language) or (greeting.text,))
        self._reply("greeting", "greeting", greeting.mood, [text for one in own if (text := fill(one, self.values))] or [greeting.text])
        for name in (UNKNOWN_SELF, UNKNOWN):
            self._reply(name, "unknown", self.room.lines[name].mood, self._filled(self.room.lines[name]))
        for name in (HEARD, "talk-beyond", *ALWAYS):
            if row := self._rows.get(name):
                self._reply(name, "rule" if name in ALWAYS else "line" if name == HEARD else "unknown", row.mood, self._filled(row))

    def _rest(self) -> None:
        """Facts, and what is answered by rule."""
        named, self._rank = self.room._naming, 2
        for number, fact in enumerate(self.room.facts):
            found = self.mind._replies[self.language].as_fact([fact], 1.0)
            names = named[number]
            self.facts.append((fact.text, self._reply(f"={found.text}", "fact", "neutral", [found.text]), script(names.pattern) if names else ""))
        self._rank = 4
        for name in BLANK:
            if row := self._rows.get(name):
                self._reply(name, "rule", row.mood, self._filled(row))
        self.rules = list(self._rules())

    def ranked(self) -> list[int]:
        """Numbers of `says`, what is most worth a voice first: the fixed ones, then one variant of each reply, the twin's own before anybody's."""
        return sorted(range(len(self.says)), key=lambda n: (self.says[n]["later"], self.says[n]["rank"], n))

    def _line(self, line: Line) -> str:
        return self._reply(line.id, "line", line.mood, self._filled(line))

    def _reply(self, name: str, step: str, mood: str, texts: Sequence[str]) -> str:
        if name not in self.replies:
            self.replies[name] = {"step": step, "mood": mood, "say": [self._say(text, mood, number >= VARIANTS.get(name, 1)) for number, text in enumerate(texts)]}
        return name

    def _say(self, text: str, mood: str, later: bool) -> int:
        if text not in self._numbers:
            self._numbers[text] = len(self.says)
            self.says.append({"text": text, "mood": mood, "later": later, "rank": self._rank})
        return self._numbers[text]

    # What is answered by rule.

    def _rules(self) -> Iterator[dict[str, Any]]:
        """In the order in which they are tried; `stage`: care, rule, remark, late."""
        early = True
        for stage, table in (("rule", rules.load(self.language)), ("remark", rules.read(f"talk.{self.language}.yaml"))):
            for own, rule in table.items():
                early = early and stage == "rule" and own != "attack"
                texts = self._filled(rule)
                if not rule.when or own in MOVING or not texts:
                    continue
                self._rank = 4 if stage == "rule" else 3
                step = "rule" if stage == "rule" else "unknown" if own == "talk-beyond" else "line"
                yield {"stage": "care" if early else "late" if rule.late else stage, "soft": rule.soft, "when": script(rule.when.pattern),
                       "unless": script(rule.unless.pattern) if rule.unless else "", "id": own, "reply": self._reply(own, step, rule.mood, texts)}


def papers(library: Library, persona: Persona, most: int = MOST_SENTENCES) -> tuple[dict[str, Any], int]:
    """({"documents", "rows", "wanting"}, how many sentences had no room) of documents without anything private: for each sentence that may be said its
    document, page, heading and passage, and of each document how a quotation of it begins."""
    names: list[dict[str, Any]] = []
    rows: list[list[Any]] = []
    passage = left = 0
    for document in (one for one in library.documents if not one.private):
        title = document.title
        names.append({"title": title, **{tongue: list(dict.fromkeys(cited.lead(title, tongue, salt) for salt in range(3))) for tongue in ("en", "zh")}})
        for sentences, page, heading in document.passages:
            for sentence in sentences:
                grounds = Grounds(persona, language_written(sentence), "", (), (), "")
                if instructs(sentence) or grounds.check(" ".join(sentence.split())) in cited.FATAL:
                    continue
                if len(rows) < most:
                    rows.append([" ".join(sentence.split()), len(names) - 1, page, heading, passage])
                else:
                    left += 1
            passage += 1
    return {"documents": names, "rows": rows, "wanting": wanting()}, left


def wanting() -> dict[str, Any]:
    """How a question is read for documents (persona/wanted.py), for the page."""
    return {"dull": sorted(wanted._DULL), "to": wanted._TO, "irregular": wanted._IRREGULAR, "same_zh": [[script(pattern), with_] for pattern, with_ in wanted._SAME_ZH],
            "kinds": [[kind, script(wants), script(holds), list(words)] for kind, wants, holds, words in wanted._KINDS], "weak": sorted(wanted.WEAK),
            "asking_zh": script(wanted._ASKING_ZH.pattern), "dull_zh": script(wanted._DULL_ZH.pattern)}


def spelling() -> dict[str, Any]:
    """How words are brought to one spelling (persona/words.py), for the page."""
    return {"traditional": words._TRADITIONAL, "simplified": words._SIMPLIFIED, "contractions": _pairs(words._CONTRACTIONS),
            "same": _pairs(words._SAME_ZH), "particles": script(words._PARTICLES.pattern), "leads": {"en": script(words._LEADS_EN.pattern),
            "zh": script(words._LEADS_ZH.pattern)}, "dull": {"en": sorted(search.DULL), "zh": script(search._DULL_ZH.pattern)}}


def _pairs(rows: Sequence[tuple[str, str]]) -> list[list[str]]:
    return [[script(pattern), re.sub(r"\\(\d)", r"$\1", with_)] for pattern, with_ in rows]


def script(pattern: str) -> str:
    r"""An expression of Python's as JavaScript reads it: its \w knows ASCII alone. Raises ValueError for what it has no form of."""
    if re.search(r"\(\?P|\(\?[aiLmsux]+[):]|\\[AZ]|[^\\]\\W[^\[]*\]", pattern):
        raise ValueError(f"no such expression in JavaScript: {pattern[:60]}")
    out, inside, at = [], False, 0
    while at < len(pattern):
        one = pattern[at]
        if one == "\\" and at + 1 < len(pattern):
            pair = pattern[at:at + 2]
            out.append({"\\w": _WORD if inside else f"[{_WORD}]", "\\W": f"[^{_WORD}]"}.get(pair, pair))
            at += 2
            continue
        inside = one == "[" or inside and one != "]"
        out.append(one)
        at += 1
    return "".join(out)


def foreseen(mind: Mind, known: dict[str, np.ndarray]) -> None:
    """Put the embeddings of all that a mind compares questions with into `known` (normalised text -> [d]), so that asking it needs few anew."""
    for room in mind._rooms.values():
        for index in (room._own[0], room._anybody[0], room._facts):
            for number, text in enumerate(index.texts):
                if (row := index.row(number)) is not None:
                    known.setdefault(text, row)


def remembered(embed: Embed | None, known: dict[str, np.ndarray]) -> Embed | None:
    """The same embedder, which looks into `known` first."""
    if embed is None:
        return None
    return lambda texts: (np.stack([known[text] for text in texts]) if texts and all(text in known for text in texts) else embed(texts))
