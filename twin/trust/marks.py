"""Marks on what leaves the app: a label that people see, metadata (China's AIGC, IPTC) and content credentials (C2PA) that programs read.

The credentials say what was done, by which model, and under which consent. They are signed by a certificate of the app's own, made at first use
in the data folder, or by one that the settings name (credentials.py); behind our own nobody else stands. There is no watermark in the sound itself
unless AudioSeal and its weights are at hand (audiomark.py), and nothing here says that there is.
"""
from __future__ import annotations

import io
import json
import logging
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..errors import TwinError
from . import aigc, audiomark
from .consent import reference, scope_of

VERSION = "0.1"
CONSENT = "org.twin.consent"                             # our own assertion: the consent a thing was made under, by its hash
LABEL = {"en": "AI-generated", "zh": "AI 生成"}
LABELS = f"{LABEL['en']} · {LABEL['zh']}"
FORMATS = {".png": "image/png", ".webp": "image/webp", ".jpg": "image/jpeg", ".jpeg": "image/jpeg", ".wav": "audio/wav", ".mp4": "video/mp4"}
PICTURES = (".png", ".webp", ".jpg", ".jpeg")
MADE_BY_AI = "http://cv.iptc.org/newscodes/digitalsourcetype/trainedAlgorithmicMedia"
log = logging.getLogger("twin.trust")


@dataclass(frozen=True)
class Marked:
    """What was put on a file, and what could not be, in a sentence each language."""
    label: bool = False
    credentials: bool = False
    en: str = ""
    zh: str = ""


def mark(path: Path, *, title: str = "", label: bool = True, folder: Path | None = None, consent: Any = None, model: str = "") -> Marked:
    """Mark a picture, sound or film in place, as the last thing before it leaves: png, webp, jpg, wav, mp4. A picture gets its visible label
    here; a film carries its own already. `folder`: where the app's certificate lies, by default the settings' data folder; `consent`: the record
    of the twin that is in it; `model`: what made it. What can't be marked is said in the answer and in the log, never hidden; raises TwinError
    when the file can't be read or written."""
    kind = path.suffix.lower()
    try:
        data = path.read_bytes()
        done, how = marked(data, kind, title=title, label=label, folder=folder, consent=consent, model=model)
        if done != data:
            beside = path.with_name(f".{path.name}.part")
            beside.write_bytes(done)
            beside.replace(path)
    except OSError as error:
        raise TwinError(f"{path} cannot be marked: {error.strerror}.", "Name a file in a folder that can be written.") from None
    return how


def marked(data: bytes, kind: str, *, title: str = "", label: bool = True, folder: Path | None = None, consent: Any = None,
           model: str = "") -> tuple[bytes, Marked]:
    """The same for bytes; `kind` is the file's ending, such as ".png"."""
    if kind not in FORMATS:
        return data, Marked(en=f"A {kind or 'file of this kind'} can't carry a mark: say yourself that it was made by an AI.",
                            zh="这种文件无法加标识：请自行说明它由 AI 生成。")
    from ..settings import load
    settings = load()
    label = label and kind in PICTURES
    if label:
        data = labelled(data, kind)
    try:
        if kind == ".wav":
            data, _ = audiomark.into(data)
            data = aigc.sounded(data) if settings.rhythm else data
        data = aigc.written(data, kind, aigc.label(settings.producer), MADE_BY_AI)
        signed = _signed(data, kind, title, folder or settings.folder("data"), settings.certificate, consent, model)
    except (TwinError, RuntimeError) as error:
        log.warning("no content credentials: %s", error)
        return data, Marked(label, False, f"It carries no content credentials: {error}", f"没有内容凭证：{error}")
    return signed, Marked(label, True, "It carries content credentials (C2PA) and metadata that say a machine made it.",
                          "文件带有内容凭证（C2PA）和元数据，说明由机器生成。")


def credited(data: bytes, kind: str) -> bool:
    """Whether a file carries content credentials already."""
    from .. import credentials
    try:
        return credentials.read(data, FORMATS[kind]) is not None
    except TwinError:
        return False


def labelled(data: bytes, kind: str) -> bytes:
    """A picture with the label in its lower left corner."""
    from PIL import Image
    with Image.open(io.BytesIO(data)) as file:
        picture = file.convert("RGBA" if "A" in file.getbands() else "RGB")
    draw_label(picture)
    out = io.BytesIO()
    how = {".png": "PNG", ".webp": "WEBP"}.get(kind, "JPEG")
    (picture.convert("RGB") if how == "JPEG" else picture).save(out, how, quality=92)
    return out.getvalue()


def draw_label(picture: Any) -> None:
    """Write the label on a PIL picture: light letters on a dark plate, a thirtieth of the shorter side high; shorter where it would not fit."""
    from PIL import Image, ImageDraw
    width, height = picture.size
    for wanted, size in ((LABELS, 0), (LABEL["en"], 0), ("AI", 0), ("AI", 7)):
        size = size or max(10, round(min(width, height) / 30))
        font, text = _font(size, wanted)
        left, top, right, bottom = ImageDraw.Draw(picture).textbbox((0, 0), text, font=font)
        pad = round(size * 0.45)
        w, h = round(right - left) + 2 * pad, round(bottom - top) + 2 * pad
        if w + 2 * pad <= width and h + 2 * pad <= height:
            break
    plate = Image.new("RGBA", (w, h), (12, 14, 20, 165))
    ImageDraw.Draw(plate).text((pad - left, pad - top), text, font=font, fill=(255, 255, 255, 235))
    at = min(pad, max(0, width - w)), max(0, height - h - pad)
    if picture.mode == "RGBA":
        picture.alpha_composite(plate, at)
    else:
        picture.paste(plate, at, plate)


def _font(size: int, text: str) -> tuple[Any, str]:
    """A font that has the label's letters, and what it can write of them."""
    from PIL import ImageFont
    for name in ("NotoSansCJK-Regular.ttc", "NotoSansSC-Regular.otf", "wqy-microhei.ttc", "msyh.ttc", "PingFang.ttc", "Arial Unicode.ttf"):
        try:
            return ImageFont.truetype(name, size), text
        except OSError:
            continue
    return ImageFont.load_default(size), text if text.isascii() else LABEL["en"]          # Pillow's own letters have no Chinese


def _signed(data: bytes, kind: str, title: str, folder: Path, certificate: str, consent: Any, model: str) -> bytes:
    from .. import credentials
    made = {"action": "c2pa.created", "digitalSourceType": MADE_BY_AI, "softwareAgent": {"name": "Twin", "version": VERSION}}
    if model:
        made["parameters"] = {"model": model[:200]}
    assertions: list[dict[str, Any]] = [{"label": "c2pa.actions.v2", "data": {"actions": [made]}}]
    if isinstance(consent, dict):
        name = consent["record"] if consent.get("public") and isinstance(consent.get("record"), str) else reference(consent)   # a Space holds its hash alone
        assertions.append({"label": CONSENT, "data": {"reference": name[:64], "scope": scope_of(consent), "for": list(consent.get("for", ())),
                                                      "voice": _state(consent, "voice"), "face": _state(consent, "face")}
                           | ({"invented": consent["invented"]} if isinstance(consent.get("invented"), dict) else {})})
    manifest = {"claim_generator_info": [{"name": "Twin", "version": VERSION}], "title": title or f"Twin{kind}", "format": FORMATS[kind],
                "assertions": assertions}
    return credentials.sign(data, FORMATS[kind], json.dumps(manifest), folder, certificate)


def _state(record: dict[str, Any], part: str) -> str:
    """Whether a part of a person was checked, or that a face was invented; the record's own reference stands beside it, nobody's name does."""
    if part == "face" and record.get("invented"):
        return "invented"
    about = (record.get("verified") or {}).get(part) or {}
    return str((about.get("state") if isinstance(about, dict) else about) or "not verified")             # what a Space holds has the state alone
