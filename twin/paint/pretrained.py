"""A model as a folder: config.json and model.safetensors. Owns the reading and writing of the face generators' folders and says plainly what is wrong with one.

Never a pickle: unpickling runs whatever a stranger put into the file. Nothing is allocated before names and shapes are known to fit, so that a folder can't
ask for more memory than its own file is long.
"""
from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from twin.errors import Missing, Refused

if TYPE_CHECKING:
    import torch
    from torch import Tensor

CONFIG, WEIGHTS = "config.json", "model.safetensors"
Net = TypeVar("Net", bound="torch.nn.Module")
PICKLES = (".bin", ".pt", ".pth", ".ckpt", ".pkl", ".pickle")


def write(folder: Path, architecture: str, config: Mapping[str, Any], tensors: Mapping[str, Tensor], dtype: torch.dtype | None = None) -> None:
    """Write the folder; `dtype` is how numbers lie on the disk (torch.float16 halves them), else as they are. Raises OSError."""
    from safetensors.torch import save_file
    folder.mkdir(parents=True, exist_ok=True)
    held = {name: value.detach().to("cpu", dtype if value.is_floating_point() else None).contiguous().clone() for name, value in tensors.items()}
    half = folder / (WEIGHTS + ".half")
    try:
        save_file(held, half, metadata={"format": "pt"})
        half.replace(folder / WEIGHTS)
    finally:
        half.unlink(missing_ok=True)
    (folder / CONFIG).write_text(json.dumps({"architecture": architecture, **config}, indent=2, ensure_ascii=False), encoding="utf-8")


def read(folder: Path, architecture: str) -> tuple[dict[str, Any], dict[str, Tensor]]:
    """(config, tensors as float32). Raises Missing and Refused, each naming the file."""
    from safetensors import SafetensorError
    from safetensors.torch import load_file
    folder = Path(folder)
    if not folder.is_dir():
        raise Missing(f"There is no folder {folder}.", "Name the folder of a model: it holds config.json and model.safetensors.")
    pickled = sorted(path.name for path in folder.iterdir() if path.suffix in PICKLES)
    if pickled and not (folder / WEIGHTS).is_file():
        raise Refused(f"{folder / pickled[0]} is a pickle: opening one runs whatever it holds.", "Ask for the same weights as model.safetensors.")
    for name in (CONFIG, WEIGHTS):
        if not (folder / name).is_file():
            raise Missing(f"There is no {name} in {folder}.", "Copy the whole folder again: config.json and model.safetensors.")
    try:
        config = json.loads((folder / CONFIG).read_text("utf-8"))
    except ValueError as error:
        raise Refused(f"{folder / CONFIG} is damaged.", "Copy the folder again.") from error
    found = config.get("architecture") or config.get("_class_name") if isinstance(config, dict) else None
    if found != architecture:
        raise Refused(f"{folder / CONFIG} is of {found or 'no known architecture'}, not of {architecture}.", "Name another folder.")
    try:
        tensors = load_file(folder / WEIGHTS)
    except (SafetensorError, OSError) as error:
        raise Refused(f"{folder / WEIGHTS} is damaged: {error}", "Copy the folder again.") from error
    return config, {name: value.float() if value.is_floating_point() else value for name, value in tensors.items()}


def fill(module: Net, tensors: Mapping[str, Tensor], path: Path) -> Net:
    """Put `tensors` into a module that was built on the meta device: no memory but theirs. Raises Refused where names or shapes are others."""
    wanted = module.state_dict()
    for name, value in wanted.items():
        if name not in tensors:
            raise Refused(f"{path} has no {name}.", "Its config.json belongs to other weights: copy the folder again.")
        if tensors[name].shape != value.shape:
            raise Refused(f"In {path}, {name} is {list(tensors[name].shape)} where config.json means {list(value.shape)}.", "Copy the folder again.")
    if extra := sorted(set(tensors) - set(wanted)):
        raise Refused(f"{path} has {extra[0]}, which config.json knows nothing of.", "Its config.json belongs to other weights: copy the folder again.")
    module.load_state_dict(dict(tensors), assign=True)
    module.eval()
    return module


def laid(net: Net, device: Any = None) -> Net:
    """The same network on a device, weights with channels last: how CPUs and tensor cores like convolutions."""
    import torch
    moved: Any = net                                     # torch's own types don't know of memory_format
    return moved.to(device=device, memory_format=torch.channels_last)
