"""The live sessions of this process, and the WebSocket that carries one. The other transport, on Gradio's stream, is page/transport.py."""
from __future__ import annotations

import asyncio
import logging
import time
from contextlib import suppress
from typing import Any

from starlette.websockets import WebSocket, WebSocketDisconnect, WebSocketState

from ..codec import pack, unpack
from ..errors import Refused, TwinError
from ..users import User
from .outbox import Letter
from .phrases import phrase
from .requests import CHUNK, MOST_JSON, Complaint, check
from .session import Rooms, Session

HELLO = 5.0              # s a socket has to say who it is
STALL = 20.0             # s one message may take to leave
PER_USER = 16            # sessions of one user: tabs, and those that linger
PER_ADDRESS = 256        # of one address
IDLE, UNUSED = 600.0, 60.0                               # s of silence after which a place may go to who wants one; where nobody ever spoke
REST, ROUND = 120.0, 30.0                                # s of silence after which it lets go of what it need not hold; between two looks
# close codes of the socket, by the code of what the page is told
CODES = {"late": 4008, "origin": 4003, "elsewhere": 4001, "slow": 1013, "too-large": 1009, "enough": 1008, "busy": 1013, "gone": 1001,
         "rested": 4005, "closing": 1012, "too-often": 1013, "login": 4010, "who": 4000}
BAD_HELLO = 4000
log = logging.getLogger("twin.live")


class Sessions:
    """Finds or makes the session of a browser's tab, and puts it away when nobody came back for it."""

    def __init__(self, rooms: Rooms):
        self.rooms = rooms
        self._sessions: dict[str, Session] = {}
        self._waiting: dict[str, asyncio.Task[None]] = {}
        self._opening = asyncio.Lock()
        self._looking: asyncio.Task[None] | None = None
        self.closing = False                             # the server is about to stop
        rooms.door.metrics.gauge("twin_sessions", self._counted)
        rooms.door.metrics.gauge("twin_ready", lambda: float(self.ready))

    def __len__(self) -> int:
        return len(self._sessions)

    @property
    def ready(self) -> bool:
        """Whether who comes now is answered at once."""
        return self.rooms.awake.is_set() and not self.closing

    async def open(self, hello: Any, holder: object, address: str = "") -> tuple[Session, int, Letter | None]:
        """The session for a hello, taken over by `holder`: (session, seq behind which to go on, a letter to send first).

        Raises Refused for a hello that is none, of nobody or too many from one address, and Complaint "busy" when all places are taken.
        """
        self.rooms.door.limits.take("connect", address=address)
        hello = check(hello)
        if hello["type"] != "hello":
            raise Complaint("bad-field", kind=hello["type"], field="hello")
        user = self.rooms.door.user(hello)
        self.rooms.door.limits.take("connect", user=user.id)
        if self._looking is None or self._looking.done():
            self._looking = asyncio.get_running_loop().create_task(self._look())
        async with self._opening:
            if self.closing:
                raise Complaint("closing", hello["lang"])
            session = self._find(user, hello["page"]) or await self._adopt(user, hello) or await self._make(user, hello, address)
            session.user, session.address = user, address                    # of a user who signed in again, the newer
            if waiting := self._waiting.pop(session.id, None):
                waiting.cancel()                         # it can only be asleep: it ends sessions inside this lock
            cursor, first = await session.attach(hello, holder)
        return session, cursor, first

    def get(self, name: str) -> Session | None:
        """The session with this secret id."""
        return self._sessions.get(name)

    def of(self, owner: str) -> list[Session]:
        """The sessions of a user: their tabs, and those that linger."""
        return [session for session in self._sessions.values() if session.user.id == owner]

    def leave(self, session: Session, holder: object) -> None:
        """A transport is gone. The session waits a while for its browser to come back."""
        session.detach(holder)
        if session.holder is None and session.id in self._sessions and session.id not in self._waiting:
            self._waiting[session.id] = asyncio.get_running_loop().create_task(self._put_away(session))

    async def finish(self, seconds: float) -> None:
        """The server is about to stop: nobody comes in, no turn begins, and what is being said is said to the end of its sentence."""
        self.closing = True
        self.rooms.speaking.close()
        await asyncio.gather(*(session.finish(seconds) for session in list(self._sessions.values())), return_exceptions=True)

    async def close(self) -> None:
        """Put all away, for the end of the process."""
        self.closing = True
        for waiting in self._waiting.values():
            waiting.cancel()
        if self._looking:
            self._looking.cancel()
        sessions, self._sessions = list(self._sessions.values()), {}
        for session in sessions:
            session.why = "closing"
        await asyncio.gather(*(session.end() for session in sessions))

    async def _look(self) -> None:
        """Now and then, sessions in which nobody speaks are put to rest."""
        while True:
            await asyncio.sleep(ROUND)
            now = time.monotonic()
            for session in list(self._sessions.values()):
                if now - session.moved > REST:
                    session.rest()

    def _counted(self) -> dict[tuple[tuple[str, str], ...], float]:
        held = [session for session in self._sessions.values() if session.holder is not None]
        speaking = sum(session.talk is not None and session.talk.speaking for session in held)
        states = {"held": len(held), "left": len(self._sessions) - len(held), "speaking": speaking}
        return {(("state", name),): float(count) for name, count in states.items()}

    def engines_changed(self) -> None:
        """Every page is told what listens, thinks and speaks now."""
        for session in self._sessions.values():
            session.tell({"type": "engines", "engines": self.rooms.engines(), "hearing": self.rooms.hearing()})

    def present(self, owner: str) -> bool:
        """Whether a user of this id has a page open, or had one a moment ago."""
        return any(session.user.id == owner for session in self._sessions.values())

    async def part(self, owner: str, twin: str) -> None:
        """Nobody of this user talks with that twin any more: it is about to be deleted or locked."""
        for session in [s for s in self._sessions.values() if s.user.id == owner and s.talk is not None and s.twin.id == twin]:
            await session.evict()

    async def wipe(self, owner: str) -> None:
        """Nothing that this user said is kept: it is about to be erased."""
        for session in [s for s in self._sessions.values() if s.user.id == owner]:
            await session.wipe()

    async def signed_out(self, login: str) -> None:
        """Whoever came in by this sign-in (User.login) is out, in every tab."""
        async with self._opening:
            gone = [s for s in self._sessions.values() if login and s.user.login == login]
            for session in gone:
                self._sessions.pop(session.id, None)
                if waiting := self._waiting.pop(session.id, None):
                    waiting.cancel()
                session.why = "login"
                await session.end()
                self._over(session.user)

    def _over(self, user: User) -> None:
        """A session ended. With a user's last one the visit is over, and what was unlocked is locked."""
        if self.rooms.shelf is not None and not self.present(user.id):
            self.rooms.shelf.forget(user.id)

    def _find(self, user: User, page: str) -> Session | None:
        return next((s for s in self._sessions.values() if s.user == user and s.page == page), None) if page else None

    async def _adopt(self, user: User, hello: dict[str, Any]) -> Session | None:
        """A session nobody holds, talking in the conversation that is asked for; one that is held stays with its tab."""
        there = self.rooms.live.get(hello["conversation"])
        if there is None or there.user != user:
            return None
        if there.holder is None:
            there.page = hello["page"] or there.page
            return there
        hello["conversation"] = ""                       # two tabs are independent
        return None

    async def _make(self, user: User, hello: dict[str, Any], address: str) -> Session:
        own = [s for s in self._sessions.values() if s.user == user]
        near = [s for s in self._sessions.values() if address and s.address == address]
        if len(self._sessions) >= self.rooms.most or len(own) >= PER_USER or len(near) >= PER_ADDRESS:
            among = own if len(own) >= PER_USER else near if len(near) >= PER_ADDRESS else own or list(self._sessions.values())
            spare = _spare(among)
            if spare is None:
                most = PER_USER if among is own else PER_ADDRESS if among is near else self.rooms.most
                raise Complaint("busy", hello["lang"], most=min(self.rooms.most, most))
            self._sessions.pop(spare.id)
            spare.why = "rested"
            await spare.end()
            self._over(spare.user)
        session = Session(self.rooms, user, hello["page"], address)
        self._sessions[session.id] = session
        return session

    async def _put_away(self, session: Session) -> None:
        await asyncio.sleep(self.rooms.linger)
        async with self._opening:                        # who comes back in this moment finds it kept
            self._waiting.pop(session.id, None)
            if session.holder is None and session.id in self._sessions:
                del self._sessions[session.id]
                await session.end()
                self._over(session.user)


def _spare(sessions: list[Session]) -> Session | None:
    """The one whose place is missed least: nobody holds it, or nobody has said anything in it for long."""
    left = [s for s in sessions if s.holder is None]
    if left:
        return min(left, key=lambda s: s.left)
    now = time.monotonic()
    quiet = [s for s in sessions if now - s.moved > (IDLE if s.used else UNUSED) and not (s.talk is not None and s.talk.speaking)]
    return min(quiet, key=lambda s: s.moved, default=None)


class Live:
    """The WebSocket endpoint."""

    def __init__(self, sessions: Sessions):
        self.sessions = sessions

    async def serve(self, websocket: WebSocket) -> None:
        await websocket.accept()
        session, holder = None, object()
        try:
            door = self.sessions.rooms.door
            if not door.allowed(websocket.headers):
                return await self._refuse(websocket, "origin", origin=websocket.headers.get("origin", "")[:200])
            try:
                async with asyncio.timeout(HELLO):
                    first = await websocket.receive_text()
            except TimeoutError:
                return await self._refuse(websocket, "late", seconds=round(HELLO))
            except KeyError:                             # a binary frame
                return await self._refuse(websocket, "garbage")
            session, cursor, letter = await self.sessions.open(_first(first), holder, door.address(websocket.scope))
            await self._carry(websocket, session, holder, cursor, letter)
        except WebSocketDisconnect:
            pass
        except TwinError as error:
            await self._close(websocket, error.code, error.message, error.hint)
        finally:
            if session is not None:
                self.sessions.leave(session, holder)

    async def _carry(self, websocket: WebSocket, session: Session, holder: object, cursor: int, letter: Letter | None) -> None:
        """Both directions, until one ends."""
        if letter:
            await _send(websocket, letter)
        work = (_downstream(websocket, session, holder, cursor), _upstream(websocket, session), _full(session))
        ways = [asyncio.create_task(way) for way in work]
        try:
            done, _ = await asyncio.wait(ways, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in ways:
                task.cancel()
            await asyncio.gather(*ways, return_exceptions=True)
        code = next((task.result() for task in done if task.result()), "")
        if code:
            await self._refuse(websocket, code, session.language)

    async def _refuse(self, websocket: WebSocket, code: str, language: str = "en", **values: Any) -> None:
        await self._close(websocket, code, *phrase(code, language, **values))

    async def _close(self, websocket: WebSocket, code: str, message: str, hint: str) -> None:
        """Say why, and close. A peer that reads no more is not waited for."""
        self.sessions.rooms.door.metrics.count("twin_sockets_closed_total", code=code)
        if websocket.application_state is not WebSocketState.CONNECTED or websocket.client_state is not WebSocketState.CONNECTED:
            return
        with suppress(WebSocketDisconnect, RuntimeError, OSError, TimeoutError):
            async with asyncio.timeout(2.0):
                await websocket.send_text(str(pack({"type": "error", "code": code, "message": message, "hint": hint, "kept": False})))
                await websocket.close(CODES.get(code, BAD_HELLO))


def _first(text: str) -> dict[str, Any] | None:
    try:
        return unpack(text)[0] if len(text) <= MOST_JSON else None
    except Refused:
        return None


async def _downstream(websocket: WebSocket, session: Session, holder: object, cursor: int) -> str:
    """Send what is in the outbox. Returns why it stopped: slow, elsewhere, or gone."""
    outbox = session.outbox
    while session.holder is holder:
        letters = await outbox.after(cursor)
        if session.holder is not holder:
            break
        if not letters:
            if outbox.full:
                return "slow"
            continue
        letter = letters[0]                              # one by one: an interruption takes back what has not left
        try:
            async with asyncio.timeout(STALL):
                await _send(websocket, letter)
        except TimeoutError:
            return "slow"
        except (WebSocketDisconnect, RuntimeError, OSError):         # Starlette raises RuntimeError when the peer closed meanwhile
            return ""
        cursor = letter.seq
        outbox.carried(cursor)
    return "elsewhere" if session.holder is not None else session.why


async def _send(websocket: WebSocket, letter: Letter) -> None:
    data = letter.data
    await (websocket.send_text(data) if isinstance(data, str) else websocket.send_bytes(data))


async def _full(session: Session) -> str:
    """A peer that reads too little is not waited for, even in the middle of a message."""
    await session.outbox.overflow()
    return "slow"


async def _upstream(websocket: WebSocket, session: Session) -> str:
    """Take what the browser says. Returns why it stopped: too-large, enough, login, or "" when the browser left."""
    while True:
        frame = await websocket.receive()
        if frame["type"] == "websocket.disconnect":
            return ""
        text, data = frame.get("text"), frame.get("bytes")
        if (text is not None and len(text) > MOST_JSON) or (data is not None and len(data) > CHUNK):
            return "too-large"
        if not await (session.receive_text(text) if text is not None else session.receive(data)):
            return session.over
