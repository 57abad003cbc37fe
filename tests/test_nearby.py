"""English facts found by near words, and what short remarks get."""
from datetime import datetime

import pytest

from persona.card import Persona
from persona.gist import gist
from persona.mind import Mind

GRETA = {"name": "Greta Lind", "age": 66, "gender": "female",
         "description": "Greta keeps the clock tower of Eisendorf. She is patient and dry. She collects odd socks.",
         "facts": ["I once ate a whole wheel of cheese.", "My brothers are Otto and Paul. Otto is a plumber, Paul sells shoes.", "The tower has 212 steps.",
                   "You can climb the tower on Sundays from 11 to 15, for 3 euros.", "I carry nineteen keys, because every door was made by another smith.",
                   "My apprentice Sofie is nineteen and wants to be an astronaut.", "I love potato dumplings.",
                   "A clock repair costs 20 euros. A cleaning takes two hours.", "I play the tuba in the town band. We play every first Saturday at 19."]}


@pytest.mark.parametrize("turns,told", [
    (["how many stairs are there?"], "212"), (["how many keys do you have", "haha why so many?"], "another smith"), (["who is Sofie?"], "astronaut"),
    (["can I visit the tower?"], "Sundays"), (["who is Otto?", "and the other one?"], "Paul sells shoes."), (["tell me about yourself"], "clock tower"),
    (["do you do cleaning?", "how long does it take?"], "A cleaning takes two hours."), (["what do you like to eat"], "dumplings"),
    (["when can I hear you guys?"], "Saturday"), (["is Eisendorf a real place?"], "map"), (["that's pricey lol"], "price haggler"),
    (["so you're a human clock keeper?"], "digital human AI"), (["are you a human tuba player"], "digital human"), (["what's your boss like?"], "boss"),
    (["guess what score I got"], "?"), (["tell me a clock joke"], "bear baggage skeletons parrot"), (["how many steps?", "how many stairs has the tower?"], "said mentioned told"),
])
def test_near_words(turns, told):
    mind, history = Mind(Persona.parse(GRETA, "greta")), []
    for text in turns:
        answer = mind.answer(history, text, now=datetime(2026, 11, 21, 21, 50), language="en")
        history += [{"role": "user", "content": text}, {"role": "assistant", "content": answer.text}]
    assert any(part in answer.text for part in ([told] if told[0].isupper() or told in answer.text else told.split())), answer.text


def test_somebody_is_never_left_to_the_model():
    mind = Mind(Persona.parse(GRETA, "greta"))
    for text in ("how old is he?", "what do you think of them?", "why does Paul do that?", "has she finished school?"):
        assert mind.answer([], text, now=datetime(2026, 11, 21), language="en").step != "model", text


def test_a_gist_keeps_whose_it_is():
    assert gist("女儿嫁给了一个裁缝，有两个孩子。", "en") == "My daughter has 2 children."
    assert gist("陈师傅教我修钟，怕猫。", "en") == ""
    assert gist("儿子当消防员，还没结婚。", "en") == "My son works as a firefighter. He is not married."
