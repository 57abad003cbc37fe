"""A twin's memory through the live channel: told in one conversation, known in the next, forgotten when asked to, seen and changed over HTTP."""
from __future__ import annotations

import secrets

import httpx
import pytest
from conftest import Echo, Tone
from place import Place
from shelves import files as shelf_files

from bench.client import Client
from persona.lines import general
from persona.mind import Mind
from twin.store import Twins
from twin.users import who

MAYA = Twins()["maya"]
ADA = secrets.token_hex(32)
OWNER = who({"token": ADA}).id


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    mind = Mind(MAYA.persona, {"en": general("en"), "zh": general("zh")})
    with Place(tmp_path_factory.mktemp("data"), linger=0.5, mind=mind, think=Echo(["Well", "then."]), speak=Tone(pace=0.01, pieces=1)) as served:
        yield served


def files(place: Place) -> bytes:
    """All that lies in the data folder."""
    return b"".join(path.read_bytes() for path in place.shelf.data.rglob("*") if path.is_file())


async def say(client: Client, text: str) -> str:
    met = await client.turn(text)
    return " ".join(h["text"] for _, h, _ in met if h["type"] == "spoken").strip()


async def test_told_in_one_talk_known_in_the_next(place):
    token = secrets.token_hex(32)
    async with Client(place.url, twin="maya", token=token) as client:
        await say(client, "My name is Ben.")
        await say(client, "My sister is called Ana and she lives in Porto.")
    async with Client(place.url, twin="maya", token=token, greet=True) as client:
        met = await client.hear()
        assert "Ben" in " ".join(h["text"] for _, h, _ in met if h["type"] == "spoken")
        assert await say(client, "What's my sister called?") == "You told me that your sister is called Ana."
        assert "Porto" in await say(client, "Where does Ana live?")
        assert "haven't told me" in await say(client, "What is my brother's name?")
    async with Client(place.url, twin="maya", token=secrets.token_hex(32)) as client:
        assert "Ana" not in await say(client, "What's my sister called?"), "what one tells is nothing to another"


async def test_forgotten_everywhere(place):
    token = secrets.token_hex(32)
    async with Client(place.url, twin="maya", token=token) as client:
        await say(client, "I am allergic to walnuts.")
        await say(client, "My uncle is called Zebulon.")
    assert b"Zebulon" in files(place)
    async with Client(place.url, twin="maya", token=token) as client:
        assert "forgotten" in await say(client, "Forget what I said about my uncle.")
        assert "Zebulon" not in await say(client, "What is my uncle called?")
        assert "walnuts" in await say(client, "What am I allergic to?")
    assert b"Zebulon" not in files(place), "neither the memory nor a conversation holds it"


async def test_seen_corrected_deleted_and_switched_off(place):
    token = secrets.token_hex(32)
    async with Client(place.url, twin="maya", token=token) as client:
        await say(client, "My sister is called Ana and I live in Leeds.")
        with httpx.Client(base_url=place.url, headers={"X-Twin-Token": token}, timeout=30, trust_env=False) as http:
            shown = http.get("twins/maya/memory").json()
            assert shown["on"] and {fact["text"] for fact in shown["facts"]} == {"Your sister is called Ana.", "You live in Leeds."}
            ana = next(fact for fact in shown["facts"] if fact["object"] == "Ana")
            assert http.post(f"twins/maya/memory/{ana['id']}", json={"object": ""}).status_code == 422
            shown = http.post(f"twins/maya/memory/{ana['id']}", json={"object": "Anna"}).json()
            assert "Your sister is called Anna." in [fact["text"] for fact in shown["facts"]]
            with httpx.Client(base_url=place.url, headers={"X-Twin-Token": secrets.token_hex(32)}, timeout=30, trust_env=False) as other:
                assert other.get("twins/maya/memory").json()["facts"] == []
                assert other.delete(f"twins/maya/memory/{ana['id']}").status_code == 404
            assert http.get("twins/maya/memory/export").json()["facts"][0]["object"] == "Ana"
            assert http.get("twins/nobody/memory").status_code == 404
            home = next(fact for fact in shown["facts"] if fact["object"] == "Leeds")
            assert all(fact["object"] != "Leeds" for fact in http.request("DELETE", f"twins/maya/memory/{home['id']}").json()["facts"])
            assert not http.post("twins/maya/memory", json={"on": False}).json()["on"]
            await say(client, "My dog is called Rex.")
            assert not any(fact["object"] == "Rex" for fact in http.get("twins/maya/memory").json()["facts"])
            assert http.request("DELETE", "twins/maya/memory", json={}).status_code == 422
            assert http.request("DELETE", "twins/maya/memory", json={"sure": True}).json()["counts"] == {"messages": 0, "facts": 0}


def test_the_graph_shows_its_owner_what_they_told(place):
    twin = place.shelf.put(OWNER, shelf_files("Maya"))
    memory = place.rooms.memories.of(OWNER, twin.id)
    memory.heard("user", "My name is Ben. Between you and me, my sister Ana lives in Porto.", turn=1, conversation="c")
    with httpx.Client(base_url=place.url, headers={"X-Twin-Token": ADA}, timeout=60, trust_env=False) as client:
        graph = client.get(f"twins/{twin.id}/graph").json()
    told = [edge["sentence"] for edge in graph["edges"] if edge["source"] == "memory"]
    assert {"Ben", "Ana", "Porto"} <= {node["name"] for node in graph["nodes"]} and any("lives in Porto" in one for one in told)
    place.rooms.memories.switch(OWNER, twin.id, False)
    with httpx.Client(base_url=place.url, headers={"X-Twin-Token": ADA}, timeout=60, trust_env=False) as client:
        assert "Porto" not in client.get(f"twins/{twin.id}/graph").text, "switched off, nothing is shown"
