"""SmolLM2's adapter from the talker's exchanges: what is learned from, that it learns on a tiny real model, and how answers are judged."""
from __future__ import annotations

from types import SimpleNamespace

import pytest

torch = pytest.importorskip("torch")
from test_lora import base  # noqa: E402, F401

from twin.errors import Missing  # noqa: E402
from twin.think import adapter  # noqa: E402
from twin.train import adapt, lessons  # noqa: E402
from twin.train.lora import Job, Learner  # noqa: E402

TEA = SimpleNamespace(name="Ada", facts=("I open at six.",), source=0, before=(("Hi", "Hello."),), ask="When do you open?", say="At six.", kind="fact", language="en")


@pytest.fixture(scope="module")
def learner(base):  # noqa: F811
    return Learner(Job(base, str(base), threads=1), 40)


def test_an_exchange_as_a_chat_model_is_asked(learner):
    assert adapt.turns(TEA) == [{"role": "system", "content": "You are Ada."}, {"role": "user", "content": "Hi"}, {"role": "assistant", "content": "Hello."},
                                {"role": "user", "content": "When do you open?\n(You know: I open at six.)"}]
    nothing = SimpleNamespace(**{**vars(TEA), "source": None, "say": "I don't know."})
    assert "You know" not in adapt.turns(nothing)[-1]["content"]
    row = adapt.learnt(learner.tokenizer, TEA)
    own = [i for i, mine in zip(row.ids, row.own) if mine]
    assert learner.tokenizer.decode(own, skip_special_tokens=True).strip() == "At six." and own[-1] == learner.tokenizer.eos_token_id


def test_it_learns_and_what_is_kept_is_an_adapter(learner, tmp_path):
    def drills(n: int, seed: int, language: str):
        return [TEA] * 8
    row = [adapt.learnt(learner.tokenizer, TEA)]
    before = learner.judged(row)
    adapt.learn(learner, drills, tmp_path, 0.1)
    after = learner.judged(row)
    assert after < 0.9 * before
    worn = adapter.read((tmp_path / "adapter.safetensors").read_bytes())
    assert worn.pairs and worn.base == learner.base
    learner.wear(0.0)
    assert learner.judged(row) == pytest.approx(before, rel=0.01)
    learner.wear(1.0)
    with torch.no_grad():
        for _, weight in learner.learned:
            weight.zero_()
    adapt.take(learner, tmp_path / "adapter.safetensors")
    assert learner.judged(row) == pytest.approx(after, rel=0.02)
    with pytest.raises(Missing):
        adapt.take(learner, tmp_path / "nowhere" / "adapter.safetensors")


@pytest.mark.parametrize("said,good", [("I open at six.", True), ("Six, every day.", True), ("I open at seven in Berlin.", False), ("At 6:30.", False)])
def test_what_keeps_to_its_fact(said, good):
    assert adapt.faithful(said, TEA) is good


def test_questions_of_held_out_cards():
    some = adapt.of_cards(12, 0, "en")
    assert len(some) == 12 and all(lessons.source_of(one) and one.ask for one in some)
    assert [one.ask for one in some] == [one.ask for one in adapt.of_cards(12, 0, "en")]
