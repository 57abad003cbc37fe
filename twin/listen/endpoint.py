"""Turn taking at the microphone: where speech begins, pauses and ends, and what of it is meant to interrupt the twin.

Silero's probability of speech (silero.py), a little patience, and the text so far: a pause behind "because" is not the end of a turn, one behind
"what is your name" is. While the twin talks, voice counts only where it is not the twin's own echo (echo.py); it ducks at a quarter of a second of
it, and by 0.8 s it is clear whether somebody wants to speak or only coughed. What was recognised, and what to do about it, is the caller's.
"""
from __future__ import annotations

from collections import deque
from collections.abc import Callable
from typing import Literal

import numpy as np

from ..silero import HZ, WINDOW, Silero
from ..types import Audio
from .echo import Echo
from .turns import PAUSE, backchannel, finished, halts

__all__ = ["AHEAD", "Endpointer", "Said", "backchannel", "finished", "halts"]

START, STOP = 0.5, 0.35                                  # probability to begin and to go on (silero's own advice: stop 0.15 below start)
STEP = WINDOW / HZ                                       # s: 32 ms
BEGIN = 3                                                # windows in a row before it counts as speech: a cough isn't one
RESUME = 2                                               # after a pause
BREAK = 0.2                                              # s of silence that may be the end: time to recognise what was said so far
BEFORE = 0.3                                             # s kept from before the first sound, for the consonant that the model missed
BEHIND = 0.2                                             # s kept after the last one
SHORTEST, LONGEST = 0.25, 20.0                           # s of speech worth recognising; a longer one is cut there
LOUDER, STILL = 9.0, 6.0                                 # dB over the room's noise to begin and to go on: other people's talk is speech too
SMOOTH, MEMORY = 8, 156                                  # windows: the noise is the quietest quarter of a second of the last five
# while the twin talks, in windows
DUCK = 4                                                 # of voice: 0.13 s, and what silero and a chunk of sound need
DECIDE = 23                                              # since the first: 0.74 s
MEANT = 13                                               # of them with voice: 0.4 s
LATEST = 40                                              # since the first, if it comes in bits: 1.3 s
GAP = 7                                                  # without any end a burst: 0.22 s
TAIL = 0.8                                               # s that the twin's last sound may still be on its way to the microphone
HUSH = 25                                                # without voice teach how little of the twin is heard
LEFT = 5.0                                               # of 24 bands that somebody fills beside the echo
AHEAD = 0.35                                             # s by which what is handed in as heard should lie ahead of what is heard
FIRST = 0.4                                              # s of its first sound that nothing can be compared with yet
JUDGE = 4                                                # windows from one comparison with the twin's sound to the next

Said = tuple[Literal["speech", "pause", "on", "utterance", "silence", "voice", "burst", "nothing"], Audio | None]


class Endpointer:
    """Push int16 samples at 16 kHz, and it says what happens.

    While the twin is silent: ("speech", None) when somebody begins; ("pause", Audio so far) BREAK s after the last voice, ("on", None) if they go on;
    ("utterance", Audio) and ("silence", None) at the end, which `hears` brings nearer or puts off.
    While it talks: ("voice", None) when it should duck; then ("speech", None) and on as above when it should stop, ("burst", Audio) when somebody
    said something short, or ("nothing", None).
    """

    backchannel, halts = staticmethod(backchannel), staticmethod(halts)      # for whoever has only an Endpointer

    def __init__(self) -> None:
        self.talking = False                             # the twin is at the ear now; to be set before each push
        self.reference: Callable[[], np.ndarray] | None = None      # -> float32 at 16 kHz: 2 s of its sound, up to about AHEAD s from now; asked while talking
        self._silero, self._echo = Silero(), Echo()
        self.reset()

    def reset(self) -> None:
        self._silero.reset()
        self._echo.reset()
        self._rest = np.zeros(0, np.float32)             # less than a window
        self._kept: list[np.ndarray] = []                # windows of the utterance, or of the moment before it
        self._sure: list[float] = []                     # silero's probability of each
        self._loud = self._quiet = 0                     # windows in a row
        self._paused, self._wanted = False, PAUSE
        self.speaking = False
        self._since, self._begun = 60.0, 0.0             # s since the twin was last at the ear, and since it began to be
        self._steps = self._hush = 0
        self._power: deque[float] = deque(maxlen=SMOOTH)
        self._levels: deque[float] = deque(maxlen=MEMORY)
        self._over()

    def _over(self) -> None:
        """No run of voice is under way over the twin."""
        self._voiced = self._elapsed = 0
        self._ducked = self._refused = False

    def push(self, samples: np.ndarray) -> list[Said]:
        """int16 [n], any n -> what happened."""
        self._rest = np.concatenate([self._rest, samples.astype(np.float32) / 32768])
        if self.talking and self._since >= TAIL:
            self._begun = 0.0
        self._since = 0.0 if self.talking else self._since + len(samples) / HZ
        self._begun += len(samples) / HZ
        if self.talking and self.reference is not None:
            self._echo.played(self.reference(), len(self._rest))
        said: list[Said] = []
        while len(self._rest) >= WINDOW:
            window, self._rest = self._rest[:WINDOW], self._rest[WINDOW:]
            said += self._step(window)
        return said

    def hears(self, text: str, language: str, sure: bool) -> None:
        """What a recogniser makes of the utterance up to the pause; too late, it changes nothing."""
        if self._paused:
            self._wanted = finished(text, language, sure)

    def flush(self) -> Audio | None:
        """The utterance under way, when the microphone closes."""
        audio = self._utterance() if self.speaking else None
        self.reset()
        return audio

    def _step(self, window: np.ndarray) -> list[Said]:
        rows = self._echo.hear(window)
        level, noise = self._level(rows)
        if self.reference is not None and self._since < TAIL:
            window, level = self._cleaned()
        p = self._silero.probability(window)
        self._kept.append(window)
        self._sure.append(p)
        going = self._elapsed or (self.speaking and not self._paused)
        voice = p >= (STOP if going else START) and level - noise >= (STILL if going else LOUDER)
        self._hush = 0 if voice or not self.talking else self._hush + 1
        if self.speaking:
            return self._within(voice)
        if self.talking:
            return self._against(voice)
        return self._before(voice)

    def _level(self, rows: np.ndarray) -> tuple[float, float]:
        """dB [2, BANDS] of a window -> dB of the louder of it and the one before, and of the room's noise."""
        self._power.append(float(np.mean(10 ** (rows / 10))) + 1e-10)
        noise = min(self._levels, default=-200.0)
        if len(self._power) == SMOOTH:
            self._levels.append(10 * np.log10(sum(self._power) / SMOOTH))
        return 10 * np.log10(max(list(self._power)[-2:])), noise

    def _cleaned(self) -> tuple[np.ndarray, float]:
        """The window heard last without the twin's echo, and its level in dB."""
        self._steps += 1
        if self._steps % JUDGE == 0:
            self._echo.judge(learn=not self._ducked and not self.speaking)
        if self._hush and self._hush % HUSH == 0:
            self._echo.unheard()
        window, rows, left = self._echo.clean()
        if left < LEFT or (self.talking and self._begun < FIRST and not self.speaking):
            return window, -200.0
        return window, 10 * np.log10(float(np.mean(10 ** (rows / 10))) + 1e-10)

    # while the twin is silent, or somebody speaks already -----------------------------------------------------------------------------

    def _before(self, voice: bool) -> list[Said]:
        said: list[Said] = []
        if self._elapsed:                                # it fell silent under a run of voice
            said = [("nothing", None)] if self._ducked else []
            self._loud = self._voiced
            self._over()
        self._loud = self._loud + 1 if voice else 0
        if self._loud >= BEGIN:
            return said + self._begin()
        self._forget(BEGIN)
        return said

    def _begin(self) -> list[Said]:
        self.speaking, self._paused, self._quiet, self._loud, self._wanted = True, False, 0, 0, PAUSE
        self._over()
        return [("speech", None)]

    def _within(self, voice: bool) -> list[Said]:
        said: list[Said] = []
        self._loud = self._loud + 1 if voice else 0
        if self._loud >= (RESUME if self._paused else 1):
            if self._paused:
                said.append(("on", None))
            self._paused, self._quiet, self._wanted = False, 0, PAUSE
        else:
            self._quiet += 1
            if not self._paused and self._quiet * STEP >= BREAK:
                self._paused = True
                if (audio := self._utterance()) is not None:
                    said.append(("pause", audio))
        if (self._quiet * STEP >= self._wanted and not self._loud) or len(self._kept) * STEP >= LONGEST:
            if (audio := self._utterance()) is not None:
                said.append(("utterance", audio))
            said.append(("silence", None))
            self.speaking = self._paused = False
            self._loud = 0
            self._forget(0)
        return said

    def _utterance(self) -> Audio | None:
        samples = np.concatenate(self._kept) if self._kept else np.zeros(0, np.float32)
        tail = max(0, round((self._quiet * STEP - BEHIND) * HZ))
        samples = samples[: len(samples) - tail]
        return Audio(samples, HZ) if len(samples) - BEFORE * HZ >= SHORTEST * HZ else None

    def _forget(self, more: int) -> None:
        """All but the moment before what may begin, and `more` windows."""
        keep = int(BEFORE / STEP) + more
        del self._kept[:-keep]
        del self._sure[:-keep]

    # while the twin talks -------------------------------------------------------------------------------------------------------------

    def _against(self, voice: bool) -> list[Said]:
        """One window more of what may be somebody who interrupts."""
        self._loud = 0
        if not voice and not self._elapsed:
            self._quiet += 1
            self._refused = self._refused and self._quiet < GAP
            self._forget(0)
            return []
        self._elapsed += 1
        self._voiced += voice
        self._quiet = 0 if voice else self._quiet + 1
        ended, late = self._quiet >= GAP, self._elapsed >= DECIDE
        if not self._ducked and self._voiced >= DUCK and not self._refused and not ended:
            self._ducked = True
            return [("voice", None)]
        if not ended and not late:
            return []
        theirs = not self._is_echo() and self._is_speech()
        if theirs and not ended and self._voiced >= MEANT and self._quiet < 2:
            return self._begin() if self._ducked else [("voice", None), *self._begin()]      # the latter: what began as a noise became speech
        if theirs and not ended and self._elapsed < LATEST:
            return []
        audio = self._utterance() if theirs and self._ducked else None
        said: list[Said] = [("burst" if audio is not None else "nothing", audio)] if self._ducked else []
        refused = (self._refused or not theirs) and not ended
        self._over()
        self._refused = refused
        return said

    def _is_echo(self) -> bool:
        """Whether the whole run of voice was the twin's own."""
        return self.reference is not None and self._echo.judge(2 * self._elapsed, learn=False)

    def _is_speech(self) -> bool:
        run = np.array(self._sure[-self._elapsed:])
        return bool(len(run)) and float(np.mean(np.sort(run)[-max(1, self._voiced):])) >= 0.5
