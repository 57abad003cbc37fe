"""Taking a consent back: whatever was published is unpublished, every twin made under it is deleted, and no copy of it counts here again.

The consent is revoked first, so that nothing more goes out while the rest is done. Where a Space can't be reached, or nobody is signed in, the twin
goes all the same, and what still stands is noted (DATA/credentials/standing.json, names of Spaces and whose they are, alone) until `again` has deleted it.
So is what stays of a twin that is simply deleted.
"""
from __future__ import annotations

import json
import logging
import threading
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from ..errors import Missing, Refused, TwinError
from ..store import Shelf, Twin
from ..store.places import replace
from ..trust import agreed, reference, revoke
from . import hub
from .known import published

if TYPE_CHECKING:
    from huggingface_hub import HfApi

_GUARD = threading.Lock()
log = logging.getLogger("twin.share")


@dataclass
class Withdrawn:
    """`unpublished`: Spaces that are gone; `standing`: those that still are, and `why`; `twins`: ids that were deleted; `removed`: what with them."""
    unpublished: list[str] = field(default_factory=list)
    standing: list[str] = field(default_factory=list)
    why: str = ""
    twins: list[str] = field(default_factory=list)
    removed: list[dict[str, Any]] = field(default_factory=list)


def withdraw(shelf: Shelf, twin: Twin, client: Callable[[], HfApi]) -> Withdrawn:
    """Take back the consent of an own twin. `client` is called only where something is published, and may raise TwinError: then it still stands.
    Raises Locked for a twin behind a passphrase, Missing for one without a consent, TwinError when the revocation itself can't be kept."""
    if not twin.owner or not (twin.locked or twin.has("consent.json")):
        raise Missing("There is no consent of yours to take back.", "Default twins are nobody's.", zh=("没有可以撤回的同意书。", "默认分身不属于任何人。"))
    record = json.loads(twin.read("consent.json"))       # raises Locked
    revoke(record, shelf.data)
    found = Withdrawn()
    for one in _under(shelf, twin, reference(record)):
        spaces = [place.repo for place in published(shelf, one, one.owner)]
        if spaces:
            try:
                found.unpublished += hub.unpublish(client(), shelf, one, owner=one.owner)
            except TwinError as error:
                left = [place.repo for place in published(shelf, one, one.owner)]
                found.unpublished += [repo for repo in spaces if repo not in left]
                found.standing += left
                found.why = error.message
                _note(shelf, one.owner, dict.fromkeys(left, one.id))
        found.removed += shelf.delete(one.owner, one.id)
        found.twins.append(one.id)
    log.info("a consent was taken back: %d twins deleted, %d Spaces gone, %d still standing", len(found.twins), len(found.unpublished), len(found.standing))
    return found


def delete(shelf: Shelf, owner: str, name: str) -> tuple[Sequence[dict[str, Any]], list[str]]:
    """Delete a twin, its Spaces not: they are noted as still standing, so that they stay in reach. Where a twin behind a passphrase is published,
    nobody can tell. Returns (what went, as Shelf.delete, its Spaces); raises Missing."""
    left: list[str] = []
    with suppress(TwinError):                            # locked, or damaged
        left = [place.repo for place in published(shelf, shelf.get(owner, name), owner)]
    _note(shelf, owner, dict.fromkeys(left, name))
    return shelf.delete(owner, name), left


def standing(shelf: Shelf, owner: str) -> list[str]:
    """Spaces of twins that are gone: of revoked consents, where they could not be deleted yet, and of deleted twins."""
    return list(_left(shelf, owner))


def again(shelf: Shelf, owner: str, client: Callable[[], HfApi]) -> list[str]:
    """Delete what still stands; a Space that is another's by now stays. Returns which went; raises TwinError at the first of which nobody can tell."""
    gone = []
    for repo, twin in _left(shelf, owner).items():
        if hub.taken_down(client(), repo, twin):
            gone.append(repo)
        _note(shelf, owner, {}, gone=repo)
    return gone


def _under(shelf: Shelf, twin: Twin, name: str) -> list[Twin]:
    """The owner's twins made under this very consent: the twin and its copies."""
    found = [twin]
    for other in shelf.list(twin.owner):
        try:
            same = other.id != twin.id and not other.locked and reference(agreed(json.loads(other.read("consent.json")))) == name
        except (Refused, Missing, ValueError):
            continue
        if same:
            found.append(other)
    return found


def _left(shelf: Shelf, owner: str) -> dict[str, str]:
    """repo -> the id of the twin whose it was. Where the end came between the note and the deletion, the twin is there still, and its Space in its hands."""
    return {repo: twin for repo, twin in _standing(shelf).get(owner, {}).items() if not shelf.has(owner, twin)}


def _standing(shelf: Shelf) -> dict[str, dict[str, str]]:
    try:
        kept = json.loads((shelf.data / "credentials" / "standing.json").read_bytes())
        return {str(owner): {str(repo)[:200]: str(twin) for repo, twin in repos.items()} for owner, repos in kept["standing"].items()}
    except FileNotFoundError:
        return {}
    except (OSError, ValueError, KeyError, AttributeError, TypeError):
        log.warning("the note of Spaces that still stand cannot be read")
        return {}


def _note(shelf: Shelf, owner: str, repos: dict[str, str], gone: str = "") -> None:
    """These stand as well, that one no more."""
    if not (repos or gone):
        return
    with _GUARD:                                         # one file for all users
        kept = _standing(shelf)
        kept[owner] = {repo: twin for repo, twin in sorted({**kept.get(owner, {}), **repos}.items()) if repo != gone}
        if not kept[owner]:
            del kept[owner]
        try:
            place = shelf.data / "credentials" / "standing.json"
            place.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            replace(place, json.dumps({"version": 1, "standing": kept}).encode(), synced=True)
        except OSError as error:
            raise TwinError(f"What still stands could not be noted: {error.strerror}.", "Make room on the disk.") from None
