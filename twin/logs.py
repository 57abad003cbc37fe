"""What is written to the log: lines for a person or JSON for a machine, without text, faces, voices or keys.

What goes wrong is logged by its kind and its places; an error's own message may hold what was said and is left out, as are keys that got into a
line by mistake.
"""
from __future__ import annotations

import json
import logging
import re
import time
import traceback
from types import TracebackType

from .errors import TwinError

KEYS = re.compile(r"\b[0-9a-f]{64}\b|\bhf_[A-Za-z0-9]{8,}|\bsk-[A-Za-z0-9_-]{8,}|(?i:bearer)\s+\S+")
OWN = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime"}
QUIET = {"httpx": logging.WARNING, "PIL": logging.INFO, "websockets": logging.WARNING, "uvicorn.error": logging.WARNING, "asyncio": logging.ERROR,
         "multipart": logging.WARNING, "python_multipart": logging.WARNING, "hpack": logging.WARNING, "numba": logging.WARNING}
Caught = tuple[type[BaseException], BaseException, TracebackType | None] | tuple[None, None, None]


class Plain(logging.Formatter):
    """2026-11-22 10:00:00,000 INFO twin.serve: ... and the places of an error, innermost last."""

    def __init__(self) -> None:
        super().__init__("%(asctime)s %(levelname)s %(name)s: %(message)s")

    def format(self, record: logging.LogRecord) -> str:
        record.exc_text = None
        return masked(super().format(record))

    def formatException(self, ei: Caught) -> str:        # noqa: N802  (logging's name)
        return places(ei)


class Json(Plain):
    """One object a line: time, level, name, message, whatever was given by `extra`, and of an error its kind and places."""

    def format(self, record: logging.LogRecord) -> str:
        when = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(record.created))
        told: dict[str, str | int | float] = {"time": f"{when}.{int(record.msecs):03}Z", "level": record.levelname.lower(), "name": record.name,
                                              "message": record.getMessage()}
        told |= {name: value for name, value in vars(record).items() if name not in OWN and isinstance(value, (str, int, float, bool))}
        if record.exc_info:
            told["error"] = places(record.exc_info)
        return masked(json.dumps(told, ensure_ascii=False))


def masked(line: str) -> str:
    return KEYS.sub("(key)", line)


def places(caught: Caught) -> str:
    """An error's kind and where it came from; its message only where it is one of ours, written for people."""
    kind, error, trace = caught
    if kind is None:
        return ""
    lines = [f"  {frame.filename}:{frame.lineno} in {frame.name}" for frame in traceback.extract_tb(trace)]
    return "\n".join([*lines, f"{kind.__name__}{f': {error.message}' if isinstance(error, TwinError) else ''}"])


def adopt() -> None:
    """Let uvicorn's own words come out by ours too; it sets up its log when it is made."""
    for name in ("uvicorn", "uvicorn.error", "uvicorn.access", "uvicorn.asgi"):
        logger = logging.getLogger(name)
        logger.handlers.clear()
        logger.propagate = True


def begin(level: str = "info", form: str = "text") -> None:
    """Log to stderr from now on."""
    handler = logging.StreamHandler()
    handler.setFormatter(Json() if form == "json" else Plain())
    root = logging.getLogger()
    for other in list(root.handlers):
        if isinstance(other, logging.StreamHandler) and isinstance(other.formatter, Plain):
            root.removeHandler(other)
    root.addHandler(handler)
    root.setLevel(getattr(logging, level.upper(), logging.INFO))
    for name, least in QUIET.items():
        logging.getLogger(name).setLevel(max(least, root.level))
