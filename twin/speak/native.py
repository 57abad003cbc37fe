"""Voices of the library transformers, by one adapter: PocketTTS and its kin, which clone a voice on a CPU and stream by frames of 80 ms; VibeVoice, which
speaks English and Mandarin in a cloned voice on a GPU; VITS (MMS), one voice and one language a model.

A model is a folder with config.json and safetensors. Nothing is fetched, no pickle is opened, no code of a stranger is run.
PocketTTS: "Continuous Audio Language Models", arxiv.org/abs/2509.06926. VibeVoice: Peng et al. 2025, arxiv.org/abs/2508.19205. MMS: Pratap et al. 2023,
arxiv.org/abs/2305.13516.
"""
from __future__ import annotations

import json
import math
import queue
import threading
from collections.abc import Callable, Iterator
from inspect import signature
from pathlib import Path
from typing import Any

import numpy as np

from twin.errors import Missing, Refused, TwinError
from twin.types import RATE, Mood, Speech, Voice

from . import neural
from .cloned import Clones, Numbers

POCKET = ("pocket_tts", "gradium_phonon_tts")
CHUNKS = (5, 12, 25)                                     # frames of 80 ms that are decoded at once: the first soon, later ones with less done twice
BEHIND = 34                                              # frames decoded again before them: two layers that look back 1.25 s each, and the convolutions
TEMPERATURE, STEPS, ENDS, EARLIEST = 0.7, 1, -4.0, 6     # where generation_config.json says nothing: as the library has them for the released models
GUIDANCE, DIFFUSION = 1.3, 10                            # of VibeVoice, as its makers run it
HEARD = 12.0                                             # s of a person that VibeVoice is given: it reads them anew with every sentence
SLOWEST = 6.0                                            # characters a second of a slow speaker: what lasts longer has lost its thread
LIMITS = {"zh": 60, "ja": 60}
LIMIT = 160
THREE = {"eng": "en", "cmn": "zh", "zho": "zh", "deu": "de", "fra": "fr", "spa": "es", "por": "pt", "ita": "it", "rus": "ru", "kor": "ko", "jpn": "ja",
         "nld": "nl", "pol": "pl", "tur": "tr", "ara": "ar", "hin": "hi", "vie": "vi", "tha": "th", "ukr": "uk", "swe": "sv", "fin": "fi"}
FEW = {"fr": "french", "de": "german", "pt": "portuguese", "it": "italian", "es": "spanish"}       # PocketTTS has a model a language, named by it


class Native:
    """`model` is the folder of a text-to-speech model of transformers; `language` what it speaks, where its files don't say ("" = by its name).

    Errors: Missing where it is not here, Refused where it is half here or no voice that is known here, TwinError where it doesn't fit into memory.
    """

    def __init__(self, model: str | Path = "", language: str = ""):
        folder = Path(model).expanduser()
        if not model or not folder.is_dir():
            raise neural.no_model("transformers", "Pocket TTS")
        kind = str(neural.config_of(folder).get("model_type") or "")
        for path in folder.glob("*.safetensors"):
            neural.whole(path)
        if kind in POCKET:
            self.model: Any = Pocket(folder, language)
        elif kind == "vibevoice":
            self.model = VibeVoice(folder)
        elif kind == "vits":
            self.model = Mms(folder, language)
        else:
            raise neural.other(folder, kind, "a voice that is known here (pocket_tts, gradium_phonon_tts, vibevoice, vits)")
        self.name, self.languages = self.model.name, self.model.languages

    def speak(self, text: str, voice: Voice, mood: Mood, language: str) -> Iterator[Speech]:
        """Pieces of 0.4 to 1 s at 24 kHz, as the model makes them; closing the generator stops it between two frames, and leaves no thread.

        Raises Refused for a language that it lacks and a recording that no voice can be taken from, Missing without a recording, TwinError where it fails.
        """
        neural.calm()
        own = neural.short(language)
        if self.languages and own not in self.languages:
            raise neural.foreign(self.name, language)
        person = self.model.clones.of(voice) if self.model.clones else None
        level = neural.Level()
        for part, said, _ in neural.parts(text, own, LIMITS.get(own, LIMIT)):
            if not said:
                if part.strip():
                    yield Speech(part, None)
                continue
            yield from neural.pieces(part, self._chunks(said, person, voice.rate * mood.rate), self.model.rate, level, voice.volume * mood.volume)

    def _chunks(self, text: str, person: Numbers | None, rate: float) -> Iterator[np.ndarray]:
        with neural.making(self.name):
            yield from self.model.chunks(text, person, rate)


def weights(kind: str, folder: Path, name: str, fp32: bool = False) -> tuple[Any, str]:
    """(a model of that class of transformers, its device), from safetensors alone, every weight of it there. Raises Missing and Refused."""
    import torch
    import transformers

    from twin import devices
    files = list(folder.glob("*.safetensors"))
    if not files:
        if there := sorted(path for path in folder.iterdir() if path.suffix in neural.PICKLES):
            raise neural.no_pickle(there[0])
        raise Missing(f"There are no weights in {folder}.", "Fetch or copy the whole folder of the model.",
                      zh=(f"{folder} 里没有权重。", "请下载或复制模型的整个文件夹。"))
    device, dtype = devices.place("speak", sum(path.stat().st_size for path in files) * 2)
    with neural.loading(folder):
        model, told = getattr(transformers, kind).from_pretrained(
            str(folder), local_files_only=True, use_safetensors=True, dtype=torch.float32 if fp32 else dtype, output_loading_info=True,
            device_map="auto" if device == "auto" else {"": device})
    if missing := sorted(told["missing_keys"]):
        raise neural.damaged(folder, f"{len(missing)} weights are missing, {missing[0]} among them.")
    if wrong := sorted(str(one[0] if isinstance(one, tuple) else one) for one in told.get("mismatched_keys", ())):
        raise neural.other(folder, f"weights of other shapes ({wrong[0]})", name)
    if any(not torch.isfinite(value).all() for value in model.parameters() if value.is_floating_point()):
        raise neural.damaged(folder, "it holds numbers that are none.")
    return model.eval(), str(model.device)


class Pocket:
    """PocketTTS: one latent of 80 ms a step, until the model says that it has ended. Here the loop over its steps is ours, so that sound comes while it goes
    on, and stops with its generator. Voices are latents of its codec; a model that ships none speaks only with a recording."""

    def __init__(self, folder: Path, language: str):
        self.name = "Pocket TTS"
        self.model, self.device = weights("AutoModelForTextToWaveform", folder, self.name)
        self.codec, _ = weights("PocketTTSAudioTokenizerModel", codec_of(folder), "the codec of Pocket TTS", fp32=True)
        with neural.loading(folder):
            from transformers import AutoTokenizer, PocketTTSFeatureExtractor, PocketTTSProcessor
            path = folder / "processor_config.json"
            told = json.loads(path.read_text("utf-8")) if path.is_file() else {}
            own = {name: told[name] for name in signature(PocketTTSProcessor.__init__).parameters if isinstance(told.get(name), (int, float))}
            template = folder / "chat_template.jinja"
            words = AutoTokenizer.from_pretrained(str(folder), local_files_only=True)
            heard = PocketTTSFeatureExtractor.from_pretrained(str(folder), local_files_only=True)
            self.processor = PocketTTSProcessor(heard, words, audio_tokenizer=self.codec,
                                                chat_template=template.read_text("utf-8") if template.is_file() else None, **own)
        self.rate = int(heard.sampling_rate)
        asked = self.model.generation_config

        def setting(name: str, otherwise: float) -> float:
            value = getattr(asked, name, None)
            return otherwise if value is None else value
        self.noise = math.sqrt(setting("temperature", TEMPERATURE)) if asked.do_sample else 0.0
        self.steps, self.earliest = int(setting("num_flow_steps", STEPS)), int(setting("min_frames_before_eos", EARLIEST))
        self.ends = setting("eos_threshold", ENDS)
        name = folder.name.lower()
        self.languages = (language or next((short for short, long in FEW.items() if long in name), "en"),)
        self.clones = Clones("pocket", neural.identity(codec_of(folder)), self._learn, ("latents",))

    def chunks(self, text: str, person: Numbers | None, rate: float) -> Iterator[np.ndarray]:
        import torch
        assert person is not None
        voice = torch.from_numpy(np.array(person["latents"]))
        given = self.processor(text=[self._prompt(text)], audio_prompt_latents=[voice], return_tensors="pt")
        after = int(given["frames_after_eos"][0])
        budget = math.ceil((len(text) / SLOWEST + 2) * self.model.config.frame_rate)
        latents: list[Any] = []
        done, wanted, left = 0, iter(CHUNKS), -1
        size = next(wanted)
        for latent, end in self._latents(given):
            latents.append(latent)
            if left < 0 and end and len(latents) > self.earliest:
                left = after
            over = left == 0 or len(latents) >= budget
            left -= left > 0
            if over or len(latents) - done >= size:
                yield self._sound(latents, done)
                done, size = len(latents), next(wanted, CHUNKS[-1])
            if over:
                return

    def _latents(self, given: Any) -> Iterator[tuple[Any, bool]]:
        """(latent [1, 1, width] as the codec has them, whether speech ended with it), one a step."""
        import torch
        model = self.model
        with torch.inference_mode():
            step = torch.full((1, 1), model.config.audio_latent_token_id, device=self.device)
            out = model(input_ids=given["input_ids"].to(self.device), attention_mask=given["attention_mask"].to(self.device),
                        audio_prompt_latents=given["audio_prompt_latents"].to(self.device),
                        audio_prompt_latents_mask=given["audio_prompt_latents_mask"].to(self.device), use_cache=True)
        while True:
            with torch.inference_mode():
                condition = out.last_hidden_state[:, -1]
                noise = torch.randn(1, model.config.latent_dim, device=condition.device, dtype=condition.dtype) * self.noise
                latent = model.sample_latent(condition, noise, self.steps)
                end = bool(out.logits[0, -1, 0] > self.ends)
                told = model.denormalize_latents(latent)[:, None]
            yield told, end
            with torch.inference_mode():
                out = model(input_ids=step, audio_latents=latent[:, None], past_key_values=out.past_key_values, use_cache=True)

    def _sound(self, latents: list[Any], done: int) -> np.ndarray:
        """The sound of the latents behind `done`. The codec is causal and looks back less far than BEHIND, so it is the same as if all were decoded at once."""
        import torch
        start = max(0, done - BEHIND)
        with torch.inference_mode():
            sound = self.codec.decode(torch.cat(latents[start:], 1).to(self.codec.device, self.codec.dtype)).audio_values[0, 0]
        frame = self.codec.config.frame_size
        return sound[(done - start) * frame: (len(latents) - start) * frame].float().cpu().numpy()

    def _prompt(self, text: str) -> str:
        """As the model's own template writes it; without one, in the order that the library gives: voice, text, the place where sound begins."""
        processor = self.processor
        if processor.chat_template:
            talk: Any = [{"role": "user", "content": [{"type": "audio", "audio": ""}, {"type": "text", "text": text}]}]
            said: str = processor.apply_chat_template(talk, tokenize=False)
            if said.count(processor.audio_token) == 1:
                return said
        return f"{processor.audio_prompt_bos_token or ''}{processor.audio_token}{text}{processor.audio_bos_token}"

    def _learn(self, sound: np.ndarray) -> dict[str, np.ndarray]:
        import torch
        neural.calm()
        with neural.making(self.name), torch.inference_mode():
            heard = self.processor.feature_extractor([sound], sampling_rate=RATE)
            made = self.codec.encode(heard["input_values"].to(self.codec.device, self.codec.dtype), heard["padding_mask"].to(self.codec.device))
            return {"latents": made.latents[0][made.latents_mask[0].bool()].float().cpu().numpy()}


def codec_of(folder: Path) -> Path:
    """The folder of a model's codec: audio_tokenizer/ in its own, or what its processor names, beside it or in the hub's cache. Raises Missing."""
    inner = folder / "audio_tokenizer"
    if inner.is_dir():
        return inner
    try:
        told = json.loads((folder / "processor_config.json").read_text("utf-8"))
        name = str(told["audio_tokenizer"]["audio_tokenizer_name_or_path"])
    except (OSError, ValueError, KeyError, TypeError):
        name = ""
    for found in (folder.with_name(name.replace("/", "--")), Path(name).expanduser()) if name else ():
        if found.is_dir():
            return found
    if name.count("/") == 1:
        from huggingface_hub import try_to_load_from_cache
        from huggingface_hub.errors import HFValidationError
        try:
            cached = try_to_load_from_cache(name, "config.json")
        except HFValidationError:
            cached = None
        if isinstance(cached, str):
            return Path(cached).parent
    raise Missing(f"The codec of {folder.name} is not on this machine.", f"Fetch {name or 'it'} too, or put it into {inner}.",
                  zh=(f"本机没有 {folder.name} 的编解码器。", f"请再下载 {name or '它'}，或放到 {inner}。"))


class VibeVoice:
    """VibeVoice: a Qwen model that asks a diffusion head for 133 ms of sound a step. The library makes a sentence in one call; it is run in a thread of its
    own, which hands over what the decoder makes and ends when its generator is closed."""

    languages = ("en", "zh")
    rate = RATE

    def __init__(self, folder: Path):
        self.name = "VibeVoice"
        self.model, self.device = weights("VibeVoiceForConditionalGeneration", folder, self.name)
        with neural.loading(folder):
            from transformers import AutoProcessor
            self.processor = AutoProcessor.from_pretrained(str(folder), local_files_only=True)
        self.clones = Clones("vibevoice", neural.identity(folder), lambda sound: {"sound": sound[: round(HEARD * RATE)]}, ("sound",))

    def chunks(self, text: str, person: Numbers | None, rate: float) -> Iterator[np.ndarray]:
        assert person is not None
        talk: Any = [{"role": "0", "content": [{"type": "text", "text": text}, {"type": "audio", "audio": ""}]}]
        prompt = self.processor.apply_chat_template(talk, tokenize=False)
        given = self.processor(text=[prompt], audio=[np.array(person["sound"])], return_tensors="pt").to(self.model.device, self.model.dtype)
        frame = self.model.config.audio_config.hop_length / RATE
        most = math.ceil((len(text) / SLOWEST + 2) / frame)

        def run() -> None:
            import torch
            neural.calm()
            with torch.inference_mode():
                self.model.generate(**given, max_new_tokens=most, guidance_scale=GUIDANCE, num_diffusion_steps=DIFFUSION)
        yield from beside(run, self.model.model.audio_tower.decoder, lambda out: out.audio)


class _Closed(Exception):
    pass


def beside(run: Callable[[], None], part: Any, pick: Callable[[Any], Any]) -> Iterator[np.ndarray]:
    """What `part` of a model gives while `run` calls it, from a thread that ends before this generator does. Raises what `run` raises."""
    made: queue.Queue[Any] = queue.Queue(maxsize=8)      # a listener who waits makes the model wait
    closed = threading.Event()

    def put(item: Any) -> None:
        while not closed.is_set():
            try:
                return made.put(item, timeout=0.1)
            except queue.Full:
                continue
        raise _Closed

    def heard(_module: Any, _given: Any, out: Any) -> None:
        put(pick(out).detach().float().reshape(-1).cpu().numpy())

    def work() -> None:
        end: Any = None
        try:
            run()
        except _Closed:
            return
        except Exception as error:                       # handed to the reader, who raises it
            end = error
        try:
            put(end)
        except _Closed:
            return

    hook = part.register_forward_hook(heard)
    thread = threading.Thread(target=work, name="voice", daemon=True)
    thread.start()
    try:
        while isinstance(item := made.get(), np.ndarray):
            yield item
        if isinstance(item, Exception):
            raise item
    finally:
        closed.set()
        thread.join()
        hook.remove()


class Mms:
    """VITS as transformers has it, the 1100 languages of MMS among them: a sentence is made whole."""

    clones = None

    def __init__(self, folder: Path, language: str):
        self.name = folder.name.rpartition("--")[2]
        self.model, self.device = weights("VitsModel", folder, "VITS", fp32=True)
        with neural.loading(folder):
            from transformers import AutoTokenizer
            self.words = AutoTokenizer.from_pretrained(str(folder), local_files_only=True)
        if getattr(self.words, "is_uroman", False):
            raise Refused(f"{self.name} reads letters that the program uroman makes of its language.", "Choose another voice.",
                          zh=(f"{self.name} 需要先用 uroman 转写文字。", "请换一个声音。"))
        own = language or str(getattr(self.words, "language", None) or "")
        self.languages = (THREE.get(own, neural.short(own)),) if own else ()
        self.rate = int(self.model.config.sampling_rate)

    def chunks(self, text: str, person: Numbers | None, rate: float) -> Iterator[np.ndarray]:
        import torch
        given = self.words(text, return_tensors="pt")
        if not given["input_ids"].shape[-1]:
            raise TwinError(f"{self.name} knows none of these letters.", "Another voice says it.", code="language",
                            zh=(f"{self.name} 不认识这些文字。", "会换一个声音来说。"))
        self.model.speaking_rate = float(np.clip(rate, 0.5, 2.0)) * self.model.config.speaking_rate
        with torch.inference_mode():
            yield self.model(**given.to(self.device)).waveform[0].float().cpu().numpy()
