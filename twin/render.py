"""A film: a twin says a text, paragraph by paragraph, or a recording, into an MP4. The same conversation as everywhere, with a sink that has no ear.

Sound and picture come from the same pieces and begin together. Faces are drawn on two threads and packed on a third. What is being written
lies beside its place and is renamed at the end: a film that is cancelled (the generator closed) or fails leaves nothing.
"""
from __future__ import annotations

import copy
import logging
import os
import secrets
import zlib
from collections.abc import AsyncGenerator, Callable, Generator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import aclosing, suppress
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path
from queue import SimpleQueue
from typing import Any

import numpy as np

from persona.mind import Answer

from .conversation import Conversation
from .errors import Refused, TwinError
from .meet import mood
from .settings import load
from .streams import Lane
from .text import cjk, clean
from .types import FPS, RATE, Audio, Motion, Speech, Spoken, Trouble

ASPECTS = {"16:9": (16, 9), "1:1": (1, 1), "9:16": (9, 16)}
SHORT = 720              # px of the shorter side
LEAD, GAP, TAIL = 0.5, 0.5, 0.9                          # s before the first word, between paragraphs, after the last word
PARAGRAPHS, CHARACTERS = 200, 20_000                     # of a script, at most
DRAWERS = 2              # threads that draw
QUEUE = 8                # frames begun and not yet packed
STEP = 12                # frames from one progress to the next
BACKGROUND = 25 * 2**20, 50_000_000                      # bytes and px of a background picture, at most
PER_FRAME = round(RATE / FPS)                            # samples
AROUND = RATE                                            # samples around a piece of a recording that the lips are read off with it
CUT = ("Only the first five minutes of the recording are in the film.", "影片里只有录音的前五分钟。")
log = logging.getLogger("twin.render")


@dataclass(frozen=True)
class Progress:
    """How far a film is. The last one has `seconds` and `notes`: what could not be done as asked, in English and Chinese."""
    done: float                                          # 0..1
    en: str
    zh: str
    seconds: float = 0.0
    notes: tuple[tuple[str, str], ...] = ()


@dataclass
class Performance:
    """What is heard and what the face does, on one clock."""
    sound: list[np.ndarray] = field(default_factory=list)
    track: dict[int, np.ndarray] = field(default_factory=dict)           # frame -> uint8 [57]
    words: list[tuple[float, float, str]] = field(default_factory=list)  # start s, end s, clause
    marks: list[tuple[float, Any]] = field(default_factory=list)         # start s of a piece, and a Mark on its clock
    samples: int = 0

    def quiet(self, seconds: float) -> None:
        self.add(np.zeros(round(seconds * FPS) * PER_FRAME, np.float32))

    def add(self, samples: np.ndarray) -> None:
        self.sound.append(samples)
        self.samples += len(samples)

    @property
    def frames(self) -> int:
        return self.samples // PER_FRAME

    def take(self, pieces: Sequence[Spoken]) -> None:
        """A turn's pieces, begun at a whole frame and filled up to one."""
        start = self.frames
        for spoken in pieces:
            speech, at = spoken.speech, self.samples / RATE
            seconds = speech.audio.seconds if speech.audio else 0.0
            if speech.text.strip():
                self.words.append((at, at + seconds, speech.text.strip()))
            elif self.words:
                self.words[-1] = (self.words[-1][0], at + seconds, self.words[-1][2])
            if spoken.motion is not None:
                first = start + round(spoken.at * FPS)
                self.track |= {first + k: row for k, row in enumerate(spoken.motion.weights)}
            if speech.audio:
                self._mark(at, speech.marks)
                self.add(speech.audio.samples)
        self.add(np.zeros(-self.samples % PER_FRAME, np.float32))

    def _mark(self, at: float, marks: Sequence[Any]) -> None:
        """Every sound once: neighbouring pieces know each other's."""
        for mark in marks:
            known = any(abs(before + other.start - at - mark.start) < 0.005 and other.phone == mark.phone for before, other in self.marks[-12:])
            if mark.start >= 0 and not known:
                self.marks.append((at, mark))


def paragraphs(text: str) -> list[str]:
    """A script's paragraphs: blank lines part them. Raises Refused when there is nothing, or too much."""
    if len(text) > CHARACTERS:
        raise Refused(f"That is {len(text):,} characters; a film can have {CHARACTERS:,}.", "Shorten it, or make several films.",
                      zh=(f"文字有 {len(text):,} 个字符；一部影片最多 {CHARACTERS:,} 个。", "请缩短，或分成几部影片。"))
    parts = [" ".join(part.split()) for part in text.replace("\r\n", "\n").split("\n\n")]
    parts = [clean(part) for part in parts if part]
    if not parts:
        raise Refused("There is nothing to say.", "Give it some words.", zh=("没有要说的内容。", "请写一些文字。"))
    if len(parts) > PARAGRAPHS:
        raise Refused(f"That is {len(parts)} paragraphs; a film can have {PARAGRAPHS}.", "Make several films.",
                      zh=(f"有 {len(parts)} 段；一部影片最多 {PARAGRAPHS} 段。", "请分成几部影片。"))
    return parts


async def perform(crew: Any, twin: Any, script: Sequence[str], whole: Performance, feeling: str = "neutral") -> AsyncGenerator[int, None]:
    """Says the paragraphs into `whole`; yields after each how many there are. Raises TwinError where the voice or the face fails."""
    events: list[Any] = []
    talk = Conversation(twin, crew, None, mood, events.append, ear=False, lead=float("inf"))
    whole.quiet(LEAD)
    for k, text in enumerate(script):
        events.clear()
        language = "zh" if cjk(text) > len(text) / 5 else "en"
        await talk.tell(Answer("line", text, mood=feeling, language=language))
        try:
            await talk.settled()
        finally:
            await talk.interrupt()
        for event in events:
            if isinstance(event, Trouble):
                raise TwinError(event.message, event.hint)
        pieces = [event for event in events if isinstance(event, Spoken)]
        if not any(piece.speech.audio for piece in pieces):
            raise Refused("There is nothing in that text a voice could say.", "Give it some words.", zh=("这段文字里没有能念出来的内容。", "请写一些文字。"))
        if k:
            whole.quiet(GAP)
        whole.take(pieces)
        yield k + 1
    whole.quiet(TAIL)


async def recite(crew: Any, twin: Any, sound: np.ndarray, whole: Performance, feeling: str = "neutral") -> AsyncGenerator[float, None]:
    """A recording (float32 [n] at RATE) into `whole`, the lips read off it; yields what part is done. Raises TwinError where the face fails."""
    pieces: list[Spoken] = []
    motion: Motion | None = None
    seed = zlib.crc32(f"{twin.id} recording".encode())
    whole.quiet(LEAD)
    for start in range(0, len(sound), RATE):
        own = sound[start:start + RATE]
        speech = Speech("", Audio(own), (), sound[max(0, start - AROUND):start], sound[start + RATE:start + RATE + AROUND])
        motion = await crew.animate.call(speech, mood(feeling), start / RATE, motion, seed)
        pieces.append(Spoken(0, start / RATE, Speech("", Audio(own)), motion))
        yield min(1.0, (start + RATE) / len(sound))
    whole.take(pieces)
    whole.quiet(TAIL)


def recording(data: bytes) -> tuple[np.ndarray, bool]:
    """The sound of any audio or video file, float32 [n] at RATE, as loud as every voice here, and whether it goes on past five minutes. Blocking.
    Raises Refused for what is none or silent; Missing without PyAV."""
    from .speak import samples, shaping
    sound, _, cut = samples.decode(data)
    loud = shaping.loudness(sound)
    if loud < 1e-3:
        raise Refused("The recording is silent.", "Choose one in which somebody speaks.", zh=("录音是静音的。", "请选择有人说话的录音。"))
    return shaping.limit(sound * (shaping.LOUDNESS / loud)), cut


def size_of(aspect: str, short: int = SHORT) -> tuple[int, int]:
    """Width and height, both even. Raises Refused."""
    if aspect not in ASPECTS:
        raise Refused(f"There is no aspect {aspect!r}.", f"Choose one of {', '.join(ASPECTS)}.", zh=("没有这种画幅。", f"请选择 {'、'.join(ASPECTS)}。"))
    if not 128 <= short <= 1440:
        raise Refused(f"A film cannot be {short} px.", "Choose 128 to 1440 px for its shorter side.",
                      zh=("影片不能是这个大小。", "短边请选 128 到 1440 像素。"))
    w, h = ASPECTS[aspect]
    return round(short * w / min(w, h) / 2) * 2, round(short * h / min(w, h) / 2) * 2


def picture_of(data: bytes) -> np.ndarray:
    """A background picture uint8 [h, w, 3] from a file's bytes. Raises Refused."""
    import io

    from PIL import Image, ImageOps
    bad = Refused("The background cannot be read as a picture.", "Give a JPEG, PNG or WebP of at most 25 MB and 50 megapixels.",
                  zh=("背景图片无法读取。", "请用不超过 25 MB、5000 万像素的 JPEG、PNG 或 WebP。"))
    if len(data) > BACKGROUND[0]:
        raise bad
    try:
        with Image.open(io.BytesIO(data)) as picture:
            if picture.width * picture.height > BACKGROUND[1]:
                raise bad
            picture.draft("RGB", (2880, 2880))
            turned = ImageOps.exif_transpose(picture).convert("RGB")
            turned.thumbnail((2880, 2880))
            return np.array(turned)
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError):
        raise bad from None


async def film(registry: Any, twin: Any, text: str, out: Path, *, aspect: str = "16:9", short: int = SHORT, fps: int = 60, background: bytes | None = None,
               captions: bool = False, feeling: str = "neutral", title: str = "", audio: bytes | None = None) -> AsyncGenerator[Progress, None]:
    """Make the film; closing the generator cancels it. `registry` lends the crew; `twin` is what is filmed; `fps` divides 60; `feeling` is a mood.
    `audio`: an audio or video file that it says instead of `text`.

    Raises TwinError: Refused for a text, recording, aspect or picture that can't be taken or a consent that doesn't cover films, Missing for a face.
    """
    from . import trust
    size, script = size_of(aspect, short), paragraphs(text) if audio is None else []
    if 60 % fps:
        raise Refused(f"A film of {fps} frames a second cannot be made.", "Choose 60, 30, 20 or 15.", zh=("没有这种帧率。", "请选 60、30、20 或 15。"))
    consent = trust.record_of(twin)
    trust.allows(consent, "film", load().folder("data"))
    scene = None if background is None else picture_of(background)
    if not out.parent.is_dir():
        raise Refused(f"There is no folder {out.parent}.", "Name a file in a folder that exists.")
    whole = Performance()
    if load().rhythm:
        whole.add(trust.rhythm(RATE))
        whole.add(np.zeros(-whole.samples % PER_FRAME, np.float32))
    beside = out.with_name(f".{out.name}.{secrets.token_hex(4)}.part.mp4")
    lane, cut, voice = Lane("film"), False, f"voice {twin.voice.backend}"
    try:
        if audio is None:
            yield Progress(0.0, "Reading the text", "正在朗读")
            async with aclosing(perform(registry.crew(), twin, script, whole, feeling)) as saying:
                async for count in saying:
                    yield Progress(0.1 * count / len(script), "Reading the text", "正在朗读")
        else:
            yield Progress(0.0, "Listening to the recording", "正在听录音")
            sound, cut = await lane.run(lambda: recording(audio), budget=300.0)
            voice = "a recording"
            async with aclosing(recite(registry.crew(), twin, sound, whole, feeling)) as saying:
                async for done in saying:
                    yield Progress(0.1 * done, "Listening to the recording", "正在听录音")
        picture = Picture(twin.read, size, scene, whole, captions)
        async with aclosing(lane.stream(write(beside, picture, whole, fps), budget=300.0)) as steps:
            async for done in steps:
                yield Progress(0.1 + 0.87 * done, "Drawing the film", "正在绘制影片")
        how = await lane.run(lambda: trust.mark(beside, title=title or out.name, label=False, consent=consent, model=f"{voice}, drawn face"),
                             budget=300.0)
        notes = (*picture.notes, *((CUT,) if cut else ()), *(() if how.credentials else ((how.en, how.zh),)))
        try:
            os.replace(beside, out)
        except OSError as error:
            raise TwinError(f"{out} cannot be written: {error.strerror}.", "Name a file in a folder that can be written.") from None
        yield Progress(1.0, "Done", "完成", whole.frames / FPS, notes)
    finally:
        await _swept(lane, beside)


async def _swept(lane: Lane, beside: Path) -> None:
    """Behind whatever still runs on the lane: the half-written file goes, and the lane."""
    import asyncio

    def sweep() -> None:
        with suppress(OSError):
            beside.unlink()
    await asyncio.shield(lane.run(sweep, budget=300.0))
    lane.close()


class Picture:
    """The pictures of a film: the face, the label that an AI made it, captions."""

    def __init__(self, read: Callable[[str], bytes], size: tuple[int, int], scene: np.ndarray | None, whole: Performance, captions: bool):
        self.read, self.size, self.scene, self.whole, self.captions = read, size, scene, whole, captions
        self.notes: tuple[tuple[str, str], ...] = ()
        self._shown: list[tuple[int, int, Any]] = []

    def open(self) -> None:
        """Blocking; some seconds when Numba has not yet compiled the drawing on this machine."""
        from PIL import Image

        from .paint.draw import Painter, staged
        from .paint.letters import captions, plate
        from .trust import draw_label
        first = Painter(self.read, self.size, staged, self.scene)
        self._free: SimpleQueue[Any] = SimpleQueue()                     # painters, one for each thread that draws
        for painter in (first, *(copy.deepcopy(first, {id(first.rig): first.rig}) for _ in range(DRAWERS - 1))):
            self._free.put(painter)
        label = Image.new("RGBA", self.size)
        draw_label(label)
        self.label = plate(label)
        missing = False
        for start, end, text in self.whole.words if self.captions else ():
            plates = captions(text, self.size)
            missing |= not plates
            for k, one in enumerate(plates):
                at, until = (round((start + (end - start) * part / len(plates)) * FPS) for part in (k, k + 1))
                self._shown.append((at, until, one))
        if missing:
            self.notes = (("Some captions are missing: no font with these letters is on this machine. Install Noto Sans CJK, or name a font file "
                           "in TWIN_FONT.", "部分字幕缺失：这台机器上没有含这些文字的字体。请安装 Noto Sans CJK，或用 TWIN_FONT 指定字体文件。"),)

    def at(self, frame: int, weights: np.ndarray, breath: float) -> np.ndarray:
        """I420 planes uint8 [h * 3 / 2, w] of a frame (60 a second). For any thread."""
        import cv2
        painter = self._free.get()
        try:
            canvas = painter.frame(weights, breath)
            for start, end, one in self._shown:
                if start <= frame < end:
                    one.on(canvas)
            if self.label is not None:
                self.label.on(canvas)
            return cv2.cvtColor(canvas, cv2.COLOR_RGB2YUV_I420)
        finally:
            self._free.put(painter)


def write(path: Path, picture: Picture, whole: Performance, fps: int = 60, preset: str = "veryfast") -> Generator[float, None, None]:
    """Draw and pack the film; yields what part is done. Blocking. Raises TwinError when the file can't be written."""
    import av
    import cv2

    from .animate.idle import blended, breath
    picture.open()
    weights = blended(whole.frames, FPS, whole.track.get)
    threads = cv2.getNumThreads()
    cv2.setNumThreads(1)                                 # its threads would only be in the way of ours
    drawers = ThreadPoolExecutor(DRAWERS, thread_name_prefix="film-drawer")
    packer = ThreadPoolExecutor(1, thread_name_prefix="film-packer")
    waiting: list[Future[None]] = []
    try:
        with av.open(str(path), "w", format="mp4", options={"movflags": "+faststart"}) as container:
            tape = _Tape(container, picture.size, fps, np.concatenate(whole.sound), preset)
            step = round(FPS) // fps

            def pack(drawn: Future[np.ndarray]) -> None:
                tape.frame(drawn.result())
            try:
                for frame in range(0, whole.frames, step):
                    drawn = drawers.submit(picture.at, frame, weights[frame], breath(frame / FPS))
                    waiting.append(packer.submit(pack, drawn))
                    if len(waiting) > QUEUE:
                        waiting.pop(0).result()
                    if frame // step % STEP == 0:
                        yield frame / whole.frames
                for future in waiting:
                    future.result()
                packer.submit(tape.end).result()
            finally:                                     # nobody may touch the container once it is closed
                drawers.shutdown(wait=True)
                packer.shutdown(wait=True, cancel_futures=True)
    except (OSError, av.error.FFmpegError) as error:
        log.warning("a film could not be written: %s", type(error).__name__)
        raise TwinError(f"The film could not be written ({type(error).__name__}).", "Make room on the disk, or name another folder.",
                        zh=("影片无法写入。", "请腾出磁盘空间，或换一个文件夹。")) from None
    finally:
        cv2.setNumThreads(threads)
    yield 1.0


class _Tape:
    """The packer's side: H.264 and AAC, both from 0 s on."""

    def __init__(self, container: Any, size: tuple[int, int], fps: int, sound: np.ndarray, preset: str):
        self._container, self._fps, self._count = container, fps, 0
        self._video = container.add_stream("libx264", rate=fps, options={"preset": preset, "crf": "19", "bf": "0", "profile": "high", "g": str(4 * fps)})
        self._video.width, self._video.height = size
        self._video.pix_fmt = "yuv420p"
        context = self._video.codec_context
        context.color_range, context.colorspace, context.color_primaries, context.color_trc = 1, 6, 6, 6     # as OpenCV's conversion: BT.601, studio
        context.thread_count = 2
        self._voice = container.add_stream("aac", rate=RATE)
        self._voice.bit_rate = 96_000
        self._voice.layout = "mono"
        self._sound, self._heard = sound, 0

    def frame(self, planes: np.ndarray) -> None:
        """The next picture, I420 planes as OpenCV lays them out, and the sound up to its end."""
        import av
        picture = av.VideoFrame.from_ndarray(planes, format="yuv420p")
        picture.pts = self._count
        picture.time_base = Fraction(1, self._fps)
        self._count += 1
        self._container.mux(self._video.encode(picture))
        self._hear(round(self._count / self._fps * RATE))

    def _hear(self, until: int) -> None:
        import av
        until = min(until, len(self._sound))
        if until - self._heard < 1024 and until < len(self._sound) or until == self._heard:
            return
        part = np.clip(self._sound[self._heard:until], -1, 1).astype(np.float32)
        samples = av.AudioFrame.from_ndarray(part[None], format="fltp", layout="mono")
        samples.sample_rate, samples.pts = RATE, self._heard
        self._heard = until
        self._container.mux(self._voice.encode(samples))

    def end(self) -> None:
        self._hear(len(self._sound))
        self._container.mux(self._video.encode(None))
        self._container.mux(self._voice.encode(None))
