"""What a voice is given: text as it is shown -> text as it is said, every number written out in words, so that each voice says the same.

Pure. Markdown, HTML, code blocks, emoji and what is acted (*smiles*) are left out, addresses are worded; numbers, dates, money and units are
english.py's and mandarin.py's. In other languages numbers stay as they are: their voices know the grammar that they need. Every pattern takes time
that grows with the text's length only: what repeats is bounded, and a number is tried from its first digit.
"""
from __future__ import annotations

import html
import re
import unicodedata

from . import english, mandarin

CHINESE = frozenset(("zh", "cmn", "yue"))
HAN = "\u3400-\u9fff\uf900-\ufaff"
SHORT = 24                                               # characters of an address's path that are still read

_FENCE = re.compile(r"```.*?(?:```|\Z)", re.S)
_TAG = re.compile(r"</?[a-zA-Z][^<>\n]{0,200}>|<!--.{0,500}?-->")
_ENTITY = re.compile(r"&(?:[a-zA-Z]{2,8}|#\d{1,6}|#x[0-9a-fA-F]{1,5});")
_LINK = re.compile(r"!?\[([^\[\]\n]{0,300})\](?:\((?:[^()\s]|\([^()\s]{0,100}\)){0,600}(?:\s\"[^\"\n]{0,200}\")?\)|\[[^\[\]\n]{0,80}\])")
_NOTE = re.compile(r"\s?\[\^[^\[\]\s]{1,20}\]|(?<=[^\W\d_]|[.,!?。，])\s?\[\d{1,3}\](?!\()")
_CODE = re.compile(r"`{1,2}([^`\n]{1,300})`{1,2}")
_CODE_MARKS = re.compile(r"[_(){}\[\]]+")
_URL = re.compile(rf"(?:https?://|www\.)([^\s<>\"'“”‘’{HAN}\u3000-\u303f\uff00-\uffef]{{1,2000}})", re.I | re.A)
_MAIL = re.compile(r"(?<![\w.+-])([A-Za-z0-9][\w.+-]{0,63})@([A-Za-z0-9-]{1,63}(?:\.[A-Za-z0-9-]{1,63}){1,5})", re.A)
_DOMAIN = re.compile(r"(?<![\w.@/-])((?:[a-zA-Z0-9_-]{1,63}\.){1,4}(?:com|org|net|edu|gov|io|ai|app|dev|cn|uk|de|fr|jp|eu|info|co|me|tv|txt|md|py|js|ts|"
                     r"json|html|css|pdf|docx|xlsx|csv|png|jpg|mp3|mp4|wav|zip|exe|sh|yaml|toml))(?![\w@-]|\.\w)((?:/[\w.-]{1,40}){0,4}/?)", re.A)
_STARRED = re.compile(r"(?<![A-Za-z0-9*\\])\*(?![\s*])([^*\n]{1,160})(?<!\s)\*(?![A-Za-z0-9*])"
                      r"|(?<![A-Za-z0-9_])_(?![\s_])([^_\n]{1,160})(?<!\s)_(?![A-Za-z0-9_])")
_STRONG = re.compile(r"\*{2,}|_{2,}|~~|(?<!\d)\*(?=\S)|(?<=\S)\*(?!\s?\d)|(?<![\d\s])\*|\[\[|\]\]|`|\]\([^()\s]{1,300}\)|\\(?=[*_#`~\[\]])")
_BRACKETED = re.compile(r"（([^（）\n]{1,12})）|\(([a-z][^()\n]{1,40})\)|\[([a-z][^\[\]\n]{1,40}|[\u4e00-\u9fff]{1,8})\]")
_SMILE = re.compile(r"(?<![A-Za-z0-9:])(?:[:;][-'^o]?[)(DPpOo|*\]\[]{1,3}|:3|:-?/|[xX]D{1,3}|<3{1,3}|\^[_.-]?\^|T[_.]T|-_-|:[a-z][a-z_]{1,24}:)(?![\w/])")
# How an acted thing begins, as chats write it. Elsewhere than at a sentence's beginning only these are taken for acted.
_VERBS = (r"(?:smil|grin|laugh|chuckl|giggl|nod|sigh|wink|wav|shrug|blush|gasp|cough|whisper|hug|bow|gulp|sniff|yawn|frown|blink|lean|smirk|beam|sob|"
          r"paus|groan|cheer|clap|danc|tilt|pout|squeal|snort|salut|shiver|hum|mutter|stretch|snicker|facepalm|kiss|pat|point|sits|stand|look|think|rais|"
          r"clear|scratch|rub|roll|tak|cr(?:y|ies)|shak|turn|step|walk)")
_ACTED = re.compile(rf"(?:(?:he|she|I|they|softly|gently|warmly|slowly|quietly)\s)?{_VERBS}[a-z]{{0,4}}\b", re.I)
_NOT_ACTED = re.compile(r"(?:always|yes|this|is|was|has|does|perhaps|its|his|us|as|thus|unless|towards|sometimes|anything|something|nothing|everything|"
                        r"during|news|pas|dis|process|access|less|business|nothing|morning|evening|being|having|[a-z]{0,20}(?:ss|us|is))\b", re.I)
_THIRD = re.compile(r"[a-z]{2,20}(?:s|ing)\b")
_ACTED_HAN = re.compile("笑|点.{0,2}头|摇.{0,2}头|叹|挥.{0,2}手|眨|歪.{0,2}头|鞠躬|脸红|拍手|鼓掌|拥抱|皱眉|耸肩|沉默|停顿|哭|害羞|思考|挠头|抱|握拳|撒娇|咳")

# Formulas as LaTeX writes them: what a person would read of a short one.
_MATH = re.compile(r"\$\$([^$]{1,600})\$\$|\\\[([^\n]{1,600}?)\\\]|\\\(([^\n]{1,300}?)\\\)|\$(?![\s\d.,])([^$\n]{1,200})(?<!\s)\$(?!\d)"
                   r"|\$(\d{0,6}[^$\n\d\s][^$\n]{0,100}[=^\\_][^$\n]{0,100})(?<!\s)\$(?!\d)")
_COMMANDS = (
    (re.compile(r"\\[dt]?frac\s?\{([^{}]{1,80})\}\s?\{([^{}]{1,80})\}"), r" \1/\2 "), (re.compile(r"\\sqrt\s?\{([^{}]{1,80})\}"), r" √\1 "),
    (re.compile(r"\\(?:times|cdot)\b"), "×"), (re.compile(r"\\div\b"), "÷"), (re.compile(r"\\leq?\b"), "≤"), (re.compile(r"\\geq?\b"), "≥"),
    (re.compile(r"\\neq?\b"), "≠"), (re.compile(r"\\approx\b"), "≈"), (re.compile(r"\\pm\b"), "±"), (re.compile(r"\\(?:to|rightarrow)\b"), "→"),
    (re.compile(r"\^\{(-?\w{1,8})\}"), r"^\1"), (re.compile(r"\\(?:left|right|text|mathrm|mathbf|mathbb|mathcal|qquad|quad|displaystyle)(?![a-z])|"
                                                            r"\\[,;:! ]|[{}]"), " "),
    (re.compile(r"_"), " "), (re.compile(r"\\"), " "))

_RULE = re.compile(r"[\s|:*_=+-]{3,}")
_LINE = re.compile(r"\s{0,12}(?:(?P<head>#{1,6})\s+|(?P<quote>>[\s>]{0,12})|(?P<item>[-*+•‣◦]\s+(?:\[[ xX]\]\s+)?)|(?P<number>\d{1,3})[.)]\s+|"
                   r"(?P<row>\|))(?P<rest>.*)")
_REPEATED = re.compile(r"([^\w\s.。…])\1{2,}")
_LAUGH = re.compile(r"([^\W\d])\1{4,}")                  # "sooooooo", "哈哈哈哈哈哈": three are enough
_LATIN = str.maketrans({"“": '"', "”": '"', "‘": "'", "’": "'", "「": '"', "」": '"', "，": ", ", "。": ". ", "！": "! ", "？": "? ", "：": ": ", "；": "; ",
                        "、": ", ", "（": " (", "）": ") "})
_WIDE = {code: chr(code - 0xFEE0) for code in (*range(0xFF10, 0xFF1A), *range(0xFF21, 0xFF3B), *range(0xFF41, 0xFF5B), *map(ord, "＃＄％＆＊＋－／＜＝＞＠"))}
_ALIKE = str.maketrans(_WIDE | {"￥": "¥", "￡": "£", "−": "-", "‐": "-", "‑": "-", "\u00a0": " ", "\u202f": " ", "\u2009": " ", "\u3000": " ", "⁄": "/",
                                "∕": "/", "～": "~", "⇒": "→", "➜": "→", "➔": "→", "⟶": "→", "‖": " ", "‧": "·"})
_KEPT = frozenset("LNPZ")                                # letters, numbers, punctuation, spaces
_SIGNS = frozenset("$€£¥₹₩₽¢%‰+=×÷°&@#/<>^~|-±≈≠≤≥√→℃℉§№㎡㎞㎏㎝㎜℅")
_SPACE = re.compile(r"\s+")
_LONG_NUMBER = re.compile(r"\d{19,}")
_BEFORE_MARK = re.compile(r"\s+([,.!?;:，。！？；：、)）])")
_TWICE = re.compile(r"([,;，、；])\s*(?:[,;，、；]\s*)+|[,;]\s*(?=[.!?。！？])|[，；、](?=[。！？])")
_LEADING = re.compile(r"^[\s,.;:!?，。；：！？、…)\]}）】·-]+(?=[^\s\d.,])")
_CHINESE_PART = re.compile(rf"((?:(?<![\d.,%:])\d[\d.,%:]{{0,20}})?[{HAN}](?:[\d.,%:，。！？：；、“”]{{0,24}}[{HAN}]+){{0,200}})")
_BETWEEN_HAN = re.compile(rf"(?<=[{HAN}\u3001-\u303f\uff01-\uff65“”…])\s+(?=[{HAN}\u3001-\u303f\uff01-\uff65“”…])")


def aloud(text: str, language: str) -> str:
    """`text` as a voice of `language` ("en", "zh", "cmn", "en-gb", ...) should say it; "" when nothing in it can be said."""
    base = language.split("-")[0].lower()
    chinese = base in CHINESE
    words = mandarin if chinese else english
    text = _FENCE.sub("\n", text.translate(_ALIKE))
    text = _ENTITY.sub(lambda m: html.unescape(m[0]).replace("\u00a0", " "), text)
    text = _URL.sub(lambda m: _address(m[1], words), re.sub(r"<((?:https?://|mailto:)[^<>\s]{1,500})>", r"\1 ", _LINK.sub(r"\1", text)))
    text = _MATH.sub(lambda m: f"{words.GAP}{_math(m)}{words.GAP}", text)
    text = _CODE.sub(lambda m: _CODE_MARKS.sub(" ", m[1]).rstrip(), _NOTE.sub("", _TAG.sub(" ", text)))
    text = _MAIL.sub(lambda m: _mail(m[1], m[2], words), text)
    text = _DOMAIN.sub(lambda m: _address(m[1] + m[2], words), text)
    text = _BRACKETED.sub(_bracketed, _STARRED.sub(_starred, text))
    text = _lines(text, words)
    text = _SMILE.sub(" ", _STRONG.sub("", text))
    text = "".join(map(_kept, unicodedata.normalize("NFC", text)))
    text = _LAUGH.sub(r"\1\1\1", _REPEATED.sub(r"\1", text))
    text = _LONG_NUMBER.sub(lambda m: words.spelled(m[0]), text)
    text = re.sub(r"(?<=\w)·(?=\w)", "" if chinese else " ", text).replace("·", words.COMMA)
    if chinese:
        text = mandarin.written(_SPACE.sub(" ", text))
        text = _BETWEEN_HAN.sub("", _SPACE.sub(" ", text))
    elif base == "en":
        text = english.written(_SPACE.sub(" ", _han(text)))
    text = _SPACE.sub(" ", text.replace("_", " ")).strip()
    text = _TWICE.sub(lambda m: (m[1] or "") + ("" if chinese or not m[1] else " "), _BEFORE_MARK.sub(r"\1", text))
    text = _LEADING.sub("", text).strip()
    return text if any(c.isalnum() for c in text) else ""


def _han(text: str) -> str:
    """English text: what is Chinese in it is written out as Chinese, marks elsewhere become English ones."""
    out = []
    for index, part in enumerate(_CHINESE_PART.split(text)):
        if index % 2:
            out.append(mandarin.written(part))
        else:
            out.append(re.sub(r"\.{3,}", "...", re.sub(r"…+", "...", part)).translate(_LATIN))
    return "".join(out)


def _math(match: re.Match[str]) -> str:
    text = next(group for group in match.groups() if group is not None)
    for pattern, said in _COMMANDS:
        text = pattern.sub(said, text)
    return text.strip()


def _kept(character: str) -> str:
    """The character, or what stands for it: a blank for emoji, symbols, control and private characters."""
    code = ord(character)
    if code < 128:
        return character if code > 31 and code != 127 else " "
    if character in _SIGNS:
        return character
    if 0x1D400 <= code <= 0x1D7FF:                       # letters in fancy dress
        return unicodedata.normalize("NFKC", character)
    kind = unicodedata.category(character)
    if kind[0] in _KEPT and kind != "Lm":
        return character
    if kind in ("Mn", "Mc") and not 0xFE00 <= code <= 0xFE0F:
        return character                                 # vowel signs of Hindi, Thai, Arabic ...; not the emoji selectors
    return "" if code in (0x200B, 0x200D, 0xFE0F, 0x20E3) else " "


def _mail(name: str, host: str, words) -> str:
    return f"{_worded(name, words)}{words.AT}{_worded(host.rstrip('.-'), words)}"


def _address(address: str, words) -> str:
    """"example.org/docs?x=1" -> "example dot org"; a short path is read, a long one and a query are not."""
    bare = address.rstrip(".,;:!?)]}*_'\"")
    tail = address[len(bare):].replace("*", "").replace("_", "")
    host, _, path = re.sub(r"^(?:https?://)?(?:www\.)?", "", bare, flags=re.I).partition("/")
    host = re.sub(r":\d+$", "", host.partition("?")[0].partition("#")[0].rpartition("@")[2])
    path = path.rstrip("/")
    said = _worded(host.replace("_", " "), words)
    if path and len(path) <= SHORT and path.count("/") < 2 and re.fullmatch(r"[\w./-]+", path, re.A) and not re.search(r"\d{3}|-.*-", path):
        said += "".join(words.SLASH + _worded(part, words) for part in path.split("/"))
    return said + tail


def _worded(name: str, words) -> str:
    """The name in an address: its marks in words, its digits one by one."""
    name = re.sub(r"\d+", lambda m: f"{words.GAP}{words.spelled(m[0])}{words.GAP}", name)
    for mark, word in words.MARKS.items():
        name = name.replace(mark, word)
    return _SPACE.sub(" ", name).strip()


def _alone(match: re.Match[str]) -> bool:
    """Whether a marked part begins a line or stands behind the end of a sentence."""
    before = match.string[max(0, match.start() - 40):match.start()].rstrip(" \t>")
    return not before or before[-1] in "\n.!?。！？…\"”’」』)）*_~～"


def _starred(match: re.Match[str]) -> str:
    """*smiles* is acted, so left out; *really* is stressed, so read."""
    inner = match[1] or match[2]
    if re.search(rf"[{HAN}]", inner):
        next_ = match.string[match.end():match.end() + 1]
        acted = _alone(match) and (bool(_ACTED_HAN.search(inner)) or not (next_ and "\u3400" <= next_ <= "\u9fff"))
        return " " if acted else inner
    begins = _alone(match) and _THIRD.match(inner[0].lower() + inner[1:]) and not _NOT_ACTED.match(inner) and not inner[:1].isdigit()
    return " " if _ACTED.match(inner) and (_alone(match) or inner[0].islower()) or begins else inner


def _bracketed(match: re.Match[str]) -> str:
    """（微笑）, (laughs) and [sighs] at a sentence's beginning are acted; other brackets stay."""
    inner = match[1] or match[2] or match[3]
    acted = (_ACTED_HAN.search(inner) and len(inner) < 9) if inner[0] > "\u3000" else _ACTED.match(inner) and _THIRD.match(inner)
    return " " if acted and _alone(match) else match[0]


def _lines(text: str, words) -> str:
    """Headings, list items, quotes and rows of tables become sentences; rules between them go."""
    out = []
    for line in text.split("\n"):
        if _RULE.fullmatch(line) and line.strip():
            continue
        if len(line) > 1 and (found := _LINE.match(line)):
            rest = found["rest"].strip()
            if found["row"]:
                rest = words.COMMA.join(cell for cell in (c.strip(" *_") for c in rest.split("|")) if cell)
            if found["number"]:
                rest = found["number"] + words.ITEM + rest
            if found["head"]:
                rest = rest.rstrip("# ")
            if rest and (rest[-1].isalnum() or rest[-1] in "\"'”’)）】]*`_~%"):
                rest = rest.rstrip("*_~") + words.STOP
            line = rest
        out.append(line)
    return "\n".join(out)
