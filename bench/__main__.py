"""`python -m bench` lists the figures; `python -m bench NAME [options] --json FILE` prints a table and writes one flat JSON object."""
from __future__ import annotations

import argparse
import importlib
import json
import pkgutil
import sys
from pathlib import Path

import bench

NOT_FIGURES = {"__main__", "client", "fortress", "house", "kills", "lips_audio", "loopback", "malice", "siege", "sounds", "watched"}      # parts of others


def names() -> list[str]:
    return sorted(m.name for m in pkgutil.iter_modules(bench.__path__) if m.name not in NOT_FIGURES and not m.ispkg)


def table(figures: dict[str, object]) -> str:
    width = max(map(len, figures), default=0)
    return "\n".join(f"{key:<{width}}  {value:.4g}" if isinstance(value, float) else f"{key:<{width}}  {value}" for key, value in figures.items())


def main() -> int:
    if len(sys.argv) < 2 or sys.argv[1].startswith("-"):
        for name in names():
            print(f"{name:<10} {(importlib.import_module(f'bench.{name}').__doc__ or '').strip().splitlines()[0]}")
        return 0
    name = sys.argv[1]
    if name not in names():
        print(f"There is no figure called {name!r}. There are: {', '.join(names())}.")
        return 2
    module = importlib.import_module(f"bench.{name}")
    parser = argparse.ArgumentParser(prog=f"python -m bench {name}", description=module.__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--json", type=Path, help="write the figures there, as one flat JSON object")
    module.options(parser)
    options = parser.parse_args(sys.argv[2:])
    figures = module.run(options)
    print(table(figures))
    if options.json:
        options.json.write_text(json.dumps(figures, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
