"""Places for work that only so many can have done at once: to speak, to be filmed, to be built. Who finds none free waits and is told the number.

Fair between users: whoever has least going on is next, then who came first. One event loop.
"""
from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable
from contextlib import suppress

from ..errors import Refused

MOST_WAITING = 200
MINE = 4                 # one user's that wait


class Places:
    """`take(who)` gives a ticket at once; `await ticket.come()` until it is its turn; `ticket.leave()` when the work is done."""

    def __init__(self, most: int, name: str = "", waiting: int = MOST_WAITING):
        self.most, self.name, self.most_waiting = max(1, most), name, waiting
        self.inside: Counter[str] = Counter()
        self._waiting: list[Ticket] = []
        self.closed = False

    def __len__(self) -> int:
        return len(self._waiting)

    @property
    def taken(self) -> int:
        return self.inside.total()

    def take(self, who: str, told: Callable[[int], None] = lambda place: None) -> Ticket:
        """A ticket: in at once where there is room, else waiting. `told(place)` hears its place in the queue, 1 is next, when it changes and
        0 when it is in. Raises Refused "busy" when too many wait."""
        ticket = Ticket(self, who, told)
        if not self.closed and self.taken < self.most and not self._waiting:
            ticket._enter()
            return ticket
        if len(self._waiting) >= self.most_waiting or sum(other.who == who for other in self._waiting) >= MINE:
            raise Refused("Too many are waiting already.", "Try again in a minute.", code="busy", zh=("排队的人太多了。", "请过一分钟再试。"))
        self._waiting.append(ticket)
        self._tell()
        return ticket

    def close(self) -> None:
        """Nobody gets in any more."""
        self.closed = True

    def _order(self) -> list[Ticket]:
        before = Counter(self.inside)
        ranked: list[tuple[int, int, Ticket]] = []
        for ticket in self._waiting:                     # in the order they came
            ranked.append((before[ticket.who], len(ranked), ticket))
            before[ticket.who] += 1
        return [ticket for *_, ticket in sorted(ranked, key=lambda item: item[:2])]

    def _next(self) -> None:
        while not self.closed and self._waiting and self.taken < self.most:
            ticket = self._order()[0]
            self._waiting.remove(ticket)
            ticket._enter()
        self._tell()

    def _tell(self) -> None:
        for place, ticket in enumerate(self._order(), 1):
            ticket._tell(place)


class Ticket:
    """One piece of work's right to be done. `leave` may be called at any time, more than once."""

    def __init__(self, places: Places, who: str, told: Callable[[int], None]):
        self.places, self.who, self.told = places, who, told
        self.place = -1                                  # in the queue; 0 = in
        self.over = False
        self._changed = asyncio.Event()

    @property
    def inside(self) -> bool:
        return self.place == 0 and not self.over

    async def come(self) -> bool:
        """Wait until it is in. False when it was given back meanwhile."""
        while not self.inside and not self.over:
            await self.moved()
        return self.inside

    async def moved(self) -> int:
        """Wait until its place changes. The new one."""
        await self._changed.wait()
        self._changed.clear()
        return self.place

    def leave(self) -> None:
        if self.over:
            return
        was_in, self.over = self.inside, True
        self._changed.set()
        if was_in:
            self.places.inside[self.who] -= 1
            self.places.inside += Counter()              # drops what is zero
        else:
            with suppress(ValueError):
                self.places._waiting.remove(self)
        self.places._next()

    def _enter(self) -> None:
        self.places.inside[self.who] += 1
        self._tell(0)

    def _tell(self, place: int) -> None:
        if place != self.place:
            self.place = place
            self._changed.set()
            self.told(place)
