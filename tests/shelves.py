"""What the tests of own twins share: the smallest whole twin, and a shelf."""
from __future__ import annotations

import io
import json
from functools import cache

import numpy as np
from PIL import Image

from twin.trust import consent, digest

ADA, BEA = "a" * 64, "b" * 64
PHRASE = "correct horse battery"


@cache
def webp(value: int = 90, size: int = 16) -> bytes:
    out = io.BytesIO()
    Image.fromarray(np.full((size, size, 3), value, np.uint8)).save(out, "WEBP")
    return out.getvalue()


@cache
def agreed() -> bytes:
    return json.dumps(consent("Ada Lovelace", "self", ["talk", "film"], {"photo": digest(b"photo")})).encode()


def files(name: str = "Ada", secret: str = "I keep eleven bees.") -> dict[str, bytes]:
    """A twin with a grey face."""
    return {"persona.yaml": f"name: {name}\ndescription: A keeper of bees.\nfacts: ['{secret}']\n".encode(),
            "lines.en.yaml": b"- {id: bees, ask: [Do you keep bees?], say: [Eleven of them.]}\n", "consent.json": agreed(),
            "measured.json": b'{"seconds": 1}', "face/portrait.webp": webp(), "face/background.webp": webp(200),
            "face/rig.json": json.dumps({"version": 1, "size": [16, 16], "points": [[1, 2, 3]]}).encode()}
