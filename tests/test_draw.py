"""The face drawn on the server: it moves as the rig says, it has no holes, and it is the browser's picture."""
from __future__ import annotations

import base64
import json
import random
from pathlib import Path

import numpy as np
import pytest
from conftest import ROOT

from twin.errors import Missing, Refused
from twin.paint.draw import Painter, staged
from twin.paint.fine import Posed
from twin.paint.pose import pose
from twin.types import CHANNELS, FULL

TWINS = sorted(p.parents[1].name for p in ROOT.glob("assets/twins/*/face/rig.json"))
SIZE = 256, 320


def painter(name: str = TWINS[0], size: tuple[int, int] = SIZE, **more: object) -> Painter:
    folder = ROOT / "assets/twins" / name
    return Painter(lambda file: (folder / file).read_bytes(), size, **more)     # type: ignore[arg-type]


@pytest.fixture(scope="module")
def drawn() -> Painter:
    return painter()


def test_it_poses_as_the_reference_does(drawn: Painter) -> None:
    rng = np.random.default_rng(1)
    for _ in range(5):
        weights = rng.random(57) * (rng.random(57) < 0.4)
        weights[52:] = rng.normal(0, 0.1, 5)
        fast = Posed(drawn.rig, CHANNELS).apply(weights, 0.7)
        assert np.abs(fast - pose(drawn.rig, dict(zip(CHANNELS, weights)), 0.7)).max() < 1e-6


def test_the_mouth_opens_the_eyes_shut_and_the_rest_stays(drawn: Painter) -> None:
    rest = drawn.frame({}).astype(int)
    places = drawn.landmarks().copy()
    opened = drawn.frame({"jawOpen": 0.5}).astype(int)
    (x0, y0), (x1, y1) = (places[[61, 13, 291]].min(0).astype(int), places[[61, 17, 291]].max(0).astype(int))
    assert rest[y0:y1, x0:x1].mean() - opened[y0:y1, x0:x1].mean() > 8
    above = int(places[159, 1])                          # nothing above the eyes moves
    assert np.abs(opened[:above - 5] - rest[:above - 5]).mean() < 0.2
    shut = drawn.frame({"eyeBlinkLeft": 1.0, "eyeBlinkRight": 1.0}).astype(int)
    x, y = places[468].astype(int)
    assert np.ptp(shut[y - 3:y + 1, x - 3:x + 3].mean(2)) < np.ptp(rest[y - 3:y + 1, x - 3:x + 3].mean(2)) / 2


def test_a_row_of_a_track_and_real_weights_are_the_same(drawn: Painter) -> None:
    row = np.zeros(57, np.uint8)
    row[52:] = 128
    row[CHANNELS.index("jawOpen")] = 102
    row[CHANNELS.index("headYaw")] = 128 + 25
    one = drawn.frame(row).copy()
    assert np.array_equal(one, drawn.frame({"jawOpen": 0.4, "headYaw": 25 / 127 * FULL}))


def test_every_pixel_of_the_person_is_drawn_once(drawn: Painter) -> None:
    """No hole and no seam between triangles: a portrait of one colour comes out as that colour, however it is bent."""
    plain = painter()
    plain._portrait[:] = (200, 100, 50, 255)
    plain._near = plain._above = plain._wet = plain._portrait
    plain._lid[:] = (200, 100, 50)
    canvas = plain.frame({"headYaw": 0.1, "headRoll": 0.1, "browInnerUp": 0.5, "mouthSmileLeft": 0.3}, scene=False)
    skin = canvas[int(plain.landmarks()[10, 1]):int(plain.landmarks()[105, 1]) - 4, 100:150]       # the forehead
    assert skin.reshape(-1, 3).std(0).max() < 8 and np.abs(np.median(skin.reshape(-1, 3), 0) - (200, 100, 50)).max() < 12


def test_any_shape_of_canvas_and_any_background() -> None:
    red = np.full((40, 30, 3), (250, 0, 0), np.uint8)
    wide = painter(size=(320, 180), framing=staged, background=red)
    assert np.abs(wide.frame({})[3, 3].astype(int) - (250, 0, 0)).max() <= 2
    assert wide.frame({}, scene=False)[3, 3].max() == 0
    places = wide.landmarks()
    assert (places > 0).all() and (places < (320, 180)).all()
    tall = painter(size=(180, 320), framing=staged)
    assert tall.frame({}).shape == (320, 180, 3)
    with pytest.raises(Refused):
        painter(size=(8, 8))


def test_a_missing_or_damaged_file_is_named(tmp_path: Path) -> None:
    folder = ROOT / "assets/twins" / TWINS[0]

    def without(name: str, content: bytes | None = None):     # noqa: ANN202
        def read(file: str) -> bytes:
            if file != name:
                return (folder / file).read_bytes()
            return (tmp_path / "nothing").read_bytes() if content is None else content
        return read
    with pytest.raises(Missing, match="iris.webp"):
        Painter(without("face/iris.webp"), SIZE)
    with pytest.raises(Missing, match="portrait.webp"):
        Painter(without("face/portrait.webp", b"no picture"), SIZE)
    with pytest.raises(Refused, match="rig.json"):
        Painter(without("face/rig.json", b"{"), SIZE)


@pytest.mark.browser
def test_it_is_the_browsers_picture() -> None:
    import functools
    import http.server
    import threading

    from test_face import CHROMIUM, FLAGS, Files, playwright_api
    if CHROMIUM is None:
        pytest.skip("no Chromium on this machine (apt-get install chromium)")
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(Files, folder=ROOT / "assets/twins"))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    own, (width, height) = painter(), SIZE
    look = """([weights, w, h]) => { const c = face.canvas; c.style.width = w + 'px'; c.style.height = h + 'px'; face.resize(); show(weights);
        const out = new Uint8Array(w * h * 4); face.gl.readPixels(0, 0, w, h, face.gl.RGBA, face.gl.UNSIGNED_BYTE, out);
        return btoa(Array.from(out, (v) => String.fromCharCode(v)).join('')); }"""
    with playwright_api.sync_playwright() as play:
        browser = play.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        page = browser.new_page()
        page.goto(f"http://127.0.0.1:{server.server_port}/face_page.html?face=/{TWINS[0]}/face/")
        page.wait_for_function("window.ready || window.failed", timeout=60_000)
        for weights in ({}, {"jawOpen": 0.5}, {"eyeBlinkLeft": 1, "eyeBlinkRight": 0.5, "headYaw": 0.1, "headPitch": -0.1},
                        {"mouthSmileLeft": 0.6, "mouthSmileRight": 0.6, "jawOpen": 0.2, "mouthUpperUpLeft": 0.4, "gazeX": 0.2}, {"tongueOut": 0.9, "jawOpen": 0.4}):
            raw = np.frombuffer(base64.b64decode(page.evaluate(look, [weights, width, height])), np.uint8)
            seen = raw.reshape(height, width, 4)[::-1, :, :3].astype(int)
            assert np.abs(seen - own.frame(weights)).mean() < 1.5, weights
        browser.close()
    server.shutdown()


@pytest.mark.parametrize("seed", range(24))
def test_a_rig_from_anybody_is_drawn_or_refused(seed):
    """Compiled code trusts indices and numbers, so a rig that no face builder made must not reach it."""
    rng, folder = random.Random(seed), ROOT / "assets" / "twins" / "maya"
    rig = json.loads((folder / "face" / "rig.json").read_bytes())
    for _ in range(rng.randint(1, 3)):
        part, key = rig, rng.choice(list(rig))
        while isinstance(part[key], (dict, list)) and part[key] and rng.random() < 0.85:
            part = part[key]
            key = rng.choice(list(part)) if isinstance(part, dict) else rng.randrange(len(part))
        part[key] = rng.choice((0, -1, 10**9, -10**9, 1e308, float("nan"), float("inf"), 0.5, None, "x", [], {}, [[1]], 477, 640, 1e-300))

    def read(name: str) -> bytes:
        return json.dumps(rig).encode() if name == "face/rig.json" else (folder / name).read_bytes()
    try:
        painter = Painter(read, (96, 96))
        for weights in ({}, {"jawOpen": 1.0, "headYaw": 0.3, "eyeBlinkLeft": 1.0, "mouthPucker": 1.0}):
            assert painter.frame(weights).shape == (96, 96, 3)
    except Refused as refused:
        assert refused.message and refused.zh
