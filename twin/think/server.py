"""A chat model behind any server that speaks OpenAI's protocol: vLLM, SGLang, llama.cpp, Ollama, LM Studio, a hosted one.

`POST {base}/chat/completions` with `stream: true` (platform.openai.com/docs/api-reference/chat/streaming), read line by line. Closing the
generator closes the connection, and that is what tells such servers to stop. A request is tried again only as long as no word of its answer has
come. Functions are offered as `tools`; a server or model that knows none is asked again without them, told of them in words, and that is remembered.
The key is read from TWIN_THINK_KEY, goes into one header and nowhere else: no message, log or address of ours holds it.
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
from twin.types import Call, Functions, Message

KEY = "TWIN_THINK_KEY"
CONNECT, FIRST, NEXT = 5.0, 30.0, 15.0                   # s to reach it, to the first word, and between two
WHOLE = 90.0                                             # s that one whole answer may take
TRIES, PATIENCE = 3, 4.0                                 # requests in all; s that a server may ask to be left alone
AGAIN = (408, 409, 425, 429, 500, 502, 503, 504)         # statuses after which asking again makes sense
LINE, ANSWER = 1 << 20, 1 << 16                          # bytes of one line of its stream, characters of one answer
MOST, NAME, ARGUMENTS = 16, 100, 1 << 14                 # calls of one answer, characters of a function's name and of its arguments
WITHOUT = (400, 404, 405, 415, 422, 500, 501)            # how servers and models say that they know no tools
CODES = {401: ("wants a key, or does not know this one", f"Set {KEY} to its key and start again."),
         403: ("does not let this key use the model", f"Set {KEY} to a key that may."),
         404: ("has no such model, or no chat at this address", "Check the address (most end in /v1) and the model behind '#'."),
         413: ("says the conversation is too long", "Begin a new conversation."),
         429: ("is asked too often", "Wait a little, then ask again.")}


class ServerThinker:
    """A model of a server; `functions`: it can be offered some.

    `where`: the address of the API, and behind '#' the model ("http://localhost:8000/v1#Qwen/Qwen3-8B"); without one, the first it offers.

    Errors: Refused for an address that is none; Missing, Refused or Stuck from think(), each naming the host.
    """

    functions = True

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
        self._way = 0                                    # how it is asked for JSON: see told()
        self._plain: bool | None = None                  # whether it has to be told of functions in words; None: not known yet

    def __repr__(self) -> str:
        return f"ServerThinker({self.host})"

    async def think(self, messages: list[Message], *, max_tokens: int = 120, temperature: float = 0.6,
                    seed: int | None = None, functions: Functions | None = None, calling: bool = True) -> AsyncGenerator[str | Call, None]:
        """The reply, bit by bit, without what a reasoning model thinks aloud; behind its words the calls it makes of `functions`, where it is still
        `calling`."""
        reply, said, calls = Reply(lambda ids: "", self.stop, thoughts=True), 0, 0
        asked = {"model": self.model or await self._first_model(), "messages": messages, "max_tokens": max_tokens, "temperature": temperature,
                 "stream": True} | ({"seed": seed} if seed is not None else {}) | ({"stop": list(self.stop)} if self.stop else {})
        async with aclosing(self._offering(asked, functions, calling)) as bits:
            async for bit in bits:
                if isinstance(bit, Call):
                    if text := reply.end():
                        yield text
                    calls += calling
                    if calling:
                        yield bit
                    continue
                if text := reply.pass_on(bit, last=False):
                    said += len(text)
                    yield text
                if reply.stopped or said > ANSWER:
                    return
        if text := reply.end():
            said += len(text)
            yield text
        if not said and not calls:
            raise Missing(f"The server at {self.host} answered without a word.", "Ask again, or choose another model.")

    async def told(self, messages: list[Message], schema: dict[str, Any], *, max_tokens: int = 2000) -> str:
        """One whole answer as JSON of a schema: held to it where the server can do that, else asked for JSON, else only told so in the messages."""
        asked = {"model": self.model or await self._first_model(), "messages": messages, "max_tokens": max_tokens, "temperature": 0.0, "stream": True}
        ways: list[dict[str, Any]] = [{"type": "json_schema", "json_schema": {"name": "answer", "strict": True, "schema": schema}}, {"type": "json_object"}, {}]
        while True:
            way, reply = ways[self._way], Reply(lambda ids: "", (), thoughts=True)
            said = ""
            try:
                async with aclosing(self._asked(asked | ({"response_format": way} if way else {}))) as bits:
                    async for bit in bits:
                        said += reply.pass_on(bit, last=False) if isinstance(bit, str) else ""
                        if len(said) > ANSWER:
                            break
                return said + reply.end()
            except _Without as refused:
                if not way:
                    raise refused.reason from None
                self._way += 1

    async def close(self) -> None:
        if self._http is not None:
            await self._http.aclose()
            self._http = None

    # the way there ---------------------------------------------------------------------------------------------------------------------

    async def _offering(self, asked: dict[str, Any], functions: Functions | None, calling: bool) -> AsyncGenerator[str | Call, None]:
        """The answer of a server that is offered functions in the way it knows."""
        if functions is None:
            async with aclosing(self._asked(asked)) as bits:
                async for bit in bits:
                    yield bit
            return
        messages, reason = asked["messages"], None
        if not self._plain:
            offered = {"tools": list(functions.schemas)} | ({} if calling else {"tool_choice": "none"})
            try:
                async with aclosing(self._asked(asked | {"messages": _behind(messages, functions.beside)} | offered)) as bits:
                    async for bit in bits:
                        self._plain = False
                        yield bit
                return
            except _Without as refused:
                if self._plain is False and messages[-1]["role"] != "tool":         # it knew them before: this is about something else
                    raise refused.reason from None
                reason = refused.reason
        try:
            async with aclosing(self._asked(asked | {"messages": _behind(in_words(messages), functions.words)})) as bits:
                async for bit in bits:
                    self._plain = True
                    yield bit
        except TwinError as error:                       # it was not for the tools: what it said first is what is wrong
            raise error if self._plain or reason is None else reason from None

    async def _asked(self, asked: dict[str, Any]) -> AsyncGenerator[str | Call, None]:
        """The words of one answer, then its calls; before the first word, what fails in passing is tried again. Raises _Without where `tools`
        or `response_format` may be why it is refused."""
        import httpx
        for attempt in range(TRIES):
            wait, begun, calls = 0.3 * 2 ** attempt, False, _Calls()
            try:
                async with asyncio.timeout(FIRST):
                    http = self._client()
                    answer = await http.send(http.build_request("POST", f"{self.base}/chat/completions", json=asked), stream=True)
                try:
                    if answer.status_code != 200:
                        extra = {"tools": b"tool", "response_format": b"response_format"}
                        about = next((word for name, word in extra.items() if name in asked), b"")
                        if about and answer.status_code in WITHOUT and (answer.status_code in (400, 422) or await _names(answer, about)):
                            try:
                                self._refused(answer, True)
                            except TwinError as error:
                                raise _Without(error) from None
                        wait = self._refused(answer, attempt + 1 == TRIES) or wait
                        raise _Again
                    async with aclosing(_events(answer)) as events:
                        while True:                      # the clock runs only while the server is waited for, never while the ear is
                            async with asyncio.timeout(NEXT if begun else FIRST):
                                event = await anext(events, _END)
                            if event is _END:
                                for call in calls.whole():
                                    yield call
                                return
                            calls.add(_part(event).get("tool_calls"))
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
        word = _part(event).get("content", _choice(event).get("text"))
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


class ServerReader:
    """A server's model for work that is no talk: whole answers, one after the other, on the thread that asks. `here`: it runs on this machine."""

    def __init__(self, where: str):
        self._thinker = ServerThinker(where)
        self._loop = asyncio.new_event_loop()
        self.host = self._thinker.host
        self.here = (urlsplit(self._thinker.base).hostname or "") in ("localhost", "127.0.0.1", "::1")

    def ask(self, messages: list[Message], schema: dict[str, Any]) -> str:
        """Raises TwinError."""
        async def one() -> str:
            try:
                async with asyncio.timeout(WHOLE):
                    return await self._thinker.told(messages, schema)
            except TimeoutError:
                raise Stuck(f"The server at {self.host} took too long.", "Try again, or choose another model.") from None
        return self._loop.run_until_complete(one())

    def close(self) -> None:
        self._loop.run_until_complete(self._thinker.close())
        self._loop.close()


_END = object()


class _Again(TwinError):
    """Worth another try."""

    def __init__(self) -> None:
        super().__init__("")


class _Without(TwinError):
    """Refused, and something that not every server knows may be why; `reason` is the error if it is not."""

    def __init__(self, reason: TwinError) -> None:
        super().__init__(reason.message, reason.hint)
        self.reason = reason


class _Calls:
    """The calls of one answer, which come in pieces: its number, its id and its name first, then its arguments a few letters at a time. Servers differ:
    some send a call whole, some number all of them 0, some leave the number or the id out."""

    def __init__(self) -> None:
        self._rows: list[dict[str, Any]] = []

    def add(self, pieces: Any) -> None:
        for piece in pieces if isinstance(pieces, list) else ():
            if not isinstance(piece, dict):
                continue
            function: Any = piece.get("function")
            function = function if isinstance(function, dict) else {}
            own, name, arguments = piece.get("id"), function.get("name"), function.get("arguments")
            row = next((row for row in self._rows if row["id"] == own), None) if own else None
            if row is None and (at := piece.get("index")) is not None:
                row = next((row for row in reversed(self._rows) if row["at"] == at and not (own and row["id"])), None)
            elif row is None and not own and not name and self._rows:
                row = self._rows[-1]
            if row is None:
                if len(self._rows) >= MOST:
                    continue
                self._rows.append(row := {"at": piece.get("index"), "id": "", "name": "", "arguments": ""})
            row["id"] = row["id"] or (own if isinstance(own, str) else "")
            if isinstance(name, str) and name != row["name"]:
                row["name"] = (row["name"] + name)[:NAME]
            if isinstance(arguments, (dict, list)):
                arguments = json.dumps(arguments, ensure_ascii=False)
            if isinstance(arguments, str):
                row["arguments"] = (row["arguments"] + arguments)[:ARGUMENTS]

    def whole(self) -> list[Call]:
        return [Call(row["id"] or f"call{number:05}", row["name"], row["arguments"].strip() or "{}") for number, row in enumerate(self._rows) if row["name"]]


def _choice(event: Any) -> dict[str, Any]:
    choices = event.get("choices") if isinstance(event, dict) else None
    return choices[0] if isinstance(choices, list) and choices and isinstance(choices[0], dict) else {}


def _part(event: Any) -> dict[str, Any]:
    """What is new in an event."""
    first = _choice(event)
    part = first.get("delta") or first.get("message")
    return part if isinstance(part, dict) else {}


def _behind(messages: list[Message], text: str) -> list[Message]:
    """The messages with a text behind the system message."""
    if not text or not messages or messages[0]["role"] != "system":
        return messages
    return [messages[0] | {"content": messages[0]["content"] + text}, *messages[1:]]


def in_words(messages: list[Message]) -> list[Message]:
    """The messages with calls and results written into them, for a model whose server knows neither."""
    told: list[Message] = []
    for message in messages:
        if calls := message.get("tool_calls"):
            made = [one["function"] for one in calls]
            rows = [f'<tool_call>\n{{"name": {json.dumps(one["name"])}, "arguments": {one["arguments"]}}}\n</tool_call>' for one in made]
            told.append({"role": "assistant", "content": "\n".join([message["content"], *rows]).strip()})
        elif message["role"] == "tool":
            result = f"<tool_response>\n{message['content']}\n</tool_response>"
            if told and told[-1]["role"] == "user" and told[-1]["content"].startswith("<tool_response>"):
                told[-1] = told[-1] | {"content": told[-1]["content"] + "\n" + result}
            else:
                told.append({"role": "user", "content": result})
        else:
            told.append(message)
    return told


async def _names(answer: Any, word: bytes) -> bool:
    """Whether a refusal speaks of that; read for that alone."""
    body = bytearray()
    async with asyncio.timeout(CONNECT):
        async for chunk in answer.aiter_bytes():
            body += chunk
            if len(body) > 1 << 14:
                break
    return word in body.lower()


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
