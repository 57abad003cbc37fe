"""What an own twin knows, over HTTP and on the page: real documents added, tried, kept private and removed; the map drawn from them."""
from __future__ import annotations

import json
import secrets
import time
from datetime import datetime
from urllib.parse import quote

import httpx
import pytest
from conftest import Echo, Tone
from place import Place, watched
from shelves import PHRASE, files
from test_documents import GUIDE, GUIDE_ZH, pdf, word
from test_extract import TEXT as MUSEUM
from test_server import process, url  # noqa: F401

from persona.documents import FILE, Library
from twin.meet import Host
from twin.share import space
from twin.store import bring_in, export
from twin.store.bundle import check
from twin.think.server import ServerReader
from twin.users import who

ADA, BEA = secrets.token_hex(32), secrets.token_hex(32)
OWNER = {token: who({"token": token}).id for token in (ADA, BEA)}
FAMILY = """<h1>The family</h1><p>Rafael Silva works at the Harbour Bakery and lives in Porto. His wife Ana teaches mathematics. She works at Saint Mary School.
The Harbour Bakery was founded in 1921 by Teresa Costa.</p><p>Ida is married to Paul. Paul&lt;img src=x onerror=alert(1)&gt; lives in Faro.</p>"""


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    with Place(tmp_path_factory.mktemp("data"), gradio=True, stage=True, think=Echo(["So", "it", "is."]), speak=Tone(pieces=1)) as served:
        yield served


@pytest.fixture
def twin(place):
    made = place.shelf.put(OWNER[ADA], files("Maya"))
    yield made
    place.shelf.delete(OWNER[ADA], made.id)


@pytest.fixture
def ada(place):
    with httpx.Client(base_url=place.url, headers={"X-Twin-Token": ADA}, timeout=60, trust_env=False) as client:
        yield client


def bring(client, twin, name, data, **headers):
    """The lines that adding a document answers with."""
    answer = client.post(f"twins/{twin.id}/knowledge", content=data, headers={"X-Twin-Name": quote(name), **headers})
    return [json.loads(line) for line in answer.text.splitlines() if line.strip()]


def test_documents_are_added_listed_tried_and_removed(ada, twin):
    *steps, last = bring(ada, twin, "harbour guide.md", GUIDE.encode())
    assert [line["done"] for line in steps] == sorted(line["done"] for line in steps) and steps[0]["note"]["zh"]
    assert last["document"]["title"] == "The Harbour Museum" and last["document"]["passages"] >= 3
    bring(ada, twin, "海港指南.txt", GUIDE_ZH.encode("gb18030"))
    bring(ada, twin, "handbook.docx", word())
    bring(ada, twin, "lights.pdf", pdf(["The lighthouse was built in 1854 by Thomas Reed.\nIt is 40 metres tall."]))
    listed = ada.get(f"twins/{twin.id}/knowledge").json()
    assert [one["kind"] for one in listed["documents"]] == ["md", "txt", "docx", "pdf"] and listed["passages"] == sum(one["passages"] for one in listed["documents"])
    best = ada.post(f"twins/{twin.id}/knowledge/find", json={"text": "How tall is the lighthouse?"}).json()["passages"][0]
    assert best["said"] and "40 metres" in best["best"] and best["page"] == 1 and best["source"] == "Lights"
    assert "28 days" in ada.post(f"twins/{twin.id}/knowledge/find", json={"text": "How many days of holiday do I get?"}).json()["passages"][0]["best"]
    own = listed["documents"][3]["id"]
    shown = ada.get(f"twins/{twin.id}/knowledge/{own}").json()
    assert "lighthouse" in shown["passages"][0]["text"] and shown["passages"][0]["page"] == 1
    assert [one["kind"] for one in ada.delete(f"twins/{twin.id}/knowledge/{own}").json()["documents"]] == ["md", "txt", "docx"]
    assert ada.delete(f"twins/{twin.id}/knowledge/{own}").status_code == 404


def test_what_cannot_be_read_says_so_and_leaves_nothing(ada, twin):
    for name, data, code in (("scan.pdf", pdf(["", ""]), "scan"), ("x.pdf", b"no pdf at all", "no-document"), ("empty.txt", b"", "empty")):
        last = bring(ada, twin, name, data)[-1]
        assert last["error"]["code"] == code and last["error"]["hint"]
    zh = bring(ada, twin, "scan.pdf", pdf(["", ""]), **{"X-Twin-Language": "zh"})[-1]
    assert "扫描" in zh["error"]["message"]
    assert ada.get(f"twins/{twin.id}/knowledge").json()["documents"] == [] and not twin.has(FILE)
    assert ada.post(f"twins/{twin.id}/knowledge/find", json={"text": 5}).status_code == 422
    assert ada.post(f"twins/{twin.id}/knowledge/000000000000", json={"private": "yes"}).status_code == 422


def test_another_user_has_none_of_it(place, ada, twin):
    own = bring(ada, twin, "guide.md", GUIDE.encode())[-1]["document"]["id"]
    base = f"twins/{twin.id}/knowledge"
    with httpx.Client(base_url=place.url, headers={"X-Twin-Token": BEA}, timeout=60, trust_env=False) as bea:
        for method, path, body in (("GET", base, None), ("POST", base, b"x"), ("GET", f"{base}/{own}", None), ("POST", f"{base}/{own}", b'{"private": true}'),
                                   ("DELETE", f"{base}/{own}", None), ("POST", f"{base}/find", b'{"text": "hours"}'), ("GET", f"twins/{twin.id}/graph", None)):
            answer = bea.request(method, path, content=body)
            assert answer.status_code == 404 and "Harbour" not in answer.text
    assert httpx.get(place.url + base, trust_env=False).status_code == 401


def test_the_graph_has_the_sentences_it_was_read_in(ada, twin):
    bring(ada, twin, "family.html", FAMILY.encode())
    graph = ada.get(f"twins/{twin.id}/graph").json()
    names = {node["id"]: node["name"] for node in graph["nodes"]}
    told = {(names[edge["from"]], edge["relation"], names[edge["to"]]): edge for edge in graph["edges"]}
    assert told["Rafael Silva", "married_to", "Ana"]["sentence"] == "His wife Ana teaches mathematics."
    assert told["Teresa Costa", "founded", "Harbour Bakery"]["source"] == "Family" and ("Ana", "works_at", "Saint Mary School") in told
    found = ada.post(f"twins/{twin.id}/knowledge/find", json={"text": "Where does Rafael's wife work?"}).json()["passages"][0]
    assert found["said"] and "Saint Mary School" in found["best"]


def test_it_travels_in_a_bundle_and_a_space_and_what_is_private_stays(place, ada, twin):
    bring(ada, twin, "guide.md", GUIDE.encode())
    own = bring(ada, twin, "family.html", FAMILY.encode())[-1]["document"]["id"]
    assert ada.post(f"twins/{twin.id}/knowledge/{own}", json={"private": True}).json()["documents"][1]["private"] is True
    here = place.shelf.get(OWNER[ADA], twin.id)
    again = bring_in(place.shelf, OWNER[ADA], export(place.shelf, here))
    assert [one.title for one in Library(data=again.read(FILE)).documents] == ["The Harbour Museum", "Family"]
    place.shelf.delete(OWNER[ADA], again.id)
    shown = space.shown(place.shelf, here, None)
    assert [one.title for one in Library(data=shown[FILE]).documents] == ["The Harbour Museum"] and b"Rafael" not in shown[FILE]
    edited = ada.post(f"twins/{twin.id}/edit", json={"name": "Maya", "description": "A keeper of bees."})
    assert edited.status_code == 200 and len(ada.get(f"twins/{twin.id}/knowledge").json()["documents"]) == 2
    from twin.errors import Refused
    with pytest.raises(Refused):
        check(place.shelf.files(here) | {FILE: b"PK no zip"})


def test_behind_a_passphrase_no_word_lies_open(place, ada, twin):
    bring(ada, twin, "guide.md", GUIDE.encode())
    assert ada.post(f"twins/{twin.id}/lock", json={"passphrase": PHRASE}).status_code == 200
    assert ada.get(f"twins/{twin.id}/knowledge").status_code == 423
    folder = place.shelf.get(OWNER[ADA], twin.id).folder
    assert not any(b"Whitfield" in path.read_bytes() or path.name == FILE for path in folder.rglob("*") if path.is_file())
    ada.post(f"twins/{twin.id}/unlock", json={"passphrase": PHRASE})
    assert ada.get(f"twins/{twin.id}/knowledge").json()["documents"][0]["title"] == "The Harbour Museum"
    bring(ada, twin, "two.txt", b"Cats sleep in the boathouse.")
    assert {path.name for path in folder.glob("documents*")} == {FILE + ".sealed"}


def test_a_talk_knows_what_was_added_while_it_lasts(place, ada, twin):
    from types import SimpleNamespace
    registry = SimpleNamespace(embedder=None, cross=None, settings=SimpleNamespace(folder=lambda name: place.shelf.data / name, say_notice=False), crew=lambda: place.crew)
    host = Host(registry)
    mind = host.converse(place.shelf.get(OWNER[ADA], twin.id), print).mind
    asked = "Who founded the museum?"
    assert mind.answer([], asked, now=datetime(2026, 11, 22), language="en").step != "document"
    bring(ada, twin, "guide.md", GUIDE.encode())
    answer = mind.answer([], asked, now=datetime(2026, 11, 22), language="en")
    assert answer.step == "document" and "Clara Whitfield" in answer.text and "Harbour Museum" in answer.text


def test_a_model_server_reads_relations_where_one_asks_for_it(place, ada, twin, url, monkeypatch):  # noqa: F811
    base = f"twins/{twin.id}/knowledge"
    assert ada.get(base).json()["reader"] is None
    monkeypatch.setattr(place, "reader", lambda: ServerReader(f"{url}/v1#json-schema"))
    assert ada.get(base).json()["reader"] == {"host": url.removeprefix("http://"), "here": True}
    bring(ada, twin, "museum.txt", MUSEUM.encode())
    assert httpx.get(f"{url}/seen").json()["asked"] == 0, "nothing goes there unasked"
    last = bring(ada, twin, "museum.txt", MUSEUM.encode(), **{"X-Twin-Model": "1"})[-1]
    assert last["document"]["relations"] == 3 and not last["notes"] and httpx.get(f"{url}/seen").json()["asked"] == 1
    graph = ada.get(f"twins/{twin.id}/graph").json()
    assert "To everybody's surprise it was Clara Whitfield who got the museum going." in [edge["sentence"] for edge in graph["edges"]]
    monkeypatch.setattr(place, "reader", lambda: ServerReader(f"{url}/v1#json-refuses"))
    last = bring(ada, twin, "museum.txt", MUSEUM.encode(), **{"X-Twin-Model": "1"})[-1]
    assert last["document"]["relations"] == 1 and "rules alone" in last["notes"][0]["en"] and "按规则" in last["notes"][0]["zh"]


# the page --------------------------------------------------------------------------------------------------------------------------------

def test_the_panel_in_a_browser(place, twin, tmp_path, url, monkeypatch):  # noqa: F811
    playwright_api = pytest.importorskip("playwright.sync_api", reason="Playwright is not installed (pip install playwright)")
    from test_page import CALM, CHROMIUM, COARSE, FLAGS, LOUD
    if CHROMIUM is None:
        pytest.skip("no Chromium here (apt-get install chromium)")
    (tmp_path / "family.html").write_text(FAMILY)
    (tmp_path / "scan.pdf").write_bytes(pdf(["", ""]))
    (tmp_path / "海港指南.txt").write_text(GUIDE_ZH)
    faults: list[str] = []
    monkeypatch.setattr(place, "reader", lambda: ServerReader(f"{url}/v1#json-schema"))
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
        page.get_by_role("menuitem", name="What it knows").click()
        page.wait_for_selector(".know-sheet[open]")
        chooser = page.locator(".know-docs input[type=file]")
        playwright_api.expect(page.locator(".know-model input"), "the server runs here").to_be_checked()
        assert url.removeprefix("http://") in page.locator(".know-model").inner_text(), "the server runs here"
        page.locator(".know-model input").uncheck()
        chooser.set_input_files([tmp_path / "family.html", tmp_path / "海港指南.txt"])
        page.wait_for_selector(".know-list li:nth-child(2)")
        assert page.locator(".know-list b").all_inner_texts() == ["Family", "海港指南"] and httpx.get(f"{url}/seen").json()["asked"] == 0
        chooser.set_input_files(tmp_path / "scan.pdf")
        page.get_by_text("pictures of pages").wait_for()
        page.locator("#know-question").fill("Where does Rafael's wife work?")
        page.keyboard.press("Enter")
        page.get_by_text("It would say this").wait_for()
        assert "Saint Mary School" in page.locator(".know-found p").inner_text()
        page.locator(".know-list .know-switch input").first.check()
        end = time.monotonic() + 20
        while not Library(data=place.shelf.get(OWNER[ADA], twin.id).read(FILE)).documents[0].private:
            assert time.monotonic() < end
            time.sleep(0.1)
        shot(page, "docs")
        page.locator(".know-name").first.click()
        page.get_by_text("He lives", exact=False).or_(page.get_by_text("works at the Harbour Bakery")).first.wait_for()
        assert page.locator(".know-text img").count() == 0         # text stays text
        shot(page, "text")
        page.keyboard.press("Escape")
        page.locator(".know-sheet input[value=map] + span").click()
        page.wait_for_selector(".know-svg .node")
        node = page.locator(".know-svg .node", has_text="Rafael Silva")
        node.focus()
        page.keyboard.press("Enter")
        page.locator(".know-told q", has_text="His wife Ana teaches mathematics.").first.wait_for()
        assert page.locator(".know-told img").count() == 0
        shot(page, "map")
        page.keyboard.press("ArrowRight")
        assert page.evaluate("document.activeElement.classList.contains('node')")
        page.evaluate("() => { document.documentElement.dataset.theme = 'dark' }")
        page.set_viewport_size({"width": 390, "height": 800})
        shot(page, "map-phone-dark")
        page.locator(".know-sheet input[value=docs] + span").click()
        shot(page, "docs-phone-dark")
        page.locator(".know-list button[data-tip=know_remove]").first.click()
        page.locator("dialog[open] button.danger").click()
        page.wait_for_function("() => document.querySelectorAll('.know-list li b').length === 1")
        browser.close()
    faults = [fault for fault in faults if "404" not in fault]
    assert not faults, "\n".join(faults)


def shot(page, name):
    """A picture for whoever changes the panel: TWIN_SHOTS names the folder."""
    import os
    if folder := os.environ.get("TWIN_SHOTS"):
        page.wait_for_timeout(300)
        page.screenshot(path=f"{folder}/{name}.png")
