"""Makes docs/page.png, the README's picture: the real page with a real conversation, caught in the middle of a sentence. `python docs/picture.py`"""
from __future__ import annotations

import io
import os
import shutil
import subprocess
import sys
import tempfile
import time
import urllib.request
from pathlib import Path

from PIL import Image
from playwright.sync_api import Page, sync_playwright

ROOT = Path(__file__).resolve().parents[1]
PORT = 7897
FLAGS = ["--no-sandbox", "--use-angle=swiftshader", "--enable-unsafe-swiftshader", "--disable-gpu-compositing",
         "--autoplay-policy=no-user-gesture-required", "--disable-background-networking", "--disable-component-update", "--disable-sync",
         "--no-first-run"]
ASKED = ("What do you do?", "My back tyre is flat. How much is that?")
LARGEST = 900_000        # bytes

# Fewer frames, for here a processor draws them, and the page's own clock of the first word waits for each.
CALM = "{ const soon = requestAnimationFrame; window.requestAnimationFrame = (run) => setTimeout(() => soon(run), 500); }"

# A moment with the mouth open, the eyes too, and half of the caption spoken; the picture stops there.
MOMENT = """() => { const {stage} = twin, of = (name) => stage.weights[stage.channels.indexOf(name)], length = (name) =>
  document.querySelector('.captions.on .' + name)?.textContent.length ?? 0;
  if (!(twin.player.playing && length('said') > 14 && length('coming') > 10 && of('jawOpen') > .12 && of('eyeBlinkLeft') < .08)) return false;
  stage.frame = () => {};
  return true; }"""


def main() -> None:
    with tempfile.TemporaryDirectory() as data:
        server = subprocess.Popen([sys.executable, "app.py"], cwd=ROOT, env={**os.environ, "HOST": "127.0.0.1", "PORT": str(PORT), "TWIN_DATA": data})
        try:
            _wait(f"http://127.0.0.1:{PORT}/")
            with sync_playwright() as playwright:
                browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=FLAGS)
                page = browser.new_page(viewport={"width": 1440, "height": 900}, device_scale_factor=1, color_scheme="light")
                page.set_default_timeout(90_000)
                page.add_init_script(CALM)
                page.add_init_script("localStorage['twin.seen'] = 'true'")
                page.goto(f"http://127.0.0.1:{PORT}/?twin=maya&lang=en")
                picture = _talk(page)
                browser.close()
        finally:
            server.terminate()
            server.wait(20)
    _save(picture, ROOT / "docs" / "page.png")


def _wait(url: str) -> None:
    for _ in range(600):
        try:
            urllib.request.urlopen(url, timeout=2)
            return
        except OSError:
            time.sleep(0.1)


def _talk(page: Page) -> bytes:
    """The conversation up to the moment; a PNG."""
    page.wait_for_function("() => window.twin?.stage.element.dataset.ready && document.querySelector('.her')")
    page.evaluate("() => { twin.stage.measure = () => {} }")      # sharp, however slow this machine draws
    box = page.get_by_role("textbox").first
    for number, text in enumerate(ASKED, 2):
        page.wait_for_function("n => document.querySelectorAll('.her:not(.open)').length >= n && !twin.player.playing", arg=number - 1)
        box.fill(text)
        box.press("Enter")
        page.wait_for_function("n => document.querySelectorAll('.her').length >= n", arg=number)
    page.wait_for_function(MOMENT, polling=20)
    page.wait_for_timeout(400)
    return page.screenshot()


def _save(picture: bytes, path: Path) -> None:
    """As it is, or in 256 colours where that is too large."""
    image = Image.open(io.BytesIO(picture)).convert("RGB")
    image.save(path, optimize=True)
    if path.stat().st_size > LARGEST:
        image.quantize(256, Image.Quantize.MEDIANCUT, dither=Image.Dither.FLOYDSTEINBERG).save(path, optimize=True)
    print(f"{path}: {path.stat().st_size // 1000} kB")


if __name__ == "__main__":
    main()
