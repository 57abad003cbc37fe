"""Gradio's own doors: which stay open, and what may come in by them.

Gradio answers what it did not expect with a traceback in the log, and the values it was given in it: what somebody said would stand there. So an
event is read here first (wire/gate.py asks), and only one that its function can take goes on, written anew. Files, proxies, monitoring, code
editing and streams are nothing that this page uses: those doors are shut. And Gradio hands the results of an event to whoever names it: here that is
the one who began it, by the token in the header (who sends none is nobody in particular, with all others who send none).
"""
from __future__ import annotations

import json
import re
from typing import Any

import gradio as gr

FRONT = "/gradio_api/"
GET = re.compile(r"info|startup-events|theme\.css|app_id|queue/data|call/\w{1,40}/[\w-]{1,64}")
POST = re.compile(r"run/(?P<run>\w{1,40})|call/(?P<call>\w{1,40})|queue/join|cancel|reset")
SHUT = re.compile(r"/(monitoring|file[=/]|proxy=|upload|custom_component|component_server|stream|vibe|deep_link|dev|runs|run-history|process_recording|"
                  r"profiling|queue|logout)")
_HASH = re.compile(r"[\w-]{1,64}")
_NAMED = re.compile(r"call/\w{1,40}/([\w-]{1,64})")
MOST_BEGUN = 20_000      # events and sessions of Gradio's whose beginner is known; the oldest goes


class Doors:
    """Of these Blocks. `shut`, `event`, `begun` and `theirs` are what the gate asks."""

    def __init__(self, blocks: gr.Blocks):
        functions = [function for function in blocks.fns.values() if function.fn is not None and isinstance(function.api_name, str)]
        self._by_name = {str(function.api_name): len(function.inputs) for function in functions}
        self._by_number = {function._id: len(function.inputs) for function in functions}
        self._begun: dict[str, bytes] = {}               # the name of an event or a session -> who began it

    def shut(self, method: str, path: str) -> bool:
        """Whether nobody may go there."""
        if not path.startswith(FRONT):
            return SHUT.match(path) is not None
        rest = path[len(FRONT):].rstrip("/")
        return (GET if method in ("GET", "HEAD") else POST).fullmatch(rest) is None

    def begun(self, name: str, who: bytes) -> bool:
        """Note who began an event or a session. False when it was somebody else."""
        if name not in self._begun:
            while len(self._begun) >= MOST_BEGUN:
                del self._begun[next(iter(self._begun))]
            self._begun[name] = who
        return self._begun[name] == who

    def theirs(self, path: str, session: str, who: bytes) -> bool:
        """Whether one may listen there. `session`: the session_hash of the address."""
        found = _NAMED.fullmatch(path[len(FRONT):].rstrip("/"))
        name = found[1] if found else session
        return not name or self._begun.get(name) == who

    def event(self, path: str, body: bytes, who: bytes = b"") -> bytes | None:
        """The body of a POST as Gradio may have it; None for what no function of ours can take, and for somebody else's event."""
        found = POST.fullmatch(path[len(FRONT):].rstrip("/"))
        try:
            given: Any = json.loads(json.dumps(json.loads(body), ensure_ascii=False).encode("utf-8", "replace"))        # half a surrogate pair becomes "?"
        except (ValueError, RecursionError):
            return None
        if found is None or not isinstance(given, dict):
            return None
        made: dict[str, Any] = {}
        for name in ("session_hash", "event_id"):
            value = given.get(name)
            if value is not None and not (isinstance(value, str) and _HASH.fullmatch(value)):
                return None
            made[name] = value
        for name in ("fn_index", "trigger_id"):
            value = given.get(name)
            if value is not None and (not isinstance(value, int) or isinstance(value, bool) or abs(value) > 2**31):
                return None
            made[name] = value
        if path.rstrip("/").endswith(("/cancel", "/reset")):
            if not all(self._begun.get(name) == who for name in (made["session_hash"], made["event_id"])):
                return None
            return json.dumps(made).encode() if all(made[name] for name in ("session_hash", "event_id")) and made["fn_index"] is not None else None
        name = found["run"] or found["call"]
        count = self._by_name.get(name) if name else self._by_number.get(made["fn_index"])
        if (name is None and not made["session_hash"]) or (made["session_hash"] and not self.begun(made["session_hash"], who)):
            return None
        data = given.get("data")
        if not isinstance(data, list) or count is None or len(data) != count:
            return None
        return json.dumps({"data": data, **{key: value for key, value in made.items() if value is not None and not (name and key == "fn_index")}},
                          ensure_ascii=False).encode()
