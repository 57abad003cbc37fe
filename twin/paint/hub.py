"""Faces from a pipeline of diffusers: any that makes pictures from words, or pictures from pictures, named as on the hub or by its folder.

It runs what is on this machine: a folder, what was fetched into the app's models, or what lies in the hub's own cache. It asks the network for nothing, so
nothing waits for it; what isn't here is Missing, with the command that fetches it. Only safetensors are opened and no code of a stranger is run.

How it runs follows from two facts: the bytes of its weights (read from the heads of its files, before any is loaded) and what the accelerator has free.
Where they fit they go there; where the largest part fits, parts take turns (diffusers' model offload); else layers do (sequential offload, slow).

A face is the words it was made from and the noise it began with, itself a sum of seeds' noises: so there is a way from a face to another.
"""
from __future__ import annotations

import inspect
import json
import math
import re
import struct
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import cv2
import numpy as np

from twin import devices
from twin.errors import Missing, Refused

from . import attributes, wish
from .attributes import Look, checked, invent
from .invent import MOST_PARTS, NEAR, PREVIEW, Invented
from .pretrained import PICKLES

if TYPE_CHECKING:
    import torch

INDEX = "model_index.json"
NAME = re.compile(r"[A-Za-z0-9][\w.-]*/[\w.-]+")
WORDS = 900                                              # characters of a prompt that are kept of a recipe from outside
DEEP = 2                                                 # faces made from the picture of a face made from the picture of a face
LEAST = 64                                               # px of a side that pipelines take as a reference
TIGHT = 4 << 30                                          # bytes beside the weights below which a decoder works in tiles: 1024 px take some 3 GiB at once
FRAMED = "head and shoulders, facing the camera, looking at the camera, mouth closed, plain soft light, plain background, one adult person"
AVOID = "child, several people, cropped head, hands, text, watermark, frame, open mouth, teeth, profile, blurry, deformed"
NO_TURN = ("num_frames", "audio_length_in_s", "audio_end_in_s", "mask_image", "control_image")      # of a call that makes something else
BITS = {"F64": 64, "I64": 64, "U64": 64, "F32": 32, "I32": 32, "U32": 32, "BF16": 16, "F16": 16, "I16": 16, "U16": 16}

Says = Callable[[str], None]


@dataclass(frozen=True)
class Habit:
    """How a family of pipelines is asked: steps, guidance (None: as the call has it), px of a side (0: what its configuration says), and whether it was
    distilled to few steps, which want their times spaced from the noisiest on."""
    steps: int
    guidance: float | None = None
    px: int = 0
    few: bool = False


# (class of the pipeline, name or folder) by search, the first that holds. As their makers' cards and diffusers' pages say.
HABITS: tuple[tuple[str, str, Habit], ...] = (
    (r"Flux2Klein", r"base", Habit(50, 4.0)),
    (r"Flux2Klein", r"", Habit(4, 1.0)),                                       # model_index.json says is_distilled: guidance is not asked then
    (r"Flux2", r"turbo", Habit(8, 2.5)),
    (r"Flux2", r"", Habit(50, 4.0)),
    (r"FluxKontext", r"", Habit(28, 2.5)),
    (r"Flux", r"schnell|turbo", Habit(4, 0.0)),
    (r"Flux", r"", Habit(28, 3.5)),
    (r"ZImage", r"turbo", Habit(8, 0.0, 1024)),
    (r"ZImage", r"", Habit(30, 4.0, 1024)),
    (r"SanaSprint", r"", Habit(2, 4.5)),
    (r"Sana", r"", Habit(20, 4.5)),
    (r"LatentConsistency", r"", Habit(4, 8.5)),
    (r"StableDiffusion3", r"turbo", Habit(4, 0.0)),
    (r"StableDiffusion3", r"", Habit(28, 4.5)),
    (r"StableDiffusion", r"lcm", Habit(6, 1.5)),
    (r"StableDiffusion", r"lightning|hyper", Habit(4, 0.0, 0, True)),
    (r"StableDiffusionXL", r"turbo", Habit(4, 0.0, 512, True)),
    (r"StableDiffusion", r"turbo", Habit(4, 0.0, 512, True)),
    (r"StableDiffusionXL", r"", Habit(30, 5.0)),
    (r"StableDiffusion", r"", Habit(30, 7.0)),
    (r"QwenImage", r"lightning", Habit(8, 1.0)),
    (r"QwenImage", r"", Habit(40, 4.0)),
    (r"PixArt", r"", Habit(20, 4.5)),
)


def habit(pipeline: str, name: str) -> Habit | None:
    """The row of a pipeline's class and name; None where nothing is known of it."""
    return next((row for kind, words, row in HABITS if re.search(kind, pipeline) and re.search(words, name, re.IGNORECASE)), None)


# --- what lies in a folder

@dataclass(frozen=True)
class Folder:
    """A pipeline on the disk: its class, how many numbers each part has, and which variant of its files is taken ("" or "fp16")."""
    path: Path
    kind: str
    parts: Mapping[str, int]
    variant: str = ""

    @property
    def numbers(self) -> int:
        return sum(self.parts.values())


def found(name: str | Path) -> Path:
    """The folder of a pipeline that is here: a folder, one fetched into the app's models, or one of the hub's cache. Asks no network. Raises Missing."""
    here = Path(name).expanduser()
    if here.is_dir():
        return here
    text = str(name)
    if not NAME.fullmatch(text):
        raise Missing(f"There is no folder {name}.", "Name the folder of a pipeline of diffusers, or a model of the hub as OWNER/NAME.",
                      zh=(f"没有文件夹 {name}。", "请给出 diffusers 模型的文件夹，或写模型库里的名字 OWNER/NAME。"))
    fetched = devices.storage() / "models" / text.replace("/", "--")
    if fetched.is_dir():
        return fetched
    from huggingface_hub import try_to_load_from_cache
    index = try_to_load_from_cache(text, INDEX)
    if isinstance(index, str):
        return Path(index).parent
    raise Missing(f"The model {text} is not on this machine.",
                  f"Fetch it once, some gigabytes: hf download {text} --exclude '*.bin' '*.ckpt' '*.onnx*' ; or copy its folder here and name that. "
                  "Nothing large is fetched unasked.",
                  zh=(f"本机没有模型 {text}。", f"请先下载一次（若干 GB）：hf download {text} ；或把它的文件夹拷到本机再填写路径。应用不会自行下载大模型。"))


def here() -> list[str]:
    """The pipelines that lie on this machine, as they are named on the hub: fetched into the app's models, or in the hub's own cache."""
    from huggingface_hub.constants import HF_HUB_CACHE
    own, shared = (devices.storage() / "models").glob(f"*--*/{INDEX}"), Path(HF_HUB_CACHE).glob(f"models--*--*/snapshots/*/{INDEX}")
    names = [*(path.parent.name for path in own), *(path.parts[-4].removeprefix("models--") for path in shared)]
    return sorted({name.replace("--", "/", 1) for name in names if NAME.fullmatch(name.replace("--", "/", 1))})


def opened(name: str | Path) -> Folder:
    """What the folder of a pipeline holds, read without loading a weight. Raises Missing and Refused, naming the file."""
    path = found(name)
    try:
        told = json.loads((path / INDEX).read_text("utf-8"))
    except FileNotFoundError:
        raise _other(path) from None
    except (ValueError, OSError) as error:
        raise Refused(f"{path / INDEX} is damaged.", "Copy the folder again.") from error
    kind = told.get("_class_name") if isinstance(told, dict) else None
    parts = {key: value for key, value in told.items() if not key.startswith("_") and isinstance(value, list)} if isinstance(told, dict) else {}
    if not isinstance(kind, str) or not _known("diffusers", kind):
        raise Refused(f"{path / INDEX} is of {kind or 'no pipeline'}, which this diffusers has none of.",
                      "Name a pipeline of diffusers; one with code of its own is not run.")
    counts, variants = {}, set()
    for part, value in parts.items():
        if len(value) != 2 or not all(isinstance(one, str) or one is None for one in value):
            raise Refused(f"{path / INDEX}: {part} is told as {value}.", "Copy the folder again; a pipeline with code of its own is not run.")
        library, cls = value
        if not library or not cls:
            continue
        if library not in ("diffusers", "transformers", *_rooms()):
            raise Refused(f"{path / INDEX}: {part} comes from {library}, code of its own.", "Name a pipeline whose parts are of diffusers and transformers.")
        at = path / part
        if not at.is_dir():
            raise Missing(f"There is no {part} in {path}.", "It was fetched in part: fetch or copy all of it.")
        files, variant = _weights(at)
        if files:
            counts[part] = sum(map(numbers, files))
            variants.add(variant)
    if not counts:
        raise Missing(f"There are no weights in {path}.", "Its parts hold *.safetensors: fetch or copy all of it.")
    return Folder(path, kind, counts, "fp16" if "fp16" in variants else "")


def _other(path: Path) -> Refused | Missing:
    """What a folder without model_index.json is."""
    try:
        config = json.loads((path / "config.json").read_text("utf-8"))
    except (OSError, ValueError):
        config = {}
    if isinstance(config, dict) and (what := config.get("model_type") or config.get("_class_name") or config.get("architecture")):
        return Refused(f"{path} holds a model ({what}), not a whole pipeline: it has no {INDEX}.", "Name the folder above it, or another model.")
    if any(file.suffix in (".safetensors", *PICKLES) for file in path.iterdir() if file.is_file()):
        return Refused(f"{path} holds weights in one file and no {INDEX}.", "Ask for it in diffusers' layout: a folder with model_index.json.")
    return Missing(f"There is no {INDEX} in {path}.", "Name the folder of a pipeline of diffusers.")


@cache
def _rooms() -> tuple[str, ...]:
    """Modules of diffusers' own that model_index.json names parts from (stable_diffusion has the safety checker)."""
    import importlib.util
    spec = importlib.util.find_spec("diffusers")
    return tuple(entry.name for entry in (Path(spec.origin).parent / "pipelines").iterdir() if entry.is_dir()) if spec and spec.origin else ()


def _known(library: str, kind: str) -> bool:
    import importlib
    return kind.isidentifier() and kind.endswith("Pipeline") and hasattr(importlib.import_module(library), kind)


def _weights(folder: Path) -> tuple[list[Path], str]:
    """The weights' files of a part and their variant; [] for a part without weights (a tokenizer, a scheduler). Raises Refused for pickles alone."""
    files = sorted(path for path in folder.iterdir() if path.suffix == ".safetensors")
    plain = [path for path in files if re.fullmatch(r"[\w-]+", path.stem)]
    if plain:
        return plain, ""
    half = [path for path in files if ".fp16" in path.name]
    if half:
        return half, "fp16"
    pickled = sorted(path.name for path in folder.iterdir() if path.suffix in PICKLES and path.stat().st_size > 1 << 16)
    if pickled:
        raise Refused(f"{folder / pickled[0]} is a pickle: opening one runs whatever it holds.", "Ask for the same weights as safetensors.",
                      zh=(f"{folder / pickled[0]} 是 pickle 文件，打开它会执行其中的任意代码。", "请换成 safetensors 格式的权重。"))
    return [], ""


def numbers(file: Path) -> int:
    """How many numbers a safetensors file holds, by its head. Raises Refused."""
    try:
        with file.open("rb") as stream:
            length, = struct.unpack("<Q", stream.read(8))
            if length > min(100 << 20, file.stat().st_size):
                raise ValueError("its head is longer than itself")
            head = json.loads(stream.read(length))
        return sum(math.prod(row["shape"]) for key, row in head.items() if key != "__metadata__" and row["dtype"] in BITS) + sum(
            math.prod(row["shape"]) // 2 for key, row in head.items() if key != "__metadata__" and row["dtype"] not in BITS)
    except (OSError, ValueError, KeyError, TypeError, AttributeError, struct.error) as error:
        raise Refused(f"{file} is damaged: {error}", "Copy the folder again.") from error


# --- where it goes

@dataclass(frozen=True)
class Arranged:
    """`how`: "whole" on the device, parts by turns ("model"), layers by turns ("sequential")."""
    how: str
    device: str
    dtype: str
    tiles: bool
    why: str

    def __str__(self) -> str:
        return f"paint    {self.device:8} {self.dtype:9} {self.why}"


def arranged(parts: Mapping[str, int], accelerator: tuple[str, str, int, str], memory: int) -> Arranged:
    """How a pipeline whose parts have so many numbers runs here. `accelerator` as devices.accelerator() tells it; `memory` bytes free. Raises Refused."""
    device, dtype, free, why = accelerator
    total, largest = sum(parts.values()), max(parts.values())
    gib = devices.GIB
    if device != "cpu":
        size, part, room = 2 * total if dtype != "float32" else 4 * total, 2 * largest if dtype != "float32" else 4 * largest, int(devices.ROOM * free)
        tiles = free - size < TIGHT
        if size <= room:
            return Arranged("whole", device, dtype, tiles, f"{why}; {size / gib:.1f} of {free / gib:.1f} GiB")
        if device.startswith("cuda") and size <= devices.ROOM * memory:
            if part <= room:
                return Arranged("model", device, dtype, free - part < TIGHT,
                                f"{size / gib:.1f} GiB do not fit in {free / gib:.1f} GiB, its largest part of {part / gib:.1f} does: parts take turns")
            return Arranged("sequential", device, dtype, True,
                            f"its largest part of {part / gib:.1f} GiB does not fit in {free / gib:.1f} GiB: layers take turns, slowly")
    for kind, width in (("float32", 4), ("bfloat16", 2)):
        if width * total <= devices.ROOM * memory:
            told = why if device == "cpu" else f"it does not fit on {device}"
            return Arranged("whole", "cpu", kind, width * total > devices.ROOM * memory - TIGHT,
                            f"{told}; {width * total / gib:.1f} GiB" + ("" if width == 4 else ", in 16 bits for want of memory: slow"))
    raise Refused(f"It needs {2 * total / gib:.1f} GiB even in 16 bits, and {memory / gib:.1f} GiB of memory are free.", "Choose a smaller model.",
                  zh=(f"即使 16 位也需要 {2 * total / gib:.1f} GiB，而内存只剩 {memory / gib:.1f} GiB。", "请选择更小的模型。"))


# --- words

KINDS = {"european": "European", "african": "Black", "east asian": "East Asian", "south asian": "South Asian", "mixed": "mixed-heritage"}


def described(look: Look, asked: Mapping[str, Any], words: str = "") -> str:
    """A prompt. Where there are `words`, they lead, and of the look only who it is and what was asked for is told besides; else all of it."""
    look = {**look, **{name: value for name, value in asked.items() if name in look}}
    told = set(look) if not words else {"gender", "age", "features"} | set(asked)
    who = f"{KINDS[str(look['features'])]} {look['gender']}, {max(18, round(float(look['age'])))} years old"
    rows = []
    worn = look["headwear"]
    if "hair" in told and worn not in ("headscarf", "turban"):
        rows.append(attributes._HAIR_EN[str(look["hair"])].format(look["hair colour"]) + (" with a fringe" if look["fringe"] else ""))
    elif "hair colour" in told and look["hair"] != "bald":
        rows.append(f"{look['hair colour']} hair")
    if "beard" in told and look["beard"] != "none":
        rows.append(attributes._BEARD[str(look["beard"])][0])
    if "glasses" in told and look["glasses"] != "none":
        rows.append(attributes._GLASSES[str(look["glasses"])][0])
    if "headwear" in told and worn != "none":
        rows.append(attributes._WORN[str(worn)][0])
    if "eyes" in told:
        rows.append(f"{look['eyes']} eyes")
    if "face" in told:
        rows.append(f"{look['face']} face")
    if "freckles" in told and look["freckles"]:
        rows.append("freckles")
    if "smile" in told:
        rows.append("a kind closed-mouth smile" if float(look["smile"]) > 0.5 else "a serious look" if float(look["smile"]) < 0.05 else "a gentle look")
    if "clothes" in told:
        rows.append(attributes.article(f"{look['clothes colour']} {attributes._CLOTHES[str(look['clothes'])][0]}"))
    return ", ".join([f"portrait photo of {attributes.article(who)}", *([words] if words else []), *rows, FRAMED])


def _words(words: str, chinese: bool) -> str:
    """Words of a wish that a prompt may have. Raises Refused for a real person and for a child (wish.py). Chinese goes to models that read it alone."""
    text = " ".join(words.split())[:wish.MOST]
    wish.read(text)
    return text if text.isascii() or chinese else ""


# --- the engine

class _Stopped(Exception):
    pass


def _stopped() -> Refused:
    return Refused("It was stopped.", "Ask again.", zh=("已停止。", "请再试一次。"))


class Hub:
    """A pipeline as an engine of invent.py. `each(step, steps)` hears how far a picture is and may raise to give it up, as `stop()` does from any thread.

    A recipe is {"model", "prompt", "noise": [[seed, weight], ...]}, and "of", the recipe of a face that it keeps to, where the pipeline can; the same model
    at the same px and steps paints it again. Of two faces with different words the way between them has the nearer one's words: only the noise is mixed.
    Errors: Missing where the model isn't here, Refused where it is no pipeline of safetensors or does not fit.
    """

    name = "hub"

    def __init__(self, model: str | Path, *, px: int = 0, steps: int = 0, guidance: float | None = None, say: Says = print,
                 each: Callable[[int, int], None] = lambda step, steps: None, accelerator: tuple[str, str, int, str] | None = None):
        self.folder, self.model = opened(model), str(model)
        self.place = arranged(self.folder.parts, accelerator or devices.accelerator(), devices.hardware().free)
        say(str(self.place))
        self._say, self._each, self._halt = say, each, threading.Event()
        self._pipe = self._loaded()
        call = self._takes(self._pipe)
        if "prompt" not in call or any(name in call for name in NO_TURN):
            raise Refused(f"{self.folder.kind} does not make a picture from words.", "Name a text-to-image pipeline of diffusers.")
        self._text, self._image = self._pipe, None
        row = habit(self.folder.kind, self.model + " " + self.folder.path.name)
        if row is None:
            usual = call["num_inference_steps"].default if "num_inference_steps" in call else 30
            row = Habit(usual if isinstance(usual, int) else 30)
        self.steps, self.guidance = steps or row.steps, row.guidance if guidance is None else guidance
        self.px = px or row.px or self._native()
        if row.few and "timestep_spacing" in self._pipe.scheduler.config:
            self._pipe.scheduler = type(self._pipe.scheduler).from_config(self._pipe.scheduler.config, timestep_spacing="trailing")
        tokenizers = [type(part).__name__ for key, part in self._pipe.components.items() if key.startswith("tokenizer") and part is not None]
        self.chinese = bool(tokenizers) and not any(one.startswith(("CLIP", "T5")) for one in tokenizers)

    # the engine's verbs

    def faces(self, asked: Look, seed: int, count: int = 4, words: str = "") -> Iterator[Invented]:
        """New ones, each as it is made. Closing the generator, or stop(), ends it. Raises Refused for words that name a real person or a child."""
        text, asked = _words(words, self.chinese), checked(asked)
        self._halt.clear()
        for k in range(count):
            one = (seed * 1009 + k) % 2**31
            prompt = described(invent(one, asked), asked, text)
            made = self._made({"model": self.model, "prompt": prompt, "noise": [[one, 1.0]]})
            if made is None:
                return
            yield made

    def like(self, face: Mapping[str, Any], seed: int, count: int = 4) -> Iterator[Invented]:
        """The same words, the noise a little way off; a pipeline that keeps to pictures (`keeps`) is shown the face, and begins from other noise."""
        recipe = self._recipe(face)
        self._halt.clear()
        for k in range(count):
            other = (seed * 2011 + k) % 2**31
            made = self._made({**recipe, "noise": [[other, 1.0]], "of": recipe} if self.keeps else
                              {**recipe, "noise": _mixed(recipe["noise"], [[other, 1.0]], NEAR)})
            if made is None:
                return
            yield made

    def between(self, one: Mapping[str, Any], other: Mapping[str, Any], part: float) -> Invented:
        self._halt.clear()
        part = float(np.clip(part, 0, 1))
        first, second = self._recipe(one), self._recipe(other)
        made = self._made({**(first if part < 0.5 else second), "noise": _mixed(first["noise"], second["noise"], part)})
        if made is None:
            raise _stopped()
        return made

    def portrait(self, face: Mapping[str, Any], size: int = 1024) -> np.ndarray:
        recipe = self._recipe(face)
        self._halt.clear()
        picture = self._picture(recipe)
        if picture is None:
            raise _stopped()
        return _resized(picture, size)

    def stop(self) -> None:
        """Give up the picture that is being made, at its next step. From any thread."""
        self._halt.set()

    # from pictures

    @property
    def keeps(self) -> bool:
        """Whether the pipeline takes pictures of somebody to keep to: as references (FLUX.2, Kontext, Qwen edit) or through an IP adapter that is loaded."""
        return self._references or self._adapter

    @property
    def _references(self) -> bool:
        call = self._takes(self._pipe)
        return "image" in call and "strength" not in call and "mask_image" not in call

    @property
    def _adapter(self) -> bool:
        body = getattr(self._pipe, "unet", None) or getattr(self._pipe, "transformer", None)
        return "ip_adapter_image" in self._takes(self._pipe) and getattr(body, "encoder_hid_proj", None) is not None

    def keeping(self, references: Sequence[np.ndarray], asked: Look, seed: int, count: int = 4, words: str = "") -> Iterator[Invented]:
        """New pictures of the person of some square pictures uint8 [n, n, 3]: by references, an IP adapter, or img2img from the first. Recipes hold no picture
        of anybody, so they paint somebody of the same description: keep the picture. Raises Refused."""
        text, asked = _words(words, self.chinese), checked(asked)
        self._halt.clear()
        for k in range(count):
            one = (seed * 1009 + k) % 2**31
            recipe: dict[str, Any] = {"model": self.model, "prompt": described(invent(one, asked), asked, text), "noise": [[one, 1.0]]}
            try:
                picture = self._shown(references, recipe) if self.keeps else self._redrawn(references[0], recipe["prompt"], 0.55, one)
            except _Stopped:
                return
            yield Invented(self.name, recipe, _resized(picture, PREVIEW))

    def _shown(self, references: Sequence[np.ndarray], recipe: Mapping[str, Any]) -> np.ndarray:
        """A recipe painted by a pipeline that keeps to pictures."""
        given = [_pil(_resized(picture, max(self.px, LEAST))) for picture in references]
        pipe, prompt = self._as("text"), f"The same person as in the picture. {recipe['prompt']}"
        shown = {"ip_adapter_image": given[0]} if not self._references else {"image": given if re.search("Flux2|Plus|Omni", self.folder.kind) else given[0]}
        return self._run(pipe, prompt, recipe["noise"][0][0], noise=recipe["noise"], size=True, **shown)

    def redrawn(self, picture: np.ndarray, prompt: str, strength: float, seed: int) -> np.ndarray:
        """A picture uint8 [n, n, 3] made anew from noise and itself, [n, n, 3]. `strength` 0: itself, 1: noise alone. Raises Refused.

        Pipelines that edit by words (FLUX.2, Kontext, Qwen edit) have no strength: they are told to change little, or much.
        """
        self._halt.clear()
        try:
            return self._redrawn(picture, prompt, float(np.clip(strength, 0, 1)), seed)
        except _Stopped:
            raise _stopped() from None

    def _redrawn(self, picture: np.ndarray, prompt: str, strength: float, seed: int) -> np.ndarray:
        side = picture.shape[0]
        if strength < 0.01:
            return picture.copy()
        given = _pil(_resized(picture, max(self.px, LEAST) if self._references else self.px))
        if self._references:
            much = "slightly" if strength < 0.35 else "clearly" if strength < 0.7 else "completely"
            told = f"Redraw this portrait {much} as: {prompt}. Keep the person, the pose, the framing and the place of eyes, nose and mouth."
            out = self._run(self._as("text"), told, seed, image=given, size=True)
        else:
            pipe = self._as("image")
            # of n steps the last n * strength are walked: at least two, or nothing changes
            steps = max(self.steps, math.ceil(2 / strength))
            out = self._run(pipe, prompt, seed, image=given, strength=max(strength, 1.001 / steps), steps=steps)
        return _resized(out, side)

    # the rest is how

    def _loaded(self) -> Any:
        import torch
        from diffusers import DiffusionPipeline
        from diffusers.utils import logging
        from transformers.utils import logging as words
        logging.disable_progress_bar()
        words.disable_progress_bar()
        options: dict[str, Any] = {"variant": self.folder.variant} if self.folder.variant else {}
        try:
            pipe = DiffusionPipeline.from_pretrained(str(self.folder.path), dtype=getattr(torch, self.place.dtype), use_safetensors=True, local_files_only=True,
                                                     trust_remote_code=False, low_cpu_mem_usage=True, **options)
        except torch.OutOfMemoryError as error:
            raise Refused(f"The model {self.model} does not fit into memory.", "Choose a smaller one.") from error
        except (OSError, ValueError, KeyError, TypeError, AttributeError, ImportError, RuntimeError) as error:
            raise Refused(f"The model {self.model} could not be loaded: {str(error).splitlines()[0][:200]}", "Fetch or copy its folder again.") from error
        pipe.set_progress_bar_config(disable=True)
        self._settle(pipe)
        return pipe

    def _settle(self, pipe: Any) -> None:
        """Puts a pipeline where it was arranged to be."""
        if self.place.how == "model":
            pipe.enable_model_cpu_offload(device=self.place.device)
        elif self.place.how == "sequential":
            pipe.enable_sequential_cpu_offload(device=self.place.device)
        else:
            pipe.to(self.place.device)
        vae = getattr(pipe, "vae", None)
        if self.place.tiles and vae is not None and hasattr(vae, "enable_tiling"):
            vae.enable_tiling()
        # attention in slices saves memory only where it isn't fused; PyTorch's is on CUDA and CPUs
        if self.place.tiles and self.place.device == "mps" and hasattr(pipe, "unet"):
            pipe.enable_attention_slicing()

    def _as(self, kind: str) -> Any:
        """The pipeline as one from words or from a picture, on the same weights. Raises Refused where it has no such sister."""
        import diffusers
        auto = {"text": diffusers.AutoPipelineForText2Image, "image": diffusers.AutoPipelineForImage2Image}[kind]
        call = self._takes(self._pipe)
        fits = ("image" not in call or self._references) if kind == "text" else "image" in call
        if not fits:
            kept = self._image if kind == "image" else self._text
            if kept is None or kept is self._pipe:
                try:
                    kept = auto.from_pipe(self._pipe)
                except (ValueError, TypeError) as error:
                    raise Refused(f"{self.folder.kind} makes no picture from {'words alone' if kind == 'text' else 'another picture'}.",
                                  "Choose another model for that.") from error
                kept.set_progress_bar_config(disable=True)
            if self.place.how != "whole":
                self._settle(kept)
            self._pipe = kept
        if kind == "text":
            self._text = self._pipe
        else:
            self._image = self._pipe
        return self._pipe

    @staticmethod
    def _takes(pipe: Any) -> Mapping[str, inspect.Parameter]:
        return inspect.signature(type(pipe).__call__).parameters

    def _native(self) -> int:
        """px that it was made for."""
        factor = getattr(self._pipe, "vae_scale_factor", 8)
        body = getattr(self._pipe, "unet", None) or getattr(self._pipe, "transformer", None)
        for cells in (getattr(self._pipe, "default_sample_size", None), getattr(getattr(body, "config", None), "sample_size", None)):
            if isinstance(cells, int) and cells > 0:
                return int(cells * factor)
        return 1024

    def _recipe(self, face: Mapping[str, Any], deep: int = 0) -> dict[str, Any]:
        """A recipe that may come from a page, checked. Raises Refused."""
        def no() -> Refused:
            return Refused("That is no invented face.", "Invent one, then choose it.", zh=("这不是一张虚构的脸。", "请先生成，再选择。"))
        if not isinstance(face, Mapping) or not isinstance(face.get("prompt"), str) or not isinstance(face.get("noise"), (list, tuple)):
            raise no()
        if face.get("model", self.model) != self.model:
            raise Refused(f"That face was made by {str(face['model'])[:120]}, not by {self.model}.", "Choose that model, or invent one with this.",
                          zh=("这张脸是另一个模型生成的。", "请换回那个模型，或重新生成。"))
        noise = []
        for row in face["noise"][:2 * MOST_PARTS]:
            if not isinstance(row, (list, tuple)) or len(row) != 2 or not isinstance(row[0], int) or not isinstance(row[1], (int, float)) \
                    or not np.isfinite(row[1]):
                raise no()
            noise.append([row[0] % 2**31, float(np.clip(row[1], -1, 1))])
        if not noise or not any(weight for _, weight in noise):
            raise no()
        # the words went through wish.py when they were a wish; a page could send others, so what frames them is taken off and the rest is read again
        prompt = face["prompt"][:WORDS]
        wish.read(re.sub(r"^(?:portrait photo of )?(?:an? )?|, " + re.escape(FRAMED) + "$", "", prompt)[:wish.MOST])
        out = {"model": self.model, "prompt": prompt, "noise": noise}
        if face.get("of") is not None and self.keeps and deep < DEEP:
            out["of"] = self._recipe(face["of"], deep + 1)
        return out

    def _made(self, recipe: dict[str, Any]) -> Invented | None:
        picture = self._picture(recipe)
        return None if picture is None else Invented(self.name, recipe, _resized(picture, PREVIEW))

    def _picture(self, recipe: Mapping[str, Any]) -> np.ndarray | None:
        """A recipe painted, uint8 [px, px, 3]; None where it was stopped."""
        try:
            if (of := recipe.get("of")) is not None:
                shown = self._picture(of)
                return None if shown is None else self._shown([shown], recipe)
            return self._run(self._as("text"), recipe["prompt"], recipe["noise"][0][0], noise=recipe["noise"], size=True)
        except _Stopped:
            return None

    def _start(self, pipe: Any, noise: Sequence[Sequence[float]]) -> torch.Tensor | None:
        """The noise a picture begins with, or None where the pipeline's own can't be laid out (its generator's is taken then).

        A sum of unit noises over the length of its weights is unit noise again.
        """
        import torch
        shape = self._shape(pipe)
        if shape is None:
            return None
        total = torch.zeros(shape)
        for seed, weight in noise:
            total += weight * torch.randn(shape, generator=torch.Generator().manual_seed(int(seed)))
        return (total / math.sqrt(sum(weight ** 2 for _, weight in noise))).to(self._device(pipe), getattr(torch, self.place.dtype))

    @staticmethod
    def _device(pipe: Any) -> Any:
        return pipe._execution_device

    def _shape(self, pipe: Any) -> tuple[int, ...] | None:
        """The shape in which a pipeline takes `latents`: as its prepare_latents gives them, or those not yet packed into tokens."""
        import torch
        prepare = getattr(pipe, "prepare_latents", None)
        body = getattr(pipe, "unet", None) or getattr(pipe, "transformer", None)
        if prepare is None or "latents" not in self._takes(pipe) or body is None:
            return None
        names = list(inspect.signature(prepare).parameters)
        if names[:1] != ["batch_size"] or names[2:7] != ["height", "width", "dtype", "device", "generator"] or names[7:8] != ["latents"]:
            return None
        channels = int(getattr(body.config, "in_channels", 0) or 0) // (4 if "_pack_latents" in dir(pipe) else 1)

        def laid(latents: torch.Tensor | None) -> tuple[int, ...]:
            given = torch.Generator().manual_seed(0)
            out = prepare(1, channels, self.px, self.px, torch.float32, torch.device("cpu"), given, latents)
            return tuple((out[0] if isinstance(out, tuple) else out).shape)

        try:
            shape = laid(None)
            shapes = [shape]
            if len(shape) == 3 and (side := math.isqrt(shape[1])) ** 2 == shape[1]:
                shapes.append((shape[0], shape[2], side, side))
            for one in shapes:
                try:
                    if laid(torch.zeros(one)) == shape:
                        return one
                except (ValueError, RuntimeError, TypeError):
                    continue
        except (ValueError, RuntimeError, TypeError, AttributeError, ZeroDivisionError):
            pass
        return None

    def _run(self, pipe: Any, prompt: str, seed: int, *, noise: Sequence[Sequence[float]] | None = None, size: bool = False, steps: int = 0,
             **given: Any) -> np.ndarray:
        """One picture uint8 [h, w, 3]. Raises _Stopped, Refused. Where memory runs out once, the next thriftier arrangement is tried."""
        import torch
        call = self._takes(pipe)
        total = steps or self.steps

        def step(owner: Any, number: int, when: Any, kept: dict[str, Any]) -> dict[str, Any]:
            if self._halt.is_set():
                raise _Stopped
            self._each(number + 1, total)
            return kept

        asked: dict[str, Any] = {"prompt": prompt, "num_inference_steps": total, "generator": torch.Generator().manual_seed(seed), "output_type": "pil",
                                 "callback_on_step_end": step, **given}
        if size:
            asked |= {"height": self.px, "width": self.px, "use_resolution_binning": False}
        scale = "true_cfg_scale" if "QwenImage" in self.folder.kind else "guidance_scale"
        if self.guidance is not None:
            asked[scale] = self.guidance
        if self.guidance is not None and self.guidance > 1 and (scale == "true_cfg_scale" or "true_cfg_scale" not in call):
            asked["negative_prompt"] = AVOID
        if noise is not None and (start := self._start(pipe, noise)) is not None:
            asked["latents"] = start
        if self._halt.is_set():
            raise _Stopped
        try:
            out = pipe(**{key: value for key, value in asked.items() if key in call})
        except torch.OutOfMemoryError as error:
            return self._again(error, pipe, prompt, seed, noise=noise, size=size, steps=steps, **given)
        finally:
            if self.place.how == "model":
                pipe.maybe_free_model_hooks()
        if any(getattr(out, "nsfw_content_detected", None) or ()):
            raise Refused("The model's own filter held that picture back.", "Try another seed, or other words.",
                          zh=("模型自带的过滤器拦下了这张图。", "请换一个种子或换一种说法。"))
        return np.asarray(out.images[0].convert("RGB"))

    def _again(self, error: Exception, pipe: Any, *args: Any, **kwargs: Any) -> np.ndarray:
        import torch
        thriftier = {"whole": "model", "model": "sequential"}.get(self.place.how)
        if not self.place.device.startswith("cuda") or thriftier is None:
            raise Refused(f"There is not enough memory on {self.place.device} for a picture of {self.px} px.", "Choose a smaller model.") from error
        self.place = Arranged(thriftier, self.place.device, self.place.dtype, True, "memory ran out: " + ("parts" if thriftier == "model" else "layers")
                              + " take turns from now on")
        self._say(str(self.place))
        pipe.to("cpu")
        torch.cuda.empty_cache()
        self._settle(pipe)
        return self._run(pipe, *args, **kwargs)


def _mixed(one: Sequence[Sequence[float]], other: Sequence[Sequence[float]], part: float) -> list[list[float]]:
    """The noise on the arc from one to another (noises of different seeds are as good as at right angles)."""
    rows: dict[int, float] = {}
    for noise, share in ((one, math.cos(part * math.pi / 2)), (other, math.sin(part * math.pi / 2))):
        length = math.sqrt(sum(weight ** 2 for _, weight in noise))
        for seed, weight in noise:
            rows[int(seed)] = rows.get(int(seed), 0.0) + share * weight / length
    kept = sorted(((seed, weight) for seed, weight in rows.items() if abs(weight) > 1e-6), key=lambda row: -abs(row[1]))[:MOST_PARTS]
    return [[seed, weight] for seed, weight in kept]


def _pil(picture: np.ndarray) -> Any:
    from PIL import Image
    return Image.fromarray(picture)


def _resized(picture: np.ndarray, size: int) -> np.ndarray:
    if picture.shape[:2] == (size, size):
        return picture
    return cv2.resize(picture, (size, size), interpolation=cv2.INTER_AREA if picture.shape[0] > size else cv2.INTER_CUBIC)
