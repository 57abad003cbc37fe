"""A client without a browser: one API over both transports. It decodes what comes, and hears as fast as it is told to.

    async with await connect("http://127.0.0.1:7860/", transport="socket") as client:      # or transport="gradio"
        await client.ready(greet=False)
        await client.send({"type": "say", "text": "hello"})
        async for header, event in client: ...
"""
from __future__ import annotations

import asyncio
import base64
import json
import secrets
import time
from collections.abc import AsyncIterator, Callable
from typing import Any
from urllib.parse import urlsplit, urlunsplit

from twin.codec import Decoder, unpack
from twin.types import Event

Met = tuple[dict[str, Any], Event | None]


class Client:
    """What the two transports share. `bytes_in` counts what was received as sent on the wire, without the transport's own framing."""

    def __init__(self, url: str, token: str = "", page: str = ""):
        self.url, self.token, self.page = url.rstrip("/") + "/", token or secrets.token_hex(32), page or secrets.token_hex(16)
        self.seq, self.bytes_in, self.conversation = 0, 0, ""
        self.decodes = True                              # False: Spoken events come back as their header alone, which costs less
        self.closed: tuple[int, str] | None = None
        self._decoder = Decoder()
        self._met: asyncio.Queue[Met | None] = asyncio.Queue()
        self._tasks: list[asyncio.Task[Any]] = []

    async def __aenter__(self) -> Client:
        return self

    async def __aexit__(self, *_: Any) -> None:
        await self.close()

    def hello(self, **fields: Any) -> dict[str, Any]:
        hello = {"type": "hello", "token": self.token, "page": self.page, "lang": "en", "codecs": ["opus", "pcm16"], "greet": False}
        return hello | ({"conversation": self.conversation} if self.conversation else {}) | fields

    async def ready(self, **fields: Any) -> dict[str, Any]:
        """Say hello and wait for `ready`. Raises ConnectionError with the server's reason when it refuses."""
        await self.open(self.hello(**fields))
        header, _ = await self.until(lambda header, _: header["type"] in ("ready", "error"), 30.0)
        if header["type"] == "error":
            raise ConnectionError(f"{header['code']}: {header['message']}")
        return header

    async def until(self, wanted: Callable[[dict[str, Any], Event | None], bool], seconds: float = 30.0) -> Met:
        """The first message that fits; those before it are dropped. Raises TimeoutError, or ConnectionError when the server closes."""
        async with asyncio.timeout(seconds):
            async for met in self:
                if wanted(*met):
                    return met
        raise ConnectionError(f"closed: {self.closed}")

    async def turn(self, text: str, pace: float = 0.0, seconds: float = 60.0) -> list[tuple[float, dict[str, Any], Event | None]]:
        """Ask and hear all of the answer: (s since asked, header, event) of each message. `pace` 1 = heard as it sounds, 0 = at once."""
        began, met, first = time.perf_counter(), [], 0.0
        await self.send({"type": "say", "text": text})
        async with asyncio.timeout(seconds):
            async for header, event in self:
                now = time.perf_counter()
                met.append((now - began, header, event))
                if header["type"] == "spoken" and header["seconds"]:
                    first = first or now
                    end = header["at"] + header["seconds"]
                    if pace:
                        self._later(first + end * pace - now, {"type": "heard", "turn": header["turn"], "at": end})
                    else:
                        await self.send({"type": "heard", "turn": header["turn"], "at": end})
                if header["type"] == "ended" and any(h["type"] == "heard" for _, h, _ in met):
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

    def take(self, message: str | bytes) -> None:
        """A message came."""
        self.bytes_in += len(message.encode()) if isinstance(message, str) else len(message)
        header, event = self._decoder.decode(message) if self.decodes or isinstance(message, str) else (unpack(message)[0], None)
        if header.get("type") == "ready":
            self.conversation = header["conversation"]
        elif header.get("seq", 0) and header["seq"] <= self.seq:
            return
        self.seq = max(self.seq, header.get("seq", 0))
        self._met.put_nowait((header, event))

    def over(self, code: int = 0, reason: str = "") -> None:
        self.closed = self.closed or (code, reason)
        self._met.put_nowait(None)

    def _later(self, seconds: float, message: dict[str, Any]) -> None:
        async def send() -> None:
            await asyncio.sleep(seconds)
            await self.send(message)
        self._tasks = [task for task in self._tasks if not task.done()] + [asyncio.create_task(send())]

    async def open(self, hello: dict[str, Any]) -> None:
        raise NotImplementedError

    async def send(self, message: dict[str, Any] | bytes) -> None:
        raise NotImplementedError

    async def close(self) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)


class SocketClient(Client):
    """Over the WebSocket."""

    async def open(self, hello: dict[str, Any]) -> None:
        import ssl

        from websockets.asyncio.client import connect as dial
        parts = urlsplit(self.url)
        address = urlunsplit(("wss" if parts.scheme == "https" else "ws", parts.netloc, parts.path + "live", "", ""))
        unverified = ssl.create_default_context()
        unverified.check_hostname, unverified.verify_mode = False, ssl.CERT_NONE
        extra = {"ssl": unverified} if parts.scheme == "https" else {}
        self.socket = await dial(address, max_size=None, proxy=None, compression=None, **extra)
        await self.send(hello)
        self._tasks.append(asyncio.create_task(self._read()))

    async def send(self, message: dict[str, Any] | bytes) -> None:
        await self.socket.send(message if isinstance(message, bytes) else json.dumps(message))

    async def _read(self) -> None:
        from websockets.exceptions import ConnectionClosed
        try:
            async for message in self.socket:
                self.take(message)
        except ConnectionClosed:
            pass
        self.over(self.socket.close_code or 0, self.socket.close_reason or "")

    async def close(self) -> None:
        await super().close()
        if hasattr(self, "socket"):
            await self.socket.close()


class GradioClient(Client):
    """Over Gradio's event stream, as page/transport.py describes it."""

    async def open(self, hello: dict[str, Any]) -> None:
        import httpx
        self._http = httpx.AsyncClient(base_url=self.url, timeout=30.0, trust_env=False, verify=False)
        self._number, self._unsent, self._sending = 0, [], asyncio.Lock()
        answer = await self._run("live_open", hello)
        if error := answer.get("error"):
            self._met.put_nowait((error, None))
            self.over(reason=error["code"])
            return
        self.session = answer["session"]
        self._tasks += [asyncio.create_task(self._read()), asyncio.create_task(self._acknowledge())]

    async def send(self, message: dict[str, Any] | bytes) -> None:
        """One request at a time; what comes meanwhile goes with the next."""
        self._unsent.append(base64.b64encode(message).decode() if isinstance(message, bytes) else message)
        async with self._sending:
            if not self._unsent:
                return
            batch, self._unsent = self._unsent[:64], self._unsent[64:]
            await self._deliver(batch)

    async def _deliver(self, batch: list[Any]) -> None:
        self._number += 1
        answer = await self._run("live_send", {"session": self.session, "n": self._number, "ack": self.seq, "messages": batch})
        if error := answer.get("error"):
            self.over(reason=error["code"])

    async def _acknowledge(self) -> None:
        told = 0
        while self.closed is None:
            await asyncio.sleep(1.0)
            if self.seq > told:
                told = self.seq
                async with self._sending:
                    await self._deliver([])

    async def _run(self, name: str, data: dict[str, Any]) -> dict[str, Any]:
        response = await self._http.post(f"gradio_api/run/{name}", json={"data": [json.dumps(data)]})
        response.raise_for_status()
        return json.loads(response.json()["data"][0])

    async def _read(self) -> None:
        import httpx
        while self.closed is None:
            try:
                body = {"data": [json.dumps({"session": self.session, "ack": self.seq})]}
                joined = await self._http.post("gradio_api/call/live_events", json=body)
                async with self._http.stream("GET", f"gradio_api/call/live_events/{joined.json()['event_id']}") as stream:
                    kind = ""
                    async for line in stream.aiter_lines():
                        if line.startswith("event: "):
                            kind = line[7:]
                        elif line.startswith("data: ") and kind == "generating":
                            self._take_list(json.loads(json.loads(line[6:])[0]))
            except httpx.HTTPError:
                await asyncio.sleep(0.2)

    def _take_list(self, messages: list[Any]) -> None:
        for message in messages:
            if isinstance(message, str):
                self.take(base64.b64decode(message))
            elif "seq" in message:
                self.take(json.dumps(message))
            else:                                        # the stream's own last word
                self._met.put_nowait((message, None))
                self.over(reason=message.get("code", ""))

    async def close(self) -> None:
        await super().close()
        if hasattr(self, "_http"):
            await self._http.aclose()


async def connect(url: str, transport: str = "socket", token: str = "", page: str = "") -> Client:
    """A client for that page; `ready()` opens the channel."""
    return {"socket": SocketClient, "gradio": GradioClient}[transport](url, token, page)
