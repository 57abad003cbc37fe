"""The stage: one custom HTML component that fills the window and hands itself to assets/web/page.js."""
from __future__ import annotations

from typing import Any

import gradio as gr

# Shown until the modules have run; the same elements are then filled by page.js.
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


class Stage(gr.HTML):
    """The whole talk page as one element in the light DOM; Gradio draws nothing around or inside it."""

    def __init__(self, **props: Any):
        super().__init__(
            html_template=SKELETON, js_on_load=OPEN, apply_default_css=False, container=False, padding=False, buttons=[], **props
        )

    def api_info(self) -> dict[str, Any]:
        """What Gradio's API description says of the value: nothing is passed."""
        return {"type": "string", "description": "not used"}

    def get_block_name(self) -> str:
        """The browser draws it with Gradio's own HTML component."""
        return "html"
