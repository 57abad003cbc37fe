"""The record of a yes: who, when, what for, how far it may go, to which statement, over which samples, what was checked; signed and revocable.

    {"version": 2, "who", "relation", "for": ["speech", "film"], "scope": "private" | "link" | "public", "agreed": true, "when", "statement",
     "language", "samples": {name: SHA-256}, "verified": {"voice": {"state", "why", ...}, "face": {...}}, "key", "signature", "revoked"?,
     "invented"?: {"engine", "seed"}}

A face that a program invented is nobody's: its record says by which engine and from which seed, and where the voice is a ready one as well its relation is
"nobody", for no person is in that twin.

The signature (Ed25519, RFC 8032) is over canonical JSON of all but itself and `revoked`, by a key that this installation makes at first use. It
shows any later change, and whether a check was made here or is only said to have been made elsewhere: `vouched`. A consent that was revoked here
stays revoked, whatever copy of its twin comes back. Version 1 (no scope: private; nothing was checked) is still read.
"""
from __future__ import annotations

import base64
import hashlib
import json
import os
import re
import secrets
import threading
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from ..errors import Refused, TwinError

STATEMENT = {
    "en": "I am the person in this picture and in these recordings, or that person has allowed me to do this. I agree that a digital twin is made "
          "of them for the purposes named here, and shared no further than named here. It will always say that it is an AI, and what it makes is marked "
          "as made by an AI. I will not use it to deceive anyone. I can take this back at any time: then it is unpublished and deleted, with everything "
          "made from it.",
    "zh": "我就是照片和录音里的人，或者已得到本人的许可。我同意用它们制作一个数字分身，只用于这里写明的用途，公开范围也不超出这里写明的范围。"
          "它总会说明自己是 AI，它生成的内容都会标明由 AI 生成。我不会用它欺骗任何人。我可以随时撤回同意：撤回后它会被取消发布，并连同由它生成的一切一起删除。"}
STATEMENT_VOICE = {                                      # where the face was invented and the voice is somebody's
    "en": "The face of this twin was invented by a program and is nobody's. I am the person in these recordings, or that person has allowed me to do this. "
          "I agree that a digital twin speaks with this voice for the purposes named here, and is shared no further than named here. It will always say that "
          "it is an AI, and what it makes is marked as made by an AI. I will not use it to deceive anyone. I can take this back at any time: then it is "
          "unpublished and deleted, with everything made from it.",
    "zh": "这个分身的脸由程序虚构，不属于任何人。我就是录音里的人，或者已得到本人的许可。我同意让一个数字分身使用这个声音，只用于这里写明的用途，"
          "公开范围也不超出这里写明的范围。它总会说明自己是 AI，它生成的内容都会标明由 AI 生成。我不会用它欺骗任何人。我可以随时撤回同意："
          "撤回后它会被取消发布，并连同由它生成的一切一起删除。"}
STATEMENT_NOBODY = {
    "en": "The face of this twin was invented by a program and its voice is a ready one. Neither is anybody's, so nobody's consent is needed. It will always "
          "say that it is an AI, and what it makes is marked as made by an AI.",
    "zh": "这个分身的脸由程序虚构，声音是现成的，都不属于任何人，因此不需要任何人的同意。它总会说明自己是 AI，它生成的内容都会标明由 AI 生成。"}
RELATIONS, PURPOSES, SCOPES = ("self", "permission"), ("speech", "film"), ("private", "link", "public")
NOBODY = "nobody"                                        # the relation, and who: in a twin of an invented face and a ready voice no person is
STATES = ("verified", "not verified")
CHECKED = ("voice", "face")
MOST_REVOKED = 10_000
Json = dict[str, Any]
_OLDER = {"talk": "speech"}                              # version 1 said talk
_HASH = re.compile(r"[0-9a-f]{64}")
_FREE = ("signature", "revoked")                         # what the signature does not cover
_GUARD = threading.Lock()


def digest(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


# a yes -----------------------------------------------------------------------------------------------------------------------------------

def consent(who: str, relation: str, purposes: Any, samples: Mapping[str, str], language: str = "en", *, scope: str = "private",
            verified: Mapping[str, Any] | None = None, folder: Path | None = None, invented: Mapping[str, Any] | None = None) -> Json:
    """The record of a yes: who, when, what for, how far, to which statement, over which samples (name -> SHA-256); `verified` is what was checked of
    it (challenge.py, likeness.py). Signed with the key in `folder`, the app's data folder, where one is named. `invented`: {"engine", "seed"} of a face
    that is nobody's. Raises Refused when it is incomplete."""
    who = " ".join(str(who).split())[:200]
    if not who:
        raise Refused("The consent needs a name: who agrees?", "Write the name of the person who says yes.", code="consent-who",
                      zh=("同意书上要有名字：是谁同意的？", "请写下同意者的姓名。"))
    nobody = relation == NOBODY and invented is not None and not _voices(samples)
    if relation not in RELATIONS and not nobody:
        raise Refused("The consent does not say whose face and voice these are.", "Say that they are yours, or that you have permission.",
                      code="consent-relation", zh=("同意书没有说明这是谁的脸和声音。", "请说明是你本人，或已得到许可。"))
    asked = {_OLDER.get(purpose, purpose) for purpose in purposes if isinstance(purpose, str)} if isinstance(purposes, (list, tuple)) else set()
    named = [purpose for purpose in PURPOSES if purpose in asked]
    if not named:
        raise Refused("The consent does not say what for.", "Choose talking, films, or both.", code="consent-for",
                      zh=("同意书没有说明用途。", "请选择对话、影片，或两者都选。"))
    if scope not in SCOPES:
        raise Refused("The consent does not say how far the twin may go.", "Choose: only me, people I give a link to, or everybody.", code="consent-scope",
                      zh=("同意书没有说明公开的范围。", "请选择：仅自己、知道链接的人，或所有人。"))
    given = verified or {}
    statement = STATEMENT if invented is None else STATEMENT_NOBODY if nobody else STATEMENT_VOICE
    record: Json = {"version": 2, "who": who, "relation": relation, "for": named, "scope": scope, "agreed": True,
              "when": datetime.now(UTC).isoformat(timespec="seconds"), "statement": statement.get(language, statement["en"]),
              "language": language if language in STATEMENT else "en", "samples": dict(samples),
              "verified": {part: dict(given.get(part) or {"state": "not verified", "why": "not-asked"}) for part in CHECKED}}
    if invented is not None:
        record |= {"invented": {name: invented.get(name) for name in ("engine", "seed")}}
        record["verified"]["face"] = {"state": "not verified", "why": "invented"}
    return signed(record, folder) if folder is not None else record


def renewed(record: Json, *, scope: str, purposes: Any = None, folder: Path | None = None) -> Json:
    """The same person's yes over the same samples, with another scope or other purposes. What was checked stays where this installation vouches for it."""
    agreed(record)
    kept = record.get("verified") if vouched(record, folder) == "here" else None
    language = record["language"]
    return consent(record["who"], record["relation"], purposes if purposes is not None else record["for"], record["samples"],
                   language, scope=scope, verified=kept, folder=folder, invented=record.get("invented"))


def agreed(record: Any, samples: Mapping[str, str] | None = None) -> Any:
    """The record, if it is a whole one, unchanged since it was signed, not revoked, and over these very samples where they are given. Raises Refused."""
    if not _whole(record) or (samples is not None and record["samples"] != dict(samples)):
        raise Refused("Nobody has agreed to a twin of this face and voice.", "Read the consent statement and say yes to it; it holds for these samples alone.",
                      code="consent", zh=("还没有人同意用这张脸和这个声音制作分身。", "请阅读同意书并表示同意；它只对这些素材有效。"))
    if _signature(record) == "broken":
        raise Refused("The consent was changed after it was signed.", "Take the twin from a copy that is whole, or make it anew.", code="consent-changed",
                      zh=("同意书在签名之后被改动过。", "请换一份完好的副本，或重新制作。"))
    if record.get("revoked"):
        raise _taken_back()
    return record


def consented(files: Mapping[str, bytes], folder: Path | None = None) -> None:
    """Raises Refused where nobody agreed to the twin of these files, or no longer: whatever the way in, nothing is kept without."""
    try:
        record = json.loads(files.get("consent.json", b"null"))
    except ValueError:
        record = None
    agreed(record)
    if revoked(record, folder):
        raise _taken_back()


def allows(record: Any, purpose: str, folder: Path | None = None) -> None:
    """Raises Refused when the consent was not given for that purpose ("speech", which version 1 calls "talk", or "film"), or was taken back: by its
    own word, and with `folder` also as that data folder remembers it."""
    if not isinstance(record, dict):
        return
    if revoked(record, folder):
        raise _taken_back()
    if _OLDER.get(purpose, purpose) not in [_OLDER.get(named, named) for named in record.get("for", ())]:
        raise Refused(f"The consent for this twin does not cover this use ({purpose}).", "Make the twin anew with a consent that names it.",
                      code="consent-for", zh=("这个分身的同意书不包括这种用途。", "请重新制作，并在同意书里选上它。"))


def record_of(twin: Any) -> Json | None:
    """The consent of a twin, None for one that is nobody's face. Raises Locked."""
    try:
        return json.loads(twin.read("consent.json")) if twin.has("consent.json") else None
    except ValueError:
        return None


def scope_of(record: Any) -> str:
    """How far a twin may go: "private" (its owner), "link" (whoever is given a file or a link), "public". Version 1 never asked: private."""
    return record["scope"] if isinstance(record, dict) and record.get("scope") in SCOPES else "private"


def scoped(record: Any, scope: str, folder: Path | None = None) -> None:
    """Raises Refused unless this consent lets the twin go that far ("link" or "public"). With `folder` what was revoked here is refused too, and a
    voice of somebody's own goes public only where it was verified here, or where no check was possible."""
    record = agreed(record)
    if revoked(record, folder):
        raise _taken_back()
    if SCOPES.index(scope) > SCOPES.index(scope_of(record)):
        en = {"link": "be given to others", "public": "be published to everybody"}.get(scope, scope)
        zh = {"link": "交给他人", "public": "向所有人公开"}.get(scope, scope)
        raise Refused(f"The person in this twin has not agreed that it may {en}: the consent says {scope_of(record)}.",
                      "Ask that person, then widen the consent on the twin's card.", code="consent-scope",
                      zh=(f"本人没有同意把这个分身{zh}：同意书上写的是“{_SCOPES_ZH[scope_of(record)]}”。", "请先征得本人同意，再在分身的卡片上放宽范围。"))
    if scope == "public" and folder is not None and (why := unverified(record, folder)) and why not in UNABLE:
        raise Refused("The voice in this twin was not verified: nobody has shown that its speaker agreed.",
                      "On the consent step, read the sentence that is shown aloud; or choose a ready voice.", code="consent-voice",
                      zh=("这个分身的声音没有经过验证：还不能说明说话人本人同意。", "请在同意这一步朗读显示的句子；或选择一个现成的声音。"))


_SCOPES_ZH = {"private": "仅自己", "link": "知道链接的人", "public": "所有人"}
UNABLE = ("language", "no-recogniser", "no-encoder")     # why no check of a voice was possible, whatever its speaker did


def unverified(record: Json, folder: Path | None = None) -> str:
    """Why the voice in a twin is not verified; "" where it is, or where there is no voice of anybody's own."""
    if not _voices(record.get("samples", ())):
        return ""
    voice = (record.get("verified") or {}).get("voice") or {}
    if voice.get("state") != "verified":
        return str(voice.get("why") or "not-asked")
    return "" if vouched(record, folder) == "here" else "elsewhere"


# taking it back ----------------------------------------------------------------------------------------------------------------------------

def reference(record: Any) -> str:
    """SHA-256 of a record's canonical JSON, without its signature: what credentials name, and what is remembered when it is revoked."""
    return digest(_canonical(record))


def revoke(record: Json, folder: Path) -> Json:
    """The record, taken back: it never counts again on this installation, in whatever copy. Raises TwinError when that can't be kept."""
    name, when = reference(record), datetime.now(UTC).isoformat(timespec="seconds")
    with _GUARD:
        known = _revocations(folder)
        known[name] = when
        while len(known) > MOST_REVOKED:
            known.pop(next(iter(known)))
        _keep(folder / "credentials" / "revoked.json", json.dumps({"version": 1, "revoked": known}).encode(), folder)
    return {**record, "revoked": when}


def revoked(record: Any, folder: Path | None = None) -> bool:
    """Whether a consent was taken back: by its own word, or as `folder`, the app's data folder, remembers it."""
    if not isinstance(record, dict):
        return False
    return bool(record.get("revoked")) or (folder is not None and reference(record) in _revocations(folder))


def withdrawn(name: str, folder: Path) -> bool:
    """Whether the consent of that reference was taken back on this installation."""
    return name in _revocations(folder)


def _revocations(folder: Path) -> dict[str, str]:
    try:
        return dict(json.loads((folder / "credentials" / "revoked.json").read_bytes())["revoked"])
    except FileNotFoundError:
        return {}
    except (OSError, ValueError, KeyError, TypeError):
        raise TwinError("The list of consents that were taken back cannot be read.", f"Mend or restore {folder / 'credentials' / 'revoked.json'}.",
                        zh=("读不出已撤回的同意书名单。", "请修复或恢复数据文件夹里的 credentials/revoked.json。")) from None


def _taken_back() -> Refused:
    return Refused("This consent was taken back: its twin may not be used any more.", "Delete the copy; whoever is in it would have to agree anew.",
                   code="consent-revoked", zh=("这份同意书已被撤回：它的分身不能再使用。", "请删除这份副本；需要本人重新同意才能再制作。"))


# the signature -----------------------------------------------------------------------------------------------------------------------------

def signed(record: Json, folder: Path) -> Json:
    """The record with this installation's public key and signature in it."""
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
    from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
    key = Ed25519PrivateKey.from_private_bytes(_key(folder))
    body = {**record, "key": _text(key.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw))}
    return {**body, "signature": _text(key.sign(_canonical(body)))}


def vouched(record: Any, folder: Path | None = None) -> str:
    """Who stands for a record: "here" (this installation signed it), "elsewhere" (another one did), "nobody", "broken" (it was changed since)."""
    found = _signature(record)
    if found != "whole":
        return {"none": "nobody"}.get(found, found)
    if folder is None or not (folder / "credentials" / "consent.key").is_file():
        return "elsewhere"
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
    from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
    own = Ed25519PrivateKey.from_private_bytes(_key(folder)).public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)
    return "here" if record["key"] == _text(own) else "elsewhere"


def _signature(record: Any) -> str:
    """ "none", "whole" or "broken"."""
    if not isinstance(record, dict) or ("signature" not in record and "key" not in record):
        return "none"
    from cryptography.exceptions import InvalidSignature
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
    try:
        key = Ed25519PublicKey.from_public_bytes(base64.b64decode(record["key"], validate=True))
        key.verify(base64.b64decode(record["signature"], validate=True), _canonical(record))
    except (InvalidSignature, KeyError, ValueError, TypeError):
        return "broken"
    return "whole"


def _canonical(record: Any) -> bytes:
    """JSON with sorted keys and nothing between, in UTF-8 (as RFC 8785 has it, but for numbers, which are Python's)."""
    body = {name: value for name, value in record.items() if name not in _FREE} if isinstance(record, dict) else record
    return json.dumps(body, ensure_ascii=False, sort_keys=True, separators=(",", ":"), allow_nan=False).encode("utf-8", "surrogatepass")


def _key(folder: Path) -> bytes:
    """This installation's private key, 32 bytes; made when it is not there."""
    place = folder / "credentials" / "consent.key"
    with _GUARD:
        try:
            if len(key := place.read_bytes()) == 32:
                return key
        except FileNotFoundError:
            pass
        except OSError as error:
            raise TwinError(f"The key that signs consents cannot be read ({error.strerror}).", f"Make {place} readable.") from None
        key = secrets.token_bytes(32)
        _keep(place, key, folder)
        return key


def _keep(place: Path, data: bytes, folder: Path) -> None:
    try:
        place.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        beside = place.parent / f".new-{os.getpid()}-{secrets.token_hex(4)}"                # store/sweep.py takes it away after a sudden end
        with open(os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        os.replace(beside, place)
    except OSError as error:
        raise TwinError(f"What belongs to consents could not be kept ({error.strerror}).", f"Make {folder} writable.",
                        zh=("和同意书有关的数据没能保存。", "请检查数据文件夹是否可写。")) from None


def _text(raw: bytes) -> str:
    return base64.b64encode(raw).decode()


# shape -------------------------------------------------------------------------------------------------------------------------------------

def _whole(record: Any) -> bool:
    if not (isinstance(record, dict) and record.get("agreed") is True and record.get("version") in (1, 2) and len(record) <= 20
            and all(isinstance(record.get(name), str) and 0 < len(record[name]) <= 2000 for name in ("who", "when", "statement", "language"))
            and (record.get("relation") in RELATIONS or _nobodys(record)) and isinstance(record.get("for"), list) and 0 < len(record["for"]) <= 4
            and all(isinstance(name, str) and _OLDER.get(name, name) in PURPOSES for name in record["for"])
            and isinstance(record.get("samples"), dict) and 0 < len(record["samples"]) <= 64
            and all(isinstance(value, str) and _HASH.fullmatch(value) for value in record["samples"].values())):
        return False
    invented = record.get("invented", {})
    if not isinstance(invented, dict) or len(invented) > 4 or not all(map(_small, invented.values())):
        return False
    if record["version"] == 1:
        return True
    verified = record.get("verified")
    return (record.get("scope") in SCOPES and isinstance(verified, dict) and set(verified) == set(CHECKED)
            and all(isinstance(part, dict) and len(part) <= 12 and part.get("state") in STATES and all(map(_small, part.values()))
                    for part in verified.values())
            and isinstance(record.get("revoked", ""), (str, type(None))))


def _voices(samples: Any) -> bool:
    """Whether a voice of somebody's own is among them."""
    return any(str(name).startswith("voice") for name in samples)


def _nobodys(record: Any) -> bool:
    """Whether a record says that no person is in the twin, and nothing in it says otherwise."""
    invented, samples = record.get("invented"), record.get("samples")
    return (record.get("relation") == NOBODY and isinstance(invented, dict) and isinstance(samples, dict) and "photo" not in samples and not _voices(samples))


def _small(value: Any) -> bool:
    return isinstance(value, (bool, int, float, type(None))) or (isinstance(value, str) and len(value) <= 400)
