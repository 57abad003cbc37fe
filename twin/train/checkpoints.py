"""Checkpoints of a training, OUT/at-STEP/: safetensors and JSON, never a pickle; whole or not there at all."""
from __future__ import annotations

import errno
import json
import os
import shutil
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load, save_file
from torch import Tensor

from twin.errors import Missing

from .transformer import Size, Talker

PIECE = 15 << 20                                         # bytes of a piece, where pieces are asked for
KEPT = 2                                                 # checkpoints


@dataclass
class State:
    """Where a training stands; with the weights and the optimiser's moments, all that going on needs."""
    step: int = 0
    seconds: float = 0.0                                 # spent in steps
    round: int = 0                                       # rounds of exchanges done
    batch: int = 0                                       # batches done of the one that has begun
    share: float = 0.0                                   # of the training that was done when it began: says how hard it is


def keep(out: Path, net: Talker, optimiser: torch.optim.Optimizer, state: State, pieces: bool = False) -> Path:
    """The talker's checkpoint. Raises OSError."""
    return write(out, state.step, {"model": net.state_dict(), "moments": moments(optimiser)},
                 {"config": net.size.config(), "size": asdict(net.size), "state": asdict(state)}, pieces)


def write(out: Path, step: int, tensors: Mapping[str, Mapping[str, Tensor]], about: Mapping[str, Any], pieces: bool = False) -> Path:
    """Write at-STEP/ beside, rename it when every byte is on the disk, then let go of the older ones. Tensors as float32 NAME.safetensors, `about` as
    NAME.json; `state` among it makes it whole. Raises OSError, and then nothing of it is left and the older ones are as they were."""
    target = out / f"at-{step:08d}"
    work = target.with_suffix(".half")
    for left in out.glob("at-*.half"):                   # of a training that was killed while it wrote
        shutil.rmtree(left, ignore_errors=True)
    work.mkdir(parents=True)
    try:
        for name, held in tensors.items():
            save_file({key: value.detach().float().cpu().contiguous() for key, value in held.items()}, work / f"{name}.safetensors", metadata={"format": "pt"})
        for name, told in about.items():
            (work / f"{name}.json").write_text(json.dumps(told, indent=2), encoding="utf-8")
        if pieces:
            for path in list(work.glob("*.safetensors")):
                split(path)
        for path in (*work.iterdir(), work):
            held_open = os.open(path, os.O_RDONLY)
            os.fsync(held_open)
            os.close(held_open)
    except (OSError, SafetensorError) as error:          # safetensors has its own word for a full disk
        shutil.rmtree(work, ignore_errors=True)
        if isinstance(error, SafetensorError):
            raise OSError(errno.ENOSPC if "os error 28" in str(error) else errno.EIO, str(error)) from error
        raise
    shutil.rmtree(target, ignore_errors=True)
    os.replace(work, target)
    for older in whole(out)[:-KEPT]:
        shutil.rmtree(older, ignore_errors=True)
    return target


def moments(optimiser: torch.optim.Optimizer) -> dict[str, Tensor]:
    """What an optimiser remembers, by the number of the weight."""
    return {f"{n}.{name}": value for n, own in optimiser.state_dict()["state"].items() for name, value in own.items()}


def remember(optimiser: torch.optim.Optimizer, held: Mapping[str, Tensor]) -> None:
    """The reverse of moments()."""
    found: dict[int, dict[str, Tensor]] = {}
    for name, value in held.items():
        number, _, kind = name.partition(".")
        found.setdefault(int(number), {})[kind] = value
    optimiser.load_state_dict({"state": found, "param_groups": optimiser.state_dict()["param_groups"]})


def whole(out: Path) -> list[Path]:
    """The checkpoints, oldest first. A half one was never renamed."""
    return [path for path in sorted(out.glob("at-*")) if path.suffix != ".half" and (path / "state.json").is_file()]


def newest(out: Path) -> Path | None:
    return next(reversed(whole(out)), None)


def restored(at: Path, net: Talker, optimiser: torch.optim.Optimizer) -> State:
    """Weights and moments are put back. Raises Missing."""
    net.load_state_dict(read(at / "model.safetensors"))
    remember(optimiser, read(at / "moments.safetensors"))
    return State(**json.loads((at / "state.json").read_text("utf-8")))


def loaded(at: Path) -> Talker:
    """The model of a checkpoint. Raises Missing."""
    if not (at / "size.json").is_file():
        raise Missing(f"There is no size.json in {at}.", "Name the folder of a checkpoint.")
    net = Talker(Size(**json.loads((at / "size.json").read_text("utf-8"))))
    net.load_state_dict(read(at / "model.safetensors"))
    return net.eval()


def export(out: Path, target: Path, bits: int = 8) -> None:
    """The newest checkpoint of `out` as twin/think/talker.py runs it: model.onnx with weights in blocks of 8 bits, and the tokeniser. Raises Missing."""
    from twin.think import graph
    at = newest(out)
    if at is None:
        raise Missing(f"There is no checkpoint in {out}.", "Train first.")
    net = loaded(at)
    held = {name: value.numpy() for name, value in net.state_dict().items()}
    weights = {name: value if value.ndim == 1 else graph.quantise(value, 8 if "embed" in name else bits) for name, value in held.items()}
    graph.save(weights, net.size.config(), target)
    for name in ("tokenizer.json", "tokenizer_config.json"):
        shutil.copy(out / name, target / name)


# Pieces.

def split(path: Path, most: int = PIECE) -> None:
    """A file as NAME.00, NAME.01 ... of `most` bytes at most; a smaller one stays as it is."""
    if path.stat().st_size <= most:
        return
    with path.open("rb") as file:
        for number, data in enumerate(iter(lambda: file.read(most), b"")):
            path.with_name(f"{path.name}.{number:02d}").write_bytes(data)
    path.unlink()


def read(path: Path) -> dict[str, Tensor]:
    """A safetensors file, also one in pieces. Raises Missing."""
    parts = [path] if path.is_file() else sorted(path.parent.glob(path.name + ".*"))
    if not parts:
        raise Missing(f"There is no {path.name} in {path.parent}.", "Name another checkpoint, or begin anew.")
    found: dict[str, Tensor] = load(b"".join(part.read_bytes() for part in parts))
    return found
