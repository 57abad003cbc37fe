"""Endpoints for gradio_client: /say, /talk, /create and /film. What they do is wire/api.py's and wire/own.py's; who asks is in the header X-Twin-Token:

    Client(url, headers={"X-Twin-Token": token}).predict("maya", "How much is a flat tyre?", api_name="/talk")

Files travel inside as base64 and never through Gradio's cache, which shows everything to anyone.
"""
from __future__ import annotations

import base64
import logging
from collections.abc import AsyncIterator, Iterator
from contextlib import aclosing, contextmanager
from typing import Any

import gradio as gr

from persona.card import CardError
from twin.errors import Refused, TwinError
from twin.users import User
from twin.wire.answers import FORESEEN, language_of, told
from twin.wire.api import Api
from twin.wire.own import Own
from twin.wire.progress import items

Json = dict[str, Any]
log = logging.getLogger("twin.api")


class Endpoints:
    """`register()` inside a Blocks context."""

    def __init__(self, api: Api, own: Own):
        self.api, self.own = api, own

    def register(self) -> None:
        for name, function in (("say", self.say), ("talk", self.talk), ("create", self.create), ("film", self.film)):
            gr.api(function, api_name=name, api_description=" ".join((function.__doc__ or "").split()), concurrency_limit=None)

    async def say(self, twin: str, text: str, request: gr.Request, language: str = "") -> dict:
        """A text in a twin's voice: {"seconds", "sound"}, the sound as base64 of a WAV that says of itself that it is synthetic."""
        with _told(request):
            data, seconds = await self.api.say(self._user(request, "ask"), _short(twin), _string(text), _short(language))
            return {"seconds": round(seconds, 3), "sound": base64.b64encode(data).decode()}

    async def talk(self, twin: str, text: str, request: gr.Request, language: str = "", conversation: str = "", sound: bool = False) -> AsyncIterator[dict]:
        """Ask a twin. Yields {"type": "token", "text"} as words come and at last {"type": "reply", "reply", "conversation", "step", "mood", ...};
        give the conversation back with the next question to go on in it; `sound` adds the WAV as base64."""
        with _told(request):
            user = self._user(request, "ask", visitors=True)
            async with aclosing(self.api.talk(user, _short(twin), _string(text), _short(language), _short(conversation), sound is True)) as steps:
                async for step in steps:
                    yield step

    async def create(self, photo: str, persona: dict, consent: dict, request: gr.Request, voices: list | None = None, ready: str = "",
                     face: int = -1, passphrase: str = "") -> AsyncIterator[dict]:
        """Make a twin: a photo as base64, the persona's fields, {"agreed": true, "who", "relation", "for"}, and recordings [{"sound": base64, "text"}] or a
        ready voice's name. Yields {"step", "done", "note"} and at last {"twin": card}."""
        with _told(request):
            asked: Json = {"photo": photo, "persona": persona, "consent": consent, "voices": voices or [], "passphrase": passphrase}
            asked |= ({"ready": ready} if ready else {}) | ({"face": face} if isinstance(face, int) and face >= 0 else {})
            async for step in self.api.creating(self._user(request, "make"), asked):
                yield step

    async def film(self, twin: str, text: str, request: gr.Request, aspect: str = "16:9", captions: bool = False) -> AsyncIterator[dict]:
        """Film a twin saying a text. Yields {"step", "done", "note"} and at last {"film", "at", "seconds"}: the MP4 is there, with the same header."""
        with _told(request):
            user = self._user(request, "make")
            async for step in items(*self.own.filmed(user, _short(twin), {"text": text, "aspect": aspect, "captions": captions is True})):
                yield step | ({"at": f"media/films/{step['film']}"} if "film" in step else {})

    def _user(self, request: gr.Request, kind: str, visitors: bool = False) -> User:
        scope = request.request.scope if request.request else {}
        return self.api.door.enter(request, scope, kind, visitors)


@contextmanager
def _told(request: gr.Request) -> Iterator[None]:
    """What a person can act on becomes Gradio's own kind of error; anything else stays inside."""
    try:
        yield
    except (TwinError, CardError) as error:
        message, hint = error.told(language_of(request))             # type: ignore[arg-type]
        if request.request:                              # Gradio answers 500 to whatever is raised; the gate says what it was
            request.request.scope[FORESEEN] = told(error, "en")[0]
        raise gr.Error(f"{message} {hint}".strip(), print_exception=False) from None
    except Exception as error:                           # the edge of an event: Gradio would print what it was given
        log.exception("an event of the API failed")
        raise gr.Error(f"The server could not do that ({type(error).__name__}).", print_exception=False) from None


def _string(given: Any) -> str:
    if not isinstance(given, str) or len(given) > 20_000:
        raise Refused("The text is no text, or too long.", "Send a string of at most 4,000 characters.", code="bad-field",
                      zh=("文字不对，或者太长。", "请发送最多 4000 个字符的文字。"))
    return given


def _short(given: Any) -> str:
    return given[:100] if isinstance(given, str) else ""
