"""All that is known of a user: told, handed over, erased; and nothing of one reaches another."""
from __future__ import annotations

import io
import json
import shutil
import threading
import zipfile
from contextlib import suppress

import numpy as np
import pytest
from loopback import TOKEN
from PIL import Image
from shelves import ADA, BEA, PHRASE
from test_hub import last, make, shelf, there  # noqa: F401

from twin import me
from twin.create import Drafts
from twin.share import hub
from twin.store import Conversations, Films, Saved, bring_in, export, new_id


def photo() -> bytes:
    out = io.BytesIO()
    Image.fromarray(np.full((300, 300, 3), 120, np.uint8)).save(out, "PNG")
    return out.getvalue()


@pytest.fixture
def lived(shelf, tmp_path):  # noqa: F811
    """(shelf, drafts): Ada has two twins, one behind a passphrase and locked, two conversations, a film and a draft; Bea has a twin of her own."""
    twin, closed = make(shelf), make(shelf, "private", passphrase=PHRASE)
    talks = Conversations(shelf.data, key=shelf.key)
    for text in ("What did I say about the harbour?", "And my telephone?"):
        talks.save(ADA, Saved(new_id(), twin.id, "en", [{"role": "user", "content": text, "turn": 1}]))
    (tmp_path / "film.mp4").write_bytes(b"a film")
    Films(shelf).keep(ADA, twin, tmp_path / "film.mp4")
    shelf.forget(ADA, closed.id)
    bring_in(shelf, BEA, export(shelf, twin))
    drafts = Drafts(shelf)
    with drafts.of(ADA, b"k" * 32) as draft:
        draft.persona({"name": "Half made"})
    yield shelf, drafts, twin, closed
    drafts.close()


def test_it_is_told_and_erased_while_files_come_and_go(lived):
    """A page of theirs still writes: what vanishes under the count is not counted, what appears goes as well."""
    place, _, twin, _ = lived
    folder, stop = place.data / "conversations" / ADA, threading.Event()

    def write() -> None:
        while not stop.is_set():
            with suppress(OSError):
                for k in range(20):
                    (folder / f"deep{k}").mkdir()
                    (folder / f"deep{k}" / "x").write_bytes(b"x")
                for k in range(20):
                    shutil.rmtree(folder / f"deep{k}", ignore_errors=True)
    writer = threading.Thread(target=write)
    writer.start()
    try:
        for _ in range(40):
            assert me.known(place, ADA)["twins"] == 2
    finally:
        stop.set()
        writer.join()
    assert me.erased(place, ADA, nobody)["removed"] and not folder.exists()


def nobody():
    raise AssertionError("nothing was published")


def test_it_is_told_and_handed_over(lived, tmp_path):
    place, drafts, twin, closed = lived
    about = me.known(place, ADA)
    assert (about["twins"], about["conversations"], about["films"], about["draft"]) == (2, 2, 1, True) and about["bytes"] > 500
    with drafts.of(ADA, b"k" * 32) as draft:
        told = me.handed_over(place, ADA, draft, tmp_path / "me.zip")
    with zipfile.ZipFile(tmp_path / "me.zip") as archive:
        names = archive.namelist()
        assert f"twins/{twin.id}.twin" in names and told["locked"] == [closed.id] and json.loads(archive.read("about.json")) == told
        said = b"".join(archive.read(name) for name in names if name.startswith("conversations/"))
        assert b"harbour" in said and b"telephone" in said and any(archive.read(name) == b"a film" for name in names if name.startswith("films/"))
        assert b"Half made" in archive.read("draft/draft.json"), "opened with the user's own key"
        again = bring_in(place, BEA, archive.read(f"twins/{twin.id}.twin"))
        assert place.has(BEA, again.id)


def test_all_of_it_is_erased_and_nothing_of_others(lived):
    place, drafts, _, _ = lived
    with drafts.of(ADA, b"k" * 32) as draft:
        draft.throw_away()
    hers = [twin.id for twin in place.list(BEA)]
    done = me.erased(place, ADA, nobody)
    assert done["removed"] and not done["standing"]
    about = me.known(place, ADA)
    assert not any(about.values()), about
    left = [path for path in place.data.rglob("*") if ADA in str(path) and path.is_file()]
    words = (b"harbour", b"telephone", b"a film", b"Half made", ADA.encode())
    left += [path for path in place.data.rglob("*") if path.is_file() and any(word in path.read_bytes() for word in words)]
    assert not left and [twin.id for twin in place.list(BEA)] == hers
    assert me.erased(place, ADA, nobody)["removed"] == []


def test_what_was_published_goes_first(there, shelf):  # noqa: F811
    twin, api = make(shelf), hub.client(TOKEN)
    last(hub.publish(api, shelf, twin, "bee-keeper"))
    done = me.erased(shelf, ADA, lambda: api)
    assert done["unpublished"] == ["ada/bee-keeper"] and not there.repos and not shelf.list(ADA)


def test_the_routes_answer_their_user_alone(tmp_path):
    from dataclasses import replace

    import httpx
    from place import Place

    from twin.users import who
    from twin.wire.mine import Mine

    class Here(Place):
        def served(self):
            whole = super().served()
            return replace(whole, routes=[*Mine(self.shelf, self.drafts, self.sessions, self.rooms.door).routes(), *whole.routes])

    with Here(tmp_path) as place:
        tokens = {name: name * 64 for name in "ab"}
        http = {name: httpx.Client(base_url=place.url, headers={"X-Twin-Token": token}, trust_env=False) for name, token in tokens.items()}
        owner = who({"token": tokens["a"]}).id
        place.rooms.saved.save(owner, Saved(new_id(), "maya", "en", [{"role": "user", "content": "the harbour", "turn": 1}]))
        assert http["a"].get("me").json()["conversations"] == 1 and http["b"].get("me").json()["conversations"] == 0
        zipped = zipfile.ZipFile(io.BytesIO(http["a"].post("me/export").content))
        assert any(name.startswith("conversations/") for name in zipped.namelist())
        assert zipfile.ZipFile(io.BytesIO(http["b"].post("me/export").content)).namelist() == ["about.json"]
        assert httpx.get(place.url + "me", trust_env=False).status_code == 401
        assert http["a"].request("DELETE", "me", json={}).status_code == 422 and http["a"].get("me").json()["conversations"] == 1
        assert http["b"].request("DELETE", "me", json={"sure": True}).status_code == 200 and http["a"].get("me").json()["conversations"] == 1
        assert http["a"].request("DELETE", "me", json={"sure": True}).json()["removed"] and http["a"].get("me").json()["conversations"] == 0
        assert not list((tmp_path / "scratch").glob("*"))
        for one in http.values():
            one.close()


async def test_what_is_being_said_is_erased_too(tmp_path):
    """A page that is open, in the middle of a turn, with a default twin: nothing of it comes back to the disk."""
    import asyncio

    import httpx
    from conftest import Echo, Tone
    from place import Place

    from bench.client import Client
    with Place(tmp_path, think=Echo(["kestrelfeather"] * 400, delay=0.005), speak=Tone(pieces=1)) as place:
        async with Client(place.url) as client, httpx.AsyncClient(base_url=place.url, headers={"X-Twin-Token": client.token}, trust_env=False, timeout=30) as web:
            await client.turn("My word is kestrelfeather.")
            assert (await web.get("/me")).json()["conversations"] == 1
            await client.say("And once more kestrelfeather.")
            await client.until(lambda header, _: header["type"] == "token")
            assert (await web.request("DELETE", "/me", json={"sure": True})).status_code == 200
            ready, _ = await client.until(lambda header, _: header["type"] == "ready")
            assert ready["history"] == []
            await client.send({"type": "list"})
            assert (await client.until(lambda header, _: header["type"] == "conversations"))[0]["items"] == []
        await asyncio.sleep(0.3)
        place.run(place.sessions.close())
        assert not [path for path in tmp_path.rglob("*") if path.is_file() and b"kestrelfeather" in path.read_bytes()]
        assert not list((tmp_path / "conversations").glob("*/*"))


def test_the_command(shelf, monkeypatch, capsys, tmp_path):  # noqa: F811
    from twin.__main__ import main
    monkeypatch.setenv("TWIN_TOKEN", "7" * 64)
    monkeypatch.setenv("TWIN_DATA", str(shelf.data))
    from twin.users import who
    owner = who({"token": "7" * 64}).id
    Conversations(shelf.data).save(owner, Saved(new_id(), "maya", "en", [{"role": "user", "content": "the harbour", "turn": 1}]))
    assert main(["me"]) == 0 and "1 conversations" in capsys.readouterr().out
    assert main(["me", "export", "-o", str(tmp_path / "me.zip")]) == 0 and zipfile.is_zipfile(tmp_path / "me.zip")
    assert main(["me", "erase"]) == 1 and main(["me"]) == 0 and "1 conversations" in capsys.readouterr().out
    assert main(["me", "erase", "--yes"]) == 0 and main(["me"]) == 0 and "0 conversations" in capsys.readouterr().out
