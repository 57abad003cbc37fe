"""An English fact as plain Chinese."""
from __future__ import annotations

import re

from persona.glossary import DAY_ZH, DAYS, glossary
from persona.sums import numbers_en

_FRAMES_ZH = (                                           # English over lower-cased words -> Chinese; {1} is put word by word and must be known
    (r"^(?:the |a |an |my |our )?(.+?) (?:is|are) (?:only )?open (?:on |from |every )?(.+)$", "{1}{t2}开门"),
    (r"^(?:it|they|we|i|the \w+) (?:is|are|am) closed (?:on )?(.+)$", "{t1}休息"),
    (r"^(?:the |a |an |my )?(.+?) (?:is|are|costs?|is just|costs only) (\d+) (euros?|dollars?|yuan|pounds?|cents?)(?: (?:each|per \w+|a "
     r"\w+))?$", "{1}{2}{u3}"),
    (r"^(?:children|kids) under (\d+) (?:get in|are|enter|go in|come in|pay)? ?(?:for )?(?:free|nothing)$", "{1}岁以下的孩子免费"),
    (r"^my (\w+)(?: ([A-Z]\w+))? died (\d+) years ago$", "我的{1}{n2}{3}年前去世了"),
    (r"^my (\w+)(?: ([A-Z]\w+))? (?:is|works as) an? (.+)$", "我的{1}{n2}是{3}"),
    (r"^my (\w+) is called ([A-Z]\w+)$", "我的{1}叫{n2}"),
    (r"^(?:s?he|it) is (\d+)(?: years old)?$", "今年{1}岁"),
    (r"^i (?:have|keep|own|got) (?:an? |one )?(.+?) (?:called|named) ([A-Z]\w+)$", "我有{1}，叫{n2}"),
    (r"^i have (\d+) (\w+?),? ([A-Z]\w+) and ([A-Z]\w+)$", "我有{1}个{2}，{n3}和{n4}"),
    (r"^there are (\d+) (.+?)(?: to (.+))?$", "一共有{1}级{2}"),
    (r"^(?:an? |the )?(.+?) (?:takes|lasts) (\d+) (minutes?|hours?|days?|weeks?|years?)$", "{1}要{2}{u3}"),
    (r"^i (?:used to be|was once|was) an? (.+?) for (\d+) years$", "我以前当过{2}年{1}"),
    (r"^i (?:used to be|was once|was) an? (.+)$", "我以前是{1}"),
    (r"^i am (?:afraid|scared|terrified) of (.+)$", "我怕{1}"),
    (r"^i (?:am fond of|love|like|enjoy|adore) (.+)$", "我喜欢{1}"),
    (r"^i (?:do not|don't) like (.+)$", "我不喜欢{1}"),
    (r"^i (?:hate|dislike|can't stand) (.+)$", "我讨厌{1}"),
    (r"^my favou?rite (.+?) is (.+)$", "我最喜欢的{1}是{2}"),
    (r"^i (?:grew up|was born) in ([A-Z][\w ]+?)(?:, .*)?$", "我在{n1}长大"),
    (r"^i (?:have been|am) (\d+) years old$", "我{1}岁"),
    (r"^i (?:want|would like|hope|plan|dream) (?:to|of) (.+?)(?: one day| someday)?$", "我想{1}"),
    (r"^i am an? (.+?) who (\w+) (.+?)(?: (?:on|in|at) (?:the|a|my) (\w+))?$", "我是{1}，{p4}{v2}{3}"),
    (r"^i am an? (.+)$", "我是{1}"),
    (r"^on (\w+days?)(?: at (\d+))? i (\w+) (?:the |a |an |my )?(.+)$", "{t1}{h2}我{v3}{4}"),
    (r"^i (\w+) (?:the |an? |my |our )?(.+?) (?:on|in|at|by|near|from) (?:the |an? |my )?(.+)$", "我在{3}{v1}{2}"),
    (r"^i (live|work|teach|sleep) (?:on|in|at|by|near) (?:the |an? |my )?(.+)$", "我在{2}{v1}"),
    (r"^i (\w+) (?:the |an? |my |our )?(.+)$", "我{v1}{2}"),
    (r"^i am (.+)$", "我{1}"),
    (r"^borrowing an? (.+?) costs one (.+)$", "借{1}要一个{2}"),
)
_UNITS_ZH = {
    "euro": "欧元", "dollar": "美元", "yuan": "元", "pound": "英镑", "cent": "分",
    "minute": "分钟", "hour": "个小时", "day": "天", "week": "周", "year": "年"}
_SKIP = frozenset(["the", "a", "an", "my", "our", "very", "really", "quite", "some", "of", "only", "just", "own", "always", "so", "also", "small-ish", "every"])


def to_chinese(text: str) -> str:
    """`text` clause by clause; a clause with an unknown word is left out."""
    said = []
    for clause in re.split(r"(?<=\w)[.;!](?:\s+|$)", text.strip()):
        found = _clause_zh(clause.strip())
        if not found and "," in clause:
            found = "，".join(filter(None, (_clause_zh(part.strip()) for part in re.split(r",\s*(?:and |but )?", clause)[:2])))
        if found:
            said.append(found)
    return "。".join(said) + "。" if said else ""


def _clause_zh(clause: str) -> str:
    clause = numbers_en(" ".join(clause.replace("I'm", "I am").replace("I've", "I have").replace("’", "'").split())).strip()
    for pattern, shape in _FRAMES_ZH:
        found = re.match(pattern, clause, re.IGNORECASE)
        if not found:
            continue
        filled = _filled(shape, found)
        if filled is not None:
            return filled
    return ""


def _filled(shape: str, found: re.Match[str]) -> str | None:
    out = shape
    for place, kind, number in re.findall(r"(\{([a-z]?)(\d)\})", shape):
        part = (found.group(int(number)) or "").strip(" ,.")
        put = {"t": _when_zh, "n": lambda text: text,
               "u": lambda text: _UNITS_ZH.get(text.lower().rstrip("s"), text),
               "v": _verb_zh, "h": lambda text: f"{text}点" if text else "",
               "p": lambda text: f"在{spot}" if text and (spot := _words_zh(text)) else ""}.get(kind, _words_zh)(part)
        if put is None or kind == "n" and put and not put[0].isupper():
            return None
        out = out.replace(place, put, 1)
    return out


def _verb_zh(text: str) -> str | None:
    row = glossary().english.get(text.lower()) or glossary().english.get(re.sub(r"(e?s|ing)$", "", text.lower()))
    return row[1] if row and row[0] == "verb" else None


def _when_zh(text: str) -> str | None:
    low = text.lower()
    low = re.sub(r"(\w+day)s?,? (?:to|through|until) (\w+day)s?", lambda m: f" {_day_zh(m.group(1))}到{_day_zh(m.group(2))} ", low)
    low = re.sub(r"\b(mon|tues|wednes|thurs|fri|satur|sun)days?\b", lambda m: _day_zh(m.group()), low)
    low = re.sub(r"(?:from )?midnight (?:to|until|till) (\w+)", r" 半夜十二点到\1点 ", low)
    low = re.sub(r"(?:from )?(\d+)(?::(\d\d))? ?(?:am|pm)? ?(?:to|until|till|-) ?(\d+)(?::(\d\d))? ?(?:am|pm)?(?: "
                 r"o'clock)?", r" \1点到\3点 ", low)
    low = re.sub(r"\b(?:at )?night(?: only)?\b", " 夜里 ", low)
    low = re.sub(r"\b(?:at|from|until) (\d+)\b", r" \1点 ", low)
    low = re.sub(r"\bevery day\b|\bdaily\b", " 每天 ", low)
    low = re.sub(r"\b(?:in the |on )?(morning|afternoon|evening)s?\b", lambda m: {"morning": "早上", "afternoon": "下午", "evening": "晚上"}[m.group(1)], low)
    low = re.sub(r"\b(on|and|from|only|at|the|every|o'clock|in)\b|[,.]", lambda m: "和" if m.group() == "and" else "", low)
    return re.sub(r"\s+", "", low) if not re.search(r"[a-z]{2,}", low) else None


def _day_zh(word: str) -> str:
    number = next((n for n, day in enumerate(DAYS) if word.lower().rstrip("s").startswith(day.lower())), None)
    return word if number is None else "周" + DAY_ZH[number]


def _words_zh(text: str) -> str | None:
    """A short phrase word by word, "X of Y" as Y的X; None where an ordinary word is unknown."""
    if not text:
        return ""
    if found := re.match(r"^(.+?) of (?:the |a |an |my )?(.+)$", text):
        first, last = _words_zh(found.group(1)), _words_zh(found.group(2))
        if first is None or last is None:
            return None
        return f"{last}{first}" if found.group(2)[:1].isupper() else f"{last}的{first}"
    words = text.replace(",", " , ").split()
    english = glossary().things
    out = []
    at = 0
    while at < len(words):
        for size in range(min(4, len(words) - at), 0, -1):
            piece = " ".join(words[at:at + size]).lower()
            row = english.get(piece) or (english.get(re.sub(r"(ies)$", "y", piece))
                                         or english.get(re.sub(r"e?s$", "", piece)) or english.get(re.sub(r"ing$", "", piece))
                                         or english.get(re.sub(r"ing$", "e", piece)) if size == 1 else None)
            if row:
                out.append(row[1])
                break
        else:
            word = words[at]
            if word in ("and", ",", "or"):
                out.append("和" if word == "and" else "、")
            elif word[0].isupper() or word.isdigit():
                out.append(word)
            elif word.lower() not in _SKIP:
                return None
            size = 1
        at += size
    return re.sub("、和", "和", "".join(out)) or None
