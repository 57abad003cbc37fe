"""Who may import whom, as docs/tour.md draws it."""
from __future__ import annotations

import ast
import subprocess
import sys

import pytest
from conftest import ROOT

FREE = {"types", "errors", "streams", "text"}
ALLOWED = {                                              # room -> rooms of twin/ it may import, and whether persona
    "types": (set(), False), "errors": (set(), False), "streams": ({"errors"}, False), "text": ({"errors"}, False),
    "devices": ({"types", "errors"}, False), "settings": ({"types", "errors"}, False), "users": ({"types", "errors"}, False),
    "conversation": ({"turn", "calls", "streams", "text", "types", "errors"}, False), "turn": ({"text", "types"}, False), "calls": ({"types"}, False),
    "registry": ({"catalogue", "fetch", "streams", "devices", "settings", "types", "errors"}, False),
    "catalogue": ({"devices"}, False), "fetch": ({"catalogue", "devices", "errors"}, False),
    "store": ({"trust", "types", "errors"}, True),
    "trust": ({"credentials", "settings", "types", "errors"}, False), "credentials": ({"types", "errors"}, False),
    "share": ({"mask", "store", "trust", "codec", "devices", "silero", "think", "types", "errors"}, True),
    "create": ({"mask", "store", "trust", "paint", "speak", "types", "errors"}, True),
    "mask": (set(), False), "me": ({"share", "store", "errors"}, True),
    "render": ({"conversation", "meet", "store", "trust", "speak", "paint", "animate", "registry", "settings", "streams", "text", "types", "errors"}, True),
    "train": ({"studio", "speak", "listen", "think", "animate", "paint", "devices", "text", "types", "errors"}, True),
    "studio": ({"paint", "devices", "errors"}, False),
    "codec": ({"types", "errors"}, False), "certificate": ({"types", "errors"}, False),
    "silero": ({"errors"}, False),
    "listen": ({"silero", "types", "errors", "devices"}, False), "think": ({"types", "errors", "devices"}, False),
    "speak": ({"silero", "types", "errors", "devices"}, False),
    "paint": ({"types", "errors", "devices"}, False), "animate": ({"types", "errors", "devices"}, False),
    "read": ({"errors"}, False),
    "wire": ({"catalogue", "fetch", "devices", "read", "conversation", "codec", "store", "users", "registry", "settings", "streams", "text", "types", "errors", "listen",
              "create", "trust", "render", "share", "me", "studio"}, True),
    "page": ({"conversation", "wire", "codec", "users", "store", "registry", "settings", "types", "errors"}, True),
    "logs": ({"errors"}, False),
    "serve": ({"share", "logs", "users", "page", "wire", "meet", "create", "render", "certificate", "registry", "settings", "store", "types", "errors"}, False),
    "meet": ({"conversation", "registry", "store", "types", "errors"}, True),
    "doctor": ({"catalogue", "registry", "settings", "store", "devices", "think", "types", "errors"}, False),
    "commands": ({"read", "me", "publish", "share", "registry", "create", "trust", "store", "meet", "users", "settings", "types", "errors"}, True),
    "publish": ({"commands", "share", "store", "errors"}, False),
    "__main__": ({"commands", "meet", "create", "trust", "render", "users", "doctor", "conversation", "registry", "settings", "store", "devices", "types", "errors", "wire", "codec", "text"}, True),
}


def sources(folder: str):
    return sorted((ROOT / folder).rglob("*.py"))


def imported(path):
    """Absolute dotted names of everything a file imports."""
    package = path.relative_to(ROOT).with_suffix("").parts[:-1]
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = ".".join(package[: len(package) - node.level + 1]) if node.level else ""
            name = ".".join(part for part in (base, node.module or "") if part)
            if name in ("twin", "persona") or (node.level and not node.module):
                yield from (f"{name}.{alias.name}" for alias in node.names)
            else:
                yield name


@pytest.mark.parametrize("path", sources("twin"), ids=lambda p: str(p.relative_to(ROOT)))
def test_the_arrows_between_rooms(path):
    parts = path.relative_to(ROOT / "twin").with_suffix("").parts
    room = parts[0]
    if room == "__init__":
        assert not [name for name in imported(path) if name != "__future__"]
        return
    assert room in ALLOWED, f"a new room: say in docs/tour.md and here whom {room} may import"
    rooms, persona = ALLOWED[room]
    for name in imported(path):
        top, _, rest = name.partition(".")
        if top == "twin" and rest:
            other = rest.split(".")[0]
            assert other == room or other in rooms, f"{room} must not import twin.{rest}"
        if top == "persona":
            assert persona, f"{room} must not import persona"


@pytest.mark.parametrize("path", sources("persona"), ids=lambda p: str(p.relative_to(ROOT)))
def test_persona_needs_only_numpy_and_yaml(path):
    for name in imported(path):
        top = name.split(".")[0]
        assert top in {"persona", "numpy", "yaml"} or top in sys.stdlib_module_names, f"persona must not import {name}"


def test_import_twin_is_light():
    code = ("import sys, twin, twin.types, twin.conversation, twin.registry; "
            "print(sorted(set(sys.modules) & {'torch', 'gradio', 'transformers', 'onnxruntime', 'cv2'}))")
    out = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    assert out.strip() == "[]"
