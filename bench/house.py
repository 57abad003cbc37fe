"""A server in a process of its own, for the benches: started, looked at, asked to collect its garbage, stopped, killed. The bench is its client."""
from __future__ import annotations

import contextlib
import os
import shutil
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any

import psutil
import yaml

from .start import ROOT, free_port
from .turn import persona

STORIES = {
    "shed": "The shed was a ropewalk once, long and low, with a floor of beaten earth. My grandfather bought it for the price of a horse, and the horse was "
            "not a good one. He put in a stove, two windows and a door that still sticks in the rain. When I was nine he let me sweep it, when I was twelve he "
            "let me steam a plank, and when I was twenty he gave me the key and went home to sleep. I have swept it every evening since.",
    "bending": "You cannot bend a plank that does not want to be bent. First you let it lie in the river for two days, then you put it into the steam for an "
               "hour for each thumb of its thickness. When it comes out you have as long as it takes to say a short prayer. Two people walk it round the ribs, "
               "nobody runs, nobody shouts, and the clamps go on from the middle to the ends. In the morning it has forgotten that it was ever straight.",
    "flood": "The year of the flood the river came in by the front and went out by the back. I tied the boats to the rafters and slept in the largest. At four "
             "in the morning I heard the stove float past, still warm, like an old dog looking for its basket. When the water had gone there was a pike under "
             "the bench and mud up to the second shelf. We washed everything, we dried everything, and not one boat had been scratched.",
}
ASKS = {"shed": "How did you come by the shed?", "bending": "How do you bend a plank?", "flood": "What happened in the year of the flood?"}


def furnish(folder: Path) -> Path:
    """The default twins, and Wilma of the bench of turns with three stories of half a minute. The folder of twins."""
    twins = folder / "twins"
    persona(twins)
    lines = [{"id": name, "ask": [ASKS[name]], "say": [text]} for name, text in STORIES.items()]
    (twins / "wilma" / "lines.en.yaml").write_text(yaml.safe_dump(lines))
    for one in (ROOT / "assets" / "twins").iterdir():
        if one.is_dir():
            shutil.copytree(one, twins / one.name)
    return twins


class House:
    """`with House(folder, TWIN_LIMITS="0") as house:`; what it says goes to `house.log`."""

    def __init__(self, folder: Path, stub: bool = False, **settings: str):
        self.folder, self.stub, self.port = folder, stub, free_port()
        self.url = f"http://127.0.0.1:{self.port}/"
        self.log = folder / "server.log"
        self.mark = folder / "collected"
        self.settings = {"TWIN_DATA": str(folder / "data"), "TWIN_LOG": "warning", "TWIN_METRICS": "all", **settings}
        self.process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> House:
        self.start()
        return self

    def __exit__(self, *_: Any) -> None:
        self.stop()

    def start(self, awake: bool = True, seconds: float = 180.0) -> None:
        """Until it answers; with `awake`, until its engines are there."""
        with self.log.open("ab") as out:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "bench.loopback", "--collected", str(self.mark), *(["--stub"] if self.stub else [])], cwd=ROOT, stdout=out, stderr=out,
                start_new_session=True, env=os.environ | {"TWIN_PORT": str(self.port), "TWIN_HOST": "127.0.0.1"} | self.settings)
        end = time.monotonic() + seconds
        while time.monotonic() < end and self.process.poll() is None:
            with contextlib.suppress(OSError):           # urllib's errors are such; 503 while it wakes is one too
                urllib.request.urlopen(self.url + ("ready" if awake else "health"), timeout=5).read()
                return
            time.sleep(0.05)
        self.kill()
        raise RuntimeError("the server did not start:\n" + self.log.read_text(errors="replace")[-2000:])

    def stop(self) -> None:
        if self.process is not None and self.process.poll() is None:
            self._signal(signal.SIGTERM)
            try:
                self.process.wait(40)
            except subprocess.TimeoutExpired:
                self.kill()

    def kill(self) -> None:
        """As a power failure ends it: nothing more of it or of its children runs."""
        self._signal(signal.SIGKILL)
        if self.process is not None:
            self.process.wait()

    def _signal(self, which: int) -> None:
        if self.process is not None:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self.process.pid, which)

    def collect(self, seconds: float = 20.0) -> None:
        """It collects its garbage, now."""
        assert self.process is not None
        self.mark.unlink(missing_ok=True)
        os.kill(self.process.pid, signal.SIGUSR1)
        end = time.monotonic() + seconds
        while not self.mark.exists() and time.monotonic() < end:
            time.sleep(0.05)

    def memory(self) -> float:
        """Resident MB."""
        assert self.process is not None
        return psutil.Process(self.process.pid).memory_info().rss / 2**20

    def cpu(self) -> float:
        """Seconds of processor time so far."""
        assert self.process is not None
        times = psutil.Process(self.process.pid).cpu_times()
        return times.user + times.system

    def sessions(self) -> int:
        import json
        return int(json.loads(urllib.request.urlopen(self.url + "health", timeout=10).read())["sessions"])

    def faults(self) -> list[str]:
        """What the log says that it should not."""
        return [line for line in self.log.read_text(errors="replace").splitlines() if " ERROR" in line or line.startswith("Traceback")]
