"""Voices of transformers: the real classes with tiny random weights, saved as a downloaded model lies on the disk and read again by the same way."""
from __future__ import annotations

import gc
import json
import shutil
import threading
from pathlib import Path

import numpy as np
import pytest
from test_coqui import contract, person, right, sound

from twin.errors import Missing, Refused, TwinError
from twin.speak import cloned, native
from twin.speak.native import Native
from twin.types import RATE, Mood, Voice

TEXT = "Hello there, my friend."
CALM = Mood()
LETTERS = list("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ.,!?' :")
POCKET = ("{% for m in messages %}{% for c in m.content %}{% if c.type == 'audio' %}<vbos><voice>{% endif %}{% endfor %}"
          "{% for c in m.content %}{% if c.type == 'text' %}{{ c.text }}{% endif %}{% endfor %}{% endfor %}<abos>")
VIBE = ("{% for m in messages %}{% for c in m.content %}{% if c.type == 'audio' %}<|vision_start|><|vision_pad|><|vision_end|>{% endif %}{% endfor %}"
        "{% for c in m.content %}{% if c.type == 'text' %}Speaker {{ m.role }}: {{ c.text }}{% endif %}{% endfor %}{% endfor %}<|vision_start|>")


def words(special: list[str], **names):
    from tokenizers import Tokenizer, models
    from transformers import PreTrainedTokenizerFast
    found = Tokenizer(models.BPE({token: index for index, token in enumerate(special + LETTERS)}, [], unk_token="<unk>"))
    return PreTrainedTokenizerFast(tokenizer_object=found, unk_token="<unk>", **names)


def random(model):
    """Of a size that is heard: as they are made, such models whisper."""
    import torch
    with torch.no_grad():
        for value in model.parameters():
            value.mul_(3 if value.ndim > 1 else 1)
    return model


@pytest.fixture(scope="module")
def pocket_folder(tmp_path_factory) -> Path:
    """As the library saves it; its codec in a folder beside it, which the processor names."""
    import torch
    from transformers import (
        PocketTTSAudioTokenizerConfig,
        PocketTTSAudioTokenizerModel,
        PocketTTSConfig,
        PocketTTSFeatureExtractor,
        PocketTTSForConditionalGeneration,
        PocketTTSProcessor,
    )
    torch.set_num_threads(1)
    torch.manual_seed(0)
    root = tmp_path_factory.mktemp("models")
    folder, beside = root / "eustlb--pocket-tts", root / "eustlb--pocket-tts-audio-tokenizer"
    special = ["<unk>", "<pad>", "<voice>", "<latent>", "<vbos>", "<abos>"]
    tokens = words(special, pad_token="<pad>", extra_special_tokens={
        "audio_prompt_token": "<voice>", "audio_latent_token": "<latent>", "audio_prompt_bos_token": "<vbos>", "audio_bos_token": "<abos>"})
    codec = random(PocketTTSAudioTokenizerModel(PocketTTSAudioTokenizerConfig(
        hidden_size=16, num_filters=4, upsample_groups=16, num_hidden_layers=2, intermediate_size=32, num_attention_heads=2, num_key_value_heads=2, latent_dim=8)))
    codec.save_pretrained(beside)
    model = PocketTTSForConditionalGeneration(PocketTTSConfig(
        vocab_size=len(special + LETTERS), hidden_size=32, num_hidden_layers=2, num_attention_heads=2, intermediate_size=64, latent_dim=8, pad_token_id=1,
        audio_prompt_token_id=2, audio_latent_token_id=3, audio_prompt_bos_token_id=4, audio_bos_token_id=5,
        flow_head_config={"hidden_size": 16, "num_hidden_layers": 2, "latent_dim": 8, "condition_dim": 32}))
    with torch.no_grad():
        model.eos_head.bias.fill_(-1e4)                  # it never ends by itself: each part is as long as it may be
    model.generation_config.do_sample, model.generation_config.temperature = True, 0.7
    model.save_pretrained(folder)
    PocketTTSProcessor(PocketTTSFeatureExtractor(), tokens, audio_tokenizer=codec, chat_template=POCKET).save_pretrained(folder)
    told = json.loads((folder / "processor_config.json").read_text())
    told["audio_tokenizer"]["audio_tokenizer_name_or_path"] = "eustlb/pocket-tts-audio-tokenizer"
    (folder / "processor_config.json").write_text(json.dumps(told))
    return folder


@pytest.fixture(scope="module")
def pocket(pocket_folder) -> Native:
    return Native(pocket_folder)


@pytest.fixture(scope="module")
def vibe_folder(tmp_path_factory) -> Path:
    import torch
    from transformers import VibeVoiceAcousticTokenizerFeatureExtractor, VibeVoiceConfig, VibeVoiceForConditionalGeneration, VibeVoiceProcessor
    torch.set_num_threads(1)
    torch.manual_seed(0)
    folder = tmp_path_factory.mktemp("vibe")
    special = ["<|vision_pad|>", "<eos>", "<|vision_start|>", "<|vision_end|>", "<unk>"]
    tokens = words(special, eos_token="<eos>", pad_token="<eos>", additional_special_tokens=[special[0], *special[2:4]])
    VibeVoiceProcessor(VibeVoiceAcousticTokenizerFeatureExtractor(), tokens, chat_template=VIBE).save_pretrained(folder)
    sizes = {"num_filters": 2, "hidden_size": 8, "depths": [1] * 7, "downsampling_ratios": [2, 2, 4, 5, 5, 8]}
    model = random(VibeVoiceForConditionalGeneration(VibeVoiceConfig(
        text_config={"model_type": "qwen2", "vocab_size": len(special + LETTERS), "hidden_size": 32, "intermediate_size": 32, "num_hidden_layers": 2,
                     "num_attention_heads": 2, "num_key_value_heads": 2, "bos_token_id": 1, "eos_token_id": 1},
        diffusion_head_config={"intermediate_size": 32, "num_hidden_layers": 1, "frequency_embedding_size": 16},
        audio_config={"model_type": "vibevoice_acoustic_tokenizer", **sizes},
        semantic_model_config={"model_type": "vibevoice_acoustic_tokenizer_encoder", **sizes},
        pad_token_id=1, eos_token_id=1, audio_bos_token_id=2, audio_eos_token_id=3, audio_token_id=0)))
    with torch.no_grad():
        model.lm_head.weight.zero_()                     # of equals the first is taken: sound, until it may no longer
        model.model.audio_tower.decoder.head.conv.weight.mul_(1e4)
    model.save_pretrained(folder)
    return folder


# --- PocketTTS

def test_pocket_clones_streams_and_keeps_what_it_learned(pocket, pocket_folder, tmp_path):
    voice = person(tmp_path / "voice")
    pieces = list(pocket.speak(TEXT + " 😀", voice, CALM, "en-GB"))
    right(pieces, TEXT + " 😀")
    numbers, about = cloned.load((tmp_path / "voice" / "pocket.safetensors").read_bytes(), "pocket")
    assert numbers["latents"].shape[1] == 8 and 60 < len(numbers["latents"]) < 120, "8 s of 12.5 frames"
    other = Native(pocket_folder)
    other.model.clones.make = lambda heard: pytest.fail("computed once")
    np.testing.assert_array_equal(other.model.clones.of(voice)["latents"], numbers["latents"])
    assert pieces[1].before is not None and len(pieces[1].before) == len(pieces[0].audio.samples) and pieces[0].after is not None


def test_the_contract_of_the_row(pocket, tmp_path):
    contract(pocket, person(tmp_path / "voice", 5.0))


def test_pocket_in_chunks_is_pocket_at_once(pocket):
    import torch
    latents = [torch.randn(1, 1, 8) for _ in range(90)]
    whole, done, parts = pocket.model._sound(latents, 0), 0, []
    for count in (5, 17, 42, 67, 90):
        parts.append(pocket.model._sound(latents[:count], done))
        done = count
    np.testing.assert_allclose(np.concatenate(parts), whole, atol=1e-4 * np.abs(whole).max())


def test_pocket_follows_the_library_frame_by_frame(pocket):
    """Without noise our loop gives the very latents of the library's own `generate`, its end included."""
    import torch
    model, processor = pocket.model.model, pocket.model.processor
    given = processor(text=[pocket.model._prompt("Well now, my friend, so it is")], audio_prompt_latents=[torch.randn(20, 8)], return_tensors="pt")
    noise, pocket.model.noise = pocket.model.noise, 0.0
    bias = model.eos_head.bias.detach().clone()
    try:
        with torch.no_grad():
            expected = model.generate(**given, do_sample=False, max_new_tokens=12)[0]
            steps = pocket.model._latents(given)
            ours = torch.cat([next(steps)[0][0] for _ in range(12)])
            np.testing.assert_allclose(ours.numpy(), expected.numpy(), atol=1e-4)
            model.eos_head.bias.fill_(1e4)
            ended = model.generate(**given, do_sample=False)[0]
        assert sum(len(chunk) for chunk in pocket.model.chunks("Well now, my friend, so it is", {"latents": np.zeros((20, 8), np.float32)}, 1.0)) == 1920 * len(ended)
    finally:
        pocket.model.noise = noise
        with torch.no_grad():
            model.eos_head.bias.copy_(bias)


def test_closing_stops_between_two_frames(pocket, tmp_path):
    voice, steps = person(tmp_path / "voice"), []
    hook = pocket.model.model.register_forward_hook(lambda *_: steps.append(1))
    try:
        speaking = pocket.speak(TEXT * 6, voice, CALM, "en")
        next(speaking)
        made = len(steps)
        speaking.close()
        gc.collect()
        assert next(speaking, None) is None and len(steps) == made <= 20
    finally:
        hook.remove()


def test_what_pocket_refuses(pocket, tmp_path):
    import torch
    voice = person(tmp_path / "voice")
    with pytest.raises(Refused, match="Pocket TTS does not speak 'zh-CN'"):
        next(pocket.speak("你好。", voice, CALM, "zh-CN"))
    with pytest.raises(Missing, match="no recording"):
        next(pocket.speak(TEXT, Voice(), CALM, "en"))
    assert [piece.audio for piece in pocket.speak("...!? 😀", voice, CALM, "en")] == [None] * len(list(pocket.speak("...!? 😀", voice, CALM, "en")))

    def hungry(*_):
        torch.empty(1 << 52)
    hook = pocket.model.codec.decoder.register_forward_pre_hook(hungry)
    try:
        with pytest.raises(TwinError, match="ran out of memory") as told:
            next(pocket.speak(TEXT, voice, CALM, "en"))
        assert told.value.code == "memory" and told.value.zh
    finally:
        hook.remove()


def test_folders_that_are_no_voice(pocket_folder, tmp_path):
    import torch
    from safetensors.torch import load_file, save_file
    with pytest.raises(Missing):
        Native()
    alone = Path(shutil.copytree(pocket_folder, tmp_path / "alone--pocket"))
    with pytest.raises(Missing, match="codec"):
        Native(alone)
    shutil.copytree(native.codec_of(pocket_folder), alone / "audio_tokenizer")
    assert Native(alone, language="de").languages == ("de",)
    held = load_file(str(alone / "model.safetensors"))
    (alone / "model.safetensors").write_bytes((pocket_folder / "model.safetensors").read_bytes()[:-500])
    with pytest.raises(Refused, match="damaged or half here"):
        Native(alone)
    save_file({name: value for name, value in held.items() if "layers.1" not in name}, str(alone / "model.safetensors"), metadata={"format": "pt"})
    with pytest.raises(Refused, match="weights are missing"):
        Native(alone)
    save_file(held | {"eos_head.weight": torch.full((1, 32), float("inf"))}, str(alone / "model.safetensors"), metadata={"format": "pt"})
    with pytest.raises(Refused, match="numbers that are none"):
        Native(alone)
    (alone / "model.safetensors").unlink()
    torch.save(held, alone / "pytorch_model.bin")
    with pytest.raises(Refused, match="is a pickle"):
        Native(alone)
    for told in ('{"model_type": "qwen3"}', "{}", '{"model_type": "vits", "auto_map": {"AutoModel": "evil.Model"}}', "{"):
        (alone / "config.json").write_text(told)
        with pytest.raises((Refused, Missing)):
            Native(alone)


# --- VibeVoice

def test_vibevoice_streams_from_a_thread_that_ends_with_it(vibe_folder, tmp_path):
    made = Native(vibe_folder)
    voice, text = person(tmp_path / "voice", 5.0), "Hello there, so it is."
    pieces = list(made.speak(text, voice, CALM, "en"))
    right(pieces, text)
    assert len(pieces) > 2 and made.languages == ("en", "zh")
    numbers, _ = cloned.load((tmp_path / "voice" / "vibevoice.safetensors").read_bytes(), "vibevoice")
    assert 3 * RATE < len(numbers["sound"]) <= native.HEARD * RATE
    steps = []
    hook = made.model.model.register_forward_hook(lambda *_: steps.append(1))
    speaking = made.speak(text * 5, voice, CALM, "en")
    next(speaking)
    assert "voice" in {thread.name for thread in threading.enumerate()}
    speaking.close()
    assert "voice" not in {thread.name for thread in threading.enumerate()}
    count = len(steps)
    hook.remove()
    assert count < 60 and not made.model.model.model.audio_tower.decoder._forward_hooks
    with pytest.raises(Refused, match="VibeVoice does not speak 'de'"):
        next(made.speak("Guten Tag.", voice, CALM, "de"))


def test_what_fails_in_the_thread_is_raised_to_the_reader():
    import torch
    part = torch.nn.Identity()

    def run():
        part(torch.zeros(3))
        raise ValueError("no")
    heard = native.beside(run, part, lambda out: out)
    assert len(next(heard)) == 3
    with pytest.raises(ValueError, match="no"):
        next(heard)
    assert not part._forward_hooks


# --- MMS

def test_mms_speaks_its_one_language(tmp_path):
    import torch
    from transformers import VitsConfig, VitsModel, VitsTokenizer
    torch.manual_seed(0)
    folder = tmp_path / "facebook--mms-tts-eng"
    folder.mkdir()
    letters = ["<pad>", *"abcdefghijklmnopqrstuvwxyz', "]
    (folder / "vocab.json").write_text(json.dumps({letter: index for index, letter in enumerate(letters)}))
    VitsTokenizer(str(folder / "vocab.json"), language="eng", phonemize=False, is_uroman=False).save_pretrained(folder)
    random(VitsModel(VitsConfig(
        vocab_size=len(letters), hidden_size=16, num_hidden_layers=1, num_attention_heads=2, ffn_dim=16, flow_size=16, spectrogram_bins=9, prior_encoder_num_wavenet_layers=1,
        posterior_encoder_num_wavenet_layers=1, upsample_initial_channel=32, duration_predictor_num_flows=1, duration_predictor_flow_bins=4, wavenet_dilation_rate=1,
        depth_separable_num_layers=1, prior_encoder_num_flows=2, resblock_kernel_sizes=[3], resblock_dilation_sizes=[[1, 3, 5]]))).save_pretrained(folder)
    made = Native(folder)
    assert made.languages == ("en",) and made.model.rate == 16_000
    pieces = list(made.speak(TEXT, Voice(), CALM, "en"))
    right(pieces, TEXT)
    assert sound(pieces).std() > 1e-4
    with pytest.raises(Refused, match="does not speak 'zh'"):
        next(made.speak("你好。", Voice(), CALM, "zh"))
