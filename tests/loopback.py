"""A Hugging Face Hub on this machine that keeps what it receives: as much of its API as the client needs to publish a Space, and to fetch a model."""
from __future__ import annotations

import base64
import hashlib
import json
import re
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import unquote, urlsplit

import yaml

TOKEN, READER, STRANGER = "hf_" + "w" * 34, "hf_" + "r" * 34, "hf_" + "s" * 34
WHO = {TOKEN: ("ada", "write"), READER: ("ada", "read"), STRANGER: ("eve", "write")}
LARGE = 10 * 2**20                                       # bytes from which on a file goes to the large store


class Hub:
    """`with Hub() as hub:` -> hub.url; hub.repos["ada/x"] = {private, sdk, hardware, secrets, files, sha, commits}."""

    def __init__(self) -> None:
        self.repos: dict[str, dict[str, Any]] = {}
        self.large: dict[str, bytes] = {}
        self.asked: list[tuple[str, str]] = []           # (method, path) of every request
        self.bodies: list[bytes] = []
        self.refused = set()                             # hardware that nobody here may have
        self.broken: dict[str, int] = {}                 # part of a path -> how often the line breaks there
        self.sent = 0                                    # bytes that came into the large store
        self.models: dict[str, dict[str, bytes]] = {}    # name -> files, for everybody
        self.gated: set[str] = set()                     # of them those that want to know who asks
        self.pace = 0.0                                  # s between two pieces of a model's file
        self.cut = 0                                     # bytes of a file gone on with after which the line breaks again, once
        self.ranges: list[str] = []                      # the Range of every request for one

    def __enter__(self) -> Hub:
        hub = self
        handler = type("Handler", (_Handler,), {"hub": hub})
        self.server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        return self

    def __exit__(self, *_: Any) -> None:
        self.server.shutdown()
        self.server.server_close()

    def text(self, repo: str, name: str) -> str:
        return self.repos[repo]["files"][name].decode()


class _Handler(BaseHTTPRequestHandler):
    hub: Hub
    protocol_version = "HTTP/1.1"

    def log_message(self, *_: Any) -> None:
        pass

    def answer(self, status: int, body: Any = None, headers: dict[str, str] | None = None) -> None:
        data = body if isinstance(body, bytes) else json.dumps(body if body is not None else {}).encode()
        self.send_response(status)
        for name, value in {"Content-Type": "application/json", "Content-Length": str(len(data)), **(headers or {})}.items():
            self.send_header(name, value)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(data)

    def refuse(self, status: int, message: str, code: str = "") -> None:
        self.answer(status, {"error": message}, {"X-Error-Message": message} | ({"X-Error-Code": code} if code else {}))

    def any(self) -> None:
        hub, path = self.hub, unquote(urlsplit(self.path).path)
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        if self.headers.get("Transfer-Encoding") == "chunked":
            body = self._chunks()
        hub.asked.append((self.command, path))
        hub.bodies.append(body)
        for part, count in list(hub.broken.items()):
            if part in path and count:
                hub.broken[part] = count - 1
                self.close_connection = True
                self.connection.close()                  # without a word
                return
        if path.startswith("/large/"):
            self.store(path.rsplit("/", 1)[1], body)
            return
        if found := re.fullmatch(r"/api/models/([^/]+/[^/]+)|/([^/]+/[^/]+)/resolve/[0-9a-f]+/(.+)", path):
            self.model(found[1] or found[2], found[3])
            return
        if path == "/":
            self.answer(200)
            return
        name, role = WHO.get((self.headers.get("Authorization") or "").removeprefix("Bearer "), ("", ""))
        if not name:
            self.refuse(401, "Invalid credentials in Authorization header")
        elif path == "/api/whoami-v2":
            self.answer(200, {"type": "user", "name": name, "isPro": False, "orgs": [{"name": "bees"}], "auth": {"accessToken": {"role": role}}})
        elif path == "/api/validate-yaml":
            self.front_matter(json.loads(body)["content"])
        elif self.command not in ("GET", "HEAD") and role != "write":
            self.refuse(403, "You don't have the rights to do this with this token")
        elif path in ("/api/repos/create", "/api/repos/delete"):
            self.repos(path.rsplit("/", 1)[1], json.loads(body), name)
        elif found := re.fullmatch(r"/(?:api/)?spaces/([^/]+/[^/]+?)(?:\.git/info/lfs/objects)?(?:/(.*))?", path):
            self.space(found[1], found[2] or "", body, name)
        else:
            self.refuse(404, f"no such door: {path}")

    do_GET = do_HEAD = do_POST = do_PUT = do_DELETE = any

    def model(self, name: str, file: str | None) -> None:
        files, hub = self.hub.models.get(name), self.hub
        if files is None or (file is not None and file not in files):
            self.refuse(404, "Repository not found", "RepoNotFound")
        elif name in hub.gated and not self.headers.get("Authorization"):
            self.refuse(401, "Access to this model is restricted", "GatedRepo")
        elif file is None:
            about = [{"rfilename": path, "size": len(data), "blobId": "", **({"lfs": {"sha256": hashlib.sha256(data).hexdigest(), "size": len(data)}}
                      if path.endswith((".safetensors", ".gguf", ".bin")) else {})} for path, data in files.items()]
            self.answer(200, {"id": name, "sha": hashlib.sha1(name.encode()).hexdigest(), "siblings": about})
        else:
            data, asked = files[file], self.headers.get("Range") or "bytes=0-"
            hub.ranges.append(asked)
            start = int(re.match(r"bytes=(\d+)-", asked)[1])
            self.send_response(206 if start else 200)
            self.send_header("Content-Length", str(len(data) - start))
            self.end_headers()
            for at in range(start, len(data), 1 << 16):
                if start and hub.cut and at - start >= hub.cut:
                    hub.cut = 0
                    self.close_connection = True
                    self.connection.close()
                    return
                try:
                    self.wfile.write(data[at:at + (1 << 16)])
                except OSError:                          # nobody reads any more
                    self.close_connection = True
                    return
                time.sleep(hub.pace)

    def repos(self, what: str, asked: dict[str, Any], who: str) -> None:
        repo = f"{asked.get('organization') or who}/{asked['name']}"
        if repo.split("/")[0] not in (who, "bees"):
            if what == "delete":                         # who may not see it is not told that it is there
                self.refuse(404, "Repository not found", "RepoNotFound")
            else:
                self.refuse(403, "You don't have the rights to create a space under this namespace")
        elif what == "delete":
            self.answer(200) if self.hub.repos.pop(repo, None) else self.refuse(404, "Repository not found", "RepoNotFound")
        elif repo in self.hub.repos:
            self.refuse(409, "You already created this space repo")
        elif asked.get("hardware") in self.hub.refused:
            self.refuse(402, f"A subscription is required for {asked['hardware']}")
        else:
            self.hub.repos[repo] = {"private": asked.get("visibility") == "private" or asked.get("private") is True, "sdk": asked["sdk"], "hardware": asked.get("hardware"),
                                    "secrets": asked.get("secrets") or [], "files": {".gitattributes": b""}, "sha": "0" * 40, "commits": []}
            self.answer(200, {"url": f"{self.hub.url}/spaces/{repo}"})

    def space(self, repo: str, what: str, body: bytes, who: str) -> None:
        found = self.hub.repos.get(repo)
        if found is None or (found["private"] and repo.split("/")[0] not in (who, "bees")):
            self.refuse(404, "Repository not found", "RepoNotFound")
        elif what.startswith("preupload/"):
            self.answer(200, {"files": [{"path": f["path"], "uploadMode": "lfs" if f["size"] >= LARGE else "regular", "shouldIgnore": False,
                                         "oid": _oid(found["files"].get(f["path"]))} for f in json.loads(body)["files"]]})
        elif what == "batch":
            self.answer(200, {"transfer": "basic", "objects": [
                {"oid": o["oid"], "size": o["size"]} | ({} if o["oid"] in self.hub.large else {"actions": {"upload": {"href": f"{self.hub.url}/large/{o['oid']}"}}})
                for o in json.loads(body)["objects"]]}, {"Content-Type": "application/vnd.git-lfs+json"})
        elif what.startswith("commit/"):
            self.commit(repo, found, body)
        elif what == "settings":
            asked = json.loads(body)
            found["private"] = asked["private"] if "private" in asked else asked["visibility"] == "private"
            self.answer(200, {})
        elif what == "duplicate":
            asked = json.loads(body)
            to = asked["repository"]
            if to in self.hub.repos:
                self.refuse(409, "You already created this space repo")
                return
            private = asked.get("visibility") == "private" or asked.get("private") is True
            self.hub.repos[to] = found | {"private": private, "files": dict(found["files"]), "hardware": asked.get("hardware"), "secrets": asked.get("secrets") or [], "commits": []}
            self.answer(200, {"url": f"{self.hub.url}/spaces/{to}"})
        elif what.startswith("tree/"):
            self.answer(200, [{"type": "file", "path": path, "size": len(data), "oid": _oid(data)} for path, data in sorted(found["files"].items())])
        elif what.startswith("resolve/"):
            data = found["files"].get(what.split("/", 2)[2])
            if data is None:
                self.refuse(404, "Entry not found", "EntryNotFound")
            else:
                self.answer(200, data, {"ETag": f'"{_oid(data)}"', "X-Repo-Commit": found["sha"], "Content-Type": "application/octet-stream"})
        elif what == "" or what.startswith("revision/"):
            self.answer(200, {"id": repo, "sha": found["sha"], "private": found["private"], "sdk": found["sdk"], "tags": [],
                              "siblings": [{"rfilename": path} for path in found["files"]]})
        else:
            self.refuse(404, f"no such door of a Space: {what}")

    def commit(self, repo: str, found: dict[str, Any], body: bytes) -> None:
        """All of it, or nothing."""
        files = dict(found["files"])
        for line in filter(None, body.split(b"\n")):
            row = json.loads(line)
            about = row["value"]
            if row["key"] == "file":
                files[about["path"]] = base64.b64decode(about["content"])
            elif row["key"] == "lfsFile":
                if about["oid"] not in self.hub.large:
                    self.refuse(400, "That object was never uploaded")
                    return
                files[about["path"]] = self.hub.large[about["oid"]]
            elif row["key"] == "deletedFile":
                files.pop(about["path"], None)
        found["files"], found["sha"] = files, hashlib.sha1(body).hexdigest()
        found["commits"].append(sorted(files))
        self.answer(200, {"commitUrl": f"{self.hub.url}/spaces/{repo}/commit/{found['sha']}", "commitOid": found["sha"]})

    def store(self, oid: str, body: bytes) -> None:
        if hashlib.sha256(body).hexdigest() != oid:
            self.refuse(400, "Another file than was said")
            return
        self.hub.large[oid] = body
        self.hub.sent += len(body)
        self.answer(200)

    def front_matter(self, text: str) -> None:
        try:
            about = yaml.safe_load(text.split("---\n")[1])
            wrong = [key for key in ("title", "sdk", "emoji", "colorFrom", "colorTo") if not isinstance(about.get(key), str)]
            wrong += ["short_description"] if len(about.get("short_description", "")) > 60 else []
        except (yaml.YAMLError, IndexError, AttributeError):
            wrong = ["all of it"]
        self.answer(400 if wrong else 200, {"errors": [{"message": name} for name in wrong], "warnings": []})

    def _chunks(self) -> bytes:
        found = b""
        while size := int(self.rfile.readline().strip() or b"0", 16):
            found += self.rfile.read(size)
            self.rfile.readline()
        self.rfile.readline()
        return found


def _oid(data: bytes | None) -> str | None:
    """As git names a blob, and the large store an object."""
    if data is None:
        return None
    return hashlib.sha256(data).hexdigest() if len(data) >= LARGE else hashlib.sha1(b"blob %d\0" % len(data) + data).hexdigest()
