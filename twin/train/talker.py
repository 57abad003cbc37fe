"""The talker, a small Transformer trained from nothing: `python -m twin.train.talker --out DIR --size small --hours 2 --resume`.

The network is transformer.py's, what it reads and how that becomes batches lessons.py's and tokens.py's; docs/train.md reads them line by line. What is
learnt is narrow: to say what the facts at hand say, in the first person, and to say that one doesn't know where they don't. `--export` writes what
twin/think/talker.py runs. Killed at any time it goes on with --resume from the last whole checkpoint, with the same losses.
"""
from __future__ import annotations

import argparse
import json
import math
import random
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from torch.nn.functional import cross_entropy

from twin.errors import Missing, Refused, TwinError

from . import tokens
from .checkpoints import State, export, keep, loaded, newest, restored
from .lessons import COPIED, Learnt, Source, answering, batches, check, composed, drilled, from_file, kept, learnt, tensors, told
from .transformer import SIZES, Size, Talker, head_start

if TYPE_CHECKING:
    from tokenizers import Tokenizer

HELD = 7_000_003                                         # the seed of exchanges that are never learnt from
HELD_OUT = {"new names": composed, "new topics": kept}   # what is looked at on the way
SHOWN = 20.0                                             # s between lines of progress


@dataclass(frozen=True)
class Plan:
    steps: int = 0                                       # 0: by the clock
    hours: float = 1.0                                   # of steps: rests and looks at held-out exchanges don't count
    round: int = 2048                                    # exchanges that are composed at once
    drill: float = 0.12                                  # share of drills among them
    first: float = 0.0                                   # share of the training that is drills alone
    easy: float = 0.25                                   # share, after it, over which not knowing and small talk come in
    warm: int = 100                                      # steps over which the learning rate rises
    least: float = 0.05                                  # of the highest rate, at the end
    decay: float = 0.05                                  # of matrices, not of the embedding
    clip: float = 1.0                                    # the gradient's length at most
    save: float = 180.0                                  # s between checkpoints
    check: float = 300.0                                 # s between looks at held-out exchanges
    checked: int = 60                                    # of these, in each language
    seed: int = 1
    wired: bool = True                                   # begins with induction heads in place

    def share(self, state: State) -> float:
        """How much of the training is done."""
        return state.step / self.steps if self.steps else state.seconds / 3600 / self.hours


def prepared(source: Source, tokenizer: Tokenizer, size: Size, plan: Plan, state: State, part: int = 0, parts: int = 1) -> list[list[Learnt]]:
    """The batches of a round: the same for the same state. `part` of `parts` processes."""
    seed = plan.seed * 10_000_019 + state.round * parts + part
    chance = random.Random(seed)
    drills = plan.round if state.share < plan.first else round(plan.round * plan.drill)
    eased = max(0.0, state.share - plan.first)
    ripe = eased / plan.easy if eased < plan.easy else 1.0
    rows = [drilled(tokenizer, chance) for _ in range(drills)]
    for language in ("zh", "en"):
        if wanted := (plan.round - drills) // 2:
            copied = (one for one in source(wanted, seed, language) if one.kind in COPIED or chance.random() < ripe)
            rows += [learnt(tokenizer, one) for one in copied]
    rows = [row for row in rows if len(row.ids) <= size.positions]
    if not rows:
        raise Refused("There are no exchanges to learn from.", "Name a file of them with --data.")
    return batches(rows, size.batch, chance)


def rate(size: Size, plan: Plan, state: State) -> float:
    """The learning rate: it rises in a line, then falls along half a cosine (arxiv.org/abs/1608.03983)."""
    fall = 0.5 * (1 + math.cos(math.pi * min(1.0, plan.share(state))))
    return size.rate * min(1.0, (state.step + 1) / plan.warm) * (plan.least + (1 - plan.least) * fall)


def train(out: Path, size: Size, plan: Plan, source: Source, *, held: Mapping[str, Source] | None = None, resume: bool = False, pause: Path | None = None,
          pieces: bool = False, stop: threading.Event | None = None, say: Callable[[str], None] = print) -> Path:
    """Train in `out`, where the tokeniser is: log.jsonl, at-STEP/. `stop`: ends after the step at hand. Returns the last checkpoint. Raises Missing,
    Refused, OSError."""
    from accelerate import Accelerator
    from accelerate.utils import set_seed

    cuda = torch.cuda.is_available()
    accelerator = Accelerator(cpu=not cuda, mixed_precision="bf16" if cuda else "no")
    set_seed(plan.seed)
    tokenizer, at = tokens.load(out), newest(out)
    if at and not resume:
        raise Refused(f"There is a training in {out} already.", "Go on with it by --resume, or name another folder.")
    if tokenizer.get_vocab_size() != size.vocabulary:
        raise Refused(f"The tokeniser in {out} has {tokenizer.get_vocab_size()} tokens, this size {size.vocabulary}.", "Name the size it was begun with.")
    net = Talker(size)
    flat = [weight for name, weight in net.named_parameters() if weight.ndim == 1 or "embed" in name]
    deep = [weight for name, weight in net.named_parameters() if weight.ndim > 1 and "embed" not in name]
    optimiser = torch.optim.AdamW([{"params": deep, "weight_decay": plan.decay}, {"params": flat, "weight_decay": 0.0}], lr=size.rate, betas=(0.9, 0.95))
    if plan.wired and not at:
        head_start(net)
    state = restored(at, net, optimiser) if at else State()
    model, stepper = accelerator.prepare(net, optimiser)
    count = sum(weight.numel() for weight in net.parameters())
    say(f"{count / 1e6:.1f} M parameters, {size.layers} layers of {size.width}, {size.batch} tokens a step, on {accelerator.device}; from step {state.step}")

    def note(row: dict[str, Any]) -> None:
        with (out / "log.jsonl").open("a", encoding="utf-8") as file:
            file.write(json.dumps({"step": state.step, "seconds": round(state.seconds, 1), **row}) + "\n")

    pad, first = tokens.number(tokenizer, tokens.PAD), accelerator.is_main_process
    saved = checked = shown = time.monotonic()
    lost: list[float] = []
    seen, since = 0, state.seconds
    todo: list[list[Learnt]] | None = None
    while plan.share(state) < 1:
        if todo is None or state.batch >= len(todo):
            if todo is not None:
                state.round, state.batch = state.round + 1, 0
            if not state.batch:
                state.share = plan.share(state)
            todo = prepared(source, tokenizer, size, plan, state, accelerator.process_index, accelerator.num_processes)
            continue                                     # where a round's end was kept, the next one begins
        wait(pause, stop, say)
        began = time.monotonic()
        for group in optimiser.param_groups:
            group["lr"] = rate(size, plan, state)
        ids, where, wanted = (part.to(accelerator.device) for part in tensors(todo[state.batch], pad))
        loss = cross_entropy(model(ids, where).float(), wanted)
        accelerator.backward(loss)
        accelerator.clip_grad_norm_(model.parameters(), plan.clip)
        stepper.step()
        stepper.zero_grad()
        lost.append(loss.item())
        now = time.monotonic()
        state.step, state.batch, state.seconds, seen = state.step + 1, state.batch + 1, state.seconds + now - began, seen + ids.numel()
        over = plan.share(state) >= 1 or stop is not None and stop.is_set()
        if first and (over or now - shown >= SHOWN or plan.steps and plan.steps <= 200):
            mean, speed, pace = sum(lost) / len(lost), seen / (state.seconds - since), optimiser.param_groups[0]["lr"]
            note({"loss": lost[-1], "mean": round(mean, 4), "rate": pace, "tokens_s": round(speed), "round": state.round})
            say(f"{100 * plan.share(state):5.1f} %  step {state.step}  loss {mean:.3f}  {speed:.0f} tokens/s  rate {pace:.1e}  round {state.round}")
            shown, since, seen, lost = now, state.seconds, 0, []
        if first and (over or now - saved >= plan.save):
            at, saved = keep(out, net, optimiser, state, pieces), time.monotonic()
        if over and plan.share(state) < 1:
            break
        if first and held and (over or now - checked >= plan.check):
            for what, exchanges in held.items():
                found = check(answering(net, tokenizer), exchanges, plan.checked, HELD)
                note({"held": what, **found})
                say(f"{what}: {told(found)}")
            checked = time.monotonic()
    if at is None:
        raise Refused("Nothing was trained: there is no time for it.", "Give more --hours or --steps.")
    return at


def figures(out: Path, held: Mapping[str, Source], count: int) -> dict[str, dict[str, dict[str, float]]]:
    """Of the newest checkpoint, for each kind of held-out exchanges. Raises Missing."""
    at = newest(out)
    if at is None:
        raise Missing(f"There is no checkpoint in {out}.", "Train first.")
    answer = answering(loaded(at), tokens.load(out))
    return {what: check(answer, exchanges, count, HELD) for what, exchanges in held.items()}


def wait(pause: Path | None, stop: threading.Event | None, say: Callable[[str], None]) -> None:
    """While the file `pause` is there."""
    if pause and pause.exists():
        say(f"resting while {pause} is there")
        while pause.exists() and not (stop and stop.is_set()):
            time.sleep(2)


def texts(source: Source, count: int, seed: int) -> Iterator[str]:
    """What the tokeniser is learnt from."""
    for language in ("zh", "en"):
        for exchange in source(count, seed, language):
            yield from (exchange.name, *exchange.facts, exchange.ask, exchange.say, *(text for _, text in tokens.turns(exchange.before)))


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m twin.train.talker", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, required=True, help="the folder of this training")
    parser.add_argument("--size", choices=SIZES, default="small")
    parser.add_argument("--hours", type=float, default=1.0)
    parser.add_argument("--steps", type=int, default=0, help="end after so many steps instead")
    parser.add_argument("--resume", action="store_true", help="go on where it was left, or begin")
    parser.add_argument("--data", type=Path, help="exchanges as JSON lines instead of composed ones")
    parser.add_argument("--texts", type=Path, nargs="*", default=[], help="more text for the tokeniser to be learnt from")
    parser.add_argument("--pieces", action="store_true", help="checkpoints in files of 15 MiB at most")
    parser.add_argument("--pause", type=Path, help="rest while this file is there")
    parser.add_argument("--export", type=Path, metavar="FOLDER", help="write the newest checkpoint for the engine, and end")
    parser.add_argument("--figures", type=int, default=0, metavar="N", help="how it answers N held-out exchanges of each language")
    parser.add_argument("--unwired", action="store_true", help="begin with random weights alone")
    parser.add_argument("--threads", type=int, default=1)
    for name in ("batch", "rate"):
        parser.add_argument(f"--{name}", type=type(getattr(SIZES["small"], name)), help="instead of the size's own")
    for name in ("round", "drill", "first", "easy", "save", "check", "checked", "seed"):
        parser.add_argument(f"--{name}", type=type(getattr(Plan, name)), default=getattr(Plan, name), help="see Plan")
    options = parser.parse_args(arguments)
    torch.set_num_threads(options.threads)
    size = SIZES[options.size]
    size = replace(size, batch=options.batch or size.batch, rate=options.rate or size.rate)
    names = ("hours", "steps", "round", "drill", "first", "easy", "save", "check", "checked", "seed")

    def say(line: str) -> None:
        print(f"{time.strftime('%H:%M:%S')} {line}", flush=True)
    try:
        if options.export:
            export(options.out, options.export)
            return 0
        if options.figures:
            for what, found in figures(options.out, HELD_OUT, options.figures).items():
                say(f"{what}: {told(found)}")
            return 0
        source = from_file(options.data) if options.data else composed
        if not (options.out / "tokenizer.json").is_file():
            more = [line for path in options.texts for line in path.read_text("utf-8").splitlines()]
            tokens.make([*texts(source, 4_000, options.seed), *more], options.out, size.vocabulary)
        plan = Plan(wired=not options.unwired, **{name: getattr(options, name) for name in names})
        held = None if options.data else HELD_OUT
        stop = threading.Event()
        signal.signal(signal.SIGTERM, lambda *_: stop.set())
        train(options.out, size, plan, source, held=held, resume=options.resume, pause=options.pause, pieces=options.pieces, stop=stop, say=say)
    except TwinError as error:
        say(f"{error.message} {error.hint}")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
