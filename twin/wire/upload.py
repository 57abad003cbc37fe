"""The draft over HTTP: photo, voice, persona and consent come here by our own routes, never through Gradio's cache. See answers.py for the
shape of errors; every route needs the header X-Twin-Token and works on that user's draft alone."""
from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable, Iterator
from contextlib import aclosing
from typing import Any

import numpy as np
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from ..create import Draft, Drafts, build, parts, proof
from ..create.measure import later
from ..errors import Refused
from ..store import Shelf
from ..trust import STATEMENT, STATEMENT_VOICE
from ..types import Speech, Voice
from ..users import User
from .answers import ALWAYS, Handler, answer, answering, json_of, language_of, text_of
from .bodies import Bodies
from .door import Door
from .places import Places
from .progress import stream

PHOTO, SOUND, CARD, CHAT = 25 * 2**20, 200 * 2**20, 50 * 2**20, 20 * 2**20          # bytes
PREVIEW = {"en": "Hello. This is how I am going to sound.", "zh": "你好，我以后就是这个声音。"}
READING, FRAME = 24 * 2**20, 6 * 2**20                  # bytes
LINE = 300               # characters of a line that is tried out
AT_ONCE = 2              # uploads that are looked at, of all users together
Speak = Callable[[str, Voice, str], AsyncGenerator[Speech, None]]


class Upload:
    """Routes /draft and /draft/*. `speak(text, voice, language)` is the crew's voice, `places` are those where twins are built."""

    def __init__(self, shelf: Shelf, drafts: Drafts, speak: Speak, door: Door, places: Places):
        self.shelf, self.drafts, self.speak, self.door = shelf, drafts, speak, door
        self.bodies, self.places = Bodies(door), places
        self._large = asyncio.Semaphore(AT_ONCE)
        self._building: set[str] = set()

    def routes(self) -> list[Route]:
        table = [("GET", "/draft", self.show), ("DELETE", "/draft", self.drop), ("POST", "/draft/photo", self.photo), ("POST", "/draft/face", self.face),
                 ("POST", "/draft/voice", self.voice), ("DELETE", "/draft/voice/{k}", self.unvoice), ("POST", "/draft/ready", self.ready),
                 ("POST", "/draft/hear", self.hear), ("POST", "/draft/persona", self.persona), ("POST", "/draft/card", self.card),
                 ("POST", "/draft/chat", self.chat), ("POST", "/draft/consent", self.consent), ("POST", "/draft/sentence", self.sentence),
                 ("POST", "/draft/reading", self.reading), ("POST", "/draft/turn", self.turn), ("POST", "/draft/face-check", self.face_check),
                 ("POST", "/draft/build", self.build)]
        return [Route(path, answering(self.door, self.admitted(handler), "make" if handler == self.build else ""), methods=[method])
                for method, path, handler in table]

    def admitted(self, handler: Handler) -> Handler:
        """Where no face or voice may be left, that is said before any of it has come."""
        async def first(request: Request, user: User) -> Response:
            self.shelf.admit()
            return await handler(request, user)
        first.__doc__ = handler.__doc__
        return first

    async def show(self, request: Request, user: User) -> Response:
        """The draft as it stands, what is to be read aloud, the ready voices and the statement of consent."""
        def look(draft: Draft) -> dict[str, Any]:
            parts.warm()                                 # whoever asks will soon hand in a photo
            return {"draft": draft.told() if draft.there else None, "sentences": parts.sentences(), "voices": parts.voices(), "statement": STATEMENT,
                    "statement_voice": STATEMENT_VOICE, "marks": parts.marks()}
        return answer(await self.on_draft(user, look, told=False))

    async def drop(self, request: Request, user: User) -> Response:
        """Throw the draft away."""
        await self.on_draft(user, lambda draft: draft.throw_away(), told=False)
        return answer({})

    async def photo(self, request: Request, user: User) -> Response:
        """Hand in a picture: the body is the file."""
        async with self.bodies.take(request, user.id, PHOTO) as data, self._large:
            return answer(await self.on_draft(user, lambda draft: draft.photo(data)))

    async def face(self, request: Request, user: User) -> Response:
        """Choose a face, {"face": k}, or place one by hand, {"points": {mark: [x, y]}}."""
        asked = await json_of(request)
        k, points = asked.get("face"), asked.get("points")
        fits = points is None or (isinstance(points, dict) and all(isinstance(at, list) and len(at) == 2 and all(map(_number, at)) for at in points.values()))
        if not fits:
            raise _garbage()
        if points is None and (not isinstance(k, int) or isinstance(k, bool)):
            raise _garbage()
        return answer(await self.on_draft(user, lambda draft: draft.face(k, points)))

    async def voice(self, request: Request, user: User) -> Response:
        """Hand in a recording: the body is an audio or video file; the header says of which sentence, or "file"."""
        which, text = request.headers.get("x-twin-sentence", "file")[:10], text_of(request, "x-twin-text", 20_000)
        language = request.headers.get("x-twin-recording-language", "en")
        async with self.bodies.take(request, user.id, SOUND) as data, self._large:
            return answer(await self.on_draft(user, lambda draft: draft.voice(data, which, text, language if language in ("en", "zh") else "en")))

    async def unvoice(self, request: Request, user: User) -> Response:
        """Take a recording back."""
        return answer(await self.on_draft(user, lambda draft: draft.unvoice(request.path_params["k"])))

    async def ready(self, request: Request, user: User) -> Response:
        """Choose a ready voice: {"voice", "pitch"?, "warmth"?, "pace"?, "age"?}."""
        asked = await json_of(request)
        return answer(await self.on_draft(user, lambda draft: draft.ready(asked)))

    async def hear(self, request: Request, user: User) -> Response:
        """A line in the draft's voice, as far as it is learned, as a marked WAV. Until somebody has agreed, a learned voice says one line alone,
        whatever is asked: nobody's voice is to be had for other words without them."""
        asked = await json_of(request)
        text = asked.get("text")
        if not isinstance(text, str) or not text.strip():
            raise _garbage()
        from ..text import cjk, clean
        text = clean(text[:LINE])
        language = "zh" if cjk(text) > len(text) / 5 else "en"
        voice, free = await self.on_draft(user, lambda draft: (_voice(draft), not draft.state["clips"] or "consent" not in draft.missing), told=False)
        own = voice.weights is not None
        return await spoken(self.shelf, self.speak, text if free or not own else PREVIEW[language], voice, language)

    async def persona(self, request: Request, user: User) -> Response:
        """Keep the form as it is typed."""
        fields = await json_of(request, 4 * 2**20)
        return answer(await self.on_draft(user, lambda draft: draft.persona(fields)))

    async def card(self, request: Request, user: User) -> Response:
        """Fill the form from a Character Card: the body is the JSON, PNG or CHARX."""
        name, language = text_of(request, "x-twin-name", 200), language_of(request)
        notes: list[str] = []
        async with self.bodies.take(request, user.id, CARD) as data, self._large:
            body = await self.on_draft(user, lambda draft: notes.extend(zh if language == "zh" else en for en, zh in draft.card(data, name)))
        return answer(body | {"notes": notes})

    async def chat(self, request: Request, user: User) -> Response:
        """Examples from a chat log: the body is the exported text."""
        speaker = text_of(request, "x-twin-speaker", 200)
        speakers: list[list[Any]] = []
        async with self.bodies.take(request, user.id, CHAT) as data, self._large:
            body = await self.on_draft(user, lambda draft: speakers.extend(draft.chat(data, speaker)))
        return answer(body | ({"speakers": speakers} if speakers else {}))

    async def consent(self, request: Request, user: User) -> Response:
        """Say yes, {"agreed": true, "who", "relation", "for"}, or take it back."""
        asked, language = await json_of(request), language_of(request)
        return answer(await self.on_draft(user, lambda draft: draft.agree(asked, language)))

    async def sentence(self, request: Request, user: User) -> Response:
        """A fresh sentence to read aloud: {"id", "text", "seconds"}."""
        return answer(await self.on_draft(user, proof.sentence, told=False))

    async def reading(self, request: Request, user: User) -> Response:
        """The reading of it: {"result", "draft"}. The sound is not kept."""
        name = request.headers.get("x-twin-sentence", "")[:40]
        async with self.bodies.take(request, user.id, READING) as data, self._large:
            result = await self.on_draft(user, lambda draft: proof.spoken(draft, name, data) | {"draft": draft.told()}, told=False)
        return answer(result)

    async def turn(self, request: Request, user: User) -> Response:
        """To which side the head is to be turned: {"id", "side", "seconds"}."""
        return answer(await self.on_draft(user, proof.turn, told=False))

    async def face_check(self, request: Request, user: User) -> Response:
        """Two pictures of the camera, one behind the other; x-twin-first: bytes of the first. {"result", "draft"}; they are not kept."""
        name, first = request.headers.get("x-twin-turn", "")[:40], request.headers.get("x-twin-first", "")
        async with self.bodies.take(request, user.id, 2 * FRAME) as data, self._large:
            if not first.isascii() or not first.isdigit() or not 0 < int(first) < len(data):
                raise _garbage()
            one, two = data[:int(first)], data[int(first):]
            result = await self.on_draft(user, lambda draft: proof.seen(draft, name, one, two) | {"draft": draft.told()}, told=False)
        return answer(result)

    async def build(self, request: Request, user: User) -> Response:
        """NDJSON: a line of progress at a time, at last {"twin": card} or {"error": ...}. A page that goes away cancels; its draft stays."""
        asked, language = await json_of(request), language_of(request)
        passphrase = asked.get("passphrase") or ""
        if not isinstance(passphrase, str):
            raise _garbage()
        if user.id in self._building:
            raise Refused("A twin is being built already.", "Wait until it is ready.", code="busy", zh=("正在制作另一个分身。", "请等它完成。"))

        def steps() -> Iterator[dict[str, Any]]:
            with self.drafts.of(user.id, user.key) as draft:
                for progress in build(self.shelf, draft, passphrase):
                    yield progress.told()
                    if progress.twin is not None:
                        later(self.shelf, progress.twin)
                        yield {"twin": progress.twin.card()}
        ticket = self.places.take(user.id)
        self._building.add(user.id)
        return stream(steps(), language, lambda: self._building.discard(user.id), ticket)

    async def on_draft(self, user: User, work: Callable[[Draft], Any], told: bool = True) -> Any:
        """Do something with the user's draft on a thread; the draft as the page sees it, or what `work` gives."""
        def run() -> Any:
            with self.drafts.of(user.id, user.key) as draft:
                given = work(draft)
                return draft.told() if told else given
        for _ in range(100):                             # a build that was cancelled ends with its step
            if user.id not in self._building:
                break
            await asyncio.sleep(0.1)
        else:
            raise Refused("A twin is being built from this draft.", "Wait until it is ready, or cancel it.", code="busy",
                          zh=("正在用这份草稿制作分身。", "请等它完成，或取消制作。"))
        return await asyncio.to_thread(run)


async def spoken(shelf: Shelf, speak: Speak, text: str, voice: Voice, language: str) -> Response:
    """A text in a voice as a WAV with its marks."""
    from ..trust import marked
    pieces, rate = [], 24_000
    async with aclosing(speak(text, voice, language)) as speech:
        async for piece in speech:
            if piece.audio:
                pieces.append(piece.audio.samples)
                rate = piece.audio.rate
    if not pieces:
        raise Refused("There is nothing in that text a voice could say.", "Give it some words.", zh=("这段文字里没有能读出来的内容。", "请输入一些文字。"))
    data, _ = await asyncio.to_thread(marked, parts.wav(np.concatenate(pieces), rate), ".wav", folder=shelf.data)
    return Response(data, media_type="audio/wav", headers=ALWAYS)


def _voice(draft: Draft) -> Voice:
    """The draft's voice: their own where it is learned, else the ready one."""
    from ..create.build import sound
    files = {} if (draft.state["ready"] or {}).get("voice") else draft.drafts.training.result(draft.owner, draft)
    known = Voice.__dataclass_fields__
    given: dict[str, Any] = {name: value for name, value in sound(draft, files).items() if name in known}
    if files and "weights" in known:
        given["weights"] = files["voice.safetensors"]
    return Voice(**given)


def _number(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool) and abs(value) < 1e6


def _garbage() -> Refused:
    return Refused("The server could not read what the page sent.", "Reload the page.", code="garbage", zh=("服务器看不懂页面发来的内容。", "请刷新页面。"))
