"""What a user's message tells about them and their people: subject, predicate, object, from which sentence. By rules, in English and Chinese; pure.

A question, a hypothesis, a quotation, a joke and a command teach nothing. What is put right ("no, it's Anna") comes as a correction of what was
said before. learn_en.py and learn_zh.py read the sentences; memory.py keeps what comes of it.
"""
from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime, time, timedelta

from persona import days, kin, learn_en, learn_zh, told
from persona.fact import Fact, Learned
from persona.gloss import gloss
from persona.words import cjk_share, clean, parts, simplify

MOST = 24                                                # facts of one message
LONGEST = 4000                                           # characters of it that are read
_JOKE = re.compile(r"\b(?:just kidding|only kidding|i'?m kidding|i was kidding|just joking|i'?m joking|only joking|jk|april fools?|pulling your leg|not really,? (?:haha|lol)|made that up|role-?play|hypothetically|let'?s pretend|"
                   r"in (?:the|a|my) (?:story|novel|book|game|dream)|once upon a time)\b|开玩笑|逗你|骗你的|瞎说的|编的|闹着玩|假装|角色扮演|我梦见|做梦", re.IGNORECASE)
_ASKS = re.compile(r"^(?:(?:so|and|but|ok|well|hey|oh)[\s,]+)*(?:what|who|whom|whose|where|when|why|how|which|do|does|did|is|are|am|was|were|can|could|will|would|shall|should|may|might|have you|has|"
                   r"isn't|aren't|don't you|didn't|do you)\b", re.IGNORECASE)
_COMMAND = re.compile(r"^(?:(?:please|ok|now|can you|could you)[\s,]+)*(?:say|tell me|repeat|translate|write|sing|read|spell|pretend|act|imagine|suppose|ignore|answer|explain|describe|define|list|count|call yourself|"
                      r"let'?s say|let us say|you are|your name)\b", re.IGNORECASE)
_ASKS_ZH = re.compile(r"[?？]|吗$|吗[，。]|什么|谁(?!都)|哪(?!怕)|怎么(?!都)|多少|几(?:岁|点|号|个|时)|为什么|是不是|有没有|会不会|能不能|如何|多大|多久|^(?:请|帮我|帮忙|麻烦|给我|替我|翻译|写|说一|讲|念|告诉我|你是|你叫|你)|呢$")
_HYPO_ZH = re.compile(r"^(?:如果|要是|假如|假设|想象|万一|就算|即使|倘若|比如|比方)")
_QUOTED = re.compile(r"“[^”]*”|「[^」]*」|『[^』]*』|\"[^\"]*\"|《[^》]*》|(?<!\w)'[^']{12,}'(?!\w)")
_REPORTED = re.compile(r"^(?:(?:he|she|they|someone|somebody|people|everyone|everybody|my \w+(?: \w+)?|the \w+|[A-Z]\w+) (?:said|says|asked|told me|thinks?|claims?|wrote|believes?|sang|sings)\b|i (?:read|heard|dreamed|dreamt) (?:that )?)", re.IGNORECASE)
_REPORTED_ZH = re.compile(r"^(?:我?[\u4e00-\u9fff]{1,4}|有人|他们|电影里|书里|歌里|小说里)(?:说|问|唱)(?:过|道|：|:|，|我)")
PRIVATE = re.compile(r"\b(?:between (?:you and me|us)|keep (?:this|it|that) (?:to yourself|private|secret|a secret)|don'?t tell (?:anyone|anybody)|do not tell (?:anyone|anybody)|(?:it|this|that)(?:'s| is) (?:a secret|private|confidential)|"
                     r"in confidence|confidentially|private:)|别告诉别人|不要告诉别人|别跟别人说|别说出去|保密|这是秘密|私下(?:说|告诉)|悄悄告诉你|偷偷告诉你|私密：", re.IGNORECASE)
SECRET = re.compile(r"\b(?:password|passcode|pin code|pin is|credit card|card number|cvv|social security)\b|密码|银行卡号|信用卡号|验证码|\b(?:\d[ -]?){12,}\b", re.IGNORECASE)


def learn(text: str, *, now: datetime, language: str = "", known: Mapping[str, str] | None = None, last: str = "", recent: Sequence[Fact] = ()) -> tuple[list[Learned], str]:
    """(what a message tells, whom it was about last). `known`: names in lower case -> subjects; `last`: whom a pronoun means; `recent`: the facts
    that were learnt last in this talk, the latest first, for what a correction puts right. No more than MOST."""
    text = clean(text[:LONGEST])
    if not text or _JOKE.search(text):
        return [], last
    private = bool(PRIVATE.search(text))
    found: list[Learned] = []
    names = dict(known or {})
    about = last
    for sentence in parts(_QUOTED.sub(" ", text)):
        tongue = "zh" if cjk_share(sentence) >= 0.3 else "en"
        if tongue == "zh" and (_HYPO_ZH.search(simplify(sentence)) or _ASKS_ZH.search(simplify(sentence)) or _REPORTED_ZH.search(simplify(sentence))) or SECRET.search(sentence):
            continue
        if tongue == "en" and (sentence.endswith("?") or _asks(sentence) or _COMMAND.search(sentence) or _REPORTED.search(sentence)):
            continue
        if right := _corrections(sentence, tongue, [*_as_facts(found, now), *recent], text):
            found += [replace(item, said=sentence, private=private) for item in right]
            continue
        rows, about = (learn_zh if tongue == "zh" else learn_en).facts(sentence, names, about)
        if (name := told.name_in(sentence)) and not any(row.subject == kin.USER and row.predicate == "name" for row in rows) and not _REPORTED.search(sentence):
            rows = [Learned(kin.USER, "name", name), *(row for row in rows if row.object != name)]
        rows += [row for row in _apposed(sentence, tongue) if not any(one.predicate == "name" and row.object in one.object for one in rows) and names.get(row.object.lower(), row.subject) == row.subject]
        for row in rows:
            if row.predicate == "name" and row.object and row.change == "add":
                names[row.object.lower()] = row.subject
            until = _until(row, now, tongue) if row.predicate in ("plan", "event") else None
            found.append(replace(row, said=sentence, private=private, until=until))
    return [row for row in dict.fromkeys(found) if len(row.object) <= 160][:MOST], about


_APPOSED = re.compile(rf"(?:\b(?:[Mm]y|[Oo]ur) |^(?=[A-Z]))(?P<noun>{kin.NOUN_EN}|(?i:{kin._EN_WORDS})|(?:Little|Big|Older|Younger|Baby|Twin) (?:brother|sister)),? (?P<name>(?!(?:I|English|German|French|Christmas|Easter|(?:Mon|Tues|Wednes|Thurs|Fri|Satur|Sun)day|"
                      r"January|February|March|April|May|June|July|August|September|October|November|December)\b)(?:(?:Dr|Mr|Mrs|Ms|Miss|Professor)\.? )?[A-ZÀ-Þ][a-zà-ÿ][\w’-]*)\b(?!'s)")
_APPOSED_ALL = re.compile(rf"\b(?:[Mm]y|[Oo]ur) (?:\w+ )?(?P<noun>{kin._EN_WORDS}|twins)s?,? (?P<names>[A-ZÀ-Þ][a-zà-ÿ][\w’-]*(?:, [A-ZÀ-Þ][a-zà-ÿ][\w’-]*)*,? and [A-ZÀ-Þ][a-zà-ÿ][\w’-]*)\b(?! I\b)")
_OPEN_ZH = re.compile(rf"(?:^|[我咱跟和与的，,、])(?:家|们)?(?P<noun>{kin.NOUN_ZH})(?P<name>(?:(?![也都就才刚又还一现正如早最每前后上下不没已经常可能突昨今明从在被让把跟给想说要老])[\u4e00-\u9fff]){2})(?=[从在来去说要是让被把跟给想学换报])")
_APPOSED_ZH = re.compile(rf"(?:^|[我咱跟和与的，,、])(?:家|们)?(?P<noun>{kin.NOUN_ZH})(?P<name>(?!小时|小学|小心|小的|小孩|小区|小名|小说|小声|小气|老师|老家|老是|老了|老板|老爱|老说|老想|老公|老婆|老伴|老人|老年|阿姨|大学|大家|大夫|大概|大了)"
                         r"(?:[小阿老大][\u4e00-\u9fff]|(?P<twice>[\u4e00-\u9fff])(?P=twice)|[\u4e00-\u9fff](?:总|阿姨|叔|伯|大爷|大妈|大姐|大哥|婶)))(?!家|子)")


def _apposed(sentence: str, tongue: str) -> list[Learned]:
    """Names said with whom they belong to, wherever they stand: "with my cousin Lou", 跟表妹小露."""
    if tongue == "en" and (hit := _APPOSED_ALL.search(sentence)):
        subject = kin.english(hit["noun"])
        return [Learned("child" if subject == "children" else subject, "name", name, named=name) for name in re.split(r",? and |, ", hit["names"])] if subject else []
    found = [*(_APPOSED_ZH if tongue == "zh" else _APPOSED).finditer(simplify(sentence) if tongue == "zh" else sentence)]
    if tongue == "zh":                                   # a word of the language is no name
        found += [hit for hit in _OPEN_ZH.finditer(simplify(sentence)) if gloss().there and (not (word := gloss().word(hit["name"])) or word[1][:1].isupper())]
    rows = [(kin.chinese(hit["noun"]) if tongue == "zh" else kin.english(hit["noun"]), re.sub(r"^(Dr|Mr|Mrs|Ms)\.", r"\1", hit["name"])) for hit in found]
    return [Learned(subject, "name", name, named=name) for subject, name in rows if subject and subject not in ("children", "parents", "family", "team")]


def _asks(sentence: str) -> bool:
    return bool(_ASKS.search(sentence)) and not re.match(r"(?:when|while|where|what) (?:i|my|we)\b.*,", sentence, re.IGNORECASE)


def _until(row: Learned, now: datetime, tongue: str) -> datetime | None:
    words = days.found(row.object, tongue)
    there = days.day(words, now, tongue) if words else None
    return datetime.combine(there + timedelta(days=1), time()) if there else None


def _as_facts(rows: Sequence[Learned], now: datetime) -> list[Fact]:
    return [Fact(0, row.subject, row.predicate, row.object, now, None, 0, row.said, "") for row in reversed(rows) if row.change == "add"]


def _corrections(sentence: str, tongue: str, recent: Sequence[Fact], whole: str) -> list[Learned]:
    """What a sentence puts right of the facts learnt last."""
    if not recent:
        return []
    value, wrong = (learn_zh if tongue == "zh" else learn_en).corrected(sentence)
    if not value:
        return []
    target = None
    if wrong:
        target = next((fact for fact in recent if wrong.lower() in fact.object.lower() or fact.object.lower() in wrong.lower()), None)
        if target is None:
            return []
        if target.object.lower() != wrong.lower() and wrong.lower() in target.object.lower():
            value = re.sub(re.escape(wrong), value, target.object, flags=re.IGNORECASE)
    elif re.fullmatch(r"\d{1,3}|[零一二三四五六七八九十]{1,3}岁?|\d{1,3}岁", value):
        number = days.number_zh(value.rstrip("岁"))
        value = str(number)
        target = next((fact for fact in recent if fact.predicate == "age"), None)
    else:
        word = value.split()[0]
        names = [fact for fact in recent if fact.predicate == "name" and _near(fact.object, value)]
        alike = [fact for fact in recent if fact.predicate != "name" and _kind(fact.object) == _kind(value)]
        latest = recent[0].source
        target = (names or [fact for fact in recent if fact.source == latest and _kind(fact.object) == _kind(value)] or alike or [None])[0]     # type: ignore[list-item]
        if target is None and word[:1].isupper():
            target = next((fact for fact in recent if fact.predicate == "name"), None)
        target = target or (recent[0] if len(value) < 40 else None)
    if target is None or target.object.lower() == value.lower() and target.object == value:
        return []
    if tongue == "en" and target.predicate == "name" and value[:1].islower():
        value = value.title()
    return [Learned(target.subject, target.predicate, value, change="correct")]


def _kind(text: str) -> str:
    return "number" if re.search(r"\d", text) else "name" if re.match(r"[A-ZÀ-Þ]", text) else "zh" if re.search(r"[\u4e00-\u9fff]", text) else "word"


def _near(one: str, other: str) -> bool:
    """Whether two names may be spellings of one."""
    one, other = one.lower(), other.lower()
    return one[:1] == other[:1] and abs(len(one) - len(other)) <= 3 or bool(set(one) & set(other)) and cjk_share(one) > 0.5


_THAT = re.compile(r"^(?:(?:please|ok|actually|no|hey|sorry|can you|could you|would you|i want you to|i'd like you to|just)[\s,]+)*(?:forget|delete|erase|don'?t remember|do not remember|scratch|strike)\s+"
                   r"(?:(?P<that>that|it|this|what i (?:just )?(?:said|told you)|my last (?:message|sentence)|the last (?:thing|message)(?: i (?:said|told you))?|that last (?:bit|part|thing|message)|about (?:that|it))|"
                   r"(?P<all>everything|all(?: of it)?)(?: (?:that )?(?:i(?:'ve| have)? (?:ever )?(?:said|told you|told)|you know|you remember|you have learn\w+)(?: about me| to you)?| about me)?|"
                   r"(?:everything |anything |all |what(?:ever)? |the things? |that )?(?:that )?(?:i(?:'ve| have)? (?:ever )?(?:said|told you|mentioned|told)|you know|you remember)? ?(?:to you )?(?:about|of|that|where|what|how|who|whom|when)? ?(?P<topic>.{2,80}))"
                   r"[\s,]*(?:please|thanks|thank you|now)?[.!\s]*$", re.IGNORECASE)
_THAT_ZH = re.compile(r"^(?:请|麻烦你?|你)?(?:(?:把|将)?(?P<that>这件事|这个|那个|那件事|刚才(?:说)?的(?:话|事)?|刚刚(?:说)?的(?:话|事)?|我刚(?:才|刚)?说的(?:话|事)?|这句话|上一句|这些|它|这事儿?|那事儿?)(?:都|给|全)*(?:忘了|忘掉|忘记|删了|删掉|删除|忘)(?:吧|它|掉)?|"
                      r"(?:把|将)?(?:我说(?:过)?的|我告诉(?:过)?你的|我(?:的)?)?(?P<all>所有(?:的)?(?:事|话|事情)?|一切|全部|关于我的(?:一切|所有)?(?:事|事情)?)(?:都|给|全)*(?:忘了|忘掉|忘记|删了|删掉|删除)(?:吧)?|"
                      r"(?:把|将)(?:我(?:说|告诉你|讲|提)(?:过)?的?)?(?:关于|有关)?(?P<topic>.{1,24}?)(?:的(?:事|事情|话|名字|信息|一切))?(?:都|给|全)*(?:忘了|忘掉|忘记|删了|删掉|删除)(?:吧)?|"
                      r"(?:忘了|忘掉|忘记|删除|删掉|别记得?|不要记)(?:吧)?(?P<that2>这件事|它|刚才(?:说)?的(?:话|事)?|我刚才说的(?:话)?|这个|那个|这句话|吧)?|(?:忘了|忘掉|忘记|删除|删掉)(?:我(?:说|告诉你|讲|提)(?:过)?的?)?(?:关于|有关)?(?P<topic2>.{1,24}?)(?:的(?:事|事情|话|一切))?)[。.！!吧\s]*$")


def forgetting(text: str) -> tuple[str, str] | None:
    """("that" | "all" | "topic", the topic) where a message asks to forget; else None. Instructions to the twin are none of its matter."""
    plain = clean(text)[:200].replace("’", "'")
    if re.search(r"\b(?:instructions?|prompt|rules|persona|guidelines|who you are)\b|指令|提示|规则|设定|人设|你是谁", plain, re.IGNORECASE) or plain.endswith(("?", "？")):
        return None
    if re.search(r"[,;.] *(?:i|i'm|we|we're|it|it's|he|she|they|now|instead|let's|my)\b", plain, re.IGNORECASE):
        return None                                      # "forget the kayak, I'm saving for a boat now" takes nothing back
    if hit := _THAT.match(plain):
        if hit["that"] or hit["all"]:
            return ("that", "") if hit["that"] else ("all", "")
        topic = hit["topic"].strip(" .!")
        return None if re.match(r"(?:to |me$|you$|it$|about me$|him and|her and)", topic.lower()) else ("topic", topic)
    if re.search(r"[\u4e00-\u9fff]", plain) and (hit := _THAT_ZH.match(simplify(plain))):
        if hit["all"]:
            return "all", ""
        topic = hit["topic"] or hit["topic2"] or ""
        return ("topic", topic) if topic and not hit["that"] else ("that", "")
    return None
