"""How often one may ask, how many at once, and who is next: buckets, places, floods, idle sockets and slow senders."""
from __future__ import annotations

import asyncio
import contextlib
import secrets
import socket
import time

import httpx
import pytest
from conftest import Echo, Tone
from place import Place
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed

from bench.client import Client
from twin.errors import Refused
from twin.users import Users
from twin.wire import live, outbox
from twin.wire.door import Door, allowed
from twin.wire.limits import MOST, RATES, Limits, address_of
from twin.wire.places import Places

SLOW = {"ask": {"user": (3, 60), "address": (5, 60)}}


def only(kind: str):
    return lambda header, _: header["type"] == kind


def test_a_bucket_for_each_user_and_each_address(monkeypatch):
    now = [1000.0]
    monkeypatch.setattr(time, "monotonic", lambda: now[0])
    limits = Limits(1.0, SLOW)
    for _ in range(3):
        limits.take("ask", user="a", address="1")
    with pytest.raises(Refused) as refused:
        limits.take("ask", user="a", address="1")
    assert refused.value.code == "too-often" and refused.value.wait == 1 and refused.value.hint and refused.value.zh
    for other in "bc":
        limits.take("ask", user=other, address="1")      # the address had two left
    with pytest.raises(Refused):
        limits.take("ask", user="d", address="1")
    limits.take("ask", user="d", address="2")
    now[0] += 2.0
    limits.take("ask", user="a", address="3")
    limits.take("ask", user="a", address="3")
    with pytest.raises(Refused):
        limits.take("ask", user="a", address="3")
    Limits(0, SLOW).take("ask", user="a")
    assert all(Limits(0).take("ask", user="a") is None for _ in range(1000))
    double = Limits(2.0, SLOW)
    for _ in range(6):
        double.take("ask", user="a")


def test_what_is_remembered_is_bounded():
    limits = Limits(1.0, {"ask": {"user": (1, 1), "address": (1, 1)}})
    for i in range(MOST + 50):
        limits.take("ask", user=str(i))
    assert len(limits) <= MOST
    assert set(RATES["ask"]) == {"user", "address"}


def test_where_somebody_comes_from():
    def scope(client, forwarded=None):
        return {"client": client and (client, 1234), "headers": [(b"x-forwarded-for", forwarded.encode())] if forwarded else []}
    assert address_of(scope("10.0.0.1", "6.6.6.6")) == "10.0.0.1", "what anyone may write is not believed"
    assert address_of(scope("10.0.0.1", "6.6.6.6, 9.9.9.9"), 1) == "9.9.9.9" and address_of(scope("10.0.0.1", "6.6.6.6, 9.9.9.9"), 2) == "6.6.6.6"
    assert address_of(scope("10.0.0.1"), 1) == "10.0.0.1"
    assert address_of(scope("2001:db8:1:2:3:4:5:6")) == address_of(scope("2001:db8:1:2:ffff::1")) == "2001:db8:1:2::"
    assert address_of(scope("::ffff:9.9.9.9")) == "9.9.9.9" and address_of(scope(None)) == "" and address_of({}) == ""


def test_which_sites_may_ask():
    assert allowed({}, ()) and allowed({"origin": "http://here:1", "host": "here:1"}, ())
    assert not allowed({"origin": "http://there", "host": "here:1"}, ()) and not allowed({"origin": "null", "host": "here:1"}, ())
    assert allowed({"origin": "null", "host": "here"}, ("null",)) and allowed({"origin": "https://There/", "host": "here"}, ("https://there",))
    assert allowed({"origin": "https://there", "host": "here"}, ("*",)) and not allowed({"origin": "https://there.evil", "host": "here"}, ("https://there",))


async def test_places_are_given_in_turn_and_fairly():
    places, told = Places(2, waiting=5), {}

    def take(who, name):
        return places.take(who, lambda place: told.setdefault(name, []).append(place))
    a1, a2 = take("a", "a1"), take("a", "a2")
    a3, a4, b1 = take("a", "a3"), take("a", "a4"), take("b", "b1")
    assert a1.inside and a2.inside and not b1.inside and told["a1"] == [0]
    assert b1.place == 1 and a3.place == 2 and a4.place == 3, "who has nothing going on is next"
    coming = asyncio.create_task(b1.come())
    a1.leave()
    a1.leave()
    assert await coming and places.taken == 2 and told["b1"] == [1, 0] and told["a3"][-1] == 1
    a3.leave()                                           # given up while it waits
    assert not await a3.come() and a4.place == 1
    a2.leave()
    assert a4.inside
    for i in range(5):
        places.take(f"c{i}")
    with pytest.raises(Refused, match="Too many"):
        places.take("d")
    places = Places(1)
    first = places.take("a")
    for _ in range(4):
        places.take("a")
    with pytest.raises(Refused):
        places.take("a")
    waiting = places.take("b")
    places.close()
    first.leave()
    assert not waiting.inside, "nobody gets in any more"


async def test_a_queue_that_says_your_place(tmp_path):
    with Place(tmp_path, speaking=1, think=Echo(["one ", "two ", "three. "])) as place:
        async with Client(place.url) as one, Client(place.url, lang="zh") as two, Client(place.url) as three:
            await one.say("first")
            await one.sound()
            await two.say("second")
            told = (await two.until(only("queue")))[0]
            assert told["place"] == 1 and "第1位" in told["message"]
            await three.say("third")
            assert (await three.until(only("queue")))[0]["place"] == 2
            assert place.rooms.speaking.taken == 1 and len(place.rooms.speaking) == 2
            await three.send({"type": "stop"})           # gives its place in the queue up
            await one.send({"type": "stop"})
            assert (await two.until(only("queue")))[0]["place"] == 0
            assert (await two.hear(first_of=lambda header: header["type"] == "heard"))[-1][1]["reason"] == "done"
            await three.say("third again")
            assert (await three.hear(first_of=lambda header: header["type"] == "heard"))[-1][1]["reason"] == "done"
        await asyncio.sleep(0.1)
        assert place.rooms.speaking.taken == 0 and len(place.rooms.speaking) == 0


async def test_asking_again_keeps_the_place_and_leaving_frees_it(tmp_path):
    with Place(tmp_path, speaking=1, linger=0.1) as place:
        async with Client(place.url) as one, Client(place.url) as two:
            await one.say("first")
            await one.sound()
            await two.say("waits")
            await two.until(only("queue"))
            for text in ("another", "and another"):      # a barge-in does not go to the end of the queue
                await one.say(text)
                await one.sound()
            assert len(place.rooms.speaking) == 1
            await one.close()
            await two.sound()                            # its page is gone, and a while later its place is free
        await asyncio.sleep(0.4)
        assert place.rooms.speaking.taken == 0


async def test_a_flood_is_held_off_and_told_when_to_come_back(tmp_path):
    rates = {kind: {"user": (100, 100), "address": (100_000, 100_000)} for kind in RATES} | {
        "ask": {"user": (3, 60), "address": (1000, 1000)}, "read": {"user": (4, 60), "address": (8, 60)}}
    with Place(tmp_path, door=Door(Users(), Limits(1.0, rates))) as place:
        async with Client(place.url) as client:
            for i in range(3):
                await client.say(f"{i}")
            await client.say("one too many")
            error, _ = await client.until(only("error"))
            assert error["code"] == "too-often" and error["kept"] is True and "Wait" in error["hint"]
        token = {"X-Twin-Token": secrets.token_hex(32)}
        async with httpx.AsyncClient(base_url=place.url, trust_env=False) as web:
            answers = [await web.get("/twins", headers=token) for _ in range(6)]
            assert [a.status_code for a in answers] == [200] * 4 + [429] * 2
            assert answers[-1].headers["retry-after"] == "1" and answers[-1].json()["error"]["hint"]
            other = [await web.get("/twins", headers={"X-Twin-Token": secrets.token_hex(32)}) for _ in range(6)]
            assert [a.status_code for a in other].count(429) >= 3, "the address has had enough"
        transport = httpx.AsyncHTTPTransport(local_address="127.0.0.2")
        async with httpx.AsyncClient(base_url=place.url, trust_env=False, transport=transport) as elsewhere:
            assert (await elsewhere.get("/twins", headers={"X-Twin-Token": secrets.token_hex(32)})).status_code == 200


async def test_messages_faster_than_anybody_can_speak_end_the_channel(tmp_path):
    rates = {kind: {"user": (1000, 1000), "address": (1000, 1000)} for kind in RATES} | {"message": {"user": (50, 60), "address": (5000, 5000)}}
    with Place(tmp_path, door=Door(Users(), Limits(1.0, rates))) as place:
        client = Client(place.url)
        await client.open()
        for i in range(100):
            await client.send({"type": "ping", "t": i})
        async with asyncio.timeout(10):
            async for _ in client:
                pass
        assert client.closed[0] == 1008
        await client.close()


async def test_many_idle_sockets_and_somebody_talks(tmp_path, monkeypatch):
    """Sockets that say nothing, and those that say hello and nothing more: others are served, and the silent ones go."""
    monkeypatch.setattr(live, "HELLO", 1.0)
    from twin.serve import _more_files
    _more_files()
    with Place(tmp_path, most=1000) as place:
        address = place.url.replace("http", "ws") + "live"
        silent = [await connect(address, proxy=None, open_timeout=30) for _ in range(120)]
        async with Client(place.url) as client:
            assert (await client.turn("are you there"))[-1][1]["reason"] == "done"
        idle = [Client(place.url) for _ in range(60)]
        for each in idle:
            await each.open()
        assert place.run(_count(place)) >= 60
        async with Client(place.url) as client:
            assert (await client.turn("and now"))[-1][1]["reason"] == "done"
        for each in idle:
            await each.close()
        for each in silent:
            with contextlib.suppress(ConnectionClosed):
                await each.recv()                        # why
                await each.recv()
        assert {each.close_code for each in silent} == {4008}


async def _count(place):
    return len(place.sessions)


async def test_one_address_cannot_take_every_place(tmp_path, monkeypatch):
    monkeypatch.setattr(live, "PER_ADDRESS", 3)
    with Place(tmp_path, most=10, linger=30) as place:
        clients = [Client(place.url) for _ in range(3)]
        for each in clients:
            await each.open()
        with pytest.raises(ConnectionError, match="busy"):
            await Client(place.url).open()
        await clients[0].close()
        await asyncio.sleep(0.1)
        async with Client(place.url):                    # the place nobody holds
            pass
        for each in clients:
            await each.close()


async def test_a_long_silence_gives_its_place_to_somebody_else(tmp_path, monkeypatch):
    monkeypatch.setattr(live, "IDLE", 0.3)
    with Place(tmp_path, most=1) as place:
        async with Client(place.url) as one:
            await one.turn("hi")
            await asyncio.sleep(0.5)
            async with Client(place.url) as two:
                assert two.begin["history"] == []
                async for header, _ in one:
                    last = header
                assert one.closed[0] == 4005 and last["code"] == "rested"
        await asyncio.sleep(0.1)


async def test_who_never_said_a_word_makes_room_first(tmp_path, monkeypatch):
    monkeypatch.setattr(live, "UNUSED", 0.3)
    with Place(tmp_path, most=2) as place:
        async with Client(place.url) as one, Client(place.url) as silent:
            await one.turn("hi")
            await asyncio.sleep(0.5)
            async with Client(place.url), asyncio.timeout(10):
                async for header, _ in silent:
                    last = header
                assert last["code"] == "rested" and one.closed is None


async def test_what_is_silent_lets_go(tmp_path, monkeypatch):
    monkeypatch.setattr(live, "REST", 0.1)
    monkeypatch.setattr(live, "ROUND", 0.1)
    with Place(tmp_path) as place:
        async with Client(place.url) as client:
            await client.turn("hi")
            session = next(iter(place.sessions._sessions.values()))
            assert session._encoder._track is not None and session.outbox._carried
            await asyncio.sleep(0.5)
            assert session._encoder._track is None and not session.outbox._carried and session.outbox.holds(client.seq)
            assert (await client.turn("again"))[-1][1]["reason"] == "done"
    assert outbox.KEPT_BYTES == 2 * 2**20


async def test_slow_senders_hold_up_nobody_else(tmp_path):
    with Place(tmp_path, speak=Tone(pieces=1)) as place:
        slow = []
        for _ in range(4):                               # more than may be looked at at once
            sock = socket.create_connection(("127.0.0.1", place.port))
            sock.sendall(f"POST /draft/photo HTTP/1.1\r\nHost: 127.0.0.1:{place.port}\r\nX-Twin-Token: {secrets.token_hex(32)}\r\n"
                         "Content-Length: 20000000\r\n\r\n".encode() + b"x" * 1000)
            slow.append(sock)
        await asyncio.sleep(0.2)
        async with httpx.AsyncClient(base_url=place.url, trust_env=False, timeout=10) as web:
            began = time.monotonic()
            got = await web.post("/draft/photo", content=b"no picture", headers={"X-Twin-Token": secrets.token_hex(32)})
            assert got.status_code == 422 and time.monotonic() - began < 15, "the slow ones have 20 s"
            mine = {"X-Twin-Token": secrets.token_hex(32)}
            for _ in range(3):
                sock = socket.create_connection(("127.0.0.1", place.port))
                sock.sendall(f"POST /draft/photo HTTP/1.1\r\nHost: x\r\nX-Twin-Token: {mine['X-Twin-Token']}\r\nContent-Length: 100000\r\n\r\nx".encode())
                slow.append(sock)
            await asyncio.sleep(0.2)
            busy = await web.post("/draft/photo", content=b"x", headers=mine)
            assert busy.status_code == 429 and busy.json()["error"]["code"] == "busy"
        for sock in slow:
            sock.close()
