"""Personas, their facts, and what is asked of them: the exchanges a small Transformer learns talking from. No two are alike; the same seed gives the same."""
from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass, field
from functools import cache
from random import Random
from typing import Any

from .heldout import allowed
from .parts import LANGUAGES, Aspect, Attribute, Choice, Fragment, Inference, Parts, Slot, Template, parts, pick
from .parts import Sequence as Pieces
from .values import Me, Value, Values

KINDS = {"fact": 0.36, "follow_up": 0.13, "suggestion": 0.12, "inference": 0.09, "unknown": 0.17, "empathy": 0.05, "provocation": 0.04, "small_talk": 0.04}
FEWEST, MOST = 3, 14                                     # facts in an exchange
HELD = (18, 28)                                          # attributes of a persona
EACH = 12                                                # exchanges of one persona
TOGETHER = 0.1                                           # how often two facts stand in one line of the card


@dataclass(frozen=True)
class Exchange:
    language: str
    kind: str                                            # one of KINDS
    facts: tuple[str, ...]                               # of one persona, in the first person, shuffled
    before: tuple[tuple[str, str], ...]                  # earlier (user, twin)
    ask: str
    say: str
    source: int | None                                   # the fact that answers
    name: str                                            # the persona's

    def to_dict(self) -> dict[str, Any]:
        return asdict(self)


@dataclass
class Holding:
    """An attribute of one persona, with its values."""
    attribute: Attribute
    values: dict[str, Value]
    others: dict[str, Value] = field(default_factory=dict)
    told: dict[str, tuple[str, frozenset[str]]] = field(default_factory=dict)          # template -> how this persona says it, and what it shows


@dataclass
class Fact:
    holding: Holding
    text: str
    shown: frozenset[str]                                # slots whose values it says


@dataclass
class Made:
    """An exchange, with what a test wants to know of it."""
    exchange: Exchange
    answer: tuple[str, ...]                              # values that the answer takes from its fact
    values: tuple[str, ...]                              # of all facts


_ARTICLE = re.compile(r"\b([Aa])n? (?=(\w+))")
_AN = re.compile(r"(?!uni|use|usu|eu|one\b|once|ukulele|uk|unanim)[aeiou]|hour|honest|heir|11|18|8|[FHLMNRSX]-|SUV|MRI|X-ray", re.I)
_SPACES = re.compile(r"  +| (?=[,.?!;:])")
_START = re.compile(r"(^|[.?!] )([a-z])")
_ABBREVIATED = re.compile(r"\b(?:a\.m|p\.m|St|Mr|Mrs|Ms|Dr)\.$")


def tidy(text: str, language: str) -> str:
    """a or an, single spaces, a capital at the start of each sentence."""
    if language == "zh":
        return text.strip()
    text = _SPACES.sub(lambda m: " " if len(m.group()) > 1 and m.end() < len(text) and text[m.end()] not in ",.?!;:" else "", text.strip())
    text = text.replace("a.m..", "a.m.").replace("p.m..", "p.m.")
    text = _ARTICLE.sub(lambda m: m[1] + ("n " if _AN.match(m[2]) else " "), text)
    return _START.sub(lambda m: m[0] if _ABBREVIATED.search(text[:m.start() + 1]) else m[1] + m[2].upper(), text)


PRONOUNS = {"f": {"he": "she", "He": "She", "his": "her", "His": "Her", "him": "her", "ta": "她"},
            "m": {"he": "he", "He": "He", "his": "his", "His": "His", "him": "him", "ta": "他"}}


_MINE = re.compile(r"\b(my|me|myself|I)\b|我")
_YOURS = {"my": "your", "me": "you", "myself": "yourself", "I": "you", "我": "你"}


@cache
def yours(text: str) -> str:
    """A value as somebody else would say it."""
    return _MINE.sub(lambda m: _YOURS[m[0]], text)


class Speaker:
    """Templates -> sentences, of one persona at hand."""

    def __init__(self, language: str, rng: Random, held: bool | None = None):
        self.parts: Parts = parts(language)
        self.attributes = [a for a in self.parts.attributes if held is None or a.held == held]
        self.language, self.rng = language, rng
        self.values = Values(self.parts, rng)
        self.me = self.values.me()
        self.asked = False
        self.values.unit = self.me.money

    def turn_to(self, me: Me) -> None:
        self.me, self.values.unit = me, me.money

    def render(self, t: Template, holding: Holding | None = None, swap: dict[str, Value] | None = None, used: set[str] | None = None,
               asked: bool = False) -> str:
        """`swap`: values that stand in another's place; `used`: collects the slots that were said; `asked`: by the user, to whom my bag is your bag."""
        out: list[str] = []
        self.asked = asked
        self._render(t.parts, holding, swap or {}, used if used is not None else set(), out)
        return tidy("".join(out), self.language)

    def _render(self, pieces: Pieces, holding: Holding | None, swap: dict[str, Value], used: set[str], out: list[str]) -> None:
        for piece in pieces:
            if isinstance(piece, str):
                out.append(piece)
            elif isinstance(piece, Choice):
                self._render(pick(self.rng, piece.of), holding, swap, used, out)
            elif isinstance(piece, Fragment):
                self._render(pick(self.rng, self.parts.fragments[piece.name]).parts, holding, swap, used, out)
            else:
                out.append(self._value(piece, holding, swap, used))

    def _value(self, slot: Slot, holding: Holding | None, swap: dict[str, Value], used: set[str]) -> str:
        if holding is None:                              # talk: slots are drawn as they come
            raise KeyError(slot.name)
        value = swap.get(slot.name) or holding.values[slot.name]
        if not slot.mod:
            used.add(slot.name)
            return yours(value.text) if self.asked else value.text
        if slot.mod in "!+-":
            key = slot.name + slot.mod
            if key not in holding.others:
                holding.others[key] = self.values.other(holding.values[slot.name], self.me, slot.mod)
            text = holding.others[key].text
            return yours(text) if self.asked else text
        return PRONOUNS[value.gender or "m"][slot.mod]

    def lower(self, text: str) -> str:
        """An English sentence to be put behind an opener."""
        first = text.split(" ", 1)[0].strip(",.")
        if self.language == "zh" or first.split("-")[0] not in LOWERED:
            return text
        return text[0].lower() + text[1:]


LOWERED = {                                              # sentences begin with these, and they are no names
    "My", "Our", "The", "A", "An", "It", "It's", "He", "She", "He's", "She's", "His", "Her", "They", "They're", "That", "That's", "There", "There's",
    "We", "We're", "You", "At", "On", "In", "For", "From", "With", "About", "After", "Before", "By", "Every", "Since", "No", "Not", "One", "Two",
    "Three", "Four", "Five", "Six", "Seven", "Eight", "Nine", "Ten", "Eleven", "Twelve", "Only", "Just", "Because", "When", "If", "Mostly", "Mine",
    "Usually", "Nobody", "Most", "Right", "Down", "Over", "Under", "Between", "Near", "As", "Of", "To", "Never", "Always", "This", "These", "Those",
    "Nothing", "Half", "Quarter", "Forty", "Fifty", "Sixty", "Thirty", "Twenty", "Seventy", "Eighty", "Ninety", "Thirteen", "Fourteen", "Fifteen",
    "Sixteen", "Seventeen", "Eighteen", "Nineteen", "Some", "Any", "What", "Where", "Who", "All", "Both", "Still", "Isn't", "Is", "Are", "Aren't",
    "Do", "Don't", "Does", "Doesn't", "Did", "Didn't", "Can", "Can't", "Could", "Would", "Will", "Was", "Wasn't", "Were", "Weren't", "Have",
    "Haven't", "Has", "How", "Why", "Which", "Whose", "Whom", "May", "Shall", "So", "Should", "Until", "Tell", "Where's", "Who's", "What's", "When's",
    "Besides", "Someone", "Somewhere", "Let", "Look", "Count", "Come", "Be", "Like", "Doing", "Hardly", "Far", "Better", "Give", "Well", "Please",
    "Rather", "You'd", "You'll", "You're", "Your", "It'd", "Across", "Behind", "Next", "Somehow", "Another", "First", "Last", "Counting"}


def compose(n: int, seed: int = 1, language: str = "both", held: bool | None = None) -> Iterator[Exchange]:
    """`n` exchanges, no two alike, of "en", "zh" or "both" by turns; the same for the same seed.

    `held`: a tenth of the topics can be kept for measuring. False composes without them, True of them alone, None of all.
    """
    for made in composed(n, seed, language, held):
        yield made.exchange


def composed(n: int, seed: int = 1, language: str = "both", held: bool | None = None) -> Iterator[Made]:
    """`compose`, with the values that its answers take."""
    which = LANGUAGES if language == "both" else (language,)
    sources = [_endless(name, seed, held) for name in which]
    seen: set[int] = set()
    done = 0
    while done < n:
        made = next(sources[done % len(sources)])
        e = made.exchange
        key = hash_of(e)
        if key in seen:
            continue
        seen.add(key)
        done += 1
        yield made


def hash_of(e: Exchange) -> int:
    """Two are alike when the same is asked and answered of the same facts, in whatever order."""
    return hash((frozenset(e.facts), e.before, e.ask, e.say))


def _endless(language: str, seed: int, held_out: bool | None) -> Iterator[Made]:
    rng = Random(f"{language} {seed}")
    speaker = Speaker(language, rng, held_out)
    kinds, weights = list(KINDS), list(KINDS.values())
    while True:
        me = speaker.values.me()
        speaker.turn_to(me)
        held = persona(speaker)
        for _ in range(EACH):
            kind = rng.choices(kinds, weights)[0]
            made = Scene(speaker, held).make(kind)
            if made is not None:
                yield made


def persona(speaker: Speaker) -> list[Holding]:
    """Attributes that go together, with values of which no two are the same name."""
    rng, every = speaker.rng, speaker.attributes
    tags: set[str] = set()
    clash: set[str] = set()
    said: set[str] = {speaker.me.name}
    out: list[Holding] = []
    for attribute in rng.sample(every, min(len(every), rng.randint(*HELD) + 12)):
        if attribute.tags & tags or attribute.clash & tags or attribute.name in clash:
            continue
        values: dict[str, Value] = {}
        for name, spec in attribute.slots.items():
            for _ in range(8):
                value = speaker.values.draw(spec, speaker.me)
                if value.text not in said or spec.split()[0] in ("trade", "int", "years", "myage", "time", "day"):
                    break
            said.add(value.text)
            values[name] = value
        tags |= attribute.tags
        clash |= attribute.clash
        out.append(Holding(attribute, values))
        if len(out) == HELD[1]:
            break
    return out


class Scene:
    """One exchange in the making: the facts at hand, and what could be asked of them."""

    def __init__(self, speaker: Speaker, held: Sequence[Holding]):
        self.speaker, self.rng, self.held = speaker, speaker.rng, held
        rng = self.rng
        want = rng.randint(FEWEST, MOST)
        self.facts: list[Fact] = []
        self.tags: set[str] = set()
        for holding in rng.sample(held, min(len(held), want + 3)):
            if len(self.facts) == want:
                break
            self._tell(holding)
            if rng.random() < 0.15 and len(self.facts) < want:
                self._tell(holding)
        rng.shuffle(self.facts)
        self.before: list[tuple[str, str]] = []

    def _tell(self, holding: Holding) -> None:
        t = pick(self.rng, holding.attribute.told)
        if t.text not in holding.told:
            said: set[str] = set()
            line = self.speaker.render(t, holding, used=said)
            holding.told[t.text] = line if allowed(line, self.speaker.language) else "", frozenset(said)
        text, used = holding.told[t.text]
        shown = self.shown(holding)
        if not text or used <= shown and (used or any(f.holding is holding for f in self.facts)):
            return                                       # it would say nothing new
        self.facts.append(Fact(holding, text, used))
        self.tags |= holding.attribute.tags

    def shown(self, holding: Holding) -> set[str]:
        return {slot for f in self.facts if f.holding is holding for slot in f.shown}

    def make(self, kind: str) -> Made | None:
        done: tuple[str, str, int | None, tuple[str, ...]] | None
        if kind in ("fact", "suggestion", "inference", "unknown") and self.rng.random() < 0.25:
            self._chat()
        makers: dict[str, Callable[[], tuple[str, str, int | None, tuple[str, ...]] | None]] = {
            "fact": self.fact, "suggestion": self.suggestion, "inference": self.inference, "unknown": self.unknown, "follow_up": self.follow_up}
        done = makers[kind]() if kind in makers else self.talk(kind)
        if done is None:
            return None
        ask, say, source, answer = done
        ask = self._noise(ask) if kind not in ("follow_up",) else ask
        speaker = self.speaker
        if any(ask == b[0] for b in self.before):
            return None
        if not all(allowed(text, speaker.language) for text in (ask, say, *(t for pair in self.before for t in pair))):
            return None
        cards, at = self._cards()
        e = Exchange(speaker.language, kind, cards, tuple(self.before), ask, say, None if source is None else at[source], speaker.me.name)
        values = tuple(f.holding.values[s].text for f in self.facts for s in sorted(f.shown))
        return Made(e, answer, values)

    def _cards(self) -> tuple[tuple[str, ...], list[int]]:
        """The facts as a card has them, where now and then two stand in one; and in which of them each stands."""
        cards: list[str] = []
        at: list[int] = []
        for i, fact in enumerate(self.facts):
            if cards and len(cards) + len(self.facts) - i > FEWEST + 1 and self.rng.random() < TOGETHER:
                both = cards[-1] + (" " if self.speaker.language == "en" else "") + fact.text
                if allowed(both, self.speaker.language):
                    cards[-1] = both
                else:
                    cards.append(fact.text)
            else:
                cards.append(fact.text)
            at.append(len(cards) - 1)
        return tuple(cards), at

    # -- what could be asked -----------------------------------------------------------------------------------------------------------------
    def _known(self, avoid: Fact | None = None) -> tuple[Fact, Aspect] | None:
        """A fact and an aspect that it tells."""
        rng = self.rng
        for _ in range(12):
            fact = pick(rng, self.facts)
            if fact is avoid:
                continue
            told = [a for a in fact.holding.attribute.aspects if a.keys <= fact.shown]
            if told:
                return fact, pick(rng, told)
        return None

    def _source(self, fact: Fact, keys: frozenset[str]) -> int:
        return next(i for i, f in enumerate(self.facts) if f.holding is fact.holding and keys <= f.shown)

    def _fit(self, lines: Sequence[Template], shown: set[str] | frozenset[str]) -> Template | None:
        fit = [t for t in lines if t.slots <= shown]
        return pick(self.rng, fit) if fit else None

    def _answer(self, holding: Holding, aspect: Aspect) -> str | None:
        line = self._fit(aspect.say, self.shown(holding))
        return self.speaker.render(line, holding) if line else None

    def _values(self, holding: Holding, keys: frozenset[str]) -> tuple[str, ...]:
        return tuple(holding.values[k].text for k in sorted(keys))

    def _open(self, say: str, which: str, often: float) -> str:
        if self.rng.random() >= often:
            return say
        speaker = self.speaker
        if speaker.language == "zh":
            return speaker.render(pick(self.rng, speaker.parts.fragments[which])) + say
        return tidy(f"{speaker.render(pick(self.rng, speaker.parts.fragments[which]))} {speaker.lower(say)}", "en")

    def fact(self, avoid: Fact | None = None) -> tuple[str, str, int | None, tuple[str, ...]] | None:
        got = self._known(avoid)
        if got is None:
            return None
        fact, aspect = got
        line, say = self._fit(aspect.ask, self.shown(fact.holding)), self._answer(fact.holding, aspect)
        if line is None or say is None:
            return None
        ask = self.speaker.render(line, fact.holding, asked=True)
        say = self._open(say, "open", 0.07)
        return ask, say, self._source(fact, aspect.keys), self._values(fact.holding, aspect.keys)

    def suggestion(self) -> tuple[str, str, int | None, tuple[str, ...]] | None:
        got = self._known()
        if got is None or not got[1].suggest:
            return None
        fact, aspect = got
        holding = fact.holding
        line, say = self._fit(aspect.suggest, self.shown(holding)), self._answer(holding, aspect)
        if line is None or say is None:
            return None
        if vague(line, aspect.keys, self.speaker.language) and not self._lead(holding, aspect):
            return None
        wrong = self.rng.random() < 0.6
        swap = {k: self.speaker.values.other(holding.values[k], self.speaker.me) for k in sorted(aspect.keys & line.slots)} if wrong else {}
        ask = self.speaker.render(line, holding, swap, asked=True)
        return ask, self._open(say, "no" if wrong else "yes", 1), self._source(fact, aspect.keys), self._values(holding, aspect.keys)

    def _lead(self, holding: Holding, aspect: Aspect) -> bool:
        """Asks something else of the same thing first, so that "it" is no riddle; False where nothing else is told."""
        shown = self.shown(holding)
        others = [a for a in holding.attribute.aspects if a is not aspect and a.keys <= shown and not a.keys & aspect.keys]
        if not others:
            return False
        first = pick(self.rng, others)
        ask, say = self._fit(first.ask, shown), self._answer(holding, first)
        if not (ask and say):
            return False
        self.before.append((self._noise(self.speaker.render(ask, holding, asked=True)), say))
        return True

    def inference(self) -> tuple[str, str, int | None, tuple[str, ...]] | None:
        rng = self.rng
        for _ in range(12):
            fact = pick(rng, self.facts)
            if not fact.holding.attribute.infer:
                continue
            entry = pick(rng, fact.holding.attribute.infer)
            ask, say = self._fit(entry.ask, fact.shown), self._fit(entry.say, fact.shown)
            if ask is None or say is None:
                continue
            fact.holding.others.clear()
            used: set[str] = set()
            said = self.speaker.render(ask, fact.holding, asked=True), self.speaker.render(say, fact.holding, used=used)
            return *said, self.facts.index(fact), self._values(fact.holding, frozenset(used))
        return None

    def follow_up(self) -> tuple[str, str, int | None, tuple[str, ...]] | None:
        """Something was asked of it, and now something more: with a pronoun, or in half a sentence."""
        rng = self.rng
        for _ in range(12):
            fact = pick(rng, self.facts)
            holding = fact.holding
            shown = self.shown(holding)
            aspects = [a for a in holding.attribute.aspects if a.keys <= shown]
            pairs = [(a, b) for a in aspects for b in aspects if a is not b and b.then and not a.keys & b.keys]
            if not pairs:
                continue
            first, second = pick(rng, pairs)
            ask1, say1, ask2, say2 = self._fit(first.ask, shown), self._answer(holding, first), self._fit(second.then, shown), self._answer(holding, second)
            if not (ask1 and say1 and ask2 and say2):
                continue
            self.before.append((self._noise(self.speaker.render(ask1, holding, asked=True)), say1))
            if not any(second.keys <= f.shown for f in self.facts if f.holding is holding):
                continue
            return self.speaker.render(ask2, holding, asked=True), say2, self._source(fact, second.keys), self._values(holding, second.keys)
        return None

    def unknown(self) -> tuple[str, str, int | None, tuple[str, ...]] | None:
        rng, speaker = self.rng, self.speaker
        for _ in range(12):
            roll = rng.random()
            if roll < 0.12:                              # the next question of a thing that is told of
                got = self._unknown_next()
                if got is None:
                    continue
                return got
            if roll < 0.45:                              # near: the thing is told of, this side of it isn't
                holding = pick(rng, self.facts).holding
                shown = self.shown(holding)
                if holding.attribute.never and rng.random() < 0.4:
                    line, aspect = self._fit(holding.attribute.never, shown), None
                else:
                    untold = [a for a in holding.attribute.aspects if not a.keys & shown]
                    if not untold:
                        continue
                    aspect = pick(rng, untold)
                    line = self._fit(aspect.ask, shown)
                if line is None:
                    continue
                ask = speaker.render(line, holding, asked=True)
                about = self._fit(aspect.about, set()) if aspect else None
                return ask, self._unknown(speaker.render(about, holding) if about and rng.random() < 0.4 else "", "about"), None, ()
            if roll < 0.85:                              # of a thing that no fact tells of
                attribute = pick(rng, speaker.attributes)
                if attribute.tags & self.tags or attribute.near & self.tags or not attribute.aspects:
                    continue
                aspect = pick(rng, attribute.aspects)
                me = speaker.me
                if aspect.suggest and rng.random() < 0.3:
                    holding = Holding(attribute, {k: speaker.values.draw(s, me) for k, s in attribute.slots.items()})
                    fit = self._fit(aspect.suggest, aspect.keys)
                    if fit is None or vague(fit, aspect.keys, speaker.language):
                        continue
                    ask = speaker.render(fit, holding, asked=True)
                else:
                    fit = self._fit(aspect.ask, set())
                    if fit is None:
                        continue
                    ask = speaker.render(fit)
                return ask, self._unknown(attribute.noun if rng.random() < 0.4 else "", "noun"), None, ()
            line = pick(rng, speaker.parts.fragments["never"])
            return speaker.render(line), self._unknown("", ""), None, ()
        return None

    def _unknown_next(self) -> tuple[str, str, int | None, tuple[str, ...]] | None:
        fact = pick(self.rng, self.facts)
        holding, shown = fact.holding, self.shown(fact.holding)
        told = [a for a in holding.attribute.aspects if a.keys <= fact.shown]
        untold = [a for a in holding.attribute.aspects if not a.keys & shown and a.then]
        if not told or not untold:
            return None
        first, second = pick(self.rng, told), pick(self.rng, untold)
        ask1, say1, ask2 = self._fit(first.ask, shown), self._answer(holding, first), self._fit(second.then, shown)
        if not (ask1 and say1 and ask2):
            return None
        self.before.append((self._noise(self.speaker.render(ask1, holding, asked=True)), say1))
        return self.speaker.render(ask2, holding, asked=True), self._unknown("", ""), None, ()

    def _unknown(self, what: str, kind: str) -> str:
        """An honest "I don't know", of `what` where it can be named."""
        speaker = self.speaker
        if not what:
            return speaker.render(pick(self.rng, speaker.parts.fragments["unknown"]))
        if speaker.language == "en" and kind == "about":
            what = what[0].lower() + what[1:] if what.split(" ")[0] not in ("I", "I'm") else what
        holding = Holding(_NOTHING, {"what": Value(what)})
        return speaker.render(pick(self.rng, speaker.parts.fragments[f"unknown_{kind}"]), holding)

    # -- talk ------------------------------------------------------------------------------------------------------------------------------------
    def talk(self, kind: str) -> tuple[str, str, int | None, tuple[str, ...]] | None:
        ask, say = self._talk(kind)
        return ask, say, None, ()

    def _talk(self, kind: str) -> tuple[str, str]:
        speaker = self.speaker
        entry: Inference = pick(self.rng, speaker.parts.talk[kind])
        q, a = pick(self.rng, entry.ask), pick(self.rng, entry.say)
        holding = Drawn(speaker, q.slots | a.slots)
        return speaker.render(q, holding), speaker.render(a, holding)

    def _chat(self) -> None:
        """One or two pairs that came before and don't bear on what is asked."""
        for _ in range(1 if self.rng.random() < 0.7 else 2):
            if self.rng.random() < 0.3:
                q, a = self._talk("small_talk")
                self.before.append((self._noise(q), a))
            else:
                got = self.fact() if self.rng.random() < 0.8 else self.unknown()
                if got and all(got[0] != b[0] for b in self.before):
                    self.before.append((self._noise(got[0]), got[1]))

    def _part(self, which: str, name: str) -> str:
        return self.speaker.render(pick(self.rng, self.speaker.parts.fragments[which]), Holding(_NOTHING, {"me": Value(name)}))

    def _noise(self, ask: str) -> str:
        """As people type: an opener, a name, no capitals, no question mark."""
        rng, speaker = self.rng, self.speaker
        roll, name = rng.random(), speaker.me.name.split()[0]
        if speaker.language == "en":
            if roll < 0.12 and ask.endswith("?"):
                ask = f"{self._part('ask_open', name)} {speaker.lower(ask)}"
            elif 0.12 <= roll < 0.17 and ask.endswith("?"):
                ask = ask[:-1] + pick(rng, speaker.parts.fragments["ask_end"]).text.replace("<me>", name)
            elif 0.17 <= roll < 0.23:
                ask = ask.lower()
                if rng.random() < 0.6:
                    ask = ask.rstrip("?.!") or ask
                if rng.random() < 0.4:
                    ask = ask.replace("'", "")
            elif 0.23 <= roll < 0.26:
                ask = ask.rstrip("?.") or ask
            return ask
        if roll < 0.13 and ask.endswith("？"):
            return self._part("ask_open", speaker.me.name) + ask
        if 0.13 <= roll < 0.24:
            return ask.rstrip("？。") or ask
        if 0.24 <= roll < 0.26:
            return ask.replace("？", "?").replace("，", ",")
        return ask


_NOTHING = Attribute("", "", frozenset(), frozenset(), frozenset(), {}, (), (), (), (), "")


class Drawn(Holding):
    """Slots of talk, named after the pool they are drawn from; `me`, `job` and `shop` are the persona's."""

    def __init__(self, speaker: Speaker, slots: frozenset[str]):
        me = speaker.me
        values = {}
        for name in sorted(slots):
            if name == "me":
                values[name] = Value(me.name if speaker.language == "zh" else me.name.split()[0])
            elif name in ("job", "shop", "field"):
                values[name] = speaker.values.draw(f"trade {name}", me)
            else:
                values[name] = speaker.values.draw(name.replace("_", " ") if name.startswith(("first", "int")) else name, me)
        super().__init__(_NOTHING, values)


_POINTS = re.compile(r"\b(?:it|that|there|then|they|them|him|her|he|she)\b|<\w+\.")


def vague(line: Template, keys: frozenset[str], language: str) -> bool:
    """Whether a suggestion wants something said before it: "Is it from 1986?"."""
    if line.slots - keys:
        return False
    return "你" not in line.text if language == "zh" else bool(_POINTS.search(line.text)) or "you" not in line.text.lower()


_ABSTAINS = {
    "en": re.compile(r"\b(?:(?:don't|do not) know|(?:can't|couldn't) (?:say|tell|answer)|no idea|never told|know nothing|only be guessing|is blank|"
                     r"story (?:doesn't|says nothing|leaves|stops|is silent)|(?:says|say) nothing about|nothing about|never speaks of|nothing I know|"
                     r"make (?:that|something) up|nothing in my story)", re.I),
    "zh": re.compile("不知道|不清楚|说不(?:上来|准|好)|答不(?:上来|了)|不了解|没有印象|没(?:写|提|说|讲)|没人(?:告诉|跟我说)|不敢(?:乱|瞎)说|"
                     "瞎猜|没有这方面|问倒|问住|故事里没有")}


def abstains(text: str, language: str) -> bool:
    """Whether an answer says that it does not know, in one of the ways that are taught."""
    return bool(_ABSTAINS[language].search(text))


def pairs(n: int, seed: int = 1, language: str = "both") -> Iterator[tuple[str, str, list[str]]]:
    """(question, the fact that answers it, facts that don't: first those that come near), of the same parts; for training a matcher."""
    which = LANGUAGES if language == "both" else (language,)
    sources = [_pairs(name, seed) for name in which]
    seen: set[tuple[str, str]] = set()
    done = 0
    while done < n:
        got = next(sources[done % len(sources)])
        if got[:2] in seen:
            continue
        seen.add(got[:2])
        done += 1
        yield got


def _pairs(language: str, seed: int) -> Iterator[tuple[str, str, list[str]]]:
    rng = Random(f"pairs {language} {seed}")
    speaker = Speaker(language, rng)
    while True:
        speaker.turn_to(speaker.values.me())
        held = persona(speaker)
        for _ in range(EACH):
            scene = Scene(speaker, held)
            got = pick(rng, (scene.fact, scene.fact, scene.suggestion, scene.inference))()
            if got is None or got[2] is None:
                continue
            ask, _, source, answer = got
            fact = scene.facts[source]
            near: list[str] = []
            for t in fact.holding.attribute.told:        # the same thing told without what was asked for
                used: set[str] = set()
                text = speaker.render(t, fact.holding, used=used)
                if not any(v in text for v in answer) and text not in near and used:
                    near.append(text)
            near = [text for text in near if text != fact.text]
            rest = [f for i, f in enumerate(scene.facts) if i != source and f.text != fact.text and not any(v in f.text for v in answer)]
            rest.sort(key=lambda f: f.holding.attribute.group != fact.holding.attribute.group)
            others = (near[:2] + [f.text for f in rest])[:6]
            if all(allowed(text, language) for text in (ask, *others)):
                yield scene._noise(ask), fact.text, others
