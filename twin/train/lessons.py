"""What the talker learns from, and how well it copies: exchanges and drills as batches of tokens, and figures on exchanges it has never seen."""
from __future__ import annotations

import json
import random
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

from . import compose, tokens
from .compose import abstains
from .transformer import Talker

if TYPE_CHECKING:
    from tokenizers import Tokenizer

UNKNOWN = "unknown"                                      # the kind of exchange that has to be answered by not knowing
COPIED = ("fact", "follow_up", "suggestion", "inference")     # kinds whose answers take something from a fact
Source = Callable[[int, int, str], Iterable[Any]]        # how many, seed, language -> exchanges (tokens.Exchange)


@dataclass(frozen=True)
class Learnt:
    """A talk as tokens; those that are `said` are what the loss is on, the rest is read."""
    ids: list[int]
    said: list[bool]


def composed(n: int, seed: int, language: str, held: bool = False) -> Iterator[Any]:
    """Exchanges of twin/train/compose, with `values`: what their answers take from the fact."""
    for made in compose.composed(n, seed, language, held):
        yield SimpleNamespace(**vars(made.exchange), values=made.answer)


def kept(n: int, seed: int, language: str) -> Iterator[Any]:
    """Of topics that are never learnt from."""
    return composed(n, seed, language, held=True)


def from_file(path: Path) -> Source:
    """JSON lines with the composer's fields; the same ones in every round."""
    default = {"before": (), "name": "", "source": None, "kind": COPIED[0]}
    rows = [SimpleNamespace(**{**default, **json.loads(line)}) for line in path.read_text("utf-8").splitlines() if line.strip()]
    return lambda n, seed, language: [row for row in rows if row.language == language][:n]


def source_of(exchange: Any) -> str:
    """The fact that answers, or ""."""
    return "" if exchange.source is None else exchange.facts[exchange.source]


def drilled(tokenizer: Tokenizer, chance: random.Random) -> Learnt:
    """A drill in copying: facts of random tokens, the beginnings of some asked for, the rest of each answered; or the only one said again. No language
    helps here, so what lowers the loss is to find what stood behind the same tokens before: an induction head (arxiv.org/abs/2209.11895). It meets every
    token of the vocabulary, also those of names that no exchange holds."""
    fact, user, twin, end = (tokens.number(tokenizer, mark) for mark in (tokens.FACT, tokens.USER, tokens.TWIN, tokens.END))
    few, size = len(tokens.MARKS), tokenizer.get_vocab_size()
    facts = [[chance.randrange(few, size) for _ in range(chance.randint(4, 12))] for _ in range(chance.choice((1, 1, 2, 3, 4, 5)))]
    ids = [i for own in facts for i in (fact, *own)]
    said = [False] * len(ids)
    for one in chance.sample(facts, min(3, len(facts))):
        asked = [user, *(one[:2] if len(facts) > 1 else []), twin]
        answer = [*one[len(asked) - 2:], end]
        ids, said = ids + asked + answer, said + [False] * len(asked) + [True] * len(answer)
    return Learnt(ids, said)


def learnt(tokenizer: Tokenizer, exchange: Any) -> Learnt:
    parts = [(tokens.given(exchange.name, facts_of(exchange), exchange.before), False), (tokens.asked(exchange.ask), False), (tokens.said(exchange.say), True)]
    return Learnt(*tokens.encode(tokenizer, parts))


def batches(rows: list[Learnt], most: int, chance: random.Random) -> list[list[Learnt]]:
    """Rows of like length together, so that little is padding; `most` tokens each with the padding; in random order."""
    found: list[list[Learnt]] = [[]]
    longest = 0
    for row in sorted(rows, key=lambda row: len(row.ids) + 6 * chance.random()):
        longest = max(longest, len(row.ids))
        if found[-1] and (len(found[-1]) + 1) * longest > most:
            found.append([])
            longest = len(row.ids)
        found[-1].append(row)
    chance.shuffle(found)
    return found


def tensors(rows: Sequence[Learnt], pad: int) -> tuple[Tensor, Tensor, Tensor]:
    """-> ids int64 (B, T), where the next token is learnt bool (B, T), and those next tokens int64 (n,)."""
    length = max(len(row.ids) for row in rows) - 1
    ids = torch.tensor([row.ids[:-1] + [pad] * (length + 1 - len(row.ids)) for row in rows])
    where = torch.tensor([row.said[1:] + [False] * (length + 1 - len(row.ids)) for row in rows])
    return ids, where, torch.tensor([i for row in rows for i, own in zip(row.ids, row.said) if own])


# How well it copies.

def check(say: Callable[[Any], str], held: Source, count: int, seed: int = 0) -> dict[str, dict[str, float]]:
    """Answers of `say` to `count` exchanges of each language -> for each kind, as "en fact": `right`, the share that holds what the right answer takes from
    its fact (of kind UNKNOWN: that abstains); `exact`, the share that is the right answer to the letter; `n`, how many there were."""
    marks: dict[str, list[tuple[bool, bool]]] = {}
    for language in ("zh", "en"):
        for exchange in held(count, seed, language):
            if exchange.kind == UNKNOWN or exchange.kind in COPIED:
                said = say(exchange)
                right = abstains(said, language) if exchange.kind == UNKNOWN else holds(said, exchange)
                marks.setdefault(f"{language} {exchange.kind}", []).append((right, said == exchange.say.strip()))
    return {kind: {"right": round(sum(right for right, _ in own) / len(own), 3), "exact": round(sum(exact for _, exact in own) / len(own), 3), "n": len(own)}
            for kind, own in sorted(marks.items())}


def told(figures: dict[str, dict[str, float]]) -> str:
    return "  ".join(f"{kind} {own['right']:.2f} ({own['exact']:.2f} to the letter, {own['n']})" for kind, own in figures.items())


def facts_of(exchange: Any) -> list[str]:
    """What it is given in use: the fact that was read to answer; where none does, none."""
    return [source] if (source := source_of(exchange)) else []


def answering(net: Talker, tokenizer: Tokenizer) -> Callable[[Any], str]:
    """What a network says to an exchange: the likeliest tokens."""
    end = tokens.number(tokenizer, tokens.END)

    def say(exchange: Any) -> str:
        given = tokenizer.encode(tokens.prompt(exchange.name, facts_of(exchange), exchange.before, exchange.ask), add_special_tokens=False).ids
        return tokenizer.decode(net.reply(given, end)).strip()
    return say


def holds(said: str, exchange: Any) -> bool:
    """Whether `said` holds the values that the right answer takes from its fact, and doesn't abstain."""
    values = getattr(exchange, "values", None) or carried(exchange)
    return all(value.lower() in said.lower() for value in values) and not abstains(said, exchange.language)


def carried(exchange: Any) -> list[str]:
    """What an answer takes from its fact and not from the question: numbers, long or capital words; in Chinese, stretches of two characters or more."""
    from difflib import SequenceMatcher
    source, say, ask = source_of(exchange), exchange.say, exchange.ask.lower()
    if exchange.language == "zh":
        blocks = SequenceMatcher(None, source, say, autojunk=False).get_matching_blocks()
        found = [source[b.a:b.a + b.size].strip("，。！？、的是在我了") for b in blocks]
        return [piece for piece in found if len(piece) > 1 and piece not in ask]
    words = [word.strip(".,!?;:'\"") for word in source.split()]
    telling = [word for word in words if len(word) > 3 or word[:1].isdigit() or word[:1].isupper() and word != "I"]
    return [word for word in telling if word in say and word.lower() not in ask]
