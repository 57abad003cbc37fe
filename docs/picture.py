"""Makes docs/page.png, the README's picture: the real page with a real conversation. `python docs/picture.py`"""
from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
import time
import urllib.request
from pathlib import Path

from playwright.sync_api import sync_playwright

ROOT = Path(__file__).resolve().parents[1]
PORT = 7897
FLAGS = ["--no-sandbox", "--use-angle=swiftshader", "--enable-unsafe-swiftshader", "--autoplay-policy=no-user-gesture-required",
         "--disable-background-networking", "--disable-component-update", "--disable-sync", "--no-first-run"]


def main() -> None:
    with tempfile.TemporaryDirectory() as data:
        server = subprocess.Popen([sys.executable, "app.py"], cwd=ROOT, env={**os.environ, "PORT": str(PORT), "TWIN_DATA": data})
        try:
            for _ in range(600):
                try:
                    urllib.request.urlopen(f"http://127.0.0.1:{PORT}/", timeout=2)
                    break
                except OSError:
                    time.sleep(0.1)
            with sync_playwright() as playwright:
                browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=FLAGS)
                page = browser.new_page(viewport={"width": 1440, "height": 900}, device_scale_factor=1, color_scheme="light")
                page.goto(f"http://127.0.0.1:{PORT}/?twin=maya&lang=en")
                page.wait_for_timeout(9000)              # the greeting
                box = page.get_by_role("textbox").first
                box.fill("My back tyre is flat. How much is that?")
                box.press("Enter")
                page.wait_for_timeout(3200)
                page.screenshot(path=str(ROOT / "docs" / "page.png"))
                browser.close()
        finally:
            server.terminate()
            server.wait(20)


if __name__ == "__main__":
    main()
