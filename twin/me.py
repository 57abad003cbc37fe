"""All that is known of one user here: told, handed over as one file, erased.

    DATA/twins/<owner>  drafts/<owner>  conversations/<owner>  films/<owner>  memories/<owner>  published/<owner>

What others keep of them is not ours to see: exported files, published Spaces (which are unpublished first), backups of whoever runs the server. What
stays is the hash of each consent that was taken back, so that no copy of its twin comes back, and names of Spaces that could not be reached yet.
"""
from __future__ import annotations

import json
import logging
import os
import shutil
import time
import zipfile
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from persona.memory import as_json

from .errors import Locked, Missing, TwinError
from .share.withdraw import again, standing, withdraw
from .store import Conversations, Films, Memories, Shelf, export
from .store.places import inside
from .store.reminders import book

if TYPE_CHECKING:
    from huggingface_hub import HfApi

KINDS = ("twins", "drafts", "conversations", "films", "memories", "published")
TRIES = 5                # at what is still being written
log = logging.getLogger("twin.me")


def known(shelf: Shelf, owner: str) -> dict[str, Any]:
    """What lies here of a user: how many twins, conversations, films, whether there is a draft, bytes on disk, and Spaces that still stand."""
    places = [shelf.data / kind / owner for kind in KINDS]
    sizes = [size for place in places for size in _sizes(place)]
    return {"twins": len(shelf.list(owner)), "conversations": Conversations(shelf.data).count(owner),
            "films": len([path for path in inside(shelf.data / "films" / owner) if not path.name.startswith(".")]),
            "memories": len(Memories(shelf).twins(owner)),
            "draft": (shelf.data / "drafts" / owner / "draft.json").is_file(),
            "files": len(sizes), "bytes": sum(sizes), "standing": standing(shelf, owner)}


def _sizes(place: Path) -> list[int]:
    """Bytes of each file in a folder, while others come and go."""
    found = []
    for folder, _, names in os.walk(place):
        for name in names:
            with suppress(OSError):
                found.append((Path(folder) / name).stat().st_size)
    return found


def handed_over(shelf: Shelf, owner: str, draft: Any, out: Path) -> dict[str, Any]:
    """Write everything into one zip at `out`: twins as bundles, conversations, memories and the draft as JSON with
    its photo and recordings, reminders as calendars, films. `draft`: the user's Draft, opened with their key. What is behind a passphrase and not
    unlocked is named and left out. Returns what went in. Raises TwinError."""
    told: dict[str, Any] = {"twins": [], "conversations": [], "films": [], "memories": [], "reminders": [], "draft": [], "locked": []}
    try:
        with zipfile.ZipFile(out, "w", zipfile.ZIP_STORED) as archive:
            for name, data in _everything(shelf, owner, draft, told):
                archive.writestr(zipfile.ZipInfo(name, (1980, 1, 1, 0, 0, 0)), data, zipfile.ZIP_DEFLATED if name.endswith(".json") else zipfile.ZIP_STORED)
            archive.writestr(zipfile.ZipInfo("about.json", (1980, 1, 1, 0, 0, 0)), json.dumps(told, ensure_ascii=False, indent=1))
    except OSError as error:
        raise TwinError(f"What is known of you could not be written: {error.strerror}.", "Make room on the disk.",
                        zh=("没能写出你的数据。", "请给磁盘腾出空间。")) from None
    return told


def _everything(shelf: Shelf, owner: str, draft: Any, told: dict[str, Any]) -> Iterator[tuple[str, bytes]]:
    for twin in shelf.list(owner):
        if twin.locked:
            told["locked"].append(twin.id)
            continue
        told["twins"].append(twin.id)
        yield f"twins/{twin.id}.twin", export(shelf, twin)
    talks = Conversations(shelf.data, key=shelf.key)
    for item in talks.list(owner):
        with suppress(Missing, Locked):
            saved = talks.load(owner, item["id"])
            told["conversations"].append(saved.id)
            body = {"twin": saved.twin, "language": saved.language, "when": saved.when, "history": saved.history}
            yield f"conversations/{saved.id}.json", json.dumps(body, ensure_ascii=False, indent=1).encode()
    films = Films(shelf)
    for path in inside(shelf.data / "films" / owner):
        if path.name.startswith("."):
            continue
        twin_id, name = path.name.split(".")[:2]
        try:
            place, data = films.find(owner, name)
            told["films"].append(name)
            yield f"films/{twin_id}.{name}.mp4", data if data is not None else place.read_bytes()
        except (Missing, Locked):
            told["locked"].append(f"film {name}")
    memories = Memories(shelf)
    for name in memories.twins(owner):
        try:
            if memory := memories.look(owner, name):
                told["memories"].append(name)
                yield f"memories/{name}.json", as_json(memory)
            if held := book(memories, owner, name):
                told["reminders"].append(name)
                yield f"reminders/{name}.ics", held.ics(name).encode()
        except TwinError:
            told["locked"].append(f"memory {name}")
    memories.close()
    if draft is not None and draft.there:
        for path in sorted(draft.folder.iterdir()):
            if path.is_file() and not path.name.startswith("."):
                told["draft"].append(path.name)
                yield f"draft/{path.name}", draft.read(path.name)


def erased(shelf: Shelf, owner: str, client: Callable[[], HfApi]) -> dict[str, Any]:
    """Delete all of it, published Spaces first. `client` as withdraw has it. A twin behind a passphrase goes too, unopened. Returns {"removed": [...],
    "unpublished", "standing"}. Raises TwinError when the disk keeps some of it."""
    removed: list[dict[str, Any]] = []
    unpublished: list[str] = []
    for twin in shelf.list(owner):
        if not shelf.has(owner, twin.id):
            continue                                     # it went with another under the same consent
        try:
            done = withdraw(shelf, twin, client)
            removed += done.removed
            unpublished += done.unpublished
        except (Locked, Missing):
            removed += shelf.delete(owner, twin.id)
    with suppress(TwinError):                            # what still stands then is told
        unpublished += again(shelf, owner, client)
    for path in inside(shelf.data / "twins" / owner):    # damaged ones, which no list shows
        if not path.name.startswith(".") and shelf.has(owner, path.name):
            removed += shelf.delete(owner, path.name)
    others = 0
    for kind in KINDS:
        place = shelf.data / kind / owner
        others += len(_sizes(place))
        for _ in range(TRIES):                           # what a page of theirs was still writing goes with the next
            shutil.rmtree(place, ignore_errors=True)
            if not place.exists():
                break
            time.sleep(0.1)
        else:
            raise TwinError("Not all of it could be removed from the disk.", "Check who owns the data folder, then try again.",
                            zh=("没能全部从磁盘上删除。", "请检查数据文件夹的权限，然后再试。"))
    if others:
        removed.append({"what": "others", "count": others, "en": f"drafts, conversations and films besides, in files: {others}",
                        "zh": f"其余的草稿、对话和影片（{others}个文件）"})
    log.info("all of a user was erased")
    return {"removed": removed, "unpublished": unpublished, "standing": standing(shelf, owner)}
