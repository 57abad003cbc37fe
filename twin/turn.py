"""One turn: what was asked, what was said of the answer and how much of it was heard; of one that is only supposed, as the user may go on, what nobody has
been told yet. And the cutting of its pieces, which nobody else needs."""
from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from .text import cjk, share
from .types import PIECE, Audio, Event, Mood, Motion, Speech, Spoken

GRACE = 5.0              # s a browser may be late in reporting playback before it is taken to have played
FIRST = 0.2              # s of a turn's sound that are sent by themselves
WANTED = 0.3             # s after the question at which the first sound is wanted
LETTER, CHARACTER = 0.065, 0.22                          # s of speech a Latin letter and a Chinese character take, about


@dataclass
class Turn:
    """One utterance and its answer, from the question to the last sound at the ear."""
    id: int
    asked: str | Audio | None                            # None: the twin speaks of its own accord
    began: float = field(default_factory=time.perf_counter)
    text: str = ""
    step: Any = ""                                       # one of Thought's, once it is known
    mood: Mood = field(default_factory=Mood)
    state: dict[str, Any] | None = None                  # of the scene, after this turn
    said: list[list[Any]] = field(default_factory=list)  # [start s, end s, clause, whether all of it was sent]
    sent: float = 0.0                                    # s of speech sent
    left: float = 0.0                                    # s of speech that are on their way
    sounded: float = 0.0                                 # when the first of it left
    played: float = 0.0                                  # s of speech heard, as the ear reports
    motion: Motion | None = None
    sound: np.ndarray | None = None                      # the last second of it, for lips that are read off it
    lost: set[str] = field(default_factory=set)
    last: bool = False                                   # it ends with the clause that is being said
    ended: Any = ""                                      # one of Ended's reasons, at the end
    times: dict[str, float] = field(default_factory=dict)
    waiting: list[Event] = field(default_factory=list)   # of a turn that is only supposed: what will be told
    book: Any = None                                     # ... and the reminders as they will be
    language: str = ""                                   # ... and what was spoken before it
    sure: bool = True                                    # of what was heard
    told: asyncio.Event = field(default_factory=asyncio.Event)                # it is no longer only supposed
    understood: asyncio.Event = field(default_factory=asyncio.Event)          # `text` is what was said
    _moved: asyncio.Event = field(default_factory=asyncio.Event)

    def clock(self, name: str) -> None:
        """Note once, in ms since the question, when something first happened."""
        self.times.setdefault(name, round((time.perf_counter() - self.began) * 1000, 1))

    def joined(self, speech: Speech) -> Speech:
        """The piece with what sounded before it, where it has no marks of its own."""
        assert speech.audio is not None
        earlier, own = self.sound, speech.audio.samples
        self.sound = (own if earlier is None else np.concatenate([earlier, own]))[-speech.audio.rate:]
        return speech if speech.marks else replace(speech, before=earlier)

    def leaves(self, end: float) -> None:
        """Speech up to `end` is on its way to the ear."""
        self.sounded = self.sounded or time.perf_counter()
        self.left = max(self.left, end)

    def due(self) -> float:
        """When the ear will have heard all that has left, or wants to hear the first of it; on time.perf_counter."""
        return self.sounded + self.left if self.sounded else self.began + WANTED

    def heard_until(self, seconds: float) -> None:
        self.played = max(self.played, min(seconds, self.sent))
        self._moved.set()

    async def room(self, lead: float) -> None:
        """Wait until no more than `lead` seconds of speech are unheard."""
        while (unheard := self.sent - self.played) > lead + 1e-6:
            self._moved.clear()
            try:
                async with asyncio.timeout(unheard + GRACE):
                    await self._moved.wait()
            except TimeoutError:
                self.played = self.sent

    def heard(self) -> tuple[str, str]:
        """The words that reached the listener, and the rest; a clause that was cut is cut between words."""
        heard = ""
        for start, end, text, whole in self.said:
            if not whole:                                # cut before all of it was made: guess how long it would have been
                end = max(end, start + len(text) * LETTER + cjk(text) * (CHARACTER - LETTER))
            if self.ended == "done" or self.played >= end:
                heard += text
            elif self.played > start:
                heard += share(text, (self.played - start) / (end - start))
        return heard, "".join(part[2] for part in self.said)[len(heard):]


def bare(error: Exception) -> BaseException:
    """The error without its message, which may hold what was said; its kind and the places stay."""
    try:
        return type(error)().with_traceback(error.__traceback__)
    except TypeError:                                    # a kind that cannot be made without arguments
        return Exception(type(error).__name__).with_traceback(error.__traceback__)


def first_apart(spoken: Spoken) -> tuple[Spoken, ...]:
    """The first sound of a turn in two, a short one first: packing a whole clause would hold it up."""
    speech, motion = spoken.speech, spoken.motion
    if spoken.at or not speech.audio or speech.audio.seconds < 2 * FIRST:
        return (spoken,)
    samples, frames = round(FIRST * speech.audio.rate), round(FIRST * (motion.fps if motion else 0))
    ear = [replace(speech.audio, samples=part) for part in (speech.audio.samples[:samples], speech.audio.samples[samples:])]
    eye = [replace(motion, weights=part) for part in (motion.weights[:frames], motion.weights[frames:])] if motion else [None, None]
    return (replace(spoken, speech=replace(speech, audio=ear[0]), motion=eye[0]),
            Spoken(spoken.turn, FIRST, Speech("", ear[1]), eye[1]))


def whole(speech: Speech) -> Speech:
    """The piece, its sound filled up with silence to whole packets of 20 ms (only the last of a clause ever needs it)."""
    if speech.audio is None or not (over := len(speech.audio.samples) % PIECE):
        return speech
    samples = np.pad(speech.audio.samples, (0, PIECE - over))
    return replace(speech, audio=replace(speech.audio, samples=samples))


