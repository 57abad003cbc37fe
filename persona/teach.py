"""Teaching by saying so: "when somebody asks whether I deliver, say: only on Fridays". What is taught becomes a line of the twin's own."""
from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from persona.card import CardError, language_written
from persona.form import LONGEST, tidy, unbraced
from persona.lines import Line
from persona.words import normal

MOST_TAUGHT = 400                                        # lines of one language
_Q, _UNQ = "[\"“”'‘「『]?", "[\"“”'’」』]?"
_EN = re.compile(rf"^(?:ok(?:ay)?[,.]? |please[,]? |from now on[,]? )*(?:when(?:ever)?|if|next time) (?:some(?:one|body)|any(?:one|body)|people|they|visitors|customers|"
                 rf"a \w+|you are|you're|you get|i|we)?\s*(?:ever )?(?:asks?|asked|say|says|said|want to know|wants to know)(?: you)?(?: about| for)?[:,]?\s+{_Q}(?P<asked>.+?){_UNQ}"
                 rf"\s*[,;:?]*\s+(?:then )?(?:you )?(?:(?:should|must|can) )?(?:say|answer|reply|respond|tell them)(?: that| with)?\s*[:,]?\s+{_Q}(?P<said>.+?){_UNQ}$",
                 re.IGNORECASE | re.DOTALL)
_ZH = re.compile(rf"^(?:好[的，,]*|以后|今后|从现在起|下次|请|[，,\s])*(?:当|如果|要是|若)?(?:有人|别人|人家|客人|大家|谁|我|他们|你)?(?:要是|被|再)?(?:来)?问(?:到|起|你|：|:)?(?:你)?[：:，,]?\s*"
                 rf"{_Q}(?P<asked>[^，,：:]+?){_UNQ}(?:的?时候?|的话)?[，,？?\s]*(?:你|请)?(?:就|要|应该|可以)?(?:说|回答|答|回)(?:他们|她们|人家)?[：:，,“\s]*{_Q}(?P<said>.+?){_UNQ}$", re.DOTALL)


def lesson(text: str) -> tuple[str, str] | None:
    """(what somebody asks, what the twin shall say), where a sentence teaches that."""
    text = tidy(text)
    found = _EN.match(text) or _ZH.match(text)
    if not found or len(text) > LONGEST["asked"] + LONGEST["said"]:
        return None
    asked, said = (re.sub(r"[\"”’」』]+([.!?。！？])$", r"\1", found[name]).strip(" \"“”'‘’「」『』") for name in ("asked", "said"))
    return (_question(asked), said[:1].upper() + said[1:]) if len(asked) > 1 and said else None


def reply(own: Iterable[Line], given: tuple[str, str], language: str) -> str:
    """What a twin says to a lesson: that it knows it now, where it does."""
    asked, said = given
    wanted = normal(asked, language_written(said))
    if any(said in line.say and any(normal(ask, language_written(said)) == wanted for ask in line.ask) for line in own):
        return f"I've learned that. From now on I say: {said}" if language == "en" else f"学会了。以后有人这么问，我就说：{said}"
    return "Only whoever made me can teach me what to say." if language == "en" else "只有做我的人才能教我怎么说。"


def _question(asked: str) -> str:
    """"whether you deliver" -> "do you deliver"; "if I am open" is left, for it says enough."""
    if found := re.match(r"(?:whether|if) (you|they|i) (\w+)", asked, re.IGNORECASE):
        verb = found[2].lower()
        front = "are" if verb in ("are", "am", "were") else "can" if verb == "can" else "have" if verb == "have" and " got" in asked else "do"
        rest = asked[found.end(2):] if front in ("are", "can") else f" {found[2]}{asked[found.end(2):]}"
        return f"{front} you{rest}"
    return asked


def taught(lines: Sequence[Mapping[str, Any]], asked: str, said: str, language: str) -> list[dict[str, Any]]:
    """What a lines.<language>.yaml held, with this in it. The same question once more: the newer answer counts. Raises CardError."""
    asked, said = unbraced(tidy(asked)), unbraced(tidy(said))
    for text, what, zh in ((asked, "asked", "问题"), (said, "said", "回答")):
        if not text or len(text) > LONGEST[what]:
            raise CardError(f"The {'question' if what == 'asked' else 'answer'} has {len(text):,} characters; 1 to {LONGEST[what]:,} are allowed.",
                            "Write it anew.", (f"{zh}有 {len(text):,} 个字，应为 1 到 {LONGEST[what]:,} 个。", "请重新写。"), what)
    wanted = normal(asked, language)
    kept: list[dict[str, Any]] = []
    for line in lines:
        asks = [ask for ask in line.get("ask") or () if normal(str(ask), language) != wanted]
        if len(asks) == len(line.get("ask") or ()):
            kept.append(dict(line))
        elif asks:                                       # others lead to it too
            kept.append({**line, "ask": asks})
    if len(kept) >= MOST_TAUGHT:
        raise CardError(f"{len(kept):,} lines are as many as a twin can be taught.", "Take out some in the form.",
                        (f"已经教了 {len(kept):,} 条，不能再多了。", "请先在表单里删去一些。"))
    names = {str(line.get("id")) for line in kept}
    number = next(n for n in range(len(kept) + 1, 2 * len(kept) + 3) if f"taught_{n}" not in names)
    return [*kept, {"id": f"taught_{number}", "ask": [asked], "say": [said]}]
