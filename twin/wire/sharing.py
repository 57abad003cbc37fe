"""Sharing a twin over HTTP: the page, the Space, a trial of it on this machine, and publishing, for its owner alone. See answers.py for the shape
of errors. A token comes in the body of a request, is used for that request, and is kept nowhere."""
from __future__ import annotations

import asyncio
import secrets
import time
from collections.abc import AsyncGenerator, Awaitable, Callable, Iterator, Sequence
from contextlib import aclosing
from typing import TYPE_CHECKING, Any

from starlette.requests import Request
from starlette.responses import Response, StreamingResponse
from starlette.routing import Route

from ..errors import Missing, Refused
from ..share import hub, space
from ..share.progress import Progress
from ..share.trial import Trials
from ..store import Shelf, Twin, Twins
from ..streams import Lane
from ..users import User
from .answers import ALWAYS, answer, answering, json_of, language_of
from .door import Door
from .progress import stream

if TYPE_CHECKING:
    from huggingface_hub import HfApi

Page = Callable[[Twin, Sequence[str], str], AsyncGenerator[Any, None]]                 # (twin, languages, endpoint) -> share/alone.py's Progress
HOUR = 3600.0            # s one step may take: a file of 100 MB on a slow line
PAGES = 8                # made pages that wait to be fetched
WAITS = 600.0            # s they do
SPOKEN = 0.5             # share of a static publishing that is the making of its page


class Sharing:
    """Routes /twins/{name}/share and below. `home`: whether this is somebody's own machine, where its own sign-in counts and exports may be tried."""

    def __init__(self, shelf: Shelf, twins: Twins, door: Door, page: Page, trials: Trials, home: bool = True):
        self.shelf, self.twins, self.door, self.page, self.trials, self.home = shelf, twins, door, page, trials, home
        self._pages: dict[str, tuple[str, float, bytes]] = {}              # id -> (user, when, the page)
        self._making: set[str] = set()

    def routes(self) -> list[Route]:
        table: list[tuple[str, str, Callable[[Request, User], Awaitable[Response]], str]] = [
            ("GET", "", self.show, ""), ("POST", "/account", self.account, ""), ("POST", "/page", self.make_page, "make"),
            ("GET", "/page/{page}", self.fetch_page, ""),
            ("POST", "/space.zip", self.zip, "make"), ("POST", "/try", self.start, "make"), ("DELETE", "/try", self.stop, ""),
            ("POST", "/publish", self.publish, "make"), ("POST", "/update", self.update, "make"), ("POST", "/visible", self.visible, ""),
            ("POST", "/duplicate", self.duplicate, "make"), ("POST", "/unpublish", self.unpublish, "")]
        return [Route(f"/twins/{{name}}/share{path}", answering(self.door, handler, kind), methods=[method]) for method, path, handler, kind in table]

    async def show(self, request: Request, user: User) -> Response:
        """Where a twin is published, what was agreed to, and what can be done here."""
        def look() -> dict[str, Any]:
            twin = self._twin(request, user)
            twin.read("persona.yaml")                    # raises Locked
            try:
                consent, refused = space.agreement(self.shelf, twin), ""
            except Refused as error:
                consent, refused = None, error.told(language_of(request))[0]
            here = self._here(request)
            return {"published": [vars(place) for place in hub.published(self.shelf, twin, user.id)], "consent": consent, "refused": refused,
                    "drawn": not twin.has("consent.json"), "try": here, "trial": self.trials.running(user.id, twin.id),
                    "signed_in": bool(user.hub) or (here and _signed_in()), "hardware": list(hub.WAYS), "mind": space.ZERO_MIND,
                    "megabytes": round(space.weight(twin) / 2**20), "languages": list(twin.persona.languages)}
        return answer(await asyncio.to_thread(look))

    async def account(self, request: Request, user: User) -> Response:
        """Whose token it is."""
        api = self._api(request, user, await json_of(request))
        found = await asyncio.to_thread(hub.account, api)
        return answer({"name": found.name, "groups": list(found.groups), "writes": found.writes})

    async def make_page(self, request: Request, user: User) -> Response:
        """The twin as one HTML file. NDJSON: a line of progress at a time, at last {"page": id} to be fetched once."""
        asked = await json_of(request)
        twin, languages, endpoint = self._twin(request, user), _languages(asked), _text(asked, "endpoint", 300)

        async def steps() -> AsyncGenerator[dict[str, Any], None]:
            data = b""
            async with aclosing(self.page(twin, languages, endpoint)) as pages:
                async for step in pages:
                    data = step.data or data
                    yield _row("page", step.done, step.en, step.zh)
            yield {"page": self._kept(user, data), "bytes": len(data)}
        return stream(steps(), language_of(request), self._one(user))

    async def fetch_page(self, request: Request, user: User) -> Response:
        """A page that was made a moment ago."""
        owner, when, data = self._pages.get(request.path_params["page"]) or ("", 0.0, b"")
        if owner != user.id or time.monotonic() - when > WAITS:
            raise Missing("That page is not here any more.", "Make it again.", zh=("这个网页已经不在了。", "请重新生成。"))
        name = self._twin(request, user).id
        return Response(data, media_type="application/octet-stream", headers=ALWAYS | {"Content-Disposition": f'attachment; filename="{name}.html"'})

    async def zip(self, request: Request, user: User) -> Response:
        """The whole Space as a zip, made while it is sent."""
        asked = await json_of(request)
        twin, hardware, mind = self._twin(request, user), _hardware(asked), _mind(asked)
        made = await asyncio.to_thread(space.files, self.shelf, twin, hardware=hardware, mind=mind)
        return StreamingResponse(space.packed(made, f"{twin.id}-space"), media_type="application/zip",
                                 headers=ALWAYS | {"Content-Disposition": f'attachment; filename="{twin.id}-space.zip"'})

    async def start(self, request: Request, user: User) -> Response:
        """Start the Space on this machine. NDJSON; at last {"url"}."""
        if not self._here(request):
            raise Refused("Exports are tried on one's own machine only.", "Save the Space and start it where you are.", code="not-here",
                          zh=("只能在自己的电脑上试运行。", "请把空间保存下来，在自己的电脑上启动。"))
        twin = self._twin(request, user)
        return stream(self._told(self.trials.start(user.id, twin), lambda url: {"url": url}), language_of(request), self._one(user))

    async def stop(self, request: Request, user: User) -> Response:
        """End the trial."""
        return answer({"stopped": await asyncio.to_thread(self.trials.stop, user.id)})

    async def publish(self, request: Request, user: User) -> Response:
        """A private Space. NDJSON; at last {"place"}."""
        asked = await json_of(request)
        twin, api, repo = self._twin(request, user), self._api(request, user, asked), _text(asked, "repo", 200)
        kind = "static" if asked.get("kind") == "static" else "gradio"
        hardware, mind = (hub.AUTO if kind == "static" else _hardware(asked, hub.AUTO)), _mind(asked)

        def work(page: bytes) -> Iterator[Progress]:
            return hub.publish(api, self.shelf, twin, repo, kind=kind, hardware=hardware, mind=mind, owner=user.id, page=page)
        return stream(self._published(work, twin if kind == "static" else None, asked), language_of(request), self._one(user))

    async def update(self, request: Request, user: User) -> Response:
        """Bring a Space up to date. NDJSON; at last {"place"}."""
        asked = await json_of(request)
        twin, api, repo, mind = self._twin(request, user), self._api(request, user, asked), _text(asked, "repo", 200), _mind(asked)
        static = any(place.kind == "static" and place.repo == repo for place in hub.published(self.shelf, twin, user.id))

        def work(page: bytes) -> Iterator[Progress]:
            return hub.update(api, self.shelf, twin, repo, mind=mind, owner=user.id, page=page)
        return stream(self._published(work, twin if static else None, asked), language_of(request), self._one(user))

    async def visible(self, request: Request, user: User) -> Response:
        """Make a Space public, which asks the consent again, or private."""
        asked = await json_of(request)
        twin, api, repo = self._twin(request, user), self._api(request, user, asked), _text(asked, "repo", 200)
        private = asked.get("private") is not False
        if not private and asked.get("sure") is not True:
            raise Refused("Publishing to everybody is a step of its own.", "Say that you are sure.", code="sure", zh=("公开是单独的一步。", "请确认。"))
        place = await asyncio.to_thread(hub.show, api, self.shelf, twin, repo, private=private, owner=user.id)
        return answer({"place": vars(place)})

    async def duplicate(self, request: Request, user: User) -> Response:
        """A private copy of a Space under another name."""
        asked = await json_of(request)
        twin, api, repo, to = self._twin(request, user), self._api(request, user, asked), _text(asked, "repo", 200), _text(asked, "to", 200)
        place = await asyncio.to_thread(hub.duplicate, api, self.shelf, twin, to, repo, owner=user.id)
        return answer({"place": vars(place)})

    async def unpublish(self, request: Request, user: User) -> Response:
        """Delete a Space, or all of a twin's."""
        asked = await json_of(request)
        twin, api, repo = self._twin(request, user), self._api(request, user, asked), _text(asked, "repo", 200)
        return answer({"gone": await asyncio.to_thread(hub.unpublish, api, self.shelf, twin, repo, owner=user.id)})

    # parts --------------------------------------------------------------------------------------------------------------------------

    async def _published(self, work: Callable[[bytes], Iterator[Progress]], static: Twin | None, asked: dict[str, Any]) -> AsyncGenerator[dict[str, Any], None]:
        """A publishing; before a static one its page is made."""
        data, low = b"", 0.0
        if static is not None:
            low = SPOKEN
            async with aclosing(self.page(static, _languages(asked), _text(asked, "endpoint", 300))) as pages:
                async for step in pages:
                    data = step.data or data
                    yield _row("page", low * step.done, step.en, step.zh)
        async with aclosing(self._told(work(data), lambda place: {"place": vars(place)}, low)) as rows:
            async for row in rows:
                yield row

    async def _told(self, steps: Iterator[Progress], end: Callable[[Any], dict[str, Any]], low: float = 0.0) -> AsyncGenerator[dict[str, Any], None]:
        """A blocking generator's steps as rows, on a thread of its own; the last has what `end` makes of its place."""
        lane = Lane("share")
        try:
            async with aclosing(lane.stream(steps, HOUR)) as items:
                async for step in items:
                    yield _row(step.step, low + (1 - low) * step.done, step.en, step.zh) | (end(step.place) if step.place is not None else {})
        finally:
            lane.close()

    def _kept(self, user: User, data: bytes) -> str:
        now = time.monotonic()
        for name in [name for name, (owner, when, _) in self._pages.items() if owner == user.id or now - when > WAITS]:
            del self._pages[name]
        while len(self._pages) >= PAGES:
            del self._pages[next(iter(self._pages))]
        name = secrets.token_hex(16)
        self._pages[name] = (user.id, now, data)
        return name

    def forget(self, owner: str) -> None:
        """What was made for a user and waits here is dropped, and their trial ends. Blocking."""
        for name in [name for name, (whose, *_) in self._pages.items() if whose == owner]:
            self._pages.pop(name, None)
        self.trials.stop(owner)

    def _one(self, user: User) -> Callable[[], None]:
        """One of these at a time, of one user. Raises Refused; the answer is called at the end."""
        if user.id in self._making:
            raise Refused("Something of yours is being made already.", "Wait until it is ready.", code="busy", zh=("你已有一个任务在进行。", "请等它完成。"))
        self._making.add(user.id)
        return lambda: self._making.discard(user.id)

    def _here(self, request: Request) -> bool:
        """Whether whoever asks sits at this machine, and it is theirs."""
        return self.home and self.door.at_home(request)

    def _api(self, request: Request, user: User, asked: dict[str, Any]) -> HfApi:
        """The hub, as the token in the request sees it, or the sign-in of this user; this machine's own counts for who sits at it."""
        return hub.client(_text(asked, "token", 2000) or user.hub, own=self._here(request))

    def _twin(self, request: Request, user: User) -> Twin:
        name = request.path_params["name"]
        return self.twins[name] if name in self.twins else self.shelf.get(user.id, name)


def _row(step: str, done: float, en: str, zh: str) -> dict[str, Any]:
    return {"step": step, "done": round(done, 3), "note": {"en": en, "zh": zh}}


def _signed_in() -> bool:
    from huggingface_hub import get_token
    try:
        return bool(get_token())
    except (OSError, ValueError):
        return False


def _text(asked: dict[str, Any], name: str, most: int) -> str:
    value = asked.get(name) or ""
    if not isinstance(value, str) or len(value) > most:
        raise Refused(f"The field {name} is no text of at most {most} characters.", "Write it again.", code="bad-field",
                      zh=("有一项内容不对。", "请重新填写。"))
    return value.strip()


def _languages(asked: dict[str, Any]) -> tuple[str, ...]:
    given = asked.get("languages")
    return tuple(code for code in ("en", "zh") if isinstance(given, list) and code in given) or ("en", "zh")


def _hardware(asked: dict[str, Any], default: str = space.CPU) -> str:
    value = asked.get("hardware") or default
    if value not in hub.WAYS or (value == hub.AUTO and default != hub.AUTO):
        raise Refused(f"There is no hardware {str(value)[:40]!r}.", f"There are: {', '.join(hub.WAYS)}.", code="bad-field",
                      zh=("没有这种硬件。", "请选择列出的一种。"))
    return str(value)


def _mind(asked: dict[str, Any]) -> str:
    mind = _text(asked, "mind", 200)
    if mind and mind != "embedded":
        from huggingface_hub.errors import HFValidationError
        from huggingface_hub.utils import validate_repo_id
        try:
            validate_repo_id(mind)
        except HFValidationError:
            raise Refused(f"{mind[:80]!r} is no model of the hub.", "Write it as owner/name.", code="bad-field",
                          zh=("这不是一个模型的名字。", "请写成 所有者/名称。")) from None
    return mind
