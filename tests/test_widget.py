"""The line for other websites in a real browser: a page of another site shows the twin and talks with it where the server allows that site, and is told so
where it does not; nothing of the site around it is read, and names stay text. And signing in on the page: wrong, too often, ended in the middle, out."""
from __future__ import annotations

import functools
import http.server
import os
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from conftest import Echo, Tone
from place import Place, watched

from twin.users import Passwords, Users
from twin.wire.door import Door
from twin.wire.limits import RATES, Limits

playwright_api = pytest.importorskip("playwright.sync_api", reason="Playwright is not installed (pip install playwright)")
from test_page import CALM, CHROMIUM, FLAGS, LOUD  # noqa: E402

expect = playwright_api.expect
pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="no Chromium here (apt-get install chromium)")
PHONE = {"viewport": {"width": 390, "height": 780}, "has_touch": True, "is_mobile": True, "device_scale_factor": 1}
# The widget's insides are closed to the page around it; a test has to look in.
OPEN = ";{ const closed = Element.prototype.attachShadow; Element.prototype.attachShadow = function (how) { return closed.call(this, {...how, mode: 'open'}); }; }"
SHOTS = os.environ.get("TWIN_SHOTS", "")                 # a folder for pictures to look at
WORD = "correct horse battery"


def shot(page: Any, name: str) -> None:
    if SHOTS:
        page.screenshot(path=f"{SHOTS}/{name}.png")


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    expect.set_options(timeout=60_000)
    with playwright_api.sync_playwright() as play:
        browser = play.chromium.launch(executable_path=CHROMIUM, args=[*FLAGS, LOUD])
        yield browser
        browser.close()


@pytest.fixture(scope="module")
def sites(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Path, str, str]]:
    """(folder, two addresses that serve it): two websites that are nothing of ours."""
    folder = tmp_path_factory.mktemp("site")
    quiet = type("Quiet", (http.server.SimpleHTTPRequestHandler,), {"log_message": lambda *_: None})
    servers = [http.server.ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(quiet, directory=str(folder))) for _ in range(2)]
    for server in servers:
        threading.Thread(target=server.serve_forever, daemon=True).start()
    yield folder, *(f"http://127.0.0.1:{server.server_port}" for server in servers)
    for server in servers:
        server.shutdown()


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory, sites: tuple[Path, str, str]) -> Iterator[Place]:
    """A server that lets the first of the two show it, and asks who one is, but lets visitors talk."""
    folder = tmp_path_factory.mktemp("place")
    Passwords(folder / "users").put("ada", WORD)
    door = Door(Users(str(folder / "users"), visitors=True), Limits(1.0, RATES | {"login": {"user": (4, 0.1), "address": (100, 100)}}), frames=(sites[1],))
    with Place(folder / "data", gradio=True, stage=True, door=door, think=Echo(["So", "it", "is."]), speak=Tone(pieces=1)) as served:
        yield served


def page_of(browser: Any, address: str, faults: list[str], fine: str = "", script: str = CALM, **options: Any) -> Any:
    context = browser.new_context(**({"viewport": {"width": 1000, "height": 640}, "locale": "en-GB"} | options))
    context.set_default_timeout(60_000)
    context.add_init_script(script + OPEN)
    page = watched(context, address, faults, fine=fine)
    page.context_ = context
    return page


def site(folder: Path, name: str, line: str) -> str:
    (folder / f"{name}.html").write_text(f"<!doctype html><html lang=en><meta charset=utf-8><meta name=viewport content='width=device-width'>"
                                         f"<title>A shop</title><link rel=icon href=data:,><body style='font: 16px serif; margin: 2em'><h1>A shop</h1><p>Bread and rolls.</p>{line}")
    return f"/{name}.html"


EVIL = '"><img src=x onerror=parent.hurt=1><script>window.hurt=1</script>'


def test_another_site_shows_it_and_talks(place: Place, sites: tuple[Path, str, str], browser: Any) -> None:
    folder, allowed, _ = sites
    label = EVIL.replace("&", "&amp;").replace('"', "&quot;").replace("<", "&lt;")
    path = site(folder, "good", f'<script src="{place.url}web/widget.js" data-twin="maya" data-lang="en" data-label="{label}" async></script>')
    for name, options in (("desktop", {}), ("phone", PHONE | {"color_scheme": "dark"})):
        faults: list[str] = []
        page = page_of(browser, allowed, faults, **options)
        page.goto(allowed + path)
        button = page.get_by_role("button", name="Open the conversation with an AI")
        expect(button).to_be_visible()
        assert "<script>" in button.inner_text() and page.evaluate("() => window.hurt") is None, "a label is text"
        shot(page, f"widget-{name}-button")
        button.click()
        frame = page.frame_locator("iframe")
        expect(frame.locator("#twin-text")).to_be_visible()
        frame.locator("#twin-text").fill("Good morning")
        frame.locator("#twin-text").press("Enter")
        expect(frame.locator(".her .text").last).to_contain_text("So it is")
        shot(page, f"widget-{name}-open")
        box = page.locator("iframe").bounding_box()
        assert box["width"] == 390 if name == "phone" else box["width"] <= 420
        expect(page.get_by_text("cannot be shown here")).to_be_hidden()
        assert page.evaluate("() => localStorage.length") == 0, "nothing is stored in the site around it"
        close = page.get_by_role("button", name="Close", exact=True)
        assert close.bounding_box()["width"] >= 36
        close.click()
        expect(button).to_be_focused()
        page.context_.close()
        assert not [fault for fault in faults if not fault.startswith("left the machine: " + place.url)], faults


def test_in_a_place_of_its_own_and_what_names_nobody(place: Place, sites: tuple[Path, str, str], browser: Any) -> None:
    folder, allowed, _ = sites
    path = site(folder, "in", f'<div id=twin style="height:420px;width:360px"></div><script src="{place.url}web/widget.js" data-twin="{EVIL.replace(chr(34), "&quot;")}" '
                f'data-in="twin" data-lang="zh" async></script>')
    faults: list[str] = []
    page = page_of(browser, allowed, faults)
    page.goto(allowed + path)
    frame = page.frame_locator("#twin iframe")
    expect(frame.locator("#twin-text")).to_be_visible()
    assert "twin=" not in page.frames[1].url and "lang=zh" in page.frames[1].url, "no id of a twin: the server's first"
    shot(page, "widget-in")
    assert page.evaluate("() => window.hurt") is None
    page.context_.close()


def test_a_site_that_is_not_allowed_sees_nothing(place: Place, sites: tuple[Path, str, str], browser: Any) -> None:
    folder, _, other = sites
    path = site(folder, "bad", f'<script src="{place.url}web/widget.js" data-twin="maya" data-lang="en" data-open async></script>')
    said: list[str] = []
    page = page_of(browser, other, [], script="")
    page.on("console", lambda message: said.append(message.text))
    page.clock.install()
    page.goto(other + path)
    page.wait_for_timeout(1500)
    page.clock.fast_forward(13_000)
    expect(page.get_by_text("cannot be shown here")).to_be_visible()
    expect(page.get_by_role("link", name="Open it in a new tab")).to_have_attribute("href", f"{place.url}?twin=maya&lang=en")
    assert any("frame-ancestors" in text for text in said), said
    assert page.frame_locator("iframe").locator("#twin-text").count() == 0
    shot(page, "widget-refused")
    page.context_.close()


def enter(page: Any, name: str, word: str) -> None:
    page.fill("dialog[open] input[name=name]", name)
    page.fill("dialog[open] input[name=password]", word)
    page.locator("dialog[open] button[type=submit]").click()


def account(page: Any) -> Any:
    page.locator(".bar button").last.click()
    return page.locator("dialog[open] .account")


def test_signing_in_on_the_page(place: Place, browser: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """A visitor signs in from the settings; a wrong password and too many are told; a sign-in that ended in the middle of a talk loses nothing; and out."""
    users, faults = place.rooms.door.users, list[str]()
    page = page_of(browser, place.url, faults, fine="status of 4")
    page.goto(place.url + "?lang=en")
    page.wait_for_function("() => window.twin?.live.state === 'open' && document.querySelector('.twin[data-role=visitor]')")
    expect(page.locator(".picker .make")).to_be_hidden()
    page.locator(".side-head .actions button").first.click()
    expect(page.locator("[data-t=copy_all]")).to_be_visible()
    expect(page.locator("[data-t=m_share]")).to_be_hidden()
    page.keyboard.press("Escape")
    account(page).get_by_role("button", name="Sign in").click()
    page.keyboard.press("Tab")
    enter(page, "ada", "nothing like it")
    expect(page.locator("dialog[open] .beside:not([hidden])")).to_contain_text("do not belong together")
    assert page.locator("dialog[open] input[name=name]").input_value() == "ada" and page.locator("dialog[open] input[name=password]").input_value() == ""
    shot(page, "login-wrong")
    for _ in range(5):
        enter(page, "ada", "nothing like it")
        page.wait_for_function("() => !document.querySelector('dialog[open] button[type=submit]').disabled")
    expect(page.locator("dialog[open] .beside:not([hidden])")).to_contain_text("too often")
    place.rooms.door.limits._buckets.clear()
    enter(page, "ada", WORD)
    page.wait_for_function("() => document.querySelector('.twin[data-role=owner]') && !document.querySelector('.sheet[open] input[name=password]')")
    page.keyboard.press("Escape")
    expect(page.locator(".picker .make")).to_be_visible()
    page.locator("#twin-text").fill("The first thing I said")
    page.keyboard.press("Enter")
    page.wait_for_function("() => [...document.querySelectorAll('.her:not(.open) .text')].some((said) => said.innerText.includes('So it is'))")
    conversation = page.evaluate("() => sessionStorage['twin.conversation']")

    page.wait_for_function("() => twin.state() === 'idle' && !twin.player.playing")              # or the next sign of having heard it is refused before the words are
    page.locator("#twin-text").fill("Words that must not be lost")
    users.sign_out({"token": page.evaluate("() => localStorage['twin.token']")})                # as when its line is taken out of the file, or its time is over
    users.visitors = False
    page.keyboard.press("Enter")
    expect(page.locator("dialog[open] .beside:not([hidden])")).to_contain_text("not signed in any more")
    assert page.locator("#twin-text").input_value() == "Words that must not be lost"
    page.keyboard.press("Escape")
    expect(page.locator("dialog[open] input[name=password]")).to_be_visible()
    shot(page, "login-ended")
    enter(page, "ada", WORD)
    page.wait_for_function("() => twin.live.state === 'open' && !document.querySelector('dialog[open]')")
    page.wait_for_function("() => [...document.querySelectorAll('.me .text, .mine .text, .you .text')].some((said) => said.innerText.includes('The first thing'))")
    assert page.evaluate("() => sessionStorage['twin.conversation']") == conversation
    assert page.locator("#twin-text").input_value() == "Words that must not be lost"

    old = page.evaluate("() => localStorage['twin.token']")
    account(page).get_by_role("button", name="Sign out").click()
    expect(page.locator("dialog[open] input[name=password]")).to_be_visible()
    assert not users.stands(place.rooms.door.user({"token": users.sign_in("ada", WORD)})) or users._logins.get(old) is None
    left = page.evaluate("() => JSON.stringify({...localStorage, ...sessionStorage}) + document.querySelector('.twin').innerText + document.querySelector('#twin-text').value")
    assert old not in left and "first thing" not in left and "must not be lost" not in left and conversation not in left
    expect(page.locator("dialog[open] .beside")).to_be_hidden()
    page.context_.close()
    assert not faults, "\n".join(faults)
    for name, query, options in (("zh", "?lang=zh", {}), ("phone", "?lang=en", PHONE | {"color_scheme": "dark"})):
        page = page_of(browser, place.url, faults, fine="status of 4", **options)
        page.goto(place.url + query)
        expect(page.locator("dialog[open] input[name=password]")).to_be_visible()
        enter(page, "ada", "wrong")
        expect(page.locator("dialog[open] .beside:not([hidden])")).to_contain_text("不对" if name == "zh" else "belong together")
        assert page.evaluate("() => document.documentElement.scrollWidth <= innerWidth")
        shot(page, f"login-{name}")
        page.context_.close()
    users.visitors = True
