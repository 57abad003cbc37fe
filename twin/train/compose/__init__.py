"""Exchanges for training a small Transformer to talk: composed by a script from parts written with care (parts.py reads them), English and Chinese apart.

`compose(n, seed, language)` yields exchanges, `composed` them with the values that a right answer holds, `pairs(n, seed, language)` questions
with the fact that answers and facts that don't.
Nothing here trains anything. `python -m twin.train.compose --n 300000 --seed 1 --out FILE.jsonl`.
"""
from .exchanges import KINDS, Exchange, abstains, compose, composed, pairs

__all__ = ["KINDS", "Exchange", "abstains", "compose", "composed", "pairs"]
