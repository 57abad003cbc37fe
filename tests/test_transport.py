"""The second transport, on a real Gradio: the same turns, eight users at once, repeated sends, readers that vanish."""
from __future__ import annotations

import asyncio
import base64
import json
import secrets
import time

import httpx
import numpy as np
import pytest
from conftest import WORDS, Echo
from place import Place

from bench.client import Client
from twin.page import transport

SHORT = WORDS[:48]
FULL = " ".join(SHORT)


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    with Place(tmp_path_factory.mktemp("data"), gradio=True, linger=1.0, think=Echo(SHORT)) as served:
        yield served


def only(kind: str):
    return lambda header, _: header["type"] == kind


async def run(http: httpx.AsyncClient, name: str, data: object) -> dict:
    response = await http.post(f"gradio_api/run/{name}", json={"data": [data if isinstance(data, str) else json.dumps(data)]})
    assert response.status_code == 200
    return json.loads(response.json()["data"][0])


def hello(**fields) -> dict:
    return {"type": "hello", "token": secrets.token_hex(32), "lang": "en", "codecs": ["opus"], "greet": False} | fields


@pytest.mark.parametrize("carrier", ["gradio", "socket"])
async def test_the_same_turn_on_either(place, carrier):
    async with Client(place.url, transport=carrier, twin="kofi", greet=True) as client:
        assert client.begin["twin"]["id"] == "kofi"
        await client.hear()
        met = await client.turn("hi")
        spoken = [(h, e) for _, h, e in met if h["type"] == "spoken"]
        assert "".join(h["text"] for h, _ in spoken).strip() == FULL and met[-1][1]["reason"] == "done"
        assert all(len(e.motion.weights) == h["motion"]["frames"] for h, e in spoken)
        assert all(e.speech.audio.seconds == pytest.approx(h["seconds"]) for h, e in spoken)
        await client.say("more")
        await client.sound()
        await client.send({"type": "stop", "turn": 3, "at": 0.2})
        assert (await client.until(only("ended")))[0]["reason"] == "interrupted"


@pytest.mark.parametrize("carrier", ["gradio", "socket"])
async def test_eight_users_at_once(place, carrier):
    async def one(i: int) -> None:
        async with Client(place.url, transport=carrier) as client:
            for j in range(2):
                met = await client.turn(f"user {i} turn {j}")
                assert [h["text"] for _, h, _ in met if h["type"] == "heard"] == [f"user {i} turn {j}"]
                assert "".join(h["text"] for _, h, _ in met if h["type"] == "spoken").strip() == FULL
                seqs = [h["seq"] for _, h, _ in met]
                assert seqs == sorted(set(seqs)) and met[-1][1]["reason"] == "done"
    await asyncio.gather(*(one(i) for i in range(8)))


async def test_microphone_over_gradio(place):
    async with Client(place.url, transport="gradio") as client:
        await client.send({"type": "mic", "on": True, "mode": "push"})
        for _ in range(4):
            await client.send(np.full(4000, 9000, "<i2").tobytes())
        await client.send({"type": "mic", "on": False})
        assert (await client.until(only("heard")))[0]["text"] == "spoken words"


async def test_a_repeated_send_is_taken_once(place):
    async with httpx.AsyncClient(base_url=place.url, trust_env=False, timeout=30) as http:
        session = (await run(http, "live_open", hello()))["session"]
        body = {"session": session, "n": 1, "ack": 0, "messages": [{"type": "say", "text": "once"}]}
        answers = await asyncio.gather(*(run(http, "live_send", body) for _ in range(4)))
        assert answers == [{"ok": True, "n": 1}] * 4
        await run(http, "live_send", body | {"n": 2, "messages": [{"type": "stop"}]})
        there = place.sessions.get(session)
        assert [m["content"] for m in there.talk.history if m["role"] == "user"] == ["once"]


async def test_what_was_not_acknowledged_comes_again(place):
    """A reader is cut off in the middle; the next one gets everything behind the acknowledged seq, in order."""
    async with httpx.AsyncClient(base_url=place.url, trust_env=False, timeout=30) as http:
        session = (await run(http, "live_open", hello()))["session"]

        async def read(ack: int, count: int) -> list[int]:
            joined = await http.post("gradio_api/call/live_events", json={"data": [json.dumps({"session": session, "ack": ack})]})
            seqs: list[int] = []
            async with http.stream("GET", f"gradio_api/call/live_events/{joined.json()['event_id']}") as stream:
                async for line in stream.aiter_lines():
                    if line.startswith("data: [") and line != "data: null":
                        for message in json.loads(json.loads(line[6:])[0]):
                            raw = base64.b64decode(message) if isinstance(message, str) else b""
                            seqs.append(json.loads(raw[4:4 + int.from_bytes(raw[:4], "little")])["seq"] if raw else message["seq"])
                        if len(seqs) >= count:
                            return seqs
            return seqs
        await run(http, "live_send", {"session": session, "n": 1, "ack": 0, "messages": [{"type": "say", "text": "hi"}]})
        first = await read(0, 8)
        assert first[:5] == [1, 2, 3, 4, 5]
        second = await read(5, 5)
        assert second[0] == 6 and second == sorted(second)
        await run(http, "live_send", {"session": session, "n": 2, "ack": second[-1], "messages": [{"type": "stop"}]})


async def test_strangers_and_garbage(place):
    async with httpx.AsyncClient(base_url=place.url, trust_env=False, timeout=30) as http:
        for bad in ("", "garbage", "[]", "null", json.dumps({"type": "say"}), json.dumps(hello(token="short")), "[" * 9000):
            answer = await run(http, "live_open", bad)
            assert answer["error"]["message"] and "session" not in answer, bad
        assert (await run(http, "live_send", {"session": "f" * 64, "n": 1, "messages": []}))["error"]["code"] == "gone"
        session = (await run(http, "live_open", hello()))["session"]
        for bad in ({}, {"n": "1", "messages": []}, {"n": 1, "messages": [{}] * 65}):
            assert (await run(http, "live_send", bad | {"session": session}))["error"]["code"] == "garbage"
        assert (await run(http, "live_send", {"session": session, "n": 1, "ack": 0, "messages": ["not base64!", 7, None, []]}))["ok"]
        many = {"session": session, "n": 2, "ack": 0, "messages": [{"type": "nope"}] * 60}
        assert (await run(http, "live_send", many))["error"]["code"] == "enough"
        answer = await http.post("gradio_api/run/live_open", json={"data": [json.dumps(hello())]}, headers={"Origin": "http://evil.example"})
        assert answer.status_code == 403 and answer.json()["error"]["code"] == "origin" and "session" not in answer.text


async def test_another_token_cannot_take_the_page_over(place):
    async with Client(place.url, transport="gradio") as mine:
        await mine.turn("a secret")
        async with Client(place.url, transport="gradio", page=mine.page, conversation=mine.conversation) as other:
            assert other.begin["history"] == [] and other.begin["conversation"] != mine.conversation
        assert (await mine.turn("still here"))[-1][1]["reason"] == "done"


async def test_from_one_transport_to_the_other(place):
    """A proxy cuts the socket: the page goes on over Gradio's stream and misses nothing."""
    one = Client(place.url)
    await one.open()
    await one.say("hi")
    header, _ = await one.sound()
    one._carrier.socket.transport.abort()
    await asyncio.sleep(0.2)
    text = header["text"]
    async with Client(place.url, transport="gradio", token=one.token, page=one.page, conversation=one.conversation, seq=one.seq) as two:
        assert two.begin["resumed"]
        two.seq = one.seq
        met = await two.hear(first_of=lambda header: header["type"] == "spoken")
        text += "".join(h["text"] for _, h, _ in met if h["type"] == "spoken")
        assert text.strip() == FULL
    await one.close()


async def test_a_reader_that_vanished_is_noticed(place, monkeypatch):
    monkeypatch.setattr(transport, "UNREAD", 0.6)
    client = Client(place.url, transport="gradio")
    await client.open()
    await client.close()
    began, there = time.monotonic(), place.sessions._sessions
    assert [session for session in there.values() if session.page == client.page]
    while [session for session in there.values() if session.page == client.page] and time.monotonic() - began < 10:
        await asyncio.sleep(0.1)
    assert not [session for session in there.values() if session.page == client.page], "it was noticed, and its session put away"


async def test_a_silent_browser_that_owes_acknowledgements_is_dropped(place, monkeypatch):
    monkeypatch.setattr(transport, "UNREAD", 0.8)
    monkeypatch.setattr(transport, "BEAT", 0.2)
    async with httpx.AsyncClient(base_url=place.url, trust_env=False, timeout=30) as http:
        session = (await run(http, "live_open", hello()))["session"]
        joined = await http.post("gradio_api/call/live_events", json={"data": [json.dumps({"session": session, "ack": 0})]})
        async with http.stream("GET", f"gradio_api/call/live_events/{joined.json()['event_id']}") as stream:
            text = "".join([line async for line in stream.aiter_lines()])
        assert "too slow" in text and "complete" in text


async def test_the_endpoints_are_not_in_the_api_page(place):
    async with httpx.AsyncClient(base_url=place.url, trust_env=False, timeout=30) as http:
        assert "live_send" not in (await http.get("gradio_api/info")).text
