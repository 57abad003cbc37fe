"""The codec: sound and motion come back, the bytes stay few, and damage is told."""
from __future__ import annotations

import json

import numpy as np
import pytest

from twin.codec import Decoder, Ear, Encoder, OpusTrack, pack, pack_motion, pcm16, unpack, unpack_motion
from twin.errors import Refused
from twin.types import CHANNELS, RATE, Audio, Ended, Heard, Mark, Motion, Speech, Spoken, Thought, Token, Trouble

LATE = 156               # samples at 24 kHz by which an Opus decoder is late


def voice(seconds: float) -> np.ndarray:
    """A buzzing vowel with syllables: float32 at 24 kHz."""
    t = np.arange(round(seconds * RATE)) / RATE
    buzz = sum(np.sin(2 * np.pi * 140 * k * t + np.sin(2 * np.pi * 3 * t)) / k for k in range(1, 25))
    return (buzz * (0.5 + 0.5 * np.sin(2 * np.pi * 3.5 * t)) * 0.1).astype(np.float32)


def track(frames: int, seed: int = 1) -> np.ndarray:
    """A lively face: 29 channels of the mouth moving as fast as speech, brows and head slower. uint8 [frames, 57]."""
    rng = np.random.default_rng(seed)
    weights = np.zeros((frames, len(CHANNELS)))

    def smooth(width: int) -> np.ndarray:
        window = np.hanning(width + 2)
        return np.convolve(rng.standard_normal(frames + 4 * width), window / window.sum() * np.sqrt(width / 3), "same")[:frames]
    for i in range(22, 51):
        weights[:, i] = 40 + 60 * smooth(9)
    for i in range(5):
        weights[:, i] = 20 + 15 * smooth(60)
    for i in range(52, 57):
        weights[:, i] = 128 + 12 * smooth(45)
    return weights.round().clip(0, 255).astype(np.uint8)


@pytest.mark.parametrize("piece", [480, 4800, 24_000])
def test_opus_joins_pieces_without_a_seam(piece):
    sound, encoder, ear = voice(3.0), OpusTrack(), Ear()
    heard = np.concatenate([ear.decode("opus", encoder.encode(sound[i:i + piece])) for i in range(0, len(sound), piece)])
    assert len(heard) == len(sound)
    assert np.corrcoef(sound[:-LATE], heard[LATE:])[0, 1] > 0.98


def test_a_remainder_is_filled_with_silence_and_loud_sound_is_held():
    packets = OpusTrack().encode(np.full(481, 9.0, np.float32))
    assert len(packets) == 2
    assert np.frombuffer(pcm16(np.array([9.0, -9.0, 0.5])), "<i2").tolist() == [32767, -32767, 16383]


@pytest.mark.parametrize("frames", [1, 2, 30, 61])
def test_motion_comes_back_exactly(frames):
    weights = track(frames)
    assert np.array_equal(unpack_motion(pack_motion(weights), frames), weights)
    wild = np.random.default_rng(0).integers(0, 256, (frames, 57), np.uint8)
    assert np.array_equal(unpack_motion(pack_motion(wild), frames), wild)


def test_damaged_motion_is_refused_and_never_grows():
    data = pack_motion(track(60))
    for bad, frames in ((data[:-5], 60), (data, 61), (data, 59), (b"\xff\xff", 3), (b"", 2)):
        with pytest.raises(Refused):
            unpack_motion(bad, frames)
    bomb = pack_motion(np.zeros((200_000, 57), np.uint8))
    with pytest.raises(Refused):
        unpack_motion(bomb, 10)


EVENTS = [Heard(1, "hé 你好 😀", False), Token(1, "word "), Thought(1, "line", "warm", ("a", "b")),
          Trouble(2, "speak", "It broke.", "Mend it."), Ended(2, "interrupted", "words", {"sound": 12.5})]


@pytest.mark.parametrize("event", EVENTS, ids=lambda e: type(e).__name__)
def test_plain_events_come_back(event):
    header, payload = Encoder("pcm16").encode(event)
    assert payload is None
    assert Decoder().decode(pack(header | {"seq": 3}))[1] == event


@pytest.mark.parametrize("codec", ["opus", "pcm16"])
def test_spoken_comes_back(codec):
    sound, weights = voice(1.0), track(60)
    encoder, decoder = Encoder(codec), Decoder()
    for i in range(3):
        event = Spoken(7, i * 1.0, Speech("Hello. ", Audio(sound), (Mark(-0.04, 0.1234, "ˈh"), Mark(0.1234, 1.02, ""))), Motion(weights))
        header, back = decoder.decode(pack(*encoder.encode(event)))
        assert header["seconds"] == 1.0 and header["audio"]["codec"] == codec and header["motion"]["how"] == "delta-deflate-raw"
        assert back.at == event.at and back.speech.text == "Hello. " and np.array_equal(back.motion.weights, weights)
        assert back.speech.marks[0] == Mark(-0.04, 0.123, "ˈh") and len(back.speech.audio.samples) == len(sound)
    caption = Spoken(7, 3.0, Speech("only words", None), None)
    assert decoder.decode(pack(*encoder.encode(caption)))[1] == caption


def test_a_speaking_conversation_fits_in_64_kbit():
    """Opus + motion + headers + tokens of ten seconds of speech, the face three times livelier than a real one."""
    sound, weights, encoder, total = voice(10.0), track(600), Encoder("opus"), 0
    for i in range(10):
        marks = tuple(Mark(j / 12, (j + 1) / 12, "t") for j in range(12))
        speech = Speech("about forty characters of spoken words. ", Audio(sound[i * RATE:(i + 1) * RATE]), marks)
        total += len(pack(*encoder.encode(Spoken(3, float(i), speech, Motion(weights[i * 60:(i + 1) * 60])))))
        total += sum(len(pack(*encoder.encode(Token(3, "word ")))) + 12 for _ in range(8))
    kbit = total * 8 / 10 / 1000
    print(f"{kbit:.1f} kbit/s")
    assert kbit < 64


def test_wrong_rate_is_refused():
    with pytest.raises(Refused, match="16000"):
        Encoder("opus").encode(Spoken(1, 0.0, Speech("x", Audio(np.zeros(480, np.float32), 16_000)), None))
    with pytest.raises(Refused):
        Encoder("mp3")


@pytest.mark.parametrize("bad", ["", "nonsense", "[]", "1", "[" * 100_000, b"", b"\x01",
                                 b"\xff\xff\xff\xff{}", b"\x02\x00\x00\x00\xff\xfe", b"\x00\x00\x00\x00"])
def test_what_is_no_message_is_refused(bad):
    with pytest.raises(Refused):
        unpack(bad)


def test_half_a_surrogate_pair_does_not_break_the_wire():
    text = pack({"type": "token", "text": "a\ud800b"})
    assert json.loads(text)["text"] == "a?b"
