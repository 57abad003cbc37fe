"""Faces from a GAN: R3GAN's two networks (arxiv.org/abs/2501.05441), conditional on what a face shall look like.

A generator turns a point z of a ball of noise into a picture; a discriminator, needed only while it learns (twin/train/gan.py), tells real pictures from
made ones. Both are stages of the same residual block, with no normalisation at all: what keeps numbers in bounds is how the weights begin (Fixup,
arxiv.org/abs/1901.09321), what keeps the two in balance is in the loss. Near points give near faces: "more like this" is z and a little noise, a walk from a
face to another is the arc between their z. What is painted are pixels or, where a processor has to learn it, the latents of an autoencoder (vae.py), which then
makes them pictures. Letters in shapes: B pictures, C channels, S pixels of a side, Z noise, D attributes.
"""
from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor, nn
from torch.nn.functional import avg_pool2d, interpolate, leaky_relu, pixel_shuffle, pixel_unshuffle

from twin.errors import Refused

from . import pretrained

if TYPE_CHECKING:
    from .vae import Vae

ARCHITECTURE = "twin.Gan"
SLOPE = 0.2                                              # of leaky ReLU, below zero
GAIN = math.sqrt(2 / (1 + SLOPE ** 2))                   # keeps the variance through a leaky ReLU (arxiv.org/abs/1502.01852)
KNOWN = 1024                                             # rows of attributes kept with the weights: what faces of the set look like
AT_ONCE = 16                                             # pictures


@dataclass(frozen=True)
class Size:
    """How large the networks are. Stages are told from the coarsest, 4 px, to the finest, px / patch. Of a latent, px are its positions."""
    px: int
    widths: tuple[int, ...]                              # channels of a stage
    blocks: tuple[int, ...]                              # residual blocks of a stage
    attributes: int = 0                                  # D; 0: faces can't be asked for
    noise: int = 64                                      # Z
    embed: int = 64                                      # numbers that attributes become, in G and in D
    inner: float = 1.0                                   # channels inside a block, of the block's own
    group: int = 32                                      # channels of a group of the 3 x 3 convolution
    patch: int = 2                                       # px of a side that one position of the finest stage paints: 1 as in the paper
    channels: int = 3                                    # of what is painted: colours, or a latent's

    def __post_init__(self) -> None:
        if len(self.widths) != len(self.blocks) or 4 << (len(self.widths) - 1) != self.px // self.patch:
            raise Refused(f"{len(self.widths)} stages from 4 px on don't end at {self.px} / {self.patch} px.", "config.json is damaged: copy the folder again.")


# The finest stages cost most and the coarse ones hold most weights, so widths double towards the coarse end up to a bound. `small` learns on two CPU cores:
# a finest stage at half the picture's side, groups of 64 (on CPUs, groups of 16 are slower than none at all). `base` and `large` are for a GPU.
_SIZES: dict[str, dict[str, Any]] = {
    "tiny": {"widths": (16, 32, 32, 48, 64, 64), "blocks": (1, 1, 1, 1, 1, 1), "noise": 16, "embed": 8, "group": 16, "patch": 2},
    "small": {"widths": (48, 96, 256, 384, 384, 384), "blocks": (1, 1, 1, 2, 2, 2), "noise": 64, "embed": 64, "group": 64, "patch": 2},
    "base": {"widths": (96, 192, 384, 512, 512, 512, 512), "blocks": (2, 2, 2, 2, 2, 2), "noise": 64, "embed": 128, "inner": 1.5, "group": 32, "patch": 1},
    "large": {"widths": (192, 384, 768, 768, 768, 768, 768), "blocks": (2, 2, 2, 2, 2, 2), "noise": 64, "embed": 128, "inner": 2.0, "group": 16, "patch": 1},
}
SIZES = tuple(_SIZES)
PIXELS = (32, 64, 128, 256)


def sized(name: str, px: int, attributes: int = 0, latent: Sequence[int] = ()) -> Size:
    """The size of that name for pictures of `px`, or for their latents (c, s, s): the same stages up to s. Raises Refused."""
    if name not in _SIZES or px not in PIXELS:
        raise Refused(f"There is no size {name} for pictures of {px} px.", f"Sizes are {', '.join(SIZES)}; pictures have {', '.join(map(str, PIXELS))} px.")
    row = dict(_SIZES[name])
    if latent:
        if latent[1] < 4 or latent[1] & (latent[1] - 1):
            raise Refused(f"A latent of {latent[1]} positions of a side can't be grown from 4 by doubling.", "Take an autoencoder of another size.")
        finest = max(0, int(math.log2(128 // row["patch"] // latent[1]))) if name != "tiny" else 0
        px, row["patch"], row["channels"] = latent[1], 1, latent[0]
    else:
        finest = {256: 0, 128: 0, 64: 1, 32: 2}[px] if name != "tiny" else 0
    stages = int(math.log2(px // row["patch"])) - 1      # 4, 8, ... px / patch
    widths, blocks = row.pop("widths")[finest:], row.pop("blocks")[finest:]
    widths, blocks = ((*part, *(part[-1:] * stages))[:stages][::-1] for part in (widths, blocks))
    return Size(px, widths, blocks, attributes, **row)


def begun(layer: nn.Conv2d | nn.Linear, gain: float = 1.0) -> Any:
    """Weights from N(0, gain² / inputs), biases 0; gain 0: all 0."""
    with torch.no_grad():
        layer.weight.normal_(0, gain / math.sqrt(layer.weight[0].numel()))
        if layer.bias is not None:
            layer.bias.zero_()
    return layer


class Block(nn.Module):
    """x + f(x), f = 1 x 1, grouped 3 x 3, 1 x 1 convolutions with leaky ReLUs between. The last one begins at 0, so a fresh network is its skips alone; the
    others begin smaller the more blocks there are, N^(-1 / (2·3 - 2)) for three layers. x (B, C, S, S) -> the same."""

    def __init__(self, width: int, size: Size):
        super().__init__()
        inner = max(1, round(width * size.inner / size.group)) * min(size.group, width)
        gain = GAIN * sum(size.blocks) ** -0.25
        self.into = begun(nn.Conv2d(width, inner, 1), gain)
        self.across = begun(nn.Conv2d(inner, inner, 3, padding=1, groups=max(1, inner // size.group)), gain)
        self.out = begun(nn.Conv2d(inner, width, 1, bias=False), 0.0)

    def forward(self, x: Tensor) -> Tensor:
        return x + self.out(leaky_relu(self.across(leaky_relu(self.into(x), SLOPE)), SLOPE))


def between(here: int, there: int) -> nn.Module:
    return nn.Identity() if here == there else begun(nn.Conv2d(here, there, 1, bias=False))


class Generator(nn.Module):
    """z (B, Z) and attributes (B, D) -> pictures (B, C, S, S), about -1..1. A learnt 4 x 4 basis weighted by z; then blocks, twice the side, blocks ..."""

    def __init__(self, size: Size):
        super().__init__()
        self.size = size
        if size.attributes:
            self.embed = begun(nn.Linear(size.attributes, size.embed, bias=False))
        first = size.widths[0]
        self.weigh = begun(nn.Linear(size.noise + (size.embed if size.attributes else 0), first, bias=False))
        self.basis = nn.Parameter(torch.randn(first, 4, 4))
        self.between = nn.ModuleList(between(here, there) for here, there in zip(size.widths, size.widths[1:]))
        self.stages = nn.ModuleList(nn.Sequential(*(Block(width, size) for _ in range(count))) for width, count in zip(size.widths, size.blocks))
        self.paint = begun(nn.Conv2d(size.widths[-1], size.channels * size.patch ** 2, 1))
        with torch.no_grad():                            # all pixels of a patch begin alike, else there is a chequer to unlearn (arxiv.org/abs/1707.02937)
            own = self.paint.weight[::size.patch ** 2]
            self.paint.weight.copy_(own.repeat_interleave(size.patch ** 2, 0))

    def forward(self, z: Tensor, attributes: Tensor | None = None) -> Tensor:
        if self.size.attributes:
            assert attributes is not None
            z = torch.cat([z, self.embed(attributes)], 1)
        x = (self.weigh(z)[:, :, None, None] * self.basis).contiguous(memory_format=torch.channels_last)
        for number, stage in enumerate(self.stages):
            if number:
                x = interpolate(self.between[number - 1](x), scale_factor=2, mode="bilinear")
            x = stage(x)
        return pixel_shuffle(self.paint(x), self.size.patch).float()


class Discriminator(nn.Module):
    """Pictures (B, C, S, S) and attributes (B, D) -> scores (B,): higher is more real. The generator backwards; at the end the attributes' embedding is
    projected on what was seen (arxiv.org/abs/1802.05637)."""

    def __init__(self, size: Size):
        super().__init__()
        self.size = size
        widths, blocks = size.widths[::-1], size.blocks[::-1]
        self.look = begun(nn.Conv2d(size.channels * size.patch ** 2, widths[0], 1))
        self.stages = nn.ModuleList(nn.Sequential(*(Block(width, size) for _ in range(count))) for width, count in zip(widths, blocks))
        self.between = nn.ModuleList(between(here, there) for here, there in zip(widths, widths[1:]))
        last = widths[-1]
        self.basis = begun(nn.Conv2d(last, last, 4, groups=last, bias=False))
        self.weigh = begun(nn.Linear(last, size.embed if size.attributes else 1, bias=False))
        if size.attributes:
            self.embed = begun(nn.Linear(size.attributes, size.embed, bias=False), 1 / math.sqrt(size.embed))

    def forward(self, pictures: Tensor, attributes: Tensor | None = None) -> Tensor:
        x = self.look(pixel_unshuffle(pictures, self.size.patch).contiguous(memory_format=torch.channels_last))
        for number, stage in enumerate(self.stages):
            if number:
                x = self.between[number - 1](avg_pool2d(x, 2))   # bilinear at half the side is the mean of 2 x 2
            x = stage(x)
        seen = self.weigh(self.basis(x).flatten(1)).float()
        if self.size.attributes:
            assert attributes is not None
            return (seen * self.embed(attributes).float()).sum(1)
        return seen[:, 0]


def noise(seeds: Sequence[int], *shape: int) -> Tensor:
    """N(0, 1), [len(seeds), *shape]: a row depends on its own seed alone, so that face number 7 is the same among 4 and among 4,000."""
    return torch.stack([torch.randn(*shape, generator=torch.Generator().manual_seed(seed)) for seed in seeds])


def slerp(a: Tensor, b: Tensor, share: float) -> Tensor:
    """`share` of the way along the arc from a to b, each [n]: in many dimensions noise lies near a sphere and a straight line would leave it
    (arxiv.org/abs/1609.04468). The length changes evenly from the one's to the other's."""
    lengths = a.norm(), b.norm()
    one, other = a / lengths[0].clamp_min(1e-8), b / lengths[1].clamp_min(1e-8)
    angle = torch.acos((one @ other).clamp(-1, 1))
    if angle < 1e-3 or angle > math.pi - 1e-3:           # no arc, or no one arc
        return torch.lerp(a, b, share)
    return torch.lerp(*lengths, share) * (torch.sin((1 - share) * angle) * one + torch.sin(share * angle) * other) / torch.sin(angle)


def bytes_of(pictures: Tensor) -> Tensor:
    """-1..1 -> uint8 0..255, on the CPU."""
    return ((pictures.float() + 1) * 127.5).round().clamp(0, 255).to(torch.uint8).cpu()


class Gan:
    """A generator that has learnt. `known`: [n, D] attributes of faces of its set, from which those of a face are taken that nobody described. `vae`: whose
    latents it paints, where it doesn't paint pixels."""

    def __init__(self, generator: Generator, known: Tensor | None = None, vae: Vae | None = None):
        self.generator, self.size, self.vae = generator.eval(), generator.size, vae
        self.px = vae.size.px if vae else self.size.px
        self.known = torch.zeros(1, self.size.attributes) if known is None else known.float().cpu()

    @classmethod
    def from_pretrained(cls, folder: str | Path) -> Gan:
        """The folder of a generator; the autoencoder of one of latents lies in `vae` within it or beside it. Raises Missing and Refused."""
        folder = Path(folder)
        config, tensors = pretrained.read(folder, ARCHITECTURE)
        known = tensors.pop("known", None)
        try:
            told: Any = {key: tuple(value) if isinstance(value, list) else value for key, value in config["size"].items()}
            size = Size(**told)
            with torch.device("meta"):
                generator = Generator(size)
        except (TypeError, ValueError, KeyError, AttributeError, RuntimeError, ZeroDivisionError, AssertionError) as error:
            raise Refused(f"{folder / pretrained.CONFIG} doesn't say how large the networks are.", "Copy the folder again.") from error
        pretrained.fill(generator, tensors, folder / pretrained.WEIGHTS)
        if known is not None and (known.ndim != 2 or known.shape[1] != size.attributes or not len(known)):
            raise Refused(f"In {folder / pretrained.WEIGHTS}, known is {list(known.shape)} for {size.attributes} attributes.", "Copy the folder again.")
        vae = None
        if config.get("latent"):
            from .vae import beside
            vae = beside(folder, (size.channels, size.px, size.px))
        elif size.channels != 3:
            raise Refused(f"{folder / pretrained.CONFIG} means pictures of {size.channels} colours.", "Copy the folder again.")
        return cls(pretrained.laid(generator), known, vae)

    def save_pretrained(self, folder: str | Path, dtype: torch.dtype | None = None, *, with_vae: bool = True) -> None:
        """Raises OSError."""
        tensors: Mapping[str, Tensor] = {**self.generator.state_dict(), "known": self.known[:KNOWN]}
        pretrained.write(Path(folder), ARCHITECTURE, {"size": asdict(self.size), "latent": self.vae is not None}, tensors, dtype)
        if self.vae and with_vae:
            self.vae.save_pretrained(Path(folder) / "vae", dtype)

    def z(self, seeds: Sequence[int], truncation: float = 1.0) -> Tensor:
        """[n, Z]. `truncation` below 1 keeps nearer to the middle: more usual faces, less alike none (arxiv.org/abs/1809.11096)."""
        return noise(seeds, self.size.noise) * truncation

    def wanted(self, seeds: Sequence[int]) -> Tensor:
        """[n, D] attributes of some faces of the set, by the seed."""
        rows = [int(torch.randint(len(self.known), (), generator=torch.Generator().manual_seed(seed + 1))) for seed in seeds]
        return self.known[rows]

    @torch.no_grad()
    def from_z(self, z: Tensor, attributes: Tensor | None = None) -> Tensor:
        """z [n, Z], attributes [n, D] or one row for all -> pictures uint8 [n, 3, px, px]. Raises Refused."""
        if self.size.attributes:
            if attributes is None:
                raise Refused("This model wants to know what the face looks like.", "Give attributes, or use sample().")
            attributes = torch.as_tensor(attributes, dtype=torch.float32)
            if attributes.shape[-1] != self.size.attributes:
                raise Refused(f"This model was taught {self.size.attributes} attributes, not {attributes.shape[-1]}.",
                              "Train it again on this set, or name another.")
            attributes = attributes.expand(len(z), -1)
        device = self.generator.basis.device
        out = []
        for at in range(0, len(z), AT_ONCE):
            given = attributes[at:at + AT_ONCE].to(device) if attributes is not None and self.size.attributes else None
            painted = self.generator(z[at:at + AT_ONCE].to(device), given)
            out.append(self.vae.decode(painted) if self.vae else bytes_of(painted))
        return torch.cat(out) if out else torch.zeros(0, 3, self.px, self.px, dtype=torch.uint8)

    def sample(self, n: int, seed: int, attributes: Tensor | None = None, truncation: float = 1.0) -> Tensor:
        """`n` faces, uint8 [n, 3, px, px]; number i comes from seed + i alone. Without attributes they are some that the set has."""
        seeds = range(seed, seed + n)
        return self.from_z(self.z(seeds, truncation), self.wanted(seeds) if attributes is None else attributes)

    def walk(self, a: Tensor, b: Tensor, steps: int, attributes: Tensor | None = None) -> Tensor:
        """From z `a` [Z] to `b`, along the arc: uint8 [steps, 3, px, px]."""
        return self.from_z(torch.stack([slerp(a, b, number / max(1, steps - 1)) for number in range(steps)]), attributes)

    def to(self, device: str | torch.device) -> Gan:
        self.generator.to(device)
        if self.vae:
            self.vae.to(device)
        return self
