"""Draws a twin's portrait and everything its face/ folder holds, from numbers alone: no photograph, no model.

    python -m twin.paint.illustrated maya -o DIR [--height 1280]
    python -m twin.paint.illustrated --all               into assets/twins/*/face

A head of MakeHuman's CC0 mesh (head.py) is blended and stylised (figure.py), lit and coloured (skin.py), its features brushed in
(features.py), hair grown strand by strand (hair.py, styles.py), dressed (clothes.py) and set before a scene (scenes.py). The 478 points
come with the geometry (anchor.py). About a minute a portrait on one core; the same numbers give the same picture.
"""

from __future__ import annotations

import argparse
import time
from pathlib import Path

import cv2
import numpy as np
from PIL import Image

from . import clothes, eyes, features, figure, hair, head, rig, scenes, skin, styles, teeth
from .canvas import blur, film, linear, masked_blur, srgb
from .cast import CAST, Sitter
from .figure import Figure

OVERSAMPLE = 2


def draw(sitter: Sitter, height: int = 1280) -> tuple[dict[str, np.ndarray], dict]:
    """Pictures by file stem (uint8 RGB or RGBA) and the rig before `rig.build`. Height in px; the width is 4/5 of it."""
    rng = np.random.default_rng(sitter.seed)
    factor = height / 1280 * OVERSAMPLE
    points = figure.body(sitter.shape, eyes=sitter.eyes, lift=sitter.lift)
    middle = points[np.unique(head.template().eyes)].mean(0)
    camera = head.Camera((1024, 1280), (512, 1280 * sitter.eye_line), (0, middle[1], middle[2]), sitter.scale).times(factor)
    person = figure.stand(points, camera)
    skull = hair.Skull(points)
    fill = min(1.0, height / 1100)
    grown = [(style, getattr(styles, style)(points, skull, rng, fill), colour) for style, colour in sitter.hair]
    _cast_shadows(person, sitter, grown)
    picture, cover, depth = _flesh(person, sitter, grown, rng)
    left, right = (eyes.white(person.anchors.points, side, np.array(sitter.complexion.skin), rng) for side in (0, 1))
    disc = eyes.iris(sitter.iris, rng)
    picture = features.eyes(
        picture, person, (left, right), disc, sitter.lamps[0].unit, 0.60 + 0.5 * min(0.36, float(linear(sitter.complexion.skin).mean()))
    )
    picture = features.lashes(features.mouth(picture, person), person, sitter.traits, rng)
    picture = features.brows(picture, person, sitter.traits, rng)
    picture, cover, depth = _clothed(picture, cover, depth, person, sitter, rng)
    painted, alpha = _haired(srgb(film(picture)), cover, person, sitter, grown, skull, rng, 1.2 * factor)
    size = (round(height * 0.8), height)
    out = {
        "portrait": _reduced(painted, alpha, size),
        "background": cv2.resize(scenes.paint(sitter.scene, rng), size, interpolation=cv2.INTER_AREA),
        "eyes": np.concatenate([left, right], 1),
        "iris": disc,
        "mouth": teeth.rows((236, 228, 214), (196, 108, 104), rng),
        "depth": _depth(depth, person, grown, size),
    }
    return out, _rig(person, sitter, out["portrait"], size)


def _cast_shadows(person: Figure, sitter: Sitter, grown: list) -> None:
    """Fills the figure's shadows: of the body and of the hair, for the key lamp and (of the body) for the others."""
    world = person.world(4)

    def full(small: np.ndarray) -> np.ndarray:
        return cv2.resize(small, person.shape[::-1], interpolation=cv2.INTER_LINEAR)

    body = (person.points, head.template().body)
    for k, lamp in enumerate(sitter.lamps):
        person.shadows[str(k)] = full(figure.shadow(world, lamp, [body], bias=0.05, soft=0.07 if k == 0 else 0.14, cell=0.016))
    long = [locks.strands.reshape(-1, 3).astype(np.float64) for style, locks, _ in grown if style not in ("beard", "cropped")]
    if long:
        cast = full(figure.shadow(world, sitter.lamps[0], [(np.concatenate(long), None)], bias=0.09, soft=0.11, cell=0.03))
        person.shadows["0"] = person.shadows["0"] * (0.30 + 0.70 * blur(cast, 0.02 * person.dm))


def _flesh(person: Figure, sitter: Sitter, grown: list, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Lit skin, linear [h, w, 3], with its coverage and depth; darkened where hair roots sit."""
    base = skin.albedo(person, sitter.complexion, rng)
    open_ = figure.occlusion(person.depth, person.mask, person.dm)
    mass = _hair_mass(person, grown)
    open_ = open_ * (1 - 0.55 * masked_blur(mass, person.mask, 0.05 * person.dm))
    picture = skin.light(
        person,
        sitter.complexion,
        base,
        list(sitter.lamps),
        (np.array(sitter.sky, np.float32), np.array(sitter.ground, np.float32)),
        open_,
        rng,
    )
    for style, _, colour in grown:
        under = _under(person, style)
        tone = linear(colour.dark) if style not in ("cropped", "beard") else linear(colour.dark) * 0.6 + base * 0.15
        picture = (
            picture
            + (tone * (0.25 + 0.75 * open_[..., None]) - picture)
            * (under * (0.92 if style not in ("cropped", "beard") else 0.55))[..., None]
        )
    return picture, blur(person.mask, 0.5), person.depth.copy()


def _under(person: Figure, style: str) -> np.ndarray:
    weight = styles.beard_weight() if style == "beard" else styles.scalp(*styles.RECEDING.get(style, (0.0, 0.0)))
    return blur(person.seen.spread(weight, head.template().body), 0.02 * person.dm)


def _hair_mass(person: Figure, grown: list) -> np.ndarray:
    """Where strands lie before the skin, [h, w] 0..1, roughly."""
    mass = np.zeros(person.shape, np.float32)
    for style, locks, _ in grown:
        if style in ("cropped", "beard"):
            continue
        screen = person.camera.project(locks.strands.reshape(-1, 3).astype(np.float64))
        xi, yi = screen[:, 0].astype(int), screen[:, 1].astype(int)
        ok = (xi >= 0) & (yi >= 0) & (xi < person.shape[1]) & (yi < person.shape[0])
        xi, yi, z = xi[ok], yi[ok], screen[ok, 2]
        front = z > person.depth[yi, xi]
        np.add.at(mass, (yi[front], xi[front]), 1.0)
    return np.clip(blur(mass, 0.03 * person.dm) * 12, 0, 1)


def _clothed(
    picture: np.ndarray, cover: np.ndarray, depth: np.ndarray, person: Figure, sitter: Sitter, rng: np.random.Generator
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    light = np.array(sitter.sky, np.float32), np.array(sitter.ground, np.float32)
    for piece in sitter.clothes:
        colour, over, level = clothes.dress(person, piece, list(sitter.lamps), light, rng)
        picture = picture * (1 - 0.8 * clothes.contact(over, person))[..., None]
        shade = figure.occlusion(np.maximum(depth, level), np.maximum(cover, over), person.dm)
        picture = picture + (colour * (0.25 + 0.75 * shade[..., None]) - picture) * over[..., None]
        cover, depth = np.maximum(cover, over), np.maximum(depth, level)
        person.depth = np.maximum(person.depth, np.where(over > 0.5, level, -1e9)).astype(np.float32)
    return picture, cover, depth


def _haired(
    picture: np.ndarray,
    cover: np.ndarray,
    person: Figure,
    sitter: Sitter,
    grown: list,
    skull: hair.Skull,
    rng: np.random.Generator,
    thick: float,
) -> tuple[np.ndarray, np.ndarray]:
    """Hair behind the figure, the figure (sRGB), hair before it: uint8 [h, w, 3] and alpha uint8 [h, w]."""
    painted = np.empty((*person.shape, 3), np.uint8)
    painted[:] = sitter.hair[0][1].dark
    alpha = np.zeros(person.shape, np.uint8)
    tones = [hair.shade(locks, colour, skull, list(sitter.lamps), rng) for _, locks, colour in grown]
    for (style, locks, _), tone in zip(grown, tones):
        if style != "beard":
            hair.draw(painted, alpha, person, locks, tone * (0.62, 0.60, 0.60), thick=thick, front=False)
    painted = np.ascontiguousarray((painted + (picture - painted) * cover[..., None]).round().astype(np.uint8))
    alpha = np.maximum(alpha, (cover * 255).round().astype(np.uint8))
    for (_, locks, _), tone in zip(grown, tones):
        hair.draw(painted, alpha, person, locks, tone, thick=thick, front=True)
    return painted, alpha


def _reduced(painted: np.ndarray, alpha: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """Straight-alpha RGBA uint8 at the final size; colours are kept under transparency so that no edge shines."""
    a = alpha.astype(np.float32) / 255
    flat = cv2.resize(painted.astype(np.float32) * a[..., None], size, interpolation=cv2.INTER_AREA)
    thin = cv2.resize(a, size, interpolation=cv2.INTER_AREA)
    bare = cv2.resize(painted.astype(np.float32), size, interpolation=cv2.INTER_AREA)
    colour = np.where(thin[..., None] > 0.004, flat / np.maximum(thin[..., None], 0.004), bare)
    return np.dstack([np.clip(colour, 0, 255), thin * 255]).round().astype(np.uint8)


def _depth(depth: np.ndarray, person: Figure, grown: list, size: tuple[int, int]) -> np.ndarray:
    """Smooth nearness, uint8 [h, w], 255 nearest; hair and clothes with it, falling away to 0 outside."""
    level = np.where(depth > -1e8, depth, np.nan).astype(np.float32)
    for _, locks, _ in grown:
        screen = person.camera.project(locks.strands.reshape(-1, 3).astype(np.float64))
        at = np.clip(screen[:, :2], 0, np.array(person.shape[::-1]) - 1).astype(int)
        hull: np.ndarray = np.full(person.shape, -1e9, np.float32)
        np.maximum.at(hull, (at[:, 1], at[:, 0]), screen[:, 2].astype(np.float32))
        hull = cv2.dilate(hull, np.ones((9, 9), np.uint8))
        level = np.fmax(level, np.where(hull > -1e8, hull, np.nan))
    near, far = np.nanmax(level), np.nanpercentile(level, 0.5) - 0.3 * person.dm
    value = np.clip((np.nan_to_num(level, nan=float(far)) - far) / (near - far), 0, 1)
    small = cv2.resize(value, size, interpolation=cv2.INTER_AREA)
    return (blur(small, size[1] / 1280 * 7) * 255).round().astype(np.uint8)


def _rig(person: Figure, sitter: Sitter, portrait: np.ndarray, size: tuple[int, int]) -> dict:
    points = person.anchors.points / OVERSAMPLE
    iris = [[round(float(v) / OVERSAMPLE, 2) for v in place] for place in person.anchors.iris]

    def tone(place: np.ndarray, reach: int) -> list[int]:
        x, y = place[:2]
        part = portrait[int(y) - reach : int(y) + reach + 1, int(x) - reach : int(x) + reach + 1, :3].reshape(-1, 3)
        return [int(v) for v in np.median(part, 0)]

    reach = max(1, size[1] // 160)
    lip = (points[0] + points[13]) / 2
    lid = points[[223, 443]]
    shoulder = person.camera.project(np.array([[1.35, 5.35, 0.1]]))[0, 1] / OVERSAMPLE
    return {
        "version": 1,
        "size": list(size),
        "points": [[round(float(v), 2) for v in p] for p in points],
        "iris": {"left": iris[0], "right": iris[1]},
        "skin": tone(points[205], reach),
        "lip": tone(lip, max(1, reach // 3)),
        "lid": tone(lid[0], max(1, reach // 2)),
        "lash": list(sitter.traits.lash),
        "light": [round(float(v), 4) for v in sitter.lamps[0].unit],
        "shoulder_y": round(float(shoulder), 1),
    }


def write(folder: Path, pictures: dict[str, np.ndarray], plain: dict) -> None:
    """Saves a face/ folder."""
    folder.mkdir(parents=True, exist_ok=True)
    quality = {"portrait": 92, "background": 86, "eyes": 92, "iris": 92, "mouth": 90, "depth": 90}
    for name, picture in pictures.items():
        Image.fromarray(picture).save(folder / f"{name}.webp", quality=quality[name], method=4, exact=True)
    rig.save(folder, rig.build(plain, pictures["depth"]))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("twin", nargs="?", choices=sorted(CAST))
    parser.add_argument("--all", action="store_true", help="all default twins, into assets/twins")
    parser.add_argument("-o", "--out", type=Path, help="the face/ folder to write")
    parser.add_argument("--height", type=int, default=1280, help="px")
    chosen = parser.parse_args()
    if not chosen.all and not chosen.twin:
        parser.error("name a twin, or use --all")
    home = Path(__file__).parents[2] / "assets/twins"
    for name in sorted(CAST) if chosen.all else [chosen.twin]:
        start = time.perf_counter()
        folder = home / name / "face" if chosen.all or chosen.out is None else chosen.out
        pictures, plain = draw(CAST[name], chosen.height)
        write(folder, pictures, plain)
        sizes = ", ".join(f"{p.name} {p.stat().st_size // 1000} kB" for p in sorted(folder.iterdir()))
        print(f"{name}: {time.perf_counter() - start:.0f} s, {folder}: {sizes}", flush=True)


if __name__ == "__main__":
    main()
