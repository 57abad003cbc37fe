"""What is done about each message of a browser: one function a type, handed the session and the checked message (see requests.py)."""
from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any

from ..errors import Refused, TwinError
from ..text import LONGEST, clean
from ..trust import allows
from .requests import Complaint

if TYPE_CHECKING:
    from .session import Session

Asked = dict[str, Any]
ROUNDING = 0.001         # s; what a browser adds up from rounded times may fall short of the end by less


async def hello(session: Session, _: Asked) -> None:
    """Only ever the first message, and then the transport has taken it."""
    raise Complaint("unknown-type", session.language, kind="hello")


async def say(session: Session, asked: Asked) -> None:
    await session.ask(_typed(session, asked["text"]))


async def stop(session: Session, asked: Asked) -> None:
    session.unqueue()
    turn = session.talk.turn
    if turn is None or (asked["turn"] is not None and asked["turn"] < turn.id):
        return                                           # an older turn: it is over already
    await session.talk.interrupt(asked["at"])
    session.outbox.discard(turn.id)


async def heard(session: Session, asked: Asked) -> None:
    session.talk.heard_until(asked["turn"], asked["at"] + ROUNDING)


async def played(session: Session, asked: Asked) -> None:
    session.talk.heard_until(asked["turn"], float("inf"))


async def regenerate(session: Session, _: Asked) -> None:
    await session.talk.interrupt()
    history = session.talk.history
    last = next((i for i in range(len(history) - 1, -1, -1) if history[i]["role"] == "user"), None)
    if last is None:
        raise Complaint("no-message", session.language)
    await _again(session, last, history[last]["content"])


async def edit(session: Session, asked: Asked) -> None:
    text = _typed(session, asked["text"])
    await _message(session, asked["index"], "user")
    await _again(session, asked["index"], text)


async def rewind(session: Session, asked: Asked) -> None:
    await _message(session, asked["index"])
    await _rewind(session, asked["index"])
    session.later(session.save())


async def clear(session: Session, _: Asked) -> None:
    await session.leave()
    await session.open("", session.twin.id, greet=False)


async def list_(session: Session, _: Asked) -> None:
    await session.save()
    session.tell({"type": "conversations", "items": await asyncio.to_thread(session.rooms.saved.list, session.user.id)})


async def resume(session: Session, asked: Asked) -> None:
    if asked["conversation"] == session.saved.id:
        session.tell({"type": "history", "history": session.talk.history})
        return
    try:
        await asyncio.to_thread(session.rooms.saved.load, session.user.id, asked["conversation"])
    except TwinError:
        raise Complaint("no-conversation", session.language) from None
    await session.leave()
    await session.open(asked["conversation"], session.twin.id)


async def forget(session: Session, asked: Asked) -> None:
    present = asked["conversation"] == session.saved.id
    if present:
        await session.leave()
    try:
        await asyncio.to_thread(session.rooms.saved.forget, session.user.id, asked["conversation"])
    except TwinError:
        if not present:
            raise Complaint("no-conversation", session.language) from None
    if session.memory is not None:
        await session.memory.forget_talk(asked["conversation"])
    if present:
        await session.open("", session.twin.id, greet=False)
    session.tell({"type": "conversations", "items": await asyncio.to_thread(session.rooms.saved.list, session.user.id)})


async def twin(session: Session, asked: Asked) -> None:
    found = session.find(asked["id"])
    if found is None:
        raise Complaint("no-twin", session.language, name=asked["id"])
    if found.locked:
        raise Complaint("locked", session.language, name=found.persona.text("name", session.language))
    if found.owner and found.has("consent.json"):
        allows(json.loads(found.read("consent.json")), "talk", session.rooms.shelf.data if session.rooms.shelf else None)
    await session.leave()
    await session.open("", asked["id"])


async def lang(session: Session, asked: Asked) -> None:
    session.language = session.mic.language = session.talk.language = asked["lang"]


async def idle(session: Session, _: Asked) -> None:
    """Nobody spoke for a while: the twin may say something of its own, once for each silence."""
    if session.quiet or session.doing or (session.mic.on and session.mic.mode == "push"):
        return
    session.quiet = True
    if not session.rooms.speaking.closed:
        await session.begin(session.talk.aside)


async def mic(session: Session, asked: Asked) -> None:
    if asked["on"]:
        try:
            await session.mic.turn_on(asked["mode"])
        except (TwinError, ImportError) as error:
            session.mic.on = False
            raise Complaint("no-hearing", session.language, why=str(error)) from None
        session.show()
        return
    try:
        said = session.mic.turn_off()
    finally:
        await session.floor.over()
        session.show()
    if said is not None:
        await session.ask(said)


async def ping(session: Session, asked: Asked) -> None:
    session.tell({"type": "pong", "t": asked["t"]})


async def ack(session: Session, asked: Asked) -> None:
    session.outbox.acknowledge(asked["seq"])


HANDLERS: dict[str, Callable[[Any, Asked], Awaitable[None]]] = {
    "hello": hello, "say": say, "stop": stop, "heard": heard, "played": played, "regenerate": regenerate, "edit": edit, "rewind": rewind,
    "clear": clear, "list": list_, "resume": resume, "forget": forget, "twin": twin, "lang": lang, "idle": idle, "mic": mic, "ping": ping,
    "ack": ack,
}


async def _rewind(session: Session, index: int) -> None:
    history = session.talk.history
    taken = history[index] if 0 <= index < len(history) else None
    await session.talk.rewind(index)
    if taken is not None and session.memory is not None:
        await session.memory.forget_turns(session.saved.id, taken.get("turn", 0), last_user_stays=taken["role"] == "assistant")
    session.outbox.discard(session.talk.turn.id if session.talk.turn else 0)
    session.tell({"type": "history", "history": session.talk.history})


async def _again(session: Session, index: int, text: str) -> None:
    """Ask `text` in the place of message `index`; the page is told what is left before the answer begins."""
    await _rewind(session, index)
    await session.ask(text)


def _typed(session: Session, text: str) -> str:
    """What was typed, cleaned. Raises Complaint, in the page's language, for nothing and for far too much."""
    try:
        return clean(text)
    except Refused:
        code = "too-long" if len(text) > LONGEST else "empty"
        raise Complaint(code, session.language, kept=True, count=len(text), most=LONGEST) from None


async def _message(session: Session, index: int, role: str = "") -> None:
    """Raises Complaint when there is no such message; the question that is being answered is one, once its answer is stopped."""
    if index >= len(session.talk.history):
        await session.talk.interrupt()
    history = session.talk.history
    if index >= len(history) or (role and history[index]["role"] != role):
        raise Complaint("no-message", session.language)
