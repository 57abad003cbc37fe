"""Whether two recordings are of one speaker, by Resemblyzer's encoder (Wan et al. 2018, "Generalized end-to-end loss"; the weights come in the wheel).

Thresholds are those that `python -m bench consent` measures and prints. It compares voices; it can't tell a person from a good imitation of one.
"""
from __future__ import annotations

import threading
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np

from ..errors import Missing

HZ = 16_000
SAME = 0.72              # cosine to all samples together, from which it is one speaker
EACH = 0.60              # cosine to each sample alone: short ones are less sure
SHORT = 1.6              # s: the encoder's own window; a sample with less speech is not compared alone
LONGEST = 30.0           # s of one recording that are looked at
LOUD = 0.05              # RMS to which everything is brought
_GUARD = threading.Lock()


@dataclass(frozen=True)
class Likeness:
    """`together`: cosine to the mean of all samples; `least`: the smallest cosine to one of them, `worst` its name."""
    together: float
    least: float
    worst: str = ""

    @property
    def same(self) -> bool:
        return self.together >= SAME and self.least >= EACH


def ready() -> bool:
    """Whether voices can be compared here."""
    try:
        _encoder()
    except Missing:
        return False
    return True


def embedding(sound: np.ndarray) -> np.ndarray:
    """float32 [256] of length 1, of float32 [n] mono speech at 16 kHz. Raises Missing without resemblyzer."""
    encoder = _encoder()
    sound = np.nan_to_num(sound[: int(LONGEST * HZ)]).astype(np.float32)
    with _GUARD:
        return np.asarray(encoder.embed_utterance(sound / np.sqrt((sound ** 2).mean() + 1e-12) * np.float32(LOUD)), np.float32)


def alike(reading: np.ndarray, samples: Mapping[str, np.ndarray]) -> Likeness:
    """A reading against every sample of a voice (name -> float32 [n], speech alone, 16 kHz). Raises Missing without resemblyzer, ValueError without
    samples."""
    if not samples:
        raise ValueError("there is no sample to compare with")
    one = embedding(reading)
    each = {name: embedding(sound) for name, sound in samples.items()}
    centre = np.sum([each[name] * len(samples[name]) for name in each], 0)
    alone = {name: float(one @ each[name]) for name in each if len(samples[name]) >= SHORT * HZ} or {"": 1.0}
    worst = min(alone, key=lambda name: alone[name])
    return Likeness(float(one @ centre / np.linalg.norm(centre)), alone[worst], worst)


@cache
def _encoder() -> Any:
    try:
        from resemblyzer import VoiceEncoder
    except ImportError:
        raise Missing("Comparing voices needs the package resemblyzer.", "pip install --no-deps -r requirements-embedded.txt",
                      zh=("比较声音需要 resemblyzer。", "请运行 pip install --no-deps -r requirements-embedded.txt")) from None
    import torch
    threads = torch.get_num_threads()
    encoder = VoiceEncoder("cpu", verbose=False)
    torch.set_num_threads(threads)
    return encoder
