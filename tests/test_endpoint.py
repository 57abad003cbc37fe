"""Turn taking at the microphone: ends, pauses and interruptions, over the twin's own echo and from bad microphones."""
from __future__ import annotations

from functools import cache

import numpy as np
import pytest
import soxr
from scipy.signal import fftconvolve

from bench.sounds import cough, keys, level, music, room, said, trimmed
from twin.listen.echo import Echo, bands
from twin.listen.endpoint import AHEAD, Endpointer
from twin.listen.turns import LATE, MAYBE, PAUSE, SOON, backchannel, finished, halts

HZ = 16_000
STORY = "That is a long story, and it begins with a boat, a storm, and a very stubborn old captain who would not turn back."


@cache
def asked(text: str = "What is your name?", voice: str = "m3") -> np.ndarray:
    return trimmed(said(text, voice))


def quiet(seconds: float, seed: int = 0) -> np.ndarray:
    """A room in which nobody speaks."""
    return np.random.default_rng(seed).normal(0, 0.0008, round(seconds * HZ)).astype(np.float32)


def pcm(sound: np.ndarray) -> np.ndarray:
    return (np.clip(sound, -1, 1) * 32767).astype(np.int16)


def heard(ears: Endpointer, sound: np.ndarray, step: int = 800) -> list[tuple[float, str, object]]:
    """What happens, each with its s, pushed in chunks."""
    samples = pcm(sound)
    return [((k + step) / HZ, *one) for k in range(0, len(samples), step) for one in ears.push(samples[k:k + step])]


def kinds(happened) -> list[str]:
    return [kind for _, kind, _ in happened]


def over(user: np.ndarray | None, echo_db: float = -10.0, at: float = 3.0, seconds: float = 5.5, off: float = 0.2, late: float = 0.15):
    """The twin tells a story into a room from 0.5 s on; somebody makes a sound at `at` s. -> (microphone, what is known of what was played)."""
    twin = np.concatenate([quiet(0.5) * 0, said(STORY, "f3")])[: round(seconds * HZ)]
    echo = fftconvolve(twin, room(np.random.default_rng(3), 0.3))[: len(twin)] * 10 ** (echo_db / 20)
    mic = quiet(seconds)
    mic[round(late * HZ): len(twin)] += echo[: len(twin) - round(late * HZ)]
    if user is not None:
        part = user[: len(mic) - round(at * HZ)]
        mic[round(at * HZ): round(at * HZ) + len(part)] += part

    def played(now: float) -> np.ndarray:
        end = round((now + off + AHEAD) * HZ)
        return np.pad(twin, (2 * HZ, HZ))[max(0, end): max(0, end) + 2 * HZ]
    return mic, played


def interrupted(mic: np.ndarray, played, step: int = 800) -> list[tuple[float, str, object]]:
    ears, out = Endpointer(), []
    for k in range(0, len(mic) - step, step):
        now = (k + step) / HZ
        ears.talking, ears.reference = now > 0.5, lambda now=now: played(now)
        out += [(now, *one) for one in ears.push(pcm(mic[k:k + step]))]
    return out


# ends -----------------------------------------------------------------------------------------------------------------------------------

def test_a_turn_begins_pauses_and_ends():
    sound = np.concatenate([quiet(0.6), asked(), quiet(1.2, 1)])
    happened = heard(Endpointer(), sound)
    assert kinds(happened) == ["speech", "pause", "utterance", "silence"]
    began, paused, ended, _ = (at for at, _, _ in happened)
    last = 0.6 + len(asked()) / HZ
    assert 0.6 < began < 0.95 and last < paused < last + 0.4 and PAUSE - 0.1 < ended - last < PAUSE + 0.25
    assert happened[2][2].rate == HZ and abs(happened[2][2].seconds - len(asked()) / HZ - 0.5) < 0.25


@pytest.mark.parametrize(("text", "least", "most"), [("what is your name?", SOON - 0.1, SOON + 0.22), ("i wanted to ask because", LATE - 0.1, LATE + 0.25)])
def test_what_was_said_brings_the_end_nearer_or_puts_it_off(text, least, most):
    ears, ended = Endpointer(), 0.0
    sound = pcm(np.concatenate([quiet(0.6), asked(), quiet(2.0, 1)]))
    for k in range(0, len(sound), 800):
        for kind, _ in ears.push(sound[k:k + 800]):
            if kind == "pause":
                ears.hears(text, "en", False)
            ended = (k + 800) / HZ if kind == "utterance" else ended
    assert least < ended - 0.6 - len(asked()) / HZ < most


def test_one_who_goes_on_is_heard_as_one_turn():
    sound = np.concatenate([quiet(0.6), asked("I would like to know"), quiet(0.4, 1), asked("how you learned to cook."), quiet(1.2, 2)])
    happened = heard(Endpointer(), sound)
    assert kinds(happened) == ["speech", "pause", "on", "pause", "utterance", "silence"]
    assert happened[1][2].seconds < happened[3][2].seconds <= happened[4][2].seconds


def test_a_text_that_comes_late_changes_nothing():
    ears = Endpointer()
    ears.hears("because", "en", True)
    assert kinds(heard(ears, np.concatenate([quiet(0.6), asked(), quiet(1.0, 1)])))[-1] == "silence"
    ears.hears("because", "en", True)
    assert kinds(heard(ears, np.concatenate([asked(), quiet(0.9, 1)])))[-1] == "silence"


def test_the_size_of_chunks_does_not_matter():
    sound = np.concatenate([quiet(0.6), asked(), quiet(1.0, 1)])
    assert kinds(heard(Endpointer(), sound, 137)) == kinds(heard(Endpointer(), sound, 4000)) == ["speech", "pause", "utterance", "silence"]
    assert Endpointer().push(np.zeros(0, np.int16)) == []


def test_a_microphone_that_closes_in_mid_word_gives_what_it_has():
    ears = Endpointer()
    heard(ears, np.concatenate([quiet(0.6), asked(STORY)[: 2 * HZ]]))
    audio = ears.flush()
    assert audio is not None and 1.8 < audio.seconds < 2.6 and not ears.speaking and ears.flush() is None


# microphones ----------------------------------------------------------------------------------------------------------------------------

@pytest.mark.parametrize("rate", [8_000, 44_100, 96_000])
def test_microphones_of_other_rates(rate):
    """The page brings them to 16 kHz; what an 8 kHz one never heard stays missing."""
    sound = soxr.resample(soxr.resample(np.concatenate([quiet(0.6), asked(), quiet(1.0, 1)]), HZ, rate), rate, HZ)
    assert kinds(heard(Endpointer(), sound)) == ["speech", "pause", "utterance", "silence"]


@pytest.mark.parametrize("spoil", [lambda s: s + 0.2, lambda s: np.clip(s * 30, -0.9, 0.9), lambda s: s * 0.03], ids=["offset", "clipped", "faint"])
def test_bad_microphones_still_hear(spoil):
    sound = spoil(np.concatenate([quiet(0.6) * 0.2, asked(), quiet(1.2, 1) * 0.2]))
    assert kinds(heard(Endpointer(), sound)) == ["speech", "pause", "utterance", "silence"]


@pytest.mark.parametrize("sound", [np.zeros(3 * HZ), np.full(3 * HZ, 0.5), np.tile([1.0, -1.0], 3 * HZ // 2)], ids=["muted", "stuck", "full scale"])
def test_dead_microphones_hear_nobody(sound):
    assert heard(Endpointer(), sound) == []


def test_a_microphone_unplugged_in_mid_word_ends_the_turn():
    assert kinds(heard(Endpointer(), np.concatenate([quiet(0.6), asked(STORY)[: 2 * HZ], np.zeros(HZ)])))[-2:] == ["utterance", "silence"]


def test_people_talking_in_the_background_are_nobody():
    """Ten dB under the user: the end is found all the same."""
    crowd = sum(np.roll(np.resize(said(STORY, voice), 7 * HZ), 9000 * k) for k, voice in enumerate(("m1", "f1", "m2", "f2", "m4", "f4")))
    sound = level(crowd, 0.06 * 10 ** (-14 / 20))
    sound[4 * HZ: 4 * HZ + len(asked())] += asked()
    happened = heard(Endpointer(), sound)
    ends = [at for at, kind, _ in happened if kind == "utterance"]
    assert any(4 + len(asked()) / HZ < at < 4 + len(asked()) / HZ + 1.2 for at in ends) and len(ends) <= 2


# interruptions --------------------------------------------------------------------------------------------------------------------------

@pytest.mark.parametrize("echo_db", [-10.0, -25.0])
@pytest.mark.parametrize("off", [-0.3, 0.6])
def test_its_own_echo_does_not_stop_the_twin(echo_db, off):
    assert not {"speech", "burst"} & set(kinds(interrupted(*over(None, echo_db, off=off))))


@pytest.mark.parametrize("echo_db", [-10.0, -25.0, -120.0])
def test_it_ducks_and_stops_for_somebody_who_speaks(echo_db):
    happened = interrupted(*over(asked("Excuse me, but I would like to ask you about the garden."), echo_db, at=3.0))
    ducked, stopped = (next(at for at, kind, _ in happened if kind == what and at >= 3) for what in ("voice", "speech"))
    assert ducked - 3 <= 0.40 and stopped - 3 <= 1.0


@pytest.mark.parametrize("make", [cough, keys, music])
def test_it_goes_on_after_what_is_no_speech(make):
    happened = interrupted(*over(make(np.random.default_rng(4)), -18.0))
    assert "speech" not in kinds(happened)
    assert kinds(happened).count("voice") == sum(kind in ("burst", "nothing") for kind in kinds(happened))


def test_it_goes_on_after_mm_hm_and_hands_a_word_over():
    for text in ("uh-huh.", "mm.", "Stop!"):
        happened = interrupted(*over(asked(text), -120.0))
        assert kinds(happened) == ["voice", "burst"] and 0.3 < happened[1][2].seconds < 1.5 and happened[1][0] - 3 < 1.1


def test_the_end_of_its_own_echo_is_no_question():
    mic, played = over(None, -10.0, seconds=4.0)
    ears, out = Endpointer(), []
    for k in range(0, len(mic), 800):
        now = (k + 800) / HZ
        ears.talking, ears.reference = 0.5 < now < 3.0, lambda now=now: played(now)     # it falls silent a second before the microphone does
        out += ears.push(pcm(mic[k:k + 800]))[:1] if now < 3.5 else []
    assert "speech" not in [kind for kind, _ in out]


def test_without_knowing_what_was_played_any_voice_counts():
    mic, _ = over(asked("Excuse me, but I would like to ask you about the garden."), -120.0)
    ears, out = Endpointer(), []
    for k in range(0, len(mic), 800):
        ears.talking = True
        out += ears.push(pcm(mic[k:k + 800]))
    assert [kind for kind, _ in out][:2] == ["voice", "speech"]


def test_what_the_echo_leaves_of_a_person_is_the_person():
    """Cleaned of an echo it knows, silence is left; of somebody beside it, nearly all."""
    mic, played = over(None, -10.0)
    ears = Echo()
    left = []
    for k in range(0, len(mic) - 512, 512):
        ears.hear(mic[k:k + 512])
        ears.played(played((k + 512) / HZ), 0)
        ears.judge()
        window, rows, _ = ears.clean()
        assert window.shape == (512,) and window.dtype == np.float32 and rows.shape == (2, 24)
        left.append((float((mic[k:k + 512] ** 2).sum()), float((window ** 2).sum())))
    before, after = np.array(left[60:]).sum(0)
    assert after < 0.1 * before
    assert bands(np.zeros(1024, np.float32)).shape == (3, 24)


# words ----------------------------------------------------------------------------------------------------------------------------------

@pytest.mark.parametrize(("text", "language", "sure", "wanted"), [
    ("what is your name", "en", True, SOON), ("what is your name", "en", False, MAYBE), ("where are you from", "en", True, SOON), ("how old is it", "en", True, SOON),
    ("yes", "en", False, SOON), ("I want to", "en", True, LATE), ("because", "en", False, LATE), ("it was my", "en", True, LATE), ("So, um...", "en", True, LATE),
    ("I like it a lot", "en", False, PAUSE), ("", "en", False, PAUSE), ("Really?", "en", True, SOON), ("First,", "en", True, LATE),
    ("你叫什么名字", "zh", True, SOON), ("你好吗", "zh", False, SOON), ("然后", "zh", True, LATE), ("我喜欢红色的", "zh", True, LATE), ("好的", "zh", True, SOON),
    ("因为", "en", True, LATE), ("tell me about Python", "zh", True, SOON), ("Comment ça va ?", "fr", True, SOON), ("je voudrais", "fr", True, PAUSE)])
def test_what_sounds_finished(text, language, sure, wanted):
    assert finished(text, language, sure) == wanted


def test_what_only_says_that_somebody_listens():
    assert all(backchannel(text, "en") for text in ("", "Mm-hm.", "uh-huh", "Yeah, right.", "OK", "I see.", "oh wow", "嗯", "对对对"))
    assert not any(backchannel(text, "en") for text in ("stop", "yeah but why", "what is that", "等一下"))
    assert all(backchannel(text, "zh") for text in ("嗯，嗯。", "好的", "原来如此")) and not backchannel("你说什么", "zh")


def test_what_asks_the_twin_to_stop():
    assert all(halts(text, "en") for text in ("Stop!", "wait a second", "hold on", "no no", "等一下"))
    assert not any(halts(text, "en") for text in ("", "mm-hm", "yeah", "right", "嗯", "nobody", "no"))
