"""One twin as one file: a .twin bundle, a zip with a manifest, the twin's files, and its consent among them.

    manifest.json   {"format": "twin", "version": 1, "name", "languages", "made", "files": {path: {"size", "sha256"}}, "key"?: a box (seal.py)}
    twin/<name>     the files, as Twin.read names them; sealed under the key in the box where there is one
    talks/<n>.json  the conversations with it: only in an encrypted bundle, for what was said is more private than who was made

A bundle comes from strangers. It is read in memory, its directory is checked before anything is unpacked, and every size is bounded while it
is unpacked; nothing reaches the disk until all of it was checked.
"""
from __future__ import annotations

import hashlib
import io
import json
import math
import re
import stat
import struct
import zipfile
import zlib
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from persona.card import CardError, Persona
from persona.catalogue import Catalogue
from persona.documents import DocumentError, Library
from persona.lines import parse_lines

from ..errors import Refused
from ..trust import agreed, credited, marked, record_of
from .conversations import Conversations, Saved, new_id
from .seal import behind_passphrase, lock, new_key, rebox, seal, unlock, unseal
from .shelf import Shelf
from .twins import FILES, HERE, Twin

VERSION = 1
MOST_BYTES = 128 * 2**20                                 # of a bundle, and of all that is in it
MOST_FILES = 320
MOST_TALKS = 200
MOST_PIXELS = 4096 * 4096                                # of a face's picture
TALK = re.compile(r"talks/[0-9]{1,3}\.json")
LIMITS = {"webp": 24 * 2**20, "json": 8 * 2**20, "yaml": 2 * 2**20, "csv": 2 * 2**20, "safetensors": 64 * 2**20, "zip": 64 * 2**20}
_END = struct.Struct("<4s4H2LH")                         # end of central directory (APPNOTE.TXT 4.3.16)


def export(shelf: Shelf, twin: Twin, passphrase: str = "") -> bytes:
    """A twin's bundle. With a passphrase, or for a twin that is behind one, it is encrypted and carries the conversations. Its pictures carry
    content credentials, without the label that would be drawn into the face. Raises Locked."""
    files = {f"twin/{name}": _credited(shelf, twin, name, data) for name, data in shelf.files(twin).items() if name not in HERE}
    box = shelf.box(twin.owner, twin.id) if twin.owner else None
    key = None
    if passphrase:
        key = new_key()
        box = lock(key, passphrase)
    elif box is not None and behind_passphrase(box):
        key, box = twin.key, rebox(box, shelf.secret, None)
    if key is not None:
        talks = Conversations(shelf.data, key=shelf.key)
        for n, name in enumerate(talks.with_twin(twin.owner, twin.id)[:MOST_TALKS]):
            saved = talks.load(twin.owner, name)
            body = {"language": saved.language, "when": saved.when, "history": saved.history}
            files[f"talks/{n}.json"] = json.dumps(body, ensure_ascii=False).encode()
        files = {name: seal(key, data, name) for name, data in files.items()}
    about = {"format": "twin", "version": VERSION, "name": twin.persona.name, "languages": list(twin.persona.languages),
             "made": datetime.now(UTC).isoformat(timespec="seconds"),
             "files": {name: {"size": len(data), "sha256": hashlib.sha256(data).hexdigest()} for name, data in files.items()}}
    if key is not None:
        about["key"] = box
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        for name, data in {"manifest.json": json.dumps(about, ensure_ascii=False, indent=1).encode(), **files}.items():
            how = zipfile.ZIP_DEFLATED if key is None and name.endswith((".json", ".yaml")) else zipfile.ZIP_STORED
            archive.writestr(zipfile.ZipInfo(name, (1980, 1, 1, 0, 0, 0)), data, how)
    return out.getvalue()


def _credited(shelf: Shelf, twin: Twin, name: str, data: bytes) -> bytes:
    if not name.endswith(".webp") or credited(data, ".webp"):              # it was brought in with them
        return data
    return marked(data, ".webp", title=f"{twin.id} {name}", label=False, folder=shelf.data, consent=record_of(twin), model="portrait")[0]


def bring_in(shelf: Shelf, owner: str, data: bytes, passphrase: str = "") -> Twin:
    """The twin in a bundle, as a new one of this user; an encrypted one stays behind its passphrase, open for this visit.
    Raises Refused with the reason, Locked without the right passphrase; then nothing is left."""
    shelf.admit()
    about, stored = _unpacked(data)
    box, key = about.get("key"), None
    if box is not None:
        if not isinstance(box, dict) or not behind_passphrase(box) or box.get("server"):
            raise _damaged("its lock is not one that can be opened")
        key = unlock(box, passphrase)
        try:
            stored = {name: unseal(key, raw, name) for name, raw in stored.items()}
        except Refused:
            raise _damaged("what is encrypted in it was changed") from None
    files = {name.removeprefix("twin/"): raw for name, raw in stored.items() if name.startswith("twin/")}
    files = {name: raw for name, raw in files.items() if name not in HERE}
    talks = [_talk(raw) for name, raw in stored.items() if name.startswith("talks/")]
    check(files)
    if box is None or key is None:
        return shelf.put(owner, files)
    kept = Conversations(shelf.data, key=lambda *_: key)
    room = max(0, kept.most - kept.count(owner))         # nobody's own conversations are pushed out by those that come

    def first(name: str) -> None:
        for saved in sorted(talks, key=lambda saved: saved.when, reverse=True)[:room]:
            saved.twin = name
            kept.save(owner, saved, saved.when)
    return shelf.put(owner, files, key=key, box=rebox(box, None, shelf.seals), first=first)


def check(files: Mapping[str, bytes]) -> None:
    """Raises Refused unless these files are a whole twin, of bounded size, with the consent that its face or voice needs."""
    if "persona.yaml" not in files or "face/portrait.webp" not in files or "face/rig.json" not in files:
        raise _damaged("it has no persona or no face")
    if "consent.json" not in files:
        raise Refused("This bundle holds a face without anybody's consent.", "Make the twin anew, with a consent.", code="consent",
                      zh=("这个文件里的人脸没有任何人的同意书。", "请重新制作分身，并附上同意书。"))
    try:
        agreed(json.loads(files["consent.json"]))
        Persona.read(files["persona.yaml"])
        for name, data in files.items():
            if len(data) > LIMITS[name.rsplit(".", 1)[1]]:
                raise _damaged(f"{name} is too large")
            if name.startswith("lines."):
                parse_lines(data, name)
            elif name.startswith("catalogue."):
                Catalogue(data, name)
            elif name.endswith(".json") and not isinstance(json.loads(data), dict):
                raise ValueError(name)
            elif name.endswith(".webp"):
                _picture(name, data)
            elif name.endswith(".zip"):
                Library(data=data)
            elif name.endswith(".safetensors"):
                _tensors(data)
        _rig(json.loads(files["face/rig.json"]))
    except DocumentError as error:
        raise Refused(f"The bundle's documents can't be read: {error.message}", error.hint, code="damaged",
                      zh=("文件里的文档读不出来。", "请换一份完好的文件。")) from None
    except CardError as error:
        if error.message.startswith("catalogue."):
            raise Refused(f"The bundle's catalogue can't be read: {error.message}", error.hint, code="damaged",
                          zh=("文件里的商品目录读不出来。", "请换一份完好的文件。")) from None
        raise Refused(f"The bundle's character can't be read: {error.message}", error.hint, code="damaged",
                      zh=("文件里的性格设定读不出来。", "请换一份完好的文件。")) from None
    except (ValueError, KeyError, TypeError, RecursionError):
        raise _damaged("one of its files is not what it should be") from None


def _unpacked(data: bytes) -> tuple[dict[str, Any], dict[str, bytes]]:
    """(manifest, path -> bytes), each file checked against the manifest."""
    if len(data) > MOST_BYTES:
        raise too_large(len(data))
    _directory(data)
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            entries = archive.infolist()
            _bounded(entries)
            about = _manifest(_read(archive, next((e for e in entries if e.filename == "manifest.json"), None), 2**20))
            _entries(entries)                            # behind the version: a newer one may hold files of other kinds
            listed: dict[str, Any] = about["files"]
            stored: dict[str, bytes] = {}
            left = MOST_BYTES
            if {entry.filename for entry in entries} != set(listed) | {"manifest.json"}:
                raise _damaged("its files are not those that its manifest names")
            for entry in entries:
                if entry.filename == "manifest.json":
                    continue
                raw = stored[entry.filename] = _read(archive, entry, left)
                left -= len(raw)
                if len(raw) != listed[entry.filename]["size"] or hashlib.sha256(raw).hexdigest() != listed[entry.filename]["sha256"]:
                    raise _damaged(f"{entry.filename} was changed")
            return about, stored
    except (zipfile.BadZipFile, zlib.error, OSError, EOFError, NotImplementedError, RuntimeError, struct.error, UnicodeError):
        raise _damaged("it can't be unpacked") from None
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        raise _damaged("its manifest can't be read") from None


def _directory(data: bytes) -> None:
    """The zip's own word for what is in it, before a library builds anything from it."""
    at = data.rfind(b"PK\x05\x06", max(0, len(data) - 65_557))
    if data.startswith(b"PK\x03\x04") and not 0 <= at <= len(data) - _END.size:
        raise _damaged("its end is missing")
    if not data.startswith(b"PK\x03\x04"):
        raise Refused("This file is no twin.", "Choose a .twin file that was saved here.", code="no-bundle",
                      zh=("这不是分身文件。", "请选择从这里保存的 .twin 文件。"))
    _, disk, first, here, count, size, start, _ = _END.unpack_from(data, at)
    if disk or first or here != count or 0xFFFFFFFF in (size, start):
        raise _damaged("it is a zip of a kind that no bundle is")
    if count > MOST_FILES or size > MOST_FILES * 512:
        raise _damaged(f"it holds {count} files; a bundle has at most {MOST_FILES}")


def _bounded(entries: list[zipfile.ZipInfo]) -> None:
    names = [entry.filename for entry in entries]
    if len(set(names)) != len(names):
        raise _damaged("two of its files have the same name")
    if sum(entry.file_size for entry in entries) > MOST_BYTES:
        raise too_large(sum(entry.file_size for entry in entries))


def _entries(entries: list[zipfile.ZipInfo]) -> None:
    """Raises Refused unless every entry is a plain file that a twin may have."""
    for entry in entries:
        mode = entry.external_attr >> 16
        known = entry.filename == "manifest.json" or TALK.fullmatch(entry.filename) or FILES.fullmatch(entry.filename.removeprefix("twin/"))
        if not known or (entry.filename != "manifest.json" and "/" not in entry.filename):
            raise _damaged(f"it holds a file that no twin has: {entry.filename[:60]!r}")
        if stat.S_ISLNK(mode) or entry.is_dir() or entry.flag_bits & 1:
            raise _damaged(f"{entry.filename} is no plain file")
        if entry.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
            raise _damaged(f"{entry.filename} is packed in a way that no bundle is")


def _read(archive: zipfile.ZipFile, entry: zipfile.ZipInfo | None, most: int) -> bytes:
    """One file, never more than its own word and the bound."""
    if entry is None:
        raise Refused("This zip is no twin: it has no manifest.", "Choose a .twin file that was saved here.", code="no-bundle",
                      zh=("这个压缩包不是分身文件。", "请选择从这里保存的 .twin 文件。"))
    if entry.file_size > most:
        raise too_large(entry.file_size)
    with archive.open(entry) as file:
        raw = file.read(entry.file_size + 1)
    if len(raw) != entry.file_size:
        raise _damaged(f"{entry.filename} is not as long as it says")
    return raw


def _manifest(raw: bytes) -> dict[str, Any]:
    about = json.loads(raw)
    if about["format"] != "twin":
        raise ValueError("format")
    version = about["version"]
    if isinstance(version, int) and version > VERSION:
        raise Refused(f"This bundle was made by a newer Twin (its format is {version}, this one reads {VERSION}).", "Update Twin, then try again.",
                      code="newer", zh=(f"这个文件来自更新的版本（格式 {version}，这里只能读 {VERSION}）。", "请更新后再试。"))
    if version != VERSION or not isinstance(about["files"], dict) or len(about["files"]) > MOST_FILES:
        raise ValueError("version")
    return dict(about)


def _talk(raw: bytes) -> Saved:
    try:
        body = json.loads(raw)
        history = [{"role": m["role"], "content": str(m["content"]), "turn": int(m["turn"])}
                   | {name: str(m[name]) for name in ("cut", "step", "mood") if name in m}
                   for m in body["history"] if m["role"] in ("user", "assistant")]
        return Saved(new_id(), "", "zh" if body["language"] == "zh" else "en", history, float(body["when"]))
    except (ValueError, KeyError, TypeError, RecursionError):
        raise _damaged("a conversation in it can't be read") from None


def _picture(name: str, data: bytes) -> None:
    from PIL import Image
    try:
        with Image.open(io.BytesIO(data), formats=("WEBP",)) as file:
            if file.width * file.height > MOST_PIXELS:
                raise _damaged(f"{name} has too many pixels")
            file.load()
    except (OSError, SyntaxError, Image.DecompressionBombError):
        raise ValueError(name) from None


def _tensors(data: bytes) -> None:
    """The header of a safetensors file: bounded JSON whose pieces lie inside."""
    size = int.from_bytes(data[:8], "little")
    if not 2 <= size <= min(2**20, len(data) - 8):
        raise ValueError("safetensors")
    header = json.loads(data[8:8 + size])
    for name, about in header.items():
        if name != "__metadata__":
            low, high = about["data_offsets"]
            if not 0 <= low <= high <= len(data) - 8 - size:
                raise ValueError(name)


def _rig(rig: dict[str, Any]) -> None:
    width, height = rig["size"]
    if not (0 < int(width) <= 4096 and 0 < int(height) <= 4096) or not isinstance(rig["points"], list):
        raise ValueError("rig")
    if not all(math.isfinite(float(at)) for point in rig["points"] for at in point):
        raise ValueError("rig")


def too_large(size: int) -> Refused:
    return Refused(f"The bundle holds {size / 2**20:,.0f} MB; the most is {MOST_BYTES // 2**20} MB.", "Choose another file.", code="too-large",
                   zh=(f"这个文件有 {size / 2**20:,.0f} MB，最多 {MOST_BYTES // 2**20} MB。", "请选别的文件。"))


def _damaged(why: str) -> Refused:
    return Refused(f"The bundle is damaged: {why}.", "Take it from a copy that is whole.", code="damaged", zh=(f"文件损坏：{why}。", "请换一份完好的文件。"))
