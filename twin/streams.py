"""Blocking generators become async streams that can be closed from outside.

Closing a stream closes the generator behind it, on the thread that drives it: that is the whole cancellation protocol, and backends
clean up in `finally`. Owns the lanes (one thread per model) and the look-ahead; knows nothing of what flows through.
"""
from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from contextlib import aclosing
from contextvars import copy_context
from typing import Any, TypeVar, cast

from .errors import Stuck

T = TypeVar("T")
_END = object()


class Lane:
    """One worker thread that owns one model: no two steps of it overlap, and the steps of several streams take turns."""

    def __init__(self, name: str):
        self.name = name
        self.condemned = False
        self._thread = ThreadPoolExecutor(1, thread_name_prefix=name)

    async def run(self, function: Callable[..., T], *args: Any, budget: float = 60.0) -> T:
        """The result of `function(*args)`, made on this lane. Raises Stuck after `budget` seconds of waiting, and condemns the lane."""
        context = copy_context()                         # who asks: on ZeroGPU a GPU is lent to the one whose request this is
        future = asyncio.get_running_loop().run_in_executor(self._thread, context.run, function, *args)
        try:
            async with asyncio.timeout(budget):
                return await future
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
                self._thread.submit(getattr(steps, "close", bool))

    def close(self) -> None:
        self._thread.shutdown(wait=False, cancel_futures=True)


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
