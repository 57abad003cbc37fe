"""The page: one Gradio app around one stage. What is seen and heard lives in assets/web; this room only hosts it.

It owns the Blocks and what `launch()` has to be told. It serves nothing (app.py and wire.py do) and chains no verbs.
"""
from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from twin.page import quick  # noqa: F401  (before anything that imports gradio)

import gradio as gr  # isort: skip

from twin.page.create import create
from twin.page.stage import stage

WEB = Path(__file__).resolve().parents[2] / "assets" / "web"
SHEETS = ("page.css", "stage.css", "talk.css", "panels.css", "create.css", "share.css", "knowledge.css", "models.css", "memory.css", "studio.css")
FONT = ("system-ui", "sans-serif")
GRADIO_LINE = '<meta name="twin-transport" content="gradio">'           # on ZeroGPU only Gradio's own requests say whose GPU time it is

# Gradio's own frame taken away: no padding, no footer, no background of its own.
CSS = """
footer, .built-with, .api-docs { display: none !important }
gradio-app, .gradio-container, .gradio-container > .main, .gradio-container .wrap, .gradio-container .contain {
  background: none !important; padding: 0 !important; margin: 0 !important; max-width: none !important; border: 0 !important; gap: 0 !important }
#twin-create { display: none }
#twin-create.open { display: flex }
#twin-stage { padding: 0 !important; margin: 0 !important; border: 0 !important; overflow: visible !important; background: none !important }
"""


def head() -> str:
    """What goes into the document's <head>: our sheets and modules early, the phone's viewport, no index."""
    links = "".join(f'<link rel="stylesheet" href="web/{name}">' for name in SHEETS)
    return (
        '<meta name="viewport" content="width=device-width, initial-scale=1, viewport-fit=cover, interactive-widget=resizes-content">'
        '<meta name="robots" content="noindex"><meta name="referrer" content="no-referrer">'
        f'{GRADIO_LINE if os.environ.get("SPACES_ZERO_GPU") else ""}'
        f'{links}<link rel="modulepreload" href="web/page.js">'
    )


def launch_options() -> dict[str, Any]:
    """Keyword arguments of `Blocks.launch` that belong to how the page looks."""
    return {
        "theme": gr.themes.Base(font=list(FONT), font_mono=["ui-monospace", "monospace"]),
        "css": CSS,
        "head": head(),
        "favicon_path": WEB / "icon.svg",
        "footer_links": [],
        "pwa": False,
    }


def build(settings: Any = None) -> gr.Blocks:
    """The page. `settings` may have `title`; everything else reaches the browser over the live channel."""
    title = getattr(settings, "title", "") or "Twin"
    with gr.Blocks(title=title, analytics_enabled=False, delete_cache=(600, 1800), fill_width=True, fill_height=True) as page:
        stage()
        create()
    return page
