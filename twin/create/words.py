"""A person's own words, as exchanges that a model can learn from: chats they exported, examples of the twin, texts they wrote. Bytes of others in, clean
exchanges out; nothing is kept here.

What a learner never sees: telephone numbers, addresses, e-mail, keys, numbers of cards and accounts, passwords and links (the sentence goes, on both
sides, and the exchange where nothing is left of it); the names of others (they become "a friend"; an unusual name that nothing announces stays: see
twin/mask.py); abuse, for a twin stays polite whoever it was made of; and the same answer twice.
"""
from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace

from persona import chatlog, polite
from persona.card import CardError
from persona.lines import Lines, fill
from persona.words import cjk_share, normal

from ..errors import Refused
from ..mask import found
from .given import NAMES

MOST = 20_000                                            # exchanges that are learned from: the latest of more
LEAST = 20                                               # fewer teach a manner of speaking to nobody
LONGEST_ASKED, LONGEST_SAID = 400, 600                   # characters
BELONGS = chatlog.BELONGS
SAYS_ON = ("Tell me something.", "Go on.", "What else?", "What do you think?"), ("说点什么吧。", "继续说。", "还有呢？", "你怎么看？")
ABOUT = "Tell me about this: {heading}.", "说说{heading}吧。"
WHY = {                                                  # reason -> why exchanges were left out, (en, zh)
    "private": ("held nothing but numbers, addresses or links", "只有号码、地址或链接"), "empty": ("said next to nothing", "几乎没说什么"),
    "rude": ("were abusive", "有辱骂的话"), "same": ("had been said before", "重复"),
    "language": ("are in a language the model does not know", "模型不懂这种语言"),
    "more": ("are older than the latest {most}", "早于最近的 {most} 段")}

_SECRET = re.compile(
    r"https?://|www\.|\S@\S+\.\w|(?:\d[\s().-]?){7,}|\b(?:password|passcode|passphrase|pin|cvv|otp|login|wi-?fi (?:key|code))\b.{0,24}?[\w$#]*\d|"
    r"\b(?:password|passcode|passphrase) (?:is|was|:)|(?:密码|口令|验证码|支付码)[^，。！？]{0,12}[A-Za-z0-9]|\bcode\W{1,4}(?:is\W{1,3})?\d{4,}", re.IGNORECASE)
_CUT = re.compile(r"(?<=[.!?…])(?<!\b[MD]r\.)(?<!\bM[rs]s\.)(?<!\bMs\.)(?<!\bProf\.)\s+|(?<=[。！？；])|\n+")
_MENTION = re.compile(r"(?<!\w)@[\w.-]{2,40}\s?")
_TITLE = re.compile(r"(?:\b(?:Mr|Mrs|Ms|Miss|Dr|Prof)\.?\s*)$")
_TITLE_ZH = re.compile(r"(?:先生|女士|小姐|老师|医生|教授|经理|同学|师傅)")
_ANNOUNCED = re.compile(r"(?:name is|name's|am called|I'm called|call me|[Ss]igned,?|Name:|我叫|名字(?:是|叫)|名叫|姓名[是为:：]?|联系人[是:：]?)\s*$")
_ADDRESSED = re.compile(
    r"(?:^|[,，.。!！?？…]\s*|\b(?:hi|hey|hello|thanks|thank you|thx|morning|night|evening|bye|ok|okay|yes|yeah|no|sorry|please|congrats|congratulations|"
    r"dear|love you|miss you|sure|well done|welcome)\s+|[你您]好\s*)$", re.IGNORECASE)
_ENDS = re.compile(r"^\s*(?:[,，.。!！?？…:：]|$)")
_FIRST = re.compile(r"\b(?:I|I'm|I've|my|me|we|our)\b|我")


@dataclass(frozen=True)
class Exchange:
    """What was asked and what the person said. `talk`: of which conversation; those of one are never divided between learning and judging."""
    talk: str
    asked: str
    said: str
    language: str = "en"

    def row(self) -> dict[str, str]:
        return {"talk": self.talk, "asked": self.asked, "said": self.said, "language": self.language}


@dataclass
class Words:
    """What is left of what was brought; `left`: how many exchanges were left out, by a key of WHY."""
    exchanges: list[Exchange]
    left: Counter[str] = field(default_factory=Counter)
    talks: int = 0

    def told(self) -> dict[str, object]:
        notes = [{"en": f"{count} {WHY[why][0].format(most=MOST)}.", "zh": f"{count} 段{WHY[why][1].format(most=MOST)}。"}
                 for why, count in self.left.most_common() if count]
        return {"exchanges": len(self.exchanges), "talks": self.talks, "left": notes, "languages": dict(Counter(one.language for one in self.exchanges))}


# What was brought -------------------------------------------------------------------------------------------------------------------

def of_chat(data: bytes, speaker: str) -> tuple[list[Exchange], list[str]]:
    """(the exchanges of `speaker` in an exported chat, the names of the others). Raises CardError where it is no chat, Refused where they never speak."""
    text = chatlog.text_of(data)
    chat = chatlog.read(text, speaker)
    if not chat.speaker:
        raise Refused("Nobody of that name speaks in this chat.", "Say under which name they write in it, just as it stands there.", code="silent",
                      zh=("这份聊天记录里没有人用这个名字说话。", "请填写他们在聊天里用的名字，和记录里一样。"))
    return list(_turns(chatlog.messages(text), chat.speaker)), [name for name, _ in chat.speakers if name != chat.speaker]


def _turns(messages: Iterable[chatlog.Message], speaker: str) -> Iterator[Exchange]:
    """Neighbouring messages of one side are a turn; after hours of silence another conversation begins."""
    asked: list[str] = []
    said: list[str] = []
    talk, last = 0, None
    for message in messages:
        if last is not None and message.when is not None and message.when - last > BELONGS:
            if asked and said:
                yield _exchange(talk, asked, said)
            talk, asked, said = talk + 1, [], []
        last = message.when if message.when is not None else last
        if message.speaker == speaker:
            said.append(message.text)
        else:
            if asked and said:
                yield _exchange(talk, asked, said)
            asked, said = ([], []) if said else (asked, said)
            asked.append(message.text)
    if asked and said:
        yield _exchange(talk, asked, said)


def _exchange(talk: int, asked: list[str], said: list[str]) -> Exchange:
    return Exchange(f"talk {talk}", chatlog.joined(asked[-3:]), chatlog.joined(said[:4]))


def of_lines(lines: Lines, values: Mapping[str, str]) -> list[Exchange]:
    """The examples of a twin: the first way to ask each with each way to answer. Each is a conversation of its own."""
    rows: list[Exchange] = []
    for language, own in lines.items():
        for line in own:
            for number, say in enumerate(line.say):
                text = fill(say, dict(values))
                if text and line.ask and not line.fact:
                    rows.append(Exchange(f"line {language} {line.id}", line.ask[min(number, len(line.ask) - 1)], text, language))
    return rows


def of_text(title: str, blocks: Iterable[tuple[str, str]]) -> list[Exchange]:
    """A text that the person wrote, as (paragraph, heading): what they say of themselves in it, some sentences at a time. Paragraphs in which nobody says
    "I" are no talk and left out."""
    rows: list[Exchange] = []
    for paragraph, heading in blocks:
        if not _FIRST.search(paragraph) or len(paragraph) < 20:
            continue
        zh, held = cjk_share(paragraph) > 0.2, ""
        for sentence in [part.strip() for part in _CUT.split(paragraph) if part and part.strip()]:
            if held and len(held) + len(sentence) > (90 if zh else 240):
                rows.append(_told(title, heading, held, zh, len(rows)))
                held = ""
            held += ("" if zh or not held else " ") + sentence
        if held:
            rows.append(_told(title, heading, held, zh, len(rows)))
    return rows


def _told(title: str, heading: str, said: str, zh: bool, number: int) -> Exchange:
    asked = ABOUT[zh].format(heading=heading.rstrip(".:。：")) if heading and number % 2 == 0 else SAYS_ON[zh][number % 4]
    return Exchange(f"text {title} {number // 4}", asked, said, "zh" if zh else "en")


def of_rows(text: str) -> list[Exchange] | None:
    """Exchanges that somebody wrote down as JSON, a list or a line each: {"asked", "said", "talk"?}. None where it is nothing of the kind."""
    try:
        rows = json.loads(text) if text.lstrip()[:1] == "[" else [json.loads(line) for line in text.splitlines()[:4 * MOST] if line.strip()]
        return [Exchange(str(row.get("talk", f"row {number}")), str(row["asked"])[:4000], str(row["said"])[:4000])
                for number, row in enumerate(rows[:4 * MOST])]
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return None


def gathered(name: str, data: bytes, who: str, read: Callable[[str, bytes], Iterable[tuple[str, str]]]) -> tuple[list[Exchange], list[str]]:
    """(exchanges, names of others) of a file: a chat in which `who` speaks, exchanges as JSON, else a text that they wrote. `read` makes paragraphs with
    headings of such a one. Raises Refused, CardError."""
    if name.lower().rsplit(".", 1)[-1] in ("pdf", "docx", "html", "htm", "md", "markdown"):
        return of_text(name, read(name, data)), []
    text = chatlog.text_of(data)
    if name.lower().endswith((".jsonl", ".json")) and (rows := of_rows(text)) is not None:
        return [replace(row, talk=f"{name} {row.talk}") for row in rows], []
    try:
        rows, others = of_chat(data, who)
    except CardError:                                    # nobody talks with anybody in it
        return of_text(name, read(name, data)), []
    return [replace(row, talk=f"{name} {row.talk}") for row in rows], others


# What may be learned from it --------------------------------------------------------------------------------------------------------

def cleaned(rows: Iterable[Exchange], others: Iterable[str] = (), own: Iterable[str] = (), languages: Iterable[str] = ()) -> Words:
    """What may be learned from, at most MOST. `others`: names that are somebody else's; `own`: the twin's; `languages`: those the model knows, () for any."""
    mine = {part.casefold() for name in own for part in (name, *name.split())}
    names = {part for name in others for part in (name, *re.split(r"[\s_.-]+", name)) if len(part) > 1 and not part.isdigit()} | NAMES
    known, spoken = [name for name in names if name.casefold() not in mine], tuple(languages)
    pattern = _any_of(known)
    words, seen = Words([]), set[str]()
    for row in rows:
        language = "zh" if cjk_share(row.said) > 0.2 else "en"
        if spoken and language not in spoken:
            words.left["language"] += 1
            continue
        asked, said = _clean(row.asked, pattern, mine)[-LONGEST_ASKED:], _within(_clean(row.said, pattern, mine), LONGEST_SAID)
        why = ("rude" if polite.rude(said) else "private" if not said or not asked else "empty" if chatlog.empty(said) or not re.search(r"\w", asked) else
               "same" if (mark := normal(said, language)) in seen else "")
        if why:
            words.left[why] += 1
            continue
        seen.add(mark)
        words.exchanges.append(Exchange(row.talk, polite.softened(asked), said, language))
    if len(words.exchanges) > MOST:
        words.left["more"] = len(words.exchanges) - MOST
        del words.exchanges[:-MOST]
    words.talks = len({row.talk for row in words.exchanges})
    return words


def enough(words: Words) -> None:
    """Raises Refused where there is too little to learn from."""
    if len(words.exchanges) < LEAST:
        count = len(words.exchanges)
        raise Refused(f"{count} exchange{'' if count == 1 else 's'} can be learned from; it takes {LEAST}, and 200 are a good start.",
                      "Bring a longer chat, or write more examples.", code="too-few",
                      zh=(f"能学的对话只有 {count} 段；至少要 {LEAST} 段，200 段左右效果才好。", "请带来更长的聊天记录，或多写一些例子。"))


def _any_of(names: list[str]) -> re.Pattern[str] | None:
    latin = sorted((re.escape(name) for name in names if name.isascii()), key=len, reverse=True)
    rest = sorted((re.escape(name) for name in names if not name.isascii()), key=len, reverse=True)
    parts = ([rf"(?<!\w)(?:{'|'.join(latin)})(?!\w)"] if latin else []) + ([f"(?:{'|'.join(rest)})"] if rest else [])
    return re.compile("|".join(parts)) if parts else None


def _clean(text: str, names: re.Pattern[str] | None, mine: set[str]) -> str:
    """Without the sentences in which something private stands; whoever else is named is a friend."""
    text = _MENTION.sub("", " ".join(text.split()))
    spans = [(one.kind, one.start, one.end) for one in found(text)]
    secret = [(start, end) for kind, start, end in spans if kind != "name"] + [match.span() for match in _SECRET.finditer(text)]
    named = [(start, end) for kind, start, end in spans if kind == "name"] + ([match.span() for match in names.finditer(text)] if names else [])
    named = [(start, end) for start, end in named if not mine & {(name := text[start:end].casefold()), *name.split()}]
    secret += [span for span in named if _ANNOUNCED.search(text[:span[0]])]
    out, at = [], 0
    for end in [*(match.end() for match in _CUT.finditer(text)), len(text)]:
        if end > at and not any(start < end and at < stop for start, stop in secret):
            out.append(_befriended(text[at:end], sorted((start - at, stop - at) for start, stop in named if at <= start and stop <= end)))
        at = max(at, end)
    return " ".join("".join(out).split()).strip()


def _befriended(text: str, named: list[tuple[int, int]]) -> str:
    """One sentence, with nobody's name in it. Who is spoken to is left out: "Thanks, Ana!" -> "Thanks!" """
    out, at, friend = "", 0, "朋友" if cjk_share(text) > 0.2 else "a friend"
    for start, end in named:
        if start < at:
            continue
        out += text[at:start]
        title, behind = _TITLE.search(out), _TITLE_ZH.match(text, end)
        out, at = out[:title.start()] if title else out, behind.end() if behind else end
        if not title and not behind and _ADDRESSED.search(out) and _ENDS.match(text[end:]):
            out = out.rstrip(" ,，")
            if not out and (comma := re.match(r"\s*[,，]\s*", text[end:])):
                at = end + comma.end()
        else:
            out += friend
    out += text[at:]
    return out[:1].upper() + out[1:] if named and text[:1].isupper() else out


def _within(text: str, most: int) -> str:
    """The beginning of a text, whole sentences."""
    if len(text) <= most:
        return text
    whole = ""
    for part in _CUT.split(text):
        if len(whole) + len(part or "") >= most:
            break
        whole += (" " if whole and not re.search(r"[\u3400-\u9fff]$|[。！？；]$", whole) else "") + (part or "")
    return whole
