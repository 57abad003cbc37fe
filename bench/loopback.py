"""A server for bench/turn.py: the real one, or with `--stub` the real one around backends that cost nothing. Settings come from TWIN_*."""
from __future__ import annotations

import argparse
import gc
import signal
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from twin.registry import Crew, Registry, Worker
from twin.serve import Server
from twin.settings import load
from twin.streams import Lane
from twin.types import CHANNELS, FPS, RATE, Audio, Final, Motion, Speech


class Stub:
    """All four verbs, each as cheap as can be: what is left is the floor of the server itself."""

    def listen(self, audio, language, vocabulary) -> Iterator[Final]:
        yield Final("hello")

    def think(self, messages, **_) -> Iterator[str]:
        yield "Wood likes to wait. "

    def speak(self, text, voice, mood, language) -> Iterator[Speech]:
        yield Speech(text, Audio(np.sin(np.arange(RATE // 2) * 0.05).astype(np.float32) * 0.2))

    def animate(self, speech, mood, at, before, seed) -> Motion:
        return Motion(np.zeros((round((at + speech.audio.seconds) * FPS) - round(at * FPS), len(CHANNELS)), np.uint8))


class StubRegistry(Registry):
    """The registry, its crew made of stubs; meaning is found by letters, for the sentence model is a model too."""

    @property
    def embedder(self) -> None:
        return None

    def crew(self) -> Crew:
        if self._crew is None:
            self._crew = Crew(*(Worker(verb, Stub) for verb in ("listen", "think", "speak", "animate")), mind=Lane("mind"))
        return self._crew


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--stub", action="store_true")
    parser.add_argument("--collected", type=Path, help="touched when SIGUSR1 has made the server collect its garbage")
    options = parser.parse_args()
    if options.collected and hasattr(signal, "SIGUSR1"):
        signal.signal(signal.SIGUSR1, lambda *_: (gc.collect(), options.collected.touch()))
    settings = load([])
    server = Server(settings)
    if options.stub:
        server.registry = StubRegistry(settings)
    server.start()
    server.wait()


if __name__ == "__main__":
    sys.exit(main())
