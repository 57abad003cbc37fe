"""The page in a real browser: Debian's Chromium driven by Playwright against `python app.py`. Skipped, with the reason, where either is missing."""
from __future__ import annotations

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

playwright_api = pytest.importorskip("playwright.sync_api", reason="Playwright is not installed (pip install playwright)")
Page = playwright_api.Page
expect = playwright_api.expect

ROOT = Path(__file__).resolve().parents[1]
CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="no Chromium here (apt-get install chromium); the page was not tried in a browser")

FLAGS = ["--no-sandbox", "--use-angle=swiftshader", "--enable-unsafe-swiftshader", "--disable-gpu-compositing", "--use-fake-ui-for-media-stream",
         "--use-fake-device-for-media-stream", "--disable-background-networking", "--disable-component-update", "--disable-sync", "--no-first-run"]
LOUD = "--autoplay-policy=no-user-gesture-required"
START, ANSWER = 90.0, 60.0          # s to wait at most, on a busy machine


@pytest.fixture(scope="session")
def address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A server of its own, with data of its own."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    folder = tmp_path_factory.mktemp("page")
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


def _up(url: str) -> bool:
    try:
        with urllib.request.urlopen(url + "web/page.js", timeout=2) as answer:
            return bool(answer.status == 200)
    except OSError:
        return False


Opener = Callable[..., Page]


@pytest.fixture(scope="session")
def chromium() -> Iterator[Callable[[tuple[str, ...]], object]]:
    """Browsers by their extra flags, each started once."""
    running: dict[tuple[str, ...], object] = {}
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

    def opened(query: str = "?lang=en", flags: tuple[str, ...] = (LOUD,), ready: bool = True, **options: object) -> Page:
        context = chromium(flags).new_context(**({"viewport": {"width": 900, "height": 560}, "locale": "en-GB"} | options))
        context.set_default_timeout(ANSWER * 1000)
        contexts.append(context)
        page = context.new_page()
        page.on("console", lambda said: faults.append(f"console: {said.text}") if said.type == "error" else None)
        page.on("pageerror", lambda error: faults.append(f"error: {error}"))
        page.on("request", lambda asked: faults.append(f"left the machine: {asked.url}")
                if not asked.url.startswith((address, "data:", "blob:", address.replace("http", "ws"))) else None)
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


def ask(page: Page, text: str) -> str:
    """Type it, send it, wait for the end of the reply. Returns the reply."""
    count = page.locator(".her").count()
    page.locator(".twin textarea").fill(text)
    page.keyboard.press("Enter")
    page.wait_for_function("n => document.querySelectorAll('.her').length > n && !document.querySelector('.her.open')", arg=count)
    return page.locator(".her .text").last.inner_text()


def test_a_typed_question_is_answered_with_voice_and_mouth(visit: Opener) -> None:
    page = visit()
    quiet(page)
    page.evaluate("""() => { window.seen = [];
        twin.stage.onframe = () => seen.push([performance.now(), twin.player.energy(), twin.player.playing, twin.face.readMouth()]) }""")
    assert len(ask(page, "Who are you?")) > 5
    expect(page.locator(".me .text").last).to_have_text("Who are you?")
    seen = np.array(page.evaluate("() => seen.map(row => row.map(Number))"))
    speaking = seen[:, 2] > 0
    assert speaking.sum() > 5
    assert seen[speaking, 1].max() > 0.02, "no sound was played"
    mouth = seen[speaking, 3]
    swing = np.percentile(mouth, 95) - np.percentile(mouth, 5)
    assert swing > 2.0, f"the mouth did not move: its brightness varied by {swing:.2f}"
    assert page.evaluate("() => twin.first()") > 0
    expect(page.locator(".time")).to_contain_text("s to first word")
    expect(page.locator(".her .how").last).not_to_be_empty()


def test_stop_is_silent_within_100_ms(visit: Opener) -> None:
    page = visit()
    quiet(page)
    page.evaluate("() => { twin.stage.idle = null }")    # the picture rests: what is measured is sound, not this machine's drawing
    took = []
    for _ in range(3):                                   # this machine may be busy with something else: the best of three
        page.locator(".twin textarea").fill("Tell me about your work, please.")
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
    assert min(took) < 100, took
    expect(page.locator(".her .cut").last).to_be_visible()
    assert len(ask(page, "What is your name?")) > 3


def spoken(path: Path, text: str) -> Path:
    """A WAV of espeak saying `text`, with half a second of silence around it."""
    from twin.speak.espeak import Espeak
    from twin.types import Mood, Voice

    pieces = [piece.audio.samples for piece in Espeak().speak(text, Voice(), Mood(), "en") if piece.audio]
    samples = np.concatenate([np.zeros(12_000), *pieces, np.zeros(12_000)])
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
    box = page.locator(".twin textarea")
    page.wait_for_function("""n => document.querySelectorAll('.her').length > n || document.querySelector('.twin textarea').value
        || document.querySelector('.notice')""", arg=count)
    if box.input_value():                                # the recogniser was not sure and asks to be corrected
        expect(page.locator(".note")).to_be_visible()
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
    box = page.locator(".twin textarea")
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
    page.mouse.click(*at)
    page.wait_for_function("() => twin.player.energy() > 0.02")
    assert page.evaluate("() => twin.player.position()") < 2.0, "it did not begin at its beginning"
    expect(page.locator(".tap")).to_be_hidden()
    quiet(page, whole=True)
    assert page.locator(".her .cut").count() == 0
    assert page.locator(".her .text").first.inner_text()


def test_a_phone_does_not_scroll_sideways(visit: Opener) -> None:
    page = visit(viewport={"width": 390, "height": 844}, has_touch=True, is_mobile=True)
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
    page.evaluate("() => { window.loudest = 0; twin.stage.onframe = () => { loudest = Math.max(loudest, twin.player.energy()) } }")
    assert len(ask(page, "Who are you?")) > 5
    assert page.evaluate("() => loudest") > 0.02


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
    assert page.locator(".twin textarea").input_value() == "Hello!\nWho are you?"
    page.keyboard.press("Enter")
    page.wait_for_function("() => twin.player.playing")
    page.keyboard.press("Escape")
    page.wait_for_function("() => !twin.player.playing && twin.state() === 'idle'")
    nameless = page.evaluate("""() => [...document.querySelectorAll('.twin button, .twin input, .twin textarea')]
        .filter(e => !(e.getAttribute('aria-label') || e.textContent.trim() || e.title || e.labels?.length)).map(e => e.outerHTML.slice(0, 90))""")
    assert not nameless


def test_the_twin_alone(visit: Opener) -> None:
    page = visit("?stage=only&bg=transparent&lang=en")
    assert page.locator(".side").is_hidden() and page.locator(".bar").is_hidden()
    assert page.evaluate("() => getComputedStyle(document.body).backgroundColor") == "rgba(0, 0, 0, 0)"
    expect(page.locator(".ai")).to_be_visible()


def test_what_was_typed_survives_a_lost_connection(visit: Opener) -> None:
    page = visit()
    quiet(page)
    page.locator(".twin textarea").fill("Do you like tea?")
    page.evaluate("""() => { twin.live.line.close(); twin.live.lost(); twin.live.close();
        twin.live.state = 'offline'; twin.live.emit('offline', {attempt: 2, wait: 9e9}) }""")
    expect(page.locator(".banner")).to_be_visible()
    page.keyboard.press("Enter")
    assert page.locator(".twin textarea").input_value() == "Do you like tea?"
    page.locator(".banner button").click()
    expect(page.locator(".banner")).to_be_hidden()
    page.locator(".twin textarea").press("Enter")
    page.wait_for_function("() => document.querySelector('.me')")
