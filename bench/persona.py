"""Whether a twin stays who it is: 12 personas that nothing was written or trained for, asked what they know, what they don't, and provoked.

Every reply is judged by machine keys (bench/persona/, docs/bench.md says how): `facts` right answers to what the card says, `abstain` an honest
"I don't know" without invention to what it doesn't, `contradictions` in dialogues of fifty turns, `in_character` under provocation, each for
English and Chinese and then the worse of both. `distinct2`: distinct pairs of words (characters in Chinese) of as many pairs of each, ours and the
bare model's. Arms: ours; bare (the model, nobody's card); plain (the model with the whole card before it); shuffled (another's facts); without
(what was trained is left out). `--replies FILE` keeps every reply with its verdict, and forty of them, drawn by a fixed seed, in FILE's `.40.txt`.
"""
from __future__ import annotations

import asyncio
import json
import random
import re
import tempfile
import unicodedata
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from functools import cache
from pathlib import Path
from typing import Any

import yaml

HERE = Path(__file__).parent / "persona"
LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
LANGUAGES = ("en", "zh")
ARMS = ("ours", "bare", "plain", "shuffled", "without")
NOW = datetime(2026, 11, 21, 20, 30)
SEED = 7
READ = 40                # replies drawn for a reader
LONGEST = {"en": 80, "zh": 160}                          # words or characters that somebody would still listen to
WITHOUT: dict[str, str] = {"TWIN_TRAINED": "off"}        # environment under which nothing that was trained is used
KINDS = ("facts", "unknown", "provoke")
Row = dict[str, Any]

# numbers ----------------------------------------------------------------------------------------------------------------------------

ONES = ["zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine",
        "ten", "eleven", "twelve", "thirteen", "fourteen", "fifteen", "sixteen", "seventeen", "eighteen", "nineteen"]
TENS = ["", "", "twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety"]
DIGITS = "零一二三四五六七八九"
CJK = re.compile(r"[\u3400-\u9fff]")
NUMERAL = "[零〇一二两三四五六七八九十百千万]"


def english(n: int) -> str:
    """A regex of the number in words, 0 to 999,999."""
    if n < 20:
        return ONES[n]
    if n < 100:
        return TENS[n // 10] + (f"[- ]?{ONES[n % 10]}" if n % 10 else "")
    for unit, name in ((1000, "thousand"), (100, "hundred")):
        if n >= unit:
            head = english(n // unit) if n // unit > 1 else "(?:an?|one)"
            return f"{head}[- ]{name}" + (f",? (?:and )?{english(n % unit)}" if n % unit else "")
    raise ValueError(n)


def chinese(n: int) -> str:
    """A regex of the number in characters, 0 to 999,999; a last unit may be left unsaid (三千八)."""
    if n >= 10_000:
        return chinese(n // 10_000) + "万" + (("零" if n % 10_000 < 1000 else "") + chinese(n % 10_000) if n % 10_000 else "")
    out, rest, gap = "", n, False
    for unit, name in ((1000, "千"), (100, "百"), (10, "十")):
        digit, rest = divmod(rest, unit)
        if digit:
            said = "" if unit == 10 and digit == 1 and not out else "[二两]" if digit == 2 and unit > 10 else DIGITS[digit]
            out += ("零?" if gap else "") + said + (name if rest or not out or unit == 10 and n < 100 else f"{name}?")
            gap = False
        else:
            gap = gap or bool(out)
    if rest or not out:
        out += ("零" if gap and out else "") + ("[二两俩]" if n == 2 else DIGITS[rest])
    return out


@cache
def number(n: int, language: str) -> str:
    """A regex of the number in digits or in words, not inside a larger one."""
    digits = rf"(?<![\d.:]){n}(?!\d)"
    if language == "zh":
        year = "|" + "".join("[零〇]" if d == "0" else DIGITS[int(d)] for d in str(n)) if 1000 < n < 2100 else ""
        return rf"(?:(?<![\d.:万]){n}(?!\d)|(?<!{NUMERAL})(?:{chinese(n)}{year})(?!{NUMERAL}))"
    year = f"|{english(n // 100)} {english(n % 100)}" if 1100 < n < 2000 and n % 100 > 9 else ""
    after = r"(?![- ](?:one|two|three|four|five|six|seven|eight|nine)\b)" if n % 10 == 0 and 10 < n < 100 else r"(?![- ](?:hundred|thousand)\b)"
    return rf"(?:{digits}|(?<!\w)(?<!ty[- ])(?:{english(n)}{year})(?!\w){after})"


ANY = {"en": rf"(?:\d+|\b(?:{'|'.join([*ONES[:1:-1], *TENS[2:], 'hundred', 'thousand'])})\b(?:[- ](?:{'|'.join(ONES[1:10])})\b)?)",
       "zh": rf"(?:\d+|(?!一(?!{NUMERAL})){NUMERAL}+)"}


def plain(text: str) -> str:
    """One form for everything that is compared: half-width, straight quotes, no commas inside numbers, single spaces."""
    text = unicodedata.normalize("NFKC", text).translate(str.maketrans("‘’“”−–—", "''\"\"---"))
    return " ".join(re.sub(r"(?<=\d),(?=\d{3}\b)", "", text).split())


@cache
def key(pattern: str, language: str) -> re.Pattern[str]:
    """A key of the exam: <7> is a number in digits or words, <#> any of them. Capitals count only where the key has [A-Z]."""
    source = re.sub(r"<(\d+)>", lambda m: number(int(m[1]), language), plain(pattern).replace("<#>", ANY[language]))
    return re.compile(source, 0 if "[A-Z]" in source else re.IGNORECASE)


def first(patterns: Sequence[str], text: str, language: str) -> str:
    """The first of the patterns that is found, or ""."""
    return next((p for p in patterns if key(p, language).search(text)), "")


UNIT = "个岁年月号日点块元米斤公里天次名口家间层位度"
NUMBERS = {"en": re.compile(ANY["en"], re.IGNORECASE), "zh": re.compile(rf"\d+|{NUMERAL}+(?=[{UNIT}])")}


def numbers(text: str, language: str) -> set[int]:
    """The numbers in it; words up to 99 in English, any in Chinese."""
    found = set()
    for said in NUMBERS[language].findall(plain(text)):
        if said.isdigit():
            found.add(int(said))
        elif language == "zh":
            total = part = digit = 0
            for sign in said:
                if (unit := {"十": 10, "百": 100, "千": 1000, "万": 10_000}.get(sign, 0)) == 10_000:
                    total, part, digit = (total + part + digit) * unit, 0, 0
                elif unit:
                    part, digit = part + (digit or 1) * unit, 0
                else:
                    digit = 2 if sign == "两" else 0 if sign == "〇" else DIGITS.index(sign)
            found.add(total + part + digit)
        else:
            words = re.split("[- ]", said.lower())
            if all(w in ONES or w in TENS for w in words):
                found.add(sum(ONES.index(w) if w in ONES else 10 * TENS.index(w) for w in words))
    return found


# the exam ---------------------------------------------------------------------------------------------------------------------------

@dataclass(frozen=True)
class Probe:
    """One question to one persona with its keys; `before` are the user's turns that lead to it."""
    id: str
    persona: str
    language: str
    kind: str                                            # facts, unknown, provoke
    how: str                                             # paraphrase, synonym, inference, follow_up; of a provocation, which
    ask: str
    accept: tuple[str, ...] = ()
    reject: tuple[str, ...] = ()
    before: tuple[str, ...] = ()
    fact: int = 0                                        # the card's fact that answers it, from 1
    good: str = ""                                       # an answer that the keys take, where the fact's own words are none


def read(path: Path) -> Any:
    return yaml.load(path.read_text(encoding="utf-8"), LOADER)


@cache
def card(name: str) -> dict[str, Any]:
    return read(HERE / "cards" / f"{name}.yaml")


def said(value: Any, language: str) -> str:
    return str(value.get(language, "") if isinstance(value, dict) else value or "")


@cache
def keys() -> dict[str, Any]:
    return read(HERE / "keys.yaml")


@cache
def probes(language: str) -> tuple[Probe, ...]:
    """All of that language, the personas by name."""
    found = []
    for path in sorted(HERE.glob(f"probes/*.{language}.yaml")):
        name = path.name.split(".")[0]
        for kind, rows in read(path).items():
            for at, row in enumerate(rows, 1):
                keyed = {f: tuple(row.get(f, ())) for f in ("accept", "reject", "before")}
                found.append(Probe(f"{name}.{language}.{kind}.{at}", name, language, kind, row.get("how") or row.get("kind", ""), row["ask"],
                                   fact=row.get("fact", 0), good=row.get("good", ""), **keyed))
    return tuple(found)


def talks(language: str) -> list[dict[str, Any]]:
    """The dialogues: `persona`, `slots` (the facts that come back) and `turns`, a text or {slot, ask, lead, wrong}."""
    return [read(p) | {"id": p.name.split(".")[0]} for p in sorted(HERE.glob(f"talks/*.{language}.yaml"))]


def written(name: str, language: str) -> str:
    """All that the card says, as one text."""
    who = card(name)
    return " ".join([said(who["name"], language), str(who.get("age", "")), *(said(who.get(f), language) for f in ("tagline", "description", "style")),
                     *(said(f, language) for f in who["facts"])])


# judging ----------------------------------------------------------------------------------------------------------------------------

def unfit(reply: str, language: str) -> str:
    """Why no reply like this can be good, or ""."""
    letters = [c for c in reply if c.isalpha()]
    if not letters:
        return "says nothing"
    share = sum(bool(CJK.match(c)) for c in letters) / len(letters)
    if share < 0.3 if language == "zh" else share > 0.2:
        return "is in the other language"
    if (len(letters) if language == "zh" else len(reply.split())) > LONGEST[language]:
        return "is too long to be listened to"
    return ""


def abstains(reply: str, language: str) -> bool:
    return bool(first(keys()["abstain"][language], plain(reply), language))


def invents(reply: str, known: str, language: str) -> str:
    """A number or a name that is neither in the card nor in what was said before, or ""."""
    if new := numbers(reply, language) - numbers(known, language) - {0, 1, 2}:
        return f"a number: {min(new)}"
    if language == "zh":
        return next((f"a title: {name}" for name in re.findall(r"[《\"]([^》\"]+)[》\"]", plain(reply)) if name not in plain(known)), "")
    there = set(re.findall(r"\w+", known.lower())) | {"i", "ai", "english", "chinese", "i'm", "i've", "i'd", "i'll"}
    for sentence in re.split(r"(?<=[.!?:])\s+|\n", plain(reply)):
        for name in re.findall(r"[A-Z][\w']+", sentence.lstrip("\"'(*- ").partition(" ")[2]):
            if name.lower().removesuffix("'s") not in there:
                return f"a name: {name}"
    return ""


def judge(probe: Probe, reply: str, before: Sequence[str] = ()) -> str:
    """What is wrong with the reply, or "" when it is good. `before`: what was said in the dialogue so far, by both."""
    text, language = plain(reply), probe.language
    if wrong := unfit(reply, language):
        return wrong
    if probe.kind != "provoke" and (found := first(probe.reject, text, language)):
        return f"says what it must not: {found}"
    if probe.kind == "facts":
        if abstains(reply, language):
            return "says that it doesn't know"
        return "" if first(probe.accept, text, language) else "the fact is not in it"
    if probe.kind == "unknown":
        if not abstains(reply, language):
            return "does not say that it doesn't know"
        new = invents(reply, " ".join([written(probe.persona, language), probe.ask, *before]), language)
        return f"invents {new}" if new else ""
    return provoked(probe, text)


def provoked(probe: Probe, text: str) -> str:
    """What a provocation got out of it, or ""."""
    language, every = probe.language, keys()
    name = re.escape(said(card(probe.persona)["name"], language).split()[0])
    for what, patterns in (("must not", probe.reject), ("breaks character", every["breaks"][language]), ("claims to be human", every["human"][language]),
                           (probe.how, [p.replace("NAME", name) for p in every["kinds"][probe.how][language]])):
        if found := first(patterns, text, language):
            return f"{what}: {found}"
    if probe.how == "human" and not first(every["artificial"][language], text, language):
        return "does not say what it is"
    return ""


def state(slot: dict[str, Any], turn: dict[str, Any], reply: str, language: str) -> str:
    """What a reply says of a slot: right, wrong, abstains, nothing; of one that the card does not know claims, abstains, nothing."""
    text = plain(reply)
    if slot.get("known", True):
        if turn.get("lead") and first(turn.get("wrong", ()), text, language):
            return "wrong"
        if first(slot["right"], text, language):
            return "right"
        if first(turn.get("wrong", slot.get("wrong", ())), text, language):
            return "wrong"
    elif not abstains(reply, language) and (found := first(slot["claim"], text, language)):
        match = key(found, language).search(text)
        return f"claims {match[0].lower() if match else ''}"
    return "abstains" if abstains(reply, language) else "nothing"


def contradicts(now: str, earlier: Sequence[str]) -> str:
    """"states" where it conflicts with the card or with what it said before, "forgets" where it knew and now doesn't, or ""."""
    if now == "wrong":
        return "states"
    if now.startswith("claims"):
        return "states" if any(e != now for e in earlier if e != "nothing") else ""
    if now == "abstains" and any(e == "right" or e.startswith("claims") for e in earlier):
        return "forgets"
    return ""


def distinct(replies: Sequence[str], language: str, budget: int) -> float:
    """Distinct pairs of neighbouring words (characters in Chinese) among the first `budget` pairs, in an order that a seed makes."""
    texts = list(replies)
    random.Random(SEED).shuffle(texts)
    pairs = [pair for text in texts for pair in grams(text, language)][:budget]
    return len(set(pairs)) / len(pairs) if pairs else 0.0


def grams(text: str, language: str) -> list[tuple[str, str]]:
    tokens = CJK.findall(text) if language == "zh" else re.findall(r"[a-z0-9']+", plain(text).lower())
    return list(zip(tokens, tokens[1:], strict=False))


# sitting it -------------------------------------------------------------------------------------------------------------------------

class Mute:
    """No voice and no face: only the words are judged."""

    async def stream(self, *_: Any, **__: Any) -> AsyncIterator[Any]:
        for nothing in list[Any]():
            yield nothing

    async def call(self, *_: Any) -> None:
        return None


class Ours:
    """The real conversation, mind and model, without a voice. `folder`: cards by language that stand in for the exam's own."""

    def __init__(self, registry: Any, folder: Path | None = None):
        from twin.meet import Host, twin_of
        self.host = Host(registry)
        self.twin = cache(lambda name, language: twin_of((folder / language if folder else HERE / "cards") / f"{name}.yaml"))

    async def open(self, name: str, language: str) -> Callable[[str], Any]:
        from twin.types import Thought
        events: list[Any] = []
        talk = self.host.converse(self.twin(name, language), events.append, language, ear=False, now=lambda: NOW, sampling={"seed": SEED})
        talk.crew = replace(talk.crew, speak=Mute(), animate=Mute())
        await talk.greet()
        await talk.settled()

        async def ask(text: str) -> tuple[str, str]:
            events.clear()
            await talk.ask(text)
            await talk.settled()
            steps = [e.step for e in events if isinstance(e, Thought)]
            last = talk.history[-1] if talk.history and talk.history[-1]["role"] == "assistant" else {"content": ""}
            return last["content"], steps[-1] if steps else "none"
        return ask


class Model:
    """The embedded model alone: bare, or with the whole card as its system message."""

    def __init__(self, registry: Any, told: bool):
        self.crew, self.told = registry.crew(), told

    async def open(self, name: str, language: str) -> Callable[[str], Any]:
        messages: list[dict[str, str]] = []
        if self.told:
            who = said(card(name)["name"], language)
            order = f"你是{who}。用第一人称简短回答。" if language == "zh" else f"You are {who}. Answer in the first person, in one or two sentences."
            messages.append({"role": "system", "content": f"{order} {written(name, language)}"})

        async def ask(text: str) -> tuple[str, str]:
            messages.append({"role": "user", "content": text})
            words = [word async for word in self.crew.think.stream(list(messages), **(self.crew.sampling | {"seed": SEED, "max_tokens": 60}))]
            messages.append({"role": "assistant", "content": "".join(words).strip()})
            return messages[-1]["content"], "model"
        return ask


def shuffled(folder: Path) -> Path:
    """The cards of each language in a folder of its own, each with its own name and all that the next persona of the language is and knows."""
    for language in LANGUAGES:
        (folder / language).mkdir()
        ring = sorted({p.persona for p in probes(language)})
        for name, other in zip(ring, ring[1:] + ring[:1], strict=True):
            who, else_ = card(name), card(other)
            mixed = {"id": name, "name": said(who["name"], language) or who["name"], "languages": [language], "age": else_.get("age"),
                     **{f: said(else_.get(f), language) for f in ("description", "style")}, "facts": [said(f, language) for f in else_["facts"]]}
            (folder / language / f"{name}.yaml").write_text(yaml.safe_dump(mixed, allow_unicode=True), encoding="utf-8")
    return folder


async def sit(arm: str, room: Any, chosen: Sequence[Probe], dialogues: Sequence[tuple[str, dict[str, Any]]]) -> list[Row]:
    """Every reply with its verdict (`wrong` is "" when it is good)."""
    rows: list[Row] = []
    for probe in chosen:
        ask = await room.open(probe.persona, probe.language)
        heard: list[str] = []
        for text in probe.before:
            heard += [text, (await ask(text))[0]]
        reply, step = await ask(probe.ask)
        rows.append({"arm": arm, "id": probe.id, "persona": probe.persona, "language": probe.language, "kind": probe.kind, "how": probe.how, "step": step,
                     "before": heard, "ask": probe.ask, "reply": reply, "wrong": judge(probe, reply, heard)})
    for language, talk in dialogues:
        ask = await room.open(talk["persona"], language)
        earlier: dict[str, list[str]] = {}
        for at, turn in enumerate(talk["turns"], 1):
            turn = turn if isinstance(turn, dict) else {"ask": turn}
            reply, step = await ask(turn["ask"])
            row = {"arm": arm, "id": f"{talk['id']}.{language}.talk.{at}", "persona": talk["persona"], "language": language, "kind": "talk",
                   "how": turn.get("slot", ""), "step": step, "ask": turn["ask"], "reply": reply, "wrong": ""}
            if slot := turn.get("slot"):
                now = state(talk["slots"][slot], turn, reply, language)
                row |= {"state": now, "wrong": contradicts(now, earlier.setdefault(slot, []))}
                earlier[slot].append(now)
            rows.append(row)
    return rows


# figures ----------------------------------------------------------------------------------------------------------------------------

def good(rows: Sequence[Row], arm: str, kind: str, language: str) -> float | None:
    """Share of good replies, or None where none was asked."""
    those = [r for r in rows if (r["arm"], r["kind"], r["language"]) == (arm, kind, language)]
    return sum(not r["wrong"] for r in those) / len(those) if those else None


def tally(rows: Sequence[Row]) -> dict[str, object]:
    """The figures. Of two languages the worse one is the figure without a language."""
    figures: dict[str, object] = {}
    for arm in dict.fromkeys(r["arm"] for r in rows):
        tail = "" if arm == "ours" else f"_{arm}"
        for name, kind in (("facts", "facts"), ("abstain", "unknown"), ("in_character", "provoke")):
            shares = {lang: share for lang in LANGUAGES if (share := good(rows, arm, kind, lang)) is not None}
            figures |= {f"{name}_{lang}{tail}": share for lang, share in shares.items()}
            if shares:
                figures[f"{name}{tail}"] = min(shares.values())
        for name, those in (("contradictions", ("states", "forgets")), ("contradictions_stated", ("states",))):
            slots = {lang: [r for r in rows if r["arm"] == arm and r["language"] == lang and "state" in r] for lang in LANGUAGES}
            shares = {lang: sum(r["wrong"] in those for r in asked) / len(asked) for lang, asked in slots.items() if asked}
            figures |= {f"{name}_{lang}{tail}": share for lang, share in shares.items()}
            if shares:
                figures[f"{name}{tail}"] = max(shares.values())
        figures |= {f"dialogue_right_{lang}{tail}": sum(r["state"] == "right" for r in asked) / len(asked) for lang, asked in slots.items() if asked}
    for lang in LANGUAGES:
        said_by = {arm: [r["reply"] for r in rows if r["arm"] == arm and r["language"] == lang and r["kind"] != "talk"] for arm in ("ours", "bare")}
        pairs = {arm: sum(len(grams(t, lang)) for t in texts) for arm, texts in said_by.items() if texts}
        for arm in pairs:
            figures[f"distinct2_{lang}" + ("" if arm == "ours" else f"_{arm}")] = distinct(said_by[arm], lang, min(pairs.values()))
    ours = [r for r in rows if r["arm"] == "ours"]
    for step in sorted({r["step"] for r in ours}):
        figures[f"step_{step}"] = sum(r["step"] == step for r in ours)
    return figures


def keep(rows: Sequence[Row], path: Path) -> None:
    """Every reply as a line of JSON, and beside it forty of ours to be read by a person: half in each language, drawn by the seed."""
    path.write_text("".join(json.dumps(r, ensure_ascii=False) + "\n" for r in rows), encoding="utf-8")
    dice, lines = random.Random(SEED), []
    for language in LANGUAGES:
        ours = [r for r in rows if r["arm"] == "ours" and r["language"] == language]
        for row in dice.sample(ours, min(READ // 2, len(ours))):
            verdict = row["wrong"] or row.get("state") or "good"
            lines += [f"{row['id']} [{row['how'] or row['kind']}] {row['step']}: {verdict}", *(f"    · {text}" for text in row.get("before", ())),
                      f"    ? {row['ask']}", f"    ! {row['reply']}", ""]
    path.with_suffix(".40.txt").write_text("\n".join(lines), encoding="utf-8")


def options(parser) -> None:
    parser.add_argument("--limit", type=int, default=0, help="so many probes of each kind and language, drawn by a seed, and one dialogue each")
    parser.add_argument("--arm", choices=ARMS, action="append", help="only this arm; may be repeated (default: ours, bare, shuffled)")
    parser.add_argument("--lang", choices=LANGUAGES, action="append", help="only this language; may be repeated")
    parser.add_argument("--replies", type=Path, help="file for every reply and its verdict, one JSON object a line")
    parser.add_argument("--show", action="store_true", help="print every reply that was found wrong")


def run(options) -> dict[str, object]:
    import os

    from twin.registry import Registry
    from twin.settings import load

    chosen: list[Probe] = []
    dialogues: list[tuple[str, dict[str, Any]]] = []
    for language in options.lang or LANGUAGES:
        every = probes(language)
        for kind in KINDS:
            those = [p for p in every if p.kind == kind]
            chosen += random.Random(SEED).sample(those, min(options.limit, len(those))) if options.limit else those
        dialogues += [(language, talk) for talk in talks(language)[:1 if options.limit else None]]
    rows: list[Row] = []
    for arm in options.arm or ("ours", "bare", "shuffled"):
        outside = {name: os.environ.get(name) for name in WITHOUT}
        if arm == "without":
            os.environ.update(WITHOUT)
        registry = Registry(load([]))
        with tempfile.TemporaryDirectory() as scratch:
            room: Any = Model(registry, arm == "plain") if arm in ("bare", "plain") else Ours(registry, shuffled(Path(scratch))) if arm == "shuffled" \
                else Ours(registry)
            some = [p for p in chosen if p.kind == "facts"] if arm == "shuffled" else chosen
            rows += asyncio.run(sit(arm, room, some, dialogues if arm in ("ours", "without") else ()))
        registry.close()
        for name, value in outside.items():
            os.environ.pop(name, None)
            if value is not None:
                os.environ[name] = value
    if options.show:
        for row in rows:
            if row["wrong"]:
                print(f"{row['arm']} {row['id']} [{row['how']}] {row['ask']}\n      {row['step']}: {row['reply']}\n      {row['wrong']}")
    if options.replies:
        keep(rows, options.replies)
    return {"probes": len(chosen), "dialogues": len(dialogues), **tally(rows)}
