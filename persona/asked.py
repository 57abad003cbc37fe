"""What a question is after, of all that a user may have told: whom, and which of the predicates; the words that stand for each in both languages.
Pure. The same words tell messages apart, so that a question in one language finds what was said in the other."""
from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from persona import kin
from persona.learn_zh import FAVOURITES
from persona.search import DULL, units_zh
from persona.words import cjk_share, normal_zh, simplify, spell_out

# predicate -> (English, Chinese): what asks for it, and what speaks of it
CUES: dict[str, tuple[str, str]] = {
    "name": (r"\b(?:name|names|named|called|who (?:is|are))\b", "叫|名字|姓名|是谁|姓什么"),
    "age": (r"\b(?:how old|age|years old|turn(?:ed|ing)|old (?:is|am|are))\b", "多大|几岁|年龄|岁"),
    "birthday": (r"\b(?:birthday|birthdate|born)\b", "生日|出生|生的"),
    "home": (r"\b(?:lives?|living|moved?|moving|address|reside|based|settled|hometown now)\b", "住|搬|定居|地址|家在"),
    "origin": (r"\b(?:from where|where .*\bfrom|come from|comes from|am from|is from|grew up|grow up|born in|originally|raised|hometown|nationality)\b", "老家|来自|哪里人|哪儿人|出生|长大|哪国人"),
    "employer": (r"\b(?:works?|working|employer|company|job at|employed|workplace|office)\b", "工作|上班|公司|单位|任职"),
    "job": (r"\b(?:jobs?|works?|profession|occupation|career|for a living|do for work|trade)\b|what (?:do|does) .* do\b(?! (?:on|at|in|for fun|with)\b)", "工作|职业|做什么|干什么|从事|当什么|行业"),
    "field": (r"\b(?:field|industry|works? in|line of work)\b", "行业|领域"),
    "allergy": (r"\b(?:allerg\w+|intoleran\w+)\b", "过敏"),
    "diet": (r"\b(?:eat|eats|eating|diet|vegan|vegetarian|food|drink|meat|meal|dietary)\b", "吃|素|饮食|忌口|喝"),
    "health": (r"\b(?:health|illness|ill|condition|diagnos\w+|disease|suffer\w*|medical|sick)\b", "病|健康|身体|症"),
    "likes": (r"\b(?:likes?|loves?|enjoys?|hobb\w+|interests?|fond|into|adores?|fan of|free time|for fun|passion\w*|prefers?)\b", "喜欢|爱好|爱|兴趣|迷"),
    "dislikes": (r"\b(?:dislikes?|hates?|stand|detests?|not like|not enjoy|loathes?)\b", "讨厌|不喜欢|受不了|不爱|反感"),
    "speaks": (r"\b(?:languages?|speaks?|fluent)\b", "语言|会说|会讲|外语"),
    "learns": (r"\b(?:learn\w*|lessons)\b", "在学|学习|学什么"),
    "plan": (r"\b(?:plan\w*|going|trip|travel\w*|fly\w*|holidays?|vacation|next week|tomorrow|weekend|move to|moving to|visiting|getting married|upcoming)\b", "计划|打算|要去|准备|旅行|旅游|出差|飞|行程|安排"),
    "event": (r"\b(?:exam|test|interview|appointment|meeting|deadline|presentation|wedding|operation|surgery|concert|party|flight|date|match|race|marathon)\b", "考试|面试|会议|开会|约会|手术|婚礼|演唱会|比赛|聚会|安排"),
    "status": (r"\b(?:married|single|relationship|divorced|engaged|partner|spouse|marital|together)\b", "结婚|单身|离婚|对象|订婚|已婚|婚"),
    "has": (r"\b(?:siblings?|how many|have any|pets?|children|kids|family|animals?)\b", "几个|多少个|养|宠物|孩子|兄弟姐妹"),
    "owns": (r"\b(?:own|owns|drive|drives|car|bike|house|bought|possess\w*|ride|have a)\b", "买|开什么|车|房"),
    "plays": (r"\b(?:plays?|instrument|sport|band|musical)\b", "弹|打什么|乐器|球|运动"),
    "studies": (r"\b(?:stud(?:y|ies|ying|ied)|major\w*|degree|university|college)\b", "学什么|专业|读什么|念什么"),
    "school": (r"\b(?:school|university|college|grade|kindergarten)\b", "学校|大学|年级|上学|毕业"),
    "afraid": (r"\b(?:afraid|scared|fears?|phobia|frighten\w*)\b", "怕|害怕|恐惧"),
    "wants": (r"\b(?:wants?|dream|dreams|wish|goal|hope|ambition)\b", "想要|梦想|愿望|想当|目标|想去"),
    "death": (r"\b(?:died?|dead|passed away|death|alive)\b", "去世|过世|还在|走了"),
    "working hours": (r"\b(?:night shifts?|part[ -]time|full[ -]time|remotely|from home|working hours|shifts?)\b", "夜班|兼职|全职|加班"),
    "did": (r"\b(?:graduat\w+|retir\w+)\b", "毕业|退休"),
    "does": (r"\b(?:hobb\w+|free time|weekends?|sports?|usually|volunteer\w*|collect\w*|exercise)\b", "爱好|周末|平时|运动"),
}
_CUES = {predicate: (re.compile(en), re.compile(zh)) for predicate, (en, zh) in CUES.items()}
_FAVOURITE = re.compile(r"\bfavou?rite ([a-z]+(?: (?!of\b|is\b|called\b)[a-z]+)?)")
_FAVOURITE_ZH = re.compile(r"最喜欢(?:的|吃的|喝的|看的|听的)?([\u4e00-\u9fff]{1,3}?)(?:是|$|呢)|最喜欢(?:什么|哪[个种本部首])([\u4e00-\u9fff]{1,3})")
_ANY = re.compile(r"\bwhat (?:all |else )?(?:do you (?:know|remember|recall)|did i (?:ever )?(?:tell|say to) you|have i (?:ever )?told you|have you (?:learn\w*|kept|remembered|got)) ?(?:about me|of me|so far|about myself)?[ ?]*$|"
                  r"\b(?:know|remember|tell me|say|facts|anything|everything|summari[sz]e what you know|who am i)\b[\w ]*\babout (?:me|myself)\b|^who am i\b|\bdo you (?:know|remember) me\b|what do you remember$")
_ANY_ZH = re.compile(r"(?:知道|记得|了解|记住|说说|介绍一?下?)(?:关于)?我(?:什么|些什么|哪些|多少|的(?:什么|哪些|事|情况))?(?:吗|呢|了)*$|(?:还|都)?记得我(?:是谁)?(?:吗|么)|我(?:都)?(?:跟|和|对|向)?你?(?:说过|告诉过你|讲过|提过)(?:些)?什么$|我是谁$|认识我吗")
_PAST = re.compile(r"\b(?:used to|before (?:that|this|now|i)|previous\w*|formerly|former|earlier|in the past|last (?:job|place|home|employer|city)|old (?:job|home|employer|address|flat|car)|first)\b|\bwhere did (?:i|my)\b[\w ]*\b(?:live|work)\b|\bwhat was\b|\bwho was\b|\bbefore (?:\w+ ){0,2}\w+$|\b(?:at first|to begin with|to start with|originally|(?:in|at) the (?:beginning|start|outset))\b")
_PAST_ZH = re.compile("以前|之前|原来|过去|曾经|从前|上一(?:个|份)|本来|原先|先前|起初|当初|最初|最早|最先|一开始|开头")
_ME = re.compile(r"\b(?:i|my|me|mine|we|our|us)\b")
_SELF_ZH = re.compile("我|咱|俺")
_TWIN = re.compile(r"\b(?:you|your|yours)\b")
_FRAME = re.compile(r"\b(?:do|did|can|could|would|will) you (?:still |happen to |also |please )*(?:remember|know|recall|tell me|remind me|say|have any idea)\b|\b(?:i|we) (?:\w+ )?(?:told|tell|said|say|mention|mentioned)(?: to)?(?: you)?\b|\btell me\b|"
                    r"\bremind me\b|\b(?:have|has|had|did) i (?:ever )?(?:told|tell|said|say|mentioned?)(?: to)?(?: you)?\b|\bdid i say\b|\byou remember\b|\byou know\b")
_FRAME_ZH = re.compile(r"你?(?:还)?(?:记得|知道|记不记得|记住|晓得)|我(?:有没有)?(?:跟|和|对)?你?(?:说过|讲过|提过|告诉过?你?|说的|提到)(?:的)?|提醒(?:一下)?我|告诉我")


@dataclass(frozen=True)
class Asked:
    """`subject`: whom, "" where none is named; `predicates`: what of them, () for anything; `everything`: all that is known of the user; `past`: what
    was so before; `mine`: it is the user's own matter; `thing`: what is asked for with "my", where it is nobody ("car")."""
    subject: str = ""
    predicates: tuple[str, ...] = ()
    everything: bool = False
    past: bool = False
    mine: bool = False
    thing: str = ""
    named: bool = False                                  # by their name: nobody else of that kind is meant


def asked(text: str, known: Mapping[str, str] | None = None) -> Asked:
    """`known`: names in lower case -> subjects."""
    chinese = cjk_share(text) >= 0.3
    return _asked_zh(text, known or {}) if chinese else _asked_en(text, known or {})


def cues(text: str) -> list[str]:
    """The predicates that a text speaks of."""
    low, bare = spell_out(text), simplify(text)
    return [predicate for predicate, (en, zh) in _CUES.items() if en.search(low) or zh.search(bare)]


def people(text: str) -> list[str]:
    """Everybody a text calls by what they are: "my sister", 姐姐; not whether they are the user's."""
    low, bare = spell_out(text), simplify(text)
    found = [kin.english(hit[0]) for hit in re.finditer(rf"\b{kin.NOUN_EN}(?=s?\b)", low)] + [kin.chinese(hit[0]) for hit in re.finditer(kin.NOUN_ZH, bare)]
    return list(dict.fromkeys(subject for subject in found if subject))


def named(text: str, known: Mapping[str, str]) -> list[str]:
    """The names among `known` that a text holds, in their order. Looked up, not searched for: there may be thousands."""
    if not known:
        return []
    low = simplify(text).lower().replace("’", "'")
    words = [re.sub(r"'s$", "", word) for word in re.findall(r"[a-z0-9à-ÿ][\w'-]*", low)]
    found = [" ".join(words[at:at + n]) for at in range(len(words)) for n in (3, 2, 1)]
    for run in re.findall("[\u4e00-\u9fff·]+", low):
        found += [run[at:at + n] for at in range(len(run)) for n in (5, 4, 3, 2)]
    return [name for name in dict.fromkeys(found) if name in known]


def stem(word: str) -> str:
    """A poor man's stem: "living", "lives", "lived" -> "liv"."""
    word = re.sub(r"'s?$|'", "", word)
    word = re.sub(r"ies$", "y", word) if len(word) > 4 else word
    return re.sub(r"(?:ings?|ed|es|s|e|y)$", "", word) or word if len(word) > 3 else word


def tokens(text: str, known: Mapping[str, str] | None = None) -> list[str]:
    """What a text is found by: stems and pairs of characters, x-words for what it speaks of and whom."""
    low, words = spell_out(text), []
    if re.search("[a-z0-9à-ÿ]", low):
        words = [re.sub("[^a-z0-9à-ÿ]", "", stem(word)) for word in re.findall(r"[a-z0-9à-ÿ][a-z0-9à-ÿ']*", low) if word not in DULL and word not in kin.WORDS_EN]
    if re.search("[\u4e00-\u9fff]", text):
        words += [unit for unit in units_zh(normal_zh(text)) if not unit.isascii()]
    whose = people(text)
    for name in named(text, known or {}):
        whose.append((known or {})[name])
        words.append(re.sub(r"\W", "", name) if name.isascii() else name)
    words += [f"xk{predicate.replace(' ', '')}" for predicate in cues(text)]
    words += [mark(part) for subject in whose for part in (subject, kin.head(subject))]
    return [word for word in dict.fromkeys(words) if word]


def mark(subject: str) -> str:
    """The word that stands for somebody, in either language."""
    return "xs" + re.sub("[^a-z]", "", subject.lower())


def _asked_en(text: str, known: Mapping[str, str]) -> Asked:
    low = re.sub(r"[^\w\s'-]", " ", spell_out(text))
    low = " ".join(re.sub(r"\bfavorite\b", "favourite", low).split())
    if _ANY.search(low):
        return Asked(kin.USER, (), everything=True, mine=True)
    bare = " ".join(_FRAME.sub(" ", low).split())
    past = bool(_PAST.search(bare))
    favourites = [f"favourite {hit[1].split()[0] if hit[1].split()[-1] in ('is', 'again', 'of', 'and') else hit[1]}" for hit in _FAVOURITE.finditer(bare)]
    predicates = [predicate for predicate, (en, _) in _CUES.items() if en.search(bare)]
    subject, mine = "", bool(_ME.search(bare))
    if hit := re.search(rf"\b(?:my|our) (?P<one>{kin.NOUN_EN})s?(?:'s?|s)? (?P<two>{kin.NOUN_EN})s?\b|\b(?:my|our) (?P<noun>{kin.NOUN_EN})(?P<s>s|es|ren)?(?:'s|\b)", bare):
        subject = f"{kin.english(hit['one'])}'s {kin.english(hit['two'])}" if hit["one"] else kin.english(hit["noun"])
        if hit["noun"] and kin.head(subject) in ("dog", "cat") and re.search(rf"my {re.escape(hit['noun'])} (?:food|house)\b", bare):
            subject = ""
    elif not re.match(r"(?:where|when|why|how) (?!many|much)", bare) and (hit := re.search(r"\b(?:do|did|have|has) (?:i|we) (?:still |also |already |really )?(?:have|got|keep)(?: got)? (?:an? |any )?(.+)$|\bhow many (.+?) (?:do|did|have) (?:i|we)\b", bare)):
        thing = (hit[1] or hit[2]).split(" called")[0]
        subject, predicates = kin.USER, [*dict.fromkeys([*(["has", "owns"] if not re.search("allerg|plan", thing) else []), *predicates])]
    names = [known[name] for name in named(text, known)]
    if not subject and names and not (mine and names[0] == kin.USER):
        subject = names[0]
        if hit := re.search(rf"\b[\w-]+'s (?P<noun>{kin.NOUN_EN})\b", bare):           # somebody of somebody who is known by name
            return Asked(f"{subject}'s {kin.english(hit['noun'])}", tuple(predicates), False, past, True, "", False)
    if subject and (same := next((one for one in names if kin.alike(one, subject)), "")):
        subject = same
    thing = ""
    if not subject and mine:
        subject = kin.USER
        if hit := re.search(r"\bmy (?!favourite|name|age|job|birthday|home|address|work|employer|diet|plans?|allerg|health|hobb|interest|old|previous|first|last|partner|sibling|family|kids|life|pet)([a-z]+(?: [a-z]+)?)", bare):
            thing = re.sub(r" (?:is|are|was|called|at|on|in|again|like|named|look)$", "", hit[1])
    if "employer" in predicates and "job" in predicates:
        predicates = [p for p in predicates if p != ("job" if re.search(r"\bwhere\b|who .*\bfor\b|which company", bare) else "employer" if not re.search(r"\bstill\b", bare) else "")]
    if re.search(r"\bwhere\b.*\b(?:going|flying|travelling|traveling|trip|holiday|vacation|heading)\b", bare):
        predicates = [p for p in predicates if p not in ("home", "employer", "origin")]
    if "dislikes" in predicates and "likes" in predicates:
        predicates.remove("likes")
    if favourites:
        predicates = [*favourites, *(p for p in predicates if p in ("plan",))]
    if "age" in predicates and "name" in predicates and "how old" in bare:
        predicates.remove("name")
    if "origin" in predicates and "home" in predicates and not re.search(r"\bliv|mov", bare):
        predicates.remove("home")
    if "birthday" in predicates and "origin" in predicates:
        predicates.remove("birthday" if "where" in bare else "origin")
    if subject and subject != kin.USER and "name" in predicates and len(predicates) > 1 and re.match(r"who is|what is .* (?:name|called)", bare):
        predicates = ["name"]
    if re.search(r"\bwhat (?:does|do) .* do\b", bare) and "job" in predicates:
        predicates = ["job", "field", "employer"]
    return Asked(subject, tuple(predicates), False, past, mine or bool(names), thing, subject in names)


def _asked_zh(text: str, known: Mapping[str, str]) -> Asked:
    bare = re.sub(r"[^\w]", "", simplify(text).lower()).replace("您", "你")
    if _ANY_ZH.search(bare) and not re.search(rf"关于(?!我|自己)|关于我的?{kin.NOUN_ZH}|^我?(?:的)?{kin.NOUN_ZH}", bare):
        return Asked(kin.USER, (), everything=True, mine=True)
    asks = _FRAME_ZH.sub("", bare)
    past = bool(_PAST_ZH.search(asks))
    predicates = [predicate for predicate, (_, zh) in _CUES.items() if zh.search(asks)]
    mine = bool(_SELF_ZH.search(bare))
    subject = ""
    if hit := re.search(rf"(?:我|咱|俺)(?:们)?(?:家|的)?(?:的)?({kin.NOUN_ZH})的?({kin.NOUN_ZH})?", asks):
        one, two = kin.chinese(hit[1]), kin.chinese(hit[2] or "")
        subject = f"{one}'s {two}" if two else one
    names = [known[name] for name in named(text, known)]
    if not subject and names and names[0] != kin.USER:
        subject = names[0]
        if (hit := re.search(rf"的({kin.NOUN_ZH})", asks)) and kin.chinese(hit[1]):
            return Asked(f"{subject}'s {kin.chinese(hit[1])}", ("name",) if re.search("叫什么|名字|是谁|姓什么", asks) else tuple(predicates), False, past, True, "", False)
    if subject and (same := next((one for one in names if kin.alike(one, subject)), "")):
        subject = same
    if not subject and mine:
        subject = kin.USER
    if "employer" in predicates and "job" in predicates:
        predicates = [p for p in predicates if p != ("job" if re.search("哪|什么公司|什么单位", asks) else "employer")]
    if hit := _FAVOURITE_ZH.search(asks):
        what = hit[1] or hit[2]
        predicates = [f"favourite {FAVOURITES.get(what, what)}"]
    if "dislikes" in predicates and "likes" in predicates:
        predicates.remove("likes")
    if "plan" in predicates and "home" in predicates and "住" not in asks:
        predicates.remove("home")
    if re.search("叫什么|名字|是谁", asks) and subject != kin.USER:
        predicates = ["name"]
    return Asked(subject, tuple(predicates), False, past, mine or bool(names), "", subject in names)
