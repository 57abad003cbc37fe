"""Who the four default twins are to the painter: shape, skin, hair, clothes, place and light. Numbers only; persona.yaml says the rest."""

from __future__ import annotations

from dataclasses import dataclass, field

from .clothes import Piece, apron, band, below, leaves, open_front
from .features import Traits
from .figure import Lamp
from .hair import Colour
from .skin import Complexion


@dataclass(frozen=True)
class Sitter:
    """Everything the painter needs to draw one person."""

    seed: int
    shape: dict[str, float]
    complexion: Complexion
    traits: Traits
    iris: tuple[int, int, int]
    hair: tuple[tuple[str, Colour], ...]
    clothes: tuple[Piece, ...]
    scene: str
    eyes: float = 1.24  # how much larger than the template's
    lift: float = 0.0
    scale: float = 305.0  # px per dm in a picture 1280 px high
    eye_line: float = 0.435  # height of the eyes in the picture
    lamps: tuple[Lamp, ...] = field(
        default_factory=lambda: (
            Lamp((-0.55, 0.55, 0.75), (1.28, 1.19, 1.08)),
            Lamp((0.80, 0.12, 0.55), (0.22, 0.245, 0.29)),
            Lamp((0.85, 0.30, -0.45), (1.0, 0.95, 0.9)),
        )
    )
    sky: tuple[float, float, float] = (0.27, 0.29, 0.33)
    ground: tuple[float, float, float] = (0.17, 0.14, 0.12)


WARM_RIM = Lamp((0.85, 0.30, -0.45), (1.35, 1.0, 0.66))
COOL_RIM = Lamp((0.85, 0.32, -0.45), (0.75, 0.88, 1.45))
FRIENDLY = {"mouth-corner-puller": 0.34, "mouth-angles-up": 0.35}

MAYA = Sitter(
    seed=29,
    shape={
        "caucasian-female-young": 0.62,
        "african-female-young": 0.28,
        "asian-female-young": 0.10,
        "head-oval": 0.35,
        "neck-scale-horiz-decr": 0.45,
        "*-cheek-volume-incr": 0.15,
        "nose-scale-horiz-decr": 0.35,
        "nose-point-up": 0.2,
        "chin-width-decr": 0.25,
        "head-age-decr": 0.25,
        **FRIENDLY,
    },
    complexion=Complexion((204, 150, 120), (186, 96, 92), (208, 104, 88), blushing=0.26, freckles=1.0),
    traits=Traits((46, 29, 22), brow_width=1.0, brow_arch=0.25, liner=0.65, lash_length=1.0),
    iris=(98, 62, 34),
    hair=(("loose_curls", Colour((20, 11, 8), (62, 36, 25), (176, 124, 86))),),
    clothes=(
        Piece((232, 222, 202), below((5.44, 5.74, 5.98)), 0.035, folds=0.8, hem=0.085, rib=0.8),
        Piece((36, 112, 108), apron, 0.075, folds=0.6, hem=0.05, weave="canvas"),
    ),
    scene="workshop",
    lamps=(Lamp((-0.55, 0.55, 0.75), (1.28, 1.19, 1.08)), Lamp((0.80, 0.12, 0.55), (0.22, 0.245, 0.29)), WARM_RIM),
)

KOFI = Sitter(
    seed=61,
    shape={
        "african-male-young": 0.80,
        "african-male-old": 0.20,
        "head-age-incr": 0.15,
        "head-oval": 0.2,
        "nose-scale-horiz-decr": 0.15,
        "*-cheek-volume-incr": 0.3,
        "*-eye-height2-incr": 0.3,
        **FRIENDLY,
        "mouth-corner-puller": 0.5,
    },
    complexion=Complexion((112, 72, 52), (126, 74, 68), (132, 62, 46), blushing=0.16, shine=1.25, lines=0.6, mottle=0.9),
    traits=Traits((38, 32, 30), brow_width=1.0, grey=0.12, brow_density=0.8, liner=0.25, lash_length=0.6, lash=(18, 14, 12)),
    iris=(66, 40, 26),
    hair=(
        ("cropped", Colour((58, 54, 52), (140, 137, 133), (226, 224, 220), spread=0.22, gloss=0.4)),
        ("beard", Colour((56, 52, 50), (138, 134, 130), (226, 224, 220), spread=0.25, gloss=0.4)),
    ),
    clothes=(
        Piece((168, 176, 188), below((5.66, 5.84, 6.02)), 0.03, folds=0.6, weave="canvas"),
        Piece((19, 25, 52), open_front(5.75, 4.7, 0.46, 0.03, (5.72, 5.80, 5.95)), 0.085, folds=0.7, hem=0.12, rib=1.0, weave="knit"),
        Piece((176, 184, 196), leaves((5.80, 5.95), (0.40, 5.34), 5.66, 0.035, 0.26), 0.125, folds=0.25, hem=0.035, weave="canvas"),
    ),
    scene="dome",
    eyes=1.18,
    lamps=(Lamp((-0.55, 0.55, 0.75), (1.50, 1.34, 1.16)), Lamp((0.80, 0.12, 0.55), (0.32, 0.36, 0.48)), COOL_RIM),
    sky=(0.28, 0.31, 0.42),
)

LIN = Sitter(
    seed=43,
    shape={
        "asian-female-young": 0.72,
        "asian-female-old": 0.28,
        "neck-scale-horiz-decr": 0.35,
        "head-oval": 0.3,
        "*-eye-height2-incr": 0.4,
        **FRIENDLY,
    },
    complexion=Complexion((226, 178, 150), (190, 92, 92), (224, 124, 112), blushing=0.22, lines=0.35),
    traits=Traits((34, 27, 25), brow_width=0.85, brow_arch=0.05, liner=0.55, lash_length=0.85),
    iris=(58, 36, 24),
    hair=(("bob", Colour((8, 8, 10), (30, 27, 28), (148, 152, 162), grey=0.006, grey_tone=(140, 140, 142), spread=0.12)),),
    clothes=(
        Piece((36, 112, 94), below((5.62, 5.80, 5.98)), 0.045, folds=0.7, weave="silk", sheen=0.09),
        Piece((33, 104, 87), band((5.60, 5.76), (5.86, 6.00), 0.05), 0.085, folds=0.1, hem=0.03, weave="silk", sheen=0.09),
    ),
    scene="classroom",
)

HAO = Sitter(
    seed=24,
    shape={
        "asian-male-young": 1.0,
        "head-oval": 0.3,
        "*-eye-height2-incr": 0.4,
        "neck-scale-horiz-decr": 0.2,
        **FRIENDLY,
        "mouth-corner-puller": 0.45,
    },
    complexion=Complexion((216, 166, 134), (174, 110, 99), (214, 118, 98), blushing=0.2, stubble=0.06),
    traits=Traits((28, 23, 21), brow_width=1.15, liner=0.3, lash_length=0.6),
    iris=(54, 34, 22),
    hair=(("tousled", Colour((7, 6, 6), (24, 20, 19), (92, 84, 80), spread=0.15)),),
    clothes=(
        Piece((34, 34, 38), below((5.46, 5.76, 5.98)), 0.035, folds=0.7, hem=0.08, rib=0.7),
        Piece((152, 104, 38), open_front(5.72, 4.6, 0.52, 0.26, (5.75, 5.80, 5.95)), 0.095, folds=1.0, hem=0.05, weave="canvas"),
        Piece((158, 109, 42), leaves((5.74, 5.90), (0.64, 5.30), 5.58, 0.30, 0.30), 0.135, folds=0.3, hem=0.04, weave="canvas"),
    ),
    scene="teahouse",
    lamps=(Lamp((-0.55, 0.50, 0.75), (1.30, 1.18, 1.02)), Lamp((0.80, 0.12, 0.55), (0.24, 0.225, 0.22)), WARM_RIM),
)

CAST = {"maya": MAYA, "kofi": KOFI, "lin": LIN, "hao": HAO}
