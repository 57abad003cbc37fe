"""`python -m twin.train.cross [--hours H] [--out FILE] [--begin FILE] [--all]`: learns which fact answers a question -> assets/weights/cross.safetensors.

From reading/: cards written by hand, each with some twenty facts; of each fact, what it answers, what comes near it and isn't answered, and what somebody asks
on. A softmax over some facts of the card and "none of them"; of the facts, those of which the plain sentence model thinks best come first. What is trained are
low-rank changes (arxiv.org/abs/2106.09685) of the sentence model's upper layers, in which a question's tokens attend to a fact's; twin/think/cross.py runs
them. Chinese characters have states of their own: first learned from the dictionary, so that a word's characters come to what the sentence model makes of its
English, then with the rest. One card in nine is held out (--all: none), and measured with. Pieces of the exams are not learned from (compose/heldout.py).
"""
from __future__ import annotations

import argparse
import math
import sys
import time
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from hashlib import md5
from pathlib import Path
from random import Random

import numpy as np
import torch
import torch.nn.functional as F
from safetensors.torch import load_file, save_file
from torch import Tensor, nn

from persona.gloss import gloss
from persona.match import hangs
from persona.words import normal, simplify
from twin.think import embed
from twin.think.cross import BEFORE, CHARACTERS, FACT, FILE, HEAD, MOST, parted, placed

from .compose.heldout import allowed

READING = Path(__file__).parent / "reading"
WIDE, HEADS, LAYERS, LOW = embed.HIDDEN, embed.HEADS, embed.LAYERS, embed.LOW
RANK, DROP = 32, 0.1
NARROW, UNSEEN = 96, 0.01                                # numbers a character has of its own; share of them that is left out of a step
RATE, ASKED, FACTS = 8e-4, 32, 7                         # a step: questions of one card, facts that each is read with
AFTER = 0.35                                             # questions that come after something that has nothing to do with them
EVERY = 600.0                                            # seconds between two measures
SCALE = 4.0                                              # of the head, so that it learns at the pace of the rest


# what is read -------------------------------------------------------------------------------------------------------------------------

@dataclass(frozen=True)
class Asked:
    """`how`: asked, follow (after `before` was said), unknown, unfollow. `right`: facts that answer, by number."""
    how: str
    text: str
    before: str = ""
    right: tuple[int, ...] = ()


@dataclass(frozen=True)
class Card:
    name: str
    language: str
    facts: tuple[str, ...]
    asked: tuple[Asked, ...]

    @property
    def held_out(self) -> bool:
        return int(md5(self.name.encode(), usedforsecurity=False).hexdigest(), 16) % 9 == 0


HOW = {"?": "asked", ">": "follow", "-": "unknown", "~": "unfollow"}


def cards(language: str, folder: Path = READING) -> list[Card]:
    """Of reading/LANGUAGE/*.txt, whose README says how they are written. Raises ValueError with file and line."""
    return [card for path in sorted((folder / language).glob("*.txt")) for card in _cards(path, language)]


def _cards(path: Path, language: str) -> Iterator[Card]:
    name, facts, rows = "", list[str](), list[tuple[str, str, int]]()

    def done() -> Iterator[Card]:
        if facts:
            yield Card(f"{path.name} {name}", language, tuple(facts), tuple(_asked(*row, facts) for row in rows))

    for number, line in enumerate(path.read_text("utf-8").splitlines(), 1):
        kind, text = line[:1], line[2:].strip()
        if not line.strip():
            continue
        if kind == "=":
            yield from done()
            name, facts, rows = text, [], []
        elif kind == "*":
            facts.append(text)
        elif kind in HOW and facts:
            rows.append((kind, text, len(facts) - 1))
        else:
            raise ValueError(f"{path.name}:{number}: a line begins with = * ? > - or ~, and a question stands below its fact: {line[:60]!r}")
    yield from done()


def _asked(kind: str, text: str, at: int, facts: Sequence[str]) -> Asked:
    right: tuple[int, ...] = (at,) if kind in "?>" else ()
    for sign, also in ((" + ", right), (" = ", ())):
        head, found, begins = text.rpartition(sign)
        other = next((n for n, fact in enumerate(facts) if fact.lower().startswith(begins.lower())), None) if found and kind in "?>" else None
        if other is not None:
            text, right = head.strip(), (*also, other)
    return Asked(HOW[kind], text, facts[at] if kind in ">~" else "", right)


# the network --------------------------------------------------------------------------------------------------------------------------

class Linear(nn.Module):
    """A matrix of the sentence model, which stays, and a low-rank change of it."""

    def __init__(self, weight: Tensor, bias: Tensor, rank: int):
        super().__init__()
        self.weight, self.bias = weight, bias
        if rank:
            self.a = nn.Parameter(torch.randn(rank, weight.shape[1]) / math.sqrt(weight.shape[1]))
            self.c = nn.Parameter(torch.zeros(weight.shape[0], rank))
        self.rank = rank

    def forward(self, x: Tensor) -> Tensor:
        y = F.linear(x, self.weight, self.bias)
        return y + F.linear(F.linear(x, self.a), self.c) if self.rank else y


Read = tuple[Tensor, Tensor, Tensor]                     # keys and values (b, HEADS, u, HEAD), mask (b, u)


class Layer(nn.Module):
    def __init__(self, weights: dict[str, Tensor], n: int, rank: int):
        super().__init__()

        def linear(name: str) -> Linear:
            return Linear(weights[f"encoder.layer.{n}.{name}.weight"], weights[f"encoder.layer.{n}.{name}.bias"], rank)

        def norm(name: str) -> nn.LayerNorm:
            made = nn.LayerNorm(WIDE, eps=embed.EPSILON)
            made.load_state_dict({part: weights[f"encoder.layer.{n}.{name}.LayerNorm.{part}"] for part in ("weight", "bias")})
            return made.requires_grad_(bool(rank))

        self.q, self.k, self.v = (linear(f"attention.self.{part}") for part in ("query", "key", "value"))
        self.o, self.i, self.f = (linear(name) for name in ("attention.output.dense", "intermediate.dense", "output.dense"))
        self.n1, self.n2 = norm("attention.output"), norm("output")
        self.mark = nn.Parameter(torch.zeros(WIDE), requires_grad=bool(rank))     # added to a fact's states where a question reads them

    def told(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Keys and values of facts, as a question reads them."""
        return split(self.k(x + self.mark)), split(self.v(x + self.mark))

    def forward(self, x: Tensor, mask: Tensor, read: Read | None = None) -> Tensor:
        keys, values = split(self.k(x)), split(self.v(x))
        if read:
            keys, values, mask = torch.cat([keys, read[0]], 2), torch.cat([values, read[1]], 2), torch.cat([mask, read[2]], 1)
        mixed = F.scaled_dot_product_attention(split(self.q(x)), keys, values, attn_mask=mask[:, None, None, :].expand(-1, 1, x.shape[1], -1))
        x = self.n1(x + F.dropout(self.o(mixed.transpose(1, 2).flatten(2)), DROP, self.training))
        return self.n2(x + F.dropout(self.f(F.gelu(self.i(x))), DROP, self.training))


def begun(held: Mapping[str, Tensor]) -> Net:
    """A network with what was learned before, or with some of it."""
    net = Net(embed.find(), codes=held["characters.codes"].tolist() if "characters.codes" in held else codes())
    net.load_state_dict({name: value if name.endswith("codes") else value.float() for name, value in held.items()}, strict=False)
    return net


def split(x: Tensor) -> Tensor:
    return x.view(*x.shape[:2], HEADS, HEAD).transpose(1, 2)


def mean(x: Tensor, mask: Tensor) -> Tensor:
    return (x * mask[..., None]).sum(1) / mask.sum(1, keepdim=True)


class Characters(nn.Module):
    """Of Chinese characters, what stands in for the lower layers; twin/think/cross.py computes the same."""

    def __init__(self, codes: Sequence[int]):
        super().__init__()
        self.codes: Tensor
        self.register_buffer("codes", torch.tensor(codes, dtype=torch.int32))
        self.rows = nn.Parameter(torch.randn(len(codes) + 1, NARROW) * 0.3)
        self.mix = nn.Linear(3 * NARROW, WIDE)
        self.places = nn.Parameter(torch.zeros(BEFORE + CHARACTERS, WIDE))
        self.norm = nn.LayerNorm(WIDE, eps=embed.EPSILON)

    def forward(self, rows: Tensor, where: Tensor) -> Tensor:
        """(n, 3) characters with their neighbours, (n,) where each stands -> (n, WIDE)"""
        held = self.rows * (torch.rand(len(self.rows), 1) > UNSEEN) if self.training else self.rows
        return self.norm(self.mix(F.embedding(rows, held).flatten(1)) + F.embedding(where, self.places))


class Net(nn.Module):
    """The upper layers; the lower ones stay as they are, and what they make of a text is made once."""

    def __init__(self, source: Path, rank: int = RANK, codes: Sequence[int] = ()):
        super().__init__()
        self.characters = Characters(codes)
        weights = {name: value.float() for name, value in load_file(source / "model.safetensors").items()}
        self.layers = nn.ModuleDict({str(n): Layer(weights, n, rank) for n in range(LOW, LAYERS)})
        self.lower = {part: weights[f"encoder.layer.{LOW - 1}.output.LayerNorm.{part}"] for part in ("weight", "bias")}
        last, self.null = nn.Linear(128, 1), nn.Linear(WIDE, 1)
        self.head = nn.Sequential(nn.Linear(3 * WIDE, 128), nn.GELU(), last)
        for part in (last, self.null):
            nn.init.zeros_(part.weight)
            nn.init.zeros_(part.bias)
        self.near, self.base = nn.Parameter(torch.tensor(14.0)), nn.Parameter(torch.tensor(0.35))     # how far cosines tell at the start

    def each(self) -> list[Layer]:
        return [layer for layer in self.layers.values() if isinstance(layer, Layer)]

    def alone(self, x: Tensor, mask: Tensor) -> tuple[list[tuple[Tensor, Tensor]], Tensor]:
        """(keys and values of each layer, as a question reads them; the mean of the states)"""
        told = []
        for layer in self.each():
            told.append(layer.told(x))
            x = layer(x, mask)
        return told, mean(x, mask)

    def forward(self, x: Tensor, mask: Tensor, told: list[tuple[Tensor, Tensor]], there: Tensor, alone: Tensor, facts: Tensor) -> Tensor:
        """(pairs,): how well each fact answers. x, mask: of each pair's question; told, there, facts: of its fact; alone: the question's own mean."""
        for layer, (keys, values) in zip(self.each(), told, strict=True):
            x = layer(x, mask, (keys, values, there))
        near = F.cosine_similarity(alone, facts)
        seen = torch.cat([mean(x, mask), alone * facts, (alone - facts).abs()], 1)
        return self.near * (near - self.base) + SCALE * self.head(F.dropout(seen, DROP, self.training))[:, 0]

    def kept(self) -> dict[str, Tensor]:
        """What twin/think/cross.py needs beside the sentence model."""
        return {name: (value if name.endswith("codes") else value.half()).detach().contiguous() for name, value in self.state_dict().items()}


# training -----------------------------------------------------------------------------------------------------------------------------

@dataclass(frozen=True)
class Text:
    """States after the lower layers (t, WIDE); characters with their neighbours (n, 3), and where each stands (n,)."""
    low: Tensor
    rows: Tensor
    where: Tensor

    def __len__(self) -> int:
        return len(self.low) + len(self.rows)


class Texts:
    """Texts after the lower layers, each made once."""

    def __init__(self, embedder: embed.Embedder, characters: Characters):
        self.embedder, self.made, self.characters = embedder, dict[tuple[str, str], Text](), characters
        self.known = {chr(int(code)): n for n, code in enumerate(characters.codes, 1)}

    def put(self, text: str, language: str) -> str:
        return (normal(text, "en") if language == "en" else english(text)) or "-"

    def whole(self, text: str, language: str) -> str:
        """As persona/match.py hands it in."""
        return self.put(text, language) + ("" if language == "en" else f"\n{simplify(text)}")

    def of(self, text: str, before: str = "") -> Text:
        if (text, before) not in self.made:
            (own, behind), (last, ago) = parted(text), parted(before)
            low = torch.from_numpy(self.embedder.states(own, last)[0][:MOST if before else FACT]).half()
            self.made[text, before] = Text(low, *map(torch.from_numpy, placed(behind, ago, self.known)))
        return self.made[text, before]

    def stack(self, made: Sequence[Text]) -> tuple[Tensor, Tensor]:
        x, mask = torch.zeros(len(made), max(map(len, made)), WIDE), torch.zeros(len(made), max(map(len, made)), dtype=torch.bool)
        rows, where = torch.cat([one.rows for one in made]), torch.cat([one.where for one in made])
        own = self.characters(rows, where) if len(rows) else torch.zeros(0, WIDE)
        spots: list[tuple[int, int]] = []
        for n, one in enumerate(made):
            x[n, :len(one.low)], mask[n, :len(one)] = one.low.float(), True
            spots += [(n, len(one.low) + k) for k in range(len(one.rows))]
        if spots:
            at = torch.tensor(spots)
            x = x.index_put((at[:, 0], at[:, 1]), own)
        return x, mask


@cache
def english(text: str) -> str:
    return gloss().english(text)


def scored(net: Net, texts: Texts, card: Card, asked: Sequence[Asked], some: Tensor) -> Tensor:
    """(questions, k + 1): of each question the facts `some` (questions, k) by number, and none. Questions of like length are read together."""
    x, there = texts.stack([texts.of(texts.whole(fact, card.language)) for fact in card.facts])
    told, facts = net.alone(x, there)
    made = [texts.of(texts.whole(one.text, card.language), texts.whole(one.before, card.language) if one.before and hangs(one.text, card.language) else "")
            for one in asked]
    order = sorted(range(len(made)), key=lambda n: len(made[n]))
    found: list[Tensor] = []
    while len(found) < len(order):
        first = len(made[order[len(found)]])
        part = [n for n in order[len(found):] if len(made[n]) <= first + 4]
        x, mask = texts.stack([made[n] for n in part])
        _, alone = net.alone(x, mask)
        which, whose = some[part].reshape(-1), torch.arange(len(part)).repeat_interleave(some.shape[1])
        longest = int(there[which].sum(1).max())
        of_these = [(keys[which][:, :, :longest], values[which][:, :, :longest]) for keys, values in told]
        read = net(x[whose], mask[whose], of_these, there[which][:, :longest], alone[whose], facts[which])
        found += torch.cat([read.view(len(part), -1), net.null(alone)], 1)
    return torch.stack(found)[torch.tensor(order).argsort()]


def nearest(texts: Texts, card: Card) -> np.ndarray:
    """(questions, facts): of each question the facts as the plain sentence model ranks them, best first."""
    own = texts.embedder.embed([texts.put(fact, card.language) for fact in card.facts])
    return np.argsort(-texts.embedder.embed([texts.put(one.text, card.language) for one in card.asked]) @ own.T, axis=1)


def chosen(right: Sequence[int], near: Sequence[int], most: int, rng: Random) -> list[int]:
    """Facts that a question is read with: what answers, the nearest others, and some of the rest."""
    others = [int(n) for n in near if n not in right]
    hard = others[:max(1, (most - len(right)) // 2)]
    return [*right, *hard, *rng.sample(others[len(hard):], most - len(right) - len(hard))]


def codes(most: int = 5200) -> list[int]:
    """The characters that are told apart: those of reading/, and of the dictionary's words that are said the most."""
    often: Counter[str] = Counter()
    for word, weight, _ in entries():
        often.update(dict.fromkeys(word, math.exp(weight)))
    mine = {one for path in (READING / "zh").glob("*.txt") for one in simplify(path.read_text("utf-8")) if "\u3400" <= one <= "\u9fff"}
    return sorted(ord(one) for one in [*mine, *(one for one, _ in often.most_common() if one not in mine)][:most])


@cache
def entries(longest: int = 4) -> list[tuple[str, float, str]]:
    """(word, log of how often, English) of the dictionary, those said the most first."""
    rows = [line.split("\t", 2) for line in gloss().blob.decode().splitlines() if line]
    return sorted(((word, float(often), english) for word, often, english in rows if english and len(word) <= longest), key=lambda row: -row[1])


def means(embedder: embed.Embedder, texts: Sequence[str]) -> np.ndarray:
    """(n, WIDE): of each text the mean of its tokens' states after the lower layers, without the first and the last; those of like length together."""
    ids = [word.ids for word in embedder.tokenizer.encode_batch(list(texts))]
    pad = embedder.tokenizer.token_to_id("[PAD]")
    own = [[i for i in row if i != pad] for row in ids]
    found = np.zeros((len(texts), WIDE), np.float32)
    by = sorted(range(len(own)), key=lambda n: len(own[n]))
    while by:
        some = [n for n in by[:256] if len(own[n]) == len(own[by[0]])]
        by = by[len(some):]
        put = np.array([own[n] for n in some], np.int64)
        found[some] = embedder.session.run(["low"], {"input_ids": put, "mask": np.ones_like(put, np.int32)})[0][:, 1:-1].mean(1)
    return found


def learn_characters(net: Net, texts: Texts, minutes: float, rng: Random, most: int = 50_000) -> None:
    """So that a word's characters come to what the lower layers make of its English, on average over each."""
    rows = entries()[:most]
    parts = [placed(word, "", texts.known) for word, _, _ in rows]
    longest = max(len(where) for _, where in parts)
    held = torch.zeros(len(rows), longest, 3, dtype=torch.long)
    mask = torch.zeros(len(rows), longest)
    for n, (own, _) in enumerate(parts):
        held[n, :len(own)], mask[n, :len(own)] = torch.from_numpy(own), 1
    wanted = torch.from_numpy(means(texts.embedder, [english for _, _, english in rows]))
    where = torch.arange(BEFORE, BEFORE + longest)
    with torch.no_grad():
        net.characters.norm.load_state_dict(net.lower)
        net.characters.mix.bias.copy_(wanted.mean(0))
    adam, began, step, losses = torch.optim.AdamW(net.characters.parameters(), lr=2e-3), time.monotonic(), 0, list[float]()
    net.train()
    while (done := (time.monotonic() - began) / (60 * minutes)) < 1:
        adam.param_groups[0]["lr"] = 2e-3 * (1 - done)
        some = torch.tensor(rng.sample(range(len(rows)), 512))
        own = net.characters(held[some].flatten(0, 1), where.repeat(len(some))).view(len(some), longest, WIDE)
        mean = (own * mask[some, :, None]).sum(1) / mask[some].sum(1, keepdim=True)
        loss = F.mse_loss(mean, wanted[some]) / wanted.var(0).mean()
        adam.zero_grad()
        loss.backward()
        adam.step()
        step, losses = step + 1, [*losses[-99:], loss.item()]
    print(f"characters of {len(rows)} words: {step} steps, {np.mean(losses):.3f} of the variance left", file=sys.stderr, flush=True)


def train(net: Net, texts: Texts, given: Sequence[Card], held: Sequence[Card], out: Path, hours: float, rng: Random, steps: float = math.inf,
          rate: float = RATE) -> None:
    """For so long, or so many steps; what was learned is written at each measure, and at the end."""
    wide = [p for name, p in net.named_parameters() if p.requires_grad and p.dim() == 2 and "layers" in name]
    rest = [p for name, p in net.named_parameters() if p.requires_grad and not (p.dim() == 2 and "layers" in name)]
    adam = torch.optim.AdamW([{"params": wide, "weight_decay": 0.01}, {"params": rest, "weight_decay": 0.0}], lr=RATE, betas=(0.9, 0.98))
    near: dict[str, np.ndarray] = {}
    began = measured = time.monotonic()
    round_: list[Card] = []
    step, losses = 0, list[float]()
    net.train()
    while (done := max((time.monotonic() - began) / (3600 * hours), step / steps)) < 1:
        for group in adam.param_groups:
            group["lr"] = rate * min(1, (step + 1) / 40) * (1 - done)
        round_ = round_ or rng.sample(given, len(given))
        card = round_.pop()
        if card.name not in near:
            near[card.name] = nearest(texts, card)
        numbers = rng.sample(range(len(card.asked)), min(ASKED, len(card.asked)))
        most = min(FACTS, len(card.facts))
        asked, some = [], []
        for n in numbers:
            one = card.asked[n]
            if not one.before and rng.random() < AFTER:
                one = Asked(one.how, one.text, rng.choice(card.facts), one.right)
            asked.append(one)
            some.append(chosen(one.right[:2], near[card.name][n], most, rng))
        scores = torch.log_softmax(scored(net, texts, card, asked, torch.tensor(some)), 1)
        loss = -torch.stack([torch.logsumexp(row[[k for k in range(most) if picked[k] in one.right] or [most]], 0)
                             for row, one, picked in zip(scores, asked, some, strict=True)]).mean()
        adam.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_([*wide, *rest], 1.0)
        adam.step()
        step += 1
        losses.append(loss.item())
        if time.monotonic() - measured > EVERY:
            measured = time.monotonic()
            print(f"{step} steps, {(measured - began) / 60:.0f} min, loss {np.mean(losses[-100:]):.3f}", file=sys.stderr, flush=True)
            measure(net, texts, held, rng)
            save_file(net.kept(), out)
    save_file(net.kept(), out)


@torch.no_grad()
def measure(net: Net, texts: Texts, held: Sequence[Card], rng: Random, most: int = 28) -> None:
    """Of questions to cards that were not learned from: how often the right fact is first, and what is answered and what not."""
    net.eval()
    for language in ("en", "zh"):
        first, told, none = list[bool](), list[float](), list[float]()
        for card in (one for one in held if one.language == language):
            asked = rng.sample(card.asked, min(most, len(card.asked)))
            scores = scored(net, texts, card, asked, torch.arange(len(card.facts)).expand(len(asked), -1))
            for one, row in zip(asked, scores.numpy(), strict=True):
                margin = float(row[:-1].max() - row[-1])
                first += [int(row[:-1].argmax()) in one.right] if one.right else []
                (told if one.right else none).append(margin)
        if told and none:
            better = np.mean(np.array(told)[:, None] > np.array(none)[None])
            answered = np.mean([good and margin > 0 for good, margin in zip(first, told, strict=True)])
            unknown = np.mean(np.array(none) <= 0)
            print(f"  {language}: the right fact first {np.mean(first):.3f}, answerable against not {better:.3f}; answered {answered:.3f}, "
                  f"not known {unknown:.3f}", file=sys.stderr, flush=True)
    net.train()


def main(argv: list[str] | None = None) -> int:
    ask = argparse.ArgumentParser(prog="python -m twin.train.cross", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    ask.add_argument("--hours", type=float, default=1.0)
    ask.add_argument("--out", type=Path, default=FILE)
    ask.add_argument("--begin", type=Path, help="go on from what was learned before")
    ask.add_argument("--all", action="store_true", help="learn from every card; nothing is left to measure with")
    ask.add_argument("--rate", type=float, default=RATE, help="at the beginning; half of it is enough to go on from what was learned")
    ask.add_argument("--minutes", type=float, default=5.0, help="of them for characters, where none were learned before")
    ask.add_argument("--threads", type=int, default=2)
    given = ask.parse_args(argv)
    torch.manual_seed(0)
    torch.set_num_threads(given.threads)
    every = [Card(card.name, card.language, card.facts, tuple(one for one in card.asked if allowed(one.text, card.language)))
             for language in ("en", "zh") for card in cards(language) if all(allowed(fact, language) for fact in card.facts)]
    held = load_file(given.begin) if given.begin else {}
    net = begun(held)
    texts = Texts(embed.Embedder(), net.characters)
    if "characters.codes" not in held:
        learn_characters(net, texts, given.minutes, Random(0))
    held_out = [] if given.all else [card for card in every if card.held_out]
    learned = [card for card in every if card not in held_out]
    print(f"{len(learned)} cards with {sum(len(card.asked) for card in learned)} questions, {len(held_out)} held out", file=sys.stderr)
    train(net, texts, learned, held_out, given.out, given.hours, Random(0), rate=given.rate)
    measure(net, texts, held_out, Random(0), 60)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
