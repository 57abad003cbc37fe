"""From a picture file to a living face: what can't be read is refused in a sentence, faces are found, marks fitted, and what was built opens and shuts its mouth."""
from __future__ import annotations

import io
import json
import os
import time
from pathlib import Path

import numpy as np
import pytest
from conftest import ROOT, SHARED
from PIL import Image, ImageDraw, ImageFilter

from twin.errors import Refused
from twin.paint import photo
from twin.paint.draw import Painter
from twin.paint.faces import points_in
from twin.paint.photo import LEAST_UNIT
from twin.paint.pose import pose
from twin.paint.topology import LEFT, LOWER_LIP, RIGHT, UPPER_LIP
from twin.paint.triangulate import areas

data = pytest.importorskip("skimage.data", reason="scikit-image is not installed; it brings the photograph")
pytest.importorskip("mediapipe", reason="MediaPipe is not installed")
AH = {"jawOpen": 0.45, "mouthLowerDownLeft": 0.1, "mouthLowerDownRight": 0.1}
MM = {"jawOpen": 0.06, "mouthClose": 0.06, "mouthPressLeft": 0.35, "mouthPressRight": 0.35, "mouthRollLower": 0.2, "mouthRollUpper": 0.2}


def astronaut() -> Image.Image:
    return Image.fromarray(data.astronaut())


def encoded(picture: Image.Image, kind: str = "PNG", **options) -> bytes:
    out = io.BytesIO()
    picture.save(out, kind, **options)
    return out.getvalue()


def painting(name: str) -> Image.Image:
    path = SHARED / "portraits" / f"{name}.jpg"
    if not path.is_file():
        pytest.skip("no paintings at ../shared/data/portraits")
    return Image.open(path).convert("RGB")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The astronaut's face/ folder."""
    home = tmp_path_factory.mktemp("astronaut") / "face"
    picture = photo.read(encoded(astronaut()))
    notes: list[tuple[float, str]] = []
    took = photo.build(picture, photo.faces(picture)[0], home, lambda done, note: notes.append((done, note)))
    assert took["seconds"] < 30 and notes[-1] == (1.0, "done") and [done for done, _ in notes] == sorted(done for done, _ in notes)
    return home


def gap(picture: np.ndarray) -> float:
    """The inner lips' gap over the distance of the irises, as MediaPipe sees it."""
    points = points_in(picture)
    assert points is not None
    return float(np.linalg.norm(points[13, :2] - points[14, :2]) / np.linalg.norm(points[468, :2] - points[473, :2]))


# --- reading -------------------------------------------------------------------------------------------------------------------------

def test_pictures_of_every_kind_are_read() -> None:
    plain = np.array(astronaut()).astype(int)

    def far(file: bytes) -> float:
        return float(np.abs(photo.read(file).pixels.astype(int) - plain).mean())
    assert far(encoded(astronaut())) == 0
    assert far(encoded(astronaut(), "JPEG", quality=95)) < 3
    assert far(encoded(astronaut(), "WEBP", quality=95)) < 3
    assert far(encoded(astronaut().convert("CMYK"), "JPEG", quality=95)) < 4
    grey = np.array(astronaut().convert("L"))
    for sixteen in (grey.astype(np.uint16) * 257, grey.astype(np.int32) * 257):
        assert np.abs(photo.read(encoded(Image.fromarray(sixteen))).pixels[..., 0].astype(int) - grey).max() <= 1
    turned = Image.Exif()
    turned[0x0112] = 6
    assert far(encoded(astronaut().transpose(Image.Transpose.ROTATE_90), "JPEG", quality=95, exif=turned)) < 3
    moving = encoded(astronaut(), "GIF", save_all=True, append_images=[astronaut().rotate(9)])
    assert photo.read(moving).notes == ("animated",)
    see_through = astronaut()
    see_through.putalpha(Image.fromarray(np.tile(np.r_[np.zeros(200), np.full(312, 255)].astype(np.uint8), (512, 1))))
    read = photo.read(encoded(see_through))
    assert read.notes == ("transparent",) and read.alpha is not None and read.alpha[0, 0] == 0 and read.alpha[0, 400] == 255


def test_a_colour_profile_is_applied() -> None:
    from PIL import ImageCms
    swapped = ImageCms.ImageCmsProfile(ImageCms.createProfile("LAB")).tobytes()       # fits no RGB picture: taken as it is
    assert np.array_equal(photo.read(encoded(astronaut(), icc_profile=swapped)).pixels, data.astronaut())
    assert np.array_equal(photo.read(encoded(astronaut(), icc_profile=b"nonsense")).pixels, data.astronaut())


def test_large_pictures_are_bounded_before_they_are_decoded() -> None:
    assert max(photo.read(encoded(astronaut().resize((4000, 4000)), "JPEG", quality=30)).size) <= 3072
    small = bytearray(encoded(astronaut(), "JPEG"))
    start = small.index(b"\xff\xc0") + 5
    for width, height in ((16000, 12500), (12000, 9000), (60000, 60000)):     # what the header says is what counts
        small[start:start + 4] = height.to_bytes(2, "big") + width.to_bytes(2, "big")
        with pytest.raises(Refused, match="megapixels|too many pixels"):
            photo.read(bytes(small))
    with pytest.raises(Refused, match="72 megapixels"):
        photo.read(encoded(Image.new("1", (9000, 8000))))


@pytest.mark.parametrize("file, said", [
    (b"", "empty"), (b"Dear diary, this is text.\n" * 40, "not a picture"), (b"%PDF-1.7 something", "a PDF"), (b"<html>", "not a picture"),
    (b"\0\0\0\x18ftypheic\0\0\0\0mif1heic" + bytes(400), "HEIC"), (b"\0\0\0\x18ftypisom\0\0\0\0isomavc1" + bytes(400), "a video"),
    (bytes(999), "not a picture"), (b"RIFF\0\0\0\0WAVEfmt ", "a sound"), (encoded(Image.new("RGB", (20, 20))), "only 20 x 20"),
    (encoded(Image.new("RGB", (5000, 70))), "strip"), (encoded(Image.new("RGBA", (99, 99))), "transparent")],
    ids=lambda value: value if isinstance(value, str) else "")
def test_what_is_no_picture_is_said_so(file: bytes, said: str) -> None:
    with pytest.raises(Refused, match=said) as caught:
        photo.read(file)
    assert caught.value.hint and caught.value.told("zh") != caught.value.told("en")


def test_a_damaged_picture_is_refused_wherever_it_is_cut() -> None:
    whole = encoded(astronaut(), "PNG")
    for part in (0.02, 0.5, 0.97):
        with pytest.raises(Refused, match="damaged|not a picture"):
            photo.read(whole[:int(len(whole) * part)])
    rng = np.random.default_rng(3)
    for _ in range(12):                                                       # noise in the file: read or refused, never anything else
        noisy = bytearray(encoded(astronaut(), "JPEG"))
        for place in rng.integers(2, len(noisy), 40):
            noisy[place] = int(rng.integers(256))
        try:
            photo.read(bytes(noisy))
        except Refused:
            pass


# --- finding -------------------------------------------------------------------------------------------------------------------------

def test_one_face_is_found_also_lying_on_its_side_and_far_away() -> None:
    for angle in (0, 90, 180, 270):
        found = photo.faces(photo.read(encoded(astronaut().rotate(angle))))
        assert len(found) == 1 and found[0].points is not None and 38 < found[0].unit < 48
    far = Image.new("RGB", (1600, 1000), (90, 120, 90))
    far.paste(astronaut().resize((190, 190)), (700, 400))
    found = photo.faces(photo.read(encoded(far)))
    assert [one.points is not None for one in found] == [True]
    assert ("size", "bad") in [(remark.code, remark.level) for remark in photo.report(photo.read(encoded(far)), found[0])]


def test_twelve_faces_are_told_apart_and_none_are_invented() -> None:
    sheet, faces = Image.new("RGB", (1600, 1200), (200, 210, 220)), [astronaut().crop((110, 0, 350, 300)).resize((256, 320))]
    faces += [Image.open(path).convert("RGB").resize((256, 320)) for path in sorted(ROOT.glob("assets/twins/*/face/portrait.webp"))[:3]]
    for k in range(12):
        sheet.paste(faces[k % 4], (20 + k % 4 * 390, 20 + k // 4 * 390))
    picture = photo.read(encoded(sheet))
    found = photo.faces(picture)
    assert len(found) == 12 and all(one.points is not None for one in found)
    assert [one.box[2] * one.box[3] for one in found] == sorted((one.box[2] * one.box[3] for one in found), reverse=True)
    assert Image.open(io.BytesIO(picture.thumb(found[3].box))).size[0] <= 160
    for name in ("chelsea", "coffee"):
        assert photo.faces(photo.read(encoded(Image.fromarray(getattr(data, name)())))) == []


def remarks(picture: Image.Image) -> dict[str, str]:
    read = photo.read(encoded(picture))
    made = photo.report(read, photo.faces(read)[0])
    assert all(remark.en and remark.zh for remark in made)
    return {remark.code: remark.level for remark in made}


def shaded() -> Image.Image:
    """The astronaut with sunglasses on."""
    out = astronaut()
    pen = ImageDraw.Draw(out)
    pen.ellipse((186, 92, 222, 120), fill=(15, 15, 18))
    pen.ellipse((231, 92, 268, 120), fill=(15, 15, 18))
    pen.line((215, 102, 238, 102), fill=(20, 20, 20), width=3)
    return out


def profile() -> Image.Image:
    """A head from the side, cut out of card: brow, nose, lips and chin to the left."""
    out = Image.new("RGB", (600, 700), (206, 214, 222))
    pen = ImageDraw.Draw(out)
    pen.ellipse((190, 70, 520, 420), fill=(70, 48, 34))
    pen.polygon([(255, 130), (230, 210), (238, 246), (176, 330), (186, 350), (226, 356), (210, 386), (222, 402), (212, 424), (232, 440), (222, 490), (252, 520),
                 (330, 512), (352, 690), (500, 690), (470, 400), (420, 250), (360, 120)], fill=(222, 178, 150))
    pen.ellipse((258, 252, 292, 272), fill=(245, 245, 242))
    pen.ellipse((260, 252, 278, 272), fill=(60, 44, 34))
    pen.line((246, 228, 300, 222), fill=(60, 40, 30), width=9)
    pen.line((222, 404, 270, 410), fill=(140, 70, 66), width=5)
    pen.ellipse((392, 280, 440, 372), fill=(206, 158, 132), outline=(160, 112, 90), width=5)
    return out.filter(ImageFilter.GaussianBlur(1.5))


def baby() -> Image.Image:
    """The astronaut's face with the proportions of a baby: eyes low and wide apart in a round head, a small chin, no hair."""
    import cv2
    large = np.array(astronaut().resize((1024, 1024), Image.Resampling.LANCZOS))
    y, x = np.mgrid[:1024, :1024].astype(np.float32)
    down, across = (y - 60) / 420, (x - 452) / 200                          # 0 at the hairline, 1 under the chin
    inside = np.clip(1.6 - np.hypot(across, 2 * down - 1), 0, 1)
    rows = 60 + 420 * np.clip(down, 0, 1) ** (1 + 0.30 * inside)             # the face slides down its head
    out = cv2.remap(large, x - 26 * across * inside * np.cos(np.pi * np.clip(down, 0, 1)), np.where((down > 0) & (down < 1), rows, y), cv2.INTER_CUBIC)
    bald = cv2.fillPoly(np.zeros((1024, 1024), np.float32), [cv2.ellipse2Poly((452, 205), (150, 165), 0, 180, 360, 5)], 1.0)
    bald = cv2.GaussianBlur(bald, (0, 0), 9)[..., None]
    return Image.fromarray((out * (1 - bald) + np.array([226, 186, 160]) * bald).astype(np.uint8))


def dog() -> Image.Image:
    """A drawn dog, looking out of the picture."""
    out = Image.new("RGB", (640, 640), (120, 160, 96))
    pen = ImageDraw.Draw(out)
    for side in (-1, 1):
        pen.polygon([(320 + side * a, b) for a, b in ((70, 150), (190, 120), (235, 330), (180, 400), (130, 260))], fill=(96, 62, 36))
    pen.ellipse((170, 110, 470, 470), fill=(176, 122, 72))
    pen.ellipse((225, 320, 415, 540), fill=(224, 190, 150))
    for side in (-1, 1):
        pen.ellipse((320 + side * 72 - 26, 236, 320 + side * 72 + 26, 292), fill=(46, 28, 18))
        pen.ellipse((312 + side * 72, 246, 324 + side * 72, 258), fill=(250, 250, 250))
    pen.ellipse((272, 338, 368, 404), fill=(28, 22, 22))
    pen.arc((240, 380, 320, 470), 10, 120, fill=(50, 30, 26), width=7)
    pen.arc((320, 380, 400, 470), 60, 170, fill=(50, 30, 26), width=7)
    pen.ellipse((296, 452, 344, 530), fill=(222, 108, 116))
    rng = np.random.default_rng(2)
    for x, y in rng.normal((320, 320), (120, 120), (6000, 2)):                # fur
        pen.line((x, y, x + rng.normal(0, 3), y + rng.uniform(4, 14)), fill=tuple(int(v) for v in rng.normal((150, 104, 60), 18)), width=1)
    return out.filter(ImageFilter.GaussianBlur(1))


def test_faces_that_are_hard_to_use_are_told_within_seconds(tmp_path: Path) -> None:
    """Each is found with a remark that says what is the matter, or not found, and then the marks can be placed by hand; none takes long."""
    photo.warm()

    def judged(picture: Image.Image) -> tuple[photo.Picture, list[photo.Found], dict[str, str]]:
        began = time.monotonic()
        read = photo.read(encoded(picture))
        found = photo.faces(read)
        made = photo.report(read, found[0]) if found else []
        assert time.monotonic() - began < 15, "seconds, on a busy machine too"
        assert all(remark.en.endswith((".", "。")) and remark.zh for remark in made)
        return read, found, {remark.code: remark.level for remark in made}
    *_, said = judged(shaded())
    assert said["glasses"] == "bad"
    far = Image.new("RGB", (900, 700), (150, 160, 170))
    far.paste(astronaut().crop((110, 0, 350, 300)).resize((64, 80), Image.Resampling.LANCZOS), (420, 300))         # a face some 40 px high
    read, found, said = judged(far)
    assert not found or said.get("size") == "bad" or said.get("points") == "bad"
    for one in found:
        if one.unit < LEAST_UNIT:
            with pytest.raises(Refused, match="px apart|No eyes"):
                photo.build(read, one, tmp_path / "face")
    *_, found, said = judged(baby())
    assert found and found[0].points is not None and "bad" not in (said["size"], said["turn"])
    *_, found, said = judged(profile())
    assert not found or said.get("points") == "bad" or said["turn"] != "good"
    for nobody in (dog(), Image.fromarray(data.coffee()), Image.new("RGB", (640, 480), (30, 90, 60))):
        read, found, said = judged(nobody)
        assert found == [] or set(said.values()) != {"good"}, "a dog may pass for a face, but not for a good one"
        marks = photo.guess(read)                                            # what the page offers instead
        assert set(marks) == set(photo.MARKS) and photo.placed(read, marks).by_hand
    assert list(tmp_path.iterdir()) == []


def test_only_mediapipes_own_remarks_are_left_out(capfd: pytest.CaptureFixture[str]) -> None:
    from twin.paint.quiet import quiet
    photo.faces(photo.read(encoded(astronaut())))
    assert capfd.readouterr().err == ""
    with quiet(), quiet():
        os.write(2, b"W0000 00:00:1.0 7 inference_feedback_manager.cc:114] Feedback manager requires\nmine, ")
        os.write(2, b"in two parts\nand without an end")
    os.write(2, b"\nafterwards\n")
    assert capfd.readouterr().err == "mine, in two parts\nand without an end\nafterwards\n"


def test_the_report_says_what_is_wrong() -> None:
    plain = remarks(astronaut())
    assert plain == {"size": "warn", "mouth": "warn"} | dict.fromkeys(("sharpness", "light", "turn", "eyes", "glasses", "covered"), "good")
    dark = remarks(astronaut().point(lambda v: v // 5))
    assert dark["light"] == "warn"
    assert remarks(shaded())["glasses"] == "bad"
    clear = astronaut().resize((1024, 1024))
    pen = ImageDraw.Draw(clear)
    for x in (374, 462):
        pen.ellipse((x, 184, x + 72, 242), outline=(30, 20, 20), width=5)
    pen.line((440, 205, 465, 205), fill=(30, 20, 20), width=5)
    assert remarks(clear)["glasses"] == "warn"
    masked = astronaut().resize((1024, 1024))
    ImageDraw.Draw(masked).polygon([(375, 262), (455, 240), (540, 262), (535, 330), (455, 375), (390, 330)], fill=(150, 190, 220))
    assert remarks(masked)["covered"] == "warn"


def test_paintings_are_judged_as_photos_are() -> None:
    girl = painting("girl_with_a_pearl_earring")
    assert remarks(girl)["turn"] == "warn"
    assert remarks(girl.filter(ImageFilter.GaussianBlur(7)))["sharpness"] == "bad"


# --- placing by hand -------------------------------------------------------------------------------------------------------------------

def test_points_placed_by_hand_go_through_the_marks() -> None:
    picture = photo.read(encoded(astronaut()))
    marks = photo.guess(picture)
    assert set(marks) == set(photo.MARKS)
    made, real = photo.placed(picture, marks), photo.faces(picture)[0]
    assert made.points is not None and real.points is not None and made.by_hand
    assert np.linalg.norm(made.points[:, :2] - real.points[:, :2], axis=1).mean() < 0.08 * real.unit
    for name, index in (("left_eye", 468), ("chin", 152), ("mouth_right", 291), ("corner_left", 33)):
        assert np.hypot(*(made.points[index, :2] - marks[name])) < 0.02 * real.unit


def test_a_cat_can_be_placed_and_built(tmp_path: Path) -> None:
    picture = photo.read(encoded(Image.fromarray(data.chelsea())))
    assert set(photo.guess(picture)) == set(photo.MARKS)
    marks = {"left_eye": (173, 110), "right_eye": (316, 136), "corner_left": (136, 107), "corner_right": (344, 127), "lid_left": (172, 87),
             "lid_right": (320, 111), "under_left": (170, 144), "under_right": (312, 162), "nose": (265, 245), "mouth_left": (210, 272),
             "mouth_right": (295, 270), "lip_top": (256, 265), "lips_upper": (255, 273), "lips_lower": (255, 273), "lip_bottom": (254, 283), "chin": (252, 296)}
    found = photo.placed(picture, marks)
    photo.build(picture, found, tmp_path / "face")
    rig = json.loads((tmp_path / "face/rig.json").read_text())
    shut = pose(rig, {"eyeBlinkLeft": 1, "eyeBlinkRight": 1})
    assert max(abs(shut[low][1] - shut[up][1]) for side in (RIGHT, LEFT) for up, low in zip(side.upper, side.lower)) < 0.6


def test_marks_that_make_no_face_are_refused() -> None:
    picture = photo.read(encoded(astronaut()))
    marks = photo.guess(picture)
    swapped = marks | {"mouth_left": marks["left_eye"], "mouth_right": marks["right_eye"], "left_eye": marks["mouth_left"],
                       "right_eye": marks["mouth_right"], "chin": (220, 20), "nose": (220, 150)}
    for wrong in (dict.fromkeys(marks, (100.0, 100.0)), {"chin": (200, 200)}, marks | {"chin": (9000, 20)}, marks | {"chin": (float("nan"), 20)},
                  marks | {"tail": (1, 1)}, swapped):
        with pytest.raises(Refused):
            photo.placed(picture, wrong)


# --- building --------------------------------------------------------------------------------------------------------------------------

def test_the_folder_is_whole(folder: Path) -> None:
    assert sorted(path.name for path in folder.iterdir()) == ["background.webp", "depth.webp", "eyes.webp", "iris.webp", "mouth.webp", "portrait.webp", "rig.json"]
    rig = json.loads((folder / "rig.json").read_text())
    points = np.array(rig["points"])
    width, height = rig["size"]
    assert width == 1024 and 1100 < height <= 1280 and (points[:, :2] > 0).all() and (points[:, :2] < [width, height]).all()
    sizes = {path.stem: Image.open(path).size for path in folder.glob("*.webp")}
    assert sizes == {"portrait": (width, height), "background": (width, height), "depth": (width, height), "eyes": (1024, 512), "mouth": (1024, 512), "iris": (512, 512)}
    assert abs(points[468, 1] - points[473, 1]) < 0.03 * rig["head"]["unit"], "the head is level"
    alpha = np.array(Image.open(folder / "portrait.webp"))[..., 3]
    assert alpha[40, 40] == 0 and alpha[640, 512] == 255 and 0.3 < (alpha > 128).mean() < 0.8
    behind = np.array(Image.open(folder / "background.webp").convert("RGB")).astype(int)
    assert np.abs(behind[400:600, 450:570].mean((0, 1)) - behind[100:300, 20:100].mean((0, 1))).max() < 60, "no trace of the face behind the face"
    assert np.array(Image.open(folder / "mouth.webp"))[..., 3].max() == 255


def test_lips_and_lids_of_the_photograph(folder: Path) -> None:
    rig = json.loads((folder / "rig.json").read_text())
    assert np.linalg.norm(np.array(rig["points"])[13] - np.array(rig["points"])[14]) > 0.1 * rig["head"]["unit"], "it smiles with teeth"
    for weights in ({}, {"jawOpen": 0.3, "mouthClose": 0.3}):
        posed = pose(rig, weights)
        assert max(np.abs(posed[up] - posed[low])[:2].max() for up, low in zip(UPPER_LIP[3], LOWER_LIP[3])) < 0.3
    triangles, unit = np.array(rig["triangles"]), rig["head"]["unit"]
    rng = np.random.default_rng(1)
    for _ in range(60):
        said = {"jawOpen": rng.uniform(0, 0.5), "mouthFunnel": rng.uniform(0, 0.5), "mouthRollLower": rng.uniform(0, 0.5), "headYaw": rng.uniform(-0.12, 0.12)}
        assert areas(pose(rig, said), triangles).min() > -1e-3 * unit ** 2


def measured(folder: Path, **poses: dict[str, float]) -> dict[str, float]:
    painter = Painter(lambda name: (folder / name.removeprefix("face/")).read_bytes(), (512, 640))
    return {name: gap(painter.frame(weights).copy()) for name, weights in poses.items()}


def test_mediapipe_sees_a_smile_with_teeth_close_and_open(folder: Path) -> None:
    seen = measured(folder, rest={}, mm=MM, ah=AH, small={"jawOpen": 0.2})
    assert seen["rest"] < 0.02 and seen["mm"] < 0.02 and seen["small"] > 0.05 and seen["ah"] > 0.15, seen


def test_mediapipe_sees_a_painting_speak(tmp_path: Path) -> None:
    picture = photo.read(encoded(painting("girl_with_a_pearl_earring")))
    photo.build(picture, photo.faces(picture)[0], tmp_path / "face")
    seen = measured(tmp_path / "face", mm=MM, ah=AH)
    assert seen["mm"] < 0.02 and seen["ah"] > 0.12, seen


def test_only_the_mouth_moves_when_it_speaks(folder: Path) -> None:
    painter = Painter(lambda name: (folder / name.removeprefix("face/")).read_bytes(), (512, 640))
    still = painter.frame({}).copy().astype(int)
    moved = np.abs(painter.frame(AH).astype(int) - still).max(2)
    rows = painter.landmarks()
    brow, nose, chin = (int(rows[i][1]) for i in (105, 2, 152))
    assert moved[:brow - 10].mean() < 0.3 and moved[nose:chin].max() > 60
    assert moved[:, :60].mean() < 0.3 and moved[:, -60:].mean() < 0.3


def test_cancelling_leaves_nothing(tmp_path: Path) -> None:
    class Cancelled(Exception):
        pass

    def stop(done: float, note: str) -> None:
        if done > 0.5:
            raise Cancelled
    picture = photo.read(encoded(astronaut()))
    with pytest.raises(Cancelled):
        photo.build(picture, photo.faces(picture)[0], tmp_path / "face", stop)
    assert list(tmp_path.iterdir()) == []


def test_faces_that_cannot_be_built_are_refused(tmp_path: Path) -> None:
    picture = photo.read(encoded(astronaut()))
    with pytest.raises(Refused, match="No eyes"):
        photo.build(picture, photo.Found((0, 0, 9, 9), None, 0.5), tmp_path / "face")
    tiny = photo.read(encoded(astronaut().resize((80, 80))))
    found = photo.faces(picture)[0]
    assert found.points is not None
    with pytest.raises(Refused, match="px apart"):
        photo.build(tiny, photo.Found(found.box, found.points * 80 / 512, 0.9), tmp_path / "face")
    assert list(tmp_path.iterdir()) == []
