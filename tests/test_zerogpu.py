"""ZeroGPU as far as it goes without a GPU: the real `spaces` package, its forks, and a device API on this machine. torch is left out, for it would
look for CUDA; the mind in its place says words."""
from __future__ import annotations

import contextlib
import contextvars
import json
import os
import signal
import subprocess
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlsplit

import pytest
from conftest import ROOT

from twin.streams import Lane

SCRIPT = """
import sys, json, os, time
sys.modules["torch"] = None
import spaces
from twin.errors import Refused, Stuck, TwinError
from twin.think import zerogpu

class Tiny:
    def think(self, messages, *, max_tokens, temperature, seed):
        if messages[-1]["content"] == "too long":
            raise Refused("It has grown too long.", "Begin anew.")
        yield str(os.getpid())
        for k in range(max_tokens):
            yield f" {k}"
            time.sleep(0.01)

zerogpu._minds["tiny"] = Tiny()
mind = object.__new__(zerogpu.ZeroThinker)
mind.model = "tiny"
import gradio as gr
with gr.Blocks(analytics_enabled=False) as page:
    gr.Markdown("x")
page.launch(server_port=int(sys.argv[1]), prevent_thread_lock=True, quiet=True, ssr_mode=False)
ask = lambda text, **more: mind.think([{"role": "user", "content": text}], **more)
found = {"whole": "".join(ask("hello", max_tokens=3)), "here": os.getpid()}
steps = ask("hello", max_tokens=300)
next(steps)
began = time.monotonic()
steps.close()
found["closed"] = time.monotonic() - began
for name, text in (("refused", "too long"), ("quota", "no gpu " * 20000)):
    try:
        list(ask(text))
    except TwinError as error:
        found[name] = [type(error).__name__, error.message, error.hint]
print("FOUND" + json.dumps(found), flush=True)
os._exit(0)
"""


class Device(BaseHTTPRequestHandler):
    asked: list[tuple[str, dict]] = []

    def do_POST(self) -> None:
        address = urlsplit(self.path)
        given = {name: values[0] for name, values in parse_qs(address.query).items()}
        self.asked.append((address.path, given))
        over = [path for path, _ in self.asked].count("/schedule") == 4 and address.path == "/schedule"
        body = json.dumps({"left": 3, "wait": 60} if over else {"idle": False, "nvidiaIndex": 0, "nvidiaUUID": "GPU-0", "allowToken": "t"}).encode()
        self.send_response(429 if over else 200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_) -> None:
        pass


def test_a_reply_is_made_in_a_fork_for_as_long_as_its_work_takes(tmp_path):
    pytest.importorskip("spaces", reason="the package of ZeroGPU Spaces is not installed")
    import socket
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    Device.asked = []
    server = ThreadingHTTPServer(("127.0.0.1", 0), Device)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    environment = {**os.environ, "SPACES_ZERO_GPU": "true", "SPACES_ZERO_DEVICE_API_URL": f"http://127.0.0.1:{server.server_port}", "HOME": str(tmp_path)}
    out = tmp_path / "out"                               # a file: the forks would hold a pipe open
    with open(out, "wb") as said:
        process = subprocess.Popen([sys.executable, "-c", SCRIPT, str(port)], cwd=ROOT, env=environment, stdout=said, stderr=said, start_new_session=True)
    try:
        process.wait(100)
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait(10)
        server.shutdown()
    assert "FOUND" in out.read_text(), out.read_text()[-3000:]
    found = json.loads(out.read_text().split("FOUND")[1].splitlines()[0])
    pid, *words = found["whole"].split()
    assert words == ["0", "1", "2"] and int(pid) != found["here"]
    assert found["closed"] < 5                           # an interruption does not wait for the end of the reply
    assert found["refused"] == ["TwinError", "It has grown too long.", "Begin anew."]
    assert found["quota"][0] == "Stuck" and "GPU" in found["quota"][1] and found["quota"][2]
    paths = [path for path, _ in Device.asked]
    assert paths[0] == "/startup-report" and paths.count("/schedule") == 4 and "/allow" in paths and "/release" in paths
    lengths = [int(given["durationSeconds"]) for path, given in Device.asked if path == "/schedule"]
    assert lengths[0] < lengths[3] and lengths[1] > lengths[0]           # by what is to be read and written


async def test_who_asks_goes_with_the_work_onto_its_lane():
    """ZeroGPU lends a GPU to the visitor whose request it finds in the context."""
    request: contextvars.ContextVar[str] = contextvars.ContextVar("request", default="")

    def steps():
        for _ in range(2):
            yield request.get()
    lane = Lane("test")
    request.set("ada's")
    assert [item async for item in lane.stream(steps())] == ["ada's", "ada's"] and await lane.run(request.get) == "ada's"
    lane.close()


@pytest.mark.parametrize(("environment", "backend", "model"), [
    ({"SPACES_ZERO_GPU": "true", "SPACE_ID": "ada/x"}, "zerogpu", "Qwen/Qwen3-1.7B"), ({"SPACE_ID": "ada/x"}, "smollm2", "")])
def test_in_a_space_the_place_chooses_the_mind(monkeypatch, environment, backend, model):
    from twin import devices
    from twin.registry import Registry
    from twin.settings import Settings
    monkeypatch.setattr(devices, "gpus", lambda: ())
    for name in ("SPACES_ZERO_GPU", "SPACE_ID"):
        monkeypatch.delenv(name, raising=False)
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    engine = Registry(Settings(think="Qwen/Qwen3-1.7B")).engines["think"]
    assert (engine.backend.name, engine.model) == (backend, model) and engine.why
