"""From a picture file to a living face: what can't be read is refused in a sentence, faces are found, marks fitted, and what was built opens and shuts its mouth."""
from __future__ import annotations

import io
import json
from pathlib import Path

import numpy as np
import pytest
from conftest import ROOT, SHARED
from PIL import Image, ImageDraw, ImageFilter

from twin.errors import Refused
from twin.paint import photo
from twin.paint.draw import Painter
from twin.paint.faces import points_in
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


def test_the_report_says_what_is_wrong() -> None:
    plain = remarks(astronaut())
    assert plain == {"size": "warn", "mouth": "warn"} | dict.fromkeys(("sharpness", "light", "turn", "eyes", "glasses", "covered"), "good")
    dark = remarks(astronaut().point(lambda v: v // 5))
    assert dark["light"] == "warn"
    shades = astronaut()
    pen = ImageDraw.Draw(shades)
    pen.ellipse((186, 92, 222, 120), fill=(15, 15, 18))
    pen.ellipse((231, 92, 268, 120), fill=(15, 15, 18))
    pen.line((215, 102, 238, 102), fill=(20, 20, 20), width=3)
    assert remarks(shades)["glasses"] == "bad"
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
