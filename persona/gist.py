"""The gist of a fact in the language it isn't written in, by a small glossary and a few shapes of sentences. What cannot be put is left
out; where nothing certain remains there is no gist."""
from __future__ import annotations

from persona.into_chinese import to_chinese
from persona.into_english import to_english
from persona.words import simplify


def gist(text: str, language: str) -> str:
    """`text`, written in the other language, in `language`; "" where it cannot be put."""
    return to_english(simplify(text)) if language == "en" else to_chinese(text)
