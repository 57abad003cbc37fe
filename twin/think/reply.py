"""From token ids to the text of a reply, bit by bit: never half a character, never beyond a stop string, never a thought aloud."""
from __future__ import annotations

from collections.abc import Callable, Sequence

OPEN, CLOSE = "<think>", "</think>"


class Reply:
    """`add(id)` gives the text that is certain by now, `end()` what was held back. `stopped`: a stop string was met."""

    def __init__(self, decode: Callable[[list[int]], str], stop: Sequence[str] = (), thoughts: bool = False):
        self.decode, self.stop = decode, tuple(stop)
        self.thoughts = thoughts                         # True: <think>...</think> is taken out
        self.ids: list[int] = []
        self.told = self.read = 0                        # ids whose text was given; ids that serve it as context
        self.held = ""                                   # text that may yet turn out to begin a stop string or a tag
        self.inside = self.stopped = False
        self.begun = False

    def add(self, token: int) -> str:
        self.ids.append(token)
        before = self.decode(self.ids[self.read:self.told])
        after = self.decode(self.ids[self.read:])
        if len(after) <= len(before) or after.endswith("\ufffd"):
            return ""                                    # a character's bytes are still on their way
        self.read, self.told = self.told, len(self.ids)
        return self.pass_on(after[len(before):], last=False)

    def end(self) -> str:
        """Call once, at the end: what was held back. Bytes that never became a character are dropped."""
        return self.pass_on("", last=True)

    def pass_on(self, text: str, last: bool) -> str:
        if self.stopped:
            return ""
        self.held += text
        said = self.without_thoughts(last) if self.thoughts else self.take()
        for word in self.stop:
            at = (said + self.held).find(word)
            if at >= 0:
                said, self.held, self.stopped = (said + self.held)[:at], "", True
                return self.clean(said)
        if not last and not self.held:
            keep = max((overlap(said, word) for word in self.stop), default=0)
            said, self.held = said[:len(said) - keep], said[len(said) - keep:]
        return self.clean(said)

    def take(self) -> str:
        said, self.held = self.held, ""
        return said

    def without_thoughts(self, last: bool) -> str:
        said = ""
        while self.held:
            tag = CLOSE if self.inside else OPEN
            at = self.held.find(tag)
            if at < 0:
                keep = 0 if last else overlap(self.held, tag)
                if not self.inside:
                    said += self.held[:len(self.held) - keep]
                self.held = self.held[len(self.held) - keep:]
                break
            if not self.inside:
                said += self.held[:at]
            self.held, self.inside = self.held[at + len(tag):], not self.inside
        return said

    def clean(self, said: str) -> str:
        """Without blank at the very beginning."""
        if not self.begun:
            said = said.lstrip()
            self.begun = bool(said)
        return said


def overlap(text: str, word: str) -> int:
    """The length of the longest end of `text` that begins `word`."""
    for n in range(min(len(text), len(word) - 1), 0, -1):
        if word.startswith(text[-n:]):
            return n
    return 0
