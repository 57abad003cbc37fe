"""A small face made four times larger with what such faces have: strands of hair, lashes, the weave of cloth. Learnt from painted portraits.

A residual network (arxiv.org/abs/1707.02921, without normalisation) that ends in pixel shuffling (arxiv.org/abs/1609.05158); what it tells is added to the
bicubic picture. It can't know what was never in the picture: it makes edges and textures of the kind it has seen.
"""
from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.functional import interpolate, leaky_relu, pixel_shuffle

from twin.errors import Refused

from . import pretrained

ARCHITECTURE = "twin.Enlarger"
FOLDER = Path(__file__).parents[2] / "assets/weights/faces/enlarge"
TIMES = 4


@dataclass(frozen=True)
class Size:
    width: int = 40
    blocks: int = 8


class Enlarger(nn.Module):
    """(B, 3, s, s) -1..1 -> (B, 3, 4 s, 4 s)."""

    def __init__(self, size: Size = Size()):  # noqa: B008  (frozen)
        super().__init__()
        self.size, wide = size, size.width
        self.first = nn.Conv2d(3, wide, 3, padding=1)
        self.blocks = nn.ModuleList(nn.Sequential(nn.Conv2d(wide, wide, 3, padding=1), nn.LeakyReLU(0.2), nn.Conv2d(wide, wide, 3, padding=1))
                                    for _ in range(size.blocks))
        self.twice = nn.ModuleList([nn.Conv2d(wide, 4 * wide, 3, padding=1), nn.Conv2d(wide, 2 * wide, 3, padding=1)])
        self.last = nn.Conv2d(wide // 2, 3, 3, padding=1)
        for name, weight in self.blocks.named_parameters():
            if name.endswith("2.weight"):                # each block begins as nothing
                nn.init.zeros_(weight)
        nn.init.zeros_(self.last.weight)

    def forward(self, pictures: Tensor) -> Tensor:
        x = self.first(pictures)
        kept = x
        for block in self.blocks:
            x = x + block(x)
        x = x + kept
        for layer in self.twice:
            x = leaky_relu(pixel_shuffle(layer(x), 2), 0.2)
        return interpolate(pictures, scale_factor=TIMES, mode="bicubic", align_corners=False) + self.last(x)

    @classmethod
    def from_pretrained(cls, folder: str | Path) -> Enlarger:
        """Raises Missing and Refused."""
        folder = Path(folder)
        config, tensors = pretrained.read(folder, ARCHITECTURE)
        try:
            with torch.device("meta"):
                net = cls(Size(**config["size"]))
        except (TypeError, KeyError, ValueError, RuntimeError) as error:
            raise Refused(f"{folder / pretrained.CONFIG} doesn't say how large the network is.", "Copy the folder again.") from error
        pretrained.fill(net, tensors, folder / pretrained.WEIGHTS)
        return net.to(memory_format=torch.channels_last)     # type: ignore[call-overload]

    def save_pretrained(self, folder: str | Path, dtype: torch.dtype | None = None) -> None:
        """Raises OSError."""
        tensors: Mapping[str, Any] = self.state_dict()
        pretrained.write(Path(folder), ARCHITECTURE, {"size": asdict(self.size)}, tensors, dtype)


@lru_cache(maxsize=1)
def shipped() -> Enlarger | None:
    """The one that ships, where it is there."""
    return Enlarger.from_pretrained(FOLDER) if (FOLDER / pretrained.WEIGHTS).is_file() else None


@torch.no_grad()
def enlarge(picture: Any, net: Enlarger) -> Any:
    """uint8 [s, s, 3] -> uint8 [4 s, 4 s, 3]."""
    import numpy as np

    given = torch.from_numpy(np.ascontiguousarray(picture)).permute(2, 0, 1)[None].float() / 127.5 - 1
    made = net(given.contiguous(memory_format=torch.channels_last))[0]
    return ((made.permute(1, 2, 0) + 1) * 127.5).round().clamp(0, 255).to(torch.uint8).numpy()
