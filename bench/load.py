"""Many at once, for long, and cut off: speaking conversations until sound gaps, idle sockets, a soak, and sudden ends.

`speaking`: as many twins as talk at once without a gap, embedded engines, a server in a process of its own; this process is its clients (their share of
the processor is printed). Each asks again as soon as it has heard the answer out: stories of half a minute, lines of the default twins in English and
Chinese, and questions that only the model can answer. A gap: sound that arrives after the page would have needed it (the page begins 30 ms after the first
piece). A number at which it gapped is tried once more, then the search ends.
`idle`: sockets that are held while somebody talks, and what becomes of a thousand.
Soak: conversations open, talk, interrupt, come back and close; resident memory after a first helping and at the end, each after garbage collection and
once every session has gone. What the model has read may take 512 MB by the settings; here 64, so that it is full after the first helping.
Sudden ends (bench/kills.py): the server is killed 50 times in the middle of things; what it had acknowledged and has no more is `lost`, what it shows by
halves is `half`.
"""
from __future__ import annotations

import asyncio
import os
import random
import secrets
import sys
import tempfile
import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import yaml

from . import kills
from .client import Client
from .house import ASKS, House, furnish
from .start import ROOT
from .turn import questions

STEPS = (1, 2, 4, 6, 8, 10, 12, 14, 16, 20, 24, 28, 32)
LEAD = 0.03              # s between the first piece's arrival and its start, as in assets/web/player.js
NEAR, FAR = 250, 1000    # idle sockets: those that are held, and those that are either held or refused
HARBOUR = 100            # sockets from one address
KV = 64                  # MB for what the model has read, in the soak: a cache that fills up to its bound would look like a leak before it is full
PARTS = ("speaking", "idle", "soak", "kill")


def options(parser) -> None:
    parser.add_argument("--soak", type=float, default=900.0, help="seconds of the soak")
    parser.add_argument("--kills", type=int, default=50, help="sudden ends")
    parser.add_argument("--seconds", type=float, default=25.0, help="that each number of conversations speaks")
    parser.add_argument("--most", type=int, default=STEPS[-1], help="most conversations tried at once")
    parser.add_argument("--idle", type=float, default=20.0, help="seconds that idle sockets are held, at the least")
    parser.add_argument("--seed", type=int, default=1, help="of what is asked and when the server is killed")
    parser.add_argument("--only", choices=PARTS, help="one part alone")
    parser.add_argument("--quick", action="store_true", help="a few seconds of each part, the engines stubs: for the tests")
    parser.add_argument("--keep", type=Path, help="a folder for the server's data and log")


def note(text: str) -> None:
    print(f"  {text}", file=sys.stderr, flush=True)


# what is said -----------------------------------------------------------------------------------------------------------------------------


def asks(twin: str, language: str) -> list[str]:
    """How people put their questions to a default twin."""
    rows = yaml.safe_load((ROOT / "assets" / "twins" / twin / f"lines.{language}.yaml").read_text(encoding="utf-8"))
    return [row["ask"][0] for row in rows if not row.get("follow")]


class Script:
    """What the k-th client asks, and whom. One in four talks Chinese with Lin, one English with Maya, two with Wilma, whose answers are stories and,
    every third, the model's."""

    def __init__(self, number: int, seed: int):
        self.rng = random.Random(f"{seed} {number}")
        self.twin, self.language = (("wilma", "en"), ("maya", "en"), ("wilma", "en"), ("lin", "zh"))[number % 4]
        self.asks = asks(self.twin, self.language) if self.twin != "wilma" else []
        self.turn = number

    def next(self) -> str:
        self.turn += 1
        if self.asks:
            return self.rng.choice(self.asks)
        return self.rng.choice(questions()) if self.turn % 3 == 0 else ASKS[self.rng.choice(list(ASKS))]


# speaking ---------------------------------------------------------------------------------------------------------------------------------


@dataclass
class Heard:
    """What one number of conversations met."""
    count: int
    first: list[float] = field(default_factory=list)     # ms from each question to the first sound
    gaps: list[float] = field(default_factory=list)      # s that sound came too late, worst of each turn that gapped
    spare: float = float("inf")                          # s that the tightest piece came early
    sound: float = 0.0                                   # s of speech
    lines: Counter[str] = field(default_factory=Counter)
    took: float = 0.0
    server: float = 0.0                                  # cores
    client: float = 0.0

    @property
    def share(self) -> float:
        """Of the time in which a conversation speaks."""
        return self.sound / self.took / self.count

    def told(self) -> str:
        p50, p95 = np.percentile(self.first, (50, 95))
        return (f"{self.count} at once: {len(self.gaps)} gaps (longest {max(self.gaps, default=0) * 1000:.0f} ms), tightest piece "
                f"{self.spare * 1000:.0f} ms early, first sound {p50:.0f} / {p95:.0f} ms, {len(self.first)} turns, speaking {self.share:.2f} of the time; "
                f"cores: server {self.server:.2f}, clients {self.client:.2f}")


def lateness(pieces: list[tuple[float, float]]) -> list[float]:
    """(arrival, place in the turn), each in s -> s that each piece but the first came later than the ear needed it; what came late moves all that follows."""
    moved, late = pieces[0][0] + LEAD, []
    for arrived, at in pieces[1:]:
        late.append(arrived - (moved + at))
        moved += max(0.0, late[-1])
    return late


async def speaks(house: House, number: int, seed: int, end: float, heard: Heard) -> None:
    """One client, until everybody's time is over; the turn that has begun is heard out."""
    script = Script(number, seed)
    await asyncio.sleep(script.rng.uniform(0, 1.0))
    async with Client(house.url, decodes=False, twin=script.twin, lang=script.language) as client:
        asked = 0
        while not asked or time.perf_counter() < end:
            asked += 1
            met = await client.turn(script.next(), pace=1.0)
            spoken = [(at, h["at"], h["seconds"]) for at, h, _ in met if h["type"] == "spoken" and h["seconds"]]
            heard.lines.update(h["step"] for _, h, _ in met if h["type"] == "thought")
            if not spoken:
                raise RuntimeError(f"an answer without a sound: {[h for _, h, _ in met]}")
            late = lateness([(at, place) for at, place, _ in spoken])
            heard.first.append(1000 * spoken[0][0])
            heard.sound += sum(seconds for *_, seconds in spoken)
            heard.spare = min(heard.spare, -max(late, default=-float("inf")))
            if late and max(late) > 0:
                heard.gaps.append(max(late))
            await asyncio.sleep(script.rng.uniform(0.1, 0.5))


async def at_once(house: House, count: int, seconds: float, seed: int) -> Heard:
    heard, began, server, client = Heard(count), time.perf_counter(), house.cpu(), time.process_time()
    await asyncio.gather(*(speaks(house, number, seed, began + seconds, heard) for number in range(count)))
    heard.took = time.perf_counter() - began
    heard.server, heard.client = (house.cpu() - server) / heard.took, (time.process_time() - client) / heard.took
    note(heard.told() + f"; load {os.getloadavg()[0]:.1f}")
    return heard


async def speaking(folder: Path, options: Any) -> dict[str, object]:
    figures: dict[str, object] = {"speaking": 0}
    with House(folder, stub=options.quick, TWIN_TWINS=str(folder / "twins"), TWIN_LIMITS="0", TWIN_SPEAKING="64") as house:
        await at_once(house, 4, 1.0 if options.quick else 5.0, options.seed - 1)         # every voice and every mind has spoken once
        for count in (step for step in STEPS if step <= options.most):
            heard = await at_once(house, count, options.seconds, options.seed)
            if heard.gaps:
                heard = await at_once(house, count, options.seconds, options.seed + 1)
            if count in (1, 8):
                figures |= {f"first_sound_ms_p{share}_at_{count}": float(np.percentile(heard.first, share)) for share in (50, 95)}
                figures |= {f"server_cores_at_{count}": heard.server, f"client_cores_at_{count}": heard.client}
            if heard.gaps:
                figures |= {"gapped_at": count, "longest_gap_ms": 1000 * max(heard.gaps)}
                break
            figures |= {"speaking": count, "tightest_ms": 1000 * heard.spare, "speaking_share": heard.share,
                        "client_cores": heard.client, "server_cores": heard.server}
        figures["rss_mb_speaking"] = house.memory()
        figures["faults_speaking"] = len(house.faults())
    return figures


# idle -------------------------------------------------------------------------------------------------------------------------------------


async def first_sounds(client: Client, count: int, seed: int) -> list[float]:
    """ms to the first sound of so many answers to one person, who hears them at once."""
    rng, said = random.Random(f"idle {seed}"), asks("maya", "en")
    times = []
    for _ in range(count):
        met = await client.turn(rng.choice(said))
        times.append(1000 * next(at for at, h, _ in met if h["type"] == "spoken" and h["seconds"]))
    return times


async def idle_one(house: House, number: int, told: Counter[str]) -> Client | None:
    """A page that says nothing, from the (number // HARBOUR)-th address of this machine; None when it was refused, which is counted by its reason."""
    client = Client(house.url, decodes=False, token=secrets.token_hex(32), source=f"127.0.1.{1 + number // HARBOUR}", twin="maya")
    try:
        async with asyncio.timeout(30):
            await client.open()
        told["held"] += 1
        return client
    except ConnectionError as error:
        told[str(error).partition(":")[0]] += 1
    except TimeoutError:
        told["silence"] += 1
    await client.close()
    return None


async def holding(house: House, held: list[Client], told: Counter[str], upto: int) -> None:
    for start in range(len(held) + told.total() - told["held"], upto, 25):
        made = await asyncio.gather(*(idle_one(house, number, told) for number in range(start, min(upto, start + 25))))
        held += [client for client in made if client is not None]


async def alive(held: list[Client]) -> int:
    """How many still answer."""
    async def answers(client: Client) -> bool:
        try:
            await client.send({"type": "ping", "t": 7})
            await client.until(lambda header, _: header["type"] == "pong", 20)
            return True
        except (ConnectionError, TimeoutError, OSError):
            return False
    return sum(await asyncio.gather(*(answers(client) for client in held)))


async def idle(folder: Path, options: Any) -> dict[str, object]:
    near, far, turns = (20, 0, 5) if options.quick else (NEAR, FAR, 30)
    with House(folder, stub=options.quick, TWIN_LIMITS="10") as house:     # one who asks as fast as it is answered
        talker = await Client(house.url, decodes=False, twin="maya").__aenter__()
        await first_sounds(talker, 5, 0)
        alone, before = await first_sounds(talker, turns, options.seed), house.memory()
        held: list[Client] = []
        told: Counter[str] = Counter()
        began = time.monotonic()
        await holding(house, held, told, near)
        beside, used = await first_sounds(talker, turns, options.seed), house.cpu()
        await asyncio.sleep(max(0.0, options.idle - (time.monotonic() - began)))
        used, after = (house.cpu() - used) / max(0.1, time.monotonic() - began), house.memory()
        figures: dict[str, object] = {
            "idle": await alive(held), "idle_s": time.monotonic() - began, "idle_first_sound_ms_p95": float(np.percentile(beside, 95)),
            "alone_first_sound_ms_p95": float(np.percentile(alone, 95)), "idle_kb_each": 1024 * (after - before) / max(1, len(held)), "idle_cores": used}
        note(f"{figures['idle']} of {near} idle; first sound {np.percentile(beside, 50):.0f} / {np.percentile(beside, 95):.0f} ms beside them, "
             f"{np.percentile(alone, 50):.0f} / {np.percentile(alone, 95):.0f} alone; {figures['idle_kb_each']:.0f} kB each; {used:.2f} cores")
        if far:
            await holding(house, held, told, far)
            crowd = await first_sounds(talker, turns, options.seed)
            figures |= {"crowd": far, "crowd_held": told["held"], "crowd_refused": told.total() - told["held"] - told["silence"],
                        "crowd_unanswered": told["silence"], "crowd_alive": await alive(held),
                        "crowd_first_sound_ms_p95": float(np.percentile(crowd, 95))}
            note(f"a thousand: {dict(told)}; {figures['crowd_alive']} of those held still answer; first sound {np.percentile(crowd, 95):.0f} ms beside them")
        await asyncio.gather(*(client.close() for client in (talker, *held)))
        figures["faults_idle"] = len(house.faults())
    return figures


# the soak ---------------------------------------------------------------------------------------------------------------------------------


async def coming_and_going(house: House, number: int, seed: int, end: float, done: Counter[str], most: int = 10**9) -> None:
    """One after another: people who come, talk, cut in, reload, leave without a word. A third of them came before."""
    rng = random.Random(f"soak {seed} {number}")
    known = [secrets.token_hex(32) for _ in range(3)]
    while time.perf_counter() < end and done["talks"] < most:
        script = Script(rng.randrange(4), rng.randrange(10**6))
        way, codec = "gradio" if rng.random() < 0.15 else "socket", "opus" if rng.random() < 0.8 else "pcm16"
        token = rng.choice(known) if rng.random() < 0.33 else secrets.token_hex(32)
        try:
            async with Client(house.url, transport=way, token=token, decodes=False, twin=script.twin, lang=script.language, greet=rng.random() < 0.3,
                              codecs=[codec]) as client:
                done["talks"] += 1
                for _ in range(rng.randint(1, 4)):
                    done["turns"] += 1
                    if rng.random() < 0.35:              # cut in
                        await client.say(script.next())
                        await client.sound()
                        await asyncio.sleep(rng.uniform(0, 0.5))
                        await client.send({"type": "stop", "turn": client.sounded, "at": 0.2})
                        await client.until(lambda h, _, turn=client.sounded: h["type"] == "ended" and h["turn"] == turn)
                        done["cut"] += 1
                    else:
                        await client.turn(script.next(), pace=1.0 if rng.random() < 0.1 else 0.0)
                extra = rng.random()
                if extra < 0.15:
                    await client.send({"type": "list"})
                    await client.until(lambda h, _: h["type"] == "conversations")
                elif extra < 0.3:
                    await client.send({"type": "clear"})
                    await client.until(lambda h, _: h["type"] == "ready")
                elif extra < 0.4:                        # gone in the middle of a word
                    await client.say(script.next())
                    await client.sound()
        except (ConnectionError, TimeoutError) as error:
            done[f"trouble: {str(error)[:60]}"] += 1


async def emptied(house: House) -> float:
    """MB once every session has gone and the garbage is collected."""
    end = time.monotonic() + 180
    while house.sessions() and time.monotonic() < end:
        await asyncio.sleep(1.0)
    await asyncio.sleep(2.0)
    house.collect()
    return house.memory()


def slope(samples: list[tuple[float, float]]) -> float:
    """MB a minute, of (s, MB)."""
    if len(samples) < 3:
        return 0.0
    at, held = np.array(samples).T
    return float(np.polyfit(at / 60, held, 1)[0])


async def soak(folder: Path, options: Any) -> dict[str, object]:
    seconds, workers = (4.0, 3) if options.quick else (options.soak, 4)
    warm = 0.0 if options.quick else max(30.0, min(240.0, seconds / 4))
    with House(folder, stub=options.quick, TWIN_TWINS=str(folder / "twins"), TWIN_LIMITS="0", TWIN_KV_BUDGET_MB=str(KV)) as house:
        async def round_of(length: float, seed: int) -> tuple[Counter[str], list[tuple[float, float]]]:
            done, samples, began = Counter[str](), [], time.perf_counter()
            work = asyncio.gather(*(coming_and_going(house, number, seed, began + length, done) for number in range(workers)))
            while not work.done():
                await asyncio.wait({work}, timeout=5.0)
                samples.append((time.perf_counter() - began, house.memory()))
            await work
            return done, samples
        if warm:
            await round_of(warm, options.seed + 1000)
        before = await (emptied(house) if warm else asyncio.sleep(0, house.memory()))
        note(f"soak: {before:.0f} MB after {warm:.0f} s of warming up")
        done, samples = await round_of(seconds, options.seed)
        after = await (emptied(house) if warm else asyncio.sleep(0, house.memory()))
        late = [sample for sample in samples if sample[0] > seconds / 3]
        note(f"soak: {after:.0f} MB after {seconds:.0f} s: {dict(done)}; {slope(late):+.2f} MB a minute in its last two thirds")
        return {"memory_growth_mb": after - before, "memory_mb": after, "memory_slope_mb_per_min": slope(late), "memory_peak_mb": max(m for _, m in samples),
                "soak_s": seconds, "soak_talks": done["talks"], "soak_turns": done["turns"], "soak_cut": done["cut"],
                "soak_trouble": sum(times for what, times in done.items() if what.startswith("trouble")), "faults_soak": len(house.faults())}


# all of it --------------------------------------------------------------------------------------------------------------------------------


def run(options) -> dict[str, object]:
    from twin.serve import _more_files
    _more_files()
    if options.quick:
        options.seconds, options.most, options.idle, options.kills = 2.0, 2, 1.0, min(options.kills, 2)
    figures: dict[str, object] = {"load_before": os.getloadavg()[0]}
    parts = {"speaking": speaking, "idle": idle, "soak": soak, "kill": kills.sudden_ends}
    for name, part in parts.items():
        if options.only in (None, name):
            with tempfile.TemporaryDirectory() as temporary:
                folder = (options.keep or Path(temporary)) / name
                folder.mkdir(parents=True, exist_ok=True)
                furnish(folder) if not (folder / "twins").exists() else None
                began = time.monotonic()
                figures |= asyncio.run(part(folder, options))
                note(f"{name}: {time.monotonic() - began:.0f} s")
    return figures
