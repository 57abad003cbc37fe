"""settings -> registry -> page -> serve: `python app.py`, `make run`, and the entry of a Hugging Face Space."""
from __future__ import annotations

import os
import sys

if os.environ.get("SPACES_ZERO_GPU"):
    import spaces  # noqa: F401  (on ZeroGPU, before anything that imports torch or Gradio)

from twin.errors import TwinError
from twin.settings import load


def main(argv: list[str]) -> int:
    """Serve until Ctrl-C or SIGTERM. Returns the exit status."""
    try:
        settings = load(argv)
        from twin.serve import Server
        server = Server(settings)
        server.start()
        print(server.welcome(), flush=True)
        server.wait()
    except TwinError as error:
        print(f"{error.message}\n{error.hint}".strip(), file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
