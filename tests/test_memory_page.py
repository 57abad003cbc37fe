"""The memory of a twin on its page, in a real browser: told in the talk, seen in the panel, corrected, deleted, erased, switched off; by keyboard too."""
from __future__ import annotations

import shutil

import pytest
from conftest import Echo, Tone
from place import Place, watched

from persona.lines import general
from persona.mind import Mind
from twin.store import Twins

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    mind = Mind(Twins()["maya"].persona, {"en": general("en"), "zh": general("zh")})
    with Place(tmp_path_factory.mktemp("data"), gradio=True, stage=True, mind=mind, think=Echo(["So", "it", "is."]), speak=Tone(pace=0.01, pieces=1)) as served:
        yield served


def tell(page, text: str) -> None:
    count = page.locator(".her").count()
    page.locator("#twin-text").fill(text)
    page.keyboard.press("Enter")
    page.wait_for_function("n => document.querySelectorAll('.her').length > n && !document.querySelector('.her.open')", arg=count)
    page.wait_for_function("() => twin.state() === 'idle' && !twin.player.playing")


def opened(page) -> None:
    page.locator(".side-head .actions > button").click()
    page.get_by_role("menuitem", name="Memory").click()
    page.wait_for_selector(".mem-sheet[open] .mem-list > *")


def test_the_memory_panel(place, tmp_path):
    playwright_api = pytest.importorskip("playwright.sync_api", reason="Playwright is not installed (pip install playwright)")
    from test_page import CALM, COARSE, FLAGS, LOUD
    if not CHROMIUM:
        pytest.skip("no Chromium here (apt-get install chromium)")
    expect, faults = playwright_api.expect, []
    with playwright_api.sync_playwright() as play:
        browser = play.chromium.launch(executable_path=CHROMIUM, args=[*FLAGS, LOUD])
        context = browser.new_context(viewport={"width": 1100, "height": 860}, locale="en-GB", accept_downloads=True, **COARSE)
        context.set_default_timeout(60_000)
        context.add_init_script(CALM)
        page = watched(context, place.url, faults)
        page.goto(place.url + "?lang=en&twin=maya")
        page.wait_for_function("() => window.twin?.live.state === 'open' && twin.stage.element.dataset.ready")
        opened(page)
        expect(page.locator(".mem-none")).to_contain_text("Nothing yet")
        page.keyboard.press("Escape")
        tell(page, "My name is Ben. My sister is called Ana and she lives in Porto.")
        tell(page, "I used to live in London, but I moved to Leeds. I'm allergic to peanuts.")
        opened(page)
        expect(page.locator(".mem-list h3")).to_have_text(["You", "Your sister"])
        expect(page.locator(".mem-list")).to_contain_text("You live in Leeds.")
        expect(page.locator(".mem-past summary")).to_have_text("Before (1)")
        page.screenshot(path=tmp_path / "panel.png")
        ana = page.locator("li", has_text="Your sister is called Ana.")
        ana.get_by_role("button", name="Correct: Your sister is called Ana.").focus()
        page.keyboard.press("Enter")
        page.keyboard.type("Anna")
        page.keyboard.press("Enter")
        expect(page.locator(".mem-list")).to_contain_text("Your sister is called Anna.")
        page.get_by_role("button", name="Delete: You are allergic to peanuts.").click()
        page.keyboard.press("Escape")
        expect(page.locator(".mem-sheet")).to_be_visible()
        page.get_by_role("button", name="Delete: You are allergic to peanuts.").click()
        page.get_by_role("button", name="Delete", exact=True).click()
        expect(page.locator(".mem-list")).not_to_contain_text("peanuts")
        expect(page.locator(".me").last).not_to_contain_text("peanuts")
        with page.expect_download() as saved:
            page.get_by_role("button", name="Save as a file").click()
        assert b"peanuts" not in saved.value.path().read_bytes() and b"Anna" in saved.value.path().read_bytes()
        page.locator("#mem-on").uncheck()
        expect(page.locator(".mem-off")).to_be_visible()
        page.keyboard.press("Escape")
        tell(page, "My dog is called Rex.")
        opened(page)
        expect(page.locator(".mem-list")).not_to_contain_text("Rex")
        page.get_by_role("button", name="Erase all").click()
        page.get_by_role("button", name="Erase", exact=True).click()
        expect(page.locator(".mem-none")).to_be_visible()
        browser.close()
    assert not faults, "\n".join(faults)
