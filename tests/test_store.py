"""Twins and conversations on disk: a damaged twin is left out, another user's conversation is not there, nothing half-written remains."""
from __future__ import annotations

import json
import logging
import shutil
import stat
import sys
import threading

import pytest
from conftest import ROOT

from twin.errors import Missing, TwinError
from twin.store import Conversations, Saved, Twins, load_twin, new_id

ADA, BEA = "a" * 64, "b" * 64


def said(text: str, turn: int = 1) -> list[dict]:
    return [{"role": "user", "content": text, "turn": turn}, {"role": "assistant", "content": "Yes.", "turn": turn}]


@pytest.fixture
def kept(tmp_path) -> Conversations:
    return Conversations(tmp_path)


def test_the_default_twins_load():
    twins = Twins()
    assert {"maya", "kofi", "lin", "hao"} <= set(twins) and not twins.trouble
    card = twins["maya"].card()
    assert card["name"]["en"] == "Maya Torres" and card["face"] == "/media/twins/maya/face/" and twins["maya"].voice.name
    assert twins.first("lin").id == "lin" and twins.first("nobody").id in twins


def test_a_damaged_twin_is_left_out_and_named(tmp_path, caplog):
    shutil.copytree(ROOT / "assets" / "twins" / "maya", tmp_path / "maya")
    (tmp_path / "broken").mkdir()
    (tmp_path / "broken" / "persona.yaml").write_text("name: [")
    (tmp_path / "empty").mkdir()
    (tmp_path / "Bad Name").mkdir()
    (tmp_path / "binary").mkdir()
    (tmp_path / "binary" / "persona.yaml").write_bytes(b"\xff\xfe\x00")
    with caplog.at_level(logging.WARNING):
        twins = Twins(tmp_path)
    assert list(twins) == ["maya"] and len(twins.trouble) == 4
    assert all(error.message and error.hint for error in twins.trouble) and "broken" in caplog.text


def test_no_twin_at_all_says_what_to_do(tmp_path):
    with pytest.raises(Missing) as missing:
        Twins(tmp_path / "nowhere").first()
    assert missing.value.hint
    with pytest.raises(TwinError):
        load_twin(tmp_path / "nobody")


def test_a_conversation_comes_back(kept):
    saved = Saved(new_id(), "maya", "zh", said("你好 😀\n second line"))
    kept.save(ADA, saved)
    back = kept.load(ADA, saved.id)
    assert (back.twin, back.language, back.history) == ("maya", "zh", saved.history)
    assert kept.list(ADA) == [{"id": saved.id, "twin": "maya", "title": "你好 😀 second line", "when": back.when}]
    kept.forget(ADA, saved.id)
    assert kept.list(ADA) == []
    with pytest.raises(Missing):
        kept.forget(ADA, saved.id)


def test_a_reply_cut_off_before_a_word_was_heard_comes_back(kept):
    history = [{"role": "user", "content": "Why?", "turn": 1}, {"role": "assistant", "content": "", "turn": 1, "cut": "Because."},
               {"role": "assistant", "content": "", "turn": 2}]
    saved = Saved(new_id(), "maya", "en", history)
    kept.save(ADA, saved)
    assert kept.load(ADA, saved.id).history == history[:2]


def test_another_user_gets_nothing(kept):
    saved = Saved(new_id(), "maya", "en", said("a secret"))
    kept.save(ADA, saved)
    assert kept.list(BEA) == []
    for do in (kept.load, kept.forget):
        with pytest.raises(Missing):
            do(BEA, saved.id)
    assert kept.load(ADA, saved.id).history


@pytest.mark.parametrize("name", ["", "..", "../" + "a" * 64, "a" * 31, "A" * 32, "a" * 32 + "\n", "a" * 32 + "/x", None, 7])
def test_a_name_is_never_a_path(kept, name):
    with pytest.raises(Missing):
        kept.load(ADA, name)
    with pytest.raises(ValueError):
        kept.list("../" + ADA)


@pytest.mark.skipif(sys.platform == "win32", reason="POSIX permissions")
def test_only_the_owner_of_the_process_can_read_it(kept):
    saved = Saved(new_id(), "maya", "en", said("hi"))
    kept.save(ADA, saved)
    file = next(kept.root.rglob("*.json"))
    assert stat.S_IMODE(file.stat().st_mode) == 0o600 and stat.S_IMODE(file.parent.stat().st_mode) == 0o700


def test_number_and_size_are_bounded_and_the_newest_stay(tmp_path):
    kept = Conversations(tmp_path, most=3, most_bytes=4000)
    ids = []
    for i in range(5):
        saved = Saved(new_id(), "maya", "en", said(f"number {i}"))
        ids.append(saved.id)
        kept.save(ADA, saved)
    assert len(kept.list(ADA)) == 3 and ids[-1] in [item["id"] for item in kept.list(ADA)]
    long = Saved(new_id(), "maya", "en", [m for i in range(200) for m in said(f"message {i} " * 5, i + 1)])
    kept.save(ADA, long)
    back = kept.load(ADA, long.id)
    assert 0 < len(back.history) < 400 and back.history[-2:] == long.history[-2:]


@pytest.mark.parametrize("damage", ["", "{", "[]", '{"history": 3}',
                                    '{"twin":"m","language":"en","when":1,"history":[{"role":"user"}]}', "[" * 50_000])
def test_a_damaged_file_is_no_conversation_and_no_crash(kept, damage):
    saved = Saved(new_id(), "maya", "en", said("hi"))
    kept.save(ADA, saved)
    next(kept.root.rglob("*.json")).write_text(damage)
    assert kept.list(ADA) == []
    with pytest.raises(Missing):
        kept.load(ADA, saved.id)


def test_writers_at_once_leave_one_whole_file(kept):
    name = new_id()
    texts = [f"version {i} " * 200 for i in range(8)]
    threads = [threading.Thread(target=kept.save, args=(ADA, Saved(name, "maya", "en", said(text)))) for text in texts]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert kept.load(ADA, name).history[0]["content"] in texts
    assert [path.suffix for path in kept.root.rglob("*") if path.is_file()] == [".json"]


def test_a_disk_that_refuses_is_told_with_a_way_out(tmp_path):
    (tmp_path / "conversations").write_text("a file where the folder should be")
    with pytest.raises(TwinError) as error:
        Conversations(tmp_path).save(ADA, Saved(new_id(), "maya", "en", said("hi")))
    assert "TWIN_DATA" in error.value.hint


def test_what_was_said_is_not_logged(kept, caplog):
    with caplog.at_level(logging.DEBUG):
        saved = Saved(new_id(), "maya", "en", said("my secret words"))
        kept.save(ADA, saved)
        next(kept.root.rglob("*.json")).write_text(json.dumps({"history": "my secret words"}))
        kept.list(ADA)
    assert "secret" not in caplog.text
