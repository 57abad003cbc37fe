"""Embeddings as bytes: near to what they were, appended, and the last of an id counts."""
from __future__ import annotations

import numpy as np

from persona.vectors import Vectors


def test_cosines_are_near_to_what_they_were():
    draw = np.random.default_rng(1)
    rows = draw.standard_normal((2500, 384)).astype(np.float32)
    rows /= np.linalg.norm(rows, axis=1, keepdims=True)
    held = Vectors()
    held.add(range(10, 2010), rows[:2000])
    held.add(range(2010, 2510), rows[2000:].astype(np.float16))
    found = held.cosines(rows[7])
    assert len(held) == len(found) == 2500 and np.abs(found - rows @ rows[7]).max() < 0.005
    assert held.best(found, 3, 0.05)[0] == 17 and held.best(found, 3, 1.5) == []
    held.add([17], rows[:1])
    assert 17 not in held.best(held.cosines(rows[7]), 5, 0.9) and held.place[17] == 2500


def test_what_does_not_fit_is_left_out():
    held = Vectors()
    assert len(held.cosines(np.ones(4))) == 0 and held.best(held.cosines(np.ones(4)), 3, 0.0) == []
    held.add([1], np.eye(1, 4))
    held.add([2], np.eye(1, 8))
    assert len(held) == 1 and len(held.cosines(np.ones(8))) == 0
