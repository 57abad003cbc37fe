"""What a face does when nobody has told it what to do: it blinks, breathes through its head, looks about. As idle.js, for films.

Every value is a function of time and a seed, so two runs are alike at any frame rate.
"""
from __future__ import annotations

from collections.abc import Callable
from math import cos, exp, floor, pi, sin

import numpy as np

from twin.types import CHANNELS, FULL, SIGNED

BREATH = 4.3                                             # s from one breath to the next, as in face.js
MOUTH, HEAD = 0.12, 0.3                                  # s of blending between idling and speaking, as in player.js
AT = {name: k for k, name in enumerate(CHANNELS)}
_HEADS = np.array([name.startswith(("head", "gaze", "eye")) for name in CHANNELS])


class Idle:
    """An idle or speaking face. `pose` is to be asked for in the order of time."""

    def __init__(self, seed: int = 1):
        self.seed = seed
        self.blinks = _Events(seed, 2.0, 6.2)            # s from one to the next: 10 to 20 a minute
        self.glances = _Events(seed + 1, 0.7, 2.9)
        self.mix = {"idle": 1.0, "speaking": 0.0}
        self.last: float | None = None

    def pose(self, t: float, state: str = "idle") -> np.ndarray:
        """Weights [57] at t s; `state` is idle or speaking."""
        out = np.zeros(len(CHANNELS))
        dt = 10.0 if self.last is None else max(0.0, min(0.25, t - self.last))
        self.last = t
        for name in self.mix:
            self.mix[name] += ((name == state) - self.mix[name]) * (1 - exp(-dt / 0.28))
        self._blink(t, out)
        self._sway(t, out)
        self._look(t, out)
        return out

    def _blink(self, t: float, out: np.ndarray) -> None:
        """Shut in 70 ms, open again in 150; every seventh is a double; now and then a lid stays half open."""
        shut = 0.0
        for k in self.blinks.near(t):
            since = t - self.blinks.time(k)
            shut = max(shut, (0.6 if chance(self.seed, k, 5) < 0.08 else 1.0) * _blink_at(since))
            if chance(self.seed, k, 6) < 0.14:
                shut = max(shut, _blink_at(since - 0.29))
        for name, part in (("eyeBlink", 1.0), ("eyeSquint", 0.10), ("browDown", 0.04)):
            for side in ("Left", "Right"):
                out[AT[name + side]] += part * shut

    def _sway(self, t: float, out: np.ndarray) -> None:
        s = self.seed * 7.3
        out[AT["headYaw"]] += 0.030 * drift(t * 0.11, s) + 0.012 * drift(t * 0.31, s + 1)
        out[AT["headPitch"]] += 0.016 * drift(t * 0.13, s + 2) + 0.006 * sin(2 * pi * t / BREATH)
        out[AT["headRoll"]] += 0.018 * drift(t * 0.09, s + 3)
        warm = 0.05 + 0.04 * drift(t * 0.07, s + 4)
        out[AT["mouthSmileLeft"]] += warm + 0.012 * drift(t * 0.17, s + 5)
        out[AT["mouthSmileRight"]] += warm
        out[AT["browInnerUp"]] += max(0.0, 0.07 * drift(t * 0.15, s + 6))

    def _look(self, t: float, out: np.ndarray) -> None:
        """Small saccades about what is looked at, now and then a real look aside."""
        free = self.mix["idle"] + 0.5 * self.mix["speaking"]
        k = self.glances.index(t)
        ease = _smooth((t - self.glances.time(k)) / 0.045)
        before, now = (np.array([0.035 * (2 * chance(self.seed, i, 9) - 1), 0.020 * (2 * chance(self.seed, i, 10) - 1)])
                       * (3.2 if chance(self.seed, i, 11) < 0.16 else 1) for i in (k - 1, k))
        out[[AT["gazeX"], AT["gazeY"]]] += free * (before + (now - before) * ease)


class _Events:
    """Things that happen now and then, the same ones for the same seed, whenever one asks."""

    def __init__(self, seed: int, least: float, most: float):
        self.seed, self.least, self.most, self.step = seed, least, most, (least + most) / 2

    def time(self, k: int) -> float:
        return (k + (chance(self.seed, k, 1) - 0.5) * (self.most - self.least) / 2 / self.step) * self.step

    def index(self, t: float) -> int:
        """The newest event at or before t."""
        k = floor(t / self.step) + 1
        while self.time(k) > t:
            k -= 1
        return k

    def near(self, t: float) -> tuple[int, int]:
        k = self.index(t)
        return k - 1, k


def chance(a: int, b: int, c: int) -> float:
    """A fixed random number in 0..1 of three integers, the same one as in idle.js."""
    def times(x: int, y: int) -> int:
        return x * y & 0xFFFFFFFF
    h = times(a & 0xFFFFFFFF, 374761393) ^ times(b & 0xFFFFFFFF, 668265263) ^ times(c & 0xFFFFFFFF, 2147483647)
    h = times(h ^ h >> 13, 1274126177)
    h = times(h ^ h >> 16, 2246822519)
    return (h ^ h >> 15) / 2**32


def drift(t: float, seed: float) -> float:
    """Smooth noise in -1..1."""
    k, s = floor(t), floor(seed * 10 + 0.5)
    f = t - k
    low, high = 2 * chance(s, k, 77) - 1, 2 * chance(s, k + 1, 77) - 1
    return low + (high - low) * f * f * f * (f * (6 * f - 15) + 10)


def breath(t: float) -> float:
    """How much is breathed in at t s, 0..1: in for two fifths, out for the rest, with a pause. As face.js."""
    phase = (t / BREATH) % 1
    if phase < 0.4:
        return 0.5 - 0.5 * cos(pi * phase / 0.4)
    return 0.5 + 0.5 * cos(pi * (phase - 0.4) / 0.45) if phase < 0.85 else 0.0


def blended(frames: int, fps: float, track: Callable[[int], np.ndarray | None], seed: int = 1) -> np.ndarray:
    """Real weights [frames, 57] of a face that idles where `track` gives None for a frame, and says what it gives where not (uint8 [57]);
    going over from one to the other as the page does (player.js)."""
    idle, out = Idle(seed), np.zeros((frames, len(CHANNELS)))
    mouth = head = 0.0
    said = np.zeros(len(CHANNELS))
    signed = len(CHANNELS) - len(SIGNED)
    for k in range(frames):
        row = track(k)
        if row is not None:
            said = row / 255.0
            said[signed:] = (row[signed:].astype(float) - 128) / 127 * FULL
        way = 1 if row is not None else -1
        mouth, head = (min(1.0, max(0.0, value + way / fps / time)) for value, time in ((mouth, MOUTH), (head, HEAD)))
        share = np.where(_HEADS, _smooth(head), _smooth(mouth))
        pose = idle.pose(k / fps, "idle" if row is None else "speaking")
        out[k] = pose + (said - pose) * share
    return out


def _smooth(x: float) -> float:
    t = max(0.0, min(1.0, x))
    return t * t * (3 - 2 * t)


def _blink_at(s: float) -> float:
    """How far a lid is shut, `s` seconds into a blink."""
    if s <= 0 or s >= 0.24:
        return 0.0
    return _smooth(s / 0.07) if s < 0.07 else 1.0 if s < 0.09 else 1 - _smooth((s - 0.09) / 0.15)
