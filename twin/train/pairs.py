"""The embedded voice and a reader saying the same sentence -> which frame of one goes with which of the other.

Dynamic time warping (Sakoe & Chiba 1978) over cepstra of the envelopes, neither with its pauses: how long a reader holds them says nothing
about the sound. A step of the path goes one frame on one side for one or two on the other.
"""
from __future__ import annotations

import math

import numpy as np
import scipy.fft
from numba import njit

QUIET = 38.0                                             # dB below the loudest frames: a pause
SHORTEST = 16                                            # frames = 80 ms: a shorter silence belongs to a stop consonant
COEFFICIENTS = 24
BAND = 0.12                                              # of the length: how far two who say the same are apart, their pauses left out
FAR = np.float32(1e9)                                    # costs more than any path
LONG, COARSE = 1600, 6                                   # steps of 10 ms that are warped at once; how many become one to find the way in more


def cepstra(envelope: np.ndarray) -> np.ndarray:
    """[frames, bands] log envelope -> [frames, COEFFICIENTS + 12], evened out over the sentence: shape, then its movement."""
    shape = scipy.fft.dct(envelope, axis=1, norm="ortho")[:, :COEFFICIENTS]
    shape = (shape - shape.mean(0)) / (shape.std(0) + 1e-6)
    moved = np.zeros_like(shape[:, :12])
    if len(shape) > 8:
        moved[4:-4] = (shape[8:, :12] - shape[:-8, :12]) * 0.7
    return np.concatenate([shape, moved], 1).astype(np.float32)


def sounding(envelope: np.ndarray) -> np.ndarray:
    """bool [frames]: not in a pause."""
    level = 10 / np.log(10) * envelope.mean(1)           # of the logs: a hum in one band is no speech
    power = 10 * np.log10(np.exp(envelope).mean(1))
    loud = (power > np.percentile(power, 98) - QUIET) & (level > np.percentile(level, 95) - 1.4 * QUIET)
    out = np.ones(len(loud), bool)
    edges = np.flatnonzero(np.diff(np.concatenate([[1], loud.astype(int), [1]])))
    for start, end in zip(edges[::2], edges[1::2], strict=False):
        if end - start >= SHORTEST or start == 0 or end == len(loud):
            out[start:end] = False
    return out


def warp(a: np.ndarray, b: np.ndarray) -> tuple[np.ndarray, float]:
    """Features [n, d] and [m, d] -> the path int [k, 2] and its mean cost. A path must exist: n and m within a factor of two."""
    n, m = len(a), len(b)
    cost = np.sqrt(np.maximum((a ** 2).sum(1)[:, None] + (b ** 2).sum(1)[None] - 2 * a @ b.T, 0))
    came, whole = _ways(cost, BAND * (n + m) / 2 + 24)
    if whole >= FAR / 2:
        raise ValueError("the two are too different in length")
    path: list[tuple[int, int]] = []
    x, y = n - 1, m - 1
    while x > 0 or y > 0:
        path.append((x, y))
        step = came[x, y]
        x, y = x - (2 if step == 2 else 1), y - (2 if step == 1 else 1)
    path.append((0, 0))
    return np.array(path[::-1]), float(whole) / (n + m)


@njit(cache=True, nogil=True)
def _ways(cost: np.ndarray, band: float) -> tuple[np.ndarray, float]:
    """By which step each cell is reached best, int8 [n, m], and what the whole way costs; cells within `band` frames of the straight way
    (Sakoe & Chiba's window)."""
    n, m = cost.shape
    half = np.float32(0.5)
    total = np.full((n + 2, m + 2), FAR)                 # shifted by two, so that steps may look outside
    came = np.zeros((n, m), np.int8)
    total[2, 2] = cost[0, 0]
    for i in range(n):
        low, high = math.ceil((i * m - band * (n + m)) / n), math.floor((i * m + band * (n + m)) / n)
        for j in range(max(0, low, 0 if i else 1), min(m - 1, high) + 1):
            best, step = total[i + 1, j + 1], 0
            wide = total[i + 1, j] + half * cost[i, max(j - 1, 0)]
            if wide < best:
                best, step = wide, 1
            tall = total[i, j + 1] + half * cost[max(i - 1, 0), j]
            if tall < best:
                best, step = tall, 2
            came[i, j] = step
            total[i + 2, j + 2] = best + cost[i, j]
    return came, total[n + 1, m + 1]


def pair(ours: np.ndarray, theirs: np.ndarray, shapes: np.ndarray | None = None) -> tuple[np.ndarray, np.ndarray, float]:
    """Envelopes [n, bands] and [m, bands] -> frames of ours, frames of theirs that go with them, and how badly they fit.

    `shapes`: ours as converted so far, which fits theirs better than ours does.
    """
    a, b = np.flatnonzero(sounding(ours)), np.flatnonzero(sounding(theirs))
    first = cepstra((ours if shapes is None else shapes)[a])[::2]
    second = cepstra(theirs[b])[::2]
    if len(first) < 8 or not 0.55 < len(second) / len(first) < 1.8:
        raise ValueError("the two are too different in length")
    path, cost = warp(first, second) if max(len(first), len(second)) <= LONG else _long(first, second)
    both = np.concatenate([path * 2, path * 2 + 1])
    both = both[(both[:, 0] < len(a)) & (both[:, 1] < len(b))]
    return a[both[:, 0]], b[both[:, 1]], cost


def _long(a: np.ndarray, b: np.ndarray) -> tuple[np.ndarray, float]:
    """`warp` for minutes: first coarsely, then stretch by stretch between points of the coarse path. A stretch that does not fit is left out."""
    blocks = [x[: len(x) // COARSE * COARSE].reshape(-1, COARSE, x.shape[1]).mean(1) for x in (a, b)]
    way, _ = warp(*blocks)
    stops = [*way[:: LONG // COARSE // 2], way[-1] + 1]
    out, costs = [], []
    for (i, j), (k, m) in zip(stops, stops[1:], strict=False):
        try:
            path, cost = warp(a[i * COARSE: k * COARSE], b[j * COARSE: m * COARSE])
        except (ValueError, IndexError):
            continue
        out.append(path + (i * COARSE, j * COARSE))
        costs.append(cost)
    if not out:
        raise ValueError("the two are nothing like each other")
    return np.concatenate(out), float(np.mean(costs))
