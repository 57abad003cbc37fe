"""What a mind keeps between turns: the keys and values of token prefixes, all of them under one budget of bytes.

A radix tree over token ids: conversations that begin alike (the persona) share the nodes of what is alike, so a second user of a
twin prefills only the own words. What was used longest ago goes first, from the leaves inwards.
"""
from __future__ import annotations

import threading
from collections.abc import Hashable, Sequence
from functools import cache
from typing import Any

import numpy as np

LIMIT = 512 << 20                                        # bytes
State = list[Any]                                        # arrays of numpy or torch, each (..., tokens, head size)


@cache
def shared() -> PrefixCache:
    """The process's one cache, made when it is first asked for."""
    return PrefixCache()


class Node:
    __slots__ = ("ids", "state", "bytes", "used", "parent", "children")

    def __init__(self, ids: np.ndarray, state: State, parent: Node | None):
        self.ids, self.state, self.parent = ids, state, parent
        self.bytes = sum(part.nbytes for part in state)
        self.used = 0
        self.children: dict[int, Node] = {}


class PrefixCache:
    """Prefix -> state. `owner` tells models apart; `limit` is in bytes. Any thread may call."""

    def __init__(self, limit: int = LIMIT):
        self.limit, self.bytes, self.clock = limit, 0, 0
        self.roots: dict[Hashable, Node] = {}
        self.lock = threading.Lock()

    def find(self, owner: Hashable, ids: Sequence[int]) -> list[State]:
        """The states of the longest known prefix of `ids`, in order; their token counts add up to its length."""
        wanted, found = np.asarray(ids, np.int64), []
        with self.lock:
            self.clock += 1
            node, at = self.roots.get(owner), 0
            while node is not None and at < len(wanted):
                node = node.children.get(int(wanted[at]))
                if node is None:
                    break
                same = common(node.ids, wanted[at:])
                node.used = self.clock
                found.append(cut(node.state, 0, same))
                at += same
                if same < len(node.ids):
                    break
        return found

    def keep(self, owner: Hashable, ids: Sequence[int], state: State) -> None:
        """Remember `state` of the tokens `ids` (its token axis at least as long). What is new is copied; the rest is shared."""
        wanted = np.array(ids, np.int64)
        with self.lock:
            self.clock += 1
            node, at = self.roots.setdefault(owner, Node(wanted[:0], [], None)), 0
            while at < len(wanted):
                node.used = self.clock
                child = node.children.get(int(wanted[at]))
                if child is None:
                    child = Node(wanted[at:], copies(cut(state, at, len(wanted))), node)
                    node.children[int(wanted[at])] = child
                    self.bytes += child.bytes
                    at = len(wanted)
                else:
                    same = common(child.ids, wanted[at:])
                    if same < len(child.ids) and at + same < len(wanted):
                        child = self.split(node, child, same)
                    at += same
                child.used = self.clock
                node = child
            self.evict()

    def drop(self, owner: Hashable) -> None:
        """Forget everything of one model, with whichever adapter."""
        with self.lock:
            for key in [key for key in self.roots if key == owner or isinstance(key, tuple) and key[:1] == (owner,)]:
                self.bytes -= sum(node.bytes for node in walk(self.roots.pop(key)))

    def split(self, parent: Node, node: Node, at: int) -> Node:
        """Cut a child of `parent` in two and return the first part. The bytes stay the same."""
        first = Node(node.ids[:at], copies(cut(node.state, 0, at)), parent)
        rest = Node(node.ids[at:], copies(cut(node.state, at, len(node.ids))), first)
        rest.children, rest.used = node.children, node.used
        for child in rest.children.values():
            child.parent = rest
        first.children[int(rest.ids[0])] = rest
        parent.children[int(first.ids[0])] = first
        return first

    def evict(self) -> None:
        while self.bytes > self.limit:
            leaves = [node for root in self.roots.values() for node in walk(root) if not node.children and node.parent]
            if not leaves:
                return
            oldest = min(leaves, key=lambda node: node.used)
            del oldest.parent.children[int(oldest.ids[0])]
            self.bytes -= oldest.bytes


def walk(node: Node | None):
    pending = [node] if node else []
    while pending:
        node = pending.pop()
        yield node
        pending.extend(node.children.values())


def common(a: np.ndarray, b: np.ndarray) -> int:
    """How many tokens two sequences share at their start."""
    n = min(len(a), len(b))
    differ = np.flatnonzero(a[:n] != b[:n])
    return int(differ[0]) if len(differ) else n


def cut(state: State, start: int, end: int) -> State:
    return [part[..., start:end, :] for part in state]


def copies(state: State) -> State:
    return [part.copy() if isinstance(part, np.ndarray) else part.clone() for part in state]
