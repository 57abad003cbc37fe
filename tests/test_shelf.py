"""Own twins: whole or absent whenever the process is killed, their owner's alone, sealed where they should be, gone without a trace."""
from __future__ import annotations

import json
import os
import random
import signal
import stat
import subprocess
import sys
import time

import pytest
from conftest import ROOT
from shelves import ADA, BEA, PHRASE, files

from twin.errors import Locked, Missing, Refused, TwinError
from twin.store import Conversations, Films, Saved, Shelf, new_id
from twin.store.seal import lock, new_key, seal, unlock, unseal

WORDS = "my secret words"


@pytest.fixture
def shelf(tmp_path) -> Shelf:
    return Shelf(tmp_path, caches=(tmp_path / "cache",))


def said(shelf: Shelf, twin: str, text: str = WORDS) -> Saved:
    saved = Saved(new_id(), twin, "en", [{"role": "user", "content": text, "turn": 1}, {"role": "assistant", "content": "Yes.", "turn": 1}])
    Conversations(shelf.data, key=shelf.key).save(ADA, saved)
    return saved


def lies_open(folder, *needles: bytes) -> list[str]:
    return [str(path) for path in folder.rglob("*") if path.is_file() and any(needle in path.read_bytes() for needle in needles)]


def lies(path, *needles: bytes) -> bool:
    return any(needle in path.read_bytes() for needle in needles)


def test_a_twin_comes_back_as_it_was(shelf):
    twin = shelf.put(ADA, files("阿达 Ada"))
    assert twin.id.startswith("ada-") and twin.owner == ADA and twin.card()["own"] and not twin.card()["locked"]
    again = Shelf(shelf.data).get(ADA, twin.id)
    assert again.persona.name == {"zh": "阿达 Ada"} or again.persona.name["en"] == "阿达 Ada"
    assert {name: again.read(name) for name in again.names()} == files("阿达 Ada")
    assert shelf.put(ADA, files("阿达")).id.startswith("twin-")
    with pytest.raises(Missing):
        again.read("face/../consent.json")
    with pytest.raises(Missing):
        again.read("../../token")


def test_another_user_has_no_way_to_it(shelf):
    twin = shelf.put(ADA, files())
    assert shelf.list(BEA) == [] and not shelf.has(BEA, twin.id) and shelf.key(BEA, twin.id) is None
    for act in (shelf.get, shelf.delete, shelf.duplicate):
        with pytest.raises(Missing):
            act(BEA, twin.id)
    for act in (shelf.lock, shelf.unlock):
        with pytest.raises(Missing):
            act(BEA, twin.id, PHRASE)
    with pytest.raises(Missing):
        shelf.replace(BEA, twin.id, files())
    assert shelf.get(ADA, twin.id).persona.facts


@pytest.mark.parametrize("name", ["", "..", "../" + ADA, ".new-1-2", ".gone-x", "a/b", "a\\b", "A", "a" * 70, "x\n"])
def test_a_name_is_never_a_path(shelf, name):
    assert not shelf.has(ADA, name)
    with pytest.raises(Missing):
        shelf.get(ADA, name)
    with pytest.raises(ValueError):
        shelf.list("../" + ADA)


def test_only_known_files_and_bounded_numbers(shelf, monkeypatch):
    for bad in ("face/../../x.webp", "notes.txt", "/etc/passwd", "face/portrait.png"):
        with pytest.raises(Refused):
            shelf.put(ADA, files() | {bad: b"x"})
    monkeypatch.setattr("twin.store.shelf.MOST_TWINS", 1)
    shelf.put(ADA, files())
    with pytest.raises(Refused) as full:
        shelf.put(ADA, files())
    assert full.value.zh and not [path for path in (shelf.root / ADA).iterdir() if path.name.startswith(".")]


@pytest.mark.skipif(sys.platform == "win32", reason="POSIX permissions")
def test_only_the_owner_of_the_process_can_read_it(shelf):
    twin = shelf.put(ADA, files())
    assert stat.S_IMODE(twin.folder.stat().st_mode) == 0o700
    assert {stat.S_IMODE(path.stat().st_mode) for path in twin.folder.rglob("*") if path.is_file()} == {0o600}


def test_a_persona_never_says_where_the_voice_lies(shelf):
    twin = shelf.put(ADA, files() | {"persona.yaml": b"name: Ada\nvoice: {backend: timbre, name: x, folder: /etc, age: 0.5}\n"})
    assert twin.voice.folder == "" and twin.voice.backend == "timbre" and twin.voice.age == 0.5
    own = shelf.put(ADA, files() | {"voice/voice.safetensors": b"weights", "voice/voice.json": b"{}"})
    assert own.voice.folder == str(own.folder / "voice") and own.voice.weights is None
    sealed = shelf.put(ADA, files() | {"voice/voice.safetensors": b"weights"}, passphrase=PHRASE)
    assert sealed.voice.folder == "" and sealed.voice.weights == b"weights" and "weights" not in repr(sealed.voice)


WRITER = """
import sys
sys.path[:0] = [{root!r}, {tests!r}]
from pathlib import Path
from shelves import ADA, files
from twin.store import Shelf
shelf = Shelf(Path(sys.argv[1]))
big = files() | {{"face/eyes.webp": b"x" * 400_000}}
print("ready", flush=True)
while True:
    twin = shelf.put(ADA, big)
    twin = shelf.replace(ADA, twin.id, big | {{"face/eyes.webp": b"y" * 400_000}})
    if len(shelf.list(ADA)) > 4:
        shelf.delete(ADA, twin.id)
"""


@pytest.mark.skipif(sys.platform == "win32", reason="SIGKILL")
def test_killed_at_any_instant_a_twin_is_whole_or_absent(tmp_path):
    writer = WRITER.format(root=str(ROOT), tests=str(ROOT / "tests"))
    random.seed(5)
    seen, wanted = 0, {name: len(data) for name, data in files().items()} | {"face/eyes.webp": 400_000}
    for _ in range(12):
        process = subprocess.Popen([sys.executable, "-c", writer, str(tmp_path)], stdout=subprocess.PIPE)
        assert process.stdout.readline() == b"ready\n"
        time.sleep(random.uniform(0.0, 0.15))
        os.kill(process.pid, signal.SIGKILL)
        process.wait()
        process.stdout.close()
        shelf = Shelf(tmp_path)
        for twin in shelf.list(ADA):
            seen += 1
            assert {name: len(twin.read(name)) for name in twin.names()} == wanted
            assert len(set(twin.read("face/eyes.webp"))) == 1            # the old one or the new one, never a mixture
        assert not list((tmp_path / "twins" / ADA).glob(".*")), "leftovers were swept"
        while len(shelf.list(ADA)) > 3:
            shelf.delete(ADA, shelf.list(ADA)[0].id)
    assert seen > 5


LOCKER = """
import sys, time
sys.path[:0] = [{root!r}, {tests!r}]
from pathlib import Path
from shelves import ADA, PHRASE, files
from twin.store import Conversations, Films, Saved, Shelf, bring_in, export, new_id
shelf = Shelf(Path(sys.argv[1]))
film = Path(sys.argv[1]) / "f.mp4"
film.write_bytes(b"FILM of eleven bees" * 20_000)
talks, films = Conversations(shelf.data, key=shelf.key), Films(shelf)
big = files() | {{"face/eyes.webp": files()["face/portrait.webp"]}}
print("ready", flush=True)
while True:
    twin = shelf.put(ADA, big)
    for n in range(3):
        talks.save(ADA, Saved(new_id(), twin.id, "en", [{{"role": "user", "content": "my secret words" * 50, "turn": 1}}]))
    films.keep(ADA, twin, film)
    shelf.lock(ADA, twin.id, PHRASE)
    other = bring_in(shelf, ADA, export(shelf, shelf.unlock(ADA, twin.id, PHRASE)), PHRASE)
    shelf.delete(ADA, twin.id)
    shelf.delete(ADA, other.id)
"""


@pytest.mark.skipif(sys.platform == "win32", reason="SIGKILL")
def test_killed_while_locking_importing_or_deleting_nothing_of_a_locked_twin_lies_open(tmp_path, monkeypatch):
    monkeypatch.setattr("twin.store.visits.TRIES", 1000)
    monkeypatch.setattr("twin.store.derived.LATE", -1.0)         # no other process is at work here
    locker = LOCKER.format(root=str(ROOT), tests=str(ROOT / "tests"))
    random.seed(7)
    met = {"open": 0, "locked": 0}
    for _ in range(10):
        process = subprocess.Popen([sys.executable, "-c", locker, str(tmp_path)], stdout=subprocess.PIPE)
        assert process.stdout.readline() == b"ready\n"
        time.sleep(random.uniform(0.0, 0.5))
        os.kill(process.pid, signal.SIGKILL)
        process.wait()
        process.stdout.close()
        (tmp_path / "f.mp4").unlink()
        shelf = Shelf(tmp_path)
        talks, here = Conversations(tmp_path, key=shelf.key), {twin.id: twin for twin in shelf.list(ADA)}
        hidden = [path for path in tmp_path.rglob(".*") if path.is_file() or path.name.startswith((".new", ".old", ".gone"))]
        assert hidden == [], "nothing is left half made"
        for name, twin in here.items():
            met["locked" if twin.locked else "open"] += 1
            names = talks.with_twin(ADA, name)
            assert len(names) == len(set(names)), "open or sealed, never both"
            belongs = [path for kind in ("conversations", "films") for path in (tmp_path / kind / ADA).glob("*")
                       if path.stem in names or path.name.startswith(name)]
            if twin.locked:
                assert not [path for path in (*belongs, *twin.folder.rglob("*")) if path.is_file() and lies(path, b"secret", b"eleven", b"Lovelace")]
                shelf.unlock(ADA, name, PHRASE)
            for each in names:
                assert talks.load(ADA, each).history[0]["content"].startswith("my secret words")
            assert set(shelf.files(shelf.get(ADA, name))) == {*files(), "face/eyes.webp"}
            shelf.delete(ADA, name)
        assert not list((tmp_path / "films").rglob("*.mp4*")) and not list((tmp_path / "conversations").rglob("*.j*")), "nothing outlives its twin"
    assert met["open"] + met["locked"] > 3, met


def test_what_a_sudden_end_left_of_any_file_is_swept(shelf):
    twin = shelf.put(ADA, files())
    said(shelf, twin.id)
    gone = f".new-{2**22 + 1}-0a1b2c3d"                  # above the largest number a process can have
    for folder in ("drafts/" + ADA, "films/" + ADA, "conversations/" + ADA, f"twins/{ADA}/{twin.id}", "credentials", "scratch"):
        (shelf.data / folder).mkdir(parents=True, exist_ok=True)
        (shelf.data / folder / gone).write_bytes(b"my secret words")
    (shelf.data / "films" / ADA / f".new-{os.getppid()}-0a1b2c3d").write_bytes(b"another process, at work")
    Shelf(shelf.data)
    assert [path.name for path in shelf.data.rglob(".new-*")] == [f".new-{os.getppid()}-0a1b2c3d"]
    assert shelf.get(ADA, twin.id).persona.facts


def test_what_a_sudden_end_left_is_put_right_at_the_next_start(shelf):
    one, two, three = (shelf.put(ADA, files(name)) for name in ("One", "Two", "Three"))
    kept = said(shelf, three.id)
    (shelf.root / ADA / f".old-{one.id}").mkdir()
    two.folder.rename(two.folder.with_name(f".old-{two.id}"))
    three.folder.rename(three.folder.with_name(f".gone-{three.id}"))
    (shelf.root / ADA / ".new-999999999-ab").mkdir()
    again = Shelf(shelf.data)
    assert {twin.id for twin in again.list(ADA)} == {one.id, two.id}
    assert not list((shelf.root / ADA).glob(".*"))
    with pytest.raises(Missing):
        Conversations(shelf.data).load(ADA, kept.id)


def test_without_consent_nothing_is_kept_whatever_the_way_in(shelf):
    for bad in (None, b"null", b"{", b'{"agreed": true}'):
        given = {name: data for name, data in files().items() if name != "consent.json"} | ({"consent.json": bad} if bad else {})
        with pytest.raises(Refused) as refused:
            shelf.put(ADA, given)
        assert refused.value.code == "consent"
    twin = shelf.put(ADA, files())
    with pytest.raises(Refused):
        shelf.replace(ADA, twin.id, {name: data for name, data in files().items() if name != "consent.json"})
    assert [one.id for one in shelf.list(ADA)] == [twin.id] and shelf.get(ADA, twin.id).read("consent.json") == files()["consent.json"]


def test_what_comes_late_does_not_bring_a_deleted_twin_back(shelf, tmp_path):
    """A film, an edit, a measurement and a conversation that end after the twin was deleted, or locked."""
    twin, film = shelf.put(ADA, files(), passphrase=PHRASE), tmp_path / "f.mp4"
    film.write_bytes(b"film")
    talk = said(shelf, twin.id)
    shelf.forget(ADA)
    for act in (lambda: Films(shelf).keep(ADA, twin, film), lambda: shelf.replace(ADA, twin.id, files()), lambda: shelf.note(ADA, twin.id, "measured.json", b"{}"),
                lambda: said(shelf, twin.id)):
        with pytest.raises(Locked):
            act()
    shelf.delete(ADA, twin.id)
    for act in (lambda: Films(shelf).keep(ADA, twin, film), lambda: shelf.replace(ADA, twin.id, files()), lambda: shelf.note(ADA, twin.id, "measured.json", b"{}"),
                lambda: shelf.lock(ADA, twin.id, PHRASE)):
        with pytest.raises(Missing):
            act()
    assert shelf.list(ADA) == [] and not list((tmp_path / "films").rglob("*.mp4")) and not list((tmp_path / "conversations" / ADA).iterdir()) and talk


def test_an_edit_leaves_what_was_noted_meanwhile(shelf):
    twin = shelf.put(ADA, files())
    before = shelf.files(twin)                           # what an edit begins with
    shelf.note(ADA, twin.id, "published.json", b'{"version": 1, "spaces": []}')
    consent = json.dumps(json.loads(before["consent.json"]) | {"when": "2026-01-01"}).encode()
    shelf.note(ADA, twin.id, "consent.json", consent)
    edited = shelf.replace(ADA, twin.id, before)
    assert edited.read("published.json") == b'{"version": 1, "spaces": []}' and edited.read("consent.json") == consent


def test_a_disk_that_refuses_leaves_nothing(shelf):
    shelf.root.parent.mkdir(exist_ok=True)
    shelf.root.write_text("a file where the folder should be")
    with pytest.raises(TwinError) as error:
        shelf.put(ADA, files())
    assert "TWIN_DATA" in error.value.hint


def test_deleting_takes_everything_along_and_says_so(shelf, tmp_path):
    twin, other = shelf.put(ADA, files()), shelf.put(ADA, files("Other"))
    talks = [said(shelf, twin.id), said(shelf, twin.id)]
    stays = said(shelf, other.id)
    film = tmp_path / "f.mp4"
    film.write_bytes(b"film")
    name = Films(shelf).keep(ADA, twin, film)
    cache = tmp_path / "cache" / twin.id
    cache.mkdir(parents=True)
    (cache / "lines-1.npy").write_bytes(b"embeddings")
    shelf.temporary = tmp_path / "gradio"
    (shelf.temporary / "ab").mkdir(parents=True)
    gone = {item["what"]: item["count"] for item in shelf.delete(ADA, twin.id)}
    assert gone == {"twin": len(files()), "conversations": 2, "films": 1, "caches": 1, "page": 1}
    for saved in talks:
        with pytest.raises(Missing):
            Conversations(tmp_path).load(ADA, saved.id)
    with pytest.raises(Missing):
        Films(shelf).find(ADA, name)
    assert not lies_open(tmp_path / "twins", twin.id.encode()) and not cache.exists() and not list(shelf.temporary.iterdir())
    assert Conversations(tmp_path).load(ADA, stays.id).history and shelf.get(ADA, other.id)


# passphrases -----------------------------------------------------------------------------------------------------------------------------

def test_a_locked_twin_and_what_was_said_with_it_lie_nowhere_open(shelf):
    twin = shelf.put(ADA, files(secret="I keep eleven bees."))
    talk = said(shelf, twin.id)
    (shelf.data / "film.mp4").write_bytes(b"RIFF a film of it")
    film = Films(shelf).keep(ADA, twin, shelf.data / "film.mp4")
    (shelf.data / "film.mp4").unlink()
    locked = shelf.lock(ADA, twin.id, PHRASE)
    assert locked.locked and locked.persona.name == {"en": "Ada"} and not locked.persona.facts and locked.card()["locked"]
    assert lies_open(shelf.data, b"eleven", WORDS.encode(), b"Lovelace", b"RIFF", b"16, 16") == []
    for act in (lambda: locked.read("persona.yaml"), lambda: shelf.key(ADA, twin.id), lambda: shelf.duplicate(ADA, twin.id),
                lambda: shelf.lock(ADA, twin.id, "another phrase"), lambda: shelf.unlock(ADA, twin.id, "wrong phrase")):
        with pytest.raises(Locked):
            act()
    talks = Conversations(shelf.data, key=shelf.key)
    assert talks.list(ADA) == []
    with pytest.raises(Locked):
        talks.load(ADA, talk.id)
    with pytest.raises(Locked):
        Films(shelf).find(ADA, film)
    opened = shelf.unlock(ADA, twin.id, PHRASE)
    assert Films(shelf).find(ADA, film)[1] == b"RIFF a film of it"
    assert opened.read("lines.en.yaml") == files()["lines.en.yaml"] and opened.persona.facts
    assert talks.load(ADA, talk.id).history == talk.history
    more = said(shelf, twin.id, "another secret")
    assert lies_open(shelf.data, b"another secret", WORDS.encode()) == []
    assert {item["id"] for item in talks.list(ADA)} == {talk.id, more.id}
    shelf.forget(ADA)
    assert shelf.get(ADA, twin.id).locked and talks.list(ADA) == []
    gone = {item["what"]: item["count"] for item in shelf.delete(ADA, twin.id)}        # without the passphrase: to forget needs no key
    assert gone["conversations"] == 2 and not list((shelf.data / "conversations" / ADA).iterdir())


def test_unlocking_lasts_one_visit(shelf, monkeypatch):
    twin = shelf.put(ADA, files(), passphrase=PHRASE)
    assert not twin.locked
    assert Shelf(shelf.data).get(ADA, twin.id).locked, "another process knows nothing of it"
    now = time.monotonic()
    monkeypatch.setattr("twin.store.visits.time.monotonic", lambda: now + 10_000)
    shelf.present = lambda owner: True
    assert not shelf.get(ADA, twin.id).locked, "a page is open"
    shelf.present = lambda owner: False
    monkeypatch.setattr("twin.store.visits.time.monotonic", lambda: now + 20_000)
    assert shelf.get(ADA, twin.id).locked


def test_guessing_is_slowed(shelf):
    twin = shelf.put(ADA, files(), passphrase=PHRASE)
    shelf.forget(ADA)
    for _ in range(5):
        with pytest.raises(Locked):
            shelf.unlock(ADA, twin.id, "not this one")
    with pytest.raises(Refused) as often:
        shelf.unlock(ADA, twin.id, PHRASE)
    assert often.value.code == "too-often"


def test_locking_twice_keeps_what_was_said_under_the_new_passphrase(shelf):
    twin = shelf.put(ADA, files(), passphrase=PHRASE)
    talk = said(shelf, twin.id)
    shelf.lock(ADA, twin.id, "a new passphrase")
    with pytest.raises(Locked):
        shelf.unlock(ADA, twin.id, PHRASE)
    shelf.unlock(ADA, twin.id, "a new passphrase")
    assert Conversations(shelf.data, key=shelf.key).load(ADA, talk.id).history == talk.history


def test_a_journal_grows_by_turns_and_survives_a_torn_end(shelf):
    twin = shelf.put(ADA, files(), passphrase=PHRASE)
    talks = Conversations(shelf.data, key=shelf.key, most_bytes=20_000)
    saved = Saved(new_id(), twin.id, "en", [])
    sizes = []
    for turn in range(1, 6):
        saved.history = [*saved.history, {"role": "user", "content": f"question {turn}", "turn": turn}, {"role": "assistant", "content": "yes", "turn": turn}]
        talks.save(ADA, saved)
        path = next((shelf.data / "conversations" / ADA).iterdir())
        sizes.append(path.stat().st_size)
    steps = [b - a for a, b in zip(sizes, sizes[1:])]
    assert max(steps) < 1.2 * min(steps), "a turn is appended, not the whole written again"
    whole = path.read_bytes()
    path.write_bytes(whole[:-7])
    assert [m["turn"] for m in talks.load(ADA, saved.id).history] == [1, 1, 2, 2, 3, 3, 4, 4]
    talks.save(ADA, saved)
    assert talks.load(ADA, saved.id).history == saved.history
    saved.history = saved.history[:2]                    # a rewind
    talks.save(ADA, saved)
    assert talks.load(ADA, saved.id).history == saved.history
    for turn in range(2, 400):
        saved.history = [*saved.history, {"role": "user", "content": "x" * 200, "turn": turn}]
        if turn % 40 == 0:
            talks.save(ADA, saved)
    assert path.stat().st_size <= 20_000 and talks.load(ADA, saved.id).history[-1]["turn"] == 360
    damaged = bytearray(path.read_bytes())
    damaged[60] ^= 1
    path.write_bytes(damaged)
    with pytest.raises(Missing):
        talks.load(ADA, saved.id)


def test_on_a_shared_server_everything_is_under_its_key_or_nothing_is_taken(tmp_path, monkeypatch):
    monkeypatch.setenv("TWIN_KEY", "k" * 32)
    shelf = Shelf(tmp_path, shared=True)
    twin = shelf.put(ADA, files())
    said(shelf, twin.id)
    assert not twin.locked and not shelf.guarded(ADA, twin.id) and lies_open(tmp_path, b"eleven", WORDS.encode(), b"RIFF") == []
    assert Shelf(tmp_path, shared=True).get(ADA, twin.id).read("face/rig.json") == files()["face/rig.json"]
    locked = shelf.lock(ADA, twin.id, PHRASE)
    assert locked.locked and not shelf.unlock(ADA, twin.id, PHRASE).locked
    monkeypatch.setenv("TWIN_KEY", "another key of thirty-two letters")
    with pytest.raises(Refused):
        Shelf(tmp_path, shared=True).unlock(ADA, twin.id, PHRASE)
    monkeypatch.delenv("TWIN_KEY")
    bare = Shelf(tmp_path, shared=True)
    with pytest.raises(Refused) as error:
        bare.admit()
    assert "TWIN_KEY" in error.value.hint and error.value.zh
    monkeypatch.setenv("TWIN_KEY", "short")
    with pytest.raises(Refused):
        Shelf(tmp_path, shared=True)


def test_boxes_and_seals():
    key = new_key()
    assert unlock(lock(key, PHRASE), PHRASE) == key and unlock(lock(key, PHRASE, b"s" * 32), PHRASE, b"s" * 32) == key
    sealed = seal(key, b"words", "here")
    assert unseal(key, sealed, "here") == b"words" and seal(key, b"words", "here") != sealed
    for bad in ((new_key(), sealed, "here"), (key, sealed, "there"), (key, sealed[:-1], "here"), (key, b"", "here")):
        with pytest.raises(Refused):
            unseal(*bad)
    with pytest.raises(Refused):
        lock(key, "short")
    for box in ({}, {"wrapped": "?"}, lock(key, PHRASE) | {"log_n": 40}, lock(key, PHRASE) | {"salt": ""}):
        with pytest.raises((Refused, Locked)):
            unlock(box, PHRASE)
