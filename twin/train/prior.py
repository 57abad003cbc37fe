"""The network that every voice starts from: `python -m twin.train.prior LIBRISPEECH_DIR WORK_DIR [--seconds 1200]`.

Many readers, some 13 s of each. Their recordings have no texts: pocketsphinx hears some, the embedded voice says what it heard phrase by phrase,
and time warping pairs the frames; the worst tenth of the pairs is left out. One network learns all readers at once, each with a code of his own; then
everything is paired anew with what it gives and learned on. Recognising takes most of an hour and is kept in WORK_DIR, so that it
can be broken off and gone on with. Writes assets/weights/timbre.safetensors, the readers' names in its header.
"""
from __future__ import annotations

import argparse
import json
import sys
import time
from pathlib import Path

import numpy as np
import torch

from twin.speak import network, samples, timbre, vocoder
from twin.speak.network import NOISE, OUTPUTS, VOICED
from twin.speak.vocoder import BANDS, HOP
from twin.types import RATE

from . import pairs
from .net import WEIGHTS, Net
from .voice import level

SILENCE, LEAST = 0.12, 0.4                               # s that part two phrases; s of a phrase
AROUND = 6                                               # frames kept around one
PACE = 0.93                                              # how fast the embedded voice says it
TOP = 51                                                 # bands that a recording of 16 kHz has
BATCH, FASTEST = 1024, 2.5e-3
WORST = 0.9                                              # quantile of the cost above which pairs are left out


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m twin.train.prior", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("readers", type=Path)
    parser.add_argument("work", type=Path)
    parser.add_argument("--most", type=int, default=140, help="recordings")
    parser.add_argument("--seconds", type=float, default=1200.0, help="of learning")
    options = parser.parse_args()
    files = sorted(options.readers.glob("one_each/*.flac")) + sorted(options.readers.glob("ten_each/**/*.flac"))[::3]
    files = [files[i] for i in np.random.default_rng(0).permutation(len(files))[: options.most]]
    options.work.mkdir(parents=True, exist_ok=True)
    for index, file in enumerate(files):
        if not (options.work / f"{file.stem}.npz").is_file():
            prepare(file, options.work)
        print(f"{index + 1}/{len(files)} {file.stem}", flush=True)
    found = [options.work / f"{file.stem}.npz" for file in files]
    readers = sorted({path.stem.split("-")[0] for path in found if path.is_file()})
    net = learn(None, found, readers, options.seconds * 0.4)
    save(learn(net, found, readers, options.seconds * 0.6), readers)
    return 0


def prepare(file: Path, work: Path) -> None:
    """Recognise, say, analyse, pair; kept as one file."""
    sound = level(samples.decode(file.read_bytes())[0])
    f0, envelope, noise = vocoder.analyse(sound)
    kept: dict[str, list[np.ndarray]] = {name: [] for name in ("own", "own_f0", "ours", "theirs", "cost", "length")}
    at = 0
    for text, start, end in phrases(sound):
        low, high = max(0, round(start * RATE / HOP) - AROUND), min(len(f0), round(end * RATE / HOP) + AROUND)
        said = vocoder.analyse(timbre.spoken(text, "en", PACE), noise=False)
        try:
            ours, theirs, cost = pairs.pair(said[1], envelope[low:high])
        except (ValueError, IndexError):
            continue
        for name, value in (("own", said[1]), ("own_f0", said[0]), ("ours", ours + at), ("theirs", theirs + low),
                            ("cost", np.full(len(ours), cost)), ("length", np.array([len(said[0])]))):
            kept[name].append(value)
        at += len(said[0])
    if kept["own"]:
        np.savez(work / f"{file.stem}.npz", f0=f0, envelope=envelope, noise=noise, **{name: np.concatenate(some) for name, some in kept.items()})


def phrases(sound: np.ndarray) -> list[tuple[str, float, float]]:
    """What pocketsphinx hears between silences: (text, start, end) in s."""
    import soxr
    from pocketsphinx import Decoder
    decoder = Decoder(samprate=16_000, loglevel="FATAL")
    heard = soxr.resample(sound / np.abs(sound).max() * 0.6, RATE, 16_000)
    decoder.start_utt()
    decoder.process_raw((heard * 32767).astype(np.int16).tobytes(), full_utt=True)
    decoder.end_utt()
    out: list[tuple[str, float, float]] = []
    words: list[str] = []
    start = end = 0.0
    if decoder.hyp() is None:
        return out
    for part in decoder.seg():
        low, high = part.start_frame * 0.01, (part.end_frame + 1) * 0.01
        if part.word.startswith(("<", "[")):
            if words and high - low > SILENCE and end - start >= LEAST:
                out.append((" ".join(words), start, end))
                words = []
            continue
        start = start if words else low
        words.append(part.word.split("(")[0])
        end = high
    return [*out, (" ".join(words), start, end)] if words and end - start >= LEAST else out


def learn(net: Net | None, files: list[Path], readers: list[str], seconds: float) -> Net:
    """From what is in `files`, paired anew by `net` where there is one."""
    given, wanted, who, costs = [], [], [], []
    for path in files:
        if not path.is_file():
            continue
        kept, reader = np.load(path), readers.index(path.stem.split("-")[0])
        ends = np.cumsum(kept["length"])
        inputs = np.concatenate([network.inputs(kept["own"][a:b], kept["own_f0"][a:b]) for a, b in zip([0, *ends], ends, strict=False)])
        ours, theirs, cost = kept["ours"], kept["theirs"], kept["cost"]
        if net is not None:
            ours, theirs, cost = anew(net, reader, kept, inputs, ends)
        given.append(inputs[ours].astype(np.float16))
        wanted.append(np.concatenate([kept["envelope"][theirs], kept["noise"][theirs] / NOISE, (kept["f0"][theirs] > 0)[:, None] * VOICED], 1))
        who.append(np.full(len(ours), reader))
        costs.append(cost)
    good = np.concatenate(costs) <= np.quantile(np.concatenate(costs), WORST)
    x = torch.from_numpy(np.concatenate(given)[good])
    y = torch.from_numpy(np.concatenate(wanted)[good].astype(np.float32))
    of = torch.from_numpy(np.concatenate(who)[good])
    torch.manual_seed(0)
    torch.set_num_threads(1)                             # with two, each step waits for the slower core: beside a neighbour a tenth of the steps
    if net is None:
        net = Net(len(readers))
        net.input_mean, net.input_scale = x.float().mean(0), x.float().std(0) + 0.01
        net.output_mean, net.output_scale = y.mean(0), y.std(0) + 0.01
    y = net.target(y)
    weight = torch.ones(OUTPUTS)
    weight[TOP:BANDS] = 0
    optimiser = torch.optim.AdamW(net.parameters(), FASTEST, weight_decay=1e-3)
    net.train()
    began, step = time.perf_counter(), 0
    while (gone := (time.perf_counter() - began) / seconds) < 1:
        for group in optimiser.param_groups:
            group["lr"] = FASTEST * min(1.0, (step + 1) / 200) * (0.02 + 0.98 * (1 - gone))
        some = torch.randint(len(x), (BATCH,))
        code = net.codes(of[some])
        loss = ((net.scaled(x[some].float(), code) - y[some]) ** 2 * weight).sum(1).mean() / weight.sum() + 1e-3 * (code ** 2).mean()
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        step += 1
        if step % 500 == 0:
            print(f"{gone:.0%} step {step} loss {float(loss.detach()):.3f}", flush=True)
    return net.eval()


def anew(net: Net, reader: int, kept, inputs: np.ndarray, ends: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The frames of one recording paired by what the network makes of them."""
    with torch.no_grad():
        shapes = net(torch.from_numpy(inputs), net.codes.weight[reader]).numpy()[:, :BANDS]
    ours, theirs, costs = [], [], []
    for a, b in zip([0, *ends], ends, strict=False):
        own = (kept["ours"] >= a) & (kept["ours"] < b)
        low, high = kept["theirs"][own].min(), kept["theirs"][own].max() + 1
        try:
            one, two, cost = pairs.pair(kept["own"][a:b], kept["envelope"][low:high], shapes[a:b])
        except (ValueError, IndexError):
            continue
        ours.append(one + a)
        theirs.append(two + low)
        costs.append(np.full(len(one), cost))
    return tuple(np.concatenate(some) if some else np.zeros(0, int) for some in (ours, theirs, costs))      # type: ignore[return-value]


def save(net: Net, readers: list[str]) -> None:
    """fp16. Bands that no recording had go as the last that they had."""
    from safetensors.torch import save_file
    with torch.no_grad():
        for values in (net.layers[2].weight, net.layers[2].bias, net.who[2].weight, net.output_mean, net.output_scale):
            values[TOP:BANDS] = values[TOP - 1].clone()
    save_file({name: value.half().contiguous() for name, value in net.state_dict().items()}, WEIGHTS, {"readers": json.dumps(readers)})


if __name__ == "__main__":
    sys.exit(main())
