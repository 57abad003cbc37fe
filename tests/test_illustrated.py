"""The illustrated twins: the program redraws them the same each time, and the committed folders hold what a renderer needs."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from twin.paint import cast, illustrated, landmarks

TWINS = Path(__file__).parents[1] / "assets/twins"


def picture(name: str, stem: str) -> np.ndarray:
    return np.array(Image.open(TWINS / name / "face" / f"{stem}.webp"))


def test_the_same_numbers_draw_the_same_portrait() -> None:
    first, plain = illustrated.draw(cast.CAST["kofi"], 160)
    again, once_more = illustrated.draw(cast.CAST["kofi"], 160)
    assert plain == once_more
    for stem, pixels in first.items():
        assert np.array_equal(pixels, again[stem]), stem
    assert first["portrait"].shape == (160, 128, 4)
    assert first["portrait"][80, 64, 3] == 255 and first["portrait"][2, 2, 3] == 0


@pytest.mark.parametrize("name", sorted(cast.CAST))
def test_folder_is_complete(name: str) -> None:
    rig = json.loads((TWINS / name / "face/rig.json").read_text())
    points = np.array(rig["points"], float)
    width, height = rig["size"]
    assert points.shape == (478, 3) and np.isfinite(points).all()
    assert (points[:, :2] > 0).all() and (points[:, :2] < [width, height]).all()
    assert width >= 1024 and picture(name, "portrait").shape == (height, width, 4)
    assert picture(name, "background").shape[:2] == (height, width)
    assert picture(name, "depth").shape[:2] == (height, width)
    assert picture(name, "eyes").shape == (512, 1024, 4) and picture(name, "iris").shape == (512, 512, 4)
    assert picture(name, "mouth").shape == (512, 1024, 4)
    for stem, most in (("portrait", 450_000), ("background", 150_000)):
        assert (TWINS / name / "face" / f"{stem}.webp").stat().st_size < most
    alpha = picture(name, "portrait")[..., 3]
    assert (alpha[:20] == 0).all(), "air above the hair"
    assert points[1, 2] < points[234, 2] and points[1, 2] < points[10, 2], "the nose is nearest"


@pytest.mark.parametrize("name", sorted(cast.CAST))
def test_mediapipe_finds_the_points_where_the_rig_has_them(name: str) -> None:
    pytest.importorskip("mediapipe", reason="mediapipe is not installed")
    rig = json.loads((TWINS / name / "face/rig.json").read_text())
    eyes, lips = landmarks.distance(landmarks.seen(TWINS / name / "face"), np.array(rig["points"], float))
    assert eyes < 0.04
    assert lips < (0.05 if name == "kofi" else 0.04), "Kofi's moustache hides the edge of his upper lip"
