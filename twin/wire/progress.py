"""A generator of progress as NDJSON: one line a step, and a way to see that the reader left."""
from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from starlette.responses import Response, StreamingResponse
from starlette.types import Receive, Scope, Send

from persona.card import CardError

from ..errors import TwinError
from .answers import ALWAYS, told
from .phrases import PHRASES, phrase
from .places import Ticket

BEAT = 5.0               # s between two lines at the most
log = logging.getLogger("twin.wire")


Steps = Iterator[dict[str, Any]] | AsyncGenerator[dict[str, Any], None]


def stream(steps: Steps, language: str, done: Callable[[], Any] = lambda: None, ticket: Ticket | None = None) -> Response:
    """The dicts that a generator yields, a line each; an error is the last line. When the reader goes away the generator is closed, which
    cancels. A blocking generator runs on one thread from its first step to its last, for it may hold locks across steps. With a ticket it
    begins when its turn has come, and says meanwhile which place it has."""
    return _Streamed(*_lines(steps, language, done, ticket))


async def items(steps: Steps, done: Callable[[], Any] = lambda: None, ticket: Ticket | None = None) -> AsyncIterator[dict[str, Any]]:
    """The same as dicts, without signs of life; errors are raised."""
    source = _Async(steps) if isinstance(steps, AsyncGenerator) else _Blocking(steps)
    try:
        while ticket is not None and not ticket.inside:
            yield queued(ticket.place)
            await ticket.moved()
        while (item := await source.next()) is not None:
            yield item
    finally:
        source.end(_over(done, ticket))


def _line(item: dict[str, Any]) -> bytes:
    return json.dumps(item, ensure_ascii=False).encode("utf-8", "replace") + b"\n"


def _over(done: Callable[[], Any], ticket: Ticket | None) -> Callable[[], None]:
    """What is done on the work's own thread when it has ended."""
    loop = asyncio.get_running_loop()

    def over() -> None:
        done()
        if ticket is not None:
            loop.call_soon_threadsafe(ticket.leave)
    return over


def queued(place: int) -> dict[str, Any]:
    """A line of progress for who waits."""
    note = {code: PHRASES["waits"][code][0].format(place=place) for code in ("en", "zh")}
    return {"step": "queue", "done": 0.0, "place": place, "note": note}


def _lines(steps: Steps, language: str, done: Callable[[], Any], ticket: Ticket | None) -> tuple[AsyncIterator[bytes], Callable[[], Any]]:
    source = _Async(steps) if isinstance(steps, AsyncGenerator) else _Blocking(steps)

    async def lines() -> AsyncIterator[bytes]:
        last: dict[str, Any] = {}
        try:
            while ticket is not None and not ticket.inside:
                yield _line(queued(ticket.place))
                await asyncio.wait({moved := asyncio.ensure_future(ticket.moved())}, timeout=BEAT)
                moved.cancel()
            step = source.next()
            while True:
                finished, _ = await asyncio.wait({step}, timeout=BEAT)
                if finished:
                    if (item := step.result()) is None:
                        return
                    last, step = item, source.next()
                if last:
                    yield _line(last)                    # or the same again: a sign of life
        except Exception as error:                       # the edge of a request, as in answers.py
            known = isinstance(error, (TwinError, CardError))
            if not known:
                log.exception("a stream of progress broke")
            what = error if isinstance(error, (TwinError, CardError)) else TwinError(*phrase("failed", language, why=type(error).__name__))
            await asyncio.shield(end())                  # first: whoever reads the last line may come again at once
            yield _line(told(what, language)[1])

    def end() -> asyncio.Future[None]:
        return source.end(over)
    over = _over(done, ticket)
    return lines(), end


class _Streamed(StreamingResponse):
    """`end` is called, also when the reader left before the first line."""

    def __init__(self, lines: AsyncIterator[bytes], end: Callable[[], Any]):
        super().__init__(lines, media_type="application/x-ndjson", headers=ALWAYS | {"X-Accel-Buffering": "no"})
        self._end = end

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            await super().__call__(scope, receive, send)
        finally:                                         # never waited for, so that a cancelled request can go
            self._end()


class _Blocking:
    def __init__(self, steps: Iterator[dict[str, Any]]):
        self._steps, self._pool = steps, ThreadPoolExecutor(1, thread_name_prefix="progress")
        self._ended: asyncio.Future[None] | None = None

    def next(self) -> asyncio.Future[Any]:
        return asyncio.get_running_loop().run_in_executor(self._pool, next, self._steps, None)

    def end(self, done: Callable[[], Any]) -> asyncio.Future[None]:
        """Close the steps, then call `done`: once, however often this is called."""
        def close() -> None:
            try:
                getattr(self._steps, "close", bool)()
            finally:
                done()
        if self._ended is None:
            self._ended = asyncio.wrap_future(self._pool.submit(close))         # behind the step in flight
            self._pool.shutdown(wait=False)
        return self._ended


class _Async:
    _ending: set[asyncio.Task[None]] = set()             # held, or a task may be collected before it is done

    def __init__(self, steps: AsyncGenerator[dict[str, Any], None]):
        self._steps = steps
        self._step: asyncio.Future[Any] | None = None
        self._ended: asyncio.Task[None] | None = None

    def next(self) -> asyncio.Future[Any]:
        self._step = asyncio.ensure_future(anext(self._steps, None))             # type: ignore[arg-type]
        return self._step

    def end(self, done: Callable[[], Any]) -> asyncio.Future[None]:
        async def close() -> None:
            try:
                if self._step is not None and not self._step.done():
                    self._step.cancel()
                    await asyncio.gather(self._step, return_exceptions=True)
                await self._steps.aclose()
            finally:
                done()
        if self._ended is None:
            self._ended = asyncio.get_running_loop().create_task(close())
            self._ending.add(self._ended)
            self._ended.add_done_callback(self._ending.discard)
        return self._ended
