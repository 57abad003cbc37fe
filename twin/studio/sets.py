"""Data sets: what is there, how far one is, a look at a folder before a set is made of it, and the processes that do both (twin/train/data.py, painted.py).

    sets/NAME        the data set, as twin/train/data.py lays it out
    jobs/set-NAME    the process that makes it: job.json (what was asked), what process.py keeps, sheet.webp
    jobs/look        the last look at a folder: job.json, report.json, sheet.webp
"""
from __future__ import annotations

import io
import json
import os
import time
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from twin.devices import cores
from twin.errors import Missing, Refused

from . import places, plain, process
from .run import read_json, write
from .statement import STATEMENTS

LOOK = 120                                               # pictures that a look is at
SIZES = (64, 128, 256, 512)                              # px
PICTURES = (".png", ".jpg", ".jpeg", ".webp", ".bmp", ".tif", ".tiff", ".gif", ".avif", ".heic", ".heif")
MOST_FOLDERS = 400                                       # of one folder that are shown
SHEET, TILE = 24, 128                                    # faces of a set's sheet, px of each
Json = dict[str, Any]


def threads() -> int:
    """How many a process may take: all but one core, which is the talk's."""
    return max(1, min(8, cores() - 1))


# looking -------------------------------------------------------------------------------------------------------------------------------

def folders(at: object) -> Json:
    """What is in a folder of this machine: {"at", "up", "folders", "pictures"}, hidden ones left out. Raises Missing, Refused."""
    here = path_of(at) if at else Path.home()
    try:
        inside = sorted(os.scandir(here), key=lambda one: one.name.lower())
        below = [one.name for one in inside if not one.name.startswith(".") and one.is_dir()]
        pictures = sum(one.name.lower().endswith(PICTURES) for one in inside if one.is_file())
    except OSError as error:
        raise closed(here, error) from error
    return {"at": str(here), "up": str(here.parent) if here.parent != here else "", "folders": below[:MOST_FOLDERS], "pictures": pictures}


def path_of(given: object) -> Path:
    """A folder that a person named. Raises Missing, Refused."""
    if not isinstance(given, str) or not given.strip() or len(given) > 2000 or "\0" in given:
        raise Refused("Name the folder that holds the pictures.", "Choose one.", code="folder", zh=("请指定放图片的文件夹。", "选一个。"))
    path = Path(given.strip()).expanduser()
    if not path.is_absolute():
        raise Refused(f"{given.strip()} doesn't begin at the root.", "Write the whole path.", code="folder", zh=("这不是完整路径。", "请写出完整路径。"))
    if not path.is_dir():
        raise Missing(f"There is no folder {path}.", "Choose another.", code="folder", zh=(f"没有文件夹 {path}。", "请另选一个。"))
    return path


def closed(path: Path, error: OSError) -> Refused:
    return Refused(f"{path} can't be opened ({error.strerror}).", "Let the one who runs this read it.", code="folder",
                   zh=(f"打不开 {path}（{error.strerror}）。", "请给运行本程序的用户读取权限。"))


def look(asked: Mapping[str, Any]) -> None:
    """Begin to look at some of a folder's pictures, {"folder", "size"?}; an older look is let go of. Raises Refused, Missing, TwinError."""
    folder, size = path_of(asked.get("folder")), _size(asked)
    drop_look()
    job = places.make(places.folder("jobs", "look"))
    _keep(job, {"folder": str(folder), "size": size})
    process.begin(job, ["-m", "twin.train.data", str(folder), "--out", str(job), "--look", str(LOOK), "--size", str(size), "--workers", "1"])


def looked() -> Json | None:
    """The last look: {"state", "folder", "size", "done", "total", "report", "why"}; None where there is none."""
    job = places.folder("jobs", "look")
    asked = read_json(job / "job.json")
    if not asked:
        return None
    state = process.state(job)
    told = {"state": state, **asked, **_progress(job), "report": read_json(job / "report.json") if state == "done" else None}
    return told | ({"why": plain.plain(process.last_words(job))} if state in ("failed", "killed") else {})


def drop_look() -> None:
    """Nothing is left of it. Raises TwinError."""
    job = places.folder("jobs", "look")
    process.halt(job)
    for _ in range(20):                                  # a moment for it to end, so that it writes nothing after
        if process.state(job) != "running":
            break
        time.sleep(0.1)
    places.remove(job)


# making --------------------------------------------------------------------------------------------------------------------------------

def begin(asked: Mapping[str, Any], language: str = "en") -> str:
    """Make a set: {"kind": "painted", "count", "size"} or {"kind": "people" | "drawn", "folder", "size", "source", "licence", "agreed"?, "who"?}, with "title".
    Its name. Raises Refused, Missing, TwinError."""
    kind, size = asked.get("kind"), _size(asked)
    if busy():
        raise other()
    if kind == "painted":
        count = asked.get("count")
        if not isinstance(count, int) or isinstance(count, bool) or not 8 <= count <= 1_000_000:
            raise Refused("How many people shall be painted?", "Give a number from 8 to 1,000,000.", code="count", zh=("要画多少人？", "请填 8 到 1000000。"))
        title = places.title_of(asked.get("title"), f"{count:,} painted people")
        more: Json = {"count": count}
    elif kind in ("people", "drawn"):
        folder = path_of(asked.get("folder"))
        said = {what: " ".join(str(asked.get(what) or "").split())[:300] for what in ("source", "licence", "who")}
        for what, zh in (("source", "来源"), ("licence", "许可")):
            if not said[what]:
                raise Refused(f"A data set must say its {what}.", "Whoever uses what is learned from it needs to know.", code=what,
                              zh=(f"请写明数据集的{zh}。", "使用成果的人需要知道。"))
        if kind == "people" and (asked.get("agreed") is not True or not said["who"]):
            raise Refused("These are pictures of people: they have to agree first.", "Read the statement, agree, and sign with a name.", code="consent",
                          zh=("这些是真人的照片：要先取得他们同意。", "请阅读声明、勾选同意并署名。"))
        title = places.title_of(asked.get("title"), folder.name or "pictures")
        more = {"folder": str(folder), **said, "statement": STATEMENTS["zh" if language == "zh" else "en"] if kind == "people" else ""}
    else:
        raise Refused("A data set is of photographs of people, of drawn pictures, or painted.", "Choose one.", code="kind",
                      zh=("数据集可以是真人照片、绘画，或由画师画出。", "请选一种。"))
    name = places.free("sets", title, "set")
    job = places.make(job_of(name))
    _keep(job, {"kind": kind, "title": title, "size": size, **more, "begun": time.strftime("%Y-%m-%dT%H:%M:%S")})
    places.make(places.folder("sets", name))
    go_on(name)
    return name


def go_on(name: str) -> None:
    """Start the process of a set that isn't whole. Raises Refused, TwinError."""
    job = job_of(name)
    asked = read_json(job / "job.json")
    if not asked:
        raise Refused("How this set was made isn't known any more.", "Make another.", code="gone", zh=("已经不知道它是怎么做的了。", "请另做一个。"))
    if process.state(job) == "running":
        return
    out = str(places.folder("sets", name))
    if asked["kind"] == "painted":
        arguments = ["-m", "twin.train.painted", out, "--count", str(asked["count"]), "--size", str(asked["size"]), "--jobs", str(threads())]
    else:
        arguments = ["-m", "twin.train.data", asked["folder"], "--out", out, "--size", str(asked["size"]), "--source", asked["source"],
                     "--licence", asked["licence"], "--name", asked["title"], "--workers", str(threads())]
        arguments += ["--people", "--statement", asked["statement"], "--who", asked["who"]] if asked["kind"] == "people" else ["--drawn"]
    (job / "sheet.webp").unlink(missing_ok=True)
    process.begin(job, arguments)


def stop(name: str) -> None:
    """What is made stays, and going on begins there."""
    places.there("sets", name)
    process.halt(job_of(name))


def busy() -> str:
    """The set that is being made, or ""."""
    return next((name for name in places.names("sets") if process.state(job_of(name)) == "running"), "")


def other() -> Refused:
    return Refused("Another data set is being made.", "Let it end, or stop it.", code="going", zh=("正在制作另一个数据集。", "请等它完成，或先停止它。"))


def remove(name: str) -> None:
    """The set, and what is known of how it was made. Raises TwinError."""
    folder = places.there("sets", name)
    if process.state(job_of(name)) == "running":
        raise Refused("This set is being made.", "Stop it first.", code="going", zh=("这个数据集正在制作。", "请先停止它。"))
    places.remove(folder)
    places.remove(job_of(name))


# telling -------------------------------------------------------------------------------------------------------------------------------

def all_told() -> list[Json]:
    return [told(name) for name in places.names("sets")]


def told(name: str) -> Json:
    """How a set stands: {"name", "title", "kind", "size", "state", "count", "done", "total", ...}."""
    folder, job = places.there("sets", name), job_of(name)
    about, asked = read_json(folder / "manifest.json"), read_json(job / "job.json")
    state = process.state(job) if asked else "done"
    kind = {"illustrated": "painted"}.get(str(about.get("kind")), about.get("kind")) or asked.get("kind", "")
    count = faces(folder)
    found: Json = {"name": name, "title": asked.get("title") or about.get("name") or name, "kind": kind, "size": about.get("size") or asked.get("size"),
                   "source": about.get("source") or asked.get("source", ""), "licence": about.get("licence") or asked.get("licence", ""),
                   "signed": (str(about.get("statement") or "").splitlines() or [""])[-1], "state": state, "count": count, "made": about.get("made", "")}
    if state in ("running", "stopped", "killed"):
        found |= {"done": count, "total": asked["count"]} if kind == "painted" else _progress(job)
    if state in ("failed", "killed"):
        found["why"] = plain.plain(process.last_words(job) if state == "failed" else "")
    report = read_json(folder / "report.json")
    return found | ({"report": report} if report else {})


def faces(folder: Path) -> int:
    """How many pictures lie in a set, told by its sub-folders: a thousand in each but the last."""
    with suppress(OSError):
        below = sorted(path for path in (folder / "faces").iterdir() if path.name.isdecimal())
        return 1000 * (len(below) - 1) + sum(path.suffix == ".webp" for path in below[-1].iterdir()) if below else 0
    return 0


def ready(name: str) -> Path:
    """The folder of a set that can be learnt from. Raises Missing, Refused."""
    folder = places.there("sets", name)
    if not (folder / "manifest.json").is_file() or not faces(folder):
        raise Refused("This data set has no faces yet.", "Let it be made first.", code="empty", zh=("这个数据集还没有脸。", "请先做好它。"))
    return folder


def sheet(name: str) -> bytes:
    """A WebP of some of a set's faces, taken evenly; kept beside once the set is whole. Raises Missing."""
    folder, kept = places.there("sets", name), job_of(name) / "sheet.webp"
    if kept.is_file():
        return kept.read_bytes()
    from PIL import Image
    count = faces(folder)
    tiles = []
    for k in range(min(SHEET, count)):
        number = k * count // min(SHEET, count)
        with suppress(OSError, ValueError, SyntaxError), Image.open(folder / f"faces/{number // 1000:04d}/{number:06d}.webp") as opened:
            tiles.append(opened.convert("RGB").resize((TILE, TILE)))
    if not tiles:
        raise Missing("There are no faces yet.", "Wait a little.", code="empty", zh=("还没有脸。", "请稍候。"))
    across = min(6, len(tiles))
    out = Image.new("RGB", (across * TILE, -(-len(tiles) // across) * TILE), "white")
    for k, tile in enumerate(tiles):
        out.paste(tile, (k % across * TILE, k // across * TILE))
    held = io.BytesIO()
    out.save(held, "WEBP", quality=86)
    if process.state(job_of(name)) == "done":
        with suppress(OSError):
            kept.write_bytes(held.getvalue())
    return held.getvalue()


def job_of(name: str) -> Path:
    return places.folder("jobs", f"set-{name}")


def _progress(job: Path) -> Json:
    """How far a folder's pictures were looked at, by the last line that says so."""
    for line in reversed(process.tail(job)):
        if line.startswith("$ "):
            break
        parts = line.replace(",", "").split(" of ", 1)
        if len(parts) == 2 and parts[0].isdecimal() and (total := parts[1].split(" ", 1)[0]).isdecimal():
            return {"done": int(parts[0]), "total": int(total)}
    return {"done": 0, "total": 0}


def _size(asked: Mapping[str, Any]) -> int:
    size = asked.get("size", 256)
    if size not in SIZES and not (isinstance(size, int) and not isinstance(size, bool) and 16 <= size <= 1024):
        raise Refused(f"Pictures of {size} px can't be made.", "Choose 64 to 512.", code="size", zh=("没有这个尺寸。", "请选 64 到 512。"))
    return int(size)


def _keep(job: Path, asked: Json) -> None:
    try:
        write(job / "job.json", json.dumps(asked, ensure_ascii=False, indent=2))
    except OSError as error:
        raise places.unwritable(job, error) from error
