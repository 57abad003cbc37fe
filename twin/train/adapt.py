"""`python -m twin.train.adapt OUT [--minutes M] [--figures N]`: SmolLM2 learns what the talker does, an answer from a fact, as a low-rank adapter.

From the talker's own exchanges (compose/): who it is, the one fact that was read to answer or none, what was said before, a question -> a sentence, or
that it doesn't know. `--figures` answers N held-out exchanges of each language with the adapter in OUT and without, and questions of the held-out cards of
reading/. English alone is learned: of Chinese, SmolLM2 knows nothing. The adapter is lora.py's, and is worn as any (twin/think/adapter.py).
"""
from __future__ import annotations

import argparse
import random
import re
import sys
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from persona.words import words_of
from twin.errors import Missing

from . import lessons, tokens
from .lora import PIECE, Job, Learner, Sequence_, batches, packed, pieces, write
from .talker import HELD, HELD_OUT

ROWS = 20_000                                            # exchanges that are put in order of length at a time
RATE, WARM = 5e-4, 20                                    # lora.plan's rate for 135 M; steps of its rise
SAVE = 300.0                                             # s between two states
_WORD = re.compile(r"[a-z0-9]+(?:['’][a-z]+)?")
_YES_NO = re.compile(r"(?i)(?:do|does|did|is|are|was|were|have|has|can|could|would|will)\b")
_FREE = words_of("that this they them have been with from would there called name when because about every mine were will your yours what only")


def turns(exchange: Any) -> list[dict[str, str]]:
    """As a chat model is asked: the fact where persona/prompt.py puts it, behind the question."""
    known = "".join(f"\n(You know: {fact})" for fact in lessons.facts_of(exchange))
    before = [{"role": "user" if mark == tokens.USER else "assistant", "content": text} for mark, text in tokens.turns(exchange.before)]
    return [{"role": "system", "content": f"You are {exchange.name}."}, *before, {"role": "user", "content": exchange.ask + known}]


def learnt(tokenizer: Any, exchange: Any) -> Sequence_:
    asked = str(tokenizer.apply_chat_template(turns(exchange), tokenize=False, add_generation_prompt=True))
    ids, own = (tokenizer(text, add_special_tokens=False).input_ids for text in (asked, exchange.say.strip() + tokenizer.eos_token))
    return Sequence_((*ids, *own), (0,) * len(ids) + (1,) * len(own))


def learn(learner: Learner, source: lessons.Source, out: Path, minutes: float, seed: int = 1) -> None:
    """For so long; the rate falls to nothing. What was learned is written every SAVE seconds and at the end."""
    torch, began, step, losses = learner.torch, time.monotonic(), 0, list[float]()
    saved = began
    for batch in stream(learner.tokenizer, source, seed):
        share = (time.monotonic() - began) / (60 * minutes)
        if share >= 1:
            break
        for group in learner.optimiser.param_groups:
            group["lr"] = RATE * min(1.0, (step + 1) / WARM) * (1 - share)
        learner.model.train()
        count, total = max(1, sum(sum(row.own[1:]) for row in batch)), 0.0
        for some in pieces(batch, PIECE):
            loss = learner.loss(some)[0] / count
            learner.accelerator.backward(loss)
            total += float(loss.detach())
        torch.nn.utils.clip_grad_norm_([weight for _, weight in learner.learned], 1.0)
        learner.optimiser.step()
        learner.optimiser.zero_grad()
        step, losses = step + 1, [*losses[-49:], total]
        if time.monotonic() - saved > SAVE:
            saved = time.monotonic()
            keep(learner, out, step)
            print(f"{step} steps, {(saved - began) / 60:.0f} min, loss {sum(losses) / len(losses):.3f}", file=sys.stderr, flush=True)
    keep(learner, out, step)


def keep(learner: Learner, out: Path, steps: int) -> None:
    own = {name: tensor for name, tensor in learner.kept().items() if name.startswith("p.")}
    about = {"base": learner.base, "scale": learner.plan.alpha / learner.plan.rank, "rank": learner.plan.rank, "steps": steps}
    write(out / "adapter.safetensors", packed(learner, own, about))


def stream(tokenizer: Any, source: lessons.Source, seed: int) -> Iterator[list[Sequence_]]:
    """Batches of about BATCH tokens, without end."""
    while True:
        yield from batches([learnt(tokenizer, exchange) for exchange in source(ROWS, seed, "en")], seed)
        seed += 1


# How well it answers.

def of_cards(count: int, seed: int, language: str) -> list[Any]:
    """Open questions of held-out cards of reading/, with the fact that answers; what an answer must hold is not known, only what it may."""
    from . import cross
    rows = [SimpleNamespace(name=card.name.split(" ", 1)[-1].split(" |")[0], facts=(card.facts[one.right[0]],), source=0, before=(), ask=one.text)
            for card in cross.cards(language) if card.held_out for one in card.asked
            if one.how == "asked" and len(one.right) == 1 and not (language == "en" and _YES_NO.match(one.text))]
    return random.Random(seed).sample(rows, min(count, len(rows)))


def faithful(said: str, exchange: Any) -> bool:
    """Whether an English answer holds no telling word that neither the fact nor the question has: of four letters or more, or a number."""
    given = set(_WORD.findall(f"{lessons.source_of(exchange)} {exchange.ask} {exchange.name}".lower()))
    return all(word in given or word.rstrip("s") in {one.rstrip("s") for one in given} for word in _WORD.findall(said.lower())
               if (len(word) > 3 or word[0].isdigit()) and word not in _FREE)


def figures(learner: Learner, count: int) -> dict[str, Any]:
    """Of what the model says now: lessons.check of names and of topics never met, and which answers from cards keep to their fact."""
    def say(exchange: Any) -> str:
        return learner.says([turns(exchange)])[0]
    cards = of_cards(count, 0, "en")
    said = [say(one) for one in cards]
    return {**{what: lessons.check(say, source, count, HELD) for what, source in HELD_OUT.items()},
            "cards": [{"fact": one.facts[0], "ask": one.ask, "said": text, "faithful": faithful(text, one)} for one, text in zip(cards, said, strict=True)]}


def main(arguments: Sequence[str] | None = None) -> int:
    from twin.think import smollm2
    parser = argparse.ArgumentParser(prog="python -m twin.train.adapt", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("out", type=Path)
    parser.add_argument("--minutes", type=float, default=40.0)
    parser.add_argument("--figures", type=int, default=0, metavar="N", help="measure what lies in OUT instead")
    parser.add_argument("--base", type=Path, help="instead of the embedded model's checkpoint")
    parser.add_argument("--threads", type=int, default=1)
    given = parser.parse_args(arguments)
    learner = Learner(Job(given.out, str(given.base or smollm2.checkpoint()), threads=given.threads), 1000)
    given.out.mkdir(parents=True, exist_ok=True)
    if not given.figures:
        learn(learner, lessons.composed, given.out, given.minutes)
        return 0
    take(learner, given.out / "adapter.safetensors")
    for what, strength in (("with the adapter", 1.0), ("without", 0.0)):
        learner.wear(strength)
        found = figures(learner, given.figures)
        cards = found.pop("cards")
        for kind, own in found.items():
            print(f"{what}, {kind}: {lessons.told(own)}", flush=True)
        print(f"{what}, cards: {sum(one['faithful'] for one in cards)} of {len(cards)} keep to the fact")
        print("\n".join(f"  {'+' if one['faithful'] else '-'} {one['fact']} | {one['ask']} -> {one['said']}" for one in cards), flush=True)
    return 0


def take(learner: Learner, path: Path) -> None:
    """Put an adapter that was kept into the model. Raises Missing."""
    from safetensors.torch import load_file
    if not path.is_file():
        raise Missing(f"There is no {path.name} in {path.parent}.", "Train first.")
    held = load_file(path)
    with learner.torch.no_grad():
        for name, weight in learner.learned:
            weight.copy_(held[name.replace(".default.", ".")])


if __name__ == "__main__":
    sys.exit(main())
