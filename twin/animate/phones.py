"""What the mouth does for each sound of speech: IPA -> where the articulators want to be, and how much they insist.

Values are read off phonetics (vowel height -> jaw, rounding -> pucker and funnel, place -> lips, teeth, tongue) and tuned by eye.
English and Mandarin are complete; other languages' symbols fall to their nearest neighbour.
"""
from __future__ import annotations

import unicodedata
from dataclasses import dataclass
from functools import cache

import numpy as np

from twin.types import Mark

# The articulators, each 0..1: jaw drop, lips parted beyond the jaw, pucker and funnel (rounding), spread corners, tongue tip,
# lower lip tucked under the upper teeth, jaw forward.
PARTS = ("jaw", "part", "pucker", "funnel", "spread", "tongue", "tuck", "forward")
JAW, PART, PUCKER, FUNNEL, SPREAD, TONGUE, TUCK, FORWARD = range(len(PARTS))

#          jaw  part pucker funnel spread
_VOWELS = {
    "ɑ": (0.44, 0.14, 0.00, 0.04, 0.00), "a": (0.42, 0.20, 0.00, 0.00, 0.08), "æ": (0.40, 0.26, 0.00, 0.00, 0.22),
    "ɐ": (0.32, 0.15, 0.00, 0.00, 0.05), "ʌ": (0.31, 0.14, 0.00, 0.02, 0.04), "ɜ": (0.22, 0.14, 0.10, 0.16, 0.00),
    "ɚ": (0.19, 0.14, 0.14, 0.24, 0.00), "ə": (0.18, 0.12, 0.00, 0.02, 0.05), "ɛ": (0.29, 0.20, 0.00, 0.00, 0.20),
    "e": (0.21, 0.20, 0.00, 0.00, 0.25), "ɪ": (0.16, 0.18, 0.00, 0.00, 0.22), "i": (0.11, 0.20, 0.00, 0.00, 0.36),
    "ɨ": (0.11, 0.18, 0.00, 0.04, 0.18), "ʅ": (0.09, 0.24, 0.06, 0.18, 0.06), "ɿ": (0.07, 0.24, 0.00, 0.00, 0.24),
    "ɯ": (0.11, 0.14, 0.10, 0.05, 0.12), "ɤ": (0.24, 0.14, 0.00, 0.03, 0.08), "ɔ": (0.31, 0.08, 0.22, 0.42, 0.00),
    "ɒ": (0.37, 0.10, 0.08, 0.28, 0.00), "o": (0.22, 0.04, 0.46, 0.46, 0.00), "ʊ": (0.15, 0.05, 0.46, 0.32, 0.00),
    "u": (0.10, 0.02, 0.86, 0.42, 0.00), "y": (0.08, 0.03, 0.86, 0.28, 0.00), "ø": (0.17, 0.05, 0.55, 0.40, 0.00),
    "œ": (0.25, 0.08, 0.42, 0.42, 0.00),
}
# Consonants: target and insistence for the articulators that matter; the rest is left to the vowels around (co-articulation).
_CONSONANTS: dict[str, dict[str, tuple[float, float]]] = {
    "p": {"jaw": (0.12, 0.35), "part": (0.0, 0.6)},      # lips shut over a jaw that stays where the vowels have it
    "f": {"jaw": (0.07, 1.2), "tuck": (1.0, 2.0), "pucker": (0.0, 0.5), "funnel": (0.0, 0.5), "part": (0.06, 0.8), "spread": (0.06, 0.2)},
    "θ": {"jaw": (0.13, 0.9), "tongue": (0.26, 1.6), "part": (0.22, 0.7), "funnel": (0.0, 0.3), "pucker": (0.0, 0.3)},
    "t": {"jaw": (0.10, 0.45), "tongue": (0.07, 0.8), "part": (0.16, 0.4)},
    "n": {"jaw": (0.11, 0.45), "tongue": (0.08, 0.8), "part": (0.15, 0.4)},
    "l": {"jaw": (0.15, 0.45), "tongue": (0.13, 1.0), "part": (0.16, 0.4)},
    "s": {"jaw": (0.05, 1.2), "part": (0.30, 0.9), "spread": (0.22, 0.45), "tongue": (0.02, 0.5)},
    "ʃ": {"jaw": (0.06, 1.2), "part": (0.26, 0.8), "funnel": (0.46, 1.0), "pucker": (0.20, 0.8), "forward": (0.12, 1.0),
          "spread": (0.0, 0.5)},
    "ʂ": {"jaw": (0.07, 1.2), "part": (0.26, 0.8), "funnel": (0.30, 0.55), "pucker": (0.10, 0.4), "forward": (0.08, 1.0),
          "spread": (0.02, 0.3)},
    "ɕ": {"jaw": (0.06, 1.2), "part": (0.24, 0.8), "spread": (0.26, 0.6), "funnel": (0.04, 0.25), "forward": (0.05, 1.0)},
    "ɹ": {"jaw": (0.13, 0.6), "funnel": (0.34, 0.7), "pucker": (0.18, 0.6), "part": (0.10, 0.4)},
    "j": {"jaw": (0.09, 0.7), "spread": (0.30, 0.7), "part": (0.18, 0.5)},
    "w": {"jaw": (0.08, 2.0), "pucker": (0.90, 4.0), "funnel": (0.40, 3.0), "part": (0.0, 0.8), "spread": (0.0, 0.8)},
    "ɥ": {"jaw": (0.08, 2.0), "pucker": (0.88, 4.0), "funnel": (0.30, 3.0), "part": (0.0, 0.8), "spread": (0.0, 0.8)},
    "k": {"jaw": (0.14, 0.35), "part": (0.10, 0.25)},
    "h": {"jaw": (0.18, 0.10)},
}
_LIKE = {
    "p": "bmɓʙ", "f": "vɱʋɸβ", "θ": "ð", "t": "dɾɽɖʈɗ", "n": "nɳ", "l": "lɫɭɬɮʎ", "s": "zʦʣ", "ʃ": "ʒʧʤ", "ʂ": "ʐ", "ɕ": "ʑçʝ",
    "ɹ": "ɻrʀ", "j": "ɲ", "w": "ʍ", "k": "ɡgŋxχɣqɢɴʁʟɰc", "h": "ʔɦħʕʜ",
    "a": "ä", "ɨ": "ᵻ", "u": "ʉ", "œ": "ɶ", "y": "ʏ", "ø": "ɵ", "ɜ": "ɞɝ", "ɤ": "ɘ",
}
_AFFRICATES = {"tʃ": "ʃ", "dʒ": "ʃ", "tʂ": "ʂ", "dʐ": "ʂ", "tɕ": "ɕ", "dʑ": "ɕ", "ts": "s", "dz": "s", "pf": "f"}
HURRIED, LEAST_HURRIED = 0.111, 0.048                     # s between two closures: below it they give way to the vowel, down to this length
LEAST_CLOSED = 0.060                                     # s: 50 ms and more once sampled at 60 fps
SHORT_SILENCE = 0.06                                     # s: the hold of a stop, not a pause
INSIST = (1.0, 0.6, 0.75, 0.75, 0.6, 0.5, 1.0, 0.5)      # of a vowel, by articulator
ROUNDED, ROUND = 0.4, 2.0                                # from this pucker on a vowel insists on its rounding: "oo" is heard by it
REST = (1.0, 1.0, 0.8, 0.8, 0.8, 0.8, 1.0, 0.8)          # of silence


@dataclass(frozen=True)
class Segments:
    """The sounds of a piece, one row each: what the curves are drawn through."""
    start: np.ndarray                                    # s [n]
    end: np.ndarray                                      # s [n]
    target: np.ndarray                                   # [n, PARTS]
    weight: np.ndarray                                   # [n, PARTS]
    vowel: np.ndarray                                    # bool [n]
    stress: np.ndarray                                   # 0 none, 1 secondary, 2 primary [n]
    silent: np.ndarray                                   # bool [n]
    closures: tuple[tuple[float, float], ...]            # s: the lips are shut from .. to
    tucks: tuple[tuple[float, float], ...]               # s: the lower lip is under the teeth


@cache
def sounds(phone: str) -> tuple[str, ...]:
    """The table's symbols in an IPA phone, in order: "ˈaɪ" -> a, ɪ; "tʃʰ" -> ʃ; "uai" -> u, a, i."""
    text = phone.replace("ɻ̩", "ʅ").replace("ɹ̩", "ɿ")
    out, at = [], 0
    while at < len(text):
        pair = text[at:at + 2]
        if pair in _AFFRICATES:
            out.append(_AFFRICATES[pair])
            at += 2
            continue
        own = _own(text[at])
        if own:
            out.append(own)
        at += 1
    return tuple(out)


@cache
def _own(symbol: str) -> str:
    if symbol in _VOWELS or symbol in _CONSONANTS:
        return symbol
    if found := next((key for key, alike in _LIKE.items() if symbol in alike), ""):
        return found
    base = unicodedata.normalize("NFD", symbol)[0]       # a nasal vowel has its mouth
    return _own(base) if base != symbol else ""


@cache
def _row(symbol: str) -> tuple[tuple[float, ...], tuple[float, ...]]:
    """(target, weight) over PARTS of a symbol; "" is silence."""
    if not symbol:
        return (0.0,) * len(PARTS), REST
    if symbol in _VOWELS:
        wanted = (*_VOWELS[symbol], 0.0, 0.0, 0.0)
        return wanted, tuple(v * ROUND if k in (PUCKER, FUNNEL) and wanted[PUCKER] >= ROUNDED else v for k, v in enumerate(INSIST))
    wants = _CONSONANTS[symbol]
    return tuple(wants.get(p, (0.0, 0.0))[0] for p in PARTS), tuple(wants.get(p, (0.0, 0.06))[1] for p in PARTS)


def segments(marks: tuple[Mark, ...]) -> Segments:
    """Marks -> segments: diphthongs and finals taken apart, stop holds joined to their stop, silence all around."""
    rows: list[tuple[float, float, str, int]] = []
    closures, tucks = [], []
    held = None
    for mark in marks:
        symbols = sounds(mark.phone) if mark.phone else ()
        stress = 2 if mark.phone.startswith("ˈ") else 1 if mark.phone.startswith("ˌ") else 0
        if not symbols:
            if mark.end - mark.start < SHORT_SILENCE:
                held = mark.start                        # belongs to the sound that follows
            else:
                rows.append((mark.start, mark.end, "", 0))
                held = None
            continue
        start = mark.start if held is None else held
        held = None
        if symbols[0] == "p":
            closures.append(_closure(start, mark, bool(rows) and not rows[-1][2]))
        elif symbols[0] == "f":
            tucks.append((start - 0.005, mark.end - 0.015))
        step = (mark.end - start) / len(symbols)
        rows += [(start + i * step, start + (i + 1) * step, s, stress) for i, s in enumerate(symbols)]
    if not rows:
        rows = [(0.0, 1.0, "", 0)]
    rows = [(rows[0][0] - 0.5, rows[0][0], "", 0), *rows, (rows[-1][1], rows[-1][1] + 0.5, "", 0)]
    names = [r[2] for r in rows]
    table = np.array([_row(n) for n in names])           # [n, 2, PARTS]
    return Segments(
        np.array([r[0] for r in rows]), np.array([r[1] for r in rows]), table[:, 0], table[:, 1], np.array([n in _VOWELS for n in names]),
        np.array([r[3] for r in rows]), np.array([not n for n in names]), _hurried(closures), tuple(tucks))


def _hurried(closures: list[tuple[float, float]]) -> tuple[tuple[float, float], ...]:
    """Closures with a short vowel between them, each a little shorter on that side, so that the vowel is seen: "mama" said fast."""
    out = list(closures)
    for k in range(len(out) - 1):
        (a, b), (c, d) = out[k], out[k + 1]
        lack = max(0.0, HURRIED - (c - b)) / 2
        out[k], out[k + 1] = (a, b - max(0.0, min(lack, b - a - LEAST_HURRIED))), (c + max(0.0, min(lack, d - c - LEAST_HURRIED)), d)
    return tuple(out)


def _closure(start: float, mark: Mark, after_pause: bool) -> tuple[float, float]:
    """When the lips are shut for p b m: all of an m, a stop up to its burst, and never under LEAST_CLOSED seconds."""
    bare = mark.phone.lstrip("ˈˌ")
    share = 1.0 if bare.startswith("m") else 0.45 if "ʰ" in bare else 0.75
    end = start + (mark.end - start) * share
    if after_pause:
        start -= 0.04                                    # a stop after a pause is shut before it is heard
    lack = max(0.0, LEAST_CLOSED - (end - start))
    return start - lack * 0.6, end + lack * 0.4
