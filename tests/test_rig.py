"""The rig of a face: a mesh that never folds, lips that meet, lids that shut; on a real photograph, a made-up face and the default twins."""
from __future__ import annotations

import json
from functools import cache
from pathlib import Path

import numpy as np
import pytest

from twin.errors import Missing, Refused
from twin.paint import rig as rigs
from twin.paint.form import Form
from twin.paint.pose import pose
from twin.paint.topology import LEFT, LOWER_LIP, POINTS, RIGHT, UPPER_LIP
from twin.paint.triangulate import areas, constrained
from twin.types import ARKIT

TWINS = sorted(Path(__file__).parents[1].glob("assets/twins/*/face/rig.json"))
SPECK = 0.005        # of the squared distance between the irises: what folds at a corner of an eye is smaller and cannot be seen
CLASH = [("mouthPucker", "mouthStretch"), ("mouthPucker", "mouthSmile"), ("mouthFunnel", "mouthSmile"), ("mouthFunnel", "mouthStretch"),
         ("mouthRollLower", "mouthLowerDown"), ("mouthRollUpper", "mouthUpperUp"), ("mouthSmile", "mouthFrown"), ("eyeBlink", "eyeWide")]


@cache
def photo() -> dict:
    """A rig of NASA's portrait of Eileen Collins (public domain), who smiles with her teeth."""
    data = pytest.importorskip("skimage.data", reason="scikit-image is not installed; it brings the photograph")
    mediapipe = pytest.importorskip("mediapipe", reason="MediaPipe is not installed")
    picture = data.astronaut()
    with mediapipe.solutions.face_mesh.FaceMesh(static_image_mode=True, refine_landmarks=True) as finder:
        found = finder.process(picture).multi_face_landmarks[0].landmark
    points = (np.array([[p.x, p.y, p.z] for p in found]) * 512 - [118, 10, 0]) * 1024 / 210
    return rigs.build({"size": [1024, 1280], "points": points.tolist(), "light": [-0.3, -0.5, -0.8], "shoulder_y": 1060})


@cache
def made_up() -> dict:
    """The photograph's face made symmetric: each point and its mirror image meet halfway."""
    rig = photo()
    points = np.array(rig["points"])
    q = Form.of(points, np.array(rig["triangles"])[:1]).places
    across = q * [-1, 1, 1]
    twin = np.linalg.norm(across[:, None, :2] - q[None, :, :2], axis=2)
    from scipy.optimize import linear_sum_assignment
    partner = linear_sum_assignment(twin)[1]
    for a, b in [(a, b) for x, y in pairs() for a, b in ((x, y), (y, x))]:
        partner[a] = b
    half = (q + across[partner]) / 2
    return rigs.build({"size": [1024, 1280], "points": (half + [512, 500, 0]).tolist(), "shoulder_y": 1060})


def pairs() -> list[tuple[int, int]]:
    """Landmarks that are each other's mirror image, of eyes, brows, lips and irises."""
    rows = [(getattr(RIGHT, name), getattr(LEFT, name)) for name in ("upper", "lower", "above", "fold", "below", "bag", "brow_top", "brow_low")]
    rows += [(row, row[::-1]) for row in (*UPPER_LIP, *LOWER_LIP)] + [(range(468, 469), range(473, 474))]
    return [(a, b) for one, other in rows for a, b in zip(one, other)]


def rig_of(name: str) -> dict:
    return photo() if name == "photo" else json.loads((Path(__file__).parents[1] / "assets/twins" / name / "face/rig.json").read_text())


FACES = ["photo", *(path.parts[-3] for path in TWINS)]


def plausible(rng: np.random.Generator) -> dict[str, float]:
    """Up to eight channels that a face can do at once, a jaw, a gaze and a turned head."""
    w = {str(n): float(rng.uniform(0, 0.8)) for n in rng.choice(ARKIT, rng.integers(3, 9), replace=False)}
    w["jawOpen"] = float(rng.uniform(0, 0.8)) if rng.random() < 0.6 else 0.0
    for one, other in CLASH:
        if any(n.startswith(one) for n in w):
            w = {n: v for n, v in w.items() if not n.startswith(other)}
    return w | {n: float(rng.uniform(-m, m)) for n, m in (("headYaw", 0.35), ("headPitch", 0.2), ("headRoll", 0.2), ("gazeX", 0.4), ("gazeY", 0.3))}


@pytest.mark.parametrize("name", FACES)
def test_no_triangle_folds_over(name: str) -> None:
    rig, rng = rig_of(name), np.random.default_rng(7)
    triangles, unit = np.array(rig["triangles"]), rig["head"]["unit"]
    # the photograph shows a wide smile; widening it further folds a few px of skin at the corners of its mouth
    bound = 2 * SPECK if name == "photo" else SPECK
    worst = min(areas(pose(rig, plausible(rng)), triangles).min() for _ in range(300)) / unit ** 2
    assert worst > -bound


@pytest.mark.parametrize("name", FACES)
def test_lips_meet(name: str) -> None:
    rig = rig_of(name)
    closed = pose(rig, {})
    for jaw in (0.0, 0.3, 0.8, 1.0):
        posed = pose(rig, {"jawOpen": jaw, "mouthClose": 1.0})
        for up, low in zip(UPPER_LIP[3], LOWER_LIP[3]):
            assert np.abs(posed[up] - posed[low])[:2].max() < 0.06
            assert np.abs(posed[up] - closed[up])[:2].max() < 0.25
    for shapes in ({"mouthPressLeft": 1, "mouthPressRight": 1}, {"mouthRollLower": 1, "mouthRollUpper": 1}, {"mouthSmileLeft": 1}, {"mouthPucker": 1}):
        posed = pose(rig, shapes)
        assert max(np.abs(posed[up] - posed[low])[:2].max() for up, low in zip(UPPER_LIP[3], LOWER_LIP[3])) < 0.02 * rig["head"]["unit"]


@pytest.mark.parametrize("name", FACES)
def test_the_jaw_opens_as_far_as_speech_needs(name: str) -> None:
    rig = rig_of(name)
    gaps = [(pose(rig, {"jawOpen": w})[14] - pose(rig, {"jawOpen": w})[13])[1] / rig["head"]["unit"] for w in (0, 0.25, 0.5, 0.8)]
    assert abs(gaps[0]) < 0.01 and np.all(np.diff(gaps) > 0.05) and gaps[-1] > 0.33
    moved = pose(rig, {"jawOpen": 0.6}) - pose(rig, {})
    assert moved[152, 1] > 0.7 * moved[14, 1] and abs(moved[1, 1]) < 1 and 0.2 < moved[61, 1] / moved[14, 1] < 0.6


@pytest.mark.parametrize("name", FACES)
def test_lids_shut_exactly(name: str) -> None:
    rig = rig_of(name)
    for extra in ({}, {"eyeSquintLeft": 1, "eyeSquintRight": 1}, {"gazeY": -0.3}, {"eyeWideLeft": 1, "eyeWideRight": 1}):
        posed = pose(rig, {"eyeBlinkLeft": 1, "eyeBlinkRight": 1} | extra)
        for side in (RIGHT, LEFT):
            over = [posed[low][1] - posed[up][1] for up, low in zip(side.upper, side.lower)]
            assert max(np.abs(over)) < (0.5 if extra else 0.3)
    half = pose(rig, {"eyeBlinkLeft": 0.5})
    assert half[386, 1] - pose(rig, {})[386, 1] > 3 and abs(half[159, 1] - pose(rig, {})[159, 1]) < 0.1


def test_a_symmetric_face_moves_symmetrically() -> None:
    rig = made_up()
    rest, middle = pose(rig, {}), np.array(rig["points"])[[468, 473], 0].mean()
    for name in [n for n in ARKIT if n.endswith("Left") and n not in ("jawLeft", "mouthLeft")]:
        left, right = pose(rig, {name: 1}) - rest, pose(rig, {name[:-4] + "Right": 1}) - rest
        for r, left_one in pairs():
            if abs(rest[r, 0] + rest[left_one, 0] - 2 * middle) < 0.2 and abs(rest[r, 1] - rest[left_one, 1]) < 0.2:
                # the mesh around may be cut differently on the two sides, hence a little room
                assert np.abs(left[left_one] * [-1, 1, 1] - right[r])[:2].max() < 0.02 * rig["head"]["unit"], (name, r)


@pytest.mark.parametrize("name", FACES)
def test_a_rig_is_complete_small_and_the_same_when_built_again(name: str) -> None:
    rig = rig_of(name)
    assert tuple(rig["shapes"]) == ARKIT
    assert len(json.dumps(rig, separators=(",", ":"))) < 260_000
    count = POINTS + len(rig["ring"])
    assert len(rig["ring_follow"]) == len(rig["ring_breath"]) == len(rig["ring"]) and len(rig["relief"]) == count
    assert min(rig["ring_follow"]) >= 0 and max(rig["ring_follow"]) <= 1
    assert np.array(rig["triangles"]).max() < count and not {13, 14} <= set(map(int, np.array(rig["triangles"])[0]))
    moved = {n: np.abs(np.array(s["d"])).max() if s["d"] else 0 for n, s in rig["shapes"].items()}
    assert [n for n, m in moved.items() if m < 0.5] == ["tongueOut"]
    if name == "photo":
        once = rigs.build(rig)
        assert json.dumps(rigs.build(once)) == json.dumps(once)


def test_a_breath_lifts_the_chest_and_leaves_the_border() -> None:
    rig = photo()
    up = pose(rig, {}) - pose(rig, {}, breath=1.0)
    ring = np.array(rig["ring"])
    assert up[:, 1].max() > 2 and np.abs(up[POINTS:][ring[:, 1] >= 1279.9]).max() < 1e-9


def test_points_that_are_no_face_are_refused() -> None:
    with pytest.raises(Refused, match="478 points"):
        rigs.build({"size": [100, 100], "points": [[0, 0, 0]] * 10})
    with pytest.raises(Refused, match="px apart"):
        rigs.build({"size": [100, 100], "points": [[1, 1, 0]] * POINTS})
    with pytest.raises(Missing):
        rigs.load(Path("/nowhere"))


def test_wanted_edges_are_put_in() -> None:
    rng = np.random.default_rng(1)
    points = rng.random((60, 2))
    points[:2] = [[0.0, 0.0], [1.0, 1.0]]
    points[2:][np.abs(points[2:, 0] - points[2:, 1]) < 0.02] += [0.1, 0]
    made = constrained(points, [(0, 1)])
    edges = {tuple(sorted(pair)) for t in made.tolist() for pair in zip(t, t[1:] + t[:1])}
    assert (0, 1) in edges and (areas(points, made) > 0).all()
