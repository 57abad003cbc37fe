"""Arithmetic asked in words or signs, English or Chinese. A parser of its own: nothing is evaluated as code."""
from __future__ import annotations

import math
import re
from fractions import Fraction

from persona.words import simplify

MOST_BITS = 400                                          # of a numerator or denominator: about 120 digits

_UNITS = {word: number for number, word in enumerate(
    ["zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve", "thirteen", "fourteen",
        "fifteen", "sixteen", "seventeen", "eighteen", "nineteen"])}
_TENS = {word: 10 * (number + 2) for number, word in enumerate(["twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty",
    "ninety"])}
_SCALES = {"hundred": 100, "thousand": 1000, "million": 10 ** 6, "billion": 10 ** 9}
_DIGITS = {c: n for n, c in enumerate("零一二三四五六七八九")} | {"〇": 0, "两": 2}
_LARGE = {"十": 10, "百": 100, "千": 1000}
_HUGE = {"万": 10 ** 4, "亿": 10 ** 8}

_WORDS_EN = (
    (r"\bthe sum of (.+?) and (.+)", r"\1 + \2"), (r"\bthe product of (.+?) and (.+)", r"\1 * \2"), (r"\b(?:subtract|take away) (.+?) "
                                                                                                     r"from "
                                                                                                     r"(.+)", r"\2 - \1"),
    (r"\b(?:multiply) (.+?) (?:by|and|with) (.+)", r"\1 * \2"), (r"\b(?:divide) (.+?) by (.+)", r"\1 / \2"), (
        r"\badd (.+?) (?:to|and) (.+)",
        r"\1 + \2"),
    (r"\bmultiplied by\b|\btimes\b|(?<=[\d)])\s*x\s*(?=[\d(])|(?<=[a-z])\s+x\s+(?=[a-z])|[×✕·∙]", " * "),
    (r"\bdivided by\b|\bover\b|÷", " / "), (r"\bplus\b|\badded to\b|＋", " + "), (r"\bminus\b|\bless\b|[−–－]", " - "),
    (r"\b(?:raised )?to the power of\b|\*\*", " ^ "), (r"\bsquared\b", " ^ 2 "), (r"\bcubed\b", " ^ 3 "),
    (r"\bpercent of\b|\bper cent of\b|% of\b", " / 100 * "), (r"\bpercent\b|\bper cent\b", " % "),
    (r"\b(?:the )?square root of\b|√", " sqrt "), (r"\bhalf of\b|\ba half of\b", " 1 / 2 * "), (r"\ba third of\b|\bone third of\b",
        " 1 / 3 * "),
    (r"\ba quarter of\b|\bone quarter of\b", " 1 / 4 * "), (r"\btwice\b|\bdouble\b", " 2 * "), (r"\ba hundred\b", " one hundred "), (
        r"\ba thousand\b", " one thousand "),
    (r"\ba million\b", " one million "), (r"(?<=\d),(?=\d{3}\b)", ""),
)
_LEAD_EN = re.compile(
    r"^(?:hey|hi|ok|okay|so|and|please|well|now|then|what is|what are|what's|whats|what does|what do you get if you|"
    r"what do you get when you|how much is|how much are|how much does|"
    r"how many is|calculate|compute|solve|work out|figure out|tell me|can you|could you|do you know|quick|the (?:answer to|result of|"
    r"value of)|"
    r"add up|do the maths?|i need|math question|maths question|a sum for you)[\s,:!?]+")
_TAIL_EN = re.compile(r"(?:\s*(?:=|＝|\?|？|!|\.|,|equals?|please|make|makes|equal to|what|is|give|then|for me|then|do you know|come to|"
                      r"the answer|how much|maya|kofi|lin|hao)\s*)+$")


class TooBig(ArithmeticError):
    """A result longer than anyone wants to hear."""


def value(text: str, language: str) -> Fraction | float | None:
    """The result, or None where the text asks for no sum. Raises ZeroDivisionError, TooBig."""
    if len(text) > 200 or re.search(r"\d{4}-\d{1,2}-\d{1,2}|^\+?\d[\d\s-]{7,}$|\d:\d", text):
        return None
    expression = (_from_zh if language == "zh" or re.search(r"[加减乘除等于一二三四五六七八九十百]", text) else _from_en)(text)
    tokens = re.findall(r"\d+(?:\.\d+)?|\.\d+|sqrt|[-+*/^%()]", expression)
    if "".join(tokens) != re.sub(r"\s+", "", expression) or not any(token[0].isdigit() or token[0] == "." for token in tokens):
        return None
    numbers = sum(token[0].isdigit() for token in tokens)
    if numbers < 2 and "sqrt" not in tokens or not any(token in "*/^%+-" or token == "sqrt" for token in tokens) or len(tokens) > 60:
        return None
    return _Parser(tokens).result()


def spoken(number: Fraction | float, language: str) -> tuple[str, bool]:
    """(how it is said, whether it is exact). At most four decimals; more than 15 digits in powers of ten."""
    exact = isinstance(number, Fraction)
    if isinstance(number, Fraction) and number.denominator == 1 and abs(number) < 10 ** 15:
        return (f"{number.numerator:,}" if language == "en" else str(number.numerator)), True
    real = float(number)
    if abs(real) >= 10 ** 15 or real and abs(real) < 10 ** -4:
        mantissa, power = f"{real:.3e}".split("e")
        mantissa = mantissa.rstrip("0").rstrip(".")
        return (f"{mantissa} times ten to the {int(power)}" if language == "en" else f"{mantissa}乘以十的{int(power)}次方"), False
    text = f"{real:,.4f}" if language == "en" else f"{real:.4f}"
    rounded = text.rstrip("0").rstrip(".")
    same = exact and Fraction(rounded.replace(",", "")) == number
    if not same:
        rounded = (f"{real:,.2f}" if language == "en" else f"{real:.2f}") if abs(real) >= 1 else rounded
        rounded = rounded.rstrip("0").rstrip(".") if "." in rounded else rounded
    return rounded, same


def _from_en(text: str) -> str:
    low = " " + " ".join(text.lower().split()) + " "
    for pattern, with_ in _WORDS_EN:
        low = re.sub(pattern, with_, low)
    low = low.strip()
    while (led := _LEAD_EN.sub("", low).strip()) != low:
        low = led
    low = _TAIL_EN.sub("", low)
    return numbers_en(re.sub(r"(?<=[a-z])-(?=[a-z])", " ", low))


def numbers_en(text: str) -> str:
    """Number words -> digits: "two hundred and five" -> 205, "three point five" -> 3.5."""
    out: list[str] = []
    run: list[str] = []
    for word in [*text.split(), ""]:
        if word in _UNITS or word in _TENS or word in _SCALES or run and word in ("and", "point"):
            run.append(word)
            continue
        if run:
            out.append(_number_en(run))
            run = []
        out.append(word)
    return " ".join(out)


def _number_en(run: list[str]) -> str:
    whole, _, decimals = " ".join(run).partition(" point ")
    total = current = 0
    for word in whole.split():
        if word in _SCALES:
            scale = _SCALES[word]
            current = max(current, 1) * scale
            if scale >= 1000:
                total, current = total + current, 0
        elif word != "and":
            current += _UNITS.get(word, _TENS.get(word, 0))
    digits = "".join(str(_UNITS.get(word, "")) for word in decimals.split())
    return f"{total + current}.{digits}" if digits else str(total + current)


def _from_zh(text: str) -> str:
    bare = re.sub(r"[\s，,。！!?？、：:；;]", "", simplify(text))
    bare = re.sub(r"^(?:请问|请|帮我|帮忙|你|能|会|知道|告诉我|那么?|算一?下|计算一?下?|算算|算|一下|求|来算)+", "", bare)
    bare = re.sub(r"(?:等于|是|得|为|一共|总共|应该)*(?:多少|几|什么|啥)?(?:钱)?(?:呢|啊|呀|吗|啦|来着|[=＝])*$", "", bare)
    bare = re.sub(r"(?:等于|是|得|=|＝)$", "", bare)
    number = r"(?:\d+(?:\.\d+)?|[零〇一二两三四五六七八九十百千万亿点]+)"
    bare = re.sub(rf"({number})除(?!以|于)({number})", r"\2/\1", bare)
    bare = re.sub(rf"({number})的百分之({number})", r"\1*\2/100", bare)
    bare = re.sub(rf"({number})的({number})次方", r"\1^\2", bare)
    for pattern, with_ in ((r"加上|再加|加", "+"), (r"减去|再减|减", "-"), (r"乘以|乘上|乘|[×xX]", "*"), (r"除以|除于|÷", "/"), (
        r"的平方根", ")^(1/2)"),
                           (r"的平方", "^2"), (r"的立方", "^3"), (r"的一半", "/2"), (r"百分之", "0.01*"), (r"根号", "sqrt"), (
                               r"的和|的差|的积|的商", ""),
                           (r"（", "("), (r"）", ")"), (r"％", "%")):
        bare = re.sub(pattern, with_, bare)
    bare = re.sub(rf"({number})\)\^\(1/2\)", r"sqrt\1", bare)
    return re.sub(r"[零〇一二两三四五六七八九十百千万亿]+(?:点[零〇一二三四五六七八九]+)?", lambda found: number_zh(found.group()), bare)


def number_zh(text: str) -> str:
    """二百零五 -> 205, 三点五 -> 3.5, 一万二 -> 12000."""
    whole, _, decimals = text.partition("点")
    if len(whole) > 1 and all(c in _DIGITS for c in whole):
        total = int("".join(str(_DIGITS[c]) for c in whole))
    else:
        total = section = digit = 0
        last = 1
        for c in whole:
            if c in _DIGITS:
                digit = _DIGITS[c]
                last = 1 if c in "零〇" else last
            elif c in _LARGE:
                section += (digit or 1) * _LARGE[c]
                digit, last = 0, _LARGE[c]
            else:
                total = (total + section + digit or 1) * _HUGE[c]
                section, digit, last = 0, 0, _HUGE[c]
        total += section + (digit * last // 10 if last >= 100 and digit else digit)
    return f"{total}.{''.join(str(_DIGITS[c]) for c in decimals)}" if decimals else str(total)


class _Parser:
    """sum := product {+|- product}; product := signed {*|/ signed}; signed := [-|+] power; power := atom {%} [^ signed]."""

    def __init__(self, tokens: list[str]):
        self.tokens, self.at = tokens, 0

    def result(self) -> Fraction | float | None:
        try:
            found = self._sum(0)
        except (IndexError, ValueError):
            return None
        return found if self.at == len(self.tokens) else None

    def _next(self) -> str:
        return self.tokens[self.at] if self.at < len(self.tokens) else ""

    def _take(self) -> str:
        self.at += 1
        return self.tokens[self.at - 1]

    def _sum(self, depth: int) -> Fraction | float:
        if depth > 20:
            raise ValueError("too deep")
        found = self._product(depth)
        while self._next() in ("+", "-"):
            found = found + self._product(depth) if self._take() == "+" else found - self._product(depth)
        return _bounded(found)

    def _product(self, depth: int) -> Fraction | float:
        found = self._signed(depth)
        while self._next() in ("*", "/"):
            found = found * self._signed(depth) if self._take() == "*" else found / self._signed(depth)
            found = _bounded(found)
        return found

    def _signed(self, depth: int) -> Fraction | float:
        if self._next() in ("-", "+"):
            return -self._signed(depth) if self._take() == "-" else self._signed(depth)
        return self._power(depth)

    def _power(self, depth: int) -> Fraction | float:
        base = self._atom(depth)
        while self._next() == "%":
            self._take()
            base = base / 100
        if self._next() != "^":
            return base
        self._take()
        power = self._signed(depth)
        if isinstance(base, Fraction) and isinstance(power, Fraction) and power.denominator == 1:
            if abs(power) * max(base.numerator.bit_length(), base.denominator.bit_length()) > MOST_BITS:
                raise TooBig
            return base ** int(power)
        if base < 0:
            raise ValueError("no real result")
        return _bounded(float(base) ** float(power))

    def _atom(self, depth: int) -> Fraction | float:
        token = self._take()
        if token == "(":
            found = self._sum(depth + 1)
            if self._take() != ")":
                raise ValueError("unbalanced")
            return found
        if token == "sqrt":
            under = self._atom(depth + 1)
            if under < 0:
                raise ValueError("no real result")
            if isinstance(under, Fraction) and under.denominator == 1 and math.isqrt(int(under)) ** 2 == under:
                return Fraction(math.isqrt(int(under)))
            return math.sqrt(under)
        if not (token[0].isdigit() or token[0] == ".") or len(token) > 30:
            raise ValueError("not a number")
        return Fraction(token)


def _bounded(number: Fraction | float) -> Fraction | float:
    size = math.inf if isinstance(number, float) and not math.isfinite(number) else 0
    if isinstance(number, Fraction):
        size = max(number.numerator.bit_length(), number.denominator.bit_length())
    if size > MOST_BITS:
        raise TooBig
    return number
