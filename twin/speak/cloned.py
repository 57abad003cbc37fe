"""What a model keeps of a person's recording: computed once, stored beside it as safetensors, computed anew when the recording or the model is another.

A twin's folder voice/ holds the recording as sample.flac (or .wav, .mp3, .m4a, .ogg, .webm, .mp4) and what was made of it as NAME.safetensors, one a kind
of model. Where a twin may not lie open on the disk, `Voice.weights` is such a file, and nothing is written.
"""
from __future__ import annotations

import hashlib
import json
import logging
import os
from collections import OrderedDict
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from twin.errors import Missing, Refused
from twin.types import RATE, Voice

from . import samples

SUFFIXES = (".flac", ".wav", ".mp3", ".m4a", ".ogg", ".opus", ".webm", ".mp4")
MOST, LEAST = 30.0, 3.0                                  # s of speech that are taken of a recording, and without which there is too little
GAP = 0.12                                               # s of quiet between two stretches of speech
KEPT = 8                                                 # people whose numbers stay loaded
MOST_BYTES = 64 << 20                                    # of a file of numbers
VERSION = 1
log = logging.getLogger("twin.speak")
Numbers = Mapping[str, np.ndarray]


@dataclass(frozen=True)
class Sample:
    """A recording as it lies there."""
    data: bytes
    digest: str                                          # SHA-256


def sample_of(voice: Voice) -> Sample | None:
    """The recording in a twin's voice folder; None where there is none. Raises Refused for one that is too large."""
    folder = Path(voice.folder) if voice.folder else None
    path = next((found for suffix in SUFFIXES if (found := folder / f"sample{suffix}").is_file()), None) if folder else None
    if path is None:
        return None
    if path.stat().st_size > samples.MOST_BYTES:
        raise Refused("The recording is larger than 200 MB.", "A few minutes are plenty: cut it, or save it as MP3 or M4A.",
                      zh=("录音超过 200 MB。", "几分钟就够了：请剪短，或存成 MP3 或 M4A。"))
    data = path.read_bytes()
    return Sample(data, hashlib.sha256(data).hexdigest())


def speech(data: bytes) -> np.ndarray:
    """The first MOST seconds of speech in a recording, without its pauses: float32 [n] at 24 kHz.

    Raises Refused for music, noise and silence, for a file that cannot be read, and for less than LEAST seconds of speech.
    """
    found = samples.read(data)
    if found.seconds < LEAST:
        raise Refused(f"There are only {found.seconds:.1f} s of speech in the recording; a voice is taken from {LEAST:.0f} s at least.",
                      "Read a few sentences more; ten seconds are good.", code="short",
                      zh=(f"录音里只有 {found.seconds:.1f} 秒说话声，至少要 {LEAST:.0f} 秒。", "请多读几句，十秒左右最好。"))
    gap, out, left = np.zeros(round(GAP * RATE), np.float32), [], round(MOST * RATE)
    for start, end in found.clips:
        clip = found.audio.samples[round(start * RATE): round(end * RATE)][:left]
        out += [clip, gap]
        left -= len(clip) + len(gap)
        if left <= 0:
            break
    return np.concatenate(out[:-1]).astype(np.float32)


class Clones:
    """What one model made of people. `kind` names the file, `model` tells one model's numbers from another's of the same kind."""

    def __init__(self, kind: str, model: str, make: Callable[[np.ndarray], Numbers], names: tuple[str, ...]):
        self.kind, self.model, self.make, self.names = kind, model, make, names
        self._held: OrderedDict[str, Numbers] = OrderedDict()

    def of(self, voice: Voice) -> Numbers:
        """The numbers of a twin's voice. Raises Missing where there is neither a recording nor numbers of it, Refused where it can't be cloned from."""
        if voice.weights is not None and b'"clone"' in voice.weights[: 1 << 16]:
            key = hashlib.sha256(voice.weights).hexdigest()
            return self._keep(key, lambda: self._whole(load(voice.weights or b"", self.kind), ""))
        sample = sample_of(voice)
        path = Path(voice.folder) / f"{self.kind}.safetensors" if voice.folder else None
        if voice.weights is not None or sample is None and (path is None or not path.is_file()):
            raise Missing("There is no recording of this twin to take a voice from.", "Record a few sentences on the page Create, or choose another voice.",
                          code="no-sample", zh=("这个分身没有可用来克隆声音的录音。", "请在“创建”页录几句话，或换一个声音。"))
        assert path is not None
        return self._keep(sample.digest if sample else f"{path}{path.stat().st_mtime_ns}", lambda: self._stored(path, sample))

    def _keep(self, key: str, made: Callable[[], Numbers]) -> Numbers:
        if key not in self._held:
            self._held[key] = made()
        self._held.move_to_end(key)
        while len(self._held) > KEPT:
            self._held.popitem(last=False)
        return self._held[key]

    def _stored(self, path: Path, sample: Sample | None) -> Numbers:
        if path.is_file():
            try:
                if path.stat().st_size > MOST_BYTES:
                    raise Refused("It is too large.")
                return self._whole(load(path.read_bytes(), self.kind), sample.digest if sample else "")
            except (Refused, OSError) as error:
                if sample is None:
                    raise
                log.info("a voice is taken from its recording again: %s", getattr(error, "message", type(error).__name__))
        assert sample is not None
        numbers = {name: np.ascontiguousarray(value, np.float32) for name, value in self.make(speech(sample.data)).items()}
        if not all(np.isfinite(value).all() for value in numbers.values()):
            raise Refused("No voice came of this recording.", "Record again, or choose another voice.",
                          zh=("没能从这段录音得到声音。", "请重录，或换一个声音。"))
        keep(path, numbers, self.kind, self.model, sample.digest)
        return numbers

    def _whole(self, found: tuple[Numbers, dict[str, str]], digest: str) -> Numbers:
        numbers, about = found
        if about["model"] != self.model or (digest and about["sample"] != digest) or not set(self.names) <= set(numbers):
            raise Refused("The numbers of this voice are of another recording or another model.", "Record it again.", code="stale",
                          zh=("保存的声音属于别的录音或别的模型。", "请重新录音。"))
        return numbers


def keep(path: Path, numbers: Numbers, kind: str, model: str, digest: str) -> None:
    """Write the file, whole or not at all. A disk that refuses costs time at the next start, no more."""
    beside = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        with open(os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file:
            file.write(saved(numbers, kind, model, digest))
        os.replace(beside, path)
    except OSError as error:
        log.warning("what was learned of a voice could not be kept: %s", error.strerror)
        beside.unlink(missing_ok=True)


def saved(numbers: Numbers, kind: str, model: str, digest: str) -> bytes:
    """A safetensors file; whose it is stands in its head."""
    from safetensors.numpy import save
    data: bytes = save({name: np.ascontiguousarray(value, np.float32) for name, value in numbers.items()},
                       {"clone": json.dumps({"version": VERSION, "kind": kind, "model": model, "sample": digest})})
    return data


def load(data: bytes, kind: str) -> tuple[Numbers, dict[str, str]]:
    """(numbers, {"model", "sample"}). Raises Refused for what is no such file, damaged, or of another kind of model."""
    from safetensors import SafetensorError
    from safetensors.numpy import load as read
    try:
        numbers = read(data)
        about = json.loads(json.loads(data[8: 8 + int.from_bytes(data[:8], "little")])["__metadata__"]["clone"])
        fits = about["version"] == VERSION and about["kind"] == kind and all(np.isfinite(value).all() for value in numbers.values())
        about = {"model": str(about["model"]), "sample": str(about["sample"])}
    except (SafetensorError, KeyError, ValueError, TypeError, AttributeError, UnicodeDecodeError) as error:
        raise Refused("The file of a voice is damaged.", "Record it again.", zh=("声音文件已损坏。", "请重新录音。")) from error
    if not fits:
        raise Refused("The file of a voice is of another kind of model.", "Record it again.", zh=("声音文件属于另一种模型。", "请重新录音。"))
    return numbers, about
