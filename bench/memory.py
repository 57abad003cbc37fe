"""Whether a twin remembers: histories of several sessions, questions about them, and what is left after "forget that".

Sixteen users, eight in each language, told a twin of themselves over months (bench/memory/*.txt); each has a memory of its own, filled session by
session. `recall_at_5` is the share of questions with an answer for which every message that holds it, or a fact learnt from it, stands among the first
five recollections: one message, several, what holds now (and then not behind what it replaced), what held before, a wish. `recall_now` and its likes
are the kinds apart. `never_quiet` is the share of questions about what was never told for which nothing scores above the memory's own threshold
(`Memory.threshold`), `told_heard` the share of the others for which a right recollection does. Then one memory with 10,000 facts is asked everything
(`p50_ms`, `p95_ms`), and things are forgotten: `traces` counts what is left of their words, in UTF-8 and UTF-16, in the bytes of the file and its
-wal and -shm. Of two languages the worse one is the figure without a language.
"""
from __future__ import annotations

import random
import re
import statistics
import tempfile
import time
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent / "memory"
LANGUAGES = ("en", "zh")
KINDS = ("single", "several", "now", "before", "preference", "never")
MOST = 5
SEED = 11
NOW = datetime(2026, 11, 21, 20, 30)
FACTS = 10_000


@dataclass(frozen=True)
class Said:
    """One message of a history. `label` where something is asked about it."""
    role: str                                            # user or assistant
    text: str
    when: datetime
    session: int
    label: str = ""


@dataclass(frozen=True)
class Question:
    """`gold`: labels of the messages that hold the answer; `old`: what must not stand before them."""
    kind: str
    text: str
    gold: tuple[str, ...] = ()
    old: str = ""


@dataclass(frozen=True)
class Forgetting:
    """By words (`text`) or by message (`label`), and the words of which no byte may stay."""
    words: tuple[str, ...]
    text: str = ""
    label: str = ""


@dataclass
class History:
    """One user's sessions with one twin and what is asked of them. Read from a file: `@ when` begins a session, `u` and `a` say, `u#x` has the label x,
    `? kind labels :: question` asks, `! text :: words` and `!# label :: words` forget, # is a remark."""
    name: str
    language: str
    said: list[Said] = field(default_factory=list)
    questions: list[Question] = field(default_factory=list)
    forgettings: list[Forgetting] = field(default_factory=list)

    @classmethod
    def read(cls, path: Path) -> History:
        """Raises ValueError for a line that is none of these."""
        history = cls(path.stem, path.stem.split("-")[0])
        when, session = datetime.min, 0
        for at, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
            if line.startswith("@ "):
                when, session = datetime.strptime(line[2:], "%Y-%m-%d %H:%M"), session + 1
            elif found := re.fullmatch(r"([ua])(?:#(\w+))? (.+)", line):
                history.said.append(Said("user" if found[1] == "u" else "assistant", found[3], when, session, found[2] or ""))
                when += timedelta(minutes=1)
            elif found := re.fullmatch(r"\? (\w+) ?(.*?) ?:: (.+)", line):
                gold, _, old = found[2].partition(" < ")
                history.questions.append(Question(found[1], found[3], tuple(g for g in gold.split(",") if g), old))
            elif found := re.fullmatch(r"!(#?) (.+) :: (.+)", line):
                history.forgettings.append(Forgetting(tuple(found[3].split() if found[1] else [found[2]]), *(("", found[2]) if found[1] else (found[3],))))
            elif line and not line.startswith("#"):
                raise ValueError(f"{path.name}, line {at}: {line}")
        return history

    def labelled(self, label: str) -> Said:
        return next(s for s in self.said if s.label == label)


def histories(language: str = "") -> list[History]:
    return [History.read(p) for p in sorted(HERE.glob(f"{language or '*'}-*.txt"))]


# filling and asking -----------------------------------------------------------------------------------------------------------------

def fill(memory: Any, history: History) -> dict[str, int]:
    """Tell the memory a whole history; the id of each labelled message."""
    ids = {}
    for turn, said in enumerate(history.said, 1):
        number = memory.heard(said.role, said.text, turn=(turn + 1) // 2, conversation=f"{history.name}-{said.session}", when=said.when,
                              language=history.language)
        if said.label:
            ids[said.label] = number
    return ids


def same(one: str, other: str) -> bool:
    """Whether two texts are one apart from spaces, marks and case."""
    return re.sub(r"\W", "", one).lower() == re.sub(r"\W", "", other).lower()


def holds(recollection: Any, number: int, text: str) -> bool:
    """Whether it is that message, or was learnt from it."""
    source = recollection.source
    if isinstance(source, (list, tuple, set, frozenset)):
        return number in source
    return source == number or str(source) == str(number) or same(recollection.text, text)


def places(found: list[Any], ids: dict[str, int], history: History, label: str) -> int:
    """Where among the recollections the first of that message stands, from 0; a thousand where it does not."""
    return next((at for at, r in enumerate(found) if holds(r, ids[label], history.labelled(label).text)), 1000)


def right(question: Question, found: list[Any], ids: dict[str, int], history: History) -> bool:
    """All of the gold among the first five, and nothing outdated in front of it."""
    there = [places(found[:MOST], ids, history, label) for label in question.gold]
    return max(there) < MOST and not (question.old and question.kind == "now" and places(found[:MOST], ids, history, question.old) < min(there))


def recollections(memory: Any, question: str, language: str) -> list[Any]:
    return list(memory.recall(question, language=language, most=MOST))


# many facts -------------------------------------------------------------------------------------------------------------------------

FIRST = {"en": ["Ab", "Bel", "Cor", "Dar", "El", "Fen", "Gar", "Hal", "Is", "Jor", "Kel", "Lor", "Mar", "Nor", "Or", "Pel", "Quin", "Ros", "Tam", "Wil"],
         "zh": list("柏楚丹恩帆歌涵嘉凯岚墨宁欧佩晴柔珊婷婉汐瑶泽洲栀")}
LAST = {"en": ["a", "en", "ia", "in", "on", "as", "ette", "ric", "mund", "wyn", "ble", "dor"], "zh": list("杰轩雯婧宇琪琳昊然洋")}
KIN = {"en": ["cousin", "colleague", "neighbour", "aunt", "old classmate", "dentist", "niece", "godfather"],
       "zh": ["表姐", "同事", "邻居", "姑妈", "老同学", "牙医", "侄女", "干爹"]}
TOWN = {"en": ["Exeter", "Tampere", "Cork", "Bergen", "Leipzig", "Padua", "Nantes", "Plovdiv", "Gdynia", "Toledo"],
        "zh": ["绍兴", "遵义", "襄阳", "九江", "银川", "梧州", "丹东", "自贡", "漳州", "保定"]}
TRADE = {"en": ["a plumber", "a translator", "a surveyor", "a florist", "a locksmith", "a librarian", "a beekeeper", "a roofer"],
         "zh": ["水管工", "翻译", "测量员", "花店老板", "锁匠", "图书管理员", "养蜂人", "瓦工"]}
FORMS = {"en": ["My {kin} {name} lives in {town}.", "My {kin} {name} works as {trade}.", "My {kin} {name} is {age} years old.",
                "My {kin} {name} comes from {town}.", "My {kin} is called {name}.", "My {kin} {name} likes {town}."],
         "zh": ["我{kin}{name}住在{town}。", "我{kin}{name}是{trade}。", "我{kin}{name}今年{age}岁。", "我{kin}{name}老家在{town}。", "我{kin}叫{name}。",
                "我{kin}{name}喜欢{town}。"]}


def distractor(dice: random.Random, language: str) -> str:
    """A sentence about somebody nobody asks about."""
    def pick(of: dict[str, list[str]]) -> str:
        return dice.choice(of[language])

    name = pick(FIRST) + pick(LAST) + (f" {pick(FIRST)}{pick(LAST)}son" if language == "en" else pick(LAST))
    return pick(FORMS).format(kin=pick(KIN), name=name, town=pick(TOWN), trade=pick(TRADE), age=dice.randint(18, 90))


def crowd(memory: Any, count: int) -> tuple[int, int]:
    """Tell it so much that it has `count` facts; how many it has and how many messages that took (five times as many at most)."""
    dice, when, told = random.Random(SEED), datetime(2025, 1, 1), 0
    while told < 5 * count:
        with memory.together():                          # how fast it is filled is not measured
            for _ in range(min(500, count)):
                told += 1
                language = LANGUAGES[told % 2]
                memory.heard("user", distractor(dice, language), turn=told, conversation=f"crowd-{told // 50}", when=when + timedelta(minutes=told),
                             language=language)
        if len(memory.facts(past=True)) >= count:
            break
    return len(memory.facts(past=True)), told


def timed(memory: Any, asked: list[tuple[str, str]]) -> list[float]:
    """ms of each retrieval, after a few that are not counted."""
    for text, language in asked[:5]:
        recollections(memory, text, language)
    out = []
    for text, language in asked:
        began = time.perf_counter()
        recollections(memory, text, language)
        out.append(1000 * (time.perf_counter() - began))
    return out


# forgetting -------------------------------------------------------------------------------------------------------------------------

def traces(path: Path, words: tuple[str, ...]) -> int:
    """How often the words stand in the bytes of the database and its companions, in UTF-8 and both UTF-16, small and capital letters alike."""
    count = 0
    for file in (path, *(path.with_name(path.name + end) for end in ("-wal", "-shm", "-journal"))):
        if file.exists():
            raw = file.read_bytes().lower()
            for word in words:
                count += sum(raw.count(word.lower().encode(code).lower()) for code in ("utf-8", "utf-16-le", "utf-16-be"))
    return count


def run_forgetting(memory: Any, path: Path, history: History, ids: dict[str, int]) -> dict[str, int]:
    """Forget all that the history says should be; what was there before, what is left, and what is still recalled."""
    words = tuple(w for f in history.forgettings for w in f.words)
    before = sum(any(w in s.text for s in history.said) for w in words)
    for forgetting in history.forgettings:
        if forgetting.label:
            memory.forget_message(ids[forgetting.label])
        else:
            memory.forget(forgetting.text)
    recalled = sum(any(w.lower() in f"{r.text} {r.object}".lower() for r in recollections(memory, w, history.language)) for w in words)
    kept = sum(bool(recollections(memory, q.text, history.language)) for q in history.questions[:3])
    return {"planted": before, "recalled": recalled, "kept": kept, "traces": traces(path, words)}


# figures ----------------------------------------------------------------------------------------------------------------------------

def options(parser) -> None:
    parser.add_argument("--facts", type=int, default=FACTS, help="facts in the file whose retrieval is timed; 0: none")
    parser.add_argument("--plain", action="store_true", help="without the sentence model")
    parser.add_argument("--show", action="store_true", help="print every question that was not answered by the first five")


def run(options) -> dict[str, object]:
    from persona.memory import Memory
    from twin.registry import Registry
    from twin.settings import load

    embed = None if options.plain else Registry(load([])).embedder
    threshold = getattr(Memory, "threshold", None)
    outcomes: list[tuple[str, str, bool]] = []           # language, kind, right
    quiet: dict[str, list[bool]] = {lang: [] for lang in LANGUAGES}
    heard: dict[str, list[bool]] = {lang: [] for lang in LANGUAGES}
    left = {"planted": 0, "recalled": 0, "kept": 0, "traces": 0, "traces_closed": 0}
    asked: list[tuple[str, str]] = []
    figures: dict[str, object] = {}
    with tempfile.TemporaryDirectory() as scratch:
        for history in histories():
            path = Path(scratch) / f"{history.name}.sqlite"
            memory = Memory(path, embed=embed, now=lambda: NOW)
            ids = fill(memory, history)
            memory.warm()                                # as the app does after each turn
            for question in history.questions:
                found = recollections(memory, question.text, history.language)
                asked.append((question.text, history.language))
                if question.kind == "never":
                    quiet[history.language].append(threshold is not None and not any(r.score > threshold for r in found))
                    continue
                ok = right(question, found, ids, history)
                outcomes.append((history.language, question.kind, ok))
                gold = [r for r in found if any(holds(r, ids[g], history.labelled(g).text) for g in question.gold)]
                heard[history.language].append(threshold is None or any(r.score > threshold for r in gold))
                if options.show and not ok:
                    print(f"{history.name} [{question.kind}] {question.text}\n" + "".join(f"      {r.score:.3f} {r.kind}: {r.text}\n" for r in found))
            words = tuple(w for f in history.forgettings for w in f.words)
            for name, value in run_forgetting(memory, path, history, ids).items():
                left[name] += value
            if hasattr(memory, "close"):
                memory.close()
            left["traces_closed"] += traces(path, words)
        if options.facts:
            path = Path(scratch) / "crowd.sqlite"
            memory = Memory(path, embed=embed, now=lambda: NOW)
            for history in histories():
                fill(memory, history)
            began = time.perf_counter()
            facts, told = crowd(memory, options.facts)
            took = time.perf_counter() - began
            memory.warm()
            ms = timed(memory, asked)
            figures |= {"facts": facts, "crowd_messages": told, "heard_ms": 1000 * took / told, "p50_ms": statistics.median(ms),
                        "p95_ms": sorted(ms)[int(0.95 * len(ms))], "file_mb": path.stat().st_size / 2**20}
            if hasattr(memory, "close"):
                memory.close()
    return {**tally(outcomes, quiet, heard), **figures, "traces": left["traces"] + left["traces_closed"], "planted": left["planted"],
            "recalled_after_forget": left["recalled"]}


def share(values: list[bool]) -> float:
    return sum(values) / len(values) if values else 0.0


def tally(outcomes: list[tuple[str, str, bool]], quiet: dict[str, list[bool]], heard: dict[str, list[bool]]) -> dict[str, object]:
    """Shares by language, the worse of both, and by kind."""
    figures: dict[str, object] = {"questions": len(outcomes) + sum(map(len, quiet.values()))}
    by = {lang: share([ok for language, _, ok in outcomes if language == lang]) for lang in LANGUAGES}
    figures |= {f"recall_at_{MOST}_{lang}": value for lang, value in by.items()} | {f"recall_at_{MOST}": min(by.values())}
    for kind in KINDS[:-1]:
        shares = {lang: share([ok for language, k, ok in outcomes if (language, k) == (lang, kind)]) for lang in LANGUAGES}
        figures |= {f"recall_{kind}_{lang}": value for lang, value in shares.items()} | {f"recall_{kind}": min(shares.values())}
    for name, values in (("never_quiet", quiet), ("told_heard", heard)):
        figures |= {f"{name}_{lang}": share(values[lang]) for lang in LANGUAGES} | {name: min(share(values[lang]) for lang in LANGUAGES)}
    return figures
