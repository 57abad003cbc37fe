"""A sentence of random words that whoever owns a voice reads aloud: fresh, for one use, for a few minutes, for one draft alone.

What was read is compared with the sentence by pocketsphinx, offline, in English: under a grammar of the sentence, of DECOYS other sentences of
as many words and of a loop of any words, the sentence has to fit best; then each of its random words has to win against others in its place. A
recording of another day holds other words. What this can't tell: a voice that was made from recordings and reads what it is given (bench consent
counts those apart). Sound in, numbers out: whose voice it is, is voiceprint.py's question.
"""
from __future__ import annotations

import os
import re
import secrets
import tempfile
import threading
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from functools import cache, lru_cache
from pathlib import Path
from typing import Any

import numpy as np

from ..errors import Missing, Refused

HZ = 16_000
LASTS = 240.0            # s a sentence may be read in
RANDOM = 8               # words of it
DECOYS = 50
RIVALS = 12              # other words that each random word is heard against
LEAST = 0.75             # share of the random words that have to win
SHORTEST, LONGEST = 3.0, 40.0                            # s of a reading
PAD = 0.25               # s of silence around it: the decoder mishears a first word that starts at sample 0
LOOP, LOOPED = 40, 1e-3  # words of the filler loop, and its weight against sentences
BEGINNING = "i agree that a digital twin of my voice is made"
# common words of two or three syllables that sound unlike each other, all of them in pocketsphinx's dictionary
WORDS = tuple((Path(__file__).parent / "words.txt").read_text(encoding="ascii").split())
_ALTERNATE = re.compile(r"\(\d+\)$")
_OFTEN = frozenset((*WORDS, *BEGINNING.split()))


@dataclass(frozen=True)
class Challenge:
    """A sentence to read: `words` are the random ones. `made` in s since 1970; `about` binds it to a draft and its recordings."""
    id: str
    text: str
    words: tuple[str, ...]
    made: float
    about: str

    def kept(self) -> dict[str, Any]:
        return asdict(self)


@dataclass(frozen=True)
class Reading:
    """How well a sound fits a sentence: whether the sentence won against decoys and the loop of words, and the share of random words that won."""
    won: bool
    share: float

    @property
    def right(self) -> bool:
        return self.won and self.share >= LEAST


def fresh(about: str) -> Challenge:
    """A new sentence for whatever `about` names."""
    words = tuple(secrets.SystemRandom().sample(WORDS, RANDOM))
    text = f"{BEGINNING[0].upper()}{BEGINNING[1:]}: {', '.join(words)}."
    return Challenge(secrets.token_hex(8), text, words, time.time(), about)


def taken(kept: Any, name: str, about: str, now: float | None = None) -> Challenge:
    """The challenge that was given, if it is this one, still runs and is about these recordings. Raises Refused; whoever asks forgets it first: one use."""
    try:
        given = Challenge(str(kept["id"]), str(kept["text"]), tuple(kept["words"]), float(kept["made"]), str(kept["about"]))
    except (TypeError, KeyError, ValueError):
        given = None
    if given is None or not secrets.compare_digest(given.id, name):
        raise Refused("That sentence was used already, or is another one.", "Ask for a new sentence and read that.", code="sentence-used",
                      zh=("这个句子已经用过，或者不是当前的句子。", "请换一个新句子再读。"))
    if not 0 <= (time.time() if now is None else now) - given.made <= LASTS:
        raise Refused("That sentence has run out: it is to be read within four minutes.", "Ask for a new sentence and read that.", code="sentence-late",
                      zh=("这个句子已经过期：请在四分钟之内读完。", "请换一个新句子再读。"))
    if given.about != about:
        raise Refused("The recordings were changed since this sentence was given.", "Ask for a new sentence and read that.", code="sentence-other",
                      zh=("给出句子之后，录音有了变化。", "请换一个新句子再读。"))
    return given


def ready() -> bool:
    """Whether readings can be compared with sentences here."""
    try:
        _listener()
    except Missing:
        return False
    return True


def heard(sound: np.ndarray, text: str, words: Sequence[str]) -> Reading:
    """float32 [n] mono at 16 kHz, -1..1, against a sentence and the words of it that are random. Raises Missing without pocketsphinx, Refused for a
    sound that is too short or too long, or for a sentence with words that the recogniser does not know."""
    seconds = len(sound) / HZ
    if not SHORTEST <= seconds <= LONGEST:
        raise Refused(f"The reading is {seconds:.0f} s long.", "Read the whole sentence, once, at your own pace.", code="reading-length",
                      zh=(f"这段朗读长 {seconds:.0f} 秒。", "请按自己的语速把整句读一遍。"))
    with _GUARD:
        return _listener().reading(sound, _plain(text), [word.lower() for word in words])


_GUARD = threading.Lock()


class _Listener:
    def __init__(self) -> None:
        try:
            from pocketsphinx import Decoder, get_model_path
        except ImportError:
            raise Missing("Comparing what was read with the sentence needs the package pocketsphinx.", "Install it: pip install pocketsphinx",
                          zh=("核对朗读内容需要 pocketsphinx。", "请安装：pip install pocketsphinx")) from None
        self._decoder = Decoder
        self._folder = Path(get_model_path()) / "en-us"
        self._known: dict[str, list[str]] = {}
        for line in (self._folder / "cmudict-en-us.dict").read_text(encoding="utf-8").splitlines():
            word, sounds = line.split(" ", 1)
            self._known.setdefault(word.split("(")[0], []).append(sounds)

    def reading(self, sound: np.ndarray, sentence: list[str], words: list[str]) -> Reading:
        unknown = [word for word in {*sentence, *words} if word not in self._known]
        if unknown or not sentence:
            raise Refused("The recogniser does not know every word of this sentence.", "Ask for a new sentence.", code="sentence-unknown",
                          zh=("识别器不认识这个句子里的某些词。", "请换一个新句子。"))
        pcm = (np.clip(np.nan_to_num(np.pad(sound, int(PAD * HZ))), -1, 1) * 32767).astype(np.int16).tobytes()
        draw = np.random.default_rng(int.from_bytes(secrets.token_bytes(8)))
        others = [word for word in WORDS if word not in sentence]
        at = {k for k, word in enumerate(sentence) if word in words}
        decoys = [" ".join(word if half and k not in at else str(draw.choice(others)) for k, word in enumerate(sentence))
                  for half in range(2) for _ in range(DECOYS // 2)]
        loop = " | ".join(draw.choice(others, LOOP, replace=False))
        won = self._best(pcm, f"{' '.join(sentence)} | {' | '.join(decoys)} | /{LOOPED}/ ( {loop} )+", sentence) == sentence
        slots = [f"( {' | '.join([word, *draw.choice(others, RIVALS, replace=False)])} )" if k in at else word for k, word in enumerate(sentence)]
        best = self._best(pcm, " ".join(slots), sentence)
        return Reading(won, sum(k < len(best) and best[k] == sentence[k] for k in at) / max(1, len(at)))

    def _best(self, pcm: bytes, rule: str, words: Sequence[str]) -> list[str]:
        """The words of the likeliest way through a grammar's rule; [] where nothing got to its end."""
        decoder = self._for(frozenset(words) - _OFTEN)
        decoder.add_jsgf_string("said", f"#JSGF V1.0;\ngrammar said;\npublic <all> = {rule};\n")
        decoder.activate_search("said")
        decoder.start_utt()
        decoder.process_raw(pcm, full_utt=True)
        decoder.end_utt()
        found = decoder.hyp()
        return [_ALTERNATE.sub("", word) for word in found.hypstr.split()] if found and found.hypstr else []

    @lru_cache(maxsize=2)                                # noqa: B019 - there is one listener
    def _for(self, more: frozenset[str]) -> Any:
        """A decoder that knows the random words, the beginning, and these words besides."""
        memory = "/dev/shm" if os.access("/dev/shm", os.W_OK) else None
        with tempfile.TemporaryDirectory(dir=memory) as folder:
            table = Path(folder) / "said.dict"
            table.write_text("\n".join(f"{word}{f'({k + 1})' if k else ''} {sounds}" for word in sorted(_OFTEN | more)
                                       for k, sounds in enumerate(self._known[word])) + "\n", encoding="ascii")
            return self._decoder(samprate=HZ, loglevel="FATAL", lm=None, hmm=str(self._folder / "en-us"), dict=str(table))


@cache
def _listener() -> _Listener:
    return _Listener()


def _plain(text: str) -> list[str]:
    return "".join(c if c.isalnum() or c == "'" else " " for c in text.lower()).split()
