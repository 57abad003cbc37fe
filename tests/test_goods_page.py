"""A catalogue over HTTP and on the page: handed in, what is wrong in it named by its line, tried, carried along, removed; and spoken of in a talk."""
from __future__ import annotations

import secrets
from datetime import datetime
from types import SimpleNamespace
from urllib.parse import quote

import httpx
import pytest
from conftest import Echo, Tone
from place import Place, watched
from shelves import PHRASE, files
from test_catalogue import SHOP, SHOP_ZH
from test_knowledge_page import shot

from persona.catalogue import FILE, Catalogue
from twin.errors import Refused
from twin.meet import Host
from twin.share import space
from twin.store import bring_in, export
from twin.store.bundle import check
from twin.users import who

ADA, BEA = secrets.token_hex(32), secrets.token_hex(32)
OWNER = {token: who({"token": token}).id for token in (ADA, BEA)}


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    with Place(tmp_path_factory.mktemp("data"), gradio=True, stage=True, think=Echo(["So", "it", "is."]), speak=Tone(pieces=1)) as served:
        yield served


@pytest.fixture
def twin(place):
    made = place.shelf.put(OWNER[ADA], files("Maya") | {"persona.yaml": b"name: Maya\ndescription: A keeper of bees.\nscene: shopping_adviser\n"})
    yield made
    place.shelf.delete(OWNER[ADA], made.id)


@pytest.fixture
def ada(place):
    with httpx.Client(base_url=place.url, headers={"X-Twin-Token": ADA}, timeout=60, trust_env=False) as client:
        yield client


def hand(client, twin, name, data, **headers):
    return client.post(f"twins/{twin.id}/catalogue", content=data, headers={"X-Twin-Name": quote(name), **headers})


def test_it_is_handed_in_tried_and_removed(ada, twin):
    base = f"twins/{twin.id}/catalogue"
    assert ada.get(base).json()["catalogue"] is None
    told = hand(ada, twin, "our shop.csv", SHOP.encode()).json()
    assert told["catalogue"]["goods"] == 5 and told["catalogue"]["name"] == "our shop.csv" and told["catalogue"]["rows"][0]["price"] == {"en": "1249 euros", "zh": "1249欧元"}
    assert [note["en"][:6] for note in told["notes"]] == ["Line 4", "Line 5", "Line 6"] and told["notes"][0]["zh"].startswith("第4行") and told["left"] == 0
    assert ada.get(base).json()["catalogue"] == told["catalogue"]
    found = ada.post(f"{base}/find", json={"text": "something for camping under 10 euros"}).json()
    assert found["found"][0]["name"] == "Tin mug" and "7.50 euros" in found["said"]
    assert ada.post(f"{base}/find", json={"text": "Do you have a violin?"}).json()["found"] == []
    assert hand(ada, twin, "商品.csv", SHOP_ZH.encode()).json()["catalogue"]["goods"] == 3, "another takes its place"
    assert ada.delete(base).json()["catalogue"] is None and not twin.has(FILE)


def test_what_is_no_catalogue_says_so_and_leaves_the_one_before(ada, twin):
    hand(ada, twin, "shop.csv", SHOP.encode())
    for name, data, told in (("shop.xlsx", b"PK\x03\x04 excel", "CSV"), ("notes.csv", b"a,b\n1,2\n", "Line 2"), ("x.json", b"{", "read"), ("x.txt", b"name,price", "CSV"), ("big.csv", b"x" * (2**21 + 10), "")):
        answer = hand(ada, twin, name, data)
        assert answer.status_code >= 400 and told in answer.json()["error"]["message"] + answer.json()["error"]["hint"], name
    assert "另存为" in hand(ada, twin, "shop.xlsx", b"PK\x03\x04", **{"X-Twin-Language": "zh"}).json()["error"]["hint"]
    assert ada.get(f"twins/{twin.id}/catalogue").json()["catalogue"]["goods"] == 5
    assert ada.post(f"twins/{twin.id}/catalogue/find", json={"text": 5}).status_code == 422


def test_nobody_else_has_it(place, ada, twin):
    hand(ada, twin, "shop.csv", SHOP.encode())
    base = f"twins/{twin.id}/catalogue"
    with httpx.Client(base_url=place.url, headers={"X-Twin-Token": BEA}, timeout=60, trust_env=False) as bea:
        for method, path, body in (("GET", base, None), ("POST", base, b"name\nx"), ("DELETE", base, None), ("POST", f"{base}/find", b'{"text": "mug"}')):
            answer = bea.request(method, path, content=body)
            assert answer.status_code == 404 and "mug" not in answer.text
    assert httpx.get(place.url + base, trust_env=False).status_code == 401


def test_it_goes_with_the_twin(place, ada, twin):
    """A bundle, a Space, an edit, a passphrase."""
    hand(ada, twin, "shop.csv", SHOP.encode())
    here = place.shelf.get(OWNER[ADA], twin.id)
    again = bring_in(place.shelf, OWNER[ADA], export(place.shelf, here))
    assert len(Catalogue(again.read(FILE), FILE).goods) == 5
    place.shelf.delete(OWNER[ADA], again.id)
    assert len(Catalogue(space.shown(place.shelf, here, None)[FILE], FILE).goods) == 5
    assert ada.post(f"twins/{twin.id}/edit", json={"name": "Maya", "description": "A keeper of bees.", "scene": "shopping_adviser"}).status_code == 200
    assert ada.get(f"twins/{twin.id}/catalogue").json()["catalogue"]["goods"] == 5
    with pytest.raises(Refused, match="catalogue"):
        check(place.shelf.files(here) | {FILE: b"[]"})
    assert ada.post(f"twins/{twin.id}/lock", json={"passphrase": PHRASE}).status_code == 200
    assert ada.get(f"twins/{twin.id}/catalogue").status_code == 423
    folder = place.shelf.get(OWNER[ADA], twin.id).folder
    assert not any(b"Wool blanket" in path.read_bytes() or path.name == FILE for path in folder.rglob("*") if path.is_file())
    ada.post(f"twins/{twin.id}/unlock", json={"passphrase": PHRASE})
    assert ada.get(f"twins/{twin.id}/catalogue").json()["catalogue"]["goods"] == 5


def test_a_talk_knows_the_goods_that_came_while_it_lasts(place, ada, twin):
    registry = SimpleNamespace(embedder=None, cross=None, settings=SimpleNamespace(folder=lambda name: place.shelf.data / name, say_notice=False), crew=lambda: place.crew)
    mind = Host(registry).converse(place.shelf.get(OWNER[ADA], twin.id), print).mind
    asked = "I'm looking for something for camping"
    assert "Head torch" in mind.answer([], asked, now=datetime(2026, 11, 22), language="en").text, "the samples"
    hand(ada, twin, "shop.csv", SHOP.encode())
    answer = mind.answer([], asked, now=datetime(2026, 11, 22), language="en")
    assert answer.step == "tool" and "Tin mug" in answer.text
    ada.delete(f"twins/{twin.id}/catalogue")
    assert "Head torch" in mind.answer([], asked, now=datetime(2026, 11, 22), language="en").text


# the page --------------------------------------------------------------------------------------------------------------------------------

@pytest.mark.parametrize(("tongue", "size"), [("en", (1100, 860)), ("zh", (390, 800))])
def test_the_goods_in_a_browser(place, twin, tmp_path, tongue, size):
    playwright_api = pytest.importorskip("playwright.sync_api", reason="Playwright is not installed (pip install playwright)")
    from test_page import CALM, CHROMIUM, FLAGS, LOUD
    if CHROMIUM is None:
        pytest.skip("no Chromium here (apt-get install chromium)")
    en = tongue == "en"
    (tmp_path / "shop.csv").write_text(SHOP if en else SHOP_ZH)
    (tmp_path / "none.csv").write_text("a,b\n1,2\n")
    faults: list[str] = []
    with playwright_api.sync_playwright() as play:
        browser = play.chromium.launch(executable_path=CHROMIUM, args=[*FLAGS, LOUD])
        context = browser.new_context(viewport={"width": size[0], "height": size[1]}, locale="en-GB", has_touch=not en, is_mobile=not en)
        context.set_default_timeout(60_000)
        context.add_init_script(f"localStorage.setItem('twin.token', '{ADA}');" + CALM)
        page = watched(context, place.url, faults, fine="status of 4")
        page.goto(place.url + f"?lang={tongue}")
        page.wait_for_function("() => window.twin?.live.state === 'open'")
        page.locator("[aria-haspopup=menu][data-tip=more]").click()
        page.get_by_role("menuitem", name="My twins" if en else "我的分身").click()
        page.locator("dialog[open] .mine [aria-haspopup=menu]").click()
        page.get_by_role("menuitem", name="What it knows" if en else "知识").click()
        page.locator(".know-sheet[open] input[value=goods] + span").click()
        page.locator(".goods-list .none").wait_for()
        shot(page, f"goods-none-{tongue}")
        chooser = page.locator(".know-goods input[type=file]")
        chooser.set_input_files(tmp_path / "none.csv")
        page.locator(".know-sheet .beside").wait_for()
        assert ("Line 2" if en else "第2行") in page.locator(".know-sheet > * .beside, .know-sheet .beside").first.inner_text()
        chooser.set_input_files(tmp_path / "shop.csv")
        page.locator(".goods-table tbody tr").first.wait_for()
        assert page.locator(".goods-table tbody tr").count() == (5 if en else 3) and page.locator(".know-sheet .beside").first.is_hidden()
        if en:
            assert "Line 4" in page.locator(".goods-notes").inner_text()
        page.locator("#goods-wish").fill("something for camping under 10 euros" if en else "露营用的，一百以内")
        page.keyboard.press("Enter")
        page.locator(".know-goods blockquote.sure").wait_for()
        assert ("7.50 euros" if en else "29.90元") in page.locator(".know-goods blockquote p").inner_text()
        assert page.evaluate("() => document.documentElement.scrollWidth") <= size[0]
        wide = page.evaluate("() => { const sheet = document.querySelector('.know-sheet'); return sheet.scrollWidth - sheet.clientWidth }")
        assert wide <= 1
        shot(page, f"goods-{tongue}")
        if en:
            page.evaluate("() => { document.documentElement.dataset.theme = 'dark' }")
            shot(page, "goods-dark")
        page.locator(".goods-head button").click()
        page.locator("dialog[open] button.danger").click()
        page.locator(".goods-list .none").wait_for()
        browser.close()
    assert not faults, "\n".join(faults)
