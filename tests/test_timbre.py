"""A person's voice: streaming without seams, espeak's marks, what happens when it fails, and the training of one."""
from __future__ import annotations

import json
import logging
import os
import subprocess
import sys
from contextlib import aclosing
from pathlib import Path
from unittest import mock

import numpy as np
import pytest
from conftest import ROOT

from twin.errors import Refused
from twin.registry import Registry
from twin.settings import Settings
from twin.speak import network, samples, timbre, vocoder
from twin.speak.espeak import Espeak
from twin.speak.timbre import Timbre, ready
from twin.types import PIECE, RATE, Audio, Mood, Speech, Voice

TEXT = "The little red bicycle by the harbour is ready for you today, and so is the kettle."
CHINESE = "你好，我是你的数字人分身。"
CALM = Mood()
NAMES = [voice["name"] for voice in ready()]


def say(voice: Voice, text: str = TEXT, language: str = "en", mood: Mood = CALM) -> list[Speech]:
    return list(Timbre().speak(text, voice, mood, language))


def sound(pieces: list[Speech]) -> np.ndarray:
    return np.concatenate([p.audio.samples for p in pieces if p.audio])


def f0(whole: np.ndarray) -> np.ndarray:
    found = vocoder.analyse(whole, noise=False)[0]
    return found[found > 0]


@pytest.fixture(scope="module")
def one() -> Voice:
    return Voice("timbre", name=NAMES[0])


def test_what_is_analysed_comes_back():
    whole = sound(list(Espeak().speak(TEXT, Voice(name="m3"), CALM, "en")))
    pitch, envelope, noise = vocoder.analyse(whole)
    again = vocoder.Synthesis().feed(pitch, envelope, noise)
    assert abs(len(again) - len(whole)) <= vocoder.HOP
    one, two = (np.log(vocoder.analyse(s, noise=False)[1] @ np.ones(vocoder.BANDS) / -vocoder.BANDS) for s in (whole, again))
    assert np.corrcoef(one[:len(two)], two[:len(one)])[0, 1] > 0.9
    first, second = (vocoder.analyse(s, noise=False)[0] for s in (whole, again))
    count = min(len(first), len(second))
    voiced = (first[:count] > 0) & (second[:count] > 0)
    assert voiced.sum() > 0.85 * (first > 0).sum()
    assert np.median(second[:count][voiced] / first[:count][voiced]) == pytest.approx(1, abs=0.005)    # frame by frame: medians of the whole stray by 1 %


def test_a_sentence_made_in_pieces_is_the_sentence_made_at_once():
    count = 401
    pitch = np.linspace(100, 130, count, dtype=np.float32)
    envelope = np.tile(np.linspace(-4, -16, vocoder.BANDS, dtype=np.float32), (count, 1))     # no highs: they are noise, and noise is random
    noise = np.full((count, vocoder.NOISES), -60, np.float32)
    at_once, synthesis = vocoder.Synthesis().feed(pitch, envelope, noise), vocoder.Synthesis()
    pieces = [synthesis.feed(*(a[start: start + 38] for a in (pitch, envelope, noise))) for start in range(0, count - 1, 37)]
    assert np.abs(np.concatenate(pieces) - at_once).max() < 0.15 * np.abs(at_once).max()


@pytest.mark.parametrize("name", NAMES)
def test_ready_voices_speak_both_languages(name):
    about = next(v for v in ready() if v["name"] == name)
    assert about["label"]["en"] and about["label"]["zh"] and about["gender"] in ("f", "m") and 18 <= about["age"] <= 80
    for text, language in ((TEXT, "en"), (CHINESE, "zh")):
        whole = sound(say(Voice("timbre", name=name), text, language))
        assert np.isfinite(whole).all()
        assert 0.05 < np.abs(whole).max() < 0.97
        assert (np.median(f0(whole)) > 145) == (about["gender"] == "f")
    assert (ROOT / "assets" / "voices" / name.removeprefix("ready/") / "voice.safetensors").stat().st_size < 400_000


def test_marks_are_espeaks_and_pieces_are_packets(one):
    about = network.load((timbre.READY / NAMES[0].removeprefix("ready/") / "voice.safetensors").read_bytes()).about
    pieces = say(one)
    length = sum(len(p.audio.samples) for p in pieces)
    plain = timbre.spoken(TEXT, "en", about["rate"])
    assert length == len(plain)
    assert "".join(p.text for p in pieces) == TEXT
    assert all(len(p.audio.samples) % PIECE == 0 for p in pieces)
    phones = [m.phone for p in pieces for m in p.marks if 0 <= m.start < p.audio.seconds and m.phone]
    assert phones[:4] == ["ð", "ə", "l", "ˈɪ"]
    whole = sound(pieces)
    at = 0.0
    for piece in pieces:                                 # the sound is where its marks are: loud in vowels, nothing in pauses
        for mark in piece.marks:
            part = whole[int((at + mark.start) * RATE): int((at + mark.end) * RATE)]
            if mark.phone[-1:] in "ɪɑaoi" and mark.phone and mark.start >= 0 and len(part) > 800:
                assert np.sqrt((part ** 2).mean()) > 0.015, mark
            if not mark.phone and mark.end - mark.start > 0.15:
                assert np.sqrt((part[len(part) // 2:] ** 2).mean()) < 0.003, mark
        at += piece.audio.seconds


def test_no_click_where_pieces_meet_and_no_buzz_in_pauses(one):
    pieces = say(one, "Hello there, my friend. How are you on this fine day? We were away all year long, and no one knew why.")
    whole, at = sound(pieces), 0
    high = np.abs(np.diff(whole, 2))                     # a click is a corner
    seams = []
    for piece in pieces[:-1]:
        at += len(piece.audio.samples)
        seams.append(high[at - 30: at + 30].max() / (1e-4 + high[max(0, at - 1200): at + 1200].max()))
    assert max(seams) <= 1.0 + 1e-6
    assert np.mean([s > 0.999 for s in seams]) < 0.35, "the sharpest corner in 0.1 s would lie at the seam by chance 2 % of the time"
    assert abs(whole[0]) < 1e-3 and abs(whole[-1]) < 1e-3


def test_pitch_pace_volume_age_and_warmth_are_heard(one):
    def of(**change):
        return sound(say(Voice("timbre", name=one.name, **change), "We were away a year ago, and now we may all begin again."))

    def tilt(whole):
        power = np.abs(np.fft.rfft(whole)) ** 2
        bins = len(power) * 2 // 24
        return 10 * np.log10(power[bins * 2: bins * 8].sum() / power[: bins // 2].sum())
    plain = of()
    assert np.median(f0(of(pitch=4))) == pytest.approx(np.median(f0(plain)) * 2 ** (4 / 12), rel=0.06)
    assert len(of(rate=1.4)) < 0.8 * len(plain)
    assert np.sqrt((of(volume=0.5) ** 2).mean()) == pytest.approx(0.5 * np.sqrt((plain ** 2).mean()), rel=0.1)
    assert tilt(of(warmth=1.0)) < tilt(plain) - 3 < tilt(of(warmth=-1.0)) - 6
    assert np.median(f0(of(age=1.0))) < np.median(f0(plain)) < np.median(f0(of(age=-1.0)))


def test_a_voice_in_memory_is_the_voice_on_disk(one):
    folder = timbre.READY / NAMES[0].removeprefix("ready/")
    a = sound(say(Voice("timbre", folder=str(folder))))
    b = sound(say(Voice("timbre", weights=(folder / "voice.safetensors").read_bytes())))
    one, two = (vocoder.analyse(s, noise=False)[1] for s in (a, b))      # WORLD's analysis has a grain of noise in it: not to the sample
    assert np.corrcoef(one.ravel(), two.ravel())[0, 1] > 0.97


@pytest.mark.parametrize("data", [b"", b"not a voice", b"\xff" * 400])
def test_a_damaged_voice_is_refused_and_espeak_speaks(data, caplog, tmp_path):
    with pytest.raises(Refused):
        network.load(data)
    (tmp_path / "voice.safetensors").write_bytes(data)
    with caplog.at_level(logging.WARNING):
        whole = sound(say(Voice("timbre", folder=str(tmp_path))))
    assert np.abs(whole).max() > 0.1
    assert "embedded one" in caplog.text
    assert TEXT[:10] not in caplog.text


def test_a_newer_voice_and_a_wrong_shape_are_refused():
    voice = network.load((timbre.READY / NAMES[0].removeprefix("ready/") / "voice.safetensors").read_bytes())
    wrong = network.Timbre("timbre", voice.layers[:2], voice.about)
    with pytest.raises(Refused, match="damaged"):
        network.load(wrong.save())
    newer = voice.save().replace(b'\\"version\\": 1', b'\\"version\\": 9')
    with pytest.raises(Refused, match="version 9"):
        network.load(newer)
    assert Timbre()._load(Voice("timbre", name=NAMES[0])).timbre.kind == "timbre"


async def test_the_registry_sends_each_voice_to_its_backend(caplog):
    registry = Registry(Settings())
    try:
        async def said(voice):
            async with aclosing(registry.crew().speak.stream("Hello there. And again.", voice, CALM, "en")) as pieces:
                return [p async for p in pieces]
        plain, own = await said(Voice(name="f3")), await said(Voice("timbre", name=NAMES[0]))
        lost = await said(Voice("timbre", folder="/nowhere"))
        assert len(sound(plain)) and not np.array_equal(sound(plain)[:9000], sound(own)[:9000])
        assert np.abs(sound(lost)).max() > 0.1
        assert "".join(p.text for p in lost) == "Hello there. And again."
    finally:
        registry.close()


def recordings(folder: Path, speech_data: Path, count: int, text: bool = True) -> Path:
    rows = []
    folder.mkdir()
    for path in sorted(speech_data.glob("austen_*.wav"))[:count]:
        (folder / path.name).write_bytes(path.read_bytes())
        rows.append({"file": path.name, "text": path.with_suffix(".txt").read_text(encoding="utf-8") if text else "", "language": "en" if text else "zh"})
    (folder / "samples.json").write_text(json.dumps(rows), encoding="utf-8")
    return folder


def test_a_voice_is_learned_and_a_killed_training_leaves_nothing(tmp_path, speech_data):
    source, out = recordings(tmp_path / "in", speech_data, 2), tmp_path / "out"
    command = [sys.executable, "-m", "twin.train.voice", str(source), str(out)]
    process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True)
    for line in process.stdout:
        if json.loads(line)["done"] > 0.1:
            process.kill()
            break
    process.wait()
    assert not out.exists()
    lines = [json.loads(line) for line in subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout.splitlines()]
    assert lines[-1]["done"] == 1 and all(a["done"] <= b["done"] for a, b in zip(lines, lines[1:], strict=False))
    assert sorted(p.name for p in out.iterdir()) == ["voice.json", "voice.safetensors"]
    about = json.loads((out / "voice.json").read_text())
    assert about["version"] == 1 and about["kind"] == "timbre"
    real = samples.decode(sorted(speech_data.glob("austen_*.wav"))[3].read_bytes())[0]
    whole = sound(say(Voice("timbre", folder=str(out))))
    assert np.median(f0(whole)) == pytest.approx(np.median(f0(real)), rel=0.12)
    assert np.abs(sound(say(Voice("timbre", folder=str(out)), CHINESE, "zh"))).max() > 0.1


def test_without_words_it_is_only_shifted_and_says_so(tmp_path, speech_data):
    from twin.train import voice
    out = tmp_path / "out"
    about = voice.train(voice.readings(recordings(tmp_path / "in", speech_data, 2, text=False), "zh"), out)
    assert about["kind"] == "shift" == json.loads((out / "voice.json").read_text())["kind"]
    assert np.abs(sound(say(Voice("timbre", folder=str(out))))).max() > 0.1


def test_bad_folders_are_refused_with_a_line(tmp_path, capsys):
    from twin.train import voice

    def run():
        with mock.patch.dict(os.environ):                # it says there how its threads shall wait
            assert voice.main([str(tmp_path), str(tmp_path / "out")]) == 1 and not (tmp_path / "out").exists()
        return json.loads(capsys.readouterr().out.splitlines()[-1])
    assert "samples.json" in run()["error"]["en"][0]
    (tmp_path / "samples.json").write_text(json.dumps([{"file": "a.wav", "text": "Hello."}]))
    (tmp_path / "a.wav").write_bytes(samples.wav(Audio(np.zeros(RATE, np.float32))))
    assert run()["error"]["en"][0] == "No speech was found in the recordings." and run()["error"]["zh"][0] == "录音里没有找到说话声。"
