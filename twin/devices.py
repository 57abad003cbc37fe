"""Where things live: which device, in which dtype, and why; where weights made here are kept; whether the hub answers.

Importing this loads no torch; `place` and `plan` load it, when a torch backend asks.
"""
from __future__ import annotations

import os
import platform
import shutil
import threading
import time
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

HUB = "https://huggingface.co"
ON = ("1", "on", "yes", "true")
GIB = 1 << 30
CARRIED = Path(__file__).resolve().parents[1] / "assets" / "weights"
_silent: list[str] = []                                  # hubs that did not answer
ROOM = 0.8                                               # of a device's free memory that weights may take; caches need the rest


def storage() -> Path:
    """The folder for weights that were converted here: TWIN_CACHE, else the user's cache folder. It need not exist yet."""
    import platformdirs

    return Path(os.environ.get("TWIN_CACHE") or platformdirs.user_cache_dir("twin", appauthor=False)).expanduser()


def weights(name: str) -> Path:
    """The folder of converted weights of that name: beside the code, where an exported Space carries it, else in storage()."""
    beside = CARRIED / name
    return beside if beside.is_dir() else storage() / name


# --- the hub

def offline() -> bool:
    """Whether the user asked for no network (HF_HUB_OFFLINE or TRANSFORMERS_OFFLINE)."""
    return any(os.environ.get(name, "").lower() in ON for name in ("HF_HUB_OFFLINE", "TRANSFORMERS_OFFLINE"))


def wished_offline() -> bool:
    """Whether the user asked for it; not we, because the hub did not answer."""
    return offline() and not _silent


def zero_gpu() -> bool:
    """Whether this is a Space on ZeroGPU: a GPU is lent for as long as one call takes."""
    return os.environ.get("SPACES_ZERO_GPU", "").lower() in ON


def reachable(endpoint: str = "", seconds: float = 2.0) -> bool:
    """Whether the model hub (or `endpoint`) answers. Asked once per process; takes at most `seconds`, name look-up included.

    Where it does not answer, the libraries of the hub are set to offline, so that nothing waits for it later.
    """
    if offline():
        return False
    answers = probe(endpoint or os.environ.get("HF_ENDPOINT") or HUB, seconds)
    if not answers and not endpoint:
        stay_offline()
    return answers


@cache
def probe(endpoint: str, seconds: float) -> bool:
    """One HEAD request in a thread of its own: a name look-up cannot be given a timeout, but it can be left behind."""
    import urllib.error
    import urllib.request
    answer: list[bool] = []

    def ask() -> None:
        try:
            with urllib.request.urlopen(urllib.request.Request(endpoint, method="HEAD"), timeout=seconds):
                answer.append(True)
        except urllib.error.HTTPError as error:          # it answered, if only to refuse HEAD
            answer.append(error.code < 500 and error.code != 407)
        except (OSError, ValueError):
            answer.append(False)

    thread = threading.Thread(target=ask, name="hub", daemon=True)
    thread.start()
    thread.join(seconds)
    return bool(answer) and answer[0]


def stay_offline() -> None:
    """Keep huggingface_hub and transformers from asking the network, whether or not they are loaded already."""
    import sys

    if not offline():
        _silent.append("hub")
    os.environ["HF_HUB_OFFLINE"] = "1"
    constants: Any = sys.modules.get("huggingface_hub.constants")
    if constants is not None:
        constants.HF_HUB_OFFLINE = True                  # read at import; this is what is_offline_mode() looks at


# --- the hardware

@dataclass(frozen=True)
class Hardware:
    system: str
    processor: str
    cores: int
    memory: int                                          # bytes
    free: int                                            # bytes
    disk: int                                            # bytes free where converted weights are kept
    gpus: tuple[str, ...]
    torch: str                                           # version, "" when it is not installed

    def lines(self) -> list[str]:
        return [f"system      {self.system}",
                f"processor   {self.processor}, {self.cores} cores",
                f"memory      {self.free / GIB:.1f} of {self.memory / GIB:.1f} GiB free",
                f"disk        {self.disk / GIB:.1f} GiB free in {storage()}",
                f"gpu         {', '.join(self.gpus) or 'none'}",
                f"torch       {self.torch or 'not installed'}"]


def hardware() -> Hardware:
    """What this machine is, in some milliseconds: torch is not loaded, GPUs are those whose driver is there."""
    import importlib.metadata

    import psutil

    memory = psutil.virtual_memory()
    at = storage()
    while not at.exists():
        at = at.parent
    try:
        torch = importlib.metadata.version("torch")
    except importlib.metadata.PackageNotFoundError:
        torch = ""
    return Hardware(f"{platform.system()} {platform.release()}, Python {platform.python_version()}", processor(), cores(), memory.total,
                    memory.available, shutil.disk_usage(at).free, gpus(), torch)


def cores() -> int:
    """Cores this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def processor() -> str:
    info = Path("/proc/cpuinfo")
    if info.is_file():
        for line in info.read_text(errors="replace").splitlines():
            if line.startswith("model name"):
                return line.split(":", 1)[1].strip()
    return platform.processor() or platform.machine()


def gpus() -> tuple[str, ...]:
    found = []
    for path in sorted(Path("/proc/driver/nvidia/gpus").glob("*/information")):
        names = [line.split(":", 1)[1].strip() for line in path.read_text(errors="replace").splitlines() if line.startswith("Model")]
        found.append(names[0] if names else "NVIDIA GPU")
    if platform.system() == "Darwin" and platform.machine() == "arm64":
        found.append("Apple GPU (mps)")
    return tuple(found)


class Neighbours:
    """How much of the processor others use, so that a model may choose how its threads wait."""

    QUIET = 0.35                                         # cores used by others; below that, spinning costs nobody anything

    def __init__(self) -> None:
        self._before = self._now()
        self._quiet = False

    def quiet(self) -> bool:
        """Whether others left the cores alone since the last call (that is at least 0.2 s ago, else as it was)."""
        others, at = self._now()
        seconds = at - self._before[1]
        if seconds >= 0.2:
            self._quiet = (others - self._before[0]) / seconds < self.QUIET
            self._before = others, at
        return self._quiet

    @staticmethod
    def _now() -> tuple[float, float]:
        """(s of processor time that others have used since boot, s on the clock)"""
        import psutil

        spent = psutil.cpu_times()
        busy = sum(spent[:3]) + sum(getattr(spent, name, 0.0) for name in ("irq", "softirq", "steal"))
        if psutil.WINDOWS:
            busy = spent.user + spent.system
        return busy - time.process_time(), time.monotonic()


# --- the plan

@dataclass(frozen=True)
class Place:
    """Where one model goes."""
    task: str
    device: str                                          # "cpu", "mps", "cuda:0", or "auto": spread by accelerate
    dtype: str                                           # "float32", "float16", "bfloat16"
    why: str

    def __str__(self) -> str:
        return f"{self.task:8} {self.device:8} {self.dtype:9} {self.why}"


def plan(wants: dict[str, int] | Iterable[str]) -> list[Place]:
    """Where each model goes: task -> bytes of its weights in fp32 (0 or a bare name: unknown, small). Print the Places.

    The largest that fits on the accelerator goes there first, then the next; what is left over is spread by accelerate over what is
    left of it and the CPU.
    """
    wants = dict(wants) if isinstance(wants, dict) else dict.fromkeys(wants, 0)
    device, dtype, free, why = accelerator()
    memory = hardware().free
    places = {}
    sizes = {task: want * (2 if dtype != "float32" else 4) // 4 for task, want in wants.items()}
    for task in sorted(wants, key=lambda name: (sizes[name] > ROOM * free, -sizes[name])):
        size = sizes[task]
        if device != "cpu" and size <= ROOM * free:
            places[task] = Place(task, device, dtype, f"{why}; {size / GIB:.1f} of {free / GIB:.1f} GiB")
            free -= size
        elif device != "cpu" and wants[task]:
            places[task] = Place(task, "auto", dtype, f"{size / GIB:.1f} GiB do not fit in {free / GIB:.1f} GiB free on {device}: spread by accelerate")
            free = 0
        elif wants[task] > ROOM * memory:
            places[task] = Place(task, "auto", "bfloat16", f"{wants[task] / GIB:.1f} GiB in fp32 do not fit in {memory / GIB:.1f} GiB of memory")
        else:
            places[task] = Place(task, "cpu", "float32", why)
    return [places[task] for task in wants]


@cache
def accelerator() -> tuple[str, str, int, str]:
    """The best device there is, by accelerate: (device, dtype, bytes free, why). Loads torch."""
    import torch
    from accelerate import PartialState

    device = PartialState().device
    if device.type == "cuda":
        free, _ = torch.cuda.mem_get_info(device)
        dtype = "bfloat16" if torch.cuda.is_bf16_supported() else "float16"
        return f"cuda:{device.index or 0}", dtype, free, f"{torch.cuda.get_device_name(device)} has {dtype} in hardware"
    if device.type == "mps":
        return "mps", "float16", torch.mps.recommended_max_memory(), "Apple GPU, half precision halves what is read per token"
    return "cpu", "float32", 0, "no GPU; fp32 because CPUs without AMX compute 16-bit floats slower than 32-bit ones"


def place(task: str, size: int = 0) -> tuple[str, Any]:
    """(device, torch dtype) for one model of `size` bytes in fp32; the device "auto" stands for device_map="auto"."""
    import torch

    found, = plan({task: size})
    return found.device, getattr(torch, found.dtype)
