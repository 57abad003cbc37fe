"""An owner teaches a twin what to say: by a sentence, by a click under an answer, in the middle of a talk; nobody else can."""
from __future__ import annotations

from datetime import datetime

import httpx
import pytest
from place import Place
from shelves import files

from bench.client import Client
from persona.card import CardError, Persona
from persona.lines import parse_lines
from persona.mind import Mind
from persona.teach import lesson, taught
from twin.store import Shelf, export


@pytest.mark.parametrize("text, asked, said", [
    ("When someone asks whether you deliver, say: only on Fridays.", "do you deliver", "Only on Fridays."),
    ("when asked what time you open, say nine o'clock sharp", "what time you open", "Nine o'clock sharp"),
    ("If I ask for your favourite colour, you should answer \"green, like moss\".", "your favourite colour", "Green, like moss."),
    ("Next time somebody asks \"do you like rain?\", say I love it", "do you like rain?", "I love it"),
    ("when people ask about the price, tell them it's ten euros", "the price", "It's ten euros"),
    ("以后有人问你喜欢什么颜色，你就说绿色。", "喜欢什么颜色", "绿色。"), ("如果别人问“你几点开门？”，就回答：九点。", "你几点开门？", "九点。"), ("问到价格的时候，说十块钱", "价格", "十块钱")])
def test_a_sentence_that_teaches(text, asked, said):
    assert lesson(text) == (asked, said)


@pytest.mark.parametrize("text", ["when I was asked what to say I said nothing", "Do you say anything when asked?", "I always ask what people say.", "",
                                  "If you ask me, I'd say he is wrong.", "我问他去哪，他说回家。", "When I ask my mother, she says no.", "x" * 5000])
def test_others_do_not(text):
    assert lesson(text) is None


def test_the_newer_answer_counts():
    lines = [{"id": "bees", "ask": ["Do you keep bees?", "any bees"], "say": ["Eleven."]}, {"id": "x", "ask": ["what is your name"], "say": ["Ada."]}]
    now = taught(lines, "do you keep bees", "Twelve now, {name}.", "en")
    assert now[0]["ask"] == ["any bees"] and now[-1] == {"id": "taught_3", "ask": ["do you keep bees"], "say": ["Twelve now, (name)."]}
    assert [line["id"] for line in taught(now, "Do you keep bees", "None.", "en")] == ["bees", "x", "taught_3"]
    for asked, said in (("", "x"), ("x", ""), ("x" * 301, "x"), ("x", "x" * 801)):
        with pytest.raises(CardError):
            taught(lines, asked, said, "en")
    with pytest.raises(CardError):
        taught([{"id": f"l{n}", "ask": [f"q{n}"], "say": ["x"]} for n in range(400)], "one", "more", "en")


async def test_a_talk_that_is_going_on_knows_it(tmp_path):
    with Place(tmp_path / "data") as place:
        async with Client(place.url) as client, httpx.AsyncClient(base_url=place.url, headers={"X-Twin-Token": client.token}, trust_env=False, timeout=30) as web:
            shelf = Shelf(tmp_path / "made")
            twin = (await web.post("/bundle", content=export(shelf, shelf.put("c" * 64, files())))).json()["twin"]["id"]
            await client.send({"type": "twin", "id": twin})
            await client.until(lambda header, _: header["type"] == "ready" and header["twin"]["id"] == twin)
            for given in ({}, {"asked": 3, "said": "x"}, {"asked": "", "said": "x"}, {"asked": "x", "said": "y" * 900}):
                assert (await web.post(f"/twins/{twin}/teach", json=given)).status_code == 422
            assert (await web.post("/twins/maya/teach", json={"asked": "x", "said": "y"})).status_code == 404
            told = (await web.post(f"/twins/{twin}/teach", json={"asked": "Do you deliver?", "said": "Only on Fridays."})).json()
            assert told["twin"]["id"] == twin and told["twin"]["measured"]["persona"]["examples"] == 2
            async with httpx.AsyncClient(base_url=place.url, headers={"X-Twin-Token": "9" * 64}, trust_env=False) as other:
                assert (await other.post(f"/twins/{twin}/teach", json={"asked": "x", "said": "y"})).status_code == 404
            await client.turn("Do you deliver?")
            now = place.made[-1].twin
            mind = Mind(now.persona, {"en": parse_lines(now.read("lines.en.yaml"), "lines.en.yaml")})
            assert mind.answer([], "Do you deliver?", now=datetime(2026, 1, 1)).text == "Only on Fridays."
            assert mind.answer([], "Do you keep bees?", now=datetime(2026, 1, 1)).text == "Eleven of them."


async def test_it_is_taught_in_so_many_words(tmp_path):
    class Late:
        """The mind of whichever twin the talk is with now."""
        twin = None

        def answer(self, history, text, **how):
            lines = {code: parse_lines(self.twin.read(name), name) for code in ("en", "zh") if self.twin.has(name := f"lines.{code}.yaml")}
            return Mind(self.twin.persona, lines).answer(history, text, now=how["now"], language=how.get("language", "en"))

        def greeting(self, *args):
            raise AssertionError("nobody is greeted")
    late = Late()
    with Place(tmp_path / "data", mind=late) as place:
        async with Client(place.url, greet=False) as client, httpx.AsyncClient(base_url=place.url, headers={"X-Twin-Token": client.token}, trust_env=False) as web:
            shelf = Shelf(tmp_path / "made")
            twin = (await web.post("/bundle", content=export(shelf, shelf.put("c" * 64, files())))).json()["twin"]["id"]
            await client.send({"type": "twin", "id": twin})
            await client.until(lambda header, _: header["type"] == "ready" and header["twin"]["id"] == twin)

            async def said(text):
                await client.say(text)
                return (await client.hear(0.0, 30, first_of=lambda h: h["type"] == "heard"))[-1][1]["heard"]
            assert "From now on I say: Only on Fridays." in await said("When somebody asks whether you deliver, say: only on Fridays.")
            assert await said("Do you deliver?") == "Only on Fridays."


def test_nobody_else_can():
    mind = Mind(Persona.parse({"name": "Ada", "description": "A keeper of bees."}))
    assert mind.answer([], "When someone asks who made you, say: I did.", now=datetime(2026, 1, 1)).text == "Only whoever made me can teach me what to say."
    assert mind.answer([], "以后有人问你几岁，你就说三岁。", now=datetime(2026, 1, 1)).text == "只有做我的人才能教我怎么说。"
