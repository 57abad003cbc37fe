"""Any voice's words in a person's timbre: what a voice says goes piece by piece through a voice conversion model of Coqui TTS.

The source's phoneme times stay true, so the lips stay exact. A piece is converted with some of its neighbours on both sides, cut out, and laid over the end
of the piece before. The source speaks at the person's pitch, because conversion changes timbre alone.
OpenVoice v2: Qin et al. 2023, arxiv.org/abs/2312.01479. FreeVC: Li et al. 2022, arxiv.org/abs/2210.15418. kNN-VC: Baas et al. 2023, arxiv.org/abs/2305.18975.
"""
from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any, Protocol

import numpy as np

from twin.errors import Missing, Refused
from twin.types import RATE, Audio, Mood, Speech, Voice

from . import neural
from .cloned import Clones
from .coqui import quiet
from .espeak import Espeak

AROUND = 9_600                                           # samples = 0.4 s heard on both sides of a piece: WaveNets of some 60 frames look no further
LAP = 240                                                # samples = 10 ms in which a piece fades into the next
DEEP, HIGH = "m3", "f3"                                  # the embedded voice's variants that a person is spoken with
BORDER = 165.0                                           # Hz between them
FURTHEST = 6.0                                           # semitones that the source is moved at most
LARGE = {"extractor_mode": "layer_norm", "encoder_layers": 24, "encoder_embed_dim": 1024, "encoder_ffn_embed_dim": 4096, "encoder_attention_heads": 16,
         "layer_norm_first": True, "conv_feature_layers": "[(512,10,5)] + [(512,3,2)] * 4 + [(512,2,2)] * 2", "normalize": True,
         "relative_position_embedding": True, "num_buckets": 320, "max_distance": 800, "gru_rel_pos": True}      # WavLM-Large, arxiv.org/abs/2110.13900
HEARS = 16_000                                           # Hz of WavLM


class Converter(Protocol):
    """A model of conversion. `rate` is that of the sound it is given, `makes` that of the sound it gives, both in Hz."""

    kind: str
    name: str
    rate: int
    makes: int
    names: tuple[str, ...]

    def learn(self, sound: np.ndarray) -> dict[str, np.ndarray]:
        """What it keeps of a person, of float32 [n] at `rate`."""

    def begin(self, sentence: np.ndarray) -> Any:
        """What it wants to know of a whole sentence before it is given its pieces; both at `rate`."""

    def convert(self, piece: np.ndarray, state: Any, person: Any) -> np.ndarray:
        """float32 [n] at `rate` -> about n * makes / rate samples at `makes`."""


class Converted:
    """`model` is the folder of a conversion model; `source` any voice, the embedded one where none is given.

    Errors: as Xtts (coqui.py).
    """

    def __init__(self, model: str | Path = "", source: Any = None):
        folder = Path(model).expanduser()
        if not model or not folder.is_dir():
            raise neural.no_model("conversion", "OpenVoice v2")
        self.model = opened(folder)
        self.name = self.model.name
        self.source: Any = source or Espeak()
        self.clones = Clones(self.model.kind, neural.identity(folder), self._learn, (*self.model.names, "f0"))

    def speak(self, text: str, voice: Voice, mood: Mood, language: str) -> Iterator[Speech]:
        """The source's pieces with its marks, in the voice of the recording in `voice.folder`; closing the generator stops between two.

        Raises Missing without a recording, Refused for one that no voice can be taken from, TwinError where it fails.
        """
        neural.calm()
        person = self.clones.of(voice)
        name, semitones = _source(float(person["f0"].reshape(-1)[0]))
        plain = replace(voice, backend="espeak", name=name, pitch=voice.pitch + semitones, volume=1.0, folder="", weights=None)
        level, volume = neural.Level(), voice.volume * mood.volume
        sentence: list[Speech] = []
        pieces = self.source.speak(text, plain, replace(mood, volume=1.0), language)
        try:
            for piece in pieces:
                if piece.text and sentence:
                    yield from self._sentence(sentence, person, level, volume)
                    sentence = []
                if piece.audio is None:
                    yield piece
                else:
                    sentence.append(piece)
            if sentence:
                yield from self._sentence(sentence, person, level, volume)
        finally:
            pieces.close()

    def _sentence(self, pieces: list[Speech], person: Any, level: neural.Level, volume: float) -> Iterator[Speech]:
        """The pieces of one sentence. They were made at once, so none has to wait for the next."""
        whole = np.concatenate([piece.audio.samples for piece in pieces if piece.audio])
        with neural.making(self.name):
            state = self.model.begin(_at(whole, RATE, self.model.rate))
        start, tail = 0, np.zeros(0, np.float32)
        for group in [pieces[:1], *(pieces[at: at + 2] for at in range(1, len(pieces), 2))]:           # two at once: less is done twice
            end = start + sum(len(piece.audio.samples) for piece in group if piece.audio)
            low, high = max(0, start - AROUND), min(len(whole), end + AROUND)
            with neural.making(self.name):
                made = self.model.convert(_at(whole[low:high], RATE, self.model.rate), state, person)
            made = _at(np.asarray(made, np.float32).reshape(-1), self.model.makes, RATE)
            if not np.isfinite(made).all():
                raise neural.no_sound()
            made = np.pad(made, (0, max(0, high - low - len(made))))
            sound = made[start - low: end - low].copy()
            if lap := min(len(tail), len(sound)):
                way = np.linspace(0, 1, lap, dtype=np.float32)
                sound[:lap] = tail[:lap] * (1 - way) + sound[:lap] * way
            tail = made[end - low: end - low + LAP].copy()
            sound = level(sound, volume)
            if end == len(whole):
                sound = neural.ended(sound)
            for piece in group:
                assert piece.audio is not None
                size = len(piece.audio.samples)
                yield replace(piece, audio=Audio(sound[:size]))
                sound = sound[size:]
            start = end

    def _learn(self, sound: np.ndarray) -> dict[str, np.ndarray]:
        neural.calm()
        with neural.making(self.name):
            return {**self.model.learn(_at(sound, RATE, self.model.rate)), "f0": np.array([median(sound)], np.float32)}


def median(sound: np.ndarray) -> float:
    """The median F0 of speech in Hz, float32 [n] at 24 kHz; 0 where none is heard."""
    from . import vocoder
    f0 = vocoder.analyse(np.ascontiguousarray(sound[: len(sound) // vocoder.HOP * vocoder.HOP]), noise=False)[0]
    return float(np.median(f0[f0 > 0])) if (f0 > 0).any() else 0.0


def _source(f0: float) -> tuple[str, float]:
    """The embedded voice's variant for a person, and by how many semitones it is moved to their pitch."""
    if f0 <= 0:
        return HIGH, 0.0
    name = HIGH if f0 > BORDER else DEEP
    return name, float(np.clip(12 * np.log2(f0 / _own(name)), -FURTHEST, FURTHEST))


@cache
def _own(name: str) -> float:
    """The median F0 in Hz that the embedded voice has by itself."""
    said = Espeak().speak("We were away a year ago, and now we may all begin again.", Voice(name=name), Mood(), "en")
    return median(np.concatenate([piece.audio.samples for piece in said if piece.audio])) or 120.0


def _at(sound: np.ndarray, rate: int, wanted: int) -> np.ndarray:
    import soxr
    return sound if rate == wanted else soxr.resample(sound, rate, wanted).astype(np.float32)


# --- the models

def opened(folder: Path) -> Converter:
    """The model in a folder, by its configuration. Raises Missing and Refused."""
    inner = folder / "converter" if (folder / "converter" / "config.json").is_file() else folder
    told = neural.config_of(inner)
    kinds: dict[str, Any] = {"openvoice": OpenVoice, "freevc": FreeVC, "knnvc": KnnVC}
    data, kind = told.get("data"), told.get("model")
    if isinstance(data, dict) and isinstance(kind, dict) and "filter_length" in data:                # as OpenVoice's makers write it
        kind = "openvoice"
    if not isinstance(kind, str) or kind not in kinds:
        raise neural.other(folder, kind if isinstance(kind, str) else "", "a model of voice conversion (openvoice, freevc, knnvc)")
    made: Converter = kinds[kind](folder, told)
    return made


class OpenVoice:
    """OpenVoice's tone colour converter, of version 1 or 2: a flow between a speaker's spectrogram and nobody's."""

    kind, names = "openvoice", ("speaker",)

    def __init__(self, folder: Path, told: dict[str, Any]):
        self.name = "OpenVoice"
        held = neural.tensors(folder, "converter/checkpoint.pth" if (folder / "converter").is_dir() else "checkpoint.pth")
        quiet()
        with neural.loading(folder):
            from TTS.vc.configs.openvoice_config import OpenVoiceConfig
            from TTS.vc.models.openvoice import OpenVoice as Model
            config = OpenVoiceConfig()
            data = told["data"]
            config.audio.input_sample_rate = config.audio.output_sample_rate = int(data["sampling_rate"])
            for name, said in (("fft_size", "filter_length"), ("hop_length", "hop_length"), ("win_length", "win_length")):
                config.audio[name] = int(data[said])
            for name, value in told["model"].items():
                if name in config.model_args and isinstance(value, type(config.model_args[name])):
                    config.model_args[name] = value
            made = Model(config)
        neural.fill(made, held, folder, "OpenVoice")
        made.eval()
        self.device = neural.device_for(self.name, made)
        self.model, self.rate, self.least = made, config.audio.input_sample_rate, 64 * config.audio.hop_length + config.audio.fft_size
        self.makes = self.rate

    def learn(self, sound: np.ndarray) -> dict[str, np.ndarray]:
        return {"speaker": self._speaker(sound)[0].float().cpu().numpy()}

    def begin(self, sentence: np.ndarray) -> Any:
        return self._speaker(sentence)[0]

    def convert(self, piece: np.ndarray, state: Any, person: Any) -> np.ndarray:
        import torch
        _, spectrum = self._speaker(piece)
        target = torch.from_numpy(np.array(person["speaker"])).to(self.device)
        made = self.model.inference(spectrum, {"g_src": state, "g_tgt": target})["model_outputs"][0, 0]
        return made.float().cpu().numpy()[: len(piece)]

    def _speaker(self, sound: np.ndarray) -> Any:
        """(speaker embedding [1, width, 1], spectrogram [1, bins, frames]). Short sound is filled up: the encoder halves time six times."""
        import torch
        whole = np.pad(sound, (0, max(0, self.least - len(sound))))
        with torch.inference_mode():
            return self.model.extract_se(torch.from_numpy(whole.astype(np.float32)).to(self.device))


class FreeVC:
    """FreeVC: WavLM's features, narrowed until the speaker is gone, spoken again by a VITS decoder. Its folder holds WavLM beside it, as wavlm/."""

    kind, names, rate = "freevc", ("speaker",), HEARS

    def __init__(self, folder: Path, told: dict[str, Any]):
        self.name = "FreeVC"
        inside = told.get("model_args")
        if isinstance(inside, dict) and inside.get("use_spk"):
            raise Refused("This FreeVC wants a second, pickled model to tell speakers by.", "Choose OpenVoice v2.",
                          zh=("这个 FreeVC 还需要另一个 pickle 模型。", "请选 OpenVoice v2。"))
        held = neural.tensors(folder, "model.pth", {("voice_conversion_models--multilingual--vctk--freevc24", "model.pth")})
        quiet()
        with neural.loading(folder):
            from TTS.vc.configs.freevc_config import FreeVCConfig
            from TTS.vc.models import freevc
            config = FreeVCConfig()
            config.load_json(str(folder / "config.json"))
            heard = wavlm(folder)
            fetches = freevc.get_wavlm                   # it would fetch a pickle of 1.2 GB, unasked
            try:
                freevc.get_wavlm = lambda: heard
                made = freevc.FreeVC(config)
            finally:
                freevc.get_wavlm = fetches
        neural.fill(made, {**held, **{f"wavlm.{name}": value for name, value in heard.state_dict().items()}}, folder, "FreeVC")
        made.eval()
        self.device = neural.device_for(self.name, made)
        self.model, self.mel, self.makes = made, freevc.mel_spectrogram_torch, int(config.audio.output_sample_rate)

    def learn(self, sound: np.ndarray) -> dict[str, np.ndarray]:
        import torch
        audio = self.model.config.audio
        with torch.inference_mode():                     # as the package does it, but for librosa's trimming, which compiles for seconds and is done already
            mel = self.mel(torch.from_numpy(_filled(sound))[None].to(self.device), audio.filter_length, audio.n_mel_channels, audio.input_sample_rate,
                           audio.hop_length, audio.win_length, audio.mel_fmin, audio.mel_fmax)
            return {"speaker": self.model.enc_spk.embed_utterance(mel.transpose(1, 2)).unsqueeze(-1).float().cpu().numpy()}

    def begin(self, sentence: np.ndarray) -> Any:
        return None

    def convert(self, piece: np.ndarray, state: Any, person: Any) -> np.ndarray:
        import torch
        heard = torch.from_numpy(_filled(piece)).to(self.device)[None]
        made = self.model.inference(self.model.extract_wavlm_features(heard), g=torch.from_numpy(np.array(person["speaker"])).to(self.device))[0, 0]
        return made.float().cpu().numpy()


class KnnVC:
    """kNN-VC: every frame of WavLM's features becomes the mean of the four nearest of the person's, and a HiFi-GAN speaks those. Its folder holds WavLM as
    wavlm/ and the HiFi-GAN as vocoder/."""

    kind, names, rate = "knnvc", ("frames",), HEARS

    def __init__(self, folder: Path, told: dict[str, Any]):
        self.name = "kNN-VC"
        voice = folder / "vocoder"
        held = neural.tensors(voice, "model.pth", ())
        quiet()
        with neural.loading(folder):
            from TTS.vc.configs.knnvc_config import KNNVCConfig
            from TTS.vc.models import knnvc
            from TTS.vocoder.configs import HifiganConfig
            from TTS.vocoder.models.hifigan_generator import HifiganGenerator
            config = KNNVCConfig()
            config.load_json(str(folder / "config.json"))
            heard = wavlm(folder)
            fetches = knnvc.get_wavlm                    # as in FreeVC
            try:
                knnvc.get_wavlm = lambda: heard
                self.model = knnvc.KNNVC(config)
            finally:
                knnvc.get_wavlm = fetches
            sounds = HifiganConfig()
            sounds.load_json(str(voice / "config.json"))
            asked = sounds.generator_model_params
            made = HifiganGenerator(config.model_args.ssl_dim, 1, asked["resblock_type"], asked["resblock_dilation_sizes"], asked["resblock_kernel_sizes"],
                                    asked["upsample_kernel_sizes"], asked["upsample_initial_channel"], asked["upsample_factors"], inference_padding=0)
        neural.fill(made, held, voice, "HiFi-GAN")
        made.eval()
        self.model.eval()
        self.device = neural.device_for(self.name, self.model)
        self.vocoder, self.makes = made.to(self.device), int(sounds.audio["sample_rate"])

    def learn(self, sound: np.ndarray) -> dict[str, np.ndarray]:
        return {"frames": self._frames(sound).float().cpu().numpy()}

    def begin(self, sentence: np.ndarray) -> Any:
        return None

    def convert(self, piece: np.ndarray, state: Any, person: Any) -> np.ndarray:
        import torch
        with torch.inference_mode():
            matched = self.model.match(self._frames(piece), torch.from_numpy(np.array(person["frames"])))
            made = self.vocoder(matched.to(self.device).transpose(1, 2))[0, 0]
        return made.float().cpu().numpy()

    def _frames(self, sound: np.ndarray) -> Any:
        import torch
        return self.model.get_features(torch.from_numpy(_filled(sound)))


def _filled(sound: np.ndarray) -> np.ndarray:
    """At least half a second, so that WavLM's convolutions have something to stand on."""
    return np.pad(sound, (0, max(0, HEARS // 2 - len(sound)))).astype(np.float32)


def wavlm(folder: Path) -> Any:
    """The WavLM in `folder`/wavlm: model.safetensors, and config.json where it is another than WavLM-Large. Raises Missing and Refused."""
    here = folder / "wavlm"
    if not here.is_dir():
        raise Missing(f"There is no folder wavlm in {folder}.", "Put WavLM-Large there as model.safetensors, or choose OpenVoice v2.",
                      zh=(f"{folder} 里没有 wavlm 文件夹。", "请放入 safetensors 格式的 WavLM-Large，或选 OpenVoice v2。"))
    told = {**LARGE, **(neural.config_of(here) if (here / "config.json").is_file() else {})}
    layers = str(told["conv_feature_layers"])
    if not re.fullmatch(r"[\d\s,()\[\]+*]{1,200}", layers) or "**" in layers:                      # the package evaluates it as Python
        raise Refused(f"{here / 'config.json'} is damaged.", "Fetch or copy it again.", zh=(f"{here / 'config.json'} 已损坏。", "请重新下载或复制。"))
    held = neural.tensors(here, "WavLM-Large.pt", ())
    with neural.loading(here):
        from TTS.vc.layers.freevc.wavlm.wavlm import WavLM, WavLMConfig
        made = WavLM(WavLMConfig({name: value for name, value in told.items() if hasattr(WavLMConfig(), name) and isinstance(value, (int, float, str))}))
    neural.fill(made, held, here, "WavLM")
    return made.eval()
