"""Cards: what is read, what is refused and with which hint, and sentences turned into the first person."""
import json
from pathlib import Path

import pytest

from persona.card import CardError, CardMissing, Persona
from persona.emotion import EMOTIONS, called_for
from persona.fields import facts

TWINS = Path(__file__).parent.parent / "assets" / "twins"


@pytest.mark.parametrize("twin", ["maya", "kofi", "lin", "hao"])
def test_default_twins(twin):
    persona = Persona.load(TWINS / twin)
    assert persona.id == twin and {"en", "zh"} <= set(persona.name) and len(persona.facts) >= 10
    assert all({"en", "zh"} <= set(fact) for fact in persona.facts) and persona.greeting["en"] and persona.greeting["zh"]


def test_name_and_two_sentences_are_enough(tmp_path):
    file = tmp_path / "tilda.yaml"
    file.write_text("name: Tilda\ndescription: Tilda keeps bees. She hates Mondays.\n", "utf-8")
    persona = Persona.load(file)
    assert (persona.id, persona.languages, persona.age) == ("tilda", ("en",), None)
    assert [fact.text for fact in facts(persona)] == ["I keep bees.", "I hate Mondays."]


def test_json_plain_strings_and_languages(tmp_path):
    file = tmp_path / "wei.json"
    file.write_text(json.dumps({"name": "老魏", "facts": ["我爱钓鱼。", {"en": "I fish.", "zh": "我钓鱼。"}], "greeting": "你好"}),
        "utf-8")
    persona = Persona.load(file)
    assert persona.name == {"zh": "老魏"} and persona.languages == ("zh",) and persona.greeting == {"zh": ("你好",)}
    assert persona.facts[0] == {"zh": "我爱钓鱼。"} and persona.text("name", "en") == "老魏"


@pytest.mark.parametrize(("data", "word"), [
    ("", "mapping"), ("[1, 2]", "mapping"), ("age: 3", "name"), ("name: ''", "name"), ("name: A\nage: old", "age"), ("name: A\nfacts: 3",
        "facts"),
    ("name: A\nvoice: {rate: 9}", "rate"), ("name: [A]", "name"), ("name: A\ndescription: " + "x" * 9000, "description"),
    ("name: A\ngreeting: 3", "greeting"), ("name: &a A\ntagline: *a", "alias"), ("name: 'A", "read"), ("[" * 3000, ""), (
        "name: A\nfacts:\n" +
        "- x\n" * 300, "facts")])
def test_bad_cards_say_what_to_change(tmp_path, data, word):
    file = tmp_path / "persona.yaml"
    file.write_text(data, "utf-8")
    with pytest.raises(CardError) as found:
        Persona.load(tmp_path)
    assert word.lower() in found.value.message.lower() and found.value.hint and isinstance(found.value, ValueError)


def test_missing_and_not_text(tmp_path):
    with pytest.raises(CardMissing):
        Persona.load(tmp_path / "nobody")
    (tmp_path / "a.yaml").write_bytes(b"\xff\xfe\x00name")
    with pytest.raises(CardError, match="UTF-8"):
        Persona.load(tmp_path / "a.yaml")


@pytest.mark.parametrize(("name", "description", "said"), [
    ("Tom", "Tom is a baker in Leeds who gets up at three.", "I am a baker in Leeds who gets up at three."),
    ("Tom", "He watches birds and plays chess.", "I watch birds and play chess."),
    ("Tom", "His wife Anna teaches music.", "My wife Anna teaches music."),
    ("Zara", "You are Zara, a pilot. Your ship is called Lark.", "I am Zara, a pilot."),
    ("Zara", "I fly at night.", "I fly at night."),
    ("Zara", "The moon is far.", "The moon is far."),
    ("老周", "老周退休了，他住在青岛。", "我退休了，我住在青岛。"),
    ("小陈", "他晚上弹吉他。", "我晚上弹吉他。")])
def test_first_person(name, description, said):
    assert facts(Persona.parse({"name": name, "description": description}))[0].text == said


def test_moods():
    assert len(EMOTIONS) == 12
    channels = {channel for emotion in EMOTIONS.values() for channel in emotion.face}
    from twin.types import ARKIT
    assert channels <= set(ARKIT)
    assert all(0 <= weight <= 0.6 for emotion in EMOTIONS.values() for weight in emotion.face.values())


@pytest.mark.parametrize(("text", "mood"), [
    ("I'm so sad", "concerned"), ("tell me a joke", "amused"), ("you are great", "happy"), ("you idiot", "annoyed"), ("I got the job!",
        "excited"),
    ("我很难过", "concerned"), ("讲个笑话", "amused"), ("你真棒", "happy"), ("我升职了", "excited"), ("the table is brown", "neutral")])
def test_appraisal(text, mood):
    assert called_for(text) == mood


@pytest.mark.parametrize("told,said", [("Gus trained boxers and now races pigeons.", "I trained boxers and now race pigeons."), ("Gus keeps bees and also horses.", "I keep bees and also horses."),
                                       ("Gus runs the Odile and took her over in May.", "I run the Odile and took her over in May.")])
def test_a_description_in_the_first_person(told, said):
    from persona.fields import first_person
    assert first_person(told, Persona.parse({"name": "Gus Abara", "facts": ["I swim."]}), "en") == said
