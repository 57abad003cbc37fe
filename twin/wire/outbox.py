"""The outbox of one live session: what the conversation sends waits here, numbered, until a transport has carried it.

Putting never waits, so a peer that stops reading cannot hold up a conversation. It is bounded: past the bound the outbox is `full` and the
transport drops the peer. What was carried is kept for a while, so that a peer that comes back can have it again.
"""
from __future__ import annotations

import asyncio
from collections import deque
from dataclasses import dataclass
from typing import Any

from ..codec import pack

MOST_BYTES = 8 * 2**20   # unsent; 8 s of speech ahead of the ear take 60 kB as Opus and 400 kB as pcm16
MOST_COUNT = 4_000
KEPT_BYTES = 2 * 2**20   # carried, but perhaps not arrived: some minutes of speech as Opus


@dataclass(frozen=True)
class Letter:
    """One message, packed."""
    seq: int
    data: str | bytes
    turn: int | None                                     # set for what an interruption makes worthless


class Outbox:
    """Numbered messages. One event loop, any number of readers one after the other."""

    def __init__(self, most_bytes: int = MOST_BYTES, most_count: int = MOST_COUNT, kept_bytes: int = KEPT_BYTES):
        self.most_bytes, self.most_count, self.kept_bytes = most_bytes, most_count, kept_bytes
        self.last = 0                                    # number of the newest message
        self._overflow = asyncio.Event()
        self._waiting: deque[Letter] = deque()
        self._carried: deque[Letter] = deque()
        self._bytes = self._kept = 0
        self._dropped = 0                                # newest seq that can't be had again
        self._news = asyncio.Event()
        self._woken = 0

    def put(self, header: dict[str, Any], payload: bytes | None = None) -> int:
        """Number a message and keep it for the reader. When that is too much, `full` is set and the message is lost."""
        self.last += 1
        turn = header.get("turn") if header.get("type") in ("spoken", "token") else None
        letter = Letter(self.last, pack(header | {"seq": self.last}, payload), turn)
        if self.full or self._bytes + len(letter.data) > self.most_bytes or len(self._waiting) >= self.most_count:
            self._overflow.set()
            self._dropped = self.last
        else:
            self._waiting.append(letter)
            self._bytes += len(letter.data)
        self._news.set()
        return self.last

    async def after(self, seq: int) -> list[Letter]:
        """The messages behind `seq`, as soon as there is one; [] when the outbox is full, or when its reader should look who holds it."""
        woken = self._woken
        while not self.full and woken == self._woken:
            if letters := [letter for letter in (*self._carried, *self._waiting) if letter.seq > seq]:
                return letters
            self._news.clear()
            await self._news.wait()
        return []

    @property
    def full(self) -> bool:
        """Whether more came than may wait; what came since is lost."""
        return self._overflow.is_set()

    async def overflow(self) -> None:
        """Wait until it is full."""
        await self._overflow.wait()

    @property
    def waiting(self) -> bool:
        """Whether something was put that nobody has carried or acknowledged."""
        return bool(self._waiting)

    def carried(self, seq: int) -> None:
        """Everything up to `seq` is on its way. It stays for a peer that comes back, up to a bound."""
        while self._waiting and self._waiting[0].seq <= seq:
            letter = self._waiting.popleft()
            self._bytes -= len(letter.data)
            self._carried.append(letter)
            self._kept += len(letter.data)
        while self._kept > self.kept_bytes or len(self._carried) > self.most_count:
            self._forget()

    def acknowledge(self, seq: int) -> None:
        """The peer has everything up to `seq`; it will not ask for it again."""
        self.carried(min(seq, self.last))
        while self._carried and self._carried[0].seq <= seq:
            self._forget()

    def holds(self, seq: int) -> bool:
        """Whether everything behind `seq` can still be had."""
        return self._dropped <= seq <= self.last

    def discard(self, turn: int) -> None:
        """Take back the words and the sound of turns up to `turn` that nobody carried yet: they were interrupted."""
        stay = deque(letter for letter in self._waiting if letter.turn is None or letter.turn > turn)
        self._waiting, self._bytes = stay, sum(len(letter.data) for letter in stay)

    def empty(self) -> None:
        """Begin anew for a peer that gets everything told afresh."""
        self._waiting.clear()
        self._carried.clear()
        self._bytes = self._kept = 0
        self._dropped = self.last
        self._overflow.clear()

    def rest(self) -> None:
        """Keep nothing of what was carried: in a long silence it has arrived."""
        while self._carried:
            self._forget()

    def wake(self) -> None:
        """Let a reader look again."""
        self._woken += 1
        self._news.set()

    def _forget(self) -> None:
        letter = self._carried.popleft()
        self._kept -= len(letter.data)
        self._dropped = max(self._dropped, letter.seq)
