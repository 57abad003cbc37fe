"""The page in a real browser: Debian's Chromium driven by Playwright against `python app.py`. Skipped, with the reason, where either is missing."""
from __future__ import annotations

import contextlib
import io
import json
import os
import re
import shutil
import socket
import subprocess
import sys
import time
import urllib.request
import wave
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from place import watched

playwright_api = pytest.importorskip("playwright.sync_api", reason="Playwright is not installed (pip install playwright)")
Page = playwright_api.Page
expect = playwright_api.expect

ROOT = Path(__file__).resolve().parents[1]
CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="no Chromium here (apt-get install chromium); the page was not tried in a browser")

FLAGS = ["--no-sandbox", "--use-angle=swiftshader", "--enable-unsafe-swiftshader", "--disable-gpu-compositing", "--use-fake-ui-for-media-stream",
         "--use-fake-device-for-media-stream", "--disable-background-networking", "--disable-component-update", "--disable-sync", "--no-first-run"]
LOUD = "--autoplay-policy=no-user-gesture-required"
# Fewer frames, for here a processor draws the face, and all that these tests do waits for it.
CALM = ";{ const soon = requestAnimationFrame; window.requestAnimationFrame = (run) => setTimeout(() => soon(run), 180); }"
# And fewer pixels in each: half as many across, which costs half as much. Tests of a layout or of pixels ask for all of them.
COARSE = {"device_scale_factor": 0.5}
START, ANSWER = 90.0, 60.0          # s to wait at most, on a busy machine


@contextlib.contextmanager
def served(folder: Path) -> Iterator[str]:
    """The address of a server of its own, with its data in `folder`."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    env = os.environ | {"PORT": str(port), "HOST": "127.0.0.1", "TWIN_DATA": str(folder / "data")}
    path = folder / "server.log"
    with path.open("w") as log:
        server = subprocess.Popen([sys.executable, "app.py"], cwd=ROOT, env=env, stdout=log, stderr=subprocess.STDOUT)
    url = f"http://127.0.0.1:{port}/"
    try:
        end = time.monotonic() + START
        while not _up(url):
            if server.poll() is not None or time.monotonic() > end:
                pytest.fail("the server did not start:\n" + path.read_text()[-3000:])
            time.sleep(0.3)
        yield url
    finally:
        server.terminate()
        try:
            server.wait(10)
        except subprocess.TimeoutExpired:
            server.kill()


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with served(tmp_path_factory.mktemp("page")) as url:
        yield url


def _up(url: str) -> bool:
    try:
        with urllib.request.urlopen(url + "web/page.js", timeout=2) as answer:
            return bool(answer.status == 200)
    except OSError:
        return False


Opener = Callable[..., Page]


@pytest.fixture(scope="module")
def chromium() -> Iterator[Callable[[tuple[str, ...]], object]]:
    """Browsers by their extra flags, each started once."""
    running: dict[tuple[str, ...], object] = {}
    expect.set_options(timeout=ANSWER * 1000)
    with playwright_api.sync_playwright() as play:
        def get(flags: tuple[str, ...]) -> object:
            if flags not in running:
                running[flags] = play.chromium.launch(executable_path=CHROMIUM, args=[*FLAGS, *flags])
            return running[flags]

        yield get
        for browser in running.values():
            browser.close()


@pytest.fixture
def visit(address: str, chromium: Callable[[tuple[str, ...]], object]) -> Iterator[Opener]:
    """Opens the page as a new person; afterwards: no error in any console, and nothing was asked of another host."""
    contexts, faults = [], []

    def opened(query: str = "?lang=en", flags: tuple[str, ...] = (LOUD,), ready: bool = True, script: str = "", lively: bool = False,
               **options: object) -> Page:
        context = chromium(flags).new_context(**({"viewport": {"width": 900, "height": 560}, "locale": "en-GB"} | ({} if lively else COARSE) | options))
        context.set_default_timeout(ANSWER * 1000)
        contexts.append(context)
        context.add_init_script(script if lively else script + CALM)
        page = watched(context, address, faults)
        page.goto(address + query)
        if ready:
            page.wait_for_function("() => window.twin?.live.state === 'open' && twin.stage.element.dataset.ready")
        return page

    yield opened
    for context in contexts:
        context.close()
    assert not faults, "\n".join(faults)


def quiet(page: Page, whole: bool = False) -> None:
    """Wait until the twin has greeted; cut it short unless the `whole` greeting is wanted."""
    page.wait_for_function("() => document.querySelector('.her') && (twin.player.playing || twin.state() === 'idle')")
    if not whole:
        page.keyboard.press("Escape")
    page.wait_for_function("() => twin.state() === 'idle' && !twin.player.playing && !document.querySelector('.her.open')")


def ask(page: Page, text: str, whole: bool = False) -> str:
    """Type it, send it, wait for the reply, and for its end where `whole` of it is wanted aloud. Returns the reply."""
    count = page.locator(".her").count()
    page.locator("#twin-text").fill(text)
    page.keyboard.press("Enter")
    if not whole:
        page.wait_for_function("n => document.querySelectorAll('.her').length > n && twin.player.playing", arg=count)
        page.wait_for_timeout(300)
        page.keyboard.press("Escape")
    page.wait_for_function("n => document.querySelectorAll('.her').length > n && !document.querySelector('.her.open')", arg=count)
    return page.locator(".her .text").last.inner_text()


def test_a_typed_question_is_answered_with_voice_and_mouth(visit: Opener) -> None:
    page = visit(lively=True)
    quiet(page)
    page.evaluate("""() => { window.seen = [];
        twin.stage.onframe = () => seen.push([performance.now(), twin.player.energy(), twin.player.playing, twin.face.readMouth()]) }""")
    page.wait_for_function("() => seen.length > 8")
    assert len(ask(page, "Who are you?", whole=True)) > 5
    expect(page.locator(".me .text").last).to_have_text("Who are you?")
    seen = np.array(page.evaluate("() => seen.map(row => row.map(Number))"))
    speaking = seen[:, 2] > 0
    assert speaking.sum() > 5
    assert seen[speaking, 1].max() > 0.02, "no sound was played"
    rest = np.median(seen[:8, 3])
    moved, still = np.abs(seen[speaking, 3] - rest), np.abs(seen[:8, 3] - rest)
    assert np.percentile(moved, 90) > max(2.0, 2 * still.max()), f"the mouth did not open: {moved.round(1)}, at rest {still.round(1)}"
    assert np.percentile(moved, 10) < 0.5 * np.percentile(moved, 90), f"the mouth did not close again: {moved.round(1)}"
    assert page.evaluate("() => twin.first()") > 0
    expect(page.locator(".time")).to_contain_text("s to first word")
    expect(page.locator(".her .how").last).not_to_be_empty()


def test_stop_is_silent_within_100_ms(visit: Opener) -> None:
    page = visit(lively=True, viewport={"width": 480, "height": 480})  # small, for here a processor draws the face
    quiet(page)
    took = []
    for _ in range(4):                                   # this machine may be busy with something else: the best of four
        page.locator("#twin-text").fill("Tell me about your work, please.")
        page.keyboard.press("Enter")
        page.wait_for_function("() => twin.player.energy() > 0.02")
        page.evaluate("""() => { window.silent = new Promise((done) => addEventListener('keydown', (event) => {
            const began = event.timeStamp, look = () => twin.player.energy() < 1e-3 ? done(performance.now() - began) : setTimeout(look, 1); look(); },
            {once: true, capture: true})) }""")
        page.keyboard.press("Escape")
        took.append(page.evaluate("() => silent"))
        page.wait_for_timeout(400)
        assert page.evaluate("() => twin.player.energy()") < 1e-3, "it went on speaking"
        page.wait_for_function("() => twin.state() === 'idle' && !document.querySelector('.her.open')")
        if took[-1] < 100:
            break
    print("stop to silence, ms:", [round(ms) for ms in took], "with a frame every", page.evaluate("() => Math.round(twin.stage.pace.mean)"), "ms")
    assert min(took) < 100, took
    expect(page.locator(".her .cut").last).to_be_visible()
    assert len(ask(page, "What is your name?")) > 3


def spoken(path: Path, text: str, after: float = 0.5) -> Path:
    """A WAV of espeak saying `text`, with half a second of silence before and `after` s behind it. Chromium plays it again and again."""
    from twin.speak.espeak import Espeak
    from twin.types import Mood, Voice

    pieces = [piece.audio.samples for piece in Espeak().speak(text, Voice(), Mood(), "en") if piece.audio]
    samples = np.concatenate([np.zeros(12_000), *pieces, np.zeros(round(24_000 * after))])
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(24_000)
        file.writeframes((samples * 30_000).astype("<i2").tobytes())
    return path


def test_a_spoken_question_is_answered(visit: Opener, tmp_path: Path) -> None:
    sound = spoken(tmp_path / "asked.wav", "Who are you?")
    page = visit(flags=(LOUD, f"--use-file-for-fake-audio-capture={sound}"))
    quiet(page)
    count = page.locator(".her").count()
    page.locator(".mic").hover()
    page.mouse.down()
    page.wait_for_function("() => twin.state() === 'listening'")
    page.wait_for_timeout(2500)
    page.mouse.up()
    box = page.locator("#twin-text")
    page.wait_for_function("""n => document.querySelectorAll('.her').length > n || document.querySelector('#twin-text').value
        || document.querySelector('.notice')""", arg=count)
    if box.input_value():                                # the recogniser was not sure and asks to be corrected
        expect(page.locator(".note", has_text="heard")).to_be_visible()       # another note says that it is an AI
        box.press("Enter")
    page.wait_for_function("n => document.querySelectorAll('.her').length > n && !document.querySelector('.her.open')", arg=count)
    assert page.locator(".me").count() == 1


def test_edit_and_rewind_find_their_message(visit: Opener) -> None:
    page = visit()
    page.wait_for_function("() => document.querySelector('.her')")
    page.keyboard.press("Escape")                        # perhaps before a word of the greeting was heard: then the server forgets it
    quiet(page)
    ask(page, "Do you have a cat?")
    ask(page, "Who are you?")
    page.locator(".me").first.hover()
    page.locator(".me [data-tip=edit]").first.click()
    box = page.locator("#twin-text")
    expect(box).to_have_value("Do you have a cat?")
    box.fill("What is your name?")
    box.press("Enter")
    page.wait_for_function("() => document.querySelectorAll('.me').length === 1 && !document.querySelector('.her.open') && twin.state() !== 'thinking'")
    expect(page.locator(".me .text")).to_have_text("What is your name?")


def test_two_people_share_nothing(visit: Opener) -> None:
    one, two = visit(), visit("?lang=en&twin=kofi")
    quiet(one)
    ask(one, "My name is Zaphod.")
    quiet(two)
    assert one.evaluate("() => localStorage['twin.token']") != two.evaluate("() => localStorage['twin.token']")
    assert two.locator(".me").count() == 0
    expect(two.locator(".names h1")).to_contain_text("Kofi")
    expect(one.locator(".names h1")).not_to_contain_text("Kofi")
    assert "Zaphod" not in two.locator(".messages").inner_text()


def test_a_second_tab_is_independent(visit: Opener) -> None:
    one = visit()
    quiet(one)
    ask(one, "Who are you?")
    two = one.context.new_page()
    two.goto(one.url)
    two.wait_for_function("() => window.twin?.live.state === 'open' && twin.stage.element.dataset.ready && twin.state() === 'idle'")
    assert one.evaluate("() => localStorage['twin.token']") == two.evaluate("() => localStorage['twin.token']")
    ask(two, "Do you like music?")
    assert "music" not in one.locator(".messages").inner_text()
    ask(one, "What is 17 times 23?")
    assert "391" in one.locator(".her .text").last.inner_text()
    assert "391" not in two.locator(".messages").inner_text()


def test_a_reload_keeps_twin_and_conversation(visit: Opener) -> None:
    page = visit("?lang=en&twin=lin")
    quiet(page)
    ask(page, "What do you do?")
    quiet(page)
    before = page.locator(".messages .text").all_inner_texts()
    page.goto(page.url.split("?")[0] + "?lang=en")
    page.wait_for_function("n => window.twin && document.querySelectorAll('.messages li').length === n", arg=len(before))
    assert page.locator(".messages .text").all_inner_texts() == before
    expect(page.locator(".names h1")).to_contain_text("Lin")


def passively(page: Page, script: str) -> Callable[[], object]:
    """Look without touching: Playwright's own evaluate counts as a user's gesture, which would let the page play sound."""
    line = page.context.new_cdp_session(page)
    return lambda: line.send("Runtime.evaluate", {"expression": script, "returnByValue": True})["result"].get("value")


def test_without_autoplay_a_tap_plays_the_greeting_whole(visit: Opener) -> None:
    page = visit(flags=(), ready=False)
    place = passively(page, """(() => { const tap = document.querySelector('.tap:not([hidden])')?.getBoundingClientRect();
        return tap && twin.stage.element.dataset.ready ? [tap.x + tap.width / 2, tap.y + tap.height / 2] : null })()""")
    end = time.monotonic() + ANSWER
    while not (at := place()) and time.monotonic() < end:
        page.wait_for_timeout(200)
    assert at, "no “Tap to hear”"
    page.wait_for_timeout(1500)
    held = passively(page, "[twin.player.playing, twin.player.energy(), twin.player.position(), twin.player.pieces.length]")()
    assert held[:3] == [False, 0, 0] and held[3] > 0, "the greeting was not held"
    passively(page, "{ const look = () => { if (twin.player.energy() > 0.02) window.began = twin.player.position(); else setTimeout(look, 5) }; look(); }")()
    page.mouse.click(*at)
    page.wait_for_function("() => window.began !== undefined")
    assert page.evaluate("() => began") < 2.0, "it did not begin at its beginning"          # where it was when it was first heard, however late that is asked
    expect(page.locator(".tap")).to_be_hidden()
    quiet(page, whole=True)
    assert page.locator(".her .cut").count() == 0
    assert page.locator(".her .text").first.inner_text()


def test_a_phone_does_not_scroll_sideways(visit: Opener) -> None:
    page = visit(viewport={"width": 390, "height": 844}, has_touch=True, is_mobile=True, device_scale_factor=1)
    quiet(page)
    ask(page, "Who are you?")
    wide = page.evaluate("() => [document.documentElement.scrollWidth, document.body.scrollWidth, innerWidth]")
    assert max(wide) == 390
    box, stage = page.locator(".field").bounding_box(), page.locator(".stage").bounding_box()
    assert box["y"] + box["height"] <= 844 and stage["y"] + stage["height"] <= box["y"]


def test_both_languages(visit: Opener) -> None:
    page = visit("?lang=zh")
    quiet(page)
    assert page.evaluate("() => document.documentElement.lang") == "zh-CN"
    assert re.search(r"[\u4e00-\u9fff]", page.locator(".her .text").first.inner_text())
    page.locator(".lang").click()
    assert page.evaluate("() => document.documentElement.lang") == "en"
    visible = page.evaluate("""() => [...document.querySelectorAll('[data-t], [data-tip]')].filter(e => !e.closest('.lang'))
        .map(e => [e.dataset.t ? e.textContent + (e.placeholder ?? '') : '', e.title]).flat().join(' ')""")
    own = set(page.locator(".picker .short").all_inner_texts())
    left = [word for word in re.findall(r"[\u4e00-\u9fff]+", visible) if word not in own]
    assert not left, left


def test_gradios_event_stream_carries_it_too(visit: Opener) -> None:
    page = visit("?lang=en&transport=gradio")
    quiet(page)
    assert page.evaluate("() => twin.live.transport") == "gradio"
    page.evaluate("() => { window.loudest = 0; setInterval(() => { loudest = Math.max(loudest, twin.player.energy()) }, 20) }")
    assert len(ask(page, "Who are you?", whole=True)) > 5
    assert page.evaluate("() => loudest") > 0.02


@pytest.mark.parametrize("missing", ["AudioDecoder", "AudioDecoder DecompressionStream AudioWorkletNode"])
def test_an_older_browser_talks_too(visit: Opener, missing: str) -> None:
    """16-bit samples instead of Opus, an own inflate, a ScriptProcessor."""
    page = visit(script="".join(f"delete window.{name};" for name in missing.split()) + ("""
        Object.defineProperty(BaseAudioContext.prototype, 'audioWorklet', {get() {}});""" if "Worklet" in missing else ""))
    quiet(page)
    page.evaluate("""() => { window.loudest = window.widest = window.sent = 0;
        const jaw = twin.stage.channels.indexOf('jawOpen'), send = twin.live.sendBytes.bind(twin.live);
        twin.live.sendBytes = (bytes) => { sent += bytes.length; send(bytes); };
        setInterval(() => { loudest = Math.max(loudest, twin.player.energy()) }, 20);         // a busy machine draws one frame a second
        twin.stage.onframe = () => { if (twin.player.playing) widest = Math.max(widest, twin.stage.weights[jaw]) } }""")
    assert len(ask(page, "Who are you?", whole=True)) > 5
    loudest, widest = page.evaluate("() => [loudest, widest]")
    assert loudest > 0.02 and widest > 0.1
    page.locator(".mic").hover()
    page.mouse.down()
    page.wait_for_function("() => sent > 9600")          # 0.3 s of sound
    page.mouse.up()


def test_hands_free_hears_and_can_be_cut_into(visit: Opener, tmp_path: Path) -> None:
    sound = spoken(tmp_path / "asked.wav", "Who are you?", after=3.0)
    page = visit(flags=(LOUD, f"--use-file-for-fake-audio-capture={sound}"))
    quiet(page)
    page.locator(".hands").click()
    page.wait_for_function("() => document.querySelector('.me') || document.querySelector('#twin-text').value")
    page.evaluate("""() => { window.cut = null; twin.live.on('vad', ({speech}) => { if (speech && twin.player.turn) { const began = performance.now();
        const look = () => twin.player.energy() < 1e-3 ? cut ??= performance.now() - began : setTimeout(look, 1); look(); } }) }""")
    page.locator("#twin-text").fill("Tell me about your work, please.")
    page.keyboard.press("Enter")                         # the answer is longer than the silence of the sound file
    page.wait_for_function("() => cut !== null")
    assert page.evaluate("() => cut") < 300
    page.locator(".hands").click()
    page.wait_for_function("() => twin.state() !== 'listening'")


def test_a_refused_microphone_and_chinese_without_ears(visit: Opener) -> None:
    page = visit(script="navigator.mediaDevices.getUserMedia = async () => { throw new DOMException('no', 'NotAllowedError') }")
    quiet(page)
    page.locator(".hands").click()
    expect(page.locator(".notice")).to_contain_text("The microphone was refused.")
    page.locator(".lang").click()
    page.locator(".hands").click()
    expect(page.locator("dialog[open]")).to_contain_text("谷歌")
    expect(page.locator("dialog[open] .answers button")).to_have_count(2)
    page.locator("dialog[open] .answers button").first.click()
    expect(page.locator("dialog[open]")).to_have_count(0)


def test_left_alone_it_says_one_thing(visit: Opener) -> None:
    page = visit(ready=False)
    page.route("**/web/aside.js", lambda route: route.fulfill(body=(ROOT / "assets/web/aside.js").read_text().replace("60_000", "1500"),
                                                              content_type="text/javascript"))
    page.reload()
    page.wait_for_function("() => window.twin?.live.state === 'open' && twin.stage.element.dataset.ready")
    quiet(page)
    page.wait_for_function("() => document.querySelector('.how [data-t=step_aside]')")
    page.keyboard.press("Escape")
    page.wait_for_timeout(4500)
    assert page.locator(".how [data-t=step_aside]").count() == 1


def test_by_keyboard_alone(visit: Opener) -> None:
    page = visit()
    quiet(page)
    seen = set()
    for _ in range(40):
        page.keyboard.press("Tab")
        seen.add(page.evaluate("() => document.activeElement.className || document.activeElement.tagName"))
        if page.evaluate("() => document.activeElement.tagName") == "TEXTAREA":
            break
    assert page.evaluate("() => document.activeElement.tagName") == "TEXTAREA", seen
    page.keyboard.type("Hello!")
    page.keyboard.press("Shift+Enter")
    page.keyboard.type("Who are you?")
    assert page.locator("#twin-text").input_value() == "Hello!\nWho are you?"
    page.keyboard.press("Enter")
    page.wait_for_function("() => twin.player.playing")
    page.keyboard.press("Escape")
    page.wait_for_function("() => !twin.player.playing && twin.state() === 'idle'")
    nameless = page.evaluate("""() => [...document.querySelectorAll('.twin button, .twin input, #twin-text')]
        .filter(e => !(e.getAttribute('aria-label') || e.textContent.trim() || e.title || e.labels?.length)).map(e => e.outerHTML.slice(0, 90))""")
    assert not nameless


def test_the_twin_alone(visit: Opener) -> None:
    page = visit("?stage=only&bg=transparent&lang=en", device_scale_factor=1)
    assert page.locator(".side").is_hidden() and page.locator(".bar").is_hidden()
    assert page.evaluate("() => getComputedStyle(document.body).backgroundColor") == "rgba(0, 0, 0, 0)"
    expect(page.locator(".ai")).to_be_visible()
    page.wait_for_function("() => twin.stage.frames > 3")
    picture = np.array(Image.open(io.BytesIO(page.screenshot(omit_background=True))).convert("RGBA"))
    high, wide = picture.shape[:2]
    assert picture[high // 2, 4, 3] == picture[4, wide // 2 + 150, 3] == 0, "something is drawn around the twin"
    assert picture[round(high * 0.45), wide // 2, 3] == 255, "there is no twin"


def test_what_was_typed_survives_a_lost_connection(visit: Opener) -> None:
    page = visit()
    quiet(page)
    page.locator("#twin-text").fill("Do you like tea?")
    page.evaluate("""() => { twin.live.line.close(); twin.live.lost(); twin.live.close();
        twin.live.state = 'offline'; twin.live.emit('offline', {attempt: 2, wait: 9e9}) }""")
    expect(page.locator(".banner")).to_be_visible()
    page.keyboard.press("Enter")
    assert page.locator("#twin-text").input_value() == "Do you like tea?"
    page.locator(".banner button").click()
    expect(page.locator(".banner")).to_be_hidden()
    page.locator("#twin-text").press("Enter")
    page.wait_for_function("() => document.querySelector('.me')")


EVIL = "<img src=x onerror=hit=1><script>hit=1</script><svg onload=hit=1>"


def test_text_stays_text_wherever_the_page_shows_it(visit: Opener, address: str) -> None:
    """Name, tagline, greeting, line, fact, question, title of a conversation: an own twin with markup in all of them, from a stranger's file."""
    from bench.fortress import whole
    from twin.trust import consent, digest
    maya = ROOT / "assets" / "twins" / "maya" / "face"
    persona = {"name": f"Eve {EVIL}"[:80], "tagline": EVIL, "description": f"Eve is {EVIL}.", "greeting": [f"Hello {EVIL}"], "facts": [f"I like {EVIL}."],
               "suggestions": [EVIL], "languages": ["en"]}
    files = {"twin/persona.yaml": json.dumps(persona).encode(), "twin/consent.json": json.dumps(consent(EVIL, "self", ["talk"], {"photo": digest(b"x")})).encode(),
             "twin/lines.en.yaml": json.dumps([{"id": "bees", "ask": ["Do you keep bees?"], "say": [f"Eleven {EVIL} of them."]}]).encode()}
    files |= {f"twin/face/{path.name}": path.read_bytes() for path in maya.iterdir()}
    token = "e" * 64
    asked = urllib.request.Request(f"{address}bundle", whole(files), {"X-Twin-Token": token}, method="POST")
    with urllib.request.urlopen(asked, timeout=60) as answer:
        twin = json.load(answer)["twin"]["id"]
    page = visit(f"?lang=en&twin={twin}", script=f"localStorage.setItem('twin.token', '{token}');")
    quiet(page)
    expect(page.locator(".names h1")).to_contain_text("Eve <img")
    assert ask(page, "Do you keep bees?")
    ask(page, EVIL)
    expect(page.locator(".me .text").last).to_have_text(EVIL)
    page.evaluate("() => twin.live.send({ type: 'list' })")
    page.wait_for_timeout(300)
    assert page.evaluate("() => [window.hit, document.querySelectorAll('img[src=x], svg[onload]').length]") == [None, 0]
