"""The embedded animator: phonemes, sound and mood -> 52 ARKit blendshapes, head and gaze at 60 fps. Numpy, some 2 ms a second; a voice that tells
no phonemes is listened to (audio.py), some 10 ms more.

The lips keep three promises whatever the mood: shut for p b m, lower lip under the teeth for f v, at rest in silence.
"""
from __future__ import annotations

import numpy as np

from twin.types import CHANNELS, FPS, FULL, SIGNED, Mood, Motion, Speech

from . import audio, prosody
from .curves import articulate, join, plateau
from .gestures import Scene, accents, blink, brows, gaze, head
from .phones import FORWARD, FUNNEL, JAW, PART, PUCKER, SPREAD, TONGUE, TUCK, segments

AT = {name: index for index, name in enumerate(CHANNELS)}
BLEND = 0.25                                             # s: a mood comes in
# Channels by how fast they take up what the piece before left: the mouth at once, the rest of the face and the head slowly.
SETTLE = np.full(len(CHANNELS), 0.10)
for _name in CHANNELS:
    if _name.startswith(("mouthSmile", "mouthFrown", "mouthDimple", "cheek", "nose", "brow", "eyeSquint", "eyeWide")):
        SETTLE[AT[_name]] = 0.12
    elif _name.startswith(("mouth", "jaw", "tongue")):
        SETTLE[AT[_name]] = 0.045
    elif _name.startswith("head"):
        SETTLE[AT[_name]] = 0.20
    elif _name.startswith(("gaze", "eyeBlink")):
        SETTLE[AT[_name]] = 0.06
OPENERS = np.array([AT[n] for n in CHANNELS
                    if n.startswith(("mouthFunnel", "mouthLowerDown", "mouthUpperUp", "mouthShrugUpper", "tongueOut"))])
LIPS = np.array([AT[n] for n in CHANNELS if n.startswith(("mouth", "jaw", "tongue", "cheekPuff"))])
PRESSED = (("mouthPressLeft", 0.36), ("mouthPressRight", 0.36), ("mouthRollLower", 0.22), ("mouthRollUpper", 0.22), ("cheekPuff", 0.06))
SMILES = ("mouthSmileLeft", "mouthSmileRight", "mouthDimpleLeft", "mouthDimpleRight", "mouthStretchLeft", "mouthStretchRight")


class Visemes:
    """Stateless: what went before is handed in."""

    def animate(self, speech: Speech, mood: Mood, at: float, before: Motion | None, seed: int) -> Motion:
        """The track of a piece that starts `at` seconds into its turn: round((at + seconds) * 60) - round(at * 60) frames.

        `before` is the Motion of the piece before (None: the face is at rest). Keep `seed` the same throughout a turn. Raises Missing or Refused where
        a piece has no marks and the network that listens instead cannot be loaded.
        """
        seconds = speech.audio.seconds if speech.audio else 0.0
        first, last = round(at * FPS), round((at + seconds) * FPS)
        if last <= first or speech.audio is None:
            return Motion(np.zeros((0, len(CHANNELS)), np.uint8))
        times = np.arange(first - 2, last) / FPS          # two frames of the piece before, to join on to
        heard = None if speech.marks else audio.hear(speech.audio.samples, speech.audio.rate, speech.before, speech.after)
        said = segments(speech.marks) if heard is None else audio.segments(heard)
        rms, pitch = prosody.measure(speech.audio, times - at)
        scene = Scene(times, at, said, pitch, speech.text, mood, seed)
        track = np.zeros((len(times), len(CHANNELS)))
        shut = plateau(times - at, said.closures, 0.055, 0.055)
        tuck = plateau(times - at, said.tucks, 0.070, 0.060)
        if heard is not None:
            shut = np.maximum(shut, audio.nearing(heard, heard.shut, times - at))
            tuck = np.maximum(tuck, audio.nearing(heard, heard.tuck, times - at)) * (1 - shut)
        loud = prosody.loud(rms) * (0.92 + 0.16 * mood.energy)
        _speak(track, articulate(said, times - at, loud) if heard is None else audio.articulated(heard, times - at, loud), tuck)
        _feel(track, mood, np.clip(times / BLEND, 0, 1))
        _gesture(track, scene)
        _shut(track, shut, tuck)
        left = join(track, *_left(before), SETTLE, FPS)
        left[:, OPENERS] *= 1 - shut[2:, None]            # nothing left over may open lips that have to be shut
        whole = track[2:] + left
        whole[:, AT["mouthClose"]] = np.clip(whole[:, AT["jawOpen"]], 0, 1) * shut[2:]
        return Motion(_bytes(whole))


def _speak(track: np.ndarray, parts: np.ndarray, tuck: np.ndarray) -> None:
    """The articulators [frames, PARTS] on the channels of the mouth, in place."""
    part, spread = parts[:, PART], parts[:, SPREAD] * (1 - parts[:, PUCKER])
    track[:, AT["jawOpen"]] = parts[:, JAW]
    track[:, AT["jawForward"]] = parts[:, FORWARD]
    track[:, AT["mouthPucker"]] = parts[:, PUCKER]
    track[:, AT["mouthFunnel"]] = parts[:, FUNNEL]
    track[:, AT["mouthRollLower"]] = 0.58 * np.maximum(tuck, 0.6 * parts[:, TUCK])
    track[:, AT["tongueOut"]] = parts[:, TONGUE]
    for side in ("Left", "Right"):
        uneven = 1.0 if side == "Left" else 0.94
        track[:, AT["mouthLowerDown" + side]] = (0.80 * part * (1 - tuck)) * uneven
        track[:, AT["mouthUpperUp" + side]] = (0.45 * part * (1 - tuck) + 0.60 * tuck) * uneven
        track[:, AT["mouthStretch" + side]] = 0.75 * spread * uneven
        track[:, AT["mouthSmile" + side]] = 0.30 * spread * uneven


def _feel(track: np.ndarray, mood: Mood, come: np.ndarray) -> None:
    """The mood's face over the speech, in place; `come` 0..1 [frames]. A smile gives way to rounding, an open jaw to the words."""
    rounded = np.minimum(1.0, track[:, AT["mouthPucker"]] + 0.6 * track[:, AT["mouthFunnel"]])
    wide = np.minimum(1.0, track[:, AT["jawOpen"]] / 0.3)
    for name, weight in mood.face:
        if name not in AT or name in SIGNED or name == "mouthClose":
            continue
        amount = np.full(len(track), float(weight))
        if name in SMILES:
            amount *= 1 - 0.65 * rounded
        elif name == "jawOpen":
            amount *= 0.35
        elif name.startswith(("mouthPress", "mouthRoll", "mouthShrug")):
            amount *= 1 - 0.8 * wide
        track[:, AT[name]] += amount * come


def _gesture(track: np.ndarray, scene: Scene) -> None:
    """Eyes, brows and head, in place. Signed channels are in rad."""
    found = accents(scene)
    turned = head(scene, found)
    lids = blink(scene)
    raised = brows(scene, found)
    looked = gaze(scene, turned)
    for side in ("Left", "Right"):
        track[:, AT["eyeBlink" + side]] = np.maximum(lids, track[:, AT["eyeBlink" + side]])
        track[:, AT["browOuterUp" + side]] += raised[:, 1]
        track[:, AT["eyeWide" + side]] *= 1 - lids
        track[:, AT["eyeSquint" + side]] *= 1 - 0.5 * lids
    track[:, AT["browInnerUp"]] += raised[:, 0]
    track[:, [AT["headYaw"], AT["headPitch"], AT["headRoll"]]] = turned
    track[:, [AT["gazeX"], AT["gazeY"]]] = looked


def _left(before: Motion | None) -> tuple[np.ndarray, np.ndarray]:
    """Where the piece before ended and how fast it was moving, per frame; at rest when there was none."""
    if before is None or len(before.weights) == 0:
        return np.zeros(len(CHANNELS)), np.zeros(len(CHANNELS))
    tail = _values(before.weights[-4:])
    slope = (tail[-1] - tail[0]) / max(1, len(tail) - 1)
    if len(tail) > 1:
        slope[LIPS] = tail[-1, LIPS] - tail[-2, LIPS]
    return tail[-1], slope


def _shut(track: np.ndarray, shut: np.ndarray, tuck: np.ndarray) -> None:
    """Lips shut where `shut` is 1 [frames], in place: nothing opens them, mouthClose takes up the whole jaw, they press."""
    track[:, OPENERS] *= 1 - shut[:, None]
    track[:, AT["jawOpen"]] *= (1 - 0.55 * shut) * (1 - 0.45 * tuck)
    track[:, AT["mouthClose"]] = np.clip(track[:, AT["jawOpen"]], 0, 1) * shut
    for name, least in PRESSED:
        track[:, AT[name]] = np.maximum(track[:, AT[name]], least * shut)
    for name in SMILES:
        track[:, AT[name]] *= 1 - 0.25 * shut


def _bytes(track: np.ndarray) -> np.ndarray:
    """Weights and rad -> uint8 as CHANNELS says."""
    signed = len(CHANNELS) - len(SIGNED)
    track, out = np.nan_to_num(track), np.empty(track.shape, np.uint8)     # a voice that yields no numbers leaves the face at rest
    out[:, :signed] = np.rint(np.clip(track[:, :signed], 0, 1) * 255)
    out[:, signed:] = 128 + np.rint(np.clip(track[:, signed:] / FULL, -1, 1) * 127)
    return out


def _values(weights: np.ndarray) -> np.ndarray:
    """uint8 -> weights and rad."""
    signed = len(CHANNELS) - len(SIGNED)
    out = weights.astype(np.float64) / 255
    out[:, signed:] = (weights[:, signed:].astype(np.float64) - 128) / 127 * FULL
    return out


def gap(weights: np.ndarray) -> np.ndarray:
    """The inner-lip gap [frames] that the channels ask for, in units of jawOpen = 1: the number that this room and the renderer share.
    0 is shut; a stressed "ah" is about 0.5."""
    w = {name: weights[:, index].astype(np.float64) / 255 for name, index in AT.items()}
    return np.maximum(0.0, (
        w["jawOpen"] - w["mouthClose"] + 0.10 * (w["mouthLowerDownLeft"] + w["mouthLowerDownRight"])
        + 0.07 * (w["mouthUpperUpLeft"] + w["mouthUpperUpRight"]) + 0.10 * w["mouthFunnel"]
        + 0.02 * (w["mouthSmileLeft"] + w["mouthSmileRight"])
        - 0.04 * (w["mouthPressLeft"] + w["mouthPressRight"]) - 0.08 * w["mouthRollLower"] - 0.06 * w["mouthRollUpper"]
        - 0.06 * w["mouthShrugLower"] - 0.03 * w["mouthShrugUpper"]))

