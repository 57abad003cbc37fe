"""One question in, one answer out: a rule, a line, a fact, or messages for a model with the check of what it says. Holds no conversation:
the history is handed in each time, so one Mind serves everybody who talks with the twin."""
from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from pathlib import Path

from persona import chat, mention, prompt, rules, told
from persona.card import Persona
from persona.check import Grounds
from persona.emotion import appraise
from persona.fields import Fact
from persona.lines import Line, Lines, pick, same
from persona.repertoire import Hit, Known, Repertoire
from persona.search import Embed
from persona.words import clean, language_of, parts, simplify


LONGEST = 900                                            # characters of a question that are looked at: its beginning and its end


def _passes(sentence: str) -> str:
    return ""


@dataclass(frozen=True)
class Answer:
    """`text` != "": said as it is. Else `messages` go to a thinker, each of its sentences through `check` ("" = fine, otherwise the reason
    it is refused), and at the first refusal `fallback` is said instead of the rest. `trace`: ids and scores for the log, no words of the user."""
    step: str                                            # rule | line | model | fact | unknown | greeting | aside
    text: str
    messages: list[dict[str, str]] = field(default_factory=list)
    mood: str = "neutral"
    sources: tuple[str, ...] = ()
    language: str = "en"
    fallback: str = ""
    check: Callable[[str], str] = _passes
    trace: Mapping[str, object] = field(default_factory=dict)


@dataclass(frozen=True)
class _Found:
    """A reply that needs no model, and how sure it is."""
    step: str
    text: str
    mood: str
    sources: tuple[str, ...]
    score: float


class Mind:
    """`lines`: language -> the twin's own lines (persona.lines.load_lines). `embed`: texts -> float32 [n, d], rows of length 1, English.
    `cache`: a folder where the embeddings of lines are kept."""

    def __init__(self, persona: Persona, lines: Lines | None = None, embed: Embed | None = None, cache: Path | None = None):
        self.persona = persona
        self._rooms = {language: Repertoire(persona, (lines or {}).get(language, ()), language, embed, cache) for language in ("en", "zh")}

    def warm(self, language: str = "") -> None:
        """Makes the indexes now, so that the first question need not wait."""
        for own, room in self._rooms.items():
            if language in ("", own):
                room.warm()

    def answer(self, history: Sequence[dict], text: str, *, now: datetime, language: str = "", capable: bool = False) -> Answer:
        """`history`: the turns before this one, as {"role", "content"}; `language`: the page's; `capable`: a larger model is at hand."""
        text = clean(text)
        text = text if len(text) <= LONGEST else f"{text[:LONGEST * 2 // 3]} {text[-LONGEST // 3:]}"
        history = [turn for turn in history if turn.get("content")]
        if history and history[-1].get("role") == "user" and clean(history[-1]["content"]) == text:
            history = history[:-1]
        tongue = language_of(text, history, language or (self.persona.languages or ("en",))[0])
        values = self._values(tongue, told.name_of(history))
        question = rules.Question(text, tongue, history, now, values, self.persona.gender)
        ruling = rules.answer(question)
        if ruling and not (ruling.soft and not capable and self._own_is_close(text, tongue, history)):
            return self._ruled(ruling, history, tongue, now, capable)
        return self._capable(text, tongue, history) if capable else self._small(text, tongue, history, values)

    def greeting(self, language: str = "", returning_name: str = "") -> Answer:
        """The first words of a conversation; with the name of a user who comes back."""
        tongue = language if language in self._rooms else (self.persona.languages or ("en",))[0]
        room = self._rooms[tongue]
        values = self._values(tongue, returning_name)
        own = self.persona.greeting.get(tongue)
        line = room.lines["greet-back" if returning_name else "greet"]
        text = pick(line.say, values, ()) if returning_name or not own else own[0]
        return Answer("greeting", text, mood="happy", sources=("greeting",), language=tongue)

    def aside(self, history: Sequence[dict], language: str = "") -> Answer:
        """Something of its own, after a long silence."""
        tongue = language_of("", history, language or (self.persona.languages or ("en",))[0])
        room = self._rooms[tongue]
        own = [line for line in room.own if line.id.startswith("aside")]
        values = self._values(tongue, told.name_of(history))
        said = " ".join(turn.get("content", "") for turn in history if turn.get("role") == "assistant")
        salt = len(history)
        if own:
            line = own[salt % len(own)]
            return Answer("aside", pick(line.say, values, history, salt), mood=line.mood, sources=(line.id,), language=tongue)
        fresh = [fact for fact in room.facts if fact.source.startswith("fact") and fact.text not in said]
        line = room.lines["aside-fact" if fresh else "aside"]
        fact = fresh[salt % len(fresh)] if fresh else None
        text = pick(line.say, {**values, "fact": fact.text if fact else ""}, history, salt)
        return Answer("aside", text, mood=line.mood, sources=(fact.source,) if fact else (line.id,), language=tongue)

    # The two ways.

    def _ruled(self, ruling: rules.Ruling, history: Sequence[dict], tongue: str, now: datetime, capable: bool) -> Answer:
        text, sources, mood = ruling.text, (ruling.id,), ruling.mood
        if ruling.rest and not capable:
            rest = self.answer(history, ruling.rest, now=now, language=tongue)
            if rest.text and rest.step in ("line", "fact", "rule") and rest.language == tongue and rest.sources[0] not in ("hello", "nice-to-meet"):
                text, sources = f"{text}{' ' if tongue == 'en' else ''}{rest.text}", (*sources, *rest.sources)
        return Answer("rule", text, mood=mood, sources=sources, language=ruling.language or tongue, trace={"rule": ruling.id})

    def _capable(self, text: str, tongue: str, history: Sequence[dict]) -> Answer:
        room = self._rooms[tongue]
        own, anybody = room.hits(text, "", room.vector(text))
        examples = [turn for hit in own[:3] if hit.score >= room.margins.middling and (turn := self._turn(hit, tongue))]
        messages = prompt.messages(self.persona, tongue, text, history, examples, capable=True)
        grounds = Grounds(self.persona, tongue, text, history, [said for turn in examples for said in turn], messages[0]["content"], True)
        found = self._small(text, tongue, history, self._values(tongue, told.name_of(history)))
        return Answer("model", "", messages, self._mood(text, tongue, found.mood), tuple(hit.line.id for hit in own[:3]), tongue,
                      found.text or found.fallback, grounds.check, {"own": _score(own), "anybody": _score(anybody)})

    def _small(self, text: str, tongue: str, history: Sequence[dict], values: Mapping[str, str]) -> Answer:
        room = self._rooms[tongue]
        last = self._last(history, room)
        several = sum(chat.is_question(piece, tongue) for piece in parts(text)) > 1
        found = self._follow(text, tongue, history, values, last) or several and self._pieces(text, tongue, history, values, last) or self._pointed(text, tongue, history, values, last) \
            or self._direct(text, tongue, history, values, last) or self._pieces(text, tongue, history, values, last)
        if found:
            return self._said(found, text, tongue, history)
        vector = room.vector(text)
        own, anybody = room.hits(text, last, vector)
        known = room.known(text, vector)
        trace = {"own": _score(own), "anybody": _score(anybody), "fact": round(known[0].score, 3) if known else 0.0}
        if not chat.is_question(text, tongue):
            return self._taken_up(text, tongue, history, values, trace)
        near = next((fact for fact in known if fact.score >= room.margins.near), None)
        fallback = self._as_fact([near.fact], tongue, history, near.score) if near else self._unknown(text, tongue, history, values)
        if tongue == "zh":
            return Answer(fallback.step, fallback.text, mood=self._mood(text, tongue, fallback.mood), sources=fallback.sources, language=tongue, trace=trace)
        return self._asked_model(text, tongue, history, [*own[:3], *anybody[:2]], known, fallback, trace)

    # Without a model.

    def _direct(self, text: str, tongue: str, history: Sequence[dict], values: Mapping[str, str], last: str) -> _Found | None:
        """The line or fact that answers the text as a whole."""
        room = self._rooms[tongue]
        called = self._without_call(text, tongue)
        if kind := mention.of(called, tongue):
            return self._of_another(called, kind, tongue, history, values, last)
        vector = room.vector(called)
        own, anybody = room.hits(called, last, vector)
        close = room.margins.close
        best, common = (own[0] if own else None), (anybody[0] if anybody else None)
        if best and best.score >= close and (common is None or best.score >= common.score - 0.08):
            return self._as_line(best, tongue, history, values)
        if common and common.score >= close and not (appraise(called, tongue) == "concerned" and common.line.mood in ("happy", "excited")):
            return self._as_common(common, called, tongue, history, values, last)
        if best and best.score >= close:
            return self._as_line(best, tongue, history, values)
        known = room.known(called, vector)
        if known and known[0].score >= room.margins.fact and chat.is_question(called, tongue):
            return self._as_fact([known[0].fact], tongue, history, known[0].score)
        return None

    def _pointed(self, text: str, tongue: str, history: Sequence[dict], values: Mapping[str, str], last: str) -> _Found | None:
        """"What's her name?", where it is clear who she is."""
        whole, kind = mention.resolved(text, tongue, history)
        return self._of_another(whole, kind, tongue, history, values, last) if whole else None

    def _of_another(self, text: str, kind: str, tongue: str, history: Sequence[dict], values: Mapping[str, str], last: str) -> _Found | None:
        """The answer to a question about somebody else must speak of them: a line, else a fact; then that no more is known."""
        room = self._rooms[tongue]
        vector = room.vector(text)
        own, anybody = room.hits(text, last, vector)
        for hit in own[:3]:
            if hit.score >= room.margins.close - 0.06 and mention.speaks_of(kind, hit.ask + " " + hit.line.say[0]):
                return self._as_line(hit, tongue, history, values)
        common = next((hit for hit in anybody[:3] if hit.score >= room.margins.close and mention.speaks_of(kind, hit.ask)), None)
        found = self._as_common(common, text, tongue, history, values, last) if common else None
        if found and (mention.speaks_of(kind, found.text) or found.step == "line"):
            return found
        facts = [item.fact for item in room.known(text, vector) if mention.speaks_of(kind, item.fact.text)]
        spoken = " ".join(turn["content"] for turn in history if turn["role"] == "assistant")
        fresh = [fact for fact in facts if fact.text not in spoken]
        if fresh:
            return self._as_fact(fresh[:1], tongue, history, 1.0)
        hit = next((hit for hit in own[:3] if hit.score >= room.margins.middling and mention.speaks_of(kind, hit.line.say[0]) and hit.line.id != last), None)
        if hit and hit.score >= room.margins.close - 0.2:
            return self._as_line(hit, tongue, history, values)
        return self._as_line(Hit(room.lines["no-more-of"], 1.0, False, ""), tongue, history, values)

    def _as_common(self, hit: Hit, text: str, tongue: str, history: Sequence[dict], values: Mapping[str, str], last: str) -> _Found | None:
        """A line for anybody matched: the twin's own line of the same intent, or its fact about it, goes first."""
        room = self._rooms[tongue]
        if twin_own := room.same_intent(hit.line, last):
            return self._as_line(twin_own, tongue, history, values)
        facts = room.about(hit.line)
        if facts:
            line = hit.line
            known = {item.fact: item.score for item in room.known(text, room.vector(text))}
            facts = sorted(facts, key=lambda fact: -known.get(fact, 0.0))[:hit.line.most]
            plain = self._as_fact(facts, tongue, history, hit.score, line.mood)
            if (kind := mention.named(text, tongue)) and not mention.speaks_of(kind, plain.text):
                return replace(plain, text=pick(room.lines["none-but"].say, {**values, "fact": plain.text}, history))
            led = pick([say for say in line.say if "{fact}" in say], {**values, "fact": plain.text}, history) if facts else ""
            return replace(plain, text=led) if led and values["name"] not in plain.text else plain
        other = "zh" if tongue == "en" else "en"
        if abroad := room.about(hit.line, room.elsewhere, other):
            line = room.lines["quoted"]
            text = pick(line.say, {**values, "fact": " ".join(fact.text for fact in abroad[:hit.line.most])}, history, len(history))
            return _Found("fact", text, line.mood, tuple(fact.source for fact in abroad[:hit.line.most]), hit.score)
        return self._as_line(hit, tongue, history, values)

    def _as_line(self, hit: Hit, tongue: str, history: Sequence[dict], values: Mapping[str, str]) -> _Found | None:
        text = pick(hit.line.say, values, history, len(history))
        return _Found("line", text, hit.line.mood, (hit.line.id,), hit.score) if text else None

    def _as_fact(self, facts: Sequence[Fact], tongue: str, history: Sequence[dict], score: float, mood: str = "neutral") -> _Found:
        text = (" " if tongue == "en" else "").join(_sentence(fact.text, tongue) for fact in facts)
        return _Found("fact", text, mood, tuple(fact.source for fact in facts), score)

    def _follow(self, text: str, tongue: str, history: Sequence[dict], values: Mapping[str, str], last: str) -> _Found | None:
        """"Why?", "and then?", "yes": resolved by what the twin said last."""
        kind = chat.follow_up(text, tongue)
        if not kind or not any(turn.get("role") == "assistant" for turn in history):
            return None
        room = self._rooms[tongue]
        said = [turn["content"] for turn in history if turn["role"] == "assistant"][-1]
        if kind == "you":
            return self._returned(tongue, history, values, last)
        next_lines = [line for line in room.own if line.follow and line.follow == last]
        if next_lines and kind in ("why", "then", "really", "more", "yes"):
            own, _ = room.hits(text, last, room.vector(text))
            hit = next((hit for hit in own if hit.line in next_lines), None)
            if hit and (hit.score >= 0.45 or len(next_lines) == 1 and kind in ("then", "more", "yes")):
                return self._as_line(Hit(hit.line, hit.score, True, ""), tongue, history, values)
        if kind in ("more", "then") and (fact := self._another(said, tongue, history)):
            return self._as_fact([fact], tongue, history, 1.0)
        if kind in ("yes", "no", "unsure"):
            kind += "-asked" if "?" in said or "？" in said else ""
        line = room.lines.get(f"follow-{kind}")
        return self._as_line(Hit(line, 1.0, False, ""), tongue, history, values) if line else None

    def _another(self, said: str, tongue: str, history: Sequence[dict]) -> Fact | None:
        """A fact not told yet that is near to what was said last."""
        room = self._rooms[tongue]
        spoken = " ".join(turn["content"] for turn in history if turn["role"] == "assistant")
        known = [item for item in room.known(said, room.vector(said)) if item.fact.text.rstrip(".。") not in spoken and item.fact.source.startswith("fact")]
        return known[0].fact if known and known[0].score >= room.margins.near - 0.1 else None

    def _returned(self, tongue: str, history: Sequence[dict], values: Mapping[str, str], last: str) -> _Found | None:
        """"And you?": the user's own statement turned back, or the twin's last question."""
        mine = [turn["content"] for turn in history if turn["role"] == "user"]
        own = [turn["content"] for turn in history if turn["role"] == "assistant"]
        tries = [chat.mirrored(mine[-1], tongue) if mine else "", *(reversed(parts(own[-1])) if own else ())]
        for attempt in tries:
            if attempt and (attempt == tries[0] or "?" in attempt or "？" in attempt) and (found := self._direct(attempt, tongue, history, values, last)):
                return found
        return self._as_line(Hit(self._rooms[tongue].lines["follow-you"], 1.0, False, ""), tongue, history, values)

    def _pieces(self, text: str, tongue: str, history: Sequence[dict], values: Mapping[str, str], last: str) -> _Found | None:
        """Several sentences: up to two of them that can be answered, a greeting left out where there is more."""
        pieces = parts(text)
        if len(pieces) < 2:
            return None
        found: list[_Found] = []
        for number, piece in enumerate(pieces[:6]):
            if chat.follow_up(piece, tongue) == "you" and number and (mirror := chat.mirrored(pieces[number - 1], tongue)):
                piece = mirror
            answered = self._direct(piece, tongue, history, values, last)
            if answered and answered.sources[0] not in [one.sources[0] for one in found]:
                found.append(answered)
        real = [one for one in found if one.sources[0] not in _COURTESY] or found[:1]
        asked = [piece for piece in pieces if chat.is_question(piece, tongue)]
        if not real or asked and not any(one.sources[0] not in _COURTESY for one in real):
            return None
        joint = " " if tongue == "en" else ""
        return _Found(real[0].step, joint.join(one.text for one in real[:2]), real[-1].mood, tuple(s for one in real[:2] for s in one.sources), min(one.score for one in real[:2]))

    def _taken_up(self, text: str, tongue: str, history: Sequence[dict], values: Mapping[str, str], trace: Mapping[str, object]) -> Answer:
        """A statement of the user's: taken up by what it says or by its mood."""
        room = self._rooms[tongue]
        mood = appraise(text, tongue)
        stated = chat.stated(parts(text)[0] if parts(text) else text, tongue)
        own, what = stated if stated else (f"heard-{mood}" if f"heard-{mood}" in room.lines else "heard", "")
        line = room.lines[own]
        said = pick(line.say, {**values, "what": what}, history, len(history))
        said = said[:1].upper() + said[1:]
        return Answer("line", said, mood=line.mood if line.mood != "neutral" else mood, sources=(line.id,), language=tongue, trace=trace)

    def _unknown(self, text: str, tongue: str, history: Sequence[dict], values: Mapping[str, str]) -> _Found:
        """That it doesn't know, with a turn to something it does."""
        room = self._rooms[tongue]
        spoken = " ".join(turn["content"] for turn in history if turn["role"] == "assistant")
        topics = [line.about for line in room.anybody if line.about and line.about not in spoken and (facts := room.about(line)) and not any(f.text in spoken for f in facts)]
        personal = bool(re.search(r"\byou(r|rs|rself)?\b", text, re.IGNORECASE) if tongue == "en" else "你" in text)
        line = room.lines["unknown-self" if personal else "unknown"]
        salt = len(history) // 2
        said = pick(line.say, {**values, "about": topics[salt % len(topics)] if topics else ""}, history, salt)
        return _Found("unknown", said, line.mood, (line.id,), 0.0)

    # With the small model.

    def _asked_model(self, text: str, tongue: str, history: Sequence[dict], hits: Sequence[Hit], known: Sequence[Known], fallback: _Found,
                     trace: Mapping[str, object]) -> Answer:
        room = self._rooms[tongue]
        near = [hit for hit in sorted(hits, key=lambda hit: -hit.score) if hit.score >= room.margins.middling]
        examples = [turn for hit in near[:3] if (turn := self._turn(hit, tongue))]
        examples = (prompt.examples_of(self.persona, tongue)[:max(0, 2 - len(examples))] + examples[::-1])[:4]
        facts = [item.fact.text for item in known[:2] if item.score >= room.margins.near - 0.08]
        messages = prompt.messages(self.persona, tongue, text, history, examples, facts)
        seen = [said for turn in examples for said in turn] + facts
        grounds = Grounds(self.persona, tongue, text, history, seen, messages[0]["content"])
        return Answer("model", "", messages, self._mood(text, tongue, fallback.mood), tuple(hit.line.id for hit in near[:3]) or fallback.sources, tongue,
                      fallback.text, grounds.check, trace)

    # Small things.

    def _said(self, found: _Found, text: str, tongue: str, history: Sequence[dict]) -> Answer:
        """Acknowledges that the same was asked before."""
        reply = found.text
        asked = [turn["content"] for turn in history if turn["role"] == "user"]
        before = [turn["content"] for turn in history if turn["role"] == "assistant"]
        if found.step in ("line", "fact") and any(same(text, old, tongue) for old in asked[-12:]) and found.sources[0] not in _COURTESY \
                and not found.sources[0].startswith("follow-"):
            line = self._rooms[tongue].lines["again" if any(reply in old for old in before) else "again-new"]
            reply = pick(line.say, {"reply": reply}, history, len(history))
        return Answer(found.step, reply, mood=found.mood, sources=found.sources, language=tongue, trace={"score": round(found.score, 3)})

    def _values(self, tongue: str, user: str) -> dict[str, str]:
        person = self.persona
        name = person.text("name", tongue)
        return {"name": name, "first": name.split()[0] if tongue == "en" else name, "user": user, "age": "" if person.age is None else str(person.age),
                "tagline": person.tagline.get(tongue, "").rstrip(".。")}

    def _own_is_close(self, text: str, tongue: str, history: Sequence[dict]) -> bool:
        room = self._rooms[tongue]
        own = room.hits(text, "", room.vector(text))[0] if room.own else []
        return bool(own) and own[0].score >= room.margins.close + 0.12

    def _last(self, history: Sequence[dict], room: Repertoire) -> str:
        """The id of the line the twin said last, or ""."""
        return room.quoted.source(history[-1]["content"]) if history and history[-1]["role"] == "assistant" else ""

    def _turn(self, hit: Hit, tongue: str) -> prompt.Turn | None:
        said = pick(hit.line.say, {**self._values(tongue, ""), "user": ""}, ())
        return (hit.line.ask[0], said) if said and hit.line.ask else None

    def _without_call(self, text: str, tongue: str) -> str:
        """The text without the twin's name as an address: "Maya, how are you?" -> "how are you?"."""
        name = self.persona.text("name", tongue)
        names = "|".join(re.escape(n) for n in sorted({name, *name.split()}, key=len, reverse=True))
        text = simplify(text) if tongue == "zh" else text
        bare = re.sub(rf"^(?:(?:hey|hi|hello|你好|嗨|喂)[\s,，]*)?(?:{names})(?:老师|大叔|姐|哥|小姐|先生)?\s*[,，!！:：]\s*|[,，]\s*(?:{names})(?=\s*[.!?。！？]*$)", "", text, flags=re.IGNORECASE).strip()
        return bare if re.search(r"\w", bare) else text

    def _mood(self, text: str, tongue: str, otherwise: str) -> str:
        mood = appraise(text, tongue)
        return mood if mood != "neutral" else otherwise


_COURTESY = frozenset(("hello", "nice-to-meet", "thanks", "goodbye", "good-morning", "good-evening", "good-night", "how-are-you-back"))


def _score(hits: Sequence[Hit]) -> float:
    return round(hits[0].score, 3) if hits else 0.0


def _sentence(text: str, tongue: str) -> str:
    text = text.strip()
    return text if text.endswith((".", "!", "?", "。", "！", "？", "”", '"')) else text + (". " if tongue == "en" else "。").strip()
