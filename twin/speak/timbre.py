"""A person's voice from a minute of reading: what espeak says, in their timbre, pitch and rate, piece by piece.

espeak makes a sentence; its frames (vocoder.py) go through a small network trained on the person (network.py) and become sound again. The
phoneme times are espeak's own, so the lips stay exact. A voice that cannot be read or fails is replaced by espeak, with a line in the log:
a twin is never silent for that.
"""
from __future__ import annotations

import hashlib
import json
import logging
from collections import OrderedDict
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np

from twin.errors import Missing, Refused
from twin.types import RATE, Audio, Mark, Mood, Speech, Voice

from . import espeak, network, shaping, vocoder
from .aloud import aloud
from .espeak import Espeak, Settings
from .library import library
from .runs import sentences
from .vocoder import BANDS, HOP, mel

SOURCE = "m3"                                            # the variant whose frames the networks know; low F0 shows the envelope finely
PITCH, SPAN = 50, 58                                     # espeak's, always: the person's own pitch is laid over it
READY = Path(__file__).resolve().parents[2] / "assets" / "voices"
FIRST, NEXT, LEAST = 10_080, 24_000, 9_600               # samples of a piece, multiples of 480
MARGIN = 40                                              # frames = 0.2 s heard on both sides of a piece: for F0 and the network's context
QUIET = -44.0                                            # dB of full scale in a frame of espeak's: nothing is said
MUTE = -24.0                                             # log power of nothing: -104 dB
EDGE = 3                                                 # frames over which sound comes out of silence
KEPT = 8                                                 # voices that stay loaded
TONES = 8.0                                              # semitones between the 10 % and 90 % quantiles that Mandarin needs at least
TONAL = ("cmn", "yue")
QUANTILES = (0.02, 0.1, 0.25, 0.5, 0.75, 0.9, 0.98)
KNOTS = [0, 1, 3, 5, 6]                                  # of them, what one pitch is mapped on another by
TILT = 3.0                                               # dB an octave at full warmth
TRACT = 0.07                                             # how much longer the oldest slider makes the vocal tract
BREATH, DROP = 3.0, 1.2                                  # dB of breath and semitones it adds to pitch's fall
log = logging.getLogger("twin.speak")


@dataclass
class Loaded:
    """A voice and what its sliders make of it."""
    timbre: network.Timbre
    warp: np.ndarray | None                              # [BANDS, BANDS]
    tilt: np.ndarray                                     # [BANDS], log power
    semitones: float
    breath: float                                        # dB


class Timbre:
    """Voices of people and ready ones. Nothing is loaded before the first `speak`."""

    def __init__(self, ready: Path = READY) -> None:
        self._ready = ready
        self._voices: OrderedDict[tuple, Loaded] = OrderedDict()
        self._plain = Espeak()

    def speak(self, text: str, voice: Voice, mood: Mood, language: str) -> Iterator[Speech]:
        """Pieces of 0.4 to 1.4 s at 24 kHz, each a multiple of 480 samples, with espeak's marks; closing the generator stops between two.

        `voice.weights` or `voice.folder`/voice.safetensors is the voice, else `voice.name` one of assets/voices ("ready/NAME").
        """
        try:
            loaded = self._load(voice)
        except (Missing, Refused, OSError) as error:
            log.warning("A twin's own voice could not be used, the embedded one speaks instead: %s", getattr(error, "message", type(error).__name__))
            yield from self._plain.speak(text, _plain(voice), mood, language)
            return
        engine = library()
        own = espeak._known(engine, espeak.LANGUAGES.get(language.lower(), language.lower()) if language.lower() != "en" else "en")
        settings = source(loaded.timbre.about["rate"] * voice.rate * mood.rate)
        for sentence in sentences(text):
            said = aloud(sentence, own)
            sound, marks = espeak._sentence(engine, said, own, settings) if said else (None, [])
            if sound is None or not len(sound):
                if sentence.strip():
                    yield Speech(sentence, None)
                continue
            yield from self._pieces(sentence, sound, marks, loaded, voice, mood, own)

    def _load(self, voice: Voice) -> Loaded:
        weights = getattr(voice, "weights", None)
        path = None if weights else _path(voice, self._ready)
        key = (hashlib.sha256(weights).digest() if weights else (str(path), path.stat().st_mtime_ns if path and path.is_file() else 0),
               getattr(voice, "age", 0.0), getattr(voice, "warmth", 0.0))
        if key not in self._voices:
            if weights is None:
                if path is None or not path.is_file():
                    raise Missing("There is no voice file.", "Train the voice again, or choose a ready one.")
                if path.stat().st_size > network.MOST_BYTES:
                    raise Refused("The voice's file is too large to be one.", network.HINT)
                weights = path.read_bytes()
            age, warmth = (float(np.clip(getattr(voice, name, 0.0), -1, 1)) for name in ("age", "warmth"))
            self._voices[key] = Loaded(network.load(weights), _warp(1 + TRACT * age) if age else None, _tilt(warmth), -DROP * age,
                                       BREATH * max(0.0, age))
        self._voices.move_to_end(key)
        while len(self._voices) > KEPT:
            self._voices.popitem(last=False)
        return self._voices[key]

    def _pieces(self, text: str, sound: np.ndarray, marks: list[Mark], loaded: Loaded, voice: Voice, mood: Mood, language: str) -> Iterator[Speech]:
        synthesis = vocoder.Synthesis()
        last: tuple[np.ndarray, ...] | None = None
        loud = loaded.timbre.about["gain"] * min(2.0, max(0.0, voice.volume * mood.volume))
        semitones = voice.pitch + mood.pitch + loaded.semitones
        start = 0
        while start < len(sound):
            end = start + (NEXT if start else FIRST)
            if len(sound) - end < LEAST:
                end = len(sound)
            f0, envelope, noise = convert(sound, start, end, loaded, language, semitones, 0.6 + 0.8 * mood.energy)
            frames = [f0, envelope, noise]
            if last is not None:                         # where two pieces meet they share a frame
                for new, old in zip(frames, last, strict=True):
                    new[0] = old
            last = tuple(a[-1].copy() for a in frames)
            piece = shaping.limit(synthesis.feed(*frames) * loud)
            if end == len(sound):
                piece[-shaping.FADE:] *= np.linspace(1, 0, shaping.FADE, dtype=np.float32)
            low, high = start / RATE, end / RATE
            near = tuple(Mark(round(m.start - low, 4), round(m.end - low, 4), m.phone)
                         for m in marks if m.end > low - espeak.AROUND and m.start < high + espeak.AROUND)
            yield Speech("" if start else text, Audio(piece), near)
            start = end


def source(rate: float = 1.0) -> Settings:
    """What espeak is told when its sound is to become somebody's."""
    return Settings(SOURCE, "en-us", round(min(420.0, max(80.0, espeak.WORDS * rate))), PITCH, SPAN, 1.0)


def spoken(text: str, language: str, rate: float = 1.0) -> np.ndarray:
    """The embedded voice saying `text` in the way the networks know, float32 [n] at 24 kHz; sentence after sentence."""
    engine = library()
    own = espeak._known(engine, espeak.LANGUAGES.get(language.lower(), language.lower()) if language.lower() != "en" else "en")
    parts = [espeak._sentence(engine, said, own, source(rate))[0] for sentence in sentences(text) if (said := aloud(sentence, own))]
    return np.concatenate(parts) if parts else np.zeros(0, np.float32)


def convert(sound: np.ndarray, start: int, end: int, loaded: Loaded, language: str, semitones: float = 0.0,
            lively: float = 1.0) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Samples start..end of the embedded voice's sentence -> F0, envelope, aperiodicity of the person's, (end - start) / HOP + 1 frames."""
    before, after = min(MARGIN, start // HOP), min(MARGIN, (len(sound) - end) // HOP)
    f0, envelope, _ = vocoder.analyse(sound[start - before * HOP: end + after * HOP], noise=False)
    out, noise, voiced = loaded.timbre.frames(envelope, f0)
    if loaded.warp is not None:
        out = out @ loaded.warp
    out = out + loaded.tilt
    noise = np.minimum(noise + loaded.breath, 0)
    f0 = pitch(f0, loaded.timbre.about, language, semitones, lively)
    level = 10 / np.log(10) * np.log(power(envelope))
    open_ = np.convolve((level > QUIET).astype(np.float32), np.ones(2 * EDGE + 1) / (2 * EDGE + 1), "same")[:, None].astype(np.float32)
    out = MUTE + (out - MUTE) * np.minimum(1, 2 * open_)
    f0 = np.where(open_[:, 0] > 0, f0, 0).astype(np.float32)
    keep = slice(before, before + (end - start) // HOP + 1)
    return f0[keep].copy(), out[keep].astype(np.float32), noise[keep].astype(np.float32)


def power(envelope: np.ndarray) -> np.ndarray:
    """[frames, BANDS] -> mean power of a frame, full scale = 1, as the RMS of the sound squared."""
    return np.exp(envelope) @ _widths()


@cache
def _widths() -> np.ndarray:
    bins = vocoder.decoder().sum(1)
    return bins / bins.sum()


def pitch(f0: np.ndarray, about: dict, language: str, semitones: float = 0.0, lively: float = 1.0) -> np.ndarray:
    """The embedded voice's F0 -> the person's: quantile on quantile in the logarithm, then `lively` around the median, then `semitones`.

    Not by the quartiles: espeak keeps so near to its median that the way between them is steep, and a sentence a little lower than those the
    voice was learned from would end up 6 % too low.
    """
    origin = np.asarray(about["from"].get(language) or about["from"]["en"], float)[KNOTS]
    target = np.asarray(about["to"], float)[KNOTS]
    middle = target[len(target) // 2]
    if language in TONAL:                                # tones are meaning: a flat reader of English still needs room for them
        lively *= max(1.0, TONES / 12 * np.log(2) / max(1e-3, target[-2] - target[1]))
    low, high = np.log(vocoder.LOW), np.log(vocoder.HIGH)
    value = np.log(np.maximum(f0, 1.0))
    out = np.interp(value, origin, target) + 0.5 * (np.minimum(value - origin[0], 0) + np.maximum(value - origin[-1], 0))
    out = middle + (out - middle) * lively + semitones / 12 * np.log(2)
    return np.where(f0 > 0, np.exp(np.clip(out, low, high)), 0).astype(np.float32)


def ready(folder: Path = READY) -> list[dict]:
    """The ready voices: {"name": "ready/NAME", "label": {"en", "zh"}, "gender", "age"}, in the order they are offered."""
    found = []
    for path in sorted(folder.glob("*/voice.json")):
        try:
            about = json.loads(path.read_text(encoding="utf-8"))
            found.append({"name": f"ready/{path.parent.name}", **{key: about[key] for key in ("label", "gender", "age")}})
        except (OSError, ValueError, KeyError) as error:
            log.warning("The ready voice %s was left out: %s", path.parent.name, type(error).__name__)
    return found


def _path(voice: Voice, folder: Path) -> Path | None:
    if voice.folder:
        return Path(voice.folder) / "voice.safetensors"
    name = voice.name.removeprefix("ready/")
    return folder / name / "voice.safetensors" if name and name == Path(name).name and not name.startswith(".") else None


def _plain(voice: Voice) -> Voice:
    """For espeak: without a name that it would not know."""
    return Voice(rate=voice.rate, pitch=voice.pitch, volume=voice.volume)


def _warp(factor: float) -> np.ndarray:
    """[BANDS, BANDS]: an envelope as from a vocal tract `factor` times as long, formants that much lower."""
    at = mel(np.minimum(vocoder.centres() * factor, RATE / 2)) / mel(RATE / 2) * (BANDS - 1)
    low = np.minimum(at.astype(int), BANDS - 2)
    out = np.zeros((BANDS, BANDS), np.float32)
    out[low, np.arange(BANDS)] = 1 - (at - low)
    out[low + 1, np.arange(BANDS)] += at - low
    return out


def _tilt(warmth: float) -> np.ndarray:
    """[BANDS] log power: more below and less above 1 kHz."""
    octaves = np.log2(np.maximum(vocoder.centres(), 150) / 1000)
    return (-warmth * TILT * np.clip(octaves, -2.0, 3.0) * np.log(10) / 10).astype(np.float32)
