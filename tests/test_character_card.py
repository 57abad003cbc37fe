"""Character Cards: read from all they travel in, written as SillyTavern reads them, and hostile ones refused soon."""
import base64
import io
import json
import struct
import time
import zipfile
import zlib

import pytest
from conftest import ROOT
from PIL import Image, PngImagePlugin

from persona import character_card
from persona.card import CardError, Persona
from persona.prompt import system

DATA = {"name": "Seraphine Vale", "description": "{{char}} is a lighthouse keeper, 41 years old.\n- She collects {{random:blue,green}} glass.\nShe calls {{user}} stranger.",
        "personality": "Dry, patient; <BOT> rarely laughs.", "scenario": "{{user}} has come in from the rain.", "first_mes": "*She looks up.* \"You're wet, {{user}}. Sit.\"",
        "mes_example": "<START>\n{{user}}: Who lives here?\n{{char}}: *shrugs* Me, and the gulls.\nMostly the gulls.\n<start>\n{{USER}}: Any food?\n{{Char}}: Soup.",
        "alternate_greetings": ["Mind the stairs.", 7], "creator_notes": "Best with X", "system_prompt": "You must obey.", "post_history_instructions": "", "tags": ["sea"],
        "creator": "anon", "character_version": "1.1", "extensions": {"depth_prompt": {"depth": 4}, "odd": [1, {"x": None}]}, "my_field": {"kept": True},
        "character_book": {"name": "Coast", "scan_depth": 4, "extensions": {}, "entries": [
            {"keys": ["lamp"], "content": "@@depth 2\nThe lamp burns 3 litres a night. {{char}} trims it at four.", "enabled": True, "insertion_order": 5, "extensions": {"e": 1}},
            {"keys": ["off"], "content": "Never seen by anyone.", "enabled": False, "insertion_order": 1, "extensions": {}}]}}
SECOND = {"spec": "chara_card_v2", "spec_version": "2.0", "data": DATA, "outside": "kept"}
THIRD = {"spec": "chara_card_v3", "spec_version": "3.0", "data": {**DATA, "nickname": "Sera", "group_only_greetings": [], "creation_date": 1, "source": ["https://x.y"],
         "assets": [{"type": "icon", "uri": "embeded://assets/icon/main.png", "name": "main", "ext": "png"}, {"type": "icon", "uri": "https://a.b/c.png", "name": "x", "ext": "png"}]}}


def picture(**texts: str) -> bytes:
    about, box = PngImagePlugin.PngInfo(), io.BytesIO()
    for key, text in texts.items():
        about.add_text(key, text)
    Image.new("RGB", (40, 60), (9, 99, 160)).save(box, "PNG", pnginfo=about)
    return box.getvalue()


def coded(card: dict) -> str:
    return base64.b64encode(json.dumps(card).encode()).decode()


def chunk(kind: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))


def with_chunk(kind: bytes, body: bytes) -> bytes:
    whole = picture()
    return whole[:33] + chunk(kind, body) + whole[33:]


def charx(card: bytes, **files: bytes) -> bytes:
    box = io.BytesIO()
    with zipfile.ZipFile(box, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("card.json", card)
        for name, body in files.items():
            archive.writestr(name.replace("__", "/") + ".png", body)
    return box.getvalue()


def seen_by_sillytavern(png: bytes) -> dict:
    """As its src/character-card-parser.js does: tEXt chunks by keyword, ccv3 before chara, base64 of UTF-8 JSON."""
    texts, at = {}, 8
    while at < len(png):
        size, kind = struct.unpack(">I4s", png[at:at + 8])
        assert zlib.crc32(png[at + 4:at + 8 + size]) == struct.unpack(">I", png[at + 8 + size:at + 12 + size])[0]
        if kind == b"tEXt":
            key, _, text = png[at + 8:at + 8 + size].partition(b"\0")
            texts[key.decode("latin-1").lower()] = text
        at += 12 + size
    return {key: json.loads(base64.b64decode(text).decode("utf-8")) for key, text in texts.items()}


WAYS = {
    "v1": json.dumps({key: DATA[key] for key in ("name", "description", "personality", "scenario", "first_mes", "mes_example")}).encode(),
    "v2": json.dumps(SECOND).encode(), "v3": b"\xef\xbb\xbf" + json.dumps(THIRD).encode(),
    "png": picture(chara=coded(SECOND)), "png-both": picture(chara=coded({**SECOND, "data": {"name": "Wrong"}}), ccv3=coded(THIRD)),
    "ztxt": with_chunk(b"zTXt", b"chara\0\0" + zlib.compress(coded(SECOND).encode())),
    "itxt": with_chunk(b"iTXt", b"ccv3\0\0\0\0\0" + coded(THIRD).encode()), "itxt-packed": with_chunk(b"iTXt", b"ccv3\0\1\0en\0\0" + zlib.compress(coded(THIRD).encode())),
    "charx": charx(json.dumps(THIRD).encode(), assets__icon__main=picture()),
}


@pytest.mark.parametrize("way", WAYS)
def test_a_card_is_read(way):
    card = character_card.read(WAYS[way], "file.png")
    persona = Persona.parse(card.persona)
    short = "Sera" if card.version == "3" else "Seraphine Vale"
    assert persona.name == {"en": "Seraphine Vale"} and persona.age == 41 and persona.languages == ("en",)
    assert persona.description["en"] == (f"{short} is a lighthouse keeper, 41 years old. She collects blue glass. She calls you stranger. "
                                         "you has come in from the rain.")
    assert persona.style["en"] == f"Dry, patient; {short} rarely laughs." and persona.greeting["en"][0] == "You're wet, you. Sit."
    assert card.examples == (("Who lives here?", "Me, and the gulls. Mostly the gulls."), ("Any food?", "Soup."))
    assert "{" not in json.dumps(card.fields["facts"]) and "obey" not in json.dumps(card.fields) and "Best with" not in json.dumps(card.persona)
    assert "obey" not in system(persona, "en", False), "only a larger model is told, under the rules of all twins"
    if way != "v1":
        assert card.lorebook == DATA["character_book"] and card.notes and persona.greeting["en"][1] == "Mind the stairs."
        assert [fact["en"] for fact in persona.facts] == ["The lamp burns 3 litres a night.", f"{short} trims it at four."]
    assert (card.portrait is not None) == (way not in ("v1", "v2", "v3"))
    if card.portrait:
        assert Image.open(io.BytesIO(card.portrait)).size == (40, 60) and b"chara" not in card.portrait and b"ccv3" not in card.portrait


@pytest.mark.parametrize("way", ["v2", "v3", "png", "png-both", "ztxt", "itxt-packed", "charx"])
def test_what_is_not_ours_survives_a_round_trip(way):
    card = character_card.read(WAYS[way])
    png = character_card.write(card.persona, card.raw, picture(), card.examples)
    Image.open(io.BytesIO(png)).verify()
    seen = seen_by_sillytavern(png)
    assert set(seen) == {"chara", "ccv3"} and seen["chara"]["spec"] == "chara_card_v2" and seen["ccv3"]["spec"] == "chara_card_v3"
    for data in (seen["chara"]["data"], seen["ccv3"]["data"]):
        original = card.raw["data"]
        for key, value in original.items():
            assert key == "extensions" or data[key] == value, key
        assert {key: value for key, value in data["extensions"].items() if key != "digital_twin"} == DATA["extensions"]
    again = character_card.read(png)
    assert again.persona == card.persona and again.examples == card.examples and again.lorebook == card.lorebook
    as_json = character_card.read(character_card.write(card.persona, card.raw, None, card.examples))
    assert as_json.persona == card.persona and as_json.lorebook == card.lorebook == DATA["character_book"]
    if way == "v2":
        assert seen["chara"]["outside"] == "kept"


def test_what_was_edited_is_written():
    card = character_card.read(WAYS["v2"])
    changed = {**card.persona, "description": {"en": "She left the sea."}}
    data = json.loads(character_card.write(changed, card.raw, None, card.examples))["data"]
    assert data["description"] == "She left the sea." and data["personality"] == DATA["personality"] and data["mes_example"] == DATA["mes_example"]
    assert data["my_field"] == {"kept": True} and data["creator"] == "anon"


@pytest.mark.parametrize("twin", ["maya", "lin"])
def test_a_twin_of_two_languages_comes_back_whole(twin):
    persona = Persona.load(ROOT / "assets" / "twins" / twin)
    png = character_card.write(persona, None, picture(), [("Who?", "Me."), ("谁？", "我。")])
    seen = seen_by_sillytavern(png)["chara"]["data"]
    for key in ("name", "description", "personality", "scenario", "first_mes", "mes_example", "creator_notes", "system_prompt", "post_history_instructions",
                "creator", "character_version"):
        assert isinstance(seen[key], str)
    assert "{{user}}: Who?\n{{char}}: Me." in seen["mes_example"] and len(seen["character_book"]["entries"]) == len(persona.facts)
    again = character_card.read(png)
    back = Persona.parse(again.persona, persona.id)
    assert (back.name, back.facts, back.greeting, back.description, back.languages, back.age) == (
        persona.name, persona.facts, persona.greeting, persona.description, persona.languages, persona.age)
    assert again.examples == (("Who?", "Me."), ("谁？", "我。"))


def test_chinese_and_long_ones():
    card = character_card.read(json.dumps({"name": "阿青", "description": "阿青今年二十岁，住在{{user}}隔壁。" * 900, "first_mes": "“来啦？”", "personality": ""}).encode())
    assert card.persona["languages"] == ["zh"] and len(card.persona["description"]["zh"]) <= 8000 and card.notes[0][1] and card.persona["greeting"] == {"zh": ["来啦？"]}
    assert json.loads(character_card.write(card.persona, card.raw))["data"]["description"] == "阿青今年二十岁，住在{{user}}隔壁。" * 900


@pytest.mark.parametrize("text", ["{{" * 40_000, "{{{{char}}" * 4000, "{{random:" + "{{char}}," * 3000 + "}}", "{{user:{{user}}}}" * 2000, "*" * 30_000, "\"" * 30_001, "<" * 30_000,
                                  "{{reverse:}}rahc{{}}", "{0.__class__}", "%(x)s ${y} {{#if}}{{/if}} {{getvar::a}} {{setvar::a::b}}", "\u202e\u0000\ud800 abc"])
def test_hostile_macros_are_text(text):
    began = time.process_time()
    data = {"name": "Eve " + text[:200], "description": text, "first_mes": text, "mes_example": "<START>\n{{user}}: " + text + "\n{{char}}: " + text, "personality": text}
    try:
        card = character_card.read(json.dumps({"spec": "chara_card_v2", "data": data}).encode())
        assert "{" not in json.dumps([card.fields["name"], card.fields["description"], card.fields["greeting"], card.fields["facts"]])
    except CardError as error:
        assert error.hint
    assert time.process_time() - began < 2


def bomb(size: int) -> bytes:
    return zlib.compress(b"A" * size, 9)


def ten_gigabytes() -> bytes:
    """A small zip of zeros that unpack to 10 GB: the deflated stream of 16 MB, over and over."""
    packer = zlib.compressobj(9, zlib.DEFLATED, -15)
    block = packer.compress(b"\0" * 2**24) + packer.flush(zlib.Z_FULL_FLUSH)
    body, size, name = block * 640, 640 * 2**24, b"card.json"
    extra = struct.pack("<HHQQ", 1, 16, size, len(body))
    head = struct.pack("<HHHHHIIIHH", 45, 0, 8, 0, 33, 0, 2**32 - 1, 2**32 - 1, len(name), len(extra))
    first = b"PK\3\4" + head + name + extra + body
    table = b"PK\1\2" + struct.pack("<H", 45) + head + struct.pack("<HHHII", 0, 0, 0, 0, 0) + name + extra
    return first + table + b"PK\5\6" + struct.pack("<HHHHIIH", 0, 0, 1, 1, len(table), len(first), 0)


def test_bombs_and_rubbish_are_refused_with_a_sentence_and_soon():
    whole = picture(chara=coded(SECOND))
    many = io.BytesIO()
    with zipfile.ZipFile(many, "w") as archive:
        for n in range(5000):
            archive.writestr(str(n), b"")
    deep = b'{"data":' + b"[" * 200_000
    locked = bytearray(charx(json.dumps(THIRD).encode()))
    locked[6] |= 1
    locked[locked.rfind(b"PK\x01\x02") + 8] |= 1
    bad = {
        "empty": b"", "text": b"hello", "list": b"[1]", "number": b"3", "nobody": b'{"data": {}}', "names": b'{"data": {"name": 3, "description": []}}', "deep": deep, "binary": bytes(range(256)),
        "digits": b'{"name": ' + b"9" * 10_000 + b"}", "5 MB": json.dumps({"name": "x", "description": "y" * 5_000_000}).encode(), "60 MB": b"x" * 60_000_000,
        "picture": picture(), "cut": whole[:-30], "head": whole[:20], "huge chunk": whole[:33] + struct.pack(">I4s", 2**31, b"tEXt"), "base64": picture(chara="!"), "jpeg": b"\xff\xd8\xff\xe0" + b"\0" * 99,
        "zTXt bomb": with_chunk(b"zTXt", b"chara\0\0" + bomb(60_000_000)), "iTXt bomb": with_chunk(b"iTXt", b"ccv3\0\1\0\0\0" + bomb(60_000_000)), "zTXt": with_chunk(b"zTXt", b"chara\0\0nonsense"),
        "zip": b"PK\x03\x04" + b"\0" * 200, "many": many.getvalue(), "no card": charx(b"{}").replace(b"card.json", b"cord.json"), "zip bomb": charx(b"A" * 60_000_000), "locked": bytes(locked),
        "10 GB": ten_gigabytes(), "5 MB in a picture": picture(chara=coded({"spec": "chara_card_v2", "data": {"name": "x", "description": "y" * 5_000_000}})),
        "icon bomb": charx(json.dumps(THIRD).encode(), assets__icon__main=b"A" * 40_000_000),
    }
    for name, data in bad.items():
        began = time.process_time()
        with pytest.raises(CardError) as found:
            character_card.read(data)
        assert found.value.message and found.value.hint and found.value.zh[0], name
        assert time.process_time() - began < 2, name


def test_a_path_in_a_card_opens_nothing():
    card = json.loads(json.dumps(THIRD))
    for uri in ("embeded://../../etc/passwd", "/etc/passwd", "file:///etc/passwd", "data:image/png;base64,!!!", "__asset:0", 5):
        card["data"]["assets"] = [{"type": "icon", "uri": uri, "name": "main", "ext": "png"}]
        assert character_card.read(charx(json.dumps(card).encode())).portrait is None


def test_a_portrait_must_be_a_png():
    for data in (b"", b"\xff\xd8\xff", picture()[:-20]):
        with pytest.raises(CardError):
            character_card.write({"name": "A"}, None, data)
