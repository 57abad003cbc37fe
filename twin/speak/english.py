"""English as it is said: numbers, dates, times, money, units, abbreviations and formulas in words. Pure; aloud.py calls it with markup gone."""
from __future__ import annotations

import re
from collections.abc import Callable
from functools import lru_cache

STOP, COMMA, ITEM, AT, SLASH, GAP = ".", ", ", ". ", " at ", " slash ", " "
MARKS = {".": " dot ", "-": " dash ", "_": " underscore ", "+": " plus "}
DIGITS = ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine")
MONTHS = ("January", "February", "March", "April", "May", "June", "July", "August", "September", "October", "November", "December")
_SHORT = {m[:3].lower(): m for m in MONTHS} | {"sept": "September"} | {m.lower(): m for m in MONTHS}
_MONTH = "(?:" + "|".join(MONTHS) + r"|(?:Jan|Feb|Mar|Apr|Jun|Jul|Aug|Sept?|Oct|Nov|Dec)\b\.?)"
_DAYS = {"Mon": "Monday", "Tue": "Tuesday", "Tues": "Tuesday", "Wed": "Wednesday", "Thu": "Thursday", "Thurs": "Thursday", "Fri": "Friday", "Sat": "Saturday",
         "Sun": "Sunday"}
_WEEK = "|".join(sorted(_DAYS, key=len, reverse=True))
_FIRST = r"(?<![\d.,])"                                  # a number is tried from its first digit only
_N = r"(?:\d{1,3}(?:,\d{3})+(?!\d)(?:\.\d+)?|\d+(?:\.\d+)?)"
_MIXED = rf"(?:\d{{0,6}}[½⅓⅔¼¾⅕⅛⅜]|{_N})"
FRACTIONS = {"½": (1, 2), "⅓": (1, 3), "⅔": (2, 3), "¼": (1, 4), "¾": (3, 4), "⅕": (1, 5), "⅛": (1, 8), "⅜": (3, 8)}
SUPERSCRIPT = str.maketrans("⁰¹²³⁴⁵⁶⁷⁸⁹⁻", "0123456789-")

MONEY = {"US$": ("US dollar", "US dollars"), "HK$": ("Hong Kong dollar", "Hong Kong dollars"), "A$": ("Australian dollar", "Australian dollars"),
         "C$": ("Canadian dollar", "Canadian dollars"), "NZ$": ("New Zealand dollar", "New Zealand dollars"), "S$": ("Singapore dollar", "Singapore dollars"),
         "$": ("dollar", "dollars"), "€": ("euro", "euros"), "£": ("pound", "pounds"), "¥": ("yuan", "yuan"), "₹": ("rupee", "rupees"), "₩": ("won", "won"),
         "₽": ("rouble", "roubles"), "¢": ("cent", "cents")}
MONEY |= {"USD": MONEY["US$"], "EUR": MONEY["€"], "GBP": MONEY["£"], "CNY": MONEY["¥"], "RMB": ("renminbi", "renminbi"), "JPY": ("yen", "yen"),
          "HKD": MONEY["HK$"], "CHF": ("Swiss franc", "Swiss francs"), "INR": MONEY["₹"], "KRW": MONEY["₩"], "AUD": MONEY["A$"], "CAD": MONEY["C$"]}
_COIN = {"pound": ("penny", "pence")}
_SIGN = "|".join(re.escape(s) for s in sorted(MONEY, key=len, reverse=True))
SCALES = {"k": "thousand", "m": "million", "mn": "million", "b": "billion", "bn": "billion", "t": "trillion", "tn": "trillion"}
_SCALE = r"(?:(?P<scale>bn|mn|tn|[kKmMbB](?![A-Za-z])|\s?(?:thousand|million|billion|trillion)))"
UNITS = {"km/h": "kilometre per hour", "kph": "kilometre per hour", "mph": "mile per hour", "m/s": "metre per second", "km²": "square kilometre",
         "m²": "square metre", "cm²": "square centimetre", "m³": "cubic metre", "cm³": "cubic centimetre", "km": "kilometre", "m": "metre",
         "cm": "centimetre", "mm": "millimetre", "µm": "micrometre", "μm": "micrometre", "nm": "nanometre", "mi": "mile", "ft": "foot", "yd": "yard",
         "kg": "kilogram", "g": "gram", "mg": "milligram", "lb": "pound", "lbs": "pound", "oz": "ounce", "tsp": "teaspoon", "tbsp": "tablespoon",
         "gal": "gallon", "pts": "point", "t": "tonne", "l": "litre", "L": "litre", "ml": "millilitre", "mL": "millilitre", "s": "second", "sec": "second",
         "ms": "millisecond", "min": "minute", "mins": "minute", "h": "hour", "hr": "hour", "hrs": "hour", "Hz": "hertz", "kHz": "kilohertz",
         "MHz": "megahertz", "GHz": "gigahertz", "KB": "kilobyte", "kB": "kilobyte", "MB": "megabyte", "GB": "gigabyte", "TB": "terabyte",
         "kbps": "kilobit per second", "Mbps": "megabit per second", "Gbps": "gigabit per second", "W": "watt", "kW": "kilowatt", "MW": "megawatt",
         "kWh": "kilowatt hour", "mAh": "milliamp hour", "V": "volt", "dB": "decibel", "px": "pixel", "cal": "calorie", "kcal": "kilocalorie", "rpm": "R P M",
         "fps": "frame per second", "dpi": "dot per inch", "hp": "horsepower", "°C": "degree Celsius", "℃": "degree Celsius", "°F": "degree Fahrenheit",
         "℉": "degree Fahrenheit", "°": "degree", "%": "percent", "‰": "per mille"}
_UNIT = "|".join(re.escape(u) for u in sorted(UNITS, key=len, reverse=True))
_PER = {"hour": "hour", "hr": "hour", "h": "hour", "day": "day", "week": "week", "wk": "week", "month": "month", "mo": "month", "year": "year", "yr": "year",
        "person": "person", "kg": "kilogram", "km": "kilometre", "night": "night", "min": "minute", "minute": "minute", "item": "item", "unit": "unit",
        "GB": "gigabyte", "lb": "pound", "second": "second", "sec": "second", "s": "second", "m²": "square metre"}
_PERS = "|".join(sorted(_PER, key=len, reverse=True))
KINGS = ("Henry|Elizabeth|Louis|John Paul|George|Edward|Charles|William|James|Richard|Philip|Francis|Frederick|Napoleon|Catherine|Peter|Alexander|Nicholas|"
         "Ivan|Pius|Benedict|Gregory|Leo|Clement|Innocent|Mary|Robert|Ferdinand|Leopold|Wilhelm|Friedrich|Gustav|Christian|Haakon|Harald|Ramesses|Ramses|"
         "Rama|Ptolemy|Mehmed|Suleiman|Otto|Juan Carlos|Albert|Rainier|Baldwin|Margrethe|Beatrix|Umberto|Victor Emmanuel|Malcolm|David|Urban|Julius|Paul")
_PARTS = ("Chapter|Part|Act|Scene|Volume|Book|Section|War|Type|Phase|Stage|Class|Level|Article|Appendix|Episode|Season|Bowl|Rocky|Fantasy|Grade|Unit|Title|"
          "Figure|Table|chapter|part|act|scene|volume|book|section|type|phase|stage|class|level|article|appendix|unit|figure|table")
# Behind one of these a full stop ends a sentence; a new one begins with a word like these.
BEGINNING = (r"(?:The|A|An|It|Its|He|She|They|We|You|I|This|That|These|Those|There|Then|But|And|So|Or|My|Your|His|Her|Our|Their|In|On|At|If|When|What|Why|"
             r"How|Who|Where|Yes|No|Not|Please|Let|Do|Did|Does|Is|Are|Was|Were|Can|Could|Would|Will|Now|Today|After|Before|Also|As|For|To|With|From|All|"
             r"Some|Maybe|However)\b")
_TITLES = {"Dr": "Doctor", "Mr": "Mister", "Mrs": "Missus", "Ms": "Ms", "Prof": "Professor", "Rev": "Reverend", "Gen": "General", "Col": "Colonel",
           "Sgt": "Sergeant", "Capt": "Captain", "Lt": "Lieutenant", "Gov": "Governor", "Sen": "Senator", "Rep": "Representative", "Hon": "Honourable",
           "Mt": "Mount", "Ft": "Fort"}
_ANY = {"jr": "Junior", "sr": "Senior", "inc": "Incorporated", "ltd": "Limited", "corp": "Corporation", "etc": "et cetera", "approx": "approximately",
        "dept": "department", "est": "established", "ave": "Avenue", "blvd": "Boulevard", "rd": "Road", "vs": "versus", "misc": "miscellaneous",
        "bros": "Brothers", "esp": "especially", "cf": "compare", "al": "al", "tel": "telephone", "ext": "extension", "govt": "government",
        "assn": "association"}
_PAGES = {"no": "number", "nos": "numbers", "p": "page", "pp": "pages", "fig": "figure", "figs": "figures", "vol": "volume", "ch": "chapter",
          "sec": "section", "art": "article", "eq": "equation", "ed": "edition", "para": "paragraph", "ver": "version", "apt": "apartment", "ca": "about",
          "c": "about"}
_NO_PLURAL = frozenset(("was", "is", "has", "its", "this", "as", "his", "hers", "us", "does", "always", "perhaps", "unless", "across", "plus", "minus",
                        "times", "equals", "towards", "yes", "thus", "less"))
_PEOPLE = frozenset(("people", "men", "women", "children", "sheep", "fish", "feet", "percent", "plus", "times", "dollars", "euros", "of"))


def written(text: str) -> str:
    """Text without markup -> the same with every number, sign and abbreviation in words."""
    text = titles(text)
    for pattern, said in _RULES:
        text = pattern.sub(said, text)
    return text


def spelled(digits: str) -> str:
    """"010" -> "zero one zero"."""
    return " ".join(DIGITS[int(d)] for d in digits if d.isdecimal())


@lru_cache(maxsize=4096)
def number(digits: str) -> str:
    """"1,205.3" -> "one thousand two hundred and five point three"; with a leading zero, or long and not round, digit by digit."""
    whole, _, rest = digits.replace(",", "").partition(".")
    tail = " point " + spelled(rest) if rest else ""
    if not whole:
        return tail.strip()
    long = len(whole) > 7 and "," not in digits and len(whole.rstrip("0")) > len(whole) // 2 or len(whole) > 15
    if long or (len(whole) > 1 and whole[0] == "0"):
        return spelled(whole) + tail
    return _words(int(whole)) + tail


@lru_cache(maxsize=4096)
def _words(value: int, to: str = "cardinal") -> str:
    from num2words import num2words  # 0.1 s to load, so not before the first number
    return num2words(value, to=to).replace(",", "").replace("oh-", "oh ")


def year(digits: str) -> str:
    """"1905" -> "nineteen oh five"."""
    return _words(int(digits), "year")


def ordinal(digits: str) -> str:
    """"21" -> "twenty-first"."""
    return _words(int(digits.replace(",", "")), "ordinal")


def roman(letters: str) -> int:
    """The value of a Roman numeral of I, V and X; 0 when it is none ("IIII", "VX")."""
    from .mandarin import roman as value
    return value(letters)


def titles(text: str) -> str:
    """"Dr. Lee" -> "Doctor Lee": titles before a name, in English or in the middle of Chinese."""
    text = re.sub(r"(?<![A-Za-z])(Mr|Mrs|Ms)(?:\.|(?=\s[A-Z]))", lambda m: _TITLES[m[1]], text)
    return re.sub(rf"(?<![A-Za-z])({'|'.join(_TITLES)})\.(?=\s?[A-Z](?!\.?\s?$))(?!\s?{BEGINNING})", lambda m: _TITLES[m[1]], text)


def _mixed(digits: str) -> str:
    """A number that may end in ½: "2½" -> "two and a half"."""
    if digits[-1] not in FRACTIONS:
        return number(digits)
    above, below = FRACTIONS[digits[-1]]
    if len(digits) == 1:
        return _part(above, below)
    return f"{number(digits[:-1])} and {'a half' if (above, below) == (1, 2) else 'a quarter' if (above, below) == (1, 4) else _part(above, below)}"


def _part(above: int, below: int) -> str:
    name = {2: "half", 4: "quarter"}.get(below) or _words(below, "ordinal")
    if above != 1:
        name = "halves" if name == "half" else name + "s"
    return f"{_words(above)} {name}"


def _glyph(match: re.Match[str]) -> str:
    """½ and its like; "½ cup" is half a cup."""
    if match[0] == "½" and re.match(r"\s?[a-z]", match.string[match.end():match.end() + 2]):
        return "half a" + ("n" if re.match(r"\s?(?:hour|ounce|inch|apple|egg|onion|avocado)", match.string[match.end():match.end() + 8]) else "")
    return _mixed(match[0])


def _slashed(match: re.Match[str]) -> str:
    above, below = int(match[2]), int(match[3])
    before = f"{number(match[1])} and " if match[1] else ""
    if (above, below) == (24, 7):
        return before + "twenty-four seven"
    if (above, below) in ((9, 11), (50, 50)):
        return before + ("nine eleven" if above == 9 else "fifty-fifty")
    if below in (10, 100) and above > 1 and not before:
        return f"{number(match[2])} out of {number(match[3])}"
    if 0 < above < below and (below <= 10 or below in (12, 16, 20, 25, 32, 50, 64, 100, 1000)):
        return before + ("a half" if before and (above, below) == (1, 2) else _part(above, below))
    if above == below:
        return f"{before}{number(match[2])} out of {number(match[3])}"
    if match.string[match.end():match.end() + 2].strip()[:1] == "=":
        return f"{before}{number(match[2])} divided by {number(match[3])}"
    return f"{before}{number(match[2])} {'over' if above > below else ''} {number(match[3])}".replace("  ", " ")


def _date(year_: str, month: int, day: int) -> str | None:
    return f"{MONTHS[month - 1]} {ordinal(str(day))}, {year(year_)}" if 1 <= month <= 12 and 1 <= day <= 31 else None


def _date_last(match: re.Match[str]) -> str:
    """Day and month before the year: the American order unless the first is no month, or dots stand between."""
    one, two = int(match[1]), int(match[3])
    if match[2] == "." or one > 12:
        one, two = two, one
    return _date(match[4], one, two) or match[0]


def _month_day(match: re.Match[str]) -> str:
    name = _SHORT[match[1].rstrip(".").lower()]
    return f"{name} {ordinal(match[2])}" + (f", {year(match[3])}" if match[3] else "")


def _day_month(match: re.Match[str]) -> str:
    article = "" if re.search(r"\bthe\s$", match.string[max(0, match.start() - 4):match.start()], re.I) else "the "
    return f"{article}{ordinal(match[1])} of {_SHORT[match[2].rstrip('.').lower()]}" + (f", {year(match[3])}" if match[3] else "")


def _time(match: re.Match[str]) -> str:
    hour, minute, second = int(match[1]), match[2], match[3]
    if hour > 24 or int(minute) > 59:
        return match[0]
    if second:
        return f"{number(str(hour))} {_minutes(minute)} and {number(str(int(second)))} seconds"
    if minute == "00":
        return "midnight" if hour in (0, 24) else f"{number(str(hour))} o'clock" if hour < 13 else f"{number(str(hour))} hundred"
    return f"{number(str(hour))} {_minutes(minute)}"


def _minutes(minute: str) -> str:
    return "oh " + DIGITS[int(minute)] if minute[0] == "0" else number(minute)


def _half_day(match: re.Match[str]) -> str:
    minute = f" {_minutes(match[2])}" if match[2] and match[2] != "00" else ""
    return f"{number(match[1])}{minute} {match[3].upper()} M" + _stop(match)


def _stop(match: re.Match[str]) -> str:
    """The full stop of an abbreviation that also ends the sentence."""
    behind = match.string[match.end():match.end() + 12]
    return "." if match[0].endswith(".") and (not behind.strip() or re.match(rf"[\"')\]]*\s+{BEGINNING}|[\"')\]]+\s*$", behind)) else ""


def _groups(match: re.Match[str]) -> str:
    """A telephone number: digit by digit, a breath between its groups."""
    return ("plus " if match[0].lstrip().startswith("+") else "") + ", ".join(spelled(part) for part in re.findall(r"\d+", match[0]))


def _emergency(match: re.Match[str]) -> str:
    """A number that calls help, where calling is spoken of."""
    return spelled(match[0]) if re.search(r"\b(?:call|dial|ring|phone|emergency|ambulance|police|hotline|helpline)", match.string, re.I) else match[0]


def _describes(match: re.Match[str]) -> bool:
    """"a 5 kg bag", "a £1 coin": what measures a noun stays in the singular."""
    return bool(re.search(r"(?:^|\s)[Aa]n?\s$", match.string[max(0, match.start() - 4):match.start()])
                and re.match(r"[ -](?!(?:off|for|per|in|to|and|or|an?|each|more|less|is|was|of|from|at|on|with|if|now|every|as|by|that|the)\b)[a-z]",
                    match.string[match.end():match.end() + 7]))


def _money(match: re.Match[str]) -> str:
    group = match.groupdict()
    one, several = MONEY[group["sign"]]
    if _describes(match):
        several = one
    digits, scale = group["sum"].replace(",", ""), (group["scale"] or "").strip()
    minus = "minus " if group.get("minus") else ""
    per = f" per {_PER[group['per']]}" if group.get("per") else ""
    if scale:
        return f"{minus}{number(group['sum'])} {SCALES.get(scale.lower(), scale)} {several}{per}"
    whole, _, rest = digits.partition(".")
    until = f" to {number(group['until'])}" if group.get("until") else ""
    if len(rest) == 2 and not until and one != "yuan":
        coin = _COIN.get(one, ("cent", "cents"))
        cents = f"{number(str(int(rest)))} {coin[rest != '01']}"
        if not int(whole):
            return minus + (cents if int(rest) else f"zero {several}") + per
        said = f"{number(whole)} {one if whole == '1' else several}"
        return minus + said + ("" if rest == "00" else f" and {cents}" if rest[0] == "0" else f" {number(rest)}") + per
    return f"{minus}{number(group['sum'])}{until} {one if digits == '1' and not until else several}{per}"


def _several(unit: str) -> str:
    """"square metre" -> "square metres", "mile per hour" -> "miles per hour", "degree Celsius" -> "degrees Celsius"."""
    if unit in ("hertz", "kilohertz", "megahertz", "gigahertz", "percent", "per mille", "horsepower", "R P M"):
        return unit
    head, per, rest = unit.partition(" per ")
    return "feet" if unit == "foot" else unit.replace("degree", "degrees") if "degree" in unit else f"{head}s{per}{rest}"


def _measure(match: re.Match[str]) -> str:
    if match[2] == "s" and re.search(r"[A-Z][A-Za-z]+\s$", match.string[max(0, match.start() - 12):match.start()]):
        return match[0]                                  # an iPhone 5s
    one = UNITS[match[2]]
    several = _several(one)
    alone = match[1] == "1" or len(match[1]) == 1 and match[1] in FRACTIONS
    behind = match.string[max(0, match.start() - 4):match.start()].endswith(" to ")
    name = one if alone and not behind or _describes(match) else several
    if match[1] == "½" and match[2] != "%":
        return f"half a{'n' if name == 'hour' else ''} {name}"
    return f"{_mixed(match[1])} {name}"


def _sections(match: re.Match[str]) -> str:
    value = roman(match[2])
    return f"{match[1]} {number(str(value))}" if value else match[0]


def _king(match: re.Match[str]) -> str:
    value = roman(match[2])
    return f"{match[1]} the {ordinal(str(value))}" if value else match[0]


def _power(exponent: str) -> str:
    exponent = exponent.translate(SUPERSCRIPT)
    return ("minus " if exponent.startswith("-") else "") + number(exponent.lstrip("+-"))


def _raised(match: re.Match[str]) -> str:
    base, exponent = match[1], match[2].translate(SUPERSCRIPT)
    said = number(base) if base.isdecimal() else base
    if exponent in ("2", "3"):
        return said + (" squared" if exponent == "2" else " cubed")
    return f"{said} to the power of {_power(exponent)}"


def _decade(digits: str) -> str:
    words = year(digits) if len(digits) == 4 else number(digits)
    return words[:-1] + "ies" if words.endswith("y") else words + "s"


def _four(match: re.Match[str]) -> str:
    """Four digits: a year, unless things are counted with them."""
    value, before = int(match[0]), match.string[max(0, match.start() - 16):match.start()]
    behind = re.match(r"\s?([A-Za-z]+)", match.string[match.end():match.end() + 24])
    word = behind[1].lower() if behind else ""
    if re.search(rf"(?:\b(?:in|In|since|Since|until|Until|till|year|during|During|circa|mid|early|late|summer|winter|spring|autumn|fall|class of|"
                 rf"{'|'.join(MONTHS)})[ -]|['’©])$",
                 before) and value < 3000 and word not in _PEOPLE:
        return year(match[0])
    counted = word in _PEOPLE or len(word) > 3 and word.endswith("s") and word not in _NO_PLURAL and not word.endswith("ss")
    sum_ = re.search(r"(?:plus|times|minus|equals|by|than|over)\s$", before) or word in ("plus", "times", "minus", "equals", "divided", "greater", "over", "by")
    return year(match[0]) if 1100 <= value <= 2099 and not counted and not sum_ else number(match[0])


def _dotted(match: re.Match[str]) -> str:
    """"U.S." -> "U S"."""
    return " ".join(c.upper() for c in match[0] if c.isalpha()) + _stop(match)


def _street(match: re.Match[str]) -> str:
    """"St. Paul" is a saint, "Baker St." a street."""
    named = re.match(r"\s[A-Z]", match.string[match.end():match.end() + 2]) and not re.match(rf"\s{BEGINNING}", match.string[match.end():match.end() + 12])
    return "Saint" if named else "Street" + _stop(match)


_Said = str | Callable[[re.Match[str]], str]


def _rule(pattern: str, said: _Said, flags: int = 0) -> tuple[re.Pattern[str], _Said]:
    return re.compile(pattern, flags), said


_RULES = (
    _rule(r"\s?(?:—|--+|\s–\s)\s?", ", "), _rule("–", "-"),
    # abbreviations
    _rule(r"(?<![A-Za-z])(?:e\.\s?g\.|E\.g\.),?", "for example"), _rule(r"(?<![A-Za-z])(?:i\.\s?e\.|I\.e\.),?", "that is"),
    _rule(r"(?<![A-Za-z])a\.k\.a\.", "also known as"), _rule(r"(?<![A-Za-z])w/o(?![A-Za-z])", "without"), _rule(r"(?<![A-Za-z])w/(?=\s)", "with"),
    _rule(r"(?<![A-Za-z])Ph\.?D\.?(?![A-Za-z])", lambda m: "P H D" + _stop(m)),
    _rule(r"(?<=[AaPp][Mm])\s?[-–]\s?(?=\d)|(?<=\d)\s?[-–]\s?(?=\d{1,2}(?::\d{2})?\s?[AaPp]\.?[Mm])", " to "),
    _rule(r"(?<![\d:.])(\d{1,2})(?:[:.](\d{2}))?\s?([ap])\.?\s?m\b\.?", _half_day, re.I),
    _rule(r"(?<![A-Za-z.])(?:[A-Za-z]\.){2,8}(?![A-Za-z])", _dotted),
    _rule(r"(?<![A-Za-z.])St\.(?![A-Za-z])", _street),
    _rule(r"(?<=[a-z] )Dr\.(?=\W|$)", lambda m: "Drive" + _stop(m)),
    _rule(rf"(?<![A-Za-z.])({'|'.join(_ANY)})\.(?![A-Za-z])", lambda m: _ANY[m[1].lower()] + _stop(m), re.I),
    _rule(rf"(?<![A-Za-z.])({'|'.join(_PAGES)})\.\s?(?=\d)", lambda m: _PAGES[m[1].lower()] + " ", re.I),
    _rule(r"§{1,2}\s?", "section "), _rule(r"(?:№|#)\s?(?=\d)", "number "),
    _rule(rf"(?<![A-Za-z.])([A-Z])\.(?=\s?[A-Z][A-Za-z.])(?!\s?{BEGINNING})", r"\1"),
    _rule(rf"(?<![A-Za-z])({_WEEK})\.?,?(?=,?\s(?:{_MONTH}|\d))", lambda m: _DAYS[m[1]] + ("," if m[0].endswith(",") else "")),
    _rule(rf"\b({_WEEK})\.?\s?[-–]\s?({_WEEK})\b(?!-)", lambda m: f"{_DAYS[m[1]]} to {_DAYS[m[2]]}"),
    # Roman numerals
    _rule(rf"\b((?:{KINGS}))(?: the)? ([IVX]{{2,6}}|[VX])\b(?!\.[A-Za-z])", _king),
    _rule(r"\b((?:King|Queen|Pope|Emperor|Empress|Tsar|Kaiser) [A-Z][a-z]{1,15}) (I)\b", _king), _rule(rf"\b((?:{KINGS})) (I)(?= (?:of|was)\b)", _king),
    _rule(rf"\b({_PARTS}) ([IVX]{{2,6}}|[VX]|I(?=\s?(?:[.,;:!?)]|$| of\b)))\b(?!['’])", _sections),
    _rule(r"\b(War|Type|Phase|Stage) (I)\b(?!['’])", _sections), _rule(r"[Ⅰ-Ⅻ]", lambda m: number(str(ord(m[0]) - 0x215F))),
    # dates
    _rule(r"(?<!\d)(\d{4})([-/.])(\d{1,2})\2(\d{1,2})(?![\d.]\d|\d)(?:T(?=\d))?",
          lambda m: said + (", " if m[0].endswith("T") else "") if (said := _date(m[1], int(m[3]), int(m[4]))) else m[0]),
    _rule(r"(?<![\d.])(\d{1,2})([-/.])(\d{1,2})\2(\d{4})(?!\d)", _date_last),
    _rule(rf"\b({_MONTH})\s(\d{{1,2}})(?:st|nd|rd|th)?(?![\d:.]\d|\d|%)(?:,?\s(\d{{4}})(?![\d,]\d))?", _month_day),
    _rule(rf"(?<![\d.,:])(\d{{1,2}})(?:st|nd|rd|th)?\s({_MONTH})(?![a-z])(?:,?\s(\d{{4}})(?![\d,]\d))?", _day_month),
    _rule(rf"\b({'|'.join(MONTHS[i][:3] for i in (0, 1, 2, 3, 5, 6, 7, 8, 9, 10, 11))}|Sept)\b\.?(?=,?\s\d{{4}}(?!\d))", lambda m: _SHORT[m[1].lower()]),
    # addresses of machines, versions
    _rule(r"(?<![\d.])(\d{1,3}(?:\.\d{1,3}){3})(?![\d.]\d|\d)", lambda m: " dot ".join(spelled(p) if len(p) == 3 else number(p) for p in m[1].split("."))),
    _rule(r"(?<![A-Za-z\d])(?:[vV]ersion\s)?[vV]\.?(?=\d)(\d{1,4}(?:\.\d{1,4}){0,4})(?![\d.]\d|\d)",
          lambda m: "version " + " point ".join(number(p) for p in m[1].split("."))),
    _rule(r"(?<![\d.])(\d{1,4}(?:\.\d{1,4}){2,4})(?![\d.]\d|\d)", lambda m: " point ".join(number(p) for p in m[1].split("."))),
    _rule(r"\b(Python|version|Version|release|iOS|Android|Ubuntu|CUDA|Node)(\s|\s?[<>=≥≤]{1,2}\s?)(\d{1,3})\.(\d{1,3})(?![\d.]\d|\d)",
          lambda m: f"{m[1]}{m[2]}{number(m[3])} point {number(m[4])}"),
    # telephone numbers
    _rule(r"\+\d{1,3}(?:[ .-]?\(?\d{1,5}\)?){2,7}(?!\d)|(?<![\d(])\(\d{2,4}\)\s?\d{3,4}(?:[ -]\d{3,4}){1,2}(?!\d)", _groups),
    _rule(r"(?<![\d.,-])(?:\d[- ])?\d{3}[-.]\d{3}[-.]\d{4}(?![\d-])|(?<![\d.,-])\d{3}-\d{4}(?![\d-])|(?<![\d.,-])0\d{2,4}[ -]\d{3,4}(?:[ -]?\d{3,4})?(?!\d)",
          _groups),
    _rule(r"(?<![\d.,$€£#-])(?:911|112|999|988|116 123|110|119|120|122|111|000|101|988)(?![\d%:/-]|[.,]\d|\s[a-z]+s\b)", _emergency),
    _rule(r"\b(([Cc]all|[Dd]ial|[Rr]ing|PIN|code|password|extension)(?: (?:is|me on|on|at))?) (\d{3,4})(?![\d:.,/-]\d|\d|\s(?:times|people))",
          lambda m: f"{m[1]} {spelled(m[3])}"),
    # scores, ranges, clock times
    _rule(r"\b((?:won|wins?|lost|lose|beat|led|leads?|leading|score|draw|drew|tied|victory|defeat|final)\b[^.!?\d\n]{0,30})(\d{1,2})[-:](\d{1,2})(?![\d:-])",
          lambda m: f"{m[1]}{number(m[2])} {number(m[3])}"),
    _rule(rf"(?P<minus>(?<![\w.)])-)?(?P<sign>{_SIGN})\s?(?P<sum>{_N})\s?-\s?(?:{_SIGN})?\s?(?P<until>{_N})(?![\d%]){_SCALE}?", _money),
    _rule(r"(?<=\d)-(?=\d{1,9}(?:\.\d{1,9})?\s?=)", " minus "), _rule(r"(?<=\d)\s?[-~]\s?(?=[\d.])(?<!\s-\s)", " to "),
          _rule(r"(?<=[\d%])\s?-\s?(?=[\d$€£¥])(?<!\s-\s)", " to "),
    _rule(r"(?<![\d:])(\d{1,2}):(\d{2})(?::(\d{2})(?:\.\d{1,6})?)?(?![\d:])Z?", _time),
    _rule(r"(?<=\d)(?::| : )(?=\d)", " to "),
    _rule(r"(?<![\d.])(\d{1,3})h\s?(\d{1,2})m(?:in)?(?![A-Za-z])", r"\1 h \2 min"),
    _rule(r"(?<![\w.)\]])(?<![\d)] )-(?=[\d.])", "minus "), _rule(r"~\s?(?=[\d$€£¥])", "about "),
    # money
    _rule(rf"(?P<minus>(?<![\w.)])-)?(?<![A-Za-z])(?P<sign>{_SIGN})\s?(?P<minus2>-)?(?P<sum>{_N}){_SCALE}?(?:/(?P<per>{_PERS})(?![A-Za-z]))?", _money),
    _rule(rf"{_FIRST}(?P<sum>{_N}){_SCALE}?\s?(?P<sign>{_SIGN})(?![A-Za-z\d])(?:/(?P<per>{_PERS})(?![A-Za-z]))?", _money),
    _rule(rf"(?<![A-Za-z\d.,])({_N})\s?(M|B|bn|mn)(?![A-Za-z\d])", lambda m: f"{number(m[1])} {SCALES[m[2].lower()]}"),
    # heights, measures
    _rule(r"(?<![\d.])(\d)['’′]\s?(\d{1,2})(?:\"|''|″|”)", lambda m: f"{number(m[1])} foot {number(m[2])}"),
    _rule(r"(?<!\d)['’](\d0)s\b|(?<=the )(\d0)s\b|(?<![\d.,])([12]\d{2}0)s\b", lambda m: _decade(m[1] or m[2] or m[3])),
    _rule(rf"(?<![A-Za-z\d.,])({_MIXED})[\s-]?({_UNIT})(?![A-Za-z\d²³'’]|-[A-Za-z]|/[a-z])", _measure),
    _rule(rf"{_FIRST}({_MIXED})\s?({_UNIT})/({_PERS})(?![A-Za-z])", lambda m: f"{_measure(m)} per {_PER[m[3]]}"),
    _rule(r"%", " percent"),
    # formulas
    _rule(rf"{_FIRST}(\d{{1,9}}(?:\.\d{{1,9}})?)[eE]([+-]?\d{{1,3}})(?![A-Za-z\d])", lambda m: f"{number(m[1])} times ten to the {_power(m[2])}"),
    _rule(r"(?<![A-Za-z\d.])(\d{1,9}|[A-Za-z]{1,3})\^?([⁻]?[⁰¹²³⁴⁵⁶⁷⁸⁹]{1,4})", _raised), _rule(r"(?<![A-Za-z\d.])(\d{1,9}|"
                                                                                                r"[A-Za-z]{1,3})\^([+-]?\d{1,4})(?!\d)", _raised),
    _rule(r"(?<![\d/.,])(?:(\d{1,4})\s)?(\d{1,4})/(\d{1,4})(?![\d/])", _slashed), _rule(r"(?<=\d)\s+/\s+(?=\d)", " divided by "),
    _rule(r"(\d{0,9})([½⅓⅔¼¾⅕⅛⅜])", lambda m: _mixed(m[0]) if m[1] else _glyph(m)),
    _rule(r"(?<=\d)\s?[x×]\s?(?=\d{2,5}\b)(?<=\d{2}[x×])", " by "), _rule(r"(?<=\d)\s*[×*]\s*(?=\d)|\s?×\s?", " times "), _rule(r"(?<=\d)x(?=\d)", " by "),
    _rule(r"(?<=\d)x\b(?!\s?=)", " times"), _rule(r"\s?÷\s?", " divided by "), _rule(r"(?<=\d)\s+-\s+(?=\d)|(?<=[\da-z)])\s-\s(?=\d|[a-z(]\b)", " minus "),
    _rule(r"(?<![A-Za-z])C\+\+(?![+\w])", "C plus plus"), _rule(r"\+\+", " plus plus"), _rule(r"(?<![A-Za-z])([CFDGA])#(?![A-Za-z\d])", r"\1 sharp"),
    _rule(r"\s?\+\s?(?=[\w(√])", " plus "), _rule(r"(?<=[\d+])\+", " plus"),
    _rule(r"\s?(?:>=|≥)\s?", " greater than or equal to "), _rule(r"\s?(?:<=|≤)\s?", " less than or equal to "), _rule(r"\s?(?:[-=]>|→)\s?", " to "),
    _rule(r"\s?(?:!=|≠)\s?", " not equal to "), _rule(r"\s?≈\s?", " approximately "), _rule(r"±\s?", "plus or minus "), _rule(r"√\s?", "the square root of "),
    _rule(r"\s?={1,3}\s?", " equals "), _rule(r"(?<=\w)\s?>\s?(?=[\w.-])", " greater than "), _rule(r"(?<=\w)\s?<\s?(?=[\w.-])", " less than "),
    # numbers that name
    _rule(rf"{_FIRST}(\d{{1,3}}(?:,\d{{3}})*|\d{{1,9}})(?:st|nd|rd|th)\b", lambda m: ordinal(m[1])),
    _rule(r"\b(?:AD|A\.D\.)\s(?=\d)", "A D "), _rule(r"(?<=\d)\s?(BCE|BC|AD|CE)\b", lambda m: " " + " ".join(m[1])),
    _rule(r"\b([A-Z]{1,3}) ?& ?(?=[A-Z]{1,3}\b)", r"\1 and "), _rule(r"\s?&\s?", " and "), _rule(r"@", " at "),
    _rule(r"(?<=[A-Z]{2})/(?=[A-Z]{2})", " "), _rule(r"\band/or\b", "and or"), _rule(r"(?<=[A-Za-z])/(?=[A-Za-z])", " or "),
    _rule(r"[~^|<>#/\\{}]", " "), _rule(r"°", " degrees"),
    _rule(r"(?<=[A-Za-z])-?(?=\d)", " "), _rule(r"(?<=\d)-?(?=[A-Z])", " "), _rule(r"(?<=\d)(?=[A-Za-z])", " "),
    _rule(r"(?<![\d.,$-])[1-9]\d{3}(?![\d,]\d|\.\d|\d)", _four),
    _rule(r"(?<![\d.,])\.(?=\d)(\d{1,18})", lambda m: "point " + spelled(m[1])), _rule(rf"{_FIRST}{_N}", lambda m: number(m[0])), _rule(r"\d+",
          lambda m: " " + spelled(m[0]) + " "),
)
