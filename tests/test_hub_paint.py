"""Pipelines of the hub as an engine: tiny ones of diffusers' real classes with random weights, made here, saved, and loaded through Hub."""
from __future__ import annotations

import json
import shutil
import struct
import threading
import time
from pathlib import Path

import numpy as np
import pytest

from twin.errors import Missing, Refused, TwinError
from twin.paint import attributes, hub
from twin.paint.hub import Hub

torch = pytest.importorskip("torch")
diffusers = pytest.importorskip("diffusers")
transformers = pytest.importorskip("transformers")
GIB = 1 << 30


@pytest.fixture(scope="module", autouse=True)
def one_thread():
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


def letters() -> dict[str, int]:
    """A vocabulary of bytes, as CLIP and Qwen write them."""
    from transformers.convert_slow_tokenizer import bytes_to_unicode
    signs = sorted(bytes_to_unicode().values())
    return {sign: number for number, sign in enumerate([*signs, *(sign + "</w>" for sign in signs), "<|startoftext|>", "<|endoftext|>", "<|im_start|>", "<|im_end|>"])}


def diffusion(folder: Path) -> Path:
    """A Stable Diffusion of some ten thousand weights."""
    from diffusers import AutoencoderKL, DDIMScheduler, StableDiffusionPipeline, UNet2DConditionModel
    from transformers import CLIPTextConfig, CLIPTextModel, CLIPTokenizer
    torch.manual_seed(0)
    vocab = letters()
    tokenizer = CLIPTokenizer(vocab=vocab, merges=[], model_max_length=77)
    text = CLIPTextModel(CLIPTextConfig(vocab_size=len(vocab), hidden_size=16, intermediate_size=16, num_hidden_layers=1, num_attention_heads=2,
                                        max_position_embeddings=77, bos_token_id=vocab["<|startoftext|>"], eos_token_id=vocab["<|endoftext|>"])).eval()
    unet = UNet2DConditionModel(sample_size=8, in_channels=4, out_channels=4, layers_per_block=1, block_out_channels=(8, 16), norm_num_groups=4,
                                down_block_types=("DownBlock2D", "CrossAttnDownBlock2D"), up_block_types=("CrossAttnUpBlock2D", "UpBlock2D"),
                                cross_attention_dim=16, attention_head_dim=2)
    vae = AutoencoderKL(block_out_channels=(8, 8), norm_num_groups=4, down_block_types=("DownEncoderBlock2D",) * 2, up_block_types=("UpDecoderBlock2D",) * 2)
    StableDiffusionPipeline(vae=vae, text_encoder=text, tokenizer=tokenizer, unet=unet, scheduler=DDIMScheduler(clip_sample=False, steps_offset=1), safety_checker=None,
                            feature_extractor=None, requires_safety_checker=False).save_pretrained(folder)
    return folder


def klein(folder: Path) -> Path:
    """A FLUX.2 klein of some ten thousand weights."""
    from diffusers import AutoencoderKLFlux2, FlowMatchEulerDiscreteScheduler, Flux2KleinPipeline, Flux2Transformer2DModel
    from transformers import Qwen2Tokenizer, Qwen3Config, Qwen3ForCausalLM
    torch.manual_seed(0)
    vocab = letters()
    tokenizer = Qwen2Tokenizer(vocab=vocab, merges=[], unk_token="<|endoftext|>", pad_token="<|endoftext|>", eos_token="<|im_end|>",
                               extra_special_tokens=["<|im_start|>"])
    tokenizer.chat_template = "{% for m in messages %}<|im_start|>{{ m['role'] }}\n{{ m['content'] }}<|im_end|>\n{% endfor %}<|im_start|>assistant\n"
    text = Qwen3ForCausalLM(Qwen3Config(vocab_size=len(vocab) + 8, hidden_size=16, intermediate_size=16, num_hidden_layers=28, num_attention_heads=2,
                                        num_key_value_heads=2, head_dim=8)).eval()
    body = Flux2Transformer2DModel(patch_size=1, in_channels=16, num_layers=1, num_single_layers=1, attention_head_dim=16, num_attention_heads=2,
                                   joint_attention_dim=48, timestep_guidance_channels=32, axes_dims_rope=(4, 4, 4, 4), guidance_embeds=False)
    vae = AutoencoderKLFlux2(sample_size=32, down_block_types=("DownEncoderBlock2D",) * 2, up_block_types=("UpDecoderBlock2D",) * 2,
                             block_out_channels=(8, 8), latent_channels=4, norm_num_groups=4)
    Flux2KleinPipeline(scheduler=FlowMatchEulerDiscreteScheduler(), vae=vae, text_encoder=text, tokenizer=tokenizer, transformer=body,
                       is_distilled=True).save_pretrained(folder)
    return folder


MADE = {"sd": diffusion, "klein": klein}
PX = {"sd": 32, "klein": 32}


@pytest.fixture(scope="module")
def folders(tmp_path_factory):
    return {name: make(tmp_path_factory.mktemp(name) / name) for name, make in MADE.items()}


@pytest.fixture(scope="module", params=MADE)
def engine(request, folders):
    return Hub(folders[request.param], px=PX[request.param], steps=3, say=lambda line: None)


def test_a_wish_becomes_faces_each_from_its_seed(engine):
    asked = {"gender": "woman", "age": 60.0, "hair": "bob"}
    four = list(engine.faces(asked, 5, 4))
    assert len(four) == 4 and all(one.picture.shape == (256, 256, 3) and one.picture.dtype == np.uint8 for one in four)
    again = next(engine.faces(asked, 5, 1))
    assert np.array_equal(four[0].picture, again.picture) and again.recipe == four[0].recipe
    assert json.loads(json.dumps(again.recipe)) == again.recipe
    assert "woman, 60 years old" in again.recipe["prompt"] and "bob" in again.recipe["prompt"] and "facing the camera" in again.recipe["prompt"]
    differences = [np.abs(one.picture.astype(int) - other.picture).mean() for one, other in zip(four, four[1:])]
    assert min(differences) > 1
    assert engine.portrait(four[1].recipe, engine.px).shape == (engine.px, engine.px, 3)
    large = engine.portrait(four[0].recipe, 256)
    assert np.array_equal(large, four[0].picture)


def test_more_like_one_and_on_the_way_between_two(engine):
    assert engine._shape(engine._pipe) is not None, "noise of ours can be laid out for it"
    one, other = engine.faces({}, 3, 2)
    near = list(engine.like(one.recipe, 1, 2))
    assert len(near) == 2 and not np.array_equal(near[0].picture, near[1].picture)
    assert np.array_equal(engine.portrait(near[0].recipe, 256), near[0].picture), "its recipe paints it again"
    assert np.array_equal(engine.between(one.recipe, other.recipe, 0.0).picture, one.picture)
    assert np.array_equal(engine.between(one.recipe, other.recipe, 1.0).picture, other.picture)
    assert not np.array_equal(engine.between(one.recipe, other.recipe, 0.4).picture, one.picture)


def test_noise_on_the_way_stays_unit_noise():
    a, b = [[1, 1.0]], [[2, 1.0]]
    for part in (0, 0.2, 0.5, 1):
        rows = hub._mixed(a, b, part)
        assert sum(weight ** 2 for _, weight in rows) == pytest.approx(1)
    assert hub._mixed(hub._mixed(a, b, 0.5), b, 1.0) == [[2, 1.0]]


def test_closing_and_stopping(engine):
    seen = []
    engine._each = lambda step, steps: seen.append((step, steps))
    faces = engine.faces({}, 1, 4)
    next(faces)
    assert seen and len(seen) <= 3
    faces.close()
    count = len(seen)
    assert next(faces, None) is None and len(seen) == count, "nothing is computed after it was closed"

    def halted(step, steps):
        seen.append((step, steps))
        if len(seen) == count + 1:
            threading.Thread(target=engine.stop).start()
            time.sleep(0.2)
    engine._each = halted
    assert list(engine.faces({}, 2, 4)) == [] and len(seen) == count + 1
    engine._each = lambda step, steps: None
    assert len(list(engine.faces({}, 2, 1))) == 1, "it goes on after it was stopped"


def test_more_strength_changes_more(folders):
    engine = Hub(folders["sd"], px=32, steps=6, say=lambda line: None)
    rng = np.random.default_rng(0)
    source = np.repeat(np.repeat(rng.integers(0, 255, (8, 8, 3), np.uint8), 4, 0), 4, 1)
    assert np.array_equal(engine.redrawn(source, "a painting", 0.0, 1), source)
    outs = {strength: engine.redrawn(source, "a painting", strength, 1) for strength in (0.1, 0.4, 0.9)}
    kept = engine.redrawn(source, "a painting", 0.1, 1)
    assert np.array_equal(kept, outs[0.1])
    # a random autoencoder gives back nothing of the picture, so what is compared is the distance to what it makes of the source itself
    vae = engine._pipe.vae
    with torch.inference_mode():
        flat = torch.from_numpy(source).permute(2, 0, 1)[None].float() / 127.5 - 1
        itself = ((vae.decode(vae.encode(flat).latent_dist.mode()).sample[0].permute(1, 2, 0).clamp(-1, 1) + 1) * 127.5).numpy()
    far = [np.abs(outs[strength] - itself).mean() for strength in outs]
    assert far[0] < far[1] < far[2], far
    assert len(list(engine.faces({}, 1, 1))) == 1, "words alone still do"


def test_a_pipeline_that_keeps_to_pictures_is_shown_them(folders):
    engine = Hub(folders["klein"], px=32, steps=2, say=lambda line: None)
    assert engine.keeps and engine.chinese
    rng = np.random.default_rng(0)
    source, other = (rng.integers(0, 255, (64, 64, 3), np.uint8) for _ in range(2))
    one, = engine.keeping([source], {}, 1, 1)
    two, = engine.keeping([source, other], {}, 1, 1)
    alone, = engine.faces({}, 1, 1)
    assert not np.array_equal(one.picture, alone.picture) and not np.array_equal(one.picture, two.picture)
    assert engine.redrawn(source, "a watercolour", 0.5, 1).shape == source.shape


def test_how_families_are_asked(folders):
    assert Hub(folders["klein"], px=32, say=lambda line: None).steps == 4
    for kind, name, steps, guidance in (("StableDiffusionXLPipeline", "stabilityai/sdxl-turbo", 4, 0.0), ("StableDiffusionPipeline", "stabilityai/sd-turbo", 4, 0.0),
                                        ("ZImagePipeline", "Tongyi-MAI/Z-Image-Turbo", 8, 0.0), ("FluxPipeline", "FLUX.1-schnell", 4, 0.0),
                                        ("FluxPipeline", "FLUX.1-dev", 28, 3.5), ("Flux2KleinPipeline", "FLUX.2-klein-4B", 4, 1.0),
                                        ("Flux2KleinPipeline", "FLUX.2-klein-base-4B", 50, 4.0), ("SanaSprintPipeline", "x", 2, 4.5), ("SanaPipeline", "x", 20, 4.5)):
        row = hub.habit(kind, name)
        assert (row.steps, row.guidance) == (steps, guidance), (kind, name)
    assert hub.habit("SomethingPipeline", "x") is None


def test_real_people_and_children_are_refused(engine):
    with pytest.raises(Refused, match="real person"):
        next(engine.faces({}, 1, 1, "looks like Taylor Swift"))
    with pytest.raises(Refused, match="adults"):
        next(engine.faces({}, 1, 1, "a little girl"))
    with pytest.raises(Refused, match="real person"):
        engine.portrait({"prompt": "portrait of Angela Merkel laughing", "noise": [[1, 1.0]]}, 64)


@pytest.mark.parametrize("recipe", [{}, [], {"prompt": "x"}, {"prompt": "x", "noise": []}, {"prompt": "x", "noise": [["1", 1]]}, {"prompt": "x", "noise": [[1, float("nan")]]},
                                    {"prompt": 3, "noise": [[1, 1.0]]}])
def test_a_recipe_that_is_none_is_refused(engine, recipe):
    with pytest.raises(Refused, match="invented face"):
        engine.portrait(recipe, 64)


def test_a_face_of_another_model_is_refused(engine):
    with pytest.raises(Refused, match="made by other/model"):
        engine.portrait({"model": "other/model", "prompt": "x", "noise": [[1, 1.0]]}, 64)


def test_words_of_a_prompt():
    look = attributes.invent(3, {"gender": "man", "hair": "quiff", "beard": "full", "glasses": "round", "headwear": "none"})
    whole = hub.described(look, {"gender": "man", "beard": "full"})
    assert "quiff" in whole and "full beard" in whole and "round glasses" in whole and whole.endswith(hub.FRAMED)
    led = hub.described(look, {"gender": "man", "beard": "full"}, "a wizard with a green mohawk")
    assert "green mohawk" in led and "quiff" not in led and "full beard" in led and " man," in led
    for seed in range(40):
        look = attributes.invent(seed)
        assert "years old" in hub.described(look, {}) and hub.wish.read(hub.described(look, {})).asked


def refuses(error: type[TwinError], words: str, at: Path | str) -> TwinError:
    with pytest.raises(error, match=words) as caught:
        hub.opened(at)
    assert caught.value.hint
    return caught.value


def test_folders_that_are_refused(folders, tmp_path):
    def copied(name: str) -> Path:
        return Path(shutil.copytree(folders["sd"], tmp_path / name))
    refuses(Missing, "no folder", tmp_path / "nowhere")
    (tmp_path / "empty").mkdir()
    refuses(Missing, "no model_index.json", tmp_path / "empty")
    llama = tmp_path / "llama"
    llama.mkdir()
    (llama / "config.json").write_text(json.dumps({"model_type": "llama"}))
    refuses(Refused, "llama", llama)
    (llama / "model_index.json").write_text(json.dumps({"anything": [1, 2, 3]}))
    refuses(Refused, "no pipeline", llama)
    (llama / "model_index.json").write_text("{")
    refuses(Refused, "damaged", llama)
    at = copied("code")
    index = json.loads((at / "model_index.json").read_text())
    (at / "model_index.json").write_text(json.dumps({**index, "_class_name": ["pipeline", "MyPipeline"]}))
    refuses(Refused, "diffusers has none", at)
    (at / "model_index.json").write_text(json.dumps({**index, "unet": ["my_unet", "MyUnet"]}))
    refuses(Refused, "code of its own", at)
    at = copied("pickled")
    weights = at / "unet" / "diffusion_pytorch_model.safetensors"
    weights.rename(weights.with_suffix(".bin"))
    if weights.with_suffix(".bin").stat().st_size <= 1 << 16:
        with weights.with_suffix(".bin").open("ab") as file:
            file.write(bytes(1 << 17))
    refuses(Refused, "pickle", at)
    at = copied("part")
    shutil.rmtree(at / "vae")
    refuses(Missing, "no vae", at)
    at = copied("cut")
    (at / "vae" / "diffusion_pytorch_model.safetensors").write_bytes(struct.pack("<Q", 1 << 40) + b"{}")
    refuses(Refused, "damaged", at)
    at = copied("other")
    (at / "unet" / "config.json").write_text(json.dumps({"_class_name": "UNet2DConditionModel", "block_out_channels": [16, 16]}))
    with pytest.raises(Refused, match="could not be loaded"):
        Hub(at, px=32, say=lambda line: None)
    single = tmp_path / "single"
    single.mkdir()
    (single / "sdxl.safetensors").write_bytes(b"x")
    refuses(Refused, "one file", single)


def test_what_makes_no_pictures_is_refused(tmp_path):
    from diffusers import DDPMPipeline, DDPMScheduler, UNet2DModel
    DDPMPipeline(UNet2DModel(sample_size=8, block_out_channels=(8, 8), layers_per_block=1, norm_num_groups=4, down_block_types=("DownBlock2D",) * 2,
                             up_block_types=("UpBlock2D",) * 2), DDPMScheduler()).save_pretrained(tmp_path / "ddpm")
    with pytest.raises(Refused, match="from words"):
        Hub(tmp_path / "ddpm", say=lambda line: None)


def test_a_name_that_is_not_here_does_not_hang(monkeypatch, tmp_path):
    monkeypatch.setenv("TWIN_CACHE", str(tmp_path))
    monkeypatch.setenv("HF_ENDPOINT", "http://192.0.2.1")
    began = time.monotonic()
    error = refuses(Missing, "not on this machine", "black-forest-labs/FLUX.2-klein-4B")
    assert time.monotonic() - began < 2 and "hf download black-forest-labs/FLUX.2-klein-4B" in error.hint
    refuses(Missing, "no folder", "../etc/passwd")


def test_what_was_fetched_is_found_by_name(monkeypatch, folders, tmp_path):
    monkeypatch.setenv("TWIN_CACHE", str(tmp_path))
    shutil.copytree(folders["sd"], tmp_path / "models" / "someone--tiny")
    assert hub.opened("someone/tiny").kind == "StableDiffusionPipeline"


def test_the_wizard_offers_the_pipelines_that_are_here(monkeypatch, folders, tmp_path):
    from twin.create.inventing import Inventor
    monkeypatch.setenv("TWIN_CACHE", str(tmp_path))
    (tmp_path / "models").mkdir()
    (tmp_path / "models" / "own--tiny").symlink_to(folders["sd"])
    inventor = Inventor()
    assert {"name": "hub:own/tiny", "label": {"en": "tiny (From the hub)", "zh": "tiny（来自 Hub）"}, "ready": True} in inventor.described()["engines"]
    face = next(inventor.faces({"gender": "woman"}, 1, words="a woman of sixty", engine="hub:own/tiny"))["face"]
    assert face["engine"] == "hub:own/tiny" and face["picture"].startswith("data:image/webp")
    assert inventor.portrait(face["recipe"], engine=face["engine"])[:4] == b"\x89PNG"
    for name in (f"hub:{folders['sd']}", "hub:", "hub:own/other"):
        with pytest.raises((Missing, Refused)):
            inventor.engine(name)


def test_weights_are_counted_without_loading_them(folders):
    told = hub.opened(folders["sd"])
    pipe = diffusers.StableDiffusionPipeline.from_pretrained(folders["sd"])
    for name in ("unet", "vae", "text_encoder"):
        assert abs(told.parts[name] - sum(weight.numel() for weight in getattr(pipe, name).parameters())) <= 77     # position ids may lie beside
    assert told.numbers == sum(told.parts.values())


@pytest.mark.parametrize(("free", "how", "tiles"), [(80, "whole", False), (24, "whole", False), (19, "whole", True), (12, "model", False), (10, "model", True),
                                                  (6, "sequential", True)])
def test_it_runs_as_the_card_allows(free, how, tiles):
    """FLUX.2 klein 4B: 4 thousand millions each in the transformer and what reads words, 0.1 in the autoencoder."""
    parts = {"transformer": 4_000_000_000, "text_encoder": 4_000_000_000, "vae": 84_000_000}
    got = hub.arranged(parts, ("cuda:0", "bfloat16", free * GIB, "a card"), 64 * GIB)
    assert (got.how, got.tiles, got.dtype) == (how, tiles, "bfloat16") and got.why
    assert "GiB" in str(got)


def test_it_runs_as_the_memory_allows():
    parts = {"unet": 1_000_000_000}
    assert hub.arranged(parts, ("cpu", "float32", 0, "no GPU"), 16 * GIB).dtype == "float32"
    assert hub.arranged(parts, ("cpu", "float32", 0, "no GPU"), 4 * GIB).dtype == "bfloat16"
    assert hub.arranged(parts, ("cuda:0", "bfloat16", 1 * GIB, "a card"), 1 * GIB * 4).how in ("model", "sequential")
    with pytest.raises(Refused, match="2 GiB|GiB"):
        hub.arranged(parts, ("cpu", "float32", 0, "no GPU"), 1 * GIB)
