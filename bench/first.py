"""The first minute: an exam of likely questions, judged reply by reply by a reader (bench/first/RUBRIC.md).

Runs both exams through the real conversation with the engines of the settings and holds each reply against the stored judgements. A reply
that nobody judged counts as not good. `--sheet DIR` writes what is still to be judged, `--show` prints the talk, `--lang` does one exam.
Sampling is on with a fixed seed and the clock stands still, so that a reply changes only when the product does.
"""
from __future__ import annotations

import asyncio
import hashlib
import json
from collections import Counter
from datetime import datetime
from pathlib import Path

HERE = Path(__file__).parent / "first"
NOW = datetime(2026, 11, 21, 20, 30)
IN_PLACE = {"follow_up", "my_name", "time"}              # kinds whose judgement depends on the dialogue so far


def options(parser) -> None:
    parser.add_argument("--lang", choices=("en", "zh"), action="append", help="only this exam; may be repeated")
    parser.add_argument("--sheet", type=Path, help="folder for unjudged.<lang>.jsonl: what a reader has still to judge")
    parser.add_argument("--show", action="store_true", help="print every question, step and reply")


def read(path: Path) -> list[dict]:
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines() if line.strip()] if path.exists() else []


def digest(turn: dict, before: list[dict], reply: str) -> str:
    """The hash under which a judgement is stored; RUBRIC.md says of what."""
    text = reply.strip()
    if turn["kind"] in IN_PLACE:
        lines = [NOW.strftime("%Y-%m-%d %H")] if turn["kind"] == "time" else []
        for row in before:
            lines += [row["text"], row["reply"].strip()]
        text = "\n".join([*lines, turn["text"], text])
    return hashlib.sha256(text.encode()).hexdigest()[:16]


async def sit(turns: list[dict], language: str, registry) -> list[dict]:
    """Every turn with its reply, step and hash, each dialogue a new conversation that begins with the greeting."""
    from twin.meet import Host, twin_of
    from twin.store import DEFAULTS
    from twin.types import Thought

    host, rows = Host(registry), []
    twins = {name: twin_of(HERE / name if "/" in name else DEFAULTS / name) for name in dict.fromkeys(t["twin"] for t in turns)}
    for name in dict.fromkeys(t["dialogue"] for t in turns):
        dialogue = [t for t in turns if t["dialogue"] == name]
        events: list = []
        talk = host.converse(twins[dialogue[0]["twin"]], events.append, language, ear=False, now=lambda: NOW, sampling={"seed": 7})
        await talk.greet()
        await talk.settled()
        before: list[dict] = []
        for turn in sorted(dialogue, key=lambda t: t["turn"]):
            events.clear()
            await talk.ask(turn["text"])
            await talk.settled()
            said = talk.history[-1] if talk.history and talk.history[-1]["role"] == "assistant" else {"content": "", "step": "none"}
            steps = [e.step for e in events if isinstance(e, Thought)]
            row = turn | {"language": language, "reply": said["content"], "step": said.get("step", ""), "asked_model": steps[:1] == ["model"]}
            row["reply_hash"] = digest(turn, before, row["reply"])
            before.append(row)
            rows.append(row)
    return rows


def run(options) -> dict[str, object]:
    from twin.registry import Registry
    from twin.settings import load

    registry = Registry(load([]))
    figures: dict[str, object] = {}
    steps: Counter[str] = Counter()
    asked = kept = claims = 0
    for language in options.lang or ("en", "zh"):
        turns = read(HERE / f"exam.{language}.jsonl")
        rows = asyncio.run(sit(turns, language, registry))
        verdicts = {(v["id"], v["reply_hash"]): v for v in read(HERE / f"judged.{language}.jsonl")}
        for row in rows:
            row["verdict"] = verdicts.get((row["id"], row["reply_hash"]))
        good = [bool(r["verdict"] and r["verdict"]["good"]) for r in rows]
        ours = ["/" not in r["twin"] for r in rows]
        figures |= {f"good_{language}": sum(good) / len(rows), f"turns_{language}": len(rows),
                    f"good_default_{language}": sum(g for g, o in zip(good, ours) if o) / sum(ours),
                    f"good_made_up_{language}": sum(g for g, o in zip(good, ours) if not o) / (len(ours) - sum(ours)),
                    f"unjudged_{language}": sum(r["verdict"] is None for r in rows)}
        claims += sum(bool(r["verdict"] and r["verdict"]["human_claim"]) for r in rows)
        steps.update(r["step"] for r in rows)
        asked += sum(r["asked_model"] for r in rows)
        kept += sum(r["asked_model"] and r["step"] == "model" for r in rows)
        if options.show:
            for r in rows:
                mark = "?" if r["verdict"] is None else "+" if r["verdict"]["good"] else "-"
                print(f"{mark} {r['id']} {r['twin']} [{r['kind']}] {r['text']}\n      {r['step']}: {r['reply']}")
        if options.sheet:
            options.sheet.mkdir(parents=True, exist_ok=True)
            open_rows = [{k: r[k] for k in ("id", "dialogue", "twin", "turn", "kind", "text", "reply", "step", "must", "must_not", "reply_hash")}
                         for r in rows if r["verdict"] is None]
            (options.sheet / f"unjudged.{language}.jsonl").write_text("".join(json.dumps(r, ensure_ascii=False) + "\n" for r in open_rows), encoding="utf-8")
    figures |= {"human_claims": claims, "model_asked": asked, "model_kept": kept, "model_kept_share": kept / asked if asked else 0.0}
    figures |= {f"step_{step}": count for step, count in sorted(steps.items())}
    return figures
