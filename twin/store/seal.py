"""Secrets at rest: AES-256-GCM under keys that a passphrase (scrypt) or the server (TWIN_KEY) wraps. Bytes in, bytes out; no files.

A twin's files are sealed under a random key of its own. That key lies beside them in a *box*: wrapped under the passphrase, then, on a shared
server, once more under the server's key. So a stolen disk opens nothing, and a server alone cannot open a twin behind a passphrase.
"""
from __future__ import annotations

import base64
import os
import secrets
from collections.abc import Mapping
from functools import lru_cache
from typing import Any

from ..errors import Locked, Refused

KEY, NONCE, TAG = 32, 12, 16                             # bytes
LOG_N, R, P = 16, 8, 1                                   # scrypt (RFC 7914): 64 MB and some 0.2 s a guess
MOST_LOG_N = 17                                          # what a box from elsewhere may ask of this machine
SHORTEST, LONGEST = 8, 1024                              # characters of a passphrase


def new_key() -> bytes:
    return secrets.token_bytes(KEY)


def seal(key: bytes, data: bytes, about: str) -> bytes:
    """nonce + ciphertext + tag. `about` is bound to it: it opens only where it belongs."""
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM
    nonce = secrets.token_bytes(NONCE)
    return nonce + AESGCM(key).encrypt(nonce, data, about.encode())


def unseal(key: bytes, sealed: bytes, about: str) -> bytes:
    """Raises Refused when the key is another, or a bit was changed."""
    from cryptography.exceptions import InvalidTag
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM
    try:
        if len(sealed) < NONCE + TAG:
            raise InvalidTag
        return AESGCM(key).decrypt(sealed[:NONCE], sealed[NONCE:], about.encode())
    except InvalidTag:
        raise Refused("An encrypted file is damaged, or was made with another key.", "Take it from a copy that is whole.", code="damaged",
                      zh=("一个加密文件损坏了，或者用的是另一把钥匙。", "请换一份完好的副本。")) from None


def lock(key: bytes, passphrase: str = "", server: bytes | None = None) -> dict[str, Any]:
    """The box that holds a key: under the passphrase, under the server's key, or both. Raises Refused for a passphrase that is too short."""
    inner, box = key, {}
    if passphrase:
        salt = secrets.token_bytes(16)
        box = {"salt": _text(salt), "log_n": LOG_N, "r": R, "p": P}
        inner = seal(_derive(checked(passphrase), salt, LOG_N), key, "twin-key")
    return _close(inner, box, server)


def unlock(box: Mapping[str, Any], passphrase: str = "", server: bytes | None = None) -> bytes:
    """The key in a box. Raises Locked without the passphrase or for a wrong one, Refused when the server's key is another."""
    inner = inside(box, server)
    if "salt" not in box:
        return inner
    if not passphrase:
        raise Locked("This twin is behind a passphrase.", "Say the passphrase to open it for this visit.",
                     zh=("这个分身有口令保护。", "输入口令，这次访问期间就能打开。"))
    try:
        log_n, salt = int(box["log_n"]), base64.b64decode(box["salt"], validate=True)
        if not 10 <= log_n <= MOST_LOG_N or (box["r"], box["p"]) != (R, P) or len(salt) != 16:
            raise ValueError
    except (ValueError, KeyError, TypeError):
        raise Refused("The lock of this twin is damaged.", "Take it from a copy that is whole.", code="damaged",
                      zh=("这个分身的锁损坏了。", "请换一份完好的副本。")) from None
    try:
        return unseal(_derive(passphrase[:LONGEST], salt, log_n), inner, "twin-key")
    except Refused:
        raise Locked("That is not the passphrase of this twin.", "Try again; there is no other way in.", code="passphrase",
                     zh=("口令不对。", "请再试一次；没有别的办法能打开它。")) from None


def inside(box: Mapping[str, Any], server: bytes | None) -> bytes:
    """What is in the box once the server's own layer is off: a key, or a key under a passphrase."""
    try:
        inner = base64.b64decode(box["wrapped"], validate=True)
    except (ValueError, KeyError, TypeError):
        raise Refused("The lock of this twin is damaged.", "Take it from a copy that is whole.", code="damaged",
                      zh=("这个分身的锁损坏了。", "请换一份完好的副本。")) from None
    if box.get("server"):
        if server is None:
            raise Refused("This twin was kept under a server's key, and this server has none.", "Start it with the TWIN_KEY it was made under.",
                          code="no-key", zh=("这个分身是用服务器的钥匙保存的，而这台服务器没有钥匙。", "请用当初的 TWIN_KEY 启动。"))
        inner = unseal(server, inner, "server-key")
    return inner


def rebox(box: Mapping[str, Any], old: bytes | None, new: bytes | None) -> dict[str, Any]:
    """The same passphrase's box under another server's key, or under none."""
    kept = {name: box[name] for name in ("salt", "log_n", "r", "p") if name in box}
    return _close(inside(box, old), kept, new)


def behind_passphrase(box: Mapping[str, Any]) -> bool:
    return "salt" in box


def server_key() -> bytes | None:
    """The key in TWIN_KEY, or None. Raises Refused when it is too short to keep anything."""
    text = os.environ.get("TWIN_KEY", "").strip()
    if not text:
        return None
    if len(text) < 32:
        raise Refused(f"TWIN_KEY has {len(text)} characters; 32 are the least that keeps a secret.",
                      'Make one: python -c "import secrets; print(secrets.token_hex(32))"')
    return _stretched(text)


@lru_cache(maxsize=2)
def _stretched(text: str) -> bytes:
    from cryptography.hazmat.primitives import hashes
    from cryptography.hazmat.primitives.kdf.hkdf import HKDF
    return HKDF(hashes.SHA256(), KEY, None, b"twin server key").derive(text.encode())


def _close(inner: bytes, box: dict[str, Any], server: bytes | None) -> dict[str, Any]:
    if server is not None:
        inner, box = seal(server, inner, "server-key"), box | {"server": True}
    return box | {"wrapped": _text(inner)}


def checked(passphrase: str) -> str:
    """The passphrase. Raises Refused for one that is too short or too long."""
    if not SHORTEST <= len(passphrase) <= LONGEST:
        raise Refused(f"A passphrase has {SHORTEST} to {LONGEST} characters.", "Four or five words that you will remember are good.",
                      zh=(f"口令要有{SHORTEST}到{LONGEST}个字符。", "用四五个你记得住的词就很好。"), code="passphrase-short")
    return passphrase


def _derive(passphrase: str, salt: bytes, log_n: int) -> bytes:
    from cryptography.hazmat.primitives.kdf.scrypt import Scrypt
    return Scrypt(salt, KEY, 1 << log_n, R, P).derive(passphrase.encode("utf-8", "surrogatepass"))


def _text(raw: bytes) -> str:
    return base64.b64encode(raw).decode()
