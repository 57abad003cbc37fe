"""Lips read off real human speech: `python -m bench lips --audio`. Part of bench/lips.py.

Two readers that were never learnt from, LJ Speech (32 sentences) and Austen's (5), with sounds aligned by pocketsphinx. Each is brought to the
loudness that every voice here has and said as a recording is (render.recite): second by second, with the 80 ms behind each that the network listens
ahead. `*_pieces`: without them, as a voice that streams hands its pieces over. Beside it `*_phonemes`: the track that the aligned sounds give (what
could be had at best), and `*_energy`: a jaw that follows loudness, as wide on average.

closed_share        of p b m: the lips' gap reaches CLOSED within the sound, 25 ms more on each side
false_closed_share  of open vowels: the gap is CLOSED at their middle; false_closed_other: of all other sounds but p b m f v
open_share          of "ah" "a" "ow" "ai" and stressed "uh" of 60 ms or more: the jaw reaches OPEN within the sound
rounded_share       of "oo" "oh" "aw" "w" of 60 ms or more: pucker and funnel together reach ROUND within the sound
false_rounded_share of "ee" "i" "e" "a" of 60 ms or more: they do so at their middle
offset_ms           cross-correlation of the jaw with that of the phonemes' track; positive: it comes late
rank_correlation    Spearman's, of the gap with that of the phonemes' track, over all frames of speech
rtf                 processor time on one core of all of animate() for a second of sound; rtf_network: of listening alone
"""
from __future__ import annotations

import json
import time
from pathlib import Path

import numpy as np

SPEECH = Path(__file__).resolve().parents[2] / "shared" / "data" / "speech"
CLOSED, OPEN, ROUND = 0.02, 0.20, 0.35                   # gap and jawOpen as of visemes.gap(); sums of weights
SLACK, LEAST = 0.025, 0.060                              # s
OPENED, ROUNDED, SPREAD = ("AA", "AE", "AY", "AW"), ("UW", "UH", "OW", "AO", "W"), ("IY", "IH", "EH", "EY", "AE")
SHUT, TUCKED = ("P", "B", "M"), ("F", "V")
RATE, PIECE, FPS = 24_000, 24_000, 60
AROUND = 0.4


def options(parser) -> None:
    parser.add_argument("--audio", action="store_true", help="measure lips from sound instead, on real speech")
    parser.add_argument("--weights", type=Path, help="of lips from sound: another network than the shipped one")


def run(options) -> dict[str, object]:
    from twin.animate import audio
    if options.weights:
        audio.WEIGHTS = options.weights
    if not SPEECH.is_dir():
        raise SystemExit(f"There are no recordings at {SPEECH}.")
    readings = [*(SPEECH / "ljspeech").glob("*.phones.json"), *SPEECH.glob("austen_*.phones.json")]
    rows: dict[str, list] = {"": [], "_pieces": [], "_phonemes": [], "_energy": []}
    phones, spent, seconds = [], {"whole": 0.0, "network": 0.0}, 0.0
    audio.hear(np.zeros(RATE, np.float32), RATE)         # loading is not part of it
    for path in sorted(readings):
        sound, said = _reading(path)
        seconds += len(sound) / RATE
        began = time.process_time()
        rows[""].append(_track(sound, said, "recording"))
        spent["whole"] += time.process_time() - began
        rows["_pieces"].append(_track(sound, said, "pieces"))
        rows["_phonemes"].append(_track(sound, said, "phonemes"))
        phones.append(said)
        began = time.process_time()
        for start in range(0, len(sound), PIECE):
            audio.hear(sound[start:start + PIECE], RATE, sound[max(0, start - RATE):start])
        spent["network"] += time.process_time() - began
    wide = np.concatenate([_channel(t, "jawOpen") for t in rows["_phonemes"]])
    rows["_energy"] = [_energy(_reading(path)[0], float(wide.mean())) for path in sorted(readings)]
    figures: dict[str, object] = {}
    for suffix, tracks in rows.items():
        figures |= {key + suffix: value for key, value in _figures(tracks, rows["_phonemes"], phones).items()}
    readers = np.array([path.name.startswith("austen") for path in sorted(readings)])
    for name, mask in (("ljspeech", ~readers), ("austen", readers)):
        chosen = [k for k in range(len(readers)) if mask[k]]
        one = _figures([rows[""][k] for k in chosen], [rows["_phonemes"][k] for k in chosen], [phones[k] for k in chosen])
        figures |= {f"{key}_{name}": one[key] for key in ("closed_share", "open_share", "rounded_share", "rank_correlation")}
    return figures | {"rtf": spent["whole"] / seconds, "rtf_network": spent["network"] / seconds, "seconds": seconds,
                      "network_bytes": audio.WEIGHTS.stat().st_size}


def _reading(path: Path) -> tuple[np.ndarray, list[tuple[float, float, str]]]:
    """The sound at RATE, as loud as every voice, and what was aligned: (start s, end s, ARPAbet)."""
    import soundfile
    import soxr

    from twin.speak import shaping
    stem = path.name.removesuffix(".phones.json")
    sound, rate = soundfile.read(next(path.parent.glob(stem + ".[wf][al]*")), dtype="float32")
    sound = soxr.resample(sound, rate, RATE)
    words = json.loads(path.read_text("utf-8"))["w"]
    said = [(row["b"], row["b"] + row["d"], row["t"]) for word in words for row in word["w"]]
    return shaping.limit(sound * (shaping.LOUDNESS / shaping.loudness(sound))), said


def _track(sound: np.ndarray, said, how: str) -> np.ndarray:
    """uint8 [frames, 57]: piece after piece through Visemes."""
    from twin.animate.visemes import Visemes
    from twin.train.spoken import arpabet
    from twin.types import Audio, Mark, Mood, Speech
    marks = arpabet(said)
    before, out = None, []
    for start in range(0, len(sound), PIECE):
        low, high = start / RATE, min(len(sound), start + PIECE) / RATE
        near = tuple(Mark(m.start - low, m.end - low, m.phone) for m in marks if m.end > low - AROUND and m.start < high + AROUND)
        own = Audio(sound[start:start + PIECE])
        earlier, later = sound[max(0, start - RATE):start], sound[start + PIECE:start + PIECE + RATE // 8]
        speech = Speech("", own, near) if how == "phonemes" else Speech("", own, (), earlier, later if how == "recording" else None)
        before = Visemes().animate(speech, Mood(), low, before, 1)
        out.append(before.weights)
    return np.concatenate(out)


def _energy(sound: np.ndarray, mean: float) -> np.ndarray:
    """The baseline: jawOpen follows the loudness, `mean` on average; nothing else moves."""
    from twin.animate import prosody
    from twin.animate.visemes import AT
    from twin.types import CHANNELS, Audio
    times = np.arange(round(len(sound) / RATE * FPS)) / FPS
    rms, _ = prosody.measure(Audio(sound), times)
    out = np.zeros((len(times), len(CHANNELS)), np.uint8)
    out[:, AT["jawOpen"]] = np.rint(np.clip(rms * mean / max(1e-6, float(rms.mean())), 0, 1) * 255)
    return out


def _channel(track: np.ndarray, *names: str) -> np.ndarray:
    from twin.animate.visemes import AT
    return sum(track[:, AT[name]] / 255 for name in names)


def _figures(tracks, models, phones) -> dict[str, float]:
    from scipy.stats import spearmanr

    from twin.animate.visemes import gap
    found: dict[str, list[float]] = {key: [] for key in ("closed", "false_closed", "false_closed_other", "open", "rounded", "false_rounded")}
    gaps, wanted, jaws, models_jaws = [], [], [], []
    for track, model, said in zip(tracks, models, phones, strict=True):
        lips, jaw, rounding = gap(track), _channel(track, "jawOpen"), _channel(track, "mouthPucker", "mouthFunnel")
        count = len(track)
        speech = np.zeros(count, bool)
        for start, end, name in said:
            inside = _span(start, end, count)
            middle = min(count - 1, round((start + end) / 2 * FPS))
            if name == "SIL" or name.startswith("+"):
                continue
            speech[inside] = True
            long = end - start >= LEAST - 1e-6
            if name in SHUT:
                found["closed"].append(lips[_span(start - SLACK, end + SLACK, count)].min() <= CLOSED)
            elif name not in TUCKED:
                opened = long and (name in OPENED or name == "AH" and end - start >= 0.08)
                found["false_closed" if opened else "false_closed_other"].append(lips[middle] <= CLOSED)
                if opened:
                    found["open"].append(jaw[inside].max() >= OPEN)
                if long and name in ROUNDED:
                    found["rounded"].append(rounding[inside].max() >= ROUND)
                elif long and name in SPREAD:
                    found["false_rounded"].append(rounding[middle] >= ROUND)
        gaps.append(lips[speech])
        wanted.append(gap(model)[speech])
        jaws.append(np.pad(jaw, 30))
        models_jaws.append(np.pad(_channel(model, "jawOpen"), 30))
    return {f"{key}_share" if key != "false_closed_other" else key: float(np.mean(values)) for key, values in found.items()} | {
        "rank_correlation": float(spearmanr(np.concatenate(gaps), np.concatenate(wanted)).statistic),
        "offset_ms": _lag(np.concatenate(models_jaws), np.concatenate(jaws))}


def _span(start: float, end: float, count: int) -> slice:
    """The frames from start to end s, at least one."""
    first = min(count - 1, max(0, round(start * FPS)))
    return slice(first, max(first + 1, min(count, round(end * FPS) + 1)))


def _lag(a: np.ndarray, b: np.ndarray, reach: int = 15) -> float:
    """ms by which b comes later than a: the top of their cross-correlation, between frames by a parabola."""
    a, b = a - a.mean(), b - b.mean()
    alike = np.array([a[reach:len(a) - reach] @ b[reach + lag:len(b) - reach + lag] for lag in range(-reach, reach + 1)])
    k = int(np.clip(alike.argmax(), 1, 2 * reach - 1))
    left, middle, right = alike[k - 1:k + 2]
    return float((k - reach + 0.5 * (left - right) / (left - 2 * middle + right)) * 1000 / FPS)
