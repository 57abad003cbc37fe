"""One browser's live channel, whatever carries it: messages of the browser in, numbered messages of the conversation out.

A Session owns one Conversation, its Outbox, its Microphone and the state that the page shows. It does not own sockets (live.py), Gradio's
stream (page/transport.py) or files (store.py). Sending never waits for a browser: the conversation's events are packed and put into the outbox.
"""
from __future__ import annotations

import asyncio
import json
import logging
import secrets
import time
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass, field, replace
from typing import Any

from persona.card import CardError
from persona.teach import lesson

from ..codec import Encoder, pack, unpack
from ..create.build import taught
from ..errors import Refused, TwinError
from ..store import Conversations, Memories, Saved, Shelf, Twin, Twins, new_id
from ..streams import Lane
from ..trust import allows
from ..types import CHANNELS, FPS, FULL, Audio, Ended, Event, Heard, Spoken, Trouble
from ..users import User
from .alarm import Alarm
from .door import Door
from .floor import Floor, Sounding
from .handlers import HANDLERS
from .microphone import Microphone
from .outbox import Letter, Outbox
from .phrases import WAKING, phrase
from .places import Places, Ticket
from .remembering import Remembering
from .requests import CHUNK, Complaint, check

MOST_FAULTS = 20         # messages in a row that nobody can read, or that come too fast, before the channel is closed
FAULTS = ("garbage", "unknown-type", "bad-field", "too-large", "too-often")
log = logging.getLogger("twin.wire")


@dataclass(frozen=True)
class Rooms:
    """What a session is handed: the twins, the place where conversations are kept, and the engines behind a few functions."""
    twins: Twins
    saved: Conversations
    talk: Callable[[Twin, Callable[[Event], Any], str, list[dict[str, Any]]], Any]       # (twin, send, language, history) -> Conversation
    endpointer: Callable[[], Any]                                                        # -> an object with push(int16 [n])
    engines: Callable[[], dict[str, dict[str, str]]]                                     # -> {listen: {name, note}, think: ..., speak: ...}
    hearing: Callable[[], dict[str, bool]]                                               # -> {en: bool, zh: bool}
    awake: asyncio.Event = field(default_factory=asyncio.Event)
    first: str = ""                                                                      # the twin a page begins with
    door: Door = field(default_factory=Door)                                             # who may come in, and how often
    speaking: Places = field(default_factory=lambda: Places(64, "speak"))                # how many twins may speak at once
    building: Places = field(default_factory=lambda: Places(2, "build"))                 # ... be built
    inventing: Places = field(default_factory=lambda: Places(1, "invent"))               # ... have faces invented for them
    filming: Places = field(default_factory=lambda: Places(1, "film"))                   # ... be filmed
    packing: Lane = field(default_factory=lambda: Lane("pack"))                          # where speech becomes Opus, for all sessions
    most: int = 512                                                                      # sessions of this process
    live: dict[str, Session] = field(default_factory=dict)                               # conversation -> the session that talks in it
    linger: float = 60.0                                                                 # s a conversation waits for its browser
    shelf: Shelf | None = None                                                           # the users' own twins
    memories: Memories | None = None                                                     # what twins remember of users
    remembering: Lane = field(default_factory=lambda: Lane("memory"))                    # where they are asked, for all sessions
    studio: bool = False                                                                 # whether models can be seen and trained here


def may_talk(twin: Twin, shelf: Shelf | None = None) -> bool:
    """Whether the consent to this twin covers talking with it, and was not taken back."""
    try:
        allows(json.loads(twin.read("consent.json")) if twin.owner and twin.has("consent.json") else None, "talk",
               shelf.data if shelf else None)
    except (TwinError, ValueError):
        return False
    return True


class Session:
    """`async receive(dict | bytes)` takes what the browser says; `outbox` holds what it is to be told."""

    def __init__(self, rooms: Rooms, user: User, page: str = "", address: str = ""):
        self.rooms, self.user, self.page, self.address = rooms, user, page or new_id(), address
        self.id = secrets.token_hex(32)
        self.outbox = Outbox()
        self.language, self.codec, self.greets = "en", "pcm16", False
        self.mic = Microphone(rooms.endpointer)
        self.sounding = Sounding()
        self.floor = Floor(self)
        self.saved = Saved(new_id(), "")
        self.twin: Twin = rooms.twins.first(rooms.first)
        self.talk: Any = None                            # the Conversation
        self.alarm = Alarm(self)
        self.memory = Remembering(self, rooms.memories, rooms.remembering) if rooms.memories is not None and user.owner else None
        self.holder: object | None = None                # the transport that carries this session now
        self.left = time.monotonic()                     # when the last one went
        self._encoder: Encoder | None = None
        self.doing, self._shown = "", ("", "")           # thinking | speaking | "" ; the state last told
        self.quiet = False                               # the twin has broken this silence once already
        self.moved = time.monotonic()                    # when its browser last said something
        self.why = "gone"                                # what a transport is told when it holds this session no more
        self.over = "enough"                             # ... and when nothing more is taken from its browser
        self._ticket: Ticket | None = None               # to speak
        self._starting = False
        self._faults = 0
        self._tasks: set[asyncio.Task[Any]] = set()
        self._waking: asyncio.Task[Any] | None = None
        self._saving = asyncio.Lock()
        self._receiving = asyncio.Lock()

    # coming and going --------------------------------------------------------------------------------------------------------------

    async def attach(self, hello: dict[str, Any], holder: object) -> tuple[int, Letter | None]:
        """A transport takes the session over. Returns the seq behind which to go on, and a letter to send first, if any."""
        if self.holder is not None:
            self.holder = None
            self.outbox.wake()
        self.holder, self._faults, self.moved = holder, 0, time.monotonic()
        self.language = self.mic.language = hello["lang"]
        same = self.talk is not None and hello["conversation"] == self.saved.id
        if same and hello["seq"] is not None and hello["codecs"] == self.codec and not self.outbox.full and self.outbox.holds(hello["seq"]):
            return hello["seq"], Letter(hello["seq"], pack(self._ready() | {"seq": hello["seq"], "resumed": True}), None)
        self.codec, self.greets = hello["codecs"], hello["greet"]
        if same:                                         # a reload: what was being said is lost to it, the conversation is not
            await self.talk.interrupt()
        self.mic.on = False
        self.outbox.empty()
        cursor = self.outbox.last
        if same and self._encoder is not None:           # the conversation goes on sending through it
            self._encoder.use(self.codec)
            self.tell(self._ready())
        else:
            await self.open(hello["conversation"], hello["twin"] or self.rooms.first)
        return cursor, None

    def detach(self, holder: object) -> None:
        """The transport is gone; the conversation goes on for a while."""
        if self.holder is holder:
            self.holder, self.left = None, time.monotonic()
            self.mic.on = False

    async def end(self) -> None:
        """Stop talking, keep the conversation, let go of everything."""
        self.holder = None
        self.outbox.wake()
        self.unqueue()
        if self.talk is not None:
            await self.talk.interrupt()
        self.alarm.end()
        self._free()
        if self._waking:
            self._waking.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self.save()
        if self.rooms.live.get(self.saved.id) is self:
            del self.rooms.live[self.saved.id]

    # what the browser says ---------------------------------------------------------------------------------------------------------

    async def receive(self, message: dict[str, Any] | bytes | None) -> bool:
        """Take one message. False when the channel should close, see `over`: after much garbage, and for who is signed in no more. Two at once take turns."""
        async with self._receiving:
            kind, code = "?", ""
            try:
                if not self.rooms.door.users.stands(self.user):
                    self.over = "login"
                    return False
                self.rooms.door.limits.take("message", user=self.user.id, address=self.address)
                if isinstance(message, (bytes, bytearray)):
                    kind = "sound"
                    await self._sound(bytes(message))
                else:
                    asked = check(message, self.language)
                    kind = asked["type"]
                    if kind not in ("ping", "ack", "heard"):
                        self.moved = time.monotonic()
                    await HANDLERS[kind](self, asked)
                self._faults = 0
            except TwinError as error:
                code = error.code
                self._faults += code in FAULTS
                self.complain(error)
            self.rooms.door.metrics.count("twin_messages_total", type=kind, code=code)
            return self._faults < MOST_FAULTS

    async def receive_text(self, text: str) -> bool:
        """Take one JSON message as it came."""
        try:
            header, _ = unpack(text)
        except Refused:
            header = None
        return await self.receive(header)

    async def _sound(self, data: bytes) -> None:
        if len(data) > CHUNK:
            raise Complaint("too-large", self.language)
        for kind, said in await self.mic.push(data, self.sounding.playing(self.talk.turn) if self.talk.speaking else None):
            await self.floor.take(kind, said)

    # conversations -----------------------------------------------------------------------------------------------------------------

    async def ask(self, asked: str | Audio, supposed: Any = None) -> None:
        """A question, typed or spoken; what was being said stops. `supposed`: the turn that answers it already, unheard."""
        try:
            self.rooms.door.limits.take("ask", user=self.user.id, address=self.address)
            self.quiet = False
            if isinstance(asked, str) and self.twin.owner == self.user.id and (found := lesson(asked)) and self.rooms.shelf is not None:
                with suppress(TwinError, CardError):     # the twin is taught in so many words; its mind says whether it knows it now
                    await asyncio.to_thread(taught, self.rooms.shelf, self.twin, *found)
            await self._newest()

            async def start() -> Any:
                return supposed if supposed is not None and self.talk.release(supposed) else await self.talk.ask(asked)
            await self.begin(start)
        except Refused as error:
            error.kept = isinstance(asked, str)          # type: ignore[attr-defined]
            raise

    async def _newest(self) -> None:
        """The twin as its owner has edited it or taught it meanwhile."""
        newest = await asyncio.to_thread(self.find, self.twin.id) if self.twin.owner == self.user.id else None
        if newest is not None and newest.stamp != self.twin.stamp and not newest.locked:
            self.twin = newest
            self.talk.become(newest)

    async def begin(self, start: Callable[[], Awaitable[Any]]) -> None:
        """Let a turn start: now, or when it is this session's turn to speak (places.py). One that waited before is given up."""
        self.unqueue()
        if self.rooms.speaking.closed:
            raise Complaint("closing", self.language)
        if self._ticket is None:
            self._ticket = self.rooms.speaking.take(self.user.id, self._queued)
        if self._ticket.inside:
            await self._start(start)
        else:
            await self.talk.interrupt()
            self.started()
            self.later(self._wait(self._ticket, start))

    async def _wait(self, ticket: Ticket, start: Callable[[], Awaitable[Any]]) -> None:
        if not await ticket.come():
            return
        async with self._receiving:
            if ticket is self._ticket and ticket.inside:
                try:
                    await self._start(start)
                except TwinError as error:
                    self.complain(error)

    async def _start(self, start: Callable[[], Awaitable[Any]]) -> None:
        self._starting = True                            # the end of the turn before gives the place to nobody else
        try:
            if (turn := await start()) is not None:
                self.outbox.discard(turn.id - 1)
                self.started()
        finally:
            self._starting = False
            if not self.talk.speaking:
                self._free()

    def unqueue(self) -> None:
        """What waits for a place to speak waits no more."""
        if self._ticket is not None and not self._ticket.inside:
            self._free()
            self.doing = ""

    def _free(self) -> None:
        if self._ticket is not None and not self._starting:
            ticket, self._ticket = self._ticket, None
            ticket.leave()

    def _queued(self, place: int) -> None:
        """Told when the place in the queue changes; 0 = it is this one's turn."""
        message, hint = phrase("queue", self.language, place=place) if place else ("", "")
        self.tell({"type": "queue", "place": place, "message": message, "hint": hint})

    def started(self) -> None:
        """A turn began."""
        self.doing = self.doing or "thinking"
        self.show()

    async def open(self, conversation: str, twin: str, greet: bool | None = None) -> None:
        """Begin a conversation: a kept one of this user, or a new one with that twin."""
        saved = Saved(new_id(), "", self.language)
        if conversation:
            with suppress(TwinError):                    # not theirs, or gone: a new one
                saved = await asyncio.to_thread(self.rooms.saved.load, self.user.id, conversation)
        self.rooms.live.pop(self.saved.id, None)
        if saved.id in self.rooms.live:                  # another tab talks in it: go on in a copy
            saved = Saved(new_id(), saved.twin, self.language, saved.history)
        self.rooms.live[saved.id] = self
        wanted = self.find(saved.twin or twin)
        self.twin = wanted if wanted is not None and not wanted.locked and may_talk(wanted, self.rooms.shelf) else self.rooms.twins.first(self.rooms.first)
        saved.twin, saved.language = self.twin.id, self.language
        self.saved = saved                               # and its Conversation at once: what is kept is never one's words under the other's name
        self._encoder, self.quiet, self.doing = Encoder(self.codec), False, ""
        encoder = self._encoder

        def send(event: Event) -> Awaitable[None] | None:
            if isinstance(event, Spoken) and event.speech.audio is not None:
                return self._speak(event, encoder)
            self._send(event, encoder)
            return None

        self.talk = self.rooms.talk(self.twin, send, self.language, self.saved.history)
        self.talk.keep = self._kept
        if self.memory is not None:
            self.memory.begun(saved.id, self.saved.history)
            self.talk.recall = self.memory.recall
        await self.alarm.opened()
        self._shown = self.state
        self.tell(self._ready())
        if not self.rooms.awake.is_set() and self._waking is None:
            self._waking = self.later(self._wake())
        if (self.greets if greet is None else greet) and not self.talk.history and not self.rooms.speaking.closed:
            self.talk.called = await self.memory.name() if self.memory is not None else ""
            with suppress(Refused):                      # so many wait that nobody is greeted
                await self.begin(self.talk.greet)

    def find(self, name: str) -> Twin | None:
        """The twin of that id, if it is a default one or this user's own; it may be locked."""
        if name in self.rooms.twins:
            return self.rooms.twins[name]
        shelf = self.rooms.shelf
        if shelf is not None and shelf.has(self.user.id, name):
            with suppress(TwinError):
                return shelf.get(self.user.id, name)
        return None

    async def evict(self) -> None:
        """The twin is deleted or locked: stop, keep what was said (it goes or is encrypted with its twin), and begin with another."""
        await self.leave()
        tasks = [task for task in self._tasks if task is not self._waking]
        await asyncio.gather(*tasks, return_exceptions=True)
        await self.open("", self.rooms.first, greet=False)

    async def wipe(self) -> None:
        """All that is known of its user is about to be erased: stop, and begin anew without keeping what was said."""
        self.mic.on = False
        self.unqueue()
        if self.talk is None:
            return
        await self.talk.interrupt()
        await asyncio.gather(*[task for task in self._tasks if task is not self._waking], return_exceptions=True)
        self.outbox.discard(self.talk.turn.id if self.talk.turn else 0)
        await self.open("", self.rooms.first, greet=False)

    async def leave(self) -> None:
        """The present conversation is kept and stops."""
        self.mic.on = False
        self.unqueue()
        await self.talk.interrupt()
        await self.save()
        self.outbox.discard(self.talk.turn.id if self.talk.turn else 0)

    async def finish(self, seconds: float) -> None:
        """The server is about to stop: say so, and let the sentence that is being said come to its end at the ear."""
        self.unqueue()
        self.complain(Complaint("closing", self.language))
        if self.talk is not None:
            await self.talk.finish(seconds)

    def rest(self) -> bool:
        """Let go of what a silent session need not hold. Whether there was anything."""
        if self.talk is None or self.talk.speaking or self.mic.on or self._encoder is None:
            return False
        self._encoder.rest()
        self.outbox.rest()
        self.mic.rest()
        return True

    async def _wake(self) -> None:
        await self.rooms.awake.wait()
        self.tell({"type": "engines", "engines": self.rooms.engines(), "hearing": self.rooms.hearing()})
        self.show()

    # what the browser is told ------------------------------------------------------------------------------------------------------

    async def _speak(self, event: Spoken, encoder: Encoder) -> None:
        """Speech, packed on a thread of its own: while it is, others are heard."""
        header, payload = await self.rooms.packing.run(encoder.encode, event)
        if encoder is self._encoder:
            self.sounding.add(event)
            self.rooms.door.metrics.note(event)
            self.outbox.put(header, payload)
            self.doing = "speaking"
            self.show()

    def _send(self, event: Event, encoder: Encoder) -> None:
        """An event of the conversation. Never waits."""
        if encoder is not self._encoder:
            return                                       # of a conversation that was left
        if isinstance(event, Trouble) and self.language != "en":       # backends speak of their trouble in English
            message, hint = phrase(event.stage, self.language)
            event = replace(event, message=message, hint=f"{hint}（{event.message} {event.hint}）")
        self.rooms.door.metrics.note(event)
        self.outbox.put(*encoder.encode(event))
        if isinstance(event, Heard):
            self.doing = "thinking"
        elif isinstance(event, Ended):
            self.doing = ""
            self._free()
        self.show()

    def tell(self, header: dict[str, Any]) -> None:
        self.outbox.put(header)

    def complain(self, error: TwinError) -> None:
        """Tell what went wrong and the way out."""
        message, hint = error.told(self.language)
        self.tell({"type": "error", "code": error.code, "message": message, "hint": hint,
                    "kept": getattr(error, "kept", False)})

    @property
    def state(self) -> tuple[str, str]:
        """What the twin is doing, and a note."""
        if self.doing == "speaking" or (self.doing and self.rooms.awake.is_set()):
            return self.doing, ""
        if not self.rooms.awake.is_set():
            return self.doing or "waking", WAKING.get(self.language, WAKING["en"])
        return ("listening" if self.mic.on else "idle"), ""

    @property
    def used(self) -> bool:
        """Whether its browser has said anything."""
        return self.talk is not None and any(message["role"] == "user" for message in self.talk.history)

    def show(self) -> None:
        if (state := self.state) != self._shown:
            self._shown = state
            self.tell({"type": "state", "state": state[0], "note": state[1]})

    def _ready(self) -> dict[str, Any]:
        own = self.rooms.shelf.list(self.user.id) if self.rooms.shelf else []
        return {
            "type": "ready", "twin": self.twin.card(), "twins": [twin.card() for twin in (*self.rooms.twins.values(), *own)],
            "conversation": self.saved.id, "history": self.talk.history, "channels": list(CHANNELS), "full": FULL, "fps": FPS,
            "engines": self.rooms.engines(), "hearing": self.rooms.hearing(), "codec": self.codec,
            "state": self.state[0], "note": self.state[1], "user": {"name": self.user.name, "role": self.user.role}, "studio": self.rooms.studio}

    # keeping it --------------------------------------------------------------------------------------------------------------------

    def later(self, work: Any) -> asyncio.Task[Any]:
        """Do it beside; the end of the session waits for it."""
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task

    async def _kept(self) -> None:
        """At a turn's end: what was said is saved, and remembered."""
        await self.save()
        if self.memory is not None:
            await self.memory.keep()
        self.alarm.watch()

    async def save(self) -> None:
        """Keep the conversation, once its user has said something; a visitor's is not kept."""
        if self.talk is None:
            return
        history = [dict(message) for message in self.talk.history]
        if history == self.saved.history or not self.user.owner or not any(m["role"] == "user" for m in history):
            return
        saved, twin = self.saved, self.twin
        if twin.owner and self.rooms.shelf is not None and not self.rooms.shelf.has(twin.owner, twin.id):
            return                                       # deleted: what was said with it goes as well
        async with self._saving:
            try:
                await asyncio.to_thread(self.rooms.saved.save, self.user.id, replace(saved, history=history))
                saved.history = history
            except TwinError as error:
                log.warning("%s %s", error.message, error.hint)
                self.complain(Complaint("unsaved", self.language, why=error.message))
