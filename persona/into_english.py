"""A Chinese fact as plain English."""
from __future__ import annotations

import re

from persona.glossary import DAY_ZH, DAYS, HANZI, glossary
from persona.sums import number_zh

_SPANS = {"年": "years", "天": "days", "个月": "months", "个小时": "hours", "分钟": "minutes", "周": "weeks"}
_CLOCK = re.compile(r"(?:(凌晨|早上|清晨|上午|中午|下午|傍晚|晚上|夜里|半夜)?(?:的)?([\d一二两三四五六七八九十]+)点(半)?)")


def to_english(text: str) -> str:
    """`text` clause by clause; a clause with an unknown word is left out."""
    said = []
    subject = "I"
    told: set[str] = set()
    for clause in re.split(r"[，。；！,;]", text):
        if not clause.strip():
            continue
        whole, subject = _clause_en(clause.strip(), subject)
        if found := re.match(rf"(?:我|咱)?家?(?:还)?有(?:了)?[一两]?(?:个|位|名)?([{HANZI}]{{2,4}}?)(?=叫|在|是|今年|$)", clause.strip()):
            kind, kin = glossary().chinese.get(found.group(1), ("", ""))[:2]
            if kind == "kin":                            # "I have a son, works in ...": the next clause is about him
                whole, subject = re.sub(rf"^(I have) (?={re.escape(kin)})", r"\1 a ", whole), f"my {kin}"
                told.add(subject)
        if re.search(f"[{HANZI}]{{2,}} (loves|likes|is|has|goes|works)", whole):
            whole = ""                                   # half a name, half a sentence
        if whole and subject.startswith("my ") and whole.startswith(subject + " "):
            whole = _they(subject) + whole[len(subject):] if subject in told else whole
            told.add(subject)
        if whole:
            said.append(whole[0].upper() + whole[1:] + ".")
    return " ".join(said)


def _clause_en(clause: str, subject: str) -> tuple[str, str]:
    """(the clause in English or "", the subject that the next one goes on with)."""
    names = re.findall(r"“([^”]+)”", clause)
    when, rest = _when_en(re.sub(r"“[^”]+”", "N", clause))
    rest = re.sub(r"^(我的|我们的|我们|我|咱们|咱|然后|所以|因为|还|也|但是?|而且)+", "", rest)
    before = subject
    subject = _subject_en(clause, rest, subject)
    if re.fullmatch(r"谁都可以来.*|欢迎.*来.*", rest):
        return "anyone may come", subject
    if found := re.fullmatch(r"(今年)?([\d一二三四五六七八九十]+)岁", rest):
        return f"{'I am' if subject == 'I' else _they(subject) + ' is'} {_number(found.group(2))} years old", subject
    if re.fullmatch(r"(还)?(没|没有|未)(结婚|成家)", rest) and subject:
        return f"{'I am' if subject == 'I' else _they(subject) + ' is'} not married", subject
    if re.fullmatch(r"(不收钱|不要钱|免费|不用钱)", rest):
        return "it's free", subject
    if found := re.fullmatch(rf"([{HANZI}]{{0,6}}?)([\d一二三四五六七八九十百千两]+)(块|元|欧元|美元)(钱)?(一\w)?", rest):
        what = _words_en(found.group(1))
        unit = {"块": "yuan", "元": "yuan", "欧元": "euros", "美元": "dollars"}[found.group(3)]
        return f"{what or 'it'}{':' if what else ' costs'} {_number(found.group(2))} {unit}", subject
    if re.match("叫N", rest) and names:
        return f"{'it' if subject == 'I' else _they(subject)} is called “{names[0]}”", subject
    if subject == "" or before == "" and subject == "I" and not re.match("我|咱", clause.lstrip()):
        return "", subject
    rest = re.sub(r"以前我?(?:就)?是(?=\w*(员|师|生|机|家|警|兵|工|长|民)$)", "当过", rest)
    if spot := re.fullmatch(r"(?:的)?([\u4e00-\u9fff]{1,4}?)(?:就)?(?:开)?在([\u4e00-\u9fff二一三]+)", rest):
        thing, where = (glossary().chinese.get(part) for part in spot.groups())
        if thing and thing[0] == "place" and where:
            return f"my {thing[1]} is {'in' if where[1][:1].isupper() else 'by the'} {where[1]}", subject
    rest = re.sub(r"做(?=(\w{0,4}(员|师|生|机|家|警|兵|工)))", "当", rest)
    tokens = _tokens_zh(rest)
    if tokens is None:
        clear = subject != "I" or clause.lstrip().startswith(("我", "咱")) or _starts_plain(rest)
        return "", subject if clear else ""
    if not clause.lstrip().startswith("我") and tokens and tokens[0][0] in ("place", "noun") and any(kind == "verb" for kind, _ in tokens[1:]):
        opens = [("verb", "be open") if token[1] == "run" else token for token in tokens[1:]]
        return _phrase_en(opens, names, when, "the " + tokens[0][1])[0], subject
    return _phrase_en(tokens, names, when, subject) if _plain(tokens) else ("", subject)


def _subject_en(clause: str, rest: str, subject: str) -> str:
    """Whom a clause is about: "I", "my son", or "" where it is unclear; a clause that names nobody goes on with the one before."""
    words = glossary().chinese
    for size in (4, 3, 2):
        if len(rest) >= size and words.get(rest[:size], ("", ""))[0] == "kin" and rest[size:size + 1] != "的":
            return "my " + words[rest[:size]][1]
    if re.match("我|咱", clause.lstrip()):
        return "I"
    if re.match(rf"(?![在从到就])[{HANZI}]{{2,3}}(?=是|在|当|住|开|做)", rest) and subject != "I" and words.get(rest[:2], ("", ""))[0] == "":
        return subject if rest[:1] in "她他也还没不现今已" else ""
    return subject


def _starts_plain(rest: str) -> bool:
    """Whether a clause begins with a word that needs no subject of its own: a verb, a helper."""
    return any(rest[:size] in _SMALL or glossary().chinese.get(rest[:size], ("", ""))[0] in ("verb", "adjective", "time") for size in (1, 2, 3, 4))


def _plain(tokens: list[tuple[str, str]]) -> bool:
    """Whether the words stand in an order that English can follow: no second verb in front of a noun it doesn't govern."""
    verbs = [word for kind, word in tokens if kind == "verb"]
    helpers = ("used to", "want to", "hope to", "plan to", "like", "love", "drive", "go to", "was once")
    return sum(word not in helpers for word in verbs) <= 1 and not any(kind == "be" for kind, _ in tokens) or not verbs


def _phrase_en(tokens: list[tuple[str, str]], names: list[str], when: str, subject: str) -> tuple[str, str]:
    """Subject, verb, object, place, time."""
    if tokens and tokens[0][0] == "kin" and not (len(tokens) > 1 and tokens[1][0] == "of"):
        subject = "my " + tokens.pop(0)[1]
        if tokens and tokens[0][0] == "name":
            subject += " " + tokens.pop(0)[1]
    place = ""
    body: list[str] = []
    kept = list(names)
    third = subject != "I"
    negative = verbs = 0
    at = 0
    while at < len(tokens):
        kind, word = tokens[at]
        if kind == "at":
            at += 1
            inner = []
            while at < len(tokens) and tokens[at][0] in ("place", "noun", "adjective", "of", "name", "kin"):
                inner.append(tokens[at][1])
                at += 1
                if tokens[at - 1][0] == "place" and not (at < len(tokens) and tokens[at][0] in ("place", "of")):
                    break
            spot = " ".join(word for word in inner if word)
            place = f" in {spot}" if spot[:1].isupper() else f" at {spot}" if spot == "home" else f" at the {spot}" if spot else place
            continue
        if kind == "not":
            negative = 1
        elif kind == "verb":
            if word == "be called" and kept:
                body.append(("called " if body else ("am called " if not third else "is called ")) + f"“{kept.pop(0)}”")
            else:
                body.append(_inflected(word, third and not verbs, bool(negative)))
                verbs += 1
                negative = 0
        elif kind == "be":
            body.append(("isn't" if third else "am not") if negative else "is" if third else "am")
            verbs += 1
        elif word:
            body.append(f"“{kept.pop(0)}”" if kind == "quoted" and kept else word)
        at += 1
    if not body and not place:
        return "", subject
    if not verbs and not body:
        return "", subject
    if not verbs:
        body.insert(0, "is" if third else "am")
        if len(body) == 1 and not place:
            return "", subject
    words = " ".join(body).replace("drive go to", "drive to")
    words = re.sub(r"\b([2-9]|\d\d+) (child|son|daughter|brother|sister|grandson|granddaughter|grandchild|student|friend|cat|dog)\b(?!s|ren)",
                   lambda m: f"{m.group(1)} {m.group(2)}{'ren' if m.group(2).endswith('child') else 's'}", words)
    words = re.sub(r"^(am|is) in$", r"\1", words)
    words = re.sub(r"\b(am|is|was once|work as|works as|used to work as) (?!a\b|an\b)(?=(?:\w+[ -]){0,3}?"
                   r"(?:\w+(?:er|or|ist|man|ian)|nurse|cook|ghost|pirate|poet|captain|pilot|soldier|accountant|guide|shepherd|mechanic|"
                   r"chef|student|astronaut)\b)", r"\1 a ", words)
    return f"{subject} {words}{place}{when}", subject


def _they(subject: str) -> str:
    return "she" if re.search(r"wife|mother|daughter|sister|aunt|grandmother|girl", subject) else "he" if re.search(
        r"husband|son|father|brother|uncle|boy", subject) else subject


def _inflected(verb: str, third: bool, negative: bool) -> str:
    if verb in ("died", "grew up", "was born", "retired", "was once", "used to"):
        return verb
    if verb.startswith("be "):
        return ("is " if third else "am ") + ("not " if negative else "") + verb[3:]
    if negative:
        return ("doesn't " if third else "don't ") + verb
    if not third:
        return verb
    first, _, rest = verb.partition(" ")
    own = {"have": "has", "do": "does", "go": "goes"}.get(first) or (first[:-1] + "ies" if re.search(r"[^aeiou]y$", first) else first + (
        "es" if re.search(r"(s|sh|ch|x|o)$", first) else "s"))
    return f"{own} {rest}".strip()


def _when_en(clause: str) -> tuple[str, str]:
    """(" from 6 to 7 in the morning every day", the clause without it)."""
    found: list[str] = []

    def take(pattern: str, said) -> None:
        nonlocal clause
        if match := re.search(pattern, clause):
            found.append(said(match))
            clause = clause[:match.start()] + clause[match.end():]

    clock = _CLOCK.pattern
    take(rf"(?:从)?{clock}(?:到|至){clock}", lambda m: f"from {_hour(m.group(2), m.group(3))}{_part(m.group(1))} to "
                                                    f"{_hour(m.group(5), m.group(6))}{_part(m.group(4) or m.group(1))}")
    take(clock, lambda m: f"at {_hour(m.group(2), m.group(3))}{_part(m.group(1))}")
    take(r"(?:每)?(?:周|星期|礼拜|个星期)([一二三四五六日天])(?:到|至)(?:周|"
         r"星期)?([一二三四五六日天])", lambda m: f"from {_day(m.group(1))} to {_day(m.group(2))}")
    take(r"(?:每个?)?(?:周|星期|礼拜)([一二三四五六日天])(?:和|、)(?:周|星期|"
         r"礼拜)?([一二三四五六日天])", lambda m: f"on {_day(m.group(1))} and {_day(m.group(2))}")
    take(r"每个?(?:周|星期|礼拜)([一二三四五六日天])", lambda m: f"every {_day(m.group(1))}")
    take(r"(?:周|星期|礼拜)([一二三四五六日天])", lambda m: f"on {_day(m.group(1))}")
    take(r"(?:已经)?(?:待|住|干|做|教|当|开|有)?了?([\d一二三四五六七八九十百两]+)(年|天|个月|个小时|分钟|"
         r"周)(?:多)?了?", lambda m: f"for {_number(m.group(1))} "
                                  f"{_SPANS[m.group(2)]}")
    words = sorted((zh for zh, (kind, _) in glossary().chinese.items() if kind == "time"), key=len, reverse=True)
    take("(" + "|".join(words) + ")", lambda m: glossary().chinese[m.group(1)][1])
    if found and "in the past" in found:
        found.remove("in the past")
        clause = "以前" + clause
    return "".join(" " + part for part in found), clause


def _hour(text: str, half: str | None) -> str:
    return _number(text) + (":30" if half else "")


def _part(word: str | None) -> str:
    return {"早上": " in the morning", "清晨": " in the morning", "上午": " in the "
                                                                    "morning", "凌晨": " at "
                                                                        "night", "中午": " at midday", "下午": " in the afternoon",
            "傍晚": " in the evening", "晚上": " in the evening", "夜里": " at night", "半夜": " at night"}.get(word or "", "")


def _day(character: str) -> str:
    return DAYS[DAY_ZH.index("日" if character == "天" else character)]


def _number(text: str) -> str:
    return text if text.isdigit() else number_zh(text)


_SMALL = {                                               # word -> (kind, English); ("", "") is left out
    "在": ("at", ""), "的": ("of", ""), "不": ("not", ""), "没有": ("not", ""), "没": ("not", ""), "是": ("be", ""),
    "和": ("and", "and"), "跟": ("and", "with"), "、": ("and", "and"), "了": ("", ""), "着": ("", ""), "过": ("", ""),
    "都": ("", ""), "也": ("", ""), "还": ("", ""), "最": ("", ""), "很": ("", ""), "一位": ("", ""), "一个": ("", "a"),
    "一只": ("", "a"), "一条": ("", "a"), "一家": ("", "a"), "一座": ("", "a"), "一把": ("", "a"), "一本": ("", "a"),
    "一辆": ("", "a"), "只": ("", ""), "名": ("", ""), "里": ("", ""), "上": ("", ""), "边": ("", ""),
    "N": ("quoted", ""), "会": ("", "can"), "以前": ("verb", "used to"), "当过": ("verb", "was once"),
    "可以": ("", "can"), "特别": ("", "especially"), "给": ("", ""), "把": ("", ""), "个": ("", ""), "位": ("", ""),
    "，": ("", "")}


def _tokens_zh(clause: str) -> list[tuple[str, str]] | None:
    """(kind, English) of each word, or None where one is unknown; a Latin name stays as it is, and so does one behind a relative."""
    words = glossary().chinese
    tokens: list[tuple[str, str]] = []
    at = 0
    while at < len(clause):
        if found := re.match(r"[A-Za-z][\w'-]*", clause[at:]):
            if found.group() == "N":
                tokens.append(("quoted", ""))
            else:
                tokens.append(("name", found.group()))
            at += found.end()
            continue
        if found := re.match(r"\d+|[一二两三四五六七八九十百千]{1,4}(?=[个只条位本年岁双])", clause[at:]):
            tokens.append(("number", "a" if _number(found.group()) == "1" else _number(found.group())))
            at += found.end()
            at += bool(re.match("[个只条位本双]", clause[at:]))
            continue
        for size in range(min(8, len(clause) - at), 0, -1):
            piece = clause[at:at + size]
            if piece in words and not (size == 1 and piece in _SMALL):
                tokens.append(words[piece])
                break
            if piece in _SMALL:
                if _SMALL[piece] != ("", ""):
                    tokens.append(_SMALL[piece])
                break
        else:
            named = re.match(rf"[{HANZI}]{{2,3}}(?=是|在|当|$)", clause[at:])
            if named and tokens and (tokens[-1][0] == "kin" or tokens[-1][1] == "be called"):
                tokens.append(("name", named.group()))
                if tokens[-2][1] == "be called":
                    tokens[-2:] = [("", "called " + named.group())]
                at += named.end()
                continue
            return None
        at += size
    return tokens


def _words_en(text: str) -> str:
    tokens = _tokens_zh(text) if text else []
    return " ".join(word for _, word in tokens or [] if word)
