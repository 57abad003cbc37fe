"""A reply that needs no model: the line or the fact that answers, resolved from the turns before, or None."""
from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from persona import aspects, chat, gist, mention, nearby
from persona.card import Persona
from persona.emotion import called_for
from persona.fields import Fact
from persona.lines import pick, same
from persona.repertoire import Hit, Repertoire
from persona.talk import topics
from persona.words import parts, simplify

_TO_TWIN = re.compile(r"\byou(r|rs|rself)?\b|你", re.IGNORECASE)
_NOBODY = re.compile(r"\bit('s| is)? (rains?|snows?|raining|snowing)\b|\bis it (hard|cold|far|true|possible|ok|okay|safe|easy|difficult|"
                     r"late|raining|"
                     r"worth|nice|fun|warm|hot|dark|a|an|the)\b", re.IGNORECASE)
COURTESY = frozenset(("hello", "nice-to-meet", "thanks", "goodbye", "good-morning", "good-evening", "good-night", "how-are-you-back"))


@dataclass(frozen=True)
class Found:
    """What is said, from where, and how sure it is."""
    step: str
    text: str
    mood: str
    sources: tuple[str, ...]
    score: float


@dataclass(frozen=True)
class Moment:
    """Where a question falls: its history, the values that fill lines, the id of the line said last."""
    history: Sequence[dict]
    values: Mapping[str, str]
    last: str

    def spoken(self) -> str:
        """All that the twin has said so far."""
        return " ".join(turn["content"] for turn in self.history if turn["role"] == "assistant")


class Replies:
    """Of one twin in one language."""

    def __init__(self, persona: Persona, room: Repertoire):
        self.persona, self.room, self.tongue = persona, room, room.language

    def find(self, text: str, moment: Moment) -> Found | None:
        """The reply to a text: to what it points back at, to its parts, or to it as a whole."""
        if self.tongue == "en" and (near := self._near(text, moment)):
            return near
        several = sum(chat.is_question(piece, self.tongue) for piece in parts(text)) > 1
        found = self._follow(text, moment) or (self._pieces(text, moment) if several else None) or self._pointed(text, moment)
        return found or self._direct(text, moment) or self._pieces(text, moment)

    def _near(self, text: str, moment: Moment) -> Found | None:
        """What near words find for certain: who somebody named is, how many of a thing, when one can come, how long a service takes."""
        room = self.room
        facts = [fact for fact in room.facts if not fact.source.startswith("tagline")]
        own = room.hits(text, moment.last)[0] if room.own else []
        if own and own[0].score >= room.margins.close or len(parts(text)) > 1:
            return None
        mine = [part for name in self.persona.name.values() for part in (name, *name.split())]
        if named := nearby.who(text, facts, mine):
            fact, name = named
            others = next((names for one, names in zip(room.facts, room.names) if one == fact), set())
            whole = self.as_fact([fact], 1.0)
            part = nearby.part_on(fact.text, name, others) if fact.text in moment.spoken() else ""
            return replace(whole, text=part) if part and part not in moment.history[-1]["content"][:len(part)] else whole
        if re.search(r"\bhow long (does|do|will|would|did) (it|that|this|they|one) take\b", text.lower()) and moment.history:
            said, source = nearby.duration(" ".join(turn["content"] for turn in moment.history[-2:] if turn["role"] == "user"), facts)
            line = room.lines["no-duration"]
            return Found("fact" if said else "line", said or pick(line.say, moment.values, moment.history), "neutral", (source or line.id,), 1.0)
        if re.search(r"\byour\b.*\b(boss|owner|manager|employer)\b", text.lower()) \
                and not any(re.search(r"\b(boss|owner|manager|employer)\b", fact.text) for fact in room.all_facts):
            return self._as_line(Hit(room.lines["no-boss"], 1.0, False, ""), moment)
        if kin := re.search(r"\b(?:his|her|their|your \w+['’]?s) (husband|wife|son|daughter|child(?:ren)?|kids?|boss|mother|father|brother|sister|girlfriend|"
                            r"boyfriend)\b", text.lower()):
            held = next((fact for fact in facts if re.search(rf"\b(his|her|their) {kin.group(1)}\b|\b(she|he) (has|have) [\w ]*{kin.group(1)}", fact.text.lower())), None)
            return self.as_fact([held], 1.0) if held else self._as_line(Hit(room.lines["no-more-of"], 1.0, False, ""), moment)
        near = nearby.number_of(text, facts) if not mention.subject(text, "en", room.called) else None
        near = near or nearby.visiting(text, facts)
        return self.as_fact([near], 1.0) if near else None

    def _direct(self, text: str, moment: Moment) -> Found | None:
        """The line or fact that answers the text as a whole."""
        room = self.room
        called = self._without_call(text)
        if kind := mention.of(called, self.tongue):
            return self._of_another(called, kind, moment)
        own, anybody = room.hits(called, moment.last)
        close = room.margins.close
        best, common = (own[0] if own else None), (anybody[0] if anybody else None)
        if best and best.score >= close and (common is None or best.score >= common.score - 0.08):
            return self._as_line(best, moment)
        if common and common.score >= close and not (called_for(called, self.tongue) == "concerned" and common.line.mood in ("happy",
            "excited")):
            return self._as_common(common, called, moment)
        if best and best.score >= close:
            return self._as_line(best, moment)
        known = room.known(called)
        if known and known[0].score >= room.margins.fact + (0 if _TO_TWIN.search(called) else 0.08) and chat.is_question(called, self.tongue):
            return self.as_fact([known[0].fact], known[0].score)
        return None

    def _pointed(self, text: str, moment: Moment) -> Found | None:
        """"What's her name?", "多大了": where it is clear whom it is about; "and the other one?"."""
        if {"price", "hours"} & set(topics(text, self.tongue)):
            return None
        if other := self._other_one(text, moment):
            return (self._near(other, moment) if self.tongue == "en" else None) or self._direct(other, moment)
        called = self.room.called
        if self.tongue == "en" and _NOBODY.search(text):
            return None
        whole, kind, pronoun = mention.resolved(text, self.tongue, moment.history, called)
        if whole:
            return self._of_another(whole, kind, moment, pronoun)
        kind = mention.subject(text, self.tongue, called)
        if kind and not mention.of(text, self.tongue) and len(text) < 40 and self._asks_on(text):
            full = re.sub(r"^(那|那么|还有|有)*", "", simplify(text)) if self.tongue == "zh" else text
            return self._of_another(full if self.tongue == "en" or full.startswith("你") else "你" + full, kind, moment)
        return None

    def _asks_on(self, text: str) -> bool:
        """Whether the text asks after somebody without saying whose: "儿子呢", "and kids?"."""
        bare = re.sub(r"[^\w ]", "", simplify(text).lower())
        return bool(re.search(r"呢$|^(那|还有)|[么吗谁]|多大|几岁|结婚|"
                              r"在哪", bare)) if self.tongue == "zh" else bool(re.match(r"(and|what about|how about|any|got) ", bare))

    def _other_one(self, text: str, moment: Moment) -> str:
        """"And the other one?" as the user's last question with the other name of the fact they asked after, or ""."""
        bare = re.sub(r"[^\w ]", "", simplify(text).lower())
        if not re.search(r"^(and |so |what about |how about |then )*(the )?other( one| brother| sister| two| guy)?s?$|^(那)?(另外?(一|"
                         r"那)?[个位只]?|还有一个|另一半)(呢|是谁)*$", bare):
            return ""
        turns = [turn["content"] for turn in moment.history[-2:]]
        for names in self.room.names:
            for said in turns:
                used = [name for name in names if name in said]
                left = sorted(names - set(used))
                if len(used) == 1 and len(left) == 1:
                    return turns[0].replace(used[0], left[0]) if used[0] in turns[0] and self.tongue == "zh" else (f"who is "
                        f"{left[0]}" if self.tongue == "en" else f"{left[0]}是谁")
        return ""

    def _of_another(self, text: str, kind: str, moment: Moment, pronoun: str = "") -> Found | None:
        """The answer to a question about somebody else must speak of them and hold what is asked; else that no more is known."""
        room = self.room
        wanted = aspects.asked(text, self.tongue)
        own, anybody = room.hits(text, moment.last)
        for hit in own[:4]:
            said = " ".join(hit.line.say)
            fits = wanted is None or bool(wanted.held.search(said)) or hit.score > 0.9
            if kind in mention.EXACT and not mention.names(kind, hit.ask + " " + said):
                continue
            if hit.score >= room.margins.close - 0.06 and fits and mention.speaks_of(kind, hit.ask + " " + said):
                return self._as_line(hit, moment)
        facts = [item.fact for item in room.known(text) if mention.speaks_of(kind, item.fact.text)]
        if kind in mention.EXACT and facts and not any(mention.names(kind, fact.text) for fact in facts) and not pronoun:
            text = pick(room.lines["none-but"].say, {**moment.values, "fact": _sentence(facts[0].text, self.tongue)}, moment.history)
            return replace(self.as_fact(facts[:1], 1.0), text=text)
        holding = [fact for fact in facts if wanted is None or wanted.held.search(fact.text)]
        spoken = moment.spoken()
        fresh = [fact for fact in holding if fact.text not in spoken]
        if fresh:
            return self.as_fact(fresh[:1], 1.0)
        if holding:
            told = self.as_fact(holding[:1], 1.0)
            if wanted is None and pronoun and self.tongue == "en" and not re.search(r"\b(tell|about)\b", text.lower()):
                return self._as_line(Hit(room.lines["no-more-of"], 1.0, False, ""), moment)
            if wanted and (short := self._clause(holding[0].text, wanted, pronoun or mention.pronoun_of(kind))):
                return replace(told, text=short)
            return replace(told, text=pick(room.lines["again"].say, {"reply": told.text}, moment.history, len(moment.history)))
        if foreign := self._gist_of(kind, wanted, moment):
            return foreign
        common = next((hit for hit in anybody[:3] if hit.score >= room.margins.close and mention.speaks_of(kind, hit.ask)), None)
        found = self._as_common(common, text, moment) if common and not facts else None
        if found and (mention.speaks_of(kind, found.text) or found.step == "line"):
            return found
        if wanted and (facts or pronoun):
            return self._not_told(wanted, pronoun or mention.pronoun_of(kind), facts, moment)
        if pronoun and not facts:
            return None
        enough = room.margins.close - 0.2
        if vague := next((hit for hit in own[:3] if hit.score >= enough and hit.line.id != moment.last and mention.speaks_of(kind, hit.line.say[0])), None):
            return self._as_line(vague, moment)
        return self._as_line(Hit(room.lines["no-more-of" if facts else "no-such"], 1.0, False, ""), moment)

    def _clause(self, fact: str, wanted: aspects.Aspect, pronoun: str) -> str:
        """The part of a fact told before that holds what is asked, or ""."""
        pieces = [piece.strip() for piece in re.split(r"[，。；]" if self.tongue == "zh" else r"(?<=[.;])\s+|, and ", fact) if piece.strip()]
        held = [piece for piece in pieces if wanted.held.search(piece)]
        if len(pieces) < 2 or len(held) != 1:
            return ""
        it = {"she": "她", "he": "他", "it": "它", "they": "他们"}.get(pronoun, "")
        lead = it if self.tongue == "zh" and held[0] != pieces[0] and not re.match("[她他它我]", held[0]) else ""
        return _sentence(lead + held[0], self.tongue)

    def _not_told(self, wanted: aspects.Aspect, pronoun: str, facts: Sequence[Fact], moment: Moment) -> Found | None:
        """That the story doesn't say how old he is, with what it does say."""
        fresh = [fact for fact in facts if fact.text not in moment.spoken()]
        values = {**moment.values, "clause": aspects.clause(wanted, pronoun, self.tongue), "fact": fresh[0].text if fresh else ""}
        line = self.room.lines["not-told"]
        text = pick(line.say, values, moment.history, len(moment.history))
        return Found("line", text, line.mood, (line.id, *(fact.source for fact in fresh[:1])), 1.0)

    def _gist_of(self, kind: str, wanted: aspects.Aspect | None, moment: Moment) -> Found | None:
        """The gist of a fact about the kind that is written in the other language only."""
        facts = [fact for fact in self.room.abroad if mention.speaks_of(kind, fact.text) and (wanted is None or wanted.held.search(fact.text))]
        return self.abroad(facts[:1], moment) if facts else None

    def abroad(self, facts: Sequence[Fact], moment: Moment, mood: str = "warm") -> Found | None:
        """Facts written in the other language only: their gist in this one, or that they are in the other."""
        gists = [told for fact in facts if (told := gist.gist(fact.text, self.tongue))]
        line = self.room.lines["gist" if gists else "quoted"]
        text = pick(line.say, {**moment.values, "fact": (" " if self.tongue == "en" else "").join(gists)}, moment.history, len(moment.history))
        return Found("fact", text, mood, tuple(fact.source for fact in facts), 1.0)

    def _as_common(self, hit: Hit, text: str, moment: Moment) -> Found | None:
        """A line for anybody matched: the twin's own line of the same intent, or its fact about it, goes first."""
        room = self.room
        if twin_own := room.same_intent(hit.line, moment.last):
            return self._as_line(twin_own, moment)
        facts = room.about(hit.line)
        if facts:
            line = hit.line
            latest = moment.history[-1]["content"] if moment.history else ""
            known = {item.fact: item.score for item in room.known(text)}
            leaning = len(text) < 26 and line.id in ("price", "hours")   # "does it cost anything?" is about what was said just now
            facts = sorted(facts, key=lambda fact: -known.get(fact, 0.0) - (leaning and fact.text in latest))[:line.most]
            plain = self.as_fact(facts, hit.score, line.mood)
            if (kind := mention.named(text, self.tongue)) and not mention.names(kind, plain.text):
                return replace(plain, text=pick(room.lines["none-but"].say, {**moment.values, "fact": plain.text}, moment.history))
            led = pick([say for say in line.say if "{fact}" in say], {**moment.values, "fact": plain.text}, moment.history) if facts else ""
            return replace(plain, text=led) if led and moment.values["name"] not in plain.text else plain
        other = "zh" if self.tongue == "en" else "en"
        if foreign := room.about(hit.line, room.abroad, other):
            return self.abroad(foreign[:hit.line.most], moment, hit.line.mood)
        return self._as_line(hit, moment)

    def _as_line(self, hit: Hit, moment: Moment) -> Found | None:
        text = pick(hit.line.say, moment.values, moment.history, len(moment.history))
        return Found("line", text, hit.line.mood, (hit.line.id,), hit.score) if text else None

    def as_fact(self, facts: Sequence[Fact], score: float, mood: str = "neutral") -> Found:
        text = (" " if self.tongue == "en" else "").join(_sentence(fact.text, self.tongue) for fact in facts)
        return Found("fact", text, mood, tuple(fact.source for fact in facts), score)

    def _follow(self, text: str, moment: Moment) -> Found | None:
        """"Why?", "and then?", "yes": resolved by what the twin said last."""
        kind = chat.follow_up(text, self.tongue)
        if not kind or not any(turn.get("role") == "assistant" for turn in moment.history):
            return None
        room = self.room
        said = [turn["content"] for turn in moment.history if turn["role"] == "assistant"][-1]
        if kind == "you":
            return self._returned(moment)
        next_lines = [line for line in room.own if line.follow and line.follow == moment.last]
        if next_lines and kind in ("why", "then", "really", "more", "yes"):
            own, _ = room.hits(text, moment.last)
            hit = next((hit for hit in own if hit.line in next_lines), None)
            if hit and (hit.score >= 0.45 or len(next_lines) == 1 and kind in ("then", "more", "yes")):
                return self._as_line(Hit(hit.line, hit.score, True, ""), moment)
        if kind == "why" and self.tongue == "en" and (because := nearby.reason(said, room.facts)):
            return Found("fact", because, "thoughtful", ("why",), 1.0)
        if kind in ("more", "then") and (fact := self._another(said, moment)):
            return self.as_fact([fact], 1.0)
        if kind in ("yes", "no", "unsure"):
            kind += "-asked" if "?" in said or "？" in said else ""
        line = room.lines.get(f"follow-{kind}")
        return self._as_line(Hit(line, 1.0, False, ""), moment) if line else None

    def _another(self, said: str, moment: Moment) -> Fact | None:
        """A fact not told yet that is near to what was said last."""
        room = self.room
        spoken = moment.spoken()
        known = [item for item in room.known(said)
                 if item.fact.source.startswith("fact") and item.fact.text.rstrip(".。") not in spoken]
        return known[0].fact if known and known[0].score >= room.margins.near - 0.1 else None

    def _returned(self, moment: Moment) -> Found | None:
        """"And you?": the user's own statement turned back, or the twin's last question."""
        mine = [turn["content"] for turn in moment.history if turn["role"] == "user"]
        own = [turn["content"] for turn in moment.history if turn["role"] == "assistant"]
        tries = [chat.mirrored(mine[-1], self.tongue) if mine else "", *(reversed(parts(own[-1])) if own else ())]
        for attempt in tries:
            fits = attempt and (attempt == tries[0] or "?" in attempt or "？" in attempt)
            if fits and (found := self._direct(attempt, moment)):
                return found
        return self._as_line(Hit(self.room.lines["follow-you"], 1.0, False, ""), moment)

    def _pieces(self, text: str, moment: Moment) -> Found | None:
        """Several sentences: up to two of them that can be answered, a greeting left out where there is more."""
        pieces = parts(text)
        if len(pieces) < 2:
            return None
        found: list[Found] = []
        for number, piece in enumerate(pieces[:6]):
            if chat.follow_up(piece, self.tongue) == "you" and number and (mirror := chat.mirrored(pieces[number - 1], self.tongue)):
                piece = mirror
            answered = self._direct(piece, moment)
            if answered and answered.sources[0] not in [one.sources[0] for one in found]:
                found.append(answered)
        real = [one for one in found if one.sources[0] not in COURTESY] or found[:1]
        asked = [piece for piece in pieces if chat.is_question(piece, self.tongue)]
        if not real or asked and not any(one.sources[0] not in COURTESY for one in real):
            return None
        joint = " " if self.tongue == "en" else ""
        two = real[:2]
        return Found(two[0].step, joint.join(one.text for one in two), two[-1].mood, tuple(source for one in two for source in one.sources),
                     min(one.score for one in two))

    def acknowledged(self, found: Found, text: str, moment: Moment) -> str:
        """The reply's text, said with a word about it where the same was asked before."""
        turns = moment.history[-24:]
        asked = any(same(text, turn["content"], self.tongue) for turn in turns if turn["role"] == "user")
        told = found.step == "fact" and len(found.text) > 12 and any(found.text in turn["content"] for turn in turns if turn["role"] == "assistant")
        if told and not asked and (line := self.room.lines.get("as-said")):
            whole = any(turn["content"].split(": ")[-1] == found.text for turn in turns if turn["role"] == "assistant")
            return pick(line.say, {"reply": found.text}, moment.history, len(moment.history)) if whole and found.sources != ("why",) else found.text
        if not asked or found.step not in ("line", "fact") or found.sources[0] in COURTESY or found.sources[0].startswith("follow-"):
            return found.text
        line = self.room.lines["again" if any(found.text in turn["content"] for turn in turns) else "again-new"]
        return pick(line.say, {"reply": found.text}, moment.history, len(moment.history))

    def _without_call(self, text: str) -> str:
        """The text without the twin's name as an address: "Maya, how are you?" -> "how are you?"."""
        name = self.persona.text("name", self.tongue)
        names = "|".join(re.escape(part) for part in sorted({name, *name.split()}, key=len, reverse=True))
        text = simplify(text) if self.tongue == "zh" else text
        address = (rf"^(?:(?:hey|hi|hello|你好|嗨|喂)[\s,，]*)?(?:{names})(?:老师|大叔|姐|哥|小姐|先生)?\s*[,，!！:：]\s*|"
                   rf"[,，]\s*(?:{names})(?=\s*[.!?。！？]*$)")
        text = re.sub(rf"^(hi|hello|hey|good \w+|thanks|thank you|bye|goodbye|yes|no|ok|你好|您好|嗨|早上好|晚上好|谢谢|再见|早|"
                      rf"拜拜)[\s,，]*(?:{names})(?:老师|"
                      rf"姐|哥)?"
                      r"(?=\W*$)", r"\1", text, flags=re.IGNORECASE)
        text = re.sub(rf"^(?:{names})(?:老师|姐|哥)?(?=(?:你好|您好|早上好|晚上好|早|谢谢|再见)\W*$)", "", text)
        bare = re.sub(address, "", text, flags=re.IGNORECASE).strip()
        return bare if re.search(r"\w", bare) else text


def _sentence(text: str, tongue: str) -> str:
    text = text.strip()
    return text if text.endswith((".", "!", "?", "。", "！", "？", "”", '"')) else text + ("." if tongue == "en" else "。")
