"""A voice as numbers and back: F0, spectral envelope and aperiodicity every 5 ms (WORLD, Morise 2016), and a synthesis that can be fed piece
by piece. Knows nothing of texts, voices and networks.

The analysis is pyworld's. The synthesis is our own, after WORLD's: pyworld's wants a whole sentence, and the pulses of two pieces made apart
do not meet. Here phase, noise and the tail of the last pulses are carried along, so a sentence made in pieces is the sentence made at once.
"""
from __future__ import annotations

from functools import cache

import numpy as np
import scipy.fft
import scipy.signal

from twin.errors import Missing
from twin.types import RATE

HOP = 120                                                # samples = 5 ms: one frame
SIZE = 1024                                              # of the spectra: CheapTrick's at 24 kHz for F0 from 71 Hz
BINS = SIZE // 2 + 1
BANDS = 60                                               # log envelope at as many points, evenly spaced in mel
NOISES = 3                                               # aperiodicity at 3, 6 and 9 kHz
LOW, HIGH = 65.0, 500.0                                  # Hz, F0
UNVOICED = 500.0                                         # pulses a second where there is no F0: each carries noise alone
EARLY = 24                                               # samples = 1 ms that all sound is late
FLOOR = -16.0                                            # log power of silence: far below 16 bits


def mel(hertz):
    """O'Shaughnessy's."""
    return 1127.0 * np.log1p(np.asarray(hertz, float) / 700.0)


@cache
def decoder() -> np.ndarray:
    """float32 [BANDS, BINS]: log envelope at the bands -> at the bins, linear in mel."""
    at = mel(np.linspace(0, RATE / 2, BINS)) / mel(RATE / 2) * (BANDS - 1)
    low = np.minimum(at.astype(int), BANDS - 2)
    out = np.zeros((BANDS, BINS), np.float32)
    out[low, np.arange(BINS)] = 1 - (at - low)
    out[low + 1, np.arange(BINS)] = at - low
    return out


@cache
def encoder() -> np.ndarray:
    """float32 [BINS, BANDS]: the least-squares inverse of `decoder`."""
    return np.linalg.pinv(decoder().astype(np.float64)).astype(np.float32)


@cache
def centres() -> np.ndarray:
    """Hz of the bands, [BANDS]."""
    return 700.0 * np.expm1(np.linspace(0, mel(RATE / 2), BANDS) / 1127.0)


def analyse(sound: np.ndarray, noise: bool = True, low: float = LOW, high: float = HIGH) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """float [n] at 24 kHz -> F0 in Hz, 0 where unvoiced, float32 [frames]; log power envelope [frames, BANDS]; aperiodicity in dB, -60..0,
    [frames, NOISES] (zeros without `noise`). frames = n // HOP + 1. Raises Missing."""
    try:
        import pyworld
    except ImportError as error:
        raise Missing("A voice of one's own needs the package pyworld.", "Install it: pip install pyworld") from error
    wave = np.ascontiguousarray(sound, np.float64)
    f0, times = pyworld.dio(wave, RATE, f0_floor=low, f0_ceil=high, frame_period=1000 * HOP / RATE)
    f0 = pyworld.stonemask(wave, f0, times, RATE)
    power = pyworld.cheaptrick(wave, f0, times, RATE, fft_size=SIZE)
    envelope = np.maximum(np.log(power + 1e-12), FLOOR).astype(np.float32) @ encoder()
    if not noise:
        return f0.astype(np.float32), envelope, np.zeros((len(f0), NOISES), np.float32)
    ratio = pyworld.code_aperiodicity(pyworld.d4c(wave, f0, times, RATE, fft_size=SIZE), RATE)
    return f0.astype(np.float32), envelope, np.clip(ratio, -60, 0).astype(np.float32)


@cache
def _spread() -> np.ndarray:
    """float32 [NOISES + 2, BINS]: aperiodicity in dB at 0, 3, 6, 9, 12 kHz -> at the bins."""
    at = np.linspace(0, RATE / 2, BINS) / 3000
    return np.stack([np.clip(1 - np.abs(at - k), 0, 1) for k in range(NOISES + 2)]).astype(np.float32)


@cache
def _fold() -> np.ndarray:
    """Cepstrum of a magnitude -> that of its minimum phase."""
    out = np.zeros(SIZE, np.float32)
    out[0] = out[SIZE // 2] = 1
    out[1: SIZE // 2] = 2
    return out


@cache
def _rumble() -> np.ndarray:
    """What lies below any F0 is no voice."""
    return scipy.signal.butter(4, 55, "highpass", fs=RATE, output="sos")


class Synthesis:
    """Frames in, samples out; what was begun in one call goes on in the next."""

    def __init__(self, seed: int = 1):
        self._phase, self._next = 0.0, 0.0               # of the glottis, 0..1; fraction of a sample the last pulse lay before its own
        self._tail = np.zeros(SIZE, np.float32)
        self._rest = np.zeros((len(_rumble()), 2))
        self._random = np.random.default_rng(seed)

    def feed(self, f0: np.ndarray, envelope: np.ndarray, noise: np.ndarray) -> np.ndarray:
        """[n + 1], [n + 1, BANDS], [n + 1, NOISES], of which the last frame is the next call's first -> float32 [n * HOP]."""
        frames = len(f0) - 1
        count = frames * HOP
        at = np.arange(count) / HOP
        left = np.minimum(at.astype(int), frames - 1)
        part = (at - left).astype(np.float32)
        a, b = f0[left], f0[left + 1]
        voiced = np.where(part < 0.5, a, b) > 0
        hertz = np.where(voiced, np.where(a > 0, np.where(b > 0, a + (b - a) * part, a), b), UNVOICED)
        phase = self._phase + np.cumsum(hertz / RATE)
        turns = np.floor(phase)
        pulses = np.flatnonzero(np.diff(turns, prepend=np.floor(self._phase)) > 0)
        self._phase = float(phase[-1] - turns[-1]) if count else self._phase
        out = np.zeros(count + SIZE, np.float32)
        out[:SIZE] += self._tail
        if len(pulses):
            late = ((phase[pulses] - turns[pulses]) * RATE / hertz[pulses]).astype(np.float32)   # samples since the wrap
            self._add(out, pulses, late, hertz[pulses].astype(np.float32), voiced[pulses], left[pulses], part[pulses][:, None], envelope, noise)
        self._tail = out[count:].copy()
        sound, self._rest = scipy.signal.sosfilt(_rumble(), out[:count], zi=self._rest)
        return sound.astype(np.float32)

    def _add(self, out, pulses, late, hertz, voiced, left, part, envelope, noise) -> None:
        frame = envelope[left] * (1 - part) + envelope[left + 1] * part
        decibels = noise[left] * (1 - part) + noise[left + 1] * part
        ends = np.column_stack([np.full(len(pulses), -60, np.float32), decibels, np.full(len(pulses), -0.5, np.float32)])
        ratio = np.where(voiced[:, None], 10 ** (ends @ _spread() / 10), 1.0).astype(np.float32)     # of noise in the power
        log = 0.5 * (frame @ decoder())                                                            # magnitude
        cepstrum = scipy.fft.irfft(log, SIZE, axis=1, workers=1)
        spectrum = np.exp(scipy.fft.rfft(cepstrum * _fold(), axis=1, workers=1))                    # minimum phase
        # each pulse's noise lasts until the next pulse: white, of its period's length
        lengths = np.maximum(np.diff(pulses, append=pulses[-1] + round(RATE / float(hertz[-1]))), 1)
        white = self._random.standard_normal((len(pulses), SIZE), dtype=np.float32)
        inside = np.arange(SIZE) < lengths[:, None]
        white = (white - (white * inside).sum(1, keepdims=True) / lengths[:, None]) * inside        # without a mean: breath doesn't rumble
        rough = scipy.fft.rfft(white, axis=1, workers=1) * np.sqrt(ratio)
        # the true instant lies `late` before the sample; all is delayed by EARLY, or what sounds before it would wrap round to the end
        shift = np.exp((-2j * np.pi / SIZE) * np.outer(EARLY - late, np.arange(BINS, dtype=np.float32))).astype(np.complex64)
        smooth = np.sqrt(np.maximum(1 - ratio, 0)) * np.sqrt(RATE / hertz)[:, None] * shift
        waves = scipy.fft.irfft(spectrum * (rough + smooth), SIZE, axis=1, workers=1)
        for pulse, wave in zip(pulses, waves, strict=True):
            out[pulse: pulse + SIZE] += wave
