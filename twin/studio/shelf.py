"""Models: those that ship, those made here, and what is known of each. A model is a folder with config.json and model.safetensors (twin/paint/pretrained.py),
and beside them, where they are there:

    README.md        its card              figures.json     {figure: number}
    log.csv          its training's log    samples.webp, nearest.webp    sheets of what it paints, and beside what is nearest to it in its set
    about.json       of one made here: {"title", "family", "size", "px", "set": {...}, "made"}
"""
from __future__ import annotations

import io
import json
import re
import shutil
import time
import zipfile
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from twin.errors import Missing, Refused, TwinError
from twin.paint import engines, pretrained

from . import places, plain, process
from .run import Run, read_json, table, write

EXTRA = ("encoder", "enlarge")                           # what ships beside the families, where it is there
PICTURES = ("samples.webp", "nearest.webp")
MOST_CARD = 20_000                                       # characters
JUDGED = 1000                                            # samples that a model's figures are of
PAINTER = engines.WEIGHTS / "illustrated" / "samples.webp"
_checked: dict[tuple[str, int], dict[str, str] | None] = {}
Json = dict[str, Any]


# what is there -------------------------------------------------------------------------------------------------------------------------

def shipped() -> list[Json]:
    """The families, whether or not a model of them ships; and what helps them, where it is there."""
    return [_brief("shipped", name, engines.WEIGHTS / name) for name in (*engines.FAMILIES, *EXTRA)
            if name in engines.FAMILIES or is_model(engines.WEIGHTS / name)]


def made() -> list[Json]:
    """Models made or brought here, newest first; one that can't be used says why."""
    found = [_brief("made", name, places.folder("models", name)) for name in places.names("models")]
    return sorted((one for one in found if one["there"] or one.get("why")), key=lambda one: one["made"], reverse=True)


def _brief(where: str, name: str, folder: Path) -> Json:
    about, there = read_json(folder / "about.json"), is_model(folder)
    family = engines.family_of(folder) or (name if where == "shipped" else str(about.get("family") or ""))
    found: Json = {"where": where, "name": name, "title": about.get("title") or name, "family": family, "there": there,
                   "px": px_of(folder) or about.get("px"), "size": about.get("size", ""), "samples": (folder / "samples.webp").is_file(),
                   "made": about.get("made", ""), "kind": (about.get("set") or {}).get("kind", ""),
                   "bytes": sum(path.stat().st_size for path in folder.rglob("*.safetensors")) if there else 0,
                   "engine": (family if where == "shipped" else f"{family}:{name}") if there and family in engines.FAMILIES else ""}
    if where == "made" and (why := _wrong(folder, there)):
        found |= {"why": why, "engine": ""}
    return found


def told(where: object, name: object) -> Json:
    """All of a model. Raises Missing, Refused."""
    folder = _folder(where, name)
    about = read_json(folder / "about.json")
    figures = {key: value for key, value in read_json(folder / "figures.json").items() if isinstance(value, (int, float)) and not isinstance(value, bool)}
    card = ""
    with suppress(OSError):
        card = re.sub(r"\A---\n.*?\n---\n", "", (folder / "README.md").read_text("utf-8", "replace")[:MOST_CARD], flags=re.DOTALL).strip()
    judged = process.state(judging(folder.name)) if where == "made" else ""
    unjudged = {"unmeasured": plain.plain(process.last_words(judging(folder.name)))} if judged in ("failed", "killed") else {}
    return _brief(str(where), folder.name, folder) | unjudged | {
        "figures": figures, "card": card, "log": table(folder / "log.csv"), "nearest": (folder / "nearest.webp").is_file(), "about": about,
        "config": read_json(folder / pretrained.CONFIG), "folder": str(folder),
        "measuring": judged == "running"}


def picture(where: object, name: object, file: object) -> bytes:
    """One of PICTURES. Raises Missing, Refused."""
    try:
        return (_folder(where, name) / str(file)).read_bytes() if file in PICTURES else _no_picture()
    except OSError:
        return _no_picture()


def judge(name: str, data: Path, threads: int) -> None:
    """Begin to measure a model made here beside the set it learnt from (twin/train/judge.py), where the encoder ships that this needs. figures.json follows."""
    if is_model(engines.WEIGHTS / "encoder"):
        model = str(places.folder("models", name))
        with suppress(TwinError):
            process.begin(places.make(judging(name)), ["-m", "twin.train.judge", model, str(data), "--samples", str(JUDGED)], threads)


def judging(name: str) -> Path:
    """The folder of that process."""
    return places.folder("jobs", f"judge-{name}")


def model_folder(given: object, family: str) -> Path:
    """The folder that "shipped:NAME" or "made:NAME" means, of that family. Raises Missing, Refused."""
    where, _, name = given.partition(":") if isinstance(given, str) else ("", "", "")
    folder = _folder(where, name)
    if not is_model(folder) or engines.family_of(folder) != family:
        raise Refused(f"That is no trained {family}.", "Choose one that is.", code="model", zh=(f"那不是训练好的 {family}。", "请另选一个。"))
    return folder


def _folder(where: object, name: object) -> Path:
    if where == "shipped" and name in (*engines.FAMILIES, *EXTRA):
        return engines.WEIGHTS / str(name)
    if where == "made":
        return places.there("models", name)
    raise Missing("There is no such model.", "Reload the page.", code="gone", zh=("没有这个模型。", "请刷新页面。"))


def is_model(folder: Path) -> bool:
    return (folder / pretrained.CONFIG).is_file() and (folder / pretrained.WEIGHTS).is_file()


def px_of(folder: Path) -> int | None:
    """The side of what a model paints, px; of one that paints latents, its autoencoder's."""
    places = (*_autoencoders(folder), folder) if _of_latents(folder) else (folder,)
    sizes = (read_json(path / pretrained.CONFIG).get("size") for path in places)
    return next((size["px"] for size in sizes if isinstance(size, dict) and isinstance(size.get("px"), int)), None)


def _of_latents(folder: Path) -> bool:
    return engines.family_of(folder) == "diffusion" or bool(read_json(folder / pretrained.CONFIG).get("latent"))


def _autoencoders(folder: Path) -> list[Path]:
    """Where the autoencoder of a model of latents lies: see twin.paint.vae.beside."""
    return [path for path in (folder / "vae", folder.parent / "vae") if path.is_dir()]


def _wrong(folder: Path, there: bool) -> Json | None:
    """Why a folder can't be used, said once for each time it changed; None where nothing is known against it."""
    if not there:
        pickled = next((path.name for path in sorted(folder.iterdir()) if path.suffix in pretrained.PICKLES), "")
        return _pickle(pickled) if pickled else None     # else it is being exported
    key = str(folder), (folder / pretrained.WEIGHTS).stat().st_mtime_ns
    if key not in _checked:
        _checked[key] = None
        with suppress(OSError):
            if engines.family_of(folder) not in engines.FAMILIES:
                _checked[key] = _other(folder)
    return _checked[key]


def _pickle(name: str) -> Json:
    return {"en": f"{name} is a pickle: opening one runs whatever it holds. Only model.safetensors is taken.",
            "zh": f"{name} 是 pickle 文件：打开它会运行里面的任何代码。这里只接受 model.safetensors。"}


def _other(folder: Path) -> Json:
    config = read_json(folder / pretrained.CONFIG)
    kind = str(config.get("architecture") or config.get("_class_name") or (config.get("architectures") or ["nothing we know"])[0])[:60]
    return {"en": f"This model is of {kind}; the Studio uses Twin's own VAE, GAN and diffusion.",
            "zh": f"这个模型是 {kind}；工作室只使用自己的 VAE、GAN 和扩散模型。"}


# what is done --------------------------------------------------------------------------------------------------------------------------

def describe(folder: Path, run: Run, asked: Mapping[str, Any], data: Mapping[str, Any], stands: Mapping[str, Any]) -> None:
    """What is known of a run is laid beside its weights, before they are written. Raises TwinError."""
    from PIL import Image
    try:
        source = {key: data.get(key) for key in ("name", "title", "kind", "source", "licence", "signed", "count")}
        about = {**asked, "set": source, "made": time.strftime("%Y-%m-%dT%H:%M:%S"), **{key: stands.get(key) for key in ("step", "pictures", "seconds")}}
        write(folder / "about.json", json.dumps(about, ensure_ascii=False, indent=2))
        write(folder / "README.md", _card(about))
        last = {key: value for row in run.rows() for key, value in row.items() if key not in ("step", "seconds", "pictures")}
        write(folder / "figures.json", json.dumps(last, indent=2))
        if (run.folder / "log.csv").is_file():
            shutil.copyfile(run.folder / "log.csv", folder / "log.csv")
        sheets = run.sheets()
        newest, drawn = run.folder / f"samples/step-{(sheets or [0])[-1]:08d}.png", run.folder / "samples/drawn.png"
        for path, name in ((drawn if drawn.is_file() else newest, "samples.webp"), (run.folder / "nearest.png", "nearest.webp")):
            if path.is_file():
                with Image.open(path) as opened:
                    opened.convert("RGB").save(folder / name, "WEBP", quality=86)
    except OSError as error:
        raise places.unwritable(folder, error) from error


def _card(about: Mapping[str, Any]) -> str:
    data = about["set"]
    people = "\nIt learnt from photographs of people who agreed to that. Compare nearest.webp before you show a face: none may be one of them.\n" \
        if data.get("kind") == "people" else ""
    return (f"# {about['title']}\n\nA {about['family']} ({about['size']}) of faces of {about['px']} px, trained in Twin's Studio: step {about['step']}, "
            f"{about['pictures']} pictures seen.\n\nLearnt from: {data.get('title')}, {data.get('count')} faces. Source: {data.get('source')}. "
            f"Licence: {data.get('licence')}.\n{people}\nWhat it paints is made by an AI, and is marked so.\n")


def bring(given: object) -> str:
    """Take a model's folder that lies on this machine: looked at, tried, copied. Its name. Raises Missing, Refused, TwinError."""
    from . import sets
    folder = sets.path_of(given)
    family = engines.family_of(folder)
    pickled = next((path.name for path in sorted(folder.iterdir()) if path.suffix in pretrained.PICKLES), "")
    if pickled and not is_model(folder):
        raise Refused(_pickle(pickled)["en"], "Ask for the same weights as model.safetensors.", code="pickle",
                      zh=(_pickle(pickled)["zh"], "请索取 safetensors 格式的权重。"))
    if is_model(folder) and family not in engines.FAMILIES:
        raise Refused(_other(folder)["en"], "Choose the folder of one of those.", code="architecture", zh=(_other(folder)["zh"], "请选择它们的文件夹。"))
    try:
        engines.load(family or "vae", folder)            # names, shapes, damage: said by whoever reads it
    except TwinError as error:
        error.zh = error.zh or ("这个文件夹不是可用的模型。", f"（{error.message} {error.hint}）")
        raise
    title = places.title_of(read_json(folder / "about.json").get("title"), folder.name)
    name = places.free("models", title, family)
    target = places.make(places.folder("models", name))
    try:
        kept = ("config.json", "README.md", "figures.json", "log.csv", "about.json", *PICTURES)
        for path in (folder / one for one in kept):
            if path.is_file():
                shutil.copyfile(path, target / path.name)
        for beside in _autoencoders(folder)[:1] if _of_latents(folder) else ():
            (target / "vae").mkdir(exist_ok=True)
            for part in (pretrained.CONFIG, pretrained.WEIGHTS):
                shutil.copyfile(beside / part, target / "vae" / part)
        if not (target / "about.json").is_file():
            write(target / "about.json", json.dumps({"title": title, "family": family, "made": time.strftime("%Y-%m-%dT%H:%M:%S")}, ensure_ascii=False))
        shutil.copyfile(folder / pretrained.WEIGHTS, target / (pretrained.WEIGHTS + ".half"))
        (target / (pretrained.WEIGHTS + ".half")).replace(target / pretrained.WEIGHTS)
    except OSError as error:
        shutil.rmtree(target, ignore_errors=True)
        raise places.unwritable(target, error) from error
    forget()
    return name


def remove(name: object) -> None:
    """Raises Missing, Refused, TwinError."""
    folder = places.there("models", name)
    if process.state(places.folder("jobs", f"use-{folder.name}")) == "running":
        raise Refused("It is being exported.", "Wait a moment.", code="going", zh=("它正在导出。", "请稍候。"))
    process.halt(judging(folder.name))
    places.remove(folder)
    forget()


def packed(name: object) -> bytes:
    """A ZIP of a model's folder. Raises Missing."""
    folder, out = places.there("models", name), io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_STORED) as file:
        for path in sorted(folder.rglob("*")):
            if path.is_file() and path.suffix in (".json", ".safetensors", ".md", ".csv", ".webp"):
                file.write(path, f"{folder.name}/{path.relative_to(folder).as_posix()}")
    return out.getvalue()


def forget() -> None:
    """A model has come, changed or gone: what was held of it in memory is read anew."""
    _checked.clear()
    engines.forget()


def painter() -> bytes:
    """A WebP of what the illustrated painter paints (`python docs/faces.py illustrated` makes it)."""
    return PAINTER.read_bytes()


def _no_picture() -> bytes:
    raise Missing("There is no such picture.", "Reload the page.", code="gone", zh=("没有这张图。", "请刷新页面。"))
