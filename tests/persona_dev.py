"""How far the embedded mind answers from cards that nobody wrote lines for: `python tests/persona_dev.py [en|zh] [-v]` prints the shares of tests/data/persona_dev.

Each card is one talk: its questions in order, false suggestions, the questions once more (what was said stays said); what no fact tells and provocations begin anew."""
# ruff: noqa: B008, B023 - each function is used within its own turn of the loop
from __future__ import annotations

import re
import sys
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


def measure(language: str, embed, verbose: bool = False, of: str = "") -> dict[str, tuple[int, int]]:
    """Shares as (right, of): facts, again, abstain, wrong (suggestions corrected), character."""
    from persona.card import Persona
    from persona.mind import Mind

    counts: dict[str, list[bool]] = {kind: [] for kind in ("facts", "again", "abstain", "wrong", "character")}
    slow: list[float] = []
    for row in yaml.safe_load((HERE / "data" / "persona_dev" / f"{of}{language}.yaml").read_text("utf-8")):
        mind = Mind(Persona.parse(row["card"]), None, embed)
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


if __name__ == "__main__":
    from twin.registry import Registry
    from twin.settings import load

    embed = Registry(load([])).embed
    for language in [one for one in ("en", "zh") if one in sys.argv] or ["en", "zh"]:
        for of in ("", "more."):
            measure(language, embed, "-v" in sys.argv, of)
