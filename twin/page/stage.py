"""The stage: one custom HTML component that fills the window and hands itself to assets/web/page.js.

A function and not a subclass of gr.HTML: Gradio writes a .pyi file beside the source of every subclass when it is imported.
"""
from __future__ import annotations

import gradio as gr

# Shown until the modules have run; page.js then fills the element.
SKELETON = """<div class="twin" data-state="waking" lang="en">
<noscript>This page needs JavaScript to talk with a twin.</noscript>
<div class="twin-waiting" role="status" aria-label="Loading"><i></i><i></i><i></i></div>
</div>"""

OPEN = """
const root = element.querySelector('.twin');
import(new URL('web/page.js', document.baseURI)).then((page) => page.open(root), (error) => {
  root.textContent = 'The page could not load its modules. Reload it, or start the server again. (' + error.message + ')';
});
"""


def stage() -> gr.HTML:
    """The whole talk page as one element in the light DOM; Gradio draws nothing around or inside it. Call it inside a Blocks context."""
    return gr.HTML(html_template=SKELETON, js_on_load=OPEN, apply_default_css=False, container=False, padding=False, buttons=[], elem_id="twin-stage")
