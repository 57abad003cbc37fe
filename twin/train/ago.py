"""`python -m twin.train.ago`: learns persona/ago.py's WEIGHTS and prints them, to be written there.

From talks put together of the cards of reading/ that nothing was learned from, the talks of tests/data/talk_dev that are there to tune on, with the right
replies as their history, and the cards of tests/data/persona_dev2. Upon the shares of persona/match.py, as it reads them.
"""
from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator, Sequence
from functools import partial
from pathlib import Path
from random import Random
from typing import Any

import numpy as np

from persona import ago, chat
from persona.ago import Ago
from persona.bare import called_in
from persona.card import Persona
from persona.fields import Fact
from persona.gloss import gloss
from persona.holding import Holding
from persona.lines import general
from persona.match import Match
from persona.repertoire import Repertoire
from persona.search import remembering
from twin.think.cross import CrossEncoder
from twin.train import cross as reading

TALKS, STEPS, DECAY, RATE = 2, 3000, 0.02, 0.1             # TALKS: of a card
SHARE = {"read": 0.5, "written": 1.0}
FOR = 0.2                                              # "I don't know" of what was told before is worse than a fact too many
AGAIN = {"en": ("Remind me: {0}", "{0} I forgot.", "Sorry, {0}", "So {0}", "{0} You told me before."),
         "zh": ("再问一下，{0}", "我忘了，{0}", "你刚才说过，{0}", "{0}来着？", "那{0}")}
Turn = dict[str, str]
Case = tuple[str, list[Turn], tuple[int, ...]]           # question, what was said before, which facts answer (none: ())


def read(card: reading.Card, rng: Random, remarks: Sequence[str]) -> list[Case]:
    """Of a card of reading/: what is asked after some of it was told; what is asked on from the fact told last, answered or not; remarks that ask nothing."""
    plain: dict[int, list[str]] = {}
    for one in card.asked:
        if one.how == "asked" and len(one.right) == 1:
            plain.setdefault(one.right[0], []).append(one.text)
    cases: list[Case] = []
    for last in rng.sample(list(plain), min(TALKS, len(plain))):
        told = [*rng.sample([n for n in plain if n != last], min(9, len(plain) - 1)), last]
        ways = {n: rng.sample(own, len(own)) for n, own in plain.items()}
        past = [turn for n in told for turn in ({"role": "user", "content": ways[n][0]}, {"role": "assistant", "content": card.facts[n]})]
        cases += [(one.text, past, one.right) for one in card.asked if one.before == card.facts[last]]
        for n in rng.sample([n for n in told if len(ways[n]) > 1], 4):
            again = ways[n][1]
            if rng.random() < 0.3:
                again = rng.choice(AGAIN[card.language]).format(again.rstrip("?？") if card.language == "zh" else again[:1].lower() + again[1:])
            cases.append((again, past, (n,)))
        cases += [(ways[n][0], past, (n,)) for n in rng.sample([n for n in plain if n not in told], min(4, len(plain) - len(told)))]
        cases += [(one.text, past, ()) for one in rng.sample([one for one in card.asked if one.how == "unknown"], 4)]
        cases.append((rng.choice(remarks), past, ()))
    return cases


def written(language: str) -> Iterator[tuple[dict, list[Case]]]:
    """The talks to tune on: what is asked, after the right replies."""
    from persona_dev import talks  # type: ignore[import-not-found]

    for row, _, lines, after in talks(language):
        past: list[Turn] = []
        cases: list[Case] = []
        for at, line in enumerate([*lines, *after]):
            if line.kind in ("", "+", "x", "xx"):
                cases.append((line.text, list(past), (line.fact - 1,) if line.fact else ()))
            if at < len(lines):
                reply = row["card"]["facts"][line.fact - 1] if line.fact else "I don't know that." if language == "en" else "这个我不知道。"
                past += [{"role": "user", "content": line.text}, {"role": "assistant", "content": reply}]
        if row["use"] == "tune":
            yield row["card"], cases


def carded(language: str, rng: Random) -> Iterator[tuple[dict, list[Case]]]:
    """The cards of tests/data/persona_dev2: each question after half of the others, follow-ups after their own."""
    import persona_dev  # type: ignore[import-not-found]

    for row in persona_dev.rows("persona_dev2", language):
        facts = row["card"]["facts"]
        asked = [(kind, before, text, tuple(n for n, fact in enumerate(facts) if wanted and persona_dev.fits(language, fact, wanted))[:1])
                 for kind, before, text, wanted in persona_dev.probes(row) if kind != "wrong"]
        cases: list[Case] = []
        for kind, before, text, right in asked:
            if kind != "unknown" and not right:
                continue
            plain = [one for one in asked if one[0] not in ("follow_up", "unknown") and one[3] and one[2] != text]
            past = [turn for _, _, said, told in rng.sample(plain, len(plain) // 2)
                    for turn in ({"role": "user", "content": said}, {"role": "assistant", "content": facts[told[0]]})]
            past += [{"role": "assistant" if at % 2 else "user", "content": line} for at, line in enumerate(before)]
            cases.append((text, past, right))
        yield row["card"], cases


def put(match: Match, text: str) -> str:
    return (match.put(text) or "-") + ("" if match.language == "en" else "?")


def main(argv: list[str] | None = None) -> None:
    from twin.think.embed import Embedder

    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--show", action="store_true", help="what it makes of each written question")
    args = parser.parse_args(argv)
    sys.path.insert(0, str(Path(__file__).parents[2] / "tests"))
    embedder = Embedder()
    embed, cross = remembering(embedder.embed), CrossEncoder(embedder).read
    for language in ("en", "zh"):
        rng, remarks = Random(7), [ask for line in general(language) for ask in line.ask if not chat.is_question(ask, language)]
        rows: list[Any] = [("read", [Fact(text, language, f"fact {n}") for n, text in enumerate(card.facts)], {}, read(card, rng, remarks))
                           for card in reading.cards(language) if card.held_out]
        for card, cases in (*written(language), *carded(language, rng)):
            room = Repertoire(Persona.parse(card), (), language, embed, None)
            rows.append(("written", list(room.facts), called_in(room), cases))
        examples: list[tuple[Any, ...]] = []
        for source, facts, called, cases in rows:
            holding = Holding(facts, language, called, lambda n: None)
            match = Match(holding, embed, str if language == "en" else gloss().english, None, cross)
            mine = Ago(holding, partial(put, match), embed)
            number = {one.source: n for n, one in enumerate(facts)}
            for text, past, right in cases:
                for turn in past[::2]:
                    mine.vector(turn["content"])
                mine.vector(text)
                judged = match._judge(text, tuple(turn["content"] for turn in past[-2:]))
                x, y = mine.features(text, mine.exchanges(past))
                base = np.zeros(len(facts) + 1)
                for one, share in judged.facts:
                    base[number[one.source]] = share
                base[-1] = judged.none
                gold = [number[f"fact {n}"] for n in right] or [len(facts)]
                if max(x.max(initial=0), y.max()) > 0:
                    examples.append((source, text, np.log(base + 1e-9), x, y, gold))
        fact, none = learned(examples)
        fact[0] += FOR
        print(f'    "{language}": (({", ".join(f"{w:.2f}" for w in fact)}), ({", ".join(f"{w:.2f}" for w in none)})),')
        for source in SHARE:
            some = [one for one in examples if one[0] == source]
            for name, (a, b) in (("before", (fact * 0, none * 0)), ("after", (fact, none))):
                good: dict[str, list[bool]] = {kind: [] for kind in ("told", "new", "none")}
                for _, text, base, x, y, gold in some:
                    scores = base + np.append(x @ a, y @ b)
                    best = int(scores[:-1].argmax())
                    sure = 1 / (1 + np.exp(scores[-1] - scores[best])) >= 0.45
                    kind = "none" if gold[0] == len(x) else "told" if x[gold[0], 0] else "new"
                    good[kind].append(sure and best in gold if kind != "none" else not sure)
                    if args.show and name == "after" and source == "written" and not good[kind][-1]:
                        print(f"  {kind}: {text}")
                print(f"  {source} {name}: " + ", ".join(f"{kind} {np.mean(rows):.3f} ({len(rows)})" for kind, rows in good.items()))


def learned(examples: Sequence[tuple[Any, ...]]) -> tuple[np.ndarray, np.ndarray]:
    """Weights of facts and of "none" that make the right ones likeliest: descent by Adam over all examples at once."""
    size = max(len(x) for _, _, _, x, *_ in examples)
    k, j = len(ago.FACT), len(ago.NONE)
    base = np.full((len(examples), size + 1), -30.0)
    xs, ys, right, much = np.zeros((len(examples), size, k)), np.zeros((len(examples), j)), np.zeros((len(examples), size + 1)), np.zeros(len(examples))
    for n, (source, _, own, x, y, gold) in enumerate(examples):
        base[n, :len(x)], base[n, -1], xs[n, :len(x)], ys[n], much[n] = own[:-1], own[-1], x, y, SHARE[source]
        right[n, [size if one == len(x) else one for one in gold]] = 1
    w, m, v = np.zeros(k + j), np.zeros(k + j), np.zeros(k + j)
    for step in range(1, STEPS + 1):
        scores = base + np.concatenate([xs @ w[:k], (ys @ w[k:])[:, None]], 1)
        shares = np.exp(scores - scores.max(1, keepdims=True))
        shares /= shares.sum(1, keepdims=True)
        wanted = shares * right
        wanted /= wanted.sum(1, keepdims=True)
        off = (shares - wanted) * much[:, None]
        slope = np.concatenate([np.einsum("ns,nsk->k", off[:, :-1], xs), off[:, -1] @ ys]) / much.sum() + DECAY * w / len(w)
        m, v = 0.9 * m + 0.1 * slope, 0.999 * v + 0.001 * slope * slope
        w -= RATE * min(1, 3 * (1 - step / STEPS)) * (m / (1 - 0.9 ** step)) / (np.sqrt(v / (1 - 0.999 ** step)) + 1e-8)
    return w[:k], w[k:]


if __name__ == "__main__":
    main()
