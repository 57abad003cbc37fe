"""The ready voices: `python -m twin.train.ready LIBRISPEECH_DIR`. Writes assets/voices/*.

Each is a blend of some fifteen readers of the prior: the mean of their codes, pitches and mean spectra, then a vocal tract a little longer or
shorter. So it is the voice of nobody, and none of the recordings is in it.
"""
from __future__ import annotations

import argparse
import csv
import json
import sys
from pathlib import Path

import numpy as np

from twin.speak import network, samples, shaping, timbre, vocoder
from twin.speak.vocoder import BANDS

from . import pairs
from .net import WEIGHTS, prior
from .voice import SHARPER, _origins, level, quantiles, rendered, write

HEARD = 7 * 24_000                                       # samples of each reader
# name, label, sex, age it sounds, share of the readers of that sex by pitch (from, to), vocal tract, warmth, breath in dB, rate, semitones
VOICES = (
    ("willow", ("Willow", "柳"), "F", 22, (0.70, 1.0), 0.96, -0.25, 0.0, 1.04, 0.8),
    ("maple", ("Maple", "枫"), "F", 32, (0.35, 0.75), 1.00, 0.0, 0.0, 1.0, 0.0),
    ("linden", ("Linden", "椴"), "F", 48, (0.0, 0.40), 1.03, 0.3, 0.0, 0.97, 1.0),
    ("birch", ("Birch", "桦"), "F", 68, (0.1, 0.5), 1.07, 0.1, 3.0, 0.9, 0.5),
    ("alder", ("Alder", "桤"), "M", 23, (0.65, 1.0), 0.96, -0.2, 0.0, 1.04, 0.0),
    ("cedar", ("Cedar", "杉"), "M", 35, (0.30, 0.70), 1.00, 0.1, 0.0, 1.0, 0.0),
    ("oak", ("Oak", "橡"), "M", 50, (0.0, 0.35), 1.04, 0.35, 0.0, 0.96, -0.8),
    ("pine", ("Pine", "松"), "M", 70, (0.25, 0.65), 1.06, 0.0, 3.5, 0.88, 0.6),
)


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m twin.train.ready", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("readers", type=Path)
    options = parser.parse_args()
    from safetensors import safe_open
    with safe_open(WEIGHTS, "pt") as file:
        readers = json.loads(file.metadata()["readers"])
    with (options.readers / "speakers.csv").open(encoding="utf-8") as rows:
        sex = {row[0]: row[1] for row in csv.reader(rows)}
    known = {}
    for reader in readers:
        files = sorted(options.readers.glob(f"*_each/**/{reader}-*.flac"))
        if files:
            f0, envelope, _ = vocoder.analyse(level(samples.decode(files[0].read_bytes())[0][:HEARD]), noise=False)
            if (f0 > 0).sum() < 200:
                continue
            heard = envelope[pairs.sounding(envelope)]
            known[reader] = np.array(quantiles(f0[f0 > 0])), heard.mean(0), heard.std(0)
    for name, label, gender, age, (low, high), tract, warmth, breath, rate, semitones in VOICES:
        same = sorted((r for r in known if sex[r] == gender), key=lambda r: known[r][0][3])
        some = same[round(low * len(same)): round(high * len(same))]
        voice = blended([readers.index(r) for r in some], [known[r] for r in some], tract, warmth, breath, rate, semitones)
        voice.about.update(label=dict(zip(("en", "zh"), label, strict=True)), gender=gender.lower(), age=age, readers=len(some), seconds=0.0)
        write(voice, timbre.READY / name)
        print(f"{name}: {len(some)} readers, {np.exp(voice.about['to'][3]):.0f} Hz", flush=True)
    return 0


def blended(indices: list[int], known: list, tract: float, warmth: float, breath: float, rate: float, semitones: float) -> network.Timbre:
    net = prior()
    code = net.codes.weight.detach()[indices].mean(0)
    layers = net.folded(code)
    voice = network.Timbre("timbre", tuple(layers), {})
    said = vocoder.analyse(timbre.spoken(" ".join(samples.SENTENCES["en"][:6]), "en", rate), noise=False)
    made = voice.frames(said[1], said[0])[0][pairs.sounding(said[1])]
    middle, spread = made.mean(0), np.clip(np.mean([k[2] for k in known], 0) / (made.std(0) + 1e-3), 0.9, 1.6)
    spread[51:] = spread[50]                             # 16 kHz recordings have nothing above: the highs fall as they do below
    weights, bias = layers[-1][0].copy(), layers[-1][1].copy()
    wanted = np.mean([k[1] for k in known], 0)
    wanted[51:] = wanted[50] - 0.28 * np.arange(1, BANDS - 50)
    slope = 1 + SHARPER * (spread - 1)
    weights[:, :BANDS] *= slope
    bias[:BANDS] = (bias[:BANDS] - middle) * slope + wanted
    turn = timbre._warp(tract)
    weights[:, :BANDS] = weights[:, :BANDS] @ turn
    bias[:BANDS] = bias[:BANDS] @ turn + timbre._tilt(warmth)
    bias[BANDS:BANDS + 3] += breath / network.NOISE
    layers[-1] = weights, bias
    pitch = np.mean([k[0] for k in known], 0) + semitones / 12 * np.log(2)
    about = {"rate": rate, "gain": 1.0, "top": BANDS, "to": [round(float(v), 5) for v in pitch],
             "from": {own: quantiles(f0) for own, f0 in _origins(rate).items()}}
    voice = network.Timbre("timbre", tuple(layers), about)
    sound = np.concatenate([rendered(voice, text, "en") for text in samples.SENTENCES["en"][:3]])
    voice.about["gain"] = round(float(shaping.LOUDNESS / max(1e-4, shaping.loudness(sound))), 4)
    return voice


if __name__ == "__main__":
    sys.exit(main())
