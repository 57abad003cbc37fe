"""For programs: /api/*, gradio_client's endpoints, the OpenAPI document against what is really served, and the example client."""
from __future__ import annotations

import base64
import io
import json
import re
import secrets
import subprocess
import sys
import time
import wave

import httpx
import pytest
from conftest import ROOT, Echo, Tone
from place import Place
from shelves import PHRASE, files
from starlette.routing import Route

from twin import credentials
from twin.users import who
from twin.wire.openapi import ANYONE, BODIES

ADA, BEA = secrets.token_hex(32), secrets.token_hex(32)
WORDS = ["Four", "words", "it", "says."]
SAID = " ".join(WORDS)


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    with Place(tmp_path_factory.mktemp("data"), gradio=True, think=Echo(WORDS), speak=Tone(pieces=1)) as served:
        yield served


@pytest.fixture
def ada(place):
    with httpx.Client(base_url=place.url, headers={"X-Twin-Token": ADA}, timeout=60, trust_env=False) as client:
        yield client


@pytest.fixture
def bea(place):
    with httpx.Client(base_url=place.url, headers={"X-Twin-Token": BEA}, timeout=60, trust_env=False) as client:
        yield client


def seconds(data: bytes) -> float:
    with wave.open(io.BytesIO(data)) as sound:
        return sound.getnframes() / sound.getframerate()


def test_a_question_and_its_answer(place, ada, bea):
    told = ada.post("/api/talk", json={"twin": "maya", "text": "  hi\x00 ", "sound": "wav"}).json()
    assert told["reply"] == SAID and told["step"] == "model" and told["twin"] == "maya" and told["language"] == "en" and "sound" in told["times"]
    sound = base64.b64decode(told["sound"])
    assert seconds(sound) > 0.3 and credentials.read(sound, "audio/wav")["validation_state"] == "Valid"
    again = ada.post("/api/talk", json={"twin": "maya", "text": "and then", "conversation": told["conversation"]}).json()
    assert again["conversation"] == told["conversation"] and "sound" not in again
    saved = place.rooms.saved.load(who({"token": ADA}).id, told["conversation"])
    assert [m["content"] for m in saved.history if m["role"] == "user"] == ["hi", "and then"]
    assert bea.post("/api/talk", json={"twin": "maya", "text": "x", "conversation": told["conversation"]}).json()["error"]["code"] == "missing"
    lines = [json.loads(line) for line in ada.post("/api/talk", json={"twin": "maya", "text": "hi", "stream": True}).text.splitlines()]
    assert [line["type"] for line in lines][-1] == "reply" and "".join(line["text"] for line in lines if line["type"] == "token").strip() == lines[-1]["reply"]
    assert place.rooms.speaking.taken == 0


def test_own_twins_and_those_of_others(place, ada, bea):
    twin = place.shelf.put(who({"token": ADA}).id, files())
    locked = place.shelf.put(who({"token": ADA}).id, files("Locked"), passphrase=PHRASE)
    place.shelf.forget(who({"token": ADA}).id)
    assert {card["id"] for card in ada.get("/api/twins").json()["twins"]} >= {"maya", twin.id, locked.id}
    assert twin.id not in [card["id"] for card in bea.get("/api/twins").json()["twins"]]
    scenes = {own["id"]: own for own in ada.get("/api/scenes", headers={"x-twin-language": "zh"}).json()["scenes"]}
    assert scenes["museum_guide"]["template"]["tagline"] == "博物馆讲解员" and scenes["shopping_adviser"]["catalogue"] and not scenes["teacher"]["catalogue"]
    assert ada.post("/api/talk", json={"twin": twin.id, "text": "hi"}).json()["reply"]
    sound = ada.post("/api/say", json={"twin": twin.id, "text": "Good morning."})
    assert sound.headers["content-type"] == "audio/wav" and float(sound.headers["x-twin-seconds"]) == pytest.approx(seconds(sound.content), abs=0.01)
    for path in ("/api/say", "/api/talk"):
        assert bea.post(path, json={"twin": twin.id, "text": "hi"}).status_code == 404
        assert ada.post(path, json={"twin": locked.id, "text": "hi"}).status_code == 423
        assert httpx.post(place.url + path[1:], json={"twin": "maya", "text": "hi"}, trust_env=False).status_code == 401
    for name in (twin.id, locked.id):
        place.shelf.delete(who({"token": ADA}).id, name)


@pytest.mark.parametrize("body", [b"{", b"[]", b'{"twin": 1, "text": "x"}', b'{"twin": "maya"}', b'{"twin": "maya", "text": 3}', b'{"twin": "maya", "text": ""}',
                                  b'{"twin": "../maya", "text": "x"}', b'{"twin": "maya", "text": "x", "conversation": "../../x"}',
                                  b'{"twin": "maya", "text": "' + b"x" * 5000 + b'"}'])
def test_what_is_wrong_is_said(place, ada, body):
    for path in ("/api/say", "/api/talk"):
        got = ada.post(path, content=body)
        if path == "/api/say" and b"conversation" in body:
            continue
        assert 400 <= got.status_code < 500 and got.json()["error"]["message"], (path, body, got.text)


def test_creating_by_program_says_what_is_missing(place, ada):
    def last(**asked):
        return json.loads(ada.post("/api/create", json=asked).text.splitlines()[-1])["error"]["code"]
    assert last() == "bad-field" and last(photo="not base64!", persona={}, consent={}) == "bad-field"
    picture = base64.b64encode(b"no picture").decode()
    assert last(photo=picture, persona={"name": "Ada"}, consent={"agreed": True}) not in ("failed", "bad-field")
    assert last(photo=picture, persona=[], consent={}) == "bad-field" and last(photo=picture, persona={}, consent={}, voices="x") == "bad-field"
    end = time.monotonic() + 5
    while place.rooms.building.taken and time.monotonic() < end:
        time.sleep(0.02)
    assert place.rooms.building.taken == 0 and not list(place.shelf.data.glob("twins/*/*"))


@pytest.fixture(scope="module")
def client(place):
    from gradio_client import Client
    return Client(place.url, headers={"X-Twin-Token": ADA}, verbose=False)


def test_gradios_client_talks_and_says(place, client):
    from gradio_client.exceptions import AppError
    told = client.view_api(return_format="dict", print_info=False)["named_endpoints"]
    assert set(told) == {"/say", "/talk", "/create", "/film"} and all(told[name]["description"] for name in told)
    reply = client.predict("maya", "hi", api_name="/talk")
    assert reply["reply"] == SAID
    words = [step["text"] for step in client.submit("maya", "hi", conversation=reply["conversation"], api_name="/talk") if step["type"] == "token"]
    assert "".join(words).strip() == reply["reply"]
    assert seconds(base64.b64decode(client.predict("maya", "Good morning.", api_name="/say")["sound"])) > 0.3
    with pytest.raises(AppError, match="no such twin"):
        client.predict("nobody", "hi", api_name="/talk")
    got = httpx.post(f"{place.url}gradio_api/run/say", json={"data": ["nobody", "hi", ""]}, headers={"X-Twin-Token": ADA}, trust_env=False)
    assert got.status_code == 404 and "no such twin" in got.json()["error"], "what was foreseen is no fault of the server"
    from gradio_client import Client
    with pytest.raises(AppError, match="who it is"):
        Client(place.url, verbose=False).predict("maya", "hi", api_name="/talk")


def test_gradios_client_makes_a_twin_and_a_film(place, client, ada):
    from PIL import Image
    from skimage.data import astronaut
    out = io.BytesIO()
    Image.fromarray(astronaut()[:300, 60:360]).save(out, "JPEG", quality=92)
    steps = list(client.submit(base64.b64encode(out.getvalue()).decode(), {"name": "Eileen", "description": "An astronaut."},
                               {"agreed": True, "who": "Eileen", "relation": "self", "for": ["talk", "film"]}, api_name="/create"))
    assert [step["done"] for step in steps[:-1]] == sorted(step["done"] for step in steps[:-1])
    twin = steps[-1]["twin"]["id"]
    assert place.shelf.has(who({"token": ADA}).id, twin) and ada.get("/draft").json()["draft"] is None
    film = list(client.submit(twin, "Hello.", aspect="1:1", api_name="/film"))[-1]
    got = ada.get("/" + film["at"])
    assert got.headers["content-type"] == "video/mp4" and len(got.content) > 1000
    assert place.rooms.filming.taken == 0 and place.rooms.building.taken == 0
    place.shelf.delete(who({"token": ADA}).id, twin)


def test_openapi_says_what_is_served(place):
    told = httpx.get(place.url + "openapi.json", trust_env=False).json()
    served = {(method, route.path.replace(":path}", "}")) for route in place.served().routes if isinstance(route, Route)
              for method in route.methods - {"HEAD"} if not route.path.endswith("/upload")}
    described = {(method.upper(), path) for path, methods in told["paths"].items() for method in methods}
    assert served == described and told["openapi"].startswith("3.1") and set(BODIES) <= described
    names = [about["operationId"] for methods in told["paths"].values() for about in methods.values()]
    assert len(names) == len(set(names))
    for path, methods in told["paths"].items():
        for method, about in methods.items():
            assert about["summary"] and about["responses"]["200"], path
            assert {part["name"] for part in about.get("parameters", ()) if part["in"] == "path"} == set(re.findall(r"\{(\w+)\}", path))
            assert ("security" in about) == (path not in ANYONE)
            if "security" in about and not path.startswith("/media/"):
                url = place.url.rstrip("/") + re.sub(r"\{\w+\}", "x", path)
                got = httpx.request(method, url, trust_env=False)
                assert got.status_code == 401 and got.json()["error"]["code"] == "who", (method, path, got.status_code)


def test_the_document_of_the_api_names_every_message_and_route():
    from twin.wire.requests import SHAPES
    text = (ROOT / "docs" / "api.md").read_text(encoding="utf-8")
    for kind, shape in SHAPES.items():
        assert f"`{kind}`" in text, kind
        for field in shape:
            assert f"`{field}`" in text, (kind, field)
    for path in ("/api/talk", "/api/say", "/api/create", "/api/twins", "/openapi.json", "widget.js", "examples/talk.py"):
        assert path in text


def test_the_example_talks(place, tmp_path):
    source = (ROOT / "examples" / "talk.py").read_text()
    assert len([line for line in source.splitlines() if line.strip()]) <= 60
    done = subprocess.run([sys.executable, "examples/talk.py", place.url, "--wav", str(tmp_path / "a.wav")], cwd=ROOT, input="hello\nand again\n\n",
                          capture_output=True, text=True, timeout=60)
    assert done.returncode == 0 and done.stdout.count(SAID) == 2, done.stderr
    assert seconds((tmp_path / "a.wav").read_bytes()) > 0.3
    refused = subprocess.run([sys.executable, "examples/talk.py", place.url, "--token", "short"], cwd=ROOT, input="", capture_output=True, text=True, timeout=60)
    assert refused.returncode and "who it is" in refused.stderr
