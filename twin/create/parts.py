"""The rooms that do the work of making a twin, each imported when it is first needed; and small shapes they share."""
from __future__ import annotations

import contextlib
import importlib
import io
import threading
import wave
from typing import Any

import numpy as np

from ..errors import Missing, TwinError

_WARM = threading.Event()


def photo() -> Any:
    return importlib.import_module("twin.paint.photo")


def warm() -> None:
    """Load what a photo will need, beside: some 3 s at the first call, nothing later."""
    def load() -> None:
        with contextlib.suppress(TwinError, ImportError, OSError):
            photo().warm()
            importlib.import_module("twin.paint.rig")
    if not _WARM.is_set():
        _WARM.set()
        threading.Thread(target=load, name="warm", daemon=True).start()


def samples() -> Any:
    return _room("twin.speak.samples", "recordings")


def attributes() -> Any:
    return importlib.import_module("twin.paint.attributes")


def invent() -> Any:
    return importlib.import_module("twin.paint.invent")


def engines() -> Any:
    return importlib.import_module("twin.paint.engines")


def wish() -> Any:
    return importlib.import_module("twin.paint.wish")


def form() -> Any:
    return importlib.import_module("persona.form")


def chatlog() -> Any:
    return importlib.import_module("persona.chatlog")


def character_card() -> Any:
    return importlib.import_module("persona.character_card")


def found(box: tuple[float, ...], points: np.ndarray | None, score: float, by_hand: bool) -> Any:
    return photo().Found(box, points, score, by_hand)


def remark(code: str, level: str, en: str, zh: str) -> dict[str, str]:
    return {"code": code, "level": level, "en": en, "zh": zh}


def marks_of(picture: Any, face: Any) -> dict[str, Any]:
    """Where the marks of hand placement begin: on the face that was found, else where one might be."""
    if face.points is None:
        return photo().guess(picture)
    places = importlib.import_module("twin.paint.marks").PLACES
    return {name: (float(face.points[index, 0]), float(face.points[index, 1])) for name, (index, *_) in places.items()}


def marks() -> dict[str, dict[str, str]]:
    """What the marks are called: name -> {en, zh}."""
    return {name: {"en": en, "zh": zh} for name, (en, zh) in photo().MARKS.items()}


def sentences() -> dict[str, list[str]]:
    """What is to be read aloud, by language."""
    try:
        return {language: list(texts) for language, texts in samples().SENTENCES.items()}
    except Missing:
        return {"en": [], "zh": []}


def voices() -> list[dict[str, Any]]:
    """The ready voices: {name, label: {en, zh}, ...}."""
    try:
        return [dict(voice) for voice in importlib.import_module("twin.speak.timbre").ready()]
    except (ImportError, AttributeError):
        return []


def fitting_voice(age: Any, gender: str) -> dict[str, Any]:
    """A voice for a twin without a sample, by age and sex; one of espeak's where there is no ready one."""
    female, male = gender[:1] in ("f", "w", "女"), gender[:1] in ("m", "男")
    years = age if isinstance(age, int) else 35
    fitting = [voice for voice in voices() if not (female or male) or str(voice.get("gender", ""))[:1] == ("f" if female else "m")]
    if not fitting:
        return {"name": "f2" if female else "m3"}
    return {"backend": "timbre", "name": min(fitting, key=lambda voice: abs(_years(voice.get("age")) - years))["name"]}


def _years(age: Any) -> float:
    return float(age) if isinstance(age, (int, float)) else {"young": 22.0, "middle": 42.0, "adult": 35.0, "old": 68.0}.get(str(age), 35.0)


def portrait_png(background: bytes, portrait: bytes, label: Any) -> bytes:
    """The portrait over its background, labelled, as a PNG."""
    from PIL import Image
    with Image.open(io.BytesIO(portrait)) as file:
        front = file.convert("RGBA")
    whole = Image.new("RGBA", front.size, (120, 124, 132, 255))
    if background:
        with Image.open(io.BytesIO(background)) as file:
            whole.paste(file.convert("RGB").resize(front.size))
    whole.alpha_composite(front)
    flat = whole.convert("RGB")
    label(flat)
    out = io.BytesIO()
    flat.save(out, "PNG")
    return out.getvalue()


def wav(sound: np.ndarray, rate: int) -> bytes:
    """float32 [n], -1..1, as the bytes of a 16-bit mono WAV."""
    out = io.BytesIO()
    with wave.open(out, "wb") as file:
        file.setparams((1, 2, rate, len(sound), "NONE", "not compressed"))
        file.writeframes((np.clip(np.nan_to_num(sound), -1, 1) * 32767).astype("<i2").tobytes())
    return out.getvalue()


def _room(name: str, what: str) -> Any:
    try:
        return importlib.import_module(name)
    except ImportError as error:
        raise Missing(f"What works with {what} is not installed: {error}.", "python -m twin doctor --fix",
                      zh=("缺少处理录音的部件。", "请运行 python -m twin doctor --fix")) from None


def packed(faces: list[Any]) -> bytes:
    """Faces as the bytes of an .npz: boxes [n, 4], scores [n], by hand [n], points [n, 478, 3] (NaN where there are none)."""
    out = io.BytesIO()
    empty = np.full((478, 3), np.nan, np.float32)
    np.savez(out, boxes=np.array([one.box for one in faces], float).reshape(-1, 4), scores=np.array([one.score for one in faces], float),
             hands=np.array([one.by_hand for one in faces], bool),
             points=np.array([empty if one.points is None else one.points for one in faces], np.float32).reshape(-1, 478, 3))
    return out.getvalue()


def unpacked(data: bytes) -> list[Any]:
    """The faces in such bytes."""
    with np.load(io.BytesIO(data), allow_pickle=False) as held:
        boxes, scores, hands, points = (held[name] for name in ("boxes", "scores", "hands", "points"))
    return [found(tuple(float(v) for v in box), None if np.isnan(p).any() else p, float(score), bool(hand))
            for box, score, hand, p in zip(boxes, scores, hands, points)]
