"""The day that words name: "on Friday", "next week", "5 May", 下周五, 五月三号 -> a date. Pure; the clock is handed in."""
from __future__ import annotations

import re
from datetime import date, datetime, timedelta

_WEEKDAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
_MONTHS = ("january", "february", "march", "april", "may", "june", "july", "august", "september", "october", "november", "december")
_SHORT = {name[:3]: number for number, name in enumerate(_MONTHS, 1)}
_DIGITS = dict(zip("零一二三四五六七八九", range(10))) | {"两": 2, "〇": 0}
_MONTH = r"(jan(?:uary)?|feb(?:ruary)?|mar(?:ch)?|apr(?:il)?|may|june?|july?|aug(?:ust)?|sep(?:t(?:ember)?)?|oct(?:ober)?|nov(?:ember)?|dec(?:ember)?)"
_DAY_MONTH = re.compile(rf"\b(\d{{1,2}})(?:st|nd|rd|th)?(?: of)? {_MONTH}\b(?:,? (\d{{4}}))?|\b{_MONTH} (\d{{1,2}})(?:st|nd|rd|th)?\b(?:,? (\d{{4}}))?", re.IGNORECASE)
WHEN_EN = re.compile(
    rf"\b(?:on |this |next |coming |the )*(?:{'|'.join(_WEEKDAYS)})s?\b(?: (?:morning|afternoon|evening|night|week))?|\b(?:the day after )?tomorrow\b"
    r"(?: (?:morning|afternoon|evening|night))?|\btonight\b|\btoday\b|\b(?:this|next) (?:weekend|week|month|year|summer|winter|spring|autumn|fall)\b|"
    r"\bin (?:a|an|one|two|three|four|five|six|\d+) (?:days?|weeks?|months?|years?)\b|"
    rf"\b(?:on )?(?:the )?\d{{1,2}}(?:st|nd|rd|th)?(?: of)? {_MONTH}\b(?:,? \d{{4}})?|\b(?:on )?{_MONTH} \d{{1,2}}(?:st|nd|rd|th)?\b(?:,? \d{{4}})?|"
    rf"\b(?:in|this|next) {_MONTH}\b(?: \d{{4}})?|\bat the weekend\b|\bon the \d{{1,2}}(?:st|nd|rd|th)\b|\b(?:at|for) christmas\b", re.IGNORECASE)
_COUNT_ZH = r"[零〇一二三四五六七八九十两\d]{1,4}"
WHEN_ZH = re.compile(
    rf"今天|今晚|明天|明晚|明早|后天|大后天|(?:这|本|下下|下)?(?:个)?(?:周|星期|礼拜)[一二三四五六日天末]|下(?:个)?(?:周|星期|礼拜|月)|这(?:个)?(?:周末|月)|周末|明年|今年|"
    rf"(?:下个?月|{_COUNT_ZH}月){_COUNT_ZH}[号日]|{_COUNT_ZH}月(?:份|底|初)?|{_COUNT_ZH}[号日](?!线|楼|院)|过(?:几|{_COUNT_ZH})[天个]|{_COUNT_ZH}(?:天|个?星期|周|个月)后|"
    r"国庆节?|春节|过年|暑假|寒假|五一|元旦|中秋节?|圣诞节?")
_NUMBERS = {"a": 1, "an": 1, "one": 1, "two": 2, "three": 3, "four": 4, "five": 5, "six": 6}


def number_zh(text: str) -> int:
    """"三十四" -> 34, "34" -> 34, -1 where it is none."""
    if text.isdigit():
        return int(text)
    if not text or set(text) - set(_DIGITS) - set("十百"):
        return -1
    if "百" in text:
        high, _, low = text.partition("百")
        return 100 * _DIGITS.get(high, 1) + (number_zh(low.lstrip("零")) if low.lstrip("零") else 0)
    if "十" in text:
        high, _, low = text.partition("十")
        return 10 * (_DIGITS[high] if high else 1) + (_DIGITS[low] if low else 0)
    return int("".join(str(_DIGITS[c]) for c in text))


def found(text: str, tongue: str) -> str:
    """The first words that name a day, as they stand, or ""."""
    hit = (WHEN_ZH if tongue == "zh" else WHEN_EN).search(text)
    return hit[0] if hit else ""


def day(words: str, now: datetime, tongue: str) -> date | None:
    """The last day that such words may mean; None where they mean none. A weekday is the next one to come, "next" the week after that."""
    try:
        return _zh(words, now.date()) if tongue == "zh" else _en(words.lower(), now.date())
    except (ValueError, OverflowError):                  # a thirty-first of June
        return None


def _en(words: str, today: date) -> date | None:
    if hit := _DAY_MONTH.search(words):
        month, number, year = (hit[2], hit[1], hit[3]) if hit[1] else (hit[4], hit[5], hit[6])
        return _soonest(today, _SHORT[month[:3]], int(number), int(year) if year else 0)
    if hit := re.search(r"on the (\d{1,2})(?:st|nd|rd|th)", words):
        return _soonest(today, today.month, int(hit[1]), today.year) if int(hit[1]) >= today.day else _soonest(today, today.month % 12 + 1, int(hit[1]), 0)
    for number, name in enumerate(_WEEKDAYS):
        if name in words:
            ahead = (number - today.weekday()) % 7 or 7
            return today + timedelta(ahead if "next" not in words or number <= today.weekday() else ahead + 7)
    if "tomorrow" in words:
        return today + timedelta(2 if "after" in words else 1)
    if "tonight" in words or "today" in words:
        return today
    if hit := re.search(r"in (\w+) (day|week|month|year)", words):
        count = _NUMBERS.get(hit[1]) or int(hit[1])
        return today + timedelta(count * {"day": 1, "week": 7, "month": 31, "year": 366}[hit[2]])
    if "weekend" in words:
        return today + timedelta((6 - today.weekday()) + (7 if "next" in words else 0))
    if "week" in words:
        return today + timedelta(6 - today.weekday() + (7 if "next" in words else 0))
    if "christmas" in words:
        return _soonest(today, 12, 26, 0)
    if "month" in words:
        return today + timedelta(62 if "next" in words else 31)
    if hit := re.search(rf"{_MONTH}(?: (\d{{4}}))?", words):
        return _soonest(today, _SHORT[hit[1][:3]], 28, int(hit[2]) if hit[2] else 0)
    return today + timedelta(730 if "next" in words else 366) if re.search("year|summer|winter|spring|autumn|fall", words) else None


def _zh(words: str, today: date) -> date | None:
    if hit := re.search(rf"({_COUNT_ZH})月({_COUNT_ZH})[号日]", words):
        return _soonest(today, number_zh(hit[1]), number_zh(hit[2]), 0)
    if hit := re.fullmatch(rf"({_COUNT_ZH})[号日]", words):
        number = number_zh(hit[1])
        return _soonest(today, today.month, number, today.year) if number >= today.day else _soonest(today, today.month % 12 + 1, number, 0)
    for name, ahead in (("大后天", 3), ("后天", 2), ("明天", 1), ("明晚", 1), ("明早", 1), ("今", 0)):
        if words.startswith(name) and words != "今年":
            return today + timedelta(ahead)
    if hit := re.search(r"(下下|下)?个?(?:周|星期|礼拜)([一二三四五六日天末])", words):
        number = "一二三四五六日".find(hit[2].replace("天", "日").replace("末", "日"))
        weeks = {"下": 1, "下下": 2, None: 0}[hit[1]]
        ahead = number - today.weekday() + 7 * weeks
        return today + timedelta(ahead if ahead >= 0 else ahead + 7)
    if hit := re.search(rf"({_COUNT_ZH})(天|个?星期|周|个月)后", words):
        return today + timedelta(number_zh(hit[1]) * (1 if hit[2] == "天" else 31 if "月" in hit[2] else 7))
    if re.match(r"下个?(周|星期|礼拜)", words):
        return today + timedelta(13 - today.weekday())
    if "周末" in words:
        return today + timedelta(6 - today.weekday())
    if "月" in words and (hit := re.search(rf"({_COUNT_ZH})月", words)):
        return _soonest(today, number_zh(hit[1]), 28, 0)
    return today + timedelta(62 if "月" in words else 730 if words == "明年" else 366)


def _soonest(today: date, month: int, number: int, year: int) -> date:
    there = date(year or today.year, month, number)
    return there if year or there >= today else date(today.year + 1, month, number)
