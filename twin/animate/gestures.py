"""What a speaker does besides the mouth: blinks, breath, head, gaze, brows. Functions of time, the sounds, the mood and a seed."""
from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from twin.types import Mood

from .curves import bump, chance, noise, plateau, smooth
from .phones import JAW, Segments

PAUSE = 0.10                                             # s: a silence this long ends a clause
BLINK_SLOT = 4.6                                         # s: one blink of its own accord in each
LOOK_SLOT = 1.3                                          # s: one small shift of the gaze in each
APART = 0.42                                             # s between two accents
PONDER = {"thoughtful": 0.85, "curious": 0.45, "concerned": 0.35, "sad": 0.35, "surprised": 0.05, "excited": 0.1}   # glances aside, by mood
TILT = {"curious": 0.05, "warm": 0.03, "concerned": 0.045, "sad": 0.04, "amused": 0.035, "thoughtful": 0.03}         # rad
LOWERED = {"sad": -0.045, "thoughtful": -0.015, "concerned": -0.02, "proud": 0.03, "surprised": 0.02, "annoyed": -0.02}


@dataclass(frozen=True)
class Scene:
    """What the gestures of one piece go by. Times are absolute: seconds from the start of the turn."""
    times: np.ndarray                                    # [frames]
    at: float                                            # of the piece's start
    segments: Segments                                   # on the piece's clock
    pitch: np.ndarray                                    # F0 in Hz [frames], 0 unvoiced
    text: str
    mood: Mood
    seed: int


@dataclass(frozen=True)
class Accent:
    at: float                                            # absolute s
    size: float                                          # 0..1.4
    key: int


def accents(scene: Scene) -> list[Accent]:
    """The stressed syllables that get a gesture: the most open within APART on either side, higher ones larger."""
    s = scene.segments
    rows = np.flatnonzero(s.vowel & (s.stress == 2))
    if not len(rows):
        return []
    at = scene.at + s.start[rows] + 0.4 * (s.end[rows] - s.start[rows])
    keys = np.round(at * 10).astype(int)
    want = s.target[rows, JAW] + 1.2 * (s.end[rows] - s.start[rows]) + np.array([0.35 * chance(scene.seed, 11, int(k)) for k in keys])
    voiced = scene.pitch[scene.pitch > 0]
    middle = float(np.median(voiced)) if len(voiced) else 0.0
    out = []
    for index, time in enumerate(at):
        near = np.abs(at - time) < APART
        if want[index] < want[near].max() - 1e-9:
            continue
        frame = int(np.abs(scene.times - time).argmin())
        high = np.log2(scene.pitch[frame] / middle) if middle and scene.pitch[frame] > 0 else 0.0
        size = min(1.4, max(0.4, 0.45 + want[index] * 0.6 + high))
        out.append(Accent(float(time), size, int(keys[index])))
    return out


def pauses(scene: Scene) -> list[tuple[float, float]]:
    """(start, end) in absolute s of the silences that part clauses."""
    s = scene.segments
    rows = [k for k in range(1, len(s.start) - 1) if s.silent[k] and s.end[k] - s.start[k] >= PAUSE]
    return [(float(scene.at + s.start[k]), float(scene.at + s.end[k])) for k in rows]


def blink(scene: Scene) -> np.ndarray:
    """0..1 [frames]: shut in 70 ms, open in 160; of its own accord 13 a minute, and at some ends of clauses."""
    first, last = int(scene.times[0] // BLINK_SLOT) - 1, int(scene.times[-1] // BLINK_SLOT) + 1
    whens = [(slot + 0.15 + 0.7 * chance(scene.seed, 1, slot)) * BLINK_SLOT for slot in range(first, last + 1)]
    whens = [w for w in whens if w > 0.5]
    own = np.array(whens)
    for start, _ in pauses(scene):
        if chance(scene.seed, 2, round(start * 10)) < 0.40 and np.abs(own - start).min(initial=9.0) > 1.3:
            whens.append(start + 0.08)
    out = np.zeros(len(scene.times))
    for when in whens:
        if scene.times[0] - 0.3 < when < scene.times[-1] + 0.3:
            out = np.maximum(out, np.minimum(1.0, 1.12 * bump(scene.times, when, 0.085, 0.19)))
    return out


def head(scene: Scene, found: list[Accent]) -> np.ndarray:
    """Yaw, pitch, roll in rad [frames, 3]: a slow sway, breath, a small nod on accents, a tilt by mood."""
    t, energy = scene.times, 0.5 + scene.mood.energy
    begin = smooth(t / 0.8)                               # from straight ahead at the start of a turn
    yaw = 0.040 * energy * noise(t, scene.seed + 1, 4.6) + 0.010 * energy * noise(t, scene.seed + 2, 1.5)
    pitch = 0.018 * energy * noise(t, scene.seed + 3, 3.9) + 0.006 * np.sin(2 * np.pi * t / 4.2) + LOWERED.get(scene.mood.name, 0.0)
    side = 1.0 if chance(scene.seed, 3) < 0.5 else -1.0
    roll = 0.022 * energy * noise(t, scene.seed + 4, 5.3) + side * TILT.get(scene.mood.name, 0.008)
    out = np.stack([yaw, pitch, roll], 1) * begin[:, None]
    for accent in found:
        kind = chance(scene.seed, 4, accent.key)
        size = accent.size * energy
        curve = bump(t, accent.at + 0.05, 0.17, 0.30)
        out[:, 1] -= 0.042 * size * curve * (1.0 if kind < 0.72 else -0.45)
        out[:, 0] += 0.022 * size * curve * (chance(scene.seed, 5, accent.key) - 0.5) * 2
        out[:, 2] += 0.014 * size * curve * (chance(scene.seed, 6, accent.key) - 0.5) * 2
    return np.clip(out, (-0.14, -0.12, -0.10), (0.14, 0.10, 0.10))


def gaze(scene: Scene, turned: np.ndarray) -> np.ndarray:
    """gazeX, gazeY in rad [frames, 2]: on the user while the head (turned [frames, 3]) moves, small shifts, now and then a glance aside
    as a clause begins."""
    t = scene.times
    out = np.stack([-0.75 * turned[:, 0], -0.75 * turned[:, 1]], 1)
    first, last = int(t[0] // LOOK_SLOT) - 1, int(t[-1] // LOOK_SLOT) + 1
    for slot in range(first, last + 1):
        start = (slot + 0.5 * chance(scene.seed, 7, slot)) * LOOK_SLOT
        held = plateau(t, [(start, start + LOOK_SLOT * 0.7)], 0.05, 0.05)
        out += held[:, None] * ((np.array([chance(scene.seed, 8, slot), chance(scene.seed, 9, slot)]) - 0.5) * (0.05, 0.03))
    often = PONDER.get(scene.mood.name, 0.18)
    begins = [end for _, end in pauses(scene) if end < scene.at + scene.segments.end[-2] - 0.01]
    if scene.text and scene.at > 0.3:
        begins.append(scene.at + 0.1)
    for end in begins:
        key = round(end * 10)
        if chance(scene.seed, 10, key) < often:
            aside = plateau(t, [(end - 0.12, end + 0.25 + 0.35 * chance(scene.seed, 12, key))], 0.07, 0.08)
            way = 1.0 if chance(scene.seed, 13, key) < 0.5 else -1.0
            out += aside[:, None] * np.array([0.17 * way, 0.08 if chance(scene.seed, 14, key) < 0.6 else -0.07])
    return np.clip(out, -0.25, 0.25)


def brows(scene: Scene, found: list[Accent]) -> np.ndarray:
    """browInnerUp, browOuterUp [frames, 2]: flashes on some accents, raised while a question rises."""
    out = np.zeros((len(scene.times), 2))
    energy = 0.5 + scene.mood.energy
    for accent in found:
        if chance(scene.seed, 15, accent.key) < 0.45:
            out += bump(scene.times, accent.at, 0.16, 0.34)[:, None] * np.array([0.20, 0.24]) * accent.size * energy
    out += _asking(scene)[:, None] * np.array([0.30, 0.16])
    return np.clip(out, 0.0, 0.6)


def _asking(scene: Scene) -> np.ndarray:
    """0..1 [frames]: a question, told by its mark in the text (half raised while its first piece lasts) or by F0 that rises
    at its end by more than a tone of Mandarin does."""
    t, s = scene.times, scene.segments
    out = np.zeros(len(t))
    if scene.text.rstrip("\"'”’」』)） \n").endswith(("?", "？")):
        out = 0.5 * smooth((t - scene.at) / 0.35)
    quiet = s.silent[-2] and s.end[-2] - s.start[-2] > 0.15
    end = scene.at + s.start[-2]                           # of the last sound
    if quiet and t[0] < end:
        near = (t > end - 0.28) & (t < end) & (scene.pitch > 0)
        before = (t <= end - 0.28) & (scene.pitch > 0)
        if near.sum() > 5 and before.sum() > 5 and scene.pitch[near][-3:].mean() > 1.35 * np.median(scene.pitch[before]):
            out = np.maximum(out, plateau(t, [(end - 0.30, end + 0.25)], 0.35, 0.45))
    return out
