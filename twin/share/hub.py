"""Publishing a twin on the Hugging Face Hub, with its own client (account.py): publish, update, show, duplicate, unpublish.

A Space is private first. Making it public is a step of its own, and the consent is asked again then. All files go up in one commit: what broke off
has published nothing, and the next try does not send again what has arrived. Where a twin is published stands in its published.json, and stands
there before anything is made on the hub, so that nothing of it is ever out of reach of `unpublish`.
"""
from __future__ import annotations

import json
import logging
import re
import secrets
import threading
from collections.abc import Generator, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..errors import Refused, TwinError
from ..store import Shelf, Twin
from ..trust import scoped
from . import known, space
from .account import account, checked, client, exists, said_of, status_of, told, trouble
from .known import Space, published
from .progress import Progress
from .space import CPU, MARK, ZERO, Files

if TYPE_CHECKING:
    from huggingface_hub import HfApi

__all__ = ["Space", "account", "checked", "client", "duplicate", "publish", "published", "show", "unpublish", "update"]
KINDS = ("gradio", "static")
AUTO = "auto"
WAYS = {AUTO: (ZERO, CPU), ZERO: (ZERO,), CPU: (CPU,)}   # what is tried, in this order
LARGE = 2**20                                            # bytes from which on a file goes up by itself, so that progress can be told
HARDWARE = re.compile(r"hardware|zero|gpu|quota|subscri|payment|billing|\bpro\b|\bplan\b|paid", re.IGNORECASE)
_NAMES = {ZERO: ("ZeroGPU", " ZeroGPU"), CPU: ("a Space on a processor", " CPU 空间")}
_LOCKS: dict[tuple[str, str], threading.Lock] = {}
_GUARD = threading.Lock()
log = logging.getLogger("twin.share")


def publish(api: HfApi, shelf: Shelf, twin: Twin, repo: str, *, kind: str = "gradio", hardware: str = AUTO, mind: str = "", owner: str = "",
            page: bytes = b"") -> Generator[Progress, None, None]:
    """A private Space of a twin. `page` is the HTML of a static one (alone.py); `owner` is whose note of it is kept, for a default twin. The last Progress
    carries the Space. Raises Refused for a name that is taken, for hardware that the account cannot have, for a consent that does not cover it."""
    if kind not in KINDS or hardware not in WAYS:
        raise Refused("There is no such kind of Space.", f"Kinds: {', '.join(KINDS)}; hardware: {', '.join(WAYS)}.")
    repo = checked(repo, api)
    space.agreement(shelf, twin)                         # raises before anything is made
    if kind == "static" and not page:
        raise Refused("A Static Space is made of the twin's page.", "Make it with the page.")
    with _alone(twin, owner):
        before = next((place for place in published(shelf, twin, owner) if place.repo == repo), None)
        if before and before.kind != kind:
            raise Refused(f"{repo} is a {before.kind} Space of this twin.", "Unpublish it first, or choose another name.", code="exists",
                          zh=(f"{repo} 已是这个分身的另一种空间。", "请先取消发布，或换一个名字。"))
        place = before or Space(repo, kind, True, _now(), hardware=hardware if kind == "gradio" else "", url=f"{api.endpoint}/spaces/{repo}")
        known.note(shelf, twin, owner, place)
        try:
            place = yield from _made(api, place, hardware, before is not None, twin)
        except TwinError as error:
            if before is None and error.code != "network":       # it is not ours, or it is not there; where the line broke, nobody knows
                known.forget(shelf, twin, owner, repo)
            raise
        known.note(shelf, twin, owner, place)
        yield from _sent(api, shelf, twin, place, mind, owner, page)


def update(api: HfApi, shelf: Shelf, twin: Twin, repo: str = "", *, mind: str = "", owner: str = "",
           page: bytes = b"") -> Generator[Progress, None, None]:
    """Bring a published Space up to date; what the twin has no longer goes there too. Raises Missing when it is not published."""
    space.agreement(shelf, twin)
    with _alone(twin, owner):
        place = known.place(shelf, twin, owner, repo)
        if not place.private:
            _public(shelf, twin)                         # what was widened once may have been narrowed since
        yield from _sent(api, shelf, twin, place, mind, owner, page)


def show(api: HfApi, shelf: Shelf, twin: Twin, repo: str = "", *, private: bool = False, owner: str = "") -> Space:
    """Make a published Space public, or private again. Public needs a consent that says so, asked now. Raises Refused."""
    with _alone(twin, owner):
        place = known.place(shelf, twin, owner, repo)
        if not place.revision:
            raise Refused(f"Nothing was put into {place.repo} yet.", "Publish it to the end first.", code="unfinished",
                          zh=("这个空间里还没有内容。", "请先完成发布。"))
        if not private:
            _public(shelf, twin)
        with told("change who may see it", place.repo):
            api.update_repo_settings(place.repo, private=private, repo_type="space")
        place = replace(place, private=private)
        known.note(shelf, twin, owner, place)
        return place


def duplicate(api: HfApi, shelf: Shelf, twin: Twin, to: str, repo: str = "", *, owner: str = "") -> Space:
    """A private copy of a published Space under another name, made by the hub itself. Raises Refused when that name is taken."""
    with _alone(twin, owner):
        place = known.place(shelf, twin, owner, repo)
        to = checked(to, api)
        if any(one.repo == to for one in published(shelf, twin, owner)):
            raise exists(to)
        copy = replace(place, repo=to, private=True, when=_now(), url=f"{api.endpoint}/spaces/{to}")
        known.note(shelf, twin, owner, replace(copy, revision=""))
        try:
            with told("duplicate it", to):
                extra: dict[str, Any] = {"space_hardware": place.hardware} if place.hardware in (ZERO, CPU) else {}
                api.duplicate_repo(place.repo, to, repo_type="space", private=True, exist_ok=False, space_secrets=_secrets(place.kind), **extra)
        except TwinError:
            known.forget(shelf, twin, owner, to)
            raise
        known.note(shelf, twin, owner, copy)
        return copy


def unpublish(api: HfApi, shelf: Shelf, twin: Twin, repo: str = "", *, owner: str = "") -> list[str]:
    """Delete a published Space, or all of a twin's. Returns which went. Raises TwinError at the first that did not; the rest stays noted."""
    with _alone(twin, owner):
        gone = []
        for place in [known.place(shelf, twin, owner, repo)] if repo else published(shelf, twin, owner):
            if place.revision:
                _deleted(api, place.repo)
            else:                                        # perhaps not even made
                taken_down(api, place.repo, twin.id)
            known.forget(shelf, twin, owner, place.repo)
            gone.append(place.repo)
        return gone


def taken_down(api: HfApi, repo: str, twin: str) -> bool:
    """Delete the Space of that name if it is one of that twin, by its id; whether it was. Somebody's other Space stays. Raises TwinError."""
    if _ours(api, repo, twin) is False:
        return False
    _deleted(api, repo)
    return True


def _deleted(api: HfApi, repo: str) -> None:
    """It is gone from the hub. A Space that is not found counts as gone only where this account would see it: a stranger sees no private one."""
    from huggingface_hub.errors import HfHubHTTPError
    try:
        with told("unpublish it", repo, raw=(404,)):
            api.delete_repo(repo, repo_type="space")
    except HfHubHTTPError as error:
        about = account(api)
        if repo.split("/")[0] not in (about.name, *about.groups):
            raise trouble(error, "unpublish it", repo) from None


def _made(api: HfApi, place: Space, hardware: str, mine: bool, twin: Twin) -> Generator[Progress, None, Space]:
    """The empty private Space, on hardware that the account can have. Returns the Space; it is not made anew where it is ours already."""
    from huggingface_hub.errors import HfHubHTTPError
    ways: Sequence[str] = WAYS[hardware] if place.kind == "gradio" else ("",)
    refusals: list[str] = []
    yield Progress("create", 0.02, f"Making the private Space {place.repo}.", f"正在创建私有空间 {place.repo}。")
    for way in ways:
        try:
            with told("make the Space", place.repo, raw=(400, 402, 403, 409, 429)):
                extra: dict[str, Any] = {"space_hardware": way} if way else {}
                api.create_repo(place.repo, repo_type="space", private=True, exist_ok=False, space_sdk=place.kind, space_secrets=_secrets(place.kind), **extra)
            return replace(place, hardware=way)
        except HfHubHTTPError as error:
            status, said = status_of(error), said_of(error)
            if status == 409:
                if mine and _ours(api, place.repo, twin.id):
                    return place
                raise exists(place.repo) from None
            if way and (status == 402 or HARDWARE.search(said)):
                refusals.append(f"{way}: {said or 'not for this account'}")
                if way != ways[-1]:
                    yield Progress("create", 0.03, f"This account cannot have {_NAMES[way][0]} ({said[:120]}); trying {_NAMES[ways[-1]][0]}.",
                                   f"这个账号不能使用{_NAMES[way][1]}，改试{_NAMES[ways[-1]][1]}。")
                continue
            raise trouble(error, "make the Space", place.repo) from None
    raise Refused(f"This account cannot have a Space that runs the app ({'; '.join(refusals)[:400]}).",
                  "Every account can have a Static Space: the twin as one page, without a server (--static). A free account may have two ZeroGPU Spaces; "
                  "a Space on a processor needs a paid plan.", code="hardware",
                  zh=("这个账号不能创建运行程序的空间。",
                      "任何账号都能用静态空间：一个不需要服务器的网页（--static）。免费账号最多两个 ZeroGPU 空间，CPU 空间需要付费方案。"))


def _sent(api: HfApi, shelf: Shelf, twin: Twin, place: Space, mind: str, owner: str, page: bytes) -> Iterator[Progress]:
    """Everything in one commit; large files before it, one by one."""
    from huggingface_hub import CommitOperationAdd, CommitOperationDelete
    yield Progress("gather", 0.06, "Gathering what goes along.", "正在收集内容。")
    if place.kind == "static":
        made = _static(twin, page, shelf)
    else:
        made = space.files(shelf, twin, hardware=place.hardware or CPU, mind=mind, account=place.repo.split("/")[0])
    add = [CommitOperationAdd(name, content if isinstance(content, bytes) else str(content)) for name, content in made.items()]
    whole = sum(op.upload_info.size for op in add) or 1
    done = 0
    for op in sorted(add, key=lambda op: -op.upload_info.size):
        if op.upload_info.size < LARGE:
            break
        yield Progress("send", 0.1 + 0.8 * done / whole, f"Sending: {done / 2**20:.0f} of {whole / 2**20:.0f} MB.",
                       f"正在上传：{done / 2**20:.0f} / {whole / 2**20:.0f} MB。")
        with told("take it", place.repo):
            api.preupload_lfs_files(place.repo, [op], repo_type="space", free_memory=False)
        done += op.upload_info.size
    yield Progress("send", 0.1 + 0.8 * done / whole, "Sending the rest, in one commit.", "正在提交其余内容。")
    with told("look at it", place.repo):
        there = set(api.list_repo_files(place.repo, repo_type="space"))
    drop = [CommitOperationDelete(name) for name in sorted(there - set(made) - {".gitattributes"})]
    message = "The twin as it is now" if place.revision else "A digital human"
    with told("take it", place.repo):
        info = api.create_commit(place.repo, [*add, *drop], commit_message=message, repo_type="space")
    place = replace(place, revision=str(info.oid), when=_now())
    known.note(shelf, twin, owner, place)
    log.info("published a %s Space: %d files, %.0f MB", place.kind, len(made), whole / 2**20)
    yield Progress("done", 1.0, f"{place.url} is there, {'for you alone' if place.private else 'public'}.",
                   f"{place.url} 已就绪，{'只有你能看到' if place.private else '所有人可见'}。", place)


def _static(twin: Twin, page: bytes, shelf: Shelf) -> Files:
    from . import alone
    with shelf.scratch() as folder:
        alone.static(twin, page, folder / "space")
        made: Files = {path.relative_to(folder / "space").as_posix(): path.read_bytes() for path in sorted((folder / "space").rglob("*")) if path.is_file()}
    return made | {MARK: space.mark(twin, "static")}


def _secrets(kind: str) -> list[dict[str, str]] | None:
    """What the Space keeps to itself: the key under which it keeps whatever it keeps."""
    return [{"key": "TWIN_KEY", "value": secrets.token_hex(32), "description": "Seals what this Space keeps"}] if kind == "gradio" else None


def _public(shelf: Shelf, twin: Twin) -> None:
    if twin.has("consent.json"):
        scoped(json.loads(twin.read("consent.json")), "public", shelf.data)


def _ours(api: HfApi, repo: str, twin: str) -> bool | None:
    """Whether a Space of that name is one of this twin, or has nothing in it yet; None when there is none. Raises TwinError where nobody can tell."""
    from huggingface_hub.errors import HfHubHTTPError, RepositoryNotFoundError
    try:
        with told("look at it", repo, raw=(401, 404)):
            there = set(api.list_repo_files(repo, repo_type="space")) - {".gitattributes", "README.md"}
    except RepositoryNotFoundError:
        return None
    except HfHubHTTPError as error:                      # a token that is none
        raise trouble(error, "look at it", repo) from None
    if not there:
        return True
    if MARK not in there:
        return False
    with told("look at it", repo):
        mark = Path(api.hf_hub_download(repo, MARK, repo_type="space"))
    try:
        return bool(json.loads(mark.read_bytes()).get("twin") == twin)
    except (OSError, ValueError, AttributeError):        # a mark that is none of ours
        return False


@contextmanager
def _alone(twin: Twin, owner: str) -> Iterator[None]:
    """One thing at a time with one twin. Raises Refused."""
    with _GUARD:
        lock = _LOCKS.setdefault((twin.owner or owner, twin.id), threading.Lock())
    if not lock.acquire(blocking=False):
        raise Refused("This twin is being published already.", "Wait until that is done.", code="busy", zh=("这个分身正在发布。", "请等它完成。"))
    try:
        yield
    finally:
        lock.release()


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")
