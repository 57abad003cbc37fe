"""A low-rank adapter of a model's weights, learned from one person's words (twin/train/lora.py), as a file and as matrices.

W' = W + scale B A for each matrix named (LoRA, arxiv.org/abs/2106.09685). The file is safetensors with PEFT's names and, in its metadata, what it was made
of: so it is one file, whole or absent, and no model that it was not made for takes it.
"""
from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from twin.errors import Refused
from twin.think import smollm2

MOST_BYTES, MOST_PAIRS, MOST_RANK = 64 * 2**20, 4000, 128
PREFIX = "base_model.model."
FIELDS = "twin"                                          # of the metadata


@dataclass(frozen=True)
class Adapter:
    """`base`: what model it belongs to (`base_of`); `pairs`: module -> (A float32 (rank, inputs), B float32 (outputs, rank) with the scale in it)."""
    id: str
    base: str
    pairs: dict[str, tuple[np.ndarray, np.ndarray]] = field(repr=False)
    about: dict[str, Any] = field(default_factory=dict)

    @cached_property
    def bytes(self) -> int:
        return sum(a.nbytes + b.nbytes for a, b in self.pairs.values())


def read(data: bytes) -> Adapter:
    """The adapter in a file. Raises Refused."""
    from safetensors import SafetensorError
    from safetensors.numpy import load
    try:
        about = told(data)
        held = load(data)
        pairs = {}
        for name, a in held.items():
            if name.endswith(".lora_A.weight"):
                b = held[name.replace(".lora_A.", ".lora_B.")]
                if a.ndim != 2 or b.ndim != 2 or a.shape[0] != b.shape[1] or a.shape[0] > MOST_RANK:
                    raise ValueError(name)
                a, b = a.astype(np.float32), b.astype(np.float32) * float(about["scale"])
                if not (np.isfinite(a).all() and np.isfinite(b).all()):
                    raise ValueError(name)
                pairs[name.removeprefix(PREFIX).removesuffix(".lora_A.weight")] = a, b
        if not pairs or len(pairs) > MOST_PAIRS:
            raise ValueError("pairs")
        return Adapter(hashlib.sha256(data).hexdigest()[:16], str(about["base"]), pairs, about)
    except (SafetensorError, ValueError, KeyError, TypeError, AttributeError, RecursionError):
        raise damaged() from None


def told(data: bytes) -> dict[str, Any]:
    """What a file says of itself, without its matrices. Raises Refused."""
    try:
        size = int.from_bytes(data[:8], "little")
        if len(data) > MOST_BYTES or not 2 <= size <= min(2**20, len(data) - 8):
            raise ValueError("size")
        about = json.loads(json.loads(data[8:8 + size])["__metadata__"][FIELDS])
        if not about["base"]:
            raise ValueError("base")
        return {**about, "base": str(about["base"]), "scale": float(about["scale"])}
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError, UnicodeDecodeError):
        raise damaged() from None


def damaged() -> Refused:
    return Refused("What was learned from their words is damaged.", "Train it again.", code="damaged", zh=("从他们的话里学到的内容损坏了。", "请重新训练。"))


def base_of(source: str, model: Any) -> str:
    """The name by which a loaded transformers model and its adapters know each other: of the embedded one its folder's, of any other a hash over samples of
    all its weights (rounded to bfloat16, in which it may be loaded)."""
    if Path(source).expanduser().resolve() == (smollm2.home() / "checkpoint").resolve():
        return smollm2.home().name
    import torch
    mark = hashlib.sha256()
    for name, weight in model.named_parameters():
        if ".lora_" not in name and not weight.is_meta:
            mark.update(weight.detach().flatten()[:64].to("cpu", torch.bfloat16).view(torch.int16).numpy().tobytes())
    return mark.hexdigest()[:16]
