"""The Studio in a real browser: the shelf, a folder looked at, a small training that is watched, stopped, gone on with and used; on a phone and in Chinese."""
from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from conftest import ROOT, Tone
from PIL import Image
from place import Place, watched

page_tests = pytest.importorskip("test_page", reason="Playwright is not installed (pip install playwright)")
from test_page import ANSWER, CALM, CHROMIUM, COARSE, FLAGS, LOUD, expect, playwright_api  # noqa: E402

pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="no Chromium here (apt-get install chromium); the Studio was not tried in a browser")


@pytest.fixture(scope="module")
def storage(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A storage with forty painted people."""
    from twin.studio import places, process
    from twin.train import painted
    folder, before = tmp_path_factory.mktemp("studio"), os.environ.get("TWIN_STUDIO")
    os.environ["TWIN_STUDIO"] = str(folder)
    painted.make(folder / "sets/harbour", 40, 32)
    yield folder
    for kind in ("runs", "jobs"):
        for name in places.names(kind):
            process.halt(places.folder(kind, name))
    if before is None:
        del os.environ["TWIN_STUDIO"]
    else:
        os.environ["TWIN_STUDIO"] = before


@pytest.fixture(scope="module")
def address(storage: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with Place(tmp_path_factory.mktemp("place"), gradio=True, stage=True, speak=Tone(pieces=1)) as place:
        yield place.url


@pytest.fixture(scope="module")
def browser() -> Iterator[object]:
    expect.set_options(timeout=ANSWER * 1000)
    with playwright_api.sync_playwright() as play:
        browser = play.chromium.launch(executable_path=CHROMIUM, args=[*FLAGS, LOUD])
        yield browser
        browser.close()


@pytest.fixture
def visit(address: str, browser: object) -> Iterator[Callable[..., object]]:
    contexts, faults = [], []

    def opened(query: str, **options: object) -> object:
        context = browser.new_context(**({"viewport": {"width": 1180, "height": 800}, "locale": "en-GB"} | COARSE | options))   # type: ignore[attr-defined]
        context.set_default_timeout(ANSWER * 1000)
        context.add_init_script(CALM)
        contexts.append(context)
        page = watched(context, address, faults, fine="status of 4")
        page.goto(address + query)
        page.wait_for_function("() => window.twin?.live.state === 'open'")
        return page

    yield opened
    for context in contexts:
        context.close()
    assert not faults, "\n".join(faults)


def shot(page, name: str) -> None:
    """A picture for whoever changes the Studio: TWIN_SHOTS names the folder."""
    if folder := os.environ.get("TWIN_SHOTS"):
        page.wait_for_timeout(400)
        page.screenshot(path=f"{folder}/{name}.png")


def test_from_the_shelf_to_a_face_of_ones_own_model(visit, storage: Path) -> None:
    page = visit("?lang=en")
    page.get_by_role("link", name="Studio").click()
    expect(page.locator(".st-card", has_text="The illustrated painter")).to_be_visible()
    expect(page.locator(".st-card", has_text="The illustrated painter").locator("img[src^=blob]")).to_be_visible()
    assert page.locator(".st-card").count() >= 4 and page.evaluate("() => document.querySelector('.room').inert")
    page.get_by_role("link", name="Train", exact=True).click()
    expect(page.get_by_role("radio", name="harbour")).to_be_checked()
    page.get_by_role("radio", name="tiny").check()
    expect(page.locator(".segments input[value='64']")).to_be_disabled()
    expect(page.locator(".st-says")).to_contain_text("pictures a second here")
    expect(page.locator(".st-says")).to_contain_text("fewer than 200")
    page.get_by_role("radio", name="Diffusion Learns").check()
    expect(page.locator(".st-group", has_text="no trained VAE")).to_be_visible()
    expect(page.get_by_role("button", name="Start training")).to_be_disabled()
    page.get_by_role("radio", name="VAE Says").check()
    page.fill("#st-hours", "0.2")
    page.fill("#st-run-title", "Harbour folk")
    page.get_by_role("button", name="Start training").click()
    expect(page.locator("h1", has_text="Harbour folk")).to_be_visible()
    assert page.evaluate("() => location.hash") == "#studio/run/harbour-folk"
    expect(page.locator(".st-chip.training")).to_be_visible()
    expect(page.locator(".st-line")).to_contain_text("left")
    shot(page, "training")
    page.get_by_role("link", name="Talk").click()         # it goes on behind one's back, and after a reload
    expect(page.locator("#twin-studio")).to_be_hidden()
    assert not page.evaluate("() => document.querySelector('.room').inert")
    page.goto(page.url.split("#")[0] + "#studio/run/harbour-folk")
    page.reload()
    page.get_by_role("button", name="Stop").click()
    expect(page.locator(".st-chip.stopped")).to_be_visible()
    expect(page.locator("img.st-sheet[src^=blob]").first).to_be_visible()
    expect(page.locator(".st-curve path.smooth")).to_have_count(1)
    assert "rows" in page.locator(".st-curve").get_attribute("aria-label")
    assert page.locator(".st-curve text").count() > 5, "axes have numbers"
    page.locator(".st-curve-head select").select_option("divergence")
    expect(page.locator(".st-figures")).to_contain_text("Reconstruction")
    expect(page.locator(".st-command")).to_contain_text("python -m twin.train.vae")
    shot(page, "stopped")
    step = page.locator(".st-line").inner_text()
    page.get_by_role("button", name="Go on").click()
    expect(page.locator(".st-chip.training")).to_be_visible()
    page.wait_for_function("before => document.querySelector('.st-line').innerText !== before && document.querySelector('.st-line').innerText.includes('step')", arg=step)
    page.get_by_role("button", name="Stop").click()
    expect(page.locator(".st-chip.stopped")).to_be_visible()
    page.wait_for_function("() => document.querySelectorAll('.st-sheets input[type=range]:not([hidden])').length === 1")
    slide = page.get_by_role("slider", name="Sheets so far")
    newest = page.locator(".st-sheets output").inner_text()
    slide.focus()
    page.keyboard.press("ArrowLeft")
    page.wait_for_function("newest => document.querySelector('.st-sheets output').innerText !== newest", arg=newest)
    page.get_by_role("button", name="Use it").click()
    page.get_by_role("link", name="See the model").click()
    page.get_by_role("button", name="Paint four faces").click()
    page.wait_for_function("() => document.querySelectorAll('.st-four img').length === 4")
    shot(page, "model")
    page.get_by_role("button", name="Invent a face with it").click()
    page.wait_for_function("() => document.querySelectorAll('.invent-face img').length === 4 && document.querySelector('.invent-engine select, .invent select.box')")
    assert "vae:harbour-folk" in page.evaluate("() => [...document.querySelectorAll('#twin-step-face select')].map(one => one.value)")
    page.keyboard.press("Escape")
    page.get_by_role("link", name="Back").click()
    expect(page.locator("a.st-card", has_text="Harbour folk")).to_have_count(2)
    page.locator("a.st-card", has_text="Harbour folk").first.click()
    page.get_by_role("button", name="Delete").click()
    page.locator("dialog").get_by_role("button", name="Delete").click()
    expect(page.locator("a.st-card", has_text="Harbour folk")).to_have_count(1)
    assert not (storage / "runs/harbour-folk").exists() and (storage / "models/harbour-folk").exists()


def test_a_folder_is_looked_at_and_people_are_asked_for(visit, storage: Path, tmp_path: Path) -> None:
    for number, path in enumerate(sorted((ROOT / "assets" / "twins").glob("*/face/portrait.webp"))):
        portrait = Image.open(path).convert("RGBA")
        whole = Image.new("RGBA", portrait.size, (200, 205, 215, 255))
        whole.alpha_composite(portrait)
        whole.convert("RGB").save(tmp_path / f"{number}.png")
    shutil.copy(tmp_path / "0.png", tmp_path / "again.png")
    page = visit("?lang=en#studio/data")
    expect(page.locator("a.st-card", has_text="harbour")).to_be_visible()
    page.get_by_role("radio", name="Pictures in a folder").check()
    page.get_by_role("button", name="Browse").click()
    expect(page.locator(".st-folders li").first).to_be_visible()
    page.keyboard.press("Escape")
    page.fill("#st-path", str(tmp_path / "nowhere"))
    page.get_by_role("button", name="Look at it").click()
    expect(page.locator(".st-trouble")).to_contain_text("There is no folder")
    page.fill("#st-path", str(tmp_path))
    page.select_option("#st-size", "128")
    page.get_by_role("button", name="Look at it").click()
    expect(page.locator(".st-said")).to_contain_text("In 5 of 5 pictures")
    expect(page.locator(".st-reasons")).to_contain_text("the same file once more")
    expect(page.locator(".st-report img[src^=blob]")).to_be_visible()
    expect(page.locator(".st-report")).to_contain_text("fewer than 200")
    page.fill("#st-source", "our own")
    page.fill("#st-licence", "agreed")
    page.get_by_role("radio", name="photographs of people").check()
    expect(page.locator(".statement")).to_contain_text("They agree that a network learns")
    shot(page, "report")
    page.get_by_role("button", name="Make the data set").click()
    expect(page.locator(".st-trouble")).to_contain_text("they have to agree first")
    page.check("#st-agree")
    page.fill("#st-who", "Ada")
    page.fill("#st-title", "Ours")
    page.get_by_role("button", name="Make the data set").click()
    expect(page.locator("h1", has_text="Ours")).to_be_visible()
    expect(page.locator(".st-chip.done")).to_be_visible()
    expect(page.locator(".st-settings")).to_contain_text("Ada")
    manifest = json.loads((storage / "sets/ours/manifest.json").read_text())
    assert manifest["kind"] == "people" and manifest["statement"].endswith("Signed: Ada")


@pytest.mark.parametrize("where", ["", "/data", "/train", "/model/shipped/gan"])
def test_it_fits_a_phone_and_speaks_chinese(visit, where: str) -> None:
    page = visit("?lang=zh#studio" + where, viewport={"width": 360, "height": 740}, has_touch=True, is_mobile=True, device_scale_factor=1, color_scheme="dark")
    page.wait_for_function("() => document.querySelector('.st-body')?.innerText.length > 10")
    if where == "/data":
        page.locator("input[value=painted]").check()
    shot(page, "phone" + where.replace("/", "-"))
    assert page.evaluate("() => document.documentElement.scrollWidth") <= 360
    wide = page.evaluate("""() => [...document.querySelectorAll('.studio *, .bar *')].filter(e => e.getBoundingClientRect().right > innerWidth + 1 && getComputedStyle(e).visibility !== 'hidden'
        && !e.closest('.pop') && e.getBoundingClientRect().width > 0).map(e => e.outerHTML.slice(0, 80))""")
    assert not wide, wide
    nameless = page.evaluate("""() => [...document.querySelectorAll('.studio :is(a, button, input, select)')]
        .filter(e => !(e.getAttribute('aria-label') || e.textContent.trim() || e.title || e.labels?.length)).map(e => e.outerHTML.slice(0, 90))""")
    assert not nameless, nameless
    english = page.evaluate("""() => [...document.querySelectorAll('.studio :is(h1, h2, h3, legend, label, .small span, .wide span, .st-about, .st-tabs span, .st-says p)')]
        .map(e => e.innerText.trim()).filter(text => text && /[a-z]{4}/i.test(text) && !/[\\u4e00-\\u9fff]/.test(text) && !text.includes('harbour'))""")
    assert not english, english
