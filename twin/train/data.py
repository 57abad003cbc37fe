"""A data set of portraits: the folder it is kept in, written and read, and any folder of pictures made into one.

    python -m twin.train.data FOLDER --out SET --source "..." --licence "..." (--drawn | --people --statement "..." --who NAME)

A set holds manifest.json (what it is, whence, under which licence), faces.jsonl (a line a face) and faces/NNNN/NNNNNN.webp, square and aligned.
A line is added when its picture is on the disk, so a set that was left half written is whole up to its last line and is gone on with. Only pixels
are taken from a picture: no EXIF, no place, no name. Two photographs of one person may land in both parts, for nobody is recognised here.
"""
from __future__ import annotations

import argparse
import errno
import hashlib
import io
import json
import multiprocessing
import os
import re
import sys
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import cv2
import numpy as np
from PIL import Image

from twin.errors import Missing, Refused, TwinError
from twin.paint import attributes as looks
from twin.studio.statement import STATEMENT

from . import sift
from .sift import Face

if TYPE_CHECKING:
    import torch

VERSION, HELD, QUALITY, FOLDER = 1, 0.1, 92, 1000        # of the folder's layout; the share kept from training; of the WebP; pictures in one sub-folder
FEW, SLACK = 200, 100                                    # faces: with fewer a network learns them by heart; what a kill or a power cut may cost
SHOWN, ACROSS, TILE, GREY = 24, 6, 128, 3.0               # faces of a look's sheet, in rows of so many, px of each; what channels differ by in a grey one
KINDS, SPLITS = ("illustrated", "people", "drawn"), ("train", "held")
Progress = Callable[[int, int | None], None]             # done, of how many
_NAME = re.compile(r"faces/[0-9]{4,}/[0-9]{6,}\.(webp|png)")


@dataclass(frozen=True)
class Manifest:
    """What a set is. `statement`: of people only, what they agreed to, and in its last line who says so. `count` and `made` are filled in by the writer."""
    name: str
    kind: str
    source: str
    licence: str
    size: int
    statement: str = ""
    settings: dict[str, Any] = field(default_factory=dict)
    count: int = 0
    made: str = ""
    version: int = VERSION

    def checked(self) -> Manifest:
        """Itself. Raises Refused where it lacks what a set must say."""
        if self.kind not in KINDS:
            raise Refused(f"A data set of kind {self.kind!r} is not known.", f"It is one of {', '.join(KINDS)}.")
        for what, value in (("source", self.source), ("licence", self.licence)):
            if not value.strip():
                raise Refused(f"A data set must say its {what}: whoever uses what is learned from it needs to know whence it comes and what is allowed.",
                              f'Say it: --{what} "..."', code=what)
        if self.kind == "people" and not self.statement.strip():
            raise Refused(f"These are pictures of people, and nobody has agreed. A statement could be:\n  {STATEMENT}\n",
                          'If that holds: --statement ours --who "Your name"; or give their own words, or a file of them, instead of ours.', code="consent")
        if not 16 <= self.size <= 2048:
            raise Refused(f"Pictures of {self.size} px can't be made.", "Choose 16 to 2048 px; 256 is usual.")
        return self


def split_of(key: bytes | str | int, held: float = HELD) -> str:
    """"held" for that share of all keys (a file's content, a seed), "train" for the rest; the same key always lands in the same part."""
    data = key if isinstance(key, bytes) else str(key).encode()
    return "held" if int.from_bytes(hashlib.blake2b(data, digest_size=8).digest(), "big") < held * 2.0**64 else "train"


# writing ---------------------------------------------------------------------------------------------------------------------------------------

class Writer:
    """A set that is being written, or gone on with. One process writes at a time. Raises Refused where the folder holds something else, TwinError where
    it can't be written (the disk is full, say): what was added before stays."""

    def __init__(self, folder: Path, about: Manifest, *, held: float = HELD):
        self.folder, self.held = Path(folder), held
        self.about = replace(about.checked(), settings={**about.settings, "held": held, "frame": sift.FRAME}, count=0)
        self._rows: list[tuple[int, str]] = []           # where each line of faces.jsonl ends, and the part its face is in
        self._open: list[Any] = []
        try:
            with self.kept():
                self.folder.mkdir(parents=True, exist_ok=True)
                self._take()
                self._begin()
            self._rows, lines = _whole_rows(self.folder)
            self._may_lose(max(lines, self.about.count) - self.done)
            self._lines = self.opened("faces.jsonl")
            self.cut(self.done)
        except BaseException:
            self._release()
            raise

    @property
    def _end(self) -> int:
        return self._rows[-1][0] if self._rows else 0

    @property
    def done(self) -> int:
        """Faces that are whole on the disk."""
        return len(self._rows)

    def add(self, face: Face, split: str = "") -> str:
        """Its file's name in the set. Without `split` its seed decides, or its pixels. Raises Refused for another shape, TwinError."""
        size = self.about.size
        if face.picture.shape != (size, size, 3) or face.picture.dtype != np.uint8:
            raise Refused(f"A face is {face.picture.dtype} {face.picture.shape}; this set holds uint8 ({size}, {size}, 3).", "Resize it.")
        name = _file(self.done)
        split = split or split_of(face.seed if face.seed is not None else face.picture.tobytes(), self.held)
        points = None if face.points is None else np.round(np.asarray(face.points, float), 1).tolist()
        row = {"file": name, "split": split, "seed": face.seed, "attributes": None if face.attributes is None else dict(face.attributes),
               "captions": None if face.captions is None else {language: list(said) for language, said in face.captions.items()},
               **({} if points is None else {"points": points})}                                         # last: whoever needs none reads no further
        line = json.dumps(row, ensure_ascii=False, separators=(",", ":"), default=_plain).encode() + b"\n"
        out = io.BytesIO()
        Image.fromarray(face.picture).save(out, "WEBP", quality=QUALITY, method=2)
        with self.kept():
            path = self.folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            _whole(path, out.getvalue())
            self._lines.write(line)
            self._lines.flush()
            self._rows.append((self._end + len(line), split))
        return name

    def cut(self, count: int) -> None:
        """Keeps the first `count` faces, and no file of others. Raises Refused where that would be a loss."""
        self._may_lose(self.done - count)
        with self.kept():
            del self._rows[count:]
            self._lines.truncate(self._end)
            for folder in sorted(self.folder.glob("faces/[0-9]*"))[count // FOLDER:]:
                for path in folder.iterdir():
                    if path.suffix == ".part" or (path.stem.isdecimal() and int(path.stem) >= count):
                        path.unlink()

    def pictures(self) -> Iterator[tuple[np.ndarray, str]]:
        """What is there already: uint8 [size, size, 3], and its part. Raises Refused for a damaged file."""
        for k, (_, split) in enumerate(self._rows):
            yield _read(self.folder, _file(k), self.about.size), split

    def parts(self) -> dict[str, int]:
        """How many faces each part has."""
        return {split: sum(own == split for _, own in self._rows) for split in SPLITS}

    def opened(self, name: str) -> Any:
        """A file of the set to be added to; closed with it. Raises TwinError."""
        with self.kept():
            self._open.append(open(self.folder / name, "ab"))                                            # noqa: SIM115
        return self._open[-1]

    def close(self) -> None:
        """Writes the count; the set is whole."""
        try:
            with self.kept():
                self._lines.close()
                self.about = replace(self.about, count=self.done)
                self._manifest()
        finally:
            self._release()

    def __enter__(self) -> Writer:
        return self

    def __exit__(self, kind: Any, *rest: Any) -> None:
        if kind is None:
            self.close()
        else:
            self._release()

    def _may_lose(self, count: int) -> None:
        if count > SLACK:
            raise Refused(f"The data set in {self.folder} is damaged: {count:,} of its last faces would have to be made again.",
                          "Restore faces.jsonl and the pictures from a copy, or make the set anew in another folder.", code="damaged")

    def _begin(self) -> None:
        """Writes the manifest, or takes the one that is there, if it says the same."""
        if not (self.folder / "manifest.json").is_file():
            if any(name not in (".lock", "manifest.json.part") for name in os.listdir(self.folder)):
                raise Refused(f"{self.folder} is not empty, and no data set.", "Name a folder that does not exist yet.")
            self.about = replace(self.about, made=datetime.now(UTC).isoformat(timespec="seconds"))
            self._manifest()
            return
        there = _manifest(self.folder)
        differ = [name for name in ("kind", "source", "licence", "size", "statement", "settings") if getattr(there, name) != getattr(self.about, name)]
        if differ:
            raise Refused(f"There is another data set in {self.folder}: it has another {', another '.join(differ)}.",
                          "Say the same as then to go on with it, or name another folder.")
        self.about = there

    def _manifest(self) -> None:
        _whole(self.folder / "manifest.json", json.dumps({"version": VERSION, **asdict(self.about)}, ensure_ascii=False, indent=2).encode())

    def _take(self) -> None:
        """Holds the folder against a second writer, where the system can."""
        try:
            import fcntl
        except ImportError:
            return
        lock = open(self.folder / ".lock", "wb")                                                          # noqa: SIM115
        self._open.append(lock)
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise Refused(f"Another process is writing to {self.folder}.", "Let it end, or name another folder.") from None

    def _release(self) -> None:
        while self._open:
            try:
                self._open.pop().close()
            except OSError:                              # the rest of a line that did not fit: it is dropped when the set is gone on with
                pass

    @contextmanager
    def kept(self) -> Iterator[None]:
        """Around what touches the disk: its complaints in plain words, with what is kept."""
        try:
            yield
        except OSError as error:
            self._release()
            if error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG):
                raise TwinError(f"There is no more room on the disk: {self.done:,} faces are kept in {self.folder}.",
                                "Make room and start it again with the same words: it goes on from there.", code="disk-full") from error
            raise TwinError(f"{self.folder} can't be written ({error.strerror or error}); {self.done:,} faces are in it.",
                            "Name a folder that you may write to.", code="unwritable") from error


def done(folder: Path) -> int:
    """How many faces are whole in a set that may be half written; 0 where there is none. Raises Refused for a damaged manifest."""
    folder = Path(folder)
    if not (folder / "manifest.json").is_file():
        return 0
    _manifest(folder)
    return len(_whole_rows(folder)[0])


def write_set(folder: Path, faces: Iterable[Face], about: Manifest, *, start: int = 0, total: int | None = None, held: float = HELD,
              progress: Progress = lambda done, total: None) -> FaceSet:
    """Writes faces as they come, in their order, and opens the set. To go on with one, leave out what is there and say so:

        write_set(folder, painted(seeds[done(folder):]), about, start=done(folder))

    Of an iterable that begins earlier than the set ends, what is there already is passed over. Raises what Writer raises, and Refused for a gap.
    """
    with Writer(folder, about, held=held) as writer:
        if start > writer.done:
            raise Refused(f"The set in {folder} has {writer.done:,} faces; it can't go on with number {start:,}.", "Begin with the one after its last.")
        for k, face in enumerate(faces, start):
            if k >= writer.done:
                writer.add(face)
                progress(writer.done, total)
    return open_set(folder)


def _whole(path: Path, data: bytes) -> None:
    """Writes beside and renames: there is never half a file of that name. Raises OSError."""
    beside = path.with_name(path.name + ".part")
    try:
        with open(beside, "wb") as file:
            file.write(data)
        os.replace(beside, path)
    except OSError:
        beside.unlink(missing_ok=True)
        raise


def _file(k: int) -> str:
    return f"faces/{k // FOLDER:04d}/{k:06d}.webp"


def _whole_rows(folder: Path) -> tuple[list[tuple[int, str]], int]:
    """Where the lines of faces.jsonl end, bytes, and their parts, up to the first that is torn or whose picture is not there; and how many lines there are.
    Raises TwinError."""
    out: list[tuple[int, str]] = []
    end = count = 0
    try:
        with open(folder / "faces.jsonl", "rb") as lines:
            for count, line in enumerate(lines, 1):
                row = _row(line) if line.endswith(b"\n") and len(out) == count - 1 else None
                if row is not None and row["file"] == _file(count - 1) and _there(folder / row["file"]):
                    out.append((end := end + len(line), row["split"]))
    except FileNotFoundError:
        pass
    except OSError as error:
        raise TwinError(f"{folder} can't be read ({error.strerror}).", "Let the one who runs this read it.", code="unreadable") from error
    return out, count


def _there(path: Path) -> bool:
    try:
        return path.stat().st_size > 0
    except FileNotFoundError:
        return False


def _read(folder: Path, name: str, size: int) -> np.ndarray:
    """A picture of a set, uint8 [size, size, 3] RGB. Raises Refused for a file that is gone, damaged or of another size."""
    try:
        with Image.open(folder / name) as opened:
            if opened.size != (size, size):
                raise Refused(f"{name} in {folder} has {opened.size[0]} x {opened.size[1]} px; the manifest says {size}.", "Make the set anew.")
            return np.array(opened.convert("RGB"))
    except (OSError, ValueError, SyntaxError) as error:
        raise Refused(f"{name} of the data set in {folder} can't be read.", "Delete it and make the set again with the same words: it goes on from there.",
                      code="damaged") from error


def _plain(value: Any) -> Any:
    """numpy's numbers and arrays as Python's."""
    if isinstance(value, (np.generic, np.ndarray)):
        return value.tolist()
    raise TypeError(f"{type(value).__name__} can't be written to faces.jsonl")


def _row(line: bytes) -> dict[str, Any] | None:
    """A line of faces.jsonl without its points; None for one that is damaged or names a file elsewhere."""
    head, mark, _ = line.partition(b',"points":')
    try:
        try:
            row = json.loads(head + b"}" if mark else head)
        except ValueError:                               # points that are not last
            row = json.loads(line)
        return row if _NAME.fullmatch(row["file"]) and row["split"] in SPLITS else None
    except (ValueError, KeyError, TypeError):
        return None


def _manifest(folder: Path) -> Manifest:
    try:
        known = json.loads((folder / "manifest.json").read_bytes())
        if known["version"] != VERSION:
            raise Refused(f"The data set in {folder} is of version {known['version']}; this program reads version {VERSION}.", "Use the program that made it.")
        return Manifest(**{name: known[name] for name in Manifest.__dataclass_fields__ if name in known})
    except FileNotFoundError:
        raise Missing(f"There is no data set in {folder}: it has no manifest.json.",
                      "Make one: python -m twin.train.data FOLDER --out SET ...", code="no-set") from None
    except OSError as error:
        raise Missing(f"{folder} can't be read ({error.strerror}).", "Name the folder of a data set.") from error
    except (ValueError, KeyError, TypeError):
        raise Refused(f"manifest.json in {folder} is damaged.", "Make the set anew, or mend it.", code="damaged") from None


# reading ---------------------------------------------------------------------------------------------------------------------------------------

def open_set(folder: Path) -> FaceSet:
    """A data set, whole or half written. Raises Missing where there is none, Refused where it is damaged, empty, or of people who did not agree."""
    return FaceSet(Path(folder))


class FaceSet:
    """A set on the disk. Of its lines only file names, attributes and places in the file are held in memory."""

    def __init__(self, folder: Path):
        self.folder, self.about = folder, _manifest(folder).checked()
        self.files: dict[str, list[str]] = {split: [] for split in SPLITS}
        self._at: dict[str, list[int]] = {split: [] for split in SPLITS}
        vectors: dict[str, list[np.ndarray]] = {split: [] for split in SPLITS}
        digests = {split: hashlib.blake2b(json.dumps([self.about.made, self.about.size, self.about.settings], sort_keys=True).encode()) for split in SPLITS}
        try:
            with open(folder / "faces.jsonl", "rb") as lines:
                at = 0
                for number, line in enumerate(lines, 1):
                    if not line.endswith(b"\n"):         # torn when the writer was killed
                        break
                    row = _row(line)
                    if row is None:
                        raise Refused(f"Line {number} of faces.jsonl in {folder} is damaged.", "Make the set anew, or delete that line and all after it.",
                                      code="damaged")
                    split = row["split"]
                    self.files[split].append(row["file"])
                    self._at[split].append(at)
                    vectors[split].append(_vector(row, number))
                    digests[split].update(line)
                    at += len(line)
        except OSError as error:
            raise Missing(f"faces.jsonl of the data set in {folder} can't be read ({error.strerror}).", "Make the set anew.") from error
        if not len(self):
            raise Refused(f"The data set in {folder} has no faces.", "Go on with making it, or make it from other pictures.", code="empty")
        if len(widths := {len(one) for part in vectors.values() for one in part}) > 1:
            raise Refused(f"Some faces of {folder} have attributes and others have none, or other ones.", "Make the set anew.", code="damaged")
        self.width = widths.pop()                        # numbers in a vector of attributes; 0: the set has none
        self.attributes = {split: np.array(part, np.float32).reshape(len(part), self.width) for split, part in vectors.items()}
        self.digests = {split: one.hexdigest()[:32] for split, one in digests.items()}

    def __len__(self) -> int:
        return sum(map(len, self.files.values()))

    def row(self, split: str, i: int) -> dict[str, Any]:
        """The whole line of a face, its points (if any) among it."""
        with open(self.folder / "faces.jsonl", "rb") as lines:
            lines.seek(self._at[split][i])
            return json.loads(lines.readline())

    def captions(self, split: str, i: int) -> dict[str, list[str]]:
        with open(self.folder / "faces.jsonl", "rb") as lines:
            lines.seek(self._at[split][i])
            return (_row(lines.readline()) or {}).get("captions") or {}

    def picture(self, split: str, i: int) -> np.ndarray:
        """uint8 [size, size, 3] RGB. Raises Refused for a file that is gone or damaged."""
        return _read(self.folder, self.files[split][i], self.about.size)

    def portraits(self, split: str, size: int, cache: Path | None = None, *, languages: Sequence[str] = ("en", "zh"),
                  progress: Progress = lambda done, total: None) -> Portraits:
        """The part "train" or "held" as a map data set of `size` px, its pixels cached as pixels-SIZE-SPLIT.npy beside the set or in `cache`; made once,
        and again when the set has changed. Raises Refused for a part without faces or a size larger than the set's, TwinError for a full disk."""
        return Portraits(self, split, size, Path(cache or self.folder), tuple(languages), progress)


def _vector(row: dict[str, Any], number: int) -> np.ndarray:
    """float32 [D]: a look (attributes.py), or numbers as they are; [0] where there are none. Raises Refused."""
    known = row.get("attributes")
    try:
        if isinstance(known, dict):
            return looks.vector(known)
        return np.array(known if known is not None else [], np.float32).reshape(-1)
    except (KeyError, ValueError, TypeError) as error:
        raise Refused(f"The attributes in line {number} of faces.jsonl are not those that are known ({error}).", "Make the set anew.", code="damaged") from None


class Portraits:
    """One part of a set at one size, for torch's DataLoader: `[i]` is {"picture": uint8 [3, size, size], "attributes": float32 [D], "caption", "file"}.

    `pixels` is all of it, uint8 [n, 3, size, size], on the disk. A training caption is drawn anew each time among those of `languages`; a held one
    is the first.
    """

    def __init__(self, faces: FaceSet, split: str, size: int, cache: Path, languages: tuple[str, ...], progress: Progress):
        if split not in SPLITS:
            raise Refused(f"A data set has no part {split!r}.", "It has train and held.")
        if not faces.files[split]:
            raise Refused(f"The data set in {faces.folder} has too few faces: none is in the part {split}.", f"Make one of {FEW} or more.")
        if not 8 <= size <= faces.about.size:
            raise Refused(f"The pictures of {faces.folder} have {faces.about.size} px; {size} px can't be made of them.", f"Choose {faces.about.size} or less.")
        self.faces, self.split, self.size, self.languages = faces, split, size, languages
        self.files, self.attributes = faces.files[split], faces.attributes[split]
        self.path = cache / f"pixels-{size}-{split}.npy"
        self._map: np.ndarray | None = None
        if not self._fits():
            self._make(progress)

    @property
    def pixels(self) -> np.ndarray:
        if self._map is None:
            self._map = np.load(self.path, mmap_mode="r")
        return self._map

    def __len__(self) -> int:
        return len(self.files)

    def __getitem__(self, i: int) -> dict[str, torch.Tensor | str]:
        import torch
        if not -len(self) <= i < len(self):
            raise IndexError(i)
        said = [one for language, several in self.faces.captions(self.split, i).items() if language in self.languages for one in several]
        chosen = int(torch.randint(len(said), ())) if said and self.split == "train" else 0
        return {"picture": torch.from_numpy(np.array(self.pixels[i])), "attributes": torch.from_numpy(self.attributes[i].copy()),
                "caption": said[chosen] if said else "", "file": self.files[i]}

    def __getstate__(self) -> dict[str, Any]:
        return {**self.__dict__, "_map": None}           # a worker opens the file itself, rather than being sent its bytes

    def _fits(self) -> bool:
        try:
            return (self.path.with_suffix(".json").read_text() == self.faces.digests[self.split]
                    and self.pixels.shape == (len(self), 3, self.size, self.size))
        except (OSError, ValueError, EOFError):
            self._map = None
            return False

    def _make(self, progress: Progress) -> None:
        self._map = None
        beside = self.path.with_name(f".{self.path.name}.{os.getpid()}.part")
        need = len(self) * 3 * self.size**2
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            _room(self.path.parent, need)
            out = np.lib.format.open_memmap(beside, "w+", np.uint8, (len(self), 3, self.size, self.size))
            for i in range(len(self)):
                pixels = self.faces.picture(self.split, i)
                out[i] = (pixels if self.size == len(pixels) else cv2.resize(pixels, (self.size, self.size), interpolation=cv2.INTER_AREA)).transpose(2, 0, 1)
                if i % 500 == 0:
                    progress(i, len(self))
            out.flush()
            del out
            self.path.with_suffix(".json").unlink(missing_ok=True)
            os.replace(beside, self.path)
            _whole(self.path.with_suffix(".json"), self.faces.digests[self.split].encode())
        except OSError as error:
            raise TwinError(f"The cache {self.path.name} of {need / 2**20:,.0f} MB can't be written to {self.path.parent} ({error.strerror or error}).",
                            "Make room, or name another folder for the cache.", code="disk-full" if error.errno == errno.ENOSPC else "unwritable") from error
        finally:
            beside.unlink(missing_ok=True)


def _room(folder: Path, need: int) -> None:
    """Raises OSError (ENOSPC) where so many bytes do not fit: a mapped file that outgrows its disk would end the process instead."""
    stat = os.statvfs(folder) if hasattr(os, "statvfs") else None
    if stat is not None and stat.f_bavail * stat.f_frsize < need + 2**20:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


# from pictures ---------------------------------------------------------------------------------------------------------------------------------

def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m twin.train.data", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path, help="pictures, in sub-folders too")
    parser.add_argument("--out", type=Path, required=True, metavar="SET", help="the folder of the data set; one that was left half made is gone on with")
    parser.add_argument("--source", default="", help="whence the pictures come")
    parser.add_argument("--licence", default="", help="under which licence, or with whose leave, they are used")
    parser.add_argument("--people", action="store_true", help="they are photographs of people: a statement of consent is asked for")
    parser.add_argument("--drawn", action="store_true", help="they are drawn, painted or rendered: no photographs of people")
    parser.add_argument("--statement", default="", metavar="TEXT",
                        help="what the people agreed to: in words, in a text file, or `ours` for what is printed without it")
    parser.add_argument("--who", default="", metavar="NAME", help="who says that they agreed")
    parser.add_argument("--size", type=int, default=256, help="px of a side")
    parser.add_argument("--name", default="", help="what the set is called (without it: like its folder)")
    parser.add_argument("--look", type=int, default=0, metavar="N",
                        help="make no set: look at N of the pictures, and leave report.json and sheet.webp, some of their faces, in --out")
    parser.add_argument("--workers", type=int, default=max(1, min(8, (os.cpu_count() or 1) // 2)), help="processes that look at pictures, about 0.4 GB each")
    options = parser.parse_args(arguments)
    try:
        if options.look:
            report = preview(options.folder, options.out, options.size, options.look, workers=options.workers, progress=_teller())
        else:
            report = make(options.folder, options.out, _about(options), workers=options.workers, progress=_teller())
    except TwinError as error:
        print(f"{error.message}\n{error.hint}".strip(), file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        for child in multiprocessing.active_children():  # after Ctrl-C twice Python would wait for them for ever
            child.terminate()
        print(f"\nStopped. {done(options.out):,} faces are kept; the same words go on from there.", file=sys.stderr)
        return 130
    print(report["sentence"])
    for one in report["refused"].values():
        print(f"  {one['count']:,} refused: {one['why']} ({', '.join(one['files'])}{', ...' if one['more'] else ''})")
    return 0


def make(folder: Path, out: Path, about: Manifest, *, workers: int = 1, progress: Progress = lambda done, total: None) -> dict[str, Any]:
    """A data set of all the pictures in a folder and those below it; what sift.gather tells of it, also in report.json. Raises Missing, Refused, TwinError."""
    about = replace(about.checked(), settings={**about.settings, "from": "pictures", "least": sift.LEAST, "turned": sift.TURNED})
    files = sift.listed(folder, out)
    with Writer(out, about) as writer:
        report = sift.gather(writer, folder, files, split_of, workers=workers, progress=progress)
        if report["used"] < FEW:
            report["sentence"] += f" That is too few to train on: with fewer than {FEW} a network learns the pictures by heart."
        with writer.kept():
            _whole(out / "report.json", json.dumps(report, ensure_ascii=False, indent=2).encode("utf-8", "replace"))
    if not report["used"]:
        most = max(report["refused"].values(), key=lambda one: one["count"])
        raise Refused(f"No face could be used. {report['sentence']}", f"The usual reason here: {most['why']} ({most['files'][0]}, for one).", code="no-faces")
    return report


def preview(folder: Path, out: Path, size: int = 256, most: int = 120, *, workers: int = 1,
            progress: Progress = lambda done, total: None) -> dict[str, Any]:
    """What a set of these pictures would be like, told by at most `most` of them, taken evenly: the report of make(), with "of", how many pictures there are,
    and "grey", how many of the faces have no colours. In `out`: report.json, and sheet.webp, 24 of the faces. Raises as make() does, but for no face."""
    files = sift.listed(folder, out)
    some = [files[k * len(files) // min(most, len(files))] for k in range(min(most, len(files)))]
    out.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=".look-", dir=out) as held, \
            Writer(Path(held), Manifest("look", "drawn", "looked at, not kept", "none", size)) as writer:
        report = sift.gather(writer, folder, some, split_of, workers=workers, progress=progress)
        shown: list[np.ndarray] = []
        grey = 0
        for picture, _ in writer.pictures():
            grey += int((picture.max(2).astype(int) - picture.min(2)).mean() < GREY)
            if len(shown) < SHOWN:
                shown.append(cv2.resize(picture, (TILE, TILE), interpolation=cv2.INTER_AREA))
    report |= {"of": len(files), "looked": len(some), "grey": grey, "size": size}
    (out / "sheet.webp").unlink(missing_ok=True)
    if shown:
        across = min(ACROSS, len(shown))
        shown += [np.full((TILE, TILE, 3), 255, np.uint8)] * (-len(shown) % across)
        rows = [np.concatenate(shown[k:k + across], 1) for k in range(0, len(shown), across)]
        data = io.BytesIO()
        Image.fromarray(np.concatenate(rows)).save(data, "WEBP", quality=88)
        _whole(out / "sheet.webp", data.getvalue())
    _whole(out / "report.json", json.dumps(report, ensure_ascii=False, indent=2).encode("utf-8", "replace"))
    return report


def _about(options: argparse.Namespace) -> Manifest:
    """What the command line says of the set. Raises Refused, also where it does not say whether these are people."""
    if options.people == options.drawn:
        raise Refused("Are these photographs of people, or not? A data set has to say which, for people have to agree.",
                      "Give --people --statement ... for photographs of people, or --drawn for pictures that are none.", code="kind")
    said = options.statement.strip()
    if options.drawn and said:
        raise Refused("--drawn says that these are no photographs of people, yet there is a statement of consent.",
                      "Say --people instead of --drawn, or leave the statement out.")
    if said and said != "ours":
        try:
            file = Path(said)
            said = file.read_text(encoding="utf-8").strip() if len(said.encode()) < 250 and file.is_file() else said
        except (OSError, ValueError) as error:
            raise Refused(f"The statement in {said} can't be read.", "Save it as plain text (UTF-8).") from error
        if not 40 <= len(said) <= 20_000:
            raise Refused(f"A statement of {len(said):,} characters is none.", f"It says in a sentence or more what they agreed to:\n  {STATEMENT}\n"
                          "--statement ours takes this one.", code="consent")
    who = " ".join(options.who.split())[:200]
    if said and not who:
        raise Refused("The consent needs a name: who agrees, or has the leave of those who do?", 'Say it: --who "Your name"', code="consent-who")
    statement = f"{STATEMENT if said == 'ours' else said}\nSigned: {who}" if said else ""
    return Manifest(options.name or options.out.resolve().name, "people" if options.people else "drawn", options.source.strip(), options.licence.strip(),
                    options.size, statement).checked()


def _teller(every: float = 5.0) -> Progress:
    """Says on the error channel how far it is, not more often than `every` s."""
    began, first, last = time.monotonic(), -1, time.monotonic()

    def tell(count: int, total: int | None) -> None:
        nonlocal first, last
        now = time.monotonic()
        if first < 0:
            first = count - 1
        if total and (now - last > every or count == total):
            last, each = now, (now - began) / max(1, count - first)
            left = each * (total - count)
            print(f"{count:,} of {total:,} pictures, {1000 * each:.0f} ms each, {left / 60:.0f} min left", file=sys.stderr, flush=True)
    return tell


if __name__ == "__main__":
    raise SystemExit(main())
