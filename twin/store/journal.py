"""An encrypted journal: a conversation of which each turn is appended and synced, and no word lies open on disk.

    one line of JSON: {"version": 1, "twin": id}                 in the open, so that a twin's conversations can be found and deleted
    then records: length (uint32, big-endian), nonce, ciphertext, tag; each bound to its number, so that none can be moved or dropped
    a record is JSON: {"keep": n, "add": [messages], "language", "when"}: the first n messages stay, the rest is said anew

A record that was cut off by a sudden end is not there. A journal that grows past its bound is written anew with what it still holds.
"""
from __future__ import annotations

import json
import os
import struct
from pathlib import Path
from typing import Any

from ..errors import Refused
from .places import replace
from .seal import seal, unseal

MOST_HEAD = 200                                          # bytes of the first line
_LENGTH = struct.Struct(">I")


def twin(path: Path) -> str:
    """The id of the twin it belongs to. Raises ValueError for what is no journal, OSError when it can't be read."""
    with path.open("rb") as file:
        head = json.loads(file.readline(MOST_HEAD))
    if head.get("version") != 1:
        raise ValueError("a journal of another version")
    return str(head["twin"])


def read(path: Path, key: bytes) -> dict[str, Any]:
    """{"history", "language", "when"}. Raises Refused with another key."""
    body, _, _ = _load(path, key)
    return body


def write(path: Path, key: bytes, name: str, about: dict[str, Any], history: list[dict[str, Any]], most: int) -> None:
    """Bring the journal up to `history`: one record of what is new, synced before this returns. `most`: bytes of the file."""
    try:
        body, count, end = _load(path, key)
        before = body["history"]
    except (OSError, ValueError, KeyError, TypeError, Refused):
        before, count, end = [], 0, 0
    keep = next((i for i, (old, new) in enumerate(zip(before, history)) if old != new), min(len(before), len(history)))
    record = _record(key, f"{path.stem} {count}", {"keep": keep, "add": history[keep:], **about})
    if end and end + len(record) <= most:
        with path.open("r+b") as file:
            file.truncate(end)                           # what a sudden end left of a record
            file.seek(end)
            file.write(record)
            file.flush()
            os.fsync(file.fileno())
        return
    start, head = 0, json.dumps({"version": 1, "twin": name}).encode() + b"\n"
    while True:                                          # anew, with as much as fits
        raw = head + _record(key, f"{path.stem} 0", {"keep": 0, "add": history[start:], **about})
        if len(raw) <= most // 2 or start >= len(history):
            break
        start += max(1, (len(history) - start) // 4)
    replace(path, raw, synced=True)


def _load(path: Path, key: bytes) -> tuple[dict[str, Any], int, int]:
    """(the conversation, how many records, where the whole ones end)."""
    raw = path.read_bytes()
    at = raw.index(b"\n") + 1
    history: list[dict[str, Any]] = []
    body: dict[str, Any] = {}
    count = 0
    while at + _LENGTH.size <= len(raw):
        (length,) = _LENGTH.unpack_from(raw, at)
        sealed = raw[at + _LENGTH.size:at + _LENGTH.size + length]
        if len(sealed) < length:
            break
        record = json.loads(unseal(key, sealed, f"{path.stem} {count}"))
        history = history[:record["keep"]] + record["add"]
        body = {"language": record["language"], "when": record["when"]}
        at, count = at + _LENGTH.size + length, count + 1
    if not count:
        raise ValueError("an empty journal")
    return body | {"history": history}, count, at


def _record(key: bytes, about: str, body: dict[str, Any]) -> bytes:
    sealed = seal(key, json.dumps(body, ensure_ascii=False).encode("utf-8", "replace"), about)
    return _LENGTH.pack(len(sealed)) + sealed
