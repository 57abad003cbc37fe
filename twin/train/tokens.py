"""Text -> the talker's tokens: how its tokeniser is made, and how an exchange becomes token ids and the part of them that is learnt.

A small model copies what it sees token by token, so tokens are cut where copying needs it: a digit is a token, a Chinese character is one (the 3,755 of
GB 2312's first level and what the training text adds), a word keeps its space wherever it stands. English words are pieces of byte-pair encoding
(arxiv.org/abs/1508.07909); what the alphabet lacks falls back to the bytes of its UTF-8, so that any text comes back as it was.
"""
from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from twin.errors import Missing
from twin.think.talker import END, FACT, MARKS, MOST, NAME, PAD, TEMPLATE, TURNS, TWIN, USER

if TYPE_CHECKING:
    from tokenizers import Tokenizer

SPACE = "▁"
BYTES = tuple(f"<0x{byte:02X}>" for byte in range(256))
ALPHABET = [chr(code) for code in range(33, 127)] + list("，。？！：；、“”‘’（）《》—…·～°é") + [SPACE]
PIECES = r"'(?:s|t|m|re|ve|ll|d)(?!\p{L})|▁?[\p{Latin}]+|\p{N}|\p{Han}|▁|."      # what byte pairs are not merged across


class Exchange(Protocol):
    """What twin/train/compose yields."""
    language: str
    kind: str
    facts: Sequence[str]                                 # in the first person
    before: Sequence[Any]                                # pairs (what was asked, what was said), or messages
    ask: str
    say: str
    name: str
    source: int | None                                   # the number of the fact that answers


def common_characters() -> list[str]:
    """GB 2312, first level: the 3,755 characters that make up 99.7 % of running text."""
    codes = (bytes((row, cell)) for row in range(0xB0, 0xD8) for cell in range(0xA1, 0xFF))
    return [code.decode("gb2312") for code in codes if not (code[0] == 0xD7 and code[1] > 0xF9)]


def make(texts: Iterable[str], folder: Path, size: int = 8192) -> Tokenizer:
    """Learn the merges from `texts` and write tokenizer.json and tokenizer_config.json into `folder`. `size`: tokens in all, a multiple of 32."""
    from tokenizers import Regex, Tokenizer, decoders, models, normalizers, pre_tokenizers, trainers

    known = ALPHABET + common_characters()
    learner = Tokenizer(models.BPE())
    learner.normalizer = normalizers.Replace(" ", SPACE)
    learner.pre_tokenizer = pre_tokenizers.Split(Regex(PIECES), "isolated")
    room = size - len(MARKS) - len(BYTES)
    learner.train_from_iterator((spaced(text) for text in texts), trainers.BpeTrainer(
        vocab_size=room, initial_alphabet=known, limit_alphabet=len(known) + 200, min_frequency=2, show_progress=False))
    learnt = json.loads(learner.to_str())["model"]
    words = sorted(learnt["vocab"], key=learnt["vocab"].__getitem__)
    spare = [f"<|{n}|>" for n in range(room - len(words))]                                # so that `size` holds also where little was learnt from
    vocabulary = {word: n for n, word in enumerate([*MARKS, *BYTES, *words, *spare])}
    tokenizer = Tokenizer(models.BPE(vocab=vocabulary, merges=[tuple(pair) for pair in learnt["merges"]], byte_fallback=True))
    tokenizer.normalizer, tokenizer.pre_tokenizer = learner.normalizer, learner.pre_tokenizer
    tokenizer.decoder = decoders.Sequence([decoders.Replace(SPACE, " "), decoders.ByteFallback(), decoders.Fuse()])
    tokenizer.add_special_tokens(list(MARKS))
    folder.mkdir(parents=True, exist_ok=True)
    tokenizer.save(str(folder / "tokenizer.json"))
    (folder / "tokenizer_config.json").write_text(json.dumps({"tokenizer_class": "PreTrainedTokenizerFast", "chat_template": TEMPLATE, "eos_token": END,
                                                             "pad_token": PAD, "clean_up_tokenization_spaces": False}, indent=2))
    return tokenizer


def load(folder: Path) -> Tokenizer:
    """Errors: Missing."""
    from tokenizers import Tokenizer
    if not (folder / "tokenizer.json").is_file():
        raise Missing(f"There is no tokenizer.json in {folder}.", "Start the training without --resume, or name its folder.")
    return Tokenizer.from_file(str(folder / "tokenizer.json"))


def number(tokenizer: Tokenizer, mark: str) -> int:
    """The id of one of MARKS."""
    found = tokenizer.token_to_id(mark)
    if found is None:
        raise Missing(f"The tokeniser lacks {mark}.", "It belongs to another model; name another folder.")
    return found


def spaced(text: str) -> str:
    """With the space that a word begins with; Chinese needs none."""
    return " " + text if text and text[0] < "\u2e80" else text


def turns(before: Sequence[Any]) -> list[tuple[str, str]]:
    """The talk before as (mark, text): the composer's pairs (what was asked, what was said) or messages."""
    found: list[tuple[str, str]] = []
    for turn in before:
        if isinstance(turn, dict):
            found.append((TWIN if turn["role"] == "assistant" else USER, turn["content"]))
        else:
            found += [(USER, turn[0]), (TWIN, turn[1])]
    return found[-TURNS:]


def given(name: str, facts: Sequence[str], before: Sequence[Any]) -> str:
    parts = [(NAME, name)] * bool(name) + [(FACT, fact) for fact in facts[:MOST]] + turns(before)
    return "".join(f"{mark}{spaced(text)}{END if mark == TWIN else ''}" for mark, text in parts)


def asked(ask: str) -> str:
    return USER + spaced(ask) + TWIN


def said(say: str) -> str:
    return spaced(say) + END


def prompt(name: str, facts: Sequence[str], before: Sequence[Any], ask: str) -> str:
    """What the model is given: TEMPLATE with a generation prompt, without a template engine."""
    return given(name, facts, before) + asked(ask)


def encode(tokenizer: Tokenizer, parts: Iterable[tuple[str, bool]]) -> tuple[list[int], list[bool]]:
    """Pieces of text that begin or end at marks, each with whether it is to be learnt -> their token ids, and the same of each token."""
    ids: list[int] = []
    learnt: list[bool] = []
    for text, own in parts:
        ids += tokenizer.encode(text, add_special_tokens=False).ids
        learnt += [own] * (len(ids) - len(learnt))
    return ids, learnt
