"""The live sessions of this process, and the WebSocket that carries one. The other transport, on Gradio's stream, is page/transport.py."""
from __future__ import annotations

import asyncio
import logging
from contextlib import suppress
from typing import Any
from urllib.parse import urlsplit

from starlette.websockets import WebSocket, WebSocketDisconnect, WebSocketState

from ..codec import pack, unpack
from ..errors import Refused, TwinError
from ..users import User, who
from .outbox import Letter
from .phrases import phrase
from .requests import CHUNK, MOST_JSON, Complaint, check
from .session import Rooms, Session

HELLO = 5.0              # s a socket has to say who it is
STALL = 20.0             # s one message may take to leave
PER_USER = 16            # sessions of one user: tabs, and those that linger
# close codes of the socket, by the code of what the page is told
CODES = {"late": 4008, "origin": 4003, "elsewhere": 4001, "slow": 1013, "too-large": 1009, "enough": 1008, "busy": 1013, "gone": 1001}
BAD_HELLO = 4000
log = logging.getLogger("twin.live")


class Sessions:
    """Finds or makes the session of a browser's tab, and puts it away when nobody came back for it."""

    def __init__(self, rooms: Rooms):
        self.rooms = rooms
        self._sessions: dict[str, Session] = {}
        self._waiting: dict[str, asyncio.Task[None]] = {}
        self._opening = asyncio.Lock()

    def __len__(self) -> int:
        return len(self._sessions)

    async def open(self, hello: Any, holder: object) -> tuple[Session, int, Letter | None]:
        """The session for a hello, taken over by `holder`: (session, seq behind which to go on, a letter to send first).

        Raises Refused for a hello that is none, and Complaint "busy" when all places are taken.
        """
        hello = check(hello)
        if hello["type"] != "hello":
            raise Complaint("bad-field", kind=hello["type"], field="hello")
        try:
            user = who(hello)
        except Refused:
            raise Complaint("who", hello["lang"]) from None
        async with self._opening:
            session = self._find(user, hello["page"]) or await self._adopt(user, hello) or await self._make(user, hello)
            if waiting := self._waiting.pop(session.id, None):
                waiting.cancel()                         # it can only be asleep: it ends sessions inside this lock
            cursor, first = await session.attach(hello, holder)
        return session, cursor, first

    def get(self, name: str) -> Session | None:
        """The session with this secret id."""
        return self._sessions.get(name)

    def leave(self, session: Session, holder: object) -> None:
        """A transport is gone. The session waits a while for its browser to come back."""
        session.detach(holder)
        if session.holder is None and session.id in self._sessions and session.id not in self._waiting:
            self._waiting[session.id] = asyncio.get_running_loop().create_task(self._put_away(session))

    async def close(self) -> None:
        """Put all away, for the end of the process."""
        for waiting in self._waiting.values():
            waiting.cancel()
        sessions, self._sessions = list(self._sessions.values()), {}
        await asyncio.gather(*(session.end() for session in sessions))

    def present(self, owner: str) -> bool:
        """Whether a user of this id has a page open, or had one a moment ago."""
        return any(session.user.id == owner for session in self._sessions.values())

    async def part(self, owner: str, twin: str) -> None:
        """Nobody of this user talks with that twin any more: it is about to be deleted or locked."""
        for session in [s for s in self._sessions.values() if s.user.id == owner and s.talk is not None and s.twin.id == twin]:
            await session.evict()

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

    async def _make(self, user: User, hello: dict[str, Any]) -> Session:
        own = [s for s in self._sessions.values() if s.user == user]
        if len(self._sessions) >= self.rooms.most or len(own) >= PER_USER:
            spare = next((s for s in sorted(own or self._sessions.values(), key=lambda s: s.left) if s.holder is None), None)
            if spare is None:
                raise Complaint("busy", hello["lang"], most=min(self.rooms.most, PER_USER) if own else self.rooms.most)
            self._sessions.pop(spare.id)
            await spare.end()
            self._over(spare.user)
        session = Session(self.rooms, user, hello["page"])
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


def allowed(headers: Any, origins: tuple[str, ...]) -> bool:
    """Whether a browser's page on this site, or a listed one, asks. What is no browser sends no Origin; it needs a token too."""
    origin = headers.get("origin")
    if not origin:
        return True
    host = urlsplit(origin).netloc.lower()
    own = {headers.get(name, "").lower() for name in ("host", "x-forwarded-host")} - {""}
    return bool(host) and (host in own or origin.lower().rstrip("/") in origins)


class Live:
    """The WebSocket endpoint."""

    def __init__(self, sessions: Sessions):
        self.sessions = sessions

    async def serve(self, websocket: WebSocket) -> None:
        await websocket.accept()
        session, holder = None, object()
        try:
            if not allowed(websocket.headers, self.sessions.rooms.origins):
                return await _refuse(websocket, "origin", origin=websocket.headers.get("origin", "")[:200])
            try:
                async with asyncio.timeout(HELLO):
                    first = await websocket.receive_text()
            except TimeoutError:
                return await _refuse(websocket, "late", seconds=round(HELLO))
            except KeyError:                             # a binary frame
                return await _refuse(websocket, "garbage")
            session, cursor, letter = await self.sessions.open(_first(first), holder)
            await self._carry(websocket, session, holder, cursor, letter)
        except WebSocketDisconnect:
            pass
        except TwinError as error:
            code = getattr(error, "code", "garbage")
            await _close(websocket, CODES.get(code, BAD_HELLO), code, error.message, error.hint)
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
            await _refuse(websocket, code, session.language)


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
        if not letters:                                  # full
            return "slow"
        if session.holder is not holder:
            break
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
    return "elsewhere" if session.holder is not None else "gone"


async def _send(websocket: WebSocket, letter: Letter) -> None:
    data = letter.data
    await (websocket.send_text(data) if isinstance(data, str) else websocket.send_bytes(data))


async def _full(session: Session) -> str:
    """A peer that reads too little is not waited for, even in the middle of a message."""
    await session.outbox.overflow()
    return "slow"


async def _upstream(websocket: WebSocket, session: Session) -> str:
    """Take what the browser says. Returns why it stopped: too-large, enough, or "" when the browser left."""
    while True:
        frame = await websocket.receive()
        if frame["type"] == "websocket.disconnect":
            return ""
        text, data = frame.get("text"), frame.get("bytes")
        if (text is not None and len(text) > MOST_JSON) or (data is not None and len(data) > CHUNK):
            return "too-large"
        if not await (session.receive_text(text) if text is not None else session.receive(data)):
            return "enough"


async def _refuse(websocket: WebSocket, code: str, language: str = "en", **values: Any) -> None:
    await _close(websocket, CODES.get(code, BAD_HELLO), code, *phrase(code, language, **values))


async def _close(websocket: WebSocket, number: int, code: str, message: str, hint: str) -> None:
    """Say why, and close. A peer that reads no more is not waited for."""
    if websocket.application_state is not WebSocketState.CONNECTED or websocket.client_state is not WebSocketState.CONNECTED:
        return
    with suppress(WebSocketDisconnect, RuntimeError, OSError, TimeoutError):
        async with asyncio.timeout(2.0):
            await websocket.send_text(str(pack({"type": "error", "code": code, "message": message, "hint": hint, "kept": False})))
            await websocket.close(number)
