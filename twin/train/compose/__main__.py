"""`python -m twin.train.compose --n 300000 --seed 1 --out FILE.jsonl [--language en|zh|both]`: one exchange a line. `--show 40` prints some to read."""
from __future__ import annotations

import argparse
import json
import sys
import time
from collections import Counter
from pathlib import Path

from .exchanges import Exchange, compose


def main(argv: list[str] | None = None) -> int:
    ask = argparse.ArgumentParser(prog="python -m twin.train.compose", description=__doc__)
    ask.add_argument("--n", type=int, default=300_000)
    ask.add_argument("--seed", type=int, default=1)
    ask.add_argument("--language", choices=("en", "zh", "both"), default="both")
    ask.add_argument("--out", type=Path)
    ask.add_argument("--show", type=int, default=0, help="print so many to be read, write nothing")
    given = ask.parse_args(argv)
    if given.show:
        for e in compose(given.show, given.seed, given.language):
            show(e)
        return 0
    if given.out is None:
        ask.error("say where to: --out FILE.jsonl, or --show 40")
    began, kinds, part = time.monotonic(), Counter[str](), given.out.with_name(given.out.name + ".part")
    with part.open("w", encoding="utf-8") as file:
        for e in compose(given.n, given.seed, given.language):
            kinds[e.kind] += 1
            file.write(json.dumps(e.to_dict(), ensure_ascii=False) + "\n")
    part.replace(given.out)                              # whole or not there
    print(f"{sum(kinds.values()):,} exchanges in {time.monotonic() - began:.0f} s -> {given.out}; {dict(kinds.most_common())}", file=sys.stderr)
    return 0


def show(e: Exchange) -> None:
    print(f"\n[{e.language} {e.kind}] {e.name}")
    for i, fact in enumerate(e.facts):
        print(f"  {'*' if i == e.source else ' '} {fact}")
    for user, twin in e.before:
        print(f"    > {user}\n    < {twin}")
    print(f"    > {e.ask}\n    < {e.say}")


if __name__ == "__main__":
    raise SystemExit(main())
