"""The people, animals and things a user speaks of as "my ...": one name for each in both languages, as the subject of a fact. Pure."""
from __future__ import annotations

import re
from functools import lru_cache

USER = "user"
_PEOPLE = {                                              # subject -> (English words, Chinese words)
    "mother": ("mother mom mum mummy mama mam", "妈妈 母亲 老妈 老娘 妈"), "father": ("father dad daddy papa", "爸爸 父亲 老爸 老爹 爹 爸"),
    "parents": ("parents folks", "父母 爸妈 爸爸妈妈"), "sister": ("sister sis", "姐妹"), "brother": ("brother bro", "兄弟"),
    "older sister": ("", "姐姐 大姐 二姐 老姐 姐"), "younger sister": ("", "妹妹 小妹 老妹 妹"),
    "older brother": ("", "哥哥 大哥 二哥 老哥 哥"), "younger brother": ("", "弟弟 小弟 老弟 弟"),
    "wife": ("wife", "妻子 老婆 太太 媳妇 爱人 内人"), "husband": ("husband hubby", "丈夫 老公 先生"),
    "partner": ("partner spouse", "对象 伴侣 另一半 老伴"), "girlfriend": ("girlfriend", "女朋友 女友"), "boyfriend": ("boyfriend", "男朋友 男友"),
    "fiancée": ("fiancée fiancee", "未婚妻"), "fiancé": ("fiancé fiance", "未婚夫"), "ex": ("ex ex-wife ex-husband", "前任 前妻 前夫 前女友 前男友"),
    "son": ("son boy lad", "儿子"), "daughter": ("daughter", "女儿 闺女"), "child": ("child kid baby toddler eldest youngest firstborn", "孩子 小孩 宝宝 娃 老大 老二 老三 老幺"),
    "children": ("children kids twins", "孩子们 双胞胎"),
    "grandmother": ("grandmother grandma granny gran nan nana", "奶奶 外婆 姥姥 祖母 外祖母"),
    "grandfather": ("grandfather grandpa grandad granddad", "爷爷 外公 姥爷 祖父"), "grandson": ("grandson", "孙子 外孙"),
    "granddaughter": ("granddaughter", "孙女 外孙女"), "grandchild": ("grandchild", ""),
    "aunt": ("aunt auntie", "阿姨 姑姑 姨妈 姑妈 舅妈 婶婶 小姨 大姨"), "uncle": ("uncle", "叔叔 舅舅 伯伯 姑父 姨父 大伯 老舅 舅"),
    "cousin": ("cousin", "表哥 表姐 表弟 表妹 堂哥 堂姐 堂弟 堂妹"), "niece": ("niece", "侄女 外甥女"), "nephew": ("nephew", "侄子 外甥"),
    "mother-in-law": ("mother-in-law", "婆婆 岳母 丈母娘"), "father-in-law": ("father-in-law", "公公 岳父 老丈人"),
    "sister-in-law": ("sister-in-law", "嫂子 弟媳 小姑子"), "brother-in-law": ("brother-in-law", "姐夫 妹夫 小舅子"),
    "stepmother": ("stepmother stepmum stepmom", "继母 后妈"), "stepfather": ("stepfather stepdad", "继父 后爸"),
    "best friend": ("bestie", "闺蜜 死党 最好的朋友 好朋友"), "friend": ("friend mate pal buddy", "朋友 哥们"),
    "boss": ("boss manager supervisor", "老板 领导 上司 经理"), "colleague": ("colleague coworker co-worker workmate teammate", "同事"),
    "neighbour": ("neighbour neighbor", "邻居"), "flatmate": ("flatmate flat-mate roommate room-mate housemate", "室友 舍友"),
    "teacher": ("teacher tutor professor", "老师 导师"), "classmate": ("classmate", "同学 同桌"), "doctor": ("doctor gp dentist therapist", "医生 大夫 牙医"),
    "landlord": ("landlord landlady", "房东"), "coach": ("coach trainer", "教练"), "student": ("", "学生"), "godmother": ("godmother", "干妈"),
    "family": ("family", "家人 家里人"), "team": ("team", "团队"), "godson": ("godson", "干儿子"),
}
_ANIMALS = {
    "dog": ("dog puppy pup", "狗狗 小狗 狗"), "cat": ("cat kitten kitty", "猫咪 小猫 猫"), "rabbit": ("rabbit bunny", "兔子 兔"), "hamster": ("hamster", "仓鼠"),
    "parrot": ("parrot budgie canary cockatiel", "鹦鹉"), "bird": ("bird", "小鸟 鸟"), "fish": ("fish goldfish", "金鱼 鱼"),
    "turtle": ("turtle tortoise", "乌龟 龟"), "horse": ("horse pony", "马"), "guinea pig": ("guinea-pig guineapig", "豚鼠 荷兰猪"),
    "snake": ("snake", "蛇"), "lizard": ("lizard gecko", "蜥蜴 壁虎"), "chicken": ("chicken hen", "鸡"), "ferret": ("ferret", "雪貂"), "rat": ("rat", ""),
    "hedgehog": ("hedgehog", "刺猬"), "pet": ("pet", "宠物"),
}
_EN = {word: subject for table in (_PEOPLE, _ANIMALS) for subject, (en, _) in table.items() for word in (*en.split(), subject)}
_ZH = {word: subject for table in (_PEOPLE, _ANIMALS) for subject, (_, zh) in table.items() for word in zh.split()}
WORDS_EN = frozenset(_EN)
_SHOWN = {subject: zh.split()[0] for table in (_PEOPLE, _ANIMALS) for subject, (_, zh) in table.items() if zh}
ANIMALS = frozenset(_ANIMALS)
EVERYBODY = frozenset((*_PEOPLE, *_ANIMALS))
PARTNERS = frozenset(("wife", "husband", "partner", "girlfriend", "boyfriend", "fiancé", "fiancée"))
SEVERAL = ANIMALS | frozenset(("sister", "brother", "older sister", "younger sister", "older brother", "younger brother", "son", "daughter", "child", "children",
                               "aunt", "uncle", "cousin", "niece", "nephew", "friend", "best friend", "colleague", "neighbour", "flatmate", "teacher", "classmate",
                               "doctor", "grandson", "granddaughter", "grandchild", "student", "grandmother", "grandfather", "ex", "coach"))
MODIFIERS = "older|younger|elder|eldest|oldest|youngest|little|big|baby|twin|half|late|other|second|first|third|middle|former|new|old|step"
_SAME = {"elder": "older", "big": "older", "little": "younger", "baby": "younger", "former": "ex"}
_EN_WORDS = "|".join(sorted((re.escape(word) for word in _EN if word not in ("ex",)), key=len, reverse=True))
NOUN_EN = rf"(?:(?:{MODIFIERS}|best|dear|lovely|beloved|only|own|good|close)[ -])*(?:{_EN_WORDS}|ex)"
NOUN_ZH = "(?:" + "|".join(sorted(_ZH, key=len, reverse=True)) + ")"
_FAMILY = {"son": "child", "daughter": "child", "children": "child", "older sister": "sister", "younger sister": "sister", "older brother": "brother",
           "younger brother": "brother"}
_MALE = frozenset(("father", "brother", "husband", "boyfriend", "fiancé", "son", "grandfather", "uncle", "nephew", "grandson", "father-in-law", "brother-in-law",
                   "stepfather", "landlord", "godson"))
_FEMALE = frozenset(("mother", "sister", "wife", "girlfriend", "fiancée", "daughter", "grandmother", "aunt", "niece", "granddaughter", "mother-in-law",
                     "sister-in-law", "stepmother", "godmother"))


def english(noun: str) -> str:
    """"big Sis" -> "older sister"; "" for a noun that is nobody."""
    words = noun.lower().replace("guinea pig", "guinea-pig").split()
    if not words or words[-1].strip(".,") not in _EN and noun.lower() not in _EN:
        return ""
    if whole := _EN.get(noun.lower()):
        return whole
    head = _EN[words[-1].strip(".,")]
    marks = [_SAME.get(word, word) for word in words[:-1] if re.fullmatch(MODIFIERS, word)]
    if "best" in words and head == "friend":
        return "best friend"
    return " ".join([*dict.fromkeys(mark for mark in marks if mark not in ("new", "old", "late", "step")), head])


def chinese(noun: str) -> str:
    """"姐姐" -> "older sister"."""
    return _ZH.get(noun, "")


def shown(subject: str, tongue: str) -> str:
    """A subject as it stands after "your", in that language."""
    if tongue != "zh":
        return subject
    name = re.search(r" ([A-ZÀ-Þ\u4e00-\u9fff][\w'’-]*)$", subject)
    bare = subject[:name.start()] if name else subject
    said = _SHOWN.get(bare) or _SHOWN.get(bare.split()[-1] if bare else "", bare)
    return said + (name[1] if name else "")


@lru_cache(maxsize=4096)
def head(subject: str) -> str:
    """The noun without what tells one of several: "older sister Ana" -> "sister"."""
    words = [word for word in subject.split() if word[:1].islower()] or [subject]
    whole = " ".join(words)
    return whole if whole in ("best friend", "guinea pig") else words[-1]


@lru_cache(maxsize=16384)
def alike(one: str, other: str) -> bool:
    """Whether two subjects may be the same: "sister" and "older sister", "child" and "son"; not "older sister" and "younger sister"."""
    if one == other:
        return True
    if head(one) != head(other):
        return _FAMILY.get(head(one), head(one)) == _FAMILY.get(head(other), head(other)) and "child" in (head(one), head(other), ) or \
            "pet" in (one, other) and one in ANIMALS and head(other) in ANIMALS | {"pet"}
    first, second = set(one.split()) - {head(one)}, set(other.split()) - {head(other)}
    return first <= second or second <= first


def sex(subject: str) -> str:
    """"m", "f" or ""."""
    return "m" if head(subject) in _MALE else "f" if head(subject) in _FEMALE else ""


def kin(subject: str) -> bool:
    """Whether it is somebody or an animal, no thing."""
    return head(subject) in _PEOPLE or head(subject) in ANIMALS or subject in _PEOPLE
