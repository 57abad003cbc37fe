"""The wizard in which somebody makes a twin: Gradio's Walkthrough as the frame, each step an empty place that assets/web/create.js fills.

It is part of the one page and hidden until it is asked for, so that the talk goes on where it was. Nothing of a person passes through
Gradio: its events here carry the number of a step, inside the browser.
"""
from __future__ import annotations

import gradio as gr

STEPS = ("face", "voice", "character", "consent", "build", "talk")

FRAME = '<div class="create-frame"></div>'
# `twinCreate` is where the places of the frame and of each step are found, as they come; `go` turns Gradio's frame to a step.
_PLACE = "const place = window.twinCreate ??= Object.assign(new EventTarget(), { places: {} });"
OPEN_FRAME = _PLACE + """
place.go = (step) => { place.step = step; trigger('submit'); };
place.places.frame = element.querySelector('.create-frame');
place.dispatchEvent(new Event('place'));
"""
OPEN_STEP = _PLACE + """
const host = element.querySelector('.create-step');
place.places[host.dataset.step] = host;
place.dispatchEvent(new Event('place'));
"""
GO = "() => ({ selected: window.twinCreate.step, __type__: 'update' })"


def create() -> None:
    """The hidden wizard. Call it inside a Blocks context."""
    with gr.Column(elem_id="twin-create", elem_classes=["twin", "create"]):
        frame = _host(FRAME, OPEN_FRAME)
        with gr.Walkthrough(selected=0, elem_id="twin-walk") as walk:
            for number, name in enumerate(STEPS):
                with gr.Step(name, id=number, elem_id=f"twin-step-{name}"):
                    _host(f'<div class="create-step" data-step="{name}"></div>', OPEN_STEP)
        frame.submit(fn=None, js=GO, outputs=[walk], api_visibility="private")


def _host(template: str, script: str) -> gr.HTML:
    return gr.HTML(html_template=template, js_on_load=script, apply_default_css=False, container=False, padding=False, buttons=[])
