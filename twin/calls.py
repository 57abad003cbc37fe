"""A model that calls functions: its words pass through, its calls are taken out, answered, and the model asked to go on. A call comes beside the text,
as a server of OpenAI's protocol streams it, or in the text between tags, as Qwen and Hermes write it. Knows no function and no model."""
from __future__ import annotations

import asyncio
import json
import time
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import aclosing

from .types import Call, Message

BEGIN, END = "<tool_call>", "</tool_call>"
MOST = 3                                                 # rounds of calls for one answer; after them the model has to do with what it has
AT_ONCE = 6                                              # calls of one round that are answered
LONGEST = 4000                                           # characters of a call
ONE, ALL = 6.0, 20.0                                     # s that a call may take, and s since the first after which no round is begun
LAST = "\n(Answer now, without another call.)"
_MANY, _SLOW = '{"error": "too many calls at once; call it again by itself"}', '{"error": "it took too long; say so, or answer without it"}'
Think = Callable[[list[Message], bool], AsyncGenerator[str | Call, None]]


async def called(think: Think, messages: list[Message], call: Callable[[str], Awaitable[str]], most: int = MOST) -> AsyncGenerator[str, None]:
    """The model's words without its calls. `think` streams an answer to messages, and is told whether calls are still taken; `call` takes a call as
    JSON ({"name", "arguments"}) and gives its result as JSON."""
    end = 0.0
    for number in range(most + 1):
        last = number == most or bool(end) and time.monotonic() > end
        held, inside, said, calls = "", False, "", []
        async with aclosing(think(messages, not last)) as words:
            async for word in words:
                if isinstance(word, Call):
                    calls.append(word)
                    continue
                held += word
                if not inside:
                    at = held.find(BEGIN)
                    cut = at if at >= 0 else len(held) - _begun(held)
                    if held[:cut]:
                        said += held[:cut]
                        yield held[:cut]
                    held, inside = (held[at + len(BEGIN):], True) if at >= 0 else (held[cut:], False)
                if inside and (END in held or len(held) > LONGEST):
                    break
        if not inside and held:
            said += held
            yield held
        if last or not (inside or calls):
            return
        end = end or time.monotonic() + ALL
        closing = LAST if number + 1 == most or time.monotonic() > end else ""
        messages = [*messages, *(await _beside(said, calls, call, closing) if calls else await _inside(said, held, call, closing))]


async def _beside(said: str, calls: list[Call], call: Callable[[str], Awaitable[str]], closing: str) -> list[Message]:
    """The messages with which the model goes on: every call of it has a result, also one that is none."""
    made = [{"id": one.id, "type": "function", "function": {"name": one.name, "arguments": _object(one.arguments)}} for one in calls]
    told: list[Message] = [{"role": "assistant", "content": said, "tool_calls": made}]
    for number, one in enumerate(calls):
        raw = json.dumps({"name": one.name, "arguments": one.arguments}, ensure_ascii=False)
        result = _MANY if number >= AT_ONCE or len(raw) > LONGEST else await _timed(call, raw)
        told.append({"role": "tool", "tool_call_id": one.id, "content": result + closing * (one is calls[-1])})
    return told


def _object(arguments: str) -> str:
    """The arguments as they go back to the server, which refuses the conversation when they are no JSON; the result says what was wrong."""
    try:
        return arguments if isinstance(json.loads(arguments), dict) else "{}"
    except (ValueError, RecursionError):
        return "{}"


async def _inside(said: str, held: str, call: Callable[[str], Awaitable[str]], closing: str) -> list[Message]:
    raw = held.split(END)[0].strip()
    result = await _timed(call, raw[:LONGEST])
    return [{"role": "assistant", "content": f"{said}{BEGIN}\n{raw}\n{END}"},
            {"role": "user", "content": f"<tool_response>\n{result}\n</tool_response>{closing}"}]


async def _timed(call: Callable[[str], Awaitable[str]], raw: str) -> str:
    try:
        async with asyncio.timeout(ONE):
            return await call(raw)
    except TimeoutError:
        return _SLOW


def _begun(held: str) -> int:
    """How many of the last characters may be the beginning of a tag."""
    return next((size for size in range(min(len(BEGIN) - 1, len(held)), 0, -1) if BEGIN.startswith(held[-size:])), 0)
