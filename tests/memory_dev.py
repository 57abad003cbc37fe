"""What memory recalls of made-up histories, short ones (tests/data/memory_dev) and longer ones (memory_dev2):
`python tests/memory_dev.py [tune|measure|fit] [en|zh] [memory_dev|memory_dev2] [--show]`.

    told      each told sentence among CHATTER others in each talk, every one answered with a word or two, some weeks between talks
    heard     whether any of them is recalled
    judged    of the first five recollections: every message that the question is after is among them, or a fact learnt from it; of what
              changed, what held before does not stand in front of what holds now; of what was never told, nothing is recalled as likely

Odd histories are there to tune by, even ones only to measure: --show tells of the former only."""
from __future__ import annotations

import random
import re
import shutil
import sys
import tempfile
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path

DATA = Path(__file__).parent / "data"
SETS = ("memory_dev", "memory_dev2")
sys.path.insert(0, str(DATA.parents[1]))

from persona.memory import Memory  # noqa: E402
from persona.search import Embed  # noqa: E402
from persona.words import clean  # noqa: E402
from twin.think.embed import Embedder  # noqa: E402

KINDS = ("single", "several", "now", "before", "preference", "never")
CHATTER = 10                                             # other sentences in each talk
REPLIES = {"en": ("I see.", "Oh, tell me more.", "That sounds lovely.", "Mm-hm.", "Good to know.", "Ha!"), "zh": ("这样啊。", "嗯嗯。", "听起来不错。", "再多说说。", "哈哈。", "知道了。")}


@dataclass(frozen=True)
class Ask:
    kind: str
    text: str
    gold: tuple[str, ...] = ()
    old: str = ""


@dataclass
class History:
    name: str
    language: str
    of: str
    told: list[tuple[datetime, str, str]] = field(default_factory=list)        # when, label or "", text
    asks: list[Ask] = field(default_factory=list)

    @property
    def part(self) -> str:
        return "tune" if int(self.name) % 2 else "measure"


def histories(language: str, of: str = SETS[0]) -> list[History]:
    found: list[History] = []
    day = datetime(2026, 1, 1)
    for line in (DATA / of / f"{language}.txt").read_text("utf-8").splitlines():
        if line.startswith("== "):
            found.append(History(line[3:].strip(), language, of))
        elif line.startswith("-- "):
            day = datetime.fromisoformat(line[3:].strip()) + timedelta(hours=18)
        elif hit := re.match(r"\? (\w+) ?([\w< ]*?) *\| (.+)", line):
            gold = tuple(re.findall(r"(?<!<)\b\w\b", hit[2]))
            found[-1].asks.append(Ask(hit[1], hit[3], gold, (re.findall(r"<(\w)", hit[2]) or [""])[0]))
        elif line and not line.startswith("#"):
            hit = re.match(r"(\w): (.+)", line)
            found[-1].told.append((day, hit[1] if hit else "", hit[2] if hit else line))
    return found


def tell(memory: Memory, history: History) -> dict[str, int]:
    """Tell a history with chatter around it; label -> id of the message."""
    draw = random.Random(f"{history.language}{history.name}")
    pool = [line for line in (DATA / history.of / f"chatter.{history.language}.txt").read_text("utf-8").splitlines() if line]
    labels: dict[str, int] = {}
    draw.shuffle(pool)
    turn = 0
    for number, day in enumerate(sorted({when for when, _, _ in history.told})):
        rows = [(label, text) for when, label, text in history.told if when == day]
        for line in (pool[(number * CHATTER + n) % len(pool)] for n in range(CHATTER)):
            rows.insert(draw.randrange(len(rows) + 1), ("", line))
        kept = [row for row in history.told if row[0] == day]
        order = iter([(label, text) for _, label, text in kept])
        told = {text for _, _, text in kept}
        for at, (label, text) in enumerate(rows):        # what is told keeps its order
            label, text = next(order) if text in told else (label, text)
            turn += 1
            when = day + timedelta(minutes=3 * at)
            name = memory.heard("user", text, turn=turn, conversation=f"c{number}", when=when, language=history.language)
            memory.heard("assistant", draw.choice(REPLIES[history.language]), turn=turn, conversation=f"c{number}", when=when, language=history.language)
            if label:
                labels[label] = name
    return labels


def judged(ask: Ask, labels: dict[str, int], sources: list[int], scores: Sequence[float]) -> bool:
    if ask.kind == "never":
        return not any(score >= Memory.threshold for score in scores)
    gold = [labels[one] for one in ask.gold]
    if not all(name in sources[:5] for name in gold):
        return False
    return not (ask.old and labels[ask.old] in sources and sources.index(labels[ask.old]) < sources.index(gold[0]))


def examined(part: str, language: str, of: str = SETS[0], embed: Embed | None = None, show: bool = False) -> Iterator[tuple[Ask, bool, bool]]:
    """(question, whether it was right, whether any gold was recalled) of each."""
    for history in histories(language, of):
        if history.part != part:
            continue
        memory = Memory(_scratch(), embed=embed, now=lambda: datetime(2026, 6, 1, 9))
        with memory.together():
            labels = tell(memory, history)
        memory.warm()
        for ask in history.asks:
            found = memory.recall(ask.text, language=language)
            sources = [one.source for one in found]
            right = judged(ask, labels, sources, [one.score for one in found])
            if show and not right and part == "tune":
                print(f"\n{history.name} {ask.kind} {ask.text}  gold {[labels[g] for g in ask.gold]} old {labels.get(ask.old, '')}")
                for label in (*ask.gold, ask.old):
                    if label:
                        print("      told:", labels[label], next(text for _, own, text in history.told if own == label))
                for one in found:
                    print(f"   {one.source:4d} {one.score:.4f} {one.kind[:4]} {'*' if one.asked else ' '}{'-' if one.past else ' '} {one.text[:110]}")
            yield ask, right, any(labels[one] in sources for one in ask.gold)
        memory.close()
        shutil.rmtree(memory.path.parent)


def _scratch() -> Path:
    return Path(tempfile.mkdtemp(prefix="memory-dev-")) / "a.memory"


def embedder() -> Embed:
    return Embedder().embed


def fitted(embed: Embed) -> None:
    """Prints what persona/evidence.py's weights would be, fitted on the tuning halves: as near to those it has as the likelihood of what is right lets them be."""
    import torch

    from persona import evidence
    held = evidence.features
    for language in ("en", "zh"):
        rows: list[tuple[tuple[float, ...], bool]] = []
        for of in SETS:
            for history in histories(language, of):
                if history.part == "tune":
                    memory = Memory(_scratch(), embed=embed, now=lambda: datetime(2026, 6, 1, 9))
                    with memory.together():
                        tell(memory, history)
                    memory.warm()
                    for ask in history.asks:
                        gold = {clean(text) for _, label, text in history.told if label in ask.gold}

                        def features(seek, text, words, cosine, gold=gold, rows=rows):
                            row = held(seek, text, words, cosine)
                            rows.append((row, clean(text) in gold))
                            return row
                        evidence.features = features
                        memory.recall(ask.text, language=language)
                        evidence.features = held
                    memory.close()
                    shutil.rmtree(memory.path.parent)
        x, y = torch.tensor([row for row, _ in rows]), torch.tensor([float(good) for _, good in rows])
        first = torch.tensor([*evidence._WEIGHTS[language][0], evidence._WEIGHTS[language][1]])
        own = first.clone().requires_grad_()
        adam = torch.optim.Adam([own], lr=0.03)
        share = (1 - 0.85 * x[:, 10]) * torch.where(x[:, 6] >= 1, 0.1, 1.0)
        for _ in range(1500):
            likely = (torch.sigmoid(x @ own[:-1] + own[-1]) * share).clamp(1e-6, 1 - 1e-6)
            loss = torch.nn.functional.binary_cross_entropy(likely, y)
            adam.zero_grad()
            (loss + 0.0003 * (own - first).square().sum()).backward()
            adam.step()
        print(f"    {language!r}: (({', '.join(f'{one:.2f}' for one in own[:-1].tolist())}), {own[-1]:.2f}),    # {loss:.4f} of {len(rows)}")


def main() -> None:
    part = next((word for word in sys.argv[1:] if word in ("tune", "measure")), "measure")
    embed = embedder()
    if "fit" in sys.argv:
        fitted(embed)
        return
    for of in [word for word in sys.argv[1:] if word in SETS] or SETS:
        for language in [word for word in sys.argv[1:] if word in ("en", "zh")] or ["en", "zh"]:
            rights: dict[str, list[bool]] = defaultdict(list)
            heard: list[bool] = []
            for ask, right, any_gold in examined(part, language, of, embed, "--show" in sys.argv):
                rights[ask.kind].append(right)
                if ask.gold:
                    heard.append(any_gold)
            told = [right for kind in KINDS[:-1] for right in rights[kind]]
            print(f"{of} {part} {language}: recall_at_5 {sum(told) / len(told):.2f} of {len(told)}, heard {sum(heard) / len(heard):.2f}; "
                  + ", ".join(f"{kind} {sum(rights[kind]) / max(1, len(rights[kind])):.2f} of {len(rights[kind])}" for kind in KINDS))


if __name__ == "__main__":
    main()
