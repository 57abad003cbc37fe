"""Consent without which nothing is built, and marks that can be read back from what leaves the app."""
from __future__ import annotations

import io
import os
import stat
import sys
import wave

import numpy as np
import pytest
from PIL import Image

from twin import credentials, trust
from twin.errors import Refused, TwinError

HASH = trust.digest(b"a photo")


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    return tmp_path_factory.mktemp("data")


def picture(kind: str, size=(320, 240)) -> bytes:
    out = io.BytesIO()
    Image.fromarray(np.full((size[1], size[0], 3), 140, np.uint8)).save(out, {".png": "PNG", ".webp": "WEBP"}.get(kind, "JPEG"))
    return out.getvalue()


def sound() -> bytes:
    out = io.BytesIO()
    with wave.open(out, "wb") as file:
        file.setparams((1, 2, 24_000, 0, "NONE", ""))
        file.writeframes((np.sin(np.arange(12_000) / 20) * 8000).astype("<i2").tobytes())
    return out.getvalue()


def film(path) -> bytes:
    import av
    with av.open(str(path), "w", format="mp4") as container:
        stream = container.add_stream("libx264", rate=10)
        stream.width, stream.height, stream.pix_fmt = 64, 64, "yuv420p"
        for value in range(5):
            container.mux(stream.encode(av.VideoFrame.from_ndarray(np.full((64, 64, 3), 40 * value, np.uint8))))
        container.mux(stream.encode(None))
    return path.read_bytes()


@pytest.mark.parametrize("kind", [".png", ".webp", ".jpg"])
def test_a_picture_is_labelled_and_signed(kind, place):
    before = picture(kind)
    after, how = trust.marked(before, kind, title="Ada", folder=place)
    assert how.label and how.credentials and how.en and how.zh
    read = credentials.read(after, trust.FORMATS[kind])
    assert read["validation_state"] == "Valid" and "trainedAlgorithmicMedia" in str(read)
    pixels = np.asarray(Image.open(io.BytesIO(after)).convert("L")).astype(int)
    assert pixels.shape == (240, 320)
    corner, rest = pixels[200:, :120], pixels[:150]
    assert corner.max() > 215 and corner.min() < 90 and abs(rest - 140).max() < 12, "letters on a dark plate, and nothing else changed"
    assert credentials.read(before, trust.FORMATS[kind]) is None


def test_a_sound_and_a_film_are_signed_and_still_play(place, tmp_path):
    after, how = trust.marked(sound(), ".wav", folder=place)
    with wave.open(io.BytesIO(after)) as file:
        assert file.getnframes() == 12_000 and how.credentials and not how.label
    assert credentials.read(after, "audio/wav")["validation_state"] == "Valid"
    path = tmp_path / "a.mp4"
    film(path)
    assert trust.mark(path, folder=place).credentials
    import av
    with av.open(str(path)) as container:
        assert sum(1 for _ in container.decode(video=0)) == 5
    assert credentials.read(path.read_bytes(), "video/mp4")["validation_state"] == "Valid"


def test_a_change_behind_the_mark_is_seen(place):
    after, _ = trust.marked(sound(), ".wav", folder=place)
    changed = bytearray(after)
    at = changed.index(b"data") + 4000
    changed[at] ^= 0xFF
    assert credentials.read(bytes(changed), "audio/wav")["validation_state"] == "Invalid"


def test_what_cannot_be_marked_is_said(place, tmp_path):
    data, how = trust.marked(b"ID3 some mp3", ".mp3", folder=place)
    assert data == b"ID3 some mp3" and not how.credentials and "say yourself" in how.en and how.zh
    data, how = trust.marked(b"no wav at all", ".wav", folder=place)
    assert data == b"no wav at all" and not how.credentials and how.en
    blocked = tmp_path / "blocked"
    blocked.write_text("a file where the folder should be")
    _, how = trust.marked(sound(), ".wav", folder=blocked)
    assert not how.credentials and how.en
    with pytest.raises(TwinError):
        trust.mark(tmp_path / "nowhere.wav", folder=place)
    assert [path.name for path in tmp_path.iterdir()] == ["blocked"]


@pytest.mark.skipif(sys.platform == "win32", reason="POSIX permissions")
def test_the_certificate_is_made_once_and_is_ours_alone(place):
    trust.marked(sound(), ".wav", folder=place)
    leaf = place / "credentials" / "leaf.pem"
    before = leaf.read_bytes()
    trust.marked(sound(), ".wav", folder=place)
    assert leaf.read_bytes() == before and stat.S_IMODE(leaf.stat().st_mode) == 0o600 and stat.S_IMODE(leaf.parent.stat().st_mode) == 0o700
    assert os.listdir(leaf.parent) == ["leaf.pem"]
    leaf.write_bytes(b"damaged")
    assert trust.marked(sound(), ".wav", folder=place)[1].credentials


@pytest.mark.parametrize("size", [(64, 64), (160, 120), (40, 400), (1024, 1280)])
def test_the_label_fits_any_picture(size):
    image = Image.new("RGB", size, (140, 140, 140))
    trust.draw_label(image)
    changed = np.argwhere(np.asarray(image)[..., 0] != 140)
    assert image.size == size and len(changed) > 50
    if min(size) > 100:
        assert changed[:, 1].max() < size[0] - 1 and changed[:, 0].max() < size[1] - 1


def test_consent_says_who_what_for_and_over_what():
    record = trust.consent(" Ada  Lovelace ", "self", ["talk"], {"photo": HASH}, "zh")
    assert record["who"] == "Ada Lovelace" and record["for"] == ["speech"] and record["statement"] == trust.STATEMENT["zh"] and record["when"].endswith("+00:00")
    assert trust.agreed(record, {"photo": HASH}) is record
    trust.allows(record, "talk")
    with pytest.raises(Refused) as film_refused:
        trust.allows(record, "film")
    assert film_refused.value.zh


@pytest.mark.parametrize(("who", "relation", "purposes"), [("", "self", ["talk"]), ("  ", "self", ["talk"]), ("Ada", "friend", ["talk"]),
                                                           ("Ada", "self", []), ("Ada", "self", ["sell"]), ("Ada", "self", None)])
def test_half_a_consent_is_none(who, relation, purposes):
    with pytest.raises(Refused) as refused:
        trust.consent(who, relation, purposes, {"photo": HASH})
    assert refused.value.hint and refused.value.zh


@pytest.mark.parametrize("change", [{"agreed": False}, {"who": ""}, {"statement": None}, {"samples": {}}, {"samples": {"photo": "x"}}, {"for": []},
                                    {"relation": "x"}, {"version": 3}, {"scope": "everywhere"}, {"when": 5}])
def test_a_record_that_was_tampered_with_is_none(change):
    record = trust.consent("Ada", "self", ["talk"], {"photo": HASH}) | change
    with pytest.raises(Refused):
        trust.agreed(record)
    with pytest.raises(Refused):
        trust.agreed(None)


def test_consent_holds_for_these_samples_alone():
    record = trust.consent("Ada", "self", ["talk"], {"photo": HASH})
    with pytest.raises(Refused):
        trust.agreed(record, {"photo": HASH, "voice 0": HASH})
