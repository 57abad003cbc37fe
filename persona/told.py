"""What the user has told about themselves, found in their own words: above all the name. Nothing is stored; the history is read again."""
from __future__ import annotations

import re
from collections.abc import Sequence

from persona.words import simplify, spell_out, words_of

_NOT_NAMES = words_of(
    "sorry fine good well ok okay great here back ready done sure sad happy tired hungry thirsty bored lost late busy sick ill hurt "
    "lonely "
    "alone angry mad upset scared afraid "
    "nervous anxious worried excited glad curious confused new old young single married divorced pregnant drunk sober high human real "
    "alive dead home free not just so very "
    "really too also still only from in at on with a an the your my his her no yes nobody somebody someone going trying looking learning "
    "thinking feeling doing talking "
    "asking leaving kidding joking serious german chinese english american british french spanish italian japanese korean indian russian "
    "african european asian canadian "
    "australian dutch swedish polish turkish mexican brazilian irish scottish welsh greek arab jewish muslim christian catholic buddhist "
    "hindu vegan vegetarian gay straight "
    "bi trans deaf blind left right tall short fat thin rich poor smart stupid dumb ugly beautiful awake asleep outside inside "
    "interested "
    "impressed amazed "
    "surprised disappointed depressed stressed exhausted freezing cold hot warm starving batman spiderman superman god jesus santa what "
    "who when where how why that this it if because afraid "
    "thankful grateful sleepy grumpy hopeless fed out off down up over about all almost always never maybe more less better worse best "
    "right wrong able unable one two")
_NOT_CALLED = words_of("later back maybe when if a an the taxi crazy tomorrow today tonight now again up on at in by soon anytime "
                       "whatever "
                       "anything what names stupid "
                        "old-fashioned lazy cab police ambulance 911 112 it that this them him her me my your mom mum dad not is was "
                        "secret hard difficult long")
_NAME = r"([A-Za-zÀ-ɏ][\w'’.-]{0,24}(?: (?!and\b|but\b|from\b|by\b|the\b|what\b|so\b|i\b|nice\b)[A-ZÀ-Þ][\w'’.-]{0,24}){0,2})"
_SAYS_NAME = re.compile(rf"\b(?:my (?:first )?name(?:'s|’s| is|s)|(?:please |just |you (?:can|may) )?call me|i am called|i'm called|"
                        rf"they call me|people call me|everyone calls me|i go by)\s+{_NAME}",
                        re.IGNORECASE)
_IS_NAME = re.compile(rf"\b(?:[Ii] ?['’]?m|[Ii] am|[Tt]his is|[Ii]t['’]s)\s+{_NAME}(?=\s*(?:$|[.,!?;]|and\b|from\b|by the way\b|here\b|"
                      rf"btw\b|nice\b|what\b|who\b|how\b))")
_LOWER_IS = re.compile(r"^(?:(?:hi|hello|hey)[ ,!]*)?(?:i ?['’]?m|i am) ([a-z]{2,12})$")
_COMMON = words_of(
    "sam tom ben max leo jack john james mike michael david daniel dan anna emma lisa lucy sarah sara kate mary mia eva ella nina julia "
    "laura maria alex chris nick paul peter "
    "mark luke adam eric kevin brian ryan tim jim joe bob bill steve scott frank george henry charlie harry oliver noah liam lucas ethan "
    "oscar felix jonas lena lea marie sophie "
    "sofia olivia ava grace amy jane jenny jessica ashley emily hannah helen claire alice zoe chloe ruby rose lily daisy li wei ming ali "
    "omar ahmed carlos juan pedro jose miguel")
_SURNAMES = "王李张刘陈杨黄赵吴周徐孙马朱胡郭何林罗高郑梁谢宋唐许韩冯邓曹彭曾肖田董袁潘蒋蔡余" \
            "杜叶程苏魏吕丁任沈姚卢傅钟姜崔谭廖范汪陆金石戴贾韦夏邱方侯邹熊孟秦白江阎薛尹段雷"
_ZH_NAME = r"([A-Za-z][A-Za-z .·-]{0,24}[A-Za-z]|[A-Za-z]|[\u4e00-\u9fff·]{1,5}?)"
_ZH_END = r"(?=$|[，,。.！!？?；;、\s]|吧|就好|就行|好了|就可以|啦|哦|哈|呀|今年|来自|你呢|你叫|你好|是个|很高兴|，)"
_ZH_SAYS = re.compile(rf"(?:我(?:的)?(?:名字|大名|小名)(?:是|叫)|我(?:名)?叫(?:做)?|(?<!别)(?:你)?(?:可以|就|以后|请)?(?:叫|喊|"
                      rf"称呼)我(?:做|为)?)\s*{_ZH_NAME}{_ZH_END}")
_ZH_IS = re.compile(rf"^(?:你好|嗨|哈喽|hi|hello)?[，,。！! ]*我是\s*((?:小|阿|老|大)[\u4e00-\u9fff]{{1,2}}|[A-Z][a-zA-Z]{{1,14}}|"
                    rf"[{_SURNAMES}][\u4e00-\u9fff]{{1,2}}){_ZH_END}")
_ZH_NOT = re.compile(r"什么|啥|谁|哪|怎么|几|^(你|他|她|它|了|过|不|没|人|个|车|外卖|滴滴|救|一|起床|醒|早|爸|妈|去|来|吃|回|干|做|帮|再|"
                     r"别|停|滚|多|那|这|随便|都|也)|"
                     r"(人|生|员|师|者|家|工|手|长|的|了|客|迷|子|兵|板|民|友|粉|控|猫|狗)$|^(小|老)(学|孩|朋|板|师|百|伙|说|公|婆|外|乡|"
                     r"人|白|白兔|丑|偷|三|气|心)")
_ZH_FINE = re.compile(rf"^(小|阿|老|大)[{_SURNAMES}明红丽强伟芳刚军华燕玲娟静文雪雨云龙虎美]$")

_TOLD = (                                                # (topic, asked in English, asked in Chinese, told in English, told in Chinese)
    ("from",
     r"\bwhere (am i from|do i come from|do i live|was i born)\b",
     r"我(是|住|来自)(哪里|哪儿|哪)|我是哪里人",
     r"\bi am from\b|\bi come from\b|\bi live in\b|\bi was born in\b",
     r"我(来自|住在|是.{1,6}人$|在.{1,8}(住|生活|长大))"),
    ("job",
     r"\bwhat (is my (job|profession|work)|do i do( for a living| for work)?$|i do( for a living| for work)?$|do i work as|"
     r"my (job|work) is)",
     r"我(是)?(做|干)什么(工作|的)|我的(工作|职业)是",
     r"\bi work (as|in|at|for)\b|\bi am an? (\w+ )?(\w+er|\w+or|\w+ist|student|nurse|\w+ian|cook|chef|\w+ant|programmer)\b|"
     r"\bmy job is\b",
     r"我是.{0,5}(老师|医生|护士|学生|工程师|程序员|律师|司机|厨师|设计师|会计|员|师|家|工|生)$|我在.{1,10}(上班|工作)"),
    ("age",
     r"\bhow old am i\b|\bwhat is my age\b",
     r"我(今年)?(几岁|多大)",
     r"\bi am \d+( years old)?\b|\bi am (\w+ )?years old\b",
     r"我(今年)?[\d一二三四五六七八九十]+岁"),
    ("like",
     r"\bwhat (do|did) i (say i )?(like|love|enjoy)\b|\bwhat is my favourite\b|\bwhat are my (hobbies|interests)\b",
     r"我(最)?(喜欢|爱)(什么|啥|吃什么|做什么)",
     r"\bi (really |also )?(like|love|enjoy|adore)\b|\bmy favourite\b|\bmy hobby\b",
     r"我(很|最|也|特别|非常)?(喜欢|爱)"),
    ("pet",
     r"\b(what|which) (pet|animal)s? do i have\b|\bwhat is my (dog|cat|pet)( s)? name\b|\bwhat is my (dog|cat|pet) called\b|"
     r"\bdo i have (a )?(pet|dog|cat)",
     r"我(养|有)(什么|了什么)(宠物|动物)?|我的(猫|狗|宠物)叫什么",
     r"\b(i have an?|my) (\w+ )?(dog|cat|rabbit|hamster|bird|fish|horse|pet|puppy|kitten)\b",
     r"我(家)?(有|养了|的)(一)?(只|条|个)?.{0,3}(猫|狗|兔|鸟|鱼|宠物|仓鼠|乌龟)"),
    ("feel",
     r"\bhow (am i|do i|did i say i) feel(ing)?\b|\bhow am i( doing)?$",
     r"我(现在)?(心情|感觉)(怎么样|如何)",
     r"\bi (am|feel) (\w+ )?(sad|happy|tired|bored|lonely|angry|stressed|excited|nervous|fine|good|great|ill|sick)\b",
     r"我(好|很|有点|太)?(难过|开心|高兴|累|无聊|孤独|生气|紧张|激动)"),
)
_TOLD_ROWS = tuple((topic, re.compile(ask_en), re.compile(ask_zh), re.compile(en), re.compile(zh)) for topic, ask_en, ask_zh, en, zh in _TOLD)
_ANY_TOLD = (re.compile(r"\bwhat (do you know|did i tell you|have i told you|do you remember) about me\b|\bwhat do you remember\b|"
                        r"\bwhat did i tell you\b"),
             re.compile(r"你(知道|记得|了解)我(什么|些什么|哪些)|我(都)?(跟|告诉|和)(过)?你(说|讲)?过?(什么|些什么)$|你还?记得(我)?(什么|"
                        r"些什么|我说(过)?的)"))


def name_in(text: str) -> str:
    """The name the user gives in this text, or ""."""
    return (_english_name(text) or _chinese_name(text))[:40]


def name_of(history: Sequence[dict]) -> str:
    """The name given last, or ""."""
    for turn in reversed(history):
        if turn.get("role") == "user" and (name := name_in(turn.get("content", ""))):
            return name
    return ""


def without_name(text: str) -> str:
    """The text without the clause that gives the name."""
    if _chinese_name(text):
        return (_ZH_SAYS if _ZH_SAYS.search(text) else _ZH_IS).sub(" ", text, count=1).lstrip("吧就好行了啦哦哈呀 ，,。！!")
    found = _SAYS_NAME.search(text) or _IS_NAME.search(text) or _LOWER_IS.search(text.lower().strip(" .!"))
    return (text[:found.start()] + " " + text[found.end():]).strip(" ,.!;") if found else text


def topic_asked(spelled: str, bare: str) -> tuple[str, str] | None:
    """(topic, "") where the user asks what they told about themselves; ("any", "") for everything. `spelled` English, `bare` Chinese."""
    for topic, en, zh, *_ in _TOLD_ROWS:
        if en.search(spelled) or zh.search(bare):
            return topic, ""
    return ("any", "") if _ANY_TOLD[0].search(spelled) or _ANY_TOLD[1].search(bare) else None


def told(topic: str, history: Sequence[dict]) -> str:
    """The user's own latest sentence about a topic, or ""."""
    for turn in reversed(history):
        content = turn.get("content", "")
        if turn.get("role") != "user" or "?" in content or "？" in content:
            continue
        spelled, bare = spell_out(content), re.sub(r"[^\w]", "", simplify(content))
        for own, _, _, en, zh in _TOLD_ROWS:
            if topic in (own, "any") and (en.search(spelled) or zh.search(bare)):
                return content.strip()[:200]
    return ""


def _english_name(text: str) -> str:
    if found := _SAYS_NAME.search(text):
        words = found.group(1).split()
        if words[0].lower() not in _NOT_CALLED and words[0].lower() not in ("not", "none", "of", "your", "an", "a", "the"):
            return _proper(_stripped(words, lower_ends=True))
    if found := _IS_NAME.search(text):
        words = found.group(1).split()
        first = words[0].lower().rstrip(".,")
        if words[0][0].isupper() and first not in _NOT_NAMES and not re.search(r"(ing|ed|ish|ese|less|ful)$", first) and len(first) > 1:
            return _proper(words)
    if (found := _LOWER_IS.match(text.lower().strip(" .!"))) and found.group(1) in _COMMON:
        return found.group(1).capitalize()
    return ""


def _stripped(words: list[str], lower_ends: bool) -> list[str]:
    return [words[0]] + [word for word in words[1:] if not lower_ends or word[0].isupper()]


def _proper(words: list[str]) -> str:
    name = " ".join(words).strip(" .,'’-!")
    return name if any(c.isupper() for c in name) else name.title()


def _chinese_name(text: str) -> str:
    simple = simplify(text)
    if found := _ZH_SAYS.search(simple):
        name = found.group(1).strip()
        if not _ZH_NOT.search(name) or _ZH_FINE.match(name):
            return name
    if found := _ZH_IS.search(simple):
        name = found.group(1).strip()
        if not _ZH_NOT.search(name) or _ZH_FINE.match(name):
            return name
    return ""
