"""What a twin remembers of a user over HTTP, for that user alone: shown, put right, deleted, handed over, erased, switched off. See answers.py for the
shape of errors."""
from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from persona import kin, retell
from persona import memory as store
from persona.fact import Fact
from persona.reminders import Book

from ..errors import Missing, Refused
from ..store.memories import Memories, cut, without
from ..store.reminders import book
from ..users import User
from .answers import ALWAYS, answer, answering, json_of, language_of
from .door import Door
from .live import Sessions

SHOWN = 1000             # facts in one answer
FIRST = ("name", "age", "home", "job", "employer")       # what is shown before the rest
LONGEST = 160            # characters of what a fact is put right to


class Memory:
    """Routes /twins/{name}/memory and /twins/{name}/memory/*: an own twin or a default one, each user's own memory of it."""

    def __init__(self, sessions: Sessions, door: Door):
        self.sessions, self.rooms, self.door = sessions, sessions.rooms, door

    def routes(self) -> list[Route]:
        base = "/twins/{name}/memory"
        table: list[tuple[str, str, Callable[[Request, User], Awaitable[Response]]]] = [
            ("GET", base, self.show), ("POST", base, self.switch), ("DELETE", base, self.erase), ("GET", f"{base}/export", self.export),
            ("GET", "/twins/{name}/reminders.ics", self.reminders),
            ("POST", f"{base}/{{fact}}", self.correct), ("DELETE", f"{base}/{{fact}}", self.forget)]
        return [Route(path, answering(self.door, handler), methods=[method]) for method, path, handler in table]

    async def show(self, request: Request, user: User) -> Response:
        """What it remembers: facts with when and from which sentence, what held once, how much there is, whether it is on."""
        return answer(await self._work(self._shown, user, self._name(request, user), language_of(request)))

    async def switch(self, request: Request, user: User) -> Response:
        """Switch it on or off: {"on": bool}. Off keeps and recalls nothing; what is there stays until it is erased."""
        name, on = self._name(request, user), (await json_of(request)).get("on")
        if not isinstance(on, bool):
            raise Refused("Memory is switched by {\"on\": true} or false.", "Say which.", code="garbage", zh=("记忆要么开，要么关。", "请说明是开还是关。"))

        def work(memories: Memories, owner: str) -> dict[str, Any]:
            memories.switch(owner, name, on)
            return self._shown(memories, owner, name, language_of(request))
        shown = await self._work(work, user)
        await self._opened(user, name)
        return answer(shown)

    async def correct(self, request: Request, user: User) -> Response:
        """Put a fact right: {"object": text}. The old one stays, marked as never true."""
        name, fact, value = self._name(request, user), self._fact(request), (await json_of(request)).get("object")
        if not isinstance(value, str) or not value.strip() or len(value) > LONGEST:
            raise Refused(f"A fact is put right with a text of at most {LONGEST} characters.", "Write what is right.", code="no-text",
                          zh=(f"请写出正确的内容，最多{LONGEST}个字。", "写好后再保存。"))

        def work(memories: Memories, owner: str) -> dict[str, Any]:
            memory = self._there(memories, owner, name)
            if memory.correct(fact, value) is None:
                raise _gone()
            return self._shown(memories, owner, name, language_of(request))
        return answer(await self._work(work, user))

    async def forget(self, request: Request, user: User) -> Response:
        """Delete a fact, the sentence it came from, and what repeats it, in the conversations that are kept too."""
        name, fact = self._name(request, user), self._fact(request)

        def work(memories: Memories, owner: str) -> tuple[dict[str, Any], list[Any]]:
            memory = self._there(memories, owner, name)
            if not memory.forget_fact(fact):
                raise _gone()
            gone = list(memory.gone)
            cut(self.rooms.saved, owner, gone)
            return self._shown(memories, owner, name, language_of(request)), gone
        shown, gone = await self._work(work, user)
        self._told(user, gone)
        return answer(shown)

    async def erase(self, request: Request, user: User) -> Response:
        """Erase all that it remembers, {"sure": true}. The conversations stay."""
        name = self._name(request, user)
        if (await json_of(request)).get("sure") is not True:
            raise Refused("This erases all that it remembers of you.", "Say that you are sure.", code="sure", zh=("这会清除它记得的关于你的一切。", "请确认。"))

        def work(memories: Memories, owner: str) -> dict[str, Any]:
            memories.erase(owner, name)
            return self._shown(memories, owner, name, language_of(request))
        shown = await self._work(work, user)
        await self._opened(user, name)
        return answer(shown)

    async def _opened(self, user: User, name: str) -> None:
        """A talk that is going on opens its reminders anew: those it held are gone, or may not be kept any more."""
        for session in self.sessions.of(user.id):
            if session.talk is not None and session.twin.id == name:
                await session.alarm.opened()

    async def export(self, request: Request, user: User) -> Response:
        """All of it as one JSON file."""
        name = self._name(request, user)

        def work(memories: Memories, owner: str) -> bytes:
            memory = memories.look(owner, name)
            return store.as_json(memory) if memory else b'{"facts": [], "messages": []}'
        data = await self._work(work, user)
        return Response(data, media_type="application/json", headers=ALWAYS | {"Content-Disposition": f'attachment; filename="{name}.memory.json"'})

    async def reminders(self, request: Request, user: User) -> Response:
        """The open reminders as a calendar file."""
        name = self._name(request, user)

        def work(memories: Memories, owner: str) -> str:
            held = book(memories, owner, name)
            return held.ics(name) if held is not None else Book().ics(name)
        data = await self._work(work, user)
        return Response(data, media_type="text/calendar", headers=ALWAYS | {"Content-Disposition": f'attachment; filename="{name}.ics"'})

    def _shown(self, memories: Memories, owner: str, name: str, language: str) -> dict[str, Any]:
        memory = memories.look(owner, name)
        trouble = memories.trouble(owner, name)
        facts = [one for one in memory.facts(past=True) if not one.wrong] if memory else []
        now = memory.now() if memory else None
        return {"on": memories.on(owner, name), "counts": memory.counts() if memory else {"messages": 0, "facts": 0},
                "facts": [_row(one, now, language, memory) for one in sorted(facts, key=_order)[:SHOWN]],
                "trouble": (trouble.zh if language == "zh" else trouble.en) if trouble else ""}

    def _told(self, user: User, gone: list[Any]) -> None:
        """A talk that is going on loses what was forgotten of it, on the page too."""
        for session in self.sessions.of(user.id):
            history = without(session.talk.history, gone, session.saved.id) if session.talk is not None else None
            if history is not None and history != session.talk.history:
                session.talk.history[:] = history
                session.tell({"type": "history", "history": session.talk.history})

    def _there(self, memories: Memories, owner: str, name: str) -> store.Memory:
        memory = memories.look(owner, name)
        if memory is None:
            raise _gone()
        return memory

    def _name(self, request: Request, user: User) -> str:
        """The id of a default twin or of the user's own. Raises Missing for any other, Locked for one behind a passphrase."""
        name = request.path_params["name"]
        if name not in self.rooms.twins:
            if self.rooms.shelf is None:
                raise _gone()
            self.rooms.shelf.get(user.id, name).read("persona.yaml")
        return str(name)

    def _fact(self, request: Request) -> int:
        text = request.path_params["fact"]
        if not text.isdigit() or len(text) > 15:
            raise _gone()
        return int(text)

    async def _work(self, work: Callable[..., Any], user: User, *more: Any) -> Any:
        if self.rooms.memories is None:
            raise Missing("This server remembers nothing.", "Talk on; nothing is kept.", code="no-memory",
                          zh=("这台服务器不保存记忆。", "可以继续对话，什么都不会留下。"))
        memories = self.rooms.memories
        return await self.rooms.remembering.run(lambda: work(memories, user.id, *more), budget=60.0)


def _order(fact: Fact) -> tuple[Any, ...]:
    return fact.subject != kin.USER, fact.subject, FIRST.index(fact.predicate) if fact.predicate in FIRST else len(FIRST), fact.id


def _row(fact: Fact, now: Any, language: str, memory: store.Memory | None) -> dict[str, Any]:
    past = not fact.holds(now)
    whose = "" if fact.subject == kin.USER else kin.shown(fact.subject, language)
    return {"id": fact.id, "text": retell.sentence(fact, language, past), "subject": whose, "object": fact.object,
            "since": fact.valid_from.isoformat(timespec="minutes"),
            "until": fact.valid_to.isoformat(timespec="minutes") if fact.valid_to else "", "past": past, "said": fact.said, "private": fact.private}


def _gone() -> Missing:
    return Missing("That is not remembered any more.", "Reload what is shown.", code="no-fact", zh=("这一条已经不在了。", "请重新打开记忆面板。"))
