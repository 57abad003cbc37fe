"""The frozen dataclasses that pass between rooms, on one screen. No I/O, no torch, no Gradio."""
from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np

RATE = 24_000            # Hz, mono: the rate of every Audio a voice yields
PIECE = 480              # samples = 20 ms: every piece of a clause but its last is a multiple of this (one Opus packet)
FPS = 60.0               # frames a second of a Motion

# The one list of channels. 52 ARKit blendshapes (developer.apple.com/documentation/arkit/arfaceanchor/blendshapelocation),
# stored as round(255 * weight), then five signed ones, stored as 128 + round(127 * value / FULL).
ARKIT = (
    "browDownLeft", "browDownRight", "browInnerUp", "browOuterUpLeft", "browOuterUpRight", "cheekPuff", "cheekSquintLeft",
    "cheekSquintRight", "eyeBlinkLeft", "eyeBlinkRight", "eyeLookDownLeft", "eyeLookDownRight", "eyeLookInLeft", "eyeLookInRight",
    "eyeLookOutLeft", "eyeLookOutRight", "eyeLookUpLeft", "eyeLookUpRight", "eyeSquintLeft", "eyeSquintRight", "eyeWideLeft",
    "eyeWideRight", "jawForward", "jawLeft", "jawOpen", "jawRight", "mouthClose", "mouthDimpleLeft", "mouthDimpleRight",
    "mouthFrownLeft", "mouthFrownRight", "mouthFunnel", "mouthLeft", "mouthLowerDownLeft", "mouthLowerDownRight", "mouthPressLeft",
    "mouthPressRight", "mouthPucker", "mouthRight", "mouthRollLower", "mouthRollUpper", "mouthShrugLower", "mouthShrugUpper",
    "mouthSmileLeft", "mouthSmileRight", "mouthStretchLeft", "mouthStretchRight", "mouthUpperUpLeft", "mouthUpperUpRight",
    "noseSneerLeft", "noseSneerRight", "tongueOut",
)
SIGNED = ("headYaw", "headPitch", "headRoll", "gazeX", "gazeY")
CHANNELS = ARKIT + SIGNED                                # 57
FULL = 0.5               # rad at byte 255 of a signed channel. Yaw > 0: the twin turns to the right of the picture; pitch > 0: it
                         # looks up; roll > 0: its head tilts clockwise in the picture; gazeX > 0: right of the picture, gazeY > 0: up.
                         # Left and Right of a blendshape are the twin's own, as ARKit has them.


@dataclass(frozen=True)
class Audio:
    samples: np.ndarray                                  # float32 [n], -1..1, mono
    rate: int = RATE

    @property
    def seconds(self) -> float:
        return len(self.samples) / self.rate


@dataclass(frozen=True)
class Mark:
    """One phoneme on the clock of its Speech. IPA; stress as 'ˈ' or 'ˌ' before it, length as 'ː' behind; '' is silence."""
    start: float                                         # s; marks before 0 or behind the end are the neighbours, for co-articulation
    end: float
    phone: str


@dataclass(frozen=True)
class Speech:
    """A piece of spoken text, about a second long. The first piece of a clause carries its text, later ones ''."""
    text: str
    audio: Audio | None                                  # None: a caption that no voice could say
    marks: tuple[Mark, ...] = ()                         # none: the lips are read off the sound
    before: np.ndarray | None = field(default=None, repr=False, compare=False)     # the sound just before and behind it, at its rate, where there are
    after: np.ndarray | None = field(default=None, repr=False, compare=False)      # no marks: a second and a tenth are enough


@dataclass(frozen=True)
class Motion:
    """A track: what the face does, frame by frame."""
    weights: np.ndarray                                  # uint8 [frames, 57], encoded as CHANNELS says
    fps: float = FPS
    names: tuple[str, ...] = CHANNELS


Message = dict[str, Any]                                 # {"role": "system" | "user" | "assistant", "content": ...}; calls as OpenAI's protocol has them


@dataclass(frozen=True)
class Functions:
    """What a model may call. `schemas`: as `tools` of OpenAI's protocol, for a thinker that says `functions = True`; it yields a Call for each it makes."""
    schemas: tuple[dict[str, Any], ...]
    beside: str = ""                                     # behind the system message where the schemas are sent
    words: str = ""                                      # behind it where they can't be: how to call in the text; "" = then nothing is offered


@dataclass(frozen=True)
class Call:
    """A call that a model makes, put together from its stream. `arguments`: JSON as the model wrote it, so perhaps none."""
    id: str
    name: str
    arguments: str


@dataclass(frozen=True)
class Voice:
    """How a twin sounds. `backend` fields that a backend does not know are ignored by it."""
    backend: str = "espeak"
    name: str = ""                                       # the backend's own voice or variant
    rate: float = 1.0                                    # 1 = the backend's normal speed
    pitch: float = 0.0                                   # semitones
    volume: float = 1.0
    folder: str = ""                                     # samples or weights of a cloned voice
    age: float = 0.0                                     # -1 younger .. 1 older than the voice is
    warmth: float = 0.0                                  # -1 brighter .. 1 warmer
    weights: bytes | None = field(default=None, repr=False, compare=False)     # instead of `folder`, for a voice that must not lie on disk


@dataclass(frozen=True)
class Mood:
    """What the face and voice show; made from a row of persona/emotion.py, already scaled by its strength."""
    name: str = "neutral"
    face: tuple[tuple[str, float], ...] = ()             # (ARKit channel, weight 0..1), held while it lasts
    rate: float = 1.0                                    # factors and semitones on top of the Voice's own
    pitch: float = 0.0
    volume: float = 1.0
    energy: float = 0.5                                  # 0 sleepy .. 1 lively: size of head motion and brow accents


@dataclass(frozen=True)
class Partial:
    """What a recogniser has understood so far."""
    text: str


@dataclass(frozen=True)
class Final:
    """What was said, once the utterance is over."""
    text: str
    sure: bool = True                                    # False: ask the user to correct it


@dataclass(frozen=True)
class Event:
    turn: int


@dataclass(frozen=True)
class Heard(Event):
    """What the user said, as understood."""
    text: str
    sure: bool = True                                    # False: the recogniser asks to be corrected


@dataclass(frozen=True)
class Token(Event):
    """A bit of the reply's text, as it comes."""
    text: str


@dataclass(frozen=True)
class Thought(Event):
    """How the reply is being made: by which step, in which mood, from what."""
    step: Literal["rule", "line", "model", "fact", "document", "memory", "tool", "unknown", "greeting", "aside"]
    mood: str = "neutral"
    sources: tuple[str, ...] = ()
    shown: dict[str, str] | None = None                  # the state of a scene in a line, {language: text}


@dataclass(frozen=True)
class Spoken(Event):
    """Sound and mouth in one envelope: lip-sync by construction."""
    at: float                                            # s from the start of the turn's speech
    speech: Speech
    motion: Motion | None


@dataclass(frozen=True)
class Trouble(Event):
    stage: str
    message: str
    hint: str = ""


@dataclass(frozen=True)
class Ended(Event):
    reason: Literal["done", "interrupted", "failed"]
    heard: str = ""                                      # the words that reached the listener
    times: dict[str, float] = field(default_factory=dict)   # ms since the question: first token, first sound, ...
