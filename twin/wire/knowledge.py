"""What an own twin knows over HTTP: its documents listed, read, added, kept private, removed; its graph. For its owner alone. See answers.py for the
shape of errors. A document's file is not kept, only its text."""
from __future__ import annotations

import asyncio
import threading
import weakref
from collections.abc import Awaitable, Callable, Iterator
from contextlib import closing, contextmanager
from datetime import UTC, datetime
from typing import Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from persona.documents import FILE, MOST_DOCUMENTS, MOST_PASSAGES, SURE, DocumentError, Library, joined
from persona.graph import of_persona
from persona.user_graph import of_user

from ..errors import Missing, Refused, TwinError
from ..read import MOST_BYTES, Read, reading
from ..store import Memories, Shelf, Twin
from ..users import User
from .answers import answer, answering, json_of, language_of, text_of
from .bodies import Bodies
from .door import Door
from .progress import stream

SHOWN = 200              # passages of a document in one answer
STEPS = {"read": ("Reading the document.", "正在阅读文档。"), "learn": ("Learning what it says.", "正在学习内容。"), "keep": ("Keeping it.", "正在保存。")}
Embed = Callable[[list[str]], Any]


class Knowledge:
    """Routes /twins/{name}/knowledge, /twins/{name}/knowledge/* and /twins/{name}/graph. `embed`: of persona.documents.Library; `reader`: makes a model
    that reads relations (twin.think.server.ServerReader), None where there is none; `memories`: what the twin learnt of its user."""

    def __init__(self, shelf: Shelf, door: Door, embed: Embed | None = None, reader: Callable[[], Any] = lambda: None,
                 memories: Memories | None = None):
        self.shelf, self.door, self.embed, self.reader, self.memories = shelf, door, embed, reader, memories
        self.bodies = Bodies(door)
        self._locks: weakref.WeakValueDictionary[tuple[str, str], Any] = weakref.WeakValueDictionary()
        self._guard = threading.Lock()
        self._reading: set[str] = set()                  # users whose document is being read

    def routes(self) -> list[Route]:
        base = "/twins/{name}/knowledge"
        table: list[tuple[str, str, Callable[[Request, User], Awaitable[Response]]]] = [
            ("GET", base, self.list), ("POST", base, self.add), ("POST", f"{base}/find", self.find), ("GET", f"{base}/{{document}}", self.show),
            ("POST", f"{base}/{{document}}", self.change), ("DELETE", f"{base}/{{document}}", self.remove), ("GET", "/twins/{name}/graph", self.graph)]
        return [Route(path, answering(self.door, handler), methods=[method]) for method, path, handler in table]

    async def list(self, request: Request, user: User) -> Response:
        """The twin's documents."""
        def look() -> dict[str, Any]:
            return self._told(self._library(self._twin(request, user))) | {"reader": self._offered()}
        return answer(await asyncio.to_thread(look))

    async def add(self, request: Request, user: User) -> Response:
        """Add a document: the body is the file. NDJSON: a line of progress at a time, at last {"document", ...} or {"error"}. A page that goes away
        cancels, and nothing is changed. x-twin-model: 1 lets the model server that thinks read relations too; then the document's text goes there."""
        name, private = text_of(request, "x-twin-name", 400) or "document", request.headers.get("x-twin-private") == "1"
        language, by_model = language_of(request), request.headers.get("x-twin-model") == "1"
        twin = self._twin(request, user)
        twin.read("persona.yaml")                        # raises Locked
        self.shelf.admit()
        if user.id in self._reading:
            raise Refused("A document is being read already.", "Wait until it is ready.", code="busy", zh=("正在阅读另一份文档。", "请等它完成。"))
        self._reading.add(user.id)
        try:
            async with self.bodies.take(request, user.id, MOST_BYTES) as data:
                held = data
        except BaseException:
            self._reading.discard(user.id)
            raise
        return stream(self._adding(user, twin.id, name, held, private, by_model), language, lambda: self._reading.discard(user.id))

    def _adding(self, user: User, twin: str, name: str, data: bytes, private: bool, by_model: bool = False) -> Iterator[dict[str, Any]]:
        yield _step("read", 0.0)
        reader = reading(name, data)
        found: Read
        with closing(reader):
            while True:
                try:
                    yield _step("read", 0.3 * next(reader))
                except StopIteration as end:
                    found = end.value
                    break
        yield _step("learn", 0.3)
        with closing(_Model(self.reader() if by_model else None)) as model, self._changing(user.id, twin) as (library, keep):
            blocks = [(block.text, block.page, block.heading) for block in found.blocks]
            about = {"title": found.title, "kind": found.kind, "size": len(data), "added": datetime.now(UTC).date().isoformat(), "private": private}
            with _clear():
                for done in library.adding(name, blocks, found.pages, ask=model.ask if model.there else None, **about):
                    yield _step("learn", 0.3 + 0.65 * done)
            yield _step("keep", 0.97)
            keep()
            self._reading.discard(user.id)               # before the last line: whoever reads it may bring the next at once
            yield self._told(library) | {"document": library.documents[-1].told(), "notes": [{"en": en, "zh": zh} for en, zh in (*found.notes, *model.notes)]}

    def _offered(self) -> dict[str, Any] | None:
        """Which server's model could read relations."""
        reader = self.reader()
        if reader is None:
            return None
        with closing(reader):
            return {"host": reader.host, "here": reader.here}

    async def show(self, request: Request, user: User) -> Response:
        """What was read of a document, from passage ?from=N on: at most SHOWN."""
        first = request.query_params.get("from", "0")

        def look() -> dict[str, Any]:
            document = _of(self._library(self._twin(request, user)), request.path_params["document"])
            low = int(first) if first.isascii() and first.isdigit() and len(first) < 7 else 0
            rows = document.passages[low:low + SHOWN]
            passages = [{"text": joined(held), "page": page, "heading": heading} for held, page, heading in rows]
            return {"document": document.told(), "from": low, "passages": passages}
        return answer(await asyncio.to_thread(look))

    async def change(self, request: Request, user: User) -> Response:
        """Keep a document private, {"private": true}: it is used at home, and goes nowhere with a twin that is shared. Or not."""
        asked = await json_of(request)
        if not isinstance(asked.get("private"), bool):
            raise Refused("The server could not read what the page sent.", "Reload the page.", code="garbage",
                          zh=("服务器看不懂页面发来的内容。", "请刷新页面。"))
        return answer(await asyncio.to_thread(self._changed, request, user, lambda library, own: library.keep_private(own, asked["private"])))

    async def remove(self, request: Request, user: User) -> Response:
        """Remove a document and all that was learnt from it."""
        return answer(await asyncio.to_thread(self._changed, request, user, Library.remove))

    async def find(self, request: Request, user: User) -> Response:
        """Try a question, {"text"}: {"passages"}, those nearest to it, best first, with the sentence that answers and whether it would be said."""
        asked, language = await json_of(request), language_of(request)
        text = asked.get("text")
        if not isinstance(text, str) or not text.strip():
            raise Refused("There is no question.", "Write one.", code="empty", zh=("没有问题。", "请写一个问题。"))

        def look() -> dict[str, Any]:
            from persona.words import language_of as written
            found = self._library(self._twin(request, user)).find(text[:500], written(text, (), language))
            return {"passages": [{"text": one.text, "source": one.source, "best": one.best, "score": one.score, "said": one.score >= SURE,
                                  "document": one.document, "number": one.number, **one.place} for one in found]}
        return answer(await asyncio.to_thread(look))

    async def graph(self, request: Request, user: User) -> Response:
        """Who and what is known and how it is related: {"nodes", "edges"}, of the card, the documents, and what the user told the
        twin, each edge with its source sentence. A twin's graph is shown to its owner alone."""
        language = language_of(request)

        def look() -> dict[str, Any]:
            twin = self._twin(request, user)
            twin.read("persona.yaml")
            library = self._library(twin)
            graph = of_persona(twin.persona, language if language in twin.persona.languages else (twin.persona.languages or ("en",))[0])
            for document in library.documents:
                graph.take(document.edges, document.title)
            memory = self.memories.of(user.id, twin.id) if self.memories is not None and twin.id in self.memories.twins(user.id) else None
            if memory is not None:
                of_user(memory.facts(), language, graph)
            return graph.to_dict() | {"me": twin.persona.text("name", language)}
        return answer(await asyncio.to_thread(look))

    def _changed(self, request: Request, user: User, work: Callable[[Library, str], Any]) -> dict[str, Any]:
        twin = self._twin(request, user)
        with self._changing(user.id, twin.id) as (library, keep):
            _of(library, request.path_params["document"])
            work(library, request.path_params["document"])
            keep()
            return self._told(library)

    @contextmanager
    def _changing(self, owner: str, name: str) -> Iterator[tuple[Library, Callable[[], None]]]:
        """(the library as it lies there, what writes it): changes of one twin take turns."""
        with self._guard:
            lock = self._locks.get((owner, name)) or threading.RLock()
            self._locks[owner, name] = lock
        with lock:
            library = self._library(self.shelf.get(owner, name))
            yield library, lambda: self.shelf.note(owner, name, FILE, library.packed())

    def _library(self, twin: Twin) -> Library:
        twin.read("persona.yaml")                        # raises Locked
        with _clear():
            return Library(data=twin.read(FILE) if twin.has(FILE) else b"", embed=self.embed)

    def _twin(self, request: Request, user: User) -> Twin:
        return self.shelf.get(user.id, request.path_params["name"])

    def _told(self, library: Library) -> dict[str, Any]:
        return {"documents": [document.told() for document in library.documents], "passages": len(library),
                "most": {"documents": MOST_DOCUMENTS, "passages": MOST_PASSAGES, "bytes": MOST_BYTES}}


class _Model:
    """A model that reads relations, asked until it fails once: then the rules' are kept, and that is noted."""

    def __init__(self, reader: Any):
        self._reader, self.notes = reader, list[tuple[str, str]]()

    @property
    def there(self) -> bool:
        return self._reader is not None

    def ask(self, messages: list[dict[str, Any]], schema: dict[str, Any]) -> str:
        if self.notes:
            return ""
        try:
            answer: str = self._reader.ask(messages, schema)
            return answer
        except TwinError as error:
            self.notes.append((f"{error.message} Relations were read by rules alone.", "模型服务器没有回答，关系只按规则读取。"))
            return ""

    def close(self) -> None:
        if self._reader is not None:
            self._reader.close()


@contextmanager
def _clear() -> Iterator[None]:
    """What persona has to say about documents, as this room says it."""
    try:
        yield
    except DocumentError as error:
        raise Refused(error.message, error.hint, code="document", zh=error.zh if error.zh[0] else None) from None


def _of(library: Library, own: str) -> Any:
    found = next((document for document in library.documents if document.id == own), None)
    if found is None:
        raise Missing("There is no such document.", "Reload the list.", code="no-document", zh=("没有这份文档。", "请刷新列表。"))
    return found


def _step(step: str, done: float) -> dict[str, Any]:
    en, zh = STEPS[step]
    return {"step": step, "done": round(done, 3), "note": {"en": en, "zh": zh}}
