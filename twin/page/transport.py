"""The second transport: a live session on Gradio's own event stream, for places that no WebSocket reaches (ZeroGPU, strict proxies).

Three endpoints, hidden from the API page, each one string of JSON in and one out. From plain `fetch`, relative to the page's address:

- POST gradio_api/run/live_open   {"data": [hello]}                  -> data[0] = {"session": 64 hex} | {"error": {...}}
- POST gradio_api/run/live_send   {"data": [{"session", "n", "ack", "messages": [object | base64 of a binary frame, ...]}]}
                                                                     -> data[0] = {"ok": true, "n"} | {"error": {...}}
- POST gradio_api/call/live_events {"data": [{"session", "ack"}]}    -> {"event_id"}, then
  GET  gradio_api/call/live_events/<event_id>                        -> server-sent events; `generating`: data[0] is a list like `messages`

`n` counts 1, 2, 3 ... for a session: a send that is repeated after a network error is taken once. `ack` is the last `seq` the browser has
handled; what lies behind it is sent again by the next live_events. `/call` delivers every value a generator yields, whole and in order
(unlike a component's `watch`, which sees only the latest), so each list holds what is new. An empty list is a heartbeat.

A session's id opens nothing to who did not open it: the token in the header has to be the same on all three.

Found in Gradio 6.31: `/run` answers at once for an endpoint with queue=False; a generator holds one of the queue's `max_threads` places for
as long as it lives, so app.py raises that number; a client that vanished is only noticed when something is sent, hence the heartbeat.
"""
from __future__ import annotations

import asyncio
import base64
import binascii
import json
from collections.abc import AsyncIterator
from typing import Any

import gradio as gr

from twin.errors import Refused, TwinError
from twin.users import HEADER
from twin.wire.live import Sessions
from twin.wire.outbox import Letter
from twin.wire.phrases import phrase
from twin.wire.requests import CHUNK, MOST_JSON, Complaint
from twin.wire.session import Session

BEAT = 3.0               # s between two lists at the most
MOST_MESSAGES = 64       # in one live_send: 16 s of microphone
UNREAD = 30.0            # s that nobody reads, or that what was sent stays unacknowledged: the browser is gone
QUIET = 150.0            # s without any live_send: the same. A hidden tab's timers run once a minute


class Stream:
    """What a session needs beside itself on this transport: who holds it, and which sends were taken."""

    def __init__(self, session: Session, cursor: int, first: Letter | None, token: str):
        self.session, self.cursor, self.first, self.token = session, cursor, first, token
        self.holder: object = object()
        self.taken = 0
        self.sending = asyncio.Lock()
        self.reader: object | None = None                # the generator that reads now; an older one ends
        self.heard = self.left = _now()                  # last live_send; last time a reader went
        self.owed: float | None = None                   # since when something is unacknowledged


class Transport:
    """The three endpoints. `register()` inside a Blocks context."""

    def __init__(self, sessions: Sessions):
        self.sessions = sessions
        self._streams: dict[str, Stream] = {}

    def register(self) -> None:
        gr.api(self.open, api_name="live_open", queue=False, api_visibility="undocumented")
        gr.api(self.send, api_name="live_send", queue=False, api_visibility="undocumented")
        gr.api(self.events, api_name="live_events", queue=True, concurrency_limit=None, api_visibility="undocumented")

    async def open(self, hello: str, request: gr.Request) -> str:
        """A hello -> the session's secret id."""
        holder = object()
        try:
            door = self.sessions.rooms.door
            if not door.allowed(request.headers):
                raise Complaint("origin", origin=str(request.headers.get("origin", ""))[:200])
            session, cursor, first = await self.sessions.open(_json(hello), holder, door.address(request.request.scope if request.request else {}))
        except TwinError as error:
            return _answer(error=_error(getattr(error, "code", "garbage"), error.message, error.hint))
        for name in [name for name in self._streams if self.sessions.get(name) is None]:
            del self._streams[name]
        stream = self._streams[session.id] = Stream(session, cursor, first, _token(request))
        stream.holder = holder
        self._watch(stream)
        return _answer(session=session.id)

    async def send(self, request: str, asking: gr.Request) -> str:
        """Numbered messages of the browser, and what it has handled of ours."""
        try:
            asked = _json(request)
            stream = self._stream(asked, asking)
            if stream is None:
                return _answer(error=_error("gone", *phrase("gone", "en")))
            number, ack, messages = asked.get("n"), asked.get("ack"), asked.get("messages")
            if not isinstance(number, int) or not isinstance(messages, list) or len(messages) > MOST_MESSAGES:
                raise Complaint("garbage", stream.session.language)
        except TwinError as error:
            return _answer(error=_error(getattr(error, "code", "garbage"), error.message, error.hint))
        stream.heard = _now()
        if isinstance(ack, int) and not isinstance(ack, bool):
            stream.session.outbox.acknowledge(ack)
            stream.owed = None
        async with stream.sending:                       # a repeated send waits for the first, then is found to be taken
            if number > stream.taken:
                stream.taken = number
                for message in messages:
                    if not await stream.session.receive(_sound(message) if isinstance(message, str) else message):
                        self._end(stream)
                        over = stream.session.over
                        return _answer(error=_error(over, *phrase(over, stream.session.language)))
        return _answer(ok=True, n=stream.taken)

    async def events(self, request: str, asking: gr.Request) -> AsyncIterator[str]:
        """What the browser has not handled yet, as it comes."""
        try:
            asked = _json(request)
        except TwinError:
            asked = {}
        stream = self._stream(asked, asking)
        if stream is None:
            yield json.dumps([_error("gone", *phrase("gone", "en"))])
            return
        reader = stream.reader = object()
        if isinstance(ack := asked.get("ack"), int):
            stream.cursor = ack if stream.session.outbox.holds(ack) else stream.cursor
        if stream.first:
            yield _list([stream.first])
            stream.first = None
        why = ""
        try:
            while stream.reader is reader and not why:
                letters, why = await self._next(stream)
                if stream.reader is not reader:
                    return
                if letters:
                    stream.cursor = letters[-1].seq
                yield _list(letters)
            if why:
                self._end(stream)
                yield json.dumps([_error(why, *phrase(why, stream.session.language))])
        finally:
            if stream.reader is reader:
                stream.reader = None
                self._watch(stream)

    async def _next(self, stream: Stream) -> tuple[list[Letter], str]:
        """What is new, or nothing after a beat; and why the stream is over."""
        session = stream.session
        if session.holder is not stream.holder:
            return [], "elsewhere" if session.holder is not None else session.why
        now = _now()
        if session.outbox.waiting:
            stream.owed = now if stream.owed is None else stream.owed
        else:
            stream.owed = None
        if session.outbox.full or now - stream.heard > QUIET or (stream.owed is not None and now - stream.owed > UNREAD):
            return [], "slow"
        try:
            async with asyncio.timeout(BEAT):
                return await session.outbox.after(stream.cursor), ""
        except TimeoutError:
            return [], ""

    def _stream(self, asked: dict[str, Any], asking: gr.Request) -> Stream | None:
        name = asked.get("session")
        stream = self._streams.get(name) if isinstance(name, str) else None
        return stream if stream and stream.session.holder is stream.holder and stream.token == _token(asking) else None

    def _watch(self, stream: Stream) -> None:
        """End a stream that nobody reads for a while."""
        def unread() -> None:
            if stream.reader is None and _now() - stream.left >= UNREAD - 0.5:
                self._end(stream)
        stream.left = _now()
        asyncio.get_running_loop().call_later(UNREAD, unread)

    def _end(self, stream: Stream) -> None:
        if self._streams.get(stream.session.id) is stream:
            del self._streams[stream.session.id]
        self.sessions.leave(stream.session, stream.holder)


def _token(request: gr.Request) -> str:
    return str(request.headers.get(HEADER, ""))


def _now() -> float:
    return asyncio.get_running_loop().time()


def _json(text: Any) -> dict[str, Any]:
    if not isinstance(text, str) or len(text) > 4 * MOST_JSON:
        raise Complaint("garbage")
    try:
        data = json.loads(text)
    except (ValueError, RecursionError):
        raise Complaint("garbage") from None
    if not isinstance(data, dict):
        raise Refused("A message is not a JSON object.")
    return data


def _sound(text: str) -> bytes | None:
    """A binary frame; None, which no session takes, when it is not base64."""
    try:
        return base64.b64decode(text[:2 * CHUNK], validate=True)
    except (binascii.Error, ValueError):
        return None


def _list(letters: list[Letter]) -> str:
    items = (letter.data if isinstance(letter.data, str) else json.dumps(base64.b64encode(letter.data).decode()) for letter in letters)
    return f"[{','.join(items)}]"


def _answer(**fields: Any) -> str:
    return json.dumps(fields, ensure_ascii=False)


def _error(code: str, message: str, hint: str) -> dict[str, Any]:
    return {"type": "error", "code": code, "message": message, "hint": hint, "kept": False}
