"""A process of its own, in a folder: begun with `begin`, found again by its pid after a restart of the server, and what became of it.

    pid        "PID START", as twin/train/run.py writes it
    log.txt    all it said, over all starts; each start is a line "$ python -m ..."
    exit       its exit code, where this server saw it end
    halted     made when it was asked to end
"""
from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from . import places
from .run import running, write

ROOT = Path(__file__).resolve().parents[2]
POLITE = 10                                              # of niceness: the twin that talks meanwhile comes first
PATIENCE = 8.0                                           # s between asking a process to end and ending it
TAIL = 64 * 2**10                                        # bytes of a log that are looked at
_ours: set[Path] = set()                                 # folders whose process this server began, until its exit code is written
_NOISE = re.compile(r"[IWEF]\d{4} |(INFO|WARNING)\b|.*(UserWarning|FutureWarning|DeprecationWarning):|  warnings\.warn")
_PROGRESS = re.compile(r"[\d,]+ of [\d,]+\b|(\d\d:\d\d:\d\d )?( *[\d.]+ %  step |figure |[\d.]+ M weights;|reading [\d,]+ sentences)")
_CLOCK = re.compile(r"\d\d:\d\d:\d\d ")


def begin(folder: Path, arguments: Sequence[str], threads: int = 1, then: Callable[[int], None] = lambda code: None) -> None:
    """Start `python ARGUMENTS` in the folder, and return. `then(exit code)` is called on a thread when it has ended. Raises TwinError where it can't be."""
    import psutil
    environment = os.environ | {"OMP_NUM_THREADS": str(threads), "PYTHONUNBUFFERED": "1", "PYTHONIOENCODING": "utf-8"}
    apart: dict[str, Any] = {"start_new_session": True} if os.name == "posix" else {"creationflags": getattr(subprocess, "CREATE_NEW_PROCESS_GROUP", 0)}
    try:
        for name in ("exit", "halted", "pid"):
            (folder / name).unlink(missing_ok=True)
        with (folder / "log.txt").open("ab") as log:
            log.write(f"$ {command(arguments)}\n".encode())
            log.flush()
            _ours.add(folder)
            process = subprocess.Popen([sys.executable, *arguments], cwd=ROOT, env=environment, stdin=subprocess.DEVNULL, stdout=log, stderr=log, **apart)
        with suppress(psutil.Error):                     # it may have ended already
            known = psutil.Process(process.pid)
            write(folder / "pid", f"{process.pid} {known.create_time()}")
            known.nice(POLITE if os.name == "posix" else getattr(psutil, "BELOW_NORMAL_PRIORITY_CLASS", 0))
    except OSError as error:
        _ours.discard(folder)
        raise places.unwritable(folder, error) from error

    def wait() -> None:
        code = process.wait()
        with suppress(OSError):
            write(folder / "exit", str(code))
        _ours.discard(folder)
        then(code)
    threading.Thread(target=wait, name="studio process", daemon=True).start()


def state(folder: Path) -> str:
    """"running", "done", "failed", "stopped" (asked to) or "killed" (without a word)."""
    if folder in _ours or running(folder / "pid"):
        return "running"
    code = exit_code(folder)
    if (folder / "halted").exists() and code != 0:
        return "stopped"
    return "killed" if code is None or code < 0 else "failed" if code else "done"


def exit_code(folder: Path) -> int | None:
    try:
        return int((folder / "exit").read_text("utf-8"))
    except (OSError, ValueError):
        return None


def halt(folder: Path) -> None:
    """Ask it to end, with all its workers; where it doesn't, end it."""
    import psutil
    with suppress(OSError):
        (folder / "halted").touch()
    try:
        process = psutil.Process(running(folder / "pid") or -1)
        every = [process, *process.children(recursive=True)]
    except (psutil.Error, ValueError):
        return
    for one in every:
        with suppress(psutil.Error):
            one.terminate()

    def lives(one: Any) -> bool:
        with suppress(psutil.Error):
            return bool(one.is_running() and one.status() != psutil.STATUS_ZOMBIE)
        return False

    def insist() -> None:
        end = time.monotonic() + PATIENCE                # not psutil's wait(): it would take the exit code from whoever began the process
        while time.monotonic() < end and any(map(lives, every)):
            time.sleep(0.1)
        for one in filter(lives, every):
            with suppress(psutil.Error):
                one.kill()
    threading.Thread(target=insist, name="studio halt", daemon=True).start()


def command(arguments: Sequence[str]) -> str:
    """As one would type it."""
    return shlex.join(["python", *arguments])


def tail(folder: Path, lines: int = 40) -> list[str]:
    """The last lines of the log that are for people."""
    try:
        with (folder / "log.txt").open("rb") as log:
            log.seek(max(0, log.seek(0, os.SEEK_END) - TAIL))
            text = log.read().decode("utf-8", "replace")
    except OSError:
        return []
    return [line for line in text.splitlines() if line.strip() and not _NOISE.match(line)][-lines:]


def last_words(folder: Path) -> str:
    """What it said at the end that is no progress: why it ended, as one sentence or two. "" where there is nothing."""
    said: list[str] = []
    whole = tail(folder)
    for line in reversed(whole):
        if line.startswith("$ ") or _PROGRESS.match(line):
            break
        said.insert(0, _CLOCK.sub("", line).strip())
        if _CLOCK.match(line):                           # a line of a training holds all of it
            break
    broke = next((n for n, line in enumerate(said) if line.startswith("Traceback")), -1)
    return " ".join(said[-1:] if broke >= 0 else said[-6:])[:900]
