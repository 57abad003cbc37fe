"""How soon a photo speaks: the picture handed in, its face built, the twin opened, the first sound of its first word at a loopback client.

As a person meets it, over HTTP and the live channel, with a real photograph; the time they take to type is theirs and is not counted. The page
asks for the draft first, as it does when the wizard is opened, which is when the face finder loads. Then the same for each step alone, and how
long it takes to save the twin as a file, to load that, and to delete it.
"""
from __future__ import annotations

import asyncio
import io
import json
import secrets
import statistics
import time
from typing import Any

from .client import Client
from .turn import server

SETTLE = 8.0             # s between opening the wizard and choosing a photo


def options(parser) -> None:
    parser.add_argument("--runs", type=int, default=3, help="twins made; the median counts")


def photo() -> bytes:
    """skimage's astronaut (NASA, public domain), a photo that smiles with teeth, as a JPEG."""
    from PIL import Image
    from skimage.data import astronaut
    out = io.BytesIO()
    Image.fromarray(astronaut()).save(out, "JPEG", quality=95)
    return out.getvalue()


async def one(url: str, picture: bytes) -> dict[str, float]:
    """Seconds of each step of one twin, of which nothing is left."""
    import httpx
    token, took = secrets.token_hex(32), {}
    clock = [0.0]

    def lap(name: str) -> None:
        now = time.perf_counter()
        took[name], clock[0] = now - clock[0], now

    async with httpx.AsyncClient(base_url=url, headers={"X-Twin-Token": token}, timeout=300, trust_env=False) as web:
        async def ask(method: str, path: str, **more: Any) -> Any:
            answer = await web.request(method, path, **more)
            answer.raise_for_status()
            return answer
        await ask("GET", "/draft")
        await asyncio.sleep(SETTLE)
        began = clock[0] = time.perf_counter()
        draft = (await ask("POST", "/draft/photo", content=picture)).json()
        assert draft["photo"]["chosen"] == 0, draft["missing"]
        lap("photo_s")
        fields = {"name": "Eileen", "description": "Eileen flies spacecraft.", "greeting": "Hello, I am Eileen, a digital human."}
        await ask("POST", "/draft/persona", json=fields)
        await ask("POST", "/draft/consent", json={"agreed": True, "who": "NASA", "relation": "permission", "for": ["talk"]})
        lap("persona_and_consent_s")
        lines = [json.loads(line) for line in (await ask("POST", "/draft/build")).text.splitlines()]
        twin = lines[-1]["twin"]
        lap("build_s")
        for name in ("rig.json", "portrait.webp", "background.webp", "eyes.webp", "iris.webp", "mouth.webp", "depth.webp"):
            await ask("GET", twin["face"] + name)
        lap("fetch_face_s")
        async with Client(url, token=token, twin=twin["id"], greet=True) as client:
            lap("open_s")
            await client.sound()
            lap("first_word_s")
            took["photo_to_first_word_s"] = clock[0] - began
        clock[0] = time.perf_counter()
        bundle = (await ask("POST", f"/twins/{twin['id']}/bundle", json={})).content
        lap("save_file_s")
        other = (await ask("POST", "/bundle", content=bundle)).json()["twin"]
        lap("load_file_s")
        await ask("DELETE", f"/twins/{other['id']}")
        lap("delete_s")
        await ask("DELETE", f"/twins/{twin['id']}")
    return took | {"bundle_mb": len(bundle) / 2**20}


async def measure(runs: int) -> list[dict[str, float]]:
    picture = photo()
    async with server() as (url, _):
        return [await one(url, picture) for _ in range(runs)]


def run(options) -> dict[str, object]:
    rows = asyncio.run(measure(options.runs))
    figures = {name: round(statistics.median(row[name] for row in rows), 3) for name in rows[0]}
    return {"photo_to_first_word_s": figures.pop("photo_to_first_word_s"), "first_run_s": round(rows[0]["photo_to_first_word_s"], 3), **figures}
