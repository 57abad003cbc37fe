"""`python -m twin.train.match [--cards FOLDER ...] [--show] [--reading]`: learns persona/match.py's weights -> assets/weights/match.yaml.

From cards that are put together at random of answers/ (things people ask, the facts that answer, and questions that come near a fact but that it doesn't
answer) and of compose/, and from the written cards of FOLDERs (tests/data/persona_dev and its like). A softmax over the facts of a card and "none of them";
linear, so that it says what it is made of. `--show` leaves each written card out in turn and prints what is found then. `--reading` learns nothing of
that anew, but how much to make of the cross-encoder beside it (twin/train/cross.py): from the cards that this one didn't learn from, and the FOLDERs.
"""
from __future__ import annotations

import argparse
import re
import sys
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import Any

import numpy as np
import yaml

from persona.bare import called_in
from persona.card import Persona
from persona.fields import Fact, facts
from persona.gloss import gloss
from persona.holding import Holding
from persona.match import FILE, Cross, Match, hangs, learned, standing
from persona.repertoire import Repertoire
from persona.search import remembering
from persona.words import normal

HERE = Path(__file__).parent / "answers"
CARDS, COMPOSED, STEPS, DECAY = 20, 100, 250, 0.003
AFTER = 0.5                                              # of questions that hang on nothing, how many come after something else in a talk
SHARE = {"made": 0.25, "composed": 0.15, "old": 0.3, "written": 1.5}     # how much an example counts


@dataclass(frozen=True)
class Example:
    source: str                                          # of SHARE
    card: str
    how: str
    x: np.ndarray
    y: np.ndarray
    right: tuple[int, ...]                               # () = no fact answers


def pool(language: str) -> dict[str, tuple[list[str], list[str]]]:
    """topic -> (questions, facts): each fact answers each of them."""
    found = {}
    for line in (HERE / f"{language}.txt").read_text("utf-8").splitlines():
        head, _, told = line.partition(" = ")
        topic, _, asked = head.partition(": ")
        found[topic] = ([one.strip() for one in asked.split("|") if one.strip()], [one.strip() for one in told.split("|") if one.strip()])
    return found


def near(language: str) -> list[tuple[str, list[str], list[str]]]:
    """(fact, questions that it answers, questions that come near it)."""
    rows = [[one.strip() for one in line.split("|")] for line in (HERE / f"near.{language}.txt").read_text("utf-8").splitlines()]
    return [(row[0], [one[2:] for one in row if one.startswith("+ ")], [one[2:] for one in row if one.startswith("- ")]) for row in rows]


# Topics of the pool that speak of the same: a question of one is not sure to be unanswered by a fact of another.
AKIN = [set(row.split()) for row in (
    "job pastjob part best hard", "parents mother father grandparent childhood", "kids kidjob grandkids livewith",
    "married spousejob met wedding livewith", "siblings brother sister", "food sweet breakfast diet cook", "drink ban smoke",
    "dream plans visitwish travel lived", "live from moved lived livewith commute", "since start early taught study",
    "price discount pay delivery lend", "hours bookings where weather", "hobby sport art collect garden game instrument music sing dance like club",
    "fear hate allergy health", "accident danger mistake strangest regret lost", "award proud record skill", "age origin name2", "weak skill",
    "pet saw", "habit lucky motto nick name", "staff boss pupils customers", "size material products tools", "getup bed commute vehicle",
    "accident health", "money plans", "friend neighbour", "treasure gift collect", "secret meet", "looks height colour", "bring rules level")]


def akin(topic: str) -> set[str]:
    return {topic}.union(*(row for row in AKIN if topic in row))


def topics(language: str) -> list[tuple[list[str], list[str]]]:
    """(questions, facts) of each topic, as the embedder gets them; Chinese ones also beside the English."""
    rows = [*pool(language).values(), *((asked, [fact]) for fact, asked, _ in near(language))]
    english = gloss().english
    if language == "en":
        return [([normal(one, "en") for one in asked], [normal(one, "en") for one in told]) for asked, told in rows]
    return [([english(one) + "?" for one in asked], [english(one) for one in told]) for asked, told in rows]


def kept(embed: Callable[[list[str]], np.ndarray], out: Path) -> dict[str, list[list[int]]]:
    """Writes the topics' embeddings beside `out`, 8 bits a number -> how many questions and facts each topic has."""
    found = {}
    for language in ("en", "zh"):
        rows = topics(language) + (topics("en") if language == "zh" else [])
        made = embed([one for asked, _ in rows for one in asked] + [one for _, told in rows for one in told])
        np.save(out.with_name(f"match.{language}.npy"), np.round(made / np.abs(made).max(1, keepdims=True) * 127).astype(np.int8), allow_pickle=False)
        found[language] = [[len(asked), len(told)] for asked, told in rows]
    return found


Asked = tuple[str, tuple[str, ...], tuple[int, ...]]     # question, what was said before it, which facts answer


def made(language: str, rng: Random) -> tuple[list[str], list[Asked]]:
    """A card put together at random, and questions to it."""
    topics, close = pool(language), near(language)
    size = rng.randint(13, 22)
    some = rng.sample(close, size // 2)
    own: list[str] = []
    shut: set[str] = set()
    for topic in rng.sample(list(topics), len(topics)):
        if topic not in shut and len(own) < size - len(some):
            own.append(topic)
            shut |= akin(topic) if rng.random() < 0.7 else {topic}
    told = [*(rng.choice(topics[topic][1]) for topic in own), *(fact for fact, _, _ in some)]
    order = rng.sample(range(len(told)), len(told))
    at = {old: new for new, old in enumerate(order)}
    texts = [told[old] for old in order]
    plain: list[tuple[str, tuple[int, ...]]] = [(rng.choice(topics[topic][0]), (at[n],)) for n, topic in enumerate(own)]
    for n, (_, answered, missed) in enumerate(some, len(own)):
        plain += [(rng.choice(answered), (at[n],)), (rng.choice(missed), ())]
    away = [topic for topic in topics if topic not in own and not akin(topic) & set(own)]
    plain += [(rng.choice(topics[topic][0]), ()) for topic in rng.sample(away, min(4, len(away)))]
    right = [one for one in plain if one[1]]
    return texts, [(text, earlier(rng, text, right, texts) if rng.random() < 0.5 else (), gold) for text, gold in plain]


def earlier(rng: Random, text: str, asked: list[tuple[str, tuple[int, ...]]], texts: list[str]) -> tuple[str, ...]:
    """Another question and its answer, as what was said before."""
    others = [one for one in asked if one[0] != text]
    if not others:
        return ()
    before, gold = rng.choice(others)
    return before, texts[rng.choice(gold)]


def composed(language: str, rng: Random, most: int) -> Iterator[tuple[list[str], list[Asked]]]:
    """Exchanges of compose/, no question twice."""
    from twin.train.compose.exchanges import Scene, Speaker, persona

    speaker, seen = Speaker(language, rng), set[str]()
    while len(seen) < most:
        speaker.turn_to(speaker.values.me())
        held = persona(speaker)
        for _ in range(4):
            one = Scene(speaker, held).make(rng.choice(("fact", "unknown", "follow_up", "inference")))
            if one is None or one.exchange.ask in seen or len(one.exchange.facts) < 4:
                continue
            told = one.exchange
            seen.add(told.ask)
            right = () if told.kind == "unknown" or told.source is None else (told.source,)
            yield list(told.facts), [(told.ask, tuple(told.before[-1]) if told.before else (), right)]


def written(folder: Path, language: str) -> Iterator[tuple[str, dict[str, Any]]]:
    """(name, row) of each card of a folder: one a file, or several of a file named after the language."""
    for path in sorted(folder.glob("*.yaml")):
        if path.stem == language or path.stem.endswith("." + language):
            data = yaml.safe_load(path.read_text("utf-8"))
            yield from ((f"{path.stem} {row['card']['name']}", row) for row in (data if isinstance(data, list) else [data]))


def probes(row: dict[str, Any], texts: list[str], rng: Random) -> Iterator[tuple[str, Asked]]:
    """(how, asked) of a written card, each with and without something said before."""
    rows = [(how, one) for how, some in row["ask"].items() for one in some] if isinstance(row["ask"], dict) else [("asked", one) for one in row["ask"]]
    found: list[tuple[str, list[str], tuple[int, ...]]] = []
    for how, one in rows:
        text, _, wanted = one.partition(" =>")
        said = [part.strip() for part in text.split(" / ")]
        wanted = re.sub(r"\|?\^no\\b\|?|\^no, \|?", "", wanted.strip()).strip("|") or wanted.strip()
        if right := tuple(n for n, fact in enumerate(texts) if re.search(wanted, fact, re.IGNORECASE)):
            found.append((how, said, right))
    plain = [(said[-1], right) for _, said, right in found]
    talks = [said[:-1] for _, said, _ in found if len(said) > 1]
    for how, said, right in [*found, *(("unknown", [str(text)], ()) for text in row["unknown"])]:
        yield how, (said[-1], tuple(said[:-1]), right)
        if len(said) == 1:
            before = tuple(rng.choice(talks)) if talks and rng.random() < 0.4 else earlier(rng, said[0], plain, texts)
            yield how, (said[0], before, right)


def examples(language: str, embed: Callable[[list[str]], np.ndarray], folders: list[Path], cards: int = CARDS, most: int = COMPOSED) -> list[Example]:
    rng, english = Random(f"match {language}"), gloss().english
    found: list[Example] = []

    def add(source: str, card: str, texts: list[str], asked: list[Asked]) -> None:
        own = Match(Holding([Fact(text, language, f"fact {n}") for n, text in enumerate(texts)], language, {}, lambda n: None), embed, english)
        own.apart = True
        found.extend(Example(source, card, source, *own.features(text, before), right) for text, before, right in asked)

    for n in range(cards):
        add("made", f"made {n}", *made(language, rng))
    for n, (texts, asked) in enumerate(composed(language, rng, most)):
        add("composed", f"composed {n}", texts, asked)
    for folder in folders:
        for name, row in written(folder, language):
            persona = Persona.parse(row["card"])
            told = [fact for fact in facts(persona) if fact.language == language]
            own = Match(Holding(told, language, called_in(Repertoire(persona, (), language, None, None)), lambda n: None), embed, english)
            source = "old" if isinstance(row["ask"], list) else "written"
            found += [Example(source, name, how, *own.features(*asked[:2]), asked[2]) for how, asked in probes(row, [fact.text for fact in told], Random(name))]
    return found


def fit(rows: list[Example], steps: int = STEPS) -> tuple[np.ndarray, np.ndarray]:
    """(weights of a fact's features, weights of the null), by Adam on the likelihood of what is right."""
    import torch

    torch.manual_seed(0)
    most, k = max(len(row.x) for row in rows), rows[0].x.shape[1]
    x, mask, right = torch.zeros(len(rows), most, k), torch.zeros(len(rows), most, dtype=torch.bool), torch.zeros(len(rows), most + 1)
    for n, row in enumerate(rows):
        x[n, :len(row.x)], mask[n, :len(row.x)] = torch.from_numpy(row.x), True
        right[n, list(row.right) or [most]] = 1
    y = torch.from_numpy(np.stack([np.concatenate([row.y, standing(row.x)]) for row in rows]))
    share = torch.tensor([SHARE[row.source] for row in rows])
    deep, wide = x[mask].std(0) + 0.05, y.std(0) + 0.1
    wide[0] = 1.0
    fact, null = torch.zeros(k, requires_grad=True), torch.zeros(y.shape[1], requires_grad=True)
    adam = torch.optim.Adam([fact, null], lr=0.05)
    for step in range(steps):
        adam.param_groups[0]["lr"] = 0.05 * (1 - step / steps)
        scores = torch.cat([((x / deep) @ fact).masked_fill(~mask, -1e4), ((y / wide) @ null)[:, None]], 1)
        told = torch.logsumexp(torch.log_softmax(scores, 1) + torch.log(right + 1e-9), 1)
        loss = -(share * told).sum() / share.sum() + DECAY * (fact.square().sum() + null.square().sum())
        adam.zero_grad()
        loss.backward()
        adam.step()
    return (fact / deep).detach().numpy(), (null / wide).detach().numpy()


Read = tuple[np.ndarray, np.ndarray, bool, tuple[int, ...]]


def read(language: str, embed: Callable[[list[str]], np.ndarray], cross: Cross, folders: list[Path]) -> list[Read]:
    """Of each question: what was read of each fact, how likely the rest makes each, whether it hangs on what was said before, which are right."""
    from twin.train import cross as reading

    english = (lambda text: text) if language == "en" else gloss().english
    found: list[Read] = []
    rng = Random(f"read {language}")

    def add(own: Match, asked: Iterable[Asked]) -> None:
        weights = learned()[language]
        for text, before, right in asked:
            x, y = own.features(text, before)
            rest = x @ weights.fact - weights.null @ np.concatenate([y, standing(x)])
            found.append((own.read(text, before, rest), rest, bool(before) and hangs(text, language), right))

    for card in [one for one in reading.cards(language) if one.held_out][::2]:     # reading takes some 60 ms of two cores a question; half of them tell enough
        own = [Fact(text, language, f"fact {n}") for n, text in enumerate(card.facts)]
        add(Match(Holding(own, language, {}, lambda n: None), embed, english, None, cross),
            [(one.text, (one.before,) if one.before else (rng.choice(card.facts),) if rng.random() < AFTER else (), one.right) for one in card.asked])
    for folder in folders:
        for name, row in written(folder, language):
            persona = Persona.parse(row["card"])
            told = [fact for fact in facts(persona) if fact.language == language]
            add(Match(Holding(told, language, called_in(Repertoire(persona, (), language, None, None)), lambda n: None), embed, english, None, cross),
                [one for _, one in probes(row, [fact.text for fact in told], Random(name))])
    return found


def weighed(rows: list[Read]) -> list[float]:
    """What persona/match.py's weighing tells, by Adam on the likelihood of what is right."""
    import torch

    own = torch.tensor([0.6, 0.3, 0.0, 0.0], requires_grad=True)
    adam = torch.optim.Adam([own], lr=0.03)
    most = max(len(row[0]) for row in rows)
    x, right = torch.full((len(rows), most, 2), -30.0), torch.zeros(len(rows), most + 1)
    after = torch.tensor([float(row[2]) for row in rows])
    for n, (first, rest, _, good) in enumerate(rows):
        x[n, :len(first), 0], x[n, :len(first), 1] = torch.from_numpy(first), torch.from_numpy(rest.astype(np.float32))
        right[n, list(good) or [most]] = 1
    for _ in range(400):
        found = torch.cat([x @ own[:2], (own[2] + own[3] * after)[:, None]], 1)
        loss = -torch.logsumexp(torch.log_softmax(found, 1) + torch.log(right + 1e-9), 1).mean()
        adam.zero_grad()
        loss.backward()
        adam.step()
    found = found.detach()
    asked, sure = right[:, -1] == 0, found.argmax(1) < most
    hit = right.gather(1, found[:, :-1].argmax(1)[:, None])[:, 0][asked]
    answered, unknown = (hit * sure[asked]).mean(), (~sure[~asked]).float().mean()
    print(f"  {len(rows)} questions: the right fact first {hit.mean():.3f}, answered {answered:.3f}, not known {unknown:.3f}", file=sys.stderr)
    return [round(one, 3) for one in own.tolist()]


def scores(row: Example, own: tuple[np.ndarray, np.ndarray]) -> tuple[int, float]:
    """(the likeliest fact, the log of how much likelier it is than none)."""
    told = row.x @ own[0]
    return int(told.argmax()), float(told.max() - own[1] @ np.concatenate([row.y, standing(row.x)]))


def show(language: str, rows: list[Example]) -> None:
    """Each written card left out in turn: what is found then."""
    names = sorted({row.card for row in rows if row.source == "written"})
    found: list[tuple[Example, int, float]] = []
    for n in range(0, len(names), 2):
        out = names[n:n + 2]
        own = fit([row for row in rows if row.card not in out])
        found += [(row, *scores(row, own)) for row in rows if row.card in out]
    for how in sorted({row.how for row, _, _ in found if row.right}):
        some = [best in row.right for row, best, _ in found if row.how == how]
        print(f"  {how} {sum(some) / len(some):.2f} ({len(some)})", end="")
    right = [(best in row.right, margin) for row, best, margin in found if row.right]
    none = np.array([margin for row, _, margin in found if not row.right])
    told = np.array([margin for _, margin in right])
    auc = float((told[:, None] > none[None]).mean())
    print(f"\n  {language}: the right fact first {np.mean([good for good, _ in right]):.3f}, answerable against not {auc:.3f};")
    for share in (0.6, 0.7, 0.8):
        print(f"    {np.mean([good and margin > np.quantile(none, share) for good, margin in right]):.2f} answered with {share:.2f} abstained")
    print(f"    as learned {np.mean([good and margin > 0 for good, margin in right]):.2f} / {np.mean(none <= 0):.2f}")


def main(argv: list[str] | None = None) -> int:
    from twin.think.cross import CrossEncoder
    from twin.think.embed import Embedder

    ask = argparse.ArgumentParser(prog="python -m twin.train.match", description=__doc__)
    ask.add_argument("--cards", type=Path, nargs="*", default=[])
    ask.add_argument("--show", action="store_true")
    ask.add_argument("--reading", action="store_true")
    ask.add_argument("--out", type=Path, default=FILE)
    given = ask.parse_args(argv)
    sentences = Embedder()
    embed = remembering(sentences.embed)
    if given.reading:
        kept_ = yaml.safe_load(given.out.read_text("utf-8"))
        kept_["reading"] = {language: weighed(read(language, embed, CrossEncoder(sentences).read, given.cards)) for language in ("en", "zh")}
        return keep(given.out, kept_)
    told = {}
    given.out.write_text(yaml.safe_dump({"weights": {}, "topics": (counts := kept(embed, given.out))}), "utf-8")
    for language in ("en", "zh"):
        rows = examples(language, embed, given.cards)
        if given.show:
            show(language, rows)
        fact, null = fit(rows)
        told[language] = {"fact": [round(float(one), 4) for one in fact], "null": [round(float(one), 4) for one in null]}
        print(f"{language}: learned of {len(rows)} questions", file=sys.stderr)
    if not given.show:
        return keep(given.out, {"weights": told, "topics": counts})
    return 0


def keep(out: Path, learned: dict[str, Any]) -> int:
    text = yaml.safe_dump(learned, default_flow_style=None, width=150)
    out.write_text(f"# Made by `python -m twin.train.match`; read by persona/match.py.\n{text}", "utf-8")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
