"""Reminders of one live conversation: its book, and the moment at which the next of them is spoken."""
from __future__ import annotations

import asyncio
from contextlib import suppress
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from ..errors import TwinError
from ..store.reminders import book

if TYPE_CHECKING:
    from .session import Session

SOON = 5.0               # s until it is tried again where somebody is speaking, or no browser is there to hear it
LONGEST = 3600.0         # s that one wait lasts at most: the clock of the machine may be set


class Alarm:
    """Of a session whose user keeps something. `opened` at a new conversation, `watch` after each turn, `end` with the session."""

    def __init__(self, session: Session):
        self.session = session
        self._timer: asyncio.TimerHandle | None = None

    async def opened(self) -> None:
        """Hand the conversation its book."""
        session, rooms = self.session, self.session.rooms
        session.talk.book = None
        if rooms.memories is not None and session.user.owner:
            with suppress(TwinError):
                session.talk.book = await asyncio.to_thread(book, rooms.memories, session.user.id, session.twin.id)
        self.watch()

    def watch(self) -> None:
        """Wait for the next reminder."""
        self.end()
        held: Any = getattr(self.session.talk, "book", None)
        if held is not None and (at := held.next()) is not None:
            left = (at - self.session.talk.now()) / timedelta(seconds=1)
            self._timer = asyncio.get_running_loop().call_later(min(max(0.0, left), LONGEST), self._rings)

    def end(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _rings(self) -> None:
        self._timer = None
        self.session.later(self._speak())

    async def _speak(self) -> None:
        session = self.session
        held: Any = session.talk.book
        if held is None or (at := held.next()) is None:
            return
        if at > session.talk.now():
            self.watch()
        elif session.holder is None or session.talk.speaking or session.doing or session.rooms.speaking.closed:
            self._timer = asyncio.get_running_loop().call_later(SOON, self._rings)
        else:
            with suppress(TwinError):
                await session.begin(session.talk.aside)
