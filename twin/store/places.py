"""How files are written and where they are worked on: whole or not at all, and in a folder that is gone afterwards; the box beside sealed ones.

Whatever is being written is called .new-<number of the process>-<letters>, so that the next start knows whether its writer is gone (sweep.py).
"""
from __future__ import annotations

import json
import os
import secrets
import shutil
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from ..errors import Missing, Refused

BOX = "sealed.json"                                      # beside a twin's sealed files: its name, and its key in a box
MINE: set[str] = set()                                   # what this process is writing now
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


def keep(path: Path, data: bytes, synced: bool = True) -> None:
    """A new file, for this process's user alone; with `synced`, on the disk before this returns."""
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    with open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
        file.write(data)
        if synced:
            file.flush()
            os.fsync(file.fileno())


def replace(path: Path, data: bytes, synced: bool = False) -> None:
    """Write a file, whole or not at all; with `synced`, for good before this returns. Raises OSError, and nothing is left."""
    beside = path.with_name(f".new-{os.getpid()}-{secrets.token_hex(4)}")
    MINE.add(beside.name)
    try:
        keep(beside, data, synced)
        os.replace(beside, path)
        if synced:
            sync(path.parent)
    finally:
        with suppress(OSError):
            beside.unlink()
        MINE.discard(beside.name)


def put_folder(place: Path, files: Mapping[str, bytes]) -> None:
    """A folder of these files, whole or not at all, in the place of the one that is there. Raises OSError, and nothing is left."""
    hidden, old = place.with_name(f".new-{os.getpid()}-{secrets.token_hex(4)}"), place.with_name(f".old-{place.name}")
    MINE.add(hidden.name)
    try:
        hidden.mkdir(parents=True, mode=0o700)
        for name, data in files.items():
            keep(hidden / name, data)
        for folder in {path.parent for path in hidden.rglob("*")} | {hidden}:
            sync(folder)
        if place.is_dir():
            shutil.rmtree(old, ignore_errors=True)
            os.rename(place, old)                        # between these two, a sudden end is put right at the next start
        os.rename(hidden, place)
        sync(place.parent)
        shutil.rmtree(old, ignore_errors=True)
    finally:
        shutil.rmtree(hidden, ignore_errors=True)
        MINE.discard(hidden.name)


def sync(folder: Path) -> None:
    """A folder's entries reach the disk; Windows has no such thing."""
    if os.name != "posix":
        return
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def inside(folder: Path) -> list[Path]:
    """What lies in a folder; nothing where there is none."""
    try:
        return list(folder.iterdir())
    except OSError:
        return []


def gone() -> Missing:
    """What a user is told about a twin that is not theirs."""
    return Missing("You have no such twin.", "Choose one of those that are shown.", code="no-twin", zh=("你没有这个分身。", "请从列出的分身里选一个。"))
