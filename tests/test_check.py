"""The check of what a model says in the twin's name."""
from pathlib import Path

import pytest

from persona.card import Persona
from persona.check import Grounds

MAYA = Persona.load(Path(__file__).parent.parent / "assets" / "twins" / "maya")


def check(sentence, question="Tell me about the sea", language="en", **more):
    return Grounds(MAYA, language, question, alike=lambda asked, said: 1.0, **more).check(sentence)


@pytest.mark.parametrize("sentence", [
    "The sea is calm in the morning.", "I have a grey cat called Pedal.", "My workshop is by the harbour in Porto Verde.",
        "That sounds lovely!", "I'm glad you asked.", "I love tangerines.",
    "It has been a good day, hasn't it?", "A flat tyre costs 8 euros.", "I don't know that.", "I think the sea is beautiful.",
        "Leo is a baker.", "What do you like about it?", "I'm a digital human."])
def test_what_may_be_said(sentence):
    assert check(sentence) == ""


@pytest.mark.parametrize(("sentence", "reason"), [
    ("I live in London with my wife Sarah.", "name"), ("My brother Miguel taught me.", "name"), ("I have 12 bicycles.", "number"), (
        "I opened the workshop twenty years ago.", "number"),
    ("I studied engineering at university.", "claim"), ("My husband is a fisherman.", "claim"), ("I was raised on a farm.", "claim"), (
        "I am a real person.", "human"), ("I'm not a robot.", "human"),
    ("I'm a human being like you.", "human"), ("As an AI language model, I can't say.", "meta"), ("As a character named Maya, I fix "
                                                                                                  "things.",
        "meta"), ("The user wants a story.", "meta"),
    ("Assistant: hello", "meta"), ("我喜欢大海。", "language"), ("Tell me about the sea?", "echo"), ("You told me about it last time.",
        "memory"), (
        "We met in Berlin with Anna.", "name"),
    ("the sea the sea the sea the sea the sea the sea", "repetition"), ("", "empty")])
def test_what_may_not(sentence, reason):
    assert check(sentence).split()[0] == reason


def test_repetition_within_and_across_turns():
    grounds = Grounds(MAYA, "en", "Is the sea wide, and the lighthouse far?", [{"role": "assistant", "content":
        "The lighthouse is far away from here."}])
    assert grounds.check("The sea is wide.") == "" and grounds.check("The sea is wide.") == "repetition"
    assert grounds.check("The lighthouse is far away from here.") == "repetition"


def test_the_prompt_does_not_leak():
    system = "You answer in one or two short sentences, with I and my."
    assert check("You answer in one or two short sentences, with I and my.", system=system) == "leak"


def test_a_reply_beside_the_question():
    def first(sentence):
        return Grounds(MAYA, "en", "Why do people lie?").check(sentence)
    assert first("It is a great question.") == "beside" and first("People lie out of fear.") == ""
    assert Grounds(MAYA, "en", "Why do people lie?", alike=lambda asked, said: 0.2).check("People lie out of fear.") == "beside"


def test_history_is_ground():
    history = [{"role": "user", "content": "My name is Sam and I have 3 dogs"}]
    assert Grounds(MAYA, "en", "How many dogs?", history).check("Sam has 3 dogs.") == "" and check("Sam has 3 dogs.") != ""


@pytest.mark.parametrize(("sentence", "reason"), [("我是真人。", "human"), ("作为一个人工智能语言模型，我不能说。", "meta"), (
    "I would like to speak English with "
                                                                                                       "you now.", "language"), (
                                                                                                           "我的猫叫踏板。",
                                                                                                           ""), ("我是数字人，不是真人。",
                                                                                                               "")])
def test_chinese(sentence, reason):
    assert check(sentence, "你好", "zh", capable=True) == reason


def test_a_large_model_is_held_to_what_would_be_a_lie():
    assert check("The Eiffel Tower in Paris was built in 1889.", capable=True) == "" and check("I was at the market with Anna.", capable=True) == ""
    assert check("My husband loves it.", capable=True) == "claim" and check("I am a real human.", capable=True) == "human" and check(
        "I have 14 bicycles.", capable=True) == "number"
