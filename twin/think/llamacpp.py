"""A GGUF file through llama.cpp (github.com/abetlen/llama-cpp-python): how many people keep their models, and quick on a CPU in 4 or 8 bits.

Optional: the package compiles when it is installed. One context holds one conversation's keys and values; what the next prompt shares with it from
the start (the persona, the history) is not read again. Replies of two conversations take turns, whole: at every token they would undo each other.
"""
from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from twin import devices
from twin.errors import Missing, Refused
from twin.think.chat import compiled, disarm
from twin.think.reply import OPEN, Reply
from twin.types import Message

INSTALL = "pip install llama-cpp-python   (it compiles for some minutes)"
STEP = 64                                                # tokens of a prompt computed between two yields
ROOM = 4096                                              # tokens of one conversation
IDLE, PATIENCE = 0.3, 20.0                               # s without a step after which another reply takes the context; s that it waits at the most


class LlamaThinker:
    """`file`: a GGUF file of a chat model.

    Errors: Missing without the package, the file or a chat template; Refused for a file that llama.cpp cannot read.
    """

    def __init__(self, file: str | Path, *, top_p: float = 0.95, top_k: int = 40, repetition: float = 1.1, stop: Sequence[str] = (), threads: int = 0):
        self.file = Path(file).expanduser()
        if not self.file.is_file():
            raise Missing(f"There is no file {self.file}.", "Name a GGUF file.")
        with self.file.open("rb") as head:
            if head.read(4) != b"GGUF":
                raise Refused(f"{self.file.name} is no GGUF file.", "Name one that ends in .gguf.")
        try:
            import llama_cpp
        except ImportError:
            raise Missing("A GGUF file needs llama-cpp-python.", f"Install it: {INSTALL}") from None
        cores = threads or max(1, min(devices.cores(), 8))
        try:
            self.llama: Any = llama_cpp.Llama(str(self.file), n_ctx=ROOM, n_threads=cores, n_threads_batch=cores, n_gpu_layers=-1, verbose=False)
        except (ValueError, RuntimeError, AssertionError) as error:
            raise Refused(f"llama.cpp cannot load {self.file.name}.", "Is it whole, and does this version of llama.cpp know its kind?") from error
        template = self.llama.metadata.get("tokenizer.chat_template")
        if not template:
            raise Missing(f"{self.file.name} has no chat template.", "Choose an instruction-tuned (chat) model.")
        self.template = compiled(template)
        vocabulary = self.llama._model.vocab             # the package offers no other way to these two
        every = range(self.llama.n_vocab())
        self.ends = {token for token in every if llama_cpp.llama_vocab_is_eog(vocabulary, token)}
        marks = (llama_cpp.llama_vocab_get_text(vocabulary, token) for token in every if llama_cpp.llama_vocab_is_control(vocabulary, token))
        self.marks = [mark.decode("utf-8", "replace") for mark in marks if mark]
        self.special = {"bos_token": self._text(self.llama.token_bos()), "eos_token": self._text(self.llama.token_eos())}
        self.options = {"top_p": top_p, "top_k": top_k, "repeat_penalty": repetition}
        self.stop = tuple(stop)
        self._run: object = None                         # whose reply the context holds
        self._moved = 0.0

    def think(self, messages: list[Message], *, max_tokens: int = 120, temperature: float = 0.6, seed: int | None = None) -> Iterator[str]:
        """The reply, bit by bit; "" after every 64 tokens of the prompt, and while another reply is being made. Closing the generator stops it between
        two tokens.

        Errors: Refused when the conversation is longer than the context.
        """
        prompt = self.prompt(messages)
        ids = self.llama.tokenize(prompt.encode(), add_bos=False, special=True)
        if len(ids) + max_tokens > ROOM:
            raise Refused(f"The conversation has grown to {len(ids)} tokens; there is room for {ROOM}.", "Begin a new conversation.")
        me, options = object(), {"temp": temperature, **self.options}
        end = time.monotonic() + PATIENCE
        while self._run is not None and time.monotonic() - self._moved < IDLE and time.monotonic() < end:
            time.sleep(0.005)
            yield ""
        self._run = me
        reply = Reply(lambda some: self.llama.detokenize(some).decode("utf-8", "replace"), self.stop, thoughts=True)
        reply.inside = prompt.rstrip().endswith(OPEN)
        try:
            for at in range(self._shared(ids) + STEP, len(ids), STEP):
                next(self.llama.generate(ids[:at], **options))           # it reads what is new; the word it would say is thrown away
                self._moved = time.monotonic()
                yield ""
            words: Any = None
            for _ in range(max_tokens):
                if words is None or self._run is not me:                 # another reply took the context while the ear was busy: take it back
                    self._run = me
                    if seed is not None:
                        self.llama.set_seed(seed)
                    words = self.llama.generate(ids, **options)
                token = next(words)
                self._moved = time.monotonic()
                if token in self.ends:
                    break
                ids = [*ids, token]
                if bit := reply.add(token):
                    yield bit
                if reply.stopped:
                    break
            if bit := reply.end():
                yield bit
        finally:
            if self._run is me:
                self._run = None

    def prompt(self, messages: list[Message]) -> str:
        """The conversation as the model was trained to read it. A template without a system role gets it with the first message."""
        said = disarm(messages, self.marks)
        try:
            return self.render(said)
        except Refused:
            if len(said) < 2 or said[0]["role"] != "system":
                raise
            return self.render([{**said[1], "content": said[0]["content"] + "\n\n" + said[1]["content"]}, *said[2:]])

    def render(self, messages: list[Message]) -> str:
        return str(self.template.render(messages=messages, add_generation_prompt=True, enable_thinking=False, **self.special))

    def close(self) -> None:
        self.llama.close()

    def _shared(self, ids: list[int]) -> int:
        """Tokens that the context holds already."""
        held, count = self.llama.eval_tokens, 0
        for one, two in zip(held, ids):
            if one != two:
                break
            count += 1
        return count

    def _text(self, token: int) -> str:
        return self.llama.detokenize([token], special=True).decode("utf-8", "replace") if token >= 0 else ""
