"""Speech whose sounds are known to the hundredth of a second, as numbers that the lips learn from (lips.py).

made-*   the embedded voice in LANGUAGES, many variants, rates and pitches: exact times. Sentences of spoken.txt and answers/, their words shuffled,
         and words that are none, so that any sound may follow any other
world-*  the same, taken apart by WORLD (Morise 2016) and put together with another pitch, vocal tract, tempo, and the timbre of a real reader
read-*   real readers (LibriSpeech, CC BY 4.0): nobody wrote down what they say, so pocketsphinx guesses it and aligns its own guess. Words come out
         wrong, sounds less so; what the network later finds unlikely is not learnt from (lips.py)
Many of them lie in a room, went through Opus or a telephone, or clip. Files are safetensors and stay: a run that was killed goes on with the next.
"""
from __future__ import annotations

import io
import json
import re
import time
from collections.abc import Callable, Iterator, Sequence
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import scipy.signal
import soxr
from safetensors.numpy import load_file, save_file

from twin.animate import audio, curves, phones
from twin.animate.audio import FRAMES, HZ
from twin.animate.phones import sounds
from twin.errors import Missing
from twin.speak import espeak, timbre, vocoder
from twin.speak.library import library
from twin.types import RATE, Mark

HERE = Path(__file__).parent
LANGUAGES = ("en-us", "cmn", "de", "fr", "es", "it", "pt-br", "ru", "pl", "tr", "sv", "nl", "ja", "hi", "fi")
SHARES = (0.28, 0.12, *(0.6 / 13,) * 13)
VARIANTS = ("m1", "m2", "m3", "m4", "m5", "m6", "m7", "f1", "f2", "f3", "f4", "f5", "max", "adam", "linda", "steph", "travis", "boris", "michel", "klatt",
            "klatt4", "anika", "belinda", "caleb", "quincy", "victor", "rob", "norbert", "zac", "grandma", "grandpa", "whisper")
SYMBOLS = ("", *phones._VOWELS, *phones._CONSONANTS)     # what the network is asked for beside, while it learns
SYLLABLE = ((*"pbmfvwtdkgszlrnhj", "sh", "ch", "st", "pl", "br", "sp", "mp", ""), (*"aeiou", "oo", "ai", "ou", "ee"), ("", "", *"mpbnslrft"))
HELD = 20                                                # readers that are never learnt from
PAD = 0.25                                               # s of silence around what pocketsphinx hears
NOISES = 36                                              # stretches of noise, 20 s each
# ARPAbet -> IPA, for sounds that pocketsphinx aligned.
ARPABET = {
    "AA": "ɑ", "AE": "æ", "AH": "ʌ", "AO": "ɔ", "AW": "aʊ", "AY": "aɪ", "EH": "ɛ", "ER": "ɚ", "EY": "eɪ", "IH": "ɪ", "IY": "i", "OW": "oʊ", "OY": "ɔɪ",
    "UH": "ʊ", "UW": "u", "B": "b", "CH": "tʃ", "D": "d", "DH": "ð", "F": "f", "G": "ɡ", "HH": "h", "JH": "dʒ", "K": "k", "L": "l", "M": "m", "N": "n",
    "NG": "ŋ", "P": "p", "R": "ɹ", "S": "s", "SH": "ʃ", "T": "t", "TH": "θ", "V": "v", "W": "w", "Y": "j", "Z": "z", "ZH": "ʒ",
}
SHWA = 0.07                                              # s: a shorter AH is the vowel of "the", not that of "cut"
Item = dict[str, np.ndarray]


def arpabet(rows: Sequence[tuple[float, float, str]]) -> tuple[Mark, ...]:
    """(start s, end s, ARPAbet) -> marks. What is no sound is silence."""
    return tuple(Mark(a, b, "ə" if name == "AH" and b - a < SHWA else ARPABET.get(name, "")) for a, b, name in rows)


def item(sound: np.ndarray, marks: Sequence[Mark], sure: bool = True) -> Item:
    """float32 [n] at HZ and what is said in it -> log-mel frames and targets, frame by frame:
    mel f16 [n, BANDS]; parts u8 [n, PARTS], 255 is 1; flags u8 [n, 3]: lips shut, tucked, silence; phone u8 [n] of SYMBOLS; sure u8 [n]."""
    power = audio.mel(sound)
    times = np.arange(len(power)) / FRAMES
    said = neutral(phones.segments(tuple(marks)))
    parts = curves.articulate(said, times, np.ones(len(times)))
    flags, phone, known = np.zeros((len(times), 3), bool), np.zeros(len(times), int), np.full(len(times), sure)
    for column, spans in enumerate((said.closures, said.tucks)):
        for start, end in spans:
            flags[(times >= start) & (times <= end), column] = True
    for start, end, silent in zip(said.start, said.end, said.silent, strict=True):
        if silent:
            flags[(times >= start) & (times < end), 2] = True
    flags[:, 2] &= ~flags[:, 0]
    for mark in marks:
        here = (times >= mark.start) & (times < mark.end)
        symbols = sounds(mark.phone)
        if mark.phone and not symbols:
            known[here] = False
        elif symbols:
            at = np.minimum((times[here] - mark.start) / (mark.end - mark.start) * len(symbols), len(symbols) - 1).astype(int)
            phone[here] = np.array([SYMBOLS.index(symbol) for symbol in symbols])[at]
    return {"mel": power.astype(np.float16), "parts": np.rint(np.clip(parts, 0, 1) * 255).astype(np.uint8), "flags": flags.astype(np.uint8),
            "phone": phone.astype(np.uint8), "sure": known.astype(np.uint8)}


def neutral(said: phones.Segments) -> phones.Segments:
    """Every vowel with the same stress: how loud it is said is seen when the face is drawn (prosody.loud), and readers' stress is not known."""
    return phones.Segments(said.start, said.end, said.target, said.weight, said.vowel, np.ones_like(said.stress), said.silent, said.closures, said.tucks)


# The embedded voice.

@cache
def sentences() -> dict[str, list[str]]:
    """By language of espeak."""
    found: dict[str, list[str]] = {name: [] for name in LANGUAGES}
    for line in (HERE / "spoken.txt").read_text("utf-8").splitlines():
        if line and not line.startswith("#"):
            language, text = line.split("|", 1)
            found[language].append(text)
    for language, name in (("en-us", "en"), ("cmn", "zh")):
        parts = re.split(r"[|=\n]|^\w+:", (HERE / "answers" / f"{name}.txt").read_text("utf-8"), flags=re.MULTILINE)
        found[language] = [part.strip() for part in parts if len(part.strip()) >= (5 if name == "zh" else 12) and "{" not in part]
    return found


def text_of(language: str, random: np.random.Generator) -> str:
    """A sentence, one with its words shuffled, or one of words that are none."""
    one = " ".join(map(str, random.choice(sentences()[language], 2 if language in ("en-us", "cmn") else 1)))
    kind = random.random()
    if kind < 0.45 or " " not in one and language != "cmn":
        return one
    if kind < 0.75 or language in ("ru", "hi", "ja"):
        words = list(one.strip("。.!?！？")) if language == "cmn" else one.strip(".!?").split()
        random.shuffle(words)
        return ("" if language == "cmn" else " ").join(words[:24]) + "."
    if language == "cmn":
        return one[::-1]
    parts = ["".join(str(random.choice(letters)) for letters in SYLLABLE) for _ in range(int(random.integers(10, 18)))]
    cuts = random.integers(1, 4, len(parts))
    return " ".join("".join(parts[sum(cuts[:k]):sum(cuts[:k + 1])]) for k in range(len(cuts))).strip() + "."


def made(random: np.random.Generator) -> tuple[np.ndarray, list[Mark]]:
    """What the embedded voice says of a text drawn at random: float32 [n] at RATE and the marks. Raises Missing."""
    engine = library()
    while True:
        language = str(random.choice(LANGUAGES, p=np.array(SHARES) / sum(SHARES)))
        settings = espeak.Settings(str(random.choice([v for v in VARIANTS if v in engine.variants])), str(random.choice(("en-us", "en-us", "en-gb-scotland"))),
                                   int(random.integers(130, 250)), int(random.integers(20, 85)), int(random.integers(25, 85)), 1.0)
        sound, marks = espeak._sentence(engine, text_of(language, random), "en" if language == "en-us" else language, settings)
        if len(sound) > RATE:
            return sound[: 14 * RATE], [mark for mark in marks if mark.start < 14]


def resynthesised(sound: np.ndarray, marks: Sequence[Mark], random: np.random.Generator, readers: np.ndarray) -> tuple[np.ndarray, list[Mark]]:
    """The same said by another: pitch, length of the vocal tract, tempo and timbre. `readers` [n, 2, BANDS]: mean and spread of log envelopes."""
    f0, envelope, noise = vocoder.analyse(sound)
    own = spread(f0, envelope)
    if own is not None and random.random() < 0.75:
        mean, deviation = readers[random.integers(len(readers))]
        much = random.uniform(0.6, 1.0)
        envelope = (envelope - own[0]) * (1 + much * (np.clip(deviation / own[1], 0.6, 1.7) - 1)) + own[0] + much * (mean - own[0])
    else:
        envelope = envelope @ timbre._warp(float(random.uniform(0.86, 1.18)))
    middle = np.exp(np.log(f0[f0 > 0]).mean()) if (f0 > 0).any() else 150.0
    f0 = np.where(f0 > 0, np.clip(random.uniform(85, 260) * (np.maximum(f0, 1) / middle) ** random.uniform(0.6, 1.8), 66, 480), 0)
    noise = np.minimum(noise + random.uniform(-4, 12), 0)
    pace = random.uniform(0.75, 1.35) * (1 + 0.2 * np.sin(np.arange(len(f0)) / 200 * 2 * np.pi * random.uniform(0.15, 0.5) + random.uniform(0, 6)))
    when = np.concatenate([[0], np.cumsum(pace)])        # in frames of the new sound, for each of the old
    at = np.interp(np.arange(int(when[-1])), when[:-1], np.arange(len(f0)))
    near, left = np.rint(at).astype(int), np.minimum(at.astype(int), len(f0) - 2)
    part = (at - left)[:, None]
    blend = [(a[left] * (1 - part) + a[left + 1] * part).astype(np.float32) for a in (envelope, noise)]
    out = vocoder.Synthesis(int(random.integers(1 << 30))).feed(f0[near].astype(np.float32), *blend)
    hop = vocoder.HOP / RATE

    def moved(seconds: float) -> float:
        return float(np.interp(seconds / hop, np.arange(len(when)), when) * hop)
    out *= 0.1 / max(1e-4, float(np.sqrt((out ** 2).mean())))
    return np.clip(out, -1, 1), [Mark(moved(mark.start), moved(mark.end), mark.phone) for mark in marks]


def spread(f0: np.ndarray, envelope: np.ndarray) -> np.ndarray | None:
    """Mean and spread [2, BANDS] of the log envelope where a voice sounds."""
    loud = envelope.max(1)
    here = (f0 > 0) & (loud > np.quantile(loud, 0.9) - 5)
    return np.stack([envelope[here].mean(0), envelope[here].std(0) + 0.1]) if here.sum() > 40 else None


# Rooms, wires and noise.

def distorted(sound: np.ndarray, random: np.random.Generator) -> np.ndarray:
    """float32 [n] at HZ as it comes through a room, a codec, a telephone, an overdriven microphone, or unharmed; n stays, times too."""
    out = sound
    if random.random() < 0.45:
        out = room(out, random)
    kind = random.random()
    if kind < 0.2:
        out = opus(out, int(random.choice((8_000, 12_000, 16_000, 24_000))))
    elif kind < 0.3:
        slow = soxr.resample(out, HZ, 8000)              # G.711: companded to 8 bits
        bits = np.rint(np.sign(slow) * np.log1p(255 * np.abs(np.clip(slow, -1, 1))) / np.log(256) * 127) / 127
        out = _fit(soxr.resample((np.sign(bits) * np.expm1(np.abs(bits) * np.log(256)) / 255).astype(np.float32), 8000, HZ), len(sound))
    elif kind < 0.4:
        out = np.clip(out * random.uniform(3, 8) / max(1e-3, float(np.abs(out).max())), -1, 1) * 0.3
    return out.astype(np.float32)


def room(sound: np.ndarray, random: np.random.Generator) -> np.ndarray:
    """A made room: the voice itself, then noise that dies away by 60 dB in 0.15 to 0.7 s, duller as it goes."""
    last = random.uniform(0.15, 0.7)
    count = int(last * HZ)
    tail = random.standard_normal(count) * 10 ** (-3 * np.arange(count) / count)
    tail = scipy.signal.lfilter([1 - 0.5], [1, -0.5 * random.random()], tail)
    tail[: int(random.uniform(0.001, 0.012) * HZ)] = 0
    tail *= 10 ** (-random.uniform(0, 14) / 20) / np.sqrt((tail ** 2).sum())
    tail[0] = 1
    out = scipy.signal.fftconvolve(sound, tail)[: len(sound)]
    return (out * np.sqrt((sound ** 2).mean() / max(1e-9, (out ** 2).mean()))).astype(np.float32)


def opus(sound: np.ndarray, bits: int) -> np.ndarray:
    """There and back, in time with what went in."""
    import av
    box = io.BytesIO()
    with av.open(box, "w", format="ogg") as file:
        stream = file.add_stream("libopus", rate=16_000)
        stream.bit_rate, stream.layout = bits, "mono"
        frame = av.AudioFrame.from_ndarray((np.clip(sound, -1, 1) * 32767).astype(np.int16)[None], format="s16", layout="mono")
        frame.sample_rate = 16_000
        for one in [frame, None]:
            file.mux(stream.encode(one))
    box.seek(0)
    with av.open(box, "r") as packed:
        mix = av.AudioResampler(format="flt", layout="mono", rate=HZ)
        parts = [made.to_ndarray().reshape(-1) for frame in [*packed.decode(audio=0), None] for made in mix.resample(frame)]
    return _fit(np.concatenate(parts), len(sound))


def _fit(sound: np.ndarray, count: int) -> np.ndarray:
    return np.pad(sound, (0, max(0, count - len(sound))))[:count].astype(np.float32)


def noise(random: np.random.Generator, voices: Sequence[np.ndarray]) -> np.ndarray:
    """20 s of what isn't the speaker, float32 at HZ: hiss of some colour, hum, a crowd, keys and knocks, chords."""
    count = 20 * HZ
    kind = random.choice(("hiss", "hum", "crowd", "knocks", "chords"), p=(0.35, 0.15, 0.2, 0.15, 0.15))
    if kind == "crowd" and len(voices):
        out = np.zeros(count)
        for _ in range(int(random.integers(5, 10))):
            out += np.roll(np.resize(voices[int(random.integers(len(voices)))], count), random.integers(count))
    elif kind == "hum":
        base = random.choice((50, 60, 100, 120)) * np.arange(count) / HZ * 2 * np.pi
        out = sum(np.sin(base * k + random.uniform(0, 6)) / k ** random.uniform(0.3, 1.5) for k in range(1, 20)) + 0.05 * random.standard_normal(count)
    elif kind == "knocks":
        out = 1e-3 * random.standard_normal(count)
        for at in random.integers(0, count - 4000, int(random.integers(20, 120))):
            out[at:at + 4000] += random.standard_normal(4000) * np.exp(-np.arange(4000) / random.uniform(40, 700)) * random.uniform(0.2, 1)
    elif kind == "chords":
        out = np.zeros(count)
        for at in range(0, count - HZ, HZ // 2):
            for step in random.choice(24, 3, replace=False):
                tone = np.arange(HZ) / HZ * 2 * np.pi * 130 * 2 ** (step / 12)
                out[at:at + HZ] += (np.sin(tone) + 0.4 * np.sin(2 * tone) + 0.2 * np.sin(3 * tone)) * np.exp(-np.arange(HZ) / HZ * 4)
    else:
        out = random.standard_normal(count)
    tilt = random.uniform(0, 2) if kind == "hiss" else random.uniform(-0.2, 0.4)
    spectrum = np.fft.rfft(out) / np.maximum(1, np.arange(count // 2 + 1) / 400) ** (tilt / 2)
    out = np.fft.irfft(spectrum, count)
    return (0.1 * out / np.sqrt((out ** 2).mean())).astype(np.float32)


# Real readers.

def recordings(speech: Path) -> tuple[list[Path], list[Path]]:
    """What is learnt from and what is held back, by reader."""
    ones = sorted((speech / "librispeech" / "one_each").glob("*.flac"))
    held = ones[::max(1, len(ones) // HELD)][:HELD]
    return [path for path in ones if path not in held] + sorted((speech / "librispeech" / "ten_each").glob("*/*.flac")), held


def aligned(files: Sequence[Path], folder: Path, say: Callable[[str], None]) -> None:
    """What pocketsphinx hears in each and when, into folder/STEM.json. Some 0.12 s for a second of sound. Raises Missing."""
    try:
        from pocketsphinx import Decoder
    except ImportError as error:
        raise Missing("Recordings without texts are recognised by the package pocketsphinx.", "Install it: pip install pocketsphinx") from error
    folder.mkdir(parents=True, exist_ok=True)
    todo = [path for path in files if not (folder / f"{path.stem}.json").is_file()]
    if not todo:
        return
    listener = Decoder(samprate=HZ, loglevel="FATAL", fwdflat=False, bestpath=False, maxhmmpf=3000, ds=2)      # half the work, and as many words right
    aligner = Decoder(samprate=HZ, loglevel="FATAL")

    def through(decoder: Any, data: bytes) -> None:
        decoder.start_utt()
        decoder.process_raw(data, full_utt=True)
        decoder.end_utt()
    for path in todo:
        sound = recording(path)
        data = (np.pad(0.7 * sound / max(1e-4, np.abs(sound).max()), round(PAD * HZ)) * 32767).astype(np.int16).tobytes()
        through(listener, data)
        text = " ".join(one.word.split("(")[0] for one in listener.seg() or () if not one.word.startswith(("<", "[", "+")))
        rows = []
        try:
            if text:
                aligner.set_align_text(text)
                through(aligner, data)
                aligner.set_alignment()
                through(aligner, data)
                for word in aligner.get_alignment():
                    rows += [(round(one.start / 100 - PAD, 2), round((one.start + one.duration) / 100 - PAD, 2), one.name) for one in word]
        except RuntimeError:                             # no path through the sound: nothing is known of it
            rows = []
        write(folder / f"{path.stem}.json", json.dumps({"text": text, "phones": rows}))
        say(f"{path.stem}: {text[:60]}")


def recording(path: Path) -> np.ndarray:
    """float32 [n] at HZ."""
    import soundfile
    sound, rate = soundfile.read(path, dtype="float32")
    return sound if rate == HZ else soxr.resample(sound, rate, HZ)


def write(path: Path, text: str) -> None:
    half = path.with_suffix(".half")
    half.write_text(text, "utf-8")
    half.replace(path)


# All of it.

def make(folder: Path, speech: Path | None, count: int, say: Callable[[str], None], noises: int = NOISES) -> None:
    """Fill `folder` with what is not there yet: every reader three times, `count` sentences of the embedded voice, a third of them anew by WORLD, and noise.
    Raises Missing, OSError."""
    items = folder / "items"
    items.mkdir(parents=True, exist_ok=True)
    learnt, held = recordings(speech) if speech else ([], [])
    aligned([*learnt, *held], folder / "aligned", say)
    began, done = time.monotonic(), 0
    for kind, paths in (("held", held), ("read", learnt)):
        for path in paths:
            rows = json.loads((folder / "aligned" / f"{path.stem}.json").read_text("utf-8"))["phones"]
            for k in range(3 if kind == "read" else 1):
                if rows and not (target := items / f"{kind}-{path.stem}-{k}.safetensors").is_file():
                    random = np.random.default_rng([1, k, *map(int, path.stem.split("-"))])
                    _keep(target, read(recording(path), rows, k, random))
                    done += 1
    say(f"{done} recordings in {time.monotonic() - began:.0f} s")
    voices = [recording(path) for path in learnt[:40]]
    for k in range(noises):
        if not (target := items / f"noise-{k:03d}.safetensors").is_file():
            _keep(target, {"mel": audio.mel(noise(np.random.default_rng([3, k]), voices)).astype(np.float16)})
    timbres = _timbres(folder, learnt)
    for k in range(count):
        targets = [items / f"{kind}-{k:05d}.safetensors" for kind in ("made", "world")]
        if targets[0].is_file() and (k % 3 or targets[1].is_file()):
            continue
        random = np.random.default_rng([2, k])
        sound, marks = made(random)
        slow = soxr.resample(sound, RATE, HZ)
        _keep(targets[0], item(distorted(slow, random) if k % 2 else slow, marks))
        if k % 3 == 0:
            sound, marks = resynthesised(sound, marks, random, timbres)
            slow = soxr.resample(sound, RATE, HZ)
            _keep(targets[1], item(distorted(slow, random) if k % 2 else slow, marks))
        if k % 100 == 0:
            say(f"{k} of {count} sentences made")


def read(sound: np.ndarray, rows: Sequence[tuple[float, float, str]], version: int, random: np.random.Generator) -> Item:
    """A reading as it is (version 0), slower or faster with its pitch (1, 2), and through rooms and wires (2). Level: as every voice here."""
    sound = sound * (0.1 / max(1e-4, float(np.sqrt((sound ** 2).mean()))))
    pace = 1.0 if not version else random.uniform(0.82, 0.97) if random.random() < 0.5 else random.uniform(1.03, 1.2)
    if version:
        sound = soxr.resample(sound, round(HZ * pace), HZ)
    if version == 2:
        sound = distorted(sound, random)
    marks = [Mark(mark.start / pace, mark.end / pace, mark.phone) for mark in arpabet(rows)]
    found = item(sound, marks)
    times = np.arange(len(found["sure"])) / FRAMES * pace
    for start, end, name in rows:
        if name.startswith("+"):                         # a breath, a cough, or speech that was not understood
            found["sure"][(times >= start) & (times < end)] = 0
    return found


def _timbres(folder: Path, files: Sequence[Path]) -> np.ndarray:
    """[readers, 2, BANDS], kept in timbres.safetensors; of nobody where there are no recordings."""
    if (path := folder / "timbres.safetensors").is_file():
        return load_file(path)["timbres"]
    rows = []
    for one in files[:200]:
        sound = soxr.resample(recording(one)[: 4 * HZ], HZ, RATE)
        f0, envelope, _ = vocoder.analyse(sound * (0.1 / max(1e-4, float(np.sqrt((sound ** 2).mean())))), noise=False)
        if (found := spread(f0, envelope)) is not None:
            rows.append(found)
    out = np.array(rows, np.float32) if rows else np.stack([np.zeros(vocoder.BANDS), np.ones(vocoder.BANDS)])[None].astype(np.float32)
    _keep(path, {"timbres": out})
    return out


def _keep(path: Path, arrays: Item) -> None:
    half = path.with_suffix(".half")
    save_file({name: np.ascontiguousarray(value) for name, value in arrays.items()}, half)
    half.replace(path)


def items(folder: Path, kinds: Sequence[str]) -> Iterator[tuple[str, Item]]:
    """(name, arrays) of those kinds, in the order of their names."""
    for path in sorted((folder / "items").glob("*.safetensors")):
        if path.name.split("-")[0] in kinds:
            yield path.stem, load_file(path)
