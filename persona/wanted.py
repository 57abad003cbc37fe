"""What a question wants of a document: its words that carry meaning, one word for each meaning, and the kind of thing (a time, a price, a person) that
would answer it. English and Chinese. Knows nothing of documents."""
from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache

from persona.words import simplify, words_of

_DULL = words_of(
    "a an the is are am was were be been being do does did done you your yours yourself i my me mine we our us ours he she it its his her hers him they them their theirs "
    "to of in on at for with from by into about as than that this these those there here what which who whom whose when where why how can could will would shall should "
    "may might must have has had having and or but nor not no so if then any some all each every ever never really please tell say says said know knows mean means give "
    "let get got gets go goes also just only very much many more most one ones thing things up out off over under again same own such too per via etc according document "
    "documents file text describe explain mention mentions mentioned happen happens exist exists between during anything something anyone someone like use")
# Words for the same thing: the first stands for all of its line.
_SAME = """
cost price fee charge pay paid payment expense rate tariff
ticket admission entry entrance
open opening opens
close closing closes shut
hour hours opening-hours schedule timetable
holiday vacation
begin start commence
end finish conclude
buy purchase
sell sale
doctor physician
phone telephone mobile
email mail e-mail
car vehicle automobile
child kid children kids
employee staff worker colleague personnel
manager boss head run runs manage manages director supervisor leader lead chief
salary wage wages
build built construct constructed construction erected
create created make made produce produced
founded establish established founder
die died death dead
born birth birthday birthplace
live lives lived living reside resides residence
marry married wife husband spouse
work works worked working job employed employment
big large huge size
small little tiny
fast quick speed
return refund send-back
repair fix mend
clean wash cleaning
allow allowed permitted permit permission
forbid forbidden prohibited banned
need require required requires requirement needed
help support assistance
rent rental hire lease
food meal eat
drink beverage
dog dogs puppy
picture photo photograph photography image
paint painted painting painter
write written wrote author writer
teach taught teacher tutor instructor
study student pupil learn
old age aged
tall height high
long length
wide width
heavy weight weigh weighs
far distance
deep depth
locate located location situated place
city town
country nation
street road address
mother mum mom
father dad
invent invented inventor
discover discovered discovery
member membership join
cancel cancelled cancellation
deliver delivery ship shipping shipped
order ordered ordering
warranty guarantee guaranteed
password passcode
wifi wi-fi wireless
parking park
toilet restroom bathroom washroom
lift elevator
discount reduction reduced concession
material fabric
break pause
contact reach call
emergency accident
"""
_TO = {other: row.split()[0] for row in _SAME.strip().splitlines() for other in row.split()}
_FIRSTS = frozenset(_TO.values())
_IRREGULAR = {"men": "man", "women": "woman", "people": "person", "feet": "foot", "mice": "mouse", "won": "win", "sold": "sell", "bought": "buy", "kept": "keep", "held": "hold",
              "lost": "lose", "led": "lead", "grew": "grow", "grown": "grow", "came": "come", "gave": "give", "given": "give", "took": "take", "taken": "take",
              "ran": "run", "sent": "send", "began": "begin", "begun": "begin", "fed": "feed", "chose": "choose", "chosen": "choose", "found": "find", "left": "leave", "worn": "wear", "wore": "wear",
              "ate": "eat", "eaten": "eat", "sang": "sing", "sung": "sing", "flew": "fly", "flown": "fly", "went": "go", "stood": "stand", "caught": "catch", "broke": "break"}

# One word for each meaning, of Chinese questions and texts alike.
_SAME_ZH = (
    ("门票|票价|入场券|入馆费", "门票"), ("多少钱|几块钱|价钱|价格|售价|费用|收费|要价", "价格"), ("开门|开馆|开放|营业|上班时间", "开放"), ("关门|闭馆|打烊|休馆|歇业", "关闭"),
    ("电话号码|电话|手机号|联系方式", "电话"), ("地址|位置|位于|坐落", "地址"), ("休假|年假|放假|假期", "假期"), ("员工|职工|雇员|同事", "员工"), ("经理|主管|负责人|老板|领导", "经理"),
    ("工资|薪水|薪酬|月薪", "工资"), ("创办|创立|成立|创建|建立", "创办"), ("建造|修建|建成|兴建|始建", "建造"), ("出生|生于|诞生", "出生"), ("去世|逝世|死于|病逝", "去世"),
    ("退货|退款|退换", "退货"), ("保修|质保", "保修"), ("送货|配送|发货|快递|运送", "送货"), ("允许|准许|能否", "允许"), ("不得|不准|不许|严禁", "禁止"),
    ("停车场|停车", "停车"), ("洗手间|卫生间|厕所", "厕所"), ("折扣|优惠|打折|减免", "优惠"), ("拍照|摄影|照相", "拍照"), ("作者|写的|所著|著有", "作者"), ("导师|老师|教师", "老师"),
    ("无线网络|无线网|wifi", "wifi"), ("孩子|儿童|小孩|小朋友", "儿童"), ("学生|学员", "学生"), ("年龄|岁数", "年龄"), ("高度|身高|海拔", "高度"), ("长度|全长", "长度"),
    ("成分|材料|材质|原料", "材料"), ("预约|预订|预定", "预约"), ("维修|修理|检修", "维修"), ("密码|口令", "密码"), ("紧急|应急", "紧急"))
_SAMED_ZH = tuple((re.compile(pattern), with_) for pattern, with_ in _SAME_ZH)
FIRSTS_ZH = frozenset(with_ for _, with_ in _SAME_ZH)

_COUNT = ("one|two|three|four|five|six|seven|eight|nine|ten|eleven|twelve|thirteen|fourteen|fifteen|sixteen|seventeen|eighteen|nineteen|twenty|thirty|forty|fifty|sixty|seventy|eighty|"
          "ninety|dozen|hundred|thousand|million|half|several")
_NUMBER = rf"\d|\b(?:{_COUNT}|once|twice|zero|none|no)\b|[一二三四五六七八九十百千万两半零]"
CURRENCY = r"[$€£¥￥]|\b(?:euros?|dollars?|pounds?|pence|cents?|yuan|rmb|usd|eur|gbp|free|kronor|francs?|yen)\b|[元块角分]|免费|人民币"
_DAY = r"\b(?:mon|tues|wednes|thurs|fri|satur|sun)days?\b|\b(?:january|february|march|april|may|june|july|august|september|october|november|december)\b|星期|周[一二三四五六日末]|月|日|号"
_TIME = r"\d{1,2}[:：.]\d\d|\b\d{1,2} ?(?:am|pm|a\.m|p\.m|o'clock)|\b(?:noon|midnight|morning|evening|daily|always|every day)\b|点|时|早|晚|午|" + _DAY
_LASTING = rf"(?:\d|\b(?:{_COUNT}|an?)\b)[\w\s-]{{0,14}}\b(?:second|minute|hour|day|week|month|year|decade|centur)|[\d一二三四五六七八九十两半]+ ?个?(?:秒|分钟|小时|天|周|星期|月|年)"
_PERSON = (r"(?<=\w )[A-Z][a-z]+|\b(?:mr|mrs|ms|dr|prof)\b|[\u4e00-\u9fff]{2,4}(?:先生|女士|老师|教授|博士|经理|主任|师傅)|由[\u4e00-\u9fff]{2,4}|是[\u4e00-\u9fff]{2,4}|"
           r"[\u4e00-\u9fff]{2,4}(?:创|设计|写|著|负责)")
_PLACE = r"\b(?:in|at|on|near|next to|behind|opposite|outside|inside|from|beside|above|under|to|street|road|room|floor)\b|[在于位]|路|街|楼|室|旁|里|区|市"
_WHY = r"\b(?:because|since|due to|so that|in order|as it|to (?:keep|avoid|protect|prevent|let|make|save|give)|therefore|reason|for the)\b|因为|由于|为了|所以|以免|以便|原因"

# kind, what asks for it, what answers it, the words of a question that such an answer answers
_KINDS: tuple[tuple[str, str, str, tuple[str, ...]], ...] = (
    ("money", r"\bhow much (?:is|are|does|do|did|will|would|for|money|to)\b.*|\bwhat (?:is|are|does|do) .*\b(?:price|cost|fee|fare|rate)s?\b|\b(?:price|cost)s?\b|多少钱|价格|票价|费用|收费|"
     r"价钱|几块|几元", CURRENCY + r"|\b(?:costs?|prices?|fees?|rates?|tickets?)\b[^.]{0,30}\d|\d[^.]{0,20}\b(?:each|a head|per)\b|价[^。]{0,8}\d", ("cost", "价格")),
    ("length", r"\bhow long\b|\bhow many (?:minutes|hours|days|weeks|months|years)\b|多久|多长时间|几天|几年|几个月|几小时|几个小时", _LASTING,
     ("long", "take", "last", "day", "week", "month", "year")),
    ("time", r"\bwhen\b|\bwhat time\b|\b(?:what|which) (?:day|date|year|month)s?\b|几点|什么时候|何时|哪一?[天年月]|什么时间|时间", _TIME + r"|\b\d{4}\b|centur|\d年|年代",
     ("time", "day", "date", "year", "hour", "时间")),
    ("age", r"\bhow old\b|\bwhat age\b|多大|几岁|年龄", r"\bcentur|\b(?:aged?|years?|born|dates? (?:from|back))\b|\b\d{4}\b|[\d一二三四五六七八九十百千]+ ?(?:岁|年|世纪)|出生|建于", ("old", "年龄")),
    ("measure", r"\bhow (?:tall|high|far|wide|deep|heavy|big|large|fast)\b|多[高远宽深重快长]", rf"(?:\d|\b(?:{_COUNT})\b)[\d.,]*[ -]?(?:\w+ )?(?:k?m|cm|mm|km/h|mph|meters?|metres?|feet|foot|miles?|"
     r"kilo\w*|tons?|tonnes?|kg|g|pounds?|square|inch\w*|acres?|hectares?|storeys?|floors?|minutes?)\b|[\d一二三四五六七八九十百千万两半.]+ ?(?:米|公里|千米|厘米|吨|公斤|千克|克|里|层|平方|英尺|亩|分钟)",
     ("tall", "far", "wide", "deep", "heavy", "long", "big", "fast", "高度", "长度")),
    ("number", r"\bhow (?:many|often|much)\b|\bwhat (?:percentage|number|size|temperature)\b|多少|几[个只条本位层名台张间种次]|百分之几", _NUMBER, ("number", "often")),
    ("may", r"^(?:can|may|could|am|are|is|do|does) (?:i|we|you|one|people|visitors|dogs|children|it)\b.*|\ballowed\b|\bpermitted\b|能不能|可不可以|能.{1,12}吗|可以.{1,14}吗|允许|让.*吗",
     r"\b(?:allow|permit|forbid|prohibit|welcome|must|may|can|cannot|not|only|free|except|never|no|ban|need|have to|required?|possible)|[可能准许禁须请]|不得|不能|免费|欢迎|除外", ("may", "允许")),
    ("person", r"\bwho(?:se|m)?\b|\bwhat is the name of\b|谁|哪位|什么人", _PERSON, ("name",)),
    ("place", r"\bwhere\b|在哪|哪里|哪儿|什么地方|何处|地址", _PLACE, ("locate", "地址")),
    ("why", r"\bwhy\b|为什么|为何|原因", _WHY, ("reason", "原因")))
_KIND = tuple((kind, re.compile(wants, re.IGNORECASE), re.compile(holds, 0 if kind == "person" else re.IGNORECASE), words) for kind, wants, holds, words in _KINDS)
WEAK = words_of("leave bring take come use find make create want need look begin show work kind sort type name call main first new good best see sure possible keep 名字 情况 方面 时候")
_DULL_ZH = re.compile("你们|我们|他们|她们|它们|怎么样|怎么办|怎么|什么|哪里|哪儿|为什么|是谁|谁|哪|叫什么|吗|呢|啊|吧|的|了|是|会|要|想|你|我|他|她|它|那|这|也|都|还|就|和|跟|对|给|个|很|最|"
                      "觉得|知道|可以|请|把|被|让|得|着|么|东西|现在|自己|在|有|能|去|来|到|说|关于|里面|文档|资料")
_ASKING_ZH = re.compile("多长时间|多长|多久|几点钟?|什么时候|什么时间|何时|哪一?[天年月位个]|有没有|能不能|可不可以|是不是|会不会|要不要|多大|多高|多远|多重|多少|几[个只条本位层名台张间种次天年]|"
                        "是什么|叫什么|介绍一下|告诉我")


@dataclass(frozen=True)
class Wanted:
    """`words`: what must be found (see tokens); `names`: what must be found as it stands; `kind`: what would answer."""
    words: tuple[str, ...]
    names: tuple[str, ...] = ()
    kind: str = ""
    holds: re.Pattern[str] | None = None
    answered: tuple[str, ...] = ()

    def fits(self, sentence: str) -> bool:
        """Whether a sentence holds the kind of thing that is asked for."""
        return self.holds is None or bool(self.holds.search(sentence))

    def covered(self, sentence: str, share: float, missing: float, missed: list[str]) -> float:
        """The share of the question's words that is found; of `missing`, what a sentence answers that holds the kind of thing asked for counts
        as found: "cost" in one with a price, "bring" in one that forbids."""
        if not missing or not self.holds or not self.holds.search(sentence):
            return share
        left = sum(word in self.answered or self.kind == "may" and word in WEAK for word in missed) / len(missed)
        return share + 0.85 * missing * left


@lru_cache(maxsize=256)
def wanted(question: str, language: str) -> Wanted:
    """What a question wants."""
    kind, holds = "", None
    answered: tuple[str, ...] = ()
    for name, wants, found, words in _KIND:
        if wants.search(question.lower() if language == "en" else simplify(question)):
            kind, holds, answered = name, found, words
            break
    own = tokens(question) if language == "en" else [word for run in runs_zh(question) for word in tokens(run)]
    names = [word for word in re.findall(r"(?<=[\w,] )[A-Z][a-zA-Z]+\b|\b[A-Z]{2,}[A-Z0-9-]*\b|\b[A-Za-z]*\d[\w-]*", question) if word.lower() not in _DULL and word not in ("I", "AI", "OK")]
    return Wanted(tuple(dict.fromkeys(own)), tuple(dict.fromkeys(re.sub(r"\W", "", name).lower() for name in names)), kind, holds, answered)


def runs_zh(question: str) -> list[str]:
    """What is left of a Chinese question without the words that ask, in pieces."""
    bare = _ASKING_ZH.sub(" ", re.sub(r"^(?:请问|你知道|告诉我|你们|我想问|你)+", "", _samed_zh(question)))
    return [run for run in _DULL_ZH.sub(" ", re.sub(r"[^\w]", " ", bare)).split() if run]


def _samed_zh(text: str) -> str:
    bare = simplify(text).lower()
    for pattern, with_ in _SAMED_ZH:
        bare = pattern.sub(with_, bare)
    return bare


_WORD = re.compile(r"[a-z0-9]+(?:[.-][a-z0-9]+)*")
_HAN = re.compile(r"[\u3400-\u9fff]+")


def tokens(text: str) -> list[str]:
    """Words to compare: English ones by their stem, one for each meaning, without those that say nothing; Chinese by pairs of characters."""
    found = [word for raw in _WORD.findall(text.lower().replace("’s", "").replace("'s", "")) if (word := stem(raw))]
    if not text.isascii() and _HAN.search(text):
        for run in _HAN.findall(_samed_zh(text)):
            found += [run] if len(run) == 1 else [run[i:i + 2] for i in range(len(run) - 1)]
    return found


@lru_cache(maxsize=131_072)
def stem(word: str) -> str:
    """One spelling for a word's forms and for words of the same meaning; "" for one that carries none."""
    if word in _DULL:
        return ""
    if word in _TO:
        return _TO[word]
    word = _IRREGULAR.get(word, word)
    bare = word
    if len(word) > 3 and not word[0].isdigit():
        for end, with_ in (("ies", "y"), ("sses", "ss"), ("ches", "ch"), ("shes", "sh"), ("xes", "x"), ("s", "")):
            if bare.endswith(end) and not bare.endswith(("ss", "us", "is")) and len(bare) - len(end) > 1:
                bare = bare[:-len(end)] + with_
                break
        bare = _TO.get(bare, bare)
        if bare == word or bare not in _FIRSTS:
            for end in ("ing", "ed", "ly"):
                if bare.endswith(end) and len(bare) - len(end) > 2:
                    cut = bare[:-len(end)]
                    cut = cut[:-1] if len(cut) > 3 and cut[-1] == cut[-2] and cut[-1] not in "lse" else cut
                    bare = next((_TO[form] for form in (cut, cut + "e") if form in _TO), cut)
                    break
        bare = bare[:-1] if bare.endswith("e") and len(bare) > 4 and bare not in _FIRSTS else bare
    return _TO.get(bare, bare)
