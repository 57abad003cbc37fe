"""What a talk has told is told again: exchanges found in a history, what comes back to them and what asks on, and that nothing new is bought with it."""
from __future__ import annotations

from time import perf_counter

import numpy as np
import pytest

from persona import ago
from persona.ago import FACT, NONE, WEIGHTS, Ago
from persona.fields import Fact
from persona.holding import Holding
from persona.match import Judged

FACTS = [Fact("The crossing takes twenty-five minutes, longer in fog.", "en", "fact 0"), Fact("A return ticket is 90 kroner, children under six travel free.", "en", "fact 1"),
         Fact("My deckhand Anders is nineteen and saving for a motorbike.", "en", "fact 2")]
ZH = [Fact("烤鱿鱼小份十五块，大份二十五块。", "zh", "fact 0"), Fact("儿子小满今年九岁，最讨厌吃鱿鱼。", "zh", "fact 1")]


def of(facts, embed=None):
    return Ago(Holding(facts, facts[0].language, {}, lambda n: None), (lambda text: text.lower()) if embed else None, embed)


def talk(*turns: str) -> list[dict]:
    return [{"role": "assistant" if at % 2 else "user", "content": one} for at, one in enumerate(turns)]


def doubt(facts, likely: int, none: float = 0.6) -> Judged:
    """A judgement that says none, with one fact the likeliest."""
    shares = sorted(((fact, (1 - none) * (0.6 if n == likely else 0.4 / (len(facts) - 1))) for n, fact in enumerate(facts)), key=lambda one: -one[1])
    return Judged(tuple(shares), none)


def test_what_was_told_is_found_whole_in_part_and_in_other_words():
    found = of(FACTS).exchanges(talk("How long?", "As I said: " + FACTS[0].text, "Hi", "Hello there!", "And a child?", "children under six travel free.", "Who is he?", "Anders, he's saving for a motorbike."))
    assert [(one.asked, one.facts, one.back) for one in found] == [("Who is he?", (2,), 1), ("And a child?", (1,), 2), ("How long?", (0,), 4)]


def test_a_reply_the_user_did_not_ask_for_does_not_count():
    assert not of(FACTS).exchanges(talk("How long?", FACTS[1].text, "That's not what I asked", "Sorry."))


@pytest.mark.parametrize(("language", "text", "wanted"), [
    ("en", "Remind me, how long does it take?", True), ("en", "What was the fare again?", True), ("en", "How long does it take?", False), ("en", "Do you play tennis?", False),
    ("zh", "多少钱来着？", True), ("zh", "你刚才说多少钱？", True), ("zh", "再说一遍，在哪儿？", True), ("zh", "你家在哪儿？", False)])
def test_coming_back_shows(language, text, wanted):
    assert ago.leans(text, language) is wanted


@pytest.mark.parametrize(("language", "text", "wanted"), [
    ("en", "And for my daughter?", True), ("en", "Since when?", True), ("en", "How old is she?", True), ("en", "Where did you learn it, and what did it cost you in the end?", False),
    ("zh", "那大的呢？", True), ("zh", "她多大了？", True), ("zh", "你们几点开门？", False)])
def test_asking_on_shows(language, text, wanted):
    assert ago.goes_on(text, language) is wanted


def test_only_what_names_nothing_asks_on_without_a_word_of_it():
    past = of(FACTS).exchanges(talk("Who helps you?", FACTS[2].text))
    assert of(FACTS).on_from("Since when?", past) and not of(FACTS).on_from("Where do you swim in the winter?", past)
    assert not of(FACTS).on_from("Since when?", of(FACTS).exchanges(talk("Who helps you?", FACTS[2].text, "Nice", "Yes!")))


@pytest.mark.parametrize(("language", "text", "wanted"), [
    ("en", "Remind me, how late can I stay?", "how late can I stay?"), ("en", "What is the fare, you said?", "What is the fare?"), ("en", "How late can I stay?", "How late can I stay?"),
    ("zh", "再说一遍，你的摊子在哪儿？", "你的摊子在哪儿？")])
def test_what_only_says_so_is_left_out(language, text, wanted):
    assert ago.plain(text, language) == wanted


@pytest.mark.parametrize(("language", "text", "wanted"), [
    ("en", "Earlier you said Dayo is a lawyer", "Dayo is a lawyer"), ("en", "So it was 120 for the ticket, then?", "it was 120 for the ticket"), ("en", "What did you say it costs?", ""),
    ("en", "You told me you passed at once", "you passed at once"), ("zh", "你刚才说六点出摊，对吧？", "六点出摊"), ("zh", "所以买三份就送饮料，是吧？", "买三份就送饮料"), ("zh", "你说多少钱来着？", "")])
def test_a_restatement_is_taken_out(language, text, wanted):
    assert ago.restated(text, language) == wanted


def test_without_a_history_nothing_changes():
    judged = doubt(FACTS, 0)
    assert of(FACTS).weighed(judged, "How long does it take?", []) is judged
    assert of(FACTS).weighed(judged, "How long does it take?", talk("Hi", "Hello!")) is judged


@pytest.mark.parametrize(("facts", "before", "text"), [(FACTS, "How long is the crossing?", "Remind me, how long was the crossing?"), (ZH, "鱿鱼多少钱？", "鱿鱼多少钱来着？")])
def test_who_comes_back_gets_the_fact_that_alone_was_unsure(facts, before, text):
    judged = doubt(facts, 0, 0.75)
    assert not judged.sure
    after = of(facts).weighed(judged, text, talk(before, facts[0].text, "Hm", "Yes?"))
    assert after.sure and after.facts[0][0] == facts[0] and abs(sum(share for _, share in after.facts) + after.none - 1) < 1e-6


def test_who_asks_on_gets_the_fact_told_just_now():
    assert of(FACTS).weighed(doubt(FACTS, 1, 0.7), "And how old is he?", talk("Who helps you?", FACTS[2].text)).facts[0][0] == FACTS[2]


def test_what_is_new_of_somebody_told_of_is_not_bought():
    for text in ("What colour is the engine room of the boat?", "Where was Anders born?"):
        assert not of(FACTS).weighed(doubt(FACTS, 2, 0.8), text, talk("Who helps you?", FACTS[2].text, "Nice", "Yes!")).sure


def test_an_earlier_question_is_embedded_once():
    made: list[str] = []

    def embed(texts):
        made.extend(texts)
        rows = np.ones((len(texts), 4), np.float32)
        return rows / np.linalg.norm(rows, axis=1, keepdims=True)

    mine, past = of(FACTS, embed), []
    for text in ("How long?", "What does it cost?", "Who helps you?", "How long?"):
        mine.weighed(doubt(FACTS, 0), text, past)
        past += talk(text, FACTS[0].text)
    assert made == ["how long?", "what does it cost?", "who helps you?"]


def test_a_talk_of_two_hundred_messages_costs_little():
    past = talk(*(part for n in range(100) for part in (f"What about number {n}?", FACTS[n % 3].text)))
    mine = of(FACTS)
    mine.weighed(doubt(FACTS, 0), "How long does it take?", past)
    best = 1.0
    for n in range(5):
        began = perf_counter()
        mine.weighed(doubt(FACTS, 0), f"How long does it take on day {n}?", past)
        best = min(best, perf_counter() - began)
    assert best < 0.01, best


def test_the_weights_fit_what_is_seen():
    assert all(len(fact) == len(FACT) and len(none) == len(NONE) for fact, none in WEIGHTS.values())


@pytest.mark.parametrize("facts, asked, told, again", [
    (FACTS, "How long does it take?", 0, "Why so long?"), (FACTS, "Who helps you?", 2, "Wait, why him?"), (FACTS, "Who helps you?", 2, "And how old is he?"),
    (ZH, "你有孩子吗？", 1, "为什么讨厌？"), ([Fact("我养了六盆茉莉花。", "zh", "fact 0"), *ZH], "你养花吗？", 0, "好养不")])
def test_a_fact_told_just_now_is_not_told_to_what_it_does_not_hold(facts, asked, told, again):
    """No reason, no number, or nothing more to say: all but the deckhand's age, which stands in his fact."""
    share = dict(of(facts).weighed(doubt(facts, told, 0.3), again, talk(asked, facts[told].text)).facts)[facts[told]]
    assert share > 0.5 if "how old" in again else share < 0.05


def test_a_short_fact_is_told_once_more_to_who_asks_for_it():
    own = [Fact("My boat is Otto.", "en", "fact 0"), *FACTS]
    assert dict(of(own).weighed(doubt(own, 0, 0.3), "What did you say it was called?", talk("What is it called?", own[0].text)).facts)[own[0]] > 0.3
