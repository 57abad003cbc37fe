"""The graph: relations read by rule in English and Chinese, names that are one, and questions answered over a hop or two."""
from __future__ import annotations

import pytest

from persona.card import Persona
from persona.documents import Library
from persona.graph import RELATIONS, Graph, found_in, key, of_persona

ENGLISH = [
    ("Rafael Silva works at the Harbour Bakery and lives in Porto.", {("Rafael Silva", "works_at", "Harbour Bakery"), ("Rafael Silva", "lives_in", "Porto")}),
    ("The Harbour Bakery was founded in 1921 by Teresa Costa.", {("Teresa Costa", "founded", "Harbour Bakery"), ("Harbour Bakery", "happened_in", "1921")}),
    ("The Starry Night was painted by Vincent van Gogh in 1889.", {("Vincent van Gogh", "made", "Starry Night")}),
    ("Jane Austen wrote Emma in 1815.", {("Jane Austen", "wrote", "Emma")}), ("A loaf costs 3 euros.", {("loaf", "costs", "3 euros")}),
    ("My sister Ida has two dogs.", {("Maya", "sibling_of", "Ida"), ("Ida", "owns", "two dogs")}), ("Ida is married to Paul.", {("Ida", "married_to", "Paul")}),
    ("The painting hangs in Room 4.", {("painting", "located_in", "Room 4")}), ("The tower is made of oak.", {("tower", "made_of", "oak")}),
    ("I love black coffee.", {("Maya", "likes", "black coffee")}), ("Tom was born in Lisbon.", {("Tom", "born_in", "Lisbon")}),
    ("Dr. Mei Chen leads the laboratory.", {("Dr. Mei Chen", "leads", "laboratory")}), ("The museum opens at 9:30.", {("museum", "opens_at", "9:30")})]
CHINESE = [
    ("林海住在成都，在锦江书店工作。", {("林海", "lives_in", "成都"), ("林海", "works_at", "锦江书店")}), ("他的妻子是王芳。", {("小雅", "married_to", "王芳")}),
    ("博物馆由林秀芝于1904年创办。", {("林秀芝", "founded", "博物馆")}), ("海港博物馆九点半开放，周一闭馆。", {("海港博物馆", "opens_at", "九点半"), ("海港博物馆", "closes_at", "周一")}),
    ("《春江》的作者是李明。", {("李明", "wrote", "《春江》")}), ("门票三十元。", {("门票", "costs", "三十元")}), ("我养了一只猫。", {("小雅", "owns", "一只猫")}),
    ("书店位于春熙路12号。", {("书店", "located_in", "春熙路12号")}), ("我最喜欢下雨天。", {("小雅", "likes", "下雨天")})]


@pytest.mark.parametrize(("sentence", "wanted"), ENGLISH)
def test_relations_are_read_in_english(sentence, wanted):
    assert wanted <= set(found_in(sentence, "Maya"))


@pytest.mark.parametrize(("sentence", "wanted"), CHINESE)
def test_relations_are_read_in_chinese(sentence, wanted):
    assert wanted <= set(found_in(sentence, "小雅", "小雅"))


@pytest.mark.parametrize("sentence", ["Where does Rafael live?", "It rained all day.", "Please mind the step.", "你住在哪里？", "今天下雨。", "x" * 700])
def test_what_tells_no_relation_gives_no_edge(sentence):
    assert found_in(sentence) == []


def test_a_pronoun_is_who_was_spoken_of_and_a_short_name_is_the_long_one():
    graph = Graph()
    graph.learn("Rafael Silva works at the Harbour Bakery. His wife Ana teaches mathematics. She works at Saint Mary School. Rafael likes tea.", "story")
    told = {(edge.subject, edge.relation, edge.object) for edge in graph.relations}
    assert ("Rafael Silva", "married_to", "Ana") in told and ("Ana", "works_at", "Saint Mary School") in told
    assert {edge.object for edge in graph.edges_of("Rafael")} >= {"Harbour Bakery", "tea", "Ana"}
    assert len(graph.to_dict()["nodes"]) == 6


@pytest.mark.parametrize(("question", "language", "answer"), [
    ("Where does Rafael's wife work?", "en", "Saint Mary School"), ("What does Rafael's wife teach?", "en", "mathematics"), ("Who is the wife of Rafael?", "en", "Ana"),
    ("林海的妻子教什么？", "zh", "数学"), ("林海住在哪里？", "zh", "成都")])
def test_a_chain_of_relations_answers(question, language, answer):
    graph = Graph()
    graph.learn("Rafael Silva works at the Harbour Bakery. His wife Ana teaches mathematics. She works at Saint Mary School.", "story")
    graph.learn("林海住在成都。他的妻子是王芳。王芳教数学。", "故事")
    path = graph.path(question, language)
    assert path and path[-1].object == answer and path[-1].sentence


def test_two_hops_bring_in_the_passage_that_no_word_would_find():
    library = Library()
    filler = [(f"Paragraph {n} is about the weather on the coast and nothing else at all.", 0, f"Part {n}") for n in range(60)]
    library.add("family.txt", [("Rafael Silva is married to Ana Reis.", 0, "One"), *filler, ("Ana Reis works at Saint Mary School.", 0, "Two")])
    assert "Saint Mary School" in library.find("Where does Rafael's wife work?")[0].best


def test_edges_are_of_the_closed_set_and_say_where_they_were_read():
    graph = of_persona(Persona({"en": "Maya"}, facts=({"en": "I live in Porto Verde."}, {"en": "My grandmother Rosa owns a lemon tree."})), "en")
    assert {edge.relation for edge in graph.relations} <= set(RELATIONS) and 25 <= len(RELATIONS) <= 32
    assert any(edge.sentence == "I live in Porto Verde." and edge.subject == "Maya" for edge in graph.relations)
    before = len(graph.relations)
    graph.add("Maya", "worships", "the sun", "x", "y")
    assert len(graph.relations) == before and all(len(words) == 2 for words in RELATIONS.values())


def test_what_is_drawn_is_bounded():
    graph = Graph()
    for n in range(500):
        graph.add(f"Thing {n}", "part_of", f"Whole {n % 7}", "A sentence.", "here")
    drawn = graph.to_dict(100)
    assert len(drawn["nodes"]) <= 100 and drawn["left_out"] == 507 - len(drawn["nodes"])
    assert all(edge["from"] < len(drawn["nodes"]) and edge["sentence"] for edge in drawn["edges"])


def test_keys_forget_articles_and_case():
    assert key("The Harbour Bakery") == key("harbour bakery") == key("our Harbour Bakery's") and key("《春江》") == "春江"
