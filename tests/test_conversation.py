"""The turn: order, back-pressure, interruption at every point, failures, and what is remembered."""
from __future__ import annotations

import asyncio
import threading
import time

import numpy as np
import pytest
from conftest import WORDS, Ears, Echo, Mind, Tone, hear_all

from twin.conversation import LEAD
from twin.errors import Refused
from twin.types import Audio, Ended, Heard, Speech, Spoken, Thought, Token, Trouble

FULL = " ".join(WORDS)


def of(events, kind):
    return [e for e in events if isinstance(e, kind)]


async def test_a_turn_comes_in_order_and_is_remembered(talk):
    conversation, events = talk()
    turn = await conversation.ask("  hi\x00 ")
    await hear_all(conversation, turn)
    assert events[0] == Heard(1, "hi")
    assert isinstance(events[1], Thought) and isinstance(events[-1], Ended) and events[-1].reason == "done"
    assert conversation.history[0] == {"role": "user", "content": "hi", "turn": 1}
    assert conversation.history[1]["content"] == FULL and "cut" not in conversation.history[1]
    spoken = of(events, Spoken)
    assert "".join(s.speech.text for s in spoken).strip() == FULL
    ends = 0.0
    for s in spoken:                                     # the sound joins without gap, the frames without drift
        assert s.at == pytest.approx(ends)
        ends = s.at + s.speech.audio.seconds
        assert len(s.motion.weights) == round(ends * 60) - round(s.at * 60)
        assert len(s.speech.audio.samples) % 480 == 0


async def test_sound_in(talk):
    conversation, events = talk()
    await hear_all(conversation, await conversation.ask(Audio(np.zeros(1600, np.float32), 16_000)))
    assert of(events, Heard) == [Heard(1, "spoken words")]


async def test_unsure_hearing_is_offered_for_correction_not_answered(talk):
    conversation, events = talk(listen=Ears("speaking swords", sure=False))
    await hear_all(conversation, await conversation.ask(Audio(np.zeros(1600, np.float32), 16_000)))
    assert of(events, Heard) == [Heard(1, "speaking swords", False)]
    assert not of(events, Token) and conversation.history == []


async def test_back_pressure_stops_the_thinker(talk):
    echo, tone = Echo(WORDS * 20), Tone()
    conversation, _ = talk(think=echo, speak=tone)
    turn = await conversation.ask("hi")
    await asyncio.sleep(0.5)
    made, sent = tone.made, turn.sent
    await asyncio.sleep(0.3)
    assert tone.made == made and sent < LEAD + 6 and echo.made < len(WORDS) * 20
    await conversation.interrupt()


async def test_interrupting_the_tail_remembers_what_was_heard(talk):
    conversation, events = talk(speak=Tone(pace=0.01))
    turn = await conversation.ask("hi")
    while not turn.times.get("sent"):
        await asyncio.sleep(0.01)
    await conversation.interrupt(heard=turn.sent / 2)
    said = conversation.history[-1]
    assert FULL.startswith(said["content"]) and 0.4 * len(FULL) < len(said["content"]) < 0.6 * len(FULL)
    assert FULL.endswith(said["cut"]) and len(said["content"]) + len(said["cut"]) >= len(FULL) - 2
    assert events[-1].reason == "interrupted" and events[-1].heard.strip() == said["content"]


async def test_a_clause_that_was_cut_while_being_made_is_not_heard_whole(talk):
    conversation, _ = talk(think=Echo(["One two three four five six seven eight nine ten eleven twelve"]), speak=Tone(step=0.1))
    turn = await conversation.ask("hi")
    while not turn.sent:
        await asyncio.sleep(0.005)
    await conversation.interrupt(heard=turn.sent)        # one of three pieces
    said = conversation.history[-1]
    assert said["content"].startswith("One") and "twelve" not in said["content"] and said["cut"].endswith("twelve")


async def test_barge_in_closes_everything_and_the_next_turn_works(talk):
    echo, tone = Echo(delay=0.004), Tone(step=0.02)
    conversation, events = talk(think=echo, speak=tone)
    turn = await conversation.ask("hi")
    while turn.sent < 3:
        await asyncio.sleep(0.005)
    began = time.perf_counter()
    await conversation.interrupt(heard=2.0)
    assert time.perf_counter() - began < 0.05
    count, made = len(events), echo.made
    await asyncio.sleep(0.2)
    assert len(events) == count and echo.made - made <= 1 and echo.closed == 1 and tone.busy == 0
    await hear_all(conversation, await conversation.ask("again"))
    assert events[-1].reason == "done" and tone.overlap == 1


async def test_an_async_thinker_that_hangs_can_be_interrupted(talk):
    class Hanging:
        closed = 0

        async def think(self, messages, **_):
            try:
                await asyncio.sleep(3600)
                yield "never"
            finally:
                self.closed += 1

    hanging = Hanging()
    conversation, events = talk(think=hanging)
    await conversation.ask("hi")
    await asyncio.sleep(0.05)
    await conversation.interrupt()
    assert hanging.closed == 1 and events[-1].reason == "interrupted"


async def test_a_voice_that_fails_leaves_captions_and_says_so_once(talk):
    conversation, events = talk(speak=Tone(fail_at=4))
    await hear_all(conversation, await conversation.ask("hi"))
    troubles = of(events, Trouble)
    assert [t.stage for t in troubles] == ["speak"] and "RuntimeError" in troubles[0].message and "saying" not in troubles[0].message
    assert events[-1].reason == "done" and of(events, Spoken)[-1].speech.audio is None


async def test_a_face_that_fails_holds_still(talk):
    class Broken:
        def animate(self, *_):
            raise ValueError("no rig")

    conversation, events = talk(animate=Broken())
    await hear_all(conversation, await conversation.ask("hi"))
    assert [t.stage for t in of(events, Trouble)] == ["animate"] and events[-1].reason == "done"


async def test_a_mind_that_fails_says_the_fallback_and_lives(talk):
    class Broken:
        def think(self, messages, **_):
            yield "I was"
            raise ConnectionError("server gone")

    conversation, events = talk(think=Broken(), mind=Mind(fallback="I lost my thread there."))
    await hear_all(conversation, await conversation.ask("hi"))
    assert [t.stage for t in of(events, Trouble)] == ["think"]
    assert conversation.history[-1]["content"] == "I lost my thread there."


async def test_a_mind_that_returns_nothing_says_so(talk):
    conversation, events = talk(think=Echo([]))
    await hear_all(conversation, await conversation.ask("hi"))
    assert "returned nothing" in of(events, Trouble)[0].message and events[-1].reason == "failed"


async def test_a_sentence_that_fails_the_check_is_never_spoken(talk):
    mind = Mind(refuse="cats", fallback="I don't know.")
    conversation, events = talk(think=Echo(["I", "fix", "bikes.", "I", "have", "seven", "cats.", "They", "sleep."]), mind=mind)
    await hear_all(conversation, await conversation.ask("hi"))
    assert conversation.history[-1]["content"] == "I fix bikes."
    conversation, events = talk(think=Echo(["I", "have", "seven", "cats.", "They", "sleep."]), mind=Mind(refuse="cats", fallback="I don't know."))
    await hear_all(conversation, await conversation.ask("hi"))
    assert conversation.history[-1]["content"] == "I don't know." and of(events, Thought)[-1].step == "unknown"


async def test_a_backend_that_hangs_is_replaced(talk):
    made = []

    class Sometimes(Tone):
        def speak(self, *args):
            if len(made) == 1:
                time.sleep(1.5)
            yield from super().speak(*args)

    def make():
        made.append(1)
        return Sometimes()

    conversation, events = talk(speak=make, budget=0.3)
    await hear_all(conversation, await conversation.ask("hi"))
    assert of(events, Trouble)[0].stage == "speak" and events[-1].reason == "done"
    await hear_all(conversation, await conversation.ask("again"))
    assert len(made) == 2 and len(of(events, Trouble)) == 1 and of(events, Spoken)[-1].speech.audio is not None


async def test_a_voice_that_returns_nothing_leaves_the_caption(talk):
    class Mute:
        def speak(self, *_):
            yield from ()

    conversation, events = talk(speak=Mute())
    await hear_all(conversation, await conversation.ask("hi"))
    assert all(s.speech.audio is None for s in of(events, Spoken)) and conversation.history[-1]["content"] == FULL


async def test_two_questions_at_once_become_one_after_the_other(talk):
    conversation, events = talk()
    _, second = await asyncio.gather(conversation.ask("one"), conversation.ask("two"))
    await hear_all(conversation, second)
    assert [e.reason for e in of(events, Ended)] == ["interrupted", "done"]


async def test_a_storm_of_questions_leaves_nothing_behind(talk):
    tone = Tone(step=0.003)
    conversation, events = talk(think=Echo(delay=0.001), speak=tone)
    for i in range(60):
        turn = await conversation.ask(f"n{i}")
        await asyncio.sleep(0.01 * (i % 4))
    await hear_all(conversation, turn)
    await asyncio.sleep(0.05)
    done: set[int] = set()
    for event in events:                                 # nothing of a turn comes behind its end
        assert event.turn not in done
        if isinstance(event, Ended):
            done.add(event.turn)
    assert len(done) == 60 and tone.overlap <= 1 and tone.busy == 0
    assert len(asyncio.all_tasks()) == 1


async def test_edit_regenerate_and_rewind(talk):
    conversation, _ = talk(mind=Mind(text="Indeed. "))
    for text in ("one", "two"):
        await hear_all(conversation, await conversation.ask(text))
    await hear_all(conversation, await conversation.regenerate())
    assert [m["content"] for m in conversation.history] == ["one", "Indeed.", "two", "Indeed."]
    await hear_all(conversation, await conversation.edit(0, "zero"))
    assert [m["content"] for m in conversation.history] == ["zero", "Indeed."]
    await conversation.rewind(0)
    assert conversation.history == [] and await conversation.regenerate() is None


async def test_greeting_and_one_aside(talk):
    conversation, events = talk()
    turn = await conversation.greet()
    await asyncio.sleep(0.05)
    assert await conversation.aside() is None            # it is speaking
    await hear_all(conversation, turn)
    assert of(events, Thought)[0].step == "greeting" and conversation.history[-1]["role"] == "assistant"
    await hear_all(conversation, await conversation.aside())
    assert of(events, Thought)[-1].step == "aside"


@pytest.mark.parametrize("text", ["", "   ", "\x00\x07", "x" * 100_000])
async def test_text_that_cannot_be_taken_is_refused_and_loses_nothing(talk, text):
    conversation, events = talk(mind=Mind(text="Yes. "))
    await hear_all(conversation, await conversation.ask("hi"))
    with pytest.raises(Refused) as refused:
        await conversation.ask(text)
    assert refused.value.hint and len(conversation.history) == 2
    await hear_all(conversation, await conversation.ask("🙂🙂"))
    assert len(conversation.history) == 4


async def test_without_an_ear_nothing_waits(talk):
    conversation, events = talk(ear=False)
    await conversation.ask("hi")
    async with asyncio.timeout(5):
        await conversation.settled()
    assert events[-1].reason == "done" and conversation.history[-1]["content"] == FULL


async def test_an_odd_last_piece_is_filled_to_whole_packets(talk):
    class Odd:
        def speak(self, text, *_):
            yield Speech(text, Audio(np.ones(700, np.float32)))

    conversation, events = talk(speak=Odd())
    await hear_all(conversation, await conversation.ask("hi"))
    assert {len(s.speech.audio.samples) for s in of(events, Spoken)} == {960}


def test_the_most_urgent_is_made_first():
    """One thread, four who wait: who has sound for long comes last, whatever is for nobody's ear before it when its time has come."""
    from twin.streams import LATER, Lane, due
    lane, order, gate = Lane("test"), [], threading.Event()

    async def wants(name, when):
        due.set(when)
        await lane.run(order.append, name)

    async def main():
        now = time.perf_counter()
        blocking = asyncio.ensure_future(lane.run(gate.wait))
        await asyncio.sleep(0.05)
        waiting = [asyncio.ensure_future(wants(*one)) for one in (("eight seconds in hand", lambda: now + 8.0), ("nobody", None), ("new", lambda: now + 0.3),
                                                                   ("nearly dry", lambda: now + 0.1), ("given up", lambda: now))]
        await asyncio.sleep(0.05)
        given_up = waiting.pop()
        given_up.cancel()
        await asyncio.gather(given_up, return_exceptions=True)       # the loop carries a cancel to the lane at its next turn
        gate.set()
        await asyncio.gather(blocking, *waiting)
    asyncio.run(main())
    lane.close()
    assert order == ["nearly dry", "new", "nobody", "eight seconds in hand"] and LATER < 8


SOUND = Audio(np.zeros(1600, np.float32), 16_000)


async def test_a_supposed_turn_is_told_to_nobody_before_it_is_certain(talk):
    conversation, events = talk()
    turn = await conversation.suppose(SOUND)
    await turn.understood.wait()
    await asyncio.sleep(0.3)                             # the first sound is made by now
    assert (turn.text, turn.sure) == ("spoken words", True) and not events and not conversation.speaking and not conversation.history
    began = time.perf_counter()
    assert conversation.release(turn) and conversation.speaking and not conversation.release(turn)
    while not of(events, Spoken):
        await asyncio.sleep(0.002)
    assert time.perf_counter() - began < 0.1, "it only had to be sent"
    await hear_all(conversation, turn)
    assert isinstance(events[0], Heard) and isinstance(events[1], Thought) and events[-1].reason == "done"
    assert [message["content"] for message in conversation.history] == ["spoken words", FULL]


async def test_a_supposed_turn_that_is_withdrawn_never_was(talk):
    conversation, events = talk()
    conversation.language = "en"
    for wait in (0.0, 0.05, 0.3):                        # while it listens, thinks, speaks
        turn = await conversation.suppose(SOUND)
        await asyncio.sleep(wait)
        await conversation.withdraw(turn)
        assert not conversation.release(turn) and not conversation.speaking
    assert events == [] and conversation.history == [] and conversation.language == "en"
    turn = await conversation.ask("hi")
    await conversation.withdraw(turn)                    # nor can one be that was asked
    assert conversation.speaking and await conversation.suppose(SOUND) is None, "nothing is supposed while the twin speaks"
    await hear_all(conversation, turn)
    assert events[-1].reason == "done" and [message["role"] for message in conversation.history] == ["user", "assistant"]


async def test_what_is_asked_ends_what_was_supposed(talk):
    conversation, events = talk()
    supposed = await conversation.suppose(SOUND)
    await asyncio.sleep(0.05)
    await hear_all(conversation, await conversation.ask("hi"))
    assert not conversation.release(supposed) and {event.turn for event in events} == {2} and conversation.history[0]["content"] == "hi"


async def test_a_supposed_turn_that_is_unsure_or_fails_says_so_when_it_is_certain(talk):
    conversation, events = talk(listen=Ears("speaking swords", sure=False))
    turn = await conversation.suppose(SOUND)
    await turn.understood.wait()
    await asyncio.sleep(0.05)
    assert not events and conversation.release(turn)
    await conversation.settled()
    assert of(events, Heard) == [Heard(1, "speaking swords", False)] and events[-1].reason == "done" and conversation.history == []


async def test_reminders_are_set_only_when_it_is_certain(talk):
    from datetime import datetime, timedelta

    from persona.reminders import Book
    kept: list[bytes] = []
    conversation, _ = talk()
    conversation.book = Book(keep=kept.append)
    now = datetime.now()
    turn = await conversation.suppose(SOUND)
    turn.book.add(now + timedelta(hours=1), "tea", "en", now)
    await conversation.withdraw(turn)
    assert not kept and not len(conversation.book)
    turn = await conversation.suppose(SOUND)
    turn.book.add(now + timedelta(hours=1), "tea", "en", now)
    conversation.release(turn)
    turn.book.add(now + timedelta(hours=2), "cake", "en", now)      # what a model does later in the same turn
    assert [row.text for row in conversation.book.all()] == ["tea", "cake"] and len(kept) == 2
    await conversation.interrupt()
