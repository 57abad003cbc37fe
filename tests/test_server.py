"""A model behind a server of OpenAI's protocol: a real process on loopback that streams, stalls, refuses, breaks and is hung up on."""
from __future__ import annotations

import asyncio
import logging
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import aclosing
from pathlib import Path

import httpx
import pytest
from openai_server import WORDS

from twin.errors import Missing, Refused, Stuck, TwinError
from twin.registry import Registry
from twin.settings import Settings
from twin.think import server
from twin.think.server import ServerThinker

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
