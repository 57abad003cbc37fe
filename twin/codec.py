"""The event codec: events become wire messages and back. Pure; both transports, the tests and the benches use it.

A message is a header (a JSON object) and perhaps a payload (bytes). Without a payload it travels as JSON text; with one as a binary
frame: u32 little-endian length of the header, the header as UTF-8 JSON, the payload. A `spoken` payload is the sound, then the motion:

- sound, "opus": packets of 20 ms, 24 kHz mono, back to back; the header's `audio.sizes` holds their lengths. One encoder lives for a
  turn, so pieces join without a seam. A decoder on a 48 kHz clock delivers 312 samples (6.5 ms) late, the codec's own look-ahead.
- sound, "pcm16": int16 little-endian, one "packet" per piece.
- motion, "delta-deflate-raw": uint8 [frames, 57] transposed to [57, frames], each channel as its first value and then differences
  modulo 256, the whole as raw deflate (RFC 1951, no zlib header).

PyAV is imported when the first Opus encoder or decoder is made.
"""
from __future__ import annotations

import json
import struct
import zlib
from collections.abc import Iterable
from dataclasses import asdict
from typing import Any

import numpy as np

from .errors import Refused
from .types import CHANNELS, PIECE, RATE, Audio, Ended, Event, Heard, Mark, Motion, Speech, Spoken, Thought, Token, Trouble

CODECS = ("opus", "pcm16")
BIT_RATE = 24_000        # bit/s; speech at 24 kHz is transparent to most ears here, and 57 moving channels fit beside it in 64 kbit/s
PLAIN: dict[str, type[Event]] = {"heard": Heard, "token": Token, "thought": Thought, "trouble": Trouble, "ended": Ended}
NAMES = {kind: name for name, kind in PLAIN.items()}


class OpusTrack:
    """One encoder: float32 mono at 24 kHz in, Opus packets of 20 ms out. Feed multiples of 480 samples; silence fills a remainder. `application`:
    Opus' own word for what it is tuned for, "audio" or "voip"."""

    def __init__(self, bit_rate: int = BIT_RATE, application: str = "audio"):
        from fractions import Fraction

        import av
        self._frame, self._clock, self._at = av.AudioFrame, Fraction(1, RATE), 0
        self._encoder = av.CodecContext.create("libopus", "w")
        self._encoder.sample_rate, self._encoder.layout, self._encoder.format = RATE, "mono", "flt"
        self._encoder.bit_rate, self._encoder.time_base = bit_rate, self._clock
        self._encoder.options = {"application": application, "frame_duration": "20", "vbr": "on", "compression_level": "5"}

    def encode(self, samples: np.ndarray) -> list[bytes]:
        """samples: float32 [n], -1..1 -> ceil(n / 480) packets."""
        over = -len(samples) % PIECE
        whole = np.pad(np.asarray(samples, np.float32), (0, over)).clip(-1.0, 1.0).reshape(-1, 1, PIECE)
        packets: list[bytes] = []
        for block in whole:
            frame = self._frame.from_ndarray(np.ascontiguousarray(block), format="flt", layout="mono")
            frame.sample_rate, frame.time_base, frame.pts = RATE, self._clock, self._at
            self._at += PIECE
            packets += [bytes(packet) for packet in self._encoder.encode(frame)]
        return packets


class Ear:
    """One decoder for the sound of a turn: Opus packets or pcm16 -> float32 at 24 kHz. For tests and benches; the browser has its own."""

    def __init__(self) -> None:
        self._decoder: Any = None

    def decode(self, codec: str, packets: Iterable[bytes]) -> np.ndarray:
        """float32 [n] at 24 kHz. Raises Refused for a codec it does not know."""
        if codec == "pcm16":
            return np.frombuffer(b"".join(packets), "<i2").astype(np.float32) / 32767.0
        if codec != "opus":
            raise Refused(f"There is no codec called {codec!r}.", f"There are: {', '.join(CODECS)}.")
        if self._decoder is None:
            import av
            self._packet = av.Packet
            self._decoder = av.CodecContext.create("libopus", "r")
            self._decoder.layout, self._decoder.sample_rate = "mono", 48_000
        frames = [frame.to_ndarray()[0] for data in packets for frame in self._decoder.decode(self._packet(data))]
        if not frames:
            return np.zeros(0, np.float32)
        return np.concatenate(frames)[::2].astype(np.float32) / 32768.0        # int16 at 48 kHz, band-limited to 12 kHz by the encoder


def pcm16(samples: np.ndarray) -> bytes:
    """float32 [n], -1..1 -> int16 little-endian."""
    return (np.asarray(samples, np.float32).clip(-1.0, 1.0) * 32767.0).astype("<i2").tobytes()


def pack_motion(weights: np.ndarray) -> bytes:
    """uint8 [frames, channels] -> raw deflate of per-channel differences along time."""
    steps = np.ascontiguousarray(np.asarray(weights, np.uint8).T)               # [channels, frames]
    steps[:, 1:] -= steps[:, :-1].copy()
    deflate = zlib.compressobj(9, zlib.DEFLATED, -15)
    return deflate.compress(steps.tobytes()) + deflate.flush()


def unpack_motion(data: bytes, frames: int, channels: int = len(CHANNELS)) -> np.ndarray:
    """The inverse of pack_motion: uint8 [frames, channels]. Raises Refused when the bytes do not hold that many."""
    size = frames * channels
    try:
        inflate = zlib.decompressobj(-15)
        raw = inflate.decompress(data, size + 1)
    except zlib.error as error:
        raise Refused(f"A motion of {frames} frames is damaged: {error}.") from None
    if len(raw) != size:
        raise Refused(f"A motion of {frames} frames holds {len(raw)} bytes instead of {size}.")
    steps = np.frombuffer(raw, np.uint8).reshape(channels, frames)
    return np.cumsum(steps, axis=1, dtype=np.uint8).T


def pack(header: dict[str, Any], payload: bytes | None = None) -> str | bytes:
    """What goes on the wire: JSON text, or a binary frame when there is a payload (an empty one too)."""
    head = json.dumps(header, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "replace")    # half a surrogate pair becomes "?"
    if payload is None:
        return head.decode()
    return struct.pack("<I", len(head)) + head + payload


def unpack(message: str | bytes) -> tuple[dict[str, Any], bytes | None]:
    """The inverse of pack. Raises Refused for what is not a message."""
    payload = None
    if isinstance(message, (bytes, bytearray, memoryview)):
        message = bytes(message)
        size = struct.unpack_from("<I", message)[0] if len(message) >= 4 else -1
        if not 0 < size <= len(message) - 4:
            raise Refused("A binary message is cut short.")
        message, payload = message[4:4 + size], message[4 + size:]
    try:
        header = json.loads(message)
    except (ValueError, RecursionError):
        raise Refused("A message is not JSON.") from None
    if not isinstance(header, dict):
        raise Refused("A message is not a JSON object.")
    return header, payload


class Encoder:
    """Events of one conversation -> (header, payload). Holds the Opus encoder of the present turn."""

    def __init__(self, codec: str = "opus", bit_rate: int = BIT_RATE):
        self.bit_rate = bit_rate
        self._turn = -1
        self._track: OpusTrack | None = None
        self.use(codec)

    def encode(self, event: Event) -> tuple[dict[str, Any], bytes | None]:
        """The header has no `seq` yet: the outbox numbers what it takes. Raises Refused for sound at another rate than 24 kHz."""
        if isinstance(event, Spoken):
            return self._spoken(event)
        return {"type": NAMES[type(event)], **asdict(event)}, None

    def use(self, codec: str) -> None:
        """Go on with this codec, anew. Raises Refused for one that it does not know."""
        if codec not in CODECS:
            raise Refused(f"There is no codec called {codec!r}.", f"There are: {', '.join(CODECS)}.")
        self.codec = codec
        self.rest()

    def rest(self) -> None:
        """Let go of the last turn's encoder."""
        self._turn, self._track = -1, None

    def _spoken(self, event: Spoken) -> tuple[dict[str, Any], bytes]:
        sound, motion = self._sound(event), b""
        header: dict[str, Any] = {
            "type": "spoken", "turn": event.turn, "at": round(event.at, 6), "text": event.speech.text,
            "seconds": round(event.speech.audio.seconds, 6) if event.speech.audio else 0.0,
            "audio": {"codec": self.codec, "rate": RATE, "sizes": [len(packet) for packet in sound]} if event.speech.audio else None,
            "motion": None,
            "marks": [[round(mark.start, 3), round(mark.end, 3), mark.phone] for mark in event.speech.marks] or None,
        }
        if event.motion is not None:
            motion = pack_motion(event.motion.weights)
            header["motion"] = {"frames": len(event.motion.weights), "bytes": len(motion), "how": "delta-deflate-raw"}
        return header, b"".join(sound) + motion

    def _sound(self, event: Spoken) -> list[bytes]:
        if event.speech.audio is None:
            return []
        if event.speech.audio.rate != RATE:
            raise Refused(f"A voice spoke at {event.speech.audio.rate} Hz; the wire carries {RATE}.")
        if self.codec == "pcm16":
            return [pcm16(event.speech.audio.samples)]
        track = self._track if self._turn == event.turn else None
        if track is None:                                # `rest` may come from another thread at any time
            track = OpusTrack(self.bit_rate)
            self._turn, self._track = event.turn, track
        return track.encode(event.speech.audio.samples)


class Decoder:
    """Wire messages -> events; messages that are no events come back as their header. Holds the Opus decoder of the present turn."""

    def __init__(self) -> None:
        self._turn, self._ear = -1, Ear()

    def decode(self, message: str | bytes) -> tuple[dict[str, Any], Event | None]:
        """(header, event or None). Raises Refused for what is not a message."""
        header, payload = unpack(message)
        kind = header.get("type")
        if kind == "spoken":
            return header, self._spoken(header, payload or b"")
        if kind in PLAIN and "turn" in header:
            wanted = PLAIN[kind].__dataclass_fields__
            fields: dict[str, Any] = {k: tuple(v) if k == "sources" else v for k, v in header.items() if k in wanted}
            return header, PLAIN[kind](**fields)
        return header, None

    def _spoken(self, header: dict[str, Any], payload: bytes) -> Spoken:
        sound, at = header["audio"], 0
        audio = None
        if sound:
            packets = []
            for size in sound["sizes"]:
                packets.append(payload[at:at + size])
                at += size
            if self._turn != header["turn"]:
                self._turn, self._ear = header["turn"], Ear()
            audio = Audio(self._ear.decode(sound["codec"], packets), RATE)
        motion = header["motion"] and Motion(unpack_motion(payload[at:at + header["motion"]["bytes"]], header["motion"]["frames"]))
        marks = tuple(Mark(*mark) for mark in header["marks"] or ())
        return Spoken(header["turn"], header["at"], Speech(header["text"], audio, marks), motion or None)
