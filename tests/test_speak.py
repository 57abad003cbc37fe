"""The embedded voice: sound, exact marks, pieces, and every kind of text."""
from __future__ import annotations

import subprocess
import sys
import threading
import time

import numpy as np
import pytest

from twin.speak import shaping
from twin.speak.espeak import Espeak
from twin.speak.runs import LONGEST, runs, sentences
from twin.types import PIECE, RATE, Mark, Mood, Speech, Voice

TWELVE = "The little red bicycle by the harbour is ready for you today."
CHINESE = "你好，我是你的数字人分身。"


PLAIN, CALM = Voice(), Mood()


def say(text: str, language: str = "en", voice: Voice = PLAIN, mood: Mood = CALM) -> list[Speech]:
    return list(Espeak().speak(text, voice, mood, language))


def sound(pieces: list[Speech]) -> np.ndarray:
    return np.concatenate([p.audio.samples for p in pieces if p.audio])


def marks(pieces: list[Speech]) -> list[Mark]:
    """On the clock of the whole, each mark once."""
    at, out = 0.0, []
    for piece in pieces:
        if piece.audio:
            out += [Mark(m.start + at, m.end + at, m.phone) for m in piece.marks if -1e-6 <= m.start < piece.audio.seconds - 1e-6]
            at += piece.audio.seconds
    return out


def phones(pieces: list[Speech]) -> list[str]:
    return [m.phone.lstrip("ˈˌ") for m in marks(pieces) if m.phone]


@pytest.mark.parametrize(("text", "language"), [
    (TWELVE, "en"), (CHINESE, "zh"), ("Schöne Grüße aus Berlin!", "de"), ("¿Qué tal estás?", "es")])
def test_marks_follow_each_other_and_cover_the_sound(text, language):
    pieces = say(text, language)
    found, seconds = marks(pieces), len(sound(pieces)) / RATE
    assert found[0].start == pytest.approx(0, abs=1e-3)
    assert found[-1].end == pytest.approx(seconds, abs=1e-3)
    for one, two in zip(found, found[1:], strict=False):
        assert one.start < one.end
        assert one.end == pytest.approx(two.start, abs=2e-3)


def test_there_is_energy_where_the_phones_are_and_none_in_the_pauses():
    pieces = say("Mama, come home now. Then we eat.")
    whole = sound(pieces)
    for mark in marks(pieces):
        part = whole[int(mark.start * RATE): int(mark.end * RATE)]
        rms = float(np.sqrt((part ** 2).mean()))
        if mark.phone[-1:] in "ɑʌaɪoʊmniɐ" and mark.phone:
            assert rms > 0.02, mark
        if not mark.phone and mark.end - mark.start > 0.2:
            assert rms < 0.03, mark


@pytest.mark.parametrize("mood", [
    Mood(), Mood(rate=1.3, pitch=4, volume=1.5, energy=1.0), Mood(rate=0.7, pitch=-4, volume=0.6, energy=0.0)])
@pytest.mark.parametrize(("text", "language"), [(TWELVE * 2, "en"), (CHINESE, "zh")])
def test_sound_is_loud_enough_and_never_clips(text, language, mood):
    for name in ("f3", "f5", "klatt5", "Reed", ""):        # the four default twins, and no name
        whole = sound(say(text, language, Voice(name=name), mood))
        assert whole.dtype == np.float32
        assert np.abs(whole).max() < 0.97
        assert -26 < 20 * np.log10(shaping.loudness(whole) / mood.volume) < -16
        assert abs(float(whole.mean())) < 1e-3


def test_pieces_are_packets_and_carry_the_text_once():
    text = TWELVE + " And here is another sentence, with a clause in it! Is this the last one?"
    pieces = say(text)
    assert "".join(p.text for p in pieces) == text
    for piece in pieces:
        assert len(piece.audio.samples) % PIECE == 0
        assert 0.35 <= piece.audio.seconds <= 1.45
        assert piece.audio.rate == RATE
    second = pieces[1]
    assert any(m.start < 0 for m in second.marks), "the phones before are told"
    assert any(m.end > pieces[0].audio.seconds for m in pieces[0].marks), "and those behind"


def test_no_click_where_pieces_or_sentences_meet():
    pieces = say("Hello there, my friend. How are you on this fine day? 我很好, thank you.")
    whole = sound(pieces)
    jump = np.abs(np.diff(whole))
    at = 0
    for piece in pieces[:-1]:
        at += len(piece.audio.samples)
        assert jump[at - 1] <= jump[max(0, at - 240): at + 240].max() * 1.01
        assert jump[at - 1] < 0.2
    assert abs(whole[0]) < 1e-3
    assert abs(whole[-1]) < 1e-3


@pytest.mark.parametrize(("text", "low", "high"), [
    ("Well,", 0.05, 0.2), ("Well.", 0.2, 0.4), ("Well", 0.02, 0.14), ("好。", 0.2, 0.4), ("好，", 0.05, 0.2)])
def test_the_pause_behind_a_clause_is_its_punctuations(text, low, high):
    whole = sound(say(text, "zh" if "好" in text else "en"))
    quiet = len(whole) - np.flatnonzero(np.abs(whole) > 0.02)[-1]
    assert low <= quiet / RATE <= high


def test_rate_pitch_and_volume_are_heard():
    def f0(pieces):
        whole = sound(pieces)
        spectrum = np.abs(np.fft.rfft(whole[4000:4000 + 16384] * np.hanning(16384)))
        like = np.fft.irfft(spectrum ** 2)[:600]
        return RATE / (60 + like[60:400].argmax())
    plain = say("Maaah, no way, no more, now.", voice=Voice(name="m1"))
    fast = say("Maaah, no way, no more, now.", voice=Voice(name="m1", rate=1.5))
    high = say("Maaah, no way, no more, now.", voice=Voice(name="m1"), mood=Mood(pitch=5))
    quiet = say("Maaah, no way, no more, now.", voice=Voice(name="m1", volume=0.5))
    assert len(sound(fast)) < 0.8 * len(sound(plain))
    assert f0(high) > 1.15 * f0(plain)
    assert shaping.loudness(sound(quiet)) == pytest.approx(0.5 * shaping.loudness(sound(plain)), rel=0.15)


def test_english_and_mandarin_phones_are_ipa_with_stress():
    assert [m.phone for m in marks(say("Mama judged the church."))if m.phone][:2] == ["m", "ˈɑː"]
    assert {"dʒ", "tʃ"} <= set(phones(say("Mama judged the church.")))
    zh = phones(say("你吃什么？知道是谁，绿色的水，去北京。中国人。", "zh"))
    assert {"tʂʰ", "ʂ", "tʂ", "y", "tɕ", "ŋ", "p"} <= set(zh)
    assert not any(c.isdigit() or c in ".-" for p in zh for c in p), "no tones, no espeak spelling"


@pytest.mark.parametrize("text", ["兄弟们很穷，胸口窘迫，熊很凶。", "一会儿去哪儿玩儿？", "有点儿事儿，这儿的花儿。", "女儿和儿子。"])
def test_no_chinese_word_is_spelled_in_english(text):
    assert not {"ɹ", "θ", "v", "ʌ", "aɪ", "ɪ"} & set(phones(say(text, "zh")))


def test_mixed_text_is_spoken_in_the_right_language():
    zh = phones(say("我用Python写程序。", "zh"))
    assert "θ" in zh, "Python's th"
    assert "ɕ" in zh
    en = phones(say("The word 学习 means to study.", "en"))
    assert "ɕ" in en
    assert "ð" in en
    assert runs("我有3个iPhone 15。", "cmn") == [("cmn", "我有3个"), ("en", "iPhone "), ("cmn", "15。")]
    assert runs("Say “你好”!", "en") == [("en", "Say “"), ("cmn", "你好”!")]
    assert runs("Привет, друг", "en") == [("ru", "Привет, друг")]


def test_sentences_lose_nothing():
    for text in ("Hi Dr. Smith, it's 3.5 km. See https://a.b/c?d=1. OK!你好吗？好。 J. R. R. Tolkien\nNext line… wow", "a" * 999, "", "...",
                 "，" * 700, "```\nx. y! z\n``` after. That"):
        parts = list(sentences(text))
        assert "".join(parts) == text
        assert all(len(p) <= LONGEST or p.startswith("```") for p in parts)
    assert list(sentences("Dr. Smith is 3.5 m tall. Really?")) == ["Dr. Smith is 3.5 m tall. ", "Really?"]


@pytest.mark.parametrize("text", ["😀😀😀", "\x00\x01\x02", "...", "```x```"])
def test_what_cannot_be_said_is_a_caption(text):
    pieces = say(text)
    assert [p.audio for p in pieces] == [None] * len(pieces)
    assert "".join(p.text for p in pieces) == text


@pytest.mark.parametrize("text", ["", " \n\t "])
def test_nothing_is_nothing(text):
    assert say(text) == []


@pytest.mark.parametrize("language", ["xx", "", "tlh-weird", "EN", "zh-CN", "en-GB", "中文"])
def test_any_language_code_is_taken(language):
    assert sound(say("Hello 你好", language)).any()


@pytest.mark.parametrize("name", ["alba", "en-gb+m3", "en-gb", "nosuch+variant", "f1\x00", "../../etc/passwd"])
def test_any_voice_name_is_taken(name):
    assert sound(say("Hello", voice=Voice(name=name))).any()


@pytest.mark.parametrize("text", [
    "word " * 20_000, "字" * 100_000, "x" * 100_000, "One sentence. " * 7_200, "\x07" * 100_000, "1" * 100_000])
def test_a_hundred_thousand_characters_start_at_once(text):
    say("Warm up, 热身。")
    began = time.process_time()                           # CPU time: the machine may be busy with other tests
    voice = Espeak().speak(text, Voice(), Mood(), "en")
    next(voice)
    voice.close()
    assert time.process_time() - began < 0.25


def test_the_first_piece_is_quick_and_the_whole_far_quicker_than_speech():
    say(TWELVE)
    first, whole = [], []
    for _ in range(7):
        began = time.process_time()
        voice = Espeak().speak(TWELVE, Voice(), Mood(), "en")
        pieces = [next(voice)]
        first.append(time.process_time() - began)
        pieces += voice
        whole.append((time.process_time() - began) / (len(sound(pieces)) / RATE))
    assert min(first) < 0.020
    assert min(whole) < 0.02


def test_closing_stops_between_two_pieces():
    voice = Espeak().speak(TWELVE * 50, Voice(), Mood(), "en")
    next(voice)
    began = time.perf_counter()
    voice.close()
    assert time.perf_counter() - began < 0.01
    assert next(voice, None) is None


def test_two_threads_share_the_library():
    expected = {"en": len(sound(say(TWELVE))), "zh": len(sound(say(CHINESE, "zh")))}
    wrong = []

    def work(text: str, language: str) -> None:
        for _ in range(10):
            length = len(sound(say(text, language)))
            if abs(length - expected[language]) > PIECE:
                wrong.append((language, length))

    threads = [threading.Thread(target=work, args=a) for a in ((TWELVE, "en"), (CHINESE, "zh"), (TWELVE, "en"))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not wrong


def test_a_missing_wheel_is_said_with_a_hint():
    code = """
import sys
sys.modules["espeakng_loader"] = None
from twin.errors import Missing
from twin.speak.espeak import Espeak
from twin.types import Mood, Voice
try:
    list(Espeak().speak("Hello", Voice(), Mood(), "en"))
except Missing as error:
    print(error.message, "|", error.hint)
"""
    said = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=True).stdout
    assert "espeak" in said.split("|")[0]
    assert "pip install espeakng-loader" in said.split("|")[1]
