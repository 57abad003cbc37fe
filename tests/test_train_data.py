"""A data set of portraits: what is written can be gone on with after a kill or a full disk, what is no portrait is told apart by name and reason, and nobody's
picture is in both parts."""
from __future__ import annotations

import json
import os
import pickle
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest
from conftest import ROOT, SHARED
from PIL import Image, ImageFilter

from twin.errors import Missing, Refused, TwinError
from twin.paint import attributes
from twin.train import data, sift
from twin.train.data import Face, Manifest, Writer, done, open_set, split_of, write_set

ABOUT = Manifest("little", "illustrated", "drawn by this test", "CC0-1.0", 32)
SAID = ["--source", "a test", "--licence", "CC0-1.0"]


def face(seed: int, size: int = 32, **more) -> Face:
    """A smooth picture of its own for every seed; no face."""
    rng = np.random.default_rng(seed)
    small = rng.random((4, 4, 3)).astype(np.float32)
    return Face((cv2.resize(small, (size, size), interpolation=cv2.INTER_CUBIC).clip(0, 1) * 255).astype(np.uint8), seed, **more)


def painted(seed: int) -> Face:
    look = attributes.invent(seed)
    return face(seed, attributes=look, captions={"en": [f"number {seed}", f"no. {seed}"], "zh": [f"第{seed}号"]}, points=np.full((478, 3), seed + 0.123))


def tree(folder: Path) -> dict[str, bytes]:
    """All files of a set but the manifest, which holds when it was made."""
    return {str(path.relative_to(folder)): path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file() and path.name not in ("manifest.json", "report.json")}


# the folder ------------------------------------------------------------------------------------------------------------------------------------

def test_a_part_is_decided_by_the_key_alone():
    parts = [split_of(seed) for seed in range(20_000)]
    assert parts == [split_of(seed) for seed in range(20_000)] and 0.09 < parts.count("held") / 20_000 < 0.11
    assert split_of(b"7") == split_of(7) == split_of("7") and {split_of(k, 0.0) for k in range(99)} == {"train"} and {split_of(k, 1.0) for k in range(99)} == {"held"}


def test_what_is_written_is_read(tmp_path: Path):
    told: list[tuple[int, int | None]] = []
    made = write_set(tmp_path / "set", map(painted, range(60)), ABOUT, total=60, progress=lambda *at: told.append(at))
    assert told[-1] == (60, 60) and len(made) == 60 and done(tmp_path / "set") == 60
    about = json.loads((tmp_path / "set" / "manifest.json").read_text())
    assert about["count"] == 60 and about["kind"] == "illustrated" and about["licence"] == "CC0-1.0" and about["made"] and about["settings"]["frame"] == 1.35
    again = open_set(tmp_path / "set")
    assert again.width == attributes.WIDTH and sum(len(again.files[split]) for split in data.SPLITS) == 60
    for split in data.SPLITS:
        for i, vector in enumerate(again.attributes[split]):
            row = again.row(split, i)
            assert row["split"] == split == split_of(row["seed"]) and np.allclose(vector, attributes.vector(attributes.invent(row["seed"])))
            assert np.allclose(row["points"], round(row["seed"] + 0.123, 1)) and np.shape(row["points"]) == (478, 3)
            assert np.abs(again.picture(split, i).astype(int) - painted(row["seed"]).picture).mean() < 6


def test_portraits_for_training(tmp_path: Path):
    import torch
    part = write_set(tmp_path / "set", map(painted, range(50)), ABOUT).portraits("train", 16, tmp_path / "cache")
    one = part[3]
    assert one["picture"].shape == (3, 16, 16) and one["picture"].dtype == torch.uint8 and one["attributes"].dtype == torch.float32
    assert len(one["attributes"]) == attributes.WIDTH and one["file"].endswith(".webp") and part[-1]["file"] == part.files[-1]
    seed = part.faces.row("train", 3)["seed"]
    assert {part[3]["caption"] for _ in range(60)} == {f"number {seed}", f"no. {seed}", f"第{seed}号"}
    held = open_set(tmp_path / "set").portraits("held", 32, languages=("zh",))
    assert {held[0]["caption"] for _ in range(9)} == {f"第{held.faces.row('held', 0)['seed']}号"}
    batch = next(iter(torch.utils.data.DataLoader(part, batch_size=8, shuffle=True)))
    assert batch["picture"].shape == (8, 3, 16, 16) and len(batch["caption"]) == 8
    exact = cv2.resize(part.faces.picture("train", 3), (16, 16), interpolation=cv2.INTER_AREA)
    assert np.array_equal(part.pixels[3].transpose(1, 2, 0), exact) and isinstance(part.pixels, np.memmap)
    assert len(pickle.dumps(part)) < 200_000 and np.array_equal(pickle.loads(pickle.dumps(part)).pixels[3], part.pixels[3])
    with pytest.raises(IndexError):
        part[len(part)]


def test_the_pixel_cache_is_made_once_and_again_when_the_set_has_grown(tmp_path: Path):
    folder = tmp_path / "set"
    first = write_set(folder, map(face, range(30)), ABOUT).portraits("train", 32)
    stamp = first.path.stat().st_mtime_ns
    assert first.path.name == "pixels-32-train.npy" and open_set(folder).portraits("train", 32).path.stat().st_mtime_ns == stamp
    grown = write_set(folder, map(face, range(30, 50)), ABOUT, start=30).portraits("train", 32)
    assert len(grown) > len(first) and grown.pixels.shape[0] == len(grown) and not list(folder.glob(".*.part"))
    assert grown[0]["attributes"].shape == (0,) and grown[0]["caption"] == ""
    grown.path.write_bytes(b"\x93NUMPY")                                  # damaged: made again
    assert open_set(folder).portraits("train", 32).pixels.shape[0] == len(grown)
    for split, size, words in (("train", 64, "have 32 px"), ("test", 32, "no part")):
        with pytest.raises(Refused, match=words):
            open_set(folder).portraits(split, size)


def test_a_set_left_half_written_is_gone_on_with(tmp_path: Path):
    whole, folder = tmp_path / "whole", tmp_path / "half"
    write_set(whole, map(painted, range(25)), ABOUT)
    write_set(folder, map(painted, range(12)), ABOUT)
    with open(folder / "faces.jsonl", "ab") as lines:
        lines.write(b'{"file":"faces/0000/000012.webp","split":"tr')          # killed in the middle of a line
    (folder / "faces/0000/000012.webp.part").write_bytes(b"RIFF")
    assert done(folder) == 12 and len(open_set(folder)) == 12
    with pytest.raises(Refused, match="can't go on with number 13"):
        write_set(folder, map(painted, range(13, 25)), ABOUT, start=13)
    (folder / "faces/0000/000009.webp").unlink()                             # and whatever is beyond a picture that is lost is made again
    assert done(folder) == 9
    assert len(write_set(folder, map(painted, range(done(folder), 25)), ABOUT, start=done(folder))) == 25
    assert tree(folder) == tree(whole)
    calls: list[int] = []
    write_set(folder, (calls.append(seed) or painted(seed) for seed in range(20, 26)), ABOUT, start=20)
    assert len(calls) == 6 and done(folder) == 26                            # what is there already is passed over


def test_killed_at_any_time(tmp_path: Path):
    code = ("import sys, pathlib; sys.path.insert(0, 'tests')\nfrom test_train_data import *\n"
            "write_set(pathlib.Path(sys.argv[1]), map(face, range(100_000)), ABOUT)")
    child = subprocess.Popen([sys.executable, "-c", code, str(tmp_path / "set")], cwd=ROOT, env={**os.environ, "PYTHONPATH": str(ROOT)})
    until = time.monotonic() + 60
    while done(tmp_path / "set") < 50 and time.monotonic() < until:
        time.sleep(0.05)
    with pytest.raises(Refused, match="Another process is writing"):
        Writer(tmp_path / "set", ABOUT)
    child.send_signal(signal.SIGKILL)
    child.wait()
    there = done(tmp_path / "set")
    assert there >= 50
    write_set(tmp_path / "set", map(face, range(there, there + 5)), ABOUT, start=there)
    write_set(tmp_path / "other", map(face, range(there + 5)), ABOUT)
    mine, other = tree(tmp_path / "set"), tree(tmp_path / "other")
    assert mine == other                                                    # nor is there a picture without its line, or half of one


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="no /dev/full here, which is full at once")
def test_a_full_disk(tmp_path: Path):
    folder = tmp_path / "set"
    write_set(folder, map(face, range(3)), ABOUT)

    def full_at_five():
        for k in range(3, 9):
            if k == 5:
                (folder / "faces/0000/000005.webp.part").symlink_to("/dev/full")
            yield face(k)
    with pytest.raises(TwinError, match="no more room on the disk: 5 faces are kept") as caught:
        write_set(folder, full_at_five(), ABOUT, start=3)
    assert caught.value.code == "disk-full" and "same words" in caught.value.hint and done(folder) == 5 and len(open_set(folder)) == 5
    write_set(folder, map(face, range(5, 9)), ABOUT, start=5)
    write_set(tmp_path / "other", map(face, range(9)), ABOUT)
    assert tree(folder) == tree(tmp_path / "other")


def test_a_line_that_does_not_fit(tmp_path: Path):
    """No file may grow beyond what this process is allowed: the eleventh line is cut off in its middle."""
    resource = pytest.importorskip("resource")
    about, drawn = replace(ABOUT, size=256), lambda seed: face(seed, 256, points=np.full((478, 3), seed))
    folder, was = tmp_path / "set", resource.getrlimit(resource.RLIMIT_FSIZE)
    write_set(folder, map(drawn, range(10)), about)
    size = (folder / "faces.jsonl").stat().st_size
    resource.setrlimit(resource.RLIMIT_FSIZE, (size + 2000, was[1]))
    try:
        with pytest.raises(TwinError, match="no more room on the disk: 10 faces"):
            write_set(folder, map(drawn, range(10, 14)), about, start=10)
        with pytest.raises(TwinError, match="can't be written") as caught:
            open_set(folder).portraits("train", 256)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, was)
    assert caught.value.hint and not list(folder.glob(".*.part")) and (folder / "faces.jsonl").stat().st_size > size and done(folder) == 10
    write_set(folder, map(drawn, range(10, 14)), about, start=10)
    write_set(tmp_path / "other", map(drawn, range(14)), about)
    assert tree(tmp_path / "other") == tree(folder)


def test_much_is_never_thrown_away(tmp_path: Path):
    """A damaged line in the middle is no kill: a long painting is not begun anew because of it."""
    folder = tmp_path / "set"
    write_set(folder, map(face, range(data.SLACK + 5)), ABOUT)
    kept = (folder / "faces.jsonl").read_bytes()
    for broken in (b"", kept.replace(b'"seed":2,', b'"seed":2;')):
        (folder / "faces.jsonl").write_bytes(broken)
        with pytest.raises(Refused, match="its last faces would have to be made again"):
            Writer(folder, ABOUT)
        assert (folder / "faces.jsonl").read_bytes() == broken and len(list(folder.glob("faces/*/*.webp"))) == data.SLACK + 5
    (folder / "faces.jsonl").write_bytes(kept)
    with Writer(folder, ABOUT) as writer:
        assert writer.done == data.SLACK + 5


def test_what_is_no_set_is_said(tmp_path: Path):
    folder = tmp_path / "set"
    with pytest.raises(Missing, match="no data set"):
        open_set(folder)
    (tmp_path / "file").write_text("a file")
    with pytest.raises(TwinError, match="can't be written") as caught:
        Writer(tmp_path / "file", ABOUT)
    assert "may write to" in caught.value.hint
    with pytest.raises(Refused, match="not empty"):
        Writer(tmp_path, ABOUT)
    with pytest.raises(Refused, match="has no faces"):
        write_set(folder, [], ABOUT)
    with pytest.raises(Refused, match="another licence"):
        Writer(folder, Manifest("little", "illustrated", "drawn by this test", "CC-BY-4.0", 32))
    with pytest.raises(Refused, match="this set holds uint8"):
        write_set(folder, [face(1, 16)], ABOUT)
    write_set(folder, map(face, range(5)), ABOUT)
    lines = (folder / "faces.jsonl").read_bytes().splitlines(keepends=True)
    for line, words in ((b"{}\n", "Line 2 .* is damaged"), (lines[1].replace(b"faces/0000/000001", b"../../../../etc/1"), "Line 2"),
                        (lines[1].replace(b'"attributes":null', b'"attributes":{"hair":"bob"}'), "attributes in line 2"),
                        (lines[1].replace(b'"attributes":null', b'"attributes":[0.5,1]'), "Some faces")):
        (folder / "faces.jsonl").write_bytes(b"".join([lines[0], line, *lines[2:]]))
        with pytest.raises(Refused, match=words):
            open_set(folder)
    (folder / "faces.jsonl").write_bytes(b"".join(lines))
    (folder / "faces/0000/000002.webp").write_bytes(b"RIFF")
    with pytest.raises(Refused, match="000002.webp .* can't be read"):
        open_set(folder).portraits(split_of(2), 32)
    (folder / "manifest.json").write_text('{"version": 9}')
    with pytest.raises(Refused, match="version 9"):
        open_set(folder)
    (folder / "manifest.json").write_text('{"version": 1')
    with pytest.raises(Refused, match="manifest.json .* is damaged"):
        done(folder)


@pytest.mark.parametrize(("change", "words"), [
    ({"source": " "}, "must say its source"), ({"licence": ""}, "must say its licence"), ({"kind": "people"}, "nobody has agreed"), ({"kind": "cats"}, "cats"), ({"size": 4}, "4 px")])
def test_a_manifest_says_all_it_must(change: dict, words: str):
    with pytest.raises(Refused, match=words) as caught:
        Manifest(**{**ABOUT.__dict__, **change}).checked()
    assert caught.value.hint


# which faces -------------------------------------------------------------------------------------------------------------------------------------

def points_at(eyes: tuple, mouth: tuple) -> np.ndarray:
    """478 points of which only lids and corners of the mouth are anywhere."""
    points = np.zeros((478, 3))
    for side, place in zip((sift.RIGHT, sift.LEFT), eyes, strict=True):
        points[[*side.upper, *side.lower], :2] = place
    points[[61, 291], :2] = mouth
    return points


def test_the_square_is_ffhqs():
    """Karras et al. 2018: twice the distance of the eyes or 1.8 times eyes to mouth, whichever is more, each way; a tenth below the eyes."""
    points = points_at(((100, 100), (160, 100)), ((110, 170), (150, 170)))
    centre, x = sift._square(points, 1.0)
    assert np.allclose(centre, (130, 107)) and np.allclose(x, (1.8 * 70, 0))
    pixels = np.zeros((300, 300, 3), np.uint8)
    pixels[100, 100], pixels[100, 160] = (255, 0, 0), (0, 255, 0)
    crop, within, invented = sift.aligned(pixels, points, 256, 1.0)
    eyes = within[[33, 263], :2]
    assert np.allclose(eyes, [(128 - 30 / 126 * 128, 128 - 7 / 126 * 128), (128 + 30 / 126 * 128, 128 - 7 / 126 * 128)], atol=1e-3) and crop.shape == (256, 256, 3)
    for k, place in enumerate(eyes):                                       # and the picture goes where its points go, to half a pixel
        seen = np.argwhere(crop[..., k] > 0.4 * crop[..., k].max()).mean(0)[::-1]
        assert np.abs(seen + 0.5 - place).max() < 1.0
    assert 0 < invented < 0.1


def test_a_turned_head_is_set_upright_and_the_outside_is_soft():
    rng = np.random.default_rng(1)
    pixels = cv2.resize(rng.random((12, 12, 3)).astype(np.float32), (400, 400), interpolation=cv2.INTER_CUBIC)
    pixels = (pixels.clip(0, 1) * 255).astype(np.uint8)
    points = points_at(((170, 190), (230, 190)), ((180, 250), (220, 250)))
    straight, *_ = sift.aligned(pixels, points, 128, 0.8)
    matrix = cv2.getRotationMatrix2D((200, 200), 25, 1.0)
    turned = points.copy()
    turned[:, :2] = points[:, :2] @ matrix[:, :2].T + matrix[:, 2]
    again, *_ = sift.aligned(cv2.warpAffine(pixels, matrix, (400, 400)), turned, 128, 0.8)
    assert np.abs(straight.astype(int) - again).mean() < 4
    wide, _, invented = sift.aligned(pixels, points, 128, 2.5)
    assert 0.4 < invented < 0.7
    edges = [np.abs(np.diff(part.astype(int), axis=1)).mean() for part in (wide[:10], wide[54:74, 54:74])]
    assert edges[0] < 0.5 * edges[1]                                       # mirrored, but nothing sharp to learn there


def test_nearly_the_same_picture_is_known_again():
    known, rng = sift.Likeness(), np.random.default_rng(3)
    some = [face(seed, 256).picture for seed in range(200)]
    for k, picture in enumerate(some):
        assert known.find(sift.mark(picture)) == (False, set())
        known.add(sift.mark(picture), split_of(k))
    for k, picture in enumerate(some[:40]):
        noisy = (picture + rng.normal(0, 6, picture.shape)).clip(0, 255).astype(np.uint8)
        grey = np.repeat(cv2.cvtColor(picture, cv2.COLOR_RGB2GRAY)[..., None], 3, 2)
        small = cv2.resize(cv2.resize(picture, (60, 60), interpolation=cv2.INTER_AREA), (256, 256))
        for other in (noisy, grey, small, picture[:, ::-1], (picture * 0.8 + 20).astype(np.uint8)):
            assert known.find(sift.mark(other)) == (True, {split_of(k)})


def test_fifty_thousand_are_compared_quickly():
    known, rng = sift.Likeness(), np.random.default_rng(5)
    marks = [sift.mark(face(seed, 64).picture) for seed in range(64)]
    for _ in range(50_000):
        known.add(sift.Mark((int(rng.integers(2**63)), 0), marks[0].thumbs), "train")
    began = time.perf_counter()
    for one in marks:
        known.find(one)
    assert (time.perf_counter() - began) / len(marks) < 0.02 and len(known) == 50_000


# folders of pictures ---------------------------------------------------------------------------------------------------------------------------

def portrait(name: str, width: int = 400) -> Image.Image:
    """A default twin before its background."""
    folder = ROOT / "assets" / "twins" / name / "face"
    front = Image.open(folder / "portrait.webp").convert("RGBA").resize((width, width * 5 // 4))
    behind = Image.open(folder / "background.webp").convert("RGBA").resize(front.size)
    behind.alpha_composite(front)
    return behind.convert("RGB")


@pytest.fixture(scope="module")
def pictures(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What people put into a folder."""
    pytest.importorskip("mediapipe", reason="MediaPipe is not installed: no face can be found")
    home = tmp_path_factory.mktemp("pictures")
    (home / "more").mkdir()
    (home / ".hidden").mkdir()
    twins = {name: portrait(name) for name in ("hao", "kofi", "lin", "maya")}
    maya = twins["maya"]
    maya.save(home / "maya.png")
    (home / "more" / "maya again.png").write_bytes((home / "maya.png").read_bytes())
    maya.resize((320, 400)).save(home / "maya_small.jpg", quality=40)
    maya.transpose(Image.Transpose.FLIP_LEFT_RIGHT).save(home / "maya_mirrored.webp", quality=80)
    turned = Image.Exif()
    turned[0x0112] = 6                                                     # lies on its side; its EXIF says so
    turned[0x010E] = "Maya, 5 Harbour Street"
    twins["hao"].rotate(90, expand=True).save(home / "hao.jpg", exif=turned, quality=95)
    twins["kofi"].convert("L").save(home / "kofi.tiff")
    twins["lin"].convert("CMYK").save(home / "more" / "lin.jpg", quality=95)
    Image.open(ROOT / "assets/twins/lin/face/portrait.webp").resize((240, 300)).save(home / "lin_rgba.png")
    twins["hao"].filter(ImageFilter.GaussianBlur(6)).save(home / "x_blurred.png")
    twins["hao"].point(lambda v: v // 11).save(home / "x_dark.png")
    twins["hao"].point(lambda v: min(255, v * 3 + 60)).save(home / "x_bright.png")
    twins["hao"].crop((140, 150, 262, 300)).resize((366, 450)).save(home / "x_cut.png")
    crowd = Image.new("RGB", (640, 480), (110, 120, 115))
    crowd.paste(twins["kofi"].resize((56, 70)), (300, 200))
    crowd.save(home / "x_20px.png")
    Image.new("RGB", (300, 300), "green").save(home / "x_green.webp")
    Image.new("RGB", (20, 20)).save(home / "x_tiny.gif")
    (home / "x_torn.jpg").write_bytes((home / "hao.jpg").read_bytes()[:9000])
    (home / "x_text.png").write_text("no picture")
    (home / "x_nothing.bmp").touch()
    (home / "x_gone.png").symlink_to(home / "nowhere.png")
    (home / "x_folder.png").mkdir()
    (home / "x.heic").write_bytes(b"\0\0\0\x18ftypheic\0\0\0\0mif1heic" + bytes(100))
    (home / "notes.txt").write_text("not a picture by its name")
    twins["lin"].save(home / ".hidden" / "lin.png")
    return home


@pytest.fixture(scope="module")
def whole(pictures: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict]:
    """Their data set, and what was told of it."""
    out = tmp_path_factory.mktemp("sets") / "set"
    report = data.make(pictures, out, Manifest("twins", "drawn", "a test", "CC0-1.0", 128))
    return out, report


def test_each_picture_is_used_or_refused_for_its_own_reason(whole: tuple[Path, dict]):
    out, report = whole
    why = {name: reason for reason, told in report["refused"].items() for name in told["files"]}
    wished = {"more/maya again.png": {"copy"}, "maya_mirrored.webp": {"alike"}, "maya_small.jpg": {"alike"}, "x_blurred.png": {"blurred"}, "x_dark.png": {"dark", "no-face"},
              "x_bright.png": {"bright", "no-face"}, "x_cut.png": {"cut"}, "x_20px.png": {"small", "no-face"}, "x_green.webp": {"no-face"}, "x_tiny.gif": {"tiny"},
              "x_torn.jpg": {"damaged"}, "x_text.png": {"damaged"}, "x_nothing.bmp": {"damaged"}, "x_gone.png": {"unreadable"}, "x.heic": {"heic", "damaged"}, "more/lin.jpg": {"alike"}}
    assert set(why) == set(wished) and all(reason in wished[name] for name, reason in why.items()), why
    assert report["pictures"] == 20 and report["used"] == 4 == len(open_set(out)) and report["found"] >= 8     # one Lin: another background is no other face
    assert report == json.loads((out / "report.json").read_text()) and "too few to train on" in report["sentence"]
    assert all(told["why"] == sift.REASONS[reason] and told["count"] >= len(told["files"]) for reason, told in report["refused"].items())
    assert not any(b"Harbour" in content or b"Exif" in content for name, content in tree(out).items()), "only pixels are taken"


def test_pictures_of_one_moment_stay_in_one_part(whole: tuple[Path, dict]):
    """Between the same picture and another person lies what resembles: it goes where the other is, whatever its own key says."""
    set_ = open_set(whole[0])
    hao, kofi, lin, maya = (set_.picture(split, i).astype(float) for name, split, i in sorted((set_.files[split][i], split, i) for split in data.SPLITS for i in range(len(set_.files[split]))))

    def parted(known: sift.Likeness, own: str, *faces: np.ndarray) -> list[str]:
        looked = sift.Looked("", kept=[Face(one.round().astype(np.uint8)) for one in faces])
        return [part for _, part in sift._parted(looked, known, lambda sha, held: own, 0.1)]
    known, near = sift.Likeness(), [maya * (1 - t) + hao * t for t in np.linspace(0.2, 0.4, 30)]
    assert parted(known, "held", maya) == ["held"]
    assert {part for one in near for part in parted(known, "train", one)} <= {"held", "alike"} and len(known) > 1
    assert parted(known, "train", kofi, lin) == ["train", "train"] and len(known) > 3
    known = sift.Likeness()
    assert parted(known, "held", maya) + parted(known, "train", lin) == ["held", "train"]
    other = next(one for one in near if known.find(sift.mark(one.astype(np.uint8))) == (False, {"held"}))
    half = next(one for t in np.linspace(0.2, 0.6, 40) for rest in (kofi, hao)
                if known.find(sift.mark(one := (lin * (1 - t) + rest * t).astype(np.uint8))) == (False, {"train"}))
    assert parted(known, "train", other, half) == ["between", "train"]      # of one picture, so in one part, and that is where one of them may not be


def test_every_face_looks_straight_up_in_the_same_place(whole: tuple[Path, dict]):
    faces = open_set(whole[0])
    for split in data.SPLITS:
        for i in range(len(faces.files[split])):
            points = np.array(faces.row(split, i)["points"])
            right, left = (points[[*side.upper, *side.lower], :2].mean(0) for side in (sift.RIGHT, sift.LEFT))
            assert np.abs((right + left) / 2 - (64, 60)).max() < 5 and abs(left[1] - right[1]) < 3 and 18 < left[0] - right[0] < 28


def test_stopped_and_gone_on_with_it_is_the_same_set(pictures: Path, whole: tuple[Path, dict], tmp_path: Path):
    out, about = tmp_path / "set", Manifest("twins", "drawn", "a test", "CC0-1.0", 128)

    def stop(count: int, total: int | None) -> None:
        assert total == 20
        if count in (3, 8):
            raise KeyboardInterrupt
    for _ in range(2):
        with pytest.raises(KeyboardInterrupt):
            data.make(pictures, out, about, progress=stop)
        with open(out / sift.LEDGER, "ab") as ledger:
            ledger.write(b'{"file": "kof')
    with Writer(out, replace(about, settings={"from": "pictures", "least": sift.LEAST, "turned": sift.TURNED})) as writer:
        writer.add(face(9, 128))                                           # of a picture that was in hand when the process was killed
    report = data.make(pictures, out, about)
    assert tree(out) == tree(whole[0]) and report == whole[1]
    seen: list[int] = []
    assert data.make(pictures, out, about, progress=lambda count, total: seen.append(count)) == report and not seen
    (out / sift.LEDGER).unlink()
    with pytest.raises(Refused, match="looked.jsonl is gone"):
        data.make(pictures, out, about)


def test_real_paintings(tmp_path: Path):
    if not (SHARED / "portraits").is_dir():
        pytest.skip("no paintings at ../shared/data/portraits")
    pytest.importorskip("mediapipe", reason="MediaPipe is not installed: no face can be found")
    report = data.make(SHARED / "portraits", tmp_path / "set", Manifest("paintings", "drawn", "museums", "public domain", 256))
    assert report["found"] == report["used"] == 3 and not report["refused"]


def test_one_picture_is_a_set_but_too_few(pictures: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    (tmp_path / "one").mkdir()
    (tmp_path / "one" / "maya.png").write_bytes((pictures / "maya.png").read_bytes())
    assert data.main([str(tmp_path / "one"), "--out", str(tmp_path / "set"), *SAID, "--drawn", "--size", "64"]) == 0
    said = capsys.readouterr()
    assert "In 1 pictures 1 faces were found and 1 are used" in said.out and "too few to train on" in said.out and "1 of 1 pictures" in said.err


def test_photographs_of_people_need_their_yes(pictures: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    (tmp_path / "one").mkdir()
    (tmp_path / "one" / "maya.png").write_bytes((pictures / "maya.png").read_bytes())
    (tmp_path / "yes.txt").write_text("We five sat for these pictures and want a network to learn from them.\nAsked in March.", encoding="utf-8")
    command = [str(tmp_path / "one"), "--out", str(tmp_path / "set"), "--size", "64"]
    for more, words in (([*SAID], "photographs of people, or not"), ([*SAID, "--people", "--drawn"], "photographs of people, or not"), (["--drawn", "--licence", "CC0"], "must say its source"),
                        (["--drawn", "--source", "here"], "must say its licence"), ([*SAID, "--people"], "nobody has agreed"), ([*SAID, "--people"], "They can take this back at any time"),
                        ([*SAID, "--people", "--statement", "ours"], "needs a name"), ([*SAID, "--people", "--statement", "yes", "--who", "Ada"], "3 characters is none"),
                        ([*SAID, "--drawn", "--statement", "ours", "--who", "Ada"], "--people instead")):
        assert data.main([*command, *more]) == 1 and words in capsys.readouterr().err
        assert not (tmp_path / "set").exists()
    assert data.main([*command, *SAID, "--people", "--statement", str(tmp_path / "yes.txt"), "--who", "Ada  Lovelace"]) == 0
    about = open_set(tmp_path / "set").about
    assert about.kind == "people" and about.statement.startswith("We five sat") and about.statement.endswith("\nSigned: Ada Lovelace")
    manifest = tmp_path / "set" / "manifest.json"
    manifest.write_text(manifest.read_text().replace("We five sat", "").replace(about.statement[11:].replace("\n", "\\n"), ""))
    with pytest.raises(Refused, match="nobody has agreed"):
        open_set(tmp_path / "set")


def test_folders_that_hold_nothing(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    (tmp_path / "empty").mkdir()
    (tmp_path / "file").write_text("a file")
    (tmp_path / "words").mkdir()
    (tmp_path / "words" / "a.png").write_text("words")
    for folder, out, words in (("empty", "set", "no pictures in"), ("gone", "set", "no folder"), ("file", "set", "a file, not a folder"), ("words", "file", "can't be written"),
                               ("words", "words", "not empty")):
        assert data.main([str(tmp_path / folder), "--out", str(tmp_path / out), *SAID, "--drawn"]) == 1
        said = capsys.readouterr().err
        assert words in said and said.count("\n") >= 2, "what happened, and what to do"
    assert not (tmp_path / "set").exists()
    pytest.importorskip("mediapipe", reason="MediaPipe is not installed: no face can be found")
    assert data.main([str(tmp_path / "words"), "--out", str(tmp_path / "set"), *SAID, "--drawn"]) == 1
    assert "No face could be used" in (said := capsys.readouterr().err) and "damaged" in said and "a.png" in said


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="permissions do not bind root")
def test_a_folder_that_may_not_be_read(tmp_path: Path):
    (tmp_path / "in" / "closed").mkdir(parents=True)
    (tmp_path / "in" / "closed").chmod(0)
    with pytest.raises(Refused, match="can't be opened"):
        sift.listed(tmp_path / "in")
    (tmp_path / "in" / "closed").chmod(0o700)


def test_many_files_are_gone_through_with_little_memory(tmp_path: Path):
    """Three thousand that are none: a line each, nothing of them is kept in memory, and the report names five."""
    import tracemalloc
    pytest.importorskip("mediapipe", reason="MediaPipe is not installed: no face can be found")
    (tmp_path / "in").mkdir()
    for k in range(3000):
        (tmp_path / "in" / f"{k:05d}.png").write_bytes(b"\x89PNG\r\n\x1a\n" + k.to_bytes(4, "big") + bytes(50_000 if k % 100 == 0 else 10))
    sift._mesh()
    tracemalloc.start()
    began = time.perf_counter()
    with pytest.raises(Refused, match="No face could be used"):
        data.make(tmp_path / "in", tmp_path / "set", Manifest("many", "drawn", "a test", "CC0-1.0", 64))
    took, most = time.perf_counter() - began, tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    told = json.loads((tmp_path / "set" / "report.json").read_text())["refused"]["damaged"]
    assert told["count"] == 3000 and told["files"] == [f"{k:05d}.png" for k in range(5)] and told["more"]
    assert most < 8 * 2**20 and took < 30


@pytest.mark.slow
def test_two_processes_make_the_same_set(pictures: Path, whole: tuple[Path, dict], tmp_path: Path):
    report = data.make(pictures, tmp_path / "set", Manifest("twins", "drawn", "a test", "CC0-1.0", 128), workers=2)
    assert report == whole[1] and tree(tmp_path / "set") == tree(whole[0])
