"""Finding utterances in a microphone's stream: silero's voice activity model (MIT, in its wheel) and a little patience.

The model file runs on onnxruntime, so torch need not be loaded to listen. One model serves everyone; the state belongs to the Endpointer.
"""
from __future__ import annotations

import importlib.util
from functools import lru_cache
from pathlib import Path
from typing import Literal

import numpy as np

from ..errors import Missing
from ..types import Audio

HZ = 16_000
WINDOW, CONTEXT = 512, 64                                # samples the model takes at 16 kHz, and those of the window before it sees again
START, STOP = 0.5, 0.35                                  # probability to begin and to go on (silero's own advice: stop 0.15 below start)
BEGIN = 3                                                # windows of 32 ms in a row before it counts as speech: a cough isn't one
PAUSE = 0.6                                              # s of silence that end an utterance
BEFORE = 0.3                                             # s kept from before the first sound, for the consonant that the model missed
SHORTEST, LONGEST = 0.25, 20.0                           # s of speech worth recognising; a longer one is cut there

Said = tuple[Literal["speech", "silence", "utterance"], Audio | None]


@lru_cache(maxsize=1)
def _model():
    import onnxruntime
    found = importlib.util.find_spec("silero_vad")       # not imported: that would bring torch, for a file
    if found is None or not found.origin:
        raise Missing("Hands-free listening needs the package silero-vad.", "Install it: pip install silero-vad")
    path = Path(found.origin).parent / "data" / "silero_vad.onnx"
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    return onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])


class Endpointer:
    """Push int16 samples at 16 kHz; it says when speech begins, when it ends, and hands over the utterance."""

    def __init__(self, pause: float = PAUSE):
        self.pause = pause
        self._model = _model()
        self.reset()

    def reset(self) -> None:
        self._state = np.zeros((2, 1, 128), np.float32)
        self._context = np.zeros(CONTEXT, np.float32)
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

    def probability(self, window: np.ndarray) -> float:
        """Of speech in float32 [512]; moves the model's state on."""
        heard = np.concatenate([self._context, window])[None]
        out, self._state = self._model.run(None, {"input": heard, "state": self._state, "sr": np.array(HZ, np.int64)})
        self._context = window[-CONTEXT:]
        return float(out.reshape(-1)[0])

    def _step(self, window: np.ndarray) -> list[Said]:
        p = self.probability(window)
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
