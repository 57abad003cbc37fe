"""Where a twin's files are written and worked on: a synced file, the box beside sealed ones, and a folder that is gone afterwards."""
from __future__ import annotations

import json
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from ..errors import Missing, Refused
from .sweep import MINE

BOX = "sealed.json"                                      # beside a twin's sealed files: its name, and its key in a box
ROOM = 256 * 2**20                                       # bytes a disk in memory must have free to be worked in


@contextmanager
def scratch(data: Path) -> Iterator[Path]:
    """A folder to work in, gone afterwards: in memory where the machine has a disk there, else in the data folder."""
    base = data / "scratch"
    with suppress(OSError):
        if os.access("/dev/shm", os.W_OK) and shutil.disk_usage("/dev/shm").free > ROOM:
            memory = Path(f"/dev/shm/twin-{os.getuid()}")
            memory.mkdir(mode=0o700, exist_ok=True)
            if memory.stat().st_uid == os.getuid() and not memory.is_symlink():
                base = memory
    base.mkdir(parents=True, exist_ok=True, mode=0o700)
    folder = Path(tempfile.mkdtemp(prefix=f".new-{os.getpid()}-", dir=base))
    MINE.add(folder.name)
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)
        MINE.discard(folder.name)

def box_of(path: Path) -> dict[str, Any] | None:
    """What the box of the twin in a folder holds; None where its files lie open. Raises Refused when it is damaged."""
    try:
        box = json.loads((path / BOX).read_bytes())
        return box if isinstance(box["name"], dict) and isinstance(box["languages"], list) else {}
    except FileNotFoundError:
        return None
    except (OSError, ValueError, KeyError, TypeError):
        raise Refused(f"The lock of the twin in {path} is damaged.", "Take it from a copy that is whole.", code="damaged",
                      zh=("这个分身的锁损坏了。", "请换一份完好的副本。")) from None


def keep(path: Path, data: bytes) -> None:
    """A new file, for this process's user alone, on the disk before this returns."""
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    with open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())


def gone() -> Missing:
    """What a user is told about a twin that is not theirs."""
    return Missing("You have no such twin.", "Choose one of those that are shown.", code="no-twin", zh=("你没有这个分身。", "请从列出的分身里选一个。"))
