"""From a photo, a voice and a few lines to a twin: what is given is kept, cancelling leaves nothing, consent is asked for on every way in."""
from __future__ import annotations

import io
import json
import os
import re
import signal
import subprocess
import sys
import time
import wave

import numpy as np
import pytest
from conftest import ROOT, command
from PIL import Image
from shelves import ADA, PHRASE

from persona.card import CardError
from twin.create import Drafts, build
from twin.create.build import edited, fields_of
from twin.errors import Refused, TwinError
from twin.store import Shelf

YES = {"agreed": True, "who": "A tester", "relation": "permission", "for": ["talk", "film"]}


def photo(size: int = 512) -> bytes:
    from skimage.data import astronaut
    out = io.BytesIO()
    Image.fromarray(astronaut()).resize((size, size)).save(out, "JPEG", quality=92)
    return out.getvalue()


@pytest.fixture
def drafts(tmp_path):
    made = Drafts(Shelf(tmp_path))
    yield made
    made.close()


def filled(draft, **fields) -> None:
    draft.photo(photo())
    draft.persona({"name": "Eileen", "description": "An astronaut.", "facts": ["I flew to space."], "examples": [["What do you do?", "I fly."]]} | fields)
    draft.agree(YES)


def remains(shelf: Shelf) -> list[str]:
    own = [path for path in shelf.data.rglob("*") if path.is_file() and path.parent.name != "credentials"]      # the installation's own keys
    memory = [path for place in (f"/dev/shm/twin-{os.getuid()}",) if os.path.isdir(place) for path in os.listdir(place) if path.startswith(f".new-{os.getpid()}-")]
    return [str(path) for path in own] + memory


def test_a_twin_is_built_step_by_step_and_the_draft_goes(drafts):
    with drafts.of(ADA) as draft:
        filled(draft)
        steps = list(build(drafts.shelf, draft))
    done = [step.done for step in steps]
    assert done == sorted(done) and done[0] == 0.0 and done[-1] == 1.0 and all(step.en and step.zh for step in steps)
    assert list(dict.fromkeys(step.step for step in steps)) == ["check", "face", "character", "keep", "done"]
    twin = steps[-1].twin
    assert set(twin.names()) == {"persona.yaml", "lines.en.yaml", "consent.json", "measured.json", "face/rig.json",
                                 *(f"face/{part}.webp" for part in ("portrait", "background", "eyes", "iris", "mouth", "depth"))}
    record, measured = json.loads(twin.read("consent.json")), json.loads(twin.read("measured.json"))
    assert record["who"] == "A tester" and set(record["samples"]) == {"photo"} and measured["persona"]["facts"] == 1 and measured["face"]["report"]
    assert not (drafts.root / ADA).exists()
    assert fields_of(twin)["examples"] == [["What do you do?", "I fly."]]
    again = edited(drafts.shelf, twin, {"name": "Eileen Collins", "facts": ["I flew twice."]})
    assert again.id == twin.id and again.persona.name == {"en": "Eileen Collins"} and again.read("face/portrait.webp") == twin.read("face/portrait.webp")
    with pytest.raises(CardError):
        edited(drafts.shelf, twin, {"name": ""})
    assert drafts.shelf.get(ADA, twin.id).persona.name == {"en": "Eileen Collins"}


def test_a_draft_survives_a_restart_and_a_new_photo_takes_the_consent_back(drafts):
    with drafts.of(ADA) as draft:
        filled(draft)
        told = json.loads(json.dumps(draft.told()))
    later = Drafts(Shelf(drafts.shelf.data))
    with later.of(ADA) as draft:
        assert draft.told() == told and draft.missing == []
        draft.photo(photo(640))
        assert draft.missing == ["consent"]
        with pytest.raises(Refused):
            next(step for step in build(later.shelf, draft) if step.step == "face")
        draft.agree(YES)
        draft.agree({"agreed": False})
        assert draft.missing == ["consent"]


@pytest.mark.parametrize("at", ["check", "face", "keep"])
def test_cancelling_at_any_step_leaves_the_draft_and_nothing_else(drafts, at):
    with drafts.of(ADA) as draft:
        filled(draft)
        before = remains(drafts.shelf)
        steps = build(drafts.shelf, draft)
        next(step for step in steps if step.step == at)
        steps.close()
        assert remains(drafts.shelf) == before and draft.missing == [] and drafts.shelf.list(ADA) == []
        draft.throw_away()
    assert remains(drafts.shelf) == []


def test_without_consent_nothing_is_built_even_when_a_record_is_forged(drafts):
    with drafts.of(ADA) as draft:
        filled(draft)
        draft.state["consent"] = draft.state["consent"] | {"agreed": "yes"}
        draft.keep()
        with pytest.raises(Refused) as refused:
            list(build(drafts.shelf, draft))
        assert refused.value.code == "consent" and drafts.shelf.list(ADA) == []


def test_behind_a_passphrase_from_the_start(drafts):
    with drafts.of(ADA) as draft:
        filled(draft, name="Zerubbabel")
        twin = list(build(drafts.shelf, draft, PHRASE))[-1].twin
    assert not twin.locked and twin.read("face/rig.json")
    drafts.shelf.forget(ADA)
    assert drafts.shelf.get(ADA, twin.id).locked
    assert not [path for path in drafts.shelf.data.rglob("*") if path.is_file() and (b"I flew" in path.read_bytes() or b"WEBP" in path.read_bytes())]
    with drafts.of(ADA) as draft:
        filled(draft)
        with pytest.raises(Refused):
            list(build(drafts.shelf, draft, "short"))
        assert len(drafts.shelf.list(ADA)) == 1 and draft.missing == []


def test_no_face_and_many_faces_wait_for_a_choice(drafts):
    two = io.BytesIO()
    from skimage.data import astronaut
    Image.fromarray(np.concatenate([astronaut(), astronaut()], 1)).save(two, "JPEG", quality=92)
    plain = io.BytesIO()
    Image.fromarray((np.random.default_rng(1).random((300, 300, 3)) * 30 + 100).astype(np.uint8)).save(plain, "PNG")
    with drafts.of(ADA) as draft:
        draft.photo(two.getvalue())
        told = draft.told()["photo"]
        assert len(told["faces"]) == 2 and told["chosen"] is None and "face" in draft.missing
        draft.face(1)
        assert draft.told()["photo"]["chosen"] == 1 and "face" not in draft.missing
        with pytest.raises(Refused):
            draft.face(7)
        draft.photo(plain.getvalue())
        told = draft.told()["photo"]
        assert told["faces"] == [] and told["marks"] and told["report"] and "face" in draft.missing
        draft.face(points=told["marks"])
        assert draft.told()["photo"]["placed"] and "face" not in draft.missing
        kept = draft.told()
        with pytest.raises(TwinError):
            draft.photo(b"no picture")
        assert draft.told() == kept, "a bad file changes nothing"


def spoken(seconds: float) -> bytes:
    """espeak as the person: real speech without a recording."""
    from twin.speak.espeak import Espeak
    from twin.types import Mood, Voice
    sound: list[np.ndarray] = []
    while sum(map(len, sound)) < seconds * 24_000:
        text = "The young chef thought that fresh garlic would be a good choice for the soup."
        sound += [piece.audio.samples for piece in Espeak().speak(text, Voice(name="f3"), Mood(), "en") if piece.audio]
    out = io.BytesIO()
    with wave.open(out, "wb") as file:
        file.setparams((1, 2, 24_000, 0, "NONE", ""))
        file.writeframes((np.concatenate(sound) * 32767).astype("<i2").tobytes())
    return out.getvalue()


def test_a_voice_is_learned_beside_and_comes_with_the_twin(drafts):
    with drafts.of(ADA) as draft:
        draft.voice(spoken(4.2), "0")
        told = draft.told()["voice"]
        assert told["clips"][0]["k"] == "0" and told["clips"][0]["report"] and told["training"]["done"] < 1 and "consent" in draft.missing
        filled(draft)
        assert set(draft.samples()) == {"photo", "voice 0"}
        steps = list(build(drafts.shelf, draft))
    twin = steps[-1].twin
    assert "voice" in {step.step for step in steps} and twin.voice.backend == "timbre" and twin.voice.folder == str(twin.folder / "voice")
    assert len(twin.read("voice/voice.safetensors")) > 100 and json.loads(twin.read("measured.json"))["voice"]["kind"]
    assert not [name for name in remains(drafts.shelf) if ".wav" in name or "scratch" in name]


def test_a_new_recording_starts_the_learning_anew_and_throwing_away_ends_it(drafts):
    with drafts.of(ADA) as draft:
        draft.voice(spoken(4.2), "0")
        first = drafts.training.run(ADA, draft)
        draft.voice(spoken(4.2), "1")
        second = drafts.training.run(ADA, draft)
        assert first.stopped.is_set() and second is not first
        drafts.training.later(ADA, draft, 0.0)
    began = time.monotonic()
    while second.process is None:
        time.sleep(0.05)
        assert time.monotonic() - began < 10
    with drafts.of(ADA) as draft:
        draft.throw_away()
    assert second.over.wait(5) and second.process.poll() is not None and remains(drafts.shelf) == []


def test_create_list_export_import_delete_on_the_command_line(tmp_path):
    picture, data = tmp_path / "a.jpg", str(tmp_path / "data")
    picture.write_bytes(photo())
    unsaid = command("create", "--photo", str(picture), "--name", "Eileen", TWIN_DATA=data)
    assert unsaid.returncode == 1 and "digital twin is made" in unsaid.stderr and "--consent" in unsaid.stderr
    made = subprocess.run([sys.executable, "-m", "twin", "create", "--photo", str(picture), "--name", "Eileen", "--consent", "A tester", "--relation", "permission"],
                          cwd=ROOT, capture_output=True, text=True, timeout=200, env={**os.environ, "TWIN_DATA": data})
    assert made.returncode == 0, made.stderr
    name = made.stdout.split()[0]
    assert re.fullmatch(r"eileen-[0-9a-f]{6}", name) and "100%" in made.stderr
    assert name in command("list", TWIN_DATA=data).stdout
    card = next((tmp_path / "data" / "twins").glob(f"*/{name}/measured.json"))
    lips = json.loads(card.read_text())["lips"]
    assert lips["closed"] <= 0.03 < 0.1 <= lips["open"], "its lips close and its mouth opens, as the card says"
    bundle = tmp_path / "e.twin"
    assert command("export", name, "-o", str(bundle), "--passphrase", TWIN_DATA=data, TWIN_PASSPHRASE=PHRASE).returncode == 0
    gone = command("delete", name, TWIN_DATA=data)
    assert gone.returncode == 0 and "removed" in gone.stdout and name not in command("list", TWIN_DATA=data).stdout
    bundle.write_bytes(bundle.read_bytes()[:-50])
    cut = command("import", str(bundle), TWIN_DATA=data, TWIN_PASSPHRASE=PHRASE)
    assert cut.returncode == 1 and "Traceback" not in cut.stderr and ("damaged" in cut.stderr or "no twin" in cut.stderr)
    assert command("delete", name, TWIN_DATA=data).returncode == 1


@pytest.mark.skipif(sys.platform == "win32", reason="SIGKILL")
def test_killed_while_building_leaves_no_twin(tmp_path):
    picture, data = tmp_path / "a.jpg", tmp_path / "data"
    picture.write_bytes(photo())
    process = subprocess.Popen([sys.executable, "-m", "twin", "create", "--photo", str(picture), "--name", "E", "--consent", "T"], cwd=ROOT,
                               stderr=subprocess.PIPE, text=True, env={**os.environ, "TWIN_DATA": str(data)})
    for line in process.stderr:
        if "cutting" in line:
            process.send_signal(signal.SIGKILL)
    process.wait()
    process.stderr.close()
    shelf = Shelf(data)
    assert not [path for path in (data / "twins").rglob("*") if path.is_file()] and remains(shelf) == [str(data / "token")]
    left = f"/dev/shm/twin-{os.getuid()}"
    assert not os.path.isdir(left) or not [name for name in os.listdir(left) if name.startswith(f".new-{process.pid}-")]
