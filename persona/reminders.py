"""Reminders: what to say and when, found in "remind me tomorrow at nine to call the dentist" or 提醒我明天九点给牙医打电话; a book of them, and
the book as a calendar file. Times are those of the clock that `now` comes from, without a zone. No I/O: a book is bytes in and bytes out."""
from __future__ import annotations

import json
import re
from collections.abc import Callable
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta

from persona.sums import number_zh, numbers_en
from persona.words import simplify

MOST = 200                                               # reminders in a book
FARTHEST = timedelta(days=366 * 5)
LONGEST = 200                                            # characters of one
_DAYS_EN = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
_DAYS_ZH = "一二三四五六日"
_MONTHS = ("january", "february", "march", "april", "may", "june", "july", "august", "september", "october", "november", "december")
_UNITS_EN = {"second": 1, "minute": 60, "min": 60, "hour": 3600, "day": 86400, "week": 604800}
_UNITS_ZH = {"秒": 1, "分": 60, "小时": 3600, "钟头": 3600, "天": 86400, "星期": 604800, "周": 604800}
_PARTS_EN = {"morning": 9, "noon": 12, "lunchtime": 12, "afternoon": 15, "evening": 19, "tonight": 20, "night": 21, "midnight": 0}
_PARTS_ZH = {"凌晨": 5, "清晨": 7, "早上": 8, "早晨": 8, "上午": 9, "中午": 12, "下午": 15, "傍晚": 18, "晚上": 20, "今晚": 20, "明晚": 20, "夜里": 22}
_CLOCK_EN = re.compile(r"\b(?:at |by |for |around |about )?(?:(\d{1,2})[:.](\d{2})\s*(am|pm|a\.m\.|p\.m\.)?|(\d{1,2})\s*(am|pm|a\.m\.|p\.m\.|o'?clock)|(?:at|by|around) (half past |quarter past |quarter to )?(\d{1,2}))(?!\s*(?:minutes?|hours?|days?|\d|euros?))")
_CLOCK_ZH = re.compile(r"(\d{1,2})(?:点钟?|时|[:：])(?:(半)|(一刻|三刻)|(\d{1,2})分?)?(?:整)?")


@dataclass(frozen=True)
class Reminder:
    """`when`: ISO, without a zone."""
    id: int
    when: str
    text: str
    language: str
    made: str

    @property
    def at(self) -> datetime:
        return datetime.fromisoformat(self.when)


class Book:
    """One user's reminders with one twin. `keep` is called with the whole book after each change."""

    def __init__(self, data: bytes = b"", keep: Callable[[bytes], None] | None = None):
        self._keep = keep
        self._rows: list[Reminder] = []
        try:
            for row in json.loads(data)["reminders"][:MOST] if data else ():
                reminder = Reminder(int(row["id"]), str(row["when"]), str(row["text"])[:LONGEST], "zh" if row.get("language") == "zh" else "en", str(row.get("made", "")))
                _ = reminder.at
                self._rows.append(reminder)
        except (ValueError, TypeError, KeyError, RecursionError):
            self._rows = []                              # damaged: there is nothing in it that could be trusted

    def __len__(self) -> int:
        return len(self._rows)

    def add(self, when: datetime, text: str, language: str, now: datetime) -> Reminder | None:
        """None where the book is full, or the time lies behind or too far ahead."""
        if len(self._rows) >= MOST or not now - timedelta(minutes=1) < when < now + FARTHEST:
            return None
        reminder = Reminder(1 + max((row.id for row in self._rows), default=0), when.replace(microsecond=0).isoformat(), text[:LONGEST], language, now.replace(microsecond=0).isoformat())
        self._rows.append(reminder)
        self._kept()
        return reminder

    def all(self) -> list[Reminder]:
        """The soonest first."""
        return sorted(self._rows, key=lambda row: row.when)

    def next(self) -> datetime | None:
        return min((row.at for row in self._rows), default=None)

    def take(self, now: datetime) -> list[Reminder]:
        """Those that are due; they are told now and leave the book."""
        due = [row for row in self.all() if row.at <= now]
        if due:
            self._rows = [row for row in self._rows if row not in due]
            self._kept()
        return due

    def drop(self, words: str = "") -> list[Reminder]:
        """Takes out those that hold all the words (characters, in Chinese), all of them without words."""
        wanted = re.findall(r"[a-z0-9]{3,}|[\u4e00-\u9fff]", simplify(words).lower())
        gone = [row for row in self._rows if all(word in simplify(row.text).lower() for word in wanted)]
        self._rows = [row for row in self._rows if row not in gone]
        if gone:
            self._kept()
        return gone

    def draft(self) -> Book:
        """A copy that is kept nowhere before `settle`."""
        return Book(self.dump())

    def settle(self, draft: Book) -> None:
        """What was changed in a draft of this book holds; so does what is changed in it from now on."""
        def hold(_: bytes) -> None:
            self._rows = list(draft._rows)
            self._kept()
        draft._keep = hold
        if draft.all() != self.all():
            hold(b"")

    def dump(self) -> bytes:
        return json.dumps({"version": 1, "reminders": [asdict(row) for row in self._rows]}, ensure_ascii=False).encode()

    def ics(self, name: str) -> str:
        """The book as a calendar (RFC 5545), in local time, with an alarm at each; `name`: of the twin."""
        lines = ["BEGIN:VCALENDAR", "VERSION:2.0", f"PRODID:-//Twin//{_escaped(name)}//EN", "CALSCALE:GREGORIAN"]
        for row in self.all():
            made = re.sub(r"[-:]", "", row.made)[:15] or f"{row.at:%Y%m%dT%H%M%S}"
            lines += ["BEGIN:VEVENT", f"UID:{row.id}-{made}@twin.local", f"DTSTAMP:{made}Z", f"DTSTART:{row.at:%Y%m%dT%H%M%S}", "DURATION:PT15M",
                      f"SUMMARY:{_escaped(row.text)}", "BEGIN:VALARM", "ACTION:DISPLAY", f"DESCRIPTION:{_escaped(row.text)}", "TRIGGER:PT0S", "END:VALARM", "END:VEVENT"]
        return "\r\n".join(_folded(line) for line in [*lines, "END:VCALENDAR"]) + "\r\n"

    def _kept(self) -> None:
        if self._keep:
            self._keep(self.dump())


def _escaped(text: str) -> str:
    return text.replace("\\", "\\\\").replace(";", "\\;").replace(",", "\\,").replace("\n", "\\n")


def _folded(line: str) -> str:
    """Lines of at most 75 octets, as the standard wants; never cut inside a character."""
    parts: list[bytes] = []
    held = b""
    for character in line:
        if len(held) + len(character.encode()) > (75 if not parts else 74):
            parts.append(held)
            held = b""
        held += character.encode()
    return "\r\n ".join(part.decode() for part in [*parts, held])


def wanted(text: str, language: str) -> bool:
    """Whether somebody wants to be reminded of something."""
    low = simplify(text).lower()
    if language == "zh":
        return bool(re.search(r"(?<!不用|别再)提醒(一下)?我|叫我(一声|起床|去|吃|出门)|(定|设|订|上)(个|一个)?.{0,12}(闹钟|提醒|计时|倒计时|定时)|记得(叫|提醒)我", low)) and not re.search(r"(哪些|什么|几个|取消|删|不要).{0,4}提醒|提醒我(什么|了什么|过)", low)
    return bool(re.search(r"\bremind me\b(?! of (you|someone|somebody))|\b(set|make|create|add|put)\b( me| up)?( an?| the)? (\w+ ){0,3}(reminder|alarm|timer)\b|\bwake me( up)?\b|\balert me\b", low)) \
        and not re.search(r"\b(do not|don't|stop) remind|\bwhat did (you|i)\b|\bcancel\b", low)


def when(text: str, language: str, now: datetime) -> tuple[datetime | None, str]:
    """(the time meant, or None; what is left of the text: what to be reminded of)."""
    at, what = (_when_zh if language == "zh" else _when_en)(text, now)
    place = text.lower().find(what.lower())
    return at, text[place:place + len(what)] if what and place >= 0 else what


def _when_en(text: str, now: datetime) -> tuple[datetime | None, str]:
    low = numbers_en(re.sub(r"\ban? (?=(?:hour|minute|day|week)\b)", "1 ", re.sub(r"\bhalf an hour\b", "30 minutes", text.lower().replace("’", "'"))))
    at: datetime | None = None
    if found := re.search(r"\b(?:in |after |for )?(?:the next )?(\d{1,4})(?: |-)?(second|minute|min|hour|day|week)s?\b(?: and (\d{1,2}) (minute|min)s?\b)?(?: from now| timer)?", low):
        seconds = int(found[1]) * _UNITS_EN[found[2]] + (int(found[3]) * 60 if found[3] else 0)
        at, low = now + timedelta(seconds=seconds), low[:found.start()] + " " + low[found.end():]
        if found[2] in ("day", "week") and (clock := _CLOCK_EN.search(low)):
            at, low = _at_clock_en(clock, at.replace(hour=0, minute=0), now, ""), low[:clock.start()] + low[clock.end():]
        return at, _what_en(low)
    day: datetime | None = None
    if found := re.search(r"\b(the day after tomorrow|tomorrow|today|tonight)\b", low):
        day = now + timedelta(days={"the day after tomorrow": 2, "tomorrow": 1}.get(found[1], 0))
    elif found := re.search(rf"\b(?:on |this |next )?({'|'.join(_DAYS_EN)})\b", low):
        day = now + timedelta(days=(_DAYS_EN.index(found[1]) - now.weekday()) % 7 or 7)
    elif found := re.search(rf"\b(?:on )?(?:the )?(\d{{1,2}})(?:st|nd|rd|th)?(?: of)? ({'|'.join(_MONTHS)})\b|\b(?:on )?({'|'.join(_MONTHS)}) (\d{{1,2}})(?:st|nd|rd|th)?\b", low):
        day = _date(now, _MONTHS.index(found[2] or found[3]) + 1, int(found[1] or found[4]))
    if found:
        low = low[:found.start()] + " " + (found[1] if found[1] == "tonight" else "") + low[found.end():]
    part = re.search(r"\b(?:in the |at |this )?(morning|noon|lunchtime|afternoon|evening|tonight|night|midnight)\b", low)
    clock = _CLOCK_EN.search(low)
    if clock:
        at = _at_clock_en(clock, day or now, now, part[1] if part else "", moved=day is not None)
        low = low[:clock.start()] + " " * (clock.end() - clock.start()) + low[clock.end():]
    elif part or day:
        base = (day or now).replace(hour=_PARTS_EN[part[1]] if part else 9, minute=0, second=0)
        at = base if base > now or day and day.date() != now.date() else now + timedelta(hours=1) if day or part and part[1] == "tonight" else base + timedelta(days=1)
    if part:
        low = low[:part.start()] + " " + low[part.end():]
    return (at.replace(second=0) if at else None), _what_en(low)


def _at_clock_en(clock: re.Match[str], day: datetime, now: datetime, part: str, moved: bool = True) -> datetime:
    hour = int(clock[1] or clock[4] or clock[7])
    minute = int(clock[2] or 0)
    half = (clock[3] or clock[5] or "").replace(".", "")
    if clock[6]:
        minute = {"half": 30, "quar": 15}[clock[6][:4]] if "to" not in clock[6] else 45
        hour -= "to" in clock[6]
    if half == "pm" or not half and hour < 12 and part in ("afternoon", "evening", "tonight", "night"):
        hour = hour % 12 + 12
    elif half == "am":
        hour %= 12
    at = day.replace(hour=min(hour, 23), minute=min(minute, 59), second=0, microsecond=0)
    if at <= now and not moved:
        at += timedelta(hours=12) if not half and not part and hour < 12 and at + timedelta(hours=12) > now else timedelta(days=1)
    return at


def _what_en(low: str) -> str:
    low = " ".join(low.split())
    low = re.sub(r"^(?:(?:please|can you|could you|would you|will you|hey|ok|okay|and|also|i want you to|i need you to)\b[ ,]*)+", "", low)
    low = re.sub(r"^(?:remind me|set (?:me )?(?:up )?(?:an? |the )?(?:\w+ ){0,2}?(?:reminder|alarm|timer)|wake me(?: up)?|alert me|(?:make|create|add|put)(?: me)?(?: an?)? (?:\w+ ){0,2}?reminder)\b", "", low).strip(" ,.:;!?")
    low = re.sub(r"^(?:(?:to|that|about|of|for|on|at|in|called|saying|and)\b[ ,:]*)+", "", low).strip(" ,.:;!?")
    low = re.sub(r"(?:[ ,]+(?:to|at|on|in|for|please|and|the|thanks))+$", "", low).strip(" ,.:;!?")
    return re.sub(r"\bi\b", "I", low)[:LONGEST]


def _when_zh(text: str, now: datetime) -> tuple[datetime | None, str]:
    low = re.sub(r"\s+", "", simplify(text))
    low = re.sub(r"([一二两三四五六七八九\d])个半(?:小时|钟头)", lambda m: f"{round(float(number_zh(m[1]) if not m[1].isdigit() else m[1]) * 60 + 30)}分钟", low)
    low = low.replace("半个小时", "30分钟").replace("半小时", "30分钟").replace("半个钟头", "30分钟").replace("一刻钟", "15分钟")
    low = re.sub(r"(?<!星期)(?<!礼拜)(?<!周)[零一二两三四五六七八九十百]+(?=个?(?:小时|钟头|分|秒|天(?!气)|星期|周|点|号|月|时))|(?<=[点时月])[零一二三四五六七八九十]+(?=分|号|日|提|叫|我|去|要|开|，|,|$)", lambda m: number_zh(m.group()), low)
    after = re.search(r"(?:再过|过)?(\d{1,4})个?(秒|分|小时|钟头|天|星期|周)钟?(?:(半)|(\d{1,2})分钟?)?(?:之后|以后|后|的?(?=倒?计时|定时|计时))?", low)
    if after and (after[2] not in ("天", "周", "星期") or "后" in after.group()):
        seconds = int(after[1]) * _UNITS_ZH[after[2]] + (_UNITS_ZH[after[2]] // 2 if after[3] else int(after[4]) * 60 if after[4] else 0)
        then, rest = now + timedelta(seconds=seconds), low[:after.start()] + low[after.end():]
        if after[2] in ("天", "周", "星期") and (clock := _CLOCK_ZH.search(rest)):
            part = next((name for name in _PARTS_ZH if name in rest), "")
            then, rest = _at_clock_zh(clock, then, now, part, True), rest.replace(part, "", 1).replace(clock.group(), "", 1)
        return then, _what_zh(rest)
    day: datetime | None = None
    if found := re.search(r"大后天|后天|明天|明早|明晚|今天|今晚", low):
        day = now + timedelta(days={"大后天": 3, "后天": 2, "明天": 1, "明早": 1, "明晚": 1}.get(found.group(), 0))
    elif found := re.search(r"(下)?个?(?:周|星期|礼拜)([一二三四五六日天])", low):
        ahead = (_DAYS_ZH.index(found[2].replace("天", "日")) - now.weekday()) % 7
        day = now + timedelta(days=(ahead + 7 if found[1] and ahead + now.weekday() < 7 else ahead) or 7)
    elif found := re.search(r"(\d{1,2})月(\d{1,2})[号日]", low):
        day = _date(now, int(found[1]), int(found[2]))
    part = next((name for name in sorted(_PARTS_ZH, key=len, reverse=True) if name in low), "早上" if "明早" in low else "")
    clock = _CLOCK_ZH.search(low)
    at: datetime | None = None
    if clock:
        at = _at_clock_zh(clock, day or now, now, part, day is not None)
    elif part or day:
        base = (day or now).replace(hour=_PARTS_ZH.get(part, 9), minute=0, second=0, microsecond=0)
        at = base if base > now or day and day.date() != now.date() else now + timedelta(hours=1) if day else base + timedelta(days=1)
    for piece in (clock.group() if clock else "", found.group() if found else "", part):
        low = low.replace(piece, "", 1) if piece else low
    return at, _what_zh(low)


def _at_clock_zh(clock: re.Match[str], day: datetime, now: datetime, part: str, moved: bool) -> datetime:
    hour = int(clock[1])
    minute = 30 if clock[2] else {"一刻": 15, "三刻": 45}.get(clock[3] or "", int(clock[4] or 0))
    if part in ("下午", "傍晚", "晚上", "今晚", "明晚", "夜里", "中午") and hour < 12 and not (part == "中午" and hour > 10):
        hour += 12
    at = day.replace(hour=min(hour, 23), minute=min(minute, 59), second=0, microsecond=0)
    if at <= now and not moved:
        at += timedelta(hours=12) if not part and hour < 12 and at + timedelta(hours=12) > now else timedelta(days=1)
    return at


def _what_zh(low: str) -> str:
    low = re.sub(r"[，,。.！!？?、]+$", "", low)
    low = re.sub(r"^(?:请|麻烦|帮我|你|能不能|可以|能|记得|到时候|在|，|,)+", "", low)
    low = re.sub(r"(?:提醒(?:一下)?我|叫我|(?:定|设|订|上)(?:个|一个)?的?(?:闹钟|提醒|倒?计时器?|定时)|的?(?:闹钟|计时器?|倒计时)|闹钟)(?:一声)?", "", low, count=1)
    low = re.sub(r"^(?:请|帮我|要|的|到|在|把|后|，|,|：|:|说)+|(?:吧|啊|哦|好吗|行吗|可以吗|谢谢|的时候|的)+$", "", low)
    return low.strip(" ，,。：:")[:LONGEST]


def _date(now: datetime, month: int, day: int) -> datetime | None:
    for year in (now.year, now.year + 1):
        try:
            found = now.replace(year=year, month=month, day=day)
        except ValueError:
            return None
        if found.date() >= now.date():
            return found
    return None
