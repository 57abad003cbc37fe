"""The embedded mind on onnxruntime: SmolLM2-135M with the GGUF's own 4-bit blocks (twin/think/graph.py), on the CPU."""
from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np

from twin.errors import Missing, Refused
from twin.think import smollm2
from twin.think.cache import PrefixCache, State, shared
from twin.think.chat import Chat
from twin.think.reply import Reply
from twin.think.sample import Sampler
from twin.types import Message

STEP = 64                                                # tokens of a prompt computed between two yields


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
        self.chat = Chat(self.folder)
        self.cache = shared() if cache is None else cache
        self.sampling = {"top_p": top_p, "top_k": top_k, "repetition": repetition}
        self.stop = tuple(stop)
        options = onnxruntime.SessionOptions()
        options.log_severity_level = 3
        options.intra_op_num_threads = threads or 2
        options.add_session_config_entry("session.dynamic_block_base", "4")
        self.session = onnxruntime.InferenceSession(self.folder / "model.onnx", options, providers=["CPUExecutionProvider"])
        self.value = onnxruntime.OrtValue
        shape = self.session.get_inputs()[3].shape       # (1, kv heads, room, head size)
        self.layers, self.kv_heads, self.head = (len(self.session.get_inputs()) - 3) // 2, shape[1], shape[3]
        self.positions = json.loads((self.folder / "config.json").read_text("utf-8"))["max_position_embeddings"]
        self.vocabulary = self.session.get_outputs()[0].shape[2]
        ends = {self.chat.id(token) for token in ("<|im_end|>", "<|endoftext|>", "<|im_start|>", self.chat.special["eos_token"])}
        self.ends = ends - {None}

    def think(self, messages: list[Message], *, max_tokens: int = 120, temperature: float = 0.6,
              seed: int | None = None) -> Iterator[str]:
        """The reply, bit by bit; "" after every 64 tokens of the prompt. Closing the generator stops it between two tokens.

        Errors: Refused when the conversation is longer than the model can hold.
        """
        ids = self.chat.ids(messages)
        room = self.room(len(ids), max_tokens)
        known = self.cache.find(self, ids[:-1])          # at least one token is computed: its logits begin the reply
        run = Run(self, room, ids, known)
        try:
            for at in range(len(run.ids), len(ids), STEP):
                run.step(ids[at:at + STEP])
                yield ""
            self.cache.keep(self, ids, run.state())
            sampler = Sampler(temperature, seed, **self.sampling)
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
            self.cache.keep(self, run.ids, run.state())

    def room(self, prompt: int, more: int) -> int:
        """Positions to make room for."""
        if prompt + more > self.positions:
            raise Refused(f"The conversation has grown to {prompt} tokens; the embedded mind holds {self.positions}.",
                          "Begin a new conversation, or name a larger model in the settings.")
        return prompt + more


class Run:
    """One reply in the making: its keys and values, and the logits of the last token."""

    def __init__(self, mind: OnnxThinker, room: int, prompt: list[int], known: list[State]):
        """Room for so many tokens; the states of the prompt's known beginning are taken over."""
        self.mind = mind
        self.kv = np.empty((2 * mind.layers, 1, mind.kv_heads, room, mind.head), np.float32)
        self.out = np.empty((1, 1, mind.vocabulary), np.float32)
        self.binding = mind.session.io_binding()
        self.binding.bind_ortvalue_output("logits", mind.value.ortvalue_from_numpy(self.out))
        for i, part in enumerate(self.kv):
            name = f"{i // 2}.{'value' if i % 2 else 'key'}"
            buffer = mind.value.ortvalue_from_numpy(part)
            self.binding.bind_ortvalue_input("past." + name, buffer)
            self.binding.bind_ortvalue_output("present." + name, buffer)
        at = 0
        for (part,) in known:
            self.kv[..., at:at + part.shape[-2], :] = part
            at += part.shape[-2]
        self.ids = prompt[:at]

    def step(self, tokens: Sequence[int]) -> None:
        """Compute the next tokens; afterwards `logits` are those of the last."""
        self.ids.extend(tokens)
        self.binding.bind_cpu_input("input_ids", np.array([tokens], np.int64))
        self.binding.bind_cpu_input("seqlens_k", np.array([len(self.ids) - 1], np.int32))
        self.binding.bind_cpu_input("total", np.array(len(self.ids), np.int32))
        self.mind.session.run_with_iobinding(self.binding)

    @property
    def logits(self) -> np.ndarray:
        """float32 (vocabulary,); the next step writes over it."""
        return self.out[0, 0]

    def state(self) -> State:
        """Keys and values of all tokens so far, as one array (2 layers, 1, kv heads, tokens, head size)."""
        return [self.kv[..., :len(self.ids), :]]
