"""A model that calls functions in its text: its words pass through, a call between tags is taken out, answered, and the model asked to go on. Knows
no function and no model."""
from __future__ import annotations

from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import aclosing

from .types import Message

BEGIN, END = "<tool_call>", "</tool_call>"
MOST = 3                                                 # calls for one answer; after them the model has to do with what it has
LONGEST = 4000                                           # characters of a call


async def called(think: Callable[[list[Message]], AsyncGenerator[str, None]], messages: list[Message], call: Callable[[str], Awaitable[str]],
                 most: int = MOST) -> AsyncGenerator[str, None]:
    """The model's words without its calls. `think` streams an answer to messages; `call` takes the JSON of a call and gives its result as JSON."""
    for number in range(most + 1):
        held, inside, raw = "", False, ""
        async with aclosing(think(messages)) as words:
            async for word in words:
                held += word
                if not inside:
                    at = held.find(BEGIN)
                    cut = at if at >= 0 else len(held) - _begun(held)
                    if held[:cut]:
                        yield held[:cut]
                    held, inside = (held[at + len(BEGIN):], True) if at >= 0 else (held[cut:], False)
                if inside and (END in held or len(held) > LONGEST):
                    break
        if not inside:
            if held:
                yield held
            return
        raw = held.split(END)[0].strip()
        if number == most:
            return
        result = await call(raw[:LONGEST])
        messages = [*messages,
                    {"role": "assistant", "content": f"{BEGIN}\n{raw}\n{END}"},
                    {"role": "user", "content": f"<tool_response>\n{result}\n</tool_response>"}]


def _begun(held: str) -> int:
    """How many of the last characters may be the beginning of a tag."""
    return next((size for size in range(min(len(BEGIN) - 1, len(held)), 0, -1) if BEGIN.startswith(held[-size:])), 0)
