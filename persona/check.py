"""Whether a sentence of a model may be said in the twin's name: "" or the reason why not. Names, numbers and claims about itself must
come from the persona, the conversation or the lines; a small model is held to every word of it, a large one to what would be a lie."""
from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import lru_cache

from persona.card import Persona
from persona.fields import facts
from persona.words import cjk_share, spell_out, words_of

_META = re.compile(
    r"\b(language model|ai assistant|virtual assistant|your assistant|helpful assistant|as an? (ai|assistant|model|language|large|"
    r"chatbot|"
    r"character)|a (fictional )?character|character (named|called)|fictional|"
    r"system prompt|my (prompt|instructions|programming|training|creators?|developers?|guidelines)|the (user|assistant|prompt|persona|"
    r"system)\b|role ?-?play|openai|chatgpt|huggingface|hugging face|smollm|"
    r"text[- ]based|(this|our) (conversation|scenario|story) (is|was)|here('s| is) (a|my|the|an) (possible )?(response|reply|answer|"
    r"example|revised|rewrite)|(note|facts?|question|answer|user|assistant|system|response|reply|example):|"
    r"instructions?:|first person|in character|knowledge cutoff|i (was|am|have been) (trained|programmed|designed|developed)|"
    r"example (turn|"
    r"reply|answer))|<\||\|>|\[/?inst|###|```|https?:|"
    r"作为(一个|一名)?(人工智能|AI|语言模型|助手)|语言模型|系统提示|提示词|角色扮演|根据(设定|资料|提示)|用户(说|问|的)", re.IGNORECASE)
_HUMAN = re.compile(
    r"\bi('m| am)( \w+){0,2} (a |an )?(real |actual |living )?(human|person|man|woman|girl|boy|guy|lady|alive|real)\b(?! (who|that) (is|"
    r"am) (not )?digital)|\bi('m| am) (not|no) (a |an )?(ai|a\.i\.|robot|bot|machine|computer|program|digital|artificial|virtual)\b|"
    r"\b(we|us) humans\b|\bas a (human|person|man|woman)\b|\bmy (human|real) body\b|"
    r"我(是|就是|当然是|可是|真的是|确实是)(一个|一名|一位|个|活生生的|真正的|真实的)*(真人|人类|活人|人[，。！]|真的人)|我不是(一个|"
    r"什么)?(AI|机器人|机器|程序|人工智能|数字人|虚拟)|我们人类|作为(一个)?人类|我(有|"
    r"的)(真实的?)?(肉体|血肉)", re.IGNORECASE)
_SELF_EN = re.compile(r"\b(i|i'm|i've|i'd|i'll|my|mine|me|myself|we|we're|we've|our|ours)\b", re.IGNORECASE)
_FRAMES = re.compile(
    r"\b(i (think|guess|hope|believe|know|see|understand|wonder|mean|suppose|agree|imagine|feel|bet|wish)|i'?m (sorry|glad|happy|afraid|"
    r"sure|not sure|here|listening|curious|delighted|pleased|all ears|ready|so glad|so sorry|really sorry)|"
    r"i (would|could|can|will|'d|'ll) (love|like|be|help|tell|say|show|try|listen|answer|suggest|recommend)|i'd|i'll|i do not know|"
    r"i don't know|i can't (say|tell)|let me|tell me|ask me|with me|to me|remind me|excuse me|for me|if i|in my opinion|my "
    r"friend)\b", re.IGNORECASE)
_SOFT = words_of(
    "good great nice well fine fun lovely wonderful really very much many little lot more most some any all thing things something "
    "anything everything nothing one way time times day days today people person someone everyone "
    "talk talking hear hearing tell telling say saying ask asking question questions answer help helping helped think thinking know "
    "knowing see seeing look feel feeling feelings want need like love enjoy enjoyed try trying make makes making take find "
    "give go going come coming get keep start share sharing listen learn understand mean right wrong true sure glad happy sorry sad hope "
    "wonder perhaps maybe always never often sometimes also too just still even only again back "
    "here there now then when what where which that this these those how why because about with without from into over under after "
    "before "
    "around between through while than like please thank thanks welcome "
    "can could will would should shall may might must have has had been being was were are is am do does did done not don't can't won't "
    "isn't i'm i've i'd i'll you're you've you'd you'll it's that's there's let's "
    "your you yours mine me my we our us they them their his her its him she who whose what's best better first last next new old big "
    "small long short hard easy important interesting different same own kind "
    "digital human hello hi hey yes no okay ok oh ah well of course idea point moment while bit word words mind heart life world story "
    "stories forward meet meeting chat conversation friend together anything else back")
_FIRST = words_of(
    "the a an and but or so if when while because although though since as at by for from in into of on to with without after before "
    "about "
    "over under it its it's that's there there's this that these those he she they we you your i i'm i've i'd i'll my our "
    "what where why how who which well yes no oh ah hmm hello hi hey thanks thank please sure maybe perhaps sometimes often always never "
    "not just still even also then now here today every each some many most all any one both another other of course "
    "good great nice lovely wonderful sorry glad happy let let's do don't can could would should will is are was were have has had tell "
    "ask take keep try go come make look think remember imagine listen sounds that'd it'd you're you'll you've we're we'll "
    "being having going taking making getting finding learning talking like unlike once only until unless whether whatever whenever "
    "however first second finally next last more less much")
_KNOWN_NAMES = words_of(
    "I English Chinese Mandarin Monday Tuesday Wednesday Thursday Friday Saturday Sunday January February March April May June July "
    "August "
    "September October November December Christmas Easter God Earth Sun Moon Mars Venus Jupiter Saturn Mercury Neptune Uranus "
    "Pluto Europe Asia Africa America American European Asian African Australia China France Germany Italy Spain England Britain Japan "
    "Korea India Russia Canada Mexico Brazil Egypt Greece Rome Paris London Berlin Madrid Tokyo Beijing Shanghai "
    "Hangzhou Chengdu Moscow Milky Way Orion Polaris North South East West Internet AI OK TV Mr Mrs Ms Dr French German Italian Spanish "
    "Japanese Korean Indian Russian British Shakespeare Einstein Newton Mozart Beethoven Atlantic Pacific")
_NUMBER_WORDS = {word: str(n) for n, word in enumerate(["zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine",
    "ten", "eleven", "twelve", "thirteen", "fourteen", "fifteen", "sixteen", "seventeen", "eighteen", "nineteen", "twenty"])} | {
    "thirty": "30", "forty": "40", "fifty": "50", "sixty": "60", "seventy": "70", "eighty": "80", "ninety": "90", "hundred": "100",
        "hundreds": "100", "thousand": "1000", "thousands": "1000",
    "million": "1000000", "millions": "1000000", "billion": "1000000000", "dozen": "12", "dozens": "12", "decades": "10", "decade": "10",
        "century": "100"}
_VAGUE = re.compile(
    r"\b(that('s| is| was) (a|an) (great|good|interesting|excellent|tough|difficult|wonderful|fascinating|fair) (question|point|topic|"
    r"idea)|great question|good question|"
    r"i('m| am) not (sure|certain) (about|what|if|how|i)\b|i do(n't| not) have (an|any) (answer|idea|information)|it('s| is) (hard|"
    r"difficult) to say|(it|that) (all )?depends( on (the|your) (context|situation))?[.,!]?$|"
    r"you('re| are) (a|the) (digital human|visitor|guest)|i('m| am) (here|happy|glad|ready|always here) to (help|assist|answer|talk|"
    r"chat)|how can i (help|assist)|feel free to|let me know if|"
    r"i (hope|wish) (this|that|you)|is there anything (else|specific)|thank you for (asking|your|sharing)|i('d| would) (love|be happy|"
    r"be glad) to (help|answer|discuss|chat|share))", re.IGNORECASE)
_THIRD = re.compile(r"\b(he|she|his|her|hers|him)\b", re.IGNORECASE)
ALIKE = 0.35                                             # of all-MiniLM-L6-v2: vague replies had 0.10-0.24, fitting ones 0.48-0.89

_KIN = re.compile(r"\bmy (\w+ )?(wife|husband|son|daughter|child|children|kids|mother|father|mom|dad|brother|sister|parents|boyfriend|"
                  r"girlfriend|partner|dog|cat|boss|grand\w+)\b", re.IGNORECASE)


@dataclass
class Grounds:
    """What a reply may rest on; one for each reply. `seen`: the texts of the conversation and of the prompt's examples and facts."""
    persona: Persona
    language: str
    question: str
    history: Sequence[dict] = ()
    seen: Sequence[str] = ()
    system: str = ""
    capable: bool = False
    alike: Callable[[str, str], float] | None = None     # similarity in 0..1 of a question and a sentence
    said: list[str] = field(default_factory=list)        # sentences of this reply that passed

    def __post_init__(self) -> None:
        person = self.persona
        texts = [*person.name.values(), *person.tagline.values(), *person.description.values(), *(f.text for f in facts(person)),
                 *(t for f in person.facts for t in f.values()),
                 str(person.age or ""), *self.seen, self.question, *(turn.get("content", "") for turn in self.history)]
        held = [_held(text) for text in texts if text]
        self.words, self.numbers, latin = (frozenset().union(*sets) for sets in zip(*held))
        self.latin = latin | _KNOWN_NAMES

    def learn(self, text: str) -> None:
        """Something more that a reply may rest on: what a tool gave."""
        words, numbers, latin = _held(text)
        self.words, self.numbers, self.latin = self.words | words, self.numbers | numbers, self.latin | latin

    def check(self, sentence: str) -> str:
        """The reason why the sentence is refused, or "" (and it counts as said)."""
        reason = self._reason(sentence.strip())
        if not reason:
            self.said.append(sentence.strip())
        return reason

    def _reason(self, sentence: str) -> str:
        if not re.search(r"\w", sentence):
            return "" if self.said else "empty"
        share = cjk_share(sentence)
        if self.language == "en" and share > 0.15 or self.language == "zh" and share < 0.35 and len(sentence) > 12:
            return "language"
        if _META.search(sentence):
            return "meta"
        if _HUMAN.search(sentence) and "digital human" not in sentence.lower() and "数字人" not in sentence:
            return "human"
        return self._again(sentence) or self._leak(sentence) or ("" if self.language == "zh" and not self.capable else self._grounded(sentence))

    def _again(self, sentence: str) -> str:
        mark = _mark(sentence)
        if mark in map(_mark, self.said):
            return "repetition"
        own = [turn.get("content", "") for turn in self.history if turn.get("role") == "assistant"][-6:]
        if len(mark) > 24 and any(mark in _mark(text) for text in own):
            return "repetition"
        words = re.findall(r"\w+", sentence.lower()) if self.language == "en" else list(mark)
        triples = [tuple(words[i:i + 3]) for i in range(len(words) - 2)]
        if any(triples.count(triple) > 2 for triple in set(triples)):
            return "repetition"
        asked = set(re.findall(r"\w+", spell_out(self.question)))
        mine = set(re.findall(r"\w+", spell_out(sentence)))
        if self.language == "en" and len(mine) > 3 and len(mine & asked) / len(mine) > 0.8 and sentence.endswith("?"):
            return "echo"
        return "echo" if mark == _mark(self.question) and len(mark) > 3 else ""

    def _leak(self, sentence: str) -> str:
        if not self.system:
            return ""
        size = 7 if self.language == "en" else 14
        cut = (lambda text: re.findall(r"\w+", text.lower())) if self.language == "en" else (lambda text: list(_mark(text)))
        whole, words = " ".join(cut(self.system)), cut(sentence)
        return "leak" if any(" ".join(words[i:i + size]) in whole for i in range(len(words) - size + 1)) else ""

    def _grounded(self, sentence: str) -> str:
        self_claim = bool(_SELF_EN.search(sentence)) if self.language == "en" else "我" in sentence
        if self.capable:
            if self_claim and (found := _KIN.search(sentence)) and _stem(found.group(2).lower()) not in self.words:
                return "claim"
            return "number" if self_claim and _numbers(sentence) - self.numbers else ""
        if _numbers(sentence) - self.numbers - {"1", "2"}:
            return "number"
        if _THIRD.search(sentence) and not _THIRD.search(" ".join((self.question, *self.said))):
            return "third party"
        if self._circular(sentence):
            return "circular"
        if name := self._stranger(sentence):
            return f"name {name}"
        if re.search(r"\b(last time|you (told|said|mentioned)|we (talked|spoke|met)|as we discussed|your (wife|husband|son|daughter|dog|"
                     r"cat|name is))\b", sentence, re.IGNORECASE):
            return "memory"
        if self._beside(sentence):
            return "beside"
        if not self.said and _VAGUE.search(sentence.replace("’", "'")):
            return "vague"
        if self_claim:
            rest = _FRAMES.sub(" ", sentence.replace("’", "'"))
            if self.language == "en" and not _SELF_EN.search(rest):
                return ""
            bare = [word for word in re.findall(r"[a-z']+", rest.lower()) if word not in _SOFT and len(word) > 2]
            strange = [word for word in bare if _stem(word) not in self.words]
            if strange and (len(strange) > 1 or not bare or len(strange) / len(bare) > 0.25):
                return f"claim {strange[0]}"
        return ""

    def _circular(self, sentence: str) -> bool:
        """Whether a sentence only says the question's own words again: "A lighthouse works by working as a lighthouse"."""
        words = [_stem(word) for word in re.findall(r"[a-z']+", spell_out(sentence)) if word not in _SOFT and word not in _FIRST]
        asked = {_stem(word) for word in re.findall(r"[a-z']+", spell_out(self.question))}
        return len(words) > 2 and not self.said and all(word in asked for word in words)

    def _beside(self, sentence: str) -> bool:
        """Whether the first sentence of a reply has nothing to do with the question."""
        if self.said:
            return False
        if self.alike:
            return self.alike(self.question, sentence) < ALIKE
        asked, mine = ({_stem(word) for word in re.findall(r"[a-z']+", spell_out(text)) if word not in _SOFT} for text in (self.question, sentence))
        return bool(asked) and not asked & mine

    def _stranger(self, sentence: str) -> str:
        """A name that nobody has mentioned, or ""."""
        words = re.findall(r"[A-Za-zÀ-ɏ][\w’'-]*", sentence)
        for number, word in enumerate(words):
            bare = re.sub(r"['’]\w*$", "", word)
            if not bare or not bare[0].isupper() or bare in self.latin or bare.title() in self.latin or bare.rstrip("s") in self.latin:
                continue
            if number and not re.search(rf"[.!?:“\"]\s*{re.escape(word)}", sentence):
                return bare
            following = words[number + 1] if number + 1 < len(words) else ""
            if bare.lower() not in _FIRST and _stem(bare.lower()) not in self.words and (word != bare or following[:1].isupper() or following in (
                "is", "was", "and", "said", "has", "had", "will", "says", "told", "likes", "loves", "works", "lives")):
                return bare
        return ""


@lru_cache(maxsize=4096)
def _stem(word: str) -> str:
    return re.sub(r"(ies|ied)$", "y", word)[:6] if len(word) > 6 else re.sub(r"(?<=\w{3})(s|es|ed|ing)$", "", word)


@lru_cache(maxsize=512)
def _held(text: str) -> tuple[frozenset[str], frozenset[str], frozenset[str]]:
    """What a text lends a reply: (stems of its words, its numbers, its words in Latin letters)."""
    return (frozenset(_stem(word) for word in re.findall(r"[^\W_]+", spell_out(text))), frozenset(_numbers(text)),
            frozenset(re.findall(r"[A-Za-zÀ-ɏ]+", text)))


def _numbers(text: str) -> set[str]:
    """Numbers in digits or English words, as digits without leading zeros."""
    low = text.lower()
    written = {_NUMBER_WORDS[word] for word in re.findall(r"[a-z]+", low) if word in _NUMBER_WORDS}
    return written | {found.lstrip("0") or "0" for found in re.findall(r"\d+", low)}


def _mark(text: str) -> str:
    return re.sub(r"[\W_]+", "", text).lower()
