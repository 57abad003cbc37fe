"""What a yes is worth: how far it goes, what it is signed with, and that it can be taken back."""
from __future__ import annotations

import json
import stat
import sys

import pytest
from shelves import ADA, files

from twin import trust
from twin.errors import Refused
from twin.store import Shelf

HASH = trust.digest(b"a photo")


def record(scope="private", *, folder=None, voice=None, **more):
    samples = {"photo": HASH} | ({"voice 0": HASH} if voice is not None else {})
    return trust.consent("Ada", "self", ["speech", "film"], samples, scope=scope, folder=folder, verified={"voice": voice} if voice else None, **more)


def code(work) -> str:
    with pytest.raises(Refused) as refused:
        work()
    assert refused.value.hint and refused.value.zh
    return refused.value.code


@pytest.mark.parametrize(("given", "asked", "goes"), [("private", "link", False), ("private", "public", False), ("link", "link", True),
                                                      ("link", "public", False), ("public", "link", True), ("public", "public", True)])
def test_a_twin_goes_as_far_as_its_consent(given, asked, goes):
    if goes:
        trust.scoped(record(given), asked)
    else:
        assert code(lambda: trust.scoped(record(given), asked)) == "consent-scope"


def test_version_one_is_read_and_private():
    old = {"version": 1, "who": "Ada", "relation": "self", "for": ["talk", "film"], "agreed": True, "when": "2026-01-01T00:00:00+00:00",
           "statement": "I agree.", "language": "en", "samples": {"photo": HASH}}
    assert trust.agreed(old) is old and trust.scope_of(old) == "private"
    trust.allows(old, "talk")
    trust.allows(old, "speech")
    assert code(lambda: trust.scoped(old, "link")) == "consent-scope"
    wider = trust.renewed(old, scope="public")
    trust.scoped(wider, "public")
    assert wider["version"] == 2 and wider["for"] == ["speech", "film"] and wider["samples"] == old["samples"]


def test_a_signed_record_shows_any_change(tmp_path):
    ours = record("link", folder=tmp_path / "here")
    assert trust.vouched(ours, tmp_path / "here") == "here" and trust.vouched(ours, tmp_path / "there") == "elsewhere" == trust.vouched(ours)
    assert trust.vouched(record()) == "nobody"
    again = json.loads(json.dumps(ours, indent=1))
    assert trust.vouched(again, tmp_path / "here") == "here"
    for change in ({"scope": "public"}, {"who": "Eve"}, {"samples": {"photo": trust.digest(b"another")}}, {"signature": "AAAA"}, {"key": "x"}):
        changed = ours | change
        assert trust.vouched(changed, tmp_path / "here") == "broken" and code(lambda c=changed: trust.agreed(c)) == "consent-changed"
    stripped = {name: value for name, value in ours.items() if name != "signature"}
    assert code(lambda: trust.agreed(stripped)) == "consent-changed"


@pytest.mark.skipif(sys.platform == "win32", reason="POSIX permissions")
def test_the_key_is_ours_alone_and_made_once(tmp_path):
    first = record(folder=tmp_path)
    key = tmp_path / "credentials" / "consent.key"
    assert stat.S_IMODE(key.stat().st_mode) == 0o600 and record(folder=tmp_path)["key"] == first["key"]
    assert [path.name for path in key.parent.iterdir()] == ["consent.key"]


def test_what_is_taken_back_does_not_come_back(tmp_path):
    shelf = Shelf(tmp_path)
    yes = record("public", folder=tmp_path)
    whole = files() | {"consent.json": json.dumps(yes).encode()}
    twin = shelf.put(ADA, whole)
    assert not trust.revoked(yes, tmp_path)
    no = trust.revoke(yes, tmp_path)
    for copy in (yes, no, json.loads(json.dumps(yes))):
        assert trust.revoked(copy, tmp_path) and code(lambda c=copy: trust.scoped(c, "link", tmp_path)) == "consent-revoked"
    assert code(lambda: trust.agreed(no)) == "consent-revoked" == code(lambda: trust.allows(no, "film"))
    shelf.delete(ADA, twin.id)
    assert code(lambda: shelf.put(ADA, whole)) == "consent-revoked" and not shelf.list(ADA)


def test_a_voice_goes_public_where_it_was_verified_here(tmp_path):
    sure = {"state": "verified", "why": "", "speaker": 0.83}
    trust.scoped(record("public", folder=tmp_path, voice=sure), "public", tmp_path)
    skipped = {"state": "not verified", "why": "not-asked"}
    unable = {"state": "not verified", "why": "language"}
    trust.scoped(record("link", folder=tmp_path, voice=skipped), "link", tmp_path)
    trust.scoped(record("public", folder=tmp_path, voice=unable), "public", tmp_path)
    assert code(lambda: trust.scoped(record("public", folder=tmp_path, voice=skipped), "public", tmp_path)) == "consent-voice"
    elsewhere = record("public", folder=tmp_path / "other", voice=sure)
    assert code(lambda: trust.scoped(elsewhere, "public", tmp_path)) == "consent-voice", "another installation's word is no check of ours"
    trust.scoped(record("public", folder=tmp_path), "public", tmp_path)
