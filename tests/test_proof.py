"""What is checked of a consent: a fresh sentence that its owner reads aloud, and a face before the camera. Real speech, real faces."""
from __future__ import annotations

import io
import wave
from functools import cache

import numpy as np
import pytest
from shelves import ADA

from twin import trust
from twin.create import Drafts, proof
from twin.errors import Missing, Refused
from twin.store import Shelf
from twin.trust import challenge, likeness, voiceprint

soundfile = pytest.importorskip("soundfile")
needs_voice = pytest.mark.skipif(not voiceprint.ready() or not challenge.ready(), reason="pocketsphinx or resemblyzer is not installed")
SENTENCE = "printing then for our purpose may be considered as the art of making books by means of movable types"


@cache
def line(path, seconds=30.0):
    """float32 at 16 kHz."""
    import soxr
    sound, rate = soundfile.read(path, dtype="float32")
    return np.asarray(soxr.resample(sound[: int(seconds * rate)], rate, 16_000), np.float32)


def wav(sound, rate=16_000) -> bytes:
    out = io.BytesIO()
    with wave.open(out, "wb") as file:
        file.setparams((1, 2, rate, 0, "NONE", ""))
        file.writeframes((np.clip(sound, -1, 1) * 32767).astype("<i2").tobytes())
    return out.getvalue()


@pytest.fixture
def reader(speech_data):
    """(words of one sentence, its recording, another sentence's recording) of LJ Speech."""
    rows = dict(row.split("|", 1) for row in (speech_data / "ljspeech" / "transcripts.txt").read_text(encoding="utf-8").splitlines() if row.strip())
    return rows["LJ001-0010"], line(speech_data / "ljspeech" / "LJ001-0010.flac"), line(speech_data / "ljspeech" / "LJ001-0004.flac")


def telling(text):
    return [word for word in challenge._plain(text) if len(word) >= 6]


@needs_voice
def test_the_sentence_that_was_read_wins_and_another_does_not(reader):
    text, right, wrong = reader
    assert challenge.heard(right, text, telling(text)).right
    other = challenge.heard(wrong, text, telling(text))
    assert not other.right and other.share < 0.5
    hiss = np.random.default_rng(2).normal(0, 0.1, 80_000).astype(np.float32)
    assert not challenge.heard(hiss, text, telling(text)).right


@needs_voice
def test_some_words_right_are_not_enough(reader):
    text, right, _ = reader
    words = challenge._plain(text)
    changed = [challenge.WORDS[k] if len(word) >= 6 and k % 2 else word for k, word in enumerate(words)]
    assert changed != words and not challenge.heard(right, " ".join(changed), [word for word in changed if len(word) >= 6]).right


def test_a_sentence_is_fresh_and_its_words_are_known():
    one, two = challenge.fresh("x"), challenge.fresh("x")
    assert one.text != two.text and one.id != two.id and len(set(one.words)) == challenge.RANDOM and set(one.words) <= set(challenge.WORDS)
    assert len(challenge.WORDS) == len(set(challenge.WORDS)) > 250
    assert all(word in one.text for word in one.words)


@pytest.mark.parametrize(("change", "code"), [({"name": "another"}, "sentence-used"), ({"later": 300}, "sentence-late"), ({"later": -5}, "sentence-late"),
                                              ({"about": "others"}, "sentence-other"), ({"kept": None}, "sentence-used"), ({"kept": {"id": 5}}, "sentence-used")])
def test_a_sentence_serves_once_in_time_and_for_its_own_samples(change, code):
    given = challenge.fresh("mine")
    kept = change["kept"] if "kept" in change else given.kept()
    with pytest.raises(Refused) as refused:
        challenge.taken(kept, change.get("name", given.id), change.get("about", "mine"), given.made + change.get("later", 10))
    assert refused.value.code == code and refused.value.zh
    assert challenge.taken(given.kept(), given.id, "mine", given.made + 10) == given


@needs_voice
def test_one_reader_is_told_from_another(speech_data):
    folder = speech_data / "librispeech" / "ten_each"
    mine = [line(path) for path in sorted((folder / "1998").glob("*.flac"))[:4]]
    other = line(sorted((folder / "1688").glob("*.flac"))[0])
    samples = {str(k): sound for k, sound in enumerate(mine[1:])}
    same = voiceprint.alike(mine[0], samples)
    assert same.same and same.together > same.least
    assert not voiceprint.alike(other, samples).same
    mixed = voiceprint.alike(mine[0], samples | {"hers": other})
    assert not mixed.same and mixed.worst == "hers", "every sample is compared, not their mean alone"


@needs_voice
def test_a_telephone_a_room_and_noise_change_no_speaker(speech_data):
    from bench.consent import codec, noise, room, through
    folder = speech_data / "librispeech" / "ten_each"
    mine = [line(path, 8.0) for path in sorted((folder / "1998").glob("*.flac"))[:3]]
    other = line(sorted((folder / "2033").glob("*.flac"))[0], 8.0)
    samples = {str(k): sound for k, sound in enumerate(mine[1:])}
    for way in (codec, noise, room):
        assert voiceprint.alike(through(mine[0], [way], 1), samples).same
        assert not voiceprint.alike(through(other, [way], 1), samples).same


@needs_voice
def test_the_encoder_says_what_resemblyzers_own_says(speech_data):
    torch = pytest.importorskip("torch")
    state = torch.load(voiceprint.checkpoint(), map_location="cpu", weights_only=True)["model_state"]
    lstm = torch.nn.LSTM(voiceprint.MELS, 256, 3, batch_first=True)
    lstm.load_state_dict({name[5:]: value for name, value in state.items() if name.startswith("lstm.")})
    sound = line(speech_data / "austen_0870.wav", 4.0)
    windows = voiceprint._windows(sound)
    with torch.no_grad():
        raw = torch.relu(lstm(torch.from_numpy(windows))[1][0][-1] @ state["linear.weight"].T + state["linear.bias"])
        mean = torch.nn.functional.normalize(torch.nn.functional.normalize(raw, dim=1).mean(0), dim=0).numpy()
    assert np.abs(voiceprint.encoded([sound])[0] - mean).max() < 1e-5


@pytest.fixture
def draft(tmp_path, speech_data, monkeypatch):
    """Two recordings of one reader handed in; `challenge.fresh` gives sentences that this reader has read on other days."""
    drafts = Drafts(Shelf(tmp_path))
    monkeypatch.setattr(drafts.training, "later", lambda *_, **__: None)
    with drafts.of(ADA) as one:
        for k, name in enumerate(("LJ001-0001", "LJ001-0016")):
            one.voice(wav(line(speech_data / "ljspeech" / f"{name}.flac")), str(k), "", "en", own_text=True)
        yield one
    drafts.close()


def given(draft, text):
    """The draft's sentence, as if chance had drawn the one this reader has read."""
    asked = proof.sentence(draft)
    draft.state["challenge"] |= {"text": text, "words": telling(text)}
    return asked["id"]


@needs_voice
def test_the_owner_reads_and_the_record_says_so(draft, reader):
    text, right, wrong = reader
    draft.agree({"agreed": True, "who": "Ada", "relation": "self", "for": ["speech"], "scope": "public"})
    assert draft.state["consent"]["verified"]["voice"] == {"state": "not verified", "why": "not-asked"}
    with pytest.raises(Refused):
        trust.scoped(draft.state["consent"], "public", draft.drafts.shelf.data)
    name = given(draft, text)
    told = proof.spoken(draft, name, wav(right))
    assert told["result"]["state"] == "verified" and told["result"]["speaker"] > voiceprint.SAME and told["result"]["sentence"] == 1.0
    record = draft.state["consent"]
    assert record["verified"]["voice"]["state"] == "verified" and trust.vouched(record, draft.drafts.shelf.data) == "here"
    trust.scoped(record, "public", draft.drafts.shelf.data)
    with pytest.raises(Refused) as used:
        proof.spoken(draft, name, wav(right))
    assert used.value.code == "sentence-used", "the same sound again: its sentence is spent"
    fresh = proof.sentence(draft)
    again = proof.spoken(draft, fresh["id"], wav(right))
    assert again["result"]["why"] == "other-words" and again["proof"]["voice"]["state"] == "verified", "a replay fits no new sentence; what was shown stays"
    draft.voice(wav(wrong), "2", "", "en", own_text=True)
    draft.agree({"agreed": True, "who": "Ada", "relation": "self", "for": ["speech"]})
    assert draft.state["consent"]["verified"]["voice"]["state"] == "not verified", "another recording: to be shown anew"


@needs_voice
def test_somebody_else_reads_in_vain(draft, speech_data, reader):
    folder = speech_data
    text = (folder / "austen_0870.txt").read_text(encoding="utf-8").strip()
    name = given(draft, text)
    told = proof.spoken(draft, name, wav(line(folder / "austen_0870.wav")))
    assert told["result"]["why"] == "other-voice" and told["result"]["sentence"] >= challenge.LEAST and told["proof"]["voice"]["state"] == "not verified"
    assert told["proof"]["why"]["voice"]["zh"]


@needs_voice
def test_a_machine_that_reads_the_right_sentence_is_no_owner(draft):
    from twin.speak.espeak import Espeak
    from twin.types import Mood, Voice
    asked = proof.sentence(draft)
    try:
        pieces = [piece.audio for piece in Espeak().speak(asked["text"], Voice("espeak", "en"), Mood(), "en") if piece.audio]
    except Missing:
        pytest.skip("espeak is not installed")
    told = proof.spoken(draft, asked["id"], wav(np.concatenate([piece.samples for piece in pieces]), pieces[0].rate))
    assert told["result"]["state"] == "not verified" and told["result"]["speaker"] < voiceprint.SAME


@needs_voice
def test_nothing_that_was_read_is_kept(draft, reader):
    text, right, _ = reader
    before = {path.name for path in draft.folder.iterdir()}
    proof.spoken(draft, given(draft, text), wav(right))
    assert {path.name for path in draft.folder.iterdir()} == before


@needs_voice
def test_a_recording_is_no_reading_and_silence_is_none(draft, speech_data):
    name = proof.sentence(draft)["id"]
    with pytest.raises(Refused):
        proof.spoken(draft, name, wav(line(speech_data / "ljspeech" / "LJ001-0001.flac")))
    name = proof.sentence(draft)["id"]
    with pytest.raises(Refused):
        proof.spoken(draft, name, wav(np.zeros(80_000, np.float32)))
    with pytest.raises(Refused):
        proof.spoken(draft, name, b"no sound at all")


@needs_voice
def test_tries_are_counted(draft):
    for _ in range(proof.MOST_TRIES):
        proof.sentence(draft)
    with pytest.raises(Refused) as refused:
        proof.sentence(draft)
    assert refused.value.code == "too-often"


def test_chinese_stays_not_verified(tmp_path, speech_data, monkeypatch):
    drafts = Drafts(Shelf(tmp_path))
    monkeypatch.setattr(drafts.training, "later", lambda *_, **__: None)
    with drafts.of(ADA) as one:
        one.voice(wav(line(speech_data / "ljspeech" / "LJ001-0001.flac")), "0", "", "zh", own_text=True)
        one.agree({"agreed": True, "who": "Ada", "relation": "self", "for": ["speech"], "scope": "public"}, "zh")
        assert one.state["consent"]["verified"]["voice"] == {"state": "not verified", "why": "language"}
        trust.scoped(one.state["consent"], "public", tmp_path)
    drafts.close()


def test_without_a_recording_there_is_nothing_to_read(tmp_path):
    drafts = Drafts(Shelf(tmp_path))
    with drafts.of(ADA) as one:
        with pytest.raises(Refused) as refused:
            proof.sentence(one)
        assert refused.value.code == "no-voice"
        with pytest.raises(Refused) as refused:
            proof.turn(one)
        assert refused.value.code == "no-photo"
    drafts.close()


# a face ------------------------------------------------------------------------------------------------------------------------------------

@pytest.fixture(scope="module")
def face():
    """Points of a real photograph, and of the same head turned by a rotation in space."""
    data = pytest.importorskip("skimage.data")
    pytest.importorskip("mediapipe")
    from twin.paint.faces import points_in
    points = points_in(data.astronaut())
    assert points is not None

    def turned(angle):
        middle = points.mean(0)
        c, s = np.cos(angle), np.sin(angle)
        return (points - middle) @ np.array([[c, 0, s], [0, 1, 0], [-s, 0, c]]).T @ np.diag([1, 1, 1]) + middle
    return points, turned


def test_a_head_that_turns_as_asked_is_no_picture(face):
    points, turned = face
    ways = {side: turned(angle) for side, angle in (("left", -0.5), ("right", 0.5))}
    if likeness.yaw_of(ways["left"]) < likeness.yaw_of(points):
        ways = {"left": ways["right"], "right": ways["left"]}
    for side in likeness.SIDES:
        right = likeness.compared(points, points, ways[side], side)
        assert right.why == "landmarks-only" and right.yaw > likeness.TURNED and right.deep > likeness.DEEP and right.shape < 0.01
        other = {"left": "right", "right": "left"}[side]
        assert likeness.compared(points, points, ways[other], side).why == "no-turn"
    flat = points * (0.8, 1, 0.8)                        # a photo on paper, turned: all of it gets narrower
    assert likeness.compared(points, points, flat, "left").why == "no-turn"
    assert likeness.compared(points, points, points, "left").why == "no-turn"


def test_another_face_is_told_by_its_bones(face):
    points, turned = face
    wide = points.copy()
    wide[:, 0] = (wide[:, 0] - wide[:, 0].mean()) * 1.35 + wide[:, 0].mean()
    side = "left" if likeness.yaw_of(turned(0.5)) > likeness.yaw_of(points) else "right"
    assert likeness.shape_distance(points, wide) > likeness.FAR
    assert likeness.compared(wide, points, turned(0.5), side).why == "other-face"
    same, other = np.zeros(128), np.full(128, 0.06)
    assert likeness.compared(points, points, turned(0.5), side, same, same).why == ""
    assert likeness.compared(points, points, turned(0.5), side, same, other).why == "other-face"
