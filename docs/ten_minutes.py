"""The run of train.md's last section: `python docs/ten_minutes.py DIR` paints small faces, trains the three families on them, and writes ten-minutes.webp."""
from __future__ import annotations

import argparse
import shlex
import subprocess
import sys
import time
from pathlib import Path

from PIL import Image

HERE = Path(__file__).parent
COMMANDS = """
painted {0}/faces --count 3000 --size 32
vae {0}/faces --out {0}/vae --px 32 --steps 700
vae {0}/faces --out {0}/vae --px 32 --export {0}/models/vae
gan {0}/faces --vae {0}/models/vae --out {0}/gan --steps 2000 --head-start 10000
diffusion {0}/faces --vae {0}/models/vae --out {0}/diffusion --steps 700
"""
SHOWN = ("vae/samples/drawn.png", "gan/samples", "diffusion/samples")
SIDE, GAP = 384, 8                                       # px of a sheet


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    folder = parser.parse_args().folder
    folder.mkdir(parents=True, exist_ok=True)
    began = time.monotonic()
    for line in COMMANDS.strip().splitlines():
        told = ["-m", "twin.train." + line.split()[0], *(word.format(folder) for word in line.split()[1:])]
        print("python " + shlex.join(told), flush=True)
        start = time.monotonic()
        subprocess.run([sys.executable, *told], check=True, cwd=HERE.parent, stdout=subprocess.DEVNULL)
        print(f"    {time.monotonic() - start:.0f} s", flush=True)
    print(f"{(time.monotonic() - began) / 60:.1f} minutes")
    sheet(folder).save(HERE / "ten-minutes.webp", quality=82, method=6)


def sheet(folder: Path) -> Image.Image:
    """What each family draws, side by side."""
    out = Image.new("RGB", (len(SHOWN) * (SIDE + GAP) - GAP, SIDE), "white")
    for number, name in enumerate(SHOWN):
        path = folder / name
        if path.is_dir():
            path = max(path.glob("step-*.png"))
        out.paste(Image.open(path).convert("RGB").resize((SIDE, SIDE), Image.Resampling.LANCZOS), (number * (SIDE + GAP), 0))
    return out


if __name__ == "__main__":
    main()
