"""A real server with the smallest real backends, on a port of its own: for the tests of both transports."""
from __future__ import annotations

import asyncio
import contextlib
import socket
import threading
import time
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import uvicorn
from conftest import ROOT, Mind, crew_of
from starlette.applications import Starlette

from twin.conversation import Conversation
from twin.create import Drafts
from twin.create.lessons import Lessons
from twin.registry import Registry
from twin.settings import Settings
from twin.share.trial import Trials
from twin.store import Conversations, Memories, Shelf, Twins
from twin.types import Mood
from twin.users import Users
from twin.wire.checking import Checking
from twin.wire.consents import Consents
from twin.wire.door import Door
from twin.wire.gate import Gate
from twin.wire.goods import Goods
from twin.wire.knowledge import Knowledge
from twin.wire.limits import Limits
from twin.wire.live import Sessions
from twin.wire.memory import Memory
from twin.wire.mine import Mine
from twin.wire.models import Models
from twin.wire.places import Places
from twin.wire.routes import served
from twin.wire.session import Rooms
from twin.wire.sharing import Sharing
from twin.wire.studio import Studio
from twin.wire.words import Teaching


def watched(context: Any, address: str, faults: list[str], fine: str = "") -> Any:
    """A page of a browser context; errors of its console and requests that leave the server go to `faults`. `fine`: what a console may say."""
    page = context.new_page()
    page.on("console", lambda said: faults.append(f"console: {said.text}") if said.type == "error" and not (fine and fine in said.text) else None)
    page.on("pageerror", lambda error: faults.append(f"error: {error}"))
    page.on("request", lambda asked: faults.append(f"left the machine: {asked.url}")
            if not asked.url.startswith((address, "data:", "blob:", address.replace("http", "ws"))) else None)
    return page


class Clicks:
    """The smallest endpointer: a loud chunk begins speech, a quiet one ends the utterance."""

    def __init__(self):
        self.said = []
        self.talking, self.reference = False, None

    def push(self, chunk):
        from twin.types import Audio
        loud, found = abs(chunk.astype(int)).max() > 1000, []
        if loud and not self.said:
            found.append(("speech", None))
        if loud:
            self.said.append(chunk)
        elif self.said:
            import numpy as np
            found += [("utterance", Audio(np.concatenate(self.said).astype(np.float32) / 32768, 16_000)), ("silence", None)]
            self.said = []
        return found


class Place:
    """`with Place(tmp_path, think=...) as place:` -> place.url, place.sessions, place.rooms. `gradio=True` serves as app.py does, `stage=True` the page too.
    `pages`: what makes a twin's page in one file (wire/sharing.py)."""

    def __init__(self, data: Path, *, gradio: bool = False, mind: Any = None, linger: float = 60.0, asleep: bool = False, most: int = 64,
                 shared: bool = False, door: Door | None = None, speaking: int = 64, stage: bool = False, pages: Any = None,
                 registry: Registry | None = None, home: bool = True, endpointer: Any = Clicks, **parts: Any):
        self.stage, self.pages = stage, pages
        self.registry, self.real, self.home = registry or Registry(Settings(data=str(data))), registry is not None, home
        self.crew = crew_of(**parts)
        door = door or Door(Users(), Limits(0), ("https://listed.example",))
        self.made: list[Conversation] = []
        mind = mind or Mind()

        def talk(twin, send, language, history):
            made = Conversation(SimpleNamespace(id=twin.id, voice=twin.voice), self.crew, mind, lambda name: Mood(name), send,
                                language=language, history=history)
            self.made.append(made)
            return made

        self.shelf = Shelf(data, shared=shared, caches=(data / "cache",))
        self.drafts, self.lessons = Drafts(self.shelf), Lessons(self.shelf)
        self.pupil: Any = lambda: None                   # the model that learns from words
        self.reader: Any = lambda: None                  # the model that reads documents
        self.studio = Studio(door, home=home)
        self.rooms = Rooms(Twins(), Conversations(data, key=self.shelf.key), talk, endpointer, self.engines,
                           lambda: {"en": True, "zh": False}, linger=linger, most=most, door=door, shelf=self.shelf, memories=Memories(self.shelf),
                           speaking=Places(speaking, "speak"), studio=True)
        if not asleep:
            self.rooms.awake.set()
        self.sessions = Sessions(self.rooms)
        self.shelf.present = self.sessions.present
        self.gradio = gradio
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]
        self.url = f"http://127.0.0.1:{self.port}/"
        self.loop: asyncio.AbstractEventLoop | None = None

    def engines(self):
        """As a server tells them, where there are any."""
        return {task: {"name": self.registry.engines[task].label, "note": ""} for task in ("listen", "think", "speak")} if self.real else {
            "think": {"name": "echo", "note": ""}}

    def served(self):
        def speak(text, voice, language):
            return self.crew.speak.stream(text, voice, Mood(), language)

        def film(twin, text, out, aspect, captions):
            from twin.render import film
            return film(SimpleNamespace(crew=lambda: self.crew), twin, text, out, aspect=aspect, captions=captions, short=128, fps=15)

        def page(twin, languages, endpoint):
            assert self.pages, "pages in one file are made in test_alone.py"
            return self.pages(twin, languages, endpoint)
        web, door = ROOT / "assets" / "web", self.rooms.door
        return served(web, self.sessions, self.shelf, self.drafts, speak, film, "local", *Checking(web, self.shelf.data, door).routes(),
                      *Knowledge(self.shelf, door, reader=lambda: self.reader(), memories=self.rooms.memories).routes(), *Goods(self.shelf, door).routes(), *Memory(self.sessions, door).routes(),
                      *Models(self.registry, self.sessions, door, home=self.home).routes(), *self.studio.routes(), *Consents(self.shelf, self.sessions, door).routes(), *Mine(self.shelf, self.drafts, self.sessions, door).routes(),
                      *Teaching(self.shelf, door, self.lessons, lambda: self.pupil()).routes(),
                      *Sharing(self.shelf, self.rooms.twins, door, page, Trials(self.shelf)).routes())

    @contextlib.asynccontextmanager
    async def lifespan(self, app):
        from twin.page.doors import Doors
        self.loop = asyncio.get_running_loop()
        app.middleware_stack = Gate(app.middleware_stack, self.rooms.door, Doors(self.page) if self.gradio else None)
        yield

    def run(self, work):
        """Run a coroutine in the server's loop."""
        return asyncio.run_coroutine_threadsafe(work, self.loop).result(10)

    def __enter__(self) -> Place:
        if self.gradio:
            import gradio as gr

            from twin.page.api import Endpoints
            from twin.page.transport import Transport
            served = self.served()
            options: dict[str, Any] = {}
            if self.stage:
                from twin import page
                self.page, options = page.build(), page.launch_options()
            else:
                self.page = gr.Blocks(analytics_enabled=False)
            with self.page:
                Transport(self.sessions).register()
                Endpoints(served.api, served.own).register()
            self.page.launch(server_name="127.0.0.1", server_port=self.port, prevent_thread_lock=True, quiet=True, run_history=False, max_threads=200,
                             ssr_mode=False, app_kwargs={"lifespan": self.lifespan, "routes": served.routes}, **options)
            return self
        application = Starlette(routes=self.served().routes, lifespan=self.lifespan)
        self.server = uvicorn.Server(uvicorn.Config(application, port=self.port, log_level="warning"))
        self.thread = threading.Thread(target=self.server.run, daemon=True)
        self.thread.start()
        began = time.monotonic()
        while not self.server.started:
            time.sleep(0.01)
            assert time.monotonic() - began < 60
        return self

    def __exit__(self, *_: Any) -> None:
        self.run(self.sessions.close())
        self.drafts.close()
        self.lessons.close()
        self.studio.close()
        if self.gradio:
            self.page.close(verbose=False)
        else:
            self.server.should_exit = True
            self.thread.join(5)
        for verb in ("listen", "think", "speak", "animate", "mind"):
            getattr(self.crew, verb).close()
