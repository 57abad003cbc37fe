"""Goods in a file (CSV, JSON or YAML): found by words, price and what somebody has said they like; and why. Bytes in, no I/O."""
from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import yaml

from persona.card import CardError
from persona.scene import FOLDER, Scene
from persona.sums import number_zh, numbers_en
from persona.words import cjk_share, simplify, words_of

FILES = ("catalogue.json", "catalogue.csv", "catalogue.yaml")
FILE = "catalogue.json"                                  # what one that was handed in on the page is kept as
MOST_BYTES, MOST_GOODS, LONGEST, MOST_NOTES, MOST_PRICE = 2 * 2**20, 5000, 400, 20, 1e9
_FIELDS = {"name": "name title product item 名称 商品 品名 名字", "price": "price cost 价格 价钱 售价 单价", "tags": "tags tag category categories type for kind 类别 分类 标签 用途 适合",
           "about": "about description text details 描述 介绍 说明 详情", "name_zh": "name_zh 中文名", "about_zh": "about_zh description_zh 中文介绍", "tags_zh": "tags_zh 中文标签", "currency": "currency 货币 币种"}
_COLUMNS = {own: name for name, owns in _FIELDS.items() for own in owns.split()}
_DULL = words_of("a an the for and or of to in on with my me i is are something anything some any want need looking look find buy show have you do what would could can please gift present "
                 "under below less than most about around cheap good best nice get like love recommend suggest which one it euros euro dollars really not no that this who he she her him his their")

_DULL_ZH = words_of("推荐 想找 想买 一个 一件 什么 有没 没有 适合 给我 有什 便宜 以内 以下 预算 不要 不想 喜欢 好的 的人 我想 买个 买点 找个 这个 那个 可以 怎么 多少 元以 块以 欧元")
_CURRENCIES = {"euros": ("€", "eur", "欧元"), "dollars": ("$", "usd", "dollar", "美元"), "pounds": ("£", "gbp", "pound", "英镑"), "yuan": ("¥", "￥", "cny", "rmb", "yuan", "元", "块")}
_MONEY_ZH = {"euros": "欧元", "dollars": "美元", "pounds": "英镑", "yuan": "元"}
_ORDER = {"en": re.compile(r"\b(?:cheapest|least expensive|lowest[- ]price[d]?|(?P<dear>most expensive|dearest|priciest|highest[- ]price[d]?))\b"),
          "zh": re.compile(r"最便宜|最低价|价格最低|(?P<dear>最贵|最高价|价格最高)")}


@dataclass(frozen=True)
class Good:
    name: Mapping[str, str]
    price: float | None
    tags: Mapping[str, tuple[str, ...]]
    about: Mapping[str, str]

    def said(self, what: str, language: str) -> str:
        texts = getattr(self, what)
        return texts.get(language) or next(iter(texts.values()), "")

    @cached_property
    def words(self) -> tuple[set[str], set[str]]:
        """(words of its name and tags, words of its description)"""
        head = {word for one in ("en", "zh") for text in (*self.tags.get(one, ()), self.name.get(one, "")) for word in _words(text, one)}
        return head, {word for one in ("en", "zh") for word in _words(self.about.get(one, ""), one)}


@dataclass(frozen=True)
class Fit:
    """A good with what speaks for it: words that were asked for, and words that the user said earlier."""
    good: Good
    asked: tuple[str, ...]
    liked: tuple[str, ...]
    score: float


class Catalogue:
    """Raises CardError for a file that holds none. `notes`: what of it could not be taken, and in which line, as (en, zh); `left`: how many more."""

    def __init__(self, raw: bytes, name: str, currency: str = ""):
        if len(raw) > MOST_BYTES:
            raise CardError(f"{name} is larger than {MOST_BYTES // 2**20} MB.", "Shorten it.", (f"{name} 超过 {MOST_BYTES // 2**20} MB。", "请缩短一些。"))
        self.name, self.left = name, 0
        self.notes: list[tuple[str, str]] = []
        self._money: dict[str, int] = {}
        found: list[Good] = []
        names: dict[str, str] = {}
        try:
            rows, given, title = _rows(raw, name)
            self.name = title or name
            for place, row in rows:
                if len(found) >= MOST_GOODS:
                    self._note(f"Only the first {MOST_GOODS:,} goods are kept.", f"只保留前{MOST_GOODS}件商品。")
                    break
                if (good := self._good(row, place)) is None:
                    continue
                key = good.said("name", "en").lower()
                if key in names:
                    self._note(f"{place[0]}: {good.said('name', 'en')[:40]!r} stands in {names[key]} already.", f"{place[1]}：“{good.said('name', 'zh')[:40]}”重复了。")
                names.setdefault(key, place[0][:1].lower() + place[0][1:])
                found.append(good)
        except (ValueError, TypeError, KeyError, AttributeError, csv.Error, yaml.YAMLError, RecursionError) as error:
            raise CardError(f"{name} cannot be read as a catalogue ({type(error).__name__}).", "Write rows with a name, a price, tags and a description.",
                            (f"{name} 读不出商品。", "请按行写：名称、价格、标签、介绍。")) from None
        self.goods = tuple(found)
        if not self.goods:
            told = self.notes[0] if self.notes else ("", "")
            raise CardError(f"{name} holds no goods. {told[0]}".strip(), "Begin with a line of columns: name, price, tags, description. A table of Excel is saved as CSV first.",
                            (f"{name} 里没有商品。{told[1]}", "第一行写列名：名称、价格、标签、介绍。Excel 表格请先另存为 CSV。"))
        if len(self._money) > 1:
            self._note("Prices are in several currencies: " + ", ".join(self._money) + ".", "价格用了几种货币：" + "、".join(self._money) + "。")
        chinese = sum("en" not in good.name for good in self.goods) > len(self.goods) / 2
        self.currency = currency or given or max(self._money, key=lambda one: self._money[one], default="yuan" if chinese else "")

    def _note(self, en: str, zh: str) -> None:
        if len(self.notes) < MOST_NOTES:
            self.notes.append((en, zh))
        else:
            self.left += 1

    def _good(self, row: Any, place: tuple[str, str]) -> Good | None:
        """A good of one row; what is wrong with it is noted."""
        fields: dict[str, Any] = {}
        for key, value in row.items() if isinstance(row, Mapping) else ():
            title = str(key).strip().lower()
            name = _COLUMNS.get(title) or _COLUMNS.get(re.sub(r"\s*[（(\[].*?[)）\]]|\s*[€$£¥￥]|\s+(?:eur|usd|gbp|cny|rmb)$", "", title).strip())
            if name and value not in (None, ""):
                fields.setdefault(name, value)
                if name == "price" and title != "price" and (money := _currency(title)):
                    fields.setdefault("currency", money)
        names = _both(fields.get("name"), fields.get("name_zh"))
        if not names:
            if not isinstance(row, Mapping) or any(value not in (None, "", []) for value in row.values()):
                self._note(f"{place[0]} has no name and was left out.", f"{place[1]}没有名称，未采用。")
            return None
        price = _price(fields.get("price"))
        if price is None and fields.get("price") not in (None, ""):
            self._note(f"{place[0]}: {str(fields['price'])[:30]!r} is no price; it is kept without one.", f"{place[1]}：“{str(fields['price'])[:30]}”不是价格，按没有价格保留。")
        if price is not None and (money := _currency(str(fields.get("currency", ""))) or _currency(str(fields.get("price", "")))):
            self._money[money] = self._money.get(money, 0) + 1
        tags = {language: tuple(tag.strip()[:60] for tag in re.split(r"[,;，；、|]", text) if tag.strip())[:20] for language, text in _both(fields.get("tags"), fields.get("tags_zh")).items()}
        return Good(names, price, tags, _both(fields.get("about"), fields.get("about_zh")))

    def packed(self) -> bytes:
        """As a catalogue.json that reads the same."""
        rows = [{"name": dict(good.name), "price": good.price, "tags": {language: list(tags) for language, tags in good.tags.items()}, "about": dict(good.about)} for good in self.goods]
        return json.dumps({"title": self.name, "currency": self.currency, "goods": rows}, ensure_ascii=False, indent=0).encode()

    def find(self, wish: str, language: str, likes: Sequence[str] = (), most: int = 3, limited: bool = True) -> list[Fit]:
        """The best first; only goods within the price that the wish names, unless not `limited`; the cheapest or dearest first where it asks for that.
        `likes`: what the user said before, which tips the scale."""
        low, high = limits(wish, language) if limited else (None, None)
        asked = self.words(wish, language)
        liked = set().union(*(_words(text, language) for text in likes)) - asked if likes else set()
        against = _against(" ".join([wish, *likes]), language)
        fits = []
        for good in self.goods:
            if (low, high) != (None, None) and (good.price is None or high is not None and good.price > high or low is not None and good.price < low):
                continue
            head, told = good.words
            if against & (head | told):
                continue
            hits, likings = asked & (head | told), liked & (head | told)
            score = sum(2.0 if word in head else 1.0 for word in hits) + 0.5 * len(likings)
            fits.append(Fit(good, tuple(sorted(hits, key=len, reverse=True)), tuple(sorted(likings, key=len, reverse=True)), score))
        fits = [fit for fit in sorted(fits, key=lambda fit: (-fit.score, fit.good.price or 0)) if fit.score > 0]
        if order := self.order(wish, language):
            best = [fit for fit in fits if fit.asked] or ([] if asked else [Fit(good, (), (), 0.0) for good in self.goods])
            fits = sorted((fit for fit in best if fit.good.price is not None), key=lambda fit: fit.good.price or 0.0, reverse=order == "dear")
        once = {fit.good.said("name", language): fit for fit in reversed(fits)}              # of two by one name the better
        return [fit for fit in fits if once[fit.good.said("name", language)] is fit][:most]

    def order(self, wish: str, language: str) -> str:
        """"cheap" or "dear", where a wish asks for what costs least or most; else ""."""
        found = _ORDER[language].search(wish.lower())
        return ("dear" if found["dear"] else "cheap") if found else ""

    def words(self, wish: str, language: str) -> set[str]:
        """What a wish names besides its price."""
        return _words(_ORDER[language].sub(" ", wish.lower()), language)

    def named(self, text: str, language: str) -> list[Good]:
        """The goods that a text names, the longest name first."""
        said, low = _words(text, language), simplify(text.lower())
        found = [good for good in self.goods if (name := good.said("name", language)) and (simplify(name.lower()) in low or (own := _words(name, language)) and own <= said)]
        return sorted(found, key=lambda good: -len(good.said("name", language)))[:3]

    def price(self, good: Good, language: str) -> str:
        if good.price is None:
            return ""
        number = f"{good.price:g}" if good.price == int(good.price) and good.price < 1e6 else f"{good.price:.2f}".removesuffix(".00")
        return number + _MONEY_ZH.get(self.currency, self.currency) if language == "zh" else f"{number} {self.currency}".strip()


def samples(scene: Scene | None) -> Catalogue | None:
    """The goods that a scene brings to be tried with, or None."""
    return Catalogue((FOLDER / scene.catalogue).read_bytes(), scene.catalogue) if scene and scene.catalogue else None


def limits(wish: str, language: str) -> tuple[float | None, float | None]:
    """(least, most) that it may cost, as the wish says."""
    if language == "zh":
        low = re.sub(r"[零一二两三四五六七八九十百千万]+(?=欧元|美元|元|块|以内|以下|以上|左右|到|至|-)", lambda m: number_zh(m.group()), re.sub(r"\s", "", simplify(wish)))
        if found := re.search(r"(\d+)(?:欧元|美元|元|块)?(?:到|至|-|~)(\d+)(?:欧元|美元|元|块)?", low):
            return float(found[1]), float(found[2])
        if found := re.search(r"(?:不超过|低于|最多|少于|预算|(?<!\d))(?:是|在|大概)?(\d+)(?:欧元|美元|元|块钱?)?(?:以内|以下|之内|左右)?", low):
            number = float(found[1])
            return (None, number * (1.15 if "左右" in found.group() else 1.0)) if re.search(r"不超过|低于|最多|少于|预算|以内|以下|之内|左右", found.group()) else (None, None)
        return None, None
    low = numbers_en(wish.lower())
    if found := re.search(r"\bbetween (\d+(?:\.\d+)?)\D{0,9} and (\d+(?:\.\d+)?)|\b(\d+) ?(?:-|to) ?(\d+) (?:euros?|dollars?|pounds?)", low):
        return float(found[1] or found[3]), float(found[2] or found[4])
    most = re.search(r"\b(?:under|below|less than|at most|up to|no more than|not more than|cheaper than|max(?:imum)?|budget (?:is|of)|within|for)(?: \w+)?[ $€£]{1,2}(\d+(?:\.\d+)?)(?! (?:people|persons|years))", low)
    around = re.search(r"\b(?:about|around|roughly)[ $€£]{1,2}(\d+)", low)
    least = re.search(r"\b(?:over|above|more than|at least)[ $€£]{1,2}(\d+)", low)
    return (float(least[1]) if least else None), float(most[1]) if most else float(around[1]) * 1.15 if around else None


def _rows(raw: bytes, name: str) -> tuple[list[tuple[tuple[str, str], Any]], str, str]:
    """([((where in English, in Chinese), row)], currency, title) of a file. Raises what its reader raises."""
    text = _text(raw)
    if name.lower().endswith(".csv"):
        lines = text.lstrip("\r\n")
        skipped = text[:len(text) - len(lines)].count("\n")
        head = lines.split("\n", 1)[0]
        if head.lower().startswith("sep=") and len(head.strip()) == 5:           # what Excel writes for itself
            lines, skipped = lines.split("\n", 1)[1], skipped + 1
            head = lines.split("\n", 1)[0]
        reader = csv.DictReader(io.StringIO(lines), delimiter=max(",;\t", key=head.count), restkey="", strict=False)
        found = []
        for row in reader:
            at = reader.line_num + skipped
            row.pop("", None)
            found.append(((f"Line {at}", f"第{at}行"), row))
            if len(found) > 2 * MOST_GOODS:
                break
        return found, "", ""
    data: Any = json.loads(text) if name.lower().endswith(".json") else yaml.load(text, getattr(yaml, "CSafeLoader", yaml.SafeLoader))
    currency = title = ""
    if isinstance(data, Mapping):
        currency, title = str(data.get("currency") or "")[:12], str(data.get("title") or "")[:120]
        data = data.get("goods") or data.get("items") or data.get("products") or []
    if not isinstance(data, list):
        raise ValueError("no list")
    return [((f"Entry {at}", f"第{at}条"), row) for at, row in enumerate(data[:2 * MOST_GOODS], 1)], _currency(currency) or currency, title


def _text(raw: bytes) -> str:
    """As Excel and others write it: UTF-8, UTF-16 with its mark, GB 18030, or the western code page."""
    if raw[:2] in (b"\xff\xfe", b"\xfe\xff"):
        return raw.decode("utf-16")
    try:
        return raw.decode("utf-8-sig")
    except UnicodeDecodeError:
        pass
    if b"\0" in raw:
        raise ValueError("no text")
    try:
        text = raw.decode("gb18030")
    except UnicodeDecodeError:
        return raw.decode("cp1252", "replace")
    common = sum("\u4e00" <= c <= "\u9fff" for c in text)
    return text if common > 4 and len(re.findall("[的商价名品格元类介绍标签分别]", text)) else raw.decode("cp1252", "replace")


def _currency(text: str) -> str:
    low = text.lower()
    return next((name for name, signs in _CURRENCIES.items() if any(sign in low for sign in signs)), "")


def _price(value: Any) -> float | None:
    """A price as people write it: 1,299.00, 1.299,00 €, 24,50, ¥1.2万."""
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        return float(value) if 0 <= value < MOST_PRICE else None
    text = str(value or "")
    found = re.search(r"(?<![\w-])\d[\d.,'’\u00a0\u202f ]*|(?<=[€$£¥￥])\d[\d.,'’\u00a0\u202f ]*", text)
    if not found:
        return None
    digits = re.sub(r"['’\u00a0\u202f ]", "", found.group()).rstrip(".,")
    marks = sorted({c for c in digits if c in ".,"}, key=digits.rindex)
    if len(marks) == 2:                                  # the last one is the decimal one
        digits = digits.replace(marks[0], "").replace(marks[1], ".")
    elif marks and (digits.count(marks[0]) > 1 or re.fullmatch(r"[1-9]\d{0,2}[.,]\d{3}", digits)):
        digits = digits.replace(marks[0], "")            # thousands
    digits = digits.replace(",", ".")
    number = float(digits) * (10_000 if text[found.end():].lstrip().startswith("万") else 1)
    return number if number < MOST_PRICE else None


def _both(value: Any, chinese: Any = None) -> dict[str, str]:
    """{language: text} of a plain text, a list, or a mapping of languages."""
    if isinstance(value, Mapping):
        return {language: _flat(text) for language, text in value.items() if language in ("en", "zh") and _flat(text)}
    text = _flat(value)
    found = {("zh" if cjk_share(text) >= 0.4 else "en"): text} if text else {}
    return found | ({"zh": _flat(chinese)} if _flat(chinese) else {})


def _flat(value: Any) -> str:
    if value is None:
        return ""
    return " ".join((", ".join(map(str, value)) if isinstance(value, (list, tuple)) else str(value)).split())[:LONGEST]


def _words(text: str, language: str) -> set[str]:
    if language == "zh":
        runs = re.findall("[\u4e00-\u9fff]+", re.sub("[的是了吗呢吧哪么您你我]", " ", simplify(text)))
        return {run[i:i + 2] for run in runs for i in range(len(run) - 1)} - _DULL_ZH | set(re.findall(r"[a-zA-Z]{3,}", text.lower()))
    found = set()
    for word in re.findall(r"[a-z]{3,}", text.lower()):
        if word not in _DULL:
            found.add(re.sub(r"(?:ing|ers?|ies|es|s|ed)$", "", word) if len(word) > 4 else word.rstrip("s") if len(word) > 3 else word)
    return found


def _against(text: str, language: str) -> set[str]:
    """What somebody does not want."""
    if language == "zh":
        return {unit for found in re.findall(r"(?:不要|不喜欢|讨厌|不想要|除了)([\u4e00-\u9fff]{1,6})", simplify(text)) for unit in _words(found, "zh")}
    return {word for found in re.findall(r"\b(?:no|not|without|hate|except|do not like|don't like|dislike|doesn't like) (?:an? |any |the )?(\w+)", text.lower()) for word in _words(found, "en")}
