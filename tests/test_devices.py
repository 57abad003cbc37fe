"""Where things live, and whether the hub answers: real sockets, no network."""
from __future__ import annotations

import http.server
import os
import socket
import subprocess
import sys
import threading
import time

import pytest

from twin import devices


@pytest.fixture
def asking(monkeypatch):
    """As on a machine where nobody said offline, and nothing was asked yet."""
    for name in ("HF_HUB_OFFLINE", "TRANSFORMERS_OFFLINE", "HF_ENDPOINT", "http_proxy", "https_proxy", "HTTP_PROXY", "HTTPS_PROXY"):
        monkeypatch.delenv(name, raising=False)
    devices.probe.cache_clear()
    yield monkeypatch
    devices.probe.cache_clear()


class Hub(http.server.BaseHTTPRequestHandler):
    asked = 0

    def do_HEAD(self):
        Hub.asked += 1
        self.send_response(405)                          # it is there, it only dislikes the question
        self.end_headers()

    def log_message(self, *_):
        pass


def test_a_hub_that_answers_is_asked_once(asking):
    with http.server.HTTPServer(("127.0.0.1", 0), Hub) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        asking.setenv("HF_ENDPOINT", f"http://127.0.0.1:{server.server_port}")
        Hub.asked = 0
        assert all(devices.reachable() for _ in range(3)) and Hub.asked == 1
        assert not devices.offline()
        server.shutdown()


def test_a_hub_that_is_silent_costs_its_time_once_and_is_not_asked_again(asking):
    with socket.create_server(("127.0.0.1", 0)) as silent:           # takes the connection and never says a word
        asking.setenv("HF_ENDPOINT", f"http://127.0.0.1:{silent.getsockname()[1]}")
        if "huggingface_hub.constants" in sys.modules:
            asking.setattr(sys.modules["huggingface_hub.constants"], "HF_HUB_OFFLINE", False)
        asking.setenv("HF_HUB_OFFLINE", "")              # restored behind the test, as reachable() sets it
        began = time.monotonic()
        assert not devices.reachable(seconds=0.5)
        assert time.monotonic() - began < 1.5
        assert os.environ["HF_HUB_OFFLINE"] == "1"
        began = time.monotonic()
        assert not devices.reachable(seconds=0.5)
        assert time.monotonic() - began < 0.1


@pytest.mark.parametrize("endpoint", ["http://127.0.0.1:9", "http://nobody.invalid", "no address at all"])
def test_a_hub_that_is_not_there(asking, endpoint):
    assert not devices.reachable(endpoint, seconds=2.0)


def test_the_libraries_of_the_hub_believe_it(asking):
    import huggingface_hub
    from huggingface_hub import constants
    asking.setattr(constants, "HF_HUB_OFFLINE", False)
    asking.setenv("HF_HUB_OFFLINE", "")
    devices.stay_offline()
    assert huggingface_hub.is_offline_mode()


def test_offline_is_honoured_without_asking(asking):
    asking.setenv("HF_HUB_OFFLINE", "1")
    began = time.monotonic()
    assert not devices.reachable()
    assert time.monotonic() - began < 0.05


def test_the_plan_says_where_and_why(monkeypatch):
    monkeypatch.setattr(devices, "accelerator", lambda: ("cuda:0", "bfloat16", 8 * devices.GIB, "a GPU"))
    think, listen, huge = devices.plan({"think": 8 * devices.GIB, "listen": 6 * devices.GIB, "paint": 60 * devices.GIB})
    assert (think.device, think.dtype) == ("cuda:0", "bfloat16")
    assert listen.device == "cuda:0"                     # the one too large for it took none of its room
    assert huge.device == "auto" and "accelerate" in huge.why
    monkeypatch.setattr(devices, "accelerator", lambda: ("cpu", "float32", 0, "no GPU"))
    small, = devices.plan(["think"])
    assert (small.device, small.dtype) == ("cpu", "float32") and "no GPU" in str(small)
    huge, = devices.plan({"think": 1 << 50})
    assert (huge.device, huge.dtype) == ("auto", "bfloat16") and "memory" in huge.why


def test_a_place_is_a_device_and_a_dtype_of_torch():
    import torch
    device, dtype = devices.place("listen")
    assert torch.zeros(1, dtype=dtype, device=device).dtype is dtype


def test_facts_of_the_machine_are_cheap_and_need_no_torch():
    code = ("import sys, time; began = time.perf_counter(); from twin.devices import hardware; found = hardware();"
            "assert found.cores >= 1 and found.memory > found.free > 0 and len(found.lines()) == 6;"
            "assert 'torch' not in sys.modules and 'transformers' not in sys.modules; print(time.perf_counter() - began)")
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert float(done.stdout) < 5


def test_converted_weights_go_where_they_were_told_to(monkeypatch, tmp_path):
    monkeypatch.setenv("TWIN_CACHE", str(tmp_path / "there"))
    assert devices.storage() == tmp_path / "there"
    assert devices.hardware().disk > 0                   # the folder need not exist
    monkeypatch.delenv("TWIN_CACHE")
    assert devices.storage().is_absolute()
