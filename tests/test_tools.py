"""The small tools: what they find in words, what they do, as calls of a model; reminders through a day, a file and a calendar; goods and why."""
import json
from datetime import datetime, timedelta

import pytest
from conftest import hear_all

from persona import scene as scenes
from persona import tools
from persona.card import CardError, Persona
from persona.catalogue import Catalogue, limits
from persona.mind import Mind
from persona.reminders import MOST, Book, wanted, when
from twin.calls import called
from twin.types import Thought

NOW = datetime(2026, 11, 21, 20, 5)                      # a Saturday
CARD = {"name": {"en": "Robin", "zh": "小罗"}, "description": {"en": "Robin is friendly.", "zh": "小罗很和气。"}, "languages": ["en", "zh"]}


@pytest.mark.parametrize(("text", "at", "what"), [
    ("remind me in 10 minutes to call mum", "2026-11-21T20:15", "call mum"), ("Remind me tomorrow at nine to call Dr. Bo", "2026-11-22T09:00", "call Dr. Bo"),
    ("set an alarm for 7 am", "2026-11-22T07:00", ""), ("set a timer for five minutes", "2026-11-21T20:10", ""), ("wake me up in half an hour", "2026-11-21T20:35", ""),
    ("remind me to water the plants on Friday at half past 6", "2026-11-27T06:30", "water the plants"), ("remind me at 9 to take the bread out", "2026-11-21T21:00", "take the bread out"),
    ("could you remind me about the meeting on 3 December at 14:30?", "2026-12-03T14:30", "the meeting"), ("remind me tonight to lock the door", "2026-11-21T21:05", "lock the door"),
    ("remind me to call Bob", "", "call Bob"), ("十分钟后提醒我关火", "2026-11-21T20:15", "关火"), ("提醒我明天早上八点开会", "2026-11-22T08:00", "开会"),
    ("定一个明天七点的闹钟", "2026-11-22T07:00", ""), ("周五下午三点半提醒我给妈妈打电话", "2026-11-27T15:30", "给妈妈打电话"), ("一个半小时后提醒我收衣服", "2026-11-21T21:35", "收衣服"),
    ("12月3号下午两点提醒我交报告", "2026-12-03T14:00", "交报告"), ("下周一上午十点提醒我面试", "2026-11-23T10:00", "面试"), ("提醒我给小王打电话", "", "给小王打电话")])
def test_when_and_what(text, at, what):
    language = "zh" if text[0] > "\u3400" or "提醒" in text else "en"
    assert wanted(text, language)
    found, told = when(text, language, NOW)
    assert (found.strftime("%Y-%m-%dT%H:%M") if found else "") == at and told == what


@pytest.mark.parametrize("text", ["do you remind people of things?", "don't remind me", "what did I ask you to remind me of?", "别再提醒我了", "你有闹钟吗", "我的闹钟坏了"])
def test_nobody_wants_a_reminder(text):
    assert not wanted(text, "zh" if text[0] > "\u3400" else "en")


def test_a_book_is_kept_and_told_once():
    kept = []
    book = Book(b"", kept.append)
    book.add(NOW + timedelta(minutes=10), "call mum", "en", NOW)
    book.add(NOW + timedelta(days=1), "交报告", "zh", NOW)
    assert book.add(NOW - timedelta(hours=1), "late", "en", NOW) is None and book.add(NOW + timedelta(days=9999), "far", "en", NOW) is None
    again = Book(kept[-1], kept.append)
    assert [row.text for row in again.all()] == ["call mum", "交报告"] and again.next() == NOW + timedelta(minutes=10)
    assert not again.take(NOW) and [row.text for row in again.take(NOW + timedelta(minutes=11))] == ["call mum"] and not again.take(NOW + timedelta(minutes=12))
    assert [row.text for row in again.drop("报告")] == ["交报告"] and not Book(kept[-1]).all()
    for damaged in (b"{", b"[]", b'{"reminders": [{"id": "x"}]}', b'{"reminders": 7}', "\ud800".encode("utf-8", "surrogatepass")):
        assert len(Book(damaged)) == 0
    for _ in range(MOST + 5):
        again.add(NOW + timedelta(hours=1), "x", "en", NOW)
    assert len(again) == MOST


def test_a_calendar_others_can_read():
    book = Book()
    book.add(datetime(2026, 12, 3, 14, 30), "report; with, signs and a very long text that goes on and on until the line must be folded, 还有一些汉字也不能被切断的", "en", NOW)
    text = book.ics("Maya; the first")
    lines = text.split("\r\n")
    assert lines[0] == "BEGIN:VCALENDAR" and text.endswith("END:VCALENDAR\r\n") and "DTSTART:20261203T143000" in lines
    assert all(len(line.encode()) <= 75 for line in lines) and "\\;" in text and "\\," in text
    assert "还有一些汉字也不能被切断的" in text.replace("\r\n ", "")


def talk(mind, *texts, language="en", book=None, now=NOW):
    history, answers = [], []
    for text in texts:
        answer = mind.answer(history, text, now=now, language=language, book=book)
        answers.append(answer)
        history += [{"role": "user", "content": text}, {"role": "assistant", "content": answer.text or answer.fallback, "state": answer.state}]
    return answers


@pytest.mark.parametrize("own", ["", "secretary", "companion"])
def test_reminders_in_a_talk(own):
    mind, book = Mind(Persona.parse({**CARD, **({"scene": own} if own else {})})), Book()
    asked, kept, listed, gone, none = talk(mind, "Remind me to call Bob", "tomorrow at nine", "what are my reminders?", "cancel the reminder about Bob", "show my reminders", book=book)
    assert asked.step == "tool" and "When" in asked.text
    assert "tomorrow at 9:00 am" in kept.text and "Bob" in kept.text and "pending" not in kept.state
    assert "Bob" in listed.text and "Gone" in gone.text and ("no reminder" in none.text or "Nothing" in none.text)
    zh = talk(mind, "十分钟后提醒我关火", "我有什么提醒？", language="zh", book=book)
    assert "10分钟后" in zh[0].text and "关火" in zh[1].text
    later = NOW + timedelta(minutes=11)
    due = mind.aside([], "zh", book, later)
    assert due.step == "tool" and "关火" in due.text and mind.aside([], "zh", book, later).step == "aside"


def test_another_topic_lets_an_open_question_go():
    mind, book = Mind(Persona.parse(CARD)), Book()
    _, other, late = talk(mind, "Remind me to call Bob", "What's your name?", "tomorrow at nine", book=book)
    assert other.step != "tool" and late.step != "tool" and not book.all()


def test_where_nothing_can_be_kept_it_says_so():
    assert "can't keep" in talk(Mind(Persona.parse({**CARD, "scene": "secretary"})), "remind me in five minutes to stretch")[0].text
    assert talk(Mind(Persona.parse(CARD)), "remind me in five minutes to stretch")[0].step != "tool"


GOODS = b"""name,price,category,description
Trail shoes,89,"hiking, outdoor","Grip on wet rock."
Head torch,24.50,"hiking, camping","Light for four nights."
Teapot,35,"kitchen, gift","Glass, one litre."
"""


def test_goods_are_found_with_reasons():
    goods = Catalogue(GOODS, "catalogue.csv")
    assert [fit.good.name["en"] for fit in goods.find("something for hiking under 50 euros", "en")] == ["Head torch"]
    assert [fit.good.name["en"] for fit in goods.find("a present", "en", ["I drink tea in my kitchen all day"])] == ["Teapot"]
    assert not goods.find("a violin", "en") and "Teapot" not in [fit.good.name["en"] for fit in goods.find("a gift, no glass", "en")]
    assert Catalogue("商品,价格,标签,介绍\n登山鞋,599,\"登山,户外\",防滑\n".encode(), "catalogue.csv").find("登山用的，六百以内", "zh")[0].good.price == 599
    assert Catalogue(json.dumps({"goods": [{"name": {"en": "Cup", "zh": "杯子"}, "price": 5}]}).encode(), "catalogue.json").goods[0].said("name", "zh") == "杯子"


@pytest.mark.parametrize(("wish", "language", "least", "most"), [("under 50 euros", "en", None, 50), ("between 20 and 40", "en", 20, 40), ("about thirty euros", "en", None, 34.5), ("for 3 people", "en", None, None),
                                                                 ("不超过两百元", "zh", None, 200), ("100到200块", "zh", 100, 200), ("三个人用", "zh", None, None)])
def test_what_it_may_cost(wish, language, least, most):
    low, high = limits(wish, language)
    assert low == least and (high == most or high == pytest.approx(most))


@pytest.mark.parametrize("raw", [b"", b"\xff\xfe", b"[]", b"{", b"a: [", b"name\n", b"[" * 5000])
@pytest.mark.parametrize("name", ["catalogue.csv", "catalogue.json", "catalogue.yaml"])
def test_a_bad_catalogue_says_so(raw, name):
    with pytest.raises(CardError) as told:
        Catalogue(raw, name)
    assert name in told.value.message and told.value.hint


def test_calls_of_a_model():
    asked = tools.Asked("en", NOW, book=Book(), catalogue=Catalogue(GOODS, "catalogue.csv"), scene=scenes.load("teacher"))
    at_hand = tuple(tools.ALL.values())
    assert json.loads(tools.called('{"name": "calculator", "arguments": {"expression": "(12.5 + 3) * 4"}}', at_hand, asked)) == {"result": "62"}
    assert "8:05" in tools.called('{"name": "clock"}', at_hand, asked)
    assert json.loads(tools.called('{"name": "reminder", "arguments": "{\\"do\\": \\"add\\", \\"what\\": \\"tea\\", \\"when\\": \\"in 10 minutes\\"}"}', at_hand, asked))["when"] == "2026-11-21T20:15:00"
    assert "Head torch" in tools.called('{"name": "catalogue", "arguments": {"wish": "a torch for camping"}}', at_hand, asked)
    for wrong in ("{", "7", "[]", '{"name": "rm"}', '{"name": "clock", "arguments": 7}', '{"name": "calculator", "arguments": {"expression": "9**9**9**9"}}', '{"arguments": {}}', "[" * 4000):
        assert "error" in json.loads(tools.called(wrong, at_hand, asked)), wrong
    for schema in tools.schemas(at_hand):
        assert schema["type"] == "function" and schema["function"]["parameters"]["type"] == "object" and schema["function"]["description"]


def test_a_model_can_change_a_scene_within_its_bounds():
    scene = scenes.load("game_character")
    asked = tools.Asked("en", NOW, state=dict(scene.start), scene=scene)
    told = json.loads(tools.called(json.dumps({"name": "scene_state", "arguments": {"set": {"mood": 3, "quest": 7, "evil": "yes"}, "give": "rope"}}), (tools.ALL["state"],), asked))
    assert told["mood"] == 3 and asked.state["quest"] == scene.start["quest"] and "evil" not in asked.state and "rope" in asked.state["items"]


def test_a_larger_model_is_offered_its_scenes_tools():
    asked = {"now": NOW, "capable": True, "book": Book()}
    answer = Mind(Persona.parse({**CARD, "scene": "secretary"})).answer([], "Tell me what the sea means to you, would you", **asked)
    assert '"name": "reminder"' in answer.functions.words and "<tool_call>" in answer.functions.words and "<tools>" not in answer.messages[0]["content"]
    assert json.loads(answer.call('{"name": "clock"}'))["time"] == "8:05 pm"
    plain = Mind(Persona.parse(CARD)).answer([], "Tell me what the sea means to you, would you", find=lambda question: (), **asked)
    assert [schema["function"]["name"] for schema in plain.functions.schemas] == ["clock", "calculator", "reminder", "knowledge"] and not plain.functions.words


def test_what_a_tool_gave_may_be_said():
    mind, book = Mind(Persona.parse({**CARD, "scene": "secretary"})), Book()
    answer = mind.answer([], "Tell me what the sea means to you, would you", now=NOW, capable=True, book=book)
    assert answer.check("I'll remind you at 7:45.") == "number"
    answer.call('{"name": "reminder", "arguments": {"do": "add", "what": "tea", "when": "2026-11-22T07:45"}}')
    assert answer.check("I'll remind you at 7:45.") == "" and book.all()
    play = Mind(Persona.parse({**CARD, "scene": "game_character"}))
    answer = play.answer([], "Tell me what the sea means to you, would you", now=NOW, capable=True)
    before = answer.state["shown"]
    answer.call('{"name": "scene_state", "arguments": {"give": "rope"}}')
    assert "rope" in answer.state["items"] and answer.state["shown"] != before and "rope" in answer.state["shown"]["en"]


async def _said(parts):
    return "".join([part async for part in parts])


@pytest.mark.parametrize("cut", [1, 3, 1000])
async def test_calls_in_a_stream(cut):
    """Whatever the pieces in which it comes; what stands before the call is said, what behind it is not; three calls at most."""
    seen = []

    async def think(messages, calling):
        seen.append(messages)
        text = 'Let me see. <tool_call>\n{"name": "clock"}\n</tool_call> ignored' if len(messages) < 4 else "It's < 9 & late."
        for at in range(0, len(text), cut):
            yield text[at:at + cut]

    async def call(raw):
        return json.dumps({"got": json.loads(raw)["name"]})

    said = await _said(called(think, [{"role": "user", "content": "?"}], call))
    assert said.endswith("It's < 9 & late.") and "tool_call" not in said and "ignored" not in said
    assert seen[-1][-1]["content"] == '<tool_response>\n{"got": "clock"}\n</tool_response>' and seen[-1][-2]["role"] == "assistant"

    async def endless(messages, calling):
        seen.append(messages)
        yield '<tool_call>{"name": "clock"}</tool_call>'

    seen.clear()
    assert await _said(called(endless, [], call)) == "" and len(seen) == 4


class Caller:
    """A thinker that calls a function first and then says what it got."""

    def think(self, messages, *, max_tokens=0, temperature=0.0):
        assert '"name": "reminder"' in messages[0]["content"]
        if messages[-1]["content"].startswith("<tool_response>"):
            yield "It is " + json.loads(messages[-1]["content"].split("\n")[1])["time"] + ". "
        else:
            yield from ("<tool", '_call>{"name": "cl', 'ock"}</tool_call>')


class Giver:
    """A thinker that hands over a rope."""

    def think(self, messages, *, max_tokens=0, temperature=0.0):
        yield "Here it is. " if messages[-1]["content"].startswith("<tool_response>") else '<tool_call>{"name": "scene_state", "arguments": {"give": "rope"}}</tool_call>'


async def test_a_scene_that_a_model_changed_is_shown_as_it_stands(talk):
    mind = Mind(Persona.parse({**CARD, "scene": "game_character"}))

    class Capable:
        def answer(self, history, text, **more):
            return mind.answer(history, text, **{**more, "now": NOW, "capable": True})

    conversation, events = talk(mind=Capable(), think=Giver())
    await hear_all(conversation, await conversation.ask("Tell me what the sea means to you, would you"))
    shown = [event.shown for event in events if isinstance(event, Thought)]
    assert len(shown) == 2 and "rope" not in shown[0]["en"] and "rope" in shown[1]["en"] and "rope" in conversation.history[-1]["state"]["items"]


async def test_a_conversation_answers_a_models_call(talk):
    mind = Mind(Persona.parse({**CARD, "scene": "secretary"}))

    class Capable:
        def answer(self, history, text, **more):
            return mind.answer(history, text, **{**more, "now": NOW, "capable": True})

    conversation, events = talk(mind=Capable(), think=Caller())
    await hear_all(conversation, await conversation.ask("Tell me what the sea means to you, would you"))
    assert conversation.history[-1]["content"] == "It is 8:05 pm." and conversation.history[-1]["state"]["scene"] == "secretary"
    assert not any("tool_call" in getattr(event, "text", "") for event in events)
