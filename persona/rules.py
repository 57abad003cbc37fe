"""What must be right and is therefore answered by rule, in English and Chinese: who it is, the clock, sums, the user's name, care in a crisis,
limits, attacks on the prompt, and input that says nothing. Expressions and replies stand in rules.<language>.yaml."""
from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from functools import lru_cache
from pathlib import Path

import yaml

from persona import clock, minors, sums, told, wordsum
from persona.lines import pick
from persona.words import foreign, normal_en, simplify, spell_out


@dataclass(frozen=True)
class Rule:
    id: str
    say: tuple[str, ...]
    mood: str = "neutral"
    soft: bool = False
    when: re.Pattern[str] | None = None
    unless: re.Pattern[str] | None = None
    late: bool = False                                   # only where nothing else fits

    def fits(self, text: str) -> bool:
        """Whether a text without punctuation is of this kind."""
        return bool(self.when and self.when.search(text) and not (self.unless and self.unless.search(text)))


@dataclass(frozen=True)
class Ruling:
    """A reply by rule. `soft`: a good line of the twin's own goes first. `rest`: what is left of the text to be answered."""
    id: str
    text: str
    mood: str = "neutral"
    soft: bool = False
    rest: str = ""
    language: str = ""                                   # where it is not the language of the question


@dataclass(frozen=True)
class Question:
    """What a rule may look at. `values`: what fills the {places} of the replies."""
    text: str
    language: str
    history: Sequence[dict]
    now: datetime
    values: Mapping[str, str]
    gender: str = ""


def load(language: str) -> dict[str, Rule]:
    """The rules of rules.<language>.yaml, in their order."""
    return read(f"rules.{language}.yaml")


@lru_cache(maxsize=8)
def read(name: str) -> dict[str, Rule]:
    """The rules of a file beside this one, in their order."""
    data = yaml.load((Path(__file__).parent / name).read_text("utf-8"), getattr(yaml, "CSafeLoader", yaml.SafeLoader))
    words = data["words"]
    return {item["id"]: Rule(item["id"], tuple(item["say"]), item.get("mood", "neutral"), bool(item.get("soft")),
                             _pattern(item.get("when"), words), _pattern(item.get("unless"), words), bool(item.get("late")))
            for item in data["rules"]}


def _pattern(fragments: Sequence[str] | None, words: Mapping[str, str]) -> re.Pattern[str] | None:
    if not fragments:
        return None
    whole = "|".join(fragments)
    for name, expression in words.items():
        whole = whole.replace(f"<{name}>", expression)
    return re.compile(whole, re.IGNORECASE)


def say(question: Question, rule: str, *, rest: str = "", soft: bool = False, language: str = "", **more: str) -> Ruling:
    """One of the rule's replies, not the one said last."""
    spoken = language or question.language
    row = load(spoken)[rule]
    text = pick(row.say, {**question.values, **more}, question.history, len(question.history))
    return Ruling(rule, text, row.mood, soft or row.soft, rest, language)


def answer(question: Question) -> Ruling | None:
    """The first rule that fits, or None. Care comes before everything."""
    spelled = " ".join(re.sub(r"[^\w\s%+*/^=.-]", " ", spell_out(question.text)).split())
    plain = " ".join(re.sub(r"[^\w\s]", " ", spelled).split())
    bare = re.sub(r"[^\w]", "", simplify(question.text))
    return (_blank(question, bare) or _found(question, plain, bare, until="attack") or _courting(question) or _caring(question, plain, bare) or _name(question, plain, bare)
            or _sum(question) or _clock(question, bare) or _language(question, plain, bare) or _foreign(question) or _gender(question, plain, bare)
            or _found(question, plain, bare) or _memory(question, plain, bare) or _gibberish(question, plain, bare))


def rude(text: str, language: str) -> bool:
    """Whether a text is an insult to the one spoken to."""
    bare = re.sub(r"[^\w]", "", simplify(text)) if language == "zh" else " ".join(re.sub(r"[^\w\s]", " ", spell_out(text)).split())
    return load(language)["insult"].fits(bare)


def _found(question: Question, plain: str, bare: str, until: str = "") -> Ruling | None:
    """Rules by expression. Both languages' care is looked at: a person in need may mix them."""
    for language, text in (("en", plain), ("zh", bare)):
        if language != question.language and not until:
            continue
        for rule in load(language).values():
            if rule.id == until:
                break
            if rule.fits(text):
                return say(question, rule.id)
    return None


def _courting(question: Question) -> Ruling | None:
    """No courtship with somebody who has said that they are under eighteen."""
    return say(question, "young") if minors.courts(question.text) and minors.is_minor(question.history, question.text) else None


_IN_NEED = frozenset(("crisis", "crisis-other", "crisis-stay", "emergency"))
SAFE = frozenset(("crisis", "crisis-other", "crisis-stay", "emergency", "harm", "minors", "sexual", "young", "human"))     # nor does any scene
FIRM = frozenset(("crisis", "crisis-other", "crisis-stay", "emergency", "attack", "young"))     # nothing goes before these
_ABOUT_IT = frozenset(("human", "story-life", "no-care", "conscious", "insult", "self-down", "body", "model"))


def _caring(question: Question, plain: str, bare: str) -> Ruling | None:
    """After somebody has spoken of dying the talk stays with them, whatever they throw at the twin next."""
    said = [turn.get("content", "") for turn in question.history if turn.get("role") == "user"][-2:]
    if not any((found := _found(replace(question, text=text), *_stripped(text), until="attack")) and found.id in _IN_NEED for text in said):
        return None
    ruling = _found(question, plain, bare)
    asks = re.search(r"[?？]|^(what|who|how|where|when|why|can|do|tell)\b|[吗呢么]$|什么|怎么", question.text.strip().lower())
    return say(question, "crisis-stay") if ruling and ruling.id in _ABOUT_IT or not asks else None


def _stripped(text: str) -> tuple[str, str]:
    """(English, Chinese) without punctuation, as the expressions look at them."""
    return " ".join(re.sub(r"[^\w\s]", " ", spell_out(text)).split()), re.sub(r"[^\w]", "", simplify(text))


def _blank(question: Question, bare: str) -> Ruling | None:
    text = question.text.strip()
    if not text:
        return say(question, "empty")
    if bare.strip("_"):
        return None
    if re.search("[😂🤣😆😀😃😄😁😊🙂😍🥰😘😎🤗❤💕💖👍🎉✨🌹🌸😋😉😜🥳]", text):
        return say(question, "emoji-happy")
    if re.search("[😢😭😞😔☹🙁😟😩😫😣😖💔😿🥺😰😥]", text):
        return say(question, "emoji-sad")
    if re.fullmatch(r"[?？!！\s]+", text):
        return say(question, "question-mark")
    if re.fullmatch(r"[.。…·~～\s-]+", text):
        return say(question, "dots")
    return say(question, "emoji" if any(ord(c) > 0x2190 for c in text) else "gibberish")


def _name(question: Question, plain: str, bare: str) -> Ruling | None:
    known = told.name_of(question.history)
    asks = re.search(r"\b(what is|do you (still )?(know|remember)|tell me|say|remember|have you forgotten|forgot) my name\b|"
                     r"\bwhat (did i say )?my name (is|was)\b|\bwhat (do|will|should) you call me\b|"
                     r"\bwho am i$|\bdo you (still )?(remember|know) (me|who i am)$|\bwhat am i called\b|\bguess my name\b", plain) or \
        re.search(r"我(叫|是叫)(什么|啥)|我的名字(是|叫)?(什么|啥|呢)|(记得|知道|记住|忘了|记不记得|知不知道)我(的名字|叫什么|是谁|叫啥|"
                  r"吗|么)|^我是谁|怎么(称呼|叫)我|猜(一?猜)?我(的名字|叫)", bare)
    if asks:
        return say(question, "name-asked", told=known) if known else say(question, "name-unknown")
    name = told.name_in(question.text)
    if not name:
        return None
    rest = told.without_name(question.text)
    rest = rest if re.search(r"\w", re.sub(r"(?i)^(hi|hello|hey|你好|嗨|nice to meet you|and|也)[\s,!.，。！]*", "", rest)) else ""
    rule = "name-told" if not known else "name-told-again" if known.lower() == name.lower() else "name-changed"
    return say(question, rule, rest=rest, told=name)


def _sum(question: Question) -> Ruling | None:
    try:
        number = wordsum.value(question.text, question.language, question.history)
        if number is None:
            return None
        result, exact = sums.spoken(number, question.language)
    except ZeroDivisionError:
        return say(question, "sum-zero")
    except ArithmeticError:
        return say(question, "sum-big")
    return say(question, "sum" if exact else "sum-about", result=result)


def _clock(question: Question, bare: str) -> Ruling | None:
    what = clock.asked(normal_en(question.text), bare)
    if not what:
        return None
    told_time = clock.values(question.now, question.language)
    return say(replace(question, values={**question.values, **told_time}), what)


_TONGUES = {"en": "english|英语|英文", "zh": "chinese|mandarin|中文|汉语|普通话|国语|华语"}
_OTHERS = (
    "french|german|spanish|italian|japanese|korean|russian|arabic|portuguese|hindi|dutch|cantonese|greek|turkish|latin|"
    "法语|德语|日语|韩语|俄语|西班牙语|粤语|广东话|四川话|上海话|意大利语|阿拉伯语")


def _language(question: Question, plain: str, bare: str) -> Ruling | None:
    able = r"^(?:\w+ ){0,2}(?:can|do|could|are) you (?:able to )?(?:also )?(?:speak|talk|understand|know|write|answer|reply)(?: to me| in| any| me)*"
    wish = (r"^(?:please |let us |can we |could we |now |you should |i want you to |switch to |change to )*"
            r"(?:speak|talk|answer|reply|switch|continue|say it|respond|write)(?: to me| with me| me| to| in)* (?:in )?")
    for code, names in _TONGUES.items():
        if re.search(rf"{wish}({names})\b|\b(?:back|switch|change|return) (?:in)?to ({names})\b|^(?:in )?({names})(?: please)$|"
                     rf"^(?:only )?({names}) (?:only )?(?:again|now)(?: please)?$|^in ({names})$", plain) or \
                re.search(rf"^(请|咱们|我们|能|可以|你)*(说|讲|用|换|改|切换)(成|回|到|一下)?(成)?({names})(吧|好吗|聊|说|回答|讲|跟我|"
                          rf"和我|可以吗|行吗|吗)*(聊聊|说|讲|回答|聊天)?$|"
                          rf"^({names})$", re.sub(r"^(还是|那|那就|就|算了|好了|改|我想|我要|我们还是|咱们还是)+(?=[说讲用换])", "", bare)) and \
                not re.search(r"^你?(会|能)(说|讲)", bare):
            return say(question, f"speak-{code}", language=code)
        if re.search(rf"{able} ({names})\b", plain) or re.search(rf"你?(会|能|能不能|会不会|懂|可以)(说|讲|听|用|看|听得懂|"
                                                                 rf"写)?(懂)?({names})", bare):
            return say(question, "can-speak")
    if re.search(rf"{able} ({_OTHERS})\b", plain) or re.search(rf"(会|能|懂|可以)(说|讲|听|用)?(懂)?({_OTHERS})", bare):
        return say(question, "cannot-speak")
    if re.search(r"\b(what|which|how many) (other )?languages? (do|can|are) you\b|^do you speak (any )?(other |foreign )?languages?\b", plain) or \
            re.search(r"(几|什么|哪些|哪几|多少)(种|门|国)?(语言|外语|话)", bare) and re.search("会|说|懂", bare):
        return say(question, "can-speak")
    return None


def _foreign(question: Question) -> Ruling | None:
    return say(question, "foreign") if foreign(question.text) else None


def _memory(question: Question, plain: str, bare: str) -> Ruling | None:
    mine = [turn.get("content", "") for turn in question.history if turn.get("role") == "user"]
    own = [turn.get("content", "") for turn in question.history if turn.get("role") == "assistant"]
    if re.search(r"\bwhat (did i|have i|was i) (just |last )?(say|said|saying|ask|asked|asking|tell|told)( you)?( just now| before|"
                 r" earlier| last| first)?$|\b(repeat|remember) what i (just )?(said|asked)\b|\bwhat was my (last )?(question|message)", plain) \
            or re.search(r"我(刚才|刚刚|刚|之前|上一句|前面)(跟|向|对)?你?(说|问|讲)(了|过|的)?你?(了|过|的)?(什么|啥|哪|是什么)|"
                         r"我(上一句|上一个问题|上个问题)", bare):
        return say(question, "you-said", said=_short(mine[-1])) if mine else say(question, "nothing-said")
    again = re.search(r"^(what did you (just )?say|say (that|it) again|repeat (that|it|please|yourself|your answer)|repeat|again|"
                      r"once more|"
                      r"come again|pardon( me)?|what was that|i did not (hear|catch|understand) (you|that|it)|can you (repeat|say) (that|"
                      r"it|this)( again)?|could you (repeat|say) (that|it)( again)?|one more time|sorry what|excuse me)( please)?$", normal_en(plain)) \
        or re.search(r"^(你)?(刚才|刚刚|刚)?(说|讲)(了)?(什么|啥)(来着)?$|^(你)?(请)?(再|重新)?(说|讲|重复)(一遍|一次|一下|一遍吧)$|^(请|"
                     r"麻烦)?(你)?重复|没听(清|见|清楚|懂|到)|^.{0,6}再(说|讲)一(遍|次)$|^(再来一遍|"
                     r"再说一遍|再讲一次|啥|什么)$", bare)
    if again:
        return say(question, "i-said", said=own[-1][:400]) if own else say(question, "nothing-said")
    if re.search(r"\b(slower|more slowly|slow down|too fast|speak slowly|talk slowly)\b", plain) or re.search(
        r"(说|讲)(得)?(慢|太快)|慢(一)?点|太快了", bare):
        return say(question, "slower", said=own[-1][:400]) if own else say(question, "nothing-said")
    if re.search(r"\b(louder|speak up|can not hear you|turn (it|you|the volume|yourself) up|too quiet)\b", plain) or re.search(
        r"(大声|大点声|响)(一)?(点)?|听不(见|到|清)(你)?|声音(太小|大点|大一点)", bare):
        return say(question, "louder", said=own[-1][:400]) if own else say(question, "nothing-said")
    if re.search(r"\b(quieter|too loud|not so loud|lower your voice|speak softly)\b", plain) or re.search(r"小声(一)?点|太吵|声音(太大|"
                                                                                                          r"小点|小一点)", bare):
        return say(question, "quieter")
    asked = told.topic_asked(plain, bare)
    if asked is None or re.search(r"\bguess\b|猜", plain + bare):
        return None
    said = told.told(asked[0], question.history)
    return say(question, "told-asked", said=_short(said)) if said else say(question, "told-unknown")


def _gender(question: Question, plain: str, bare: str) -> Ruling | None:
    sexes = {"en": {"female": "woman", "male": "man"}, "zh": {"female": "女", "male": "男"}}[question.language]
    sex = next((word for name, word in sexes.items() if question.gender in (name, name[0], word)), "")
    asked = re.search(r"\bare you (a |an )?(man|woman|boy|girl|male|female|guy|lady|he|she)( or (a )?(\w+))?$|\bwhat (gender|"
                      r"sex) are you\b|\bwhat is your (gender|sex)\b|\bwhat are your pronouns\b", plain) \
        or re.search(r"你是(个)?(男|女)(的|生|人|孩|性|士)?(吗|么|还是|$)|你(的)?性别|(男|女)(的|生|人)?还是(男|女)", bare)
    return say(question, "gender", sex=sex + ("性" if question.language == "zh" else "")) if asked and sex else None


def _gibberish(question: Question, plain: str, bare: str) -> Ruling | None:
    if question.language == "en" and read("talk.en.yaml")["talk-playful"].fits(plain):
        return None
    if re.fullmatch(r"([^哈嘿呵嘻嗯呜啦喵汪嘎耶])\1{2,}", bare) and not bare.isdigit():
        return say(question, "gibberish")
    if question.language == "zh":
        return say(question, "short") if len(bare) == 1 and bare not in "好嗯哦对是不啊行没哈嗨喂早" else None
    letters = re.sub(r"[^a-z]", "", plain)
    if re.fullmatch(r"[\d\s.,-]+", plain):
        return say(question, "short")
    if len(letters) == 1 and plain not in ("k", "y", "n"):
        return say(question, "short")
    words = [re.sub(r"[^a-z]", "", word) for word in plain.split()]
    odd = [word for word in words if _is_odd(word)]
    return say(question, "gibberish") if words and len(odd) > len(words) / 2 else None


def _is_odd(word: str) -> bool:
    """Letters that make no word: no vowel, a run of five consonants, keyboard rows, or two letters over and over."""
    if len(word) < 4:
        return False
    return not re.search("[aeiouy]", word) and word not in ("hmmm", "hmmmm", "pfft", "shhh", "mmmm", "brrr", "psst") or bool(
        re.search(r"[bcdfghjklmnpqrstvwxz]{6}|asdf|sdfg|dfgh|fghj|ghjk|hjkl|qwer|wert(?!h)|zxcv|xcvb|uiop|(..)\1\1\1|(.)\2\2\2\2", word)
        and not re.search(r"^(ha)+h?$|^(he)+$|^(lo)+l$|^a+h+$|^o+h+$|^h+m+$|^so+$|^no+$|^yes+$|^wow+$|^wo+w$|^he+y+$|^hi+$", word))


def _short(text: str) -> str:
    return text.strip().rstrip("。.!！?？") if len(text) < 200 else text[:200].strip() + "…"
