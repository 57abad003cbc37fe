"""Consent, and the marks on what leaves the app: a label that people see, and content credentials (C2PA) that programs read.

consent.py is the record of a yes: what for, how far it may go, signed and revocable. challenge.py, voiceprint.py and likeness.py check that it is its
owner's. marks.py puts marks on files (aigc.py, audiomark.py), check.py reads them back. Without a consent no twin of an uploaded face or voice is
built, by the page, the command line or the API.
"""
from __future__ import annotations

from .aigc import rhythm
from .consent import (
    NOBODY,
    PURPOSES,
    RELATIONS,
    SCOPES,
    STATEMENT,
    STATEMENT_NOBODY,
    STATEMENT_VOICE,
    agreed,
    allows,
    consent,
    consented,
    digest,
    record_of,
    reference,
    renewed,
    revoke,
    revoked,
    scope_of,
    scoped,
    vouched,
)
from .marks import FORMATS, LABEL, LABELS, MADE_BY_AI, PICTURES, Marked, credited, draw_label, labelled, mark, marked

__all__ = ["FORMATS", "LABEL", "LABELS", "MADE_BY_AI", "NOBODY", "PICTURES", "PURPOSES", "RELATIONS", "SCOPES", "STATEMENT", "STATEMENT_NOBODY",
           "STATEMENT_VOICE", "Marked", "agreed", "allows", "consent", "consented", "credited", "digest", "draw_label", "labelled", "mark", "marked",
           "record_of", "reference", "renewed", "revoke", "revoked", "rhythm", "scope_of", "scoped", "vouched"]
