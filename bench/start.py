"""How soon it is there: process start to page, process start to the first sound of an answer, and what `import twin` costs.

Models are cached (`make setup` made them). `setup_s` is what the last `make setup` took on this machine.
"""
from __future__ import annotations

import asyncio
import os
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]


def options(parser) -> None:
    parser.add_argument("--runs", type=int, default=3, help="starts measured; the median counts")


def free_port() -> int:
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def import_seconds() -> float:
    """Median of five: a Python that imports twin, less a Python that imports nothing but numpy."""
    def seconds(code: str) -> float:
        began = time.perf_counter()
        subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=True)
        return time.perf_counter() - began
    return statistics.median(seconds("import twin") - seconds("pass") for _ in range(5))


async def one_start() -> tuple[float, float, float]:
    """Seconds from process start to: the page answers, the greeting's first sound, the first sound of an answer to a question."""
    from .client import Client
    port = free_port()
    with tempfile.TemporaryDirectory() as data:
        began = time.perf_counter()
        server = subprocess.Popen([sys.executable, "app.py"], cwd=ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True,
                                  env={**os.environ, "PORT": str(port), "HOST": "127.0.0.1", "TWIN_DATA": data})
        try:
            while True:
                try:
                    await asyncio.to_thread(lambda: urllib.request.urlopen(f"http://127.0.0.1:{port}/", timeout=5).read())
                    break
                except OSError:
                    if time.perf_counter() - began > 120 or server.poll() is not None:
                        raise RuntimeError("the server did not start") from None
                    await asyncio.sleep(0.05)
            page = time.perf_counter() - began
            async with Client(f"http://127.0.0.1:{port}", greet=True) as client:
                await client.sound()
                greeting = time.perf_counter() - began
                await client.say("How much is a flat tyre?")
                await client.sound()
                answer = time.perf_counter() - began
        finally:
            os.killpg(server.pid, signal.SIGTERM)
            server.wait(20)
    return page, greeting, answer


def run(options) -> dict[str, object]:
    starts = [asyncio.run(one_start()) for _ in range(options.runs)]
    page, greeting, answer = (statistics.median(column) for column in zip(*starts))
    stamp = ROOT / ".venv" / ".ready"
    took = stamp.read_text().strip() if stamp.exists() else ""
    return {"page_ready_s": round(page, 2), "first_greeting_s": round(greeting, 2), "first_answer_s": round(answer, 2),
            "import_twin_s": round(import_seconds(), 3), "setup_s": int(took) if took.isdigit() else -1}
