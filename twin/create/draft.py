"""A draft: what one user has given for a twin so far. Kept on disk, so that a reload or going back loses nothing; one per user.

    DATA/drafts/<owner>/   draft.json, photo, found.npz, preview.jpg, face-<k>.jpg, clip-<k>.wav, card.json, voice.safetensors, voice.json

Every file of it is sealed under a key that comes of its user's token (users.py), and on a shared server of the server's key as well: a disk alone
opens none. A new photo or recording takes the consent back: it was given over others. A face that was invented (inventing.py) is nobody's: then consent
is a matter of the voice alone, and where that is a ready one, of nobody.
"""
from __future__ import annotations

import base64
import hmac
import json
import re
import shutil
import threading
import weakref
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np

from ..errors import Missing, Refused, TwinError
from ..mask import masked
from ..store import Shelf
from ..store.places import replace
from ..store.seal import seal, unseal
from ..trust import NOBODY, PURPOSES, agreed, consent, digest
from . import parts, proof
from .inventing import Inventor, engine_label
from .training import Training

MOST_CLIPS = 40
SENTENCES = 12
INVENTED = "invented face"                               # what such a picture is called among the samples
SLIDERS = {"pitch": (-12.0, 12.0), "warmth": (-1.0, 1.0), "pace": (0.5, 2.0), "age": (-1.0, 1.0)}
_CLIP = re.compile(r"[0-9]{1,2}|file")
Json = dict[str, Any]


class Drafts:
    """The drafts of all users. One user's requests take turns."""

    def __init__(self, shelf: Shelf, training: Training | None = None, root: Path | None = None,
                 embed: Callable[[list[str]], Any] | None = None):
        self.shelf, self.root = shelf, root or shelf.data / "drafts"
        self.training = training or Training(shelf)
        self.inventor = Inventor(embed)
        self._locks: weakref.WeakValueDictionary[str, Any] = weakref.WeakValueDictionary()           # only while somebody holds one
        self._seen: dict[str, tuple[str, Any]] = {}      # owner -> (SHA-256 of the photo, the picture as it was read)
        self._guard = threading.Lock()

    @contextmanager
    def of(self, owner: str, key: bytes = b"") -> Iterator[Draft]:
        """This user's draft, for this request alone; `key` is User.key. Raises Refused where nobody may leave one."""
        self.shelf.admit()
        with self._guard:
            lock = self._locks.get(owner) or threading.RLock()
            self._locks[owner] = lock
        with lock:
            yield Draft(self, owner, key)

    def picture(self, owner: str, data: bytes) -> Any:
        """The photo as paint reads it; the last few are remembered."""
        name = digest(data)
        known = self._seen.get(owner)
        if known is None or known[0] != name:
            known = (name, parts.photo().read(data))
            with self._guard:
                self._seen.pop(owner, None)
                self._seen[owner] = known
                while len(self._seen) > 2:
                    self._seen.pop(next(iter(self._seen)))
        return known[1]

    def forget(self, owner: str) -> None:
        with self._guard:
            self._seen.pop(owner, None)

    def close(self) -> None:
        self.training.close()


class Draft:
    """`state` is what draft.json holds; every change is kept before its method returns. `told()` is what the page sees."""

    def __init__(self, drafts: Drafts, owner: str, key: bytes = b""):
        self.drafts, self.owner = drafts, owner
        self.key = hmac.digest(drafts.shelf.seals, key, "sha256") if drafts.shelf.seals else key
        drafts.shelf._folder(owner)                      # raises ValueError for what is no owner
        self.folder = drafts.root / owner
        self.state: Json = {"version": 1, "photo": None, "clips": [], "ready": None, "persona": {}, "consent": None, "invented": None}
        with suppress(OSError, ValueError, TypeError, Refused):
            kept = json.loads(self.read("draft.json"))
            if kept["version"] == 1:
                self.state |= kept

    @property
    def there(self) -> bool:
        return (self.folder / "draft.json").is_file()

    # files ----------------------------------------------------------------------------------------------------------------------------

    def read(self, name: str) -> bytes:
        data = (self.folder / name).read_bytes()
        return unseal(self.key, data, name) if self.key else data

    def write(self, name: str, data: bytes) -> None:
        try:
            self.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
            replace(self.folder / name, seal(self.key, data, name) if self.key else data)
        except OSError as error:
            raise TwinError(f"That could not be kept: {error.strerror}.", "Make room on the server's disk.",
                            zh=("没能保存。", "请给服务器的磁盘腾出空间。")) from None

    def remove(self, *names: str) -> None:
        for name in names:
            (self.folder / name).unlink(missing_ok=True)

    def keep(self) -> None:
        self.write("draft.json", json.dumps(self.state, ensure_ascii=False).encode())

    def throw_away(self) -> None:
        """Nothing of it is left, on disk or in memory."""
        self.drafts.training.stop(self.owner)
        self.drafts.forget(self.owner)
        shutil.rmtree(self.folder, ignore_errors=True)

    # the face -------------------------------------------------------------------------------------------------------------------------

    def photo(self, data: bytes) -> None:
        """Take a picture: find faces, choose the one there is. Raises Refused for what is none; the draft stays as it was."""
        room = parts.photo()
        picture = self.drafts.picture(self.owner, data)
        try:
            room.warm()                                  # loading the finder is no part of the time it has to look
            found = room.faces(picture)
        except Missing:
            found = []                                   # no finder: the face is placed by hand
        with_points = [k for k, one in enumerate(found) if one.points is not None]
        self.remove(*(path.name for path in self.folder.glob("face-*.jpg")))
        self.write("photo", data)
        self.write("preview.jpg", picture.preview(1024))
        for k, one in enumerate(found):
            self.write(f"face-{k}.jpg", picture.thumb(one.box))
        self.write("found.npz", parts.packed(found))
        self.state["photo"] = {"size": list(picture.size), "faces": [[round(float(v), 1) for v in one.box] for one in found], "chosen": None,
                               "marks": _marks(room.guess(picture)), "placed": False, "report": [], "sha256": digest(data)}
        self.state["consent"] = None
        self._uninvent()
        if len(found) == 1 and with_points:
            self._choose(picture, found, 0)
        elif not found:
            self.state["photo"]["report"] = [parts.remark(
                "no-face", "warn", "No face was found by itself: drag the marks onto the eyes, nose, mouth and chin.",
                "没有自动找到脸：请把标记拖到眼睛、鼻子、嘴和下巴上。")]
        self.keep()

    def invented(self, picture: bytes, note: Mapping[str, Any], gender: str = "", age: int | None = None) -> None:
        """Take a face that was invented, as a photo is taken. `note`: {"engine", "seed", "recipe"}; `gender` and `age` of its look choose a ready voice and
        go into the form, where the person has chosen and written nothing of their own; another face takes both along. Raises Refused."""
        self.photo(picture)
        put: Json = {}
        if gender and not self.state["clips"] and not self.state["ready"]:
            name = parts.fitting_voice(age, gender).get("name", "")
            if name in [voice["name"] for voice in parts.voices()]:
                put["voice"] = name
                self.state["ready"] = {"voice": name}
        for field, value in (("gender", gender), ("age", age)):
            if value and not self.state["persona"].get(field):
                put[field] = value
                self.state["persona"][field] = value
        self.state["invented"] = {**note, "put": put}
        self.keep()

    def _uninvent(self) -> None:
        """The face is another one now: what the invented one brought goes with it, unless it was changed."""
        self._unvoiced()
        put = (self.state["invented"] or {}).get("put", {})
        self.state["invented"] = None
        for field in ("gender", "age"):
            if field in put and self.state["persona"].get(field) == put[field]:
                del self.state["persona"][field]

    def _unvoiced(self) -> None:
        """A ready voice that nobody chose gives way: to their own, or with the face it was for."""
        name = ((self.state["invented"] or {}).get("put") or {}).pop("voice", None)
        if name and self.state["ready"] == {"voice": name}:
            self.state["ready"] = None

    @property
    def own_voice(self) -> bool:
        """Whether the twin will speak with a voice of somebody's own."""
        return bool(self.state["clips"]) and not (self.state["ready"] or {}).get("voice")

    @property
    def nobodys(self) -> bool:
        """Whether no person is in it: an invented face and a ready voice."""
        return bool(self.state["invented"]) and not self.own_voice

    def face(self, chosen: int | None = None, points: Mapping[str, Any] | None = None) -> None:
        """Choose the k-th face, or place one by hand through {mark: [x, y]} in px of the picture."""
        if not self.state["photo"]:
            raise Refused("There is no photo yet.", "Choose one first.", zh=("还没有照片。", "请先选一张。"), code="no-photo")
        picture = self.drafts.picture(self.owner, self.read("photo"))
        if points is not None:
            marks = {str(name)[:40]: (float(at[0]), float(at[1])) for name, at in list(points.items())[:100]}
            if not all(np.isfinite(marks[name]).all() for name in marks):
                raise Refused("A mark lies nowhere.", "Drag it onto the picture.", zh=("有个标记不在图上。", "请把它拖到图上。"))
            found = parts.photo().placed(picture, marks)
            self.state["photo"] |= {"marks": _marks(self.state["photo"]["marks"] | marks), "placed": True, "chosen": None,
                                    "report": [asdict(r) for r in parts.photo().report(picture, found)]}
            self.write("placed.npz", parts.packed([found]))
        else:
            found = parts.unpacked(self.read("found.npz"))
            if chosen is None or not 0 <= chosen < len(found):
                raise Refused("There is no such face in the photo.", "Choose one of those that are shown.", zh=("照片里没有这张脸。", "请从显示的脸里选一张。"))
            self._choose(picture, found, chosen)
        self.keep()

    def found(self) -> tuple[Any, Any]:
        """(picture, the face that was chosen or placed), for building."""
        photo = self.state["photo"]
        picture = self.drafts.picture(self.owner, self.read("photo"))
        return picture, parts.unpacked(self.read("placed.npz"))[0] if photo["placed"] else parts.unpacked(self.read("found.npz"))[photo["chosen"]]

    def _choose(self, picture: Any, found: list[Any], k: int) -> None:
        photo = self.state["photo"]
        report = [asdict(r) for r in parts.photo().report(picture, found[k])]
        photo |= {"chosen": k if found[k].points is not None else None, "placed": False, "report": report, "marks": _marks(parts.marks_of(picture, found[k]))}

    # the voice ------------------------------------------------------------------------------------------------------------------------

    def voice(self, data: bytes, which: str, text: str = "", language: str = "en", own_text: bool = False) -> None:
        """Take a recording: of sentence "0" to "11", or a "file". `own_text`: what is said is `text` alone, if anything.
        Raises Refused for silence, no sound track and the like."""
        if not _CLIP.fullmatch(which) or (which != "file" and int(which) >= SENTENCES):
            raise Refused("There is no such sentence.", "Reload the page.", zh=("没有这个句子。", "请刷新页面。"))
        sample = parts.samples().read(data, language, which != "file" and not own_text)
        self.state["clips"] = [clip for clip in self.state["clips"] if clip["k"] != which]
        wav = parts.wav(sample.audio.samples, sample.audio.rate)
        if not text and which != "file" and not own_text:
            text = parts.samples().SENTENCES[language][int(which)]
        self.write(f"clip-{which}.wav", wav)
        self.state["clips"].append({"k": which, "seconds": round(sample.seconds, 2), "report": [asdict(r) for r in sample.remarks],
                                    "text": " ".join(text.split())[:20_000], "language": language, "sha256": digest(data)})
        self._unvoiced()
        self.state["clips"].sort(key=lambda clip: (clip["k"] == "file", int(clip["k"]) if clip["k"] != "file" else 0))
        self.state["consent"] = None
        self.keep()
        self.drafts.training.later(self.owner, self)

    def unvoice(self, which: str) -> None:
        """Take a recording back."""
        self.state["clips"] = [clip for clip in self.state["clips"] if clip["k"] != which]
        if _CLIP.fullmatch(which):
            self.remove(f"clip-{which}.wav")
        self.state["consent"] = None
        self.keep()
        self.drafts.training.later(self.owner, self)

    def ready(self, asked: Mapping[str, Any]) -> None:
        """Choose a ready voice (None: their own again), and where its sliders stand."""
        name = asked.get("voice")
        if name is not None and name not in [voice["name"] for voice in parts.voices()]:
            raise Refused("There is no such voice.", "Choose one of those that are shown.", zh=("没有这个声音。", "请从列出的声音里选一个。"))
        chosen: Json = {"voice": name}
        for slider, (low, high) in SLIDERS.items():
            value = asked.get(slider)
            if isinstance(value, (int, float)) and not isinstance(value, bool) and low <= value <= high:
                chosen[slider] = float(value)
        self.state["ready"] = chosen if len(chosen) > 1 or name else None
        if self.state["invented"]:                       # from now on it is theirs
            self.state["invented"]["put"].pop("voice", None)
        self.keep()

    @property
    def clips_key(self) -> str:
        """What the recordings are, in one hash: a voice was learned from these or from others."""
        return digest(json.dumps([[c["k"], c["sha256"], c["text"], c["language"]] for c in self.state["clips"]]).encode())

    # who they are ---------------------------------------------------------------------------------------------------------------------

    def persona(self, fields: Any) -> None:
        """Keep the form as it is typed; incomplete is fine."""
        self.state["persona"] = parts.form().kept(fields)
        self.keep()

    def card(self, data: bytes, name: str = "") -> tuple[tuple[str, str], ...]:
        """Fill the form from a Character Card; its portrait becomes the photo when there is none. Returns what could not be taken whole."""
        card = parts.character_card().read(data, name)
        self.state["persona"] = parts.form().kept(card.fields)
        self.write("card.json", json.dumps(card.raw, ensure_ascii=False).encode())
        self.keep()
        if card.portrait and not self.state["photo"]:
            with suppress(Refused):
                self.photo(card.portrait)
        return card.notes

    def chat(self, data: bytes, speaker: str = "") -> list[list[Any]]:
        """Example exchanges from a chat log. Returns the speakers to choose from when it is not clear who the twin is; then nothing changed."""
        room = parts.chatlog()
        chat = room.read(room.text_of(data), speaker or str(self.state["persona"].get("name", "")))
        if not chat.speaker:
            return [[str(name), int(count)] for name, count in chat.speakers]
        others = [str(name) for name, _ in chat.speakers if str(name) != chat.speaker]
        came = [[masked(text, known=others) for text in pair] for pair in chat.examples]                 # what others said is theirs
        before = [pair for pair in self.state["persona"].get("examples", []) if list(pair) not in came]
        self.persona(self.state["persona"] | {"examples": (before + came)[:parts.form().MOST_EXAMPLES]})
        return []

    # consent --------------------------------------------------------------------------------------------------------------------------

    def samples(self) -> dict[str, str]:
        """SHA-256 of everything a person has given of themselves, and of the face that was invented where one was."""
        photo, clips = self.state["photo"], [] if self.nobodys else self.state["clips"]
        return ({INVENTED if self.state["invented"] else "photo": photo["sha256"]} if photo else {}) | {f"voice {clip['k']}": clip["sha256"] for clip in clips}

    def agree(self, asked: Mapping[str, Any], language: str = "en") -> None:
        """Record a yes, or take it back. What was checked of it (proof.py) stands in the record."""
        self.state["consent"] = None
        if asked.get("agreed") is True and not self.nobodys:
            self.state["consent"] = consent(str(asked.get("who") or ""), str(asked.get("relation") or ""), asked.get("for"), self.samples(), language,
                                            scope=str(asked.get("scope") or "private"), verified=proof.verified(self), folder=self.drafts.shelf.data,
                                            invented=self.state["invented"])
        self.keep()

    def yes(self) -> Any:
        """The record that goes with the twin: what was agreed to, or that it is nobody's. Raises Refused."""
        if self.nobodys:
            return consent(NOBODY, NOBODY, PURPOSES, self.samples(), scope="public", folder=self.drafts.shelf.data, invented=self.state["invented"])
        return agreed(self.state["consent"], self.samples())

    def agreed_anew(self) -> None:
        """The same yes, with what has been checked since."""
        record = self.state["consent"]
        if record and record["samples"] == self.samples():
            self.agree({**record, "agreed": True}, record["language"])

    @property
    def missing(self) -> list[str]:
        photo, record = self.state["photo"], self.state["consent"]
        lacking = {"photo": not photo, "face": bool(photo) and photo["chosen"] is None and not photo["placed"],
                   "name": not self.state["persona"].get("name"), "consent": not self.nobodys and (not record or record["samples"] != self.samples())}
        return [what for what, lacks in lacking.items() if lacks]

    def told(self) -> Json:
        """The draft as the page sees it; pictures as data URLs."""
        photo = self.state["photo"]
        shown = None
        if photo:
            shown = {**{name: photo[name] for name in ("size", "chosen", "marks", "placed", "report")}, "preview": self._url("preview.jpg"),
                     "faces": [{"box": box, "thumb": self._url(f"face-{k}.jpg")} for k, box in enumerate(photo["faces"])]}
        clips = [{name: clip[name] for name in ("k", "seconds", "report", "language")} for clip in self.state["clips"]]
        voice = {"clips": clips, "seconds": round(sum(clip["seconds"] for clip in clips), 1), "training": self.drafts.training.told(self.owner, self),
                 "ready": self.state["ready"]}
        return {"photo": shown, "voice": voice if clips or self.state["ready"] else None, "persona": self.state["persona"], "consent": self.state["consent"],
                "invented": self._told_invented(), "proof": proof.told(self), "missing": self.missing}

    def _told_invented(self) -> Json | None:
        note = self.state["invented"]
        return note and {"engine": note["engine"], "label": engine_label(note["engine"]), "seed": note["seed"], "recipe": note["recipe"],
                         "voice": note["put"].get("voice"), "nobodys": self.nobodys}

    def _url(self, name: str) -> str:
        try:
            return "data:image/jpeg;base64," + base64.b64encode(self.read(name)).decode()
        except OSError:
            return ""


def _marks(marks: Mapping[str, Any]) -> dict[str, list[float]]:
    return {name: [round(float(at[0]), 1), round(float(at[1]), 1)] for name, at in marks.items()}
