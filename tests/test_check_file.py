"""What `python -m twin check` and the page /check read back: marks of every kind of file, broken ones, none, a twin's bundle, a twin's page."""
from __future__ import annotations

import io
import json
import struct
import zipfile
import zlib

import numpy as np
import pytest
from conftest import ROOT
from shelves import ADA, files
from starlette.applications import Starlette
from starlette.testclient import TestClient
from test_trust import film, picture, sound

from twin import credentials, trust
from twin.errors import Refused
from twin.store import Shelf, export
from twin.trust import aigc
from twin.trust.check import check, check_file, sniffed
from twin.wire.checking import Checking
from twin.wire.door import Door

HASH = trust.digest(b"a photo")


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    return tmp_path_factory.mktemp("data")


@pytest.fixture(scope="module")
def record(place):
    return trust.consent("Ada Lovelace", "self", ["speech", "film"], {"photo": HASH}, scope="link", folder=place)


@pytest.fixture(scope="module")
def made(place, record, tmp_path_factory):
    """A marked file of every kind."""
    clip = film(tmp_path_factory.mktemp("film") / "a.mp4")
    raw = {".png": picture(".png"), ".jpg": picture(".jpg"), ".webp": picture(".webp"), ".wav": sound(), ".mp4": clip}
    return {kind: trust.marked(data, kind, title="Ada", folder=place, consent=record, model="timbre")[0] for kind, data in raw.items()}


def of(report, what):
    return next((finding for finding in report.findings if finding.what == what), None)


@pytest.mark.parametrize("kind", [".png", ".jpg", ".webp", ".wav", ".mp4"])
def test_marks_are_read_back_from_every_kind(kind, made, place, record):
    report = check(made[kind], "a" + kind, place)
    assert report.verdict == "made" and report.kind == kind[1:] and sniffed(made[kind]) == kind
    assert report.about["aigc"]["Label"] == "1" and len(report.about["aigc"]["ProduceID"]) == 32
    assert report.about["credentials"] | {"action": "c2pa.created", "model": "timbre", "title": "Ada"} == report.about["credentials"]
    assert report.about["credentials"]["source"] == trust.MADE_BY_AI == report.about["source"]
    assert report.about["consent"]["reference"] == trust.reference(record) and report.about["consent"]["scope"] == "link"
    assert of(report, "credentials").level == "good" and "this installation" in of(report, "credentials").en
    assert all(finding.en and finding.zh for finding in report.findings)
    assert "Lovelace" not in made[kind].decode("latin-1"), "the consent is named by its hash, nobody by name"
    elsewhere = check(made[kind], "", place / "another")
    assert elsewhere.verdict == "made" and of(elsewhere, "credentials").level == "warn", "whole, but nobody here stands for it"


@pytest.mark.parametrize("kind", [".png", ".wav", ".mp4"])
def test_the_library_reads_the_same(kind, made, record):
    """c2pa's own Reader: action, model and consent, and the bytes they are bound to."""
    import c2pa
    with c2pa.Reader(trust.FORMATS[kind], io.BytesIO(made[kind])) as reader:
        read = json.loads(reader.json())
    assert read["validation_state"] == "Valid" and read == credentials.read(made[kind], trust.FORMATS[kind])
    parts = {part["label"]: part["data"] for part in read["manifests"][read["active_manifest"]]["assertions"]}
    action = parts["c2pa.actions.v2"]["actions"][0]
    assert action["action"] == "c2pa.created" and action["digitalSourceType"] == trust.MADE_BY_AI and action["parameters"]["model"] == "timbre"
    assert parts["org.twin.consent"]["reference"] == trust.reference(record) and parts["org.twin.consent"]["scope"] == "link"


def test_a_marked_file_still_opens(made, tmp_path):
    import wave

    import av
    from PIL import Image
    for kind in (".png", ".jpg", ".webp"):
        with Image.open(io.BytesIO(made[kind])) as opened:
            opened.load()
            assert opened.size == (320, 240)
    with wave.open(io.BytesIO(made[".wav"])) as opened:
        assert opened.getnframes() == 12_000
    with av.open(io.BytesIO(made[".mp4"])) as opened:
        assert sum(1 for _ in opened.decode(video=0)) == 5


@pytest.mark.parametrize(("kind", "part", "behind"), [(".png", b"IDAT", 30), (".wav", b"data", 3000), (".mp4", b"mdat", 100)])
def test_a_change_is_told(kind, part, behind, made, place):
    data = bytearray(made[kind])
    data[data.index(part) + behind] ^= 0xFF
    report = check(bytes(data), "a" + kind, place)
    assert report.verdict == "broken" and of(report, "credentials").level == "bad"


def test_what_has_no_marks_proves_nothing(place):
    for kind, data in ((".png", picture(".png")), (".wav", sound())):
        report = check(data, "a" + kind, place)
        assert report.verdict == "nothing" and "proves nothing" in report.told()["summary"]["en"] and of(report, "credentials").level == "warn"
    assert check(b"hello", "a.txt", place).verdict == "nothing"
    assert check(b"", "", place).verdict == "nothing"


def test_a_label_alone_is_only_a_claim(place):
    for kind in (".png", ".jpg", ".webp"):
        report = check(aigc.written(picture(kind), kind, aigc.label("Someone")), "a" + kind, place)
        assert report.verdict == "claims" and report.about["aigc"]["ContentProducer"] == "Someone"


def test_a_label_of_others_is_read(place):
    def chunk(name, body):
        return struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body))
    plain = picture(".png")
    named = plain[:33] + chunk(b"tEXt", b'AIGC\0{"Label":"1","ContentProducer":"001191330101","ProduceID":"x"}') + plain[33:]
    assert check(named, "", place).about["aigc"]["ContentProducer"] == "001191330101"
    escaped = b'<x xmlns:TC260="http://www.tc260.org.cn/ns/AIGC/1.0/"><TC260:AIGC>{&quot;Label&quot;:&quot;1&quot;}</TC260:AIGC></x>'
    assert aigc.read(escaped)["Label"] == "1"
    for bad in (b"<TC260:AIGC>{not json}</TC260:AIGC>", b"<TC260:AIGC>[1]</TC260:AIGC>", b"<TC260:AIGC>" + b"[" * 5000 + b"</TC260:AIGC>"):
        assert aigc.read(bad) is None


def test_what_a_file_says_of_itself_is_shown_as_text(place):
    evil = aigc.label("<script>alert(1)</script>\u202e\x00 evil" + "x" * 500)
    report = check(aigc.written(picture(".png"), ".png", evil), "a.png", place)
    shown = of(report, "aigc").zh
    assert "\u202e" not in shown and "\x00" not in shown and len(shown) < 400


def test_the_rhythm_is_put_before_a_sound_and_heard(place):
    marked = aigc.sounded(sound())
    report = check(marked, "a.wav", place)
    assert report.about["rhythm"] is True and len(marked) > len(sound())
    assert check(sound(), "a.wav", place).about["rhythm"] is False, "another tone is none"
    noise = np.random.default_rng(1).normal(0, 0.2, 48_000).astype(np.float32)
    assert not aigc.hears_rhythm(noise, 24_000) and not aigc.hears_rhythm(noise[:100], 24_000)


def test_there_is_no_watermark_unless_there_is_one(place):
    report = check(sound(), "a.wav", place)
    if report.about["watermark"] is None:
        assert "AudioSeal" in of(report, "watermark").en


def test_a_bundle_tells_its_consent(place, record):
    shelf = Shelf(place)
    twin = shelf.put(ADA, files() | {"consent.json": json.dumps(record).encode()})
    data = export(shelf, twin)
    report = check(data, "ada.twin", place)
    assert report.verdict == "made" and report.about["consent"]["reference"] == trust.reference(record) and report.about["consent"]["signed"] == "here"
    assert "Lovelace" not in json.dumps(report.told())
    assert "encrypted" in check(export(shelf, twin, "correct horse battery"), "ada.twin", place).findings[0].en


def test_a_changed_or_revoked_consent_is_told(place, tmp_path):
    yes = trust.consent("Bea", "self", ["speech"], {"photo": HASH}, folder=tmp_path)

    def bundle(consent) -> bytes:
        out = io.BytesIO()
        with zipfile.ZipFile(out, "w") as archive:
            archive.writestr("manifest.json", "{}")
            archive.writestr("twin/consent.json", json.dumps(consent))
        return out.getvalue()
    assert check(bundle(yes | {"scope": "public"}), "", tmp_path).verdict == "broken"
    png = trust.marked(picture(".png"), ".png", folder=tmp_path, consent=yes)[0]
    assert check(png, "", tmp_path).verdict == "made"
    trust.revoke(yes, tmp_path)
    assert check(bundle(yes), "", tmp_path).verdict == "broken" and check(png, "", tmp_path).verdict == "broken"
    assert "taken back" in of(check(png, "", tmp_path), "consent").en


def test_a_page_with_a_twin_says_so(place, record):
    page = f'<!doctype html><html><head><meta name="twin-consent" content="link sha256:{trust.reference(record)}"></head></html>'.encode()
    report = check(page, "ada.html", place)
    assert report.verdict == "claims" and of(report, "consent").level == "good"
    assert check(b"<!doctype html><html></html>", "a.html", place).verdict == "nothing"


def test_too_large_a_file_is_refused(place, tmp_path, monkeypatch):
    big = tmp_path / "big.png"
    with big.open("wb") as file:
        file.truncate(300 * 2**20)
    with pytest.raises(Refused) as refused:
        check_file(big, place)
    assert refused.value.zh and "256 MB" in refused.value.message


@pytest.fixture(scope="module")
def client(place):
    return TestClient(Starlette(routes=Checking(ROOT / "assets" / "web", place, Door()).routes()))


def test_the_route_reports_in_both_languages(client, made):
    told = client.post("/check", content=made[".png"], headers={"X-Twin-Name": "a.png"}).json()
    assert told["verdict"] == "made" and "AI" in told["summary"] and told["findings"][0].keys() == {"what", "level", "text"}
    assert "由 AI 生成" in client.post("/check", content=made[".png"], headers={"X-Twin-Language": "zh"}).json()["summary"]
    page = client.get("/check")
    assert page.status_code == 200 and "text/html" in page.headers["content-type"] and "check.js" in page.text
    assert client.post("/check", content=made[".png"], headers={"Origin": "https://elsewhere.example"}).status_code == 403


def test_the_command_says_it(made, place, tmp_path, monkeypatch, capsys):
    from twin.__main__ import main
    monkeypatch.setenv("TWIN_DATA", str(place))
    file = tmp_path / "a.wav"
    file.write_bytes(made[".wav"])
    assert main(["check", str(file)]) == 0
    assert "made by an AI" in capsys.readouterr().out
    file.write_bytes(sound())
    assert main(["check", str(file), "--json"]) == 3 and json.loads(capsys.readouterr().out)["verdict"] == "nothing"
    assert main(["check", str(tmp_path / "nowhere.wav")]) == 1 and "cannot be read" in capsys.readouterr().err
