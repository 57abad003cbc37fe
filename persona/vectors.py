"""Many embeddings in memory, each a row of bytes: 20,000 of 384 numbers take 8 MB, and are compared with one in some 2 ms on one core. What a byte
loses is less than 0.003 of a cosine."""
from __future__ import annotations

from collections.abc import Sequence

import numpy as np

SCALE = 400.0                                            # a number of a vector of length 1 and 384 dimensions is seldom above 0.3
STEP = 1024                                              # rows that are widened together: they stay in the cache of the core


class Vectors:
    """Rows are appended; an id that comes again counts as it came last."""

    def __init__(self) -> None:
        self.place: dict[int, int] = {}
        self._ids = np.zeros(0, np.int64)
        self._rows = np.zeros((0, 0), np.int8)
        self._size = 0

    def __len__(self) -> int:
        return self._size

    def add(self, names: Sequence[int], vectors: np.ndarray) -> None:
        """`vectors`: float [n, d], rows of length 1. Those of another d than what is held are left out."""
        count, wide = len(names), vectors.shape[1] if vectors.ndim == 2 else 0
        if not count or not wide or self._size and wide != self._rows.shape[1]:
            return
        if self._size + count > len(self._ids):
            room = max(1024, 2 * len(self._ids), self._size + count)
            ids, rows = np.zeros(room, np.int64), np.zeros((room, wide), np.int8)
            ids[:self._size], rows[:self._size] = self._ids[:self._size], self._rows[:self._size] if self._size else 0
            self._ids, self._rows = ids, rows
        self._ids[self._size:self._size + count] = names
        self._rows[self._size:self._size + count] = np.clip(np.rint(np.asarray(vectors, np.float32) * SCALE), -127, 127)
        self.place.update(zip(names, range(self._size, self._size + count)))
        self._size += count

    def cosines(self, vector: np.ndarray) -> np.ndarray:
        """float32 [n], to a vector [d] of length 1; empty where the dimensions differ."""
        if not self._size or len(vector) != self._rows.shape[1]:
            return np.zeros(0, np.float32)
        found, wide = np.empty(self._size, np.float32), np.empty((STEP, len(vector)), np.float32)
        scaled = np.asarray(vector, np.float32) / SCALE
        for at in range(0, self._size, STEP):
            part = self._rows[at:min(at + STEP, self._size)]
            np.copyto(wide[:len(part)], part)
            np.dot(wide[:len(part)], scaled, out=found[at:at + len(part)])
        return found

    def best(self, cosines: np.ndarray, most: int, least: float) -> list[int]:
        """Ids of the nearest, the nearest first, none below `least`."""
        if not len(cosines):
            return []
        part = np.argpartition(-cosines, most)[:most] if len(cosines) > most else np.arange(len(cosines))
        part = part[np.argsort(-cosines[part], kind="stable")]
        return [int(name) for name, at in zip(self._ids[part], part) if cosines[at] > least and self.place[int(name)] == at]
