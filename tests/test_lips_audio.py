"""Lips read off the sound: what the network promises, what the face makes of it, how it is trained, and a film of a recording."""
from __future__ import annotations

import asyncio
import json
import subprocess
import sys
import time
from contextlib import aclosing
from pathlib import Path

import numpy as np
import pytest
from conftest import ROOT

from twin.animate import audio
from twin.animate.audio import BANDS, FRAMES, HEADS, HOP, HZ, Network, closures, hear, inputs, load, mel, nearing, segments, shipped, spans
from twin.animate.phones import LEAST_CLOSED
from twin.animate.visemes import AT, Visemes, gap
from twin.errors import Missing, Refused
from twin.speak.espeak import Espeak
from twin.turn import Turn
from twin.types import RATE, Audio, Mark, Mood, Speech, Voice

TEXTS = {"en": "Mama and Bob may buy a big map of Panama, but papa opens a blue box.", "zh": "爸爸妈妈把白色的苹果放在大盘子里。"}


def spoken(language: str = "en") -> tuple[np.ndarray, list[Mark]]:
    """A sentence of the embedded voice and its marks, on one clock."""
    parts, marks, at = [], [], 0.0
    for piece in Espeak().speak(TEXTS[language], Voice(name="f2"), Mood(), language):
        assert piece.audio
        marks += [Mark(m.start + at, m.end + at, m.phone) for m in piece.marks if 0 <= m.start < piece.audio.seconds]
        parts.append(piece.audio.samples)
        at += piece.audio.seconds
    return np.concatenate(parts), marks


def track(sound: np.ndarray, marks: list[Mark] | None = None, later: bool = False) -> np.ndarray:
    """uint8 [frames, 57] of the sound in pieces of a second, with marks or without."""
    before, out = None, []
    for start in range(0, len(sound), RATE):
        low, own = start / RATE, Audio(sound[start:start + RATE])
        near = () if marks is None else tuple(Mark(m.start - low, m.end - low, m.phone) for m in marks if low - 0.4 < m.end and m.start < low + 1.4)
        speech = Speech("", own, near, sound[max(0, start - RATE):start], sound[start + RATE:] if later else None)
        before = Visemes().animate(speech, Mood(), low, before, 1)
        out.append(before.weights)
    return np.concatenate(out)


def test_it_is_small_and_looks_80_ms_ahead_at_most():
    assert audio.WEIGHTS.stat().st_size <= 2_000_000
    net, random = shipped(), np.random.default_rng(0)
    sound = random.normal(0, 0.1, 2 * HZ).astype(np.float32)
    other = sound.copy()
    at = 100
    other[at * HOP + round(0.080 * HZ):] *= 0.1
    one, two = (net(inputs(mel(x))) for x in (sound, other))
    assert np.abs(one[:at + 1] - two[:at + 1]).max() < 1e-5
    assert np.abs(one[at + 12:] - two[at + 12:]).max() > 1e-3


def test_pieces_are_heard_as_the_whole():
    sound, _ = spoken()
    whole = hear(sound, RATE)
    start = 3 * RATE // 2
    piece = hear(sound[start:start + RATE], RATE, sound[:start], sound[start + RATE:])
    first = round((start / RATE - audio.BEFORE) * FRAMES)
    assert piece.start == pytest.approx(-audio.BEFORE)
    there = slice(FRAMES, 2 * FRAMES - 2)
    assert np.abs(piece.parts[there] - whole.parts[first + there.start:first + there.stop]).mean() < 0.02
    cut = hear(sound[start:start + RATE], RATE, sound[:start])       # nothing of what comes after: the same but near the end
    assert np.abs(cut.parts[FRAMES:2 * FRAMES - 12] - piece.parts[FRAMES:2 * FRAMES - 12]).max() < 1e-3


@pytest.mark.parametrize("language", TEXTS)
def test_the_embedded_voice_without_its_marks(language: str):
    sound, marks = spoken(language)
    told, heard = gap(track(sound, marks)), gap(track(sound))
    shut = [m for m in marks if m.phone.lstrip("ˈˌ")[:1] in ("p", "b", "m")]
    reached = [heard[max(0, round((m.start - 0.03) * 60)):round((m.end + 0.03) * 60) + 1].min() <= 0.02 for m in shut]
    assert np.mean(reached) >= 0.8
    assert np.corrcoef(told, heard)[0, 1] > 0.7


def test_silence_and_noise_rest():
    for sound in (np.zeros(RATE, np.float32), np.random.default_rng(0).normal(0, 0.002, RATE).astype(np.float32)):
        weights = Visemes().animate(Speech("", Audio(sound)), Mood(), 1.0, None, 1).weights
        assert weights[:, AT["jawOpen"]].max() < 40


@pytest.mark.parametrize("rate", (8_000, 11_025, 16_000, 22_050, 44_100, 48_000, 96_000))
def test_odd_sounds(rate: int):
    random = np.random.default_rng(rate)
    for sound in (np.zeros(0), np.zeros(1), np.full(rate // 2, 0.5), np.sign(random.normal(size=rate)), np.full(rate // 3, np.nan)):
        speech = Speech("", Audio(sound.astype(np.float32), rate))
        motion = Visemes().animate(speech, Mood(), 0.0, None, 1)
        assert len(motion.weights) == round(len(sound) / rate * 60)


def test_closures_are_crisp():
    likely = np.array([0, 0.2, 0.7, 0.9, 0.7, 0.7, 0.1, 0.7, 0.7, 0.0, 0.9, 0.0])
    assert spans(likely) == [(pytest.approx(0.015), pytest.approx(0.055))]                   # 0.7 alone is none, nor is a single frame
    zero = np.zeros((12, 8))
    (start, end), = closures(audio.Heard(1.0, zero, likely, likely * 0, likely * 0, likely * 0))
    assert end - start >= LEAST_CLOSED - 1e-9 and 0.99 < start < 1.02
    near = nearing(audio.Heard(0.0, zero, likely, likely, likely, likely), likely, np.arange(12) / 100)
    assert near[0] == near[6] == 0 and near[1] == pytest.approx(7 / 27) and near[2] == 1     # a likely one brings them together, unheld
    assert segments(audio.Heard(0.0, zero, likely * 0, likely * 0, likely * 0 + 1, likely * 0)).silent.all()


def test_a_turn_hands_on_what_sounded_before():
    turn, own = Turn(1, None), Audio(np.ones(3 * RATE // 2, np.float32))
    first = turn.joined(Speech("a", own))
    assert first.before is None
    second = turn.joined(Speech("", Audio(np.zeros(480, np.float32))))
    assert second.before is not None and len(second.before) == RATE and second.before.all()
    marked = Speech("", own, (Mark(0, 1, "a"),))
    assert turn.joined(marked) is marked


def test_weights_that_are_none(tmp_path: Path):
    with pytest.raises(Missing):
        load(tmp_path / "none")
    bad = tmp_path / "bad"
    for data in (b"", b"no weights", audio.WEIGHTS.read_bytes()[:-100]):
        bad.write_bytes(data)
        with pytest.raises(Refused) as error:
            load(bad)
        assert error.value.zh


def test_it_is_quick():
    sound, _ = spoken()
    hear(sound, RATE)
    best = 9.0
    for _ in range(5):
        began = time.process_time()
        hear(sound[RATE:2 * RATE], RATE, sound[:RATE])
        best = min(best, time.process_time() - began)
    assert best < 0.05


def test_listening_loads_no_torch():
    code = ("import sys, numpy; from twin.animate.visemes import Visemes; from twin.types import *;"
            "Visemes().animate(Speech('', Audio(numpy.zeros(24000, 'f4'))), Mood(), 0.0, None, 1); assert not {'torch', 'scipy'} & set(sys.modules)")
    subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=True)


def test_a_training_learns_goes_on_and_is_exported(tmp_path: Path):
    torch = pytest.importorskip("torch")
    from twin.train import lips
    from twin.train import spoken as speech
    torch.set_num_threads(1)
    lines: list[str] = []
    data, out = tmp_path / "data", tmp_path / "out"
    for _ in range(2):                                   # nothing is made twice
        speech.make(data, None, 16, lines.append, noises=2)
        assert len(list((data / "items").iterdir())) == 16 + 6 + 2
    plan = lips.Plan(minutes=0.05, batch=4, steps=60, save=1.0, real=0.0)
    first = lips.train(data, out, plan, False, lines.append)
    with pytest.raises(Refused):
        lips.train(data, out, plan, False, lines.append)
    second = lips.train(data, out, lips.Plan(minutes=0.08, batch=4, steps=60, real=0.0), True, lines.append)
    assert int(second.name[3:]) > int(first.name[3:]) > 0
    lips.export([out, out], tmp_path / "lips.safetensors")
    net = load(tmp_path / "lips.safetensors")
    theirs = lips.Net()
    theirs.load_state_dict(lips.read(second / "mean.safetensors"))
    _, one = next(speech.items(data, ("made",)))
    told, _ = lips.named(theirs.eval(), one)
    ours = net(inputs(one["mel"][:len(told)].astype(np.float32)))
    assert np.abs(np.clip(told[:, :8], 0, 1) - ours[:, :8]).max() < 0.02                     # half precision
    assert ours.shape[1] == len(HEADS)


def test_marks_become_frames():
    pytest.importorskip("torch")
    from twin.train import spoken as speech
    marks = speech.arpabet([(0.0, 0.2, "SIL"), (0.2, 0.3, "M"), (0.3, 0.5, "AA"), (0.5, 0.54, "AH"), (0.54, 0.7, "SIL")])
    assert [mark.phone for mark in marks] == ["", "m", "ɑ", "ə", ""]
    one = speech.item(np.zeros(round(0.7 * HZ), np.float32), marks)
    assert one["flags"][22:29, 0].all() and not one["flags"][35:, 0].any() and one["flags"][5, 2] and one["flags"][60, 2]
    assert one["parts"][40, 0] > 80 and one["mel"].shape == (71, BANDS)
    assert speech.SYMBOLS[one["phone"][40]] == "ɑ"


def test_a_film_of_a_recording(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    pytest.importorskip("av", reason="PyAV is not installed")
    from twin.create.parts import wav
    from twin.registry import Registry
    from twin.render import Performance, film, recite, recording
    from twin.settings import load as settings
    from twin.store import Twins
    monkeypatch.setenv("TWIN_DATA", str(tmp_path / "data"))
    sound = spoken()[0][: 2 * RATE]
    data = wav(sound * 0.1, RATE)
    found, cut = recording(data)
    assert not cut and len(found) == pytest.approx(len(sound), abs=200) and np.abs(found).max() > 0.3
    with pytest.raises(Refused):
        recording(wav(sound * 0, RATE))
    with pytest.raises(Refused):
        recording(b"no sound")
    registry, whole, out = Registry(settings([])), Performance(), tmp_path / "film.mp4"

    async def all_of_it() -> None:
        async for _ in recite(registry.crew(), Twins().first(), found, whole):
            pass
        async with aclosing(film(registry, Twins().first(), "", out, aspect="1:1", short=128, fps=15, audio=data)) as steps:
            async for _ in steps:
                pass
    try:
        asyncio.run(all_of_it())
    finally:
        registry.close()
    assert sum(row[AT["jawOpen"]] > 30 for row in whole.track.values()) > 20
    import av
    with av.open(str(out)) as file:
        assert float(file.duration) / 1e6 == pytest.approx(len(found) / RATE + 1.4, abs=0.2)


def test_the_network_says_what_it_learnt_from():
    data = audio.WEIGHTS.read_bytes()
    about = json.loads(json.loads(data[8: 8 + int.from_bytes(data[:8], "little")])["__metadata__"]["lips"])
    assert "LibriSpeech" in about["learnt_from"] and isinstance(Network({}, tuple(about["dilations"])), Network)
