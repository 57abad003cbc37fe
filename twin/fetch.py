"""Fetching a model of the catalogue from the hub, because somebody asked for it: one at a time, with progress, to be paused and gone on with.

Only what is needed and cannot run code: safetensors (or the one GGUF), the configuration and the tokenizer. Files lie in cache/models/OWNER--NAME;
as long as anything is missing the folder ends in ".part", and a file that breaks off is gone on with by a range request, even after a restart.
What the hub knows a SHA-256 of is checked against it. HF_ENDPOINT names another hub; a sign-in of this machine (`hf auth login`) counts.
"""
from __future__ import annotations

import hashlib
import json
import logging
import os
import shutil
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlsplit

from . import devices
from .catalogue import MB, Model
from .errors import Missing, Refused, TwinError

SPARE = 2 << 30          # bytes that stay free on the disk
WAITS = 4.0              # s for the hub to answer at all
SILENT = 20.0            # s it may then pause
TRIES = 4                # connections in a row that bring nothing
PIECE = 1 << 18          # bytes
BESIDE = (".json", ".txt", ".model", ".jinja")           # the configuration and the tokenizer, beside the weights
SMALL = 64 << 20         # bytes of one of those
PARTS = 400              # files of one model
log = logging.getLogger("twin.fetch")


@dataclass(frozen=True)
class File:
    name: str
    size: int
    sha256: str = ""


@dataclass
class State:
    """How far it is. `phase`: asking, fetching, checking, paused, failed, done."""
    model: str
    phase: str = "asking"
    done: int = 0                                        # bytes
    total: int = 0
    rate: float = 0.0                                    # bytes a second, lately
    error: TwinError | None = None


class _Stopped(Exception):
    pass


def place(row: Model) -> Path:
    """Where it lies, or would lie."""
    return devices.storage() / "models" / row.folder


def at_hand(row: Model) -> Path | None:
    """Its folder, or its file, once all of it is here."""
    found = place(row) / row.file if row.file else place(row)
    return found if found.exists() else None


def begun(row: Model) -> int:
    """Bytes of it that are here, though not all."""
    folder = _part(row)
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file()) if folder.is_dir() else 0


def _part(row: Model) -> Path:
    return place(row).with_name(place(row).name + (f"--{Path(row.file).stem}" if row.file else "") + ".part")


class Fetches:
    """The one fetch of this process. `begin`, `pause` and `drop` come back at once; `state` tells the rest. `done(row)` hears of a model that is here."""

    def __init__(self, done: Callable[[Model], Any] = lambda row: None):
        self.state: State | None = None
        self.row: Model | None = None
        self._done = done
        self._stop = threading.Event()
        self._thread: threading.Thread | None = None
        self._guard = threading.Lock()

    @property
    def running(self) -> bool:
        return self._thread is not None and self._thread.is_alive()

    def begin(self, row: Model) -> State:
        """Fetch it, or go on with it. Raises Refused "busy" while another is being fetched, or when it is here."""
        with self._guard:
            if self.running and self.row == row and not self._stop.is_set():
                return self.state or State(row.id)
            if self.running and self._stop.is_set():     # it was paused this moment
                self._thread.join(2.0)                   # type: ignore[union-attr]
            if self.running:
                raise Refused("Another model is being fetched.", "Wait for it, or pause it.", code="busy",
                              zh=("正在下载另一个模型。", "请等它完成，或先暂停。"))
            if at_hand(row):
                raise Refused("That model is here already.", "Use it.", code="here", zh=("这个模型已经在本机了。", "可以直接使用。"))
            self._stop, self.row, self.state = threading.Event(), row, State(row.id, done=begun(row), total=int(row.size * MB))
            self._thread = threading.Thread(target=self._work, args=(row, self.state, self._stop), name="fetch", daemon=True)
            self._thread.start()
            return self.state

    def pause(self) -> None:
        """What is here stays."""
        self._stop.set()
        if self.state is not None and self.state.phase in ("asking", "fetching", "checking"):
            self.state.phase, self.state.rate = "paused", 0.0

    def drop(self, row: Model) -> int:
        """Remove what is here of it, whole or not. Returns the bytes that are free again."""
        if self.row == row:
            self.pause()
            if self._thread is not None:
                self._thread.join(5.0)
            self.state = None
        freed = begun(row)
        shutil.rmtree(_part(row), ignore_errors=True)
        here = at_hand(row)
        if here is not None:
            freed += sum(path.stat().st_size for path in ([here] if here.is_file() else here.rglob("*")) if path.is_file())
            if here.is_file():
                here.unlink()
                if not any(here.parent.iterdir()):
                    here.parent.rmdir()
            else:
                shutil.rmtree(here)
        return freed

    def close(self) -> None:
        self.pause()
        if self._thread is not None:
            self._thread.join(5.0)

    def _work(self, row: Model, state: State, stop: threading.Event) -> None:
        try:
            fetch(row, state, stop)
            state.phase = "done"
            self._done(row)
        except _Stopped:
            state.phase = "paused"
        except TwinError as error:
            state.phase, state.error = "failed", error
        except OSError as error:
            why = error.strerror or type(error).__name__
            state.phase, state.error = "failed", TwinError(f"The model could not be written: {why}.", "Is the disk full?",
                                                           zh=(f"模型写不进磁盘：{why}。", "磁盘满了吗？"))
        finally:
            state.rate = 0.0
            if state.error:
                log.warning("%s: %s", row.id, state.error.message)


def endpoint() -> str:
    return (os.environ.get("HF_ENDPOINT") or devices.HUB).rstrip("/")


def reachable(seconds: float = WAITS) -> bool:
    """Whether the hub answers now; asked anew each time, whatever was found when the app started."""
    return not devices.wished_offline() and devices.probe.__wrapped__(endpoint(), seconds)


def _unreachable() -> Missing:
    if devices.wished_offline():
        return Missing("This machine was told to stay offline (HF_HUB_OFFLINE).", "Start the app without it.", code="offline",
                       zh=("本机设置了不联网（HF_HUB_OFFLINE）。", "去掉这个设置再启动。"))
    host = urlsplit(endpoint()).hostname or endpoint()
    return Missing(f"The model hub ({host}) is not reachable from here.", "Check the network, or set HF_ENDPOINT to a mirror and start again.", code="offline",
                   zh=(f"连不上模型库（{host}）。", "请检查网络，或把 HF_ENDPOINT 设为镜像后重新启动。"))


def fetch(row: Model, state: State, stop: threading.Event) -> Path:
    """All of it, blocking. Raises TwinError, or _Stopped at the next piece after `stop` was set."""
    import httpx
    if row.codec and at_hand(codec := replace(row, id=row.codec, codec="", files=())) is None:
        fetch(codec, state, stop)
        state.phase, state.done = "asking", 0
    headers = {"User-Agent": "twin"} | _signed()
    if not reachable():
        raise _unreachable()
    with httpx.Client(headers=headers, follow_redirects=True, timeout=httpx.Timeout(SILENT, connect=WAITS)) as http:
        revision, files = _listed(http, row)
        folder = _part(row)
        folder.mkdir(parents=True, exist_ok=True)
        _same(folder, revision, files)
        state.total = sum(file.size for file in files)
        have = sum(min(file.size, path.stat().st_size) for file in files if (path := folder / file.name).is_file())
        free = shutil.disk_usage(folder).free
        if state.total - have + SPARE > free:
            short, room = f"{(state.total - have) / 2**30:.1f}", f"{free / 2**30:.1f}"
            raise Refused(f"It needs {short} GiB more, and {room} GiB are free on the disk; 2 GiB should stay so.", "Make room, or choose a smaller one.",
                          code="disk", zh=(f"还需要 {short} GiB，磁盘只剩 {room} GiB，而且要留出 2 GiB。", "请腾出空间，或选小一点的。"))
        state.done, state.phase = have, "fetching"
        for file in files:
            (folder / file.name).parent.mkdir(parents=True, exist_ok=True)
            _file(http, f"{endpoint()}/{row.repo}/resolve/{revision}/{quote(file.name)}", folder / file.name, file, state, stop)
    state.phase = "checking"
    for file in files:
        if file.sha256 and not _right(folder / file.name, file.sha256, stop):
            (folder / file.name).unlink()
            raise Missing(f"{file.name} did not arrive as it was sent.", "Fetch it again; the rest is kept.", code="damaged",
                          zh=(f"{file.name} 下载后校验不对。", "请重新下载，其余部分会保留。"))
    (folder / ".revision").unlink(missing_ok=True)
    target = place(row)
    if row.file:                                         # several files of one repository may lie side by side
        target.mkdir(parents=True, exist_ok=True)
        os.replace(folder / row.file, target / row.file)
        shutil.rmtree(folder)
        return target / row.file
    os.replace(folder, target)
    return target


def _signed() -> dict[str, str]:
    """The sign-in of this machine to the hub, where there is one."""
    from huggingface_hub import get_token
    token = get_token()
    return {"Authorization": f"Bearer {token}"} if token else {}


def _listed(http: Any, row: Model) -> tuple[str, list[File]]:
    """(revision, the files that are needed, the small ones first). Raises TwinError."""
    import httpx
    try:
        answer = http.get(f"{endpoint()}/api/models/{row.repo}", params={"blobs": "true"}, timeout=httpx.Timeout(10.0, connect=WAITS))
    except httpx.HTTPError:
        raise _unreachable() from None
    _refused(answer.status_code, row)
    try:
        told = answer.json()
        revision, siblings = str(told["sha"]), told["siblings"]
        files = [File(str(one["rfilename"]), int(one["size"]), str((one.get("lfs") or {}).get("sha256", "")))
                 for one in siblings if one.get("size") is not None]
    except (ValueError, KeyError, TypeError):
        raise Missing("The model hub said something that cannot be read.", "Try again later.", code="hub",
                      zh=("模型库的回答看不懂。", "请稍后再试。")) from None
    files = wanted(files, row.file) if not row.files else _exactly(files, row.files)
    if not files or not revision.isalnum() or len(files) > PARTS:
        raise Missing(f"{row.name} has no safetensors on the hub.", "Choose another.", code="no-weights",
                      zh=(f"模型库里没有 {row.name} 的 safetensors 权重。", "请换一个。"))
    return revision, files


def _exactly(files: list[File], names: tuple[str, ...]) -> list[File]:
    """The files of that name, in folders too and pickles too, for the catalogue alone asks for them; [] where one is missing."""
    found = {file.name: file for file in files}
    return [found[name] for name in names] if set(names) <= set(found) else []


def wanted(files: list[File], one: str = "") -> list[File]:
    """Of a repository's files those that are fetched: no code, no pickles, no folders; [] where the weights are missing."""
    if one:
        return [file for file in files if file.name == one and "/" not in one]
    top = [file for file in files if "/" not in file.name and not file.name.startswith(".")]
    names = {file.name for file in top}
    weights = [file for file in top if file.name == "model.safetensors"]
    if not weights and "model.safetensors.index.json" in names:
        weights = [file for file in top if file.name.startswith("model-") and file.name.endswith(".safetensors")]
    beside = [file for file in top if file.name.endswith(BESIDE) and file.size <= SMALL]
    return sorted(beside, key=lambda file: file.name) + sorted(weights, key=lambda file: file.name) if weights and "config.json" in names else []


def _same(folder: Path, revision: str, files: list[File]) -> None:
    """What was begun of another revision cannot be gone on with, where the files differ."""
    note = folder / ".revision"
    now = {"revision": revision, "files": {file.name: [file.size, file.sha256] for file in files}}
    try:
        before = json.loads(note.read_text("utf-8"))["files"]
    except (OSError, ValueError, KeyError, TypeError):
        before = {}
    for path in [path for path in folder.rglob("*") if path.is_file()]:
        name = path.relative_to(folder).as_posix()
        if name != note.name and before.get(name) != now["files"].get(name, ()):      # type: ignore[attr-defined]
            path.unlink()
    note.write_text(json.dumps(now), "utf-8")


def _file(http: Any, url: str, path: Path, file: File, state: State, stop: threading.Event) -> None:
    """One file, gone on with where it broke off, the line coming back or not."""
    import httpx
    failed = 0
    while True:
        have = path.stat().st_size if path.is_file() else 0
        if have > file.size:
            path.unlink()
            state.done -= file.size
            have = 0
        if have == file.size and path.is_file():
            return
        if file.size == 0:
            path.touch()
            return
        before = have
        try:
            with http.stream("GET", url, headers={"Range": f"bytes={have}-", "Accept-Encoding": "identity"}) as answer:
                if answer.status_code == 200 and have:   # it knows no ranges: from the beginning
                    state.done -= have
                    have = 0
                elif answer.status_code not in (200, 206):
                    _refused(answer.status_code, None)
                with path.open("r+b" if have else "wb") as out:
                    out.seek(have)
                    marked, at = time.monotonic(), have
                    for piece in answer.iter_raw(PIECE):
                        if stop.is_set():
                            raise _Stopped
                        have += len(piece)
                        if have > file.size:
                            raise Missing(f"{file.name} is larger than the hub said.", "Try again later.", code="damaged",
                                          zh=(f"{file.name} 比说好的大。", "请稍后再试。"))
                        out.write(piece)
                        state.done += len(piece)
                        if (seconds := time.monotonic() - marked) >= 0.5:
                            state.rate = (have - at) / seconds
                            marked, at = time.monotonic(), have
        except httpx.HTTPError:
            pass
        failed = failed + 1 if have <= before else 0
        if failed >= TRIES:
            raise _unreachable()
        if stop.wait(0.3 * 2 ** failed if failed else 0.0):
            raise _Stopped


def _refused(status: int, row: Model | None) -> None:
    """Raises what the hub's status means."""
    name, repo = (row.name, f"/{row.repo}") if row else ("the model", "")
    if status in (401, 403):
        raise Refused(f"The hub gives {name} only to who agreed to its terms and is signed in.",
                      f"Agree on its page, huggingface.co{repo}, then: hf auth login", code="terms",
                      zh=("要先在模型页面同意条款并登录才能下载。", f"请到 huggingface.co{repo} 同意条款，再运行 hf auth login。"))
    if status == 404:
        raise Missing(f"The hub has no {name} any more.", "Choose another.", code="gone", zh=("模型库里已经没有它了。", "请换一个。"))
    if status != 200:
        raise Missing(f"The hub answered with status {status}.", "Try again later; what is here is kept.", code="hub",
                      zh=(f"模型库返回了错误 {status}。", "请稍后再试，已下载的部分会保留。"))


def _right(path: Path, sha256: str, stop: threading.Event) -> bool:
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while piece := file.read(1 << 22):
            if stop.is_set():
                raise _Stopped
            digest.update(piece)
    return digest.hexdigest() == sha256
