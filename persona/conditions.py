"""Facts with a condition: days against opening days, an age against "under ten free". Only what the fact itself says is concluded."""
from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from persona.fields import Fact
from persona.sums import number_zh, numbers_en
from persona.words import simplify

_DAYS_EN = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
_DAY_ZH = {c: n for n, c in enumerate("一二三四五六日")} | {"天": 6, "末": 5}
_WHOLE_EN = {"weekend": {5, 6}, "weekday": {0, 1, 2, 3, 4}, "every day": set(range(7)), "daily": set(range(7))}
_RANGE_EN = re.compile(rf"({'|'.join(_DAYS_EN)})s?\s*(?:to|through|until|till|-|–)\s*({'|'.join(_DAYS_EN)})s?")
_RANGE_ZH = re.compile(r"(?:周|星期|礼拜)([一二三四五六日天])(?:到|至|—|-|~)(?:周|星期|礼拜)?([一二三四五六日天])")
_SHUT = re.compile(r"\bclosed|\bshut|\bnot open|\bday off|\bexcept|休息|不[开跳唱上出教卖干]|没课|歇|关门|不营业|除了", re.IGNORECASE)
_OPEN = re.compile(r"\b(open|hours|class|lesson|course|from \d|show|concert|tour|meeting|shift|training|perform)|营业|开门|课|点到|出车|"
                   r"开放|演出|上班|训练|活动|[跳唱教卖]", re.IGNORECASE)
_ASKS_DAY = re.compile(r"\b(open|there|in|come|visit|closed|class|lesson|work|show|free|available|shut|around|on)\b|开|营业|有|在|来|去|"
                       r"课|休|上班|唱|演|可以|[跳教卖练]|呢|吗", re.IGNORECASE)


@dataclass(frozen=True)
class Verdict:
    """`fits`: yes or no; `what`: the day or age as it is said."""
    kind: str
    fits: bool
    what: str
    fact: Fact


def judged(text: str, language: str, facts: Sequence[Fact], now: datetime) -> Verdict | None:
    """What the facts say to a question with a day or an age in it, or None where they say nothing certain."""
    return _age(text, language, facts) or _day(text, language, facts, now)


def that_day(text: str, language: str, facts: Sequence[Fact]) -> Fact | None:
    """The fact that tells what is done on the day a question names: "what do you do on Sundays"."""
    asked = days(simplify(text), language)
    if len(asked) != 1 or not re.search(r"\bwhat (do|did|will|are|is|happens)\b|做什么|干什么|干嘛|干啥|有什么", text.lower()):
        return None
    return next((fact for fact in facts if asked <= opening(fact.text, language)[0] and len(opening(fact.text, language)[0]) < 4), None)


def days(text: str, language: str) -> set[int]:
    """Weekdays a text names, 0 = Monday."""
    if language == "zh":
        found = set()
        for first, last in _RANGE_ZH.findall(text):
            found |= _span(_DAY_ZH[first], _DAY_ZH[last])
        rest = _RANGE_ZH.sub(" ", text)
        for run in re.findall(r"(?:周|星期|礼拜)([一二三四五六日天末、和]+)", rest):
            found |= {day for c in run if c in _DAY_ZH for day in ((5, 6) if c == "末" else (_DAY_ZH[c],))}
        return found | (set(range(7)) if re.search("每天|天天|全年", rest) else set())
    low = text.lower()
    found = set()
    for first, last in _RANGE_EN.findall(low):
        found |= _span(_DAYS_EN.index(first), _DAYS_EN.index(last))
    rest = _RANGE_EN.sub(" ", low)
    found |= {n for n, day in enumerate(_DAYS_EN) if day in rest}
    return found | {day for word, whole in _WHOLE_EN.items() if word in rest for day in whole}


def _span(first: int, last: int) -> set[int]:
    return {day % 7 for day in range(first, (last if last >= first else last + 7) + 1)}


def opening(fact: str, language: str) -> tuple[set[int], set[int]]:
    """(days it is on, days it is not on) of one fact."""
    on: set[int] = set()
    off: set[int] = set()
    for clause in re.split(r"[.;,，。；]", fact):
        if language == "zh" and (found := re.search(r"除了(.+?)(?:以?外)", clause)):
            off |= days(found.group(1), language)
            continue
        (off if _SHUT.search(clause) else on).update(days(clause, language))
    return on - off, off


def _day(text: str, language: str, facts: Sequence[Fact], now: datetime) -> Verdict | None:
    asked = days(simplify(text), language)
    what = _spoken_day(text, language)
    for word, ahead in (("today", 0), ("tomorrow", 1), ("tonight", 0), ("今天", 0), ("明天", 1), ("今晚", 0), ("后天", 2)):
        if not asked and word in text.lower() and re.search(r"\b(open|closed|shut|class)\b|开门|营业|开着|有课|开吗", text.lower()):
            asked, what = {(now + timedelta(days=ahead)).weekday()}, word
    if not asked or not _ASKS_DAY.search(text) or re.search(r"\bwhat (do|did|will|are) you\b|做什么|干什么|干嘛|干啥", text.lower()):
        return None
    known = [(fact, *opening(fact.text, language)) for fact in facts]
    known = [row for row in known if (row[1] or row[2]) and (_OPEN.search(row[0].text) or asked & row[1])]
    if not known:
        return None
    for fact, on, _ in known:
        if asked <= on:
            return Verdict("day", True, what, fact)
    fact, on, off = next((row for row in known if asked & row[2]), known[0])
    return Verdict("day", False, what, fact) if on or asked & off else None


def _spoken_day(text: str, language: str) -> str:
    if language == "zh":
        found = re.search(r"(?:周|星期|礼拜)[一二三四五六日天末]", simplify(text))
        return found.group() if found else ""
    found = re.search(rf"({'|'.join(_DAYS_EN)}|weekends?|weekdays?)", text.lower())
    word = found.group() if found else ""
    return "on " + (word.capitalize() if word.rstrip("s") not in ("weekend", "weekday") else "the " + word if not word.endswith("s") else word)


def _age(text: str, language: str, facts: Sequence[Fact]) -> Verdict | None:
    if language == "zh":
        low = re.sub(r"[零一二两三四五六七八九十]+(?=岁)", lambda m: number_zh(m.group()), simplify(text))
        found = re.search(r"(\d+)岁", low)
        about = re.search("票|钱|费|免|收", low)
    else:
        low = numbers_en(re.sub(r"[^\w\s]", " ", text.lower()))
        found = re.search(r"\b(?:is|are|am|aged?|turns?|turned|just|only|a|my)\s+(?:only |just |already |now "
                          r")?(\d{1,3})\b", low) or re.search(r"\b(\d{1,3}) years? old", low)
        about = re.search(r"\b(pays?|paying|tickets?|free|cost|charge|price|fee|admission|get in|discount)\b", low)
    if not found or not about:
        return None
    age = int(found.group(1))
    for fact in facts:
        limit = _limit(fact.text, language)
        if limit and age < limit[1] and limit[0] == "under" or limit and limit[0] == "over" and age >= limit[1]:
            return Verdict("age", True, str(age), fact)
        if limit:
            return Verdict("age", False, str(age), fact)
    return None


def _limit(fact: str, language: str) -> tuple[str, int] | None:
    if language == "zh":
        low = re.sub(r"[零一二两三四五六七八九十]+(?=岁)", lambda m: number_zh(m.group()), fact)
        under, over = re.search(r"(\d+)岁(?:以下|以内|及以下)", low), re.search(r"(\d+)岁以上", low)
        free = "免" in low or "不收" in low or "不要" in low
    else:
        low = numbers_en(re.sub(r"[^\w\s]", " ", fact.lower()))
        under = re.search(r"\b(?:under|below|younger than|up to)(?: the age of)? (\d+)", low)
        over = re.search(r"\b(?:over|above|older than)(?: the age of)? (\d+)", low)
        free = bool(re.search(r"\bfree\b|nothing|no charge", low))
    if not free:
        return None
    return ("under", int(under.group(1))) if under else ("over", int(over.group(1))) if over else None
