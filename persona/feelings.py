"""What a text tells of feeling, by the words of feelings.<language>.yaml: hits with negation, intensifiers, contrast, emoji and punctuation
weighed. Irony is left alone: what it means stands in no word. Pure; emotion.py makes an appraisal of what is found."""
from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import yaml

from persona.words import cjk_share, simplify, spell_out

Place = tuple[float, float, float]                       # pleasure, arousal, dominance, each -1..1

# Russell and Mehrabian, Evidence for a three-factor theory of emotions (1977), table 4.
PLACES: dict[str, Place] = {"joy": (0.76, 0.48, 0.35), "sadness": (-0.63, -0.27, -0.33), "anger": (-0.51, 0.59, 0.25), "fear": (-0.64, 0.60, -0.43),
                            "disgust": (-0.60, 0.35, 0.11), "surprise": (0.40, 0.67, -0.13)}
_EMOJI = {"joy": "😀😃😄😁😆😊🙂😍🥰😘😎🤗❤💕💖👍🎉✨🥳😋😺💪🙏☺😇🤩😂🤣", "sadness": "😢😭😞😔☹🙁😟😩😫😣😖💔😿🥺😥😪😓", "anger": "😠😡🤬👿💢😤🖕",
          "fear": "😨😰😱😧😦🫣", "disgust": "🤢🤮🤧", "surprise": "😮😲😯🤯😳"}
_FACES = (("surprise", r"[?？][!！]|[!！][?？]"), ("joy", r"(?<!\w)[:;=]-?[)D]+|<3|\^_?\^"), ("sadness", r"(?<!\w)[:=]'?-?\(+|T_T|QAQ|\bQQ\b"))
_FLIPPED = {"joy": ("sadness", 0.6), "sadness": ("joy", 0.3), "anger": ("joy", 0.2), "fear": ("joy", 0.3), "disgust": ("joy", 0.15), "surprise": ("", 0.0)}
BEFORE_BUT = 0.45                                        # what stands before "but" counts so much
FELT = 0.22                                              # from where on something is felt at all


@dataclass(frozen=True)
class Hit:
    """A word of feeling: its class, how strong (0..1), where it lies, and whether its clause speaks of somebody else."""
    of: str
    strong: float
    place: Place
    other: bool


@dataclass(frozen=True)
class Words:
    """The tables of one language, compiled."""
    plain: re.Pattern[str]
    groups: Sequence[tuple[re.Pattern[str], str, float, Place]]
    more: re.Pattern[str]
    less: re.Pattern[str]
    negation: re.Pattern[str]
    but: re.Pattern[str]
    although: re.Pattern[str]
    self: re.Pattern[str]
    others: re.Pattern[str]


@lru_cache(maxsize=2)
def words(language: str) -> Words:
    data = yaml.load((Path(__file__).parent / f"feelings.{language}.yaml").read_text("utf-8"), getattr(yaml, "CSafeLoader", yaml.SafeLoader))
    groups = [(_any(row["words"], language), row) for row in data["groups"]]
    groups += [(re.compile(row["re"]), row) for row in data["again"]]
    found = [(pattern, row["of"], float(row["strong"]), _place(row)) for pattern, row in groups]
    def tail(name: str, within: str) -> re.Pattern[str]:
        """One of the words just before the end of what is looked at."""
        return re.compile(_alternatives(data[name], language) + within + "$")
    gap_more, gap_not = (r"(?:\W+\w+)?\W*", r"(?:\W+\w+){0,3}\W*") if language == "en" else ("", ".{0,3}")
    return Words(_any(data["plain"], language), found, tail("more", gap_more), tail("less", gap_more), tail("not", gap_not),
                 _any(data["but"], language), _any(data["although"], language), _any(data["self"], language), _any(data["others"], language))


def _place(row: Mapping[str, object]) -> Place:
    place: Sequence[float] = row.get("at") or PLACES[str(row["of"])]      # type: ignore[assignment]
    return float(place[0]), float(place[1]), float(place[2])


def _alternatives(listed: str, language: str) -> str:
    items = sorted({item.strip() for item in listed.split(",") if item.strip()}, key=len, reverse=True)
    if language == "zh":
        return "(?:" + "|".join(map(re.escape, items)) + ")"
    return r"\b(?:" + "|".join(item if "(?:" in item else re.escape(item).replace(r"\ ", r"\W+").replace(r"\*", r"\w*") for item in items) + r")\b"


def _any(listed: str, language: str) -> re.Pattern[str]:
    return re.compile(_alternatives(listed, language))


def tongue(text: str) -> str:
    return "zh" if cjk_share(text) >= 0.4 else "en"


def hits(text: str, language: str = "") -> list[Hit]:
    """All that is felt in a text, in its order. `language`: "en" or "zh"; of the text itself where it is left out."""
    own = language if language in ("en", "zh") and (language == "zh") == (tongue(text) == "zh") else tongue(text)
    table = words(own)
    low = simplify(text).lower() if own == "zh" else spell_out(text)
    low = table.plain.sub(" ", low)
    loud = 1.0 + min(0.3, 0.1 * len(re.findall("[!！]", text))) + 0.15 * bool(re.search(r"\b[A-Z]{4,}\b", text))
    found: list[Hit] = []
    for clause, weight in _clauses(low, table, own):
        found += _in_clause(clause, weight * loud, table, own)
    return found + _drawn(text)


def _clauses(low: str, table: Words, own: str) -> list[tuple[str, float]]:
    """Clauses with their weight: what comes before "but", or behind "although", counts less."""
    rows: list[tuple[str, float]] = []
    for sentence in re.split(r"(?<=[.!?。！？；;…\n])", low):
        if not sentence.strip():
            continue
        if leading := re.match(rf"\s*{table.although.pattern}([^,，]*)[,，](.*)", sentence, re.DOTALL):
            rest = leading.group(2)
            turned = table.but.match(rest.strip())
            rows += [(leading.group(1), BEFORE_BUT), (rest.strip()[turned.end():] if turned else rest, 1.0)]
            continue
        cut = [match for match in table.but.finditer(sentence) if match.start() > 3 and (own == "en" or sentence[match.start() - 1] in "，, ；")]
        cut = [match for match in cut if own == "zh" or match.group() == "but" or sentence[:match.start()].rstrip().endswith((",", ";", "-"))]
        if cut:
            rows += [(sentence[:cut[-1].start()], BEFORE_BUT), (sentence[cut[-1].end():], 1.0)]
        else:
            rows.append((sentence, 1.0))
    return rows


def _in_clause(clause: str, weight: float, table: Words, own: str) -> list[Hit]:
    spans: list[tuple[int, int, str, float, Place]] = []
    for pattern, of, strong, place in table.groups:
        spans += [(match.start(), match.end(), of, strong, place) for match in pattern.finditer(clause)]
    spans.sort(key=lambda span: (span[0] - span[1], -span[3]))           # the longest first: "not bad" before "bad"
    taken: list[tuple[int, int, str, float, Place]] = []
    for span in spans:
        if all(span[1] <= kept[0] or span[0] >= kept[1] for kept in taken):
            taken.append(span)
    asks_twin = bool(re.search(r"^\W*(?:are|do|did|have|were|can|will|would) you\b|\bmakes? you\b|\byou (?:ever|feel)\b", clause) if own == "en" else
                     re.search(r"^你.{0,8}[吗么呢?？]|你.{0,6}(?:什么|谁|不)(?:.{0,3})[?？]?$|[让令使]你|^什么是|是什么意思|是什么[?？]?$", clause))
    if own == "en" and re.search(r"^\W*(?:what (?:is|does|are)|define|who (?:is|wrote)|how (?:do|does) (?:one|people))\b", clause):
        asks_twin = True
    found = []
    for start, end, of, strong, place in sorted(taken):
        before, after = clause[max(0, start - 40):start], clause[end:end + 8]
        before = re.split(r"[,，、;；:：]", before)[-1]
        value = strong * weight
        if table.less.search(before):
            value *= 0.65
        elif table.more.search(before) or re.match(r"\W*(?:死了|极了|透了|坏了|得要命|得不行|得很|到爆|惨了|so much|to death|as hell|like crazy)", after):
            value *= 1.25
        if _negated(before, table, own):
            flipped, share = _FLIPPED[of]
            if not flipped:
                continue
            of, value, place = flipped, value * share, PLACES[flipped]
        if asks_twin and of != "surprise":
            value *= 0.2
        subject = clause[:start]
        them, me = _last(table.others, subject), _last(table.self, subject)
        other = them >= 0 and them >= me
        found.append(Hit(of, value, place, other))
    return found


def _last(pattern: re.Pattern[str], text: str) -> int:
    """Where the last match begins, or -1."""
    return max((match.start() for match in pattern.finditer(text)), default=-1)


def _negated(before: str, table: Words, own: str) -> bool:
    if own == "zh":
        return bool(re.search(r"(?:不是|并不|毫不|不再|从不|不怎么|没那么|没有|没|不会|不觉得|并没有|不用|(?<!特)别|不)(?:很|太|那么|什么|特别|觉得|感到|再|有|是很|怎么|能|让我|因此)?$", before))
    match = table.negation.search(before)
    return bool(match) and not re.search(r"\bnot only\b|\bno doubt\b|\bcan not (?:help|stop|tell you how|describe how)\b|\bnever (?:been|felt) (?:so|more|this)\b|\bnot because\b"
                                         r"|\bno\W+(?:i|this|that|it|he|she)\b|\bnot (?:sure|know|stop|help)\b.*\b(?:i am|because|feel\w*)\b", before)


def _drawn(text: str) -> list[Hit]:
    """Emoji and faces made of signs."""
    found = []
    for of, signs in _EMOJI.items():
        if count := sum(text.count(sign) for sign in signs):
            found.append(Hit(of, min(0.8, 0.4 + 0.15 * count), PLACES[of], False))
    return found + [Hit(of, 0.4, PLACES[of], False) for of, pattern in _FACES if re.search(pattern, text)]
