"""One turn through the whole server: question in, first sound of content out, on a loopback client.

30 questions of 12 words to a persona of some 400 tokens that only the model can answer, sampling on, embedded engines; then the floor with stub
backends, interruption, the prefix cache, traffic, and how many twins can speak at once without a gap. `--transport gradio` for the other one.
"""
from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import AsyncIterator
from pathlib import Path

import numpy as np
import yaml

from .client import Client
from .start import ROOT, free_port

QUESTIONS = 30
TOPICS = ("rivers", "bridges", "honey", "clouds", "letters", "trains", "mirrors", "gardens", "salt", "clocks", "ladders", "wolves", "paper", "candles",
          "islands")
SHAPES = ("Why do so many people around the world seem to love {0}?", "How could someone explain {0} to a curious child in one breath?")
LONG = "Tell me everything you know about the workshop and the people who come, please."


def options(parser) -> None:
    parser.add_argument("--transport", choices=("socket", "gradio"), default="socket")
    parser.add_argument("--most", type=int, default=8, help="most sessions tried at once")


def questions() -> list[str]:
    """30 different questions of 12 words."""
    made = [shape.format(topic) for topic in TOPICS for shape in SHAPES]
    assert len(made) == QUESTIONS and all(len(q.split()) == 12 for q in made)
    return made


def persona(folder: Path) -> None:
    """A twin of some 400 tokens that has no line and no fact for any of the questions."""
    text = ("Wilma restores wooden boats in a long shed by a slow river. She speaks plainly, thinks before she answers, and likes to compare things with "
            "the way wood behaves when it is wet, bent, oiled and left alone. She never hurries anyone. ")
    facts = [f"On shelf {i} of the shed stand {i + 3} jars of {kind} that Wilma labels by hand with chalk every spring." for i, kind in
             enumerate(("varnish", "copper nails", "linseed oil", "pine tar", "beeswax", "sawdust", "hemp", "red lead", "glue", "pumice"), 1)]
    (folder / "wilma").mkdir(parents=True)
    (folder / "wilma" / "persona.yaml").write_text(yaml.safe_dump({"id": "wilma", "name": "Wilma", "age": 52, "description": text, "facts": facts,
                                                                   "style": "Plain, short sentences.", "greeting": "Hello, I am Wilma, a digital human."}))


@contextlib.asynccontextmanager
async def server(stub: bool = False) -> AsyncIterator[tuple[str, int]]:
    """(url, process id) of a server of its own, awake."""
    port = free_port()
    with tempfile.TemporaryDirectory() as folder:
        persona(Path(folder) / "twins")
        process = subprocess.Popen([sys.executable, "-m", "bench.loopback", *(["--stub"] if stub else [])], cwd=ROOT, start_new_session=True,
                                   stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
                                   env={**os.environ, "TWIN_PORT": str(port), "TWIN_HOST": "127.0.0.1", "TWIN_DATA": folder, "TWIN_TWINS": folder + "/twins",
                                        "TWIN_LOG": "warning", "TWIN_LIMITS": "0"})                    # it asks again at once, as nobody does
        url = f"http://127.0.0.1:{port}/"
        try:
            for _ in range(1200):
                with contextlib.suppress(OSError):
                    await asyncio.to_thread(lambda: urllib.request.urlopen(url, timeout=5).read())
                    break
                if process.poll() is not None:
                    raise RuntimeError("the server did not start; run python -m bench.loopback to see why")
                await asyncio.sleep(0.1)
            async with Client(url) as client:            # wait until the mind is awake: its first answer
                await client.turn("Hello?", seconds=180)
                await client.turn(questions()[0])
            await asyncio.sleep(3.0)                     # the other twins' minds and Gradio's own threads settle
            yield url, process.pid
        finally:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGTERM)
            process.wait(20)


async def first_sounds(url: str, transport: str, asked: list[str]) -> tuple[list[float], int]:
    """ms from each question to the first sound of its answer, and how many of them the model answered in its own words."""
    times, model = [], 0
    async with Client(url, transport=transport, decodes=False) as client:
        for question in asked:
            met = await client.turn(question)
            times.append(1000 * next(at for at, header, _ in met if header["type"] == "spoken" and header["seconds"]))
            model += [h["step"] for _, h, _ in met if h["type"] == "thought"][-1] == "model"
            await client.send({"type": "clear"})
            await client.until(lambda h, _: h["type"] == "ready")
    return times, model


async def interruptions(url: str, transport: str, count: int = 20) -> list[float]:
    """ms from `stop` in the middle of speaking to the turn's last event."""
    times = []
    async with Client(url, transport=transport) as client:
        for i in range(count):
            await client.say(questions()[i % QUESTIONS])
            await client.sound()
            began = time.perf_counter()
            await client.send({"type": "stop", "turn": client.sounded, "at": 0.2})
            await client.until(lambda h, _: h["type"] == "ended" and h["turn"] == client.sounded)
            times.append(1000 * (time.perf_counter() - began))
    return times


async def listens(url: str, transport: str, codecs: list[str], seconds: float) -> tuple[float, float, float]:
    """One twin that speaks for `seconds`, heard at its own pace: (s of speech, bytes, longest gap in the sound in s)."""
    async with Client(url, transport=transport, decodes=False, codecs=codecs) as client:
        speech, gap = 0.0, 0.0
        start, before = time.perf_counter(), client.bytes_in
        while time.perf_counter() - start < seconds:
            met = await client.turn(LONG, pace=1.0)
            spoken = [(at, h["at"], h["seconds"]) for at, h, _ in met if h["type"] == "spoken" and h["seconds"]]
            playing = spoken[0][0]
            gap = max(gap, *(at - (playing + when) for at, when, _ in spoken))
            speech += sum(s for _, _, s in spoken)
        return speech, client.bytes_in - before, gap


async def at_once(url: str, transport: str, most: int) -> tuple[int, float]:
    """How many twins can speak at once with no gap of more than 20 ms in anyone's sound, and the longest gap of that number."""
    best, worst = 0, 0.0
    for count in range(2, most + 1, 2):
        gaps = [gap for _, _, gap in await asyncio.gather(*(listens(url, transport, ["opus"], 8.0) for _ in range(count)))]
        if max(gaps) > 0.02:
            break
        best, worst = count, max(gaps)
    return best, worst


def prefix_speedup() -> tuple[float, float]:
    """Median ms to the model's first token without and with the cache, on a persona of some 400 tokens and a new question each time."""
    from twin.registry import row
    from twin.think.onnx import OnnxThinker
    assert row("think", "smollm2").where.endswith("OnnxThinker")
    with tempfile.TemporaryDirectory() as folder:
        persona(Path(folder))
        text = yaml.safe_load((Path(folder) / "wilma" / "persona.yaml").read_text())
    system = {"role": "system", "content": f"You are {text['name']}. {text['description']} {' '.join(text['facts'])}"}
    thinker, cold, warm = OnnxThinker(), [], []

    def first_token(messages) -> float:
        began = time.perf_counter()
        stream = thinker.think(messages, max_tokens=4, temperature=0.6)
        next(token for token in stream if token)
        stream.close()
        return 1000 * (time.perf_counter() - began)

    for i, question in enumerate(questions()[:15]):
        salted = {"role": "system", "content": f"{i} " + system["content"]}          # another first token: nothing of it is cached
        cold.append(first_token([salted, {"role": "user", "content": question}]))
        first_token([system, {"role": "user", "content": "Hello"}]) if i == 0 else None
        warm.append(first_token([system, {"role": "user", "content": question}]))
    return statistics.median(cold), statistics.median(warm)


def memory_mb(pid: int) -> float:
    """Resident memory of a process and its children, MB."""
    total = 0.0
    for path in Path("/proc").glob("[0-9]*/status"):
        with contextlib.suppress(OSError):
            status = dict(line.split(":", 1) for line in path.read_text().splitlines() if ":" in line)
            if int(status["Pid"]) == pid or int(status["PPid"]) == pid:
                total += int(status.get("VmRSS", "0 kB").split()[0]) / 1024
    return total


async def measure(transport: str, most: int) -> dict[str, object]:
    figures: dict[str, object] = {}
    async with server() as (url, pid):
        times, model = await first_sounds(url, transport, questions())
        figures |= {"first_sound_ms_p50": float(np.percentile(times, 50)), "first_sound_ms_p95": float(np.percentile(times, 95)),
                    "model_words_kept": model / len(times)}
        figures["interrupt_ms_p95"] = float(np.percentile(await interruptions(url, transport), 95))
        speech, sent, _ = await listens(url, transport, ["opus"], 10)
        figures["kbit_per_s"] = sent * 8 / 1000 / speech
        speech, sent, _ = await listens(url, transport, ["pcm16"], 6)
        figures["kbit_per_s_pcm"] = sent * 8 / 1000 / speech
        figures["sessions"], figures["longest_gap_s"] = await at_once(url, transport, most)
        figures["rss_mb"] = memory_mb(pid)
    async with server(stub=True) as (url, _):
        passes = [(await first_sounds(url, transport, questions()))[0] for _ in range(3)]
        figures |= {f"floor_ms_p{share}": float(np.median([np.percentile(times, share) for times in passes])) for share in (50, 95)}
    return figures


def run(options) -> dict[str, object]:
    figures = asyncio.run(measure(options.transport, options.most))
    cold, warm = prefix_speedup()
    return figures | {"ttft_cold_ms": cold, "ttft_warm_ms": warm, "prefix_speedup": cold / warm, "load_before": os.getloadavg()[0]}
