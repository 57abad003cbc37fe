"""The form of a persona: what it becomes, what comes back, what is refused and beside which field."""
import pytest
import yaml
from conftest import ROOT

from persona import form
from persona.card import CardError, Persona
from persona.lines import read_lines

FILLED = {"name": "Ada", "age": "36", "gender": "Female", "tagline": "Beekeeper", "description": "Ada keeps bees on a roof.\nShe sings.", "style": "Dry.",
          "facts": ["I have nine hives.", "  ", "My honey costs 7 euros."], "greeting": "Hello, I'm Ada.", "languages": ["en", "xx"],
          "examples": [["Do you get stung?", "Every day, {really}."], ["do you get stung", "Twice a day."], ["你怕蜜蜂吗？", "不怕，我喜欢它们。"], ["", "I like rain."]]}


def test_a_filled_form_is_a_persona_and_lines(tmp_path):
    data = form.from_fields(FILLED)
    (tmp_path / "persona.yaml").write_text(form.to_yaml(data), "utf-8")
    persona = Persona.load(tmp_path)
    assert persona.name == {"en": "Ada"} and persona.age == 36 and persona.languages == ("en",) and len(persona.facts) == 2
    assert persona.description == {"en": "Ada keeps bees on a roof. She sings."} and persona.greeting == {"en": ("Hello, I'm Ada.",)}
    for language in ("en", "zh"):
        (tmp_path / f"lines.{language}.yaml").write_text(form.to_yaml(form.lines(FILLED["examples"], language)), "utf-8")
    english, chinese = read_lines(tmp_path / "lines.en.yaml"), read_lines(tmp_path / "lines.zh.yaml")
    assert [line.say for line in english] == [("Every day, (really).", "Twice a day."), ("I like rain.",)] and english[1].id.startswith("aside")
    assert chinese[0].ask == ("你怕蜜蜂吗？",) and len(form.examples(english)) == 3


def test_a_form_that_is_not_finished_is_kept():
    assert form.kept({"tagline": " a  b ", "age": "", "nonsense": 3, "facts": ["x"]}) == {"tagline": "a b", "age": None, "facts": ["x"]}
    assert form.kept({}) == {}


@pytest.mark.parametrize("twin", ["maya", "hao"])
def test_editing_one_language_keeps_the_other(twin):
    before = Persona.load(ROOT / "assets" / "twins" / twin)
    fields = form.to_fields(before, language="en")
    assert Persona.parse(form.from_fields(fields, before), before.id) == before
    after = Persona.parse(form.from_fields({**fields, "tagline": "Something else", "facts": [*fields["facts"][:3], "A new one is here."]}, before))
    assert after.tagline == {"en": "Something else", "zh": before.tagline["zh"]} and after.facts[:3] == before.facts[:3] and after.facts[3] == {"en": "A new one is here."}
    assert after.greeting == before.greeting


@pytest.mark.parametrize(("fields", "beside"), [
    ({}, "name"), ({"name": "  "}, "name"), ({"name": "A", "age": "old"}, "age"), ({"name": "A", "age": -3}, "age"), ({"name": "x" * 900}, "name"),
    ({"name": "A", "description": "x" * 5_000_000}, "description"), ({"name": "A", "facts": "x"}, "facts"), ({"name": "A", "facts": ["x"] * 201}, "facts"),
    ({"name": "A", "facts": [{}]}, "facts"), ({"name": "A", "examples": [["x"]]}, "examples"), ({"name": "A", "examples": [["a", "b" * 900]]}, "examples"),
    ({"name": True}, "name"), ({"name": "A", "voice": {"rate": 99}}, "voice"), (["A"], ""), ({"name": "A", "greeting": ["x" * 600]}, "greeting")])
def test_what_is_wrong_is_said_beside_its_field(fields, beside):
    with pytest.raises(CardError) as found:
        form.from_fields(fields)
    assert found.value.field == beside and found.value.message and found.value.hint
    assert beside == "voice" or found.value.told("zh") != found.value.told("en")


def test_what_yaml_would_misread_is_quoted():
    data = form.from_fields({"name": "No", "description": "yes: [a, b] # c &d *e", "facts": ["1e5", "null", "- x", "'"], "greeting": "{en: x}"})
    assert yaml.safe_load(form.to_yaml(data)) == data


def test_what_is_private_stays_private_through_the_form_and_goes_nowhere():
    from persona.lines import parse_lines
    from persona.private import public
    fields = {"name": "Ada", "facts": ["I keep bees.", "Private: my sister is called Ida.", "私密：钥匙在门垫下面。"],
              "examples": [["How many hives?", "Eleven."], ["private: Where is the key?", "Under the mat."]]}
    data = form.from_fields(fields)
    persona = Persona.parse(data)
    assert persona.private == {1, 2} and {"en": "my sister is called Ida."} in persona.facts
    raw = form.to_yaml(form.lines(fields["examples"], "en")).encode() + b"- {id: after, follow: example_2, ask: [why], say: [It fits there.]}\n"
    lines = parse_lines(raw, "lines.en.yaml")
    shown = form.to_fields(persona, form.examples(lines))
    assert shown["facts"] == ["I keep bees.", "private: my sister is called Ida.", "private: 钥匙在门垫下面。"] and ["private: Where is the key?", "Under the mat."] in shown["examples"]
    assert form.from_fields(shown, persona)["facts"] == data["facts"]
    out = public("persona.yaml", form.to_yaml(data).encode()) + public("lines.en.yaml", raw)
    assert b"bees" in out and b"Eleven" in out
    assert not any(word in out.decode() for word in ("Ida", "钥匙", "mat", "key", "fits there", "private"))
    assert public("face/rig.json", b"{}") == b"{}" and public("persona.yaml", b"name: Ada\n") == b"name: Ada\n"
    assert b"Ida" not in public("persona.yaml", b"name: Ada\nfacts: 'private: Ida'\n")
