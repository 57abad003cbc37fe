"""What people say, who they are and what opens their things never reaches a log: a whole life of a twin, listened to at the loudest level."""
from __future__ import annotations

import io
import json
import logging

import numpy as np
import pytest
from PIL import Image
from shelves import files

from twin import me, trust
from twin.create import Drafts
from twin.errors import TwinError
from twin.share.withdraw import withdraw
from twin.store import Conversations, Saved, Shelf, bring_in, export, new_id
from twin.trust.check import check
from twin.users import who

TOKEN = "5e" * 32
SECRETS = ("Zerubbabel", "harbour lights", "correct horse battery", TOKEN, "hf_abcdefghijklmnop", "415 555 2671")


def test_a_whole_life_leaves_no_word_in_the_log(tmp_path, caplog):
    caplog.set_level(logging.DEBUG)
    user, shelf = who({"token": TOKEN}), Shelf(tmp_path)
    drafts = Drafts(shelf)
    photo = io.BytesIO()
    Image.fromarray(np.full((400, 400, 3), 128, np.uint8)).save(photo, "PNG")
    with drafts.of(user.id, user.key) as draft:
        draft.persona({"name": "Zerubbabel", "facts": ["The harbour lights are mine."]})
        draft.photo(photo.getvalue())
        draft.chat(b"Zerubbabel: Where are the harbour lights?\nBen: Call me at 415 555 2671.\nZerubbabel: I will.\nBen: Good.\n", "Ben")
        draft.agree({"agreed": True, "who": "Zerubbabel", "relation": "self", "for": ["speech"]})
        for wrong in (b"", b"no picture", b"\x89PNG\r\n\x1a\n" + b"harbour lights"):
            with pytest.raises(TwinError):
                draft.photo(wrong)
    record = trust.consent("Zerubbabel", "self", ["speech", "film"], {"photo": trust.digest(b"x")}, scope="public", folder=tmp_path)
    whole = files("Zerubbabel", "The harbour lights are mine.") | {"consent.json": json.dumps(record).encode()}
    twin = shelf.put(user.id, whole, passphrase="correct horse battery")
    talks = Conversations(tmp_path, key=shelf.key)
    talks.save(user.id, Saved(new_id(), twin.id, "en", [{"role": "user", "content": "the harbour lights", "turn": 1}]))
    data = export(shelf, twin)
    check(data, "Zerubbabel.twin", tmp_path)
    with pytest.raises(TwinError):
        bring_in(shelf, user.id, data, "another passphrase")
    shelf.forget(user.id, twin.id)
    with pytest.raises(TwinError):
        shelf.unlock(user.id, twin.id, "harbour lights")
    shelf.unlock(user.id, twin.id, "correct horse battery")

    def nobody():
        raise TwinError("nobody is signed in")
    withdraw(shelf, shelf.get(user.id, twin.id), nobody)
    with drafts.of(user.id, user.key) as draft:
        me.handed_over(shelf, user.id, draft, tmp_path / "me.zip")
        draft.throw_away()
    me.erased(shelf, user.id, nobody)
    drafts.close()
    said = caplog.text
    assert "a consent was taken back" in said, "there is a log to look at"
    assert not [secret for secret in SECRETS if secret in said]
