"""Whether two recordings are of one speaker, by Resemblyzer's encoder (Wan et al. 2018, "Generalized end-to-end loss"; the weights come in its wheel).

The three LSTM layers are computed here, in numpy, from those weights: the package itself would load torch and librosa for them, seconds and some
300 MB, and on two busy cores torch's threads made one comparison take 19 s; so it takes 0.2.

The encoder also hears rooms, noise and telephones: another microphone moves a voice further than another speaker does. So what it says is seen in
the directions in which 159 readers of LibriSpeech differ and the same reader through codecs, rooms and noise doesn't (linear discriminants;
`python -m bench consent --learn` makes them). There a score means the same, whatever the recording went through. It compares voices; it can't tell a
person from a good imitation of one.
"""
from __future__ import annotations

import importlib.util
import pickle
from collections import OrderedDict
from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np

from ..errors import Missing

HZ = 16_000
SAME = 0.46              # cosine to all samples together, from which it is one speaker. At 5 s, readers who were left out: 0.6 % turned away, 1.1 % let in
EACH = 0.36              # cosine to each sample alone, 2 s of it or more: 0.8 % turned away, 3.7 to 5.5 % let in
SPACE = Path(__file__).resolve().parents[2] / "assets" / "weights" / "speakers.safetensors"
SHORT = 1.6              # s: the encoder's own window; a sample with less speech is not compared alone
LONGEST = 30.0           # s of one recording that are looked at
LOUD = 0.05              # RMS to which everything is brought
BATCH = 64               # windows that are computed together
FRAMES, HOP, WINDOW, MELS = 160, 160, 400, 40


@dataclass(frozen=True)
class Likeness:
    """`together`: cosine to the mean of all samples; `least`: the smallest cosine to one of them, `worst` its name."""
    together: float
    least: float
    worst: str = ""

    @property
    def same(self) -> bool:
        return self.together >= SAME and self.least >= EACH


def ready() -> bool:
    """Whether voices can be compared here."""
    try:
        _weights()
        _space()
    except Missing:
        return False
    return True


def embedding(sound: np.ndarray) -> np.ndarray:
    """float32 [96] of length 1, of float32 [n] mono speech at 16 kHz. Raises Missing without resemblyzer."""
    return embeddings([sound])[0]


def embeddings(sounds: Sequence[np.ndarray]) -> np.ndarray:
    """float32 [k, 96], each row as `embedding` has it, in one go."""
    return seen(encoded(sounds), *_space())


def seen(codes: np.ndarray, middle: np.ndarray, directions: np.ndarray) -> np.ndarray:
    """The encoder's own vectors [k, 256] from a middle [256] along directions [256, n]: float32 [k, n] of length 1."""
    found = (codes - middle) @ directions
    return (found / np.linalg.norm(found, axis=1, keepdims=True)).astype(np.float32)


def encoded(sounds: Sequence[np.ndarray]) -> np.ndarray:
    """float32 [k, 256]: what resemblyzer itself would say."""
    weights = _weights()
    cut = [_windows(np.nan_to_num(sound[: int(LONGEST * HZ)]).astype(np.float32)) for sound in sounds]
    with _one_thread():
        parts = np.concatenate([_lstm(some, weights) for some in np.array_split(np.concatenate(cut), -(-sum(map(len, cut)) // BATCH))])
    found, at = [], 0
    for windows in cut:
        mean = parts[at:at + len(windows)].mean(0)
        found.append(mean / np.linalg.norm(mean))
        at += len(windows)
    return np.array(found, np.float32)


def alike(reading: np.ndarray, samples: Mapping[str, np.ndarray]) -> Likeness:
    """A reading against every sample of a voice (name -> float32 [n], speech alone, 16 kHz). Raises Missing without resemblyzer, ValueError without
    samples."""
    if not samples:
        raise ValueError("there is no sample to compare with")
    one, *rest = embeddings([reading, *samples.values()])
    each = dict(zip(samples, rest, strict=True))
    centre = np.sum([each[name] * len(samples[name]) for name in each], 0)
    alone = {name: float(one @ each[name]) for name in each if len(samples[name]) >= SHORT * HZ} or {"": 1.0}
    worst = min(alone, key=lambda name: alone[name])
    return Likeness(float(one @ centre / np.linalg.norm(centre)), alone[worst], worst)


# the encoder -------------------------------------------------------------------------------------------------------------------------------

def _windows(sound: np.ndarray) -> np.ndarray:
    """Mel spectra float32 [windows, 160, 40] of overlapping windows of 1.6 s, 1.3 a second, as resemblyzer cuts them."""
    sound = sound / np.sqrt((sound ** 2).mean() + 1e-12) * np.float32(LOUD)
    step = round(HZ / 1.3 / HOP)
    count = -(-(len(sound) + 1) // HOP)
    starts = list(range(0, max(1, count - FRAMES + step + 1), step))
    last = starts[-1] * HOP
    if (len(sound) - last) / (FRAMES * HOP) < 0.75 and len(starts) > 1:
        starts.pop()
    sound = np.pad(sound, (0, max(0, (starts[-1] + FRAMES) * HOP - len(sound))))
    padded = np.pad(sound, WINDOW // 2)
    frames = np.lib.stride_tricks.sliding_window_view(padded, WINDOW)[::HOP] * (0.5 - 0.5 * np.cos(2 * np.pi * np.arange(WINDOW) / WINDOW))
    mel = (np.abs(np.fft.rfft(frames.astype(np.float32), axis=1)) ** 2 @ _mel()).astype(np.float32)
    return np.stack([mel[k:k + FRAMES] for k in starts])


def _one_thread() -> AbstractContextManager[object]:
    """Products this small are slower on two threads, and eight times slower where another program has the second core."""
    try:
        return _threads().limit(limits=1, user_api="blas")
    except ImportError:
        return nullcontext()


@cache
def _threads() -> Any:
    from threadpoolctl import ThreadpoolController
    return ThreadpoolController()


@cache
def _mel() -> np.ndarray:
    """[201, 40] triangles of equal area (Slaney 1998: linear below 1 kHz, logarithmic above)."""
    def hz(mels: np.ndarray) -> np.ndarray:
        return np.where(mels < 15, mels * 200 / 3, 1000 * np.exp((mels - 15) * np.log(6.4) / 27))
    edges = hz(np.linspace(0, 15 + 27 * np.log(HZ / 2 / 1000) / np.log(6.4), MELS + 2))
    at = np.fft.rfftfreq(WINDOW, 1 / HZ)[:, None]
    up, down = (at - edges[:-2]) / np.diff(edges)[:-1], (edges[2:] - at) / np.diff(edges)[1:]
    return np.clip(np.minimum(up, down), 0, None) * (2 / (edges[2:] - edges[:-2]))


def _lstm(x: np.ndarray, weights: dict[str, np.ndarray]) -> np.ndarray:
    """float32 [windows, 160, 40] -> [windows, 256]: three layers, then a rectified projection of the last state, of length 1."""
    for layer in range(3):
        w, u = weights[f"lstm.weight_ih_l{layer}"].T, np.ascontiguousarray(weights[f"lstm.weight_hh_l{layer}"].T)
        inputs = x @ w + (weights[f"lstm.bias_ih_l{layer}"] + weights[f"lstm.bias_hh_l{layer}"])
        h = c = np.zeros((len(x), len(u)), np.float32)
        out = np.empty((*x.shape[:2], len(u)), np.float32)
        for t in range(x.shape[1]):
            i, f, g, o = np.split(inputs[:, t] + h @ u, 4, axis=1)
            c = _sigmoid(f) * c + _sigmoid(i) * np.tanh(g)
            out[:, t] = h = _sigmoid(o) * np.tanh(c)
        x = out
    raw = np.maximum(x[:, -1] @ weights["linear.weight"].T + weights["linear.bias"], 0)
    return raw / np.linalg.norm(raw, axis=1, keepdims=True)


def checkpoint() -> Path:
    """The file of weights in resemblyzer's wheel. Raises FileNotFoundError."""
    found = importlib.util.find_spec("resemblyzer")
    if found is None or found.origin is None:
        raise FileNotFoundError("resemblyzer")
    return Path(found.origin).parent / "pretrained.pt"


def _sigmoid(x: np.ndarray) -> np.ndarray:
    return 0.5 + 0.5 * np.tanh(0.5 * x)


@cache
def _weights() -> dict[str, np.ndarray]:
    """The encoder's weights by name. Raises Missing without the wheel that carries them."""
    try:
        with checkpoint().open("rb") as file:
            return _read(file)
    except (OSError, ValueError, KeyError, pickle.UnpicklingError):
        raise Missing("Comparing voices needs the package resemblyzer.", "pip install --no-deps -r requirements-embedded.txt",
                      zh=("比较声音需要 resemblyzer。", "请运行 pip install --no-deps -r requirements-embedded.txt")) from None


@cache
def _space() -> tuple[np.ndarray, np.ndarray]:
    from safetensors.numpy import load_file
    try:
        found = load_file(SPACE)
    except OSError:
        raise Missing(f"{SPACE.name} is missing: voices can't be compared.", "Take assets/weights from the project's own copy.",
                      zh=("缺少比较声音所需的文件。", "请从项目中取回 assets/weights。")) from None
    return found["middle"].astype(np.float32), found["directions"].astype(np.float32)


class _Pickle(pickle.Unpickler):
    """What a file of torch's older format is made of, and nothing else."""

    def find_class(self, module: str, name: str) -> Any:
        if (module, name) == ("collections", "OrderedDict"):
            return OrderedDict
        if (module, name) == ("torch._utils", "_rebuild_tensor_v2"):
            return lambda storage, offset, size, *_: (storage, offset, size)
        if module == "torch" and name.endswith("Storage"):
            return name
        raise pickle.UnpicklingError(f"{module}.{name}")

    def persistent_load(self, about: Any) -> Any:
        return about[2]                                  # ("storage", kind, key, place, length, view)


def _read(file: BinaryIO) -> dict[str, np.ndarray]:
    for _ in range(3):                                   # a magic number, the format's version, the machine's sizes
        _Pickle(file).load()
    state = _Pickle(file).load()["model_state"]
    held: dict[str, np.ndarray] = {}
    wanted = {key for key, *_ in state.values()}
    for key in _Pickle(file).load():
        length = int.from_bytes(file.read(8), "little")
        raw = file.read(4 * length)
        if key in wanted:
            held[key] = np.frombuffer(raw, "<f4")
    return {name: held[key][offset:offset + int(np.prod(size))].reshape(size) for name, (key, offset, size) in state.items() if key in held}
