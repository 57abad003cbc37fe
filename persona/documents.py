"""What a twin's documents say: passages with their places, found by words and by meaning, and of each the sentence that answers. Reads no file formats
(text is handed in) and speaks to nobody (persona/mind.py does).

One file holds a library: a zip of documents.json (documents, their passages, the relations found in them) and vectors.npy (int8 [n, d], a row for each
English sentence). Words are looked up by BM25 (Robertson & Zaragoza, 2009), meanings by the handed-in embedder, and both rankings with that of the graph
are put together by reciprocal rank (Cormack et al., 2009). What stands in a document is quoted, never obeyed.
"""
from __future__ import annotations

import hashlib
import io
import json
import math
import re
import threading
import zipfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np

from persona.search import Embed
from persona.wanted import FIRSTS_ZH, WEAK, Wanted, runs_zh, tokens, wanted
from persona.words import cjk_share, normal, simplify

FILE = "documents.zip"                                   # its name in a folder
VERSION = 1
MOST_DOCUMENTS, MOST_PASSAGES = 200, 10_000
MOST_JSON, MOST_VECTORS = 48 * 2**20, 96 * 2**20         # bytes, unpacked
WORDS, LONGEST_WORDS = 80, 120                           # of an English passage; Chinese ones have so many characters:
CHARS, LONGEST_CHARS = 150, 250
SPOKEN = 45                                              # words of an answer at the most
BATCH = 64                                               # sentences embedded between two reports
K1, B = 1.2, 0.75                                        # of BM25
RANK = 60                                                # of the reciprocal ranks: 1 / (RANK + rank)
NEAR = 14                                                # passages that are looked at sentence by sentence
SURE = 0.6                                               # from this score on a passage answers the question


class DocumentError(ValueError):
    """A library that cannot be read, or has no room. `hint` says what to do, `zh` both in Chinese."""

    def __init__(self, message: str, hint: str = "", zh: tuple[str, str] = ("", "")):
        super().__init__(message)
        self.message, self.hint, self.zh = message, hint, zh

    def told(self, language: str) -> tuple[str, str]:
        return self.zh if language == "zh" and self.zh[0] else (self.message, self.hint)


@dataclass(frozen=True)
class Passage:
    """A piece of a document. `source`: what the document is called; `place`: {"page", "heading"} as far as known; `best`: the sentence or two of it
    that answer, as they stand there; `score` in 0..1: from SURE on it answers the question."""
    text: str
    source: str
    place: Mapping[str, Any] = field(default_factory=dict)
    score: float = 0.0
    best: str = ""
    document: str = ""                                   # its id
    number: int = 0                                      # which passage of the document
    private: bool = False


@dataclass
class Document:
    """`passages`: (sentences, page, heading) each; `edges`: rows of persona/graph.py."""
    id: str
    name: str
    title: str
    kind: str = "txt"
    size: int = 0                                        # bytes of the file it came from
    pages: int = 0
    added: str = ""                                      # ISO date
    private: bool = False
    passages: list[tuple[list[str], int, str]] = field(default_factory=list)
    edges: list[list[Any]] = field(default_factory=list)

    @property
    def language(self) -> str:
        return "zh" if cjk_share(" ".join(" ".join(sentences) for sentences, _, _ in self.passages[:20])) >= 0.3 else "en"

    def told(self) -> dict[str, Any]:
        """What the page is told of it."""
        return {"id": self.id, "name": self.name, "title": self.title, "kind": self.kind, "size": self.size, "pages": self.pages, "added": self.added,
                "private": self.private, "passages": len(self.passages), "relations": len(self.edges), "language": self.language}


class Library:
    """The documents of one twin. `folder`: where FILE lies, loaded now and written at each change; or `data`: its bytes, kept by somebody else
    (`packed`). `embed`: texts -> float32 [n, d], rows of length 1, English. Safe to ask from several threads; changes take turns. Raises DocumentError."""

    def __init__(self, folder: str | Path | None = None, *, embed: Embed | None = None, data: bytes = b""):
        self.folder, self._embed = Path(folder) if folder else None, embed
        self.documents: list[Document] = []
        self._vectors: dict[str, np.ndarray] = {}        # document -> int8 [its English sentences, d]
        self._changing = threading.RLock()
        self._index: _Index | None = None
        if self.folder is not None and not data and (self.folder / FILE).is_file():
            data = (self.folder / FILE).read_bytes()
        if data:
            self.documents, self._vectors = _unpacked(data)

    def __len__(self) -> int:
        return sum(len(document.passages) for document in self.documents)

    def __getitem__(self, id: str) -> Document:
        return next(document for document in self.documents if document.id == id)

    def add(self, name: str, text: str | Sequence[tuple[str, int, str]], pages: int = 0, **about: Any) -> int:
        """A document of that name, a newer one in the place of an older; `text`: all of it, or (paragraph, page or 0, heading) in order. `about`:
        other fields of Document. Returns its number of passages. Raises DocumentError, and nothing is changed."""
        for _ in self.adding(name, text, pages, **about):
            pass
        return len(self.documents[-1].passages)

    def adding(self, name: str, text: str | Sequence[tuple[str, int, str]], pages: int = 0, *, ask: Callable[..., str] | None = None, **about: Any) -> Iterator[float]:
        """The same as a generator of how far it is, 0..1. Closed before its end it leaves everything as it was. `ask`: of persona.extract, a model that
        reads relations too."""
        from persona.extract import merged, reading
        from persona.graph import relations
        blocks = [(part.strip(), 0, "") for part in re.split(r"\n\s*\n", text)] if isinstance(text, str) else list(text)
        passages = list(split(blocks))
        if not passages:
            raise DocumentError("There is no text in the document.", "Choose another one.", ("文档里没有文字。", "请换一份文档。"))
        title = about.pop("title", "") or title_of(name)
        document = Document(hashlib.sha256(name.encode()).hexdigest()[:12], name[:200], title, pages=pages, passages=passages, **about)
        others = [one for one in self.documents if one.id != document.id]
        if len(others) >= MOST_DOCUMENTS or sum(len(one.passages) for one in others) + len(passages) > MOST_PASSAGES:
            raise DocumentError(f"There is room for {MOST_DOCUMENTS} documents of {MOST_PASSAGES:,} passages together.", "Remove one, or bring less of it.",
                                (f"最多 {MOST_DOCUMENTS} 份文档，合计 {MOST_PASSAGES:,} 段。", "请先删除一份，或少拿一些。"))
        english = _english(document)
        rows: list[np.ndarray] = []
        for at in range(0, len(english), BATCH) if self._embed else ():
            rows.append(_packed_rows(np.asarray(self._embed(english[at:at + BATCH]), np.float32)))       # type: ignore[misc]
            yield (0.4 if ask else 0.9) * (at + BATCH) / max(len(english), BATCH)
        document.edges = relations(document)
        for done, more in reading(document, ask) if ask else ():
            document.edges = merged(document.edges, more)
            yield 0.4 + 0.55 * done
        yield 0.98
        with self._changing:
            self.documents = [one for one in self.documents if one.id != document.id] + [document]
            self._vectors.pop(document.id, None)
            if rows:
                self._vectors[document.id] = np.concatenate(rows)
            self._changed()

    def remove(self, name: str) -> bool:
        """By id or name. Whether it was there."""
        with self._changing:
            left = [one for one in self.documents if name not in (one.id, one.name)]
            gone = len(left) < len(self.documents)
            self.documents = left
            self._vectors = {own: rows for own, rows in self._vectors.items() if own in {one.id for one in left}}
            if gone:
                self._changed()
            return gone

    def keep_private(self, name: str, private: bool) -> bool:
        """A private document is used in talks at home and goes nowhere with a twin that is shared. Whether it was there."""
        with self._changing:
            found = next((one for one in self.documents if name in (one.id, one.name)), None)
            if found is not None:
                found.private = private
                self._changed()
            return found is not None

    def packed(self, private: bool = True, hide: Callable[[str], str] | None = None) -> bytes:
        """The bytes of its file; without what is private if so asked, and each sentence through `hide`."""
        with self._changing:
            kept = [one for one in self.documents if private or not one.private]
            vectors = [self._vectors[one.id] for one in kept if one.id in self._vectors]
            known = [one.id for one in kept if one.id in self._vectors]
            rows = [[[[hide(s) for s in sentences] if hide else sentences, page, heading] for sentences, page, heading in one.passages] for one in kept]
            edges = [[[hide(part) if isinstance(part, str) else part for part in edge] for edge in one.edges] if hide else one.edges for one in kept]
            body = {"version": VERSION, "embedded": known, "documents": [
                {"id": one.id, "name": one.name, "title": one.title, "kind": one.kind, "size": one.size, "pages": one.pages, "added": one.added,
                 "private": one.private, "passages": own, "edges": found} for one, own, found in zip(kept, rows, edges)]}
        out = io.BytesIO()
        with zipfile.ZipFile(out, "w") as archive:
            archive.writestr(zipfile.ZipInfo("documents.json", (1980, 1, 1, 0, 0, 0)), json.dumps(body, ensure_ascii=False).encode(), zipfile.ZIP_DEFLATED)
            if vectors:
                held = io.BytesIO()
                np.save(held, np.concatenate(vectors), allow_pickle=False)
                archive.writestr(zipfile.ZipInfo("vectors.npy", (1980, 1, 1, 0, 0, 0)), held.getvalue())
        return out.getvalue()

    def _changed(self) -> None:
        self._index = None
        if self.folder is not None:
            beside = self.folder / f".{FILE}.part"
            self.folder.mkdir(parents=True, exist_ok=True)
            beside.write_bytes(self.packed())
            beside.replace(self.folder / FILE)

    # finding ------------------------------------------------------------------------------------------------------------------------

    def warm(self) -> None:
        """Makes the indexes now: a second for 10,000 passages."""
        self._ready()

    def _ready(self) -> _Index:
        index = self._index
        if index is None:
            with self._changing:
                index = self._index = self._index or _Index(self.documents, self._vectors, self._embed)
        return index

    @property
    def graph(self) -> Any:
        """The relations of all documents (persona.graph.Graph)."""
        return self._ready().graph

    def find(self, question: str, language: str = "en", most: int = 4, history: Sequence[Mapping[str, Any]] = ()) -> list[Passage]:
        """The passages nearest to a question, best first. After a question that points back ("and on Sundays?") the one before it is looked at too."""
        from persona.cited import asks_origin
        if not self.documents or not question.strip():
            return []
        last = history[-1] if history else {}
        if last.get("role") == "assistant" and asks_origin(question):
            return self.source_of(str(last.get("content", "")))
        return self._ready().find(_whole(question, language, history), question, language, most)

    def source_of(self, said: str, most: int = 2) -> list[Passage]:
        """The passages that a reply of the twin quotes."""
        mark = _mark(said)
        found = [(len(_mark(s)), p) for p in self._ready().passages for s in p.sentences if len(_mark(s)) > 7 and (_mark(s) in mark)] if mark and self.documents else []
        rows = dict.fromkeys(p.number for _, p in sorted(found, key=lambda item: -item[0]))
        return [self._ready().passage(number, 1.0, said) for number in list(rows)[:most]]


# making passages -------------------------------------------------------------------------------------------------------------------------

_ABBREVIATED = re.compile(r"(?:\b(?:Mr|Mrs|Ms|Dr|Prof|St|No|vs|etc|e\.g|i\.e|approx|Inc|Ltd|Co|Fig|Vol|pp?|cf|ca|Jan|Feb|Aug|Sept?|Oct|Nov|Dec|Gen|Col|Sgt|Rev|Hon|Jr|Sr"
                          r"|a\.m|p\.m|U\.S|U\.K|[A-Z]))\.$")


def sentences(text: str) -> list[str]:
    """English and Chinese sentences; an abbreviation ends none."""
    found: list[str] = []
    for part in re.split(r"(?<=[.!?])[\"”’)]?\s+(?=[\"“‘(]?[A-Z0-9\u4e00-\u9fff])|(?<=[。！？；])(?![”’」』])|\n+", text):
        part = part.strip() if part else ""
        if not part:
            continue
        if found and _ABBREVIATED.search(found[-1]):
            found[-1] += " " + part
        else:
            found.append(part)
    return [piece for part in found for piece in _bounded(part)]


def _bounded(text: str) -> list[str]:
    """A sentence that never ends is cut at commas, or anywhere."""
    most = 4 * LONGEST_CHARS
    if len(text) <= most:
        return [text]
    found = []
    while len(text) > most:
        end = max(text.rfind(mark, most // 2, most) for mark in (", ", "，", "; ", " "))
        end = end + 1 if end > 0 else most
        found.append(text[:end].strip())
        text = text[end:].strip()
    return [*found, text] if text else found


def _room(text: str) -> float:
    """How much of a passage a text fills: 1 = it is full."""
    chinese = 0 if text.isascii() else sum("\u3400" <= c <= "\u9fff" for c in text)
    return chinese / CHARS + len(_LATIN.findall(text)) / WORDS


_LATIN = re.compile(r"[A-Za-z0-9'’]+")


def split(blocks: Sequence[tuple[str, int, str]]) -> Iterator[tuple[list[str], int, str]]:
    """(sentences, page, heading) of passages: some 80 to 120 words or 150 to 250 characters, never across a heading."""
    held: list[str] = []
    full, at, under = 0.0, 0, ""
    for text, page, heading in blocks:
        if held and (heading != under or full >= 1 or page != at and full > 0.5):
            yield held, at, under
            held, full = [], 0.0
        for sentence in sentences(" ".join(text.split())):
            more = _room(sentence)
            if held and full + more > LONGEST_WORDS / WORDS + 0.1:
                yield held, at, under
                held, full = [], 0.0
            if not held:
                at, under = page, heading
            held.append(sentence)
            full += more
    if held:
        yield held, at, under


def title_of(name: str) -> str:
    """What a file is called, as it is said: "staff_handbook-2024.pdf" -> "Staff handbook 2024"."""
    bare = " ".join(re.sub(r"[_\-+.]+", " ", re.sub(r"\.[A-Za-z0-9]{1,5}$", "", name.rsplit("/", 1)[-1])).split()) or name
    return bare[:1].upper() + bare[1:120]


def _english(document: Document) -> list[str]:
    """The sentences that are embedded, each with the heading it stands under."""
    return [_meant(sentence, heading) for held, _, heading in document.passages for sentence in held if _is_english(sentence)]


def _is_english(sentence: str) -> bool:
    return sentence.isascii() or cjk_share(sentence) < 0.3


@lru_cache(maxsize=16_384)
def _token_set(sentence: str) -> frozenset[str]:
    return frozenset(tokens(sentence))


def _meant(sentence: str, heading: str) -> str:
    return f"{heading}: {sentence}" if heading and len(sentence) < 200 else sentence


# the index -------------------------------------------------------------------------------------------------------------------------------

@dataclass(frozen=True)
class _Row:
    """A passage in the index; `first`: its first row among the vectors, of `rows`."""
    document: Document
    number: int                                          # among all
    own: int                                             # in its document
    sentences: list[str]
    page: int
    heading: str
    rows: tuple[int, ...]                                # -1 for a sentence that is not embedded


class _Index:
    def __init__(self, documents: Sequence[Document], vectors: Mapping[str, np.ndarray], embed: Embed | None):
        from persona.graph import Graph
        self.embed = embed
        self.passages: list[_Row] = []
        at, kept = 0, []
        for document in documents:
            rows = vectors.get(document.id)
            here = 0
            for own, (held, page, heading) in enumerate(document.passages):
                marks = []
                for sentence in held:
                    embedded = rows is not None and _is_english(sentence)
                    marks.append(at + here if embedded else -1)
                    here += embedded
                self.passages.append(_Row(document, len(self.passages), own, held, page, heading, tuple(marks)))
            if rows is not None:
                kept.append(rows)
                at += len(rows)
        self.vectors = np.concatenate(kept) if kept and embed else None
        self._means()
        self._words()
        self.graph = Graph()
        first: dict[str, int] = {}
        for row in self.passages:
            first.setdefault(row.document.id, row.number)
        for document in documents:
            self.graph.take(document.edges, document.title, first.get(document.id, 0))

    def _means(self) -> None:
        """float32 [passages, d]: the mean meaning of each passage's sentences, of length 1."""
        self.means: np.ndarray | None = None
        if self.vectors is None or not len(self.vectors):
            return
        owner = np.repeat(np.arange(len(self.passages)), [sum(row >= 0 for row in passage.rows) for passage in self.passages])
        means = np.zeros((len(self.passages), self.vectors.shape[1]), np.float32)
        for low in range(0, len(owner), 8192):           # in pieces: int8 as float32 is four times as large
            part = self.vectors[low:low + 8192].astype(np.float32)
            part /= np.linalg.norm(part, axis=1, keepdims=True) + 1e-9
            whose, first = np.unique(owner[low:low + 8192], return_index=True)
            means[whose] += np.add.reduceat(part, first)
        self.means = means / (np.linalg.norm(means, axis=1, keepdims=True) + 1e-9)

    def _words(self) -> None:
        """BM25's postings: for each word the passages that hold it, and their weights."""
        ids: dict[str, int] = {}
        words, owners = [], []
        for row in self.passages:
            found = tokens(" ".join(row.sentences)) + tokens(row.heading) + (tokens(row.document.title) if row.own == 0 else [])
            words += [ids.setdefault(word, len(ids)) for word in found]
            owners += [row.number] * len(found)
        count = len(self.passages)
        pairs, times = np.unique(np.array(words, np.int64) * max(count, 1) + np.array(owners, np.int64), return_counts=True)
        word, owner = pairs // max(count, 1), pairs % max(count, 1)
        lengths = np.bincount(np.array(owners, np.int64), minlength=count) if owners else np.ones(count)
        held = np.bincount(word, minlength=len(ids))
        self.idf = np.log(1 + (count - held + 0.5) / (held + 0.5)).astype(np.float32)
        weight = times * (K1 + 1) / (times + K1 * (1 - B + B * lengths[owner] / max(lengths.mean(), 1))) if len(times) else times
        self.ids, self.starts = ids, np.searchsorted(word, np.arange(len(ids) + 1))
        self.owners, self.weights = owner.astype(np.int32), np.asarray(weight, np.float32)
        self.rare = float(math.log(1 + (count + 0.5) / 0.5))

    def weight(self, word: str) -> float:
        """How telling a word is here."""
        number = self.ids.get(word)
        full = self.rare if number is None else float(self.idf[number])
        return full * (0.35 if word in WEAK or len(word) == 1 else 1.0) + 0.2

    def words_zh(self, question: str) -> tuple[str, ...]:
        """The words of a Chinese question: pairs that the documents know where there are any, so that no pair lies across two words."""
        found: list[str] = []
        for run in runs_zh(question):
            best: list[tuple[float, list[str]]] = [(0.0, [])]
            for end in range(1, len(run) + 1):
                ways = [(best[end - 1][0] + 0.6, [*best[end - 1][1], run[end - 1]])]
                if end > 1:
                    pair = run[end - 2:end]
                    ways.append((best[end - 2][0] + (0.0 if pair in self.ids or pair in FIRSTS_ZH else 1.0), [*best[end - 2][1], pair]))
                best.append(min(ways, key=lambda way: way[0]))
            found += best[-1][1] if re.search(r"[\u3400-\u9fff]", run) else tokens(run)
        return tuple(dict.fromkeys(found))

    def bm25(self, words: Sequence[str]) -> np.ndarray:
        """float32 [passages]"""
        found = np.zeros(len(self.passages), np.float32)
        for word in dict.fromkeys(words):
            number = self.ids.get(word)
            if number is not None:
                low, high = self.starts[number], self.starts[number + 1]
                found[self.owners[low:high]] += self.idf[number] * self.weights[low:high]
        return found

    def find(self, question: str, plain: str, language: str, most: int) -> list[Passage]:
        asked = wanted(question, language)
        if language == "zh":
            asked = replace(asked, words=self.words_zh(question))
        by_word = self.bm25(asked.words)
        vector = None
        if self.embed and self.means is not None and language == "en":
            vector = np.asarray(self.embed([normal(question, "en")]), np.float32)[0]
        fused = np.zeros(len(self.passages), np.float32)
        rankings = [_best(by_word, 50)] + ([_best(self.means @ vector, 50)] if vector is not None else [])        # type: ignore[operator]
        path = self.graph.path(question, language)
        leads = (path[-1].number, path[-1].sentence) if path else (-1, "")           # where a chain of relations answers
        near = self.graph.passages(question, language, path)
        for ranking in (*rankings, near[:20]):
            for rank, number in enumerate(ranking):
                fused[number] += 1 / (RANK + rank)
        weights = {word: self.weight(word) for word in asked.words}
        found = []
        for number in _best(fused, NEAR):
            score, at = self._answer(self.passages[number], asked, weights, vector, number in near[:6], leads[1] if number == leads[0] else "")
            found.append((score, float(fused[number]), number, at))
        found.sort(key=lambda item: (-round(item[0], 3), -item[1]))
        return [self.passage(number, score, _said(self.passages[number], at, asked) if score else "") for score, _, number, at in found[:most]]

    def passage(self, number: int, score: float, best: str = "") -> Passage:
        row = self.passages[number]
        place = {name: value for name, value in (("page", row.page), ("heading", row.heading)) if value}
        return Passage(joined(row.sentences), row.document.title, place, round(score, 3), best, row.document.id, row.own, row.document.private)

    def _answer(self, row: _Row, asked: Wanted, weights: Mapping[str, float], vector: np.ndarray | None, related: bool,
                leads: str) -> tuple[float, int]:
        """(how well the passage answers, which of its sentences does). `leads`: the sentence of it at the end of a chain of relations, or ""."""
        whole = sum(weights.values()) or 1.0
        around = set(tokens(f"{row.heading} {row.document.title}"))
        each = [_token_set(sentence) for sentence in row.sentences]
        near = self._alike(row, vector)
        written = _mark(f"{row.heading} {row.document.title} {' '.join(row.sentences)}") if asked.names else ""
        strange = any(name not in written for name in asked.names)        # a name or a number of the question that is not here at all
        best, at = 0.0, 0
        for number, sentence in enumerate(row.sentences):
            before, after = each[number - 1] if number else set(), each[number + 1] if number + 1 < len(each) else set()
            back = 0.9 if _POINTS.match(sentence) else 0.75
            missed = []
            share = 0.0
            for word in asked.words:
                lone = len(word) == 1 and word in sentence
                held = 1.0 if word in each[number] or lone else 0.85 if word in around else back if word in before else 0.4 if word in after else 0.0
                share += weights[word] * held
                if not held:
                    missed.append(word)
            share = asked.covered(sentence, share / whole, sum(map(weights.__getitem__, missed)) / whole, missed)
            alike = near[number]
            score = (0.62 * share + 0.38 * max(0.0, min(1.0, (alike - 0.1) / 0.6)) if alike is not None else share)
            if strange:
                score *= 0.5
            if not asked.fits(sentence):
                score *= 0.66
            if sentence.endswith(("?", "？")):
                score *= 0.6
            score = 1.2 if sentence == leads else score + 0.05 * related * (score > 0.3)
            if score > best + 0.01 and not instructs(sentence):
                best, at = score, number
        return min(best, 1.0), at

    def _alike(self, row: _Row, vector: np.ndarray | None) -> list[float | None]:
        """Cosine of the question with each sentence, None where that is not embedded."""
        if vector is None or self.vectors is None:
            return [None] * len(row.sentences)
        held = [mark for mark in row.rows if mark >= 0]
        part = self.vectors[held].astype(np.float32)
        scores = iter((part @ vector) / (np.sqrt((part * part).sum(1)) + 1e-9)) if held else iter(())
        return [float(next(scores)) if mark >= 0 else None for mark in row.rows]


def _best(scores: np.ndarray, most: int) -> list[int]:
    """The numbers of the highest scores above 0, best first."""
    if len(scores) > most:
        part = np.argpartition(-scores, most)[:most]
    else:
        part = np.arange(len(scores))
    return [int(number) for number in part[np.argsort(-scores[part], kind="stable")] if scores[number] > 0]


_POINTS = re.compile(r"(?:It|He|She|They|This|These|That|Those|Its|His|Her|Their)\b|[它他她]|这|该|其")


def _said(row: _Row, at: int, asked: Wanted) -> str:
    """The answering sentence; with the one before it where it points back, with the next where a list is announced."""
    best = row.sentences[at]
    if len(best) > 6 * SPOKEN and (clauses := re.split(r"(?<=[;；])\s*|\s+[—–-]\s+", best)) and len(clauses) > 1:
        best = max(clauses, key=lambda clause: (len(set(asked.words) & set(tokens(clause))), -len(clause))).strip()
    more = [best]
    if at and _POINTS.match(best) and not instructs(row.sentences[at - 1]):
        more.insert(0, row.sentences[at - 1])
    if re.search(r"[:：]$", best) and at + 1 < len(row.sentences):
        more.append(row.sentences[at + 1])
    if sum(_room(part) for part in more) > SPOKEN / WORDS + 0.2:
        more = [best]
    return joined(more)


def joined(parts: Sequence[str]) -> str:
    """Sentences as one text; Chinese ones need no space between them."""
    text = parts[0] if parts else ""
    for part in parts[1:]:
        text += part if re.search(r"[\u3000-\u9fff\uff00-\uffef]$", text) else " " + part
    return text


_ORDERS = re.compile(
    r"\b(?:ignore|disregard|forget|override|bypass)\b[^.]{0,40}\b(?:instruction|prompt|rule|guideline|persona|character|everything|above|previous)s?\b|"
    r"\byou (?:are|must|will|should) now\b|\b(?:system|developer) (?:prompt|message)\b|\bas an? (?:ai|assistant|language model)\b|\bpretend (?:to be|you)\b|"
    r"\b(?:reveal|print|repeat|output) (?:your|the) (?:prompt|instructions|system)|<\||\|>|\[/?inst|###\s*(?:system|instruction)|"
    r"(?:忽略|无视|忘记|忘掉|不要理会)[^。]{0,12}(?:指令|指示|提示|规则|设定|以上|之前)|系统提示|提示词|你现在是|从现在起你|扮演", re.IGNORECASE)


def instructs(sentence: str) -> bool:
    """Whether a sentence of a document speaks to a machine: it stays text, and is neither said nor shown to a model."""
    return bool(_ORDERS.search(sentence))


_BACK = re.compile(r"^(?:and|what about|how about|then|so|but|on|in|for|at)\b|\b(?:it|its|they|them|their|there|that|those|this|these|he|she|him|her|his|one|ones)\b", re.IGNORECASE)
_BACK_ZH = re.compile(r"^(?:那|那么|还有|然后|和)|[它他她]|呢[？?]?$|这个|那个|这里|那里|其中")


def _whole(question: str, language: str, history: Sequence[Mapping[str, Any]]) -> str:
    """A question that points back, behind the one it points at."""
    from persona.cited import asks_origin
    before = next((str(turn.get("content", "")) for turn in reversed(history) if turn.get("role") == "user" and turn.get("content") != question
                   and not asks_origin(str(turn.get("content", "")))), "")
    if not before or len(before) > 300:
        return question
    words = wanted(question, language).words
    back = (_BACK_ZH if language == "zh" else _BACK).search(question.strip())
    return f"{before} {question}" if back and len(words) <= 3 or not words else question


def _mark(text: str) -> str:
    return _APART.sub("", text if text.isascii() else simplify(text)).lower()


_APART = re.compile(r"[\W_]+")


# its file --------------------------------------------------------------------------------------------------------------------------------

def _packed_rows(rows: np.ndarray) -> np.ndarray:
    """Vectors of length 1 as int8; their directions are what counts."""
    return np.round(rows / (np.abs(rows).max(1, keepdims=True) + 1e-9) * 127).astype(np.int8)


def _unpacked(data: bytes) -> tuple[list[Document], dict[str, np.ndarray]]:
    """A library's file may come from a stranger: every size is bounded, every field is what it should be. Raises DocumentError."""
    damaged = DocumentError("The documents of this twin are damaged.", "Bring them in again.", ("这个分身的文档损坏了。", "请重新添加。"))
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            names = {entry.filename: entry.file_size for entry in archive.infolist()}
            if not set(names) <= {"documents.json", "vectors.npy"} or names.get("documents.json", 0) > MOST_JSON or names.get("vectors.npy", 0) > MOST_VECTORS:
                raise damaged
            with archive.open("documents.json") as file:
                body = json.loads(file.read(MOST_JSON + 1))
            rows = None
            if "vectors.npy" in names:
                with archive.open("vectors.npy") as file:
                    rows = np.load(io.BytesIO(file.read(MOST_VECTORS + 1)), allow_pickle=False)
        if body["version"] > VERSION:
            raise DocumentError("These documents were kept by a newer Twin.", "Update Twin.", ("这些文档来自更新的版本。", "请更新后再试。"))
        documents = [_document(one) for one in body["documents"]]
        if len(documents) > MOST_DOCUMENTS or sum(len(one.passages) for one in documents) > MOST_PASSAGES:
            raise damaged
        vectors: dict[str, np.ndarray] = {}
        at = 0
        for one in documents if rows is not None and rows.ndim == 2 and rows.dtype == np.int8 and 0 < rows.shape[1] <= 4096 else ():
            if one.id in body["embedded"]:
                count = len(_english(one))
                vectors[one.id] = rows[at:at + count]    # type: ignore[index]
                at += count
        if rows is not None and at != len(rows):
            vectors = {}                                 # they are of other sentences: words alone find
        return documents, vectors
    except (zipfile.BadZipFile, OSError, EOFError, ValueError, KeyError, TypeError, AttributeError, RecursionError, NotImplementedError, RuntimeError) as error:
        raise (error if isinstance(error, DocumentError) else damaged) from None


def _document(raw: Mapping[str, Any]) -> Document:
    def text(value: Any, most: int) -> str:
        if not isinstance(value, str) or len(value) > most:
            raise ValueError("text")
        return value
    passages = [([text(s, 8000) for s in held], int(page), text(heading, 500)) for held, page, heading in raw["passages"]]
    edges: list[list[Any]] = [[text(a, 200), text(relation, 40), text(b, 200), int(number), text(sentence, 8000)] for a, relation, b, number, sentence in raw.get("edges", ())]
    if any(not 0 <= edge[3] < len(passages) for edge in edges) or not all(held for held, _, _ in passages) or not re.fullmatch(r"[0-9a-f]{12}", str(raw["id"])):
        raise ValueError("document")
    return Document(str(raw["id"]), text(raw["name"], 300), text(raw["title"], 300), text(raw.get("kind", "txt"), 10), int(raw.get("size", 0)), int(raw.get("pages", 0)),
                    text(raw.get("added", ""), 40), raw.get("private") is True, passages, edges)


def public(raw: bytes, hide: Callable[[str], str] | None = None) -> bytes:
    """A library's file without what is private, each sentence through `hide`; b"" where nothing is left."""
    library = Library(data=raw)
    return library.packed(private=False, hide=hide) if any(not one.private for one in library.documents) else b""
