"""Who is asking: one resolver for every route, socket and event, and what they may do.

At home a user is a random 256-bit token that the browser made and keeps in its localStorage; here only its hash is ever held, and everybody is
the owner of what they make. Where several people share a server, each signs in (a file of names and passwords, or Hugging Face) and the server
gives the browser such a token in the place of its own. A token is never looked for in a URL or a cookie.
"""
from __future__ import annotations

import hashlib
import hmac
import os
import re
import secrets
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from .errors import Missing, Refused, TwinError

HEADER = "X-Twin-Token"
OWNER, VISITOR = "owner", "visitor"                      # may make and keep twins; may talk with those that are shown
HUGGING_FACE = "huggingface"
LASTS = 30 * 86_400.0                                    # s of a sign-in
MOST_LOGINS = 10_000                                     # the oldest goes
COST = 2**15                                             # scrypt's n: 32 MB and some 60 ms a try
_TOKEN = re.compile(r"[0-9a-f]{64}")
_NAME = re.compile(r"[^\s:/\\\x00-\x1f]{1,64}")
# Longer than a token's 32 bytes, so that no token hashes to the id of a name.
_NAMED, _HUB = b"a user of this server who signed in with a password: ", b"a user of this server who signed in by Hugging Face: "
SIGN_IN = ("This server asks who you are.", "Sign in.")
SIGN_IN_ZH = ("这台服务器需要知道你是谁。", "请登录。")


@dataclass(frozen=True)
class User:
    """`id` is a SHA-256: good for a folder's name, useless for getting in. `key` comes of the token or the password, but not of the id: what is
    sealed under it opens only while its user asks. `hub` is what Hugging Face lets us do in their name; it is held in memory alone. `login` says by
    which sign-in they are here; "" at home and for a visitor."""
    id: str
    key: bytes = field(default=b"", repr=False, compare=False)
    role: str = field(default=OWNER, compare=False)
    name: str = field(default="", repr=False, compare=False)
    hub: str = field(default="", repr=False, compare=False)
    login: str = field(default="", repr=False, compare=False)

    @property
    def owner(self) -> bool:
        return self.role == OWNER


def token_of(source: Any) -> str:
    """The token of a socket's hello (a mapping with `token`), or of a request or Gradio event (an object with `headers`). Raises Refused
    when there is none of 64 hexadecimal digits."""
    headers = getattr(source, "headers", None)           # asked first: a request is a mapping too, of what the server knows about it
    if headers is not None:
        token = headers.get(HEADER) or headers.get(HEADER.lower())
    else:
        token = source.get("token") if isinstance(source, Mapping) else None
    if not isinstance(token, str) or not _TOKEN.fullmatch(token):
        raise Refused("This browser did not say who it is.", "Reload the page; it makes a key of its own and keeps it in this browser.", code="who")
    return token


def who(source: Any) -> User:
    """The user at home behind a token (see token_of)."""
    raw = bytes.fromhex(token_of(source))
    return User(hashlib.sha256(raw).hexdigest(), hmac.digest(raw, b"twin user key", "sha256"))


class Users:
    """Those of one server. `kind`: "" (everybody is at home), "huggingface", or the path of a file of names and passwords (see Passwords).

    `visitors`: who has not signed in may talk. `owners`: of those who sign in by Hugging Face, who may make twins; () = all of them.
    `secret` is the server's own: keys of those who have no password come of it.
    """

    def __init__(self, kind: str = "", *, visitors: bool = False, owners: tuple[str, ...] = (), secret: bytes = b""):
        self.kind = kind if kind in ("", HUGGING_FACE) else "password"
        self.visitors, self.owners, self.secret = visitors, tuple(name.lower() for name in owners), secret or secrets.token_bytes(32)
        self.passwords = Passwords(Path(kind).expanduser()) if self.kind == "password" else None
        self._logins: dict[str, tuple[User, float, str]] = {}            # SHA-256 of a token -> (user, until, the line of the file it came from)
        self._trying = threading.BoundedSemaphore(2)                     # scrypt takes 32 MB a try

    def who(self, source: Any) -> User:
        """The user behind a hello, a request or an event. Raises Refused with code "who" without a token, "login" for one who must sign in."""
        token = token_of(source)
        if not self.kind:
            return who(source)
        name = _hashed(token)
        user, until, line = self._logins.get(name) or (None, 0.0, "")
        if user is not None and until > time.time() and (self.passwords is None or self.passwords.line(user.name) == line):
            return user
        self._logins.pop(name, None)
        if not self.visitors:
            raise Refused(*SIGN_IN, code="login", zh=SIGN_IN_ZH)
        home = who(source)
        return User(home.id, home.key, VISITOR)

    def stands(self, user: User) -> bool:
        """Whether who came in as this user is still signed in."""
        if not user.login:
            return not self.kind or (self.visitors and not user.owner)
        kept, until, line = self._logins.get(user.login) or (None, 0.0, "")
        return kept is not None and until > time.time() and (self.passwords is None or self.passwords.line(kept.name) == line)

    def told(self, source: Any) -> dict[str, Any]:
        """How one signs in here, and as whom this browser has."""
        try:
            user: User | None = self.who(source)
        except Refused:
            user = None
        how = "" if self.kind == HUGGING_FACE and not os.environ.get("OAUTH_CLIENT_ID") else self.kind       # an exported Space tried at home
        return {"how": how, "visitors": self.visitors, "signed_in": bool(user and user.name), "name": user.name if user else "",
                "role": user.role if user else ""}

    def sign_in(self, name: str, password: str) -> str:
        """A token for that name. Blocking, some 60 ms. Raises Refused, the same for a wrong name and a wrong password."""
        if self.passwords is None:
            raise Refused("Nobody signs in here with a password.", "Reload the page.", code="no-login", zh=("这里不用密码登录。", "请刷新页面。"))
        with self._trying:
            found = self.passwords.check(name, password)
        if found is None:
            raise Refused("That name and password do not belong together.", "Check both; capitals count.", code="wrong-password",
                          zh=("名字或密码不对。", "请检查，注意大小写。"))
        key, role, line = found
        return self._admit(User(hashlib.sha256(_NAMED + name.encode()).hexdigest(), key, role, name), line)

    def sign_in_hub(self, subject: str, name: str, groups: tuple[str, ...] = (), hub: str = "") -> str:
        """A token for somebody whom Hugging Face has named: their unchanging id, their name, their organisations."""
        identity = hashlib.sha256(_HUB + subject.encode()).hexdigest()
        known = {name.lower(), *(group.lower() for group in groups)}
        role = OWNER if not self.owners or known & set(self.owners) else VISITOR
        return self._admit(User(identity, hmac.digest(self.secret, identity.encode(), "sha256"), role, name, hub), "")

    def sign_out(self, source: Any) -> str:
        """The browser's token is good no more. Returns User.login of those it let in."""
        login = _hashed(token_of(source))
        self._logins.pop(login, None)
        return login

    def _admit(self, user: User, line: str) -> str:
        token = secrets.token_hex(32)
        login, now = _hashed(token), time.time()
        for name in [name for name, (_, until, _) in self._logins.items() if until <= now]:
            del self._logins[name]
        while len(self._logins) >= MOST_LOGINS:
            del self._logins[next(iter(self._logins))]
        self._logins[login] = (replace(user, login=login), now + LASTS, line)
        return token


class Passwords:
    """A file with one user a line: `name:scrypt:salt:check[:visitor]`. It is read again when it changes; whoever is no longer in it, or has
    another password, is signed out. `python -m twin user FILE NAME` writes it."""

    def __init__(self, path: Path):
        self.path = path
        self._read: tuple[int, int] = (0, 0)
        self._lines: dict[str, str] = {}

    def line(self, name: str) -> str:
        """A user's line, "" for nobody's."""
        return self._users().get(name, "")

    def check(self, name: str, password: str) -> tuple[bytes, str, str] | None:
        """(key, role, line) of a user who knows the password."""
        line = self.line(name) if _NAME.fullmatch(name) else ""
        parts = line.split(":")
        salt, check = (parts[2], parts[3]) if len(parts) >= 4 else ("00" * 16, "")
        try:
            found, key = _scrypt(password, bytes.fromhex(salt))          # for nobody too, so that the time tells nothing
        except ValueError:
            return None
        if not check or not hmac.compare_digest(found, check):
            return None
        return key, VISITOR if parts[4:] == [VISITOR] else OWNER, line

    def put(self, name: str, password: str, role: str = OWNER) -> None:
        """Add a user, or give one another password. Raises Refused for a name or password that cannot be taken."""
        if not _NAME.fullmatch(name):
            raise Refused("A name has 1 to 64 characters, no spaces, colons or slashes.", "Choose another.")
        if len(password) < 8:
            raise Refused("A password needs eight characters at least.", "Four or five words are good.")
        salt = secrets.token_bytes(16)
        line = f"{name}:scrypt:{salt.hex()}:{_scrypt(password, salt)[0]}" + (f":{VISITOR}" if role == VISITOR else "")
        self._write(self._kept() | {name: line})

    def remove(self, name: str) -> None:
        """Raises Missing for nobody."""
        users = self._kept()
        if users.pop(name, None) is None:
            raise Missing(f"There is no user {name!r} in {self.path}.", "Check the name.")
        self._write(users)

    def names(self) -> list[tuple[str, str]]:
        """(name, role) of everybody."""
        return [(name, VISITOR if line.endswith(f":{VISITOR}") else OWNER) for name, line in self._users().items()]

    def _kept(self) -> dict[str, str]:
        return dict(self._users()) if self.path.exists() else {}

    def _users(self) -> dict[str, str]:
        try:
            about = self.path.stat()
            if (about.st_mtime_ns, about.st_ino) != self._read:
                text = self.path.read_text(encoding="utf-8")
                rows = [line.strip() for line in text.splitlines() if line.strip() and not line.startswith("#")]
                self._lines = {row.split(":")[0]: row for row in rows}
                self._read = about.st_mtime_ns, about.st_ino
        except (OSError, UnicodeDecodeError) as error:
            why = error.strerror if isinstance(error, OSError) else "it is no text"
            raise Missing(f"The file of users {self.path} cannot be read: {why}.", f"Make it: python -m twin user {self.path} NAME") from None
        return self._lines

    def _write(self, users: Mapping[str, str]) -> None:
        beside = self.path.with_name(f".{self.path.name}.{secrets.token_hex(4)}")
        try:
            with open(os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as file:
                file.write("".join(f"{line}\n" for line in users.values()))
                file.flush()
                os.fsync(file.fileno())
            os.replace(beside, self.path)
        except OSError as error:
            raise TwinError(f"{self.path} cannot be written: {error.strerror}.", "Name a file in a folder that exists.") from None
        finally:
            beside.unlink(missing_ok=True)


def _scrypt(password: str, salt: bytes) -> tuple[str, bytes]:
    """(what may be kept to check it, the key that only the password gives)."""
    raw = hashlib.scrypt(password.encode("utf-8", "replace"), salt=salt, n=COST, r=8, p=1, maxmem=64 * 2**20, dklen=64)
    return hashlib.sha256(raw[:32]).hexdigest(), raw[32:]


def _hashed(token: str) -> str:
    return hashlib.sha256(bytes.fromhex(token)).hexdigest()
