"""Errors that are for people: what happened, and what to type or click."""
from __future__ import annotations


class TwinError(Exception):
    """Something a person can act on. `hint` says how."""

    def __init__(self, message: str, hint: str = ""):
        super().__init__(message)
        self.message, self.hint = message, hint


class Missing(TwinError):
    """A package, a weight, a file or a twin is not there."""


class Refused(TwinError):
    """The input cannot be taken: too long, empty, damaged, not allowed."""


class Stuck(TwinError):
    """A backend overran its time and was replaced."""
