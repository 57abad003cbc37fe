"""A user's statement is taken up by what it says, in both languages; a question back comes now and then, not each time."""
from __future__ import annotations

from datetime import datetime

import pytest

from persona.heard import said_back, taken_up
from persona.lines import general
from persona.mind import Mind
from twin.store import Twins


@pytest.mark.parametrize("text, tongue, back", [
    ("My sister's wedding is on Saturday.", "en", "Your sister's wedding is on Saturday."), ("By the way, I'm learning the cello.", "en", "You're learning the cello."),
    ("We got a puppy, and I was up all night.", "en", "You got a puppy."), ("I was made head of year because Mia left.", "en", "You were made head of year."), ("Rain again.", "en", ""),
    ("对了，我妹妹这周六结婚。", "zh", "你妹妹这周六结婚啊，"), ("我们搬到杭州了，累死了。", "zh", "你们搬到杭州了，"), ("今天天气真好。", "zh", "")])
def test_it_is_said_back_from_the_other_side(text, tongue, back):
    assert said_back(text, tongue) == back


@pytest.mark.parametrize("text, tongue", [("What is my name?", "en"), ("You are kind to me.", "en"), ("Please keep it short with me.", "en"), ("It rained.", "en"), ("我该怎么办？", "zh"), ("你对我真好。", "zh")])
def test_what_tells_nothing_is_left_to_others(text, tongue):
    assert taken_up(text, tongue, 0) is None


def test_the_sad_is_not_cheered_at_and_not_asked_about():
    assert all("?" not in (found := taken_up("My bike got stolen.", "en", turn)).text and found.mood == "concerned" for turn in range(6))


def test_not_every_turn_asks_back():
    for text, tongue in (("My sister's wedding is on Saturday.", "en"), ("我妹妹这周六结婚。", "zh")):
        said = [taken_up(text, tongue, turn).text for turn in range(6)]
        assert sum(one.endswith(("?", "？")) for one in said) == 2 and len(set(said)) > 2


def test_a_twin_takes_it_up():
    mind = Mind(Twins()["maya"].persona, {"en": general("en"), "zh": general("zh")})
    for text, tongue, word in (("My sister's wedding is on Saturday.", "en", "sister's wedding"), ("我妹妹这周六结婚。", "zh", "妹妹这周六结婚")):
        answer = mind.answer([], text, now=datetime(2026, 11, 18, 10), language=tongue)
        assert word in answer.text and not answer.text.endswith(("?", "？")) and "did that come about" not in answer.text
