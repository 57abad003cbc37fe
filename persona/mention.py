"""Whom or what a question is about, when it is not the twin itself: a relative, an animal, the shop; and who "she" or "it" is. Pure."""
from __future__ import annotations

import re
from collections.abc import Sequence

from persona.words import simplify, spell_out

# (kind, English, Chinese, pronouns that may stand for it); the kind tells whether a sentence speaks of the same.
_THINGS = (
    ("wife", r"wife", r"妻子|老婆|太太|媳妇|爱人", "she"),
    ("husband", r"husband", r"丈夫|老公|先生", "he"),
    ("daughter", r"daughters?", r"女儿|闺女", "she they"),
    ("son", r"sons?", r"儿子", "he they"),
    ("grandchild", r"grand(?:child|children|son|daughter|kid)s?", r"孙女|孙子|孙辈|外孙", "she he they"),
    ("child", r"child|children|kids?", r"孩子|小孩", "she he they"),
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
    ("bird", r"parrot|bird|owl", r"鹦鹉|小鸟", "it he she"),
    ("band", r"band", r"乐队", "it they"),
    ("bicycle", r"bicycle|bike", r"自行车|钢架车", "it"),
    ("friend", r"friends?", r"朋友", "he she they"),
    ("girlfriend", r"girlfriend", r"女朋友", "she"),
    ("boyfriend", r"boyfriend", r"男朋友", "he"),
)
_KINDS = tuple((kind, re.compile(rf"\b(?:{en})\b"), re.compile(zh), frozenset(pronouns.split())) for kind, en, zh, pronouns in _THINGS)
_KIN = {"siblings": ("sister", "brother"), "child": ("daughter", "son"), "parents": ("mother", "father"), "pet": ("cat", "dog", "tortoise",
    "horse", "bird", "goat", "rabbit", "fish"),
        "wife": (), "husband": ()}
_PRONOUNS = {"she": "she", "her": "she", "hers": "she", "he": "he", "his": "he", "him": "he", "it": "it", "its": "it", "they": "they",
    "their": "they", "them": "they",
             "她": "she", "他": "he", "它": "it", "她们": "they", "他们": "they", "它们": "they"}


def of(text: str, language: str) -> str:
    """The kind of person or thing the question is about ("your daughter", "你女儿"), or ""."""
    if language == "zh":
        simple = simplify(text)
        return next((kind for kind, _, zh, _ in _KINDS if re.search(rf"你们?(?:的|家|家的|那个|那只)?(?:{zh.pattern})", simple)), "")
    low = spell_out(text)
    return next((kind for kind, en, _, _ in _KINDS if re.search(rf"\byour (?:\w+ )?{en.pattern}", low)), "")


def named(text: str, language: str) -> str:
    """The kind that is asked for by name, "do you have a dog", "你有姐姐吗", or ""."""
    low = simplify(text) if language == "zh" else spell_out(text)
    asked = r"(?:有|养)(?:没有)?(?:[一两几]?[个只条])?(?:{})" if language == "zh" else r"\bhave (?:an? |any )?(?:\w+ )?(?:{})\b"
    found = [kind for kind, en, zh, _ in _KINDS if re.search(asked.format(zh.pattern if language == "zh" else en.pattern), low)]
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


def resolved(text: str, language: str, history: Sequence[dict]) -> tuple[str, str]:
    """(the text with its pronoun replaced by what was last spoken of, its kind), or ("", "")."""
    simple = simplify(text) if language == "zh" else spell_out(text)
    if language == "zh":
        found = re.search(r"(她们|他们|它们|[她他它])(?!人)", re.sub("吉他|其他", "", simple))
    else:
        found = re.search(r"\b(she|her|hers|he|his|him|its?|they|their|them)\b(?!.*\b(your|my)\b)", simple)
    if not found or of(text, language):
        return "", ""
    pronoun = _PRONOUNS[found.group(1)]
    for turn in reversed(list(history)[-4:]):
        said = simplify(turn.get("content", "")).lower()
        places = sorted((match.start(), kind, match.group()) for kind, en, zh, pronouns in _KINDS if pronoun in pronouns
                        for match in [(zh if language == "zh" else en).search(said)] if match)
        if places:
            _, kind, word = places[0]
            return _put(simple, found.group(1), word, language), kind
    return "", ""


def _put(text: str, pronoun: str, word: str, language: str) -> str:
    if language == "zh":
        return text.replace(pronoun, f"你{word}", 1)
    own = f"your {word}'s" if pronoun in ("his", "its", "their", "hers") or pronoun == "her" and re.search(r"\bher \w", text) else f"your {word}"
    return re.sub(rf"\b{pronoun}\b", own, text, count=1)
