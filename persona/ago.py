"""What this talk has told already: who comes back to a fact ("so what do I pay then?", "remind me"), or asks on from it ("and for a child?"), gets it at a
lower likelihood than a fact never spoken of. Reads the history that is handed in, and keeps nothing but what it made of single texts. Judges; says nothing."""
from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache

import numpy as np

from persona.holding import Asked, Holding, asked, units
from persona.match import Judged, clauses
from persona.search import Embed
from persona.words import simplify

KEPT = 1024                                              # texts of which it is kept what was made of them
FAR = 60                                                 # exchanges that are looked back on
# Learned by twin/train/ago.py: how much each thing that is seen adds to the logarithm of a fact's share (FACT), of "none" (NONE).
FACT = ("told", "near", "close", "nearest", "kind", "topic", "leans", "leans_near", "last", "on", "bare", "on_holds", "lacks", "near_lacks")
NONE = ("leans", "on")
WEIGHTS: Mapping[str, tuple[tuple[float, ...], tuple[float, ...]]] = {
    "en": ((-0.65, 1.23, 0.34, -0.18, -0.10, 0.36, 2.09, 1.05, 0.65, 1.79, 1.55, 0.92, 0.08, -0.14), (0.34, 0.42)),
    "zh": ((-0.63, 0.17, 0.31, 0.30, 0.44, 0.11, 2.60, 0.75, 0.62, 1.32, 0.44, 0.49, -0.54, -0.38), (-0.38, -0.24)),
}
_LEANS = {"en": re.compile(r"\b(?:again|remind(?: me)?|once more|one more time|you (?:just |once |already )?(?:said|told|mentioned|were saying|promised)|(?:did|had) you (?:say|tell|mention)|you['’]d said|earlier|"
                           r"forgot(?:ten)?|(?:can|could)(?:n['’]t| not) remember|remember|double.check|make sure|to be sure|just checking|check once|what (?:was|were) (?:it|that|the|your|his|her|their|this|those)|"
                           r"(?:was|were) it|so (?:what|how|when|where|who|which|it|that))\b", re.IGNORECASE),
          "zh": re.compile("来着|再(?:说|讲|问|确认|核|跟我|告诉|提)|提醒|[你您](?:刚才|刚刚|前面|之前|先前|刚)?(?:都|不是|就)?(?:说|讲|提到?|告诉我?)(?:的|过|了)?|刚才|刚刚|前面|先前|忘了|忘记|记不[清得住]|没记住|还记得|确认一下|到底")}
_ON = {"en": re.compile(r"(?i)^(?:(?:oh|ok|okay|ah|nice|great|cool|well|wait|huh|wow|(?:ha)+|hm+)\b[,.! ]*)*(?:and|or|what about|how about|then|also|since when|until when|(?:with|on|in|at|for|to|from|by) (?:what|which|whom?|how)|why|what if)\b"),
       "zh": re.compile("^(?:那|还有|要是|她|他|它|里面|其中|哪[一年天]|为什么|为啥|多[久大远长]|一[次共])")}
_IT = {"en": re.compile(r"(?i)\b(?:he|she|him|her|his|hers|they|them|their|it|its|that|there|those|one|ones|this|then)\b"), "zh": re.compile("[他她它]|那[个里儿边天]|这")}
_YOU = {"en": re.compile(r"(?i)\byou(?:r|rs|rself)?\b"), "zh": re.compile("[你您]")}
# What asks nothing of a fact: it says that the reply before was none.
_MISSED = {"en": re.compile(r"(?i)\bnot what i (?:asked|meant|wanted)|\bdid(?:n['’]t| not) ask|\bi (?:asked|meant)\b"), "zh": re.compile("不是(?:问|说)这|我问的|没问(?:你)?这|答非所问")}

# A reason: without one, a fact told just now is no answer to "why?"; nor is one without a number to "how old is he?".
_REASON = {"en": re.compile(r"(?i)\b(?:because|since|so that|so (?:i|we|it|that)|in order|as (?:i|we|it)|that['’]s why|which is why|to (?:keep|save|help|get|be|make|pay|see|remember))\b"), "zh": re.compile("因为|所以|为了|由于|怕|好让")}
_STRICT = ("number", "age", "money")
VOID = 0.001                                             # of such a fact's share that is left


def leans(text: str, language: str) -> bool:
    """Whether a text comes back to what was said: "remind me", "you said", 来着."""
    return bool(_LEANS[language].search(simplify(text) if language == "zh" else text))


# What only says that one comes back, ahead of the question and behind it.
_AHEAD = {"en": re.compile(r"(?i)^(?:(?:so|oh|ok|okay|and|but|well|hey|sorry|wait|please|um|hm+|just|once more|one more time|again|earlier|(?:can|could|would|will) you|(?:please )?(?:remind|tell) me(?: again| once more| one more time)?"
                           r"|remind me(?: please)?|(?:let me )?(?:double.?)?check(?: (?:once more|again))?(?: for me)?|i(?:['’]ve)? (?:forgot|forgotten)|i (?:can['’]t|don['’]t) remember|as you (?:said|told me)|you (?:said|told me|mentioned))\b[,.;:! ]*)+(?=\w)"),
          "zh": re.compile("^(?:(?:那|所以|哦|对了|不好意思|麻烦)?(?:[你您])?(?:再(?:跟我)?(?:说|讲|确认|问|核对)(?:一[遍下次])?|提醒(?:我)?(?:一下)?|确认一下|我?(?:又)?忘了|我?记不清了?|我没记住|[你您](?:刚才|刚刚|前面|之前)?(?:说|讲|提)过(?:的)?)[，,。 ]*)+")}
_BEHIND = {"en": re.compile(r"(?i)[,;]?\s*(?:\b(?:again|once more|one more time|you (?:said|told me|mentioned)(?: (?:so|that|it|before|earlier))?|as you said|did you say|i forgot|i['’]ve forgotten)\b\s*)+(?=[?.!]*$)"),
           "zh": re.compile("来着|[，,](?:[你您](?:刚才|刚刚|前面|之前|刚)?(?:说|讲|提)过的?|我(?:又)?(?:忘了|记不清了?|没记住)|再(?:说|讲)一[遍下次])(?=[？?。！!]*$)")}
# A statement of what the twin is meant to have said, with what is stated.
_STATED = {"en": re.compile(r"(?i)^(?:(?:so|but|and|well|wait|hm+|oh)\b[, ]*)*(?:(?:earlier|before|just now)[, ]+)?(?:you (?:just |once |already )?(?:said|told me|mentioned|meant)(?: (?:earlier|before))?(?: that)?|i thought you said)[, :]+(?!.*\b(?:what|who|when|where|why|how|which)\b)(.+)"
                            r"|^(?:(?:so|but|then|and|wait)\b[, ]*)+((?!(?:what|who|when|where|why|how|which|do|does|did|is|are|was|were|can|could|will|would|if)\b).+?)(?:,? (?:then|right|correct|no|yes|is it|was it|is that right|\w+n['’]t (?:it|you|they|he|she|that)))\s*\?+\s*$"),
           "zh": re.compile("^(?:那|所以|可是|但是|哦)?(?:[你您](?:刚才|刚刚|前面|之前|不是)?(?:说|讲|提)(?:过|的是|了)?[，,：:]?)(?!.*(?:什么|啥|哪|谁|几[个点岁年]|多少|怎么))(.+)|^(?:那么|那|所以|原来)[，,]?(?!.*(?:什么|啥|哪|谁|几[个点岁年]|多少|怎么))(.+?)[，,]?(?:对吧|对吗|对不对|是吧|是吗|是不是|没错吧|吧)[?？。!！]*$")}
_TAIL = {"en": re.compile(r"(?i),?\s*(?:right|correct|no|yes|then|did(?:n['’]t| not) you|or not)?\s*[?.!]*$"), "zh": re.compile("[，,]?(?:对吧|对吗|对不对|是吧|是吗|是不是|没错吧|不是吗|吧)?[?？。！!]*$")}


def plain(text: str, language: str) -> str:
    """A question without what only says that one comes back to it: "Remind me, when do you open?" -> "when do you open?"."""
    bare = _BEHIND[language].sub("", _AHEAD[language].sub("", text.strip()))
    return bare if len(bare) >= (4 if language == "zh" else 8) else text


def restated(text: str, language: str) -> str:
    """What a text says that the twin said ("you said it's closed on Mondays", "so it was 40, then?"), or ""."""
    found = _STATED[language].search(simplify(text).strip() if language == "zh" else text.strip())
    said = _TAIL[language].sub("", found.group(1) or found.group(2)) if found else ""
    return said if len(said) >= (4 if language == "zh" else 10) else ""


def _names_nothing(text: str, want: Asked, language: str) -> bool:
    return not want.needed and not want.about and not want.who and len(text) < (12 if language == "zh" else 40)


def goes_on(text: str, language: str) -> bool:
    """Whether a question leans on the one before: "and for a child?", "what's she called?", 那开车呢."""
    bare = simplify(text).strip() if language == "zh" else text.strip()
    size = len(bare) if language == "zh" else len(bare.split())
    return size <= (12 if language == "zh" else 8) and bool(_ON[language].search(bare) or _IT[language].search(bare) and not _YOU[language].search(bare))


@dataclass(frozen=True)
class Exchange:
    """A question of this talk and the facts (their numbers) that were told."""
    asked: str
    facts: tuple[int, ...]
    back: int                                            # 1: the last
    answered: bool = True                                # or told beside "I don't know"


@dataclass(frozen=True)
class Seen:
    """What is made of a question, once."""
    want: Asked
    kinds: frozenset[str]
    topics: frozenset[str]
    units: frozenset[str]
    bare: bool                                           # it names nothing: "since when?", 多大了


class Ago:
    """Of the facts of one twin in one language. `put`: a question -> the text that the embedder gets of it; `embed`: texts -> float32 [n, d], rows of length 1, or None;
    `unknown`: how replies begin that tell a fact though none answers."""

    def __init__(self, holding: Holding, put: Callable[[str], str] | None = None, embed: Embed | None = None, unknown: tuple[str, ...] = ()):
        self._unknown = unknown
        self.holding, self.facts, self.language, self._put, self._embed = holding, holding.facts, holding.language, put, embed
        self._vectors: dict[str, np.ndarray] = {}
        self._seen = lru_cache(maxsize=KEPT)(self._look)
        self._held = lru_cache(maxsize=KEPT)(self._holds)
        self._features = lru_cache(maxsize=8)(self.features)      # one question is judged several times on its way to a reply
        self._parts = [[part for part in clauses(fact.text) if len(part) > (12 if self.language == "en" else 4)] for fact in self.facts]

    def exchanges(self, history: Sequence[Mapping[str, str]]) -> list[Exchange]:
        """What was asked and told, the latest first. What the user says wasn't asked for doesn't count."""
        return [one for one in self._told(history) if one.answered]

    def _told(self, history: Sequence[Mapping[str, str]]) -> list[Exchange]:
        found: list[Exchange] = []
        for back, n in enumerate(range(len(history) - 1, 0, -2), 1):
            question, reply = history[n - 1], history[n]
            if back > FAR or question.get("role") != "user" or reply.get("role") != "assistant":
                break
            if n + 1 < len(history) and _MISSED[self.language].search(history[n + 1]["content"]):
                continue
            if facts := self._held(question["content"][:300], reply["content"][:600]):
                found.append(Exchange(question["content"][:300], facts, back, not reply["content"].startswith(self._unknown)))
        return found

    def on_from(self, text: str, past: Sequence[Exchange]) -> bool:
        """Whether a question asks on from the fact told just now."""
        return bool(past) and past[0].back == 1 and (goes_on(text, self.language) or self._seen(text).bare)

    def weighed(self, judged: Judged, text: str, history: Sequence[Mapping[str, str]]) -> Judged:
        """The shares as they are after what was said: those of facts told before are more where the question comes back to them."""
        self.vector(text)                                # kept for the questions after this one
        every = self._told(history)
        if not every or not judged.facts:
            return judged
        past = [one for one in every if one.answered]
        x, y = self._features(text, tuple(past))
        fact, none = (np.array(own, np.float32) for own in WEIGHTS[self.language])
        number = {id(one): n for n, one in enumerate(self.facts)}
        shares = np.array([share * np.exp(x[number[id(one)]] @ fact) for one, share in judged.facts])
        just, on = every[0].facts if every[0].back == 1 else (), self.on_from(text, past)
        shares *= [VOID if (n := number[id(one)]) in just and self._all_said(one.text, text, every[0]) or self._lacks(text, n, on, n in just) else 1.0
                   for one, _ in judged.facts]
        left = judged.none * float(np.exp(y @ none))
        whole = shares.sum() + left
        order = np.argsort(-shares, kind="stable")
        return replace(judged, facts=tuple((judged.facts[n][0], float(shares[n] / whole)) for n in order), none=left / whole, plain=judged.plain and order[0] == 0)

    def _all_said(self, fact: str, text: str, before: Exchange) -> bool:
        """Whether a fact told just now has nothing more to say: it is short, and isn't asked for once more; what came beside "I don't know" wasn't asked for."""
        short = len(fact) < 14 if self.language == "zh" else len(fact.split()) < 7
        return short and not leans(text, self.language) and (not before.answered or self._near(text, self._seen(text), before.asked) < 0.7)

    def _lacks(self, text: str, n: int, on: bool, just: bool) -> bool:
        """Whether a fact surely hasn't what is asked for: a reason, where one asks `on`; a number or a reason, where it was told `just` now."""
        return any(not _REASON[self.language].search(self.facts[n].text) if row.id == "why" else just and not self.holding.holds(row)[n]
                   for row in self._seen(text).want.kinds if row.id == "why" and (on or just) or row.id in _STRICT)

    def features(self, text: str, past: Sequence[Exchange]) -> tuple[np.ndarray, np.ndarray]:
        """(of each fact [n, len(FACT)], of "none" [len(NONE)]), all 0 where nothing was told."""
        own, back, on = self._seen(text), leans(text, self.language), goes_on(text, self.language)
        x, y = np.zeros((len(self.facts), len(FACT)), np.float32), np.zeros(len(NONE), np.float32)
        near = [self._near(text, own, one.asked) for one in past]
        best = max(near, default=0.0)
        of: dict[int, tuple[float, Exchange]] = {}
        for one, value in zip(past, near):
            for n in one.facts:
                if n not in of or value > of[n][0]:
                    of[n] = value, one
        kinds = [self.holding.holds(row) for row in own.want.kinds]
        for n, (value, one) in of.items():
            was = self._seen(one.asked)
            last = any(n in other.facts for other in past if other.back == 1)
            more = last and (on or own.bare)
            holds = bool(kinds) and all(held[n] for held in kinds)
            lacks = bool(kinds) and not holds
            x[n] = (1, value, _close(value), value >= best - 1e-6, bool(own.kinds & was.kinds), bool(own.topics & was.topics), back, back * value,
                    last, last and on, last and own.bare, more and holds, lacks, lacks * value)
        y[:] = back and bool(past), (on or own.bare) and any(one.back == 1 for one in past)
        return x, y

    def vector(self, text: str) -> np.ndarray | None:
        """[d] of a question that is asked now; kept, so that it isn't made again."""
        if self._embed is None or self._put is None:
            return None
        found = self._vectors.pop(text, None)
        if found is None:
            found = np.asarray(self._embed([self._put(text)]), np.float32)[0]
        self._vectors[text] = found                      # the latest last
        if len(self._vectors) > KEPT:
            self._vectors.pop(next(iter(self._vectors)), None)
        return found

    def _near(self, text: str, own: Seen, before: str) -> float:
        """How near an earlier question is, 0..1: by what is kept of both, else by their words."""
        now, then = self._vectors.get(text), self._vectors.get(before)
        if now is None or then is None:
            return 0.2 + 0.6 * _share(own.units, self._seen(before).units)
        return float(np.clip(now @ then, 0, 1))

    def _look(self, text: str) -> Seen:
        want = asked(text, self.language)
        topics = frozenset(row.id for row in (*want.about, *want.who))
        return Seen(want, frozenset(row.id for row in want.kinds), topics, units(text, self.language), _names_nothing(text, want, self.language))

    def _holds(self, question: str, reply: str) -> tuple[int, ...]:
        """Which facts a reply told: those that stand in it, else the one whose part it says, else the one that holds what it says in other words."""
        whole = tuple(n for n, fact in enumerate(self.facts) if fact.text.rstrip(".。") in reply)
        if whole:
            return whole
        if part := tuple(n for n, parts in enumerate(self._parts) if any(one.rstrip(".。") in reply for one in parts)):
            return part[:1]
        said = units(reply, self.language)
        share = [(len(said & own) / len(said), len(self._seen(question).units & own)) for own in self.holding.known] if said else []
        best = max(range(len(share)), key=lambda n: share[n], default=-1)
        return (best,) if best >= 0 and share[best][0] >= 0.6 else ()


def _close(near: float) -> float:
    return max(0.0, near - 0.5) * 2


def _share(one: frozenset[str], other: frozenset[str]) -> float:
    return len(one & other) / max(1, min(len(one), len(other)))
