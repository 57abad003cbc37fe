"""Marks on what leaves the app: a label that people see, and content credentials (C2PA) that programs read.

The credentials are signed by a certificate of the app's own, made at first use in the data folder (credentials.py): they say that a machine made
this and show any later change; nobody else vouches for them.
"""
from __future__ import annotations

import io
import json
import logging
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..errors import TwinError

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


def mark(path: Path, *, title: str = "", label: bool = True, folder: Path | None = None) -> Marked:
    """Mark a picture, sound or film in place, as the last thing before it leaves: png, webp, jpg, wav, mp4. A picture gets its visible label
    here; a film carries its own already. `folder`: where the app's certificate lies, by default the settings' data folder. What can't be marked
    is said in the answer and in the log, never hidden; raises TwinError when the file can't be read or written."""
    kind = path.suffix.lower()
    try:
        data = path.read_bytes()
        done, how = marked(data, kind, title=title, label=label, folder=folder)
        if done != data:
            beside = path.with_name(f".{path.name}.part")
            beside.write_bytes(done)
            beside.replace(path)
    except OSError as error:
        raise TwinError(f"{path} cannot be marked: {error.strerror}.", "Name a file in a folder that can be written.") from None
    return how


def marked(data: bytes, kind: str, *, title: str = "", label: bool = True, folder: Path | None = None) -> tuple[bytes, Marked]:
    """The same for bytes; `kind` is the file's ending, such as ".png"."""
    if kind not in FORMATS:
        return data, Marked(en=f"A {kind or 'file of this kind'} can't carry a mark: say yourself that it was made by an AI.",
                            zh="这种文件无法加标识：请自行说明它由 AI 生成。")
    if label and kind in PICTURES:
        data = labelled(data, kind)
    try:
        signed = _signed(data, kind, title, folder)
    except (TwinError, RuntimeError) as error:
        log.warning("no content credentials: %s", error)
        return data, Marked(label and kind in PICTURES, False, f"It carries no content credentials: {error}", f"没有内容凭证：{error}")
    return signed, Marked(label and kind in PICTURES, True, "It carries content credentials (C2PA) that say a machine made it.",
                          "文件带有内容凭证（C2PA），说明由机器生成。")


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


def _signed(data: bytes, kind: str, title: str, folder: Path | None) -> bytes:
    from .. import credentials
    if folder is None:
        from ..settings import load
        folder = load().folder("data")
    manifest = {
        "claim_generator_info": [{"name": "Twin", "version": "0.1"}], "title": title or f"Twin{kind}", "format": FORMATS[kind],
        "assertions": [{"label": "c2pa.actions", "data": {"actions": [{"action": "c2pa.created", "digitalSourceType": MADE_BY_AI}]}}]}
    return credentials.sign(data, FORMATS[kind], json.dumps(manifest), folder)
