"""A chat model behind any server that speaks OpenAI's protocol: vLLM, SGLang, llama.cpp, Ollama, LM Studio, a hosted one.

`POST {base}/chat/completions` with `stream: true` (platform.openai.com/docs/api-reference/chat/streaming), read line by line. Closing the
generator closes the connection, and that is what tells such servers to stop. A request is tried again only as long as no word of its answer has
come. The key is read from TWIN_THINK_KEY, goes into one header and nowhere else: no message, log or address of ours holds it.
"""
from __future__ import annotations

import asyncio
import json
import os
from collections.abc import AsyncGenerator, AsyncIterator, Sequence
from contextlib import aclosing
from typing import Any
from urllib.parse import urldefrag, urlsplit

from twin.errors import Missing, Refused, Stuck, TwinError
from twin.think.reply import Reply
from twin.types import Message

KEY = "TWIN_THINK_KEY"
CONNECT, FIRST, NEXT = 5.0, 30.0, 15.0                   # s to reach it, to the first word, and between two
TRIES, PATIENCE = 3, 4.0                                 # requests in all; s that a server may ask to be left alone
AGAIN = (408, 409, 425, 429, 500, 502, 503, 504)         # statuses after which asking again makes sense
LINE, ANSWER = 1 << 20, 1 << 16                          # bytes of one line of its stream, characters of one answer
CODES = {401: ("wants a key, or does not know this one", f"Set {KEY} to its key and start again."),
         403: ("does not let this key use the model", f"Set {KEY} to a key that may."),
         404: ("has no such model, or no chat at this address", "Check the address (most end in /v1) and the model behind '#'."),
         413: ("says the conversation is too long", "Begin a new conversation."),
         429: ("is asked too often", "Wait a little, then ask again.")}


class ServerThinker:
    """`where`: the address of the API, and behind '#' the model ("http://localhost:8000/v1#Qwen/Qwen3-8B"); without one, the first it offers.

    Errors: Refused for an address that is none; Missing, Refused or Stuck from think(), each naming the host.
    """

    def __init__(self, where: str, *, stop: Sequence[str] = (), key: str | None = None):
        base, self.model = urldefrag(where.strip())
        parts = urlsplit(base)
        if parts.scheme not in ("http", "https") or not parts.hostname or parts.username or parts.password:
            raise Refused("This is no address of a model server.", "Write it like http://localhost:8000/v1#model; a key goes into TWIN_THINK_KEY.")
        self.base, self.host = base.rstrip("/"), parts.hostname + (f":{parts.port}" if parts.port else "")
        self.stop = tuple(stop)
        self._key = (os.environ.get(KEY, "") if key is None else key).strip()
        if not self._key.isascii() or any(ord(c) < 33 for c in self._key):
            raise Refused(f"The key in {KEY} has blanks or letters that no key has.", "Copy it once more.")
        self._http: Any = None
        self._loop: Any = None

    def __repr__(self) -> str:
        return f"ServerThinker({self.host})"

    async def think(self, messages: list[Message], *, max_tokens: int = 120, temperature: float = 0.6,
                    seed: int | None = None) -> AsyncGenerator[str, None]:
        """The reply, bit by bit, without what a reasoning model thinks aloud."""
        reply, said = Reply(lambda ids: "", self.stop, thoughts=True), 0
        asked = {"model": self.model or await self._first_model(), "messages": messages, "max_tokens": max_tokens, "temperature": temperature,
                 "stream": True} | ({"seed": seed} if seed is not None else {}) | ({"stop": list(self.stop)} if self.stop else {})
        async with aclosing(self._asked(asked)) as bits:
            async for bit in bits:
                if text := reply.pass_on(bit, last=False):
                    said += len(text)
                    yield text
                if reply.stopped or said > ANSWER:
                    return
        if text := reply.end():
            said += len(text)
            yield text
        if not said:
            raise Missing(f"The server at {self.host} answered without a word.", "Ask again, or choose another model.")

    async def close(self) -> None:
        if self._http is not None:
            await self._http.aclose()
            self._http = None

    # the way there ---------------------------------------------------------------------------------------------------------------------

    async def _asked(self, asked: dict[str, Any]) -> AsyncGenerator[str, None]:
        """The words of one answer; before the first of them, what fails in passing is tried again."""
        import httpx
        for attempt in range(TRIES):
            wait, begun = 0.3 * 2 ** attempt, False
            try:
                async with asyncio.timeout(FIRST):
                    http = self._client()
                    answer = await http.send(http.build_request("POST", f"{self.base}/chat/completions", json=asked), stream=True)
                try:
                    if answer.status_code != 200:
                        wait = self._refused(answer, attempt + 1 == TRIES) or wait
                        raise _Again
                    async with aclosing(_events(answer)) as events:
                        while True:                      # the clock runs only while the server is waited for, never while the ear is
                            async with asyncio.timeout(NEXT if begun else FIRST):
                                event = await anext(events, _END)
                            if event is _END:
                                return
                            if word := self._word(event):
                                begun = True
                                yield word
                finally:
                    await answer.aclose()
            except _Again:
                pass
            except TimeoutError:
                raise Stuck(f"The server at {self.host} went silent.", "Ask again, or choose another model.") from None
            except httpx.HTTPError as error:
                if begun:
                    raise Stuck(f"The connection to {self.host} broke in mid-answer.", "Ask again.") from None
                if attempt + 1 == TRIES:
                    raise Missing(f"No answer from the model server at {self.host} ({type(error).__name__}).",
                                  "Is it running, and is the address right? Or set think = smollm2.") from None
            await asyncio.sleep(wait)

    def _refused(self, answer: Any, last: bool) -> float:
        """s to wait before it is asked again. Raises what it said where that makes no sense; its own words stay out, for they may quote ours."""
        if answer.status_code in AGAIN and not last:
            asked = answer.headers.get("retry-after", "")
            if not asked.replace(".", "", 1).isdigit() or float(asked) <= PATIENCE:
                return float(asked) if asked.replace(".", "", 1).isdigit() else 0.0
        what, hint = CODES.get(answer.status_code, (f"answered with status {answer.status_code}", "Ask again, or look into its own log."))
        kind = Missing if answer.status_code in (404, 500, 502, 503, 504) else Refused
        raise kind(f"The model server at {self.host} {what}.", hint)

    def _word(self, event: Any) -> str:
        """What one event adds to the answer. Raises Refused for an error told in mid-stream."""
        if not isinstance(event, dict):
            return ""
        if event.get("error"):
            raise Stuck(f"The model server at {self.host} gave up in mid-answer.", "Ask again, or look into its own log.")
        choices = event.get("choices")
        first = choices[0] if isinstance(choices, list) and choices and isinstance(choices[0], dict) else {}
        part = first.get("delta") or first.get("message") or {}
        word = part.get("content") if isinstance(part, dict) else first.get("text")
        return word if isinstance(word, str) else ""

    async def _first_model(self) -> str:
        """The first model that it offers, asked once."""
        named = await self.models()
        if not named:
            raise Missing(f"The server at {self.host} does not say which models it has.", "Name one behind the address: http://.../v1#model")
        self.model = named[0]
        return self.model

    async def models(self) -> list[str]:
        """The models that it says it has."""
        import httpx
        try:
            answer = await self._client().get(f"{self.base}/models", timeout=CONNECT)
            if answer.status_code != 200:
                self._refused(answer, True)
            return [row["id"] for row in answer.json()["data"] if isinstance(row.get("id"), str)]
        except httpx.HTTPError as error:
            raise Missing(f"No answer from the model server at {self.host} ({type(error).__name__}).",
                          "Is it running, and is the address right? Or set think = smollm2.") from None
        except (ValueError, KeyError, TypeError, AttributeError):
            return []

    def _client(self) -> Any:
        """One pool of connections for each event loop that asks."""
        loop = asyncio.get_running_loop()
        if self._http is None or self._loop is not loop:
            import httpx
            headers = {"User-Agent": "twin", "Accept": "text/event-stream, application/json"} | ({"Authorization": f"Bearer {self._key}"} if self._key else {})
            self._http, self._loop = httpx.AsyncClient(headers=headers, timeout=httpx.Timeout(None, connect=CONNECT), follow_redirects=False), loop
        return self._http


_END = object()


class _Again(TwinError):
    """Worth another try."""

    def __init__(self) -> None:
        super().__init__("")


async def _events(answer: Any) -> AsyncGenerator[Any, None]:
    """The JSON of each event of a stream (or of an answer that is none); [DONE] or its end ends it. What is no JSON is passed over."""
    if "text/event-stream" not in answer.headers.get("content-type", "text/event-stream"):
        body = bytearray()
        async for chunk in answer.aiter_bytes():
            body += chunk
            if len(body) > LINE:
                return
        yield _json(bytes(body))
        return
    async with aclosing(_lines(answer.aiter_bytes())) as lines:
        async for line in lines:
            if line.startswith(b"data:"):
                data = line[5:].strip()
                if data == b"[DONE]":
                    return
                yield _json(data)


async def _lines(chunks: AsyncIterator[bytes]) -> AsyncGenerator[bytes, None]:
    """Lines of bytes: a letter, a line or a JSON may be cut anywhere on its way."""
    held = b""
    async for chunk in chunks:
        *whole, held = (held + chunk).split(b"\n")
        for line in whole:
            yield line.rstrip(b"\r")
        if len(held) > LINE:
            return
    if held:
        yield held


def _json(data: bytes) -> Any:
    try:
        return json.loads(data)
    except ValueError:
        return None
