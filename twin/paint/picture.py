"""A picture from a stranger, read safely: bounded in bytes and pixels before anything is decoded, turned upright, in sRGB. No faces here."""
from __future__ import annotations

import io
import warnings
from dataclasses import dataclass

import cv2
import numpy as np
from PIL import Image, ImageCms, ImageOps

from twin.errors import Refused

MOST_BYTES = 25 * 2**20
MOST_PIXELS = 50_000_000            # of one frame; a JPEG may have twice as many, for it can be decoded at half its size
LONGEST = 3072                      # px: what is larger is made smaller
LEAST = 64                          # px
FORMATS = ("JPEG", "PNG", "WEBP", "GIF", "BMP", "TIFF", "AVIF")
AGAIN = "Save it as a JPEG or PNG and try again."
HEIF = (b"heic", b"heix", b"hevc", b"hevx", b"heim", b"heis", b"mif1", b"msf1")
OTHER = {b"%PDF": "a PDF", b"<svg": "an SVG drawing", b"<?xm": "an XML or SVG file", b"PK\x03\x04": "a zip file", b"RIFF": "a sound or video file",
         b"\x1aE\xdf\xa3": "a video", b"OggS": "a sound file", b"fLaC": "a sound file", b"ID3\x03": "a sound file", b"\x7fELF": "a program", b"MZ": "a program"}


@dataclass(frozen=True)
class Picture:
    """RGB uint8 [h, w, 3] in sRGB, upright. `alpha` uint8 [h, w] where the file had transparency; `notes`: what had to be done to it. `behind` uint8
    [h, w, 3]: the background without the person, where it is known because both were painted."""
    pixels: np.ndarray
    alpha: np.ndarray | None = None
    notes: tuple[str, ...] = ()
    behind: np.ndarray | None = None

    @property
    def size(self) -> tuple[int, int]:
        return self.pixels.shape[1], self.pixels.shape[0]

    def preview(self, most: int = 1024) -> bytes:
        """A JPEG, its longer side at most `most` px."""
        return jpeg(fitted(self.pixels, most))

    def thumb(self, box: tuple[float, float, float, float], most: int = 160) -> bytes:
        """A square JPEG of what is around a box (x, y, w, h px)."""
        x, y, w, h = box
        half, (cx, cy) = 0.75 * max(w, h), (x + w / 2, y + h / 2)
        x0, y0, x1, y1 = (int(round(v)) for v in (cx - half, cy - half, cx + half, cy + half))
        part = self.pixels[max(0, y0):max(1, y1), max(0, x0):max(1, x1)]
        return jpeg(fitted(part, most))


def jpeg(pixels: np.ndarray, quality: int = 86) -> bytes:
    """RGB uint8 [h, w, 3] as JPEG bytes."""
    out = io.BytesIO()
    Image.fromarray(np.ascontiguousarray(pixels)).save(out, "JPEG", quality=quality)
    return out.getvalue()


def fitted(pixels: np.ndarray, most: int) -> np.ndarray:
    """The picture, made smaller where a side is longer than `most` px."""
    h, w = pixels.shape[:2]
    scale = most / max(h, w)
    return pixels if scale >= 1 else cv2.resize(pixels, (max(1, round(w * scale)), max(1, round(h * scale))), interpolation=cv2.INTER_AREA)


def read(data: bytes) -> Picture:
    """A picture file's first frame. Raises Refused with what is wrong and what to do about it."""
    if not data:
        raise Refused("The picture file is empty.", "Choose another file.",
                      zh=("图片文件是空的。", "请换一个文件。"), code="empty")
    if len(data) > MOST_BYTES:
        raise Refused(f"The picture file has {len(data) / 2**20:.0f} MB; the most is {MOST_BYTES // 2**20} MB.", "Save it smaller, as a JPEG.",
                      zh=(f"图片文件有 {len(data) / 2**20:.0f} MB，最多 {MOST_BYTES // 2**20} MB。", "请另存为较小的 JPEG。"), code="too-large")
    _known(data)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            Image.init()
            with Image.open(io.BytesIO(data), formats=[name for name in FORMATS if name in Image.OPEN]) as file:
                return _decoded(file)
    except Image.DecompressionBombError:
        raise Refused("The picture has far too many pixels.", f"The most is {MOST_PIXELS // 10**6} megapixels: save it smaller.",
                      zh=("图片像素太多。", "请缩小后再试。"), code="too-large") from None
    except Image.UnidentifiedImageError:
        raise Refused("This file is not a picture that can be read.", "JPEG, PNG, WebP, GIF, BMP, TIFF and AVIF can be.",
                      zh=("这个文件不是能读取的图片。", "可用 JPEG、PNG、WebP、GIF、BMP、TIFF、AVIF。"), code="not-a-picture") from None
    except (OSError, ValueError, SyntaxError, EOFError, KeyError, IndexError, OverflowError, TypeError, ZeroDivisionError):
        # what Pillow's decoders raise on damaged files
        raise Refused("The picture file is damaged: it can't be read to its end.", AGAIN,
                      zh=("图片文件已损坏，无法读完。", "请另存为 JPEG 或 PNG 再试。"), code="damaged") from None


def _known(data: bytes) -> None:
    """Says plainly what a file is that can't be a picture for us."""
    head = data[:64]
    if head[4:8] == b"ftyp":
        brands = [head[8:12], *(head[k:k + 4] for k in range(16, 32, 4))]
        if b"avif" not in brands and any(brand in HEIF for brand in brands):
            raise Refused("This is a HEIC picture, as iPhones take them, which can't be read here.",
                          'Save it as a JPEG (on an iPhone: share it, or Settings > Camera > Formats > "Most Compatible").',
                          zh=("这是 iPhone 的 HEIC 图片，这里无法读取。", "请另存为 JPEG（iPhone：设置 > 相机 > 格式 > 兼容性最佳）。"), code="heic")
        if b"avif" not in brands:
            raise Refused("This file is a video, not a picture.", "Take a still of it, or choose a photo.",
                          zh=("这个文件是视频，不是图片。", "请截取一帧，或选择照片。"), code="not-a-picture")
    start = head.lstrip()[:4].lower() if head.lstrip()[:1] == b"<" else head[:4]
    for magic, name in OTHER.items():
        if start.startswith(magic) and not (magic == b"RIFF" and head[8:12] == b"WEBP"):
            raise Refused(f"This file is {name}, not a picture.", "Choose a photo (JPEG, PNG, WebP, GIF, BMP, TIFF, AVIF).",
                          zh=("这个文件不是图片。", "请选择照片（JPEG、PNG、WebP、GIF、BMP、TIFF、AVIF）。"), code="not-a-picture")


def _decoded(file: Image.Image) -> Picture:
    width, height = file.size
    most = 2 * MOST_PIXELS if file.format in ("JPEG", "MPO") else MOST_PIXELS
    if width * height > most:
        raise Refused(f"The picture has {width * height / 1e6:.0f} megapixels; the most is {most // 10**6}.", "Save it smaller and try again.",
                      zh=(f"图片有 {width * height / 1e6:.0f} 百万像素，最多 {most // 10**6} 百万。", "请缩小后再试。"), code="too-large")
    if min(width, height) < LEAST:
        raise Refused(f"The picture is only {width} x {height} px.", f"Choose one with at least {LEAST} px on each side; a face needs some 200.",
                      zh=(f"图片只有 {width} x {height} 像素。", "请选每边至少 64 像素的图片；脸最好有 200 像素。"), code="too-small")
    if max(width, height) > 30 * min(width, height):
        raise Refused(f"The picture is a strip of {width} x {height} px.", "Crop it around the face.",
                      zh=(f"图片是 {width} x {height} 像素的长条。", "请裁剪到脸部周围。"), code="strip")
    notes = []
    if getattr(file, "n_frames", 1) > 1 and file.format in ("GIF", "WEBP", "PNG", "AVIF"):
        notes.append("animated")
    file.draft("RGB" if file.mode == "RGB" else file.mode, (LONGEST, LONGEST))     # JPEG only: decodes at a half, a quarter or an eighth
    profile = file.info.get("icc_profile")
    file.load()
    try:
        picture = ImageOps.exif_transpose(file) or file
    except (ValueError, SyntaxError, TypeError, KeyError, OSError):        # a broken EXIF block turns nothing
        picture = file
    alpha = None
    if picture.mode in ("RGBA", "LA", "PA", "La", "RGBa") or "transparency" in picture.info:
        alpha = np.array(picture.convert("RGBA"))[..., 3]
        alpha = None if alpha.min() > 250 else alpha
    flat = _flat(picture, profile)
    pixels = fitted(np.array(flat), LONGEST)
    if alpha is not None:
        if alpha.max() < 8:
            raise Refused("The picture is transparent all over.", "Choose another file.",
                          zh=("图片完全透明。", "请换一个文件。"), code="empty")
        alpha = fitted(alpha, LONGEST)
        notes.append("transparent")
        part = alpha[..., None].astype(np.float32) / 255
        pixels = (pixels * part + 200 * (1 - part)).round().astype(np.uint8)
    return Picture(np.ascontiguousarray(pixels), alpha, tuple(notes))


def _flat(picture: Image.Image, profile: bytes | None) -> Image.Image:
    """RGB in sRGB from any mode Pillow knows."""
    if picture.mode.startswith(("I", "F")):                                # 16 or 32 bits a pixel
        values = np.nan_to_num(np.array(picture, np.float32), posinf=0, neginf=0)
        if picture.mode.startswith("I;16") or (values.max() > 255 and values.min() >= 0 and values.max() <= 65535):
            values /= 257
        elif values.max() > 255 or values.max() <= 1.001:
            values = (values - values.min()) * (255 / max(float(np.ptp(values)), 1e-9))
        return Image.fromarray(np.clip(values, 0, 255).astype(np.uint8)).convert("RGB")
    if profile and picture.mode in ("RGB", "RGBA", "CMYK", "L"):
        plain = picture.convert("RGB") if picture.mode == "RGBA" else picture
        try:
            made = ImageCms.profileToProfile(plain, ImageCms.ImageCmsProfile(io.BytesIO(profile)), ImageCms.createProfile("sRGB"), outputMode="RGB")
            if made is not None:
                return made
        except (ImageCms.PyCMSError, OSError, ValueError, TypeError):      # a damaged or unfitting profile: the colours are taken as they are
            pass
    if "transparency" in picture.info or picture.mode in ("P", "PA", "LA", "La", "RGBa"):
        return picture.convert("RGBA").convert("RGB")
    return picture.convert("RGB")
