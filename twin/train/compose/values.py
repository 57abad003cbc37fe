"""What slots are filled with: names, places, numbers, times, prices. Each value remembers where it was drawn from, so that another, a larger or a
smaller one can be said in the same manner."""
from __future__ import annotations

from dataclasses import dataclass
from random import Random
from typing import Any

from .parts import Parts, pick

THIS_YEAR = 2026


@dataclass(frozen=True)
class Value:
    text: str
    spec: str = ""                                       # what it was drawn from
    num: float | None = None
    gender: str = ""                                     # "f", "m" or ""
    style: int = 0                                       # of several ways to write a number, which


@dataclass
class Me:
    """The persona that all facts are of."""
    name: str
    gender: str
    age: int
    trade: dict[str, Any]
    money: str
    surname: str


_ONES = [
    "zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve", "thirteen", "fourteen", "fifteen",
    "sixteen", "seventeen", "eighteen", "nineteen"]
_TENS = ["zero", "ten", "twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety"]


def words_en(n: int) -> str:
    """Up to 9,999 in words."""
    if n < 20:
        return _ONES[n]
    if n < 100:
        return _TENS[n // 10] + (f"-{_ONES[n % 10]}" if n % 10 else "")
    if n < 1000:
        return f"{_ONES[n // 100]} hundred" + (f" and {words_en(n % 100)}" if n % 100 else "")
    return f"{words_en(n // 1000)} thousand" + (f" {'' if n % 1000 >= 100 else 'and '}{words_en(n % 1000)}" if n % 1000 else "")


_ZH = "零一二三四五六七八九"


def words_zh(n: int, counts: bool = False) -> str:
    """Up to 99,999,999; `counts`: 两 for a lone two, as before a measure word."""
    if n == 2 and counts:
        return "两"
    if n < 10:
        return _ZH[n]
    if n < 20:
        return "十" + (_ZH[n % 10] if n % 10 else "")
    out, zero = "", False
    if n >= 10000:
        out, n = words_zh(n // 10000, True) + "万", n % 10000
        zero = 0 < n < 1000
    for unit, sign in ((1000, "千"), (100, "百"), (10, "十")):
        digit = n // unit
        if digit:
            out += ("零" if zero else "") + ("两" if digit == 2 and unit > 10 and not out else _ZH[digit]) + sign
            zero = False
        elif out:
            zero = n > 0
        n %= unit
    return out + (("零" if zero else "") + _ZH[n] if n else "")


def year_zh(n: int) -> str:
    return "".join(_ZH[int(d)] for d in str(n))


def ordinal(n: int) -> str:
    return f"{n}{'th' if 10 <= n % 100 <= 20 else {1: 'st', 2: 'nd', 3: 'rd'}.get(n % 10, 'th')}"


MONEY = ("euros", "euros", "euros", "pounds", "dollars", "dollars", "francs", "crowns", "kronor")
POLITE: dict[str, dict[str, tuple[str, ...]]] = {
    "en": {"f": ("Mrs", "Ms", "Miss"), "m": ("Mr", "Mr", "old Mr")},
    "zh": {"f": ("阿姨", "大姐", "奶奶", "老师"), "m": ("叔", "大爷", "师傅", "大哥")}}
MONTHS = ["January", "February", "March", "April", "May", "June", "July", "August", "September", "October", "November", "December"]


def clock_en(minutes: int, style: int) -> str:
    hour, minute = divmod(int(minutes), 60)
    if style == 1:
        return f"{hour}:{minute:02d}"
    twelve, next_ = _ONES[(hour - 1) % 12 + 1], _ONES[hour % 12 + 1]
    if style == 2:
        return f"{(hour - 1) % 12 + 1}{f':{minute:02d}' if minute else ''} {'a.m.' if hour < 12 else 'p.m.'}"
    if minute == 0:
        said = f"{twelve} o'clock" if style == 0 else twelve
    elif minute == 30:
        said = f"half past {twelve}"
    elif minute in (15, 45):
        said = f"a quarter past {twelve}" if minute == 15 else f"a quarter to {next_}"
    elif minute < 30:
        said = f"{words_en(minute)} past {twelve}"
    else:
        said = f"{words_en(60 - minute)} to {next_}"
    if style == 3:
        said += " in the morning" if hour < 12 else " in the afternoon" if hour < 18 else " in the evening" if hour < 22 else " at night"
    return said


def clock_zh(minutes: int, style: int) -> str:
    hour, minute = divmod(int(minutes), 60)
    part = "凌晨" if hour < 5 else "早上" if hour < 9 else "上午" if hour < 12 else "中午" if hour == 12 else "下午" if hour < 18 else "晚上"
    if style == 1:
        return f"{hour}:{minute:02d}"
    twelve = words_zh((hour - 1) % 12 + 1, True)
    said = twelve + "点" + {0: "", 30: "半", 15: "一刻", 45: "三刻"}.get(minute, ("零" if minute < 10 else "") + words_zh(minute) + "分")
    if style == 2 and not 12 <= hour < 19:               # "八点半": only where nobody would take it for the other half of the day
        return said
    return part + said


def number(n: int, language: str, style: int, counts: bool = True) -> str:
    if style == 1 or n > 9999:
        return f"{n:,}" if n > 9999 and language == "en" else str(n)
    return words_en(n) if language == "en" else words_zh(n, counts)


def money(n: float, language: str, style: int, unit: str) -> str:
    whole = int(n)
    if n != whole:
        if language == "zh":
            return f"{words_zh(whole, True)}块{_ZH[round((n - whole) * 10)]}" if style == 0 else f"{n:g}元"
        return f"${n:.2f}" if unit == "dollars" and style == 2 else f"{n:.2f} {unit}"
    if language == "zh":
        return f"{words_zh(whole, True)}{'块' if style == 0 else '块钱'}" if style in (0, 2) else f"{whole}元"
    if style == 2 and unit in ("dollars", "euros", "pounds"):
        return {"dollars": "$", "euros": "€", "pounds": "£"}[unit] + f"{whole:,}"
    return f"{words_en(whole) if style == 0 and whole < 1000 else f'{whole:,}'} {unit}"


class Values:
    """Draws values of one language for one persona."""

    def __init__(self, parts: Parts, rng: Random):
        self.parts, self.rng, self.language = parts, rng, parts.language
        self.pools = {name: [self._entry(name, e) for e in entries] for name, entries in parts.pools.items() if not (entries and isinstance(entries[0], dict))}
        self.trades = parts.pools["trade"]

    @staticmethod
    def _entry(pool: str, entry: object) -> Value:
        text, _, gender = str(entry).partition(" /")
        return Value(text, pool, gender=gender)

    def me(self) -> Me:
        rng = self.rng
        gender = "f" if rng.random() < 0.5 else "m"
        surname = self.surname()
        first = self.first(gender).text
        if self.language == "zh":
            return Me(surname + self._given_zh(gender), gender, rng.randint(20, 84), pick(rng, self.trades), "块", surname)
        name = first if rng.random() < 0.3 else f"{first} {surname}"
        return Me(name, gender, rng.randint(20, 84), pick(rng, self.trades), pick(rng, MONEY), surname)

    # -- names -------------------------------------------------------------------------------------------------------------------------------
    def first(self, gender: str = "") -> Value:
        """A given name; in Chinese what a family calls someone."""
        rng, g = self.rng, gender or ("f" if self.rng.random() < 0.5 else "m")
        spec = f"first {gender}".strip()
        if self.language == "zh":
            given = self._given_zh(g)
            way = rng.random()
            text = self.surname() + given if way < 0.6 else given if len(given) == 2 and way < 0.8 else f"{pick(rng, '小阿')}{given[-1]}"
            return Value(text, spec, gender=g)
        if rng.random() < 0.3:
            return Value(self._made_en(g), spec, gender=g)
        return Value(pick(rng, self.pools[f"first_{g}"]).text, spec, gender=g)

    def _given_zh(self, gender: str) -> str:
        pool = self.pools[f"given_{gender}"]
        a, b = pick(self.rng, pool).text, pick(self.rng, pool).text
        return a if self.rng.random() < 0.18 or a == b else a + b

    def _made_en(self, gender: str) -> str:
        rng = self.rng
        body = pick(rng, self.pools["onset"]).text + pick(rng, self.pools["nucleus"]).text
        if rng.random() < 0.45:
            body += pick(rng, self.pools["middle"]).text
        return body + pick(rng, self.pools[f"ending_{gender}"]).text

    def surname(self) -> str:
        rng = self.rng
        if self.language == "zh" or rng.random() < 0.6:
            return pick(rng, self.pools["surname"]).text
        return pick(rng, self.pools["onset"]).text + pick(rng, self.pools["nucleus"]).text + pick(rng, self.pools["surname_end"]).text

    def town(self) -> str:
        rng = self.rng
        if rng.random() < 0.5:
            return pick(rng, self.pools["city"]).text
        return pick(rng, self.pools["town_start"]).text + pick(rng, self.pools["town_end"]).text

    # -- draws -------------------------------------------------------------------------------------------------------------------------------
    def draw(self, spec: str, me: Me) -> Value:
        """A value of a pool, or of `int LO HI`, `time LO HI`, `price LO HI`, `first f`, `years`, `trade COLUMN` ..."""
        rng = self.rng
        kind, *args = spec.split()
        if kind in self.pools:
            got = pick(rng, self.pools[kind])
            return Value(got.text, spec, got.num, got.gender or ("f" if rng.random() < 0.5 else "m"))
        if kind == "first":
            return self.first(args[0] if args else "")
        if kind in ("int", "time", "price", "ord", "day"):
            low, high = float(args[0]), float(args[1])
            return self.of(spec, self._between(kind, low, high), self.style(kind))
        if kind == "trade":
            return self._trade(spec, args[0], me.trade)
        special = getattr(self, f"_{kind}", None)
        if special is None:
            raise KeyError(f"no pool {spec!r} in {self.language}")
        return special(spec, me, *args)

    def style(self, kind: str) -> int:
        roll = self.rng.random()
        if kind == "time":
            return 0 if roll < 0.35 else 1 if roll < 0.5 else 2 if roll < 0.75 else 3
        if kind == "price":
            return 0 if roll < 0.45 else 1 if roll < 0.8 else 2
        return 0 if roll < 0.6 else 1

    def _between(self, kind: str, low: float, high: float) -> float:
        rng = self.rng
        if kind == "time":                               # low and high in hours, num in minutes
            step = 15 if rng.random() < 0.85 else 5
            return rng.randint(int(low * 60) // step, int(high * 60) // step) * step
        if kind == "price":
            n = int(low * (high / low) ** rng.random())
            if n >= 200:
                return n // 10 * 10
            return n + 0.5 if n < 15 and rng.random() < 0.25 else n
        return rng.randint(int(low), int(high))

    def of(self, spec: str, num: float, style: int) -> Value:
        """The number in the manner of its spec."""
        kind, language = spec.split()[0], self.language
        if kind == "time":
            text = (clock_en if language == "en" else clock_zh)(int(num), style)
        elif kind == "price":
            text = money(num, language, style, self.unit)
        elif kind == "ord":
            text = number(int(num), language, style, counts=False) if language == "zh" else ordinal(int(num))
        else:
            text = number(int(num), language, style if num > 12 or language == "zh" or style == 0 else 1)
        return Value(text, spec, num, "", style)

    unit = "euros"                                       # of the persona at hand

    def other(self, value: Value, me: Me, than: str = "!") -> Value:
        """Another value of the same kind, said in the same manner; `than` "+" or "-": a larger or a smaller one."""
        rng = self.rng
        if value.num is not None:
            kind = value.spec.split()[0]
            step = 30 if kind == "time" else max(1, int(value.num * 0.15)) if value.num >= 20 else 1
            if kind in ("year", "pastyear"):
                return self._again(value, min(THIS_YEAR, value.num - rng.randint(1, 12) * (1 if than == "-" or (than == "!" and rng.random() < 0.6) else -1)))
            for _ in range(20):
                by = step * rng.randint(1, 4)
                num = value.num + (by if than == "+" else -by if than == "-" else by if rng.random() < 0.5 else -by)
                if num >= (1 if kind != "int" else 2) and (kind != "time" or 300 <= num < 1425) and (kind not in ("ord", "day") or num <= 31):
                    if kind == "price" and num >= 20:
                        num = int(num)
                    return self._again(value, num)
            return self._again(value, value.num + step)
        for _ in range(20):
            got = self.draw(value.spec, Me(me.name, me.gender, me.age, pick(rng, self.trades), me.money, self.surname()))
            if value.spec.split()[0] in ("first", "full") and got.gender != value.gender:
                continue
            if got.text not in value.text and value.text not in got.text:
                return got
        return got

    def _again(self, value: Value, num: float) -> Value:
        if value.spec.split()[0] in ("int", "time", "price", "ord", "day"):
            return self.of(value.spec, num, value.style)
        return self._numbered(value.spec, num, value.style)

    def _numbered(self, spec: str, num: float, style: int) -> Value:
        kind, zh, n = spec.split()[0], self.language == "zh", int(num)
        if kind in ("year", "pastyear"):
            text = (year_zh(n) if style == 0 else str(n)) if zh else str(n)
        else:                                            # myage, years, childage
            text = number(n, self.language, style)
        return Value(text, spec, num, "", style)

    def _trade(self, spec: str, column: str, trade: dict[str, Any]) -> Value:
        got = trade[column]
        return Value(str(pick(self.rng, got) if isinstance(got, list) else got), spec)

    # -- what hangs on who it is -----------------------------------------------------------------------------------------------------------------
    def _myage(self, spec: str, me: Me) -> Value:
        return self._numbered(spec, me.age, self.style("int"))

    def _years(self, spec: str, me: Me) -> Value:
        return self._numbered(spec, self.rng.randint(2, max(3, me.age - 17)), self.style("int"))

    def _childage(self, spec: str, me: Me) -> Value:
        return self._numbered(spec, self.rng.randint(2, max(3, min(50, me.age - 19))), self.style("int"))

    def _year(self, spec: str, me: Me) -> Value:
        """A year of their grown life."""
        return self._numbered(spec, THIS_YEAR - self.rng.randint(1, max(2, me.age - 17)), self.style("int"))

    def _pastyear(self, spec: str, me: Me) -> Value:
        """A year in which a thing was made."""
        return self._numbered(spec, self.rng.randint(1890, THIS_YEAR - 6), self.style("int"))

    def _full(self, spec: str, me: Me, gender: str = "") -> Value:
        got = self.first(gender)
        if self.language == "zh":
            return Value(self.surname() + self._given_zh(got.gender), spec, gender=got.gender)
        return Value(f"{got.text} {self.surname()}", spec, gender=got.gender)

    def _mr(self, spec: str, me: Me) -> Value:
        g = "f" if self.rng.random() < 0.5 else "m"
        title = pick(self.rng, POLITE[self.language][g])
        if self.language == "zh":
            text = pick(self.rng, "老小") + self.surname() if self.rng.random() < 0.4 else self.surname() + title
        else:
            text = f"{title} {self.surname()}"
        return Value(text, spec, gender=g)

    def _town(self, spec: str, me: Me) -> Value:
        return Value(self.town(), spec)

    def _street(self, spec: str, me: Me) -> Value:
        rng = self.rng
        if self.language == "zh":
            return Value(pick(rng, self.pools["street_start"]).text + pick(rng, self.pools["street_end"]).text, spec)
        return Value(f"{pick(rng, self.pools['street_start']).text} {pick(rng, self.pools['street_end']).text}", spec)

    def _shopname(self, spec: str, me: Me) -> Value:
        rng, p = self.rng, self.pools
        if self.language == "zh":
            roll = rng.random()
            head = pick(rng, p["shop_start"]).text if roll < 0.7 else me.surname + pick(rng, ("家", "氏", "记")) if roll < 0.8 else f"老{me.surname}"
            return Value(head + (pick(rng, p["shop_end"]).text if roll < 0.8 else ""), spec)
        roll = rng.random()
        if roll < 0.4:
            return Value(f"The {pick(rng, p['shop_adj']).text} {pick(rng, p['shop_noun']).text}", spec)
        if roll < 0.65:
            a, b = rng.sample(p["shop_noun"], 2)
            return Value(f"{a.text} and {b.text}", spec)
        if roll < 0.8:
            return Value(f"{me.surname} & {pick(rng, ('Sons', 'Daughters', 'Co', self.surname(), self.surname()))}", spec)
        return Value(f"{pick(rng, p['shop_adj']).text} {pick(rng, p['shop_noun']).text}", spec)

    def _date(self, spec: str, me: Me) -> Value:
        rng = self.rng
        month, day = rng.randint(1, 12), rng.randint(1, 28)
        if self.language == "zh":
            return Value(f"{words_zh(month)}月{words_zh(day)}{pick(rng, '号日')}" if rng.random() < 0.7 else f"{month}月{day}日", spec)
        return Value(pick(rng, (f"the {ordinal(day)} of {MONTHS[month - 1]}", f"{MONTHS[month - 1]} {ordinal(day)}", f"{day} {MONTHS[month - 1]}")), spec)

    def _birthday(self, spec: str, me: Me) -> Value:
        return self._date(spec, me)

    def _days(self, spec: str, me: Me) -> Value:
        rng = self.rng
        if self.language == "zh":
            a, b = sorted(rng.sample(range(6), 2))
            return Value(f"周{'一二三四五六'[a]}{'到' if b - a > 1 else '和'}周{'一二三四五六'[b]}", spec)
        a, b = sorted(rng.sample(range(6), 2))
        names = ["Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday"]
        return Value(f"{names[a]} {pick(rng, ('to', 'through'))} {names[b]}" if b - a > 1 else f"{names[a]} and {names[b]}", spec)
