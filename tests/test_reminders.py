"""Reminders through the live channel: kept of one user with one twin, spoken when due, a calendar file, gone with the memory."""
from __future__ import annotations

import secrets

import httpx
import pytest
from conftest import Echo, Tone
from place import Place

from bench.client import Client
from persona.lines import general
from persona.mind import Mind
from twin.store import Twins

MAYA = Twins()["maya"]


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    mind = Mind(MAYA.persona, {"en": general("en"), "zh": general("zh")})
    with Place(tmp_path_factory.mktemp("data"), linger=0.5, mind=mind, think=Echo(["Well", "then."]), speak=Tone(pace=0.01, pieces=1)) as served:
        yield served


def said(met) -> str:
    return " ".join(h["text"] for _, h, _ in met if h["type"] == "spoken").strip()


def calendar(place, token: str, twin: str = "maya") -> httpx.Response:
    return httpx.get(f"{place.url}twins/{twin}/reminders.ics", headers={"X-Twin-Token": token}, timeout=20)


async def test_spoken_when_due(place):
    async with Client(place.url, twin="maya", token=secrets.token_hex(32)) as client:
        assert "stretch" in said(await client.turn("Remind me in 2 seconds to stretch"))
        assert "stretch" in said(await client.hear())


async def test_kept_from_talk_to_talk_for_one_user_alone(place):
    token = secrets.token_hex(32)
    async with Client(place.url, twin="maya", token=token) as client:
        assert "dentist" in said(await client.turn("Remind me tomorrow at nine to call the dentist"))
    async with Client(place.url, twin="maya", token=token) as client:
        assert "dentist" in said(await client.turn("What are my reminders?"))
    async with Client(place.url, twin="maya", token=secrets.token_hex(32)) as client:
        assert "dentist" not in said(await client.turn("What are my reminders?"))
    answer = calendar(place, token)
    assert answer.status_code == 200 and answer.headers["content-type"].startswith("text/calendar") and "SUMMARY:call the dentist" in answer.text
    assert answer.headers["cache-control"] == "no-store" and "dentist" not in calendar(place, secrets.token_hex(32)).text
    assert calendar(place, token, "nobody").status_code == 404


async def test_gone_with_the_memory(place):
    token = secrets.token_hex(32)
    async with Client(place.url, twin="maya", token=token) as client:
        await client.turn("Remind me tomorrow at nine to feed Xanthippe")
        assert any(b"Xanthippe" in path.read_bytes() for path in place.shelf.data.rglob("*.reminders*"))
        httpx.post(f"{place.url}twins/maya/memory", headers={"X-Twin-Token": token}, json={"on": False}, timeout=20)
        assert "Noted" not in said(await client.turn("Remind me tomorrow at ten to feed Xanthippe")), "memory is off: nothing is kept"
        httpx.post(f"{place.url}twins/maya/memory", headers={"X-Twin-Token": token}, json={"on": True}, timeout=20)
        assert "Xanthippe" in said(await client.turn("What are my reminders?"))
    httpx.request("DELETE", f"{place.url}twins/maya/memory", headers={"X-Twin-Token": token}, json={"sure": True}, timeout=20)
    assert not any(b"Xanthippe" in path.read_bytes() for path in place.shelf.data.rglob("*.reminders*") if path.is_file())
