"""What judges face generators: statistics against closed forms and constructed clouds, copies, and the encoder whose features they are of."""
from __future__ import annotations

import json
import sys
from argparse import Namespace
from types import SimpleNamespace

import numpy as np
import pytest

from twin.errors import Missing, Refused
from twin.train import measure

torch = pytest.importorskip("torch")
RNG = np.random.default_rng


def cloud(count: int, width: int, seed: int, middle: float = 0.0) -> np.ndarray:
    return (RNG(seed).standard_normal((count, width)) + middle).astype(np.float32)


# distances of distributions

def test_the_distance_of_known_gaussians():
    d = 6
    basis, _ = np.linalg.qr(RNG(0).standard_normal((d, d)))
    one, two = np.arange(1.0, d + 1), np.linspace(0.2, 3, d)
    a = measure.Gaussian(np.zeros(d), basis @ np.diag(one) @ basis.T, 1000)
    b = measure.Gaussian(np.full(d, 0.5), basis @ np.diag(two) @ basis.T, 1000)         # the same axes: roots of the eigenvalues subtract
    assert measure.frechet(a, b) == pytest.approx(0.25 * d + ((np.sqrt(one) - np.sqrt(two)) ** 2).sum(), rel=1e-9)
    assert measure.frechet(a, a) == pytest.approx(0, abs=1e-9)
    other, _ = np.linalg.qr(RNG(1).standard_normal((d, d)))
    turned = measure.Gaussian(np.zeros(d), other @ np.diag(two) @ other.T, 1000)        # other axes: against the root of the product itself
    values = np.linalg.eigvals(a.covariance @ turned.covariance)
    assert measure.frechet(a, turned) == pytest.approx(one.sum() + two.sum() - 2 * np.sqrt(values.real).sum(), rel=1e-9)
    assert measure.frechet(a, turned) == pytest.approx(measure.frechet(turned, a), rel=1e-9)


def test_the_distance_of_features_without_spread_in_some_direction():
    flat = cloud(500, 8, 0)
    flat[:, 5:] = 0                                      # dead features: the product of covariances has no full rank
    assert measure.fd(flat, flat) == pytest.approx(0, abs=1e-6)
    moved = flat.copy()
    moved[:, 0] += 3
    assert measure.fd(flat, moved) == pytest.approx(9, rel=1e-4)


def test_a_ratio_of_one_is_as_good_as_real():
    real, other, made = (cloud(800, 16, seed) for seed in (0, 1, 2))
    assert measure.fd_ratio(made, real, other) == pytest.approx(1, abs=0.4)
    assert measure.fd_ratio(made + 0.3, real, other) > 5


def test_few_pictures_are_refused_or_looked_at_in_fewer_features():
    few, others = (cloud(100, 256, seed) / np.arange(1, 257) for seed in (0, 1))          # as real features: most of it in few directions
    with pytest.raises(Refused, match="100 pictures are too few for a Fréchet distance of 256 features") as error:
        measure.fd(few, few)
    assert "more than 256" in error.value.hint
    basis = measure.projected(few, 12)
    assert basis.shape == (256, 12) and basis.T @ basis == pytest.approx(np.eye(12), abs=1e-5)
    assert measure.fd(few @ basis, (few + 0.5) @ basis) > 3 * measure.fd(few @ basis, others @ basis) > 0
    with pytest.raises(Refused, match="equal numbers"):
        measure.fd_ratio(cloud(50, 4, 0), cloud(60, 4, 1), cloud(60, 4, 2))
    with pytest.raises(Refused, match="finite"):
        measure.fd(np.full((50, 4), np.nan), few[:, :4])


def test_the_kernel_distance_is_unbiased():
    same = measure.kernel_distance(cloud(1000, 16, 0), cloud(1000, 16, 1), subsets=30, size=300)
    assert abs(same[0]) < 3 * same[1] / np.sqrt(30) + 0.003
    away = measure.kernel_distance(cloud(1000, 16, 0), cloud(1000, 16, 1, 0.5), subsets=30, size=300)
    assert away[0] > 10 * same[1]
    x, y = cloud(40, 3, 2).astype(float), cloud(30, 3, 3).astype(float)                   # against the sum written out
    found, _ = measure.kernel_distance(x, y[:30], subsets=1, size=30)
    rng = RNG(0)
    a, b = x[rng.choice(40, 30, replace=False)], y[rng.choice(30, 30, replace=False)]
    k = lambda p, q: (p @ q / 3 + 1) ** 3                                                 # noqa: E731
    own = sum(k(s[i], s[j]) for s in (a, b) for i in range(30) for j in range(30) if i != j) / (30 * 29)
    assert found == pytest.approx(own - 2 * sum(k(p, q) for p in a for q in b) / 900, rel=1e-9)


# fidelity and diversity

def two_modes(count: int, seed: int, share: float = 0.5) -> np.ndarray:
    out = cloud(count, 4, seed)
    out[:round(count * share), 0] += 40
    return out


def test_precision_and_recall_tell_a_dropped_mode_from_a_bad_picture():
    real = two_modes(1500, 0)
    same = two_modes(1500, 1)
    assert all(value > 0.85 for value in measure.precision_recall(real, same))
    density, coverage = measure.density_coverage(real, same)
    assert density == pytest.approx(1, abs=0.1) and coverage > 0.93
    dropped = two_modes(1500, 2, 0.0)                    # one of two kinds of people is never made
    precision, recall = measure.precision_recall(real, dropped)
    assert precision > 0.85 and recall == pytest.approx(0.5, abs=0.08)
    assert measure.density_coverage(real, dropped)[1] == pytest.approx(0.5, abs=0.05)
    assert measure.diversity(real, dropped) < 0.3 < 0.95 < measure.diversity(real, same) < 1.05
    bad = same.copy()
    bad[::2, 1] += 200                                   # half of the pictures are none
    assert measure.precision_recall(real, bad)[0] == pytest.approx(0.5, abs=0.08)
    assert measure.density_coverage(real, bad)[0] == pytest.approx(0.5, abs=0.08)


def test_blocks_are_no_different_from_all_at_once(monkeypatch):
    real, made = two_modes(300, 0), two_modes(250, 1)
    whole = (*measure.precision_recall(real, made), *measure.density_coverage(real, made), measure.diversity(real, made))
    monkeypatch.setattr(measure, "BLOCK", 37)
    assert (*measure.precision_recall(real, made), *measure.density_coverage(real, made), measure.diversity(real, made)) == pytest.approx(whole, rel=1e-5)
    with pytest.raises(Refused, match="3 pictures are too few"):
        measure.density_coverage(real[:3], made)


# copies

def test_copies_are_found_and_what_was_never_seen_is_not():
    learned = drawn(120, 1)[0]
    fresh = drawn(40, 2)[0]
    flat = measure.small(learned)
    assert np.linalg.norm(flat, axis=1) == pytest.approx(1, rel=1e-5)
    noised = np.clip(learned[7].astype(float) + RNG(0).normal(0, 6, learned[7].shape), 0, 255).astype(np.uint8)
    darker = (learned[9] * 0.8).astype(np.uint8)         # what a copy is doesn't hang on its light
    found = measure.copies(measure.small(np.concatenate([fresh, learned[5:6], noised[None], darker[None]])), flat)
    assert found.count >= 3 and (found.nearest[40:] < found.pair).all() and found.index[40:].tolist() == [5, 7, 9]
    assert found.nearest[40] == 0 and (found.nearest[:40] < found.pair).sum() == found.count - 3 <= 1
    twice = measure.copies(measure.small(fresh), np.concatenate([flat, flat[:3]]))      # pictures that are there twice are no pair
    assert twice.pair == pytest.approx(found.pair, rel=1e-4)
    with pytest.raises(Refused, match="fewer than two"):
        measure.copies(flat, flat[:1])


def test_fid_is_missing_without_its_parts_and_never_downloaded(monkeypatch, tmp_path):
    pictures = np.zeros((4, 3, 16, 16), np.uint8)
    monkeypatch.setitem(sys.modules, "torch_fidelity", None)
    with pytest.raises(Missing, match="torch_fidelity|not installed") as error:
        measure.fid(pictures, pictures)
    assert "fd_own" in error.value.hint
    monkeypatch.setitem(sys.modules, "torch_fidelity", SimpleNamespace())
    monkeypatch.setitem(sys.modules, "torchmetrics", SimpleNamespace())
    monkeypatch.setitem(sys.modules, "torchmetrics.image", SimpleNamespace())
    monkeypatch.setitem(sys.modules, "torchmetrics.image.fid", SimpleNamespace(FrechetInceptionDistance=None))
    with pytest.raises(Missing, match="weights of Inception"):
        measure.fid(pictures, pictures, tmp_path / "none.pth")


# the encoder

def drawn(count: int, seed: int, px: int = 32) -> tuple[np.ndarray, list[dict]]:
    """Discs with eyes on some ground: uint8 [n, 3, px, px] and what they are."""
    from PIL import Image, ImageDraw
    rng, pictures, looks = RNG(seed), [], []
    skins = {"fair": (240, 205, 180), "tan": (190, 140, 100), "dark": (90, 60, 45)}
    for _ in range(count):
        look = {"skin": str(rng.choice(list(skins))), "glasses": bool(rng.random() < 0.5), "size": round(float(rng.uniform(0.25, 0.42)), 3)}
        picture = Image.new("RGB", (4 * px, 4 * px), tuple(rng.integers(0, 256, 3).tolist()))
        pen = ImageDraw.Draw(picture)
        x, y = (px * 4 * (0.5 + 0.05 * rng.standard_normal(2))).tolist()
        r = look["size"] * 4 * px
        pen.ellipse((x - r, y - r, x + r, y + r), fill=tuple(np.clip(np.array(skins[look["skin"]]) + rng.normal(0, 6, 3), 0, 255).astype(int).tolist()))
        for side in (-1, 1):
            ex, ey, e = x + side * 0.4 * r, y - 0.2 * r, 0.13 * r
            pen.ellipse((ex - e, ey - e, ex + e, ey + e), fill=(250, 250, 250))
            if look["glasses"]:
                pen.rectangle((ex - 2.2 * e, ey - 2.2 * e, ex + 2.2 * e, ey + 2.2 * e), outline=(10, 10, 10), width=px // 6)
        pictures.append(np.array(picture.resize((px, px), Image.Resampling.LANCZOS)).transpose(2, 0, 1))
        looks.append(look)
    return np.stack(pictures), looks


@pytest.fixture(scope="module")
def learned():
    """An encoder that has looked at some drawings, how well it read others before and after, and those."""
    from twin.train.encoder import Encoder, accuracy, schema, targets, train
    pictures, looks = drawn(768, 0)
    held, said = drawn(600, 1)
    torch.manual_seed(0)
    net = Encoder(schema(looks), 32, (16, 24, 32), 32)
    before = accuracy(net, held, said)
    losses = [row["attributes"] for row in train(net, pictures, targets(net.heads, looks), steps=280, batch=64, mixed="no")]
    return SimpleNamespace(net=net, before=before, after=accuracy(net, held, said), losses=losses, held=held, said=said)


def test_it_learns_to_read_attributes(learned):
    assert {name: head["kind"] for name, head in learned.net.heads.items()} == {"skin": "choice", "glasses": "mark", "size": "measure"}
    assert np.mean(learned.losses[-20:]) < 0.6 * np.mean(learned.losses[:10])
    assert learned.after["mean"] > 0.85 > learned.before["mean"] + 0.15, (learned.before, learned.after)
    read = learned.net.attributes(learned.held[:5])
    assert set(read["skin"]) <= {"fair", "tan", "dark"} and all(isinstance(value, bool) for value in read["glasses"]) and len(read["size"]) == 5


def test_the_distance_rises_with_every_damage(learned):
    from twin.train.encoder import DAMAGES, damaged
    real, rest = learned.net.features(learned.held[:300]), learned.held[300:]
    base = measure.fd(learned.net.features(rest), real)
    for kind in DAMAGES:
        found = []
        for strength in (0.5, 1.0):
            harmed = damaged(torch.from_numpy(rest).float() / 255, kind, strength, torch.Generator().manual_seed(0))
            assert harmed.shape == rest.shape and float(harmed.min()) >= 0 and float(harmed.max()) <= 1.0001
            found.append(measure.fd(learned.net.features((harmed * 255).round().to(torch.uint8)), real))
        assert min(found) > base and max(found) > 2 * base, (kind, base, found)    # `python -m bench faces --table`: step by step, on real ones
    dropped = np.array([k for k, look in enumerate(learned.said[300:]) if look["skin"] != "dark"])
    assert measure.fd(learned.net.features(rest[dropped]), real) > 2 * base


def test_what_is_saved_is_what_is_loaded(learned, tmp_path):
    from twin.train.encoder import Encoder
    learned.net.save_pretrained(tmp_path / "a")
    one = Encoder.from_pretrained(tmp_path / "a")
    one.save_pretrained(tmp_path / "b")
    two = Encoder.from_pretrained(tmp_path / "b")
    assert (tmp_path / "a" / "model.safetensors").read_bytes() == (tmp_path / "b" / "model.safetensors").read_bytes()
    features = one.features(learned.held[:9])
    assert features.dtype == np.float32 and features.shape == (9, 32) and np.array_equal(features, two.features(learned.held[:9]))
    assert np.abs(features - learned.net.features(learned.held[:9])).max() < 0.05 * np.abs(features).max()      # half precision
    assert one.heads == learned.net.heads
    larger = np.repeat(np.repeat(learned.held[:9], 2, 2), 2, 3)                           # any size is brought to its own
    assert one.features(larger).shape == (9, 32) and one.features(learned.held[:0]).shape == (0, 32)
    with pytest.raises(Refused, match="uint8"):
        one.features(learned.held[:2].astype(np.float32))


def test_other_folders_are_refused_plainly(learned, tmp_path):
    from twin.train.encoder import Encoder
    with pytest.raises(Missing, match="no folder"):
        Encoder.from_pretrained(tmp_path / "none")
    learned.net.save_pretrained(tmp_path / "a")
    config, weights = tmp_path / "a" / "config.json", tmp_path / "a" / "model.safetensors"
    kept = config.read_text("utf-8")
    config.write_text(kept.replace("twin.FaceEncoder", "AutoencoderKL"))
    with pytest.raises(Refused, match="AutoencoderKL"):
        Encoder.from_pretrained(tmp_path / "a")
    config.write_text(json.dumps(json.loads(kept) | {"widths": [16, 24, 48]}))
    with pytest.raises(Refused, match="config.json means"):
        Encoder.from_pretrained(tmp_path / "a")
    config.write_text(json.dumps(json.loads(kept) | {"widths": "wide"}))
    with pytest.raises(Refused, match="config.json"):
        Encoder.from_pretrained(tmp_path / "a")
    config.write_text(kept)
    weights.rename(weights.with_name("pytorch_model.bin"))
    with pytest.raises(Refused, match="pickle"):
        Encoder.from_pretrained(tmp_path / "a")


def test_it_goes_on_where_it_was_killed(tmp_path):
    from twin.train.encoder import Encoder, order, schema, targets, train
    pictures, looks = drawn(64, 3)

    def made() -> Encoder:
        torch.manual_seed(0)
        net = Encoder(schema(looks), 32, (16, 24), 16)
        list(train(net, pictures, targets(net.heads, looks), steps=6, batch=32, mixed="no"))
        return net

    whole = made()
    for row, _ in zip(train_of(looks, pictures, tmp_path / "b", 3), range(99)):
        assert row["step"] <= 3
    torch.manual_seed(9)                                 # whatever else was random before
    again = Encoder(schema(looks), 32, (16, 24), 16)
    list(train(again, pictures, targets(again.heads, looks), steps=6, batch=32, out=tmp_path / "b", resume=True, mixed="no"))
    for name, value in whole.state_dict().items():
        assert torch.equal(value, again.state_dict()[name]), name
    assert sorted(np.concatenate([order(64, 16, step, 5) for step in range(4)])) == list(range(64))
    assert not np.array_equal(order(64, 16, 0, 5), order(64, 16, 4, 5))
    (tmp_path / "b" / "resume.safetensors").write_bytes(b"torn")
    with pytest.raises(Refused, match="damaged"):
        list(train(again, pictures, targets(again.heads, looks), steps=6, out=tmp_path / "b", resume=True))
    with pytest.raises(Missing, match="resume.safetensors"):
        list(train(again, pictures, targets(again.heads, looks), steps=6, out=tmp_path / "c", resume=True))


def train_of(looks, pictures, out, upto):
    """A training of six steps that is killed after `upto`: what it had written then is kept."""
    from twin.train import encoder
    torch.manual_seed(0)
    net = encoder.Encoder(encoder.schema(looks), 32, (16, 24), 16)
    before, encoder.EVERY = encoder.EVERY, -1.0          # a checkpoint after each step
    try:
        for row in encoder.train(net, pictures, encoder.targets(net.heads, looks), steps=6, batch=32, out=out, mixed="no"):
            yield row
            if row["step"] == upto:
                return
    finally:
        encoder.EVERY = before


def test_sets_that_teach_nothing_are_refused():
    from twin.train.encoder import Encoder, agrees, schema, targets, train
    with pytest.raises(Refused, match="no attributes that differ"):
        schema([{"hair": "bob"}, {"hair": "bob"}])
    with pytest.raises(Refused, match="'hair' is bool here and str there"):
        schema([{"hair": "bob"}, {"hair": True}])
    heads = schema([{"hair": "bob", "age": 20, "hat": None}, {"hair": "bun", "age": 70.0}, {"hair": "bun", "age": 45}])
    assert list(heads) == ["hair", "age"] and heads["hair"]["values"] == ["bob", "bun"]
    wanted = targets(heads, [{"hair": "bun"}, {"hair": "afro", "age": 45}])
    assert wanted[0, 0] == 1 and wanted.isnan().tolist() == [[False, True], [True, False]]
    assert agrees(heads["age"], 52.0, 45) and not agrees(heads["age"], 58.0, 45) and agrees(heads["hair"], "bob", "bob")
    pictures, looks = drawn(20, 4)
    with pytest.raises(Refused, match="20 pictures are too few"):
        next(train(Encoder(schema(looks), 32, (16, 24), 16), pictures, targets(schema(looks), looks), steps=2))
    with pytest.raises(Refused, match="no time"):
        next(train(Encoder(schema(looks), 32, (16, 24), 16), pictures, targets(schema(looks), looks)))


# the command and the bench, on a set in its folder

@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A set of drawings that say of themselves whatever a painter's say, and an encoder trained on it by the command."""
    from twin.paint.attributes import invent
    from twin.train import encoder
    from twin.train.data import Face, Manifest, write_set
    at = tmp_path_factory.mktemp("faces")
    pictures, _ = drawn(150, 5)
    write_set(at / "set", (Face(np.ascontiguousarray(picture.transpose(1, 2, 0)), k, invent(k)) for k, picture in enumerate(pictures)),
              Manifest("drawings", "drawn", "tests", "CC0-1.0", 32), held=0.5)
    assert encoder.main([str(at / "set"), "--out", str(at / "encoder"), "--steps", "2", "--px", "32", "--batch", "32", "--mixed", "no"]) == 0
    return at


def test_the_command_trains_saves_and_says_how_well_it_reads(folder, capsys):
    from twin.train import encoder
    config = json.loads((folder / "encoder" / "config.json").read_text("utf-8"))
    assert 0 <= config["about"]["accuracy"]["mean"] <= 1 and config["about"]["count"] > 32 and config["about"]["seeds"][0] >= 0
    assert encoder.main([str(folder / "set"), "--out", str(folder / "encoder"), "--steps", "2", "--px", "32"]) == 1
    assert "--resume" in capsys.readouterr().err
    assert encoder.main([str(folder / "set"), "--out", str(folder / "encoder"), "--steps", "3", "--px", "32", "--batch", "32", "--mixed", "no", "--resume"]) == 0
    # of two sets, beginning with what another has learned to see
    assert encoder.main([*[str(folder / "set")] * 2, "--out", str(folder / "two"), "--steps", "1", "--px", "32", "--batch", "32", "--mixed", "no", "--begin", str(folder / "encoder")]) == 0
    about, rows = json.loads((folder / "two" / "config.json").read_text())["about"], encoder.rows_of(folder / "set")
    assert about["count"] == 2 * sum(row["split"] == "train" for row in rows.values()) and about["set"] == "set and set"


def test_the_bench_says_what_is_missing_and_measures_the_rest(folder, capsys):
    from bench import faces
    given = Namespace(set=folder / "set", train=None, encoder=folder / "encoder", weights=folder / "none", samples=30, draws=1, few=False, table=True, sheet=None)
    found = faces.run(given)
    assert found["samples"] == 30 and found["features"] == 3 and found["blur_1"] > found["blur_0"] == pytest.approx(found["noise_0"])
    assert faces.families(folder / "none") == {"vae": None, "gan": None, "diffusion": None}
    with pytest.raises(SystemExit, match="no folder"):
        faces.run(Namespace(**vars(given) | {"encoder": folder / "nowhere"}))


def test_a_family_is_judged_by_its_samples(folder):
    from bench import faces
    from twin.train import judge
    from twin.train.encoder import Encoder
    net = Encoder.from_pretrained(folder / "encoder")
    held = judge.Held(folder / "set", net, 30)
    learned = judge.Learned.of(held.faces, net)

    def sample(count: int, seed: int):                   # a generator that paints two pictures it has learned from, and fresh ones
        made = drawn(count, seed + 100)[0]
        made[:2] = learned.pictures[:2]
        yield made[:20]
        yield made[20:]

    row = judge.judged(sample, held, net, learned, 2)
    assert row["copies"] >= 4 and row["copies_pixels"] >= 4 and row["nearest_share"] == 0 and row["fd_ratio"] > 0
    assert set(learned.control(held)) == {"copies_real", "copies_features_real", "copies_pixels_real", "nearest_share_real"}
    asked = [faces.wish(seed, net.heads) for seed in range(20)]
    assert all(1 <= len(wanted) <= 3 and all(look[name] == value for name, value in wanted.items()) for wanted, look in asked)
    right = faces.heeded(net, [learned.pictures[:20]], asked)
    assert 0 <= right["all"] <= 1


def test_families_go_through_the_whole_bench(folder, tmp_path, monkeypatch):
    from bench import faces
    from twin.paint.attributes import WIDTH
    from twin.paint.gan import Gan, Generator, sized
    from twin.paint.vae import Autoencoder, Vae
    from twin.paint.vae import sized as vae_sized
    torch.manual_seed(0)
    Gan(Generator(sized("tiny", 32, WIDTH))).save_pretrained(tmp_path / "gan")
    Vae(Autoencoder(vae_sized("tiny", 32))).save_pretrained(tmp_path / "vae")
    monkeypatch.setattr(faces, "WISHES", 1)
    monkeypatch.setattr(faces, "RIGGED", 1)
    found = faces.run(Namespace(set=folder / "set", train=None, encoder=folder / "encoder", weights=tmp_path, samples=30, draws=2, few=False, table=False,
                                sheet=tmp_path / "sheet"))
    assert found["diffusion"] == "missing" and {"gan", "vae"} & set(found) == set()
    assert found["fd_ratio_best"] == min(found["fd_ratio_gan"], found["fd_ratio_vae"]) > 1     # nothing has been learned
    assert found["copies"] == found["copies_gan"] + found["copies_vae"] and found["four_faces_s"] < 30
    assert 0 <= found["attribute_accuracy"] <= 1 and found["rig_rate"] == 0 and found["kd_own_sd_gan"] >= 0
    assert {"attribute_accuracy_illustrated", "rig_rate_illustrated", "copies_real"} <= set(found)
    assert all(isinstance(value, (int, float, str)) for value in found.values()) and json.dumps(found)


def test_a_model_of_ones_own_is_judged_from_the_command_line(folder, tmp_path, capsys, monkeypatch):
    from twin.paint.attributes import WIDTH
    from twin.paint.gan import Gan, Generator, sized
    from twin.train import judge
    torch.manual_seed(0)
    Gan(Generator(sized("tiny", 32, WIDTH))).save_pretrained(tmp_path / "gan")
    told = [str(tmp_path / "gan"), str(folder / "set"), "--encoder", str(folder / "encoder"), "--samples", "32"]
    assert judge.main(told) == 0
    figures = json.loads((tmp_path / "gan" / "figures.json").read_text("utf-8"))
    assert figures["fd_ratio"] > 1 and figures["fd_own_real"] > 0 and {"kd_own", "copies", "copies_real", "diversity"} <= set(figures)
    assert judge.main([str(tmp_path), *told[1:]]) == 1 and "no model of faces" in capsys.readouterr().out
    monkeypatch.setattr(judge, "LEAST", 10_000)
    assert judge.main(told) == 1 and "too few to judge by" in capsys.readouterr().out


def test_several_sets_are_one():
    from twin.train.encoder import Joined
    one, other = (np.random.default_rng(seed).integers(0, 255, (count, 3, 4, 4), np.uint8) for seed, count in ((1, 3), (2, 5)))
    both = Joined([one, other])
    assert len(both) == 8 and np.array_equal(both[np.array([2, 3, 7, 0])], np.stack([one[2], other[0], other[4], one[0]]))


def test_evenly_drawn_looks_show_what_is_seldom():
    from twin.paint.attributes import invent
    from twin.train import painted
    seen = [invent(seed, painted.evenly(seed))["headwear"] for seed in range(300)]
    usual = [invent(seed)["headwear"] for seed in range(300)]
    assert seen.count("turban") > 3 * max(1, usual.count("turban")) and painted.evenly(5) == painted.evenly(5)
    made = painted.face(7, 64, even=True)
    assert made.attributes == invent(7, painted.evenly(7))
