"""The small talker, a Transformer that twin/train/talker.py trains: who it is, the facts at hand, the talk and a question -> one sentence that says
what the facts say, or that it doesn't know. It runs on the engine of onnx.py.

It reads fields, not instructions: messages of the roles "name", "fact", "user" and "assistant". What persona/prompt.py writes for a chat model is taken
apart into the same. Facts that nobody handed over it can't know: whoever asks puts the nearest ones first, MOST at most.
"""
from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from twin.think.adapter import Adapter
from twin.think.onnx import OnnxThinker
from twin.types import Message

NAME, FACT, USER, TWIN, END, PAD = MARKS = ("<|name|>", "<|fact|>", "<|user|>", "<|twin|>", "<|end|>", "<|pad|>")
MOST = 1                                                 # facts: the one that was read to answer (cross.py), or none; more were never seen in training
TURNS = 4                                                # of the history: two questions and their answers

# A word begins with a space wherever it stands, so that one to be copied is the same tokens at a fact's beginning and inside an answer; Chinese has none.
_SPACED = "{% if %s and %s[0] < '\\u2e80' %} {% endif %}{{ %s }}".replace("%s", "message.content")
TEMPLATE = ("{% for message in messages %}{% if message.role == 'name' %}" + NAME + _SPACED
            + "{% elif message.role == 'fact' %}" + FACT + _SPACED + "{% elif message.role == 'user' %}" + USER + _SPACED
            + "{% elif message.role == 'assistant' %}" + TWIN + _SPACED + END + "{% endif %}{% endfor %}"
            + "{% if add_generation_prompt %}" + TWIN + "{% endif %}")

_NAMED = re.compile(r"\AYou are (?P<en>(?:(?:Dr|Mrs?|Ms|St|Prof)\. )?[^,.:\n]+)|\A你是(?P<zh>[^，。：\n]+)")
_KNOWN = re.compile(r"^(?:\(You know: (?P<en>.*)\)|（你知道：(?P<zh>.*)）)$", re.MULTILINE)
_REMINDER = re.compile(r"\n(?:\([^\n]*\)|（[^\n]*）)$")


@dataclass(frozen=True)
class Asked:
    """What a reply is made from."""
    name: str
    facts: tuple[str, ...]
    history: tuple[Message, ...]                         # user and assistant in turn, the latest last
    question: str

    def messages(self) -> list[Message]:
        """As TEMPLATE reads them: name, facts, history, question."""
        found: list[Message] = [{"role": "name", "content": self.name}] if self.name else []
        found += [{"role": "fact", "content": fact} for fact in self.facts[:MOST]]
        return [*found, *self.history[-TURNS:], {"role": "user", "content": self.question}]


def asked(messages: Sequence[Message]) -> Asked:
    """Messages of either kind -> what was asked, of whom, and what is known."""
    name, facts, talk = "", [], []
    for message in messages:
        role, content = message["role"], message["content"].strip()
        if role == "name":
            name = content
        elif role == "fact":
            facts.append(content)
        elif role == "system":
            if found := _NAMED.match(content):
                name = (found["en"] or found["zh"]).strip()
        elif content:
            talk.append({"role": role, "content": content})
    question = ""
    if talk and talk[-1]["role"] == "user":
        question = talk.pop()["content"]
        if any(message["role"] == "system" for message in messages):
            for found in _KNOWN.finditer(question):
                facts += _sentences(found["en"] or found["zh"] or "")
            while (shorter := _REMINDER.sub("", question)) != question:
                question = shorter
    return Asked(name, tuple(facts), tuple(talk), question.strip())


def _sentences(text: str) -> list[str]:
    return [piece.strip() for piece in re.split(r"(?<=[.!?])\s+(?=[A-Z\d\"“])|(?<=[。！？])", text) if piece.strip()]


class TalkerThinker(OnnxThinker):
    """`folder`: what `python -m twin.train.talker --export` wrote. Errors: Missing as OnnxThinker's.

    Always takes the likeliest token and never pushes down one that was said: a year has its 9 twice."""

    def __init__(self, folder: str | Path, **settings):
        super().__init__(folder, **{"repetition": 1.0, **settings})

    def think(self, messages: list[Message], *, max_tokens: int = 80, temperature: float = 0.0, seed: int | None = None,
              adapter: Adapter | None = None) -> Iterator[str]:
        """The reply, bit by bit, as OnnxThinker.think; `temperature` and `adapter` are not used."""
        yield from super().think(asked(messages).messages(), max_tokens=max_tokens, temperature=0.0, seed=seed)
