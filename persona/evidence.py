"""Whether what a user once said bears on a question: how much of the question's words it holds, what matters both speak of, of whom, whether it
holds the kind of thing that is asked for, how near they are in meaning. Weighed by a logistic function whose weights were fitted on
the tuning halves of tests/data/memory_dev and memory_dev2. Pure."""
from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from persona import kin, wanted
from persona.asked import mark, people
from persona.kin import NOUN_ZH, WORDS_EN, head
from persona.search import units_zh
from persona.topics import asks_tip, asks_wish, changes, of_word, taste, topics, wish
from persona.words import normal_zh, simplify, spell_out, words_of

_FRAME_EN = re.compile(r"\b(?:did|do|have|has|can|could|will|would) (?:i|you)(?: ever)? (?:tell|told|say|said|mention(?:ed)?|know|remember|recall)(?: to)?(?: you| me)?(?: (?:about|of))?\b|\bremind me\b|\btell me\b|\bthese days\b|\bright now\b|"
                       r"\bnowadays\b|\bat the moment\b|\bcurrently\b|\bagain\b|\bstill\b|\bearlier\b|\bbefore\b|\bat first\b|\boriginally\b|\bfirst\b|\blately\b|\brecently\b|\bnew with\b|\bgoing on\b|\bup to\b|\bhappened?\b|\bthis year\b|\baltogether\b", re.IGNORECASE)
_FRAME_ZH = re.compile("你?(?:还)?(?:记得|知道)|我(?:都)?(?:跟|和|对)?你?(?:说过|讲过|提过|告诉过你?|说的|提到|是怎么说的)|关于|的事|事情|哪些|多少(?!钱)|如今|目前|现在|最近|平时|以前|之前|原来|原先|最初|最早|一开始|本来|后来|一共|分别|是什么样的|怎么样|怎么回事|哪一?[个片块边带条位班门本台款些种家辆]|几[个只条本位辆次门]|正在|各是|情况")
_DULL_CHAR = frozenset("的了是在我你他她它们这那有和跟与对给把被让就都也还又很最不没人个什么谁哪几多少怎样为吗呢吧啊呀上下里过着得地到去来说会能要想可以做干用叫事时候一二三两")
DULL = words_of("a an the i you he she it we they me my mine your yours his her our their am is are was were be been being do does did have has had having will would can could should shall may might must what which who whom whose where when why how that this these "
                 "those there here of in on at to for from with by about into up out off and or but if as so than then too very much many more most any some every each just ever never not no kind kinds sort type thing things get got go goes going went come make made put "
                 "take took keep know tell told say said mention let us again now still please like want rather")
_OTHERS = re.compile(r"\b(?:he|she|they|him|her|them|his|their|hers|theirs)\b")
_OTHERS_ZH = re.compile(rf"他|她|它|{NOUN_ZH}")
_NUMBER = r"\d|\b(?:one|two|three|four|five|six|seven|eight|nine|ten|eleven|twelve|\w+teen|twenty|thirty|forty|fifty|sixty|seventy|eighty|ninety|hundred|thousand|dozen|half|couple)\b|[一二三四五六七八九十百千万两半]"
_MONEY = r"\d|[$€£¥]|\b(?:pounds?|euros?|dollars?|cents?|pence|hundred|thousand|grand|quid|yuan|free|salary|wages?)\b|[一二三四五六七八九十两半几百千][十百千万块元]|免费|工资|月薪|年薪"
_DATE = r"\b(?:january|february|march|april|may|june|july|august|september|october|november|december|\w+day|\d+(?:st|nd|rd|th)|born|christmas|turn(?:s|ed))\b|\d|[一二三四五六七八九十]+[月号日]|生日|出生|周|星期"
_NAMED = r"\b(?:called|names?|named|goes by|answers to|known as)\b|(?<=[\w,] )(?!I\b|English\b|German\b|French\b|Monday|Tuesday|Wednesday|Thursday|Friday|Saturday|Sunday)[A-ZÀ-Þ][a-zà-ÿ]|叫|名|姓|喊|[小阿老][\u4e00-\u9fff]|[\u4e00-\u9fff](?:总|先生|女士|老师|大夫|医生|主任|经理|阿姨|叔)|[A-Z][a-z]"
# what a question may be after: how it asks, and what whatever answers it must hold
_MUST = tuple((re.compile(asks), re.compile(holds, re.IGNORECASE if holds is not _NAMED else 0)) for asks, holds in (
    (r"\b(?:what|which) (?:is|was|are|were) .{2,40}\b(?:called|named?)\b|\bwhat is the names? of\b|\bnames?$|\bwhat do (?:i|we|they) call\b|叫什么|什么名字|名字是|姓什么|是谁$", _NAMED),
    (r"\bhow old\b|\bwhat age\b|几岁|多大(?!码|号)|年龄|年纪|岁数", r"\d|\b(?:years? old|turn(?:s|ed|ing)|aged?|birthday|ninety|eighty|seventy|sixty|fifty|forty|thirty|twenty|\w+teen|year)\b|岁|年级|[一二三四五六七八九十]年"),
    (r"\bhow tall\b|\bheight\b|多高|身高", r"\b(?:tall|cm|centimet\w+|met(?:re|er)s?|feet|foot|inches)\b|\d|米|高|公分"),
    (r"\bbirthday\b|\bwhen (?:was|were) .{2,30} born\b|生日", r"\bbirthday\b|\bborn\b|生日|出生|生了|生的"),
    (r"\bsalary\b|\b(?:earn|pay|paid|cost|price|rent|bill)\b.*\bhow much\b|\bhow much (?:is|was|do i (?:pay|earn|make)|did .* cost|does .* cost|money)\b|\bwhat do i (?:pay|earn)\b|多少钱|挣多少|赚多少|工资|租金|房租|[电水]费|月薪", _MONEY),
    (r"\b(?:sur|last |family )name\b", r"\b(?:surname|last name|family name|née)\b|\b[A-Z][a-z]+ [A-Z][a-z]+"),
    (r"\b(?:grow|grew|brought) up\b|\bwhere .*\b(?:come from|born|is .* from|am i from)\b|哪里人|哪儿人|老家|哪个省|籍贯", r"\b(?:born|from|gr[eo]w|raised|native|hometown|childhood|brought up)\b|老家|出生|来自|长大|祖籍|本地|[\u4e00-\u9fff]人[，。！]?$|是[\u4e00-\u9fff]{2,4}人"),
    (r"\bhow heavy\b|\bweigh|多重|体重|多少斤", r"\d|\b(?:weigh\w*|kilos?|kg|pounds|stone|tons?|grams?|heavy)\b|斤|公斤|吨|重"),
    (r"\b(?:which|what) floor\b|几楼|几层", r"\bfloor\b|[一二三四五六七八九十\d][楼层]|顶楼|底楼"), (r"几年级|\b(?:which|what) (?:grade|year|form) (?:is|are)\b", r"年级|[初高大][一二三四]|幼儿园|小学|中学|初中|高中|\b(?:grade|year|form)\b"),
    (r"\blicen[cs]e\b|驾照", r"\b(?:licen[cs]e|driv\w+|ticket|permit|certificate)\b|驾照|证"), (r"\binsur|保险", r"insur|保险|保单"), (r"属什么|属相|生肖", r"属|生肖"),
    (r"\bfavou?rite\b|最喜欢|最爱", r"\b(?:favou?rites?|love\w*|best|adore|fan|like|mad|crazy|prefer|soft spot|most)\b|最|爱|喜欢|迷|馋"),
    (r"\b(?:girlfriend|boyfriend)\b|女朋友|男朋友|对象|女友|男友", r"\b(?:girlfriend|boyfriend|dating|date|seeing|together|partner|couple|love|engaged|married|broke up|split|over)\b|女友|男友|女朋友|男朋友|对象|恋|分手|散了|求婚|订婚|在一起"),
    (r"\b(?:sports?|football|soccer|rugby|basketball) (?:team|club)\b|哪支球?队", r"\b(?:team|club|support\w*|fan|united|rovers|league|match)\b|[球队]"),
    (r"\bblood type\b|血型", r"\bblood\b|血"), (r"\bstar sign\b|\bzodiac\b|星座", r"\b(?:sign|zodiac|aries|taurus|gemini|leo|virgo|libra|scorpio|capricorn|aquarius|pisces)\b|座"),
    (r"\bshoe|鞋", r"\bshoe|\bsize\b|鞋|码"), (r"\bcolou?r\b|颜色", r"\b(?:colou?r\w*|red|blue|green|yellow|white|black|grey|gray|pink|purple|brown|orange|gold\w*|silver|turquoise|beige)\b|[红蓝绿黄白黑灰粉紫橙金银]|色"),
    (r"\baddress\b|地址", r"\d|\b(?:street|road|lane|avenue|square|address|drive|close)\b|路|街|号|弄|地址"), (r"\bbreed\b|品种", r"\b(?:breed|terrier|spaniel|collie|poodle|retriever|shepherd|greyhound|siamese|persian|labrador|husky|mutt|mongrel|hound|\w+doodle)\b|[犬种]|金毛|柯基|哈士奇|泰迪|暹罗|布偶|英短|美短"),
    (r"\bhow many\b(?! (?:questions|sentences|words))|几[个只条本位口间辆次]", _NUMBER + r"|\b(?:an?|no|both|few|several)\b"),
    (r"\bhow long\b.*\b(?:take|been|married|worked|lived|run|last)\b|多久|多长时间|多少年|几年", _NUMBER + r"|\bsince\b|\b(?:an?|half an) (?:hour|year|week|month|day)\b|从|自"),
    (r"\bwhat (?:does|do|is|are) .*\b(?:do(?: for (?:work|a living))?|job|profession|occupation|trade)$|\bwho .* works? for\b|做什么(?:工作|的)|是干什么的|什么工作|什么职业|\\bjob$|(?<![想要会能来去算])做什么$|在哪[儿里]?(?:上班|工作)", "\\0work"),
    (r"\bwhere (?:do|does|did) .{1,30}\blive\b|住在?哪|住哪", "\\0home"), (r"\ballerg|过敏", r"allerg|intoleran|upset|react|can(?:no|')?t (?:have|eat|touch)|gluten|nuts?\b|lactose|过敏|不耐受|碰不得|不能|忌"),
    (r"\bstud(?:y|ying|ies)\b|\bdegree\b|念的?什么|学的?什么专业|什么专业|考什么|什么大学|读什么(?:专业|系|大学|学校)|在哪[儿里]?(?:读|念|上)|毕业于|哪所", "\\0study"), (r"\bwhich (?:car|vehicle)\b|\bwhat (?:car|vehicle)\b|什么车", "\\0vehicle"), (r"\bpets?\b|宠物|养过", "\\0pet"),
    (r"\binstruments?\b|乐器", "\\0music"), (r"\bhobb|爱好", "\\0hobby sport music book art plant pet game film like"), (r"\bmusic\b|音乐", "\\0music"), (r"\bpolitic|\bvote\b|党|投票", r"\b(?:vot\w+|party|politic\w+|election)\b|党|投票|选举"),
    (r"\breligio|\bchurch\b|信什么|宗教", r"\b(?:church|mosque|temple|pray\w*|faith|religio\w*|christian|muslim|jewish|buddhist|hindu|catholic)\b|教|庙|信"), (r"\b(?:phone )?number\b.*\bphone\b|\bphone number\b|电话号码|手机号", r"\d"),
    (r"\beats?\b|\bfood\b|吃什么", "\\0food"), (r"\bdie\b|\bdied\b|\bdeath\b|走的|去世|过世", "\\0death"), (r"\bschool\b.*\b(?:go|went|attend|called)\b|\b(?:which|what) (?:school|university|college)\b|哪所学校|哪个学校|毕业", "\\0study"),
    (r"\bwife\b|\bhusband\b|\bmarried\b|\bwedding\b|太太|老婆|丈夫|老公|结婚|婚礼", r"\b(?:wife|husband|marri\w+|wedding\w*|engaged|spouse|honeymoon|fianc\w+|partner|divorc\w+|guests)\b|婚|太太|老婆|丈夫|老公|先生|妻|爱人|老伴|蜜月|酒席|客人|\b(?:he|she)\b|他|她"),
))
FEATURES = ("cosine", "coverage", "best word", "broad", "topics", "whom", "whom not", "name", "kind", "wish", "lacks", "taste", "own", "unnamed")
_EXISTS = re.compile(r"^(?:(?:so|and|but)[, ]+)*(?:do i (?:have|own|keep)|have i (?:got|ever)|did i (?:ever )?have|is there an?y?|are there any)\b|有没有")
_OWN = re.compile(r"\b(?:i|me|my|mine|we|us|our|i'm|i've|i'd|i'll|we're|we've)\b|[我咱俺]", re.IGNORECASE)



@dataclass(frozen=True)
class Sought:
    """A question, as what was said is held against it. `parts`: its words that carry meaning, each as the words, characters and matters that it may be
    found by; none where it asks for anything about somebody. `musts`: what an answer holds in any case. `terms`: what it is looked up by."""
    language: str
    parts: tuple[tuple[frozenset[str], frozenset[str], frozenset[str]], ...]
    names: tuple[str, ...]
    about: frozenset[str]
    whom: frozenset[str]
    kin: bool                                            # it is after somebody who is always called what they are
    kind: wanted.Wanted
    musts: tuple[re.Pattern[str], ...]
    all: bool                                            # whether there is such a thing at all: what answers holds each of the words
    wish: bool
    tip: bool                                            # a suggestion is asked for: what they like and cannot bear matters
    terms: tuple[str, ...]


def words_in(text: str) -> list[str]:
    """What a text is found by beside its words (asked.tokens): stems with one word for each meaning, and x-words for the matters it speaks of, for
    a change, a wish, and somebody who is not the user."""
    chinese = bool(re.search("[\u4e00-\u9fff]", text))
    found = [word for word in wanted.tokens(text) if word.isascii() and word.isalnum()]
    found += [f"xt{one}" for one in topics(text)]
    if changes(text):
        found.append("xchange")
    if wish(text):
        found.append("xwish")
    if taste(text):
        found.append("xtaste")
    if (_OTHERS_ZH if chinese else _OTHERS).search(text.lower()) or not chinese and re.search(r"(?<=[\w,] )(?!I\b)[A-Z][a-z]", text):
        found.append("xother")
    return list(dict.fromkeys(found))


@lru_cache(maxsize=64)
def sought(question: str) -> Sought:
    chinese = bool(re.search("[\u4e00-\u9fff]", question))
    kind = wanted.wanted(question, "zh" if chinese else "en")
    wishing, tip = asks_wish(question), asks_tip(question)
    parts: list[tuple[frozenset[str], frozenset[str], frozenset[str]]] = []
    if chinese:
        bare = _FRAME_ZH.sub(" ", simplify(question))
        for run in wanted.runs_zh(re.sub(NOUN_ZH, " ", bare)):
            for piece in re.findall("[a-z0-9]+|[\u4e00-\u9fff]+", run):
                if chars := frozenset(piece) - _DULL_CHAR:
                    parts.append((frozenset(units_zh(normal_zh(piece))), chars, frozenset(f"xt{one}" for one in topics(piece))))
        terms = [unit for words, chars, _ in parts for unit in (*words, *chars)]
    else:
        bare = _FRAME_EN.sub(" ", question)
        for word in dict.fromkeys(re.findall(r"[a-z0-9]+(?:[.:'-][a-z0-9]+)*", spell_out(bare))):
            word = re.sub(r"'s$", "", word)
            if word not in DULL and word not in WORDS_EN and word not in kind.names:
                parts.append((frozenset([wanted.stem(word) or word]), frozenset(), frozenset(f"xt{one}" for one in of_word(word))))
        terms = [word for words, _, _ in parts for word in words]
    plain = re.sub(r"[^\w\s']", "", simplify(question) if chinese else spell_out(question)).strip()
    musts = () if wishing or tip else tuple(holds for asks, holds in _MUST if asks.search(plain))
    about = [f"xt{one}" for one in topics(bare if chinese else " ".join(word for word in re.findall("[a-z][a-z'-]*", spell_out(bare)) if word not in DULL))]
    whom = [one for one in people(question) if one not in _LOOSE]
    return Sought("zh" if chinese else "en", tuple(parts), kind.names, frozenset(about), frozenset(mark(part) for one in whom for part in (one, head(one))), any(head(one) not in ROLES for one in whom),
                  kind, musts, bool(_EXISTS.search(plain)), wishing, tip, tuple(dict.fromkeys([*terms, *about, *(["xwish"] if wishing else [])])))


_MARKS = frozenset(mark(one) for subject in kin.EVERYBODY for one in (subject, head(subject)))
_LOOSE = frozenset(("family", "team", "parents", "children", "child"))
ROLES = frozenset(("boss", "doctor", "teacher", "landlord", "coach", "colleague", "student", "neighbour", "flatmate", "friend", "classmate", "pet", "partner"))     # of whom others are spoken of by name


def features(question: Sought, text: str, held: frozenset[str], cosine: float) -> tuple[float, ...]:
    """FEATURES. `held`: the words by which the message is found."""
    found = []
    for words, chars, about in question.parts:
        share = sum(word in held for word in words) / len(words) if words else 0.0
        lone = 0.8 * sum(char in text for char in chars) / len(chars) if chars and share < 1 else 0.0
        found.append(max(share, lone, 0.6 if about & held else 0.0))
    whom, missing = 0.0, 0.0
    if question.whom:
        same = bool(question.whom & held)
        whom, missing = (1.0, 0.0) if same else (0.0, 0.5 if "xother" in held and not _somebody(held) or not question.kin else 1.0)
    elif not question.names:
        missing = 0.3 if _somebody(held) else 0.0
    low = text.lower()
    names = sum(name in low for name in question.names) / len(question.names) - 0.5 if question.names else 0.0
    kind = 0.0 if question.kind.holds is None else 1.0 if question.kind.fits(text) else -1.0
    wishes = "xwish" in held
    wanting = (1.0 if wishes else -1.0) if question.wish else (-0.5 if wishes else 0.0)
    if question.all and min(found, default=1.0) < 0.6:
        lacks = 0.8
    else:
        lacks = 0.0
    lacks = max((0.0 if (any(f"xt{one}" in held for one in must.pattern[2:].split()) if must.pattern.startswith("\\0") else must.search(text)) else 0.6 if must.pattern.startswith("\\0") else 1.0
                 for must in question.musts), default=lacks)
    tasted = (1.0 if "xtaste" in held else -0.5) if question.tip else 0.0
    return (cosine, sum(found) / len(found) if found else 0.0, max(found, default=0.0), 0.0 if found else 1.0, len(question.about & held) / len(question.about) if question.about else 0.0,
            whom, missing, names, kind, wanting, lacks, tasted, float(bool(_OWN.search(text))), float(bool(question.names) and names < 0 and not whom))


def _somebody(held: frozenset[str]) -> bool:
    return not held.isdisjoint(_MARKS)


# FEATURES -> weight, and what is added; with an embedder, and without one (persona/gloss.py puts Chinese into its words)
_WEIGHTS: dict[str, tuple[tuple[float, ...], float]] = {
    "en": ((8.49, 0.25, -0.32, 0.47, 0.83, 0.99, -0.77, 0.72, 0.55, 2.6, -1.56, 1.57, -0.1, -0.79), -4.25),
    "zh": ((6.37, 0.54, 1.18, 1.52, 0.94, 1.85, -0.33, 0.79, 0.15, 2.55, -4.09, 3.63, 0.23, -0.5), -4.92),
    "": ((0.0, 1.48, 2.65, 1.02, 1.41, 2.51, -1.36, 2.01, 0.42, 1.92, -1.67, 1.0, 0.3, -0.5), -4.3)}


def likely(question: Sought, rows: Sequence[tuple[float, ...]]) -> np.ndarray:
    """float64 [n], how likely each row of `features` bears on the question. A cosine that is not known is nan."""
    if not rows:
        return np.zeros(0)
    table = np.array(rows)
    bare = np.isnan(table[:, 0])
    table[bare, 0] = 0.0
    (weights, added), (without, plus) = _WEIGHTS[question.language], _WEIGHTS[""]
    found = 1 / (1 + np.exp(-np.where(bare, table @ np.array(without) + plus, table @ np.array(weights) + added)))
    found *= (1 - 0.85 * table[:, 10]) * np.where(table[:, 6] >= 1, 0.1, 1.0)
    anything = (table[:, 3] > 0) & ((table[:, 5] > 0) | (table[:, 7] > 0)) & (table[:, 10] == 0) & (table[:, 8] == 0)
    found = np.where(anything, np.maximum(found, 0.3), found)                                                           # of somebody
    return np.where((table[:, 9] >= 1), np.maximum(found, 0.2), found)                                                  # a wish, where one is asked for
