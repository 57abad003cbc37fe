"""The prompt: golden files, the stable prefix, the budget. `python tests/test_prompt.py` writes the golden files anew."""
import json
from pathlib import Path

import pytest

from persona.card import Persona
from persona.prompt import examples_of, messages, recent, system, tokens

HERE = Path(__file__).parent
TWINS = HERE.parent / "assets" / "twins"
TILDA = {"name": "Tilda Frost", "description": "Tilda is a retired sea captain who keeps bees. She hates small talk."}
HISTORY = [{"role": "user", "content": "hello"}, {"role": "assistant", "content": "Hi there."}]
CASES = {
    "maya_small_en": lambda: messages(Persona.load(TWINS / "maya"), "en", "Do you like the sea?", HISTORY, [("do you have a cat?",
        "A grey one, Pedal.")], ["My workshop is by the harbour."]),
    "lin_small_zh": lambda: messages(Persona.load(TWINS / "lin"), "zh", "你喜欢海吗？"),
    "maya_large_en": lambda: messages(Persona.load(TWINS / "maya"), "en", "Do you like the sea?", HISTORY, capable=True),
    "lin_large_zh": lambda: messages(Persona.load(TWINS / "lin"), "zh", "你喜欢海吗？", capable=True),
    "tilda_small_en": lambda: messages(Persona.parse(TILDA), "en", "Do you like the sea?", examples=examples_of(Persona.parse(TILDA), "en")),
}


@pytest.mark.parametrize("case", CASES)
def test_golden(case):
    assert CASES[case]() == json.loads((HERE / "golden" / f"{case}.json").read_text("utf-8"))


def test_the_prefix_is_the_same_for_every_question():
    maya = Persona.load(TWINS / "maya")
    first, second = messages(maya, "en", "a"), messages(maya, "en", "b", HISTORY, [("x", "y")], ["z"])
    assert first[0] == second[0] == {"role": "system", "content": system(maya, "en", False)}
    assert "z" in second[-1]["content"] and second[1:3] == [{"role": "user", "content": "x"}, {"role": "assistant", "content": "y"}]


def test_history_within_the_budget():
    long = [{"role": role, "content": f"{n} " + "word " * 40} for n in range(50) for role in ("user", "assistant")]
    kept = recent(long, 320)
    assert kept[0]["role"] == "user" and kept[-1]["content"] == long[-1]["content"] and sum(tokens(turn["content"]) for turn in kept) <= 320
    assert recent([{"role": "assistant", "content": "hi"}], 100) == [] and recent([], 10) == []


def test_braces_of_a_persona_stay_text():
    persona = Persona.parse({"name": "A {facts}", "description": "Likes {name} and {style}."})
    assert "A {facts}" in system(persona, "en", False) and "{style}" in system(persona, "en", True)


if __name__ == "__main__":
    for case, build in CASES.items():
        (HERE / "golden" / f"{case}.json").write_text(json.dumps(build(), ensure_ascii=False, indent=1) + "\n", "utf-8")
