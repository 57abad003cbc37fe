"""What several tests share: the smallest real backends, and a conversation made of them."""
from __future__ import annotations

import asyncio
import atexit
import contextlib
import io
import os
import shutil
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from datetime import datetime
from pathlib import Path
from types import SimpleNamespace
from unittest import mock

import numpy as np
import pytest

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

os.environ["TWIN_STUDIO"] = tempfile.mkdtemp(prefix="twin-studio-")      # no test looks into what its user trains
atexit.register(shutil.rmtree, os.environ["TWIN_STUDIO"], ignore_errors=True)

from twin.conversation import Conversation  # noqa: E402
from twin.registry import Crew, Worker  # noqa: E402
from twin.streams import Lane  # noqa: E402
from twin.types import CHANNELS, FPS, RATE, Audio, Final, Mood, Motion, Speech, Voice  # noqa: E402

SHARED = ROOT.parent / "shared" / "data"
WORDS = ("Hello there, my friend. I was thinking about the garden today and how the light falls. " * 8).split()


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The browser comes last: Playwright keeps an event loop running in the main thread, and then no other test can have one. Of its files the longest come
    first: whoever shares them out among processes waits less at the end."""
    browsers = ("test_page.py", "test_wizard.py", "test_two_users.py", "test_lora_page.py", "test_studio_page.py", "test_widget.py", "test_alone.py", "test_models_page.py", "test_knowledge_page.py",
                "test_goods_page.py", "test_face.py", "test_memory_page.py")
    items.sort(key=lambda item: browsers.index(item.path.name) if item.path.name in browsers else -1)


@pytest.fixture(scope="session")
def speech_data() -> Path:
    """Real recordings; a clone of the project has none."""
    if not (SHARED / "speech").is_dir():
        pytest.skip("no recordings at ../shared/data/speech; the rest of the tests needs none")
    return SHARED / "speech"


def command(*arguments: str, typed: str = "", **environment: str) -> SimpleNamespace:
    """`python -m twin`, in this process, where its libraries are loaded: .returncode, .stdout, .stderr. test_main.py runs it as a person does."""
    from twin.__main__ import main
    out, complaints = io.StringIO(), io.StringIO()
    with mock.patch.dict(os.environ, environment), mock.patch.object(sys, "stdin", io.StringIO(typed)), contextlib.redirect_stdout(out), contextlib.redirect_stderr(complaints):
        code = main(list(arguments))
    return SimpleNamespace(returncode=code, stdout=out.getvalue(), stderr=complaints.getvalue())


class Reply:
    """An answer of a mind: said as it is, or left to the thinker."""

    def __init__(self, text: str = "", refuse: str = "", fallback: str = ""):
        self.step, self.text, self.messages, self.mood = ("line" if text else "model"), text, [{"role": "user", "content": "?"}], "neutral"
        self.sources, self.language, self.fallback, self.fallback_step, self._refuse = (), "en", fallback, "unknown", refuse

    def check(self, sentence: str) -> str:
        return "refused" if self._refuse and self._refuse in sentence else ""


class Mind:
    """The smallest mind: everything goes to the model unless it was given words."""

    def __init__(self, **reply):
        self.reply = reply

    def answer(self, history, text, *, now: datetime, language: str = "", capable: bool = False, recalled=(), **more) -> Reply:
        return Reply(**self.reply)

    def greeting(self, language: str, name: str = "") -> Reply:
        return Reply("Hello, I am a digital human. ")

    def aside(self, history, language: str, *more) -> Reply:
        return Reply("It is quiet here. ")


class Echo:
    """A thinker that says its words."""

    def __init__(self, words=WORDS, delay: float = 0.0):
        self.words, self.delay, self.made, self.closed = words, delay, 0, 0

    def think(self, messages, **_) -> Iterator[str]:
        try:
            for word in self.words:
                time.sleep(self.delay)
                self.made += 1
                yield word + " "
        finally:
            self.closed += 1


class Tone:
    """A voice that hums: `pace` seconds a character, in `pieces` pieces of whole packets."""

    def __init__(self, pace: float = 0.06, pieces: int = 3, step: float = 0.0, fail_at: int = 0):
        self.pace, self.pieces, self.step, self.fail_at, self.made, self.busy, self.overlap = pace, pieces, step, fail_at, 0, 0, 0

    def speak(self, text, voice, mood, language) -> Iterator[Speech]:
        self.busy += 1
        self.overlap = max(self.overlap, self.busy)
        try:
            for i in range(self.pieces):
                time.sleep(self.step)
                self.made += 1
                if self.fail_at and self.made >= self.fail_at:
                    raise RuntimeError("out of memory while saying " + text)
                n = int(len(text) * self.pace / self.pieces * RATE / 480) * 480 or 480
                yield Speech(text if i == 0 else "", Audio(np.sin(np.arange(n) * 0.05).astype(np.float32) * 0.2))
        finally:
            self.busy -= 1


class Lips:
    """A face that holds still for as long as the piece lasts."""

    def animate(self, speech, mood, at, before, seed) -> Motion:
        frames = round((at + speech.audio.seconds) * FPS) - round(at * FPS)
        return Motion(np.zeros((frames, len(CHANNELS)), np.uint8))


class Ears:
    """A recogniser that hears the same words in any sound."""

    def __init__(self, text: str = "spoken words", sure: bool = True):
        self.text, self.sure = text, sure

    def listen(self, audio, language, vocabulary) -> Iterator[Final]:
        yield Final(self.text, self.sure)


def crew_of(think=None, speak=None, animate=None, listen=None, budget: float = 5.0) -> Crew:
    made = {"think": think or Echo(), "speak": speak or Tone(), "animate": animate or Lips(), "listen": listen or Ears()}
    workers = {verb: Worker(verb, backend if isinstance(backend, Callable) else (lambda b=backend: b), budget) for verb, backend in made.items()}
    return Crew(**workers, mind=Lane("mind"))


@pytest.fixture
def talk():
    """`talk(think=..., speak=..., mind=...)` -> (conversation, events)."""
    made = []

    def make(mind=None, budget: float = 5.0, **parts):
        events: list = []
        keywords = {k: parts.pop(k) for k in ("ear", "lead", "history", "language") if k in parts}
        conversation = Conversation(SimpleNamespace(id="test", voice=Voice()), crew_of(**parts, budget=budget), mind or Mind(), lambda name: Mood(name),
                                    events.append, **keywords)
        made.append(conversation)
        return conversation, events

    yield make
    for conversation in made:
        for verb in ("listen", "think", "speak", "animate", "mind"):
            getattr(conversation.crew, verb).close()


async def hear_all(conversation: Conversation, turn) -> None:
    """An ear that hears everything at once, until the turn has ended."""
    while not turn.ended:
        conversation.heard_until(turn.id, turn.sent)
        await asyncio.sleep(0.001)
    await conversation.settled()


@pytest.fixture(scope="module")
def one_thread():
    """Torch on one thread: sums come out the same, and processes beside each other don't wait for cores."""
    import torch
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture
def hub(monkeypatch, tmp_path):
    """A Hugging Face Hub on this machine, and a cache of its own."""
    from loopback import Hub
    with Hub() as here:
        monkeypatch.setenv("HF_ENDPOINT", here.url)
        monkeypatch.setenv("HF_TOKEN", "")
        monkeypatch.setenv("TWIN_CACHE", str(tmp_path / "cache"))
        for name in ("HF_HUB_OFFLINE", "TRANSFORMERS_OFFLINE"):
            monkeypatch.delenv(name, raising=False)
        yield here
