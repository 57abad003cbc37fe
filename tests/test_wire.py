"""The live channel on a real socket: order, interruption, resumption, strangers, garbage, and peers that stop reading or vanish."""
from __future__ import annotations

import asyncio
import json
import logging
import secrets

import numpy as np
import pytest
from conftest import WORDS, Echo, Tone
from place import Place
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed

from bench.client import Client
from twin.wire.handlers import HANDLERS
from twin.wire.requests import SHAPES

FULL = " ".join(WORDS)


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    with Place(tmp_path_factory.mktemp("data"), linger=1.0) as served:
        yield served


def only(kind: str):
    return lambda header, _: header["type"] == kind


async def raw(place: Place, first: object, **extra):
    """A socket without a client: says `first`, gives (messages, close code)."""
    met = []
    async with connect(place.url.replace("http", "ws") + "live", proxy=None, **extra) as socket:
        try:
            if first is not None:
                await socket.send(first if isinstance(first, (str, bytes)) else json.dumps(first))
        except ConnectionClosed:
            pass
        try:
            async with asyncio.timeout(8):
                async for message in socket:
                    met.append(json.loads(message))
        except ConnectionClosed:
            pass
        return met, socket.close_code


def hello(**fields) -> dict:
    return {"type": "hello", "token": secrets.token_hex(32), "lang": "en", "codecs": ["opus"], "greet": False} | fields


async def test_a_turn_from_the_question_to_the_ear(place):
    async with Client(place.url, twin="lin") as client:
        begin = client.begin
        assert begin["twin"]["id"] == "lin" and len(begin["channels"]) == 57 and begin["history"] == [] and begin["state"] == "idle"
        assert [twin["id"] for twin in begin["twins"]] == ["hao", "kofi", "lin", "maya"] and begin["codec"] == "opus"
        met = await client.turn("  hi\x00 ")
        assert [h["text"] for _, h, _ in met if h["type"] == "heard"] == ["hi"]
        spoken = [(h, e) for _, h, e in met if h["type"] == "spoken"]
        assert "".join(h["text"] for h, _ in spoken).strip() == FULL
        ends = 0.0
        for header, event in spoken:
            assert header["at"] == pytest.approx(ends, abs=1e-5)
            ends = header["at"] + header["seconds"]
            assert np.sqrt(np.mean(event.speech.audio.samples ** 2)) > 0.05 and len(event.motion.weights) == header["motion"]["frames"]
        seqs = [h["seq"] for _, h, _ in met]
        assert seqs == sorted(set(seqs))
        states = [h["state"] for _, h, _ in met if h["type"] == "state"]
        assert states[:2] == ["thinking", "speaking"]
        assert (await client.until(only("state")))[0]["state"] == "idle"
        ended = met[-1][1]
        assert ended["reason"] == "done" and ended["heard"].strip() == FULL and "sound" in ended["times"]


async def test_greeting_only_when_asked_and_new(place):
    async with Client(place.url, greet=True) as client:
        met = await client.hear()
        said = next(header for _, header, _ in met if header["type"] == "spoken")
        assert said["turn"] == 1 and "digital human" in said["text"]
        again = Client(place.url, greet=True, token=client.token, page=client.page, conversation=client.conversation)
    async with again:
        assert again.begin["history"][0]["content"].startswith("Hello")
        with pytest.raises(TimeoutError):
            await again.until(only("spoken"), 0.3)


async def test_stop_is_quick_and_only_what_was_heard_is_remembered(place):
    async with Client(place.url) as client:
        await client.say("hi")
        await client.sound()
        await asyncio.sleep(0.2)
        await client.send({"type": "stop", "turn": 1, "at": 1.0})
        ended, _ = await client.until(only("ended"))
        assert ended["reason"] == "interrupted" and 0 < len(ended["heard"]) < 80
        with pytest.raises(TimeoutError):
            await client.until(only("spoken"), 0.3)
        await client.send({"type": "stop", "turn": 0, "at": 0.0})              # an older turn: nothing happens
        met = await client.turn("again")
        assert met[-1][1]["reason"] == "done"
        history = (await begin_again(place, client)).begin["history"]
        assert history[1]["content"] == ended["heard"].strip() and history[1]["cut"]


async def begin_again(place, client, **fields) -> Client:
    """A reload of the client's page."""
    again = Client(place.url, token=client.token, page=client.page, conversation=client.conversation, **fields)
    await again.open()
    await again.close()
    return again


async def test_two_questions_in_one_millisecond(place):
    async with Client(place.url) as client:
        await asyncio.gather(client.say("first"), client.say("second"), client.say("third"))
        met = []
        async for header, _ in client:
            met.append(header)
            if header["type"] == "spoken":
                await client.send({"type": "heard", "turn": header["turn"], "at": header["at"] + header["seconds"]})
            if header["type"] == "ended" and header["turn"] == 3:
                break
        ended = [h["turn"] for h in met if h["type"] == "ended"]
        assert ended == [1, 2, 3] and met[-1]["reason"] == "done"
        over = set()
        for header in met:
            assert header.get("turn") not in over, "nothing of a turn after its end"
            if header["type"] == "ended":
                over.add(header["turn"])


async def test_two_tabs_are_independent(place):
    token = secrets.token_hex(32)
    async with Client(place.url, token=token) as one, Client(place.url, token=token, conversation=one.conversation) as two:
        assert one.conversation != two.begin["conversation"]
        first, second = await asyncio.gather(one.turn("from one"), two.turn("from two"))
        assert [h["text"] for _, h, _ in first if h["type"] == "heard"] == ["from one"]
        assert [h["text"] for _, h, _ in second if h["type"] == "heard"] == ["from two"]


async def test_the_same_tab_takes_its_session_over(place):
    async with Client(place.url) as one:
        await one.turn("hi")
        async with Client(place.url, token=one.token, page=one.page, conversation=one.conversation) as two:
            assert [m["content"] for m in two.begin["history"]] == ["hi", FULL]
            error, _ = await one.until(only("error"))
            assert error["code"] == "elsewhere"
            async for _ in one:
                pass
            assert one.closed[0] == 4001


async def test_a_lost_connection_loses_nothing(place):
    client = Client(place.url)
    await client.open()
    await client.say("hi")
    header, _ = await client.sound()
    client._carrier.socket.transport.abort()
    seq, heard = client.seq, header["text"]
    await asyncio.sleep(0.2)
    async with Client(place.url, token=client.token, page=client.page, conversation=client.conversation, seq=seq) as back:
        back.seq = seq
        assert back.begin["resumed"] is True and back.begin["seq"] == seq
        async for header, _ in back:
            if header["type"] == "spoken":
                heard += header["text"]
                await back.send({"type": "heard", "turn": header["turn"], "at": header["at"] + header["seconds"]})
            if header["type"] == "ended":
                break
        assert header["reason"] == "done" and heard.strip() == FULL


async def test_a_browser_that_stays_away_finds_its_conversation_on_disk(place):
    async with Client(place.url) as client:
        await client.say("remember me")
        await client.sound()
    await asyncio.sleep(1.6)                             # longer than the linger of this place
    assert not [s for s in place.sessions._sessions.values() if s.page == client.page]
    async with Client(place.url, token=client.token, page=client.page, conversation=client.conversation, seq=client.seq) as back:
        assert "resumed" not in back.begin and back.begin["conversation"] == client.conversation
        assert back.begin["history"][0]["content"] == "remember me"
        assert (await back.turn("and now"))[-1][1]["turn"] == 2


async def test_another_token_gets_neither_conversation_nor_session(place):
    async with Client(place.url) as mine:
        await mine.turn("a secret")
        for page in (mine.page, ""):
            async with Client(place.url, page=page, conversation=mine.conversation) as other:
                assert other.begin["conversation"] != mine.conversation and other.begin["history"] == []
                for kind in ("resume", "forget"):
                    await other.send({"type": kind, "conversation": mine.conversation})
                    assert (await other.until(only("error")))[0]["code"] == "no-conversation"
                await other.send({"type": "list"})
                assert (await other.until(only("conversations")))[0]["items"] == []
        assert (await mine.turn("still here"))[-1][1]["reason"] == "done"


async def test_list_resume_clear_forget_and_another_twin(place):
    async with Client(place.url, twin="maya") as client:
        await client.turn("the first conversation")
        first = client.begin["conversation"]
        await client.send({"type": "clear"})
        ready, _ = await client.until(only("ready"))
        assert ready["history"] == [] and ready["conversation"] != first
        await client.turn("the second")
        await client.send({"type": "twin", "id": "hao"})
        third, _ = await client.until(only("ready"))
        assert third["twin"]["id"] == "hao" and third["history"] == []
        await client.send({"type": "list"})
        items = (await client.until(only("conversations")))[0]["items"]
        assert [item["title"] for item in items] == ["the second", "the first conversation"] and items[0]["twin"] == "maya"
        await client.send({"type": "resume", "conversation": first})
        back, _ = await client.until(only("ready"))
        assert back["twin"]["id"] == "maya" and back["history"][0]["content"] == "the first conversation" and back["conversation"] == first
        await client.send({"type": "forget", "conversation": first})
        assert (await client.until(only("ready")))[0]["history"] == []
        assert [item["title"] for item in (await client.until(only("conversations")))[0]["items"]] == ["the second"]
        await client.send({"type": "twin", "id": "nobody"})
        assert (await client.until(only("error")))[0]["code"] == "no-twin"


async def test_regenerate_edit_rewind(place):
    async with Client(place.url) as client:
        await client.send({"type": "regenerate"})
        assert (await client.until(only("error")))[0]["code"] == "no-message"
        await client.turn("one")
        await client.turn("two")
        await client.send({"type": "regenerate"})
        history = (await client.until(only("history")))[0]["history"]
        assert [m["content"] for m in history] == ["one", FULL]
        assert (await client.until(only("heard")))[0]["text"] == "two"
        await client.send({"type": "edit", "index": 0, "text": "one, rather"})
        assert (await client.until(only("history")))[0]["history"] == []
        assert (await client.until(only("heard")))[0]["text"] == "one, rather"
        await client.send({"type": "rewind", "index": 0})
        assert (await client.until(only("history")))[0]["history"] == []
        for bad in ({"type": "edit", "index": 5, "text": "x"}, {"type": "rewind", "index": 0}):
            await client.send(bad)
            assert (await client.until(only("error")))[0]["code"] == "no-message"


@pytest.mark.parametrize("text, code", [("", "empty"), (" \n\t ", "empty"), ("\x00\x07\u202e", "empty"), ("x" * 4001, "too-long"),
                                        ("长" * 100_000, "too-long")])
async def test_text_that_cannot_be_taken_is_kept_and_the_next_turn_works(place, text, code):
    async with Client(place.url, lang="zh") as client:
        await client.say(text)
        error, _ = await client.until(only("error"))
        assert error["code"] == code and error["kept"] and error["hint"] and any("\u4e00" <= c <= "\u9fff" for c in error["message"])
        met = await client.turn("😀😀")
        assert met[-1][1]["reason"] == "done"


async def test_four_thousand_characters_and_control_characters_are_answered(place):
    async with Client(place.url) as client:
        met = await client.turn("a\x00\x1b\u202eb " + "y" * 3_990)
        heard = next(h["text"] for _, h, _ in met if h["type"] == "heard")
        assert heard.startswith("ab y") and met[-1][1]["reason"] == "done"


GARBAGE = ["", "x", "[]", "null", "{}", '{"type":7}', '{"type":"nope"}', '{"type":"hello"}', '{"type":"say"}', '{"type":"say","text":7}',
           '{"type":"edit","index":-1,"text":"x"}', '{"type":"heard","turn":1,"at":NaN}', '{"type":"heard","turn":1,"at":1e999}',
           '{"type":"stop","turn":true,"at":0}', '{"type":"resume","conversation":"../../etc/passwd"}', '{"type":"mic","on":1}', "[" * 5000]


async def test_garbage_is_told_and_the_conversation_goes_on(place):
    async with Client(place.url) as client:
        for bad in GARBAGE:
            await client._carrier.socket.send(bad)
            error, _ = await client.until(only("error"))
            assert error["code"] in ("garbage", "unknown-type", "bad-field") and error["message"] and error["hint"]
        await client.send(b"\x01")                       # sound while the microphone is off: not an error
        assert (await client.turn("hi"))[-1][1]["reason"] == "done"


async def test_too_much_garbage_closes(place):
    async with Client(place.url) as client:
        for _ in range(20):
            await client._carrier.socket.send("garbage")
        headers = [header async for header, _ in client]
        assert headers[-1]["code"] == "enough" and client.closed[0] == 1008


@pytest.mark.parametrize("size, kind", [(2**20 + 1, str), (64 * 1024 + 1, bytes)])
async def test_too_large_a_message_closes(place, size, kind):
    async with Client(place.url) as client:
        await client._carrier.socket.send("x" * size if kind is str else b"x" * size)
        async for _ in client:
            pass
        assert client.closed[0] == 1009


@pytest.mark.parametrize("first", ["garbage", b"\x00\x01", {"type": "say", "text": "hi"}, {"type": "hello"},
                                   {"type": "hello", "token": "short"}, {"type": "hello", "token": "G" * 64},
                                   {"type": "hello", "token": "a" * 64, "lang": "xx"}, "[]"])
async def test_a_hello_that_is_none_is_refused_with_a_reason(place, first):
    met, code = await raw(place, first)
    assert code == 4000 and met[-1]["type"] == "error" and met[-1]["message"] and met[-1]["hint"]


async def test_a_socket_that_says_nothing_is_closed(place):
    met, code = await raw(place, None)
    assert code == 4008 and met[-1]["code"] == "late"


@pytest.mark.parametrize("origin, fine", [("http://evil.example", False), ("null", False), ("self", True),
                                          ("https://listed.example", True)])
async def test_other_sites_may_not_open_the_socket(place, origin, fine):
    origin = place.url.rstrip("/") if origin == "self" else origin
    if fine:
        async with connect(place.url.replace("http", "ws") + "live", proxy=None, origin=origin) as socket:
            await socket.send(json.dumps(hello()))
            assert json.loads(await socket.recv())["type"] == "ready"
    else:
        met, code = await raw(place, hello(), origin=origin)
        assert code == 4003 and met[-1]["code"] == "origin"


async def test_push_to_talk_and_hands_free(place):
    loud, quiet = (np.full(4000, 9000, "<i2")).tobytes(), np.zeros(4000, "<i2").tobytes()
    async with Client(place.url) as client:
        await client.send({"type": "mic", "on": True, "mode": "push"})
        assert (await client.until(only("state")))[0]["state"] == "listening"
        await client.send(loud)
        await client.send({"type": "mic", "on": False})
        assert (await client.until(only("heard")))[0]["text"] == "spoken words"
        await client.sound()
        await client.send({"type": "mic", "on": True, "mode": "free"})
        await client.send(loud)                          # barge-in
        assert (await client.until(only("vad")))[0]["speech"] is True
        assert (await client.until(only("ended")))[0]["reason"] == "interrupted"
        await client.send(quiet)
        header, _ = await client.until(lambda h, _: h["type"] == "heard" and h["turn"] == 2)
        assert header["text"] == "spoken words"
        await client.send({"type": "mic", "on": False})
        await client.send({"type": "mic", "on": True, "mode": "push"})
        await client.send(loud[:100])
        await client.send({"type": "mic", "on": False})
        assert (await client.until(only("error")))[0]["code"] == "too-short"
        await client.send({"type": "mic", "on": True, "mode": "push"})
        await client.send(b"odd")
        assert (await client.until(only("error")))[0]["code"] == "bad-field"


async def test_one_aside_in_a_silence(place):
    async with Client(place.url) as client:
        await client.send({"type": "idle"})
        met = await client.hear()
        assert any("quiet" in header["text"] for _, header, _ in met if header["type"] == "spoken")
        await client.send({"type": "idle"})
        with pytest.raises(TimeoutError):
            await client.until(only("spoken"), 0.3)
        await client.send({"type": "ping", "t": 42.5})
        assert (await client.until(only("pong")))[0]["t"] == 42.5


async def test_pcm16_for_a_browser_without_opus(place):
    async with Client(place.url, codecs=["mp3", 7, "pcm16"]) as client:
        assert client.begin["codec"] == "pcm16"
        _, event = [await client.say("hi"), await client.sound()][1]
        assert event.speech.audio.samples.max() == pytest.approx(0.2, abs=0.01)


async def test_a_peer_that_stops_reading_does_not_hold_up_others_and_is_dropped(tmp_path):
    """It reads nothing more: the bound is reached, the peer is dropped, the conversation is kept, a second peer notices nothing."""
    with Place(tmp_path, think=Echo(WORDS * 40), speak=Tone(pace=0.2)) as place:
        async with Client(place.url, codecs=["pcm16"]) as deaf, Client(place.url) as other:
            await deaf.say("hi")
            await deaf.sound()
            session = next(s for s in place.sessions._sessions.values() if s.page == deaf.page)
            session.outbox.most_bytes = 300_000
            deaf._carrier.socket.transport.pause_reading()
            for _ in range(200):                         # it claims to hear everything, so that more and more is sent
                await deaf.send({"type": "played", "turn": 1})
                await asyncio.sleep(0.02)
                if session.holder is None:
                    break
            assert session.outbox.full and session.holder is None
            await other.say("are you there")
            await other.sound(5.0)
            deaf._carrier.socket.transport.resume_reading()
        async with Client(place.url, token=deaf.token, page=deaf.page, conversation=deaf.conversation) as back:
            assert back.begin["history"][0]["content"] == "hi" and back.begin["history"][1]["cut"]


async def test_places_are_bounded_and_those_nobody_holds_go_first(tmp_path):
    with Place(tmp_path, most=2) as place:
        async with Client(place.url):
            async with Client(place.url):
                with pytest.raises(ConnectionError, match="busy"):
                    await Client(place.url).open()
            await asyncio.sleep(0.1)
            async with Client(place.url) as third:
                assert third.begin["state"] == "idle"
        assert len(place.sessions) <= 2


async def test_waking(tmp_path):
    with Place(tmp_path, asleep=True) as place:
        async with Client(place.url, lang="zh") as client:
            assert client.begin["state"] == "waking" and "醒" in client.begin["note"]
            place.loop.call_soon_threadsafe(place.rooms.awake.set)
            assert (await client.until(only("engines")))[0]["engines"]["think"]["name"] == "echo"
            assert (await client.until(only("state")))[0]["state"] == "idle"


async def test_a_full_disk_is_told_and_the_conversation_goes_on(tmp_path):
    (tmp_path / "conversations").write_text("in the way")
    with Place(tmp_path) as place:
        async with Client(place.url) as client:
            met = [header for _, header, _ in await client.turn("hi")]
            assert [header["code"] for header in met if header["type"] == "error"] == ["unsaved"] and met[-1]["type"] == "ended"
            assert (await client.turn("again"))[-1][1]["reason"] == "done"


async def test_after_a_reload_the_conversation_goes_on(place):
    async with Client(place.url) as client:
        await client.turn("one")
    for codec in ("pcm16", "opus"):
        async with Client(place.url, token=client.token, page=client.page, conversation=client.conversation, codecs=[codec]) as again:
            assert again.begin["history"][0]["content"] == "one"
            spoken = [header for _, header, _ in await again.turn("two", seconds=20) if header["type"] == "spoken" and header["seconds"]]
            assert spoken and spoken[0]["audio"]["codec"] == codec


async def test_who_is_told_that_a_turn_has_ended_finds_it_kept(tmp_path):
    def kept() -> list[str]:
        return [message["content"] for file in tmp_path.glob("conversations/*/*.json") for message in json.loads(file.read_bytes())["history"]]
    with Place(tmp_path) as place:
        async with Client(place.url) as client:
            for question in ("one", "two", "three"):
                await client.turn(question)
                assert question in kept()
            await client.say("four")
            await client.sound()
            await client.say("five")                     # cut in: the turn before is kept as far as it was heard
            await client.until(lambda header, _: header["type"] == "ended")
            assert "four" in kept()


async def test_nothing_said_is_logged(place, caplog):
    with caplog.at_level(logging.DEBUG, "twin"):
        async with Client(place.url) as client:
            await client.turn("the word is zanzibar")
            await client.send({"type": "list"})
            await client.until(only("conversations"))
    assert "zanzibar" not in caplog.text and client.token not in caplog.text


async def test_storm(place):
    """Questions, stops, rewinds and garbage as fast as they go; then a turn works and every turn ended once."""
    async with Client(place.url) as client:
        for i in range(40):
            await client.say(f"n{i}")
            if i % 3 == 0:
                await client.send({"type": "stop", "turn": i + 1, "at": 0.1})
            if i % 7 == 0:
                await client.send({"type": "rewind", "index": 0})
            if i % 5 == 0:
                await client._carrier.socket.send("?")
            await asyncio.sleep(0.005 * (i % 3))
        await client.send({"type": "stop"})
        await client.until(lambda header, _: header["type"] == "ended" and header["turn"] == 40)
        met = await client.turn("at last")
        assert met[-1][1]["reason"] == "done"
        ended = [h["turn"] for _, h, _ in met if h["type"] == "ended"]
        assert len(ended) == len(set(ended))


def test_every_message_has_a_shape_and_a_handler():
    assert set(SHAPES) == set(HANDLERS)


async def test_files(place):
    import httpx
    async with httpx.AsyncClient(base_url=place.url, trust_env=False) as http:
        script = await http.get("web/live.js")
        assert script.status_code == 200 and script.headers["content-type"].startswith("text/javascript")
        again = await http.get("web/live.js", headers={"If-None-Match": script.headers["etag"]})
        assert again.status_code == 304 and script.headers["cache-control"] == "no-cache" and not again.content
        for bad in ("web/../app.py", "web/%2e%2e/app.py", "web/..%2f..%2fapp.py", "web//etc/passwd", "web/.hidden", "web/",
                    "web/nothing.js", "media/twins/maya/persona.yaml",
                    "media/twins/maya/face/..%2fpersona.yaml",
                    "media/twins/maya/face/persona.yaml", "web/C:/x.js", "web/a%00.js"):
            assert (await http.get(bad)).status_code == 404, bad
        assert (await http.get("media/twins/nobody/face/rig.json")).status_code == 401     # it might be somebody's own: say first who is asking
        assert (await http.get("healthz")).text.startswith("ok")
