"""One question in, one answer out: a rule, a line, a fact, or messages for a model with the check of what it says. Holds no conversation:
the history is handed in each time, so one Mind serves everybody who talks with the twin."""
from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from pathlib import Path
from typing import Any

from persona import chat, cited, common, conditions, empathy, heard, mention, minors, nearby, offers, plain_zh, prompt, rules, talk, teach, told, tools
from persona import recalled as told_before
from persona import scene as scenes
from persona.bare import Bare
from persona.card import Persona
from persona.catalogue import Catalogue
from persona.check import Grounds
from persona.emotion import NOTHING, Appraisal, appraise, called_for
from persona.fact import Recollection
from persona.lines import Lines, pick
from persona.match import Cross
from persona.reminders import Book
from persona.repertoire import Hit, Known, Repertoire
from persona.reply import Found, Moment, Replies
from persona.search import Embed, side
from persona.words import clean, language_of, normal, parts

FEW = 4                                                  # lines of its own, from which on they say most of what is asked of a twin
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
    fallback_step: str = "unknown"                       # "fact" where `fallback` quotes one
    lead: str = ""                                       # said before what the model says
    felt: Appraisal = NOTHING                            # what the user's words tell of their feeling
    functions: tools.Offer | None = None                 # what a larger model may call
    call: Callable[[str], str] | None = None             # the JSON of a call of one -> its result, as JSON
    state: dict[str, Any] | None = None                  # of the scene, where it has one; what is kept with the message and handed in with it again


_OF_USER = frozenset(("told-asked", "told-unknown", "name-asked", "name-unknown", "you-said", "nothing-said", "short", "gibberish"))   # rules that what was recalled goes before
_YOUNG = {"en": "\n(They are under eighteen: nothing romantic or sexual; be a kind grown-up they can talk to.)", "zh": "\n（对方未满十八岁：不谈恋爱和性，做一个可以说话的和气的大人。）"}
_SKILLS = frozenset(("can-speak", "cannot-speak"))       # rulings of what it speaks by itself: its story may tell more
_OF_ITSELF = frozenset(("who-are-you", "age", "name-meaning", "look", "sleep", "personality", "story", "recipe", "god", "likes", "job", "workplace", "hours", "price"))     # lines that are true without a fact
_NOTHING_TOLD = frozenset(("no-such", "no-more-of", "not-told", "talk-opinion", "talk-opinion-you"))
_ASIDE = frozenset(("talk-visit", "talk-contact"))      # what anybody would say, unless a fact tells
_FIRST_FOUND = frozenset(("no-boss", "no-duration"))      # where it is known that just this is not written
_EVEN = ("neutral", "happy", "amused", "curious", "thoughtful")   # moods in which a statement is taken up by what it says
_PERSONAL = re.compile(r"\byou(r|rs|rself)?\b", re.IGNORECASE)
_WISH = re.compile(r"\b(tell|show|explain|describe|summari[sz]e|list|name)\b|告诉|介绍|说说|讲讲|解释|列出", re.IGNORECASE)
_BUSINESS = frozenset(("hours", "price", "workplace", "contact", "can-do", "recipe", "advice"))     # lines for anybody that a document knows better
_OPINION = re.compile(r"\byou (think|believe|recommend|suggest|explain|tell|say|imagine|describe|define|help|know (what|how|why|who|"
                      r"where))\b|\byour (opinion|view|advice)\b"
                      r"|\b(can|could|would|should|do|if) you (\w+ )?(explain|tell|recommend|suggest|describe|help|give|teach|show|write|"
                      r"make|define|get|have)\b.* ",
                      re.IGNORECASE)


class Mind:
    """`lines`: language -> the twin's own lines (persona.lines.load_lines). `embed`: texts -> float32 [n, d], rows of length 1, English.
    `cache`: a folder where the embeddings of its lines are kept; `shared`: one for those of lines that fit anyone, by default the same. `cross`: reads a
    question with facts (persona/match.py)."""

    def __init__(self, persona: Persona, lines: Lines | None = None, embed: Embed | None = None, cache: Path | None = None,
                 shared: Path | None = None, catalogue: Catalogue | None = None, cross: Cross | None = None):
        self.persona, self.catalogue = persona, catalogue
        self.scene = scenes.load(persona.scene) if persona.scene else None
        self._play = scenes.Play(self.scene) if self.scene else None
        self._rooms = {language: Repertoire(persona, (lines or {}).get(language, ()), language, embed, cache, shared,
                                           self.scene.lines.get(language, ()) if self.scene else ()) for language in ("en", "zh")}
        self._replies = {language: Replies(persona, room) for language, room in self._rooms.items()}
        self._bare = {language: Bare(persona, room, cross) for language, room in self._rooms.items() if room.facts and len(room.own) < FEW and not room.written}     # few lines are its own, and it is told in this language

    def warm(self, language: str = "") -> None:
        """Makes the indexes now, so that the first question need not wait."""
        for own, room in self._rooms.items():
            if language in ("", own):
                room.warm()
                if own in self._bare:
                    self._bare[own].warm()

    def kept(self) -> dict[str, bytes]:
        """The embeddings of all its lines and facts, as files of persona/search.py's CARRIED: another app that has them need not make them."""
        return {name: data for room in self._rooms.values() for index in (room._own[0], room._anybody[0], room._scene[0], room._facts) for name, data in index.kept.items()}

    def answer(self, history: Sequence[dict], text: str, *, now: datetime, language: str = "", capable: bool = False,
               passages: Sequence[cited.Piece] = (), recalled: Sequence[Recollection] = (),
               book: Book | None = None, find: Callable[[str], Sequence[Any]] | None = None) -> Answer:
        """The answer, with a word to what the user feels before anything else. `history`: the turns before this one, as {"role", "content"}; `language`: the page's; `capable`: a larger model is at hand; `passages`: of
        its documents, what may answer (persona/documents.py), best first; `recalled`: what the user told that bears on it (persona/memory.py); `book`: of
        reminders, where they can be kept; `find`: looks in its documents, for a model that asks."""
        found = self._answered(history, text, now=now, language=language, capable=capable, passages=passages, recalled=recalled, book=book)
        felt = appraise(text, found.language)
        grounds = getattr(found.check, "__self__", None)
        found = self._kept_to(found, history, text)
        if found.messages and capable:
            found = self._offering(found, history, now, book, find, grounds)
        if "scene" in found.trace:                       # a scene's own words are said as they are written
            return replace(found, felt=felt)
        of_twin = found.sources[:1] == ("insult",) or rules.rude(text, found.language) or chat.is_question(text, found.language) and (     # "what did you give up?": nobody's trouble
            side(bare := normal(text, found.language)) == "you" or side(bare) != "me" and len(bare if found.language == "zh" else bare.split()) <= 4)
        line = self._rooms[found.language].lines.get(f"ack-{felt.ekman}") if felt.heavy and not of_twin else None
        if line and empathy.consoles(found) and (rest := empathy.asked(text, found.language)):
            answered = self._answered(history, rest, now=now, language=found.language, capable=capable, passages=passages)
            found = answered if answered.step in ("fact", "document", "line") and not empathy.consoles(answered) else found
        return empathy.first(replace(found, felt=felt), line, history, self._values(found.language, told.name_of(history)), capable) if line else replace(found, felt=felt)

    def _offering(self, found: Answer, history: Sequence[dict], now: datetime, book: Book | None, find: Callable[[str], Sequence[Any]] | None,
                  grounds: Grounds | None) -> Answer:
        """The answer with the tools that a larger model may call for it. What one gives may be said, and the scene stands as one leaves it."""
        at_hand = tools.of(self.scene, book is not None, find is not None, self.catalogue is not None)
        asked = tools.Asked(found.language, now, history, found.state if found.state is not None else {}, book, self.catalogue, find, self.scene)

        def call(raw: str) -> str:
            result = tools.called(raw, at_hand, asked)
            if grounds is not None:
                grounds.learn(result)
            if found.state is not None:
                found.state.update(self._shown(asked.state))
            return result

        return replace(found, functions=tools.offer(at_hand, found.language, self.scene is not None), call=call)

    def _answered(self, history: Sequence[dict], text: str, *, now: datetime, language: str = "", capable: bool = False,
                  passages: Sequence[cited.Piece] = (), recalled: Sequence[Recollection] = (), playing: bool = True,
                  book: Book | None = None) -> Answer:
        text = clean(text)
        text = text if len(text) <= LONGEST else f"{text[:LONGEST * 2 // 3]} {text[-LONGEST // 3:]}"
        history = [turn for turn in history if turn.get("content")]
        if history and history[-1].get("role") == "user" and clean(history[-1]["content"]) == text:
            history = history[:-1]
        tongue = language_of(text, history, language or (self.persona.languages or ("en",))[0])
        values = self._values(tongue, told.name_of(history))
        question = rules.Question(text, tongue, history, now, values, self.persona.gender)
        ruling = rules.answer(question)
        if (given := teach.lesson(text)) and (not ruling or ruling.id not in rules.SAFE):
            own = [line for room in self._rooms.values() for line in room.own]
            return Answer("rule", teach.reply(own, given, tongue), mood="warm", sources=("taught",), language=tongue, trace={"rule": "taught"})
        if recalled and (not ruling or ruling.id in _OF_USER) and (retold := told_before.answer(text, recalled, tongue, now)) and (retold.found or not _told_now(ruling)):
            return Answer("memory", retold.text, mood=retold.mood, sources=("memory",), language=tongue)
        if (not ruling or ruling.id not in rules.SAFE) and (played := self._played(text, tongue, history, values, {
                "now": now, "language": language, "capable": capable, "passages": passages, "recalled": recalled, "playing": False} if playing else None, now, book)):
            return played
        origin = self._origin(text, tongue, history, passages)
        if origin and (not ruling or ruling.id not in rules.FIRM):
            return Answer(origin.step, origin.text, mood=origin.mood, sources=origin.sources, language=tongue)
        if ruling and ruling.id in _SKILLS and not capable and (skill := self._held(text, tongue, history, values, now)) and skill.step == "fact":
            return skill
        if ruling and not (ruling.soft and not capable and (self._again(text, tongue, history, values) or self._own_is_close(text, tongue, history) or self._cited(text, tongue, history, passages, cited.STRONG))):
            return self._ruled(ruling, history, tongue, now, capable)
        return self._capable(text, tongue, history, now, passages, recalled) if capable else self._small(text, tongue, history, values, now, passages)

    def greeting(self, language: str = "", returning_name: str = "") -> Answer:
        """The first words of a conversation; with the name of a user who comes back."""
        tongue = language if language in self._rooms else (self.persona.languages or ("en",))[0]
        room = self._rooms[tongue]
        values = self._values(tongue, returning_name)
        own = self.persona.greeting.get(tongue)
        line = room.lines["greet-back" if returning_name else "greet"]
        openings = self.scene.openings.get(tongue, ()) if self.scene else ()
        text = pick(line.say if returning_name else openings or line.say, values, ()) if returning_name or not own else own[0]
        return Answer("greeting", text, mood="happy", sources=("greeting",), language=tongue)

    def aside(self, history: Sequence[dict], language: str = "", book: Book | None = None, now: datetime | None = None) -> Answer:
        """A reminder of `book` that is due `now`, else something of its own, after a long silence."""
        tongue = language_of("", history, language or (self.persona.languages or ("en",))[0])
        if book is not None and now is not None and (due := tools.due(book, now, tongue, history)):
            return Answer("tool", due.text, mood=due.mood, sources=("reminder",), language=tongue)
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

    # The scene.

    def _played(self, text: str, tongue: str, history: Sequence[dict], values: Mapping[str, str], more: dict[str, Any] | None,
                now: datetime, book: Book | None) -> Answer | None:
        """What the scene or a tool says, or what others say and the scene's next word behind it. `more`: how others are asked; None: not now."""
        if more is None:
            return None
        state = self._state(history)
        played = self._play.alarm(text, tongue, state, values, history) if self._play else None
        if played is None and (used := self._used(text, tongue, history, state, now, book)):
            return used
        played = played or (self._play.turn(text, tongue, state, values, history) if self._play else None)
        if played is None:
            return None
        state = self._shown(played.state)
        if played.text:
            return Answer("line", played.text, mood=played.mood, sources=(played.source,), language=played.tongue or tongue, state=state, trace={"scene": state["scene"]})
        found = self._answered(history, text, **more)
        joint = " " if tongue == "en" else ""
        return replace(found, text=found.text and found.text + joint + played.after, fallback=found.fallback and found.fallback + joint + played.after, state=state)

    def _used(self, text: str, tongue: str, history: Sequence[dict], state: dict[str, Any], now: datetime, book: Book | None) -> Answer | None:
        """What a tool says, where the words ask for one; a line that fits closely goes before a search in the catalogue."""
        asked = tools.Asked(tongue, now, history, state, book, self.catalogue, None, self.scene)
        wanted = tools.wanted(tools.of(self.scene, book is not None, goods=self.catalogue is not None), text, asked)
        if wanted is None:
            return None
        tool, arguments = wanted
        open_to_lines = tool.name == "catalogue" and not state.get("wishing") and not arguments.get("plainly")
        own, anybody = self._rooms[tongue].hits(text, "") if open_to_lines else ([], [])
        if any(hit.score >= self._rooms[tongue].margins.close + 0.05 for hit in (*own[:1], *(hit for hit in anybody[:1] if hit.line in self._rooms[tongue].scene))):
            return None
        done = tool.run(arguments, asked)
        return Answer("tool", done.text, mood=done.mood, sources=(tool.name,), language=tongue, state=self._shown(asked.state), trace={"scene": tool.name})

    def _state(self, history: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
        """How things stand after the history."""
        if self._play is not None:
            return self._play.state(history)
        found: dict[str, Any] = next((turn["state"] for turn in reversed(history) if isinstance(turn.get("state"), dict)), {})
        return {"scene": "", **{name: found[name] for name in ("minor", "pending") if name in found}} if found else {}

    def _shown(self, state: dict[str, Any]) -> dict[str, Any]:
        return self._play.show(state) if self._play is not None else state

    def _kept_to(self, found: Answer, history: Sequence[dict], text: str) -> Answer:
        """The answer with the state that goes on; where the user is under eighteen, no model courts them."""
        state = found.state
        if state is None and (state := self._state(history)):
            state = self._shown({name: value for name, value in state.items() if name not in ("pending", "wishing")})
        if not minors.is_minor(history, text):
            return replace(found, state=state or None)
        check = found.check
        messages = [*found.messages[:-1], found.messages[-1] | {"content": found.messages[-1]["content"] + _YOUNG[found.language]}] if found.messages else found.messages
        return replace(found, state={**(state or {}), "minor": True}, messages=messages, check=lambda sentence: "courtship with a minor" if minors.courts(sentence) else check(sentence))

    # The two ways.

    def _ruled(self, ruling: rules.Ruling, history: Sequence[dict], tongue: str, now: datetime, capable: bool) -> Answer:
        text, mood = ruling.text, ruling.mood
        sources: tuple[str, ...] = (ruling.id,)
        if ruling.rest and not capable:
            rest = self._answered(history, ruling.rest, now=now, language=tongue)
            if rest.text and rest.step in ("line", "fact", "rule") and rest.language == tongue and rest.sources[0] not in ("hello",
                "nice-to-meet"):
                text, sources = f"{text}{' ' if tongue == 'en' else ''}{rest.text}", (*sources, *rest.sources)
        return Answer("rule", text, mood=mood, sources=sources, language=ruling.language or tongue, trace={"rule": ruling.id})

    def _capable(self, text: str, tongue: str, history: Sequence[dict], now: datetime, passages: Sequence[cited.Piece],
                 recalled: Sequence[Recollection] = ()) -> Answer:
        room = self._rooms[tongue]
        own, anybody = room.hits(text, "")
        examples = [turn for hit in own[:3] if hit.score >= room.margins.middling and (turn := self._turn(hit, tongue))]
        messages = prompt.messages(self.persona, tongue, text, history, examples, capable=True)
        if quoted := told_before.bracket(recalled, tongue) + cited.bracket(passages, tongue):
            messages[-1] = messages[-1] | {"content": messages[-1]["content"] + quoted}
        seen = [said for turn in examples for said in turn] + ([quoted] if quoted else [])
        grounds = Grounds(self.persona, tongue, text, history, seen, messages[0]["content"], True)
        found = self._small(text, tongue, history, self._values(tongue, told.name_of(history)), now, passages)
        return Answer("model", "", messages, self._mood(text, tongue, found.mood), tuple(hit.line.id for hit in own[:3]), tongue,
                      found.text or found.fallback, grounds.check, {"own": _score(own), "anybody": _score(anybody)},
                      found.step if found.step in ("fact", "document") else "fact" if not found.text and found.fallback_step == "fact" else "unknown")

    def _small(self, text: str, tongue: str, history: Sequence[dict], values: Mapping[str, str], now: datetime,
               passages: Sequence[cited.Piece] = ()) -> Answer:
        room, replies = self._rooms[tongue], self._replies[tongue]
        moment = Moment(history, values, self._last(history, room))
        if quote := self._cited(text, tongue, history, passages, cited.STRONG):
            return Answer(quote.step, quote.text, mood=quote.mood, sources=quote.sources, language=tongue, trace={"score": round(quote.score, 3)})
        again = self._again(text, tongue, history, values) or (self._bare[tongue].firm(text, moment) if tongue in self._bare else None)
        found = again or self._informed(text, tongue) or self._plain(text, tongue, moment) or self._remarked(text, tongue, moment, False)
        if not found and (judged := self._judged(text, tongue, moment, now)):
            bare = self._bare.get(tongue)                # not "every day" of another thing than opening
            found = judged if not bare or not bare.doubts(text, judged, moment) else None
        found = found or replies.find(text, moment)
        if found := found if found and again else self._weighed(found, text, tongue, moment):
            return Answer(found.step, replies.acknowledged(found, text, moment), mood=found.mood, sources=found.sources, language=tongue,
                          trace={"score": round(found.score, 3)})
        if quote := self._cited(text, tongue, history, passages):
            return Answer(quote.step, quote.text, mood=quote.mood, sources=quote.sources, language=tongue, trace={"score": round(quote.score, 3)})
        own, anybody = room.hits(text, moment.last)
        known = room.known(text)
        trace = {"own": _score(own), "anybody": _score(anybody), "fact": round(known[0].score, 3) if known else 0.0}
        beyond = self._remarked(text, tongue, moment, True)
        if beyond and beyond.step == "unknown":          # nothing of its own life: a fact that fits well, or a model, may still answer
            if known and known[0].score >= room.margins.fact:
                beyond = replies.as_fact([known[0].fact], known[0].score)
            elif tongue == "en" and nearby.on_somebody(text, room.names):
                line = room.lines["no-more-of"]
                beyond = Found("unknown", pick(line.say, moment.values, history, len(history)), line.mood, (line.id,), 0.0)
            elif tongue == "en":
                return self._asked_model(text, tongue, history, [*own[:3], *anybody[:2]], known, beyond, trace)
        if found := beyond:
            return Answer(found.step, found.text, mood=found.mood, sources=found.sources, language=tongue, trace=trace)
        if not chat.is_question(text, tongue):
            if taken := self._bare[tongue].answer(text, moment) if tongue in self._bare else None:
                return Answer(taken.step, taken.text, mood=taken.mood, sources=taken.sources, language=tongue, trace=trace)
            if known and known[0].score >= room.margins.fact and re.match(r"(?:(?:so|oh|ah|and|哦|噢|原来|那|啊)[\s,，]*)*(?:you\b|"
                r"你)", text.lower()):
                echoed = replies.as_fact([known[0].fact], known[0].score)
                said = ("Yes. " if tongue == "en" else "是呀。") + echoed.text
                return Answer("fact", said, mood="warm", sources=echoed.sources, language=tongue, trace=trace)
            return self._taken_up(text, tongue, history, values, trace)
        near_one = mention.subject(text, tongue, room.called) or mention.resolved(text, tongue, history, room.called)[1]
        personal = near_one or _PERSONAL.search(text) and not _OPINION.search(text)
        if tongue == "en" and nearby.on_somebody(text, room.names):
            personal = personal or "somebody"
        near = next((item for item in known if item.score >= room.margins.near + (0.1 if personal else 0)), None)
        fallback = replies.as_fact([near.fact], near.score) if near else self._unknown(text, tongue, moment)
        if tongue == "zh" or personal:                   # of itself it knows only what is written: no model can know more
            mood = self._mood(text, tongue, fallback.mood)
            return Answer(fallback.step, fallback.text, mood=mood, sources=fallback.sources, language=tongue, trace=trace)
        return self._asked_model(text, tongue, history, [*own[:3], *anybody[:2]], known, fallback, trace)

    # Where nobody wrote lines.

    def _held(self, text: str, tongue: str, history: Sequence[dict], values: Mapping[str, str], now: datetime) -> Answer | None:
        """What the facts of a twin without lines say, or that they don't."""
        bare = self._bare.get(tongue)
        found = bare.answer(text, Moment(history, values, self._last(history, self._rooms[tongue]))) if bare else None
        return Answer(found.step, found.text, mood=found.mood, sources=found.sources, language=tongue, trace={"score": round(found.score, 3)}) if found else None

    def _again(self, text: str, tongue: str, history: Sequence[dict], values: Mapping[str, str]) -> Found | None:
        """What a twin without lines told in this talk and is asked after again."""
        bare = self._bare.get(tongue)
        return bare.again(text, Moment(history, values, "")) if bare else None

    def _weighed(self, found: Found | None, text: str, tongue: str, moment: Moment) -> Found | None:
        """For a twin without lines: what was found, or the fact that holds better what is asked; and where nothing is written about it, plainly that
        it isn't known."""
        bare, room = self._bare.get(tongue), self._rooms[tongue]
        if not bare or chat.follow_up(text, tongue) and not (bare.learned and (not found or found.sources[0].startswith("follow-"))) or found and (found.sources[0] in ("common", "why", *_FIRST_FOUND) or room.lines.get(found.sources[0]) in room.scene
                                                                  or any(line.id == found.sources[0] for line in room.own) or len(found.sources) > 1 and len(parts(text)) > 1):
            return found
        told_of = bare.answer(text, moment)
        if not found:
            return told_of
        if found.step == "fact" and told_of and (judged := bare.judged(text, moment)):
            return found if judged.holds(found.sources, bare.quotes(found)) else told_of
        line = room.lines.get(found.sources[0]) if found.step != "fact" else None
        empty = found.step == "unknown" or found.sources[0] in _NOTHING_TOLD or line is not None and bool(line.fact) and line.id not in _OF_ITSELF
        if found.step == "fact":
            worth = bare.worth(text, found, moment)
            if told_of and told_of.step == "fact" and any(found.text.startswith(say.split("{")[0]) for say in room.lines["none-but"].say):
                return told_of if not (kind := mention.named(text, tongue)) or mention.names(kind, told_of.text) else found
            if worth is None or bare.quotes(found) is False or worth >= (told_of.score - 0.1 if told_of and told_of.step == "fact" else bare.doubtful):
                return found                             # written in the other language, said for a reason of its own, or as good
            return told_of or (bare.unknown(text, moment) if bare.doubts(text, found, moment) else found)
        if told_of and told_of.step == "fact":
            return told_of if empty or told_of.score >= bare.over and (line or found.sources[0] in _ASIDE and bare.topical(text)) else found
        if told_of and found.sources[0] in ("age", "star-sign", "look"):     # asked for a day, not for an age
            return told_of
        if not empty or found.sources[0] == "not-told" or not (told_of or line and chat.is_question(text, tongue)):
            return found
        again = "".join(parts(found.text)[-1:]) if line and found.text.endswith(("?", "？")) and not told_of else ""
        return replace(told_of or bare.unknown(text, moment, again), step=found.step, sources=found.sources)

    # From its documents.

    def _cited(self, text: str, tongue: str, history: Sequence[dict], passages: Sequence[cited.Piece], least: float = cited.SURE) -> Found | None:
        """A passage that answers, said with its source; a line of the twin's own and a fact of its card that fits as well go first."""
        if not passages or passages[0].score < least or not (chat.is_question(text, tongue) or _WISH.search(text)):
            return None
        room, best = self._rooms[tongue], passages[0]
        own, anybody = room.hits(text, self._last(history, room))
        fits = cited.apt(text, best.best, tongue)
        if own and own[0].score >= room.margins.close and (own[0].score >= room.margins.close + 0.2 or cited.apt(text, f"{own[0].ask} {' '.join(own[0].line.say)}", tongue) + 0.05 >= fits):
            return None
        of_twin = _PERSONAL.search(text) if tongue == "en" else bool(re.search("[你您](?!们)", text))
        if of_twin and anybody and anybody[0].score >= room.margins.close - 0.04 and anybody[0].line.id not in _BUSINESS:
            return None
        facts = [item.fact.text for item in room.known(text)[:3] if item.score >= room.margins.near]
        on_it = any(best.source.lower() in turn["content"].lower() for turn in history[-4:] if turn["role"] == "assistant")     # the talk is of that document
        if facts and not on_it and max(cited.apt(text, fact, tongue) for fact in facts) + 0.05 >= fits:
            return None
        grounds = Grounds(self.persona, tongue, text, history, [one.text for one in passages], prompt.system(self.persona, tongue, False))
        return cited.said(passages, tongue, len(history) // 2, grounds.check, least)

    def _origin(self, text: str, tongue: str, history: Sequence[dict], passages: Sequence[cited.Piece]) -> Found | None:
        """Where the twin knows from what it said last."""
        if not history or history[-1].get("role") != "assistant" or not cited.asks_origin(text):
            return None
        room, last = self._rooms[tongue], history[-1]["content"]
        own = last if room.quoted.source(last) in {line.id for line in room.own} else ""
        return cited.origin(passages, last, [*(fact.text for fact in room.facts), own], tongue)

    # Where nothing fits.

    def _taken_up(self, text: str, tongue: str, history: Sequence[dict], values: Mapping[str, str], trace: Mapping[str, object]) -> Answer:
        """A statement of the user's: taken up by what it says or by its mood."""
        room = self._rooms[tongue]
        mood = called_for(text, tongue)
        stated = chat.stated(parts(text)[0] if parts(text) else text, tongue) if mood in _EVEN else None
        if mood in _EVEN and not stated and (told_of := heard.taken_up(text, tongue, len(history) // 2)):
            return Answer("line", told_of.text, mood=told_of.mood, sources=("heard",), language=tongue, trace=trace)
        own, what = stated if stated else (f"heard-{mood}" if f"heard-{mood}" in room.lines else "heard", "")
        line = room.lines[own]
        said = pick(line.say, {**values, "what": what}, history, len(history))
        said = said[:1].upper() + said[1:]
        return Answer("line", said, mood=line.mood if line.mood != "neutral" else mood, sources=(line.id,), language=tongue, trace=trace)

    def _informed(self, text: str, tongue: str) -> Found | None:
        """A piece of common knowledge."""
        said = common.known(text, tongue)
        return Found("line", said, "curious", ("common",), 1.0) if said else None

    def _plain(self, text: str, tongue: str, moment: Moment) -> Found | None:
        """What a short Chinese question plainly asks for."""
        if tongue != "zh" or len(text) > 40:
            return None
        return plain_zh.plainly(text, self._rooms[tongue], moment, self._offer(tongue, moment))

    def _remarked(self, text: str, tongue: str, moment: Moment, late: bool) -> Found | None:
        """What anybody says to such a remark, unless a line of the twin's own fits closely."""
        rule = talk.remark(text, tongue, late)
        if rule is None:
            return None
        room = self._rooms[tongue]
        if not late:
            own, others = room.hits(text, moment.last)
            own = own + [hit for hit in others[:2] if hit.line in room.scene]
            if own and max(hit.score for hit in own) >= room.margins.close + 0.08 and not (tongue == "zh" and rule.mood == "concerned"):
                return None
        own_facts = [fact.text for fact in room.facts if fact.source.startswith("fact")]
        fact = next((fact for fact in own_facts if fact not in moment.spoken()), "")
        values = {**moment.values, "fact": fact, "offer": self._offer(tongue, moment)}
        said = pick(rule.say, values, moment.history, len(moment.history) // 2)
        return Found("unknown" if rule.id == "talk-beyond" else "line", said, rule.mood, (rule.id,), 1.0) if said else None

    def _judged(self, text: str, tongue: str, moment: Moment, now: datetime) -> Found | None:
        """What a fact with a condition says: an age against "under ten free", a day against opening days."""
        room = self._rooms[tongue]
        if not chat.is_question(text, tongue):
            return None
        latest = moment.history[-1]["content"] if moment.history else ""
        recent = [fact for fact in room.facts if tongue == "zh" and fact.text.rstrip("。") in latest]
        recent = [fact for fact in room.facts if tongue == "zh" and "课" in text and "课" in fact.text] or recent
        verdict = recent and conditions.judged(text, tongue, recent, now) or conditions.judged(text, tongue, room.facts, now)
        if verdict is None:
            on = conditions.that_day(text, tongue, room.facts)
            return self._replies[tongue].as_fact([on], 1.0) if on else None
        line = room.lines[f"{verdict.kind}-{'yes' if verdict.fits else 'no'}"]
        said = pick(line.say, {**moment.values, "what": verdict.what, "fact": verdict.fact.text}, moment.history)
        return Found("fact", said, line.mood, (verdict.fact.source,), 1.0)

    def _offer(self, tongue: str, moment: Moment) -> str:
        """An invitation to something this twin really has: "I could tell you about Pedal, my cat"."""
        room = self._rooms[tongue]
        return offers.offer(room.facts, tongue, moment.spoken(),
                            len(moment.history) // 2)

    def _unknown(self, text: str, tongue: str, moment: Moment) -> Found:
        """That it doesn't know, with a turn to something it does."""
        if tongue in self._bare and (near := self._bare[tongue].nearest(text, moment)):
            return near
        room = self._rooms[tongue]
        personal = bool(re.search(r"\byou(r|rs|rself)?\b", text, re.IGNORECASE) if tongue == "en" else re.search("[你您]", text) or moment.history and len(text) < 9)
        if tongue == "en" and nearby.on_somebody(text, room.names):
            personal = True
        line = room.lines["unknown-self" if personal else "unknown"]
        salt = len(moment.history) // 2
        said = pick(line.say, {**moment.values, "offer": self._offer(tongue, moment)}, moment.history, salt)
        return Found("unknown", said, line.mood, (line.id,), 0.0)

    # With the small model.

    def _asked_model(self, text: str, tongue: str, history: Sequence[dict], hits: Sequence[Hit], known: Sequence[Known], fallback: Found,
                     trace: Mapping[str, object]) -> Answer:
        room = self._rooms[tongue]
        near = [hit for hit in sorted(hits, key=lambda hit: -hit.score) if hit.score >= room.margins.middling]
        examples = [turn for hit in near[:3] if (turn := self._turn(hit, tongue))]
        examples = (prompt.examples_of(self.persona, tongue)[:max(0, 2 - len(examples))] + examples[::-1])[:4]
        facts = [item.fact.text for item in known[:2] if item.score >= room.margins.near - 0.08]
        messages = prompt.messages(self.persona, tongue, text, history, examples, facts)
        seen = [said for turn in examples for said in turn] + facts
        alike = room.alike if room.vector(text) is not None else None
        grounds = Grounds(self.persona, tongue, text, history, seen, messages[0]["content"], alike=alike)
        return Answer("model", "", messages, self._mood(text, tongue, fallback.mood), tuple(hit.line.id for hit in near[:3]) or fallback.sources, tongue,
                      fallback.text, grounds.check, trace, "fact" if fallback.step == "fact" else "unknown")

    # Small things.

    def _values(self, tongue: str, user: str) -> dict[str, str]:
        person = self.persona
        name = person.text("name", tongue)
        return {"name": name, "first": name.split()[0] if tongue == "en" else name, "user": user, "age": "" if person.age is None else str(person.age),
                "tagline": person.tagline.get(tongue, "").rstrip(".。")}

    def _own_is_close(self, text: str, tongue: str, history: Sequence[dict]) -> bool:
        room = self._rooms[tongue]
        own, others = room.hits(text, "") if room.own or room.scene else ([], [])
        return any(hit.score >= room.margins.close + 0.12 for hit in (*own[:1], *(hit for hit in others[:1] if hit.line in room.scene)))

    def _last(self, history: Sequence[dict], room: Repertoire) -> str:
        """The id of the line the twin said last, or ""."""
        return room.quoted.source(history[-1]["content"]) if history and history[-1]["role"] == "assistant" else ""

    def _turn(self, hit: Hit, tongue: str) -> prompt.Turn | None:
        said = pick(hit.line.say, {**self._values(tongue, ""), "user": ""}, ())
        return (hit.line.ask[0], said) if said and hit.line.ask else None

    def _mood(self, text: str, tongue: str, otherwise: str) -> str:
        mood = called_for(text, tongue)
        return mood if mood != "neutral" else otherwise


def _told_now(ruling: rules.Ruling | None) -> bool:
    """Whether the talk at hand answers what the memory does not."""
    return ruling is not None and ruling.id in ("told-asked", "name-asked", "you-said")


def _score(hits: Sequence[Hit]) -> float:
    return round(hits[0].score, 3) if hits else 0.0


