"""Raw espeak sound -> pleasant sound: resampled to 24 kHz, without DC, gently equalised, limited, faded. Numpy only."""
from __future__ import annotations

from functools import cache

import numpy as np

from twin.types import RATE

LOUDNESS = 0.1                                           # RMS of the sounding parts: -20 dB of full scale
KNEE, CEILING = 0.60, 0.95                               # above KNEE peaks are rounded off, none passes CEILING
FADE = 72                                                # samples = 3 ms
# Hz, dB. No rumble; then half-way from the long-term spectrum of espeak's voices to that of 67 human readers (LibriSpeech): more body at
# 100-250 Hz and more air at 4-8 kHz than espeak has, less of its honk at 1 kHz and of its buzz at 3 kHz.
CURVE = (
    (0, -60), (40, -24), (70, -2), (110, 2), (150, 3), (220, 2.5), (320, 1.5), (600, 0), (900, -1.5), (1300, -1.5), (1800, 0), (2300, 0),
    (2700, -0.5), (3200, -2.5), (3700, -1.5), (4400, 1), (5200, 3), (6500, 3), (8000, 1.5), (9500, -1), (10600, -6), (12000, -60),
)


@cache
def _gains(bins: int) -> np.ndarray:
    frequencies = np.linspace(0.0, RATE / 2, bins)
    hertz, decibels = np.array(CURVE, float).T
    return (10 ** (np.interp(frequencies, hertz, decibels) / 20)).astype(np.float32)


def shape(samples: np.ndarray, rate: int) -> np.ndarray:
    """int16 [n] at espeak's 22,050 Hz -> float32 [n * 160 / 147] at 24 kHz, equalised, not yet levelled. Resampling and equaliser
    are one pass through the spectrum (band-limited, zero phase), some 1 ms for a clause of 4 s."""
    unit = 147 * RATE // (160 * 150)                     # 147 samples in are 160 out
    if rate * 160 != RATE * 147:
        raise ValueError(f"espeak-ng is expected at 22,050 Hz, not {rate}")
    blocks = _smooth(len(samples) // unit + 8)           # at least 46 ms of silence: the spectrum is a circle
    spectrum = np.fft.rfft(samples.astype(np.float32) / 32768.0, blocks * unit)
    wide = np.zeros(blocks * 80 + 1, spectrum.dtype)
    wide[: len(spectrum)] = spectrum
    sound = np.fft.irfft(wide * _gains(len(wide)), blocks * 160) * (160 / 147)
    return sound[: len(samples) * 160 // 147].astype(np.float32)


def _smooth(least: int) -> int:
    """The next number of blocks with only factors 2, 3, 5: quick to transform, and few enough that the gains stay cached."""
    size = 1
    while size < least:
        size *= 2
    return min(s for s in (size, size * 3 // 4, size * 5 // 8) if s >= least) if size >= 8 else size


def loudness(sound: np.ndarray) -> float:
    """RMS of the parts that sound: 20 ms frames within 30 dB of the loudest."""
    frames = sound[: len(sound) // 480 * 480].reshape(-1, 480)
    if not len(frames):
        return 0.0
    power = (frames.astype(np.float64) ** 2).mean(1)
    return float(np.sqrt(power[power > power.max() * 1e-3].mean())) if power.max() > 0 else 0.0


def limit(sound: np.ndarray) -> np.ndarray:
    """Peaks above KNEE bent smoothly so that nothing passes CEILING."""
    over = np.abs(sound) - KNEE
    room = CEILING - KNEE
    bent = np.sign(sound) * (KNEE + room * np.tanh(over / room))
    return np.where(over > 0, bent, sound).astype(np.float32)


def fade(sound: np.ndarray) -> np.ndarray:
    """Both ends brought to zero over 3 ms, in place."""
    size = min(FADE, len(sound) // 2)
    ramp = (0.5 - 0.5 * np.cos(np.pi * np.arange(size) / max(1, size))).astype(np.float32)
    sound[:size] *= ramp
    sound[len(sound) - size:] *= ramp[::-1]
    return sound
