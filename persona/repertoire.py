"""All that one twin can say in one language without a model: its own lines, lines for anybody, and its facts; found by meaning."""
from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property, lru_cache
from pathlib import Path

import numpy as np

from persona import nearby
from persona.card import Persona
from persona.fields import Fact, facts, statement
from persona.gist import gist
from persona.lines import Line, Quoted, general
from persona.mention import kind_in
from persona.search import Embed, Index, Overlap, content_of, holds_zh, kind_zh, remembering, units_zh
from persona.talk import topics
from persona.words import normal, words_of

_NO_NAMES = words_of("I Monday Tuesday Wednesday Thursday Friday Saturday Sunday Chinese English")


@dataclass(frozen=True)
class Margins:
    """From which score on a line is said as it is (`close`), shown to the model (`middling`); a fact is the answer (`fact`) or worth
    falling back to (`near`)."""
    close: float
    middling: float
    fact: float
    near: float
    same: float                                          # from where on two ways of asking ask for the same


_CALLED = re.compile("(?:老师|师傅|老板娘?|大[姐哥爷妈]|阿姨|叔叔|医生|大夫|教练|馆长)(?=.{2})")
MARGINS = {"en": Margins(0.74, 0.42, 0.52, 0.42, 0.80), "zh": Margins(0.52, 0.30, 0.42, 0.26, 0.70)}
PLAIN = Margins(0.62, 0.35, 0.50, 0.32, 0.72)                  # English without an embedder


@dataclass(frozen=True)
class Hit:
    line: Line
    score: float
    own: bool
    ask: str


@dataclass(frozen=True)
class Known:
    fact: Fact
    score: float


class Repertoire:
    """Indexes are made at the first question of the language."""

    def __init__(self, persona: Persona, own: Sequence[Line], language: str, embed: Embed | None, cache: Path | None,
                 shared: Path | None = None, scene: Sequence[Line] = ()):
        self.persona, self.language, self.own, self.anybody, self.scene = persona, language, tuple(own), general(language), tuple(scene)
        self.margins = MARGINS[language] if language == "zh" or embed else PLAIN
        self._embed, self._cache, self._shared = (remembering(embed) if embed else None), cache, shared or cache
        self.all_facts = facts(persona)
        mine = tuple(fact for fact in self.all_facts if fact.language == language)
        sources = {fact.source for fact in mine}
        others = [fact for fact in self.all_facts if fact.language != language and fact.source not in sources]
        others = [fact for fact in others if not (fact.source.startswith(("description", "tagline")) and persona.description.get(language))]
        self.written = {fact.source: fact.text for fact in others}   # what stands in the other language only
        put = [Fact(said, language, fact.source) for fact in others if (said := gist(fact.text, language))]
        self.facts = mine + tuple(put)
        done = {fact.source for fact in put}
        self.abroad = tuple(fact for fact in others if fact.source not in done)
        values = {"name": persona.text("name", language)}
        self.quoted = Quoted([*self.own, *self.scene, *self.anybody], values)
        self.lines = {line.id: line for line in (*self.anybody, *self.scene, *self.own)}
        self._kept_hits = lru_cache(maxsize=8)(self._hits)   # one question is looked up several times on its way to a reply
        self._kept_known = lru_cache(maxsize=8)(self._known)

    @cached_property
    def _own(self) -> tuple[Index, np.ndarray]:
        return self._index(self.own, self._cache)

    @cached_property
    def _anybody(self) -> tuple[Index, np.ndarray]:
        return self._index(self.anybody, self._shared)

    @cached_property
    def _scene(self) -> tuple[Index, np.ndarray]:
        return self._index(self.scene, self._shared)

    @cached_property
    def _facts(self) -> Index:
        return Index([fact.text for fact in self.facts], self.language, self._embed, self._cache)

    @cached_property
    def _shared_facts(self) -> Overlap:
        return Overlap([normal(fact.text, "zh") for fact in self.facts])

    @cached_property
    def _shared_own(self) -> Overlap:
        return Overlap(self._own[0].texts)

    @cached_property
    def _own_kinds(self) -> list[str]:
        """What each way of asking for a line of its own wants, in Chinese."""
        return [kind_zh(text) for text in self._own[0].texts]

    @cached_property
    def _shared_scene(self) -> Overlap:
        return Overlap(self._scene[0].texts)

    @cached_property
    def _scene_kinds(self) -> list[str]:
        return [kind_zh(text) for text in self._scene[0].texts]

    @cached_property
    def names(self) -> list[set[str]]:
        """The names in each fact: capitalised words behind its first, or what stands in Chinese quotes or behind 叫."""
        own = {word for name in self.persona.name.values() for word in (name, *name.split())}
        if self.language == "en":
            found = [set(re.findall(r"(?<=[a-z,] )[A-Z][a-z]+", fact.text)) for fact in self.facts]
        else:
            found = [{one or other for one, other in re.findall(r"“([^”]{2,8})”|(?<=叫)([\u4e00-\u9fff]{2,4})", fact.text)} for fact in self.facts]
        return [{name for name in names if name not in own and name not in _NO_NAMES} for names in found]

    @cached_property
    def called(self) -> dict[str, str]:
        """Names of people and animals in the facts -> their kind (Rafael -> siblings)."""
        return {name: kind for fact, names in zip(self.facts, self.names) if (kind := kind_in(fact.text)) for name in names}

    @cached_property
    def _naming(self) -> list[re.Pattern[str] | None]:
        """For each fact what finds one of its names in a question, or None."""
        return [re.compile("|".join(rf"(?<!\w){re.escape(name)}(?!\w)" if name.isascii() else re.escape(name) for name in sorted(names)))
                if names else None for names in self.names]

    def warm(self) -> None:
        """Makes the indexes now."""
        _ = self._own, self._anybody, self._scene, self._facts

    def vector(self, query: str) -> np.ndarray | None:
        return self._anybody[0].vector(query)

    def alike(self, question: str, sentence: str) -> float:
        """Cosine of a question and a sentence, or 1 where no embedder is at hand."""
        vectors = [self.vector(text) for text in (question, sentence)]
        return 1.0 if vectors[0] is None or vectors[1] is None else float(vectors[0] @ vectors[1])

    def hits(self, query: str, last: str) -> tuple[list[Hit], list[Hit]]:
        """(own lines, lines for anybody), best first, one hit a line. A line that follows another counts only right after it."""
        return self._kept_hits(query, last)

    def known(self, query: str) -> list[Known]:
        """Facts of this language, best first."""
        return self._kept_known(query)

    def _hits(self, query: str, last: str) -> tuple[list[Hit], list[Hit]]:
        vector = self.vector(query)
        found = [(self._best(self.own, self._own, asked, last, vector, True), self._others(asked, last, vector))
                 for asked in self._ways(query)]
        return max(found, key=lambda both: max((hit.score for hits in both for hit in hits[:1]), default=0.0))

    def _ways(self, query: str) -> tuple[str, ...]:
        """A short Chinese question that names nobody is of the one spoken to; so is one that begins with what one calls them: 老师教什么."""
        if self.language != "zh" or len(query) > 15 or re.search("[你您我他她它谁]", query):
            return (query,)
        called = _CALLED.match(query)
        return (query, "你" + query, *(["你" + query[called.end():]] if called else []))

    def _others(self, asked: str, last: str, vector: np.ndarray | None) -> list[Hit]:
        """Lines for anybody, with those of its scene a step before them."""
        anybody = self._best(self.anybody, self._anybody, asked, last, vector, False)
        scene = [replace(hit, score=hit.score + 0.05, own=False) for hit in self._best(self.scene, self._scene, asked, last, vector, True)] if self.scene else []
        return sorted([*scene, *anybody], key=lambda hit: -hit.score)

    def _known(self, query: str) -> list[Known]:
        if not self.facts:
            return []
        scores = self._facts.scores(query, self.vector(query))
        scores = np.maximum(scores, self._facts.scores(statement(query, self.language)))
        if self.language == "en" and (content := content_of(normal(query, "en"))):
            scores = np.where([content <= content_of(fact.text.lower()) for fact in self.facts], np.maximum(scores, 0.56), scores)
        if self.language == "en":
            scores = np.where([nearby.holds(query, fact.text) for fact in self.facts], np.maximum(scores, 0.56), scores)
        if self.language == "zh":
            asked = normal(query, "zh")
            shared = self._shared_facts.scores(asked, False)
            wants = kind_zh(asked)
            fits = np.array([holds_zh(wants, fact.text) for fact in self.facts])
            scores = np.maximum(scores, shared * 0.75) * np.where(fits, 1.0, 0.5)
        named = [names is not None and bool(names.search(query)) for names in self._naming]
        scores = np.maximum(scores, np.where(named, 0.7 + scores * 0.2, 0.0))
        return [Known(self.facts[i], float(scores[i])) for i in np.argsort(-scores, kind="stable")]

    def about(self, line: Line, pool: Sequence[Fact] | None = None, language: str = "") -> list[Fact]:
        """The facts that a line for anybody asks after, in the card's order, facts before the description."""
        if language and language != self.language:
            line = next((other for other in general(language) if other.id == line.id), line)
        if not line.fact:
            return []
        found = [fact for fact in (self.facts if pool is None else pool) if re.search(line.fact, fact.text, re.IGNORECASE)]
        if pool is None and self.written:
            other = next((other.fact for other in general("zh" if self.language == "en" else "en") if other.id == line.id), "")
            found = [fact for fact in self.facts if fact in found or other and re.search(other, self.written.get(fact.source, ""), re.IGNORECASE)]
        told = [fact for fact in found if fact.source.startswith("fact")]
        if line.id == "job" and self.written and len(told) < len(found):
            return [fact for fact in found if fact not in told]   # a gist is too plain to tell a trade from a habit
        if self.language == "en" and line.id in ("job", "who-are-you") and pool is None and (main := self._occupation()):
            return [main]
        if self.language == "en" and line.id in ("food", "drink"):
            told = [fact for fact in told if re.search(r"\b(love|like|favou?rite|adore|enjoy|live on|every day)\b", fact.text)] or told
        if line.id == "married":
            told = [fact for fact in told if kind_in(fact.text) in ("wife", "husband", "girlfriend", "boyfriend", "")] or told
        return told or found

    def _occupation(self) -> Fact | None:
        """The sentence of the description that tells its trade, not a hobby or an oddity."""
        trade = next(line.fact for line in self.anybody if line.id == "job")
        rows = [fact for fact in self.facts if fact.source.startswith("description")]
        return next((fact for fact in rows if re.search(trade, fact.text, re.IGNORECASE)), None)

    def same_intent(self, line: Line, last: str) -> Hit | None:
        """The own line that people ask for in the same words as `line` for anybody, if there is one."""
        best: Hit | None = None
        index, owner = self._anybody
        if not self.own or line.id.startswith("know-") or line in self.scene:
            return None
        for i in np.flatnonzero(owner == self.anybody.index(line)):
            hits = self._best(self.own, self._own, index.texts[i], last, index.row(int(i)), True)
            if hits and hits[0].score >= self.margins.same and (best is None or hits[0].score > best.score):
                best = hits[0]
        return best

    def _index(self, lines: Sequence[Line], cache: Path | None) -> tuple[Index, np.ndarray]:
        owner = [number for number, line in enumerate(lines) for _ in line.ask]
        return Index([ask for line in lines for ask in line.ask], self.language, self._embed, cache), np.array(owner, int)

    def _best(self, lines: Sequence[Line], indexed: tuple[Index, np.ndarray], query: str, last: str, vector: np.ndarray | None, own: bool) -> list[Hit]:
        index, owner = indexed
        if not len(index):
            return []
        scores = index.scores(query, vector) * index.sides(query)
        plainly: list[str] = []
        if own and self.language == "zh":
            asked = normal(query, "zh")
            wants = kind_zh(asked)
            same = np.array([kind == wants for kind in (self._own_kinds if lines is self.own else self._scene_kinds)])
            shared = (self._shared_own if lines is self.own else self._shared_scene).scores(asked, True)
            if units_zh(asked):
                scores = np.where((shared == 0) & (scores < 0.75), scores * 0.8, scores)
            scores = np.maximum(scores, shared * 0.85 * np.where(same, 1.0, 0.6))
        elif not own:
            plainly = topics(query, self.language)
            for number, line in enumerate(lines):
                if line.id in plainly:
                    scores[owner == number] = np.maximum(scores[owner == number], 0.86 - 0.02 * plainly.index(line.id))
            if self.language == "zh":
                scores = np.where([lines[i].id.startswith("know-") for i in owner], np.where(scores > 0.66, scores, 0), scores)
        found: dict[str, Hit] = {}
        for i in np.argsort(-scores, kind="stable")[:60]:
            line = lines[owner[i]]
            if line.id in found or line.follow and line.follow != last:
                continue
            bonus = 0.12 if line.follow and scores[i] < 0.95 else 0.0
            found[line.id] = Hit(line, float(scores[i]) + bonus, own, index.texts[i])
        return sorted(found.values(), key=lambda hit: -hit.score)
