"""A client without a browser: one API over both transports. It decodes what comes and reports what it "heard".

    async with Client("http://127.0.0.1:7860/", transport="socket", greet=True) as client:      # or transport="gradio"
        at = await client.sound()                            # the greeting's first sound
        for seconds, header, event in await client.turn("How much is a flat tyre?"): ...
"""
from __future__ import annotations

import asyncio
import base64
import json
import secrets
import ssl
import time
from collections.abc import AsyncIterator, Callable
from typing import Any
from urllib.parse import urlsplit, urlunsplit

from twin.codec import Decoder, unpack
from twin.types import Event

Met = tuple[dict[str, Any], Event | None]


class Client:
    """`hello` fields (greet, lang, twin, conversation, codecs, seq ...) may be given by name. `async with` opens the channel and waits for
    `ready`, which is then in `.begin`; ConnectionError holds the server's reason when it refuses.

    `bytes_in` counts what was received as it is on the wire, without the transport's own framing (Gradio's base64 adds a third).
    """

    def __init__(self, url: str, *, transport: str = "socket", token: str = "", page: str = "", decodes: bool = True, source: str = "", **hello: Any):
        self.url, self.token, self.page = url.rstrip("/") + "/", token or secrets.token_hex(32), page or secrets.token_hex(16)
        self.fields = hello
        self.decodes = decodes                           # False: sound and motion stay packed, which costs less
        self.source = source                             # an address of this machine to come from
        self.begin: dict[str, Any] = {}
        self.conversation = hello.get("conversation", "")
        self.seq, self.bytes_in, self.sounded = 0, 0, 0
        self.closed: tuple[int, str] | None = None
        self._carrier: Socket | Stream = {"socket": Socket, "gradio": Stream}[transport](self)
        self._decoder = Decoder()
        self._met: asyncio.Queue[Met | None] = asyncio.Queue()
        self._tasks: set[asyncio.Task[Any]] = set()

    async def __aenter__(self) -> Client:
        await self.open()
        return self

    async def __aexit__(self, *_: Any) -> None:
        await self.close()

    async def open(self) -> dict[str, Any]:
        """Say hello and wait for `ready`."""
        hello = {"type": "hello", "token": self.token, "page": self.page, "lang": "en", "codecs": ["opus", "pcm16"], "greet": False}
        hello |= self.fields
        if self.conversation:
            hello["conversation"] = self.conversation
        await self._carrier.open(hello)
        header, _ = await self.until(lambda header, _: header["type"] in ("ready", "error"))
        if header["type"] == "error":
            raise ConnectionError(f"{header['code']}: {header['message']}")
        self.begin, self.conversation = header, header["conversation"]
        return header

    async def close(self) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self._carrier.close()

    async def send(self, message: dict[str, Any] | bytes) -> None:
        """A JSON message, or sound of the microphone (int16 at 16 kHz)."""
        await self._carrier.send(message)

    async def say(self, text: str) -> None:
        await self.send({"type": "say", "text": text})

    async def until(self, wanted: Callable[[dict[str, Any], Event | None], bool], seconds: float = 30.0) -> Met:
        """The first message that fits; those before it are dropped. Raises TimeoutError, or ConnectionError when the server closes."""
        async with asyncio.timeout(seconds):
            async for met in self:
                if wanted(*met):
                    return met
        raise ConnectionError(f"closed: {self.closed}")

    async def sound(self, seconds: float = 120.0) -> Met:
        """The first sound of the next turn that speaks."""
        def fits(header: dict[str, Any], _: Event | None) -> bool:
            return header["type"] == "spoken" and header["seconds"] > 0 and header["turn"] > self.sounded
        met = await self.until(fits, seconds)
        self.sounded = met[0]["turn"]
        return met

    async def turn(self, text: str, pace: float = 0.0, seconds: float = 120.0) -> list[tuple[float, dict[str, Any], Event | None]]:
        """Ask and hear all of the answer: (s since asked, header, event) of each message. `pace` 1 = heard as it sounds, 0 = at once."""
        began = time.perf_counter()
        await self.say(text)
        return await self.hear(pace, seconds, began, lambda header: header["type"] == "heard")

    async def hear(self, pace: float = 0.0, seconds: float = 120.0, began: float = 0.0,
                   first_of: Callable[[dict[str, Any]], bool] = lambda header: header["type"] == "thought"
                   ) -> list[tuple[float, dict[str, Any], Event | None]]:
        """Hear a turn until it ends: the one whose message fits `first_of` (the newest such, if there are several)."""
        met, first, turn = [], 0.0, 0
        async with asyncio.timeout(seconds):
            async for header, event in self:
                now = time.perf_counter()
                met.append((now - began, header, event))
                if header["type"] == "error" and header.get("code") == "too-often":
                    raise ConnectionError(header["message"])
                turn = header["turn"] if first_of(header) else turn
                if header["type"] == "spoken" and header["seconds"]:
                    first = first or now
                    end = header["at"] + header["seconds"]
                    self.start(self._hear(first + end * pace - now if pace else 0.0, header["turn"], end))
                if header["type"] == "ended" and header["turn"] == turn:
                    return met
        raise ConnectionError(f"closed: {self.closed}")

    def __aiter__(self) -> AsyncIterator[Met]:
        return self

    async def __anext__(self) -> Met:
        met = await self._met.get()
        if met is None:
            self._met.put_nowait(None)
            raise StopAsyncIteration
        return met

    async def _hear(self, wait: float, turn: int, at: float) -> None:
        if wait > 0:
            await asyncio.sleep(wait)
        await self.send({"type": "heard", "turn": turn, "at": at})

    def start(self, work: Any) -> None:
        """Run something beside, until the client closes."""
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def take(self, message: str | bytes) -> None:
        """A message came. One that came before is not given twice."""
        self.bytes_in += len(message.encode()) if isinstance(message, str) else len(message)
        header, event = self._decoder.decode(message) if self.decodes or isinstance(message, str) else (unpack(message)[0], None)
        seq = header.get("seq", 0)
        if header["type"] != "ready" and 0 < seq <= self.seq:
            return
        self.seq = max(self.seq, seq)
        self._met.put_nowait((header, event))

    def over(self, code: int = 0, reason: str = "", last: dict[str, Any] | None = None) -> None:
        """The server has closed the channel."""
        if last is not None:
            self._met.put_nowait((last, None))
        self.closed = self.closed or (code, reason)
        self._met.put_nowait(None)


class Socket:
    """The WebSocket."""

    def __init__(self, client: Client):
        self.client, self.socket = client, None

    async def open(self, hello: dict[str, Any]) -> None:
        from websockets.asyncio.client import connect
        parts = urlsplit(self.client.url)
        secure = parts.scheme == "https"
        address = urlunsplit(("wss" if secure else "ws", parts.netloc, parts.path + "live", "", ""))
        self.socket = await connect(address, max_size=None, proxy=None, compression=None, **({"ssl": _unverified()} if secure else {}),
                                    **({"local_addr": (self.client.source, 0)} if self.client.source else {}))
        await self.send(hello)
        self.client.start(self._read())

    async def send(self, message: dict[str, Any] | bytes) -> None:
        await self.socket.send(message if isinstance(message, bytes) else json.dumps(message))

    async def _read(self) -> None:
        from websockets.exceptions import ConnectionClosed
        try:
            async for message in self.socket:
                self.client.take(message)
        except ConnectionClosed:
            pass
        self.client.over(self.socket.close_code or 0, self.socket.close_reason or "")

    async def close(self) -> None:
        if self.socket is not None:
            await self.socket.close()


class Stream:
    """Gradio's event stream, as twin/page/transport.py describes it."""

    def __init__(self, client: Client):
        self.client, self.http, self.session = client, None, ""
        self._number, self._unsent, self._sending = 0, [], asyncio.Lock()

    async def open(self, hello: dict[str, Any]) -> None:
        import httpx
        self.http = httpx.AsyncClient(base_url=self.client.url, timeout=30.0, trust_env=False, verify=_unverified())
        answer = await self._run("live_open", hello)
        if error := answer.get("error"):
            self.client.over(0, error["code"], error)
            return
        self.session = answer["session"]
        self.client.start(self._read())
        self.client.start(self._acknowledge())

    async def send(self, message: dict[str, Any] | bytes) -> None:
        """One request at a time; what comes meanwhile goes with the next."""
        self._unsent.append(base64.b64encode(message).decode() if isinstance(message, bytes) else message)
        async with self._sending:
            while self._unsent:
                batch, self._unsent = self._unsent[:64], self._unsent[64:]
                await self._deliver(batch)

    async def _deliver(self, batch: list[Any]) -> None:
        self._number += 1
        answer = await self._run("live_send", {"session": self.session, "n": self._number, "ack": self.client.seq, "messages": batch})
        if error := answer.get("error"):
            self.client.over(0, error["code"])

    async def _acknowledge(self) -> None:
        told = 0
        while self.client.closed is None:
            await asyncio.sleep(1.0)
            if self.client.seq > told:
                told = self.client.seq
                async with self._sending:
                    await self._deliver([])

    async def _run(self, name: str, data: dict[str, Any]) -> dict[str, Any]:
        response = await self.http.post(f"gradio_api/run/{name}", json={"data": [json.dumps(data)]})
        response.raise_for_status()
        return json.loads(response.json()["data"][0])

    async def _read(self) -> None:
        import httpx
        while self.client.closed is None:
            try:
                asked = json.dumps({"session": self.session, "ack": self.client.seq})
                joined = await self.http.post("gradio_api/call/live_events", json={"data": [asked]})
                async with self.http.stream("GET", f"gradio_api/call/live_events/{joined.json()['event_id']}") as stream:
                    kind = ""
                    async for line in stream.aiter_lines():
                        if line.startswith("event: "):
                            kind = line[7:]
                        elif line.startswith("data: ") and kind == "generating":
                            self._take(json.loads(json.loads(line[6:])[0]))
            except httpx.HTTPError:
                await asyncio.sleep(0.2)

    def _take(self, messages: list[Any]) -> None:
        for message in messages:
            if isinstance(message, str):
                self.client.take(base64.b64decode(message))
            elif "seq" in message:
                self.client.take(json.dumps(message))
            else:                                        # the stream's own last word
                self.client.over(0, message["code"], message)

    async def close(self) -> None:
        if self.http is not None:
            await self.http.aclose()


def _unverified() -> ssl.SSLContext:
    """Our own certificate is nobody's."""
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    return context
