"""What a sudden end left behind, and what goes with a twin that is deleted."""
from __future__ import annotations

import logging
import os
import re
import shutil
import time
from contextlib import suppress
from pathlib import Path
from typing import Any

from .conversations import OWNER, Conversations

OLD = 30 * 86_400.0                                      # s after which a draft that nobody touched is thrown away
MINE: set[str] = set()                                   # hidden folders this process is writing now
_NEW = re.compile(r"\.new-(\d+)-\w+")
log = logging.getLogger("twin.store")


def clean(data: Path, caches: tuple[Path, ...] = ()) -> None:
    """Remove what nobody writes any more, take back what was being replaced, finish what was being deleted."""
    places = [data / "scratch"] + ([Path(f"/dev/shm/twin-{os.getuid()}")] if hasattr(os, "getuid") else [])
    for place in places:
        for path in _inside(place):
            _half_made(path)
    there = {twin.name.removeprefix(".old-") for owner in _inside(data / "twins") for twin in _inside(owner)}
    for path in (path for cache in caches for path in _inside(cache)):
        if path.name not in there:                       # written while its twin was being deleted
            shutil.rmtree(path, ignore_errors=True)
    for path in _inside(data / "drafts"):
        with suppress(OSError):
            if OWNER.fullmatch(path.name) and time.time() - (path / "draft.json").stat().st_mtime > OLD:
                shutil.rmtree(path, ignore_errors=True)  # nobody came back for it
    for kind in ("twins", "drafts", "films"):
        for owner in _inside(data / kind):
            if not OWNER.fullmatch(owner.name):
                continue
            for path in _inside(owner):
                _half_made(path)
                if path.name.startswith(".old-"):
                    place = path.with_name(path.name.removeprefix(".old-"))
                    with suppress(OSError):
                        shutil.rmtree(path) if place.exists() else os.rename(path, place)
                elif path.name.startswith(".gone-"):
                    forget_twin(data, owner.name, path.name.removeprefix(".gone-"), path, caches)


def forget_twin(data: Path, owner: str, name: str, folder: Path, caches: tuple[Path, ...] = (), temporary: Path | None = None) -> list[dict[str, Any]]:
    """Everything of a twin whose folder was renamed to `folder`; that folder goes last, so that a sudden end can be made up for."""
    talks = Conversations(data)
    names = talks.with_twin(owner, name)
    for each in names:
        talks.forget(owner, each)
    films = [path for path in _inside(data / "films" / owner) if path.name.startswith(f"{name}.")]
    for path in films:
        path.unlink(missing_ok=True)
    kept = [file for cache in caches for file in (cache / name).rglob("*") if file.is_file()]
    for cache in caches:
        shutil.rmtree(cache / name, ignore_errors=True)
    shown = _inside(temporary) if temporary else []
    for path in shown:
        shutil.rmtree(path, ignore_errors=True) if path.is_dir() else path.unlink(missing_ok=True)
    files = sum(path.is_file() for path in folder.rglob("*"))
    shutil.rmtree(folder, ignore_errors=True)
    said = (("twin", files, "the twin itself, its face, voice, character and consent, in files: {}", "分身本身：脸、声音、性格、同意书（{}个文件）"),
            ("conversations", len(names), "conversations with it: {}", "与它的{}段对话"), ("films", len(films), "films of it: {}", "它的{}部影片"),
            ("caches", len(kept), "files worked out from its lines: {}", "由它的台词算出的缓存（{}个文件）"),
            ("page", len(shown), "the page's own cache: {}", "页面自己的缓存（{}项）"))
    return [{"what": what, "count": count, "en": en.format(count), "zh": zh.format(count)} for what, count, en, zh in said if count]


def sync(folder: Path) -> None:
    """A folder's entries reach the disk; Windows has no such thing."""
    if os.name != "posix":
        return
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _half_made(path: Path) -> None:
    """Remove a hidden folder whose writer is gone."""
    if (made := _NEW.fullmatch(path.name)) and path.name not in MINE and not _other(int(made[1])):
        shutil.rmtree(path, ignore_errors=True)


def _other(pid: int) -> bool:
    """Whether another living process has this number. This process's own leftovers are an earlier one's, of the same number."""
    import psutil
    return pid != os.getpid() and psutil.pid_exists(pid)


def _inside(folder: Path) -> list[Path]:
    try:
        return list(folder.iterdir())
    except OSError:
        return []
