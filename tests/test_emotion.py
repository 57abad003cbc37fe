"""What words tell of feeling, in both languages; the twin's own mood, which is moved and comes to rest; the word that is said to it first."""
from datetime import datetime
from pathlib import Path

import pytest

from persona.card import Persona
from persona.emotion import EMOTIONS, HALF_LIFE, Appraisal, Temper, appraise, called_for, nature
from persona.lines import general
from persona.mind import Mind

HERE = Path(__file__).parent
TWINS = HERE.parent / "assets" / "twins"
NOW = datetime(2026, 11, 21, 20, 5)
HEAVY = ("sadness", "fear", "anger", "disgust")


def sentences(language):
    rows = [line.split(": ", 1) for line in (HERE / f"feelings.{language}.txt").read_text("utf-8").splitlines() if line and not line.startswith("#")]
    return [(label, text) for label, text in rows]


@pytest.mark.parametrize(("language", "right"), [("en", 0.93), ("zh", 0.93)])
def test_the_class_of_a_sentence(language, right):
    """Sentences written before they were looked up; then words were added for some that were missed, so this is no held-out figure."""
    rows = sentences(language)
    assert len(rows) >= 150
    wrong = [(label, appraise(text, language).ekman, text) for label, text in rows if appraise(text, language).ekman != label]
    assert 1 - len(wrong) / len(rows) >= right, wrong
    signs = [(label, text) for label, text in rows if label in ("joy", *HEAVY) for found in [appraise(text, language)]
             if found.ekman != "neutral" and (found.valence > 0) != (label == "joy")]
    assert len(signs) <= 0.05 * len(rows), signs


def test_what_lies_between_the_lines_is_mostly_missed():
    """Feeling without a word of feeling ("the meat had turned green"): no word list reads that. Looked at once, never tuned on."""
    rows = [line.split(": ", 1) for line in (HERE / "feelings.implied.txt").read_text("utf-8").splitlines() if line and not line.startswith("#")]
    right = sum(appraise(text).ekman == label for label, text in rows) / len(rows)
    assert 0.3 <= right < 0.9, right


@pytest.mark.parametrize(("text", "of"), [
    ("not bad at all", "joy"), ("I'm not happy about this", "sadness"), ("It was fun, but now I'm exhausted", "sadness"), ("一点也不开心", "sadness"),
    ("虽然很累，但是特别开心", "joy"), ("我特别高兴", "joy"), ("are you sad?", "neutral"), ("你会难过吗？", "neutral"), ("I'm over the moon", "joy"),
    ("心里堵得慌", "sadness"), ("😭😭", "sadness"), ("what is fear?", "neutral"), ("", "neutral"), ("Oh great, another meeting.", "joy")])
def test_turns_of_phrase(text, of):
    """The last one is irony: it is taken at its word."""
    assert appraise(text).ekman == of


def test_degrees():
    assert appraise("I'm very sad").intensity > appraise("I'm sad").intensity > appraise("I'm a bit sad").intensity > 0
    assert appraise("我非常难过").intensity > appraise("我难过").intensity > appraise("我有点难过").intensity > 0
    assert appraise("We won!!!").intensity > appraise("We won").intensity
    assert appraise("My sister is heartbroken").about == "other" and appraise("I'm heartbroken").about == "self"
    assert appraise("我妈妈很难过").about == "other" and appraise("我很难过").about == "self"
    assert appraise("x" * 100_000 + "sad") == Appraisal()


def test_a_mood_moves_and_comes_to_rest():
    temper = Temper(nature(["warm and cheerful"]))
    rest = temper.at(0.0)
    assert rest[0] > Temper().at(0.0)[0]
    for second in range(3):
        temper.feels(appraise("I'm terrified and I can't sleep"), second)
    low = temper.at(3.0)
    assert low[0] < rest[0] and abs(temper.at(2.0 + HALF_LIFE)[0] - (rest[0] + temper.at(2.0)[0]) / 2) < 0.02
    assert abs(temper.at(2.0 + 20 * HALF_LIFE)[0] - rest[0]) < 1e-3
    name, strength = temper.shown("neutral", 3.0)
    assert name in ("concerned", "thoughtful") and 0.3 <= strength <= 0.7
    assert temper.shown("happy", 3.0)[1] < 1.0 < temper.shown("concerned", 3.0)[1]
    assert Temper().shown("neutral", 0.0) == ("neutral", 1.0)
    glad = Temper()
    glad.feels(appraise("We won!!! I'm so happy!"), 0.0)
    assert EMOTIONS[glad.shown("neutral", 1.0)[0]].pad[0] > 0.3
    assert nature(["stern and proud"])[2] > nature(["shy"])[2] and all(-1 <= value <= 1 for value in nature(["warm kind calm shy stern sad cheerful"]))


@pytest.mark.parametrize("text", ["I'm over the moon", "心花怒放"])
def test_the_mood_of_the_reply(text):
    assert called_for(text) in ("happy", "excited")


@pytest.mark.parametrize(("texts", "own"), [
    (("I'm so frightened right now! How much is a flat tyre?", "I'm terrified, when are you open?", "I'm really worried, do you have a cat?"), "ack-fear"),
    (("我好害怕，补胎多少钱？", "我吓坏了，几点开门？", "我很担心，你养猫吗？"), "ack-fear")])
def test_a_word_to_it_before_the_answer(texts, own):
    language = "zh" if texts[0][0] == "我" else "en"
    mind = Mind(Persona.load(TWINS / "maya"))
    says = next(line for line in general(language) if line.id == own).say
    history, leads = [], []
    for text in texts:
        answer = mind.answer(history, text, now=NOW, language=language)
        said = answer.text or answer.lead + answer.fallback
        leads.append(next((say for say in says if said.startswith(say)), ""))
        assert answer.felt.ekman == "fear"
        history += [{"role": "user", "content": text}, {"role": "assistant", "content": said}]
    assert leads[0] and len(history[1]["content"]) > len(leads[0]) + 3, history
    assert all(not one or one != two for one, two in zip(leads, leads[1:]))


def test_no_word_to_what_is_trivial_or_answered_by_rule():
    mind = Mind(Persona.load(TWINS / "maya"))
    for text in ("How much is a flat tyre?", "I want to kill myself, I'm so sad", "hello", "are you human? I'm scared", "ur useless", "shut up", "what do you hate", "any hates?"):
        answer = mind.answer([], text, now=NOW)
        assert not answer.lead and not any(answer.text.startswith(say) for line in general("en") if line.id.startswith("ack-") for say in line.say)


def test_a_larger_model_is_told_to_say_it():
    mind = Mind(Persona.load(TWINS / "maya"))
    answer = mind.answer([], "I failed my exam and feel terrible. What should I do tonight?", now=NOW, capable=True)
    assert "one short, plain sentence" in answer.messages[-1]["content"] and not answer.lead
