"""Reminders of a user with a twin: one small file beside the memory (memories.py), sealed where the memory is, gone with it."""
from __future__ import annotations

import logging
from pathlib import Path

from persona.reminders import Book

from ..errors import TwinError
from .memories import OPEN, Memories
from .places import replace
from .seal import seal, unseal
from .twins import SEALED

NAME = ".reminders"                                      # <twin>.memory.reminders: what sweeps, seals and erases a memory takes it along
MOST_BYTES = 2**20
log = logging.getLogger("twin.store")


def book(memories: Memories, owner: str, twin: str) -> Book | None:
    """The reminders of a user with a twin; None where nothing may be kept. Blocking. Raises Locked for a twin that is."""
    if not memories.on(owner, twin):
        return None
    key = memories._key(owner, twin)
    path = _path(memories, owner, twin, key is not None)
    data = b""
    try:
        open_one = _path(memories, owner, twin, False)
        if key is not None and not path.is_file() and open_one.is_file():            # its twin was encrypted since
            _write(path, key, twin, open_one.read_bytes())
            open_one.unlink()
        if path.is_file() and path.stat().st_size <= MOST_BYTES:
            data = path.read_bytes() if key is None else unseal(key, path.read_bytes(), f"reminders {twin}")
    except (OSError, TwinError) as error:
        log.warning("reminders could not be read (%s)", type(error).__name__)
    return Book(data, lambda changed: _write(path, key, twin, changed))


def _path(memories: Memories, owner: str, twin: str, sealed: bool) -> Path:
    return memories.path(owner, twin, False).with_name(f"{twin}{OPEN}{NAME}{SEALED if sealed else ''}")


def _write(path: Path, key: bytes | None, twin: str, data: bytes) -> None:
    try:
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        replace(path, data if key is None else seal(key, data, f"reminders {twin}"))
    except OSError as error:
        raise TwinError(f"The reminder could not be kept: {error.strerror}.", "Make room on the disk.", zh=("提醒没能存下来。", "请给磁盘腾出空间。")) from None
