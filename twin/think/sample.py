"""Which token comes next: repetition penalty, temperature, top-k and top-p over one row of logits."""
from __future__ import annotations

import numpy as np


class Sampler:
    """Choices of one reply; the same seed and logits give the same choices.

    The repetition penalty (arxiv.org/abs/1909.05858, section 4.1) counts the reply's own tokens only: a name or a price in the
    prompt has to be said as it stands there.
    """

    def __init__(self, temperature: float, seed: int | None = None, *, top_p: float = 0.95, top_k: int = 40, repetition: float = 1.1):
        self.temperature, self.top_p, self.top_k, self.repetition = temperature, top_p, top_k, repetition
        self.random = np.random.default_rng(seed)
        self.said: list[int] = []

    def choose(self, logits: np.ndarray) -> int:
        """Logits float32 (vocabulary,), which stay as they are -> a token id. Temperature 0 takes the likeliest."""
        best = np.argpartition(logits, -self.reach(len(logits)))[-self.reach(len(logits)):]
        value = logits[best].astype(np.float64)
        again = np.isin(best, self.said)
        value[again] = np.where(value[again] > 0, value[again] / self.repetition, value[again] * self.repetition)
        order = np.argsort(-value, kind="stable")[:max(1, self.top_k)]
        best, value = best[order], value[order]
        if self.temperature <= 0:
            token = int(best[0])
        else:
            chance = np.exp((value - value[0]) / self.temperature)
            chance /= chance.sum()
            kept = np.cumsum(chance) - chance < self.top_p                    # the first is always kept
            token = int(self.random.choice(best[kept], p=chance[kept] / chance[kept].sum()))
        self.said.append(token)
        return token

    def reach(self, vocabulary: int) -> int:
        """How many of the likeliest are looked at: enough that top_k are left when all that was said has been pushed down."""
        return min(vocabulary, max(1, self.top_k) + len(self.said) + 1)
