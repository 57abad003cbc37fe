"""The README.md of a Space: front matter that Hugging Face reads, and a card for people. Whatever somebody wrote about a twin is plain text in it."""
from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

import yaml

from ..mask import keys
from ..store import Twin

EMOJI, FROM, TO = "💬", "indigo", "purple"
TAGS = ["digital-human", "talking-head", "avatar", "ai-generated", "twin"]
SHORT = 60                                               # characters of short_description
SCOPES = {"private": "its owner alone", "link": "people who were given a link", "public": "everybody"}
PURPOSES = {"speech": "talking", "talk": "talking", "film": "films"}
NOTICE = """> **This is an AI, not a person.** It says so at the start of every talk, and what it makes is marked as made by an AI.
> **这是 AI，不是真人。** 每次对话开始时它都会说明，它生成的内容都标明由 AI 生成。"""
_MARKDOWN = re.compile(r"([\\`*_{}\[\]<>()#+\-.!|~:@&$])")


def gradio(twin: Twin, consent: Mapping[str, Any] | None, *, hardware: str, mind: str, sdk: str, account: str = "") -> str:
    """The README of a Space that runs the app."""
    front = front_matter(twin) | {"sdk": "gradio", "sdk_version": sdk, "python_version": "3.12", "app_file": "app.py", "suggested_hardware": hardware,
                                  "hf_oauth": True, "hf_oauth_expiration_minutes": 480}
    if mind:
        front |= {"models": [mind], "preload_from_hub": [mind]}
    thinks = f"`{mind}`" if mind else "SmolLM2-135M-Instruct (Apache-2.0), carried along, on the processor"
    voice = "a voice learned from recordings of a person" if twin.has("voice/voice.safetensors") else \
        "a ready voice, blended from many readers so that it is nobody's" if twin.voice.backend == "timbre" else "espeak-ng"
    credit = " Voices were trained on LibriSpeech (CC BY 4.0)." if twin.voice.backend == "timbre" else ""
    body = f"""## What it runs

| | |
|---|---|
| Mind | its own lines and facts first; then {thinks} |
| Voice | {voice}. The sound is made by espeak-ng (GPL-3.0).{credit} |
| Face | drawn in the visitor's browser |
| Hardware | `{hardware}` |

What visitors say is not kept, and nothing of it is sent elsewhere.

## Run it yourself

```
pip install -r requirements.txt
python app.py
```
"""
    return _readme(front, twin, consent, body, account)


def front_matter(twin: Twin) -> dict[str, Any]:
    """What every kind of Space has."""
    name = _line(twin.persona.text("name", "en")) or "Twin"
    about = _line(twin.persona.text("tagline", "en")) or "A digital human: an AI, not a person"
    return {"title": name[:80], "emoji": EMOJI, "colorFrom": FROM, "colorTo": TO, "short_description": about[:SHORT].rstrip(), "tags": TAGS,
            "license": "apache-2.0", "pinned": False}


def whose(consent: Mapping[str, Any] | None) -> str:
    """Whose face and voice it is, how far that goes, and what of it was checked."""
    if consent is None:
        return "The face is drawn and nobody's; so is the voice."
    invented = "The face was invented by a program and is nobody's. " if consent.get("invented") else ""
    if consent.get("nobody"):
        return invented + "So is the voice: no person is in this twin."
    purposes = ", ".join(dict.fromkeys(PURPOSES.get(name, name) for name in consent["for"]))
    checked = "; ".join(f"{part}: {state}" for part, state in consent.get("verified", {}).items()) or "nothing was checked"
    reach = SCOPES.get(consent["scope"], consent["scope"])
    return (f"{invented}The person in this twin agreed to it on {consent['when'][:10]}, for {purposes}, to be met by {reach}. "
            f"Checks of that agreement: {checked}. It is known by `{consent['record'][:16]}` and can be taken back; then this Space is removed.")


def plain(text: str) -> str:
    """Somebody's words as Markdown that shows them and does nothing else."""
    return _MARKDOWN.sub(r"\\\1", _line(text).replace("<", "‹").replace(">", "›"))


def _readme(front: Mapping[str, Any], twin: Twin, consent: Mapping[str, Any] | None, body: str, account: str) -> str:
    name, about = plain(twin.persona.text("name", "en")), plain(twin.persona.text("tagline", "en"))
    made = f"Published by `{re.sub(r'[^A-Za-z0-9_.-]', '', account)}`. " if account else ""
    languages = ", ".join({"en": "English", "zh": "中文"}.get(code, code) for code in twin.persona.languages)
    return f"""---
{yaml.safe_dump(dict(front), allow_unicode=True, sort_keys=False, width=1000)}---

# {name}

{about}

{NOTICE}

{made}{name} speaks {languages}. Made with Twin.

## Whose face and voice

{whose(consent)}

{body}
## Licence

The code is Apache-2.0. A person's face and voice are not licensed to anyone by it: they may be met here, and not be taken from here.
"""


def _line(text: str) -> str:
    return " ".join(keys("".join(c if c.isprintable() else " " for c in text).encode("utf-8", "replace")).decode().split())
