"""What a twin says that nobody wrote lines for: the fact that holds what is asked, that a suggestion is wrong, or plainly that it doesn't know."""
from __future__ import annotations

import os
import re
from collections.abc import Sequence
from dataclasses import replace
from functools import cached_property

from persona import ago, chat, conditions, mention
from persona.ago import Ago
from persona.card import Persona
from persona.fields import Fact
from persona.gloss import gloss
from persona.holding import CLOSE, ENOUGH, SURE, Held, Holding, agrees, asked, conflicts, strict, suggested
from persona.lines import pick
from persona.match import Cross, Judged, Match, learned
from persona.repertoire import Repertoire
from persona.reply import Found, Moment
from persona.search import side
from persona.words import normal, simplify

_WORD_OF = {"spouse": "爱人", "child": "孩子", "siblings": "兄弟姐妹", "parents": "父母", "daughter": "女儿", "son": "儿子", "wife": "妻子", "husband": "丈夫", "mother": "妈妈", "father": "爸爸", "sister": "妹妹",
            "brother": "弟弟", "girlfriend": "女朋友", "boyfriend": "男朋友", "cat": "猫", "dog": "狗", "grandchild": "孙子", "friend": "朋友", "bird": "鸟"}
_ITSELF = {"en": re.compile(r"\b(how old are you|your (own |real |full |first )?name\b(?! \w+ (dog|cat))|who are you|what are you$|are you (real|human|an? (ai|robot|bot|person|human|machine))|how are you|about yourself|what can you do|your day|"
                            r"you (feel|feeling)|help me)\b|\b(for|to|with|about) me$|\btell me (a|an|something)\b|\bmy\b(?! (\w+ )?(son|daughter|kid|child|dog|shoes|bike))"),
           "zh": re.compile("^(你|今天)?吃(了|过|饭)+(吗|没|没有)?$|^(那|请问)?你(今年)?(多大|几岁)|你(的)?(名字|叫什么|叫啥|是谁)|^你(今年)?(多大|几岁|年龄|高寿|贵庚)|你好|你是(不是)?(真人|机器|人工|AI|数字)|自我介绍|介绍(一下)?你?自己|你能做什么|你会什么|讲个|我(?!想[去来学]|可以|能|要)|帮我")}
_PRONOUN = {"en": re.compile(r"\b(he|she|him|her|his|they|them|their|it|its|that|there|this)\b"), "zh": re.compile("[他她它]|那(?:里|儿|个)|这个")}
# What is suggested, not asked: "you are open on Sundays?", with a tag or about the one spoken to; "to which grade?" is a question.
_PUT_TO = {"en": re.compile(r"(?i)^(?:(?:so|oh|ah|and|but|well|wait|then|i (?:hear|heard|bet|suppose|guess|take it|think|thought)(?: that)?)\b[, ]*)*(?:you|your|you're|you’re|you've|you’ve|the|it|he|she|they)\b"
                           r"|,\s*(?:right|correct|(?:is|are|was|were|do|does|did|have|has|had|can|could|will|would)n['’]?t \w+|i (?:suppose|guess|take it|presume))\s*\?+\s*$"), "zh": re.compile("[你您].*(?:吧|对吗|是吗|对不对|是不是|没错)[?？。!！]*$")}
_OFFERS = {"en": re.compile(r"(?i)\b(?:you|your|let's|let us|shall|i['’]ll|i['’]ve|i have|we['’]d|we['’]ll|i['’]d|i could|i can|want|fancy|here['’]s|here (?:is|are))\b"), "zh": re.compile("[你您咱请送给来带]|一起|我们")}
FIRM, OVER = 0.7, 0.9                                    # how likely a fact must be to go before everything else; before what anybody would say to just that
NEAR = 0.15                                              # how likely one must be to be told beside "I don't know"
OFFERED = 0.72                                           # how likely a fact must be to answer what isn't asked
_VISIT = {"en": re.compile(r"\b(can|could|may|should|do|must|would|when|where|what|how) (\w+ ){0,3}?(i|we)\b", re.IGNORECASE), "zh": re.compile("我(能|可以|想|要|们)|能|可以|找你")}
# What it is said to be: no fact of a life answers that.
_CLAIMS = {"en": re.compile(r"(?i)\b(?:you|u)(?:['’]re| are|r)?\b.{0,24}\b(?:pretend\w*|fake|real|human|machine|robot|bot|program|software|a\.?i\.?|computer|puppet|model)\b|\byou(?:['’]re| are)(?: \w+)? (?:nothing|just|only)\b"),
           "zh": re.compile("[你您].{0,6}(?:真人|机器|程序|假的|装的|冒充|AI|电脑|人工智能)")}
_WISHES = re.compile(r"\b(jokes?|poem|riddle|story about)\b|\bwhat do you think\b|\b(opinion|recommend|suggest|advice)\b|\byou think\b|\bhow (?:do|does|can|should|would) (?:you|u|i|one|we|people) (?:make|cook|bake|brew|build|fix|repair|clean|get rid)\b(?!.*\byour?\b)|^how do(?:es)? (?:an?|the)? ?\w+ works?\b|\b(explain|teach me|sing me|write|show me)\b|你觉得|建议|推荐|怎么看|笑话|教我|给我|唱(个|一|首)|写(个|一|首)|讲(个|一|讲)")


def called_in(room: Repertoire) -> dict[str, str]:
    """Names in the facts -> whom they name, as a word of the room's language."""
    called = {name: kind if room.language == "en" else _WORD_OF.get(kind, "") for name, kind in room.called.items()}
    return {name: kind for name, kind in called.items() if kind}


class Bare:
    """Of one twin in one language."""

    def __init__(self, persona: Persona, room: Repertoire, cross: Cross | None = None):
        self.persona, self.room, self.tongue, self._cross = persona, room, room.language, cross

    @cached_property
    def _holding(self) -> Holding:
        return Holding(self.room.facts, self.tongue, called_in(self.room), self.room._facts.row)

    @cached_property
    def _match(self) -> Match | None:
        """What was learned of questions and facts, where an embedder (and for Chinese a dictionary) is at hand."""
        embed, folder = self.room._embed, self.room._shared or self.room._cache
        if embed is None or not self.room.facts or self.tongue not in learned() or os.environ.get("TWIN_TRAINED") == "off":     # bench persona's arm "without"
            return None
        if self.tongue == "en":
            return Match(self._holding, embed, str, self.room._cache, self._cross)
        return Match(self._holding, embed, gloss(folder).english, self.room._cache, self._cross) if gloss(folder).there else None

    @cached_property
    def _ago(self) -> Ago | None:
        """What was told in this talk."""
        if self._match is None:
            return None
        words = gloss(self.room._shared or self.room._cache)
        put = (lambda text: normal(text, "en") or "-") if self.tongue == "en" else (lambda text: (words.english(text) or "-") + "?")
        return Ago(self._holding, put, self.room._embed, tuple(say.split("{")[0] for say in self.room.lines["not-known-but"].say))

    def warm(self) -> None:
        self._holding.find("what do you do" if self.tongue == "en" else "你是做什么的", None)
        if self._match:
            self._match.judge("what do you do" if self.tongue == "en" else "你是做什么的")

    @property
    def learned(self) -> bool:
        return self._match is not None

    def judged(self, text: str, moment: Moment) -> Judged | None:
        """Which facts answer, as it was learned, after what was said last; None where nothing was."""
        if self._match is None or self._ago is None:
            return None
        before = tuple(turn["content"][:240] for turn in moment.history[-2:]) if len(moment.history) > 1 else ()
        return self._ago.weighed(self._match.judge(ago.plain(text[:300], self.tongue), before), text[:300], moment.history)

    def firm(self, text: str, moment: Moment) -> Found | None:
        """The fact that was read to answer beyond doubt, asked or only hinted at ("I've baked you a nut cake!"), before any line that would fit as well."""
        if self._cross is None:
            return None
        _, anybody = self.room.hits(text, moment.last)
        common = bool(anybody) and anybody[0].score >= self.room.margins.close and not anybody[0].line.fact
        if not chat.is_question(text, self.tongue):
            return self._taken(text, moment) if side(normal(text, self.tongue)) != "me" and not common else None
        judged = None if self._else(text) else self.judged(text, moment)
        if not judged or judged.best < FIRM:
            return None
        return self._as_fact(self._of_whom(judged.told, text), judged.best) if judged.best >= (OVER if common else FIRM) else None

    def again(self, text: str, moment: Moment) -> Found | None:
        """A fact of this talk that a text comes back to, asks on from or puts wrong, where that is likely; else None."""
        past = self._ago.exchanges(moment.history) if self._ago else []
        if not past or self._ago is None:
            return None
        told = {self.room.facts[n] for one in past for n in one.facts}
        if (said := ago.restated(text, self.tongue)) and (fact := self._meant(said, text, told, moment)):
            return self._put_right(said, fact, moment)
        if not ago.leans(text, self.tongue) and not self._ago.on_from(text, past):
            return None
        judged = self.judged(text, moment)
        return self._as_fact([judged.facts[0][0]], judged.best) if judged and judged.sure and judged.facts[0][0] in told else None

    def _meant(self, said: str, text: str, told: set[Fact], moment: Moment) -> Fact | None:
        """The fact told before that a restatement is about."""
        judged = self.judged(said, moment)
        shares = {fact: share for fact, share in judged.facts if fact in told} if judged else {}
        held = {one.fact: one.score for one in self._holding.find(said, self.room.vector(said), loose=True) if one.fact in told}
        best = max(shares, key=lambda fact: shares[fact] + held[fact], default=None)
        return best if best and (held[best] >= SURE[self.tongue] - 0.12 or shares[best] >= 0.3) else None

    def find(self, text: str, moment: Moment) -> list[Held]:
        """Facts for a question, best first; who "she" is taken from the turns before."""
        whole, _, _ = mention.resolved(text, self.tongue, moment.history, self.room.called)
        low = simplify(text) if self.tongue == "zh" else text.lower()
        focus = self._told(moment) if _PRONOUN[self.tongue].search(low) or len(text) < (9 if self.tongue == "zh" else 16) else []
        question = whole or text
        return self._holding.find(question, self.room.vector(question), focus)

    def answer(self, text: str, moment: Moment) -> Found | None:
        """The reply, or None where this is no question about the twin or its facts."""
        if (said := suggested(text, self.tongue)) and (not self._match or _PUT_TO[self.tongue].search(text)):
            return self._suggested(said, moment)
        if not self._is_for(ago.plain(text, self.tongue)):
            return None
        if not chat.is_question(text, self.tongue) and not said:
            return self._taken(text, moment)
        want = asked(text, self.tongue)
        trade = self._trade(text)
        found = self.find(text, moment) if trade or not self._match else []
        if trade and (told := self._as_trade(found)):
            return told
        if judged := self.judged(text, moment):
            if judged.sure:
                return self._as_fact(self._of_whom(judged.told, text), judged.best)
            return self.unknown(text, moment) if self._wants_own(text, want, moment) or self._touches(text, moment) else None
        if not found:
            return None
        best = found[0]
        if best.score >= SURE[self.tongue] and (best.about or best.apt or best.share > 0.6) or best.score >= ENOUGH[self.tongue] and best.apt and best.on and (self._holding.dense or best.share > 0):
            return self._said(found, text)
        if self._wants_own(text, want, moment):
            return self.unknown(text, moment)
        return None

    def _taken(self, text: str, moment: Moment) -> Found | None:
        """What a fact has to say to an offer, a guess or a wish ("let me buy you a beer"), where it surely does."""
        if not _OFFERS[self.tongue].search(text) or _CLAIMS[self.tongue].search(text) or not (judged := self.judged(text, moment)) or judged.best < OFFERED:
            return None
        return self._as_fact(judged.told[:1], judged.best)

    def _touches(self, text: str, moment: Moment) -> bool:
        """Whether a question speaks of what its facts speak of, or of what was said last: nothing for a model to make up."""
        low = simplify(text) if self.tongue == "zh" else text.lower()
        return bool(_PRONOUN[self.tongue].search(low) and moment.history) or bool(re.search(r"\byou(r|rs)?\b", low) if self.tongue == "en" else re.search("[你您]", low)) or any(
            unit in own for unit in asked(text, self.tongue).needed for own in self._holding.known)

    def worth(self, text: str, found: Found, moment: Moment) -> float | None:
        """How well a fact that was found otherwise holds what is asked, or None where it is none of this language."""
        scores = {one.fact.source: one.score if one.apt and one.on else min(one.score, self.doubtful - 0.01) for one in self.find(text, moment)}
        return max((scores[source] for source in found.sources if source in scores), default=None)

    def topical(self, text: str) -> bool:
        """Whether a question is after something that people ask a person about."""
        want = asked(text, self.tongue)
        return bool(want.who or want.about)

    def quotes(self, found: Found) -> bool:
        """Whether a reply is its facts as they stand, not a part of one or what follows from it."""
        return all(fact.text.rstrip(".。") in found.text for fact in self.room.facts if fact.source in found.sources) and len(found.text) <= sum(
            len(fact.text) + 2 for fact in self.room.facts if fact.source in found.sources)

    @property
    def sure(self) -> float:
        return SURE[self.tongue]

    @property
    def over(self) -> float:
        """From where on a fact goes before what anybody would say."""
        return OVER if self.learned else self.sure + 0.1

    @property
    def doubtful(self) -> float:
        return SURE[self.tongue] - 0.14

    def doubts(self, text: str, found: Found, moment: Moment) -> bool:
        """Whether a fact that was found otherwise doesn't hold what is asked."""
        if found.step != "fact" or not self._is_for(text):
            return False
        worth = self.worth(text, found, moment)
        return worth is not None and worth < self.doubtful

    def nearest(self, text: str, moment: Moment) -> Found | None:
        """That it doesn't know, with the fact that comes nearest, where one is near and wasn't said just now."""
        judged = self.judged(text, moment) if self._is_for(ago.plain(text, self.tongue)) else None
        if not judged or not judged.facts or judged.best < NEAR or judged.facts[0][0] in self._told(replace(moment, history=moment.history[-2:])):
            return None
        told, line = self._as_fact([judged.facts[0][0]], judged.best), self.room.lines["not-known-but"]
        said = pick(line.say, {**moment.values, "fact": told.text}, moment.history, len(moment.history) // 2)
        return Found("unknown", said, line.mood, (line.id, *told.sources), 0.0)

    def unknown(self, text: str, moment: Moment, tail: str = "") -> Found:
        """That it doesn't know, plainly."""
        if not tail and (near := self.nearest(text, moment)):
            return near
        line = self.room.lines["not-known"]
        said = pick(line.say, moment.values, moment.history, len(moment.history) // 2)
        return Found("unknown", f"{said}{' ' if self.tongue == 'en' and tail else ''}{tail}", line.mood, (line.id,), 0.0)

    # What is said.

    def _said(self, found: Sequence[Held], text: str) -> Found:
        first, rest = found[0], [one for one in found[1:3] if one.score >= max(SURE[self.tongue], found[0].score - CLOSE) and one.apt == found[0].apt and one.about == found[0].about]
        facts = [first.fact, *(one.fact for one in rest[:1])]
        return self._as_fact(facts, first.score)

    def _as_fact(self, facts: Sequence[Fact], score: float) -> Found:
        said = [fact.text.strip() for fact in dict.fromkeys(facts)]
        ends = (".", "!", "?", "。", "！", "？", "”", '"')
        joined = (" " if self.tongue == "en" else "").join(one if one.endswith(ends) else one + ("." if self.tongue == "en" else "。") for one in said)
        return Found("fact", joined, "neutral", tuple(fact.source for fact in facts), score)

    def _of_whom(self, told: Sequence[Fact], text: str) -> Sequence[Fact]:
        """Of two facts, both nearly as likely, the one that speaks of who is asked after, where the other doesn't."""
        who = [self._holding.holds(row) for row in asked(text, self.tongue).who] if len(told) > 1 else []
        return [fact for fact in told if any(held[self.room.facts.index(fact)] for held in who)] or told

    def _trade(self, text: str) -> bool:
        want = asked(text, self.tongue)
        ids = {row.id for row in want.about}
        return "job" in ids and not want.who and not ids & {"past_job", "hobby", "since", "began", "learn_now", "dream"} and not want.needed and not re.search("[他她它]", text) \
            and not (self.tongue == "en" and _PRONOUN["en"].search(text.lower()))

    def _as_trade(self, found: Sequence[Held]) -> Found | None:
        """What it does for a living: the tagline, and the first sentence of the description."""
        room = self.room
        rows = [fact for fact in room.facts if fact.source.startswith("description")]
        tagline = self.persona.tagline.get(self.tongue, "").strip().rstrip(".。")
        told = next((one.fact for one in found if one.about and re.search(r"\bwork(s|ed)? (as|at|for|in)\b|\b(my|as an?) (job|profession|trade|living)\b|职业|工作是|上班|以.{1,6}为生", one.fact.text) and one.fact not in rows
                     and not conditions.days(one.fact.text, self.tongue)), None)
        facts = [*([told] if told else []), *(rows[:1])]
        if not facts and not tagline:
            return None
        text = self._as_fact(facts, 1.0).text if facts else ""
        if tagline and self.tongue == "en":
            text = f"{tagline}, in short. {text}".strip()
        elif tagline:
            text = f"我是{tagline}。{text}"
        return Found("fact", text, "proud", tuple(fact.source for fact in facts) or ("tagline",), 1.2)

    def _suggested(self, said: str, moment: Moment) -> Found | None:
        """A suggestion is confirmed where a fact holds it, contradicted where a fact holds otherwise, and never just agreed with."""
        if self.tongue == "en" and re.search(r"\b(my|i|me|we|us)\b", said.lower()) and not re.search(r"\byou", said.lower()):
            return None
        found = self._holding.find(said, self.room.vector(said), self._told(moment), loose=True)
        if re.search(r"\b(human|real|robot|machine|alive|an? ai|chatgpt|person|program|bot)\b|真人|人类|机器|程序|AI|GPT|活人", said, re.IGNORECASE):
            return None
        if kin := self._holding.instead(said):
            line = self.room.lines["otherwise"]
            told = self._as_fact([kin], 1.0)
            return replace(told, text=pick(line.say, {**moment.values, "fact": told.text}, moment.history, len(moment.history) // 2), mood=line.mood)
        if not found or found[0].score < SURE[self.tongue] - 0.12:
            line = self.room.lines["not-suggested"]
            return Found("unknown", pick(line.say, moment.values, moment.history, len(moment.history) // 2), line.mood, (line.id,), 0.0)
        fact = next((one.fact for one in found[:3] if agrees(said, one.fact.text, self.tongue)), None)
        return self._put_right(said, fact or found[0].fact, moment, found[0].score)

    def _put_right(self, said: str, fact: Fact, moment: Moment, score: float = 1.0) -> Found:
        """A suggestion confirmed, contradicted, or answered with how it stands."""
        kind = "so-it-is" if agrees(said, fact.text, self.tongue) else "otherwise" if conflicts(said, fact.text, self.tongue) else "as-it-stands"
        told = self._as_fact([fact], score)
        line = self.room.lines[kind]
        return replace(told, text=pick(line.say, {**moment.values, "fact": told.text}, moment.history, len(moment.history) // 2), mood=line.mood)

    # Whether it is asked.

    def _told(self, moment: Moment) -> list[Fact]:
        """Facts of the last two replies."""
        last = " ".join([turn["content"] for turn in moment.history if turn["role"] == "assistant"][-2:])
        return [fact for fact in self.room.facts if fact.text.rstrip(".。") in last]

    def _is_for(self, text: str) -> bool:
        """Whether a question may be about the twin: not one about the user, nor what rules and courtesy answer."""
        bare = normal(text, self.tongue)
        low = simplify(text).replace("您", "你") if self.tongue == "zh" else bare
        return not self._else(text) and (side(bare) != "me" or bool(_VISIT[self.tongue].search(low)))

    def _else(self, text: str) -> bool:
        """Whether rules and courtesy answer: who it is, a joke, an opinion."""
        low = simplify(text).replace("您", "你") if self.tongue == "zh" else normal(text, self.tongue)
        return bool(_ITSELF[self.tongue].search(low) and not (self.tongue == "zh" and _VISIT["zh"].search(low) and asked(text, "zh").about) or _WISHES.search(low))

    def _wants_own(self, text: str, want, moment: Moment) -> bool:
        """Whether a question wants something of the twin's own life: then what no fact holds isn't known."""
        low = text.lower() if self.tongue == "en" else simplify(text).replace("您", "你")
        own = bool(re.search(r"\byou(r|rs)?\b", low) if self.tongue == "en" else "你" in low)
        there = any(unit in own_units for unit in want.needed for own_units in self._holding.known)
        return own and bool(want.who or strict(want) or want.kinds and (want.about or want.needed)) or there and bool(want.kinds)
