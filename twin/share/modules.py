"""The page's own modules as one script: small, plain ES modules, each in a function of its own, in the order in which they need each other.

Only what our modules use is understood: imports of named things from files beside, `import("./x.js")`, and `export` before a declaration. Anything
else is refused, not guessed at.
"""
from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path

from ..errors import TwinError

_IMPORT = re.compile(r'^import\s+(?:\{([^}]*)\}\s+from\s+)?"\./(\w+\.js)";?[^\S\n]*$', re.MULTILINE)
_LATE = re.compile(r'\bimport\("\./(\w+\.js)"\)')
_EXPORT = re.compile(r"^export\s+(?=(?:async\s+function|function|class|const)\b)", re.MULTILINE)
_NAMED = re.compile(r"^export\s+(?:async\s+)?(?:class|function)\s+(\w+)", re.MULTILINE)
_NOTE = re.compile(r"/\*\*.*?\*/", re.DOTALL)            # JSDoc: types are for the editor, and name files


def joined(entry: str, folder: Path, stand_ins: Mapping[str, str] = {}) -> str:
    """One script of `entry` and all it needs. `stand_ins`: file -> the file that takes its place. Raises TwinError for what cannot be joined."""
    bodies: dict[str, str] = {}
    wanted: dict[str, set[str]] = {}
    order: list[str] = []
    _gather(entry, folder, stand_ins, bodies, wanted, order, ())
    for file, names in wanted.items():
        if missing := names - _exported((folder / file).read_text(encoding="utf-8")):
            raise TwinError(f"{file} has no {', '.join(sorted(missing))}, which another module needs.", "Export it there.")
    parts = [f"const {_name(file)} = (() => {{\n{bodies[file].strip()}\nreturn {{ {', '.join(sorted(wanted.get(file, ())))} }};\n}})();" for file in order]
    script = "\n".join(parts)
    if re.search(r"</script|<!--", script, re.IGNORECASE):
        raise TwinError(f"{entry} would end the page it stands in.", "Write that string in two parts.")
    return script


def _exported(text: str) -> set[str]:
    return set(re.findall(r"^export\s+(?:async\s+)?(?:function\*?|class|const)\s+(\w+)", text, re.MULTILINE))


def _name(file: str) -> str:
    return "$" + file.removesuffix(".js")


def _gather(file: str, folder: Path, stand_ins: Mapping[str, str], bodies: dict[str, str], wanted: dict[str, set[str]], order: list[str],
            above: tuple[str, ...]) -> None:
    if file in bodies:
        return
    if file in above:
        raise TwinError(f"The modules {' -> '.join((*above, file))} need each other.", "Move what both use into a third.")
    try:
        body = _NOTE.sub("", (folder / file).read_text(encoding="utf-8"))
    except OSError as error:
        raise TwinError(f"{folder / file} cannot be read: {error.strerror}.", "Install the app whole.") from None

    def need(other: str) -> str:
        other = stand_ins.get(other, other)
        _gather(other, folder, stand_ins, bodies, wanted, order, (*above, file))
        return other

    def statement(match: re.Match[str]) -> str:
        other = need(match.group(2))
        names = [part.split(" as ") for part in re.split(r"\s*,\s*", (match.group(1) or "").strip()) if part]
        wanted.setdefault(other, set()).update(name[0].strip() for name in names)
        inner = ", ".join(": ".join(part.strip() for part in name) for name in names)
        return f"const {{ {inner} }} = {_name(other)};" if names else ""

    def late(match: re.Match[str]) -> str:
        other = need(match.group(1))
        wanted.setdefault(other, set()).update(_NAMED.findall((folder / other).read_text(encoding="utf-8")))
        return f"Promise.resolve({_name(other)})"

    body = _LATE.sub(late, _IMPORT.sub(statement, body))
    body = _EXPORT.sub("", body)
    if odd := re.search(r"^(?:import|export)\b.*|\bimport\.meta\b.*", body, re.MULTILINE):
        raise TwinError(f"{file} cannot be joined: {odd.group()[:80]}", "Use named imports of files beside it and exports of declarations.")
    bodies[file] = re.sub(r"\n{2,}", "\n", body)
    order.append(file)
