"""What the attributes of an invented face are called on a page, in English and Chinese, and how they are grouped there. Which there are, and what they can be,
is twin/paint/attributes.py's; one that has no name here yet is shown by its own."""
from __future__ import annotations

from typing import TYPE_CHECKING, Any

from . import parts

if TYPE_CHECKING:
    from ..paint.attributes import Look

Json = dict[str, Any]
Words = tuple[str, str]                                  # English, Chinese
MAIN = ("gender", "age", "skin", "hair", "hair colour", "beard", "glasses", "smile")         # what is asked first; the rest is under "More"
GROUPS: dict[str, tuple[Words, tuple[str, ...]]] = {
    "main": (("The main things", "主要"), MAIN),
    "face": (("Face", "脸"), ("features", "face", "weight", "eyes", "eye size", "brows", "nose", "lips", "freckles")),
    "worn": (("Hair and what is worn", "发型与穿戴"), ("fringe", "headwear", "earrings", "make-up", "clothes", "clothes colour")),
    "picture": (("Picture", "画面"), ("turn", "light", "background", "background colour"))}
NAMES: dict[str, Words] = {
    "gender": ("Who", "是谁"), "age": ("Age", "年龄"), "features": ("Features", "五官类型"), "skin": ("Skin", "肤色"), "face": ("Shape of the face", "脸型"),
    "weight": ("Build", "胖瘦"), "eyes": ("Eyes", "眼睛颜色"), "eye size": ("Size of the eyes", "眼睛大小"), "brows": ("Brows", "眉毛"),
    "nose": ("Nose", "鼻子"), "lips": ("Lips", "嘴唇"), "hair": ("Hair", "发型"), "hair colour": ("Hair colour", "发色"), "fringe": ("Fringe", "刘海"),
    "beard": ("Beard", "胡须"),
    "glasses": ("Glasses", "眼镜"), "headwear": ("Headwear", "头饰"), "make-up": ("Make-up", "妆容"), "freckles": ("Freckles", "雀斑"),
    "earrings": ("Earrings", "耳环"), "smile": ("Smile", "笑容"), "clothes": ("Clothes", "衣服"), "clothes colour": ("Colour of the clothes", "衣服颜色"),
    "background": ("Background", "背景"), "background colour": ("Colour of the background", "背景颜色"), "light": ("Light", "光线"),
    "turn": ("Turned to", "朝向")}
ENDS: dict[str, tuple[Words, Words]] = {                 # of a measure: its least and its most
    "age": (("18", "18"), ("85", "85")), "skin": (("fair", "浅"), ("dark", "深")), "weight": (("lean", "清瘦"), ("full", "丰满")),
    "eye size": (("small", "小"), ("large", "大")), "smile": (("serious", "严肃"), ("smiling", "微笑")), "turn": (("left", "左"), ("right", "右"))}
_COLOURS: dict[str, Words] = {
    "dark brown": ("dark brown", "深棕"), "brown": ("brown", "棕色"), "hazel": ("hazel", "榛色"), "amber": ("amber", "琥珀"), "green": ("green", "绿色"),
    "blue": ("blue", "蓝色"), "grey": ("grey", "灰色"), "black": ("black", "黑色"), "auburn": ("auburn", "赤褐"), "red": ("red", "红色"),
    "blond": ("blond", "金色"), "platinum": ("platinum", "铂金"), "white": ("white", "白色"), "pink": ("pink", "粉色"), "purple": ("purple", "紫色"),
    "navy": ("navy", "藏青"), "teal": ("teal", "青色"), "olive": ("olive", "橄榄绿"), "yellow": ("yellow", "黄色"), "orange": ("orange", "橙色"),
    "burgundy": ("burgundy", "酒红"), "beige": ("beige", "米色")}
_SIZES: dict[str, Words] = {"thin": ("thin", "薄"), "medium": ("medium", "适中"), "thick": ("thick", "浓"), "full": ("full", "厚"), "small": ("small", "小巧"),
                            "broad": ("broad", "宽"), "long": ("long", "长"), "aquiline": ("aquiline", "鹰钩")}
VALUES: dict[str, dict[str, Words]] = {
    "gender": {"woman": ("woman", "女"), "man": ("man", "男")},
    "features": {"european": ("European", "欧洲"), "african": ("African", "非洲"), "east asian": ("East Asian", "东亚"), "south asian": ("South Asian", "南亚"),
                 "mixed": ("mixed", "混血")},
    "face": {"oval": ("oval", "鹅蛋脸"), "round": ("round", "圆脸"), "square": ("square", "方脸"), "heart": ("heart", "心形脸"), "long": ("long", "长脸"),
             "diamond": ("diamond", "菱形脸")},
    "eyes": _COLOURS, "hair colour": _COLOURS, "clothes colour": _COLOURS, "background colour": _COLOURS,
    "brows": _SIZES | {"thin": ("thin", "细")}, "nose": _SIZES, "lips": _SIZES,
    "hair": {"bald": ("bald", "光头"), "buzz": ("buzz cut", "寸头"), "crop": ("cropped coils", "短卷寸头"), "short": ("short", "短发"),
             "side part": ("side part", "偏分"), "quiff": ("quiff", "飞机头"), "curly short": ("short curls", "短卷发"), "pixie": ("pixie cut", "精灵短发"),
             "bob": ("bob", "波波头"), "long straight": ("long, straight", "长直发"), "long wavy": ("long, wavy", "长波浪发"),
             "long curly": ("long curls", "长卷发"), "afro": ("afro", "爆炸头"), "bun": ("bun", "丸子头"), "ponytail": ("ponytail", "马尾")},
    "beard": {"none": ("none", "无"), "stubble": ("stubble", "胡茬"), "moustache": ("moustache", "小胡子"), "goatee": ("goatee", "山羊胡"),
              "short": ("short beard", "短络腮胡"), "full": ("full beard", "大胡子")},
    "glasses": {"none": ("none", "无"), "round": ("round", "圆框"), "square": ("square", "方框"), "cat-eye": ("cat-eye", "猫眼"),
                "thin": ("thin-rimmed", "细框")},
    "headwear": {"none": ("none", "无"), "beanie": ("beanie", "毛线帽"), "headscarf": ("headscarf", "头巾"), "turban": ("turban", "缠头巾"),
                 "headband": ("headband", "发带")},
    "make-up": {"none": ("none", "无"), "light": ("light", "淡妆"), "bold": ("bold", "浓妆")},
    "earrings": {"none": ("none", "无"), "studs": ("studs", "耳钉"), "hoops": ("hoops", "圈形")},
    "clothes": {"t-shirt": ("t-shirt", "T恤"), "v-neck": ("v-neck", "V领"), "shirt": ("shirt", "衬衫"), "blazer": ("blazer", "西装"),
                "sweater": ("sweater", "毛衣"), "hoodie": ("hoodie", "连帽衫"), "blouse": ("blouse", "女式衬衫"), "mandarin": ("mandarin collar", "立领")},
    "background": {"plain": ("plain", "纯色"), "gradient": ("gradient", "渐变"), "window": ("window", "窗边"), "lights": ("city lights", "城市灯光"),
                   "garden": ("garden", "花园"), "room": ("room", "室内")},
    "light": {"soft": ("soft", "柔和"), "side": ("from the side", "侧光"), "warm": ("warm", "暖光"), "cool": ("cool", "冷光")}}
TOLD: dict[str, tuple[Words, Words, Words]] = {          # a measure in words, where a number says nothing: low, middle, high
    "skin": (("fair skin", "浅肤色"), ("medium skin", "中等肤色"), ("dark skin", "深肤色")),
    "weight": (("lean", "清瘦"), ("medium build", "体型适中"), ("full", "丰满")),
    "eye size": (("small eyes", "小眼睛"), ("medium eyes", "眼睛适中"), ("large eyes", "大眼睛")),
    "smile": (("serious", "严肃"), ("gentle", "温和"), ("smiling", "微笑")),
    "turn": (("turned left", "朝左"), ("facing you", "正面"), ("turned right", "朝右"))}


def described() -> list[Json]:
    """The groups of controls: {"name", "label", "controls": [{"name", "label", "kind", ...}]}. A choice has `values`, a measure `least`, `most`, `ends` and,
    where a number says nothing, `told`. Whatever nothing here names comes in a last group."""
    known = parts.attributes().ATTRIBUTES
    left = [name for name in known if not any(name in names for _, names in GROUPS.values())]
    groups = {**GROUPS, "more": (("More", "更多"), tuple(left))} if left else GROUPS
    return [{"name": group, "label": _both(label), "controls": [_control(name) for name in names if name in known]}
            for group, (label, names) in groups.items()]


def _control(name: str) -> Json:
    room = parts.attributes()
    row, label = room.ATTRIBUTES[name], _both(NAMES.get(name, (name, name)))
    if isinstance(row, room.Choice):
        named = VALUES.get(name, {})
        values = [{"value": value, "label": _both(named.get(value, (value, value)))} for value in row.often]
        return {"name": name, "label": label, "kind": "choice", "values": values}
    if isinstance(row, room.Mark):
        return {"name": name, "label": label, "kind": "mark"}
    ends, told = ENDS.get(name, (("", ""), ("", ""))), TOLD.get(name)
    return {"name": name, "label": label, "kind": "measure", "least": row.least, "most": row.most, "ends": [_both(words) for words in ends],
            "told": told and [_both(words) for words in told]}


def gender_of(look: Look | None) -> str:
    """As the form of a persona names it; "" where a look says none."""
    return {"woman": "female", "man": "male"}.get(str((look or {}).get("gender")), "")


def age_of(look: Look | None) -> int | None:
    age = (look or {}).get("age")
    return round(age) if isinstance(age, (int, float)) and not isinstance(age, bool) else None


def _both(words: Words) -> Json:
    return {"en": words[0], "zh": words[1]}
