"""Bringing a twin, its mind and the crew together into a Conversation: for the page, the terminal, a film and the benchmarks alike."""
from __future__ import annotations

import gc
import json
import logging
import time
from collections.abc import Callable, Iterable
from contextlib import aclosing, suppress
from datetime import datetime
from pathlib import Path
from typing import Any

from persona.card import LANGUAGES, CardError, Persona
from persona.catalogue import FILES, Catalogue, samples
from persona.documents import FILE as DOCUMENTS
from persona.documents import DocumentError, Library
from persona.emotion import EMOTIONS, Temper, nature
from persona.lines import Lines, general, parse_lines
from persona.mind import Mind
from persona.scene import load as load_scene
from persona.search import Embed, remembering
from persona.words import language_of

from .conversation import Conversation
from .errors import Refused, TwinError
from .registry import Registry
from .store import Twin, lines_in, load_twin
from .store.twins import LEARNED, SEALED
from .types import Event, Mood, Voice

NOTICE = {"en": "I am an AI, not a person.", "zh": "我是人工智能，不是真人。"}               # said first where the settings ask for it
GREETING = {"en": "Hello.", "zh": "你好。"}              # what a voice says to itself to be warm
MOST_MINDS = 64                                          # kept at a time; each is some MB
MOST_LIBRARIES = 12                                      # of documents; a full one is some 100 MB
log = logging.getLogger("twin.meet")


def mood(name: str, strength: float = 1.0) -> Mood:
    """The row of persona/emotion.py of that name, as the face and the voice take it; an unknown one is neutral."""
    row = EMOTIONS.get(name) or EMOTIONS["neutral"]
    face = tuple((channel, weight * strength) for channel, weight in row.face.items())
    return Mood(name if name in EMOTIONS else "neutral", face, 1 + (row.rate - 1) * strength, row.pitch * strength, 1 + (row.volume - 1) * strength, row.energy)


class Host:
    """Makes conversations. A twin's mind (its lines and their embeddings) is loaded once and shared; it keeps nothing of anyone."""

    def __init__(self, registry: Registry):
        self.registry = registry
        self._minds: dict[tuple[Path, int], Mind] = {}   # by folder and stamp: an edited twin is another
        self._lines: dict[tuple[Path, int], Lines] = {}
        self._embedder: Embed | None = None
        self._libraries: dict[Path, tuple[int, Library]] = {}            # by folder, and the stamp of the file
        self._adapters: dict[Path, tuple[int, Any]] = {}                 # the same
        self._goods: dict[Path, tuple[int, Catalogue | None]] = {}       # the same

    def mind(self, twin: Twin) -> Mind:
        """The twin's mind, loaded once; blocking, some 0.5 s at the first call."""
        key = twin.folder, twin.stamp
        if key not in self._minds:
            self._bounded()
            cache = self.registry.settings.folder("cache")
            self._minds[key] = Mind(twin.persona, self.lines(twin), self._embed(), lines_in(cache, twin), cache / "lines", cross=self.registry.cross)
        mind = self._minds[key]
        mind.catalogue = self.catalogue(twin)            # it may be another than at the last question
        return mind

    def catalogue(self, twin: Twin) -> Catalogue | None:
        """The twin's goods, or those of its scene, read once."""
        stamp = 0
        for name in FILES:
            with suppress(OSError):
                about = (twin.folder / (name if twin.key is None else name + SEALED)).stat()
                stamp ^= about.st_mtime_ns ^ about.st_ino
        known = self._goods.get(twin.folder)
        if known is None or known[0] != stamp:
            while len(self._goods) >= MOST_MINDS:
                self._goods.pop(next(iter(self._goods)))
            known = self._goods[twin.folder] = (stamp, catalogue(twin))
        return known[1]

    def library(self, twin: Twin) -> Library | None:
        """The twin's documents, loaded once; None where there are none."""
        file = twin.folder / (DOCUMENTS if twin.key is None else DOCUMENTS + SEALED)
        try:
            about = file.stat()
        except OSError:
            self._libraries.pop(twin.folder, None)
            return None
        known = self._libraries.get(twin.folder)
        if known is None or known[0] != about.st_mtime_ns ^ about.st_ino:
            try:
                library = Library(data=twin.read(DOCUMENTS), embed=self._embed())
            except DocumentError as error:
                log.warning("%s: %s %s", twin.id, error.message, error.hint)
                library = Library()
            while len(self._libraries) >= MOST_LIBRARIES:
                self._libraries.pop(next(iter(self._libraries)))
            known = self._libraries[twin.folder] = (about.st_mtime_ns ^ about.st_ino, library)
        return known[1] if len(known[1]) else None

    def adapter(self, twin: Twin) -> Any:
        """What the twin learned from somebody's words, read once; None where there is nothing, or it is switched off."""
        stamp = 0
        for name in LEARNED:
            with suppress(OSError):
                about = (twin.folder / (name if twin.key is None else name + SEALED)).stat()
                stamp ^= about.st_mtime_ns ^ about.st_ino
        known = self._adapters.get(twin.folder)
        if known is None or known[0] != stamp:
            found = None
            try:
                if twin.has(LEARNED[0]) and (not twin.has(LEARNED[1]) or json.loads(twin.read(LEARNED[1])).get("on") is not False):
                    found = self.registry.adapter(twin.read(LEARNED[0]))
            except (TwinError, ValueError, AttributeError) as error:
                log.warning("%s: what it learned cannot be read: %s", twin.id, type(error).__name__)
            while len(self._adapters) >= MOST_LIBRARIES:
                self._adapters.pop(next(iter(self._adapters)))
            known = self._adapters[twin.folder] = (stamp, found)
        return known[1]

    def _embed(self) -> Embed | None:
        """The embedder, which embeds a question once for lines, facts and documents."""
        if self._embedder is None and self.registry.embedder is not None:
            self._embedder = remembering(self.registry.embedder)
        return self._embedder

    def forget(self, folder: Path) -> None:
        """Let go of what was read of the twin in that folder: it was edited, locked or deleted."""
        self._libraries.pop(folder, None)
        self._adapters.pop(folder, None)
        self._goods.pop(folder, None)
        for kept in (self._minds, self._lines):
            for key in [key for key in list(kept) if key[0] == folder]:
                kept.pop(key, None)                      # type: ignore[attr-defined]

    def _bounded(self) -> None:
        while len(self._minds) >= MOST_MINDS:
            self._minds.pop(next(iter(self._minds)))
        while len(self._lines) >= 4 * MOST_MINDS:
            self._lines.pop(next(iter(self._lines)))

    async def warm(self, twins: Iterable[Twin]) -> None:
        """Make minds and voices ready, one twin after another on the crew's own threads, so that no first question waits for it."""
        crew = self.registry.crew()
        for twin in twins:
            try:
                for language in twin.persona.languages:
                    async with aclosing(crew.speak.stream(GREETING.get(language, GREETING["en"]), twin.voice, mood("neutral"), language)) as speech:
                        await anext(speech, None)
                await crew.mind.run(lambda t=twin: self.mind(t).warm(), budget=300.0)
            except TwinError as error:                   # told again, to the user, when that twin is asked
                log.warning("%s: %s %s", twin.id, error.message, error.hint)
        gc.collect()
        gc.freeze()                                      # what was loaded stays: searching it for garbage would stop every talk for 0.1 s

    def lines(self, twin: Twin) -> Lines:
        """The twin's own lines by language, with those that fit anyone."""
        key = twin.folder, twin.stamp
        if key not in self._lines:
            try:
                self._lines[key] = {language: parse_lines(twin.read(name), name) if twin.has(name := f"lines.{language}.yaml") else ()
                                    for language in LANGUAGES}
            except CardError as error:
                raise Refused(error.message, error.hint) from None
        return self._lines[key]

    def converse(self, twin: Twin, send: Callable[[Event], None], language: str = "en", history: list[dict[str, Any]] | None = None, *,
                 ear: bool = True, now: Callable[[], datetime] = datetime.now, sampling: dict[str, Any] | None = None) -> Conversation:
        """A conversation with that twin."""
        crew = self.registry.crew()
        if sampling:
            from dataclasses import replace
            crew = replace(crew, sampling=crew.sampling | sampling)
        late = _Late(self, twin)
        conversation = Conversation(twin, crew, late, late.mood, send, language=language, history=history, ear=ear, now=now)
        conversation.vocabulary, conversation.wearing = late.vocabulary, late.wearing
        return conversation


class _Late:
    """A mind that loads when it is first asked; that happens on the crew's own thread, so no page waits for it. And the mood of one conversation."""

    def __init__(self, host: Host, twin: Twin):
        self._host, self.twin = host, twin
        self.adapter: Any = None
        self.temper = Temper(nature([*twin.persona.style.values(), *twin.persona.description.values()]))

    def answer(self, history: list[dict[str, Any]], text: str, *, language: str = "", **kwargs: Any) -> Any:
        library = self._host.library(self.twin)
        if library is not None:
            kwargs["passages"] = library.find(text, language_of(text, history, language), history=history)
            kwargs["find"] = lambda question: library.find(question, language_of(question, history, language))
        answer = self._host.mind(self.twin).answer(history, text, language=language, **kwargs)
        self.adapter = self._host.adapter(self.twin) if answer.messages else None
        self.temper.feels(answer.felt, time.monotonic())
        return answer

    def wearing(self) -> dict[str, Any]:
        """What the model is given with this twin's reply."""
        return {} if self.adapter is None else {"adapter": self.adapter}

    def mood(self, name: str) -> Mood:
        """A mood of the table as it shows in this conversation."""
        return mood(*self.temper.shown(name, time.monotonic()))

    def greeting(self, *args: Any) -> Any:
        answer = self._host.mind(self.twin).greeting(*args)
        if not self._host.registry.settings.say_notice:
            return answer
        from dataclasses import replace
        return replace(answer, text=f"{NOTICE.get(answer.language, NOTICE['en'])} {answer.text}")

    def aside(self, *args: Any) -> Any:
        return self._host.mind(self.twin).aside(*args)

    def vocabulary(self) -> tuple[str, ...]:
        """How people put their questions to this twin, in English: what the recogniser should expect."""
        own = self._host.lines(self.twin)["en"]
        return tuple(ask for line in own or general("en") for ask in line.ask)


def catalogue(twin: Twin) -> Catalogue | None:
    """The goods in a twin's folder; else those of its scene. One that can't be read is told in the log, and there are none."""
    try:
        for name in FILES:
            if twin.has(name):
                return Catalogue(twin.read(name), name)
        return samples(load_scene(twin.persona.scene)) if twin.persona.scene else None
    except CardError as error:
        log.warning("%s: %s %s", twin.id, error.message, error.hint)
        return None


def twin_of(file: Path) -> Twin:
    """A twin of a persona file alone, or of a whole twin folder. Raises TwinError when it can't be read."""
    if file.is_dir():
        return load_twin(file)
    try:
        persona = Persona.load(file)
    except CardError as error:
        raise Refused(error.message, error.hint) from None
    return Twin(persona.id or file.stem, persona, file, Voice())
