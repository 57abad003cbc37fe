"""silero's voice activity model (MIT, in its wheel): how likely a window of sound is speech. For listening and for judging recordings alike.

The model file runs on onnxruntime, so torch need not be loaded. One model serves everyone; the state belongs to each Silero.
"""
from __future__ import annotations

import importlib.util
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np

from .errors import Missing

HZ = 16_000
CARRIED = Path(__file__).resolve().parents[1] / "assets" / "weights" / "silero_vad.onnx"
WINDOW, CONTEXT = 512, 64                                # samples the model takes, and those of the window before it sees again


class Silero:
    """Raises Missing where the package is not installed."""

    def __init__(self) -> None:
        self._model = _model()
        self.reset()

    def reset(self) -> None:
        self._state = np.zeros((2, 1, 128), np.float32)
        self._context = np.zeros(CONTEXT, np.float32)

    def probability(self, window: np.ndarray) -> float:
        """Of speech in float32 [512] at 16 kHz; moves the state on."""
        heard = np.concatenate([self._context, window])[None]
        out, self._state = self._model.run(None, {"input": heard, "state": self._state, "sr": np.array(HZ, np.int64)})
        self._context = window[-CONTEXT:]
        return float(out.reshape(-1)[0])


@lru_cache(maxsize=1)
def _model() -> Any:
    import onnxruntime
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    return onnxruntime.InferenceSession(str(model()), options, providers=["CPUExecutionProvider"])


def model() -> Path:
    """The model's file: beside the code, where an exported Space carries it, else in its wheel. Raises Missing."""
    if CARRIED.is_file():
        return CARRIED
    found = importlib.util.find_spec("silero_vad")       # not imported: that would bring torch, for a file
    if found is None or not found.origin:
        raise Missing("Finding speech in sound needs the package silero-vad.", "Install it: pip install silero-vad",
                      zh=("在声音里找话音需要 silero-vad。", "请安装：pip install silero-vad"))
    return Path(found.origin).parent / "data" / CARRIED.name
