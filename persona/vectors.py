"""Many embeddings in memory, each a row of bytes: 20,000 of 384 numbers take 8 MB. What a byte loses is less than 0.003 of a cosine. Of many rows the
nearest are looked for along the axes on which they differ most (principal components), a quarter of the numbers, and only the best by that are compared
in full."""
from __future__ import annotations

from collections.abc import Sequence

import numpy as np

SCALE = 400.0                                            # a number of a vector of length 1 and 384 dimensions is seldom above 0.3
STEP = 1024                                              # rows that are widened together: they stay in the cache of the core
MANY = 4096                                              # rows from which on the axes are worth it
AXES, SAMPLE = 96, 2048                                  # how many, and of how many rows they are made
FULLY = 384                                              # rows that are compared in full


class Vectors:
    """Rows are appended; an id that comes again counts as it came last."""

    def __init__(self) -> None:
        self.place: dict[int, int] = {}
        self._ids = np.zeros(0, np.int64)
        self._rows = np.zeros((0, 0), np.int8)
        self._size = 0
        self._axes: np.ndarray | None = None             # [d, AXES]
        self._coarse = np.zeros((0, AXES), np.int8)

    def __len__(self) -> int:
        return self._size

    def add(self, names: Sequence[int], vectors: np.ndarray) -> None:
        """`vectors`: float [n, d], rows of length 1. Those of another d than what is held are left out."""
        count, wide = len(names), vectors.shape[1] if vectors.ndim == 2 else 0
        if not count or not wide or self._size and wide != self._rows.shape[1]:
            return
        if self._size + count > len(self._ids):
            room = max(1024, 2 * len(self._ids), self._size + count)
            self._ids, self._coarse = _grown(self._ids, room), _grown(self._coarse, room) if self._axes is not None else self._coarse
            self._rows = _grown(self._rows, room) if self._size else np.zeros((room, wide), np.int8)
        new = slice(self._size, self._size + count)
        self._ids[new] = names
        self._rows[new] = _bytes(np.asarray(vectors, np.float32))
        if self._axes is not None:
            self._coarse[new] = _bytes(np.asarray(vectors, np.float32) @ self._axes)
        self.place.update(zip(names, range(self._size, self._size + count)))
        self._size += count

    def cosines(self, names: Sequence[int], vector: np.ndarray) -> np.ndarray:
        """float32 [n], of these ids to a vector [d] of length 1; nan where there is no row, or one of another d."""
        found = np.full(len(names), np.nan, np.float32)
        if self._size and len(vector) == self._rows.shape[1]:
            there = [(n, at) for n, name in enumerate(names) if (at := self.place.get(name, -1)) >= 0]
            if there:
                pairs = np.array(there)
                found[pairs[:, 0]] = _dots(self._rows[pairs[:, 1]], vector)
        return found

    def nearest(self, vector: np.ndarray, most: int, least: float) -> list[int]:
        """Ids of the nearest, the nearest first, none below `least`; none where the dimensions differ."""
        if not self._size or len(vector) != self._rows.shape[1]:
            return []
        places = np.arange(self._size)
        if self._size >= MANY:
            self._turned()
            assert self._axes is not None
            places = _best(_dots(self._coarse[:self._size], np.asarray(vector, np.float32) @ self._axes), max(FULLY, most))
        exact = _dots(self._rows[places] if len(places) < self._size else self._rows[:self._size], vector)
        return [int(self._ids[at]) for at, cosine in ((places[n], exact[n]) for n in _best(exact, most)) if cosine > least and self.place[int(self._ids[at])] == at]

    def _turned(self) -> None:
        """Find the axes, once, and put each row on them."""
        if self._axes is not None:
            return
        some = self._rows[np.linspace(0, self._size - 1, SAMPLE).astype(int)].astype(np.float32) / SCALE
        self._axes = np.linalg.eigh(some.T @ some)[1][:, :-AXES - 1:-1].astype(np.float32)
        self._coarse = np.zeros((len(self._ids), AXES), np.int8)
        for at in range(0, self._size, STEP):
            part = slice(at, min(at + STEP, self._size))
            self._coarse[part] = _bytes(self._rows[part].astype(np.float32) / SCALE @ self._axes)


def _bytes(rows: np.ndarray) -> np.ndarray:
    return np.clip(np.rint(rows * SCALE), -127, 127).astype(np.int8)


def _grown(rows: np.ndarray, room: int) -> np.ndarray:
    found = np.zeros((room, *rows.shape[1:]), rows.dtype)
    found[:len(rows)] = rows
    return found


def _dots(rows: np.ndarray, vector: np.ndarray) -> np.ndarray:
    """float32 [n] of int8 [n, d]."""
    found, wide = np.empty(len(rows), np.float32), np.empty((min(STEP, len(rows)), len(vector)), np.float32)
    scaled = np.asarray(vector, np.float32) / SCALE
    for at in range(0, len(rows), STEP):
        part = rows[at:at + STEP]
        np.copyto(wide[:len(part)], part)
        np.dot(wide[:len(part)], scaled, out=found[at:at + len(part)])
    return found


def _best(values: np.ndarray, most: int) -> np.ndarray:
    """Places of the highest, the highest first."""
    part = np.argpartition(-values, most)[:most] if len(values) > most else np.arange(len(values))
    return part[np.argsort(-values[part], kind="stable")]
