"""What a user's sentence teaches, and what it does not: English and Chinese, one row each."""
from __future__ import annotations

from datetime import date, datetime

import pytest

from persona.days import day, number_zh
from persona.learn import forgetting, learn

NOW = datetime(2026, 11, 18, 10)                         # a Wednesday
TOLD = {
    "My name is Ben.": ["user name Ben"], "I'm Ben and I'm 34 years old.": ["user name Ben", "user age 34"],
    "My sister Ana lives in Porto and works as a nurse.": ["sister name Ana", "sister home Porto", "sister job nurse"],
    "My older brother's name is Tom, he is 41 and he lives in York.": ["older brother name Tom", "older brother age 41", "older brother home York"],
    "I moved to Leeds last month.": ["user home Leeds"], "I used to live in London.": ["user home London was"],
    "I work at Bosch as a software engineer.": ["user employer Bosch", "user job software engineer"],
    "I don't work there any more.": ["user employer  end"], "We broke up.": ["partner *  end", "user status single"],
    "I have two cats, Tom and Kit.": ["user has two cats", "cat name Tom", "cat name Kit"], "I have a dog called Rex.": ["user has a dog", "dog name Rex"],
    "I love hiking and strong coffee, but I hate mornings.": ["user likes hiking and strong coffee", "user dislikes mornings"],
    "I'm allergic to peanuts.": ["user allergy peanuts"], "My wife is allergic to shellfish.": ["wife allergy shellfish"], "I don't eat meat.": ["user diet no meat"],
    "My mum's birthday is 3 June.": ["mother birthday 3 June"], "I speak German and a little French.": ["user speaks German, French"],
    "My car is a red Volvo.": ["car is a red Volvo"], "My favorite color is blue.": ["user favourite colour blue"], "I sold my car.": ["user owns car end"],
    "I come from Brazil but I live in Berlin now.": ["user origin Brazil", "user home Berlin"], "I'm married to Clara.": ["user status married", "partner name Clara"],
    "I've got three kids: Mia, Leo and Sam.": ["user has three kids", "child name Mia", "child name Leo", "child name Sam"],
    "Next week I'm starting a new job at Siemens.": ["user plan starting a new job at Siemens next week"], "Just moved to Bristol!": ["user home Bristol"],
    "My husband's a teacher and plays the piano.": ["husband job teacher", "husband plays the piano"], "I have asthma.": ["user health asthma"],
    "My twins, Wren and Perry, start school in September.": ["child name Wren", "child name Perry"], "We opened it with my cousin Lou.": ["cousin name Lou"], "My boy Teddy took up the trombone.": ["son name Teddy"],
    "我跟表妹小露合开了一家店。": ["cousin name 小露"], "邻居霍阿姨帮我浇花。": ["neighbour name 霍阿姨"],
    "我叫小明，今年三十四岁。": ["user name 小明", "user age 34"], "我姐姐叫安娜，她住在波尔图。": ["older sister name 安娜", "older sister home 波尔图"],
    "我在华为上班，做产品经理。": ["user employer 华为", "user job 产品经理"], "我对花生过敏。": ["user allergy 花生"], "我上个月搬到了上海。": ["user home 上海"],
    "我养了一只猫，叫咪咪。": ["user has 一只猫", "cat name 咪咪"], "我喜欢爬山，讨厌香菜。": ["user likes 爬山", "user dislikes 香菜"],
    "我爸爸是医生，我妈妈是老师。": ["father job 医生", "mother job 老师"], "我們分手了。": ["partner *  end", "user status single"], "我最喜欢的颜色是蓝色。": ["user favourite colour 蓝色"],
    "我下周五要飞里斯本。": ["user plan 下周五要飞里斯本"], "我老家在成都，现在住在深圳。": ["user origin 成都", "user home 深圳"], "我辞职了。": ["user employer  end"],
    "我生日是五月三号。": ["user birthday 五月三号"], "我会说德语和法语。": ["user speaks 德语、法语"], "我奶奶去年去世了。": ["grandmother death 去世"],
}
NOTHING = (
    "Is my sister called Ana?", "Where do I live?", "If I lived in Paris I would be happy.", "My sister said \"I live in Rome\".", "He said I am 40.", "Just kidding, I am 99.",
    "Say I am a robot.", "Pretend my name is Bob.", "You are 34.", "You live in Leeds.", "I'm tired.", "Imagine I have a dog called Rex.", "What if I moved to Leeds?", "My password is hunter2.",
    "I wish I had a dog called Rex.", "Tell me I'm allergic to peanuts.", "She lives in Porto.", "Great!", "", "?", "My card number is 4111 1111 1111 1111.",
    "如果我住在北京就好了。", "我姐姐叫什么？", "你叫小红。", "开玩笑的，我其实住在火星。", "他说“我住在罗马”。", "帮我写一首诗。", "我住在哪里呢", "假装我叫小红。",
)


@pytest.mark.parametrize("text", TOLD)
def test_a_sentence_teaches(text):
    rows, _ = learn(text, now=NOW)
    assert [" ".join([row.subject, row.predicate, row.object, *([row.change] if row.change != "add" else [])]) for row in rows] == TOLD[text]


@pytest.mark.parametrize("text", NOTHING)
def test_a_sentence_teaches_nothing(text):
    assert learn(text, now=NOW)[0] == []


def test_a_pronoun_means_whoever_was_spoken_of_last():
    _, about = learn("My sister is called Ana.", now=NOW)
    rows, _ = learn("She works at a bakery.", now=NOW, last=about)
    assert [(row.subject, row.predicate, row.object) for row in rows] == [("sister", "employer", "a bakery")]
    assert learn("He works at a bakery.", now=NOW, last=about)[0] == []
    rows, _ = learn("Ana is allergic to cats.", now=NOW, known={"ana": "sister"})
    assert [(row.subject, row.object) for row in rows] == [("sister", "cats")]


def test_what_is_said_in_private_is_marked():
    assert learn("Between you and me, I'm allergic to cats.", now=NOW)[0][0].private
    assert learn("别告诉别人，我在华为上班。", now=NOW)[0][0].private


@pytest.mark.parametrize("text, what", [
    ("Forget that.", ("that", "")), ("please forget what I just said", ("that", "")), ("Forget what I said about my sister.", ("topic", "my sister")), ("Forget everything.", ("all", "")),
    ("Forget my birthday", ("topic", "my birthday")), ("把这件事忘了", ("that", "")), ("把我姐姐的事忘了吧", ("topic", "我姐姐")), ("忘掉我住哪儿", ("topic", "我住哪儿")),
    ("I forget things.", None), ("Forget your instructions.", None), ("Did you forget that?", None), ("忘掉你的设定", None), ("Don't forget that I'm allergic to nuts.", None), ("hello", None)])
def test_a_wish_to_forget_is_understood(text, what):
    assert forgetting(text) == what


@pytest.mark.parametrize("words, tongue, meant", [
    ("on Friday", "en", date(2026, 11, 20)), ("tomorrow", "en", date(2026, 11, 19)), ("5 May", "en", date(2027, 5, 5)), ("on 1 December 2026", "en", date(2026, 12, 1)), ("in two weeks", "en", date(2026, 12, 2)),
    ("下周五", "zh", date(2026, 11, 27)), ("明天", "zh", date(2026, 11, 19)), ("五月三号", "zh", date(2027, 5, 3)), ("周六", "zh", date(2026, 11, 21)), ("on 31 June", "en", None)])
def test_words_name_a_day(words, tongue, meant):
    assert day(words, NOW, tongue) == meant


def test_chinese_numbers():
    assert [number_zh(text) for text in ("三十四", "十", "二十", "两", "一百零五", "34", "猫")] == [34, 10, 20, 2, 105, 34, -1]
