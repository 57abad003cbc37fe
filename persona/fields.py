"""What a card says, as sentences the twin can say of itself: facts as they are, the description turned into the first person."""
from __future__ import annotations

import re
from dataclasses import dataclass

from persona import lorebook
from persona.card import MOST_FACTS, Persona, language_written
from persona.words import normal, words_of

_IRREGULAR = {"is": "am", "has": "have", "does": "do", "goes": "go", "was": "was", "isn't": "am not", "doesn't": "don't", "hasn't":
    "haven't"}
_VERBS = words_of(
    "works runs keeps lives loves likes hates enjoys plays teaches writes reads sings dances cooks bakes paints draws builds makes fixes "
    "repairs sells buys grows rides drives flies sails "
    "studies collects dreams wants wishes hopes knows speaks explains tells gives takes travels walks swims fishes hunts gardens climbs "
    "runs owns manages leads guides shows helps cares "
    "looks wears drinks eats sleeps wakes gets comes thinks believes says talks listens laughs jokes smiles serves brews designs "
    "develops "
    "programs codes trains coaches treats heals nurses "
    "delivers carries spends saves earns earned studied learns learned practises practices performs composes records films photographs "
    "acts directs produces publishes edits translates "
    "interprets researches explores discovers invents creates crafts carves weaves sews knits spins prefers fears avoids misses "
    "remembers "
    "forgets worries grew moved left started stopped "
    "always never often sometimes rarely usually still answers asks finds tends raises breeds feeds milks shears herds rents hosts "
    "greets "
    "restores tunes polishes maintains solves needs uses has is was does goes calls")
_STEMS_KEEP = words_of("was grew moved left started stopped earned studied learned always never often sometimes rarely usually still")


@dataclass(frozen=True)
class Fact:
    """A sentence in the first person, in the language it was written in, and where it comes from ("fact 3", "description 0")."""
    text: str
    language: str
    source: str


_MADE: dict[int, tuple[Persona, tuple[Fact, ...]]] = {}     # by identity, the persona kept so that its id stays its own


def facts(persona: Persona) -> tuple[Fact, ...]:
    """All of the card's facts, then the description and tagline sentence by sentence, first person, each language for itself."""
    if id(persona) not in _MADE:
        while len(_MADE) >= 64:
            _MADE.pop(next(iter(_MADE)), None)
        _MADE[id(persona)] = persona, _facts(persona)
    return _MADE[id(persona)][1]


def _facts(persona: Persona) -> tuple[Fact, ...]:
    found = [Fact(text if re.match(r"You (can|may|must|need|pay|get|have to|could)\b", text) else first_person(text, persona, language), language, f"fact {number}")
             for number, said in enumerate(persona.facts) for language, text in said.items()]
    for language, text in persona.description.items():
        sentences = [s for s in re.split(r"(?<!\b[DM]r\.)(?<!\bMs\.)(?<!\bSt\.)(?<!\bMrs\.)(?<=[.!?])\s+|(?<=[。！？])", text) if s.strip()]
        found += [Fact(said, language, f"description {n}") for n, s in enumerate(sentences) if (said := first_person(s.strip(), persona, language))]
    if persona.lorebook:                                 # what became a fact stands above
        lore = [text for entry in persona.lorebook.entries if not entry.listed for text in lorebook.sentences(entry.content)]
        found += [Fact(first_person(text, persona, code := language_written(text)), code, f"lore {n}") for n, text in enumerate(lore[:MOST_FACTS])]
    if tagline := persona.tagline.get("zh"):
        found.append(Fact(f"我是{tagline.rstrip('。')}。", "zh", "tagline"))
    return tuple(found)


def first_person(sentence: str, persona: Persona, language: str) -> str:
    """"Maya runs a workshop." -> "I run a workshop." A sentence already in the first person, or about another, stays as it is."""
    names = [n for n in persona.name.values() if n]
    names += [word for n in names for word in n.split() if len(word) > 1 and word[0].isupper()]
    names = sorted(set(names), key=len, reverse=True)
    return (_zh if language == "zh" else _en)(sentence, names)


_KIN = r"wife|husband|mother|father|sister|brother|daughter|son|friend|grand\w+|girlfriend|boyfriend|boss|partner|uncle|aunt|cousin|neighbou?r|teacher|man|woman"
_LED = re.compile(rf"((?!.*\b(?:{_KIN})s?\b.*\b(?:he|she)\b)(?:Before|After|Every|Each|As|Since|In|On|At|When|By|For|Once|During|From|Until|Twice|These days|Nowadays|Now|Today|Most|Sometimes|Until|Every|One|Two|Last|This)\b"
                  r"[^.;:]*?,? )((?:he|she) .*)$")
_LED_ZH = re.compile(r"^((?:[\d一二三四五六七八九十]{2,4}年|每[天周年月晚]|以前|从前|后来|现在|如今|退休后|年轻时|小时候|平时|周末|最近|早年|当年)[^，。他她妻夫妈爸儿女姐妹哥弟]{0,12}?，?)[他她](?![们人])(.*)$")


def _en(sentence: str, names: list[str]) -> str:
    named = "|".join(re.escape(name) for name in names) or "~"
    if re.match(r"(?:I|My|We|Our|I'm|I've)\b", sentence):
        return sentence
    if re.match(r"You(?:r|['’]re)?\b", sentence):
        return _second(sentence)
    subject = re.match(rf"((?:\w+ )?(?:{named})(?:\s+(?:{named}))*|He|She|They|This (?:character|person))(?:,? (\w+ly|also|always|never|"
                       rf"often|still))?(?=[\s,'’])", sentence)
    possessive = re.match(rf"(?:His|Her|Their|(?:{named})['’]s)\s", sentence)
    if possessive and not (subject and not sentence[subject.end():].startswith(("'s ", "’s "))):
        return _pronouns("My " + sentence[possessive.end():], named)
    if not subject:
        if found := _LED.match(sentence):                # "Before the lighthouse he was a postman": the first he or she is the twin
            return found.group(1) + _en(found.group(2)[:1].upper() + found.group(2)[1:], names)
        return re.sub(r"\b(calls?|called|knows?|loves?|likes?) (?:him|her)\b(?! \w+s\b)", r"\1 me", sentence)
    rest = sentence[subject.end():]
    rest = re.sub(r"^['’]s\b", " is", rest)
    adverb = f" {subject.group(2)}" if subject.group(2) else ""
    plural = subject.group(1) == "They"
    if found := re.match(r"(\s*(?:\([^)]*\)\s*|,[^,]*,\s*)?)(\w+(?:['’]t)?)", rest):
        verb = found.group(2)
        own = {"are": "am"}.get(verb, verb) if plural else _base(verb)
        rest = found.group(1) + own + rest[found.end():]
    rest = re.sub(r"(,? (?:and|but|or)(?: also| always| never| often| now| still| then| sometimes| usually| even| only| later)? |, (?:then )?)(\w+s|is|has|does|goes)\b",
                  lambda m: m.group(1) + (_base(m.group(2)) if m.group(2) in _VERBS or re.search(r"\b(?:now|still|then|often) $", m.group(1)) else m.group(2)), rest)
    return _pronouns("I" + adverb + rest, named)


def _base(verb: str) -> str:
    if verb.lower() in _IRREGULAR:
        return _IRREGULAR[verb.lower()]
    if verb in _STEMS_KEEP or not verb.endswith("s") or verb.endswith("ss"):
        return verb
    if verb.endswith("ies") and len(verb) > 4:
        return verb[:-3] + "y"
    if re.search(r"(ch|sh|ss|x|zz|o)es$", verb):
        return verb[:-2]
    return verb[:-1]


def _pronouns(text: str, named: str) -> str:
    """Of a sentence whose subject has become "I": his, her, himself -> my, myself. "her" without a noun becomes "me"."""
    other = re.search(r"\b(wife|husband|mother|father|sister|brother|daughter|son|friend|grand\w+|girlfriend|boyfriend|boss|partner)\b", text)
    if not other or re.search(r"\b(his|her|their) (own )?(wife|husband|mother|father|sister|brother|daughter|son|friend|grand\w+|"
                              r"girlfriend|boyfriend|boss|partner)", text):
        text = re.sub(r"\b(?:himself|herself|themselves|themself)\b", "myself", text)
        text = re.sub(r"\b(?:his|their)\b", "my", text)
        text = re.sub(r"\bher\b(?= \w)(?! (?:to|and|when|if|in|at|on|for|with|from|a|an|the|that|by|up|over|out|off|down|back|away)\b)", "my", text)
        text = re.sub(r"\b(?:him|them)\b|\bher\b(?! (?:over|out|off|down|back|away)\b)", "me", text)
        text = re.sub(r"\b(?:he|she) is\b|\b(?:he|she)['’]s\b", "I am", text)
        text = re.sub(r"\b(?:he|she) (\w+)", lambda m: "I " + _base(m.group(1)), text)
    return re.sub(rf"\b(?:{named})['’]s\b", "my", text)


def _second(text: str) -> str:
    for pattern, with_ in ((r"\bYou are\b|\bYou['’]re\b", "I am"), (r"\byou are\b|\byou['’]re\b", "I am"), (r"\bYou\b", "I"), (r"\bYour\b",
        "My"), (r"\byour\b", "my"),
                           (r"\byourself\b", "myself"), (r"\byours\b", "mine"), (r"\b(to|for|with|of|by|from|at|about) you\b", r"\1 me"), (
                               r"\byou\b", "I")):
        text = re.sub(pattern, with_, text)
    return text


def _zh(sentence: str, names: list[str]) -> str:
    if sentence.startswith(("我", "咱")):
        return sentence
    if sentence.startswith(("你", "您")):
        return sentence.replace("您", "你").replace("你", "我")
    named = "|".join(re.escape(name) for name in names) or "~"
    found = re.match(rf"(?:{named}|[他她它](?!们))", sentence)
    if not found:
        led = _LED_ZH.match(sentence)
        return f"{led.group(1)}我{led.group(2)}" if led else sentence
    rest = sentence[found.end():]
    rest = re.sub(r"^[，,]", "", rest)
    if not re.search(r"(妻子|丈夫|妈|爸|姐|妹|哥|弟|女儿|儿子|朋友|孙)", rest):
        rest = re.sub(r"(?<![吉其排])[他她](?![们人])", "我", rest)
    return "我" + re.sub(rf"(?:{named})(?=的)", "我", rest)


def statement(question: str, language: str) -> str:
    """A question to the twin as the statement that would answer it: "do you have a cat" -> "i have a cat"."""
    asked = normal(question, language)
    if language == "zh":
        return asked.replace("你", "我")
    asked = re.sub(r"^(?:do|did|have|are|were|can|will|would) you\b", lambda m: "i am" if m.group().startswith(("are", "were")) else "i", asked)
    asked = re.sub(r"^(?:what|which|where|when|who|how)\b (?:is|are|was|do|does|did)?\s*", "", asked)
    for pattern, with_ in ((r"\byou are\b", "i am"), (r"\byour\b", "my"), (r"\byours\b", "mine"), (r"\byou\b", "i")):
        asked = re.sub(pattern, with_, asked)
    return asked
