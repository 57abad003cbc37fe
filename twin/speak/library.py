"""The espeak-ng library of the `espeakng-loader` wheel by ctypes: text -> samples and phoneme events. Nothing of twins is known here.

espeak-ng keeps its voice, its parameters and its output in global variables, so one lock guards the whole library. Loading it takes
some 5 ms and happens on first use. The declarations follow espeak-ng's speak_lib.h (1.52).
"""
from __future__ import annotations

import ctypes
import threading
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np

from twin.errors import Missing

HINT = "Type `python -m twin doctor --fix`, or `pip install espeakng-loader`."
SYNCHRONOUS = 2                                          # AUDIO_OUTPUT_SYNCHRONOUS: sound goes to our callback only
PHONEME_EVENTS, PHONEME_IPA, DONT_EXIT = 1, 2, 0x8000    # options of espeak_Initialize
UTF8, MNEMONICS = 1, 0x100                               # flags of espeak_Synth; MNEMONICS: [[...]] in the text holds phonemes
RATE, VOLUME, PITCH, RANGE = 1, 2, 3, 4                  # espeak_PARAMETER
LIST_END, PHONEME = 0, 7                                 # espeak_EVENT_TYPE
BUFFER = 200                                             # ms a callback brings at most


class EventId(ctypes.Union):
    _fields_ = [("number", ctypes.c_int), ("name", ctypes.c_char_p), ("string", ctypes.c_char * 8)]


class Event(ctypes.Structure):
    _fields_ = [("type", ctypes.c_int), ("unique_identifier", ctypes.c_uint), ("text_position", ctypes.c_int), ("length", ctypes.c_int),
                ("audio_position", ctypes.c_int), ("sample", ctypes.c_int), ("user_data", ctypes.c_void_p), ("id", EventId)]


Callback = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.POINTER(ctypes.c_short), ctypes.c_int, ctypes.POINTER(Event))


@dataclass(frozen=True)
class Sound:
    """What espeak made of one text."""
    samples: np.ndarray                                  # int16 [n]
    rate: int                                            # Hz, 22050
    phones: tuple[tuple[int, str], ...]                  # (first sample, IPA as espeak writes it; "" is silence)


class Library:
    """espeak-ng, loaded and initialised. Use `library()`: there is only one per process."""

    def __init__(self) -> None:
        """Raises Missing when the wheel is absent or its library does not load here."""
        try:
            import espeakng_loader
        except ImportError as error:
            raise Missing("The voice espeak-ng is not installed (the package espeakng-loader).", HINT) from error
        data = Path(espeakng_loader.get_data_path())
        try:
            lib = ctypes.CDLL(str(espeakng_loader.get_library_path()))
        except OSError as error:
            raise Missing(f"The library of espeak-ng does not load on this machine: {error}", HINT) from error
        _declare(lib)
        self.rate = lib.espeak_Initialize(SYNCHRONOUS, BUFFER, str(data).encode(), PHONEME_EVENTS | PHONEME_IPA | DONT_EXIT)
        if self.rate <= 0:
            raise Missing(f"espeak-ng found no voice data in {data}.", HINT)
        self.variants = frozenset(p.name for p in (data / "voices" / "!v").iterdir())
        self._lib, self._lock = lib, threading.Lock()
        self._blocks: list[np.ndarray] = []
        self._phones: list[tuple[int, str]] = []
        self._callback = Callback(self._take)            # kept: ctypes does not
        lib.espeak_SetSynthCallback(self._callback)

    def _take(self, wave, count: int, events) -> int:
        if wave and count > 0:
            self._blocks.append(np.ctypeslib.as_array(wave, (count,)).copy())
        index = 0
        while events[index].type != LIST_END:
            event = events[index]
            if event.type == PHONEME:                    # 8 bytes, cut in the middle of a character when the name is longer
                self._phones.append((event.sample, event.id.string.decode("utf-8", "ignore")))
            index += 1
        return 0

    def knows(self, voice: str) -> bool:
        """Whether espeak has this language or voice, "en-us" or "cmn+f2"."""
        with self._lock:
            return self._lib.espeak_SetVoiceByName(voice.encode()) == 0

    def synth(self, text: str, voice: str, rate: int, pitch: int, span: int) -> Sound:
        """`rate` in words a minute, `pitch` and its `span` 0..99 (50 is the voice's own)."""
        with self._lock:
            if self._lib.espeak_SetVoiceByName(voice.encode()) != 0:
                raise Missing(f"espeak-ng has no voice {voice!r}.", "Name a language that `espeak-ng --voices` lists, as en, zh, de, fr.")
            for parameter, value in ((RATE, rate), (VOLUME, 100), (PITCH, pitch), (RANGE, span)):
                self._lib.espeak_SetParameter(parameter, value, 0)
            self._blocks, self._phones = [], []
            data = text.replace("\0", " ").encode("utf-8", "ignore") + b"\0"
            self._lib.espeak_Synth(data, len(data), 0, 1, 0, UTF8 | MNEMONICS, None, None)
            blocks, phones = self._blocks, self._phones
        samples = np.concatenate(blocks) if blocks else np.zeros(0, np.int16)
        return Sound(samples, self.rate, tuple(phones))


def _declare(lib: ctypes.CDLL) -> None:
    """The exact types of the functions used."""
    c = ctypes
    for name, arguments, result in (
        ("espeak_Initialize", [c.c_int, c.c_int, c.c_char_p, c.c_int], c.c_int),
        ("espeak_SetSynthCallback", [Callback], None),
        ("espeak_SetVoiceByName", [c.c_char_p], c.c_int),
        ("espeak_SetParameter", [c.c_int, c.c_int, c.c_int], c.c_int),
        ("espeak_Synth", [c.c_void_p, c.c_size_t, c.c_uint, c.c_int, c.c_uint, c.c_uint, c.POINTER(c.c_uint), c.c_void_p], c.c_int),
    ):
        function = getattr(lib, name)
        function.argtypes, function.restype = arguments, result


_first = threading.Lock()


@cache
def _library() -> Library:
    return Library()


def library() -> Library:
    """The one library of this process, loaded at the first call. Raises Missing."""
    with _first:
        return _library()
