"""Ears: how soon the end of a turn is heard and an interruption noticed, and how often wrongly, in sound pushed in chunks of 50 ms.

Recorded readers (LJ Speech, Austen's, LibriSpeech; half of them were used to set thresholds, these are the others), the embedded voice, noise of
two kinds (pink, and eight people talking), rooms, and an echo of the twin's own voice 10 to 25 dB under the user's, 50 to 300 ms late, known to
the ears only within -0.3..+0.8 s. The twin ducks by 20 dB and stops as it would in the browser. Coughs, clicks, keys, bangs and music are made
(bench/sounds.py), half of the "mm-hm" drawn from the readers' nasals, half spoken by the embedded voice. Without ../shared/data the embedded
voice alone speaks, and `recordings` says 0. Recognition is pocketsphinx's and takes the time it takes; `--idle` counts its processor time.

endpoint_ms_*      last voiced sample -> the end of the turn is told
false_ends         share of pauses within a sentence, 0.3 to 0.9 s long, at which the turn was ended; `_short`: of those up to 0.6 s; `_natural`: ends a
                   sentence at pauses of the reader's own; `_streamed`: with a recogniser that has its text 0.1 s after a pause is told
missed             share of turns of which no end was told within 3 s (in dialogues 1.6 s); ghosts: utterances a minute in which nobody spoke
barge_in_ms_*      first voiced sample of the user -> told to duck; barge_in_missed: within 1.5 s not
stop_ms_*          first voiced sample -> told to stop
false_stop_rate    of coughs, clicks, keys, bangs, music, echo alone and "mm-hm": told to stop, or a burst in which pocketsphinx hears a "stop"
word_errors_*      of pocketsphinx: words to insert, delete or change, over the words read
ears_share         processor time of the ears on one core, of the sound's length
"""
from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from . import sounds
from .sounds import HZ, db, quiet, said, trimmed

CHUNK = 800                                              # samples: 50 ms
ROOM = -62.0                                             # dB of full scale: noise of a quiet room
DUCK, RAMP, LATE = -20.0, 0.03, 0.06                     # dB, s: how a page ducks, and after how long
STREAMED = 0.1                                           # s
WITHIN = 3.0                                             # s after the last voiced sample
NOISES = (None, 20, 10, 5)
ECHOES = (None, -25, -18, -10)                           # dB of the twin's voice in the microphone, over the user's
TALK = ("That is a long story, and it begins with a boat, a storm, and a very stubborn old captain who would not turn back.",
        "The library closes at six, but the reading room upstairs stays open until nine, and on Thursdays there is a concert in the hall.",
        "You take the second street on the left, walk for about five minutes, and then you see a small yellow house beside the river.",
        "Most people believe that it was built in a single summer, although the records say that it took more than eleven years.")
TURNS = ("What is your name?", "Tell me a story about the sea.", "I would like to know, if you have a minute, how you learned to cook.", "Where are you from?",
         "My brother lives in Canada, and he says that the winters are terrible.", "How much does it cost to repair a bicycle?", "Yes, please.",
         "I was thinking about my garden, because the roses look sad this year.", "Can you help me with my homework?", "That is very kind of you, thank you.")
VOCABULARY = ("what is your name", "where are you from", "tell me a story", "how old are you", "can you help me")
VOICES = ("m1", "f4", "m7", "f2")
TWIN = "f3"
NOTHING = ("cough", "click", "keys", "bang", "music", "murmur", "echo")


def options(parser) -> None:
    parser.add_argument("--tune", action="store_true", help="the half of the material that thresholds were set on")
    parser.add_argument("--only", default="", help="one of pauses, dialogues, barge, stops, words")
    parser.add_argument("--count", type=int, default=1, help="how many times as many trials of barge and stops")
    parser.add_argument("--idle", action="store_true", help="recognition takes its processor time, as on a machine that does nothing else")
    parser.add_argument("--deaf", action="store_true", help="recognise nothing in `dialogues` and `stops`: quicker")
    parser.add_argument("--detail", action="store_true", help="a line for every miss")


def run(options) -> dict[str, object]:
    bench = Bench(options)
    parts = {"pauses": bench.pauses, "dialogues": bench.dialogues, "barge": bench.barge, "stops": bench.stops, "words": bench.words}
    figures: dict[str, object] = {"recordings": len(sounds.aligned()) + len(sounds.readers())}
    for name, part in parts.items():
        if not options.only or name == options.only:
            began = time.perf_counter()
            found = part()
            print(f"{name} ({time.perf_counter() - began:.0f} s): " + "  ".join(f"{k} {v:.3g}" for k, v in found.items()), flush=True)
            figures |= found
    if bench.pushed:
        figures["ears_share"] = bench.spent / bench.pushed
    # voice in -> first sound (plain_ms_p50, speculative_ms_p50, false_start_rate) takes a server: that part goes into `parts` above
    return figures


@dataclass
class Scene:
    """One microphone and one loudspeaker. The clock is the sound's own, in samples."""
    user: np.ndarray
    noise: np.ndarray
    twin: np.ndarray | None = None                       # what it says, from sample `begins` on
    begins: int = 0
    room: np.ndarray | None = None                       # impulse response, with delay and level
    off: float = 0.0                                     # s by which the position of what is played is known wrongly
    gain: float = 1.0
    wanted: list[tuple[float, float]] = field(default_factory=lambda: [(0.0, 1.0)])     # s, gain from then on
    at: int = 0

    def __post_init__(self) -> None:
        count = len(self.user)
        self.noise = np.resize(self.noise, count)
        self.gains = np.ones(count + CHUNK, np.float32)

    @property
    def now(self) -> float:
        return self.at / HZ

    @property
    def talking(self) -> bool:
        return self.twin is not None and self.begins <= self.at < self.begins + len(self.twin) and self.wanted[-1][1] > 0

    def turn(self, gain: float) -> None:
        self.wanted.append((self.now + LATE, gain))

    def played(self, first: int, last: int) -> np.ndarray:
        """The twin's sound of these samples, before any ducking."""
        out = np.zeros(last - first, np.float32)
        if self.twin is not None:
            a, b = max(first, self.begins), min(last, self.begins + len(self.twin))
            if b > a:
                out[a - first:b - first] = self.twin[a - self.begins:b - self.begins]
        return out

    def reference(self) -> np.ndarray:
        from twin.listen.endpoint import AHEAD
        end = self.at + round((self.off + AHEAD) * HZ)
        return self.played(end - 2 * HZ, end)

    def chunk(self) -> np.ndarray:
        """int16 [CHUNK] of the microphone; moves the clock on."""
        from scipy.signal import fftconvolve
        first, last = self.at, self.at + CHUNK
        wanted = next(g for at, g in reversed(self.wanted) if at <= first / HZ)
        step = 1 / (RAMP * HZ)
        change = np.clip(wanted - self.gain, -step * CHUNK, step * CHUNK)
        self.gains[first:last] = self.gain + np.clip(np.sign(change) * step * np.arange(CHUNK), -abs(change), abs(change))
        self.gain += float(change)
        mic = self.user[first:last] + self.noise[first:last]
        if self.twin is not None and self.room is not None:
            start = max(0, first - len(self.room))
            loud = self.played(start, last) * self.gains[start:last]
            if loud.any():
                mic = mic + fftconvolve(loud, self.room)[first - start:last - start]
        self.at = last
        return (np.clip(mic, -1, 1) * 32767).astype(np.int16)


@dataclass(frozen=True)
class Happened:
    at: float                                            # s
    kind: str
    audio: Any = None
    text: str = ""


class Bench:
    def __init__(self, options) -> None:
        from twin.listen.endpoint import Endpointer
        from twin.listen.sphinx import Sphinx
        self.options, self.make, self._sphinx = options, Endpointer, Sphinx()
        self.spent = self.pushed = 0.0
        self.half = 0 if options.tune else 1
        self.random = np.random.default_rng(10 + self.half)
        self.fast: float | None = None                   # s after which a text comes, instead of the time it takes
        self._heard: dict[int, tuple[str, bool, float]] = {}

    def recognise(self, audio) -> tuple[str, bool, float]:
        """Text, whether it is sure, and the s it took."""
        key = hash(audio.samples.tobytes())
        fast = self.fast is not None
        if key not in self._heard:
            clock = time.process_time if self.options.idle else time.perf_counter
            began = clock()
            final = list(self._sphinx.listen(audio, "en", VOCABULARY))[-1]
            self._heard[key] = final.text, final.sure, clock() - began
        return (*self._heard[key][:2], self.fast) if fast else self._heard[key]

    def play(self, scene: Scene, until: float | None = None, recognise: bool = True) -> Iterator[Happened]:
        """Push a scene through fresh ears; the caller's part is played here too: recognise, duck, stop, go on."""
        from twin.listen.endpoint import halts
        ear = self.make()
        ear.reference = scene.reference
        ready: list[tuple[float, str, Any]] = []         # texts on their way from the recogniser
        free = 0.0
        while scene.at + CHUNK <= len(scene.user) and (until is None or scene.now < until):
            ear.talking = scene.talking
            chunk = scene.chunk()
            began = time.process_time()
            found = ear.push(chunk)
            self.spent += time.process_time() - began
            self.pushed += CHUNK / HZ
            for at, why, heard in [r for r in ready if r[0] <= scene.now]:
                ready.remove((at, why, heard))
                if why == "pause":
                    ear.hears(heard[0], "en", heard[1])
                elif halts(heard[0], "en"):
                    scene.turn(0.0)
                    yield Happened(scene.now, "halted", text=heard[0])
                elif scene.talking:
                    scene.turn(1.0)
            for kind, audio in found:
                text = ""
                if kind == "voice":
                    scene.turn(db(DUCK))
                elif kind == "nothing":
                    scene.turn(1.0)
                elif kind == "speech" and scene.talking:
                    scene.turn(0.0)
                elif kind == "on":
                    ready = [r for r in ready if r[1] != "pause"]
                elif recognise and kind in ("pause", "burst"):
                    heard = self.recognise(audio)
                    free = max(free, scene.now) + heard[2]
                    ready.append((free, kind, heard))
                    text = heard[0]
                elif kind == "burst":
                    scene.turn(1.0)
                yield Happened(scene.now, kind, audio, text)

    # what is heard ------------------------------------------------------------------------------------------------------------------

    def hush(self, count: int) -> np.ndarray:
        return self.random.normal(0, db(ROOM), count).astype(np.float32)

    def noise(self, count: int, snr: float | None, kind: str) -> np.ndarray:
        wave = self.hush(count)
        return wave if snr is None else wave + getattr(sounds, kind)(count, self.random) * sounds.LOUD * db(-snr)

    def acoustics(self, loud: float | None) -> tuple[np.ndarray | None, float]:
        """A room with its delay, and by how much the position is known wrongly."""
        late = self.random.uniform(0.05, 0.30)
        off = float(self.random.uniform(-0.3, 0.8) - late)
        if loud is None:
            return None, off
        answer = sounds.room(self.random, float(self.random.uniform(0.15, 0.5))) * db(loud)
        return np.concatenate([quiet(late), answer]).astype(np.float32), off

    def mine(self, rows) -> list:
        """The half that thresholds were set on, or the other."""
        return [row for k, row in enumerate(rows) if k % 2 == self.half]

    def reader(self) -> np.ndarray:
        """A stretch of somebody's speech, from its first voiced sample on, 2.5 s."""
        rows = self.mine(sounds.readers())
        if not rows:
            return trimmed(said(str(self.random.choice(TALK)), str(self.random.choice(VOICES))))[: round(2.5 * HZ)]
        return trimmed(sounds.read(rows[int(self.random.integers(len(rows)))])[: round(2.5 * HZ)])

    def talk(self, seconds: float = 16.0) -> np.ndarray:
        wave = np.concatenate([said(TALK[int(k)], TWIN) for k in self.random.permutation(len(TALK))])
        return wave[: round(seconds * HZ)]

    # the parts ----------------------------------------------------------------------------------------------------------------------

    def pauses(self) -> dict[str, float]:
        """Real sentences with one or two pauses put between words, where a person looks for the next one. `_streamed`: with a recogniser that has its
        text STREAMED s after a pause was told."""
        state = self.random.bit_generator.state
        found = self._pauses()
        self.random.bit_generator.state, self.fast = state, STREAMED
        streamed = self._pauses()
        self.fast = None
        return found | {f"{key}_streamed": value for key, value in streamed.items()}

    def _pauses(self) -> dict[str, float]:
        counts = defaultdict(list)
        rows = self.mine(sounds.aligned())
        for name, _ in rows:
            wave, words = sounds.recording(name), sounds.words(name)
            cuts = sorted({int(k) for k in self.random.integers(2, max(3, len(words) - 1), 2)}) if len(words) > 4 else []
            parts, first, at, gaps = [quiet(1.0)], 0, 1.0, []
            for k in cuts:
                last = round(words[k][0] * HZ)
                if last - first < HZ // 2:
                    continue
                fade = np.ones(last - first, np.float32)
                fade[-160:], fade[:80] = np.linspace(1, 0, 160), np.linspace(0, 1, 80) if first else 1
                gap = float(self.random.uniform(0.3, 0.9))
                parts += [wave[first:last] * fade, quiet(gap)]
                at += (last - first) / HZ
                gaps.append((at, at + gap))
                at, first = at + gap, last
            rest = trimmed(wave[first:]) if not first else wave[first:]
            own = np.flatnonzero(sounds.voiced(rest, sounds.BREATH))
            end = at + (own[-1] + 1) * 320 / HZ
            user = np.concatenate([*parts, rest, quiet(WITHIN)])
            happened = list(self.play(Scene(user, self.hush(len(user)))))
            ends = [h.at for h in happened if h.kind == "utterance"]
            for a, b in gaps:
                false = any(a < t < b + 0.35 for t in ends)
                counts["false_ends"].append(false)
                if b - a <= 0.6:
                    counts["false_ends_short"].append(false)
            counts["within"].append(sum(t < end - 0.1 for t in ends) - sum(any(a < t < b + 0.35 for a, b in gaps) for t in ends))
            late = [t - end for t in ends if t >= end - 0.1]
            counts["missed"].append(not late)
            if late:
                counts["late"].append(late[0] * 1000)
            if self.options.detail:
                print(f"  {name}: gaps {[(round(a, 2), round(b - a, 2)) for a, b in gaps]} ends {np.round(ends, 2)} over at {end:.2f}",
                      [h.text[-30:] for h in happened if h.kind == "pause"])
        if not rows:
            return {}
        return {"endpoint_ms_p50": _p(counts["late"], 50), "endpoint_ms_p95": _p(counts["late"], 95), "false_ends": _mean(counts["false_ends"]),
                "false_ends_short": _mean(counts["false_ends_short"]), "false_ends_natural": float(sum(counts["within"])) / len(rows),
                "missed": _mean(counts["missed"])}

    def dialogues(self) -> dict[str, float]:
        """Turns of the user, each answered by the twin, whose echo is heard; noise all along."""
        out: dict[str, float] = {}
        for snr in NOISES:
            for kind in ("pink", "babble") if snr else ("pink",):
                key, counts, minutes = f"{kind}_{snr}" if snr else "echo", defaultdict(list), 0.0
                for turn in self.mine(TURNS) * (1 if snr else 2):
                    voice = str(self.random.choice(VOICES))
                    ask, answer = trimmed(said(turn, voice)), said(str(self.random.choice(TALK)), TWIN)[: round(3.5 * HZ)]
                    again = trimmed(said(str(self.random.choice(self.mine(TURNS))), voice))
                    spans, at = [], 1.0
                    wave = [quiet(1.0)]
                    for part, gap in ((ask, 1.6 + len(answer) / HZ + 0.7), (again, WITHIN)):
                        spans.append((at, at + len(part) / HZ))
                        wave += [part, quiet(gap)]
                        at += len(part) / HZ + gap
                    user = np.concatenate(wave)
                    answered, off = self.acoustics(ECHOES[int(self.random.integers(len(ECHOES)))])
                    scene = Scene(user, self.noise(len(user), snr, kind), answer, round((spans[0][1] + 1.6) * HZ), answered, off)
                    ends = [h.at for h in self.play(scene, recognise=not self.options.deaf) if h.kind == "utterance"]
                    for a, b in spans:
                        own = [t for t in ends if a + 0.2 < t < b + 1.6]
                        counts["false"].append(any(t < b - 0.1 for t in own))
                        good = [t for t in own if t >= b - 0.1]
                        counts["missed"].append(not good)
                        counts["late"] += [(t - b) * 1000 for t in good[:1]]
                    counts["ghosts"].append(sum(not any(a + 0.2 < t < b + 1.6 for a, b in spans) for t in ends))
                    minutes += len(user) / HZ / 60
                    if self.options.detail:
                        print(f"  {key} {turn!r} {np.round(spans, 2).tolist()} twin {scene.begins / HZ:.2f}+{len(answer) / HZ:.1f} ends {np.round(ends, 2)}")
                out |= {f"endpoint_ms_p50_{key}": _p(counts["late"], 50), f"endpoint_ms_p95_{key}": _p(counts["late"], 95),
                        f"false_ends_{key}": _mean(counts["false"]), f"missed_{key}": _mean(counts["missed"]),
                        f"ghosts_{key}": sum(counts["ghosts"]) / minutes}
        return out

    def barge(self) -> dict[str, float]:
        """A reader speaks over the twin."""
        counts = defaultdict(list)
        for k in range(48 * self.options.count):
            loud, snr = ECHOES[k % 4], (None, 20, 10)[k // 4 % 3]
            answered, off = self.acoustics(loud)
            begins = float(self.random.uniform(1.5, 6.0)) + 0.5
            wave = self.reader()
            user = np.concatenate([quiet(begins), wave, quiet(1.0)])
            begins += sounds.begins(wave) / HZ
            scene = Scene(user, self.noise(len(user), snr, "pink" if k % 2 else "babble"), self.talk(), HZ // 2, answered, off)
            happened = list(self.play(scene, recognise=False))
            early = [h for h in happened if h.kind == "voice" and h.at < begins - 0.4]
            ducked = [h.at - begins for h in happened if h.kind == "voice" and h.at >= begins - 0.4]
            stopped = [h.at - begins for h in happened if h.kind == "speech" and h.at >= begins - 0.4]
            counts["early"].append(len(early) / (begins - 0.5))
            counts["missed"].append(not ducked or ducked[0] > 1.5)
            counts["unstopped"].append(not stopped or stopped[0] > 3)
            counts["duck"] += [d * 1000 for d in ducked[:1]]
            counts[f"duck_{snr or 'quiet'}"] += [d * 1000 for d in ducked[:1]]
            counts["stop"] += [s * 1000 for s in stopped[:1]]
            if self.options.detail and (early or not ducked or ducked[0] > 0.35 or not stopped or stopped[0] > 0.95):
                print(f"  barge {k}: echo {loud} noise {snr} off {off:.2f} user from {begins:.2f}:", [(round(h.at, 2), h.kind) for h in happened])
        return {"barge_in_ms_p50": _p(counts["duck"], 50), "barge_in_ms_p95": _p(counts["duck"], 95),
                **{f"barge_in_ms_p95_{snr}": _p(counts[f"duck_{snr}"], 95) for snr in ("quiet", 20, 10)}, "barge_in_missed": _mean(counts["missed"]),
                "stop_ms_p50": _p(counts["stop"], 50), "stop_ms_p95": _p(counts["stop"], 95), "not_stopped": _mean(counts["unstopped"]),
                "false_ducks_per_minute": _mean(counts["early"]) * 60}

    def stops(self) -> dict[str, float]:
        """What must not stop the twin."""
        counts = defaultdict(list)
        for k in range(20 * self.options.count):
            for kind in NOTHING:
                loud = ECHOES[k % 4] if kind != "echo" else ECHOES[1 + k % 3]
                answered, off = self.acoustics(loud)
                begins = float(self.random.uniform(2.0, 4.0))
                what = quiet(2.0) if kind == "echo" else getattr(sounds, kind)(self.random)
                user = np.concatenate([quiet(begins), what, quiet(1.2)])
                scene = Scene(user, self.noise(len(user), (None, 20)[k // 4 % 2], "pink"), self.talk(), HZ // 2, answered, off)
                happened = list(self.play(scene, recognise=not self.options.deaf))
                stopped = any(h.kind in ("speech", "halted") for h in happened)
                counts[kind].append(stopped)
                counts["ducks"].append(any(h.kind == "voice" for h in happened))
                if self.options.detail and stopped:
                    print(f"  {kind} {k}: echo {loud} off {off:.2f} from {begins:.2f} for {len(what) / HZ:.2f}:",
                          [(round(h.at, 2), h.kind, h.text) for h in happened])
        every = [one for kind in NOTHING for one in counts[kind]]
        return {"false_stop_rate": _mean(every), **{f"false_stops_{kind}": _mean(counts[kind]) for kind in NOTHING}, "ducked_share": _mean(counts["ducks"])}

    def words(self) -> dict[str, float]:
        """Word error rate of pocketsphinx on whole sentences, as recorded."""
        from twin.listen.grammar import words_of
        from twin.listen.sphinx import edits
        from twin.types import Audio
        wrong: dict[str, int] = defaultdict(int)
        total: dict[str, int] = defaultdict(int)
        for name, text in self.mine(sounds.aligned()):
            reader = name.split("/")[0].split("_")[0]
            heard, _, _ = self.recognise(Audio(sounds.recording(name), HZ))
            wrong[reader] += edits(words_of(heard), words_of(text))
            total[reader] += len(words_of(text))
        return {f"word_errors_{reader}": wrong[reader] / total[reader] for reader in total}


def _p(values: list[float], share: float) -> float:
    return float(np.percentile(values, share)) if values else float("nan")


def _mean(values: list) -> float:
    return float(np.mean(values)) if values else float("nan")
