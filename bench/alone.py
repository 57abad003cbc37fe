"""A twin in one file: its size, and how often its page answers as the server does.

`own_agree`: every way of asking for the twin's own lines; `left_out_agree`: the same with that very way taken out of the page, so that only others
find it; `exam_agree`: the first questions of bench/first/exam.*.jsonl, which no line was written for. An answer agrees when it comes from the same line,
rule or fact as the server's, or says the same words; where the server would let its model speak, what it falls back to counts. `wrong`: of what does
not agree, the share in which the page says something else rather than that it doesn't know. Over --twins, both languages; nothing is spoken.
"""
from __future__ import annotations

import asyncio
import json
import time
from contextlib import aclosing
from datetime import datetime
from pathlib import Path
from typing import Any

FLAGS = ["--no-sandbox", "--use-angle=swiftshader", "--enable-unsafe-swiftshader"]
EXAM = Path(__file__).parent / "first"


def options(parser: Any) -> None:
    parser.add_argument("--twins", default="maya,lin")
    parser.add_argument("--every", type=int, default=5, help="of the ways of asking, take each so-and-so-manieth")
    parser.add_argument("--answers", type=int, default=0, help="how many answers are spoken, of a language")


def run(options: Any) -> dict[str, object]:
    figures: dict[str, object] = {}
    sums: dict[str, list[bool]] = {}
    for name in options.twins.split(","):
        page, seconds, rows = asyncio.run(_asked(name, options))
        figures |= {f"{name}_mb": round(len(page) / 2**20, 2), f"{name}_made_s": round(seconds, 1)}
        for (kind, language), agreed, wrong in _compared(page, rows):
            for key in (f"{kind}_agree", f"{kind}_agree_{language}"):
                sums.setdefault(key, []).append(agreed)
            if not agreed:
                sums.setdefault(f"{kind}_wrong", []).append(wrong)
    return figures | {key: round(sum(values) / len(values), 3) for key, values in sorted(sums.items())}


async def _asked(name: str, options: Any) -> tuple[bytes, float, list[dict[str, Any]]]:
    """(the page, seconds it took, [{kind, language, text, sources, words: what the server says}])."""
    from twin.meet import Host
    from twin.registry import Registry
    from twin.settings import load
    from twin.share import alone
    from twin.store import Twins
    registry = Registry(load())
    host, twin = Host(registry), Twins()[name]
    try:
        began = time.perf_counter()
        async with aclosing(alone.html(host, twin, answers=options.answers)) as steps:
            async for step in steps:                     # noqa: B007  the last one has the page
                pass
        seconds = time.perf_counter() - began
        rows = []
        for language in ("en", "zh"):
            asks = [(kind, ask) for line in host.lines(twin)[language] if not line.follow for ask in line.ask for kind in ("own", "left_out")]
            asks = [pair for number, pair in enumerate(asks) if number // 2 % options.every == 0]
            exam = map(json.loads, (EXAM / f"exam.{language}.jsonl").read_text("utf-8").splitlines())
            asks += [("exam", row["text"]) for row in exam if row["twin"] == name and row["turn"] == 1]
            for kind, ask in asks:
                said = await registry.crew().mind.run(lambda ask=ask, language=language: host.mind(twin).answer((), ask, now=datetime.now(), language=language))
                rows.append({"kind": kind, "language": language, "text": ask, "sources": list(said.sources), "words": said.text or said.fallback,
                             "step": said.step if said.text else said.fallback_step})
    finally:
        registry.close()
    return step.data, seconds, rows


def _compared(page: bytes, rows: list[dict[str, Any]]) -> list[tuple[tuple[str, str], bool, bool]]:
    """((kind, language), whether the page agrees, whether it says something else instead) for each row."""
    import shutil
    import tempfile

    from playwright.sync_api import sync_playwright
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as play:
        file = Path(folder) / "twin.html"
        file.write_bytes(page)
        browser = play.chromium.launch(executable_path=shutil.which("chromium"), args=FLAGS)
        tab = browser.new_context(offline=True).new_page()
        tab.goto(file.as_uri())
        tab.wait_for_function("window.twin")
        found = tab.evaluate(ASK, [[row["text"], row["language"], row["kind"] == "left_out"] for row in rows])
        browser.close()
    out = []
    for row, (own, words, step) in zip(rows, found, strict=True):
        agreed = row["sources"][:1] == [own] or words == row["words"] or row["step"] == step == "unknown"
        out.append(((row["kind"], row["language"]), agreed, step != "unknown"))
    return out


ASK = """(rows) => { const { mind, says } = window.twin;
  return rows.map(([text, language, without]) => { mind.clear(); mind.leaveOut(without ? text : ""); const found = mind.answer(text, language);
    return [found.id, says[found.language][found.say][0], found.step]; }); }"""
