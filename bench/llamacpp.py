"""llama.cpp as bench think's neighbour: run by the Python of a venv of its own, one JSON command a line in, one JSON answer a line out.

{"do": "load", "file", "threads"}; {"do": "first", "ids", "cold"} -> {"ms"} to the first token; {"do": "rate", "ids", "tokens"} -> {"tok_s"}, greedy.
"""
import json
import sys
import time
from typing import Any


def main() -> None:
    model: Any = None
    for line in sys.stdin:
        asked = json.loads(line)
        if asked["do"] == "load":
            from llama_cpp import Llama
            model = Llama(asked["file"], n_ctx=2048, n_threads=asked["threads"], n_threads_batch=asked["threads"], logits_all=False, verbose=False)
            answer: dict[str, float] = {}
        else:
            if asked.get("cold"):
                model.reset()
                model._ctx.kv_cache_clear()
            kept = 0                                     # what its cache knows of the prompt stays, as its own chat does it
            for one, two in zip(model._input_ids.tolist(), asked["ids"][:-1]):
                if one != two:
                    break
                kept += 1
            began = time.perf_counter()
            stream = model.generate(asked["ids"], temp=0.0, top_k=1, reset=True)
            next(stream)
            first = time.perf_counter()
            answer = {"ms": 1000 * (first - began), "kept": kept}
            if asked["do"] == "rate":
                for _ in range(asked["tokens"] - 1):
                    next(stream)
                answer = {"tok_s": (asked["tokens"] - 1) / (time.perf_counter() - first)}
            stream.close()
        print(json.dumps(answer), flush=True)


if __name__ == "__main__":
    main()
