"""Fetching voices: exactly the files that the catalogue names, in folders too, and a codec that a model needs beside."""
from __future__ import annotations

import threading

import pytest

from twin.catalogue import model
from twin.errors import Missing
from twin.fetch import State, at_hand, begun, fetch


def test_a_voice_comes_with_its_folders_and_nothing_else(hub):
    row = model("myshell-ai/OpenVoiceV2")
    hub.models[row.repo] = {"converter/config.json": b"{}", "converter/checkpoint.pth": b"x" * 300_000, "base_speakers/ses/en.pth": b"no", "README.md": b"hi"}
    hub.broken["checkpoint.pth"] = 1
    fetch(row, State(row.id), threading.Event())
    here = at_hand(row)
    assert sorted(path.relative_to(here).as_posix() for path in here.rglob("*") if path.is_file()) == ["converter/checkpoint.pth", "converter/config.json"]
    assert (here / "converter" / "checkpoint.pth").read_bytes() == b"x" * 300_000 and begun(row) == 0


def test_a_voice_that_lacks_a_file_on_the_hub_is_not_fetched(hub):
    row = model("tts-hub/XTTS-v2")
    hub.models[row.repo] = {"config.json": b"{}", "model.pth": b"x"}
    with pytest.raises(Missing):
        fetch(row, State(row.id), threading.Event())


def test_a_codec_comes_first(hub):
    row = model("eustlb/pocket-tts")
    hub.models[row.repo] = {"config.json": b"{}", "model.safetensors": b"w" * 900, "chat_template.jinja": b"t", "voices/alba.safetensors": b"v"}
    hub.models[row.codec] = {"config.json": b"{}", "model.safetensors": b"c" * 500}
    fetch(row, State(row.id), threading.Event())
    here = at_hand(row)
    assert {path.name for path in here.iterdir()} == {"config.json", "model.safetensors", "chat_template.jinja"}
    assert (here.with_name("eustlb--pocket-tts-audio-tokenizer") / "model.safetensors").read_bytes() == b"c" * 500
