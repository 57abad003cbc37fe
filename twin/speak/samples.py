"""Recordings of a person: sound out of any audio or video file, where in it somebody speaks, and what is good or bad about it.

Bounded before it is decoded: a file of an hour costs what its first minutes cost. What was said is nobody's business here.
"""
from __future__ import annotations

import io
import wave
from dataclasses import dataclass

import numpy as np

from twin.errors import Missing, Refused
from twin.silero import HZ as HEARD
from twin.silero import WINDOW, Silero
from twin.types import RATE, Audio

LONGEST = 300.0                                          # s that are decoded; training uses three minutes
MOST_BYTES = 200 << 20
START, STOP = 0.5, 0.35
PAUSE, AROUND = 0.35, 0.12                               # s of silence that end a clip; s kept around it
SHORTEST, CLIP = 0.25, 14.0                              # s of a clip
LEAST = 1.0                                              # s of speech without which there is no sample
FULL = 0.985                                             # of full scale: clipped, where three samples in a row reach it

SENTENCES = {
    "en": (
        "The young chef thought that fresh garlic would be a good choice for the soup.",
        "We rode our bicycles along the river until the church bells rang at noon.",
        "Please put the yellow cups and the blue jug back on the kitchen shelf.",
        "Why should anybody argue about a measure that makes the town quieter?",
        "My father usually hears the first birds long before the alarm goes off.",
        "She sells smooth leather shoes in a tiny shop near the old bridge.",
        "How many people have you invited to join us at the beach on Thursday?",
        "A huge brown dog jumped over the fence and vanished into the fog.",
        "The engineer's vision was clear: cheap power for every village in the valley.",
        "Oh, I never knew that you could boil an egg in just four minutes!",
        "Their choir will perform a joyful song, and then all of us go out for tea.",
        "This is my own voice, and I agree that my voice is used for my digital twin.",
    ),
    "zh": (
        "今天早上天气很好，我和朋友一起去公园散步。",
        "请把桌子上的那本蓝色的书递给我，谢谢你。",
        "他每天骑自行车上班，路上要花二十五分钟。",
        "这家饭馆的红烧肉非常好吃，价钱也不贵。",
        "你知道图书馆几点关门吗？我想去借几本小说。",
        "春天来了，院子里的桃花、杏花都开了。",
        "小时候，我常常坐在门口听奶奶讲故事。",
        "我们决定坐火车去云南旅行，顺便看看老同学。",
        "这个问题很简单，只要认真想一想就能回答。",
        "哎呀，我怎么又把钥匙忘在办公室里了！",
        "晚饭以后，全家人围着炉子喝茶、聊天、吃橘子。",
        "这是我本人的声音，我同意把我的声音用于我的数字分身。",
    ),
}


@dataclass(frozen=True)
class Remark:
    """One finding, for people."""
    code: str                                            # loudness, noise, clipping, length, band
    level: str                                           # good, warn, bad
    en: str
    zh: str


@dataclass(frozen=True)
class Sample:
    """A recording. `clips` are the stretches of speech in it, (start, end) in s."""
    audio: Audio                                         # 24 kHz
    clips: tuple[tuple[float, float], ...]
    remarks: tuple[Remark, ...]

    @property
    def seconds(self) -> float:
        """Of speech."""
        return sum(end - start for start, end in self.clips)

    def speech(self) -> Audio:
        """From the first word to the last."""
        return Audio(self.audio.samples[round(self.clips[0][0] * RATE): round(self.clips[-1][1] * RATE)])


def read(data: bytes, language: str = "en", sentence: bool = False) -> Sample:
    """The speech in an audio or video file. `sentence`: it is one of SENTENCES, so a few seconds are enough.

    Raises Refused for what is no such file, has no sound, no speech, or less than a second of it; Missing without PyAV or silero.
    """
    sound, rate, cut = decode(data)
    peak = float(np.abs(sound).max(initial=0))
    if peak < 3e-4:
        raise Refused("The recording is silent.", "Check that the right microphone is chosen and not muted, then record again.",
                      zh=("录音是静音的。", "请确认选对了话筒、没有静音，然后重录。"))
    chance = speech(sound)
    clips = _clips(chance, len(sound) / RATE)
    total = sum(end - start for start, end in clips)
    if not clips:
        raise Refused("Nobody is heard speaking in this recording.", "Music, noise or singing won't do: read a few sentences in a quiet room.",
                      zh=("这段录音里没有人说话。", "音乐、噪声或唱歌都不行：请在安静的房间里读几句话。"))
    if total < LEAST:
        raise Refused(f"There is only {total:.1f} s of speech in this recording.", "Read a whole sentence, better all twelve.",
                      zh=(f"这段录音里只有 {total:.1f} 秒说话声。", "请读一整句，最好把十二句都读完。"))
    inside = np.zeros(len(sound), bool)
    for start, end in clips:
        inside[round(start * RATE): round(end * RATE)] = True
    return Sample(Audio(sound), clips, tuple(_remarks(sound, inside, total, rate, cut, sentence)))


def decode(data: bytes) -> tuple[np.ndarray, int, bool]:
    """Any audio or video file -> float32 [n] mono at 24 kHz without DC, the file's own rate in Hz, whether it went on past LONGEST."""
    try:
        import av
    except ImportError as error:
        raise Missing("Reading recordings needs the package av.", "Install it: pip install av") from error
    if len(data) > MOST_BYTES:
        raise Refused("The recording is larger than 200 MB.", "A few minutes are plenty: cut it, or save it as MP3 or M4A.",
                      zh=("录音超过 200 MB。", "几分钟就够了：请剪短，或存成 MP3 或 M4A。"))
    parts: list[np.ndarray] = []
    count, bad, cut, rate = 0, 0, False, 0
    try:
        with av.open(io.BytesIO(data), mode="r", metadata_errors="ignore") as file:
            if not file.streams.audio:
                raise Refused("This file has no sound track.", "Choose a recording or a video in which somebody speaks.",
                              zh=("这个文件里没有声音。", "请选择有人说话的录音或视频。"))
            stream = file.streams.audio[0]
            rate = stream.rate or 0
            mix = av.AudioResampler(format="flt", layout="mono", rate=RATE)
            before = av.AudioResampler(format="flt", layout="mono")     # numbers that are none must not reach the filter of the other
            for frame in _frames(file, stream):
                for one in before.resample(frame):
                    values = one.to_ndarray().reshape(1, -1)
                    strange = ~np.isfinite(values) | (np.abs(values) > 1e3)
                    if strange.any():
                        bad += int(strange.sum() * RATE / max(1, one.sample_rate))
                        clean = av.AudioFrame.from_ndarray(np.where(strange, 0, values).astype(np.float32), format="flt", layout="mono")
                        clean.sample_rate, clean.pts, clean.time_base = one.sample_rate, one.pts, one.time_base
                        one = clean
                    made = [some.to_ndarray().reshape(-1) for some in mix.resample(one)]
                    parts += made
                    count += sum(map(len, made))
                if count >= LONGEST * RATE:
                    cut = True
                    break
            else:
                parts += [some.to_ndarray().reshape(-1) for some in mix.resample(None)]
    except (av.FFmpegError, ValueError, OSError, AttributeError) as error:      # a stream of no known codec has no rate
        if not parts:
            raise Refused("This is no recording that can be read.", "Use WAV, MP3, M4A, OGG, WebM or MP4.",
                          zh=("这不是能读取的录音。", "请用 WAV、MP3、M4A、OGG、WebM 或 MP4。")) from error
    sound = np.concatenate(parts)[: int(LONGEST * RATE)].astype(np.float32) if parts else np.zeros(0, np.float32)
    if not len(sound):
        raise Refused("The recording is empty.", "Record again, and stop only after the last word.",
                      zh=("录音是空的。", "请重录，说完最后一个字再停。"))
    if bad > 0.01 * len(sound):
        raise Refused("The recording is damaged: it holds numbers that are no sound.", "Save it again as 16-bit WAV, or record anew.",
                      zh=("录音损坏了：里面有些数不是声音。", "请重新存成 16 位 WAV，或重录。"))
    return np.clip(sound - sound.mean(dtype=np.float64).astype(np.float32), -1.0, 1.0), rate, cut


def _frames(file, stream):
    """What can be decoded: a damaged packet is left out, as a player would."""
    import av
    wrong = 0
    for packet in file.demux(stream):
        try:
            yield from packet.decode()
        except av.FFmpegError:
            wrong += 1
            if wrong > 50:
                raise


def speech(sound: np.ndarray) -> np.ndarray:
    """float32 [n] at 24 kHz -> silero's probability of speech in each window of 32 ms."""
    import soxr
    heard = soxr.resample(sound, RATE, HEARD)
    level = np.sqrt((heard ** 2).mean()) if len(heard) else 0.0
    heard = heard * np.float32(min(30.0, 0.08 / max(level, 1e-6)))          # a whisper of a microphone is speech too
    model, out = Silero(), np.zeros(len(heard) // WINDOW, np.float32)
    for index in range(len(out)):
        out[index] = model.probability(heard[index * WINDOW: (index + 1) * WINDOW])
    return out


def _clips(chance: np.ndarray, seconds: float) -> tuple[tuple[float, float], ...]:
    """Probabilities -> (start, end) in s, none longer than CLIP; a long one is cut where speech was least likely."""
    step = WINDOW / HEARD
    runs: list[list[int]] = []
    on = False
    for index, p in enumerate(chance):
        on = p >= (STOP if on else START)
        if on and runs and (index - runs[-1][1]) * step < PAUSE:
            runs[-1][1] = index + 1
        elif on:
            runs.append([index, index + 1])
    queue, short = [run for run in runs if (run[1] - run[0]) * step >= SHORTEST], []
    while queue:
        start, end = queue.pop(0)
        if (end - start) * step > CLIP:
            third = (end - start) // 3
            middle = start + third + int(chance[start + third: end - third].argmin())
            queue[:0] = [[start, middle], [middle, end]]
        else:
            short.append((start, end))
    out: list[tuple[float, float]] = []
    for start, end in short:
        low = max(start * step - AROUND, out[-1][1] if out else 0.0)
        out.append((round(low, 3), round(min(seconds, end * step + AROUND), 3)))
    return tuple(out)


def _remarks(sound: np.ndarray, inside: np.ndarray, seconds: float, rate: int, cut: bool, sentence: bool):
    loud = 10 * np.log10(float((sound[inside] ** 2).mean()) + 1e-12)
    if loud < -42:
        yield Remark("loudness", "bad", "Very quiet. Come closer to the microphone or turn it up.", "声音太小。请靠近麦克风，或调高音量。")
    elif loud < -34:
        yield Remark("loudness", "warn", "Rather quiet. A hand's breadth from the microphone is best.", "声音偏小。离麦克风一掌远最合适。")
    else:
        yield Remark("loudness", "good", "Loud enough.", "音量合适。")
    frames = (sound[: len(sound) // 480 * 480].reshape(-1, 480) ** 2).mean(1)
    quiet = ~inside[: len(sound) // 480 * 480].reshape(-1, 480).any(1)
    rest = frames[quiet] if quiet.sum() >= 10 else np.sort(frames)[: max(1, len(frames) // 20)]
    ratio = loud - 10 * np.log10(float(np.median(rest)) + 1e-12)
    if ratio < 14:
        yield Remark("noise", "bad", "Much noise or echo, and the voice will have it too. Find a quieter room.", "噪声或回声很大。请换个安静的房间。")
    elif ratio < 24:
        yield Remark("noise", "warn", "Some noise behind the voice. Close the window, switch off fans.", "背景有些噪声。请关窗，关掉风扇。")
    else:
        yield Remark("noise", "good", "Quiet background.", "背景安静。")
    full = np.abs(sound) >= min(FULL, 0.999 * float(np.abs(sound).max()) if np.abs(sound).max() > 0.7 else FULL)
    clipped = float((full[:-2] & full[1:-1] & full[2:]).mean()) if len(full) > 2 else 0.0
    if clipped > 2e-3:
        yield Remark("clipping", "bad", "Overdriven. Move away from the microphone or turn it down.", "声音过载失真。请离麦克风远一点，或调低音量。")
    elif clipped > 5e-5:
        yield Remark("clipping", "warn", "A few peaks are cut off. A little quieter would be better.", "有几处削波，声音再小一点更好。")
    else:
        yield Remark("clipping", "good", "Not overdriven.", "没有失真。")
    length = f"{seconds:.0f}"
    if cut:
        yield Remark("length", "warn", f"Only the first {LONGEST / 60:.0f} minutes are used.", f"只用前 {LONGEST / 60:.0f} 分钟。")
    elif seconds < (1.0 if sentence else 4):
        yield Remark("length", "bad", f"Only {length} s of speech. Read all twelve sentences.", f"只有 {length} 秒话音。请把十二句都读一遍。")
    elif seconds < (2.0 if sentence else 25):
        yield Remark("length", "warn", f"{length} s of speech. Half a minute and more comes closer to you.", f"话音 {length} 秒。半分钟以上会更像你。")
    else:
        yield Remark("length", "good", f"{length} s of speech.", f"话音 {length} 秒。")
    if 0 < rate < 12_000 or _highest(sound, inside) < 4200:
        yield Remark("band", "warn", "It sounds like a telephone: no highs. They will be guessed.", "像电话录音，缺少高频，只能猜补。")


def _highest(sound: np.ndarray, inside: np.ndarray) -> float:
    """Hz below which lie all but 60 dB of what is spoken."""
    spoken = sound[inside][: 60 * RATE]
    spoken = spoken[: len(spoken) // 2048 * 2048].reshape(-1, 2048)
    if not len(spoken):
        return RATE / 2
    power = (np.abs(np.fft.rfft(spoken * np.hanning(2048), axis=1)) ** 2).mean(0)
    above = np.flatnonzero(power > power.max() * 1e-6)
    return float(above[-1]) * RATE / 2048


def wav(audio: Audio) -> bytes:
    """16-bit PCM."""
    out = io.BytesIO()
    with wave.open(out, "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(audio.rate)
        file.writeframes((np.clip(audio.samples, -1, 1) * 32767).astype("<i2").tobytes())
    return out.getvalue()
