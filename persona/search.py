"""Finding by meaning: which of many short texts is nearest to a question. English by an embedder that is handed in, Chinese (and
English without one) by character n-grams. Knows nothing of personas."""
from __future__ import annotations

import hashlib
import math
import re
from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np

from persona.words import normal, words_of

Embed = Callable[[list[str]], np.ndarray]                # texts -> float32 [n, d], rows of length 1

_DULL = words_of("a an the is are am was were be been do does did you your yours i my me of to in on at for with it that this there what "
                 "which "
                  "can could would will have has had and or so any some ever really please tell about us we how")


class Index:
    """`texts` to be compared with a question. With `cache`, a folder, the matrix of the embedder is kept there between runs."""

    def __init__(self, texts: Sequence[str], language: str, embed: Embed | None = None, cache: Path | None = None):
        self.language = language
        self.texts = [normal(text, language) for text in texts]
        self._sides = [side(text) for text in self.texts]
        self._exact: dict[str, list[int]] = {}
        for number, text in enumerate(self.texts):
            self._exact.setdefault(text, []).append(number)
        self._embed = embed if language == "en" else None
        self._matrix: np.ndarray | None = None
        self._grams: Grams | None = None
        if self._embed and self.texts:
            self._matrix = _matrix(self.texts, self._embed, cache)
            self._content = [_content(text) for text in self.texts]
        elif self.texts:
            self._grams = Grams(self.texts, (1, 3) if language == "zh" else (2, 4))

    def __len__(self) -> int:
        return len(self.texts)

    def scores(self, query: str, vector: np.ndarray | None = None) -> np.ndarray:
        """float32 [n]: 1 = the same, 0 = nothing in common. `vector` [d]: the query's embedding, where the caller has it already."""
        if not self.texts:
            return np.zeros(0, np.float32)
        asked = normal(query, self.language)
        if self._matrix is not None:
            vector = self.vector(query) if vector is None else vector
            found = np.clip(self._matrix @ vector, 0, 1) * self._agreement(_content(asked))
        elif self._grams is not None:
            found = self._grams.scores(asked)
        for number in self._exact.get(asked, ()):
            found[number] = 1.0
        return found

    def sides(self, query: str) -> np.ndarray:
        """Factors [n]: what a user says about themselves is not what they ask the twin, however alike the words."""
        asked = side(normal(query, self.language))
        if not asked:
            return np.ones(len(self.texts), np.float32)
        return np.array([0.7 if own and own != asked else 1.0 for own in self._sides], np.float32)

    def vector(self, query: str) -> np.ndarray | None:
        """[d], or None where no embedder is used."""
        return self._embed([normal(query, self.language)])[0] if self._embed else None

    def row(self, number: int) -> np.ndarray | None:
        """[d], the embedding of a text of the index."""
        return None if self._matrix is None else self._matrix[number]

    def _agreement(self, content: frozenset[str]) -> np.ndarray:
        """Factors [n] of 0.9..1: sentences alike in form but with no content word in common are a little further apart."""
        if not content:
            return np.ones(len(self.texts), np.float32)
        return np.array([1.0 if not own or content & own else 0.92 for own in self._content], np.float32)


def side(text: str) -> str:
    """"me" where only the speaker is spoken of, "you" where only the one spoken to, else ""."""
    mine = bool(re.search(r"\b(i|my|me|myself)\b|我", text))
    yours = bool(re.search(r"\b(you|your|yours|yourself)\b|你", text))
    return "" if mine == yours else "me" if mine else "you"


def remembering(embed: Embed, most: int = 64) -> Embed:
    """The same embedder, which keeps its last `most` single texts: one question is compared with several indexes."""
    kept: dict[str, np.ndarray] = {}

    def remembered(texts: list[str]) -> np.ndarray:
        if len(texts) != 1:
            return embed(texts)
        found = kept.get(texts[0])
        if found is None:
            found = kept[texts[0]] = np.asarray(embed(texts), np.float32)
            if len(kept) > most:
                kept.pop(next(iter(kept)), None)
        return found

    return remembered


class Grams:
    """TF-IDF of character n-grams with cosine similarity; grams never seen count as rare ones."""

    def __init__(self, texts: Sequence[str], sizes: tuple[int, int]):
        self.sizes = sizes
        counts = [Counter(self._cut(text)) for text in texts]
        seen = Counter(gram for count in counts for gram in count)
        self.rare = math.log(1 + len(texts))
        self.idf = {gram: math.log((1 + len(texts)) / (0.5 + number)) for gram, number in seen.items()}
        postings: dict[str, tuple[list[int], list[float]]] = {}
        for number, count in enumerate(counts):
            weights = {gram: self._weight(gram, times) for gram, times in count.items()}
            norm = math.sqrt(sum(weight * weight for weight in weights.values())) or 1.0
            for gram, weight in weights.items():
                ids, values = postings.setdefault(gram, ([], []))
                ids.append(number)
                values.append(weight / norm)
        self.postings = {gram: (np.array(ids), np.array(values, np.float32)) for gram, (ids, values) in postings.items()}
        self.size = len(texts)

    def scores(self, query: str) -> np.ndarray:
        """float32 [n], cosines."""
        weights = {gram: self._weight(gram, times) for gram, times in Counter(self._cut(query)).items()}
        norm = math.sqrt(sum(weight * weight for weight in weights.values())) or 1.0
        found = np.zeros(self.size, np.float32)
        for gram, weight in weights.items():
            if gram in self.postings:
                ids, values = self.postings[gram]
                found[ids] += values * (weight / norm)
        return np.clip(found, 0, 1)

    def _weight(self, gram: str, times: int) -> float:
        return max(self.idf.get(gram, self.rare), 0.05) * (1 + math.log(times)) * (0.7 if len(gram) == 1 else 1.0)

    def _cut(self, text: str) -> list[str]:
        low, high = self.sizes
        padded = f" {text} " if low > 1 else text
        return [padded[i:i + n] for n in range(low, high + 1) for i in range(len(padded) - n + 1)]


def _content(text: str) -> frozenset[str]:
    """The words that carry meaning, cut to their first five letters (a poor man's stem)."""
    return frozenset(word[:5].rstrip("s") for word in re.findall(r"[a-z0-9']+", text) if word not in _DULL)


def _matrix(texts: list[str], embed: Embed, cache: Path | None) -> np.ndarray:
    """[n, d], from the cache where the very same texts were embedded before."""
    if cache is None:
        return np.asarray(embed(texts), np.float32)
    path = cache / f"lines-{hashlib.sha256(chr(10).join(texts).encode()).hexdigest()[:24]}.npy"
    try:
        matrix = np.load(path, allow_pickle=False)
        if matrix.ndim == 2 and len(matrix) == len(texts):
            return matrix.astype(np.float32)
    except (OSError, ValueError, EOFError):
        pass                                             # not there yet, or damaged: it is made anew
    matrix = np.asarray(embed(texts), np.float32)
    try:
        cache.mkdir(parents=True, exist_ok=True)
        partial = path.with_suffix(f".{id(matrix)}.part")
        with partial.open("wb") as file:
            np.save(file, matrix.astype(np.float16), allow_pickle=False)
        partial.replace(path)
    except OSError:
        pass                                             # a cache that cannot be written only costs time
    return matrix
