"""The embedded mind on onnxruntime: SmolLM2-135M with the GGUF's own 4-bit blocks (twin/think/graph.py), on the CPU.

**Why this engine and this graph.** Compared with fp32 on twelve questions to a persona (greedy, teacher-forced on the
fp32 replies) and on a page of prose; speeds with one thread on an AVX2 machine. `python -m bench think` prints the row of this
graph anew; the others came from the model builder of onnxruntime-genai 0.18 (int4, int8) and from variants of the graph.

  weights                          KL to fp32, nats   same next token   perplexity   tokens/s   MB
  fp32                                      0                1            14.61         28      540
  int4, the builder's                       0.304            0.735        22.10         69       86
  int8, the builder's                       0.0036           0.978        14.85         50      267
  the GGUF's blocks, as here                0.0026           0.981        14.60         58      112
  the same, zero point -m/d as a float      -                -            -              4      112   (computed by unpacking all of it)
  the same, activations in fp32             -                -            -             23      112

So the blocks without loss are as good as int8 or better, and as fast as int4 in less than half of int8's room. int4 loses facts.

**Why onnxruntime and not its generator library**, onnxruntime-genai: the speed is the same (both call the same kernels), but its
`snapshot_state` does not copy keys and values and `rewind_to` serves one conversation at a time; here a prefix is shared by all
who talk to the same twin.

**Threads.** Spinning threads wait for a neighbour's time slice. With a load of 8 to 10 on two cores: two spinning threads 16
tokens/s, two that sleep 31, one 33; with a load of 6: 28, 48 and 54 (each the median of five replies of up to 60 tokens, which
ranged from 13 to 55). With both cores free: two spinning 76 to 81, two that sleep 52 to 60, one 52 to 60. So each reply is made by
spinning threads while others leave the machine alone, and by sleeping ones when they don't.

**Adapters** (twin/think/adapter.py) are inputs of another graph over the same file of weights: replies without one pay nothing for it, replies with one
each bring their own, and no weight of the shared model is ever changed. Its session is made when somebody first wears one.
"""
from __future__ import annotations

import json
from collections import OrderedDict
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from twin import devices
from twin.errors import Missing, Refused
from twin.think import smollm2
from twin.think.adapter import Adapter
from twin.think.cache import PrefixCache, State, shared
from twin.think.chat import Chat
from twin.think.reply import Reply
from twin.think.sample import Sampler
from twin.types import Message

STEP = 64                                                # tokens of a prompt computed between two yields
WORN = 8                                                 # adapters kept ready
PARTS = {"qkv": ("self_attn.q_proj", "self_attn.k_proj", "self_attn.v_proj"), "o": ("self_attn.o_proj",), "gate": ("mlp.gate_proj",), "up": ("mlp.up_proj",),
         "down": ("mlp.down_proj",)}


class OnnxThinker:
    """A chat model written by twin/think/graph.py. `folder` "" is the embedded one, made when it is not there yet.

    Errors: Missing when the folder or the wheel is not there.
    """

    def __init__(self, folder: str | Path = "", *, cache: PrefixCache | None = None, threads: int = 0, top_p: float = 0.95,
                 top_k: int = 40, repetition: float = 1.1, stop: Sequence[str] = ()):
        import onnxruntime

        self.folder = Path(folder) if folder else smollm2.onnx()
        if not (self.folder / "model.onnx").is_file():
            raise Missing(f"There is no model.onnx in {self.folder}.", "Leave the setting empty for the embedded model.")
        self.owner = str(self.folder.resolve())          # the same weights know the same prefixes
        self.chat = Chat(self.folder)
        self.cache = shared() if cache is None else cache
        self.top_p, self.top_k, self.repetition = top_p, top_k, repetition
        self.stop = tuple(stop)
        self.base = smollm2.home().name if self.folder.resolve() == (smollm2.home() / "onnx").resolve() else ""      # adapters are of that one alone
        self.worn: OrderedDict[str, dict[str, onnxruntime.OrtValue]] = OrderedDict()
        self.branched: onnxruntime.InferenceSession | None = None

        def session(spin: str, graph: bytes | None = None) -> onnxruntime.InferenceSession:
            options = onnxruntime.SessionOptions()
            options.log_severity_level = 3
            options.intra_op_num_threads = threads or min(devices.cores(), 4)
            options.add_session_config_entry("session.intra_op.allow_spinning", spin)
            options.add_session_config_entry("session.force_spinning_stop", "1")
            options.add_session_config_entry("session.dynamic_block_base", "4")
            if graph is not None:
                options.add_session_config_entry("session.model_external_initializers_file_folder_path", str(self.folder))
            return onnxruntime.InferenceSession(graph or self.folder / "model.onnx", options, providers=["CPUExecutionProvider"])

        self.make = session
        self.session, self.lively = session("0"), session("1")
        self.neighbours = devices.Neighbours()
        self.value = onnxruntime.OrtValue
        shape = self.session.get_inputs()[3].shape       # (1, kv heads, room, head size)
        self.layers, self.kv_heads, self.head = (len(self.session.get_inputs()) - 3) // 2, shape[1], shape[3]
        self.positions = json.loads((self.folder / "config.json").read_text("utf-8"))["max_position_embeddings"]
        self.vocabulary = self.session.get_outputs()[0].shape[2]
        ends = {self.chat.id(token) for token in ("<|im_end|>", "<|endoftext|>", "<|im_start|>", self.chat.special["eos_token"])}
        self.ends = ends - {None}

    def think(self, messages: list[Message], *, max_tokens: int = 120, temperature: float = 0.6,
              seed: int | None = None, adapter: Adapter | None = None) -> Iterator[str]:
        """The reply, bit by bit; "" after every 64 tokens of the prompt. Closing the generator stops it between two tokens.
        `adapter` is worn for this reply alone, if it is one of this model.

        Errors: Refused when the conversation is longer than the model can hold.
        """
        ids = self.chat.ids(messages)
        room = self.room(len(ids), max_tokens)
        worn = self.wearing(adapter) if adapter is not None and adapter.base == self.base else {}
        owner = (self.owner, adapter.id) if worn and adapter is not None else self.owner
        known = self.cache.find(owner, ids[:-1])               # at least one token is computed: its logits begin the reply
        run = Run(self, room, ids, known, worn)
        try:
            for at in range(len(run.ids), len(ids), STEP):
                run.step(ids[at:at + STEP])
                yield ""
            self.cache.keep(owner, ids, run.state())
            sampler = Sampler(temperature, seed, top_p=self.top_p, top_k=self.top_k, repetition=self.repetition)
            reply = Reply(self.chat.decode, self.stop)
            for _ in range(max_tokens):
                token = sampler.choose(run.logits)
                if token in self.ends:
                    break
                bit = reply.add(token)
                if bit:
                    yield bit
                if reply.stopped:
                    break
                run.step([token])
            bit = reply.end()
            if bit:
                yield bit
        finally:
            self.cache.keep(owner, run.ids, run.state())

    def wearing(self, adapter: Adapter) -> dict[str, Any]:
        """Its matrices as the graph with branches takes them. Errors: Refused when they do not fit; Missing without the package that makes that graph."""
        if self.branched is None:
            try:
                from twin.think.graph import branches
            except ImportError:
                raise Missing("What was learned from their words needs the package onnx.", "Install it with: pip install onnx") from None
            self.branched = self.make("0", branches(self.folder / "model.onnx"))
        if adapter.id not in self.worn:
            shapes = {put.name: put.shape for put in self.branched.get_inputs()}
            self.worn[adapter.id] = {name: self.value.ortvalue_from_numpy(value) for name, value in inputs(adapter, shapes).items()}
            while len(self.worn) > WORN:
                self.worn.popitem(last=False)
        self.worn.move_to_end(adapter.id)
        return self.worn[adapter.id]

    def room(self, prompt: int, more: int) -> int:
        """Positions to make room for."""
        if prompt + more > self.positions:
            raise Refused(f"The conversation has grown to {prompt} tokens; the embedded mind holds {self.positions}.",
                          "Begin a new conversation, or name a larger model in the settings.")
        return prompt + more


class Run:
    """One reply in the making: its keys and values, and the logits of the last token."""

    def __init__(self, mind: OnnxThinker, room: int, prompt: list[int], known: list[State], worn: dict[str, Any] | None = None):
        """Room for so many tokens; the states of the prompt's known beginning are taken over. `worn`: an adapter's matrices by input."""
        self.mind = mind
        self.session = mind.branched if worn and mind.branched is not None else mind.lively if mind.neighbours.quiet() else mind.session
        self.kv = np.empty((2 * mind.layers, 1, mind.kv_heads, room, mind.head), np.float32)
        self.out = np.empty((1, 1, mind.vocabulary), np.float32)
        self.binding = self.session.io_binding()
        self.binding.bind_ortvalue_output("logits", mind.value.ortvalue_from_numpy(self.out))
        for i, part in enumerate(self.kv):
            name = f"{i // 2}.{'value' if i % 2 else 'key'}"
            buffer = mind.value.ortvalue_from_numpy(part)
            self.binding.bind_ortvalue_input("past." + name, buffer)
            self.binding.bind_ortvalue_output("present." + name, buffer)
        for name, matrix in (worn or {}).items():
            self.binding.bind_ortvalue_input(name, matrix)
        at = 0
        for (part,) in known:
            self.kv[..., at:at + part.shape[-2], :] = part
            at += part.shape[-2]
        self.ids = prompt[:at]

    def step(self, tokens: Sequence[int]) -> None:
        """Compute the next tokens; afterwards `logits` are those of the last."""
        total = len(self.ids) + len(tokens)
        self.binding.bind_cpu_input("input_ids", np.array([tokens], np.int64))
        self.binding.bind_cpu_input("seqlens_k", np.array([total - 1], np.int32))
        self.binding.bind_cpu_input("total", np.array(total, np.int32))
        self.session.run_with_iobinding(self.binding)
        self.ids.extend(tokens)

    @property
    def logits(self) -> np.ndarray:
        """float32 (vocabulary,); the next step writes over it."""
        return self.out[0, 0]

    def state(self) -> State:
        """Keys and values of all tokens so far, as one array (2 layers, 1, kv heads, tokens, head size)."""
        return [self.kv[..., :len(self.ids), :]]


def inputs(adapter: Adapter, shapes: dict[str, list[Any]]) -> dict[str, np.ndarray]:
    """An adapter as inputs of graph.branches, by their shapes there. A module that it does not know gets a branch of nothing. Errors: Refused."""
    found, known = {}, 0
    for name, shape in shapes.items():
        layer, _, rest = name.partition(".")
        part, _, kind = rest.partition(".")
        if kind != "a" or part not in PARTS:
            continue
        pairs = [adapter.pairs.get(f"model.layers.{layer}.{module}") for module in PARTS[part]]
        outputs = shapes[f"{layer}.{part}.b"][1]
        held = [pair for pair in pairs if pair is not None]
        known += len(held)
        a = np.zeros((shape[0], max(1, sum(len(pair[0]) for pair in held))), np.float32)
        b = np.zeros((a.shape[1], outputs), np.float32)
        row = column = 0
        for pair in pairs:
            if pair is None:
                if len(pairs) > 1:
                    raise unlike()
                continue
            if pair[0].shape[1] != shape[0] or column + len(pair[1]) > outputs:
                raise unlike()
            a[:, row:row + len(pair[0])] = pair[0].T
            b[row:row + len(pair[0]), column:column + len(pair[1])] = pair[1].T
            row, column = row + len(pair[0]), column + len(pair[1])
        found[name], found[f"{layer}.{part}.b"] = a, b
    if known != len(adapter.pairs):
        raise unlike()
    return found


def unlike() -> Refused:
    return Refused("What was learned from their words does not fit this model.", "Train it again with the model that is in use.",
                   zh=("学到的内容和现在的模型对不上。", "请用现在的模型重新训练。"))
