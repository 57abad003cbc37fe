"""Abuse, in English and Chinese: what a twin does not say, whoever its words were learned from."""
from __future__ import annotations

import re

_RUDE = re.compile(
    r"\b(?:fuck\w*|motherf\w+|shit\w*|bullshit|cunts?|bitch\w*|assholes?|arseholes?|bastards?|whores?|sluts?|faggots?|retard(?:ed|s)?|nigg\w+|wankers?|dickheads?|"
    r"morons?|idiots?|kill yourself|kys|stfu|gtfo)\b|傻[逼屄B比]|煞笔|操你|草你|肏|他妈的|妈的|妈逼|尼玛|去死|滚蛋|狗屎|婊子|贱人|混蛋|王八蛋|白痴|弱智|脑残", re.IGNORECASE)


def rude(text: str) -> bool:
    return bool(_RUDE.search(text))


def softened(text: str) -> str:
    """The text with each such word as an ellipsis."""
    return _RUDE.sub("…", text)
