"""MediaPipe's own remarks on the error channel are left out; whatever else is written there passes. They come from its C++ side, which listens
to no logging level, so the file descriptor itself is read through a sieve for as long as MediaPipe works."""
from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from threading import Lock, Thread

REMARKS = (b"All log messages before absl::InitializeLog()", b"inference_feedback_manager.cc", b"landmark_projection_calculator.cc",
           b"Created TensorFlow Lite XNNPACK delegate")
_lock, _inside = Lock(), 0
_open: tuple[int, Thread] | None = None                  # where the error channel really leads, and who reads what is written to it


@contextmanager
def quiet() -> Iterator[None]:
    """Around everything that makes or runs a graph of MediaPipe. May be nested and used from several threads."""
    global _inside
    with _lock:
        _inside += 1
        if _inside == 1:
            _begin()
    try:
        yield
    finally:
        with _lock:
            _inside -= 1
            if not _inside:
                _end()


def _begin() -> None:
    global _open
    try:
        real = os.dup(2)
    except OSError:                                      # there is no error channel
        return
    _flush()
    source, sink = os.pipe()
    os.dup2(sink, 2)
    os.close(sink)
    reader = Thread(target=_sift, args=(source, os.dup(real)), name="quiet", daemon=True)
    reader.start()
    _open = real, reader


def _end() -> None:
    global _open
    if _open is None:
        return
    (real, reader), _open = _open, None
    _flush()
    os.dup2(real, 2)
    os.close(real)
    reader.join(1.0)                                     # a process that was started meanwhile may go on writing: then it reads on


def _flush() -> None:
    with suppress(OSError, ValueError, AttributeError):
        sys.stderr.flush()


def _sift(source: int, real: int) -> None:
    kept = b""
    with os.fdopen(source, "rb", buffering=0) as lines, os.fdopen(real, "wb", buffering=0) as out:
        while part := lines.read(65536):
            *whole, kept = (kept + part).split(b"\n")
            _pass(out, [line + b"\n" for line in whole])
        _pass(out, [kept])


def _pass(out, lines: list[bytes]) -> None:              # noqa: ANN001
    rest = b"".join(line for line in lines if not any(remark in line for remark in REMARKS))
    if rest:
        with suppress(OSError):
            out.write(rest)
