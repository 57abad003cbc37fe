"""Sound -> how loud and how high it is, frame by frame. Numpy only."""
from __future__ import annotations

import numpy as np

from twin.types import Audio

WINDOW = 0.040                                           # s
LOW, HIGH = 70.0, 420.0                                  # Hz: where F0 is looked for
REFERENCE = 0.1                                          # RMS of normal speech


def measure(audio: Audio, times: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """RMS [frames] and F0 in Hz [frames] (0 where unvoiced) around each time in s. F0 by autocorrelation at 8 kHz."""
    step = max(1, round(audio.rate / 8000))
    usable = len(audio.samples) // step * step
    slow = audio.samples[:usable].reshape(-1, step).mean(1) if usable else np.zeros(1, np.float32)
    rate = audio.rate / step
    size = int(WINDOW * rate)
    first = np.clip((times * rate - size / 2).astype(int), 0, max(0, len(slow) - size))
    padded = np.pad(slow, (0, max(0, size - len(slow))))
    frames = padded[first[:, None] + np.arange(size)]     # [frames, size]
    rms = np.sqrt((frames ** 2).mean(1))
    centred = frames - frames.mean(1, keepdims=True)
    spectrum = np.fft.rfft(centred, 2 * size)
    like = np.fft.irfft(spectrum.real ** 2 + spectrum.imag ** 2)[:, :size]
    like = like / (like[:, :1] + 1e-9) / (1 - np.arange(size) / size + 0.05)
    low, high = int(rate / HIGH), min(size - 1, int(rate / LOW))
    lag = low + like[:, low:high].argmax(1)
    voiced = (like[np.arange(len(lag)), lag] > 0.5) & (rms > 0.01)
    return rms, np.where(voiced, rate / lag, 0.0)


def loud(rms: np.ndarray) -> np.ndarray:
    """RMS -> 0.8..1.2, how much wider than usual the mouth opens, smoothed over about 150 ms."""
    level = np.clip(np.log10(np.maximum(rms, 1e-4) / REFERENCE), -0.6, 0.4)
    kernel = np.hanning(11)[1:-1]
    kernel /= kernel.sum()
    level = np.convolve(np.pad(level, 4, mode="edge"), kernel, "valid")
    return 1.0 + np.where(level < 0, 0.30, 0.5) * level
