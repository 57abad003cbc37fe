"""Which fact holds what a question asks: by what people ask a person about (holding.yaml), by the kind of thing wanted (a number, a name, a time), by
words that mean the same, and in English by the embedder too. Of cards that nobody wrote lines for. Judges; says nothing."""
from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property, lru_cache
from pathlib import Path

import numpy as np
import yaml

from persona import nearby
from persona.conditions import days
from persona.fields import Fact
from persona.search import units_zh
from persona.talk import plain
from persona.words import simplify, spell_out, words_of


@dataclass(frozen=True)
class Row:
    id: str
    part: str                                            # who | about | kinds
    asked: re.Pattern[str]
    held: re.Pattern[str]


@dataclass(frozen=True)
class Asked:
    """A question taken apart. `needed`: units that a fact should hold; `extra`: those that already told a row, welcome where a fact holds them."""
    text: str
    who: tuple[Row, ...]
    about: tuple[Row, ...]
    kinds: tuple[Row, ...]
    needed: frozenset[str]
    extra: frozenset[str]


@dataclass(frozen=True)
class Held:
    """`score` 0..1; `about`: it holds one of the things asked about; `apt`: and the kind of thing wanted, and speaks of whom is meant."""
    fact: Fact
    score: float
    about: bool
    apt: bool
    on: bool                                             # it is on every topic that must be held
    share: float                                         # of the question's own words that it holds


# Topics that an answer must hold: what is known of singers is no answer to "your favourite film".
STRICT = words_of("film book tv colour food drink music instrument sport languages own_vehicle phone tattoo religion birthday looks smoke swim dance chess award allergy money_own married "
                  "payment delivery identity_no army team nickname motto garden politics collect diet sing volunteer admire taught sleep booking travel")
GENERAL = words_of("like since price hours job past_job dislike habit made_of rules from workplace moved record proud")    # beside a topic they tell little
SURE = {"en": 0.46, "zh": 0.40}                          # from here on a fact is the answer
ENOUGH = {"en": 0.31, "zh": 0.30}                        # one that holds the kind of thing wanted, of whom is meant
CLOSE = 0.06                                             # a second fact this near to the first is said too
_KIN_FIRST = {"en": re.compile(r"^(my|our|his|her) (late |older |younger |little |big |only |eldest |youngest |oldest |twin |elder |\w+ )?(wife|husband|sons?|daughters?|child|children|kids|mother|father|mom|mum|dad|"
                               r"parents|brothers?|sisters?|grand\w+|cousin|uncle|aunt|girlfriend|boyfriend|partner|friend|neighbou?r|twins?|assistant|apprentice|boss|dog|cat|parrot)\b"),
              "zh": re.compile("^我?(的)?(妻子|老婆|太太|老伴|丈夫|老公|先生|爱人|[大小二三]?儿子|[大小二三]?女儿|闺女|妈妈?|爸爸?|母亲|父亲|爸妈|父母|姐姐?|妹妹?|哥哥?|弟弟?|爷爷|奶奶|外公|外婆|孙子|孙女|男朋友|女朋友|男友|女友|搭档|徒弟|"
                               "邻居|表[哥姐弟妹]|堂[哥姐弟妹]|叔叔|舅舅|姑姑|姨妈)")}
_DULL_EN = re.compile(r"\b(please|right now|these days|nowadays|exactly|actually|really|ever|else|just|like|thing|things|something|anything|anyone|someone|somebody|people|person|sort|kind|type|know|happen|happened|"
                      r"sometimes|usually|normally|long|much|many|often|time|times|day|days|year|years|number|name|names|make|makes|made|take|takes|go|goes|come|use|used|give|gives|put|keep|let|say|says|tell|ask|want|"
                      r"would|could|should|might|mind|still|already|yet|now|currently|today|first|good|well|best|most|more|bit|lot|wonder|curious|hear|heard|word|story|life|yourself|own|personally|typical|one|ones|other|"
                      r"another|also|too|only|even|back|up|out|off|down|over|around|by|away|hi|hello|hey|oh|thanks|isn|aren|doesn|didn|wasn|right|correct|huh|guess|think|believe|remember|mention|mentioned|again|so)\b")
_GROUPS = (("kids", "son", "daughter"), ("siblings", "brother", "sister", "cousin"), ("pets", "cat", "dog", "bird"), ("wife", "husband", "girlfriend"), ("grandchild",))
_NEAR = frozenset(own for group in _GROUPS for own in group)
_STRICTLY = {"son": (r"\b(sons?|boys?)\b", "儿子|一儿"), "daughter": (r"\b(daughters?|girls?)\b(?! ?friend)", "女儿|闺女|一女"), "brother": (r"\bbrothers?\b", "哥|弟"), "sister": (r"\bsisters?\b", "姐|妹"),
             "cat": (r"\bcats?\b|kitten", "猫"), "dog": (r"\bdogs?\b|pupp|hound|terrier|poodle|dachshund|collie|labrador", "狗|犬"), "wife": (r"\bwife\b|married", "妻|老婆|太太|老伴|媳妇|爱人"),
             "husband": (r"\bhusband\b|married", "丈夫|老公|老伴|爱人|先生"), "girlfriend": (r"\b(girl|boy)friend|partner", "[男女]朋友|[男女]友"), "kids": (r"\b(sons?|daughters?|kids?|child|children|boys|girls|twins)\b", "儿|女|孩"),
             "siblings": (r"\b(brothers?|sisters?|siblings?|twin)\b", "哥|弟|姐|妹"), "pets": (r"$^", "$^"), "bird": (r"\bbirds?\b|parrot", "鸟"), "cousin": (r"\bcousin", "[表堂][哥姐弟妹]"), "grandchild": (r"\bgrand", "孙")}
_EVERYDAY = frozenset("的了是在有我你他她不人一个这那来去上下大小多少年天点时候什么家里出开做看")
_DULL_ZH = re.compile("请问|你们家|你家|你们那儿|你们|您|你自己|到底|究竟|具体|大概|一般|通常|平常|平时|现在|目前|如今|一共|总共|最近|今年|当时|那时候|时候|真的|其实|听说|记得|告诉|方便|介绍|一下|对吧|对吗|是不是|对不对|没错|应该|可以|需要|"
                      "一个|一次|一天|一年|一般|哪些|哪个|哪位|哪种|什么样|怎么样|怎样|如何|什么|多少|为什么|几|谁|哪|啥|怎么|吗|呢|吧|呀|啊|嘛|么|的|了|过|着|是|在|有|没|不|会|能|要|想|都|还|也|就|很|最|更|这|那|他|她|它|你|我|们|个|把|给|跟|和|与|对|从|向|到|去|"
                      "来|做|干|叫|说|讲|又|再|才|被|让|得|地|里|上|下|中|一|只|条|位|件|份|种|样|东西|人")


_PLURAL = re.compile(r"(?<=\w{3})s\b")
_NAMED_NOT = re.compile(r"\b((Mon|Tues|Wednes|Thurs|Fri|Satur|Sun)days?|January|February|March|April|May|June|July|August|September|October|November|December)\b|(?<=[a-z,] )I\b")


@lru_cache(maxsize=1)
def _table() -> tuple[dict[str, tuple[Row, ...]], dict[str, str], tuple[tuple[re.Pattern[str], str], ...]]:
    data = yaml.load((Path(__file__).parent / "holding.yaml").read_text("utf-8"), getattr(yaml, "CSafeLoader", yaml.SafeLoader))
    rows = {language: tuple(Row(own, part, re.compile(texts[at]), re.compile(texts[at + 1], 0 if own in ("person", "name") else re.IGNORECASE))
                            for part in ("who", "about", "kinds") for own, texts in data[part].items())
            for language, at in (("en", 0), ("zh", 2))}
    same = {nearby.stem(word): nearby.stem(group.split()[0]) for group in reversed(data["same"]["en"].split(",")) for word in group.split()}
    chinese = tuple((re.compile("|".join(sorted(group.split("|"), key=len, reverse=True))), chr(0xE000 + n)) for n, group in enumerate(data["same"]["zh"]))
    return rows, same, chinese


def units(text: str, language: str) -> frozenset[str]:
    """What carries meaning: English stems, Chinese pairs of characters, one spelling for what means the same."""
    _, same, chinese = _table()
    if language == "en":
        return frozenset(same.get(word, word) for word in nearby.concepts(_DULL_EN.sub(" ", text.lower().replace("'", " ").replace("’", " "))))
    bare = simplify(text)
    for pattern, with_ in chinese:
        bare = pattern.sub(with_, bare)
    found = set(re.findall("[\ue000-\uf8ff]", bare))
    return frozenset(found | set(units_zh(_DULL_ZH.sub(" ", re.sub("[\ue000-\uf8ff]", " ", bare)))))


@lru_cache(maxsize=64)
def asked(question: str, language: str) -> Asked:
    """A question taken apart."""
    rows, _, _ = _table()
    bare = plain(question, language)
    bare = re.sub("您", "你", bare)
    fit = [row for row in rows[language] if row.asked.search(bare)]
    rest = bare
    for row in fit:
        if row.part != "who" or language == "en":
            rest = row.asked.sub(" ", rest)
    every, needed = units(bare, language), units(rest, language)
    parts = {part: tuple(row for row in fit if row.part == part) for part in ("who", "about", "kinds")}
    return Asked(bare, parts["who"], parts["about"], parts["kinds"][:2], needed & every, every - needed)


class Holding:
    """The facts of one twin in one language, `called`: names in them -> whom they name, as a word of that language."""

    def __init__(self, facts: Sequence[Fact], language: str, called: Mapping[str, str], row: Callable[[int], np.ndarray | None]):
        self.facts, self.language, self.called, self._row = tuple(facts), language, called, row

    @cached_property
    def _texts(self) -> list[str]:
        """Each fact with whom its names name: "Noor is a dentist" tells of a girlfriend."""
        return [fact.text + "".join(f" ({kind})" for name, kind in self.called.items() if name in fact.text) for fact in self.facts]

    def instead(self, said: str) -> Fact | None:
        """Where a suggestion names a relative or an animal of whom nothing is written: the fact of another of its kind, two boys for two daughters."""
        want = asked(said, self.language)
        if not want.who or any(any(self.holds(row)) and any(held and not re.search(r"\b(no|not|never|without)\b|没有|不", fact.text) for held, fact in zip(self.holds(row), self.facts)) and row.id not in _NEAR
                               for row in want.who):
            return None
        for row in want.who:
            near = next((group for group in _GROUPS if row.id in group), ())
            strictly = _STRICTLY.get(row.id)
            if strictly and any(re.search(strictly[self.language == "zh"], fact.text.lower()) for fact in self.facts):
                return None
            for other in near:
                for fact, held in zip(self.facts, self._holds(other)):
                    if held:
                        return fact
        return None

    @property
    def dense(self) -> bool:
        """Whether an embedder helps."""
        return bool(self.facts) and self._row(0) is not None

    @property
    def known(self) -> list[frozenset[str]]:
        """The units of each fact."""
        return self._units

    @cached_property
    def _units(self) -> list[frozenset[str]]:
        return [units(text, self.language) for text in self._texts]

    @cached_property
    def _seen(self) -> Counter[str]:
        return Counter(unit for own in self._units for unit in own)

    def holds(self, row: Row) -> list[bool]:
        return self._holds(row.id)

    @lru_cache(maxsize=256)                              # noqa: B019 - a Holding lives as long as its twin
    def _holds(self, own: str) -> list[bool]:
        row = next(row for row in _table()[0][self.language] if row.id == own)
        texts = self._texts if row.part == "who" else [fact.text for fact in self.facts]
        if own in ("person", "name"):
            return [bool(row.held.search(_NAMED_NOT.sub("", text))) for text in texts]
        return [bool(row.held.search(text.lower()) or self.language == "en" and row.held.search(_PLURAL.sub("", text.lower()))) for text in texts]

    def find(self, question: str, vector: np.ndarray | None, focus: Sequence[Fact] = (), loose: bool = False) -> list[Held]:
        """Facts, best first. `vector` [d]: the question's embedding; `focus`: facts told just now, which a pronoun may mean; `loose`: of a suggestion, which may be wrong
        about whom and which."""
        if not self.facts:
            return []
        want = asked(question, self.language)
        if loose:
            rows_held = tuple(row for row in _table()[0][self.language] if row.part == "about" and row.id in STRICT and row not in want.about and row.held.search(want.text))
            want = replace(want, kinds=(), about=want.about + rows_held[:2])
        weight = self._weight
        topics = [self.holds(row) for row in want.about if row.id in STRICT]
        rows = [(row, held, (0.35 + 0.65 / max(1, sum(held)) ** 0.5) * (0.4 if topics and row.id in GENERAL else 1.0))
                for row in want.about for held in (self.holds(row),)]
        named = days(question if self.language == "en" else simplify(question), self.language)
        counted = self._counted(want)
        who = [self.holds(row) for row in want.who]
        kinds = [self.holds(row) for row in want.kinds]
        found = []
        for n, fact in enumerate(self.facts):
            own = self._units[n]
            total = sum(weight(unit) for unit in want.needed)
            got = sum(weight(unit) for unit in want.needed if unit in own or len(unit) == 1 and unit in fact.text)
            extra = sum(weight(unit) for unit in want.extra & own)
            if self.language == "zh":                    # 房间 and 九间房 have no pair in common
                got += sum(0.45 * weight(unit) for unit in want.needed if len(unit) == 2 and unit not in own and not self._seen.get(unit) and any(c in fact.text and c not in _EVERYDAY for c in unit))
            share = (got + extra) / (total + extra) if total + extra else 0.0
            about, most = sum(w for _, held, w in rows if held[n]), sum(w for _, _, w in rows)
            whole = total + extra + most + (0.8 if who else 0.0)
            spoken = bool(who) and any(held[n] for held in who)
            lexical = (got + extra + about + (0.8 if spoken else 0.0)) / whole if whole else 0.0
            lexical = 0.9 * lexical + 0.1 * min(1.0, (got + extra) / 1.5)
            score, near = lexical, 0.0
            if vector is not None and (row := self._row(n)) is not None:
                near = min(1.0, max(0.0, (float(row @ vector) - 0.08) / 0.62))
                score = 0.55 * lexical + 0.45 * near if whole else near
            fits = all(held[n] for held in kinds)
            if not fits:
                score *= 0.55
            if topics and near < 0.75 and not any(held[n] for held in topics):
                score *= 0.8 if loose else 0.5
            if counted:
                score = score + 0.1 if counted.search(fact.text.lower()) else score * 0.75
            if named and (on := self._days[n]):
                score = score + 0.15 if on & named else score * 0.85
            if who and not spoken:
                score *= 0.75 if loose else 0.4
            elif not who and self._of_kin[n] and fact not in focus:
                score *= 0.8
            if fact in focus and (fits or not kinds) and (about or got or spoken or not rows):
                score += 0.12
            found.append(Held(fact, score, bool(about), fits and (not who or spoken), not topics or any(held[n] for held in topics), share))
        found.sort(key=lambda one: -one.score)
        return found

    @cached_property
    def _of_kin(self) -> list[bool]:
        return [bool(_KIN_FIRST[self.language].search(fact.text.lower())) for fact in self.facts]

    @cached_property
    def _days(self) -> list[set[int]]:
        return [days(fact.text, self.language) for fact in self.facts]

    def _counted(self, want: Asked) -> re.Pattern[str] | None:
        """What finds a number of just what is counted: 几只 -> 两只."""
        if self.language == "zh":
            found = re.search(r"(?:几|多少)([\u4e00-\u9fff])", want.text)
            return re.compile(rf"[\d一二三四五六七八九十百千万两半]多?{found.group(1)}") if found and found.group(1) not in "钱的点" else None
        found = re.search(r"\bhow many (?:\w+ )?(\w{3,}?)(?:s|es)?\b", want.text)
        return re.compile(rf"(?:\d|\b(?:one|two|three|four|five|six|seven|eight|nine|ten|eleven|twelve|\w+teen|twenty|thirty|forty|fifty|sixty|hundred|dozen)) (?:\w+ )?{found.group(1)}") if found else None

    def _weight(self, unit: str) -> float:
        seen = self._seen.get(unit, 0)
        if not seen and len(unit) == 1 and unit < "\ue000":
            return 0.2
        if not seen:
            return 0.7                                   # of no fact: another word for it may be
        return min(1.6, 0.5 + 0.5 * math.log((2 + len(self.facts)) / (0.5 + seen)))


_TAG = re.compile(r"[,，]?\s*(right|correct|yes|no|huh|innit|is that (right|true|correct)|(is|are|was|were|do|does|did|have|has|had|can|could|will|would)(n't|n’t)? (you|he|she|it|they|there|that)|"
                  r"am i right|if i remember (right|correctly))\s*\?+\s*$", re.IGNORECASE)
_TAG_ZH = re.compile(r"[,，]?(对吧|对吗|对不对|是吧|是吗|是不是|没错吧|对嘛|不是吗|吧|是这样吗)[?？。!！]*$")


def suggested(text: str, language: str) -> str:
    """What a text suggests of the twin and wants confirmed ("so you have two brothers?", "你有个哥哥吧"), as a statement; or ""."""
    if language == "zh":
        bare = simplify(text).strip()
        found = _TAG_ZH.search(bare)
        said = _TAG_ZH.sub("", bare) if found else ""
        return said if found and len(said) > 2 and re.search("[你您]", said) and not re.search("什么|怎么|哪|几[个只点岁年]|多少|谁|为什么|好吧$|算了|来吧|走吧|聊|讲|说说", said) else ""
    bare = re.sub(r"^(so|oh|ah|well|wait|and|but|ok|okay|i (heard|think|thought|guess|suppose|believe|remember)( that)?)\b[, ]*", "", text.strip(), flags=re.IGNORECASE)
    bare = re.sub(r"^(so|and|then|i (heard|think|thought|guess|suppose|believe|remember)( that)?|you (said|mentioned|told me)( that)?)\b[, ]*", "", bare, flags=re.IGNORECASE)
    low = spell_out(bare)
    if re.match(r"(what|who|whom|whose|when|where|why|how|which|do|does|did|is|are|was|were|can|could|will|would|have|has|had|tell|let|should|may|any)\b", low):
        return ""
    asking = "?" in text or bool(_TAG.search(bare + "?")) and bool(re.search(r",\s*(right|correct|isn|aren|don|doesn|didn|haven)", text, re.IGNORECASE))
    said = _TAG.sub("", bare).rstrip("?. ")
    return said if asking and len(said.split()) > 2 and re.search(r"\b(you|your|you're|you've)\b|^(the|[A-Z]\w+)\b", said) else ""


def agrees(said: str, fact: str, language: str) -> bool:
    """Whether a fact holds all that a suggestion says of the twin."""
    if language == "en":
        loose = units(said, language) - units(fact, language)
        return not loose and _numbers(said) <= _numbers(fact)
    strange = {unit for unit in units(said, language) if unit not in units(fact, language) and not all(c in simplify(fact) for c in unit)}
    return not strange and set(re.findall(r"[\d一二三四五六七八九十百千万两]+", said)) <= set(re.findall(r"[\d一二三四五六七八九十百千万两]+", fact))


def _numbers(text: str) -> set[str]:
    words = {"one": "1", "two": "2", "three": "3", "four": "4", "five": "5", "six": "6", "seven": "7", "eight": "8", "nine": "9", "ten": "10", "eleven": "11", "twelve": "12", "twenty": "20",
             "thirty": "30", "forty": "40", "fifty": "50", "twice": "2", "once": "1"}
    low = text.lower().replace(",", "")
    return set(re.findall(r"\d+", low)) | {words[word] for word in re.findall(r"[a-z]+", low) if word in words}


def strict(want: Asked) -> bool:
    """Whether a question is after a topic that an answer must hold."""
    return any(row.id in STRICT for row in want.about)


_VALUES = {"en": (re.compile(r"\b(mon|tues|wednes|thurs|fri|satur|sun)day"), re.compile(r"\b(red|blue|green|yellow|white|black|orange|purple|pink|brown|grey|gray)\b"),
                  re.compile(r"\b(brother|sister|cousin|uncle|aunt|son|daughter|wife|husband|mother|father|friend|neighbour|boyfriend|girlfriend|nephew|niece|grand\w+)s?\b"),
                  re.compile(r"\b(married|single|divorced|widowed)\b"), re.compile(r"\b(january|february|march|april|may|june|july|august|september|october|november|december|spring|summer|autumn|winter)\b"),
                  re.compile(r"\b(cat|dog|parrot|rabbit|horse|hamster|tortoise|goat|poodle|dachshund)s?\b")),
           "zh": (re.compile("(?:周|星期)[一二三四五六日天]"), re.compile("[红黄蓝绿白黑紫粉灰橙棕]"), re.compile("哥哥|弟弟|姐姐|妹妹|表[哥姐弟妹]|儿子|女儿|妻子|丈夫|妈妈|爸爸|爷爷|奶奶|外婆|外公|独生"),
                  re.compile("结婚|单身|离婚"), re.compile("[春夏秋冬]天?|早上|下午|晚上|中午"), re.compile("金奖|银奖|铜奖|猫|狗|鸟|兔|鱼"))}


def conflicts(said: str, fact: str, language: str) -> bool:
    """Whether a fact holds another value of the very kind that a suggestion names: a number, a day, a colour, a name, a relative."""
    said, fact = (simplify(said), simplify(fact)) if language == "zh" else (said, fact)
    mine, own = (_numbers(said), _numbers(fact)) if language == "en" else (set(re.findall(r"[\d一二三四五六七八九十百千万两]+", text)) for text in (said, fact))
    if mine and own and not mine & own:
        return True
    for pattern in _VALUES[language]:
        mine, own = ({found.group() for found in pattern.finditer(text.lower())} for text in (said, fact))
        if mine and own and not mine & own:
            return True
    if language == "en":
        mine, own = (set(re.findall(r"(?<=[a-z,’'] )[A-Z][a-z]+", text)) for text in (said, fact))
        return bool(mine and own and not mine & own)
    return False
