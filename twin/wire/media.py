"""Files the browser loads: assets/web, the faces of the default twins, and those of an own twin for its owner alone. A name is looked up,
never joined to a path unseen."""
from __future__ import annotations

import asyncio
import re
from hashlib import blake2s
from pathlib import Path
from typing import Any

from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from ..errors import Missing
from ..store import Shelf, Twins
from ..users import User
from .answers import ALWAYS, answering
from .live import Sessions

# Named here: the machine's own table of types may be missing or wrong (Windows registries say text/plain for .js), and modules need theirs.
TYPES = {".js": "text/javascript; charset=utf-8", ".mjs": "text/javascript; charset=utf-8", ".css": "text/css; charset=utf-8",
         ".json": "application/json", ".svg": "image/svg+xml", ".webp": "image/webp", ".png": "image/png", ".ico": "image/x-icon",
         ".html": "text/html; charset=utf-8", ".wasm": "application/wasm", ".woff2": "font/woff2", ".bin": "application/octet-stream"}
ABROAD = ("widget.js", "icon.svg")                       # what pages of other sites load
FACE = (".webp", ".json", ".png")
_PART = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,99}")
PUBLIC = {name: value for name, value in ALWAYS.items() if name != "Cache-Control"}


class Media:
    """Routes /web/<path> and /media/twins/<id>/face/<file>; and Gradio's own doors for files, shut: what came in there would be nobody's, anyone
    could fetch it, and no key would keep it."""

    def __init__(self, web: Path, twins: Twins, sessions: Sessions, shelf: Shelf | None = None):
        self.web, self.twins, self.sessions, self.shelf = web, twins, sessions, shelf

    def routes(self) -> list[Route]:
        return [Route("/web/{path:path}", self.page), Route("/media/twins/{name}/face/{file}", self.face),
                *(Route(f"{front}/upload", self.shut, methods=["POST"]) for front in ("", "/gradio_api"))]

    async def page(self, request: Request) -> Response:
        answer = send(request, self.web, request.path_params["path"].split("/"), tuple(TYPES))
        if request.path_params["path"] in ABROAD:
            answer.headers["Cross-Origin-Resource-Policy"] = "cross-origin"
        return answer

    async def face(self, request: Request) -> Response:
        name = request.path_params["name"]
        if name in self.twins:
            return send(request, self.twins[name].folder / "face", [request.path_params["file"]], FACE)
        if self.shelf is None:
            return missing()
        return await answering(self.sessions.rooms.door, self._own, visitors=True)(request)

    async def _own(self, request: Request, user: User) -> Response:
        """A file of an own twin's face: read through the shelf, so that an encrypted one is opened in memory only; never kept by the browser."""
        name, file = request.path_params["name"], request.path_params["file"]
        kind = TYPES.get(Path(file).suffix.lower())
        if self.shelf is None or kind is None or not self.shelf.has(user.id, name):
            return missing()
        shelf = self.shelf
        try:
            data = await asyncio.to_thread(lambda: shelf.get(user.id, name).read(f"face/{file}"))
        except Missing:
            return missing()
        return Response(data, media_type=None, headers=ALWAYS | {"Content-Type": kind})

    async def shut(self, request: Request) -> Response:
        return missing()


def missing() -> Response:
    return PlainTextResponse("There is no such file.", 404, headers=ALWAYS)


def send(request: Request, root: Path, parts: list[str], kinds: tuple[str, ...]) -> Response:
    """The file, or 304 when the browser has it, or 404. `no-cache`: kept by the browser, asked about each time."""
    kind = TYPES.get(Path(parts[-1]).suffix.lower())
    if not all(_PART.fullmatch(part) for part in parts) or Path(parts[-1]).suffix.lower() not in kinds or kind is None:
        return missing()
    path = root.joinpath(*parts)
    try:
        if not path.resolve().is_relative_to(root.resolve()) or not path.is_file():
            return missing()
        about = path.stat()
        tag = f'"{blake2s(f"{about.st_mtime_ns}-{about.st_size}".encode(), digest_size=8).hexdigest()}"'
        headers: dict[str, Any] = PUBLIC | {"Cache-Control": "no-cache", "ETag": tag}
        if tag in [given.strip().removeprefix("W/") for given in request.headers.get("if-none-match", "").split(",")]:
            return Response(status_code=304, headers=headers)
        return Response(path.read_bytes(), media_type=None, headers=headers | {"Content-Type": kind})
    except OSError:
        return missing()
