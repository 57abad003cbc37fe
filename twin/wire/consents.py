"""The consent of an own twin over HTTP: looked at, made wider or narrower by a fresh yes, taken back. See answers.py for the shape of errors."""
from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable
from typing import Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from ..errors import Missing, Refused
from ..share.account import client
from ..share.withdraw import standing, withdraw
from ..store import Shelf, Twin
from ..trust import STATEMENT, allows, reference, renewed, scope_of, vouched
from ..users import User
from .answers import answer, answering, json_of, language_of
from .door import Door
from .live import Sessions


class Consents:
    """Routes /twins/{name}/consent and /twins/{name}/withdraw. `home`: whether this machine's own sign-in to the hub counts, for who sits at it."""

    def __init__(self, shelf: Shelf, sessions: Sessions, door: Door, home: bool = True):
        self.shelf, self.sessions, self.door, self.home = shelf, sessions, door, home

    def routes(self) -> list[Route]:
        table: list[tuple[str, str, Callable[[Request, User], Awaitable[Response]]]] = [
            ("GET", "/twins/{name}/consent", self.show), ("POST", "/twins/{name}/consent", self.renew), ("POST", "/twins/{name}/withdraw", self.withdraw)]
        return [Route(path, answering(self.door, handler), methods=[method]) for method, path, handler in table]

    async def show(self, request: Request, user: User) -> Response:
        """What was agreed to, how far it goes, what was verified, and who signed it."""
        def look() -> dict[str, Any]:
            record = self._record(self.shelf.get(user.id, request.path_params["name"]))
            return {"consent": record, "reference": reference(record), "scope": scope_of(record), "signed": vouched(record, self.shelf.data),
                    "statement": STATEMENT, "standing": standing(self.shelf, user.id)}
        return answer(await asyncio.to_thread(look))

    async def renew(self, request: Request, user: User) -> Response:
        """Another scope or other purposes, {"scope", "for"?, "agreed": true}: a fresh yes by the same person, over the same samples."""
        asked = await json_of(request)
        if asked.get("agreed") is not True:
            raise Refused("To change how far a twin may go, its person has to agree again.", "Read the statement and say yes to it.", code="consent",
                          zh=("要改变公开范围，需要本人再次同意。", "请阅读同意书并表示同意。"))

        def work() -> dict[str, Any]:
            twin = self.shelf.get(user.id, request.path_params["name"])
            before = self._record(twin)
            allows(before, before["for"][0], self.shelf.data)              # one that was taken back is not renewed
            record = renewed(before, scope=str(asked.get("scope") or scope_of(before)), purposes=asked.get("for"), folder=self.shelf.data)
            self.shelf.note(user.id, twin.id, "consent.json", json.dumps(record, ensure_ascii=False, indent=1).encode())
            return {"consent": record, "scope": scope_of(record)}
        return answer(await asyncio.to_thread(work))

    async def withdraw(self, request: Request, user: User) -> Response:
        """Take the consent back, {"sure": true, "token"?}: unpublished, deleted, and never used here again. Says what went and what still stands."""
        asked, language = await json_of(request), language_of(request)
        if asked.get("sure") is not True:
            raise Refused("Taking a consent back deletes the twin.", "Say that you are sure.", code="sure", zh=("撤回同意会删除分身。", "请确认。"))
        twin = self.shelf.get(user.id, request.path_params["name"])
        self._record(twin)
        await self.sessions.part(user.id, twin.id)
        token, own = asked.get("token"), self.home and self.door.at_home(request)
        done = await asyncio.to_thread(withdraw, self.shelf, twin, lambda: client((token if isinstance(token, str) else "") or user.hub, own=own))
        return answer({"twins": done.twins, "unpublished": done.unpublished, "standing": done.standing, "why": done.why,
                       "removed": [{"what": item["what"], "count": item["count"], "text": item[language]} for item in done.removed]})

    def _record(self, twin: Twin) -> dict[str, Any]:
        if not twin.locked and not twin.has("consent.json"):
            raise Missing("This twin has no consent of yours.", "Default twins are nobody's.", zh=("这个分身没有你的同意书。", "默认分身不属于任何人。"))
        record = json.loads(twin.read("consent.json"))   # raises Locked
        return record if isinstance(record, dict) else {}
