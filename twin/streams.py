"""Blocking generators become async streams that can be closed from outside.

Closing a stream closes the generator behind it, on the thread that drives it: that is the whole cancellation protocol, and backends
clean up in `finally`. Owns the lanes (one thread per model) and the look-ahead; knows nothing of what flows through.

What waits for a lane is taken by its deadline: `due` says when somebody's ear will want what is being made. So a conversation that has seconds of
sound in hand never keeps another from its first word, and nobody waits for ever: a deadline that has passed is before all that are to come.
"""
from __future__ import annotations

import asyncio
import itertools
import threading
import time
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Iterable
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import aclosing
from contextvars import ContextVar, copy_context
from heapq import heappop, heappush
from typing import Any, TypeVar, cast

from .errors import Stuck

T = TypeVar("T")
_END = object()
LATER = 1.0              # s that work for nobody's ear may wait
due: ContextVar[Callable[[], float] | None] = ContextVar("due", default=None)            # when what is done here is wanted, on time.perf_counter


class Lane:
    """One worker thread that owns one model: no two steps of it overlap, and the steps of several streams take turns, the most urgent first."""

    def __init__(self, name: str):
        self.name = name
        self.condemned = False
        self._thread = ThreadPoolExecutor(1, thread_name_prefix=name)
        self._waiting: list[tuple[float, int, Future[Any], Callable[[], Any]]] = []          # a heap: (deadline, number, ...)
        self._numbers = itertools.count()
        self._guard = threading.Lock()

    async def run(self, function: Callable[..., T], *args: Any, budget: float = 60.0) -> T:
        """The result of `function(*args)`, made on this lane. Raises Stuck after `budget` seconds of waiting, and condemns the lane."""
        context = copy_context()                         # who asks: on ZeroGPU a GPU is lent to the one whose request this is
        future = self._submit(lambda: context.run(function, *args))
        try:
            async with asyncio.timeout(budget):
                return await asyncio.wrap_future(future)
        except TimeoutError:
            self.condemned = True
            raise Stuck(f"{self.name} did not answer within {budget:.0f} s.", "It was started afresh; ask again.") from None

    async def stream(self, items: Iterable[T] | AsyncGenerator[T, None], budget: float = 60.0) -> AsyncGenerator[T, None]:
        """Yield what `items` yields; a blocking generator is stepped on this lane, an async one (a socket) needs no thread."""
        if hasattr(items, "__aiter__"):
            async with aclosing(cast(AsyncGenerator[T, None], items)) as source:
                async for item in _timed(source, budget, self.name):
                    yield item
            return
        steps = iter(cast(Iterable[T], items))
        try:
            while (item := await self.run(next, steps, _END, budget=budget)) is not _END:
                yield item
        finally:
            if not self.condemned:                       # queued behind the step in flight, so never while it runs
                self._submit(getattr(steps, "close", bool))

    def close(self) -> None:
        self._thread.shutdown(wait=False, cancel_futures=True)
        with self._guard:
            waiting, self._waiting = self._waiting, []
        for *_, future, _ in waiting:
            future.cancel()

    def _submit(self, work: Callable[[], T]) -> Future[T]:
        future: Future[T] = Future()
        wanted = due.get()
        with self._guard:
            heappush(self._waiting, (wanted() if wanted else time.perf_counter() + LATER, next(self._numbers), future, work))
        self._thread.submit(self._next)
        return future

    def _next(self) -> None:
        """Do what is most urgent now."""
        with self._guard:
            if not self._waiting:                        # the lane was closed
                return
            *_, future, work = heappop(self._waiting)
        if future.set_running_or_notify_cancel():
            try:
                future.set_result(work())
            except BaseException as error:               # handed to whoever waits for it
                future.set_exception(error)


async def _timed(source: AsyncIterator[T], budget: float, name: str) -> AsyncGenerator[T, None]:
    while True:
        try:
            async with asyncio.timeout(budget):
                item: Any = await anext(source, _END)
        except TimeoutError:
            raise Stuck(f"{name} did not answer within {budget:.0f} s.", "Ask again, or choose another engine.") from None
        if item is _END:
            return
        yield item


async def ahead(items: AsyncGenerator[T, None], n: int) -> AsyncGenerator[T, None]:
    """Let `items` run up to `n` in front of the reader, and no further. Its error is raised where it happened in the order."""
    ready: asyncio.Queue[Any] = asyncio.Queue(n)

    async def fill() -> None:
        try:
            async with aclosing(items) as source:
                async for item in source:
                    await ready.put(item)
        except Exception as error:                       # handed to the reader, who raises it
            await ready.put(_Failed(error))
        await ready.put(_END)

    filling = asyncio.create_task(fill(), name="ahead")
    try:
        while (item := await ready.get()) is not _END:
            if isinstance(item, _Failed):
                raise item.error
            yield item
    finally:
        filling.cancel()
        await asyncio.gather(filling, return_exceptions=True)


class _Failed:
    def __init__(self, error: Exception):
        self.error = error
