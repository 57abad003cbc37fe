"""For programs: say, talk and create, over HTTP; page/api.py offers the same, and film, to gradio_client. A live talk is the socket's (live.py).

What comes in is text and JSON, files as base64; what goes out too, sound as a marked WAV. Every call belongs to the user of its X-Twin-Token.
"""
from __future__ import annotations

import asyncio
import base64
import binascii
import json
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Iterator, Mapping
from contextlib import aclosing
from typing import Any

import numpy as np
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from persona import scene as scenes

from ..create import Drafts, build
from ..errors import Refused, TwinError
from ..store import Saved, Shelf, Twin, new_id
from ..text import cjk, clean
from ..trust import allows, marked, record_of
from ..types import Audio, Ended, Event, Spoken, Trouble
from ..users import User
from .answers import ALWAYS, answer, answering, json_of, language_of
from .door import Door
from .live import Sessions
from .phrases import phrase
from .progress import items, queued, stream

MOST = 48 * 2**20        # bytes of a request that carries a photo and recordings
PHOTO, SOUND, SOUNDS = 25 * 2**20, 25 * 2**20, 13        # bytes; how many recordings
TURN = 120.0             # s an answer may take
Speak = Callable[[str, Any, str], AsyncGenerator[Any, None]]
Json = dict[str, Any]


class Api:
    """Routes /api/*. `speak(text, voice, language)` is the crew's voice."""

    def __init__(self, sessions: Sessions, shelf: Shelf, speak: Speak, door: Door):
        self.sessions, self.rooms, self.shelf, self.speak, self.door = sessions, sessions.rooms, shelf, speak, door

    def routes(self) -> list[Route]:
        table = [("GET", "/api/twins", self.twins, True, "read"), ("GET", "/api/scenes", self.scenes, True, "read"),
                 ("POST", "/api/say", self.post_say, False, "ask"),
                 ("POST", "/api/talk", self.post_talk, True, "ask"), ("POST", "/api/create", self.post_create, False, "make")]
        return [Route(path, answering(self.door, handler, kind, visitors), methods=[method]) for method, path, handler, visitors, kind in table]

    async def twins(self, request: Request, user: User) -> Response:
        """The twins this user can talk with: the default ones and their own."""
        return answer({"twins": [twin.card() for twin in (*self.rooms.twins.values(), *await asyncio.to_thread(self.shelf.list, user.id))]})

    async def scenes(self, request: Request, user: User) -> Response:
        """What a twin can be there for: {"scenes": [{"id", "title", "about", "goals", "limits", "suggestions", "template", "catalogue"}]}, in the language
        of x-twin-language. `template`: what the fields of a new persona may begin with; `catalogue`: it searches one."""
        language = language_of(request)

        def look() -> list[Json]:
            return [own.told(language) for name in scenes.ids() if (own := scenes.load(name)) is not None]
        return answer({"scenes": await asyncio.to_thread(look)})

    async def post_say(self, request: Request, user: User) -> Response:
        """A text in a twin's voice: {"twin", "text", "language"?}. A WAV that says of itself that it is synthetic."""
        asked = await json_of(request)
        data, seconds = await self.say(user, _text(asked, "twin", 60), _text(asked, "text"), _language(asked))
        return Response(data, media_type="audio/wav", headers=ALWAYS | {"X-Twin-Seconds": f"{seconds:.3f}"})

    async def post_talk(self, request: Request, user: User) -> Response:
        """Ask a twin: {"twin", "text", "language"?, "conversation"?, "sound"?: "none" | "wav", "stream"?}. The reply as JSON; with "stream" as NDJSON,
        word by word, the reply last."""
        asked = await json_of(request)
        steps = self.talk(user, _text(asked, "twin", 60), _text(asked, "text"), _language(asked), _text(asked, "conversation", 32, ""),
                          asked.get("sound") == "wav")
        if asked.get("stream") is True:
            return stream(steps, language_of(request))
        reply: Json = {}
        async with aclosing(steps):
            async for step in steps:
                reply = step
        return answer(reply)

    async def post_create(self, request: Request, user: User) -> Response:
        """Make a twin: {"photo": base64, "persona": {...}, "consent": {...}, "face"?, "voices"?: [{"sound": base64, "text"?}], "ready"?, "passphrase"?}.
        NDJSON: a line of progress at a time, at last {"twin": card}. For large files there is /draft, step by step."""
        self.shelf.admit()
        asked = await json_of(request, MOST)
        return stream(self.created(user, asked), language_of(request), ticket=self.rooms.building.take(user.id))

    # what the routes and Gradio's endpoints do -------------------------------------------------------------------------------------------

    async def say(self, user: User, name: str, text: str, language: str = "") -> tuple[bytes, float]:
        """(a marked WAV of the text in that twin's voice, its seconds). Raises TwinError."""
        twin = await self._twin(user, name, "film")      # a sound leaves the app as a film does
        text = clean(text)
        language = language or ("zh" if cjk(text) > len(text) / 5 else "en")
        ticket = self.rooms.speaking.take(user.id)
        pieces: list[Audio] = []
        try:
            if not await ticket.come():
                raise Refused(*phrase("closing", "en"), code="closing", zh=phrase("closing", "zh"))
            async with asyncio.timeout(TURN), aclosing(self.speak(text, twin.voice, language)) as speech:
                async for piece in speech:
                    if piece.audio:
                        pieces.append(piece.audio)
        except TimeoutError:
            raise _slow() from None
        finally:
            ticket.leave()
        return await self._sound(pieces, twin), sum(piece.seconds for piece in pieces)

    async def talk(self, user: User, name: str, text: str, language: str = "", conversation: str = "", sound: bool = False) -> AsyncGenerator[Json, None]:
        """The turn's words as they come, {"type": "token", "text"} and {"type": "queue", "place"}; at last {"type": "reply", "reply", "conversation",
        "step", "mood", "language", "times", "sound"?}. Raises TwinError."""
        text = clean(text)
        language = language or ("zh" if cjk(text) > len(text) / 5 else "en")
        saved = await self._saved(user, conversation)
        twin = await self._twin(user, saved.twin or name, "talk")
        events: asyncio.Queue[Event] = asyncio.Queue()

        def send(event: Event) -> None:
            if isinstance(event, Spoken) and event.speech.audio is not None:     # whoever asks by program hears at once
                talk.heard_until(event.turn, event.at + event.speech.audio.seconds + 0.001)
            self.door.metrics.note(event)
            events.put_nowait(event)

        talk = self.rooms.talk(twin, send, language, saved.history)
        ticket = self.rooms.speaking.take(user.id)
        try:
            while not ticket.inside:
                if ticket.over or self.rooms.speaking.closed:
                    raise Refused(*phrase("closing", "en"), code="closing", zh=phrase("closing", "zh"))
                yield {"type": "queue", "place": ticket.place, "note": queued(ticket.place)["note"]}
                await ticket.moved()
            pieces: list[Audio] = []
            async with asyncio.timeout(TURN):
                turn = await talk.ask(text)
                async for step in _told(events, turn.id, pieces):
                    yield step
            yield await self._reply(user, twin, talk, turn, saved, pieces if sound else None)
        except TimeoutError:
            raise _slow() from None
        finally:
            await talk.interrupt()
            ticket.leave()

    def created(self, user: User, asked: Mapping[str, Any]) -> Iterator[Json]:
        """Make a twin, step by step; blocking. The last step is {"twin": card}. Raises TwinError, CardError."""
        from ..create.measure import later
        self.shelf.admit()
        photo = _bytes(asked.get("photo"), PHOTO, "photo")
        voices = asked.get("voices") or []
        if not isinstance(voices, list) or len(voices) > SOUNDS or not all(isinstance(voice, Mapping) for voice in voices):
            raise _bad("voices")
        persona, consent = asked.get("persona"), asked.get("consent")
        if not isinstance(persona, Mapping) or not isinstance(consent, Mapping):
            raise _bad("persona" if not isinstance(persona, Mapping) else "consent")
        passphrase = asked.get("passphrase") or ""
        if not isinstance(passphrase, str):
            raise _bad("passphrase")
        with self.shelf.scratch() as folder:
            drafts = Drafts(self.shelf, root=folder)     # beside the user's own draft, which stays as it is
            try:
                with drafts.of(user.id, user.key) as draft:
                    draft.persona(dict(persona))
                    draft.photo(photo)
                    if (face := asked.get("face")) is not None:
                        draft.face(face if isinstance(face, int) and not isinstance(face, bool) else None)
                    for k, voice in enumerate(voices):
                        draft.voice(_bytes(voice.get("sound"), SOUND, "voices"), "file" if len(voices) == 1 else str(k),
                                    _text(voice, "text", 20_000, ""), _language(voice) or "en", own_text=True)
                    if (ready := asked.get("ready")) is not None:
                        draft.ready(ready if isinstance(ready, Mapping) else {"voice": ready})
                    draft.agree(dict(consent))
                    for progress in build(self.shelf, draft, passphrase):
                        yield progress.told()
                        if progress.twin is not None:
                            later(self.shelf, progress.twin)
                            yield {"twin": progress.twin.card()}
            finally:
                drafts.close()

    def creating(self, user: User, asked: Mapping[str, Any]) -> AsyncIterator[Json]:
        """The same on a thread of its own, when its turn has come."""
        return items(self.created(user, asked), ticket=self.rooms.building.take(user.id))

    # parts ----------------------------------------------------------------------------------------------------------------------------

    async def _twin(self, user: User, name: str, purpose: str) -> Twin:
        """A default twin, or the user's own, unlocked and agreed to for that purpose. Raises Missing, Locked, Refused."""
        if not name:
            name = self.rooms.first or next(iter(self.rooms.twins))
        if name in self.rooms.twins:
            return self.rooms.twins[name]
        twin = await asyncio.to_thread(self.shelf.get, user.id, name)
        if twin.has("consent.json") or twin.locked:
            allows(json.loads(twin.read("consent.json")), purpose, self.shelf.data)               # raises Locked
        return twin

    async def _saved(self, user: User, conversation: str) -> Saved:
        """The user's conversation of that id, or a new one. Raises Missing."""
        if not conversation:
            return Saved(new_id(), "")
        saved = await asyncio.to_thread(self.rooms.saved.load, user.id, conversation)
        return Saved(new_id(), saved.twin, saved.language, saved.history) if saved.id in self.rooms.live else saved       # a page talks in it: a copy

    async def _reply(self, user: User, twin: Twin, talk: Any, turn: Any, saved: Saved, pieces: list[Audio] | None) -> Json:
        said = next((m for m in reversed(talk.history) if m["role"] == "assistant" and m["turn"] == turn.id), None)
        if said is None:
            raise TwinError("The twin said nothing.", "Ask again.", zh=("分身没有回答。", "请再问一次。"))
        reply = {"type": "reply", "reply": said["content"], "conversation": "", "twin": twin.id, "step": said["step"], "mood": said["mood"],
                 "language": talk.language, "times": turn.times}
        if user.owner:                                   # visitors keep nothing
            kept = Saved(saved.id, twin.id, talk.language, [dict(message) for message in talk.history])
            await asyncio.to_thread(self.rooms.saved.save, user.id, kept)
            reply["conversation"] = saved.id
        if pieces is not None:
            reply["sound"] = base64.b64encode(await self._sound(pieces, twin)).decode() if pieces else ""
        return reply

    async def _sound(self, pieces: list[Audio], twin: Twin) -> bytes:
        from ..create.parts import wav
        if not pieces:
            raise Refused("There is nothing in that text a voice could say.", "Give it some words.", zh=("这段文字里没有能读出来的内容。", "请输入一些文字。"))
        raw = wav(np.concatenate([piece.samples for piece in pieces]), pieces[0].rate)
        name = twin.persona.text("name", "en")
        data, _ = await asyncio.to_thread(lambda: marked(raw, ".wav", title=f"{name}, synthetic speech", folder=self.shelf.data,
                                                           consent=record_of(twin), model=f"voice {twin.voice.backend}"))
        return data


async def _told(events: asyncio.Queue[Event], turn: int, pieces: list[Audio]) -> AsyncIterator[Json]:
    """What a turn tells, until it has ended; its sound goes to `pieces`."""
    while True:
        event = await events.get()
        if event.turn != turn:
            continue
        if isinstance(event, Spoken):
            if event.speech.audio is not None:
                pieces.append(event.speech.audio)
            if event.speech.text:
                yield {"type": "token", "text": event.speech.text}
        elif isinstance(event, Trouble):
            yield {"type": "trouble", "stage": event.stage, "message": event.message, "hint": event.hint}
        elif isinstance(event, Ended):
            return


def _text(asked: Mapping[str, Any], name: str, most: int = 20_000, otherwise: str | None = None) -> str:
    given = asked.get(name, otherwise)
    if not isinstance(given, str) or len(given) > most:
        raise _bad(name)
    return given


def _language(asked: Mapping[str, Any]) -> str:
    given = asked.get("language")
    return given if given in ("en", "zh") else ""


def _bytes(given: Any, most: int, name: str) -> bytes:
    """Base64, as it is or as a data URL."""
    if isinstance(given, str) and len(given) <= most * 4 // 3 + 200:
        try:
            return base64.b64decode(given.partition(",")[2] if given.startswith("data:") else given, validate=True)
        except (binascii.Error, ValueError):
            pass
    raise _bad(name)


def _bad(name: str) -> Refused:
    return Refused(f"The request has no proper {name}.", "See docs/api.md.", code="bad-field", zh=(f"请求里的 {name} 不对。", "见 docs/api.md。"))


def _slow() -> TwinError:
    return TwinError("The answer took too long.", "Ask again.", code="slow", zh=("回答花的时间太长了。", "请再问一次。"))
