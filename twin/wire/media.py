"""Files the browser loads: assets/web and the faces of the default twins. A name is looked up, never joined to a path unseen."""
from __future__ import annotations

import re
from hashlib import blake2s
from pathlib import Path
from typing import Any

from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from ..store import Twins
from .live import Sessions

# Named here: the machine's own table of types may be missing or wrong (Windows registries say text/plain for .js), and modules need theirs.
TYPES = {".js": "text/javascript; charset=utf-8", ".mjs": "text/javascript; charset=utf-8", ".css": "text/css; charset=utf-8",
         ".json": "application/json", ".svg": "image/svg+xml", ".webp": "image/webp", ".png": "image/png", ".ico": "image/x-icon",
         ".wasm": "application/wasm", ".woff2": "font/woff2", ".bin": "application/octet-stream"}
FACE = (".webp", ".json", ".png")
_PART = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,99}")
ALWAYS = {"X-Content-Type-Options": "nosniff", "Cross-Origin-Resource-Policy": "same-origin", "Referrer-Policy": "no-referrer"}


class Media:
    """Routes /web/<path>, /media/twins/<id>/face/<file> and /healthz."""

    def __init__(self, web: Path, twins: Twins, sessions: Sessions):
        self.web, self.twins, self.sessions = web, twins, sessions

    def routes(self) -> list[Route]:
        return [Route("/web/{path:path}", self.page), Route("/media/twins/{name}/face/{file}", self.face), Route("/healthz", self.health)]

    async def page(self, request: Request) -> Response:
        return send(request, self.web, request.path_params["path"].split("/"), tuple(TYPES))

    async def face(self, request: Request) -> Response:
        name = request.path_params["name"]
        if name not in self.twins:
            return missing()
        return send(request, self.twins[name].face, [request.path_params["file"]], FACE)

    async def health(self, request: Request) -> Response:
        """For a load balancer: up, and how many sessions there are."""
        awake = "yes" if self.sessions.rooms.awake.is_set() else "no"
        return PlainTextResponse(f"ok\nsessions {len(self.sessions)}\nawake {awake}\n", headers=ALWAYS | {"Cache-Control": "no-store"})


def missing() -> Response:
    return PlainTextResponse("There is no such file.", 404, headers=ALWAYS | {"Cache-Control": "no-store"})


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
        headers: dict[str, Any] = ALWAYS | {"Cache-Control": "no-cache", "ETag": tag}
        if tag in [given.strip().removeprefix("W/") for given in request.headers.get("if-none-match", "").split(",")]:
            return Response(status_code=304, headers=headers)
        return Response(path.read_bytes(), media_type=None, headers=headers | {"Content-Type": kind})
    except OSError:
        return missing()
