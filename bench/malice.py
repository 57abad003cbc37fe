"""What an attacker sends, made from a seed: values, bodies that fit a shape and bodies that nearly do, damaged files, bundles that lie. Pure."""
from __future__ import annotations

import base64
import hashlib
import io
import json
import pickle
import random
import struct
import wave
import zipfile
import zlib
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

SCRIPT = "<script>alert(1)</script><img src=x onerror=alert(2)>"
TEXTS = (
    "", " ", "\n", "a", "Hello.", "你好", "How much is a flat tyre?", "a" * 300, "x" * 5000, "\u0000", "\u202eevil", "\ud800",
    "👩\u200d👩\u200d👧" * 20, "../../../../etc/passwd", "..\\..\\windows", "/etc/passwd", "file:///etc/passwd", "%00", "%2e%2e%2f", "{{user}}",
    "{0.__class__}", "%s%n%x", "${jndi:ldap://x}", "'; DROP TABLE twins; --", SCRIPT, "javascript:alert(1)", "data:text/html,<script>", "NaN", "-1",
    "1e309", "null", "true", "[]", "{}", "\r\nSet-Cookie: a=b", "\x1b[2J", "﷽" * 50, "e\u0301\u0302" * 80, "(a+)+" * 30 + "!", "3.5 " * 400,
    "1+1" * 500, "=" * 2000, "what is " + "(" * 200, "My name is " + "A" * 200, "。" * 500, "?" * 999, "user/space", "../../x", "a/b/c", "hf_" + "x" * 34)
PATHS = TEXTS[13:19]
NUMBERS = (0, -1, 1, 2, 7, 255, 2**31, 2**53, 2**63, 2**64, -2**63, 10**400, 0.0, -0.0, 0.5, 1e-320, 1e308, 3.14)
AWAY = ("twin/../../evil", "/etc/evil", "twin/face/../../../evil", "C:\\evil", "twin/" + "d/" * 200 + "x", "twin/\u0000x")      # names in a bundle
ODD: tuple[Any, ...] = (None, True, False, [], {}, [[]], [None], {"": ""}, {"__proto__": {"x": 1}}, {"constructor": 1}, [[[[[[[]]]]]]])


def rng_of(seed: int, group: str, number: int) -> random.Random:
    """The one source of a case: the same for the same three."""
    return random.Random(f"{seed}/{group}/{number}")


def value(rng: random.Random, extra: tuple[Any, ...] = ()) -> Any:
    """Anything JSON can hold, the ugly more often."""
    kind = rng.random()
    if extra and kind < 0.15:
        return rng.choice(extra)
    if kind < 0.55:
        return rng.choice(TEXTS)
    if kind < 0.75:
        return rng.choice(NUMBERS)
    if kind < 0.9:
        return rng.choice(ODD)
    if kind < 0.95:
        return [value(rng, extra) for _ in range(rng.randrange(6))]
    return {str(rng.choice(TEXTS))[:40]: value(rng, extra) for _ in range(rng.randrange(5))}


def nested(depth: int) -> bytes:
    return b"[" * depth + b"]" * depth


def fitting(shape: Mapping[str, Any], rng: random.Random, extra: tuple[Any, ...] = ()) -> Any:
    """A value of a JSON schema, as the routes describe theirs."""
    if "enum" in shape:
        return rng.choice(shape["enum"])
    kind = shape.get("type", "string")
    kind = rng.choice(kind) if isinstance(kind, list) else kind
    if kind == "object":
        fields, needed = shape.get("properties", {}), shape.get("required", ())
        made = {name: fitting(part, rng, extra) for name, part in fields.items() if name in needed or rng.random() < 0.5}
        if "additionalProperties" in shape:
            made |= {rng.choice(("nose", "chin", "leftEye", "x")): fitting(shape["additionalProperties"], rng, extra) for _ in range(rng.randrange(4))}
        return made
    if kind == "array":
        return [fitting(shape.get("items", {}), rng, extra) for _ in range(rng.randint(shape.get("minItems", 0), shape.get("maxItems", 4)))]
    if kind == "string":
        given = rng.choice(extra) if extra and rng.random() < 0.2 else rng.choice(TEXTS[3:9]) if rng.random() < 0.6 else rng.choice(TEXTS)
        return base64.b64encode(str(given).encode("utf-8", "replace")).decode() if shape.get("contentEncoding") else str(given)
    return {"number": rng.uniform(-10, 200), "integer": rng.randint(-2, 9), "boolean": rng.random() < 0.5, "null": None}.get(kind)


def body(shape: Mapping[str, Any], rng: random.Random, extra: tuple[Any, ...] = ()) -> bytes:
    """JSON that fits, three times of four; else with one thing wrong, or no JSON at all."""
    made = fitting(shape, rng, extra)
    dice = rng.random()
    if dice < 0.60:
        return dump(made)
    if dice < 0.90 and isinstance(made, dict):
        for _ in range(rng.randint(1, 3)):
            made[rng.choice([*shape.get("properties", {}), "extra", ""])] = value(rng, extra)
        return dump(made)
    if dice < 0.94:
        return dump(value(rng, extra))
    raw = bytearray(dump(made))
    return rng.choice((bytes(raw[:rng.randrange(len(raw) + 1)]), nested(rng.choice((10, 900, 30_000))), b"", b"\xff\xfe{}", b"\x00" * 40,
                       b'{"a": NaN}', bytes(flipped(bytes(raw), rng)), b'{"text": "' + b"\\u0000" * 2000 + b'"}', b'{"a":1,"a":2}'))


def dump(made: Any) -> bytes:
    return json.dumps(made).encode("utf-8", "surrogatepass")


# files ----------------------------------------------------------------------------------------------------------------------------------


def flipped(data: bytes, rng: random.Random) -> bytes:
    """The file with a few things wrong."""
    raw = bytearray(data)
    for _ in range(rng.randint(1, 4)):
        if not raw:
            break
        at, dice = rng.randrange(len(raw)), rng.random()
        if dice < 0.35:
            raw[at] ^= 1 << rng.randrange(8)
        elif dice < 0.5:
            raw[at:at + 4] = rng.choice((b"\xff\xff\xff\xff", b"\x00\x00\x00\x00", b"\x7f\xff\xff\xff", b"\x80\x00\x00\x00"))
        elif dice < 0.65:
            del raw[at:at + rng.randrange(1, 200)]
        elif dice < 0.8:
            raw[at:at] = rng.randbytes(rng.randrange(1, 200))
        elif dice < 0.9:
            length = rng.randrange(1, 400)
            raw[at:at + length] = raw[:length]
        else:
            del raw[at:]
    return bytes(raw)


def picture(kind: str = "PNG", size: tuple[int, int] = (96, 96)) -> bytes:
    from PIL import Image
    across, down = np.meshgrid(np.linspace(0, 255, size[0]), np.linspace(0, 255, size[1]))
    out = io.BytesIO()
    Image.fromarray(np.dstack([across, down, 255 - across]).astype(np.uint8)).save(out, kind)
    return out.getvalue()


def huge_png(width: int, height: int) -> bytes:
    """A PNG that claims to be that large and holds next to nothing."""
    def chunk(name: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))
    return (b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)) + chunk(b"IDAT", zlib.compress(b"\0" * 1000))
            + chunk(b"IEND", b""))


def text_png(key: bytes, text: bytes, bomb: bool = False) -> bytes:
    """A picture with a text chunk, as Character Cards are; or one whose text unpacks to 200 MB."""
    def chunk(name: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))
    whole = picture(size=(16, 16))
    inside = chunk(b"zTXt", key + b"\0\0" + zlib.compress(b"A" * (200 << 20), 9)) if bomb else chunk(b"tEXt", key + b"\0" + text)
    return whole[:33] + inside + whole[33:]


def sound(rng: random.Random, seconds: float = 0.4, rate: int = 16_000) -> bytes:
    out = io.BytesIO()
    with wave.open(out, "wb") as file:
        file.setparams((1, 2, rate, 0, "NONE", ""))
        n = int(seconds * rate)
        tone = np.sin(np.arange(n) * 2 * np.pi * rng.uniform(80, 300) / rate) * rng.choice((0.0, 0.01, 0.3, 1.0))
        file.writeframes((tone * 32767).astype("<i2").tobytes())
    return out.getvalue()


def odd_wav(rng: random.Random) -> bytes:
    """A WAV whose header lies: rates, channels, lengths, floats that are none."""
    rate, channels, bits = rng.choice((0, 1, 8000, 16_000, 2**31 - 1)), rng.choice((0, 1, 2, 65_535)), rng.choice((0, 8, 16, 24, 32, 64))
    form, data = rng.choice((1, 3, 0xFFFE, 7)), np.array([np.nan, np.inf, -np.inf, 1e30] * 4000, "<f4").tobytes()
    return (b"RIFF" + struct.pack("<I", rng.choice((0, 36 + len(data), 2**32 - 1))) + b"WAVEfmt " + struct.pack("<IHHIIHH", 16, form, channels, rate,
            rng.choice((0, 64_000, 2**32 - 1)), rng.choice((0, 2, 4)), bits) + b"data" + struct.pack("<I", rng.choice((len(data), 0, 2**32 - 1))) + data)


def card(rng: random.Random) -> dict[str, Any]:
    """A Character Card with hostile text in every field."""
    def text() -> str:
        return str(rng.choice(TEXTS))
    entry = {"keys": [text(), text()], "content": text(), "enabled": True, "insertion_order": rng.choice(NUMBERS), "use_regex": rng.random() < 0.5,
             "extensions": {}, "secondary_keys": value(rng)}
    data = {"name": text() or "Ada", "description": text(), "personality": text(), "scenario": text(), "first_mes": text(),
            "mes_example": "<START>\n{{user}}: a\n{{char}}: " + text(), "creator_notes": text(), "system_prompt": text(),
            "post_history_instructions": text(), "alternate_greetings": value(rng), "tags": value(rng), "creator": text(),
            "character_version": text(), "extensions": value(rng),
            "character_book": {"entries": [entry] * rng.randrange(4), "name": text()}}
    if rng.random() < 0.4:
        data[rng.choice(list(data))] = value(rng)
    made: dict[str, Any] = {"spec": rng.choice(("chara_card_v2", "chara_card_v3")), "spec_version": rng.choice(("2.0", "3.0", 2, None)), "data": data}
    return made if rng.random() < 0.8 else data


def charx(rng: random.Random) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(rng.choice(("card.json", "card.json", "card.json", "../card.json", "x/card.json")), dump(card(rng)))
        archive.writestr(rng.choice(("assets/icon/images/main.png", "../../evil.png", "/abs.png", "assets/" + "x" * 3000)), picture(size=(32, 32)))
        if rng.random() < 0.02:
            archive.writestr("assets/bomb.bin", b"\0" * (40 << 20))
    return out.getvalue()


def chat(rng: random.Random) -> bytes:
    def line(k: int) -> str:
        text = str(rng.choice(TEXTS))
        return rng.choice((f"[{rng.randint(1, 31)}/12/25, 10:0{k % 10}:00] {rng.choice(('Ada', 'Bea', SCRIPT))}: {text}", f"Ada: {text}",
                           f"2025-12-0{k % 9 + 1} 10:00:00 小明\n{text}", text))
    lines = [line(k) for k in range(rng.randrange(60))]
    return "\n".join(lines).encode(rng.choice(("utf-8", "utf-16", "gb18030")), "replace")


class Evil:
    """A pickle that would leave a file behind, were it ever unpickled."""

    def __init__(self, path: str):
        self.path = path

    def __reduce__(self) -> tuple[Any, ...]:
        return open, (self.path, "w")


def bundle(files: Mapping[str, bytes], rng: random.Random, trace: str, extra: tuple[Any, ...] = ()) -> bytes:
    """A .twin whose manifest is right, so that it gets past the first look, and whose inside is not; or the other way round."""
    inside = dict(files)
    for _ in range(rng.randint(0, 3)):
        name, dice = rng.choice(list(inside)), rng.random()
        if dice < 0.35:
            inside[name] = flipped(inside[name], rng)
        elif dice < 0.6 and name.endswith(".json"):
            try:
                told = json.loads(inside[name])
            except ValueError:
                continue
            if isinstance(told, dict) and told:
                told[rng.choice(list(told))] = value(rng, extra)
            inside[name] = dump(told)
        elif dice < 0.75:
            said = {"name": rng.choice(TEXTS), "description": rng.choice(TEXTS), "facts": value(rng)}
            rows = "".join(f"{field}: {json.dumps(text, default=str)}\n" for field, text in said.items())
            inside[name] = rows.encode("utf-8", "replace") if name.endswith(".yaml") else dump(value(rng, extra))
        elif dice < 0.85:
            inside[f"twin/{rng.choice(('voice/voice.safetensors', 'face/rig.json', 'evil.pkl', 'card.json', 'measured.json', 'published.json'))}"] = (
                pickle.dumps(Evil(trace)) if rng.random() < 0.5 else rng.randbytes(200))
        elif len(inside) > 1:
            del inside[name]
    if rng.random() > 0.75:
        inside[rng.choice(AWAY)] = b"x"
    about = {"format": "twin", "version": 1, "name": {"en": rng.choice(TEXTS)}, "languages": ["en"], "made": "2026-11-22T00:00:00+00:00",
             "files": {name: {"size": len(data), "sha256": hashlib.sha256(data).hexdigest()} for name, data in inside.items()}}
    if rng.random() < 0.25:
        about[rng.choice(list(about))] = value(rng, extra)
    if rng.random() < 0.1:
        about["key"] = rng.choice(({"kdf": "scrypt", "n": 2**30, "salt": "00"}, {"passphrase": {"log_n": 60}}, value(rng)))
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        archive.writestr("manifest.json", dump(about))
        for name, data in inside.items():
            info = zipfile.ZipInfo(name.replace("\u0000", "_") if rng.random() < 0.9 else name, (1980, 1, 1, 0, 0, 0))
            if rng.random() < 0.02:
                info.external_attr = 0o120777 << 16      # a symbolic link
            archive.writestr(info, data, rng.choice((zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)))
        if rng.random() < 0.003:
            archive.writestr("twin/bomb.webp", b"\0" * (150 << 20), zipfile.ZIP_DEFLATED)
    data = out.getvalue()
    return data if rng.random() < 0.75 else flipped(data, rng)


# messages -------------------------------------------------------------------------------------------------------------------------------


def message(shapes: Mapping[str, Mapping[str, Any]], rng: random.Random, extra: tuple[Any, ...] = (), ids: tuple[str, ...] = ()) -> str | bytes:
    """One message of a page: right, nearly right, or nothing at all; `ids` of another stand where ids stand."""
    dice = rng.random()
    if dice < 0.06:
        return rng.randbytes(rng.choice((0, 1, 2, 3, 320, 8000, 64_000)))
    if dice < 0.10:
        return rng.choice(("", "{", "null", "[1]", '"x"', nested(2000).decode(), '{"type": "say", "text": "' + "y" * 70_000 + '"}', "\u0000",
                           '{"type": NaN}', '{"type": ["say"]}'))
    # what speaks costs the most, so it comes less often than its share
    dear = ("say", "edit", "regenerate", "idle", "mic")
    kind = rng.choice([name for name in shapes if name not in dear] * 3 + list(dear))
    made: dict[str, Any] = {"type": kind}
    talks = [one for one in ids if len(one) == 32] or ["0" * 32]
    twins = ["maya", "lin", "kofi", "hao", *ids]
    good: dict[str, Callable[[], Any]] = {
        "text": lambda: rng.choice(extra if extra and rng.random() < 0.1 else TEXTS), "turn": lambda: rng.randrange(6), "at": lambda: rng.uniform(0, 9),
        "index": lambda: rng.randrange(6), "conversation": lambda: rng.choice(talks) if rng.random() < 0.7 else f"{rng.getrandbits(128):032x}",
        "id": lambda: rng.choice(twins), "lang": lambda: rng.choice(("en", "zh")), "on": lambda: rng.random() < 0.5,
        "mode": lambda: rng.choice(("push", "free")), "t": lambda: rng.choice(NUMBERS[:8]), "seq": lambda: rng.randrange(2000),
        "token": lambda: "0" * 64, "twin": lambda: "maya", "codecs": lambda: ["opus"], "page": lambda: "0" * 32, "greet": lambda: True}
    for name in shapes[kind]:
        made[name] = good[name]() if rng.random() < 0.85 else value(rng, extra)
    if rng.random() < 0.1:
        made[str(rng.choice(TEXTS))[:20]] = value(rng, extra)
    if rng.random() < 0.03:
        made["type"] = value(rng, extra)
    return json.dumps(made)
