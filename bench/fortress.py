"""The server that `bench attack` attacks, started as users start it, with a user Ada in it whose words and twin nobody else may see."""
from __future__ import annotations

import contextlib
import hashlib
import http.server
import json
import os
import random
import re
import secrets
import signal
import socket
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any

from . import malice
from .start import ROOT, free_port

PATIENCE = 60.0          # s: what is not answered by then hangs
WATCHED = "/-/watched"


class Calm(random.Random):
    """Nothing is done to what it is asked about."""

    def random(self) -> float:
        return 0.5

    def randint(self, low: int, high: int) -> int:
        return low

    def choice(self, among: Any) -> Any:
        return among[0]


class Fortress:
    """`with Fortress(folder) as fortress:`. `limits`: how often one may ask (0 = as often as one likes); `stub`: engines that cost nothing."""

    def __init__(self, folder: Path, limits: float = 0.0, stub: bool = False):
        folder.mkdir(parents=True, exist_ok=True)
        self.folder, self.limits, self.stub, self.port = folder.resolve(), limits, stub, free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.log = folder / f"server-{self.port}.log"
        self.canary, self.murmur = f"zanzibar{secrets.token_hex(6)}", f"quokka{secrets.token_hex(6)}"          # Ada's word; what the others say
        self.trace = self.folder / "unpickled"
        self.tokens = {name: secrets.token_hex(32) for name in ("ada", "bea", "cy")}
        self.ids: dict[str, str] = {}
        self.called: list[str] = []                      # what the server asked of an address that it has no reason to call
        self.settings = {"TWIN_DATA": str(self.folder / f"data-{self.port}"), "TWIN_SHARED": "1", "TWIN_KEY": secrets.token_hex(32)}
        self.before: dict[str, str] = {}

    def __enter__(self) -> Fortress:
        self._listen()
        (self.folder / "tmp").mkdir(exist_ok=True)
        env = os.environ | self.settings | {
            "PORT": str(self.port), "HOST": "127.0.0.1", "TWIN_LIMITS": str(self.limits), "TWIN_LOG_FORMAT": "json", "TWIN_METRICS": "all",
            "HF_ENDPOINT": self.away, "HF_HUB_DISABLE_TELEMETRY": "1", "HF_TOKEN": "", "TMPDIR": str(self.folder / "tmp"),
            "PYTHONDONTWRITEBYTECODE": "1", "TWIN_STUB": "1" if self.stub else ""}
        self.process = subprocess.Popen([sys.executable, "-m", "bench.watched"], cwd=ROOT, env=env, stdout=subprocess.DEVNULL, stderr=self.log.open("w"),
                                        start_new_session=True)
        import httpx
        self.web = httpx.Client(base_url=self.url, timeout=PATIENCE, trust_env=False)
        end = time.monotonic() + 120
        while time.monotonic() < end and self.process.poll() is None:
            with contextlib.suppress(httpx.HTTPError):
                if self.web.get("/ready").status_code == 200:
                    return self
            time.sleep(0.2)
        self.__exit__()
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
        self._away.server_close()

    def _listen(self) -> None:
        """An address that nobody has a reason to call, on IPv4 and IPv6."""
        fortress = self

        class Called(http.server.BaseHTTPRequestHandler):
            def do_GET(self) -> None:                    # noqa: N802  (http.server's name)
                if "canary" in self.path:
                    fortress.called.append(self.path[:100])
                self.send_error(404)
            do_POST = do_HEAD = do_PUT = do_GET          # noqa: N815

            def log_message(self, *_: Any) -> None:
                pass

        class Both(http.server.ThreadingHTTPServer):
            address_family = socket.AF_INET6

            def server_bind(self) -> None:
                self.socket.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)
                super().server_bind()
        try:
            self._away: http.server.ThreadingHTTPServer = Both(("::", 0), Called)
        except OSError:                                  # no IPv6 here
            self._away = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Called)
        threading.Thread(target=self._away.serve_forever, daemon=True).start()
        self.away = f"http://127.0.0.1:{self._away.server_address[1]}"

    @property
    def traps(self) -> tuple[str, ...]:
        """Addresses of that place, as someone writes them who wants a server to call inwards."""
        port = self._away.server_address[1]
        hosts = ("127.0.0.1", "localhost", "2130706433", "0x7f000001", "017700000001", "127.1", "0.0.0.0", "[::1]", "[::ffff:127.0.0.1]",
                 "evil@127.0.0.1", "127.0.0.1.nip.io")
        return tuple(f"http://{host}:{port}/canary" for host in hosts)

    # Ada ----------------------------------------------------------------------------------------------------------------------------------

    def fill(self, film: bool = True) -> None:
        """Ada's twin, draft, conversation and film. Every one of them holds the canary."""
        header = self.header("ada")
        files = self.files(f"I keep a secret called {self.canary}.", f"Zelda {self.canary}")
        self.ids["twin"] = self._ok(self.web.post("/bundle", content=whole(files), headers=header)).json()["twin"]["id"]
        told = self._ok(self.web.post("/api/talk", json={"twin": "maya", "text": f"My secret word is {self.canary}, remember it."}, headers=header)).json()
        self.ids["conversation"] = told["conversation"]
        self._ok(self.web.post("/draft/persona", json={"name": self.canary}, headers=header))
        if film:
            made = self._ok(self.web.post("/twins/maya/film", json={"text": "Hello.", "aspect": "1:1"}, headers=header)).text.splitlines()[-1]
            self.ids["film"] = json.loads(made)["film"]
        if not all(self.canary in self.web.get(path, headers=header).text for path in (f"/twins/{self.ids['twin']}/fields", "/draft")):
            raise RuntimeError("Ada's word is not where it would be found")
        self.face = self.web.get(f"/media/twins/{self.ids['twin']}/face/portrait.webp", headers=header).content
        self.before = self.holds()

    @staticmethod
    def _ok(answer: Any) -> Any:
        if answer.status_code != 200:
            raise RuntimeError(f"{answer.request.url.path}: {answer.status_code} {answer.text[:300]}")
        return answer

    def holds(self) -> dict[str, str]:
        """What Ada has, as a hash of each thing: the same before and after, whatever the others did."""
        header, twin = self.header("ada"), self.ids["twin"]
        paths = {"twins": "/twins", "fields": f"/twins/{twin}/fields", "consent": f"/twins/{twin}/consent", "face": f"/media/twins/{twin}/face/portrait.webp",
                 "draft": "/draft"} | ({"film": f"/media/films/{self.ids['film']}"} if "film" in self.ids else {})
        found = {name: self.web.get(path, headers=header) for name, path in paths.items()}
        got = {name: answer.json() if "json" in answer.headers["content-type"] else answer.content for name, answer in found.items()}
        if isinstance(got["draft"], dict):
            got["draft"] = got["draft"]["draft"]
        return {name: hashlib.sha256(repr(value).encode()).hexdigest() for name, value in got.items()}

    def files(self, secret: str, who: str, size: int = 24) -> dict[str, bytes]:
        """The smallest whole twin, as a bundle holds it."""
        previous, os.environ["TWIN_DATA"] = os.environ.get("TWIN_DATA"), self.settings["TWIN_DATA"]
        try:
            from twin.trust import consent, digest
            record = consent(who, "self", ["talk", "film"], {"photo": digest(b"photo")})
        finally:
            if previous is None:
                del os.environ["TWIN_DATA"]
            else:
                os.environ["TWIN_DATA"] = previous
        face = malice.picture("WEBP", (size, size))
        return {"twin/persona.yaml": f"name: Ada\ndescription: Keeps bees.\nfacts: [{json.dumps(secret)}]\n".encode(),
                "twin/lines.en.yaml": b"- {id: bees, ask: [Do you keep bees?], say: [Eleven of them.]}\n", "twin/consent.json": json.dumps(record).encode(),
                "twin/measured.json": b'{"seconds": 1}', "twin/face/portrait.webp": face, "twin/face/background.webp": face,
                "twin/face/rig.json": json.dumps({"version": 1, "size": [size, size], "points": [[1, 2, 3]]}).encode()}

    def header(self, who: str) -> dict[str, str]:
        return {"X-Twin-Token": self.tokens[who]} if who in self.tokens else {}

    # what is seen from outside --------------------------------------------------------------------------------------------------------------

    def watched(self, what: str = "") -> dict[str, Any]:
        """See watched.py."""
        found: dict[str, Any] = self.web.post(f"{WATCHED}{what}").json()
        return found

    def memory(self) -> float:
        """MB that the server holds."""
        import psutil
        return float(psutil.Process(self.process.pid).memory_info().rss) / 2**20

    def files_open(self) -> int:
        import psutil
        return int(psutil.Process(self.process.pid).num_fds())

    def secrets(self) -> tuple[str, ...]:
        """What no answer and no line of the log may hold, whoever asks."""
        return (*self.tokens.values(), self.settings["TWIN_KEY"], str(self.folder), str(ROOT), "site-packages", "/root/", "Traceback (most recent")

    def faults(self) -> list[str]:
        """What the log says that it should not: errors, anybody's words, anybody's key."""
        found, words = [], (self.canary, self.murmur, *self.tokens.values(), self.settings["TWIN_KEY"])
        for line in self.log.read_text(errors="replace").splitlines():
            if any(word in line for word in words):
                found.append("leak: " + line[:300])
            try:
                record = json.loads(line)
                if not isinstance(record, dict):
                    raise ValueError
                if record.get("level") in ("error", "critical") or "error" in record:
                    found.append("log: " + line[-900:])
            except ValueError:
                if re.search(r"Traceback|Exception|Error|never (awaited|retrieved)", line):
                    found.append("log: " + line[:300])
        return found

    def strays(self, told: dict[str, Any]) -> list[str]:
        """What the process did outside its own folders and addresses."""
        found = [f"it connected to {there}" for there in told["connected"] if not self._known(there)]
        found += [f"it wrote {path}" for path in told["wrote"]]
        found += [f"it asked {path} of an address out of a text" for path in self.called]
        found += [f"there is {path}" for path in self.folder.rglob("*evil*") if "tmp" not in path.parts]
        return found + ([f"there is {self.trace}"] if self.trace.exists() else [])

    def _known(self, address: str) -> bool:
        """Itself (it knocks at its own page at the start), and the hub, which is here."""
        ours = (str(self.port), str(self._away.server_address[1]))
        return any(f"', {port}" in address for port in ours) and any(name in address for name in ("127.0.0.1", "localhost", "::1"))


def whole(files: dict[str, bytes]) -> bytes:
    """A bundle of these files, with nothing wrong."""
    return malice.bundle(files, Calm(), "")
