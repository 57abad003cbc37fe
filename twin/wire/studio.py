"""The Studio over HTTP: data sets, trainings and models. Beginning, stopping, deleting, and all that shows somebody's own pictures are for whoever sits at this
machine, where it is theirs alone; everybody else sees the shelf of models. See answers.py for the shape of errors."""
from __future__ import annotations

import asyncio
import hashlib
import json
from collections.abc import Awaitable, Callable
from typing import Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from ..errors import Missing, Refused
from ..studio import places, runs, sets, shelf
from ..studio.run import SHEET
from ..studio.statement import STATEMENTS
from ..users import User
from .answers import ALWAYS, answer, answering, json_of, language_of
from .door import Door

WEBP, PNG = "image/webp", "image/png"
OF_A_RUN = ("nearest.png", "drawn.png")


class Studio:
    """Routes /studio and /studio/*. `home`: whether this is somebody's own machine."""

    def __init__(self, door: Door, home: bool = True):
        self.door, self.home = door, home
        self.runs = runs.Runs()                          # one that waited when the server ended has its turn now

    def close(self) -> None:
        """Trainings go on; only what waits is no longer looked after."""
        self.runs.close()

    def routes(self) -> list[Route]:
        everybody: list[tuple[str, str, Callable[[Request, User], Awaitable[Response]]]] = [
            ("GET", "/studio", self.show), ("GET", "/studio/painter", self.painter), ("GET", "/studio/models/{where}/{name}", self.model),
            ("GET", "/studio/models/{where}/{name}/picture/{file}", self.model_picture)]
        ours: list[tuple[str, str, Callable[[Request, User], Awaitable[Response]]]] = [
            ("GET", "/studio/folders", self.folders), ("POST", "/studio/look", self.look), ("GET", "/studio/look", self.looked),
            ("DELETE", "/studio/look", self.drop_look), ("GET", "/studio/look/sheet", self.look_sheet),
            ("POST", "/studio/sets", self.make_set), ("GET", "/studio/sets/{name}", self.one_set), ("GET", "/studio/sets/{name}/sheet", self.set_sheet),
            ("POST", "/studio/sets/{name}/stop", self.stop_set), ("POST", "/studio/sets/{name}/go-on", self.set_goes_on),
            ("DELETE", "/studio/sets/{name}", self.drop_set),
            ("POST", "/studio/runs", self.train), ("GET", "/studio/runs/{name}", self.run), ("GET", "/studio/runs/{name}/picture/{file}", self.run_picture),
            ("POST", "/studio/runs/{name}/stop", self.stop), ("POST", "/studio/runs/{name}/go-on", self.go_on), ("POST", "/studio/runs/{name}/use", self.use),
            ("DELETE", "/studio/runs/{name}", self.drop_run),
            ("POST", "/studio/models", self.bring), ("GET", "/studio/models/made/{name}/download", self.download),
            ("DELETE", "/studio/models/made/{name}", self.drop_model)]
        return [*(Route(path, answering(self.door, handler, visitors=True), methods=[method]) for method, path, handler in everybody),
                *(Route(path, answering(self.door, self._at_home(handler)), methods=[method]) for method, path, handler in ours)]

    # the shelf --------------------------------------------------------------------------------------------------------------------------

    async def show(self, request: Request, user: User) -> Response:
        """The models that ship and those made here; at home also the data sets, the trainings, what this machine has, and what people agree to."""
        may = self._may(request)

        def look() -> dict[str, Any]:
            told: dict[str, Any] = {"may": may, "shipped": shelf.shipped(), "made": shelf.made()}
            if may:
                told |= {"sets": sets.all_told(), "runs": [self.runs.brief(name) for name in places.names("runs")], "machine": runs.machine(),
                         "statements": STATEMENTS, "of_set": {name: self.runs.of_set(name) for name in places.names("sets")}}
            return told
        return answer(await asyncio.to_thread(look))

    async def painter(self, request: Request, user: User) -> Response:
        """A WebP of what the illustrated painter paints."""
        return _picture(request, await asyncio.to_thread(shelf.painter), WEBP)

    async def model(self, request: Request, user: User) -> Response:
        """All of a model, `where` shipped or made: its figures, its card, its training's log as {"columns", "rows"}."""
        may, asked = self._may(request), request.path_params

        def look() -> dict[str, Any]:
            told = shelf.told(asked["where"], asked["name"])
            told["log"] = runs.thinned(told["log"])
            if not may:                                  # whose pictures it learnt from, and where it lies, is nobody else's business
                ships = asked["where"] == "shipped"
                told |= {"nearest": ships and told["nearest"], "card": ships and told["card"] or "", "folder": "", "about": {}}
            return told
        return answer(await asyncio.to_thread(look))

    async def model_picture(self, request: Request, user: User) -> Response:
        """samples.webp or nearest.webp of a model."""
        asked = request.path_params
        if asked["where"] != "shipped" and asked["file"] != "samples.webp" and not self._may(request):
            raise _owner()
        return _picture(request, await asyncio.to_thread(shelf.picture, asked["where"], asked["name"], asked["file"]), WEBP)

    async def bring(self, request: Request, user: User) -> Response:
        """Take the folder of a model that lies on this machine, {"folder"}: safetensors of the Studio's own families alone. {"name"}."""
        asked = await json_of(request)
        return answer({"name": await asyncio.to_thread(shelf.bring, asked.get("folder"))})

    async def download(self, request: Request, user: User) -> Response:
        """A model made here as a ZIP."""
        name = request.path_params["name"]
        file = f"{places.folder('models', name).name}.zip"
        data = await asyncio.to_thread(shelf.packed, name)
        return Response(data, media_type="application/zip", headers=ALWAYS | {"Content-Disposition": f'attachment; filename="{file}"'})

    async def drop_model(self, request: Request, user: User) -> Response:
        """Delete a model made here."""
        await asyncio.to_thread(shelf.remove, request.path_params["name"])
        return answer({})

    # data sets --------------------------------------------------------------------------------------------------------------------------

    async def folders(self, request: Request, user: User) -> Response:
        """What is in a folder of this machine, ?at=PATH: {"at", "up", "folders", "pictures"}."""
        return answer(await asyncio.to_thread(sets.folders, request.query_params.get("at", "")))

    async def look(self, request: Request, user: User) -> Response:
        """Begin to look at some of a folder's pictures, {"folder", "size"?}; GET tells what was found."""
        asked = await json_of(request)
        await asyncio.to_thread(sets.look, asked)
        return answer({"look": await asyncio.to_thread(sets.looked)})

    async def looked(self, request: Request, user: User) -> Response:
        """How far the look is, and its report once it is there: {"look"}."""
        return answer({"look": await asyncio.to_thread(sets.looked)})

    async def drop_look(self, request: Request, user: User) -> Response:
        """Let go of the look and its faces."""
        await asyncio.to_thread(sets.drop_look)
        return answer({"look": None})

    async def look_sheet(self, request: Request, user: User) -> Response:
        """A WebP of faces that a look found."""
        def read() -> bytes:
            try:
                return (places.folder("jobs", "look") / "sheet.webp").read_bytes()
            except OSError:
                raise Missing("There is no such picture.", "Look again.", code="gone", zh=("没有这张图。", "请重新查看。")) from None
        return _picture(request, await asyncio.to_thread(read), WEBP)

    async def make_set(self, request: Request, user: User) -> Response:
        """Make a data set: {"kind": "painted", "count", "size"}, or {"kind": "people" | "drawn", "folder", "size", "source", "licence", "agreed"?, "who"?},
        each with a "title". Comes back at once: {"name"}."""
        asked, language = await json_of(request), language_of(request)
        return answer({"name": await asyncio.to_thread(sets.begin, asked, language)})

    async def one_set(self, request: Request, user: User) -> Response:
        """A data set and how far it is."""
        return answer({"set": await asyncio.to_thread(sets.told, request.path_params["name"])})

    async def set_sheet(self, request: Request, user: User) -> Response:
        """A WebP of some of its faces."""
        return _picture(request, await asyncio.to_thread(sets.sheet, request.path_params["name"]), WEBP)

    async def stop_set(self, request: Request, user: User) -> Response:
        """Stop making it; what is made stays."""
        await asyncio.to_thread(sets.stop, request.path_params["name"])
        return answer({})

    async def set_goes_on(self, request: Request, user: User) -> Response:
        """Go on making it."""
        def work(name: str) -> None:
            places.there("sets", name)
            if sets.busy() not in ("", name):
                raise sets.other()
            sets.go_on(name)
        await asyncio.to_thread(work, request.path_params["name"])
        return answer({})

    async def drop_set(self, request: Request, user: User) -> Response:
        """Delete a data set; with ?all=1 all that learnt from it too, as the statement of consent says: trainings and models."""
        name, everything = request.path_params["name"], request.query_params.get("all") == "1"

        def work() -> dict[str, Any]:
            places.there("sets", name)
            learnt = self.runs.of_set(name)
            if any(self.runs.run(run).alive() for run in learnt):
                raise Refused("A training is learning from this set.", "Stop it first.", code="going", zh=("有训练正在使用这个数据集。", "请先停止它。"))
            sets.remove(name)
            gone = [*learnt] if everything else []
            models = [one["name"] for one in shelf.made() if one["name"] in gone] if everything else []
            for model in models:
                shelf.remove(model)
            for run in gone:
                self.runs.remove(run)
            return {"runs": gone, "models": models}
        return answer(await asyncio.to_thread(work))

    # trainings --------------------------------------------------------------------------------------------------------------------------

    async def train(self, request: Request, user: User) -> Response:
        """Train: {"set", "family", "size", "px", "hours", "vae"?, "title"?, "steps"?}. Comes back at once: {"name"}. It waits where another training runs."""
        asked = await json_of(request)
        return answer({"name": await asyncio.to_thread(self.runs.begin, asked)})

    async def run(self, request: Request, user: User) -> Response:
        """A training: state, losses as {"columns", "rows"} after step ?since=N, sheets, settings, log. {"same": true} where ?stamp= is that of the answer."""
        name, query = request.path_params["name"], request.query_params
        since = query.get("since", "")
        told = await asyncio.to_thread(self.runs.told, name, float(since) if since.isascii() and since.isdigit() and len(since) < 12 else -1.0)
        stamp = hashlib.blake2s(json.dumps(told, sort_keys=True, default=str).encode(), digest_size=8).hexdigest()
        return answer({"same": True} if query.get("stamp") == stamp else {"run": told, "stamp": stamp})

    async def run_picture(self, request: Request, user: User) -> Response:
        """A sheet of a training: step-NNNNNNNN.png, nearest.png or drawn.png."""
        file = request.path_params["file"]

        def read() -> bytes:
            folder = self.runs.run(request.path_params["name"]).folder
            try:
                if SHEET.fullmatch(file) or file in OF_A_RUN:
                    return (folder / ("nearest.png" if file == "nearest.png" else f"samples/{file}")).read_bytes()
            except OSError:
                pass
            raise Missing("There is no such picture.", "Reload the page.", code="gone", zh=("没有这张图。", "请刷新页面。"))
        return _picture(request, await asyncio.to_thread(read), PNG)

    async def stop(self, request: Request, user: User) -> Response:
        """Ask a training to end with a checkpoint."""
        await asyncio.to_thread(self.runs.stop, request.path_params["name"])
        return answer({})

    async def go_on(self, request: Request, user: User) -> Response:
        """Go on where it was left, {"hours"?}: so many more."""
        asked = await json_of(request)
        await asyncio.to_thread(self.runs.go_on, request.path_params["name"], asked.get("hours"))
        return answer({})

    async def use(self, request: Request, user: User) -> Response:
        """Export its newest checkpoint as a model that can invent faces. Comes back at once: {"model"}; the training tells how it goes."""
        return answer({"model": await asyncio.to_thread(self.runs.use, request.path_params["name"])})

    async def drop_run(self, request: Request, user: User) -> Response:
        """Delete a training's folder; a model that was exported of it stays."""
        await asyncio.to_thread(self.runs.remove, request.path_params["name"])
        return answer({})

    # who may ----------------------------------------------------------------------------------------------------------------------------

    def _may(self, request: Request) -> bool:
        return self.home and self.door.at_home(request)

    def _at_home(self, handler: Callable[[Request, User], Awaitable[Response]]) -> Callable[[Request, User], Awaitable[Response]]:
        async def known(request: Request, user: User) -> Response:
            if not self._may(request):
                raise _owner()
            return await handler(request, user)
        known.__doc__ = handler.__doc__
        return known


def _owner() -> Refused:
    return Refused("Only whoever sits at the machine that serves this page may do that.", "Open the page there, at localhost.", code="owner",
                   zh=("只有坐在这台服务器前的人才能这样做。", "请在那台机器上用 localhost 打开本页。"))


def _picture(request: Request, data: bytes, kind: str) -> Response:
    """A picture, or 304 where the browser has it."""
    tag = f'"{hashlib.blake2s(data, digest_size=8).hexdigest()}"'
    headers = ALWAYS | {"Cache-Control": "private, no-cache", "ETag": tag}
    if request.headers.get("if-none-match", "") == tag:
        return Response(status_code=304, headers=headers)
    return Response(data, media_type=kind, headers=headers)
