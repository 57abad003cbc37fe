"""The small network that turns the embedded voice's frames into a person's, as numbers in a file and as arithmetic in numpy.

A frame is heard with its neighbours (OFFSETS): the cosine transform of its log envelope, shortened to KEPT numbers, and whether it is
voiced. Out come the person's log envelope, aperiodicity and voicing. Training belongs to twin/train; this file only runs what it made,
and the two share `inputs`, so that they cannot drift apart.
"""
from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import scipy.fft

from twin.errors import Refused

from .vocoder import BANDS, NOISES

OFFSETS = (-16, -10, -6, -3, 0, 3, 6, 10, 16)            # frames of 5 ms
AROUND = max(OFFSETS)
KEPT = 30
INPUTS = len(OFFSETS) * (KEPT + 1)
OUTPUTS = BANDS + NOISES + 1
NOISE, VOICED = 8.0, 2.0                                 # units in which the network has aperiodicity and voicing
MOST_BYTES = 4 << 20                                     # of a file
VERSION = 1
HINT = "Train the voice again, or choose a ready one."


def inputs(envelope: np.ndarray, f0: np.ndarray) -> np.ndarray:
    """[frames, BANDS] and [frames] -> float32 [frames, INPUTS]; the ends are held."""
    shape = scipy.fft.dct(envelope, axis=1, norm="ortho")[:, :KEPT]
    frame = np.concatenate([shape, (f0 > 0)[:, None] * VOICED], 1).astype(np.float32)
    wide = np.pad(frame, ((AROUND, AROUND), (0, 0)), mode="edge")
    return np.concatenate([wide[AROUND + k: AROUND + k + len(frame)] for k in OFFSETS], 1)


@dataclass(frozen=True)
class Timbre:
    """A voice. `kind` is "timbre" (a network) or "shift" (only the mean envelope was moved)."""
    kind: str
    layers: tuple[tuple[np.ndarray, np.ndarray], ...]    # (weights [in, out], bias [out]), sigmoid-weighted between them
    about: dict[str, Any] = field(default_factory=dict)  # F0 quantiles, rate, gain: see twin/train/voice.py

    def frames(self, envelope: np.ndarray, f0: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """The embedded voice's frames -> the person's envelope [n, BANDS], aperiodicity in dB [n, NOISES], voiced bool [n]."""
        if self.kind == "shift":
            moved, noise = self.layers[0][1][:BANDS], self.layers[0][1][BANDS: BANDS + NOISES]
            return envelope + moved, np.tile(noise, (len(f0), 1)), f0 > 0
        value = inputs(envelope, f0)
        for index, (weights, bias) in enumerate(self.layers):
            value = value @ weights + bias
            if index + 1 < len(self.layers):
                value /= 1 + np.exp(-np.clip(value, -30, 30))
        noise = np.clip(value[:, BANDS: BANDS + NOISES] * NOISE, -60, 0)
        return value[:, :BANDS], noise, value[:, -1] > VOICED / 2

    def save(self) -> bytes:
        """A safetensors file: fp16 weights, and `about` in its header."""
        from safetensors.numpy import save
        arrays = {f"{name}{i}": np.ascontiguousarray(a, np.float16) for i, layer in enumerate(self.layers) for name, a in zip("wb", layer, strict=True)}
        return save(arrays, {"voice": json.dumps({"version": VERSION, "kind": self.kind, **self.about})})


def load(data: bytes) -> Timbre:
    """A voice from its file. Raises Refused where it is none, damaged, or made by a newer version."""
    from safetensors import SafetensorError
    from safetensors.numpy import load as read
    if len(data) > MOST_BYTES:
        raise Refused("The voice's file is too large to be one.", HINT)
    try:
        arrays = read(data)
        header = json.loads(data[8: 8 + int.from_bytes(data[:8], "little")])
        about = json.loads(header["__metadata__"]["voice"])
        version, kind = about.pop("version"), about.pop("kind")
        layers = tuple((arrays[f"w{i}"].astype(np.float32), arrays[f"b{i}"].astype(np.float32)) for i in range(len(arrays) // 2))
        widths = [INPUTS if kind == "timbre" else 0, *(len(bias) for _, bias in layers)]
        whole = layers and all(w.shape == (a, b) for (w, _), a, b in zip(layers, widths, widths[1:], strict=False)) and widths[-1] == OUTPUTS
        whole = whole and all(np.isfinite(a).all() for layer in layers for a in layer) and {"from", "to", "rate", "gain"} <= set(about)
    except (SafetensorError, KeyError, ValueError, TypeError, AttributeError, UnicodeDecodeError) as error:
        raise Refused("The voice's file is damaged.", HINT) from error
    if version != VERSION:
        raise Refused(f"The voice's file is of version {version}; this program reads version {VERSION}.", "Update the program.")
    if not whole or kind not in ("timbre", "shift"):
        raise Refused("The voice's file is damaged.", HINT)
    return Timbre(kind, layers, about)
