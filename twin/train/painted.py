"""The project's own endless data set: portraits of people who never were, with their attributes, captions and rigs.

    python -m twin.train.painted SET --count 20000 [--size 256] [--first 0] [--jobs 2]

Each is twin/paint/quick.py's, from a seed of its own; a set that was stopped goes on where it was. Seeds from HELD_OUT on are never trained with: what is
measured is measured against them. What looks at faces for measuring learns from seeds that start at half of it (--first 5000000), and from --even ones: of some
attributes of each every value is as likely, so that a turban is seen as often as bare hair.
"""

from __future__ import annotations

import argparse
import itertools
import os
import sys
import time
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path

import numpy as np

from twin.errors import TwinError
from twin.paint import attributes

from .data import Manifest, done, write_set
from .sift import Face

HELD_OUT = 10_000_000  # seeds from here on are for measuring
EVEN = 0.4  # share of attributes that are asked for evenly
OVER = 1.75  # a picture is painted so much larger, then made small
LICENCE = "CC0-1.0"
SOURCE = "drawn by Twin's illustrated painter (twin/paint/quick.py) from MakeHuman's CC0 head; nobody's likeness"


def evenly(seed: int) -> dict[str, object]:
    """Some attributes to ask for: all of their values alike often, not as often as people have them."""
    rng = np.random.default_rng([seed, 31])
    names = [name for name in attributes.ATTRIBUTES if rng.random() < EVEN]
    asked: dict[str, object] = {}
    for name in names:
        row = attributes.ATTRIBUTES[name]
        if isinstance(row, attributes.Choice):
            asked[name] = str(rng.choice(list(row.often)))
        elif isinstance(row, attributes.Measure):
            asked[name] = round(float(rng.uniform(row.least, row.most)), 3)
        else:
            asked[name] = bool(rng.random() < 0.5)
    return asked


def face(seed: int, size: int = 256, even: bool = False) -> Face:
    """One portrait with what is known of it."""
    from twin.paint import likeness, quick

    look = attributes.invent(seed, evenly(seed) if even else None)
    made = quick.paint(likeness.likeness(look, seed), size, OVER)
    words = {language: [attributes.caption(look, seed + 7 * k, language == "zh") for k in range(2)] for language in ("en", "zh")}
    return Face(made.picture, seed=seed, attributes=look, captions=words, points=made.points)


def faces(seeds: Iterable[int], size: int = 256, jobs: int = 1, even: bool = False) -> Iterator[Face]:
    """Portraits in the order of their seeds; with `jobs` processes beside each other."""
    if jobs < 2:
        yield from (face(seed, size, even) for seed in seeds)
        return
    os.environ.setdefault("OMP_NUM_THREADS", "1")        # before the workers start: BLAS reads it once
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    with ProcessPoolExecutor(jobs, mp_context=get_context("spawn"), initializer=_alone) as pool:
        waiting: list = []
        for seed in seeds:
            waiting.append(pool.submit(face, seed, size, even))
            if len(waiting) > 8 * jobs:
                yield waiting.pop(0).result()
        for one in waiting:
            yield one.result()


def _alone() -> None:
    """A worker beside others takes one thread."""
    import cv2

    cv2.setNumThreads(1)


def make(out: Path, count: int, size: int = 256, first: int = 0, jobs: int = 1, held: float = 0.1, tell=lambda done, total: None, even: bool = False):
    """Paints a set, or what is missing of it. Raises Refused, Missing and OSError as write_set does."""
    about = Manifest(name=out.name, kind="illustrated", source=SOURCE, licence=LICENCE, size=size, settings={"first": first, "even": even})
    start = done(out)
    return write_set(
        out,
        faces(itertools.islice(itertools.count(first + start), max(0, count - start)), size, jobs, even),
        about,
        start=start,
        total=count,
        held=held,
        progress=tell,
    )


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m twin.train.painted", description=__doc__.splitlines()[0])
    parser.add_argument("out", type=Path, metavar="SET")
    parser.add_argument("--count", type=int, default=20_000)
    parser.add_argument("--size", type=int, default=256, help="px")
    parser.add_argument("--first", type=int, default=0, help="the first one's seed")
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1, help="processes")
    parser.add_argument("--even", action="store_true", help="every value of an attribute as often, not as often as people have it")
    parser.add_argument("--held", type=float, default=0.1, help="share that is held out")
    options = parser.parse_args(arguments)
    begun, before, told = time.monotonic(), done(options.out), [0.0]

    def tell(count: int, total: int | None) -> None:
        now = time.monotonic()
        if now - told[0] > 10 or count == total:
            told[0] = now
            each = (now - begun) / max(1, count - before)
            print(f"{count} of {total}, {1000 * each:.0f} ms each, {each * ((total or count) - count) / 60:.1f} min left", flush=True)

    try:
        made = make(options.out, options.count, options.size, options.first, options.jobs, options.held, tell, options.even)
    except TwinError as trouble:
        print(trouble, file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print(f"Stopped; {done(options.out)} are whole. The same command goes on.", file=sys.stderr)
        return 130
    print(f"{len(made)} portraits in {options.out}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
