"""Whom or what a question is about, when it is not the twin itself: a relative, an animal, the shop; and who "she" or "it" is. Pure."""
from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from functools import cache, lru_cache

from persona.words import simplify, spell_out

# (kind, English, Chinese, pronouns that may stand for it); the kind tells whether a sentence speaks of the same.
_THINGS = (
    ("wife", r"wife", r"妻子|老婆|太太|媳妇", "she"),
    ("husband", r"husband", r"丈夫|老公|先生", "he"),
    ("spouse", r"spouse", r"爱人|老伴|另一半|配偶", "they he she"),
    ("daughter", r"daughters?", r"女儿|闺女", "she they"),
    ("son", r"sons?", r"儿子", "he they"),
    ("grandchild", r"grand(?:child|children|son|daughter|kid)s?", r"孙女|孙子|孙辈|外孙", "she he they"),
    ("child", r"child|(?<!to )(?<!for )children(?! (?:under|over|get|pay|are free))|kids?(?! "
              r"under)", r"(?<!以下的)(?<!以下)孩子|小孩", "they she he"),
    ("grandmother", r"grandmother|grandma|granny", r"外婆|奶奶|姥姥|祖母", "she"),
    ("grandfather", r"grandfather|grandpa", r"外公|爷爷|姥爷|祖父", "he"),
    ("mother", r"mother|mom|mum|mama", r"妈妈|母亲|妈", "she"),
    ("father", r"father|dad|papa", r"爸爸|父亲|爸(?!妈)", "he"),
    ("parents", r"parents", r"父母|爸妈|双亲", "they"),
    ("siblings", r"brothers|sisters|siblings", r"兄弟姐妹|兄弟|姐妹|哥哥们|两个弟弟", "they he she"),
    ("sister", r"sister", r"姐姐|妹妹|姐", "she"),
    ("brother", r"brother", r"哥哥|弟弟", "he"),
    ("cat", r"cats?|kitten", r"猫", "it he she"),
    ("dog", r"dogs?|puppy|sheepdog", r"狗", "it he she"),
    ("tortoise", r"tortoise|turtle", r"乌龟|龟", "it he she"),
    ("pet", r"pets?", r"宠物", "it he she"),
    ("horse", r"horse|pony", r"马(?!上|路|马|虎)", "it he she"),
    ("goat", r"goats?|sheep|lamb", r"山羊|羊", "it he she"),
    ("rabbit", r"rabbits?|hamster|ferret", r"兔|仓鼠", "it he she"),
    ("fish", r"goldfish", r"金鱼", "it"),
    ("bird", r"parrot|birds?|owl|canary|thrush|hens?|chickens?", r"鹦鹉|鸟", "it he she"),
    ("band", r"band", r"乐队", "it they"),
    ("bicycle", r"bicycle|bike", r"自行车|钢架车", "it"),
    ("friend", r"friends?", r"朋友", "he she they"),
    ("boss", r"boss|manager|supervisor", r"老板|领导|上司", "he she"),
    ("uncle", r"uncle", r"叔叔|舅舅|伯伯", "he"),
    ("aunt", r"aunt|auntie", r"阿姨|姑姑|舅妈|姨妈", "she"),
    ("cousin", r"cousins?", r"表哥|表姐|表弟|表妹|堂哥|堂弟|堂姐|堂妹", "he she they"),
    ("neighbour", r"neighbou?rs?", r"邻居", "he she they"),
    ("colleague", r"colleagues?|coworkers?|mate|crew|apprentice|assistant|helper", r"同事|大副|船员|搭档|徒弟", "he she they it"),
    ("crab", r"crab", r"螃蟹", "it he she"),
    ("girlfriend", r"girlfriend", r"女朋友", "she"),
    ("boyfriend", r"boyfriend", r"男朋友", "he"),
)
_KINDS = tuple((kind, re.compile(rf"\b(?:{en})\b"), re.compile(zh), frozenset(pronouns.split())) for kind, en, zh, pronouns in _THINGS)
_KIN = {"siblings": ("sister", "brother"), "child": ("daughter", "son"), "parents": ("mother", "father"), "pet": ("cat", "dog", "tortoise",
    "horse", "bird", "goat", "rabbit", "fish"),
        "spouse": ("wife", "husband"), "wife": ("spouse",), "husband": ("spouse",)}
_PRONOUNS = {"she": "she", "her": "she", "hers": "she", "he": "he", "his": "he", "him": "he", "it": "it", "its": "it", "they": "they",
    "their": "they", "them": "they",
             "她": "she", "他": "he", "它": "it", "她们": "they", "他们": "they", "它们": "they"}


@cache
def _each(template: str, language: str) -> tuple[tuple[str, re.Pattern[str]], ...]:
    """(kind, the template around its words), compiled once: there are more of them than Python's own cache of patterns holds."""
    return tuple((kind, re.compile(template.replace("<one>", (zh if language == "zh" else en).pattern))) for kind, en, zh, _ in _KINDS)


EXACT = frozenset(("son", "daughter", "wife", "husband", "sister", "brother", "cat", "dog", "mother", "father", "horse", "rabbit",
                   "grandmother", "grandfather"))


@lru_cache(maxsize=64)
def of(text: str, language: str) -> str:
    """The kind of person or thing the question is about ("your daughter", "你女儿"), or ""."""
    if language == "zh":
        simple = simplify(text)
        return next((kind for kind, asked in _each(r"你们?(?:的|家|家的|那个|那只)?(?:<one>)", language) if asked.search(simple)), "")
    low = spell_out(text)
    return next((kind for kind, asked in _each(r"\byour (?:\w+ )?<one>", language) if asked.search(low)), "")


@lru_cache(maxsize=64)
def named(text: str, language: str) -> str:
    """The kind that is asked for by name, "do you have a dog", "你有姐姐吗", or ""."""
    low = simplify(text) if language == "zh" else spell_out(text)
    asking = r"(?:有|养)(?:没有)?(?:[一两几]?[个只条])?(?:<one>)" if language == "zh" else r"\bhave (?:an? |any )?(?:\w+ )?(?:<one>)\b"
    found = [kind for kind, asked in _each(asking, language) if asked.search(low)]
    return found[0] if len(found) == 1 else ""


def names(kind: str, text: str) -> bool:
    """Whether a sentence names that very kind, or one that belongs to it."""
    low = text.lower()
    return any((en.search(low) or zh.search(low)) for own, en, zh, _ in _KINDS if own in (kind, *_KIN.get(kind, ())))


def speaks_of(kind: str, text: str) -> bool:
    """Whether a sentence speaks of that kind or of one it includes."""
    wanted = {kind, *_KIN.get(kind, ()), *(whole for whole, parts in _KIN.items() if kind in parts)}
    low = text.lower()
    return any((en.search(low) or zh.search(low)) for own, en, zh, _ in _KINDS if own in wanted)


def subject(text: str, language: str, called: Mapping[str, str] | None = None) -> str:
    """The kind a text of the user is about: "your son", "and kids?", "儿子呢", or a name of `called` (name -> kind); or ""."""
    found = of(text, language) or named(text, language)
    if found:
        return found
    for name, kind in (called or {}).items():
        if re.search(rf"(?<!\w){re.escape(name.lower())}(?!\w)" if name.isascii() else re.escape(name), text.lower()):
            return kind
    if language == "zh":
        simple = re.sub(r"[^\w]", "", simplify(text))
        asking = r"(?:那|那么|还有|有)?(?:你)?(?:最?[大小]的?)?(?:<one>)(?=$|呢|吗|是|叫|做|多|几|在|结|喜|有|也|漂|长|会|住|的|今)"
        return next((kind for kind, asked in _each(asking, language) if asked.match(simple)), "")
    low = re.sub(r"[^\w ]", "", spell_out(text))
    asking = r"(?:and |but |so |what about |how about |any |the |a |got )*<one>$"
    return next((kind for kind, asked in _each(asking, language) if asked.match(low)), "")


def resolved(text: str, language: str, history: Sequence[dict], called: Mapping[str, str] | None = None) -> tuple[str, str, str]:
    """(the text with its pronoun, or what it leaves out, replaced by what was last spoken of, its kind, the pronoun), or three ""."""
    simple = simplify(text) if language == "zh" else spell_out(text)
    if of(text, language) or subject(text, language, called):
        return "", "", ""
    if language == "zh":
        found = re.search(r"(她们|他们|它们|[她他它])(?!人)", re.sub("吉他|其他", "", simple))
    else:
        found = re.search(r"\b(she|her|hers|he|his|him|its?|they|their|them)\b(?!.*\b(your|my)\b)", simple)
    pronoun = _PRONOUNS[found.group(1)] if found else ""
    asked = [turn.get("content", "") for turn in history if turn.get("role") == "user"][-3:]
    for said in reversed(asked):
        kind = subject(said, language, called)
        if kind and (not pronoun or pronoun in _allowed(kind)):
            if not pronoun and not _elliptic(simple, language):
                return "", "", ""
            word = _word(kind, said, history, language)
            bare = f"你{word}{simple}" if language == "zh" else simple
            return (_put(simple, found.group(1), word, language) if found else bare), kind, pronoun or pronoun_of(kind)
        if not pronoun and not _elliptic(said, language):
            return "", "", ""
    if not pronoun:
        return "", "", ""
    for turn in reversed(list(history)[-4:]):
        said = simplify(turn.get("content", "")).lower()
        places = sorted((match.start(), kind, match.group()) for kind, en, zh, pronouns in _KINDS if pronoun in pronouns
                        for match in [(re.search(zh, said) if language == "zh" else re.search(en, said))] if match)
        if places and found:
            _, kind, word = places[0]
            return _put(simple, found.group(1), word, language), kind, pronoun
    return "", "", ""


def _elliptic(text: str, language: str) -> bool:
    """Whether a question leaves out whom it is about: "多大了", "结婚没", "how old?"."""
    if language == "zh":
        bare = re.sub(r"[^\w]", "", simplify(text))
        return bool(re.match(r"^(那|也|还)?(多大|几岁|结婚|成家|叫什么|叫啥|做什么|干什么|干嘛|在哪|住哪|有孩子|有对象|漂亮|好看|乖|"
                             r"听话|上几年级|上学|工作|"
                             r"喜欢(?!哪|谁|什么.)|长什么|什么颜色|什么品种|性格|身体|人好|对你|会说话|会叫|今年|也会|孝顺|"
                             r"多高)", bare)) and not re.search("[你您我他她它]", bare)
    bare = re.sub(r"[^\w ]", "", spell_out(text))
    return bool(re.match(r"^(and )?(how old|married|what name|which name|any name|what breed|what colou?r|boy or girl|where)$", bare))


def _allowed(kind: str) -> frozenset[str]:
    return next((pronouns for own, _, _, pronouns in _KINDS if own == kind), frozenset())


def pronoun_of(kind: str) -> str:
    """The pronoun that fits a kind best."""
    allowed = next((row[3] for row in _THINGS if row[0] == kind), "it")
    return allowed.split()[0]


def _word(kind: str, said: str, history: Sequence[dict], language: str) -> str:
    """The word for the kind that was used last."""
    pattern = next(zh if language == "zh" else en for own, en, zh, _ in _KINDS if own == kind)
    for text in (said, *(turn.get("content", "") for turn in reversed(list(history)[-4:]))):
        if found := pattern.search(simplify(text).lower()):
            return found.group()
    return kind if language == "en" else pattern.pattern.split("|")[0]


def kind_in(text: str) -> str:
    """The first kind a sentence names, or ""."""
    low = text.lower()
    places = [(match.start(), kind) for kind, en, zh, _ in _KINDS for match in [en.search(low) or zh.search(low)] if match]
    return min(places)[1] if places else ""


def _put(text: str, pronoun: str, word: str, language: str) -> str:
    if language == "zh":
        return text.replace(pronoun, f"你{word}", 1)
    own = f"your {word}'s" if pronoun in ("his", "its", "their", "hers") or pronoun == "her" and re.search(r"\bher "
        r"\w", text) else f"your {word}"
    return re.sub(rf"\b{pronoun}\b", own, text, count=1)
