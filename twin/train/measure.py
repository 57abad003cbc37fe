"""How near made pictures come to real ones: distances of distributions, fidelity and diversity, copies. Statistics of features [n, d], no network.

Features come from encoder.py; a distance of them is called `fd_own` or `kd_own`, never FID, which is said of Inception's features alone (`fid`). A distance by
itself says little: `FD(samples, real) / FD(real, other real)` does, as what is left of the second is only that there are few pictures. Both then have the same
number of pictures, because a Fréchet distance is biased by it (arxiv.org/abs/1911.07023).
"""
from __future__ import annotations

import importlib
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from twin.errors import Missing, Refused

BLOCK = 1024                                             # rows of a matrix of distances that are in memory at a time
SAME = 2e-3                                              # of the features' size: nearer ones are one picture twice
INCEPTION = "pt_inception-2015-12-05-6726825d.pth"       # the weights that FID is defined by, under the name torch-fidelity knows them by


# distances of distributions -----------------------------------------------------------------------------------------------------------

@dataclass(frozen=True)
class Gaussian:
    """Mean float64 [d] and covariance float64 [d, d] of `count` features."""
    mean: np.ndarray
    covariance: np.ndarray
    count: int


def gaussian(features: np.ndarray) -> Gaussian:
    """The Gaussian of features [n, d]. Raises Refused unless n > d: a covariance of fewer has directions in which nothing is known."""
    count, width = _matrix(features).shape
    if count <= width:
        raise Refused(f"{count} pictures are too few for a Fréchet distance of {width} features.",
                      f"Take more than {width} (5,000 are usual), or fewer features: measure.projected().")
    return Gaussian(features.mean(0, dtype=np.float64), np.cov(features, rowvar=False, dtype=np.float64).reshape(width, width), count)


def frechet(one: Gaussian, two: Gaussian) -> float:
    """|m1 - m2|^2 + tr(C1 + C2 - 2 (C1 C2)^1/2), arxiv.org/abs/1706.08500.

    The trace of the root is the sum of the roots of the eigenvalues of C1 C2. These are those of R^T C2 R with C1 = R R^T, which is symmetric: no complex
    numbers, and rounding below nought is cut off.
    """
    values, vectors = np.linalg.eigh(one.covariance)
    root = vectors * np.sqrt(np.clip(values, 0, None))
    product = root.T @ two.covariance @ root
    shared = np.sqrt(np.clip(np.linalg.eigvalsh((product + product.T) / 2), 0, None)).sum()
    away = one.mean - two.mean
    return max(0.0, float(away @ away + np.trace(one.covariance) + np.trace(two.covariance) - 2 * shared))


def fd(one: np.ndarray, two: np.ndarray) -> float:
    """Fréchet distance of features [n, d] and [m, d], as Gaussians. Raises Refused."""
    return frechet(gaussian(one), gaussian(two))


def fd_ratio(samples: np.ndarray, held: np.ndarray, other: np.ndarray) -> float:
    """FD(samples, held) / FD(other, held): 1 is as good as real. `held` and `other` are disjoint sets of real ones. Raises Refused for unequal numbers."""
    if not len(samples) == len(held) == len(other):
        raise Refused(f"A ratio of distances needs equal numbers of pictures; these are {len(samples)}, {len(held)} and {len(other)}.",
                      "Cut them to the same length.")
    base = gaussian(held)
    return frechet(gaussian(samples), base) / max(frechet(gaussian(other), base), 1e-12)


def projected(reference: np.ndarray, components: int) -> np.ndarray:
    """A matrix [d, components] of the reference's first principal components: `features @ it` for a quick look with few pictures."""
    _, _, rows = np.linalg.svd(reference - reference.mean(0), full_matrices=False)
    return rows[:components].T


def kernel_distance(one: np.ndarray, two: np.ndarray, subsets: int = 100, size: int = 1000, seed: int = 0) -> tuple[float, float]:
    """Mean and standard deviation over subsets of the unbiased MMD^2 with the kernel (x.y / d + 1)^3, arxiv.org/abs/1801.01401 (there: KID).

    May fall below nought by chance. Subsets have `size` features, or as many as there are. Raises Refused for fewer than two.
    """
    size = min(size, len(_matrix(one)), len(_matrix(two)))
    if size < 2:
        raise Refused("A kernel distance needs two pictures of each kind at least.", "Take more.")
    rng = np.random.default_rng(seed)
    found = [_mmd(one[rng.choice(len(one), size, replace=False)].astype(np.float64), two[rng.choice(len(two), size, replace=False)].astype(np.float64))
             for _ in range(subsets)]
    return float(np.mean(found)), float(np.std(found))


def _mmd(x: np.ndarray, y: np.ndarray) -> float:
    n, d = x.shape

    def kernel(a: np.ndarray, b: np.ndarray) -> np.ndarray:
        k = a @ b.T
        k /= d
        k += 1
        return k * k * k

    own = sum((k.sum() - np.trace(k)) / (n * (n - 1)) for k in (kernel(x, x), kernel(y, y)))
    return float(own - 2 * kernel(x, y).mean())


# fidelity and diversity ---------------------------------------------------------------------------------------------------------------

def precision_recall(real: np.ndarray, made: np.ndarray, k: int = 3) -> tuple[float, float]:
    """(share of made ones that lie among real ones, share of real ones that lie among made ones), arxiv.org/abs/1904.06991.

    Among: within the distance of one of them to its own k-th neighbour. Raises Refused for k or fewer of either.
    """
    ours, theirs = _radii(real, k), _radii(made, k)
    inside, reached = np.zeros(len(made), bool), np.zeros(len(real), bool)
    for at, distances in _blocks(made, real):
        inside[at] = (distances <= ours).any(1)
        reached |= (distances <= theirs[at, None]).any(0)
    return float(inside.mean()), float(reached.mean())


def density_coverage(real: np.ndarray, made: np.ndarray, k: int = 5) -> tuple[float, float]:
    """(in how many real neighbourhoods a made one lies, over k; share of real neighbourhoods that have a made one), arxiv.org/abs/2002.09797.

    Only real neighbourhoods count, so that one made outlier with a vast neighbourhood doesn't. Equal distributions: density 1, coverage 1 - 2^-k or so.
    Raises Refused for k or fewer real ones.
    """
    ours = _radii(real, k)
    inside, reached = 0, np.zeros(len(real), bool)
    for _, distances in _blocks(made, real):
        within = distances <= ours
        inside += int(within.sum())
        reached |= within.any(0)
    return inside / (k * len(made)), float(reached.mean())


def diversity(real: np.ndarray, made: np.ndarray) -> float:
    """Mean distance of two made ones over that of two real ones: well below 1, and they all look alike."""
    return _spread(made) / max(_spread(real), 1e-12)


def _spread(features: np.ndarray) -> float:
    total = sum(float(np.sqrt(distances).sum()) for _, distances in _blocks(features, features, itself=True))
    return total / max(1, len(features) * (len(features) - 1))


def _radii(features: np.ndarray, k: int) -> np.ndarray:
    """Squared distance of each to its k-th neighbour [n]."""
    if len(_matrix(features)) <= k:
        raise Refused(f"{len(features)} pictures are too few to look for {k} neighbours of each.", f"Take more than {k}.")
    out = np.empty(len(features))
    for at, distances in _blocks(features, features, itself=True):
        distances[np.arange(len(distances)), np.arange(at.start, at.start + len(distances))] = np.inf
        out[at] = np.partition(distances, k - 1, 1)[:, k - 1]
    return out


# copies -------------------------------------------------------------------------------------------------------------------------------

@dataclass(frozen=True)
class Copies:
    """How near samples come to what was learned from: `count` of them come nearer than `pair`, the distance of the two closest that were learned from."""
    count: int
    pair: float
    nearest: np.ndarray                                  # float64 [n]: from each sample to the nearest it was learned from
    index: np.ndarray                                    # int [n]: which that is


def copies(samples: np.ndarray, training: np.ndarray) -> Copies:
    """Samples [n, d] that lie closer to one of training [m, d] than the closest pair of *different* training pictures do. Raises Refused for m < 2.

    In whatever space the numbers are of: call it with features and with `small` pixels. Training pictures that are there twice (nearer than SAME of their
    size) are no pair. Of pictures from the very distribution one comes as near by chance, in n / (n + m / 2) of all cases: n pairs of a sample with each of m
    against m / 2 pairs. So look at how many of as many real held-out ones do.
    """
    if len(_matrix(training)) < 2:
        raise Refused("What is a copy is told from the pictures that were learned from, and there are fewer than two.", "Name the set that was learned from.")
    pairs, _ = _nearest(training, training, itself=True)
    pair = float(pairs.min())
    found, index = _nearest(samples, training)
    return Copies(int((found < pair).sum()), pair, found, index)


def small(pictures: np.ndarray, px: int = 16) -> np.ndarray:
    """Pictures uint8 [n, 3, h, w] as float32 [n, 3 px px] of length 1 around nought: what is left of a picture whatever its light and contrast."""
    import torch
    from torch.nn.functional import interpolate
    parts = [torch.from_numpy(np.array(pictures[at:at + 256])).float() for at in range(0, len(pictures), 256)]
    flat = torch.cat([interpolate(part, (px, px), mode="bicubic", antialias=True).flatten(1) for part in parts])
    flat = flat - flat.mean(1, keepdim=True)
    return (flat / flat.norm(dim=1, keepdim=True).clamp_min(1e-6)).numpy()


def _nearest(some: np.ndarray, others: np.ndarray, itself: bool = False) -> tuple[np.ndarray, np.ndarray]:
    """Distance [n] of each of `some` to the nearest of `others`, and which; `itself`: of one set, where one picture twice doesn't count."""
    same = SAME ** 2 * float(others.var(0, dtype=np.float64).sum())
    index = np.empty(len(some), int)
    lone = np.zeros(len(some), bool)
    for at, distances in _blocks(some, others):
        if itself:
            distances[distances <= same] = np.inf
        index[at] = distances.argmin(1)
        lone[at] = np.isinf(distances.min(1))
    exact = np.sqrt(((some.astype(np.float64) - others[index]) ** 2).sum(1))   # a difference of two large numbers is not
    return np.where(lone, np.inf, exact), index


def _blocks(some: np.ndarray, others: np.ndarray, itself: bool = False) -> Iterator[tuple[slice, np.ndarray]]:
    """(rows, squared distances [rows, m]) of [n, d] and [m, d], BLOCK rows at a time; `itself`: of one set, where each is at nought from itself."""
    middle = others.mean(0, dtype=np.float64).astype(others.dtype)               # nearer to nought, less is lost of the difference
    some, others = _matrix(some) - middle, _matrix(others) - middle
    lengths = (others * others).sum(1)
    for start in range(0, len(some), BLOCK):
        rows = some[start:start + BLOCK]
        distances = rows @ others.T
        distances *= -2
        distances += lengths
        distances += (rows * rows).sum(1)[:, None]
        np.maximum(distances, 0, out=distances)
        if itself:
            distances[np.arange(len(rows)), np.arange(start, start + len(rows))] = 0
        yield slice(start, start + len(rows)), distances


def _matrix(features: np.ndarray) -> np.ndarray:
    if features.ndim != 2 or not np.isfinite(features).all():
        raise Refused(f"Features are finite numbers [pictures, width], not {list(features.shape)} of which some are none.", "Look at what made them.")
    return features


# Inception's own ----------------------------------------------------------------------------------------------------------------------

def fid(real: np.ndarray, made: np.ndarray, weights: Path | None = None, batch: int = 32) -> float:
    """FID proper of pictures uint8 [n, 3, h, w], by torchmetrics, where it and Inception's weights are at hand. Nothing is downloaded. Raises Missing, Refused.

    The weights are torch's usual ones (in the folder of torch.hub, or the file named); they are read as tensors only, as a pickle may hold a program.
    """
    import torch
    path = weights or Path(torch.hub.get_dir()) / "checkpoints" / INCEPTION
    try:
        importlib.import_module("torch_fidelity")
        metric = importlib.import_module("torchmetrics.image.fid").FrechetInceptionDistance
    except ImportError as error:
        raise Missing(f"FID needs {error.name or 'torchmetrics'}, which is not installed.",
                      "pip install torchmetrics torch-fidelity; or take fd_own, which needs neither.") from None
    if not path.is_file():
        raise Missing(f"FID needs the weights of Inception, and there is no {path}.", f"Bring {INCEPTION} there yourself, or take fd_own.")
    if min(len(real), len(made)) < 2:
        raise Refused("FID needs two pictures of each kind at least.", "Take more.")
    before = os.environ.get("TORCH_FORCE_WEIGHTS_ONLY_LOAD")
    os.environ["TORCH_FORCE_WEIGHTS_ONLY_LOAD"] = "1"
    try:
        scale = metric(feature=2048, feature_extractor_weights_path=str(path))
    finally:
        if before is None:
            del os.environ["TORCH_FORCE_WEIGHTS_ONLY_LOAD"]
        else:
            os.environ["TORCH_FORCE_WEIGHTS_ONLY_LOAD"] = before
    for pictures, is_real in ((real, True), (made, False)):
        for at in range(0, len(pictures), batch):
            scale.update(torch.as_tensor(pictures[at:at + batch]), real=is_real)
    return float(scale.compute())
