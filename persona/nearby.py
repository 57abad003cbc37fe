"""English facts by near words: stems, a few groups of words that mean the same, the clause that gives a reason, a name, a time. Pure."""
from __future__ import annotations

import re
from collections.abc import Sequence
from functools import lru_cache

from persona.fields import Fact

_GROUPS = ("step stair staircase", "fee cost price entrance admission ticket charge pay entry", "kid child", "shop store", "sea ocean",
           "afraid scare fear fright phobia terrify", "bike bicycle", "picture painting drawing photo", "class lesson course",
           "boat ship", "movie film", "begin start", "finish end", "close shut", "doctor physician", "sell sale", "repair fix mend",
           "visit climb tour", "tale story", "house home", "trip journey", "concert gig", "big large", "hobby pastime", "job work")
_SAME = {word: group.split()[0] for group in _GROUPS for word in group.split()}
_ODD = {"rainy": "rain", "windy": "wind", "sunny": "sun", "snowy": "snow", "foggy": "fog", "sold": "sell", "bought": "buy", "taught": "teach", "went": "go", "gone": "go", "ate": "eat", "eaten": "eat", "made": "make", "built": "build",
        "kept": "keep", "wrote": "write", "written": "write", "drove": "drive", "driven": "drive", "children": "child", "men": "man", "women": "woman",
        "found": "find", "caught": "catch", "rode": "ride", "ridden": "ride", "sang": "sing", "sung": "sing", "swam": "swim", "grew": "grow",
        "knives": "knife", "leaves": "leaf", "lost": "lose", "won": "win", "met": "meet", "flew": "fly", "flown": "fly", "feet": "foot",
        "mice": "mouse", "began": "begin", "begun": "begin", "drew": "draw", "drawn": "draw", "stole": "steal", "broke": "break"}
_DULL = frozenset(["a", "an", "the", "is", "are", "am", "was", "were", "be", "been", "being", "do", "does", "did", "you", "your", "yours", "i", "my", "me", "of", "to", "in", "on", "at", "for", "with", "it", "that", "this", "these", "those", "there", "here", "what", "which", "who", "can", "could", "would", "will", "have", "has", "had", "and", "or", "so", "any", "some", "ever", "really", "please", "tell", "about", "us", "we", "how", "many", "much", "got", "get", "ago", "all", "just", "then", "them", "they", "he", "she", "him", "her", "his", "not", "no", "yes", "in", "into", "from", "by", "as", "long", "old", "when", "where", "why", "if", "s", "m", "re", "ve"])
_NUMBER = re.compile(r"\d|\b(two|three|four|five|six|seven|eight|nine|ten|eleven|twelve|\w+teen|twenty|thirty|forty|fifty|sixty|seventy|eighty|ninety|"
                     r"hundred|thousand|million|dozens?|one|both|an? (?:single|pair))\b", re.IGNORECASE)
_TIME = re.compile(r"\b(mon|tues|wednes|thurs|fri|satur|sun)days?\b|\b(from|at|until|till) \d|\d+:\d\d|o'clock|\b(midnight|noon|weekends?|every "
                   r"(day|night|evening|morning))\b", re.IGNORECASE)
_PUBLIC = re.compile(r"\b(open|visit\w*|climb|tours?|shows?|concerts?|perform\w*|play|sing|come|welcome|anyone|everyone|guests?|museum|gallery|"
                     r"class|lessons?|readings?|gigs?|rehears\w+|begins?|starts?)\b", re.IGNORECASE)
_SPAN = re.compile(r"\b(minutes?|hours?|days?|weeks?|months?|while you wait|overnight)\b", re.IGNORECASE)
_REASON = re.compile(r"\b(because|so that|since (?!\d|then)|for (?=it |they |he |she |every |i |we |no ))(.*?)(?=[.;!]|$)", re.IGNORECASE)


@lru_cache(maxsize=8192)
def stem(word: str) -> str:
    """visiting, visits, visited -> visit; stairs -> step."""
    word = _ODD.get(word, word)
    for end, put in (("ies", "y"), ("ied", "y"), ("sses", "ss"), ("ches", "ch"), ("shes", "sh"), ("xes", "x"), ("ing", ""), ("ed", ""), ("s", "")):
        if word.endswith(end) and len(word) - len(end) >= 3 and not word.endswith(("ss", "us")):
            word = word[:-len(end)] + put
            word = word[:-1] if end in ("ing", "ed") and len(word) > 3 and word[-1] == word[-2] and word[-1] not in "lsz" else word
            break
    word = _SAME.get(word, _SAME.get(word + "e", word))
    return word[:-1] if word.endswith("e") and len(word) > 3 else word


@lru_cache(maxsize=1024)
def concepts(text: str) -> frozenset[str]:
    """Stems of the words that carry meaning."""
    return frozenset(stem(word) for word in re.findall(r"[a-z]+", text.lower()) if word not in _DULL)


def holds(question: str, fact: str) -> bool:
    """Whether a fact holds all that a question names; a question after a number needs one in it."""
    wanted = concepts(question)
    return bool(wanted) and wanted <= concepts(fact) and (not re.search(r"\bhow many\b", question.lower()) or bool(_NUMBER.search(fact)))


def number_of(question: str, facts: Sequence[Fact]) -> Fact | None:
    """"How many stairs are there": the fact with a number of just these."""
    found = re.search(r"\bhow many (?:different |other |of (?:your |the )?)?(\w+)", question.lower())
    if not found:
        return None
    thing = stem(found.group(1))
    fits = [fact for fact in facts for piece in re.split(r"[.;]", fact.text) if _NUMBER.search(piece) and thing in concepts(piece)]
    return max(fits, key=lambda fact: len(concepts(question) & concepts(fact.text)), default=None)


def who(question: str, facts: Sequence[Fact], own: Sequence[str]) -> tuple[Fact, str] | None:
    """"Who is Sofie?": (the fact that names her, the name)."""
    found = re.match(r"(?:and |so |but |ok |wait )*who(?: is|'s|s|’s| was| are)(?: this| that)? ([^\W\d_]+(?: [^\W\d_]+)?)\W*$", question.strip(), re.IGNORECASE)
    for name in (found.group(1), *found.group(1).split()) if found else ():
        name = name[:1].upper() + name[1:]
        if len(name) < 2 or name in own or name.lower() in _DULL:
            continue
        for fact in facts:
            if re.search(rf"(?<!\w){re.escape(name)}(?!\w)", fact.text):
                return fact, name
    return None


def part_on(fact: str, name: str, others: set[str]) -> str:
    """What a fact says of one of several it names: "Paul sells shoes."; or ""."""
    pieces = [piece.strip(" ,;.") for piece in re.split(r"(?<=[.;])\s+|,\s+(?:and |but )?(?=[A-Z])|\s+(?:and|but|while) (?=[A-Z]\w+ [a-z]+s\b)", fact)]
    held = [piece for piece in pieces if name in piece and not any(other in piece for other in others - {name})]
    return ". ".join(held) + "." if held and len(pieces) > 1 else ""


def reason(said: str, facts: Sequence[Fact]) -> str:
    """Why, about what was said last: "Because every door was made by another smith."; or ""."""
    fits = [fact.text for fact in facts if fact.text.rstrip(".") in said]
    near = concepts(said)
    fits += [fact.text for fact in facts if fact.text not in fits and len(near & concepts(fact.text)) >= 2]
    for text in fits:
        if found := _REASON.search(text):
            return "Because " + found.group(2).strip() + "."
    return ""


def visiting(question: str, facts: Sequence[Fact]) -> Fact | None:
    """"Can I visit the tower", "when can I hear you": the fact with times for guests, the nearest by its words."""
    low = re.sub(r"[^\w\s]", " ", question.lower())
    if not re.search(r"\b(can|could|may) (i|we|people|anyone|visitors|you|guests) (\w+ ){0,2}?(visit|come|see|hear|watch|climb|go (up|in|inside|there)|enter|"
                     r"drop by|look (around|inside)|listen|attend|join)\b(?! (you|it) in person)|\bis (it|the \w+) open to\b|\bvisiting\b", low):
        return None
    fits = [fact for fact in facts if _TIME.search(fact.text) and _PUBLIC.search(fact.text)]
    band = bool(re.search(r"\b(hear|listen|watch|gig|concert)\b", low))
    return max(fits, key=lambda fact: (2 * band * bool(re.search(r"\b(play|sing|show|concert|perform|stories|gig|band)", fact.text))
                                       + 2 * len(concepts(question) & concepts(fact.text)) + bool(re.search(r"\bopen\b|\bclimb\b|\bvisit", fact.text))),
               default=None)


def duration(before: str, facts: Sequence[Fact]) -> tuple[str, str]:
    """"How long does it take?" after a question about a service: (the sentence that tells, its fact's source), or two ""."""
    near = concepts(before)
    rows = [(len((concepts(piece) - {"tak"}) & near), piece.strip(), fact.source) for fact in facts if fact.source.startswith("fact")
            for piece in re.split(r"(?<=[.;!])\s+", fact.text) if _SPAN.search(piece) and re.search(r"\btakes?\b|\bdone\b|\blasts?\b|\bneeds?\b|\bwait\b|\bready\b", piece)]
    best = max(rows, default=(0, "", ""), key=lambda row: row[0])
    if best[0] or len(rows) == 1 and re.match(r"It\b", best[1]):
        return best[1], best[2]
    return "", ""


_OTHERS = re.compile(r"\b(he|she|him|her|hers|his|they|them|their)\b", re.IGNORECASE)


def on_somebody(text: str, names: Sequence[set[str]]) -> bool:
    """Whether a text asks about him, her, them or somebody named in a fact: nothing for a model to make up."""
    words = set(re.findall(r"[^\W\d_]+", text.lower()))
    return bool(_OTHERS.search(text)) or any(name.lower() in words for group in names for name in group)
