"""Learning a draft's voice while its person goes on: `python -m twin.train.voice` as a process of its own, one a user, a few at a time.

It starts a moment after the last recording, starts anew when another comes, and its samples lie in a folder that is gone when it ends.
What it learned is kept in the draft, with the hash of the recordings that it was learned from.
"""
from __future__ import annotations

import contextlib
import ctypes
import json
import logging
import os
import signal
import subprocess
import sys
import threading
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..store import Shelf

if TYPE_CHECKING:
    from .draft import Draft

WAIT = 4.0               # s after a recording before learning begins: another one may follow
LEAST = 4.0              # s of speech that are worth learning from
MOST = 600.0             # s a training may take
Said = dict[str, str]    # a sentence by language
FAILED = {"en": "The voice could not be learned from these recordings.", "zh": "没能从这些录音里学会声音。"}
AT_ONCE = 1              # trainings that run; others wait their turn
_LIBC = ctypes.CDLL(None) if sys.platform == "linux" else None                  # loaded here: a child between fork and exec should load nothing
ROOT = Path(__file__).resolve().parents[2]
log = logging.getLogger("twin.create")


@dataclass
class Run:
    """One training. `done` counts 0..1; `note` is what it is doing; `failed` is why there is no voice of it."""
    key: str                                             # Draft.clips_key of its recordings
    files: dict[str, bytes]                              # what the trainer is given; let go of once it has begun
    language: str
    done: float = 0.0
    note: Said = field(default_factory=dict)
    failed: Said = field(default_factory=dict)
    result: dict[str, bytes] = field(default_factory=dict)
    stopped: threading.Event = field(default_factory=threading.Event)
    over: threading.Event = field(default_factory=threading.Event)
    process: subprocess.Popen[str] | None = None

    def stop(self) -> None:
        self.stopped.set()
        self.kill()

    def kill(self) -> None:
        """The process and its workers."""
        if self.process and self.process.poll() is None:
            with contextlib.suppress(OSError):
                os.killpg(self.process.pid, signal.SIGKILL) if os.name == "posix" else self.process.kill()


class Training:
    """The trainings of this process, one a user."""

    def __init__(self, shelf: Shelf):
        self.shelf = shelf
        self._runs: dict[str, Run] = {}
        self._turn = threading.Semaphore(AT_ONCE)
        self._guard = threading.Lock()

    def later(self, owner: str, draft: Draft, wait: float = WAIT) -> None:
        """Learn from the draft's present recordings, soon; an older training stops."""
        key = draft.clips_key
        clips = draft.state["clips"]
        with self._guard:
            old = self._runs.get(owner)
            if old and old.key == key and not old.failed and not old.stopped.is_set():
                return
            if old:
                old.stop()
                del self._runs[owner]
            if sum(clip["seconds"] for clip in clips) < LEAST:
                return
            if kept(draft):
                return
            table = [{"file": f"clip-{clip['k']}.wav", "text": clip["text"], "language": clip["language"]} for clip in clips]
            files = {row["file"]: draft.read(row["file"]) for row in table} | {"samples.json": json.dumps(table, ensure_ascii=False).encode()}
            run = self._runs[owner] = Run(key, files, clips[0]["language"])
        threading.Thread(target=self._work, args=(run, wait), name="training", daemon=True).start()

    def result(self, owner: str, draft: Draft) -> dict[str, bytes]:
        """The voice's files when they are there, {} until then; keeps them in the draft."""
        if found := kept(draft):
            return found
        run = self._runs.get(owner)
        if run is None or run.key != draft.clips_key or not run.result:
            return {}
        for name, data in run.result.items():
            draft.write(name, data)
        draft.state["trained"] = run.key
        draft.keep()
        return run.result

    def run(self, owner: str, draft: Draft) -> Run | None:
        """The training of the draft's present recordings."""
        run = self._runs.get(owner)
        return run if run and run.key == draft.clips_key else None

    def told(self, owner: str, draft: Draft) -> dict[str, Any] | None:
        """{"done", "note": {"en", "zh"}} for the page, with "failed": true when the note is why; None where there is nothing to learn from."""
        if not draft.state["clips"]:
            return None
        if self.result(owner, draft):
            return {"done": 1.0, "note": {}}
        run = self.run(owner, draft)
        return {"done": round(run.done, 3), "note": run.failed or run.note} | ({"failed": True} if run.failed else {}) if run else None

    def stop(self, owner: str) -> None:
        with self._guard:
            run = self._runs.pop(owner, None)
        if run:
            run.stop()
            run.over.wait(5.0)

    def close(self) -> None:
        for owner in list(self._runs):
            self.stop(owner)

    def _work(self, run: Run, wait: float) -> None:
        try:
            if not run.stopped.wait(wait):
                while not self._turn.acquire(timeout=0.5):
                    if run.stopped.is_set():
                        return
                try:
                    if not run.stopped.is_set():
                        self._train(run)
                finally:
                    self._turn.release()
        except OSError as error:
            run.failed = {"en": f"The voice could not be learned: {error.strerror}.", "zh": f"没能学会声音：{error.strerror}。"}
        finally:
            run.files = {}
            run.over.set()

    def _train(self, run: Run) -> None:
        began = time.monotonic()
        with self.shelf.scratch() as folder:
            for place, data in run.files.items():
                (folder / "samples").mkdir(exist_ok=True)
                (folder / "samples" / place).write_bytes(data)
            run.files = {}
            out = folder / "voice"
            quiet: dict[str, Any] = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True, "encoding": "utf-8", "errors": "replace"}
            if os.name == "posix":                       # a session of its own: it has workers, and they end with it
                quiet |= {"start_new_session": True, "preexec_fn": _modest}
            run.process = subprocess.Popen([sys.executable, "-m", "twin.train.voice", str(folder / "samples"), str(out), "--language", run.language],
                                           cwd=ROOT, **quiet)
            process = run.process
            tail: list[str] = []
            said: Said = {}
            timer = threading.Timer(MOST, run.kill)
            timer.daemon = True
            timer.start()
            reader = threading.Thread(target=lambda: tail.extend(process.stderr or []), daemon=True)
            reader.start()
            try:
                if run.stopped.is_set():
                    run.kill()
                for line in process.stdout or ():
                    with contextlib.suppress(ValueError, TypeError, KeyError, AttributeError):
                        told = json.loads(line)
                        if "error" in told:
                            said = _said({language: " ".join(both) for language, both in told["error"].items()})
                            continue
                        run.done, run.note = min(0.99, max(run.done, float(told["done"]))), _said(told["note"])
                process.wait()
                reader.join(2.0)
            finally:
                timer.cancel()
                if process.poll() is None:
                    run.kill()
                    process.wait()
            if run.stopped.is_set():
                return
            if process.returncode or not (out / "voice.json").is_file():
                run.failed = said or FAILED
                last = next((line.strip() for line in reversed(tail) if line.strip()), "")
                log.warning("a voice could not be learned (%s): %s", process.returncode, "" if said else last[:200])
                return
            run.result = {name: (out / name).read_bytes() for name in ("voice.safetensors", "voice.json") if (out / name).is_file()}
            run.done = 1.0
            log.info("a voice was learned in %.1f s", time.monotonic() - began)


def _said(told: dict[str, Any]) -> Said:
    """A note of the trainer, bounded. Raises KeyError where a language is missing."""
    return {language: str(told[language]).strip()[:300] for language in ("en", "zh")}


def _modest() -> None:
    """In the trainer, before it begins: it is nobody's hurry, and (where there is Linux) it does not outlive a process that is killed."""
    os.nice(5)
    if _LIBC is not None:
        _LIBC.prctl(1, signal.SIGKILL)                   # PR_SET_PDEATHSIG


def kept(draft: Draft) -> dict[str, bytes]:
    """What was learned from the draft's present recordings, {} when that is nothing yet."""
    if draft.state.get("trained") != draft.clips_key:
        return {}
    try:
        return {name: draft.read(name) for name in ("voice.safetensors", "voice.json")}
    except OSError:
        return {}
