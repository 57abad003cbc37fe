"""Twins on disk, and the conversations people had with them. The only room that reads or writes either.

twins.py is what a twin is and how it is read; shelf.py keeps the own twins of each user; conversations.py what was said, and journal.py
the same encrypted; seal.py the keys; bundle.py one twin as one file. A default twin lies in assets/twins, an own one in the data folder:

    twins/<owner>/<id>/           persona.yaml, lines.*.yaml, face/, voice/, consent.json, measured.json; sealed.json where they are encrypted
    conversations/<owner>/        one file a conversation
    films/<owner>/                one file a film
    memories/<owner>/             one file a twin: what it remembers of that user
"""
from .bundle import bring_in, export
from .conversations import Conversations, Saved, new_id
from .derived import lines_in
from .films import Films
from .memories import Memories
from .shelf import Shelf
from .twins import DEFAULTS, FILES, Twin, Twins, load_twin

__all__ = ["DEFAULTS", "FILES", "Conversations", "Films", "Memories", "Saved", "Shelf", "Twin", "Twins", "bring_in", "export", "lines_in", "load_twin",
           "new_id"]
