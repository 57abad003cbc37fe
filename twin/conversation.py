"""The turn: one utterance in, events out. The only file that chains the five verbs.

It is handed backends (a crew), a mind and a twin, and knows none by name. It owns the history of what was said and *heard*, interruption,
back-pressure and what happens when a part fails. It does not own sockets, pages or files.
"""
from __future__ import annotations

import asyncio
import itertools
import logging
import time
import zlib
from collections.abc import AsyncGenerator, Awaitable, Callable, Iterator, Sequence
from contextlib import aclosing, contextmanager, suppress
from datetime import datetime
from typing import Any

from .calls import called
from .errors import TwinError
from .streams import ahead, due
from .text import cjk, clauses, clean, sentences
from .turn import Turn, bare, first_apart, whole
from .types import Audio, Call, Ended, Event, Final, Functions, Heard, Message, Mood, Motion, Speech, Spoken, Thought, Token, Trouble

LEAD = 8.0               # s of speech that may be unheard: enough to ride out a slow moment, little enough to throw away at a barge-in
THINK_AHEAD = 4          # clauses the thinker may be in front of the voice
REMEMBERED = 200         # messages kept; the prompt takes the last few, the page shows all
KEEPING = 5.0            # s that keeping what was said may take before the turn's end is told all the same
log = logging.getLogger("twin.turn")


class Conversation:
    """One person's talk with one twin.

    `twin` has `.voice` and `.id`; `crew` has workers `listen think speak animate` (see registry.py) and a lane `mind`; `mind` answers
    (persona/mind.py); `moods` turns a mood's name into a Mood; `send` takes an event and returns at once; where packing speech takes a moment it
    returns what to wait for. `ear=False`: nobody reports what was heard (a film, a terminal), so sent counts as heard. `keep`, where there is
    one, is awaited at the end of each turn: nobody is told that a turn has ended before it is kept.
    """

    def __init__(self, twin: Any, crew: Any, mind: Any, moods: Callable[[str], Mood], send: Callable[[Event], Awaitable[None] | None], *,
                 language: str = "en", history: list[Message] | None = None, ear: bool = True, lead: float = LEAD,
                 now: Callable[[], datetime] = datetime.now):
        self.twin, self.crew, self.mind, self.moods, self.send = twin, crew, mind, moods, send
        self.language, self.ear, self.lead, self.now = language, ear, lead, now
        self.history: list[dict[str, Any]] = list(history or [])
        self.keep: Callable[[], Awaitable[Any]] | None = None
        self.recall: Callable[[str, str], Awaitable[Sequence[Any]]] | None = None       # (question, language) -> what bears on it, within a budget of its own
        self.wearing: Callable[[], dict[str, Any]] = dict        # what the model is given with each reply of this twin: an adapter, where it has one
        self.book: Any = None                            # of reminders, where they can be kept
        self.called = ""                                 # the name of a user who comes back
        self.vocabulary: Callable[[], tuple[str, ...]] = tuple  # what people are likely to say, for the recogniser
        self._ids = itertools.count(1 + max((m.get("turn", 0) for m in self.history), default=0))
        self._turn: Turn | None = None
        self._task: asyncio.Task[None] | None = None
        self._asking = asyncio.Lock()

    def become(self, twin: Any) -> None:
        """The same twin, edited: it answers as it is now from the next question on."""
        self.twin = self.mind.twin = twin

    # what a user can do ------------------------------------------------------------------------------------------------------------

    async def ask(self, asked: str | Audio) -> Turn:
        """Answer an utterance; whatever was being said stops first. Raises Refused for text that cannot be taken."""
        if isinstance(asked, str):
            asked = clean(asked)
        return await self._start(asked)

    async def suppose(self, asked: Audio) -> Turn | None:
        """Begin to answer what may not be over yet. Nobody is told of it before `release`, and after `withdraw` it never was. None while the twin speaks."""
        return None if self.speaking else await self._start(asked, supposed=True)

    def release(self, turn: Turn) -> bool:
        """It was over: what has been made of a supposed turn is told, and the rest as it comes. False where it isn't there any more."""
        if turn is not self._turn or turn.told.is_set() or self._task is None or self._task.done():
            return False
        if turn.book is not None and self.book is not None:
            self.book.settle(turn.book)
        turn.began, turn.times = time.perf_counter(), dict.fromkeys(turn.times, 0.0)     # done before the question was over
        for event in turn.waiting:
            self.send(event)
        turn.waiting = []
        turn.told.set()
        return True

    async def withdraw(self, turn: Turn | None) -> None:
        """It wasn't over."""
        if turn is not None and turn is self._turn and not turn.told.is_set():
            await self.interrupt()

    async def hear(self, sound: Audio) -> tuple[str, bool]:
        """What is said in it, and whether that is sure. Nothing is answered."""
        text, sure = "", False
        async with aclosing(self.crew.listen.stream(sound, self.language, self.vocabulary())) as words:
            async for word in words:
                if isinstance(word, Final):
                    text, sure = word.text.strip(), word.sure
        return text, sure

    async def greet(self) -> Turn:
        """Say hello of the twin's own accord."""
        return await self._start(None, lambda: self.mind.greeting(self.language, *([self.called] if self.called else [])), "greeting")

    async def aside(self) -> Turn | None:
        """Say something of the twin's own into a silence; nothing while it talks."""
        if self.speaking:
            return None
        more = [self.book, self.now()] if self.book is not None else []
        return await self._start(None, lambda: self.mind.aside(self.history, self.language, *more), "aside")

    async def tell(self, answer: Any) -> Turn:
        """Say what is given, an answer as the mind makes them: a film's script."""
        return await self._start(None, lambda: answer, "line")

    async def regenerate(self) -> Turn | None:
        """Answer the last question anew."""
        last = next((i for i in range(len(self.history) - 1, -1, -1) if self.history[i]["role"] == "user"), None)
        return None if last is None else await self.edit(last, self.history[last]["content"])

    async def edit(self, index: int, text: str) -> Turn:
        """Put another question in the place of message `index`; what came after it goes."""
        text = clean(text)
        await self.rewind(index)
        return await self.ask(text)

    async def rewind(self, index: int) -> None:
        """Forget message `index` and all behind it."""
        await self.interrupt()
        del self.history[max(0, index):]

    async def interrupt(self, heard: float | None = None) -> None:
        """Stop what is being said; `heard` is how many seconds of it reached the ear."""
        if self._turn and heard is not None:
            self._turn.heard_until(heard)
        if self._task:
            self._task.cancel()
            await self.settled()

    async def finish(self, seconds: float) -> None:
        """Come to an end with the clause that is being said, heard to its end; after so many seconds without that."""
        if self._turn and self._task and not self._task.done():
            self._turn.last = True
            await asyncio.wait({self._task}, timeout=seconds)
            await self.interrupt()

    async def settled(self) -> None:
        """Wait for the present turn's end."""
        if self._task:
            await asyncio.gather(self._task, return_exceptions=True)

    def heard_until(self, turn: int, seconds: float) -> None:
        """The ear reports how many seconds of a turn's speech it has heard."""
        if self._turn and self._turn.id == turn:
            self._turn.heard_until(seconds)

    @property
    def speaking(self) -> bool:
        return self._task is not None and not self._task.done() and self._turn is not None and self._turn.told.is_set()

    @property
    def turn(self) -> Turn | None:
        return self._turn

    # one turn ----------------------------------------------------------------------------------------------------------------------

    async def _start(self, asked: str | Audio | None, make: Callable[[], Any] | None = None, step: str = "", supposed: bool = False) -> Turn:
        async with self._asking:                         # two at once become one after the other
            await self.interrupt()
            turn = self._turn = Turn(next(self._ids), asked, step=step, language=self.language)
            if not supposed:
                turn.told.set()
            elif self.book is not None:
                turn.book = self.book.draft()
            self._task = asyncio.create_task(self._answer(turn, make), name=f"turn-{turn.id}")
            await asyncio.sleep(0)                       # let it begin: a task cancelled before that would lose the question
            return turn

    async def _answer(self, turn: Turn, make: Callable[[], Any] | None) -> None:
        due.set(turn.due)                                # whatever is done for this turn, on whichever thread
        try:
            with self._surviving(turn, "think"):
                if turn.asked is None or await self._listen(turn):
                    await self._perform(turn, make)
                await turn.told.wait()
                turn.ended = "done"
            if not turn.ended:                           # what was said before it failed is still heard out
                await turn.told.wait()
                await turn.room(0.0)
                turn.ended = "failed"
        finally:
            turn.understood.set()
            if turn.told.is_set():
                turn.ended = turn.ended or "interrupted"
                heard = self._remember(turn)
                await self._kept()
                log.info("turn %d %s: step %s, %s", turn.id, turn.ended, turn.step or "-", turn.times)
                self.send(Ended(turn.id, turn.ended, heard, turn.times))
            else:
                self.language = turn.language

    async def _kept(self) -> None:
        """What was said is kept, also when the turn is being interrupted; a place that does not answer is not waited for for ever."""
        if self.keep is not None:
            keeping = asyncio.ensure_future(self.keep())
            end = time.monotonic() + KEEPING
            while not keeping.done() and time.monotonic() < end:
                with suppress(asyncio.CancelledError):   # interrupted again: the turn has ended as it is
                    await asyncio.wait({keeping}, timeout=KEEPING)

    @contextmanager
    def _surviving(self, turn: Turn, stage: str) -> Iterator[None]:
        """The edge of a backend. Each brings a library of its own with errors of its own, so whatever it raises ends its stage, is told, and
        goes no further: the conversation lives. An interruption (CancelledError, GeneratorExit) is no Exception and passes."""
        try:
            yield
        except Exception as error:
            self._trouble(turn, stage, error)

    async def _perform(self, turn: Turn, make: Callable[[], Any] | None) -> None:
        """Send the answer as it is made, no further ahead of the ear than `lead`; until it was heard to the end."""
        async with aclosing(self._performance(turn, make)) as performance:
            async for spoken in performance:
                await turn.told.wait()
                for piece in first_apart(spoken):
                    if (packing := self.send(piece)) is not None:
                        await packing
                    turn.clock("sound" if spoken.speech.audio else "caption")
                    if piece.speech.audio:
                        turn.leaves(piece.at + piece.speech.audio.seconds)
                    await asyncio.sleep(0)               # let it leave
                if not self.ear:
                    turn.heard_until(turn.sent)
                await turn.room(self.lead)
        turn.clock("sent")
        await turn.room(0.0)                             # sent is not heard: the turn ends at the ear

    async def _listen(self, turn: Turn) -> bool:
        """Fill in what was asked; False when nobody can tell, so that the user may correct it."""
        sure = True
        if isinstance(turn.asked, str):
            turn.text = turn.asked
        elif turn.asked is not None:
            with self._surviving(turn, "listen"):
                turn.text, sure = await self.hear(turn.asked)
            if "listen" in turn.lost:
                return False
            turn.clock("heard")
        turn.sure = sure and bool(turn.text)
        turn.understood.set()
        self._tell(turn, Heard(turn.id, turn.text, turn.sure))
        if turn.sure:
            return True
        turn.text = ""                                   # not answered, so not remembered: the page offers it for correction
        return False

    async def _performance(self, turn: Turn, make: Callable[[], Any] | None) -> AsyncGenerator[Spoken, None]:
        """think -> clauses -> speak -> animate."""
        async with aclosing(ahead(clauses(self._think(turn, make), settled=True), THINK_AHEAD)) as parts:
            async for part in parts:
                turn.said.append(clause := [turn.sent, turn.sent, part, False])
                async with aclosing(self._speak(turn, part)) as pieces:
                    async for speech in pieces:
                        motion = await self._animate(turn, speech)
                        at, turn.sent = turn.sent, turn.sent + (speech.audio.seconds if speech.audio else 0.0)
                        clause[1] = turn.sent
                        yield Spoken(turn.id, round(at, 6), speech, motion)
                clause[3] = True
                if turn.last:                            # the server is about to stop
                    return

    async def _think(self, turn: Turn, make: Callable[[], Any] | None) -> AsyncGenerator[str, None]:
        """The reply: the mind's own words, or the model's, sentence by checked sentence."""
        capable = self.crew.capable
        if make is None:
            found = await self.recall(turn.text, self.language) if self.recall is not None else ()
            recalled = {"recalled": found} if found else {}
            question = [{k: m[k] for k in ("role", "content", "state") if k in m} for m in self.history]
            book = self.book if turn.book is None else turn.book
            asking = {"now": self.now(), "language": self.language, "capable": capable} | recalled | ({"book": book} if book is not None else {})
            answer = await self.crew.mind.run(lambda: self.mind.answer(question, turn.text, **asking))
        else:
            answer = await self.crew.mind.run(make)
        turn.step = answer.step if make is None else turn.step
        turn.mood = self.moods(answer.mood)
        turn.clock("thought")
        self.language = answer.language or self.language
        turn.state = getattr(answer, "state", None)
        self._tell(turn, Thought(turn.id, turn.step, turn.mood.name, tuple(answer.sources), (turn.state or {}).get("shown")))
        if answer.text:
            self._tell(turn, Token(turn.id, answer.text))
            yield answer.text
            return
        if lead := getattr(answer, "lead", ""):
            self._tell(turn, Token(turn.id, lead))
            yield lead
        async with aclosing(self._model(turn, answer)) as words:
            async for word in words:
                turn.clock("token")
                self._tell(turn, Token(turn.id, word))
                yield word

    async def _model(self, turn: Turn, answer: Any) -> AsyncGenerator[str, None]:
        """The model's sentences until one does not pass the check; then the answer's fallback instead of the rest."""
        kept = 0
        with self._surviving(turn, "think"):
            offer: Any = getattr(answer, "functions", None)

            def think(messages: list[Message], calling: bool) -> AsyncGenerator[str | Call, None]:
                functions = Functions(offer.schemas, offer.beside, offer.words)
                return self.crew.think.stream(messages, functions=functions, calling=calling, **self.crew.sampling, **self.wearing())

            async def call(raw: str) -> str:
                before = (turn.state or {}).get("shown")
                result: str = await self.crew.mind.run(lambda: answer.call(raw))
                turn.clock("called")
                if (after := (turn.state or {}).get("shown")) != before:           # the scene stands otherwise now
                    self._tell(turn, Thought(turn.id, turn.step, turn.mood.name, tuple(answer.sources), after))
                return result

            words = self.crew.think.stream(answer.messages, **self.crew.sampling, **self.wearing()) if offer is None else called(think, answer.messages, call)
            async with aclosing(sentences(words)) as parts:
                async for sentence in parts:
                    turn.clock("first_sentence")
                    if reason := answer.check(sentence):
                        log.info("turn %d: a sentence of the model was refused: %s", turn.id, reason)
                        break
                    kept += 1
                    yield sentence
        if not kept and answer.fallback:
            turn.step = answer.fallback_step
            self._tell(turn, Thought(turn.id, turn.step, turn.mood.name, tuple(answer.sources)))
            yield answer.fallback
        elif not kept and "think" not in turn.lost:
            raise TwinError("The mind returned nothing.", "Ask again, or choose another engine.")

    async def _speak(self, turn: Turn, text: str) -> AsyncGenerator[Speech, None]:
        """A voice that fails, or has nothing to say, leaves captions behind; a failure is told once."""
        silent = True
        if "speak" not in turn.lost:
            language = "zh" if cjk(text) > len(text) / 5 else "en" if self.language == "zh" else self.language
            with self._surviving(turn, "speak"):
                async with aclosing(self.crew.speak.stream(text, self.twin.voice, turn.mood, language)) as pieces:
                    async for speech in pieces:
                        silent = False
                        yield whole(speech)
        if silent:
            yield Speech(text, None)

    async def _animate(self, turn: Turn, speech: Speech) -> Motion | None:
        """A face that fails stays still; the sound goes on."""
        if speech.audio is None or "animate" in turn.lost:
            return None
        with self._surviving(turn, "animate"):
            seed = zlib.crc32(f"{self.twin.id} {turn.id}".encode())
            turn.motion = await self.crew.animate.call(turn.joined(speech), turn.mood, turn.sent, turn.motion, seed)
            return turn.motion
        return None

    def _tell(self, turn: Turn, event: Event) -> None:
        """Send it, or have it wait until the turn is no longer only supposed."""
        if turn.told.is_set():
            self.send(event)
        else:
            turn.waiting.append(event)

    def _trouble(self, turn: Turn, stage: str, error: Exception) -> None:
        """Tell it once. A TwinError is for people; anything else is named by its kind alone, for it may hold what was said."""
        if stage in turn.lost:
            return
        turn.lost.add(stage)
        if isinstance(error, TwinError):
            message, hint = error.message, error.hint
        else:
            message, hint = f"Something went wrong while trying to {stage} ({type(error).__name__}).", "Ask again; the log has more."
            log.error("turn %d: %s failed", turn.id, stage, exc_info=bare(error))
        self._tell(turn, Trouble(turn.id, stage, message, hint))

    def _remember(self, turn: Turn) -> str:
        heard, rest = turn.heard()
        if turn.text:
            self.history.append({"role": "user", "content": turn.text, "turn": turn.id})
        if heard.strip() or rest.strip():
            said = {"role": "assistant", "content": heard.strip(), "turn": turn.id, "step": turn.step, "mood": turn.mood.name}
            self.history.append(said | ({"cut": rest.strip()} if rest.strip() else {}) | ({"state": turn.state} if turn.state else {}))
        del self.history[:-REMEMBERED]
        return heard
