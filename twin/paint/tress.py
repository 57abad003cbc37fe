"""Hair, brows, lashes and beards on a painted person: a wig carried to this head, light along its strands, and drawing them."""

from __future__ import annotations

from functools import lru_cache

import cv2
import numpy as np
from scipy import spatial

from . import strokes, wigs
from .atlas import level
from .attributes import Look
from .body import Body, lamps
from .canvas import blur, curve, linear
from .head import template
from .landmarks import BROWS
from .strokes import fast
from .styles import scalp

LENT = 4600  # strands in a picture 512 px high at most; more where it is larger


def choice(look: Look, rng: np.random.Generator) -> tuple[str, int, bool] | None:
    """The cut, its variant and whether it has a fringe; None for a bald head, or where nothing of it shows."""
    name = str(look["hair"])
    if name == "bald" or look["headwear"] in ("headscarf", "turban"):
        return None
    variants = 1 + len(wigs.VARIANTS.get(name, ()))
    return name, int(rng.integers(variants)), bool(look["fringe"]) and name in wigs.FRINGED


def carried(body: Body, strands: np.ndarray) -> np.ndarray:
    """Strands [n, k, 3] of the template on this head: moved as the scalp beneath them is, then turned with it."""
    keep, solve = _fit(len(body.level.rest))
    untwisted = (body.points[keep] - body.pivot) @ body.turned + body.pivot
    fit = solve @ untwisted
    moved, at = fit[:3] @ body.turned.T, (fit[3] - body.pivot) @ body.turned.T + body.pivot
    return (strands.reshape(-1, 3) @ moved.astype(np.float32) + at.astype(np.float32)).reshape(strands.shape)


@lru_cache(maxsize=2)
def _fit(count: int) -> tuple[np.ndarray, np.ndarray]:
    """Of a level with so many points, those by which a wig is fitted (of the hairy part of the head and its forehead), and what solves for the fit [4, k]."""
    rest = next(one.rest for one in (level(False), level(True)) if len(one.rest) == count)
    keep = np.flatnonzero((rest[:, 1] > 7.35) & (np.linalg.norm((rest - [0, 7.5, 0.45]) / [1, 1.2, 1.3], axis=1) > 0.55))[::3]
    return keep, np.linalg.pinv(np.concatenate([rest[keep], np.ones((len(keep), 1))], 1))


@fast
def lit(strands, order, deep, tone, blend, lamps, dark, middle, shine, gloss, shift, centre, out):
    """Linear colours `out` [m, k, 3] along the strands [n, k, 3] that `order` [m] names: Kajiya and Kay's light (1989) with Marschner's two highlights (2003);
    depth beneath the hair is shade.

    `deep` [3, n, k] from the viewer, from the left and from the right; `blend` [l, 2] how much of left and right each lamp is.
    """
    k = strands.shape[1]
    mean = max((middle[0] + middle[1] + middle[2]) / 3, np.float32(0.02))
    between = np.empty((len(lamps), 3), np.float32)  # the viewer and a lamp
    for m in range(len(lamps)):
        long = np.float32(1) / np.sqrt(lamps[m, 0] ** 2 + lamps[m, 1] ** 2 + (lamps[m, 2] + 1) ** 2)
        between[m, 0], between[m, 1], between[m, 2] = lamps[m, 0] * long, lamps[m, 1] * long, (lamps[m, 2] + 1) * long
    for at in range(len(order)):
        i = order[at]
        own, q = np.float32(1) / (1 + shift[i] * shift[i]), shift[i] - np.float32(0.22)
        second_own = np.float32(1) / (1 + q * q)
        for j in range(k):
            a, b = max(j - 1, 0), min(j + 1, k - 1)
            tx, ty, tz = strands[i, b, 0] - strands[i, a, 0], strands[i, b, 1] - strands[i, a, 1], strands[i, b, 2] - strands[i, a, 2]
            long = np.float32(1) / max(np.sqrt(tx * tx + ty * ty + tz * tz), np.float32(1e-9))
            tx, ty, tz = tx * long, ty * long, tz * long
            ox, oy, oz = strands[i, j, 0] - centre[0], (strands[i, j, 1] - centre[1]) * 0.8, strands[i, j, 2] - centre[2]
            long = np.float32(1) / max(np.sqrt(ox * ox + oy * oy + oz * oz), np.float32(1e-9))
            ox, oy, oz = ox * long, oy * long, oz * long
            inner = np.exp(-min(deep[0, i, j] * np.float32(4.2), np.float32(4)))
            t = np.float32(j) / (k - 1)
            r = g = bl = np.float32(0)
            for m in range(len(lamps)):
                lx, ly, lz = lamps[m, 0], lamps[m, 1], lamps[m, 2]
                under = blend[m, 0] * deep[1, i, j] + blend[m, 1] * deep[2, i, j]
                come = np.exp(-min(under * np.float32(3.4), np.float32(4)))
                come *= min(max((ox * lx + oy * ly + oz * lz) * 0.62 + 0.42, np.float32(0.04)), np.float32(1))
                along = tx * lx + ty * ly + tz * lz
                diffuse = np.sqrt(max(np.float32(0), 1 - along * along)) * 0.95 * (0.78 + 0.3 * t)
                hx, hy, hz = between[m, 0], between[m, 1], between[m, 2]
                d = (tx + ox * shift[i]) * hx + (ty + oy * shift[i]) * hy + (tz + oz * shift[i]) * hz
                s = max(np.float32(0), 1 - d * d * own)
                s4 = s * s * s * s
                s16 = s4 * s4 * s4 * s4
                first = s16 * s16 * s4 * gloss * np.float32(0.34)
                d = (tx + ox * q) * hx + (ty + oy * q) * hy + (tz + oz * q) * hz
                s = max(np.float32(0), 1 - d * d * second_own)
                second = s**7 * gloss * np.float32(0.10) / mean
                r += come * lamps[m, 3] * (middle[0] * tone[i] * diffuse + shine[0] * first + shine[0] * middle[0] * second)
                g += come * lamps[m, 4] * (middle[1] * tone[i] * diffuse + shine[1] * first + shine[1] * middle[1] * second)
                bl += come * lamps[m, 5] * (middle[2] * tone[i] * diffuse + shine[2] * first + shine[2] * middle[2] * second)
            ambient = (0.25 + 0.75 * inner) * (0.75 + 0.25 * oy)
            depth = 0.30 + 0.70 * inner
            out[at, j, 0] = (r + ambient * (middle[0] * tone[i] * 0.42 + dark[0] * 0.4)) * depth + dark[0] * 0.25
            out[at, j, 1] = (g + ambient * (middle[1] * tone[i] * 0.42 + dark[1] * 0.4)) * depth + dark[1] * 0.25
            out[at, j, 2] = (bl + ambient * (middle[2] * tone[i] * 0.42 + dark[2] * 0.4)) * depth + dark[2] * 0.25


class Hair:
    """Hair of one wig on one head: made first (it shades the skin), drawn in two parts, behind the figure and before it."""

    def __init__(self, body: Body, wig: wigs.Wig, keep: np.ndarray | None = None, *, size: float = 1.0, short: float = 1.0):
        who = body.who
        lent = min(len(wig.strands), int(LENT * max(0.5, body.depth.shape[0] / 512) * size))
        chosen = np.flatnonzero(keep)[:lent] if keep is not None else np.arange(lent)
        share = len(wig.strands) / max(lent, 1) if keep is None else keep.sum() / max(len(chosen), 1)
        strands = wig.strands[chosen]
        if short != 1.0:
            strands = strands[:, :1] + (strands - strands[:, :1]) * np.float32(short)
        self.body, self.wig, self.chosen = body, wig, chosen
        self.deep, self.tone = wig.deep[:, chosen], wig.tone[chosen]
        self.strands = carried(body, strands)
        self.screen = body.camera.project(self.strands).astype(np.float32)
        self.width = wig.width[chosen] * np.float32(max(0.0042 * body.dm * np.sqrt(share) * 1.25, 0.5))
        self.random = np.random.default_rng([who.seed, 14]).standard_normal((2, len(chosen))).astype(np.float32)

    @property
    def loose(self) -> np.ndarray:
        """Points [n, 3] that throw shadow."""
        return self.strands[::2, 3::3].reshape(-1, 3)

    def draw(self, picture: np.ndarray, cover: np.ndarray, depth: np.ndarray, tones: tuple, *, gloss: float = 1.0, bias: float = 0.03) -> None:
        """What is before `depth` into float32 `picture` [h, w, 3] sRGB and `cover` [h, w], in place."""
        near = np.float32(bias * self.body.dm)
        order = np.flatnonzero(strokes.before(self.screen, depth, near))
        order = order[np.argsort(self.screen[order, :, 2].mean(1), kind="stable")]
        strokes.strands(self.screen, self._colours(order, tones, gloss), self.width, order, picture, cover, depth, near, np.float32(1))

    def _colours(self, order: np.ndarray, tones: tuple, gloss: float) -> np.ndarray:
        """sRGB 0..255 float32 [m, k, 3] along the strands that `order` [m] names."""
        bulbs = lamps(self.body.who)
        across = np.clip(bulbs[:, :1] * 0.8 + 0.5, 0, 1)
        dark, middle, shine = (linear(c) for c in tones)
        tone = np.clip(self.tone * (1 + np.float32(0.13) * self.random[0]), 0.4, 1.9)
        eye = self.body.landmarks[[468, 473]].mean(0)
        centre = (eye + self.body.turned @ np.array([0, 0.25, -0.9])).astype(np.float32)
        out = np.empty((len(order), *self.strands.shape[1:]), np.float32)
        blend = np.concatenate([1 - across, across], 1)
        lit(self.strands, order, self.deep, tone, blend, bulbs, dark, middle, shine, np.float32(gloss), np.float32(0.10) * self.random[1], centre, out)
        return strokes.toned(out)


def beard(body: Body) -> Hair | None:
    """The beard of a look, if it has one that is more than stubble."""
    kind = body.who.look["beard"]
    if kind in ("none", "stubble"):
        return None
    wig = wigs.wig("beard")
    root = wig.strands[:, 0]
    x, y = np.abs(root[:, 0]), root[:, 1]
    lip = y > 6.60
    keep = {"moustache": lip & (x < 0.34), "goatee": (x < 0.22) & ((y < 6.56) | lip), "short": np.ones(len(x), bool), "full": np.ones(len(x), bool)}[str(kind)]
    return Hair(body, wig, keep, size=0.9 if kind in ("short", "full") else 0.5, short={"short": 0.75, "full": 1.9, "goatee": 1.1, "moustache": 1.0}[str(kind)])


def lids(body: Body) -> list[tuple[np.ndarray, np.ndarray]]:
    """For each eye that shows, the upper and the lower edge of its opening, [64, 2] px from the picture's left to its right."""
    out = []
    for side in (0, 1):
        middle = body.camera.project(body.landmarks[468 + 5 * side])[:2]
        reach = round(0.30 * body.dm)
        x0, y0 = (int(v) - reach for v in middle)
        part = body.seen[max(y0, 0) : y0 + 2 * reach, max(x0, 0) : x0 + 2 * reach] >= len(body.level.body)
        columns = np.flatnonzero(part.sum(0) > 0)
        if len(columns) < 6:
            continue
        columns = np.arange(columns[0], columns[-1] + 1)
        filled = [c for c in columns if part[:, c].any()]
        top = np.interp(columns, filled, [np.flatnonzero(part[:, c])[0] for c in filled])
        low = np.interp(columns, filled, [np.flatnonzero(part[:, c])[-1] + 1 for c in filled])
        a, b = columns[0] - 0.5, columns[-1] + 1.5
        t = (columns + 0.5 - a) / (b - a)
        ends = (top[0] + low[0]) / 2, (top[-1] + low[-1]) / 2
        rings = []
        for edge in (top, low):
            line = ends[0] + (ends[1] - ends[0]) * t
            bump = np.sqrt(np.clip(t * (1 - t), 0, None))
            basis = np.stack([bump * t**k for k in range(4)], -1)
            shape = np.linalg.lstsq(basis, edge - line, rcond=None)[0]
            at = np.linspace(0, 1, 64)
            bow = np.sqrt(np.clip(at * (1 - at), 0, None))
            rings.append(
                np.stack(
                    [a + at * (b - a) + max(x0, 0), ends[0] + (ends[1] - ends[0]) * at + np.stack([bow * at**k for k in range(4)], -1) @ shape + max(y0, 0)], -1
                )
            )
        out.append((rings[0], rings[1]))
    return out


def lashes(body: Body, picture: np.ndarray, rings: list[tuple[np.ndarray, np.ndarray]]) -> None:
    """Lash lines, the lid's fold, and lashes, into sRGB float32 [h, w, 3], in place."""
    who = body.who
    rng = np.random.default_rng([who.seed, 15])
    paths: list[np.ndarray] = []
    widths: list[float] = []
    tones: list[np.ndarray] = []
    dark = np.array(who.hair[0], np.float32) * 0.35 + np.array([16, 11, 10], np.float32)
    fold = np.array(who.skin, np.float32) * [0.58, 0.48, 0.46]
    for upper, _ in rings:
        width = float(np.linalg.norm(upper[0] - upper[-1]))
        out = -1.0 if upper[:, 0].mean() < body.camera.project(body.landmarks[[168]])[0, 0] else 1.0
        from_inner = np.linspace(0, 1, 64) if out > 0 else np.linspace(1, 0, 64)
        crease = upper.copy()
        crease[:, 1] -= width * (0.03 + 0.085 * np.sin(np.pi * np.linspace(0.06, 0.94, 64)))
        if who.look["features"] != "east asian" or rng.random() < 0.5:
            paths.append(_thinned(crease))
            widths.append(0.035 * width)
            tones.append(fold)
        line = _thinned(upper) - [0, 0.006 * width]
        for _ in range(2):
            paths.append(line)
            widths.append(width * (0.030 + 0.035 * who.brows["liner"]))
            tones.append(dark)
        t = np.sort(rng.uniform(0.04, 0.99, 30 if body.dm > 120 else 16))  # from the inner corner outwards
        long, aside = rng.standard_normal((len(t), 2)).T
        root = np.stack([np.interp(t, from_inner[:: int(out)], upper[:: int(out), axis]) for axis in (0, 1)], -1)
        size = (who.brows["lash"] * width * (0.045 + 0.095 * t + 0.012 * long))[:, None]
        lean, one = out * (1.75 * t - 0.5), np.ones(len(t))
        tip, bend = root + size * np.stack([lean + 0.12 * aside, -0.60 * one], -1), root + size * 0.55 * np.stack([lean * 1.05, 0.02 * one], -1)
        s = np.linspace(0, 1, 18)[:, None]
        paths += list((1 - s) ** 2 * root[:, None] + 2 * s * (1 - s) * bend[:, None] + s**2 * tip[:, None])
        widths += [width * 0.016] * len(t)
        tones += [dark] * len(t)
    _hairs(picture, paths, widths, tones, 0.85)


def brows(body: Body, picture: np.ndarray) -> None:
    """Brows of many hairs over a soft ground, into sRGB float32 [h, w, 3], in place."""
    who = body.who
    rng = np.random.default_rng([who.seed, 16])
    marks = body.camera.project(body.landmarks)[:, :2]
    tall = picture.shape[0]
    paths: list[np.ndarray] = []
    widths: list[float] = []
    tones: list[np.ndarray] = []
    for side in (0, 1):
        top, low = (marks[list(edge)] for edge in BROWS[side])
        middle = curve((top + low) / 2, 80)
        unit = 0.285 * body.dm * who.eyes / 1.22
        out = -1.0 if side == 0 else 1.0
        t = np.linspace(0, 1, 80)
        arch, b = who.brows["arch"], who.brows
        middle[:, 1] -= unit * (b["lift"] - 0.02 + 0.10 * arch * np.exp(-(((t - 0.66) / 0.25) ** 2)) + b["tilt"] * (t - 0.5) * 2)
        middle[:, 0] += out * unit * 0.10 * t**2 * b["length"]
        middle[:, 1] += unit * 0.07 * np.clip(t - 0.72, 0, 1) * 2
        half = b["width"] * unit * 0.105 * np.clip(np.minimum(0.50 + 2.6 * t, 1.12 - 0.98 * t**2.2), 0.05, 1)
        ground = np.zeros((tall, picture.shape[1]), np.uint8)
        outline = np.concatenate([middle + np.array([0, 1]) * half[:, None] * 0.75, (middle - np.array([0, 1]) * half[:, None] * 0.75)[::-1]])
        cv2.fillPoly(ground, [np.round(outline * 16).astype(np.int32)], 255, cv2.LINE_AA, 4)
        x0, y0 = np.maximum(outline.min(0) - 0.15 * unit, 0).astype(int)
        x1, y1 = (outline.max(0) + 0.15 * unit).astype(int) + 1
        soft = blur(ground[y0:y1, x0:x1].astype(np.float32) / 255, max(0.035 * unit, 0.4))[..., None] * np.float32(0.50 * b["density"])
        tone = np.array(who.brow, np.float32)
        picture[y0:y1, x0:x1] += (tone - picture[y0:y1, x0:x1]) * soft
        n = int((170 if body.dm < 260 else 420) * b["density"])
        s = np.sort(rng.beta(1.05, 1.05, n))
        i = np.clip((s * 78).astype(int) + 1, 1, 78)
        up = rng.uniform(-1, 1, n)
        root = middle[i] + np.stack([0 * up, up * half[i] * 0.92], -1)
        way = middle[i + 1] - middle[i - 1]
        way = way / np.linalg.norm(way, axis=1, keepdims=True)
        rise = np.interp(s, [0, 0.12, 0.4, 1], [1.35, 0.95, 0.38, 0.05]) * (0.65 + 0.5 * up)
        go = way * np.interp(s, [0, 0.15, 1], [0.45, 0.9, 1.0])[:, None] + np.stack([0 * s, -rise], -1)
        go = go / np.linalg.norm(go, axis=1, keepdims=True) + 0.10 * rng.standard_normal((n, 2))
        size = (unit * (0.15 + 0.045 * rng.random(n)) * np.interp(s, [0, 0.2, 1], [0.85, 1.0, 0.75]))[:, None, None]
        u = np.linspace(0, 1, 18)[None, :, None]
        hairs = root[:, None] + go[:, None] * size * u + (way - go)[:, None] * size * 0.45 * u**2
        paths += list(hairs)
        widths += [unit * 0.017] * n
        tones += list(tone * rng.uniform(0.65, 1.15, (n, 1)))
    _hairs(picture, paths, widths, tones, 0.75)


def _thinned(path: np.ndarray) -> np.ndarray:
    """A path [64, 2] as a stroke [18, 2]."""
    return np.stack([np.interp(np.linspace(0, 63, 18), np.arange(64), path[:, axis]) for axis in (0, 1)], -1)


def _hairs(picture: np.ndarray, paths: list, widths: list, tones: list, opacity: float) -> None:
    """Fine strokes [18, 2] px over a picture, in place."""
    if not paths:
        return
    flat = np.zeros((len(paths), 18, 3), np.float32)
    flat[..., :2] = paths
    colours = np.repeat(np.asarray(tones, np.float32)[:, None], 18, 1)
    h, w = picture.shape[:2]
    cover, depth = np.zeros((h, w), np.float32), np.full((h, w), -10, np.float32)
    strokes.strands(
        flat,
        np.ascontiguousarray(colours),
        np.asarray(widths, np.float32),
        np.arange(len(paths)),
        picture,
        cover,
        depth,
        np.float32(0),
        np.float32(opacity),
    )


@lru_cache(maxsize=2 * len(wigs.CUTS))
def under(cut: str, count: int) -> np.ndarray:
    """How dark the scalp lies beneath hair, float32 [count] per point of the level that has so many, 0..1."""
    base, weight = template(), scalp(*wigs.CUTS[cut].recede)
    if count != len(weight):
        weight = weight[spatial.cKDTree(base.rest).query(next(one.rest for one in (level(False), level(True)) if len(one.rest) == count))[1]]
    return weight.astype(np.float32)
