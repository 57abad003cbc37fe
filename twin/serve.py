"""Everything put together and served: the registry's engines, the twins, the page, the live channel, the files.

Gradio's own leaking defaults are off: no analytics, no monitoring, no run history, no share link, no readable cache beside ours.
"""
from __future__ import annotations

import asyncio
import contextlib
import errno
import hmac
import importlib.util
import logging
import os
import secrets
import shutil
import signal
import socket
import tempfile
import threading
import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

from . import logs
from .errors import Missing, Refused
from .registry import Registry
from .settings import Settings
from .store import Conversations, Memories, Shelf, Twins, sweep
from .users import Users

WEB = Path(__file__).resolve().parents[1] / "assets" / "web"
SPEAKING = 8             # conversations that one core keeps speaking
PLACES = 200             # generators that Gradio may run at once; each reader of its event stream holds one
log = logging.getLogger("twin.serve")


class Server:
    """`start()`, then `wait()` for Ctrl-C or SIGTERM, or `close()`."""

    def __init__(self, settings: Settings):
        logs.begin(settings.log, settings.log_format)
        self.settings = settings
        self.https = settings.https
        self.host = "0.0.0.0" if settings.host == Settings.host and (self.https or "SPACE_ID" in os.environ) else settings.host
        self.registry = Registry(settings)
        self.data = settings.folder("data")
        self.shared = settings.shared or "SPACE_ID" in os.environ
        self._page: Any = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._sessions: Any = None
        self._drafts: Any = None
        self._lessons: Any = None
        self._trials: Any = None
        self._door: Any = None
        self._models: Any = None
        self._studio: Any = None
        self._temporary = ""
        self._stop = threading.Event()

    @property
    def url(self) -> str:
        name = "localhost" if self.host in ("0.0.0.0", "::", "127.0.0.1") else f"[{self.host}]" if ":" in self.host else self.host
        return f"{'https' if self.https else 'http'}://{name}:{self.settings.port}/"

    def start(self) -> None:
        """Serve on a thread of its own. Raises TwinError with a way out when the address is taken or not ours."""
        _check_address(self.host, self.settings.port)
        _more_files()
        pages = self.settings.folder("cache") / "page"                          # nothing of a user is ever put there
        pages.mkdir(parents=True, exist_ok=True, mode=0o700)
        sweep.half_made(pages)                                                  # those of servers that were killed
        self._temporary = tempfile.mkdtemp(prefix=f".new-{os.getpid()}-", dir=pages)
        os.environ["GRADIO_TEMP_DIR"] = self._temporary
        from .store.derived import OWN
        self._shelf = Shelf(self.data, shared=self.shared, caches=(self.settings.folder("cache") / OWN,))
        self._shelf.temporary = Path(self._temporary)
        os.environ["GRADIO_ANALYTICS_ENABLED"] = "False"
        from . import page  # imports Gradio, which reads both at import time
        from .page.api import Endpoints
        from .page.transport import Transport
        from .wire.live import Sessions
        self._sessions = Sessions(self._rooms())
        self.registry.hire()
        self._page = page.build(self.settings)
        served = self._served()
        with self._page:
            Transport(self._sessions).register()
            Endpoints(served.api, served.own).register()
        options: dict[str, Any] = dict(getattr(page, "launch_options", dict)())
        if self.https:
            from .certificate import certificate
            cert, key = certificate(self.data)
            options |= {"ssl_certfile": str(cert), "ssl_keyfile": str(key), "ssl_verify": False}
        try:
            self._page.launch(
                server_name=self.host, server_port=self.settings.port, prevent_thread_lock=True, quiet=True, inbrowser=False, share=False,
                strict_cors=True, run_history=False, enable_monitoring=False, mcp_server=False, ssr_mode=False, max_threads=PLACES,
                allowed_paths=[], blocked_paths=[str(self.data)], max_file_size="25mb",
                app_kwargs={"lifespan": self._lifespan, "routes": served.routes}, **options)
        except OSError as error:
            raise Refused(f"Nothing could be served on port {self.settings.port}: {error}.", "Choose another: PORT=7861 make run") from None
        if self._loop:                                   # set by the lifespan, before launch returns
            asyncio.run_coroutine_threadsafe(self._wake(), self._loop)

    async def _wake(self) -> None:
        """The twin that the page begins with, the engines, Gradio's door (its first answer takes two seconds), then the other twins."""
        rooms = self._sessions.rooms
        await self._host.warm([rooms.twins[rooms.first]])
        await self.registry.wake()
        import httpx
        with contextlib.suppress(httpx.HTTPError):
            async with httpx.AsyncClient(verify=False, trust_env=False, timeout=30.0) as http:
                await http.post(f"{self.url}gradio_api/run/live_send", json={"data": ["{}"]})
        await self._host.warm(rooms.twins.values())

    def welcome(self) -> str:
        """What is printed once the page is up: where it is, and who is not."""
        lines = [f"Talk at {self.url}", *(f"{error.message} {error.hint}" for error in self._sessions.rooms.twins.trouble)]
        if self.https:
            from .certificate import addresses, picture
            for address in addresses():
                there = f"https://{address}:{self.settings.port}/"
                lines += [f"On a phone in the same network: {there}   (it warns once: the certificate is our own)", picture(there)]
        return "\n".join(lines)

    def wait(self) -> None:
        """Until Ctrl-C or SIGTERM; then finish the sentences that are being said, and close. A second one stops at once. From the main thread."""
        for name in ("SIGINT", "SIGTERM", "SIGBREAK"):
            if hasattr(signal, name):
                signal.signal(getattr(signal, name), lambda *_: self._stop.set())
        while not self._stop.wait(1.0):                  # Windows delivers no signal into an endless wait
            pass
        print("Stopping.", flush=True)
        self._stop.clear()
        self.finish(self.settings.grace, self._stop)
        self.close()

    def finish(self, seconds: float, enough: threading.Event | None = None) -> None:
        """Let nobody in and nobody begin, and wait until what is being said has been said, so long at the most or until `enough`."""
        if self._loop and self._sessions:
            done = asyncio.run_coroutine_threadsafe(self._sessions.finish(seconds), self._loop)
            end = time.monotonic() + seconds + 1.0
            while not done.done() and time.monotonic() < end and not (enough and enough.is_set()):
                with contextlib.suppress(TimeoutError):
                    done.result(0.2)

    def close(self) -> None:
        """Keep all conversations, say goodbye to the sockets, free the port."""
        if self._loop and self._sessions:
            with contextlib.suppress(TimeoutError):
                asyncio.run_coroutine_threadsafe(self._sessions.close(), self._loop).result(5.0)
        if self._page:
            self._page.close(verbose=False)
        if self._drafts:
            self._drafts.close()
        if self._lessons:
            self._lessons.close()
        if self._trials:
            self._trials.close()
        if self._models:
            self._models.fetches.close()
        if self._studio:
            self._studio.close()
        if self._sessions and self._sessions.rooms.memories:
            self._sessions.rooms.memories.close()
        self.registry.close()
        if self._temporary:
            shutil.rmtree(self._temporary, ignore_errors=True)

    @contextlib.asynccontextmanager
    async def _lifespan(self, app: Any) -> AsyncIterator[None]:
        from .page.doors import Doors
        from .wire.gate import Gate
        self._loop = asyncio.get_running_loop()
        app.middleware_stack = Gate(app.middleware_stack, self._door, Doors(self._page))        # outside of all that Gradio put there
        logs.adopt()
        yield

    def _make_door(self) -> Any:
        from .wire.door import Door
        from .wire.limits import Limits
        said = self.settings
        frames = (*_listed(said.frames), *(("https://huggingface.co", "https://*.hf.space") if "SPACE_ID" in os.environ else ()))
        users = Users(said.users, visitors=said.visitors, owners=_listed(said.owners), secret=self._secret())
        return Door(users, Limits(said.limits), _listed(said.origins), frames, said.proxies or int("SPACE_ID" in os.environ))

    def _secret(self) -> bytes:
        """Of this installation: what is sealed for somebody without a password is sealed under a key that comes of it."""
        if self._shelf.secret is not None:
            return hmac.digest(self._shelf.secret, b"twin users", "sha256")
        path = self.data / "users.key"
        try:
            return bytes.fromhex(path.read_text().strip())
        except (OSError, ValueError):
            secret = secrets.token_bytes(32)
            if self.settings.users:                      # at home nobody needs it
                path.parent.mkdir(parents=True, exist_ok=True)
                path.unlink(missing_ok=True)
                with open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
                    file.write(secret.hex())
            return secret

    def _rooms(self) -> Any:
        from .meet import Host
        from .wire.places import Places
        from .wire.session import Rooms
        twins = Twins(Path(self.settings.twins).expanduser()) if self.settings.twins else Twins()
        self._door = self._make_door()
        self._host = host = Host(self.registry)
        self._shelf.dropped = host.forget
        return Rooms(
            twins=twins, saved=Conversations(self.data, key=self._shelf.key), shelf=self._shelf, talk=host.converse,
            memories=None if "SPACE_ID" in os.environ and not self.settings.users else Memories(self._shelf, lambda: self.registry.embedder),
            endpointer=self.registry.endpointer, engines=self._engines,
            hearing=self._hearing, awake=self.registry.awake, first=twins.first(self.settings.twin).id,
            door=self._door, most=self.settings.conversations,
            speaking=Places(self.settings.speaking or SPEAKING * (os.cpu_count() or 2), "speak"), studio=_paints())

    def _served(self) -> Any:
        from .create import Drafts
        from .create.lessons import Lessons
        from .meet import mood
        from .wire.checking import Checking
        from .wire.consents import Consents
        from .wire.goods import Goods
        from .wire.knowledge import Knowledge
        from .wire.memory import Memory
        from .wire.mine import Mine
        from .wire.models import Models
        from .wire.routes import served
        from .wire.words import Teaching
        self._shelf.present = self._sessions.present
        self._drafts, self._lessons = Drafts(self._shelf, embed=self.registry.embedder), Lessons(self._shelf)

        def speak(text: str, voice: Any, language: str) -> Any:
            return self.registry.crew().speak.stream(text, voice, mood("neutral"), language)

        def film(twin: Any, text: str, out: Path, aspect: str, captions: bool) -> Any:
            from . import render
            return render.film(self.registry, twin, text, out, aspect=aspect, captions=captions)
        sharing = self._sharing()
        self._models = Models(self.registry, self._sessions, self._door, home=not self.shared)
        if _paints():
            from .wire.studio import Studio
            self._studio = Studio(self._door, home=not self.shared)

        def gone(owner: str) -> None:
            sharing.forget(owner)
            if self._sessions.rooms.memories:
                self._sessions.rooms.memories.let_go(owner)
        return served(WEB, self._sessions, self._shelf, self._drafts, speak, film, self.settings.metrics,
                      *Checking(WEB, self.data, self._door).routes(),
                      *Knowledge(self._shelf, self._door, self.registry.embedder, self.registry.reader, self._sessions.rooms.memories).routes(),
                      *Goods(self._shelf, self._door).routes(),
                      *Memory(self._sessions, self._door).routes(), *self._models.routes(), *(self._studio.routes() if self._studio else ()),
                      *Teaching(self._shelf, self._door, self._lessons, self.registry.pupil).routes(),
                      *Consents(self._shelf, self._sessions, self._door, home=not self.shared).routes(),
                      *Mine(self._shelf, self._drafts, self._sessions, self._door, home=not self.shared, gone=gone).routes(), *sharing.routes())

    def _sharing(self) -> Any:
        from .share.trial import Trials
        from .wire.sharing import Sharing

        def page(twin: Any, languages: Any, endpoint: str) -> Any:
            from .share import alone
            return alone.html(self._host, twin, languages=languages, endpoint=endpoint)
        self._trials = Trials(self._shelf)
        return Sharing(self._shelf, self._sessions.rooms.twins, self._door, page, self._trials, home=not self.shared)

    def _engines(self) -> dict[str, dict[str, str]]:
        told = {}
        for task in ("listen", "think", "speak"):
            engine = self.registry.engines[task]
            missing = f"needs {', '.join(engine.backend.missing)}: {engine.backend.install}" if engine.backend.missing else ""
            told[task] = {"name": engine.label, "note": missing or engine.why} | ({"away": engine.away} if engine.away else {})
        return told

    def _hearing(self) -> dict[str, bool]:
        engine = self.registry.engines["listen"]
        return {language: not engine.backend.missing and (not engine.languages or language in engine.languages) for language in ("en", "zh")}


def _listed(text: str) -> tuple[str, ...]:
    """Sites or names between commas."""
    return tuple(part.strip().lower().rstrip("/") for part in text.split(",") if part.strip())


def _more_files() -> None:
    """Each page holds a socket, and a socket is a file: as many as the system allows, not as few as it begins with."""
    try:
        import resource
        soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, min(hard, 65_536) if hard != resource.RLIM_INFINITY else 65_536), hard))
    except (ImportError, ValueError, OSError):           # no such bound on Windows
        pass


def _check_address(host: str, port: int) -> None:
    """Raises TwinError when nobody could listen there."""
    try:
        family, kind, proto, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        with socket.socket(family, kind, proto) as trial:
            if os.name == "posix":                       # on Windows the option would let two programs share the port
                trial.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            trial.bind(address)
    except OSError as error:
        if error.errno == errno.EADDRINUSE:
            other = f"Choose another: PORT={port + 1} make run   (or: python app.py --port {port + 1})"
            raise Refused(f"Port {port} is taken by another program.", other) from None
        if error.errno == errno.EACCES:
            raise Refused(f"Port {port} needs more rights.", "Choose one above 1023: PORT=7860 make run") from None
        hint = "HOST=127.0.0.1 is this machine alone, HOST=0.0.0.0 lets others in."
        raise Missing(f"{host} is no address of this machine ({error.strerror or error}).", hint) from None
    except OverflowError:
        raise Refused(f"There is no port {port}.", "Choose one from 1 to 65535.") from None


def _paints() -> bool:
    """Whether what paints faces is here: an exported Space goes without."""
    return importlib.util.find_spec("twin.paint") is not None
