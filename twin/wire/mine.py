"""What is known of a user, for that user alone: GET /me tells it, POST /me/export hands it over as one zip, DELETE /me erases it."""
from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from starlette.requests import Request
from starlette.responses import Response, StreamingResponse
from starlette.routing import Route

from .. import me
from ..create import Drafts
from ..errors import Refused
from ..share.account import client
from ..store import Shelf
from ..users import User
from .answers import ALWAYS, answer, answering, json_of, language_of
from .door import Door
from .live import Sessions

PIECE = 2**20            # bytes


class Mine:
    """Routes /me and /me/export. `home`: whether this machine's own sign-in to the hub counts when Spaces are unpublished, for who sits at it.
    `gone(user id)` hears of who is erased."""

    def __init__(self, shelf: Shelf, drafts: Drafts, sessions: Sessions, door: Door, home: bool = True,
                 gone: Callable[[str], None] = lambda owner: None):
        self.shelf, self.drafts, self.sessions, self.door, self.home, self.gone = shelf, drafts, sessions, door, home, gone
        self._one = asyncio.Semaphore(1)

    def routes(self) -> list[Route]:
        return [Route("/me", answering(self.door, self.show), methods=["GET"]), Route("/me", answering(self.door, self.erase, "make"), methods=["DELETE"]),
                Route("/me/export", answering(self.door, self.export, "make"), methods=["POST"])]

    async def show(self, request: Request, user: User) -> Response:
        """How much is known of the user: twins, conversations, films, what twins remember, a draft, bytes."""
        return answer(await asyncio.to_thread(me.known, self.shelf, user.id))

    async def export(self, request: Request, user: User) -> Response:
        """Everything as one zip. What is behind a passphrase has to be unlocked first; about.json names what is not in it."""
        def work(out: Path) -> None:
            with self.drafts.of(user.id, user.key) as draft:
                me.handed_over(self.shelf, user.id, draft, out)
        stack = ExitStack()
        async with self._one:
            try:
                out = stack.enter_context(self.shelf.scratch()) / "me.zip"          # in memory where there is a disk there: some of it is sealed at rest
                await asyncio.to_thread(work, out)
                file = stack.enter_context(out.open("rb"))
            except BaseException:
                stack.close()
                raise

        async def pieces() -> AsyncIterator[bytes]:
            with stack:
                while piece := await asyncio.to_thread(file.read, PIECE):
                    yield piece
        return StreamingResponse(pieces(), media_type="application/zip", headers=ALWAYS | {"Content-Disposition": 'attachment; filename="me.zip"'})

    async def erase(self, request: Request, user: User) -> Response:
        """Erase everything, {"sure": true, "token"?}: published Spaces first. Says what went and what still stands."""
        asked, language = await json_of(request), language_of(request)
        if asked.get("sure") is not True:
            raise Refused("This deletes all your twins, films and conversations.", "Say that you are sure.", code="sure",
                          zh=("这会删除你所有的分身、影片和对话。", "请确认。"))
        token, own = asked.get("token"), self.home and self.door.at_home(request)
        await self.sessions.wipe(user.id)
        await asyncio.to_thread(self.gone, user.id)

        def work() -> dict[str, Any]:
            with self.drafts.of(user.id, user.key) as draft:
                draft.throw_away()
                return me.erased(self.shelf, user.id, lambda: client((token if isinstance(token, str) else "") or user.hub, own=own))
        done = await asyncio.to_thread(work)
        removed = [{"what": item["what"], "count": item["count"], "text": item[language]} for item in done["removed"]]
        return answer(done | {"removed": removed})
