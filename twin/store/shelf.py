"""The own twins of each user: DATA/twins/<owner>/<id>/. No other user can list, open or read them.

A twin is written into a hidden folder beside its place, synced, and renamed: killed at any instant it is whole or absent, and what was left
half made is swept away at the next start. Where a passphrase or the server's key keeps it, every file is sealed (seal.py) before it reaches
the disk; the key of one behind a passphrase is held in memory for one visit.
"""
from __future__ import annotations

import json
import logging
import os
import re
import secrets
import shutil
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

from persona.card import Persona

from ..errors import Missing, Refused, TwinError
from ..trust import consented
from ..types import Voice
from .conversations import OWNER
from .derived import forget_talks, forget_twin, seal_beside, settle
from .places import BOX, box_of, gone, put_folder, scratch, sync
from .places import replace as replace_file
from .seal import behind_passphrase, lock, new_key, seal, server_key, unlock
from .sweep import clean
from .twins import FILES, HERE, NAME, NOTED, SEALED, Twin, load_twin
from .visits import Visits

MOST_TWINS = 40                                          # of one user
MOST_BYTES = 96 * 2**20                                  # of one twin
MOST_KNOWN = 500                                         # twins whose persona is kept read
log = logging.getLogger("twin.store")


class Shelf:
    """`present(owner)` says whether a user has a page open; `caches` are folders in which a twin may have one of its own, by id."""

    def __init__(self, data: Path, *, shared: bool = False, caches: tuple[Path, ...] = (), secret: bytes | None = None):
        self.data, self.root, self.shared, self.caches = data, data / "twins", shared, caches
        self.secret = secret if secret is not None else server_key()
        self.present: Callable[[str], bool] = lambda owner: False
        self.dropped: Callable[[Path], None] = lambda folder: None       # told when what was read of a twin should be forgotten
        self.temporary: Path | None = None               # Gradio's own cache, emptied when a twin is deleted
        self._visits = Visits(lambda owner: self.present(owner))
        self._known: dict[Path, Twin] = {}
        self._guard = threading.RLock()
        clean(data, self.caches)

    @property
    def seals(self) -> bytes | None:
        """The key that wraps every twin's own, on a shared server; None on somebody's own machine."""
        return self.secret if self.shared else None

    def admit(self) -> None:
        """Raises Refused where no face or voice may be left: on a shared server without a key of its own."""
        if self.shared and self.secret is None:
            raise Refused("This server is shared and has no key to keep faces and voices under, so it takes none.",
                          "Whoever runs it sets TWIN_KEY; or run Twin on your own machine.", code="no-key",
                          zh=("这台服务器是多人共用的，又没有用来加密的钥匙，所以不接收人脸和声音。", "请管理员设置 TWIN_KEY，或在自己的电脑上运行 Twin。"))

    # finding ------------------------------------------------------------------------------------------------------------------------

    def list(self, owner: str) -> list[Twin]:
        """This user's twins, the newest first; one behind a passphrase has its name alone. Damaged ones are left out."""
        folder = self._folder(owner)
        found: list[tuple[float, Twin]] = []
        for path in folder.iterdir() if folder.is_dir() else ():
            if NAME.fullmatch(path.name) and path.is_dir():
                try:
                    found.append((path.stat().st_mtime, self.get(owner, path.name)))
                except TwinError as error:
                    log.warning("%s %s", error.message, error.hint)
                except OSError:
                    continue                             # deleted meanwhile
        return [twin for _, twin in sorted(found, key=lambda item: item[0], reverse=True)]

    def get(self, owner: str, name: str) -> Twin:
        """Raises Missing when this user has no such twin. One behind a passphrase comes locked, unless it was unlocked in this visit."""
        path = self._place(owner, name)
        with self._guard:
            if not path.is_dir():
                raise gone()
            box = box_of(path)
            if box is None:
                return self._loaded(path, owner, None)
            key = self._held(owner, name) if behind_passphrase(box) else unlock(box, server=self.secret)
            if key is None:
                return Twin(name, Persona(dict(box["name"]), languages=tuple(box["languages"])), path, Voice(), owner, True)
            return self._loaded(path, owner, key)

    def has(self, owner: str, name: str) -> bool:
        return bool(NAME.fullmatch(name)) and self._place(owner, name).is_dir()

    def key(self, owner: str, name: str) -> bytes | None:
        """The key of an encrypted twin, None for any other. Raises Locked."""
        try:
            twin = self.get(owner, name)
        except Missing:
            return None
        if twin.locked:
            twin.read("persona.yaml")                    # raises Locked
        return twin.key

    def guarded(self, owner: str, name: str) -> bool:
        """Whether a twin is behind a passphrase."""
        box = box_of(self._place(owner, name))
        return box is not None and behind_passphrase(box)

    def box(self, owner: str, name: str) -> dict[str, Any] | None:
        """Where its key lies wrapped, for a bundle."""
        return box_of(self._place(owner, name))

    # writing ------------------------------------------------------------------------------------------------------------------------

    def put(self, owner: str, files: Mapping[str, bytes], *, passphrase: str = "", key: bytes | None = None, box: Mapping[str, Any] | None = None,
            first: Callable[[str], None] = lambda name: None) -> Twin:
        """A new twin of these files (name -> bytes, as Twin.read takes them). `first` is called with its id before it is there and writes what
        comes with it, sealed. Raises Refused, for one without consent too, and nothing is left."""
        persona = Persona.read(files["persona.yaml"])
        with self._guard:
            if len(self.list(owner)) >= MOST_TWINS:
                raise Refused(f"You have {MOST_TWINS} twins, which is the most one user can have here.", "Delete one, or save it as a file first.",
                              zh=(f"你已经有{MOST_TWINS}个分身，不能再多了。", "请先删除一个，或先存成文件。"), code="too-many")
            name = self._new_id(persona)
            if box is None and (passphrase or self.seals):
                key = new_key()
                box = lock(key, passphrase, self.seals)
            try:
                first(name)
                self._write(owner, name, files, persona, key, box)
            except BaseException:
                forget_talks(self.data, owner, name)
                raise
            if box is not None and behind_passphrase(box) and key is not None:
                self._visits.hold(owner, name, key)
            return self.get(owner, name)

    def replace(self, owner: str, name: str, files: Mapping[str, bytes]) -> Twin:
        """The same twin with other files; its key stays, and so does what was noted of it meanwhile. Raises Missing, Locked."""
        with self._guard:
            twin = self.get(owner, name)
            twin.read("persona.yaml")                    # raises Locked
            consented(files, self.data)
            files = {own: data for own, data in files.items() if own not in NOTED} | {own: twin.read(own) for own in NOTED if twin.has(own)}
            self._write(owner, name, files, Persona.read(files["persona.yaml"]), twin.key, box_of(twin.folder))
            self._drop(twin.folder)
            return self.get(owner, name)

    def note(self, owner: str, name: str, file: str, data: bytes) -> None:
        """Replace one small file that says something about a twin and changes nothing of it. Raises Missing, Locked."""
        with self._guard:
            twin = self.get(owner, name)
            twin.read("persona.yaml")                    # raises Locked
            about = twin.folder.stat()
            replace_file(twin.folder / (file if twin.key is None else file + SEALED), data if twin.key is None else seal(twin.key, data, file), synced=True)
            os.utime(twin.folder, ns=(about.st_atime_ns, about.st_mtime_ns))                # it is the same twin: its stamp stays

    def unnote(self, owner: str, name: str, file: str) -> None:
        """Remove one small file, as `note` writes it. Raises Missing, Locked."""
        with self._guard:
            twin = self.get(owner, name)
            twin.read("persona.yaml")                    # raises Locked
            about = twin.folder.stat()
            (twin.folder / (file if twin.key is None else file + SEALED)).unlink(missing_ok=True)
            sync(twin.folder)
            os.utime(twin.folder, ns=(about.st_atime_ns, about.st_mtime_ns))

    @contextmanager
    def still(self, twin: Twin) -> Iterator[None]:
        """While this lasts an own twin is neither deleted nor locked by this process. Raises Missing or Locked when it was."""
        with self._guard:
            if twin.owner:
                self.get(twin.owner, twin.id).read("persona.yaml")
                if (box_of(twin.folder) is None) != (twin.key is None):
                    raise gone()                         # it was locked, and opened again, since
            yield

    def files(self, twin: Twin) -> dict[str, bytes]:
        """All of a twin. Raises Locked."""
        twin.read("persona.yaml")
        return {name: twin.read(name) for name in twin.names()}

    def duplicate(self, owner: str, name: str) -> Twin:
        """A copy under an id of its own, behind the same passphrase. Conversations are not copied."""
        twin = self.get(owner, name)
        files = {name: data for name, data in self.files(twin).items() if name not in HERE}
        return self.put(owner, files, key=twin.key, box=box_of(twin.folder))

    def delete(self, owner: str, name: str) -> Sequence[dict[str, Any]]:
        """Remove a twin and everything derived from it. Returns what went: [{what, count, en, zh}]. A sudden end is made up for at the next start."""
        path = self._place(owner, name)
        with self._guard:
            if not path.is_dir():
                raise gone()
            leaving = path.with_name(f".gone-{name}")
            os.rename(path, leaving)                      # from here on it is absent; the rest can be taken up again
            sync(path.parent)
            self._visits.end(owner, name)
            self._drop(path)
            return forget_twin(self.data, owner, name, leaving, self.caches, self.temporary)

    # passphrases --------------------------------------------------------------------------------------------------------------------

    def lock(self, owner: str, name: str, passphrase: str) -> Twin:
        """Put a twin, its films and the conversations with it behind a passphrase; it is locked from now on. Killed at any instant, all of
        it lies open or none does (derived.py)."""
        with self._guard:
            twin = self.get(owner, name)
            files = self.files(twin)
            key = twin.key or new_key()                  # what is sealed already stays readable
            box = lock(key, passphrase, self.seals)
            seal_beside(self.data, owner, name, key)
            self._write(owner, name, files, twin.persona, key, box)
            settle(self.data, owner)
            for cache in self.caches:
                shutil.rmtree(cache / name, ignore_errors=True)
            self._visits.end(owner, name)
            self._drop(twin.folder)
            return self.get(owner, name)

    def unlock(self, owner: str, name: str, passphrase: str) -> Twin:
        """Open it for this visit. Raises Locked for a wrong passphrase, Refused after too many."""
        box = box_of(self._place(owner, name))
        if box is not None:
            self._visits.trying(owner, name)
            key = unlock(box, passphrase, self.secret)
            with self._guard:
                seal_beside(self.data, owner, name, key)               # what was saved in the open in the moment it was locked
                settle(self.data, owner)
                self._visits.hold(owner, name, key)
        return self.get(owner, name)

    def hold(self, twin: Twin) -> None:
        """Keep a twin open that another shelf of this process unlocked."""
        if twin.key is not None:
            self._visits.hold(twin.owner, twin.id, twin.key)

    def forget(self, owner: str, name: str = "") -> None:
        """The visit is over: this user's twins behind passphrases, or that one alone, are locked again."""
        with self._guard:
            for ended in self._visits.end(owner, name):
                self._drop(self.root / owner / ended)

    # places -------------------------------------------------------------------------------------------------------------------------

    def scratch(self) -> AbstractContextManager[Path]:
        """A folder to work in, gone afterwards: in memory where the machine has a disk there, else in the data folder."""
        return scratch(self.data)

    def _write(self, owner: str, name: str, files: Mapping[str, bytes], persona: Persona, key: bytes | None, box: Mapping[str, Any] | None) -> None:
        self.admit()
        consented(files, self.data)
        for given, data in files.items():
            if not FILES.fullmatch(given):
                raise Refused(f"A twin has no file {given[:60]!r}.", "Take it out.")
            if len(data) > MOST_BYTES:
                raise Refused(f"{given} is too large for a twin.", "Make it smaller.")
        if key is not None:
            files = {given + SEALED: seal(key, data, given) for given, data in files.items()}
        if box is not None:
            files = {**files, BOX: json.dumps({**box, "version": 1, "name": persona.name, "languages": persona.languages}).encode()}
        try:
            put_folder(self._place(owner, name), files)
        except OSError as error:
            raise TwinError(f"The twin could not be kept: {error.strerror}.",
                            f"Make room on the disk, or name another folder with TWIN_DATA (now {self.data}).",
                            zh=("分身没能保存。", "请给磁盘腾出空间，或用 TWIN_DATA 指定别的文件夹。")) from None

    def _drop(self, folder: Path) -> None:
        self._known.pop(folder, None)
        self.dropped(folder)

    def _new_id(self, persona: Persona) -> str:
        text = next(iter(persona.name.values()), "")
        slug = re.sub(r"[^a-z0-9]+", "-", text.lower()).strip("-")[:40].strip("-") or "twin"
        while True:
            name = f"{slug}-{secrets.token_hex(3)}"
            if not any(self.root.glob(f"*/{name}")) and not any(self.root.glob(f"*/.gone-{name}")):
                return name

    def _loaded(self, path: Path, owner: str, key: bytes | None) -> Twin:
        about = path.stat()
        known = self._known.get(path)
        if known is None or known.stamp != about.st_mtime_ns ^ about.st_ino or known.key != key:
            if len(self._known) > MOST_KNOWN:
                self._known.clear()
            known = self._known[path] = load_twin(path, owner, key)
        return replace(known)

    def _held(self, owner: str, name: str) -> bytes | None:
        if self._visits.stale(owner, name):
            self.forget(owner)
        return self._visits.key(owner, name)

    def _folder(self, owner: str) -> Path:
        if not OWNER.fullmatch(owner):
            raise ValueError("an owner is the hash of a token")
        return self.root / owner

    def _place(self, owner: str, name: str) -> Path:
        if not isinstance(name, str) or not NAME.fullmatch(name):
            raise gone()
        return self._folder(owner) / name
