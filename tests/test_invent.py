"""Invented faces: what a look is, wishes in words, and the quick painter, from the same numbers to the same picture with its rig."""
from __future__ import annotations

import numpy as np
import pytest

from twin.errors import Missing, Refused
from twin.paint import attributes, invent, likeness, quick, wish

WISH = "a woman of sixty with silver curls, round glasses and a kind smile"


def test_a_look_is_whole_kept_to_the_wish_and_the_same_for_its_seed():
    asked = {"gender": "man", "beard": "full", "age": 61.0, "glasses": "round"}
    for seed in range(60):
        look = attributes.invent(seed, asked)
        assert look == attributes.invent(seed, asked) and set(look) == set(attributes.ATTRIBUTES)
        assert {name: look[name] for name in asked} == asked
        vector = attributes.vector(look)
        assert vector.shape == (attributes.WIDTH,) and np.abs(vector).max() <= 1 + 1e-6
    assert len({str(attributes.invent(seed)) for seed in range(50)}) == 50


def test_no_woman_has_a_beard_that_nobody_wished_and_nobody_is_a_child():
    looks = [attributes.invent(seed) for seed in range(400)]
    assert all(look["beard"] == "none" for look in looks if look["gender"] == "woman")
    assert min(float(look["age"]) for look in looks) >= 18
    for name in ("gender", "features", "hair", "glasses", "beard", "headwear"):
        assert len({look[name] for look in looks}) == len(attributes.ATTRIBUTES[name].often), f"a {name} never occurred"


def test_what_a_page_sends_is_held_between_its_ends():
    assert attributes.checked({"age": 4, "hair": "bob", "glasses": "monocle", "freckles": 1, "__class__": "x", "skin": float("nan")}) == {"age": 18.0, "hair": "bob"}


@pytest.mark.parametrize("chinese", [False, True])
def test_captions_are_read_back(chinese):
    right = told = 0
    for seed in range(300):
        look = attributes.invent(seed)
        for name, value in wish.read(attributes.caption(look, seed, chinese)).asked.items():
            if not isinstance(attributes.ATTRIBUTES[name], attributes.Measure):
                told, right = told + 1, right + (look[name] == value)
    assert told > 1000 and right / told > 0.96


@pytest.mark.parametrize(("words", "asked"), [
    (WISH, {"gender": "woman", "age": 60.0, "hair": "curly short", "hair colour": "grey", "glasses": "round", "smile": 0.7}),
    ("a man with a red, full beard and a white shirt", {"beard": "full", "hair colour": "red", "clothes colour": "white"}),
    ("old man, bald, grey moustache, serious, in a library", {"gender": "man", "hair": "bald", "beard": "moustache", "background": "room"}),
    ("a young Black man with a full beard and a navy hoodie, no glasses", {"beard": "full", "glasses": "none", "clothes": "hoodie", "clothes colour": "navy"}),
    ("East Asian woman with a bob and fringe, cat-eye glasses", {"features": "east asian", "hair": "bob", "fringe": True, "glasses": "cat-eye"}),
    ("戴圆框眼镜的短发姑娘", {"gender": "woman", "glasses": "round", "hair": "short"}),
    ("黑色短发、灰白胡子的男人", {"gender": "man", "hair colour": "black", "beard": "short"}), ("白胡子老爷爷", {"hair colour": "white", "beard": "short"}),
    ("六十多岁的男人，白色短发，大胡子，穿藏青色毛衣", {"gender": "man", "age": 64.0, "hair colour": "white", "beard": "full", "clothes colour": "navy"}),
])
def test_wishes_in_both_languages(words, asked):
    assert asked.items() <= wish.read(words).asked.items()


def test_what_was_not_understood_is_told():
    assert {"wizard", "robe"} <= set(wish.read("a wizard in a purple robe").left)
    assert wish.read("").asked == {} and wish.read("???").asked == {}


@pytest.mark.parametrize("words", ["someone who looks like Taylor Swift", "portrait of Emma Watson", "mark zuckerberg", "photo of Angela Merkel laughing", "长得像周杰伦的男人"])
def test_a_real_person_is_refused(words):
    with pytest.raises(Refused, match="real person"):
        wish.read(words)


@pytest.mark.parametrize("words", ["a little girl with pigtails", "a 12-year-old boy", "a teenager in a red dress", "一个小女孩", "十五岁的少女", "a boy"])
def test_a_child_is_refused(words):
    with pytest.raises(Refused, match="adults"):
        wish.read(words)


@pytest.mark.parametrize("words", ["a girl of 22 in a red dress", "Kind old lady with a white bun", "A Black Woman In Her Thirties", "二十五岁的女孩"])
def test_grown_ups_are_not(words):
    assert wish.read(words).asked["gender"] == "woman"


def test_the_same_numbers_give_the_same_picture_and_others_another():
    one, other = (likeness.likeness(attributes.invent(seed), seed) for seed in (3, 4))
    first, again = quick.paint(one, 96), quick.paint(likeness.likeness(attributes.invent(3), 3), 96)
    assert np.array_equal(first.picture, again.picture) and np.array_equal(first.points, again.points)
    assert np.abs(first.picture.astype(int) - quick.paint(other, 96).picture).mean() > 10


@pytest.mark.parametrize("wished", [{"hair": "bald", "beard": "full"}, {"headwear": "headscarf", "gender": "woman"}, {"headwear": "turban"}, {"headwear": "beanie", "hair": "long wavy"},
                                    {"glasses": "cat-eye", "earrings": "hoops", "hair": "bun"}, {"hair": "afro", "clothes": "blazer"}, {"hair": "ponytail", "fringe": True, "clothes": "hoodie"},
                                    {"age": 85.0, "turn": 1.0, "background": "lights"}, {"age": 18.0, "turn": -1.0, "background": "garden"}])
def test_every_kind_of_look_is_painted(wished):
    picture = quick.paint(likeness.likeness(attributes.invent(8, wished), 8), 96)
    assert picture.picture.shape == (96, 96, 3) and picture.picture.std() > 20 and np.isfinite(picture.points).all()
    assert ((picture.points[:, :2] > 0) & (picture.points[:, :2] < 96)).all()


def test_its_points_are_where_mediapipe_sees_them():
    faces = pytest.importorskip("twin.paint.faces")
    pytest.importorskip("mediapipe")
    off = []
    for seed in range(2000, 2008):
        made = quick.paint(likeness.likeness(attributes.invent(seed), seed), 256, 1.5)
        seen = faces.points_in(made.picture)
        assert seen is not None, f"no face is seen in {seed}"
        unit = np.linalg.norm(made.points[468, :2] - made.points[473, :2])
        off.append(np.linalg.norm(made.points[:, :2] - seen[:, :2], axis=1).mean() / unit)
    assert np.median(off) < 0.08


def test_an_engine_invents_varies_and_walks():
    painter = invent.engine("illustrated")
    four = list(painter.faces(wish.read(WISH).asked, 5, 2))
    assert four[0].recipe != four[1].recipe and four[0].picture.shape == (256, 256, 3)
    near = next(painter.like(four[0].recipe, 1, 1))
    way = painter.between(four[0].recipe, four[1].recipe, 0.5)
    ends = painter.between(four[0].recipe, four[1].recipe, 0.0)
    assert np.array_equal(ends.picture, four[0].picture)
    assert not np.array_equal(way.picture, four[0].picture) and not np.array_equal(near.picture, four[0].picture)
    assert np.abs(painter.portrait(four[0].recipe, 256).astype(int) - four[0].picture).mean() < 1e-9


@pytest.mark.parametrize("recipe", [{}, {"parts": []}, {"parts": [{"look": {}, "seed": "x", "weight": 1}]}, {"parts": "abc"}, {"parts": [{}] * 99}, []])
def test_a_recipe_that_is_none_is_refused(recipe):
    with pytest.raises(Refused, match="invented face"):
        invent.engine("illustrated").portrait(recipe, 64)


def test_an_unknown_engine_is_refused_and_a_hub_wants_a_name():
    with pytest.raises(Refused, match="no engine"):
        invent.engine("magic")
    with pytest.raises(Missing, match="No pipeline"):
        invent.engine("hub")


def test_its_layers_are_the_person_and_what_is_behind():
    painter = invent.engine("illustrated")
    face = next(painter.faces({"hair": "curly short", "background": "lights"}, 3, 1))
    picture, (alpha, behind) = painter.portrait(face.recipe, 256), painter.layers(face.recipe, 256)
    assert alpha.shape == (256, 256) and behind.shape == (256, 256, 3) and 0.25 < (alpha > 250).mean() < 0.8
    assert np.abs(picture[alpha == 0].astype(int) - behind[alpha == 0]).max() <= 1     # nothing of the person there, but for what rounds to nothing
    assert ((alpha > 20) & (alpha < 235)).mean() > 0.005                               # single hairs
