"""The HTTP routes on a real server: what one user leaves, no other can list, open, hear, change or fetch; whatever is wrong is said in a sentence."""
from __future__ import annotations

import asyncio
import contextlib
import hashlib
import http.client
import io
import json
import secrets
import time
import wave

import httpx
import numpy as np
import pytest
from conftest import Tone
from PIL import Image
from place import Place
from shelves import PHRASE, files, webp

from bench.client import Client
from twin import credentials
from twin.users import who

ADA, BEA = secrets.token_hex(32), secrets.token_hex(32)
OWNER = {token: who({"token": token}).id for token in (ADA, BEA)}


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    with Place(tmp_path_factory.mktemp("data"), linger=0.5, speak=Tone(pieces=1)) as served:
        yield served


@pytest.fixture
def ada(place):
    with httpx.Client(base_url=place.url, headers={"X-Twin-Token": ADA}, timeout=60, trust_env=False) as client:
        yield client
        client.delete("/draft")


@pytest.fixture
def bea(place):
    with httpx.Client(base_url=place.url, headers={"X-Twin-Token": BEA}, timeout=60, trust_env=False) as client:
        yield client


def photo() -> bytes:
    from skimage.data import astronaut
    out = io.BytesIO()
    Image.fromarray(astronaut()).save(out, "JPEG", quality=92)
    return out.getvalue()


def error(response) -> dict:
    body = response.json()["error"]
    assert body["message"] and body["hint"] and "Traceback" not in response.text and "/work" not in body["message"]
    return body


def test_every_id_of_one_user_tried_by_the_other(place, ada, bea, tmp_path):
    twin = place.shelf.put(OWNER[ADA], files())
    film = tmp_path / "f.mp4"
    film.write_bytes(b"film")
    from twin.store import Films
    film_id = Films(place.shelf).keep(OWNER[ADA], twin, film)
    ada.post("/draft/persona", json={"name": "Secret"})
    assert ada.get(f"/media/films/{film_id}").content == b"film"
    before = {name: twin.read(name) for name in twin.names()}
    tries = [("GET", f"/twins/{twin.id}/fields"), ("GET", f"/twins/{twin.id}/card.png"), ("DELETE", f"/twins/{twin.id}"), ("POST", f"/twins/{twin.id}/edit"),
             ("POST", f"/twins/{twin.id}/duplicate"), ("POST", f"/twins/{twin.id}/unlock"), ("POST", f"/twins/{twin.id}/lock"),
             ("POST", f"/twins/{twin.id}/bundle"), ("GET", f"/media/films/{film_id}"), ("GET", f"/media/twins/{twin.id}/face/portrait.webp"),
             ("GET", f"/media/twins/{twin.id}/face/rig.json"), ("GET", f"/media/twins/{twin.id}/face/..%2Fconsent.json")]
    for method, path in tries:
        got = bea.request(method, path, json={"passphrase": PHRASE, "name": "Mine"} if method == "POST" else None)
        assert got.status_code == 404, (method, path, got.text)
        bare = httpx.request(method, place.url.rstrip("/") + path, trust_env=False)
        assert bare.status_code in (401, 404) and "Secret" not in bare.text
    assert bea.post(f"/twins/{twin.id}/film", json={"text": "Hello."}).status_code == 404
    assert bea.get("/twins").json() == {"twins": []} and bea.get("/draft").json()["draft"] is None
    assert [card["id"] for card in ada.get("/twins").json()["twins"]] == [twin.id]
    assert {name: twin.read(name) for name in twin.names()} == before
    face = ada.get(f"/media/twins/{twin.id}/face/portrait.webp")
    assert face.content == webp() and face.headers["cache-control"] == "no-store"
    for path in (f"/media/twins/{twin.id}/face/persona.yaml", f"/media/twins/{twin.id}/face/..%2Fpersona.yaml", f"/media/twins/{twin.id}/face/x.webp"):
        assert ada.get(path).status_code == 404
    assert ada.delete(f"/twins/{twin.id}").status_code == 200 and ada.get(f"/media/films/{film_id}").status_code == 404


async def test_the_live_channel_keeps_to_the_same_walls(place):
    twin = place.shelf.put(OWNER[ADA], files())
    async with Client(place.url, token=ADA, twin=twin.id) as client:
        assert client.begin["twin"]["id"] == twin.id and twin.id in [card["id"] for card in client.begin["twins"]]
        await client.turn("hi")
    async with Client(place.url, token=BEA, twin=twin.id, conversation=client.conversation) as client:
        assert client.begin["twin"]["id"] != twin.id and twin.id not in [card["id"] for card in client.begin["twins"]] and not client.begin["history"]
        await client.send({"type": "twin", "id": twin.id})
        assert (await client.until(lambda header, _: header["type"] == "error"))[0]["code"] == "no-twin"
    place.shelf.delete(OWNER[ADA], twin.id)


async def test_deleting_a_twin_that_talks_moves_its_page_to_another(place):
    twin = place.shelf.put(OWNER[ADA], files())
    async with Client(place.url, token=ADA, twin=twin.id) as client:
        await client.turn("hi")
        async with httpx.AsyncClient(base_url=place.url, headers={"X-Twin-Token": ADA}, trust_env=False) as web:
            removed = (await web.delete(f"/twins/{twin.id}")).json()["removed"]
        assert {item["what"]: item["count"] for item in removed} == {"twin": len(files()), "conversations": 1, "memory": 1} and all(item["text"] for item in removed)
        begin, _ = await client.until(lambda header, _: header["type"] == "ready")
        assert begin["twin"]["id"] != twin.id and not begin["history"]
    await asyncio.sleep(0.1)
    assert place.rooms.saved.with_twin(OWNER[ADA], twin.id) == []


async def test_unlocking_ends_with_the_visit(place):
    twin = place.shelf.put(OWNER[ADA], files(), passphrase=PHRASE)
    place.shelf.forget(OWNER[ADA])
    async with httpx.AsyncClient(base_url=place.url, headers={"X-Twin-Token": ADA, "X-Twin-Language": "zh"}, trust_env=False, timeout=30) as web:
        async with Client(place.url, token=ADA, twin=twin.id) as client:
            assert client.begin["twin"]["id"] != twin.id
            await client.send({"type": "twin", "id": twin.id})
            assert (await client.until(lambda header, _: header["type"] == "error"))[0]["code"] == "locked"
            assert (await web.get(f"/media/twins/{twin.id}/face/rig.json")).status_code == 423
            wrong = await web.post(f"/twins/{twin.id}/unlock", json={"passphrase": "not this"})
            assert wrong.status_code == 423 and "口令" in error(wrong)["message"]
            assert not (await web.post(f"/twins/{twin.id}/unlock", json={"passphrase": PHRASE})).json()["twin"]["locked"]
            await client.send({"type": "twin", "id": twin.id})
            assert (await client.until(lambda header, _: header["type"] == "ready"))[0]["twin"]["id"] == twin.id
            await client.turn("my secret words")
        began = time.monotonic()
        while not (await web.get("/twins")).json()["twins"][0]["locked"]:
            await asyncio.sleep(0.1)
            assert time.monotonic() - began < 5, "the visit is over when the page has been gone for a while"
        conversations = place.shelf.data / "conversations"
        assert not [path for path in conversations.rglob("*") if path.is_file() and b"secret" in path.read_bytes()]
        assert (await web.delete(f"/twins/{twin.id}")).status_code == 200


def test_gradios_own_door_for_files_is_shut(tmp_path):
    with Place(tmp_path, gradio=True) as place, httpx.Client(base_url=place.url, headers={"X-Twin-Token": ADA}, timeout=30, trust_env=False) as web:
        for path in ("gradio_api/upload", "upload"):
            assert web.post(path, files={"files": ("face.jpg", photo())}).status_code == 404


async def test_a_reader_that_leaves_before_the_first_line_frees_its_place():
    from twin.wire.progress import stream
    freed = []

    async def steps():
        yield {"step": "never"}                          # pragma: no cover

    async def gone():
        return {"type": "http.disconnect"}

    async def send(message):
        raise OSError("the peer is gone")
    for made in (steps(), iter([{"step": "never"}])):
        response = stream(made, "en", lambda: freed.append(True))
        with contextlib.suppress(BaseException):
            await response({"type": "http", "asgi": {"spec_version": "2.0"}}, gone, send)
    began = time.monotonic()
    while len(freed) < 2 and time.monotonic() - began < 5:
        await asyncio.sleep(0.01)
    assert freed == [True, True]


def test_who_asks_from_where(place, ada):
    for headers in ({}, {"X-Twin-Token": "short"}, {"X-Twin-Token": "g" * 64}):
        bare = httpx.get(place.url + "draft", headers=headers, trust_env=False)
        assert bare.status_code == 401 and error(bare)["code"] == "who"
    for method, path in (("GET", "/draft"), ("POST", "/draft/persona"), ("POST", "/bundle"), ("GET", "/twins")):
        assert error(ada.request(method, path, headers={"Origin": "https://evil.example"}))["code"] == "origin"
    assert ada.get("/draft", headers={"Origin": place.url.rstrip("/")}).status_code == 200
    assert ada.get("/draft", headers={"Origin": "https://listed.example"}).status_code == 200
    assert httpx.get(place.url + "draft?token=" + ADA, trust_env=False).status_code == 401


@pytest.mark.parametrize(("path", "body"), [
    ("/draft/photo", b""), ("/draft/photo", b"just text"), ("/draft/face", b'{"face": 0}'), ("/draft/face", b'{"face": true}'), ("/draft/face", b"[]"),
    ("/draft/face", b'{"points": {"nose": [1]}}'), ("/draft/face", b'{"points": {"nose": [NaN, 1]}}'), ("/draft/voice", b"no sound"), ("/draft/voice", b""),
    ("/draft/ready", b'{"voice": "nobody"}'), ("/draft/hear", b'{"text": 3}'), ("/draft/hear", b"{}"), ("/draft/persona", b"[1]"), ("/draft/persona", b"{"),
    ("/draft/persona", b'{"age": "old"}'), ("/draft/persona", b"[" * 100_000), ("/draft/card", b"no card"), ("/draft/chat", b""),
    ("/draft/consent", b'{"agreed": true}'), ("/draft/consent", b'{"agreed": true, "who": "A", "relation": "self", "for": ["sell"]}'), ("/bundle", b"no bundle"),
    ("/draft/persona", json.dumps({"description": "x" * 5_000_000}).encode())])
def test_what_is_wrong_is_said_in_both_languages_and_changes_nothing(ada, path, body):
    said = []
    for language in ("en", "zh"):
        got = ada.post(path, content=body, headers={"X-Twin-Language": language})
        assert 400 <= got.status_code < 500, got.text
        said.append(error(got)["message"])
    assert said[0] != said[1] or path == "/draft/chat", said
    draft = ada.get("/draft").json()["draft"]
    assert draft is None or (not draft["photo"] and not draft["voice"] and not draft["persona"] and not draft["consent"])


def test_too_much_is_refused_before_it_has_come(place, ada):
    host = place.url.split("/")[2]
    for path, most in (("/draft/photo", 25), ("/draft/voice", 200), ("/bundle", 128), ("/draft/card", 50)):
        began = time.monotonic()
        link = http.client.HTTPConnection(host, timeout=10)
        link.putrequest("POST", path)
        for name, value in (("X-Twin-Token", ADA), ("Content-Length", str(10 << 30))):
            link.putheader(name, value)
        link.endheaders()
        answer = link.getresponse()
        assert answer.status == 413 and str(most) in json.loads(answer.read())["error"]["message"] and time.monotonic() - began < 2
        link.close()

    def endless():
        for _ in range(200):
            yield bytes(1 << 20)
        raise AssertionError("the server took 200 MB")
    try:
        assert ada.post("/draft/photo", content=endless()).status_code == 413
    except httpx.TransportError:                           # it hung up on us, which is right as well
        pass
    assert ada.get("/draft").status_code == 200


def test_a_draft_is_kept_and_thrown_away(place, ada):
    body = ada.post("/draft/persona", json={"name": "Eileen", "facts": ["I flew."]}).json()
    assert body["persona"]["name"] == "Eileen" and set(body["missing"]) == {"photo", "consent"} and body["voice"] is None
    again = ada.get("/draft").json()
    assert again["draft"]["persona"] == body["persona"] and again["statement"]["zh"] and len(again["sentences"]["en"]) == 12 and again["marks"]
    folder = place.drafts.root / OWNER[ADA]
    assert folder.is_dir()
    assert ada.delete("/draft").json() == {} and not folder.exists() and ada.get("/draft").json()["draft"] is None


def test_a_card_and_a_chat_fill_the_form(ada):
    card = {"spec": "chara_card_v2", "spec_version": "2.0", "data": {"name": "Ava", "description": "Ava repairs clocks.", "first_mes": "Tick tock.",
                                                                    "extensions": {"other": 1}}}
    body = ada.post("/draft/card", content=json.dumps(card).encode(), headers={"X-Twin-Name": "ava.json"}).json()
    assert body["persona"]["name"] == "Ava" and isinstance(body["notes"], list)
    chat = "Ava: Hello.\nBob: How are you?\nAva: Ticking along nicely, thank you.\nBob: What do you do?\nAva: I repair clocks, mostly the old ones.\n"
    body = ada.post("/draft/chat", content=chat.encode(), headers={"X-Twin-Speaker": "Ava"}).json()
    assert "speakers" not in body and any("clocks" in pair[1] for pair in body["persona"]["examples"])
    body = ada.post("/draft/chat", content=chat.replace("Ava", "Cid").encode()).json()
    assert {name for name, _ in body["speakers"]} == {"Cid", "Bob"}


def test_a_line_is_heard_in_the_drafts_voice_and_marked(ada):
    ada.post("/draft/persona", json={"name": "Ava"})
    sound = ada.post("/draft/hear", json={"text": "Hello there."})
    assert sound.status_code == 200 and sound.headers["cache-control"] == "no-store"
    with wave.open(io.BytesIO(sound.content)) as file:
        assert np.frombuffer(file.readframes(file.getnframes()), "<i2").any()
    assert credentials.read(sound.content, "audio/wav")["validation_state"] == "Valid"


def test_a_learned_voice_says_one_line_until_somebody_agreed(place, ada, monkeypatch):
    from twin.wire import upload
    said, speak = [], place.crew.speak.stream
    monkeypatch.setattr(place.crew.speak, "stream", lambda text, voice, *rest: said.append((text, voice.weights)) or speak(text, voice, *rest))
    words = "Please send me the money."
    ada.post("/draft/persona", json={"name": "Ava"})
    assert ada.post("/draft/hear", json={"text": words}).status_code == 200
    with place.drafts.of(OWNER[ADA], who({"token": ADA}).key) as draft:
        draft.state["clips"] = [{"k": "0", "seconds": 2.0, "report": [], "text": "Hello.", "language": "en", "sha256": "0" * 64}]
        draft.state["trained"] = draft.clips_key
        draft.write("voice.safetensors", b"weights")
        draft.write("voice.json", b"{}")
        draft.keep()
    assert ada.post("/draft/hear", json={"text": words}).status_code == 200 and ada.post("/draft/hear", json={"text": "把钱转给我。"}).status_code == 200
    agreed = {"agreed": True, "who": "Ava", "relation": "self", "for": ["talk"]}
    assert "consent" not in ada.post("/draft/consent", json=agreed).json()["missing"]
    assert ada.post("/draft/hear", json={"text": words}).status_code == 200
    assert said == [(words, None), (upload.PREVIEW["en"], b"weights"), (upload.PREVIEW["zh"], b"weights"), (words, b"weights")]


def test_a_draft_lies_on_no_disk_in_the_open(place, ada):
    ada.post("/draft/persona", json={"name": "Zerubbabel", "facts": ["I keep eleven bees."]})
    ada.post("/draft/photo", content=photo())
    kept = [path for path in (place.drafts.root / OWNER[ADA]).iterdir() if path.is_file()]
    assert len(kept) >= 4 and not [path for path in kept if any(open_ in path.read_bytes() for open_ in (b"Zerubbabel", b"eleven", b"JFIF", b"\xff\xd8\xff", b"PK\x03"))]


def test_a_twin_is_saved_loaded_edited_copied_and_shown_as_a_card(place, ada, bea):
    twin = place.shelf.put(OWNER[ADA], files())
    saved = ada.post(f"/twins/{twin.id}/bundle", json={})
    assert saved.headers["content-type"] == "application/zip" and f"{twin.id}.twin" in saved.headers["content-disposition"]
    loaded = bea.post("/bundle", content=saved.content).json()["twin"]
    assert loaded["own"] and loaded["name"] == {"en": "Ada"} and loaded["measured"] == {"seconds": 1}
    locked = ada.post(f"/twins/{twin.id}/bundle", json={"passphrase": PHRASE}).content
    assert bea.post("/bundle", content=locked).status_code == 423
    assert bea.post("/bundle", content=locked, headers={"X-Twin-Passphrase": PHRASE.replace(" ", "%20")}).status_code == 200
    fields = ada.get(f"/twins/{twin.id}/fields").json()
    assert fields["fields"]["facts"] == ["I keep eleven bees."] and fields["consent"]["who"] == "Ada Lovelace"
    edited = ada.post(f"/twins/{twin.id}/edit", json={"name": "Ada the second", "examples": [["Who are you?", "A keeper of bees."]]}).json()["twin"]
    assert edited["id"] == twin.id and edited["name"] == {"en": "Ada the second"} and edited["measured"]["persona"]["examples"] == 1
    wrong = ada.post(f"/twins/{twin.id}/edit", json={"name": ""})
    assert wrong.status_code == 422 and error(wrong)["field"] == "name"
    assert place.shelf.get(OWNER[ADA], twin.id).read("consent.json") == files()["consent.json"]
    copy = ada.post(f"/twins/{twin.id}/duplicate", json={}).json()["twin"]
    assert copy["id"] != twin.id and copy["name"] == edited["name"]
    from persona import character_card
    card = ada.get(f"/twins/{twin.id}/card.png")
    assert character_card.read(card.content).fields["name"] == "Ada the second" and credentials.read(card.content, "image/png")["validation_state"] == "Valid"
    for client in (ada, bea):
        for each in client.get("/twins").json()["twins"]:
            assert client.delete(f"/twins/{each['id']}").status_code == 200
    assert not [path for path in (place.shelf.data / "twins").rglob("*") if path.is_file()]


def test_a_photo_becomes_a_twin_and_a_film_over_http(place, ada, bea):
    body = ada.post("/draft/photo", content=photo()).json()
    assert body["photo"]["chosen"] == 0 and body["photo"]["preview"].startswith("data:image/jpeg") and body["photo"]["report"] and body["photo"]["faces"][0]["thumb"]
    ada.post("/draft/persona", json={"name": "Eileen", "gender": "female"})
    lines = ada.post("/draft/build").text.splitlines()
    assert json.loads(lines[-1])["error"]["code"] == "no-consent" and ada.get("/twins").json()["twins"] == []
    ada.post("/draft/consent", json={"agreed": True, "who": "A tester", "relation": "permission", "for": ["talk"]})
    moved = ada.post("/draft/photo", content=photo() + b"\0").json()
    assert "consent" in moved["missing"], "it was given over another picture"
    ada.post("/draft/consent", json={"agreed": True, "who": "A tester", "relation": "permission", "for": ["talk"]})
    with ada.stream("POST", "/draft/build") as steps:
        for count, _ in enumerate(steps.iter_lines()):
            if count == 2:
                break                                    # the person goes back in the middle
    began = time.monotonic()
    assert ada.get("/draft").json()["draft"]["missing"] == [] and ada.get("/twins").json()["twins"] == [] and time.monotonic() - began < 15
    lines = [json.loads(line) for line in ada.post("/draft/build").text.splitlines()]
    done = [line["done"] for line in lines[:-1]]
    assert done == sorted(done) and done[-1] == 1.0 and all(line["note"]["en"] and line["note"]["zh"] for line in lines[:-1])
    twin = lines[-1]["twin"]
    assert ada.get("/draft").json()["draft"] is None and not (place.drafts.root / OWNER[ADA]).exists()
    for name in ("portrait.webp", "background.webp", "eyes.webp", "iris.webp", "mouth.webp", "depth.webp", "rig.json"):
        assert ada.get(twin["face"] + name).status_code == 200
    refused = ada.post(f"/twins/{twin['id']}/film", json={"text": "Hello."}).text.splitlines()
    assert json.loads(refused[-1])["error"]["code"] == "consent-for", "the consent was for talking alone"
    film = json.loads(ada.post("/twins/maya/film", json={"text": "Hello.", "aspect": "1:1"}).text.splitlines()[-1])
    got = ada.get(f"/media/films/{film['film']}")
    assert got.headers["content-type"] == "video/mp4" and got.headers["cache-control"] == "no-store" and bea.get(f"/media/films/{film['film']}").status_code == 404
    assert credentials.read(got.content, "video/mp4")["validation_state"] == "Valid"
    assert ada.delete(f"/twins/{twin['id']}").status_code == 200


async def test_a_twin_for_films_alone_does_not_talk(place):
    from twin.trust import consent
    record = json.dumps(consent("Ada", "self", ["film"], {"photo": "0" * 64})).encode()
    twin = place.shelf.put(OWNER[ADA], files() | {"consent.json": record})
    async with Client(place.url, token=ADA, twin=twin.id) as client:
        assert client.begin["twin"]["id"] != twin.id
        await client.send({"type": "twin", "id": twin.id})
        assert (await client.until(lambda header, _: header["type"] == "error"))[0]["code"] == "consent-for"
    place.shelf.delete(OWNER[ADA], twin.id)


def test_a_damaged_lock_can_still_be_deleted(place, ada):
    twin = place.shelf.put(OWNER[ADA], files(), passphrase=PHRASE)
    (twin.folder / "sealed.json").write_text("{")
    assert ada.get("/twins").json()["twins"] == [] and ada.delete(f"/twins/{twin.id}").status_code == 200 and not twin.folder.exists()


def test_a_trickle_holds_no_place(place, ada, monkeypatch):
    monkeypatch.setattr("twin.wire.answers.PATIENCE", 0.6)

    def drops():
        for _ in range(100):
            time.sleep(0.1)
            yield b"x"
    began = time.monotonic()
    try:
        assert error(ada.post("/draft/photo", content=drops()))["code"] == "late"
    except httpx.TransportError:
        pass
    assert time.monotonic() - began < 5


def test_a_shared_server_without_a_key_takes_nothing(tmp_path, monkeypatch):
    monkeypatch.delenv("TWIN_KEY", raising=False)
    with Place(tmp_path, shared=True) as place, httpx.Client(base_url=place.url, headers={"X-Twin-Token": ADA}, trust_env=False) as web:
        for method, path in (("POST", "/draft/photo"), ("POST", "/draft/voice"), ("POST", "/bundle"), ("POST", "/draft/build"), ("GET", "/draft")):
            got = web.request(method, path, content=b"x" if method == "POST" else None)
            if path == "/draft/build":
                assert "TWIN_KEY" in got.text
            else:
                assert got.status_code == 403 and error(got)["code"] == "no-key"
    monkeypatch.setenv("TWIN_KEY", hashlib.sha256(b"key").hexdigest())
    with Place(tmp_path, shared=True) as place, httpx.Client(base_url=place.url, headers={"X-Twin-Token": ADA}, trust_env=False) as web:
        web.post("/draft/persona", json={"name": "Secret name"})
        assert web.get("/draft").json()["draft"]["persona"]["name"] == "Secret name"
        assert not [path for path in tmp_path.rglob("*") if path.is_file() and b"Secret name" in path.read_bytes()]


def test_nothing_of_anybody_goes_into_the_log(place, ada, caplog):
    import logging
    with caplog.at_level(logging.DEBUG, logger="twin"):
        ada.post("/draft/persona", json={"name": "Zerubbabel"})
        ada.post("/draft/consent", json={"agreed": True, "who": "Zerubbabel", "relation": "self", "for": ["talk"]})
        ada.post("/draft/build")
        ada.post("/draft/photo", content=b"Zerubbabel")
    assert "Zerubbabel" not in caplog.text and ADA not in caplog.text
