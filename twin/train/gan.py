"""The second family: R3GAN (arxiv.org/abs/2501.05441). `python -m twin.train.gan SET --out DIR --size small --px 128 --hours 2`

Two networks play: the discriminator learns to score real faces above made ones, the generator to make faces that are scored high. A relativistic loss compares
each made face with a real one rather than with a fixed mark, so that no face can hide behind the others (no mode collapse), and zero-centred gradient penalties
on real (R1) and made (R2) faces keep the game from running away. With both, no other trick is needed; --loss shows what became of older ones. With --vae the
game is about the latents of an autoencoder, sixty-fourths of a picture's positions: what two CPU cores can pay. Its decoder then paints.
"""
from __future__ import annotations

import argparse
import copy
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import torch
from torch import Tensor
from torch.nn.functional import avg_pool2d, relu, softplus

from twin.errors import Missing, Refused
from twin.paint.gan import KNOWN, SIZES, Discriminator, Gan, Generator, sized
from twin.paint.pretrained import laid
from twin.paint.vae import Vae

from . import augment, checkpoints
from .data import FaceSet
from .ground import Figure, Ground, Part, Plan, arguments, clock, done, figured, follow, nearest, order, planned, ramp
from .vae import encoded, pyramid

RATES = {"tiny": 1e-3, "small": 1e-3}                    # Adam's rate at first, where a training is a hundred thousand pictures in small batches
RATE, SETTLES = 2e-4, 4.0                                # ... R3GAN's, for millions in batches of 256; it falls to a quarter (its table 6)
FORGETS = 0.9, 0.99                                      # Adam's β2, likewise; β1 is 0
EASES = 10.0                                             # the penalties' weight falls by so much
GAMMAS = {32: 2.0, 64: 4.0, 128: 17.0, 256: 150.0}       # of the penalties, first: R3GAN's for 256 px, tried here for 32, the others between
LATENT = 1.0                                             # ... of latents
LAZY = 4                                                 # steps between penalties, each then as many times as heavy (arxiv.org/abs/1912.04958, appendix B)
BURN = 50_000                                            # pictures; R3GAN takes 10 M of 100 M and more
TRIES = 4                                                # points of noise of a head start, of which the nearest face's is kept
WATCHED = 8                                              # steps between looks at how far the discriminator overfits

# (scores of real faces, of made ones) -> what the discriminator, and what the generator makes small. Scores (B,).
LOSSES: dict[str, tuple[Callable[[Tensor, Tensor], Tensor], Callable[[Tensor, Tensor], Tensor]]] = {
    "relativistic": (lambda real, made: softplus(made - real), lambda real, made: softplus(real - made)),              # arxiv.org/abs/1807.00734
    "nonsaturating": (lambda real, made: softplus(made) + softplus(-real), lambda real, made: softplus(-made)),        # arxiv.org/abs/1406.2661
    "minimax": (lambda real, made: softplus(made) + softplus(-real), lambda real, made: -softplus(made)),              # the same, as its title has it
    "hinge": (lambda real, made: relu(1 + made) + relu(1 - real), lambda real, made: -made),                           # arxiv.org/abs/1705.02894
}


def penalty(scores: Tensor, pictures: Tensor) -> Tensor:
    """‖∂score / ∂picture‖² of each picture, (B,): R1 of real ones (arxiv.org/abs/1801.04406), R2 of made ones. Can be differentiated again."""
    slope, = torch.autograd.grad(scores.sum(), pictures, create_graph=True)
    return slope.float().square().sum((1, 2, 3))


def train(out: Path, faces: Path | FaceSet, plan: Plan, size: str = "small", px: int = 128, *, vae: Vae | None = None, loss: str = "relativistic",
          gamma: float = 0.0, lazy: int = LAZY, burn: int = BURN, head_start: int = 0, rate: float = 0.0, kinds: Sequence[str] = augment.KINDS,
          often: float | None = None, flip: bool = False, resume: bool = False, figure: Figure | None = None, say: Callable[[str], None] = print) -> Path:
    """Train in `out`. `vae`: whose latents are painted, of its own picture size. `gamma` 0: the picture size's own; `rate` 0: that of the networks' size.
    `often`: the augmentations' probability; None: it follows how far the discriminator overfits. `flip`: half of all real faces are mirrored, which is wrong
    where an attribute has a side. `head_start`: so many pictures are painted after before the game begins: of some points of noise the one whose face is
    nearest to a real one is moved nearer, so that every real face has one (arxiv.org/abs/1809.09087); the blur that leaves, the game sharpens. Returns the
    last checkpoint. Raises Missing, Refused, TwinError."""
    px = vae.size.px if vae else px
    settings = {"size": size, "loss": loss, "head_start": head_start, "vae": list(vae.size.shape) if vae else None}
    ground = Ground(out, plan, "gan", settings, faces, px, resume=resume, say=say)
    shape = sized(size, px, ground.faces.width, vae.size.shape if vae else ())
    gamma, rate = gamma or (LATENT if vae else GAMMAS[px]), rate or RATES.get(size, RATE)
    torch.manual_seed(plan.seed)
    generator, discriminator = laid(Generator(shape), ground.device), laid(Discriminator(shape), ground.device)
    average = copy.deepcopy(generator).eval().requires_grad_(False)
    optimisers = {name: torch.optim.Adam(net.parameters(), rate, betas=(0.0, FORGETS[0]))
                  for name, net in (("generator", generator), ("discriminator", discriminator))}
    known = torch.from_numpy(ground.portraits.attributes[order(plan.seed, 0, min(KNOWN, len(ground.portraits)), len(ground.portraits))])
    latents: dict[bool, Tensor] = {}
    if vae:
        if flip:
            raise Refused("A latent can't be mirrored.", "Leave out --flip or --vae.")
        vae.to(ground.device)
        kinds = [kind for kind in kinds if kind != "colour"]          # a latent has none
        latents = {held: encoded(vae, portraits) for held, portraits in ((False, ground.portraits), (True, ground.held)) if portraits}
    gan = Gan(average, known, vae)
    ground.attach({"generator": generator, "discriminator": discriminator, "average": average}, optimisers, sampler=gan.sample, figure=figure,
                  export=lambda folder: gan.save_pretrained(folder, torch.float16))
    ground.dials.setdefault("augment", 0.0 if often is None else often)
    ground.dials.setdefault("overfit", 0.0)
    judge, deceive = LOSSES[loss]
    parts = plan.accumulate

    def real_ones(rows: np.ndarray, held: bool = False) -> tuple[Tensor, Tensor]:
        """Pictures or latents, and attributes."""
        portraits = ground.held if held and ground.held else ground.portraits
        if not latents:
            return ground.pictures(portraits, rows)
        return latents[held][rows].float().to(ground.device), torch.from_numpy(portraits.attributes[rows]).to(ground.device)

    for step in ground.steps():
        seen, p = max(0, ground.state.pictures - head_start), ground.dials["augment"]
        weight, due = 0.5 * lazy * ramp(seen, burn, gamma, gamma / EASES), step % lazy == 0
        for optimiser in optimisers.values():
            for group in optimiser.param_groups:
                group["lr"] = ramp(seen, burn, rate, rate / SETTLES)
                group["betas"] = (0.0, 1 - ramp(seen, burn, 1 - FORGETS[0], 1 - FORGETS[1]))
        batch = [Part(*real_ones(rows), slots) for rows, slots in ground.rows()]

        if ground.state.pictures < head_start:
            for part in batch:
                points = torch.stack([ground.noise(f"z {number}", part, shape.noise) for number in range(TRIES)])
                with ground.autocast():
                    best = after(generator, points, part)
                    wrong = pyramid(generator(best, part.attributes) - part.pictures)
                ground.accelerator.backward(wrong / parts)
                ground.note(head_start=wrong.detach())
            ground.update("generator", clip=1.0)
            follow(average, generator, plan.batch, plan.average, ground.state.pictures + plan.batch)
            continue

        def made(who: str, number: int) -> Tensor:
            """Faces with the attributes of this part's real ones."""
            with ground.autocast():
                return generator(ground.noise(f"z {who}", batch[number], shape.noise), batch[number].attributes)     # noqa: B023

        def scores(pictures: Tensor, who: str, number: int) -> Tensor:
            """Of pictures, augmented the one way or the other."""
            with ground.autocast():
                shown = augment.augment(pictures, p, ground.chance(who, number, ground.rank), kinds)     # noqa: B023
                return discriminator(shown, batch[number].attributes)     # noqa: B023

        discriminator.requires_grad_(True)
        for number, part in enumerate(batch):
            real = part.pictures
            if flip:
                mirrored = torch.rand(len(real), generator=ground.chance("flip", number, ground.rank)) < 0.5
                real = torch.where(mirrored.to(real.device)[:, None, None, None], real.flip(3), real)
            with torch.no_grad():
                fake = made("judged", number)
            real.requires_grad_(due), fake.requires_grad_(due)
            of_real, of_fake = scores(real, "real", number), scores(fake, "fake", number)
            lost = judge(of_real, of_fake)
            ground.note(discriminator=lost.detach().mean(), apart=(of_real - of_fake).detach().mean())
            if due:
                r1, r2 = penalty(of_real, real), penalty(of_fake, fake)
                lost = lost + weight * (r1 + r2)
                ground.note(r1=r1.detach().mean(), r2=r2.detach().mean())
            ground.accelerator.backward(lost.mean() / parts)
        ground.update("discriminator")

        discriminator.requires_grad_(False)
        for number, part in enumerate(batch):
            of_fake = scores(made("made", number), "made", number)
            with torch.no_grad():
                of_real = scores(part.pictures.detach(), "compared", number) if loss == "relativistic" else of_fake
            lost = deceive(of_real, of_fake).mean()
            ground.accelerator.backward(lost / parts)
            ground.note(generator=lost.detach())
        ground.update("generator")
        follow(average, generator, plan.batch, plan.average, ground.state.pictures + plan.batch)

        if often is None and kinds and step % WATCHED == 0:
            with torch.no_grad(), ground.autocast():
                of_real, of_fake = discriminator(batch[0].pictures, batch[0].attributes), discriminator(made("watched", 0), batch[0].attributes)
                held = None
                if ground.held is not None:
                    rows = order(plan.seed + 1, step * len(of_real) * ground.world + ground.rank * len(of_real), len(of_real), len(ground.held))
                    held = discriminator(*real_ones(rows, held=True))
            now = ground.agreed(augment.overfit(of_real, of_fake, held))
            ground.dials["overfit"] += 0.1 * (now - ground.dials["overfit"])      # one batch says little
            target = augment.TARGET["sign" if held is None else "held"]
            ground.dials["augment"] = augment.followed(p, ground.dials["overfit"], target, WATCHED * plan.batch)

    at = checkpoints.newest(out)
    assert at is not None
    if ground.first and plan.sheet and ground.ended != "asked":
        nearest(gan.sample(32, 0), ground.portraits, out / "nearest.png")
    ground.accelerator.wait_for_everyone()
    return at


@torch.no_grad()
def after(generator: Generator, points: Tensor, part: Part) -> Tensor:
    """Of points (T, B, Z) for each picture the one whose face is nearest to it at a quarter of its side: (B, Z)."""
    wanted = avg_pool2d(part.pictures, 4)
    far = torch.stack([(avg_pool2d(generator(z, part.attributes), 4) - wanted).abs().mean((1, 2, 3)) for z in points])
    return points[far.argmin(0), torch.arange(points.shape[1], device=points.device)]


def exported(out: Path, faces: Path, folder: Path, vae: Vae | None = None) -> None:
    """The newest checkpoint's averaged generator, in 16 bits, with the autoencoder whose latents it paints. Raises Missing, Refused."""
    import json

    from .data import open_set
    at = checkpoints.newest(out)
    if at is None:
        raise Missing(f"There is no checkpoint in {out}.", "Train first.")
    settings = json.loads((at / "config.json").read_text("utf-8"))
    if settings.get("vae") != (list(vae.size.shape) if vae else None):
        raise Refused(f"The training in {out} is {'of latents' if settings.get('vae') else 'of pixels'}.", "Name the same --vae as for it, or none.")
    net = Generator(sized(settings["size"], settings["px"], settings["attributes"], settings.get("vae") or ()))
    net.load_state_dict(checkpoints.read(at / "average.safetensors"))
    known = open_set(faces).attributes["train"]
    Gan(net, torch.from_numpy(known[order(settings["seed"], 0, min(KNOWN, len(known)), len(known))]), vae).save_pretrained(folder, torch.float16)


def main(given: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m twin.train.gan", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments(parser, SIZES, batch=16)
    parser.add_argument("--vae", type=Path, help="the folder of the autoencoder whose latents are painted; without it pixels are")
    parser.add_argument("--loss", choices=tuple(LOSSES), default="relativistic")
    parser.add_argument("--gamma", type=float, default=0.0, help="weight of the gradient penalties at first; 0: the picture size's own")
    parser.add_argument("--lazy", type=int, default=LAZY, help="steps between gradient penalties; R3GAN has 1")
    parser.add_argument("--burn", type=int, default=BURN, help="pictures over which rates and penalties settle")
    parser.add_argument("--head-start", type=int, default=0, help="pictures that are painted after, before the game begins")
    parser.add_argument("--rate", type=float, default=0.0, help="Adam's at first; 0: that of the size")
    parser.add_argument("--augment", default="auto", help="probability of augmentations, 0 to 0.8; auto: by how far the discriminator overfits")
    parser.add_argument("--kinds", nargs="*", choices=augment.KINDS, default=augment.KINDS, help="of augmentations")
    parser.add_argument("--flip", action="store_true", help="mirror half of the faces: not where an attribute has a side")
    options = parser.parse_args(given)
    torch.set_num_threads(options.threads)

    def run() -> None:
        from .data import open_set
        vae = Vae.from_pretrained(options.vae) if options.vae else None
        if options.export:
            exported(options.out, options.set, options.export, vae)
            return
        plan, faces = planned(options), open_set(options.set)
        often = None if options.augment == "auto" else min(augment.MOST, max(0.0, float(options.augment)))
        train(options.out, faces, plan, options.size, options.px, vae=vae, loss=options.loss, gamma=options.gamma, lazy=max(1, options.lazy),
              burn=options.burn, head_start=options.head_start, rate=options.rate, kinds=options.kinds, often=often, flip=options.flip, resume=options.resume,
              figure=figured(options, faces), say=clock)
    return done(run, clock)


if __name__ == "__main__":
    sys.exit(main())
