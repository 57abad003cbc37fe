"""The embedded voice: espeak-ng in this process, every language it has, with the exact time of every phoneme.

A sentence is made whole (some 5 ms), shaped, and handed out in pieces; the next sentence is not begun before it is asked for.
"""
from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from twin.types import PIECE, RATE, Audio, Mark, Mood, Speech, Voice

from . import shaping
from .aloud import aloud
from .library import Library, library
from .mandarin import respelled
from .runs import runs, sentences

WORDS = 172                                              # words a minute at rate 1
VARIANT = "f3"                                           # for a name that espeak does not know
LANGUAGES = {"en": "en-us", "zh": "cmn", "fr": "fr-fr", "pt": "pt-br", "no": "nb"}   # where our short name is not espeak's
FIRST, NEXT, LEAST = 12_000, 24_000, 9_600               # samples of a piece; a last one shorter than LEAST joins the one before
AROUND = 0.4                                             # s of neighbours' marks given with a piece
PAUSES = ((".!?。！？", 0.28), ("…", 0.34), (",;:，；：、—", 0.12))
LEAD, SEAM = 0.010, 0.020                                # s of quiet kept before a sentence, and on each side where languages meet
END, DECAY = 0.06, 0.08                                  # s of quiet without punctuation; of the last sound's own decay that is kept
QUIET = 300                                              # of 32768: what counts as silence at the ends of a run
LIFT, WIDEN, TEMPO = {"cmn": 9, "yue": 9}, {"cmn": 26, "yue": 26}, {"cmn": 1.14, "yue": 1.14}
PROBE = {"cmn": "我们今天去公园看花，你也来吧。", "": "We were away a year ago, and now we may all begin again."}
# espeak's Mandarin names -> IPA. Finals that end in -ng are told as one phone by espeak; they are two here.
MANDARIN = {"s.": "ʂ", "ts.": "tʂ", "ts.h": "tʂʰ", "tsh": "tsʰ", "tɕh": "tɕʰ", "ph": "pʰ", "th": "tʰ", "kh": "kʰ", "χ": "x", "i.": "ɻ̩",
            "i̪": "ɹ̩", "o-": "ɤ", "ər": "ɚ", "onɡ": "ʊŋ"}


@dataclass(frozen=True)
class Settings:
    """What espeak is told: voice name by language, words a minute, pitch and pitch span 0..99, gain."""
    variant: str
    english: str
    rate: int
    pitch: int
    span: int
    volume: float

    def voice(self, language: str) -> str:
        return f"{self.english if language == 'en' else language}+{self.variant}"

    def pitch_in(self, language: str) -> int:
        """espeak's Mandarin lies lower than its English: raised, so that a twin sounds like itself in both."""
        return min(99, self.pitch + LIFT.get(language, 0))

    def rate_in(self, language: str) -> int:
        """Words a minute; espeak's Mandarin is slow: 4.4 syllables a second instead of 3.9."""
        return round(self.rate * TEMPO.get(language, 1.0))

    def span_in(self, language: str) -> int:
        """How far F0 moves. Tones need more of it than espeak gives: 7 semitones instead of 4."""
        return min(99, self.span + WIDEN.get(language, 0))


class Espeak:
    """espeak-ng as a voice. Nothing is loaded before the first `speak`."""

    def speak(self, text: str, voice: Voice, mood: Mood, language: str) -> Iterator[Speech]:
        """Pieces of 0.5 to 1.4 s at 24 kHz, each a multiple of 480 samples; closing the generator stops between two.

        `voice.name` is an espeak variant, as "f2", with its English before a plus if it matters: "en-gb+m3". A sentence in which
        nothing can be said comes as Speech(text, None). Raises Missing where the wheel is not installed.
        """
        engine = library()
        own = _known(engine, LANGUAGES.get(language.lower(), language.lower()) if language.lower() != "en" else "en")
        settings = _settings(engine, voice, mood)
        for sentence in sentences(text):
            said = aloud(sentence, own)
            sound, marks = _sentence(engine, said, own, settings) if said else (None, [])
            if sound is None or not len(sound):
                if sentence.strip():
                    yield Speech(sentence, None)
                continue
            yield from _pieces(sentence, sound, marks)


@lru_cache(maxsize=256)
def _known(engine: Library, language: str) -> str:
    """The language as espeak names it, without its region if need be; English when espeak has none such."""
    for name in (language, language.split("-")[0]):
        if name and engine.knows("en-us" if name == "en" else name):
            return name
    return "en"


def _settings(engine: Library, voice: Voice, mood: Mood) -> Settings:
    english, _, variant = voice.name.rpartition("+")
    if voice.name.startswith("en-") and not english:
        english, variant = voice.name, VARIANT
    pitch = 50 + 5.7 * (voice.pitch + mood.pitch)        # measured: 10 steps are 1.75 semitones
    return Settings(
        variant=variant if variant in engine.variants else VARIANT,
        english=english if english.startswith("en-") and engine.knows(english) else "en-us",
        rate=round(min(420.0, max(80.0, WORDS * voice.rate * mood.rate))),
        pitch=round(min(99.0, max(0.0, pitch))),
        span=round(min(90.0, max(20.0, 42 + 32 * mood.energy))),
        volume=min(2.0, max(0.0, voice.volume * mood.volume)),
    )


@lru_cache(maxsize=256)
def _gain(engine: Library, voice: str) -> float:
    """What brings this voice to shaping.LOUDNESS: measured once on a sentence, so that loudness does not jump between clauses."""
    probe = engine.synth(PROBE.get(voice.split("+")[0], PROBE[""]), voice, WORDS, 50, 50)
    measured = shaping.loudness(shaping.shape(probe.samples, probe.rate))
    return shaping.LOUDNESS / measured if measured > 0 else 1.0


def _sentence(engine: Library, text: str, language: str, settings: Settings) -> tuple[np.ndarray, list[Mark]]:
    """One sentence: each run in its own language, joined. Returns float32 [n] (n a multiple of PIECE) and the marks on its clock."""
    parts, marks, length = [], [], 0
    spoken = runs(text, language)
    for index, (own, part) in enumerate(spoken):
        name, last = settings.voice(own), index + 1 == len(spoken)
        written = respelled(part) if own == "cmn" else part
        raw = engine.synth(written, name, settings.rate_in(own), settings.pitch_in(own), settings.span_in(own))
        pause = (_pause(part) or (END if last else 0.0)) * WORDS / settings.rate
        own_marks = _marks(raw.phones, len(raw.samples), own)
        sound, own_marks = _trim(raw.samples, raw.rate, own_marks, SEAM if index else LEAD, max(SEAM, min(pause, DECAY)))
        if not own_marks:
            continue
        sound = shaping.fade(shaping.limit(shaping.shape(sound, raw.rate) * (_gain(engine, name) * settings.volume)))
        marks += [Mark(m.start + length / RATE, m.end + length / RATE, m.phone) for m in own_marks]
        parts += [sound, np.zeros(max(0, round((own_marks[-1].end + pause) * RATE) - len(sound)), np.float32)]
        length += len(parts[-2]) + len(parts[-1])
    if not parts:
        return np.zeros(0, np.float32), []
    sound = np.concatenate([*parts, np.zeros(-length % PIECE, np.float32)])
    return sound, _whole(marks, len(sound) / RATE)


def _marks(phones: tuple[tuple[int, str], ...], length: int, language: str) -> list[Mark]:
    """espeak's phoneme starts (samples) -> marks in seconds at 22,050 Hz, without zero lengths and language switches."""
    out: list[Mark] = []
    ends = [start for start, _ in phones[1:]] + [length]
    for (start, name), end in zip(phones, ends, strict=True):
        if end - start < 40 or name.startswith("("):     # 2 ms: word ends and tones
            continue
        stress = name[0] if name[:1] in ("ˈ", "ˌ") else ""
        bare = name[len(stress):]
        bare = MANDARIN.get(bare, bare) if language == "cmn" else bare
        if bare == "ʊŋ":
            middle = start + (end - start) * 0.55
            out += [Mark(start / 22_050, middle / 22_050, stress + "ʊ"), Mark(middle / 22_050, end / 22_050, "ŋ")]
        else:
            out.append(Mark(start / 22_050, end / 22_050, stress + bare))
    return out


def _trim(samples: np.ndarray, rate: int, marks: list[Mark], before: float, after: float) -> tuple[np.ndarray, list[Mark]]:
    """Cut the quiet at both ends down to `before` and `after` seconds."""
    sounding = [m for m in marks if m.phone]
    if not sounding:
        return samples[:0], []
    loud = np.flatnonzero(np.abs(samples) > QUIET)
    if not len(loud):
        return samples[:0], []
    start = max(0.0, min(sounding[0].start, loud[0] / rate) - before)
    last = loud[-1] / rate                                # a final l or n dies away long before its mark ends
    kept = [Mark(m.start - start, min(m.end, last) - start, m.phone) for m in marks
            if sounding[0].start <= m.start < last - 0.005 and m.end <= sounding[-1].end]
    return samples[round(start * rate): round((last + after) * rate)], kept


def _pause(text: str) -> float:
    """Seconds of quiet that the last punctuation asks for."""
    bare = re.sub(r"[\s\"'”’)\]」』）》]+$", "", text)
    return next((seconds for marks, seconds in PAUSES if bare[-1:] and bare[-1] in marks), 0.0)


def _whole(marks: list[Mark], seconds: float) -> list[Mark]:
    """The same marks with the gaps between them filled by silence, from 0 to `seconds`."""
    out, at = [], 0.0
    for mark in marks:
        if mark.start > at + 0.002:
            out.append(Mark(at, mark.start, ""))
        elif mark.start != at:
            mark = Mark(at, mark.end, mark.phone)
        if out and not out[-1].phone and not mark.phone:
            out[-1] = Mark(out[-1].start, mark.end, "")
        else:
            out.append(mark)
        at = mark.end
    if out and not out[-1].phone:
        at = out.pop().start
    return [*out, Mark(at, seconds, "")] if seconds > at else out


def _pieces(text: str, sound: np.ndarray, marks: list[Mark]) -> Iterator[Speech]:
    start = 0
    while start < len(sound):
        end = start + (NEXT if start else FIRST)
        if len(sound) - end < LEAST:
            end = len(sound)
        low, high = start / RATE, end / RATE
        near = tuple(Mark(round(m.start - low, 4), round(m.end - low, 4), m.phone)
                     for m in marks if m.end > low - AROUND and m.start < high + AROUND)
        yield Speech("" if start else text, Audio(np.ascontiguousarray(sound[start:end])), near)
        start = end

