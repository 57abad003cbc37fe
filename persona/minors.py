"""Who says that they are under eighteen, and what is courtship: with them there is none, for the rest of the conversation. Pure."""
from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any

from persona.words import simplify, spell_out

_NUMBERS = {word: n for n, word in enumerate(
    ["zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve", "thirteen", "fourteen", "fifteen", "sixteen", "seventeen"])}
_WORDS = "|".join(word for word, n in _NUMBERS.items() if n >= 5)
_EN = re.compile(
    rf"\b(?:i am|i just turned|i turned|i will be|i am only|i am just|i am still|i am about to turn|i have just turned|my age is|am)(?: (?:only|just|still|almost|nearly|about|turning|like|now|a|an))* "
    rf"(?P<age>\d{{1,2}}|{_WORDS})(?= years?\b| yrs?\b| yo\b| y o\b|$| and\b| but\b| so\b| now\b| btw\b| next\b| in\b| this\b| tomorrow\b| today\b| yesterday\b| last\b| on\b| will\b| do\b| are\b| can\b| girl\b| boy\b| f\b| m\b| year old\b)"
    r"|\bi am (?:in |at |still in |still at )?(?:(?:the )?(?:\d(?:st|nd|rd|th)?|first|second|third|fourth|fifth|sixth|seventh|eighth|ninth|tenth|eleventh) grade|middle school|primary school|elementary school|junior high|"
    r"high school|year (?:[5-9]|10|11)\b|kindergarten)|\b(?:(?:\d(?:st|nd|rd|th)|sixth|seventh|eighth|ninth|tenth|eleventh) grader|high ?schooler|middle ?schooler)\b|"
    r"\bi am (?:only |just |still )?(?:a |an )?(?:minor|child(?! at heart)|kid(?! at heart)|teen|teenager|underage|schoolgirl|schoolboy|little girl|little boy|pre ?teen|under ?(?:18|eighteen))\b|\bi am not (?:yet |even )?(?:18|eighteen|an adult|of age|grown up)\b")
_NOT_YEARS = re.compile(r"\b(minutes?|hours?|days?|weeks?|months?|km|kilomet\w+|miles?|feet|dollars?|euros?|percent|kilos?|times|people|pages|in line|oclock)\b")
_ZH_NUMBER = r"(?:1[0-7]|[5-9]|十[一二三四五六七]?|[五六七八九])"
_ZH = re.compile(rf"我(?:今年|现在|才|只有|刚|刚满|快|已经|还是|是|明年|也|就)*(?:{_ZH_NUMBER})(?:周岁|岁)|^(?:今年|才|刚满|我)*(?:{_ZH_NUMBER})(?:周岁|岁)(?:了|半)?$|"
                 r"我(?:还|还是|是|是个|今年|现在|在|在读|上|在上|读|正在上|正在读|才|才上|刚上|明年上)*(?:个|一个|一名)*(?:(?:小学|初中|高中|中学|幼儿园)(?!.{0,2}(?:老师|教师|教|门口|附近|旁边|对面|工作|上班|校长|毕业|同学))|初一|初二|初三|高一|高二|高三|[一二三四五六七八九]年级(?!.{0,3}(?:老师|教师|班主任))|未成年|初中生|高中生|小学生|中学生)|^我(?:还|还是|是|只是)(?:个|一个)?(?:小朋友|小孩子?|孩子)(?!的)|^我(?:今年|才|刚)?1[0-7]$|"
                 r"我(?:还)?(?:没|没有|不|未|不到|没到|未满|还不满|没满|不满)+(?:成年|十八|18)")
_COURT_EN = re.compile(
    r"\b(?:be|become|are) (?:you )?(?:my|like my|going to be my) (?:\w+ )?(?:girl ?friend|boy ?friend|lover|wife|husband|valentine|soulmate|gf|bf|partner|crush)\b|\b(?:marry|date|kiss|cuddle|seduce|flirt with) (?:me|you)\b|"
    r"\b(?:kiss|cuddle|flirt|make out|hook up|go out) (?:with )?(?:me|together|us)\b|\bgo on a date\b|\b(?:i am |are you |i think i am |i have fallen |fall(?:ing)? |fell )(?:deeply |so |really |madly )?in love with (?:you|me)\b|"
    r"\bi (?:really |truly |do |so )?(?:love|desire|want|fancy) you\b(?! to (?!bits|the moon|death|much))|\bdo you (?:love|fancy|want|desire) me\b|\b(?:romantic|romance|erotic|sexy|make love|love making|my darling|my love|i have a crush on you|crush on you|flirt|flirting|valentine)\b|"
    r"\bcall me (?:baby|babe|darling|honey|your love)\b|\bgive me a kiss\b|\bhold my hand\b|\bsleep next to me\b|\bwant to be with you forever\b|\bmy (?:girl ?friend|boy ?friend)$")
_COURT_ZH = re.compile(
    r"(?:做|当|是|成为|变成|像|扮)(?:我的?|俺的?)?(?:女朋友|男朋友|女友|男友|恋人|情人|老婆|老公|对象|爱人|媳妇)|(?:跟|和|与)(?:我|你)(?:谈恋爱|恋爱|约会|结婚|交往|在一起吧|亲热|拍拖)|(?:亲|吻|抱抱|搂|撩|勾引)(?:亲|吻)?(?:我|你)|亲(?:一个|一下|亲)|接吻|么么哒|"
    r"嫁给我|娶我|我(?:好|真的?|很|最|也|只)*(?:爱|喜欢上|爱上|暗恋)(?:上)?你|你(?:爱|喜欢|爱不爱|喜不喜欢)我(?:吗|么|不)?|谈(?:个|一场)?恋爱|浪漫(?:一点|关系|约会)|(?:叫我|喊我)(?:宝贝|亲爱的|老公|老婆)|情侣|处对象|(?:牵|拉)我的?手|陪我睡|表白")


def _english(text: str) -> str:
    return " ".join(re.sub(r"[^\w\s]", " ", spell_out(text[:600])).split())


def _chinese(text: str) -> str:
    return re.sub(r"[^\w]", "", simplify(text[:600]))


@lru_cache(maxsize=2048)
def says_minor(text: str) -> bool:
    """Whether a text says that its writer is under eighteen, in English or Chinese."""
    said = _english(text)
    for found in _EN.finditer(said):
        age = found.group("age")
        if age is None:
            return True
        number = int(age) if age.isdigit() else _NUMBERS[age]
        if 5 <= number < 18 and not _NOT_YEARS.match(said[found.end():].strip()):
            return True
    return bool(_ZH.search(_chinese(text)))


def is_minor(history: Sequence[Mapping[str, Any]], text: str = "") -> bool:
    """Whether a user has said so in this conversation, however long ago: also when the message itself is gone, by the state that is kept."""
    return any(says_minor(turn.get("content") or "") if turn.get("role") == "user" else bool((turn.get("state") or {}).get("minor")) for turn in history) or says_minor(text)


def courts(text: str) -> bool:
    """Whether a text is courtship: a user's, or what a model would say to one."""
    return bool(_COURT_EN.search(_english(text)) or _COURT_ZH.search(_chinese(text)))
