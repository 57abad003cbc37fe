"""For whoever runs the server: alive, ready, counted and timed, logged without words; and a stop that finishes the sentence."""
from __future__ import annotations

import asyncio
import json
import logging
import os
import re
import signal
import subprocess
import sys
import time
import urllib.request

import httpx
import pytest
from conftest import ROOT, Echo, Tone
from place import Place

from bench.client import Client
from twin import logs
from twin.errors import Refused
from twin.settings import Settings
from twin.users import Users
from twin.wire.door import Door
from twin.wire.limits import Limits
from twin.wire.metrics import KNOWN, Metrics

LABEL = r'[a-z_]+="(?:[^"\\\n]|\\.)*"'
LINE = re.compile(rf"[a-z_]+(\{{{LABEL}(,{LABEL})*\}})? [0-9.e+-]+|# (HELP|TYPE) .+")


def series(text: str, name: str) -> dict[str, float]:
    return {line.rsplit(" ", 1)[0]: float(line.rsplit(" ", 1)[1]) for line in text.splitlines() if line.startswith(name)}


def test_what_prometheus_reads():
    metrics = Metrics()
    for ms in (5, 90, 340, 70_000):
        metrics.time("twin_stage_seconds", ms / 1000, stage="sound")
    metrics.count("twin_turns_total", ended="done")
    metrics.count("twin_messages_total", type='a"b\\c\nd', code="")
    metrics.gauge("twin_queue_length", lambda: {(("queue", "speak"),): 3.0})
    text = metrics.text()
    assert all(LINE.fullmatch(line) for line in text.splitlines()), text
    found = series(text, "twin_stage_seconds")
    assert found['twin_stage_seconds_bucket{stage="sound",le="0.1"}'] == 2 and found['twin_stage_seconds_bucket{stage="sound",le="+Inf"}'] == 4
    assert found['twin_stage_seconds_count{stage="sound"}'] == 4 and metrics.total("twin_turns_total", ended="done") == 1
    assert 'twin_queue_length{queue="speak"} 3' in text and "process_resident_memory_bytes" in text and set(KNOWN) >= {name for name, _ in metrics._counts}


async def test_alive_ready_and_counted(tmp_path):
    with Place(tmp_path, asleep=True, think=Echo(["one ", "two. "])) as place:
        async with httpx.AsyncClient(base_url=place.url, trust_env=False) as web:
            assert (await web.get("/health")).json() == {"status": "ok", "ready": False, "sessions": 0}
            waking = await web.get("/ready")
            assert waking.status_code == 503 and waking.json() == {"ready": False, "why": "waking"} and waking.headers["retry-after"]
            place.loop.call_soon_threadsafe(place.rooms.awake.set)
            await asyncio.sleep(0.05)
            assert (await web.get("/ready")).json() == {"ready": True}
            async with Client(place.url) as client:
                await client.turn("a word called zanzibar")
                await client.send({"type": "nonsense"})
                await client.until(lambda header, _: header["type"] == "error")
                await web.get("/twins", headers={"X-Twin-Token": client.token})
                await web.get("/twins")
                await web.get("/twins/secret-name/fields", headers={"X-Twin-Token": client.token})
                await web.get("/nothing/at/all/zanzibar")
                told = await web.get("/metrics")
            text = told.text
            assert told.headers["content-type"].startswith("text/plain; version=0.0.4") and all(LINE.fullmatch(line) for line in text.splitlines())
            assert series(text, "twin_turns_total") == {'twin_turns_total{ended="done"}': 1} and series(text, "twin_sessions")['twin_sessions{state="held"}'] == 1
            assert series(text, "twin_stage_seconds_count")['twin_stage_seconds_count{stage="sound"}'] == 1
            requests = series(text, "twin_http_requests_total")
            assert requests['twin_http_requests_total{code="who",method="GET",route="/twins",status="401"}'] == 1
            assert sum('route="/twins/{name}/fields",status="404"' in name for name in requests) == 1
            assert any('route="(none)"' in name for name in requests) and any('code="unknown-type"' in name for name in series(text, "twin_messages_total"))
            for word in ("zanzibar", "secret-name", client.token, client.conversation, "127.0.0.1"):
                assert word not in text
            assert (await web.get("/metrics", headers={"X-Forwarded-For": "8.8.8.8"})).status_code == 403, "through a proxy we were not told of"
    with Place(tmp_path / "behind", door=Door(Users(), Limits(0), proxies=1)) as place, httpx.Client(base_url=place.url, trust_env=False) as web:
        assert web.get("/metrics", headers={"X-Forwarded-For": "8.8.8.8"}).status_code == 403
        assert web.get("/metrics", headers={"X-Forwarded-For": "8.8.8.8, 10.0.0.3"}).status_code == 200


async def test_what_every_answer_says_of_itself(tmp_path):
    door = Door(Users(), Limits(0), ("https://listed.example",), ("https://shows.example",))
    with Place(tmp_path, door=door) as place:
        async with httpx.AsyncClient(base_url=place.url, trust_env=False) as web:
            page = await web.get("/web/page.js", headers={"Origin": "https://listed.example"})
            assert "frame-ancestors 'self' https://shows.example;" in page.headers["content-security-policy"] and page.headers["x-content-type-options"] == "nosniff"
            assert page.headers["access-control-allow-origin"] == "https://listed.example" and page.headers["cross-origin-resource-policy"] == "cross-origin"
            for origin in ("https://evil.example", "null"):
                other = await web.get("/health", headers={"Origin": origin})
                assert "access-control-allow-origin" not in other.headers
                asked = {"Origin": origin, "Access-Control-Request-Method": "POST"}
                assert (await web.options("/api/talk", headers=asked)).status_code == 403
                refused = await web.post("/api/talk", json={"twin": "maya", "text": "hi"}, headers={"Origin": origin, "X-Twin-Token": "0" * 64})
                assert refused.status_code == 403 and refused.json()["error"]["code"] == "origin"
            asked = {"Origin": "https://listed.example", "Access-Control-Request-Method": "POST", "Access-Control-Request-Headers": "x-twin-token"}
            before = await web.options("/api/talk", headers=asked)
            assert before.status_code == 204 and "X-Twin-Token" in before.headers["access-control-allow-headers"]
    with Place(tmp_path / "home") as place, httpx.Client(base_url=place.url, trust_env=False) as web:
        assert web.get("/health").headers["x-frame-options"] == "SAMEORIGIN"
        assert web.get("/web/widget.js").headers["cross-origin-resource-policy"] == "cross-origin"


def test_the_log_holds_no_words_and_no_keys(capsys):
    def fail():
        raise ValueError("could not read “my secret is zanzibar”")
    before = logging.getLogger().handlers[:], logging.getLogger().level
    try:
        for form in ("json", "text"):
            logs.begin("info", form)
            log = logging.getLogger("twin.test")
            try:
                fail()
            except ValueError:
                log.exception("something failed", extra={"route": "/x", "ms": 1.5})
            try:
                raise Refused("That is too large.", "Choose another.")
            except Refused:
                log.warning("refused: %s", "ab" * 32, exc_info=True)
            log.info("Bearer hf_abcdefghijkl")
            text = capsys.readouterr().err
            assert "zanzibar" not in text and "ab" * 32 not in text and "hf_abc" not in text and "ValueError" in text and "test_metrics.py" in text
            assert "That is too large." in text
            if form == "json":
                first = json.loads(text.splitlines()[0])
                assert first["level"] == "error" and first["route"] == "/x" and first["ms"] == 1.5 and first["message"] == "something failed"
    finally:
        root = logging.getLogger()
        root.handlers[:], root.level = before[0], before[1]


async def test_a_stop_finishes_the_sentence(tmp_path):
    words = "This is the first sentence of several. " "Here comes the second one, a little longer than that. " "And nobody should hear this third one at all."
    with Place(tmp_path, think=Echo(words.split(), delay=0.02), speak=Tone(pace=0.03, step=0.05)) as place:
        async with Client(place.url, decodes=False) as client, Client(place.url) as idle:
            await client.say("go on")
            await client.sound()
            hearing = asyncio.create_task(client.hear(pace=1.0, first_of=lambda header: header["type"] == "spoken"))
            stopping = asyncio.wrap_future(asyncio.run_coroutine_threadsafe(place.sessions.finish(8.0), place.loop))
            assert (await idle.until(lambda header, _: header["type"] == "error"))[0]["code"] == "closing"
            assert httpx.get(place.url + "ready", trust_env=False).json() == {"ready": False, "why": "closing"}
            with pytest.raises(ConnectionError, match="closing"):
                await Client(place.url).open()
            await idle.say("one more")
            assert (await idle.until(lambda header, _: header["type"] == "error"))[0]["code"] == "closing"
            met = await hearing
            await stopping
            ended = met[-1][1]
            assert ended["reason"] == "done" and ended["heard"].strip().endswith((".", ",")) and "third" not in ended["heard"]
        saved = place.rooms.saved.load(next(p.name for p in (tmp_path / "conversations").iterdir()), client.conversation)
        assert saved.history[-1]["content"] == ended["heard"].strip() and "cut" not in saved.history[-1]


def test_the_settings_page_is_written_from_the_settings():
    text = (ROOT / "docs" / "serve.md").read_text(encoding="utf-8")
    from twin.settings import table
    assert table() in text, "docs/serve.md is older than the settings: python -m twin.settings docs/serve.md"
    assert {name for name, one in Settings.__dataclass_fields__.items() if "about" in one.metadata} == set(re.findall(r"^\| `([a-z_]+)` \|", table(), re.M))


@pytest.mark.slow
def test_sigterm_finishes_and_leaves_with_zero(tmp_path):
    """The whole server as a process: a sentence is being said when it is asked to stop."""
    import socket
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    url = f"http://127.0.0.1:{port}/"
    server = subprocess.Popen([sys.executable, "app.py"], cwd=ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
                              env=os.environ | {"PORT": str(port), "HOST": "127.0.0.1", "TWIN_DATA": str(tmp_path)})
    try:
        end = time.monotonic() + 90
        while True:
            try:
                urllib.request.urlopen(url + "ready", timeout=5)
                break
            except OSError:
                assert time.monotonic() < end and server.poll() is None
                time.sleep(0.3)

        async def talk():
            async with Client(url) as client:
                await client.say("Tell me about yourself.")
                await client.sound()
                server.send_signal(signal.SIGTERM)
                return (await client.hear(pace=1.0, first_of=lambda header: header["type"] == "spoken"))[-1][1]
        ended = asyncio.run(talk())
        assert ended["reason"] == "done" and ended["heard"]
        assert server.wait(30) == 0
    finally:
        server.kill()


def test_the_container_is_made_of_what_is_there():
    """No builder here: what the Dockerfile copies and sets is looked at, and its health check is run against a real server in test_sigterm."""
    text = (ROOT / "Dockerfile").read_text(encoding="utf-8")
    listed = {line[1:] for line in (ROOT / ".dockerignore").read_text().splitlines() if line.startswith("!")}
    copied = [word for line in re.findall(r"^COPY (?!--from)(.+)$", text, re.M) for word in line.split()[:-1] if not word.startswith("--")]
    assert copied and all((ROOT / name).exists() and name in listed for name in copied)
    assert {"app.py", "twin", "persona", "assets"} <= set(copied)
    named = {name.lower() for name in re.findall(r"TWIN_([A-Z_]+)=", text.split("\nENV ")[1].splitlines()[0])}
    assert named <= set(Settings.__dataclass_fields__) and "USER twin" in text and "STOPSIGNAL SIGTERM" in text and "/health" in text
    assert "|| true" not in text, "a step that fails has to end the making"
    pythons = set(re.findall(r"^FROM python:(3\.\d+)(?:-slim)?(?: AS wheels)?$", text, re.M))
    assert pythons == {"3.11"}, "what the first stage installed is run by the same Python in the second"


async def test_what_was_given_never_becomes_a_label(tmp_path):
    """Also where one part of a path stands in another: ids are nobody else's to read, and series are bounded."""
    with Place(tmp_path, door=Door(Users(), Limits(0))) as place:
        async with httpx.AsyncClient(base_url=place.url, headers={"X-Twin-Token": "a" * 64}, trust_env=False, timeout=20) as web:
            secret = "4dbe0c8d5e743c71e50d997a5f903730"
            for path in (f"/media/twins/{secret}/face/t", f"/twins/{secret}/share/page/s", f"/twins/4/share/page/{secret}", f"/web/{secret}/w", f"/{secret}"):
                await web.get(path)
            await web.delete(f"/draft/voice/{secret}")
        told = place.rooms.door.metrics.text()
    assert secret not in told and 'route="/twins/{name}/share/page/{page}"' in told and 'route="/media/twins/{name}/face/{file}"' in told
