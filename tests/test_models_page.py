"""The drawer of models in a real browser: fetched from a hub on this machine, paused, gone on with, used; a server tried; on a phone, in Chinese, in the dark."""
from __future__ import annotations

import os
import secrets

import pytest
from conftest import Echo, Tone
from place import Place, watched
from test_models import ADA, SMALL, folders, hub, registry, tiny  # noqa: F401
from test_server import process  # noqa: F401

from twin.fetch import Fetches


def test_the_drawer_in_a_browser(hub, registry, folders, tmp_path, process, monkeypatch):  # noqa: F811
    playwright_api = pytest.importorskip("playwright.sync_api", reason="Playwright is not installed (pip install playwright)")
    from test_page import CALM, CHROMIUM, COARSE, FLAGS, LOUD
    if CHROMIUM is None:
        pytest.skip("no Chromium here (apt-get install chromium)")
    faults: list[str] = []
    hub.models[SMALL]["tokenizer.model"] = secrets.token_bytes(3 << 20)
    hub.pace = 0.1
    with Place(tmp_path / "place", registry=registry, gradio=True, stage=True, think=Echo(["So", "it", "is."]), speak=Tone(pieces=1)) as place, \
            playwright_api.sync_playwright() as play:
        browser = play.chromium.launch(executable_path=CHROMIUM, args=[*FLAGS, LOUD])
        context = browser.new_context(viewport={"width": 1100, "height": 900}, locale="en-GB", **COARSE)
        context.set_default_timeout(30_000)
        context.add_init_script(f"localStorage.setItem('twin.token', '{ADA}');" + CALM)
        page = watched(context, place.url, faults)
        page.goto(place.url + "?lang=en")
        page.wait_for_function("() => window.twin?.live.state === 'open'")
        page.locator(".bar .pill[popovertarget=twin-engines]").click()
        shot(page, "chip")
        page.get_by_role("button", name="Choose models").click()
        page.get_by_text("In use", exact=True).first.wait_for()
        assert page.locator(".models-now b").inner_text() == "Qwen3"
        shot(page, "think")
        nc = page.locator(".models-list li", has_text="Qwen2.5 3B")
        if nc.locator("button:enabled").count():         # where memory is short it is too large
            nc.get_by_role("button").first.click()
            page.get_by_text("may not be used commercially").wait_for()
            assert page.evaluate("document.activeElement.dataset.key") == "agree"
            page.get_by_role("button", name="Cancel").click()
        row = page.locator(".models-list li", has_text="SmolLM2 360M")
        row.get_by_role("button", name="Fetch").focus()
        page.keyboard.press("Enter")
        row.get_by_role("button", name="Pause").wait_for()
        page.wait_for_function("() => document.querySelector('.models-bar progress').value > 400000")
        shot(page, "fetching")
        page.keyboard.press("Enter")                     # the focus went along
        row.get_by_text("Paused").wait_for()
        hub.pace = 0.0
        begin = Fetches.begin
        monkeypatch.setattr(Fetches, "begin", lambda fetches, model: (begin(fetches, model), fetches._thread.join(20))[0])       # all is here before the answer is
        row.get_by_role("button", name="Go on").click()
        page.get_by_text("SmolLM2 360M is here.").wait_for()
        row.get_by_role("button", name="Use").click()
        page.get_by_text("is in use from the next reply on").wait_for()
        assert "SmolLM2 360M" in page.locator(".bar .pill[popovertarget=twin-engines]").inner_text()
        shot(page, "used")
        page.locator("#models-own").fill(process + "/v1")
        page.get_by_role("button", name="Try it").click()
        page.get_by_role("button", name="other", exact=True).click()
        assert page.locator("#models-own").input_value() == process + "/v1#other"
        page.locator("#models-own").fill(str(tmp_path / "nothing"))
        page.keyboard.press("Enter")
        page.get_by_text("is not on this machine").wait_for()
        shot(page, "own")
        page.locator("input[value=listen] + span").click()
        page.get_by_text("Whisper base").wait_for()
        shot(page, "listen")
        page.locator("input[value=speak] + span").click()
        page.get_by_text("Each twin brings its own voice").wait_for()
        page.keyboard.press("Escape")
        page.locator(".models-sheet").wait_for(state="detached")
        page.locator("button.lang").click()
        page.evaluate("() => { document.documentElement.dataset.theme = 'dark' }")
        page.set_viewport_size({"width": 390, "height": 800})
        page.locator(".bar [data-tip=settings]").click()
        page.get_by_role("button", name="选择模型").click()
        page.locator(".models-now", has_text="正在使用").wait_for()
        page.locator("input[value=think] + span").click()
        page.wait_for_timeout(500)
        assert page.evaluate("() => { const s = document.querySelector('.models-sheet'); return s.scrollWidth <= s.clientWidth }")
        shot(page, "phone-dark-zh")
        page.evaluate("() => { document.querySelector('.models-sheet').scrollTop = 500 }")
        shot(page, "phone-dark-zh-2")
        browser.close()
    faults = [fault for fault in faults if "404" not in fault]
    assert not faults, "\n".join(faults)


def shot(page, name):
    """A picture for whoever changes the drawer: TWIN_SHOTS names the folder."""
    if folder := os.environ.get("TWIN_SHOTS"):
        page.wait_for_timeout(300)
        page.screenshot(path=f"{folder}/{name}.png")
