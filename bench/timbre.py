"""A voice in a minute: how near the embedded voice comes to a reader it has heard for 15, 30 and 150 seconds.

LJ Speech is learned from 30 s and from 150 s, Austen's reader from 15 s, each by `python -m twin.train.voice` as the app starts it; what is
measured are sentences that were not among them. `similarity_*`: cosine of Resemblyzer embeddings to the mean of the held-out recordings,
beside it plain espeak, a voice of which only pitch and mean envelope were moved, and the reader's own other sentences. `f0_error`, `range_error`:
median of F0 and its 10-90 % range in semitones. `spectral_ratio`: RMS distance in dB of the mean log-mel spectrum (40 bands to 8 kHz, frames within
35 dB of the loudest) after, over that of espeak. `intelligible`: short commands recognised by pocketsphinx under a grammar of
all of them and as many decoys, over plain espeak's. Of the three voices the worst counts.
"""
from __future__ import annotations

import itertools
import json
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ProcessPoolExecutor
from functools import cache
from multiprocessing import get_context
from pathlib import Path

import numpy as np

ROOT = Path(__file__).resolve().parents[1]
SPEECH = ROOT.parent / "shared" / "data" / "speech"
TRIALS = (("30s", "ljspeech", 30.0), ("150s", "ljspeech", 150.0), ("15s", "austen", 15.0))
HELD = 6                                                 # last sentences of LJ Speech; of Austen, what is not learned from
VERBS = ("open", "close", "show me", "turn off", "look behind")
THINGS = ("window", "kitchen door", "yellow box", "garden gate", "music player", "green lamp", "second page", "water heater", "picture", "small camera")
WHENS = ("now", "please", "tomorrow", "at seven", "before dinner", "on friday", "again", "later")
FRESH = ("Good morning, what can I do for you today?", "I am not sure, but I think that the library closes at six.",
         "That is a long story, and it begins with a boat, a storm, and a very stubborn old captain who would not turn back.",
         "Yes, of course.", "You can take the second street on the left and then walk for about five minutes.")
CHINESE = ("你好，我是你的数字人分身。", "今天天气不错，我们去公园走走吧。")


def options(parser) -> None:
    parser.add_argument("--commands", type=int, default=200, help="how many spoken commands are recognised")
    parser.add_argument("--only", default="", help="one of " + ", ".join(name for name, *_ in TRIALS))
    parser.add_argument("--keep", type=Path, help="a folder for the voices and what they say")


def run(options) -> dict[str, object]:
    if not SPEECH.is_dir():
        raise SystemExit(f"There are no recordings at {SPEECH}.")
    figures: dict[str, object] = {}
    worst: dict[str, list[float]] = {}
    plain = None
    with tempfile.TemporaryDirectory() as scratch:
        for name, reader, seconds in TRIALS:
            if options.only and options.only != name:
                continue
            found, heard = trial(Path(scratch) / name, reader, seconds, options.commands, plain, options.keep and options.keep / name)
            plain = heard
            print(f"{name:>5} {reader}: " + "  ".join(f"{key} {value:.3f}" for key, value in found.items()), flush=True)
            for key in ("similarity", "espeak", "shift", "real"):
                figures[f"{key}_{name}"] = found.pop(key)
            figures[f"learned_{name}"] = found.pop("learned_from_s")
            for key, value in found.items():
                worst.setdefault(key, []).append(value)
    return figures | {key: (min if key == "intelligible" else max)(values) for key, values in worst.items()}


def sentences(reader: str) -> list[tuple[str, Path]]:
    """(text, recording)."""
    if reader == "austen":
        return [(p.with_suffix(".txt").read_text(encoding="utf-8").strip(), p) for p in sorted(SPEECH.glob("austen_*.wav"))]
    rows = (line.split("|", 1) for line in (SPEECH / reader / "transcripts.txt").read_text(encoding="utf-8").splitlines() if line.strip())
    return [(text, SPEECH / reader / f"{name}.flac") for name, text in sorted(rows)]


def parted(reader: str, seconds: float) -> tuple[list[tuple[str, Path]], list[tuple[str, Path]], float]:
    """What is learned from, what is tested on, never the same; and how many seconds the first are."""
    all_ = sentences(reader)
    pool = all_[:-HELD] if reader == "ljspeech" else all_
    taken, total = [], 0.0
    for row in pool:
        length = len(sound(row[1])) / 24_000
        if total + length <= seconds + 0.5:
            taken.append(row)
            total += length
    held = all_[-HELD:] if reader == "ljspeech" else [row for row in all_ if row not in taken]
    assert held and not {p for _, p in held} & {p for _, p in taken}
    return taken, held, total


@cache
def sound(path: Path) -> np.ndarray:
    from twin.speak import samples
    return samples.decode(path.read_bytes())[0]


def trial(folder: Path, reader: str, seconds: float, commands: int, plain: float | None, keep: Path | None) -> tuple[dict[str, float], float]:
    from twin.speak.espeak import Espeak
    from twin.speak.timbre import Timbre
    from twin.types import Mood, Voice
    learn, held, total = parted(reader, seconds)
    took = train(folder, learn)
    mood, person = Mood(), Voice("timbre", folder=str(folder / "voice"))
    shift = Voice("timbre", folder=str(shifted(folder, learn)))
    engines = {"ours": (Timbre(), person), "shift": (Timbre(), shift), "espeak": (Espeak(), Voice())}

    def say(which: str, text: str, language: str = "en") -> np.ndarray:
        engine, voice = engines[which]
        return np.concatenate([piece.audio.samples for piece in engine.speak(text, voice, mood, language) if piece.audio])

    for which in engines:
        say(which, "Ready.")
    real = [sound(path) for _, path in held]
    centre = embedded(real)
    began = time.perf_counter()
    ours = [say("ours", text) for text, _ in held]
    rtf = (time.perf_counter() - began) / (sum(map(len, ours)) / 24_000)
    others = {which: [say(which, text) for text, _ in held] for which in ("shift", "espeak")}
    near = {which: float(np.mean([embedding(one) @ centre for one in many])) for which, many in {**others, "ours": ours}.items()}
    near["real"] = float(np.mean([embedding(sound(path)) @ centre for _, path in learn]))
    middle, wide = pitch(ours)
    wanted, span = pitch(real)
    spectrum = long_term(real)
    first = []
    for text in FRESH * 3:
        begun = time.perf_counter()
        stream = engines["ours"][0].speak(text, person, mood, "en")
        next(stream)
        first.append(1000 * (time.perf_counter() - begun))
        stream.close()
    after = distance(long_term(ours), spectrum)
    before = distance(long_term(others["espeak"]), spectrum)
    phrases = chosen(commands)
    plain = plain or recognised([say("espeak", text) for text in phrases], phrases)
    kept = recognised([say("ours", text) for text in phrases], phrases)
    if keep:
        import soundfile
        keep.mkdir(parents=True, exist_ok=True)
        shutil.copytree(folder / "voice", keep / "voice", dirs_exist_ok=True)
        for index, one in enumerate([*ours, *(say("ours", text, "zh") for text in CHINESE)]):
            soundfile.write(keep / f"ours_{index}.wav", one, 24_000)
        for index, one in enumerate(real):
            soundfile.write(keep / f"real_{index}.wav", one, 24_000)
    return {"similarity": near["ours"], "espeak": near["espeak"], "shift": near["shift"], "real": near["real"], "learned_from_s": total,
            "f0_error": abs(middle / wanted - 1), "range_error": abs(wide / span - 1), "spectral_ratio": after / before, "intelligible": kept / plain,
            "train_s": took, "rtf": rtf, "first_sound_ms": statistics.median(first)}, plain


def train(folder: Path, learn: list[tuple[str, Path]]) -> float:
    """Learn as the app does, in a process of its own; s from its start to its end."""
    source = folder / "samples"
    source.mkdir(parents=True)
    rows = []
    for text, path in learn:
        shutil.copy(path, source / path.name)
        rows.append({"file": path.name, "text": text, "language": "en"})
    (source / "samples.json").write_text(json.dumps(rows), encoding="utf-8")
    began = time.perf_counter()
    subprocess.run([sys.executable, "-m", "twin.train.voice", str(source), str(folder / "voice")], check=True, cwd=ROOT, stdout=subprocess.DEVNULL)
    return time.perf_counter() - began


def shifted(folder: Path, learn: list[tuple[str, Path]]) -> Path:
    """The same recordings as if nobody knew what is said in them."""
    from twin.train import voice
    read = [voice._prepared(voice.Reading(voice.level(sound(path)), "", "en"), 1.0) for _, path in learn]
    rate = voice.pace([voice.Reading(voice.level(sound(path)), text, "en") for text, path in learn])
    voice.write(voice.shifted(read, rate, voice.bandwidth(read)), folder / "shift")
    return folder / "shift"


@cache
def _encoder():
    from resemblyzer import VoiceEncoder
    return VoiceEncoder("cpu", verbose=False)


def embedding(sound: np.ndarray) -> np.ndarray:
    import soxr
    heard = soxr.resample(sound, 24_000, 16_000)
    return _encoder().embed_utterance((heard / np.sqrt((heard ** 2).mean() + 1e-12) * 0.05).astype(np.float32))


def embedded(many: list[np.ndarray]) -> np.ndarray:
    """Their mean, of length 1."""
    middle = np.mean([embedding(one) for one in many], 0)
    return middle / np.linalg.norm(middle)


def pitch(many: list[np.ndarray]) -> tuple[float, float]:
    """Median F0 in Hz, and the 10-90 % range in semitones."""
    from twin.speak import vocoder
    f0 = np.concatenate([vocoder.analyse(one, noise=False)[0] for one in many])
    low, middle, high = np.percentile(np.log2(f0[f0 > 0]), [10, 50, 90])
    return float(2 ** middle), float(12 * (high - low))


def long_term(many: list[np.ndarray]) -> np.ndarray:
    """Mean log-mel in dB [40], level taken out."""
    import soxr
    frames = []
    for one in many:
        heard = soxr.resample(one, 24_000, 16_000)
        cut = np.lib.stride_tricks.sliding_window_view(heard, 400)[::160] * np.hanning(400)
        power = np.abs(np.fft.rfft(cut, 512, axis=1)) ** 2
        total = 10 * np.log10(power.sum(1) + 1e-12)
        frames.append(power[total > total.max() - 35])
    mel = np.linspace(0, 2595 * np.log10(1 + 8000 / 700), 42)
    edges = 700 * (10 ** (mel / 2595) - 1) / 8000 * 256
    at = np.arange(257)[:, None]
    filters = np.clip(np.minimum((at - edges[:-2]) / np.diff(edges)[:-1], (edges[2:] - at) / np.diff(edges)[1:]), 0, None)
    bands = 10 * np.log10(np.concatenate(frames) @ filters + 1e-10)
    return bands.mean(0) - bands.mean()


def distance(one: np.ndarray, two: np.ndarray) -> float:
    return float(np.sqrt(((one - two) ** 2).mean()))


def chosen(count: int) -> list[str]:
    """Evenly out of all commands."""
    all_ = every()[::2]
    return [all_[i * len(all_) // count] for i in range(min(count, len(all_)))]


def every() -> list[str]:
    """400: every second one is a decoy."""
    return [f"{verb} the {thing} {when}" for verb, thing, when in itertools.product(VERBS, THINGS, WHENS)]


@cache
def _grammar():
    from pocketsphinx import Decoder
    decoder = Decoder(samprate=16_000, loglevel="FATAL", lm=None)
    decoder.add_jsgf_string("commands", "#JSGF V1.0;\ngrammar commands;\npublic <all> = " + " | ".join(every()) + ";\n")
    decoder.activate_search("commands")
    return decoder


def recognised(many: list[np.ndarray], phrases: list[str]) -> float:
    """The share of phrases that are heard as themselves; two processes listen."""
    with ProcessPoolExecutor(2, mp_context=get_context("spawn")) as pool:
        return sum(pool.map(heard_as, many, phrases, chunksize=len(many) // 2 or 1)) / len(many)


def heard_as(sound: np.ndarray, phrase: str) -> bool:
    import soxr
    decoder = _grammar()
    decoder.start_utt()
    decoder.process_raw((np.clip(np.pad(soxr.resample(sound, 24_000, 16_000), 4000), -1, 1) * 32767).astype(np.int16).tobytes(), full_utt=True)
    decoder.end_utt()
    found = decoder.hyp()
    return bool(found and found.hypstr == phrase)
