"""Imports Gradio in half its time.

At every import Gradio reads the source of each of its components again to write stub files for editors (`create_or_modify_pyi`): 2 of its 5
seconds. It leaves out classes whose file cannot be found, so while it is being imported, those of its own cannot.
"""
from __future__ import annotations

import inspect
from typing import Any

_getfile = inspect.getfile


def _elsewhere(thing: Any) -> str:
    if isinstance(thing, type) and thing.__module__.startswith("gradio."):
        raise OSError("no stub file is wanted")
    return _getfile(thing)


inspect.getfile = _elsewhere  # type: ignore[assignment]
try:
    import gradio  # noqa: F401
finally:
    inspect.getfile = _getfile
