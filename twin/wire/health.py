"""For whoever runs the server: /health (it lives), /ready (who comes now is answered at once), /metrics (Prometheus). /healthz is an older name of
the first."""
from __future__ import annotations

import ipaddress

from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Route

from .answers import ALWAYS
from .door import Door
from .live import Sessions

TYPE = "text/plain; version=0.0.4; charset=utf-8"


class Health:
    """`readers`: who may read /metrics: "local" (this machine and private networks), "all" or "none"."""

    def __init__(self, sessions: Sessions, door: Door, readers: str = "local"):
        self.sessions, self.door, self.readers = sessions, door, readers

    def routes(self) -> list[Route]:
        return [Route("/health", self.health), Route("/healthz", self.healthz), Route("/ready", self.ready), Route("/metrics", self.metrics)]

    async def health(self, request: Request) -> Response:
        """200 as long as the process answers: restart it when this stops."""
        return JSONResponse({"status": "ok", "ready": self.sessions.ready, "sessions": len(self.sessions)}, headers=ALWAYS)

    async def healthz(self, request: Request) -> Response:
        awake = "yes" if self.sessions.rooms.awake.is_set() else "no"
        return PlainTextResponse(f"ok\nsessions {len(self.sessions)}\nawake {awake}\n", headers=ALWAYS)

    async def ready(self, request: Request) -> Response:
        """200 once the engines are awake, 503 before and as soon as the server is asked to stop: send people elsewhere meanwhile."""
        why = "" if self.sessions.ready else "closing" if self.sessions.closing else "waking"
        return JSONResponse({"ready": not why} | ({"why": why} if why else {}), 503 if why else 200, headers=ALWAYS | ({"Retry-After": "5"} if why else {}))

    async def metrics(self, request: Request) -> Response:
        """What is counted and timed; no names, addresses or words are in it."""
        if self.readers != "all" and not (self.readers == "local" and _near(self.door, request)):
            return PlainTextResponse("Metrics are for this machine and its network; see TWIN_METRICS.\n", 403, headers=ALWAYS)
        return Response(self.door.metrics.text(), headers=ALWAYS | {"Content-Type": TYPE})


def _near(door: Door, request: Request) -> bool:
    """Whether somebody on this machine or in a private network asks, and no proxy for them that we were not told of."""
    if "x-forwarded-for" in request.headers and not door.proxies:
        return False
    address = door.address(request.scope)
    try:
        return ipaddress.ip_address(address).is_private
    except ValueError:
        return not address                               # a local pipe
