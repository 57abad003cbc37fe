"""Attacks on every door of a running server: requests, socket messages, uploads, bundles; crashes, leaks and hangs are counted.

`python -m bench attack --json F` starts the real server (shared, its twins under a key, no rate limits) with one user's secrets in it and sends it what
malice.py makes from a seed, as other users, as nobody and as that user. After each case: was it answered in time, in the shape of an answer, without
what is another's (siege.py)? What she has must be the same at the end. The log counts too: a traceback or a task's lost exception is a crash, a word that
anybody said, a name or a key is a leak; so are a connection to an address out of a text and a file written outside the server's folders. `deep` is the share
of cases that ran code which no refused request runs, counted inside the server line by line (watched.py); `covered` that of our routes and messages which
such a case reached. Then, with the usual limits on: a flood, a thousand idle sockets and slow senders from one address, while somebody talks from another.

A case that failed is printed with its seed, 1/http/17, and made again by `--replay 1/http/17`; what was ever found so stands in bench/attack.jsonl and is
tried first. Memory is compared with that after two fifths of the cases, when everything has been used once.
"""
from __future__ import annotations

import asyncio
import contextlib
import json
import secrets
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path
from typing import Any

from .fortress import PATIENCE, Fortress
from .siege import SHARES, Siege

KEPT = Path(__file__).with_suffix(".jsonl")
TOLERANCE = 100.0        # MB that the server may hold more after the cases than before them: what it keeps on purpose for those who may come back
FIRST = 0.4              # of the cases, before memory is looked at
SETTLES = 40.0           # s that what was left behind may take to go
QUICK = 400


def options(parser) -> None:
    parser.add_argument("--cases", type=int, default=21_000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--replay", default="", metavar="SEED", help="one case that failed: 1/http/17; or a group of them: 1/http")
    parser.add_argument("--only", default="", help="flood: that alone")
    parser.add_argument("--quick", action="store_true", help=f"{QUICK} cases against engines that cost nothing, no flood: for the tests")
    parser.add_argument("--keep", type=Path, help="a folder for the server's log and the cases that failed")


def run(options) -> dict[str, object]:
    _more_files()
    with contextlib.ExitStack() as stack:
        folder = options.keep or Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="attack-")))
        figures: dict[str, object] = {}
        if options.only != "flood":
            figures = attacked(folder, QUICK if options.quick else options.cases, options.seed, options.replay, options.quick)
        if not options.quick and not options.replay:
            with Fortress(folder, limits=1.0) as fortress:
                flooded = asyncio.run(flood(fortress))
                after = fortress.faults()
            for line in after:
                print(f"  flood: {line[:300]}", file=sys.stderr)
            figures |= {name: round(value, 2) for name, value in flooded.items()}
            figures["crashes"] = int(str(figures.get("crashes", 0))) + len(after)
            figures["hangs"] = int(str(figures.get("hangs", 0))) + sum(value >= 20 for name, value in flooded.items() if name.startswith("talk_"))
    return figures


def attacked(folder: Path, total: int, seed: int, replay: str = "", quick: bool = False) -> dict[str, object]:
    """The figures of so many cases."""
    began = time.monotonic()
    with Fortress(folder, stub=quick) as fortress:
        fortress.fill(film=not quick)
        siege = Siege(fortress, seed)
        asyncio.run(siege.refused())
        started, warm = time.monotonic(), fortress.memory()
        if replay:
            _again(siege, replay)
        else:
            for line in KEPT.read_text().splitlines() if KEPT.exists() else ():
                _again(siege, json.loads(line)["case"])
            siege.seed = seed
            asyncio.run(siege.walls())
            for share, then in ((FIRST, seed), (1 - FIRST, -seed)):
                siege.seed = then                        # the second helping is of other cases
                for name, part in SHARES.items():
                    asyncio.run(siege.run(name, round(total * part * share)))
                    print(f"  {then}/{name}: {siege.cases[name]} cases, {fortress.memory():.0f} MB, {time.monotonic() - started:.0f} s", file=sys.stderr,
                          flush=True)
                warm = warm if share != FIRST else _held(fortress)
        alive = fortress.process.poll() is None and fortress.web.get("/health").status_code == 200
        if not alive:
            siege.fault("crashes", "all", "the server does not answer any more")
            told: dict[str, Any] = {"cases": {}, "behind": 0, "counters": 1, "connected": [], "wrote": [], "started": [], "tasks": 0, "threads": 0}
            ours, reached, grown = set[str](), set[str](), 0.0
        else:
            if fortress.holds() != fortress.before:
                changed = [name for name, value in fortress.holds().items() if fortress.before[name] != value]
                siege.fault("leaks", "all", f"what Ada has was changed by others: {', '.join(changed)}")
            grown = _settled(fortress, warm, 2.0 if quick or replay else SETTLES)
            told, (ours, reached) = fortress.watched(), siege.doors()
        for line in fortress.strays(told):
            siege.fault("leaks", "all", line)
    for line in fortress.faults():
        siege.fault("leaks" if line.startswith("leak") else "crashes", "log", line)
    _keep(folder, siege)
    groups = {name: told["cases"].get(name, (0, 0)) for name in (*SHARES, "walls")}
    cases = siege.cases.total()
    figures: dict[str, object] = {
        "cases": cases, "deep": round(sum(deep for _, deep in groups.values()) / max(1, cases), 3),
        "covered": round(len(reached & ours) / max(1, len(ours)), 3), "crashes": siege.crashes, "leaks": siege.leaks, "hangs": siege.hangs,
        "memory_growth_mb": round(grown, 1), "memory_tolerance_mb": TOLERANCE, "memory_back": int(grown <= TOLERANCE),
        "code_behind": round(told["behind"] / told["counters"], 3), "doors": len(ours), "doors_of_gradio": len(siege.routes),
        "slowest_s": round(siege.slowest[0], 1), "slowest": siege.slowest[1], "hangs_after_s": PATIENCE, "seed": seed,
        "seconds": round(time.monotonic() - began)}
    figures |= {f"cases_{name}": count for name, count in siege.cases.items()} | {f"deep_{name}": deep for name, (_, deep) in groups.items()}
    return figures | {"processes_started": "; ".join(told["started"]), "not_covered": ", ".join(sorted(ours - reached)),
                      "failed": ", ".join(dict.fromkeys(case["case"] for case in siege.failed))}


def _again(siege: Siege, case: str) -> None:
    """A case, or a group of cases, by its seed."""
    seed, _, rest = case.partition("/")
    name, _, number = rest.partition("/")
    siege.seed = int(seed)
    if name == "walls":
        asyncio.run(siege.walls())
    elif name in SHARES:
        asyncio.run(siege.run(name, 200, int(number) if number.isdigit() else None))


def _settled(fortress: Fortress, before: float, seconds: float) -> float:
    """MB more than before, once what was left behind has gone; the server is given that long."""
    end = time.monotonic() + seconds
    while (grown := _held(fortress) - before) > TOLERANCE / 2 and time.monotonic() < end:
        time.sleep(2)
    return grown


def _held(fortress: Fortress) -> float:
    """MB, once what nobody holds was collected and free pages were given back."""
    with contextlib.suppress(Exception):                 # a server that is gone is told elsewhere
        fortress.watched()
        return fortress.memory()
    return 0.0


def _keep(folder: Path, siege: Siege) -> None:
    """What failed: all of it into the folder, cases that can be made again also beside this file."""
    if not siege.failed:
        return
    (folder / "failed.jsonl").write_text("".join(json.dumps(case) + "\n" for case in siege.failed))
    there = KEPT.read_text() if KEPT.exists() else ""
    new = {case["case"]: case["kind"] for case in siege.failed if case["case"].count("/") == 2 and case["case"].rsplit("/", 1)[1].isdigit()}
    with KEPT.open("a") as file:
        file.writelines(json.dumps({"case": name, "kind": kind}) + "\n" for name, kind in new.items() if f'"{name}"' not in there)


# with the usual limits --------------------------------------------------------------------------------------------------------------------


async def flood(fortress: Fortress) -> dict[str, float]:
    """From one address requests as fast as they go, a thousand idle sockets and slow senders; from another somebody talks. s until they hear."""
    import httpx
    from websockets.asyncio.client import connect

    stop, told = asyncio.Event(), Counter[str]()
    address = f"ws://127.0.0.1:{fortress.port}/live"

    async def shout(text: object) -> None:
        async with httpx.AsyncClient(base_url=fortress.url, timeout=30, trust_env=False) as web:
            while not stop.is_set():
                with contextlib.suppress(httpx.HTTPError):
                    asked = {"twin": "maya", "text": text}
                    told[str((await web.post("/api/talk", json=asked, headers={"X-Twin-Token": secrets.token_hex(32)})).status_code)] += 1

    async def trickle() -> None:
        with contextlib.suppress(OSError):
            reader, writer = await asyncio.open_connection("127.0.0.1", fortress.port)
            head = f"POST /draft/voice HTTP/1.1\r\nHost: x\r\nX-Twin-Token: {secrets.token_hex(32)}\r\nContent-Length: 90000000\r\n\r\n"
            writer.write(head.encode())
            while not stop.is_set():
                writer.write(b"x" * 500)
                await writer.drain()
                await asyncio.sleep(0.5)
            writer.close()

    async def talks() -> float:
        """Seconds from a new socket to the first sound, from 127.0.0.2."""
        began = time.perf_counter()
        async with asyncio.timeout(60), connect(address, proxy=None, local_addr=("127.0.0.2", 0), max_size=None, open_timeout=60) as line:
            await line.send(json.dumps({"type": "hello", "token": secrets.token_hex(32), "codecs": ["opus"]}))
            await line.send(json.dumps({"type": "say", "text": "How much is a flat tyre?"}))
            async for one in line:
                if isinstance(one, bytes):
                    return time.perf_counter() - began
                if '"type":"error"' in one:
                    raise ConnectionError(one[:300])
        return 60.0

    figures: dict[str, float] = {"talk_alone_s": await talks()}
    others = [asyncio.create_task(shout(text)) for text in ("Hello.", 1) * 4]            # questions, and what is soon refused
    await asyncio.sleep(3)
    figures["talk_in_flood_s"] = max([await talks() for _ in range(3)])
    stop.set()
    await asyncio.gather(*others)
    figures |= {"flood_requests": told.total(), "flood_held_off": round(told["429"] / max(1, told.total()), 3)}
    stop.clear()
    idle = []
    for _ in range(1000):
        with contextlib.suppress(OSError, TimeoutError):
            idle.append(await connect(address, proxy=None, open_timeout=30))
    figures["idle_sockets"] = len(idle)
    slow = [asyncio.create_task(trickle()) for _ in range(12)]
    figures["talk_beside_idle_s"] = max([await talks() for _ in range(2)])
    await asyncio.sleep(6)
    stop.set()
    await asyncio.gather(*slow)
    figures["idle_left"] = sum(line.close_code is None for line in idle)
    for line in idle:
        line.transport.abort()
    return figures


def _more_files() -> None:
    from twin.serve import _more_files
    _more_files()
