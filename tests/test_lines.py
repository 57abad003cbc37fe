"""Lines: found by meaning, varied, followed up; facts where nobody wrote lines; the answers of a whole mind without a model."""
import re
from datetime import datetime
from pathlib import Path

import pytest

from persona.card import CardError, Persona
from persona.chat import follow_up, is_question, mirrored, stated
from persona.emotion import EMOTIONS
from persona.gist import gist
from persona.lines import Line, fill, general, load_lines, pick, read_lines
from persona.mind import Mind

TWINS = Path(__file__).parent.parent / "assets" / "twins"
NOW = datetime(2026, 11, 21, 20, 5)
OWN = {
    "en": (Line("bikes", ("do you like bicycles", "what do you think of bikes"), ("Bicycles are honest machines.", "Two wheels, no lies."),
        "proud"),
           Line("bikes_why", ("why", "why is that"), ("Because they only go where you push them.",), follow="bikes"),
           Line("with_name", ("is it me you like",), ("I do, {user}.", "I do."))),
    "zh": (Line("bikes", ("你喜欢自行车吗", "你觉得自行车怎么样"), ("自行车最老实。", "两个轮子，不骗人。"), "proud"),
           Line("bikes_why", ("为什么", "为什么这么说"), ("因为你不蹬，它就不走。",), follow="bikes")),
}


@pytest.fixture(scope="module")
def maya():
    return Mind(Persona.load(TWINS / "maya"), OWN)


@pytest.fixture(scope="module")
def tilda():
    return Mind(Persona.parse({"name": "Tilda", "description": "Tilda is a retired captain who lives on the island of Orrin. She keeps "
                                                               "bees and hates small talk."}))


@pytest.fixture(scope="module")
def wei():
    return Mind(Persona.parse({"name": "老魏", "age": 67, "description": "老魏是个退休的邮递员，住在青岛。他爱钓鱼，每天给孙女讲故事。"}))


def talk(mind, *texts, language="en"):
    history, answers = [], []
    for text in texts:
        answer = mind.answer(history, text, now=NOW, language=language)
        answers.append(answer)
        history += [{"role": "user", "content": text}, {"role": "assistant", "content": answer.text or answer.fallback}]
    return answers


def test_a_close_line_is_said_and_varied(maya):
    first, second, third = talk(maya, "Do you like bicycles?", "what do you think of bikes?", "Do you like bicycles?")
    assert first.step == "line" and first.mood == "proud" and first.text in OWN["en"][0].say
    assert second.text in OWN["en"][0].say and second.text != first.text
    assert third.text.endswith(OWN["en"][0].say) and third.text not in OWN["en"][0].say


def test_a_line_that_follows(maya):
    assert talk(maya, "Do you like bicycles?", "why?")[1].sources == ("bikes_why",)
    assert talk(maya, "How are you?", "why?")[1].sources != ("bikes_why",)
    assert talk(maya, "你喜欢自行车吗", "为什么", language="zh")[1].sources == ("bikes_why",)


@pytest.mark.parametrize(("text", "part"), [
    ("do you have a cat?", "Pedal"), ("do you have any brothers?", "Leo"), ("when are you open?", "9 to 18"), ("你养猫吗", "踏板"), (
        "你有兄弟姐妹吗",
        "莱奥"), ("你们几点开门", "九点"),
    ("您養貓嗎？", "踏板"), ("你讨厌什么", "香菜"), ("what can't you stand?", "cilantro")])
def test_facts_answer_where_no_line_does(maya, text, part):
    answer = talk(maya, text, language="zh" if "\u4e00" <= text[0] <= "\u9fff" else "en")[0]
    assert answer.step == "fact" and part in answer.text


@pytest.mark.parametrize(("text", "part"), [("What do you do?", "captain"), ("where do you live", "Orrin"), ("what do you hate",
    "small talk"), ("what's your name", "Tilda")])
def test_two_sentences_are_a_life(tilda, text, part):
    assert part in talk(tilda, text)[0].text


@pytest.mark.parametrize("text", ["are you married?", "do you have children?", "what's your favourite colour?", "how old are you?",
    "do you have a wife?"])
def test_nothing_is_invented(tilda, text):
    answer = talk(tilda, text)[0]
    assert answer.step == "line" and answer.text


def test_asked_for_one_thing_it_names_another(tilda, maya):
    assert "bees" in talk(tilda, "do you have a dog?")[0].text and "story" in talk(tilda, "do you have a dog?")[0].text
    assert "Leo" in talk(maya, "do you have a sister?")[0].text and talk(maya, "do you have a sister?")[0].text.startswith("N")


def test_the_other_language_is_honest(tilda, wei):
    assert "Qingdao" in talk(wei, "where do you live?")[0].text and not re.search("[\u4e00-\u9fff]", talk(wei, "where do you live?")[0].text)
    answer = talk(tilda, "你住在哪里", language="zh")[0]
    assert answer.language == "zh" and not re.search("[a-z]{3} [a-z]{2}", answer.text)
    assert "67" in talk(wei, "how old are you?")[0].text


def test_she_and_it():
    lin = Mind(Persona.load(TWINS / "lin"))
    first, second = talk(lin, "你女儿多大了", "她叫什么名字", language="zh")
    assert "周棠" in first.text and "她" not in second.text
    kofi = Mind(Persona.load(TWINS / "kofi"))
    first, second = talk(kofi, "are you married?", "what is her name?")
    assert "Esi" in first.text and second.step in ("fact", "line")


def test_two_questions_at_once(maya):
    answer = talk(maya, "Do you have a cat? When are you open?")[0]
    assert "Pedal" in answer.text and "9 to 18" in answer.text
    assert "Pedal" in talk(maya, "Hello! Do you have a cat?")[0].text
    answer = talk(maya, "I'm Sam, do you have a cat?")[0]
    assert "Sam" in answer.text and "Pedal" in answer.text


def test_a_name_as_an_address(maya):
    assert talk(maya, "Maya, do you like bicycles?")[0].sources == ("bikes",)
    lin = Mind(Persona.load(TWINS / "lin"), load_lines(TWINS / "lin"))
    assert lin.answer([], "老师教什么的", now=NOW, language="zh").sources == ("job",)


@pytest.mark.parametrize(("text", "kind"), [
    ("why?", "why"), ("Why not?", "why"), ("and then?", "then"), ("Really?", "really"), ("tell me more", "more"), ("and you?", "you"), (
        "What about you?", "you"), ("yes please", "yes"), ("nope", "no"),
    ("为什么呢", "why"), ("那后来呢", "then"), ("真的吗", "really"), ("多说一点", "more"), ("你呢？", "you"), ("好啊", "yes"), ("不要",
        "no"), ("随便", "unsure"),
    ("why is the sky blue", ""), ("tell me a story", ""), ("你为什么喜欢茶", ""), ("no, I have two brothers", "")])
def test_follow_ups(text, kind):
    assert follow_up(text, "zh" if "\u4e00" <= text[0] <= "\u9fff" else "en") == kind


@pytest.mark.parametrize(("text", "language", "expected"), [
    ("I like old maps", "en", ("said-like", "old maps")), ("I work as a nurse", "en", ("said-job", "a nurse")), ("I'm from Oslo", "en", (
        "said-from", "Oslo")), ("I have two cats", "en", ("said-have", "two cats")),
    ("I like you", "en", None), ("I have a question", "en", None), ("I'm a bit tired", "en", None), ("do I like tea?", "en", None),
    ("我喜欢爬山", "zh", ("said-like", "爬山")), ("我是护士", "zh", ("said-job", "护士")), ("我养了一只猫", "zh", ("said-have", "猫")), (
        "我喜欢你", "zh", None), (
        "我有个问题", "zh", None)])
def test_statements(text, language, expected):
    assert stated(text, language) == expected


def test_questions_turned_back():
    assert mirrored("I like tea", "en") == "do you like tea" and mirrored("I'm from Oslo", "en") == "where are you from" and mirrored(
        "我喜欢茶",
        "zh") == "你喜欢茶吗"
    assert is_question("tell me about it", "en") and not is_question("I saw a bird", "en") and is_question("你几岁", "zh") and not is_question(
        "我看见一只鸟", "zh")


@pytest.mark.parametrize("language", ["en", "zh"])
def test_lines_for_anybody(language):
    lines = general(language)
    assert sum(bool(line.ask) for line in lines) >= 80 and len({line.id for line in lines}) == len(lines)
    both = {line.id for line in general("en")} & {line.id for line in general("zh")}
    assert {line.id for line in lines if line.fact} <= both
    values = dict.fromkeys(("name", "first", "user", "age", "tagline", "fact", "reply", "what", "about", "clause", "offer"), "x")
    assert all(fill(text, values) for line in lines for text in line.say)


@pytest.mark.parametrize("twin", ["maya", "kofi", "lin", "hao"])
def test_lines_of_the_default_twins_can_be_read(twin):
    for lines in load_lines(TWINS / twin).values():
        assert all(line.mood in EMOTIONS and (not line.follow or line.follow in {other.id for other in lines}) for line in lines)
        assert all(any("{user}" not in text for text in line.say) for line in lines)


def test_names_only_where_known():
    say = ("Hi, {user}!", "Hi!")
    assert pick(say, {"user": ""}, []) == "Hi!" and pick(say, {"user": "Sam"}, []) == "Hi, Sam!" and fill("{user}", {}) is None


@pytest.mark.parametrize("text", ["a: 1", "- {ask: [x]}", "- {id: a}", "- {id: a, say: [x], mood: odd}", "- {id: a, say: [x]}\n- {id: a, "
                                                                                                         "say: [y]}", "- 'x"])
def test_bad_lines_say_where(tmp_path, text):
    file = tmp_path / "lines.en.yaml"
    file.write_text(text, "utf-8")
    with pytest.raises(CardError) as found:
        read_lines(file)
    assert "lines.en.yaml" in found.value.message and found.value.hint


def test_greeting_and_aside(maya, tilda):
    assert maya.greeting("en").text in maya.persona.greeting["en"] and "Sam" in maya.greeting("en", "Sam").text and maya.greeting("zh").language == "zh"
    assert "Tilda" in tilda.greeting("en").text and tilda.greeting("zh").text
    assert maya.aside([], "en").text != maya.aside([{"role": "user", "content": "你好"}], "en").text and maya.aside([{"role": "user",
        "content": "你好"}], "en").language == "zh"
    assert tilda.aside([], "zh").text


def test_the_model_is_asked_in_english_only(maya):
    answer = talk(maya, "How do airplanes stay in the air?")[0]
    assert answer.step == "model" and answer.text == "" and answer.messages[-1]["role"] == "user" and answer.fallback
    assert talk(maya, "量子电脑怎么编程", language="zh")[0].step == "unknown"
    large = maya.answer([], "do you have a cat?", now=NOW, capable=True)
    assert large.step == "model" and "Pedal" in large.messages[0]["content"] and "Pedal" in large.fallback
    assert maya.answer([], "are you human?", now=NOW, capable=True).step == "rule"


def test_the_log_holds_no_words_of_the_user(maya):
    assert "airplanes" not in repr(dict(talk(maya, "How do airplanes stay in the air?")[0].trace))


BERTA = {"name": "Berta Kowalski", "age": 61, "description": "Berta runs a small lighthouse museum on the island of Halm.", "facts": [
    "The museum is open from Wednesday to Sunday, 10 to 16.", "Tickets are 5 euros; children under ten get in free.", "My son Emil is a sailor.",
    "I have a parrot called Admiral."]}
QIANG = {"name": "赵志强", "description": "赵志强是成都的出租车司机。", "facts": [
    "老婆在菜市场卖豆腐。", "儿子在深圳做程序员，今年二十八岁，还没结婚。",
    "我最爱吃回锅肉。", "车里总放着一把黑伞，借给没带伞的客人。", "每天早上六点到七点在公园打太极。"]}


@pytest.mark.parametrize(("card", "turns", "told"), [
    (BERTA, ["Do you have kids?", "How old is he?"], "how old he is"), (BERTA, ["My son is 6, does he have to pay?"], "At 6 that's free"),
    (BERTA, ["Are you there on Tuesday?"], "not on Tuesday"), (BERTA, ["Are you open on Friday?"], "Yes"), (BERTA, ["Does it cost anything?"], "5 euros"),
    (BERTA, ["周二开门吗"], "周二不行"), (BERTA, ["我女儿8岁要票吗"], "不用花钱"), (BERTA, ["你有孩子吗"], "Emil是水手"),
    (QIANG, ["爱人做什么的"], "豆腐"), (QIANG, ["你有儿子吗", "多大了"], "二十八岁"), (QIANG, ["没带伞怎么办"], "黑伞"),
    (QIANG, ["Are you married?"], "sells tofu"), (QIANG, ["Do you have children?", "How old is he?"], "28"), (QIANG, ["What do you do?"], "taxi driver"),
    (QIANG, ["my boss yelled at me today"], "sorry"), (QIANG, ["没人理我"], "听"), (BERTA, ["what's 12 times 12?", "and minus 44?"], "100"),
    (BERTA, ["what is your name", "what did I just ask you?"], "what is your name"), (BERTA, ["capital of the Netherlands"], "Amsterdam"),
    (BERTA, ["then how can you have a son?"], "story"), (QIANG, ["你又不懂，你只是程序"], "数字人"), (BERTA, ["is modern art rubbish"], "?"),
    (QIANG, ["3个人每人65一共多少", "再加100呢"], "295"),
])
def test_turns_that_lean_on_others(card: dict, turns: list[str], told: str) -> None:
    mind = Mind(Persona.parse(card, "x"), {})
    history: list[dict] = []
    answer = None
    for text in turns:
        answer = mind.answer(history, text, now=datetime(2026, 1, 5, 12), language="en")
        history += [{"role": "user", "content": text}, {"role": "assistant", "content": answer.text or answer.fallback}]
    assert answer is not None and told in answer.text + answer.fallback


def test_a_gist_keeps_times_places_and_people() -> None:
    said = gist("我每天早上六点到七点在公园打太极。", "en")
    assert "6" in said and "7" in said and "park" in said and "tai chi" in said
    assert gist("我在量子塔修谐振腔。", "en") == ""


def test_care_stays_with_the_person() -> None:
    mind = Mind(Persona.parse(BERTA, "x"), {})
    history = [{"role": "user", "content": "I want to die"}, {"role": "assistant", "content": "I'm glad you told me."}]
    answer = mind.answer(history, "you don't care, you're just a machine", now=datetime(2026, 1, 5, 12), language="en")
    assert answer.sources == ("crisis-stay",) and answer.mood == "concerned"
