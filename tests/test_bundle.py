"""One twin as one file: it comes back whole, and whatever else is handed in is refused with its reason before anything is kept."""
from __future__ import annotations

import hashlib
import io
import json
import struct
import time
import tracemalloc
import warnings
import zipfile
from functools import cache

import numpy as np
import pytest
from PIL import Image
from shelves import ADA, BEA, PHRASE, files, webp

from twin import credentials
from twin.errors import Locked, Refused, TwinError
from twin.store import Conversations, Saved, Shelf, bring_in, export, new_id


@pytest.fixture
def shelf(tmp_path) -> Shelf:
    return Shelf(tmp_path)


def packed(inside: dict[str, bytes], *, version=1, listed: dict[str, bytes] | None = None, extra=(), **more) -> bytes:
    """A bundle by hand: `inside` as its files, `listed` as its manifest says, `extra` entries (ZipInfo or name, bytes)."""
    out = io.BytesIO()
    about = {"format": "twin", "version": version, "name": {"en": "Ada"}, "languages": ["en"],
             "files": {name: {"size": len(data), "sha256": hashlib.sha256(data).hexdigest()} for name, data in (listed or inside).items()}} | more
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive, warnings.catch_warnings():
        warnings.simplefilter("ignore")                  # of two files of one name
        archive.writestr("manifest.json", json.dumps(about))
        for name, data in (*inside.items(), *extra):
            archive.writestr(name, data)
    return out.getvalue()


def inside(**change: bytes | None) -> dict[str, bytes]:
    return {f"twin/{name}": data for name, data in files().items()} | change


def kept(shelf: Shelf) -> list:
    return [path for path in shelf.data.rglob("*") if path.is_file()]


def test_a_bundle_comes_back_as_another_users_twin(shelf):
    twin = shelf.put(ADA, files())
    data = export(shelf, twin)
    back = bring_in(shelf, BEA, data)
    given, got = files(), {name: back.read(name) for name in back.names()}
    assert back.owner == BEA and back.id != twin.id and set(got) == set(given)
    for name, raw in got.items():
        if name.endswith(".webp"):                       # the same picture, and what says that a machine made it
            assert np.array_equal(np.asarray(Image.open(io.BytesIO(raw))), np.asarray(Image.open(io.BytesIO(given[name]))))
            assert credentials.read(raw, "image/webp")["validation_state"] == "Valid"
        else:
            assert raw == given[name]
    with zipfile.ZipFile(io.BytesIO(data)) as once, zipfile.ZipFile(io.BytesIO(export(shelf, back))) as twice:
        assert once.read("twin/face/portrait.webp") == twice.read("twin/face/portrait.webp"), "signed once, not again each time"
    assert json.loads(back.read("consent.json"))["who"] == "Ada Lovelace"


def test_an_open_bundle_carries_no_conversation_and_an_encrypted_one_nothing_open(shelf):
    twin = shelf.put(ADA, files())
    talks = Conversations(shelf.data, key=shelf.key)
    talks.save(ADA, Saved(new_id(), twin.id, "en", [{"role": "user", "content": "my secret words", "turn": 1}]))
    with zipfile.ZipFile(io.BytesIO(export(shelf, twin))) as archive:
        assert not [name for name in archive.namelist() if name.startswith("talks/")]
    data = export(shelf, twin, PHRASE)
    assert b"secret" not in data and b"eleven" not in data and b"Lovelace" not in data and b"RIFF" not in data
    for wrong in ("", "not the passphrase"):
        with pytest.raises(Locked):
            bring_in(shelf, BEA, data, wrong)
    assert shelf.list(BEA) == []
    back = bring_in(shelf, BEA, data, PHRASE)
    assert not back.locked and shelf.guarded(BEA, back.id)
    found = talks.list(BEA)
    assert len(found) == 1 and talks.load(BEA, found[0]["id"]).history[0]["content"] == "my secret words" and found[0]["twin"] == back.id
    shelf.forget(BEA)
    assert shelf.get(BEA, back.id).locked and talks.list(BEA) == []
    again = export(shelf, shelf.unlock(BEA, back.id, PHRASE))                  # one behind a passphrase leaves behind it
    with pytest.raises(Locked):
        bring_in(shelf, ADA, again)
    assert bring_in(shelf, ADA, again, PHRASE).persona.facts


def test_a_bundle_full_of_talk_pushes_nobodys_own_out(shelf, monkeypatch):
    monkeypatch.setattr(Conversations.__init__, "__defaults__", (4, 2**20, None))
    twin, talks = shelf.put(ADA, files()), Conversations(shelf.data, key=shelf.key)

    def said(text: str, twin: str, owner: str, when: float) -> None:
        talks.save(owner, Saved(new_id(), twin, "en", [{"role": "user", "content": text, "turn": 1}]), when)
    for n in range(4):
        said(f"theirs {n}", twin.id, ADA, float(n))
    data = export(shelf, twin, PHRASE)
    for _ in range(3):
        said("my own", "maya", BEA, 1e9)
    back = bring_in(shelf, BEA, data, PHRASE)
    titles = sorted(item["title"] for item in talks.list(BEA))
    assert titles == ["my own", "my own", "my own", "theirs 3"] and talks.with_twin(BEA, back.id)
    monkeypatch.setattr("twin.store.shelf.put_folder", _full)
    with pytest.raises(TwinError):
        bring_in(shelf, ADA, data, PHRASE)
    assert {saved["twin"] for saved in talks.list(ADA)} == {twin.id}, "what came first went again"


def _full(*_) -> None:
    raise OSError(28, "No space left on device")


def test_a_locked_twin_is_not_exported(shelf):
    twin = shelf.put(ADA, files(), passphrase=PHRASE)
    shelf.forget(ADA)
    with pytest.raises(Locked):
        export(shelf, shelf.get(ADA, twin.id))


@cache
def bad() -> dict[str, tuple[bytes, str]]:
    whole = packed(inside())
    link = zipfile.ZipInfo("twin/face/eyes.webp")
    link.external_attr = 0o120777 << 16
    tampered = inside() | {"twin/persona.yaml": b"name: Eve\n"}
    bomb = io.BytesIO()
    with zipfile.ZipFile(bomb, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("manifest.json", json.dumps({"format": "twin", "version": 1, "files": {"twin/face/depth.webp": {"size": 1, "sha256": ""}}}))
        archive.writestr("twin/face/depth.webp", bytes(200 << 20))
    liar = bytearray(bomb.getvalue())
    for magic, offset in ((b"PK\x01\x02", 24), (b"PK\x03\x04", 22)):           # it says that it is small
        at = liar.rfind(magic)
        struct.pack_into("<I", liar, at + offset, 1000)
    many = io.BytesIO()
    with zipfile.ZipFile(many, "w") as archive:
        for n in range(2000):
            archive.writestr(f"twin/{n}", b"")
    portrait = {"twin/face/portrait.webp": webp()[:30]}
    return {
        "empty": (b"", "no twin"), "text": (b"hello there, this is no zip", "no twin"), "other zip": (_zip({"a.txt": b"x"}), "no manifest"),
        "no manifest": (_zip({"twin/persona.yaml": b"name: A"}), "no manifest"), "newer": (packed(inside(), version=2), "newer"),
        "newer, with files of another kind": (packed(inside(), version=3, extra=[("twin/body/mesh.glb", b"x")]), "newer"), "strange version": (packed(inside(), version="x"), "manifest"), "cut": (whole[:len(whole) // 2], "its end is missing"),
        "bit": (_flipped(whole), "damaged"), "changed": (packed(tampered, listed=inside()), "changed"),
        "left out": (packed({k: v for k, v in inside().items() if "rig" not in k}, listed=inside()), "manifest"),
        "slip": (packed(inside(), extra=[("../../evil.yaml", b"x")]), "no twin has"), "absolute": (packed(inside(), extra=[("/etc/cron.d/x", b"x")]), "no twin has"),
        "backslash": (packed(inside(), extra=[("twin\\..\\..\\evil", b"x")]), "no twin has"), "symlink": (packed(inside(), extra=[(link, b"/etc/passwd")]), "plain"),
        "twice": (packed(inside(), extra=[("twin/persona.yaml", b"name: Eve")]), "same name"), "bomb": (bomb.getvalue(), "MB"), "liar": (bytes(liar), "damaged"),
        "many": (many.getvalue(), "2000 files"), "no consent": (packed({k: v for k, v in inside().items() if "consent" not in k}), "consent"),
        "no agreement": (packed(inside() | {"twin/consent.json": b'{"agreed": true}'}), "agreed"), "no face": (packed({"twin/persona.yaml": b"name: A"}), "no face"),
        "bad picture": (packed(inside() | portrait), "not what it should be"), "bad persona": (packed(inside() | {"twin/persona.yaml": b"- a\n"}), "character"),
        "yaml bomb": (packed(inside() | {"twin/persona.yaml": b"a: &a [x]\nname: *a\n"}), "character"),
        "bad weights": (packed(inside() | {"twin/voice/voice.safetensors": b"\xff" * 40}), "not what it should be"),
        "bad rig": (packed(inside() | {"twin/face/rig.json": b'{"size": [1e9, 2]}'}), "not what it should be"),
        "endless rig": (packed(inside() | {"twin/face/rig.json": b'{"size": [9, 9], "points": [[Infinity, 1]]}'}), "not what it should be"),
        "bad key": (packed(inside(), key={"wrapped": "x"}), "lock"), "server key": (packed(inside(), key={"wrapped": "x", "salt": "x", "server": True}), "lock"),
        "deep": (packed(inside() | {"twin/face/rig.json": b"[" * 100_000}), "not what it should be"),
    }


def _zip(entries: dict[str, bytes]) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        for name, data in entries.items():
            archive.writestr(name, data)
    return out.getvalue()


def _flipped(data: bytes) -> bytes:
    changed = bytearray(data)
    changed[len(data) // 2] ^= 0x10
    return bytes(changed)


@pytest.mark.parametrize("name", sorted(bad()))
def test_a_bad_bundle_is_refused_with_the_reason_and_nothing_is_kept(name, shelf):
    data, why = bad()[name]
    tracemalloc.start()
    began = time.monotonic()
    with pytest.raises(Refused) as refused:
        bring_in(shelf, ADA, data)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert why in refused.value.message and refused.value.hint and (refused.value.zh or name == "deep"), refused.value.message
    assert time.monotonic() - began < 3 and peak < 40 << 20
    assert kept(shelf) == [] and shelf.list(ADA) == []


def test_ten_gigabytes_are_refused_by_their_size(shelf, tmp_path, monkeypatch):
    from twin.__main__ import main
    huge = tmp_path / "huge.twin"
    with huge.open("wb") as file:
        file.truncate(10 << 30)
    monkeypatch.setenv("TWIN_DATA", str(tmp_path / "data"))
    began = time.monotonic()
    assert main(["import", str(huge)]) == 1 and time.monotonic() - began < 2
    huge.unlink()
