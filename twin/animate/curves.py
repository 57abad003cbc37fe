"""The shapes of motion: dominance, bumps, smooth noise, the join of two pieces. Vectorised numpy, no state.

Everything is a function of time, so two neighbouring pieces that know each other's sounds draw the same curve; what they cannot know is
taken up by `join`, a critically damped return from where the face was to where it would be.
"""
from __future__ import annotations

import numpy as np

from .phones import FORWARD, FUNNEL, JAW, PART, PARTS, PUCKER, SPREAD, TONGUE, TUCK, Segments

# Reach in s before and after a sound, by articulator: rounding is prepared about 100 ms ahead.
BEFORE = np.zeros(len(PARTS))
AFTER = np.zeros(len(PARTS))
for _part, _before, _after in (
    (JAW, 0.060, 0.065), (PART, 0.050, 0.055), (PUCKER, 0.105, 0.075), (FUNNEL, 0.095, 0.075), (SPREAD, 0.070, 0.070),
    (TONGUE, 0.045, 0.045), (TUCK, 0.040, 0.040), (FORWARD, 0.060, 0.060),
):
    BEFORE[_part], AFTER[_part] = _before, _after


def articulate(segments: Segments, times: np.ndarray, loud: np.ndarray) -> np.ndarray:
    """Where the articulators are: [frames, PARTS]. Dominance functions after Cohen and Massaro (1993): each sound pulls towards its
    target with a weight that falls off on both sides; what it does not care about is left to its neighbours.
    `loud` [frames] scales jaw and parting."""
    middle = (segments.start + segments.end) / 2
    length = segments.end - segments.start
    half = np.where(segments.silent, np.maximum(0.2 * length, length / 2 - 0.05), np.maximum(0.015, 0.30 * length))
    away = times[:, None] - middle                        # [frames, n]
    beyond = np.maximum(0.0, np.abs(away) - half)[:, :, None]
    reach = np.where((away < 0)[:, :, None], BEFORE, AFTER) * np.where(segments.silent, 0.7, 1.0)[:, None]
    pull = np.exp(-((beyond / reach) ** 2)) * segments.weight
    target = segments.target.copy()
    target[:, JAW] *= np.where(segments.vowel, np.array([0.88, 1.04, 1.24])[segments.stress], 1.0)
    out = (pull * target).sum(1) / (pull.sum(1) + 1e-4)
    out[:, [JAW, PART]] *= loud[:, None]
    return out


def plateau(times: np.ndarray, spans, rise: float, fall: float) -> np.ndarray:
    """0..1 [frames]: 1 from start to end of each span, raised-cosine ramps of `rise` s before and `fall` s after; steeper, down to
    50 ms, where the next span is near: a short vowel between two closures is still seen."""
    out = np.zeros(len(times))
    for index, (start, end) in enumerate(spans):
        back = start - spans[index - 1][1] if index else 9.0
        on = spans[index + 1][0] - end if index + 1 < len(spans) else 9.0
        up = (times - start) / min(rise, max(0.05, 0.42 * back)) + 1
        down = (end - times) / min(fall, max(0.05, 0.42 * on)) + 1
        out = np.maximum(out, smooth(np.minimum(up, down)))
    return out


def smooth(x: np.ndarray) -> np.ndarray:
    """0..1 -> 0..1 with zero slope at both ends."""
    x = np.clip(x, 0.0, 1.0)
    return x * x * (3 - 2 * x)


def bump(times: np.ndarray, at: float, rise: float, fall: float) -> np.ndarray:
    """Up to 1 over `rise` s, reached at `at`, and down over `fall` s."""
    away = times - at
    return smooth(1 - np.where(away < 0, -away / rise, away / fall))


def noise(times: np.ndarray, seed: int, period: float) -> np.ndarray:
    """Smooth noise in about -1..1: four sines of unrelated periods, the same for one seed at any time."""
    phases = 2 * np.pi * np.array([chance(seed, k) for k in range(4)])
    rates = 2 * np.pi / (period * np.array([1.0, 1.618, 2.347, 0.731]))
    return np.sin(times[:, None] * rates + phases) @ np.array([0.40, 0.30, 0.20, 0.16])


def chance(seed: int, *keys: int) -> float:
    """A number in 0..1 that depends only on what is given (splitmix64)."""
    state = seed & 0xFFFFFFFFFFFFFFFF
    for key in keys:
        state = (state ^ (key & 0xFFFFFFFFFFFFFFFF)) + 0x9E3779B97F4A7C15 & 0xFFFFFFFFFFFFFFFF
        state = (state ^ state >> 30) * 0xBF58476D1CE4E5B9 & 0xFFFFFFFFFFFFFFFF
        state = (state ^ state >> 27) * 0x94D049BB133111EB & 0xFFFFFFFFFFFFFFFF
        state ^= state >> 31
    return state / 2**64


def join(track: np.ndarray, last: np.ndarray, slope: np.ndarray, settle: np.ndarray, fps: float) -> np.ndarray:
    """What to add to `track[2:]` so that it goes on from `last` with `slope` (per frame).

    track [2 + frames, channels]: its first two rows are the model at the two frames before; settle [channels] in s.
    The difference in place and speed dies away as a critically damped spring: no jump, no kink, no overshoot to speak of.
    """
    gap = last - track[1]
    speed = (slope - (track[1] - track[0])) * fps
    seconds = (np.arange(len(track) - 2)[:, None] + 1) / fps
    speed = np.clip(speed, -np.abs(gap) / settle - 0.3, np.abs(gap) / settle + 0.3)
    return (gap + (speed + gap / settle) * seconds) * np.exp(-seconds / settle)
