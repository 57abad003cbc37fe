"""Whether a consent check tells the owner of a voice from others, and the sentence that was shown from other words.

`eer`: equal error of the speaker encoder over all 5 s windows of different utterances of the six readers of ten_each (half overlapping), with a 95 %
interval by bootstrap over utterances; `eer_codec`, `eer_room`, `eer_noise`: the same with one side changed so (Opus at 12 kbit/s and back through 8 kHz;
a room of 0.5 s; pink noise at 12 dB), `eer_changed` with all three on one side. It is one session: each reader's ten are of one chapter.

The whole check, at the thresholds in twin/trust: readers whose words are known (five of ten_each, LJ Speech, Austen's) hand in half of their
recordings. From the others come the readings: sentences of at least 6 s as they were read, and lists, which are what the app asks for: a beginning of
eight words and then eight of the reader's own words, each cut out of running speech. Nobody at hand has read one of the app's own sentences.
`false_reject`: the owner reads what was shown. `false_accept`: the larger of `other_reader` (others read it) and `other_words` (the owner reads
something else: another reading, or the same beginning with eight other words). `near_words`: every second random word was another one. `strangers`: of
200 more readers, of whom the directions and the thresholds were learned, how many have one of these voices. `*_changed`: the readings went through
codec, room and noise together. Imitations are counted apart: voices that twin.train.voice learned from the very recordings that were handed in read
fresh sentences; `imitations_sentence`, `imitations_speaker` and `imitations_accepted` are shares of them.
"""
from __future__ import annotations

import json
import multiprocessing
import tempfile
import time
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from functools import cache
from pathlib import Path

import numpy as np

from .timbre import train

ROOT = Path(__file__).resolve().parents[1]
SPEECH = ROOT.parent / "shared" / "data" / "speech"
TEXTS = Path(__file__).with_name("consent_texts.json")
HZ, WINDOW, HOP = 16_000, 5.0, 2.5
READING = 6.0            # s: what the app's sentence takes at least
TELLING = 6              # letters from which a word of a book stands in for one of the app's random words
LISTED, LISTS = 5, 6     # letters of a word that is cut out; lists put together for a reader
BEGINS, RANDOM = 8, 8    # words before a list, and in it: about what the app's sentence has
PAUSE = 0.25             # s between them
STRANGER = 8.0           # s of each other reader
ROUNDS = 1000
Sounds = dict[str, np.ndarray]


def options(parser) -> None:
    parser.add_argument("--imitate", default="1998,1688,ljspeech", help="readers whose voices are learned to imitate them, by commas; none: ''")
    parser.add_argument("--sentences", type=int, default=8, help="fresh sentences that each imitation reads")
    parser.add_argument("--learn", action="store_true", help="make assets/weights/speakers.safetensors anew, from 159 readers of one_each")
    parser.add_argument("--quick", action="store_true", help="the encoder on clean speech alone")


def run(options) -> dict[str, object]:
    if not SPEECH.is_dir():
        raise SystemExit(f"There are no recordings at {SPEECH}.")
    figures: dict[str, object] = {}
    began = time.perf_counter()
    if options.learn:
        return learn()
    if options.quick:
        return encoder(True)
    people = readers()
    with (tempfile.TemporaryDirectory() as folder, ThreadPoolExecutor(1) as aside,
          ProcessPoolExecutor(2, mp_context=multiprocessing.get_context("spawn")) as workers):
        voices = {name: aside.submit(train, Path(folder) / name, people[name]["handed"]) for name in options.imitate.split(",") if name}
        figures |= encoder(False) | whole(people, workers)
        if voices:
            for voice in voices.values():
                voice.result()
            figures |= imitations({name: Path(folder) / name / "voice" for name in voices}, options.sentences, people, workers)
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
    return embeddings(sounds)


def learn() -> dict[str, object]:
    """The directions of twin/trust/voiceprint.py: where readers differ more than one reader does through codecs, rooms and noise of many strengths.
    Figures are of readers who were left out, a fifth at a time: equal error, and what passes and fails at the thresholds."""
    from safetensors.numpy import save_file

    from twin.trust import voiceprint
    draw, halves = np.random.default_rng(11), []
    for path in sorted((SPEECH / "librispeech" / "one_each").glob("*.flac")):
        sound = heard(path)
        if len(sound) >= 10.2 * HZ:
            halves.append((sound[:5 * HZ], sound[-5 * HZ:]))

    def some_room(sound, draw):
        return sound + draw.uniform(0.3, 1) * (room(sound, draw, draw.uniform(0.2, 0.8)) - sound)

    def some_noise(sound, draw):
        return noise(sound, draw, draw.uniform(8, 25))
    ways = {"clean": [], "codec": [codec], "room": [some_room], "noise": [some_noise], "changed": [some_room, some_noise, codec]}
    codes = np.stack([voiceprint.encoded([through(both[half], way, int(draw.integers(2**31))) for both in halves])
                      for way in ways.values() for half in (0, 1)], 1)
    figures: dict[str, object] = {"learned_from": len(halves)}
    folds = np.random.default_rng(0).permutation(len(codes)) % 5
    scores: dict[str, list[tuple[np.ndarray, np.ndarray]]] = {}
    for fold in range(5):
        middle, directions = discriminants(codes[folds != fold])
        for k, name in enumerate(ways):
            for half in (0, 1):
                one, two = (voiceprint.seen(codes[folds == fold, at], middle, directions) for at in (2 * k + half, 1 - half))
                own = np.eye(len(one), dtype=bool)
                scores.setdefault(name, []).append(((one @ two.T)[own], (one @ two.T)[~own]))
    for name, found in scores.items():
        same, other = (np.sort(np.concatenate(part)) for part in zip(*found, strict=True))
        missed, passed = np.searchsorted(same, same) / len(same), 1 - np.searchsorted(other, same) / len(other)
        k = int(np.argmin(np.abs(missed - passed)))
        figures |= {f"left_out_eer_{name}": float(missed[k] + passed[k]) / 2, f"left_out_reject_{name}": mean(same < voiceprint.SAME),
                    f"left_out_accept_{name}": mean(other >= voiceprint.SAME)}
    middle, directions = discriminants(codes)
    save_file({"middle": middle.astype(np.float16), "directions": np.ascontiguousarray(directions.astype(np.float16))}, voiceprint.SPACE,
              {"from": "159 readers of LibriSpeech (Panayotov et al., 2015), CC BY 4.0", "encoder": "resemblyzer"})
    return figures


def discriminants(codes: np.ndarray, width: int = 96, shrink: float = 1.0) -> tuple[np.ndarray, np.ndarray]:
    """(middle [256], directions [256, width]) of codes [readers, recordings, 256]; what varies within a reader is drawn towards the same on all sides."""
    middle, mine = codes.reshape(-1, codes.shape[-1]).mean(0), codes.mean(1)
    apart = (codes - mine[:, None]).reshape(-1, codes.shape[-1])
    within, between = apart.T @ apart / len(apart), (mine - middle).T @ (mine - middle) / len(mine)
    size, ways = np.linalg.eigh(within + shrink * np.trace(within) / len(within) * np.eye(len(within)))
    even = (ways / np.sqrt(size)) @ ways.T
    return middle, even @ np.linalg.eigh(even @ between @ even)[1][:, ::-1][:, :width]


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

def whole(people: dict[str, dict], workers: ProcessPoolExecutor) -> dict[str, object]:
    figures: dict[str, object] = {"readers": len(people), "sentences": sum(len(one["readings"]) for one in people.values()),
                                  "lists": sum(len(one["lists"]) for one in people.values())}
    samples = {name: Owner(one["samples"]) for name, one in people.items()}
    for tag, ways in (("", []), ("_changed", [room, noise, codec])):
        jobs, asked = [], []
        for name, one in people.items():
            for kind in ("readings", "lists"):
                for k, (text, words, sound) in enumerate(one[kind]):
                    sound = through(sound, ways, k)
                    jobs.append((name, kind, text, words, sound))
                    other = one[kind][(k + 1) % len(one[kind])][:2]
                    asked += [(sound, text, words), (sound, *(other if kind == "readings" and other[0] != text else replaced(text, words, k, 1)))]
                    asked += [] if tag else [(sound, *replaced(text, words, k, 2))]
        found, kinds = list(workers.map(fits, asked, chunksize=3)), 2 if tag else 3
        voices = embedded([sound for *_, sound in jobs])
        known = {name: voice.passes(voices) for name, voice in samples.items()}
        own = np.array([known[job[0]][k] for k, job in enumerate(jobs)])
        right, wrong, *near = (np.array(found[k::kinds]) for k in range(kinds))
        listed = np.array([job[1] == "lists" for job in jobs])
        theirs = np.concatenate([(right & known[name])[np.array([job[0] != name for job in jobs])] for name in people])
        passed = right & own
        for k in np.flatnonzero(~passed):
            who, kind, *_ = jobs[k]
            print(f"  turned away{tag}: {who} {kind} sentence {right[k]} speaker {own[k]} {samples[who].scores(voices[k])}", flush=True)
        figures |= {f"false_reject{tag}": mean(~passed), f"false_reject_sentences{tag}": mean(~passed[~listed]),
                    f"false_reject_lists{tag}": mean(~passed[listed]),
                    f"false_accept{tag}": max(mean(theirs), mean(wrong & own)), f"other_reader{tag}": mean(theirs), f"other_words{tag}": mean(wrong & own),
                    f"owner_words{tag}": mean(right), f"owner_voice{tag}": mean(own),
                    f"trials{tag}": len(passed), f"other_reader_trials{tag}": len(theirs)}
        figures |= {"near_words": mean(near[0] & own)} if near else {}
        print(f"whole check{tag}: " + "  ".join(f"{key} {value:.4g}" for key, value in figures.items()), flush=True)
    strangers = embedded([heard(path)[: round(STRANGER * HZ)] for path in sorted((SPEECH / "librispeech" / "one_each").glob("*.flac"))])
    return figures | {"strangers": mean(np.concatenate([voice.passes(strangers) for voice in samples.values()])),
                      "stranger_trials": len(strangers) * len(samples)}


def fits(asked) -> bool:
    from twin.trust import challenge
    return challenge.heard(*asked).right


class Owner:
    """What somebody handed in, as twin/trust/voiceprint.py compares with it."""

    def __init__(self, samples: Sounds):
        from twin.trust.voiceprint import SHORT
        each, lengths = embedded(list(samples.values())), np.array([len(sound) for sound in samples.values()])
        self.centre = (each * lengths[:, None]).sum(0)
        self.centre /= np.linalg.norm(self.centre)
        self.each = each[lengths >= SHORT * HZ]

    def scores(self, voices: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        return np.round(voices @ self.centre, 3), np.round((voices @ self.each.T).min(-1), 3)

    def passes(self, voices: np.ndarray) -> np.ndarray:
        from twin.trust.voiceprint import EACH, SAME
        return (voices @ self.centre >= SAME) & ((voices @ self.each.T).min(-1) >= EACH)


def readers() -> dict[str, dict]:
    """Reader -> {"samples": what was handed in, "readings" and "lists": [(text, its random words, sound)], of other recordings}."""
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
                text = " ".join(texts)
                readings.append((text, telling(text), np.concatenate(parts)))
                texts, parts = [], []
        found[name] = {"samples": {path.stem: heard(path) for _, path in hand}, "readings": readings, "lists": lists(rest), "handed": hand}
    return {name: one for name, one in found.items() if one["readings"]}


def lists(lines: list[tuple[str, Path]]) -> list[tuple[str, list[str], np.ndarray]]:
    """Sentences of the kind that is asked for, put together from a reader's own recordings: how one of them begins, then words from all of them, each
    cut out where the recogniser hears it and between pauses of what that reader's room sounds like."""
    words: dict[str, np.ndarray] = {}
    begins, quiet = [], np.zeros(0, np.float32)
    for text, path in lines:
        sound, placed = heard(path), aligned(heard(path), text)
        still = min((sound[k:k + round(PAUSE * HZ)] for k in range(0, len(sound) - round(PAUSE * HZ), 800)), key=lambda part: float((part ** 2).sum()))
        quiet = still if not len(quiet) or (still ** 2).mean() < (quiet ** 2).mean() else quiet
        if len(placed) >= BEGINS:
            begins.append((" ".join(word for word, *_ in placed[:BEGINS]), sound[:placed[BEGINS - 1][2]]))
        words |= {word: sound[start:end] for word, start, end in placed if len(word) >= LISTED}
    draw, found = np.random.default_rng(3), []
    for k in range(LISTS if begins else 0):
        begin, sound = begins[k % len(begins)]
        taken = [str(word) for word in draw.permutation([word for word in words if word not in begin.split()])[:RANDOM]]
        if len(taken) == RANDOM:
            found.append((" ".join([begin, *taken]), taken, np.concatenate([sound, *(part for word in taken for part in (quiet, eased(words[word]))), quiet])))
    return found


def eased(sound: np.ndarray) -> np.ndarray:
    """Its first and last 5 ms come and go."""
    ramp = np.minimum(1, np.arange(1, len(sound) + 1, dtype=np.float32) / (0.005 * HZ))
    return sound * ramp * ramp[::-1]


def aligned(sound: np.ndarray, text: str) -> list[tuple[str, int, int]]:
    """(word, start, end) in samples, of a text that is said."""
    decoder = aligner()
    decoder.set_align_text(text)
    pad = round(0.25 * HZ)
    decoder.start_utt()
    decoder.process_raw((np.clip(np.pad(sound, pad), -1, 1) * 32767).astype(np.int16).tobytes(), full_utt=True)
    decoder.end_utt()
    parts = [(part.word.split("(")[0], part.start_frame * 160 - pad, (part.end_frame + 1) * 160 - pad) for part in decoder.seg()]
    return [(word, max(0, start), end) for word, start, end in parts if word[0] not in "<["]


@cache
def aligner():
    from pocketsphinx import Decoder
    return Decoder(samprate=HZ, loglevel="FATAL", lm=None)


def telling(text: str) -> list[str]:
    return [word for word in text.split() if len(word) >= TELLING]


def replaced(text: str, words: list[str], seed: int, every: int) -> tuple[str, list[str]]:
    """Every so-manieth of the random words is another one."""
    from twin.trust.challenge import WORDS
    draw = np.random.default_rng(seed)
    other = {word: str(draw.choice(WORDS)) if k % every == 0 else word for k, word in enumerate(words)}
    return " ".join(other.get(word, word) for word in text.split()), list(other.values())


# imitations --------------------------------------------------------------------------------------------------------------------------------

def imitations(learned_: dict[str, Path], count: int, people: dict[str, dict], workers: ProcessPoolExecutor) -> dict[str, object]:
    """Voices that were learned from what was handed in read fresh sentences."""
    import soxr

    from twin.speak.timbre import Timbre
    from twin.trust import challenge
    from twin.types import Mood, Voice
    asked, sounds, whose = [], [], []
    for name, voice in learned_.items():
        engine = Timbre()
        for _ in range(count):
            given = challenge.fresh("")
            pieces = [piece.audio.samples for piece in engine.speak(given.text, Voice("timbre", folder=str(voice), rate=0.9), Mood(), "en") if piece.audio]
            sounds.append(np.asarray(soxr.resample(np.concatenate(pieces), 24_000, HZ), np.float32))
            asked.append((sounds[-1], given.text, given.words))
            whose.append(name)
    right, voices = np.array(list(workers.map(fits, asked, chunksize=2))), embedded(sounds)
    same = np.array([bool(Owner(people[name]["samples"]).passes(voices[k:k + 1])[0]) for k, name in enumerate(whose)])
    for name in learned_:
        mine = np.array(whose) == name
        print(f"imitations of {name}: sentence {mean(right[mine]):.2f} speaker {mean(same[mine]):.2f} both {mean((right & same)[mine]):.2f}", flush=True)
    return {"imitations": len(asked), "imitations_sentence": mean(right), "imitations_speaker": mean(same), "imitations_accepted": mean(right & same)}


@cache
def heard(path: Path) -> np.ndarray:
    """float32 at 16 kHz."""
    import soundfile
    import soxr
    sound, rate = soundfile.read(path, dtype="float32")
    return np.asarray(sound if rate == HZ else soxr.resample(sound, rate, HZ), np.float32)


def mean(values) -> float:
    return float(np.mean([bool(value) for value in values])) if len(values) else 0.0
