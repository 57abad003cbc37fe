"""A user's own twins over HTTP: listed, edited, copied, locked, saved as a file, loaded again, filmed, deleted; for their owner alone.
See answers.py for the shape of errors; media.py serves the faces."""
from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import aclosing
from pathlib import Path
from typing import Any

from starlette.requests import Request
from starlette.responses import FileResponse, Response
from starlette.routing import Route

from ..create import edited
from ..create.build import card_png, fields_of, taught
from ..create.measure import later
from ..errors import Missing, Refused
from ..share.withdraw import delete
from ..store import Films, Shelf, Twin, Twins, bring_in, export
from ..store.bundle import MOST_BYTES
from ..users import User
from .answers import ALWAYS, answer, answering, json_of, language_of, text_of
from .bodies import Bodies
from .door import Door
from .live import Sessions
from .places import Ticket
from .progress import stream

FILM = 20_000            # characters of a film's text
Film = Callable[[Twin, str, Path, str, bool], AsyncGenerator[Any, None]]


class Own:
    """Routes /twins, /twins/*, /bundle and /media/films/*. `film(twin, text, out, aspect, captions)` makes one and yields its progress."""

    def __init__(self, shelf: Shelf, twins: Twins, sessions: Sessions, film: Film, door: Door):
        self.shelf, self.twins, self.sessions, self.film, self.door = shelf, twins, sessions, film, door
        self.films = Films(shelf)
        self.bodies, self.places = Bodies(door), sessions.rooms.filming
        self._large = asyncio.Semaphore(2)
        self._filming: set[str] = set()

    def routes(self) -> list[Route]:
        table: list[tuple[str, str, Callable[[Request, User], Awaitable[Response]]]] = [
            ("GET", "/twins", self.list), ("GET", "/twins/{name}/fields", self.fields), ("DELETE", "/twins/{name}", self.delete),
            ("POST", "/twins/{name}/edit", self.edit), ("POST", "/twins/{name}/teach", self.teach),
            ("POST", "/twins/{name}/duplicate", self.duplicate), ("POST", "/twins/{name}/unlock", self.unlock),
            ("POST", "/twins/{name}/lock", self.lock), ("POST", "/twins/{name}/bundle", self.save), ("POST", "/bundle", self.load),
            ("GET", "/twins/{name}/card.png", self.card), ("POST", "/twins/{name}/film", self.make_film), ("GET", "/media/films/{film}", self.show_film)]
        return [Route(path, answering(self.door, handler, "make" if handler in (self.load, self.make_film) else "", visitors=handler == self.list),
                      methods=[method]) for method, path, handler in table]

    async def list(self, request: Request, user: User) -> Response:
        """The user's own twins."""
        return answer({"twins": [_card(twin) for twin in await asyncio.to_thread(self.shelf.list, user.id)]})

    async def fields(self, request: Request, user: User) -> Response:
        """The form that shows a twin, and what was agreed to for it."""
        def look() -> dict[str, Any]:
            twin = self._twin(request, user)
            twin.read("persona.yaml")
            return {"fields": fields_of(twin), "consent": json.loads(twin.read("consent.json")) if twin.has("consent.json") else None, "twin": _card(twin)}
        return answer(await asyncio.to_thread(look))

    async def delete(self, request: Request, user: User) -> Response:
        """Delete a twin and everything made from it; says what was removed, and where it is published still."""
        name, language = request.path_params["name"], language_of(request)
        if self.shelf.has(user.id, name):                # a damaged one can be deleted as well
            await self.sessions.part(user.id, name)
        gone, left = await asyncio.to_thread(delete, self.shelf, user.id, name)
        return answer({"removed": [{"what": item["what"], "count": item["count"], "text": item[language]} for item in gone], "standing": left})

    async def edit(self, request: Request, user: User) -> Response:
        """Fill in another form; face, voice and consent stay."""
        fields = await json_of(request, 4 * 2**20)
        twin = self._twin(request, user)
        return answer({"twin": _card(await asyncio.to_thread(edited, self.shelf, twin, fields))})

    async def teach(self, request: Request, user: User) -> Response:
        """What it shall say from now on when it is asked something: {"asked", "said"}. A talk that is going on knows it at the next question."""
        given = await json_of(request)
        asked, said = given.get("asked"), given.get("said")
        if not isinstance(asked, str) or not isinstance(said, str):
            raise Refused("Teaching takes a question and an answer.", "Write both.", code="garbage",
                          zh=("要教会它，需要一个问题和一个回答。", "请把两样都写上。"))
        twin = self._twin(request, user)
        return answer({"twin": _card(await asyncio.to_thread(taught, self.shelf, twin, asked, said))})

    async def duplicate(self, request: Request, user: User) -> Response:
        """A copy of a twin."""
        name = request.path_params["name"]
        return answer({"twin": _card(await asyncio.to_thread(self.shelf.duplicate, user.id, name))})

    async def unlock(self, request: Request, user: User) -> Response:
        """Open a twin for this visit: {"passphrase"}."""
        passphrase = _passphrase(await json_of(request))
        return answer({"twin": _card(await asyncio.to_thread(self.shelf.unlock, user.id, request.path_params["name"], passphrase))})

    async def lock(self, request: Request, user: User) -> Response:
        """Put it behind a passphrase; without one, lock again what was unlocked."""
        passphrase = _passphrase(await json_of(request))
        twin = self._twin(request, user)
        await self.sessions.part(user.id, twin.id)
        if passphrase:
            return answer({"twin": _card(await asyncio.to_thread(self.shelf.lock, user.id, twin.id, passphrase))})
        if not self.shelf.guarded(user.id, twin.id):
            raise Refused("To lock a twin, give it a passphrase.", "Four or five words that you will remember are good.", code="passphrase-short",
                          zh=("要锁上分身，请设一个口令。", "用四五个你记得住的词就很好。"))
        self.shelf.forget(user.id, twin.id)
        return answer({"twin": _card(self._twin(request, user))})

    async def save(self, request: Request, user: User) -> Response:
        """The twin as one .twin file; {"passphrase"} encrypts it."""
        passphrase = _passphrase(await json_of(request))
        twin = self._twin(request, user)
        data = await asyncio.to_thread(export, self.shelf, twin, passphrase)
        return Response(data, media_type="application/zip", headers=ALWAYS | {"Content-Disposition": f'attachment; filename="{twin.id}.twin"'})

    async def load(self, request: Request, user: User) -> Response:
        """Load a .twin file: the body is the file."""
        passphrase = text_of(request, "x-twin-passphrase")
        self.shelf.admit()
        async with self.bodies.take(request, user.id, MOST_BYTES) as data, self._large:
            twin = await asyncio.to_thread(bring_in, self.shelf, user.id, data, passphrase)
        later(self.shelf, twin)                          # what its card says was measured elsewhere, by whomever
        return answer({"twin": _card(twin)})

    async def card(self, request: Request, user: User) -> Response:
        """The twin as a Character Card in a PNG."""
        twin = self._twin(request, user, also_default=True)
        data = await asyncio.to_thread(card_png, self.shelf, twin)
        return Response(data, media_type="image/png", headers=ALWAYS | {"Content-Disposition": f'attachment; filename="{twin.id}.png"'})

    async def make_film(self, request: Request, user: User) -> Response:
        """Film a twin saying a text: {"text", "aspect"?, "captions"?}. NDJSON: a line of progress at a time, at last {"film": id, "seconds"}. A page
        that goes away cancels."""
        asked = await json_of(request)
        steps, done, ticket = self.filmed(user, request.path_params["name"], asked)
        return stream(steps, language_of(request), done, ticket)

    def filmed(self, user: User, name: str, asked: dict[str, Any]) -> tuple[AsyncGenerator[dict[str, Any], None], Callable[[], Any], Ticket]:
        """(the steps of making a film, what is called when they have ended, the ticket to begin with). Raises TwinError."""
        text, aspect, captions = asked.get("text"), asked.get("aspect", "16:9"), asked.get("captions") is True
        if not isinstance(text, str) or not text.strip() or len(text) > FILM or not isinstance(aspect, str):
            raise Refused("A film needs a text of at most 20,000 characters.", "Write what the twin should say.", code="no-text",
                          zh=("影片需要一段文字，最多两万个字。", "请写下分身要说的话。"))
        twin = self.twins[name] if name in self.twins else self.shelf.get(user.id, name)
        twin.read("face/rig.json")                       # raises Locked
        if user.id in self._filming:
            raise Refused("A film is being made already.", "Wait until it is ready.", code="busy", zh=("正在制作另一部影片。", "请等它完成。"))
        ticket = self.places.take(user.id)
        self._filming.add(user.id)

        async def steps() -> AsyncGenerator[dict[str, Any], None]:
            try:
                with self.shelf.scratch() as folder:
                    out = folder / "film.mp4"
                    seconds = 0.0
                    notes: tuple[tuple[str, str], ...] = ()
                    async with aclosing(self.film(twin, text, out, aspect, captions)) as drawing:
                        async for progress in drawing:
                            seconds, notes = progress.seconds, progress.notes
                            yield {"step": "film", "done": round(progress.done, 3), "note": {"en": progress.en, "zh": progress.zh}}
                    name = await asyncio.to_thread(self.films.keep, user.id, twin, out)
            finally:
                over()                                   # before the last line: whoever reads it may ask for the next film at once
            yield {"film": name, "seconds": round(seconds, 2), "notes": [{"en": en, "zh": zh} for en, zh in notes]}

        def over() -> None:
            self._filming.discard(user.id)
        return steps(), over, ticket

    async def show_film(self, request: Request, user: User) -> Response:
        """A film, as MP4."""
        path, data = await asyncio.to_thread(self.films.find, user.id, request.path_params["film"])
        if data is not None:
            return Response(data, media_type="video/mp4", headers=ALWAYS)
        return FileResponse(path, media_type="video/mp4", headers=ALWAYS)

    def _twin(self, request: Request, user: User, also_default: bool = False) -> Twin:
        """The user's twin in the path, locked or not. Raises Missing for any other."""
        name = request.path_params["name"]
        if also_default and name in self.twins:
            return self.twins[name]
        return self.shelf.get(user.id, name)


def _card(twin: Twin) -> dict[str, Any]:
    measured: dict[str, Any] = {}
    if not twin.locked:
        try:
            measured = json.loads(twin.read("measured.json"))
        except (Missing, ValueError):
            pass
    return twin.card() | {"measured": measured}


def _passphrase(asked: dict[str, Any]) -> str:
    passphrase = asked.get("passphrase") or ""
    if not isinstance(passphrase, str):
        raise Refused("The passphrase is no text.", "Type it again.", code="garbage", zh=("口令不是文字。", "请重新输入。"))
    return passphrase
