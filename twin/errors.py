"""Errors that are for people: what happened, and what to type or click."""
from __future__ import annotations


class TwinError(Exception):
    """Something a person can act on. `hint` says how; `zh` is (message, hint) in Chinese where there is one; `code` is for the page."""

    code = "failed"

    def __init__(self, message: str, hint: str = "", *, zh: tuple[str, str] | None = None, code: str = ""):
        super().__init__(message)
        self.message, self.hint, self.zh = message, hint, zh
        if code:
            self.code = code

    def told(self, language: str = "en") -> tuple[str, str]:
        """(message, hint) in that language, or in English where nobody wrote it."""
        return self.zh if language == "zh" and self.zh else (self.message, self.hint)


class Missing(TwinError):
    """A package, a weight, a file or a twin is not there."""

    code = "missing"


class Refused(TwinError):
    """The input cannot be taken: too long, empty, damaged, not allowed."""

    code = "refused"


class Locked(Refused):
    """A twin behind a passphrase, and nobody has said it in this visit."""

    code = "locked"


class Stuck(TwinError):
    """A backend overran its time and was replaced."""

    code = "stuck"
