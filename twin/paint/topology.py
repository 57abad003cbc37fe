"""Which landmark is what in MediaPipe's face mesh, and how its points hang together. It knows no positions.

"right" and "left" are the twin's own, as in ARKit: right is the picture's left. Every contour runs from the picture's left to its right,
an eye's from its outer to its inner corner.
"""
from __future__ import annotations

import json
from functools import cache
from pathlib import Path

import numpy as np

POINTS = 478
FACE = 468                # the last ten are the irises; no triangle uses them
OVAL = (10, 338, 297, 332, 284, 251, 389, 356, 454, 323, 361, 288, 397, 365, 379, 378, 400, 377, 152, 148, 176, 149, 150, 136, 172, 58, 132,
        93, 234, 127, 162, 21, 54, 103, 67, 109)

# Four rings of the lips, from the skin's edge to the wet line where they meet; upper and lower half share their corners.
UPPER_LIP = ((61, 185, 40, 39, 37, 0, 267, 269, 270, 409, 291), (76, 184, 74, 73, 72, 11, 302, 303, 304, 408, 306),
             (62, 183, 42, 41, 38, 12, 268, 271, 272, 407, 292), (78, 191, 80, 81, 82, 13, 312, 311, 310, 415, 308))
LOWER_LIP = ((61, 146, 91, 181, 84, 17, 314, 405, 321, 375, 291), (76, 77, 90, 180, 85, 16, 315, 404, 320, 307, 306),
             (62, 96, 89, 179, 86, 15, 316, 403, 319, 325, 292), (78, 95, 88, 178, 87, 14, 317, 402, 318, 324, 308))


class Side:
    """One eye and brow, the twin's own right or left. `sign`: -1 for right (picture's left), +1 for left."""

    def __init__(self, sign: int, upper: str, lower: str, rows: tuple[str, ...], brow: tuple[str, str], iris: int, rest: dict[str, str]):
        self.sign, self.iris = sign, iris
        self.upper, self.lower = _ints(upper), _ints(lower)                # lids, corner to corner, 9 points each
        self.above, self.fold, self.below, self.bag = (_ints(row) for row in rows)    # rows of skin above and below the opening
        self.brow_top, self.brow_low = (_ints(row) for row in brow)         # from the middle of the face outwards
        self.rest = {name: _ints(text) for name, text in rest.items()}


def _ints(text: str) -> tuple[int, ...]:
    return tuple(int(word) for word in text.split())


RIGHT = Side(-1, "33 246 161 160 159 158 157 173 133", "33 7 163 144 145 153 154 155 133",
             ("130 247 30 29 27 28 56 190 243", "226 113 225 224 223 222 221 189 244", "130 25 110 24 23 22 26 112 243",
              "226 31 228 229 230 231 232 233 244"),
             ("107 66 105 63 70", "55 65 52 53 46"), 468,
             {"cheek": "50 101 118 117 205 36 123 187 147", "apple": "50 101 205 36 118", "puff": "187 205 207 192 214 216 206 213 147",
              "fold": "203 206 216 129 36 165 92", "nostril": "48 64 98 97 129 102 49 219 218 115 131 240", "corner": "57 43 186 106 212",
              "front": "108 69 104 68"})
LEFT = Side(1, "263 466 388 387 386 385 384 398 362", "263 249 390 373 374 380 381 382 362",
            ("359 467 260 259 257 258 286 414 463", "446 342 445 444 443 442 441 413 464", "359 255 339 254 253 252 256 341 463",
             "446 261 448 449 450 451 452 453 464"),
            ("336 296 334 293 300", "285 295 282 283 276"), 473,
            {"cheek": "280 330 347 346 425 266 352 411 376", "apple": "280 330 425 266 347", "puff": "411 425 427 416 434 436 426 433 376",
             "fold": "423 426 436 358 266 391 322", "nostril": "278 294 327 326 358 331 279 439 438 344 360 460", "corner": "287 273 410 335 432",
             "front": "337 299 333 298"})
CHIN = (152, 148, 377, 176, 400, 149, 378, 175, 171, 396, 199, 208, 428, 140, 369, 170, 395, 201, 421, 200, 194, 418, 32, 262, 211, 431, 150, 379)
CHIN_TIP = (152, 148, 377, 176, 400, 175, 171, 396, 199, 208, 428)
JAW_LINE = ((136, 365), (172, 397), (58, 288), (132, 361))                 # from the chin up to the ear
NOSE = (1, 2, 4, 5, 19, 94, 195, 197, 6, 168, 44, 274, 45, 275, 48, 278, 64, 294, 98, 327, 97, 326, 129, 358)


@cache
def face_triangles() -> np.ndarray:
    """int [852, 3], clockwise in a picture whose y runs down."""
    return np.array(json.loads(Path(__file__).with_name("face_mesh.json").read_text())["triangles"])
