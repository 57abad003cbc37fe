"""Settings: argv > TWIN_* environment > twin.toml > defaults. One object, made once; `doctor` prints it, docs are written from it."""
from __future__ import annotations

import argparse
import json
import os
import tomllib
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any

from .errors import Refused

CHOICE = "models.json"   # in the data folder: what was chosen on the page, and how quick it was
OFF = ("", "0", "false", "no", "off")
BEGIN, END = "<!-- settings: python -m twin.settings docs/serve.md -->", "<!-- end of settings -->"


def _setting(default, about: str):
    return field(default=default, metadata={"about": about})


@dataclass(frozen=True)
class Settings:
    """Every setting, its default, and what it is for."""
    host: str = _setting("127.0.0.1", "Address to listen on; 0.0.0.0 lets other machines in. Also HOST.")
    port: int = _setting(7860, "Port of the page. Also PORT.")
    https: bool = _setting(False, "Serve with a certificate of its own, so that a phone on the same network gets its microphone. Also HTTPS.")
    origins: str = _setting("", "Other sites whose pages may use this server (live socket and API), by commas; null: files opened from disk; *: any.")
    frames: str = _setting("", "Sites that may show the page in a frame (the widget), by commas: https://example.org; *: any.")
    users: str = _setting("", "Who may come in. Empty: each browser is a user of its own. A file of names and passwords (python -m twin user FILE NAME). "
                          "huggingface: sign-in by OAuth, in a Space.")
    visitors: bool = _setting(False, "With users: let people talk without signing in. They make and keep nothing.")
    owners: str = _setting("", "With users=huggingface: who may make twins, names or organisations by commas; empty: everyone who signs in.")
    proxies: int = _setting(0, "How many proxies of yours stand before the server; addresses are then taken from X-Forwarded-For.")
    limits: float = _setting(1.0, "How many times the usual number of questions, requests and uploads a user and an address may have; 0: any number.")
    speaking: int = _setting(0, "Conversations that may speak at once; others wait and are told their place. 0: by the processor cores.")
    conversations: int = _setting(512, "Pages that may be open at once.")
    grace: float = _setting(15.0, "Seconds that a sentence may take to its end when the server is stopped.")
    metrics: str = _setting("local", "Who may read /metrics: local (this machine and private networks), all or none.")
    data: str = _setting("", "Folder for conversations and made twins; empty: the user's data folder.")
    cache: str = _setting("", "Folder for converted models; empty: the user's cache folder.")
    shared: bool = _setting(False, "Strangers share this server: faces and voices are kept under the key in TWIN_KEY, and refused without one.")
    twins: str = _setting("", "Folder with the twins to show; empty: the default twins.")
    twin: str = _setting("maya", "The twin that is there when the page opens.")
    listen: str = _setting("auto", "Backend that listens: a name from `python -m twin doctor`, or auto.")
    think: str = _setting("auto", "Backend that thinks: smollm2, a model of the hub (Qwen/Qwen3-1.7B), a folder, a GGUF file (with llama-cpp-python), "
                          "a server of OpenAI's protocol (http://localhost:8000/v1#model; its key in TWIN_THINK_KEY), or auto.")
    speak: str = _setting("auto", "Backend that speaks, or a voice model: a folder, or a name of the catalogue.")
    animate: str = _setting("auto", "Backend that animates.")
    temperature: float = _setting(0.6, "How freely the model words its reply, 0 to 1.5.")
    max_tokens: int = _setting(120, "Longest reply of the model, in tokens.")
    kv_budget_mb: int = _setting(512, "Memory for what models have read already (KV caches), in MB.")
    producer: str = _setting("", "Who is named as the maker in the marks on what leaves; in China the provider's registered code. Empty: Twin.")
    certificate: str = _setting("", "A PEM file: certificate chain and ES256 key for content credentials; empty: one made here, which nobody vouches for.")
    rhythm: bool = _setting(False, "Put China's audible mark (short long, short short) before every sound file and film.")
    say_notice: bool = _setting(False, "Say at the start of a conversation that this is an AI, besides showing it.")
    log: str = _setting("info", "debug, info, warning or error. What people say is never logged.")
    log_format: str = _setting("text", "text, or json: one object a line.")
    ordered: frozenset[str] | None = field(default=None, compare=False)          # what argv and the environment set; None: not made by load()

    def folder(self, kind: str) -> Path:
        """The data or cache folder. It is made when something is first put there."""
        import platformdirs
        named = getattr(self, kind)
        return Path(named).expanduser() if named else Path(getattr(platformdirs, f"user_{kind}_path")("twin", appauthor=False))

    def picked(self, task: str) -> str:
        """What was chosen for that task on the page (see registry.py); "" for nothing, and where argv or the environment say it."""
        if self.ordered is None or task in self.ordered:
            return ""
        try:
            name = json.loads((self.folder("data") / CHOICE).read_text("utf-8"))["choice"][task]
        except (OSError, ValueError, KeyError, TypeError):
            return ""
        return name if isinstance(name, str) else ""


def _named() -> list[Any]:
    """The fields that are settings."""
    return [setting for setting in fields(Settings) if "about" in setting.metadata]


def load(argv: list[str] | None = None, file: str | Path = "twin.toml") -> Settings:
    """The settings in force. Raises Refused, naming the setting and where it was set, when a value does not fit."""
    values: dict[str, Any] = {}
    path = Path(file)
    if path.is_file():
        try:
            table = tomllib.loads(path.read_text(encoding="utf-8"))
        except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
            raise Refused(f"{path} cannot be read: {error}.", "Mend the line it names, or remove the file.") from None
        for name, value in table.items():
            values[name] = _fit(name, value, str(path))
    ordered = set()
    for setting in _named():
        for key in (setting.name.upper(), f"TWIN_{setting.name.upper()}") if setting.name in ("host", "port", "https") else (f"TWIN_{setting.name.upper()}",):
            if key in os.environ:
                values[setting.name] = _fit(setting.name, os.environ[key], key)
                ordered.add(setting.name)
    parser = argparse.ArgumentParser(prog="app.py", description="Twin: talk with a digital human in the browser.")
    for setting in _named():
        alone: dict[str, Any] = {"nargs": "?", "const": "1"} if setting.type == "bool" else {}
        parser.add_argument(f"--{setting.name.replace('_', '-')}", dest=setting.name, help=f"{setting.metadata['about']} Default: {setting.default!r}.",
                            **alone)
    for name, value in vars(parser.parse_args(argv if argv is not None else [])).items():
        if value is not None:
            values[name] = _fit(name, value, f"--{name.replace('_', '-')}")
            ordered.add(name)
    return Settings(**values, ordered=frozenset(ordered))


def _fit(name: str, value: object, where: str) -> object:
    kinds = {f.name: str(f.type) for f in _named()}
    if name not in kinds:
        raise Refused(f"{where} names a setting that does not exist: {name}.", f"There are: {', '.join(kinds)}.")
    try:
        if kinds[name] == "bool":
            return value if isinstance(value, bool) else str(value).strip().lower() not in OFF
        return {"int": int, "float": float, "str": str}[kinds[name]](value)
    except (TypeError, ValueError):
        raise Refused(f"{where} should be a number for {name}, not {value!r}.", f"For example {name} = {getattr(Settings, name)}.") from None


def table() -> str:
    """Every setting as a row of Markdown, from its own definition."""
    rows = []
    for setting in _named():
        default = "" if setting.default == "" else f"`{str(setting.default).lower() if setting.type == 'bool' else setting.default}`"
        rows.append(f"| `{setting.name}` | {default} | {setting.metadata['about'].replace('|', chr(92) + '|')} |")
    return "\n".join(["| setting | default | what it is |", "|---|---|---|", *rows])


def main(path: Path) -> None:
    """Write the table anew into a Markdown file, between its two marks."""
    text = path.read_text(encoding="utf-8")
    head, _, rest = text.partition(BEGIN)
    path.write_text(f"{head}{BEGIN}\n{table()}\n{END}{rest.partition(END)[2]}", encoding="utf-8")


if __name__ == "__main__":
    import sys
    main(Path(sys.argv[1]))
