"""Where the Studio keeps what, below TWIN_STUDIO or the cache folder: sets/NAME, runs/NAME, models/NAME, and jobs/NAME for processes that end by themselves.

A name is a slug that this file made or checked, so that no path leads elsewhere; what a person called it is kept beside it as its title.
"""
from __future__ import annotations

import re
import shutil
import unicodedata
from pathlib import Path

from twin.errors import Missing, Refused, TwinError
from twin.paint import engines

KINDS = ("sets", "runs", "models", "jobs")
NAME = re.compile(r"[a-z0-9][a-z0-9_-]{0,55}")
MOST_TITLE = 60                                          # characters


def root() -> Path:
    return engines.made_here().parent


def folder(kind: str, name: object) -> Path:
    """The folder of that name, there or not. Raises Refused for what is no name."""
    assert kind in KINDS
    if not isinstance(name, str) or not NAME.fullmatch(name):
        raise Refused("That is no name in the Studio.", "Choose one of those that are shown.", code="name",
                      zh=("工作室里没有这样的名称。", "请选择页面上列出的。"))
    return root() / kind / name


def there(kind: str, name: object) -> Path:
    """The same, for one that is there. Raises Missing, Refused."""
    found = folder(kind, name)
    if not found.is_dir():
        raise Missing("It is not there any more.", "Reload the page.", code="gone", zh=("它已经不在了。", "请刷新页面。"))
    return found


def names(kind: str) -> list[str]:
    """What is there of a kind, in order."""
    try:
        return sorted(path.name for path in (root() / kind).iterdir() if path.is_dir() and NAME.fullmatch(path.name))
    except OSError:
        return []


def title_of(given: object, otherwise: str) -> str:
    """What a person called it, in one line."""
    text = " ".join(given.split()) if isinstance(given, str) else ""
    return "".join(c for c in text if c.isprintable())[:MOST_TITLE] or otherwise


def free(kind: str, title: str, otherwise: str) -> str:
    """A name that nobody has yet, from a title."""
    plain = unicodedata.normalize("NFKD", title).encode("ascii", "ignore").decode().lower()
    slug = re.sub(r"[^a-z0-9]+", "-", plain).strip("-")[:32].strip("-") or otherwise
    taken = set(names(kind))
    return next(name for name in (slug, *(f"{slug}-{n}" for n in range(2, 10_000))) if name not in taken)


def make(path: Path) -> Path:
    """The folder, made. Raises TwinError where nothing can be written."""
    try:
        path.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise unwritable(path, error) from error
    return path


def unwritable(path: Path, error: OSError) -> TwinError:
    why = error.strerror or type(error).__name__
    return TwinError(f"{path} can't be written ({why}).", "Make room, or let the one who runs this write there; TWIN_STUDIO names another folder.",
                     code="unwritable", zh=(f"无法写入 {path}（{why}）。", "请腾出空间或开放写权限；也可以用 TWIN_STUDIO 指定别的文件夹。"))


def remove(path: Path) -> None:
    """A folder of ours and all in it. Raises TwinError where it can't be."""
    assert root() in path.parents
    try:
        shutil.rmtree(path)
    except FileNotFoundError:
        pass
    except OSError as error:
        raise unwritable(path, error) from error
