"""A training's folder, for whoever looks: how it stands, its log, its sheets; and the file that asks it to end. What writes it is twin/train/run.py, whose page
says what every file is. No torch."""
from __future__ import annotations

import csv
import json
import re
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

from twin.errors import Missing

ENDS = ("ended", "stopped", "failed")
SHEET = re.compile(r"step-([0-9]{8})\.png")


class Run:
    """One training's folder."""

    def __init__(self, folder: Path):
        self.folder = Path(folder)
        self._held: tuple[tuple[int, int], list[dict[str, float]]] = (0, 0), []          # when and how long log.csv was, its rows

    def about(self) -> dict[str, Any]:
        """run.json. Raises Missing."""
        if read := read_json(self.folder / "run.json"):
            return read
        raise Missing(f"There is no training in {self.folder}.", "Name the folder that was --out.")

    def alive(self) -> bool:
        """Whether its process is there."""
        return running(self.folder / "pid") > 0

    def status(self) -> dict[str, Any]:
        """The heartbeat, with "alive"; a run whose process is gone without a word is "killed"."""
        beat, alive = read_json(self.folder / "heartbeat"), self.alive()
        state = beat.get("state", "training")
        return {**beat, "folder": str(self.folder), "alive": alive, "state": state if alive or state in ENDS else "killed"}

    def ask_to_stop(self) -> None:
        (self.folder / "stop").touch()

    def rows(self) -> list[dict[str, float]]:
        """log.csv; a cell that is empty or torn is left out. Read again only when it has changed."""
        path = self.folder / "log.csv"
        try:
            known = path.stat()
        except OSError:
            return []
        stamp = known.st_mtime_ns, known.st_size
        if stamp != self._held[0]:
            self._held = stamp, table(path)
        return list(self._held[1])

    def sheets(self) -> list[int]:
        """The steps that a sheet of samples was painted at, in order."""
        with suppress(OSError):
            return sorted(int(found[1]) for path in (self.folder / "samples").iterdir() if (found := SHEET.fullmatch(path.name)))
        return []


def running(pid: Path) -> int:
    """The number of the process that a file "PID START" names, while it runs; else 0. START is psutil's: a number that was given again isn't taken for it."""
    import psutil
    try:
        number, _, start = pid.read_text("utf-8").partition(" ")
        process = psutil.Process(int(number))
        same = abs(process.create_time() - float(start)) < 1.0 and process.status() != psutil.STATUS_ZOMBIE
        return int(number) if same else 0
    except (OSError, ValueError, psutil.Error):
        return 0


def table(path: Path) -> list[dict[str, float]]:
    """The rows of a log.csv, [] where there is none."""
    out = []
    with suppress(OSError, UnicodeDecodeError), path.open(encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            with suppress(ValueError):
                out.append({name: float(value) for name, value in row.items() if name and value})
    return [row for row in out if "step" in row]


def found(root: Path) -> Iterator[Run]:
    """The runs at `root` and one level under it."""
    for folder in (root, *sorted(path for path in root.iterdir() if path.is_dir())) if root.is_dir() else ():
        if (folder / "run.json").is_file():
            yield Run(folder)


def read_json(path: Path) -> dict[str, Any]:
    """A JSON object, {} for what is none."""
    try:
        read = json.loads(path.read_text("utf-8"))
    except (OSError, ValueError):
        return {}
    return read if isinstance(read, dict) else {}


def write(path: Path, text: str) -> None:
    """Whole, or as it was. Raises OSError."""
    half = path.with_name(path.name + ".half")
    half.write_text(text, encoding="utf-8")
    half.replace(path)
