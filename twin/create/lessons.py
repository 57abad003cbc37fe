"""Learning how a person talks, for an own twin: `python -m twin.train.lora` as a process of its own, watched, paused, taken up again.

All of it lies with the twin, under its key where there is one: what is to be learned (training.json, training.jsonl), how far it is (training.safetensors,
renewed as the trainer goes), and at the end what was learned (adapter.safetensors) and how it went (adapter.json: {"on", "public", "report"}). A server
that is killed has lost half a minute. The trainer works in a folder that is gone when it ends, and sees no more than clean exchanges and the character.
"""
from __future__ import annotations

import contextlib
import json
import logging
import os
import subprocess
import sys
import threading
import time
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ..errors import Missing, Refused, TwinError
from ..store import Shelf, Twin
from .training import ROOT, Said, _modest, _said
from .training import Run as Process
from .words import Words, enough

MOST = 4 * 3600.0                                        # s a training may take
MINUTES = 20.0                                           # that its learning may take, of these
KEPT = 64 * 2**20                                        # bytes of a state that is kept with the twin
AT_ONCE = 1                                              # trainings that run; others wait their turn
JOB, WORDS, STATE = "training.json", "training.jsonl", "training.safetensors"
MATRICES, ABOUT = "adapter.safetensors", "adapter.json"
FAILED = {"en": "Nothing could be learned from these words.", "zh": "没能从这些话里学到东西。"}
log = logging.getLogger("twin.create")


@dataclass(frozen=True)
class Pupil:
    """What learns: `base`, a folder or an id of the hub; whether its prompts are those of a large model; the languages it knows, () for any."""
    base: str
    name: str
    capable: bool = False
    languages: tuple[str, ...] = ()


@dataclass
class Run(Process):
    """One training. `over` is set when all of it has ended."""
    state: str = "waiting"                               # waiting | running | done | failed
    paused: bool = False
    began: float = field(default_factory=time.monotonic)


class Lessons:
    """The trainings of this process, one a twin."""

    def __init__(self, shelf: Shelf):
        self.shelf = shelf
        self._runs: dict[tuple[str, str], Run] = {}
        self._turn = threading.Semaphore(AT_ONCE)
        self._guard = threading.Lock()

    def begin(self, twin: Twin, words: Words, pupil: Pupil, minutes: float = MINUTES) -> Run:
        """Start to learn these words; what was being learned before is dropped. Raises Refused when they are too few, Locked."""
        enough(words)
        twin.read("persona.yaml")                        # raises Locked
        self.shelf.admit()
        self.stop(twin)
        job = {"base": pupil.base, "name": pupil.name, "capable": pupil.capable, "minutes": minutes, "words": words.told()}
        rows = "".join(json.dumps(one.row(), ensure_ascii=False) + "\n" for one in words.exchanges)
        self._drop(twin, (STATE, JOB))                   # in this order: a job without its words is none
        self.shelf.note(twin.owner, twin.id, WORDS, rows.encode())
        self.shelf.note(twin.owner, twin.id, JOB, json.dumps(job, ensure_ascii=False).encode())
        return self.go_on(self.shelf.get(twin.owner, twin.id))

    def go_on(self, twin: Twin) -> Run:
        """Take up what was paused, or ended with the server. Raises Missing where there is nothing."""
        if not twin.has(JOB) or not twin.has(WORDS):
            raise Missing("There is nothing to go on with.", "Start the training anew.", zh=("没有可以继续的训练。", "请重新开始。"))
        with self._guard:
            old = self._runs.get((twin.owner, twin.id))
            if old and not old.over.is_set() and not old.stopped.is_set():
                return old
        if old:
            old.over.wait(10.0)
        files = {"job.json": twin.read(JOB), "words.jsonl": twin.read(WORDS), "persona.yaml": twin.read("persona.yaml")}
        files |= {"resume.safetensors": twin.read(STATE)} if twin.has(STATE) else {}
        run = self._runs[twin.owner, twin.id] = Run(twin.id, files, "")
        threading.Thread(target=self._work, args=(run, twin), name="lessons", daemon=True).start()
        return run

    def pause(self, twin: Twin) -> None:
        """End the process; what it was about is kept."""
        if run := self._runs.get((twin.owner, twin.id)):
            run.paused = True
            run.stop()
            run.over.wait(10.0)

    def stop(self, twin: Twin) -> None:
        """End it for good: nothing of it is left but what was learned before."""
        self.pause(twin)
        self._runs.pop((twin.owner, twin.id), None)
        self._drop(twin, (JOB, STATE, WORDS))

    def switch(self, twin: Twin, *, on: bool | None = None, public: bool | None = None) -> None:
        """Whether what was learned is worn, and whether it goes along when the twin is shared. Raises Missing where nothing was learned."""
        if not twin.has(MATRICES):
            raise Missing("This twin has not learned from anybody's words.", "Train it first.", zh=("这个分身还没学过谁的话。", "请先训练。"))
        about = told(twin)
        about |= {name: value for name, value in (("on", on), ("public", public)) if value is not None}
        self.shelf.note(twin.owner, twin.id, ABOUT, json.dumps(about, ensure_ascii=False).encode())

    def forget(self, twin: Twin) -> None:
        """Remove what was learned."""
        self._drop(twin, (MATRICES, ABOUT))

    def told(self, twin: Twin) -> dict[str, Any]:
        """For the page: {"state": none | waiting | running | paused | done | failed, "done", "note", "learned": has it learned, "on", "public", "report",
        "words"}."""
        run = self._runs.get((twin.owner, twin.id))
        about = told(twin)
        words = _dict(twin, JOB).get("words") if twin.has(JOB) else None
        state = run.state if run and not run.paused else "paused" if twin.has(JOB) else "none"
        return {"state": state, "done": round(run.done, 3) if run else 0.0, "note": (run.failed or run.note) if run else {}, "learned": twin.has(MATRICES),
                "on": about["on"], "public": about["public"], "report": about.get("report"), "words": words}

    def close(self) -> None:
        for run in list(self._runs.values()):
            run.paused = True
            run.stop()
        for run in list(self._runs.values()):
            run.over.wait(5.0)

    def _drop(self, twin: Twin, names: Iterable[str]) -> None:
        for name in names:
            if twin.has(name):
                self.shelf.unnote(twin.owner, twin.id, name)

    def _work(self, run: Run, twin: Twin) -> None:
        try:
            while not self._turn.acquire(timeout=0.5):
                if run.stopped.is_set():
                    return
            try:
                if not run.stopped.is_set():
                    run.state = "running"
                    self._train(run, twin)
            finally:
                self._turn.release()
        except TwinError as error:                       # deleted or locked meanwhile, or no room on the disk
            run.failed = {language: " ".join(error.told(language)) for language in ("en", "zh")}
        except OSError as error:
            run.failed = {"en": f"It could not be learned: {error.strerror}.", "zh": f"没能学会：{error.strerror}。"}
        finally:
            run.kill()
            run.files = {}
            run.state = "failed" if run.failed else "done" if run.done >= 1 else run.state
            run.over.set()

    def _train(self, run: Run, twin: Twin) -> None:
        with self.shelf.scratch() as folder:
            job, out = folder / "job", folder / "out"
            job.mkdir()
            out.mkdir()
            for name, data in run.files.items():
                ((out if name == "resume.safetensors" else job) / name).write_bytes(data)
            run.files = {}
            said = self._watched(run, twin, job, out)
            if run.stopped.is_set():
                return
            assert run.process is not None
            if run.process.returncode or not (out / "report.json").is_file():
                run.failed = said or FAILED
                return
            report = json.loads((out / "report.json").read_bytes())
            about = told(twin)
            if report["kept"]:
                self.shelf.note(twin.owner, twin.id, MATRICES, (out / MATRICES).read_bytes())
                about["on"] = True
            self.shelf.note(twin.owner, twin.id, ABOUT, json.dumps(about | {"report": report}, ensure_ascii=False).encode())
            self._drop(twin, (JOB, STATE, WORDS))
            run.done, run.note = 1.0, _said(report["why"])
            log.info("words were learned in %.0f s: %s", time.monotonic() - run.began, "kept" if report["kept"] else "not kept")

    def _watched(self, run: Run, twin: Twin, job: Path, out: Path) -> Said:
        """Start the trainer, follow what it says to its end, keep its state. Returns why it failed, {} where it did not say so."""
        quiet: dict[str, Any] = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True, "encoding": "utf-8", "errors": "replace"}
        if os.name == "posix":
            quiet |= {"start_new_session": True, "preexec_fn": _modest}
        process = run.process = subprocess.Popen([sys.executable, "-m", "twin.train.lora", str(job), str(out)], cwd=ROOT, **quiet)
        tail: list[str] = []
        said: Said = {}
        kept, state = 0, out / "resume.safetensors"
        timer = threading.Timer(MOST, run.kill)
        timer.daemon = True
        timer.start()
        reader = threading.Thread(target=lambda: tail.extend(line[-300:] for line in process.stderr or ()), daemon=True)
        reader.start()
        try:
            if run.stopped.is_set():
                run.kill()
            for line in process.stdout or ():
                self.shelf.get(twin.owner, twin.id).read("persona.yaml")         # raises where it was deleted, or locked
                with contextlib.suppress(ValueError, TypeError, KeyError, AttributeError):
                    row = json.loads(line)
                    if "error" in row:
                        said = _said({language: " ".join(both) for language, both in row["error"].items()})
                        continue
                    run.done, run.note = min(0.99, max(run.done, float(row["done"]))), _said(row["note"])
                if state.exists() and (stamp := state.stat().st_mtime_ns) != kept and state.stat().st_size <= KEPT:
                    kept = stamp
                    self.shelf.note(twin.owner, twin.id, STATE, state.read_bytes())
            process.wait()
            reader.join(2.0)
            if run.paused and state.exists() and state.stat().st_size <= KEPT:
                with contextlib.suppress(TwinError, OSError):
                    self.shelf.note(twin.owner, twin.id, STATE, state.read_bytes())
        finally:
            timer.cancel()
            if process.poll() is None:
                run.kill()
                process.wait()
        if process.returncode and not said and not run.stopped.is_set():
            last = next((line.strip() for line in reversed(tail) if line.strip()), "")
            log.warning("words could not be learned (%s): %s", process.returncode, last[:200])
        return said


def told(twin: Twin) -> dict[str, Any]:
    """adapter.json: {"on", "public", "report"?}. What is not there is worn, and goes nowhere."""
    about = _dict(twin, ABOUT) if twin.has(ABOUT) else {}
    return {**about, "on": about.get("on") is not False, "public": about.get("public") is True}


def _dict(twin: Twin, name: str) -> dict[str, Any]:
    try:
        found = json.loads(twin.read(name))
    except (ValueError, Missing):
        return {}
    return found if isinstance(found, dict) else {}


def suits(pupil: Pupil | None) -> Pupil:
    """Raises Refused where what thinks now cannot be taught: it lies on another machine, or is no model of transformers."""
    if pupil is None:
        raise Refused("The model that thinks now cannot be trained here: it lies on a server, or in a GGUF file.",
                      "Switch to the embedded model, or to one of transformers, under Models.", code="untaught",
                      zh=("现在使用的模型不能在这里训练：它在服务器上，或是 GGUF 文件。", "请在“模型”里换成内置模型或 transformers 模型。"))
    return pupil
