"""Lips from sound: `python -m twin.train.lips --data FOLDER --out DIR --speech SPEECH --minutes 25 --resume`.

What is learnt from lies in FOLDER and is made there first (spoken.py). Every step hears a handful of stretches of three seconds, each with another
microphone, noise and loudness, and says for each hundredth of a second where the articulators of twin/animate/phones.py are and whether the lips
are shut. Beside, only while it learns, it names the sound: that teaches its ears what lips don't show. A part of the way (Plan.sift) it looks at
what it was told of the real readers, and no longer learns what it finds unlikely: the recogniser was wrong there.

--export FILE writes what twin/animate/audio.py runs; docs/train.md reads this file line by line. Killed at any time it goes on with --resume from
the last whole checkpoint.
"""
from __future__ import annotations

import argparse
import json
import math
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn.functional import binary_cross_entropy_with_logits, cross_entropy, relu

from twin.animate import audio
from twin.animate.audio import BANDS, HEADS, LATE, PAIR
from twin.animate.phones import PARTS
from twin.errors import Missing, Refused, TwinError

from . import spoken
from .checkpoints import State, moments, newest, read, remember, write

WIDTH, TAPS = 160, 5
DILATIONS = (1, 2, 4, 1, 2, 4, 1)                        # steps of 20 ms: it reaches 1.2 s back
SHOWN = 20.0                                             # s between lines of progress


@dataclass(frozen=True)
class Plan:
    minutes: float = 25.0                                # of steps
    batch: int = 16                                      # stretches a step
    steps: int = 150                                     # pairs of frames in a stretch: 3 s
    rate: float = 2e-3                                   # the highest learning rate
    warm: int = 100                                      # steps over which it rises
    decay: float = 0.05                                  # of matrices
    forget: float = 0.1                                  # dropout: 200 readers are few, and soon known by heart
    average: float = 0.998                               # of the weights, which is what is exported
    real: float = 0.6                                    # share of real readers
    noisy: float = 0.65                                  # share of stretches with noise
    cut: float = 0.25                                    # share of stretches whose end has no look-ahead: the end of a piece
    naming: float = 0.3                                  # weight of naming the sound
    even: float = 2.0                                    # weight of moving as fast as they should from one frame to the next: without it the jaw trembles
    rare: float = 3.0                                    # how much more it counts to miss lips that are shut or tucked than to see them where they aren't
    sift: float = 0.4                                    # share of the training after which unlikely labels are let go of
    unlikely: float = 0.08                               # mean likelihood of a sound over its length
    save: float = 120.0                                  # s between checkpoints
    seed: int = 1


class Block(nn.Module):
    """A row looks back at TAPS rows, channel by channel, and thinks about it (ConvNeXt's block, arXiv:2201.03545, made causal)."""

    def __init__(self, dilation: int, forget: float):
        super().__init__()
        self.dilation, self.forget = dilation, nn.Dropout(forget)
        self.norm = nn.LayerNorm(WIDTH)
        self.depth = nn.Parameter(torch.randn(TAPS, WIDTH) / TAPS)
        self.depth_bias = nn.Parameter(torch.zeros(WIDTH))
        self.up, self.down = nn.Linear(WIDTH, 2 * WIDTH), nn.Linear(2 * WIDTH, WIDTH)
        nn.init.zeros_(self.down.bias)
        self.down.weight.data *= 0.5

    def forward(self, x: Tensor) -> Tensor:              # (B, T, WIDTH)
        y, count = self.norm(x), x.shape[1]
        past = nn.functional.pad(y, (0, 0, (TAPS - 1) * self.dilation, 0))
        z = self.depth_bias + sum(self.depth[i] * past[:, i * self.dilation:i * self.dilation + count] for i in range(TAPS))
        return x + self.down(self.forget(relu(self.up(z))))


class Net(nn.Module):
    """audio.Network, to be learnt, with a second head that names sounds."""

    middle: Tensor
    spread: Tensor

    def __init__(self, forget: float = 0.0) -> None:
        super().__init__()
        self.stem = nn.Linear(PAIR * BANDS + 1, WIDTH)
        self.blocks = nn.ModuleList(Block(dilation, forget) for dilation in DILATIONS)
        self.norm = nn.LayerNorm(WIDTH)
        self.heads = nn.Linear(WIDTH, PAIR * len(HEADS))
        self.names = nn.Linear(WIDTH, PAIR * len(spoken.SYMBOLS))
        self.register_buffer("middle", torch.zeros(len(HEADS)))          # the articulators are learnt in units of their own spread
        self.register_buffer("spread", torch.ones(len(HEADS)))

    def forward(self, heard: Tensor, there: Tensor) -> tuple[Tensor, Tensor]:
        """(B, T, 2 BANDS), (B, T, 1) -> of the pairs 0 .. T - LATE - 1: (B, 2 (T - LATE), HEADS) as logits but for the parts, and (.., SYMBOLS)."""
        x = self.stem(torch.cat([heard * there, there], 2))
        for block in self.blocks:
            x = block(x)
        x = self.norm(x)[:, LATE:]
        return self.heads(x).reshape(len(x), -1, len(HEADS)) * self.spread + self.middle, self.names(x).reshape(len(x), -1, len(spoken.SYMBOLS))

    def arrays(self) -> dict[str, np.ndarray]:
        """As audio.Network wants them."""
        def linear(name: str, layer: nn.Linear) -> dict[str, Tensor]:
            return {f"{name}.w": layer.weight.T, f"{name}.b": layer.bias}

        def norm(name: str, layer: nn.LayerNorm) -> dict[str, Tensor]:
            return {f"{name}.g": layer.weight, f"{name}.b": layer.bias}
        out = linear("stem", self.stem) | norm("norm", self.norm)
        out |= {"heads.w": self.heads.weight.T * self.spread.repeat(PAIR), "heads.b": self.heads.bias * self.spread.repeat(PAIR) + self.middle.repeat(PAIR)}
        for k, block in enumerate(self.blocks):
            assert isinstance(block, Block)
            out |= norm(f"{k}.norm", block.norm) | {f"{k}.depth.w": block.depth, f"{k}.depth.b": block.depth_bias}
            out |= linear(f"{k}.up", block.up) | linear(f"{k}.down", block.down)
        return {name: np.ascontiguousarray(value.detach().numpy()) for name, value in out.items()}


# What a step hears.

class Set:
    """All items in memory, and stretches of them drawn at random."""

    def __init__(self, folder: Path, plan: Plan):
        self.plan = plan
        self.real = [one for _, one in spoken.items(folder, ("read",))]
        self.made = [one for _, one in spoken.items(folder, ("made", "world"))]
        self.noise = [one["mel"] for _, one in spoken.items(folder, ("noise",))]
        few = min(40, len(self.made) // 8)
        self.held = {"readers": [one for _, one in spoken.items(folder, ("held",))], "made": self.made[:few]}
        self.made = self.made[few:]
        if not (self.real or self.made):
            raise Missing(f"There is nothing to learn from in {folder}.", "Make it first: --sentences, and --speech for recordings.")
        self._shares = [np.array([len(one["mel"]) for one in group], float) for group in (self.real, self.made)]

    def frames(self, group: str) -> int:
        return sum(len(one["mel"]) for one in getattr(self, group))

    def batch(self, random: np.random.Generator) -> dict[str, Tensor]:
        plan = self.plan
        rows = []
        for _ in range(plan.batch):
            first = self.real and (not self.made or random.random() < plan.real)
            group, share = (self.real, self._shares[0]) if first else (self.made, self._shares[1])
            rows.append(self._stretch(group[random.choice(len(group), p=share / share.sum())], random))
        return {name: torch.from_numpy(np.stack([row[name] for row in rows])) for name in rows[0]}

    def _stretch(self, one: spoken.Item, random: np.random.Generator) -> dict[str, np.ndarray]:
        """`steps` pairs and LATE more to be heard; weight 0 where nothing is to be learnt."""
        count, steps = PAIR * self.plan.steps, self.plan.steps
        whole = count + PAIR * LATE
        if random.random() < 0.6:                        # said faster or slower
            pace = random.uniform(0.85, 1.2)
            at = np.rint(np.arange(0, len(one["mel"]) - 1, pace)).astype(int)
            one = {name: rows[at] for name, rows in one.items()}
        start = int(random.integers(-30, max(1, len(one["mel"]) - whole // 2)))
        power = cut(one["mel"], start, whole, -16.0).astype(np.float32)
        flags = cut(one["flags"], start, count, 0).astype(np.float32)
        beyond = np.arange(start, start + count)
        flags[(beyond < 0) | (beyond >= len(one["mel"])), 2] = 1
        weight = cut(one["sure"], start, count, 1).astype(np.float32)
        if start > 0:
            weight[:20] = 0                              # nobody can tell without what went before
        there = np.ones((steps + LATE, 1), np.float32)
        if random.random() < self.plan.cut:
            last = int(random.integers(steps // 2, steps))
            there[last:], weight[PAIR * last:] = 0, 0
        heard = audio.inputs(coloured(power, self.noise if random.random() < self.plan.noisy else (), random))
        for _ in range(int(random.integers(0, 3))):      # what was never heard isn't missed (SpecAugment, arXiv:1904.08779)
            band, frame = random.integers(BANDS - 4), random.integers(whole)
            heard[:, band:band + random.integers(1, 7)] = 0
            heard[frame:frame + random.integers(1, 6)] = 0
        return {"heard": heard.reshape(steps + LATE, PAIR * BANDS), "there": there, "weight": weight, "flags": flags,
                "phone": cut(one["phone"], start, count, 0).astype(np.int64), "parts": cut(one["parts"], start, count, 0).astype(np.float32) / 255}


def cut(rows: np.ndarray, start: int, count: int, empty: float) -> np.ndarray:
    """rows[start:start + count], filled up where there are none."""
    inside = rows[max(0, start):max(0, start + count)]
    return np.concatenate([np.full((max(0, -start), *rows.shape[1:]), empty, rows.dtype), inside,
                           np.full((count - len(inside) - max(0, -start), *rows.shape[1:]), empty, rows.dtype)])


def coloured(power: np.ndarray, noises: Sequence[np.ndarray], random: np.random.Generator) -> np.ndarray:
    """Log-mel frames as another vocal tract, microphone, distance and surroundings would have them. In the logarithm a filter is a sum; power adds."""
    if random.random() < 0.5:
        power = power @ _stretched(round(float(random.uniform(0.85, 1.18)), 2))
    x = np.arange(BANDS) / BANDS
    curve = random.normal(0, 0.5) * (x - 0.5) * 4
    for k in range(1, 5):
        curve = curve + random.normal(0, 0.45 / k) * np.cos(np.pi * k * x + random.uniform(0, 6))
    if random.random() < 0.12:
        curve = curve - 9 * np.clip((x - random.uniform(0.55, 0.95)) * BANDS / 2, 0, 1)
    if random.random() < 0.12:
        curve = curve - 7 * np.clip((random.uniform(0.05, 0.2) - x) * BANDS / 2, 0, 1)
    power = power + (curve + random.normal(-0.2, 1.0)).astype(np.float32)
    if len(noises):
        one = noises[int(random.integers(len(noises)))]
        at = int(random.integers(len(one) - len(power)))
        other = one[at:at + len(power)].astype(np.float32)
        wanted = np.log(np.exp(power).sum(1)).max() - random.uniform(6, 45) * np.log(10) / 10
        power = np.logaddexp(power, other + np.float32(wanted - np.log(np.exp(other).sum(1).mean())))
    return power


_STRETCHED: dict[float, np.ndarray] = {}


def _stretched(factor: float) -> np.ndarray:
    """float32 [BANDS, BANDS]: the bands read `factor` times as high."""
    if factor not in _STRETCHED:
        at = np.minimum(np.arange(BANDS) * factor, BANDS - 1)
        _STRETCHED[factor] = np.maximum(0, 1 - np.abs(np.arange(BANDS)[:, None] - at)).astype(np.float32)
    return _STRETCHED[factor]


def loss_of(net: Net, batch: dict[str, Tensor], plan: Plan) -> tuple[Tensor, dict[str, float]]:
    told, names = net(batch["heard"], batch["there"])
    weight, count = batch["weight"], len(PARTS)
    whole = weight.sum().clamp(min=1)
    away = (told[..., :count] - batch["parts"]) / net.spread[:count]
    place = ((away ** 2).mean(2) * weight).sum() / whole
    pace = ((away.diff(dim=1) ** 2).mean(2) * weight[:, 1:] * weight[:, :-1]).sum() / whole
    rare = torch.tensor([plan.rare, plan.rare, 1.0])
    flag = (binary_cross_entropy_with_logits(told[..., count:], batch["flags"], reduction="none", pos_weight=rare).sum(2) * weight).sum() / whole
    name = (cross_entropy(names.flatten(0, 1), batch["phone"].flatten(), reduction="none") * weight.flatten()).sum() / whole
    return place + plan.even * pace + flag + plan.naming * name, {"place": place.item(), "pace": pace.item(), "flag": flag.item(), "name": name.item()}


@torch.no_grad()
def named(net: Net, one: spoken.Item) -> tuple[np.ndarray, np.ndarray]:
    """(heads [n, HEADS], likelihood of the sounds [n, SYMBOLS]) of an item as it is; n even."""
    steps = len(one["mel"]) // PAIR
    heard = np.zeros((steps + LATE, PAIR * BANDS), np.float32)
    heard[:steps] = audio.inputs(one["mel"][:steps * PAIR].astype(np.float32)).reshape(steps, PAIR * BANDS)
    there = torch.zeros(1, steps + LATE, 1)
    there[:, :steps] = 1
    told, names = net(torch.from_numpy(heard)[None], there)
    return told[0].numpy(), names[0].softmax(1).numpy()


def sift(net: Net, group: Sequence[spoken.Item], least: float) -> float:
    """Sounds that the network finds unlikely become unsure, in place. Returns what share of the frames."""
    lost = whole = 0
    for one in group:
        _, names = named(net, one)
        count = len(names)
        phone = one["phone"][:count].astype(int)
        likely = names[np.arange(count), phone]
        edges = np.concatenate([[0], np.flatnonzero(np.diff(phone)) + 1, [count]])
        sure = one["sure"].copy()
        for first, last in zip(edges, edges[1:], strict=False):
            if likely[first:last].mean() < least:
                sure[first:last] = 0
                lost += last - first
        one["sure"], whole = sure, whole + count
    return lost / max(1, whole)


def look(net: Net, held: dict[str, list[spoken.Item]]) -> dict[str, float]:
    """On what is never learnt from: share of sounds named; correlation of jaw, rounding and spread corners; how many of the frames with shut lips are
    found where 5 % of the others are taken for such."""
    found: dict[str, float] = {}
    for what, group in held.items():
        if not group:
            continue
        rows = [(*named(net, one), one) for one in group]
        told, names = (np.concatenate([row[k] for row in rows]) for k in (0, 1))
        one = {key: np.concatenate([row[2][key][:len(row[0])] for row in rows]) for key in ("parts", "flags", "phone", "sure")}
        sure = one["sure"] > 0
        said = sure & (one["flags"][:, 2] == 0)
        found |= {f"{what}_named": float((names.argmax(1) == one["phone"])[said].mean())}
        for part in ("jaw", "pucker", "spread"):
            k = PARTS.index(part)
            found[f"{what}_{part}"] = float(np.corrcoef(told[said, k], one["parts"][said, k])[0, 1])
        is_shut, likely = one["flags"][:, 0] > 0, told[:, len(PARTS)]
        if (sure & is_shut).any():
            found[f"{what}_shut"] = float((likely[sure & is_shut] > np.quantile(likely[sure & ~is_shut], 0.95)).mean())
    return found


def train(data: Path, out: Path, plan: Plan, resume: bool, say: Callable[[str], None]) -> Path:
    """Go on from the newest checkpoint of OUT, or begin. Returns the last. Raises Missing, Refused, OSError."""
    at = newest(out)
    if at and not resume:
        raise Refused(f"There is a training in {out} already.", "Go on with it by --resume, or name another folder.")
    torch.manual_seed(plan.seed)
    learnt, net, mean = Set(data, plan), Net(plan.forget), Net()
    parts = np.concatenate([one["parts"] for one in (*learnt.real[:200], *learnt.made[:200])]) / 255
    net.middle[:len(PARTS)] = torch.from_numpy(parts.mean(0))
    net.spread[:len(PARTS)] = torch.from_numpy(np.maximum(parts.std(0), 0.02))
    mean.load_state_dict(net.state_dict())
    optimiser = torch.optim.AdamW([{"params": [p for p in net.parameters() if p.ndim > 1], "weight_decay": plan.decay},
                                   {"params": [p for p in net.parameters() if p.ndim < 2], "weight_decay": 0.0}], lr=plan.rate, betas=(0.9, 0.98))
    state = State()
    if at:
        net.load_state_dict(read(at / "model.safetensors"))
        mean.load_state_dict(read(at / "mean.safetensors"))
        remember(optimiser, read(at / "moments.safetensors"))
        state = State(**json.loads((at / "state.json").read_text("utf-8")))
    hours = [learnt.frames(group) / 360_000 for group in ("real", "made")]
    say(f"{sum(p.numel() for p in net.parameters()):,} weights; {hours[0]:.2f} h read, {hours[1]:.2f} h made; from step {state.step}")

    def share() -> float:
        return state.seconds / 60 / plan.minutes
    sifted, saved, shown, told = False, time.monotonic(), time.monotonic(), []
    while share() < 1:
        if not sifted and share() >= plan.sift:
            say(f"{100 * sift(mean, learnt.real, plan.unlikely):.1f} % of what was read is found unlikely and let go of")
            sifted = True
        began = time.monotonic()
        rate = plan.rate * min(1.0, (state.step + 1) / plan.warm) * (0.02 + 0.98 * 0.5 * (1 + math.cos(math.pi * share())))
        for group in optimiser.param_groups:
            group["lr"] = rate
        loss, row = loss_of(net, learnt.batch(np.random.default_rng([plan.seed, state.step])), plan)
        optimiser.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(net.parameters(), 1.0)
        optimiser.step()
        state.step += 1
        keep = min(plan.average, (state.step + 1) / (state.step + 10))
        with torch.no_grad():
            for slow, fast in zip(mean.parameters(), net.parameters(), strict=True):
                slow.lerp_(fast, 1 - keep)
        state.seconds += time.monotonic() - began
        told.append(row)
        now = time.monotonic()
        if now - shown >= SHOWN:
            figures = "  ".join(f"{key} {sum(r[key] for r in told) / len(told):.3f}" for key in row)
            say(f"{100 * share():5.1f} %  step {state.step}  {figures}  rate {rate:.1e}")
            shown, told = now, []
        if now - saved >= plan.save or share() >= 1:
            at = write(out, state.step, {"model": net.state_dict(), "mean": mean.state_dict(), "moments": moments(optimiser)},
                       {"plan": asdict(plan), "state": asdict(state)})
            say("  ".join(f"{key} {value:.3f}" for key, value in look(mean, learnt.held).items()))
            saved = time.monotonic()
    if at is None:
        raise Refused("Nothing was trained: there is no time for it.", "Give more --minutes.")
    return at


def export(outs: Sequence[Path], target: Path) -> None:
    """The mean weights of the newest checkpoint as audio.py runs them, in half precision. Of several trainings that went on from the same one, the
    weights are averaged (a model soup, arXiv:2203.05482). Raises Missing, OSError."""
    from safetensors.numpy import save
    found: list[dict[str, np.ndarray]] = []
    for out in outs:
        at = newest(out)
        if at is None:
            raise Missing(f"There is no checkpoint in {out}.", "Train first.")
        net = Net()
        net.load_state_dict(read(at / "mean.safetensors"))
        found.append(net.arrays())
    about = {"dilations": DILATIONS, "heads": HEADS, "learnt_from": "espeak-ng; readers of LibriSpeech (openslr.org/12, CC BY 4.0)"}
    arrays = {name: np.mean([one[name] for one in found], 0).astype(np.float16) for name in found[0]}
    half = target.with_suffix(".half")
    half.write_bytes(save(arrays, {"lips": json.dumps(about)}))
    half.replace(target)


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m twin.train.lips", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True, help="the folder of what is learnt from; made first where it isn't there")
    parser.add_argument("--out", type=Path, required=True, help="the folder of this training")
    parser.add_argument("--speech", type=Path, help="a folder with librispeech/one_each and ten_each; without it only made speech is learnt from")
    parser.add_argument("--sentences", type=int, default=2400, help="that the embedded voice says")
    parser.add_argument("--minutes", type=float, default=Plan.minutes)
    parser.add_argument("--real", type=float, default=Plan.real, help="share of real readers in what is heard")
    parser.add_argument("--noisy", type=float, default=Plan.noisy, help="share of stretches with noise")
    parser.add_argument("--batch", type=int, default=Plan.batch)
    parser.add_argument("--rate", type=float, default=Plan.rate)
    parser.add_argument("--resume", action="store_true", help="go on where it was left, or begin")
    parser.add_argument("--export", type=Path, metavar="FILE", help="write the newest checkpoint for the face, and end")
    parser.add_argument("--with", dest="others", type=Path, nargs="*", default=[], metavar="DIR", help="of --export: others begun from the same one")
    parser.add_argument("--threads", type=int, default=1)
    options = parser.parse_args(arguments)
    torch.set_num_threads(options.threads)

    def say(line: str) -> None:
        print(f"{time.strftime('%H:%M:%S')} {line}", flush=True)
    try:
        if options.export:
            export([options.out, *options.others], options.export)
            return 0
        spoken.make(options.data, options.speech, options.sentences, say)
        plan = Plan(minutes=options.minutes, real=options.real, noisy=options.noisy, batch=options.batch, rate=options.rate)
        train(options.data, options.out, plan, options.resume, say)
    except TwinError as error:
        say(f"{error.message} {error.hint}")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
