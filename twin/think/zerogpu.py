"""A chat model on ZeroGPU: a Space that is lent a GPU for as long as one call takes (huggingface.co/docs/hub/spaces-zerogpu).

What that asks: `spaces` is imported before torch and Gradio (app.py), the model is made before the page is launched, on the thread that did so
(serve.py), and what runs on the GPU is one function of this module, for each call is a fork: nothing that it keeps is there at the next.
Its arguments say how long it may take, so that a short reply is not queued behind the right to a minute.
"""
from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import spaces

from twin.errors import Stuck, TwinError
from twin.types import Message

BEGIN = 5.0                                              # s until a fork has the weights
READ, WRITE = 4000.0, 25.0                               # characters of a prompt, and tokens of a reply, a second: the slower half of what is usual
LEAST, MOST = 8, 60                                      # s; a visitor's free minutes are few, and the longest that is asked for waits longest

_minds: dict[str, Any] = {}


@dataclass(frozen=True)
class Unable:
    """An error on its way out of the fork: only what can be pickled comes through, and of an exception no more than its name."""
    message: str
    hint: str


def seconds(model: str, messages: list[Message], options: dict[str, Any]) -> int:
    """How long a reply may hold the GPU: by what is to be read and written."""
    read = sum(len(message["content"]) for message in messages)
    return round(min(MOST, max(LEAST, BEGIN + read / READ + options.get("max_tokens", 120) / WRITE)))


@spaces.GPU(duration=seconds)
def reply(model: str, messages: list[Message], options: dict[str, Any]) -> Iterator[str | Unable]:
    """Runs in the fork."""
    try:
        yield from _minds[model].think(messages, **options)
    except TwinError as error:
        yield Unable(error.message, error.hint)


class ZeroThinker:
    """`model` is an id of the hub, or a folder. Errors: as LocalThinker's."""

    def __init__(self, model: str):
        from twin.think.local import LocalThinker
        self.model = model
        _minds[model] = LocalThinker(model)

    def think(self, messages: list[Message], *, max_tokens: int = 120, temperature: float = 0.6, seed: int | None = None) -> Iterator[str]:
        """The reply, bit by bit; closing the generator stops the fork at its next token. Errors: Stuck when no GPU is to be had."""
        import gradio
        options = {"max_tokens": max_tokens, "temperature": temperature, "seed": seed}
        try:
            for bit in reply(self.model, messages, options):
                if isinstance(bit, Unable):
                    raise TwinError(bit.message, bit.hint)
                yield bit
        except gradio.Error as error:                    # how the package says that there is no GPU, or that the visitor's time is used up
            why = str(error.message).split(" Try re-running")[0]             # that is about Gradio's examples
            raise Stuck(f"No GPU could be had for this answer: {why}",
                        "Ask again later, or sign in to Hugging Face for more time. What the twin knows by heart it still says.",
                        zh=(f"这次没能用上 GPU：{why}", "请稍后再问，或登录 Hugging Face 获得更多时间。它记得的话仍然可以说。")) from None
