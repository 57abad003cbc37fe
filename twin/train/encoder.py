"""`python -m twin.train.encoder SET ... --out DIR --hours H [--resume]`: learns to read a portrait's attributes; its features judge generators (measure.py).

A small residual network that says of a picture what SET says of it (choices, marks, measures: the heads come from the set's attributes), and how it was damaged
on its way in: blurred, noisy, tinted, bent, blocky. So its features see what a generator may do wrong, which features of attributes alone would look over.
SET has other seeds than what is judged with it. DIR gets config.json and model.safetensors, and resume.safetensors, which is rewritten every two minutes:
killed at any time and started again with --resume, it goes on there. `accelerate launch -m twin.train.encoder ...` shares a step out among processes.
"""
from __future__ import annotations

import argparse
import json
import math
import os
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor, nn

from twin.errors import Missing, Refused, TwinError
from twin.paint import pretrained

ARCHITECTURE = "twin.FaceEncoder"
PX, WIDTHS, FEATURES = 128, (32, 64, 128, 192), 256      # 1.9 M weights
GRID, COLOURS = 4, 8                                     # places of a side whose features are read, and whose plain colours are read beside them
NEAR_BY = (0.27, 0.77, 0.25, 0.75)                       # of a picture, from .. to down and across: from the forehead to the chin, looked at once more, larger
DAMAGES = ("blur", "noise", "tint", "bend", "blocks")
CLEAN = 0.4                                              # share of a step's pictures that come in as they are
LEGIBLE = 0.5                                            # of a damage's strength, up to which attributes are still asked
GROUPS = 8                                               # of a step, each damaged in its own way
RATE, BATCH, DECAY, WARM = 2e-3, 64, 0.02, 100
EVERY, TOLD = 120.0, 20.0                                # s between checkpoints, and between lines
NEAR = 0.2                                               # of a measure's usual range (its 5 to 95 %): as near counts as right
WEIGHT = 0.5                                             # of each attribute against all damage, which is learned within minutes
LEAST = 32                                               # pictures to learn from
Attributes = Mapping[str, "str | bool | float"]


# what is asked ------------------------------------------------------------------------------------------------------------------------

def schema(looks: Sequence[Attributes]) -> dict[str, dict[str, Any]]:
    """The heads for what these pictures are said to be: text = a choice, yes or no = a mark, a number = a measure. What never changes is left out.

    Raises Refused for an attribute of two kinds, or where nothing is left.
    """
    out: dict[str, dict[str, Any]] = {}
    for name in dict.fromkeys(name for look in looks for name in look):
        values = [look[name] for look in looks if look.get(name) is not None]
        kinds = {str if isinstance(value, str) else bool if isinstance(value, bool) else float for value in values}
        if len(kinds) > 1:
            raise Refused(f"The attribute {name!r} is {' here and '.join(sorted(kind.__name__ for kind in kinds))} there.",
                          "Give it one kind of value in faces.jsonl.")
        if len(set(values)) < 2:
            continue
        if kinds == {str}:
            out[name] = {"kind": "choice", "values": sorted({str(value) for value in values})}
        elif kinds == {bool}:
            out[name] = {"kind": "mark"}
        else:
            numbers = np.array(values, float)
            low, high = np.percentile(numbers, [5, 95])
            out[name] = {"kind": "measure", "mean": float(numbers.mean()), "sd": float(numbers.std()), "low": float(low), "high": float(high)}
    if not out:
        raise Refused("The faces of this set have no attributes that differ, so there is nothing to learn to read.",
                      "Take a set with attributes, such as the painter's.")
    return out


def targets(heads: Mapping[str, Mapping[str, Any]], looks: Sequence[Attributes]) -> Tensor:
    """float32 [n, attributes]: a choice's number, a mark's 0 or 1, a measure's standard score; NaN where nothing is said."""
    out = np.full((len(looks), len(heads)), np.nan, np.float32)
    for column, (name, head) in enumerate(heads.items()):
        numbers = {value: number for number, value in enumerate(head.get("values", ()))}
        for row, look in enumerate(looks):
            value = look.get(name)
            if value is None:
                continue
            if head["kind"] == "choice":
                out[row, column] = numbers.get(value, math.nan)
            else:
                out[row, column] = float(value) if head["kind"] == "mark" else (float(value) - head["mean"]) / max(head["sd"], 1e-9)
    return torch.from_numpy(out)


def agrees(head: Mapping[str, Any], read: str | bool | float, wanted: str | bool | float) -> bool:
    """Whether what was read is what was wanted; of a measure, whether it is within NEAR of its usual range."""
    if head["kind"] == "measure":
        return abs(float(read) - float(wanted)) <= NEAR * (head["high"] - head["low"])
    return read == wanted


# the network --------------------------------------------------------------------------------------------------------------------------

class Halved(nn.Module):
    """Half as wide; a mean over 3 x 3 before every second one is dropped, so that a shift by a pixel isn't a change of features (arxiv.org/abs/1904.11486).

    Equal weights, not binomial ones: PyTorch pools in a tenth of the time of a depthwise convolution's gradient in bf16 on a CPU.
    """

    def forward(self, x: Tensor) -> Tensor:
        return F.avg_pool2d(x, 3, 2, 1, count_include_pad=False)


class Residual(nn.Module):
    def __init__(self, width: int):
        super().__init__()
        self.a, self.b = (nn.Conv2d(width, width, 3, padding=1, bias=False) for _ in range(2))
        self.na, self.nb = nn.BatchNorm2d(width), nn.BatchNorm2d(width)

    def forward(self, x: Tensor) -> Tensor:
        return F.relu(x + self.nb(self.b(F.relu(self.na(self.a(x))))))


class Encoder(nn.Module):
    """Pictures -> features [n, 256] -> what they show. `heads`: see `schema`; `about`: what else stands in config.json."""

    def __init__(self, heads: Mapping[str, Mapping[str, Any]], px: int = PX, widths: Sequence[int] = WIDTHS, features: int = FEATURES,
                 about: Mapping[str, Any] | None = None):
        super().__init__()
        self.heads, self.px, self.widths, self.about = dict(heads), px, tuple(widths), dict(about or {})
        # four neighbours as channels: nothing of the picture is lost, and its full width, where a CPU would spend half of its time, is never convolved
        first = nn.Conv2d(12, widths[0], 3, padding=1, bias=False)
        self.stem = nn.Sequential(nn.PixelUnshuffle(2), first, nn.BatchNorm2d(widths[0]), nn.ReLU(), Residual(widths[0]))
        stages: list[nn.Module] = []
        for before, width in zip(widths[:-1], widths[1:], strict=True):
            stages += [Halved(), nn.Conv2d(before, width, 1, bias=False), nn.BatchNorm2d(width), nn.ReLU(), Residual(width)]
        self.stages = nn.Sequential(*stages)
        self.features_ = nn.Linear(2 * widths[-1] * GRID ** 2 + 3 * COLOURS ** 2, features)
        self.read = nn.Linear(features, sum(len(head.get("values", " ")) for head in self.heads.values()))
        self.damage = nn.Linear(features, len(DAMAGES))

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Pictures [n, 3, px, px] in 0..1 -> features, what the heads say side by side, strength of each of DAMAGES."""
        x = x * 4 - 2
        top, bottom, left, right = (round(share * self.px) for share in NEAR_BY)
        near = F.interpolate(x[:, :, top:bottom, left:right], (self.px, self.px), mode="bilinear").contiguous(memory_format=torch.channels_last)
        whole, close = (F.adaptive_avg_pool2d(self.stages(self.stem(part)), GRID).flatten(1) for part in (x, near))
        found = self.features_(torch.cat([whole, close, F.adaptive_avg_pool2d(x, COLOURS).flatten(1)], 1))
        known = F.gelu(found)
        return found, self.read(known), self.damage(known)

    def resized(self, pictures: Tensor) -> Tensor:
        """uint8 [n, 3, h, w] -> float [n, 3, px, px] in 0..1, real and made ones by the same filter, which doesn't alias and doesn't round.

        How a picture is made smaller shifts a Fréchet distance by more than generators differ (arxiv.org/abs/2104.11222).
        """
        x = pictures.float() / 255
        return x if x.shape[-2:] == (self.px, self.px) else F.interpolate(x, (self.px, self.px), mode="bicubic", antialias=True).clamp(0, 1)

    @torch.inference_mode()
    def _seen(self, pictures: np.ndarray | Tensor, batch: int = 64) -> tuple[Tensor, Tensor]:
        if pictures.ndim != 4 or pictures.shape[1] != 3 or str(pictures.dtype).split(".")[-1] != "uint8":
            raise Refused(f"The encoder reads pictures uint8 [n, 3, h, w], not {pictures.dtype} {list(pictures.shape)}.", "Hand it bytes, three colours first.")
        self.eval()
        found, told = [torch.zeros(0, self.features_.out_features)], [torch.zeros(0, self.read.out_features)]
        for at in range(0, len(pictures), batch):
            part = torch.as_tensor(np.array(pictures[at:at + batch])).to(self.damage.weight.device)
            one, two, _ = self(self.resized(part).contiguous(memory_format=torch.channels_last))
            found.append(one.cpu())
            told.append(two.cpu())
        return torch.cat(found), torch.cat(told)

    def features(self, pictures: np.ndarray | Tensor) -> np.ndarray:
        """Pictures uint8 [n, 3, h, w] of any size -> float32 [n, 256], in fp32. Raises Refused."""
        return self._seen(pictures)[0].numpy()

    def attributes(self, pictures: np.ndarray | Tensor) -> dict[str, list[Any]]:
        """Pictures uint8 [n, 3, h, w] -> name -> what each shows: text, bool or float. Raises Refused."""
        out: dict[str, list[Any]] = {}
        for (name, head), told in zip(self.heads.items(), self.parted(self._seen(pictures)[1]), strict=True):
            if head["kind"] == "choice":
                out[name] = [head["values"][number] for number in told.argmax(1).tolist()]
            else:
                out[name] = (told[:, 0] > 0).tolist() if head["kind"] == "mark" else (told[:, 0] * head["sd"] + head["mean"]).tolist()
        return out

    def parted(self, told: Tensor) -> list[Tensor]:
        """What `read` says [n, all] as one [n, values] a head."""
        return list(told.split([len(head.get("values", " ")) for head in self.heads.values()], 1))

    def save_pretrained(self, folder: Path) -> None:
        """config.json and model.safetensors, in half precision. Raises OSError."""
        config = {"px": self.px, "widths": self.widths, "features": self.features_.out_features, "heads": self.heads, "about": self.about}
        pretrained.write(Path(folder), ARCHITECTURE, config, self.state_dict(), torch.float16)

    @classmethod
    def from_pretrained(cls, folder: Path) -> Encoder:
        """The encoder of a folder, ready to look, in fp32. Raises Missing, Refused."""
        folder = Path(folder)
        config, tensors = pretrained.read(folder, ARCHITECTURE)
        try:
            with torch.device("meta"):
                net = cls(config["heads"], config["px"], config["widths"], config["features"], config.get("about"))
        except (TypeError, ValueError, KeyError, AttributeError, RuntimeError, IndexError) as error:
            raise Refused(f"{folder / pretrained.CONFIG} doesn't say how large the network is.", "Copy the folder again.") from error
        pretrained.fill(net, tensors, folder / pretrained.WEIGHTS)
        return net.to(memory_format=torch.channels_last).eval()  # type: ignore[call-overload,no-any-return]


# damage -------------------------------------------------------------------------------------------------------------------------------

def damaged(x: Tensor, kind: str, strength: float, rng: torch.Generator) -> Tensor:
    """Pictures float [n, 3, h, w] in 0..1, harmed: `kind` of DAMAGES, strength 0..1, lengths in shares of the width so that any size is harmed alike."""
    n, _, height, width = x.shape
    if strength <= 0:
        return x
    if kind == "blur":
        sigma = strength * width / 48
        reach = max(1, math.ceil(2.5 * sigma))
        line = torch.exp(-0.5 * (torch.arange(-reach, reach + 1) / sigma) ** 2)
        line = (line / line.sum()).to(x.device).repeat(3, 1, 1, 1)
        x = F.conv2d(F.pad(x, (reach, reach, 0, 0), mode="reflect"), line, groups=3)
        return F.conv2d(F.pad(x, (0, 0, reach, reach), mode="reflect"), line.transpose(2, 3), groups=3)
    if kind == "noise":
        return (x + 0.15 * strength * torch.randn(x.shape, generator=rng).to(x.device)).clamp(0, 1)
    if kind == "tint":
        away = F.normalize(torch.randn(n, 3, 1, 1, generator=rng), dim=1).to(x.device)
        return (x * torch.exp(0.5 * strength * away)).clamp(0, 1)
    if kind == "bend":
        field = F.interpolate(torch.randn(n, 2, 6, 6, generator=rng), (height, width), mode="bicubic", align_corners=True).to(x.device)
        return F.grid_sample(x, _grid(n, height, width, x.device) + 0.06 * strength * field.permute(0, 2, 3, 1), padding_mode="reflection", align_corners=False)
    blocks = F.interpolate(F.avg_pool2d(x, max(1, height // 16)), (height, width))
    return x + 0.6 * strength * (blocks - x)


def placed(x: Tensor, rng: torch.Generator) -> Tensor:
    """The same pictures turned by up to 4 degrees, moved by 3 % and 5 % larger or smaller, a little lighter or darker: no damage, only another framing."""
    n, _, height, width = x.shape
    turn, size, *move = (2 * torch.rand(4, n, generator=rng) - 1).unbind(0)
    turn, size = turn * math.radians(4), 1 + 0.05 * size
    along, across = size * turn.cos(), size * turn.sin()
    matrix = torch.stack([torch.stack([along, -across, 0.06 * move[0]], 1), torch.stack([across, along, 0.06 * move[1]], 1)], 1)
    x = F.grid_sample(x, F.affine_grid(matrix.to(x.device), [n, 3, height, width], align_corners=False), padding_mode="reflection", align_corners=False)
    return (x * (1 + 0.06 * torch.randn(n, 1, 1, 1, generator=rng)).to(x.device)).clamp(0, 1)


def _grid(n: int, height: int, width: int, device: torch.device) -> Tensor:
    return F.affine_grid(torch.eye(2, 3, device=device).expand(n, 2, 3), [n, 3, height, width], align_corners=False)


def harmed(x: Tensor, rng: torch.Generator) -> tuple[Tensor, Tensor]:
    """A step's pictures, each group of them as it is or damaged in one way; and how strongly [n, DAMAGES]."""
    told = torch.zeros(len(x), len(DAMAGES), device=x.device)
    groups = []
    for at, group in zip(torch.arange(len(x)).chunk(GROUPS), x.chunk(GROUPS), strict=True):
        chance, which, strength = torch.rand(3, generator=rng).tolist()
        if chance > CLEAN:
            kind = int(which * len(DAMAGES))
            group = damaged(group, DAMAGES[kind], strength, rng)
            told[at, kind] = strength
        groups.append(group)
    return torch.cat(groups), told


# training -----------------------------------------------------------------------------------------------------------------------------

@dataclass
class State:
    """Where a training stands; with the weights and the optimiser's moments, all that going on needs."""
    step: int = 0
    seconds: float = 0.0                                 # spent in steps
    seed: int = 0


def loss_of(net: Encoder, told: Tensor, strengths: Tensor, wanted: Tensor, harm: Tensor) -> tuple[Tensor, Tensor]:
    """(of the attributes, of the damages), each about 1 for one who only knows how often what occurs. Attributes of a badly damaged picture are not asked."""
    legible = harm.amax(1) <= LEGIBLE
    rows = []
    for head, said, want in zip(net.heads.values(), net.parted(told), wanted.T, strict=True):
        asked = legible & ~want.isnan()
        said, want = said[asked], want[asked]
        if not len(want):
            continue
        if head["kind"] == "choice":
            rows.append(F.cross_entropy(said, want.long()) / math.log(len(head["values"])))
        elif head["kind"] == "mark":
            rows.append(F.binary_cross_entropy_with_logits(said[:, 0], want) / math.log(2))
        else:
            rows.append(F.mse_loss(said[:, 0], want))
    attributes = torch.stack(rows).mean() if rows else told.sum() * 0
    return attributes, F.mse_loss(strengths, harm) / 0.05          # 0.05: about the variance of a strength that is mostly nought


def order(count: int, batch: int, step: int, seed: int) -> np.ndarray:
    """The pictures of a step: rounds in which each comes once, a pure function of seed and step, so that going on needs no more than the step."""
    a_round = max(1, count // batch)
    shuffled = np.random.default_rng([seed, step // a_round]).permutation(count)
    return shuffled[(step % a_round) * batch:(step % a_round + 1) * batch]


def train(net: Encoder, pictures: np.ndarray | Joined, wanted: Tensor, *, steps: int = 0, hours: float = 0.0, batch: int = BATCH, seed: int = 0,
          out: Path | None = None, resume: bool = False, mixed: str = "bf16") -> Iterator[dict[str, float]]:
    """Trains for so many steps or hours, whichever ends first; yields {"step", "seconds", "attributes", "damages"} of each step. Raises Refused, Missing.

    `pictures`: uint8 [n, 3, h, w], may lie on the disk; `wanted`: see `targets`. With `out`, a checkpoint every EVERY s and at the end. `mixed`: bf16 where
    processor or GPU has it, or no.
    """
    from accelerate import Accelerator
    if not steps and not hours:
        raise Refused("Nothing is trained in no time.", "Give --hours or --steps.")
    if len(pictures) < LEAST:
        raise Refused(f"{len(pictures)} pictures are too few to learn from; {LEAST} are the least, thousands are good.", "Take a larger set.")
    batch = min(batch, len(pictures))
    runner = Accelerator(mixed_precision="no")           # autocast is ours: accelerate's holds for a whole process and can't be said twice
    state = State(seed=seed)
    net = net.to(memory_format=torch.channels_last).train()  # type: ignore[call-overload]
    matrices, rest = ([value for value in net.parameters() if (value.ndim > 1) == wide] for wide in (True, False))
    sorts: list[dict[str, Any]] = [{"params": matrices}, {"params": rest, "weight_decay": 0.0}]
    optimiser = torch.optim.AdamW(sorts, lr=RATE, betas=(0.9, 0.99), weight_decay=DECAY)
    if resume and out:
        state = _restored(out / "resume.safetensors", net, optimiser)
    model, optimiser = runner.prepare(net, optimiser)
    kept = time.monotonic()
    while (not steps or state.step < steps) and (not hours or state.seconds < hours * 3600):
        began = time.perf_counter()
        done = max(state.step / steps if steps else 0.0, state.seconds / (hours * 3600) if hours else 0.0)
        for group in optimiser.param_groups:
            group["lr"] = RATE * min(1.0, (state.step + 1) / WARM) * max(0.01, 0.5 + 0.5 * math.cos(math.pi * done))
        mine = order(len(pictures), batch, state.step, state.seed)[runner.process_index::runner.num_processes]
        rng = torch.Generator().manual_seed((state.seed << 32) + state.step * runner.num_processes + runner.process_index)
        x = net.resized(torch.from_numpy(np.asarray(pictures[mine])).to(runner.device))
        x, harm = harmed(placed(x, rng), rng)
        with torch.autocast(runner.device.type, torch.bfloat16, enabled=mixed == "bf16"):
            _, told, strengths = model(x.contiguous(memory_format=torch.channels_last))
        attributes, damages = loss_of(net, told.float(), strengths.float(), wanted[mine].to(x.device), harm)
        optimiser.zero_grad()
        runner.backward(WEIGHT * len(net.heads) * attributes + damages)
        runner.clip_grad_norm_(model.parameters(), 1.0)
        optimiser.step()
        took = time.perf_counter() - began
        if runner.num_processes > 1:                     # all of them end at the same step
            took = runner.reduce(torch.tensor(took, device=runner.device), "mean").item()
        state.step += 1
        state.seconds += took
        row = {"step": state.step, "seconds": state.seconds, "attributes": attributes.item(), "damages": damages.item()}
        if not math.isfinite(row["attributes"] + row["damages"]):
            raise Refused(f"The loss is no number any more at step {state.step}.", "Go on from the last checkpoint with --resume --mixed no.")
        if out and runner.is_main_process and time.monotonic() - kept > EVERY:
            _keep(out / "resume.safetensors", net, optimiser, state)
            kept = time.monotonic()
        yield row
    if out and runner.is_main_process:
        _keep(out / "resume.safetensors", net, optimiser, state)
    net.eval()


def _keep(path: Path, net: Encoder, optimiser: torch.optim.Optimizer, state: State) -> None:
    """Weights, moments and where it stands, in one file, whole or not there at all. Raises Refused for a full disk."""
    held = {f"model.{name}": value for name, value in net.state_dict().items()}
    held |= {f"moments.{n}.{name}": value for n, own in optimiser.state_dict()["state"].items() for name, value in own.items()}
    beside = path.with_suffix(".half")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        save_file({name: value.detach().cpu().contiguous().clone() for name, value in held.items()}, beside, metadata={"state": json.dumps(asdict(state))})
        os.replace(beside, path)
    except (OSError, SafetensorError) as error:
        beside.unlink(missing_ok=True)
        raise Refused(f"The checkpoint could not be written: {error}.", f"Free some space and go on with --resume; {path.name} is as it was before.") from None


def _restored(path: Path, net: Encoder, optimiser: torch.optim.Optimizer) -> State:
    try:
        with safe_open(path, "pt") as file:
            held = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
            state = State(**json.loads(file.metadata()["state"]))
        net.load_state_dict({name.removeprefix("model."): value for name, value in held.items() if name.startswith("model.")})
    except FileNotFoundError:
        raise Missing(f"There is no {path.name} in {path.parent}.", "Begin anew, without --resume.") from None
    except (SafetensorError, RuntimeError, TypeError, ValueError, KeyError) as error:
        raise Refused(f"{path} is damaged or of another training: {str(error).splitlines()[0]}", "Begin anew, without --resume.") from None
    moments: dict[int, dict[str, Tensor]] = {}
    for name, value in held.items():
        if name.startswith("moments."):
            _, number, kind = name.split(".", 2)
            moments.setdefault(int(number), {})[kind] = value
    optimiser.load_state_dict({"state": moments, "param_groups": optimiser.state_dict()["param_groups"]})
    return state


def accuracy(net: Encoder, pictures: np.ndarray | Tensor, looks: Sequence[Attributes]) -> dict[str, float]:
    """name -> share of pictures of which it reads what is said of them (a measure: within NEAR), and "mean" over the attributes."""
    read = net.attributes(pictures)
    out = {}
    for name, head in net.heads.items():
        right = [agrees(head, guess, look[name]) for guess, look in zip(read[name], looks, strict=True) if look.get(name) is not None]
        if right:
            out[name] = float(np.mean(right))
    return out | {"mean": float(np.mean(list(out.values()))) if out else math.nan}


def rows_of(folder: Path) -> dict[str, dict[str, Any]]:
    """faces.jsonl of a set by file name; a line torn by a kill is passed over. Raises Missing."""
    out = {}
    try:
        for line in (Path(folder) / "faces.jsonl").read_text(encoding="utf-8").splitlines():
            try:
                row = json.loads(line)
                out[row["file"]] = row
            except (ValueError, KeyError, TypeError):
                continue
    except OSError:
        raise Missing(f"There is no faces.jsonl in {folder}.", "Name the folder of a data set.") from None
    return out


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m twin.train.encoder", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("set", type=Path, nargs="+", help="the folder of a data set whose faces have attributes")
    parser.add_argument("--begin", type=Path, metavar="FOLDER", help="an encoder whose convolutions it begins with")
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--hours", type=float, default=0.0)
    parser.add_argument("--steps", type=int, default=0)
    parser.add_argument("--px", type=int, default=PX, help="width that it looks at")
    parser.add_argument("--batch", type=int, default=BATCH)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--mixed", choices=("bf16", "no"), default="bf16")
    parser.add_argument("--resume", action="store_true", help="go on where it was left, or begin")
    given = parser.parse_args(arguments)
    try:
        return _main(given)
    except TwinError as error:
        print(f"{error.message} {error.hint}".strip(), file=sys.stderr)
        return 1


def _main(given: argparse.Namespace) -> int:
    from accelerate import PartialState
    first = PartialState().is_main_process
    if not given.resume and (given.out / "resume.safetensors").exists():
        raise Refused(f"There is a training in {given.out} already.", "Go on with it by --resume, or name another folder.")
    pictures, looks, seeds = _shown(given.set, "train", given.px)
    about = {"set": " and ".join(folder.name for folder in given.set), "count": len(looks), "seeds": [min(seeds), max(seeds)] if seeds else None}
    torch.manual_seed(given.seed)
    net = Encoder(schema(looks), given.px, about=about)
    if given.begin:
        _, held = pretrained.read(given.begin, ARCHITECTURE)
        same = {name: value for name, value in held.items() if name.startswith(("stem.", "stages.")) and name in net.state_dict()}
        net.load_state_dict(same, strict=False)
    if first:
        print(f"{len(looks)} pictures, {len(net.heads)} attributes, {sum(value.numel() for value in net.parameters()) / 1e6:.2f} M weights", flush=True)
    told, mean = time.monotonic(), {"attributes": 0.0, "damages": 0.0}
    for row in train(net, pictures, targets(net.heads, looks), steps=given.steps, hours=given.hours, batch=given.batch, seed=given.seed, out=given.out,
                     resume=given.resume and (given.out / "resume.safetensors").exists(), mixed=given.mixed):
        mean = {name: value + (row[name] - value) * max(0.02, 1 / row["step"]) for name, value in mean.items()}
        if first and time.monotonic() - told > TOLD:
            told = time.monotonic()
            done = max(row["step"] / given.steps if given.steps else 0.0, row["seconds"] / (given.hours * 3600) if given.hours else 0.0)
            print(f"step {row['step']:.0f}, {100 * done:.0f} %, {row['step'] * given.batch / row['seconds']:.0f} pictures/s, "
                  f"loss {mean['attributes']:.3f} + {mean['damages']:.3f}", flush=True)
    if first:
        net.save_pretrained(given.out)
        pictures, looks, _ = _shown(given.set, "held", given.px)
        if len(looks):
            rows_ = np.sort(np.random.default_rng(0).permutation(len(looks))[:2000])
            _report(given.out, pictures[rows_], [looks[row] for row in rows_])
    return 0


class Joined:
    """Pictures of several sets as one: `[rows]` -> uint8 [n, 3, px, px]."""

    def __init__(self, parts: Sequence[np.ndarray]):
        self.parts, self.ends = parts, np.cumsum([len(part) for part in parts])

    def __len__(self) -> int:
        return int(self.ends[-1])

    def __getitem__(self, rows: np.ndarray) -> np.ndarray:
        which = np.searchsorted(self.ends, rows, side="right")
        return np.stack([self.parts[part][row - (self.ends[part - 1] if part else 0)] for part, row in zip(which, rows, strict=True)])


def _shown(folders: Sequence[Path], split: str, px: int) -> tuple[Joined, list[dict[str, Any]], list[int]]:
    """(pictures, what is said of each, seeds) of that part of the sets. Raises Missing, Refused."""
    from .data import open_set
    parts, looks, seeds = [], [], []
    for folder in folders:
        faces, rows = open_set(folder), rows_of(folder)
        if faces.files[split]:
            shown = faces.portraits(split, px)
            parts.append(shown.pixels)
            looks += [rows[file].get("attributes") or {} for file in shown.files]
            seeds += [rows[file]["seed"] for file in shown.files if rows[file].get("seed") is not None]
    return Joined(parts or [np.zeros((0, 3, px, px), np.uint8)]), looks, seeds


def _report(out: Path, pictures: np.ndarray, looks: Sequence[Attributes]) -> None:
    """How well what was written reads pictures that it didn't learn from; into its config.json, too."""
    net = Encoder.from_pretrained(out)
    right = accuracy(net, pictures, looks)
    net.about["accuracy"] = {name: round(value, 4) for name, value in right.items()}
    net.save_pretrained(out)
    width = max(map(len, right))
    print(f"read right, of {len(looks)} held-out pictures:")
    print("\n".join(f"  {name:<{width}}  {value:.3f}" for name, value in right.items()), flush=True)


if __name__ == "__main__":
    sys.exit(main())
