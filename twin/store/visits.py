"""Which twins behind a passphrase are open, and until when: one visit. Their keys are held here alone, in memory."""
from __future__ import annotations

import time
from collections.abc import Callable

from ..errors import Refused

VISIT = 900.0                                            # s without a live page after which an unlocked twin is locked again
TRIES = 5                                                # wrong passphrases a minute, for one twin
MOST_TRIED = 10_000                                      # twins of which tries are remembered


class Visits:
    """`present(owner)` says whether a user has a page open."""

    def __init__(self, present: Callable[[str], bool]):
        self._present = present
        self._open: dict[tuple[str, str], tuple[bytes, float]] = {}
        self._tried: dict[tuple[str, str], list[float]] = {}

    def hold(self, owner: str, name: str, key: bytes) -> None:
        """It is open from now on."""
        self._tried.pop((owner, name), None)
        self._open[owner, name] = (key, time.monotonic())

    def key(self, owner: str, name: str) -> bytes | None:
        """The key of one that is open; asking for it is a sign of life."""
        held = self._open.get((owner, name))
        if held is None:
            return None
        self._open[owner, name] = (held[0], time.monotonic())
        return held[0]

    def stale(self, owner: str, name: str) -> bool:
        """Whether it is open though its visit is over."""
        held = self._open.get((owner, name))
        return held is not None and time.monotonic() - held[1] > VISIT and not self._present(owner)

    def end(self, owner: str, name: str = "") -> list[str]:
        """This user's twins, or that one alone, are open no more. Returns which were."""
        ended = [held for held in self._open if held[0] == owner and name in ("", held[1])]
        for held in ended:
            del self._open[held]
        return [each for _, each in ended]

    def trying(self, owner: str, name: str) -> None:
        """Somebody says a passphrase. Raises Refused after too many."""
        now = time.monotonic()
        if len(self._tried) > MOST_TRIED:
            self._tried.clear()
        tried = self._tried[owner, name] = [at for at in self._tried.get((owner, name), ()) if now - at < 60] + [now]
        if len(tried) > TRIES:
            raise Refused("That was tried too often.", "Wait a minute, then try again.", code="too-often", zh=("试得太多了。", "请过一分钟再试。"))
