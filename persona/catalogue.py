"""Goods in a file (CSV, JSON or YAML): found by words, price and what somebody has said they like; and why. Bytes in, no I/O."""
from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import yaml

from persona.card import CardError
from persona.scene import FOLDER, Scene
from persona.sums import number_zh, numbers_en
from persona.words import cjk_share, simplify, words_of

FILES = ("catalogue.csv", "catalogue.json", "catalogue.yaml")
MOST_BYTES, MOST_GOODS, LONGEST = 2 * 2**20, 5000, 400
_FIELDS = {"name": "name title product item 名称 商品 品名 名字", "price": "price cost 价格 价钱 售价 单价", "tags": "tags tag category categories type for kind 类别 分类 标签 用途 适合",
           "about": "about description text details 描述 介绍 说明 详情", "name_zh": "name_zh 中文名", "about_zh": "about_zh description_zh 中文介绍", "tags_zh": "tags_zh 中文标签"}
_COLUMNS = {own: name for name, owns in _FIELDS.items() for own in owns.split()}
_DULL = words_of("a an the for and or of to in on with my me i is are something anything some any want need looking look find buy show have you do what would could can please gift present "
                 "under below less than most about around cheap good best nice get like love recommend suggest which one it euros euro dollars really not no that this who he she her him his their")

_DULL_ZH = words_of("推荐 想找 想买 一个 一件 什么 有没 没有 适合 给我 有什 便宜 以内 以下 预算 不要 不想 喜欢 好的 的人 我想 买个 买点 找个 这个 那个 可以 怎么 多少 元以 块以 欧元")
_MONEY_ZH = {"": "元", "CNY": "元", "RMB": "元", "euros": "欧元", "euro": "欧元", "EUR": "欧元", "dollars": "美元", "USD": "美元"}


@dataclass(frozen=True)
class Good:
    name: Mapping[str, str]
    price: float | None
    tags: Mapping[str, tuple[str, ...]]
    about: Mapping[str, str]

    def said(self, what: str, language: str) -> str:
        texts = getattr(self, what)
        return texts.get(language) or next(iter(texts.values()), "")


@dataclass(frozen=True)
class Fit:
    """A good with what speaks for it: words that were asked for, and words that the user said earlier."""
    good: Good
    asked: tuple[str, ...]
    liked: tuple[str, ...]
    score: float


class Catalogue:
    """Raises CardError for a file that holds none."""

    def __init__(self, raw: bytes, name: str, currency: str = ""):
        if len(raw) > MOST_BYTES:
            raise CardError(f"{name} is larger than {MOST_BYTES // 2**20} MB.", "Shorten it.", (f"{name} 超过 {MOST_BYTES // 2**20} MB。", "请缩短一些。"))
        try:
            text = raw.decode("utf-8-sig")
            rows: Any
            if name.endswith(".csv"):
                rows = list(csv.DictReader(io.StringIO(text), dialect=csv.Sniffer().sniff(text[:4000], ",;\t") if text.strip() else csv.excel))
            else:
                rows = json.loads(text) if name.endswith(".json") else yaml.load(text, getattr(yaml, "CSafeLoader", yaml.SafeLoader))
            if isinstance(rows, Mapping):
                currency = str(rows.get("currency") or currency)
                rows = rows.get("goods") or rows.get("items") or rows.get("products")
            self.goods = tuple(good for row in rows[:MOST_GOODS] if (good := _good(row)))
        except (ValueError, TypeError, KeyError, AttributeError, csv.Error, yaml.YAMLError, RecursionError) as error:
            raise CardError(f"{name} cannot be read as a catalogue ({type(error).__name__}).", "Write rows with a name, a price, tags and a description.",
                            (f"{name} 读不出商品。", "请按行写：名称、价格、标签、介绍。")) from None
        if not self.goods:
            raise CardError(f"{name} holds no goods.", "Write rows with a name, a price, tags and a description.", (f"{name} 里没有商品。", "请按行写：名称、价格、标签、介绍。"))
        self.currency = currency

    def find(self, wish: str, language: str, likes: Sequence[str] = (), most: int = 3) -> list[Fit]:
        """The best first; only goods within the price that the wish names. `likes`: what the user said before, which tips the scale."""
        low, high = limits(wish, language)
        asked = _words(wish, language)
        liked = set().union(*(_words(text, language) for text in likes)) - asked if likes else set()
        against = _against(" ".join([wish, *likes]), language)
        fits = []
        for good in self.goods:
            if good.price is not None and (high is not None and good.price > high or low is not None and good.price < low):
                continue
            tags = {word for one in ("en", "zh") for tag in good.tags.get(one, ()) for word in _words(tag, one)}
            named = {word for one in ("en", "zh") for word in _words(good.name.get(one, ""), one)}
            told = {word for one in ("en", "zh") for word in _words(good.about.get(one, ""), one)}
            if against & (tags | named | told):
                continue
            hits, likings = asked & (tags | named | told), liked & (tags | named | told)
            score = sum(2.0 if word in tags or word in named else 1.0 for word in hits) + 0.5 * len(likings)
            fits.append(Fit(good, tuple(sorted(hits, key=len, reverse=True)), tuple(sorted(likings, key=len, reverse=True)), score))
        return [fit for fit in sorted(fits, key=lambda fit: (-fit.score, fit.good.price or 0)) if fit.score > 0][:most]

    def price(self, good: Good, language: str) -> str:
        if good.price is None:
            return ""
        number = f"{good.price:g}" if good.price == int(good.price) else f"{good.price:.2f}"
        return number + _MONEY_ZH.get(self.currency, self.currency) if language == "zh" else f"{number} {self.currency or 'euros'}".strip()


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


def _good(row: Any) -> Good | None:
    if not isinstance(row, Mapping):
        return None
    fields: dict[str, Any] = {}
    for key, value in row.items():
        name = _COLUMNS.get(str(key).strip().lower())
        if name and value not in (None, ""):
            fields.setdefault(name, value)
    names = _both(fields.get("name"), fields.get("name_zh"))
    if not names:
        return None
    number = re.search(r"\d+(?:[.,]\d+)?", str(fields.get("price", "")))
    tags = {language: tuple(tag.strip()[:60] for tag in re.split(r"[,;，；、|]", text) if tag.strip()) for language, text in _both(fields.get("tags"), fields.get("tags_zh")).items()}
    return Good(names, float(number.group().replace(",", ".")) if number else None, tags, _both(fields.get("about"), fields.get("about_zh")))


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
        runs = re.findall("[\u4e00-\u9fff]+", simplify(text))
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
