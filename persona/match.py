"""How likely each fact of a twin answers a question, and how likely none does: by weights that were learned (twin/train/match.py) from many things that
show it: nearness in meaning, words in common, the kind of thing asked for, whose it is, what was said just before. Where a cross-encoder is handed in
(twin/think/cross.py), the likeliest facts are read with the question, and what is read counts with the rest. Judges; says nothing."""
from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import yaml

from persona import nearby
from persona.fields import Fact
from persona.holding import Holding, Row, _table, asked
from persona.search import Embed
from persona.search import _matrix as matrix
from persona.words import normal, simplify, words_of

FILE = Path(__file__).resolve().parents[1] / "assets" / "weights" / "match.yaml"     # beside it match.en.npy and match.zh.npy: see Examples
SEEN = (0, 3, 9, 13, 15, 24, 40, 41, 42, 46, 47)                            # features of the best facts that tell whether there is an answer
PLAIN = [15, 17, 18]                                     # share of the question's words, kind of thing, topic: 1 where the fact has them all
SURE, PLAINLY = 0.45, 0.3                                # from here on a fact is said; one that has the question's own words
MOST, MOST_AFTER = 12, 7                                 # facts that are read with a question; with what was said before it as well
UNREAD = -12.0                                           # stands for what would have been read of the others
BOTH = 0.4                                               # a second fact this nearly as likely is said too
KINDS = ("money", "time", "duration", "age", "number", "person", "place", "name", "colour", "why")
_CLAUSE = re.compile(r"[,;:.!?—](?=\s|$)|\s(?:and|but|because|so|which|who|when|where|after|until|since)\s|[，。；：！？、]")
_YES_NO = {"en": re.compile(r"^(?:(?:so|and|but|well|oh|then|ok|okay)\b[, ]*)*(?:do|does|did|is|are|was|were|have|has|had|can|could|will|would|should|may|shall|must|am)\b"), "zh": re.compile("吗|[么没]？?$|[能会要可行是有]不|有没有|吧$|行不")}
_OPEN = {"en": re.compile(r"\b(?:what|which|who|whose|whom|when|where|why|how)\b"), "zh": re.compile("什么|啥|哪|谁|几|多少|怎么|咋|为何|多[大久长高远重]|如何")}
_ME = {"en": re.compile(r"\b(?:i|me|my|we|us|our)\b"), "zh": re.compile("[我俺咱]")}
_YOU = {"en": re.compile(r"\b(?:you|your|yours)\b"), "zh": re.compile("[你您]")}
_THEY = {"en": re.compile(r"\b(?:he|she|him|her|his|they|them|their|it|its|that|there|those|one|ones|this)\b"), "zh": re.compile("[他她它这那]")}
_HANGS = {"en": re.compile(r"(?i)^(?:and|so|but|or|what about|how about|why|since when|really|then)\b|\b(?:he|she|him|her|his|hers|they|them|their|it|its|that|there|those|these|this|one|ones|then|same|other|else|too)\b"),
          "zh": re.compile("[他她它那这]|呢|还有|后来|当时|其中|另外|一共|别的|也")}
_NAME = re.compile(r"(?<=[\w,'’;:] )[A-Z][\w’'-]+")
_NOT_NAMES = words_of("I I'm I've I'd I'll Monday Tuesday Wednesday Thursday Friday Saturday Sunday January February March April May June July August September October November December")


Cross = Callable[[str, Sequence[str], str], np.ndarray]  # question, n facts, what was said before or "" -> [n + 1]: logits of each fact and of none


def hangs(question: str, language: str) -> bool:
    """Whether a question may hang on what was said before it."""
    short = len(question) <= 8 if language == "zh" else len(question.split()) <= 5
    return short or bool(_HANGS[language].search(question))


def clauses(text: str) -> list[str]:
    """The parts of a sentence that could each be an answer, where there are several."""
    parts = [part.strip() for part in _CLAUSE.split(text) if part and len(part.strip()) > (7 if part.isascii() else 2)]
    return parts if len(parts) > 1 else []


@dataclass(frozen=True)
class Judged:
    """`facts`: best first, with the share of the belief that each answers; `none`: the share that none does; `plain`: all that is asked stands in the best
    in the question's own words, and the kind of thing asked for too (the weights have learned from questions in other words)."""
    facts: tuple[tuple[Fact, float], ...]
    none: float
    plain: bool = False

    @property
    def best(self) -> float:
        """How likely the best fact is the answer, of it and none."""
        return self.facts[0][1] / (self.facts[0][1] + self.none) if self.facts else 0.0

    @property
    def sure(self) -> bool:
        return self.best >= (PLAINLY if self.plain else SURE)

    def holds(self, sources: Sequence[str], quoted: bool) -> bool:
        """Whether what was found otherwise is of the fact that is the likeliest, or says in words of its own what follows from one that isn't unlikely."""
        shares = {fact.source: share for fact, share in self.facts}
        share = max((shares[source] for source in sources if source in shares), default=1.0)
        return self.sure and share >= self.facts[0][1] or not quoted and share >= 0.3 * max(self.none, self.facts[0][1])

    @property
    def told(self) -> list[Fact]:
        """The best fact, with the second where it is nearly as likely."""
        return [fact for fact, share in self.facts[:2] if share >= (1.0 if fact is self.facts[0][0] else BOTH) * self.facts[0][1]]


@dataclass(frozen=True)
class Weights:
    """Linear: `fact` [k] of a fact's features, `null` [j + 2 * len(SEEN)] of the question's and of how the best facts stand out, `bias`."""
    fact: np.ndarray
    null: np.ndarray


@dataclass(frozen=True)
class Examples:
    """Of each of some topics the embeddings of questions people ask [a, d] and of facts that answer them [b, d], topic by topic; where each topic begins."""
    asked: np.ndarray
    asked_from: np.ndarray
    told: np.ndarray
    told_from: np.ndarray

    def of_question(self, vector: np.ndarray, apart: bool = False) -> np.ndarray:
        """[d] -> [topics]: the nearest question of each. `apart`: the very same text doesn't count."""
        return np.maximum.reduceat(_others(self.asked @ vector, apart), self.asked_from)

    def of_facts(self, vectors: np.ndarray, apart: bool = False) -> np.ndarray:
        """[n, d] -> [n, topics]."""
        return np.maximum.reduceat(_others(vectors @ self.told.T, apart), self.told_from, axis=1)


def _others(near: np.ndarray, apart: bool) -> np.ndarray:
    return np.clip(np.where(near > 0.995, 0, near) if apart else near, 0, 1)


@lru_cache(maxsize=1)
def learned() -> dict[str, Weights]:
    """language -> weights; empty where the files aren't there."""
    try:
        return {language: Weights(*(np.array(own[name], np.float32) for name in ("fact", "null"))) for language, own in _file()["weights"].items()
                if FILE.with_name(f"match.{language}.npy").is_file()}
    except OSError:
        return {}


@lru_cache(maxsize=1)
def weighing() -> dict[str, tuple[float, ...]]:
    """language -> how much it counts what was read of a fact, and what else shows; what none is taken for, and how much more so where the question hangs on what
    was said before. Empty where that was not learned."""
    try:
        return {language: tuple(own) for language, own in _file().get("reading", {}).items()}
    except OSError:
        return {}


@lru_cache(maxsize=1)
def _file() -> dict[str, Any]:
    return yaml.load(FILE.read_text("utf-8"), getattr(yaml, "CSafeLoader", yaml.SafeLoader))


@lru_cache(maxsize=2)
def examples(language: str) -> Examples:
    """Errors: OSError."""
    rows = np.load(FILE.with_name(f"match.{language}.npy"), allow_pickle=False).astype(np.float32)
    rows /= np.linalg.norm(rows, axis=1, keepdims=True)
    topics = _file()["topics"][language]
    asked, told = (np.array([one[at] for one in topics]) for at in (0, 1))
    return Examples(rows[:asked.sum()], np.concatenate([[0], asked.cumsum()[:-1]]), rows[asked.sum():], np.concatenate([[0], told.cumsum()[:-1]]))


def standing(x: np.ndarray) -> np.ndarray:
    """[n, k] -> [2 * len(SEEN)]: of some features the highest of all facts, and how far it stands above the next."""
    if len(x) < 2:
        x = np.concatenate([x, np.full((2 - len(x), x.shape[1]), -1, np.float32)])
    best = -np.sort(-x[:, SEEN], axis=0)[:2]
    return np.stack([best[0], best[0] - best[1]], 1).reshape(-1)


class Match:
    """Of the facts of one twin in one language. `embed`: texts -> [n, d] or None; `english`: Chinese -> its words in English."""

    def __init__(self, holding: Holding, embed: Embed, english: Callable[[str], str], cache: Path | None = None, cross: Cross | None = None):
        self.cross = cross
        self.holding, self.facts, self.language, self._embed, self._english, self._cache = holding, holding.facts, holding.language, embed, english, cache
        self.judge = lru_cache(maxsize=8)(self._judge)   # one question is judged several times on its way to a reply
        self.apart = False                               # while learning: what is an example itself is not compared with itself

    def put(self, text: str) -> str:
        """A text as the embedder gets it."""
        return normal(text, "en") if self.language == "en" else self._english(text)

    def whole(self, text: str) -> str:
        """A text as the cross-encoder gets it: Chinese with its characters behind a line break."""
        return (self.put(text) or "-") + ("" if self.language == "en" else f"\n{simplify(text)}")

    @cached_property
    def _vectors(self) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Of the facts [n, d], of their clauses [m, d], and whose clause each is [m]."""
        parts = [(n, part) for n, fact in enumerate(self.facts) for part in clauses(fact.text)]
        made = matrix([self.put(text) or "-" for text in (*(fact.text for fact in self.facts), *(part for _, part in parts))], self._embed, self._cache)
        return made[:len(self.facts)], made[len(self.facts):], np.array([n for n, _ in parts], int)

    @cached_property
    def _topics(self) -> np.ndarray:
        """[n, topics]: how near each fact is to those of each topic."""
        return examples(self.language).of_facts(self._vectors[0], self.apart)

    @cached_property
    def _stems(self) -> list[frozenset[str]]:
        return [nearby.concepts(self.put(fact.text)) for fact in self.facts]

    @cached_property
    def _seen(self) -> Counter[str]:
        return Counter(stem for stems in self._stems for stem in stems)

    def _idf(self, stem: str) -> float:
        return math.log((1 + len(self.facts)) / (0.5 + self._seen.get(stem, 0)))

    @cached_property
    def _kinds(self) -> dict[str, Row]:
        return {row.id: row for row in _table()[0][self.language] if row.part == "kinds"}

    def _judge(self, question: str, before: tuple[str, ...] = ()) -> Judged:
        """What the weights make of a question."""
        own = learned()[self.language]
        x, y = self.features(question, before)
        scores = np.append(x @ own.fact, own.null @ np.concatenate([y, standing(x)]))
        if self.cross and self.language in weighing():
            read, rest, none, after = weighing()[self.language]
            none += after if before and hangs(question, self.language) else 0.0
            scores = np.append(read * self.read(question, before, scores[:-1]) + rest * (scores[:-1] - scores[-1]), none)
        shares = np.exp(scores - scores.max())
        shares /= shares.sum()
        order = np.argsort(-shares[:-1], kind="stable")
        plain = len(order) > 0 and bool(x[order[0], PLAIN].min() > 0.99)
        return Judged(tuple((self.facts[i], float(shares[i])) for i in order), float(shares[-1]), plain)

    def read(self, question: str, before: Sequence[str], likely: np.ndarray) -> np.ndarray:
        """[n]: how much better each fact answers than none does, as the cross-encoder reads it; of the likeliest only."""
        assert self.cross is not None
        last = self.whole(before[-1]) if before and hangs(question, self.language) else ""
        some = np.argsort(-likely, kind="stable")[:MOST_AFTER if last else MOST]
        logits = self.cross(self.whole(question), [self._puts[i] for i in some], last)
        found = np.full(len(self.facts), UNREAD, np.float32)
        found[some] = logits[:-1] - logits[-1]
        return found

    @cached_property
    def _puts(self) -> list[str]:
        return [self.whole(fact.text) for fact in self.facts]

    def features(self, question: str, before: Sequence[str] = ()) -> tuple[np.ndarray, np.ndarray]:
        """(of each fact [n, k], of the question [j]). `before`: what was said just before, user and twin by turns, the last last."""
        n, language, holding = len(self.facts), self.language, self.holding
        low = normal(question, "en") if language == "en" else simplify(question)
        want = asked(question, language)
        put = self.put(question)
        told = before[-1] if before else ""
        focus = [fact for fact in self.facts if fact.text.rstrip(".。") in told]
        # nearness
        own, part, owner = self._vectors
        mark = "" if language == "en" else "?"
        first = np.asarray(self._embed([(put or "-") + mark]))[0]     # one by one: what was embedded for another index is not made again
        last = np.asarray(self._embed([f"{self.put(' '.join(before[-2:]))} {put}{mark}"]))[0] if before else first
        near, late = own @ first, own @ last
        clause = near.copy()
        if len(part):
            np.maximum.at(clause, owner, part @ first)
        topic = (self._topics * examples(language).of_question(first, self.apart)).max(1)     # a question and a fact near to those of one topic
        # words
        stems = nearby.concepts(put)
        total = sum(self._idf(stem) for stem in stems) or 1.0
        share = np.array([sum(self._idf(stem) for stem in stems & own) / total for own in self._stems], np.float32)
        both = np.array([len(stems & own) for own in self._stems], np.float32)
        ago = nearby.concepts(self.put(" ".join(before[-2:]))) if before else frozenset()
        back = np.array([sum(self._idf(stem) for stem in ago & own) / (sum(self._idf(stem) for stem in ago) or 1.0) for own in self._stems], np.float32)
        # what the tables say
        held = {one.fact: one for one in holding.find(question, None, focus)}
        rows = [held[fact] for fact in self.facts]
        table = np.array([one.score for one in rows], np.float32)
        own_share = np.array([one.share for one in rows], np.float32)
        about = np.array([float(one.about) for one in rows], np.float32)
        apt = np.array([float(one.apt) for one in rows], np.float32)
        on = np.array([float(one.on) for one in rows], np.float32)
        who = [holding.holds(row) for row in want.who]
        spoken = np.array([float(any(held[i] for held in who)) for i in range(n)], np.float32)
        kin = np.array([float(one) for one in holding._of_kin], np.float32)
        # the kind of thing that is asked for: whether a fact holds one, and one that isn't said in the question
        asks = {row.id for row in want.kinds}
        fits, fresh = np.zeros((n, 2), np.float32), np.zeros(n, np.float32)
        words = set(re.findall(r"[A-Za-z’']+|\d+", question)) if language == "en" else set()
        for i, fact in enumerate(self.facts):
            if not asks:
                break
            rest = " ".join(word for word in fact.text.split() if word.strip(".,;:!?'’s") not in words or not word[0].isupper()) if language == "en" else _without(simplify(fact.text), low)
            oks = [bool(self._kinds[kind].held.search(fact.text if kind in ("person", "name") else fact.text.lower())) for kind in asks]
            news = [bool(self._kinds[kind].held.search(rest if kind in ("person", "name") else rest.lower())) for kind in asks]
            fits[i] = all(oks), any(oks)
            fresh[i] = all(news)
        # names
        names = set(_NAME.findall(question)) - _NOT_NAMES if language == "en" else set()
        named = np.array([float(any(name.rstrip("'’s") in fact.text for name in names)) for fact in self.facts], np.float32)
        elsewhere = float(named.any()) * (1 - named)
        spoken_of = np.array([float(fact in focus) for fact in self.facts], np.float32)
        length = np.array([len(fact.text) / (60 if language == "en" else 20) for fact in self.facts], np.float32)
        extra = float(bool(before))
        ranked = np.argsort(np.argsort(-near)).astype(np.float32)
        soft = np.exp((near - near.max()) * 12)
        soft /= soft.sum()
        own_table = table - table.max()
        x = np.stack([near, near * (1 - extra), late * extra, clause, near - near.max(), (late - late.max()) * extra, clause - clause.max(), 1 / (1 + ranked), soft,
                      share, share * share, np.minimum(both, 3) / 3, back * extra, table, own_table, own_share, about, apt, on, spoken * bool(who), (1 - spoken) * bool(who), kin * (not who),
                      fits[:, 0] * bool(asks), (1 - fits[:, 1]) * bool(asks), fresh * bool(asks), (1 - fresh) * bool(asks), named, elsewhere, spoken_of * extra, length,
                      *(column for kind in KINDS for column in ((fresh * (kind in asks)),))], 1).astype(np.float32)
        wholly, first_told, first_near = about * apt * on, (table >= table.max() - 1e-6).astype(np.float32), (near >= near.max() - 1e-6).astype(np.float32)
        x = np.concatenate([x, np.stack([wholly, wholly * table, wholly * (table > 0.45), apt * on * near, first_told * (table > 0.4), first_near, first_near * first_told,
                                               topic, topic - topic.max(), topic * near, (topic >= topic.max() - 1e-6) * 1.0], 1)], 1).astype(np.float32)
        yes_no = bool(_YES_NO[language].search(low)) and not _OPEN[language].search(low)
        y = np.array([1.0, float(yes_no), float(bool(_OPEN[language].search(low))), float(bool(_ME[language].search(low))), float(bool(_YOU[language].search(low))),
                      float(bool(_THEY[language].search(low))), float(bool(who)), float(bool(want.about)), len(low) / (60 if language == "en" else 20), *(float(kind in asks) for kind in KINDS)], np.float32)
        return x, y


def _without(fact: str, question: str) -> str:
    """A Chinese fact without the pairs of characters that the question has too."""
    keep = [True] * len(fact)
    for i in range(len(fact) - 1):
        if fact[i:i + 2] in question and not re.search("[一二三四五六七八九十百千万两几0-9]", fact[i:i + 2]):
            keep[i] = keep[i + 1] = False
    return "".join(char if kept else " " for char, kept in zip(fact, keep))
