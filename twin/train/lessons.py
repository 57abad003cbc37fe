"""What the talker learns from, and how well it copies: exchanges and drills as batches of tokens, and figures on exchanges it has never seen."""
from __future__ import annotations

import json
import random
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

from . import tokens
from .transformer import Talker

if TYPE_CHECKING:
    from tokenizers import Tokenizer

UNKNOWN = "unknown"                                      # the kind of exchange that has to be answered by not knowing
COPIED = ("fact", "follow_up", "suggestion", "inference")     # kinds whose answers take something from a fact
Source = Callable[[int, int, str], Iterable[Any]]        # how many, seed, language -> exchanges (tokens.Exchange)


@dataclass(frozen=True)
class Learnt:
    """One exchange as tokens: the first `given` are read, the rest is what the loss is on."""
    ids: list[int]
    given: int


def composed(n: int, seed: int, language: str) -> Iterable[Any]:
    """Exchanges of twin/train/compose, with `values`: what their answers take from the fact."""
    from .compose import exchanges
    for made in exchanges.composed(n, seed, language):
        yield SimpleNamespace(**vars(made.exchange), values=made.answer)


def from_file(path: Path) -> Source:
    """JSON lines with the composer's fields; the same ones in every round."""
    default = {"before": (), "name": "", "source": None, "kind": COPIED[0]}
    rows = [SimpleNamespace(**{**default, **json.loads(line)}) for line in path.read_text("utf-8").splitlines() if line.strip()]
    return lambda n, seed, language: [row for row in rows if row.language == language][:n]


def source_of(exchange: Any) -> str:
    """The fact that answers, or ""."""
    return "" if exchange.source is None else exchange.facts[exchange.source]


def drilled(tokenizer: Tokenizer, chance: random.Random) -> Learnt:
    """A drill in copying: facts of random tokens, the beginning of one asked for, the rest of it answered; or the only one said again. No language helps
    here, so what lowers the loss is to find what stood behind the same tokens before: an induction head (arxiv.org/abs/2209.11895). It meets every token
    of the vocabulary, also those of names that no exchange holds."""
    fact, user, twin, end = (tokens.number(tokenizer, mark) for mark in (tokens.FACT, tokens.USER, tokens.TWIN, tokens.END))
    few, size = len(tokens.MARKS), tokenizer.get_vocab_size()
    facts = [[chance.randrange(few, size) for _ in range(chance.randint(4, 12))] for _ in range(chance.choice((1, 1, 2, 3, 4, 5)))]
    one = chance.choice(facts)
    asked = one[:2] if len(facts) > 1 else []
    ids = [i for own in facts for i in (fact, *own)] + [user, *asked, twin]
    return Learnt([*ids, *one[len(asked):], end], len(ids))


def learnt(tokenizer: Tokenizer, exchange: Any, chance: random.Random, most: int) -> Learnt:
    """`most`: facts that are left, the one that answers among them, so that it can begin with few. Their order is by chance."""
    source = source_of(exchange)
    kept = [fact for fact in exchange.facts if fact != source]
    chance.shuffle(kept)
    kept = kept[:most - bool(source)] + [source] * bool(source)
    chance.shuffle(kept)
    return Learnt(*tokens.encode(tokenizer, tokens.prompt(exchange.name, kept, exchange.before, exchange.ask), exchange.say))


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
    at = torch.arange(length)
    given, end = (torch.tensor(counts)[:, None] - 1 for counts in ([row.given for row in rows], [len(row.ids) for row in rows]))
    return ids, (at >= given) & (at < end), torch.tensor([i for row in rows for i in row.ids[row.given:]])


# How well it copies.

def check(net: Talker, tokenizer: Tokenizer, held: Source, count: int, seed: int = 0) -> dict[str, dict[str, float]]:
    """Greedy answers to `count` exchanges of each language -> for each kind, as "en fact": `right`, the share that holds what the right answer takes from
    its fact (of kind UNKNOWN: that abstains); `exact`, the share that is the right answer to the letter; `n`, how many there were."""
    end = tokens.number(tokenizer, tokens.END)
    marks: dict[str, list[tuple[bool, bool]]] = {}
    for language in ("zh", "en"):
        for exchange in held(count, seed, language):
            if exchange.kind == UNKNOWN or exchange.kind in COPIED:
                said = answered(net, tokenizer, exchange, end)
                right = abstains(said, language) if exchange.kind == UNKNOWN else holds(said, exchange)
                marks.setdefault(f"{language} {exchange.kind}", []).append((right, said == exchange.say.strip()))
    return {kind: {"right": round(sum(right for right, _ in own) / len(own), 3), "exact": round(sum(exact for _, exact in own) / len(own), 3), "n": len(own)}
            for kind, own in sorted(marks.items())}


def answered(net: Talker, tokenizer: Tokenizer, exchange: Any, end: int) -> str:
    facts = list(exchange.facts)
    if len(facts) > tokens.MOST:                         # as in use: the one that answers is among those handed over
        source = source_of(exchange)
        facts = [fact for n, fact in enumerate(facts) if fact == source or n < tokens.MOST - 1][:tokens.MOST]
    given = tokenizer.encode(tokens.prompt(exchange.name, facts, exchange.before, exchange.ask), add_special_tokens=False).ids
    return tokenizer.decode(net.reply(given, end)).strip()


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


_NOT = {"en": ("don't know", "do not know", "not sure", "no idea", "can't say", "can't tell", "couldn't say", "couldn't tell", "been told", "never told",
               "wasn't told", "isn't something i", "not something i", "nothing i know"),
        "zh": ("不知道", "不清楚", "不了解", "没听说", "说不上", "说不好", "说不准", "没告诉", "没有告诉", "不确定", "没有提", "没提", "答不上",
               "不太清楚", "不晓得")}


def abstains(text: str, language: str) -> bool:
    low = text.lower().replace("’", "'")
    return any(phrase in low for phrase in _NOT[language])
