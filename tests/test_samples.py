"""Recordings: every kind of file that people bring, and what is said about it."""
from __future__ import annotations

import io
import time
import wave

import av
import numpy as np
import pytest

from twin.errors import Refused
from twin.speak import samples
from twin.speak.espeak import Espeak
from twin.speak.samples import SENTENCES, read, wav
from twin.types import RATE, Audio, Mood, Voice

LONG = "The young chef thought that fresh garlic would be a good choice for the soup. We rode along the river until noon. "


@pytest.fixture(scope="module")
def said() -> np.ndarray:
    """Some 8 s of speech with quiet around it."""
    sound = np.concatenate([p.audio.samples for p in Espeak().speak(LONG, Voice(name="m3"), Mood(), "en") if p.audio])
    quiet = np.random.default_rng(0).normal(0, 2e-4, RATE // 2).astype(np.float32)
    return np.concatenate([quiet, sound, quiet])


def levels(sample) -> dict[str, str]:
    return {remark.code: remark.level for remark in sample.remarks}


def encoded(sound: np.ndarray, container: str, codec: str, rate: int = RATE, picture: bool = False, silent: bool = False) -> bytes:
    """A real file made by PyAV; with `picture` a video of 2 frames, with `silent` nothing else."""
    out = io.BytesIO()
    with av.open(out, "w", format=container) as file:
        if picture:
            video = file.add_stream("mpeg4", rate=25)
            video.width = video.height = 64
            video.pix_fmt = "yuv420p"
        if not silent:
            audio = file.add_stream(codec, rate=rate)
            audio.layout = "mono"
        if picture:
            for _ in range(2):
                file.mux(video.encode(av.VideoFrame.from_ndarray(np.zeros((64, 64, 3), np.uint8), format="rgb24")))
            file.mux(video.encode(None))
        if not silent:
            frame = av.AudioFrame.from_ndarray((np.clip(sound, -1, 1) * 32767).astype(np.int16)[None], format="s16", layout="mono")
            frame.sample_rate = RATE
            for part in av.AudioResampler(format=audio.format, layout="mono", rate=rate, frame_size=audio.frame_size or 0).resample(frame):
                file.mux(audio.encode(part))
            file.mux(audio.encode(None))
    return out.getvalue()


def test_a_good_recording_is_cut_and_praised(said):
    sample = read(wav(Audio(said)))
    assert sample.audio.rate == RATE
    assert 4 < sample.seconds < 9
    assert sample.clips[0][0] > 0.2
    assert sample.clips[-1][1] < len(said) / RATE - 0.2
    assert levels(sample) == {"loudness": "good", "noise": "good", "clipping": "good", "length": "warn"}
    assert abs(sample.speech().seconds - (sample.clips[-1][1] - sample.clips[0][0])) < 0.01
    assert levels(read(wav(Audio(said)), "en", sentence=True))["length"] == "good"


@pytest.mark.parametrize(("container", "codec"), [("mp3", "mp3"), ("ogg", "libopus"), ("webm", "libopus"), ("mp4", "aac"), ("flac", "flac")])
def test_every_usual_format_is_read(said, container, codec):
    sample = read(encoded(said, container, codec, 48_000 if codec == "libopus" else RATE, picture=container == "mp4"))
    assert abs(len(sample.audio.samples) - len(said)) < 0.15 * RATE
    assert sample.seconds > 4


@pytest.mark.parametrize("data", [b"", b"just some words, renamed to voice.wav", b"RIFF\0\0\0\0WAVEfmt ", bytes(range(256)) * 40])
def test_what_is_no_recording_is_refused(data):
    with pytest.raises(Refused) as told:
        read(data)
    assert told.value.hint


def test_silence_and_a_track_that_is_missing_are_refused(said):
    with pytest.raises(Refused, match="silent"):
        read(wav(Audio(np.zeros(3 * RATE, np.float32))))
    with pytest.raises(Refused, match="no sound track"):
        read(encoded(said, "mp4", "", picture=True, silent=True))


def test_a_song_is_no_speech():
    beat = np.arange(12 * RATE) / RATE
    notes = 220 * 2 ** (np.array([0, 4, 7, 12, 7, 4, 5, 9])[(beat * 2).astype(int) % 8] / 12)
    phase = 2 * np.pi * np.cumsum(notes) / RATE
    song = sum(np.sin(k * phase) / k for k in range(1, 6)) * np.exp(-3 * (beat % 0.5)) * 0.2
    with pytest.raises(Refused, match="Nobody is heard"):
        read(wav(Audio((song + 0.1 * np.sin(2 * np.pi * 55 * beat)).astype(np.float32))))


def test_two_seconds_are_too_little_for_a_voice_but_not_for_a_sentence(said):
    short = wav(Audio(said[RATE // 2: RATE // 2 + 2 * RATE]))
    assert levels(read(short))["length"] == "bad"
    assert levels(read(short, "en", True))["length"] != "bad"
    with pytest.raises(Refused, match="0.* s of speech|Nobody"):
        read(wav(Audio(said[RATE // 2: RATE // 2 + RATE // 2])))


def test_an_hour_costs_what_its_first_minutes_cost(said, monkeypatch):
    monkeypatch.setattr(samples, "LONGEST", 20.0)        # the bound is what is tested: 300 s of VAD would only take longer
    data = io.BytesIO()
    with wave.open(data, "wb") as file:                  # a whole hour, from a telephone
        file.setparams((1, 2, 8000, 0, "NONE", ""))
        file.writeframes(np.resize((said[::3] * 32767).astype("<i2"), 3600 * 8000).tobytes())
    began = time.process_time()
    sample = read(data.getvalue())
    assert time.process_time() - began < 10
    assert len(sample.audio.samples) <= 20 * RATE
    assert "first" in next(r.en for r in sample.remarks if r.code == "length")


def test_a_telephone_is_told_apart(said):
    sample = read(encoded(said, "wav", "pcm_mulaw", 8000))
    assert levels(sample)["band"] == "warn"
    assert sample.audio.rate == RATE


def test_numbers_that_are_none_are_left_out_or_refused(said):
    def file(sound):
        out = io.BytesIO()
        with av.open(out, "w", format="wav") as made:
            stream = made.add_stream("pcm_f32le", rate=RATE)
            stream.layout = "mono"
            frame = av.AudioFrame.from_ndarray(sound[None].astype(np.float32), format="flt", layout="mono")
            frame.sample_rate = RATE
            made.mux(stream.encode(frame))
            made.mux(stream.encode(None))
        return out.getvalue()
    few, many = said.copy(), said.copy()
    few[RATE: RATE + 50], few[2 * RATE] = np.nan, np.inf
    many[::20] = np.nan
    assert np.isfinite(read(file(few)).audio.samples).all()
    with pytest.raises(Refused, match="damaged"):
        read(file(many))


def test_quiet_noisy_and_overdriven_are_said(said):
    assert levels(read(wav(Audio(said * 0.06))))["loudness"] in ("warn", "bad")
    noisy = said + np.random.default_rng(1).normal(0, 0.03, len(said)).astype(np.float32)
    assert levels(read(wav(Audio(noisy))))["noise"] in ("warn", "bad")
    assert levels(read(wav(Audio(np.clip(said * 12, -1, 1)))))["clipping"] == "bad"


def test_there_are_twelve_sentences_and_the_last_agrees():
    assert {language: len(texts) for language, texts in SENTENCES.items()} == {"en": 12, "zh": 12}
    assert "I agree that my voice is used for my digital twin" in SENTENCES["en"][-1]
    assert "我同意把我的声音用于我的数字分身" in SENTENCES["zh"][-1]
    said = {p.lstrip("ˈˌ") for text in SENTENCES["en"] for piece in Espeak().speak(text, Voice(), Mood(), "en") for p in (m.phone for m in piece.marks)}
    assert {"θ", "ð", "ʃ", "ʒ", "tʃ", "dʒ", "ŋ", "ɔɪ", "aʊ", "v", "z", "j", "w"} <= said
