"""Small tools behind one protocol: the clock, sums, reminders, a search in documents, a catalogue, the state of a scene. `when` finds in a
user's words that one is wanted, so they work without a model; `parameters` (JSON schema) offers the same to a model that can call functions, in
the form that Qwen and Hermes were trained on: <tool_call>{"name": ..., "arguments": {...}}</tool_call>, any server, any engine."""
from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Protocol

from persona import clock, reminders, sums
from persona.catalogue import Catalogue, Fit, Good, limits
from persona.lines import pick
from persona.scene import Scene
from persona.talk import plain

MOST_CALLS = 3                                           # of a model, for one answer
LONGEST_RESULT = 2000                                    # characters that a model is told of one

_SAID: dict[str, dict[str, tuple[str, ...]]] = {
    "reminder-kept": {"en": ("All right: {what}, {when}. I'll say it here when it's time, as long as this page is open.", "Noted: {what}, {when}. Keep this page open and I'll tell you."),
                      "zh": ("好，{when}：{what}。到时候我在这里说，页面开着就行。", "记下了，{when}，{what}。页面开着，到点我就提醒你。")},
    "reminder-when": {"en": ("Gladly: {what}. When shall I remind you?",), "zh": ("好，{what}。什么时候提醒你？",)},
    "reminder-past": {"en": ("That time has passed, or it's too far ahead. When shall I remind you?",), "zh": ("这个时间已经过了，或者太远了。换个时间？",)},
    "reminder-none": {"en": ("There's no reminder open.", "Nothing to remind you of just now."), "zh": ("现在没有提醒。", "眼下没有要提醒的事。")},
    "reminder-list": {"en": ("You asked me for these: {list}.",), "zh": ("你让我提醒的有：{list}。",)},
    "reminder-gone": {"en": ("Gone: {list}.",), "zh": ("取消了：{list}。",)},
    "reminder-no": {"en": ("I can't keep reminders here, so I won't promise one. Your phone's clock is the safe way.",), "zh": ("我在这里存不了提醒，不敢答应你，还是用手机闹钟稳当。",)},
    "reminder-due": {"en": ("You asked me to remind you: {list}.", "It's time: {list}."), "zh": ("到时间了：{list}。", "你让我提醒你：{list}。")},
    "catalogue-none": {"en": ("I've no goods to look through yet; whoever made me can add a catalogue.",), "zh": ("我手上还没有商品目录，要等主人添上。",)},
    "catalogue-ask": {"en": ("Gladly! What's it for, and what may it cost?", "Tell me a little more: for whom, for what, and up to how much?"), "zh": ("好呀！做什么用的，预算多少？", "再说细一点：给谁用、做什么、大概多少钱？")},
    "catalogue-miss": {"en": ("I've nothing that fits that. Shall I look with another price or for something near it?", "Nothing in the catalogue fits, and I won't press something else on you. What matters most?"),
                       "zh": ("没有正合适的。换个价位，或者找个差不多的？", "目录里没有合适的，我也不硬推。哪一点最要紧？")},
    "catalogue-beyond": {"en": ("Nothing that fits stays within that price. The nearest is the {name}, at {price}.", "Not at that price: the nearest I have is the {name}, {price}."), "zh": ("这个价位没有合适的，最接近的是{name}，{price}。", "这个价钱里没有，最近的是{name}，要{price}。")},
    "catalogue-price": {"en": ("The {name} is {price}. {about}",), "zh": ("{name}{price}。{about}",)},
    "catalogue-cheap": {"en": ("nothing else costs less",), "zh": ("目录里它最便宜",)}, "catalogue-dear": {"en": ("nothing else costs more",), "zh": ("目录里它最贵",)},
    "catalogue-one": {"en": ("I'd take the {name}{price}: {why}. {about}",), "zh": ("我会选{name}{price}：{why}。{about}",)},
    "catalogue-two": {"en": (" Otherwise the {name}{price}.",), "zh": ("另外还有{name}{price}。",)}}


@dataclass
class Asked:
    """What a tool may look at. `state` of the scene is changed in place; `book` None: nothing can be kept; `find`: looks in documents."""
    language: str
    now: datetime
    history: Sequence[Mapping[str, Any]] = ()
    state: dict[str, Any] = field(default_factory=dict)
    book: reminders.Book | None = None
    catalogue: Catalogue | None = None
    find: Callable[[str], Sequence[Any]] | None = None
    scene: Scene | None = None


@dataclass(frozen=True)
class Done:
    """`text`: what the twin says; `data`: what a model is told."""
    text: str
    mood: str = "neutral"
    data: Any = None


class Tool(Protocol):
    """`when`: the arguments that a user's words hold, or None where it is not wanted. `run` raises nothing: what fails is said."""
    name: str
    about: str
    parameters: Mapping[str, Any]

    def when(self, text: str, asked: Asked) -> dict[str, Any] | None: ...

    def run(self, arguments: Mapping[str, Any], asked: Asked) -> Done: ...


def _say(key: str, asked: Asked, /, **values: str) -> str:
    return pick(_SAID[key][asked.language], values, [dict(turn) for turn in asked.history], len(asked.history) // 2)


class Clock:
    """Date and time. A user who asks is answered by rule (rules.py), so `when` finds nothing."""
    name, about = "clock", "The date and the time now."
    parameters: Mapping[str, Any] = {"type": "object", "properties": {}}

    def when(self, text: str, asked: Asked) -> dict[str, Any] | None:
        return None

    def run(self, arguments: Mapping[str, Any], asked: Asked) -> Done:
        told = clock.values(asked.now, asked.language)
        return Done(told["time"], data={"date": told["date"], "time": told["time"]})


class Calculator:
    """Sums. A user who asks is answered by rule as well."""
    name, about = "calculator", "Works out an arithmetic expression exactly, such as (12.5 + 3) * 4 or 15% of 80."
    parameters: Mapping[str, Any] = {"type": "object", "properties": {"expression": {"type": "string"}}, "required": ["expression"]}

    def when(self, text: str, asked: Asked) -> dict[str, Any] | None:
        return None

    def run(self, arguments: Mapping[str, Any], asked: Asked) -> Done:
        try:
            number = sums.value(str(arguments.get("expression", ""))[:200], "en")
            said = "" if number is None else sums.spoken(number, asked.language)[0]
        except ArithmeticError:
            said = ""
        return Done(said, data={"result": said} if said else {"error": "not a sum that can be worked out"})


class Reminders:
    """Adds, lists and drops reminders; one without a time is asked after, and the next time said completes it."""
    name, about = "reminder", "Keeps a reminder that is spoken when it is due, lists or deletes those there are."
    parameters: Mapping[str, Any] = {"type": "object", "properties": {
        "do": {"type": "string", "enum": ["add", "list", "delete"]}, "what": {"type": "string", "description": "what to be reminded of, or which one to delete"},
        "when": {"type": "string", "description": "ISO date and time, or words such as 'in 10 minutes', 'tomorrow at 9'"}}, "required": ["do"]}

    def when(self, text: str, asked: Asked) -> dict[str, Any] | None:
        said = plain(text, asked.language)
        if asked.language == "zh":
            if re.search(r"(我)?(有|还有|都有|设了|定了)(哪些|什么|几个|多少)?(个)?(提醒|闹钟|待办)(吗|呢)?$|(看看|列出|查看)(我的)?(提醒|闹钟|待办)|(提醒|闹钟)(有哪些|列表)", said):
                return {"do": "list"}
            if found := re.search(r"(?:取消|删掉?|删除|不要|去掉)(.{0,12}?)的?(?:提醒|闹钟)(?:我(.{1,12}))?", said):
                return {"do": "delete", "what": re.sub("^(?:全部|所有|这个|那个|我|掉)+", "", found[1] or "") + (found[2] or "")}
        else:
            if re.search(r"\b(what|which|list|show|tell|read|any|do i have)\b.*\b(reminders?|alarms?)\b(?! me)", said) and not re.search(r"\b(set|cancel|delete)\b", said):
                return {"do": "list"}
            if found := re.search(r"\b(?:cancel|delete|remove|drop|clear)\b (.{0,40}?)\b(?:reminders?|alarms?|timers?)\b(?: (?:about|for|to|of) (.+))?", said):
                return {"do": "delete", "what": re.sub(r"\b(?:the|my|all|that|this|every|of)\b", "", (found[1] or "") + " " + (found[2] or "")).strip()}
        if reminders.wanted(text, asked.language):
            at, what = reminders.when(text, asked.language, asked.now)
            return {"do": "add", "what": what, "when": at.isoformat() if at else ""}
        pending = asked.state.get("pending")
        if isinstance(pending, str) and len(text) < 60:
            at, rest = reminders.when(text, asked.language, asked.now)
            if at is not None:
                return {"do": "add", "what": pending or rest, "when": at.isoformat()}
        return None

    def run(self, arguments: Mapping[str, Any], asked: Asked) -> Done:
        if asked.book is None:
            return Done(_say("reminder-no", asked), "warm", {"error": "reminders cannot be kept here"})
        what, do = " ".join(str(arguments.get("what") or "").split())[:reminders.LONGEST], arguments.get("do")
        asked.state.pop("pending", None)
        if do == "list":
            rows = [_row(row, asked) for row in asked.book.all()[:8]]
            return Done(_say("reminder-list", asked, list=_joined(rows, asked)) if rows else _say("reminder-none", asked), "warm", {"reminders": rows})
        if do == "delete":
            gone = [_row(row, asked) for row in asked.book.drop(what)]
            return Done(_say("reminder-gone", asked, list=_joined(gone[:8], asked)) if gone else _say("reminder-none", asked), "warm", {"deleted": gone})
        at = _time(str(arguments.get("when") or ""), asked)
        named = what or ("your alarm" if asked.language == "en" else "闹钟")
        if at is None:
            asked.state["pending"] = what
            return Done(_say("reminder-when", asked, what=named), "curious", {"error": "say when: ISO, or words such as 'tomorrow at 9'"})
        row = asked.book.add(at, named, asked.language, asked.now)
        if row is None:
            asked.state["pending"] = what
            return Done(_say("reminder-past", asked), "curious", {"error": "that time has passed or is too far ahead"})
        return Done(_say("reminder-kept", asked, what=row.text, when=spoken(row.at, asked.now, asked.language)), "warm", {"kept": row.text, "when": row.when, "said": spoken(row.at, asked.now, asked.language)})


class Knowledge:
    """A search in the twin's documents; a user's questions find their passages before any tool, so `when` finds nothing."""
    name, about = "knowledge", "Searches this twin's documents for passages."
    parameters: Mapping[str, Any] = {"type": "object", "properties": {"question": {"type": "string"}}, "required": ["question"]}

    def when(self, text: str, asked: Asked) -> dict[str, Any] | None:
        return None

    def run(self, arguments: Mapping[str, Any], asked: Asked) -> Done:
        found = asked.find(str(arguments.get("question", ""))[:400]) if asked.find else ()
        rows = [{"text": passage.text[:600], "source": passage.source} for passage in list(found)[:3]]
        return Done(rows[0]["text"] if rows else "", data={"passages": rows})


class Shop:
    """Searches the catalogue and recommends, with reasons from the wish and from what the user said before. A scene that is no shop's answers from the
    catalogue only where it holds what was asked for."""
    name, about = "catalogue", "Searches the catalogue of goods; says names, prices and why they fit."
    parameters: Mapping[str, Any] = {"type": "object", "properties": {"wish": {"type": "string", "description": "what for, for whom, up to which price"}}, "required": ["wish"]}
    _WANTS = {"en": re.compile(r"\b(recommend|suggest|looking for|look for|i (?:need|want)|i would like|do you (?:have|sell)|what would you|which (?:one|of)|show me|search|gift|present for|anything (?:for|under)|something (?:for|under|to)|buy|cheapest|least expensive|most expensive|dearest)\b"),
              "zh": re.compile(r"推荐|有没有|有什么|想买|要买|买(个|一|件|双|点|什么)|找(个|一|件|双)|送(给)?.{1,6}(礼物|什么|的)|适合|挑(个|一|件|双)|预算|以内|以下|不超过|最便宜|最贵|有.{1,10}吗")}
    _PRICE = {"en": re.compile(r"\bhow much\b|\bprices? (?:of|for)\b|\bwhat (?:does|do|would|is|are) .{0,60}\b(?:cost|price)\b"), "zh": re.compile(r"多少钱|什么价|价格|价钱|怎么卖|几块|卖多少")}
    _THERE = {"en": re.compile(r"\b(?:do you (?:have|sell|stock)|have you got|is there|are there|do you carry)\b"), "zh": re.compile(r"有没有|卖不卖|(?:有|卖).{1,12}吗")}

    _PLAINLY = re.compile(r"\b(?:cheapest|least expensive|most expensive|dearest)\b|最便宜|最贵|推荐(?:一?[个件款点双]|些)")

    def when(self, text: str, asked: Asked) -> dict[str, Any] | None:
        said, goods = plain(text, asked.language), asked.catalogue
        if asked.state.get("wishing") and len(text) < 120:
            return {"wish": f"{asked.state['wishing']} {text}"}
        if goods is None:
            return {"wish": text} if self._WANTS[asked.language].search(said) else None
        if self._PRICE[asked.language].search(said) and goods.named(text, asked.language):
            return {"wish": text, "priced": True, "plainly": True}
        shop, wants = asked.scene is not None and self.name in asked.scene.tools, self._WANTS[asked.language].search(said)
        if shop and (wants or limits(text, asked.language) != (None, None)):
            return {"wish": text} | ({"plainly": True} if self._PLAINLY.search(said) else {})
        if not (wants or shop and len(text) < 80 and not re.search(r"\byou|[你您]", said)):
            return None
        return {"wish": text} if any(set(fit.asked) & fit.good.words[0] for fit in goods.find(text, asked.language)) else None

    def run(self, arguments: Mapping[str, Any], asked: Asked) -> Done:
        goods, language = asked.catalogue, asked.language
        if goods is None:
            return Done(_say("catalogue-none", asked), "warm", {"error": "there is no catalogue"})
        wish, before = str(arguments.get("wish", ""))[:400], bool(asked.state.pop("wishing", ""))
        if arguments.get("priced") is True and (priced := [good for good in goods.named(wish, language) if good.price is not None][:1]):
            good = priced[0]
            said = _say("catalogue-price", asked, name=good.said("name", language), price=goods.price(good, language), about=_whole(good.said("about", language), language))
            return Done(said.strip(), "warm", {"found": [self._row(good, "", asked)]})
        likes = [str(turn.get("content", "")) for turn in asked.history if turn.get("role") == "user"][-30:]
        fits, words = goods.find(wish, language, likes), goods.words(wish, language)
        ordered = any(not fit.score for fit in fits)     # the cheapest of all
        if not ordered and not any(fit.asked for fit in fits):
            there = bool(self._THERE[language].search(plain(wish, language)))
            if words and (dear := [fit for fit in goods.find(wish, language, likes, limited=False) if fit.asked]):
                nearest = min(dear, key=lambda fit: fit.good.price or 0.0).good
                outside = {"found": [], "outside the price": [self._row(nearest, "", asked)]}
                return Done(_say("catalogue-beyond", asked, name=nearest.said("name", language), price=goods.price(nearest, language)), "thoughtful", outside)
            if not there and not before and not fits:
                asked.state["wishing"] = wish
                return Done(_say("catalogue-ask", asked), "curious", {"found": []})
            if there and words or not fits:
                return Done(_say("catalogue-miss", asked), "thoughtful", {"found": []})
        if any(fit.asked for fit in fits):
            fits = [fit for fit in fits if fit.asked]
        data = [self._row(fit.good, _why(fit, asked) if not ordered else _say(f"catalogue-{goods.order(wish, language)}", asked), asked) for fit in fits]
        first, *others = data
        bracket = (lambda price: f", {price}," if price else "") if language == "en" else (lambda price: f"（{price}）" if price else "")
        text = _say("catalogue-one", asked, name=first["name"], price=bracket(first["price"]).rstrip(",") or " ", why=first["why"], about=_whole(first["about"], language)).replace("  :", ":").replace(" :", ":").strip()
        if others:
            text += _say("catalogue-two", asked, name=others[0]["name"], price=bracket(others[0]["price"]).rstrip(",") or " ").replace(" .", ".")
        return Done(text, "warm", {"found": data})

    def _row(self, good: Good, why: str, asked: Asked) -> dict[str, str]:
        assert asked.catalogue is not None
        row = {"name": good.said("name", asked.language), "price": asked.catalogue.price(good, asked.language), "about": good.said("about", asked.language)}
        return row | ({"why": why} if why else {})


class State:
    """What a model may change of a scene: the variables the scene begins with, and the bag."""
    name, about = "scene_state", "Changes the state of the scene: variables, things given to or taken from the visitor."
    parameters: Mapping[str, Any] = {"type": "object", "properties": {"set": {"type": "object"}, "give": {"type": "string"}, "take": {"type": "string"}}}

    def when(self, text: str, asked: Asked) -> dict[str, Any] | None:
        return None                                      # a scene's moves do that (scene.py)

    def run(self, arguments: Mapping[str, Any], asked: Asked) -> Done:
        start = asked.scene.start if asked.scene else {}
        changes = arguments.get("set")
        for name, value in (changes.items() if isinstance(changes, Mapping) else ()):
            if name in start and name != "items" and type(value) is type(start[name]):
                asked.state[name] = value[:60] if isinstance(value, str) else max(-5, min(99, value))
        items = [item for item in asked.state.get("items", []) if item != arguments.get("take")]
        give = str(arguments.get("give") or "")[:60]
        if "items" in start:
            asked.state["items"] = ([*items, give] if give and give not in items else items)[:20]
        return Done("", data={name: asked.state.get(name) for name in start})


ALL: dict[str, Tool] = {"clock": Clock(), "calculator": Calculator(), "reminders": Reminders(), "knowledge": Knowledge(), "catalogue": Shop(), "state": State()}


# As the chat templates of Qwen and Hermes put it: those models were trained on these very words.
_WORDS = ("\n\n# Tools\n\nYou may call one or more functions to assist with the user query.\n\nYou are provided with function signatures within <tools></tools> XML tags:\n<tools>\n",
          '\n</tools>\n\nFor each function call, return a json object with function name and arguments within <tool_call></tool_call> XML tags:\n<tool_call>\n'
          '{"name": <function-name>, "arguments": <args-json-object>}\n</tool_call>')
_BESIDE = {"en": "\n\nWith the functions you are given you do look things up, work things out and keep reminders; beyond them you can't. Say what they give in your own words, never the call.",
           "zh": "\n\n给你的函数可以用来查找、计算、记提醒，除此之外你办不到。用自己的话说结果，不要把调用说出来。"}


@dataclass(frozen=True)
class Offer:
    """What a model may call, as twin.types.Functions has it: `schemas` with `beside` behind the system message, or `words` behind it."""
    schemas: tuple[dict[str, Any], ...]
    beside: str = ""
    words: str = ""


def of(scene: Scene | None, book: bool = False, library: bool = False, goods: bool = False) -> tuple[Tool, ...]:
    """The tools of a scene; without one the clock and sums; and reminders, documents and goods where there are such."""
    names = (*(scene.tools if scene else ("clock", "calculator")), *["reminders"] * book, *["knowledge"] * library, *["catalogue"] * goods)
    return tuple(ALL[name] for name in dict.fromkeys(names))


def offer(tools: Sequence[Tool], language: str, in_words: bool) -> Offer | None:
    """The tools, offered to a model; in words too (`in_words`: in a scene, for elsewhere they aren't worth the tokens that a small machine reads)."""
    rows = schemas(tools)
    words = "\n".join(json.dumps(row, ensure_ascii=False) for row in rows).join(_WORDS) if in_words else ""
    return Offer(tuple(rows), _BESIDE[language], words) if rows else None


def wanted(tools: Sequence[Tool], text: str, asked: Asked) -> tuple[Tool, dict[str, Any]] | None:
    """The first tool that a user's words ask for, with its arguments."""
    for tool in tools:
        if (arguments := tool.when(text, asked)) is not None:
            return tool, arguments
    return None


def schemas(tools: Sequence[Tool]) -> list[dict[str, Any]]:
    """As `tools` of OpenAI's chat protocol has them."""
    return [{"type": "function", "function": {"name": tool.name, "description": tool.about, "parameters": dict(tool.parameters)}} for tool in tools]


def called(raw: str, tools: Sequence[Tool], asked: Asked) -> str:
    """What a model's call (the JSON between its tags) gives, as JSON of at most LONGEST_RESULT characters. A bad call is answered with what is wrong."""
    try:
        call = json.loads(raw)
        tool = next(tool for tool in tools if tool.name == call["name"])
        arguments = _arguments(call.get("arguments") or {})
        if arguments is None:
            wanted = {"error": "the arguments are no JSON object; call it again with these", "parameters": dict(tool.parameters)}
            return json.dumps(wanted, ensure_ascii=False)
    except StopIteration:
        result: Any = {"error": "there is no such function; there are: " + ", ".join(tool.name for tool in tools)}
    except (ValueError, TypeError, KeyError, RecursionError):
        result = {"error": 'that is no call; write {"name": ..., "arguments": {...}}'}
    else:
        result = tool.run(arguments, asked).data
    return json.dumps(result, ensure_ascii=False)[:LONGEST_RESULT]


def _arguments(given: Any) -> dict[str, Any] | None:
    try:
        read = json.loads(given) if isinstance(given, str) else given
    except (ValueError, RecursionError):
        return None
    return read if isinstance(read, dict) else None


def due(book: reminders.Book, now: datetime, language: str, history: Sequence[Mapping[str, Any]]) -> Done | None:
    """What is said of the reminders that are due; they leave the book."""
    rows = book.take(now)
    asked = Asked(language, now, history)
    return Done(_say("reminder-due", asked, list=_joined([row.text for row in rows[:5]], asked)), "warm") if rows else None


def spoken(at: datetime, now: datetime, language: str) -> str:
    """A time as one says it."""
    told = clock.values(at, language)
    days = (at.date() - now.date()).days
    minutes = round((at - now).total_seconds() / 60)
    if 0 <= minutes < 60:
        if language == "zh":
            return f"{max(1, minutes)}分钟后"
        return f"in {max(1, minutes)} minute{'s' * (minutes > 1)}"
    if language == "zh":
        return {0: "今天", 1: "明天", 2: "后天"}.get(days, f"{at.month}月{at.day}日") + told["time"]
    day = {0: "today", 1: "tomorrow"}.get(days) or (f"on {told['weekday']}" if days < 7 else f"on {told['date'].split(', ')[-1].rsplit(' ', 1)[0]}")
    return f"{day} at {told['time']}"


def _row(row: reminders.Reminder, asked: Asked) -> str:
    when = spoken(row.at, asked.now, asked.language)
    return f"{row.text}, {when}" if asked.language == "en" else f"{when}{row.text}"


def _joined(rows: Sequence[str], asked: Asked) -> str:
    return ("; " if asked.language == "en" else "；").join(rows)


def _time(text: str, asked: Asked) -> datetime | None:
    try:
        return datetime.fromisoformat(text).replace(tzinfo=None)
    except ValueError:
        return reminders.when(text, asked.language, asked.now)[0] or reminders.when(text, "en", asked.now)[0]


def _why(fit: Fit, asked: Asked) -> str:
    en = asked.language == "en"
    tags = fit.good.tags.get(asked.language, ())
    hits = [tag for tag in tags if any(word in tag.lower() for word in fit.asked)] or [word for word in fit.asked[:2] if len(word) > 2 or not en]
    liked = [tag for tag in tags if any(word in tag.lower() for word in fit.liked) and tag not in hits]
    parts = []
    if hits:
        parts.append((f"it's for {_and(hits[:2], en)}" if tags and hits[0] in tags else f"it fits \"{' '.join(hits[:2])}\"") if en else f"适合{_and(hits[:2], en)}")
    if liked:
        parts.append(f"you spoke of {_and(liked[:2], en)}" if en else f"您提过{_and(liked[:2], en)}")
    return (" and " if en else "，").join(parts) or ("it comes nearest to what you told me" if en else "最接近您说的")


def _whole(text: str, language: str) -> str:
    """A description as a sentence."""
    return text and text + ("" if text[-1] in ".!?。！？…" else "." if language == "en" else "。") or " "


def _and(words: Sequence[str], en: bool) -> str:
    return (" and " if en else "、").join(words)
