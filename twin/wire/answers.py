"""How the HTTP routes ask and answer: who it is, in which language, how much may come, and one shape for every error.

{"error": {"code", "message", "hint", "field"?}} with a status of its kind. A page of another site is refused as the live socket refuses it;
nothing is kept by any cache. Whatever was not foreseen is told without its insides, which go to the log.
"""
from __future__ import annotations

import asyncio
import json
import logging
import time
from collections.abc import Awaitable, Callable
from typing import Any
from urllib.parse import unquote

from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, Response

from persona.card import CardError

from ..errors import Locked, Missing, Refused, TwinError
from ..users import User
from .door import Door
from .phrases import phrase

ALWAYS = {"X-Content-Type-Options": "nosniff", "Cross-Origin-Resource-Policy": "same-origin", "Referrer-Policy": "no-referrer", "Cache-Control": "no-store"}
STATUS = {"who": 401, "login": 401, "wrong-password": 401, "origin": 403, "owner": 403, "closing": 503, "no-key": 403,
          "too-large": 413, "too-often": 429, "busy": 429, "locked": 423, "passphrase": 423, "no-length": 411}
CODE = "twin.code"       # where a request's scope holds the code of its error, for what is counted
FORESEEN = "twin.status"                                 # ... and the status of one that Gradio knows no status for
SILENCE = 20.0           # s a body may pause
PATIENCE, SLOWEST = 30.0, 20_000.0                       # s, and bytes a second beyond them: a trickle holds no place
log = logging.getLogger("twin.wire")
Handler = Callable[[Request, User], Awaitable[Response]]


def language_of(request: Request) -> str:
    return "zh" if request.headers.get("x-twin-language", "").lower().startswith("zh") else "en"


def text_of(request: Request, header: str, most: int = 4000) -> str:
    """A header's text, percent-encoded by the page. Raises Refused for one that is too long or no UTF-8."""
    given = request.headers.get(header, "")
    try:
        text = unquote(given, errors="strict")
    except UnicodeDecodeError:
        raise _bad(header) from None
    if len(text) > most:
        raise _bad(header)
    return text


def answering(door: Door, handler: Handler, kind: str = "", visitors: bool = False) -> Callable[[Request], Awaitable[Response]]:
    """A route's endpoint: the user behind the request is handed on, and every error becomes an answer. `kind`: what it counts as (limits.py),
    by itself "read" or "write"; `visitors`: whether those may ask who have not signed in where others have."""
    async def known(request: Request) -> Response:
        return await handler(request, door.enter(request, request.scope, kind or _kind(request), visitors))
    known.__doc__ = handler.__doc__
    return _edge(known)


def open_to_all(door: Door, handler: Callable[[Request], Awaitable[Response]]) -> Callable[[Request], Awaitable[Response]]:
    """The same for a route that anyone may ask, whoever it is; of this site or a listed one, and not too often."""
    async def anyone(request: Request) -> Response:
        door.knock(request, request.scope, _kind(request))
        return await handler(request)
    anyone.__doc__ = handler.__doc__
    return _edge(anyone)


def _kind(request: Request) -> str:
    return "read" if request.method in ("GET", "HEAD") else "write"


def _edge(handler: Callable[[Request], Awaitable[Response]]) -> Callable[[Request], Awaitable[Response]]:
    async def endpoint(request: Request) -> Response:
        language = language_of(request)
        try:
            return await handler(request)
        except ClientDisconnect:
            return Response(status_code=400)
        except (TwinError, CardError) as error:
            status, body = told(error, language)
            request.scope[CODE] = code = body["error"]["code"]
            headers = ALWAYS if code not in ("too-large", "late") else ALWAYS | {"Connection": "close"}     # what is left of a body is not waited for
            if wait := getattr(error, "wait", 0):
                headers = headers | {"Retry-After": str(wait)}
            return Answer(body, status, headers=headers)
        except Exception as error:                       # the edge of a request: the app lives on, and its insides are not shown
            request.scope[CODE] = "failed"
            log.exception("%s %s", request.method, getattr(request.scope.get("route"), "path", "?"))
            status, body = told(TwinError(*phrase("failed", language, why=type(error).__name__)), language)
            return Answer(body, status, headers=ALWAYS)
    endpoint.__doc__ = handler.__doc__
    return endpoint


def told(error: TwinError | CardError, language: str) -> tuple[int, dict[str, Any]]:
    """(status, body) of an error."""
    message, hint = error.told(language)
    code = getattr(error, "code", "card")
    status = STATUS.get(code) or (423 if isinstance(error, Locked) else 404 if isinstance(error, Missing)
                                  else 422 if isinstance(error, (Refused, CardError)) else 500)
    field = getattr(error, "field", "")
    return status, {"error": {"code": code, "message": message, "hint": hint} | ({"field": field} if field else {})}


class Answer(JSONResponse):
    """JSON that every browser can read, whatever came in with somebody's file: no half characters, no numbers that are none."""

    def render(self, content: Any) -> bytes:
        try:
            text = json.dumps(content, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
        except ValueError:
            text = json.dumps(json.loads(json.dumps(content), parse_constant=lambda _: None), ensure_ascii=False, separators=(",", ":"))
        return text.encode("utf-8", "replace")


def answer(body: Any, status: int = 200) -> Response:
    return Answer(body, status, headers=ALWAYS)


async def body_of(request: Request, most: int) -> bytes:
    """The body, bounded while it comes. Raises Refused as soon as it is, or says it will be, too large; and when it stops coming."""
    try:
        length = int(request.headers.get("content-length", "0"))
    except ValueError:
        raise _bad("Content-Length") from None
    if length > most:
        raise _large(length, most)
    found, began = bytearray(), time.monotonic()
    stream = request.stream().__aiter__()
    while True:
        try:
            async with asyncio.timeout(min(SILENCE, PATIENCE + len(found) / SLOWEST - (time.monotonic() - began))):
                piece = await anext(stream)
        except StopAsyncIteration:
            return bytes(found)
        except TimeoutError:
            raise Refused("The upload stopped in the middle, or came too slowly.", "Try again.", code="late",
                          zh=("上传中途停住了，或者太慢。", "请再试一次。")) from None
        found += piece
        if len(found) > most:
            raise _large(len(found), most)


async def json_of(request: Request, most: int = 2**20) -> dict[str, Any]:
    """The body as a JSON object; an empty body is an empty one. Raises Refused for anything else."""
    raw = await body_of(request, most)
    try:
        data = json.loads(raw or b"{}", parse_constant=_none)
        if b"\\ud" in raw.lower():                       # half a surrogate pair, which no file and no answer can hold, becomes "?"
            data = json.loads(json.dumps(data, ensure_ascii=False).encode("utf-8", "replace"))
        if isinstance(data, dict):
            return data
    except (ValueError, RecursionError):
        pass
    raise Refused("The server could not read what the page sent.", "Reload the page.", code="garbage", zh=("服务器看不懂页面发来的内容。", "请刷新页面。"))


def _none(name: str) -> None:
    """NaN and infinities are no JSON."""
    raise ValueError(name)


def _bad(header: str) -> Refused:
    return Refused(f"The request has no proper {header}.", "Reload the page.", code="bad-field", zh=(f"请求里的 {header} 不对。", "请刷新页面。"))


def _large(size: int, most: int) -> Refused:
    many, bound = f"{size / 2**20:.0f}", f"{most / 2**20:.0f}" if most >= 2**20 else f"{most / 2**20:.2f}"
    return Refused(f"That is {many} MB; the most is {bound} MB.", "Choose a smaller file.", code="too-large",
                   zh=(f"文件有 {many} MB，最多 {bound} MB。", "请选一个小一点的文件。"))
