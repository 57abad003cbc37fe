"""A film: what is in the file, that sound and mouth begin together, the label, captions, scripts, and that nothing is left of one that fails."""
from __future__ import annotations

import asyncio
from contextlib import aclosing
from pathlib import Path

import numpy as np
import pytest
from conftest import ROOT

from twin.animate.idle import Idle, blended, breath
from twin.errors import Refused, TwinError
from twin.paint.letters import _wrapped, captions, font
from twin.registry import Registry
from twin.render import Performance, Progress, film, paragraphs, perform, picture_of, size_of
from twin.settings import load
from twin.store import Twins
from twin.types import CHANNELS, RATE

av = pytest.importorskip("av", reason="PyAV is not installed")
TEXT = "Mama, hi."


@pytest.fixture(autouse=True)
def data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TWIN_DATA", str(tmp_path / "data"))


def made(out: Path, text: str = TEXT, **more: object) -> list[Progress]:
    registry = Registry(load([]))

    async def all_of_it() -> list[Progress]:
        options = {"aspect": "1:1", "short": 128, "fps": 30} | more
        async with aclosing(film(registry, Twins().first(), text, out, **options)) as steps:      # type: ignore[arg-type]
            return [step async for step in steps]
    try:
        return asyncio.run(all_of_it())
    finally:
        registry.close()


def read(path: Path) -> tuple[np.ndarray, np.ndarray, dict]:
    """Frames [n, h, w, 3], sound [n] at RATE from the picture's 0 s, and what the file says of itself."""
    with av.open(str(path)) as file:
        video, audio = file.streams.video[0], file.streams.audio[0]
        about = {"start": float((audio.start_time or 0) * audio.time_base) - float((video.start_time or 0) * video.time_base),
                 "codecs": (video.codec_context.name, audio.codec_context.name), "fps": float(video.average_rate),
                 "seconds": (float(video.duration * video.time_base), float(audio.duration * audio.time_base))}
        frames = np.stack([frame.to_ndarray(format="rgb24") for frame in file.decode(video)])
    sound = np.zeros(round(about["seconds"][1] * RATE) + RATE)
    with av.open(str(path)) as file:
        for frame in file.decode(audio=0):
            at, part = round(frame.time * RATE), frame.to_ndarray()[0]
            sound[max(at, 0):max(at, 0) + len(part)] = part[max(0, -at):]
    return frames, sound, about


def test_a_film_has_picture_and_sound_from_the_same_moment(tmp_path: Path) -> None:
    steps = made(out := tmp_path / "film.mp4")
    assert [step.done for step in steps] == sorted(step.done for step in steps) and steps[-1].done == 1.0
    frames, sound, about = read(out)
    assert about["codecs"] == ("h264", "aac") and about["fps"] == 30 and frames.shape[1:] == (128, 128, 3)
    assert abs(about["start"]) <= 0.017 and abs(about["seconds"][0] - about["seconds"][1]) < 0.06
    assert abs(about["seconds"][0] - steps[-1].seconds) < 0.04 and len(frames) == round(about["seconds"][0] * 30)
    registry = Registry(load([]))

    async def said() -> np.ndarray:
        whole = Performance()
        async for _ in perform(registry.crew(), Twins().first(), [TEXT], whole):
            pass
        return np.concatenate(whole.sound)
    wanted = asyncio.run(said())
    registry.close()
    lags = range(-1100, 1101)
    alike = [float(sound[1200 + lag:len(wanted) - 1200 + lag] @ wanted[1200:-1200]) for lag in lags]
    assert abs(lags[int(np.argmax(alike))]) <= 0.005 * RATE                     # the sound is where it was put: no priming of the codec left in
    moving = np.abs(np.diff(frames.astype(float), axis=0)).mean((1, 2, 3))
    loud = np.abs(sound[:len(frames) * 800].reshape(-1, 800)).max(1)            # of each frame
    begin = int(np.flatnonzero(loud > 0.05)[0])
    assert moving[begin - 3:begin + 9].max() > 2 * np.median(moving[2:begin - 4])
    label = frames[0, -14:-4, 4:60].astype(int)                                 # light letters on a dark plate, lower left
    assert label.mean() < 120 and label.max() > 150
    assert [path.name for path in tmp_path.iterdir() if path.is_file()] == ["film.mp4"]


def test_a_script_is_said_paragraph_by_paragraph_with_captions(tmp_path: Path) -> None:
    one = made(tmp_path / "one.mp4", "Hi there.")[-1].seconds
    steps = made(out := tmp_path / "two.mp4", "Hi there.\n\nHi there.", captions=True, aspect="9:16")
    assert steps[-1].seconds > 1.5 * one - 1
    frames, _, _ = read(out)
    assert frames.shape[1:] == (228, 128, 3)
    plain, _, _ = read(tmp_path / "one.mp4")
    middle = frames[20, 190:215, 40:90].astype(int)
    assert middle.max() > 200 and middle.min() < 90 and len(plain) < len(frames)


def test_a_cancelled_film_leaves_nothing(tmp_path: Path) -> None:
    registry, out = Registry(load([])), tmp_path / "film.mp4"

    async def some_of_it() -> None:
        async with aclosing(film(registry, Twins().first(), TEXT * 3, out, aspect="1:1", short=128)) as steps:
            async for step in steps:
                if step.done > 0.2:
                    return
    asyncio.run(some_of_it())
    registry.close()
    assert not [path for path in tmp_path.iterdir() if path.is_file()]


def test_what_cannot_be_filmed_is_said(tmp_path: Path) -> None:
    for text, more in (("  ", {}), (TEXT, {"aspect": "4:3"}), (TEXT, {"short": 64}), (TEXT, {"fps": 25}), ("x" * 30_000, {}), ("♪♪", {}),
                       (TEXT, {"background": b"no picture"})):
        with pytest.raises(Refused):
            made(tmp_path / "film.mp4", text, **more)
    with pytest.raises(TwinError):
        made(tmp_path / "nowhere" / "film.mp4")
    assert not [path for path in tmp_path.iterdir() if path.is_file()]


def test_paragraphs_sizes_and_pictures() -> None:
    import io

    from PIL import Image
    assert paragraphs("One\ntwo.\r\n\r\n\nThree.\n") == ["One two.", "Three."]
    assert size_of("16:9") == (1280, 720) and size_of("9:16", 512) == (512, 910) and size_of("1:1", 129) == (128, 128)
    raw = io.BytesIO()
    Image.new("CMYK", (40, 30)).save(raw, "JPEG")
    assert picture_of(raw.getvalue()).shape == (30, 40, 3)
    with pytest.raises(Refused):
        picture_of(bytes(26 * 2**20))


def test_captions_are_wrapped_and_only_in_letters_there_are() -> None:
    letters = font(20, "a")
    assert letters is not None
    lines = _wrapped("One two three four five six seven eight nine ten", letters, 120)
    assert len(lines) > 2 and all(letters.getlength(line) <= 120 for line in lines) and " ".join(lines).split()[-1] == "ten"
    assert captions("\U0010abcd\U0010abce", (200, 200)) == []                   # private letters: no font has them
    plates = captions("word " * 60, (256, 256))
    assert len(plates) > 1 and all(one.y > 100 for one in plates)
    if font(20, "你好") is not None:
        assert _wrapped("你好，我是你的数字人分身。", font(20, "你好"), 100)[1][0] not in "，。"


def test_the_idle_face_blinks_and_gives_way_to_the_track() -> None:
    idle = Idle(3)
    rows = np.array([idle.pose(k / 60) for k in range(3600)])
    blinks = np.diff((rows[:, CHANNELS.index("eyeBlinkLeft")] > 0.9).astype(int)) == 1
    assert 10 <= blinks.sum() <= 24 and np.abs(np.diff(rows[:, CHANNELS.index("headYaw")])).max() < 0.004
    said = np.zeros(57, np.uint8)
    said[CHANNELS.index("jawOpen")], said[52:] = 255, 128
    out = blended(120, 60, lambda k: said if 30 <= k < 90 else None)
    jaw = out[:, CHANNELS.index("jawOpen")]
    assert jaw[29] == 0 and jaw[45] == 1 and jaw[119] == 0 and np.abs(np.diff(jaw)).max() < 0.25
    assert breath(0) == 0 and 0.9 < breath(1.72) <= 1 and breath(4.2) == 0


@pytest.mark.browser
def test_the_idle_face_is_the_browsers(tmp_path: Path) -> None:
    import json
    import shutil
    import subprocess
    if shutil.which("node") is None:
        pytest.skip("no Node.js on this machine")
    (tmp_path / "idle.mjs").write_text((ROOT / "assets/web/idle.js").read_text())
    (tmp_path / "run.mjs").write_text(f"""import {{ Idle }} from "./idle.mjs"; const idle = new Idle({json.dumps(CHANNELS)}, {{seed: 3, still: false}});
        const out = new Float32Array(57), rows = []; for (let k = 0; k < 900; k++) {{ idle.pose(k / 60, k < 300 ? "idle" : "speaking", null, out);
        rows.push(Array.from(out)); }} console.log(JSON.stringify(rows));""")
    rows = np.array(json.loads(subprocess.run(["node", tmp_path / "run.mjs"], capture_output=True, text=True, check=True).stdout))
    own = Idle(3)
    assert np.abs(rows - [own.pose(k / 60, "idle" if k < 300 else "speaking") for k in range(900)]).max() < 1e-6
