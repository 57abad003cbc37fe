"""The face in a real browser: its mouth opens, its eyes shut, what lies behind it shows through; and what it does while idle."""
from __future__ import annotations

import functools
import http.server
import shutil
import threading
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

playwright_api = pytest.importorskip("playwright.sync_api", reason="Playwright is not installed (pip install playwright)")
ROOT = Path(__file__).resolve().parents[1]
CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
FLAGS = ["--headless", "--no-sandbox", "--use-angle=swiftshader", "--enable-unsafe-swiftshader", "--disable-background-networking",
         "--disable-component-update", "--disable-sync", "--no-first-run"]
pytestmark = [pytest.mark.browser, pytest.mark.skipif(CHROMIUM is None, reason="no Chromium on this machine (apt-get install chromium)")]


class Files(http.server.SimpleHTTPRequestHandler):
    """/web/ from the project, the page from tests/, everything else from `folder`."""

    def __init__(self, *args: object, folder: Path, **kwargs: object):
        self.folder = folder
        super().__init__(*args, **kwargs)                    # type: ignore[arg-type]

    def translate_path(self, path: str) -> str:
        name = path.split("?")[0].lstrip("/")
        if name.startswith("web/"):
            return str(ROOT / "assets" / name)
        return str(ROOT / "tests" / name if name == "face_page.html" else self.folder / name)

    def log_message(self, *args: object) -> None:
        """Quiet."""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A face/ folder made from a public-domain photograph, with whites and irises of plain colours."""
    import json

    from test_rig import photo
    data = pytest.importorskip("skimage.data", reason="scikit-image is not installed; it brings the photograph")
    home = tmp_path_factory.mktemp("faces")
    face = home / "photo"
    face.mkdir()
    rig = dict(photo())
    points = np.array(rig["points"])
    rig |= {"iris": {side: [*points[i, :2].tolist(), float(np.linalg.norm(points[i + 1:i + 5, :2] - points[i, :2], axis=1).mean())]
                     for side, i in (("left", 468), ("right", 473))}, "skin": [220, 180, 160], "lip": [190, 110, 110], "lid": [214, 170, 150],
            "lash": [40, 28, 24]}
    (face / "rig.json").write_text(json.dumps(rig))
    picture = Image.fromarray(data.astronaut()[10:273, 118:328]).resize((1024, 1280), Image.Resampling.BICUBIC)
    alpha = Image.new("L", picture.size, 255)
    alpha.paste(0, (0, 0, 150, 500))
    picture.putalpha(alpha)
    picture.save(face / "portrait.webp", quality=90)
    Image.new("RGB", (1024, 1280), (90, 110, 200)).save(face / "background.webp")
    Image.new("RGBA", (1024, 512), (236, 232, 228, 255)).save(face / "eyes.webp")
    y, x = np.mgrid[:512, :512] - 255.5
    disc = np.zeros((512, 512, 4), np.uint8)
    disc[np.hypot(x, y) < 240] = (60, 40, 30, 255)
    Image.fromarray(disc).save(face / "iris.webp")
    for rig_path in ROOT.glob("assets/twins/*/face/rig.json"):
        (home / rig_path.parts[-3]).symlink_to(rig_path.parent)
    return home


@pytest.fixture(scope="module")
def browser() -> Iterator[object]:
    with playwright_api.sync_playwright() as play:
        browser = play.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        yield browser
        browser.close()


@pytest.fixture(scope="module")
def page(folder: Path, browser: object) -> Iterator[object]:
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(Files, folder=folder))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    page = browser.new_page(viewport={"width": 400, "height": 500})             # type: ignore[attr-defined]
    page.base = f"http://127.0.0.1:{server.server_port}/face_page.html?face="
    yield page
    page.close()
    server.shutdown()


def opened(page, name: str):                                                   # noqa: ANN001, ANN201
    page.goto(f"{page.base}/{name}/")
    page.wait_for_function("window.ready || window.failed", timeout=60_000)
    assert page.evaluate("window.failed") is None
    return page


NAMES = ["photo", *sorted(p.parts[-3] for p in ROOT.glob("assets/twins/*/face/rig.json"))]


@pytest.mark.parametrize("name", NAMES)
def test_mouth_and_eyes_move_in_the_picture(page, name: str) -> None:           # noqa: ANN001
    opened(page, name)
    rest, ajar, wide = (page.evaluate("w => show({jawOpen: w})", w) for w in (0, 0.3, 0.7))
    assert rest - ajar > 6 and rest - wide > 15
    assert abs(page.evaluate("show({jawOpen: 0.6, mouthClose: 0.6})") - rest) < 0.35 * (rest - wide)

    def eye(weights: dict) -> np.ndarray:
        page.evaluate("w => show(w)", {})
        x0, x1, y0, y1 = page.evaluate("(() => { const p = face.points(); return [p[66], p[266], p[319], p[291]]; })()")
        page.evaluate("w => show(w)", weights)
        width, height = x1 - x0, y1 - y0
        box = [x0 + 0.25 * width, y0 + 0.2 * height, width / 2, height / 2]
        return np.array(page.evaluate("b => { face.draw(); return pixels(...b); }", box)).reshape(-1, 4)
    still, shut, aside = eye({}), eye({"eyeBlinkRight": 1}), eye({"gazeX": -0.4})
    assert shut[:, :3].std(0).mean() < 0.6 * still[:, :3].std(0).mean()          # skin is even, an eye is not
    assert np.abs(aside[:, :3].astype(int).mean(0) - still[:, :3].mean(0)).max() > 3


def test_what_is_behind_shows_through(page) -> None:                            # noqa: ANN001
    opened(page, "photo")
    page.evaluate("show({}, 'transparent')")
    corner = np.array(page.evaluate("(() => { face.draw(); return pixels(5, 5, 20, 20); })()")).reshape(-1, 4)
    assert corner[:, 3].max() == 0 and corner[:, :3].max() == 0
    cheek = np.array(page.evaluate("(() => { face.draw(); const p = face.points(); return pixels(p[100], p[101], 4, 4); })()")).reshape(-1, 4)
    assert cheek[:, 3].min() == 255
    page.evaluate("show({}, 'scene')")
    scene = np.array(page.evaluate("(() => { face.draw(); return pixels(5, 5, 20, 20); })()")).reshape(-1, 4)
    assert scene[:, 3].min() == 255 and np.abs(scene[:, :3].mean(0) - [90, 110, 200]).max() < 4


def test_the_face_stays_in_sight_on_any_stage(page) -> None:                    # noqa: ANN001
    opened(page, "photo")
    for width, height in ((1200, 500), (400, 500), (320, 640), (300, 300)):
        box, mouth = page.evaluate("""([w, h]) => { const c = face.canvas; c.style.width = w + 'px'; c.style.height = h + 'px'; face.resize(); show();
            const p = face.points(), xs = [], ys = []; for (let i = 0; i < 468; i++) { xs.push(p[2 * i]); ys.push(p[2 * i + 1]); }
            return [[Math.min(...xs), Math.max(...xs), Math.min(...ys), Math.max(...ys)], face.mouthBox()]; }""", [width, height])
        assert box[0] >= 0 and box[1] <= width and box[2] >= 0 and box[3] <= height
        assert box[0] < mouth["x"] < mouth["x"] + mouth["width"] < box[1] and box[2] < mouth["y"] < box[3]
        if width > 2 * height:
            assert abs((box[0] + box[1]) / 2 - width / 2) < 3


def test_a_lost_context_comes_back(page) -> None:                               # noqa: ANN001
    opened(page, "photo")
    before = page.evaluate("show({jawOpen: 0.5})")
    page.evaluate("(async () => { const e = face.gl.getExtension('WEBGL_lose_context'); e.loseContext(); await new Promise(r => setTimeout(r, 200)); "
                  "window.during = face.stats().lost; face.draw(); e.restoreContext(); await new Promise(r => setTimeout(r, 600)); })()")
    assert page.evaluate("window.during") is True
    assert abs(page.evaluate("show({jawOpen: 0.5})") - before) < 2


def test_a_browser_without_webgl_is_told_so(page) -> None:                      # noqa: ANN001
    opened(page, "photo")
    text = page.evaluate("(async () => { const { Face } = await import('/web/face.js'); const c = document.createElement('canvas'); "
                         "c.getContext('2d'); try { new Face(c); return ''; } catch (e) { return e.message; } })()")
    assert "WebGL 2" in text and "still picture" in text


def test_a_missing_file_is_named(page) -> None:                                 # noqa: ANN001
    page.goto(f"{page.base}/nobody/")
    page.wait_for_function("window.failed", timeout=30_000)
    assert "rig.json" in page.evaluate("window.failed")


def test_idle_is_calm_seeded_and_smooth(page) -> None:                          # noqa: ANN001
    opened(page, "photo")
    run = """([seed, fps, seconds, state, still]) => { const idle = new Idle(face.pose.channels, {seed, still}), out = new Float32Array(57), rows = [];
        for (let k = 0; k < seconds * fps; k++) { idle.pose(k / fps, state, null, out); rows.push(Array.from(out)); } return rows; }"""
    at = page.evaluate("face.pose.at")
    rows = np.array(page.evaluate(run, [3, 60, 60, "idle", False]))
    shut = rows[:, at["eyeBlinkLeft"]] > 0.9
    blinks = int((np.diff(shut.astype(int)) == 1).sum())
    assert 10 <= blinks <= 24
    assert np.abs(np.diff(rows[:, at["headYaw"]])).max() < 0.004 and np.abs(rows[:, at["headYaw"]]).max() < 0.08
    assert rows[:, :52].min() >= -1e-6 and rows.max() <= 1
    again = np.array(page.evaluate(run, [3, 60, 10, "idle", False]))
    assert np.array_equal(rows[:600], again)
    slower = np.array(page.evaluate(run, [3, 30, 10, "idle", False]))
    assert np.abs(slower - again[::2])[30:].max() < 0.02
    listening = np.array(page.evaluate(run, [3, 60, 15, "listening", False]))
    assert listening[:, at["headPitch"]].min() < -0.04                            # nods
    thinking = np.array(page.evaluate(run, [3, 60, 8, "thinking", False]))
    assert np.abs(thinking[60:, at["gazeX"]]).min() > 0.1 and thinking[60:, at["gazeY"]].min() > 0.1
    waking = np.array(page.evaluate(run, [3, 60, 3, "waking", False]))
    assert waking[60:, at["eyeBlinkLeft"]].min() > 0.95
    still = np.array(page.evaluate(run, [3, 60, 20, "idle", True]))
    moving = np.abs(still).max(0) > 0
    assert {n for n, k in at.items() if moving[k]} <= {"eyeBlinkLeft", "eyeBlinkRight", "eyeSquintLeft", "eyeSquintRight", "browDownLeft", "browDownRight"}
