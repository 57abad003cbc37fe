"""Lips: sentences drawn on the server and read back with MediaPipe, frame by frame: shut when they must be, open when they must be, in time.

Three twins (a photograph, a painting, an illustrated one; the worst one counts; another painting is only printed) say English and Chinese
sentences. Uncompressed frames of 512 px, 60 a second. The gap is the distance of points 13 and 14 over that of the irises (468, 473), as
MediaPipe's face mesh (static mode, each frame by itself) sees it. `--twin NAME` measures only that one; `--strip DIR` keeps film strips.
`--audio`: instead, how well the lips are read off the sound of real readers (lips_audio.py).
"""
from __future__ import annotations

import asyncio
import tempfile
from collections.abc import Callable
from pathlib import Path

import numpy as np

from . import lips_audio

SENTENCES = ("Mama, why do five fish follow our blue boat?", "Bob and Pam have a map of a big apple farm in Panama.",
             "My father asked about a black cat, but nobody was at home.", "你好，我是你的数字人分身。", "爸爸妈妈把白色的苹果放在大盘子里。",
             "八百标兵奔北坡，北坡炮兵并排跑。")
PORTRAITS = Path(__file__).resolve().parents[2] / "shared" / "data" / "portraits"
COUNTED = ("astronaut", "girl", "illustrated")
SIZE, FPS = 512, 60
CLOSED, OPEN = 0.02, 0.08
TRACKS = 1000            # random ones, for flips
FLIPPED = 0.01           # px of the frame
ONLY_MOUTH = ("mouth", "jaw", "tongue", "cheekPuff")


def options(parser) -> None:
    parser.add_argument("--twin", action="append", choices=(*COUNTED, "mona"), help="only this one; may be repeated")
    parser.add_argument("--illustrated", default="maya", help="which default twin")
    parser.add_argument("--strip", type=Path, help="folder for film strips of the first sentence")
    parser.add_argument("--portraits", type=Path, default=PORTRAITS, help="folder of the paintings")
    parser.add_argument("--detail", action="store_true", help="print every sound that was missed")
    lips_audio.options(parser)


def run(options) -> dict[str, object]:
    if options.audio:
        return lips_audio.run(options)
    from twin.registry import Registry
    from twin.render import Performance, perform
    from twin.settings import load
    from twin.store import Twins

    registry, whole = Registry(load([])), Performance()
    speaker = Twins()[options.illustrated]

    async def say() -> None:
        async for _ in perform(registry.crew(), speaker, SENTENCES, whole):
            pass
    try:
        asyncio.run(say())
    finally:
        registry.close()
    marks = _marks(whole)
    figures: dict[str, object] = {}
    rows: dict[str, dict[str, float]] = {}
    with tempfile.TemporaryDirectory() as folder:
        for name in options.twin or (*COUNTED, "mona"):
            rows[name] = _measure(name, _face(name, options, Path(folder)), whole, marks, options)
            print(f"{name}: " + "  ".join(f"{key} {value:.3g}" for key, value in rows[name].items()), flush=True)
    counted = [row for name, row in rows.items() if name in COUNTED]
    for key in next(iter(rows.values())):
        values = [row[key] for row in counted or rows.values()]
        worst = {"closed_share": min, "open_share": min, "rank_correlation": min, "outside_change": max, "flips": max, "largest_fold_px": max}.get(key)
        if worst:
            figures[key] = worst(values)
        elif key == "offset_ms":
            figures[key] = max(values, key=abs)
        elif key == "blinks_per_minute":
            figures[key] = max(values, key=lambda value: abs(value - 17.5))
    figures |= {f"{key}_{name}": value for name, row in rows.items() for key, value in row.items()}
    return figures


def _marks(whole) -> list[tuple[float, float, str]]:
    """Every sound that must be shut or open: start s, end s, "shut" or "open"."""
    from twin.animate.phones import sounds
    out = []
    for at, mark in whole.marks:
        symbols = sounds(mark.phone) if mark.phone else ()
        bare = mark.phone.lstrip("ˈˌ")
        if bare[:1] in ("p", "b", "m"):
            out.append((at + mark.start, at + mark.end, "shut"))
        elif set(symbols) & {"a", "ɑ", "æ", "ʌ"}:
            out.append((at + mark.start, at + mark.end, "open"))
    return out


def _face(name: str, options, folder: Path) -> Callable[[str], bytes]:
    """Reads the files of a twin, built here from its picture."""
    if name == "illustrated":
        from twin.store import Twins
        return Twins()[options.illustrated].read
    from twin.paint import photo
    if name == "astronaut":
        import io

        from PIL import Image
        from skimage import data
        raw = io.BytesIO()
        Image.fromarray(data.astronaut()).save(raw, "PNG")
        picture = photo.read(raw.getvalue())
    else:
        picture = photo.read((options.portraits / {"girl": "girl_with_a_pearl_earring.jpg", "mona": "mona_lisa.jpg"}[name]).read_bytes())
    photo.warm()                                         # loading is not part of the time it has for looking
    found = photo.faces(picture) or photo.faces(picture)
    if not found:
        raise SystemExit(f"No face was found in {name}: is the machine busy?")
    photo.build(picture, found[0], folder / name / "face")
    return lambda file: (folder / name / file).read_bytes()


def _measure(name: str, read: Callable[[str], bytes], whole, marks, options) -> dict[str, float]:
    import mediapipe

    from twin.animate.idle import blended, breath
    from twin.animate.visemes import gap
    from twin.paint.draw import Painter, staged
    from twin.paint.quiet import quiet

    painter = Painter(read, (SIZE, SIZE), staged)
    weights = blended(whole.frames, FPS, whole.track.get)
    seen, lids, lost, strip = [], [], 0, []
    finder = mediapipe.solutions.face_mesh.FaceMesh
    with quiet(), finder(static_image_mode=True, max_num_faces=1, refine_landmarks=True, min_detection_confidence=0.3) as mesh:
        for k, row in enumerate(weights):
            frame = painter.frame(row, breath(k / FPS))
            found = mesh.process(frame).multi_face_landmarks
            if not found:
                lost += 1
                seen.append(seen[-1] if seen else 0.0)
                lids.append(lids[-1] if lids else 1.0)
            else:
                p = np.array([(q.x, q.y) for q in found[0].landmark]) * SIZE
                unit = np.linalg.norm(p[468] - p[473])
                seen.append(float(np.linalg.norm(p[13] - p[14]) / unit))
                lids.append(float(np.mean([np.linalg.norm(p[a] - p[b]) / np.linalg.norm(p[c] - p[d])
                                           for a, b, c, d in ((159, 145, 33, 133), (386, 374, 263, 362))])))
            if options.strip and k < 200 and k % 4 == 0:
                strip.append(frame.copy())
    measured, wanted = np.array(seen), _wanted(whole, gap)
    shut = [measured[_span(a, b, 1, len(measured))].min() for a, b, kind in marks if kind == "shut"]
    wide = [measured[_span(a, b, 0, len(measured))].max() for a, b, kind in marks if kind == "open"]
    if options.detail:
        for (a, b, kind) in marks:
            value = measured[_span(a, b, 1, len(measured))].min() if kind == "shut" else measured[_span(a, b, 0, len(measured))].max()
            if (kind == "shut" and value > CLOSED) or (kind == "open" and value < OPEN):
                part = wanted[_span(a, b, 0, len(measured))]
                print(f"  {name} {kind} at {a:.2f}..{b:.2f} s: {value:.3f}, wanted {part.min():.2f}..{part.max():.2f}")
    if options.strip:
        _keep(strip, painter, options.strip / f"{name}.png")
    speaking = np.array([k in whole.track for k in range(len(measured))])
    flips, largest = _flips(painter)
    return {"closed_share": float(np.mean([value <= CLOSED for value in shut])), "open_share": float(np.mean([value >= OPEN for value in wide])),
            "rank_correlation": _ranked(wanted[speaking], measured[speaking]), "offset_ms": _lag(wanted, measured) + _starts(read),
            "blinks_per_minute": _blinks(np.array(lids)) / (len(lids) / FPS / 60), "outside_change": _outside(painter, weights),
            "flips": float(flips), "largest_fold_px": largest, "lost_frames": float(lost), "closed_worst": float(max(shut)), "open_worst": float(min(wide))}


def _span(start: float, end: float, more: int, count: int) -> slice:
    """The frames within start..end s, `more` on either side."""
    first = max(0, int(np.ceil(start * FPS - 1e-6)) - more)
    return slice(first, min(count, max(first + 1, int(np.floor(end * FPS + 1e-6)) + 1 + more)))


def _wanted(whole, gap) -> np.ndarray:
    rows = np.zeros((whole.frames, 57), np.uint8)
    for k, row in whole.track.items():
        if k < len(rows):
            rows[k] = row
    return gap(rows)


def _ranked(a: np.ndarray, b: np.ndarray) -> float:
    """Spearman's rank correlation."""
    from scipy.stats import spearmanr
    return float(spearmanr(a, b).statistic)


def _lag(wanted: np.ndarray, measured: np.ndarray) -> float:
    """ms by which the measured gap comes after the wanted one: the peak of their cross-correlation, between frames by a parabola."""
    a, b = wanted - wanted.mean(), measured - measured.mean()
    reach = 12
    alike = np.array([float(a[reach:-reach] @ b[reach + lag:len(b) - reach + lag]) for lag in range(-reach, reach + 1)])
    k = int(np.clip(alike.argmax(), 1, 2 * reach - 1))
    left, middle, right = alike[k - 1:k + 2]
    return (k - reach + 0.5 * (left - right) / (left - 2 * middle + right)) * 1000 / FPS


def _starts(read) -> float:
    """ms by which the picture of an MP4 starts later than its sound."""
    import av

    from twin.render import Performance, Picture, write
    with tempfile.TemporaryDirectory() as folder:
        path, whole = Path(folder) / "film.mp4", Performance()
        whole.quiet(1.0)
        for _ in write(path, Picture(read, (128, 128), None, whole, False), whole):
            pass
        with av.open(str(path)) as file:
            video, audio = (float((stream.start_time or 0) * stream.time_base) for stream in (file.streams.video[0], file.streams.audio[0]))
    return (video - audio) * 1000


def _blinks(lids: np.ndarray) -> int:
    """How often the eye aspect ratio falls under six tenths of its usual value."""
    shut = lids < 0.6 * np.median(lids)
    return int((np.diff(shut.astype(int)) == 1).sum())


def _outside(painter, weights: np.ndarray) -> float:
    """Grey levels by which pixels outside face and hair change, on average, while only the mouth moves."""
    from twin.types import CHANNELS
    still = painter.frame(np.zeros(57)).astype(float)
    alpha = painter.frame(np.zeros(57), scene=False).max(2) > 0                  # the person
    places = painter.landmarks()
    chin, tall = places[152, 1], places[152, 1] - places[10, 1]
    outside = ~alpha
    outside[int(min(SIZE - 1, chin + 0.35 * tall)):] = True
    mouth = np.array([name.startswith(ONLY_MOUTH) for name in CHANNELS])
    rows = weights[::max(1, len(weights) // 60)] * mouth
    return max(float(np.abs(painter.frame(row) - still)[outside].mean()) for row in rows)


def _flips(painter) -> tuple[int, float]:
    """Triangles that turn over in random tracks (random sounds, moods and seeds, each at its widest and a few more frames), and the largest area
    that lies the wrong way round, in px of the frame.

    A flip counts from FLIPPED px on. It can't count from nothing on: where lips and lids meet, triangles shrink to lines, and rounding gives a
    line either sign; the renderer itself opens only what is folded by more (FOLDED in pose.py: some 0.004 px of these frames).
    """
    from persona.emotion import EMOTIONS
    from twin.animate.phones import _CONSONANTS, _VOWELS
    from twin.animate.visemes import Visemes, gap
    from twin.meet import mood
    from twin.paint.draw import values
    from twin.types import RATE, Audio, Mark, Speech

    random, phones, moods = np.random.default_rng(0), [*_VOWELS, *_CONSONANTS], [*EMOTIONS]
    triangles = np.array(painter.rig["triangles"])

    def turn(points: np.ndarray) -> np.ndarray:
        a, b, c = (points[triangles[:, k], :2] for k in range(3))
        return (b[:, 0] - a[:, 0]) * (c[:, 1] - a[:, 1]) - (b[:, 1] - a[:, 1]) * (c[:, 0] - a[:, 0])
    rest = np.sign(turn(painter.posed.apply(np.zeros(57))))
    flips, largest = 0, 0.0
    for k in range(TRACKS):
        at, marks = 0.0, []
        while at < 0.6:
            long = float(random.uniform(0.05, 0.2))
            marks.append(Mark(at, at + long, str(random.choice(phones))))
            at += long
        speech = Speech("", Audio(random.normal(0, 0.1, round(at * RATE)).astype(np.float32)), tuple(marks))
        rows = Visemes().animate(speech, mood(str(random.choice(moods))), 1.0, None, k).weights
        chosen = {int(gap(rows).argmax()), *random.integers(0, len(rows), 3).tolist()}
        for row in chosen:
            folded = -turn(painter.posed.apply(values(rows[row]))) * rest / 2 * painter.fit.scale ** 2       # px of the frame
            flips += int((folded > FLIPPED).sum())
            largest = max(largest, float(folded.max()))
    return flips, largest


def _keep(frames: list[np.ndarray], painter, path: Path) -> None:
    from PIL import Image
    path.parent.mkdir(parents=True, exist_ok=True)
    places = painter.landmarks()
    (x0, y0), (x1, y1) = places.min(0).astype(int) - 20, places.max(0).astype(int) + 30
    small = [np.array(Image.fromarray(frame[max(0, y0):y1, max(0, x0):x1]).resize((190, 240))) for frame in frames]
    small += [np.zeros_like(small[0])] * (-len(small) % 10)
    Image.fromarray(np.vstack([np.hstack(small[k:k + 10]) for k in range(0, len(small), 10)])).save(path)
