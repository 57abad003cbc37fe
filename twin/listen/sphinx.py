"""pocketsphinx: offline English, by CMU's acoustic model in the wheel (BSD).

Two decoders hear every utterance. One knows only what people are likely to say to this twin (a bigram model of its questions, a dictionary of
their words) and is quick and robust; the other knows general English. The first is believed where its path through the sound scores better
and what it heard is nearly one of those questions; otherwise the second is shown for correction, for it is right about three words in four
at best.
"""
from __future__ import annotations

import os
import tempfile
from collections import OrderedDict
from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np

from ..errors import Missing, TwinError
from ..types import Audio, Final
from .grammar import arpa, words_of

HZ = 16_000
BETTER = 1.02            # score of the twin's own decoder over the general one: of 58 synthetic questions it knew 58 lay above, of 12 it didn't 5
NEARLY = 0.34            # words that may differ from a known question, as a share of its words: of those 5 none came through
CANDIDATES = 12          # readings of one utterance that are compared with the questions
SLANG = {"u", "r", "ur", "pls", "thx", "lol"}            # typed, never spoken
PAD = 0.25               # s of silence before and behind: the decoder mishears a first word that starts at sample 0
LONGEST = 20.0           # s
KEPT = 4                 # decoders of twins that stay loaded


def nearest(heard: Iterable[str], sentences: Sequence[str]) -> str:
    """The sentence that differs least in words from one of the things that may have been heard, where that is NEARLY nothing; else ''."""
    known = [(sentence, words) for sentence in sentences if (words := words_of(sentence))]
    best, least = "", 1.0
    for words in map(words_of, heard):
        for sentence, own in known:
            if abs(len(own) - len(words)) <= NEARLY * len(own) and (share := edits(words, own) / len(own)) < least:
                best, least = sentence, share
        if not least:
            break
    return best if least <= NEARLY else ""


def edits(a: list[str], b: list[str]) -> int:
    """Words to insert, delete or change to make `b` of `a` (Levenshtein 1966)."""
    row = list(range(len(b) + 1))
    for i, word in enumerate(a, 1):
        before, row[0] = row[0], i
        for j, other in enumerate(b, 1):
            before, row[j] = row[j], min(row[j] + 1, row[j - 1] + 1, before + (word != other))
    return row[-1]


class Sphinx:
    """A recogniser of whole utterances; it yields one Final."""

    def __init__(self) -> None:
        try:
            from pocketsphinx import Config, Decoder, get_model_path
        except ImportError:
            raise Missing("Hearing offline needs the package pocketsphinx.", "Install it: pip install pocketsphinx") from None
        self._config, self._decoder = Config, Decoder
        self._folder = Path(get_model_path()) / "en-us"
        self._dictionary: dict[str, list[str]] = {}
        for line in (self._folder / "cmudict-en-us.dict").read_text(encoding="utf-8").splitlines():
            self._dictionary.setdefault(line.split(" ", 1)[0].split("(")[0], []).append(line)
        self._general: Any = None
        self._own: OrderedDict[int, Any] = OrderedDict()

    def listen(self, audio: Audio, language: str, vocabulary: Sequence[str] = ()) -> Iterator[Final]:
        """What was said, in lower case. Raises TwinError for a language it does not know."""
        if language != "en":
            raise TwinError("Without a larger model I only understand spoken English.",
                            "Type it, allow the browser's own recogniser, or name a Whisper model in the settings (listen).")
        sound = self._pcm(audio)
        if np.abs(sound).max(initial=0) < 200:           # -44 dBFS: a microphone that is off
            yield Final("", False)
            return
        likely = [sentence for sentence in vocabulary if not SLANG & set(words_of(sentence))]
        own, score = self._hear(self._for(likely), sound) if likely else ([], 0.0)
        if self._general is None:
            self._general = self._decoder(samprate=HZ, loglevel="FATAL")
        general, rival = self._hear(self._general, sound)
        known = nearest(own, likely) if score > BETTER * rival else ""
        yield Final(known or next(iter([*general, *own]), ""), bool(known))

    def _for(self, vocabulary: Sequence[str]) -> Any:
        """The decoder of a twin's own questions, built once (0.1 s)."""
        key = hash(tuple(vocabulary))
        if key not in self._own:
            known = [words for words in map(words_of, vocabulary) if words and all(w in self._dictionary for w in words)]
            used = {word for words in known for word in words}
            memory = "/dev/shm" if os.access("/dev/shm", os.W_OK) else None      # a twin's own questions are its own: on no disk, where that can be
            with tempfile.TemporaryDirectory(dir=memory) as folder:
                model, dictionary = Path(folder) / "twin.arpa", Path(folder) / "twin.dict"
                model.write_text(arpa(known), encoding="ascii")
                dictionary.write_text("\n".join(line for word in sorted(used) for line in self._dictionary[word]) + "\n", encoding="ascii")
                self._own[key] = self._decoder(samprate=HZ, loglevel="FATAL", hmm=str(self._folder / "en-us"), lm=str(model), dict=str(dictionary))
        self._own.move_to_end(key)
        while len(self._own) > KEPT:
            self._own.popitem(last=False)
        return self._own[key]

    @staticmethod
    def _pcm(audio: Audio) -> np.ndarray:
        samples = audio.samples[: int(LONGEST * audio.rate)]
        if audio.rate != HZ:
            import soxr
            samples = soxr.resample(samples, audio.rate, HZ)
        samples = np.pad(samples, int(PAD * HZ))
        return (np.clip(np.nan_to_num(samples), -1, 1) * 32767).astype(np.int16)

    @staticmethod
    def _hear(decoder: Any, sound: np.ndarray) -> tuple[list[str], float]:
        """What may have been said, the likeliest first, and how well that fits the sound."""
        decoder.start_utt()
        decoder.process_raw(sound.tobytes(), full_utt=True)
        decoder.end_utt()
        heard = decoder.hyp()
        if heard is None or not heard.hypstr:
            return [], 0.0
        others = [other.hypstr for other in islice(decoder.nbest(), CANDIDATES) if other is not None]
        return list(dict.fromkeys([heard.hypstr, *others])), heard.score
