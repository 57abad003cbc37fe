"""What every neural voice does alike: text in parts that it can hold, its chunks of sound as pieces of Speech, one loudness, and its failures as TwinErrors.

A voice of this kind tells no phoneme times: lips are read off its sound (twin/animate), so a piece comes with the sound on both sides of it.
"""
from __future__ import annotations

import json
import logging
import struct
from collections.abc import Generator, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np

from twin.errors import Missing, Refused, TwinError
from twin.types import PIECE, RATE, Audio, Speech

from . import shaping
from .aloud import aloud
from .runs import runs, sentences

FIRST, NEXT, LEAST = 9_600, 24_000, 4_800                # samples of a piece; a last one shorter than LEAST joins the one before
BEFORE, AFTER = 24_000, 2_400                            # samples on both sides of a piece that lips are read off with it
PAUSE = 0.16                                             # s of quiet behind a part that ends a sentence, where the model leaves none
QUIET = 1e-3                                             # of full scale: what is silence at the end of a part
GAIN = (0.25, 4.0)                                       # how far a voice is brought to the common loudness
PICKLES = (".bin", ".pt", ".pth", ".ckpt", ".pkl", ".pickle")
HEAD = 100 << 20                                         # bytes of the longest head of a safetensors file
ESPEAK = {"zh": "cmn", "zh-cn": "cmn", "zh-tw": "cmn", "no": "nb"}      # where our short name is not the one that aloud.py and runs.py know
MEMORY = ("out of memory", "can't allocate memory", "failed to allocate", "not enough memory")
log = logging.getLogger("twin.speak")


def short(language: str) -> str:
    """"zh" of "zh-CN", "en" of "en-us"."""
    return language.lower().replace("_", "-").split("-")[0]


def parts(text: str, language: str, limit: int) -> Iterator[tuple[str, str, str]]:
    """(the text as written, as it is read aloud, its language) sentence by sentence, none longer than about `limit` characters; what is read is "" where
    nothing can be said. Joined, the first are the text again."""
    own = ESPEAK.get(language.lower(), short(language))
    for sentence in sentences(text):
        while sentence:
            part = sentence if len(sentence) <= limit else _cut(sentence, limit)
            sentence = sentence[len(part):]
            said = aloud(part, own)
            said = said if any(c.isalnum() for c in said) else ""
            spoken = spoken_in(part, own)
            if said and spoken != own:
                said = aloud(part, spoken)
            yield part, said, {"cmn": "zh", "yue": "zh", "nb": "no"}.get(spoken, short(spoken))


def spoken_in(text: str, language: str) -> str:
    """The language that most of a sentence is written in: a model of this kind reads a sentence in one."""
    lengths: dict[str, int] = {}
    for own, part in runs(text, language):
        weight = 3 if own in ("cmn", "ja", "ko", "yue") else 1              # a character is a syllable or two
        lengths[own] = lengths.get(own, 0) + weight * sum(c.isalnum() for c in part)
    return max(lengths, key=lambda own: lengths[own], default=language)


def _cut(text: str, limit: int) -> str:
    """The longest beginning within `limit` that ends at a comma, else a space, else anywhere."""
    for marks in (",;:，；：、—", " \n\t"):
        at = max(text.rfind(mark, limit // 3, limit) for mark in marks)
        if at >= 0:
            return text[: at + 1]
    return text[:limit]


class Level:
    """Brings a voice to shaping.LOUDNESS, from what was heard of it so far: one gain a piece, moved to along the piece, so that nothing jumps."""

    def __init__(self) -> None:
        self._power, self._count, self._gain = 0.0, 0, 0.0
        self.heard = np.zeros(0, np.float32)             # the last second that was given out, for who reads lips off the sound

    def like(self, sound: np.ndarray, volume: float) -> np.ndarray:
        """What comes next, about as loud as it will be."""
        return shaping.limit(sound * np.float32((self._gain or 1.0) * min(2.0, max(0.0, volume))))

    def __call__(self, sound: np.ndarray, volume: float) -> np.ndarray:
        loud = shaping.loudness(sound)
        if loud > QUIET:
            weight = min(self._count, 8)
            self._power = (self._power * weight + loud ** 2) / (weight + 1)
            self._count += 1
        wanted = float(np.clip(shaping.LOUDNESS / np.sqrt(self._power), *GAIN)) if self._power else 1.0
        way = np.linspace(self._gain or wanted, wanted, len(sound), dtype=np.float32)
        self._gain = wanted
        return shaping.limit(sound * way * np.float32(min(2.0, max(0.0, volume))))


def pieces(text: str, chunks: Iterable[np.ndarray], rate: int, level: Level, volume: float) -> Iterator[Speech]:
    """Chunks of float32 [n] at `rate` Hz, as a model makes them -> pieces of 0.4 to 1 s at 24 kHz, each a multiple of 480 samples; the first carries the text.

    Closing it closes `chunks`. Raises TwinError for numbers that are no sound; a model that says nothing leaves Speech(text, None).
    """
    import soxr
    stream = soxr.ResampleStream(rate, RATE, 1, "float32") if rate != RATE else None
    held, first = np.zeros(0, np.float32), True
    source = iter(chunks)

    def piece(sound: np.ndarray, after: np.ndarray | None) -> Speech:
        before, level.heard = level.heard, np.concatenate([level.heard, sound])[-BEFORE:]
        return Speech(text if first else "", Audio(sound), before=before if len(before) else None, after=after)
    try:
        while True:
            chunk = next(source, None)
            fresh = np.zeros(0, np.float32) if chunk is None else np.asarray(chunk, np.float32).reshape(-1)
            if not np.isfinite(fresh).all():
                raise no_sound()
            if stream is not None:
                fresh = stream.resample_chunk(fresh, last=chunk is None)
            held = np.concatenate([held, fresh])
            if chunk is None:
                break
            while len(held) >= (FIRST if first else NEXT) + LEAST:
                size = FIRST if first else NEXT
                sound, held = level(held[:size], volume), held[size:]
                if first:
                    sound[: shaping.FADE] *= np.linspace(0, 1, shaping.FADE, dtype=np.float32)
                yield piece(sound, level.like(held[:AFTER], volume))
                first = False
    except TwinError as error:
        error.midway = not first                         # type: ignore[attr-defined]      # the next voice goes on within this part
        raise
    finally:
        if isinstance(source, Generator):
            source.close()
    if not len(held):
        if first:
            yield Speech(text, None)
        return
    loud = np.flatnonzero(np.abs(held) > QUIET)
    quiet = (len(held) - 1 - loud[-1]) if len(loud) else len(held)
    owed = max(0, round(PAUSE * RATE) - quiet) if text.rstrip()[-1:] in tuple(".!?。！？…") else 0
    held = shaping.fade(level(held, volume)) if first else ended(level(held, volume))
    yield piece(np.pad(held, (0, owed + -(len(held) + owed) % PIECE)), None)


def ended(sound: np.ndarray) -> np.ndarray:
    """The end brought to zero over 3 ms, in place."""
    size = min(shaping.FADE, len(sound))
    sound[len(sound) - size:] *= np.linspace(1, 0, size, dtype=np.float32)
    return sound


# --- weights

def no_model(what: str, where: str) -> Missing:
    """That a voice's model is not on this machine."""
    return Missing(f"There is no model for the voice {what} on this machine.", f"Fetch {where} on the page Models, or name its folder: speak = /path/of/it",
                   zh=(f"本机没有 {what} 语音模型。", f"请在“模型”页下载 {where}，或填写它的文件夹：speak = /路径"))


def config_of(folder: Path) -> dict[str, Any]:
    """config.json. Raises Missing and Refused, naming the file."""
    try:
        told = json.loads((folder / "config.json").read_text("utf-8"))
    except FileNotFoundError:
        raise Missing(f"There is no config.json in {folder}.", "Fetch or copy the whole folder of the model.",
                      zh=(f"{folder} 里没有 config.json。", "请下载或复制模型的整个文件夹。")) from None
    except (OSError, ValueError) as error:
        raise damaged(folder / "config.json") from error
    return told if isinstance(told, dict) else {}


def other(folder: Path, found: str, wanted: str) -> Refused:
    """That a folder holds another kind of model."""
    return Refused(f"{folder} holds {found or 'no known model'}, not {wanted}.", "Name another folder.", code="architecture",
                   zh=(f"{folder} 里是 {found or '未知模型'}，不是 {wanted}。", "请填写别的文件夹。"))


def damaged(path: Path, why: str = "") -> Refused:
    return Refused(f"{path} is damaged or half here{': ' + why if why else '.'}", "Fetch the model again; what is whole of it is kept.", code="damaged",
                   zh=(f"{path} 已损坏或没下载完。", "请重新下载模型，完整的部分会保留。"))


def whole(path: Path) -> None:
    """That a safetensors file is as long as its head says: a download that broke off is found before any of it is loaded. Raises Refused."""
    try:
        size = path.stat().st_size
        with path.open("rb") as file:
            length, = struct.unpack("<Q", file.read(8))
            if length > min(HEAD, size):
                raise ValueError
            head = json.loads(file.read(length))
        ends = max((row["data_offsets"][1] for name, row in head.items() if name != "__metadata__"), default=0)
        if 8 + length + ends != size:
            raise ValueError
    except (OSError, ValueError, KeyError, TypeError, AttributeError, struct.error):
        raise damaged(path) from None


def no_pickle(path: Path) -> Refused:
    return Refused(f"{path} is a pickle: opening one runs whatever it holds.", "Ask for the same weights as safetensors.", code="pickle",
                   zh=(f"{path} 是 pickle 文件，打开它会执行其中的任意代码。", "请换成 safetensors 格式的权重。"))


@contextmanager
def loading(folder: Path) -> Iterator[None]:
    """What goes wrong while a model is put together, as a TwinError that names the folder."""
    import pickle
    try:
        yield
    except TwinError:
        raise
    except ImportError as error:
        raise Missing(f"This voice needs a package more: {error}".splitlines()[0], "Install it with pip.",
                      zh=("这个语音模型还缺一个软件包。", f"请用 pip 安装（{error}）".splitlines()[0])) from error
    except (RuntimeError, ValueError, KeyError, TypeError, AttributeError, AssertionError, EOFError, OSError, pickle.UnpicklingError, IndexError) as error:
        if _memory(error):
            raise no_memory(folder.name) from error
        why = str(error).strip().splitlines()
        raise damaged(folder, f"{why[0][:160]}." if why else "") from error


@contextmanager
def making(name: str) -> Iterator[None]:
    """What goes wrong while a model speaks, as a TwinError: the next voice takes over from there (twin/registry.py)."""
    try:
        yield
    except TwinError:
        raise
    except ImportError as error:
        raise Missing(f"{name} cannot read this language without a package more: {error}".splitlines()[0], "Install it with pip, or choose another voice.",
                      zh=(f"{name} 读这种语言还缺一个软件包。", f"请用 pip 安装，或换一个声音（{error}）".splitlines()[0])) from error
    except (RuntimeError, ValueError, KeyError, TypeError, AssertionError, IndexError, MemoryError) as error:
        if _memory(error):
            raise no_memory(name) from error
        raise TwinError(f"{name} failed ({type(error).__name__}).", "Another voice goes on; the log has more.", code="voice",
                        zh=(f"{name} 出错了（{type(error).__name__}）。", "会换一个声音继续。")) from error


def _memory(error: Exception) -> bool:
    return isinstance(error, MemoryError) or type(error).__name__ == "OutOfMemoryError" or any(words in str(error).lower() for words in MEMORY)


def no_memory(name: str) -> TwinError:
    """Memory ran out; what the GPU holds of nobody is given back."""
    import sys
    torch = sys.modules.get("torch")
    if torch is not None and torch.cuda.is_available():
        torch.cuda.empty_cache()
    return TwinError(f"{name} ran out of memory.", "Another voice goes on. End other programs on the GPU, or choose a smaller model.", code="memory",
                     zh=(f"{name} 的内存不够了。", "会换一个声音继续。请关掉占用显卡的程序，或选小一点的模型。"))


def no_sound() -> TwinError:
    return TwinError("The voice made numbers that are no sound.", "Its weights may be damaged: fetch them again.", code="damaged",
                     zh=("语音模型输出了无效的声音。", "权重可能已损坏，请重新下载。"))


def foreign(name: str, language: str) -> Refused:
    """That a voice lacks a language."""
    return Refused(f"The voice {name} does not speak {language!r}.", "Another voice says it.", code="language",
                   zh=(f"{name} 不会说 {language}。", "会换一个声音来说。"))


def calm() -> None:
    """Half of the cores for this thread's model; PyTorch's threads wait for each other by spinning."""
    import torch

    from twin import devices
    torch.set_num_threads(max(1, devices.cores() // 2))


# --- checkpoints that came as pickles

# (repository of the hub, file): the only pickles that are ever opened, because their makers publish nothing else; and those only as numbers.
UPSTREAM = frozenset({
    ("tts-hub/XTTS-v2", "model.pth"), ("coqui/XTTS-v2", "model.pth"), ("myshell-ai/OpenVoiceV2", "converter/checkpoint.pth"),
})


def repository(folder: Path) -> str:
    """"OWNER/NAME" of a folder that was fetched from the hub, into the app's models or the hub's own cache; else the folder's name."""
    name = folder.parents[1].name.removeprefix("models--") if folder.parent.name == "snapshots" else folder.name
    return name.replace("--", "/", 1) if name.count("--") == 1 else name


def tensors(folder: Path, pickled: str, known: Iterable[tuple[str, str]] = UPSTREAM) -> dict[str, Any]:
    """The numbers of a model: those of model.safetensors beside `pickled`, else of that pickle where it is a known upstream file, read with weights_only,
    which makes tensors and runs nothing. Raises Missing and Refused."""
    import torch
    path = folder / pickled
    safe = path.with_name("model.safetensors")
    if safe.is_file():
        from safetensors.torch import load_file
        whole(safe)
        with loading(safe):
            held: dict[str, Any] = load_file(safe)
            return held
    there = sorted(file for file in path.parent.iterdir() if file.suffix in PICKLES) if path.parent.is_dir() else []
    if (repository(folder), pickled) not in set(known) or not path.is_file():
        if there:
            raise no_pickle(there[0])
        raise Missing(f"There are no weights in {path.parent}.", "Fetch or copy the whole folder of the model.",
                      zh=(f"{path.parent} 里没有权重。", "请下载或复制模型的整个文件夹。"))
    with loading(path):
        found = torch.load(path, map_location="cpu", weights_only=True)
    found = found.get("model", found) if isinstance(found, dict) else {}
    held = {name: value for name, value in found.items() if isinstance(value, torch.Tensor)} if isinstance(found, dict) else {}
    if not held:
        raise damaged(path)
    return held


def fill(model: Any, held: dict[str, Any], folder: Path, what: str) -> None:
    """Put numbers into a model. Raises Refused where names or shapes are those of another architecture, numbers are missing, or are none."""
    import torch
    if bad := next((name for name, value in held.items() if value.is_floating_point() and not torch.isfinite(value).all()), ""):
        raise damaged(folder, f"{bad} holds numbers that are none.")
    own = model.state_dict()
    try:
        missing, extra = model.load_state_dict(held, strict=False)
    except RuntimeError as error:
        raise other(folder, "weights of other shapes", what) from error
    if missing:
        if len(missing) > len(own) // 2:
            raise other(folder, "weights of another model", what)
        raise damaged(folder, f"{len(missing)} of {len(own)} weights are missing, {missing[0]} among them.")
    if extra:
        log.debug("%s: %d numbers were left out", folder.name, len(extra))


def device_for(name: str, model: Any) -> str:
    """Puts a model where twin/devices.py says and returns the device's name. Raises TwinError where it does not fit."""
    from twin import devices
    size = sum(value.numel() for value in model.parameters()) * 4
    device, _ = devices.place("speak", size)
    if device == "auto":                                 # such a model cannot be spread over devices
        device = "cpu"
        if size > devices.ROOM * devices.hardware().free:
            raise no_memory(name)
    with making(name):
        model.to(device)
    return str(device)


def identity(folder: Path) -> str:
    """Which model it is, so that what it made of a recording is not given to another: a hash of its configuration and of how long its weights are."""
    import hashlib
    digest = hashlib.sha256((folder / "config.json").read_bytes() if (folder / "config.json").is_file() else b"")
    for path in sorted(folder.rglob("*")):
        if path.suffix in (".safetensors", *PICKLES) and path.is_file():
            digest.update(f"{path.relative_to(folder).as_posix()} {path.stat().st_size}".encode())
    return digest.hexdigest()[:24]
