"""One browser's microphone on the server: chunks of sound in, whole utterances out. Where speech begins and ends, an endpointer finds."""
from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from ..types import Audio
from .requests import Complaint

RATE = 16_000            # Hz of what a browser sends
LONGEST = 60             # s of one push-to-talk utterance; what comes later is not kept
SHORTEST = 0.15          # s; less is a slip of the finger


class Microphone:
    """`endpointer()` makes what listen/endpoint.py says: `push(int16 [n]) -> list[(kind, Audio | None)]`, with `talking` and `reference`."""

    def __init__(self, endpointer: Callable[[], Any], language: str = "en"):
        self.on, self.mode, self.language = False, "push", language
        self._make = endpointer
        self._ear: Any = None
        self._chunks: list[np.ndarray] = []
        self._samples = 0

    async def turn_on(self, mode: str) -> None:
        """Begin an utterance (push), or to listen for some (free). Raises what the endpointer raises when it cannot be made."""
        self.on, self.mode = True, mode
        self._chunks, self._samples = [], 0
        self._ear = await asyncio.to_thread(self._make) if mode == "free" else None

    def turn_off(self) -> Audio | None:
        """End; in push mode what was said, None when the microphone was off. Raises Complaint when it was too short to be speech."""
        was_on, self.on, self._ear = self.on, False, None
        if not was_on or self.mode == "free":
            return None
        chunks, samples, self._chunks, self._samples = self._chunks, self._samples, [], 0
        if samples < SHORTEST * RATE:
            raise Complaint("too-short", self.language)
        return Audio(np.concatenate(chunks).astype(np.float32) / 32768.0, RATE)

    def rest(self) -> None:
        """Let go of what an utterance that never ended left behind."""
        if not self.on:
            self._chunks, self._samples, self._ear = [], 0, None

    def hears(self, text: str, language: str, sure: bool) -> None:
        """What a recogniser makes of the utterance so far."""
        if self._ear is not None:
            self._ear.hears(text, language, sure)

    def meant(self, text: str, language: str) -> str:
        """What a few words into the twin's own mean: "listening" as "mm-hm" does, "halt" as "wait a second" does, or "" for anything else."""
        if self._ear is None or self._ear.backchannel(text, language):
            return "listening"
        return "halt" if self._ear.halts(text, language) else ""

    async def push(self, data: bytes, playing: Callable[[], np.ndarray] | None = None) -> Iterator[tuple[str, Audio | None]]:
        """PCM int16 little-endian at 16 kHz; `playing`: the twin's own sound of the last moments, while there is any. Yields what the endpointer found; nothing
        in push mode or while off."""
        if not self.on:
            return iter(())
        if len(data) % 2:
            raise Complaint("bad-field", self.language, kind="mic", field="sound")
        chunk = np.frombuffer(data, "<i2")
        if self._ear is not None:
            self._ear.talking, self._ear.reference = playing is not None, playing
            return iter(await asyncio.to_thread(self._ear.push, chunk))
        room = LONGEST * RATE - self._samples
        if room > 0:
            self._chunks.append(chunk[:room].copy())
            self._samples += min(len(chunk), room)
        return iter(())
