"""A draft becomes a twin: a generator of Progress. Closing it cancels, and nothing half-made is left; the draft stays until the twin is whole.

The same steps are shown on the page and in the terminal and written into the log (without a name, a face or a word of anybody).
"""
from __future__ import annotations

import json
import logging
import queue
import threading
import time
from collections.abc import Generator, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from persona.card import Persona

from ..errors import Refused, TwinError
from ..store import Shelf, Twin
from ..store.seal import checked
from . import parts
from .draft import Draft
from .measure import today

STEPS = {"check": (0.0, 0.03), "face": (0.03, 0.70), "voice": (0.70, 0.92), "character": (0.92, 0.95), "keep": (0.95, 1.0)}       # shares of the bar
NOTES = {
    "check": ("Looking at what you gave.", "正在检查素材。"), "face": ("Building the face.", "正在制作脸部。"),
    "voice": ("Learning the voice.", "正在学习声音。"), "character": ("Writing down who they are.", "正在写入性格。"),
    "keep": ("Keeping it.", "正在保存。"), "done": ("Ready to talk.", "可以开始聊天了。")}
LACKING = {"photo": ("There is no photo yet.", "还没有照片。"), "face": ("No face was chosen in the photo.", "还没有在照片里选定脸。"),
           "name": ("The twin has no name yet.", "还没有给分身起名字。"), "consent": ("Nobody has agreed yet.", "还没有人同意。")}
FINER = {"cropping": "正在裁剪", "points": "正在精确定位", "cutting out": "正在抠出人物", "background": "正在补全背景", "eyes and teeth": "正在处理眼睛和牙齿",
         "rigging": "正在绑定表情", "saving": "正在写入", "done": "完成"}
log = logging.getLogger("twin.create")


@dataclass(frozen=True)
class Progress:
    """How far it is: `done` 0..1 of the whole, a note in both languages, and the twin with the last one."""
    step: str
    done: float
    en: str
    zh: str
    twin: Twin | None = None

    def told(self) -> dict[str, Any]:
        return {"step": self.step, "done": round(self.done, 3), "note": {"en": self.en, "zh": self.zh}}


class Cancelled(Exception):
    """Raised inside the work of a step when its generator was closed."""


def build(shelf: Shelf, draft: Draft, passphrase: str = "") -> Generator[Progress, None, None]:
    """Make the twin; the draft is thrown away once it is whole. Raises Refused for what is missing, TwinError with a way out."""
    began = time.monotonic()
    shelf.admit()
    if passphrase:
        checked(passphrase)
    yield _progress("check", 0.0)
    lacking = draft.missing
    if lacking:
        en, zh = LACKING[lacking[0]]
        raise Refused(en, "Go back to that step.", zh=(zh, "请回到那一步。"), code=f"no-{lacking[0]}")
    record = draft.yes()
    files: dict[str, bytes] = {"consent.json": _json(record)}
    measured: dict[str, Any] = {"face": {"report": draft.state["photo"]["report"]}}
    if note := draft.state["invented"]:                  # from which it can be painted again
        measured["face"]["invented"] = {name: note[name] for name in ("engine", "seed", "recipe")}
    with shelf.scratch() as folder:
        made = yield from _face(draft, folder / "face")
        measured["face"] |= made
        files |= {f"face/{path.name}": path.read_bytes() for path in (folder / "face").iterdir() if path.is_file()}
    voice = yield from _voice(draft)
    files |= {f"voice/{name}": data for name, data in voice.items()}
    if "voice.json" in voice:
        measured["voice"] = json.loads(voice["voice.json"])
    yield _progress("character", 0.0)
    files |= written(draft.state["persona"], sound(draft, voice), card=draft.read("card.json") if (draft.folder / "card.json").is_file() else b"")
    if (draft.folder / "card.json").is_file():
        files["card.json"] = draft.read("card.json")
    measured["persona"] = counted(files)
    measured |= {"seconds": round(time.monotonic() - began, 2), "when": today()}
    files["measured.json"] = _json(measured)
    yield _progress("keep", 0.0)
    twin = shelf.put(draft.owner, files, passphrase=passphrase)
    draft.throw_away()
    log.info("a twin was built in %.1f s", time.monotonic() - began)
    yield Progress("done", 1.0, *NOTES["done"], twin)


def edited(shelf: Shelf, twin: Twin, fields: Any) -> Twin:
    """The twin with another form filled in: renamed, with other facts, examples or greeting. Its face, voice and consent stay. Raises CardError."""
    files = shelf.files(twin)
    for name in ("lines.en.yaml", "lines.zh.yaml"):
        files.pop(name, None)
    files |= written({**fields_of(twin), **(fields if isinstance(fields, Mapping) else {})}, dict(twin.persona.voice), twin.persona)
    measured = json.loads(files.get("measured.json", b"{}"))
    files["measured.json"] = _json(measured | {"persona": counted(files), "when": today()})
    return shelf.replace(twin.owner, twin.id, files)


def taught(shelf: Shelf, twin: Twin, asked: str, said: str) -> Twin:
    """The twin that answers `asked` with `said` from now on. Raises CardError, and Refused where it is nobody's to teach."""
    import yaml

    from persona.card import language_written
    from persona.lines import parse_lines
    from persona.teach import taught as with_it
    files, language = shelf.files(twin), language_written(said)
    name = f"lines.{language}.yaml"
    own = yaml.load(files[name].decode(), getattr(yaml, "CSafeLoader", yaml.SafeLoader)) if name in files else []       # as persona/lines.py reads it
    files[name] = parts.form().to_yaml(with_it(own or [], asked, said, language)).encode()
    parse_lines(files[name], name)
    measured = json.loads(files.get("measured.json", b"{}"))
    files["measured.json"] = _json(measured | {"persona": counted(files), "when": today()})
    return shelf.replace(twin.owner, twin.id, files)


def fields_of(twin: Twin) -> dict[str, Any]:
    """The form that shows a twin."""
    from persona.lines import parse_lines
    form = parts.form()
    language = (twin.persona.languages or ("en",))[0]
    examples = [pair for code in ("en", "zh") if twin.has(name := f"lines.{code}.yaml") for pair in form.examples(parse_lines(twin.read(name), name))]
    return form.to_fields(twin.persona, examples, language)


def card_png(shelf: Shelf, twin: Twin) -> bytes:
    """A twin as a Character Card in a PNG: its labelled portrait, what the card it may have come from held besides, and content credentials.
    What is private in it is not on the card."""
    from persona.lines import parse_lines
    from persona.private import public

    from ..trust import draw_label, marked, record_of
    form = parts.form()
    own = [name for code in ("en", "zh") if twin.has(name := f"lines.{code}.yaml")]
    examples = [pair for name in own for pair in form.examples(parse_lines(public(name, twin.read(name)), name))]
    persona = Persona.read(public("persona.yaml", twin.read("persona.yaml")), twin.id)
    portrait = parts.portrait_png(twin.read("face/background.webp") if twin.has("face/background.webp") else b"", twin.read("face/portrait.webp"), draw_label)
    raw = json.loads(twin.read("card.json")) if twin.has("card.json") else None
    card = parts.character_card().write(persona, raw, portrait, examples)
    return marked(card, ".png", title=twin.id, label=False, folder=shelf.data, consent=record_of(twin), model="portrait")[0]


def written(fields: Mapping[str, Any], voice: Mapping[str, Any] | None, before: Persona | None = None, card: bytes = b"") -> dict[str, bytes]:
    """persona.yaml and lines.*.yaml of a form; of the `card` that the form was filled from comes what no form shows. Raises CardError with the field's
    name."""
    form = parts.form()
    data = form.from_fields(fields, before) if before else form.from_fields(fields)
    if card:
        came = parts.character_card().read(card).persona
        data |= {name: came[name] for name in ("lorebook", "prompts") if name in came}
    if voice:
        data["voice"] = dict(voice)
    files = {"persona.yaml": form.to_yaml(data).encode()}
    for language in ("en", "zh"):
        if lines := form.lines(fields.get("examples", []), language):
            files[f"lines.{language}.yaml"] = form.to_yaml(lines).encode()
    return files


def counted(files: Mapping[str, bytes]) -> dict[str, int]:
    """How much of a character there is."""
    from persona.lines import parse_lines
    persona = Persona.read(files["persona.yaml"])
    lines = sum(len(parse_lines(data, name)) for name, data in files.items() if name.startswith("lines."))
    return {"facts": len(persona.facts), "examples": lines, "words": sum(len(text.split()) for text in persona.description.values())}


def _face(draft: Draft, folder: Path) -> Generator[Progress, None, dict[str, Any]]:
    """The face's folder; the work runs on a thread of its own and stops at its next report once this is closed."""
    yield _progress("face", 0.0)
    picture, found = draft.found()
    told: queue.SimpleQueue[Any] = queue.SimpleQueue()
    stopped = threading.Event()

    def report(done: float, note: str = "") -> None:
        if stopped.is_set():
            raise Cancelled
        told.put((done, note))

    def work() -> None:
        try:
            note = draft.state["invented"]
            whole = draft.drafts.inventor.layered(picture, note) if note else picture
            told.put(parts.photo().build(whole, found, folder, report))
        except Cancelled:
            told.put(None)
        except Exception as error:                       # handed over to the generator, which raises it
            told.put(error)

    thread = threading.Thread(target=work, name="face", daemon=True)
    thread.start()
    try:
        while True:
            item = told.get()
            if isinstance(item, tuple):
                note = f"{NOTES['face'][0][:-1]}: {item[1]}.", f"{NOTES['face'][1][:-1]}：{FINER.get(item[1], item[1])}。"
                yield _progress("face", item[0], note if item[1] else None)
            elif isinstance(item, TwinError):
                raise item
            elif isinstance(item, Exception):
                log.error("the face could not be built", exc_info=item)
                raise TwinError("The face could not be built from this picture.", "Try another photo, or place the points by hand.",
                                zh=("没能用这张照片做出脸。", "请换一张照片，或手动放置标记。")) from item
            else:
                return item
    finally:
        stopped.set()
        thread.join(20.0)


def _voice(draft: Draft) -> Generator[Progress, None, dict[str, bytes]]:
    """The files of their own voice, {} for a ready one; waits for what is being learned."""
    if not draft.state["clips"] or (draft.state["ready"] or {}).get("voice"):
        return {}
    yield _progress("voice", 0.0)
    training = draft.drafts.training
    if not training.result(draft.owner, draft):
        training.later(draft.owner, draft, 0.0)
        run = training.run(draft.owner, draft)
        while run is not None and not run.over.wait(0.25):
            yield _progress("voice", run.done, _noted(run.note))
        if run is not None and run.failed:
            raise Refused(run.failed["en"], "Record it again, or choose a ready voice.", code="voice",
                          zh=(run.failed["zh"], "请重新录音，或选择一个现成的声音。"))
    files = training.result(draft.owner, draft)
    if not files:
        raise Refused("There is too little speech to learn a voice from.", "Read a few more sentences, or choose a ready voice.", code="voice",
                      zh=("录音太少，学不会声音。", "请再多读几句，或选择一个现成的声音。"))
    return files


def _noted(note: Mapping[str, str]) -> tuple[str, str] | None:
    """What the trainer is doing, behind the step's own words."""
    return (f"{NOTES['voice'][0][:-1]}: {note['en']}.", f"{NOTES['voice'][1][:-1]}：{note['zh']}。") if note else None


def sound(draft: Draft, voice: Mapping[str, bytes]) -> dict[str, Any]:
    """`voice` of the persona: their own, a ready one with its sliders, or one that fits."""
    ready = draft.state["ready"] or {}
    sliders = {{"pace": "rate"}.get(name, name): value for name, value in ready.items() if name != "voice"}
    if voice:
        return {"backend": "timbre", **sliders}
    if ready.get("voice"):
        return {"backend": "timbre", "name": ready["voice"], **sliders}
    fields = draft.state["persona"]
    return {**parts.fitting_voice(fields.get("age"), str(fields.get("gender") or "")), **sliders}


def _progress(step: str, done: float, note: tuple[str, str] | None = None) -> Progress:
    low, high = STEPS[step]
    en, zh = note or NOTES[step]
    if not done:
        log.info("building a twin: %s", step)
    return Progress(step, low + (high - low) * done, en, zh)


def _json(value: Any) -> bytes:
    return json.dumps(value, ensure_ascii=False, indent=1, default=lambda item: asdict(item)).encode()
