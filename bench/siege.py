"""The cases of `bench attack`: one function for each way in, and what must hold for every answer. Each is made again from its seed, group and number."""
from __future__ import annotations

import asyncio
import base64
import contextlib
import json
import re
import socket
import sys
import time
import urllib.parse
from collections import Counter, deque
from collections.abc import Callable, Iterator
from random import Random
from typing import Any

from . import malice
from .fortress import PATIENCE, Fortress, whole
from .start import ROOT

SHARES = {"http": 0.29, "message": 0.50, "gradio": 0.08, "upload": 0.04, "bundle": 0.05, "raw": 0.04}          # of the cases
WORKERS = 6
LEAVES = 6.0             # s after which a stream of progress is left alone
TOGETHER = 40            # messages of one socket
OWN_TWINS = 12           # of one attacker; then some go
DEAR = {("POST", "/twins/{name}/share/page"): 0.02, ("POST", "/twins/{name}/share/space.zip"): 0.05, ("POST", "/twins/{name}/film"): 0.02,
        ("POST", "/draft/build"): 0.05, ("POST", "/api/create"): 0.3, ("POST", "/api/say"): 0.3, ("POST", "/api/talk"): 0.5, ("GET", "/metrics"): 0.3,
        ("GET", "/web/{path}"): 0.3, ("POST", "/draft/hear"): 0.3, ("POST", "/twins/{name}/lock"): 0.3, ("POST", "/twins/{name}/unlock"): 0.3,
        ("POST", "/twins/{name}/share/publish"): 0.3, ("DELETE", "/me"): 0.1, ("POST", "/me/export"): 0.3}     # weights of what costs the server much
QUIETLY = ("GET", "/api/", "/check")                     # all that Ada herself does meanwhile: nothing that changes what she has
OPEN = ("/health", "/healthz", "/ready", "/metrics", "/login", "/login/huggingface", "/login/callback", "/web/{path}", "/openapi.json", "/check")
Shape = dict[str, Any]


class Siege:
    """`crashes`, `leaks`, `hangs`, and the cases by group. `seed` and `fortress` make all of it."""

    def __init__(self, fortress: Fortress, seed: int):
        self.fortress, self.seed = fortress, seed
        self.failed: list[dict[str, Any]] = []
        self.cases: Counter[str] = Counter()
        self.crashes = self.leaks = self.hangs = 0
        self.slowest = (0.0, "")
        self.tried: set[str] = set()
        document = fortress.web.get("/openapi.json").json()
        self.operations = [(method.upper(), path, about) for path, methods in document["paths"].items() for method, about in methods.items()]
        self.weights = [DEAR.get((method, path), 1.0) for method, path, _ in self.operations]
        ours = {(method, path) for method, path, _ in self.operations}
        self.routes = [(method, path) for method, path in fortress.watched()["routes"] if (method, path) not in ours]    # Gradio's, and the socket
        self.ids = tuple(fortress.ids.values())
        self.extra = ("maya", "lin", *fortress.traps, "ada", fortress.murmur, f"My name is {fortress.murmur}.")          # no id of hers: it may come back
        self.files = {"png": malice.picture(), "jpg": malice.picture("JPEG"), "webp": malice.picture("WEBP"), "gif": malice.picture("GIF"),
                      "face": (ROOT / "assets" / "twins" / "maya" / "face" / "portrait.webp").read_bytes(),
                      "bomb": malice.huge_png(60_000, 60_000), "zbomb": malice.text_png(b"chara", b"", True)}
        self.own = fortress.files("nothing to hide", "Bea", 28)
        self.mine: dict[str, deque[str]] = {"bea": deque(), "cy": deque()}
        self.secrets = fortress.secrets()

    def fault(self, kind: str, name: str, told: str) -> None:
        setattr(self, kind, getattr(self, kind) + 1)
        self.failed.append({"kind": kind, "case": f"{self.seed}/{name}", "told": told[:600]})
        print(f"  {kind}: {self.seed}/{name}: {told[:300]}", file=sys.stderr, flush=True)

    def judge(self, name: str, who: str, sent: bytes, status: int, headers: Any, body: bytes, dull: bool = False) -> None:
        """The properties of every answer. `sent`: what was asked, for that may come back; `dull`: one of Gradio's own, which has no shape of ours."""
        if status >= 500 and status != 503:
            return self.fault("crashes", name, f"{status} {body[:300]!r}")
        found = self.foreign(who, sent, body + b"\n" + "\n".join(f"{key}: {value}" for key, value in headers.items()).encode("utf-8", "replace"))
        if found:
            return self.fault("leaks", name, f"{found} came to {who or 'nobody'}: {status} {body[:200]!r}")
        if "set-cookie" in headers and "signing-in" not in headers["set-cookie"] and not dull:
            return self.fault("leaks", name, f"a cookie: {headers['set-cookie']}")
        if "text/html" in headers.get("content-type", "") and malice.SCRIPT.encode() in body:
            return self.fault("leaks", name, "script came back as a page")
        if "access-control-allow-origin" in headers and "openapi" not in name and "evil" in headers["access-control-allow-origin"]:
            return self.fault("leaks", name, "another site may read it")
        if headers.get("x-content-type-options") != "nosniff":
            return self.fault("crashes", name, f"an answer without its headers: {status} {dict(headers)}")
        if not dull and status >= 400 and status not in (404, 405) and headers.get("content-type") == "application/json":
            told = json.loads(body)["error"]
            if not told["code"] or not told["message"]:
                return self.fault("crashes", name, f"an error that says nothing: {told}")
        return None

    def foreign(self, who: str, sent: bytes, got: bytes) -> str:
        """What stands in an answer that is another's, or the machine's; "" for nothing."""
        if who != "ada":
            if self.fortress.canary.encode() in got:
                return "Ada's word"
            if len(self.fortress.face) > 100 and self.fortress.face in got:
                return "Ada's face"
            for one in self.ids:
                if one.encode() in got and one.encode() not in sent:
                    return "an id of Ada's"
        return next((f"{word[:6]}... of the machine" for word in self.secrets if word.encode() in got and word.encode() not in sent), "")

    # one case each ------------------------------------------------------------------------------------------------------------------------

    async def http(self, web: Any, number: int, rng: Random) -> None:
        """A request to one of our routes, by one of the others, by nobody, by Ada."""
        method, path, about = rng.choices(self.operations, self.weights)[0]
        who = rng.choice(("bea", "bea", "bea", "bea", "bea", "cy", "cy", "", "ada"))
        if who == "ada" and not (method == "GET" or path.startswith(QUIETLY[1:])):
            who = "bea"
        self.tried.add(f"{method} {path}")
        own = await self.twin_of(web, f"http/{number}", who, rng) if "{name}" in path and who in self.mine else "maya"
        for part in re.findall(r"\{(\w+)\}", path):
            path = path.replace(f"{{{part}}}", urllib.parse.quote(self.name(part, own, rng).encode("utf-8", "replace"), safe="") or "x", 1)
        headers = {**self.fortress.header(who), "X-Twin-Language": rng.choice(("en", "zh", "xx"))}
        for given in about.get("parameters", ()):
            if given["in"] == "header" and rng.random() < 0.6:
                value = rng.choice(("0", "file", "100", "1", *malice.TEXTS))
                headers[given["name"]] = urllib.parse.quote(value.encode("utf-8", "replace"))[:6000]
        if rng.random() < 0.03:
            headers["Origin"] = rng.choice(("https://evil.example", "null", "http://127.0.0.1:1", self.fortress.url))
        if rng.random() < 0.02:
            headers["X-Twin-Token"] = rng.choice(("0" * 63, "g" * 64, "A" * 64, "../" * 21 + "x", "0" * 5000))
        content = b""
        if "requestBody" in about:
            kind, inside = next(iter(about["requestBody"]["content"].items()))
            hers = {name: {"enum": list(self.ids)} for name in ("twin", "conversation") if rng.random() < 0.25}
            shape = inside["schema"] if "properties" not in inside["schema"] else inside["schema"] | {
                "properties": inside["schema"]["properties"] | {name: ids for name, ids in hers.items() if name in inside["schema"]["properties"]}}
            content = malice.body(shape, rng, self.extra) if kind == "application/json" else self.file(rng, kind)[0]
        elif method == "POST":
            content = malice.body({"type": "object", "properties": {"text": {}, "name": {}}}, rng, self.extra)
        if rng.random() < 0.03:
            method = rng.choice(("PUT", "PATCH", "TRACE", "HEAD", "OPTIONS", "GET", *(("DELETE",) if who != "ada" else ())))
        got = await self.ask(web, f"http/{number}", who, method, path, headers, content)
        if got is not None and got.status_code == 200 and (path, method) == ("/me", "DELETE"):
            self.mine[who].clear()

    def name(self, part: str, own: str, rng: Random) -> str:
        """What stands in the place of {part} in a path: one's own, Ada's, nobody's, a way out of the folder."""
        dice = rng.random()
        if part == "file" and dice < 0.6:
            return rng.choice(("portrait.webp", "rig.json", "background.webp"))
        if part == "path" and dice < 0.6:
            return rng.choice(("talk.js", "page.css", "widget.js", "../app.py", "check.html"))
        if part == "k" and dice < 0.6:
            return rng.choice(("0", "1", "file"))
        if dice < 0.55:
            return own
        if dice < 0.90:
            return rng.choice((*self.ids, "maya", "lin", "x", *malice.PATHS))
        return str(malice.value(rng))[:300]

    async def twin_of(self, web: Any, name: str, who: str, rng: Random) -> str:
        """A twin of that attacker's own; sometimes a fresh one."""
        own = self.mine[who]
        if not own or rng.random() < 0.02:
            got = await self.ask(web, name, who, "POST", "/bundle", self.fortress.header(who), whole(self.own))
            if got is not None and got.status_code == 200:
                own.append(got.json()["twin"]["id"])
            while len(own) > OWN_TWINS:
                await self.ask(web, name, who, "DELETE", f"/twins/{own.popleft()}", self.fortress.header(who), b"")
        elif rng.random() < 0.05:
            listed = await self.ask(web, name, who, "GET", "/twins", self.fortress.header(who), b"")
            if listed is not None and listed.status_code == 200:
                self.mine[who] = own = deque(twin["id"] for twin in listed.json()["twins"])
        return rng.choice(own) if own else "x"

    async def upload(self, web: Any, number: int, rng: Random) -> None:
        """A file: of the right kind, damaged, lying, or another."""
        path, kind = rng.choice((("/draft/photo", "image/*"), ("/draft/photo", "image/*"), ("/draft/voice", "audio/*"), ("/draft/card", "card"),
                                 ("/draft/chat", "text/plain"), ("/check", "any"), ("/draft/reading", "audio/*"), ("/draft/face-check", "image/*")))
        content, name = self.file(rng, kind)
        sentence = rng.choice(("file", "0", "11", "12", "-1", "x"))
        headers = {**self.fortress.header(rng.choice(("bea", "cy"))), "X-Twin-Name": urllib.parse.quote(name), "X-Twin-Sentence": sentence}
        if path == "/draft/face-check":
            headers |= {"X-Twin-Turn": "0" * 16, "X-Twin-First": str(rng.choice((len(content), 0, 10**9)))}
            content += self.file(rng, kind)[0]
        self.tried.add(f"POST {path}")
        await self.ask(web, f"upload/{number}", "bea", "POST", path, headers, content)

    async def bundle(self, web: Any, number: int, rng: Random) -> None:
        """A .twin; what was taken is then looked at, talked with, handed out again."""
        who, name = rng.choice(("bea", "cy")), f"bundle/{number}"
        content, header = malice.bundle(self.own, rng, str(self.fortress.trace), self.extra), self.fortress.header(who)
        got = await self.ask(web, name, who, "POST", "/bundle", header, content)
        if got is None or got.status_code != 200:
            return
        twin = got.json()["twin"]["id"]
        for method, path in rng.sample((("GET", "fields"), ("GET", "card.png"), ("POST", "bundle"), ("POST", "duplicate"), ("GET", "share")), 2):
            self.cases["bundle"] += 1
            await self.ask(web, name, who, method, f"/twins/{twin}/{path}", header, b"")
        if rng.random() < 0.3:
            self.cases["bundle"] += 1
            await self.ask(web, name, who, "POST", "/api/talk", header, malice.dump({"twin": twin, "text": "Do you keep bees?"}))
        for other in (await web.get("/twins", headers=header)).json()["twins"]:
            if other["id"] not in self.mine[who]:
                await self.ask(web, name, who, "DELETE", f"/twins/{other['id']}", header, b"")

    async def gradio(self, web: Any, number: int, rng: Random) -> None:
        """Gradio's own doors, every one that its application has, and ours behind them."""
        content, name = b"", rng.choice(("live_open", "live_send", "live_events", "say", "talk", "create", "film", "nothing"))
        if rng.random() < 0.5:
            method, path = "POST", rng.choice((f"/gradio_api/run/{name}", f"/gradio_api/call/{name}", f"/gradio_api/api/{name}", "/gradio_api/queue/join",
                                               "/gradio_api/reset", "/gradio_api/cancel", f"/gradio_api/call/v2/{name}"))
        else:
            method, path = rng.choice(self.routes)
            if method == "WS":
                method, path = "GET", "/live"
            self.tried.add(f"{method} {path}")
            if "heartbeat" in path and rng.random() < 0.9:                   # it lives on, by design, until its reader leaves
                path = "/gradio_api/info"
        data = self.fortress.settings["TWIN_DATA"]
        there = rng.choice(("/etc/passwd", "..%2f..%2f..%2fetc/passwd", f"{data}/users.key", f"{ROOT}/app.py", *self.fortress.traps,
                            f"{data}/twins", "C:/windows/win.ini", "x", name))
        path = re.sub(r"\{[^}]*\}", lambda _: there, path)
        if rng.random() < 0.2:
            path += "?" + urllib.parse.urlencode({rng.choice(("session_hash", "upload_id", "url", "path", "token")): there})
        if method in ("POST", "PUT", "PATCH"):
            content = malice.dump(self.event(name, rng) if rng.random() < 0.85 else malice.value(rng))
        headers = {"Content-Type": "application/json"} | (self.fortress.header("bea") if rng.random() < 0.8 else {})
        if rng.random() < 0.03:
            headers["Origin"] = "https://evil.example"
        await self.ask(web, f"gradio/{number}", "bea", method, path, headers, content, dull=True)

    def event(self, name: str, rng: Random) -> Any:
        """An event of Gradio's for one of our endpoints."""
        hello = {"type": "hello", "token": self.fortress.tokens["bea"], "conversation": self.fortress.ids["conversation"], "twin": self.fortress.ids["twin"]}
        inside = rng.choice((json.dumps(hello), json.dumps(hello), json.dumps(malice.value(rng, self.extra)),
                             json.dumps({"session": "0" * 64, "n": 1, "messages": [malice.value(rng)]})))
        counts = {"say": 3, "talk": 5, "create": 6, "film": 4}
        given = [rng.choice(("maya", *self.ids)), rng.choice((*malice.TEXTS[:6], *self.extra)), "", rng.choice(("", "", *self.ids)), False, False]
        data: Any = [inside] if name.startswith("live") else given[:counts.get(name, 2) if rng.random() < 0.8 else rng.randrange(6)]
        return {"data": data if rng.random() < 0.8 else malice.value(rng, self.extra), "session_hash": rng.choice(("x", "y", None, "../x")),
                "fn_index": rng.choice((0, 1, 3, -1, 99, None, "a")), "event_id": None, "trigger_id": malice.value(rng) if rng.random() < 0.3 else None}

    async def raw(self, web: Any, number: int, rng: Random) -> None:
        """What is hardly HTTP."""
        token = f"X-Twin-Token: {self.fortress.tokens['bea']}\r\n".encode()
        start = rng.choice((b"GET / HTTP/1.1\r\n", b"POST /draft/persona HTTP/1.1\r\n", b"POST /bundle HTTP/1.1\r\n", b"GET /live HTTP/1.1\r\n",
                            b"\x16\x03\x01\x02\x00", b"GET " + b"/a" * 40_000 + b" HTTP/1.1\r\n", b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", rng.randbytes(50),
                            b"GET http://evil/ HTTP/1.1\r\n", b"POST /live HTTP/1.1\r\n", b"GET /web/../app.py HTTP/1.1\r\n",
                            b"GET /media/twins/../../etc/passwd HTTP/1.1\r\n"))
        heads = rng.sample((b"Host: x\r\n", b"Content-Length: -1\r\n", b"Content-Length: 5\r\nContent-Length: 6\r\n", b"Transfer-Encoding: chunked\r\n",
                            b"Content-Length: 99999999999999999999\r\n", b"X: " + b"y" * 70_000 + b"\r\n", b"X\x00: y\r\n", b"Content-Encoding: gzip\r\n",
                            b"Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Key: x\r\n", b"X-Twin-Name: %ff%fe\r\n",
                            b"Content-Length: 10\r\n", token, b"X-Forwarded-For: " + b"1.2.3.4, " * 500 + b"\r\n", "X-Ünï: 你\r\n".encode(),
                            b"Expect: 100-continue\r\n", b"Range: bytes=0-,0-,0-\r\n"), rng.randrange(6))
        rest = rng.choice((b"", b"\r\n", b"\r\n{}", b"\r\nffffffffff\r\nx", b"\r\n5\r\nhello\r\n0\r\n\r\n", b"\r\n" + rng.randbytes(300)))

        def knock() -> bytes:
            with socket.create_connection(("127.0.0.1", self.fortress.port), timeout=10) as line, contextlib.suppress(OSError):
                line.sendall(start + f"X-Case: raw/{number}/{self.seed}\r\n".encode() * (start[:3] in (b"GET", b"POS")) + b"".join(heads) + rest)
                if rng.random() < 0.5:
                    line.shutdown(socket.SHUT_WR)
                line.settimeout(rng.choice((0.02, 0.2)))
                return line.recv(4096)
            return b""
        got = await asyncio.to_thread(knock)
        if got.startswith(b"HTTP/1.1 5") and not got.startswith((b"HTTP/1.1 501", b"HTTP/1.1 505", b"HTTP/1.1 503")):
            self.fault("crashes", f"raw/{number}", repr(got[:200]))
        if found := self.foreign("bea", b"", got):
            self.fault("leaks", f"raw/{number}", found)

    async def message(self, web: Any, number: int, rng: Random) -> None:
        """A socket's worth of messages; then it must still answer, or have said why it closed."""
        from websockets.asyncio.client import connect
        from websockets.exceptions import ConnectionClosed

        from twin.wire.requests import SHAPES
        name, who = f"message/{number}", rng.choice(("bea", "bea", "cy"))
        hello: Any = {"type": "hello", "token": self.fortress.tokens[who], "lang": rng.choice(("en", "zh")), "codecs": [rng.choice(("opus", "pcm16", "x"))],
                      "page": f"{rng.getrandbits(128):032x}", "greet": rng.random() < 0.1,
                      "twin": rng.choice(("maya", "lin", self.fortress.ids["twin"], "nobody"))}
        if rng.random() < 0.2:
            hello["conversation"] = self.fortress.ids["conversation"]
        if rng.random() < 0.1:
            hello[rng.choice(list(hello))] = malice.value(rng, self.extra)
        met: list[str | bytes] = []
        sent = [json.dumps(hello) if rng.random() < 0.97 else malice.message(SHAPES, rng, self.extra, self.ids)]
        line, reader = None, None
        try:
            async with asyncio.timeout(PATIENCE), connect(f"ws://127.0.0.1:{self.fortress.port}/live", max_size=None, proxy=None, compression=None) as line:
                reader = asyncio.create_task(_read(line, met))
                with contextlib.suppress(ConnectionClosed):
                    await line.send(sent[0])
                    for _ in range(TOGETHER):
                        sent.append(malice.message(SHAPES, rng, self.extra, self.ids))
                        await line.send(sent[-1])
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
        except TimeoutError:
            self.fault("hangs", name, "a socket did not end")
        except OSError as error:
            self.fault("crashes", name, f"no socket: {error}")
        finally:
            if reader is not None:
                reader.cancel()
                await asyncio.gather(reader, return_exceptions=True)
        self.cases["message"] += len(sent)
        if line is not None and (line.close_code == 1011 or (line.close_code == 1006 and not met)):
            self.fault("crashes", name, f"the socket closed with {line.close_code}")
        said = b"\n".join(one.encode("utf-8", "replace") if isinstance(one, str) else one for one in sent)
        for one in met:
            if found := self.foreign(who, said, one.encode("utf-8", "replace") if isinstance(one, str) else one):
                self.fault("leaks", name, f"{found} came to {who}: {one[:300]!r}")

    async def ask(self, web: Any, name: str, who: str, method: str, path: str, headers: dict[str, str], content: bytes, dull: bool = False) -> Any:
        """A request, judged. The answer, or None where there was none."""
        import httpx
        body, began = b"", time.monotonic()
        try:
            async with asyncio.timeout(PATIENCE), web.stream(method, path, headers=headers | {"X-Case": f"{name}/{self.seed}"}, content=content) as got:
                flows = got.headers.get("content-type", "") in ("application/x-ndjson", "text/event-stream; charset=utf-8")
                async for piece in got.aiter_bytes():
                    body += piece
                    if len(body) > 32 << 20 or (flows and (time.monotonic() - began > LEAVES or (dull and len(body) > 2_000))):
                        break                            # the reader leaves in the middle of the work
            got._content = body
            self.slowest = max(self.slowest, (time.monotonic() - began, f"{method} {path[:60]}"))
            sent = b"\n".join((path.encode("utf-8", "replace"), urllib.parse.unquote(path).encode("utf-8", "replace"), content, str(headers).encode()))
            self.judge(name, who, sent, got.status_code, got.headers, body, dull)
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

    def file(self, rng: Random, kind: str) -> tuple[bytes, str]:
        """(a file of that kind or of another, its name)."""
        dice = rng.random()
        if kind == "any" or dice < 0.1:
            kind = rng.choice(("image/*", "audio/*", "card", "text/plain", "application/zip"))
        if kind == "image/*":
            name = rng.choice(("png", "jpg", "webp", "gif", "bomb", "png", "jpg", *(("face",) if rng.random() < 0.3 else ())))
            return (self.files[name] if name == "bomb" or rng.random() < 0.3 else malice.flipped(self.files[name], rng)), f"a.{name}"
        if kind == "audio/*":
            whole = malice.sound(rng)
            return (malice.odd_wav(rng) if rng.random() < 0.4 else whole if rng.random() < 0.5 else malice.flipped(whole, rng)), "a.wav"
        if kind in ("card", "application/octet-stream"):
            made = malice.dump(malice.card(rng))
            png = malice.text_png(b"ccv3" if rng.random() < 0.5 else b"chara", base64.b64encode(made))
            deep = malice.nested(rng.choice((500, 100_000)))
            return rng.choices(((made, "a.json"), (png, "a.png"), (malice.charx(rng), "a.charx"), (malice.flipped(made, rng), "a.json"), (deep, "a.json"),
                                (self.files["zbomb"], "a.png")), (40, 25, 15, 15, 4, 1))[0]
        if kind == "application/zip":
            return malice.bundle(self.own, rng, str(self.fortress.trace), self.extra), "a.twin"
        return malice.chat(rng), "chat.txt"

    # all of them --------------------------------------------------------------------------------------------------------------------------

    async def run(self, group: str, count: int, only: int | None = None) -> None:
        """So many cases of a group; a socket's messages count one by one."""
        import httpx
        each = TOGETHER if group == "message" else 1
        numbers: Iterator[int] = iter([only] if only is not None else range(max(1, count // each)))
        case: Callable[..., Any] = getattr(self, group)

        async def work(web: Any) -> None:
            for number in numbers:
                if group != "message":
                    self.cases[group] += 1
                await case(web, number, malice.rng_of(self.seed, group, number))
                if self.fortress.process.poll() is not None:
                    self.fault("crashes", f"{group}/{number}", "the server has ended")
                    return
        async with httpx.AsyncClient(base_url=self.fortress.url, timeout=PATIENCE + 5, trust_env=False, follow_redirects=False) as web:
            await asyncio.gather(*(work(web) for _ in range(WORKERS)))

    async def refused(self) -> None:
        """Everything that ends at the login or the first parser, at every door, so that the server learns what that runs."""
        import httpx
        from websockets.asyncio.client import connect
        bea, nobody = self.fortress.header("bea"), {"X-Twin-Token": "x"}
        self.fortress.watched("/learn")
        async with httpx.AsyncClient(base_url=self.fortress.url, timeout=PATIENCE, trust_env=False) as web:
            for method, path, about in self.operations:
                full, kind = re.sub(r"\{\w+\}", "x", path), next(iter(about.get("requestBody", {}).get("content", {})), "")
                tries: list[tuple[dict[str, str], bytes]] = [({}, b"{}"), (nobody, b"{}"), (bea | {"Origin": "https://evil.example"}, b"{}")]
                if kind == "application/json":
                    tries += [(bea, b"{"), (bea, b"\xff"), (bea, b"[1]"), (bea, b"")]
                if path in OPEN and method == "GET":
                    tries.append((bea, b""))
                for headers, content in tries:
                    await self.ask(web, "refused/0", "bea", method, full, headers, content)
            for path in ("live_open", "live_send", "live_events", "talk"):
                for given in (b"{", b"{}", b'{"data": []}', b'{"data": ["{"]}', b'{"data": ["{}"]}'):
                    await self.ask(web, "refused/0", "bea", "POST", f"/gradio_api/run/{path}", {}, given, dull=True)
            for path in ("/nothing", "/gradio_api/nothing", "/gradio_api/info"):
                await self.ask(web, "refused/0", "bea", "GET", path, bea, b"", dull=True)
        address = f"ws://127.0.0.1:{self.fortress.port}/live"
        hello = json.dumps({"type": "hello", "token": self.fortress.tokens["bea"]})
        for said in (["{"], ["{}"], ['{"type": "hello"}'], ['{"type": "hello", "token": "x"}'], ['{"type": "say", "text": "x"}'],
                     [hello, "{", "[]", "{}", '{"type": "x"}', '{"type": "say"}', '{"type": "say", "text": 1}', '{"type": "ping", "t": "x"}']):
            with contextlib.suppress(Exception):
                async with asyncio.timeout(5), connect(address, proxy=None) as line:
                    for k, one in enumerate(said):
                        if said[0] == hello and k == 0:              # to come in is no refusal
                            self.fortress.watched("/learned")
                        await line.send(one)
                        if said[0] == hello and k == 0:
                            await line.recv()
                            self.fortress.watched("/learn")
                    await asyncio.sleep(0.2)
        self.fortress.watched("/learned")

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
                        full = re.sub(r"\{(\w+)\}", lambda part, given=given: "portrait.webp" if part[1] == "file" else given, path)      # type: ignore[misc]
                        self.cases["walls"] += 1
                        got = await self.ask(web, f"walls/{method} {full} {who}", who, method, full, self.fortress.header(who),
                                             b'{"sure": true, "agreed": true}')
                        if got is not None and got.status_code < 400:
                            self.fault("leaks", f"walls/{method} {full}", f"{who or 'nobody'} was answered {got.status_code}: {got.content[:200]!r}")
            for path, body in (("/api/talk", {"twin": self.ids[0], "text": "Hello."}), ("/api/say", {"twin": self.ids[0], "text": "Hello."}),
                               ("/api/talk", {"twin": "maya", "text": "What is my secret word?", "conversation": self.fortress.ids["conversation"]})):
                self.cases["walls"] += 1
                got = await self.ask(web, f"walls/POST {path}", "bea", "POST", path, self.fortress.header("bea"), malice.dump(body))
                if got is None or got.status_code != 404:
                    self.fault("leaks", f"walls/POST {path}", f"{got}")
        twin, conversation = self.fortress.ids["twin"], self.fortress.ids["conversation"]
        for transport in ("socket", "gradio"):
            async with Client(self.fortress.url, transport=transport, token=self.fortress.tokens["bea"], twin=twin, conversation=conversation,
                              decodes=False) as client:
                begin = client.begin
                if begin["twin"]["id"] == twin or begin["history"] or client.conversation == conversation or twin in json.dumps(begin["twins"]):
                    self.fault("leaks", f"walls/hello {transport}", "a hello opened another's twin or conversation")
                for message in ({"type": "twin", "id": twin}, *({"type": kind, "conversation": conversation} for kind in ("resume", "forget"))):
                    self.cases["walls"] += 1
                    await client.send(message)
                    told, _ = await client.until(lambda header, _: header["type"] in ("error", "ready"))
                    if told["type"] != "error":
                        self.fault("leaks", f"walls/{message['type']} {transport}", str(told)[:200])

    def doors(self) -> tuple[set[str], set[str]]:
        """(every way in that is ours, those that a case went through to what is behind)."""
        from twin.wire.requests import SHAPES
        ours = {f"{method} {path}" for method, path, _ in self.operations if path not in OPEN} | set(SHAPES)
        return ours, {name for name, (_, deep) in self.fortress.watched()["cases"].items() if deep}


async def _read(line: Any, met: list[str | bytes]) -> None:
    async for one in line:
        met.append(one if isinstance(one, str) else one[:4000])
        if isinstance(one, str) and "77777" in one and '"pong"' in one:
            return
