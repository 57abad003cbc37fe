"""Sheets of invented faces for these pages: `python docs/faces.py` writes faces-ENGINE.webp for each engine at hand, 64 faces of seeds 1 to 64; of the painter
also the twelve that the Studio shows."""
from __future__ import annotations

import argparse
import sys
from pathlib import Path

import cv2
import numpy as np
from PIL import Image

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE.parent))

from twin.paint import invent  # noqa: E402

STUDIO = HERE.parent / "assets" / "weights" / "faces" / "illustrated" / "samples.webp"


def sheet(name: str, across: int = 8, down: int = 8, side: int = 128) -> Image.Image:
    engine = invent.engine(name)
    faces = [next(engine.faces({}, seed, 1)).picture for seed in range(1, across * down + 1)]
    small = [cv2.resize(face, (side, side), interpolation=cv2.INTER_AREA) for face in faces]
    return Image.fromarray(np.vstack([np.hstack(small[row:row + across]) for row in range(0, len(small), across)]))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("engines", nargs="*", default=[name for name in invent.at_hand() if ":" not in name])
    for name in parser.parse_args().engines:
        path = HERE / f"faces-{name}.webp"
        sheet(name).save(path, quality=80, method=6)
        print(f"{path.name}: {path.stat().st_size // 1000} kB")
        if name == "illustrated":
            STUDIO.parent.mkdir(parents=True, exist_ok=True)
            sheet(name, 6, 2, 160).save(STUDIO, quality=86, method=6)


if __name__ == "__main__":
    main()
