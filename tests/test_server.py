"""A model behind a server of OpenAI's protocol: a real process on loopback that streams, stalls, refuses, breaks and is hung up on."""
from __future__ import annotations

import asyncio
import json
import logging
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import aclosing
from datetime import datetime
from pathlib import Path

import httpx
import pytest
from openai_server import WORDS

from persona import tools
from persona.card import Persona
from persona.mind import Mind
from twin import calls
from twin.calls import called
from twin.errors import Missing, Refused, Stuck, TwinError
from twin.registry import Registry
from twin.settings import Settings
from twin.think import server
from twin.think.server import ServerThinker
from twin.types import Functions, Thought

ASKED = [{"role": "system", "content": "You are Maya."}, {"role": "user", "content": "my word is kestrelfeather"}]


@pytest.fixture(scope="module")
def process() -> Iterator[str]:
    with subprocess.Popen([sys.executable, str(Path(__file__).with_name("openai_server.py"))], stdout=subprocess.PIPE, text=True) as running:
        assert running.stdout
        yield f"http://127.0.0.1:{int(running.stdout.readline())}"
        running.kill()


@pytest.fixture
def url(process: str) -> str:
    for _ in range(100):
        try:
            httpx.delete(f"{process}/seen")
            return process
        except httpx.ConnectError:
            time.sleep(0.1)
    raise AssertionError("the server did not start")


async def told(thinker: ServerThinker, **options: object) -> str:
    async with aclosing(thinker.think(ASKED, **options)) as bits:            # type: ignore[arg-type]
        return "".join([bit async for bit in bits])


@pytest.mark.parametrize("model", ["plain", "bytes", "whole", "thinks", "status-429-2", "status-500-1", "status-503-2", ""])
async def test_every_way_of_answering_gives_the_same_words(url, model):
    thinker = ServerThinker(f"{url}/v1#{model}", key="sk-1234")
    assert await told(thinker, max_tokens=40, temperature=0.2, seed=7) == "".join(WORDS)
    seen = httpx.get(f"{url}/seen").json()
    body = seen["body"]
    assert seen["key"] == "Bearer sk-1234" and (body["max_tokens"], body["temperature"], body["seed"], body["stream"]) == (40, 0.2, 7, True)
    assert body["messages"] == ASKED and body["model"] == (model or "plain")
    await thinker.close()


async def test_a_stop_string_ends_it(url):
    assert await told(ServerThinker(f"{url}/v1#plain", stop=("Zürich",))) == "I mend clocks, in "


@pytest.mark.parametrize("model, kind, tries", [("status-500-9", Missing, 3), ("status-429-9", Refused, 3), ("status-401-9", Refused, 1),
                                                ("status-404-9", Missing, 1), ("status-413-9", Refused, 1), ("status-418-9", Refused, 1), ("later", Refused, 1),
                                                ("nothing", Missing, 1), ("breaks", Stuck, 1), ("says-error", Stuck, 1)])
async def test_what_fails_is_said_and_never_asked_again_after_a_word(url, model, kind, tries, caplog):
    caplog.set_level(logging.DEBUG)
    with pytest.raises(TwinError) as caught:
        await told(ServerThinker(f"{url}/v1#{model}", key="sk-1234"))
    assert isinstance(caught.value, kind) and caught.value.hint and "127.0.0.1" in caught.value.message
    assert httpx.get(f"{url}/seen").json()["asked"] == tries
    for text in (caught.value.message, caught.value.hint, caplog.text):
        assert "kestrel" not in text and "sk-1234" not in text


async def test_silence_ends(url, monkeypatch):
    monkeypatch.setattr(server, "FIRST", 0.4)
    monkeypatch.setattr(server, "NEXT", 0.4)
    for model in ("silent", "stalls"):
        began = time.monotonic()
        with pytest.raises(Stuck, match="silent"):
            await told(ServerThinker(f"{url}/v1#{model}"))
        assert time.monotonic() - began < 3
    async with aclosing(ServerThinker(f"{url}/v1#plain").think(ASKED)) as bits:
        first = await anext(bits)
        await asyncio.sleep(0.8)                         # whoever listens may take longer than a server may
        assert first + "".join([bit async for bit in bits]) == "".join(WORDS)


async def test_hanging_up_reaches_the_server(url):
    """By closing, and by cancelling the task that reads."""
    async with aclosing(ServerThinker(f"{url}/v1#endless").think(ASKED)) as bits:
        for _ in range(3):
            await anext(bits)
    reading = asyncio.create_task(told(ServerThinker(f"{url}/v1#endless")))
    await asyncio.sleep(0.3)
    reading.cancel()
    await asyncio.gather(reading, return_exceptions=True)
    async with asyncio.timeout(5), httpx.AsyncClient() as http:
        while (seen := (await http.get(f"{url}/seen")).json())["closed"] < 2:
            await asyncio.sleep(0.05)
    assert seen["sent"] < 200


async def test_nobody_there():
    with pytest.raises(Missing, match="127.0.0.1:9"):
        await told(ServerThinker("http://127.0.0.1:9/v1#plain"))
    with pytest.raises(Missing, match="127.0.0.1:9"):
        await told(ServerThinker("http://127.0.0.1:9/v1"))


async def test_a_server_that_names_no_model(url):
    with pytest.raises(Missing, match="which models"):
        await told(ServerThinker(f"{url}/empty"))


@pytest.mark.parametrize("where", ["localhost:8000", "ftp://x/v1", "http://", "http://me:secret@host/v1", ""])
def test_what_is_no_address_is_refused(where):
    with pytest.raises(Refused) as caught:
        ServerThinker(where)
    assert "secret" not in caught.value.message + caught.value.hint


def test_a_key_with_a_blank_is_refused_unseen():
    with pytest.raises(Refused) as caught:
        ServerThinker("http://localhost/v1", key="sk 12")
    assert "sk 12" not in caught.value.message


async def test_the_crew_asks_it(url, tmp_path, monkeypatch):
    monkeypatch.setenv("TWIN_CACHE", str(tmp_path))
    registry = Registry(Settings(think=f"{url}/v1#plain", cache=str(tmp_path)))
    try:
        crew = registry.crew()
        assert crew.capable and registry.engines["think"].label == "plain"
        async with aclosing(crew.think.stream(ASKED, max_tokens=9, temperature=0.1)) as bits:
            assert "".join([bit async for bit in bits]) == "".join(WORDS)
    finally:
        registry.close()
    with pytest.raises(Refused, match="which model"):
        Registry(Settings(think="server", cache=str(tmp_path)))


# Functions.

OFFER = Functions(tuple(tools.schemas(tuple(tools.ALL.values()))), " BESIDE", tools.offer(tuple(tools.ALL.values()), "en", True).words)


async def answered(thinker: ServerThinker, functions: Functions = OFFER, most: int = 3) -> str:
    """As a conversation does it: the model's words, with its calls answered by the real tools."""
    asked = tools.Asked("en", datetime(2026, 11, 21, 20, 5))

    async def call(raw: str) -> str:
        return tools.called(raw, tuple(tools.ALL.values()), asked)

    async with aclosing(called(lambda messages, calling: thinker.think(messages, functions=functions, calling=calling), ASKED, call, most)) as words:
        return "".join([word async for word in words])


@pytest.mark.parametrize("model", ["openai", "whole", "bare", "objects", "unnamed", "thinking"])
async def test_calls_come_in_every_servers_way(url, model):
    said = await answered(ServerThinker(f"{url}/v1#calls-{model}"))
    first, second = httpx.get(f"{url}/seen").json()["bodies"]
    assert said.startswith("I have:" if model == "thinking" else "One moment. I have:") and "8:05" in said and '42' in said
    assert first["tools"] == list(OFFER.schemas) == second["tools"] and "tool_choice" not in second
    assert first["messages"][0]["content"] == "You are Maya. BESIDE" == second["messages"][0]["content"]
    made, clock, result = second["messages"][-3:]
    assert [one["function"]["name"] for one in made["tool_calls"]] == ["clock", "calculator"] and json.loads(made["tool_calls"][1]["function"]["arguments"]) == {"expression": "6 * 7"}
    assert [clock["tool_call_id"], result["tool_call_id"]] == [one["id"] for one in made["tool_calls"]] and clock["tool_call_id"] and json.loads(result["content"]) == {"result": "42"}


async def test_what_is_no_json_is_told_to_the_model(url):
    said = await answered(ServerThinker(f"{url}/v1#calls-broken"))
    back = httpx.get(f"{url}/seen").json()["body"]["messages"]
    assert "no JSON object" in said and "expression" in said and json.loads(back[-1]["content"])["parameters"]
    assert back[-2]["tool_calls"][0]["function"]["arguments"] == "{}", "a server that reads them would refuse the whole talk"


async def test_rounds_and_calls_are_bounded(url, monkeypatch):
    assert await answered(ServerThinker(f"{url}/v1#calls-endless")) == "Hm. Hm. Hm. I have: " + json.dumps([m["content"] for m in httpx.get(f"{url}/seen").json()["body"]["messages"] if m["role"] == "tool"])
    seen = httpx.get(f"{url}/seen").json()
    assert seen["asked"] == 4 and seen["body"]["tool_choice"] == "none" and "without another call" in seen["body"]["messages"][-1]["content"]
    assert (await answered(ServerThinker(f"{url}/v1#calls-many"))).count("too many") == 10 and len(httpx.get(f"{url}/seen").json()["body"]["messages"]) == 2 + 1 + 16
    monkeypatch.setattr(calls, "ALL", -1.0)
    httpx.delete(f"{url}/seen")
    await answered(ServerThinker(f"{url}/v1#calls-endless"))
    assert httpx.get(f"{url}/seen").json()["asked"] == 2, "no round is begun once the time is up"


async def test_a_tool_that_hangs_is_not_waited_for(monkeypatch, url):
    monkeypatch.setattr(calls, "ONE", 0.2)

    async def call(raw: str) -> str:
        await asyncio.sleep(30)
        return ""

    thinker = ServerThinker(f"{url}/v1#calls-openai")
    async with aclosing(called(lambda messages, calling: thinker.think(messages, functions=OFFER, calling=calling), ASKED, call)) as words:
        assert "too long" in "".join([word async for word in words])


@pytest.mark.parametrize("code", [400, 404, 422, 500, 501])
async def test_a_server_without_tools_is_told_in_words_from_then_on(url, code):
    thinker = ServerThinker(f"{url}/v1#calls-not-{code}")
    assert await answered(thinker) == 'One moment. I have: {"result": "42"}'
    bodies = httpx.get(f"{url}/seen").json()["bodies"]
    assert ["tools" in body for body in bodies] == [True, False, False] and "<tools>" in bodies[1]["messages"][0]["content"] and "BESIDE" not in str(bodies[1])
    httpx.delete(f"{url}/seen")
    assert "42" in await answered(thinker)
    assert not any("tools" in body for body in httpx.get(f"{url}/seen").json()["bodies"]), "it is remembered"
    assert await answered(thinker, Functions(OFFER.schemas)) == "No tools."


async def test_what_has_nothing_to_do_with_tools_is_said_as_it_is(url):
    """A refusal that comes without tools as well says what it is, and the next question is offered tools again."""
    thinker = ServerThinker(f"{url}/v1#status-400-2")
    with pytest.raises(Refused, match="status 400"):
        await answered(thinker)
    assert "I mend" in await answered(thinker)
    assert ["tools" in body for body in httpx.get(f"{url}/seen").json()["bodies"]] == [True, False, True]


def test_calls_and_results_in_words():
    made = {"role": "assistant", "content": "Well.", "tool_calls": [{"id": "a", "type": "function", "function": {"name": "clock", "arguments": "{}"}}] * 2}
    told = server.in_words([*ASKED, made, {"role": "tool", "tool_call_id": "a", "content": "1"}, {"role": "tool", "tool_call_id": "a", "content": "2"}])
    call = '<tool_call>\n{"name": "clock", "arguments": {}}\n</tool_call>'
    assert told[2:] == [{"role": "assistant", "content": f"Well.\n{call}\n{call}"},
                        {"role": "user", "content": "<tool_response>\n1\n</tool_response>\n<tool_response>\n2\n</tool_response>"}]


async def test_hanging_up_in_a_round_of_calls_reaches_the_server(url, talk):
    """While its arguments come; while a tool works; while it says what it got."""
    async def closed(count: int) -> dict:
        async with asyncio.timeout(5), httpx.AsyncClient() as http:
            while (seen := (await http.get(f"{url}/seen")).json())["closed"] < count or seen["asked"] < count:
                await asyncio.sleep(0.05)
        return seen

    reading = asyncio.create_task(answered(ServerThinker(f"{url}/v1#calls-slow")))
    await asyncio.sleep(0.3)
    reading.cancel()
    await asyncio.gather(reading, return_exceptions=True)
    assert (await closed(1))["sent"] < 200

    async def waits(raw: str) -> str:
        working.set()
        await asyncio.sleep(30)
        return ""

    async def reads() -> None:
        thinker = ServerThinker(f"{url}/v1#calls-openai")
        async with aclosing(called(lambda messages, calling: thinker.think(messages, functions=OFFER, calling=calling), ASKED, waits)) as words:
            [word async for word in words]

    working = asyncio.Event()
    reading = asyncio.create_task(reads())
    await asyncio.wait_for(working.wait(), 5)
    reading.cancel()
    await asyncio.gather(reading, return_exceptions=True)
    assert (await closed(2))["asked"] == 2 and reading.cancelled(), "no second round is asked"
    mind = Mind(Persona.parse({"name": {"en": "Robin", "zh": "小罗"}, "scene": "secretary", "languages": ["en", "zh"]}))

    class Capable:
        def answer(self, history, text, **more):
            return mind.answer(history, text, **{**more, "capable": True})

    conversation, events = talk(mind=Capable(), think=ServerThinker(f"{url}/v1#calls-then-endless"))
    turn = await conversation.ask("Tell me what the sea means to you, would you")
    async with asyncio.timeout(5):
        while "called" not in turn.times:
            await asyncio.sleep(0.01)
    await asyncio.sleep(0.2)
    await conversation.interrupt(0.0)
    seen = await closed(4)
    assert seen["asked"] == 4 and seen["sent"] < 200 and turn.ended == "interrupted"
    assert not any("tool" in getattr(event, "text", "") or "clock" in getattr(event, "text", "") for event in events)


async def test_a_conversation_has_tools_by_the_server(url, talk):
    """With no scene too: the clock, sums. What they give may be said; no call is spoken or kept."""
    for scene in ("", "secretary"):
        mind = Mind(Persona.parse({"name": {"en": "Robin", "zh": "小罗"}, "scene": scene, "languages": ["en", "zh"]}))

        class Capable:
            def answer(self, history, text, mind=mind, **more):
                return mind.answer(history, text, **{**more, "capable": True, "now": datetime(2026, 11, 21, 20, 5)})

        conversation, events = talk(mind=Capable(), think=ServerThinker(f"{url}/v1#calls-openai"))
        turn = await conversation.ask("Tell me what the sea means to you, would you")
        while not turn.ended:
            conversation.heard_until(turn.id, turn.sent)
            await asyncio.sleep(0.01)
        said = conversation.history[-1]["content"]
        assert sum(isinstance(event, Thought) for event in events) == 1, "how it is made is told once, unless the scene stands otherwise"
        assert said.startswith("One moment. I have:") and "8:05 pm" in said and "42" in said and "called" in turn.times and "tool_call" not in said
        names = [schema["function"]["name"] for schema in httpx.get(f"{url}/seen").json()["body"]["tools"]]
        assert names[:2] == ["clock", "calculator"] if not scene else "reminder" in names
