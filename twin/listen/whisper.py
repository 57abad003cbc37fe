"""Whisper, Moonshine and their like, by transformers: any speech-to-text model of the hub or a folder, in its own languages."""
from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from ..devices import place
from ..types import Audio, Final

LONGEST = 30.0           # s: Whisper's window


class Whisper:
    """`model` is a hub id or a folder with a model, its feature extractor and tokenizer. It yields one Final."""

    def __init__(self, model: str):
        import torch
        from transformers import AutoModelForSpeechSeq2Seq, AutoProcessor
        self._torch = torch
        self._device, self._dtype = place("listen")
        self._processor = AutoProcessor.from_pretrained(model)
        self._model = AutoModelForSpeechSeq2Seq.from_pretrained(model, dtype=self._dtype, use_safetensors=True).to(self._device).eval()
        self._rate = self._processor.feature_extractor.sampling_rate

    def listen(self, audio: Audio, language: str, vocabulary: Sequence[str] = ()) -> Iterator[Final]:
        """What was said. `language` is given to models that take one."""
        samples = np.nan_to_num(audio.samples[: int(LONGEST * audio.rate)])
        if audio.rate != self._rate:
            import soxr
            samples = soxr.resample(samples, audio.rate, self._rate)
        inputs = self._processor(samples, sampling_rate=self._rate, return_tensors="pt").to(self._device)
        inputs = {k: v.to(self._dtype) if v.is_floating_point() else v for k, v in inputs.items()}
        options = {"language": language, "task": "transcribe"} if getattr(self._model.generation_config, "is_multilingual", False) else {}
        with self._torch.inference_mode():
            tokens = self._model.generate(**inputs, max_new_tokens=200, **options)
        text = self._processor.batch_decode(tokens, skip_special_tokens=True)[0].strip()
        yield Final(text, bool(text))
