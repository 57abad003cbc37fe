"""Trainings: begun one at a time, watched, stopped, gone on with, found again after a restart, exported as models that can be used.

    runs/NAME        the training's folder (twin/train/run.py says what is in it), with studio.json, what was asked, and what process.py keeps
    jobs/use-NAME    the process that exports its newest checkpoint to models/NAME
"""
from __future__ import annotations

import json
import shutil
import threading
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from twin import devices
from twin.errors import Refused, TwinError

from . import places, plain, process, sets, shelf
from .run import ENDS, Run, read_json, write

FAMILIES = ("vae", "gan", "diffusion")
LABELS = {"vae": "VAE", "gan": "GAN", "diffusion": "Diffusion"}
SIZES = ("tiny", "small", "base", "large")
PIXELS = (32, 64, 128, 256)
BATCH = {"vae": 32, "gan": 16, "diffusion": 64}          # pictures of a step, where the set has as many
# Pictures a second of `small` at 128 px on one core of a server's processor, as measured in docs/train.md's trainings; a first guess for other sizes.
PACE = {"vae": 11.0, "gan": 12.0, "latents": 40.0, "diffusion": 30.0}     # latents: a GAN's
HEAVIER = {"tiny": 0.12, "small": 1.0, "base": 14.0, "large": 40.0}
MOST_ROWS = 3000                                         # of a log that are told at once
LOOKS = 2.0                                              # s between looks whether the next one may begin
Json = dict[str, Any]


class Runs:
    """The trainings of this machine. `close()` ends nothing but the waiting: trainings go on without a server."""

    def __init__(self) -> None:
        self._known: dict[str, Run] = {}
        self._guard = threading.RLock()
        self._over = threading.Event()
        self._tender: threading.Thread | None = None
        if any(self._waiting(name) for name in places.names("runs")):
            self._tend()

    def close(self) -> None:
        self._over.set()

    def run(self, name: object) -> Run:
        """Raises Missing, Refused."""
        folder = places.there("runs", name)
        return self._known.setdefault(folder.name, Run(folder))

    # what is done -----------------------------------------------------------------------------------------------------------------------

    def begin(self, asked: Mapping[str, Any]) -> str:
        """Train {"set", "family", "size", "px", "hours", "vae"?, "title"?, "steps"?}. Its name; it waits where another training runs. Raises Refused, Missing,
        TwinError."""
        family, size, px, hours = asked.get("family"), asked.get("size", "small"), asked.get("px", 128), asked.get("hours", 1.0)
        steps = asked.get("steps", 0)
        if family not in FAMILIES or size not in SIZES or px not in PIXELS or not _number(hours) or not 0 < hours <= 2000 or not _whole(steps):
            raise Refused("That can't be trained.", "Choose a family, a size, and up to 2,000 hours.", code="garbage",
                          zh=("无法这样训练。", "请选择模型、大小和不超过 2000 小时的时长。"))
        folder = sets.ready(str(asked.get("set")))
        about = sets.told(folder.name)
        if about["size"] and about["size"] < px:
            raise Refused(f"The pictures of this set have {about['size']} px; {px} px can't be made of them.", f"Choose {about['size']} px or less.", code="px",
                          zh=(f"数据集的图片是 {about['size']} px，做不出 {px} px。", f"请选 {about['size']} px 或更小。"))
        learnt_from = round(0.88 * about["count"])       # a tenth is held back, a little more by chance
        if learnt_from < 8:
            raise Refused(f"{about['count']} faces are too few to learn from.", "Two hundred are few; some thousands are good.", code="few",
                          zh=(f"{about['count']} 张脸太少，学不了。", "两百张算少，几千张才好。"))
        vae = ""
        if family == "diffusion" or family == "gan" and asked.get("vae"):
            vae = str(shelf.model_folder(asked.get("vae"), "vae"))
            if (told := shelf.px_of(Path(vae))) != px:
                raise Refused(f"That autoencoder is for pictures of {told} px.", f"Choose {told} px, or another autoencoder.", code="vae",
                              zh=(f"这个自编码器用于 {told} px 的图片。", f"请选 {told} px，或换一个自编码器。"))
        title = places.title_of(asked.get("title"), f"{LABELS[family]} {px} px, {about['title']}")
        with self._guard:
            name = places.free("runs", title, "run")
            run = places.make(places.folder("runs", name))
            batch = BATCH[family]
            while batch > learnt_from:
                batch //= 2
            self._keep(run, {"title": title, "family": family, "set": folder.name, "size": size, "px": px, "hours": hours, "steps": steps, "batch": batch,
                             "vae": vae, "threads": sets.threads(), "kind": about["kind"], "waiting": True, "asked": time.strftime("%Y-%m-%dT%H:%M:%S")})
            self._next()
        return name

    def go_on(self, name: object, more: object = None) -> None:
        """Go on where it was left; `more`: so many hours (or, of a training by steps, so many steps again). Raises Refused, Missing."""
        run = self.run(name)
        with self._guard:
            asked = self._asked(run.folder)
            if self.state(run) in ("training", "measuring", "starting", "waiting", "stopping"):
                raise Refused("It is being trained.", "Stop it first, or let it go on.", code="going", zh=("它正在训练。", "请先停止，或让它继续。"))
            sets.ready(asked["set"])
            done = self.state(run) == "ended"
            if more is not None and not (_number(more) and 0 < float(str(more)) <= 2000):
                raise Refused("For how many hours?", "Give a number up to 2,000.", code="garbage", zh=("再训练几小时？", "请填不超过 2000 的数字。"))
            if more is not None or done:
                spent = max([row.get("seconds", 0.0) for row in run.rows()[-1:]] or [0.0]) / 3600
                asked["hours"] = round(max(spent, asked["hours"] if done else 0.0) + float(str(more)) if more is not None else asked["hours"] * 2, 4)
                asked["steps"] *= 2 if done else 1
                asked["patience"] = 0                    # whoever wants more wants it whether or not the figure gets better
            self._keep(run.folder, {**asked, "waiting": True, "resume": True})
            self._next()

    def stop(self, name: object) -> None:
        """Ask it to end with a checkpoint; one that waits, or that hasn't begun to learn, just ends. Raises Missing."""
        run = self.run(name)
        with self._guard:
            state = self.state(run)
            if state == "waiting":
                self._keep(run.folder, {**self._asked(run.folder), "waiting": False, "left": True})
            elif state == "starting":
                process.halt(run.folder)
            elif run.alive():
                run.ask_to_stop()

    def remove(self, name: object) -> None:
        """The run's folder. What was exported of it stays. Raises Refused, Missing, TwinError."""
        run = self.run(name)
        with self._guard:
            if run.alive() or process.state(self._use(run)) == "running":
                raise Refused("It is being trained or exported.", "Stop it first.", code="going", zh=("它正在训练或导出。", "请先停止它。"))
            places.remove(run.folder)
            for job in (self._use(run), shelf.judging(run.folder.name)):
                if job.is_dir():
                    process.halt(job)
                    places.remove(job)
            self._known.pop(run.folder.name, None)
        self._next()

    def use(self, name: object) -> str:
        """Export its newest checkpoint as a model of that name. Comes back at once; told() says how it stands. Raises Refused, Missing, TwinError."""
        run = self.run(name)
        asked = self._asked(run.folder)
        if not any(run.folder.glob("at-*/state.json")):
            raise Refused("There is no checkpoint yet.", "The first comes after some minutes, or when you stop.", code="early",
                          zh=("还没有检查点。", "几分钟后会有第一个，停止时也会保存。"))
        data = sets.ready(asked["set"])
        job, model = places.make(self._use(run)), places.make(places.folder("models", run.folder.name))
        if process.state(job) == "running":
            return model.name
        told = self.told(run.folder.name)
        shelf.describe(model, run, {key: asked[key] for key in ("title", "family", "size", "px", "kind", "set")}, sets.told(asked["set"]), told)

        def then(code: int) -> None:
            shelf.forget()
            if code == 0:
                shelf.judge(model.name, data, asked["threads"])
        process.begin(job, ["-m", f"twin.train.{asked['family']}", str(data), "--out", str(run.folder), "--export", str(model),
                            *(["--vae", asked["vae"]] if asked["vae"] else [])], asked["threads"], then=then)
        return model.name

    def of_set(self, name: str) -> list[str]:
        """The runs that learn from a set."""
        return [own for own in places.names("runs") if self._asked(places.folder("runs", own)).get("set") == name]

    # one after the other ---------------------------------------------------------------------------------------------------------------------

    def _next(self) -> None:
        """Begin the one that waited longest, if none runs."""
        with self._guard:
            waiting = sorted((self._asked(places.folder("runs", name)).get("asked", ""), name) for name in places.names("runs") if self._waiting(name))
            if not waiting:
                return
            if any(self.run(name).alive() for name in places.names("runs")):
                self._tend()
                return
            folder = places.folder("runs", waiting[0][1])
            asked = {**self._asked(folder), "waiting": False, "left": False}
            self._keep(folder, asked)
            with suppress(OSError):
                (folder / "heartbeat").unlink(missing_ok=True)                  # of the time before: this one has not spoken yet
            process.begin(folder, self.arguments(folder.name), asked["threads"], then=lambda code: self._next())

    def _tend(self) -> None:
        """While one waits, look now and then: the one before it may be nobody's child any more."""
        def work() -> None:
            while not self._over.wait(LOOKS):
                with suppress(TwinError):
                    self._next()
                if not any(self._waiting(name) for name in places.names("runs")):
                    return
        if self._tender is None or not self._tender.is_alive():
            self._tender = threading.Thread(target=work, name="studio", daemon=True)
            self._tender.start()

    def arguments(self, name: str) -> list[str]:
        """What `python` is called with."""
        folder = places.folder("runs", name)
        asked = self._asked(folder)
        sheet = min(900, max(30, round(3600 * asked["hours"] / 40)))
        return ["-m", f"twin.train.{asked['family']}", str(places.folder("sets", asked["set"])), "--out", str(folder), "--size", asked["size"],
                "--px", str(asked["px"]), *(["--steps", str(asked["steps"])] if asked["steps"] else ["--hours", f"{asked['hours']:g}"]),
                "--batch", str(asked["batch"]), "--threads", str(asked["threads"]), "--sheet", str(sheet),
                *(["--patience", "0"] if asked.get("patience") == 0 else []),
                *(["--vae", asked["vae"]] if asked["vae"] else []), *(["--resume"] if asked.get("resume") else [])]

    # what is told ------------------------------------------------------------------------------------------------------------------------

    def state(self, run: Run) -> str:
        """"waiting" (for another to end), "starting", "training", "measuring", "stopping", "ended", "stopped", "failed" or "killed"."""
        if self._waiting(run.folder.name):
            return "waiting"
        beat, alive = read_json(run.folder / "heartbeat"), run.alive()
        if alive:
            state = str(beat.get("state") or "starting")
            return "stopping" if (run.folder / "stop").exists() and state not in ENDS else state
        if beat.get("state") in ENDS:
            return str(beat["state"])
        if self._asked(run.folder).get("left"):
            return "stopped"
        ended = process.state(run.folder)
        return {"done": "failed", "running": str(beat.get("state") or "starting")}.get(ended, ended)       # running: its exit is being written down

    def brief(self, name: str) -> Json:
        """A run as the shelf shows it."""
        run = self.run(name)
        asked, beat, state = self._asked(run.folder), read_json(run.folder / "heartbeat"), self.state(run)
        sheets = run.sheets()
        found = {"name": name, "title": asked["title"], "family": asked["family"], "size": asked["size"], "px": asked["px"], "set": asked["set"],
                 "kind": asked["kind"], "state": state, "sheet": sheets[-1] if sheets else None, "hours": asked["hours"],
                 **{key: beat.get(key) for key in ("step", "share", "left", "seconds", "pictures", "pace")}}
        if found["step"] is None and (rows := run.rows()):
            found |= {key: rows[-1].get(key) for key in ("step", "seconds", "pictures")}
        if state == "failed":
            found["why"] = plain.plain(process.last_words(run.folder) or str(beat.get("why") or ""))
        elif state == "killed":
            found["why"] = plain.NOTHING
        return found

    def told(self, name: str, since: float = -1.0) -> Json:
        """All of a run, with the rows of its log after step `since`: {"columns": [...], "rows": [[...], ...]}."""
        run = self.run(name)
        asked, rows = self._asked(run.folder), run.rows()
        fresh = [row for row in rows if row["step"] > since]
        if len(fresh) > MOST_ROWS:
            stride = -(-len(fresh) // MOST_ROWS)
            fresh = [*fresh[:-1:stride], fresh[-1]]
        columns = list(dict.fromkeys(key for row in rows for key in row))
        about = read_json(run.folder / "run.json")
        use = self._use(run)
        job: Json = {"state": process.state(use)} if (use / "log.txt").is_file() else {}
        if job.get("state") in ("failed", "killed"):
            job["why"] = plain.plain(process.last_words(use))
        return self.brief(name) | {
            "columns": columns, "rows": [[row.get(key) for key in columns] for row in fresh], "sheets": run.sheets(),
            "nearest": (run.folder / "nearest.png").is_file(),
            "drawn": (run.folder / "samples/drawn.png").is_file(), "device": about.get("device", ""), "settings": about.get("settings", {}),
            "plan": about.get("plan", {}), "command": process.command(self.arguments(name)), "log": process.tail(run.folder, 30),
            "begun": about.get("begun", ""),
            "kept": max((int(path.name[3:]) for path in run.folder.glob("at-*") if path.name[3:].isdecimal()), default=None),
            "threads": asked["threads"], "export": job, "model": run.folder.name if shelf.is_model(places.folder("models", run.folder.name)) else ""}

    def _use(self, run: Run) -> Path:
        return places.folder("jobs", f"use-{run.folder.name}")

    def _waiting(self, name: str) -> bool:
        return bool(read_json(places.folder("runs", name) / "studio.json").get("waiting"))

    def _asked(self, folder: Path) -> Json:
        """studio.json; of a run begun in a terminal, what its run.json says."""
        about = read_json(folder / "run.json")
        settings, plan = about.get("settings") or {}, about.get("plan") or {}
        known = {"title": folder.name, "family": about.get("family") or "vae", "set": Path(str(about.get("set") or "none")).name, "kind": about.get("kind", ""),
                 "size": settings.get("size") or "small", "px": settings.get("px") or 128, "hours": plan.get("hours") or 1.0, "steps": plan.get("steps") or 0,
                 "batch": plan.get("batch") or 32, "threads": 1, "vae": ""}
        return known | read_json(folder / "studio.json")

    def _keep(self, folder: Path, asked: Json) -> None:
        try:
            write(folder / "studio.json", json.dumps(asked, ensure_ascii=False, indent=2))
        except OSError as error:
            raise places.unwritable(folder, error) from error


def machine() -> Json:
    """What trains here: {"gpus", "cores", "threads", "disk", "sizes", "pixels", "pace"}; pace: pictures a second of each family and size at 128 px, None on a
    GPU, where it is measured after the first minute."""
    gpus, quicker = list(devices.gpus()), _threads_pay(sets.threads())
    pace = None if gpus else {family: {size: round(value * quicker / HEAVIER[size], 3) for size in SIZES} for family, value in PACE.items()}
    try:
        disk = shutil.disk_usage(next(path for path in (places.root(), *places.root().parents) if path.exists())).free
    except (OSError, StopIteration):
        disk = 0
    return {"gpus": gpus, "cores": devices.cores(), "threads": sets.threads(), "disk": disk, "sizes": SIZES, "pixels": PIXELS, "pace": pace,
            "processor": devices.processor(), "root": str(places.root())}


def _threads_pay(count: int) -> float:
    """How much quicker so many threads are than one: less than so many times."""
    return 1 + 0.65 * (count - 1)


def _number(value: object) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool) and value == value


def _whole(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and 0 <= value < 10**9


def thinned(rows: Sequence[Mapping[str, float]]) -> Json:
    """Rows of a log as columns and rows."""
    columns = list(dict.fromkeys(key for row in rows for key in row))
    stride = max(1, -(-len(rows) // MOST_ROWS))
    return {"columns": columns, "rows": [[row.get(key) for key in columns] for row in rows[::stride]]}
