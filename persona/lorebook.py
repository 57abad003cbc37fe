"""A lorebook: what a character card tells only when it is spoken of. Entries are called up by words in the latest messages and put into the prompt of a
capable model; the rules are Character Card V2's and V3's. Their sentences stand among the persona's facts as well, where they can be read, changed and
found by meaning: an entry of which no sentence stands there any more was taken out by its owner.

https://github.com/malfoyslastname/character-card-spec-v2/blob/main/spec_v2.md#character_book
https://github.com/kwaroran/character-card-spec-v3/blob/main/SPEC_V3.md#lorebook
"""
from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from functools import lru_cache
from re import _constants as codes  # type: ignore[attr-defined]
from re import _parser as parser  # type: ignore[attr-defined]
from typing import Any

MOST_ENTRIES = 400
MOST_KEYS, LONGEST_KEY, LONGEST = 40, 200, 2000          # keys of an entry; characters of one, and of an entry's text
DEPTH, BUDGET = 4, 600                                   # messages looked at, tokens put in, where a card says neither
DEEPEST = 50
ROUNDS = 3                                               # times that what was called up may call up more
SEEN = 2000                                              # characters of a message that are looked at
SEEN_BY_PATTERNS, DEPTH_OF_PATTERNS, MOST_PATTERNS = 800, 8, 120  # the same for patterns, which take longer; messages; entries with them
ROLES = ("system", "user", "assistant")


@dataclass(frozen=True)
class Entry:
    """`order`: lower stands earlier; `priority`: lower is dropped first; `depth`: messages from the end at which it is put, None: beside the question;
    `listed`: its sentences were put among the facts."""
    content: str
    keys: tuple[str, ...] = ()
    secondary: tuple[str, ...] = ()                      # with `selective`, one of these must be there as well
    never: tuple[str, ...] = ()                          # and none of these
    selective: bool = False
    constant: bool = False
    regex: bool = False
    cased: bool = False
    order: float = 0.0
    priority: float = 0.0
    depth: int | None = None
    role: str = "system"
    scan: int = 0                                        # messages it looks at by itself; 0: as the book
    after: int = 0                                       # only from so many messages of the twin's on
    every: int = 0                                       # only at every so-manieth of them
    listed: bool = False


@dataclass(frozen=True)
class Lorebook:
    entries: tuple[Entry, ...] = ()
    scan_depth: int = DEPTH
    token_budget: int = BUDGET
    recursive: bool = False

    @classmethod
    def of_card(cls, book: Any, plain: Callable[[str], str], listed: Iterable[str] = ()) -> Lorebook | None:
        """From a card's `character_book`; `plain` turns a text with macros into one that can be read; `listed`: the sentences that became facts."""
        rows = book.get("entries") if isinstance(book, Mapping) else None
        rows = list(rows.values()) if isinstance(rows, Mapping) else rows
        if not isinstance(rows, list):
            return None
        told = frozenset(listed)
        found = [entry for row in rows[:5 * MOST_ENTRIES] if isinstance(row, Mapping) and (entry := _of_card(row, plain, told))]
        found.sort(key=lambda entry: (not entry.constant, -entry.priority))
        if not found:
            return None
        return cls(_bounded(found), _whole(book.get("scan_depth"), DEPTH, DEEPEST), _whole(book.get("token_budget"), BUDGET, 8000) or BUDGET,
                   book.get("recursive_scanning") is True)

    @classmethod
    def of_yaml(cls, data: Any) -> Lorebook | None:
        """From what `to_yaml` wrote; what does not fit is left out."""
        rows = data.get("entries") if isinstance(data, Mapping) else None
        if not isinstance(rows, list):
            return None
        found = [entry for row in rows[:MOST_ENTRIES] if isinstance(row, Mapping) and (entry := _of_yaml(row))]
        return cls(_bounded(found), _whole(data.get("scan_depth"), DEPTH, DEEPEST), _whole(data.get("token_budget"), BUDGET, 8000) or BUDGET,
                   data.get("recursive") is True) if found else None

    def to_yaml(self) -> dict[str, Any]:
        plain = Entry("")
        rows = [{name: list(value) if isinstance(value, tuple) else value for name, value in asdict(entry).items() if value != getattr(plain, name)}
                for entry in self.entries]
        return {"scan_depth": self.scan_depth, "token_budget": self.token_budget, "recursive": self.recursive, "entries": rows}

    def standing(self, facts: Iterable[str]) -> tuple[Entry, ...]:
        """The entries that their owner has not taken out of the facts."""
        told = frozenset(facts)
        return tuple(entry for entry in self.entries if not entry.listed or any(said in told for said in sentences(entry.content)))

    def governed(self) -> frozenset[str]:
        """Sentences that are told only when they are called up: they need not stand in the prompt at all times."""
        return frozenset(said for entry in self.entries if entry.listed and not entry.constant for said in sentences(entry.content))

    def called(self, messages: Sequence[str], facts: Iterable[str] = (), tokens: Callable[[str], int] = len, turns: int = 0) -> tuple[Entry, ...]:
        """The entries for a prompt, in the order in which they are put in. `messages`: latest first, the question with them; `turns`: how many messages
        the twin has said."""
        standing, found = self.standing(facts), list[Entry]()
        rest = list(standing)
        texts, lore = [message[-SEEN:] for message in messages[:DEEPEST]], list[str]()
        for _ in range(ROUNDS if self.recursive else 1):
            new = [entry for entry in rest if turns >= entry.after and (entry.every <= 1 or turns % entry.every == 0)
                   and (entry.constant or _called(entry, [*lore, *texts[:entry.scan or self.scan_depth]]))]
            found += new
            rest = [entry for entry in rest if entry not in new]
            if not new or not rest:
                break
            lore += [entry.content[:SEEN] for entry in new]
        kept, spent = list[Entry](), 0
        for entry in sorted(found, key=lambda entry: (-entry.priority, entry.order)):
            cost = tokens(entry.content)
            if spent + cost <= self.token_budget:
                kept.append(entry)
                spent += cost
        return tuple(sorted(kept, key=lambda entry: entry.order))


def sentences(text: str) -> list[str]:
    return [said.strip() for said in re.split(r"(?<=[.!?])\s+|(?<=[。！？])", text) if said.strip()]


def _called(entry: Entry, texts: Sequence[str]) -> bool:
    whole = "\n".join(texts)
    near = "\n".join(text[-SEEN_BY_PATTERNS:] for text in texts[:DEPTH_OF_PATTERNS]) if entry.regex else ""

    def stands(key: str) -> bool:
        if entry.regex and (pattern := _pattern(key)):
            return bool(pattern.search(near))
        key, text = (key, whole) if entry.cased else (key.lower(), whole.lower())
        if not key or key not in text:
            return False
        ends = (r"\b" if key[0].isascii() and key[0].isalnum() else "", r"\b" if key[-1].isascii() and key[-1].isalnum() else "")
        return bool(re.search(f"{ends[0]}{re.escape(key)}{ends[1]}", text, re.ASCII))
    return any(map(stands, entry.keys)) and not (entry.selective and entry.secondary and not any(map(stands, entry.secondary))) and not any(map(stands, entry.never))


# A stranger's patterns ------------------------------------------------------------------------------------------------------------------

@lru_cache(maxsize=2048)
def _pattern(key: str) -> re.Pattern[str] | None:
    """A key /like this/i as a pattern that cannot run for long, or None: it is looked for as a text then."""
    whole = re.fullmatch(r"/(.+)/([a-z]*)", key, re.DOTALL)
    text, flags = (whole[1], whole[2]) if whole else (key, "")
    try:
        tree = parser.parse(text)
        if not _tame(tree):
            return None
        return re.compile(text, (re.IGNORECASE if "i" in flags else 0) | (re.DOTALL if "s" in flags else 0) | (re.MULTILINE if "m" in flags else 0))
    except (re.error, RecursionError, OverflowError, ValueError):
        return None


def _tame(tree: Any) -> bool:
    """No repetition within one, no reference back, and at most one that is long: on a text of some hundred characters that is over at once."""
    long = 0

    def walk(items: Any, inside: bool) -> bool:
        nonlocal long
        for code, value in items:
            if code in (codes.GROUPREF, codes.GROUPREF_EXISTS):
                return False
            if code in (codes.MAX_REPEAT, codes.MIN_REPEAT, getattr(codes, "POSSESSIVE_REPEAT", None)):
                least, most, inner = value
                if int(most) > 1:
                    long += int(most) > 8
                    if inside or long > 1 or not walk(inner, True):
                        return False
                elif not walk(inner, inside):
                    return False
            elif code is codes.BRANCH:
                if inside or not all(walk(branch, inside) for branch in value[1]):
                    return False
            elif code is codes.SUBPATTERN:
                if not walk(value[3], inside):
                    return False
            elif code in (codes.ASSERT, codes.ASSERT_NOT):
                if not walk(value[1], inside):
                    return False
            elif code is getattr(codes, "ATOMIC_GROUP", None) and not walk(value, inside):
                return False
        return True
    return walk(tree, False)


# How it is written ------------------------------------------------------------------------------------------------------------------------

def _bounded(found: list[Entry]) -> tuple[Entry, ...]:
    """As many as are looked at; the patterns of the last are texts."""
    patterns = {id(entry) for entry in [entry for entry in found if entry.regex][:MOST_PATTERNS]}
    return tuple(replace(entry, regex=id(entry) in patterns, keys=entry.keys[:5] if entry.regex else entry.keys) for entry in found[:MOST_ENTRIES])


def _of_card(row: Mapping[str, Any], plain: Callable[[str], str], told: frozenset[str]) -> Entry | None:
    content = row.get("content")
    if row.get("enabled", True) is False or not isinstance(content, str):
        return None
    lines, rules = decorated(content[:8000])
    if "dont_activate" in rules or not (text := plain(lines)[:LONGEST].strip()):
        return None
    depth, role = rules.get("depth", ""), rules.get("role", "").lower()
    own = row.get("extensions")
    extensions = own if isinstance(own, Mapping) else {}
    return Entry(text, (*_keys(row.get("keys", row.get("key"))), *_keys(rules.get("additional_keys", "").split(","))),
                 _keys(row.get("secondary_keys", row.get("keysecondary"))), _keys(rules.get("exclude_keys", "").split(",")), row.get("selective") is True,
                 row.get("constant") is True or "activate" in rules, row.get("use_regex") is True, row.get("case_sensitive") is True,
                 _number(row.get("insertion_order")), _number(row.get("priority")),
                 _whole(depth, 0, DEEPEST) if depth.isdigit() else _whole(extensions.get("depth"), 0, DEEPEST) if extensions.get("position") == 4 else None,
                 role if role in ROLES else "system", _whole(rules.get("scan_depth"), 0, DEEPEST), _whole(rules.get("activate_only_after"), 0, 10_000),
                 _whole(rules.get("activate_only_every"), 0, 10_000), any(said in told for said in sentences(text)))


def decorated(content: str) -> tuple[str, dict[str, str]]:
    """An entry's text without its decorators (@@depth 4), and those; a fallback (@@@) counts where its decorator is one we don't know."""
    rules: dict[str, str] = {}
    lines = content.splitlines()
    while lines and lines[0].lstrip().startswith("@@"):
        name, _, value = lines.pop(0).strip().lstrip("@").partition(" ")
        rules.setdefault(name.lower(), value.strip())
    return "\n".join(lines), rules


def _of_yaml(row: Mapping[str, Any]) -> Entry | None:
    content = row.get("content")
    if not isinstance(content, str) or not content.strip():
        return None
    depth, role = row.get("depth"), row.get("role")
    return Entry(content[:LONGEST], _keys(row.get("keys")), _keys(row.get("secondary")), _keys(row.get("never")), row.get("selective") is True,
                 row.get("constant") is True, row.get("regex") is True, row.get("cased") is True, _number(row.get("order")), _number(row.get("priority")),
                 None if depth is None else _whole(depth, 0, DEEPEST), role if role in ROLES else "system", _whole(row.get("scan"), 0, DEEPEST),
                 _whole(row.get("after"), 0, 10_000), _whole(row.get("every"), 0, 10_000), row.get("listed") is True)


def _keys(value: Any) -> tuple[str, ...]:
    return tuple(_clean(value if isinstance(value, list) else value.split(",") if isinstance(value, str) else []))


def _clean(items: list[Any]) -> Iterator[str]:
    for item in items[:MOST_KEYS]:
        if isinstance(item, str) and (key := item.strip()[:LONGEST_KEY]):
            yield key


def _number(value: Any) -> float:
    return float(value) if isinstance(value, (int, float)) and not isinstance(value, bool) and abs(value) < 1e9 else 0.0


def _whole(value: Any, otherwise: int, most: int) -> int:
    if isinstance(value, str) and re.fullmatch(r"\d{1,6}", value.strip()):
        value = int(value)
    return min(most, max(0, int(value))) if isinstance(value, (int, float)) and not isinstance(value, bool) and abs(value) < 1e9 else otherwise
