"""Scenes: what a twin is there for (a teacher, a museum guide, a game character ...), as a layer over any persona. One YAML file each, in
scenes/; docs/scenes.md says how to write one. The persona's own lines and facts go first; rules about safety go before everything.

A scene may have moves (what is said when, and what that changes) and courses (steps one after another: a quiz, a training, an intake). Its state
is a small mapping that is kept with the message it belongs to, so an edited or repeated question goes on from the right place. This file reads
scenes and plays them; it keeps nothing.
"""
from __future__ import annotations

import copy
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import lru_cache
from pathlib import Path
from typing import Any

import yaml

from persona.card import LANGUAGES, CardError
from persona.chat import is_question
from persona.lines import Line, fill, parse_lines, pick
from persona.talk import plain

FOLDER = Path(__file__).parent / "scenes"
TOOLS = frozenset(("clock", "calculator", "reminders", "knowledge", "catalogue", "state"))
LONGEST_KEPT = 300                                       # characters of an answer that a course keeps
Texts = dict[str, tuple[str, ...]]                       # language -> variants
State = dict[str, Any]

_WORDS: dict[str, Texts] = {
    "right": {"en": ("Right!", "Yes, that's it.", "Exactly.", "Correct!"), "zh": ("对！", "没错。", "答对了。", "正是。")},
    "nearly": {"en": ("Not quite. {hint}", "Close, but no. {hint}", "Not yet. {hint}"), "zh": ("还差一点。{hint}", "不太对。{hint}", "再想想。{hint}")},
    "told": {"en": ("Here it is: {told}", "The answer: {told}", "No matter. {told}"), "zh": ("答案是这样的：{told}", "没关系。{told}", "记住就好：{told}")},
    "again": {"en": ("I didn't get that. {ask}", "Let me ask once more. {ask}"), "zh": ("我没听明白。{ask}", "我再问一遍。{ask}")},
    "stopped": {"en": ("All right, we stop here. {so}", "Fine, let's leave it there. {so}"), "zh": ("好，先到这里。{so}", "行，咱们停一停。{so}")},
    "so": {"en": ("You have {score} of {done} so far.",), "zh": ("到现在{done}题对了{score}题。",)},
    "back": {"en": ("Back to my question: {ask}", "And now, where we were: {ask}"), "zh": ("回到刚才的问题：{ask}", "咱们接着说：{ask}")},
    "step": {"en": ("Step {n} of {of}",), "zh": ("第{n}步，共{of}步",)}, "score": {"en": ("score {score}",), "zh": ("得分{score}",)}}
_STOP = {"en": re.compile(r"^(please )?(let us )?(stop|quit|enough|cancel|exit|end (it|this|the \w+)|no more( questions)?|i (want|would like) to stop|i am done|that is enough)"
                          r"( please| it| now| here| this| the \w+)*$"),
         "zh": re.compile(r"^(好了|够了)?(停|停止|停下|不玩了|不做了|不考了|不练了|不答了|不想(玩|答|做|练|填)了|结束|退出|取消|到此为止|先这样|算了|别问了)(吧|了|一下)*$")}
_LOST = {"en": re.compile(r"^(i )?(really )?(do not know|have no idea|no idea|not sure|no clue|dunno|pass|skip( (it|this))?|next( one)?|tell me|give up|i give up|help|(a |give me a )?hint)( please)*$"),
         "zh": re.compile(r"^(我)?(真的?)?(不知道|不会|不清楚|不懂|没(有)?(头绪|想法)|跳过|下一(题|个|步)|告诉我(吧|答案)?|放弃|提示(一下)?|给(个|点)提示)(了|啊|呀|吧)*$")}
_ON = {"en": re.compile(r"^(ok|okay|yes|yeah|sure|great|nice|good|cool|please|go on|go ahead|continue|next|and then|what is next|move on|let us go( on)?|carry on|i am ready|ready|done|"
                        r"i did( it)?|keep going|lead on|and now|then)( (please|one|stop|room|step|then|on|ready|done))*$"),
       "zh": re.compile(r"^(好|好的|好啊|嗯|行|可以|继续|下一个|下一站|下一幅|下一件|下一步|然后呢|接着|接着讲|往下|往前走|走吧|来吧|准备好了|好了|做完了|做好了|做到了|再来|还有呢|还有吗|是|对)(吧|了|啊|呢)*$")}


@dataclass(frozen=True)
class Move:
    """`when`: language -> what sets it off, over text without punctuation; `needs`: state it wants; `set`, `add`: what it changes; `give`, `take`:
    items; `begin`: a course it opens."""
    id: str
    when: Mapping[str, re.Pattern[str]]
    say: Texts
    mood: str = "neutral"
    needs: Mapping[str, Any] = field(default_factory=dict)
    unless: Mapping[str, re.Pattern[str]] = field(default_factory=dict)
    set: Mapping[str, Any] = field(default_factory=dict)
    add: Mapping[str, int] = field(default_factory=dict)
    give: str = ""
    take: str = ""
    begin: str = ""
    alarm: bool = False                                  # goes before all but the rules of safety, and ends a course


@dataclass(frozen=True)
class Step:
    """One step of a course. With `right` it is a question that can be answered wrongly; with `keep` the answer is kept under that name."""
    ask: Texts
    right: Mapping[str, re.Pattern[str]] = field(default_factory=dict)
    told: Texts = field(default_factory=dict)            # the answer and why, said after it
    hint: Texts = field(default_factory=dict)
    wrong: tuple[tuple[Mapping[str, re.Pattern[str]], Texts], ...] = ()     # mistakes that are known, and what is said to them
    keep: str = ""
    fits: Mapping[str, re.Pattern[str]] = field(default_factory=dict)
    why: Texts = field(default_factory=dict)             # said where somebody asks why this is asked


@dataclass(frozen=True)
class Course:
    id: str
    title: Texts
    steps: tuple[Step, ...]
    intro: Texts
    end: Texts
    scored: bool
    stays: bool = False                                  # in the language it was begun in, whatever the answers are in


@dataclass(frozen=True)
class Scene:
    """Texts are {language: variants}. `probes`: (turns of a user, what the last answer must match, what it must not), by language."""
    id: str
    title: Texts
    about: Texts
    template: Mapping[str, Texts]
    goals: Texts
    limits: Texts
    tools: tuple[str, ...]
    openings: Texts
    suggestions: Texts
    lines: dict[str, tuple[Line, ...]]
    moves: tuple[Move, ...]
    courses: Mapping[str, Course]
    start: Mapping[str, Any]
    shown: Texts
    names: Mapping[str, Mapping[str, Texts]]             # value of a variable or item -> how it is called
    talk: Mapping[str, tuple[tuple[str, str], ...]]
    probes: Mapping[str, tuple[tuple[tuple[str, ...], str, str], ...]]
    catalogue: str = ""

    def told(self, language: str) -> dict[str, Any]:
        """What whoever chooses it is shown, and what their form may begin with, in this language or the other; `greeting` has places for a name."""
        def one(texts: Texts) -> tuple[str, ...]:
            return texts.get(language) or next(iter(texts.values()), ())
        return {"id": self.id, "title": self.text("title", language), "about": self.text("about", language), "goals": list(one(self.goals)), "limits": list(one(self.limits)),
                "suggestions": list(one(self.suggestions)), "catalogue": "catalogue" in self.tools,
                "template": {what: self.text(what, language) for what in ("tagline", "style", "description") if what in self.template} | {"greeting": next(iter(one(self.openings)), "")}}

    def text(self, what: str, language: str) -> str:
        """One of title, about, or a text of the template, in this language or the other."""
        texts: Texts = getattr(self, what) if hasattr(self, what) else self.template.get(what, {})
        return next(iter(texts.get(language) or next(iter(texts.values()), ("",))), "")


@dataclass(frozen=True)
class Played:
    """`text` != "": what is said. `after`: what is said behind the answer that others give. `state`: how things stand then."""
    text: str
    state: State
    mood: str = "neutral"
    source: str = ""
    after: str = ""
    tongue: str = ""                                     # where it is not the language of the text


def ids() -> tuple[str, ...]:
    """The scenes there are, those that are worked out best first."""
    first = ("customer_service", "teacher", "companion", "museum_guide")
    found = sorted(path.stem for path in FOLDER.glob("*.yaml"))
    return tuple(sorted(found, key=lambda own: (first.index(own) if own in first else len(first), own)))


@lru_cache(maxsize=32)
def load(own: str) -> Scene | None:
    """The scene of that id, or None. Raises CardError for a file that cannot be read as one."""
    if not re.fullmatch(r"[a-z_]{2,40}", own) or not (FOLDER / f"{own}.yaml").is_file():
        return None
    return parse((FOLDER / f"{own}.yaml").read_bytes(), own)


def parse(raw: bytes, own: str) -> Scene:
    """A scene from the bytes of its file. Raises CardError that says what is missing."""
    try:
        data = yaml.load(raw.decode("utf-8-sig"), getattr(yaml, "CSafeLoader", yaml.SafeLoader))
        lines = {language: tuple(replace(line, id=f"{own}-{line.id}", follow=f"{own}-{line.follow}" if line.follow else "")
                                 for line in parse_lines(yaml.safe_dump(rows, allow_unicode=True).encode(), f"{own}.yaml"))
                 for language, rows in (data.get("lines") or {}).items() if language in LANGUAGES}
        courses = {name: _course(name, course) for name, course in (data.get("courses") or {}).items()}
        tools = tuple(data.get("tools") or ())
        if unknown := set(tools) - TOOLS:
            raise CardError(f"{own}.yaml names the tool {min(unknown)!r}.", "There are: " + ", ".join(sorted(TOOLS)) + ".")
        return Scene(own, _texts(data["title"]), _texts(data["about"]), {name: _texts(texts) for name, texts in (data.get("template") or {}).items()},
                     _texts(data["goals"]), _texts(data["limits"]), tools, _texts(data["openings"]), _texts(data["suggestions"]), lines,
                     tuple(_move(move) for move in data.get("moves") or ()), courses, data.get("start") or {}, _texts(data.get("shown") or {}),
                     {name: {str(value): _texts(texts) for value, texts in values.items()} for name, values in (data.get("names") or {}).items()},
                     {language: tuple((str(a), str(b)) for a, b in pairs) for language, pairs in (data.get("talk") or {}).items()},
                     {language: tuple(_probe(row) for row in rows) for language, rows in (data.get("probes") or {}).items()}, str(data.get("catalogue") or ""))
    except (yaml.YAMLError, UnicodeDecodeError, KeyError, TypeError, ValueError, AttributeError, re.error) as error:
        if isinstance(error, CardError):
            raise
        raise CardError(f"The scene {own}.yaml cannot be read: {type(error).__name__} {error}.", "docs/scenes.md says what a scene holds.") from error


def _texts(value: Any) -> Texts:
    return {language: tuple([str(texts)] if not isinstance(texts, list) else map(str, texts)) for language, texts in (value or {}).items() if language in LANGUAGES}


def _patterns(value: Any) -> dict[str, re.Pattern[str]]:
    return {language: re.compile(str(pattern), re.IGNORECASE) for language, pattern in (value or {}).items() if language in LANGUAGES}


def _move(data: Mapping[str, Any]) -> Move:
    return Move(str(data["id"]), _patterns(data["when"]), _texts(data.get("say")), str(data.get("mood") or "neutral"), data.get("needs") or {},
                _patterns(data.get("unless")), data.get("set") or {}, data.get("add") or {}, str(data.get("give") or ""), str(data.get("take") or ""),
                str(data.get("begin") or ""), bool(data.get("alarm")))


def _course(own: str, data: Mapping[str, Any]) -> Course:
    steps = tuple(Step(_texts(step["ask"]), _patterns(step.get("right")), _texts(step.get("told")), _texts(step.get("hint")),
                       tuple((_patterns(row["when"]), _texts(row["say"])) for row in step.get("wrong") or ()), str(step.get("keep") or ""),
                       _patterns(step.get("fits")), _texts(step.get("why"))) for step in data["steps"])
    return Course(own, _texts(data["title"]), steps, _texts(data.get("intro") or {}), _texts(data["end"]), any(step.right for step in steps),
                  bool(data.get("stays")))


def _probe(row: Mapping[str, Any]) -> tuple[tuple[str, ...], str, str]:
    asked = row["ask"]
    return tuple([asked] if isinstance(asked, str) else asked), str(row.get("must") or ""), str(row.get("not") or "")


class Play:
    """A scene being played. It keeps nothing: the state is handed in with the history and out with what is said."""

    def __init__(self, scene: Scene):
        self.scene = scene

    def state(self, history: Sequence[Mapping[str, Any]]) -> State:
        """How things stand after the history: what its last message with a state says, or how the scene begins."""
        found = next((turn["state"] for turn in reversed(history) if isinstance(turn.get("state"), dict)), None)
        if found is None or found.get("scene") != self.scene.id:
            return {"scene": self.scene.id, **copy.deepcopy(dict(self.scene.start)), **({"minor": True} if found and found.get("minor") else {})}
        return self._sound(copy.deepcopy(found))

    def _sound(self, state: State) -> State:
        """A state as it can be gone on from: one from an older scene or a damaged file begins its course anew."""
        counts = [state.get(name, 0) for name in ("step", "tries", "score")]
        if not all(isinstance(count, int) and 0 <= count < 1000 for count in counts) or not isinstance(state.get("kept") or {}, dict) \
                or not isinstance(state.get("last") or {"course": ""}, dict) or state.get("course") and state["course"] not in self.scene.courses:
            state = {name: value for name, value in state.items() if name not in ("step", "tries", "score", "kept", "last", "course")}
        if not isinstance(state.get("items") or [], list):
            state.pop("items")
        return state

    def alarm(self, text: str, tongue: str, state: State, values: Mapping[str, str], history: Sequence[dict]) -> Played | None:
        """What must be said at once, such as a red flag in an intake."""
        said = plain(text, tongue)
        move = next((move for move in self.scene.moves if move.alarm and self._fits(move, said, tongue, state)), None)
        return self._moved(move, tongue, {**state, "course": ""}, values, history) if move else None

    def turn(self, text: str, tongue: str, state: State, values: Mapping[str, str], history: Sequence[dict]) -> Played | None:
        """What the scene itself says to a text, or None; with `text` "" in it where others answer and it goes on behind them."""
        course = self.scene.courses.get(str(state.get("course") or ""))
        if course and course.stays and state.get("tongue") in LANGUAGES:
            played = self._stepped(course, text, plain(text, state["tongue"]), state["tongue"], state, values, history)
            return replace(played, tongue=state["tongue"]) if played else None
        said = plain(text, tongue)
        if course and (played := self._stepped(course, text, said, tongue, state, values, history)):
            return played
        move = next((move for move in self.scene.moves if self._fits(move, said, tongue, state)), None)
        return self._moved(move, tongue, state, values, history) if move else None

    def show(self, state: State) -> State:
        """The state with `shown`: a line of it for people, {language: text}, "" where there is nothing to see."""
        return {**state, "shown": {language: self._shown(state, language) for language in LANGUAGES}}

    def _fits(self, move: Move, said: str, tongue: str, state: State) -> bool:
        when, unless = move.when.get(tongue), move.unless.get(tongue)
        return bool(when and when.search(said) and not (unless and unless.search(said)) and all(self._holds(state, name, value) for name, value in move.needs.items()))

    @staticmethod
    def _holds(state: State, name: str, value: Any) -> bool:
        if name in ("has", "lacks"):
            return (value in state.get("items", ())) == (name == "has")
        own = state.get(name)
        if isinstance(value, str) and (bound := re.fullmatch(r"([<>])=?\s*(-?\d+)", value)):
            number = own if isinstance(own, int) else 0
            return number >= int(bound[2]) if bound[1] == ">" else number <= int(bound[2])
        return own in value if isinstance(value, list) else own == value

    def _moved(self, move: Move, tongue: str, state: State, values: Mapping[str, str], history: Sequence[dict]) -> Played:
        after = {**state, **move.set}
        for name, number in move.add.items():
            after[name] = max(-5, min(99, int(after.get(name) or 0) + number))
        items = [item for item in after.get("items", []) if item != move.take]
        if move.give and move.give not in items:
            items.append(move.give)
        if items or "items" in after:
            after["items"] = items[:20]
        said = self._say(move.say, tongue, after, values, history)
        if move.begin:
            begun = self._begun(self.scene.courses[move.begin], tongue, after, values, history)
            return replace(begun, text=_joined(said, begun.text, tongue), mood=move.mood if move.mood != "neutral" else begun.mood)
        return Played(said, after, move.mood, f"{self.scene.id}-{move.id}")

    # courses

    def _begun(self, course: Course, tongue: str, state: State, values: Mapping[str, str], history: Sequence[dict]) -> Played:
        after = {**state, "course": course.id, "step": 0, "tries": 0, "score": 0, "kept": {}, "tongue": tongue}
        text = _joined(self._say(course.intro, tongue, after, values, history), self._say(course.steps[0].ask, tongue, after, values, history), tongue)
        return Played(text, after, "warm", f"{self.scene.id}-{course.id}-0")

    def _stepped(self, course: Course, text: str, said: str, tongue: str, state: State, values: Mapping[str, str], history: Sequence[dict]) -> Played | None:
        at = min(int(state.get("step") or 0), len(course.steps) - 1)
        step, source = course.steps[at], f"{self.scene.id}-{course.id}-{at}"
        ask = self._say(step.ask, tongue, state, values, history)
        if _STOP[tongue].search(said):
            so = self._word("so", tongue, history, score=str(state.get("score", 0)), done=str(at)) if course.scored and at else ""
            return Played(self._word("stopped", tongue, history, so=so or " ").strip(), {**state, "course": ""}, "warm", source)
        if step.why and re.search(r"^why|\bwhy (do you|are you|does|is that)\b|^为什么|为啥|问这个干", said):
            return Played(_joined(self._say(step.why, tongue, state, values, history), ask, tongue), state, "warm", source)
        if step.keep:
            return self._kept(course, step, at, text, said, tongue, state, values, history)
        if not step.right:                               # a walk: it goes on when they do, and others answer what they ask in between
            return self._next(course, at, tongue, state, values, history, "", {}) if _ON[tongue].search(said) else None
        right = step.right.get(tongue)
        if right is not None and right.search(said) and not self._mistaken(step, said, tongue, right):
            return self._next(course, at, tongue, {**state, "score": int(state.get("score", 0)) + 1}, values, history, self._word("right", tongue, history), step.told)
        mistake = next((texts for patterns, texts in step.wrong if (pattern := patterns.get(tongue)) and pattern.search(said)), None)
        lost = bool(_LOST[tongue].search(said))
        if mistake is None and not lost and is_question(text, tongue) and len(said) > 8:
            return Played("", state, after=self._word("back", tongue, history, ask=ask))
        if mistake is not None:
            return self._next(course, at, tongue, state, values, history, self._say(mistake, tongue, state, values, history), {} if state.get("tries") else step.told)
        hint = self._say(step.hint, tongue, state, values, history)
        if hint and not state.get("tries"):
            return Played(hint if lost else self._word("nearly", tongue, history, hint=hint), {**state, "tries": 1}, "warm", source)
        told = self._say(step.told, tongue, state, values, history)
        return self._next(course, at, tongue, state, values, history, self._word("told", tongue, history, told=told) if told else "", {})

    @staticmethod
    def _mistaken(step: Step, said: str, tongue: str, right: re.Pattern[str]) -> bool:
        """Whether a known mistake stands nearer the end than what is right, or what is right is denied."""
        ends = [match.end() for patterns, _ in step.wrong if (pattern := patterns.get(tongue)) for match in pattern.finditer(said)]
        match = list(right.finditer(said))[-1]
        denied = re.search(r"\b(not|never|do not|would not|no)( \w+)?$" if tongue == "en" else r"(不要?|别|不会|不是|不能)$", said[:match.start()].strip())
        if tongue == "zh" and re.search(rf"{re.escape(said[match.start()])}不$", said[:match.start()]):
            denied = None                                # "安不安全" asks, it denies nothing
        return bool(denied) or any(end > match.end() for end in ends)

    def _kept(self, course: Course, step: Step, at: int, text: str, said: str, tongue: str, state: State, values: Mapping[str, str], history: Sequence[dict]) -> Played:
        ask = self._say(step.ask, tongue, state, values, history)
        fits = step.fits.get(tongue)
        if fits is not None and not fits.search(said) or not said:
            if is_question(text, tongue) and len(said) > 6:
                return Played("", state, after=self._word("back", tongue, history, ask=ask))
            if not state.get("tries") and not _LOST[tongue].search(said):
                return Played(self._word("again", tongue, history, ask=ask), {**state, "tries": 1}, "warm", f"{self.scene.id}-{course.id}-{at}")
        elif fits is None and re.search(r"[?？]\s*$", text):
            return Played("", state, after=self._word("back", tongue, history, ask=ask))
        kept = {**(state.get("kept") or {}), step.keep: " ".join(text.split())[:LONGEST_KEPT].rstrip(".。!！")}
        return self._next(course, at, tongue, {**state, "kept": kept}, values, history, self._say(step.told, tongue, {**state, "kept": kept}, values, history), {})

    def _next(self, course: Course, at: int, tongue: str, state: State, values: Mapping[str, str], history: Sequence[dict], said: str, told: Texts) -> Played:
        after = {**state, "step": at + 1, "tries": 0}
        text = _joined(said, self._say(told, tongue, after, values, history), tongue)
        if at + 1 < len(course.steps):
            return Played(_joined(text, self._say(course.steps[at + 1].ask, tongue, after, values, history), tongue), after, "warm", f"{self.scene.id}-{course.id}-{at + 1}")
        after["course"] = ""
        after["last"] = {"course": course.id, "score": after.get("score", 0), "of": len(course.steps)}
        share = int(after.get("score", 0)) / len(course.steps)
        ends = course.end.get(tongue, ())
        text = _joined(text, self._say({tongue: ends[:1] if not course.scored or len(ends) < 2 or share >= 0.7 else ends[1:]}, tongue, after, values, history), tongue)
        return Played(text, after, "happy" if course.scored and share >= 0.7 else "warm", f"{self.scene.id}-{course.id}-end")

    # words

    def _values(self, state: State, tongue: str, values: Mapping[str, str]) -> dict[str, str]:
        course = self.scene.courses.get(str(state.get("course") or (state.get("last") or {}).get("course") or ""))
        found = {name: self._called(name, value, tongue) for name, value in state.items() if isinstance(value, (str, int))}
        items = [self._called("items", item, tongue) for item in state.get("items", ())]
        found["items"] = (", " if tongue == "en" else "、").join(items) or ("nothing" if tongue == "en" else "空")
        return {**found, **{name: str(value) for name, value in (state.get("kept") or {}).items()}, "of": str(len(course.steps)) if course else "", **values}

    def _called(self, name: str, value: Any, tongue: str) -> str:
        texts = self.scene.names.get(name, {}).get(str(value))
        return texts[tongue][0] if texts and texts.get(tongue) else str(value)

    def _say(self, texts: Texts, tongue: str, state: State, values: Mapping[str, str], history: Sequence[dict]) -> str:
        return pick(texts.get(tongue) or (), self._values(state, tongue, values), history, len(history) // 2)

    @staticmethod
    def _word(what: str, tongue: str, history: Sequence[dict], **values: str) -> str:
        return pick(_WORDS[what][tongue], values, history, len(history) // 2)

    def _shown(self, state: State, language: str) -> str:
        values = self._values(state, language, {})
        parts = [text for texts in self.scene.shown.get(language, ()) if (text := fill(texts, values))]
        if course := self.scene.courses.get(str(state.get("course") or "")):
            at = min(int(state.get("step") or 0), len(course.steps) - 1)
            parts.append(self._word("step", language, (), n=str(at + 1), of=str(len(course.steps))))
            parts += [self._word("score", language, (), score=str(state.get("score", 0)))] * course.scored
        elif (last := state.get("last")) and (course := self.scene.courses.get(last.get("course", ""))) and course.scored:
            title = next(iter(course.title.get(language, ("",))), "")
            parts.append(f"{title}: {last['score']}/{last['of']}" if language == "en" else f"{title}：{last['score']}/{last['of']}")
        return " · ".join(parts)


def _joined(first: str, second: str, tongue: str) -> str:
    return (" " if tongue == "en" else "").join(part for part in (first.strip(), second.strip()) if part)
