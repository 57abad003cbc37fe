"""The 52 ARKit blendshapes as displacements of MediaPipe's landmarks, sized by the face's own proportions.

Control points are moved by hand-set amounts, the skin between them follows by a biharmonic field on the mesh (the smoothest one that keeps
the controls and leaves everything beyond `reach` still). Amounts are in units of the distance between the irises (about 63 mm in an adult).
"""
from __future__ import annotations

from collections.abc import Callable

import numpy as np

from twin.types import ARKIT

from . import topology
from .form import Controls, Form, smooth, vec
from .topology import LEFT, LOWER_LIP, RIGHT, UPPER_LIP, Side

JAW = 0.50                 # how far jawOpen = 1 lowers the lower lip
CORNER = 0.42              # the part of it that the corners of the mouth follow
Move = Callable[[int, float, float], np.ndarray]


class Basis:
    """Makes the shapes of one face. Each method returns displacements [n, 3] in px of the face's frame."""

    def __init__(self, form: Form):
        self.form = form
        q = form.places / form.unit
        self.q = q
        self.middle = (q[61] + q[291]) / 2
        self.half = abs(q[291, 0] - q[61, 0]) / 2                       # half the mouth's width
        self.line = q[[13, 14]].mean(0)                                  # where the lips meet
        self.lips = {i: (half, ring, float(np.clip((q[i, 0] - self.middle[0]) / self.half, -1, 1)))
                     for half, rows in ((-1, UPPER_LIP), (1, LOWER_LIP)) for ring, row in enumerate(rows) for i in row}
        for ring, row in enumerate(UPPER_LIP):                           # corners belong to both lips
            for i in (row[0], row[-1]):
                self.lips[i] = (0, ring, float(np.sign(self.lips[i][2])))
        inner = {i: row[3][k] for row in (UPPER_LIP, LOWER_LIP) for ring in row for k, i in enumerate(ring)}
        self.off = {i: float(q[i, 1] - q[inner[i], 1]) for i in self.lips}    # how far below the line where the lips meet, in its own column
        self.bent = {i: float(q[inner[i], 1] - self.line[1]) for i in self.lips}    # how far that line lies there below its middle: a smile's goes up
        self.jaw = self.jaw_open()

    def spread(self, controls: Controls, reach: float) -> np.ndarray:
        return self.form.spread(controls, reach)

    # --- jaw ---------------------------------------------------------------------------------------------------------------------------

    def jaw_open(self) -> np.ndarray:
        c: Controls = {}
        for i, (half, ring, x) in self.lips.items():
            bow = 1 - abs(x) ** 2.4
            inward = -0.16 * self.half * x * abs(x)
            if half < 0:
                c[i] = vec(inward, JAW * (CORNER * abs(x) ** 2.5 - 0.015 * bow * (ring / 3)), 0.03 * abs(x))
            else:
                corner = CORNER if half else CORNER * (1 - 0.05 * ring)
                c[i] = vec(inward, JAW * (corner + (1 - corner) * bow * (1 - 0.04 * (3 - ring))), 0.10 * bow + 0.03)
        for i in topology.CHIN:
            far = abs(self.q[i, 0] - self.middle[0])
            c[i] = vec(-0.05 * (self.q[i, 0] - self.middle[0]), JAW * (0.94 - 0.22 * smooth(0.1, 0.75, far)), 0.14)
        for (r, left), down in zip(topology.JAW_LINE, (0.60, 0.36, 0.15, 0.03)):
            for i in (r, left):
                c[i] = vec(-0.07 * down * np.sign(self.q[i, 0]), JAW * down, 0.12 * down)
        still = [i for side in (RIGHT, LEFT) for row in (side.upper, side.lower, side.above, side.brow_low, side.brow_top) for i in row]
        around, edge = self.q[topology.POINTS:, :2], self.q[list(topology.OVAL), :2]
        away = np.linalg.norm(around[:, None] - edge, axis=2).min(1) > 0.45 if len(around) else np.zeros(0, bool)
        hair = topology.POINTS + np.flatnonzero((around[:, 1] < self.line[1] - 0.1) | away)    # nothing above the mouth goes with the jaw, and no collar
        for i in (*topology.NOSE, 164, 234, 454, 93, 323, *still, *hair.tolist()):
            c.setdefault(i, vec())
        return self.spread(c, 1.25)

    def mouth_close(self) -> np.ndarray:
        c = {i: -self.jaw[i] / self.form.unit for i in self.lips}
        for i in (*topology.CHIN_TIP, *topology.NOSE, 152, 148, 377, 176, 400):
            c[i] = vec()
        for pair in topology.JAW_LINE:
            for i in pair:
                c[i] = vec()
        return self.spread(c, 0.5)

    def jaw_shift(self, x: float, z: float) -> np.ndarray:
        """The lower jaw sideways or forward."""
        share = np.clip(self.jaw[:, 1] / (JAW * self.form.unit), 0, 1)[:, None]
        return share * vec(x, 0.015 if x else 0.0, z) * self.form.unit

    # --- lips --------------------------------------------------------------------------------------------------------------------------

    def lip_field(self, move: Move, reach: float = 0.55, more: Controls | None = None, hold: tuple[int, ...] = ()) -> np.ndarray:
        """`move(half, off, x)` for every lip point: half -1 upper, 1 lower, 0 corner; off: how far it lies below the line where the lips meet
        (in units, negative above); x: -1 right corner .. 1 left corner."""
        c = {i: move(half, self.off[i], x) for i, (half, _, x) in self.lips.items()}
        c.update({i: vec() for i in hold})
        c.update(more or {})
        return self.spread(c, reach)

    def levelled(self, share: float) -> np.ndarray:
        """The corners brought level with the middle of the mouth, by `share` of what they lie above or below it: rounded lips do not smile."""
        c = {i: vec(0, -share * bent) for i, bent in self.bent.items()}
        for side in (RIGHT, LEFT):
            c |= dict.fromkeys(side.rest["corner"][:1], 0.7 * c[UPPER_LIP[0][0 if side is RIGHT else -1]])
        return self.spread(c | {i: vec() for i in (1, 2, 4, 94, 152)}, 0.75)

    def pucker(self) -> np.ndarray:
        narrow, fuller = 0.43, {-1: 0.22, 0: 0.0, 1: 0.08}
        return self.levelled(0.75) + self.lip_field(lambda half, off, x: vec(
            -narrow * self.half * x * (0.75 + 0.25 * abs(x)),
            fuller[half] * off * (1 - x * x) + 0.045 * abs(x) ** 1.6,    # an "o" is round above too
            -0.17 * (1 - 0.5 * x * x)), 0.6, {i: vec(0, -0.01, -0.05) for i in (18, 164)}, (1, 2, 4, 94, 152))

    def funnel(self) -> np.ndarray:
        def move(half: int, off: float, x: float) -> np.ndarray:
            bow = 1 - abs(x) ** 2.2
            open_ = {-1: -0.055, 0: 0.0, 1: 0.075}[half] * bow
            flare = 0.10 * off * bow
            return vec(-0.27 * self.half * x, open_ + flare + 0.03 * abs(x) ** 1.6, -0.15 * (1 - 0.5 * x * x))
        return self.levelled(0.5) + self.lip_field(move, 0.6, None, (1, 2, 4, 94, 152))

    def sideways(self, sign: int) -> np.ndarray:
        return self.lip_field(lambda half, off, x: vec(sign * 0.13 * (1 - 0.25 * abs(x)), -0.02 * max(0, sign * x), 0), 0.6)

    def smile(self, side: Side) -> np.ndarray:
        def move(half: int, off: float, x: float) -> np.ndarray:
            t = max(0.0, side.sign * x)
            lift, out = t ** 1.7, t ** 1.1
            thin = -0.20 * off * smooth(-0.3, 0.6, side.sign * x)
            return vec(side.sign * 0.150 * out, -0.165 * lift - 0.006 * smooth(-0.6, 0.6, side.sign * x) + thin, 0.07 * lift)
        rest = side.rest
        more = {i: vec(side.sign * 0.035, -0.085, -0.05) for i in rest["apple"]}
        more |= {rest["corner"][0]: vec(side.sign * 0.128, -0.150, 0.05), rest["corner"][1]: vec(side.sign * 0.075, -0.100, -0.01)}
        more |= {i: vec(side.sign * 0.03, -0.035, -0.01) for i in rest["fold"][4:5]}
        more |= {i: vec(0, -0.012) for i in side.lower[2:7]}
        more |= {i: vec(0, -0.03, -0.02) for i in side.below[3:7]}
        more |= {i: vec(side.sign * 0.010, -0.012) for i in rest["nostril"]}
        return self.lip_field(move, 0.75, more, (1, 4, 152, *side.upper))

    def frown(self, side: Side) -> np.ndarray:
        def move(half: int, off: float, x: float) -> np.ndarray:
            t = max(0.0, side.sign * x)
            return vec(-side.sign * 0.005 * t, 0.115 * t ** 2.2 - 0.008 * (1 - t) * smooth(-0.3, 0.3, side.sign * x), 0.02 * t)
        return self.lip_field(move, 0.5, {200: vec(0, -0.012, -0.01), 199: vec(0, -0.01, -0.01)})

    def corner_pull(self, side: Side, out: float, down: float, back: float) -> np.ndarray:
        """dimple, stretch: one corner outwards."""
        def move(half: int, off: float, x: float) -> np.ndarray:
            t = max(0.0, side.sign * x)
            thin = -0.10 * off * t
            return vec(side.sign * out * t ** 1.4, down * t ** 1.6 + thin, back * t)
        return self.lip_field(move, 0.55, {side.rest["corner"][0]: vec(side.sign * out, down, back) * 0.85})

    def press(self, side: Side) -> np.ndarray:
        def move(half: int, off: float, x: float) -> np.ndarray:
            w = smooth(-0.5, 0.5, side.sign * x)
            if half == 0:
                return w * vec(side.sign * 0.02, 0, 0.01)
            close = {-1: 0.010, 1: -0.045}[half] * (1 - x * x)
            thin = -0.32 * off
            return w * vec(side.sign * 0.012 * abs(x), close + thin, 0.02)
        return self.lip_field(move, 0.4, {200: vec(0, -0.008, -0.01)})

    def roll(self, which: int) -> np.ndarray:
        """The upper (-1) or lower (1) lip rolls in over the teeth."""
        def move(half: int, off: float, x: float) -> np.ndarray:
            if half != which:
                return vec()
            bow = 1 - abs(x) ** 2.5
            close = -which * (0.055 if which > 0 else 0.03) * bow
            thin = -0.52 * off * bow
            return vec(0, close + thin, 0.06 * bow)
        return self.lip_field(move, 0.4)

    def shrug(self, which: int) -> np.ndarray:
        def move(half: int, off: float, x: float) -> np.ndarray:
            bow = 1 - abs(x) ** 2
            if which > 0:
                return vec(0, (-0.075 if half > 0 else -0.045 if half < 0 else 0.012) * bow, -0.05 * bow)
            return vec(0, (-0.05 if half < 0 else -0.02) * bow, -0.05 * bow) if half <= 0 else vec(0, -0.02 * bow, 0)
        more = {i: vec(0, -0.055, -0.03) for i in (152, 199, 175, 200, 18)} if which > 0 else None
        return self.lip_field(move, 0.5, more)

    def part(self, side: Side, which: int) -> np.ndarray:
        """lowerDown, upperUp: half of one lip away from the other."""
        def move(half: int, off: float, x: float) -> np.ndarray:
            w = smooth(-0.6, 0.6, side.sign * x) * (1 - abs(x) ** 3)
            if half != which:
                return vec()
            far = 0.12 if which > 0 else -0.095
            return w * vec(0, far - 0.22 * off, 0.02)
        more = {} if which > 0 else {i: vec(0, -0.022) for i in side.rest["nostril"]} | {i: vec(0, -0.035) for i in side.rest["fold"][4:7]}
        hold = () if which < 0 else (152,)
        return self.lip_field(move, 0.5, more, hold)

    # --- eyes --------------------------------------------------------------------------------------------------------------------------

    def lids(self, side: Side, upper: float, lower: float, skin: float = 0.0, shift: float = 0.0) -> np.ndarray:
        """Both lids as parts of the opening, positive = down; `skin`: how much of the lower lid's way the skin below takes."""
        q, c = self.q, {}
        for u, low in zip(side.upper, side.lower):
            gap = (q[low] - q[u]) * (u != low)
            c[u] = gap * upper + vec(shift)
            c[low] = gap * lower + vec(shift) if u != low else c[u]
        for row, most in ((side.above, 0.20), (side.fold, 0.05)):
            for i, u, share in zip(row[1:8], side.upper[1:8], (2.6, 1.5, 1, 1, 1, 1.5, 2.2)):      # near the corners skin and lid go together
                c[i] = c[u] * most * share
        for i, low in zip(side.below[2:8], side.lower[1:8]):
            c[i] = c[low] * (0.55 + 0.35 * skin)
        for i in (side.upper[0], side.upper[8], side.above[0], side.above[8], side.below[1], *side.brow_low, *(() if skin else side.bag)):
            c[i] = vec()
        return self.spread(c, 0.22)

    def blink(self, side: Side) -> np.ndarray:
        """The upper lid exactly onto the lower one, which comes up a little."""
        return self.lids(side, 0.92, -0.08)

    def look(self, side: Side, x: float, y: float) -> np.ndarray:
        """What the lids do as the eye turns; x > 0 to the picture's right, y > 0 down."""
        return self.lids(side, 0.52 * max(y, 0) - 0.26 * max(-y, 0), 0.15 * max(y, 0) - 0.06 * max(-y, 0), 0.0, 0.012 * x)

    def squint(self, side: Side) -> np.ndarray:
        lids = self.lids(side, 0.10, -0.30, 1.0)
        cheek = self.spread({i: vec(0, -0.03, -0.01) for i in (*side.rest["apple"][1:3], *side.bag[2:6])}
                            | {i: vec() for i in (*side.lower, *side.upper)}, 0.3)
        return lids + cheek

    def cheek_squint(self, side: Side) -> np.ndarray:
        c = {i: vec(0, -0.06, -0.04) for i in side.rest["apple"]} | {i: vec(0, -0.05, -0.02) for i in side.bag[2:6]}
        c |= {i: (self.q[u] - self.q[i]) * 0.16 for u, i in zip(side.upper[1:8], side.lower[1:8])}
        c |= {i: vec() for i in (*side.upper, *topology.NOSE)}
        return self.spread(c, 0.45)

    def wide(self, side: Side) -> np.ndarray:
        return self.lids(side, -0.20, 0.06)

    # --- brows, nose, cheeks -----------------------------------------------------------------------------------------------------------

    def brow(self, side: Side, amounts: tuple[float, ...], inward: float = 0.0) -> np.ndarray:
        """The brow's five stations, from the middle of the face outwards, by `amounts` (positive = down)."""
        c = {}
        for k, y in enumerate(amounts):
            move = vec(-side.sign * inward * (1 - k / 5), y)
            c[side.brow_top[k]], c[side.brow_low[k]] = move, move * 0.92
            if k < 4:
                c[side.rest["front"][k]] = move * 0.45
        for i, k in zip(side.fold[2:7], (4, 3, 2, 1, 0)):
            c[i] = vec(0, amounts[k] * 0.5)
        c |= {i: vec() for i in (*side.upper, *side.above, 6, 197)}
        return self.spread(c, 0.42)

    def brows_in(self) -> np.ndarray:
        both = sum(self.brow(side, (-0.10, -0.065, -0.025, 0.0, 0.0)) for side in (RIGHT, LEFT))
        return both + self.spread({9: vec(0, -0.05), 8: vec(0, -0.025), 151: vec(0, -0.03)} | {i: vec() for i in (107, 336, 55, 285, 6)}, 0.2)

    def sneer(self, side: Side) -> np.ndarray:
        c = {i: vec(side.sign * 0.008, -0.055) for i in side.rest["nostril"]} | {i: vec(0, -0.05) for i in side.rest["fold"][:2]}
        c |= {UPPER_LIP[r][k]: vec(0, -0.03) for r in range(3) for k in ((6, 7) if side.sign > 0 else (3, 4))}
        c |= {i: vec() for i in (1, 2, 4, 13, 14, *side.lower, 61, 291)}
        return self.spread(c, 0.4)

    def cheek_puff(self) -> np.ndarray:
        c = {i: vec(side.sign * 0.055, 0, -0.13) for side in (RIGHT, LEFT) for i in side.rest["puff"]}
        c |= {i: vec(-0.04 * self.half * x, 0.12 * self.off[i] * (1 - x * x), -0.04) for i, (_, _, x) in self.lips.items()}
        c |= {i: vec() for side in (RIGHT, LEFT) for i in side.lower}
        return self.spread(c, 0.6)


def basis(form: Form) -> dict[str, np.ndarray]:
    """All 52 shapes as displacements [n, 3] in px of the picture at weight 1; a shape that moves nothing (tongueOut) is all zero."""
    b = Basis(form)
    both = {"Right": RIGHT, "Left": LEFT}
    made = {"jawOpen": b.jaw, "mouthClose": b.mouth_close(), "jawForward": b.jaw_shift(0, -0.14), "jawLeft": b.jaw_shift(0.11, 0),
            "jawRight": b.jaw_shift(-0.11, 0), "mouthPucker": b.pucker(), "mouthFunnel": b.funnel(), "mouthLeft": b.sideways(1),
            "mouthRight": b.sideways(-1), "mouthRollUpper": b.roll(-1), "mouthRollLower": b.roll(1), "mouthShrugUpper": b.shrug(-1),
            "mouthShrugLower": b.shrug(1), "browInnerUp": b.brows_in(), "cheekPuff": b.cheek_puff(), "tongueOut": np.zeros_like(form.places)}
    for name, side in both.items():
        s = side.sign
        made |= {f"mouthSmile{name}": b.smile(side), f"mouthFrown{name}": b.frown(side), f"mouthPress{name}": b.press(side),
                 f"mouthDimple{name}": b.corner_pull(side, 0.07, -0.005, 0.06), f"mouthStretch{name}": b.corner_pull(side, 0.15, 0.035, 0.06),
                 f"mouthLowerDown{name}": b.part(side, 1), f"mouthUpperUp{name}": b.part(side, -1),
                 f"eyeBlink{name}": b.blink(side), f"eyeSquint{name}": b.squint(side), f"eyeWide{name}": b.wide(side),
                 f"eyeLookUp{name}": b.look(side, 0, -1), f"eyeLookDown{name}": b.look(side, 0, 1),
                 f"eyeLookIn{name}": b.look(side, -s, 0), f"eyeLookOut{name}": b.look(side, s, 0),
                 f"cheekSquint{name}": b.cheek_squint(side), f"noseSneer{name}": b.sneer(side),
                 f"browDown{name}": b.brow(side, (0.085, 0.085, 0.065, 0.035, 0.015), 0.045),
                 f"browOuterUp{name}": b.brow(side, (-0.015, -0.05, -0.09, -0.10, -0.075))}
    return {name: form.tamed(made[name]) @ form.axes for name in ARKIT}
