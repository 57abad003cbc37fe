"""Chat logs: what the programs export becomes examples of how one of the two answers."""
import io
import json
import random
import time
import zipfile

import pytest

from persona import chatlog
from persona.card import CardError

TALK = [("Anna", "Hey Ben, did you find the old radio?"), ("Ben", "Found it under the stairs, next to the skis."), ("Ben", "It still hums."),
        ("Anna", "ok"), ("Ben", "haha"), ("Anna", "What are you cooking on Sunday?"), ("Ben", "Lentils, the way my aunt did, with too much lemon."),
        ("Anna", "Can you send me your number?"), ("Ben", "Sure, +43 660 1234567"), ("Anna", "How was the concert?"), ("Ben", "Loud, short, and worth the train ride.")]
HAN = [("小王", "你周末去哪儿了？"), ("老李", "去爬山了，山顶风很大，腿到现在还酸。"), ("小王", "嗯"), ("老李", "哈哈"), ("小王", "你为什么不坐缆车？"),
       ("老李", "坐缆车就没意思了，走上去的茶才香。")]


def _times(rows, form):
    return "\n".join(form.format(hour=9 + n // 50, two=f"{n % 50:02d}", who=who, text=text) for n, (who, text) in enumerate(rows))


LOGS = {
    "whatsapp-android": ("whatsapp", "21/11/2026, 09:00 - Messages and calls are end-to-end encrypted. No one outside of this chat can read them.\n"
                         + _times(TALK, "21/11/2026, 0{hour}:{two} - {who}: {text}") + "\n21/11/2026, 09:59 - Anna: <Media omitted>\n"),
    "whatsapp-american": ("whatsapp", _times(TALK, "11/21/26, {hour}:{two}\u202fAM - {who}: {text}")),
    "whatsapp-ios": ("whatsapp", "[21.11.26, 08:59:00] Anna: \u200eimage omitted\n" + _times(TALK, "\u200e[21.11.26, 0{hour}:{two}:11] {who}: {text}")),
    "telegram": ("telegram", _times(TALK, "{who}, [21.11.2026 0{hour}:{two}]\n{text}\n")),
    "telegram-words": ("telegram", _times(TALK, "{who}, [21 Nov 2026 at 0{hour}:{two}:10]:\n{text}\n")),
    "telegram-json": ("telegram", json.dumps({"name": "Anna", "messages": [
        {"type": "service", "actor": "Anna"}, *({"type": "message", "from": who, "date_unixtime": str(1_790_000_000 + 60 * n),
                                                 "text": text if n % 2 else [text[:5], {"type": "bold", "text": text[5:]}]} for n, (who, text) in enumerate(TALK))]})),
    "wechat": ("wechat", _times(TALK, "{who} 2026-11-21 0{hour}:{two}:05\n{text}\n")),
    "wechat-before": ("wechat", _times(TALK, "2026-11-21 0{hour}:{two}:05 {who}\n{text}\n")),
    "wechat-copied": ("wechat", "—————  2026-11-21  —————\n\n" + _times(TALK, "{who}  0{hour}:{two}\n\n{text}\n\n")),
    "plain": ("plain", _times(TALK, "{who}: {text}")),
    "plain-bold": ("plain", _times(TALK, "**{who}:** {text}")),
}


@pytest.mark.parametrize("name", LOGS)
def test_an_export_becomes_examples(name):
    kind, text = LOGS[name]
    chat = chatlog.read(chatlog.text_of(text.encode()), "ben")
    assert chat.kind == kind and dict(chat.speakers) == {"Anna": 5, "Ben": 6} and chat.speaker == "Ben"
    examples = dict(chat.examples)
    assert examples["Hey Ben, did you find the old radio?"] == "Found it under the stairs, next to the skis. It still hums."
    assert examples["What are you cooking on Sunday?"].startswith("Lentils") and "ok" not in examples
    assert not any("1234567" in said for said in examples.values()), "telephone numbers stay private"


@pytest.mark.parametrize("form", ["[2026/11/21 下午{hour}:{two}:05] {who}: {text}", "2026/11/21 下午{hour}:{two} - {who}: {text}", "{who}：{text}",
                                  "{who} 2026/11/21 {hour}:{two}\n{text}\n", "{who}:\n{text}\n"])
def test_chinese(form):
    text = _times(HAN, form)
    for code in ("utf-8", "utf-8-sig", "utf-16", "gb18030"):
        chat = chatlog.read(chatlog.text_of(text.encode(code)), "老李")
        assert chat.examples == (("你周末去哪儿了？", "去爬山了，山顶风很大，腿到现在还酸。"), ("你为什么不坐缆车？", "坐缆车就没意思了，走上去的茶才香。"))


def test_whose_answers_is_asked():
    text = LOGS["plain"][1]
    chat = chatlog.read(text)
    assert chat.speaker == "" and chat.examples == () and [name for name, _ in chat.speakers] == ["Ben", "Anna"]
    assert chatlog.read(text, "nobody").speaker == "" and chatlog.read(text, "Benjamin Z").speaker == "Ben"
    assert chatlog.read(text, "Anna").examples


def test_a_reply_next_day_is_none():
    text = "21/11/2026, 09:00 - Anna: Did you find the radio?\n22/11/2026, 09:00 - Ben: Good morning, the bread is ready."
    assert chatlog.read(text, "Ben").examples == ()


def test_many_messages_few_examples_none_alike():
    rng = random.Random(1)
    rows = [f"{'Anna' if n % 2 == 0 else 'Ben'}: {' '.join(rng.choice(['why', 'rain', 'tea', 'moon', 'stone', 'river', 'boat', 'lamp', 'song', 'door']) for _ in range(8))} {n}?"
            for n in range(20_000)]
    began = time.process_time()
    chat = chatlog.read("\n".join(rows), "Ben")
    assert 10 < len(chat.examples) <= chatlog.MOST_EXAMPLES and time.process_time() - began < 5


def test_the_zip_that_whatsapp_shares():
    box = io.BytesIO()
    with zipfile.ZipFile(box, "w") as archive:
        archive.writestr("IMG-1.jpg", b"\xff" * 100)
        archive.writestr("_chat.txt", LOGS["whatsapp-ios"][1])
    assert chatlog.read(chatlog.text_of(box.getvalue()), "Ben").examples


@pytest.mark.parametrize("text", ["", "hello", "Anna: alone\nAnna: quite alone", "http://a.b\nhttps://c.d", '{"messages": [', "{" * 5000 + '"messages"', "-" * 200_000 + "x",
                                  "[图片]" * 5000, "a: " * 30_000, "\n" * 200_000])
def test_no_talk_is_said_so_and_soon(text):
    began = time.process_time()
    with pytest.raises(CardError) as found:
        chatlog.read(text, "Ben")
    assert found.value.hint and found.value.zh[0] and time.process_time() - began < 3


def test_bytes_that_are_no_text():
    bomb = io.BytesIO()
    with zipfile.ZipFile(bomb, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("chat.txt", b"0" * 60_000_000)
    empty = io.BytesIO()
    with zipfile.ZipFile(empty, "w"):
        pass
    for data in (b"\x89PNG\r\n\x1a\n\x00\x00\xff\x00", b"PK\x03\x04nonsense", bomb.getvalue(), empty.getvalue() + b"", b"x" * (chatlog.MOST_BYTES + 1)):
        with pytest.raises(CardError):
            chatlog.read(chatlog.text_of(data))
