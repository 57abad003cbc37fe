"""Which faces of a picture can be learned from: found, aligned as FFHQ aligns, judged, and told from those that are there already.

    look(data, size) -> Looked                      one picture's faces, cropped and judged
    Likeness().find(mark(picture))                  whether nearly this picture was seen before
    gather(writer, folder, files, split_of)         a whole folder's faces into a set; it can be killed and gone on with

Who is in a picture is not known here: two different photographs of one person are two faces.
"""
from __future__ import annotations

import hashlib
import io
import json
import os
import signal
import stat
import threading
import time
from collections import Counter, deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass, field
from functools import cache
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from twin.errors import Missing, Refused, TwinError
from twin.paint import picture as pictures
from twin.paint.faces import Found, faces, warm
from twin.paint.quiet import quiet
from twin.paint.report import report, turn_of
from twin.paint.topology import LEFT, OVAL, RIGHT

FRAME = 1.35                             # of the side of FFHQ's square: hair and shoulders stay in
LEAST = 0.6                              # of the size asked for: a face with fewer px than that would be made of enlarged ones
TURNED = 35.0                            # degrees
INVENTED = 0.5                           # the share of a picture that may lie outside the one it is cut from
SURE = 0.75                              # the detector's score of a crop: 0.83 and more for every face tried, photographed or painted; 0.63 for spots of light
DARK, BRIGHT = 40.0, 0.25                # median lightness 0..255 of a face; the share of it that is plain white. Low enough for dark skin in plain light
QUICK, WORK = 0.4, 640                   # of the shorter side: so wide a face makes a portrait, and one look at so many px is enough
SAME, KIN = (8, 0.96), (10, 0.945)        # bits of 64, correlation: the same picture once more; another one of the same moment
LEDGER, NAMED = "looked.jsonl", 5        # of the set; how many file names the report gives for a reason
SUFFIXES = {".png", ".jpg", ".jpeg", ".jpe", ".webp", ".bmp", ".tif", ".tiff", ".gif", ".avif", ".heic", ".heif"}

REASONS = {
    "unreadable": "the file could not be opened",
    "damaged": "the file is damaged, or no picture that can be read",
    "heic": "HEIC, which needs pip install pillow-heif",
    "large": "the picture has too many bytes or pixels",
    "tiny": "the picture has fewer than 64 px on a side, or is a strip",
    "copy": "the same file once more",
    "no-face": "no face was found",
    "small": "the face has too few pixels for this size",
    "turned": "the head is turned too far away",
    "cut": "the picture ends too near to the face",
    "blurred": "the face is blurred",
    "dark": "the face is too dark",
    "bright": "the face is overexposed",
    "covered": "sunglasses hide the eyes",
    "unsure": "eyes, nose and mouth were not found again in the crop",
    "alike": "nearly the same picture is there already",
    "between": "it resembles pictures of both the trained and the held part",
}
_CODES = {"too-large": "large", "too-small": "tiny", "strip": "tiny", "heic": "heic"}      # of picture.read's Refused; all others: damaged


@dataclass(frozen=True)
class Face:
    """One portrait: uint8 [size, size, 3] RGB, and what is known of it. `points`: [478, 3] px of that picture."""
    picture: np.ndarray
    seed: int | None = None
    attributes: Mapping[str, Any] | None = None
    captions: Mapping[str, Sequence[str]] | None = None
    points: np.ndarray | None = None


@dataclass
class Looked:
    """What one picture held: its SHA-256, the faces found, those worth keeping, and why the others (or the picture) are not."""
    sha: str
    found: int = 0
    kept: list[Face] = field(default_factory=list)
    refused: list[str] = field(default_factory=list)     # keys of REASONS


def look(data: bytes, size: int) -> Looked:
    """The faces of a picture file as squares of `size` px. Raises Missing without MediaPipe; whatever is wrong with the picture is told in the answer."""
    out = Looked(hashlib.sha256(data).hexdigest())
    try:
        picture = pictures.read(_jpeg(data))
    except Refused as error:
        out.refused.append(_CODES.get(error.code, "damaged"))
        return out
    found = _found(picture)
    out.found = len(found)
    if not found:
        out.refused.append("no-face")
    for one in found:
        reason, crop, points = _judged(picture, one, size)
        if reason:
            out.refused.append(reason)
        else:
            out.kept.append(Face(crop, points=points))
    return out


def aligned(pixels: np.ndarray, points: np.ndarray, size: int, frame: float = FRAME) -> tuple[np.ndarray, np.ndarray, float]:
    """FFHQ's oriented square around a face (Karras et al. 2018, arxiv.org/abs/1812.04948, appendix C), its side times `frame`.

    Picture uint8 [h, w, 3] and points [478, 3] px -> uint8 [size, size, 3], the points in it, and the share 0..1 that lies outside the picture:
    there it is mirrored, and the farther out the more it is blurred and drawn to the picture's median colour.
    """
    centre, x = _square(points, frame)
    side, y = 2 * float(np.hypot(*x)), np.array([-x[1], x[0]])
    corners = centre + np.array([-x - y, x - y, x + y, y - x])
    border = 3 + 0.02 * side
    low, high = np.floor(corners.min(0) - border).astype(int), np.ceil(corners.max(0) + border).astype(int)
    room = np.array(pixels.shape[1::-1])
    inner, outer = np.clip(low, 0, room - 1), np.clip(high, 1, room)
    part = pixels[inner[1]:max(outer[1], inner[1] + 1), inner[0]:max(outer[0], inner[0] + 1)]
    shrink = min(1.0, 2 * size / side)                                      # twice as large as needed: what is left is taken by area below
    if shrink < 0.7:
        part = cv2.resize(part, None, fx=shrink, fy=shrink, interpolation=cv2.INTER_AREA)
    else:
        shrink = 1.0
    left, top, right, bottom = (max(0, round(float(v) * shrink)) for v in (*(inner - low), *(high - outer)))
    if left or top or right or bottom:
        part = _padded(part, (left, top, right, bottom), side * shrink)
    k = 2 * size / (side * shrink)
    turn = np.stack([x, y]) * (2 / side)                                    # rows: along the eyes, down the face
    origin = (centre - inner) * shrink + [left, top]
    matrix = np.column_stack([k * turn, size - k * turn @ origin])
    double = cv2.warpAffine(part, matrix, (2 * size, 2 * size), flags=cv2.INTER_CUBIC if k > 1 else cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    scale = size / side
    flat = (points[:, :2] - centre) @ turn.T * scale + size / 2
    grid = np.stack(np.meshgrid(*[np.linspace(-1, 1, 33)] * 2), -1).reshape(-1, 2) @ np.stack([x, y]) + centre
    invented = float(np.mean(((grid < 0) | (grid > room)).any(1)))
    return cv2.resize(double, (size, size), interpolation=cv2.INTER_AREA), np.column_stack([flat, points[:, 2] * scale]).astype(np.float32), invented


def _square(points: np.ndarray, frame: float) -> tuple[np.ndarray, np.ndarray]:
    """The centre of FFHQ's square and the vector from it to the middle of its right side, px."""
    right, left = (points[[*side.upper, *side.lower], :2].astype(float).mean(0) for side in (RIGHT, LEFT))
    middle = (right + left) / 2
    across, down = left - right, (points[61, :2] + points[291, :2]) / 2 - middle
    way = across + [down[1], -down[0]]                                      # the line of the eyes, and what is square to eyes-to-mouth
    way = way / max(float(np.hypot(*way)), 1e-6)
    return middle + 0.1 * down, way * frame * max(2.0 * float(np.hypot(*across)), 1.8 * float(np.hypot(*down)), 1.0)


def _padded(part: np.ndarray, pads: tuple[int, int, int, int], side: float) -> np.ndarray:
    """The picture carried on by mirroring; blurred from a little inside its border on, and fading to its median colour within 0.4 of the side."""
    left, top, right, bottom = pads
    wide = cv2.copyMakeBorder(part, top, bottom, left, right, cv2.BORDER_REFLECT_101)
    h, w = wide.shape[:2]
    beyond = np.maximum(_outside(h, top, bottom)[:, None], _outside(w, left, right)[None])[..., None]
    soft = cv2.GaussianBlur(wide, (0, 0), max(0.02 * side, 0.5)).astype(np.float32)
    mixed = wide + (soft - wide) * np.clip(1 + beyond / (0.04 * side), 0, 1)
    mixed += (np.median(part, axis=(0, 1)) - mixed) * np.clip(beyond / (0.4 * side), 0, 1)
    return mixed.round().clip(0, 255).astype(np.uint8)


def _outside(n: int, before: int, after: int) -> np.ndarray:
    """How far each of n px is beyond what was there before padding, float32 px; negative within."""
    x = np.arange(n, dtype=np.float32)
    return np.maximum(before - x if before else -np.float32(1e6), x - (n - 1 - after) if after else np.full(n, -1e6, np.float32))


# finding and judging -----------------------------------------------------------------------------------------------------------------------

@cache
def _mesh() -> Any:
    """MediaPipe's face mesh, made once: to make it takes longer than to use it. Raises Missing."""
    warm()
    import mediapipe
    with quiet():
        mesh = mediapipe.solutions.face_mesh.FaceMesh(static_image_mode=True, refine_landmarks=True, max_num_faces=8, min_detection_confidence=0.5)
        mesh.process(np.zeros((64, 64, 3), np.uint8))                       # it makes its remarks when it has first worked
    return mesh


def _meshes(pixels: np.ndarray) -> list[np.ndarray]:
    """Points float32 [478, 3] px of the faces of RGB uint8 [h, w, 3], as one quick look sees them, the widest first."""
    h, w = pixels.shape[:2]
    with quiet():
        seen = _mesh().process(np.ascontiguousarray(pixels)).multi_face_landmarks or ()
    out = [np.array([[p.x * w, p.y * h, p.z * w] for p in one.landmark], np.float32) for one in seen]
    return sorted(out, key=lambda points: -float(np.ptp(points[:, 0])))


@cache
def _detector() -> Any:
    warm()
    import mediapipe
    return mediapipe.solutions.face_detection.FaceDetection(model_selection=0)


def _sure(crop: np.ndarray) -> bool:
    """Whether the detector, too, sees a face in the middle of a crop: the mesh alone lays itself over the blurred lights of a background."""
    with quiet():
        seen = _detector().process(crop).detections or ()
    boxes = [one.location_data.relative_bounding_box for one in seen if one.score[0] >= SURE]      # what it is told of a threshold it passes over
    return any(abs(box.xmin + box.width / 2 - 0.5) < 0.15 and abs(box.ymin + box.height / 2 - 0.53) < 0.2 for box in boxes)


def _found(picture: pictures.Picture) -> list[Found]:
    """Faces with points. A portrait is looked at once; only where that shows none, or a small one, everything is searched (some 30 times as slow)."""
    small = pictures.fitted(picture.pixels, WORK)
    scale = picture.size[0] / small.shape[1]
    quick = [points * scale for points in _meshes(small)]
    if quick and 2 * np.hypot(*_square(quick[0], 1.0)[1]) > QUICK * min(picture.size):
        return [Found((*points[:, :2].min(0), *np.ptp(points[:, :2], axis=0)), points, 1.0) for points in quick]
    return [one for one in faces(picture) if one.points is not None]


def _judged(picture: pictures.Picture, found: Found, size: int) -> tuple[str, np.ndarray, np.ndarray]:
    """("" or why not, the crop, the points in it). What covers a chin is not judged: a check that is cheap takes beards for masks."""
    points, none = found.points, np.zeros(0)
    assert points is not None
    if 2 * np.hypot(*_square(points, FRAME)[1]) < LEAST * size:
        return "small", none, none
    yaw, pitch = turn_of(points.astype(float))
    if max(abs(yaw), 0.9 * abs(pitch)) > TURNED:
        return "turned", none, none
    crop, within, invented = aligned(picture.pixels, points, size)
    oval, inside = points[list(OVAL), :2], within[list(OVAL), :2].round().astype(np.int32)
    if invented > INVENTED or ((oval < -0.02 * found.box[2]) | (oval > np.array(picture.size) + 0.02 * found.box[2])).any(1).mean() > 0.1:
        return "cut", none, none
    face = cv2.cvtColor(crop, cv2.COLOR_RGB2LAB)[..., 0][cv2.fillPoly(np.zeros((size, size), np.uint8), [inside], 1) > 0]
    if not len(face) or np.median(face) < DARK:
        return "dark", none, none
    if (face > 250).mean() > BRIGHT:
        return "bright", none, none
    bad = {remark.code for remark in report(picture, found) if remark.level == "bad"}
    if "sharpness" in bad:
        return "blurred", none, none
    if "glasses" in bad:
        return "covered", none, none
    again = [seen for seen in _meshes(crop) if np.linalg.norm(seen[:, :2] - within[:, :2], axis=1).mean() < 0.06 * size]
    if not again or not _sure(crop):
        return "unsure", none, none
    return "", crop, again[0]


def _jpeg(data: bytes) -> bytes:
    """A HEIC picture as a JPEG where pillow-heif is installed; anything else as it is. Raises Refused."""
    if data[4:8] != b"ftyp" or not any(data[k:k + 4] in pictures.HEIF for k in (8, *range(16, 32, 4))) or b"avif" in data[:32]:
        return data
    try:
        import pillow_heif
    except ImportError:
        return data                                                         # picture.read says what it is
    try:
        heif = pillow_heif.open_heif(data, convert_hdr_to_8bit=True)
        if len(data) > pictures.MOST_BYTES or heif.size[0] * heif.size[1] > pictures.MOST_PIXELS:
            raise Refused("The picture has too many pixels.", code="too-large")
        out = io.BytesIO()
        heif.to_pillow().convert("RGB").save(out, "JPEG", quality=97, icc_profile=heif.info.get("icc_profile"))
    except (OSError, ValueError, SyntaxError, RuntimeError, EOFError):      # what its decoder raises on damaged files
        raise Refused("The picture file is damaged.", code="damaged") from None
    return out.getvalue()


# what was seen before ------------------------------------------------------------------------------------------------------------------------

@dataclass(frozen=True)
class Mark:
    """What a face is recognised by: a 64 bit hash of it and of its mirror picture, and 16 x 16 px of both, float32 [768], their mean 0 and norm 1."""
    hashes: tuple[int, int]
    thumbs: np.ndarray


def mark(picture: np.ndarray) -> Mark:
    """Of an aligned picture uint8 [s, s, 3]: of the middle that FFHQ's own square shows, for the edges differ from crop to crop."""
    size = picture.shape[0]
    edge = round(size * (1 - 1 / FRAME) / 2)
    middle = picture[edge:size - edge, edge:size - edge]
    small = cv2.resize(middle, (32, 32), interpolation=cv2.INTER_AREA)
    thumb = cv2.resize(small, (16, 16), interpolation=cv2.INTER_AREA).astype(np.float32)
    thumb -= thumb.mean((0, 1))                                             # brightness and white balance are no difference
    thumb /= max(float(np.linalg.norm(thumb)), 1e-6)
    return Mark((_hash(small), _hash(small[:, ::-1])), np.stack([thumb.ravel(), thumb[:, ::-1].ravel()]))


def _hash(small: np.ndarray) -> int:
    """Which of the 64 lowest coefficients of the cosine transform are above their median ("pHash": Zauner 2010, phash.org)."""
    low = cv2.dct(cv2.cvtColor(np.ascontiguousarray(small), cv2.COLOR_RGB2GRAY).astype(np.float32))[:8, :8].ravel()
    return int.from_bytes(np.packbits(low > np.median(low[1:])).tobytes(), "big")


class Likeness:
    """The marks of all faces taken so far. One more is compared with 50,000 in about a millisecond."""

    def __init__(self) -> None:
        self._n = 0
        self._hashes, self._thumbs, self._held = np.zeros(1024, np.uint64), np.zeros((1024, 768), np.int8), np.zeros(1024, bool)

    def __len__(self) -> int:
        return self._n

    def add(self, one: Mark, split: str) -> None:
        if self._n == len(self._hashes):
            self._hashes, self._thumbs, self._held = (np.concatenate([old, np.zeros_like(old)]) for old in (self._hashes, self._thumbs, self._held))
        self._hashes[self._n], self._held[self._n] = one.hashes[0], split == "held"
        self._thumbs[self._n] = np.clip(one.thumbs[0] * 508, -127, 127).round()
        self._n += 1

    def find(self, one: Mark) -> tuple[bool, set[str]]:
        """(whether this picture is there already, it or its mirror picture; which parts, "train" or "held", have one much like it)."""
        same, parts = False, set()
        for own, thumb in zip(one.hashes, one.thumbs, strict=True):
            far = np.bitwise_count(self._hashes[:self._n] ^ np.uint64(own))
            near = np.flatnonzero(far <= KIN[0])
            if not len(near):
                continue
            alike = _alike(self._thumbs[near].astype(np.float32).reshape(-1, 256, 3), thumb.reshape(1, 256, 3))
            same |= bool(((far[near] <= SAME[0]) & (alike >= SAME[1])).any())
            parts |= {"held" if held else "train" for held in self._held[near[alike >= KIN[1]]]}
        return same, parts


def _alike(some: np.ndarray, one: np.ndarray) -> np.ndarray:
    """Correlation float [n] of thumbs float32 [n, 256, 3] with one, [1, 256, 3]; without the colours where either has none, for a grey copy is a copy."""
    light = np.array([0.299, 0.587, 0.114], np.float32)
    grey, own = some @ light, one @ light
    plain = np.abs(some - grey[..., None]).sum((1, 2)) < 0.05 * np.abs(some).sum((1, 2))
    plain |= np.abs(one - own[..., None]).sum() < 0.05 * np.abs(one).sum()

    def angle(a: np.ndarray, b: np.ndarray) -> np.ndarray:
        return (a * b).reshape(len(a), -1).sum(1) / np.maximum(np.linalg.norm(a.reshape(len(a), -1), axis=1) * np.linalg.norm(b), 1e-6)
    return np.where(plain, angle(grey, own), angle(some, one))


# a folder of pictures ------------------------------------------------------------------------------------------------------------------------

def listed(folder: Path, out: Path | None = None) -> list[str]:
    """The pictures of a folder and those below it, by their ending, as sorted paths relative to it; nothing hidden, and nothing of `out`. Raises Missing or
    Refused where there is none."""
    folder, own = Path(folder), None if out is None else Path(out).resolve()
    if not folder.exists():
        raise Missing(f"There is no folder {folder}.", "Name the folder that holds the pictures.", code="no-folder")
    if not folder.is_dir():
        raise Refused(f"{folder} is a file, not a folder.", "Name the folder that holds the pictures.", code="no-folder")
    files: list[str] = []
    for here, below, names in os.walk(folder, onerror=_closed(folder)):
        below[:] = sorted(name for name in below if not name.startswith(".") and (Path(here) / name).resolve() != own)
        files += [(Path(here) / name).relative_to(folder).as_posix() for name in names if not name.startswith(".") and Path(name).suffix.lower() in SUFFIXES]
    if not files:
        raise Refused(f"There are no pictures in {folder}.", f"These endings are looked for: {', '.join(sorted(SUFFIXES))}.", code="empty")
    return sorted(files)


def _closed(folder: Path) -> Callable[[OSError], None]:
    def tell(error: OSError) -> None:
        raise Refused(f"{error.filename} can't be opened ({error.strerror}).", f"Let the one who runs this read it, or move it out of {folder}.",
                      code="unreadable") from error
    return tell


def gather(writer: Any, folder: Path, files: Sequence[str], split_of: Callable[[str, float], str], *, workers: int = 1,
           progress: Callable[[int, int | None], None] = lambda done, total: None) -> dict[str, Any]:
    """Adds the faces of the pictures to a data.Writer, in their order, and tells {"pictures", "found", "used", "held", "refused", "sentence"}.

    looked.jsonl in the set has a line a picture, written after its faces: of what was killed, the picture in hand is looked at again. It holds the
    pictures' names, and is needed only to go on. `progress(done, total)` counts pictures. Raises Missing, Refused, TwinError.
    """
    rows = _resumed(writer)                                                 # of pictures
    known = {(row["file"], row["bytes"]) for row in rows}
    seen, likeness, told = {row["sha"] for row in rows} - {""}, Likeness(), _Told()
    for row in rows:
        told.add(row)
    for picture, split in writer.pictures():
        likeness.add(mark(picture), split)
    left = [(name, size) for name, size in ((name, _bytes(folder / name)) for name in files) if (name, size) not in known]
    done, total = len(files) - len(left), len(files)
    _mesh()                                                                 # says at once what is missing
    ledger = writer.opened(LEDGER)
    for (name, size), looked in _looks(folder, left, writer.about.size, workers):
        used, refused = 0, Counter(looked.refused)
        if looked.sha in seen:
            refused, looked.found, looked.kept = Counter(["copy"]), 0, []
        for face, split in _parted(looked, likeness, split_of, writer.held):
            if split in REASONS:
                refused[split] += 1
            else:
                writer.add(face, split)
                used += 1
        if looked.sha:
            seen.add(looked.sha)
        row = {"file": name, "bytes": size, "sha": looked.sha, "found": looked.found, "used": used, "refused": dict(refused), "lines": writer.done}
        with writer.kept():
            ledger.write(json.dumps(row).encode() + b"\n")
            ledger.flush()
        told.add(row)
        done += 1
        progress(done, total)
    return told.report(writer)


def _parted(looked: Looked, likeness: Likeness, split_of: Callable[[str, float], str], held: float) -> Iterator[tuple[Face, str]]:
    """Each face with the part it belongs to, or with the reason why it belongs to none. All of one picture belong to one part: that
    of its content, or of the pictures much like it."""
    marks = [mark(face.picture) for face in looked.kept]
    seen = [likeness.find(one) for one in marks]
    kin = set().union(*(parts for same, parts in seen if not same))
    own = split_of(looked.sha, held)
    split = own if own in kin or not kin else kin.pop()
    for face, one, (same, parts) in zip(looked.kept, marks, seen, strict=True):
        if same or likeness.find(one)[0]:                                   # the second time: two faces of this very picture
            yield face, "alike"
        elif parts - {split}:
            yield face, "between"
        else:
            likeness.add(one, split)
            yield face, split


def _looks(folder: Path, files: list[tuple[str, int]], size: int, workers: int) -> Iterator[tuple[tuple[str, int], Looked]]:
    """Every picture looked at, in order; with several processes a few ahead, so that memory stays bounded. Raises TwinError when one of them dies."""
    if workers <= 1 or len(files) < 16:
        for one in files:
            yield one, _look_at(folder / one[0], one[1], size)
        return
    ahead: deque[tuple[tuple[str, int], Future[Looked]]] = deque()
    with ProcessPoolExecutor(workers, mp_context=get_context("spawn"), initializer=_worker, initargs=(os.getpid(),)) as pool:
        try:
            for one in files:
                ahead.append((one, pool.submit(_look_at, folder / one[0], one[1], size)))
                if len(ahead) >= 4 * workers:
                    name, future = ahead.popleft()
                    yield name, future.result()
            while ahead:
                name, future = ahead.popleft()
                yield name, future.result()
        except BrokenProcessPool:
            raise TwinError(f"A process that looked at pictures was killed, at {name[0]} or one soon after it: short of memory, or a picture its decoder "
                            "can't bear.", "Start it again with the same words: it goes on. --workers 1 shows which picture it is.") from None
        finally:
            pool.shutdown(wait=False, cancel_futures=True)


def _worker(parent: int) -> None:
    """One thread beside the others; Ctrl-C is its parent's to answer; and it ends when that was killed, rather than wait for work for ever."""
    def watch() -> None:
        while os.getppid() == parent:
            time.sleep(1.0)
        os._exit(1)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    cv2.setNumThreads(1)
    threading.Thread(target=watch, daemon=True).start()


def _look_at(path: Path, size: int, side: int) -> Looked:
    """A file of so many bytes (-1: it can't be asked)."""
    if size > pictures.MOST_BYTES:
        return Looked("", refused=["large"])
    try:
        data = path.read_bytes() if size >= 0 else None
    except OSError:
        data = None
    return Looked("", refused=["unreadable"]) if data is None else look(data, side)


def _bytes(path: Path) -> int:
    """How long a file is; -1 for what is no plain file."""
    try:
        known = path.stat()
    except OSError:
        return -1
    return known.st_size if stat.S_ISREG(known.st_mode) else -1


def _resumed(writer: Any) -> list[dict[str, Any]]:
    """The lines of looked.jsonl whose faces are all in the set; what is beyond them is taken off both. Raises Refused where it is lost."""
    rows: list[dict[str, Any]] = []
    end = 0
    path = writer.folder / LEDGER
    if path.is_file():
        with open(path, "rb") as lines:
            for line in lines:
                try:
                    row = json.loads(line)
                except ValueError:
                    break
                if not line.endswith(b"\n") or row["lines"] > writer.done:
                    break
                rows.append(row)
                end += len(line)
        os.truncate(path, end)
    elif writer.done:
        raise Refused(f"{LEDGER} is gone from {writer.folder}: without it nobody knows which pictures were looked at.", "Make the set anew, in another folder.")
    writer.cut(rows[-1]["lines"] if rows else 0)
    return rows


class _Told:
    """Counts what happened to the pictures, with a few names for each reason."""

    def __init__(self) -> None:
        self.pictures, self.found, self.used, self.why, self.files = 0, 0, 0, Counter[str](), dict[str, list[str]]()

    def add(self, row: dict[str, Any]) -> None:
        self.pictures, self.found, self.used = self.pictures + 1, self.found + row["found"], self.used + row["used"]
        for reason, count in row["refused"].items():
            self.why[reason] += count
            if len(names := self.files.setdefault(reason, [])) < NAMED:
                names.append(row["file"].encode("utf-8", "replace").decode())

    def report(self, writer: Any) -> dict[str, Any]:
        held = writer.parts()["held"]
        refused = {reason: {"count": count, "why": REASONS[reason], "files": self.files[reason], "more": count > len(self.files[reason])}
                   for reason, count in self.why.most_common()}
        sentence = f"In {self.pictures:,} pictures {self.found:,} faces were found and {self.used:,} are used, {held:,} of them held back from training."
        return {"pictures": self.pictures, "found": self.found, "used": self.used, "held": held, "refused": refused, "sentence": sentence}
