"""What a painted person wears: clothes and headwear as shells a little off the body, glasses and earrings as wire. Light as flesh.py has it, simpler."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import cv2
import numpy as np

from . import strokes
from .atlas import atlas
from .body import Body
from .canvas import blur, linear
from .clothes import band, leaves, open_front
from .likeness import Likeness
from .strokes import sample

Rule = Callable[[np.ndarray], np.ndarray]
WIRE = 18  # points of a stroke
WEAVES = ("jersey", "knit", "cable", "stripes", "silk", "wrapped")
(_, KNIT, CABLE, STRIPES, SILK, WRAPPED) = range(len(WEAVES))


@dataclass(frozen=True)
class Shell:
    """Cloth a little off the body: `inside(rest) -> dm from its edge`, positive within."""

    colour: tuple[float, ...]
    inside: Rule
    off: float
    folds: float = 0.8
    hem: float = 0.0
    weave: str = "jersey"  # one of WEAVES


def neck(wide: float, deep: float, high: float = 5.95) -> Rule:
    """Cloth with a round neckline: `wide` dm to each side at the height `high`, `deep` dm below it in front."""

    def inside(rest: np.ndarray) -> np.ndarray:
        out = (np.sqrt((rest[..., 0] / wide) ** 2 + ((rest[..., 1] - high) / deep) ** 2) - 1) * min(wide, deep)
        return np.minimum(out, np.where(np.abs(rest[..., 0]) < wide, high - rest[..., 1], 1))

    return inside


def clothes(who: Likeness) -> list[Shell]:
    """The layers of a look's clothes, the undermost first."""
    rng = np.random.default_rng([who.seed, 18])
    main, other = who.cloth, who.second
    kind = str(who.look["clothes"])
    stripes = "stripes" if rng.random() < 0.16 else "jersey"
    if kind == "t-shirt":
        return [Shell(main, neck(0.60 + rng.uniform(-0.04, 0.08), 0.36 + rng.uniform(-0.04, 0.12)), 0.035, 0.7, 0.08, stripes)]
    if kind == "v-neck":
        deep = rng.uniform(0.22, 0.55)
        return [
            Shell(
                main,
                lambda rest: np.minimum(
                    neck(0.60, 0.30)(rest), np.where(rest[..., 2] > 0.2, np.abs(rest[..., 0]) * 1.05 - 0.72 * (rest[..., 1] - (5.50 - deep)), 1)
                ),
                0.04,
                0.8,
                0.06,
            )
        ]
    if kind == "shirt":
        return [
            Shell(main, open_front(5.70, 5.05, 0.22 + rng.uniform(0, 0.12), 0.02, (5.74, 5.82, 6.00)), 0.05, 0.8, 0.04),
            Shell(main, leaves((5.82, 5.96), (0.40, 5.36), 5.64, 0.05, 0.30), 0.10, 0.25, 0.035),
        ]
    if kind == "blazer":
        return [
            Shell(other if rng.random() < 0.6 else (236, 234, 228), neck(0.58, 0.34 if rng.random() < 0.5 else 0.22), 0.03, 0.5, 0.05),
            Shell(main, open_front(5.72, 4.6, 0.46, 0.05, (5.70, 5.80, 5.95)), 0.085, 0.7),
            Shell(main, leaves((5.78, 5.93), (0.52, 5.10), 5.54, 0.10, 0.34), 0.125, 0.25, 0.03),
        ]
    if kind == "sweater":
        tall = rng.random() < 0.45
        low = [Shell(main, neck(0.58, 0.26), 0.06, 0.7, 0.0 if tall else 0.10, "cable" if rng.random() < 0.4 else "knit")]
        return low + ([Shell(main, band((5.60, 5.74), (5.98, 6.16), -0.2), 0.10, 0.4, 0.0, "knit")] if tall else [])
    if kind == "hoodie":
        return [
            Shell(other, neck(0.57, 0.28), 0.03, 0.4, 0.05),
            Shell(main, neck(0.60, 0.46), 0.10, 1.0, 0.10),
            Shell(main, lambda rest: np.minimum(band((5.36, 5.62), (5.62, 6.02), 0.14)(rest), 0.9 - np.abs(rest[..., 0])), 0.20, 0.9),
        ]
    if kind == "blouse":
        return [Shell(main, neck(0.74, 0.56 + rng.uniform(-0.1, 0.1)), 0.045, 1.0, 0.05, "silk")]
    return [Shell(main, neck(0.58, 0.24), 0.05, 0.7, 0.0, "silk"), Shell(main, band((5.58, 5.74), (5.86, 6.02), 0.05), 0.09, 0.15, 0.03, "silk")]


def _hat_line(front: float, side: float, back: float) -> Rule:
    """Above a line about the head, its heights in front, at the side and behind."""

    def inside(rest: np.ndarray) -> np.ndarray:
        angle = np.degrees(np.arctan2(np.abs(rest[..., 0]), rest[..., 2] - 0.25))
        return rest[..., 1] - np.interp(angle, [0, 90, 180], [front, side, back])

    return inside


def headwear(who: Likeness) -> list[Shell]:
    """The shells of what is on the head."""
    rng = np.random.default_rng([who.seed, 19])
    kind, colour = str(who.look["headwear"]), who.second if who.cloth == who.second or rng.random() < 0.5 else who.cloth
    if kind == "beanie":
        edge = _hat_line(7.74, 7.44, 6.95)
        return [
            Shell(colour, edge, 0.13, 0.3, 0.0, "knit"),
            Shell(colour, lambda rest: np.minimum(edge(rest), np.interp(np.abs(rest[..., 0]), [0, 0.8], [0.30, 0.22]) - edge(rest)), 0.155, 0.1, 0.0, "knit"),
        ]
    if kind == "turban":
        edge = _hat_line(7.76, 7.36, 6.8)
        return [Shell(colour, edge, 0.20, 0.2, 0.0, "wrapped")]
    if kind == "headscarf":

        def round_face(rest: np.ndarray) -> np.ndarray:
            face = 1 - np.sqrt((rest[..., 0] / 0.64) ** 2 + ((rest[..., 1] - 7.02) / np.where(rest[..., 1] > 7.02, 0.86, 0.90)) ** 2)
            return np.where(rest[..., 2] > 0.35, -0.7 * face, 0.5)

        return [Shell(colour, lambda rest: np.minimum(round_face(rest), rest[..., 1] - 5.3), 0.13, 0.8, 0.035, "jersey")]
    if kind == "headband":
        return [Shell(colour, lambda rest: np.minimum(_hat_line(7.88, 7.72, 7.3)(rest), 0.24 - _hat_line(7.88, 7.72, 7.3)(rest)), 0.10, 0.1, 0.0, "silk")]
    return []


@dataclass(frozen=True)
class Cloth:
    """A shell before the camera: the pixels that it covers, int [n] of the flat picture, their sRGB [n, 3], how far they are covered [n], their depth [n]
    for hair (FAR where little is covered)."""

    where: np.ndarray
    colour: np.ndarray
    cover: np.ndarray
    depth: np.ndarray

    def lay(self, figure: np.ndarray, dm: float) -> None:
        """Over sRGB float32 [h, w, 3], in place, with its shade on what lies just outside it."""
        cover = np.zeros(figure.shape[:2], np.float32)
        cover.reshape(-1)[self.where] = self.cover
        strokes.dimmed(figure, _contact(cover, dm), cover)
        strokes.scattered(self.colour, self.cover, self.where, figure.reshape(-1, 3))


def dress(body: Body, shell: Shell, light: np.ndarray, open_: np.ndarray, upper: bool) -> Cloth:
    """A shell on a body. `light` [k, 6]: lamps. `open_` [h, w]: how open to the sky. `upper`: clothes, not headwear."""
    who, mesh = body.who, body.level
    triangles = mesh.upper if upper else mesh.crown
    bare = body.points
    if not upper:  # ears lie flat beneath it
        ear = (np.abs(mesh.rest[:, 0]) > 0.72) & (mesh.rest[:, 1] > 6.6) & (mesh.rest[:, 1] < 7.6)
        flat = (body.points[ear] - body.pivot) @ body.turned + body.pivot
        flat[:, 0] = np.sign(flat[:, 0]) * (0.72 + 0.2 * (np.abs(flat[:, 0]) - 0.72).clip(0, 0.1))
        bare = body.points.copy()
        bare[ear] = body.head(flat)
    normal = np.empty_like(bare)
    strokes.normals(bare, triangles, normal)
    off = shell.off * (np.clip((6.3 - mesh.rest[:, 1]) / 0.2, 0, 1) if upper else np.ones(len(mesh.rest)))
    points = bare + normal * off[:, None].astype(np.float32)
    if who.look["headwear"] in ("beanie", "turban") and not upper:
        points[:, 1] += (np.clip((mesh.rest[:, 1] - 7.9) / 0.5, 0, 1) ** 1.5 * 0.14).astype(np.float32)
    screen = body.camera.project(points).astype(np.float32)
    h, w = body.depth.shape
    depth, seen, weights = np.full((h, w), strokes.FAR, np.float32), np.full((h, w), -1, np.int32), np.zeros((h, w, 2), np.float32)
    strokes.rasterise(screen, triangles, depth, seen, weights, True)
    strokes.normals(points, triangles, normal)
    where = np.flatnonzero((seen >= 0) & (depth >= body.depth - np.float32(0.05 * body.dm)))
    values = np.empty((1, len(where), 6), np.float32)  # of these pixels, as a picture of one row
    seen, weights = seen.reshape(1, -1)[:, where], weights.reshape(1, -1, 2)[:, where]
    strokes.spread(np.concatenate([normal, mesh.rest], 1), triangles, seen, weights, values)
    edge = shell.inside(values[0, :, 3:]).astype(np.float32)
    cover = np.clip(edge * np.float32(body.dm * 0.9) + np.float32(0.5), 0, 1)
    keep = np.flatnonzero(cover)
    where, cover = where[keep], cover[keep]
    colour = np.empty((len(where), 3), np.float32)
    woven(
        values[0, keep],
        edge[keep],
        open_.reshape(-1)[where],
        WEAVES.index(shell.weave),
        np.float32(0.24 * shell.folds),
        np.float32(shell.hem),
        linear(shell.colour),
        np.array([who.ground, who.sky], np.float32),
        light,
        _sheet(who.seed % 7),
        atlas().grain,
        colour,
    )
    near = depth.reshape(-1)[where] + np.float32(0 if upper else 0.30 * body.dm)  # hair lies beneath headwear
    return Cloth(where, strokes.toned(colour), cover, np.where(cover > 0.5, near, strokes.FAR))


@strokes.fast
def woven(values, edge, open_, weave, folds, hem, base, ambient, lamps, sheet, grain, out):
    """Linear light of cloth into `out` [n, 3].

    `values` [n, 6]: normal, place on the template; `edge` [n]: dm from the shell's edge; `open_` [n]; `base` [3]: its colour; `ambient` [2, 3]: from below and
    from above; `lamps` [k, 6]; `sheet` [m, m, 2]: slopes of folds; `grain` [3, g, g].
    """
    slope, last, turn = np.zeros(2, np.float32), grain.shape[1] - 1, np.float32(2 * np.pi)
    for i in range(len(values)):
        x, y = values[i, 3], values[i, 4]
        sample(sheet, 256 + 150 * x + 60 * np.sign(x) * (y - 5), 256 + 55 * (y - 5) - 70 * abs(x), slope)
        nx, ny, nz = values[i, 0] - folds * slope[0], values[i, 1] + folds * slope[1], values[i, 2]
        long = np.float32(1) / max(np.sqrt(nx * nx + ny * ny + nz * nz), np.float32(1e-6))
        nx, ny, nz = nx * long, ny * long, nz * long
        fine = grain[2, int(abs(y * 300)) & last, int(abs(x * 300 + 900)) & last]
        tone = 1 + np.float32(0.03) * fine
        if weave in (KNIT, CABLE):
            tone = 1 + np.float32(0.10) * np.sin(turn * (x * 14 + np.float32(0.4) * abs((y * 22) % 1 - np.float32(0.5)))) + np.float32(0.04) * fine
            if weave == CABLE:
                tone *= 1 + np.float32(0.12) * np.sin(turn * (x * np.float32(3.2) + np.float32(0.18) * np.sin(y * 14)))
        elif weave == STRIPES:
            if np.sin(turn * y * np.float32(3.6)) <= 0.15:
                tone = tone * np.float32(0.42) + np.float32(0.32)
        elif weave == WRAPPED:
            tone = 1 + np.float32(0.16) * np.sin(turn * (y * np.float32(3.4) + np.float32(1.52) * abs(x) * np.sign(x + np.float32(0.15))))
            tone += np.float32(0.02) * fine
        thick = (1 - np.float32(0.35) * np.exp(-max(edge[i], np.float32(0)) / np.float32(0.012))) * (np.float32(0.35) + np.float32(0.65) * open_[i])
        if hem > 0:
            groove = (edge[i] - hem) / np.float32(0.010)
            tone *= 1 - np.float32(0.30) * np.exp(-groove * groove)
        graze = 1 - min(max(nz, np.float32(0)), np.float32(1))
        sheen = np.float32(0.09 if weave == SILK else 0.03) * graze * graze * graze
        for c in range(3):
            come = ambient[0, c] + (ambient[1, c] - ambient[0, c]) * (ny * np.float32(0.5) + np.float32(0.5))
            for k in range(len(lamps)):
                facing = (nx * lamps[k, 0] + ny * lamps[k, 1] + nz * lamps[k, 2] + np.float32(0.12)) / np.float32(1.12)
                come += min(max(facing, np.float32(0)), np.float32(1)) * lamps[k, 3 + c]
            out[i, c] = (base[c] * tone * come + sheen * lamps[0, 3 + c]) * thick


_SHEETS: dict[int, np.ndarray] = {}


def _sheet(number: int) -> np.ndarray:
    """Slopes [512, 512, 2] of folded cloth."""
    if number not in _SHEETS:
        from .canvas import noise

        height = cv2.GaussianBlur(noise((512, 512), 60, np.random.default_rng(number), 3), (0, 0), 3)
        slope = np.stack([cv2.Sobel(height, cv2.CV_32F, 1, 0, ksize=5), cv2.Sobel(height, cv2.CV_32F, 0, 1, ksize=5)], -1)
        _SHEETS[number] = np.clip(slope / max(float(np.percentile(np.abs(slope), 98)), 1e-6), -1.5, 1.5).astype(np.float32)
    return _SHEETS[number]


def _wire(
    body, picture: np.ndarray, depth: np.ndarray, paths: np.ndarray, widths: np.ndarray, colour: np.ndarray, opacity: float = 1.0, bias: float = 0.05
) -> None:
    """Strokes [n, WIRE, 3] (dm) over a picture where nothing is before them, in place."""
    screen = body.camera.project(paths).astype(np.float32)
    tones = np.broadcast_to(colour, (*screen.shape[:2], 3)).astype(np.float32) if colour.ndim == 1 else colour.astype(np.float32)
    cover = np.zeros(depth.shape, np.float32)
    strokes.strands(
        screen,
        np.ascontiguousarray(tones),
        widths.astype(np.float32),
        np.arange(len(screen)),
        picture,
        cover,
        depth,
        np.float32(bias * body.dm),
        np.float32(opacity),
    )


def _pieces(path: np.ndarray) -> np.ndarray:
    """A long path [n, 3] as strokes [m, WIRE, 3] whose ends meet (a stroke is thinner at its ends)."""
    out = [path[k : k + WIRE] for k in range(0, len(path) - WIRE + 1, 3)]
    return np.stack(out)


def glasses(body: Body, picture: np.ndarray, depth: np.ndarray) -> None:
    """Glasses into sRGB float32 [h, w, 3], in place: their shade, lenses, rims, bridge and temples."""
    who = body.who
    kind = str(who.look["glasses"])
    if kind == "none":
        return
    rng = np.random.default_rng([who.seed, 20])
    tone = np.array([(24, 22, 22), (74, 44, 26), (126, 84, 48), (150, 132, 98), (120, 122, 128), (44, 52, 84), (110, 36, 44)][int(rng.integers(7))], float)
    if kind == "thin":
        tone = np.array([(176, 148, 92), (150, 152, 158), (90, 90, 94), (190, 140, 120)][int(rng.integers(4))], float)
    marks = body.landmarks
    unturned = (marks - body.pivot) @ body.turned + body.pivot
    eyes = [unturned[468 + 5 * side] for side in (0, 1)]
    bridge = unturned[168]
    apart = float(eyes[1][0] - eyes[0][0])
    front = max(eyes[0][2], eyes[1][2], float(unturned[[6, 197]][:, 2].mean()) - 0.02) + 0.10
    wide, high = apart * rng.uniform(0.37, 0.42), apart * rng.uniform(0.30, 0.36)
    t = np.linspace(0, 2 * np.pi, 97)
    power = {"round": 2.0, "square": rng.uniform(3.4, 5.0), "cat-eye": 2.7, "thin": rng.choice([2.0, 2.6, 3.6])}[kind]
    if kind == "round":
        wide = high = apart * rng.uniform(0.33, 0.38)
    thick = {"thin": 0.020, "round": rng.uniform(0.028, 0.055), "square": rng.uniform(0.04, 0.075), "cat-eye": rng.uniform(0.045, 0.07)}[kind]
    rings = []
    for side in (0, 1):
        out = -1.0 if side == 0 else 1.0
        c, s = np.cos(t), np.sin(t)
        x, y = np.sign(c) * np.abs(c) ** (2 / power) * wide, np.sign(s) * np.abs(s) ** (2 / power) * high
        if kind == "cat-eye":
            y = y + 0.30 * high * np.clip(x * out / wide, 0, 1) ** 2 * (y > -0.2 * high)
        if kind in ("thin", "square"):
            x = x * (1 - 0.10 * np.clip(-y / high, 0, 1))
        centre = np.array([(eyes[side][0] + out * 0.02), (eyes[0][1] + eyes[1][1]) / 2 - 0.03, front])
        ring = centre + np.stack([x, y, -0.35 * (x * out / wide).clip(0, 1) * 0.12], -1)
        rings.append(ring)
    h, w = picture.shape[:2]
    for ring in rings:  # the lens: a little paler, and the sky in it; a shade beneath the frame
        flat = body.camera.project(body.head(ring))[:, :2]
        mask = np.zeros((h, w), np.uint8)
        cv2.fillPoly(mask, [np.round(flat * 16).astype(np.int32)], 255, cv2.LINE_AA, 4)
        x0, y0 = np.maximum(flat.min(0) - 0.1 * body.dm, 0).astype(int)
        x1, y1 = (flat.max(0) + 0.16 * body.dm).astype(int) + 1
        part, inside = picture[y0:y1, x0:x1], mask[y0:y1, x0:x1].astype(np.float32)[..., None] / 255
        yy, xx = np.mgrid[y0:y1, x0:x1].astype(np.float32)
        streak = np.clip(1 - np.abs((xx - flat[:, 0].mean()) + 0.8 * (yy - flat[:, 1].mean()) + 0.08 * body.dm) / (0.07 * body.dm), 0, 1)[..., None]
        part += inside * (5 + 26 * streak * (0.6 if kind != "thin" else 0.9))
        shade = np.roll(
            cv2.GaussianBlur(
                cv2.morphologyEx(mask[y0:y1, x0:x1], cv2.MORPH_GRADIENT, np.ones((3, 3), np.uint8)).astype(np.float32) / 255, (0, 0), max(0.03 * body.dm, 0.6)
            ),
            round(0.05 * body.dm),
            0,
        )
        part *= 1 - 0.30 * np.clip(shade * 1.4, 0, 1)[..., None]
    paths, widths = [], []
    for side, ring in enumerate(rings):
        out = -1.0 if side == 0 else 1.0
        closed = np.concatenate([ring[:-1], ring[:24]])
        pieces = _pieces(closed)
        upper = pieces[:, WIRE // 2, 1] > ring[:, 1].mean()
        paths.append(pieces)
        widths.append(np.where(upper, 1.0, 0.75 if kind != "thin" else 0.9) * thick)
        hinge = ring[np.argmax(ring[:, 0] * out + 0.3 * ring[:, 1])]
        ear = unturned[234 if side == 0 else 454] + np.array([out * 0.05, 0.16, -0.55])
        side_arm = (
            hinge + (ear - hinge) * np.linspace(0, 1, 60)[:, None] + np.stack([out * 0.12 * np.sin(np.linspace(0, np.pi, 60)), np.zeros(60), np.zeros(60)], -1)
        )
        paths.append(_pieces(side_arm))
        widths.append(np.full(len(paths[-1]), thick * 0.8))
    inner = [rings[0][np.argmax(rings[0][:, 0])], rings[1][np.argmin(rings[1][:, 0])]]
    s = np.linspace(0, 1, 40)[:, None]
    arch = inner[0] * (1 - s) + inner[1] * s + np.concatenate([0 * s, 0.075 * np.sin(np.pi * s) + 0.06, 0.05 * np.sin(np.pi * s)], 1)
    arch[:, 2] = np.maximum(arch[:, 2], bridge[2] + 0.03)
    paths.append(_pieces(arch))
    widths.append(np.full(len(paths[-1]), thick * 0.9))
    every, wide_ = np.concatenate(paths), np.concatenate(widths) * body.dm * 1.15
    turned = body.head(every)
    _wire(body, picture, depth, turned, wide_, tone)
    _wire(
        body, picture, depth, turned + np.array([0, 0.008, 0.004], np.float32), wide_ * 0.35, np.minimum(tone * 1.3 + 60, 255), 0.55 if kind == "thin" else 0.4
    )


def earrings(body: Body, picture: np.ndarray, depth: np.ndarray) -> None:
    """Studs or hoops at the lobes, into sRGB float32 [h, w, 3], in place."""
    kind = str(body.who.look["earrings"])
    if kind == "none" or body.who.look["headwear"] == "headscarf":
        return
    rng = np.random.default_rng([body.who.seed, 21])
    tone = np.array([(214, 178, 98), (204, 206, 212), (232, 226, 214), (196, 122, 98)][int(rng.integers(4))], float)
    for out in (-1.0, 1.0):
        lobe = _lobe(body, out)
        if lobe is None:
            continue
        if kind == "studs":
            path = lobe + np.array([out * 0.012, 0.0, 0.03]) + np.linspace(-0.012, 0.012, WIRE)[:, None] * [0, 1, 0]
            paths = np.repeat(path[None], 3, 0)
            _wire(body, picture, depth, body.head(paths), np.full(3, 0.05 * body.dm), tone, bias=0.4)
            _wire(body, picture, depth, body.head(paths[:1] + np.array([-0.008, 0.008, 0])), np.full(1, 0.018 * body.dm), np.array([255.0, 252, 244]), bias=0.4)
        else:
            radius = rng.uniform(0.10, 0.17)
            a = np.linspace(0, 2 * np.pi, 80)
            ring = lobe + np.stack([out * 0.03 + 0.45 * radius * np.sin(a), -radius + radius * np.cos(a), 0.04 + 0.8 * radius * np.sin(a)], -1)
            pieces = _pieces(np.concatenate([ring, ring[1:20]]))
            glow = tone * (0.65 + 0.5 * np.clip(np.sin(np.linspace(0, 6, len(pieces))), 0, 1))[:, None, None] * np.ones((1, WIRE, 1))
            _wire(body, picture, depth, body.head(pieces), np.full(len(pieces), 0.026 * body.dm), np.minimum(glow, 255), bias=0.25)


def _lobe(body: Body, out: float) -> np.ndarray | None:
    """The lowest place of an ear (dm, of the unturned head)."""
    rest = body.level.rest
    near = np.flatnonzero((rest[:, 0] * out > 0.78) & (rest[:, 1] > 6.75) & (rest[:, 1] < 7.05) & (np.abs(rest[:, 2] - 0.35) < 0.5))
    if not len(near):
        return None
    points = (body.points[near] - body.pivot) @ body.turned + body.pivot
    low = points[points[:, 1] < np.quantile(points[:, 1], 0.12)]
    return low[np.argmax(low[:, 2])]


def _contact(cover: np.ndarray, dm: float) -> np.ndarray:
    """Shade [h, w] 0..1 that a piece throws about it, made on a smaller picture."""
    h, w = cover.shape
    half = cv2.resize(cover, (w // 2, h // 2), interpolation=cv2.INTER_AREA)
    shade = 0.75 * blur(half, max(0.015 * dm, 0.25)) + 0.35 * blur(half, 0.045 * dm, 1.9)
    return cv2.resize(0.75 * np.clip(shade, 0, 0.6), (w, h), interpolation=cv2.INTER_LINEAR)
