"""The models over HTTP: what listens, thinks, speaks, paints and moves; what could be had. Fetching and switching are for whoever sits at this machine,
where it is theirs alone; everybody else sees what is in use. See answers.py for the shape of errors."""
from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from .. import devices
from ..catalogue import CATALOGUE, Model, carries, guess, model
from ..errors import Missing, Refused, TwinError
from ..fetch import Fetches, at_hand, begun, reachable
from ..registry import BACKENDS, BY_NAME, SWITCHED, Registry, row
from ..users import User
from .answers import answer, answering, json_of, language_of
from .door import Door
from .live import Sessions

LONGEST = 500            # characters of an address or a path
LINGER = 20.0            # s that what a GPU has free is believed
PAINTS = {"name": "mediapipe", "en": "Faces from photos, and drawn ones: part of the app.", "zh": "照片和手绘面孔，应用自带。"}


class Models:
    """Routes /models and /models/*. `home`: whether this is somebody's own machine; `told()`: the engines and the hearing as pages know them."""

    def __init__(self, registry: Registry, sessions: Sessions, door: Door, home: bool = True):
        self.registry, self.sessions, self.door, self.home = registry, sessions, door, home
        self.fetches = Fetches()
        self._loading = ""
        self._gpu: tuple[float, int] = (0.0, 0)

    def routes(self) -> list[Route]:
        table: list[tuple[str, str, Callable[[Request, User], Awaitable[Response]], str]] = [
            ("GET", "/models", self.show, ""), ("GET", "/models/hub", self.hub, "models"), ("GET", "/models/fetch", self.progress, ""),
            ("POST", "/models/fetch", self.fetch, "models"), ("POST", "/models/pause", self.pause, ""), ("POST", "/models/drop", self.drop, "models"),
            ("POST", "/models/use", self.use, "models"), ("POST", "/models/try", self.tried, "models")]
        return [Route(path, answering(self.door, handler, kind, visitors=handler == self.show), methods=[method]) for method, path, handler, kind in table]

    async def show(self, request: Request, user: User) -> Response:
        """What is in use for each of the five verbs; at home also what else is at hand, what could be had, and what this machine can carry of it."""
        may = self._may(request)
        return answer(await asyncio.to_thread(self._shown, language_of(request), may))

    async def hub(self, request: Request, user: User) -> Response:
        """Whether the model hub answers now; told within seconds."""
        self._ours(request)
        return answer({"reachable": await asyncio.to_thread(reachable)})

    async def progress(self, request: Request, user: User) -> Response:
        """How far the fetch is."""
        self._ours(request)
        return answer({"fetch": self._fetch(language_of(request))})

    async def fetch(self, request: Request, user: User) -> Response:
        """Fetch a model of the catalogue, or go on with it: {"model", "agreed"?}. Comes back at once; GET tells how far it is. One whose licence forbids
        commercial use has to be agreed to."""
        self._ours(request)
        asked = await json_of(request)
        found = self._model(asked.get("model"))
        _agreed(found, asked)
        await asyncio.to_thread(self.fetches.begin, found)
        return answer({"fetch": self._fetch(language_of(request))})

    async def pause(self, request: Request, user: User) -> Response:
        """Stop fetching; what is here stays, and fetching again goes on with it."""
        self._ours(request)
        self.fetches.pause()
        return answer({"fetch": self._fetch(language_of(request))})

    async def drop(self, request: Request, user: User) -> Response:
        """Remove a fetched model, whole or not, from the disk: {"model"}. Not the one in use."""
        self._ours(request)
        found = self._model((await json_of(request)).get("model"))
        if any(engine.row == found for engine in self.registry.engines.values()):
            raise Refused(f"{found.name} is in use.", "Switch to another first.", code="in-use", zh=(f"正在使用 {found.name}。", "请先切换到别的模型。"))
        freed = await asyncio.to_thread(self.fetches.drop, found)
        return answer({"freed": freed} | await asyncio.to_thread(self._shown, language_of(request), True))

    async def use(self, request: Request, user: User) -> Response:
        """Switch over: {"task", "model"}: an id of the catalogue, the name of a backend, a server's address, a folder or a GGUF file. Comes back when it
        has been loaded and tried; every talk goes on with it from its next reply. What fails leaves all as it was."""
        self._ours(request)
        asked = await json_of(request)
        task, name = asked.get("task"), asked.get("model")
        if task not in SWITCHED or not isinstance(name, str) or not name.strip() or len(name) > LONGEST:
            raise Refused("Say which model is to think or listen.", "Choose one of the list.", code="garbage",
                          zh=("请说明用哪个模型来想或听。", "从列表里选一个。"))
        found = model(name.strip())
        if found is not None and at_hand(found) is None:         # what was fetched here was agreed to then
            _agreed(found, asked)
        self._loading = name.strip()
        try:
            speed = await self.registry.switch(task, name.strip())
        except TwinError as error:
            if error.zh is None:                         # backends speak of their trouble in English
                error.zh = ("没能换成这个模型，原来的继续使用。", f"（{error.message} {error.hint}）")
            raise
        finally:
            self._loading = ""
        self.sessions.engines_changed()
        return answer({"speed": speed} | await asyncio.to_thread(self._shown, language_of(request), True))

    async def tried(self, request: Request, user: User) -> Response:
        """Whether a server of OpenAI's protocol answers at that address, and which models it has: {"address"} -> {"models", "ms"}. The key is the one in
        TWIN_THINK_KEY, never one that is sent."""
        self._ours(request)
        address = (await json_of(request)).get("address")
        if not isinstance(address, str) or len(address) > LONGEST:
            raise Refused("This is no address of a model server.", "Write it like http://localhost:8000/v1.", code="address",
                          zh=("这不是模型服务器的地址。", "写成 http://localhost:8000/v1 这样。"))
        from ..registry import server_models
        began = time.perf_counter()
        try:
            names = await server_models(address.strip())
        except TwinError as error:
            if error.zh is None:
                error.zh = ("这个地址的服务器没有正常回答。", f"（{error.message} {error.hint}）")
            raise
        return answer({"models": names[:200], "ms": round(1000 * (time.perf_counter() - began))})

    # what is told ------------------------------------------------------------------------------------------------------------------

    def _shown(self, language: str, may: bool) -> dict[str, Any]:
        tasks: dict[str, Any] = {}
        kept = self.registry.kept()["speed"] if may else {}
        machine = devices.hardware() if may else None
        gpu, cores = (self._free_gpu(machine), devices.cores()) if machine else (0, 1)
        for task in ("listen", "think", "speak", "paint", "animate"):
            engine = self.registry.engines.get(task)
            now = {"name": engine.label, "licence": engine.row.licence if engine.row else engine.backend.licence,
                   "id": self._id(task) if may else "", "note": engine.why if may else "", "speed": kept.get(self._id(task))} \
                if engine else {"name": PAINTS["name"], "note": PAINTS[language]}
            rows: list[dict[str, Any]] = []
            if may and machine:
                rows += [self._backend(task, backend, kept) for backend in BACKENDS if backend.task == task and backend.name not in BY_NAME]
                rows += [self._row(found, language, carries(found, machine, gpu, cores), guess(found, cores), bool(gpu), kept)
                         for found in CATALOGUE if found.task == task and found.loads]
                if engine and self._id(task) not in {one["id"] for one in rows}:
                    rows.insert(0, {"id": self._id(task), "name": engine.label, "state": "here", "own": True, "size": 0, "licence": "", "languages": [],
                                    "note": "", "speed": kept.get(self._id(task))})
            tasks[task] = {"now": now, "switch": may and task in SWITCHED, "rows": rows}
        told: dict[str, Any] = {"tasks": tasks, "may": may}
        if machine:
            missing = row("think", "llamacpp").missing
            told |= {"machine": {"memory": machine.memory, "free": machine.free, "disk": machine.disk, "gpus": list(machine.gpus), "cores": cores},
                     "fetch": self._fetch(language), "loading": self._loading, "gguf": row("think", "llamacpp").install if missing else "",
                     "fixed": [task for task in SWITCHED if self.registry.settings.ordered and task in self.registry.settings.ordered]}
        return told

    def _id(self, task: str) -> str:
        engine = self.registry.engines[task]
        return engine.picked or (engine.row.id if engine.row else engine.model or engine.backend.name)

    def _backend(self, task: str, backend: Any, kept: dict[str, Any]) -> dict[str, Any]:
        return {"id": backend.name, "name": backend.name, "state": "missing" if backend.missing else "here", "embedded": True, "size": 0,
                "licence": backend.licence, "languages": list(backend.languages), "note": backend.install if backend.missing else "",
                "speed": kept.get(backend.name), "verdict": "fits", "commercial": True}

    def _row(self, found: Model, language: str, verdict: str, guessed: float, gpu: bool, kept: dict[str, Any]) -> dict[str, Any]:
        here = at_hand(found) is not None
        part = 0 if here else begun(found)
        speed = kept.get(found.id)
        if speed and verdict == "slow" and (speed.get("tokens", 0) >= 6 or 0 < speed.get("hears", 9) <= 0.5):
            verdict = "fits"                             # tried is better than guessed
        return {"id": found.id, "name": found.name, "state": "here" if here else "part" if part else "hub", "part": part, "size": int(found.size * 1e6),
                "needs": found.needs // (2 if gpu and not found.file else 1), "licence": found.licence, "commercial": found.commercial, "terms": found.terms,
                "languages": list(found.languages), "capable": found.capable, "about": found.zh if language == "zh" else found.en, "verdict": verdict,
                "guess": None if gpu else round(guessed, 2), "speed": speed}

    def _fetch(self, language: str) -> dict[str, Any] | None:
        state = self.fetches.state
        if state is None:
            return None
        error = state.error.told(language) if state.error else None
        return {"model": state.model, "phase": state.phase, "done": state.done, "total": state.total, "rate": round(state.rate),
                "error": {"code": state.error.code, "message": error[0], "hint": error[1]} if state.error and error else None}

    def _free_gpu(self, machine: devices.Hardware) -> int:
        """Bytes free on the GPU; torch is asked, now and then."""
        if not machine.gpus or not machine.torch:
            return 0
        at, free = self._gpu
        if time.monotonic() - at > LINGER or not at:
            devices.accelerator.cache_clear()
            device, _, free, _ = devices.accelerator()
            self._gpu = time.monotonic(), free if device != "cpu" else 0
        return self._gpu[1]

    # who may -----------------------------------------------------------------------------------------------------------------------

    def _may(self, request: Request) -> bool:
        return self.home and self.door.at_home(request)

    def _ours(self, request: Request) -> None:
        if not self._may(request):
            raise Refused("Models are chosen by whoever sits at the machine that serves this page.", "Open the page there, at localhost.", code="owner",
                          zh=("只有坐在这台服务器前的人才能更换模型。", "请在那台机器上用 localhost 打开本页。"))

    def _model(self, name: Any) -> Model:
        found = model(name) if isinstance(name, str) else None
        if found is None or not found.loads:
            raise Missing("There is no such model in the catalogue.", "Choose one of the list.", code="no-model",
                          zh=("目录里没有这个模型。", "从列表里选一个。"))
        return found


def _agreed(found: Model, asked: dict[str, Any]) -> None:
    if not found.commercial and asked.get("agreed") is not True:
        raise Refused(f"{found.name} is not for commercial use ({found.licence}).", "Agree to that, or choose another.", code="licence",
                      zh=(f"{found.name} 不得商用（{found.licence}）。", "请先同意，或换一个。"))
