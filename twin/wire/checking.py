"""What a file says about how it was made, over HTTP: GET /check is a page, POST /check takes a file and answers with a report (trust/check.py).
Anybody may ask: whoever meets a picture wants to know. Nothing that comes is kept."""
from __future__ import annotations

import asyncio
from pathlib import Path

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from ..trust import check
from .answers import answer, body_of, language_of, open_to_all, text_of
from .door import Door
from .media import send

MOST = 64 * 2**20        # bytes of a file
AT_ONCE = 2


class Checking:
    """`data`: the app's data folder, for which certificate and consents are ours; `web`: assets/web."""

    def __init__(self, web: Path, data: Path, door: Door):
        self.web, self.data, self.door = web, data, door
        self._places = asyncio.Semaphore(AT_ONCE)

    def routes(self) -> list[Route]:
        return [Route("/check", self.page, methods=["GET"]), Route("/check", open_to_all(self.door, self.check), methods=["POST"])]

    async def page(self, request: Request) -> Response:
        return send(request, self.web, ["check.html"], (".html",))

    async def check(self, request: Request) -> Response:
        """The report on a file: verdict, summary, findings, and the values themselves."""
        name = text_of(request, "x-twin-name", 300)
        async with self._places:
            data = await body_of(request, MOST)
            report = await asyncio.to_thread(check.check, data, name, self.data)
        told, language = report.told(), language_of(request)
        return answer(told | {"summary": told["summary"][language], "findings": [{"what": f["what"], "level": f["level"], "text": f[language]}
                                                                                 for f in told["findings"]]})
