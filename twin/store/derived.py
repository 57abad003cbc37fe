"""What came of a twin outside its folder: the conversations with it, the films of it, what was cached. It is sealed and deleted with its twin.

When a twin is locked, each of these is written sealed beside its open self, then the twin itself is, then the open ones go. A sudden end in
between leaves both, and the next start settles it without any key: the sealed ones stay where the twin is sealed, the open ones where it is not.
"""
from __future__ import annotations

import shutil
import time
from pathlib import Path
from typing import Any

from ..errors import TwinError
from . import journal, memories
from .conversations import SEALED as JOURNAL
from .conversations import Conversations
from .places import BOX, inside, replace
from .seal import seal
from .twins import SEALED

OWN = "own"                                              # folder of the cache with one folder for each own twin
LATE = 60.0                                              # s in which another process may still be bringing in the twin of what it wrote


def lines_in(cache: Path, twin: Any) -> Path | None:
    """Where in the cache the embeddings of a twin's lines are kept: an own twin's in a folder that goes with it, an encrypted one's nowhere."""
    return cache / "lines" if not twin.owner else None if twin.key is not None else cache / OWN / twin.id


def seal_beside(data: Path, owner: str, name: str, key: bytes) -> None:
    """The conversations and films of a twin that lie open, sealed and synced beside themselves. Raises TwinError when the disk refuses."""
    Conversations(data).seal_beside(owner, name, key)
    folder = data / "films" / owner
    try:
        for film in inside(folder):
            if film.name.startswith(f"{name}.") and film.suffix == ".mp4":
                replace(film.with_name(film.name + SEALED), seal(key, film.read_bytes(), film.name.split(".")[1]), synced=True)
        memories.seal_beside(data, owner, name, key)
    except OSError as error:
        raise TwinError(f"A film of it could not be locked: {error.strerror}.", "Make room on the disk.",
                        zh=("它的影片没能锁上。", "请给磁盘腾出空间。")) from None


def settle(data: Path, owner: str) -> None:
    """Of what lies there both open and sealed, keep what its twin is; what is sealed and has no twin goes: the twin never came, or went."""
    def choose(twin: str, open_: Path, sealed: Path) -> None:
        folder = data / "twins" / owner / twin
        if open_.is_file():
            (open_ if (folder / BOX).is_file() else sealed).unlink(missing_ok=True)
        elif not folder.exists() and time.time() - sealed.stat().st_mtime > LATE:
            sealed.unlink(missing_ok=True)
    for path in inside(data / "films" / owner):
        if path.name.endswith(SEALED):
            choose(path.name.split(".")[0], path.with_name(path.name.removesuffix(SEALED)), path)
    for path in inside(data / "conversations" / owner):
        if path.suffix == JOURNAL:
            try:
                choose(journal.twin(path), path.with_suffix(".json"), path)
            except (OSError, ValueError, KeyError):
                continue                                 # damaged: left alone
    memories.settle(data, owner, lambda name: (data / "twins" / owner / name / BOX).is_file())


def forget_talks(data: Path, owner: str, name: str) -> int:
    """Delete the conversations with a twin. Returns how many there were."""
    talks = Conversations(data)
    names = set(talks.with_twin(owner, name))
    for each in names:
        talks.forget(owner, each)
    return len(names)


def forget_twin(data: Path, owner: str, name: str, folder: Path, caches: tuple[Path, ...] = (), temporary: Path | None = None) -> list[dict[str, Any]]:
    """Everything of a twin whose folder was renamed to `folder`; that folder goes last, so that a sudden end can be made up for.
    Raises TwinError when the disk keeps some of it."""
    talks, remembered = forget_talks(data, owner, name), memories.forget(data, owner, name)
    films = [path for path in inside(data / "films" / owner) if path.name.startswith(f"{name}.")]
    for path in films:
        path.unlink(missing_ok=True)
    kept = [file for cache in caches for file in (cache / name).rglob("*") if file.is_file()]
    for cache in caches:
        shutil.rmtree(cache / name, ignore_errors=True)
    shown = inside(temporary) if temporary else []
    for path in shown:
        shutil.rmtree(path, ignore_errors=True) if path.is_dir() else path.unlink(missing_ok=True)
    files = sum(path.is_file() for path in folder.rglob("*"))
    shutil.rmtree(folder, ignore_errors=True)
    if folder.exists() or any((cache / name).exists() for cache in caches):
        raise TwinError("Not all of the twin could be removed from the disk.", "It is tried again at the next start; check who owns the data folder.",
                        zh=("分身没能从磁盘上完全删除。", "下次启动时会再试；请检查数据文件夹的权限。"))
    said = (("twin", files, "the twin itself, its face, voice, character and consent, in files: {}", "分身本身：脸、声音、性格、同意书（{}个文件）"),
            ("conversations", talks, "conversations with it: {}", "与它的{}段对话"), ("films", len(films), "films of it: {}", "它的{}部影片"),
            ("memory", remembered, "what it remembered of you, in files: {}", "它记得的关于你的事（{}个文件）"),
            ("caches", len(kept), "files worked out from its lines: {}", "由它的台词算出的缓存（{}个文件）"),
            ("page", len(shown), "the page's own cache: {}", "页面自己的缓存（{}项）"))
    return [{"what": what, "count": count, "en": en.format(count), "zh": zh.format(count)} for what, count, en, zh in said if count]
