"""What twins remember of their users, one file of each user with each twin (persona/memory.py): found, opened, sealed, switched off, deleted.

    memories/<owner>/<twin>.memory           SQLite; .memory.sealed where the twin is encrypted, and on a shared server
    memories/<owner>/<twin>.off              this user wants this twin to remember nothing

A file that can't be read is kept beside itself under another name, and goes when the memory is erased.
"""
from __future__ import annotations

import hmac
import logging
import sqlite3
import threading
from collections import OrderedDict
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from persona.memory import Memory, Trouble

from ..errors import Locked, Missing, Refused, TwinError
from .conversations import OWNER, Conversations
from .places import replace
from .seal import seal, unseal
from .twins import NAME, SEALED

if TYPE_CHECKING:
    from .shelf import Shelf

OPEN = ".memory"
OFF = ".off"
MOST_OPEN = 24                                           # at a time; one with 10,000 facts and their vectors is some 50 MB
Embed = Callable[[list[str]], Any]
log = logging.getLogger("twin.store")


class _Key:
    """Seals a memory under a twin's key, bound to its place."""

    def __init__(self, key: bytes, about: str):
        self.bytes, self._about = key, about

    def seal(self, data: bytes) -> bytes:
        return seal(self.bytes, data, self._about)

    def unseal(self, data: bytes) -> bytes:
        try:
            return unseal(self.bytes, data, self._about)
        except Refused:
            raise ValueError("sealed under another key, or damaged") from None


class Memories:
    """Those of all users of one server. Blocking: call it on a thread. `embed`: where the embedder comes from, once it is there."""

    def __init__(self, shelf: Shelf, embed: Callable[[], Embed | None] = lambda: None):
        self.shelf, self.embed, self.root = shelf, embed, shelf.data / "memories"
        self._open: OrderedDict[tuple[str, str], tuple[Memory, bytes | None, int]] = OrderedDict()
        self._trouble: dict[tuple[str, str], Trouble] = {}
        self._guard = threading.RLock()

    def of(self, owner: str, twin: str) -> Memory | None:
        """The memory of a user with a twin; None where it is switched off. Raises Locked for a twin that is, TwinError when the disk refuses."""
        with self._guard:
            if not self.on(owner, twin):
                return None
            key = self._key(owner, twin)
            path = self.path(owner, twin, key is not None)
            held = self._open.get((owner, twin))
            if held and held[1] == key and (key is not None and path.is_file() or _inode(path) == held[2]):
                self._open.move_to_end((owner, twin))
                return held[0]
            self.let_go(owner, twin)
            try:
                memory, trouble = Memory.open(path, embed=self.embed(), key=None if key is None else _Key(key, f"memory {twin}"))
                if key is not None and not path.is_file():
                    with memory.together():              # an empty one is a file too: it is asked for again
                        pass
            except (OSError, sqlite3.Error) as error:
                raise TwinError(f"What is remembered could not be opened: {getattr(error, 'strerror', '') or type(error).__name__}.",
                                f"Make room on the disk, or name another folder with TWIN_DATA (now {self.shelf.data}).",
                                zh=("记忆打不开。", "请给磁盘腾出空间，或用 TWIN_DATA 指定别的文件夹。")) from None
            if trouble is not None:
                log.warning("a memory could not be read (%s); a copy is kept", trouble.code)
                self._trouble[owner, twin] = trouble
            self._open[owner, twin] = memory, key, _inode(memory.path)
            while len(self._open) > MOST_OPEN:
                self._open.popitem(last=False)[1][0].close()
            return memory

    def trouble(self, owner: str, twin: str) -> Trouble | None:
        """Why a memory began anew, if it did while this server runs."""
        return self._trouble.get((owner, twin))

    def on(self, owner: str, twin: str) -> bool:
        return not self._off(owner, twin).exists()

    def switch(self, owner: str, twin: str, on: bool) -> None:
        """Off: nothing is kept or recalled from now on; what is there stays until it is erased."""
        path = self._off(owner, twin)
        if on:
            path.unlink(missing_ok=True)
        else:
            path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            path.touch(mode=0o600)
            self.let_go(owner, twin)

    def look(self, owner: str, twin: str) -> Memory | None:
        """The memory, also where it is switched off, for who wants to see or erase it; None where there is none."""
        if self.on(owner, twin):
            return self.of(owner, twin)
        with self._guard:
            key = self._key(owner, twin)
            path = self.path(owner, twin, key is not None)
            return Memory.open(path, key=None if key is None else _Key(key, f"memory {twin}"))[0] if path.is_file() else None

    def erase(self, owner: str, twin: str) -> int:
        """Delete all of a memory, with the copies of what could not be read. How many files there were."""
        with self._guard:
            with suppress(TwinError):
                if memory := self.look(owner, twin):
                    memory.erase()                       # the pages are overwritten before the file goes
            self.let_go(owner, twin)
            self._trouble.pop((owner, twin), None)
            self.path(owner, twin, False)                # raises Missing
            return forget(self.shelf.data, owner, twin, also_off=False)

    def let_go(self, owner: str, twin: str = "") -> None:
        """Close what is open of a user, or of them with one twin."""
        with self._guard:
            for key in [key for key in self._open if key[0] == owner and twin in ("", key[1])]:
                self._open.pop(key)[0].close()

    def close(self) -> None:
        with self._guard:
            while self._open:
                self._open.popitem()[1][0].close()

    def twins(self, owner: str) -> Sequence[str]:
        """The twins that remember something of a user."""
        folder = self._folder(owner)
        names = {path.name.split(".")[0] for path in folder.iterdir() if OPEN in path.name} if folder.is_dir() else set()
        return sorted(name for name in names if NAME.fullmatch(name))

    def path(self, owner: str, twin: str, sealed: bool) -> Path:
        if not NAME.fullmatch(twin):
            raise Missing("There is no such twin.", "Choose one of those that are shown.", code="no-twin", zh=("没有这个分身。", "请从列出的分身里选一个。"))
        return self._folder(owner) / f"{twin}{OPEN}{SEALED if sealed else ''}"

    def _key(self, owner: str, twin: str) -> bytes | None:
        """Of the twin, where it has one; else, on a shared server, one that comes of the server's."""
        key = self.shelf.key(owner, twin) if self.shelf.has(owner, twin) else None
        server = self.shelf.seals
        return key or (hmac.digest(server, f"memory {owner} {twin}".encode(), "sha256") if server is not None else None)

    def _off(self, owner: str, twin: str) -> Path:
        return self.path(owner, twin, False).with_suffix(OFF)

    def _folder(self, owner: str) -> Path:
        if not OWNER.fullmatch(owner):
            raise ValueError("an owner is the hash of a token")
        return self.root / owner


def cut(talks: Conversations, owner: str, gone: Sequence[tuple[str, int, str, str]], but: str = "") -> None:
    """Take what was forgotten (Memory.gone) out of the conversations that are kept, but for one that is going on."""
    for name in {row[0] for row in gone} - {but}:
        with suppress(Missing, Locked, TwinError):
            saved = talks.load(owner, name)
            saved.history = without(saved.history, gone, name)
            talks.save(owner, saved, saved.when)


def without(history: Sequence[dict[str, Any]], gone: Sequence[tuple[str, int, str, str]], name: str) -> list[dict[str, Any]]:
    """A conversation's history without what was forgotten of it."""
    left = {(turn, role): text for conversation, turn, role, text in gone if conversation == name}
    found = []
    for message in history:
        text = left.get((message.get("turn", 0), message["role"]))
        if text is None:
            found.append(message)
        elif text:
            found.append({key: value for key, value in message.items() if key != "cut"} | {"content": text})
    return found


def seal_beside(data: Path, owner: str, name: str, key: bytes) -> None:
    """The memory of a twin that lies open, sealed beside itself. Raises OSError."""
    path = data / "memories" / owner / f"{name}{OPEN}"
    if path.is_file():
        replace(path.with_name(path.name + SEALED), seal(key, path.read_bytes(), f"memory {name}"), synced=True)


def settle(data: Path, owner: str, twins: Callable[[str], bool]) -> None:
    """Where a memory lies both open and sealed: the open one goes where its twin is sealed, else the sealed one. `twins(name)`: whether it is."""
    folder = data / "memories" / owner
    for path in folder.glob(f"*{OPEN}{SEALED}") if folder.is_dir() else ():
        beside = path.with_name(path.name.removesuffix(SEALED))
        if beside.is_file():
            sealed = twins(path.name.split(".")[0])
            for each in _files(folder, path.name.split(".")[0]) if sealed else [path]:
                if not sealed or not each.name.endswith(SEALED):
                    each.unlink(missing_ok=True)


def forget(data: Path, owner: str, name: str, also_off: bool = True) -> int:
    """Delete all files of a user's memory with a twin, the copies of unreadable ones too. How many there were."""
    folder = data / "memories" / owner
    found = _files(folder, name)
    for path in found:
        path.unlink(missing_ok=True)
    if also_off:
        (folder / f"{name}{OFF}").unlink(missing_ok=True)
    return len(found)


def _files(folder: Path, name: str) -> list[Path]:
    return [path for path in (folder.iterdir() if folder.is_dir() else ()) if path.name.split(".")[0] == name and OPEN in path.name]


def _inode(path: Path) -> int:
    try:
        return path.stat().st_ino
    except OSError:
        return 0
