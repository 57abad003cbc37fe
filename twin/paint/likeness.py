"""From a look (attributes.py) to the numbers that the quick painter draws: shape, colours, light, pose. The seed gives what the look leaves open."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from .attributes import Look
from .figure import Lamp

Colour = tuple[float, ...]  # sRGB 0..255, three of them

_SKINS = np.array([(247, 214, 194), (234, 190, 163), (214, 164, 132), (184, 130, 97), (142, 95, 68), (101, 66, 48), (70, 45, 34)], float)
_IRIS = {
    "dark brown": (52, 32, 22),
    "brown": (92, 58, 34),
    "hazel": (118, 92, 50),
    "amber": (150, 98, 40),
    "green": (92, 118, 78),
    "blue": (84, 124, 160),
    "grey": (118, 128, 134),
}
HAIR = {  # in shade, its own, where light runs along it
    "black": ((9, 8, 9), (26, 23, 23), (110, 108, 112)),
    "dark brown": ((18, 11, 8), (50, 32, 23), (138, 100, 76)),
    "brown": ((30, 18, 11), (84, 54, 35), (178, 130, 90)),
    "auburn": ((34, 13, 8), (102, 44, 25), (206, 118, 74)),
    "red": ((58, 22, 9), (164, 78, 34), (244, 168, 100)),
    "blond": ((86, 62, 32), (196, 156, 96), (252, 228, 172)),
    "platinum": ((128, 116, 96), (226, 214, 188), (255, 250, 236)),
    "grey": ((58, 57, 58), (138, 137, 138), (214, 214, 216)),
    "white": ((128, 128, 128), (222, 221, 219), (255, 255, 255)),
    "pink": ((104, 34, 60), (222, 110, 150), (255, 190, 212)),
    "blue": ((16, 34, 78), (48, 92, 172), (142, 182, 240)),
    "green": ((14, 54, 40), (44, 128, 94), (140, 210, 176)),
    "purple": ((44, 20, 72), (110, 64, 158), (194, 156, 232)),
}
CLOTH = {
    "white": (236, 234, 228),
    "black": (30, 30, 33),
    "grey": (130, 132, 136),
    "navy": (32, 42, 78),
    "blue": (58, 104, 172),
    "teal": (34, 116, 116),
    "green": (54, 120, 78),
    "olive": (104, 106, 62),
    "yellow": (226, 186, 74),
    "orange": (218, 122, 58),
    "red": (186, 48, 46),
    "burgundy": (104, 30, 46),
    "pink": (226, 152, 164),
    "purple": (106, 74, 142),
    "brown": (116, 80, 56),
    "beige": (212, 194, 164),
}
_NATURAL_LIPS, _BOLD = (186, 98, 94), ((176, 26, 40), (150, 30, 66), (206, 72, 70), (120, 30, 48), (190, 60, 96))


_BLENDED = ("skin", "lip", "blush", "shadow", "iris", "brow", "turn", "gaze")


@dataclass
class Likeness:
    """One person, ready to be painted."""

    seed: int
    look: Look
    shape: dict[str, float]
    skin: Colour
    lip: Colour
    blush: Colour
    shadow: Colour  # on the lids
    iris: Colour
    hair: tuple[Colour, ...]
    brow: Colour
    amounts: dict[str, float]  # strengths 0..1 of what lies on the skin
    eyes: float  # how much larger than the template's
    brows: dict[str, float]
    lamps: tuple[Lamp, ...]
    sky: Colour
    ground: Colour
    turn: tuple[float, ...]  # yaw, pitch, roll in rad
    gaze: tuple[float, ...]
    cloth: Colour
    second: Colour


def ramp(t: float) -> np.ndarray:
    """sRGB of a skin 0..1."""
    at = float(np.clip(t, 0, 1)) * (len(_SKINS) - 1)
    k = min(int(at), len(_SKINS) - 2)
    return _SKINS[k] + (_SKINS[k + 1] - _SKINS[k]) * (at - k)


def likeness(look: Look, seed: int) -> Likeness:
    """Numbers for a whole look (`attributes.invent` gives one)."""
    rng = np.random.default_rng([seed, 13])
    age, dark, man = float(look["age"]), float(look["skin"]), look["gender"] == "man"
    old = float(np.clip((age - 30) / 52, 0, 1))
    tone = (
        ramp(dark) + rng.normal(0, 3.5, 3) + {"east asian": (0, 1, -3), "south asian": (0, 0, -3), "european": (1, -2, 0)}.get(str(look["features"]), (0, 0, 0))
    )
    warm = np.clip(tone, 20, 252)
    lip = np.array(_NATURAL_LIPS) * (1 - dark) + np.array([104, 58, 52]) * dark + rng.normal(0, 8, 3)
    bold = look["make-up"] == "bold"
    if bold:
        lip = np.array(_BOLD[int(rng.integers(len(_BOLD)))]) * (1 - 0.25 * dark)
    elif look["make-up"] == "light":
        lip = 0.65 * lip + 0.35 * np.array([196, 84, 88]) * (1 - 0.45 * dark)
    elif man:
        lip = 0.55 * lip + 0.45 * warm * [0.9, 0.72, 0.70]
    hair = tuple(tuple(np.clip(np.array(c) * rng.normal(1, 0.06), 0, 255)) for c in HAIR[str(look["hair colour"])])
    natural = look["hair colour"] in ("black", "dark brown", "brown", "auburn", "red", "grey")
    brow = 0.75 * np.array(hair[1]) + 0.25 * np.array(hair[0]) if natural else 0.45 * np.array(warm) * 0.6 + 0.4 * np.array(hair[0])
    if look["hair colour"] in ("grey", "white"):
        brow = np.array([88, 84, 80]) if rng.random() < 0.6 else np.array([150, 147, 143])
    smile = float(look["smile"])
    amounts = {
        "blush": float(np.clip(rng.normal(0.22, 0.08) + 0.22 * (look["make-up"] != "none"), 0.05, 0.6)) * (1 - 0.45 * dark),
        "freckles": 0.95 if look["freckles"] else 0.0,
        "hollow": 0.10 + 0.22 * old + 0.06 * rng.random(),
        "lid": {"none": 0.10, "light": 0.35, "bold": 0.8}[str(look["make-up"])],
        "line": float(old**1.2) * rng.uniform(0.75, 1.1),
        "groove": 0.10 + 0.32 * old + 0.25 * max(0.0, smile),
        "mottle": rng.uniform(0.7, 1.2) + 0.5 * old,
        "shine": rng.uniform(0.7, 1.25) * (1 + 0.25 * dark),
        "stubble": {"stubble": rng.uniform(0.30, 0.5), "short": 0.5, "full": 0.5, "goatee": 0.16, "moustache": 0.14}.get(
            str(look["beard"]), 0.05 if man else 0.0
        ),
        "wet": 0.5 + 0.7 * bold,
        "spots": float(old > 0.55) * rng.uniform(0, 0.7),
    }
    side = 1.0 if rng.random() < 0.5 else -1.0
    lamps, sky, ground = _light(str(look["light"]), side, dark, rng)
    return Likeness(
        seed,
        look,
        _shape(look, rng, old, man, smile),
        tuple(warm),
        tuple(np.clip(lip, 10, 250)),
        tuple(np.clip(0.35 * warm + 0.65 * np.array([206, 92, 84]) * (1 - 0.5 * dark), 10, 250)),
        _shadow(bold, rng, warm),
        tuple(np.clip(np.array(_IRIS[str(look["eyes"])]) * rng.normal(1, 0.08) + rng.normal(0, 4, 3), 15, 220)),
        hair,
        tuple(np.clip(brow, 8, 230)),
        amounts,
        1.31 + 0.09 * float(look["eye size"]) - 0.04 * man,
        {
            "width": {"thin": 0.72, "medium": 1.0, "thick": 1.38}[str(look["brows"])] * (1.1 if man else 0.95),
            "density": {"thin": 0.8, "medium": 1.0, "thick": 1.2}[str(look["brows"])] * (1 - 0.25 * old),
            "arch": rng.normal(0.05 if man else 0.35, 0.25),
            "lift": rng.normal(0.0, 0.02) - 0.02 * man,
            "tilt": rng.normal(0, 0.03),
            "length": rng.normal(1, 0.05),
            "liner": {"none": 0.12 if man else 0.25, "light": 0.55, "bold": 1.0}[str(look["make-up"])],
            "lash": {"none": 0.45 if man else 0.7, "light": 0.95, "bold": 1.25}[str(look["make-up"])],
        },
        lamps,
        sky,
        ground,
        (np.radians(14) * float(look["turn"]), np.radians(rng.normal(0, 2.6)), np.radians(rng.normal(0, 2.2))),
        (float(rng.normal(0, 0.015)), float(rng.normal(0, 0.012))),
        CLOTH[str(look["clothes colour"])],
        CLOTH[str(rng.choice(["white", "black", "grey", "navy", "beige", "blue", "brown"]))],
    )


def _shadow(bold: bool, rng: np.random.Generator, skin: np.ndarray) -> Colour:
    if not bold:
        return tuple(np.clip(skin * [0.72, 0.55, 0.52], 0, 255))
    return tuple(np.array([(96, 52, 44), (70, 50, 84), (44, 62, 92), (120, 76, 40), (58, 46, 44), (108, 48, 72)][int(rng.integers(6))], float))


def _light(kind: str, side: float, dark: float, rng: np.random.Generator) -> tuple[tuple[Lamp, ...], Colour, Colour]:
    lift = 0.86 + 0.46 * dark
    high = rng.uniform(0.4, 0.7)
    key, fill, rim = {
        "soft": ((1.16, 1.10, 1.03), 0.36, 0.55),
        "side": ((1.55, 1.44, 1.32), 0.16, 0.8),
        "warm": ((1.34, 1.19, 1.03), 0.24, 1.0),
        "cool": ((1.10, 1.18, 1.34), 0.28, 0.9),
    }[kind]
    across = {"soft": 0.42, "side": 0.85, "warm": 0.6, "cool": 0.55}[kind] * rng.uniform(0.8, 1.2)
    tint = {"warm": (1.4, 1.0, 0.62), "cool": (0.75, 0.92, 1.35)}.get(kind, (1.0, 0.96, 0.9))
    one = Lamp((side * across, high, 0.75), tuple(c * lift for c in key))
    two = Lamp((-side * 0.8, 0.12, 0.6), (fill * lift, fill * 1.06 * lift, fill * 1.15 * lift))
    three = Lamp((-side * 0.85, 0.32, -0.45), tuple(rim * c for c in tint))
    sky = {"soft": (0.36, 0.37, 0.385), "side": (0.20, 0.215, 0.25), "warm": (0.29, 0.275, 0.265), "cool": (0.27, 0.31, 0.40)}[kind]
    return (one, two, three), tuple(s * lift for s in sky), tuple(s * 0.62 * lift for s in sky)


def _shape(look: Look, rng: np.random.Generator, old: float, man: bool, smile: float) -> dict[str, float]:
    """Weights of the mesh's targets."""
    sex, out = "male" if man else "female", {}
    mixture = {
        "european": (("caucasian", 1.0),),
        "african": (("african", 1.0),),
        "east asian": (("asian", 1.0),),
        "south asian": (("caucasian", 0.75), ("asian", 0.1), ("african", 0.15)),
        "mixed": (("caucasian", 0.4), ("african", 0.35), ("asian", 0.25)),
    }[str(look["features"])]
    weights = np.array([share for _, share in mixture]) * rng.uniform(0.75, 1.25, len(mixture))
    total = rng.uniform(0.82, 1.02)
    for (name, _), share in zip(mixture, weights / weights.sum() * total):
        years = 0.72 * old
        for when, part in (("young", 1 - years), ("old", years)):
            out[f"{name}-{sex}-{when}"] = float(share * part)
    if rng.random() < 0.5:  # a little of another sex or origin: nobody is the mean
        other = rng.choice(["caucasian", "african", "asian"])
        key = f"{other}-{'female' if man else 'male'}-young"
        out[key] = out.get(key, 0.0) + rng.uniform(0.03, 0.12)

    def add(name: str, value: float) -> None:
        """A target with two ends (incr/decr, up/down ...), by its sign; `*-` stands for both sides."""
        if abs(value) < 0.01:
            return
        stem, _, ends = name.rpartition("-")
        more, less = ends.split("/")
        full = f"{stem}-{more if value > 0 else less}"
        out[full] = out.get(full, 0.0) + float(min(abs(value), 1.1))

    out["head-age-incr"] = 0.38 * old
    if age_less := max(0.0, 0.25 - old):
        out["head-age-decr"] = age_less
    face = str(look["face"])
    out[
        {
            "oval": "head-oval",
            "round": "head-round",
            "square": "head-square",
            "heart": "head-invertedtriangular",
            "long": "head-rectangular",
            "diamond": "head-diamond",
        }[face]
    ] = rng.uniform(0.35, 0.65) * (0.75 if face in ("heart", "diamond") else 1.0)
    add("head-scale-vert-incr/decr", {"long": 0.45, "round": -0.35}.get(face, 0.0) + rng.normal(0, 0.10))
    add("chin-width-incr/decr", {"square": 0.35, "heart": -0.5, "oval": -0.25}.get(face, 0.0) + (0.12 if man else -0.25) + rng.normal(0, 0.15))
    weight = float(look["weight"])
    add("head-fat-incr/decr", 0.55 * weight)
    add("*-cheek-volume-incr/decr", 0.45 * weight + rng.normal(0.05, 0.18))
    add("neck-double-incr/decr", 0.4 * max(0.0, weight))
    add("*-cheek-bones-incr/decr", rng.normal(0.15 if man else 0.1, 0.25))
    add("neck-scale-horiz-incr/decr", (0.12 if man else -0.42) + 0.3 * weight + rng.normal(0, 0.12))
    nose = str(look["nose"])
    add("nose-scale-horiz-incr/decr", {"small": -0.5, "broad": 0.45, "long": -0.15}.get(nose, -0.12) + rng.normal(0, 0.12))
    add("nose-scale-vert-incr/decr", {"small": -0.35, "long": 0.5, "aquiline": 0.2}.get(nose, 0.0) + rng.normal(0, 0.10))
    add("nose-width3-incr/decr", {"small": -0.3, "broad": 0.45}.get(nose, 0.0) + rng.normal(0, 0.12))
    add("nose-hump-incr/decr", {"aquiline": 0.9, "small": -0.2}.get(nose, 0.0) + rng.normal(0, 0.12))
    add("nose-point-up/down", {"small": 0.35, "aquiline": -0.45, "long": -0.2}.get(nose, 0.1) + rng.normal(0, 0.15))
    add("nose-scale-depth-incr/decr", {"aquiline": 0.35, "small": -0.2}.get(nose, 0.0) + rng.normal(0, 0.12))
    lips = {"thin": -0.55, "medium": 0.0, "full": 0.42}[str(look["lips"])] - 0.3 * old - (0.35 if look["features"] == "african" else 0.0)
    for name in ("mouth-lowerlip-volume", "mouth-upperlip-volume", "mouth-lowerlip-height", "mouth-upperlip-height"):
        add(f"{name}-incr/decr", 0.75 * lips + rng.normal(0, 0.12))
    add("mouth-scale-horiz-incr/decr", rng.normal(0.12, 0.18) + (0.35 if look["features"] == "african" else 0.0) + 0.2 * max(0.0, smile))
    add("mouth-cupidsbow-incr/decr", rng.normal(0.1, 0.25))
    for name, mean, deviation in (
        ("*-eye-scale-incr/decr", 0.0, 0.12),
        ("*-eye-corner2-up/down", 0.05, 0.25),
        ("*-eye-corner1-up/down", 0.0, 0.2),
        ("*-eye-trans-in/out", 0.0, 0.2),
        ("*-eye-height2-incr/decr", 0.2 + 0.3 * float(look["eye size"]) - 0.15 * old, 0.18),
        ("eyebrows-angle-up/down", 0.0, 0.25),
        ("eyebrows-trans-up/down", 0.0, 0.25),
        ("*-ear-scale-incr/decr", 0.25 * old, 0.3),
        ("*-ear-wing-incr/decr", 0.0, 0.3),
        ("chin-height-incr/decr", 0.0, 0.25),
        ("chin-prominent-incr/decr", 0.1 if man else 0.0, 0.2),
        ("chin-jaw-drop-incr/decr", 0.05, 0.15),
        ("forehead-scale-vert-incr/decr", 0.0, 0.2),
        ("forehead-temple-incr/decr", 0.0, 0.2),
        ("mouth-trans-up/down", 0.0, 0.15),
        ("nose-trans-up/down", 0.0, 0.15),
        ("nose-base-up/down", 0.0, 0.2),
        ("nose-nostrils-width-incr/decr", 0.0, 0.25),
        ("*-eye-bag-incr/decr", 0.5 * old, 0.12),
        ("mouth-philtrum-volume-incr/decr", 0.0, 0.25),
        ("chin-bones-incr/decr", 0.2 if man else -0.1, 0.2),
        ("head-scale-horiz-incr/decr", 0.0, 0.12),
    ):
        add(name, rng.normal(mean, deviation))
    if man and rng.random() < 0.2:
        out["chin-cleft-incr"] = rng.uniform(0.2, 0.8)
    if look["features"] == "east asian":
        add("*-eye-epicanthus-in/out", rng.uniform(0.1, 0.6))
    # the mouth: what pulls at it
    out["mouth-corner-puller"] = out.get("mouth-corner-puller", 0.0) + 0.22 + 0.70 * max(0.0, smile)
    if smile > 0:
        out["mouth-angles-up"] = out.get("mouth-angles-up", 0.0) + 0.25 + 0.35 * smile
        for both in ("l", "r"):
            key = f"{both}-cheek-trans-up"
            out[key] = out.get(key, 0.0) + 0.3 * smile
    else:
        add("mouth-angles-up/down", 0.15 + 0.9 * smile)
    out["mouth-laugh-lines-in"] = 0.3 * old + 0.2 * max(0.0, smile)
    return out


def mixed(people: list[tuple[Likeness, float]]) -> Likeness:
    """One person between several: numbers by weight, and of what can't be between (hair, glasses, clothes) the heaviest one's."""
    total = sum(weight for _, weight in people)
    first = max(people, key=lambda one: one[1])[0]

    def blend(values: list) -> tuple[float, ...]:
        return tuple(np.average(np.array(values, float), axis=0, weights=[weight / total for _, weight in people]))

    def number(values: list) -> float:
        return float(np.average(values, weights=[weight / total for _, weight in people]))

    shape = {
        name: float(sum(one.shape.get(name, 0.0) * weight for one, weight in people) / total) for name in {name for one, _ in people for name in one.shape}
    }
    amounts, brows = ({key: number([getattr(one, kind)[key] for one, _ in people]) for key in getattr(first, kind)} for kind in ("amounts", "brows"))
    tones: dict[str, Any] = {name: blend([getattr(one, name) for one, _ in people]) for name in _BLENDED}
    hair = tuple(blend([one.hair[k] for one, _ in people]) for k in range(3))
    return replace(first, shape=shape, amounts=amounts, brows=brows, hair=hair, eyes=number([one.eyes for one, _ in people]), **tones)
