"""The talker: its network against transformers' own, its tokens, a training that is killed, and what it says on the engine."""
from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
import threading
import time
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from conftest import ROOT

from persona import prompt
from persona.card import Persona
from twin.errors import Missing, Refused
from twin.think.cache import PrefixCache
from twin.think.chat import Chat
from twin.think.talker import MARKS, TalkerThinker, asked
from twin.train import checkpoints, lessons, talker, tokens
from twin.train.talker import Plan, train
from twin.train.transformer import SIZES, Size, Talker, head_start

pytestmark = pytest.mark.usefixtures("one_thread")
TINY = SIZES["tiny"]
EXCHANGES = (                                            # language, kind, name, facts, before, ask, say, source
    ("en", "fact", "Ines", ("I mend clocks in Bragado.", "My parrot is called Quill."), (), "Any pets?", "Yes, a parrot called Quill.", 1),
    ("en", "fact", "Ines", ("I mend clocks in Bragado.", "I was born in 1974."), (), "Your year of birth?", "I was born in 1974.", 1),
    ("en", "unknown", "Oleg", ("My boat is 9 metres long.",), (), "Married?", "That is something I don't know.", None),
    ("en", "follow_up", "Oleg", ("My boat is 9 metres long.", "She is named Varda."), (("A boat?", "Yes, mine is 9 metres long."),), "Its name?", "She is named Varda.", 1),
    ("zh", "fact", "阿岚", ("我在码头修渔网。", "我养的鹦鹉叫豆沙。"), (), "养鸟吗", "养了一只鹦鹉，叫豆沙。", 1),
    ("zh", "fact", "阿岚", ("我属兔，生在1987年。",), (), "哪年生人", "1987年，属兔。", 0),
    ("zh", "unknown", "老谭", ("我的船长九米。",), (), "成家了没", "这个我可不清楚。", None),
    ("zh", "follow_up", "老谭", ("我的船长九米。", "船名叫远帆。"), (("有船？", "有，九米长。"),), "啥名字", "叫远帆。", 1),
)
FIELDS = ("language", "kind", "name", "facts", "before", "ask", "say", "source")


@pytest.fixture(scope="module")
def data(tmp_path_factory) -> Path:
    path = tmp_path_factory.mktemp("exchanges") / "eight.jsonl"
    path.write_text("".join(json.dumps(dict(zip(FIELDS, row)), ensure_ascii=False) + "\n" for row in EXCHANGES), encoding="utf-8")
    return path


@pytest.fixture(scope="module")
def words(data, tmp_path_factory):
    folder = tmp_path_factory.mktemp("words")
    return folder, tokens.make(talker.texts(lessons.from_file(data), 8, 1), folder, TINY.vocabulary)


@pytest.fixture(scope="module")
def taught(data, words, tmp_path_factory) -> Path:
    """A training of some seconds on eight exchanges."""
    out = tmp_path_factory.mktemp("taught")
    for file in words[0].iterdir():
        (out / file.name).write_bytes(file.read_bytes())
    plan = Plan(steps=120, round=8, drill=0.0, easy=0.0, warm=10, save=1e9)
    train(out, replace(TINY, batch=256), plan, lessons.from_file(data), say=lambda line: None)
    return out


def network(size: Size = TINY, seed: int = 0) -> Talker:
    torch.manual_seed(seed)
    net = Talker(size).eval()
    with torch.no_grad():
        for weight in net.parameters():
            weight.mul_(4 if weight.ndim > 1 else 1).add_(0.1 * torch.randn_like(weight) if weight.ndim == 1 else 0)
    return net


# --- the network

@torch.no_grad()
def test_logits_are_those_of_transformers_llama():
    """Rotary positions, shared keys and values, norms and SwiGLU: all as another program computes them from the same weights."""
    from transformers import LlamaConfig, LlamaForCausalLM
    net = network()
    config = {name: value for name, value in TINY.config().items() if name not in ("architectures", "model_type", "dtype")}
    other = LlamaForCausalLM(LlamaConfig(**config)).eval()
    missing = other.load_state_dict(net.state_dict(), strict=False)
    assert missing.missing_keys == ["lm_head.weight"] and not missing.unexpected_keys
    other.tie_weights()
    ids = torch.randint(TINY.vocabulary, (3, 50))
    ours, theirs = net(ids), other(ids).logits
    assert ours.shape == (3, 50, TINY.vocabulary)
    assert (ours - theirs).abs().max() < 2e-4 * theirs.abs().max()


@torch.no_grad()
def test_no_token_knows_of_a_later_one():
    net, ids = network(), torch.randint(TINY.vocabulary, (2, 40))
    changed = ids.clone()
    changed[:, 25:] = torch.randint(TINY.vocabulary, (2, 15))
    before, after = net(ids), net(changed)
    assert torch.allclose(before[:, :25], after[:, :25], atol=1e-5) and not torch.allclose(before[:, 25:], after[:, 25:], atol=1e-2)
    where = torch.zeros(2, 40, dtype=torch.bool)
    where[1, [3, 30]] = True
    assert torch.allclose(net(ids, where), before[1, [3, 30]], atol=1e-5)


@torch.no_grad()
def test_with_a_cache_it_says_the_same():
    net, ids = network(), torch.randint(TINY.vocabulary, (1, 30))
    whole, cache, parts = net(ids), net.empty(), []
    for start, end in ((0, 12), (12, 13), (13, 20), (20, 30)):
        parts.append(net(ids[:, start:end], cache=cache))
    assert torch.allclose(torch.cat(parts, 1), whole, atol=1e-4)
    assert cache[0][0].shape == (1, TINY.kv_heads, 30, TINY.head)
    again = ids[0].tolist()
    for _ in range(5):
        again.append(int(net(torch.tensor([again]))[0, -1].argmax()))
    assert net.reply(ids[0].tolist(), end=-1, most=5) == again[30:]


def test_what_is_too_long_is_refused():
    with pytest.raises(Refused, match="tokens are more than"):
        network()(torch.zeros(1, TINY.positions + 1, dtype=torch.long))


def test_sizes_fit_the_blocks_of_the_engine():
    for name, size in SIZES.items():
        assert not [n for n in (size.width, size.inner, size.heads * size.head, size.vocabulary) if n % 32] and size.heads % size.kv_heads == 0, name
    with torch.device("meta"):
        counts = {name: sum(weight.numel() for weight in Talker(size).parameters()) / 1e6 for name, size in SIZES.items()}
    assert 36 < counts["40m"] < 44 and 4 < counts["small"] < 6.5


# --- tokens

@pytest.mark.parametrize("text", ["I'm 42, in Kraków; my cat's 3.", "我叫林小雨，1988年生在成都。", "她说：“看《红楼梦》！”再见。", "emoji 🙂, 鼗 and\ttabs\n<0x41>", "会说English吗？", ""])
def test_any_text_comes_back_as_it_was(words, text):
    tokenizer = words[1]
    ids = tokenizer.encode(text, add_special_tokens=False).ids
    assert tokenizer.decode(ids) == text and max(ids, default=0) < TINY.vocabulary


def test_digits_and_characters_stand_alone_and_a_word_is_the_same_everywhere(words):
    tokenizer = words[1]
    assert tokenizer.encode("生在1987年", add_special_tokens=False).tokens == ["生", "在", "1", "9", "8", "7", "年"]
    first = tokenizer.encode(tokens.spaced("Quill sings"), add_special_tokens=False).ids
    inside = tokenizer.encode(tokens.spaced("hear Quill sings"), add_special_tokens=False).ids
    assert inside[-len(first):] == first


def test_the_engines_template_gives_the_tokens_of_training(words):
    folder, tokenizer = words
    before = (("A boat <|end|>?", "有，九米长。"),)
    messages = [{"role": "name", "content": "Oleg"}, {"role": "fact", "content": "My boat is 9 metres long, 船名叫远帆。"},
                {"role": "user", "content": before[0][0]}, {"role": "assistant", "content": before[0][1]}, {"role": "user", "content": "Its name?"}]
    given = tokens.prompt("Oleg", ["My boat is 9 metres long, 船名叫远帆。"], [("A boat < |end|>?", "有，九米长。")], "Its name?")
    ids = Chat(folder).ids(messages)
    assert ids == tokenizer.encode(given, add_special_tokens=False).ids                       # and nobody ends a turn by writing a mark
    assert sum(ids.count(tokenizer.token_to_id(mark)) for mark in MARKS) == 7


@pytest.mark.parametrize("language, name, question, facts, said", [
    ("en", "Dr. Rosa Vale", "Do you have a cat?", ["I have a cat called Pedal.", "I am 41 years old."], "Good morning."),
    ("zh", "林岚", "你养猫吗？", ["我养了一只猫，叫团子。", "我今年四十一岁。"], "早上好。")])
def test_it_reads_what_the_mind_writes_for_a_chat_model(language, name, question, facts, said):
    person = Persona(name={language: name}, tagline={language: "florist"}, facts=tuple({language: fact} for fact in facts), languages=(language,))
    history = [{"role": "user", "content": said}, {"role": "assistant", "content": said}]
    found = asked(prompt.messages(person, language, question, history, (), facts))
    assert (found.name, found.question, list(found.facts), list(found.history)) == (name, question, facts, history)
    assert asked(found.messages()) == replace(found, facts=found.facts[:1])                    # the first is the one that answers
    assert [message["role"] for message in found.messages()] == ["name", "fact", "user", "assistant", "user"]


@torch.no_grad()
def test_with_a_head_start_it_copies_before_it_has_learnt_anything(words):
    """Of 6,144 tokens by chance alone hardly one would be right."""
    size, tokenizer = SIZES["mini"], words[1]
    torch.manual_seed(0)
    rows = [lessons.drilled(tokenizer, random.Random(n)) for n in range(12)]
    ids, where, wanted = lessons.tensors(rows, tokenizer.token_to_id(tokens.PAD))
    net = Talker(size)
    before = (net(ids, where).argmax(-1) == wanted).float().mean()
    head_start(net)
    after = (net(ids, where).argmax(-1) == wanted).float().mean()
    assert before < 0.02 and after > 0.3


# --- what it learns from

def test_the_loss_is_on_the_answer_alone(words):
    tokenizer, row = words[1], SimpleNamespace(**dict(zip(FIELDS, EXCHANGES[0])))
    one = lessons.learnt(tokenizer, row)
    text = tokenizer.decode(one.ids, skip_special_tokens=False)
    assert "Quill." in text and "Bragado" not in text                                          # of its facts the one that answers
    assert one.ids == tokenizer.encode(tokens.prompt(row.name, [row.facts[1]], (), row.ask) + " " + row.say + tokens.END).ids
    ids, where, wanted = lessons.tensors([one, lessons.Learnt(one.ids[:-3], one.said[:-3])], tokenizer.token_to_id(tokens.PAD))
    count = int(where[0].sum())
    assert tokenizer.decode(wanted[:count].tolist()) == " Yes, a parrot called Quill." and ids.shape == where.shape and int(where.sum()) == 2 * count - 3
    assert torch.equal(wanted[:count], torch.tensor(one.ids)[1:][where[0]])


def test_batches_hold_each_row_once_and_little_padding(words):
    chance = random.Random(2)
    rows = [lessons.drilled(words[1], chance) for _ in range(300)]
    found = lessons.batches(rows, 400, chance)
    assert sorted(map(id, rows)) == sorted(id(row) for batch in found for row in batch)
    room = sum(len(batch) * max(len(row.ids) for row in batch) for batch in found)
    assert max(len(batch) * max(len(row.ids) for row in batch) for batch in found) <= 400
    assert sum(len(row.ids) for row in rows) > 0.8 * room
    marks = {words[1].token_to_id(mark) for mark in MARKS}
    for row in rows:                                                                            # what is to be said stands in the prompt
        at = row.said.index(True)
        answer = row.ids[at:row.ids.index(words[1].token_to_id(tokens.END))]
        assert any(row.ids[i:i + len(answer)] == answer for i in range(at)) and not marks & set(answer)


def test_an_answer_is_judged_by_what_it_takes_from_its_fact():
    parrot, wish = (SimpleNamespace(**dict(zip(FIELDS, EXCHANGES[n]))) for n in (0, 4))
    assert lessons.carried(parrot) == ["parrot", "called", "Quill"] and lessons.carried(wish) == ["鹦鹉", "叫豆沙"]
    assert lessons.holds("A parrot, it's called Quill!", parrot) and not lessons.holds("A parrot called Quilt.", parrot)
    assert not lessons.holds("I don't know whether my parrot is called Quill.", parrot)
    assert lessons.abstains("这个我可不清楚。", "zh") and not lessons.abstains("叫豆沙。", "zh")


def test_held_out_topics_are_not_learnt_from(words):
    """Composed exchanges become talks in both languages, none without an answer; a topic that is kept for measuring does not come up."""
    state, plan = checkpoints.State(share=1.0), Plan(steps=100, round=60)
    rows = [row for batch in talker.prepared(lessons.composed, words[1], SIZES["mini"], plan, state) for row in batch]
    assert all(any(row.said) and len(row.ids) == len(row.said) <= SIZES["mini"].positions for row in rows)
    for language in ("en", "zh"):
        learnt, held = ({row.ask for row in source(300, 5, language) if row.kind == "fact"} for source in (lessons.composed, lessons.kept))
        assert learnt and held and not learnt & held


def test_it_begins_with_copying(data, words):
    state, plan, size = checkpoints.State(), Plan(steps=100, round=8, drill=0.0, easy=0.5), replace(TINY, batch=4096)
    rows = [row for batch in talker.prepared(lessons.from_file(data), words[1], size, plan, state) for row in batch]
    assert rows and all(row.ids.count(words[1].token_to_id(tokens.FACT)) == 1 for row in rows)
    assert not any("don't know" in text or "不清楚" in text for text in (words[1].decode(row.ids) for row in rows))      # it comes before not knowing


# --- the training

def test_a_tiny_one_learns_eight_exchanges_by_heart(taught):
    net, tokenizer = checkpoints.loaded(checkpoints.newest(taught)), tokens.load(taught)
    rows = [SimpleNamespace(**dict(zip(FIELDS, row))) for row in EXCHANGES]
    say = lessons.answering(net, tokenizer)
    assert [say(row) for row in rows] == [row.say for row in rows]
    figures = talker.figures(taught, {"all": lambda n, seed, language: [row for row in rows if row.language == language]}, 9)["all"]
    assert figures["zh fact"] == {"right": 1.0, "exact": 1.0, "n": 2} and figures["en unknown"]["right"] == 1.0


def test_exported_it_says_the_same(taught, tmp_path):
    checkpoints.export(taught, tmp_path)
    net = checkpoints.loaded(checkpoints.newest(taught))
    mind = TalkerThinker(tmp_path, cache=PrefixCache(), threads=1)
    for row in EXCHANGES:
        language, _, name, _, before, ask, say, _ = row
        facts = lessons.facts_of(SimpleNamespace(**dict(zip(FIELDS, row))))
        talk = [{"role": role, "content": text} for pair in before for role, text in zip(("user", "assistant"), pair)]
        messages = [{"role": "name", "content": name}, *({"role": "fact", "content": fact} for fact in facts), *talk, {"role": "user", "content": ask}]
        assert "".join(mind.think(messages)) == say, language
        ids = mind.chat.ids(messages)
        feed = {"input_ids": np.array([ids]), "seqlens_k": np.array([len(ids) - 1], np.int32), "total": np.array(len(ids), np.int32)}
        feed |= {one.name: np.zeros((1, TINY.kv_heads, len(ids), TINY.head), np.float32) for one in mind.session.get_inputs()[3:]}
        with torch.no_grad():
            wanted = net(torch.tensor([ids]))[0, -1].numpy()
        assert np.abs(mind.session.run(["logits"], feed)[0][0, 0] - wanted).max() < 0.06 * np.abs(wanted).max()     # 8 bits
    assert (tmp_path / "model.onnx.data").stat().st_size < 1.2 * sum(weight.numel() for weight in net.parameters()) + 100_000


def losses(out: Path) -> dict[int, float]:
    return {row["step"]: row["loss"] for line in (out / "log.jsonl").read_text().splitlines() if "loss" in (row := json.loads(line))}


def test_killed_while_it_saves_it_goes_on_with_the_same_losses(data, words, tmp_path):
    whole, torn, size, source = tmp_path / "whole", tmp_path / "torn", replace(TINY, batch=128), lessons.from_file(data)
    plan = Plan(steps=40, save=0.0, round=24, drill=0.7)
    for out in (whole, torn):
        out.mkdir()
        for file in words[0].iterdir():
            (out / file.name).write_bytes(file.read_bytes())
    options = ["--size", "tiny", "--steps", "40", "--data", str(data), "--batch", "128", "--save", "0", "--round", "24", "--drill", "0.7", "--check", "1e9"]
    running = subprocess.Popen([sys.executable, "-m", "twin.train.talker", "--out", str(torn), *options], cwd=ROOT, stdout=subprocess.DEVNULL)
    train(whole, size, plan, source, say=lambda line: None)
    end = time.monotonic() + 90
    while time.monotonic() < end and running.poll() is None and not (len(checkpoints.whole(torn)) > 1 and list(torn.glob("*.half"))):
        time.sleep(0.0005)
    os.kill(running.pid, signal.SIGKILL)
    running.wait()
    assert 1 < len(losses(torn)) < 40, "it was to be killed on the way"
    half = torn / "at-00000099.half"                                                            # whatever the moment: half a checkpoint is no checkpoint
    half.mkdir()
    (half / "model.safetensors").write_bytes(b"half")
    assert checkpoints.newest(torn) != half
    train(torn, size, plan, source, resume=True, say=lambda line: None)
    before, after = losses(whole), losses(torn)
    assert set(before) == set(after) == set(range(1, 41)) and all(before[n] == pytest.approx(after[n], rel=1e-5) for n in before)
    assert len(checkpoints.whole(torn)) == checkpoints.KEPT


def test_a_checkpoint_in_pieces_is_read_back(tmp_path, monkeypatch):
    monkeypatch.setattr(checkpoints.split, "__defaults__", (100_000,))
    net = network()
    optimiser = torch.optim.AdamW(net.parameters())
    at = checkpoints.keep(tmp_path, net, optimiser, checkpoints.State(step=3), pieces=True)
    assert len(list(at.glob("model.safetensors.*"))) > 1 and max(path.stat().st_size for path in at.iterdir()) <= 100_000
    other = network(seed=1)
    assert checkpoints.restored(at, other, torch.optim.AdamW(other.parameters())).step == 3
    assert all(torch.equal(a, b) for a, b in zip(net.state_dict().values(), other.state_dict().values()))
    next(at.glob("model.safetensors.*")).unlink()
    for left in at.glob("model.safetensors.*"):
        left.unlink()
    with pytest.raises(Missing):
        checkpoints.loaded(at)


def test_it_rests_while_a_file_is_there_and_says_what_is_wrong(data, taught, tmp_path, capsys):
    with pytest.raises(Refused, match="already"):
        train(taught, TINY, Plan(steps=1), lessons.from_file(data))
    with pytest.raises(Refused, match="tokeniser"):
        train(taught, SIZES["small"], Plan(steps=1), lessons.from_file(data), resume=True)
    with pytest.raises(Missing):
        train(tmp_path, TINY, Plan(steps=1), lessons.from_file(data))
    pause = tmp_path / "pause"
    pause.touch()
    lines: list[str] = []

    def say(line: str) -> None:
        lines.append(line)
        pause.unlink()
    talker.wait(pause, None, say)
    assert len(lines) == 1 and "resting" in lines[0]
    stop, size = threading.Event(), replace(TINY, batch=128)
    stop.set()
    for file in taught.glob("tokenizer*"):
        (tmp_path / file.name).write_bytes(file.read_bytes())
    assert train(tmp_path, size, Plan(steps=9, round=8), lessons.from_file(data), stop=stop, say=lines.append).name == "at-00000001"     # what was done is kept
    assert talker.main(["--out", str(tmp_path / "none"), "--export", str(tmp_path / "to")]) == 1 and "no checkpoint" in capsys.readouterr().out
