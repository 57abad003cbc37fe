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
        found = _everyday(_tidy(clause)) or _clause_zh(clause.strip())
        if not found and "," in clause:
            found = "，".join(filter(None, (_everyday(_tidy(part)) or _clause_zh(part.strip()) for part in re.split(r",\s*(?:and |but )?", clause)[:2])))
        if found:
            said.append(found)
    return "。".join(said) + "。" if said else ""


def _tidy(clause: str) -> str:
    clause = clause.replace("’", "'").replace("I'm", "I am").replace("I've", "I have").replace("can't", "cannot").replace("don't", "do not")
    return numbers_en(" ".join(clause.split())).strip(" ,")


# English -> (what is said; {N} group N put word by word, {N#} a number, {N=} as it is, {N@} a place with 在, {N!} a verb with what it takes).
_PLACED = r"(?: (?:at|in|on|for|from|by|near) (?:the |an? |my )?(.+?))?"
_EVERYDAY = (
    (rf"^i (?:have worked|have been working|worked|work) as an? (.+?){_PLACED} for (\d+) years$", "我{2@}当{1}，干了{3#}年"),
    (rf"^i (?:work|am working) as an? (.+?){_PLACED}$", "我{2@}当{1}"),
    (rf"^i (?:used to work|worked) as an? (.+?){_PLACED}$", "我以前{2@}当{1}"),
    (rf"^i have (?:worked|been working){_PLACED} for (\d+) years$", "我{1@}工作了{2#}年"),
    (r"^i have been an? (.+?) for (\d+) years$", "我当{1}{2#}年了"),
    (r"^i have been (\w+ing) (?:the |my )?(.*?) ?for (\d+) years$", "我{1v}{2}{3#}年了"),
    (r"^i (?:have|had) an? (.+?),? (?:called|named) ([A-Z]\w+),? (?:who|which|and (?:s?he|it))(?: is| works as)? an? (.+)$", "我有个{1}叫{2=}，是{3}"),
    (r"^i (?:have|had) an? (.+?),? (?:called|named) ([A-Z]\w+),? (?:who|and (?:s?he|it)) (\w+s .+)$", "我有个{1}叫{2=}，{3!}"),
    (r"^i have an? (son|daughter|brother|sister|husband|wife),? ([A-Z]\w+),? (?:who is |who works as )?an? (.+)$", "我有个{1}叫{2=}，是{3}"),
    (r"^i have an? (.+?) (?:called|named) ([A-Z]\w+)$", "我有个{1}叫{2=}"),
    (r"^i have (\d+) (\w+?),? ([A-Z]\w+),? and ([A-Z]\w+)$", "我有{1#}个{2}，{3=}和{4=}"),
    (r"^i have (\d+) (sons|daughters|children|kids|brothers|sisters|grandchildren|students|cousins|friends)$", "我有{1#}个{2}"),
    (r"^i have (\d+) (cats|dogs|goats|chickens|hens|parrots|birds|rabbits|sheep|ducks)$", "我养了{1#}只{2}"),
    (r"^i (?:do not have|have no) (?:any |an? )?(.+)$", "我没有{1}"),
    (r"^i have (sold|written|painted|read|made|built|won|drawn) (\d+) (paintings|pictures|drawings)$", "我{1v}过{2#}幅{3}"),
    (r"^i have (sold|written|painted|read|made|built|won|drawn) (\d+) (books|novels)$", "我{1v}过{2#}本{3}"),
    (r"^i have (sold|written|painted|read|made|built|won|drawn) (\d+) (.+)$", "我{1v}过{2#}个{3}"),
    (rf"^my (\w+)(?: ([A-Z]\w+))? (?:is|works as) an? (.+?){_PLACED}$", "我{1}{2=}是{3}{4,}"),
    (r"^my (\w+)(?:'s name)? is (?:called |named )?([A-Z]\w+)$", "我{1}叫{2=}"),
    (r"^my (\w+)(?: ([A-Z]\w+))? is (\d+)(?: years old)?$", "我{1}{2=}今年{3#}岁"),
    (r"^my (\w+)(?: ([A-Z]\w+))? (?:died|passed away) (\d+) years ago$", "我{1}{2=}，{3#}年前去世了"),
    (r"^my (\w+)(?: ([A-Z]\w+))? (?:lives|works) (?:in|at|on) (?:the |an? )?(.+)$", "我{1}{2=}{3@}"),
    (r"^my (\w+)(?: ([A-Z]\w+))? (\w+s .+)$", "我{1}{2=}{3!}"),
    (r"^i am (divorced|married|widowed|retired|single|vegetarian|left-handed|colou?r-blind|semi-retired)$", "我{1}"),
    (r"^i am married to (?:an? )?(.+)$", "我跟{1}结了婚"),
    (r"^i am (?:the )?(?:widow|widower)$", "我丧偶"),
    (r"^i am allergic to (.+)$", "我对{1}过敏"),
    (r"^i am (?:afraid|scared|terrified|frightened) of (.+)$", "我怕{1}"),
    (r"^i am (?:very |quite )?good at (.+)$", "我擅长{1}"),
    (r"^i am (?:very |quite |really )?(?:bad|terrible|hopeless) at (.+)$", "我不擅长{1}"),
    (r"^i am an? (.+)$", "我是{1}"),
    (rf"^i am an? (.+?){_PLACED}$", "我{2@}当{1}"),
    (r"^i live alone (?:in|on|at) (.+)$", "我一个人住{1@}"),
    (r"^(?:the |an? |my )?(.+?) (?:is|are) (?:always |all )?free(?: of charge)?$", "{1}免费"),
    (r"^(?:the |an? |my |one )?(.+?) (?:is|are|costs?) (\d+(?:\.\d+)?) (euros?|dollars?|yuan|pounds?|cents?|pence)$", "{1}{2=}{3u}"),
    (r"^i (?:talk|speak) (?:very |too |really )?(?:fast|quickly)$", "我说话很快"),
    (r"^i (?:talk|speak) (?:very |too |really )?slowly$", "我说话很慢"),
    (r"^i (?:talk|speak) (?:very |too |really )?(?:loudly|loud)$", "我说话很大声"),
    (r"^i (?:talk|speak) (?:very |too |really )?(?:quietly|softly)$", "我说话很轻"),
    (r"^i (?:talk|speak) (?:a lot|too much)$", "我话很多"),
    (r"^i live alone$", "我一个人住"),
    (r"^i live with (?:my )?(.+)$", "我跟{1}一起住"),
    (r"^i cannot (.+)$", "我不会{1!}"),
    (r"^i can (.+)$", "我会{1!}"),
    (r"^i (?:want|would like|hope|plan|dream) (?:to|of) (.+?)(?: (?:one|1) day| someday)?$", "我想{1!}"),
    (r"^i (?:love|like|enjoy|adore|am fond of) (\w+ing .+)$", "我喜欢{1!}"),
    (r"^i (?:love|like|enjoy|adore|am fond of) (.+)$", "我喜欢{1}"),
    (r"^i (?:hate|dislike|cannot stand) (.+)$", "我讨厌{1}"),
    (r"^i do not like (.+)$", "我不喜欢{1}"),
    (r"^i do not (.+)$", "我不{1!}"),
    (r"^(?:i|we) (?:also |only )?(.+)$", "我{1!}"),
)
_TIMES = (
    (r"\bevery (?:single )?(morning|afternoon|evening|night|day|week|weekend|month|year|spring|summer|autumn|winter)\b", "每{}"),
    (r"\bon (?:a )?((?:mon|tues|wednes|thurs|fri|satur|sun)days?(?:(?:,| and|, and) (?:mon|tues|wednes|thurs|fri|satur|sun)days?)*)(?: (morning|afternoon|evening|night)s?)?\b", "{}"),
    (r"\bevery ((?:mon|tues|wednes|thurs|fri|satur|sun)day)(?: (morning|afternoon|evening|night))?\b", "每{}"),
    (r"\bin the (morning|afternoon|evening)s?\b", "{}"), (r"\b(?:at|by) (night|dawn|noon|midnight|dusk)\b", "{}"),
    (r"\b(?:in|during) (spring|summer|autumn|winter)\b", "{}"), (r"\b(?:at|on) (?:the )?(weekend)s?\b", "{}"),
    (r"\bbefore (noon|dawn|midnight|\d+)\b", "{}以前"), (r"\bafter (noon|dawn|midnight|dark|work|school|\d+)\b", "{}以后"),
    (r"\b(?:until|till) (noon|dawn|midnight|\d+)\b", "到{}"), (r"\bat (\d+)(?: o'clock)?\b", "{}"),
    (r"\bonce an? (week|month|year|day)\b", "每{}一次"), (r"\btwice an? (week|month|year|day)\b", "每{}两次"), (r"\ball (day|night)\b", "整{}"),
)
_HOURS = {"morning": "早上", "afternoon": "下午", "evening": "晚上", "night": "夜里", "day": "天", "week": "周", "weekend": "周末", "month": "月", "year": "年",
          "dawn": "天亮", "noon": "中午", "midnight": "半夜", "dusk": "傍晚", "dark": "天黑", "work": "下班", "school": "放学", "spring": "春天", "summer": "夏天",
          "autumn": "秋天", "winter": "冬天"}


def _everyday(clause: str) -> str:
    """An everyday sentence about oneself, or ""."""
    if found := re.match(r"^(.+?),? (?:because|since) (.+)$", clause):
        said, why = _everyday(found.group(1)), _everyday(found.group(2))
        return f"{said}，因为{why}" if said and why else said
    found = re.match(r"^((?:i|my \w+) .+?),?(?: and| but) (?:i )?((?!\w+ing\b)[a-z]+\b.*)$", clause, re.IGNORECASE)
    if found and any(_verb_zh(" ".join(found.group(2).split()[:size])) for size in (1, 2)):
        first, second = _everyday(found.group(1)), _everyday("I " + found.group(2))
        return "，".join(filter(None, (first, second.removeprefix("我") if first else second)))
    for pattern, shape in _EVERYDAY:
        found = re.match(pattern, clause, re.IGNORECASE)
        put = _shaped(shape, found) if found else None
        if put:
            return re.sub("有个(?=[^，叫]{0,6}(鹦鹉|猫|狗|鸟|乌龟|兔|螃蟹|羊|鸡))", "有只", put)
    return ""


def _shaped(shape: str, found: re.Match[str]) -> str | None:
    out = shape
    for place, number, kind in re.findall(r"(\{(\d)([#=@!,uv]?)\})", shape):
        part = (found.group(int(number)) or "").strip(" ,.")
        if not part:
            put: str | None = ""
        elif kind == "#":
            put = {"1": "一", "2": "两"}.get(part, part)
        elif kind == "=":
            put = part if part[0].isupper() or part[0].isdigit() else None
        elif kind == "u":
            put = _UNITS_ZH.get(part.lower().rstrip("s"), "便士" if part == "pence" else None)
        elif kind == "v":
            put = _verb_zh(part) or _verb_zh(re.sub(r"ing$", "e", part))
        elif kind == "!":
            put = _does(part)
        elif kind in ("@", ","):
            put = _spot(part)
            put = f"，{put}" if put and kind == "," else put
        else:
            put = _words_zh(re.sub(r"^(?:the|an?|my|being) ", "", part))
        if put is None:
            return None
        out = out.replace(place, put, 1)
    return out


def _spot(part: str) -> str | None:
    part = re.sub(r"^(?:the|an?|my|our) ", "", part)
    pieces = [_words_zh(re.sub(r"^(?:the|an?|my|our) ", "", piece)) for piece in re.split(r" (?:in|on|at) ", part)]
    if None in pieces or not pieces[0]:
        return None
    inner = "上" if re.search("(桌子|公交车|床|船|桥|屋顶|阳台|山|街|火车|地铁|岛)$", pieces[0]) else "里" if re.search("(海|河|湖|花园|厨房|地下室|浴室)$", pieces[0]) else ""
    return "在" + "的".join(reversed([piece for piece in pieces if piece])) + inner


def _does(text: str) -> str | None:
    """A verb with what it takes, its time and its place first: "bake bread at night" as 夜里烤面包."""
    when = until = ""
    adverb = ""
    if found := re.match(r"^(never|always|often|usually|sometimes|rarely|still) (.+)$", text, re.IGNORECASE):
        adverb = {"never": "从不", "always": "总是", "often": "常常", "usually": "平时", "sometimes": "有时", "rarely": "很少", "still": "还"}[found.group(1).lower()]
        text = found.group(2)
    for pattern, shape in _TIMES:
        if found := re.search(pattern, text, re.IGNORECASE):
            words = [group for group in found.groups() if group]
            put = "".join(_HOURS.get(word.lower().rstrip("s"), "") or (f"{word}点" if word.isdigit() else _when_zh(word) or "") for word in words)
            if shape == "到{}":
                until, text = f"到{put}", " ".join((text[:found.start()] + text[found.end():]).split()).strip(" ,")
                continue
            when += shape.replace("{}", put).replace("每早上", "每天早上").replace("每晚上", "每天晚上").replace("每下午", "每天下午").replace("每夜里", "每天夜里")
            text = " ".join((text[:found.start()] + text[found.end():]).split()).strip(" ,")
    words = text.split()
    when += adverb
    for size in range(min(4, len(words)), 0, -1):
        verb = _verb_zh(" ".join(words[:size])) or (_verb_zh(re.sub(r"ing$", "e", words[0])) or _verb_zh(re.sub(r"(.)\1ing$", r"\1", words[0])) if size == 1 else None)
        if not verb:
            continue
        rest = re.sub(r"^(?:the|an?|my|our|to|some) ", "", " ".join(words[size:]))
        if not rest:
            return when + verb + until
        if rest in ("fast", "slowly", "alone", "too much", "a lot"):
            return when + {"fast": f"{verb}得快", "slowly": f"{verb}得慢", "alone": f"一个人{verb}", "too much": f"{verb}得太多", "a lot": f"{verb}很多"}[rest]
        if found := re.match(r"^(.*?) ?\b(?:at|in|on|by|near|from|under) (?:the |an? |my |our )?(.+)$", rest):
            thing, spot = _words_zh(found.group(1)), _spot(found.group(2))
            if thing is not None and spot:
                return f"{when}{spot}{verb}{thing}{until}"
        thing = _words_zh(rest)
        if thing is not None:
            return f"{when}{verb}{thing}{until}"
    return None


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
