"""Whose turn it is to speak: what the endpointer finds in a microphone (listen/endpoint.py) becomes a softer twin, a silent one, a question, or an answer
that begins before it is certain that the user has ended."""
from __future__ import annotations

import re
import time
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from typing import TYPE_CHECKING, Any

import numpy as np

from ..errors import TwinError
from ..types import RATE, Audio, Spoken

if TYPE_CHECKING:
    from .session import Session

HEARING = 16_000         # Hz of a microphone
BACK, AHEAD = 2.0, 0.4   # s of the twin's own sound before and after where it is taken to be
STALE = 1.5              # s a browser's report of what was heard may be old before it is taken to have stopped
LONG = 4.0               # s of the user's talking after which the twin shows at a pause that it listens
KEPT = 16.0              # s of sound that are kept for comparison
SILENCE = {"stop", "wait", "quiet", "silence", "enough", "shush", "hush", "halt", "pause", "hold", "shut"}
FILL = {"it", "please", "now", "a", "an", "moment", "minute", "second", "on", "up", "ok", "okay", "talking", "be", "that", "there", "thanks", "thank", "you"}
SILENCE_ZH = {"停", "停下", "停一下", "停停", "等等", "等一下", "别说了", "安静", "闭嘴", "够了", "打住", "好了好了", "先停一下"}


class Sounding:
    """What the twin sounds like at the user's ear, so that a microphone that hears it isn't taken for a person."""

    def __init__(self) -> None:
        self._turn = 0
        self._pieces: deque[tuple[float, np.ndarray]] = deque()
        self._played, self._moved = 0.0, 0.0

    def add(self, event: Spoken) -> None:
        """A piece that is on its way."""
        if event.speech.audio is None:
            return
        if event.turn != self._turn:
            self._turn, self._played, self._moved = event.turn, 0.0, time.monotonic()
            self._pieces.clear()
        self._pieces.append((event.at, event.speech.audio.samples))
        while self._pieces and event.at - self._pieces[0][0] > KEPT:
            self._pieces.popleft()

    def playing(self, turn: Any) -> Callable[[], np.ndarray] | None:
        """How to get the last BACK seconds of it as float32 at 16 kHz, and the next AHEAD; None while nothing sounds."""
        if turn is None or turn.id != self._turn or not turn.sounded:
            return None
        if turn.played != self._played:
            self._played, self._moved = turn.played, time.monotonic()
        if self._played >= turn.sent:
            return None

        def sound() -> np.ndarray:
            import soxr
            now = self._played + min(STALE, time.monotonic() - self._moved)
            start, out = now - BACK, np.zeros(round((BACK + AHEAD) * RATE), np.float32)
            for at, samples in self._pieces:
                first = round((at - start) * RATE)
                low, high = max(0, first), min(len(out), first + len(samples))
                if low < high:
                    out[low:high] = samples[low - first:high - first]
            return np.asarray(soxr.resample(out, RATE, HEARING), np.float32)
        return sound


class Floor:
    """Takes what was found, in order. It owns the turn that is supposed, and whether the twin is ducked."""

    def __init__(self, session: Session):
        self._session = session
        self._supposed: Any = None                       # the turn of it
        self._ducked = False
        self._began = 0.0

    async def take(self, kind: str, said: Audio | None) -> None:
        """One finding of the endpointer. Raises Refused."""
        session, talk = self._session, self._session.talk
        if kind == "voice":
            self._duck(True)
        elif kind == "nothing":
            self._duck(False)
        elif kind == "speech":
            self._began = time.monotonic()
            session.tell({"type": "vad", "speech": True})
            await self._cut()
        elif kind == "burst" and said is not None:
            await self._short(said)
        elif kind == "pause" and said is not None:
            await self._suppose(said)
        elif kind == "on":
            await self._withdraw()
        elif kind == "silence":
            session.tell({"type": "vad", "speech": False})
            if self._supposed is not None and not talk.speaking:     # it came to nothing that could be asked
                await self._withdraw()
        elif said is not None:
            supposed, self._supposed = self._supposed, None
            try:
                await session.ask(said, supposed)
            except TwinError:                            # too often, or there is no place: nor does what was supposed go on
                await talk.withdraw(supposed)
                raise

    async def over(self) -> None:
        """The microphone is off."""
        self._duck(False)
        await self._withdraw()

    def _duck(self, on: bool) -> None:
        if on != self._ducked:
            self._ducked = on
            self._session.tell({"type": "duck", "on": on})

    async def _cut(self) -> None:
        """The twin stops."""
        talk = self._session.talk
        if talk.speaking:
            await talk.interrupt()
            self._session.outbox.discard(talk.turn.id)
        self._duck(False)

    async def _short(self, said: Audio) -> None:
        """A short sound into the twin's words: "stop" stops it, "mm-hm" doesn't, anything else is a question."""
        session = self._session
        text, sure = await session.talk.hear(said)
        meant = session.mic.meant(text, session.language)
        if meant == "listening" or not meant and not sure:
            self._duck(False)
            return
        session.tell({"type": "vad", "speech": True})
        await self._cut()
        session.tell({"type": "vad", "speech": False})
        if not stops(text, session.language):
            await session.ask(text)

    async def _suppose(self, said: Audio) -> None:
        """The user pauses: begin to answer, in case that was all."""
        session = self._session
        if time.monotonic() - self._began > LONG:
            session.tell({"type": "nod"})
        await self._withdraw()
        if session.rooms.speaking.closed or session.talk.speaking:
            return
        with suppress(TwinError):
            self._supposed = await session.talk.suppose(said)
        if self._supposed is not None:
            session.later(self._understood(self._supposed))

    async def _understood(self, turn: Any) -> None:
        """What the pause was about says how long to wait for more."""
        await turn.understood.wait()
        if turn is self._supposed:
            session = self._session
            session.mic.hears(turn.text, session.language, turn.sure)
            if turn.text:
                session.tell({"type": "partial", "text": turn.text})

    async def _withdraw(self) -> None:
        supposed, self._supposed = self._supposed, None
        if supposed is not None:
            await self._session.talk.withdraw(supposed)



def stops(text: str, language: str) -> bool:
    """Whether this asks for silence and nothing else."""
    words = re.sub(r"[^\w\s]", "", text.lower()).split()
    if language == "zh" or any("\u4e00" <= letter <= "\u9fff" for letter in text):
        return "".join(words) in SILENCE_ZH
    return bool(words) and len(words) <= 4 and words[0] in SILENCE and all(word in SILENCE | FILL for word in words)
