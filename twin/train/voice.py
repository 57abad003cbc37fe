"""A voice from a minute of reading: `python -m twin.train.voice SAMPLES_DIR OUT_DIR [--language en]`.

SAMPLES_DIR/samples.json is [{"file", "text", "language"}]; OUT_DIR gets voice.safetensors and voice.json. One JSON line of progress after
another on standard output; the last has done 1, or "error". The embedded voice says the same sentences, frames are paired by time warping,
and the prior network (net.py) is moved towards the person; paired anew with what came out; moved again. Both files are written beside and
renamed: killed at any time, the folder has a whole voice or none.
"""
from __future__ import annotations

import argparse
import json
import os
import secrets
import shutil
import sys
import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import numpy as np

from twin.errors import Missing, Refused, TwinError
from twin.speak import network, samples, shaping, timbre, vocoder
from twin.speak.network import NOISE, VOICED
from twin.speak.vocoder import BANDS, HOP
from twin.types import RATE, Audio

from . import pairs

SEED = 1
MOST = 180.0                                             # s of speech that are used
ENOUGH = 5.0                                             # s of paired speech that a network can learn from
STEPS, BATCH, SLOWEST = 400, 384, 20.0                   # of the training; s after which it ends on a machine too slow for all steps
HOLD = 1e-3                                              # how hard the layers are held to where all readers left them: freer, 15 s mumble
SURE = 2.9                                               # cost of pairing above which a recognised text is not believed
WIDER = 1.25                                             # at most, of the range of pitch, to make up for what is lost on the way
SHARPER = 0.7                                            # how much of the spread that averaging took is given back
Progress = Callable[[float, str], None]
NOTES = {"reading the recordings": "正在读取录音", "listening to the recordings": "正在听录音", "recognising what is said": "正在识别说了什么",
         "learning the voice": "正在学习声音", "comparing": "正在比对"}


@dataclass
class Reading:
    """A recording and what is said in it."""
    sound: np.ndarray                                    # float32 [n] at 24 kHz, speech at shaping.LOUDNESS
    text: str
    language: str
    sure: bool = True                                    # False: the text was recognised
    theirs: tuple[np.ndarray, ...] = ()                  # F0, envelope, aperiodicity
    ours: tuple[np.ndarray, ...] = ()                    # F0, envelope
    pair: tuple[np.ndarray, np.ndarray] = field(default_factory=lambda: (np.zeros(0, int), np.zeros(0, int)))
    cost: float = np.inf


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m twin.train.voice", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("samples", type=Path)
    parser.add_argument("out", type=Path)
    parser.add_argument("--language", default="en", help="of samples that do not say")
    options = parser.parse_args(arguments)

    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")  # torch's threads would spin beside a conversation that goes on

    def tell(done: float, note: str) -> None:
        print(json.dumps({"done": round(done, 3), "note": {"en": note, "zh": NOTES.get(note, note)}}, ensure_ascii=False), flush=True)
    try:
        tell(0.0, "reading the recordings")
        about = train(readings(options.samples, options.language), options.out, tell)
        tell(1.0, f"{about['kind']}, {about['seconds']:.0f} s of speech")
    except TwinError as error:
        print(json.dumps({"error": {language: error.told(language) for language in ("en", "zh")}}, ensure_ascii=False), flush=True)
        return 1
    return 0


def readings(folder: Path, language: str) -> list[Reading]:
    """What samples.json lists, up to MOST seconds. Raises Missing or Refused."""
    try:
        rows = json.loads((folder / "samples.json").read_text(encoding="utf-8"))
        named = [(Path(row["file"]).name, str(row.get("text") or "").strip(), str(row.get("language") or language)) for row in rows]
    except OSError as error:
        raise Missing(f"There is no samples.json in {folder}.", "Record the sentences again.") from error
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise Refused(f"samples.json in {folder} is damaged.", "Record the sentences again.") from error
    out: list[Reading] = []
    total = 0.0
    if lost := [name for name, *_ in named if not (folder / name).is_file()]:
        raise Missing(f"The recording {lost[0]} is not there.", "Record the sentences again.")
    with _pool() as pool:
        for found in pool.map(_read, [folder] * len(named), *zip(*named, strict=True)) if named else ():
            if total < MOST:
                out += found
                total += sum(len(reading.sound) for reading in found) / RATE
    if not out:
        raise Refused("No speech was found in the recordings.", "Record a few sentences in a quiet room.",
                      zh=("录音里没有找到说话声。", "请在安静的地方录几句话。"))
    return out


def _pool() -> ProcessPoolExecutor:
    """Two processes: WORLD and silero hold Python's lock."""
    return ProcessPoolExecutor(min(2, os.cpu_count() or 1), mp_context=get_context("fork"), initializer=_end_with, initargs=(os.getpid(),))


def _end_with(parent: int) -> None:
    """A worker whose trainer was killed would wait for work for ever: it holds the other end of its own queue."""
    def watch() -> None:
        while os.getppid() == parent:
            time.sleep(1.0)
        os._exit(1)
    threading.Thread(target=watch, daemon=True).start()


def _read(folder: Path, name: str, text: str, language: str) -> list[Reading]:
    """One recording; without a text, clip by clip. One bad recording of twelve is no reason to stop: [] then."""
    try:
        sample = samples.read((folder / name).read_bytes(), language)
    except Refused:
        return []
    if text:
        return [Reading(level(sample.speech().samples), text, language)]
    return [Reading(level(sample.audio.samples[round(a * RATE): round(b * RATE)]), "", language) for a, b in sample.clips]


def level(sound: np.ndarray) -> np.ndarray:
    """The same sound at the loudness that every voice has."""
    return (sound * (shaping.LOUDNESS / max(1e-6, shaping.loudness(sound)))).astype(np.float32)


def train(read: list[Reading], out: Path, tell: Progress = lambda done, note: None) -> dict[str, Any]:
    """Learn the voice and write it. Returns what voice.json says. Raises Refused, Missing."""
    began = time.perf_counter()
    recognised(read, tell)
    rate = pace([r for r in read if r.text])
    with _pool() as pool:
        for index, made in enumerate(pool.map(_prepared, read, [rate] * len(read))):
            read[index] = made
            tell(0.08 + 0.3 * (index + 1) / len(read), "listening to the recordings")
    top = bandwidth(read)
    good = [r for r in read if len(r.pair[0]) and (r.sure or r.cost < SURE)]
    paired = sum(len(r.pair[1]) for r in good) * HOP / RATE
    if paired >= ENOUGH:
        voice = learned(good, read, rate, top, tell)
    else:
        voice = shifted(read, rate, top)
    seconds = sum(len(r.sound) for r in read) / RATE
    voice.about.update(seconds=round(seconds, 1), paired=round(paired, 1), trained_s=round(time.perf_counter() - began, 1))
    write(voice, out)
    return {"kind": voice.kind, **voice.about}


def recognised(read: list[Reading], tell: Progress) -> None:
    """Words for English speech without a text, by pocketsphinx; whether they are believed is decided by how well they fit the sound."""
    empty = [r for r in read if not r.text and r.language == "en"]
    if not empty:
        return
    try:
        from twin.listen.sphinx import Sphinx
        sphinx = Sphinx()
    except TwinError:
        return
    heard, until = 0.0, time.perf_counter() + 12.0
    for reading in empty:
        if heard > 60 or time.perf_counter() > until:
            break
        reading.text, reading.sure = next(iter(sphinx.listen(Audio(reading.sound), "en"))).text, False
        heard += len(reading.sound) / RATE
        tell(0.01 + 0.06 * min(1.0, heard / 60), "recognising what is said")


def pace(read: list[Reading]) -> float:
    """How fast the person speaks, as a share of the embedded voice's rate; without pauses."""
    ours = sum(_spoken(timbre.spoken(r.text, r.language)) for r in read if r.sure)
    theirs = sum(_spoken(r.sound) for r in read if r.sure)
    return float(np.clip(ours / theirs, 0.75, 1.35)) if ours and theirs else 1.0


def _spoken(sound: np.ndarray) -> float:
    """s that are no pause."""
    frames = (sound[: len(sound) // HOP * HOP].reshape(-1, HOP) ** 2).mean(1)
    loud = np.convolve(frames > shaping.LOUDNESS ** 2 * 1e-3, np.ones(13), "same") > 0
    return float(loud.sum()) * HOP / RATE


def _prepared(reading: Reading, rate: float) -> Reading:
    """Analysed, and paired with what the embedded voice says."""
    reading.theirs = vocoder.analyse(reading.sound)
    if reading.text:
        try:
            said = timbre.spoken(reading.text, reading.language, rate)
            reading.ours = vocoder.analyse(said, noise=False)[:2]
            ours, theirs, reading.cost = pairs.pair(reading.ours[1], reading.theirs[1])
            reading.pair = ours, theirs
        except ValueError:                               # nothing like its text, or nothing to say
            reading.ours = ()
    return reading


def bandwidth(read: list[Reading]) -> int:
    """How many bands the recording really has: 8 kHz telephone and 16 kHz files hold nothing above."""
    sound = np.concatenate([r.sound for r in read])
    highest = samples._highest(sound, np.ones(len(sound), bool))
    return int(np.clip(np.searchsorted(vocoder.centres(), highest * 0.96), 24, BANDS))


def targets(reading: Reading, top: int) -> np.ndarray:
    """[pairs, OUTPUTS] of the person's frames; bands that the recording lacks go on as the embedded voice's do."""
    ours, theirs = reading.pair
    f0, envelope, noise = reading.theirs
    wanted = envelope[theirs].copy()
    if top < BANDS:
        own = reading.ours[1][ours]
        wanted[:, top:] = wanted[:, top - 1:top] + np.minimum(own[:, top:] - own[:, top - 1:top], 1.0)
    rough = noise[theirs].copy()
    known = vocoder.centres()[top - 1]
    for index, hertz in enumerate((3000, 6000, 9000)):
        if hertz > known and index:
            rough[:, index] = np.maximum(rough[:, index - 1], -6)
    return np.concatenate([wanted, rough / NOISE, (f0[theirs] > 0)[:, None] * VOICED], 1).astype(np.float32)


def learned(good: list[Reading], read: list[Reading], rate: float, top: int, tell: Progress, steps: int = STEPS) -> network.Timbre:
    import torch

    from .net import prior
    torch.manual_seed(SEED)
    torch.set_num_threads(2)
    net = prior()
    given = [network.inputs(r.ours[1], r.ours[0]) for r in good]
    anchor = [p.detach().clone() for p in net.layers.parameters()]
    start = net.codes.weight.detach().mean(0)
    code = torch.nn.Parameter(start.clone())

    def shapes() -> list[np.ndarray]:
        net.eval()
        with torch.no_grad():
            return [net(torch.from_numpy(x), code).numpy()[:, :BANDS] for x in given]

    def paired(anew: bool) -> tuple[torch.Tensor, torch.Tensor]:
        for reading, shape in zip(good, shapes(), strict=True) if anew else ():
            try:
                *both, reading.cost = pairs.pair(reading.ours[1], reading.theirs[1], shape)
                reading.pair = both[0], both[1]
            except ValueError:
                pass
        x = np.concatenate([x[r.pair[0]] for x, r in zip(given, good, strict=True)])
        return torch.from_numpy(x), net.target(torch.from_numpy(np.concatenate([targets(r, top) for r in good])))

    # the code alone, on what was paired by the embedded voice's own frames; then everything, each time on what the network of before pairs
    limit = time.perf_counter() + SLOWEST
    plan = ((0.1, 3e-2, False), (0.35, 1.2e-3, True), (0.55, 1.2e-3, True))
    for part, (share, rate_of_learning, everything) in enumerate(plan):
        x, y = paired(part > 0)
        net.train()
        groups: list[dict[str, Any]] = [{"params": [code], "lr": rate_of_learning * (3 if everything else 1)}]
        if everything:
            groups.append({"params": [*net.layers.parameters()], "lr": rate_of_learning})
        optimiser = torch.optim.AdamW(groups, weight_decay=0.0)
        own, first = round(steps * share), time.perf_counter()
        room = (limit - first) * share / sum(s for s, *_ in plan[part:])
        gone = 0.0
        for step in range(own):
            gone = max(step / own, (time.perf_counter() - first) / room)
            if gone >= 1:
                break
            for group, base in zip(optimiser.param_groups, groups, strict=True):
                group["lr"] = (base.setdefault("base", group["lr"])) * min(1.0, (step + 1) / 10) * (0.03 + 0.97 * (1 - gone))
            some = torch.randint(len(x), (BATCH,))
            loss = torch.nn.functional.smooth_l1_loss(net.scaled(x[some], code), y[some], beta=0.5)
            if everything:
                loss = loss + HOLD * sum(((now - then) ** 2).sum() for now, then in zip(net.layers.parameters(), anchor, strict=True))
            optimiser.zero_grad()
            loss.backward()
            optimiser.step()
            if step % 25 == 0:
                tell(0.4 + 0.5 * (sum(s for s, *_ in plan[:part]) + share * step / own), "learning the voice")
    net.eval()
    voice = network.Timbre("timbre", tuple(net.folded(code.detach())), {"steps": steps, "loss": round(float(loss.detach()), 4)})
    tell(0.92, "comparing")
    return finished(voice, good, read, rate, top)


def shifted(read: list[Reading], rate: float, top: int) -> network.Timbre:
    """Without words: only the mean envelope is moved, and the pitch."""
    ours = vocoder.analyse(timbre.spoken(" ".join(samples.SENTENCES["en"]), "en"), noise=False)[1]
    theirs = np.concatenate([r.theirs[1][pairs.sounding(r.theirs[1])] for r in read])
    noise = np.concatenate([r.theirs[2][r.theirs[0] > 0] for r in read])
    moved = theirs.mean(0) - ours[pairs.sounding(ours)].mean(0)
    moved[top:] = moved[top - 1]
    bias = np.concatenate([moved, np.median(noise, 0) if len(noise) else np.full(3, -8.0), [0.0]]).astype(np.float32)
    return finished(network.Timbre("shift", ((np.zeros((0, len(bias)), np.float32), bias),)), [], read, rate, top)


def finished(voice: network.Timbre, good: list[Reading], read: list[Reading], rate: float, top: int) -> network.Timbre:
    """With the person's pitch, and a last correction: on sentences it has not seen, its mean and spread are brought to theirs."""
    f0 = np.concatenate([r.theirs[0] for r in read])
    f0 = f0[f0 > 0]
    if len(f0) < 50:
        raise Refused("No voice was found in the recordings, only whispering or noise.", "Read the sentences in your normal voice.",
                      zh=("录音里没有找到嗓音，只有耳语或杂音。", "请用平常的声音念句子。"))
    language = read[0].language
    fresh = [vocoder.analyse(timbre.spoken(text, language, rate), noise=False)[:2] for text in samples.SENTENCES.get(language, samples.SENTENCES["en"])[:6]]
    voice.about.update({
        "rate": round(rate, 3), "gain": 1.0, "top": top, "to": quantiles(f0),
        "from": {own: quantiles(f0) for own, f0 in _origins(rate).items()}})
    own = "cmn" if language == "zh" else language
    same = [r.ours[0][r.ours[0] > 0] for r in good if r.language == language]
    if sum(map(len, same)) > 800:                        # 4 s of voiced frames: pitch is compared on the very same words
        voice.about["from"][own] = quantiles(np.concatenate(same))
    layers = list(voice.layers)
    if voice.kind == "timbre":
        made = np.concatenate([voice.frames(envelope, own)[0][pairs.sounding(envelope)] for own, envelope in fresh])
        theirs = np.concatenate([r.theirs[1][pairs.sounding(r.theirs[1])] for r in good])
        spread = np.clip(theirs.std(0) / (made.std(0) + 1e-3), 0.9, 1.6)
        spread[top:] = 1.0
        moved = theirs.mean(0) - made.mean(0)
        moved[top:] = moved[top - 1]
        slope = 1 + SHARPER * (spread - 1)
        weights, bias = layers[-1][0].copy(), layers[-1][1].copy()
        middle = made.mean(0)
        weights[:, :BANDS] *= slope
        bias[:BANDS] = (bias[:BANDS] - middle) * slope + middle + moved
        layers[-1] = weights, bias
    voice = network.Timbre(voice.kind, tuple(layers), voice.about)
    sound = np.concatenate([rendered(voice, text, language) for text in samples.SENTENCES.get(language, samples.SENTENCES["en"])[:3]])
    meant = timbre.pitch(np.concatenate([f0 for f0, _ in fresh[:3]]), voice.about, own)
    heard = vocoder.analyse(sound, noise=False)[0]       # creaky ends are lost on the way: what is heard lies some 2 % above what was meant
    if meant.any() and heard.any():
        over = float(np.clip(np.log(np.median(heard[heard > 0]) / np.median(meant[meant > 0])), -0.05, 0.05))
        low, high = np.quantile(np.log(heard[heard > 0]), (0.1, 0.9))
        to = voice.about["to"]
        wider = float(np.clip((to[5] - to[1]) / max(1e-3, high - low), 1.0, WIDER))      # and its rises and falls are flattened
        voice.about["to"] = [round(to[3] + (v - to[3]) * wider - over, 5) for v in to]
    voice.about["gain"] = round(float(shaping.LOUDNESS / max(1e-4, shaping.loudness(sound))), 4)
    return voice


def _origins(rate: float) -> dict[str, np.ndarray]:
    """The embedded voice's F0 by espeak's language, where it is voiced."""
    out = {}
    for own, language in (("en", "en"), ("cmn", "zh")):
        f0 = vocoder.analyse(timbre.spoken("".join(samples.SENTENCES[language][::3]), language, rate), noise=False)[0]
        out[own] = f0[f0 > 0]
    return out


def quantiles(f0: np.ndarray) -> list[float]:
    """Of log F0, at timbre.QUANTILES; rising, so that they can be looked up."""
    values = np.quantile(np.log(f0), timbre.QUANTILES)
    return [round(float(v + 1e-4 * i), 5) for i, v in enumerate(np.maximum.accumulate(values))]


def rendered(voice: network.Timbre, text: str, language: str) -> np.ndarray:
    """float32 [n]: the whole text at once."""
    sound = timbre.spoken(text, language, voice.about["rate"])
    loaded = timbre.Loaded(voice, None, np.zeros(BANDS, np.float32), 0.0, 0.0)
    return vocoder.Synthesis().feed(*timbre.convert(sound, 0, len(sound), loaded, "cmn" if language == "zh" else language)) * voice.about["gain"]


def write(voice: network.Timbre, out: Path) -> None:
    """Both files, voice.safetensors last: a folder with it is whole."""
    about = json.dumps({"version": network.VERSION, "kind": voice.kind, **voice.about}, ensure_ascii=False, indent=1) + "\n"
    made = not out.exists()
    try:
        out.mkdir(parents=True, exist_ok=True)
        for name, data in (("voice.json", about.encode()), ("voice.safetensors", voice.save())):
            beside = out / f".{name}.{secrets.token_hex(4)}.part"
            try:
                beside.write_bytes(data)
                os.replace(beside, out / name)
            finally:
                beside.unlink(missing_ok=True)
    except OSError as error:
        if made:
            shutil.rmtree(out, ignore_errors=True)
        raise Refused(f"The voice could not be written: {error.strerror}.", "Free some space, or choose another folder.") from error


if __name__ == "__main__":
    sys.exit(main())
