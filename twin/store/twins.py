"""A twin and how it is read: a folder, of which every file is read through `Twin.read`, so that an encrypted one never lies open on disk."""
from __future__ import annotations

import logging
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any

from persona import scene
from persona.card import CardError, Persona

from ..errors import Locked, Missing, Refused, TwinError
from ..types import Voice
from .seal import unseal

DEFAULTS = Path(__file__).resolve().parents[2] / "assets" / "twins"
LANGUAGES = ("en", "zh")
SEALED = ".sealed"                                       # behind the name of an encrypted file
NAME = re.compile(r"[a-z0-9][a-z0-9_-]{0,59}")
FILES = re.compile(r"persona\.yaml|lines\.(en|zh)\.yaml|(fields|card|consent|measured|published)\.json"
                   r"|adapter\.(safetensors|json)|training\.(json|jsonl|safetensors)|documents\.zip|catalogue\.(json|csv|yaml)"
                   r"|face/(portrait|background|eyes|iris|mouth|depth)\.webp|face/rig\.json|voice/voice\.(safetensors|json)")
LEARNED = ("adapter.safetensors", "adapter.json")        # from their words: its matrices; how it went, and whether it is worn
TRAINING = ("training.json", "training.jsonl", "training.safetensors")        # of one that goes on: what, the words, how far it is
NOTED = ("published.json", "consent.json", "documents.zip", "catalogue.json", *LEARNED, *TRAINING)      # written by themselves: Shelf.note
HERE = ("published.json", *TRAINING)                     # true of this copy alone: neither a duplicate nor a bundle has it
log = logging.getLogger("twin.store")


@dataclass(frozen=True)
class Twin:
    """A persona, a face and a voice."""
    id: str
    persona: Persona
    folder: Path
    voice: Voice
    owner: str = ""                                      # User.id, "" for a default twin
    locked: bool = False                                 # behind a passphrase that was not said in this visit: only its name is known
    stamp: int = 0                                       # changes when it was edited
    key: bytes | None = field(default=None, repr=False, compare=False)     # opens its files, where they are encrypted

    def read(self, name: str) -> bytes:
        """A file of the twin, such as "face/rig.json". Raises Missing, and Locked while nobody has said the passphrase."""
        gone = Missing(f"The twin has no {name}.", "Choose another twin.", zh=("这个分身缺少一个文件。", "请选择别的分身。"))
        if not FILES.fullmatch(name):
            raise gone
        if self.locked:
            raise Locked("This twin is behind a passphrase.", "Say the passphrase to open it for this visit.",
                         zh=("这个分身有口令保护。", "输入口令，这次访问期间就能打开。"))
        try:
            if self.key is not None:
                return unseal(self.key, (self.folder / (name + SEALED)).read_bytes(), name)
            return (self.folder / name).read_bytes()
        except OSError:
            raise gone from None

    def has(self, name: str) -> bool:
        return bool(FILES.fullmatch(name)) and (self.folder / (name + SEALED if self.key is not None else name)).is_file()

    def names(self) -> list[str]:
        """The names of its files, as `read` takes them."""
        end = SEALED if self.key is not None else ""
        found = (path.relative_to(self.folder).as_posix() for path in self.folder.rglob("*") if path.is_file() and path.name.endswith(end))
        return sorted(name for name in (item.removesuffix(end) for item in found) if FILES.fullmatch(name))

    def card(self) -> dict[str, Any]:
        """What the page is told of it. `face` is relative to the page's address."""
        who = self.persona
        acted = scene.load(who.scene) if who.scene else None
        asks = {"suggestions": {language: list(texts) for language, texts in acted.suggestions.items()}} if acted else {}
        return {"id": self.id, "name": who.name, "tagline": who.tagline, "languages": list(who.languages), "age": who.age,
                "face": f"/media/twins/{self.id}/face/"} | asks | ({"own": True, "locked": self.locked, "stamp": f"{self.stamp:x}"} if self.owner else {})


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


def load_twin(folder: Path, owner: str = "", key: bytes | None = None) -> Twin:
    """The twin in a folder. Raises Missing or Refused, naming the file, when it can't be used."""
    if not NAME.fullmatch(folder.name):
        raise Refused(f"The folder name {folder.name!r} cannot be a twin's.", "Use small letters, digits, - and _.")
    bare = Twin(folder.name, Persona({"en": folder.name}), folder, Voice(), owner, key=key, stamp=_stamp(folder))
    try:
        persona = Persona.read(bare.read("persona.yaml"), folder.name) if owner else Persona.load(folder)
    except CardError as error:
        raise Refused(f"The twin in {folder} was left out: {error.message}", error.hint) from None
    except OSError as error:
        raise Missing(f"The twin in {folder} was left out: {error.strerror}.", "Check that persona.yaml can be read.") from None
    return Twin(folder.name, persona, folder, _voice(persona, bare), owner, key=key, stamp=bare.stamp)


def _voice(persona: Persona, twin: Twin) -> Voice:
    """The persona's voice; where its weights lie is never the persona's word for a twin that somebody brought."""
    known = {f.name for f in fields(Voice)} - {"weights"} - ({"folder"} if twin.owner else set())
    given: dict[str, Any] = {name: value for name, value in persona.voice.items() if name in known}
    if twin.has("voice/voice.safetensors"):              # their own, or that of the one twin of a Space
        if twin.key is None:
            given["folder"] = str(twin.folder / "voice")
        elif "weights" in Voice.__dataclass_fields__:
            given["weights"] = twin.read("voice/voice.safetensors")
    return Voice(**given)


def _stamp(folder: Path) -> int:
    try:
        about = folder.stat()
        return about.st_mtime_ns ^ about.st_ino          # another folder took its place, even within one tick of the clock
    except OSError:
        return 0
