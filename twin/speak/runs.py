"""Text -> sentences, and a sentence -> runs of one language each. Pure."""
from __future__ import annotations

import re
from collections.abc import Iterator

LONGEST = 180                                            # characters espeak is given at once
# A dot behind these never ends a sentence here: where it does end one, twin/text.py, which hears the next word, has cut already.
ABBREVIATIONS = frozenset(("mr", "mrs", "ms", "dr", "prof", "rev", "gen", "col", "sgt", "capt", "lt", "gov", "sen", "hon", "mt", "st", "vs", "etc", "cf",
                           "no", "approx", "jr", "sr", "inc", "ltd", "fig", "vol", "pp", "jan", "feb", "apr", "aug", "sept", "oct", "nov", "dec"))
_DOTTED = re.compile(r"(?:[a-z]{1,2}\.)+[a-z]{1,2}")       # e.g  p.m  u.s  ph.d
_ITEM = re.compile(r"(?:.*\n)?\s*\d{1,3}\.", re.S)        # "1." before the first thing of a list

# A code block is one lump whatever stands in it; otherwise a sentence ends at its marks, with the quotes and brackets that close there.
_LUMP = re.compile(
    r"```.*?(?:```|\Z)|[^\n.!?。！？…]*(?:[.!?]+[\"'”’)\]*_]*(?=\s|\Z|[\u3400-\u9fff])|[。！？…]+[\"'”’）」』\]]*|[.!?]|\n+|\Z)\s*", re.S)
_CUT = (re.compile(r"[,;:，；：、—]\s*"), re.compile(r"\s+"))

# (first, last, language) of the scripts that tell a language by themselves, and the languages that may keep them.
SCRIPTS = (
    (0x3040, 0x30FF, "ja"), (0x3400, 0x9FFF, "cmn"), (0xF900, 0xFAFF, "cmn"), (0x20000, 0x3FFFF, "cmn"), (0xAC00, 0xD7AF, "ko"),
    (0x0370, 0x03FF, "el"), (0x0400, 0x052F, "ru"), (0x0530, 0x058F, "hy"), (0x0590, 0x05FF, "he"), (0x0600, 0x06FF, "ar"),
    (0x0900, 0x097F, "hi"), (0x0980, 0x09FF, "bn"), (0x0B80, 0x0BFF, "ta"), (0x0E00, 0x0E7F, "th"), (0x10A0, 0x10FF, "ka"),
)
KEEPS = {"cmn": {"cmn", "yue", "hak", "ja"}, "ru": {"ru", "uk", "bg", "sr", "be", "mk", "kk", "ky", "tt", "ba", "cv"},
         "ar": {"ar", "fa", "ur", "sd", "ug"}, "hi": {"hi", "mr", "ne", "kok"}}
# Languages in whose text a Latin word is taken for English.
_NATIVE = {"cmn", "yue", "hak", "ja", "ko", "el", "ru", "uk", "bg", "be", "mk", "he", "ar", "fa", "ur", "hi", "mr", "ne", "bn", "ta", "th",
           "ka", "hy"}


def sentences(text: str) -> Iterator[str]:
    """The text in sentences of at most LONGEST characters, nothing lost: joined they are the text again. Lazy: 100,000 characters cost
    no more than the first sentence until the second is asked for."""
    held, at = "", 0
    while at < len(text):
        found = _LUMP.match(text, at)
        lump = found[0] if found and found[0] else text[at:at + LONGEST]
        at += len(lump)
        held += lump
        if len(held) < LONGEST and _goes_on(held):
            continue
        yield from [held] if held.startswith("```") else _short(held)
        held = ""
    if held:
        yield from _short(held)


def _goes_on(text: str) -> bool:
    """A dot that ends no sentence: within a number or address, behind an abbreviation or an initial; or marks in something acted or a link."""
    bare = text.rstrip()
    if not bare or (bare[-1] in ".!?" and text == bare):  # nothing yet, or "3.5", "a.b/?c=1"
        return True
    if "\n" not in text[len(bare):] and (bare.count("*") % 2 or bare.count("`") % 2 or bare.rfind("[") > bare.rfind("]")):
        return True
    if bare[-1] != "." or "\n" in text[len(bare):]:
        return False
    word = bare[:-1].split()[-1].lstrip("(\"'“‘").lower() if bare[:-1].split() else ""
    return word in ABBREVIATIONS or bool(_DOTTED.fullmatch(word) or _ITEM.fullmatch(bare)) or (len(word) == 1 and word.isalpha() and word != "i")


def _short(text: str) -> Iterator[str]:
    """Cut what is longer than LONGEST at a comma, else a space, else anywhere."""
    while len(text) > LONGEST:
        cut = 0
        for pattern in _CUT:
            cut = max((m.end() for m in pattern.finditer(text, LONGEST // 3, LONGEST)), default=0)
            if cut:
                break
        cut = cut or LONGEST
        yield text[:cut]
        text = text[cut:]
    if text:
        yield text


def script(character: str, language: str) -> str:
    """The espeak language this character asks for inside a text of `language`; "" when it goes with its neighbours."""
    code = ord(character)
    for first, last, own in SCRIPTS:
        if first <= code <= last:
            return language if language.split("-")[0] in KEEPS.get(own, {own}) else own
    if character.isalpha() and code < 0x250:
        return "en" if language.split("-")[0] in _NATIVE else language
    return ""


def runs(text: str, language: str) -> list[tuple[str, str]]:
    """[(espeak language, text)]: neighbours of one language together; digits and marks go with what they touch."""
    out: list[list[str]] = []
    for token in re.findall(r"[A-Za-z\u00c0-\u024f][A-Za-z0-9\u00c0-\u024f'’.&+-]*|.", text, re.S):
        wanted = script(token[0], language) or (language if token.isdigit() or not out else out[-1][0])
        if out and out[-1][0] == wanted:
            out[-1][1] += token
        else:
            out.append([wanted, token])
    for index in range(len(out) - 1, -1, -1):              # a run of marks alone has nothing to say: to its neighbour
        if len(out) > 1 and not any(c.isalnum() for c in out[index][1]):
            near = index - 1 if index else 1
            out[near][1] = out[near][1] + out[index][1] if index else out[index][1] + out[near][1]
            del out[index]
    return [(own, part) for own, part in out]
