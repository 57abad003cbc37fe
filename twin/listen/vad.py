"""Finding utterances in a microphone's stream: silero's probability of speech (silero.py) and a little patience."""
from __future__ import annotations

from typing import Literal

import numpy as np

from ..silero import HZ, WINDOW, Silero
from ..types import Audio

START, STOP = 0.5, 0.35                                  # probability to begin and to go on (silero's own advice: stop 0.15 below start)
BEGIN = 3                                                # windows of 32 ms in a row before it counts as speech: a cough isn't one
PAUSE = 0.6                                              # s of silence that end an utterance
BEFORE = 0.3                                             # s kept from before the first sound, for the consonant that the model missed
SHORTEST, LONGEST = 0.25, 20.0                           # s of speech worth recognising; a longer one is cut there

Said = tuple[Literal["speech", "silence", "utterance"], Audio | None]


class Endpointer:
    """Push int16 samples at 16 kHz; it says when speech begins, when it ends, and hands over the utterance."""

    def __init__(self, pause: float = PAUSE):
        self.pause = pause
        self._silero = Silero()
        self.reset()

    def reset(self) -> None:
        self._silero.reset()
        self._rest = np.zeros(0, np.float32)             # less than a window
        self._kept: list[np.ndarray] = []                # windows of the utterance, or of the moment before it
        self._loud = self._quiet = 0                     # windows in a row
        self.speaking = False

    def push(self, samples: np.ndarray) -> list[Said]:
        """int16 [n] -> what happened: ("speech", None) at its start, ("utterance", Audio) and ("silence", None) at its end."""
        self._rest = np.concatenate([self._rest, samples.astype(np.float32) / 32768])
        said: list[Said] = []
        while len(self._rest) >= WINDOW:
            window, self._rest = self._rest[:WINDOW], self._rest[WINDOW:]
            said += self._step(window)
        return said

    def flush(self) -> Audio | None:
        """The utterance under way, when the microphone closes."""
        audio = self._utterance() if self.speaking else None
        self.reset()
        return audio

    def _step(self, window: np.ndarray) -> list[Said]:
        p = self._silero.probability(window)
        self._kept.append(window)
        if not self.speaking:
            self._loud = self._loud + 1 if p >= START else 0
            if self._loud >= BEGIN:
                self.speaking, self._quiet = True, 0
                return [("speech", None)]
            del self._kept[: -int(BEFORE * HZ / WINDOW) - BEGIN]
            return []
        self._quiet = self._quiet + 1 if p < STOP else 0
        if self._quiet * WINDOW >= self.pause * HZ or len(self._kept) * WINDOW >= LONGEST * HZ:
            audio = self._utterance()
            self.speaking, self._loud, self._kept = False, 0, []
            return [("utterance", audio), ("silence", None)] if audio else [("silence", None)]
        return []

    def _utterance(self) -> Audio | None:
        samples = np.concatenate(self._kept) if self._kept else np.zeros(0, np.float32)
        tail = max(0, self._quiet * WINDOW - int(0.2 * HZ))
        samples = samples[: len(samples) - tail]
        return Audio(samples, HZ) if len(samples) - BEFORE * HZ >= SHORTEST * HZ else None
