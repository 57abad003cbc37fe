"""Character Cards: V1, V2 and V3 as JSON, in a PNG, or as CHARX; read into a persona and written so that SillyTavern reads them.

What a twin has no place for (unknown fields, extensions, lorebook, notes, other prompts) stays in the card as it came and is written again.
Nothing of a card is run, fetched or unpacked to disk; every size is bounded before it is used. `creator_notes`, `tags` and `creator` never
reach a prompt. A card's own prompts do, inside ours and under its rules (persona/prompt.py).

https://github.com/malfoyslastname/character-card-spec-v2, https://github.com/kwaroran/character-card-spec-v3
"""
from __future__ import annotations

import base64
import binascii
import copy
import io
import json
import re
import struct
import zipfile
import zlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from persona import form
from persona.card import LIMITS, MOST_FACTS, MOST_GREETINGS, CardError, Persona, language_written
from persona.lorebook import Lorebook, decorated, sentences
from persona.private import unmarked

MOST_BYTES = 50 * 2**20                                  # of a PNG or CHARX
MOST_TEXT = 2 * 2**20                                    # of a card's JSON
MOST_PICTURE = 25 * 2**20
MOST_CHUNKS = 20_000
MOST_FILES = 4000                                        # in a CHARX
MOST_LORE = 60                                           # facts out of a lorebook
PNG = b"\x89PNG\r\n\x1a\n"
OWN = "digital_twin"                                     # where a twin keeps what a card has no field for: extensions["digital_twin"]

Json = dict[str, Any]


@dataclass(frozen=True)
class Card:
    """`persona`: what a persona.yaml holds. `fields`: the same for the form, with `examples`. `raw`: the whole card as it came, for `write`.
    `portrait`: a picture's bytes, without the card in it. `notes`: what could not be taken whole, as (English, Chinese)."""
    persona: Json
    fields: form.Fields
    examples: tuple[form.Example, ...] = ()
    lorebook: Json | None = None
    portrait: bytes | None = field(default=None, repr=False)
    raw: Json = field(default_factory=dict, repr=False)
    version: str = "2"
    notes: tuple[tuple[str, str], ...] = ()


def read(data: bytes, name: str = "") -> Card:
    """The card in a file's bytes. `name`: the file's, for a card that has none. Raises CardError within a bounded time for anything else."""
    if len(data) > MOST_BYTES:
        raise _large(len(data), MOST_BYTES)
    portrait: bytes | None = None
    if data[:8] == PNG:
        text, portrait = _from_png(data)
    elif data[:4] == b"PK\x03\x04":
        text, portrait = _from_zip(data)
    elif data[:3] == b"\xff\xd8\xff" or data[:4] in (b"RIFF", b"GIF8"):
        raise CardError("That picture carries no card.", "Cards travel in PNG files; save the original, not a copy that a chat or site made smaller.",
                        ("这张图里没有角色卡。", "角色卡在 PNG 里；请保存原图，不要用被压缩过的副本。"))
    else:
        text = data
    raw = _json(text)
    card = _card(raw, name)
    return card if portrait is None else Card(**{**vars(card), "portrait": portrait})


def write(persona: Persona | Mapping[str, Any], original: Mapping[str, Any] | None = None, portrait: bytes | None = None,
          examples: Sequence[Sequence[str]] = ()) -> bytes:
    """A V3 card as JSON; with a `portrait` (PNG bytes) a PNG that holds it twice, as `chara` (V2) and `ccv3`. `original`: Card.raw of the card the
    persona came from: what the persona does not change is written as it was. Raises CardError when the portrait is no PNG."""
    data = _data(persona if isinstance(persona, Persona) else Persona.parse(persona), original or {}, examples)
    third = {"spec": "chara_card_v3", "spec_version": "3.0", "data": data}
    top = {key: value for key, value in (original or {}).items() if key not in ("spec", "spec_version", "data") and "data" in (original or {})}
    if portrait is None:
        return json.dumps({**top, **third}, ensure_ascii=False, indent=2).encode()
    second = {"spec": "chara_card_v2", "spec_version": "2.0", "data": data}
    chunks = list(_chunks(portrait))
    if len(chunks) < 3 or chunks[0][0] != b"IHDR" or chunks[-1][0] != b"IEND":
        raise CardError("The portrait is no whole PNG.", "Hand in a PNG.", ("头像不是完整的 PNG。", "请用 PNG。"))
    written = [chunk for chunk in chunks[:-1] if not _keyword(*chunk)]
    for keyword, card in ((b"chara", {**top, **second}), (b"ccv3", {**top, **third})):
        written.append((b"tEXt", keyword + b"\0" + base64.b64encode(json.dumps(card, ensure_ascii=False).encode())))
    return _png([*written, chunks[-1]])


# What a card says --------------------------------------------------------------------------------------------------------------------

def _card(raw: Json, name: str) -> Card:
    data = raw["data"] if isinstance(raw.get("data"), dict) else raw
    version = {"chara_card_v3": "3", "chara_card_v2": "2"}.get(str(raw.get("spec")), "2" if data is not raw else "1")
    if data is raw and "char_name" in raw:               # as Pygmalion's editor wrote them
        older = {"name": "char_name", "description": "char_persona", "scenario": "world_scenario", "first_mes": "char_greeting", "mes_example": "example_dialogue"}
        data = {**raw, **{new: raw[old] for new, old in older.items() if old in raw}}
    if not any(_str(data, key) for key in ("name", "description", "personality", "first_mes")):
        raise CardError("That file holds no character.", "A Character Card has at least a name and a description.", ("这个文件里没有角色。", "角色卡至少要有名字和介绍。"))
    notes: list[tuple[str, str]] = []
    persona, examples = _persona(data, name, notes)
    extension = data["extensions"].get(OWN) if isinstance(data.get("extensions"), dict) else None
    if isinstance(extension, dict) and isinstance(extension.get("persona"), dict):
        try:                                             # a twin's own card: facts, languages and voice as they were
            own = form.from_fields(form.to_fields(parsed := Persona.parse(extension["persona"])), parsed)
            pairs = extension.get("examples")
            persona, examples = own, [(str(a)[:300], str(b)[:800]) for a, b in pairs[:form.MOST_EXAMPLES]] if isinstance(pairs, list) else examples
        except (CardError, ValueError, TypeError):
            pass                                         # somebody changed it by hand: the card's own fields hold
    book = data.get("character_book")
    parsed = Persona.parse(persona)
    return Card(persona, form.to_fields(parsed, examples), tuple(examples), book if isinstance(book, dict) else None,
                _asset(data), raw, version, tuple(notes))


def _persona(data: Json, name: str, notes: list[tuple[str, str]]) -> tuple[Json, list[form.Example]]:
    """The persona and the example exchanges in a card's data."""
    called = _line(_str(data, "nickname") or _str(data, "name") or name.rsplit(".", 1)[0], LIMITS["name"]) or "Twin"
    language = language_written(" ".join(_str(data, key)[:2000] for key in ("description", "personality", "first_mes")) or called)
    says = _Macros(called, language)
    description = says.plain(_str(data, "description"))
    scenario, personality = says.plain(_str(data, "scenario")), says.plain(_str(data, "personality"))
    fields: form.Fields = {"name": _line(_str(data, "name"), LIMITS["name"]) or called, "languages": [language]}
    whole = " ".join(part for part in (description, scenario) if part)
    for key, text, most in (("description", whole, LIMITS["description"]), ("style", personality, LIMITS["style"])):
        fields[key], cut = _shortened(text, most)
        if cut:
            notes.append((f"The {key} was shortened from {len(text):,} to {len(fields[key]):,} characters.", f"“{key}”由 {len(text):,} 字缩短到 {len(fields[key]):,} 字。"))
    if found := re.search(r"\b[Aa]ge\W{1,4}(\d{1,4})\b|\b(\d{1,3})[- ]years?[- ]old|年龄\W{0,3}(\d{1,4})|(\d{1,3})\s?岁", description[:4000]):
        fields["age"] = int(next(group for group in found.groups() if group))
    greetings = [_str(data, "first_mes"), *(text for text in _list(data.get("alternate_greetings"))[:50] if isinstance(text, str))]
    spoken = [_shortened(says.aloud(text[:20_000]), LIMITS["greeting"])[0] for text in greetings]
    fields["greeting"] = list(dict.fromkeys(text for text in spoken if text))[:MOST_GREETINGS]
    fields["facts"] = list(_lore(data.get("character_book"), says))[:min(MOST_LORE, MOST_FACTS)]
    examples = _examples(_str(data, "mes_example"), says)
    persona = form.from_fields(fields)
    if book := Lorebook.of_card(data.get("character_book"), says.plain, fields["facts"]):
        persona["lorebook"] = book.to_yaml()
    if prompts := {name: text for name, key in (("system", "system_prompt"), ("last", "post_history_instructions"))
                   if (text := _shortened(says.plain(_str(data, key)[:20_000]), LIMITS["prompt"])[0])}:
        persona["prompts"] = prompts
        notes.append(("A larger model follows the card's own prompts, as far as what holds for every twin allows.",
                      "较大的模型会参考卡里自带的提示词，但以所有分身的共同守则为先。"))
    return persona, examples


class _Macros:
    """A card's text as a twin can use it: {{char}} is its name, {{user}} whoever it talks with; no other macro is left, and none is run."""
    _MACRO = re.compile(r"\{\{([^{}]{0,400})\}\}")
    _OLD = re.compile(r"<(bot|char|user|start)>", re.IGNORECASE)

    def __init__(self, name: str, language: str):
        self.name, self.you = name, "你" if language == "zh" else "you"

    def plain(self, text: str) -> str:
        """Macros replaced, lines as sentences, blanks tidied, braces as brackets."""
        for _ in range(3):                               # a macro in a macro: the inner one first
            text, count = self._MACRO.subn(self._one, text)
            if not count:
                break
        text = self._OLD.sub(lambda found: {"bot": self.name, "char": self.name, "user": self.you}.get(found[1].lower(), " "), text)
        rows = [re.sub(r"^[\s>#*+•·–-]{1,12}(?=\S)", "", row).strip() for row in text.splitlines()]
        whole = ""
        for row in filter(None, rows):
            end = "" if not whole or re.search(r"[.!?…,;:。！？，；：]\W?$", whole) else "。" if re.search(r"[\u3400-\u9fff]$", whole) else "."
            whole += end + ("" if not whole or end == "。" or whole[-1:] in "。！？，；：" else " ") + row
        return form.unbraced(form.tidy(re.sub(r"\*\*|__|[{}]{2,}", "", whole)))

    def aloud(self, text: str) -> str:
        """What is said of a message: no *gestures*, no quotation marks around speech."""
        said = re.sub(r"\*[^*\n]{0,600}\*|_[^_\n]{0,600}_", " ", re.sub(r"\*\*([^*\n]{0,600})\*\*", r"\1", text))
        said = self.plain(said)
        quoted = re.findall(r"[\"“]([^\"“”]{2,400})[\"”]", said)
        if quoted and sum(map(len, quoted)) > 0.3 * len(said):                      # a story with speech in it: the speech
            said = " ".join(quoted)
        return said.strip(" *\"“”")

    def _one(self, found: re.Match[str]) -> str:
        inner = found[1].strip()
        word, _, rest = inner.partition(":")
        word = word.strip().lower()
        if word in ("char", "bot", "name", "charname"):
            return self.name
        if word == "user":
            return self.you
        if word in ("random", "pick") and rest:
            return re.split(r"::|,", rest.strip(": "))[0].strip()
        if word == "reverse":
            return rest.strip(": ")[::-1]
        return "" if re.fullmatch(r"[\w/# .-]{0,40}", word) or inner.startswith("//") else inner


def _examples(text: str, says: _Macros) -> list[form.Example]:
    """{{user}}: … {{char}}: … of each <START> block; what nobody asked about is something said of its own accord."""
    found: list[form.Example] = []
    who = re.compile(rf"^\s*(?:(?P<user>\{{\{{user\}}\}}|<user>|user|you|你)|(?P<char>\{{\{{char\}}\}}|<bot>|<char>|{re.escape(says.name)}))\s?[:：]\s*(?P<text>.*)$", re.IGNORECASE)
    for block in re.split(r"<START>", text[:400_000], flags=re.IGNORECASE):
        asked, speaker = "", ""
        parts: list[str] = []

        def taken(speaker: str, parts: list[str], asked: str) -> str:
            said = says.aloud("\n".join(parts))
            if speaker == "user":
                return _shortened(said, form.LONGEST["asked"])[0]
            if speaker == "char" and said and asked:
                found.append((asked, _shortened(said, form.LONGEST["said"])[0]))
            return ""

        for row in block.splitlines():
            if begun := who.match(row[:4000]):
                asked = taken(speaker, parts, asked) or ("" if speaker else asked)
                speaker, parts = "user" if begun["user"] else "char", [begun["text"]]
            elif speaker:
                parts.append(row)
        taken(speaker, parts, asked)
        if len(found) >= form.MOST_EXAMPLES:
            break
    return [pair for pair in dict.fromkeys(found) if all(pair)][:form.MOST_EXAMPLES]


def _lore(book: Any, says: _Macros) -> Iterator[str]:
    """What a lorebook's enabled entries tell, sentence by sentence, the most important first."""
    entries = book.get("entries") if isinstance(book, dict) else None
    entries = list(entries.values()) if isinstance(entries, dict) else entries
    rows = [entry for entry in _list(entries)[:2000] if isinstance(entry, dict) and entry.get("enabled", True) is not False and _str(entry, "content")]
    rows.sort(key=lambda entry: (not entry.get("constant"), -_number(entry.get("priority")), _number(entry.get("insertion_order"))))
    seen: set[str] = set()
    for entry in rows:
        content = "\n".join(row for row in _str(entry, "content")[:8000].splitlines() if not row.lstrip().startswith("@@"))
        for sentence in re.split(r"(?<=[.!?])\s+|(?<=[。！？])", says.plain(content)):
            if 8 <= len(sentence := sentence.strip()) <= LIMITS["fact"] and sentence not in seen:
                seen.add(sentence)
                yield sentence


# What a card is written of ------------------------------------------------------------------------------------------------------------

def _data(persona: Persona, original: Mapping[str, Any], examples: Sequence[Sequence[str]]) -> Json:
    """A card's data: the original's, changed where the persona is another than the original tells."""
    source = original["data"] if isinstance(original.get("data"), dict) else dict(original)
    data: Json = copy.deepcopy(dict(source))
    before: Json = {}
    old_examples: list[form.Example] = []
    if source:
        try:
            before_card = _card({"data": source}, "")
            before, old_examples = form.to_fields(Persona.parse(before_card.persona)), list(before_card.examples)
        except CardError:
            pass
    now = form.to_fields(persona)
    if not before or now["name"] != before["name"]:
        data["name"] = now["name"]
    if not before or now["description"] != before["description"]:
        data["description"] = now["description"]
        if source:
            data["scenario"] = ""
    if not before or now["style"] != before["style"]:
        data["personality"] = now["style"]
    greetings = [now["greeting"]] if isinstance(now["greeting"], str) else now["greeting"]
    if not before or now["greeting"] != before["greeting"]:
        data["first_mes"] = greetings[0] if greetings else ""
        data["alternate_greetings"] = greetings[1:]
    pairs = [(str(asked), str(said)) for asked, said in examples]
    if pairs and pairs != old_examples:
        data["mes_example"] = "\n".join(f"<START>\n{{{{user}}}}: {asked}\n{{{{char}}}}: {said}" for asked, said in pairs if asked)
    for key, empty in (("personality", ""), ("scenario", ""), ("first_mes", ""), ("mes_example", ""), ("creator_notes", ""), ("system_prompt", ""),
                       ("post_history_instructions", ""), ("alternate_greetings", []), ("tags", []), ("creator", ""), ("character_version", ""),
                       ("group_only_greetings", [])):
        data.setdefault(key, empty)
    kept = data["extensions"] if isinstance(data.get("extensions"), dict) else {}
    own = {key: value for key, value in form.from_fields(now, persona).items() if key != "voice"}
    data["extensions"] = {**kept, OWN: {**(kept[OWN] if isinstance(kept.get(OWN), dict) else {}), "persona": own, "examples": [list(pair) for pair in pairs]}}
    facts = [unmarked(text)[0] for text in now["facts"]]
    if isinstance(data.get("character_book"), dict) and before:
        _drop(data["character_book"], _Macros(before["name"], (before["languages"] or ["en"])[0]), set(before["facts"]) - set(facts))
    if facts and not data.get("character_book") and facts != before.get("facts"):
        data["character_book"] = {"name": now["name"], "extensions": {}, "entries": [
            {"keys": _keys(fact), "content": fact, "extensions": {}, "enabled": True, "insertion_order": place, "constant": False, "use_regex": False}
            for place, fact in enumerate(facts)]}
    return data


def _drop(book: Json, says: _Macros, gone: set[str]) -> None:
    """Out of a card's lorebook goes what its owner took out of the facts or keeps private; other entries stay as they came."""
    entries = book.get("entries")
    rows = list(entries.items()) if isinstance(entries, dict) else list(enumerate(_list(entries)))
    dead = {at for at, row in rows if isinstance(row, dict) and gone & set(sentences(says.plain(decorated(_str(row, "content")[:8000])[0])))}
    if dead:
        book["entries"] = {at: row for at, row in rows if at not in dead} if isinstance(entries, dict) else [row for at, row in rows if at not in dead]


def _keys(fact: str) -> list[str]:
    """Words by which an entry of a lorebook is called up."""
    if re.search(r"[\u3400-\u9fff]", fact):
        return [part for part in re.split(r"[，。、；：！？\s“”的是在有和]", fact) if 2 <= len(part) <= 6][:5] or [fact[:4]]
    words = [word for word in re.findall(r"[A-Za-z][A-Za-z'-]{3,}", fact) if word.lower() not in ("have", "with", "that", "from", "this", "what", "when", "there")]
    return sorted(dict.fromkeys(words), key=len, reverse=True)[:5] or [fact[:20]]


# PNG, CHARX, JSON ---------------------------------------------------------------------------------------------------------------------

def _chunks(data: bytes) -> Iterator[tuple[bytes, bytes]]:
    """(type, body) of each chunk. Raises CardError for what is cut off or has too many."""
    at, count = 8, 0
    if data[:8] != PNG:
        raise CardError("The portrait is no PNG.", "Hand in a PNG.", ("头像不是 PNG。", "请用 PNG。"))
    while at < len(data):
        if at + 12 > len(data):
            raise _damaged()
        size, kind = struct.unpack(">I4s", data[at:at + 8])
        if at + 12 + size > len(data) or (count := count + 1) > MOST_CHUNKS:
            raise _damaged()
        yield kind, data[at + 8:at + 8 + size]
        if kind == b"IEND":
            return
        at += 12 + size
    raise _damaged()


def _keyword(kind: bytes, body: bytes) -> str:
    """`chara` or `ccv3` where a chunk holds a card."""
    if kind not in (b"tEXt", b"zTXt", b"iTXt"):
        return ""
    word = body[:80].split(b"\0")[0].lower()
    return word.decode() if word in (b"chara", b"ccv3") else ""


def _from_png(data: bytes) -> tuple[bytes, bytes]:
    found: dict[str, bytes] = {}
    rest: list[tuple[bytes, bytes]] = []
    for kind, body in _chunks(data):
        if word := _keyword(kind, body):
            found.setdefault(word, _text(kind, body[len(word) + 1:]))
        else:
            rest.append((kind, body))
    text = found.get("ccv3") or found.get("chara")
    if not text:
        raise CardError("That picture carries no card.", "Save the original PNG, not a copy that a chat or site made smaller.",
                        ("这张图里没有角色卡。", "请保存原图，不要用被压缩过的副本。"))
    try:
        return base64.b64decode(re.sub(rb"\s", b"", text), validate=False), _png(rest)
    except binascii.Error:
        raise _damaged() from None


def _text(kind: bytes, body: bytes) -> bytes:
    """What stands behind the keyword of a text chunk, unpacked up to a bound."""
    most = MOST_TEXT * 4 // 3 + 4                        # as base64
    packed = kind == b"zTXt"
    if packed:
        body = body[1:]
    elif kind == b"iTXt":
        packed = body[:1] == b"\x01"
        _, _, body = body[2:].partition(b"\0")           # behind the two flags: language, translated keyword, text
        _, _, body = body.partition(b"\0")
    if packed:
        unpack = zlib.decompressobj()
        try:
            body = unpack.decompress(body, most + 1)
        except zlib.error:
            raise _damaged() from None
    if len(body) > most:
        raise _large(len(body) * 3 // 4, MOST_TEXT)
    return body


def _png(chunks: Iterable[tuple[bytes, bytes]]) -> bytes:
    return PNG + b"".join(struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body)) for kind, body in chunks)


def _from_zip(data: bytes) -> tuple[bytes, bytes | None]:
    """card.json and the main icon of a CHARX; nothing else of it is unpacked."""
    end = data.rfind(b"PK\x05\x06", max(0, len(data) - 66_000))
    if end < 0 or end + 22 > len(data):
        raise _damaged()
    if struct.unpack("<H", data[end + 10:end + 12])[0] > MOST_FILES:
        raise CardError("That CHARX holds too many files.", f"At most {MOST_FILES:,} can be looked through.", ("这个 CHARX 里的文件太多。", f"最多 {MOST_FILES:,} 个。"))
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            if "card.json" not in archive.namelist():
                raise CardError("There is no card.json in that file.", "Choose a CHARX, a PNG or a JSON card.", ("这个文件里没有 card.json。", "请选择 CHARX、PNG 或 JSON 角色卡。"))
            text = _member(archive, "card.json", MOST_TEXT)
            raw = _json(text)
            icon = next((uri for uri, _ in _icons(raw.get("data")) if uri in archive.namelist()), "")
            return text, _member(archive, icon, MOST_PICTURE) if icon else None
    except (zipfile.BadZipFile, RuntimeError, NotImplementedError, EOFError, OSError, zlib.error) as error:
        raise _damaged() from error


def _member(archive: zipfile.ZipFile, name: str, most: int) -> bytes:
    with archive.open(name) as file:
        body = file.read(most + 1)
    if len(body) > most:
        raise _large(archive.getinfo(name).file_size, most)
    return body


def _icons(data: Any) -> Iterator[tuple[str, str]]:
    """(path inside the CHARX, or the URI) of a V3 card's icons, the main one first."""
    assets = [asset for asset in _list(data.get("assets") if isinstance(data, dict) else None)[:500] if isinstance(asset, dict) and asset.get("type") == "icon"]
    for asset in sorted(assets, key=lambda asset: asset.get("name") != "main"):
        uri = asset["uri"][:MOST_PICTURE * 2] if isinstance(asset.get("uri"), str) else ""
        yield re.sub(r"^embed+ed://", "", uri, count=1), str(asset.get("ext", ""))[:10]


def _asset(data: Json) -> bytes | None:
    """An icon that stands in the JSON itself. Addresses in the net are never asked."""
    for uri, _ in _icons(data):
        if found := re.match(r"data:image/[\w.+-]{1,20};base64,", uri[:60]):
            try:
                return base64.b64decode(uri[found.end():], validate=True)[:MOST_PICTURE]
            except binascii.Error:
                continue
    return None


def _json(text: bytes) -> Json:
    if len(text) > MOST_TEXT:
        raise _large(len(text), MOST_TEXT)
    try:
        raw = json.loads(text.decode("utf-8-sig"))
        if b"\\ud" in text.lower():                      # half a surrogate pair, which no file can hold, becomes "?"
            raw = json.loads(json.dumps(raw, ensure_ascii=False).encode("utf-8", "replace"))
    except UnicodeDecodeError:
        raise CardError("That is no Character Card.", "Choose a card as PNG, JSON or CHARX.", ("这不是角色卡。", "请选择 PNG、JSON 或 CHARX 角色卡。")) from None
    except (ValueError, RecursionError):
        raise CardError("That card's JSON cannot be read.", "Choose a card as PNG, JSON or CHARX.", ("这张卡的 JSON 读不出来。", "请选择 PNG、JSON 或 CHARX 角色卡。")) from None
    if not isinstance(raw, dict):
        raise CardError("That file holds no character.", "A Character Card is one object of fields.", ("这个文件里没有角色。", "角色卡是一个 JSON 对象。"))
    return raw


def _large(size: int, most: int) -> CardError:
    return CardError(f"That card is too large: {size / 1e6:.1f} MB where {most / 1e6:.0f} are allowed.", "Take what is not needed out of it.",
                     (f"这张卡太大：{size / 1e6:.1f} MB，最多 {most / 1e6:.0f} MB。", "请删去不需要的内容。"))


def _damaged() -> CardError:
    return CardError("That card is damaged or cut off.", "Download it again.", ("这张卡已损坏或不完整。", "请重新下载。"))


# Small things -------------------------------------------------------------------------------------------------------------------------

def _str(data: Any, key: str) -> str:
    value = data.get(key) if isinstance(data, dict) else None
    return value if isinstance(value, str) else ""


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []


def _number(value: Any) -> float:
    return float(value) if isinstance(value, (int, float)) and not isinstance(value, bool) and abs(value) < 1e9 else 0.0


def _line(text: str, most: int) -> str:
    return form.tidy(re.sub(r"[{}<>]", "", text[:10 * most]))[:most].strip()


def _shortened(text: str, most: int) -> tuple[str, bool]:
    """Whole sentences of a text, up to `most` characters; and whether any was left out."""
    if len(text) <= most:
        return text, False
    cut = text[:most - 1]
    end = max(cut.rfind(mark) for mark in (". ", "! ", "? ", "。", "！", "？"))
    return (cut[:end + 1] if end > most // 2 else cut.rstrip() + "…"), True
