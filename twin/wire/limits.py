"""How often one may ask: a bucket for each user and each address, filled at a steady pace. Nothing is kept of anyone beyond a number and a time."""
from __future__ import annotations

import ipaddress
import math
import time
from collections.abc import Mapping
from typing import Any

from ..errors import Refused

# kind -> who -> (how many at once, how many a minute). An address may be a whole school behind one router.
RATES: dict[str, dict[str, tuple[float, float]]] = {
    "ask": {"user": (20, 40), "address": (200, 400)},                    # questions, typed or spoken
    "message": {"user": (400, 1800), "address": (4000, 18_000)},         # whatever a page sends over its live channel; sound is 4 to 50 a second
    "connect": {"user": (40, 60), "address": (400, 600)},                # hellos
    "read": {"user": (300, 1200), "address": (2000, 6000)},              # requests that change nothing
    "write": {"user": (120, 300), "address": (600, 1500)},
    "make": {"user": (6, 6), "address": (30, 30)},                       # twins built, films made, bundles loaded
    "invent": {"user": (40, 80), "address": (200, 400)},                 # faces that never were: four at a time, or one on the way between two
    "models": {"user": (10, 20), "address": (30, 60)},                   # models fetched, tried and switched over to
    "login": {"user": (5, 5), "address": (20, 20)},                      # passwords tried, by name and by address
}
MOST = 20_000            # buckets; full ones are forgotten first


class Limits:
    """`factor`: how many times RATES; 0 is no limit."""

    def __init__(self, factor: float = 1.0, rates: Mapping[str, Mapping[str, tuple[float, float]]] = RATES):
        self.factor, self.rates = factor, rates
        self._buckets: dict[tuple[str, str], tuple[float, float, float, float]] = {}         # (kind, who) -> (left, at, most, a second)

    def __len__(self) -> int:
        return len(self._buckets)

    def take(self, kind: str, *, user: str = "", address: str = "") -> None:
        """One more of that kind. Raises Refused "too-often", with `.wait` in seconds, when it is one too many for the user or the address."""
        if not self.factor:
            return
        now = time.monotonic()
        for side, name in (("user", user), ("address", address)):
            if not name:
                continue
            most, pace = (value * self.factor for value in self.rates[kind][side])
            left, at, *_ = self._buckets.get((kind, name), (most, now))
            left = min(most, left + (now - at) * pace / 60)
            if left < 1:
                raise too_often((1 - left) * 60 / pace)
            if (kind, name) not in self._buckets and len(self._buckets) >= MOST:
                self._tidy(now)
            self._buckets[kind, name] = (left - 1, now, most, pace / 60)

    def _tidy(self, now: float) -> None:
        for key, (left, at, most, pace) in list(self._buckets.items()):
            if left + (now - at) * pace >= most:
                del self._buckets[key]
        while len(self._buckets) >= MOST:
            del self._buckets[next(iter(self._buckets))]


def too_often(wait: float) -> Refused:
    """`wait`: s until it is welcome again."""
    seconds = max(1, math.ceil(wait))
    error = Refused("That was too often.", f"Wait {seconds} s, then go on.", code="too-often", zh=("太频繁了。", f"请等 {seconds} 秒再继续。"))
    error.wait = seconds                                 # type: ignore[attr-defined]
    return error


def address_of(scope: Mapping[str, Any] | Any, proxies: int = 0) -> str:
    """The address a connection came from; behind `proxies` of our own, what the first of them wrote down. An IPv6 one is its /64, for one
    household has all of that. "" where there is none (a local pipe)."""
    given = scope.get("client") if hasattr(scope, "get") else None
    client = str(given[0]) if given else ""
    if proxies:
        headers = {name.decode("latin-1").lower(): value.decode("latin-1") for name, value in scope.get("headers", ()) if name.lower() == b"x-forwarded-for"}
        passed = [part.strip() for part in headers.get("x-forwarded-for", "").split(",") if part.strip()]
        client = passed[-proxies] if len(passed) >= proxies else passed[0] if passed else client
    try:
        found = ipaddress.ip_address(client.strip("[]").split("%")[0])
    except ValueError:
        return client[:64]
    if isinstance(found, ipaddress.IPv6Address):
        if found.ipv4_mapped:
            return str(found.ipv4_mapped)
        return str(ipaddress.ip_network((found, 64), strict=False).network_address)
    return str(found)
