"""A watermark in the sound itself, by AudioSeal (San Roman et al. 2024): an extra, where its package and weights are at hand on this machine.

Without them there is none, and `why` says so. Nothing is fetched here: `pip install audioseal`, then let huggingface_hub get facebook/audioseal once.
"""
from __future__ import annotations

import importlib.util
import io
import wave
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

REPO, MAKER, FINDER = "facebook/audioseal", "generator_base.pth", "detector_base.pth"
HZ = 16_000
FOUND = 0.5              # of the frames that have to carry it


def why() -> str:
    """Why there is no watermark here; "" where there can be one."""
    if importlib.util.find_spec("audioseal") is None:
        return "AudioSeal is not installed"
    return "" if all(_weights(name) for name in (MAKER, FINDER)) else "AudioSeal's weights are not on this machine"


def into(data: bytes) -> tuple[bytes, bool]:
    """A 16-bit WAV with the watermark in it, and whether there is one: without AudioSeal it comes back as it was."""
    if why():
        return data, False
    import soxr
    import torch
    with wave.open(io.BytesIO(data)) as file:
        about, raw = file.getparams(), file.readframes(file.getnframes())
    if about.sampwidth != 2 or about.nchannels != 1:
        return data, False
    sound = np.frombuffer(raw, "<i2").astype(np.float32) / 32768
    with torch.inference_mode():
        mark = _model("load_generator", MAKER).get_watermark(torch.from_numpy(soxr.resample(sound, about.framerate, HZ))[None, None], HZ)
    mark = soxr.resample(mark[0, 0].numpy(), HZ, about.framerate)[: len(sound)]
    done = sound + np.pad(mark, (0, len(sound) - len(mark)))
    out = io.BytesIO()
    with wave.open(out, "wb") as file:
        file.setparams(about)
        file.writeframes((np.clip(done, -1, 1) * 32767).astype("<i2").tobytes())
    return out.getvalue(), True


def inside(sound: np.ndarray, rate: int) -> bool | None:
    """Whether a sound, float32 [n], carries it; None where nobody here can tell."""
    if why():
        return None
    import soxr
    import torch
    with torch.inference_mode():
        share, _ = _model("load_detector", FINDER).detect_watermark(torch.from_numpy(soxr.resample(sound, rate, HZ))[None, None], HZ)
    return bool(float(share) > FOUND)


@cache
def _model(how: str, name: str) -> Any:
    from audioseal import AudioSeal
    return getattr(AudioSeal, how)(str(_weights(name))).eval()


def _weights(name: str) -> Path | None:
    from huggingface_hub import try_to_load_from_cache
    found = try_to_load_from_cache(REPO, name)
    return Path(found) if isinstance(found, str) else None
