"""The real server, counting which of its own lines a request runs: what stands behind a figure of `bench attack`.

`python -m bench.watched` is `python app.py` whose modules twin.* and persona.* have a counter put into them while they are imported: before every
statement of what faces the network, at the head of every function and branch elsewhere. A case (one request, one message of a socket) is *deep* when it
runs a line that no refused case ever ran; which those are is learned first, from requests without a login, of other sites, of garbage. Besides, whatever
the process connects to, and what it writes outside its own folders, is kept (PEP 578), for no request may make it do either.

GET /-/watched tells all of it; POST /-/watched/learn and /-/watched/learned begin and end the learning. TWIN_STUB=1: around backends that cost nothing.
"""
from __future__ import annotations

import ast
import asyncio
import ctypes
import gc
import importlib.machinery
import os
import sys
import tempfile
import threading
from collections import defaultdict
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from contextvars import ContextVar
from pathlib import Path
from types import CodeType, ModuleType
from typing import Any, cast

FINE = ("twin.wire", "twin.page", "twin.users")          # each statement is counted
PATH = "/-/watched"
HEADER = b"x-case"
COMPILED = {"njit", "fast"}                              # numba's, and its short names in twin/paint: it knows no counter


class Case:
    """What one request or message ran."""
    deep = False


CASE: ContextVar[Case | None] = ContextVar("case", default=None)


class Watch:
    """`ran[n]`, `shallow[n]`: whether the n-th counter was run at all, and by a refused case."""

    def __init__(self) -> None:
        self.ran, self.shallow, self.where = bytearray(), bytearray(), list[str]()
        self.learning = False
        self.cases: dict[str, list[int]] = defaultdict(lambda: [0, 0])       # a group or a door -> [cases, deep ones]
        self.deep: set[str] = set()                      # requests: a case may make several
        self.connected: set[str] = set()
        self.wrote: set[str] = set()
        self.started: set[str] = set()

    def new(self, where: str) -> int:
        self.ran.append(0)
        self.shallow.append(0)
        self.where.append(where)
        return len(self.ran) - 1

    def hit(self, n: int) -> None:
        case = CASE.get()
        if case is None:
            return
        self.ran[n] = 1
        if self.learning:
            self.shallow[n] = 1
        elif not self.shallow[n]:
            case.deep = True

    def note(self, names: Sequence[str], case: Case) -> None:
        if not self.learning:
            for name in names:
                row = self.cases[name]
                row[0] += 1
                row[1] += case.deep

    def told(self) -> dict[str, Any]:
        behind = sum(ran and not shallow for ran, shallow in zip(self.ran, self.shallow))
        return {"cases": self.cases, "counters": len(self.ran), "ran": sum(self.ran), "shallow": sum(self.shallow), "behind": behind,
                "connected": sorted(self.connected), "wrote": sorted(self.wrote), "started": sorted(self.started)}


WATCH = Watch()


# counters in the code ----------------------------------------------------------------------------------------------------------------------


class Counting(ast.NodeTransformer):
    """A call of __hit__ at the head of each function and branch; `fine`: before each statement."""

    def __init__(self, module: str, fine: bool):
        self.module, self.fine = module, fine

    def visit_FunctionDef(self, node: ast.FunctionDef) -> ast.AST:                                     # noqa: N802  (ast's names)
        return self._function(node)

    def visit_AsyncFunctionDef(self, node: ast.AsyncFunctionDef) -> ast.AST:                           # noqa: N802
        return self._function(node)

    def _function(self, node: ast.FunctionDef | ast.AsyncFunctionDef) -> ast.AST:
        if not any(ast.unparse(mark).partition("(")[0].rpartition(".")[2] in COMPILED for mark in node.decorator_list):
            node.body = self._counted(node.body)
        return node

    def _counted(self, body: list[ast.stmt], loop: bool = False) -> list[ast.stmt]:
        made: list[ast.stmt] = []
        due = self.fine or not loop                      # a loop's own head would cost the most and tell the least
        for k, statement in enumerate(body):
            said = k == 0 and isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Constant)            # a docstring stays the first
            if due and not said:
                made.append(self._hit(statement))
                due = self.fine
            made.append(self._inside(statement))
        return made

    def _inside(self, statement: ast.stmt) -> ast.stmt:
        if isinstance(statement, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)):
            return cast(ast.stmt, self.visit(statement))
        for name in ("body", "orelse", "finalbody"):
            if inner := getattr(statement, name, None):
                setattr(statement, name, self._counted(inner, isinstance(statement, (ast.For, ast.While, ast.AsyncFor))))
        for part in (*getattr(statement, "handlers", ()), *getattr(statement, "cases", ())):
            part.body = self._counted(part.body)
        return statement

    def _hit(self, at: ast.stmt) -> ast.stmt:
        call = ast.Expr(ast.Call(ast.Name("__hit__", ast.Load()), [ast.Constant(WATCH.new(f"{self.module}:{at.lineno}"))], []))
        return ast.fix_missing_locations(ast.copy_location(call, at))


class Loader(importlib.machinery.SourceFileLoader):
    def get_code(self, fullname: str) -> CodeType:
        """Never from a kept .pyc, nor into one."""
        source = self.get_data(self.path)
        tree = ast.parse(source, self.path)
        Counting(fullname, fullname.startswith(FINE)).visit(tree)
        return cast(CodeType, compile(ast.fix_missing_locations(tree), self.path, "exec", dont_inherit=True))

    def exec_module(self, module: ModuleType) -> None:
        module.__dict__["__hit__"] = WATCH.hit
        super().exec_module(module)


class Finder:
    @staticmethod
    def find_spec(name: str, path: Any = None, target: Any = None) -> Any:
        if name.partition(".")[0] not in ("twin", "persona"):
            return None
        spec = importlib.machinery.PathFinder.find_spec(name, path, target)
        if spec is not None and isinstance(spec.loader, importlib.machinery.SourceFileLoader) and spec.origin:
            spec.loader = Loader(name, spec.origin)
        return spec


# what the process does to the world -------------------------------------------------------------------------------------------------------


def guard(own: Sequence[str]) -> None:
    """Keep what is connected to, and what is written outside these folders."""
    busy = threading.local()

    def hook(event: str, given: tuple[Any, ...]) -> None:
        if event not in ("socket.connect", "open", "subprocess.Popen") or getattr(busy, "yes", False):
            return
        busy.yes = True
        try:
            if event == "socket.connect":
                WATCH.connected.add(str(given[1])[:200])
            elif event == "subprocess.Popen":
                WATCH.started.add(f"{Path(str(given[0])).name} {' '.join(map(str, given[1][1:3]))}"[:100])
            elif isinstance(given[0], (str, bytes)) and isinstance(given[2], int) and given[2] & (os.O_WRONLY | os.O_RDWR | os.O_CREAT):
                path = os.path.realpath(os.fsdecode(given[0]))
                if not path.startswith((*own, "/dev/", "/proc/")) and "__pycache__" not in path:          # numba keeps what it compiled there
                    WATCH.wrote.add(path[:200])
        except (ValueError, TypeError, OSError, IndexError):
            pass
        finally:
            busy.yes = False
    sys.addaudithook(hook)


# cases ------------------------------------------------------------------------------------------------------------------------------------


def follow() -> None:
    """Each request, hello and message becomes a case."""
    from twin.wire import gate, live, session
    from twin.wire.requests import SHAPES
    through, take, open_ = gate.Gate.__call__, session.Session.receive, live.Sessions.open

    async def call(self: gate.Gate, scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] != "http":
            return await through(self, scope, receive, send)
        if scope["path"].startswith(PATH):
            return await _tell(scope, receive, send)
        name = dict(scope["headers"]).get(HEADER, b"").decode("latin-1")
        case, method = Case(), scope["method"]
        token = CASE.set(case) if name else None
        try:
            return await through(self, scope, receive, send)
        finally:
            if token is not None:
                CASE.reset(token)
                WATCH.note((f"{method} {self._route(scope)}",), case)
                if case.deep and not WATCH.learning and name not in WATCH.deep:
                    WATCH.deep.add(name)
                    WATCH.cases[name.partition("/")[0]][1] += 1

    async def within(names: Sequence[str], work: Callable[[], Awaitable[Any]]) -> Any:
        outer, case = CASE.get(), Case()
        token = CASE.set(case)
        try:
            return await work()
        finally:
            CASE.reset(token)
            if outer is not None:                        # carried by a request, which is the case
                outer.deep = outer.deep or case.deep
                names = names[1:]
            WATCH.note(names, case)

    async def receive(self: Any, message: Any) -> bool:
        kind = "sound" if isinstance(message, (bytes, bytearray)) else message.get("type") if isinstance(message, dict) else "?"
        return bool(await within(("message", str(kind) if isinstance(kind, str) and kind in SHAPES else "?"), lambda: take(self, message)))

    async def opened(self: Any, hello: Any, holder: object, address: str = "") -> Any:
        return await within(("message", "hello"), lambda: open_(self, hello, holder, address))

    for owner, name, made in ((gate.Gate, "__call__", call), (session.Session, "receive", receive), (live.Sessions, "open", opened)):
        setattr(owner, name, made)


async def _tell(scope: Any, receive: Any, send: Any) -> None:
    from starlette.responses import JSONResponse
    if scope["path"].endswith("/learn"):
        WATCH.learning = True
    elif scope["path"].endswith("/learned"):
        WATCH.learning = False
    gc.collect()                                         # what nobody awaited is told now
    with suppress(OSError, AttributeError):              # glibc: free pages go back, so that memory is what is held
        ctypes.CDLL("libc.so.6").malloc_trim(0)
    told = WATCH.told() | {"tasks": len(asyncio.all_tasks()), "threads": threading.active_count(), "objects": len(gc.get_objects()),
                           "routes": sorted({(method, path) for path, methods in _routes(scope["app"].routes) for method in methods})}
    if scope["path"].endswith("/where"):
        told["where"] = [where for where, ran, shallow in zip(WATCH.where, WATCH.ran, WATCH.shallow) if ran and not shallow]
    await JSONResponse(told)(scope, receive, send)


def _routes(routes: Any, front: str = "") -> list[tuple[str, list[str]]]:
    """(path, methods) of all that an application serves, also what is mounted in it."""
    found: list[tuple[str, list[str]]] = []
    for route in routes:
        path = front + str(getattr(route, "path", ""))
        if getattr(route, "methods", None):
            found.append((path.replace(":path}", "}"), sorted(set(route.methods) - {"HEAD"})))
        elif getattr(route, "routes", None):
            found += _routes(route.routes, path)
        elif type(route).__name__ == "Mount":
            found.append((f"{path}/{{path}}", ["GET"]))
        elif "WebSocket" in type(route).__name__:
            found.append((path, ["WS"]))
    return found


def main() -> int:
    sys.meta_path.insert(0, cast(Any, Finder))
    from twin.settings import load
    settings = load([])
    guard([str(Path(folder).resolve()) for folder in (settings.folder("data"), settings.folder("cache"), tempfile.gettempdir())])
    follow()
    if os.environ.get("TWIN_STUB"):
        from twin import serve

        from .loopback import StubRegistry
        serve.__dict__["Registry"] = StubRegistry
    import app
    return app.main([])


if __name__ == "__main__":
    sys.modules["bench.watched"] = sys.modules["__main__"]
    sys.exit(main())


