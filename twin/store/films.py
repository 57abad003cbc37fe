"""Films of own and default twins, one file each: DATA/films/<owner>/<twin>.<id>.mp4, sealed where the twin is. They go with their twin."""
from __future__ import annotations

import re
import secrets
from pathlib import Path

from ..errors import Missing, TwinError
from .places import replace
from .seal import seal, unseal
from .shelf import Shelf
from .twins import SEALED, Twin

MOST_FILMS = 20                                          # of one user; the oldest goes
_ID = re.compile(r"[0-9a-f]{32}")


class Films:
    def __init__(self, shelf: Shelf):
        self.shelf, self.root = shelf, shelf.data / "films"

    def keep(self, owner: str, twin: Twin, film: Path) -> str:
        """Take a finished film over. Returns its id, which nobody can guess. Raises TwinError when the disk refuses, Missing or Locked
        when the twin was deleted or locked while it was filmed."""
        folder, name = self.root / owner, secrets.token_hex(16)
        place = folder / f"{twin.id}.{name}.mp4{SEALED if twin.key is not None else ''}"
        try:
            data = film.read_bytes()
            with self.shelf.still(twin):
                folder.mkdir(parents=True, exist_ok=True, mode=0o700)
                replace(place, data if twin.key is None else seal(twin.key, data, name))
        except OSError as error:
            raise TwinError(f"The film could not be kept: {error.strerror}.", "Make room on the disk.", zh=("影片没能保存。", "请给磁盘腾出空间。")) from None
        films = sorted((path for path in folder.iterdir() if not path.name.startswith(".")), key=lambda path: path.stat().st_mtime)
        for path in films[:-MOST_FILMS]:
            path.unlink(missing_ok=True)
        return name

    def find(self, owner: str, name: str) -> tuple[Path, bytes | None]:
        """(file, its bytes where they were sealed). Raises Missing when this user has no such film, Locked when its twin is."""
        gone = Missing("You have no such film.", "Make it again.", code="no-film", zh=("你没有这部影片。", "请重新制作。"))
        if not _ID.fullmatch(name):
            raise gone
        path = next((path for path in (self.root / owner).glob(f"*.{name}.mp4*")), None)
        if path is None:
            raise gone
        if not path.name.endswith(SEALED):
            return path, None
        key = self.shelf.key(owner, path.name.split(".")[0])
        if key is None:
            raise gone
        return path, unseal(key, path.read_bytes(), name)
