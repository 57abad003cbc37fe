"""What is measured of a finished face, for the twin's card: whether its lips close and its mouth opens, seen by MediaPipe in drawn frames."""
from __future__ import annotations

import contextlib
import json
import logging
import threading
from datetime import UTC, datetime
from typing import Any

import numpy as np

from ..errors import TwinError
from ..store import Shelf, Twin

SIZE = (512, 512)        # px of a frame
LATER = 20.0             # s after the build: the first words come first
log = logging.getLogger("twin.create")


def lips(twin: Twin) -> dict[str, float]:
    """{"closed", "open"}: the gap of the inner lips over the distance of the irises, at rest and with the jaw dropped; {} where no face is seen."""
    from ..paint.draw import Painter
    from ..paint.faces import points_in
    painter, found = Painter(twin.read, SIZE), {}
    for name, weights in (("closed", {}), ("open", {"jawOpen": 0.6})):
        points = points_in(np.ascontiguousarray(painter.frame(weights)))
        if points is None:
            return {}
        gap, eyes = points[13, :2] - points[14, :2], points[468, :2] - points[473, :2]
        found[name] = round(float(np.linalg.norm(gap) / np.linalg.norm(eyes)), 3)
    return found


def today() -> str:
    """The day of a measurement, ISO 8601, UTC."""
    return datetime.now(UTC).date().isoformat()


def measure(shelf: Shelf, owner: str, name: str) -> None:
    """Put it on the twin's card, with the day. A twin that is gone or locked by now is left alone, and so is one whose rig can't be drawn."""
    with contextlib.suppress(TwinError, OSError, ValueError, ImportError, LookupError, TypeError, ArithmeticError):
        twin = shelf.get(owner, name)
        known: dict[str, Any] = json.loads(twin.read("measured.json")) if twin.has("measured.json") else {}
        if found := lips(twin):
            shelf.note(owner, name, "measured.json", json.dumps(known | {"lips": found, "when": today()}, ensure_ascii=False, indent=1).encode())


def later(shelf: Shelf, twin: Twin, seconds: float = LATER) -> None:
    """Measure beside, in a while."""
    timer = threading.Timer(seconds, measure, (shelf, twin.owner, twin.id))
    timer.daemon = True
    timer.start()
