"""Who is asking. A user is a random 256-bit token that the browser made and keeps in its localStorage; here only its hash is ever held."""
from __future__ import annotations

import hashlib
import hmac
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from .errors import Refused

HEADER = "X-Twin-Token"
_TOKEN = re.compile(r"[0-9a-f]{64}")


@dataclass(frozen=True)
class User:
    """`id` is the SHA-256 of the token: good for a folder's name, useless for getting in. `key` comes of the token too, but not of the id: what
    is sealed under it opens only while its user asks."""
    id: str
    key: bytes = field(default=b"", repr=False, compare=False)


def who(source: Any) -> User:
    """The user behind a socket's hello (a mapping with `token`), or a request or Gradio event (an object with `headers`).

    Raises Refused when there is no token of 64 hexadecimal digits. A token is never looked for in a URL.
    """
    headers = getattr(source, "headers", None)           # asked first: a request is a mapping too, of what the server knows about it
    if headers is not None:
        token = headers.get(HEADER) or headers.get(HEADER.lower())
    else:
        token = source.get("token") if isinstance(source, Mapping) else None
    if not isinstance(token, str) or not _TOKEN.fullmatch(token):
        raise Refused("This browser did not say who it is.", "Reload the page; it makes a key of its own and keeps it in this browser.")
    raw = bytes.fromhex(token)
    return User(hashlib.sha256(raw).hexdigest(), hmac.digest(raw, b"twin user key", "sha256"))
