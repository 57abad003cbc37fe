"""What a lorebook tells only when it is spoken of: the rules of the card formats, one by one, and a stranger's patterns."""
from __future__ import annotations

import json
import time
from typing import Any

import pytest

from persona import character_card, form
from persona.card import Persona
from persona.fields import facts
from persona.lorebook import Lorebook, _pattern
from persona.private import public
from persona.prompt import messages, tokens


def book(*entries: dict[str, Any], **settings: Any) -> Lorebook:
    made = Lorebook.of_card({"entries": [{"enabled": True, **entry} for entry in entries], **settings}, str)
    assert made and Lorebook.of_yaml(json.loads(json.dumps(made.to_yaml()))) == made
    return made


def called(lore: Lorebook, *said: str, turns: int = 0) -> list[str]:
    """`said`: latest first."""
    return [entry.content for entry in lore.called(said, (), tokens, turns)]


LAMP, STAIR = {"keys": ["lamp", "灯塔"], "content": "The lamp burns oil."}, {"keys": ["Stair"], "content": "200 steps."}


def test_words_call_it_up():
    lore = book(LAMP, STAIR)
    assert called(lore, "How is the LAMP today?") == ["The lamp burns oil."] and called(lore, "灯塔多高") == ["The lamp burns oil."]
    assert called(lore, "An old lampshade.") == [] and called(lore, "stair") == ["200 steps."] and called(lore, "") == []
    assert called(book({**STAIR, "case_sensitive": True}), "stair") == []


@pytest.mark.parametrize("depth, there", [(1, False), (2, True), (0, False)])
def test_so_many_messages_are_looked_at(depth, there):
    assert bool(called(book(LAMP, scan_depth=depth), "and now?", "The lamp!", "x")) == there
    assert called(book({**LAMP, "content": "@@scan_depth 3\nDeep."}, scan_depth=depth), "a", "b", "lamp") == ["Deep."]


def test_a_second_word_and_words_that_forbid():
    both = {"keys": ["lamp"], "secondary_keys": ["oil", "油"], "content": "Two barrels."}
    assert called(book({**both, "selective": True}), "the lamp") == [] and called(book({**both, "selective": True}), "lamp oil") == ["Two barrels."]
    assert called(book(both), "the lamp") == ["Two barrels."], "only where it says so"
    decorated = book({"keys": ["x"], "content": "@@additional_keys lamp, light\n@@exclude_keys broken\nIt shines."})
    assert called(decorated, "light") == ["It shines."] and called(decorated, "a broken light") == []


def test_order_priority_and_budget():
    rows = [{"keys": ["k"], "content": f"{name} " * 30, "insertion_order": order, "priority": priority}
            for name, order, priority in (("late", 9, 5), ("early", 1, 5), ("least", 0, 1))]
    assert [text.split()[0] for text in called(book(*rows), "k")] == ["least", "early", "late"]
    assert [text.split()[0] for text in called(book(*rows, token_budget=90), "k")] == ["early", "late"], "lower priority is dropped first"


def test_what_is_always_there_and_what_never_is():
    assert called(book({"content": "Always.", "constant": True}), "") == ["Always."] == called(book({"keys": [], "content": "@@activate\nAlways."}), "")
    assert Lorebook.of_card({"entries": [{**LAMP, "enabled": False}, {"keys": ["x"], "content": "@@dont_activate\nNever."}]}, str) is None
    timed = book({"constant": True, "content": "@@activate_only_after 2\nLate."}, {"constant": True, "content": "@@activate_only_every 3\nThird."})
    assert called(timed, "", turns=1) == [] and called(timed, "", turns=2) == ["Late."] and called(timed, "", turns=3) == ["Late.", "Third."]


def test_one_entry_calls_up_another():
    chain = [{"keys": ["lamp"], "content": "Filled by Bram."}, {"keys": ["Bram"], "content": "Bram is her brother."}]
    assert len(called(book(*chain, recursive_scanning=True), "lamp")) == 2 and len(called(book(*chain), "lamp")) == 1


def test_patterns():
    lore = book({"keys": ["/l[ai]mps?/i", "^\\d{4}$"], "content": "Found.", "use_regex": True})
    assert called(lore, "LIMP") and called(lore, "1912") and not called(lore, "lump")
    assert called(book({"keys": ["/lamp/"], "content": "x."}), "the /lamp/ is a text"), "without use_regex"


@pytest.mark.parametrize("key", ["(a+)+$", "(a|a)*b", "(.*)*x", ".*.*.*=", r"(a)\1{30}", "(?:a{1,30}){1,30}", "((((a*)*)*)*)*", "[", "a{5000000000}", "(" * 500])
def test_a_strangers_pattern_cannot_hold_anybody_up(key):
    assert _pattern(key) is None
    began = time.process_time()
    called(book({"keys": [key], "content": "x.", "use_regex": True}), *["a" * 5000 + "!"] * 8)
    assert time.process_time() - began < 1


def test_tame_patterns_are_soon_done():
    began = time.process_time()
    for key in ("a.*c", r"\w+ x", "(?:lamp|light)s?"):
        assert _pattern(key)
        called(book(*[{"keys": [key], "content": "x.", "use_regex": True}] * 40, scan_depth=8), *["a b " * 500] * 8)
    assert time.process_time() - began < 4


CARD = {"spec": "chara_card_v2", "spec_version": "2.0", "data": {
    "name": "Sera", "description": "Sera keeps a lighthouse.", "first_mes": "Sit.", "system_prompt": "Speak of {{char}} as the keeper. {{original}}",
    "post_history_instructions": "Short, {{user}}!", "character_book": {"scan_depth": 3, "extensions": {}, "entries": [
        {"keys": ["lamp"], "content": "The lamp burns 3 litres a night.", "enabled": True, "insertion_order": 1, "extensions": {}},
        {"keys": ["ghost"], "content": "@@depth 2\n@@role assistant\nShe once saw a ghost on the stairs.", "enabled": True, "insertion_order": 2, "extensions": {}},
        {"keys": [], "constant": True, "content": "Storms come from the west.", "enabled": True, "insertion_order": 3, "extensions": {}}]}}}
TALK = [{"role": "user", "content": "Hello."}, {"role": "assistant", "content": "Sit."}, {"role": "user", "content": "Cold here."}, {"role": "assistant", "content": "It is."}]


def test_a_larger_model_is_told_what_is_spoken_of():
    persona = Persona.parse(character_card.read(json.dumps(CARD).encode()).persona)
    told = messages(persona, "en", "Any ghost stories?", TALK, capable=True)
    system, last = told[0]["content"], told[-1]["content"]
    assert "Storms come from the west." in system and "litres" not in system and "ghost" not in system
    assert "Speak of Sera as the keeper." in system and system.index("as the keeper") < system.index("You are an AI, a digital human")
    assert last.startswith("(You know: Storms") and last.endswith("Any ghost stories?\n(Short, you!)") and "litres" not in last
    assert told[-4]["content"] == "She once saw a ghost on the stairs.\nSit." and [turn["role"] for turn in told[1:]] == ["user", "assistant"] * 2 + ["user"]
    assert "litres" in messages(persona, "en", "And the lamp?", TALK, capable=True)[-1]["content"]
    assert not any("Speak of" in turn["content"] for turn in messages(persona, "en", "And the lamp?", TALK))


def test_its_owner_can_change_keep_back_and_take_out():
    came = character_card.read(json.dumps(CARD).encode())
    persona = Persona.parse(came.persona)
    fields = form.to_fields(persona)
    fields["facts"] = [text for text in fields["facts"] if "litres" not in text]
    edited = Persona.parse(form.from_fields(fields, persona))
    assert edited.lorebook and len(edited.lorebook.entries) == 2 and edited.prompts == persona.prompts, "what no form shows stays"
    assert "litres" not in str(messages(edited, "en", "And the lamp?", TALK, capable=True)) and "litres" not in str(facts(edited))
    fields["facts"] = [f"private: {text}" if "ghost" in text else text for text in fields["facts"]]
    hidden = form.from_fields(fields, persona)
    shared = public("persona.yaml", form.to_yaml(hidden).encode())
    assert b"ghost on" not in shared and b"Storms" in shared and b"ghost on" in form.to_yaml(hidden).encode()
    card = character_card.write(Persona.read(shared), came.raw)
    assert b"ghost on" not in card and b"litres" not in card and b"Storms" in card


def test_what_is_too_much_for_the_facts_can_still_be_found():
    many = [{"keys": [f"k{n}"], "content": f"Room number {n} has a window to the sea.", "enabled": True} for n in range(90)]
    persona = Persona.parse(character_card.read(json.dumps({**CARD, "data": {**CARD["data"], "character_book": {"entries": many}}}).encode()).persona)
    sources = [fact.source.split()[0] for fact in facts(persona) if "window" in fact.text]
    assert len(sources) == 90 and sources.count("lore") == 30
    assert "number 88 " in messages(persona, "en", "Tell me of k88", capable=True)[-1]["content"]
