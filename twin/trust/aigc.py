"""China's metadata label of what a machine made (GB 45438-2025, annex E), in XMP where each kind of file keeps it, and its audible rhythm.

    {"Label": "1", "ContentProducer", "ProduceID", "ReservedCode1", "ContentPropagator", "PropagateID", "ReservedCode2"}

PNG: iTXt and a tEXt of its own; JPEG: APP1; WebP: an XMP chunk; WAV: a LIST INFO of its own and _PMX; MP4: a uuid box at its end. The same XMP
names IPTC's digital source type, which the platforms outside China look for. Nothing of the picture, sound or film itself changes.
"""
from __future__ import annotations

import html
import io
import json
import re
import secrets
import struct
import wave
import zlib
from typing import Any

import numpy as np

from ..errors import TwinError

NAMES = ("Label", "ContentProducer", "ProduceID", "ReservedCode1", "ContentPropagator", "PropagateID", "ReservedCode2")
MADE = "1"                                               # Label: "1" is made by an AI, "2" may be, "3" is suspected to be
NAMESPACE = "http://www.tc260.org.cn/ns/AIGC/1.0/"
BOX = bytes.fromhex("be7acfcb97a942e89c71999491e3afac")                         # XMP in ISO media (XMP specification, part 3)
MOST = 8192                                              # bytes of a label that are read
_FOUND = (re.compile(rb"<TC260:AIGC>(.{2,%d}?)</TC260:AIGC>" % MOST, re.S), re.compile(rb"TC260:AIGC=\"(.{2,%d}?)\"" % MOST, re.S),
          re.compile(rb"AIGC\x00(\{.{2,%d}?\})" % MOST, re.S))
SHORT, LONG, GAP, APART = 0.08, 0.24, 0.08, 0.24         # s: "A" is short long, "I" is short short in Morse's code
RHYTHM = (SHORT, LONG, 0.0, SHORT, SHORT)                # 0: the space between the two letters
PITCH, LOUD = 880.0, 0.25                                # Hz, of full scale


def label(producer: str = "", name: str = "") -> dict[str, str]:
    """The label of one piece of content; `name` is its own number, by default a random one."""
    return dict.fromkeys(NAMES, "") | {"Label": MADE, "ContentProducer": (producer or "Twin")[:200], "ProduceID": name or secrets.token_hex(16)}


def written(data: bytes, kind: str, given: dict[str, str], source: str = "") -> bytes:
    """The file with this label in it. `kind` is its ending. Raises TwinError for a file that is not of this kind."""
    text = json.dumps(given, ensure_ascii=False, separators=(",", ":"))
    packet = _xmp(text, source)
    try:
        if kind == ".png":
            return _png(data, packet, text)
        if kind in (".jpg", ".jpeg"):
            return _jpeg(data, packet)
        if kind == ".webp":
            return _webp(data, packet)
        if kind == ".wav":
            return _wav(data, packet, text)
        if kind == ".mp4":
            return _mp4(data, packet)
    except (ValueError, struct.error, IndexError, OSError):
        pass
    raise TwinError(f"this is no {kind or 'file'} that a label could be written into.", "Say yourself that it was made by an AI.")


def read(data: bytes) -> dict[str, str] | None:
    """The label in a file of any kind, None where there is none that can be read."""
    for pattern in _FOUND:
        for found in pattern.finditer(data):
            try:
                given = json.loads(html.unescape(found[1].decode()))
            except (ValueError, RecursionError):
                continue
            given = given.get("AIGC", given) if isinstance(given, dict) else None
            if isinstance(given, dict) and "Label" in given:
                return {name: str(given.get(name, ""))[:400] for name in NAMES}
    return None


# where each kind of file keeps it ----------------------------------------------------------------------------------------------------------

def _xmp(text: str, source: str) -> bytes:
    kind = f' xmlns:Iptc4xmpExt="http://iptc.org/std/Iptc4xmpExt/2008-02-29/" Iptc4xmpExt:DigitalSourceType="{html.escape(source)}"' if source else ""
    return ('<?xpacket begin="\ufeff" id="W5M0MpCehiHzreSzNTczkc9d"?><x:xmpmeta xmlns:x="adobe:ns:meta/">'
            '<rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">'
            f'<rdf:Description rdf:about="" xmlns:TC260="{NAMESPACE}"{kind}><TC260:AIGC>{html.escape(text, quote=False)}</TC260:AIGC>'
            '</rdf:Description></rdf:RDF></x:xmpmeta><?xpacket end="w"?>').encode()


def _png(data: bytes, packet: bytes, text: str) -> bytes:
    if data[:8] != b"\x89PNG\r\n\x1a\n" or data[12:16] != b"IHDR":
        raise ValueError("png")
    at = 8 + 12 + struct.unpack(">I", data[8:12])[0]
    plain = json.dumps(json.loads(text), separators=(",", ":"))          # tEXt is Latin-1
    return data[:at] + _chunk(b"iTXt", b"XML:com.adobe.xmp\0\0\0\0\0" + packet) + _chunk(b"tEXt", b"AIGC\0" + plain.encode("ascii")) + data[at:]


def _chunk(name: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body))


def _jpeg(data: bytes, packet: bytes) -> bytes:
    if data[:3] != b"\xff\xd8\xff":
        raise ValueError("jpeg")
    at = 2
    while data[at:at + 2] in (b"\xff\xe0", b"\xff\xe1"):                         # behind JFIF and Exif, which come first
        at += 2 + struct.unpack(">H", data[at + 2:at + 4])[0]
    body = b"http://ns.adobe.com/xap/1.0/\0" + packet
    return data[:at] + b"\xff\xe1" + struct.pack(">H", len(body) + 2) + body + data[at:]


def _webp(data: bytes, packet: bytes) -> bytes:
    from PIL import Image
    if data[:4] != b"RIFF" or data[8:12] != b"WEBP":
        raise ValueError("webp")
    with Image.open(io.BytesIO(data), formats=("WEBP",)) as file:
        (width, height), alpha = file.size, "A" in file.getbands()
    body = data[12:8 + struct.unpack("<I", data[4:8])[0]]
    if body[:4] == b"VP8X":
        body = body[:8] + bytes([body[8] | 0x04]) + body[9:]
    else:
        size = struct.pack("<I", width - 1)[:3] + struct.pack("<I", height - 1)[:3]
        body = b"VP8X" + struct.pack("<I", 10) + bytes([0x04 | (0x10 if alpha else 0)]) + b"\0\0\0" + size + _even(body)
    return _riff(b"WEBP", _even(body) + _part(b"XMP ", packet))


def _wav(data: bytes, packet: bytes, text: str) -> bytes:
    if data[:4] != b"RIFF" or data[8:12] != b"WAVE":
        raise ValueError("wav")
    body = data[12:8 + struct.unpack("<I", data[4:8])[0]]
    return _riff(b"WAVE", _even(body) + _part(b"LIST", b"INFO" + _part(b"AIGC", text.encode() + b"\0")) + _part(b"_PMX", packet))


def _mp4(data: bytes, packet: bytes) -> bytes:
    if data[4:8] != b"ftyp":
        raise ValueError("mp4")
    return data + struct.pack(">I", 24 + len(packet)) + b"uuid" + BOX + packet


def _part(name: bytes, body: bytes) -> bytes:
    return name + struct.pack("<I", len(body)) + _even(body)


def _even(body: bytes) -> bytes:
    return body + b"\0" * (len(body) % 2)


def _riff(kind: bytes, body: bytes) -> bytes:
    return b"RIFF" + struct.pack("<I", 4 + len(body)) + kind + body


# what is heard -----------------------------------------------------------------------------------------------------------------------------

def rhythm(rate: int) -> np.ndarray:
    """float32 [n]: short long, short short, as GB 45438-2025 has it for sound; 1.5 s with the silence behind it."""
    parts: list[np.ndarray] = []
    for length in RHYTHM:
        if length:
            t = np.arange(round(length * rate)) / rate
            edge = np.clip(np.minimum(t, length - t) / 0.008, 0, 1)      # no click
            parts += [LOUD * edge * np.sin(2 * np.pi * PITCH * t), np.zeros(round(GAP * rate))]
        else:
            parts.append(np.zeros(round((APART - GAP) * rate)))
    return np.concatenate([*parts, np.zeros(round(0.3 * rate))]).astype(np.float32)


def sounded(data: bytes) -> bytes:
    """A 16-bit WAV with the rhythm before it. Raises TwinError for another kind of sound."""
    try:
        with wave.open(io.BytesIO(data)) as file:
            about, frames = file.getparams(), file.readframes(file.getnframes())
    except (wave.Error, EOFError, struct.error):
        raise TwinError("this is no WAV that the rhythm could be put before.", "Save it as a 16-bit WAV.") from None
    if about.sampwidth != 2:
        raise TwinError("this is no WAV that the rhythm could be put before.", "Save it as a 16-bit WAV.")
    tone = np.repeat((rhythm(about.framerate) * 32767).astype("<i2")[:, None], about.nchannels, 1).tobytes()
    out = io.BytesIO()
    with wave.open(out, "wb") as file:
        file.setparams(about._replace(nframes=0))
        file.writeframes(tone + frames)
    return out.getvalue()


def hears_rhythm(sound: np.ndarray, rate: int) -> bool:
    """Whether a sound, float32 [n], begins with the rhythm: its beats of one tone, and silence between them."""
    wanted = rhythm(rate)
    lead = np.asarray(sound[: len(wanted)], np.float32)
    if len(lead) < len(wanted):
        return False
    t = np.arange(len(lead)) / rate
    width = round(0.02 * rate)
    box = np.ones(width) / width
    carrier = np.abs(np.convolve(lead * np.exp(-2j * np.pi * PITCH * t), box, "same"))
    power = np.sqrt(np.convolve(lead ** 2, box, "same") + 1e-12)
    on = np.convolve(np.abs(wanted) > 1e-4, box, "same") > 0.9
    off = np.convolve(np.abs(wanted) > 1e-4, box, "same") < 0.1
    return bool(carrier[on].mean() > 0.5 * power[on].mean() and carrier[on].mean() > 5 * carrier[off].mean() + 1e-4)


def listed(given: dict[str, Any]) -> str:
    """A label in one line, for people."""
    said = {"1": "made by an AI", "2": "perhaps made by an AI", "3": "suspected to be made by an AI"}.get(given.get("Label", ""), "unclear")
    return f"{said}; producer {given.get('ContentProducer') or '-'}, number {given.get('ProduceID') or '-'}"
