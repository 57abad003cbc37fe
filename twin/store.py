"""Twins on disk, and the conversations people had with them. The only room that reads or writes either.

A twin is a folder: persona.yaml, lines.en.yaml, lines.zh.yaml, face/. A damaged one is left out, and why is kept in `Twins.trouble`.
A conversation is one JSON file in a folder named by the hash of its user's token: written beside and renamed, readable by its owner only,
bounded in number and size. Nothing that was said ever goes into a log.
"""
from __future__ import annotations

import json
import logging
import os
import re
import secrets
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any

from persona.card import CardError, Persona

from .errors import Missing, Refused, TwinError
from .types import Voice

DEFAULTS = Path(__file__).resolve().parents[1] / "assets" / "twins"
MOST_CONVERSATIONS = 200                                 # of one user; the oldest goes
MOST_BYTES = 1 * 2**20                                   # of one conversation; its oldest messages go
TITLE = 60                                               # characters
LANGUAGES = ("en", "zh")
_NAME = re.compile(r"[a-z0-9][a-z0-9_-]{0,59}")
_OWNER = re.compile(r"[0-9a-f]{64}")
_CONVERSATION = re.compile(r"[0-9a-f]{32}")
log = logging.getLogger("twin.store")


@dataclass(frozen=True)
class Twin:
    """A persona, a face and a voice."""
    id: str
    persona: Persona
    folder: Path
    voice: Voice
    lines: Mapping[str, Path] = field(default_factory=dict)              # language -> YAML of the twin's own lines

    @property
    def face(self) -> Path:
        return self.folder / "face"

    def card(self) -> dict[str, Any]:
        """What the page is told of it. `face` is relative to the page's address."""
        who = self.persona
        return {"id": self.id, "name": who.name, "tagline": who.tagline, "languages": list(who.languages), "age": who.age,
                "face": f"/media/twins/{self.id}/face/"}


class Twins(Mapping[str, Twin]):
    """The twins of a folder by id. `trouble` says which could not be loaded, and why."""

    def __init__(self, root: Path = DEFAULTS):
        self.root = root
        self.trouble: list[TwinError] = []
        self._twins: dict[str, Twin] = {}
        for folder in sorted(path for path in root.iterdir() if path.is_dir() and not path.name.startswith(".")) if root.is_dir() else ():
            try:
                twin = load_twin(folder)
                self._twins[twin.id] = twin
            except TwinError as error:
                self.trouble.append(error)
                log.warning("%s %s", error.message, error.hint)

    def __getitem__(self, name: str) -> Twin:
        return self._twins[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._twins)

    def __len__(self) -> int:
        return len(self._twins)

    def first(self, wanted: str = "") -> Twin:
        """The wanted twin, or the first. Raises Missing when there is none at all."""
        if wanted in self._twins:
            return self._twins[wanted]
        if not self._twins:
            why = f" {self.trouble[0].message}" if self.trouble else ""
            raise Missing(f"There is no twin in {self.root}.{why}", "Put one there, or take the repository's assets/twins back.")
        return next(iter(self._twins.values()))


def load_twin(folder: Path) -> Twin:
    """The twin in a folder. Raises Missing or Refused, naming the file, when it can't be used."""
    if not _NAME.fullmatch(folder.name):
        raise Refused(f"The folder name {folder.name!r} cannot be a twin's.", "Use small letters, digits, - and _.")
    try:
        persona = Persona.load(folder)
    except CardError as error:
        raise Refused(f"The twin in {folder} was left out: {error.message}", error.hint) from None
    except OSError as error:
        raise Missing(f"The twin in {folder} was left out: {error.strerror}.", "Check that persona.yaml can be read.") from None
    known = {f.name for f in fields(Voice)}
    given: dict[str, Any] = {name: value for name, value in persona.voice.items() if name in known}
    voice = Voice(**given)
    lines = {language: path for language in LANGUAGES if (path := folder / f"lines.{language}.yaml").is_file()}
    return Twin(folder.name, persona, folder, voice, lines)


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
    """What was said, by owner: the id of a User, which is the hash of a token. Blocking: call it on a thread."""

    def __init__(self, data: Path, most: int = MOST_CONVERSATIONS, most_bytes: int = MOST_BYTES):
        self.root, self.most, self.most_bytes = data / "conversations", most, most_bytes

    def save(self, owner: str, saved: Saved) -> None:
        """Write it, whole or not at all. Raises TwinError with a way out when the disk refuses."""
        saved.when = time.time()
        raw = self._bounded(saved)
        path = self._path(owner, saved.id)
        beside = path.with_suffix(f".{secrets.token_hex(4)}.part")
        try:
            path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            with open(os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
                file.write(raw)
            os.replace(beside, path)
        except OSError as error:
            with suppress(OSError):
                beside.unlink()
            raise TwinError(f"The conversation could not be saved: {error.strerror}.",
                            f"Make room on the disk, or name another folder with TWIN_DATA (now {self.root.parent}).") from None
        self._prune(path.parent)

    def load(self, owner: str, name: str) -> Saved:
        """Raises Missing when this owner has no such conversation, or its file is damaged."""
        path = self._path(owner, name)
        gone = Missing("That conversation is not here any more.", "Choose another, or begin a new one.")
        try:
            raw = path.read_bytes() if path.stat().st_size <= 2 * self.most_bytes else b""
            data = json.loads(raw)
            history = [m for m in data["history"] if m["role"] in ("user", "assistant") and m["turn"] >= 0
                       and (m["content"] + m.get("cut", "")).strip()]
            return Saved(name, str(data["twin"]), str(data["language"]), history, float(data["when"]))
        except OSError:
            raise gone from None
        except (ValueError, TypeError, KeyError, AttributeError, RecursionError):
            log.warning("A saved conversation is damaged and was left alone: %s", path)
            raise gone from None

    def list(self, owner: str) -> list[dict[str, Any]]:
        """The newest first: {id, twin, title, when}. Damaged ones are left out."""
        items = []
        for path in self._files(self._folder(owner)):
            try:
                items.append(self.load(owner, path.stem).item())
            except Missing:
                continue
        return sorted(items, key=lambda item: item["when"], reverse=True)

    def forget(self, owner: str, name: str) -> None:
        """Delete it. Raises Missing when this owner has no such conversation."""
        try:
            self._path(owner, name).unlink()
        except OSError:
            raise Missing("That conversation is not here any more.", "Choose another, or begin a new one.") from None

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
        if not _OWNER.fullmatch(owner):
            raise ValueError("an owner is the hash of a token")
        return self.root / owner

    def _path(self, owner: str, name: str) -> Path:
        if not isinstance(name, str) or not _CONVERSATION.fullmatch(name):
            raise Missing("That conversation is not here any more.", "Choose another, or begin a new one.")
        return self._folder(owner) / f"{name}.json"

    def _files(self, folder: Path) -> Sequence[Path]:
        return [path for path in folder.glob("*.json") if _CONVERSATION.fullmatch(path.stem)]

    def _prune(self, folder: Path) -> None:
        files = self._files(folder)
        if len(files) > self.most:
            for path in sorted(files, key=_age)[:len(files) - self.most]:
                path.unlink(missing_ok=True)


def _age(path: Path) -> float:
    try:
        return path.stat().st_mtime
    except OSError:
        return 0.0
