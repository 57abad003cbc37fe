"""Inventing a face over HTTP: what can be asked for, previews as they are painted, and the one that becomes the draft's. Pictures travel as data URLs in the
answer, to whoever asked alone. One user has one invention going, the newest; all users take turns (places.py). See answers.py for the shape of errors."""
from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing
from typing import Any, TypeVar

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from ..create import inventing
from ..errors import Refused
from ..users import User
from .answers import Handler, answer, answering, json_of, language_of
from .places import Places
from .progress import stream
from .upload import Upload

MOST_WORDS = 2000        # characters of a wish
T = TypeVar("T")


class Inventing:
    """Routes /draft/invent and /draft/invent/*. `upload` has the drafts, `places` are those where faces are painted."""

    def __init__(self, upload: Upload, places: Places):
        self.upload, self.inventor, self.places = upload, upload.drafts.inventor, places
        self._newest: dict[str, threading.Event] = {}    # user -> set when a newer wish has taken the place of that one

    def routes(self) -> list[Route]:
        table: list[tuple[str, str, Handler, str]] = [
            ("GET", "/draft/invent", self.show, ""), ("POST", "/draft/invent/read", self.read, ""), ("POST", "/draft/invent", self.faces, "invent"),
            ("POST", "/draft/invent/like", self.like, "invent"), ("POST", "/draft/invent/between", self.between, "invent"),
            ("POST", "/draft/invent/use", self.use, "invent")]
        return [Route(path, answering(self.upload.door, self.upload.admitted(handler), kind), methods=[method]) for method, path, handler, kind in table]

    async def show(self, request: Request, user: User) -> Response:
        """What a face can be asked to have, the engines that are there, and examples of wishes."""
        return answer(await asyncio.to_thread(self.inventor.described))

    async def read(self, request: Request, user: User) -> Response:
        """What a wish in words asks for, {"words"}: {"asked", "left"}, `left` being what was not understood."""
        return answer(inventing.understood(_words(await json_of(request))))

    async def faces(self, request: Request, user: User) -> Response:
        """NDJSON: new faces, {"k", "face": {"engine", "recipe", "seed", "picture", "about"}} each as it is painted. Asked for by {"words", "asked", "seed",
        "engine", "count"}; without `asked`, by the words alone. A reader that goes away ends it, and so does the same user's next wish."""
        asked = await json_of(request)
        words, look, count = _words(asked), asked.get("asked"), _whole(asked, "count", 1, inventing.MOST, inventing.COUNT)
        if look is None:
            look = inventing.understood(words)["asked"] if words else {}
        if not isinstance(look, Mapping):
            raise _garbage()
        return self._stream(request, user, self.inventor.faces(look, _seed(asked), words=words, engine=_engine(asked), count=count))

    async def like(self, request: Request, user: User) -> Response:
        """NDJSON, as above: more like one, {"recipe", "seed", "engine"}."""
        asked = await json_of(request)
        return self._stream(request, user, self.inventor.like(inventing.bounded(asked.get("recipe")), _seed(asked), engine=_engine(asked)))

    async def between(self, request: Request, user: User) -> Response:
        """The face on the way from `one` recipe to the `other`, `part` 0..1: {"face"}."""
        asked = await json_of(request)
        part = asked.get("part")
        if not isinstance(part, (int, float)) or isinstance(part, bool) or not 0 <= part <= 1:
            raise _garbage()
        one, other = inventing.bounded(asked.get("one")), inventing.bounded(asked.get("other"))
        return answer(await self._in_turn(user, lambda: self.inventor.between(one, other, part, engine=_engine(asked))))

    async def use(self, request: Request, user: User) -> Response:
        """Take a face for the draft, {"recipe", "engine"}: it is painted large and looked at as a photo is. The draft."""
        asked = await json_of(request)
        recipe, engine = inventing.bounded(asked.get("recipe")), _engine(asked)
        picture = await self._in_turn(user, lambda: self.inventor.portrait(recipe, engine=engine))
        name = self.inventor.engine(engine).name
        return answer(await self.upload.on_draft(user, lambda draft: inventing.used(draft, name, recipe, picture)))

    def _stream(self, request: Request, user: User, faces: Iterator[dict[str, Any]]) -> Response:
        ticket = self.places.take(user.id)
        self._end(user)
        over = self._newest[user.id] = threading.Event()

        def steps() -> Iterator[dict[str, Any]]:
            with closing(faces) as painted:              # type: ignore[type-var]
                while not over.is_set() and (face := next(painted, None)) is not None:
                    yield face

        def done() -> None:
            if self._newest.get(user.id) is over:
                del self._newest[user.id]
        return stream(steps(), language_of(request), done, ticket)

    async def _in_turn(self, user: User, work: Callable[[], T]) -> T:
        """What `work` gives, on a thread, when its turn has come."""
        self._end(user)
        ticket = self.places.take(user.id)
        try:
            await ticket.come()
            return await asyncio.to_thread(work)
        finally:
            ticket.leave()

    def _end(self, user: User) -> None:
        """What this user still has going stops with the picture in hand."""
        if (going := self._newest.pop(user.id, None)) is not None:
            going.set()


def _words(asked: Mapping[str, Any]) -> str:
    words = asked.get("words") or ""
    if not isinstance(words, str) or len(words) > MOST_WORDS:
        raise _garbage()
    return words.strip()


def _engine(asked: Mapping[str, Any]) -> str:
    engine = asked.get("engine") or ""
    if not isinstance(engine, str) or len(engine) > 120:
        raise _garbage()
    return engine


def _seed(asked: Mapping[str, Any]) -> int:
    return _whole(asked, "seed", 0, 2**31 - 1, 0)


def _whole(asked: Mapping[str, Any], name: str, least: int, most: int, otherwise: int) -> int:
    value = asked.get(name, otherwise)
    if not isinstance(value, int) or isinstance(value, bool) or not least <= value <= most:
        raise _garbage()
    return value


def _garbage() -> Refused:
    return Refused("The server could not read what the page sent.", "Reload the page.", code="garbage", zh=("服务器看不懂页面发来的内容。", "请刷新页面。"))
