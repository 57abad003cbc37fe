"""A question reads a fact: how well each of some facts answers it, by a cross-encoder of one direction.

The lower layers of the sentence model (twin/think/embed.py) see question and fact apart, as it was made. In its upper layers, changed by what was learned
(assets/weights/cross.safetensors: low-rank changes, arxiv.org/abs/2106.09685), the question's tokens attend to themselves and to the tokens of one
fact (arxiv.org/abs/1901.04085 reads both ways). A fact never looks at a question: its keys and values are made once, and a question costs only its own tokens,
a fact at a time. Trained by twin/train/cross.py. English; Chinese by the English of its words (persona/gloss.py), and behind a line break by its
characters, whose states were learned beside: each of its own and its neighbours' (a convolution), and of where it stands.
"""
from __future__ import annotations

import hashlib
import os
import re
import tempfile
from collections import OrderedDict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from twin.think import embed

if TYPE_CHECKING:
    from twin.think.embed import Embedder

FILE = Path(__file__).parents[2] / "assets" / "weights" / "cross.safetensors"
WIDE, HEADS, LAYERS, LOW = embed.HIDDEN, embed.HEADS, embed.LAYERS, embed.LOW
UPPER = LAYERS - LOW
HEAD = WIDE // HEADS
MOST, FACT = 56, 40                                      # tokens that are read of a question with what was said before it, of a fact
CHARACTERS, BEFORE = 32, 16                              # characters that are read of a text, of what was said before it
_CHARACTER = re.compile("[\u3400-\u9fff]")
KEPT = 256                                               # facts whose keys and values are kept: some 130 kB each


def there() -> bool:
    return FILE.is_file()


@lru_cache(maxsize=1)
def learned() -> dict[str, np.ndarray]:
    from safetensors.numpy import load_file
    return {name: value.astype(np.float32) for name, value in load_file(FILE).items()}


@lru_cache(maxsize=1)
def numbers() -> dict[str, int]:
    """character -> its row; 0 stands for all others."""
    return {chr(code): n for n, code in enumerate(learned()["characters.codes"].astype(int).tolist(), 1)} if "characters.codes" in learned() else {}


def placed(text: str, before: str = "", known: Mapping[str, int] | None = None) -> tuple[np.ndarray, np.ndarray]:
    """(rows of the characters and of their neighbours (n, 3), where each stands (n,)): of what was said before the end, of the text the beginning."""
    known = numbers() if known is None else known
    if not known:                                        # none were learned
        text = before = ""
    found: list[np.ndarray] = []
    where: list[np.ndarray] = []
    for part, first in ((_CHARACTER.findall(before)[-BEFORE:], True), (_CHARACTER.findall(text)[:CHARACTERS], False)):
        rows = np.array([0, *(known.get(one, 0) for one in part), 0], np.int64)
        found.append(np.stack([rows[:-2], rows[1:-1], rows[2:]], 1))
        where.append(np.arange(BEFORE - len(part), BEFORE) if first else np.arange(BEFORE, BEFORE + len(part)))
    return np.concatenate(found), np.concatenate(where)


def parted(text: str) -> tuple[str, str]:
    """A text as it is handed in -> (English, characters)."""
    english, _, own = text.partition("\n")
    return english, own


@dataclass(frozen=True)
class Told:
    """Of one fact: for each upper layer keys and values (HEADS, tokens, HEAD), and the mean of its states (WIDE,)."""
    keys: tuple[np.ndarray, ...]
    values: tuple[np.ndarray, ...]
    mean: np.ndarray


class CrossEncoder:
    """Errors: Missing where the wheel of the sentence model is not installed, OSError where nothing was learned."""

    def __init__(self, embedder: Embedder, threads: int = 1):
        import onnxruntime

        self.embedder, self._told, self._own = embedder, OrderedDict[str, Told](), learned()
        options = onnxruntime.SessionOptions()
        options.log_severity_level = 3
        options.intra_op_num_threads = threads
        self.session = onnxruntime.InferenceSession(make(), options, providers=["CPUExecutionProvider"])
        self._characters = {name.removeprefix("characters."): value for name, value in self._own.items() if name.startswith("characters.")}
        self._nothing = [np.zeros((1, HEADS, 0, HEAD), np.float32)] * (2 * UPPER)

    def read(self, question: str, facts: Sequence[str], before: str = "") -> np.ndarray:
        """float32 (facts + 1,): how well each fact answers, and how well it is said that none does, as logits. `before`: what was said just before."""
        told, own = [self._fact(fact) for fact in facts], self._own
        x = self._states(question, before, MOST)
        alone = self._run(x, self._nothing, np.zeros((1, 0), np.float32))[0][0]
        means = np.stack([one.mean for one in told])
        most, count = max(len(one.keys[0][0]) for one in told), len(told)
        bias = np.full((count, most), -1e9, np.float32)
        held = [np.zeros((count, HEADS, most, HEAD), np.float32) for _ in range(2 * UPPER)]
        for n, one in enumerate(told):
            size = len(one.keys[0][0])
            bias[n, :size] = 0
            for at, part in enumerate((*one.keys, *one.values)):
                held[at][n, :, :size] = part
        deep = self._run(np.repeat(x, count, 0), held, bias, np.concatenate([alone * means, np.abs(alone - means)], 1))[1][:, 0]
        near = means @ alone / (np.linalg.norm(means, axis=1) * np.linalg.norm(alone))
        none = own["null.weight"][0] @ alone + own["null.bias"][0]
        return np.append(own["near"] * (near - own["base"]) + 4 * deep, none).astype(np.float32)

    def _states(self, text: str, before: str, most: int) -> np.ndarray:
        """(1, tokens and characters, WIDE)"""
        (english, own), (last, ago) = parted(text), parted(before)
        x = self.embedder.states(english or "-", last)[:, :most]
        rows, where = placed(own, ago)
        if not len(rows):
            return x
        held = self._characters
        y = held["rows"][rows].reshape(len(rows), -1) @ held["mix.weight"].T + held["mix.bias"] + held["places"][where]
        y = (y - y.mean(1, keepdims=True)) / np.sqrt(y.var(1, keepdims=True) + embed.EPSILON) * held["norm.weight"] + held["norm.bias"]
        return np.concatenate([x, y[None].astype(np.float32)], 1)

    def _fact(self, fact: str) -> Told:
        """Its keys and values, made once; what was not read for the longest time is let go of."""
        found = self._told.pop(fact, None)
        if found is None:
            mean, _, *parts = self._run(self._states(fact, "", FACT), self._nothing, np.zeros((1, 0), np.float32))
            found = Told(tuple(part[0] for part in parts[:UPPER]), tuple(part[0] for part in parts[UPPER:]), mean[0])
        self._told[fact] = found
        if len(self._told) > KEPT:
            self._told.popitem(last=False)
        return found

    def _run(self, x: np.ndarray, held: list[np.ndarray], bias: np.ndarray, beside: np.ndarray | None = None) -> list[np.ndarray]:
        """[mean of the states, what the head makes of it, keys of each layer, values of each layer]"""
        names = [f"{part}{n}" for part in ("key", "value") for n in range(UPPER)]
        beside = np.zeros((len(x), 2 * WIDE), np.float32) if beside is None else beside
        return self.session.run(None, {"x": x, "bias": bias[:, None, None, :], "beside": beside, **dict(zip(names, held, strict=True))})


def make() -> Path:
    """The graph of what was learned, in the sentence model's folder; written where it isn't there, all at once by a rename."""
    name = hashlib.sha256(FILE.read_bytes()).hexdigest()[:12]
    path = embed.make() / f"cross-{name}.onnx"
    if not path.is_file():
        with tempfile.TemporaryDirectory(prefix="cross-", dir=path.parent) as work:
            write(embed.find(), Path(work) / path.name)
            os.replace(Path(work) / path.name, path)
        for older in set(path.parent.glob("cross-*.onnx")) - {path}:
            older.unlink(missing_ok=True)
    return path


def write(source: Path, path: Path) -> None:
    """The upper layers as an ONNX graph: x float32 (b, t, WIDE); of each layer keyN, valueN (b, HEADS, u, HEAD) of what is read, bias (b, 1, 1, u), and
    beside (b, 2 WIDE) for the head -> mean (b, WIDE), deep (b, 1), and of each layer own_keyN, own_valueN (b, HEADS, t, HEAD), as another reads them."""
    from safetensors.numpy import load_file

    from twin.think.graph import Graph

    weights, own, graph = load_file(source / "model.safetensors"), learned(), Graph()
    hold, op = graph.hold, graph.op

    def matrix(layer: int, name: str, part: str) -> tuple[np.ndarray, np.ndarray]:
        at = f"encoder.layer.{layer}.{name}"
        return weights[at + ".weight"] + own[f"layers.{layer}.{part}.c"] @ own[f"layers.{layer}.{part}.a"], weights[at + ".bias"]

    def linear(x: str, layer: int, name: str, part: str) -> str:
        weight, bias = matrix(layer, name, part)
        return op("Add", [op("MatMul", [x, hold(f"{layer}.{part}.w", weight.T)]), hold(f"{layer}.{part}.b", bias)])

    def norm(x: str, layer: int, part: str) -> str:
        scale, bias = (hold(f"{layer}.{part}.{kind}", own[f"layers.{layer}.{part}.{kind}"]) for kind in ("weight", "bias"))
        return op("LayerNormalization", [x, scale, bias], axis=-1, epsilon=embed.EPSILON)

    heads = hold("heads", np.array([0, 0, HEADS, HEAD], np.int64))
    flat = hold("flat", np.array([0, 0, WIDE], np.int64))
    scale = hold("scale", np.array(HEAD ** -0.5, np.float32))
    hold("one", np.array([1], np.int64))
    rows, tokens = (op("Shape", ["x"], start=at, end=at + 1) for at in (0, 1))
    clear = op("Expand", [hold("clear", np.zeros((1, 1, 1, 1), np.float32)), op("Concat", [rows, "one", "one", tokens], axis=0)])
    bias = op("Concat", [clear, "bias"], axis=-1)
    x = "x"

    def split(x: str) -> str:
        return op("Transpose", [op("Reshape", [x, heads])], perm=[0, 2, 1, 3])

    for n, layer in enumerate(range(LOW, LAYERS)):
        q, k, v = (linear(x, layer, f"attention.self.{kind}", kind[0]) for kind in ("query", "key", "value"))
        for kind, mine, part in (("key", k, "k"), ("value", v, "v")):
            mark = (own[f"layers.{layer}.mark"] @ matrix(layer, f"attention.self.{kind}", part)[0].T).astype(np.float32)
            op("Identity", [split(op("Add", [mine, hold(f"{layer}.{part}.mark", mark)]))], f"own_{kind}{n}")
        keys, values = op("Concat", [split(k), f"key{n}"], axis=2), op("Concat", [split(v), f"value{n}"], axis=2)
        score = op("Add", [op("Mul", [op("MatMul", [split(q), op("Transpose", [keys], perm=[0, 1, 3, 2])]), scale]), bias])
        mixed = op("Reshape", [op("Transpose", [op("MatMul", [op("Softmax", [score], axis=-1), values])], perm=[0, 2, 1, 3]), flat])
        x = norm(op("Add", [x, linear(mixed, layer, "attention.output.dense", "o")]), layer, "n1")
        inner = op("Gelu", [linear(x, layer, "intermediate.dense", "i")], domain="com.microsoft")
        x = norm(op("Add", [x, linear(inner, layer, "output.dense", "f")]), layer, "n2")
    op("ReduceMean", [x, "one"], "mean", keepdims=0)

    def head(x: str, n: int, output: str = "") -> str:
        return op("Add", [op("MatMul", [x, hold(f"head.{n}.w", own[f"head.{n}.weight"].T)]), hold(f"head.{n}.b", own[f"head.{n}.bias"])], output)

    head(op("Gelu", [head(op("Concat", ["mean", "beside"], axis=-1), 0)], domain="com.microsoft"), 2, "deep")

    each = [f"{part}{n}" for part in ("key", "value") for n in range(UPPER)]
    graph.save(path, {"x": ("b", "t", WIDE), "bias": ("b", 1, 1, "u"), "beside": ("b", 2 * WIDE), **dict.fromkeys(each, ("b", HEADS, "u", HEAD))},
               {"mean": ("b", WIDE), "deep": ("b", 1), **{f"own_{name}": ("b", HEADS, "t", HEAD) for name in each}})
