"""How far a share is, from one source for the page, the terminal and the log."""
from __future__ import annotations

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Progress:
    """`done` counts 0..1. The last one of a publishing carries its `place`: a hub.Space."""
    step: str
    done: float
    en: str
    zh: str
    place: Any = None
