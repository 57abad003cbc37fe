"""Whose turn it is: a twin that is cut into is softer at once and silent when it is sure, coughs and "mm-hm" change nothing, and an answer begins in a pause."""
from __future__ import annotations

import asyncio
import time

import numpy as np
import pytest
from conftest import WORDS, Ears, Echo, Tone
from place import Place

from bench.client import Client
from twin.turn import Turn
from twin.types import Audio, Speech, Spoken
from twin.wire import floor
from twin.wire.floor import Sounding, stops

SAID = Audio(np.zeros(8000, np.float32), 16_000)
SOUNDS = {"voice": None, "nothing": None, "burst": SAID, "speech": None, "pause": SAID, "on": None, "utterance": SAID, "silence": None}
KINDS = [*SOUNDS]


class Score:
    """An endpointer that finds what a chunk says: its first sample is a number of KINDS."""

    made: list[Score] = []

    def __init__(self):
        self.talking, self.reference, self.heard = False, None, []
        Score.made.append(self)

    def push(self, chunk):
        kind = KINDS[int(chunk[0])]
        self.heard.append((kind, self.talking, None if self.reference is None else self.reference()))
        return [(kind, SOUNDS[kind])] + ([("silence", None)] if kind == "utterance" else [])

    def hears(self, text, language, sure):
        self.heard.append(("hears", text, sure))

    @staticmethod
    def backchannel(text, language):
        return text in ("", "mm hm", "right")

    @staticmethod
    def halts(text, language):
        return text.startswith(("stop", "wait"))


@pytest.fixture(scope="module")
def ears():
    return Ears("what is your name")


@pytest.fixture(scope="module")
def place(tmp_path_factory, ears):
    with Place(tmp_path_factory.mktemp("data"), endpointer=Score, listen=ears, think=Echo(WORDS * 3), speak=Tone(pace=0.1)) as served:
        yield served


def only(kind: str):
    return lambda header, _: header["type"] == kind


async def begun(place: Place, client: Client, speaking: bool = True) -> None:
    """The twin speaks, and the microphone is on."""
    if speaking:
        await client.send({"type": "say", "text": "hi"})
        await client.sound()
    await client.send({"type": "mic", "on": True, "mode": "free"})
    await asyncio.sleep(0.05)


async def found(client: Client, *kinds: str) -> None:
    for kind in kinds:
        await client.send(np.full(800, KINDS.index(kind), "<i2").tobytes())


async def told(client: Client, seconds: float = 0.4) -> list[dict]:
    """What comes within so many seconds."""
    out = []
    try:
        async with asyncio.timeout(seconds):
            await client.until(lambda header, _: out.append(header) or False)
    except TimeoutError:
        pass
    return out


async def test_a_cough_only_makes_it_softer(place):
    async with Client(place.url) as client:
        await begun(place, client)
        await found(client, "voice")
        assert (await client.until(only("duck")))[0]["on"] is True
        kind, talking, reference = Score.made[-1].heard[-1]
        assert talking and reference.dtype == np.float32 and len(reference) == round((floor.BACK + floor.AHEAD) * 16_000) and np.abs(reference).max() > 0.1
        await found(client, "nothing")
        assert (await client.until(only("duck")))[0]["on"] is False
        assert not {"ended", "heard"} & {header["type"] for header in await told(client)}


@pytest.mark.parametrize(("text", "sure", "goes_on"), [("mm hm", False, True), ("right", True, True), ("", False, True), ("wreck a nice", False, True),
                                                       ("stop it please", False, False), ("what is your name", True, False)])
async def test_a_short_word_into_its_words(place, ears, text, sure, goes_on):
    ears.text, ears.sure = text, sure
    async with Client(place.url) as client:
        await begun(place, client)
        await found(client, "voice", "burst")
        assert (await client.until(only("duck")))[0]["on"] is True
        if goes_on:
            assert (await client.until(only("duck")))[0]["on"] is False
            assert "ended" not in {header["type"] for header in await told(client)}
            return
        assert (await client.until(only("ended")))[0]["reason"] == "interrupted"
        heard = [header["text"] for header in await told(client) if header["type"] == "heard"]
        assert heard == ([] if stops(text, "en") else [text])
    ears.text, ears.sure = "what is your name", True


async def test_who_goes_on_speaking_is_listened_to(place):
    async with Client(place.url) as client:
        await begun(place, client)
        await found(client, "voice", "speech")
        assert (await client.until(only("duck")))[0]["on"] is True
        assert (await client.until(only("vad")))[0]["speech"] is True
        assert (await client.until(only("ended")))[0]["reason"] == "interrupted"
        assert (await client.until(only("duck")))[0]["on"] is False


async def test_in_a_pause_an_answer_begins_that_is_told_when_it_was_the_end(place):
    async with Client(place.url) as client:
        await begun(place, client, speaking=False)
        await found(client, "speech", "pause")
        met = await told(client)
        assert [header["text"] for header in met if header["type"] == "partial"] == ["what is your name"]
        assert not {"heard", "thought", "spoken"} & {header["type"] for header in met} and ("hears", "what is your name", True) in Score.made[-1].heard
        began = time.perf_counter()
        await found(client, "utterance")
        met = []
        await client.until(lambda header, _: met.append(header["type"]) or header["type"] == "spoken")
        assert time.perf_counter() - began < 0.3 and met.count("heard") == met.count("thought") == 1


async def test_in_a_pause_that_was_none_nothing_has_been(place):
    async with Client(place.url) as client:
        await begun(place, client, speaking=False)
        await found(client, "speech", "pause")
        await asyncio.sleep(0.1)
        await found(client, "on", "pause", "on")
        met = await told(client)
        assert not {"heard", "thought", "spoken", "ended"} & {header["type"] for header in met} and place.made[-1].history == []
        await found(client, "pause", "utterance")
        assert (await client.until(only("heard")))[0]["text"] == "what is your name"
        await client.sound()


async def test_the_microphone_goes_off_in_a_pause(place):
    async with Client(place.url) as client:
        await begun(place, client, speaking=False)
        await found(client, "speech", "pause")
        await asyncio.sleep(0.1)
        await client.send({"type": "mic", "on": False})
        assert not {"heard", "spoken"} & {header["type"] for header in await told(client)} and place.made[-1].history == []
        met = await client.turn("hi")
        assert met


async def test_a_long_story_is_nodded_at(place, monkeypatch):
    monkeypatch.setattr(floor, "LONG", 0.05)
    async with Client(place.url) as client:
        await begun(place, client, speaking=False)
        await found(client, "speech")
        await asyncio.sleep(0.1)
        await found(client, "pause")
        assert await client.until(only("nod"))


def test_what_stops_it():
    assert all(stops(text, "en") for text in ("stop", "Stop it!", "wait", "hold on a second", "quiet please")) and stops("停一下", "zh") and stops("别说了", "en")
    assert not any(stops(text, "en") for text in ("", "stop the car at the corner", "what", "don't stop", "no")) and not stops("停车场在哪里", "zh")


def test_what_sounds_now_is_known():
    sounding, turn = Sounding(), Turn(1, "hi")
    assert sounding.playing(None) is None and sounding.playing(turn) is None
    tone = np.sin(np.arange(24_000) * 0.1).astype(np.float32)
    for second in range(20):
        sounding.add(Spoken(1, float(second), Speech("", Audio(tone * (0.1 if second % 2 else 1.0))), None))
    turn.sent, turn.sounded = 20.0, time.perf_counter()
    turn.heard_until(10.0)
    sound = sounding.playing(turn)()
    seconds = [float(np.abs(sound[at:at + 6000]).mean()) for at in (1000, 17_000)]
    assert len(sound) == 38_400 and 5 < seconds[0] / seconds[1] < 15, "the even second 8 is loud, the odd one 9 is soft"
    turn.heard_until(20.0)
    assert sounding.playing(turn) is None, "it has been heard to its end"
