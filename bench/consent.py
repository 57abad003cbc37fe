"""Whether a consent check tells the owner of a voice from others, and the sentence that was shown from other words.

`eer`: equal error of the speaker encoder over all 5 s windows of different utterances of the six readers of ten_each (half overlapping), with a 95 %
interval by bootstrap over utterances; `eer_codec`, `eer_room`, `eer_noise`: the same with one side changed so (Opus at 12 kbit/s and back through 8 kHz;
a room of 0.5 s; pink noise at 12 dB), `eer_changed` with all three on one side. It is one session: each reader's ten are of one chapter.

The whole check, at the thresholds in twin/trust: readers whose words are known (five of ten_each, LJ Speech, Austen's) hand in half of their
recordings; readings of at least 6 s are put together from the others. `false_reject`: the owner reads what was shown. `false_accept`: others
read it, and the owner reads something else. `*_changed`: the readings went through codec, room and noise. `near_words`: the owner reads a
sentence in which half of the telling words were other ones. Imitations are counted apart: voices that twin.train.voice learned from the very
recordings that were handed in read fresh sentences; `imitations_sentence`, `imitations_speaker` and `imitations_accepted` are shares of them.
"""
from __future__ import annotations

import json
import subprocess
import sys
import tempfile
import time
from functools import cache
from pathlib import Path

import numpy as np

ROOT = Path(__file__).resolve().parents[1]
SPEECH = ROOT.parent / "shared" / "data" / "speech"
TEXTS = Path(__file__).with_name("consent_texts.json")
HZ, WINDOW, HOP = 16_000, 5.0, 2.5
READING = 6.0            # s: what the app's sentence takes at least
TELLING = 6              # letters from which a word of a book stands in for one of the app's random words
ROUNDS = 1000
Sounds = dict[str, np.ndarray]


def options(parser) -> None:
    parser.add_argument("--imitate", default="1998,1688,ljspeech", help="readers whose voices are learned to imitate them, by commas; none: ''")
    parser.add_argument("--sentences", type=int, default=8, help="fresh sentences that each imitation reads")
    parser.add_argument("--quick", action="store_true", help="the encoder on clean speech alone")


def run(options) -> dict[str, object]:
    if not SPEECH.is_dir():
        raise SystemExit(f"There are no recordings at {SPEECH}.")
    figures: dict[str, object] = {}
    began = time.perf_counter()
    figures |= encoder(options.quick)
    if options.quick:
        return figures
    figures |= whole()
    if options.imitate:
        figures |= imitations(options.imitate.split(","), options.sentences)
    from twin.trust import challenge, voiceprint
    return figures | {"threshold_together": voiceprint.SAME, "threshold_each": voiceprint.EACH, "threshold_words": challenge.LEAST,
                      "seconds": time.perf_counter() - began}


# the encoder -------------------------------------------------------------------------------------------------------------------------------

def encoder(quick: bool) -> dict[str, object]:
    names, cuts = [], []
    for path in sorted((SPEECH / "librispeech" / "ten_each").glob("*/*.flac")):
        sound = heard(path)
        for at in np.arange(0, len(sound) / HZ - WINDOW + 1e-9, HOP):
            cuts.append(sound[round(at * HZ):round((at + WINDOW) * HZ)])
            names.append((path.parent.name, path.stem))
    clean = embedded(cuts)
    rate, low, high, at = equal(clean, clean, names)
    print(f"{len(cuts)} windows of {len({n for _, n in names})} utterances, threshold {at:.3f}", flush=True)
    figures: dict[str, object] = {"eer": rate, "eer_low": low, "eer_high": high, "eer_threshold": at, "windows": len(cuts)}
    for name, ways in {} if quick else {"codec": [codec], "room": [room], "noise": [noise], "changed": [room, noise, codec]}.items():
        other = embedded([through(cut, ways, k) for k, cut in enumerate(cuts)])
        rate, low, high, at = equal(other, clean, names)
        figures |= {f"eer_{name}": rate} | ({"eer_changed_low": low, "eer_changed_high": high, "eer_changed_threshold": at} if name == "changed" else {})
        print(f"  {name}: {rate:.4f} [{low:.4f}, {high:.4f}]", flush=True)
    return figures


def equal(one: np.ndarray, two: np.ndarray, names: list[tuple[str, str]]) -> tuple[float, float, float, float]:
    """(equal error rate, low, high, threshold) of pairs of different utterances: one's windows against two's."""
    speaker, said = np.array([s for s, _ in names]), np.array([u for _, u in names])
    utterances = sorted(set(said))
    place = np.searchsorted(utterances, said)
    i, j = np.nonzero((said[:, None] != said[None, :]) & ((np.arange(len(said))[:, None] < np.arange(len(said))[None, :]) | (one is not two)))
    score, same = (one @ two.T)[i, j], speaker[i] == speaker[j]
    order = np.argsort(score)
    i, j, score, same = place[i[order]], place[j[order]], score[order], same[order]

    def rate(weight: np.ndarray) -> tuple[float, int]:
        w = weight[i] * weight[j]
        missed = np.cumsum(w * same) / max(1e-9, (w * same).sum())               # owners below each score
        passed = 1 - np.cumsum(w * ~same) / max(1e-9, (w * ~same).sum())        # others above it
        k = int(np.argmin(np.abs(missed - passed)))
        return float(missed[k] + passed[k]) / 2, k
    whole_, k = rate(np.ones(len(utterances)))
    draw = np.random.default_rng(7)
    rates = [rate(np.bincount(draw.integers(0, len(utterances), len(utterances)), minlength=len(utterances)).astype(float))[0] for _ in range(ROUNDS)]
    return whole_, float(np.quantile(rates, 0.025)), float(np.quantile(rates, 0.975)), float(score[k])


def embedded(sounds: list[np.ndarray]) -> np.ndarray:
    from twin.trust.voiceprint import embeddings
    return np.concatenate([embeddings(sounds[k:k + 16]) for k in range(0, len(sounds), 16)])


# what is done to a sound ---------------------------------------------------------------------------------------------------------------------

def through(sound: np.ndarray, ways, seed: int) -> np.ndarray:
    for way in ways:
        sound = way(sound, np.random.default_rng(seed))
    return sound.astype(np.float32)


def codec(sound: np.ndarray, draw) -> np.ndarray:
    """Through Opus at 12 kbit/s, then through 8 kHz, as a call over the net and a telephone."""
    import io

    import av
    import soxr
    out = io.BytesIO()
    with av.open(out, "w", format="ogg") as file:
        stream = file.add_stream("libopus", rate=48_000, layout="mono")
        stream.bit_rate = 12_000
        frame = av.AudioFrame.from_ndarray(np.ascontiguousarray(soxr.resample(sound, HZ, 48_000)[None], np.float32), format="flt", layout="mono")
        frame.sample_rate = 48_000
        for packet in (*stream.encode(frame), *stream.encode(None)):
            file.mux(packet)
    out.seek(0)
    with av.open(out) as file:
        mix = av.AudioResampler(format="flt", layout="mono", rate=HZ)
        parts = [piece.to_ndarray().reshape(-1) for frame in file.decode(audio=0) for piece in mix.resample(frame)]
    back = np.concatenate(parts)[: len(sound)]
    return soxr.resample(soxr.resample(np.pad(back, (0, len(sound) - len(back))), HZ, 8_000), 8_000, HZ)[: len(sound)]


def room(sound: np.ndarray, draw, seconds: float = 0.5) -> np.ndarray:
    """A room whose sound falls by 60 dB in so many s: decaying noise behind the direct sound, as loud as it."""
    from scipy.signal import fftconvolve
    t = np.arange(round(seconds * HZ)) / HZ
    tail = draw.normal(size=len(t)) * 10 ** (-3 * t / seconds)
    tail[: round(0.004 * HZ)] = 0
    return fftconvolve(sound, np.concatenate([[1.0], tail[1:] / np.sqrt((tail ** 2).sum())]))[: len(sound)]


def noise(sound: np.ndarray, draw, below: float = 12.0) -> np.ndarray:
    """Pink noise so many dB below the sound."""
    spectrum = np.fft.rfft(draw.normal(size=len(sound)))
    pink = np.fft.irfft(spectrum / np.sqrt(np.arange(1, len(spectrum) + 1)), len(sound))
    return sound + pink * np.sqrt((sound ** 2).mean() / (pink ** 2).mean()) * 10 ** (-below / 20)


# the whole check ---------------------------------------------------------------------------------------------------------------------------

def whole() -> dict[str, object]:
    people = readers()
    figures: dict[str, object] = {"readers": len(people), "readings": sum(len(one["readings"]) for one in people.values())}
    for tag, ways in (("", []), ("_changed", [room, noise, codec])):
        rejected, accepted, near, spoken, known = [], [], [], [], []
        for name, one in people.items():
            for k, (text, sound) in enumerate(one["readings"]):
                sound = through(sound, ways, k)
                own = judged(text, sound, one["samples"])
                rejected.append(not own["passed"])
                spoken.append(own["sentence"])
                known.append(own["speaker"])
                near.append(judged(replaced(text, k), sound, one["samples"], own)["passed"])
                other = one["readings"][(k + 1) % len(one["readings"])][0]
                if other != text:
                    accepted.append(judged(other, sound, one["samples"], own)["passed"])
                for rival in people:
                    if rival != name:                    # this reader reads the right words, but claims to be the rival
                        accepted.append(own["sentence"] and alike(sound, people[rival]["samples"]))
                if not own["passed"]:
                    print(f"  turned away{tag}: {name} {own}", flush=True)
        figures |= {f"false_reject{tag}": mean(rejected), f"false_accept{tag}": mean(accepted), f"near_words{tag}": mean(near),
                    f"owner_sentence{tag}": mean(spoken), f"owner_speaker{tag}": mean(known), f"trials{tag}": len(rejected) + len(accepted)}
        print(f"whole check{tag}: " + "  ".join(f"{key} {value}" for key, value in figures.items() if key.endswith(tag or key)), flush=True)
    return figures


def judged(text: str, sound: np.ndarray, samples: Sounds, before: dict | None = None) -> dict:
    """As twin/create/proof.py judges a reading."""
    from twin.trust import challenge
    found = challenge.heard(sound, text, telling(text))
    same = before["speaker"] if before else alike(sound, samples)
    return {"sentence": found.right, "share": round(found.share, 2), "won": found.won, "speaker": same, "passed": found.right and same}


def alike(sound: np.ndarray, samples: Sounds) -> bool:
    from twin.trust.voiceprint import EACH, SAME, SHORT
    one = embedded([sound])[0]
    each = [print_of(sample.tobytes()) for sample in samples.values()]
    centre = np.sum([e * len(s) for e, s in zip(each, samples.values(), strict=True)], 0)
    alone = min([float(one @ e) for e, s in zip(each, samples.values(), strict=True) if len(s) >= SHORT * HZ], default=1.0)
    return bool(one @ centre / np.linalg.norm(centre) >= SAME and alone >= EACH)


@cache
def print_of(raw: bytes) -> np.ndarray:
    return embedded([np.frombuffer(raw, np.float32)])[0]


def readers() -> dict[str, dict]:
    """Reader -> {"samples": what was handed in, "readings": [(text, sound)], of other recordings, at least READING s each, "texts"}."""
    from twin.trust.challenge import _listener, _plain
    known = _listener()._known
    rows: dict[str, list[tuple[str, Path]]] = {}
    for name, text in json.loads(TEXTS.read_text(encoding="utf-8")).items():
        if name != "about":
            rows.setdefault(name.split("-")[0], []).append((text, SPEECH / "librispeech" / "ten_each" / name.split("-")[0] / f"{name}.flac"))
    for line in (SPEECH / "ljspeech" / "transcripts.txt").read_text(encoding="utf-8").splitlines():
        if line.strip():
            name, text = line.split("|", 1)
            rows.setdefault("ljspeech", []).append((text, SPEECH / "ljspeech" / f"{name}.flac"))
    rows["austen"] = [(path.with_suffix(".txt").read_text(encoding="utf-8").strip(), path) for path in sorted(SPEECH.glob("austen_*.wav"))]
    found = {}
    for name, lines in rows.items():
        plain = [(" ".join(_plain(text)), path) for text, path in lines]
        good = [(text, path) for text, path in plain if all(word in known for word in text.split())]
        hand, rest = good[::2], good[1::2]
        if name in ("austen", "2414"):                   # few recordings: one handed in is enough
            hand, rest = good[:1], good[1:]
        readings, texts, parts = [], [], []
        for text, path in rest:
            texts.append(text)
            parts.append(heard(path))
            if sum(map(len, parts)) >= READING * HZ:
                readings.append((" ".join(texts), np.concatenate(parts)))
                texts, parts = [], []
        found[name] = {"samples": {path.stem: heard(path) for _, path in hand}, "readings": readings, "handed": hand}
    return {name: one for name, one in found.items() if one["readings"]}


def telling(text: str) -> list[str]:
    return [word for word in text.split() if len(word) >= TELLING]


def replaced(text: str, seed: int) -> str:
    """Every second telling word is another one."""
    from twin.trust.challenge import WORDS
    draw, count, out = np.random.default_rng(seed), 0, []
    for word in text.split():
        if len(word) >= TELLING:
            count += 1
            word = str(draw.choice(WORDS)) if count % 2 else word
        out.append(word)
    return " ".join(out)


# imitations --------------------------------------------------------------------------------------------------------------------------------

def imitations(names: list[str], count: int) -> dict[str, object]:
    """Voices that were learned from what was handed in read fresh sentences."""
    import soxr

    from twin.speak.timbre import Timbre
    from twin.trust import challenge
    from twin.types import Mood, Voice
    people, rows = readers(), []
    for name in names:
        samples = people[name]["samples"]
        with tempfile.TemporaryDirectory() as scratch:
            voice = learned(Path(scratch), people[name]["handed"])
            engine = Timbre()
            for _ in range(count):
                given = challenge.fresh("")
                pieces = [piece.audio.samples for piece in engine.speak(given.text, Voice("timbre", folder=str(voice), rate=0.9), Mood(), "en") if piece.audio]
                sound = np.asarray(soxr.resample(np.concatenate(pieces), 24_000, HZ), np.float32)
                reading = challenge.heard(sound, given.text, given.words)
                rows.append((reading.right, alike(sound, samples), reading.share))
        print(f"imitations of {name}: sentence {mean([r for r, *_ in rows[-count:]]):.2f} speaker {mean([s for _, s, _ in rows[-count:]]):.2f} "
              f"words {np.mean([share for *_, share in rows[-count:]]):.2f}", flush=True)
    return {"imitations": len(rows), "imitations_sentence": mean([r for r, *_ in rows]), "imitations_speaker": mean([s for _, s, _ in rows]),
            "imitations_accepted": mean([r and s for r, s, _ in rows])}


def learned(folder: Path, lines: list[tuple[str, Path]]) -> Path:
    import shutil
    source = folder / "samples"
    source.mkdir()
    rows = []
    for text, path in lines:
        shutil.copy(path, source / path.name)
        rows.append({"file": path.name, "text": text, "language": "en"})
    (source / "samples.json").write_text(json.dumps(rows), encoding="utf-8")
    subprocess.run([sys.executable, "-m", "twin.train.voice", str(source), str(folder / "voice")], check=True, cwd=ROOT, stdout=subprocess.DEVNULL)
    return folder / "voice"


@cache
def heard(path: Path) -> np.ndarray:
    """float32 at 16 kHz."""
    import soundfile
    import soxr
    sound, rate = soundfile.read(path, dtype="float32")
    return np.asarray(sound if rate == HZ else soxr.resample(sound, rate, HZ), np.float32)


def mean(values) -> float:
    return float(np.mean([bool(value) for value in values])) if len(values) else 0.0
