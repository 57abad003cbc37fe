"""What a file says about how it was made: content credentials, metadata, what can be heard or read in it; and the consent in a twin's bundle.

Each finding is a sentence with a level: "good" (there, and whole), "warn" (missing, or only our own word), "bad" (broken, or taken back). A mark
that is missing proves nothing: marks are easily lost, and people write AI-free pictures without any. Files come from strangers: their size is
bounded, they are read in memory, and what is quoted from them is cut and stripped of control characters.
"""
from __future__ import annotations

import io
import json
import re
import zipfile
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from .. import credentials
from ..errors import Refused, TwinError
from . import aigc, audiomark
from .consent import agreed, reference, revoked, scope_of, vouched, withdrawn
from .marks import CONSENT

MOST = 256 * 2**20       # bytes of a file
HEAD = 4 * 2**20         # bytes in which a page's own head is looked for
QUOTED = 200             # characters of anything that a file says of itself
MIMES = {".png": "image/png", ".jpg": "image/jpeg", ".webp": "image/webp", ".gif": "image/gif", ".tif": "image/tiff", ".avif": "image/avif",
         ".wav": "audio/wav", ".mp3": "audio/mpeg", ".mp4": "video/mp4", ".mov": "video/quicktime", ".pdf": "application/pdf"}
_META = re.compile(rb"<meta\s+name=\"(twin-[a-z-]{2,24})\"\s+content=\"([^\"]{0,2000})\"")
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u200b-\u200f\u2028-\u202e\u2066-\u2069]+")


@dataclass(frozen=True)
class Finding:
    """One thing that was looked for: `what` is a short name, `level` good, warn or bad."""
    what: str
    level: str
    en: str
    zh: str


@dataclass(frozen=True)
class Report:
    """`verdict`: "made" (it says that a machine made it, and that is whole), "claims" (it says so, without proof), "broken" (a mark was changed or
    taken back), "nothing" (no mark was found). `about` holds the values themselves."""
    kind: str
    verdict: str
    findings: tuple[Finding, ...]
    about: dict[str, Any] = field(default_factory=dict)

    def told(self) -> dict[str, Any]:
        return asdict(self) | {"summary": dict(zip(("en", "zh"), SUMMARY[self.verdict], strict=True))}


SUMMARY = {
    "made": ("This file says that it was made by an AI, and nothing in it was changed since it was signed.", "文件说明它由 AI 生成，签名之后没有改动过。"),
    "claims": ("This file says that it was made by an AI, but that is not signed: anybody could have written it.",
               "文件说明它由 AI 生成，但没有签名：任何人都可以写上去。"),
    "broken": ("The marks in this file are broken: it was changed after it was signed, or its consent was taken back.",
               "文件的标识已失效：签名之后被改动过，或同意书已被撤回。"),
    "signed": ("This file is signed, and nothing in it says that an AI made it.", "文件带有签名，其中没有说明它由 AI 生成。"),
    "nothing": ("No mark was found. That proves nothing: marks are easily lost on the way.", "没有找到标识。这并不说明什么：标识很容易在传播中丢失。")}


def check_file(path: Path, folder: Path) -> Report:
    """The same for a file on disk. Raises Refused for one that is too large, TwinError for one that can't be read."""
    try:
        if path.stat().st_size > MOST:
            raise _large()
        return check(path.read_bytes(), path.name, folder)
    except OSError as error:
        raise TwinError(f"{path} cannot be read: {error.strerror}.", "Name a file that is there.", zh=("读不了这个文件。", "请指定一个存在的文件。")) from None


def check(data: bytes, name: str, folder: Path) -> Report:
    """Everything that can be read back from a file's bytes. `folder` is the app's data folder: which certificate and which consents are ours. Raises
    Refused for too large a file."""
    if len(data) > MOST:
        raise _large()
    kind = sniffed(data, name)
    if kind == ".twin":
        return _bundle(data, folder)
    findings: list[Finding] = []
    about: dict[str, Any] = {}
    state = _credentials(data, kind, folder, findings, about)
    label = aigc.read(data)
    if label:
        about["aigc"] = label
        findings.append(Finding("aigc", "good", f"China's AIGC label: {_said(aigc.listed(label))}.",
                                f"含 AIGC 隐式标识：{_said(label['ContentProducer']) or '未写明提供者'}。"))
    elif kind in MIMES:
        findings.append(Finding("aigc", "warn", "No AIGC label (GB 45438-2025) in its metadata.", "元数据里没有 AIGC 隐式标识（GB 45438-2025）。"))
    source = re.search(rb"DigitalSourceType(?:=\"|>)(https?://cv\.iptc\.org/newscodes/digitalsourcetype/[A-Za-z]{3,60})", data)
    if source:
        about["source"] = source[1].decode()
        short = about["source"].rsplit("/", 1)[1]
        findings.append(Finding("source", "good", f"Its metadata names the digital source type {short} (IPTC).", f"元数据写明数字来源类型：{short}（IPTC）。"))
    if kind == ".wav":
        _sound(data, findings, about)
    if kind == ".html":
        _page(data, folder, findings, about)
    says = bool(label and label["Label"] == "1") or "lgorithmicMedia" in json.dumps(about)
    broken = state == "invalid" or any(found.level == "bad" for found in findings)
    verdict = "broken" if broken else "made" if state == "valid" and says else "signed" if state == "valid" else "claims" if says else "nothing"
    return Report(kind.lstrip(".") or "unknown", verdict, tuple(findings), about)


def sniffed(data: bytes, name: str = "") -> str:
    """The kind of a file by its first bytes, as an ending; by its name where they tell nothing; "" for none that is known."""
    head = data[:64]
    for start, kind in ((b"\x89PNG\r\n", ".png"), (b"\xff\xd8\xff", ".jpg"), (b"GIF8", ".gif"), (b"%PDF", ".pdf"), (b"II*\0", ".tif"), (b"MM\0*", ".tif"),
                        (b"ID3", ".mp3"), (b"\xff\xfb", ".mp3"), (b"PK\x03\x04", ".twin")):
        if head.startswith(start):
            return kind
    if head[:4] == b"RIFF":
        return {b"WEBP": ".webp", b"WAVE": ".wav"}.get(head[8:12], "")
    if head[4:8] == b"ftyp":
        return {b"avif": ".avif", b"qt  ": ".mov"}.get(head[8:12], ".mp4")
    if re.match(rb"\s*<(!doctype html|html)", data[:256], re.I):
        return ".html"
    return ending if (ending := Path(name).suffix.lower()) in MIMES else ""


def _credentials(data: bytes, kind: str, folder: Path, findings: list[Finding], about: dict[str, Any]) -> str:
    """ "valid", "invalid" or "none"."""
    if kind not in MIMES:
        return "none"
    try:
        signed = credentials.read(data, MIMES[kind])
    except TwinError as error:
        findings.append(Finding("credentials", "warn", f"Content credentials can't be read here: {error.message}", "这里读不了内容凭证（C2PA）。"))
        return "none"
    if signed is None:
        findings.append(Finding("credentials", "warn", "No content credentials (C2PA).", "没有内容凭证（C2PA）。"))
        return "none"
    active = signed.get("manifests", {}).get(signed.get("active_manifest", ""), {})
    whole = signed.get("validation_state") in ("Valid", "Trusted")
    who = active.get("signature_info") or {}
    made = next(({"action": a.get("action"), "source": a.get("digitalSourceType"), "model": (a.get("parameters") or {}).get("model"),
                  "agent": (a.get("softwareAgent") or {}).get("name") if isinstance(a.get("softwareAgent"), dict) else a.get("softwareAgent")}
                 for part in active.get("assertions", ()) if str(part.get("label", "")).startswith("c2pa.actions")
                 for a in (part.get("data") or {}).get("actions", ()) if isinstance(a, dict)), {})
    consent = next((part.get("data") for part in active.get("assertions", ()) if part.get("label") == CONSENT), None)
    about["credentials"] = {"state": signed.get("validation_state"), "title": _said(active.get("title")), "issuer": _said(who.get("issuer")),
                            "time": _said(who.get("time")), **{name: _said(value) for name, value in made.items()}}
    if not whole:
        findings.append(Finding("credentials", "bad", "Its content credentials are broken: the file was changed after it was signed.",
                                "内容凭证已失效：文件在签名之后被改动过。"))
        return "invalid"
    ours, listed, by = credentials.own(signed, folder), signed["validation_state"] == "Trusted", f"“{_said(who.get('issuer')) or '?'}”"
    en = "this installation" if ours else f"{by}, whom a public list vouches for" if listed else f"{by}, for whom nobody vouches"
    zh = "本机" if ours else f"{by}（在公开信任名单内）" if listed else f"{by}（没有第三方担保）"
    findings.append(Finding("credentials", "good" if ours or listed else "warn", f"Content credentials (C2PA), whole, signed by {en}.",
                            f"内容凭证（C2PA）完好，签名者：{zh}。"))
    if made:
        action, source, model = _said(made["action"]), _said(made["source"]).rsplit("/", 1)[-1], _said(made["model"])
        by_ai, terms = "lgorithmicMedia" in source, ", ".join(filter(None, (action, source)))
        findings.append(Finding("action", "good", f"They say: {f'made by an AI ({terms})' if by_ai else terms}{model and f', with {model}'}.",
                                f"其中写明：{f'由 AI 生成（{terms}）' if by_ai else terms}{model and f'，模型 {model}'}。"))
    if isinstance(consent, dict):
        about["consent"] = {name: _said(consent.get(name)) for name in ("reference", "scope", "voice", "face")}
        findings.append(_under(about["consent"]["reference"], folder, *_far(about["consent"]["scope"], about["consent"]["voice"])))
    return "valid"


_SCOPES = {"private": ("its owner alone", "仅自己"), "link": ("whoever has the file or link", "有文件或链接的人"), "public": ("everybody", "所有人")}
_SURE = {"verified": ("; voice verified", "；声音已核验"), "not verified": ("; voice not verified", "；声音未核验")}


def _far(scope: str, voice: str) -> tuple[str, str]:
    """How far a consent goes, in brackets, in both languages. What others wrote there is only quoted."""
    (en, zh), (sure, sure_zh) = _SCOPES.get(scope, (scope, scope)), _SURE.get(voice, ("", ""))
    return f" (for {en}{sure})", f"（范围：{zh}{sure_zh}）"


def _under(name: str, folder: Path, en: str = "", zh: str = "") -> Finding:
    """The consent that a thing names."""
    back = withdrawn(name, folder)
    return Finding("consent", "bad" if back else "good", f"Made under the consent {name[:16]}…{en}{', which was taken back here' if back else ''}.",
                   f"依据的同意书：{name[:16]}…{zh}{'，已在本机撤回' if back else ''}。")


def _sound(data: bytes, findings: list[Finding], about: dict[str, Any]) -> None:
    import wave
    try:
        with wave.open(io.BytesIO(data)) as file:
            rate, width, channels = file.getframerate(), file.getsampwidth(), file.getnchannels()
            raw = file.readframes(min(file.getnframes(), rate * 120)) if width == 2 and 8000 <= rate <= 192_000 else b""
    except (wave.Error, EOFError):
        return
    if not raw:
        return
    sound = np.frombuffer(raw[: len(raw) // (2 * channels) * 2 * channels], "<i2").reshape(-1, channels)[:, 0].astype(np.float32) / 32768
    about["rhythm"] = aigc.hears_rhythm(sound, rate)
    if about["rhythm"]:
        findings.append(Finding("rhythm", "good", "It begins with the audible AI rhythm (short long, short short).", "开头有 AI 节奏标识（短长 短短）。"))
    found = audiomark.inside(sound, rate)
    about["watermark"] = found
    if found is None:
        findings.append(Finding("watermark", "warn", f"No watermark can be looked for in the sound: {audiomark.why()}.",
                                "无法检查声音水印：没有安装 AudioSeal 或其权重。"))
    elif found:
        findings.append(Finding("watermark", "good", "AudioSeal's watermark is in the sound.", "声音里有 AudioSeal 水印。"))
    else:
        findings.append(Finding("watermark", "warn", "No AudioSeal watermark is in the sound.", "声音里没有 AudioSeal 水印。"))


def _page(data: bytes, folder: Path, findings: list[Finding], about: dict[str, Any]) -> None:
    """A twin in one file: what its head says of itself."""
    meta = {name.decode(): _said(_unescaped(value)) for name, value in _META.findall(data[:HEAD])}
    if not meta:
        return
    about["page"] = meta
    about["source"] = "trainedAlgorithmicMedia"
    findings.append(Finding("page", "warn", "A page with a twin in it: it says of itself that it is an AI. A page carries no signature.",
                            "这是一个含数字分身的网页：它自己说明是 AI。网页没有签名。"))
    if name := re.search(r"\b[0-9a-f]{64}\b", meta.get("twin-consent", "")):
        findings.append(_under(name[0], folder))


def _bundle(data: bytes, folder: Path) -> Report:
    """A .twin: whose consent is in it, how far it goes, who stands for it."""
    findings: list[Finding] = []
    about: dict[str, Any] = {}
    sealed = False
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            entry = next((e for e in archive.infolist()[:400] if e.filename == "twin/consent.json"), None)
            sealed = any(e.filename == "manifest.json" for e in archive.infolist()[:400])
            if entry is None or entry.file_size > 2**20:
                raise KeyError
            with archive.open(entry) as file:
                record = json.loads(file.read(2**20))
        agreed({**record, "revoked": None} if isinstance(record, dict) else record)
    except Refused as error:
        return Report("twin", "broken", (Finding("consent", "bad", error.message, error.told("zh")[0]),))
    except (KeyError, ValueError, RecursionError, OSError, RuntimeError, NotImplementedError, zipfile.BadZipFile):
        en = ("It is encrypted, or no twin: no consent can be read in it." if sealed else "This is a zip, and no twin's bundle.")
        return Report("zip", "nothing", (Finding("consent", "warn", en, "读不到同意书：文件已加密，或不是分身文件。"),))
    stands, back = vouched(record, folder), revoked(record, folder)
    states = {part: _said(value.get("state")) for part, value in record.get("verified", {}).items()}
    if record.get("invented"):
        states["face"] = "invented"
    about["consent"] = {"reference": reference(record), "scope": scope_of(record), "for": [_said(x) for x in record["for"]], "when": _said(record["when"]),
                        "relation": record["relation"], "signed": stands, **states}
    en = {"here": "signed on this installation", "elsewhere": "signed on another installation"}.get(stands, "not signed")
    zh = {"here": "由本机签名", "elsewhere": "由别处签名"}.get(stands, "没有签名")
    en = f"A twin with a consent of {_said(record['when'])[:10]}, scope {scope_of(record)}, {en}; " + ", ".join(f"{k} {v}" for k, v in states.items())
    findings.append(Finding("consent", "bad" if back else "good" if stands == "here" else "warn", f"{en.rstrip('; ')}{'; it was taken back' if back else ''}.",
                            f"分身文件，同意书日期 {_said(record['when'])[:10]}，范围：{_SCOPES[scope_of(record)][1]}，{zh}{'；已被撤回' if back else ''}。"))
    about["source"] = "trainedAlgorithmicMedia"
    return Report("twin", "broken" if back else "made" if stands in ("here", "elsewhere") else "claims", tuple(findings), about)


def _unescaped(value: bytes) -> str:
    import html
    return html.unescape(value.decode("utf-8", "replace"))


def _said(value: Any) -> str:
    """What a file says of itself, fit to be shown: cut, and without control characters."""
    return _CONTROL.sub(" ", str(value if value is not None else "")).strip()[:QUOTED]


def _large() -> Refused:
    return Refused(f"The file is larger than {MOST // 2**20} MB.", "Check a shorter one.", code="too-large",
                   zh=(f"文件超过 {MOST // 2**20} MB。", "请检查小一点的文件。"))
