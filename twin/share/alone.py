"""A twin in one HTML file, which opens by a double click and talks without a server; and the Static Space around it.

In the page: the portrait with its content credentials and the other pictures of the face, the rig, the page's own modules (modules.py), what the twin
can say (persona/carried.py), and the answers that are worth most spoken beforehand, by the same conversation as everywhere: Opus, and tracks for
the face. The page forbids itself every connection but one to the endpoint it was given. Text is data there, never markup.

    twin-data   JSON: {twin, channels, full, fps, mind: {words, languages, papers}, says: {language: [[text, line of twin-sound or -1, [[clause, s,
                frames, bytes of the track]]]]}, endpoint, made}
    twin-face   JSON: {file of the face: base64}; rig.json as raw deflate
    twin-sound  a line for each spoken answer, base64: u16 count, that many bytes of lacing as in Ogg, the Opus packets, the tracks
"""
from __future__ import annotations

import asyncio
import base64
import hashlib
import html as markup
import json
import logging
import shutil
import struct
import zlib
from collections.abc import AsyncGenerator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import numpy as np

from persona import documents
from persona.card import Persona
from persona.carried import Carried, foreseen, remembered, spelling
from persona.carried import papers as papers_of
from persona.lines import parse_lines
from persona.mind import Answer, Mind

from .. import mask, trust
from ..codec import OpusTrack, pack_motion
from ..errors import Missing, Refused, TwinError
from ..store import Twin
from ..types import CHANNELS, FPS, FULL, PIECE, RATE, Spoken, Trouble
from .modules import joined
from .space import outgoing

WEB = Path(__file__).resolve().parents[2] / "assets" / "web"
SHEETS = ("page.css", "stage.css", "talk.css", "panels.css", "alone.css")
STAND_INS = {"api.js": "alone_files.js", "sound.js": "alone_sound.js"}
LANGUAGES = ("en", "zh")
ANSWERS = 160            # of a language spoken beforehand; what is beyond stands in the page as text
BIT_RATE = 16_000        # bit/s: 60 answers are about 1 MB
LONGEST = 600            # characters of an answer that is spoken
MOST = 48 * 2**20        # bytes of a page
PICTURES = ("portrait", "background", "eyes", "iris", "mouth")
VERSION = "0.1"
log = logging.getLogger("twin.share")


@dataclass(frozen=True)
class Progress:
    """How far a page is. The last one has it: `data`, and how many answers are spoken and how many only written in it; `notes` say what is missing."""
    done: float                                          # 0..1
    en: str
    zh: str
    data: bytes = field(default=b"", repr=False)
    spoken: int = 0
    written: int = 0
    notes: tuple[tuple[str, str], ...] = ()


async def html(host: Any, twin: Twin, *, languages: Sequence[str] = LANGUAGES, endpoint: str = "", answers: int = ANSWERS) -> AsyncGenerator[Progress, None]:
    """The page of a twin. `host`: twin/meet.py's, whose crew speaks; `endpoint`: the address of a server of this app that has the same twin.
    Raises Refused when nobody agreed to it being shared, and for an endpoint that is none; TwinError where voice or face fail."""
    scope, consent = shared(twin, host.registry.settings.folder("data"))
    where = _endpoint(endpoint)
    tongues = [one for one in languages if one in twin.persona.languages] or [one for one in languages if one in LANGUAGES][:1]
    if not tongues:
        raise Refused("A page speaks English, Chinese or both.", "Choose one: --lang en")
    minds: dict[str, Carried] = {}
    for number, language in enumerate(tongues):
        yield Progress(0.25 * number / len(tongues), "Gathering what it can say", "正在整理它会说的话")
        minds[language] = carried = await _carried(host, twin, language)
        async for part in _stepped(host, carried):
            yield Progress(0.25 * (number + part) / len(tongues), "Gathering what it can say", "正在整理它会说的话")
    says: dict[str, list[list[Any]]] = {language: [[row["text"], -1, []] for row in mind.says] for language, mind in minds.items()}
    chosen = [(language, n) for language, mind in minds.items() for n in mind.ranked()[:answers] if len(mind.says[n]["text"]) <= LONGEST]
    sounds: list[str] = []
    packing: list[tuple[str, int, asyncio.Task[tuple[list[list[Any]], bytes]]]] = []      # while one answer is packed the next is spoken
    try:
        for done, (language, n) in enumerate(chosen):
            yield Progress(0.25 + 0.7 * done / len(chosen), f"Speaking answer {done + 1} of {len(chosen)}", f"正在录制第 {done + 1}/{len(chosen)} 句")
            row = minds[language].says[n]
            if clauses := await _speak(host, twin, language, row["text"], row["mood"]):
                if packing:
                    await packing[-1][2]
                packing.append((language, n, asyncio.create_task(asyncio.to_thread(_packed, clauses))))
        for language, n, task in packing:
            rows, sound = await task
            says[language][n][1:] = [len(sounds), rows]
            sounds.append(base64.b64encode(sound).decode())
    finally:
        for *_, task in packing[-1:]:
            await asyncio.gather(task, return_exceptions=True)
    yield Progress(0.96, "Putting the page together", "正在生成页面")
    face, credentials, notes = await asyncio.to_thread(_face, twin)
    papers, left = await asyncio.to_thread(_papers, twin)
    if left:
        notes.append((f"{left:,} sentences of the documents had no room.", f"文档里有 {left:,} 句放不下。"))
    kept = {language: _lean(mind, says[language]) for language, mind in minds.items()}
    counts = {"spoken": len(sounds), "written": sum(row[1] < 0 and bool(row[0]) for rows in says.values() for row in rows),
              "asks": sum(len(mind.asks) + len(mind.shared) for mind in minds.values()),
              "documents": len(papers["documents"]) if papers else 0}
    data = {"twin": _card(twin), "channels": list(CHANNELS), "full": FULL, "fps": FPS, "endpoint": where,
            "mind": {"words": spelling(), "languages": kept, "papers": papers}, "says": says,
            "made": {"when": datetime.now(UTC).isoformat(timespec="seconds"), "version": VERSION, "scope": scope, "consent": consent,
                     "credentials": credentials, **counts}}
    page = await asyncio.to_thread(_page, twin, data, face, sounds, tongues)
    if len(page) > MOST:
        raise TwinError(f"The page would have {len(page) / 2**20:.0f} MB.", "Choose one language, or fewer answers.")
    yield Progress(1.0, "Done", "完成", page, counts["spoken"], counts["written"], tuple(notes))


def static(twin: Twin, page: bytes, folder: Path) -> None:
    """A Static Space: the page and a README with its front matter. The folder is there whole or not at all. Raises TwinError, Refused if it holds things."""
    scope, consent = shared(twin)
    if folder.exists() and (not folder.is_dir() or any(path.name not in ("index.html", "README.md", ".git", ".gitattributes") for path in folder.iterdir())):
        raise Refused(f"{folder} is not empty.", "Name a new folder.")
    beside = folder.with_name(f".{folder.name}.part")
    try:
        shutil.rmtree(beside, ignore_errors=True)
        beside.mkdir(parents=True)
        (beside / "index.html").write_bytes(page)
        (beside / "README.md").write_text(readme(twin, scope, consent), encoding="utf-8")
        folder.mkdir(parents=True, exist_ok=True)
        for path in beside.iterdir():
            path.replace(folder / path.name)
    except OSError as error:
        raise TwinError(f"{folder} cannot be written: {error.strerror}.", "Name a folder that can be.") from None
    finally:
        shutil.rmtree(beside, ignore_errors=True)


def readme(twin: Twin, scope: str, consent: str) -> str:
    """The card of a Static Space, with Hugging Face's front matter. Every text of the twin is one quoted line in it."""
    name, tagline = (_line(twin.persona.text(part, "en")) for part in ("name", "tagline"))
    record = trust.record_of(twin) or {}
    agreed = f"The person agreed to it being shared (scope: {scope}, consent record {consent[:16]})." if scope else "The face was painted and is nobody's."
    if record.get("invented"):
        agreed = "The face was invented by a program and is nobody's." + ("" if record["relation"] == trust.NOBODY else f" {agreed}")
    front = {"title": name[:60], "emoji": "👤", "colorFrom": "gray", "colorTo": "green", "sdk": "static", "app_file": "index.html", "pinned": False,
             "short_description": (tagline or "A digital human in one page")[:60], "tags": ["digital-human", "ai-generated"]}
    lines = "\n".join(f"{key}: {json.dumps(value, ensure_ascii=False)}" for key, value in front.items())
    return (f"---\n{lines}\n---\n\n# {_escaped(name)}\n\n{_escaped(tagline)}\n\n**This is an AI, not a person.** One page, no server: what it can say was "
            f"spoken beforehand by a machine, and nothing typed into it leaves it unless it says so. {agreed} The portrait carries content credentials "
            "(C2PA) that say a machine made this.\n\n**这是 AI，不是真人。** 单个页面，没有服务器；回答由机器事先合成。\n")


def shared(twin: Twin, data: Path | None = None) -> tuple[str, str]:
    """(how far the consent lets a twin go: "link" or "public"; the record's hash), two "" for a default twin, whose face is nobody's. `data`: the app's
    data folder, which remembers what was taken back. Raises Refused."""
    if not twin.owner and not twin.has("consent.json"):
        return "", ""
    record = json.loads(twin.read("consent.json"))
    trust.consented({"consent.json": twin.read("consent.json")}, data)
    trust.allows(record, "speech")
    trust.scoped(record, "link")
    return trust.scope_of(record), trust.reference(record)


# what it says ----------------------------------------------------------------------------------------------------------------------------

async def _carried(host: Any, twin: Twin, language: str) -> Carried:
    """A mind of the twin's own for this, which knows the embedding of each question beforehand and nothing that its owner keeps."""
    lane = host.registry.crew().mind
    known: dict[str, np.ndarray] = {}

    def made() -> Carried:
        ready = host.mind(twin)
        ready.warm()
        foreseen(ready, known)
        persona = Persona.read(outgoing(twin, "persona.yaml"), twin.id)
        lines = {code: parse_lines(outgoing(twin, name), name) if twin.has(name := f"lines.{code}.yaml") else () for code in LANGUAGES}
        return Carried(Mind(persona, lines, remembered(host.registry.embedder, known)), language, datetime.now())
    return await lane.run(made, budget=300.0)


async def _stepped(host: Any, carried: Carried) -> AsyncGenerator[float, None]:
    lane, steps = host.registry.crew().mind, carried.steps()
    while (part := await lane.run(next, steps, None, budget=300.0)) is not None:
        yield part


Clause = tuple[str, list[np.ndarray], list[np.ndarray]]   # its text, its sound, its motion


async def _speak(host: Any, twin: Twin, language: str, text: str, mood: str) -> list[Clause]:
    """What is said, clause by clause; nothing for a text that no voice can say. Raises TwinError where voice or face fail."""
    events: list[Any] = []
    talk = host.converse(twin, events.append, language, ear=False)
    await talk.tell(Answer("line", text, mood=mood, language=language))
    try:
        await talk.settled()
    finally:
        await talk.interrupt()
    for event in events:
        if isinstance(event, Trouble):
            raise TwinError(event.message, event.hint)
    pieces = [(event.speech, event.speech.audio, event.motion) for event in events if isinstance(event, Spoken) and event.speech.audio]
    if any(audio.rate != RATE for _, audio, _ in pieces if audio):
        raise TwinError(f"The voice does not speak at {RATE} Hz.", "Choose another voice.")
    clauses: list[Clause] = []
    for speech, audio, motion in pieces:
        if speech.text or not clauses:
            clauses.append((speech.text, [], []))
        clauses[-1][1].extend([audio.samples] if audio else [])
        clauses[-1][2].extend([motion.weights] if motion else [])
    return clauses


def _packed(clauses: Sequence[Clause]) -> tuple[list[list[Any]], bytes]:
    """([clause, s, frames, bytes of its track] for each; lacing, packets and tracks)."""
    sound = np.concatenate([samples for _, parts, _ in clauses for samples in parts])
    end = np.zeros(-len(sound) % PIECE + PIECE, np.float32)            # a decoder is 6.5 ms late: the last ones come with one packet more
    packets = OpusTrack(BIT_RATE, "voip").encode(np.concatenate([sound, end]))
    rows, tracks = [], b""
    for clause, samples, motions in clauses:
        weights = np.concatenate(motions) if motions else np.zeros((0, len(CHANNELS)), np.uint8)
        track = pack_motion(weights) if len(weights) else b""
        rows.append([clause, round(sum(map(len, samples)) / RATE, 6), len(weights), len(track)])
        tracks += track
    lacing = b"".join(b"\xff" * (len(packet) // 255) + bytes([len(packet) % 255]) for packet in packets)
    return rows, struct.pack("<H", len(lacing)) + lacing + b"".join(packets) + tracks


def _lean(mind: Carried, says: list[list[Any]]) -> dict[str, Any]:
    """The data of a mind whose replies keep the variants that are spoken, where any is; what nobody says any more goes."""
    data, used = mind.data, set()
    for reply in data["replies"].values():
        reply["say"] = [n for n in reply["say"] if says[n][1] >= 0] or reply["say"]
        used.update(reply["say"])
    for n in set(range(len(says))) - used:
        says[n][:] = ["", -1, []]
    return data | {"starters": mind.starters({n for n, row in enumerate(says) if row[1] >= 0})}


# the page --------------------------------------------------------------------------------------------------------------------------------

def _papers(twin: Twin) -> tuple[dict[str, Any] | None, int]:
    """What the page quotes from: the twin's documents without those that are private, and how many sentences had no room."""
    if not twin.has(documents.FILE) or not (data := documents.public(twin.read(documents.FILE), lambda text: mask.keys(text.encode()).decode())):
        return None, 0
    found, left = papers_of(documents.Library(data=data), Persona.read(outgoing(twin, "persona.yaml"), twin.id))
    return (found, left) if found["rows"] else (None, 0)


def _face(twin: Twin) -> tuple[dict[str, str], str, list[tuple[str, str]]]:
    """The face's files in base64; the SHA-256 of the portrait that carries credentials, or ""; what is missing."""
    if not (twin.has("face/portrait.webp") and twin.has("face/rig.json")):
        raise Missing("The twin has no face.", "Choose another twin.")
    files, notes, credentials = {}, [], ""
    for name in PICTURES:
        if not twin.has(f"face/{name}.webp"):
            continue
        data = twin.read(f"face/{name}.webp")
        if name == "portrait":
            data, how = trust.marked(data, ".webp", title=f"{twin.persona.text('name', 'en')}, portrait of a digital human", label=False,
                                     consent=trust.record_of(twin), model="portrait")
            credentials = hashlib.sha256(data).hexdigest() if how.credentials else ""
            notes += [] if how.credentials else [(how.en, how.zh)]
        files[f"{name}.webp"] = base64.b64encode(data).decode()
    deflate = zlib.compressobj(9, zlib.DEFLATED, -15)
    rig = json.dumps(json.loads(twin.read("face/rig.json")), separators=(",", ":")).encode()
    files["rig.json"] = base64.b64encode(deflate.compress(rig) + deflate.flush()).decode()
    return files, credentials, notes


def _card(twin: Twin) -> dict[str, Any]:
    who = twin.persona
    return {"id": twin.id, "name": who.name, "tagline": who.tagline, "languages": list(who.languages), "own": True, "face": "/face/"}


def _page(twin: Twin, data: dict[str, Any], face: dict[str, str], sounds: list[str], tongues: Sequence[str]) -> bytes:
    script = joined("alone.js", WEB, STAND_INS)
    style = "\n".join((WEB / name).read_text(encoding="utf-8") for name in SHEETS)
    made, first = data["made"], tongues[0]
    name, tagline = twin.persona.text("name", first), twin.persona.text("tagline", first)
    reach = " ".join(_reach(data["endpoint"])) or "'none'"
    policy = (f"default-src 'none'; script-src '{_hash(script)}'; style-src '{_hash(style)}'; img-src data: blob:; connect-src {reach}; "
              "base-uri 'none'; form-action 'none'")
    icon = base64.b64encode((WEB / "icon.svg").read_bytes()).decode()
    metas = {"viewport": "width=device-width, initial-scale=1, viewport-fit=cover, interactive-widget=resizes-content", "referrer": "no-referrer",
             "color-scheme": "light dark", "generator": f"Twin {VERSION}", "description": f"{name} · AI, not a person. {tagline}",
             "twin-ai": "This page holds a digital human: an AI, not a person. Its pictures, sound and texts were made or arranged by a machine.",
             "twin-consent": f"{made['scope']} sha256:{made['consent']}" if made["scope"] else "none needed: nobody's face, a machine's voice",
             "c2pa-portrait": f"sha256:{made['credentials']}" if made["credentials"] else "",
             **({} if made["scope"] == "public" or not made["scope"] else {"robots": "noindex"})}
    head = "\n".join(f'<meta name="{key}" content="{markup.escape(value)}">' for key, value in metas.items() if value)
    script_of = '<script type="{}" id="twin-{}">{}</script>\n'.format
    nothing = "This page needs JavaScript, which is switched off. 这个页面需要 JavaScript。"
    return (f'<!doctype html>\n<html lang="{"zh-CN" if first == "zh" else "en"}">\n<head>\n<meta charset="utf-8">\n'
            f'<meta http-equiv="Content-Security-Policy" content="{policy}">\n{head}\n<title>{markup.escape(name)} · AI</title>\n'
            f'<link rel="icon" href="data:image/svg+xml;base64,{icon}">\n<style>{style}</style>\n</head>\n<body>\n'
            f'<div class="twin" id="twin"><noscript>{markup.escape(name)} · AI. {nothing}</noscript></div>\n'
            + script_of("application/json", "data", _json(data)) + script_of("application/json", "face", _json(face))
            + script_of("text/plain", "sound", "\n".join(sounds)) + f'<script type="module">{script}</script>\n</body>\n</html>\n').encode()


def _json(value: Any) -> str:
    """JSON that no HTML reader can mistake for markup."""
    text = json.dumps(value, ensure_ascii=False, separators=(",", ":"))
    return text.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026").encode("utf-8", "replace").decode()


def _hash(text: str) -> str:
    return "sha256-" + base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()


def _endpoint(address: str) -> str:
    """An address as the page asks it, ending in a slash; "" for none. Raises Refused."""
    if not address:
        return ""
    wrong = Refused(f"{address[:120]} is no address of a server.", "Write it whole, such as https://you-name.hf.space")
    try:
        parts = urlsplit(address)
        port = parts.port
    except ValueError:
        raise wrong from None
    host = parts.hostname or ""
    if parts.scheme not in ("http", "https") or not host or parts.username or not all(c.isalnum() or c in "-.:" for c in host) or len(address) > 500:
        raise wrong
    path = "/".join(part for part in parts.path.split("/") if part)
    if not all(c.isalnum() and c.isascii() or c in "-._~/" for c in path):
        raise wrong
    name = f"[{host}]" if ":" in host else host.encode("idna").decode() if not host.isascii() else host
    return f"{parts.scheme}://{name}{f':{port}' if port else ''}/{path + '/' if path else ''}"


def _reach(endpoint: str) -> list[str]:
    """What the page may connect to."""
    if not endpoint:
        return []
    parts = urlsplit(endpoint)
    return [f"{parts.scheme}://{parts.netloc}", f"{'wss' if parts.scheme == 'https' else 'ws'}://{parts.netloc}"]


def _line(text: str) -> str:
    return " ".join(text.split())


def _escaped(text: str) -> str:
    """A line of Markdown that holds neither markup nor Markdown."""
    return "".join(f"\\{c}" if c in "\\`*_{}[]()#+-.!|>~" else c for c in markup.escape(text, quote=False))
