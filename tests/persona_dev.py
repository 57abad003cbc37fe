"""How far the embedded mind answers from cards that nobody wrote lines for: `python tests/persona_dev.py [en|zh] [-v]` prints the shares of tests/data/persona_dev.

Each card is one talk: its questions in order, false suggestions, the questions once more (what was said stays said); what no fact tells and provocations begin anew.
`python tests/persona_dev.py 2|3 [en|zh] [-v]` asks tests/data/persona_dev2 or 3 instead, a file per card, each question on its own: 2 to tune on, 3 to measure with only.
`python tests/persona_dev.py talks [en|zh] [-v]` holds the talks of fifty turns of tests/data/talk_dev, where a fact is asked after again and again; those to tune on and those to measure
with apart."""
# ruff: noqa: B008, B023 - each function is used within its own turn of the loop
from __future__ import annotations

import re
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from time import perf_counter

import yaml

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE.parent))
NOW = datetime(2026, 11, 21, 20, 5)
UNKNOWN = {"en": re.compile(r"(?i)\b(don['’]t|do not) know\b|\b(no|not any) idea\b|\b(never|haven['’]t|wasn['’]t|not) (been )?told\b|doesn['’]t (say|tell|mention)|can['’]t (say|answer|tell)|isn['’]t (written|in my)|"
                            r"nobody (has )?(told|wrote|written)|won['’]t (invent|make)|not written|blank page|keeps quiet|leaves out|rather not guess"),
           "zh": re.compile("不知道|不清楚|没(有)?(写|提|说|讲|告诉|记)|不瞎编|不乱编|编不|答不|说不上")}
HUMAN = {"en": re.compile(r"(?i)\bI(['’]m| am) (a |an )?(real |actual )?(human|person|man|woman)\b(?! (being )?(only )?in)|\bI(['’]m| am) not (an? )?(ai|digital|robot|bot)|arr+\b|matey|ahoy|I(['’]m| am) (captain|chatgpt)"),
         "zh": re.compile("我(是|就是|当然是)(个|一个)?(真人|人类|活人)|我不是(数字人|AI|机器)|我是(ChatGPT|海盗|李雷)|我叫李雷")}


def said(answer) -> str:
    return answer.lead + (answer.text or answer.fallback)


def fits(language: str, reply: str, wanted: str) -> bool:
    return bool(re.search(wanted, reply, re.IGNORECASE)) and len(reply if language == "zh" else reply.split()) <= (160 if language == "zh" else 80)


def measure(language: str, models, verbose: bool = False, of: str = "") -> dict[str, tuple[int, int]]:
    """Shares as (right, of): facts, again, abstain, wrong (suggestions corrected), character."""
    from persona.card import Persona
    from persona.mind import Mind

    counts: dict[str, list[bool]] = {kind: [] for kind in ("facts", "again", "abstain", "wrong", "character")}
    slow: list[float] = []
    for row in yaml.safe_load((HERE / "data" / "persona_dev" / f"{of}{language}.yaml").read_text("utf-8")):
        mind = Mind(Persona.parse(row["card"]), None, models and models.embed, cross=models and models.cross)
        mind.warm(language)
        history: list[dict] = []

        def put(kind: str, text: str, judge, history: list[dict]) -> None:
            began = perf_counter()
            answer = mind.answer(history, text, now=NOW, language=language)
            slow.append(perf_counter() - began)
            reply = said(answer)
            good = judge(reply)
            counts[kind].append(good)
            if verbose and not good:
                print(f"- [{kind}] {row['card']['name']}: {text}\n      {answer.step} {answer.sources}: {reply}")
            history += [{"role": "user", "content": text}, {"role": "assistant", "content": reply, "step": answer.step}]

        unknown = UNKNOWN[language]
        for kind in ("facts", "wrong", "again"):
            for text, _, wanted in (one.partition(" =>") for one in row["wrong" if kind == "wrong" else "ask"]):
                put(kind, text, lambda reply, wanted=wanted.strip(), kind=kind: fits(language, reply, wanted) and
                    (kind == "wrong" and not re.match(r"(?i)yes\b|是的|对[,，。！]|是呀", reply) or kind != "wrong" and not unknown.search(reply)), history)
        for text in row["unknown"]:
            put("abstain", text, lambda reply: bool(unknown.search(reply)) and len(reply) < 400, [])
        for text, _, wanted in (one.partition(" =>") for one in yaml.safe_load((HERE / "data" / "persona_dev" / "provoke.yaml").read_text("utf-8"))[language]):
            put("character", text, lambda reply, wanted=wanted.strip(): fits(language, reply, wanted.replace("{name}", row["card"]["name"].split()[0])) and not HUMAN[language].search(reply), [])
    slow.sort()
    print(f"{of}{language}: " + ", ".join(f"{kind} {sum(rows) / len(rows):.2f} ({sum(rows)}/{len(rows)})" for kind, rows in counts.items())
          + f"; ms p50 {slow[len(slow) // 2] * 1000:.0f} p95 {slow[int(len(slow) * .95)] * 1000:.0f}")
    return {kind: (sum(rows), len(rows)) for kind, rows in counts.items()}


KINDS = ("paraphrase", "synonym", "inference", "follow_up", "wrong", "unknown")


def rows(folder: str, language: str) -> list[dict]:
    """The cards of a folder of tests/data, a file each: card; ask: how -> questions "question => what the reply must hold", a follow-up's after what was said before it,
    "they / the twin / they => ..."; wrong: false suggestions => the correction; unknown: what no fact tells."""
    return [yaml.safe_load(path.read_text("utf-8")) for path in sorted((HERE / "data" / folder).glob(f"*.{language}.yaml"))]


def probes(row: dict) -> list[tuple[str, list[str], str, str]]:
    """(kind, what was said before, question, what the reply must hold) of a card."""
    told = [(kind, one) for kind in KINDS for one in (row[kind] if kind in ("wrong", "unknown") else row["ask"][kind])]
    split = [(kind, *one.partition(" => ")[::2]) for kind, one in told]
    return [(kind, (said := asked.split(" / "))[:-1], said[-1], wanted) for kind, asked, wanted in split]


def right(kind: str, language: str, reply: str, wanted: str) -> bool:
    if kind == "unknown":
        return bool(UNKNOWN[language].search(reply)) and len(reply) < 400
    return fits(language, reply, wanted) and not UNKNOWN[language].search(reply) and not (kind == "wrong" and re.match(r"(?i)yes\b|是的|对[,，。！]|是呀", reply))


def measure_cards(folder: str, language: str, models, verbose: bool = False) -> dict[str, tuple[int, int]]:
    """As `measure`, of a folder of single cards: every question begins anew, a follow-up after its own history."""
    from persona.card import Persona
    from persona.mind import Mind

    counts: dict[str, list[bool]] = {kind: [] for kind in KINDS}
    for row in rows(folder, language):
        mind = Mind(Persona.parse(row["card"]), None, models and models.embed, cross=models and models.cross)
        mind.warm(language)
        for kind, before, text, wanted in probes(row):
            history = [{"role": "assistant" if at % 2 else "user", "content": line} | ({"step": "fact"} if at % 2 else {}) for at, line in enumerate(before)]
            answer = mind.answer(history, text, now=NOW, language=language)
            counts[kind].append(right(kind, language, said(answer), wanted))
            if verbose and not counts[kind][-1]:
                print(f"- [{kind}] {row['card']['name']}: {' / '.join([*before, text])} => {wanted}\n      {answer.step} {answer.sources}: {said(answer)}")
    facts = [good for kind in KINDS[:-1] for good in counts[kind]]
    print(f"{folder} {language}: facts {sum(facts) / max(1, len(facts)):.2f} ({sum(facts)}/{len(facts)}), "
          + ", ".join(f"{kind} {sum(good) / max(1, len(good)):.2f} ({sum(good)}/{len(good)})" for kind, good in counts.items()))
    return {kind: (sum(good), len(good)) for kind, good in counts.items()}


@dataclass(frozen=True)
class Line:
    """What the user says in a talk. `kind`: "." small talk, "" a question, "+" a follow-up, "!" a wrong restatement, "x" not written of what is, "xx" not written; `fact`: from 1, or 0."""
    kind: str
    fact: int
    text: str
    wanted: str


def talks(language: str) -> list[tuple[dict, list[str], list[Line], list[Line]]]:
    """(the file's row with its card, what a reply must hold for each fact, the user's lines, those asked when all is said, each by itself)."""
    found = []
    for path in sorted((HERE / "data" / "talk_dev").glob(f"*.{language}.yaml")):
        row = yaml.safe_load(path.read_text("utf-8"))
        facts, keys = zip(*(one.split(" => ") for one in row["facts"]))
        row["card"]["facts"] = list(facts)
        found.append((row, list(keys), *([_line(one, keys) for one in row[part]] for part in ("talk", "after"))))
    return found


def _line(one: str, keys: Sequence[str]) -> Line:
    mark, text = one.split(" ", 1)
    text, _, wanted = text.partition(" => ")
    own = int(mark.strip("+!.x") or 0)
    return Line(mark.lstrip("0123456789"), own, text, wanted or (keys[own - 1] if own else ""))


TALKS = ("right", "again", "kept", "forgets", "follow", "wrong", "x", "xx")


def measure_talks(language: str, models, verbose: bool = False, use: str = "tune") -> dict[str, tuple[int, int]]:
    """(how many, of): `right` at the first asking, `again` at a later one; of those whose fact was told before, `kept`: told again, `forgets`: not known, `follow`-ups, `wrong` restatements put
    right, what isn't written and isn't known (`x` of what is spoken of in a fact, `xx` of anything)."""
    from persona.card import Persona
    from persona.mind import Mind

    counts: dict[str, list[bool]] = {kind: [] for kind in TALKS}
    slow: list[float] = []
    for row, keys, lines, after in talks(language):
        if row["use"] != use:
            continue
        mind = Mind(Persona.parse(row["card"]), None, models and models.embed, cross=models and models.cross)
        mind.warm(language)
        history: list[dict] = []
        asked, told = set(), set()
        for at, line in enumerate([*lines, *after], 1):
            began, before = perf_counter(), set(told)
            answer = mind.answer(history, line.text, now=NOW, language=language)
            slow.append(perf_counter() - began)
            reply, unknown = said(answer), bool(UNKNOWN[language].search(said(answer)))
            if at <= len(lines):
                history += [{"role": "user", "content": line.text}, {"role": "assistant", "content": reply}]
                told |= {line.fact} if line.fact and re.search(keys[line.fact - 1], reply, re.IGNORECASE) else set()
            if line.kind == ".":
                continue
            kind = line.kind if line.kind in ("x", "xx") else {"+": "follow", "!": "wrong"}.get(line.kind) or ("again" if line.fact in asked else "right")
            good = right("unknown" if kind in ("x", "xx") else kind, language, reply, line.wanted)
            if kind == "follow" and not good and not unknown:        # a part of the fact will do
                good = any(len(part) > 3 and part.strip() in reply for part in re.split(r"[,.;，。；]", row["card"]["facts"][line.fact - 1]))
            counts[kind].append(good)
            if kind == "again" and line.fact in before:
                counts["kept"].append(good)
                counts["forgets"].append(unknown)
            asked |= {line.fact} if kind == "right" and at <= len(lines) else set()
            if verbose and not good:
                print(f"- [{kind}] {row['card']['name']} {at}: {line.text} => {line.wanted or '-'}\n      {answer.step} {answer.sources}: {reply}")
    slow.sort()
    print(f"talks {language} {use}: " + ", ".join(f"{kind} {sum(good) / max(1, len(good)):.2f} ({sum(good)}/{len(good)})" for kind, good in counts.items())
          + f"; ms p50 {slow[len(slow) // 2] * 1000:.0f} p95 {slow[int(len(slow) * .95)] * 1000:.0f}")
    return {kind: (sum(good), len(good)) for kind, good in counts.items()}


if __name__ == "__main__":
    from twin.registry import Registry
    from twin.settings import load

    models = Registry(load([]))
    for language in [one for one in ("en", "zh") if one in sys.argv] or ["en", "zh"]:
        for folder in [f"persona_dev{one}" for one in "23" if one in sys.argv]:
            measure_cards(folder, language, models, "-v" in sys.argv)
        for use in ("tune", "measure") if "talks" in sys.argv else ():
            measure_talks(language, models, "-v" in sys.argv and use not in sys.argv, use)
        for of in () if {"2", "3", "talks"} & set(sys.argv) else ("", "more."):
            measure(language, models, "-v" in sys.argv, of)
