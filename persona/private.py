"""What a twin knows and its owner keeps: a fact or an example marked private is used in talks at home, and goes nowhere with a twin that is shared.

In a form the mark is a word before the text, `private: my sister's name is Ida`, or 私密：; in persona.yaml and lines.*.yaml it is the field
`private: true`. A text that is edited keeps its mark, for the mark is part of what is edited.
"""
from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

import yaml

WORD = "private: "
_MARK = re.compile(r"\s*[\[(（【]?\s*(?:private|私密)\s*[\])）】]?\s*[:：]\s*", re.IGNORECASE)
_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


def unmarked(text: str) -> tuple[str, bool]:
    """(the text without the mark, whether it had one)"""
    found = _MARK.match(text)
    return (text[found.end():], True) if found else (text, False)


def marked(text: str, private: bool = True) -> str:
    return WORD + text if private and text else text


def public(name: str, raw: bytes) -> bytes:
    """persona.yaml or a lines.*.yaml (as checked by its reader before) without what is private; other files, and those without, as they are."""
    if not name.endswith(".yaml"):
        return raw
    data: Any = yaml.load(raw.decode("utf-8-sig"), _LOADER)
    if isinstance(data, Mapping):
        facts = data.get("facts")
        items = facts if isinstance(facts, list) else [] if facts is None else [facts]
        left = [item for item in items if not _hidden(item)]
        kept: Any = {**data, "facts": left}
        if gone := len(left) < len(items):
            kept["lorebook"] = _without(data.get("lorebook"), [text for item in items if _hidden(item) for text in _texts(item)])
    else:
        hidden = {str(line.get("id")) for line in data if _hidden(line)}
        while more := {str(line.get("id")) for line in data if str(line.get("follow") or "") in hidden} - hidden:
            hidden |= more                               # what only makes sense after it goes with it
        kept = [line for line in data if str(line.get("id")) not in hidden]
        gone = bool(hidden)
    return str(yaml.safe_dump(kept, allow_unicode=True, sort_keys=False, width=160)).encode() if gone else raw


def _without(book: Any, hidden: list[str]) -> Any:
    """A lorebook without the entries in which one of these sentences stands."""
    entries = book.get("entries") if isinstance(book, Mapping) else None
    if not isinstance(entries, list):
        return book
    return {**book, "entries": [entry for entry in entries if not any(text in str(entry.get("content", "")) for text in hidden)]}


def _hidden(item: Any) -> bool:
    """Whether a fact or a line says that it is private, by its field or before any of its texts."""
    if isinstance(item, str):
        return unmarked(item)[1]
    if not isinstance(item, Mapping):
        return False
    return bool(item.get("private")) or any(unmarked(text)[1] for text in _said(item))


def _said(item: Mapping[str, Any]) -> list[str]:
    return [text for value in item.values() for text in (value if isinstance(value, list) else [value]) if isinstance(text, str)]


def _texts(item: Any) -> list[str]:
    """What a fact says, without its mark."""
    return [said for text in ([item] if isinstance(item, str) else _said(item)) if (said := unmarked(text)[0].strip())]
