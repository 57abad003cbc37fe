"""Where a twin is published, as far as is known here: its published.json, or for a default twin a note beside the user's others."""
from __future__ import annotations

import json
import logging
from dataclasses import asdict, dataclass
from pathlib import Path

from ..errors import Missing, Refused, TwinError
from ..store import Shelf, Twin

log = logging.getLogger("twin.share")


@dataclass(frozen=True)
class Space:
    """One published twin. `revision` is "" while nothing has been put there yet."""
    repo: str
    kind: str                                            # "gradio" or "static"
    private: bool
    when: str
    revision: str = ""
    hardware: str = ""
    url: str = ""


def published(shelf: Shelf, twin: Twin, owner: str = "") -> list[Space]:
    """Where a twin is published, as far as is known here: its own note, or for a default twin that of `owner`. Raises Locked."""
    try:
        raw = twin.read("published.json") if twin.owner else _beside(shelf, twin, owner).read_bytes()
        rows = json.loads(raw)["spaces"]
        return [Space(**{name: row[name] for name in Space.__dataclass_fields__ if name in row}) for row in rows]
    except (Missing, FileNotFoundError):
        return []
    except (OSError, ValueError, KeyError, TypeError):
        log.warning("a note of where a twin is published cannot be read")
        return []


def place(shelf: Shelf, twin: Twin, owner: str, repo: str) -> Space:
    """The named Space of a twin, or its only one. Raises Missing, Refused."""
    found = published(shelf, twin, owner)
    repo = repo.strip()
    places = [place for place in found if not repo or repo in (place.repo, place.repo.split("/")[1])]
    if not places:
        raise Missing(f"This twin is not published{f' as {repo[:100]}' if repo else ''}.", "Publish it first.", code="not-published",
                      zh=("这个分身还没有发布。", "请先发布。"))
    if len(places) > 1:
        raise Refused(f"This twin is published {len(places)} times.", f"Say which: {', '.join(place.repo for place in places)}.", code="which",
                      zh=("这个分身发布在多处。", "请说明是哪一个。"))
    return places[0]


def note(shelf: Shelf, twin: Twin, owner: str, found: Space) -> None:
    """Keep it, in the place of what was known of that Space."""
    twin = shelf.get(twin.owner, twin.id) if twin.owner else twin    # publishing takes its time: as it is now
    with shelf.still(twin):                              # of two that are published at once, neither forgets the other
        _keep(shelf, twin, owner, [*(one for one in published(shelf, twin, owner) if one.repo != found.repo), found])


def forget(shelf: Shelf, twin: Twin, owner: str, repo: str) -> None:
    """That Space is there no more, or was never this twin's."""
    twin = shelf.get(twin.owner, twin.id) if twin.owner else twin
    with shelf.still(twin):
        _keep(shelf, twin, owner, [one for one in published(shelf, twin, owner) if one.repo != repo])


def _keep(shelf: Shelf, twin: Twin, owner: str, places: list[Space]) -> None:
    data = json.dumps({"version": 1, "spaces": [asdict(place) for place in places]}, ensure_ascii=False, indent=1).encode()
    if twin.owner:
        shelf.note(twin.owner, twin.id, "published.json", data)
        return
    path = _beside(shelf, twin, owner)
    try:
        from ..store.places import replace as put
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        put(path, data, synced=True)
    except OSError as error:
        raise TwinError(f"Where the twin is published could not be noted: {error.strerror}.", "Make room on the disk.") from None


def _beside(shelf: Shelf, twin: Twin, owner: str) -> Path:
    """A default twin lies in the repository, so what one user did with it is noted in the data folder."""
    return shelf.data / "published" / (owner or "0" * 64) / f"{twin.id}.json"
