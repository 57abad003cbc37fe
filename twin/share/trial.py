"""An export started on this machine: what would be published, as it would be published, for whoever wants to see it first.

It is a process of its own in a folder that is gone with it, with its own data and cache and without this app's environment; one a user, for a
while, reachable from this machine alone. Its weights are links, all else is the Space itself.
"""
from __future__ import annotations

import ctypes
import logging
import os
import signal
import socket
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from ..errors import Refused, TwinError
from ..store import Shelf, Twin
from . import space
from .progress import Progress

LONGEST = 20 * 60.0                                      # s
PATIENCE = 90.0                                          # s until its page answers
MOST = 2                                                 # of all users: each has a mind of its own in memory
KEPT = ("PATH", "LANG", "LC_ALL", "HOME", "TMPDIR", "LD_LIBRARY_PATH", "SYSTEMROOT", "USERPROFILE", "OMP_NUM_THREADS")
_LIBC = ctypes.CDLL(None) if sys.platform == "linux" else None
log = logging.getLogger("twin.share")


@dataclass
class Trial:
    """One that runs. `over` is set once its process and its folder are gone."""
    twin: str
    url: str
    process: subprocess.Popen[bytes] | None = None
    failed: str = ""
    written: threading.Event = field(default_factory=threading.Event)
    stopped: threading.Event = field(default_factory=threading.Event)
    over: threading.Event = field(default_factory=threading.Event)


class Trials:
    """Those of this process, by user."""

    def __init__(self, shelf: Shelf):
        self.shelf = shelf
        self._running: dict[str, Trial] = {}
        self._guard = threading.Lock()

    def running(self, owner: str, twin: str) -> str:
        """Where a user's trial of that twin is to be seen, ""."""
        trial = self._running.get(owner)
        return trial.url if trial and trial.twin == twin and not trial.over.is_set() else ""

    def start(self, owner: str, twin: Twin) -> Iterator[Progress]:
        """Write it, start it, wait until its page answers; the last Progress has its address as `place`. An older trial of the user ends. Closing the
        iterator ends it. Raises TwinError."""
        self.stop(owner)
        with self._guard:
            if sum(not trial.over.is_set() for trial in self._running.values()) >= MOST:
                raise Refused(f"{MOST} trials are running already.", "Wait until one of them ends.", code="busy",
                              zh=("已有试运行在进行。", "请等其中一个结束。"))
            with socket.socket() as free:
                free.bind(("127.0.0.1", 0))
                port = free.getsockname()[1]
            trial = self._running[owner] = Trial(twin.id, f"http://127.0.0.1:{port}/")
        yield Progress("write", 0.05, "Writing the Space.", "正在写出空间。")
        threading.Thread(target=self._run, args=(trial, twin, port), name="trial", daemon=True).start()
        began, answers = time.monotonic(), False
        try:
            while not answers:
                if trial.over.is_set():
                    raise TwinError(f"The Space did not start: {trial.failed or 'it was stopped'}.", "Export it and start it by hand to see why: "
                                    "python -m twin export TWIN --space DIR", zh=("这个空间没能启动。", "可以导出后手动启动，看看原因。"))
                if time.monotonic() - began > PATIENCE:
                    raise TwinError("The Space took too long to start.", "Try again when the machine is less busy.", zh=("启动太慢。", "请等电脑空闲些再试。"))
                time.sleep(0.25)
                answers = trial.written.is_set() and _answers(trial.url)
                share = min(0.95, 0.2 + (time.monotonic() - began) / 20)
                yield Progress("start", share, "Starting it in a folder of its own.", "正在独立的文件夹里启动。")
        finally:
            if not answers:
                self.stop(owner)
        yield Progress("done", 1.0, f"It runs at {trial.url}", f"已在 {trial.url} 运行", trial.url)

    def stop(self, owner: str) -> bool:
        """End a user's trial; its folder is gone when this returns. Whether there was one."""
        with self._guard:
            trial = self._running.pop(owner, None)
        if trial is None:
            return False
        trial.stopped.set()
        trial.over.wait(15.0)
        return True

    def close(self) -> None:
        for owner in list(self._running):
            self.stop(owner)

    def _run(self, trial: Trial, twin: Twin, port: int) -> None:
        """From the folder to its end, on one thread: the process dies with the thread that made it."""
        try:
            with self.shelf.scratch() as folder, open(folder / "errors", "wb") as errors:
                space.write(self.shelf, twin, folder / "space", linked=True)
                environment = {name: os.environ[name] for name in KEPT if name in os.environ}
                environment |= {"PORT": str(port), "HOST": "127.0.0.1", "TWIN_DATA": str(folder / "data"), "TWIN_CACHE": str(folder / "cache"),
                                "HF_HUB_OFFLINE": "1", "PYTHONDONTWRITEBYTECODE": "1", "GRADIO_ANALYTICS_ENABLED": "False"}
                trial.process = subprocess.Popen([sys.executable, "app.py"], cwd=folder / "space", env=environment, stdin=subprocess.DEVNULL,
                                                 stdout=subprocess.DEVNULL, stderr=errors,
                                                 preexec_fn=_bound if os.name == "posix" else None)
                trial.written.set()
                end = time.monotonic() + LONGEST
                while trial.process.poll() is None and not trial.stopped.wait(0.2) and time.monotonic() < end:
                    pass
                if trial.process.poll() is None:
                    trial.process.terminate()
                    try:
                        trial.process.wait(8.0)
                    except subprocess.TimeoutExpired:
                        trial.process.kill()
                        trial.process.wait()
                elif not trial.stopped.is_set():
                    trial.failed = _last(folder / "errors") or f"it ended with {trial.process.returncode}"
        except TwinError as error:
            trial.failed = error.message
        except OSError as error:
            trial.failed = error.strerror or type(error).__name__
        finally:
            trial.over.set()


def _answers(url: str) -> bool:
    try:
        with urllib.request.urlopen(url + "healthz", timeout=2.0):
            return True
    except urllib.error.HTTPError:
        return True
    except (OSError, ValueError):
        return False


def _last(path: Path) -> str:
    """The last line of what it complained about."""
    lines = [line.strip() for line in path.read_text(encoding="utf-8", errors="replace").splitlines() if line.strip()]
    return lines[-1][:200] if lines else ""


def _bound() -> None:
    """In the trial, before it begins: it does not outlive what started it."""
    os.nice(5)
    if _LIBC is not None:
        _LIBC.prctl(1, signal.SIGTERM)                   # PR_SET_PDEATHSIG
