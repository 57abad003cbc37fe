"""Training an own twin on its person's words over HTTP: what was brought is cleaned and counted, then learned from; paused, taken up, given up; what was
learned is switched, or forgotten. For its owner alone. See answers.py for the shape of errors.

What is brought lies in memory until the training begins, cleaned, and no longer than half an hour; the files themselves are not kept at all."""
from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from persona import chatlog
from persona.card import LANGUAGES, CardError
from persona.lines import parse_lines

from ..create import words
from ..create.lessons import Lessons, Pupil, suits
from ..errors import Refused
from ..read import read
from ..store import Shelf, Twin
from ..users import User
from .answers import answer, answering, json_of, text_of
from .bodies import Bodies
from .door import Door

WAITS = 1800.0           # s that what was brought waits for the training to begin
PILES = 16               # of all users
FILES = 12               # of one pile


@dataclass
class Pile:
    """What was brought for a twin and is not learned from yet."""
    files: list[dict[str, Any]] = field(default_factory=list)
    rows: list[words.Exchange] = field(default_factory=list)
    others: list[str] = field(default_factory=list)
    touched: float = field(default_factory=time.monotonic)


class Teaching:
    """Routes /twins/{name}/words and /twins/{name}/words/*. `pupil`: the model that thinks now, as Pupil takes it, or None where it cannot be taught."""

    def __init__(self, shelf: Shelf, door: Door, lessons: Lessons, pupil: Callable[[], dict[str, Any] | None]):
        self.shelf, self.door, self.lessons, self.pupil = shelf, door, lessons, pupil
        self.bodies = Bodies(door)
        self._piles: dict[tuple[str, str], Pile] = {}

    def routes(self) -> list[Route]:
        base = "/twins/{name}/words"
        table: list[tuple[str, str, Callable[[Request, User], Awaitable[Response]], str]] = [
            ("GET", base, self.show, ""), ("POST", base, self.bring, ""), ("DELETE", base, self.forget, ""), ("POST", f"{base}/begin", self.begin, "make"),
            ("POST", f"{base}/pause", self.pause, ""), ("POST", f"{base}/resume", self.resume, "make"), ("POST", f"{base}/stop", self.stop, ""),
            ("POST", f"{base}/clear", self.clear, ""), ("POST", f"{base}/switch", self.switch, "")]
        return [Route(path, answering(self.door, handler, kind), methods=[method]) for method, path, handler, kind in table]

    async def show(self, request: Request, user: User) -> Response:
        """How far a training is, what was learned and how it went, what was brought."""
        return answer(await asyncio.to_thread(self._told, self._twin(request, user)))

    async def bring(self, request: Request, user: User) -> Response:
        """Bring a file: an exported chat, a text they wrote, or exchanges as JSON lines {asked, said}. In a chat, under which name they write stands in
        X-Twin-Speaker; where it is not clear, {"speakers"} comes back and nothing is taken."""
        name, speaker = text_of(request, "x-twin-name", 200) or "chat.txt", text_of(request, "x-twin-speaker", 200)
        twin = self._twin(request, user)
        self.shelf.admit()
        async with self.bodies.take(request, user.id, chatlog.MOST_BYTES) as data:
            return answer(await asyncio.to_thread(self._brought, twin, name, bytes(data), speaker))

    def _brought(self, twin: Twin, name: str, data: bytes, speaker: str) -> dict[str, Any]:
        pile = self._pile(twin)
        if len(pile.files) >= FILES:
            raise Refused(f"{FILES} files at a time are the most.", "Begin with these.", zh=(f"一次最多 {FILES} 个文件。", "请先用这些开始。"))
        try:
            rows, others = words.gathered(name, data, speaker or self._names(twin)[0], _paragraphs)
        except Refused as error:
            if error.code != "silent" or speaker:
                raise
            chat = chatlog.read(chatlog.text_of(data))
            return self._told(twin) | {"speakers": [[who, count] for who, count in chat.speakers]}
        own = [*self._names(twin), speaker]
        found = words.cleaned(rows, others, own)          # clean from now on, whichever model will learn it
        if not found.exchanges:
            raise Refused(f"Nothing in {name} can be learned from.", "Bring a chat in which they speak, or a text that they wrote of themselves.",
                          code="nothing", zh=(f"{name} 里没有可以学的内容。", "请带来他们说话的聊天记录，或他们写自己的文字。"))
        pile.rows += found.exchanges
        del pile.rows[:-2 * words.MOST]
        pile.others += others
        pile.files.append({"name": name, **found.told()})
        return self._told(twin)

    async def clear(self, request: Request, user: User) -> Response:
        """Take back what was brought."""
        twin = self._twin(request, user)
        self._piles.pop((user.id, twin.id), None)
        return answer(await asyncio.to_thread(self._told, twin))

    async def begin(self, request: Request, user: User) -> Response:
        """Learn from what was brought, and with {"examples": true} from the twin's own examples too; comes back at once, GET tells how far it is."""
        asked, twin = await json_of(request), self._twin(request, user)
        return answer(await asyncio.to_thread(self._begun, twin, asked.get("examples") is not False))

    def _begun(self, twin: Twin, examples: bool) -> dict[str, Any]:
        pupil = self._pupil()
        pile = self._piles.get((twin.owner, twin.id), Pile())
        rows = list(pile.rows)
        if examples:
            rows += self._examples(twin)
        self.lessons.begin(twin, words.cleaned(rows, pile.others, self._names(twin), pupil.languages), pupil)
        self._piles.pop((twin.owner, twin.id), None)
        return self._told(twin)

    async def pause(self, request: Request, user: User) -> Response:
        """End the training; what was learned so far is kept, to go on with."""
        return answer(await asyncio.to_thread(self._done, self._twin(request, user), self.lessons.pause))

    async def resume(self, request: Request, user: User) -> Response:
        """Go on with a training that was paused, or ended with the server."""
        return answer(await asyncio.to_thread(self._done, self._twin(request, user), self.lessons.go_on))

    async def stop(self, request: Request, user: User) -> Response:
        """Give the training up; what was learned before it stays."""
        return answer(await asyncio.to_thread(self._done, self._twin(request, user), self.lessons.stop))

    async def forget(self, request: Request, user: User) -> Response:
        """Remove what was learned."""
        return answer(await asyncio.to_thread(self._done, self._twin(request, user), self.lessons.forget))

    async def switch(self, request: Request, user: User) -> Response:
        """Whether what was learned is worn, {"on"}, and whether it goes along when the twin is shared, {"public"}."""
        asked, twin = await json_of(request), self._twin(request, user)
        given = {name: asked[name] for name in ("on", "public") if name in asked}
        if not given or not all(isinstance(value, bool) for value in given.values()):
            raise Refused("The server could not read what the page sent.", "Reload the page.", code="garbage",
                          zh=("服务器看不懂页面发来的内容。", "请刷新页面。"))
        return answer(await asyncio.to_thread(self._done, twin, lambda twin: self.lessons.switch(twin, **given)))

    def _done(self, twin: Twin, work: Callable[[Twin], Any]) -> dict[str, Any]:
        work(twin)
        return self._told(twin)

    def _told(self, twin: Twin) -> dict[str, Any]:
        pile = self._piles.get((twin.owner, twin.id))
        if pile and time.monotonic() - pile.touched > WAITS:
            self._piles.pop((twin.owner, twin.id), None)
            pile = None
        found = self.pupil()
        return self.lessons.told(twin) | {
            "files": pile.files if pile else [], "examples": len(self._examples(twin)), "least": words.LEAST,
            "pupil": {"name": found["name"], "languages": list(found["languages"])} if found else None}

    def _pile(self, twin: Twin) -> Pile:
        now = time.monotonic()
        for key in [key for key, pile in self._piles.items() if now - pile.touched > WAITS]:
            self._piles.pop(key, None)
        while len(self._piles) >= PILES and (twin.owner, twin.id) not in self._piles:
            self._piles.pop(next(iter(self._piles)))
        pile = self._piles.setdefault((twin.owner, twin.id), Pile())
        pile.touched = now
        return pile

    def _pupil(self) -> Pupil:
        found = self.pupil()
        return suits(Pupil(**found) if found else None)

    def _examples(self, twin: Twin) -> list[words.Exchange]:
        names = self._names(twin)
        try:
            lines = {code: parse_lines(twin.read(name), name) if twin.has(name := f"lines.{code}.yaml") else () for code in LANGUAGES}
        except CardError:
            return []
        return words.of_lines(lines, {"name": names[0], "first": names[0].split()[0]})

    def _names(self, twin: Twin) -> list[str]:
        return [name for name in twin.persona.name.values() if name] or ["?"]

    def _twin(self, request: Request, user: User) -> Twin:
        twin = self.shelf.get(user.id, request.path_params["name"])
        twin.read("persona.yaml")                        # raises Locked
        return twin


def _paragraphs(name: str, data: bytes) -> list[tuple[str, str]]:
    return [(block.text, block.heading) for block in read(name, data).blocks]
