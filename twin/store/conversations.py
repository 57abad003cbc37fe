"""What was said, by owner: the id of a User, which is the hash of a token. Nothing that was said ever goes into a log.

A conversation is one JSON file in a folder named by its owner: written beside and renamed, readable by its owner only, bounded in number and
size. With a twin whose files are encrypted it is a journal (journal.py) instead, and its words never lie open on disk.
"""
from __future__ import annotations

import json
import logging
import re
import secrets
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ..errors import Locked, Missing, TwinError
from . import journal
from .places import replace

MOST_CONVERSATIONS = 200                                 # of one user; the oldest goes
MOST_BYTES = 1 * 2**20                                   # of one conversation; its oldest messages go
TITLE = 60                                               # characters
OWNER = re.compile(r"[0-9a-f]{64}")
_CONVERSATION = re.compile(r"[0-9a-f]{32}")
SEALED = ".journal"
log = logging.getLogger("twin.store")


@dataclass
class Saved:
    """A conversation as it is kept. `history` holds {role, content, turn, cut?, step?, mood?}."""
    id: str
    twin: str
    language: str = "en"
    history: list[dict[str, Any]] = field(default_factory=list)
    when: float = 0.0                                    # s since 1970, of the last change

    @property
    def title(self) -> str:
        asked = next((m["content"] for m in self.history if m["role"] == "user"), "")
        line = " ".join(asked.split())
        return line if len(line) <= TITLE else line[:TITLE - 1] + "…"

    def item(self) -> dict[str, Any]:
        return {"id": self.id, "twin": self.twin, "title": self.title, "when": self.when}


def new_id() -> str:
    """An id nobody can guess."""
    return secrets.token_hex(16)


class Conversations:
    """Keeps, finds and forgets them. Blocking: call it on a thread.

    `key(owner, twin)` gives the key of an encrypted twin, None for an open one; it raises Locked for one behind a passphrase.
    """

    def __init__(self, data: Path, most: int = MOST_CONVERSATIONS, most_bytes: int = MOST_BYTES, key: Callable[[str, str], bytes | None] | None = None):
        self.root, self.most, self.most_bytes = data / "conversations", most, most_bytes
        self._key = key or (lambda owner, twin: None)

    def save(self, owner: str, saved: Saved, when: float | None = None) -> None:
        """Write it, whole or not at all. Raises TwinError with a way out when the disk refuses, Locked when its twin is."""
        saved.when = time.time() if when is None else when
        path = self._path(owner, saved.id)
        try:
            key = self._key(owner, saved.twin)
            path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            if key is not None:
                self._journal(path, key, saved)
                path.unlink(missing_ok=True)
            elif path.with_suffix(SEALED).is_file():
                raise _gone()                            # its twin was deleted meanwhile: what was sealed is not written in the open
            else:
                replace(path, self._bounded(saved))
        except OSError as error:
            raise TwinError(f"The conversation could not be saved: {error.strerror}.",
                            f"Make room on the disk, or name another folder with TWIN_DATA (now {self.root.parent}).") from None
        self._prune(path.parent)

    def load(self, owner: str, name: str) -> Saved:
        """Raises Missing when this owner has no such conversation, or its file is damaged; Locked when its twin is."""
        path = self._path(owner, name)
        sealed = path.with_suffix(SEALED)
        try:
            if sealed.is_file():
                twin = journal.twin(sealed)
                key = self._key(owner, twin)
                if key is not None:
                    return _saved(name, journal.read(sealed, key) | {"twin": twin})
                if not path.is_file():                   # both are there while a twin is being locked
                    raise ValueError
            raw = path.read_bytes() if path.stat().st_size <= 2 * self.most_bytes else b""
            return _saved(name, json.loads(raw))
        except OSError:
            raise _gone() from None
        except Locked:
            raise
        except (ValueError, TypeError, KeyError, AttributeError, RecursionError, TwinError):
            log.warning("A saved conversation is damaged and was left alone: %s", path)
            raise _gone() from None

    def list(self, owner: str) -> list[dict[str, Any]]:
        """The newest first: {id, twin, title, when}. Damaged ones are left out, and those with a twin that is locked."""
        items = []
        for path in self._files(self._folder(owner)):
            try:
                items.append(self.load(owner, path.stem).item())
            except (Missing, Locked):
                continue
        return sorted(items, key=lambda item: item["when"], reverse=True)

    def forget(self, owner: str, name: str) -> None:
        """Delete it. Raises Missing when this owner has no such conversation."""
        path = self._path(owner, name)
        found = [file for file in (path, path.with_suffix(SEALED)) if file.is_file()]
        if not found:
            raise _gone()
        for file in found:
            file.unlink(missing_ok=True)

    def count(self, owner: str) -> int:
        return len(self._files(self._folder(owner)))

    def with_twin(self, owner: str, twin: str) -> Sequence[str]:
        """The ids of an owner's conversations with a twin, readable or not."""
        return [path.stem for path in self._files(self._folder(owner)) if self._twin(path) == twin]

    def seal_beside(self, owner: str, twin: str, key: bytes) -> None:
        """Write the conversations with a twin that lie open as journals beside themselves. Raises TwinError when the disk refuses."""
        for path in self._files(self._folder(owner)):
            if path.suffix == ".json" and self._twin(path) == twin:
                try:
                    saved = _saved(path.stem, json.loads(path.read_bytes()))
                    path.with_suffix(SEALED).unlink(missing_ok=True)
                    self._journal(path, key, saved)
                except (ValueError, TypeError, KeyError, AttributeError, RecursionError):
                    path.unlink(missing_ok=True)         # damaged: nobody can read it again, and it may hold words
                except OSError as error:
                    raise TwinError(f"A conversation with it could not be locked: {error.strerror}.", "Make room on the disk.",
                                    zh=("与它的一段对话没能锁上。", "请给磁盘腾出空间。")) from None

    def _journal(self, path: Path, key: bytes, saved: Saved) -> None:
        about = {"language": saved.language, "when": saved.when}
        journal.write(path.with_suffix(SEALED), key, saved.twin, about, saved.history, self.most_bytes)

    def _twin(self, path: Path) -> str:
        try:
            if path.suffix == SEALED:
                return journal.twin(path)
            return str(json.loads(path.read_bytes())["twin"]) if path.stat().st_size <= 2 * self.most_bytes else ""
        except (OSError, ValueError, TypeError, KeyError, RecursionError):
            return ""

    def _bounded(self, saved: Saved) -> bytes:
        """The file's bytes; the oldest messages go until it fits."""
        start = 0
        while True:
            body = {"version": 1, "id": saved.id, "twin": saved.twin, "language": saved.language, "when": saved.when, "title": saved.title,
                    "history": saved.history[start:]}
            raw = json.dumps(body, ensure_ascii=False).encode("utf-8", "replace")
            if len(raw) <= self.most_bytes or start >= len(saved.history):
                return raw
            start += max(1, (len(saved.history) - start) // 4)

    def _folder(self, owner: str) -> Path:
        if not OWNER.fullmatch(owner):
            raise ValueError("an owner is the hash of a token")
        return self.root / owner

    def _path(self, owner: str, name: str) -> Path:
        if not isinstance(name, str) or not _CONVERSATION.fullmatch(name):
            raise _gone()
        return self._folder(owner) / f"{name}.json"

    def _files(self, folder: Path) -> Sequence[Path]:
        return [path for path in folder.glob("*") if path.suffix in (".json", SEALED) and _CONVERSATION.fullmatch(path.stem)]

    def _prune(self, folder: Path) -> None:
        files = self._files(folder)
        if len(files) > self.most:
            for path in sorted(files, key=_age)[:len(files) - self.most]:
                path.unlink(missing_ok=True)


def _gone() -> Missing:
    return Missing("That conversation is not here any more.", "Choose another, or begin a new one.")


def _saved(name: str, data: dict[str, Any]) -> Saved:
    history = [m for m in data["history"] if m["role"] in ("user", "assistant") and m["turn"] >= 0
               and (m["content"] + m.get("cut", "")).strip()]
    return Saved(name, str(data["twin"]), str(data["language"]), history, float(data["when"]))


def _age(path: Path) -> float:
    try:
        return path.stat().st_mtime
    except OSError:
        return 0.0
