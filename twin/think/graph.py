"""A Llama as an ONNX graph for onnxruntime's CPU kernels, with block-quantised weights kept exactly as they were stored.

onnxruntime's MatMulNBits has fast kernels for w = d (q - 8) only. Blocks of w = d q + m are put into it without loss by

  x W = x [d (q - 8)] + s(x) [m + 8 d]        s(x) = the sum of each 32 inputs

where the second product is a 32nd of the size of the first, in fp32. The embedding (8 bit) is shared by both ends. Operators:
github.com/microsoft/onnxruntime/blob/main/docs/ContribOperators.md (GroupQueryAttention, MatMulNBits, GatherBlockQuantized).
"""
from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

BLOCK = 32
CONTRIB = "com.microsoft"
OPSETS = [helper.make_opsetid("", 21), helper.make_opsetid(CONTRIB, 1)]
POSITIONS = 4096                                         # rows of the rotary tables: the longest conversation in tokens


@dataclass(frozen=True)
class Blocks:
    """A weight matrix (outputs x inputs) in blocks of 32 inputs: w = scale q + low."""
    q: np.ndarray                                        # uint8 (outputs, inputs / 32, 32)
    scale: np.ndarray                                    # float32 (outputs, inputs / 32)
    low: np.ndarray                                      # float32 (outputs, inputs / 32)
    bits: int                                            # 4 or 8; with 8 low must be -128 scale

    def rows(self, order: np.ndarray) -> Blocks:
        return Blocks(self.q[order], self.scale[order], self.low[order], self.bits)

    def dense(self) -> np.ndarray:
        """float32 (outputs, inputs)."""
        full = self.q.astype(np.float32)
        full *= self.scale[..., None]
        full += self.low[..., None]
        return full.reshape(len(full), -1)


def quantise(dense: np.ndarray, bits: int) -> Blocks:
    """Round float32 (outputs, inputs) to blocks: 4 bits by the least and the largest of each (Q4_1), 8 by the largest (Q8_0)."""
    value = dense.astype(np.float32).reshape(len(dense), -1, BLOCK)
    if bits == 4:
        low = value.min(-1)
        scale = (value.max(-1) - low) / 15
    else:
        scale = np.abs(value).max(-1) / 127
        low = -128 * scale
    safe = np.where(scale > 0, scale, 1)
    q = np.rint((value - low[..., None]) / safe[..., None])
    return Blocks(np.clip(q, 0, 2 ** bits - 1).astype(np.uint8), scale, low, bits)


def save(weights: dict[str, Blocks | np.ndarray], config: dict, folder: Path) -> None:
    """Write model.onnx and model.onnx.data. `weights` and `config` by transformers' names for a Llama with tied embeddings.

    Inputs: input_ids int64 (1, s), seqlens_k int32 (1,) = tokens in all - 1, total int32 () = tokens in all,
    past.N.key and past.N.value float32 (1, kv heads, room, head size): buffers that the present ones may share.
    Outputs: logits float32 (1, 1, vocabulary) of the last token, present.N.key, present.N.value.
    """
    folder.mkdir(parents=True, exist_ok=True)
    model = Llama(weights, config).model()
    path = folder / "model.onnx"
    (folder / "model.onnx.data").unlink(missing_ok=True)
    rows = min(POSITIONS, config["max_position_embeddings"])
    (folder / "config.json").write_text(json.dumps({**config, "max_position_embeddings": rows}, indent=2))
    onnx.save(model, str(path), save_as_external_data=True, location="model.onnx.data", size_threshold=1024)


def branches(path: Path) -> bytes:
    """The graph in a model.onnx with a low-rank branch beside each product of its layers: y + (x A) B. The weights are not in it; they lie where they lay.

    More inputs, for layer N and PART of qkv, o, gate, up, down: N.PART.a float32 (inputs, rank) and N.PART.b float32 (rank, outputs). q, k and v are one
    product here, so their A stand beside each other and their B lie block by block.
    """
    model = onnx.load(str(path), load_external_data=False)
    graph, nodes = model.graph, list(model.graph.node)
    into = {name: node for node in nodes for name in node.input}
    del graph.node[:]
    shapes = {tensor.name: tuple(tensor.dims) for tensor in graph.initializer}
    for node in nodes:
        graph.node.append(node)
        parts = node.input[1].split(".") if node.op_type == "MatMulNBits" else []
        if parts[:2] != ["model", "layers"]:
            continue
        at = f"{parts[2]}.{parts[4]}"
        outputs, inputs = shapes[node.input[1]][0], shapes[node.input[1]][1] * BLOCK
        graph.input.extend([helper.make_tensor_value_info(at + ".a", TensorProto.FLOAT, [inputs, f"{parts[4]}.r"]),
                            helper.make_tensor_value_info(at + ".b", TensorProto.FLOAT, [f"{parts[4]}.r", outputs])])
        low, both, main = f"{at}.low", f"{at}.both", node.output[0]
        graph.node.extend([helper.make_node("MatMul", [node.input[0], at + ".a"], [low]), helper.make_node("MatMul", [low, at + ".b"], [low + ".b"]),
                           helper.make_node("Add", [main, low + ".b"], [both])])
        into[main].input[:] = [both if name == main else name for name in into[main].input]
    return bytes(model.SerializeToString())


class Graph:
    """A graph that is put together node by node."""

    def __init__(self) -> None:
        self.nodes: list[onnx.NodeProto] = []
        self.held: dict[str, onnx.TensorProto] = {}

    def hold(self, name: str, value: np.ndarray) -> str:
        """A constant, once -> its name."""
        if name not in self.held:
            self.held[name] = numpy_helper.from_array(np.ascontiguousarray(value), name)
        return name

    def op(self, kind: str, inputs: list[str], outputs: list[str] | str = "", domain: str = "", **attributes) -> str:
        """A node -> its first output, named where `outputs` says nothing."""
        named = [outputs or f"{kind}.{len(self.nodes)}"] if isinstance(outputs, str) else outputs
        self.nodes.append(helper.make_node(kind, inputs, named, domain=domain, **attributes))
        return named[0]

    def save(self, path: Path, inputs: dict[str, tuple[int | str, ...]], outputs: dict[str, tuple[int | str, ...]], **types: type) -> None:
        """Name -> shape of what goes in and comes out; float32 where `types` says nothing else."""
        kinds = {name: helper.np_dtype_to_tensor_dtype(np.dtype(types.get(name, np.float32))) for name in (*inputs, *outputs)}
        put, got = ([helper.make_tensor_value_info(name, kinds[name], shape) for name, shape in side.items()] for side in (inputs, outputs))
        graph = helper.make_graph(self.nodes, path.stem, put, got, list(self.held.values()))
        onnx.save(helper.make_model(graph, opset_imports=OPSETS, ir_version=10), str(path))


class Llama(Graph):
    def __init__(self, weights: dict[str, Blocks | np.ndarray], config: dict):
        super().__init__()
        self.config = config
        self.blocks = {name: weight for name, weight in weights.items() if isinstance(weight, Blocks)}
        self.norms = {name: weight for name, weight in weights.items() if not isinstance(weight, Blocks)}
        self.hidden, self.layers = config["hidden_size"], config["num_hidden_layers"]
        self.heads, self.kv_heads = config["num_attention_heads"], config["num_key_value_heads"]
        self.head = config.get("head_dim") or self.hidden // self.heads
        self.epsilon = config["rms_norm_eps"]
        self.bits = self.blocks["model.layers.0.self_attn.q_proj.weight"].bits

    def model(self) -> onnx.ModelProto:
        value = helper.make_tensor_value_info
        inputs = [value("input_ids", TensorProto.INT64, [1, "s"]), value("seqlens_k", TensorProto.INT32, [1]),
                  value("total", TensorProto.INT32, [])]
        outputs = [value("logits", TensorProto.FLOAT, [1, 1, self.config["vocab_size"]])]
        for layer in range(self.layers):
            for part in ("key", "value"):
                shape = [1, self.kv_heads, "room", self.head]
                inputs.append(value(f"past.{layer}.{part}", TensorProto.FLOAT, shape))
                outputs.append(value(f"present.{layer}.{part}", TensorProto.FLOAT, shape))
        self.body()
        graph = helper.make_graph(self.nodes, "llama", inputs, outputs, list(self.held.values()))
        return helper.make_model(graph, opset_imports=OPSETS, ir_version=10)

    def body(self) -> None:
        self.rotary()
        x = self.embed()
        y = self.op("SimplifiedLayerNormalization", [x, self.norm("model.layers.0.input_layernorm")], axis=-1, stash_type=1,
                    epsilon=self.epsilon)
        for layer in range(self.layers):                                                       # y is the norm of x, (1, s, hidden)
            at = f"model.layers.{layer}."
            x, y = self.add(x, self.attention(y, layer), at + "post_attention_layernorm", f"middle.{layer}")
            last = layer + 1 == self.layers
            x, y = self.add(x, self.mlp(y, layer), "model.norm" if last else f"model.layers.{layer + 1}.input_layernorm", f"end.{layer}")
        y = self.op("Gather", [y, self.hold("last", np.array([-1], np.int64))], axis=1)        # (1, 1, hidden)
        self.op("MatMulNBits", [y, "embedding.q", "embedding.scale"], ["logits"], domain=CONTRIB, K=self.hidden,
                N=self.config["vocab_size"], bits=8, block_size=BLOCK, accuracy_level=4)

    def attention(self, y: str, layer: int) -> str:
        at = f"model.layers.{layer}.self_attn."
        q, k, v = (self.blocks[f"{at}{part}_proj.weight"] for part in "qkv")
        joined = Blocks(np.concatenate([q.q, k.q, v.q]), np.concatenate([q.scale, k.scale, v.scale]), np.concatenate([q.low, k.low, v.low]),
                        q.bits)
        qkv = self.linear(y, self.sums(y, self.hidden), at + "qkv", joined)
        past = [f"past.{layer}.key", f"past.{layer}.value"]
        out = self.op("GroupQueryAttention", [qkv, "", "", *past, "seqlens_k", "total", "cos", "sin"],
                      [at + "mixed", f"present.{layer}.key", f"present.{layer}.value"], domain=CONTRIB, num_heads=self.heads,
                      kv_num_heads=self.kv_heads, scale=self.head ** -0.5, do_rotary=1, rotary_interleaved=0)
        return self.linear(out, self.sums(out, self.heads * self.head), at + "o", self.blocks[at + "o_proj.weight"])

    def mlp(self, y: str, layer: int) -> str:
        at = f"model.layers.{layer}.mlp."
        sums = self.sums(y, self.hidden)
        gate, up = (self.linear(y, sums, at + part, self.blocks[f"{at}{part}_proj.weight"]) for part in ("gate", "up"))
        inner = self.op("Mul", [self.op("QuickGelu", [gate], domain=CONTRIB, alpha=1.0), up])  # QuickGelu with alpha 1 is SiLU
        return self.linear(inner, self.sums(inner, self.config["intermediate_size"]), at + "down", self.blocks[at + "down_proj.weight"])

    def linear(self, x: str, sums: str, name: str, weight: Blocks) -> str:
        """x W of blocks: (1, s, inputs) -> (1, s, outputs). `sums`: of x, which blocks of 8 bits don't need: their low is -128 scale."""
        outputs, count, _ = weight.q.shape
        if weight.bits == 8:
            return self.op("MatMulNBits", [x, self.hold(name + ".q", weight.q), self.hold(name + ".scale", weight.scale)], domain=CONTRIB,
                           K=count * BLOCK, N=outputs, bits=8, block_size=BLOCK, accuracy_level=4)
        packed = weight.q[..., 0::2] | weight.q[..., 1::2] << 4                                # uint8 (outputs, blocks, 16)
        main = self.op("MatMulNBits", [x, self.hold(name + ".q", packed), self.hold(name + ".scale", weight.scale)], domain=CONTRIB,
                       K=count * BLOCK, N=outputs, bits=4, block_size=BLOCK, accuracy_level=4)
        rest = self.hold(name + ".low", (weight.low + 8 * weight.scale).T)                     # (blocks, outputs)
        return self.op("Add", [main, self.op("MatMul", [sums, rest])])

    def sums(self, x: str, inputs: int) -> str:
        """(1, s, inputs) -> (1, s, inputs / 32), or "" where nothing needs it."""
        if self.bits == 8:
            return ""
        shape = self.hold(f"blocks.{inputs}", np.array([1, -1, inputs // BLOCK, BLOCK], np.int64))
        return self.op("ReduceSum", [self.op("Reshape", [x, shape]), self.hold("axis", np.array([-1], np.int64))], keepdims=0)

    def add(self, x: str, y: str, norm: str, name: str) -> tuple[str, str]:
        """x + y and its norm."""
        self.op("SkipSimplifiedLayerNormalization", [x, y, self.norm(norm)], [name + ".norm", "", "", name], domain=CONTRIB,
                epsilon=self.epsilon)
        return name, name + ".norm"

    def embed(self) -> str:
        table = self.blocks["model.embed_tokens.weight"]
        self.hold("embedding.q", table.q)
        self.hold("embedding.scale", table.scale)
        shape = self.hold("embedding.shape", np.array([self.config["vocab_size"], self.hidden], np.int64))
        flat = self.op("Reshape", ["embedding.q", shape])
        return self.op("GatherBlockQuantized", [flat, "input_ids", "embedding.scale"], domain=CONTRIB, bits=8, block_size=BLOCK,
                       gather_axis=0, quantize_axis=1)

    def rotary(self) -> None:
        """The tables of rotary position embeddings, arxiv.org/abs/2104.09864: (positions, head size / 2)."""
        speed = self.config["rope_theta"] ** -(np.arange(0, self.head, 2) / self.head)
        angle = np.outer(np.arange(min(POSITIONS, self.config["max_position_embeddings"])), speed)
        self.hold("cos", np.cos(angle).astype(np.float32))
        self.hold("sin", np.sin(angle).astype(np.float32))

    def norm(self, name: str) -> str:
        return self.hold(name, self.norms[name + ".weight"])
