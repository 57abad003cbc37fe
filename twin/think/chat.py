"""Messages -> the token ids a chat model was trained to continue, with nothing heavier than `tokenizers` and `jinja2`."""
from __future__ import annotations

import json
from datetime import datetime
from pathlib import Path
from typing import Any

from twin.errors import Missing, Refused
from twin.types import Message


class Chat:
    """Tokeniser and chat template of a model folder (tokenizer.json, tokenizer_config.json or chat_template.jinja).

    Errors: Missing when the folder lacks one of them.
    """

    def __init__(self, folder: Path):
        from tokenizers import Tokenizer

        if not (folder / "tokenizer.json").is_file():
            raise Missing(f"There is no tokenizer.json in {folder}.", "Name the folder of a chat model in the settings (think_model).")
        settings = json.loads((folder / "tokenizer_config.json").read_text("utf-8"))
        apart = folder / "chat_template.jinja"
        template = apart.read_text("utf-8") if apart.is_file() else settings.get("chat_template")
        if not isinstance(template, str):
            raise Missing(f"The model in {folder} has no chat template.", "Choose an instruction-tuned (chat) model.")
        self.template = compiled(template)
        self.tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
        self.marks = [token.content for token in self.tokenizer.get_added_tokens_decoder().values() if token.special]
        self.special = {key: text(settings.get(key)) for key in ("bos_token", "eos_token", "pad_token", "unk_token")}

    def ids(self, messages: list[Message]) -> list[int]:
        """Token ids of the conversation, up to where the reply begins. Special tokens in what people wrote are plain text."""
        prompt = self.template.render(messages=disarm(messages, self.marks), add_generation_prompt=True, enable_thinking=False, **self.special)
        return self.tokenizer.encode(prompt, add_special_tokens=False).ids

    def decode(self, ids: list[int]) -> str:
        return self.tokenizer.decode(ids, skip_special_tokens=True)

    def id(self, token: str) -> int | None:
        return self.tokenizer.token_to_id(token)


def compiled(template: str) -> Any:
    """A chat template as transformers understands it, in a sandbox."""
    from jinja2.sandbox import ImmutableSandboxedEnvironment

    environment = ImmutableSandboxedEnvironment(trim_blocks=True, lstrip_blocks=True, extensions=["jinja2.ext.loopcontrols"])
    environment.globals.update(raise_exception=refuse, strftime_now=lambda form: datetime.now().strftime(form))
    return environment.from_string(template)


def text(token: str | dict | None) -> str:
    return token.get("content", "") if isinstance(token, dict) else token or ""


def refuse(message: str) -> None:
    raise Refused(f"The model's chat template refuses this conversation: {message}", "Begin a new conversation, or choose another model.")


def disarm(messages: list[Message], marks: list[str]) -> list[Message]:
    """Break up a template's own marks (<|im_end|> ...) in what people wrote: whoever types one could speak as someone else."""
    harmless = []
    for message in messages:
        content = message["content"]
        for mark in marks:
            if mark and mark in content:
                content = content.replace(mark, mark[0] + " " + mark[1:])
        harmless.append({**message, "content": content})
    return harmless
