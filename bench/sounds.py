"""Sounds of a room for `python -m bench hear`: readers, the twin's own voice, rooms, noise, and what is no speech. Part of bench/hear.py.

Everything is float32 at 16 kHz and comes out the same for the same seed. Coughs, clicks, keys, bangs and music are made, not recorded.
"""
from __future__ import annotations

import json
from functools import cache
from pathlib import Path

import numpy as np

HZ = 16_000
SPEECH = Path(__file__).resolve().parents[2] / "shared" / "data" / "speech"
LOUD = 0.06                                              # RMS of a person close to the microphone, over what is voiced
VOICED, BREATH = 35.0, 25.0                              # dB under the loudest 20 ms that still count as voiced; that begin and end a turn


def db(value: float) -> float:
    return 10 ** (value / 20)


@cache
def read(path: Path) -> np.ndarray:
    import soundfile
    import soxr
    sound, rate = soundfile.read(path, dtype="float32")
    return level(sound if rate == HZ else soxr.resample(sound, rate, HZ).astype(np.float32))


@cache
def said(text: str, name: str = "m3", rate: float = 1.0, language: str = "en") -> np.ndarray:
    """By the embedded voice."""
    import soxr

    from twin.speak.espeak import Espeak
    from twin.types import Mood, Voice
    sound = np.concatenate([s.audio.samples for s in Espeak().speak(text, Voice(name=name, rate=rate), Mood(), language) if s.audio])
    return level(soxr.resample(sound, 24_000, HZ).astype(np.float32))


def voiced(sound: np.ndarray, within: float = VOICED) -> np.ndarray:
    """bool [n // 320]: frames of 20 ms within so many dB of the loudest."""
    rms = np.sqrt((sound[: len(sound) // 320 * 320].reshape(-1, 320) ** 2).mean(1) + 1e-12)
    return rms > max(rms.max(initial=0) * db(-within), 1e-5)


def level(sound: np.ndarray, rms: float = LOUD) -> np.ndarray:
    frames = voiced(sound)
    loud = sound[: len(frames) * 320].reshape(-1, 320)[frames] if frames.any() else sound
    return (sound * (rms / max(1e-9, float(np.sqrt((loud ** 2).mean()))))).astype(np.float32)


def trimmed(sound: np.ndarray) -> np.ndarray:
    """From its first voiced frame to its last; a breath before it is no voice."""
    at = np.flatnonzero(voiced(sound, BREATH))
    return sound[at[0] * 320:(at[-1] + 1) * 320] if len(at) else sound[:0]


def begins(sound: np.ndarray) -> int:
    """The sample at which a voice begins: of frames of 40 ms, the first that repeats itself at 60 to 400 Hz and is not much quieter than LOUD."""
    for start in range(0, len(sound) - 640, 80):
        frame = sound[start:start + 640]
        if (frame ** 2).mean() > (LOUD * db(-12)) ** 2:
            alike = np.correlate(frame, frame, "full")[639:]
            lags = slice(HZ // 400, HZ // 60)
            if (alike[lags] / alike[0] * 640 / (640 - np.arange(640)[lags])).max() > 0.6:
                return start + 160
    return 0


def quiet(seconds: float) -> np.ndarray:
    return np.zeros(round(seconds * HZ), np.float32)


def words(name: str) -> list[tuple[float, float, str]]:
    """Words of an aligned recording: start s, end s, what; silences left out."""
    rows = json.loads((SPEECH / f"{name}.phones.json").read_text(encoding="utf-8"))["w"]
    return [(w["b"], w["b"] + w["d"], w["t"].split("(")[0]) for w in rows if w["t"][0] not in "<[+"]


@cache
def aligned() -> tuple[tuple[str, str], ...]:
    """(name, text) of the recordings whose words are known: LJ Speech and Austen's reader."""
    if not SPEECH.is_dir():
        return ()
    rows = (line.split("|", 1) for line in (SPEECH / "ljspeech" / "transcripts.txt").read_text(encoding="utf-8").splitlines() if line.strip())
    own = [(f"ljspeech/{name}", text) for name, text in sorted(rows)]
    return (*own, *((p.stem, p.with_suffix(".txt").read_text(encoding="utf-8").strip()) for p in sorted(SPEECH.glob("austen_*.wav"))))


def recording(name: str) -> np.ndarray:
    path = SPEECH / f"{name}.wav"
    return read(path if path.is_file() else path.with_suffix(".flac"))


@cache
def readers() -> tuple[Path, ...]:
    return tuple(sorted((SPEECH / "librispeech" / "one_each").glob("*.flac")))


# noise and rooms

def pink(count: int, random: np.random.Generator) -> np.ndarray:
    """RMS 1."""
    spectrum = np.fft.rfft(random.normal(0, 1, count))
    spectrum /= np.sqrt(np.maximum(np.arange(len(spectrum)), 20.0))
    wave = np.fft.irfft(spectrum, count)
    return (wave / wave.std()).astype(np.float32)


def babble(count: int, random: np.random.Generator, voices: int = 8) -> np.ndarray:
    """Many talking at once. RMS 1."""
    out = np.zeros(count, np.float32)
    paths = readers()
    for k in range(voices):
        if paths:
            one = read(paths[int(random.integers(len(paths)))])
        else:
            one = said(" ".join(map(str, random.integers(100, 9999, 12))), f"{'fm'[k % 2]}{1 + k % 4}")
        out += np.roll(np.resize(one, max(count, len(one)))[:count], int(random.integers(count)))
    return out / max(1e-9, float(out.std()))


def room(random: np.random.Generator, rt60: float) -> np.ndarray:
    """An impulse response: the direct sound, then noise that dies away by 60 dB within `rt60` s, coloured as a small loudspeaker is. Energy 1."""
    from scipy.signal import butter, sosfilt
    count = round(min(0.4, rt60) * HZ)
    times = np.arange(count) / HZ
    wave = random.normal(0, 1, count) * 10 ** (-3 * times / rt60) * 0.12
    wave[0] = 1.0
    wave = sosfilt(butter(2, (float(random.uniform(150, 400)), float(random.uniform(4500, 7200))), "bandpass", fs=HZ, output="sos"), wave)
    return (wave / np.sqrt((wave ** 2).sum())).astype(np.float32)


# what is no speech

def _band(wave: np.ndarray, low: float, high: float) -> np.ndarray:
    from scipy.signal import butter, sosfilt
    return sosfilt(butter(2, (low, min(high, 7900.0)), "bandpass", fs=HZ, output="sos"), wave).astype(np.float32)


def cough(random: np.random.Generator) -> np.ndarray:
    """One to three, each a burst, a noisy phase through the throat's resonances and, in two of three, a voiced end: of pulses, or a reader's own "uh"."""
    out = []
    for _ in range(int(random.integers(1, 4))):
        burst, middle, end = random.uniform(0.02, 0.05), random.uniform(0.10, 0.22), random.uniform(0.0, 0.16)
        noise = random.normal(0, 1, round((burst + middle + end) * HZ)).astype(np.float32)
        times = np.arange(len(noise)) / HZ
        shape = np.where(times < burst, 1 - np.exp(-times / 0.004), np.where(times < burst + middle, np.exp(-(times - burst) / 0.07),
                                                                           0.35 * np.exp(-(times - burst - middle) / 0.06)))
        wave = _band(noise, 300, 900) + 0.7 * _band(noise, 1100, 2000) + 0.35 * _band(noise, 2400, 5500)
        kind = random.random()
        if kind < 0.33:                                  # a pulse train that falls in pitch
            pitch = random.uniform(150, 380) * (1 - 0.35 * times / times[-1])
            pulses = np.diff(np.floor(np.cumsum(pitch) / HZ), prepend=0) > 0
            wave += np.where(times > burst + middle, 12 * _band(pulses.astype(np.float32), 250, 1800), 0)
        elif kind < 0.67 and (found := _phones(("AH", "AA"), 0.07)):
            name, start, stop = found[int(random.integers(len(found)))]
            vowel, first = recording(name)[round(start * HZ):round(stop * HZ)], round((burst + 0.5 * middle) * HZ)
            vowel = vowel[: max(0, len(wave) - first)] * (6 / LOUD)
            wave[first:first + len(vowel)] += vowel
        out += [wave * shape, quiet(random.uniform(0.05, 0.25))]
    return level(np.concatenate(out[:-1]), LOUD * db(float(random.uniform(-6, 6))))


def click(random: np.random.Generator) -> np.ndarray:
    """A few short ones, as of a mouse, a cup, a switch."""
    out = []
    for _ in range(int(random.integers(1, 6))):
        times = np.arange(round(0.03 * HZ)) / HZ
        tones = sum(np.sin(2 * np.pi * f * times + random.uniform(0, 6)) for f in random.uniform(800, 6000, 4))
        out += [(tones * np.exp(-times / random.uniform(0.001, 0.006))).astype(np.float32), quiet(random.uniform(0.05, 0.3))]
    return np.concatenate(out) * (random.uniform(0.05, 0.4) / 2)


def keys(random: np.random.Generator) -> np.ndarray:
    """Typing for one to three seconds: a press and a release some 80 ms later, six to ten a second."""
    count = round(random.uniform(1, 3) * HZ)
    out, at = np.zeros(count + HZ, np.float32), 0.0
    while at * HZ < count:
        for late, loud in ((0.0, 1.0), (random.uniform(0.06, 0.11), 0.5)):
            noise = random.normal(0, 1, round(0.02 * HZ)).astype(np.float32) * np.exp(-np.arange(round(0.02 * HZ)) / HZ / 0.004)
            start = round((at + late) * HZ)
            out[start:start + len(noise)] += loud * (_band(noise.astype(np.float32), 1500, 6500) + 0.6 * _band(noise.astype(np.float32), 150, 500))
        at += random.uniform(0.07, 0.2)
    return out / np.abs(out).max() * random.uniform(0.05, 0.3)


def bang(random: np.random.Generator) -> np.ndarray:
    """A door, or something that falls."""
    times = np.arange(round(0.5 * HZ)) / HZ
    noise = random.normal(0, 1, len(times)).astype(np.float32)
    wave = _band(noise, 50, 300) * np.exp(-times / 0.09) + 0.4 * _band(noise, 300, 3000) * np.exp(-times / 0.03)
    return (wave / np.abs(wave).max() * random.uniform(0.2, 0.8)).astype(np.float32)


def music(random: np.random.Generator, seconds: float = 4.0) -> np.ndarray:
    """Chords of a few harmonics with vibrato, a melody over them, a drum and a hi-hat."""
    count = round(seconds * HZ)
    times, out, beat = np.arange(count) / HZ, np.zeros(count, np.float32), 60 / random.uniform(80, 130)

    def note(f: float, start: float, length: float, loud: float, slope: float) -> None:
        part = slice(round(start * HZ), min(count, round((start + length) * HZ)))
        t = times[part] - start
        phase = 2 * np.pi * f * t + random.uniform(0, 0.5) * np.sin(2 * np.pi * 5.5 * t)
        out[part] += sum(loud / k ** slope * np.sin(k * phase) for k in range(1, 8) if k * f < 7000) * np.minimum(t / 0.02, 1) * np.exp(-t / length)
    root = random.uniform(110, 220)
    for bar in range(int(seconds / (2 * beat)) + 1):
        step = random.choice([0, 5, 7, 9])
        for interval in (0, 4, 7):
            note(root * 2 ** ((step + interval) / 12), bar * 2 * beat, 2 * beat, 0.3, random.uniform(1.0, 2.0))
        for k in range(4):
            note(root * 2 ** ((12 + step + int(random.choice([0, 2, 4, 7, 9]))) / 12), (bar * 2 + k / 2) * beat, beat / 2, 0.5, 1.3)
    for k in range(int(seconds / beat * 2)):
        start = round(k * beat / 2 * HZ)
        hit = np.arange(min(round(0.15 * HZ), count - start)) / HZ
        if len(hit):
            drum = np.sin(2 * np.pi * 60 * hit * (1 + 0.6 * np.exp(-hit / 0.02))) * np.exp(-hit / 0.06)
            hat = _band(random.normal(0, 1, len(hit)).astype(np.float32), 5000, 7800) * np.exp(-hit / 0.02)
            out[start:start + len(hit)] += drum if k % 2 == 0 else 0.5 * hat
    return level(out, LOUD * db(float(random.uniform(-10, 0))))


def murmur(random: np.random.Generator) -> np.ndarray:
    """"Mm-hm", "mm" or "uh-huh": by the embedded voice, or nasals of a real reader drawn out, the second higher, with a breath between."""
    if random.random() < 0.4 or not aligned():
        return level(trimmed(said(str(random.choice(["mm-hm.", "uh-huh.", "mm.", "yeah.", "okay.", "right."])), str(random.choice(["f2", "m1", "m3", "f4"])))),
                     LOUD * db(float(random.uniform(-8, 0))))
    found = _phones(("M",), 0.08)
    name, start, end = found[int(random.integers(len(found)))]
    grain = recording(name)[round((start + 0.01) * HZ):round((end - 0.01) * HZ)]

    def hum(seconds: float, higher: float) -> np.ndarray:
        import soxr
        part = soxr.resample(grain, HZ * higher, HZ).astype(np.float32) if higher != 1 else grain
        over = len(part) // 3
        fade, out = np.linspace(0, 1, over, dtype=np.float32), part.copy()
        while len(out) < seconds * HZ:                   # where two ends are most alike, one runs into the other
            tail = out[-over:]
            best = max(range(0, max(1, len(part) - 2 * over), 4), key=lambda k: float(tail @ part[k:k + over]))
            out = np.concatenate([out[:-over], tail * (1 - fade) + part[best:best + over] * fade, part[best + over:]])
        out = out[: round(seconds * HZ)]
        return out * np.interp(np.arange(len(out)) / HZ, [0, 0.03, seconds - 0.08, seconds], [0, 1, 0.8, 0])
    out = [hum(random.uniform(0.12, 0.25), 1.0)]
    if random.random() < 0.7:
        breath = _band(random.normal(0, 1, round(random.uniform(0.03, 0.08) * HZ)).astype(np.float32), 400, 4000) * 0.1 * np.abs(out[0]).max()
        out += [breath, hum(random.uniform(0.15, 0.30), random.uniform(1.05, 1.25))]
    return level(np.concatenate(out).astype(np.float32), LOUD * db(float(random.uniform(-10, 0))))


@cache
def _phones(names: tuple[str, ...], least: float) -> list[tuple[str, float, float]]:
    """(recording, start s, end s) of every such sound of the readers that lasts so long."""
    found = []
    for name, _ in aligned():
        for word in json.loads((SPEECH / f"{name}.phones.json").read_text(encoding="utf-8"))["w"]:
            found += [(name, p["b"], p["b"] + p["d"]) for p in word["w"] if p["t"] in names and p["d"] >= least]
    return found
