"""The autoencoder's second lesson: `python -m twin.train.sharpen SET --vae FOLDER --out DIR --hours 1`

An error in pixels is least where all that can't be told from the latent is averaged: single hairs become a blur. Here only the decoder learns on, and beside
the error a discriminator judges small squares of its pictures against the same squares of the real ones (arxiv.org/abs/2012.09841, section 3.1). The encoder
stays to the bit, so latents mean what they meant and a diffusion model of them (diffusion.py) can be trained at the same time, or before.
"""
from __future__ import annotations

import argparse
import copy
import json
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

import torch
from torch import Tensor, nn

from twin.errors import Missing, Refused
from twin.paint.gan import Discriminator
from twin.paint.gan import Size as Critic
from twin.paint.pretrained import laid
from twin.paint.vae import Vae

from . import checkpoints
from .data import FaceSet, open_set
from .gan import LOSSES, penalty
from .ground import Ground, Plan, arguments, clock, done, follow, planned
from .vae import pyramid

RATE, CRITIC = 2e-4, 4e-4                                # Adam's rates: the decoder's, the discriminator's
WARM = 3_000                                             # pictures over which the discriminator learns alone
STRENGTH = 0.6                                           # of the discriminator's slope beside the error's (VQGAN takes 0.8)
GAMMA = 1.0                                              # of its gradient penalties
SQUARE = 64                                              # px of a side that it sees


class Judge:
    """A discriminator of squares of pictures, each real one against the painted one of the same place. `net` and `optimiser` are for Ground.attach()."""

    def __init__(self, ground: Ground, px: int):
        self.ground, side = ground, min(SQUARE, px)
        widths = (192, 128, 96, 64)[-(side.bit_length() - 3):]
        self.net = laid(Discriminator(Critic(side, widths, (1,) * len(widths))), ground.device)
        self.optimiser = torch.optim.Adam(self.net.parameters(), CRITIC, betas=(0.0, 0.99))

    def slope(self, real: Tensor, painted: Tensor, places: Tensor, strength: float, heard: bool = True) -> Tensor:
        """For pictures (B, 3, S, S) and squares at `places` (B, 2) 0..1: what `painted` should be moved against, the error's slope and, once it is
        `heard`, this judge's as far as `strength` says, (B, 3, S, S). The judge's own gradients are left in its weights; with strength 0 it has none."""
        ground, side = self.ground, self.net.size.px
        picture = painted.detach().requires_grad_(True)
        wrong = pyramid(picture - real)
        slope, = torch.autograd.grad(wrong, picture)
        ground.note(reconstruction=wrong.detach())
        if not strength:
            return slope
        loss_of_judge, loss_of_net = LOSSES["relativistic"]
        true, fake = squares(real, places, side).requires_grad_(True), squares(painted.detach(), places, side).requires_grad_(True)
        with ground.autocast():
            of_true, of_fake = self.net(true), self.net(fake)
        lost = loss_of_judge(of_true, of_fake)
        ground.accelerator.backward((lost + 0.5 * GAMMA * (penalty(of_true, true) + penalty(of_fake, fake))).mean() / ground.plan.accumulate)
        ground.note(discriminator=lost.detach().mean(), apart=(of_true - of_fake).detach().mean())
        if not heard:
            return slope
        with ground.autocast():
            of_fake = self.net(squares(picture, places, side))
        towards, = torch.autograd.grad(loss_of_net(of_true.detach(), of_fake).mean(), picture)
        return slope + strength * slope.norm() / towards.norm().clamp_min(1e-12) * towards


def decoder(net: nn.Module) -> list[nn.Parameter]:
    """The weights of an Autoencoder that paint."""
    return [weight for name, weight in net.named_parameters() if name.startswith(("body.decoder.", "body.post_quant_conv."))]


def squares(pictures: Tensor, places: Tensor, side: int) -> Tensor:
    """(B, 3, S, S) -> (B, 3, side, side), each from its place (B, 2) 0..1."""
    free = pictures.shape[-1] - side + 1
    return torch.stack([picture[:, y:y + side, x:x + side] for picture, (y, x) in zip(pictures, (places * free).long().tolist())])


def train(out: Path, faces: Path | FaceSet, vae: Vae, plan: Plan, *, strength: float = STRENGTH, rate: float = RATE, warm: int = WARM, resume: bool = False,
          say: Callable[[str], None] = print) -> Path:
    """Train in `out`. Returns the last checkpoint. Raises Missing, Refused, TwinError."""
    px = vae.size.px
    ground = Ground(out, plan, "sharpen", {"vae": list(vae.size.shape), "strength": strength}, faces, px, resume=resume, say=say)
    torch.manual_seed(plan.seed)
    net = laid(copy.deepcopy(vae.net), ground.device).requires_grad_(False)
    painting = decoder(net)
    for weight in painting:
        weight.requires_grad_(True)
    average = copy.deepcopy(net).eval().requires_grad_(False)
    judge, optimiser = Judge(ground, px), torch.optim.Adam(painting, rate, betas=(0.5, 0.99))
    shown = ground.held or ground.portraits
    made = Vae(average, vae.statistics, vae.names)

    def sheet(count: int) -> Tensor:
        pictures = torch.from_numpy(shown.pixels[:count // 2].copy())
        return torch.stack([pictures, made.reconstruct(pictures)], 1).flatten(0, 1)

    ground.attach({"net": net, "average": average, "judge": judge.net}, {"net": optimiser, "judge": judge.optimiser},
                  sampler=lambda n, seed: made.sample(n, seed), sheet=sheet, export=lambda folder: made.save_pretrained(folder, torch.float16))
    for _ in ground.steps():
        seen = ground.state.pictures
        for part in ground.parts():
            places = torch.rand(plan.batch, 2, generator=ground.chance("places"))[part.slots]
            with ground.autocast(), torch.no_grad():
                mean, variance = net.encode(part.pictures)
            latent = mean + (0.5 * variance.clamp(-20, 10)).exp() * ground.noise("latent", part, *mean.shape[1:])
            with ground.autocast():
                painted = net.decode(latent)
            slope = judge.slope(part.pictures, painted, places, strength, seen >= warm)
            ground.accelerator.backward((painted * slope).sum() / plan.accumulate)
        ground.update("judge")
        ground.note(gradient=ground.update("net", clip=1.0))
        follow(average, net, plan.batch, plan.average, seen + plan.batch)
    at = checkpoints.newest(out)
    assert at is not None
    return at


def exported(out: Path, vae: Vae, folder: Path) -> None:
    """`vae` with the newest checkpoint's averaged decoder, in 16 bits. Raises Missing, Refused."""
    at = checkpoints.newest(out)
    if at is None:
        raise Missing(f"There is no checkpoint in {out}.", "Train first.")
    if json.loads((at / "config.json").read_text("utf-8"))["vae"] != list(vae.size.shape):
        raise Refused(f"{out} was trained on another autoencoder.", "Name the one that was --vae.")
    vae.net.load_state_dict(checkpoints.read(at / "average.safetensors"))
    vae.save_pretrained(folder, torch.float16)


def main(given: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m twin.train.sharpen", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments(parser, ("as the autoencoder",), batch=16)
    parser.set_defaults(size="as the autoencoder")
    parser.add_argument("--vae", type=Path, required=True, help="the folder of the autoencoder whose decoder learns on")
    parser.add_argument("--strength", type=float, default=STRENGTH, help="of the discriminator beside the error: more is sharper, and further from the picture")
    parser.add_argument("--rate", type=float, default=RATE)
    options = parser.parse_args(given)
    torch.set_num_threads(options.threads)

    def run() -> None:
        vae = Vae.from_pretrained(options.vae)
        if options.export:
            exported(options.out, vae, options.export)
            return
        train(options.out, open_set(options.set), vae, planned(options), strength=options.strength, rate=options.rate, resume=options.resume, say=clock)
    return done(run, clock)


if __name__ == "__main__":
    sys.exit(main())
