"""What the pages of the documentation point to is there: files, folders, headings, commands."""
from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PAGES = [*sorted(ROOT.glob("*.md")), *sorted(ROOT.glob("docs/*.md"))]
LINK = re.compile(r"\]\((?!https?:|mailto:)([^)#\s]*)(?:#([^)\s]+))?\)")
NAMED = re.compile(r"`((?:app\.py|(?:twin|persona|assets|bench|tests|docs|examples)/[\w./-]+))`")
COMMAND = re.compile(r"`?python -m (twin\.[\w.]+|bench \w+)|pytest ((?:tests/\w+\.py ?)+)")


def anchors(page: Path) -> set[str]:
    """The names of a page's headings, as GitHub makes them."""
    heads = re.findall(r"^#+ (.+)$", page.read_text("utf-8"), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", re.sub(r"\[([^]]*)\]\([^)]*\)", r"\1", head).lower()).replace(" ", "-") for head in heads}


@pytest.mark.parametrize("page", PAGES, ids=[str(page.relative_to(ROOT)) for page in PAGES])
def test_links_lead_somewhere(page):
    for place, heading in LINK.findall(page.read_text("utf-8")):
        target = (page.parent / place).resolve() if place else page
        assert target.exists() and ROOT in (target, *target.parents), place
        assert not heading or heading in anchors(target), f"{place}#{heading}"


@pytest.mark.parametrize("page", PAGES, ids=[str(page.relative_to(ROOT)) for page in PAGES])
def test_named_files_and_commands_are_there(page):
    text = page.read_text("utf-8")
    for place in NAMED.findall(text):
        assert "NAME" in place or (ROOT / place).exists(), place
    for module, tests in COMMAND.findall(text):
        path = module.replace("bench ", "bench/").replace(".", "/")
        assert "NAME" in module or not module or (ROOT / f"{path}.py").exists() or (ROOT / path).is_dir(), module
        assert all((ROOT / name).exists() for name in tests.split()), tests


def test_seeds_answers_with_code_and_figures():
    """Every answer of the part on this project's own doings names code, and says plainly where there is none."""
    text = (ROOT / "docs" / "seeds.md").read_text("utf-8")
    answers = [block for block in text.split("\n\n") if block.startswith("**")]
    assert len(answers) >= 35 and text.count("ot built yet") >= 5 and text.count("bench.md#") >= 10
    assert sum("](../" in block or ".md" in block or "ot built yet" in block or "not measured" in block for block in answers) >= 0.85 * len(answers)
