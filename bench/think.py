"""The embedded mind: how near to fp32 it is, how fast, and what its prefix cache saves.

`kl_nats`, `same_next` and `perplexity` compare the 4-bit graph with transformers in fp32, on the fp32 model's own greedy replies to
twelve questions and on a page of prose. Speeds are those of this engine, of llama.cpp with the same file, and of plain transformers in fp32, in turns
within one run, with the second core idle and with a process that keeps it busy (`_busy`); medians, and ratios of what stood side by side.
"""
from __future__ import annotations

import json
import statistics
import subprocess
import sys
import time
from pathlib import Path

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
    parser.add_argument("--fast", action="store_true", help="leave out the comparison with fp32, which takes some minutes, and llama.cpp where it isn't built")
    parser.add_argument("--rounds", type=int, default=6, help="of all engines, one after another, with the second core idle and busy")


def run(options) -> dict[str, object]:
    from twin.think import smollm2
    smollm2.make()
    figures: dict[str, object] = {"ready_s": ready(), **beside(options.rounds, options.fast)}
    return figures if options.fast else figures | likeness()


def ready() -> float:
    """Median s from process start to a mind that can be asked, less what Python itself takes."""
    def seconds(code: str) -> float:
        began = time.perf_counter()
        subprocess.run([sys.executable, "-c", code], check=True)
        return time.perf_counter() - began
    return statistics.median(seconds("from twin.think.onnx import OnnxThinker; OnnxThinker()") for _ in range(3))


# side by side ------------------------------------------------------------------------------------------------------------------------------

REPLY = 48                                               # tokens of a reply that is timed


def beside(rounds: int, fast: bool) -> dict[str, object]:
    """Ours, llama.cpp and transformers take turns with the same questions, greedy, each with as many threads as there are cores."""
    import psutil

    from twin import devices
    from twin.think import smollm2
    from twin.think.chat import Chat
    chat = Chat(smollm2.onnx())
    system = {"role": "system", "content": PERSONA + MORE}
    questions = [form.format(thing) for form in TWELVE for thing in THINGS]
    prompts = [chat.ids([system, {"role": "user", "content": question}]) for question in questions]
    threads = min(devices.cores(), 4)
    engines: dict[str, Ours | Theirs | Eager] = {"": Ours()}
    if python := llamacpp(build=not fast):
        engines["llamacpp_"] = Theirs(python, threads)
    engines["transformers_"] = Eager(threads)
    times: dict[str, list[float]] = {}
    neighbour: subprocess.Popen[bytes] | None = None
    try:
        for engine in engines.values():
            engine.first(prompts[-1], cold=True)         # loaded, and warm
        for number in range(rounds):
            for busy in ("", "_busy"):
                neighbour = subprocess.Popen([sys.executable, "-c", "while True: pass"]) if busy else None
                for name, engine in engines.items():
                    few = name == "transformers_" and number >= 2            # it takes seconds
                    prompt, other = prompts[2 * number % len(prompts)], prompts[(2 * number + 1) % len(prompts)]
                    if not few:
                        times.setdefault(f"{name}ttft_ms_cold{busy}", []).append(engine.first(prompt, cold=True))
                        times.setdefault(f"{name}ttft_ms_warm{busy}", []).append(engine.first(other, cold=False))
                        times.setdefault(f"{name}tok_s{busy}", []).append(engine.rate(prompt))
                if neighbour:
                    neighbour.kill()
                    neighbour.wait()
            print(f"  round {number + 1}: " + "  ".join(f"{key} {values[-1]:.0f}" for key, values in times.items() if "cold" not in key), flush=True)
    finally:
        if neighbour and neighbour.poll() is None:
            neighbour.kill()
            neighbour.wait()
        for engine in engines.values():
            engine.close()
    found: dict[str, object] = {key: statistics.median(values) for key, values in times.items()}
    weights = (smollm2.onnx() / "model.onnx.data").stat().st_size
    moved = bandwidth()
    found |= {"prompt_tokens": len(prompts[0]), "new_tokens": len(prompts[0]) - shared_beginning(prompts), "threads": threads,
              "decode_tok_s": found["tok_s"], "warm_ttft_ms": found["ttft_ms_warm"], "busy_ratio": found["tok_s_busy"] / found["tok_s"],      # type: ignore[operator]
              "prefix_speedup": statistics.median(c / w for c, w in zip(times["ttft_ms_cold"], times["ttft_ms_warm"])),
              "memory_gb_s": moved / 1e9, "bandwidth_fraction": weights * statistics.median(times["tok_s"]) / moved,
              "rss_mb": psutil.Process().memory_info().rss / 1e6}
    for key, name in (("vs_llamacpp", "llamacpp_tok_s"), ("vs_transformers", "transformers_tok_s")):
        for busy in ("", "_busy"):
            if name + busy in times:
                found[key + busy] = statistics.median(a / b for a, b in zip(times["tok_s" + busy], times[name + busy]))
    return found


def shared_beginning(prompts: list[list[int]]) -> int:
    return next(n for n, column in enumerate(zip(*prompts)) if len(set(column)) > 1)


def bandwidth() -> float:
    """Bytes a second that all cores together read from memory: the best of five sums over 256 MB."""
    from concurrent.futures import ThreadPoolExecutor

    from twin import devices
    block = np.ones(32 << 20, np.float64)
    cores = min(devices.cores(), 4)
    parts = np.array_split(block, cores)
    best = 0.0
    with ThreadPoolExecutor(cores) as pool:
        for _ in range(5):
            began = time.perf_counter()
            list(pool.map(np.sum, parts))                # numpy lets go of the interpreter while it adds up
            best = max(best, block.nbytes / (time.perf_counter() - began))
    return best


class Ours:
    def __init__(self) -> None:
        from twin.think.cache import PrefixCache
        from twin.think.onnx import OnnxThinker
        self.mind = OnnxThinker(cache=PrefixCache())
        self.fresh = PrefixCache

    def first(self, ids: list[int], cold: bool) -> float:
        """ms to the first token."""
        from twin.think.onnx import STEP, Run
        if cold:
            self.mind.cache = self.fresh()
        began = time.perf_counter()
        self.run = Run(self.mind, len(ids) + REPLY, ids, self.mind.cache.find(self.mind.owner, ids[:-1]))
        for at in range(len(self.run.ids), len(ids), STEP):
            self.run.step(ids[at:at + STEP])
        int(self.run.logits.argmax())
        took = 1000 * (time.perf_counter() - began)
        self.mind.cache.keep(self.mind.owner, ids, self.run.state())
        return took

    def rate(self, ids: list[int]) -> float:
        """Tokens a second after the first."""
        self.first(ids, cold=False)
        began = time.perf_counter()
        for _ in range(REPLY - 1):
            self.run.step([int(self.run.logits.argmax())])
        return (REPLY - 1) / (time.perf_counter() - began)

    def close(self) -> None:
        pass


class Eager:
    """Plain transformers in fp32."""

    def __init__(self, threads: int) -> None:
        import torch
        from transformers import AutoModelForCausalLM

        from twin.think import smollm2
        torch.set_num_threads(threads)
        self.torch = torch
        self.model = AutoModelForCausalLM.from_pretrained(smollm2.checkpoint(), dtype=torch.float32).eval()
        self.known: tuple[list[int], object] = ([], None)

    def first(self, ids: list[int], cold: bool) -> float:
        from transformers import DynamicCache
        with self.torch.inference_mode():
            began = time.perf_counter()
            at, past = (0, DynamicCache()) if cold else (next((n for n, (a, b) in enumerate(zip(self.known[0], ids[:-1])) if a != b), 0), self.known[1])
            if at and (over := past.get_seq_length() - at):                            # type: ignore[attr-defined]
                past.crop(-over)                         # type: ignore[attr-defined]
            past = past if at else DynamicCache()
            out = self.model(self.torch.tensor([ids[at:]]), past_key_values=past, use_cache=True, logits_to_keep=1)
            self.next = int(out.logits[0, -1].argmax())
            took = 1000 * (time.perf_counter() - began)
        self.known, self.past = (ids, past), past
        return took

    def rate(self, ids: list[int]) -> float:
        self.first(ids, cold=False)
        with self.torch.inference_mode():
            began = time.perf_counter()
            for _ in range(REPLY - 1):
                out = self.model(self.torch.tensor([[self.next]]), past_key_values=self.past, use_cache=True)
                self.next = int(out.logits[0, -1].argmax())
            took = time.perf_counter() - began
        self.past.crop(1 - REPLY)                        # type: ignore[attr-defined]
        return (REPLY - 1) / took

    def close(self) -> None:
        pass


class Theirs:
    """llama.cpp, in a process of its own."""

    def __init__(self, python: Path, threads: int) -> None:
        from twin.think import smollm2
        self.process = subprocess.Popen([str(python), str(Path(__file__).with_name("llamacpp.py"))], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self.do(do="load", file=str(smollm2.find()), threads=threads)

    def do(self, **asked: object) -> dict[str, float]:
        assert self.process.stdin and self.process.stdout
        print(json.dumps(asked), file=self.process.stdin, flush=True)
        return dict(json.loads(self.process.stdout.readline()))

    def first(self, ids: list[int], cold: bool) -> float:
        return self.do(do="first", ids=ids, cold=cold)["ms"]

    def rate(self, ids: list[int]) -> float:
        return self.do(do="rate", ids=ids, tokens=REPLY)["tok_s"]

    def close(self) -> None:
        self.process.kill()
        self.process.wait()


def llamacpp(build: bool) -> Path | None:
    """The Python of a venv with llama-cpp-python, built once (minutes, with a C++ compiler) in the cache folder."""
    import platformdirs
    folder = Path(platformdirs.user_cache_path("twin", appauthor=False)) / "bench-llamacpp"
    python = folder / "bin" / "python"

    def there() -> bool:
        return python.is_file() and not subprocess.run([python, "-c", "import llama_cpp"], capture_output=True).returncode
    if there():
        return python
    if not build:
        return None
    print("building llama-cpp-python, once: some minutes", flush=True)
    subprocess.run([sys.executable, "-m", "venv", folder], check=True)
    done = subprocess.run([python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "llama-cpp-python"], capture_output=True, text=True)
    if done.returncode or not there():
        print("llama-cpp-python could not be built here: " + (done.stderr.strip().splitlines() or ["no reason given"])[-1], flush=True)
        return None
    return python


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
