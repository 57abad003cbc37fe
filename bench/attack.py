"""Attacks on every door of a running server: requests, socket messages, uploads, bundles; crashes, leaks and hangs are counted.

`python -m bench attack --json F` starts the real server (shared, its twins under a key, no rate limits) with one user's secrets in it and sends it what
malice.py makes from a seed, as other users, as nobody and as that user. After each case: was it answered in time, in the shape of an answer, without
what is another's? The server's log counts too: a traceback is a crash, a word of the secrets in it a leak. `deep` is the share of cases that the server
itself counted past the login and the first parser (/metrics); `covered` that of its routes and messages that such a case reached. Then, with the usual
limits on: a flood, a thousand idle sockets and slow senders from one address, while somebody talks from another.

A case that failed is printed with its name and made again by `--only NAME`; what was found so is kept in bench/attack.jsonl and tried first.
"""
from __future__ import annotations

import asyncio
import base64
import contextlib
import http.server
import json
import os
import re
import secrets
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
import urllib.parse
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from . import malice
from .start import ROOT, free_port

SHARES = {"http": 0.30, "message": 0.42, "gradio": 0.07, "upload": 0.09, "bundle": 0.08, "raw": 0.04}          # of the cases
PATIENCE = 60.0          # s: what is not answered by then hangs
WORKERS = 6
LEAVES = 6.0             # s after which a stream of progress is left alone
TOGETHER = 40            # messages of one socket
FIRST = {"who", "login", "origin", "garbage", "bad-field", "unknown-type", "too-large", "too-often", "no-length", "owner", "late"}        # not past the first parser
KEPT = Path(__file__).with_suffix(".jsonl")
DEAR = {("POST", "/twins/{name}/share/page"): 0.02, ("POST", "/twins/{name}/share/space.zip"): 0.05,
        ("POST", "/twins/{name}/film"): 0.02, ("POST", "/draft/build"): 0.05, ("POST", "/api/create"): 0.3, ("POST", "/api/say"): 0.3, ("POST", "/api/talk"): 0.5,
        ("GET", "/metrics"): 0.3, ("GET", "/web/{path}"): 0.3, ("POST", "/draft/hear"): 0.3}                   # weights of what costs the server much
EXTRA = "twin_http_requests_total", "twin_messages_total"


def options(parser) -> None:
    parser.add_argument("--cases", type=int, default=20_000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--only", default="", help="a group (http, message, gradio, upload, bundle, raw) or one case: http/17")
    parser.add_argument("--quick", action="store_true", help="600 cases, no flood: for the tests")
    parser.add_argument("--keep", type=Path, help="a folder for the server's log and the cases that failed")


class Fortress:
    """The server, with a user Ada whose words and twin nobody else may see."""

    def __init__(self, folder: Path, limits: float = 0.0):
        self.folder, self.limits, self.port = folder, limits, free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.log = folder / f"server-{self.port}.log"
        self.canary = f"zanzibar{secrets.token_hex(6)}"
        self.trace = folder / "unpickled"
        self.tokens = {name: secrets.token_hex(32) for name in ("ada", "bea", "cy")}
        self.ids: dict[str, str] = {}
        self.called = 0                                  # times that the server called the canary's address
        self.settings = {"TWIN_DATA": str(folder / "data"), "TWIN_SHARED": "1", "TWIN_KEY": secrets.token_hex(32)}

    def __enter__(self) -> Fortress:
        self._listen()
        env = os.environ | self.settings | {
            "PORT": str(self.port), "HOST": "127.0.0.1", "TWIN_LIMITS": str(self.limits), "TWIN_LOG_FORMAT": "json", "TWIN_METRICS": "all",
            "HF_ENDPOINT": self.away, "HF_HUB_DISABLE_TELEMETRY": "1", "HF_TOKEN": ""}
        self.process = subprocess.Popen([sys.executable, "app.py"], cwd=ROOT, env=env, stdout=subprocess.DEVNULL, stderr=self.log.open("w"), start_new_session=True)
        import httpx
        self.web = httpx.Client(base_url=self.url, timeout=PATIENCE, trust_env=False)
        end = time.monotonic() + 120
        while time.monotonic() < end and self.process.poll() is None:
            with contextlib.suppress(httpx.HTTPError):
                if self.web.get("/ready").status_code == 200:
                    return self
            time.sleep(0.3)
        raise RuntimeError("the server did not start:\n" + self.log.read_text()[-2000:])

    def __exit__(self, *_: Any) -> None:
        self.web.close()
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGTERM)
        try:
            self.process.wait(40)
        except subprocess.TimeoutExpired:
            os.killpg(self.process.pid, signal.SIGKILL)
        self._away.shutdown()

    def _listen(self) -> None:
        """An address that nobody has a reason to call."""
        fortress = self

        class Called(http.server.BaseHTTPRequestHandler):
            def do_GET(self) -> None:                    # noqa: N802  (http.server's name)
                fortress.called += "/canary" in self.path
                self.send_error(404)
            do_POST = do_HEAD = do_GET                   # noqa: N815

            def log_message(self, *_: Any) -> None:
                pass
        self._away = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Called)
        threading.Thread(target=self._away.serve_forever, daemon=True).start()
        self.away = f"http://127.0.0.1:{self._away.server_address[1]}"

    def fill(self) -> None:
        """Ada's twin, draft, conversation and film. Every one of them holds the canary."""
        header = self.header("ada")
        files = self.files(f"I keep a secret called {self.canary}.")
        made = self.web.post("/bundle", content=whole(files), headers=header)
        assert made.status_code == 200, made.text
        self.ids["twin"] = made.json()["twin"]["id"]
        told = self.web.post("/api/talk", json={"twin": "maya", "text": f"My secret word is {self.canary}, remember it."}, headers=header).json()
        self.ids["conversation"] = told["conversation"]
        assert self.web.post("/draft/persona", json={"name": self.canary}, headers=header).status_code == 200
        film = json.loads(self.web.post("/twins/maya/film", json={"text": "Hello.", "aspect": "1:1"}, headers=header).text.splitlines()[-1])
        self.ids["film"] = film["film"]
        self.face = self.web.get(f"/media/twins/{self.ids['twin']}/face/portrait.webp", headers=header).content

    def files(self, secret: str) -> dict[str, bytes]:
        """The smallest whole twin, as a bundle holds it."""
        previous, os.environ["TWIN_DATA"] = os.environ.get("TWIN_DATA"), self.settings["TWIN_DATA"]
        try:
            from twin.trust import consent, digest
            record = consent("Ada Lovelace", "self", ["talk", "film"], {"photo": digest(b"photo")})
        finally:
            os.environ.pop("TWIN_DATA") if previous is None else os.environ.update(TWIN_DATA=previous)
        face = malice.picture("WEBP", (24, 24))
        return {"twin/persona.yaml": f"name: Ada\ndescription: Keeps bees.\nfacts: [{json.dumps(secret)}]\n".encode(),
                "twin/lines.en.yaml": b"- {id: bees, ask: [Do you keep bees?], say: [Eleven of them.]}\n", "twin/consent.json": json.dumps(record).encode(),
                "twin/measured.json": b'{"seconds": 1}', "twin/face/portrait.webp": face, "twin/face/background.webp": face,
                "twin/face/rig.json": json.dumps({"version": 1, "size": [24, 24], "points": [[1, 2, 3]]}).encode()}

    def header(self, who: str) -> dict[str, str]:
        return {"X-Twin-Token": self.tokens[who]} if who in self.tokens else {}

    def memory(self) -> float:
        """MB that the server holds."""
        import psutil
        return psutil.Process(self.process.pid).memory_info().rss / 2**20

    def counted(self) -> Counter[tuple[str, ...]]:
        """What the server itself has counted: (what, name, code, status) -> times."""
        found: Counter[tuple[str, ...]] = Counter()
        for line in self.web.get("/metrics").text.splitlines():
            if line.startswith(EXTRA):
                labels = dict(re.findall(r'(\w+)="([^"]*)"', line))
                if "route" in labels:
                    found["http", f"{labels['method']} {labels['route']}", labels["code"], labels["status"]] += int(float(line.rsplit(" ", 1)[1]))
                else:
                    found["message", labels["type"], labels["code"], ""] += int(float(line.rsplit(" ", 1)[1]))
        return found

    def faults(self) -> list[str]:
        """What the log says that it should not: errors, and Ada's words or anybody's key."""
        found, words = [], (self.canary, *self.tokens.values())
        for line in self.log.read_text(errors="replace").splitlines():
            if any(word in line for word in words):
                found.append("leak: " + line[:200])
            try:
                record = json.loads(line)
                if not isinstance(record, dict):
                    raise ValueError
                if record.get("level") in ("error", "critical") or "error" in record:
                    found.append("log: " + line[-900:])
            except ValueError:
                if "Traceback" in line:
                    found.append("log: " + line[:200])
        return found


def whole(files: dict[str, bytes]) -> bytes:
    import random
    calm = random.Random(0)
    calm.random = lambda: 0.5                            # type: ignore[method-assign]  (nothing is done to it)
    calm.randint = lambda low, high: low                 # type: ignore[method-assign]
    calm.choice = lambda among: among[0]                 # type: ignore[method-assign]
    return malice.bundle(files, calm, "")


class Siege:
    def __init__(self, fortress: Fortress, seed: int):
        self.fortress, self.seed = fortress, seed
        self.failed: list[dict[str, Any]] = []
        self.cases: Counter[str] = Counter()
        self.crashes = self.leaks = self.hangs = 0
        self.document = fortress.web.get("/openapi.json").json()
        self.operations = [(method.upper(), path, about) for path, methods in self.document["paths"].items() for method, about in methods.items()]
        self.weights = [DEAR.get((method, path), 1.0) for method, path, _ in self.operations]
        self.ids = tuple(fortress.ids.values())
        self.extra = (*self.ids, "maya", "lin", fortress.away + "/canary", "ada")
        self.files = {"png": malice.picture(), "jpg": malice.picture("JPEG"), "webp": malice.picture("WEBP"), "gif": malice.picture("GIF"),
                      "bomb": malice.huge_png(60_000, 60_000), "zbomb": malice.text_png(b"chara", b"", True)}
        self.own = fortress.files("nothing to hide")

    def fault(self, kind: str, name: str, told: str) -> None:
        setattr(self, kind, getattr(self, kind) + 1)
        self.failed.append({"kind": kind, "case": name, "told": told[:600]})
        print(f"  {kind}: {name}: {told[:300]}", file=sys.stderr, flush=True)

    def judge(self, name: str, who: str, status: int, headers: Any, body: bytes, dull: bool = False) -> None:
        """The properties of every answer. `dull`: one of Gradio's own, which has no shape of ours."""
        if status >= 500 and status != 503:
            return self.fault("crashes", name, f"{status} {body[:300]!r}")
        if who != "ada" and (self.fortress.canary.encode() in body or self.fortress.canary.encode() in str(headers).encode() or (
                len(self.fortress.face) > 100 and self.fortress.face in body)):
            return self.fault("leaks", name, f"Ada's words came to {who or 'nobody'}: {body[:200]!r}")
        if "set-cookie" in headers and "signing-in" not in headers["set-cookie"] and not dull:
            return self.fault("leaks", name, f"a cookie: {headers['set-cookie']}")
        if b"/root/" in body or b"site-packages" in body or str(self.fortress.folder).encode() in body or b"Traceback" in body:
            return self.fault("leaks", name, f"insides of the server: {body[:300]!r}")
        if dull:
            return None
        if "text/html" in headers.get("content-type", "") and malice.SCRIPT.encode() in body:
            return self.fault("leaks", name, "script came back as a page")
        if headers.get("x-content-type-options") != "nosniff":
            return self.fault("crashes", name, f"an answer without its headers: {status} {dict(headers)}")
        if status >= 400 and status not in (404, 405) and headers.get("content-type") == "application/json":
            told = json.loads(body)["error"]
            if not told["code"] or not told["message"]:
                return self.fault("crashes", name, f"an error that says nothing: {told}")
        return None

    # one case each --------------------------------------------------------------------------------------------------------------------

    async def http(self, web: Any, number: int, rng: Any) -> None:
        method, path, about = rng.choices(self.operations, self.weights)[0]
        who = rng.choice(("bea", "bea", "bea", "bea", "bea", "cy", "cy", "", "ada"))
        if who == "ada" and (method == "DELETE" or path.endswith(("/lock", "/edit", "/unlock"))):
            who = "bea"
        for part in re.findall(r"\{(\w+)\}", path):
            given = rng.choice((*self.ids, "maya", "lin", "x", *malice.TEXTS[9:16])) if rng.random() < 0.8 else str(malice.value(rng))[:300]
            path = path.replace(f"{{{part}}}", urllib.parse.quote(given.encode("utf-8", "replace"), safe="") or "x", 1)
        headers = {**self.fortress.header(who), "X-Twin-Language": rng.choice(("en", "zh", "xx"))}
        for part in about.get("parameters", ()):
            if part["in"] == "header" and rng.random() < 0.6:
                headers[part["name"]] = urllib.parse.quote(str(rng.choice(malice.TEXTS)).encode("utf-8", "replace"))[:6000]
        if rng.random() < 0.03:
            headers["Origin"] = rng.choice(("https://evil.example", "null", "http://127.0.0.1:1", self.fortress.url))
        if rng.random() < 0.02:
            headers["X-Twin-Token"] = rng.choice(("0" * 63, "g" * 64, "A" * 64, "../" * 21 + "x", "0" * 5000))
        content = b""
        if "requestBody" in about:
            kind, inside = next(iter(about["requestBody"]["content"].items()))
            content = malice.body(inside["schema"], rng, self.extra) if kind == "application/json" else self.file(rng, kind)[0]
        elif method == "POST":
            content = malice.body({"type": "object", "properties": {name: {} for name in ("text", "name", "repo", "token", "passphrase")}}, rng, self.extra)
        if rng.random() < 0.03:
            method = rng.choice(("PUT", "PATCH", "TRACE", "HEAD", "OPTIONS", "DELETE" if who != "ada" else "HEAD", "GET"))
        await self.ask(web, f"http/{number}", who, method, path, headers, content)

    async def upload(self, web: Any, number: int, rng: Any) -> None:
        path, kind = rng.choice((("/draft/photo", "image/*"), ("/draft/voice", "audio/*"), ("/draft/card", "card"), ("/draft/chat", "text/plain"), ("/check", "any")))
        content, name = self.file(rng, kind)
        headers = {**self.fortress.header(rng.choice(("bea", "cy"))), "X-Twin-Name": urllib.parse.quote(name), "X-Twin-Sentence": rng.choice(("file", "0", "11", "12", "-1", "x"))}
        await self.ask(web, f"upload/{number}", "bea", "POST", path, headers, content)

    async def bundle(self, web: Any, number: int, rng: Any) -> None:
        who = rng.choice(("bea", "cy"))
        content = malice.bundle(self.own, rng, str(self.fortress.trace), self.extra)
        got = await self.ask(web, f"bundle/{number}", who, "POST", "/bundle", self.fortress.header(who), content)
        if got is not None and got.status_code == 200:
            name, header = got.json()["twin"]["id"], self.fortress.header(who)
            for method, path in rng.sample((("GET", "fields"), ("GET", "card.png"), ("POST", "bundle"), ("POST", "duplicate"), ("GET", "share")), 2):
                self.cases["bundle"] += 1
                await self.ask(web, f"bundle/{number}", who, method, f"/twins/{name}/{path}", header, b"")
            if rng.random() < 0.3:
                self.cases["bundle"] += 1
                await self.ask(web, f"bundle/{number}", who, "POST", "/api/talk", header, malice.dump({"twin": name, "text": "Do you keep bees?"}))
            listed = (await web.get("/twins", headers=header)).json()["twins"]
            for twin in listed:
                await self.ask(web, f"bundle/{number}", who, "DELETE", f"/twins/{twin['id']}", header, b"")

    async def gradio(self, web: Any, number: int, rng: Any) -> None:
        """Gradio's own doors, and ours behind them."""
        name = rng.choice(("live_open", "live_send", "live_events", "say", "talk", "create", "film", "nothing"))
        hello = {"type": "hello", "token": self.fortress.tokens["bea"], "conversation": self.fortress.ids["conversation"], "twin": self.fortress.ids["twin"]}
        inside = rng.choice((json.dumps(hello), json.dumps(malice.value(rng, self.extra)), json.dumps({"session": "0" * 64, "n": 1, "messages": [malice.value(rng)]})))
        data = [inside] if name.startswith("live") else ["maya", rng.choice(malice.TEXTS[:6]), "", "", False][:rng.choice((2, 3, 4, 5))]
        made: Any = {"data": data if rng.random() < 0.7 else malice.value(rng, self.extra), "session_hash": "x", "fn_index": rng.choice((0, 1, 3, -1, 99, None, "a")),
                     "event_id": None, "trigger_id": malice.value(rng)}
        path = rng.choice((f"/gradio_api/run/{name}", f"/gradio_api/call/{name}", f"/gradio_api/api/{name}", "/gradio_api/queue/join", "/gradio_api/reset",
                           "/gradio_api/cancel", "/gradio_api/component_server", "/gradio_api/stream/x", "/gradio_api/process_recording", "/gradio_api/vibe-edit",
                           "/gradio_api/upload", "/upload", "/login", f"/gradio_api/call/v2/{name}"))
        content, method = malice.dump(made if rng.random() < 0.85 else malice.value(rng)), "POST"
        if rng.random() < 0.4:
            there = rng.choice(("/etc/passwd", "..%2f..%2f..%2fetc/passwd", f"{self.fortress.folder}/data/users.key", f"{ROOT}/app.py", self.fortress.away + "/canary",
                                f"{self.fortress.folder}/data/twins", "C:/windows/win.ini", "x"))
            path, method = rng.choice((f"/gradio_api/file={there}", f"/file={there}", f"/gradio_api/file/{there}", f"/gradio_api/proxy={there}", "/gradio_api/info",
                                       "/config", f"/static/{there}", f"/assets/{there}", f"/svelte/{there}", "/monitoring", "/monitoring/summary", "/gradio_api/runs",
                                       f"/gradio_api/custom_component/x/client/component/{there}", "/gradio_api/startup-events", f"/gradio_api/deep_link?session_hash={there}",
                                       f"/pwa_icon/{there}", f"/gradio_api/stream/x/1/1/{there}.ts", "/gradio_api/app_id", "/gradio_api/token", "/gradio_api/user",
                                       f"/gradio_api/upload_progress?upload_id={there}", "/gradio_api/vibe-code", "/manifest.json", "/robots.txt", f"/{there}")), "GET"
            content = b""
        headers = self.fortress.header("bea") if rng.random() < 0.7 else {}
        await self.ask(web, f"gradio/{number}", "bea", method, path, headers | {"Content-Type": "application/json"}, content, dull=True)

    async def raw(self, web: Any, number: int, rng: Any) -> None:
        """What is hardly HTTP."""
        token = f"X-Twin-Token: {self.fortress.tokens['bea']}\r\n".encode()
        start = rng.choice((b"GET / HTTP/1.1\r\n", b"POST /draft/persona HTTP/1.1\r\n", b"POST /bundle HTTP/1.1\r\n", b"GET /live HTTP/1.1\r\n", b"\x16\x03\x01\x02\x00", b"GET " + b"/a" * 40_000 +
                            b" HTTP/1.1\r\n", b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", rng.randbytes(50), b"GET http://evil/ HTTP/1.1\r\n", b"POST /live HTTP/1.1\r\n"))
        heads = rng.sample((b"Host: x\r\n", b"Content-Length: -1\r\n", b"Content-Length: 5\r\nContent-Length: 6\r\n", b"Transfer-Encoding: chunked\r\n", b"Content-Length: 99999999999999999999\r\n",
                            b"X: " + b"y" * 70_000 + b"\r\n", b"X\x00: y\r\n", b"Content-Encoding: gzip\r\n", b"Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Key: x\r\n",
                            b"X-Twin-Name: %ff%fe\r\n", b"Content-Length: 10\r\n", token, b"X-Forwarded-For: " + b"1.2.3.4, " * 500 + b"\r\n", "X-Ünï: 你\r\n".encode(),
                            b"Expect: 100-continue\r\n", b"Range: bytes=0-,0-,0-\r\n"), rng.randrange(6))
        rest = rng.choice((b"", b"\r\n", b"\r\n{}", b"\r\nffffffffff\r\nx", b"\r\n5\r\nhello\r\n0\r\n\r\n", b"\r\n" + rng.randbytes(300)))

        def knock() -> bytes:
            with socket.create_connection(("127.0.0.1", self.fortress.port), timeout=10) as line:
                with contextlib.suppress(OSError):
                    line.sendall(start + b"".join(heads) + rest)
                    if rng.random() < 0.5:
                        line.shutdown(socket.SHUT_WR)
                    line.settimeout(rng.choice((0.02, 0.2)))
                    return line.recv(4096)
            return b""
        got = await asyncio.to_thread(knock)
        if got.startswith(b"HTTP/1.1 5") and not got.startswith((b"HTTP/1.1 501", b"HTTP/1.1 505", b"HTTP/1.1 503")):
            self.fault("crashes", f"raw/{number}", repr(got[:200]))

    async def message(self, web: Any, number: int, rng: Any) -> None:
        """A socket's worth of messages; then it must still answer, or have said why it closed."""
        from websockets.asyncio.client import connect
        from websockets.exceptions import ConnectionClosed

        from twin.wire.requests import SHAPES
        name = f"message/{number}"
        who = rng.choice(("bea", "bea", "cy"))
        hello: Any = {"type": "hello", "token": self.fortress.tokens[who], "lang": rng.choice(("en", "zh")), "codecs": [rng.choice(("opus", "pcm16", "x"))],
                      "page": f"{rng.getrandbits(128):032x}", "greet": rng.random() < 0.1, "twin": rng.choice(("maya", "lin", self.fortress.ids["twin"], "nobody"))}
        if rng.random() < 0.2:
            hello["conversation"] = self.fortress.ids["conversation"]
        if rng.random() < 0.1:
            hello[rng.choice(list(hello))] = malice.value(rng, self.extra)
        met: list[str | bytes] = []
        try:
            async with asyncio.timeout(PATIENCE), connect(f"ws://127.0.0.1:{self.fortress.port}/live", max_size=None, proxy=None, compression=None) as line:
                await line.send(json.dumps(hello) if rng.random() < 0.97 else malice.message(SHAPES, rng, self.extra))
                try:
                    reader = asyncio.create_task(_read(line, met))
                    for _ in range(TOGETHER):
                        await line.send(malice.message(SHAPES, rng, self.extra))
                        if rng.random() < 0.1:
                            await asyncio.sleep(rng.choice((0, 0.005, 0.03)))
                        if reader.done():
                            break
                    if not reader.done():
                        await line.send(json.dumps({"type": "stop"}))
                        await line.send(json.dumps({"type": "ping", "t": 77_777}))
                        await asyncio.wait({reader}, timeout=PATIENCE / 2)
                        if not reader.done():
                            self.fault("hangs", name, "a socket answers no more")
                    reader.cancel()
                except ConnectionClosed:
                    pass
            if line.close_code == 1011 or (line.close_code == 1006 and not met):
                self.fault("crashes", name, f"the socket closed with {line.close_code}")
        except TimeoutError:
            self.fault("hangs", name, "a socket did not end")
        except OSError as error:
            self.fault("crashes", name, f"no socket: {error}")
        for one in met:
            data = one.encode("utf-8", "replace") if isinstance(one, str) else one
            if self.fortress.canary.encode() in data:
                self.fault("leaks", name, f"Ada's words came to {who}: {data[:300]!r}")
            if b"site-packages" in data or b'"/root' in data:
                self.fault("leaks", name, f"insides: {data[:300]!r}")

    async def ask(self, web: Any, name: str, who: str, method: str, path: str, headers: dict[str, str], content: bytes, dull: bool = False) -> Any:
        import httpx
        try:
            body, began = b"", time.monotonic()
            async with asyncio.timeout(PATIENCE), web.stream(method, path, headers=headers, content=content) as got:
                flows = got.headers.get("content-type", "") in ("application/x-ndjson", "text/event-stream; charset=utf-8")
                async for piece in got.aiter_bytes():
                    body += piece
                    if len(body) > 32 << 20 or (flows and (time.monotonic() - began > LEAVES or (dull and len(body) > 2_000))):
                        break                            # the reader leaves in the middle of the work
            got._content = body
            self.judge(name, who, got.status_code, got.headers, body, dull)
            return got
        except TimeoutError:
            if not (dull and method == "GET"):           # an event stream of Gradio's lives on
                self.fault("hangs", name, f"{method} {path[:120]} was not answered in {PATIENCE:.0f} s")
        except (httpx.RemoteProtocolError, httpx.ReadError, httpx.WriteError) as error:
            if self.fortress.process.poll() is not None:
                self.fault("crashes", name, f"the server is gone: {error!r}")
        except (httpx.HTTPError, httpx.InvalidURL, UnicodeError, ValueError) as error:
            if isinstance(error, httpx.ConnectError):
                self.fault("crashes", name, f"nobody answers: {error!r}")
        return None

    def file(self, rng: Any, kind: str) -> tuple[bytes, str]:
        """(a file of that kind or of another, its name)."""
        dice = rng.random()
        if kind == "any" or dice < 0.1:
            kind = rng.choice(("image/*", "audio/*", "card", "text/plain", "application/zip"))
        if kind == "image/*":
            name = rng.choice(("png", "jpg", "webp", "gif", "bomb", "png", "jpg"))
            return (self.files[name] if name == "bomb" or rng.random() < 0.3 else malice.flipped(self.files[name], rng)), f"a.{name}"
        if kind == "audio/*":
            return (malice.odd_wav(rng) if rng.random() < 0.4 else malice.sound(rng) if rng.random() < 0.5 else malice.flipped(malice.sound(rng), rng)), "a.wav"
        if kind in ("card", "application/octet-stream"):
            made = malice.dump(malice.card(rng))
            return rng.choices(((made, "a.json"), (malice.text_png(b"ccv3" if rng.random() < 0.5 else b"chara", base64.b64encode(made)), "a.png"), (malice.charx(rng), "a.charx"),
                                (malice.flipped(made, rng), "a.json"), (malice.nested(rng.choice((500, 100_000))), "a.json"), (self.files["zbomb"], "a.png")),
                               (40, 25, 15, 15, 4, 1))[0]
        if kind == "application/zip":
            return malice.bundle(self.own, rng, str(self.fortress.trace), self.extra), "a.twin"
        return malice.chat(rng), "chat.txt"

    # all of them ----------------------------------------------------------------------------------------------------------------------

    async def run(self, group: str, count: int, only: int | None = None) -> None:
        """So many cases of a group; a socket's messages count one by one."""
        import httpx
        each = TOGETHER if group == "message" else 1
        numbers: Iterator[int] = iter([only] if only is not None else range(max(1, count // each)))
        case: Callable[..., Any] = getattr(self, group)

        async def work(web: Any) -> None:
            for number in numbers:
                self.cases[group] += each
                await case(web, number, malice.rng_of(self.seed, group, number))
                if self.fortress.process.poll() is not None:
                    self.fault("crashes", f"{group}/{number}", "the server has ended")
                    return
        async with httpx.AsyncClient(base_url=self.fortress.url, timeout=PATIENCE + 5, trust_env=False, follow_redirects=False) as web:
            await asyncio.gather(*(work(web) for _ in range(WORKERS)))

    async def walls(self) -> None:
        """Every id of Ada's in every route and message, by another user, by a stranger and by nobody."""
        import httpx

        from bench.client import Client
        async with httpx.AsyncClient(base_url=self.fortress.url, timeout=PATIENCE, trust_env=False) as web:
            for method, path, _ in self.operations:
                if "{" not in path or path.startswith(("/web/", "/draft/")) or path.endswith("/share/try"):     # one's own draft and trial, whatever the name
                    continue
                for who in ("bea", "cy", ""):
                    for given in self.ids:
                        full = re.sub(r"\{(\w+)\}", lambda part, given=given: "portrait.webp" if part[1] == "file" else given, path)
                        self.cases["walls"] += 1
                        got = await self.ask(web, f"walls/{method} {full}", who, method, full, self.fortress.header(who), b"{}")
                        if got is not None and got.status_code < 400:
                            self.fault("leaks", f"walls/{method} {full}", f"{who or 'nobody'} was answered {got.status_code}: {got.content[:200]!r}")
        twin, conversation = self.fortress.ids["twin"], self.fortress.ids["conversation"]
        async with Client(self.fortress.url, token=self.fortress.tokens["bea"], twin=twin, conversation=conversation, decodes=False) as client:
            if client.begin["twin"]["id"] == twin or client.begin["history"] or client.conversation == conversation or twin in json.dumps(client.begin["twins"]):
                self.fault("leaks", "walls/hello", "a hello opened another's twin or conversation")
            for message in ({"type": "twin", "id": twin}, {"type": "resume", "conversation": conversation}, {"type": "forget", "conversation": conversation}):
                self.cases["walls"] += 1
                await client.send(message)
                told, _ = await client.until(lambda header, _: header["type"] in ("error", "ready"))
                if told["type"] != "error":
                    self.fault("leaks", f"walls/{message['type']}", str(told)[:200])


async def _read(line: Any, met: list[str | bytes]) -> None:
    async for one in line:
        met.append(one if isinstance(one, str) else one[:4000])
        if isinstance(one, str) and "77777" in one and '"pong"' in one:
            return


# with the usual limits ------------------------------------------------------------------------------------------------------------------


async def flood(fortress: Fortress) -> dict[str, float]:
    """From one address requests as fast as they go, a thousand idle sockets and slow senders; from another somebody talks. s until they hear."""
    import httpx
    from websockets.asyncio.client import connect

    stop, told = asyncio.Event(), Counter[str]()
    address = f"ws://127.0.0.1:{fortress.port}/live"

    async def shout() -> None:
        async with httpx.AsyncClient(base_url=fortress.url, timeout=30, trust_env=False) as web:
            while not stop.is_set():
                with contextlib.suppress(httpx.HTTPError):
                    told[str((await web.post("/api/talk", json={"twin": "maya", "text": "Hello."}, headers={"X-Twin-Token": secrets.token_hex(32)})).status_code)] += 1

    async def trickle() -> None:
        with contextlib.suppress(OSError):
            reader, writer = await asyncio.open_connection("127.0.0.1", fortress.port)
            writer.write(f"POST /draft/voice HTTP/1.1\r\nHost: x\r\nX-Twin-Token: {secrets.token_hex(32)}\r\nContent-Length: 90000000\r\n\r\n".encode())
            while not stop.is_set():
                writer.write(b"x" * 500)
                await writer.drain()
                await asyncio.sleep(0.5)
            writer.close()

    async def talks() -> float:
        """Seconds from a new socket to the first sound, from 127.0.0.2."""
        began = time.perf_counter()
        async with asyncio.timeout(60), connect(address, proxy=None, local_addr=("127.0.0.2", 0), max_size=None, open_timeout=60) as line:
            await line.send(json.dumps({"type": "hello", "token": secrets.token_hex(32), "codecs": ["opus"]}))
            await line.send(json.dumps({"type": "say", "text": "How much is a flat tyre?"}))
            async for one in line:
                if isinstance(one, bytes):
                    return time.perf_counter() - began
                if '"type":"error"' in one:
                    raise ConnectionError(one[:300])
        return 60.0

    figures: dict[str, float] = {"talk_alone_s": await talks()}
    others = [asyncio.create_task(shout()) for _ in range(8)]
    await asyncio.sleep(2)
    figures["talk_in_flood_s"] = max([await talks() for _ in range(3)])
    stop.set()
    await asyncio.gather(*others)
    figures["flood_held_off"] = round(told["429"] / max(1, told.total()), 3)
    stop.clear()
    idle = []
    for _ in range(1000):
        with contextlib.suppress(OSError, TimeoutError):
            idle.append(await connect(address, proxy=None, open_timeout=30))
    figures["idle_sockets"] = len(idle)
    slow = [asyncio.create_task(trickle()) for _ in range(12)]
    figures["talk_beside_idle_s"] = max([await talks() for _ in range(2)])
    await asyncio.sleep(6)
    stop.set()
    await asyncio.gather(*slow)
    figures["idle_left"] = sum(line.close_code is None for line in idle)
    for line in idle:
        line.transport.abort()
    return figures


def run(options) -> dict[str, object]:
    _more_files()
    total = 600 if options.quick else options.cases
    with contextlib.ExitStack() as stack:
        if options.only == "flood":
            with Fortress(options.keep or Path(stack.enter_context(tempfile.TemporaryDirectory())), limits=1.0) as fortress:
                return dict(asyncio.run(flood(fortress)))
        folder = options.keep or Path(stack.enter_context(tempfile.TemporaryDirectory()))
        folder.mkdir(parents=True, exist_ok=True)
        figures = attacked(folder, total, options.seed, options.only)
        if not options.quick and not options.only:
            with Fortress(folder, limits=1.0) as fortress:
                flooded = asyncio.run(flood(fortress))
                after = fortress.faults()
            figures |= {name: round(value, 2) for name, value in flooded.items()}
            figures["crashes"] = int(str(figures["crashes"])) + len(after)
            figures["hangs"] = int(str(figures["hangs"])) + sum(value >= 20 for name, value in flooded.items() if name.startswith("talk_"))
    return figures


def attacked(folder: Path, total: int, seed: int, only: str = "") -> dict[str, object]:
    group, _, number = only.partition("/")
    with Fortress(folder) as fortress:
        fortress.fill()
        siege = Siege(fortress, seed)
        before = fortress.counted()
        kept = [json.loads(line) for line in KEPT.read_text().splitlines() if line.strip()] if KEPT.exists() and not only else []
        for case in kept:                                # what was found before
            name, _, which = case["case"].partition("/")
            siege.seed = case["seed"]
            asyncio.run(siege.run(name, 1, int(which)))
        siege.seed = seed
        asyncio.run(siege.walls())
        for name, share in SHARES.items():               # a first helping, so that memory is compared in a server that has worked
            if not only:
                asyncio.run(siege.run(name, round(total * share * 0.15)))
        began, warm = time.monotonic(), fortress.memory()
        for name, share in SHARES.items():
            if not only or name == group:
                asyncio.run(siege.run(name, round(total * share), int(number) if number else None))
                print(f"  {name}: {siege.cases[name]} cases, {fortress.memory():.0f} MB, {time.monotonic() - began:.0f} s", file=sys.stderr, flush=True)
        alive = fortress.process.poll() is None and fortress.web.get("/health").status_code == 200
        time.sleep(0 if only else 5)
        after, grown = fortress.counted() - before, fortress.memory() - warm
        deep = {key: times for key, times in after.items() if key[2] not in FIRST and (key[0] == "message" or (
            not key[1].partition(" ")[2].startswith(("/gradio_api", "(none)")) and key[3] not in ("404", "405") or (key[3] == "404" and key[2])))}
        from twin.wire.requests import SHAPES
        doors = {("http", f"{method} {path}") for method, path, _ in siege.operations} | {("message", name) for name in SHAPES}
        reached = {key[:2] for key in deep} & doors
        if not alive:
            siege.fault("crashes", "all", "the server does not answer any more")
        if fortress.called:
            siege.fault("leaks", "all", f"the server called an address out of a text {fortress.called} times")
        if fortress.trace.exists():
            siege.fault("leaks", "all", "a pickle was opened")
    for line in fortress.faults():
        siege.fault("leaks" if line.startswith("leak") else "crashes", "log", line)
    if siege.failed:
        (folder / "failed.jsonl").write_text("".join(json.dumps({"seed": seed, **case}) + "\n" for case in siege.failed))
    cases = siege.cases.total()
    return {"cases": cases, "deep": round(sum(deep.values()) / max(1, cases), 3), "covered": round(len(reached) / len(doors), 3), "crashes": siege.crashes,
            "leaks": siege.leaks, "hangs": siege.hangs, "memory_growth_mb": round(grown, 1), "seed": seed, "seconds": round(time.monotonic() - began)} | {
            f"cases_{name}": count for name, count in siege.cases.items()} | ({"not_covered": ", ".join(f"{b}" for _, b in sorted(doors - reached))} if doors - reached else {})


def _more_files() -> None:
    from twin.serve import _more_files
    _more_files()
