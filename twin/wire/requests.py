"""What a browser may say: every message of the wire by type, its fields and their bounds. Pure checks; acting on them is wire.py's."""
from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from ..codec import CODECS
from ..errors import Refused
from .phrases import phrase

LANGUAGES = ("en", "zh")
CHUNK = 64 * 1024        # bytes of microphone in one frame; 250 ms are 8,000
MOST_JSON = 2**20        # characters of one JSON message
_HEX32 = re.compile(r"[0-9a-f]{32}")
_NAME = re.compile(r"[a-z0-9][a-z0-9_-]{0,59}")
_MISSING = object()


class Complaint(Refused):
    """A message that is not taken. `code` is for the page, `kept` says that what was typed should stay in the box."""

    def __init__(self, code: str, language: str = "en", *, kept: bool = False, **values: Any):
        super().__init__(*phrase(code, language, **values))
        self.code, self.kept = code, kept


def _text(most: int) -> Callable[[Any], Any]:
    return lambda value: value if isinstance(value, str) and len(value) <= most else _MISSING


def _matching(pattern: re.Pattern[str]) -> Callable[[Any], Any]:
    return lambda value: value if isinstance(value, str) and pattern.fullmatch(value) else _MISSING


def _among(*choices: str) -> Callable[[Any], Any]:
    return lambda value: value if isinstance(value, str) and value in choices else _MISSING


def _whole(value: Any) -> Any:
    return value if isinstance(value, int) and not isinstance(value, bool) and 0 <= value < 2**53 else _MISSING


def _seconds(value: Any) -> Any:
    fits = isinstance(value, (int, float)) and not isinstance(value, bool) and 0 <= value < 1e6              # NaN is not
    return float(value) if fits else _MISSING


def _number(value: Any) -> Any:
    fits = isinstance(value, (int, float)) and not isinstance(value, bool) and abs(value) < 1e300            # a whole number may be larger than any float
    return value if fits else _MISSING


def _flag(value: Any) -> Any:
    return value if isinstance(value, bool) else _MISSING


def _codecs(value: Any) -> Any:
    """The first the two ends share; pcm16 is always understood."""
    known = [codec for codec in value[:8] if codec in CODECS] if isinstance(value, list) else []
    return known[0] if known else "pcm16"


# type -> field -> (check, default); without a default the field is required
SHAPES: dict[str, dict[str, tuple[Callable[[Any], Any], Any]]] = {
    "hello": {"token": (_text(64), _MISSING), "twin": (_matching(_NAME), ""), "lang": (_among(*LANGUAGES), "en"),
              "codecs": (_codecs, "pcm16"),
              "conversation": (_matching(_HEX32), ""), "page": (_matching(_HEX32), ""), "greet": (_flag, False), "seq": (_whole, None)},
    "say": {"text": (_text(MOST_JSON), _MISSING)},
    "stop": {"turn": (_whole, None), "at": (_seconds, None)},
    "heard": {"turn": (_whole, _MISSING), "at": (_seconds, _MISSING)},
    "played": {"turn": (_whole, _MISSING)},
    "regenerate": {},
    "edit": {"index": (_whole, _MISSING), "text": (_text(MOST_JSON), _MISSING)},
    "rewind": {"index": (_whole, _MISSING)},
    "clear": {}, "list": {}, "idle": {},
    "resume": {"conversation": (_matching(_HEX32), _MISSING)},
    "forget": {"conversation": (_matching(_HEX32), _MISSING)},
    "twin": {"id": (_matching(_NAME), _MISSING)},
    "lang": {"lang": (_among(*LANGUAGES), _MISSING)},
    "mic": {"on": (_flag, _MISSING), "mode": (_among("push", "free"), "push")},
    "ping": {"t": (_number, 0)},
    "ack": {"seq": (_whole, _MISSING)},
}


def check(message: Any, language: str = "en") -> dict[str, Any]:
    """The message with every field of its type filled in and nothing else. Raises Complaint, naming the field, for what does not fit."""
    if not isinstance(message, dict):
        raise Complaint("garbage", language)
    kind = message.get("type")
    shape = SHAPES.get(kind) if isinstance(kind, str) else None
    if shape is None:
        raise Complaint("unknown-type", language, kind=_short(kind))
    checked = {"type": kind}
    for name, (fits, default) in shape.items():
        given = message.get(name)
        value = default if given is None else fits(given)
        if value is _MISSING:
            raise Complaint("bad-field", language, kind=kind, field=name)
        checked[name] = value
    return checked


def _short(value: Any) -> str:
    """A type that nobody knows, harmless enough to be repeated."""
    return "".join(c for c in str(value)[:24] if c.isalnum() or c in "-_") or "?"
