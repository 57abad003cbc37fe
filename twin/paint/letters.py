"""Words on a picture: the captions of a film. Pillow draws them; a font that has the letters is looked for, and none is shipped."""
from __future__ import annotations

import os
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np

FONTS = ("NotoSansCJK-Regular.ttc", "NotoSansCJKsc-Regular.otf", "NotoSansSC-Regular.otf", "SourceHanSansSC-Regular.otf", "wqy-microhei.ttc",
         "wqy-zenhei.ttc", "DroidSansFallbackFull.ttf", "msyh.ttc", "simhei.ttf", "PingFang.ttc", "Hiragino Sans GB.ttc", "STHeiti Light.ttc",
         "Arial Unicode.ttf")
LINES = 3                # of a caption, at most; what goes beyond is the next caption


@dataclass(frozen=True)
class Plate:
    """A rectangle of letters: where it lies, its colours (times alpha) and 255 - alpha."""
    x: int
    y: int
    colour: np.ndarray                                   # uint16 [h, w, 3]
    keep: np.ndarray                                     # uint16 [h, w, 1]

    def on(self, canvas: np.ndarray) -> None:
        """Lay it on a picture uint8 [h, w, 3], in place."""
        h, w = self.keep.shape[:2]
        part = canvas[self.y:self.y + h, self.x:self.x + w]
        part[:] = (self.colour + part * self.keep + 127) // 255


def plate(picture: Any) -> Plate | None:
    """The part of a PIL RGBA picture on which there is something."""
    box = picture.getchannel("A").getbbox()
    if box is None:
        return None
    pixels = np.array(picture.crop(box)).astype(np.uint16)
    return Plate(box[0], box[1], pixels[:, :, :3] * pixels[:, :, 3:], 255 - pixels[:, :, 3:])


@cache
def font(size: int, text: str) -> Any | None:
    """A font that has every letter of the text, or None. TWIN_FONT names one first."""
    from PIL import ImageFont
    for name in (*filter(None, [os.environ.get("TWIN_FONT")]), *FONTS):
        try:
            found = ImageFont.truetype(name, size)
        except OSError:
            continue
        if _has(found, text):
            return found
    plain = ImageFont.load_default(size)                 # Pillow's own letters: Latin
    return plain if _has(plain, text) else None


def _has(found: Any, text: str) -> bool:
    unknown = bytes(found.getmask("\U0010fffe"))
    return all(bytes(found.getmask(letter)) != unknown for letter in set(text) if not letter.isspace())


def captions(text: str, size: tuple[int, int]) -> list[Plate]:
    """The text as captions on the lower part of a canvas (width, height), a few lines each, one after another. Empty where no font has its letters."""
    from PIL import Image, ImageDraw
    text, height = " ".join(text.split()), max(12, round(min(size) / 22))
    letters = font(height, text)
    if letters is None or not text:
        return []
    lines = _wrapped(text, letters, 0.86 * size[0])
    out = []
    parts = -(-len(lines) // LINES)
    each = -(-len(lines) // parts)
    for start in range(0, len(lines), each):
        picture = Image.new("RGBA", size)
        draw = ImageDraw.Draw(picture)
        some = lines[start:start + each]
        top = size[1] - round(1.45 * height * len(some)) - round(0.075 * size[1])
        widest = max(draw.textlength(line, font=letters) for line in some)
        pad = round(0.5 * height)
        draw.rounded_rectangle(((size[0] - widest) / 2 - pad, top - pad * 0.6, (size[0] + widest) / 2 + pad, top + 1.45 * height * len(some) + pad * 0.4),
                               radius=pad, fill=(10, 12, 18, 150))
        for k, line in enumerate(some):
            draw.text(((size[0] - draw.textlength(line, font=letters)) / 2, top + 1.45 * height * k), line, font=letters, fill=(255, 255, 255, 245))
        if (made := plate(picture)) is not None:
            out.append(made)
    return out


def _wrapped(text: str, letters: Any, width: float) -> list[str]:
    """Lines no wider than `width` px, cut between words, or between characters where there are no spaces; no line begins with a comma or a stop."""
    import re
    units = re.findall(r"[\u3040-\u9fff\uf900-\ufaff][^\w\s\u3040-\u9fff]*|[^\s\u3040-\u9fff]+\s*|\s+", text)
    lines, line = [], ""
    for unit in units:
        if line and letters.getlength((line + unit).rstrip()) > width:
            lines.append(line.rstrip())
            line = ""
        line += unit
    return [*lines, line.rstrip()]
