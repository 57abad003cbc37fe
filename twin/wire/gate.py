"""What every request passes, Gradio's own too: sizes and pace are bounded, sites let in or not, answers given their headers, all of it counted."""
from __future__ import annotations

import hashlib
import json
import logging
import secrets
import time
from contextlib import suppress
from typing import Any, Protocol

from starlette.datastructures import Headers, MutableHeaders, QueryParams
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from ..errors import Refused, TwinError
from ..users import HEADER
from .answers import ALWAYS, CODE, FORESEEN, body_of, told
from .door import Door

EVENT = 8 * 2**20        # bytes of an event of Gradio's: 64 messages of a page
WHOLE = 48 * 2**20       # of one that carries a photo and recordings (/create)
LARGE = ("/call/create", "/queue/join", "/run/create", "/api/create")
FRONT = "/gradio_api"
TOLD = ("Content-Type, X-Twin-Token, X-Twin-Language, X-Twin-Text, X-Twin-Name, X-Twin-Speaker, X-Twin-Sentence, X-Twin-Recording-Language, "
        "X-Twin-Passphrase, X-Twin-Private")
log = logging.getLogger("twin.http")


class Inner(Protocol):
    """What is behind the gate besides our own routes (page/doors.py)."""

    def shut(self, method: str, path: str) -> bool: ...

    def event(self, path: str, body: bytes, who: bytes) -> bytes | None: ...

    def begun(self, name: str, who: bytes) -> bool: ...

    def theirs(self, path: str, session: str, who: bytes) -> bool: ...


class Gate:
    """ASGI, around the whole application."""

    def __init__(self, app: ASGIApp, door: Door, inner: Inner | None = None):
        self.app, self.door, self.inner = app, door, inner
        self._paths: dict[Any, str] = {}                 # endpoint -> path
        self._salt = secrets.token_bytes(16)             # so that a log tells one address from another, and no more
        frames = " ".join(("'self'", *door.frames)) if "*" not in door.frames else "*"
        self._headers = {"Content-Security-Policy": f"frame-ancestors {frames}; object-src 'none'; base-uri 'self'", "X-Content-Type-Options": "nosniff",
                         "Referrer-Policy": "no-referrer"} | ({"X-Frame-Options": "SAMEORIGIN"} if not door.frames else {})

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return await self.app(scope, receive, send)
        began, status, took = time.perf_counter(), 0, 0.0
        headers = Headers(scope=scope)

        async def sending(message: Message) -> None:
            nonlocal status, took
            if message["type"] == "http.response.start":
                if message["status"] == 500 and FORESEEN in scope:
                    message["status"] = scope[FORESEEN]
                status, took = message["status"], time.perf_counter() - began
                self._finish(headers, MutableHeaders(scope=message))
            await send(message)

        try:
            stop = self._stop(scope, headers)
            if stop is not None:
                await stop(scope, receive, sending)
            elif scope["method"] == "POST" and scope["path"].startswith(FRONT):
                await self._event(scope, headers, receive, sending)
            else:
                await self.app(scope, receive, sending)
        finally:
            self._count(scope, status or 499, took or time.perf_counter() - began)

    def _stop(self, scope: Scope, headers: Headers) -> Response | None:
        """What is answered without asking anybody further in."""
        if scope["method"] == "OPTIONS" and "origin" in headers and "access-control-request-method" in headers:
            return PlainTextResponse("", 204 if self.door.allowed(headers) else 403, headers=ALWAYS)
        if self.inner is not None and self.inner.shut(scope["method"], scope["path"]):
            return PlainTextResponse("There is nothing here.", 404, headers=ALWAYS)
        if self.inner is not None and scope["method"] in ("GET", "HEAD") and scope["path"].startswith(FRONT) and not self.inner.theirs(
                scope["path"], QueryParams(scope["query_string"]).get("session_hash", ""), _who(headers)):
            return PlainTextResponse("There is nothing here.", 404, headers=ALWAYS)
        if scope["path"].startswith(FRONT):
            try:
                self.door.limits.take("message" if "/live_" in scope["path"] else "write" if scope["method"] == "POST" else "read",
                                      address=self.door.address(scope))
                if scope["method"] == "POST" and not self.door.allowed(headers):
                    raise Refused("Another site tried to use this server.", code="origin")
                if (length := headers.get("content-length", "0")).isdigit() and int(length) > _most(scope["path"]):
                    raise Refused("That is too large.", "Send less.", code="too-large")
            except TwinError as error:
                number, body = told(error, "en")
                scope[CODE] = error.code
                wait = getattr(error, "wait", 0)
                return JSONResponse(body, number, headers=ALWAYS | {"Connection": "close"} | ({"Retry-After": str(wait)} if wait else {}))
        return None

    async def _event(self, scope: Scope, headers: Headers, receive: Receive, send: Send) -> None:
        """An event of Gradio's: its body is read here, bounded in size and pace, looked at, and handed on whole."""
        try:
            body = await body_of(Request(scope, receive), _most(scope["path"]))
            made = self.inner.event(scope["path"], body, _who(headers)) if self.inner is not None else body
            if made is None:
                raise Refused("That is no event of this page.", "See docs/api.md.", code="garbage")
        except ClientDisconnect:
            return
        except TwinError as error:
            number, told_ = told(error, "en")
            scope[CODE] = error.code
            await JSONResponse(told_, number, headers=ALWAYS | {"Connection": "close"})(scope, receive, send)
            return
        given = False

        async def whole() -> Message:
            nonlocal given
            if given:                                    # what comes now is that the reader left
                return await receive()
            given = True
            return {"type": "http.request", "body": made, "more_body": False}
        kept = [(name, value) for name, value in scope["headers"] if name.lower() not in (b"content-length", b"transfer-encoding", b"content-type")]
        scope["headers"] = [*kept, (b"content-length", str(len(made)).encode()), (b"content-type", b"application/json")]
        await self.app(scope, whole, self._noting(headers, send) if "/call/" in scope["path"] or scope["path"].endswith("/join") else send)

    def _noting(self, headers: Headers, send: Send) -> Send:
        """Hears the name that Gradio gives to an event, so that only who began it can follow it."""
        async def sending(message: Message) -> None:
            if self.inner is not None and message["type"] == "http.response.body" and len(message.get("body", b"")) < 1000:
                with suppress(ValueError, KeyError, TypeError):
                    self.inner.begun(str(json.loads(message["body"])["event_id"]), _who(headers))
            await send(message)
        return sending

    def _finish(self, headers: Headers, answer: MutableHeaders) -> None:
        """What every answer says of itself. Of other sites only those that may ask may read it, whatever Gradio allowed."""
        for name, value in self._headers.items():
            answer.setdefault(name, value)
        for name in ("Access-Control-Allow-Origin", "Access-Control-Allow-Credentials", "Access-Control-Allow-Headers", "Access-Control-Allow-Methods"):
            if name in answer:
                del answer[name]
        origin = headers.get("origin")
        if origin and self.door.origins and self.door.allowed(headers):
            answer["Access-Control-Allow-Origin"] = origin
            answer["Access-Control-Allow-Headers"], answer["Access-Control-Allow-Methods"] = TOLD, "GET, POST, DELETE"
            answer["Access-Control-Expose-Headers"] = "Retry-After, Content-Disposition"
            answer["Access-Control-Max-Age"] = "600"
            answer["Cross-Origin-Resource-Policy"] = "cross-origin"
            answer.add_vary_header("Origin")

    def _count(self, scope: Scope, status: int, seconds: float) -> None:
        route, code, method = self._route(scope), scope.get(CODE, ""), scope["method"]
        method = method if method in ("GET", "HEAD", "POST", "DELETE", "OPTIONS", "PUT", "PATCH") else "other"
        self.door.metrics.count("twin_http_requests_total", route=route, method=method, status=str(status), code=code)
        self.door.metrics.time("twin_http_seconds", seconds, route=route)
        fault = status >= 500 and status != 503          # 503 is said of /ready, and of a server that is about to stop
        if log.isEnabledFor(logging.DEBUG) or fault:
            where = hashlib.blake2s(self.door.address(scope).encode(), key=self._salt, digest_size=4).hexdigest()
            log.log(logging.WARNING if fault else logging.DEBUG, "%s %s %d", method, route, status,
                    extra={"method": method, "route": route, "status": status, "code": code, "ms": round(seconds * 1000, 1), "from": where})

    def _route(self, scope: Scope) -> str:
        """The path as it is declared, with names in the place of what was given; one name for all that nobody serves."""
        endpoint = scope.get("endpoint")
        if endpoint is None:
            return "(none)"
        path = getattr(scope.get("route"), "path", None) or self._paths.get(endpoint)
        if path is None:
            served = getattr(scope.get("router"), "routes", ())
            path = next((route.path for route in served if getattr(route, "endpoint", None) is endpoint), "(other)")
            if len(self._paths) < 1000:
                self._paths[endpoint] = path
        return str(path).replace(":path}", "}") or "/"


def _who(headers: Headers) -> bytes:
    return hashlib.sha256(headers.get(HEADER, "").encode("latin-1", "replace")).digest()


def _most(path: str) -> int:
    return WHOLE if path.rstrip("/").endswith(LARGE) else EVENT
