"""Photos in another style: what is read off painted people whose looks are known, the four twins redrawn, and where the face is afterwards."""
from __future__ import annotations

from dataclasses import replace
from functools import lru_cache

import cv2
import numpy as np
import pytest
from conftest import ROOT
from PIL import Image

from twin.errors import Refused
from twin.paint import quick, restyle
from twin.paint.attributes import invent
from twin.paint.likeness import likeness

faces = pytest.importorskip("twin.paint.faces")
pytest.importorskip("mediapipe")


@lru_cache(maxsize=32)
def painted(seed: int, **wished):
    """(likeness, picture, MediaPipe's points on it)"""
    who = likeness(invent(seed, {"headwear": "none", "light": "soft", **wished}), seed)
    shown = quick.paint(who, 320, 1.5)
    found = faces.points_in(shown.picture)
    assert found is not None
    return who, shown, faces.steadied(shown.picture, found)


@lru_cache(maxsize=4)
def twin(name: str):
    """(portrait over its background, its points)"""
    folder = ROOT / "assets" / "twins" / name / "face"
    front = Image.open(folder / "portrait.webp").convert("RGBA").resize((512, 640))
    whole = Image.open(folder / "background.webp").convert("RGB").resize((512, 640))
    whole.paste(front, (0, 0), front)
    picture = np.asarray(whole)
    return picture, faces.steadied(picture, faces.points_in(picture))


@lru_cache(maxsize=4)
def redrawn(name: str):
    return restyle.read(*twin(name))


def proportions(points):
    def far(a, b):
        return np.linalg.norm(points[a, :2] - points[b, :2])
    unit = far(468, 473)
    return np.array([far(a, b) / unit for a, b in ((234, 454), (172, 397), (9, 152), (48, 278), (168, 2), (61, 291), (33, 133), (2, 152))])


def test_a_face_comes_upright_into_its_square():
    picture, points = twin("maya")
    turned = cv2.getRotationMatrix2D((200, 300), 25, 0.8)
    lying = cv2.warpAffine(picture, turned, (512, 640))
    one, at = restyle.framed(picture, points, 256)
    other, there = restyle.framed(lying, restyle.carried(points, turned), 256)
    assert restyle.moved(at, there) < 1e-6 and one.shape == (256, 256, 3)
    assert np.abs(one[100:180, 90:170].astype(int) - other[100:180, 90:170]).mean() < 4
    eyes = at[468, 1], at[473, 1]
    assert abs(eyes[0] - eyes[1]) < 6 and 90 < eyes[0] < 130
    shown = painted(4)[1]
    assert restyle.moved(restyle.framed(shown.picture, shown.points, 320)[1], shown.points) < 0.25, "the painter frames people so"


def test_a_similarity_is_found():
    rng = np.random.default_rng(0)
    points = rng.normal(0, 40, (478, 3))
    matrix = cv2.getRotationMatrix2D((10, 20), 33, 1.7)
    assert np.allclose(restyle.onto(points, restyle.carried(points, matrix)), matrix)


@pytest.mark.parametrize("seed", [5001, 5007, 5012, 5033])
def test_the_shape_of_a_head_is_found_from_its_points(seed):
    who, shown, _ = painted(seed)
    found = restyle.fit(shown.points.astype(float))
    assert found.left < 0.02 and np.degrees(np.abs(np.subtract(found.turn, who.turn))).max() < 4
    again = quick.paint(replace(who, shape=found.shape, eyes=found.eyes, turn=found.turn), 64, 1.0)
    assert np.abs(proportions(again.points) / proportions(shown.points) - 1).max() < 0.06
    assert all(0 <= weight <= 1.01 for weight in found.shape.values())


@pytest.mark.parametrize(("yaw", "pitch", "roll"), [(0.45, 0.0, 0.0), (-0.3, 0.12, 0.08)])
def test_the_pose_of_a_head_is_found_from_its_points(yaw, pitch, roll):
    who = replace(painted(5001)[0], turn=(yaw, pitch, roll))
    found = restyle.fit(quick.paint(who, 128, 1.0).points.astype(float))
    assert np.degrees(np.abs(np.subtract(found.turn, (yaw, pitch, roll)))).max() < 5


@pytest.mark.parametrize(("seed", "wished"), [
    (1, {"gender": "woman", "skin": 0.1, "hair": "long wavy", "hair colour": "blond", "glasses": "none"}),
    (2, {"gender": "man", "skin": 0.85, "hair": "bald", "beard": "full", "glasses": "round", "features": "african"}),
    (3, {"gender": "man", "skin": 0.3, "hair": "side part", "hair colour": "black", "beard": "none", "glasses": "square"}),
    (4, {"gender": "woman", "skin": 0.6, "hair": "afro", "hair colour": "black", "glasses": "none"}),
])
def test_a_known_look_is_read_back(seed, wished):
    who, shown, points = painted(seed, **wished)
    look, found = restyle.read(shown.picture, points)
    assert abs(float(look["skin"]) - float(who.look["skin"])) < 0.2
    assert np.linalg.norm(restyle.lab(np.array(found.skin)) - restyle.lab(np.array(who.skin))) < 16
    assert look["hair"] == who.look["hair"]
    if who.look["hair"] != "bald":
        assert look["hair colour"] == who.look["hair colour"]
    assert (look["glasses"] == "none") == (who.look["glasses"] == "none")
    assert (look["beard"] in ("none", "stubble")) == (who.look["beard"] in ("none", "stubble"))
    assert "age" not in look and "gender" not in look, "nobody's age or gender is guessed"


def test_what_a_person_says_goes_before_what_is_seen():
    look, who = restyle.read(*twin("hao"), told={"age": 66.0, "gender": "man", "hair": "bald", "glasses": "round"}, rounds=1)
    assert (look["age"], look["gender"], look["hair"], look["glasses"]) == (66.0, "man", "bald", "round")
    assert any(weight > 0.01 for name, weight in who.shape.items() if name.endswith("-old"))


@pytest.mark.parametrize(("name", "cuts", "colours", "beards"), [
    ("maya", ("long curly", "long wavy"), ("brown", "auburn", "dark brown"), ("none",)), ("kofi", ("buzz", "crop"), ("grey", "white"), ("short", "full", "stubble")),
    ("lin", ("bob", "long straight"), ("black",), ("none",)), ("hao", ("short", "pixie", "quiff"), ("black",), ("none",))])
def test_the_four_twins_are_drawn_anew(name, cuts, colours, beards):
    picture, points = twin(name)
    look, who = redrawn(name)
    assert look["hair"] in cuts and look["hair colour"] in colours and look["beard"] in beards and look["glasses"] == "none"
    photo = restyle.looked(picture, points)
    shown = quick.paint(who, 384, 1.5)
    seen = restyle.looked(shown.picture, faces.steadied(shown.picture, faces.points_in(shown.picture)))
    wanted, got = restyle._tones(photo), restyle._tones(seen)
    assert np.linalg.norm(wanted["skin"] - got["skin"]) < 6 and np.linalg.norm(wanted["lip"] - got["lip"]) < 9
    assert np.linalg.norm(wanted["hair"] - got["hair"]) < (14 if look["hair"] not in ("buzz", "crop") else 24), "between cropped hairs skin shows"
    assert restyle.moved(seen.points, photo.points) < 0.06
    assert np.abs(proportions(seen.points) / proportions(photo.points) - 1).max() < 0.12


def test_the_face_stays_in_its_place_and_strength_says_how_much_of_it():
    picture, points = twin("lin")
    photo, at = restyle.framed(picture, points, 256)
    none = restyle.restyle(picture, points, 0.0, size=256)
    assert np.array_equal(none.picture, photo) and none.moved == 0
    half, whole = (restyle.restyle(picture, points, strength, size=256) for strength in (0.4, 1.0))
    far = [np.abs(one.picture.astype(int) - photo).mean() for one in (half, whole)]
    assert 0 < far[0] < far[1] and whole.moved < 0.06 and half.moved < whole.moved
    assert whole.points.shape == (478, 3) and restyle.moved(whole.points, at) == pytest.approx(whole.moved, abs=1e-5)


class Brush:
    """A pipeline without a model: OpenCV's edge-preserving filter as a style."""

    def __init__(self, shift: int = 0):
        self.shift = shift

    def redrawn(self, picture, prompt, strength, seed):
        out = cv2.stylization(picture, sigma_s=60 * strength, sigma_r=0.3)
        return np.roll(out, self.shift, 1)


def test_a_pipeline_is_given_the_square_and_its_result_is_looked_at():
    picture, points = twin("maya")
    plain = restyle.restyle(picture, points, 0.5, Brush(), words="a watercolour", size=256)
    assert plain.picture.shape == (256, 256, 3) and plain.moved < 0.05
    assert restyle.restyle(picture, points, 0.5, Brush(20), size=256).moved > 0.2, "a face that went elsewhere is told of"
    with pytest.raises(Refused, match="real person"):
        restyle.restyle(picture, points, 0.5, Brush(), words="looks like Taylor Swift")


def test_a_result_without_a_face_is_refused(tmp_path):
    pytest.importorskip("diffusers")
    from test_hub_paint import diffusion

    from twin.paint.hub import Hub
    picture, points = twin("maya")
    pipe = Hub(diffusion(tmp_path / "sd"), px=32, steps=2, say=lambda line: None)
    with pytest.raises(Refused, match="no face|not where it was"):
        restyle.restyle(picture, points, 0.9, pipe, size=128)


@pytest.mark.parametrize("points", [np.zeros((468, 3)), np.full((478, 3), np.nan), np.zeros((478, 3))])
def test_points_that_are_none_are_refused(points):
    with pytest.raises(Refused):
        restyle.restyle(twin("maya")[0], points, 0.0)
