"""The ground the face trainings stand on (vae.py, gan.py and what comes after them): which pictures a step sees, checkpoints, averages, guards, signs of life.

What a step does is a pure function of the seed and of where it stands: which pictures it sees, which noise it draws. So nothing about chance has to be kept to
go on after a kill, and the weights come out the same to the bit as without one. On accelerate: one process or many (`accelerate launch`), CPU or GPU. Networks
are not wrapped: gradients are averaged by one all-reduce before a step, because a wrapped network can't be differentiated twice, as gradient penalties need.
"""
from __future__ import annotations

import argparse
import errno
import hashlib
import json
import math
import signal
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager, nullcontext
from dataclasses import asdict, dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from twin.errors import Missing, Refused, TwinError

from . import checkpoints
from .data import FaceSet, Portraits, open_set
from .run import Run, spoken

SHOWN = 20.0                                             # s between lines of progress
PATIENCE = 3                                             # steps in a row with a gradient that is no number, after which a training has diverged
SCALED = 30                                              # ... with fp16, whose scale has to be found
GRID = 64                                                # pictures of a sheet at most
DIVERGED = 3                                             # the exit code
Sampler = Callable[[int, int], Tensor]                   # (n, seed) -> uint8 [n, 3, S, S]
Figure = Callable[[Sampler], float]                      # lower is better


class Diverged(TwinError):
    """The loss is no number any more."""

    code = "diverged"


@dataclass(frozen=True)
class Plan:
    """How long, how much at once, how often what. Times in s of the clock, `sheet` and the rest in pictures seen where it says so."""
    steps: int = 0                                       # 0: by the clock
    hours: float = 1.0                                   # of steps, over all resumptions
    batch: int = 32                                      # pictures of a step, over all processes
    accumulate: int = 1                                  # parts a step is done in, so that a part fits in memory
    seed: int = 1
    mixed: str = ""                                      # "bf16", "fp16", "no"; "": what the machine is quick with
    average: float = 10_000                              # pictures after which the average of the weights has forgotten half
    save: float = 300.0                                  # s between checkpoints
    sheet: float = 900.0                                 # s between sheets of samples, and curves; 0: none, at the end neither
    check: int = 0                                       # pictures between looks at the held-out figure; 0: never
    patience: int = 5                                    # looks without a better figure, after which it ends
    pieces: bool = False


@dataclass
class State:
    """Where a training stands: all that going on needs, with the weights and the optimisers' moments."""
    step: int = 0
    pictures: int = 0
    seconds: float = 0.0                                 # spent in steps
    bad: int = 0                                         # steps in a row whose gradient was no number
    best: float | None = None                            # figure
    waited: int = 0                                      # looks since
    dials: dict[str, float] = field(default_factory=dict)    # what a family follows itself


@dataclass(frozen=True)
class Part:
    """One process's share of a step, or of one of its `accumulate` parts. Pictures (b, 3, S, S) -1..1, attributes (b, D), both on the device."""
    pictures: Tensor
    attributes: Tensor
    slots: slice                                         # which of the step's pictures they are


def seeded(seed: int, *told: Any) -> torch.Generator:
    """A generator for one purpose at one place: the same for the same words."""
    digest = hashlib.sha256("/".join(map(str, (seed, *told))).encode()).digest()
    return torch.Generator().manual_seed(int.from_bytes(digest[:8], "big") >> 1)


def order(seed: int, first: int, count: int, total: int) -> np.ndarray:
    """The rows seen at places first .. first + count of an endless series: one permutation of `total` after another."""
    places = np.arange(first, first + count)
    out = np.empty(count, np.int64)
    for round_ in np.unique(places // total):
        mine = places // total == round_
        out[mine] = _round(seed, int(round_), total)[places[mine] % total]
    return out


@lru_cache(2)
def _round(seed: int, number: int, total: int) -> np.ndarray:
    return torch.randperm(total, generator=seeded(seed, "order", number)).numpy()


def quick() -> str:
    """Which mixed precision pays here: bf16 where the processor computes in it, fp16 on older GPUs, else none."""
    if torch.cuda.is_available():
        return "bf16" if torch.cuda.is_bf16_supported(including_emulation=False) else "fp16"
    native = (getattr(torch.cpu, f"_is_{name}_supported", lambda: False)() for name in ("avx512_bf16", "amx_tile"))
    return "bf16" if any(native) else "no"


def follow(average: nn.Module, net: nn.Module, batch: int, half: float, seen: int) -> None:
    """Move the average of the weights: after `half` pictures half of it is forgotten, sooner at first, half a twentieth of what was seen
    (arxiv.org/abs/2006.06676, appendix)."""
    keep = 0.5 ** (batch / max(1e-8, min(half, seen / 20)))
    with torch.no_grad():
        for mine, other in zip(average.parameters(), net.parameters()):
            mine.lerp_(other, 1 - keep)
        for kept, now in zip(average.buffers(), net.buffers()):
            kept.copy_(now)


class Ground:
    """What a family's script asks for, in this order: Ground(...), attach(), `for step in steps()`: parts(), update(), note().

    accelerator    accelerate's: processes, device, .backward(); autocast() is in the plan's precision
    portraits      the part of the set that is learnt from; `held` the part that isn't, or None
    state, dials   where it stands
    """

    def __init__(self, out: Path, plan: Plan, family: str, settings: Mapping[str, Any], faces: Path | FaceSet, px: int, *, resume: bool = False,
                 say: Callable[[str], None] = print):
        from accelerate import Accelerator
        self.plan, self.out, self.run, self.resume = plan, Path(out), Run(out), resume
        self.mixed = plan.mixed or quick()
        if self.mixed == "fp16" and not torch.cuda.is_available():
            raise Refused("fp16 needs a GPU: on a processor its numbers overflow, and are no quicker.", "Say --mixed bf16 or --mixed no.")
        cpu = not torch.cuda.is_available() and not torch.backends.mps.is_available()
        self.accelerator = Accelerator(mixed_precision="fp16" if self.mixed == "fp16" else "no", cpu=cpu)    # for its scaler; autocast is ours
        self.rank, self.world, self.first = self.accelerator.process_index, self.accelerator.num_processes, self.accelerator.is_main_process
        self.device = self.accelerator.device
        self.say: Callable[[str], None] = say if self.first else (lambda line: None)
        if plan.batch % (self.world * plan.accumulate):
            raise Refused(f"A batch of {plan.batch} can't be shared out among {self.world} processes in {plan.accumulate} parts.",
                          "Choose a multiple for --batch.")
        self.faces = faces if isinstance(faces, FaceSet) else open_set(faces)
        count = len(self.faces.files["train"])
        if count < plan.batch:
            raise Refused(f"The set in {self.faces.folder} has {count} faces to learn from: fewer than a batch of {plan.batch}.",
                          "Make a larger set (200 faces are few), or choose a smaller --batch.", code="few")
        with self.accelerator.main_process_first():
            self.portraits: Portraits = self.faces.portraits("train", px)
            self.held: Portraits | None = self.faces.portraits("held", px) if self.faces.files["held"] else None
        self.settings = {"family": family, **settings, "px": px, "attributes": self.faces.width, "seed": plan.seed}
        if resume:
            self._same()
        self.state, self.ended, self._signal = State(), "", threading.Event()
        self._nets: dict[str, nn.Module] = {}
        self._optimisers: dict[str, torch.optim.Optimizer] = {}
        self._sampler: Sampler | None = None
        self._sheet: Callable[[int], Tensor] | None = None
        self._figure: Figure | None = None
        self._export: Callable[[Path], None] | None = None
        self._lost: dict[str, list[float]] = {}
        self._wrong = False
        if self.first:
            about = {"family": family, "set": str(self.faces.folder), "kind": self.faces.about.kind, "settings": self.settings,
                     "plan": {**asdict(plan), "mixed": self.mixed}, "processes": self.world, "device": str(self.device)}
            self.run.begin(about, fresh=not resume)
        self.accelerator.wait_for_everyone()

    @property
    def dials(self) -> dict[str, float]:
        return self.state.dials

    def _same(self) -> None:
        """Whether what is gone on with was begun with the settings that weights depend on. Raises Refused."""
        at = checkpoints.newest(self.out)
        begun = json.loads((at / "config.json").read_text("utf-8")) if at else self.settings
        for name, value in self.settings.items():
            if begun.get(name) != value:
                raise Refused(f"The training in {self.out} was begun with {name} {begun.get(name)}, not {value}.",
                              "Go on with the same, or name another folder.")

    # --- what is trained

    def attach(self, nets: Mapping[str, nn.Module], optimisers: Mapping[str, torch.optim.Optimizer], *, sampler: Sampler | None = None,
               sheet: Callable[[int], Tensor] | None = None, figure: Figure | None = None, export: Callable[[Path], None] | None = None) -> None:
        """Hand over what a checkpoint holds; with --resume it is put back. `sampler` is handed to the figure and, where there is no `sheet` (n -> n pictures),
        draws the sheets; `figure` is looked at every plan.check pictures and its best kept by `export` in best/. Raises Missing."""
        self._nets, self._optimisers, self._sampler, self._figure, self._export = dict(nets), dict(optimisers), sampler, figure, export
        self._sheet = sheet or (sampler and (lambda count: sampler(count, 0)))
        if self.resume and (at := checkpoints.newest(self.out)):
            for name, net in self._nets.items():
                net.load_state_dict(checkpoints.read(at / f"{name}.safetensors"))
            for name, optimiser in self._optimisers.items():
                checkpoints.remember(optimiser, checkpoints.read(at / f"moments-{name}.safetensors"))
            self.state = State(**json.loads((at / "state.json").read_text("utf-8")))
            if self.accelerator.scaler is not None and "scale" in self.dials:
                scale = {"scale": self.dials["scale"], "_growth_tracker": int(self.dials["grown"])}
                self.accelerator.scaler.load_state_dict({**self.accelerator.scaler.state_dict(), **scale})
        if self.first:
            self.run.trim(self.state.step)
        count = sum(weight.numel() for name, net in self._nets.items() if name != "average" for weight in net.parameters())
        self.say(f"{count / 1e6:.2f} M weights; {len(self.portraits):,} faces of {self.portraits.size} px, {len(self.held or ()):,} held out; "
                 f"{self.mixed} on {self.device}, {self.world} process{'es' * (self.world > 1)}; from step {self.state.step}")

    # --- one step

    def steps(self) -> Iterator[int]:
        """The numbers of steps, until there were enough, the time is over, someone asks to stop or the figure gets no better. Checkpoint and sheets at the
        end. Raises Diverged, TwinError."""
        before = {number: signal.signal(number, lambda *_: self._signal.set()) for number in (signal.SIGTERM, signal.SIGINT)} \
            if threading.current_thread() is threading.main_thread() else {}
        self._saved = self._sheeted = self._shown = time.monotonic()
        self._since = (self.state.seconds, self.state.pictures)
        try:
            with _plainly(self.out):
                while not (why := self._over()):
                    began = time.monotonic()
                    yield self.state.step
                    self._after(time.monotonic() - began)
                self._leave(why)
        except GeneratorExit:
            self._fail("the script left its loop")
            raise
        except BaseException as error:
            self._fail(getattr(error, "message", "") or f"{type(error).__name__}: {error}")
            raise
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)

    def rows(self) -> Iterator[tuple[np.ndarray, slice]]:
        """Which faces of the set are this process's in this step, in plan.accumulate parts, and which of the step's they are."""
        size = self.plan.batch // (self.world * self.plan.accumulate)
        rows = order(self.plan.seed, self.state.pictures, self.plan.batch, len(self.portraits))
        for number in range(self.plan.accumulate):
            at = (number * self.world + self.rank) * size
            yield rows[at:at + size], slice(at, at + size)

    def parts(self) -> Iterator[Part]:
        """This step's pictures, in plan.accumulate parts."""
        for mine, slots in self.rows():
            yield Part(*self.pictures(self.portraits, mine), slots)

    def pictures(self, portraits: Portraits, rows: np.ndarray) -> tuple[Tensor, Tensor]:
        """((n, 3, S, S) -1..1, (n, D)) on the device."""
        pictures = torch.from_numpy(portraits.pixels[rows]).to(self.device).float() / 127.5 - 1
        return pictures, torch.from_numpy(portraits.attributes[rows]).to(self.device)

    def chance(self, *told: Any) -> torch.Generator:
        """For one purpose in this step."""
        return seeded(self.plan.seed, self.state.step, *told)

    def noise(self, name: str, part: Part, *shape: int) -> Tensor:
        """N(0, 1), (b, *shape) on the device: the same for a picture's slot, among however many processes a step is shared out."""
        return torch.randn(self.plan.batch, *shape, generator=self.chance(name))[part.slots].to(self.device)

    def update(self, name: str, clip: float = 0.0) -> float:
        """One step of an optimiser along the average of all processes' gradients, then gradients are let go. The gradient's length; where that is no number
        no weight is moved, and after some such steps in a row steps() raises Diverged."""
        optimiser, scaler = self._optimisers[name], self.accelerator.scaler
        weights = [weight for group in optimiser.param_groups for weight in group["params"] if weight.grad is not None]
        if scaler is not None:
            scaler.unscale_(optimiser)
        if self.world > 1:
            flat = self.accelerator.reduce(torch.cat([weight.grad.flatten() for weight in weights]), "mean")
            for weight, mean in zip(weights, flat.split([weight.numel() for weight in weights])):
                weight.grad.copy_(mean.view_as(weight))
        length = nn.utils.get_total_norm([weight.grad for weight in weights]).item() if weights else 0.0
        good = math.isfinite(length)
        if good and clip and length > clip:
            for weight in weights:
                weight.grad.mul_(clip / length)
        if scaler is not None:                           # it has seen what is no number, and makes its scale smaller
            scaler.step(optimiser)
            scaler.update()
        elif good:
            optimiser.step()
        optimiser.zero_grad(set_to_none=True)
        self._wrong |= not good
        return length

    def autocast(self) -> Any:
        """The context of a forward pass in the plan's precision."""
        if self.mixed == "no":
            return nullcontext()
        return torch.autocast(self.device.type, torch.bfloat16 if self.mixed == "bf16" else torch.float16)

    def note(self, **figures: float | Tensor) -> None:
        """Losses of this step, for the log and the line of progress."""
        for name, value in figures.items():
            self._lost.setdefault(name, []).append(float(value))

    def agreed(self, value: float) -> float:
        """The mean over all processes."""
        if self.world == 1:
            return value
        return float(self.accelerator.reduce(torch.tensor(value, dtype=torch.float64, device=self.device), "mean"))

    # --- what happens between steps

    def _over(self) -> str:
        """Why it ends here, or "". The first process decides for all."""
        plan, state = self.plan, self.state
        reasons = ("", "enough", "asked", "no better")
        number = 0
        if plan.steps and state.step >= plan.steps or not plan.steps and state.seconds >= 3600 * plan.hours:
            number = 1
        elif self._signal.is_set() or self.first and self.run.asked():
            number = 2
        elif plan.patience and state.waited >= plan.patience:
            number = 3
        if self.world > 1:
            from accelerate.utils import broadcast
            number = int(broadcast(torch.tensor(number, device=self.device)))
        return reasons[number]

    def _share(self) -> float:
        return self.state.step / self.plan.steps if self.plan.steps else self.state.seconds / 3600 / self.plan.hours

    def _after(self, seconds: float) -> None:
        plan, state = self.plan, self.state
        state.bad, self._wrong = state.bad + 1 if self._wrong else 0, False
        if state.bad >= (PATIENCE if self.accelerator.scaler is None else SCALED):
            raise self._diverged()
        looks = plan.check and (state.pictures + plan.batch) // plan.check > state.pictures // plan.check
        state.step, state.pictures, state.seconds = state.step + 1, state.pictures + plan.batch, state.seconds + seconds
        if looks and self._figure and self._sampler:
            self._look()
        if not self.first:
            self._lost.clear()
            return
        now, share = time.monotonic(), self._share()
        pace = state.pictures / max(1e-9, state.seconds)
        left = (plan.steps - state.step) * state.seconds / state.step if plan.steps else 3600 * plan.hours - state.seconds
        self.run.beat(state="training", step=state.step, share=round(min(1.0, share), 4), left=round(max(0.0, left)), seconds=round(state.seconds, 1),
                      pictures=state.pictures, pace=round(pace, 2))
        if now - self._shown >= SHOWN or 0 < plan.steps <= 200 or state.step == 1:
            self._log()
            self._shown = now
        if now - self._saved >= plan.save and not state.bad:
            self.save()
        if plan.sheet and now - self._sheeted >= plan.sheet:
            self.sheet()

    def _log(self) -> None:
        state = self.state
        if not self._lost:
            return
        means = {name: float(f"{sum(values) / len(values):.5g}") for name, values in self._lost.items()}
        since = self._since
        pace = (state.pictures - since[1]) / max(1e-9, state.seconds - since[0])
        dials = {name: float(f"{value:.4g}") for name, value in self.dials.items()}
        self.run.log({"step": state.step, "seconds": round(state.seconds, 1), "pictures": state.pictures, **means, **dials})
        left = (self.plan.steps - state.step) * state.seconds / state.step if self.plan.steps else 3600 * self.plan.hours - state.seconds
        told = "  ".join(f"{name} {value:.4g}" for name, value in means.items())
        self.say(f"{100 * min(1.0, self._share()):5.1f} %  step {state.step}  {told}  {pace:.1f} pictures/s  {spoken(left)} left")
        self._lost, self._since = {}, (state.seconds, state.pictures)

    def _look(self) -> None:
        """The held-out figure; the best model so far lies in best/."""
        assert self._figure and self._sampler
        if self.first:
            self.run.beat(now=True, state="measuring")
            figure = float(self._figure(self._sampler))
            self._lost.setdefault("figure", []).append(figure)
            better = math.isfinite(figure) and (self.state.best is None or figure < self.state.best)
            if better and self._export:
                self._export(self.out / "best")
            self.say(f"figure {figure:.4g}{', the best so far' if better else f'; the best was {self.state.best}'}")
            self.state.best, self.state.waited = (figure, 0) if better else (self.state.best, self.state.waited + 1)
        self.accelerator.wait_for_everyone()

    def save(self) -> Path:
        """A checkpoint. Raises TwinError where the disk takes no more; the older ones stay."""
        state = self.state
        if self.accelerator.scaler is not None:
            held = self.accelerator.scaler.state_dict()
            self.dials.update(scale=held["scale"], grown=held["_growth_tracker"])
        tensors = {name: net.state_dict() for name, net in self._nets.items()}
        tensors |= {f"moments-{name}": checkpoints.moments(optimiser) for name, optimiser in self._optimisers.items()}
        try:
            at = checkpoints.write(self.out, state.step, tensors, {"config": self.settings, "state": asdict(state)}, self.plan.pieces)
        except OSError as error:
            older = checkpoints.newest(self.out)
            what = "The disk is full" if error.errno == errno.ENOSPC else f"It can't be written ({error.strerror or error})"
            left = f"{older.name} is still whole" if older else "There is no older checkpoint"
            raise TwinError(f"{what}: step {state.step} could not be kept. {left} in {self.out}.",
                            "Make room, then go on by --resume.", code="disk-full") from error
        self._saved = time.monotonic()
        return at

    def sheet(self) -> None:
        """samples/step-*.png and curves.png."""
        if self._sheet:
            (self.out / "samples").mkdir(exist_ok=True)
            side = min(math.isqrt(GRID), max(2, 1024 // self.portraits.size))
            grid(self._sheet(side * side)).save(self.out / "samples" / f"step-{self.state.step:08d}.png")
        self.run.curves()
        self._sheeted = time.monotonic()

    def _leave(self, why: str) -> None:
        """The end, as planned or as asked."""
        self.ended = why
        self._alike()
        if self.first:
            if self.state.step:
                self._log()
                at = self.save()
                if self.plan.sheet:
                    self.sheet()
                self.say({"enough": "done", "asked": "stopped as asked; go on by --resume", "no better": "the figure gets no better; its best is in best/"}[why]
                         + f": {at}")
            self.run.end("stopped" if why == "asked" else "ended", why)
        self.accelerator.wait_for_everyone()

    def _alike(self) -> None:
        """Whether all processes hold the same weights, to the bit. Raises TwinError."""
        if self.world == 1:
            return
        sums = torch.stack([weight.detach().double().sum() for net in self._nets.values() for weight in net.parameters()])
        others = self.accelerator.gather(sums).view(self.world, -1)
        if not bool((others == others[0]).all()):
            raise TwinError("The processes hold different weights.", "Go on from the last checkpoint with one process, and report this.")
        self.say(f"{self.world} processes hold the same weights")

    def _fail(self, why: str) -> None:
        if self.first:
            self.run.end("failed", why)

    def _diverged(self) -> Diverged:
        kept = checkpoints.newest(self.out)
        return Diverged(f"The loss was no number for {self.state.bad} steps in a row, up to step {self.state.step}. "
                        f"{f'The last good checkpoint is {kept}' if kept else 'There is no checkpoint yet'}.",
                        "Go on from it by --resume with --mixed no, or begin anew with a smaller --rate or another --seed.")




@contextmanager
def _plainly(out: Path) -> Iterator[None]:
    """Around what writes: a full disk in plain words."""
    try:
        yield
    except OSError as error:
        raise TwinError(f"{out} can't be written: {error.strerror or error}.", "Make room, then go on by --resume.", code="disk-full") from error


# --- pictures

def grid(pictures: Tensor | np.ndarray, across: int = 0) -> Any:
    """uint8 [n, 3, S, S] -> one PIL picture, `across` of them in a row."""
    from PIL import Image
    rows = np.asarray(pictures)
    count, _, side, _ = rows.shape
    across = across or math.ceil(math.sqrt(count))
    down = -(-count // across)
    out = np.full((down * side, across * side, 3), 255, np.uint8)
    for number, one in enumerate(rows):
        y, x = divmod(number, across)
        out[y * side:(y + 1) * side, x * side:(x + 1) * side] = one.transpose(1, 2, 0)
    return Image.fromarray(out)


def small(pictures: np.ndarray, side: int = 16) -> np.ndarray:
    """uint8 [n, 3, S, S] -> float32 [n, 3 side²], 0..1: means of squares."""
    count, _, wide, _ = pictures.shape
    step = wide // side
    return (pictures.reshape(count, 3, side, step, side, step).mean((3, 5), dtype=np.float32) / 255).reshape(count, -1)


def nearest(samples: Tensor, portraits: Portraits, path: Path, most: int = 20_000, kept: int = 128) -> np.ndarray:
    """nearest.png: each sample with the training picture nearest to it, in the first `kept` principal components of 16 x 16 px. Returns those distances [n].

    Where a sample and its neighbour are one picture, the set is being learnt by heart. Of a set of more than `most` pictures every so many-th is looked at.
    """
    rows = np.arange(0, len(portraits), -(-len(portraits) // most))
    known = np.concatenate([small(np.asarray(portraits.pixels[rows[at:at + 512]])) for at in range(0, len(rows), 512)])
    mean = known.mean(0)
    _, axes = np.linalg.eigh(np.cov(known - mean, rowvar=False) if len(known) > 1 else np.eye(known.shape[1]))
    axes = axes[:, ::-1][:, :kept].astype(np.float32)
    mine, theirs = (small(samples.numpy()) - mean) @ axes, (known - mean) @ axes
    distances = np.sqrt(np.maximum(0, (mine ** 2).sum(1)[:, None] + (theirs ** 2).sum(1)[None] - 2 * mine @ theirs.T))
    best = distances.argmin(1)
    pairs = np.stack([samples.numpy(), np.asarray(portraits.pixels[rows[best]])], 1).reshape(-1, *samples.shape[1:])
    grid(pairs, 8).save(path)
    return distances.min(1)


# --- the command line that all families share

def arguments(parser: argparse.ArgumentParser, sizes: Iterable[str], **defaults: Any) -> None:
    """The options every family has; a family's own defaults by name."""
    plan = Plan(**{name: value for name, value in defaults.items() if name in Plan.__dataclass_fields__})
    parser.add_argument("set", type=Path, help="the folder of a data set (twin.train.data makes one)")
    parser.add_argument("--out", type=Path, required=True, help="the folder of this training")
    parser.add_argument("--size", choices=tuple(sizes), default="small", help="how large the networks are")
    parser.add_argument("--px", type=int, default=128, help="of a picture's side")
    parser.add_argument("--hours", type=float, default=plan.hours)
    parser.add_argument("--steps", type=int, default=0, help="end after so many steps instead")
    parser.add_argument("--resume", action="store_true", help="go on where it was left, or begin")
    parser.add_argument("--mixed", choices=("bf16", "fp16", "no"), default="", help="precision; without it what the machine is quick with")
    parser.add_argument("--pieces", action="store_true", help="checkpoints in files of 15 MiB at most")
    parser.add_argument("--threads", type=int, default=1, help="of a process, on the CPU")
    parser.add_argument("--export", type=Path, metavar="FOLDER", help="write the newest checkpoint's average in 16 bits, and end")
    parser.add_argument("--figure", metavar="MODULE:NAME", help="NAME(set, px) gives the held-out figure: figure(sample) -> float, lower is better")
    for name in ("batch", "accumulate", "seed", "average", "save", "sheet", "check", "patience"):
        parser.add_argument(f"--{name}", type=type(getattr(Plan, name)), default=getattr(plan, name), help="see twin.train.ground.Plan")


def planned(options: argparse.Namespace) -> Plan:
    """Raises Refused."""
    if options.batch < 1 or options.accumulate < 1 or options.steps < 0 or not 0 < options.hours < 1e5:
        raise Refused("A batch, its parts and the hours must be above 0.", "Leave them out for the usual ones.")
    return Plan(**{name: getattr(options, name) for name in Plan.__dataclass_fields__})


def figured(options: argparse.Namespace, faces: FaceSet) -> Figure | None:
    """The figure that --figure names. Raises Missing."""
    if not options.figure:
        return None
    import importlib
    module, _, name = options.figure.partition(":")
    try:
        make: Callable[[FaceSet, int], Figure] = getattr(importlib.import_module(module), name)
    except (ImportError, AttributeError, ValueError) as error:
        raise Missing(f"There is no figure {options.figure}.", "Say MODULE:NAME.") from error
    return make(faces, options.px)


def done(main: Callable[[], None], say: Callable[[str], None]) -> int:
    """Run it; the exit code: 0, 1 for what a person can mend, DIVERGED."""
    try:
        main()
    except Diverged as error:
        say(f"{error.message} {error.hint}")
        return DIVERGED
    except TwinError as error:
        say(f"{error.message} {error.hint}")
        return 1
    return 0


def clock(line: str) -> None:
    print(f"{time.strftime('%H:%M:%S')} {line}", flush=True)


def ramp(seen: int, over: int, begin: float, end: float) -> float:
    """From `begin` to `end` along half a cosine, in logarithms, while `over` pictures are seen: R3GAN's burn-in."""
    share = 0.5 * (1 - math.cos(math.pi * min(1.0, seen / max(1, over))))
    return math.exp(math.log(begin) * (1 - share) + math.log(end) * share)
