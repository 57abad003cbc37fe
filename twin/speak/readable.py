"""What a voice reads: text as written -> text as said. Pure. Markdown, addresses and emoji are left out or named; sums, prices, times
and dates are worded. And `respelled`: what the Mandarin of espeak-ng would spell out in English instead of reading."""
from __future__ import annotations

import re
import unicodedata

_PUNCTUATION = str.maketrans({"“": '"', "”": '"', "‘": "'", "’": "'", "–": "-", "—": ", ", "…": "...", "\u00a0": " ", "\u3000": " ",
                              "•": ", ", "·": " "})
_FENCE = re.compile(r"```.*?(?:```|\Z)", re.S)
_LINK = re.compile(r"!?\[([^\]\n]*)\]\((?:[^()\s]|\([^()]*\))*\)")
_URL = re.compile(r"(?:https?://|www\.)(?:www\.)?([\w.-]+\w)[^\s\u3000-\u9fff\uff00-\uffef]*", re.I)
_TAG = re.compile(r"</?[a-zA-Z][^<>\n]{0,200}>")
_MARKUP = re.compile(r"(?m)^\s*(?:#{1,6}\s+|>\s+|[-*+]\s+|-{3,}\s*$|={3,}\s*$)|[*_]{2,}|(?<!\w)[*_](?=\S)|(?<=\S)[*_](?!\w)|`|~~|\[\[|\]\]")
_REPEATED = re.compile(r"([^\w\s])\1{2,}")
_LAUGH = re.compile(r"([^\W\d])\1{4,}")                   # "sooooooo", "哈哈哈哈哈哈": three are enough
_KEPT = frozenset("LNPZ")                          # letters, numbers, punctuation, spaces
_SIGNS = set("$€£¥%+=×÷°&@#/<>^~|-−")

_MONEY_EN = {"$": "dollar", "€": "euro", "£": "pound", "¥": "yuan"}
_PLURAL = {"$": "s", "€": "s", "£": "s", "¥": ""}
_EN = (
    (re.compile(r"\b(\d{4})-(\d{2})-(\d{2})\b"), lambda m: _date_en(*map(int, m.groups()))),
    (re.compile(r"\b(\d{1,2}):00\b(?!\s*[ap]\.?m)", re.I), r"\1 o'clock"),
    (re.compile(r"\b(\d{1,2}):0(\d)\b"), r"\1 oh \2"),
    (re.compile(r"\b(\d{1,2}):(\d{2})\b"), r"\1 \2"),
    (re.compile(r"(\d[\d,]*(?:\.\d+)?)\s?([€£¥])"), r"\2\1"),
    (re.compile(r"([$€£¥])\s?(\d[\d,]*(?:\.\d+)?)"), lambda m: f"{m[2]} {_MONEY_EN[m[1]]}" + ("" if m[2] == "1" else _PLURAL[m[1]])),
    (re.compile(r"(\d)\s*°\s*C\b"), r"\1 degrees Celsius"), (re.compile(r"(\d)\s*°\s*F\b"), r"\1 degrees Fahrenheit"),
    (re.compile(r"(\d)\s*°"), r"\1 degrees"),
    (re.compile(r"(\d)\s*km/h\b"), r"\1 kilometres per hour"), (re.compile(r"(\d)\s*km\b"), r"\1 kilometres"),
    (re.compile(r"(\d)\s*kg\b"), r"\1 kilograms"), (re.compile(r"(\d)\s*cm\b"), r"\1 centimetres"),
    (re.compile(r"(?<=\d)\s*[×*]\s*(?=\d)"), " times "), (re.compile(r"(?<=\d)\s*÷\s*(?=\d)"), " divided by "),
    (re.compile(r"(?<=\d)\s+/\s+(?=\d)"), " divided by "), (re.compile(r"(?<=\d)\s+[-−]\s+(?=\d)"), " minus "),
    (re.compile(r"(?<=\d)\s?-\s?(?=\d)"), " to "), (re.compile(r"(?<=\d)\s*\+\s*(?=\d)"), " plus "), (re.compile(r"\s*=\s*"), " equals "),
    (re.compile(r"(?<!\w)[-−](?=\d)"), "minus "), (re.compile(r"#(?=\d)"), "number "), (re.compile(r"(?<=[a-z])/(?=[a-z])", re.I), " or "),
    (re.compile(r"\be\.g\.", re.I), "for example"), (re.compile(r"\bi\.e\.", re.I), "that is"), (re.compile(r"[~^|<>#]"), " "),
)
_MONTHS = ("January", "February", "March", "April", "May", "June", "July", "August", "September", "October", "November", "December")

_DIGITS = "零一二三四五六七八九"
_ZH = (
    (re.compile(r"(\d{4})-(\d{1,2})-(\d{1,2})"), lambda m: f"{_spelled(m[1])}年{int(m[2])}月{int(m[3])}日"),
    (re.compile(r"(\d{4})(?=年)"), lambda m: _spelled(m[1])),
    (re.compile(r"(\d{1,2})[:：]00(?!\d)"), r"\1点"), (re.compile(r"(\d{1,2})[:：]0(\d)(?!\d)"), r"\1点零\2分"),
    (re.compile(r"(\d{1,2})[:：](\d{2})(?!\d)"), r"\1点\2分"),
    (re.compile(r"(\d[\d,]*(?:\.\d+)?)\s?([€£¥])"), r"\2\1"),
    (re.compile(r"([$€£¥])\s?(\d[\d,]*(?:\.\d+)?)"), lambda m: m[2] + {"$": "美元", "€": "欧元", "£": "英镑", "¥": "元"}[m[1]]),
    (re.compile(r"(\d+(?:\.\d+)?)\s*[%％]"), r"百分之\1"),
    (re.compile(r"(\d)\s*(?:°\s*C|℃)"), r"\1摄氏度"), (re.compile(r"(\d)\s*°"), r"\1度"),
    (re.compile(r"(\d)\s*km/h", re.I), r"\1公里每小时"), (re.compile(r"(\d)\s*km", re.I), r"\1公里"),
    (re.compile(r"(\d)\s*kg", re.I), r"\1公斤"), (re.compile(r"(\d)\s*cm", re.I), r"\1厘米"),
    (re.compile(r"(?<=\d)\s*[×*]\s*(?=\d)"), "乘以"), (re.compile(r"(?<=\d)\s*[÷/]\s*(?=\d)"), "除以"),
    (re.compile(r"(?<=\d)\s+[-−]\s+(?=\d)"), "减"), (re.compile(r"(?<=\d)\s?[-~～]\s?(?=\d)"), "到"),
    (re.compile(r"(?<=\d)\s*\+\s*(?=\d)"), "加"), (re.compile(r"\s*=\s*"), "等于"), (re.compile(r"(?<![A-Za-z\d])[-−](?=\d)"), "负"),
    (re.compile(r"&"), "和"), (re.compile(r"[#^|<>/]"), " "), (re.compile(r"[~～]"), "，"),
    (re.compile(r"(?<![A-Za-z\d])\d[\d,]*(?:\.\d+)?"), lambda m: _number_zh(m[0])),
)
# Final -r: espeak's Mandarin dictionary holds some of these words with pinyin that it cannot read, and spells them; the bare word is as
# good Mandarin. Some syllables are missing from its table: they are given as phonemes, in double brackets.
_RESPELLED = (
    (re.compile(r"(?<=[这那哪])儿"), "里"), (re.compile(r"(?<=[今明昨后])儿"), "天"),
    (re.compile(r"(?<=[\u4e00-\u9fff])(?<![女婴幼孤少胎托健娇宠弃男患育产生侄妻血运])儿(?![子女童孙媳科歌])"), ""),
    (re.compile(r"[兄胸凶匈汹]"), "[[S;jong55]]"), (re.compile(r"[熊雄]"), "[[S;jong35]]"),
    (re.compile(r"[穷琼]"), "[[tS;hjong35]]"), (re.compile(r"[窘炯迥]"), "[[tS;jong214]]"),
)


def readable(text: str, language: str) -> str:
    """`text` as a voice of `language` ("en", "zh", ...) should read it; "" when nothing in it can be said."""
    chinese = language.split("-")[0].lower() in ("zh", "cmn")
    text = _FENCE.sub(" ", text)
    text = _LINK.sub(r"\1", _TAG.sub(" ", text))
    text = _URL.sub(lambda m: m[1].replace(".", "点" if chinese else " dot "), text)
    text = _MARKUP.sub(" " if not chinese else "", text)
    text = "".join(_kept(c) for c in unicodedata.normalize("NFC", text))
    text = _LAUGH.sub(r"\1\1\1", _REPEATED.sub(r"\1", text.translate(_PUNCTUATION)))
    for pattern, said in _ZH if chinese else _EN if language.split("-")[0].lower() == "en" else ():
        text = pattern.sub(said, text)
    text = re.sub(r"\s+([,.!?;:，。！？；：、])", r"\1", re.sub(r"\s+", " ", text)).strip()
    return text if any(c.isalnum() for c in text) else ""


def respelled(text: str) -> str:
    """A run of Mandarin as espeak-ng can read all of it; phonemes come in [[double brackets]]."""
    for pattern, said in _RESPELLED:
        text = pattern.sub(said, text)
    return text


def _kept(character: str) -> str:
    """The character, or what stands for it: nothing for emoji, symbols, control and private characters."""
    if character in _SIGNS or character == "℃":
        return character
    kind = unicodedata.category(character)
    if kind[0] in _KEPT and kind not in ("Lm",):
        return character
    if kind in ("Mn", "Mc") and not 0xFE00 <= ord(character) <= 0xFE0F:
        return character                                 # vowel signs of Hindi, Thai, Arabic ...; not the emoji selectors
    return " "


def _date_en(year: int, month: int, day: int) -> str:
    return f"{_MONTHS[month - 1]} {day}, {year}" if 1 <= month <= 12 else f"{year} {month} {day}"


def _spelled(digits: str) -> str:
    return "".join(_DIGITS[int(d)] for d in digits)


def _number_zh(digits: str) -> str:
    """"1,205.3" -> "一千二百零五点三"; from 10^12 on, or with a leading zero, digit by digit."""
    whole, _, rest = digits.replace(",", "").partition(".")
    tail = "点" + _spelled(rest) if rest else ""
    if len(whole) > 12 or (len(whole) > 1 and whole[0] == "0"):
        return _spelled(whole) + tail
    if int(whole) == 0:
        return "零" + tail
    out = ""
    groups: list[str] = []
    while whole:
        groups.insert(0, whole[-4:])
        whole = whole[:-4]
    for index, group in enumerate(groups):
        words = _below_10000(group, first=not out)
        if words.strip("零"):
            out += words + ["", "万", "亿"][len(groups) - 1 - index]
        elif out and not out.endswith("零") and any(int(g) for g in groups[index + 1:]):
            out += "零"
    return out + tail


def _below_10000(group: str, first: bool) -> str:
    out = ""
    for place, digit in zip(range(len(group) - 1, -1, -1), group, strict=True):
        if digit != "0":
            two = digit == "2" and place >= 2
            out += ("两" if two else _DIGITS[int(digit)]) + ["", "十", "百", "千"][place]
        elif out and not out.endswith("零") or not out and not first:
            out += "零"
    out = out.rstrip("零") if out.strip("零") else ""
    return out[1:] if first and out.startswith("一十") else out
