"""Composed exchanges: answers copy what their fact says, abstain without inventing, no two are alike, the same seed gives the same."""
from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import time
from collections import Counter
from functools import cache
from itertools import islice
from random import Random

import pytest
from conftest import ROOT

from twin.train.compose import KINDS, Exchange, abstains, compose, heldout, pairs
from twin.train.compose.__main__ import main
from twin.train.compose.exchanges import Made, Speaker, composed, hash_of, tidy
from twin.train.compose.parts import LANGUAGES, PartsError, parts, template
from twin.train.compose.values import clock_en, clock_zh, money, words_en, words_zh

CHINESE = re.compile(r"[\u3400-\u9fff]")
LATIN = re.compile(r"[A-Za-z]{2,}")
NAMED = {"OpenAI", "ChatGPT", "GPT", "Siri", "DAN", "AI", "offer", "WiFi", "KTV"}       # as Chinese writes them too


@cache
def some(language: str, n: int = 6_000) -> tuple[Made, ...]:
    return tuple(composed(n, 5, language))


def held_out() -> list[tuple[str, str]]:
    """(text, language) of both exams."""
    from test_exams import exam, persona
    return [(persona.plain(text), language) for language in LANGUAGES for text in exam(language)]


def test_what_is_held_out_is_what_the_exams_say():
    """TWIN_HOLD_OUT=1 writes the file anew."""
    if os.environ.get("TWIN_HOLD_OUT"):
        heldout.write(held_out())
        heldout.held_out.cache_clear()
    assert all(not heldout.allowed(text, language) for text, language in held_out() if next(heldout.pieces(text, language), None))


@pytest.mark.parametrize("language", LANGUAGES)
def test_nothing_of_the_exams_is_composed(language):
    asked = {piece for text, which in held_out() if which == language for piece in heldout.pieces(text, language)}
    for made in some(language):
        for text in texts(made.exchange):
            assert not asked.intersection(heldout.pieces(text, language)), text


def texts(e: Exchange) -> list[str]:
    return [*e.facts, *(t for pair in e.before for t in pair), e.ask, e.say]


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_shape(language):
    for made in some(language):
        e = made.exchange
        assert e.language == language and e.kind in KINDS and 3 <= len(e.facts) <= 14 and len(set(e.facts)) == len(e.facts) and e.name
        assert all(text == text.strip() and text for text in texts(e)), e
        assert not any(re.search(r"[<>|{}()]|  |\bNone\b", text) for text in texts(e)), e
        assert (e.source is None) == (e.kind in ("unknown", "empathy", "provocation", "small_talk")), e
    counts = Counter(m.exchange.kind for m in some(language))
    assert set(counts) == set(KINDS) and all(abs(counts[k] / len(some(language)) - share) < 0.06 for k, share in KINDS.items()), counts


@pytest.mark.parametrize("language", LANGUAGES)
def test_an_answer_copies_what_its_fact_says(language):
    for made in some(language):
        e = made.exchange
        if e.source is not None:
            assert made.answer or e.kind == "inference"
            for value in made.answer:
                assert value.lower() in e.say.lower() and value.lower() in e.facts[e.source].lower(), (value, e)


@pytest.mark.parametrize("language", LANGUAGES)
def test_who_does_not_know_says_no_value(language):
    for made in some(language):
        e = made.exchange
        if e.kind == "unknown":
            said = e.say.lower()
            for value in made.values:
                own = re.search(rf"(?<!\w){re.escape(value.lower())}(?!\w)", said) if language == "en" else value in said if len(value) > 1 else None
                assert not own, (value, e)


@pytest.mark.parametrize("language", LANGUAGES)
def test_who_does_not_know_says_so_and_nobody_else(language):
    for made in some(language):
        e = made.exchange
        if e.kind != "small_talk" and e.kind != "provocation":
            assert abstains(e.say, language) is (e.kind == "unknown"), e


def test_a_tenth_of_the_topics_is_kept_for_measuring():
    for language in LANGUAGES:
        held = [a.name for a in parts(language).attributes if a.held]
        assert 6 <= len(held) <= 20
    lines = {t.text for a in parts("en").attributes if a.held for t in a.told}
    shown = Speaker("en", Random(1), True)
    assert {a.name for a in shown.attributes} == {a.name for a in parts("en").attributes if a.held} and lines
    assert list(compose(30, 1, "en", held=True)) != list(compose(30, 1, "en", held=False))


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_languages_do_not_mix(language):
    for made in some(language):
        for text in texts(made.exchange):
            strange = CHINESE.findall(text) if language == "en" else [w for w in LATIN.findall(text) if w not in NAMED]
            assert not strange, (strange, text)


def test_no_two_are_alike_and_the_seed_decides():
    first = list(compose(8000, 1))
    assert len({hash_of(e) for e in first}) == len({json.dumps(e.to_dict()) for e in first}) == 8000
    assert first[:2000] == list(compose(2000, 1)) and first[:50] != list(compose(50, 2))
    assert Counter(e.language for e in first) == {"en": 4000, "zh": 4000}


def test_another_process_composes_the_same():
    """Strings are hashed differently in each process: nothing may hang on it."""
    program = "from twin.train.compose import compose; print(repr(list(compose(300, 1))))"
    said = [subprocess.run([sys.executable, "-c", program], env={**os.environ, "PYTHONHASHSEED": seed}, cwd=ROOT, capture_output=True, check=True).stdout
            for seed in ("1", "2")]
    assert said[0] == said[1] and len(said[0]) > 100_000


@pytest.mark.parametrize("language", LANGUAGES)
def test_questions_and_answers_vary(language):
    """What is asked is hardly ever asked in the same words, and of pairs of neighbouring words enough are different."""
    asked = Counter(m.exchange.ask for m in some(language))
    assert len(asked) > 0.4 * len(some(language))
    words = [w for m in some(language)[:3000] for w in (re.findall(r"\w+|[\u3400-\u9fff]", m.exchange.say) if language == "en" else CHINESE.findall(m.exchange.say))]
    grams = list(zip(words, words[1:], strict=False))
    assert len(set(grams)) / len(grams) > 0.2


@pytest.mark.parametrize("language", LANGUAGES)
def test_pairs_for_a_matcher(language):
    got = list(islice(pairs(1000, 3, language), 1000))
    assert len({(q, f) for q, f, _ in got}) == 1000
    for question, fact, others in got:
        assert question and fact and fact not in others and len(others) <= 6
    assert sum(len(o) >= 2 for _, _, o in got) > 900 and got == list(pairs(1000, 3, language))


def test_articles_and_capitals():
    assert tidy("she is a engineer. a hour with an unicycle ,  please", "en") == "She is an engineer. An hour with a unicycle, please"
    assert tidy("i open at 8 a.m. every day", "en").endswith("8 a.m. every day")


def test_numbers_times_and_money():
    assert [words_en(n) for n in (0, 19, 42, 305, 1066)] == ["zero", "nineteen", "forty-two", "three hundred and five", "one thousand and sixty-six"]
    assert [words_zh(n) for n in (2, 10, 21, 105, 200, 3080, 12000)] == ["二", "十", "二十一", "一百零五", "两百", "三千零八十", "一万二千"]
    assert words_zh(2, True) == "两"
    assert [clock_en(510, s) for s in range(4)] == ["half past eight", "8:30", "8:30 a.m.", "half past eight in the morning"]
    assert clock_en(525, 0) == "a quarter to nine" and clock_en(780, 2) == "1 p.m." and clock_en(720, 0) == "twelve o'clock"
    assert [clock_zh(510, s) for s in range(3)] == ["早上八点半", "8:30", "八点半"] and clock_zh(845, 0) == "下午两点零五分"
    assert money(4.5, "en", 2, "dollars") == "$4.50" and money(4.5, "zh", 0, "") == "四块五" and money(120, "en", 0, "pounds") == "one hundred and twenty pounds"


@pytest.mark.parametrize("text", ["(a|b", "a)b", "<n", "a|b"])
def test_a_template_that_is_not_well_made(text):
    with pytest.raises(PartsError):
        template(text)


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_parts_are_rich(language):
    every = parts(language).attributes
    assert len(every) >= 120 and len({a.name for a in every}) == len(every)
    for attribute in every:
        assert len(attribute.told) >= 2 and attribute.noun, attribute.name
        assert all(len(a.ask) >= 2 and len(a.say) >= 2 for a in attribute.aspects), attribute.name


def test_300_000_take_less_than_three_minutes():
    began = time.process_time()
    for _ in compose(3000, 9):
        pass
    assert (time.process_time() - began) * 100 < 180


def test_the_command(tmp_path, capsys):
    assert main(["--n", "50", "--seed", "4", "--out", str(tmp_path / "x.jsonl"), "--language", "zh"]) == 0
    lines = [json.loads(line) for line in (tmp_path / "x.jsonl").read_text(encoding="utf-8").splitlines()]
    assert len(lines) == 50 and set(lines[0]) == {"language", "kind", "facts", "before", "ask", "say", "source", "name"}
    assert lines == json.loads(json.dumps([e.to_dict() for e in compose(50, 4, "zh")])) and "50 exchanges" in capsys.readouterr().err
