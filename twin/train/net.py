"""The network of twin/speak/network.py while it learns: the same layers in torch, with a code for the reader added to each.

The prior knows many readers and what the embedded voice's sounds become in their mouths; a code of CODE numbers says who speaks. To learn a
voice, the code is found first and then everything moves a little. Afterwards code and scales are folded into the layers.
"""
from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch.nn.functional import silu

from twin.errors import Missing
from twin.speak.network import INPUTS, OUTPUTS

HIDDEN, CODE = 256, 32
WEIGHTS = Path(__file__).resolve().parents[2] / "assets" / "weights" / "timbre.safetensors"


class Net(torch.nn.Module):
    """[n, INPUTS] and codes [n or 1, CODE], both as they are -> [n, OUTPUTS] in the outputs' own units."""

    input_mean: torch.Tensor
    input_scale: torch.Tensor
    output_mean: torch.Tensor
    output_scale: torch.Tensor
    layers: Any
    who: Any

    def __init__(self, readers: int = 1, dropout: float = 0.1):
        super().__init__()
        self.layers = torch.nn.ModuleList([torch.nn.Linear(INPUTS, HIDDEN), torch.nn.Linear(HIDDEN, HIDDEN), torch.nn.Linear(HIDDEN, OUTPUTS)])
        self.who = torch.nn.ModuleList([torch.nn.Linear(CODE, n, bias=False) for n in (HIDDEN, HIDDEN, OUTPUTS)])
        self.codes = torch.nn.Embedding(readers, CODE)
        torch.nn.init.normal_(self.codes.weight, 0, 0.3)
        self.drop = torch.nn.Dropout(dropout)
        for name, size in (("input_mean", INPUTS), ("input_scale", INPUTS), ("output_mean", OUTPUTS), ("output_scale", OUTPUTS)):
            self.register_buffer(name, torch.zeros(size) if "mean" in name else torch.ones(size))

    def scaled(self, inputs: torch.Tensor, code: torch.Tensor) -> torch.Tensor:
        """Outputs with mean 0 and deviation 1 over the prior's readers."""
        value = (inputs - self.input_mean) / self.input_scale
        for index, (layer, who) in enumerate(zip(self.layers, self.who, strict=True)):
            value = layer(value) + who(code)
            if index < 2:
                value = self.drop(silu(value))
        return value

    def forward(self, inputs: torch.Tensor, code: torch.Tensor) -> torch.Tensor:
        return self.scaled(inputs, code) * self.output_scale + self.output_mean

    def target(self, outputs: torch.Tensor) -> torch.Tensor:
        return (outputs - self.output_mean) / self.output_scale

    @torch.no_grad()
    def folded(self, code: torch.Tensor) -> list[tuple[np.ndarray, np.ndarray]]:
        """The layers as network.Timbre has them, for one reader."""
        out = []
        for index, (layer, who) in enumerate(zip(self.layers, self.who, strict=True)):
            weights, bias = layer.weight.T.double(), (layer.bias + who(code.reshape(1, -1))[0]).double()
            if index == 0:
                weights = weights / self.input_scale.double()[:, None]
                bias = bias - self.input_mean.double() @ weights
            if index == 2:
                weights, bias = weights * self.output_scale.double(), bias * self.output_scale.double() + self.output_mean.double()
            out.append((weights.float().numpy(), bias.float().numpy()))
        return out


def prior(path: Path = WEIGHTS) -> Net:
    """The many-reader network; `codes` holds its readers'. Raises Missing."""
    from safetensors.torch import load_file
    if not path.is_file():
        raise Missing(f"The weights {path.name} are not there.", "Take the repository's assets/weights back.")
    state = {name: value.float() for name, value in load_file(path).items()}
    net = Net(len(state["codes.weight"]))
    net.load_state_dict(state)
    return net
