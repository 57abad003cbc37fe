"""The embedded mind: how near to fp32 it is, how fast, and what its prefix cache saves.

`kl_nats`, `same_next` and `perplexity` compare the 4-bit graph with transformers in fp32, on the fp32 model's own greedy replies to
twelve questions and on a page of prose. `tok_s_busy` is measured beside a process that keeps one core busy.
"""
from __future__ import annotations

import statistics
import subprocess
import sys
import time

import numpy as np

PERSONA = """You are Rosa, 41, the owner of a small flower shop in Porto called Casa Verde. You speak in short, warm sentences, in the first
person. The shop is open from 9 to 18, Monday to Saturday. You live with your daughter, who is twelve, and a grey cat called Pepe. You
studied botany in Coimbra. Roses cost 3 euros each, a bunch of tulips 8 euros. You deliver within the city for 5 euros. You love fado
and dislike plastic wrapping."""
MORE = """ You get up at five to fetch flowers from the market by the river, and you know every grower there by name. On Sundays you walk
along the sea with your daughter and collect shells, which you put into the shop window. Your grandmother taught you how to dry lavender
and how to bind a wreath. You once worked in a hotel in Lisbon, where you arranged two hundred bouquets for a wedding in one night. You
like rain, strong coffee, old radios and people who take their time to choose. You don't like being hurried, and you never sell a flower
that you would not put on your own table. Your brother repairs bicycles next door; the two of you share a kettle. You are saving for a
small greenhouse on the hill, where you would like to grow orchids. When somebody is sad you ask what happened before you sell anything."""
QUESTIONS = ("When is the shop open?", "What is your cat called?", "How much is a bunch of tulips?", "Do you deliver to my home?",
             "What music do you love?", "Who do you live with?", "Where did you study?", "What should I buy for my mother's birthday?",
             "What do you dislike about other flower shops?", "Are you open on Sunday?", "How old is your daughter?",
             "What is the name of your shop and where is it?")
TWELVE = ("Could you please tell me what you like best about {} in spring?", "What would you say to somebody who has never seen {} before?",
          "Do you remember the very first time that you brought home {}?")
THINGS = ("roses", "tulips", "lavender", "the sea", "the market")
PROSE = """The sea was calm that morning, and the boats lay in a row along the old stone wall. Anna had brought bread and a little cheese, and
her brother carried the lamp, although the sun was already up. "We shall be back before noon," he said, but nobody answered, because
everyone was watching the white ship that had come in during the night. It had no flag. Photosynthesis is the process by which green plants
use sunlight to make food from carbon dioxide and water. It happens mostly in the leaves, in small bodies called chloroplasts, and it gives
off oxygen, on which almost all animals depend. In 1905 Albert Einstein published four papers that changed physics; one of them explained
the photoelectric effect, for which he received the Nobel Prize in 1921."""


def options(parser) -> None:
    parser.add_argument("--fast", action="store_true", help="leave out the comparison with fp32, which takes some minutes")


def run(options) -> dict[str, object]:
    from twin.think import smollm2
    smollm2.make()
    figures: dict[str, object] = {"ready_s": ready(), **speed()}
    return figures if options.fast else figures | likeness()


def ready() -> float:
    """Median s from process start to a mind that can be asked, less what Python itself takes."""
    def seconds(code: str) -> float:
        began = time.perf_counter()
        subprocess.run([sys.executable, "-c", code], check=True)
        return time.perf_counter() - began
    return statistics.median(seconds("from twin.think.onnx import OnnxThinker; OnnxThinker()") for _ in range(3))


def speed() -> dict[str, object]:
    import psutil

    from twin.think.cache import PrefixCache
    from twin.think.onnx import OnnxThinker
    mind = OnnxThinker(cache=PrefixCache())
    system = {"role": "system", "content": PERSONA + MORE}
    questions = [form.format(thing) for form in TWELVE for thing in THINGS]

    def first(question: str) -> float:
        """ms to the first text."""
        began = time.perf_counter()
        stream = mind.think([system, {"role": "user", "content": question}], max_tokens=4, temperature=0.0)
        next(bit for bit in stream if bit)
        stream.close()
        return 1000 * (time.perf_counter() - began)

    def rate(question: str) -> float:
        """Tokens a second of one reply."""
        stream = mind.think([system, {"role": "user", "content": question}], max_tokens=60, temperature=0.6, seed=1)
        bits, began = 0, 0.0
        for bit in stream:
            bits += bool(bit) and bool(began)
            began = began or (time.perf_counter() if bit else 0.0)
        return bits / (time.perf_counter() - began)

    cold, warm = [], []
    first(questions[0])
    for question in questions:
        kept, mind.cache = mind.cache, PrefixCache()
        cold.append(first(question))
        mind.cache = kept
        warm.append(first(question))
    alone = [rate(question) for question in questions[:5]]
    neighbour = subprocess.Popen([sys.executable, "-c", "while True: pass"])
    try:
        busy = [rate(question) for question in questions[5:10]]
    finally:
        neighbour.kill()
        neighbour.wait()
    return {"prompt_tokens": len(mind.chat.ids([system, {"role": "user", "content": questions[0]}])),
            "ttft_cold_ms": statistics.median(cold), "ttft_warm_ms": statistics.median(warm),
            "prefix_speedup": statistics.median(c / w for c, w in zip(cold, warm)),
            "tok_s": statistics.median(alone), "tok_s_busy": statistics.median(busy), "rss_mb": psutil.Process().memory_info().rss / 1e6}


def likeness() -> dict[str, object]:
    import torch
    from transformers import AutoModelForCausalLM

    from twin.think import smollm2
    from twin.think.cache import PrefixCache
    from twin.think.onnx import OnnxThinker, Run
    model = AutoModelForCausalLM.from_pretrained(smollm2.checkpoint(), dtype=torch.float32).eval()
    mind = OnnxThinker(cache=PrefixCache())

    def graph(ids: list[int], start: int) -> np.ndarray:
        """log p (tokens from start on, vocabulary) by the graph, one token after another."""
        run, rows = Run(mind, len(ids), ids, []), []
        for tokens in [ids[:start + 1], *([token] for token in ids[start + 1:])]:
            run.step(tokens)
            rows.append(run.logits.astype(np.float64))
        return torch.log_softmax(torch.from_numpy(np.stack(rows)), -1).numpy()

    def full(ids: list[int], start: int) -> np.ndarray:
        with torch.inference_mode():
            return torch.log_softmax(model(torch.tensor([ids])).logits[0, start:].double(), -1).numpy()

    kl, same = [], []
    for question in QUESTIONS:
        prompt = mind.chat.ids([{"role": "system", "content": PERSONA}, {"role": "user", "content": question}])
        with torch.inference_mode():
            ids = model.generate(torch.tensor([prompt]), max_new_tokens=32, do_sample=False)[0].tolist()
        wanted, got = full(ids, len(prompt) - 1), graph(ids, len(prompt) - 1)
        kl += (np.exp(wanted) * (wanted - got)).sum(-1).tolist()
        same += (wanted.argmax(-1) == got.argmax(-1)).tolist()
    ids = mind.chat.tokenizer.encode(PROSE).ids
    likely = [float(np.exp(-np.mean([row[token] for row, token in zip(way(ids, 0), ids[1:])]))) for way in (full, graph)]
    return {"kl_nats": float(np.mean(kl)), "same_next": float(np.mean(same)), "perplexity_fp32": likely[0], "perplexity": likely[1]}
