"""The door of a server: who may come in, from which site, how often. Every route, socket and event asks here first."""
from __future__ import annotations

import ipaddress
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

from ..errors import Refused
from ..users import User, Users
from .limits import Limits, address_of
from .metrics import Metrics
from .phrases import phrase

FORWARDED = ("forwarded", "x-forwarded-for", "x-forwarded-host", "x-real-ip", "via")     # what proxies write


@dataclass(frozen=True)
class Door:
    """`origins`: other sites whose pages may ask ("*" = any, "null" = a file opened from disk); `frames`: those that may show ours in a frame;
    `proxies`: how many of our own stand before the server."""
    users: Users = field(default_factory=Users)
    limits: Limits = field(default_factory=Limits)
    origins: tuple[str, ...] = ()
    frames: tuple[str, ...] = ()
    proxies: int = 0
    metrics: Metrics = field(default_factory=Metrics)

    def allowed(self, headers: Any) -> bool:
        """Whether a page of this site, or of a listed one, asks. What is no browser sends no Origin; it needs a token too."""
        return allowed(headers, self.origins)

    def address(self, scope: Mapping[str, Any]) -> str:
        return address_of(scope, self.proxies)

    def at_home(self, request: Any) -> bool:
        """Whether whoever asks sits at this machine, and it is theirs: what this machine may do in its owner's name, it may do for them. Nobody signs
        in here, no proxy stands between, and they asked for the machine by its own name, so that no other site's name led here."""
        if self.users.kind or self.proxies or any(name in request.headers for name in FORWARDED):
            return False
        try:
            host = urlsplit(f"//{request.headers.get('host', '')}").hostname or ""
            return (host == "localhost" or _here(host)) and _here(str((request.scope.get("client") or [""])[0]))
        except ValueError:
            return False

    def enter(self, source: Any, scope: Mapping[str, Any], kind: str, visitors: bool = True) -> User:
        """The user behind a request or an event, counted as one of that kind (limits.py). Raises Refused, with a code: "origin", "who", "login",
        "too-often", and "owner" for a visitor where none may go."""
        self.knock(source, scope, kind)
        user = self.user(source)
        self.limits.take(kind, user=user.id)
        if not visitors and not user.owner:
            raise refused("owner")
        return user

    def knock(self, source: Any, scope: Mapping[str, Any], kind: str) -> None:
        """Whether somebody may ask at all, whoever it is."""
        if not self.allowed(source.headers):
            raise refused("origin", origin=source.headers.get("origin", "")[:200])
        self.limits.take(kind, address=self.address(scope))

    def user(self, source: Any) -> User:
        """Who it is, whether or not they may do it. Raises Refused "who" or "login"."""
        try:
            return self.users.who(source)
        except Refused as error:
            if error.code not in ("who", "login"):
                raise
            raise refused(error.code) from None


def _here(address: str) -> bool:
    found = ipaddress.ip_address(address)
    return (getattr(found, "ipv4_mapped", None) or found).is_loopback


def refused(code: str, **values: Any) -> Refused:
    """A phrase as an error, in both languages."""
    message, hint = phrase(code, "en", **values)
    return Refused(message, hint, code=code, zh=phrase(code, "zh", **values))


def allowed(headers: Any, origins: tuple[str, ...]) -> bool:
    origin = headers.get("origin")
    if not origin or "*" in origins:
        return True
    host = urlsplit(origin).netloc.lower()
    own = {headers.get(name, "").lower() for name in ("host", "x-forwarded-host")} - {""}
    return (bool(host) and host in own) or origin.lower().rstrip("/") in origins
