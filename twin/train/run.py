"""A training as a folder that others can look at: `python -m twin.train.run FOLDER` tells of the runs in it as JSON, `--stop` asks them to end.

    run.json         what is trained, on what, with which settings
    pid              "PID START" of the process, START as psutil tells it, so that a number that was given again isn't taken for ours
    heartbeat        JSON, written again every few seconds: {"state", "step", "share" 0..1, "left" s or null, "seconds", "pictures", "pace", "at", "why"}
                     state: "training", "measuring", "ended" (all done), "stopped" (asked to), "failed"
    stop             a file; whoever makes it asks for a checkpoint and the end. Looked for at every step
    log.csv          a row every few seconds: step, seconds, pictures, losses
    samples/         step-00000100.png ...; curves.png: the log, drawn
    at-STEP/         checkpoints (checkpoints.py)

The page starts a training as a process and reads these files by twin/studio/run.py; it imports nothing from here. No torch in this file.
"""
from __future__ import annotations

import argparse
import csv
import json
import os
import sys
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from twin.errors import Refused, TwinError
from twin.studio import run
from twin.studio.run import found, write

BEAT = 2.0                                               # s between heartbeats


class Run(run.Run):
    """A training's folder, in the hands of the training: it begins, beats, logs and ends. Everyone else looks and asks it to stop (twin/studio/run.py)."""

    def __init__(self, folder: Path):
        super().__init__(folder)
        self._beaten = 0.0
        self._beat: dict[str, Any] = {}

    def begin(self, about: Mapping[str, Any], fresh: bool) -> None:
        """Take the folder. Raises Refused where a training runs in it, or where a fresh one would go over an older one's checkpoints; OSError."""
        import psutil
        if self.folder.exists() and not self.folder.is_dir():
            raise Refused(f"{self.folder} is a file.", "Name a folder.")
        self.folder.mkdir(parents=True, exist_ok=True)
        if self.alive() and (self.folder / "pid").read_text("utf-8").split()[0] != str(os.getpid()):
            raise Refused(f"A training runs in {self.folder} already.", f"Wait for it, or end it: make a file {self.folder / 'stop'}.")
        if fresh and any(self.folder.glob("at-*/state.json")):
            raise Refused(f"There is a training in {self.folder} already.", "Go on with it by --resume, or name another folder.")
        write(self.folder / "pid", f"{os.getpid()} {psutil.Process().create_time()}")
        write(self.folder / "run.json", json.dumps({**about, "begun": time.strftime("%Y-%m-%dT%H:%M:%S")}, indent=2, ensure_ascii=False))
        (self.folder / "stop").unlink(missing_ok=True)

    def asked(self) -> bool:
        """Whether someone made the file `stop`."""
        return (self.folder / "stop").exists()

    def beat(self, now: bool = False, **told: Any) -> None:
        """The heartbeat, at most every BEAT seconds unless `now`. A full disk doesn't end a training here: its checkpoints say so."""
        self._beat.update(told)
        if now or time.monotonic() - self._beaten >= BEAT:
            with suppress(OSError):
                write(self.folder / "heartbeat", json.dumps({**self._beat, "at": round(time.time(), 1)}))
            self._beaten = time.monotonic()

    def end(self, state: str, why: str = "") -> None:
        """One of ENDS. The file `stop` has been heard."""
        self.beat(now=True, state=state, why=why, left=0 if state == "ended" else None)
        for name in ("stop", "pid"):
            (self.folder / name).unlink(missing_ok=True)

    def log(self, row: Mapping[str, float]) -> None:
        """A row of log.csv; a column that is new goes into the header. Raises OSError."""
        path, names = self.folder / "log.csv", [*row]
        if path.is_file():
            with path.open(encoding="utf-8", newline="") as file:
                header = next(csv.reader(file), [])
            if set(names) - set(header):
                rows = self.rows()
                self._rewrite([*header, *(name for name in names if name not in header)], rows)
                header = [*header, *(name for name in names if name not in header)]
            names = header
            with path.open("a", encoding="utf-8", newline="") as file:
                csv.DictWriter(file, names).writerow(row)
        else:
            self._rewrite(names, [row])

    def trim(self, step: int) -> None:
        """Rows after `step` are let go of: the training goes on from there."""
        rows = [row for row in self.rows() if row["step"] <= step]
        if rows:
            self._rewrite([*dict.fromkeys(name for row in rows for name in row)], rows)
        else:
            (self.folder / "log.csv").unlink(missing_ok=True)

    def _rewrite(self, names: Sequence[str], rows: Sequence[Mapping[str, float]]) -> None:
        half = self.folder / "log.csv.half"
        with half.open("w", encoding="utf-8", newline="") as file:
            table = csv.DictWriter(file, names)
            table.writeheader()
            table.writerows(rows)
        half.replace(self.folder / "log.csv")

    def curves(self) -> Path | None:
        """curves.png: a panel for each column over the pictures seen. None where there is nothing to draw yet."""
        from matplotlib.backends.backend_agg import FigureCanvasAgg
        from matplotlib.figure import Figure
        rows = self.rows()
        names = [name for name in dict.fromkeys(name for row in rows for name in row) if name not in ("step", "seconds", "pictures")]
        if len(rows) < 2 or not names:
            return None
        across = min(3, len(names))
        down = -(-len(names) // across)
        figure = Figure(figsize=(4.2 * across, 2.8 * down))
        FigureCanvasAgg(figure)
        for number, name in enumerate(names):
            panel = figure.add_subplot(down, across, number + 1)
            there = [row for row in rows if name in row]
            panel.plot([row["pictures"] for row in there], [row[name] for row in there], linewidth=1.0, marker="." if len(there) < 30 else "")
            panel.set_title(name.replace("_", " "), fontsize=9)
            panel.tick_params(labelsize=7)
            panel.grid(alpha=0.3)
        figure.subplots_adjust(0.06, 0.08, 0.98, 1 - 0.3 / (2.8 * down), 0.22, 0.35)
        half = self.folder / "curves.half.png"
        figure.savefig(half, dpi=90)
        half.replace(self.folder / "curves.png")
        return self.folder / "curves.png"


def spoken(seconds: float | None) -> str:
    """A span of time for people."""
    if seconds is None:
        return "?"
    minutes, rest = divmod(round(max(0.0, seconds)), 60)
    return f"{minutes // 60} h {minutes % 60:02d} min" if minutes >= 60 else f"{minutes} min {rest:02d} s" if minutes else f"{rest} s"


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m twin.train.run", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path, help="of a run, or of some")
    parser.add_argument("--stop", action="store_true", help="ask every one that is alive to end")
    options = parser.parse_args(arguments)
    try:
        runs = list(found(options.folder)) or [run.Run(options.folder)]
        if options.stop:
            for one in runs:
                if one.alive():
                    one.ask_to_stop()
        print(json.dumps([{"about": one.about(), **one.status()} for one in runs], ensure_ascii=False, indent=2))
    except TwinError as error:
        print(f"{error.message} {error.hint}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
