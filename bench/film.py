"""Films: how many frames a second are drawn and packed at 512 px, sound and H.264 included, on two cores.

`fps_512` is the worst twin's, of a film of 512 x 512 px with its label; what is compiled once per machine is left out. `--twin` names a twin
or a face/ folder's parent; the default is all default twins.
"""
from __future__ import annotations

import asyncio
import statistics
import tempfile
import time
from contextlib import aclosing
from pathlib import Path

TEXT = "Hello, I am a digital twin. I can read a whole page to you, answer questions, and look at you while I do. Ask me anything you like."


def options(parser) -> None:
    parser.add_argument("--twin", action="append", type=Path, help="a twin's folder; may be repeated")
    parser.add_argument("--passes", type=int, default=3)


def run(options) -> dict[str, object]:
    from twin.meet import twin_of
    from twin.registry import Registry
    from twin.render import Performance, Picture, film, perform, write
    from twin.settings import load
    from twin.store import Twins

    registry = Registry(load([]))
    twins = [twin_of(path) for path in options.twin] if options.twin else list(Twins().values())
    figures: dict[str, object] = {}

    async def whole(twin, out: Path) -> float:
        began = time.perf_counter()
        async with aclosing(film(registry, twin, TEXT, out, aspect="1:1", short=512)) as steps:
            async for step in steps:
                last = step
        return last.seconds / (time.perf_counter() - began)

    async def said(twin) -> Performance:
        out = Performance()
        async for _ in perform(registry.crew(), twin, [TEXT], out):
            pass
        return out
    try:
        with tempfile.TemporaryDirectory() as folder:
            out = Path(folder) / "film.mp4"
            for twin in twins:
                performance = asyncio.run(said(twin))
                rates, busy = [], []
                for _ in range(options.passes + 1):      # the first one compiles
                    picture = Picture(twin.read, (512, 512), None, performance, False)
                    began, used = time.perf_counter(), time.process_time()
                    for _ in write(out, picture, performance):
                        pass
                    rates.append(performance.frames / (time.perf_counter() - began))
                    busy.append((time.process_time() - used) * 1000 / performance.frames)
                figures[f"fps_512_{twin.id}"] = statistics.median(rates[1:])
                figures[f"cpu_ms_a_frame_{twin.id}"] = statistics.median(busy[1:])              # of both cores together, packing included
                figures[f"megabytes_a_minute_{twin.id}"] = out.stat().st_size / 1e6 / performance.frames * 3600
            figures["whole_times_real_time"] = asyncio.run(whole(twins[-1], out))        # reading, drawing, packing and signing
    finally:
        registry.close()
    figures["fps_512"] = min(value for key, value in figures.items() if key.startswith("fps_512"))      # type: ignore[type-var]
    return figures
