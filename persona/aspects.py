"""What is asked about somebody or something: how old, married, called, at work, where. A fact that doesn't hold it is no answer."""
from __future__ import annotations

import re
from dataclasses import dataclass

from persona.words import simplify, spell_out


@dataclass(frozen=True)
class Aspect:
    """`held`: what a sentence must hold to answer; `clause`: the thing not known, with {it} for him or her."""
    name: str
    asked_en: re.Pattern[str]
    asked_zh: re.Pattern[str]
    held: re.Pattern[str]
    clause_en: str
    clause_zh: str


_NUMBER_WORD = (r"\d|\b(one|two|three|four|five|six|seven|eight|nine|ten|eleven|twelve|thirteen|fourteen|fifteen|sixteen|seventeen|"
                r"eighteen|nineteen|"
                r"twenty|thirty|forty|fifty|sixty|seventy|eighty|ninety)\b")
_ROWS = (
    ("age", r"\bhow old\b|\b(is|are) (\w+ ){1,3}old$|\bwhat age\b|\b(his|her|its|their|your \w+ s) age\b|\byoung\b", r"多大|几岁|年龄|年纪|岁数",
     rf"(?=.*({_NUMBER_WORD})).*(\bis\b|year|old|turn)|岁|\bhow old\b|\bage\b|多大", "how old {it}", "{it}多大"),
    ("married", r"\bmarried\b|\bsingle\b|\bhave (a |an |any )?(wife|husband|partner|girlfriend|"
                r"boyfriend)\b", r"结婚|成家|对象|单身|(有|没)(老婆|老公)",
     r"\bmarried|\bwife|\bhusband|\bsingle|结婚|成家|对象|单身|未婚", "whether {it} married", "{it}结没结婚"),
    ("kids", r"\bhave (any )?(kids|children)\b", r"有(没有)?(孩子|"
                                                 r"小孩)", r"\b(kids?|child|children|son|daughter)\b|孩子|儿子|"
                                                         r"女儿", "whether {has} children", "{it}有没有孩子"),
    ("called", r"\bname\b|\bcalled\b", r"叫什么|叫啥|名字|称呼", r"\b(called|named|name)\b|(?<=[a-z,] )[A-Z][a-z]+|叫|“|"
                                                        r"[\u4e00-\u9fff]是(我|一)", "what {it} called", "{it}叫什么"),
    ("job", r"\bwhat (do|does|did)\b.{1,24}\bdo\b|\b(job|work|living|profession)\b", r"做什么|干什么|干嘛|什么工作|职业|干啥|做啥|上班",
     r"\b(is|was) an? \w+|\b(work|drive|teach|run|sell|bake|play|study|stud|fish|farm|cook|sail|keep|deliver|drives|baker|nurse|own)\w*|"
     r"师|员|生|工|司机|老板|卖|教|开|当|做|医|上班|读书|上学", "what {does} for a living", "{it}是做什么的"),
    ("where", r"\bwhere\b", r"在哪|住哪|哪里|哪儿|什么地方", r"\b(in|at|on|near|by|from|to) (the |a |my |our )?\w+|在|"
                                                 r"住", "where {it}", "{it}在哪儿"),
    ("likes", r"\b(what|who) (do|does)\b.{1,24}\b(like|love|enjoy|hate)\b|"
              r"\bhobb", r"喜欢|爱(吃|喝|玩|看)|爱好|讨厌", r"\b(like|love|enjoy|play|hate|collect)s?\b|喜欢|爱|打|玩|弹|"
                                                 r"画", "what {likes}", "{it}喜欢什么"),
    ("looks", r"\blook like\b|\bwhat colou?r\b|\bpretty\b|\bhandsome\b|\btall\b", r"长什么样|什么颜色|漂亮|好看|帅|多高",
     r"\b(black|white|grey|gray|red|brown|ginger|orange|green|yellow|striped|tall|hair|eyes)\b|[黑白灰红黄橘棕绿花]色?|高|漂亮|"
     r"帅", "what {looks} like", "{it}长什么样"),
    ("like", r"\bwhat is\b.{1,30}\blike$|\bdescribe\b|\bnice\b|\bkind\b|"
             r"\bstrict\b", r"怎么样|什么样的人|好不好|性格|凶|"
                            r"脾气", r"\b(kind|nice|strict|loud|quiet|funny|clever|grumpy|stubborn|lazy|wild|shy)\b|脾气|性格|聪明|"
                                   r"调皮", "what {it} like", "{it}是什么样"),
    ("since", r"\bhow long\b|\bsince when\b", r"多久|多少年|几年", rf"{_NUMBER_WORD}|years?|days?|hours?|年|月|天|"
                                                            rf"since", "how long it's been", "有多久"),
)
ASPECTS = tuple(Aspect(name, re.compile(en), re.compile(zh), re.compile(held), clause_en, clause_zh) for name, en, zh, held, clause_en, clause_zh in _ROWS)


def asked(text: str, language: str) -> Aspect | None:
    """What a question wants to know, or None where it is of no such kind."""
    low = simplify(text) if language == "zh" else " ".join(re.sub(r"[^\w\s]", " ", spell_out(text)).split())
    return next((aspect for aspect in ASPECTS if (aspect.asked_zh if language == "zh" else aspect.asked_en).search(low)), None)


def clause(aspect: Aspect, pronoun: str, language: str) -> str:
    """"how old he is", "他多大"."""
    if language == "zh":
        return aspect.clause_zh.replace("{it}", {"she": "她", "he": "他", "it": "它", "they": "他们"}.get(pronoun, "它"))
    it = pronoun or "it"
    be, has = ("are", "have") if it == "they" else ("is", "has")
    s = "" if it == "they" else "s"
    values = {"does": f"{it} do{'' if it == 'they' else 'es'}", "has": f"{it} {has}", "likes": f"{it} like{s}", "looks": f"{it} look{s}"}
    text = aspect.clause_en
    for place, value in values.items():
        text = text.replace("{" + place + "}", value)
    if aspect.name in ("age", "where", "called", "like"):
        return (f"what {it} {be} like" if aspect.name == "like" else text.replace("{it}", it).replace(" called", f" {be} called")
                if aspect.name == "called" else text.replace("{it}", f"{it} {be}"))
    return text.replace("{it}", f"{it} {be}")
