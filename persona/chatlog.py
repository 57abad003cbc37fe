"""A chat that somebody exported, as examples of how one of its people answers. WhatsApp (iOS and Android), Telegram (copied text, result.json),
WeChat (copied text), and plain `Name: text`, in English and Chinese. Bytes in, examples out; nothing is kept, nobody is named in an error."""
from __future__ import annotations

import io
import json
import re
import zipfile
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from persona.card import CardError

MOST_BYTES = 20 * 2**20
MOST_LINES = 300_000
MOST_EXAMPLES = 40
MOST_SPEAKERS = 50
BELONGS = 6 * 3600.0                                     # s within which a message answers the one before it
SHORTEST, LONGEST_ASKED, LONGEST_SAID = 2, 240, 400      # characters

Example = tuple[str, str]


@dataclass(frozen=True)
class Message:
    speaker: str
    text: str
    when: float | None = None                            # s since 1970, where the log says so


@dataclass(frozen=True)
class Chat:
    """`speaker`: whose answers the examples are; "" where that is not clear yet, and then there are none: let one of `speakers` be chosen."""
    kind: str                                            # whatsapp | telegram | wechat | plain
    speakers: tuple[tuple[str, int], ...]                # (name, messages), the busiest first
    speaker: str = ""
    examples: tuple[Example, ...] = ()


def text_of(data: bytes) -> str:
    """The text of an exported file: UTF-8, UTF-16 or GB 18030, or the one .txt in WhatsApp's zip. Raises CardError."""
    if len(data) > MOST_BYTES:
        raise CardError(f"That chat is {len(data) / 1e6:.0f} MB; {MOST_BYTES // 10**6} MB can be read.", "Export a shorter time, without media.",
                        (f"这份聊天记录有 {len(data) / 1e6:.0f} MB，最多能读 {MOST_BYTES // 10**6} MB。", "请导出短一些的时间，不带媒体文件。"))
    if data[:4] == b"PK\x03\x04":
        data = _unzipped(data)
    if data[:2] in (b"\xff\xfe", b"\xfe\xff"):
        return data.decode("utf-16", "replace")
    for code in ("utf-8-sig", "gb18030"):
        try:
            text = data.decode(code)
        except UnicodeDecodeError:
            continue
        if "\x00" not in text:
            return text
    raise CardError("That file holds no text.", "Export the chat as text (.txt), without media.", ("这个文件里没有文字。", "请把聊天导出为文本（.txt），不带媒体文件。"))


def read(text: str, speaker: str = "") -> Chat:
    """The examples of `speaker` (a name, or the beginning of one) in a log. Raises CardError where there is no talk between two."""
    if len(text) > MOST_BYTES or text.count("\n") > MOST_LINES:
        raise CardError("That chat is too long to be read.", "Export a shorter time.", ("这份聊天记录太长了。", "请导出短一些的时间。"))
    kind, messages = _messages(text)
    counts = Counter(message.speaker for message in messages)
    if len(counts) < 2:
        raise CardError("No talk between two people was found in that text.", "Export the chat as text, or write it as `Name: text`, one message a line.",
                        ("没有在这段文字里找到两个人的对话。", "请把聊天导出为文本，或写成“名字：内容”，一行一条。"))
    speakers = tuple(counts.most_common(MOST_SPEAKERS))
    chosen = _named(speaker, counts)
    if not chosen:
        return Chat(kind, speakers)
    return Chat(kind, speakers, chosen, tuple(_chosen(list(_pairs(messages, chosen)))))


def messages(text: str) -> list[Message]:
    """All that was said in a log that `read` has taken, in its order."""
    return _messages(text)[1]


def empty(text: str) -> bool:
    """Whether a message says next to nothing: "ok", "haha", 嗯."""
    return len(text) < SHORTEST or bool(_EMPTY.fullmatch(text))


def _named(speaker: str, counts: Counter[str]) -> str:
    """The speaker of that name; of one who begins so, if there is one alone."""
    wanted = _name(speaker).casefold()
    if not wanted:
        return ""
    same = [name for name in counts if name.casefold() == wanted]
    near = [name for name in counts if name.casefold().startswith(wanted) or wanted.startswith(name.casefold())]
    return same[0] if same else near[0] if len(near) == 1 else ""


# What the logs look like ------------------------------------------------------------------------------------------------------------

_DAY = r"(?P<day>\d{1,4}[./\-年]\d{1,2}[./\-月]\d{1,4}日?)"
_TIME = r"(?P<half>上午|下午|凌晨|早上|中午|晚上|[AaPp]\.?\s?[Mm]\.?)?\s?(?P<time>\d{1,2}[:.]\d{2}(?:[:.]\d{2})?)\s?(?P<late>[AaPp]\.?\s?[Mm]\.?)?"
_WHO = r"(?P<who>[^:：\n]{1,80}?)"
_FORMS: tuple[tuple[str, re.Pattern[str]], ...] = (
    ("whatsapp", re.compile(rf"\[{_DAY},?\s{{0,3}}{_TIME}\]\s?(?:{_WHO}[:：]\s?)?(?P<text>.*)")),
    ("whatsapp", re.compile(rf"{_DAY},?\s{{1,3}}{_TIME}\s[-–]\s(?:{_WHO}[:：]\s?)?(?P<text>.*)")),
    ("telegram", re.compile(rf"{_WHO},? \[{_DAY},?\s{{1,3}}{_TIME}\]:?\s?(?P<text>.*)")),
    ("telegram", re.compile(r"(?P<who>[^:：\n]{1,80}?),? \[(?P<words>\d{1,2} [A-Z][a-z]{2,8} \d{4}(?: at|,)? \d{1,2}:\d{2}(?::\d{2})?)\]:?\s?(?P<text>.*)")),
    ("wechat", re.compile(rf"{_WHO}\s{{1,4}}{_DAY}\s{{1,4}}{_TIME}[:：]?\s*(?P<text>)$")),
    ("wechat", re.compile(rf"{_DAY}\s{{1,4}}{_TIME}\s{{1,4}}{_WHO}[:：]?\s*(?P<text>)$")),
    ("wechat", re.compile(rf"{_WHO}\s{{2,6}}(?P<half>上午|下午)?(?P<time>\d{{1,2}}:\d{{2}})\s*(?P<text>)$")),
    ("wechat", re.compile(r"(?P<who>[^\s:：][^:：\n]{0,38})[:：]\s*(?P<text>)$")),
)
_PLAIN = re.compile(r"\s{0,3}(?:[*_]{0,2})(?P<who>[^\s:：*_][^:：\n*_]{0,38}?)(?:[*_]{0,2})\s?[:：](?!//)[*_]{0,2}\s?(?P<text>\S.*)")
_UNSEEN = re.compile("[\u200b-\u200f\u202a-\u202e\u2060-\u2069\ufeff]")
_RULE = re.compile(r"[\s—\-–=_*·]{3,}.{0,40}?[\s—\-–=_*·]{3,}")


def _messages(text: str) -> tuple[str, list[Message]]:
    text = _UNSEEN.sub("", text).replace("\u202f", " ").replace("\u00a0", " ")
    if text.lstrip()[:1] == "{" and '"messages"' in text[:20_000]:
        return "telegram", list(_telegram(text))
    rows = [row[:4000] for row in text.splitlines()]
    sample = [row for row in rows[:4000] if row.strip()]
    found = [sum(bool(form.match(row)) for row in sample) for _, form in _FORMS]
    best = max(range(len(_FORMS)), key=lambda k: found[k])
    plain = sum(bool(_PLAIN.match(row)) for row in sample)
    if found[best] < 2 or (best == len(_FORMS) - 1 and plain > found[best]):
        return "plain", list(_read(rows, _PLAIN))
    return _FORMS[best][0], list(_read(rows, _FORMS[best][1]))


def _read(rows: list[str], form: re.Pattern[str]) -> Iterator[Message]:
    """A row that begins a message begins one; any other goes on with the one before."""
    who, when, order = "", None, _day_first(rows, form)
    parts: list[str] = []

    def whole() -> Iterator[Message]:
        said = _clean(parts)
        if who and said:
            yield Message(who, said, when)

    for row in rows:
        if begun := form.match(row.strip()):
            yield from whole()
            groups = begun.groupdict()
            who, parts, when = _name(groups.get("who") or ""), [groups["text"]], _when(groups, order)
        elif len(row) > 120 or not _RULE.fullmatch(row):
            parts.append(row)
    yield from whole()


def _telegram(text: str) -> Iterator[Message]:
    """result.json of Telegram Desktop: a text is a string, or a list of strings and of {"type", "text"}."""
    try:
        data = json.loads(text)
    except (ValueError, RecursionError):
        raise CardError("That Telegram export is damaged.", "Export the chat again.", ("这份 Telegram 导出已损坏。", "请重新导出。")) from None
    for message in data.get("messages", []) if isinstance(data, dict) and isinstance(data.get("messages"), list) else []:
        if not isinstance(message, dict) or message.get("type") != "message" or not isinstance(message.get("from"), str):
            continue
        parts = message.get("text")
        parts = parts if isinstance(parts, list) else [parts]
        said = _clean(["".join(part if isinstance(part, str) else str(part.get("text", "")) if isinstance(part, dict) else "" for part in parts)])
        stamp = str(message.get("date_unixtime", ""))
        if said:
            yield Message(_name(message["from"]), said, float(stamp) if stamp.isdigit() and len(stamp) < 12 else None)


def _name(text: str) -> str:
    return " ".join(_UNSEEN.sub("", text).strip(" \t~@[]").split())[:80]


def _day_first(rows: list[str], form: re.Pattern[str]) -> bool:
    """Whether 03/04 is in April: nobody says, but one of the days is beyond the twelfth."""
    for row in rows[:20_000]:
        if (begun := form.match(row.strip())) and (day := begun.groupdict().get("day")):
            first, second, *_ = (int(part) for part in re.findall(r"\d+", day))
            if 12 < first < 32 or second > 12:
                return first > 12
    return True


def _when(groups: dict[str, str | None], day_first: bool) -> float | None:
    day, time = groups.get("day"), groups.get("time")
    try:
        if words := groups.get("words"):
            plain = re.sub(r" at|,", "", words)
            return datetime.strptime(plain[:plain.rindex(":")] if plain.count(":") == 2 else plain, "%d %b %Y %H:%M").timestamp()
        if not day or not time:
            return None
        a, b, c = (int(part) for part in re.findall(r"\d+", day)[:3])
        year, month, date = (a, b, c) if a > 31 else (c, b, a) if day_first else (c, a, b)
        hour, minute = (int(part) for part in re.findall(r"\d+", time)[:2])
        half = (groups.get("half") or groups.get("late") or "").lower()
        if (half in ("下午", "晚上") or half.startswith("p")) and hour < 12:
            hour += 12
        elif (half in ("上午", "凌晨") or half.startswith("a")) and hour == 12:
            hour = 0
        return datetime(year + (2000 if year < 100 else 0), month, date, hour, minute).timestamp()
    except (ValueError, OverflowError, OSError):
        return None


# What of it is worth saying again ---------------------------------------------------------------------------------------------------

_NOTHING = re.compile(
    r"<[^<>]{0,60}(?:omitted|attached|省略|附件)[^<>]{0,60}>|(?:image|video|audio|sticker|GIF|document|Contact card) omitted|.{0,60}\(file attached\)|.{0,60}（文件附件）|"
    r"(?:You deleted this message|This message was deleted|Missed (?:voice|video) call|Waiting for this message)\b.{0,60}|null|"
    r"(?:此消息已删除|您已删除此消息|你撤回了一条消息|消息已撤回|.{1,30}撤回了一条消息|未接(?:语音|视频)(?:通话|来电)).{0,20}|"
    r"(?:\[(?:图片|语音|视频|表情|动画表情|文件|位置|链接|红包|转账|名片|聊天记录|Photo|Voice message|Video|Sticker|GIF|File|Location)[^\s\]]{0,20}\]\s*)+|"
    r"(?:语音通话|视频通话|通话时长).{0,20}|.{0,80}end-to-end encrypted.{0,120}|.{0,60}端到端加密.{0,60}", re.IGNORECASE)
_PRIVATE = re.compile(r"\S@\S+\.\w|(?:\d[\s().-]?){7,}|https?://|www\.|\b[A-Z]{2}\d{2}(?:\s?\w{4}){3,}")   # addresses, telephones, accounts
_EMPTY = re.compile(r"(?:o*k+(?:ay)?|k+|ha(?:ha)+|he(?:he)+|lol|lmao|yes|yep|yeah|no|nope|sure|thanks?|thx|ty|hm+|oh+|ah+|"
                    r"[好嗯哦噢啊呵哈嘿行对是不呢吧的了6]+|收到|谢谢|好的好的|没事|晚安|再见)?[\W_]*", re.IGNORECASE)
_QUESTION = re.compile(r"[?？]|^(?:what|who|where|when|why|how|do|did|are|is|can|could|would|will|have|tell me)\b|[吗呢]$|什么|怎么|为什么|哪|谁|几", re.IGNORECASE)


def _clean(parts: list[str]) -> str:
    said = []
    for part in parts:
        part = re.sub(r"^「[^」]{0,300}」\s*", "", part.strip())                    # WeChat quotes what it answers
        part = re.sub(r"<(?:This message was edited|此消息已编辑)>|（已编辑）", "", part).strip()
        if part and not _NOTHING.fullmatch(part) and not re.fullmatch(r"-\s*-[\s-]*", part) and not part.isspace():
            said.append(part)
    return " ".join(" ".join(said).split())


def _pairs(messages: list[Message], speaker: str) -> Iterator[tuple[int, str, str]]:
    """(place, what the others said, what the speaker answered): neighbours of one side are one turn, unless hours lie between them."""
    turns: list[tuple[bool, list[str], float | None]] = []
    for message in messages:
        own, last = message.speaker == speaker, turns[-1] if turns else None
        late = last and last[2] is not None and message.when is not None and message.when - last[2] > BELONGS
        if last and last[0] == own and not late:
            last[1].append(message.text)
            turns[-1] = (own, last[1], message.when)
        else:
            turns.append((own, [message.text], message.when))
    for place, (first, second) in enumerate(zip(turns, turns[1:], strict=False)):
        late = first[2] is not None and second[2] is not None and second[2] - first[2] > BELONGS
        if not first[0] and second[0] and not late:
            asked = joined(first[1][-2:])
            asked = asked if len(asked) <= LONGEST_ASKED else first[1][-1]
            yield place, asked, joined(second[1][:4])


def joined(texts: list[str]) -> str:
    """Messages run together as sentences."""
    whole = ""
    for text in texts:
        chinese = re.search(r"[\u3400-\u9fff]", text)
        end = "" if not whole else " " if re.search(r"[.!?…~]$", whole) else "" if re.search(r"[。！？，～]$", whole) else "，" if chinese else ". "
        whole += end + text
    return whole


def _chosen(pairs: list[tuple[int, str, str]]) -> list[Example]:
    """The pairs that show most of how somebody answers: questions with real answers, nothing private, no two alike, from the whole log."""
    scored = []
    for place, asked, said in pairs:
        if not SHORTEST <= len(asked) <= LONGEST_ASKED or not SHORTEST <= len(said) <= LONGEST_SAID:
            continue
        if _PRIVATE.search(asked) or _PRIVATE.search(said) or _EMPTY.fullmatch(asked) or _EMPTY.fullmatch(said) or not re.search(r"\w", said):
            continue
        length = len(said) * (3 if re.search(r"[\u3400-\u9fff]", said) else 1)      # a Chinese character says as much as three letters
        score = 2.0 * bool(_QUESTION.search(asked)) + min(length, 90) / 45 - max(0, length - 240) / 120 - 0.8 * bool(_QUESTION.search(said))
        scored.append((score - max(0, len(asked) - 120) / 80, place, asked, said))
    scored.sort(key=lambda row: (-row[0], row[1]))
    taken: list[tuple[int, str, str, frozenset[str]]] = []
    for _, place, asked, said in scored[:4000]:
        if len(taken) >= MOST_EXAMPLES:
            break
        grams = frozenset(_grams(asked))
        if all(len(grams & other) <= 0.5 * min(len(grams), len(other)) for *_, other in taken):
            taken.append((place, asked, said, grams))
    return [(asked, said) for _, asked, said, _ in sorted(taken, key=lambda row: row[0])]


def _grams(text: str) -> Iterator[str]:
    plain = re.sub(r"[\W_]+", "", text).lower()
    size = 2 if re.search(r"[\u3400-\u9fff]", plain) else 4
    return (plain[i:i + size] for i in range(max(1, len(plain) - size + 1)))


def _unzipped(data: bytes) -> bytes:
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            names = [info for info in archive.infolist()[:5000] if info.filename.lower().endswith(".txt")]
            if not names:
                raise CardError("There is no .txt in that zip.", "Choose the exported chat itself.", ("这个 zip 里没有 .txt。", "请选择导出的聊天文件。"))
            with archive.open(max(names, key=lambda info: info.file_size)) as file:
                text = file.read(MOST_BYTES + 1)
    except (zipfile.BadZipFile, RuntimeError, NotImplementedError, EOFError, OSError, ValueError) as error:
        if isinstance(error, CardError):
            raise
        raise CardError("That zip cannot be read.", "Export the chat again, without a password.", ("这个 zip 读不出来。", "请重新导出，不要加密码。")) from None
    if len(text) > MOST_BYTES:
        raise CardError("The chat in that zip is too long.", "Export a shorter time.", ("zip 里的聊天记录太长了。", "请导出短一些的时间。"))
    return text
