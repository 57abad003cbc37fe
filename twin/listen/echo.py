"""Is what the microphone hears the twin's own sound? It compares log energies in mel bands over time; numpy only.

Where a loudspeaker's sound is in the microphone, each band follows the same band of what was played, later and quieter: the lag with the
highest correlation gives it away. Each band's mean is removed first, so that the colour of loudspeaker and room does not matter. Once lag and
gain are known, what the echo would be is predicted frame by frame, and bands that lie over it are somebody else's: that is how a person is
heard who speaks over the twin. Loudness in bands instead of an adaptive filter, since the position of what was played is known to a few tenths
of a second only, a browser may already have cancelled part of the echo, and clocks of two devices drift.
"""
from __future__ import annotations

from functools import cache

import numpy as np

HZ = 16_000
HOP, SIZE = 256, 512                                     # samples: frames of 32 ms, every 16 ms
FRAMES = HZ / HOP                                        # a second
BANDS, LOW, HIGH = 24, 120.0, 7000.0                     # Hz of the outermost
KEPT = 56                                                # frames of the microphone that are remembered: 0.9 s
SPAN = 50                                                # that are compared: 0.8 s
EARLY, LATE = 0.3, 1.2                                   # s by which what is played may be known too late, and by which it is heard later
USUAL = 25                                               # frames that it is later, as long as nothing is known
LEAST = 12                                               # frames under which nothing is compared: 0.19 s
NEAR = 4                                                 # frames around the lag once found that count as the same
AGAIN = 0.08                                             # by which a correlation at another lag has to be higher to be preferred
DECAY = 1.2                                              # dB a frame by which a sound dies away in a room: RT60 of 0.8 s
OVER = 7.0                                               # dB by which a band lies over the noise to be heard, and over the echo to be somebody's
RANGE, LOUD, FADE = 12.0, 4, 0.1                         # dB under a band's loudest in which its gain is measured; frames it takes; dB it fades a time
SURE = 0.62                                              # correlation from which on it is an echo, and its gain is learnt
LONG = 40                                                # frames, where no echo was heard before
UNKNOWN = 0.45                                           # the same before lag and gain are known
HALF = 0.35                                              # correlation from which on there may be some echo, if a quiet one
UNDER = 4.0                                              # dB by which an echo that is not heard is taken to lie under the noise
SLOW = 0.3                                               # share of a new measurement of the gain
RISE = 0.03                                              # dB a frame that the noise floor may rise
SILENT, AUDIBLE = -100.0, -60.0                          # dB of digital silence; of what can be heard at all
KNOWN = 150                                              # frames of what was played that matter
SOFT, LEFT = 5.0, 0.01                                   # dB from silenced to untouched; what is left of a silenced band
WINDOW = 512                                             # samples heard at a time


class Echo:
    """Of one microphone. For each window: `hear` it, tell what was `played` where that is known anew, and take it `clean`."""

    def __init__(self) -> None:
        self.reset()

    def reset(self) -> None:
        self._tail = np.zeros(SIZE - HOP, np.float32)
        self._heard = np.full((KEPT, BANDS), SILENT, np.float32)
        self._spectra = np.zeros((2, SIZE // 2 + 1), np.complex64)
        self._rest = np.zeros(SIZE - HOP, np.float32)    # of the window before, to be added to the next
        self._floor: np.ndarray | None = None            # dB [BANDS] of the room's noise
        self._lag: int | None = None                     # frames
        self._most = np.full(BANDS, SILENT, np.float32)  # dB of the loudest that was played
        self._gain: np.ndarray | None = None             # dB [BANDS] of the echo over what was played
        self._played, self._ends = np.zeros((0, BANDS), np.float32), 0
        self.alike = 0.0                                 # -1..1: the best correlation with what was played, when last judged

    def hear(self, window: np.ndarray) -> np.ndarray:
        """float32 [512] at 16 kHz -> its energies, dB [2, BANDS]."""
        wave = np.concatenate([self._tail, window])
        self._tail = wave[len(wave) - (SIZE - HOP):]
        self._spectra = _spectra(wave)
        rows = _energies(self._spectra)
        self._heard = np.concatenate([self._heard[len(rows):], rows])
        for row in rows:
            if self._floor is None:
                self._floor = row.copy()
            self._floor = np.where(row < self._floor, 0.7 * self._floor + 0.3 * row, self._floor + RISE)
        self._ends += WINDOW
        return rows

    def played(self, sound: np.ndarray, ahead: int) -> None:
        """float32 [n] at 16 kHz, which ended (as far as is known) `ahead` samples after the window that was heard last."""
        rows = bands(sound) if len(sound) >= 2 * SIZE else np.zeros((0, BANDS), np.float32)
        if len(rows) and rows.max() > AUDIBLE:
            self._played, self._ends = np.maximum(rows, rows.max(0) - 45), -ahead
        else:
            self._played = np.zeros((0, BANDS), np.float32)

    def _there(self) -> np.ndarray:
        """What was played, up to the window heard last, as far as is known."""
        late = round(self._ends / HOP)
        if late <= 0:
            return self._played[: len(self._played) + late]
        return np.concatenate([self._played, np.full((late, BANDS), SILENT, np.float32)])[-KNOWN:]

    def judge(self, frames: int = SPAN, learn: bool = True) -> bool:
        """Is the last of what was heard (so many frames) an echo as a whole? With `learn` its lag and gain are learnt from it: not to be allowed
        while the twin is ducked."""
        there, frames = self._there(), min(frames, SPAN)
        self.alike = 0.0
        if len(there) < LEAST or self._floor is None:
            return False
        self.alike, lag = self._best(there, frames)
        sure = self.alike >= self._enough(frames)
        if learn and sure:
            self._lag = lag
            if frames >= SPAN // 2:
                self._learn(there, lag, frames)
        if self._gain is None:
            return self.alike >= UNKNOWN
        if self._lag is None:                            # none was heard so far: it would have to be turned up just now
            return frames >= LONG and self.alike >= SURE + AGAIN
        return sure and abs(lag - self._lag) <= 2 * NEAR

    def unheard(self) -> None:
        """Nobody was heard of late: the echo of what was played lies under the noise, if there is one."""
        there = self._there()
        if len(there) >= SPAN and self.alike < HALF:
            lag = USUAL if self._lag is None else self._lag
            self._learn(there, lag, SPAN - max(0, lag) // 2, UNDER)

    def clean(self) -> tuple[np.ndarray, np.ndarray, float]:
        """The window heard last without the echo, float32 [512], 16 ms late; its energies, dB [2, BANDS]; and how many bands are left.

        Bands that do not lie over the expected echo are silenced.
        """
        there, heard = self._there(), self._heard[-2:]
        if len(there) < LEAST:
            share = np.ones((2, BANDS), np.float32)
        elif self._gain is None:                         # all or nothing
            share = np.full((2, BANDS), float(self.alike < UNKNOWN), np.float32)
        else:
            over = heard - (self._expected(there, USUAL if self._lag is None else self._lag, 2) + self._gain)
            share = np.clip((over - OVER) / SOFT, 0, 1)
        share = np.maximum(share, LEFT)
        spectra = self._spectra * (share @ _spread())
        parts = np.fft.irfft(spectra, SIZE).astype(np.float32) * np.sqrt(SIZE * 96)
        first = self._rest + parts[0, :HOP]
        second = parts[0, HOP:] + parts[1, :HOP]
        self._rest = parts[1, HOP:]
        return np.concatenate([first, second]).astype(np.float32), heard + 20 * np.log10(share), float((share > 0.5).sum() / 2)

    def _enough(self, frames: int) -> float:
        """The correlation that tells an echo: the fewer frames, the higher chance reaches."""
        return SURE + max(0.0, 0.18 * (1 - frames / (SPAN / 2)))

    def _best(self, there: np.ndarray, frames: int) -> tuple[float, int]:
        """The highest correlation of the last frames with what was played, and its lag in frames."""
        early, late = round(EARLY * FRAMES), round(LATE * FRAMES)
        need = frames + late
        there = there[-need:]
        if len(there) < LEAST:
            return 0.0, 0
        there = np.pad(there, ((max(0, need - len(there)), early), (0, 0)), constant_values=np.nan)
        assert self._floor is not None
        heard = np.maximum(self._heard[-frames:], self._floor + 3)
        known = ~np.isnan(there[:, 0])
        there = np.where(known[:, None], there, 0)
        # lag l pairs heard[t] with there[late - l + t]; l runs from late down to -early
        count = len(there) - frames + 1
        windows = np.lib.stride_tricks.sliding_window_view(there, frames, 0)[:count]          # [lags, BANDS, frames]
        weight = np.lib.stride_tricks.sliding_window_view(known.astype(np.float32), frames)[:count]
        n = weight.sum(1)
        x = heard - heard.mean(0)
        sx, sxx = weight @ x, weight @ (x * x)                                                # [lags, BANDS]
        sy, syy = windows.sum(2), np.einsum("lbt,lbt->lb", windows, windows)
        sxy = np.einsum("lbt,tb->lb", windows, x)
        many = np.maximum(n, 1)[:, None]
        xy, xx, yy = (sxy - sx * sy / many).sum(1), (sxx - sx * sx / many).sum(1), (syy - sy * sy / many).sum(1)
        score = np.where((n >= max(LEAST, 0.6 * frames)) & (xx > n * 4) & (yy > n * 4), xy / np.sqrt(np.maximum(xx * yy, 1e-6)), 0.0)
        lags = late - np.arange(count)
        best = int(score.argmax())
        if self._lag is not None:
            near = np.where(np.abs(lags - self._lag) <= NEAR, score, -1.0)
            if near.max() > score[best] - AGAIN:
                best = int(near.argmax())
        return float(score[best]), int(lags[best])

    def _expected(self, there: np.ndarray, lag: int, frames: int) -> np.ndarray:
        """What was played as it would be heard in the last frames, dB [frames, BANDS], before the gain: dying away slowly, and a few frames to either side."""
        ahead = round(EARLY * FRAMES)
        spread = np.pad(there, ((0, 2), (0, 0)), mode="edge")
        spread = np.maximum(np.maximum(spread[:-2], spread[1:-1]), spread[2:])
        fall = DECAY * np.arange(len(spread), dtype=np.float32)[:, None]
        spread = np.maximum.accumulate(spread + fall) - fall
        spread = np.concatenate([spread, np.broadcast_to(spread[-ahead:].max(0), (ahead, BANDS))])       # heard before it is known: at most as loud as of late
        at = np.clip(len(spread) - ahead - frames - lag + np.arange(frames), 0, len(spread) - 1)
        return spread[at]

    def _learn(self, there: np.ndarray, lag: int, frames: int, under: float = 0.0) -> None:
        self._most = np.maximum(self._most - FADE, there.max(0))
        expected, heard = self._expected(there, lag, frames), self._heard[-frames:]
        loud = expected > self._most - RANGE
        known = loud.sum(0) >= LOUD                      # the others were not played of late: what is heard there is noise
        if not known.any():
            return
        fresh = np.ma.median(np.ma.masked_where(~loud, heard - expected), 0).filled(0.0) - under
        if self._gain is None:
            self._gain = np.where(known, fresh, np.median(fresh[known]))
        self._gain = np.where(known, (1 - SLOW) * self._gain + SLOW * fresh, self._gain)


def bands(wave: np.ndarray) -> np.ndarray:
    """float32 [n] at 16 kHz -> log energies, dB [1 + (n - SIZE) // HOP, BANDS]."""
    return _energies(_spectra(wave))


def _spectra(wave: np.ndarray) -> np.ndarray:
    frames = np.lib.stride_tricks.sliding_window_view(np.asarray(wave, np.float32), SIZE)[::HOP]
    return np.fft.rfft(frames * _hann())


def _energies(spectra: np.ndarray) -> np.ndarray:
    power = (spectra.real ** 2 + spectra.imag ** 2).astype(np.float32) @ _triangles()
    return 10 * np.log10(power + 1e-10)


@cache
def _spread() -> np.ndarray:
    """float32 [BANDS, bins]: what is decided for bands, for bins; the outermost bands decide beyond them too."""
    weights = _triangles().T.copy()
    first, last = weights[0].argmax(), weights[-1].argmax()
    weights[0, :first], weights[-1, last:] = 1.0, 1.0
    return weights / weights.sum(0)


@cache
def _hann() -> np.ndarray:
    return (np.hanning(SIZE + 1)[:-1] / np.sqrt(SIZE * 96)).astype(np.float32)          # a sine of amplitude 1 gives about 0 dB


@cache
def _triangles() -> np.ndarray:
    """float32 [bins, BANDS]: triangles evenly spaced in mel (O'Shaughnessy's)."""
    def mel(hertz):
        return 1127.0 * np.log1p(np.asarray(hertz, float) / 700.0)
    step = (mel(HIGH) - mel(LOW)) / (BANDS + 1)
    at = (mel(np.linspace(0, HZ / 2, SIZE // 2 + 1)) - mel(LOW)) / step
    return np.clip(1 - np.abs(at[:, None] - np.arange(1, BANDS + 1)), 0, 1).astype(np.float32)
