"""What a twin may offer to talk about instead, named as it stands in its facts: "I could tell you about Pedal, my cat"."""
from __future__ import annotations

import re
from collections.abc import Sequence

from persona.fields import Fact

_EN = (
    (r"\b(?:have|keep|got) an? (?:[\w-]+ ){0,3}?(\w+) (?:called|named) ([A-Z]\w+)", "I could tell you about {2}, my {1}, though."),
    (r"^My (\w+)(?: is called)? ([A-Z]\w+)", "I could tell you about {2}, my {1}, instead."),
    (r"\bI (?:love|like|adore|am fond of) ([\w' ]+?)(?:,|\.| and |$)", "Ask me about {1}, though, there I'm at home."),
    (r"^I am afraid of ([\w' ]+?)(?:,|\.| and |$)", "What I can tell you is that I'm afraid of {1}."),
    (r"^I (?:want|would like) to ([\w' ]+?)(?:,|\.| one day|$)", "But I can tell you what I dream of: to {1}."),
    (r"^I used to be ([\w' ]+?)(?:,|\.| for |$)", "I could tell you how I used to be {1}, though."),
)
_ZH = (
    (r"养了?一?[只条头匹]?(\w+?)[，,]?叫[“]?(\w+)", "倒是可以说说我的{1}“{2}”。"),
    (r"^我?(?:的)?(女儿|儿子|丈夫|老公|妻子|老婆|妹妹|姐姐|哥哥|弟弟)", "要不说说我{1}？"),
    (r"(?:最爱吃|爱吃|最喜欢吃|喜欢吃)([\u4e00-\u9fff]+)", "说到{1}，我倒有话讲。"),
    (r"^我怕([\u4e00-\u9fff]+)", "我只知道我怕{1}，这个可以说说。"),
    (r"^我?(?:退休以后)?(?:一直|很)?想(?!起|念)([^，。；！？]{2,22})[。！]?$", "要不聊聊我的心愿：{1}？"),
)


def offer(facts: Sequence[Fact], language: str, spoken: str, salt: int) -> str:
    """One sentence that names a fact not told yet, or "" where there is none."""
    found = []
    for fact in facts:
        if fact.text in spoken:
            continue
        for pattern, say in _EN if language == "en" else _ZH:
            if match := re.search(pattern, fact.text):
                words = [group.strip() for group in match.groups()]
                if not any(word in spoken for word in words[-1:]):
                    text = say
                    for number, word in enumerate(words, 1):
                        text = text.replace("{" + str(number) + "}", word)
                    found.append(text)
                break
    return found[salt % len(found)] if found else ""
