"""Lips from sound: what the articulators do, heard in a voice that tells no phoneme times. Numpy only; some 10 ms for a second of sound.

A small causal network (twin/train/lips.py trains it, assets/weights/lips.safetensors) hears log-mel frames and says, AHEAD frames later, where the
articulators of phones.py are, how likely the lips are shut, the lower lip under the teeth, and nobody speaks. visemes.py draws the face from
that as it does from marks, so every promise it keeps there is kept here too. Features are shared with the training: the two cannot drift apart.
"""
from __future__ import annotations

import json
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np

from twin.devices import CARRIED
from twin.errors import Missing, Refused

from .curves import smooth
from .phones import JAW, LEAST_CLOSED, PART, PARTS, SHORT_SILENCE, Segments, _hurried

HZ = 16_000                                              # what is heard
HOP, WINDOW, SIZE = 160, 320, 512                        # samples: a frame every 10 ms, of 20 ms, its transform
FRAMES = HZ // HOP                                       # a second
BANDS = 40
LOW, HIGH = 50.0, 7800.0                                 # Hz of the outermost bands
PAIR = 2                                                 # frames that the network takes in one step
LATE = 3                                                 # steps by which it answers late: 70 ms, and half a window: 80 ms of look-ahead
AHEAD = PAIR * (LATE + 1) - 1                            # frames
BEFORE = 1.0                                             # s of earlier sound that it is worth handing in: the network reaches 1.2 s back
AFTER = (AHEAD * HOP + WINDOW / 2) / HZ                  # s of later sound that it can use
USUAL = float(np.log(SIZE / 2 * WINDOW * 0.375 * 0.1 ** 2))   # log power of a frame of speech at RMS 0.1
PEAK = 0.7                                               # by which the loud frames of speech lie over that
LEAK = 1.38 / FRAMES                                     # a frame: the level falls by 6 dB a second where nobody is loud
LEAST = USUAL - 6.0                                      # 26 dB under it: what is quieter is not brought up
FLOOR, SCALE = -10.0, 4.0                                # under the level: quieter than 43 dB is silence; units of the network
HEADS = (*PARTS, "shut", "tuck", "quiet")                # what is told of each frame
ON, OFF = 0.80, 0.60                                     # likelihood at which lips are held shut as marks would have it, and at which they part again
FROM, TO = 0.15, 0.30                                    # likelihood from which lips come together without being held, and at which they touch
SHORTEST = 0.015                                         # s of a closure that is believed
HINT = "Install Twin again: its weights are part of it."
WEIGHTS = CARRIED / "lips.safetensors"
MOST_BYTES = 4 << 20


@dataclass(frozen=True)
class Heard:
    """What was heard of a piece, a row every 10 ms from `start` s on its clock."""
    start: float
    parts: np.ndarray                                    # [frames, PARTS], as articulate() gives them
    shut: np.ndarray                                     # 0..1 [frames]
    tuck: np.ndarray
    quiet: np.ndarray
    level: np.ndarray                                    # dB under the voice's loud frames

    @property
    def times(self) -> np.ndarray:
        """s [frames]"""
        return self.start + np.arange(len(self.parts)) / FRAMES


def mel(samples: np.ndarray) -> np.ndarray:
    """float [n] at HZ -> log power in BANDS triangles, float32 [n // HOP + 1, BANDS]; frame k is centred on sample k * HOP."""
    count = len(samples) // HOP + 1
    wave = np.pad(np.asarray(samples, np.float32), (WINDOW // 2, WINDOW // 2 + HOP))
    frames = np.lib.stride_tricks.sliding_window_view(wave, WINDOW)[::HOP][:count]
    spectrum = np.fft.rfft(frames * _hann(), SIZE)
    power = (spectrum.real ** 2 + spectrum.imag ** 2).astype(np.float32)
    return np.log(power @ _triangles() + 1e-7)


@cache
def _hann() -> np.ndarray:
    return (0.5 - 0.5 * np.cos(2 * np.pi * (np.arange(WINDOW) + 0.5) / WINDOW)).astype(np.float32)


@cache
def _triangles() -> np.ndarray:
    """float32 [bins, BANDS]: triangles evenly spaced in mel (O'Shaughnessy's), each up to 1."""
    def to(hertz):
        return 1127.0 * np.log1p(np.asarray(hertz, float) / 700.0)
    step = (to(HIGH) - to(LOW)) / (BANDS + 1)
    at = (to(np.linspace(0, HZ / 2, SIZE // 2 + 1)) - to(LOW)) / step
    return np.clip(1 - np.abs(at[:, None] - np.arange(1, BANDS + 1)), 0, 1).astype(np.float32)


def level(power: np.ndarray) -> np.ndarray:
    """The running level [frames] of log-mel frames: the loudest 50 ms so far, leaking. Only the past counts; before the first frame a voice was
    heard at the loudness that every voice here has."""
    loud = np.exp(power).sum(1)
    sums = np.cumsum(np.pad(loud, (5, 0)))
    short = np.log((sums[5:] - sums[:-5]) / 5 + 1e-7)
    fall = LEAK * np.arange(1, len(short) + 1)
    return np.maximum(np.maximum(np.maximum.accumulate(short + fall), USUAL + PEAK) - fall, LEAST)


def inputs(power: np.ndarray) -> np.ndarray:
    """Log-mel frames [frames, BANDS] -> what the network hears, float32: 1 is as loud as the level, -1.5 silence."""
    return (np.clip(power - level(power)[:, None], FLOOR, 2.0) / SCALE + 1).astype(np.float32)


class Network:
    """The arithmetic: pairs of frames -> a stem -> blocks of a dilated depthwise convolution and two matrices (ConvNeXt's, arXiv:2201.03545,
    made causal) -> HEADS twice. `weights`: by name, as twin/train/lips.py saves them."""

    def __init__(self, weights: dict[str, np.ndarray], dilations: tuple[int, ...]):
        self._w = {name: np.asarray(value, np.float32) for name, value in weights.items()}
        self._dilations = dilations

    def __call__(self, heard: np.ndarray) -> np.ndarray:
        """inputs() [frames, BANDS] -> [frames, HEADS]; the last three as likelihoods. Frames behind the last are taken as not yet heard."""
        w = self._w
        frames = len(heard)
        steps = -(-frames // PAIR) + LATE
        wide = np.zeros((steps * PAIR, BANDS), np.float32)
        wide[:frames] = heard
        there = np.zeros((steps, 1), np.float32)
        there[:frames // PAIR] = 1                       # a last single frame is left to the next piece
        x = np.concatenate([wide.reshape(steps, PAIR * BANDS) * there, there], 1) @ w["stem.w"] + w["stem.b"]
        for k, dilation in enumerate(self._dilations):
            y = _norm(x, w[f"{k}.norm.g"], w[f"{k}.norm.b"])
            kernel = w[f"{k}.depth.w"]                   # [taps, channels], the last for now
            reach = (len(kernel) - 1) * dilation
            past = np.pad(y, ((reach, 0), (0, 0)))
            z = w[f"{k}.depth.b"] + sum(kernel[i] * past[i * dilation:i * dilation + steps] for i in range(len(kernel)))
            x = x + np.maximum(z @ w[f"{k}.up.w"] + w[f"{k}.up.b"], 0) @ w[f"{k}.down.w"] + w[f"{k}.down.b"]
        out = (_norm(x, w["norm.g"], w["norm.b"]) @ w["heads.w"] + w["heads.b"])[LATE:].reshape(-1, len(HEADS))[:frames]
        out[:, :len(PARTS)] = np.clip(out[:, :len(PARTS)], 0, 1)
        out[:, len(PARTS):] = 1 / (1 + np.exp(-np.clip(out[:, len(PARTS):], -30, 30)))
        return out


def _norm(x: np.ndarray, gain: np.ndarray, bias: np.ndarray) -> np.ndarray:
    """Each row to mean 0 and variance 1 (layer normalisation)."""
    centred = x - x.mean(1, keepdims=True)
    return centred / np.sqrt((centred ** 2).mean(1, keepdims=True) + 1e-5) * gain + bias


def load(path: Path) -> Network:
    """The network of a file. Raises Missing or Refused."""
    from safetensors import SafetensorError
    from safetensors.numpy import load as read
    try:
        if path.stat().st_size > MOST_BYTES:
            raise Refused("The weights of the lips are too large to be them.", HINT, zh=("口型网络的权重文件过大。", "请重新安装 Twin。"))
        data = path.read_bytes()
        arrays = read(data)
        about = json.loads(json.loads(data[8: 8 + int.from_bytes(data[:8], "little")])["__metadata__"]["lips"])
        net = Network(arrays, tuple(about["dilations"]))
        if tuple(about["heads"]) != HEADS or not np.isfinite(net(np.zeros((20, BANDS), np.float32))).all():
            raise ValueError("another network")
    except OSError as error:
        raise Missing("The weights of the lips are not there.", HINT, zh=("找不到口型网络的权重。", "请重新安装 Twin。")) from error
    except (SafetensorError, KeyError, ValueError, TypeError) as error:
        raise Refused("The weights of the lips are damaged.", HINT, zh=("口型网络的权重文件已损坏。", "请重新安装 Twin。")) from error
    return net


@cache
def shipped() -> Network:
    """Loaded at the first sound that needs it. Raises Missing or Refused."""
    return load(WEIGHTS)


def hear(samples: np.ndarray, rate: int, before: np.ndarray | None = None, after: np.ndarray | None = None, network: Network | None = None) -> Heard:
    """What the mouth does while `samples` (float [n] at `rate` Hz) sound. `before` and `after`: the sound around it at the same rate; up to BEFORE s are
    used and told of, of what comes after up to AFTER s. Raises Missing or Refused for the weights."""
    past = before[-round(BEFORE * rate):] if before is not None else samples[:0]
    rest = after[:round(AFTER * rate) + 1] if after is not None else samples[:0]
    past = past[len(past) % (rate // FRAMES):]           # whole frames, so that frame times are those of the piece
    sound = np.nan_to_num(np.concatenate([past, samples, rest]).astype(np.float32))
    if rate != HZ:
        import soxr
        sound = soxr.resample(sound, rate, HZ)
    power = mel(sound)
    told = (network or shipped())(inputs(power))
    loud = (np.log(np.exp(power).sum(1) + 1e-7) - level(power)) * 10 / np.log(10)
    count = len(PARTS)
    return Heard(-len(past) / rate, told[:, :count], told[:, count], told[:, count + 1], told[:, count + 2], loud)


def spans(likely: np.ndarray, start: float = 0.0, on: float = ON, off: float = OFF, shortest: float = SHORTEST) -> list[tuple[float, float]]:
    """Where a likelihood [frames] stands: from s to s, begun above `on`, held above `off` (hysteresis), none shorter than `shortest` s."""
    out: list[tuple[float, float]] = []
    above = likely > off
    edges = np.flatnonzero(np.diff(np.concatenate([[False], above, [False]]).astype(np.int8)))
    for first, last in edges.reshape(-1, 2):
        if likely[first:last].max() > on and (last - first) / FRAMES >= shortest:
            out.append((start + (first - 0.5) / FRAMES, start + (last - 0.5) / FRAMES))
    return out


def closures(heard: Heard) -> tuple[tuple[float, float], ...]:
    """When the lips are shut: as long as marks would have them, and parted again where two are near."""
    out = []
    for start, end in spans(heard.shut, heard.start):
        lack = max(0.0, LEAST_CLOSED - (end - start))
        out.append((start - lack * 0.6, end + lack * 0.4))
    return _hurried(out)


def nearing(heard: Heard, likely: np.ndarray, times: np.ndarray) -> np.ndarray:
    """How far the lips come together (heard.shut) or under the teeth (heard.tuck), 0..1 [times], beside the closures that are sure. They aren't held: a
    closure that is only likely, held for LEAST_CLOSED, would shut twice as many of the sounds around it."""
    return np.interp(times, heard.times, smooth((likely - FROM) / (TO - FROM)), 0.0, 0.0)


def articulated(heard: Heard, times: np.ndarray, loud: np.ndarray) -> np.ndarray:
    """Where the articulators are, [times, PARTS], at any times in s, averaged over the time that a frame of the face lasts; `loud` [times] scales jaw and
    parting, as in curves.articulate."""
    calm = heard.parts.copy()                            # a jaw that is guessed anew every 10 ms trembles
    calm[1:-1] = (heard.parts[:-2] + 2 * heard.parts[1:-1] + heard.parts[2:]) / 4
    out = np.stack([np.interp(times, heard.times, calm[:, k]) for k in range(len(PARTS))], 1)
    out[:, [JAW, PART]] *= loud[:, None]
    return out


def segments(heard: Heard) -> Segments:
    """What gestures go by: the silences, and a vowel where the jaw is widest in between; the louder ones are stressed."""
    rows: list[tuple[float, float, bool, int, float]] = []
    silences = [(a, b) for a, b in spans(heard.quiet, heard.start, 0.6, 0.4) if b - a >= SHORT_SILENCE]
    times, jaw = heard.times, heard.parts[:, JAW]
    peaks = np.flatnonzero((jaw[1:-1] > jaw[:-2]) & (jaw[1:-1] >= jaw[2:]) & (jaw[1:-1] > 0.15)) + 1
    for k in peaks:
        if not any(a <= times[k] <= b for a, b in silences):
            rows.append((times[k] - 0.05, times[k] + 0.05, True, 2 if heard.level[k] > -8 else 0, float(jaw[k])))
    rows += [(a, b, False, 0, 0.0) for a, b in silences]
    rows.sort()
    first, last = (rows[0][0], rows[-1][1]) if rows else (0.0, 1.0)
    rows = [(first - 0.5, first, False, 0, 0.0), *rows, (last, last + 0.5, False, 0, 0.0)]
    target = np.zeros((len(rows), len(PARTS)))
    target[:, JAW] = [row[4] for row in rows]
    vowel = np.array([row[2] for row in rows])
    return Segments(np.array([row[0] for row in rows]), np.array([row[1] for row in rows]), target, np.ones_like(target), vowel,
                    np.array([row[3] for row in rows]), ~vowel, closures(heard), tuple(spans(heard.tuck, heard.start)))
