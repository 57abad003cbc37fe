"""What the server counts and times, as Prometheus reads it. Names of routes, stages and error codes alone: nothing of anyone."""
from __future__ import annotations

import os
import time
from bisect import bisect_left
from collections.abc import Callable, Mapping

from ..types import Ended, Event, Thought, Trouble

# name -> (kind, what it is)
KNOWN: dict[str, tuple[str, str]] = {
    "twin_up_seconds": ("gauge", "Seconds since the server began."),
    "twin_ready": ("gauge", "1 once the engines are awake, until the server is asked to stop."),
    "twin_sessions": ("gauge", "Live sessions by state: held by a page, waiting for one, speaking."),
    "twin_places": ("gauge", "Places that are taken, by work."),
    "twin_queue_length": ("gauge", "Work that waits for a place, by work."),
    "twin_turns_total": ("counter", "Turns by how they ended."),
    "twin_thoughts_total": ("counter", "Answers by the step that made them."),
    "twin_stage_seconds": ("histogram", "From the question to the first time a stage was reached: heard, thought, token, sound, sent."),
    "twin_http_requests_total": ("counter", "Requests by route, method and status; code is that of an error."),
    "twin_http_seconds": ("histogram", "Seconds until a request was answered, by route."),
    "twin_messages_total": ("counter", "Messages of pages by type; code is that of a complaint."),
    "twin_sockets_closed_total": ("counter", "Live channels that the server closed, by code."),
    "twin_trouble_total": ("counter", "Parts that failed in a turn, by stage."),
    "process_resident_memory_bytes": ("gauge", "Memory in use."),
    "process_cpu_seconds_total": ("counter", "Processor time used."),
    "process_open_fds": ("gauge", "Open files and sockets."),
}
BOUNDS = (0.01, 0.025, 0.05, 0.1, 0.2, 0.35, 0.5, 0.8, 1.2, 2.0, 3.5, 6.0, 10.0, 30.0)
MOST = 2_000             # series; labels come from tables of ours, so this is never reached
Labels = tuple[tuple[str, str], ...]
Gauge = Callable[[], "float | Mapping[Labels, float]"]


class Metrics:
    def __init__(self) -> None:
        self.began = time.time()
        self._counts: dict[tuple[str, Labels], float] = {}
        self._times: dict[tuple[str, Labels], list[float]] = {}          # one count a bound, the rest, sum
        self._gauges: dict[str, Gauge] = {"twin_up_seconds": lambda: time.time() - self.began}

    def count(self, name: str, by: float = 1.0, **labels: str) -> None:
        key = name, tuple(sorted(labels.items()))
        if key in self._counts or len(self._counts) < MOST:
            self._counts[key] = self._counts.get(key, 0.0) + by

    def time(self, name: str, seconds: float, **labels: str) -> None:
        key = name, tuple(sorted(labels.items()))
        row = self._times.get(key)
        if row is None:
            if len(self._times) >= MOST:
                return
            row = self._times[key] = [0.0] * (len(BOUNDS) + 2)
        row[bisect_left(BOUNDS, seconds)] += 1
        row[-1] += seconds

    def note(self, event: Event) -> None:
        """What is counted of a conversation's event: stages and times, no words."""
        if isinstance(event, Trouble):
            self.count("twin_trouble_total", stage=event.stage)
        elif isinstance(event, Thought):
            self.count("twin_thoughts_total", step=event.step)
        elif isinstance(event, Ended):
            self.count("twin_turns_total", ended=event.reason)
            for stage, ms in event.times.items():
                self.time("twin_stage_seconds", ms / 1000, stage=stage)

    def gauge(self, name: str, read: Gauge) -> None:
        """`read()` is asked when somebody looks: a number, or one for each ((label, value), ...)."""
        self._gauges[name] = read

    def total(self, name: str, **labels: str) -> float:
        """Of all series of a counter that have these labels."""
        wanted = set(labels.items())
        return sum(value for (given, have), value in self._counts.items() if given == name and wanted <= set(have))

    def text(self) -> str:
        """The exposition format, version 0.0.4."""
        found: dict[str, list[str]] = {}
        for (name, labels), value in sorted(self._counts.items()):
            found.setdefault(name, []).append(f"{name}{_labels(labels)} {value:g}")
        for (name, labels), row in sorted(self._times.items()):
            lines, below = found.setdefault(name, []), 0.0
            for bound, count in zip((*map(str, BOUNDS), "+Inf"), row):
                below += count
                lines.append(f"{name}_bucket{_labels((*labels, ('le', bound)))} {below:g}")
            lines += [f"{name}_sum{_labels(labels)} {row[-1]:.6g}", f"{name}_count{_labels(labels)} {below:g}"]
        for name, read in self._gauges.items():
            now = read()
            found[name] = [f"{name}{_labels(labels)} {at:g}" for labels, at in now.items()] if isinstance(now, Mapping) else [f"{name} {now:g}"]
        for name, at in _process().items():
            found[name] = [f"{name} {at:.10g}"]
        return "".join(f"# HELP {name} {KNOWN[name][1]}\n# TYPE {name} {KNOWN[name][0]}\n" + "\n".join(found[name]) + "\n" for name in KNOWN if found.get(name))


def _process() -> dict[str, float]:
    import psutil
    me = psutil.Process(os.getpid())
    cpu = me.cpu_times()
    told = {"process_resident_memory_bytes": float(me.memory_info().rss), "process_cpu_seconds_total": cpu.user + cpu.system}
    try:
        return told | {"process_open_fds": float(me.num_fds())}
    except AttributeError:                               # Windows has none
        return told


def _labels(labels: Labels) -> str:
    escaped = (f'{name}="{value}"' for name, raw in labels for value in (raw.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n"),))
    inside = ",".join(escaped)
    return f"{{{inside}}}" if inside else ""
