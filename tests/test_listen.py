"""Hearing: the language model of a twin's questions, the recogniser on real sound, and the finder of utterances."""
from __future__ import annotations

import math

import numpy as np
import pytest
import soxr

from twin.errors import TwinError
from twin.listen.endpoint import Endpointer
from twin.listen.grammar import arpa, words_of
from twin.listen.sphinx import Sphinx, nearest
from twin.speak.espeak import Espeak
from twin.types import Audio, Mood, Voice

HZ = 16_000
QUESTIONS = ("what is your name", "who are you", "how much is a flat tyre", "tell me a story", "where are you from", "how long does a repair take",
             "do you like music", "what can you do", "are you a real person", "good morning", "thank you", "how old are you", "can you hear me")


def spoken(text: str) -> np.ndarray:
    """float32 at 16 kHz, as the embedded voice says it."""
    sound = np.concatenate([s.audio.samples for s in Espeak().speak(text, Voice(name="f3", rate=0.9), Mood(), "en") if s.audio])
    return soxr.resample(sound, 24_000, HZ).astype(np.float32)


@pytest.fixture(scope="module")
def sphinx() -> Sphinx:
    return Sphinx()


def test_the_language_model_is_one():
    """From every word the probabilities of all that may follow sum to one."""
    lines = arpa([words_of(q) for q in QUESTIONS]).splitlines()
    one, two = lines.index("\\1-grams:"), lines.index("\\2-grams:")
    unigrams = {w: (10 ** float(p), 10 ** float(b)) for p, w, b in (line.split() for line in lines[one + 1:two] if line)}
    bigrams = {(a, b): 10 ** float(p) for p, a, b in (line.split() for line in lines[two + 1:lines.index("\\end\\")] if line)}
    for a, (_, backoff) in unigrams.items():
        if a != "</s>":
            total = sum(bigrams.get((a, b), backoff * p) for b, (p, _) in unigrams.items() if b != "<s>")
            assert math.isclose(total, 1.0, abs_tol=0.01), a


def test_the_nearest_question():
    assert nearest(["your mistake", "you me a story"], QUESTIONS) == "tell me a story"
    assert nearest(["the weather in london is bad", "what is our name now"], QUESTIONS) == ""
    assert nearest([], QUESTIONS) == ""


def test_it_hears_what_is_likely_to_be_said(sphinx):
    asked = QUESTIONS[:6]
    heard = [list(sphinx.listen(Audio(spoken(q), HZ), "en", QUESTIONS))[-1] for q in asked]
    assert sum(h.text == q and h.sure for h, q in zip(heard, asked)) >= 4


def test_it_is_not_sure_of_anything_else(sphinx):
    heard = list(sphinx.listen(Audio(spoken("my computer is broken and the printer is on fire"), HZ), "en", QUESTIONS))[-1]
    assert heard.text and not heard.sure


def test_real_readers_are_heard_for_correction(sphinx, speech_data):
    import soundfile
    sound, rate = soundfile.read(sorted(speech_data.glob("austen_*.wav"))[0], dtype="float32")
    heard = list(sphinx.listen(Audio(sound[: 7 * rate], rate), "en", QUESTIONS))[-1]
    said = set(sorted(speech_data.glob("austen_*.txt"))[0].read_text().lower().split())
    assert not heard.sure and len(said & set(heard.text.split())) >= 6


@pytest.mark.parametrize("samples", [np.zeros(0), np.zeros(HZ), np.full(HZ, np.nan), np.full(HZ, 1e-4)], ids=["none", "silence", "nan", "faint"])
def test_silence_is_heard_as_nothing(sphinx, samples):
    assert list(sphinx.listen(Audio(samples.astype(np.float32), HZ), "en", QUESTIONS))[-1] .text == ""


def test_chinese_is_refused_with_a_way_out(sphinx):
    with pytest.raises(TwinError) as error:
        list(sphinx.listen(Audio(np.zeros(HZ, np.float32), HZ), "zh"))
    assert "browser" in error.value.hint


def test_the_endpointer_finds_two_utterances():
    rng = np.random.default_rng(1)
    quiet = np.zeros(HZ, np.float32)
    sound = np.concatenate([quiet, spoken("hello there my friend"), quiet, spoken("how are you today"), quiet])
    pcm = ((sound + rng.normal(0, 0.002, len(sound))).clip(-1, 1) * 32767).astype(np.int16)
    ends, said = Endpointer(), []
    for i in range(0, len(pcm), 1600):
        said += [(i / HZ, *s) for s in ends.push(pcm[i:i + 1600])]
    assert [what for _, what, _ in said] == ["speech", "pause", "utterance", "silence"] * 2
    assert 1.0 <= said[0][0] < 1.5 and all(0.5 < s[2].seconds < 2.5 for s in said if s[2])


def test_noise_is_not_speech():
    rng = np.random.default_rng(2)
    noise = (rng.normal(0, 0.05, 5 * HZ) * 32767).astype(np.int16)
    assert Endpointer().push(noise) == []


def test_an_utterance_never_grows_without_bound():
    ends = Endpointer()
    pcm = (np.tile(spoken("and then we walked on and on and on"), 12) * 32767).astype(np.int16)
    found = [audio for what, audio in ends.push(pcm) if what == "utterance"]
    assert found and all(audio.seconds <= 21 for audio in found)


def tiny_whisper(folder):
    """The smallest Whisper of the real class, as transformers saves one."""
    from tokenizers import Tokenizer, models, pre_tokenizers
    from transformers import WhisperConfig, WhisperFeatureExtractor, WhisperForConditionalGeneration, WhisperProcessor, WhisperTokenizerFast
    words = {w: i for i, w in enumerate(["<|endoftext|>", "<|startoftranscript|>", "<|notimestamps|>", *"abcdefghijklmnop"])}
    core = Tokenizer(models.BPE(vocab=words, merges=[], unk_token="<|endoftext|>"))
    core.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer = WhisperTokenizerFast(tokenizer_object=core)
    config = WhisperConfig(vocab_size=len(words), d_model=16, encoder_layers=1, decoder_layers=1, encoder_attention_heads=2, decoder_attention_heads=2,
                           encoder_ffn_dim=16, decoder_ffn_dim=16, num_mel_bins=80, decoder_start_token_id=1, bos_token_id=1, eos_token_id=0, pad_token_id=0,
                           max_target_positions=256)
    WhisperForConditionalGeneration(config).save_pretrained(folder)
    WhisperProcessor(WhisperFeatureExtractor(feature_size=80), tokenizer).save_pretrained(folder)
    return folder


def test_a_small_whisper_of_the_real_class_hears_something(tmp_path):
    from twin.listen.whisper import Whisper
    tiny_whisper(tmp_path)
    heard = list(Whisper(str(tmp_path)).listen(Audio(np.zeros(HZ, np.float32), HZ), "en"))
    assert len(heard) == 1 and isinstance(heard[0].text, str)
