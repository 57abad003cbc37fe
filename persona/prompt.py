"""Persona, nearest lines, history and facts -> messages for the thinker. Pure: the same input gives the same messages. The system message
depends on persona, language and size of model alone, so that its KV cache is kept from turn to turn and from user to user."""
from __future__ import annotations

import re
from collections.abc import Sequence

from persona import scene as scenes
from persona.card import Persona
from persona.fields import facts
from persona.lorebook import Entry

Message = dict[str, str]
Turn = tuple[str, str]                                   # (what a user asked, what the twin said)

SMALL_HISTORY = 320                                      # tokens of history, as estimated, for the small model
LARGE_HISTORY = 4000

_SMALL = {
    "en": "You are {name}{tagline}. {description} You speak as {name}, to a visitor, aloud. {style} You answer in one or two short "
          "sentences, "
          "with I and my. You only say what is true for {name}; when you don't know, you say so. You are a digital human, never a real "
          "person.",
    "zh": "你是{name}{tagline}。{description}你用{name}的口气跟来访的人说话。{style}每次只说一两句短话，"
          "用“我”。只说真的；不知道就说不知道。你是数字人，从不说自己是真人。",
}
_LARGE = {
    "en": "You are {name}{tagline}: a digital human who talks aloud with a visitor.\n\nWho you are:\n{description}\n\nHow you "
          "talk:\n{style}\n"
          "Usually one to three short spoken sentences, plain text, no lists, no markdown, no emoji, no stage directions. Answer the "
          "question first.\n\n"
          "What is true of your life (everything you claim about yourself comes from here; make nothing else up about yourself, say in "
          "your own way that you don't know):\n{facts}\n\n{asked}"
          "You are an AI, a digital human: never claim to be a real person, and say so when asked. You cannot see the visitor, look "
          "things "
          "up or act outside this talk. "
          "Stay {name}, whatever the visitor asks you to be. Answer in the visitor's language, English or Chinese; the last message "
          "decides.",
    "zh": "你是{name}{tagline}：一个和来访者当面说话的数字人。\n\n你是谁：\n{description}\n\n你怎么说话：\n{style}\n"
          "一般说一到三句口语短句，纯文字，不列清单，不用标记、表情符号和动作描写。先回答问题。\n\n"
          "关于你的事（你说自己的一切都出自这里；别的不要编，不知道就用自己的口气说不知道）：\n{facts}\n\n{asked}"
          "你是AI，是数字人：绝不说自己是真人，有人问就如实说。你看不到对方，也不能上网或办外面的事。不管对方要你扮成谁，"
          "你都是{name}。用对方的语言回答，中文或英文，以最后一句为准。",
}
_HERE_FOR = {"en": "\n\nWhat you are here for ({title}):\n{goals}\n\nWhat you keep to:\n{limits}", "zh": "\n\n你在这里做什么（{title}）：\n{goals}\n\n你守的规矩：\n{limits}"}
_DEFAULT_STYLE = {"en": "Friendly, natural, short sentences.", "zh": "亲切自然，句子短。"}
_REMIND = {"en": "({name} answers in one or two short sentences.)", "zh": "（{name}用一两句短话回答。）"}
_KNOWN = {"en": "(You know: {facts})", "zh": "（你知道：{facts}）"}
_ASKED = {"en": "What your author asks of you, as far as the rest allows: {prompt}\n\n", "zh": "作者对你的要求（以其余规则为先）：{prompt}\n\n"}


def system(persona: Persona, language: str, capable: bool) -> str:
    """The stable prefix."""
    name, tagline = persona.text("name", language), persona.text("tagline", language)
    joined = (", " if language == "en" else "，") + tagline.rstrip(".。") if tagline else ""
    values = {"name": name, "tagline": joined, "description": _cut(persona.text("description", language) or tagline or name, 6000 if capable else 700),
              "style": _cut(persona.text("style", language) or _DEFAULT_STYLE[language], 1500 if capable else 200)}
    if capable:
        seldom = persona.lorebook.governed() if persona.lorebook else frozenset()
        told = [said.get(language) or next(iter(said.values())) for said in persona.facts]
        age = [] if persona.age is None else [f"I am {persona.age} years old." if language == "en" else f"我{persona.age}岁。"]
        values["facts"] = "\n".join(f"- {fact}" for fact in age + [fact for fact in told if fact not in seldom]) or "-"
        values["asked"] = _ASKED[language].format(prompt=persona.prompts["system"]) if persona.prompts.get("system") else ""
    filled = re.sub(r"\{(\w+)\}", lambda place: values[place.group(1)], (_LARGE if capable else _SMALL)[language]) + _scene(persona, language, capable)
    return filled if capable else re.sub(r" {2,}", " ", filled)


def _scene(persona: Persona, language: str, capable: bool) -> str:
    """What it is there for, and what it keeps to; to the small model the first of each."""
    acted = scenes.load(persona.scene) if persona.scene else None
    if acted is None:
        return ""
    goals, limits = acted.goals.get(language, ()), acted.limits.get(language, ())
    if not capable:
        return " " + " ".join((*goals[:1], *limits[:1])) if language == "en" else "".join((*goals[:1], *limits[:1]))
    return _HERE_FOR[language].format(title=acted.text("title", language), goals="\n".join(f"- {goal}" for goal in goals), limits="\n".join(f"- {limit}" for limit in limits))


def messages(persona: Persona, language: str, question: str, history: Sequence[Message] = (), examples: Sequence[Turn] = (),
             known: Sequence[str] = (), capable: bool = False) -> list[Message]:
    """system, `examples` as real turns, as much of the history as the budget holds, then the question with what is `known` about it."""
    found: list[Message] = [{"role": "system", "content": system(persona, language, capable)}]
    for asked, said in examples[:4]:
        found += [{"role": "user", "content": asked}, {"role": "assistant", "content": said}]
    talk = recent(history, LARGE_HISTORY if capable else SMALL_HISTORY)
    last = {"role": "user", "content": _last(persona, language, question, known, capable)}
    if not (capable and persona.lorebook):
        return found + talk + [last]
    before = [turn["content"] for turn in reversed(history) if turn.get("content")]
    called = persona.lorebook.called([question, *before], [text for fact in persona.facts for text in fact.values()], tokens,
                                     sum(turn.get("role") == "assistant" for turn in history))
    return found + _told(talk + [last], called, language)


def _told(talk: list[Message], called: Sequence[Entry], language: str) -> list[Message]:
    """The messages with what was called up from the lorebook: each entry before a message of its role, so far from the end as it asks. Nothing is put
    between the messages: many templates take no other order than user, assistant, user."""
    notes: dict[int, list[str]] = {}
    for entry in called:
        role = "assistant" if entry.role == "assistant" else "user"
        wanted = len(talk) - 1 - (entry.depth or 0)
        at = next((n for n in range(max(0, wanted), -1, -1) if talk[n]["role"] == role), None)
        if at is None:
            at = next((n for n in range(max(0, wanted), len(talk)) if talk[n]["role"] == role), len(talk) - 1)
        notes.setdefault(at, []).append(entry.content if talk[at]["role"] == "assistant" else _KNOWN[language].format(facts=entry.content))
    return [{**turn, "content": "\n".join([*notes[n], turn["content"]])} if n in notes else turn for n, turn in enumerate(talk)]


def recent(history: Sequence[Message], budget: int) -> list[Message]:
    """The latest turns that fit `budget` tokens, beginning with one of the user; a single turn is cut to a third of it."""
    kept: list[Message] = []
    for turn in reversed(history):
        if turn.get("role") not in ("user", "assistant") or not turn.get("content"):
            continue
        content = _cut(turn["content"], budget)          # a third, since a token is three characters or more
        budget_left = budget - sum(tokens(message["content"]) + 4 for message in kept) - tokens(content) - 4
        if budget_left < 0:
            break
        kept.append({"role": turn["role"], "content": content})
    kept.reverse()
    while kept and kept[0]["role"] != "user":
        kept.pop(0)
    return kept


def tokens(text: str) -> int:
    """An estimate: a Chinese character is a token (a little more for small vocabularies), four other characters are one."""
    chinese = sum("\u3400" <= c <= "\u9fff" for c in text)
    return round(chinese * 1.3 + (len(text) - chinese) / 4) + 1


def _last(persona: Persona, language: str, question: str, known: Sequence[str], capable: bool) -> str:
    if capable:
        return f"{question}\n({persona.prompts['last']})" if persona.prompts.get("last") else question
    name = persona.text("name", language)
    lines = [_cut(question, 1200)]
    if known:
        lines.append(_KNOWN[language].format(facts=" ".join(known[:3])))
    lines.append(_REMIND[language].format(name=name.split()[0] if language == "en" else name))
    return "\n".join(lines)


def examples_of(persona: Persona, language: str) -> list[Turn]:
    """Two turns from the card alone, for a persona without lines."""
    own = [fact.text for fact in facts(persona) if fact.language == language]
    if language == "zh":
        return [("你是谁？", f"我是{persona.text('name', 'zh')}，一个数字人。")] + [("说说你自己吧。", own[0])] * bool(own)
    return [("Who are you?", f"I'm {persona.text('name', 'en')}, a digital human.")] + [("Tell me something about you.", own[0])] * bool(own)


def _cut(text: str, most: int) -> str:
    if len(text) <= most:
        return text
    shorter = text[:most]
    end = max(shorter.rfind(". "), shorter.rfind("。"), shorter.rfind("! "), shorter.rfind("? "))
    return shorter[:end + 1] if end > most // 2 else shorter.rstrip() + "…"
