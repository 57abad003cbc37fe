"""Voices of Coqui TTS (the package coqui-tts): XTTS, which speaks 17 languages in anybody's voice as it comes, and VITS, one trained voice a model.

A model is a folder: fetched into the app's models, in Coqui's own cache, or anywhere. The package would fetch what is missing, open any pickle and read
audio through FFmpeg: here it gets nothing but a configuration, tensors and sound that PyAV decoded (samples.py), so none of that happens.
XTTS: Casanova et al. 2024, arxiv.org/abs/2406.04904. VITS: Kim et al. 2021, arxiv.org/abs/2106.06103.
"""
from __future__ import annotations

import ctypes
import importlib.util
import json
import logging
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from twin.errors import Missing, Refused
from twin.types import RATE, Mood, Speech, Voice

from . import neural
from .cloned import Clones
from .library import library

CHUNK = 20                                               # audio tokens = 0.93 s of a chunk: XTTS decodes all that it has at every chunk
REFERENCE, STRETCH = 30, 6                               # s heard of a person; s of each stretch whose latents are averaged
XTTS_LIMITS = {"zh": 60, "ja": 60, "ko": 80, "ar": 140, "hi": 130}          # characters of a part: below those at which the model loses its thread
LIMIT = 160
PACKAGES = {"zh": "pypinyin", "ja": "cutlet"}            # what XTTS reads a language with, besides itself
UNUSED = ("torch_mel_spectrogram_style_encoder", "torch_mel_spectrogram_dvae", "dvae")       # of a training checkpoint
OPENED = ("speaker_file", "speakers_file", "d_vector_file", "speaker_encoder_model_path", "speaker_encoder_config_path", "language_ids_file")
IPA, UTF8 = 0x02, 1                                      # of espeak_TextToPhonemes: phonemes as IPA, text as UTF-8


def quiet() -> None:
    """The package logs the words that it speaks; what is said belongs in no log."""
    for name in ("TTS", "trainer"):
        logging.getLogger(name).setLevel(logging.CRITICAL)


class Xtts:
    """`model` is the folder of an XTTS model: config.json, vocab.json and model.safetensors, or the model.pth that its makers publish.

    Errors: Missing where it is not here, Refused where it is half here or another model, TwinError where it doesn't fit into memory.
    """

    name = "XTTS"

    def __init__(self, model: str | Path = ""):
        self.folder = Path(model).expanduser()
        if not model or not self.folder.is_dir():
            raise neural.no_model("XTTS", "XTTS v2")
        if (found := neural.config_of(self.folder).get("model")) != "xtts":
            raise neural.other(self.folder, str(found or ""), "XTTS")
        vocabulary = self.folder / "vocab.json"
        if not vocabulary.is_file():
            raise Missing(f"There is no vocab.json in {self.folder}.", "Fetch or copy the whole folder of the model.",
                          zh=(f"{self.folder} 里没有 vocab.json。", "请下载或复制模型的整个文件夹。"))
        held = _older(neural.tensors, self.folder)
        quiet()
        with neural.loading(self.folder):
            from TTS.tts.configs.xtts_config import XttsConfig
            from TTS.tts.layers.xtts.tokenizer import VoiceBpeTokenizer
            from TTS.tts.models.xtts import Xtts as Model
            config = XttsConfig()
            config.load_json(str(self.folder / "config.json"))
            config.model_args.gpt_number_text_tokens = None            # made once, below, by what the vocabulary says
            made = Model(config)
            made.tokenizer = VoiceBpeTokenizer(vocab_file=str(vocabulary))
            made.init_models()
        neural.fill(made, {name.removeprefix("xtts."): value for name, value in held.items()
                           if name.removeprefix("xtts.").split(".")[0] not in UNUSED and not name.startswith("gpt.gpt_inference.")}, self.folder, "XTTS")
        del held
        with neural.loading(self.folder):
            made.eval()                                                # makes the GPT ready to be asked, too
        self.device = neural.device_for("XTTS", made)
        self.model = made
        self.languages = tuple(neural.short(language) for language in config.languages)
        self.clones = Clones("xtts", neural.identity(self.folder), self._latents, ("gpt", "speaker"))

    def speak(self, text: str, voice: Voice, mood: Mood, language: str) -> Iterator[Speech]:
        """Pieces of 0.4 to 1 s at 24 kHz in the voice of the recording in `voice.folder`, as the model makes them; closing the generator stops it between
        two chunks. `voice.pitch`, age and warmth are not the model's to change.

        Raises Refused for a language that it lacks and a recording that no voice can be taken from, Missing without a recording, TwinError where it fails.
        """
        import torch
        neural.calm()
        own = neural.short(language)
        if own not in self.languages:
            raise neural.foreign("XTTS", language)
        numbers = self.clones.of(voice)
        gpt, speaker = (torch.from_numpy(np.array(numbers[name])).to(self.device) for name in ("gpt", "speaker"))
        level, speed = neural.Level(), float(np.clip(voice.rate * mood.rate, 0.6, 1.7))
        for part, said, spoken in neural.parts(text, own, XTTS_LIMITS.get(own, LIMIT)):
            if not said:
                if part.strip():
                    yield Speech(part, None)
                continue
            spoken = spoken if spoken in self.languages else own
            chunks = self._chunks(said, spoken, gpt, speaker, speed, mood)
            yield from neural.pieces(part, chunks, RATE, level, voice.volume * mood.volume)

    def _chunks(self, text: str, language: str, gpt: Any, speaker: Any, speed: float, mood: Mood) -> Iterator[np.ndarray]:
        if (package := PACKAGES.get(language)) and importlib.util.find_spec(package) is None:
            raise Missing(f"XTTS reads {language} with the package {package}.", f"Install it: pip install {package}",
                          zh=(f"XTTS 读这种语言（{language}）需要软件包 {package}。", f"请安装：pip install {package}"))
        with neural.making("XTTS"):
            steps = self.model.inference_stream(text, "zh-cn" if language == "zh" else language, gpt, speaker, stream_chunk_size=CHUNK, speed=speed,
                                                temperature=0.6 + 0.3 * mood.energy)
            try:
                for chunk in steps:
                    yield chunk.float().cpu().numpy()
            finally:
                steps.close()

    def _latents(self, sound: np.ndarray) -> dict[str, np.ndarray]:
        """Speech, float32 [n] at 24 kHz -> the GPT's conditioning [1, 32, width] and the decoder's speaker embedding [1, 512, 1]."""
        import torch
        neural.calm()
        with neural.making("XTTS"):
            heard = torch.from_numpy(sound)[None].to(self.device)
            gpt = self.model.get_gpt_cond_latents(heard, RATE, length=REFERENCE, chunk_length=STRETCH)
            speaker = self.model.get_speaker_embedding(heard, RATE)
            return {"gpt": gpt.float().cpu().numpy(), "speaker": speaker.float().cpu().numpy()}


def _older(read: Any, folder: Path) -> dict[str, Any]:
    """model.pth of the first XTTS v2 holds its configuration as an object too: four plain dataclasses of the package's are let through for it."""
    try:
        held: dict[str, Any] = read(folder, "model.pth")
        return held
    except Refused as error:
        import pickle
        if error.code != "damaged" or not isinstance(error.__cause__, pickle.UnpicklingError):
            raise
        from TTS.tts.models.xtts import _legacy_safe_globals
        with _legacy_safe_globals():
            return dict(read(folder, "model.pth"))


class Vits:
    """`model` is the folder of a VITS voice of Coqui's: config.json and model.safetensors, or the model_file.pth of a voice in the package's own list.

    Letters or phonemes, one speaker or many (`voice.name` is one of them). Phonemes come from the embedded espeak-ng, not from a program to be installed.
    Errors: as Xtts.
    """

    def __init__(self, model: str | Path = ""):
        self.folder = Path(model).expanduser()
        if not model or not self.folder.is_dir():
            raise neural.no_model("VITS", "a VITS voice")
        self.name = self.folder.name
        told = neural.config_of(self.folder)
        if told.get("model") != "vits":
            raise neural.other(self.folder, str(told.get("model") or ""), "VITS")
        _harmless(self.folder, told)
        file = "model_file.pth" if (self.folder / "model_file.pth").is_file() else "model.pth"
        held = neural.tensors(self.folder, file, {(name, file) for name in _listed()})
        quiet()
        with neural.loading(self.folder):
            from TTS.tts.configs.vits_config import VitsConfig
            from TTS.tts.models.vits import Vits as Model
            from TTS.tts.utils.text.characters import IPAPhonemes
            from TTS.tts.utils.text.tokenizer import TTSTokenizer
            config = VitsConfig()
            config.load_json(str(self.folder / "config.json"))
            config.model_args.init_discriminator = False
            phonemes, config.use_phonemes = bool(config.use_phonemes), False           # else it looks for a program called espeak
            if phonemes and not (config.characters and config.characters.characters_class):
                _, config = TTSTokenizer.init_from_config(config, IPAPhonemes())
            names = _names(self.folder, config)
            config.speakers = sorted(names, key=lambda name: names[name])
            for part in (config, config.model_args):     # what it would open
                part.update({name: None for name in OPENED if name in part})
            made = Model(config)
            if phonemes:
                made.tokenizer.use_phonemes, made.tokenizer.phonemizer = True, Phonemes(config.phoneme_language or "en-us")
        neural.fill(made, {name: value for name, value in held.items() if not name.startswith(("disc.", "speaker_encoder."))}, self.folder, "VITS")
        self.speakers = names
        self.rate = int(config.audio.sample_rate)
        made.eval()
        self.device = neural.device_for(self.name, made)
        self.model = made
        said = str(config.phoneme_language or "") or next((one.language for one in config.datasets or () if one.language), "")
        self.languages = (neural.short(said) or _language(self.folder.name),) if said or _language(self.folder.name) else ()

    def speak(self, text: str, voice: Voice, mood: Mood, language: str) -> Iterator[Speech]:
        """Pieces of 0.4 to 1 s at 24 kHz; a sentence is made whole (a fifth of its time on one core), closing stops between two.

        Raises Refused for a language that the model lacks, TwinError where it fails.
        """
        neural.calm()
        own = neural.short(language)
        if self.languages and own not in self.languages:
            raise neural.foreign(self.name, language)
        level = neural.Level()
        for part, said, _ in neural.parts(text, own, LIMIT):
            if not said:
                if part.strip():
                    yield Speech(part, None)
                continue
            yield from neural.pieces(part, self._sentence(said, voice, mood), self.rate, level, voice.volume * mood.volume)

    def _sentence(self, text: str, voice: Voice, mood: Mood) -> Iterator[np.ndarray]:
        import torch
        with neural.making(self.name):
            ids = self.model.tokenizer.text_to_ids(text)
            if not ids:
                return
            speaker = None
            if self.speakers:
                chosen = self.speakers.get(voice.name, next(iter(self.speakers.values())))
                speaker = torch.tensor([chosen], device=self.device)
            self.model.length_scale = float(self.model.args.length_scale) / float(np.clip(voice.rate * mood.rate, 0.5, 2.0))
            made = self.model.inference(torch.tensor([ids], device=self.device), {
                "x_lengths": torch.tensor([len(ids)], device=self.device), "speaker_ids": speaker, "d_vectors": None, "language_ids": None, "durations": None})
            yield made["model_outputs"][0, 0].float().cpu().numpy()


class Phonemes:
    """What Coqui's tokenizer asks phonemes of: the embedded espeak-ng, by its function espeak_TextToPhonemes (speak_lib.h)."""

    def __init__(self, language: str):
        self.language = language

    def phonemize(self, text: str, separator: str = "", language: str | None = None) -> str:
        """IPA, words kept apart, with the punctuation between clauses. Raises Missing where espeak-ng or the language is not there."""
        engine = library()
        convert = engine._lib.espeak_TextToPhonemes
        convert.argtypes, convert.restype = [ctypes.POINTER(ctypes.c_void_p), ctypes.c_int, ctypes.c_int], ctypes.c_char_p
        out = []
        with engine._lock:
            if engine._lib.espeak_SetVoiceByName((language or self.language).encode()) != 0:
                raise Missing(f"espeak-ng has no language {language or self.language!r}.", "Choose another voice.",
                              zh=(f"espeak-ng 没有 {language or self.language} 这种语言。", "请换一个声音。"))
            for clause, mark in _clauses(text):
                data = ctypes.create_string_buffer(clause.encode("utf-8", "ignore"))
                at = ctypes.c_void_p(ctypes.addressof(data))
                said = []
                while at.value:
                    said.append((convert(ctypes.byref(at), UTF8, IPA) or b"").decode("utf-8", "ignore").strip())
                out.append(" ".join(filter(None, said)) + mark)
        return " ".join(part for part in out if part)

    def print_logs(self, level: int = 0) -> None:
        """Asked for by the package; there is nothing to say."""


def _clauses(text: str) -> Iterator[tuple[str, str]]:
    """(words, the mark behind them): espeak gives phonemes without punctuation, the models know it."""
    start = 0
    for index, character in enumerate(text):
        if character in ",.;:!?…" and not text[index + 1: index + 2].strip():
            yield text[start:index].replace("\0", " "), character
            start = index + 1
    if text[start:].strip():
        yield text[start:].replace("\0", " "), ""


def _harmless(folder: Path, told: dict[str, Any]) -> None:
    """A configuration may name classes and files that the package would import and unpickle. Raises Refused for any but its own."""
    characters = told.get("characters")
    kind = characters.get("characters_class") if isinstance(characters, dict) else None
    if kind and not str(kind).startswith("TTS.tts."):
        raise Refused(f"{folder / 'config.json'} asks for code of its own ({kind}).", "Name another model.",
                      zh=(f"{folder / 'config.json'} 要求运行自带的代码（{kind}）。", "请换一个模型。"))
    inside = told.get("model_args")
    for part in (told, inside if isinstance(inside, dict) else {}):
        if part.get("use_d_vector_file") or part.get("use_speaker_encoder_as_loss") or part.get("use_language_embedding"):
            raise Refused(f"{folder.name} is a VITS voice of many languages or of speakers told by a second model; such are not spoken with here.",
                          "Name a VITS voice of one language.",
                          zh=(f"{folder.name} 是多语言或需要第二个模型的 VITS，这里不支持。", "请选单一语言的 VITS 声音。"))


def _names(folder: Path, config: Any) -> dict[str, int]:
    """The speakers of a voice, {name: number} from 0 on: of its configuration, speaker_ids.json or speakers.json; {} for a voice of one. Their pickled kin is
    never opened."""
    if not (config.get("use_speaker_embedding") or config.model_args.get("use_speaker_embedding")):
        return {}
    if config.speakers:
        return {str(name): index for index, name in enumerate(config.speakers)}
    for name in ("speaker_ids.json", "speakers.json"):
        path = folder / name
        if path.is_file():
            try:
                names = {str(key): int(value) for key, value in json.loads(path.read_text("utf-8")).items()}
            except (OSError, ValueError, AttributeError, TypeError) as error:
                raise neural.damaged(path) from error
            if sorted(names.values()) != list(range(len(names))):
                raise neural.damaged(path, "its speakers are not counted from 0.")
            return names
    if pickled := sorted(folder.glob("speaker*.pth")):
        raise neural.no_pickle(pickled[0])
    raise Missing(f"There is no speakers.json in {folder}.", "Fetch or copy the whole folder of the model.",
                  zh=(f"{folder} 里没有 speakers.json。", "请下载或复制模型的整个文件夹。"))


def _listed() -> set[str]:
    """The folders that the package's own list of models gives its models: "tts_models--en--ljspeech--vits"."""
    spec = importlib.util.find_spec("TTS")
    path = Path(spec.origin).with_name(".models.json") if spec and spec.origin else None
    try:
        told = json.loads(path.read_text("utf-8")) if path else {}
    except (OSError, ValueError):
        told = {}
    return {f"{kind}--{language}--{data}--{name}" for kind, languages in told.items() for language, sets in languages.items()
            for data, names in sets.items() for name in names}


def _language(name: str) -> str:
    """"en" of a folder called "tts_models--en--ljspeech--vits"."""
    found = name.split("--")
    return neural.short(found[1]) if len(found) == 4 and found[0] == "tts_models" else ""
