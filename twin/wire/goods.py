"""The goods of an own twin over HTTP: a catalogue file handed in, looked at, tried, removed. For its owner alone. See answers.py for the shape of
errors. What is kept is the goods that were read, not the file."""
from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from datetime import datetime
from typing import Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from persona import tools
from persona.card import CardError
from persona.catalogue import FILE, FILES, MOST_BYTES, MOST_GOODS, Catalogue
from persona.words import language_of as written

from ..errors import Refused
from ..store import Shelf, Twin
from ..users import User
from .answers import answer, answering, json_of, language_of, text_of
from .bodies import Bodies
from .door import Door

SHOWN = 40               # goods in one answer
KINDS = (".csv", ".json", ".yaml", ".yml")


class Goods:
    """Routes /twins/{name}/catalogue and /twins/{name}/catalogue/find."""

    def __init__(self, shelf: Shelf, door: Door):
        self.shelf, self.door, self.bodies = shelf, door, Bodies(door)

    def routes(self) -> list[Route]:
        base = "/twins/{name}/catalogue"
        table: list[tuple[str, str, Callable[[Request, User], Awaitable[Response]]]] = [
            ("GET", base, self.show), ("POST", base, self.add), ("DELETE", base, self.remove), ("POST", f"{base}/find", self.find)]
        return [Route(path, answering(self.door, handler), methods=[method]) for method, path, handler in table]

    async def show(self, request: Request, user: User) -> Response:
        """The twin's goods: {"catalogue": {"name", "goods", "currency", "rows"} or null, "most"}."""
        return answer(await asyncio.to_thread(lambda: _told(_catalogue(self._twin(request, user)))))

    async def add(self, request: Request, user: User) -> Response:
        """Hand in a catalogue: the body is the file (CSV, JSON or YAML); it takes the place of the one before. `notes`: what could not be taken, and in
        which line."""
        name = text_of(request, "x-twin-name", 200) or "catalogue.csv"
        self._twin(request, user).read("persona.yaml")   # raises Locked
        self.shelf.admit()
        async with self.bodies.take(request, user.id, MOST_BYTES) as data:
            return answer(await asyncio.to_thread(self._added, request, user, name, data))

    def _added(self, request: Request, user: User, name: str, data: bytes) -> dict[str, Any]:
        if data[:2] == b"PK" or data[:4] == b"\xd0\xcf\x11\xe0" or not name.lower().endswith(KINDS):
            raise Refused(f"{name} is no CSV, JSON or YAML.", "A table of Excel, Numbers or Sheets is saved as CSV first.", code="catalogue",
                          zh=(f"{name} 不是 CSV、JSON 或 YAML。", "Excel、Numbers 等表格请先另存为 CSV。"))
        try:
            goods = Catalogue(data, name)
        except CardError as error:
            raise Refused(error.message, error.hint, code="catalogue", zh=error.zh) from None
        own = request.path_params["name"]
        self.shelf.note(user.id, own, FILE, goods.packed())
        for other in FILES:
            if other != FILE:
                self.shelf.unnote(user.id, own, other)
        return _told(goods) | {"notes": [{"en": en, "zh": zh} for en, zh in goods.notes], "left": goods.left}

    async def remove(self, request: Request, user: User) -> Response:
        """Remove the catalogue."""
        def work() -> dict[str, Any]:
            twin = self._twin(request, user)
            for name in FILES:
                self.shelf.unnote(user.id, twin.id, name)
            return _told(None)
        return answer(await asyncio.to_thread(work))

    async def find(self, request: Request, user: User) -> Response:
        """Try a wish, {"text"}: {"said", "found"}, what it would say and which goods it would name."""
        asked, page = await json_of(request), language_of(request)
        text = asked.get("text")
        if not isinstance(text, str) or not text.strip():
            raise Refused("There is no question.", "Write one.", code="empty", zh=("没有问题。", "请写一个问题。"))

        def look() -> dict[str, Any]:
            language = written(text[:400], (), page)
            on = tools.Asked(language, datetime.now(), catalogue=_catalogue(self._twin(request, user)))
            shop = tools.ALL["catalogue"]
            done = shop.run(shop.when(text[:400], on) or {"wish": text[:400]}, on)
            return {"said": done.text, "found": (done.data or {}).get("found", [])}
        return answer(await asyncio.to_thread(look))

    def _twin(self, request: Request, user: User) -> Twin:
        return self.shelf.get(user.id, request.path_params["name"])


def _catalogue(twin: Twin) -> Catalogue | None:
    twin.read("persona.yaml")                            # raises Locked
    name = next((name for name in FILES if twin.has(name)), "")
    try:
        return Catalogue(twin.read(name), name) if name else None
    except CardError as error:
        raise Refused(error.message, error.hint, code="catalogue", zh=error.zh) from None


def _told(goods: Catalogue | None) -> dict[str, Any]:
    most = {"goods": MOST_GOODS, "bytes": MOST_BYTES}
    if goods is None:
        return {"catalogue": None, "most": most}
    rows = [{"name": dict(good.name), "price": {language: goods.price(good, language) for language in ("en", "zh")},
             "tags": {language: list(tags) for language, tags in good.tags.items()}, "about": dict(good.about)} for good in goods.goods[:SHOWN]]
    return {"catalogue": {"name": goods.name, "goods": len(goods.goods), "currency": goods.currency, "rows": rows}, "most": most}
