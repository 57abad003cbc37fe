"""What a session does with its twin's memory: it recalls before the answer, keeps what was heard at the turn's end, forgets when asked to."""
from __future__ import annotations

import asyncio
import logging
import sqlite3
from collections.abc import Sequence
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from persona.fact import Recollection
from persona.learn import forgetting
from persona.words import language_of

from ..errors import TwinError
from ..store.memories import Memories, cut, without
from ..streams import Lane

if TYPE_CHECKING:
    from .session import Session

BUDGET = 0.4             # s that recalling may take before the answer is made without it
PATIENCE = 20.0          # s that forgetting may take: it has to be done before it is said
NONE = Recollection("", "none")
log = logging.getLogger("twin.wire")


class Remembering:
    """Of one session, with the twin and in the conversation it is in at each call. Nobody's words are ever raised or logged."""

    def __init__(self, session: Session, memories: Memories, lane: Lane):
        self.session, self.memories, self.lane = session, memories, lane
        self._told = ""                                  # the twin whose trouble was told
        self._kept: dict[str, int] = {}                  # conversation -> the last turn that is in the memory

    async def name(self) -> str:
        """What the user is called, for a greeting; "" while memory is off."""
        def work() -> str:
            memory = self._memory()
            return memory.name() if memory else ""
        def ready() -> None:
            if memory := self._memory():
                memory.ready()
        name = await self._done(work, BUDGET) or ""
        await self._done(ready, 0.0)                     # while they are greeted
        return name

    async def recall(self, text: str, language: str) -> Sequence[Recollection]:
        """What bears on a question; what they ask to forget is forgotten first. Nothing while memory is off."""
        if forgetting(text) is not None:
            return await self._forget(text)

        history = [dict(message) for message in self.session.talk.history[-4:]]

        def work() -> list[Recollection]:
            memory = self._memory()
            if memory is None:
                return []
            found = memory.recall(text, language=language_of(text, history, language))
            return found if any(one.asked for one in found) else [*found, NONE]
        return await self._done(work, BUDGET) or []

    async def keep(self) -> None:
        """What was heard since the last time, kept and learnt from."""
        session = self.session
        owner, twin, conversation = session.user.id, session.twin.id, session.saved.id
        last = self._kept.get(conversation, 0)
        fresh = [dict(message) for message in session.talk.history if message.get("turn", 0) > last]
        if not fresh or not session.user.owner or not any(message["role"] == "user" for message in fresh):
            return

        def work() -> None:
            memory = self.memories.of(owner, twin)
            if memory is None:
                return
            with memory.together():
                for message in fresh:
                    if message["content"] and not (message["role"] == "user" and forgetting(message["content"])):
                        memory.heard(message["role"], message["content"], turn=message["turn"], conversation=conversation)
            memory.warm()
        await self._done(work, PATIENCE)
        self._kept[conversation] = max(message.get("turn", 0) for message in fresh)

    async def forget_turns(self, conversation: str, first: int, last_user_stays: bool = False) -> None:
        """What was said from a turn on is taken back."""
        def work() -> None:
            memory = self._memory()
            if memory:
                memory.forget_turns(conversation, first + last_user_stays)
        await self._done(work, PATIENCE)
        if conversation in self._kept:
            self._kept[conversation] = min(self._kept[conversation], first - 1 + last_user_stays)

    async def forget_talk(self, conversation: str) -> None:
        """A whole conversation is deleted, whoever it was with."""
        owner = self.session.user.id

        def work() -> None:
            for twin in self.memories.twins(owner):
                with suppress(TwinError):
                    if memory := self.memories.look(owner, twin):
                        memory.forget_turns(conversation)
        await self._done(work, PATIENCE)

    def begun(self, conversation: str, history: Sequence[dict[str, Any]]) -> None:
        """A conversation was opened: what it holds already was kept when it was said."""
        self._kept = {conversation: max((message.get("turn", 0) for message in history), default=0)}

    async def _forget(self, text: str) -> Sequence[Recollection]:
        session = self.session
        owner, name = session.user.id, session.saved.id

        def work() -> tuple[int, list[Any]]:
            memory = self._memory()
            if memory is None:
                return -1, []
            count = memory.forget(text, conversation=name)
            gone = list(memory.gone)
            cut(session.rooms.saved, owner, gone, but=name)
            return count, gone
        done = await self._done(work, PATIENCE)
        if done is None or done[0] < 0:
            return []
        count, gone = done
        history = without(session.talk.history, gone, name)
        if history != session.talk.history:
            session.talk.history[:] = history
            session.tell({"type": "history", "history": session.talk.history})
        return [Recollection("", "forgot", object=str(count))]

    def _memory(self) -> Any:
        session = self.session
        if not session.user.owner:                       # a visitor keeps nothing, and nothing of the owner's is told to them
            return None
        return self.memories.of(session.user.id, session.twin.id)

    async def _done(self, work: Any, budget: float) -> Any:
        """On the memories' own thread, for so long at the most; None where it failed or took longer. It goes on there all the same."""
        try:
            task = asyncio.ensure_future(self.lane.run(work, budget=max(budget, PATIENCE) + 10.0))
            done, _ = await asyncio.wait({task}, timeout=budget)
            if not done:
                task.add_done_callback(lambda late: late.cancelled() or late.exception())
                if budget:
                    log.info("memory took longer than %.1f s", budget)
                return None
            found = task.result()
        except (TwinError, sqlite3.Error, OSError, ValueError) as error:
            log.warning("memory failed: %s", type(error).__name__)
            return None
        self._trouble()
        return found

    def _trouble(self) -> None:
        session = self.session
        trouble = self.memories.trouble(session.user.id, session.twin.id)
        if trouble is not None and self._told != session.twin.id:
            self._told = session.twin.id
            message = trouble.zh if session.language == "zh" else trouble.en
            session.tell({"type": "error", "code": f"memory-{trouble.code}", "message": message, "hint": "", "kept": False})
