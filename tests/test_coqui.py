"""Coqui's voices: the real classes with tiny random weights, saved as a downloaded model lies on the disk and read again by the same way."""
from __future__ import annotations

import asyncio
import gc
import io
import json
import logging
import pickle
import threading
import wave
from contextlib import aclosing
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from twin.errors import Missing, Refused, TwinError
from twin.speak import cloned, neural
from twin.speak.espeak import Espeak
from twin.types import PIECE, RATE, Audio, Mood, Speech, Voice

TEXT = "Hello there, my friend."
CALM = Mood()
LETTERS = "abcdefghijklmnopqrstuvwxyz.,!?'0123456789"


# --- the models, as they lie on the disk

def tensors(model) -> dict:
    return {name: value.contiguous().clone() for name, value in model.state_dict().items()}


@pytest.fixture(scope="module")
def xtts_folder(tmp_path_factory) -> Path:
    import torch
    from safetensors.torch import save_file
    from tokenizers import Tokenizer, models
    from TTS.tts.configs.xtts_config import XttsArgs, XttsConfig
    from TTS.tts.layers.xtts.tokenizer import VoiceBpeTokenizer
    from TTS.tts.models.xtts import Xtts
    torch.set_num_threads(1)
    torch.manual_seed(0)
    folder = tmp_path_factory.mktemp("xtts")
    special = ["[STOP]", "[UNK]", "[SPACE]", "[START]", "[en]", "[de]", "[zh-cn]"]
    words = Tokenizer(models.BPE({token: index for index, token in enumerate(special + list(LETTERS))}, [], unk_token="[UNK]"))
    words.add_special_tokens(special)
    words.save(str(folder / "vocab.json"))
    config = XttsConfig(model_args=XttsArgs(
        gpt_layers=1, gpt_n_model_channels=32, gpt_n_heads=2, gpt_max_audio_tokens=25, gpt_num_audio_tokens=1026, gpt_start_audio_token=1024,
        gpt_stop_audio_token=1025, decoder_input_dim=32, gpt_use_perceiver_resampler=True, d_vector_dim=512), languages=["en", "de", "zh-cn"])
    model = Xtts(config)
    model.tokenizer = VoiceBpeTokenizer(vocab_file=str(folder / "vocab.json"))
    model.init_models()
    with torch.no_grad():
        model.gpt.mel_head.bias[1025] = -1e4             # never the token that ends: every part is a second, in two chunks
    config.save_json(str(folder / "config.json"))
    save_file(tensors(model), str(folder / "model.safetensors"))
    return folder


@pytest.fixture(scope="module")
def xtts(xtts_folder):
    from twin.speak.coqui import Xtts
    return Xtts(xtts_folder)


def openvoice_folder(folder: Path, name: str = "checkpoint.pth") -> Path:
    """As the hub has OpenVoiceV2: converter/config.json and converter/checkpoint.pth."""
    import torch
    from TTS.vc.configs.openvoice_config import OpenVoiceArgs, OpenVoiceConfig
    from TTS.vc.models.openvoice import OpenVoice
    torch.manual_seed(0)
    sizes = {"inter_channels": 16, "hidden_channels": 16, "upsample_initial_channel": 32, "gin_channels": 32}
    model = OpenVoice(OpenVoiceConfig(model_args=OpenVoiceArgs(**sizes)))
    (folder / "converter").mkdir(parents=True)
    (folder / "converter" / "config.json").write_text(json.dumps({
        "_version_": "v2", "data": {"sampling_rate": 22050, "filter_length": 1024, "hop_length": 256, "win_length": 1024, "n_speakers": 0},
        "model": {"zero_g": True, "n_layers": 6, **sizes}}))
    torch.save({"model": tensors(model), "iteration": 1, "learning_rate": 1e-4}, folder / "converter" / name)
    return folder


def vits_folder(folder: Path, phonemes: bool = False, **more) -> Path:
    import torch
    from safetensors.torch import save_file
    from TTS.tts.configs.vits_config import VitsArgs, VitsConfig
    from TTS.tts.models.vits import Vits
    torch.manual_seed(0)
    args = VitsArgs(hidden_channels=16, hidden_channels_ffn_text_encoder=32, num_heads_text_encoder=2, num_layers_text_encoder=1, num_layers_flow=1,
                    num_layers_posterior_encoder=1, upsample_initial_channel_decoder=32, init_discriminator=False, out_channels=513)
    config = VitsConfig(model_args=args, use_phonemes=False, text_cleaner="basic_cleaners", phoneme_language="en-us", add_blank=True, **more)
    if phonemes:
        from TTS.tts.utils.text.characters import IPAPhonemes
        from TTS.tts.utils.text.tokenizer import TTSTokenizer
        _, config = TTSTokenizer.init_from_config(config, IPAPhonemes())
    model = Vits(config)
    folder.mkdir(parents=True, exist_ok=True)
    config.save_json(str(folder / "config.json"))
    told = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps(told | {"use_phonemes": phonemes}))
    save_file(tensors(model), str(folder / "model.safetensors"))
    return folder


# --- recordings

def wav(sound: np.ndarray, rate: int = RATE) -> bytes:
    out = io.BytesIO()
    with wave.open(out, "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(rate)
        file.writeframes((np.clip(sound, -1, 1) * 32767).astype("<i2").tobytes())
    return out.getvalue()


def spoken(seconds: float, variant: str = "m3") -> np.ndarray:
    """Somebody reading, without a pause at the end."""
    text = "We were away a year ago, and now we may all begin again, as long as the little boat is ready for you. "
    parts, long = [], 0
    while long < seconds * RATE:
        for piece in Espeak().speak(text, Voice(name=variant), CALM, "en"):
            parts.append(piece.audio.samples)
            long += len(piece.audio.samples)
            if long >= seconds * RATE:
                break
    return np.concatenate(parts)[: round(seconds * RATE)]


def person(folder: Path, seconds: float = 8.0, variant: str = "m3") -> Voice:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "sample.wav").write_bytes(wav(spoken(seconds, variant)))
    return Voice("timbre", folder=str(folder))


@pytest.fixture(scope="module")
def someone(xtts, tmp_path_factory) -> Voice:
    """A twin whose voice was taken from its recording before."""
    voice = person(tmp_path_factory.mktemp("someone"))
    xtts.clones.of(voice)
    return voice


def sound(pieces: list[Speech]) -> np.ndarray:
    return np.concatenate([piece.audio.samples for piece in pieces if piece.audio])


def right(pieces: list[Speech], text: str) -> None:
    """What every voice owes: the text once, whole packets at 24 kHz, sound that is none of the page's trouble."""
    assert "".join(piece.text for piece in pieces) == text
    for piece in pieces:
        if piece.audio is not None:
            assert piece.audio.rate == RATE and piece.audio.samples.dtype == np.float32
            assert len(piece.audio.samples) % PIECE == 0 and len(piece.audio.samples)
            assert np.isfinite(piece.audio.samples).all() and np.abs(piece.audio.samples).max() < 0.97
    assert sound(pieces).std() > 1e-4


def contract(backend, voice: Voice, language: str = "en") -> None:
    """What each row of BACKENDS owes, whatever it is given."""
    text = "Well now. 😀 And then?"
    right(list(backend.speak(text, voice, CALM, language)), text)
    right(list(backend.speak("Well.", replace(voice, rate=1.4, volume=0.5, pitch=2.0), Mood(rate=0.8, energy=1.0, volume=1.3), language)), "Well.")
    for nothing in ("", "  \n", "?!...", "😀"):
        pieces = list(backend.speak(nothing, voice, CALM, language))
        assert "".join(piece.text for piece in pieces).strip() == nothing.strip() and all(piece.audio is None for piece in pieces)
    for long in ("word " * 4000, "x" * 20_000):
        speaking = backend.speak(long, voice, CALM, language)
        assert next(speaking).audio is not None
        speaking.close()
        assert next(speaking, None) is None
    for other in ("xx", "", "zh-Hant", "tlh"):
        try:
            next(backend.speak("Well.", voice, CALM, other))
        except TwinError as error:
            assert error.zh and error.hint


# --- XTTS

def test_xtts_clones_streams_and_keeps_what_it_learned(xtts, tmp_path):
    voice = person(tmp_path / "voice")
    pieces = list(xtts.speak(TEXT + " 😀", voice, CALM, "en"))
    right(pieces, TEXT + " 😀")
    assert len([piece for piece in pieces if piece.audio]) > 1 and not any(piece.marks for piece in pieces)
    kept = tmp_path / "voice" / "xtts.safetensors"
    numbers, about = cloned.load(kept.read_bytes(), "xtts")
    assert numbers["gpt"].shape == (1, 32, 32) and numbers["speaker"].shape == (1, 512, 1) and len(about["sample"]) == 64
    assert kept.stat().st_mode & 0o077 == 0 and [path.name for path in kept.parent.iterdir() if path.name.startswith(".")] == []


def test_what_was_learned_is_read_again_and_learned_anew_for_another_recording(xtts_folder, tmp_path):
    from twin.speak.coqui import Xtts
    first, voice = Xtts(xtts_folder), person(tmp_path / "voice")
    numbers = first.clones.of(voice)
    kept, learned = tmp_path / "voice" / "xtts.safetensors", []
    again = Xtts(xtts_folder)
    again.clones.make = lambda heard: learned.append(len(heard)) or first._latents(heard)
    np.testing.assert_array_equal(again.clones.of(voice)["gpt"], numbers["gpt"])
    assert not learned, "computed once, read from the disk by the next"
    before = kept.read_bytes()
    person(tmp_path / "voice", 9.0, "f3")
    assert np.abs(again.clones.of(voice)["speaker"] - numbers["speaker"]).max() > 1e-6
    assert len(learned) == 1 and kept.read_bytes() != before
    kept.write_bytes(before[:-100])
    third = Xtts(xtts_folder)
    third.clones.of(voice)
    assert cloned.load(kept.read_bytes(), "xtts"), "a half file is made anew"
    (tmp_path / "voice" / "sample.wav").unlink()
    assert third.clones.of(voice)["gpt"].shape == (1, 32, 32), "without the recording what was learned is enough"
    sealed = Voice(weights=kept.read_bytes())
    np.testing.assert_array_equal(third.clones.of(sealed)["gpt"], third.clones.of(voice)["gpt"])
    for bad in (before[:-100], before[:300] + b"x" * 500, cloned.saved(numbers, "pocket", third.clones.model, ""), cloned.saved(numbers, "xtts", "another", "")):
        with pytest.raises(Refused):
            third.clones.of(Voice(weights=bad))


def test_closing_stops_between_two_chunks_and_leaves_no_thread(xtts, someone):
    voice, before, steps = someone, threading.active_count(), []
    hook = xtts.model.hifigan_decoder.register_forward_hook(lambda *_: steps.append(1))
    try:
        speaking = xtts.speak(TEXT * 6, voice, CALM, "en")
        next(speaking)
        made = len(steps)
        speaking.close()
        gc.collect()
        assert next(speaking, None) is None and len(steps) == made < 4
        assert threading.active_count() == before
    finally:
        hook.remove()


def test_a_language_that_the_voice_lacks_is_refused_by_name(xtts, someone):
    with pytest.raises(Refused, match="XTTS does not speak 'fi'") as told:
        next(xtts.speak("Hyvää päivää.", someone, CALM, "fi"))
    assert told.value.code == "language" and told.value.zh


def test_memory_that_runs_out_is_said_as_that(xtts, someone):
    import torch
    voice, calls = someone, []

    def hungry(*_):
        calls.append(1)
        if len(calls) > 1:
            torch.empty(1 << 52)                         # a real refusal of the allocator's
    hook = xtts.model.hifigan_decoder.register_forward_pre_hook(hungry)
    try:
        speaking, made = xtts.speak(TEXT, voice, CALM, "en"), []
        with pytest.raises(TwinError, match="XTTS ran out of memory") as told:
            for piece in speaking:
                made.append(piece)
        assert made and told.value.code == "memory"
    finally:
        hook.remove()


@pytest.mark.parametrize("text", ["", "   \n", "...!?", "😀", "—", "```x```"])
def test_what_cannot_be_said_is_a_caption(xtts, someone, text):
    pieces = list(xtts.speak(text, someone, CALM, "en"))
    assert "".join(piece.text for piece in pieces).strip() == text.strip() and all(piece.audio is None for piece in pieces)


def test_twenty_thousand_characters_begin_at_once_and_come_in_parts_that_fit():
    for text, language, limit in (("word " * 4000, "en", 160), ("字" * 20_000, "zh", 60), ("x" * 20_000, "en", 160), ("Hi. " * 5000, "en", 160)):
        found = list(neural.parts(text, language, limit))
        assert "".join(part for part, *_ in found) == text
        assert max(len(part) for part, *_ in found) <= limit + 1
        assert all(spoken == language for _, said, spoken in found if said)
    assert [spoken for *_, spoken in neural.parts("Hello there. 我们今天去公园。 Python 写程序。", "en", 99)] == ["en", "zh", "zh"]


def test_no_word_that_is_said_reaches_the_log(xtts, someone, caplog):
    caplog.set_level(logging.DEBUG)
    next(xtts.speak("Zanzibar ütterly.", someone, CALM, "en"))
    assert "anzibar" not in caplog.text.lower()


# --- recordings that are no sample

def test_recordings_that_no_voice_can_be_taken_from_are_refused(tmp_path):
    rng = np.random.default_rng(0)
    at = np.arange(8 * RATE) / RATE
    chords = sum(np.sin(2 * np.pi * f * at) * 0.06 for f in (220, 277.2, 329.6, 440)) * (np.sin(2 * np.pi * 2 * at) > 0)
    for bad in (wav(np.zeros(5 * RATE)), wav(rng.standard_normal(5 * RATE) * 0.1), wav(chords), wav(spoken(1.0)), wav(spoken(2.0)), b"", b"RIFF" * 50):
        with pytest.raises(Refused) as told:
            cloned.speech(bad)
        assert told.value.zh


def test_of_ten_minutes_half_a_minute_of_speech_is_heard():
    long = np.tile(np.concatenate([spoken(9.0), np.zeros(RATE)]), 60)
    heard = cloned.speech(wav(long[::3], RATE // 3))
    assert 25 * RATE < len(heard) <= 30.5 * RATE and heard.std() > 0.01


def test_a_twin_without_a_recording_is_told_so(xtts, tmp_path):
    for voice in (Voice(), Voice(folder=str(tmp_path)), Voice(name="ready/alba"), Voice(weights=b""), Voice(weights=b"a voice of another kind")):
        with pytest.raises(Missing) as told:
            next(xtts.speak(TEXT, voice, CALM, "en"))
        assert told.value.code == "no-sample" and told.value.zh


# --- folders that are no model

def test_weights_that_are_half_here_or_of_another_kind_are_refused(xtts_folder, tmp_path):
    import shutil

    import torch
    from safetensors.torch import load_file, save_file

    from twin.speak.coqui import Vits, Xtts

    def copied(name: str) -> Path:
        return Path(shutil.copytree(xtts_folder, tmp_path / name))

    with pytest.raises(Missing):
        Xtts()
    with pytest.raises(Missing):
        Xtts(tmp_path / "nowhere")
    for name in ("config.json", "vocab.json", "model.safetensors"):
        (lacking := copied("no-" + name)).joinpath(name).unlink()
        with pytest.raises(Missing, match=name if name != "model.safetensors" else "no weights"):
            Xtts(lacking)
    half = copied("half")
    (half / "model.safetensors").write_bytes((xtts_folder / "model.safetensors").read_bytes()[:-5000])
    with pytest.raises(Refused, match="damaged or half here"):
        Xtts(half)
    with pytest.raises(Refused, match="xtts, not VITS"):
        Vits(xtts_folder)
    alien = copied("alien")
    save_file({"weight": torch.zeros(3)}, str(alien / "model.safetensors"))
    with pytest.raises(Refused, match="another model"):
        Xtts(alien)
    held = load_file(str(xtts_folder / "model.safetensors"))
    other = copied("other")
    save_file({**held, "gpt.text_embedding.weight": torch.zeros(4, 4)}, str(other / "model.safetensors"))
    with pytest.raises(Refused, match="other shapes"):
        Xtts(other)
    none = copied("none")
    save_file({**held, "gpt.final_norm.weight": torch.full((32,), float("nan"))}, str(none / "model.safetensors"))
    with pytest.raises(Refused, match="numbers that are none"):
        Xtts(none)


class Evil:
    def __reduce__(self):
        return (Path.touch, (Path(__file__).with_name("was-run"),))


def test_a_pickle_is_opened_only_where_it_is_known_and_never_run(xtts_folder, tmp_path):
    import shutil

    import torch
    from safetensors.torch import load_file

    from twin.speak.coqui import Xtts
    stranger = Path(shutil.copytree(xtts_folder, tmp_path / "some-voice"))
    held = load_file(str(stranger / "model.safetensors"))
    (stranger / "model.safetensors").unlink()
    torch.save({"model": held}, stranger / "model.pth")
    with pytest.raises(Refused, match="is a pickle") as told:
        Xtts(stranger)
    assert told.value.code == "pickle"
    known = stranger.rename(tmp_path / "tts-hub--XTTS-v2")
    assert Xtts(known).languages == ("en", "de", "zh")
    cached = tmp_path / "models--coqui--XTTS-v2" / "snapshots" / "abc"
    shutil.copytree(known, cached)
    assert neural.repository(cached) == "coqui/XTTS-v2" and Xtts(cached)
    with (known / "model.pth").open("wb") as file:
        pickle.dump({"model": Evil()}, file)
    with pytest.raises(Refused, match="damaged"):
        Xtts(known)
    torch.save({"model": held, "more": Evil()}, known / "model.pth")
    with pytest.raises(Refused):
        Xtts(known)
    torch.save({"model": held}, known / "model.pth")
    (known / "model.pth").write_bytes((known / "model.pth").read_bytes()[:100_000])
    with pytest.raises(Refused):
        Xtts(known)
    assert not Path(__file__).with_name("was-run").exists()


# --- VITS

def test_vits_speaks_letters_and_phonemes(tmp_path):
    from twin.speak.coqui import Phonemes, Vits
    for phonemes in (False, True):
        voice = Vits(vits_folder(tmp_path / f"vits-{phonemes}", phonemes))
        right(list(voice.speak(TEXT + " How are you? 😀", Voice(volume=0.8), CALM, "en-GB")), TEXT + " How are you? 😀")
        with pytest.raises(Refused, match="does not speak 'zh'"):
            next(voice.speak("你好。", Voice(), CALM, "zh"))
    said = Phonemes("en-us").phonemize("Hello there, my dear friend. How are you?")
    assert "," in said and said.endswith("?") and "ˈ" in said and "frˈɛnd" in said.replace("ɹ", "r")
    slow, fast = (sum(len(chunk) for chunk in voice._sentence("hello my friend " * 4, Voice(rate=rate), CALM)) for rate in (0.6, 1.8))
    assert fast < 0.7 * slow


def test_vits_of_many_speakers_reads_names_but_no_pickle(tmp_path):
    import torch
    from safetensors.torch import load_file, save_file

    from twin.speak.coqui import Vits
    folder = vits_folder(tmp_path / "vits")
    told = json.loads((folder / "config.json").read_text())
    for bad in ({"characters": {"characters_class": "os.system"}}, {"model_args": told["model_args"] | {"use_d_vector_file": True}}):
        (folder / "config.json").write_text(json.dumps(told | bad))
        with pytest.raises(Refused):
            Vits(folder)
    told["model_args"] |= {"use_speaker_embedding": True, "num_speakers": 2, "speaker_embedding_channels": 8, "speakers_file": "/elsewhere/speakers.pth"}
    (folder / "config.json").write_text(json.dumps(told))
    torch.save({}, folder / "speakers.pth")
    with pytest.raises(Refused, match="pickle"):
        Vits(folder)
    (folder / "speakers.json").write_text(json.dumps({"b": 1, "a": 0}))
    from TTS.tts.configs.vits_config import VitsConfig
    from TTS.tts.models.vits import Vits as Model
    config = VitsConfig()
    config.load_json(str(folder / "config.json"))
    config.speakers = ["a", "b"]
    model = Model(config)
    save_file({**tensors(model), **{name: value for name, value in load_file(str(folder / "model.safetensors")).items()
                                    if name in model.state_dict() and value.shape == model.state_dict()[name].shape}}, str(folder / "model.safetensors"))
    voice = Vits(folder)
    assert voice.speakers == {"a": 0, "b": 1} or voice.speakers == {"b": 1, "a": 0}
    right(list(voice.speak(TEXT, Voice(name="b"), CALM, "en")), TEXT)


# --- conversion

def test_the_embedded_voice_in_a_persons_timbre_keeps_its_marks(tmp_path):
    from twin.speak.converted import Converted
    made = Converted(openvoice_folder(tmp_path / "myshell-ai--OpenVoiceV2"))
    voice = person(tmp_path / "voice", variant="f3")
    text = TEXT + " And here is another sentence, with a clause in it! 😀"
    pieces, plain = list(made.speak(text, voice, CALM, "en")), list(Espeak().speak(text, Voice(), CALM, "en"))
    right(pieces, text)
    assert all(piece.marks for piece in pieces if piece.audio) and len(pieces) == len(plain)
    numbers, _ = cloned.load((tmp_path / "voice" / "openvoice.safetensors").read_bytes(), "openvoice")
    assert numbers["speaker"].shape == (1, 32, 1) and 150 < numbers["f0"][0] < 320
    whole, jump = sound(pieces), 0.0
    at = 0
    for piece in pieces[:-1]:
        if piece.audio:
            at += len(piece.audio.samples)
            jump = max(jump, float(np.abs(whole[at: at + 1] - whole[at - 1: at]).max(initial=0)))
    assert jump <= np.abs(np.diff(whole)).max()
    speaking = made.speak(text, voice, CALM, "en")
    next(speaking)
    speaking.close()
    assert next(speaking, None) is None


def test_conversion_refuses_strangers_pickles(tmp_path):
    from twin.speak.converted import Converted
    with pytest.raises(Refused, match="pickle"):
        Converted(openvoice_folder(tmp_path / "someone--OpenVoiceV2"))
    with pytest.raises(Missing):
        Converted(tmp_path / "nothing")
    (tmp_path / "text").mkdir()
    (tmp_path / "text" / "config.json").write_text('{"model_type": "qwen3"}')
    with pytest.raises(Refused, match="voice conversion"):
        Converted(tmp_path / "text")


def tiny_wavlm(folder: Path, width: int = 32) -> None:
    from safetensors.torch import save_file
    from TTS.vc.layers.freevc.wavlm.wavlm import WavLM, WavLMConfig

    from twin.speak.converted import LARGE
    sizes = {"encoder_layers": 2, "encoder_embed_dim": width, "encoder_ffn_embed_dim": 32, "encoder_attention_heads": 2,
             "conv_feature_layers": "[(16,10,5)] + [(16,3,2)] * 4 + [(16,2,2)] * 2"}
    (folder / "wavlm").mkdir(parents=True)
    (folder / "wavlm" / "config.json").write_text(json.dumps(sizes))
    save_file(tensors(WavLM(WavLMConfig({**LARGE, **sizes}))), str(folder / "wavlm" / "model.safetensors"))


def test_freevc_and_knnvc_convert_with_a_wavlm_that_lies_beside_them(tmp_path):
    import torch
    from safetensors.torch import save_file
    from TTS.vc.configs.freevc_config import FreeVCArgs, FreeVCConfig
    from TTS.vc.configs.knnvc_config import KNNVCArgs, KNNVCConfig
    from TTS.vc.models import freevc
    from TTS.vocoder.configs import HifiganConfig
    from TTS.vocoder.models.hifigan_generator import HifiganGenerator

    from twin.speak import converted
    torch.manual_seed(0)
    free, near = tmp_path / "freevc", tmp_path / "knnvc"
    for folder in (free, near):
        tiny_wavlm(folder)
    config = FreeVCConfig(model_args=FreeVCArgs(inter_channels=16, hidden_channels=16, upsample_initial_channel=32, gin_channels=16, ssl_dim=32, use_spk=False))
    config.save_json(str(free / "config.json"))
    heard, own = converted.wavlm(free), freevc.get_wavlm
    freevc.get_wavlm = lambda: heard                     # the package would fetch 1.2 GB
    try:
        model = freevc.FreeVC(config)
    finally:
        freevc.get_wavlm = own
    save_file({name: value for name, value in tensors(model).items() if not name.startswith("wavlm.")}, str(free / "model.safetensors"))
    KNNVCConfig(model_args=KNNVCArgs(ssl_dim=32), wavlm_layer=2).save_json(str(near / "config.json"))
    (near / "vocoder").mkdir()
    sounds = HifiganConfig()
    sounds.audio.sample_rate = 16_000
    sounds.generator_model_params |= {"upsample_factors": [10, 8, 2, 2], "upsample_kernel_sizes": [20, 16, 4, 4], "upsample_initial_channel": 32,
                                      "resblock_kernel_sizes": [3], "resblock_dilation_sizes": [[1, 3, 5]], "resblock_type": "1"}
    sounds.save_json(str(near / "vocoder" / "config.json"))
    asked = sounds.generator_model_params
    save_file(tensors(HifiganGenerator(32, 1, "1", asked["resblock_dilation_sizes"], asked["resblock_kernel_sizes"], asked["upsample_kernel_sizes"], 32,
                                       asked["upsample_factors"], inference_padding=0)), str(near / "vocoder" / "model.safetensors"))
    for folder in (free, near):
        right(list(converted.Converted(folder).speak(TEXT, person(folder / "voice", 5.0), CALM, "en")), TEXT)
        assert (folder / "voice" / f"{folder.name}.safetensors").is_file()
    evil = json.loads((free / "wavlm" / "config.json").read_text()) | {"conv_feature_layers": "__import__('os').system('true')"}
    (free / "wavlm" / "config.json").write_text(json.dumps(evil))
    with pytest.raises(Refused):
        converted.Converted(free)


# --- in the registry: who speaks, and who goes on

@pytest.fixture
def registry(tmp_path, monkeypatch):
    from twin.registry import Registry
    from twin.settings import Settings
    monkeypatch.setenv("TWIN_CACHE", str(tmp_path / "cache"))
    made = []

    def make(**settings):
        made.append(Registry(Settings(data=str(tmp_path / "data"), **settings)))
        return made[-1]
    yield make
    for one in made:
        one.close()


async def said(registry, text: str, voice: Voice, language: str = "en") -> list[Speech]:
    async with aclosing(registry.crew().speak.stream(text, voice, CALM, language)) as pieces:
        return [piece async for piece in pieces]


async def test_memory_that_runs_out_in_mid_sentence_lets_the_next_voice_finish_it(registry, xtts_folder, someone, caplog):
    import torch
    crew, voice, calls = registry(speak=str(xtts_folder)), someone, []
    text = "We were away a year ago, and now we may all begin again with a little boat. And then we eat."

    def hungry(*_):
        calls.append(1)
        if len(calls) > 1:
            torch.empty(1 << 52)
    backend = await crew.crew().speak.ready()
    backend.model.hifigan_decoder.register_forward_pre_hook(hungry)
    pieces = await said(crew, text, voice)
    assert "".join(piece.text for piece in pieces) == text, "every word is shown once"
    first = next(index for index, piece in enumerate(pieces) if piece.marks)
    assert first and all(piece.marks for piece in pieces[first:]) and not any(piece.marks for piece in pieces[:first])
    spoken_alone = sum(piece.audio.seconds for piece in Espeak().speak(text, Voice(), CALM, "en"))
    rest = sum(piece.audio.seconds for piece in pieces[first:])
    assert 0.7 * spoken_alone < rest < spoken_alone, "from about where it broke off, not from the beginning"
    warned = [record.message for record in caplog.records if record.levelname == "WARNING" and record.name == "twin.registry"]
    assert len(warned) == 1 and "xtts failed, timbre goes on: XTTS ran out of memory" in warned[0]
    before = len(calls)
    again = await said(crew, "Again.", voice)
    assert len(calls) == before and all(piece.marks for piece in again if piece.audio), "it isn't tried again at once"


def test_what_is_left_of_a_part_is_told_by_how_long_it_sounded():
    from twin.registry import Said
    broken, late, other = TwinError("x"), TwinError("x"), TwinError("x", code="stuck")
    broken.midway = True
    for text, seconds, left, shown in (
            ("One two three four five. And then we eat.", 1.0, "three four five. And then we eat.", 16), ("One. Two.", 9.0, " Two.", 0),
            ("我们今天去公园看花，你也来吧。", 2.0, "园看花，你也来吧。", 9), ("One two.", 0.0, "", 0)):
        first = len(text) if "O" not in text or "two" in text and len(text) < 20 else text.index(".") + 1
        said = Said(text)
        said.add(Speech(text[:first], Audio(np.zeros(round(seconds * RATE), np.float32))))
        assert said.rest(late) == (text[first:], 0), "between two parts nothing is said twice"
        if seconds:
            assert said.rest(broken) == said.rest(other) == (left, shown)


async def test_a_language_that_a_voice_lacks_is_said_by_another_which_is_named_once(registry, xtts_folder, someone, caplog):
    crew, voice = registry(speak=str(xtts_folder)), someone
    for _ in range(3):
        pieces = await said(crew, "Hyvää päivää!", voice, "fi")
        assert all(piece.marks for piece in pieces) and "".join(piece.text for piece in pieces) == "Hyvää päivää!"
    warned = [record.message for record in caplog.records if record.name == "twin.registry" and "xtts failed, timbre goes on" in record.message]
    assert len(warned) == 1 and "does not speak 'fi'" in warned[0]
    assert not any(piece.marks for piece in await said(crew, "Well.", voice)), "in English it is theirs again"


async def test_the_voice_of_the_settings_speaks_as_who_it_can_be(registry, xtts_folder, tmp_path):
    crew = registry(speak=str(xtts_folder))
    assert crew.engines["speak"].backend.name == "xtts" and crew.engines["speak"].why == "a folder named in the settings"
    voices = crew.crew().speak
    assert voices._order(Voice("timbre", folder="/x")) == ["xtts", "timbre", "espeak"]
    assert voices._order(Voice("timbre", name="ready/alba")) == ["timbre", "xtts", "espeak"]
    assert voices._order(Voice()) == ["espeak", "xtts"]
    vits = registry(speak=str(vits_folder(tmp_path / "vits"))).crew().speak
    assert vits._order(Voice()) == ["vits", "espeak"] and vits._order(Voice("timbre", folder="/x")) == ["timbre", "vits", "espeak"]
    assert registry().crew().speak._order(Voice("timbre", folder="/x")) == ["timbre", "espeak"]
    assert registry(speak="tts-hub/XTTS-v2").engines["speak"].backend.name == "espeak", "what is not here is not waited for"
    (tmp_path / "no voice").mkdir()
    with pytest.raises(Refused, match="no model of a voice"):
        registry(speak=str(tmp_path / "no voice"))


async def test_a_model_that_was_fetched_is_found_and_one_that_is_half_here_is_passed_over(registry, xtts_folder, tmp_path, someone):
    import shutil
    place = tmp_path / "cache" / "models" / "tts-hub--XTTS-v2"
    shutil.copytree(xtts_folder, place)
    crew, voice = registry(speak="xtts"), someone
    assert crew.engines["speak"].model == str(place)
    assert not any(piece.marks for piece in await said(crew, "Well.", voice))
    (place / "model.safetensors").write_bytes((place / "model.safetensors").read_bytes()[:9000])
    late = registry()
    pieces = await said(late, "Well. And so.", replace(voice, backend="xtts"))
    assert all(piece.marks for piece in pieces) and "".join(piece.text for piece in pieces) == "Well. And so."


async def test_cancelling_a_turn_closes_the_model(registry, xtts_folder, someone):
    crew, voice = registry(speak=str(xtts_folder)), someone
    backend, steps = await crew.crew().speak.ready(), []
    backend.model.hifigan_decoder.register_forward_hook(lambda *_: steps.append(1))

    async def talk():
        async with aclosing(crew.crew().speak.stream(TEXT * 9, voice, CALM, "en")) as pieces:
            async for _ in pieces:
                pass
    task = asyncio.create_task(talk())
    while not steps:
        await asyncio.sleep(0.02)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    await asyncio.sleep(0.5)
    made = len(steps)
    await asyncio.sleep(1.0)
    assert len(steps) <= made + 1 < 9


def test_the_contract_of_the_rows(xtts, someone, tmp_path):
    """transformers' own is in test_native.py."""
    from twin.registry import BACKENDS
    from twin.speak.converted import Converted
    from twin.speak.coqui import Vits
    from twin.speak.timbre import Timbre, ready
    made = {"espeak": (Espeak(), Voice()), "timbre": (Timbre(), Voice("timbre", name=ready()[0]["name"])), "xtts": (xtts, someone),
            "vits": (Vits(vits_folder(tmp_path / "vits")), Voice()), "converted": (Converted(openvoice_folder(tmp_path / "myshell-ai--OpenVoiceV2")), someone)}
    assert {one.name for one in BACKENDS if one.task == "speak"} == {*made, "transformers"}
    for backend, voice in made.values():
        contract(backend, voice)


def test_every_voice_row_says_what_it_needs_and_the_catalogue_knows_its_pickles():
    from twin.catalogue import CATALOGUE
    from twin.registry import BACKENDS, row
    for one in (row_ for row_ in BACKENDS if row_.task == "speak"):
        module, _, name = one.where.partition(":")
        assert one.licence and one.blurb and not one.missing and name in vars(__import__(module, fromlist=[name]))
    for model in CATALOGUE:
        if model.task == "speak":
            assert row("speak", model.backend) and model.steps
            assert all((model.repo, file) in neural.UPSTREAM for file in model.files if file.endswith(neural.PICKLES))
    assert not next(model for model in CATALOGUE if "XTTS" in model.id).commercial
