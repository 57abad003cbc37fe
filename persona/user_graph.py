"""What a twin learnt of its user as nodes and edges beside those of its card and documents: the user, their people, where they live, what they like,
each with the sentence in which they told it. Pure."""
from __future__ import annotations

from collections.abc import Iterable

from persona import kin
from persona.fact import Fact
from persona.graph import Graph
from persona.retell import turned

SOURCE = "memory"
# predicate -> relation; what has none of the set is no edge
_RELATION = {"home": "lives_in", "employer": "works_at", "job": "is_a", "status": "is_a", "school": "studied_at", "studies": "studied_at", "likes": "likes", "dislikes": "dislikes", "speaks": "speaks",
             "owns": "owns", "has": "owns", "born": "born_in", "allergy": "is_a"}
_KIN = {"sister": "sibling_of", "brother": "sibling_of", "mother": "child_of", "father": "child_of", "son": "-child_of", "daughter": "-child_of", "child": "-child_of", "wife": "married_to",
        "husband": "married_to", "boss": "-leads", "friend": "friend_of", "best friend": "friend_of"}


def of_user(facts: Iterable[Fact], language: str, graph: Graph | None = None) -> Graph:
    """`facts`: what holds now (Memory.facts). A graph with them; the user is called what they are called, else "you"."""
    graph = graph or Graph()
    rows = list(facts)
    names = {fact.subject: fact.object for fact in reversed(rows) if fact.predicate == "name"}
    me = names.get(kin.USER) or ("你" if language == "zh" else "You")

    def whose(subject: str) -> str:
        return me if subject == kin.USER else names.get(subject) or (f"你{'的'.join(kin.shown(part, 'zh') for part in subject.split(chr(39) + 's '))}" if language == "zh" else f"your {subject}")

    met: set[str] = set()
    for fact in rows:
        subject = whose(fact.subject)
        if fact.subject != kin.USER and fact.subject not in met and "'s " not in fact.subject:
            met.add(fact.subject)
            head = kin.head(fact.subject)
            relation = _KIN.get(head, "owns" if head in kin.ANIMALS or not kin.kin(fact.subject) else "knows")
            first, second = (subject, me) if relation.startswith("-") else (me, subject)
            graph.add(first, relation.removeprefix("-"), second, fact.said or fact.object, SOURCE)
        if fact.predicate in _RELATION:
            value = fact.object.replace("我", "你") if language == "zh" else turned(fact.object)
            if fact.predicate == "allergy":
                value = f"对{value}过敏" if language == "zh" else f"allergic to {value}"
            graph.add(subject, _RELATION[fact.predicate], value, fact.said or fact.object, SOURCE)
    return graph
