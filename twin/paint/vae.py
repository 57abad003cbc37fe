"""Faces from a variational autoencoder (arxiv.org/abs/1312.6114): a picture becomes a few numbers, a latent, and a latent becomes a picture.

The networks are diffusers' AutoencoderKL, as latent diffusion uses it (arxiv.org/abs/2112.10752). Beside them lie some statistics of the latents of the set
it learnt from (fitted by twin/train/vae.py): a scale for each channel, the direction each attribute moves a latent in, and a Gaussian to draw new ones from.
Such an autoencoder alone invents no faces: its latent is a small picture whose places don't know of each other, and noise in it decodes to a smear. The
Gaussian over all of it, fitted afterwards (arxiv.org/abs/1903.12436), is the cheap remedy, and diffusion the dear one. Letters in shapes: B pictures, S pixels
of a side, c channels and s positions of a side of a latent, L = c s² numbers in all, D attributes, K principal components.
"""
from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.functional import pixel_shuffle, pixel_unshuffle

from twin.errors import Refused

from . import pretrained
from .gan import bytes_of, noise, slerp

ARCHITECTURE = "twin.Vae"
AT_ONCE = 16                                             # pictures


@dataclass(frozen=True)
class Size:
    """How large the networks are. A latent has px / (patch 2^(stages - 1)) positions of a side."""
    px: int
    widths: tuple[int, ...]                              # channels of a stage, from the finest
    channels: int = 8                                    # c
    layers: int = 1                                      # residual blocks of a stage; the decoder has one more
    patch: int = 2                                       # px of a side that one position of the finest stage sees
    groups: int = 16                                     # of group normalisation

    @property
    def side(self) -> int:
        return self.px // (self.patch << (len(self.widths) - 1))

    @property
    def shape(self) -> tuple[int, int, int]:
        """Of a latent: (c, s, s)."""
        return self.channels, self.side, self.side


_SIZES: dict[str, dict[str, Any]] = {
    "tiny": {"widths": (16, 16, 32), "channels": 4, "groups": 8},
    "small": {"widths": (32, 64, 128)},
    "base": {"widths": (128, 256, 512), "layers": 2, "groups": 32},
    "large": {"widths": (128, 256, 512, 512), "layers": 2, "patch": 1, "channels": 16, "groups": 32},
}
SIZES = tuple(_SIZES)
PIXELS = (32, 64, 128, 256)


def sized(name: str, px: int) -> Size:
    """The size of that name for pictures of `px`. Raises Refused."""
    if name not in _SIZES or px not in PIXELS:
        raise Refused(f"There is no size {name} for pictures of {px} px.", f"Sizes are {', '.join(SIZES)}; pictures have {', '.join(map(str, PIXELS))} px.")
    return Size(px, **_SIZES[name])


class Autoencoder(nn.Module):
    """AutoencoderKL between squares of `patch` px, so that its finest stage, the dearest, has fewer positions."""

    def __init__(self, size: Size):
        super().__init__()
        from diffusers import AutoencoderKL
        stages, pixels = len(size.widths), 3 * size.patch ** 2
        self.size = size
        self.body: Any = AutoencoderKL(pixels, pixels, ("DownEncoderBlock2D",) * stages, ("UpDecoderBlock2D",) * stages, size.widths,
                                       layers_per_block=size.layers, latent_channels=size.channels, norm_num_groups=size.groups,
                                       sample_size=size.px // size.patch)

    def encode(self, pictures: Tensor) -> tuple[Tensor, Tensor]:
        """(B, 3, S, S) -1..1 -> mean and logarithm of the variance of each number of the latent, (B, c, s, s) each."""
        squares = pixel_unshuffle(pictures, self.size.patch).contiguous(memory_format=torch.channels_last)
        found = self.body.encode(squares).latent_dist
        return found.mean.float(), found.logvar.float()

    def decode(self, latents: Tensor) -> Tensor:
        """(B, c, s, s) -> (B, 3, S, S), about -1..1."""
        squares = self.body.decode(latents.contiguous(memory_format=torch.channels_last)).sample
        return pixel_shuffle(squares, self.size.patch).float()


@dataclass
class Statistics:
    """Of the latents of a set. `shift` and `scale` [c] bring a channel to mean 0 and variance 1; the rest is said of latents so scaled, flat [L]."""
    shift: Tensor
    scale: Tensor
    mean: Tensor                                         # [L]
    basis: Tensor                                        # [K, L] principal components of what attributes don't say
    spread: Tensor                                       # [K] standard deviations along them
    directions: Tensor                                   # [D, L]: what a unit of an attribute adds
    centre: Tensor                                       # [D] mean attributes
    known: Tensor                                        # [n, D] attributes of faces of the set

    @classmethod
    def none(cls, size: Size) -> Statistics:
        c, s, _ = size.shape
        flat, empty = c * s * s, torch.zeros(0)
        return cls(torch.zeros(c), torch.ones(c), torch.zeros(flat), torch.zeros(0, flat), empty, torch.zeros(0, flat), empty.clone(), torch.zeros(1, 0))

    def fits(self, size: Size) -> bool:
        c, s, _ = size.shape
        flat, components, width = c * s * s, len(self.spread), len(self.centre)
        wanted = ((c,), (c,), (flat,), (components, flat), (components,), (width, flat), (width,), (len(self.known), width))
        return all(tuple(value.shape) == shape for value, shape in zip(vars(self).values(), wanted)) and len(self.known) > 0


class Vae:
    """An autoencoder that has learnt. `names`: what each attribute is called, for with_attributes()."""

    def __init__(self, net: Autoencoder, statistics: Statistics | None = None, names: Sequence[str] = ()):
        self.net, self.size, self.names = net.eval(), net.size, tuple(names)
        self.statistics = statistics or Statistics.none(net.size)

    @classmethod
    def from_pretrained(cls, folder: str | Path) -> Vae:
        """Raises Missing and Refused."""
        folder = Path(folder)
        config, tensors = pretrained.read(folder, ARCHITECTURE)
        path = folder / pretrained.WEIGHTS
        try:
            told: Any = {key: tuple(value) if isinstance(value, list) else value for key, value in config["size"].items()}
            size = Size(**told)
            names = [str(name) for name in config.get("names", ())]
            with torch.device("meta"):
                net = Autoencoder(size)
        except (TypeError, ValueError, KeyError, AttributeError, RuntimeError, ZeroDivisionError, IndexError) as error:
            raise Refused(f"{folder / pretrained.CONFIG} doesn't say how large the networks are.", "Copy the folder again.") from error
        try:
            statistics = Statistics(**{name: tensors.pop(f"statistics.{name}") for name in Statistics.__dataclass_fields__})
        except KeyError as error:
            raise Refused(f"{path} has no {error.args[0]}.", "Copy the folder again.") from error
        if not statistics.fits(size) or names and len(names) != len(statistics.centre):
            raise Refused(f"In {path}, the statistics of latents have other shapes than config.json means.", "Copy the folder again.")
        pretrained.fill(net, tensors, path)
        return cls(pretrained.laid(net), statistics, names)

    def save_pretrained(self, folder: str | Path, dtype: torch.dtype | None = None) -> None:
        """Raises OSError."""
        tensors: Mapping[str, Tensor] = {**self.net.state_dict(), **{f"statistics.{name}": value for name, value in vars(self.statistics).items()}}
        pretrained.write(Path(folder), ARCHITECTURE, {"size": asdict(self.size), "names": list(self.names)}, tensors, dtype)

    # --- pictures and latents

    @torch.no_grad()
    def encode(self, pictures: Tensor) -> Tensor:
        """uint8 [n, 3, px, px], or float -1..1 -> latents [n, c, s, s] of unit variance in each channel. Raises Refused."""
        if pictures.ndim != 4 or tuple(pictures.shape[1:]) != (3, self.size.px, self.size.px):
            raise Refused(f"Pictures are {list(pictures.shape)}, not [n, 3, {self.size.px}, {self.size.px}].", "Resize them first.")
        device = self.device
        out = [self.net.encode(some.to(device) / 127.5 - 1 if some.dtype == torch.uint8 else some.to(device))[0].cpu() for some in _some(pictures)]
        held = self.statistics
        return (torch.cat(out) - held.shift[:, None, None]) / held.scale[:, None, None] if out else torch.zeros(0, *self.size.shape)

    @torch.no_grad()
    def decode(self, latents: Tensor) -> Tensor:
        """Latents [n, c, s, s] of unit variance -> uint8 [n, 3, px, px]. Raises Refused."""
        if latents.ndim != 4 or tuple(latents.shape[1:]) != self.size.shape:
            raise Refused(f"Latents are {list(latents.shape)}, not [n, {', '.join(map(str, self.size.shape))}].", "They are of another model.")
        held = self.statistics
        raw = latents.float().cpu() * held.scale[:, None, None] + held.shift[:, None, None]
        out = [bytes_of(self.net.decode(some.to(self.device))) for some in _some(raw)]
        return torch.cat(out) if out else torch.zeros(0, 3, self.size.px, self.size.px, dtype=torch.uint8)

    def reconstruct(self, pictures: Tensor) -> Tensor:
        """Through the latent and back: uint8 [n, 3, px, px]."""
        return self.decode(self.encode(pictures))

    # --- new faces

    def draw(self, n: int, seed: int, attributes: Tensor | None = None, truncation: float = 1.0, prior: str = "fitted") -> Tensor:
        """Latents [n, c, s, s]; number i comes from seed + i alone. "fitted": from the set's Gaussian, about the attributes [n, D] or [D], or about those of
        some faces of the set; "unit": plain N(0, 1), which says how little it means to a spatial latent. Raises Refused."""
        seeds, held = range(seed, seed + n), self.statistics
        if prior == "unit" or not len(held.spread):
            return noise(seeds, *self.size.shape) * truncation
        if attributes is None:
            attributes = held.known[[int(torch.randint(len(held.known), (), generator=torch.Generator().manual_seed(one + 1))) for one in seeds]]
        attributes = torch.as_tensor(attributes, dtype=torch.float32)
        if attributes.shape[-1] != len(held.centre):
            raise Refused(f"This model knows {len(held.centre)} attributes, not {attributes.shape[-1]}.", "Name a model that learnt from the same kind of set.")
        flat = held.mean + (attributes - held.centre) @ held.directions + noise(seeds, len(held.spread)) * truncation * held.spread @ held.basis
        return flat.reshape(n, *self.size.shape)

    def sample(self, n: int, seed: int, attributes: Tensor | None = None, truncation: float = 1.0, prior: str = "fitted") -> Tensor:
        """`n` faces, uint8 [n, 3, px, px]: see draw()."""
        return self.decode(self.draw(n, seed, attributes, truncation, prior))

    def walk(self, a: Tensor, b: Tensor, steps: int) -> Tensor:
        """From latent `a` [c, s, s] to `b` along the arc between them about the mean face: uint8 [steps, 3, px, px]."""
        mean = self.statistics.mean
        ends = a.flatten() - mean, b.flatten() - mean
        latents = torch.stack([mean + slerp(*ends, number / max(1, steps - 1)) for number in range(steps)])
        return self.decode(latents.reshape(steps, *self.size.shape))

    def with_attributes(self, latents: Tensor, changes: Mapping[str, float]) -> Tensor:
        """Latents [n, c, s, s] moved by so much of each named attribute, in the unit of its vector: {"glasses=round": 1, "glasses=none": -1}. Raises
        Refused."""
        out = latents.clone()
        for name, change in changes.items():
            if name not in self.names:
                raise Refused(f"This model knows no attribute {name}.", f"It knows {', '.join(self.names) or 'none'}.")
            out += change * self.statistics.directions[self.names.index(name)].reshape(self.size.shape)
        return out

    @property
    def device(self) -> torch.device:
        return next(self.net.parameters()).device

    def to(self, device: str | torch.device) -> Vae:
        """The networks; statistics stay on the CPU."""
        self.net.to(device)
        return self


def beside(folder: Path, shape: tuple[int, int, int]) -> Vae:
    """The autoencoder whose latents (c, s, s) the model in `folder` paints: it lies in `vae` within it, or in a folder `vae` beside it. Raises Missing,
    Refused."""
    vae = Vae.from_pretrained(next((place for place in (folder / "vae", folder.parent / "vae") if place.is_dir()), folder / "vae"))
    if vae.size.shape != tuple(shape):
        raise Refused(f"The autoencoder beside {folder} has latents of {vae.size.shape}, not of {tuple(shape)}.", "The two belong together: copy both again.")
    return vae


def _some(rows: Tensor) -> Iterator[Tensor]:
    for at in range(0, len(rows), AT_ONCE):
        yield rows[at:at + AT_ONCE]
