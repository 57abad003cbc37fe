"""Backgrounds: a place behind each person, painted with flat shapes and then thrown out of focus."""

from __future__ import annotations

import cv2
import numpy as np

from .canvas import blur, linear, noise, srgb

SIZE = (1280, 1024)  # the scenes are laid out at this height and width


def paint(name: str, rng: np.random.Generator) -> np.ndarray:
    """The scene `name` as uint8 RGB [1280, 1024, 3]."""
    picture = {"workshop": workshop, "dome": dome, "classroom": classroom, "teahouse": teahouse}[name](rng)
    h, w = SIZE
    y, x = np.mgrid[:h, :w].astype(np.float32)
    vignette = 1 - 0.42 * np.clip(((x / w - 0.5) / 0.75) ** 2 + ((y / h - 0.44) / 0.80) ** 2, 0, 1)
    out = srgb(picture * vignette[..., None]) + 1.1 * rng.standard_normal((h, w, 1)).astype(np.float32)
    return np.clip(out, 0, 255).round().astype(np.uint8)


def _wash(top: tuple, bottom: tuple) -> np.ndarray:
    t = np.linspace(0, 1, SIZE[0], dtype=np.float32)[:, None, None]
    return (linear(top) * (1 - t) + linear(bottom) * t) * np.ones((1, SIZE[1], 1), np.float32)


def _lens(picture: np.ndarray, radius: int) -> np.ndarray:
    """Out of focus: a disc blur on linear light, so that bright points become discs."""
    y, x = np.mgrid[-radius : radius + 1, -radius : radius + 1]
    disc = np.clip(radius + 0.5 - np.hypot(x, y), 0, 1).astype(np.float32)
    return cv2.filter2D(picture, -1, disc / disc.sum(), borderType=cv2.BORDER_REFLECT)


def _box(picture: np.ndarray, x: int, y: int, w: int, h: int, colour: tuple, tilt: float = 0.0, strength: float = 1.0) -> None:
    corners = cv2.boxPoints(((x + w / 2, y + h / 2), (w, h), tilt))
    cv2.fillConvexPoly(picture, np.round(corners * 16).astype(np.int32), tuple(float(v) * strength for v in linear(colour)), cv2.LINE_8, 4)


def _lights(picture: np.ndarray, places: list[tuple[float, float, float, tuple, float]]) -> None:
    for x, y, r, colour, strength in places:
        cv2.circle(picture, (round(x), round(y)), max(1, round(r)), tuple(float(v) * strength for v in linear(colour)), -1)


def _glow(picture: np.ndarray, x: float, y: float, radius: float, colour: tuple, strength: float) -> None:
    yy, xx = np.mgrid[: SIZE[0], : SIZE[1]].astype(np.float32)
    picture += strength * np.exp(-((xx - x) ** 2 + (yy - y) ** 2) / (2 * radius**2))[..., None] * linear(colour)


def workshop(rng: np.random.Generator) -> np.ndarray:
    """A bicycle workshop: window to the harbour, hanging wheels, tools on a board, warm lamps."""
    p = _wash((120, 134, 132), (92, 84, 76))
    _box(p, -20, 120, 330, 560, (196, 222, 232))
    _box(p, -20, 430, 330, 130, (120, 170, 186))
    for x in (90, 210):
        _box(p, x, 120, 16, 560, (88, 92, 90))
    _box(p, -20, 330, 330, 14, (88, 92, 90))
    _box(p, 600, 150, 460, 520, (150, 118, 86))
    for k in range(9):
        x, tall = 640 + 44 * k, int(rng.integers(70, 170))
        _box(
            p,
            x,
            200 + int(rng.integers(0, 40)),
            14,
            tall,
            ((178, 62, 48), (52, 58, 62), (198, 158, 70), (46, 110, 112))[k % 4],
            float(rng.normal(0, 5)),
        )
        _box(
            p,
            x - 6,
            420 + int(rng.integers(0, 50)),
            22,
            int(rng.integers(60, 130)),
            ((60, 66, 70), (150, 154, 156), (170, 80, 52))[k % 3],
            float(rng.normal(0, 6)),
        )
    for cx, cy, r in ((800, 30, 210), (420, -60, 190)):
        cv2.circle(p, (cx, cy), r, tuple(float(v) for v in linear((38, 38, 42))), 16)
        cv2.circle(p, (cx, cy), r - 16, tuple(float(v) for v in linear((176, 178, 180))), 5)
        for a in np.linspace(0, np.pi, 14, endpoint=False):
            d = np.array([np.cos(a), np.sin(a)]) * (r - 16)
            cv2.line(
                p, (int(cx - d[0]), int(cy - d[1])), (int(cx + d[0]), int(cy + d[1])), tuple(float(v) for v in linear((150, 152, 156))), 2
            )
    _box(p, -20, 860, 1070, 460, (108, 76, 52))
    _box(p, -20, 850, 1070, 26, (150, 112, 78))
    _box(p, 60, 720, 130, 140, (40, 112, 110))
    _box(p, 860, 740, 90, 120, (186, 70, 50))
    _lights(p, [(float(rng.uniform(330, 1010)), float(rng.uniform(60, 420)), 5, (255, 204, 140), 16.0) for _ in range(9)])
    p = _lens(p, 17)
    _glow(p, 40, 330, 330, (226, 240, 246), 0.30)
    _glow(p, 900, 160, 300, (255, 196, 130), 0.18)
    return blur(p, 3)


def dome(rng: np.random.Generator) -> np.ndarray:
    """The dome of a planetarium: stars, a band of milk, ribs of the vault, warm light at the horizon."""
    h, w = SIZE
    p = _wash((14, 20, 48), (34, 44, 86))
    y, x = np.mgrid[:h, :w].astype(np.float32)
    band = np.exp(-((((y - 330) + 0.55 * (x - 512)) / 150) ** 2))
    cloud = np.clip(0.6 + 0.45 * noise((h, w), 150, rng, 4), 0, 2)
    p += (band * cloud)[..., None] * linear((94, 104, 160)) * 0.55 + (band**3 * cloud)[..., None] * linear((190, 150, 150)) * 0.14
    for r in (420, 640, 860, 1080):
        cv2.ellipse(p, (512, 1080), (r, int(r * 0.98)), 0, 180, 360, tuple(float(v) for v in linear((58, 70, 122))), 3)
    for a in np.linspace(-1.25, 1.25, 9):
        cv2.line(
            p, (512, 1080), (int(512 + 1500 * np.sin(a)), int(1080 - 1500 * np.cos(a))), tuple(float(v) for v in linear((46, 58, 106))), 3
        )
    p = _lens(p, 5)
    stars = np.zeros_like(p)
    for _ in range(420):
        sx, sy = rng.uniform(0, w), rng.uniform(0, 900)
        tone = ((255, 244, 226), (206, 222, 255), (255, 214, 176))[int(rng.integers(3))]
        _lights(stars, [(sx, sy, 1 + 1.3 * float(rng.random() ** 6), tone, float(rng.uniform(0.5, 4)))])
    for _ in range(16):
        _lights(stars, [(rng.uniform(0, w), rng.uniform(20, 760), 3, (226, 234, 255), 7.0)])
    _lights(stars, [(180, 200, 4, (255, 150, 110), 14.0)])
    p = p + _lens(stars, 6) * 1.6 + blur(stars, 1.2) * 0.25
    _glow(p, 512, 1180, 420, (255, 168, 96), 0.30)
    _glow(p, 140, 980, 260, (120, 110, 220), 0.22)
    _box(p, -20, 1120, 1070, 200, (16, 18, 34))
    return blur(p, 2)


def classroom(rng: np.random.Generator) -> np.ndarray:
    """A bright room: a tall window with willow outside, a scroll, books, pale wall."""
    p = _wash((226, 222, 210), (196, 186, 168))
    _box(p, 560, 60, 440, 800, (214, 236, 226))
    leaves = np.zeros_like(p)
    for _ in range(46):
        x, y0 = rng.uniform(560, 1000), rng.uniform(0, 120)
        long, sway = rng.uniform(200, 640), rng.normal(0, 30)
        for s in np.linspace(0, 1, 44):
            tone = ((112, 160, 84), (150, 190, 104), (86, 134, 76), (188, 212, 130))[int(rng.integers(4))]
            cx, cy = x + sway * s**2 + rng.normal(0, 9), y0 + long * s
            cv2.ellipse(leaves, (int(cx), int(cy)), (5, 17), float(rng.normal(0, 25)), 0, 360, tuple(float(v) for v in linear(tone)), -1)
    window = np.zeros(SIZE, np.float32)
    cv2.rectangle(window, (572, 72), (988, 848), 1, -1)
    cover = (leaves.max(2) > 0) * window
    p = p + (leaves - p) * cover[..., None]
    for x in (560, 772, 984):
        _box(p, x, 60, 20, 800, (150, 108, 72))
    for y in (60, 320, 590, 846):
        _box(p, 560, y, 444, 16, (150, 108, 72))
    _box(p, 70, 130, 190, 520, (240, 234, 216))
    _box(p, 70, 118, 190, 20, (120, 82, 54))
    for k in range(4):
        _box(p, 128 + int(rng.integers(-8, 8)), 190 + 108 * k, 74, 20, (48, 44, 42), float(rng.normal(0, 14)))
        _box(p, 152 + int(rng.integers(-8, 8)), 196 + 108 * k, 18, 70, (48, 44, 42), float(rng.normal(0, 10)))
    _box(p, 200, 590, 34, 34, (186, 52, 44))
    _box(p, -20, 930, 1070, 400, (150, 112, 78))
    _box(p, -20, 920, 1070, 22, (182, 140, 100))
    for k in range(7):
        tall = int(rng.integers(90, 170))
        _box(p, 20 + 46 * k, 925 - tall, 38, tall, ((62, 112, 104), (186, 84, 64), (222, 190, 128), (84, 104, 140))[k % 4])
    p = _lens(p, 16)
    _glow(p, 800, 330, 380, (240, 252, 226), 0.28)
    return blur(p, 3) * 0.86


def teahouse(rng: np.random.Generator) -> np.ndarray:
    """A wooden tea house in the evening: lattice window, lanterns, shelves of jars."""
    p = _wash((84, 52, 34), (58, 36, 26))
    _box(p, 40, 140, 360, 560, (240, 196, 128))
    for k in range(6):
        _box(p, 40 + 66 * k, 140, 10, 560, (66, 38, 24))
    for k in range(9):
        _box(p, 40, 140 + 68 * k, 360, 10, (66, 38, 24))
    _box(p, 22, 120, 396, 24, (50, 30, 20))
    _box(p, 22, 696, 396, 24, (50, 30, 20))
    for level in range(3):
        y = 330 + 190 * level
        _box(p, 640, y, 420, 18, (112, 72, 44))
        for k in range(6):
            tone = ((86, 122, 104), (196, 178, 140), (140, 74, 48), (60, 84, 96))[int(rng.integers(4))]
            tall = int(rng.integers(66, 116))
            _box(p, 650 + 62 * k, y - tall, 48, tall, tone)
    for x, y, r in ((560, 130, 74), (760, 70, 60), (930, 190, 82), (300, 40, 52)):
        cv2.ellipse(p, (x, y), (r, int(r * 0.82)), 0, 0, 360, tuple(float(v) * 1.9 for v in linear((255, 150, 70))), -1)
        cv2.ellipse(p, (x, y), (int(r * 0.6), int(r * 0.7)), 0, 0, 360, tuple(float(v) * 2.4 for v in linear((255, 190, 110))), -1)
        _box(p, x - 14, y + int(r * 0.8), 28, 16, (120, 44, 26))
    _box(p, -20, 930, 1070, 400, (96, 58, 36))
    _box(p, -20, 922, 1070, 20, (150, 98, 60))
    _lights(p, [(float(rng.uniform(0, 1024)), float(rng.uniform(40, 800)), 4, (255, 186, 110), 18.0) for _ in range(14)])
    p = _lens(p, 18)
    _glow(p, 640, 120, 360, (255, 166, 90), 0.22)
    _glow(p, 200, 420, 300, (255, 206, 140), 0.16)
    return blur(p, 3)
