"""Reading aloud: text written out for a voice, and clauses that are the same however the text came in."""
from __future__ import annotations

import asyncio
import random
import re
import time

import pytest
from conftest import ROOT

from twin.speak.aloud import aloud
from twin.speak.mandarin import number, roman
from twin.speak.runs import LONGEST
from twin.speak.runs import sentences as parts_of
from twin.text import clauses, sentences


def cases(name: str) -> list[tuple[str, str, str]]:
    """(language, text, what a person would say) of a table; a line break is written \\n there."""
    rows = (line.split("\t") for line in (ROOT / "tests" / "data" / name).read_text(encoding="utf-8").splitlines()[1:])
    return [(language, text.replace("\\n", "\n"), said) for language, text, said in rows]


# aloud.tsv was written beside the code. aloud.held.tsv was written without looking at what the code gives, in three goes; at its first run 148 of the
# first 153 (one of each kind) were right, 62 of the next 80 (as a chat has them), 28 of the last 32. Then what was wrong was mended, all but two.
@pytest.mark.parametrize(("name", "wanted"), [("aloud.tsv", 0.97), ("aloud.held.tsv", 0.9)])
@pytest.mark.parametrize("language", ["en", "zh"])
def test_text_is_said_as_a_person_would(name, wanted, language):
    rows = [(text, said) for own, text, said in cases(name) if own == language]
    wrong = [(text, said, got) for text, said in rows if (got := aloud(text, language)) != said]
    assert len(rows) >= 75
    assert 1 - len(wrong) / len(rows) >= wanted, wrong


@pytest.mark.parametrize(("language", "text"), [(language, text) for name in ("aloud.tsv", "aloud.held.tsv") for language, text, _ in cases(name)])
def test_no_figure_and_no_sign_is_left_for_the_voice(language, text):
    said = aloud(text, language)
    assert not re.search(r"[\d$€£¥%°#@&+=<>*_`^~|→×÷²³½😀]", said)
    assert "  " not in said and said == said.strip()
    assert aloud(said, language) in (said, said.replace("...", "...")), "what is written out stays as it is"


@pytest.mark.parametrize("language", ["en", "zh", "fr", "en-gb", "cmn", "", "xx"])
@pytest.mark.parametrize("text", ["", " \n\t", "...", "……", "！？。", "*** --- ***", "😀👍🏽 ♥", "\x00\x1b\u202e\u200b", "|---|---|", "```\nx = 1\n```", "()[]{}", "*smiles*"])
def test_what_cannot_be_said_is_nothing(language, text):
    assert aloud(text, language) == ""


def test_other_languages_keep_their_numbers_and_lose_the_markup():
    assert aloud("**Il a 3 chats** 😀, voir [ici](https://a.example/x).", "fr") == "Il a 3 chats, voir ici."
    assert aloud("Écris à ann@x.org", "fr") == "Écris à ann at x dot org"


@pytest.mark.parametrize(("digits", "said"), [
    ("0", "零"), ("10", "十"), ("12", "十二"), ("110", "一百一十"), ("1001", "一千零一"), ("10010", "一万零一十"), ("20000", "两万"), ("200000000", "两亿"),
    ("100000000", "一亿"), ("20003000", "两千万三千"), ("1,205.3", "一千两百零五点三"), ("007", "零零七"), ("1234567890123", "一二三四五六七八九零一二三")])
def test_chinese_numbers(digits, said):
    assert number(digits) == said


def test_roman_numerals():
    assert [roman(r) for r in ("I", "IV", "VIII", "IX", "XIV", "XXXIX")] == [1, 4, 8, 9, 14, 39]
    assert [roman(r) for r in ("IIII", "VX", "IVI", "IC", "")] == [0, 0, 0, 0, 0]


HARD = ("1", ".", "a@", "((((", "[", "![", "*", "*a", "`a", "1,", "1.", "1-", "1:", "1/", "$1", "a.", "<a", "&", ":", "http://", "www.a", "_a", "a-", " ", "\n", "# ", "|",
        "| a\n", "- ", "> ", "a1", "+1 ", "(1", "IX ", "Dr. ", "e.g.", "中", "中1", "（", "2个", "…", "😀", "a@b.", "a.b.", "won 1 ", "May 1 ", "~", "—", "'", "x^", "=",
        "<!--", "½", "²", "1e", "10. ", "$a", "\\(", "电话", "We pay $3.50 on 2026-11-23 at 10:30; ", "我在2026年11月买了2个苹果，花了3.50元。")


def test_twenty_thousand_characters_of_anything_take_no_time():
    aloud("12", "en")                                     # num2words is loaded
    for unit in HARD:
        text = (unit * (20_000 // len(unit) + 1))[:20_000]
        for language in ("en", "zh"):
            began = time.process_time()                   # CPU time: the machine may be busy
            aloud(text, language)
            assert time.process_time() - began < 1, (unit, language)


# streams -----------------------------------------------------------------------------------------------------------------------------------

async def _feed(tokens):
    for token in tokens:
        yield token


def cut(make, tokens, **options) -> list[str]:
    async def collected():
        return [part async for part in make(_feed(tokens), **options)]
    return asyncio.run(collected())


async def _chain(tokens):
    async for part in clauses(sentences(tokens), settled=True):
        yield part


TALK = (
    "I met Dr. Smith at 3.5 km, e.g. near No. 5 St. James. It was 10 p.m. when Mr. J. R. Lee came; then the U.S. Army left. Well... maybe. \"Hello.\" she said.",
    "See www.x.org/a, please. Wait. . . what? It ended at 5 p.m. The end. Vitamin C. It helps. So do I. Then we go, i.e. now. George W. Bush. On Jan. 5, no?",
    "他说：“你好……我是小明。”然后走了，3,000元，10：30见！“真的？！”「对。」……嗯。你好,我是Ann.你好吗?好!3.5米.结束",
    "# Title\n1. First, do this.\n2. Then that. Dr. No. 5\n\n```py\nx = 1. 2, 3\ny\n```\nDone. *smiles, and waves. Happily* OK. [a, b. c](http://x.y/z, q) `a, b. c` end",
    "**Hello.** World, *ok.* 好。*微笑* 你好——真的？", "。。。，，，...", "No. That's wrong. No. 5 is right.",
)
BITS = ("Dr. ", "3.5", "10:30", " ", ". ", ".", "…", "……", "。", "！", "，", "“", "”", '"', "'", "Hello", "world", "你好", "\n", "1. ", "```", "`", "*", "**", "[", "](", ")", "U.S. ",
        "p.m. ", "The ", "e.g. ", "A", "5", "No. ", "etc. ", "：", "—", "——", ", ", "; ", "?", "!", "_")


@pytest.mark.parametrize("make", [clauses, sentences, _chain])
def test_the_cuts_do_not_depend_on_how_the_text_came(make):
    rng = random.Random(7)
    for text in (*TALK, *("".join(rng.choices(BITS, k=rng.randint(3, 40))) for _ in range(60))):
        whole = cut(make, [text])
        assert text.startswith("".join(whole)) and not text[len("".join(whole)):].strip()
        tokens, at = [], 0
        while at < len(text):
            tokens.append(text[at:at + rng.choice((1, 1, 2, 3, 7))])
            at += len(tokens[-1])
        assert cut(make, tokens) == whole
        assert cut(make, list(text)) == whole
    for text in TALK[:4]:                                 # every split in two
        whole = cut(make, [text])
        for at in range(0, len(text), 1 if make is clauses else 5):
            assert cut(make, [text[:at], text[at:]]) == whole


@pytest.mark.parametrize(("text", "parts"), [
    ("I met Dr. Smith. He left.", ["I met Dr. Smith. ", "He left."]), ("It is 3.5 km. Far.", ["It is 3.5 km. ", "Far."]),
    ("Some, e.g. this one, i.e. that. Yes.", ["Some, e.g. this one, i.e. that. ", "Yes."]), ("The U.S. Army came. OK.", ["The U.S. Army came. ", "OK."]),
    ("Come at 5 p.m. tomorrow. Fine.", ["Come at 5 p.m. tomorrow. ", "Fine."]), ("Come at 5 p.m. The door is open.", ["Come at 5 p.m. ", "The door is open."]),
    ("See www.x.org now. Go.", ["See www.x.org now. ", "Go."]), ("It is No. 5 here. No. That is 6.", ["It is No. 5 here. ", "No. ", "That is 6."]),
    ("At 3:30 then. Good.", ["At 3:30 then. ", "Good."]), ('He said "Stop." Then he went.', ['He said "Stop." ', "Then he went."]),
    ("Well... I see. Hm.", ["Well... ", "I see. ", "Hm."]), ("1. Tea\n2. Milk", ["1. Tea\n", "2. Milk"]), ("“好。”他说。『是。』", ["“好。”", "他说。", "『是。』"]),
    ("我想……算了。好！", ["我想……", "算了。", "好！"]), ("Look:\n```\na. b\n\nc\n```\nThere.", ["Look:\n", "```\na. b\n\nc\n```\n", "There."]),
    ("*nods. Slowly* Yes. OK", ["*nods. Slowly* Yes. ", "OK"]), ("Ask J. R. R. Tolkien. Me too.", ["Ask J. R. R. Tolkien. ", "Me too."])])
def test_where_a_sentence_ends(text, parts):
    assert cut(sentences, [text]) == parts


def test_the_first_clause_is_short_and_a_long_sentence_is_cut_at_a_comma():
    text = "Well, of course, I have thought about that for a long time, and I do not know, but then, who does, in the end, when all is said?"
    parts = cut(clauses, [text])
    assert parts[0] == "Well, of course, "
    assert min(map(len, parts[1:-1])) >= 36
    long = cut(sentences, [text])
    assert len(long) == 2 and 70 <= len(long[0]) < 90 and long[0].endswith(", ")


def test_a_sentence_that_came_whole_does_not_wait_for_the_next():
    """Between the check of a sentence and its voice nothing is held back, and the last one never is."""
    given = []

    async def one_by_one():
        for sentence in ("Hello there, friend. ", "How are you? ", "好的，我知道了。", "Bye."):
            given.append(sentence)
            yield sentence

    async def counted():
        return [(part, len(given)) async for part in clauses(one_by_one(), 10, 10, settled=True)]
    assert asyncio.run(counted()) == [("Hello there, ", 1), ("friend. How are you? ", 2), ("好的，我知道了。", 3), ("Bye.", 4)]


@pytest.mark.parametrize("unit", [".", "…", "\n", "，", "Dr. ", "1. ", "*a", "[", "`", "```", "word ", "字", "a, ", "e.g. U.S. "])
def test_a_long_stream_is_cut_in_no_time(unit):
    text = (unit * 20_000)[:20_000]
    for make in (clauses, sentences):
        began = time.process_time()
        parts = cut(make, list(text))
        assert time.process_time() - began < 1.5, (unit, make)
        assert text.startswith("".join(parts))


@pytest.mark.parametrize("text", [*TALK, "Hi Mr. Lee, it's 5 p.m. tomorrow. *waves. Twice* OK. See `a. b` and [this. Here](http://x.y)! 1. One\n2. Two"])
def test_a_voice_cuts_no_abbreviation_either(text):
    parts = list(parts_of(text))
    assert "".join(parts) == text and all(len(part) <= LONGEST or part.startswith("```") for part in parts)
    assert not any(re.search(r"(?:^|\s)(?:Dr|Mr|e\.g|p\.m|U\.S|No|\d)\.\s*$", part) for part in parts[:-1])
