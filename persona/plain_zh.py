"""Short Chinese questions that are plain by their wording, answered by the fact that holds just what is asked; else that it isn't written.
Characters alone mislead here: 在哪跳舞 has most of its characters in common with whatever fact has a 在."""
from __future__ import annotations

import re

from persona.fields import Fact
from persona.lines import pick
from persona.mention import kind_in
from persona.repertoire import Repertoire
from persona.reply import Found, Moment
from persona.talk import plain
from persona.words import simplify

_FAMOUS = "诗人|歌手|画家|作家|演员|明星|导演|球星|球队|作者|乐队|歌星|作曲家"
_INSTRUMENT = re.compile(r"(会|弹|拉|吹|敲|打|学|练)[^，。]{0,6}(琴|吉他|贝斯|鼓|笛|箫|二胡|唢呐|琵琶|古筝)")
_PLACE = re.compile(r"在([^，。]{2,12}?)(?:里|上)?(?=当|做|干|上班|工作|教|跳|唱|卖|开|摆|练|画|养|打|拉|[，。]|$)")
_VERBS = {"上班": "上班|工作|当|做|干|教|开", "工作": "上班|工作|当|做|干|教|开", "唱戏": "唱", "唱歌": "唱", "教书": "教", "上课": "教|课|班", "开店": "开|店|铺",
          "摆摊": "摆|摊|卖"}
_YEARS = re.compile(r"(?<![\d〇零一二三四五六七八九十])[\d一二三四五六七八九十两几半]{1,3}多?个?年(?!前|级|纪|代|以前)|[年月]了")
_MORE = re.compile(r"^(不好笑|没意思|太冷了|听过了|哈+|好冷)*(那)?(就)?(请|你|给我)?(再|换|另|下|来|接着|继续)(来|讲|说|换)?(一)?(个|段)?(别的|新的|笑话)?"
                   r"(吧|呗|嘛|听听|行吗)*$|^(这个)?(一点)?(也|都)?(不好笑|没意思|不搞笑|太冷了)(啊|吧|呀|换一个|再来一个)*$")
_TRADE = re.compile(r"^我(以前)?(在[^，。]{1,14})?(当(?!过)|开(?!心)|卖(?!过)|教|经营|工作)|^我是[^，。]{0,14}(师|员|生|工|司机|保安|老板|护士|家|长|匠|警察|农民)")
_FLOWER = re.compile(r"花|兰|菊|玫瑰|月季|茉莉|牡丹|多肉|盆|植物")


def plainly(text: str, room: Repertoire, moment: Moment, offer: str) -> Found | None:
    """The reply, or None where the question is of no such kind or a line of the twin's own fits it."""
    said = plain(simplify(text), "zh")
    own = room.hits(text, moment.last)[0] if room.own else []
    close = bool(own) and own[0].score >= room.margins.close
    mine = [fact for fact in room.facts if not kind_in(fact.text) or re.match("我(?!有|们|的|老|丈|妻|女|儿|爸|妈|外|爷|奶|妹|姐|哥|弟)", fact.text)]
    if re.match(r"^你(爸爸?|妈妈?|父亲|母亲|爸妈|父母)(呢|是谁|叫什么|做什么的|还好吗)$", said) and not any(kind_in(fact.text) in ("mother", "father", "parents") for fact in room.facts):
        line = next((line for line in room.own if "parent" in line.id), room.lines["parents"])
        return Found("line", pick(line.say, moment.values, moment.history), line.mood, (line.id,), 1.0)
    if found := _joke(said, room, moment) or _reason(said, room, moment) or _treat(said, room, moment):
        return found
    if re.search(r"(下一?句|后一?句|上一?句|下半句)(诗)?(是|怎么)?(什么|啥|呢|接)?", said) and re.search("诗|句", said):
        return _line("这句我接不上来，不敢瞎编。你念给我听听？", "unknown-verse")
    if asked := re.search(rf"(?:喜欢|爱|崇拜|欣赏|粉|偶像).{{0,4}}(?:哪个|哪位|哪些|什么|谁|哪支).{{0,2}}({_FAMOUS})|(?:偶像)是谁", said):
        if re.search("[他她它]|我喜欢|我爱", said):
            return None
        what = asked.group(1) or "偶像"
        fitting = [fact for fact in mine if what in fact.text]
        if own and any(what in hit.ask + hit.line.say[0] and hit.score > 0.45 for hit in own[:2]):
            return None
        return _facts(fitting, room, "喜欢") or _line(f"喜欢哪个{what}，我的故事里没写，我不瞎编。{offer}", "unknown-self")
    if re.search(r"^(那|你|还)*(会|能|懂|玩|学过)?(不会)?(什么|啥|哪些|哪种)?(弹|拉|吹|玩)?(乐器|弹琴|拉琴|琴)(吗|么|不|嘛|呢|呀)*$", said):
        for hit in own[:8]:
            if _INSTRUMENT.search(hit.line.say[0]):
                return Found("line", pick(hit.line.say, moment.values, moment.history), hit.line.mood, (hit.line.id,), 1.0)
        fitting = [fact for fact in mine if _INSTRUMENT.search(fact.text)]
        return _facts(fitting, room, "乐器") or (None if close else _line("会不会乐器，我的故事里没写。你会什么？", "unknown-self"))
    if close:
        return None
    if place := re.match(r"^(?:那|你|都|一般|平时|现在)*在(?:哪|哪里|哪儿|什么地方)([\u4e00-\u9fff]{1,4}?)(?:呀|啊|呢|的)*$", said):
        return _where(place.group(1), mine)
    if re.match(r"^(那|你|都)*(一共|总共)?(做|干|当|教|开|跳|唱|卖|养|拉|画)[^多几]{0,5}(多久|几年|多少年|多长时间)(了)?(呀|啊|呢)*$", said):
        verb = next(c for c in said if c in "做干当教开跳唱卖养拉画")
        fitting = [fact for fact in mine if _YEARS.search(fact.text)]
        best = [fact for fact in fitting if verb in fact.text] or (fitting if verb in "做干当" else [])
        latest = moment.history[-1]["content"] if moment.history else ""
        best.sort(key=lambda fact: fact.text.rstrip("。") not in latest)
        return _told(best[0]) if best else _line("多少年了，我的故事里没写，我不瞎编。", "unknown-self") if fitting or mine else None
    if re.match(r"^(那|你|请问)*(是|平时)*(做|干)(什么|啥)(工作|行业)?(的)?(呀|啊|呢)?$", said) and (moment.values.get("name") and not _of_kin(said, moment)):
        fitting = [fact for fact in mine if _TRADE.search(fact.text) and fact.source.startswith("fact")] or [fact for fact in mine if _TRADE.search(fact.text)]
        few = mine[:1] if len(mine) < 4 else []
        best = fitting or few
        return Found("fact", f"我是{moment.values['name']}，一个数字人。{_told(best[0]).text}", "warm", (best[0].source,), 1.0) if best else None
    if re.match(r"^(你)?(都|还)?(爱|喜欢)?养(了)?(什么|啥|哪些)?花(草)?(吗|么|不|呀|呢|没|没有)*$", said):
        return _facts([fact for fact in mine if _FLOWER.search(fact.text) and re.search("养|种", fact.text)], room, "花")
    return None


def _of_kin(said: str, moment: Moment) -> bool:
    """Whether the question leaves out a relative who was asked after just now."""
    asked = [turn["content"] for turn in moment.history if turn["role"] == "user"][-1:]
    return "你" not in said and bool(asked) and bool(kind_in(asked[0]))


def _line(text: str, source: str) -> Found:
    return Found("line", text, "thoughtful", (source,), 1.0)


def _told(fact: Fact) -> Found:
    text = fact.text.strip()
    return Found("fact", text if text.endswith(("。", "！", "？", "”")) else text + "。", "neutral", (fact.source,), 1.0)


def _facts(fitting: list[Fact], room: Repertoire, word: str) -> Found | None:
    written = [fact for fact in fitting if fact.source.startswith("fact")] or fitting
    written.sort(key=lambda fact: word not in fact.text)
    return _told(written[0]) if written else None


def _where(verb: str, facts: list[Fact]) -> Found | None:
    """The fact with this verb and the most precise place."""
    held = re.compile(_VERBS.get(verb, re.escape(verb) + "|" + re.escape(verb[0])))
    ranked = []
    for fact in facts:
        place = _PLACE.search(fact.text)
        if place and held.search(fact.text):
            ranked.append((verb in fact.text, fact.source.startswith("fact"), len(place.group(1)), fact))
    return _told(max(ranked, key=lambda row: row[:3])[3]) if ranked else None


def _reason(said: str, room: Repertoire, moment: Moment) -> Found | None:
    """"Why so many?" after a fact: what this fact, or another about the same, gives as the reason."""
    if not re.match(r"^(那|你)*(为什么|为啥|干嘛|怎么|咋)(要|会|养|种|做|收集|开|起|卖|是|有)*(这么|那么)(多|大|贵|早|晚|少|远|久|便宜|长|喜欢)?.{0,3}$|^(那)?(为什么|为啥)(呢|呀|啊)*$", said):
        return None
    latest = moment.history[-1]["content"] if moment.history else ""
    told = [fact for fact in room.facts if fact.text.rstrip("。") in latest]
    if not told:
        return None
    for fact in told:
        if found := re.search(r"(因为[^。]+|是?为了[^。]+)", fact.text):
            return Found("fact", found.group(1) + "。", "warm", (fact.source,), 1.0)
    words = {told[0].text[i:i + 2] for i in range(len(told[0].text) - 1)}
    for fact in room.facts:
        if re.search("因为|为了|所以", fact.text) and sum(fact.text[i:i + 2] in words for i in range(len(fact.text) - 1)) >= 2:
            return _told(fact)
    return _line("为什么，我的故事里没写，只写了事情是这样。你猜呢？", "unknown-why") if len(said) > 4 else None


def _joke(said: str, room: Repertoire, moment: Moment) -> Found | None:
    """Another joke, right after one."""
    asked = [turn["content"] for turn in moment.history if turn["role"] == "user"][-3:]
    if not _MORE.match(said) or not any(re.search("笑话|段子|逗我|好笑", turn) for turn in asked):
        return None
    spoken = moment.spoken()
    lines = [line for line in (*room.own, *room.anybody) if line.id == "joke" or re.match(r"joke_?\d", line.id)]
    jokes = [(line, say) for line in lines for say in line.say if say not in spoken and "不好笑" not in say]
    if not jokes:
        return _line("笑话讲光啦，该你讲一个给我听了。", "joke-none")
    return Found("line", jokes[0][1], "amused", (jokes[0][0].id,), 1.0)


def _treat(said: str, room: Repertoire, moment: Moment) -> Found | None:
    """Something to eat or drink is offered."""
    if not re.match(r"^(来|我|那|今天|改天|下次|想)*(请|给)你(吃|喝|尝|来(个|点|杯|块))|^(来|给)?(吃|喝)(块|个|点|颗|杯|口)[\u4e00-\u9fff]{1,4}(吧|吗|不)?$", said):
        return None
    what = re.sub(r"^.*?(吃|喝|尝|来)(块|个|点|颗|杯|口|顿|一)*|(吧|吗|呀|啊|了)*$", "", said)
    facts = [fact for fact in room.facts if fact.source.startswith("fact") and not kind_in(fact.text) and fact.text not in moment.spoken()]
    fitting = [fact for fact in facts if "过敏" in fact.text or what and what in fact.text] or \
              [fact for fact in facts if re.search("爱[吃喝]|喜欢[吃喝]|不吃", fact.text)]
    more = f"故事里倒是写着：{fitting[0].text.rstrip('。')}。" if fitting else "你替我多吃一口吧。"
    return Found("line", "谢谢你！我是数字人，吃不了东西，心意领了。" + more, "happy", ("treat", *(fact.source for fact in fitting[:1])), 1.0)
