"""What is checked of a consent in a draft: that whoever owns the voice read a fresh sentence aloud, and that the person in the photo sat before the
camera. The rooms that look and listen are trust's; here they meet what the draft holds. Nothing that comes for a check is kept.

    draft.state["challenge"]   the sentence or turn that was given last: one use, a few minutes, these samples alone
    draft.state["proof"]       {"about": over which samples, "voice": {...}, "face": {...}, "tries"}
"""
from __future__ import annotations

from contextlib import suppress
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import numpy as np

from ..errors import Missing, Refused
from ..trust import challenge, digest, likeness, voiceprint
from . import parts

if TYPE_CHECKING:
    from .draft import Draft

MOST_TRIES = 12          # of one set of samples: guessing is no way in
PIECES, PIECE = 12, 10.0                                 # a long recording is compared in so many pieces of so many s
EDGE = 0.4               # s of what surrounds the words that is listened to
HZ = 16_000
Json = dict[str, Any]
WHY = {                                                  # why a voice or face is not verified, for people
    "not-asked": ("It was not checked.", "没有核验。"),
    "language": ("Reading aloud can be checked in English only; this voice was recorded in Chinese.", "朗读核验目前只支持英文，而这份录音是中文。"),
    "no-recogniser": ("What was read can't be checked here: pocketsphinx is missing.", "这里无法核对朗读内容：缺少 pocketsphinx。"),
    "no-encoder": ("Voices can't be compared here: resemblyzer is missing.", "这里无法比较声音：缺少 resemblyzer。"),
    "other-words": ("What was read is not the sentence that was shown.", "读的内容和显示的句子不一样。"),
    "other-voice": ("The reading and the recordings do not sound like one person.", "朗读的声音和录音不像同一个人。"),
    "landmarks-only": ("The face before the camera fits the photo as far as landmarks tell, which is not enough to verify who it is.",
                       "镜头前的脸与照片的特征点相符，但这还不足以确认身份。"),
    "other-face": ("The face before the camera does not look like the one in the photo.", "镜头前的脸和照片里的不像。"),
    "no-turn": ("The head was not turned as asked, so this may be a picture of a picture.", "没有按要求转头，可能是翻拍的照片。"),
    "no-face": ("No face could be seen in the camera's picture.", "镜头画面里没有看到脸。")}


def about(draft: Draft) -> str:
    """Which samples a check is of."""
    import json
    return digest(json.dumps(sorted(draft.samples().items())).encode())


def verified(draft: Draft) -> Json:
    """What the consent record says was checked, of these samples alone."""
    proof = _proof(draft)
    voice = proof["voice"] or {"state": "not verified", "why": _unable(draft) or "not-asked"}
    if not draft.state["clips"]:
        voice = {"state": "not verified", "why": "none"}
    return {"voice": voice, "face": (not draft.state["invented"] and proof["face"]) or {"state": "not verified", "why": "not-asked"}}


def told(draft: Draft) -> Json:
    """How far the checks are, as the page shows it."""
    proof = _proof(draft)
    needed = draft.own_voice if draft.state["invented"] else bool(draft.state["clips"])
    return {"voice": proof["voice"], "face": proof["face"], "unable": _unable(draft), "needed": needed,
            "why": {part: dict(zip(("en", "zh"), WHY[proof[part]["why"]], strict=True)) for part in ("voice", "face")
                    if proof[part] and proof[part].get("why") in WHY}}


def sentence(draft: Draft) -> Json:
    """A fresh sentence to read aloud, in English; the one before is void. Raises Refused without recordings, or where nothing could be checked."""
    if not draft.state["clips"]:
        raise Refused("There is no recording to compare a reading with.", "Record your voice first, or go on: a ready voice needs no check.",
                      code="no-voice", zh=("还没有可以比较的录音。", "请先录音；用现成的声音则不需要核验。"))
    if (why := _unable(draft)) and why != "language":
        raise Refused(WHY[why][0], "python -m twin doctor --fix", code=why, zh=(WHY[why][1], "请运行 python -m twin doctor --fix"))
    _counted(draft)
    given = challenge.fresh(about(draft))
    draft.state["challenge"] = given.kept()
    draft.keep()
    return {"id": given.id, "text": given.text, "seconds": challenge.LASTS}


def spoken(draft: Draft, name: str, data: bytes) -> Json:
    """A reading of the sentence with that id: is it this sentence, and this voice? Its result is kept, the sound is not. Raises Refused for a sentence
    that was used, is late or is another's, and for a sound nobody speaks in."""
    kept, draft.state["challenge"] = draft.state.get("challenge"), None
    draft.keep()                                         # used, whatever comes of it
    given = challenge.taken(kept, name, about(draft))
    if digest(data) in draft.samples().values():
        raise Refused("This is one of the recordings, not a reading of the sentence.", "Read the sentence aloud.", code="other-words",
                      zh=(WHY["other-words"][1], "请朗读显示的句子。"))
    sample = parts.samples().read(data, "en", True)
    reading = challenge.heard(_spoken(sample), given.text, given.words)
    alike = voiceprint.alike(_words_of(sample), _samples(draft))
    why = "" if reading.right and alike.same else "other-voice" if reading.right else "other-words"
    result = {"state": "not verified" if why else "verified", "why": why, "sentence": round(reading.share, 2), "speaker": round(alike.together, 3),
              "least": round(alike.least, 3), "method": "pocketsphinx + resemblyzer"}
    _keep(draft, "voice", result)
    return {"result": result, "proof": told(draft)}


def turn(draft: Draft) -> Json:
    """To which side the head is to be turned, at random. Raises Refused without a chosen face."""
    photo = draft.state["photo"]
    if not photo or (photo["chosen"] is None and not photo["placed"]):
        raise Refused("There is no face in the photo to compare with.", "Choose a photo first.", code="no-photo", zh=("照片里还没有选定的脸。", "请先选照片。"))
    _counted(draft)
    given = likeness.fresh(about(draft))
    draft.state["challenge"] = given.kept()
    draft.keep()
    return {"id": given.id, "side": given.words[0], "seconds": challenge.LASTS}


def seen(draft: Draft, name: str, front: bytes, turned: bytes) -> Json:
    """Two pictures of the camera, one straight, one with the head turned as asked, against the photo. Raises Refused as `spoken` does."""
    kept, draft.state["challenge"] = draft.state.get("challenge"), None
    draft.keep()
    given = challenge.taken(kept, name, about(draft))
    room = parts.photo()
    pictures = [room.read(data) for data in (front, turned)]
    points: list[np.ndarray] = []
    for picture in pictures:
        with suppress(Missing):
            points += [one.points for one in room.faces(picture) if one.points is not None][:1]
    photo, found = draft.found()
    why, scores = "no-face", {}
    if len(points) == 2:
        result = likeness.compared(found.points, points[0], points[1], given.words[0],
                                   likeness.embedded(photo.pixels, found.points), likeness.embedded(pictures[0].pixels, points[0]))
        why, scores = result.why, {name: round(value, 3) for name, value in asdict(result).items() if isinstance(value, float) and np.isfinite(value)}
    told_ = {"state": "not verified" if why else "verified", "why": why, **scores, "method": "landmarks" if "distance" not in scores else "landmarks + dlib"}
    _keep(draft, "face", told_)
    return {"result": told_, "proof": told(draft)}


def _proof(draft: Draft) -> Json:
    kept = draft.state.get("proof") or {}
    if kept.get("about") != about(draft):
        kept = {}
    return {"about": about(draft), "voice": kept.get("voice"), "face": kept.get("face"), "tries": int(kept.get("tries", 0))}


def _keep(draft: Draft, part: str, result: Json) -> None:
    """A check that went well stays; one that didn't does not undo it. The record of the yes is made anew with it."""
    proof = _proof(draft)
    if not (proof[part] and proof[part]["state"] == "verified"):
        proof[part] = result
    draft.state["proof"] = proof
    if draft.state["consent"]:
        draft.agreed_anew()
    draft.keep()


def _counted(draft: Draft) -> None:
    proof = _proof(draft)
    if proof["tries"] >= MOST_TRIES:
        raise Refused("There were too many tries with these recordings.", "Record your voice again, or go on without the check: the consent says so.",
                      code="too-often", zh=("这份素材的尝试次数太多了。", "请重新录音，或不核验直接继续：同意书会如实写明。"))
    draft.state["proof"] = proof | {"tries": proof["tries"] + 1}


def _unable(draft: Draft) -> str:
    """Why a reading could not be checked here, whoever read it."""
    clips = draft.state["clips"]
    if clips and all(clip["language"] != "en" for clip in clips):
        return "language"
    return "" if challenge.ready() and voiceprint.ready() else "no-encoder" if challenge.ready() else "no-recogniser"


def _samples(draft: Draft) -> dict[str, np.ndarray]:
    """The speech in every recording, float32 [n] at 16 kHz; a long one in pieces, so that another's voice in the middle of it is met too."""
    found: dict[str, np.ndarray] = {}
    for clip in draft.state["clips"]:
        sample = parts.samples().read(draft.read(f"clip-{clip['k']}.wav"), clip["language"], True)
        sound = _words_of(sample)
        size = int(PIECE * HZ)
        pieces = [sound[k:k + size] for k in range(0, max(1, len(sound) - size // 2), size)]
        for k in np.unique(np.linspace(0, len(pieces) - 1, min(PIECES, len(pieces))).round().astype(int)):
            found[f"{clip['k']}-{k}"] = pieces[k]
    return found


def _spoken(sample: Any) -> np.ndarray:
    """A reading from a moment before its first word to a moment after its last: a word whose end is cut off is not heard as that word."""
    rate, (start, end) = sample.audio.rate, (sample.clips[0][0], sample.clips[-1][1])
    return _at(sample.audio.samples[max(0, round((start - EDGE) * rate)):round((end + EDGE) * rate)], rate)


def _words_of(sample: Any) -> np.ndarray:
    """The speech of a recording without its pauses, float32 [n] at 16 kHz."""
    rate = sample.audio.rate
    return _at(np.concatenate([sample.audio.samples[round(a * rate):round(b * rate)] for a, b in sample.clips]), rate)


def _at(sound: np.ndarray, rate: int) -> np.ndarray:
    import soxr
    return np.asarray(soxr.resample(sound, rate, HZ), np.float32)
