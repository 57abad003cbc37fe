"""What a painted person can look like: a closed set of attributes, how often each occurs, and how each is said in English and Chinese.

A look is a plain dict, name -> value (str for a choice, bool for a mark, float for a measure), so that it goes into JSON as it is.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

Look = dict[str, "str | bool | float"]


@dataclass(frozen=True)
class Choice:
    """One of several: value -> how often, in the usual mixture."""

    often: Mapping[str, float]


@dataclass(frozen=True)
class Mark:
    """There or not."""

    often: float


@dataclass(frozen=True)
class Measure:
    """A number between two ends; `unit` is what it counts."""

    least: float
    most: float
    unit: str


GREY = ("grey", "white")
COLOURS = ("white", "black", "grey", "navy", "blue", "teal", "green", "olive", "yellow", "orange", "red", "burgundy", "pink", "purple", "brown", "beige")
ATTRIBUTES: dict[str, Choice | Mark | Measure] = {
    "gender": Choice({"woman": 0.5, "man": 0.5}),
    "age": Measure(18, 85, "years"),
    "features": Choice({"european": 0.30, "african": 0.22, "east asian": 0.24, "south asian": 0.12, "mixed": 0.12}),
    "skin": Measure(0, 1, "of the way from very fair to very dark"),
    "face": Choice({"oval": 0.30, "round": 0.18, "square": 0.16, "heart": 0.14, "long": 0.12, "diamond": 0.10}),
    "weight": Measure(-1, 1, "lean to full"),
    "eyes": Choice({"dark brown": 0.30, "brown": 0.26, "hazel": 0.10, "amber": 0.05, "green": 0.09, "blue": 0.13, "grey": 0.07}),
    "eye size": Measure(-1, 1, "small to large"),
    "brows": Choice({"thin": 0.22, "medium": 0.50, "thick": 0.28}),
    "nose": Choice({"small": 0.24, "medium": 0.38, "broad": 0.18, "long": 0.10, "aquiline": 0.10}),
    "lips": Choice({"thin": 0.24, "medium": 0.44, "full": 0.32}),
    "hair": Choice(
        {
            "bald": 0.05,
            "buzz": 0.06,
            "crop": 0.08,
            "short": 0.11,
            "side part": 0.09,
            "quiff": 0.07,
            "curly short": 0.08,
            "pixie": 0.05,
            "bob": 0.08,
            "long straight": 0.09,
            "long wavy": 0.10,
            "long curly": 0.07,
            "afro": 0.05,
            "bun": 0.06,
            "ponytail": 0.05,
        }
    ),
    "hair colour": Choice(
        {
            "black": 0.27,
            "dark brown": 0.22,
            "brown": 0.15,
            "auburn": 0.07,
            "red": 0.06,
            "blond": 0.12,
            "platinum": 0.03,
            "grey": 0.04,
            "white": 0.03,
            "pink": 0.01,
            "blue": 0.01,
            "green": 0.005,
            "purple": 0.005,
        }
    ),
    "fringe": Mark(0.16),
    "beard": Choice({"none": 0.50, "stubble": 0.16, "moustache": 0.07, "goatee": 0.08, "short": 0.12, "full": 0.07}),
    "glasses": Choice({"none": 0.72, "round": 0.10, "square": 0.10, "cat-eye": 0.04, "thin": 0.04}),
    "headwear": Choice({"none": 0.85, "beanie": 0.05, "headscarf": 0.05, "turban": 0.025, "headband": 0.025}),
    "make-up": Choice({"none": 0.55, "light": 0.30, "bold": 0.15}),
    "freckles": Mark(0.12),
    "earrings": Choice({"none": 0.70, "studs": 0.15, "hoops": 0.15}),
    "smile": Measure(-0.4, 1, "serious to smiling"),
    "clothes": Choice({"t-shirt": 0.20, "v-neck": 0.12, "shirt": 0.17, "blazer": 0.14, "sweater": 0.13, "hoodie": 0.09, "blouse": 0.09, "mandarin": 0.06}),
    "clothes colour": Choice({name: 1 / len(COLOURS) for name in COLOURS}),
    "background": Choice({"plain": 0.30, "gradient": 0.20, "window": 0.14, "lights": 0.12, "garden": 0.12, "room": 0.12}),
    "background colour": Choice({name: 1 / len(COLOURS) for name in COLOURS}),
    "light": Choice({"soft": 0.40, "side": 0.24, "warm": 0.18, "cool": 0.18}),
    "turn": Measure(-1, 1, "of 14 degrees, to the picture's left or right"),
}
WIDTH = sum(len(row.often) if isinstance(row, Choice) else 1 for row in ATTRIBUTES.values())


def vector(look: Mapping[str, str | bool | float]) -> np.ndarray:
    """A look as float32 [WIDTH]: choices one-hot, marks 0 or 1, measures -1..1. Raises KeyError for a missing attribute."""
    out: list[float] = []
    for name, row in ATTRIBUTES.items():
        value = look[name]
        if isinstance(row, Choice):
            out += [float(value == one) for one in row.often]
        elif isinstance(row, Mark):
            out.append(float(value))
        else:
            out.append(2 * (float(value) - row.least) / (row.most - row.least) - 1)
    return np.array(out, np.float32)


def checked(look: Mapping[str, object]) -> Look:
    """The part of a look that is known and possible; measures are held between their ends."""
    out: Look = {}
    for name, value in look.items():
        row = ATTRIBUTES.get(name)
        if isinstance(row, Choice) and value in row.often:
            out[name] = str(value)
        elif isinstance(row, Mark) and isinstance(value, bool):
            out[name] = value
        elif isinstance(row, Measure) and isinstance(value, (int, float)) and not isinstance(value, bool) and np.isfinite(value):
            out[name] = float(np.clip(value, row.least, row.most))
    return out


def _pick(rng: np.random.Generator, often: Mapping[str, float]) -> str:
    names, weights = list(often), np.array(list(often.values()), float)
    return str(rng.choice(names, p=weights / weights.sum()))


def invent(seed: int, wished: Mapping[str, object] | None = None) -> Look:
    """A whole look from a seed; what is `wished` is kept, and what is drawn fits it (no beard on a woman nobody wished one for)."""
    rng = np.random.default_rng([seed, 11])
    wish = checked(wished or {})
    look: Look = {}

    def choose(name: str, **factors: float) -> str:
        row = ATTRIBUTES[name]
        assert isinstance(row, Choice)
        drawn = _pick(
            rng, {value: weight * factors.get(value.replace(" ", "_").replace("-", "_"), factors.get("other", 1.0)) for value, weight in row.often.items()}
        )
        look[name] = str(wish.get(name, drawn))
        return str(look[name])

    def measure(name: str, value: float) -> float:
        row = ATTRIBUTES[name]
        assert isinstance(row, Measure)
        look[name] = round(float(wish.get(name, np.clip(value, row.least, row.most))), 3)
        return float(look[name])

    likely_man = wish.get("beard", "none") != "none"
    man = choose("gender", man=20.0 if likely_man else 1.0, woman=4.0 if wish.get("make-up", "none") != "none" else 1.0) == "man"
    grey_wished = wish.get("hair colour") in GREY
    age = measure("age", rng.triangular(45, 66, 85) if grey_wished else 18 + 67 * rng.beta(1.25, 1.75))
    skin = wish.get("skin")
    features = choose(
        "features",
        **(
            {}
            if skin is None
            else {
                "african": 3.0 if float(skin) > 0.6 else 0.15,
                "european": 2.0 if float(skin) < 0.35 else 0.1,
                "east_asian": 1.0 if float(skin) < 0.45 else 0.1,
                "south_asian": 2.0 if 0.3 < float(skin) < 0.75 else 0.2,
            }
        ),
    )
    usual = {"european": (0.16, 0.10), "african": (0.78, 0.14), "east asian": (0.24, 0.10), "south asian": (0.52, 0.13), "mixed": (0.42, 0.16)}[features]
    dark = measure("skin", rng.normal(*usual))
    fair = features in ("european", "mixed") and dark < 0.4
    choose("face", square=1.6 if man else 0.6, heart=0.6 if man else 1.3)
    measure("weight", 0.45 * rng.standard_normal())
    choose("eyes", **({"other": 1.0} if fair else {"dark_brown": 3.0, "brown": 2.0, "hazel": 0.15, "amber": 0.2, "other": 0.02}))
    measure("eye size", 0.42 * rng.standard_normal())
    choose("brows", thin=0.3 if man else 1.3, thick=1.6 if man else 0.7)
    choose("nose", broad={"african": 3.0, "east asian": 1.2}.get(features, 0.6), aquiline={"european": 1.4, "south asian": 1.5}.get(features, 0.3))
    choose("lips", full={"african": 3.0}.get(features, 1.0), thin={"african": 0.1, "european": 1.5}.get(features, 0.8))
    colour_wished = wish.get("hair colour") is not None or bool(wish.get("fringe"))
    if man:
        style = choose(
            "hair",
            bald=0.0 if colour_wished else 1.6 if age > 40 else 0.7,
            pixie=0.0,
            bob=0.12,
            long_straight=0.12,
            long_wavy=0.14,
            long_curly=0.16,
            bun=0.25,
            ponytail=0.25,
            crop=3.5 if features == "african" else 0.15,
            afro=1.6 if features == "african" else 0.05,
            curly_short=0.5 if features == "east asian" else 1.0,
            other=1.6,
        )
    else:
        style = choose(
            "hair",
            bald=0.0 if colour_wished else 0.06,
            buzz=0.15,
            crop=0.6 if features == "african" else 0.05,
            short=0.25,
            side_part=0.18,
            quiff=0.15,
            curly_short=0.8,
            afro=2.2 if features == "african" else 0.1,
            long_straight=2.0 if features == "east asian" else 1.1,
            long_curly=1.8 if features == "african" else 0.9,
            other=1.4,
        )
    old = float(np.clip((age - 38) / 34, 0, 1)) * (0.65 if man else 0.5)
    turning = rng.random() < old
    colour = choose(
        "hair colour",
        **(
            {"grey": 8.0, "white": 14.0 * max(0.05, (age - 50) / 30), "other": 0.0}
            if turning
            else {"grey": 0.2 if age > 40 else 0.0, "white": 0.0, "pink": 1.0 if age < 45 else 0.1, "other": 1.0}
            if fair
            else {
                "black": 4.0,
                "dark_brown": 1.6,
                "brown": 0.25,
                "grey": 0.2 if age > 40 else 0.0,
                "white": 0.0,
                "blond": 0.06,
                "red": 0.03,
                "auburn": 0.15,
                "platinum": 0.12,
                "other": 0.5,
            }
        ),
    )
    look["fringe"] = bool(wish.get("fringe", style in ("bob", "long straight", "long wavy", "pixie", "short") and rng.random() < 0.32))
    choose("beard", **({"none": 1.0, "other": 1.0, "full": 1.4} if man else {"none": 1.0, "other": 0.0}))
    choose("glasses", none=1.0 if age < 45 else 0.6, cat_eye=0.1 if man else 2.2)
    choose(
        "headwear",
        none=1e6 if wish.keys() & {"hair", "hair colour", "fringe"} else 1.0,
        headscarf=0.0 if man else 1.6,
        turban=(3.0 if features == "south asian" else 0.4) if man else 0.7,
        headband=0.2 if man else 1.4,
    )
    choose("make-up", **({"none": 1.0, "other": 0.0} if man else {"other": 1.0}))
    look["freckles"] = bool(wish.get("freckles", dark < 0.4 and rng.random() < (0.5 if colour in ("red", "auburn") else 0.14)))
    choose("earrings", **({"none": 1.0, "studs": 0.15, "hoops": 0.06} if man else {"none": 0.6}))
    measure("smile", rng.normal(0.42, 0.34))
    choose("clothes", blouse=0.0 if man else 2.0, shirt=1.3 if man else 0.8)
    choose("clothes colour")
    choose("background")
    choose("background colour", pink=0.5, red=0.4, orange=0.5, yellow=0.6, purple=0.6, green=0.8)
    choose("light")
    measure("turn", 0.5 * rng.standard_normal())
    return {name: look[name] for name in ATTRIBUTES}


# --- in words ---

_AGES = (((18, 30), ("young", "年轻")), ((30, 45), ("", "")), ((45, 60), ("middle-aged", "中年")), ((60, 86), ("old", "年老")))
_ZH = {
    "woman": "女人",
    "man": "男人",
    "european": "欧洲面孔",
    "african": "非洲面孔",
    "east asian": "东亚面孔",
    "south asian": "南亚面孔",
    "mixed": "混血面孔",
    "oval": "鹅蛋脸",
    "round": "圆脸",
    "square": "方脸",
    "heart": "心形脸",
    "long": "长脸",
    "diamond": "菱形脸",
    "dark brown": "深棕色",
    "brown": "棕色",
    "hazel": "榛色",
    "amber": "琥珀色",
    "green": "绿色",
    "blue": "蓝色",
    "grey": "灰色",
    "black": "黑色",
    "auburn": "赤褐色",
    "red": "红色",
    "blond": "金色",
    "platinum": "铂金色",
    "white": "白色",
    "pink": "粉色",
    "purple": "紫色",
    "navy": "藏青色",
    "teal": "青色",
    "olive": "橄榄绿",
    "yellow": "黄色",
    "orange": "橙色",
    "burgundy": "酒红色",
    "beige": "米色",
}
_HAIR_EN = {
    "bald": "a bald head",
    "buzz": "{} hair in a buzz cut",
    "crop": "cropped {} coils",
    "short": "short {} hair",
    "side part": "{} hair with a side part",
    "quiff": "{} hair in a quiff",
    "curly short": "short {} curls",
    "pixie": "a {} pixie cut",
    "bob": "a {} bob",
    "long straight": "long straight {} hair",
    "long wavy": "long wavy {} hair",
    "long curly": "long {} curls",
    "afro": "a {} afro",
    "bun": "{} hair in a bun",
    "ponytail": "a {} ponytail",
}
_HAIR_ZH = {
    "bald": "光头",
    "buzz": "{}寸头",
    "crop": "{}短卷寸头",
    "short": "{}短发",
    "side part": "{}偏分短发",
    "quiff": "{}飞机头",
    "curly short": "{}短卷发",
    "pixie": "{}精灵短发",
    "bob": "{}波波头",
    "long straight": "{}长直发",
    "long wavy": "{}长波浪发",
    "long curly": "{}长卷发",
    "afro": "{}爆炸头",
    "bun": "{}丸子头",
    "ponytail": "{}马尾辫",
}
_BEARD = {
    "stubble": ("stubble", "胡茬"),
    "moustache": ("a moustache", "小胡子"),
    "goatee": ("a goatee", "山羊胡"),
    "short": ("a short beard", "短络腮胡"),
    "full": ("a full beard", "大胡子"),
}
_GLASSES = {
    "round": ("round glasses", "圆框眼镜"),
    "square": ("square glasses", "方框眼镜"),
    "cat-eye": ("cat-eye glasses", "猫眼眼镜"),
    "thin": ("thin-rimmed glasses", "细框眼镜"),
}
_WORN = {"beanie": ("a beanie", "毛线帽"), "headscarf": ("a headscarf", "头巾"), "turban": ("a turban", "缠头巾"), "headband": ("a headband", "发带")}
_CLOTHES = {
    "t-shirt": ("t-shirt", "T恤"),
    "v-neck": ("v-neck top", "V领上衣"),
    "shirt": ("shirt", "衬衫"),
    "blazer": ("blazer", "西装外套"),
    "sweater": ("sweater", "毛衣"),
    "hoodie": ("hoodie", "连帽衫"),
    "blouse": ("blouse", "女式衬衫"),
    "mandarin": ("mandarin-collar jacket", "立领上衣"),
}


def caption(look: Look, seed: int, chinese: bool = False) -> str:
    """One sentence about a look. Which of its attributes are told, and in which order, comes from the seed."""
    rng = np.random.default_rng([seed, 12])
    return (_caption_zh if chinese else _caption_en)(look, rng)


def _said(look: Look, rng: np.random.Generator) -> list[str]:
    """What there is to tell, the striking first; some of it is left out."""
    striking = [name for name, plain in (("glasses", "none"), ("beard", "none"), ("headwear", "none"), ("freckles", False)) if look[name] != plain]
    if look["make-up"] == "bold":
        striking.append("make-up")
    if look["earrings"] == "hoops":
        striking.append("earrings")
    usual = ["eyes", "smile", "clothes", "brows", "face", "lips", "background"]
    rng.shuffle(usual)
    told = [name for name in striking if rng.random() < 0.85] + usual[: int(rng.integers(0, 4))]
    if look["headwear"] not in ("headscarf", "turban"):
        told.insert(0, "hair")
    rng.shuffle(told)
    return told


def _age(look: Look, rng: np.random.Generator, chinese: bool) -> str:
    age = float(look["age"])
    if rng.random() < 0.5:
        return next(words[int(chinese)] for (low, high), words in _AGES if low <= age < high)
    ten = int(age // 10) * 10
    if chinese:
        return {10: "二十岁左右", 20: "二十多岁", 30: "三十多岁", 40: "四十多岁", 50: "五十多岁", 60: "六十多岁", 70: "七十多岁", 80: "八十多岁"}[ten]
    return {
        10: "of about twenty",
        20: "in the twenties",
        30: "in the thirties",
        40: "in the forties",
        50: "of fifty",
        60: "of sixty",
        70: "of seventy",
        80: "of eighty",
    }[ten]


def article(words: str) -> str:
    """Words with a or an before them."""
    return f"{'an' if words[0] in 'aeioAEIO' and not words.startswith('European') else 'a'} {words}"


def _caption_en(look: Look, rng: np.random.Generator) -> str:
    who, age = str(look["gender"]), _age(look, rng, False)
    kind = (
        {"european": "European", "african": "Black", "east asian": "East Asian", "south asian": "South Asian", "mixed": ""}[str(look["features"])]
        if rng.random() < 0.7
        else ""
    )
    before = " ".join(word for word in (age if " " not in age else "", kind, who) if word)
    parts = [f"{article(before)}{' ' + age if ' ' in age else ''}"]
    rows: list[str] = []
    for name in _said(look, rng):
        value = look[name]
        if name == "hair":
            text = _HAIR_EN[str(value)].format(look["hair colour"])
            rows.append(text + (" and a fringe" if look["fringe"] else ""))
        elif name == "glasses":
            rows.append(_GLASSES[str(value)][0])
        elif name == "beard":
            rows.append(_BEARD[str(value)][0])
        elif name == "headwear":
            rows.append(_WORN[str(value)][0])
        elif name == "freckles":
            rows.append("freckles")
        elif name == "make-up":
            rows.append("bold make-up")
        elif name == "earrings":
            rows.append("hoop earrings")
        elif name == "eyes":
            rows.append(f"{value} eyes")
        elif name == "smile":
            rows.append("a kind smile" if float(value) > 0.5 else "a serious look" if float(value) < 0.05 else "a gentle look")
        elif name == "clothes":
            rows.append(article(f"{look['clothes colour']} {_CLOTHES[str(value)][0]}"))
        elif name in ("brows", "lips") and value != "medium":
            rows.append(f"{value} {name}")
        elif name == "face":
            rows.append(article(f"{value} face"))
        elif name == "background":
            rows.append(
                {"window": "a window behind", "lights": "city lights behind", "garden": "a garden behind", "room": "a room behind"}.get(
                    str(value), article(f"{look['background colour']} background")
                )
            )
    text = parts[0] + (" with " + (", ".join(rows[:-1]) + " and " + rows[-1] if len(rows) > 1 else rows[0]) if rows else "")
    opening = ("", "", "portrait of ", "a picture of ")[int(rng.integers(4))]
    return opening + text


def _caption_zh(look: Look, rng: np.random.Generator) -> str:
    who, age = _ZH[str(look["gender"])], _age(look, rng, True)
    kind = _ZH[str(look["features"])] if rng.random() < 0.6 else ""
    rows: list[str] = [f"一位{age + '的' if age else ''}{who}"] + ([kind] if kind else [])
    for name in _said(look, rng):
        value = str(look[name])
        if name == "hair":
            rows.append(("" if value == "bald" else "留着") + _HAIR_ZH[value].format(_ZH[str(look["hair colour"])]) + ("，有刘海" if look["fringe"] else ""))
        elif name == "glasses":
            rows.append("戴" + _GLASSES[value][1])
        elif name == "beard":
            rows.append("有" + _BEARD[value][1])
        elif name == "headwear":
            rows.append("戴" + _WORN[value][1])
        elif name == "freckles":
            rows.append("有雀斑")
        elif name == "make-up":
            rows.append("浓妆")
        elif name == "earrings":
            rows.append("戴耳环")
        elif name == "eyes":
            rows.append(f"{_ZH[value]}眼睛")
        elif name == "smile":
            rows.append("亲切微笑" if float(look[name]) > 0.5 else "表情严肃" if float(look[name]) < 0.05 else "神情温和")
        elif name == "clothes":
            rows.append(f"穿{_ZH[str(look['clothes colour'])]}{_CLOTHES[value][1]}")
        elif name == "brows" and value != "medium":
            rows.append({"thin": "细眉", "thick": "浓眉"}[value])
        elif name == "lips" and value != "medium":
            rows.append({"thin": "薄嘴唇", "full": "厚嘴唇"}[value])
        elif name == "face":
            rows.append(_ZH[value])
    return "，".join(rows)
