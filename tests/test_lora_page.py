"""Training an own twin on its person's words, over HTTP and on the page: real chats brought, a tiny real model that learns, paused, switched, forgotten."""
from __future__ import annotations

import secrets
import time
from urllib.parse import quote

import httpx
import pytest
from conftest import Echo, Tone
from place import Place, watched
from shelves import PHRASE, files
from test_lora import NEVER, PLACES, SECRETS, THINGS, base, chat  # noqa: F401 - base is a fixture

from twin.create.lessons import Lessons
from twin.users import who

ADA, BEA = secrets.token_hex(32), secrets.token_hex(32)
OWNER = {token: who({"token": token}).id for token in (ADA, BEA)}


@pytest.fixture(scope="module")
def place(tmp_path_factory, base):  # noqa: F811
    with Place(tmp_path_factory.mktemp("data"), gradio=True, stage=True, think=Echo(["So", "it", "is."]), speak=Tone(pieces=1)) as served:
        served.pupil = lambda: {"base": str(base), "name": "tiny", "capable": False, "languages": ("en",)}
        yield served


@pytest.fixture
def twin(place):
    made = place.shelf.put(OWNER[ADA], files("Nell"))
    yield made
    place.shelf.delete(OWNER[ADA], made.id)


@pytest.fixture
def ada(place):
    with httpx.Client(base_url=place.url, headers={"X-Twin-Token": ADA}, timeout=60, trust_env=False) as client:
        yield client


def said(n: int) -> str:
    return f"Aye, the {THINGS[n % 20]} be in the {PLACES[n % 11]}, so it be, love, number {n}. {SECRETS[n % len(SECRETS)]}"


def bring(client, twin, name: str, data: bytes, speaker: str = "", **headers: str) -> httpx.Response:
    return client.post(f"twins/{twin.id}/words", content=data, headers={"X-Twin-Name": quote(name), "X-Twin-Speaker": quote(speaker), **headers})


def test_words_are_brought_learned_paused_and_switched(place, ada, twin):
    url = f"twins/{twin.id}/words"
    told = ada.get(url).json()
    assert told["state"] == "none" and told["examples"] == 1 and told["pupil"]["name"] == "tiny" and not told["files"]
    few = ada.post(url + "/begin", json={"examples": True})
    assert few.status_code == 422 and few.json()["error"]["code"] == "too-few"
    unclear = bring(ada, twin, "chat.txt", chat(40, said, name="Nelly Kerr"), "").json()
    assert [name for name, _ in unclear.get("speakers", [])] in ([], ["Ana Souza", "Nelly Kerr"], ["Nelly Kerr", "Ana Souza"])
    told = bring(ada, twin, "chat.txt", chat(40, said, name="Nell"), "").json()
    assert told["files"][-1]["exchanges"] > 30 and told["files"][-1]["name"] == "chat.txt"
    assert bring(ada, twin, "chat.txt", chat(40, said), "Rosalind").json()["error"]["code"] == "silent"
    zh = bring(ada, twin, "empty.txt", b"ok", **{"X-Twin-Language": "zh"})
    assert zh.status_code == 422 and "没有可以学" in zh.json()["error"]["message"]
    assert ada.post(url + "/begin", json={"examples": True}).json()["state"] in ("waiting", "running")
    rows = place.shelf.get(OWNER[ADA], twin.id).read("training.jsonl").decode()
    assert not NEVER.search(rows), NEVER.findall(rows)
    paused = ada.post(url + "/pause", json={}).json()
    assert paused["state"] == "paused" and paused["words"]["exchanges"] > 30
    assert ada.post(url + "/resume", json={}).json()["state"] in ("waiting", "running")
    assert ada.post(url + "/stop", json={}).json()["state"] == "none" and ada.post(url + "/switch", json={"on": True}).status_code == 404
    place.shelf.note(OWNER[ADA], twin.id, "adapter.safetensors", b"matrices")              # to its end it goes on the page, below
    assert ada.get(url).json()["learned"] is True
    assert ada.post(url + "/switch", json={"on": False}).json()["on"] is False
    assert ada.post(url + "/switch", json={"public": True}).json()["public"] is True
    assert ada.post(url + "/switch", json={"on": "yes"}).status_code == 422
    assert ada.delete(url).json()["learned"] is False and ada.post(url + "/switch", json={"on": True}).status_code == 404


def test_given_up_nothing_is_left_and_what_cannot_learn_says_so(place, ada, twin):
    url = f"twins/{twin.id}/words"
    bring(ada, twin, "chat.txt", chat(40, said, name="Nell"))
    assert ada.post(url + "/clear", json={}).json()["files"] == []
    bring(ada, twin, "chat.txt", chat(40, said, name="Nell"))
    assert ada.post(url + "/begin", json={"examples": False}).json()["state"] in ("waiting", "running")
    assert ada.post(url + "/stop", json={}).json()["state"] == "none"
    folder = place.shelf.get(OWNER[ADA], twin.id).folder
    assert not list(folder.glob("training*")) and not list(folder.glob("adapter*"))
    assert ada.post(url + "/resume", json={}).status_code == 404
    held, place.pupil = place.pupil, lambda: None
    assert ada.post(url + "/begin", json={}).json()["error"]["code"] == "untaught" and ada.get(url).json()["pupil"] is None
    place.pupil = held


def test_another_user_and_a_locked_twin_have_none_of_it(place, ada, twin):
    url = f"twins/{twin.id}/words"
    bring(ada, twin, "chat.txt", chat(40, said, name="Nell"))
    with httpx.Client(base_url=place.url, headers={"X-Twin-Token": BEA}, timeout=60, trust_env=False) as bea:
        for method, path in (("GET", url), ("POST", url), ("DELETE", url), *(("POST", f"{url}/{verb}") for verb in ("begin", "pause", "resume", "stop", "clear", "switch"))):
            assert bea.request(method, path, content=b"{}").status_code == 404
    assert httpx.get(place.url + url, trust_env=False).status_code == 401
    assert ada.post(f"twins/{twin.id}/lock", json={"passphrase": PHRASE}).status_code == 200
    assert ada.get(url).status_code == 423 and bring(ada, twin, "chat.txt", chat(40, said)).status_code == 423


# the page --------------------------------------------------------------------------------------------------------------------------------

def test_the_sheet_in_a_browser(place, ada, twin, tmp_path):
    playwright_api = pytest.importorskip("playwright.sync_api", reason="Playwright is not installed (pip install playwright)")
    from test_page import CALM, CHROMIUM, COARSE, FLAGS, LOUD
    if CHROMIUM is None:
        pytest.skip("no Chromium here (apt-get install chromium)")
    (tmp_path / "Chat with Nelly.txt").write_bytes(chat(40, said, name="N. Kerr"))
    faults: list[str] = []
    with playwright_api.sync_playwright() as play:
        browser = play.chromium.launch(executable_path=CHROMIUM, args=[*FLAGS, LOUD])
        context = browser.new_context(viewport={"width": 1100, "height": 860}, locale="en-GB", **COARSE)
        context.set_default_timeout(60_000)
        context.add_init_script(f"localStorage.setItem('twin.token', '{ADA}');" + CALM)
        page = watched(context, place.url, faults)
        page.goto(place.url + "?lang=en")
        page.wait_for_function("() => window.twin?.live.state === 'open'")
        page.locator("[aria-haspopup=menu][data-tip=more]").click()
        page.get_by_role("menuitem", name="My twins").click()
        page.locator("dialog[open] .mine [aria-haspopup=menu]").click()
        page.get_by_role("menuitem", name="Train on their words").click()
        sheet = page.locator(".know-sheet[open]")
        begin = sheet.get_by_role("button", name="Train on their words")
        begin.wait_for()
        playwright_api.expect(sheet).to_contain_text("it takes 20")
        playwright_api.expect(begin).to_be_disabled()
        sheet.locator("input[type=file]").set_input_files(tmp_path / "Chat with Nelly.txt")
        sheet.get_by_role("button", name="N. Kerr").click()
        sheet.get_by_text("Chat with Nelly.txt").wait_for()
        shot(page, "brought")
        begin.click()
        sheet.locator("progress").wait_for()
        page.wait_for_function("() => document.querySelector('.know-sheet progress').value > 0", timeout=600_000)
        sheet.get_by_role("button", name="Pause").click()
        sheet.get_by_text("What was learned so far is kept").wait_for()
        sheet.get_by_role("button", name="Go on").click()
        page.wait_for_function("() => document.querySelector('.know-sheet progress').value > 0.1", timeout=600_000)
        shot(page, "running")
        sheet.get_by_role("heading", name="How it went").wait_for(timeout=900_000)
        assert "perplexity" in sheet.inner_text() and sheet.locator(".learn-result tbody tr").count() == 5
        shot(page, "report")
        sheet.get_by_label("Talk like that").uncheck()
        until(lambda: Lessons(place.shelf).told(twin)["on"] is False)
        page.set_viewport_size({"width": 390, "height": 780})
        shot(page, "narrow")
        assert page.evaluate("() => document.documentElement.scrollWidth <= innerWidth")
        page.evaluate("() => document.querySelector('.know-sheet').close()")
        browser.close()
    assert not faults, faults


def until(true, seconds: float = 60.0) -> None:
    end = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < end
        time.sleep(0.1)


def shot(page, name: str) -> None:
    """A picture to look at, where somebody wants to."""
    import os
    if folder := os.environ.get("TWIN_SHOTS"):
        page.screenshot(path=f"{folder}/learn-{name}.png")
