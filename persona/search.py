"""Finding by meaning: which of many short texts is nearest to a question. English by an embedder that is handed in, Chinese (and
English without one) by character n-grams. Knows nothing of personas."""
from __future__ import annotations

import hashlib
import io
import math
import re
from collections import Counter
from collections.abc import Callable, Sequence
from functools import lru_cache
from pathlib import Path

import numpy as np

from persona.words import normal, words_of

Embed = Callable[[list[str]], np.ndarray]                # texts -> float32 [n, d], rows of length 1

DULL = words_of("a an the is are am was were be been do does did you your yours i my me of to in on at for with it that this there what "
                 "which "
                  "can could would will have has had and or so any some ever really please tell about us we how")


CARRIED = Path(__file__).resolve().parents[1] / "assets" / "weights" / "lines"     # matrices that came with the app: a Space brings its twin's


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
            self._content = [content_of(text) for text in self.texts]
        elif self.texts:
            self._grams = Grams(self.texts, (1, 3) if language == "zh" else (2, 4))

    def __len__(self) -> int:
        return len(self.texts)

    @property
    def kept(self) -> dict[str, bytes]:
        """The embedder's matrix as a file of CARRIED, by its name."""
        if self._matrix is None:
            return {}
        file = io.BytesIO()
        np.save(file, self._matrix.astype(np.float16), allow_pickle=False)
        return {_name(self.texts): file.getvalue()}

    def scores(self, query: str, vector: np.ndarray | None = None) -> np.ndarray:
        """float32 [n]: 1 = the same, 0 = nothing in common. `vector` [d]: the query's embedding, where the caller has it already."""
        if not self.texts:
            return np.zeros(0, np.float32)
        asked = normal(query, self.language)
        if self._matrix is not None:
            vector = self.vector(query) if vector is None else vector
            found = np.clip(self._matrix @ vector, 0, 1) * self._agreement(content_of(asked))
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
    yours = bool(re.search(r"\b(you|your|yours|yourself)\b|[你您]", text))
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


_DULL_ZH = re.compile("你们|我们|他们|怎么样|怎么办|怎么|什么|哪里|哪儿|多少|为什么|几点|几个|多大|几岁|多久|是谁|谁|哪|几|叫什么|吗|呢|"
                      "啊|吧|的|了|是|有|在|会|能|要|想|"
                      "你|我|他|她|它|那|这|也|都|还|不|没|就|和|跟|对|给|去|来|到|做|叫|说|讲|个|只|条|一|很|最|喜欢|觉得|知道|可以|请|"
                      "下|上|里|过|把|被|让|得|着|么|时候|东西|地方|人|平时|现在|今天|自己")


def units_zh(text: str) -> list[str]:
    """Pairs of characters that carry meaning, of a normalised Chinese text; a lone character between dull ones counts too."""
    runs = [run for run in _DULL_ZH.sub(" ", re.sub(r"[^\w]", " ", text)).split() if run]
    return [unit for run in runs for unit in ([run] if len(run) == 1 or run.isascii() else [run[i:i + 2] for i in range(len(run) - 1)])]


class Overlap:
    """How much of a Chinese question's content a text holds: rare pairs weigh more."""

    def __init__(self, texts: Sequence[str]):
        self.texts = list(texts)
        self.units = [frozenset(units_zh(text)) for text in texts]
        seen = Counter(unit for units in self.units for unit in units)
        self.idf = {unit: math.log((2 + len(texts)) / (0.5 + number)) for unit, number in seen.items()}
        self.rare = math.log(2 * (2 + len(texts)))

    def scores(self, query: str, both: bool) -> np.ndarray:
        """float32 [n]: the share of the question's weight that is found; `both`: of the text's weight too, the mean of the two shares."""
        asked = frozenset(units_zh(query))
        whole = sum(self._weight(unit) for unit in asked)
        found = np.zeros(len(self.texts), np.float32)
        if not whole:
            return found
        for number, (text, own) in enumerate(zip(self.texts, self.units)):
            shared = {unit for unit in asked if unit in own or len(unit) == 1 and unit in text}
            if shared:
                share = sum(map(self._weight, shared)) / whole
                own_weight = sum(map(self._weight, own | shared))
                found[number] = (share * 0.55 + 0.45 * sum(map(self._weight, shared)) / own_weight) if both else share
        return found

    def _weight(self, unit: str) -> float:
        return self.idf.get(unit, self.rare) * (0.7 if len(unit) == 1 else 1.0)


def kind_zh(question: str) -> str:
    """What a Chinese question wants: time, money, number, person, place, name, or ""."""
    return next((kind for kind, pattern in _WANTS.items() if re.search(pattern, question)), "")


_WANTS = {"time": "几点|什么时候|多早|多晚", "money": "多少钱|要钱|收费|"
                                            "免费", "length": "多久|多长时间|几年|"
                                                            "几天", "name": "叫什么", "place": "在哪里|去哪里|哪个城市", "age": "多大",
          "number": "多少|几[个只条本位层级]", "person": "谁", "why": "为什么"}
_HOLDS = {"time": r"点|早|晚|夜|时|周|星期", "money": "元|块|钱|费|免|"
                                              "价", "length": "年|天|周|小时|分钟|"
                                                             "久", "number": r"[\d一二三四五六七八九十百两]", "age": "岁|"
                                                                 "年", "name": "叫|“"}


def holds_zh(kind: str, text: str) -> bool:
    """Whether a text can answer such a question."""
    return kind not in _HOLDS or bool(re.search(_HOLDS[kind], text))


class Grams:
    """TF-IDF of character n-grams with cosine similarity; grams never seen count as rare ones."""

    def __init__(self, texts: Sequence[str], sizes: tuple[int, int]):
        self.sizes = sizes
        counts = [Counter(self._cut(text)) for text in texts]
        seen = Counter(gram for count in counts for gram in count)
        self.rare = math.log(1 + len(texts))
        self.idf = {gram: max(math.log((1 + len(texts)) / (0.5 + number)), 0.05) for gram, number in seen.items()}
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
        self._kept: dict[str, np.ndarray] = {}

    def scores(self, query: str) -> np.ndarray:
        """float32 [n], cosines. The last few are kept: one question looks in the same place several times."""
        if query not in self._kept:
            while len(self._kept) >= 16:
                self._kept.pop(next(iter(self._kept)))
            self._kept[query] = self._scores(query)
        return self._kept[query].copy()

    def _scores(self, query: str) -> np.ndarray:
        idf, rare = self.idf, self.rare
        weights = {gram: idf.get(gram, rare) if times == 1 and len(gram) > 1 else self._weight(gram, times)
                   for gram, times in Counter(self._cut(query)).items()}
        norm = math.sqrt(sum(weight * weight for weight in weights.values())) or 1.0
        held = [(*self.postings[gram], weight) for gram, weight in weights.items() if gram in self.postings]
        if not held:
            return np.zeros(self.size, np.float32)
        ids, values, share = zip(*held)
        each = np.repeat(np.array(share) / norm, [len(part) for part in ids])
        found = np.bincount(np.concatenate(ids), np.concatenate(values) * each, self.size)
        return np.clip(found, 0, 1).astype(np.float32)

    def _weight(self, gram: str, times: int) -> float:
        weight = self.idf.get(gram, self.rare) if len(gram) > 1 else 0.7 * self.idf.get(gram, self.rare)
        return weight if times == 1 else weight * (1 + math.log(times))

    def _cut(self, text: str) -> list[str]:
        low, high = self.sizes
        padded = f" {text} " if low > 1 else text
        return [padded[i:i + n] for n in range(low, high + 1) for i in range(len(padded) - n + 1)]


@lru_cache(maxsize=4096)
def content_of(text: str) -> frozenset[str]:
    """The words that carry meaning, cut to their first five letters (a poor man's stem)."""
    return frozenset(word[:5].rstrip("s") for word in re.findall(r"[a-z0-9']+", text) if word not in DULL)


def _name(texts: list[str]) -> str:
    return f"lines-{hashlib.sha256(chr(10).join(texts).encode()).hexdigest()[:24]}.npy"


def _matrix(texts: list[str], embed: Embed, cache: Path | None) -> np.ndarray:
    """[n, d], from the cache where the very same texts were embedded before."""
    name = _name(texts)
    for folder in filter(None, (CARRIED, cache)):
        try:
            matrix = np.load(folder / name, allow_pickle=False)
            if matrix.ndim == 2 and len(matrix) == len(texts):
                return matrix.astype(np.float32)
        except (OSError, ValueError, EOFError):
            pass                                         # not there, or damaged: it is made anew
    matrix = np.asarray(embed(texts), np.float32)
    if cache is None:
        return matrix
    path = cache / name
    try:
        cache.mkdir(parents=True, exist_ok=True)
        partial = path.with_suffix(f".{id(matrix)}.part")
        with partial.open("wb") as file:
            np.save(file, matrix.astype(np.float16), allow_pickle=False)
        partial.replace(path)
    except OSError:
        pass                                             # a cache that cannot be written only costs time
    return matrix
