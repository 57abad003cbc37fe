"""What one user and one twin have said to each other, and the facts learnt from it: one SQLite file.

    messages  what was said and heard, as it reached the ear
    facts     subject, predicate, object; from when to when; from which message. A new value of a predicate that holds one closes the old one's
              valid_to: nothing is overwritten. A correction marks the old one as never true
    words     FTS5 over what was said: stems, pairs of Chinese characters, and x-words for what it speaks of and of whom (asked.py, evidence.py)
    vectors   float16 of what a user said, where an embedder is handed in; of Chinese by the English of its words (gloss.py)

Recall finds candidates by FTS5, embeddings, entities and what the question is plainly after, fused by reciprocal rank (Cormack, Clarke, Büttcher
2009), and weighs how likely each bears on the question (evidence.py). What was said of the same thing later goes before what was said earlier, and is
looked for where only the earlier is found. To forget is to delete: facts go with their message, a fact that one had closed holds again, and the
file is rebuilt so that no byte is left.
"""
from __future__ import annotations

import json
import os
import re
import sqlite3
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from datetime import datetime
from heapq import nlargest
from itertools import combinations
from pathlib import Path
from typing import Any, Protocol

import numpy as np

from persona import evidence, kin, retell
from persona.asked import Asked, asked, mark, named, stem, tokens
from persona.evidence import sought
from persona.fact import BEARS, Fact, Learned, Recollection, single
from persona.gloss import gloss
from persona.learn import forgetting, learn
from persona.search import Embed
from persona.vectors import Vectors
from persona.words import cjk_share, clean, normal_en, parts, simplify

__all__ = ["Fact", "Memory", "Recollection", "Seal", "Trouble"]

SCHEMA = 3                                               # PRAGMA user_version
MOST_MESSAGES = 50_000                                   # the oldest that taught nothing go first
MOST_FACTS = 50_000
LONGEST = 4000                                           # characters of a message that are kept
PATIENCE = 1.0                                           # s that a locked file is waited for
LATEST = 12                                              # facts that a correction may mean
PENDING, FRESH = 32, 2                                   # texts that are embedded together; of those that wait, what was said last before a question
K = 60.0                                                 # of reciprocal rank fusion
DEEP = 40                                                # places of each ranking that count
WEIGHED = 48                                             # messages that are held against the question
ENOUGH, LEAST = BEARS, 0.015                              # likelihood from which on something bears on it; from which on it may
SURELY = 0.3                                             # likelihood from which on a message lends some of it to those that share its rare words
RARE = 12                                                # messages that hold a word by which a later one is taken to speak of the same thing
CACHE = 32_768                                           # kB of pages that may be held while it is open
MANY = 500                                               # facts of one kind about one person, the newest, that a new one is held against
COMMON = 200                                             # rows that hold a word, above which it tells little
_SCHEMA = """
CREATE TABLE messages(id INTEGER PRIMARY KEY AUTOINCREMENT, role TEXT NOT NULL, text TEXT NOT NULL, language TEXT NOT NULL, turn INTEGER NOT NULL,
    conversation TEXT NOT NULL, at TEXT NOT NULL, private INTEGER NOT NULL, vector BLOB);
CREATE INDEX of_turn ON messages(conversation, turn);
CREATE TABLE facts(id INTEGER PRIMARY KEY AUTOINCREMENT, subject TEXT NOT NULL, predicate TEXT NOT NULL, object TEXT NOT NULL, valid_from TEXT NOT NULL,
    valid_to TEXT, closed_by INTEGER REFERENCES messages(id) ON DELETE SET NULL, message INTEGER NOT NULL REFERENCES messages(id) ON DELETE CASCADE,
    said TEXT NOT NULL, language TEXT NOT NULL, private INTEGER NOT NULL, wrong INTEGER NOT NULL DEFAULT 0);
CREATE INDEX of_subject ON facts(subject, predicate);
CREATE INDEX of_message ON facts(message);
CREATE INDEX closed ON facts(closed_by);
CREATE INDEX bare_messages ON messages(id) WHERE vector IS NULL AND role = 'user';
CREATE TABLE entities(name TEXT NOT NULL, message INTEGER NOT NULL REFERENCES messages(id) ON DELETE CASCADE, PRIMARY KEY(name, message)) WITHOUT ROWID;
CREATE INDEX named_in ON entities(message);
CREATE VIRTUAL TABLE message_words USING fts5(words, tokenize = "unicode61 remove_diacritics 0", detail = none);
"""
_FACT = "id, subject, predicate, object, valid_from, valid_to, message, said, language, private, wrong"
_ENTITY = re.compile(r"(?<![.!?] )(?<!^)\b[A-ZÀ-Þ][\w’-]+(?: [A-ZÀ-Þ][\w’-]+)*")
_NO_ENTITY = frozenset(["i", "i'm", "i've", "i'll", "monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday", "january", "february", "march", "april", "may", "june", "july", "august", "september", "october", "november", "december", "english"])


class Seal(Protocol):
    """What encrypts a file that must not lie open: bytes in, bytes out. `unseal` raises ValueError for what is damaged or under another key."""

    def seal(self, data: bytes) -> bytes: ...
    def unseal(self, data: bytes) -> bytes: ...


@dataclass(frozen=True)
class Trouble:
    """Why a memory began anew. `code`: "newer", "corrupt" or "locked"; `copy`: where what was there lies now."""
    code: str
    copy: Path
    en: str
    zh: str


class Memory:
    """One user's talks with one twin. Blocking; may be used from several threads, one at a time. `embed`: English texts -> float32 [n, d], rows of
    length 1; `english`: a Chinese text -> the English of its words, "" for none. `key`: the file is sealed at rest and lies in memory while it is open. Raises sqlite3.Error, OSError, ValueError: see `open`."""

    threshold = ENOUGH                                   # of Recollection.score, from which on it bears on the question; what is less likely only may

    def __init__(self, path: Path | str, *, embed: Embed | None = None, key: Seal | None = None, now: Callable[[], datetime] = datetime.now,
                 english: Callable[[str], str] | None = None):
        self.path, self.embed, self.key, self.now, self.english = Path(path), embed, key, now, english or _glossed
        self._guard = threading.RLock()
        self._deep = 0                                   # of `together`
        self.gone: list[tuple[str, int, str, str]] = []  # of what was forgotten last: conversation, turn, role, what is left of the message
        self._last: dict[str, str] = {}                  # conversation -> whom it was about last
        self._known: dict[str, str] | None = None
        self._there: dict[str, dict[str, bool]] | None = None
        self._vectors: Vectors | None = None             # of messages
        self._unsaved: dict[int, np.ndarray] = {}        # embedded while somebody waited, not yet on the disk
        self._held: dict[int, frozenset[str]] = {}       # words of messages, for the question at hand
        self._db = self._opened()
        if self._outdated:
            self._reindexed()

    @classmethod
    def open(cls, path: Path | str, **how: Any) -> tuple[Memory, Trouble | None]:
        """The memory there; where it can't be read, a fresh one, and why: a copy of what was there is kept. One that another program holds is left to
        it: what is heard meanwhile lies beside it and is brought in when it is free."""
        path = Path(path)
        _settled(path, how)
        try:
            return cls(path, **how), None
        except sqlite3.OperationalError as error:
            if "locked" not in str(error) and "busy" not in str(error):
                return cls._anew(path, "corrupt", how)
            aside = _free(path, "aside")
            return cls(aside, **how), Trouble("locked", path, "What you told me earlier is in use by another program; what you tell me now is added to it later.",
                                              "你以前告诉我的内容正被另一个程序占用，这次说的稍后会并进去。")
        except _Newer:
            return cls._anew(path, "newer", how)
        except (sqlite3.DatabaseError, ValueError, EOFError):
            return cls._anew(path, "corrupt", how)

    @classmethod
    def _anew(cls, path: Path, code: str, how: Mapping[str, Any]) -> tuple[Memory, Trouble]:
        copy = _free(path, code)
        os.replace(path, copy)
        for left in ("-journal", "-wal", "-shm"):
            with suppress(OSError):
                os.replace(f"{path}{left}", f"{copy}{left}")
        said = {"newer": ("What you told me earlier was kept by a newer version of Twin, which this one can't read. A copy is kept; I begin anew.",
                          "你以前告诉我的内容是新版 Twin 保存的，这个版本读不了。副本已保留，我从头记起。"),
                "corrupt": ("What you told me earlier is damaged and can't be read. A copy is kept; I begin anew.", "你以前告诉我的内容已损坏，读不出来。副本已保留，我从头记起。")}[code]
        return cls(path, **how), Trouble(code, copy, *said)

    # what was heard -----------------------------------------------------------------------------------------------------------------

    def heard(self, role: str, text: str, *, turn: int, conversation: str, when: datetime | None = None, language: str = "", private: bool | None = None) -> int:
        """Keep a message as it was said or heard, and learn from a user's at once; on the disk when this returns. Its id; 0 where there is nothing
        to keep. A user who asks to forget is obeyed, and what they asked with is not kept. `private` None: as the words say ("between you and me")."""
        text = clean(text[:LONGEST])
        if not text or role not in ("user", "assistant"):
            return 0
        if role == "user" and forgetting(text) is not None:
            self.forget(text, conversation=conversation)
            return 0
        when = when or self.now()
        language = language or ("zh" if cjk_share(text) >= 0.3 else "en")
        with self._guard, self.together():
            learnt, about = learn(text, now=when, language=language, known=self.known(), last=self._about(conversation), recent=self._recent(conversation)) if role == "user" else ([], "")
            hidden = private if private is not None else any(row.private for row in learnt)
            cursor = self._db.execute("INSERT INTO messages(role, text, language, turn, conversation, at, private) VALUES(?, ?, ?, ?, ?, ?, ?)",
                                      (role, text, language, turn, conversation, when.isoformat(), hidden))
            message = int(cursor.lastrowid or 0)
            subjects = [self._learnt(row, message, when, language, hidden) for row in learnt]
            if role == "user":
                self._last[conversation] = about
            self._index_message(message, text, subjects)
            self._bounded()
        return message

    @contextmanager
    def together(self) -> Iterator[None]:
        """What is done inside reaches the disk at once, all of it or nothing."""
        with self._guard:
            self._deep += 1
            try:
                yield
                if self._deep == 1:
                    self._db.commit()
                    self._keep()
            except BaseException:
                if self._deep == 1:
                    self._db.rollback()
                    self._known, self._there, self._vectors, self._unsaved = None, None, None, {}
                raise
            finally:
                self._deep -= 1

    def known(self) -> Mapping[str, str]:
        """Names in lower case -> whose they are."""
        with self._guard:
            if self._known is None:
                rows = self._db.execute("SELECT object, subject FROM facts WHERE predicate = 'name' AND wrong = 0 ORDER BY id").fetchall()
                self._known = {part: one for name, subject in rows for part, one in _called(name, subject).items()}
            return self._known

    def name(self) -> str:
        """What the user is called, or ""."""
        row = self._db.execute("SELECT object FROM facts WHERE subject = ? AND predicate = 'name' AND valid_to IS NULL AND wrong = 0 ORDER BY id DESC LIMIT 1", (kin.USER,)).fetchone()
        return row[0] if row else ""

    def warm(self) -> None:
        """Embed what waits for it."""
        with self._guard:
            while self._embedded(PENDING):
                pass

    def ready(self) -> None:
        """Have at hand what the first question would wait for: the vectors, and the dictionary where Chinese was said."""
        with self._guard:
            if self.embed is not None:
                hello = np.asarray(self.embed(["hello"])[0], np.float32)
                self._compared(hello).nearest(hello, 1, 0.0)
            if self._db.execute("SELECT 1 FROM messages WHERE language = 'zh' LIMIT 1").fetchone():
                self.english("你好")

    # what is known ------------------------------------------------------------------------------------------------------------------

    def facts(self, past: bool = False) -> list[Fact]:
        """What holds now, the latest first; with `past` also what held once, and what was corrected."""
        now = self.now()
        found = [_fact(row) for row in self._db.execute(f"SELECT {_FACT} FROM facts ORDER BY id DESC")]
        return [fact for fact in found if past or fact.holds(now)]

    def about_user(self, most: int = 200) -> list[Fact]:
        """What holds now of the user and their people: the user first, names before all."""
        order = ("name", "age", "home", "job", "employer", "origin", "status")
        now = self.now()
        rows = self._db.execute(f"SELECT {_FACT} FROM facts WHERE wrong = 0 AND (valid_to IS NULL OR valid_to > ?) ORDER BY subject != ?, id DESC LIMIT {most}", (now.isoformat(), kin.USER))
        return sorted(map(_fact, rows), key=lambda fact: (fact.subject != kin.USER, order.index(fact.predicate) if fact.predicate in order else 9, -fact.id))

    def message(self, name: int) -> dict[str, Any] | None:
        """{id, role, text, turn, conversation, at}, or None."""
        row = self._db.execute("SELECT id, role, text, turn, conversation, at FROM messages WHERE id = ?", (name,)).fetchone()
        return dict(zip(("id", "role", "text", "turn", "conversation", "at"), row)) if row else None

    def counts(self) -> dict[str, int]:
        """How many messages and facts there are."""
        return {table: self._db.execute(f"SELECT count(*) FROM {table}").fetchone()[0] for table in ("messages", "facts")}

    def export(self) -> dict[str, Any]:
        """All of it, as plain data for JSON."""
        with self._guard:
            facts = [{"id": fact.id, "subject": fact.subject, "predicate": fact.predicate, "object": fact.object, "valid_from": fact.valid_from.isoformat(),
                      "valid_to": fact.valid_to.isoformat() if fact.valid_to else None, "message": fact.source, "said": fact.said, "language": fact.language,
                      "private": fact.private, "corrected": fact.wrong} for fact in reversed(self.facts(past=True))]
            keys = ("id", "role", "text", "language", "turn", "conversation", "at", "private")
            messages = [dict(zip(keys, row)) | {"private": bool(row[-1])} for row in self._db.execute(f"SELECT {', '.join(keys)} FROM messages ORDER BY id")]
            return {"version": SCHEMA, "facts": facts, "messages": messages}

    # recalling ----------------------------------------------------------------------------------------------------------------------

    def recall(self, question: str, *, language: str, visitor: bool = False, most: int = 6) -> list[Recollection]:
        """What bears on a question, the nearest first; nothing where nothing does. `visitor`: without what is private. What holds no more comes only
        where the question asks for what was."""
        question = clean(question[:LONGEST])
        if not question or most < 1:
            return []
        with self._guard:
            wanted = asked(question, self.known())
            if wanted.everything:
                facts = [fact for fact in self.about_user() if not (visitor and fact.private)]
                return [self._told(fact, language, 1.0 - n / 1000, True) for n, fact in enumerate(facts[:max(most, 2 * most)])]
            return self._fused(question, wanted, language, visitor, most)

    def _fused(self, question: str, wanted: Asked, language: str, visitor: bool, most: int) -> list[Recollection]:
        now, self._held, seek = self.now(), {}, sought(question)
        terms = list(dict.fromkeys([*tokens(question, self.known()), *seek.terms]))
        exact = [fact for fact in self._exact(wanted, now) if not (visitor and fact.private)]
        called = {fact.subject: fact.object for fact in self._named(wanted)}
        if wanted.subject not in ("", kin.USER) and (own := called.get(wanted.subject, "")):
            terms += [word for word in tokens(own) if word not in terms]
        vector = self._vector(question)
        near = self._compared(vector).nearest(vector, DEEP // 2, 0.2) if vector is not None else []
        points: dict[int, float] = {}
        for ranking, weight in (([fact.source for fact in exact], 2.0), (self._matched(terms), 1.0), (near, 1.2), (self._entities(question), 0.6), (self._wishes() if seek.wish else [], 1.0)):
            for rank, name in enumerate(dict.fromkeys(ranking)):
                points[name] = points.get(name, 0.0) + weight / (K + rank + 1)
        weighed = _Weighed(self, seek, vector, visitor, bool(_ANSWERED.search(question)))
        weighed.add(nlargest(WEIGHED, points, key=lambda name: points[name]), points)
        weighed.follow(wanted.past)
        return self._merged(weighed, exact, wanted, language, most)

    def _merged(self, weighed: _Weighed, exact: Sequence[Fact], wanted: Asked, language: str, most: int) -> list[Recollection]:
        """One recollection of each message, two where the question is after two facts of it; what is left of such facts comes last."""
        sure: dict[int, list[Fact]] = {}
        for fact in exact:
            if weighed.sure(fact, wanted):
                sure.setdefault(fact.source, []).append(fact)
        found: list[Recollection] = []
        rest: list[Recollection] = []
        for name in weighed.ordered([*sure], wanted.past):
            likely, row = round(float(weighed.likely.get(name, 0.0)), 4), weighed.rows.get(name)
            told = [self._told(fact, language, max(likely, SURELY), True) for fact in sure.get(name, ())]
            found += told[:2]
            rest += told[2:]
            if told or row is None:
                continue
            held = [fact for fact in weighed.facts.get(name, ()) if not fact.wrong and (fact.holds(self.now()) or wanted.past) and fact.predicate not in _LOOSE]
            if len(held) == 1 and held[0].said and len(row["text"]) <= len(held[0].said) + 2 and name not in weighed.over:
                found.append(self._told(held[0], language, likely, False))
            else:
                found.append(Recollection(row["text"], "message", when=datetime.fromisoformat(row["at"]), source=name, score=likely, role=row["role"], past=name in weighed.over))
        return [*found, *rest][:most]

    def _told(self, fact: Fact, language: str, score: float, sure: bool) -> Recollection:
        past = not fact.holds(self.now())
        return Recollection(retell.sentence(fact, language, past), "fact", fact.subject, fact.predicate, fact.object, fact.valid_from, fact.source, score, past, sure)

    def _exact(self, wanted: Asked, now: datetime) -> list[Fact]:
        """The facts that a question plainly asks for: those that hold, or held where it asks for that; else the last that did."""
        if not wanted.subject or not wanted.mine or not (wanted.predicates or wanted.thing or wanted.subject != kin.USER):
            return []
        rows = self._rows_of(wanted)
        if wanted.thing:
            words = {word.rstrip("s") for word in wanted.thing.split()}
            found = [fact for fact in rows if words & {word.rstrip("s") for word in fact.subject.split()} and not kin.kin(fact.subject) and fact.subject != kin.USER]
            found += [fact for fact in rows if fact.subject == kin.USER and fact.predicate in ("owns", "event", "plan") and words & {word.rstrip("s") for word in normal_en(fact.object).split()}]
            if found:
                return _current(found, wanted, now)
        mine = [fact for fact in rows if fact.subject == wanted.subject or not wanted.named and kin.alike(fact.subject, wanted.subject) or fact.subject.startswith(f"{wanted.subject}'s ")]
        if wanted.subject in kin.PARTNERS:
            mine += [fact for fact in rows if fact not in mine and fact.subject in kin.PARTNERS and (fact.subject == "partner" or wanted.subject == "partner")]
        if wanted.subject == kin.USER:
            mine = [fact for fact in mine if fact.subject == kin.USER]
            if not wanted.predicates:
                return []
            if "has" in wanted.predicates:
                mine += [fact for fact in rows if fact.predicate == "name" and kin.head(fact.subject) in kin.ANIMALS]
        if wanted.predicates:
            mine = [fact for fact in mine if fact.predicate in wanted.predicates or "has" in wanted.predicates and fact.predicate == "name" and fact.subject != kin.USER]
        return _current(mine, wanted, now)[:DEEP]

    def _rows_of(self, wanted: Asked) -> list[Fact]:
        """The facts of those who may be meant, the latest first."""
        def of(subjects: Sequence[str], predicates: Sequence[str] = ()) -> list[Fact]:
            also = f" AND predicate IN ({','.join('?' * len(predicates))})" if predicates else ""
            rows = self._db.execute(f"SELECT {_FACT} FROM facts WHERE subject IN ({','.join('?' * len(subjects))}) AND wrong = 0{also} ORDER BY id DESC LIMIT {4 * DEEP}",
                                    [*subjects, *predicates])
            return [_fact(row) for row in rows]
        people = self._people()
        if wanted.subject != kin.USER:
            there = [] if wanted.named else [one for own, subjects in people.items() if kin.alike(own, kin.head(wanted.subject)) or own in kin.PARTNERS and kin.head(wanted.subject) in kin.PARTNERS
                                             for one in subjects]
            chained = [row[0] for row in self._db.execute("SELECT DISTINCT subject FROM facts WHERE subject >= ? AND subject < ? LIMIT 20", (f"{wanted.subject}'s ", f"{wanted.subject}'s~"))]
            return of([wanted.subject, *there[-DEEP:], *chained])
        found = of([kin.USER], [*wanted.predicates, *(("owns", "event", "plan") if wanted.thing else ())])
        if wanted.thing:
            words = wanted.thing.split()
            found += of([wanted.thing, *words, *(word.rstrip("s") for word in words), words[-1] + "s"])
        if "has" in wanted.predicates:
            found += of([one for animal in kin.ANIMALS for one in [*people.get(animal, ())][-DEEP:]] or [""], ["name"])
        return found

    def _named(self, wanted: Asked) -> list[Fact]:
        return [_fact(row) for row in self._db.execute(f"SELECT {_FACT} FROM facts WHERE subject = ? AND predicate = 'name' AND wrong = 0 ORDER BY id", (wanted.subject,))] if wanted.subject else []

    def _matched(self, terms: Sequence[str]) -> list[int]:
        """Ids by the summed rarity of the words they hold, the latest first where it is the same. Words that very many rows hold are looked up two
        together: alone they cost much and tell little."""
        if not terms:
            return []
        counts = dict(self._db.execute(f"SELECT term, doc FROM message_words_vocabulary WHERE term IN ({','.join('?' * len(terms))})", list(terms)).fetchall())
        whole = 1 + (self._db.execute("SELECT max(id) FROM messages").fetchone()[0] or 0)
        weights = {term: float(np.log(1 + whole / count)) * (0.5 if term.startswith(("xk", "xt")) else 1.0) for term, count in counts.items()}
        rare = sorted((term for term in counts if counts[term] <= COMMON), key=lambda term: counts[term])[:8]
        often = sorted((term for term in counts if counts[term] > COMMON), key=lambda term: counts[term])[:3]
        found: dict[int, float] = {}
        for query, weight in [(f'"{term}"', weights[term]) for term in rare] + [(f'"{one}" AND "{other}"', weights[one] + weights[other]) for one, other in combinations(often, 2)]:
            for (name,) in self._db.execute(f"SELECT rowid FROM message_words WHERE message_words MATCH ? ORDER BY rowid DESC LIMIT {COMMON}", (query,)):
                found[name] = found.get(name, 0.0) + weight
        if not found and often:
            found = {name: 1.0 for (name,) in self._db.execute(f"SELECT rowid FROM message_words WHERE message_words MATCH ? ORDER BY rowid DESC LIMIT {DEEP}", (f'"{often[0]}"',))}
        if often and rare and found:                     # of those found, the ones that hold the common words too go first
            best = nlargest(DEEP + DEEP // 2, found, key=lambda name: (found[name], name))
            for name, words in self._words(best).items() if len(found) > 1 else ():
                found[name] += sum(weights[term] for term in often if term in words)
        return nlargest(DEEP, found, key=lambda name: (found[name], name))

    def _words(self, names: Sequence[int]) -> dict[int, frozenset[str]]:
        """The words by which messages are found."""
        held = self._held
        if wanted := [name for name in names if name not in held]:
            rows = self._db.execute(f"SELECT rowid, words FROM message_words WHERE rowid IN ({','.join('?' * len(wanted))})", wanted)
            held |= {name: frozenset(words.split()) for name, words in rows}
        return {name: held[name] for name in names if name in held}

    def _wishes(self) -> list[int]:
        """Messages that hold a wish about how to be spoken with, the latest first."""
        return [name for (name,) in self._db.execute(f"SELECT rowid FROM message_words WHERE message_words MATCH 'xwish' ORDER BY rowid DESC LIMIT {DEEP}")]

    def _entities(self, question: str) -> list[int]:
        """Messages that name what the question names, the latest first."""
        names = _names(question, self.known())
        if not names:
            return []
        marks = ",".join("?" * len(names))
        return [row[0] for row in self._db.execute(f"SELECT message, count(*) AS n FROM entities WHERE name IN ({marks}) GROUP BY message ORDER BY n DESC, message DESC LIMIT {DEEP}", names)]

    def _messages(self, names: Sequence[int]) -> dict[int, dict[str, Any]]:
        rows = self._db.execute(f"SELECT id, role, text, at, private FROM messages WHERE id IN ({','.join('?' * len(names))})", list(names)) if names else ()
        return {row[0]: dict(zip(("id", "role", "text", "at", "private"), row)) for row in rows}

    # vectors ------------------------------------------------------------------------------------------------------------------------

    def _vector(self, question: str) -> np.ndarray | None:
        if self.embed is None or not (text := self._as_english(question, "zh" if cjk_share(question) >= 0.3 else "en")):
            return None
        self._embedded(FRESH, keep=False)
        return np.asarray(self.embed([text])[0], np.float32)

    def _as_english(self, text: str, language: str) -> str:
        """As the embedder gets it; "" where it can't be put into English."""
        return self.english(text) if language == "zh" else normal_en(text)

    def _embedded(self, most: int, keep: bool = True) -> int:
        """Embed up to so many messages that wait for it, the last ones first; how many were. What is embedded while somebody waits is not written to
        the disk yet."""
        if self.embed is None:
            return 0
        rows = self._db.execute("SELECT id, text, language FROM messages WHERE vector IS NULL AND role = 'user' ORDER BY id DESC LIMIT ?", (most + len(self._unsaved),)).fetchall()
        rows = [row for row in rows if row[0] not in self._unsaved][:most]
        texts = [self._as_english(text, language)[:600] for _, text, language in rows]
        vectors = iter(np.asarray(self.embed([text for text in texts if text]), np.float16) if any(texts) else ())
        for (name, _, _), text in zip(rows, texts):
            vector = self._unsaved[name] = next(vectors) if text else np.zeros(0, np.float16)
            if self._vectors is not None and len(vector):
                self._vectors.add([name], vector[None])
        if keep and self._unsaved:
            with self.together():
                self._db.executemany("UPDATE messages SET vector = ? WHERE id = ?", [(vector.tobytes(), name) for name, vector in self._unsaved.items()])
            self._unsaved = {}
        return len(rows)

    def _compared(self, vector: np.ndarray) -> Vectors:
        """What is embedded, as far as it is as long as a vector."""
        if self._vectors is None:
            self._vectors = Vectors()
            rows = self._db.execute("SELECT id, vector FROM messages WHERE length(vector) = ? ORDER BY id", (2 * len(vector),)).fetchall()
            if rows:
                names, blobs = zip(*rows)
                self._vectors.add(names, np.frombuffer(b"".join(blobs), np.float16).reshape(len(rows), -1))
            for name, fresh in self._unsaved.items():
                if len(fresh):
                    self._vectors.add([name], fresh[None])
        return self._vectors

    # correcting and forgetting ------------------------------------------------------------------------------------------------------

    def correct(self, name: int, value: str) -> Fact | None:
        """Put a fact's object right; the old one stays, marked as never true. The new fact, or None where there is no such one."""
        value = clean(value)[:160]
        with self._guard, self.together():
            row = self._db.execute(f"SELECT {_FACT} FROM facts WHERE id = ?", (name,)).fetchone()
            if row is None or not value:
                return None
            old = _fact(row)
            if old.object == value:
                return old
            self._db.execute("UPDATE facts SET wrong = 1, valid_to = valid_from WHERE id = ?", (name,))
            fact = self._insert(replace(old, object=value), old.source)
            text = self._db.execute("SELECT text FROM messages WHERE id = ?", (old.source,)).fetchone()[0]
            self._unindexed(old.source)
            self._index_message(old.source, f"{text} {value}", [old.subject])
            return fact

    def forget_fact(self, name: int) -> int:
        """Delete a fact, the sentence it came from, and what repeats it. How many facts and messages that took."""
        row = self._db.execute(f"SELECT {_FACT} FROM facts WHERE id = ?", (name,)).fetchone()
        return self._forgotten([_fact(row)], set()) if row else 0

    def forget_message(self, name: int) -> int:
        """Delete a message and all that came from it: its facts, the answer to it. What it had ended holds again. How many messages went."""
        with self._guard:
            row = self._db.execute("SELECT conversation, turn FROM messages WHERE id = ?", (name,)).fetchone()
            if row is None:
                return 0
            replies = [own for (own,) in self._db.execute("SELECT id FROM messages WHERE conversation = ? AND turn = ? AND role = 'assistant'", row)]
            return self._forgotten([], {name, *replies})

    def forget_turns(self, conversation: str, first: int = 0) -> int:
        """Delete what was said in a conversation from a turn on, and all that came from it. How many messages went."""
        with self._guard:
            return self._forgotten([], {name for (name,) in self._db.execute("SELECT id FROM messages WHERE conversation = ? AND turn >= ?", (conversation, first))})

    def forget(self, text: str, *, conversation: str = "") -> int:
        """What a user asks to forget: "that" (what they said last, and what was answered), a topic, or everything. How many facts and messages went."""
        what, topic = forgetting(text) or ("topic", text)
        with self._guard:
            if what == "all":
                gone = sum(self.counts().values())
                self.erase()
                return gone
            if what == "that":
                rows = self._db.execute("SELECT id FROM messages WHERE role = 'user' AND (? = '' OR conversation = ?) ORDER BY id DESC LIMIT 1", (conversation, conversation)).fetchone()
                return self.forget_message(rows[0]) if rows else 0
            return self._forgotten(*self._of_topic(topic))

    def erase(self) -> None:
        """Delete all of it, down to the last byte."""
        with self._guard:
            self.gone = [(*row, "") for row in self._db.execute("SELECT conversation, turn, role FROM messages")]
            with self.together():
                for table in ("facts", "entities", "messages", "message_words"):
                    self._db.execute(f"DELETE FROM {table}")
                self._db.execute("DELETE FROM sqlite_sequence")
            self._scrubbed()

    def _of_topic(self, topic: str) -> tuple[list[Fact], set[int]]:
        """The facts and messages that a topic means."""
        wanted, known = asked(topic, self.known()), self.known()
        facts = self.facts(past=True)
        own = set(tokens(topic, known))
        words = {word for word in own if not word.startswith(("xk", "xs"))}
        low = simplify(topic).lower()
        name = next(iter(named(topic, known)), "")
        subject = wanted.subject if wanted.subject != kin.USER or wanted.predicates or wanted.mine else ""
        learnt, _ = learn(topic, now=self.now(), known=known)
        chosen: list[Fact] = []
        if learnt:                                       # "forget that I'm allergic to nuts"
            for row in learnt:
                chosen += [fact for fact in facts if fact.predicate == row.predicate and kin.alike(fact.subject, row.subject) and _shares(fact.object, row.object)]
        if not chosen and subject and subject != kin.USER:
            aspects = wanted.predicates if not {"name"} >= set(wanted.predicates) or "name" in low or "叫" in low else ()
            chosen = [fact for fact in facts if kin.alike(fact.subject, subject) or fact.subject.startswith(f"{subject}'s ")]
            chosen = [fact for fact in chosen if not aspects or fact.predicate in aspects]
            if not aspects:
                spoken = {mark(subject), *(word for fact in chosen if fact.predicate == "name" for word in (re.sub(r"\W", "", fact.object.lower()), stem(fact.object.lower())))}
                return chosen, {row for row, text in self._texts() if spoken & set(tokens(text, known))}
        elif not chosen and wanted.predicates and (subject == kin.USER):
            exact = {*wanted.predicates}
            chosen = [fact for fact in facts if fact.predicate in exact and fact.subject == kin.USER]
        if not chosen and wanted.thing:
            chosen = [fact for fact in facts if wanted.thing.rstrip("s") in fact.subject or wanted.thing in fact.object.lower()]
        if chosen and not name:
            return chosen, set()
        if not words:
            return chosen, set()
        messages = {row for row, text in self._texts() if words <= set(tokens(text, known))}
        return chosen + [fact for fact in facts if fact.source in messages and fact not in chosen], messages

    def _texts(self) -> list[tuple[int, str]]:
        return self._db.execute("SELECT id, text FROM messages").fetchall()

    def _forgotten(self, facts: Sequence[Fact], messages: set[int]) -> int:
        """Delete these facts with the sentences they came from and what repeats their objects, and these messages with all that came from them."""
        self.gone = []
        if not facts and not messages:
            return 0
        with self._guard:
            with self.together():
                gone = len(facts)
                objects = {fact.object for fact in facts if len(fact.object) > 1 and not fact.object.isdigit()} | {fact.object for fact in facts if fact.predicate == "name"}
                pattern = re.compile("|".join(rf"(?<!\w){re.escape(each)}(?!\w)" if each.isascii() else re.escape(each) for each in sorted(objects, key=len, reverse=True)), re.IGNORECASE) if objects else None
                sources = {fact.source for fact in facts}
                said = {fact.source: {one.said for one in facts if one.source == fact.source} for fact in facts}
                turns = {self._db.execute("SELECT conversation, turn FROM messages WHERE id = ?", (name,)).fetchone() for name in sources}
                self._db.executemany("DELETE FROM facts WHERE id = ?", [(fact.id,) for fact in facts])
                for name, role, text, conversation, turn in self._db.execute("SELECT id, role, text, conversation, turn FROM messages").fetchall():
                    if name in messages:
                        continue
                    if role == "assistant" and (conversation, turn) in turns:
                        messages.add(name)               # the answer to what is forgotten
                        continue
                    left = " ".join(one for one in parts(text) if one not in said.get(name, ()) and not (pattern and pattern.search(one))) if name in sources or pattern and pattern.search(text) else text
                    if left == text:
                        continue
                    if not left.strip() and not self._db.execute("SELECT 1 FROM facts WHERE message = ?", (name,)).fetchone():
                        messages.add(name)
                        continue
                    gone += 1
                    self.gone.append((conversation, turn, role, left))
                    self._rewritten(name, left)
                for name in messages:
                    self.gone += [(*row, "") for row in self._db.execute("SELECT conversation, turn, role FROM messages WHERE id = ?", (name,))]
                    self._db.execute("UPDATE facts SET valid_to = NULL, wrong = 0 WHERE closed_by = ?", (name,))
                    self._db.execute("DELETE FROM message_words WHERE rowid = ?", (name,))
                    gone += self._db.execute("SELECT count(*) FROM facts WHERE message = ?", (name,)).fetchone()[0] + 1
                    self._db.execute("DELETE FROM messages WHERE id = ?", (name,))
            self._scrubbed()
            return gone

    def _rewritten(self, name: int, text: str) -> None:
        """A message without the sentences that are forgotten; a fact that came of one of them stays, without it."""
        self._unsaved.pop(name, None)
        self._db.execute("UPDATE messages SET text = ?, vector = NULL WHERE id = ?", (text, name))
        self._unindexed(name)
        self._index_message(name, text, [row[0] for row in self._db.execute("SELECT subject FROM facts WHERE message = ?", (name,))])
        for fact_id, said in self._db.execute("SELECT id, said FROM facts WHERE message = ?", (name,)).fetchall():
            if said and said not in text:
                self._db.execute("UPDATE facts SET said = '' WHERE id = ?", (fact_id,))

    def _unindexed(self, name: int) -> None:
        self._db.execute("DELETE FROM message_words WHERE rowid = ?", (name,))
        self._db.execute("DELETE FROM entities WHERE message = ?", (name,))

    def _scrubbed(self) -> None:
        """Nothing of what was deleted is left in the file: the indexes are built anew and the pages written anew."""
        self._known, self._there, self._vectors, self._unsaved, self._last = None, None, None, {}, {}
        self._db.execute("INSERT INTO message_words(message_words) VALUES('rebuild')")
        self._db.commit()
        self._db.execute("VACUUM")
        self._keep()

    # learning -----------------------------------------------------------------------------------------------------------------------

    def _learnt(self, row: Learned, message: int, when: datetime, language: str, hidden: bool) -> str:
        """Keep what a sentence told, and close what it ends. Whom it is about."""
        if row.predicate == "*" or row.change == "end":
            self._ended(row, message, when)
            return self._subject(row)
        subject = self._subject(row)
        fact = Fact(0, subject, row.predicate, row.object, when, row.until, message, row.said, language, hidden or row.private)
        held = [_fact(one) for one in self._db.execute(f"SELECT {_FACT} FROM facts WHERE subject = ? AND predicate = ? AND wrong = 0 ORDER BY id DESC LIMIT ?", (subject, row.predicate, MANY))]
        if row.change == "correct":
            wrong = next((one for one in held if one.holds(when)), None)
            if wrong is not None:
                self._db.execute("UPDATE facts SET wrong = 1, valid_to = valid_from, closed_by = ? WHERE id = ?", (message, wrong.id))
                fact = replace(fact, valid_from=wrong.valid_from, valid_to=wrong.valid_to)
            self._insert(fact, message)
            return subject
        if row.change == "was":
            if not any(_same(one.object, row.object) for one in held):
                self._insert(replace(fact, valid_to=when), message)
            else:
                self._closed([one for one in held if _same(one.object, row.object) and one.holds(when)], message, when)
            return subject
        if any(_same(one.object, row.object) and one.holds(when) for one in held):
            return subject                               # told before
        if single(row.predicate):
            self._closed([one for one in held if one.holds(when)], message, when)
        opposite = {"likes": "dislikes", "dislikes": "likes"}.get(row.predicate)
        if opposite:
            against = [_fact(one) for one in self._db.execute(f"SELECT {_FACT} FROM facts WHERE subject = ? AND predicate = ? AND valid_to IS NULL", (subject, opposite))]
            self._closed([one for one in against if _same(one.object, row.object)], message, when)
        self._insert(fact, message)
        return subject

    def _ended(self, row: Learned, message: int, when: datetime) -> None:
        subject = self._subject(row)
        if row.predicate == "*":                         # whoever was their partner is it no more
            rows = self._db.execute(f"SELECT {_FACT} FROM facts WHERE subject IN ({','.join('?' * len(kin.PARTNERS))}) AND valid_to IS NULL", tuple(kin.PARTNERS))
        else:
            names = (row.predicate, "job", "working hours") if row.predicate == "employer" and not row.object else (row.predicate,)
            rows = self._db.execute(f"SELECT {_FACT} FROM facts WHERE subject = ? AND predicate IN ({','.join('?' * len(names))}) AND (valid_to IS NULL OR valid_to > ?)", (subject, *names, when.isoformat()))
        facts = [_fact(one) for one in rows]
        if row.predicate == "owns" and row.object:
            facts += [_fact(one) for one in self._db.execute(f"SELECT {_FACT} FROM facts WHERE subject = ? AND valid_to IS NULL", (row.object.split()[-1].lower(),))]
        alike = [one for one in facts if not row.object or row.predicate == "*" or _shares(one.object, row.object) or one.subject == row.object.split()[-1].lower()]
        self._closed(alike or (facts if row.predicate in ("employer", "home") else []), message, when)

    def _subject(self, row: Learned) -> str:
        """Whom a sentence means among those who are known: the one of that name, the only one of that kind, or somebody new."""
        if row.subject == kin.USER or not kin.kin(row.subject):
            return row.subject
        if row.named and (one := self.known().get(row.named.lower(), "")) and kin.alike(one, row.subject):
            return one
        there = [one for own, subjects in self._people().items() if own == kin.head(row.subject) or kin.alike(own, kin.head(row.subject)) for one in subjects if kin.alike(one, row.subject)]
        if row.named and kin.head(row.subject) in kin.SEVERAL | {"child"}:
            nameless = next((one for one in there if not self._people()[kin.head(one)][one]), "")
            return nameless or (f"{row.subject} {row.named}" if there else row.subject)
        if row.subject in there:
            return row.subject
        return there[-1] if there and "other" not in row.subject else row.subject

    def _people(self) -> dict[str, dict[str, bool]]:
        """Noun -> those of that kind who are known, and whether by name."""
        if self._there is None:
            self._there = {}
            for subject, called in self._db.execute("SELECT subject, max(predicate = 'name') FROM facts WHERE wrong = 0 GROUP BY subject ORDER BY min(id)"):
                self._met(subject, bool(called))
        return self._there

    def _met(self, subject: str, called: bool) -> None:
        if self._there is not None and subject != kin.USER and "'s " not in subject and kin.kin(subject):
            kind = self._there.setdefault(kin.head(subject), {})
            kind[subject] = kind.get(subject, False) or called

    def _closed(self, facts: Sequence[Fact], message: int, when: datetime) -> None:
        self._db.executemany("UPDATE facts SET valid_to = ?, closed_by = ? WHERE id = ?", [(when.isoformat(), message, fact.id) for fact in facts])

    def _insert(self, fact: Fact, message: int) -> Fact:
        cursor = self._db.execute("INSERT INTO facts(subject, predicate, object, valid_from, valid_to, message, said, language, private) VALUES(?, ?, ?, ?, ?, ?, ?, ?, ?)",
                                  (fact.subject, fact.predicate, fact.object, fact.valid_from.isoformat(), fact.valid_to.isoformat() if fact.valid_to else None, message,
                                   fact.said, fact.language, fact.private))
        fact = replace(fact, id=int(cursor.lastrowid or 0))
        if fact.predicate == "name" and self._known is not None:
            self._known |= _called(fact.object, fact.subject)
        self._met(fact.subject, fact.predicate == "name")
        return fact

    def _index_message(self, name: int, text: str, subjects: Sequence[str] = ()) -> None:
        """`subjects`: of the facts learnt from it, also where it says "she"."""
        known = self.known()
        marks = [mark(part) for subject in subjects for whole in subject.split("'s ") if whole != kin.USER for part in (whole, kin.head(whole))]
        self._db.execute("INSERT INTO message_words(rowid, words) VALUES(?, ?)", (name, " ".join(dict.fromkeys([*tokens(text, known), *evidence.words_in(text), *marks]))))
        self._db.executemany("INSERT OR IGNORE INTO entities(name, message) VALUES(?, ?)", [(one, name) for one in _names(text, known)])

    def _about(self, conversation: str) -> str:
        if conversation not in self._last:
            row = self._db.execute("SELECT f.subject FROM facts f JOIN messages m ON m.id = f.message WHERE m.conversation = ? AND f.subject != ? ORDER BY f.id DESC LIMIT 1",
                                   (conversation, kin.USER)).fetchone()
            self._last[conversation] = row[0] if row else ""
        return self._last[conversation]

    def _recent(self, conversation: str) -> list[Fact]:
        """What was learnt in the last few messages of this talk: what a correction may mean."""
        rows = self._db.execute("SELECT id FROM messages WHERE conversation = ? AND role = 'user' ORDER BY id DESC LIMIT 4", (conversation,)).fetchall()
        if not rows:
            return []
        columns = ", ".join(f"facts.{name}" for name in _FACT.split(", "))
        return [_fact(row) for row in self._db.execute(f"SELECT {columns} FROM facts WHERE message >= ? AND wrong = 0 AND (valid_to IS NULL OR valid_to > ?) ORDER BY id DESC LIMIT {LATEST}",
                                                       (rows[-1][0], self.now().isoformat()))]

    # the file -----------------------------------------------------------------------------------------------------------------------

    def close(self) -> None:
        with self._guard:
            self._db.close()

    def _opened(self) -> sqlite3.Connection:
        self.path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        sealed = None
        if self.key is not None and self.path.is_file():
            sealed = self.key.unseal(self.path.read_bytes())
        elif self.key is None and not self.path.exists():
            os.close(os.open(self.path, os.O_WRONLY | os.O_CREAT, 0o600))
        db = sqlite3.connect(":memory:" if self.key is not None else self.path, timeout=PATIENCE, check_same_thread=False)
        try:
            if sealed is not None:
                db.deserialize(sealed)
            db.execute("PRAGMA secure_delete = ON")
            db.execute("PRAGMA foreign_keys = ON")
            db.execute("PRAGMA synchronous = FULL")
            db.execute("PRAGMA temp_store = MEMORY")
            db.execute(f"PRAGMA cache_size = -{CACHE}")
            version = db.execute("PRAGMA user_version").fetchone()[0]
            if version > SCHEMA:
                raise _Newer
            if not version:
                if db.execute("SELECT count(*) FROM sqlite_master").fetchone()[0]:
                    raise sqlite3.DatabaseError("not a memory")
                db.executescript(f"BEGIN IMMEDIATE; {_SCHEMA} PRAGMA user_version = {SCHEMA}; COMMIT;")
            elif db.execute("PRAGMA quick_check").fetchone()[0] != "ok":
                raise sqlite3.DatabaseError("damaged")
            else:
                db.execute("BEGIN IMMEDIATE")            # held by another program? better known now than at the first word
                db.rollback()
                db.execute("SELECT id FROM messages LIMIT 1").fetchone()
            self._outdated = 0 < version < SCHEMA
            db.execute("CREATE VIRTUAL TABLE temp.message_words_vocabulary USING fts5vocab(main, message_words, row)")
            return db
        except BaseException:
            db.close()
            raise

    def _reindexed(self) -> None:
        """What an older version kept, found by the words of this one."""
        with self.together():
            for index in ("bare_messages", "bare_facts"):
                self._db.execute(f"DROP INDEX IF EXISTS {index}")
            self._db.execute("CREATE INDEX bare_messages ON messages(id) WHERE vector IS NULL AND role = 'user'")
            self._db.execute("DROP TABLE IF EXISTS fact_words")
            if any(row[1] == "vector" for row in self._db.execute("PRAGMA table_info(facts)")):
                self._db.execute("ALTER TABLE facts DROP COLUMN vector")
            self._db.execute("DELETE FROM message_words")
            subjects: dict[int, list[str]] = {}
            for message, subject in self._db.execute("SELECT message, subject FROM facts"):
                subjects.setdefault(message, []).append(subject)
            for name, text in self._db.execute("SELECT id, text FROM messages").fetchall():
                self._index_message(name, text, subjects.get(name, ()))
            self._db.execute(f"PRAGMA user_version = {SCHEMA}")

    def _keep(self) -> None:
        """A sealed file is written whole or not at all, and synced."""
        if self.key is None:
            return
        data = self.key.seal(self._db.serialize())
        beside = self.path.with_name(f".new-{os.getpid()}-{os.urandom(4).hex()}")
        try:
            with open(os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
                file.write(data)
                file.flush()
                os.fsync(file.fileno())
            os.replace(beside, self.path)
        finally:
            with suppress(OSError):
                beside.unlink()

    def _bounded(self) -> None:
        """Of too many messages the oldest that taught nothing go, of too many facts the oldest that are over."""
        for table, most, which in (("messages", MOST_MESSAGES, "id NOT IN (SELECT message FROM facts)"), ("facts", MOST_FACTS, "valid_to IS NOT NULL OR id > 0")):
            over = self._db.execute(f"SELECT max(id) - min(id) + 1 FROM {table}").fetchone()[0] or 0
            if over <= most or (over := self._db.execute(f"SELECT count(*) FROM {table}").fetchone()[0] - most) <= 0:
                continue
            gone = [name for (name,) in self._db.execute(f"SELECT id FROM {table} WHERE {which} ORDER BY {'valid_to IS NULL, ' if table == 'facts' else ''}id LIMIT ?", (over + most // 50,))]
            if table == "messages":
                self._db.executemany("DELETE FROM message_words WHERE rowid = ?", [(name,) for name in gone])
            self._db.executemany(f"DELETE FROM {table} WHERE id = ?", [(name,) for name in gone])
            self._vectors, self._unsaved = None, {}


class _Newer(Exception):
    """The file was written by a newer version."""


class _Weighed:
    """Messages held against a question: how likely each bears on it, the facts learnt from it, and which of them speak of the same thing later."""

    def __init__(self, memory: Memory, seek: evidence.Sought, vector: np.ndarray | None, visitor: bool, replies: bool):
        self.memory, self.seek, self.vector, self.visitor, self.replies = memory, seek, vector, visitor, replies
        self.rows: dict[int, dict[str, Any]] = {}
        self.facts: dict[int, list[Fact]] = {}
        self.words: dict[int, frozenset[str]] = {}
        self.likely: dict[int, float] = {}
        self.own: dict[int, float] = {}                  # as likely as it is by itself
        self.points: dict[int, float] = {}
        self.lacking: set[int] = set()
        self.later: set[tuple[int, int]] = set()         # (what was said later, what earlier) of the same thing
        self.over: set[int] = set()                      # of which something newer was said

    def add(self, names: Sequence[int], points: Mapping[int, float]) -> list[int]:
        """Weigh messages; those that may be told at all."""
        fresh = [name for name in names if name not in self.rows]
        rows = self.memory._messages(fresh)
        rows = {name: row for name, row in rows.items() if (row["role"] == "user" or self.replies) and not (self.visitor and row["private"]) and not row["text"].endswith(("?", "？"))}
        if not rows:
            return []
        marks = ",".join("?" * len(rows))
        facts = [_fact(row) for row in self.memory._db.execute(f"SELECT {_FACT} FROM facts WHERE message IN ({marks})", [*rows])]
        for fact in facts:
            if not (self.visitor and fact.private):
                self.facts.setdefault(fact.source, []).append(fact)
        words = self.memory._words([*rows])
        vectors = self.memory._vectors
        cosines = vectors.cosines([*rows], self.vector) if vectors is not None and self.vector is not None else np.full(len(rows), np.nan)
        table = [evidence.features(self.seek, row["text"], words.get(name, frozenset()), float(cosine)) for (name, row), cosine in zip(rows.items(), cosines)]
        for name, likely, row in zip(rows, evidence.likely(self.seek, table), table):
            others = self.seek.kin and name in self.facts and not self.seek.whom & words.get(name, frozenset())         # what it taught is of somebody else
            self.likely[name] = float(likely) * (1.0 if rows[name]["role"] == "user" else 0.6) * (0.1 if others else 1.0)
            self.points[name], self.own[name] = points.get(name, 0.0), self.likely[name]
            if row[-1]:
                self.lacking.add(name)
        self.rows |= rows
        self.words |= words
        return [*rows]

    def follow(self, past: bool) -> None:
        """What was said later of the same thing as the likeliest ones: what closed a fact of theirs, and what tells of a change and shares a rare word
        with them; where the question is after what was, what was said earlier. What else shares a rare word with them is likelier for it."""
        best = nlargest(5, (name for name, likely in self.likely.items() if likely >= ENOUGH / 2), key=lambda name: self.likely[name])
        if not best or self.likely[best[0]] < ENOUGH:
            return
        db, column, other = self.memory._db, *(("closed_by", "message") if past else ("message", "closed_by"))
        marks = ",".join("?" * len(best))
        closed = {(row[1], row[0]) if not past else (row[0], row[1]) for row in db.execute(f"SELECT {column}, {other} FROM facts WHERE {column} IN ({marks}) AND {other} IS NOT NULL AND message != closed_by", best)}
        links = dict.fromkeys(closed, 0.95)
        words = {word for name in best for word in self.words.get(name, ()) if word not in evidence.DULL and not word.startswith(("xk", "xt", "xs", "xo", "xc", "xw")) and (len(word) > 2 or len(word) > 1 and word.isdigit() or not word.isascii())}
        whole = 1 + (db.execute("SELECT max(id) FROM messages").fetchone()[0] or 0)
        rare = [term for term, n in db.execute(f"SELECT term, doc FROM message_words_vocabulary WHERE term IN ({','.join('?' * len(words))})", [*words]) if 1 < n <= max(4, min(RARE, whole // 50))] if words else []
        beside: dict[int, float] = {}
        if rare:
            query = " OR ".join(f'"{term}"' for term in rare[:32])
            near = [name for (name,) in db.execute("SELECT rowid FROM message_words WHERE message_words MATCH ? ORDER BY rowid DESC LIMIT 120", (query,))]
            held = self.memory._words(near)
            for name in best:
                own = {word for word in rare if word in self.words.get(name, ())}
                for there in near if self.likely[name] >= SURELY and not self.seek.wish else ():
                    if there != name and (shared := len(own & held[there])):
                        beside[there] = max(beside.get(there, 0.0), (0.4 if shared > 1 else 0.25) * self.likely[name])
                for there in near:
                    if there == name or (there < name) != past or not past and "xchange" not in held[there] or past and "xchange" not in self.words[name]:
                        continue
                    shared = len(own & held[there])
                    if shared:
                        pair = (there, name) if not past else (name, there)
                        links[pair] = max(links.get(pair, 0.0), 0.8 if shared > 1 else 0.6)
        ends = {pair[0] if not past else pair[1] for pair in links}
        self.add([name for name in (*ends, *beside) if name not in self.rows], {})
        for name, likely in beside.items():
            if name in self.rows:
                self.likely[name] = max(self.likely[name], likely)
        for (new, old), share in links.items():
            if new not in self.rows or old not in self.rows or ("xwish" in self.words.get(new, ())) != ("xwish" in self.words.get(old, ())):
                continue
            found, by = (old, new) if past else (new, old)
            self.likely[found] = max(self.likely[found], share * self.likely[by])
            self.later.add((new, old))
        parts = {name: {n for n, (own, _, about) in enumerate(self.seek.parts) if own & held or about & held} for name, held in self.words.items() if self.likely.get(name, 0.0) >= ENOUGH / 2}
        plain = {name: {n for n, (own, _, _) in enumerate(self.seek.parts) if own & self.words[name]} for name in parts}
        for new in parts:                                # without a word of change only what shares the very word that is asked for
            changes = "xchange" in self.words[new]
            same, share = (parts, 0.4) if changes else (plain, 0.6)
            self.later |= {(new, old) for old in same if old < new and same[old] & same[new] and self.likely[new] >= share * self.likely[old]}
        self.over = {old for _, old in closed} & self.rows.keys()

    def sure(self, fact: Fact, wanted: Asked) -> bool:
        """Whether a fact that the question is plainly after is told as its answer: not where something later was said that rules could not read, nor
        where it only looks like it."""
        if (self.seek.parts or self.seek.musts) and not wanted.predicates and self.likely.get(fact.source, 0.0) < ENOUGH:
            return False
        if fact.source in self.lacking and fact.predicate in _LOOSE or fact.predicate in ("has", "owns") and self.likely.get(fact.source, 0.0) < ENOUGH:
            return False
        newer = [new for new, old in self.later if old == fact.source and self.own.get(new, 0.0) >= max(ENOUGH, 0.25 * self.own.get(old, 0.0)) and not any(one.predicate == fact.predicate for one in self.facts.get(new, ()))]
        return wanted.past or not newer or fact.predicate in _FIRM and (fact.predicate != "name" or kin.head(fact.subject) not in evidence.ROLES)

    def ordered(self, sure: Sequence[int], past: bool) -> list[int]:
        """The messages that bear on the question, the likeliest first, but what was said later of the same thing before what was said earlier."""
        found = sorted((name for name, likely in self.likely.items() if likely >= LEAST or name in sure),
                       key=lambda name: (1, name, 0.0) if name in sure and not past else (int(name in sure), self.likely[name], self.points.get(name, 0.0)), reverse=True)
        found += [name for name in sure if name not in found]
        for new, old in sorted(self.later) if not past else ():
            if new in found and old in found and found.index(old) < found.index(new) and not (old in sure and new not in sure):
                found.remove(new)
                found.insert(found.index(old), new)
        return found


_ANSWERED = re.compile(r"\b(?:did|have) you (?:ever )?(?:say|said|tell|told|mention|suggest|recommend|promise|answer)|\byou (?:said|told me|suggested|recommended|promised)\b|你(?:之前|刚才|上次|当时)?(?:说过|讲过|推荐|建议|答应|告诉我)", re.IGNORECASE)
_LOOSE = frozenset(("has", "owns", "plan", "event", "does", "likes", "wants", "is", "did"))      # predicates under which rules put what they read least well
_FIRM = frozenset(("name", "birthday", "born", "allergy", "origin", "death"))


def _glossed(text: str) -> str:
    """The English of a Chinese text's words; "" where there is no dictionary. It is read at the first Chinese text."""
    return gloss().english(text)


def _fact(row: Sequence[Any]) -> Fact:
    name, subject, predicate, value, since, until, message, said, language, private, wrong = row
    return Fact(name, subject, predicate, value, datetime.fromisoformat(since), datetime.fromisoformat(until) if until else None, message, said, language, bool(private), bool(wrong))


def _current(facts: Sequence[Fact], wanted: Asked, now: datetime) -> list[Fact]:
    """Those that hold, or, where the question asks for what was, those that do not; where none holds, the last that did, if the predicate has many."""
    holding, over = [fact for fact in facts if fact.holds(now)], [fact for fact in facts if not fact.holds(now)]
    if wanted.past and over:
        return over
    left = {(fact.subject, fact.predicate) for fact in holding}
    return [*holding, *(fact for fact in over if (fact.subject, fact.predicate) not in left)]


def _concerns(fact: Fact, subject: str) -> bool:
    return kin.alike(fact.subject, subject) or subject in fact.subject or kin.head(subject) in tokens_of(fact.object)


def tokens_of(text: str) -> set[str]:
    return {word.rstrip("s") for word in normal_en(text).split()}


def _names(text: str, known: Mapping[str, str]) -> list[str]:
    """The entities a text names, in lower case: names that are known, and what is capitalised within a sentence."""
    found = named(text, known)
    found += [hit[0].lower() for hit in _ENTITY.finditer(text)]
    return [name for name in dict.fromkeys(found) if name not in _NO_ENTITY][:12]


def _called(name: str, subject: str) -> dict[str, str]:
    """The names that stand for somebody: the whole, and the first of several."""
    first = name.lower().split()[0] if " " in name else ""
    return ({first: subject} if len(first) > 2 else {}) | ({name.lower(): subject} if len(name) > 1 else {})


def _same(one: str, other: str) -> bool:
    return re.sub(r"^(?:an?|the|my) |\W", "", simplify(one).lower()) == re.sub(r"^(?:an?|the|my) |\W", "", simplify(other).lower())


def _shares(one: str, other: str) -> bool:
    """Whether two objects speak of the same: one word of weight in common."""
    return _same(one, other) or bool(set(tokens(one)) & set(tokens(other))) or simplify(other).lower() in simplify(one).lower()


def _free(path: Path, code: str) -> Path:
    """A name beside a file that is not taken."""
    number = 1
    while (there := path.with_name(f"{path.stem}.{code}-{number}{path.suffix}")).exists():
        number += 1
    return there


def _settled(path: Path, how: Mapping[str, Any]) -> None:
    """Bring in what was heard while the file was held by another program."""
    asides = sorted(path.parent.glob(f"{path.stem}.aside-*{path.suffix}")) if path.parent.is_dir() else []
    if not asides or not path.exists():
        return
    try:
        whole = Memory(path, **how)
    except (sqlite3.Error, _Newer, ValueError, OSError):
        return                                           # told by `open`, which tries the same
    try:
        for aside in asides:
            with suppress(sqlite3.Error, _Newer, ValueError):
                other = Memory(aside, **how)
                said = other.export()["messages"]
                other.close()
                with whole.together():
                    for row in said:
                        whole.heard(row["role"], row["text"], turn=row["turn"], conversation=row["conversation"], when=datetime.fromisoformat(row["at"]), language=row["language"],
                                    private=row["private"])
                aside.unlink()
    finally:
        whole.close()


def as_json(memory: Memory) -> bytes:
    """The whole of a memory as a file to hand over."""
    return json.dumps(memory.export(), ensure_ascii=False, indent=1).encode()
