"""What a sudden end left behind: removed, taken back or finished at the next start."""
from __future__ import annotations

import os
import re
import shutil
import time
from contextlib import suppress
from pathlib import Path

from ..errors import TwinError
from .conversations import OWNER
from .derived import forget_twin, settle
from .places import MINE, inside

OLD = 30 * 86_400.0                                      # s after which a draft that nobody touched is thrown away
_NEW = re.compile(r"\.new-(\d+)-\w+")


def clean(data: Path, caches: tuple[Path, ...] = ()) -> None:
    """Remove what nobody writes any more, take back what was being replaced, finish what was being deleted."""
    for place in [data / "scratch", *([Path(f"/dev/shm/twin-{os.getuid()}")] if hasattr(os, "getuid") else [])]:
        half_made(place)
    half_made(data / "credentials")
    there = {twin.name.removeprefix(".old-") for owner in inside(data / "twins") for twin in inside(owner)}
    for path in (path for cache in caches for path in inside(cache)):
        if path.name not in there:                       # written while its twin was being deleted
            shutil.rmtree(path, ignore_errors=True)
    for path in inside(data / "drafts"):
        with suppress(OSError):
            if OWNER.fullmatch(path.name) and time.time() - (path / "draft.json").stat().st_mtime > OLD:
                shutil.rmtree(path, ignore_errors=True)  # nobody came back for it
    owners = {owner.name for kind in ("twins", "drafts", "films", "conversations", "memories") for owner in inside(data / kind) if OWNER.fullmatch(owner.name)}
    for owner in sorted(owners):
        _owner(data, owner, caches)


def half_made(place: Path) -> None:
    """Remove hidden files and folders whose writer is gone."""
    for path in inside(place):
        if (made := _NEW.fullmatch(path.name)) and path.name not in MINE and not _other(int(made[1])):
            _remove(path)


def _owner(data: Path, owner: str, caches: tuple[Path, ...]) -> None:
    for kind in ("drafts", "films", "conversations", "memories"):
        half_made(data / kind / owner)
    half_made(data / "twins" / owner)
    for path in inside(data / "twins" / owner):
        if path.name.startswith(".old-"):
            place = path.with_name(path.name.removeprefix(".old-"))
            with suppress(OSError):
                shutil.rmtree(path) if place.exists() else os.rename(path, place)
        elif path.name.startswith(".gone-"):
            with suppress(TwinError, OSError):           # next time, then
                forget_twin(data, owner, path.name.removeprefix(".gone-"), path, caches)
        else:
            half_made(path)
    settle(data, owner)


def _remove(path: Path) -> None:
    with suppress(OSError):
        shutil.rmtree(path) if path.is_dir() and not path.is_symlink() else path.unlink()


def _other(pid: int) -> bool:
    """Whether another living process has this number. This process's own leftovers are an earlier one's, of the same number."""
    import psutil
    return pid != os.getpid() and psutil.pid_exists(pid)
