"""Embeddings as bytes: near to what they were, appended, the last of an id counts, and the nearest of many are those that a full comparison finds."""
from __future__ import annotations

import numpy as np

from persona.vectors import MANY, Vectors


def test_cosines_are_near_to_what_they_were():
    draw = np.random.default_rng(1)
    rows = draw.standard_normal((2500, 384)).astype(np.float32)
    rows /= np.linalg.norm(rows, axis=1, keepdims=True)
    held = Vectors()
    held.add(range(10, 2010), rows[:2000])
    held.add(range(2010, 2510), rows[2000:].astype(np.float16))
    found = held.cosines(range(10, 2510), rows[7])
    assert len(held) == len(found) == 2500 and np.abs(found - rows @ rows[7]).max() < 0.005
    assert held.nearest(rows[7], 3, 0.05)[0] == 17 and held.nearest(rows[7], 3, 1.5) == [] and np.isnan(held.cosines([9], rows[7])[0])
    held.add([17], rows[:1])
    assert 17 not in held.nearest(rows[7], 5, 0.9) and held.place[17] == 2500


def test_the_nearest_of_many_are_found_along_a_few_axes():
    """Of rows that differ more in some directions than in others, as embeddings do; what is added later too."""
    draw = np.random.default_rng(2)
    rows = draw.standard_normal((3 * MANY, 384)).astype(np.float32) * np.linspace(1.6, 0.2, 384, dtype=np.float32) ** 2
    rows = rows @ np.linalg.qr(draw.standard_normal((384, 384)))[0].astype(np.float32)
    rows /= np.linalg.norm(rows, axis=1, keepdims=True)
    held = Vectors()
    held.add(range(2 * MANY), rows[:2 * MANY])
    assert held.nearest(rows[5], 1, 0.5) == [5]
    held.add(range(2 * MANY, 3 * MANY), rows[2 * MANY:])
    there = missed = 0
    for at in range(0, 3 * MANY, 611):
        wanted = np.argsort(-(rows @ rows[at]))[:10]
        found = held.nearest(rows[at], 20, -1.0)
        there, missed = there + 10, missed + len({*wanted.tolist()} - {*found})
    assert missed / there < 0.03


def test_what_does_not_fit_is_left_out():
    held = Vectors()
    assert np.isnan(held.cosines([1], np.ones(4))).all() and held.nearest(np.ones(4), 3, 0.0) == []
    held.add([1], np.eye(1, 4))
    held.add([2], np.eye(1, 8))
    assert len(held) == 1 and held.nearest(np.ones(8), 3, 0.0) == []
