"""A short word to what somebody feels, before the answer: once for a feeling, not to every sentence, and never where the answer itself is one."""
from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from persona.chat import is_question
from persona.emotion import appraise
from persona.lines import Line, fill, pick

_KIND = ("concerned", "sad")                             # a line in such a mood speaks to the feeling itself
_NOTE = {"en": "\n(They sound {how}: say one short, plain sentence to that first, then answer; no advice before it.)",
         "zh": "\n（对方听上去{how}：先用一句短短的实在话回应这份心情，再回答；别一上来就给建议。）"}
_HOW = {"sadness": ("sad or hurt", "难过"), "fear": ("afraid or under strain", "害怕或压力很大"), "anger": ("angry", "生气"), "disgust": ("put off", "很反感")}


def consoles(answer: Any) -> bool:
    """Whether an answer speaks to the feeling itself."""
    return answer.step == "line" and answer.mood in _KIND or any(own.startswith("heard-") for own in answer.sources)


def asked(text: str, language: str) -> str:
    """The plain question at the end of a text that tells a feeling: "I'm scared! How much is a tyre?" -> "How much is a tyre?"; or ""."""
    whole = re.split(r"(?<=[.!。！;；…])\s*", text.strip())[-1]
    for tail in (re.split(r"[,，]\s*(?:and |but |so |那么?|可是|不过)?", whole)[-1], whole):
        if len(tail) < len(text) and len(tail) > 3 and is_question(tail, language) and not appraise(tail, language).heavy \
                and not re.search(r"\b(should|can|do|shall|could) i\b|怎么办", tail.lower()):
            return tail
    return ""


def first(answer: Any, line: Line, history: Sequence[dict], values: Mapping[str, str], capable: bool) -> Any:
    """The answer (mind.Answer) led by one of the line's sentences. A rule, a greeting and a line that consoles already stay as they are; so does
    what follows right on such a sentence of the same kind."""
    if answer.step in ("rule", "greeting", "aside") or consoles(answer):
        return answer
    said = next((turn.get("content", "") for turn in reversed(history) if turn.get("role") == "assistant"), "")
    if any(said.startswith(text) for say in line.say if (text := fill(say, values))):
        return answer
    if answer.messages and capable:
        how = _HOW[answer.felt.ekman][answer.language == "zh"]
        last = answer.messages[-1]
        return replace(answer, messages=[*answer.messages[:-1], last | {"content": last["content"] + _NOTE[answer.language].format(how=how)}])
    word = pick(line.say, values, history, sum(turn.get("role") == "user" for turn in history))
    if not word:
        return answer
    gap = " " if answer.language == "en" else ""
    mood = answer.mood if answer.mood not in ("neutral", "happy", "excited", "amused", "curious") else line.mood
    return replace(answer, text=word + gap + answer.text, mood=mood) if answer.text else replace(answer, lead=word + gap, mood=mood)
