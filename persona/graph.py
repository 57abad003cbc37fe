"""A graph of what is told: people, places and things, and how they are related, each edge with the sentence it was read in.

Relations are a closed set, found by rules in English and Chinese; what no rule reads is no edge. A question's names lead a hop or two along the edges to
the passages that may answer it ("where does Rafael's wife work?"). Pure data: nothing is read or written here.
"""
from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from persona.words import cjk_share, simplify, words_of

if TYPE_CHECKING:
    from persona.card import Persona
    from persona.documents import Document

# relation -> (how an edge is said, in English, in Chinese)
RELATIONS: dict[str, tuple[str, str]] = {
    "is_a": ("is", "是"), "lives_in": ("lives in", "住在"), "works_at": ("works at", "工作于"), "studied_at": ("studied at", "就读于"), "teaches": ("teaches", "教"),
    "leads": ("leads", "负责"), "member_of": ("belongs to", "属于"), "founded": ("founded", "创办"), "made": ("made", "创作"), "wrote": ("wrote", "写"), "owns": ("has", "拥有"),
    "likes": ("likes", "喜欢"), "dislikes": ("dislikes", "不喜欢"), "knows": ("knows", "认识"), "speaks": ("speaks", "会说"), "child_of": ("is a child of", "的父母是"),
    "sibling_of": ("is a sibling of", "的兄弟姐妹是"), "married_to": ("is married to", "的配偶是"), "friend_of": ("is a friend of", "的朋友是"), "born_in": ("was born in", "出生于"),
    "died_in": ("died in", "去世于"), "located_in": ("is in", "位于"), "part_of": ("is part of", "是一部分，属于"), "costs": ("costs", "价格"), "opens_at": ("opens", "开放"),
    "closes_at": ("closes", "关闭"), "made_of": ("is made of", "由……制成"), "happened_in": ("dates from", "年代"), "reached_at": ("is reached at", "联系方式")}
BOTH = frozenset(("sibling_of", "married_to", "friend_of", "knows"))     # true the other way round as well
LONGEST_NAME = 60                                        # characters of an entity
MOST_EDGES = 20_000
MOST_ALIKE = 3                                           # edges of one relation from one entity that still make an answer
MOST_SHOWN = 240                                         # nodes of `to_dict`: more is no picture


@dataclass(frozen=True)
class Edge:
    """`number`: of the passage it was read in, -1 for one of the card or of what was said."""
    subject: str
    relation: str
    object: str
    sentence: str
    source: str
    number: int = -1


class Graph:
    """Entities are told apart by `key`; a short name stands for the one long name it is part of."""

    def __init__(self) -> None:
        self.relations: list[Edge] = []
        self.names: dict[str, str] = {}                  # key -> as first written
        self._of: dict[str, list[int]] = defaultdict(list)
        self._seen: set[tuple[str, str, str]] = set()
        self._short: dict[str, str] | None = None

    def learn(self, text: str, source: str, me: str = "", number: int = -1) -> int:
        """The relations in a text; `me`: whose "I" it is. Returns how many were new."""
        before = len(self.relations)
        last = ""
        for sentence in _sentences(text):
            for subject, relation, object_ in found_in(sentence, me, last):
                self.add(subject, relation, object_, sentence, source, number)
                last = subject
        return len(self.relations) - before

    def add(self, subject: str, relation: str, object_: str, sentence: str, source: str, number: int = -1) -> None:
        """One edge; one of a relation that is not in the set is left out."""
        first, second = key(subject), key(object_)
        if relation not in RELATIONS or not first or not second or first == second or (first, relation, second) in self._seen or len(self.relations) >= MOST_EDGES:
            return
        self._seen.add((first, relation, second))
        for own, name in ((first, subject), (second, object_)):
            self.names.setdefault(own, name)
            self._of[own].append(len(self.relations))
        self.relations.append(Edge(subject, relation, object_, sentence, source, number))
        self._short = None

    def take(self, rows: Iterable[Sequence[Any]], source: str, first: int = 0) -> None:
        """Rows of `relations`, of a document whose first passage has the number `first`."""
        for subject, relation, object_, number, sentence in rows:
            self.add(subject, relation, object_, sentence, source, first + number)

    # asking -------------------------------------------------------------------------------------------------------------------------

    def edges_of(self, entity: str) -> list[Edge]:
        return [self.relations[number] for own in self._same(key(entity)) for number in self._of.get(own, ())]

    def near(self, entities: Iterable[str], hops: int = 2) -> list[Edge]:
        """The edges within so many hops of these entities, the nearest first."""
        found: dict[Edge, None] = {}
        reached = {own for entity in entities for own in self._same(key(entity))}
        edge_of_reach = set(reached)
        for _ in range(hops):
            further: set[str] = set()
            for own in sorted(edge_of_reach):
                if len(self._of.get(own, ())) > 60 and own not in reached:
                    continue                             # everything is near to "the museum"
                for number in self._of.get(own, ()):
                    edge = self.relations[number]
                    found.setdefault(edge)
                    further |= {other for name in (edge.subject, edge.object) for other in self._same(key(name))}
            edge_of_reach = further - reached
            reached |= further
        return list(found)

    def entities_in(self, text: str, language: str = "en") -> list[str]:
        """The entities that a text names, as keys; the longer first."""
        shorts = self._shorts()
        if language == "zh":
            plain = simplify(text)
            return sorted((name for name in (*self.names, *shorts) if len(name) > 1 and name in plain), key=len, reverse=True)
        words = re.findall(r"[a-z0-9]+", re.sub(r"['’]s\b", "", text.lower()))
        grams = {" ".join(words[i:i + n]) for n in range(1, 6) for i in range(len(words) - n + 1)}
        return sorted((gram for gram in grams if (gram in self.names or gram in shorts) and gram not in _NOBODY), key=len, reverse=True)

    def path(self, question: str, language: str = "en") -> list[Edge]:
        """The edges that lead from a name in the question, over the kin it speaks of, to what is asked: the last one answers. [] where it is no such question."""
        named = self.entities_in(question, language)
        wanted = wanted_of(question, language)
        for start in named[:3]:
            name = self.names.get(start) or self.names.get(self._shorts().get(start, ""), start)
            if language == "en" and not name[:1].isupper() and not name[:1].isdigit():
                continue                                 # "a visit" is not one thing: what it costs depends on where
            chain = _chain(question, start, language)
            for steps in ([*chain, *([wanted] if wanted else [])], chain if chain else []):
                if steps and (path := self._walk(start, steps)):
                    return path
        return []

    def _walk(self, start: str, steps: Sequence[str]) -> list[Edge]:
        at, path = set(self._same(start)), []
        for step in steps:
            relation, backwards = step.removeprefix("-"), step.startswith("-")
            found = [edge for own in sorted(at) for number in self._of.get(own, ()) if (edge := self.relations[number]).relation == relation
                     and (relation in BOTH or (key(edge.object) if backwards else key(edge.subject)) in at) and edge not in path]
            if not found or len(found) > MOST_ALIKE:
                return []
            edge = found[0]
            path.append(edge)
            ahead = edge.subject if backwards or relation in BOTH and key(edge.subject) not in at else edge.object
            at = set(self._same(key(ahead)))
        return path

    def passages(self, question: str, language: str = "en", path: Sequence[Edge] = ()) -> list[int]:
        """Numbers of the passages that the question's names lead to: by a `path`, by the relation asked for, then by nearness."""
        if not self.relations:
            return []
        near = self.near(self.entities_in(question, language)[:3], 2)[:80]
        wanted = (wanted_of(question, language) or "").removeprefix("-")
        near.sort(key=lambda edge: edge.relation != wanted)
        return list(dict.fromkeys(edge.number for edge in (*path[::-1], *near) if edge.number >= 0))

    def to_dict(self, most: int = MOST_SHOWN) -> dict[str, Any]:
        """{"nodes": [{"id", "name", "kind", "edges"}], "edges": [{"from", "to", "relation", "en", "zh", "sentence", "source"}]}; the most connected nodes."""
        one = {own: self._same(own)[0] for own in self.names}
        edges = [(one[key(edge.subject)], one[key(edge.object)], edge) for edge in self.relations]
        degree: dict[str, int] = defaultdict(int)
        for first, second, _ in edges:
            degree[first] += 1
            degree[second] += 1
        kept = set(sorted(degree, key=lambda own: -degree[own])[:most])
        shown = [(first, second, edge) for first, second, edge in edges if first in kept and second in kept and first != second]
        ids = {own: number for number, own in enumerate(dict.fromkeys(own for first, second, _ in shown for own in (first, second)))}
        kinds = _kinds(shown)
        return {"nodes": [{"id": number, "name": self.names[own], "kind": kinds.get(own, "thing"), "edges": degree[own]} for own, number in ids.items()],
                "edges": [{"from": ids[first], "to": ids[second], "relation": edge.relation, "en": RELATIONS[edge.relation][0], "zh": RELATIONS[edge.relation][1],
                           "sentence": edge.sentence, "source": edge.source} for first, second, edge in shown],
                "left_out": len(degree) - len(ids)}

    def _shorts(self) -> dict[str, str]:
        """"rafael" -> "rafael silva", where one long name alone begins or ends so."""
        if self._short is None:
            found: dict[str, set[str]] = defaultdict(set)
            for own, name in self.names.items():
                parts = own.split()
                if 2 <= len(parts) <= 3 and re.fullmatch(r"(?:[A-Z][\w.’'-]* ?)+", name):
                    for part in {parts[0], parts[-1]}:
                        found[part].add(own)
            self._short = {part: next(iter(owns)) for part, owns in found.items() if len(owns) == 1 and part not in _TITLES}
        return self._short

    def _same(self, own: str) -> list[str]:
        """All keys of an entity, the fullest first."""
        shorts = self._shorts()
        full = shorts.get(own, own)
        return [full, *(part for part, whole in shorts.items() if whole == full and part in self.names)]


def _kinds(edges: Sequence[tuple[str, str, Edge]]) -> dict[str, str]:
    """What a node is, by the edges at it: person, place, time, price or thing."""
    found: dict[str, str] = {}
    for first, second, edge in edges:
        if edge.relation in ("lives_in", "born_in", "located_in") and not re.search(r"\d{3}", edge.object):
            found.setdefault(second, "place")
        elif edge.relation in ("opens_at", "closes_at", "happened_in", "died_in", "born_in"):
            found.setdefault(second, "time")
        elif edge.relation in ("costs", "reached_at"):
            found.setdefault(second, "price")
        if edge.relation in ("founded", "made", "wrote") and re.fullmatch(r"(?:[A-Z][\w.’'-]+ ?){2,4}|[\u4e00-\u9fff]{2,4}", edge.subject):
            found.setdefault(first, "person")
        if edge.relation in ("lives_in", "works_at", "studied_at", "married_to", "child_of", "sibling_of", "friend_of", "born_in", "likes", "dislikes", "speaks", "teaches", "leads", "knows"):
            found[first] = "person"
            if edge.relation in BOTH or edge.relation == "child_of":
                found[second] = "person"
    return found


def relations(document: Document) -> list[list[Any]]:
    """[subject, relation, object, number of the passage, sentence] of a document."""
    found: dict[tuple[str, str, str], list[Any]] = {}
    for number, (held, _, _) in enumerate(document.passages):
        last = ""
        for sentence in held:
            for subject, relation, object_ in found_in(sentence, "", last):
                found.setdefault((key(subject), relation, key(object_)), [subject, relation, object_, number, sentence])
                last = subject
        if len(found) >= MOST_EDGES // 4:
            break
    return list(found.values())


def of_persona(persona: Persona, language: str, graph: Graph | None = None) -> Graph:
    """The relations of a card; "I" is the twin."""
    from persona.fields import facts
    graph = graph or Graph()
    me = persona.text("name", language)
    for fact in facts(persona):
        graph.learn(fact.text, "card", me if fact.language == language else persona.text("name", fact.language))
    return graph


@lru_cache(maxsize=65_536)
def key(name: str) -> str:
    """One spelling for an entity: no article, no possessive, no case."""
    bare = re.sub(r"^(?:the|an?|our|my|his|her|their|its|this|your|each|every)\s+", "", simplify(name).strip().lower())
    bare = re.sub(r"^(?:mr|mrs|ms|dr|prof|professor)\.? ", "", bare)
    return " ".join(re.sub(r"[^\w\u3400-\u9fff%€$£¥:.@+-]+", " ", re.sub(r"['’]s\b", "", bare)).split()).strip(". ")


# reading ---------------------------------------------------------------------------------------------------------------------------------

_TITLES = words_of("mr mrs ms dr prof professor sir lady the saint st new north south east west")
_NOBODY = words_of("it he she they we you i this that there who what one everybody everyone nobody people")
_NAME = (r"(?:(?:Mr|Mrs|Ms|Dr|Prof|Professor|Captain|Sir|Lady|Saint|St)\.? )?[A-Z][\w’'-]*(?:(?: (?:of|the|de|da|del|la|van|von|der|du|for|at)){0,2} "
         r"(?!(?:He|She|It|They|We|I|The|His|Her|My|Our|This|In|On|At)\b)[A-Z0-9][\w’'-]*)*")
_STOP = r"(?!(?:and|or|but|is|are|was|were|be|been|am|has|have|had|in|on|at|to|by|for|with|from|that|which|who|will|can|also|as|than|then|not)\b)"
_COMMON = rf"(?:[Tt]he|[Mm]y|[Oo]ur|[Hh]is|[Hh]er|[Tt]heir|[Aa]n?|[Tt]his|[Ee]ach|[Ee]very) (?:{_STOP}[\w’'-]+ ){{0,4}}?{_STOP}[\w’'-]+"
_WHO = rf"(?:I|He|She|It|They|We|{_COMMON}|{_NAME})"
_THING = rf"(?:{_COMMON}|{_NAME}|{_STOP}[a-z][\w’'-]*(?: {_STOP}[\w’'-]+){{0,3}}?)"
_END = r"(?=[,.;:!?()]|\s+(?:and|but|or|which|who|that|where|when|while|since|because|with|for|from|until|before|after|as|so|near|by|if|at|on|in|to|on|every|twice|than)\b|\s*$)"
_PLACE = rf"(?P<o>(?:the |a |an )?{_NAME}(?:, {_NAME})?|(?:the|a|an|my|our|his|her) [a-z][\w’'-]*(?: [\w’'-]+){{0,3}}?{_END})"
_OBJECT = rf"(?P<o>{_THING}){_END}"
_WORKS = r"(?P<o>(?:[A-Z“\"][^.;!?]{1,70}?|(?:the|a|an) [^.;,!?]{2,60}?))(?=[,.;”\"]|\s+(?:in|and|which|while|at|by|for|after|with)\b|$)"

# relation, what comes between subject and object. "o" is the object; a relation with "-" in front is read the other way round.
_VERBS: tuple[tuple[str, str], ...] = (
    ("lives_in", rf"(?:lives?|lived|resides?|is living|moved) (?:in|at|near|on|to|above) {_PLACE}"),
    ("works_at", rf"(?:works?|worked|is employed|has worked) (?:at|for|in|with) {_PLACE}"),
    ("studied_at", rf"(?:stud(?:y|ies|ied)|graduated|trained|went to (?:school|university|college)) (?:\w+ )?(?:at|from|in|to) {_PLACE}"),
    ("teaches", rf"(?:teach(?:es)?|taught) {_OBJECT}"),
    ("leads", rf"(?:leads?|led|manages?|managed|runs?|ran|heads?|directs?|is in charge of|is responsible for|is the (?:\w+ )?(?:head|manager|director|leader|boss|chief|owner|curator|captain|mayor) of) {_OBJECT}"),
    ("member_of", rf"(?:belongs? to|joined|is a member of|plays? (?:for|in)) {_OBJECT}"),
    ("founded", rf"(?:founded|established|set up|started|co-founded) {_OBJECT}"),
    ("-founded", rf"(?:was|were) (?:founded|established|set up|started|opened)(?: in \d{{4}})? by (?P<o>{_NAME})"),
    ("made", rf"(?:painted|built|designed|invented|composed|created|made|carved|directed|produced|discovered) {_WORKS}"),
    ("-made", rf"(?:was|were|is) (?:painted|built|designed|invented|composed|created|made|carved|directed|produced|discovered)(?: in [^,.;]{{3,20}}?)? by (?P<o>{_NAME}|(?:a|an|the) [a-z]+(?: [a-z]+)?{_END})"),
    ("wrote", rf"(?:wrote|has written|is the author of|published) {_WORKS}"),
    ("-wrote", rf"(?:was|were|is) (?:written|published)(?: in [^,.;]{{3,20}}?)? by (?P<o>{_NAME})"),
    ("owns", rf"(?:owns?|owned|keeps?|(?:have|has) (?=(?:an?|two|three|four|five|six|seven|eight|nine|ten|twelve|\d+) )) ?{_OBJECT}"),
    ("likes", rf"(?:(?:really |especially |always )?(?:likes?|loves?|adores?|enjoys?|prefers?)|(?:is|am) fond of) {_OBJECT}"),
    ("dislikes", rf"(?:dislikes?|hates?|(?:do(?:es)?n['’]t|do(?:es)? not) (?:like|enjoy)|can(?:not|['’]t) stand) {_OBJECT}"),
    ("knows", rf"(?:knows?|knew|met) (?P<o>{_NAME})"),
    ("speaks", r"speaks? (?:fluent )?(?P<o>[A-Z][a-z]+)"),
    ("married_to", rf"(?:is married to|married|wed) (?P<o>{_NAME})"),
    ("child_of", rf"(?:is|was|am) (?:the|a) (?:son|daughter|child) of (?P<o>{_NAME})"),
    ("born_in", rf"(?:was|were) born (?:in|on|at) (?P<o>{_NAME}(?:, {_NAME})?|\d{{4}}|\d{{1,2}} [A-Z][a-z]+ \d{{4}}|the [a-z ]{{3,30}}?{_END})"),
    ("died_in", r"(?:died|passed away) (?:in|on|at) (?P<o>[A-Z][\w ]{2,30}?\d{4}|\d{1,2} [A-Z][a-z]+ \d{4}|\d{4}|[A-Z][a-z]+)"),
    ("located_in", rf"(?:is|are|stands?|lies?|sits?|hangs?|is (?:located|situated|found|kept)|are (?:located|situated|found|kept)) (?:just |right )?(?:in|at|on|near|next to|behind|opposite|above|beside) {_PLACE}"),
    ("part_of", rf"(?:is|are|was) (?:a )?part of {_OBJECT}|belongs? to {_OBJECT.replace('?P<o>', '?P<o2>')}"),
    ("costs", r"(?:costs?|cost|is priced at|sells? for|is sold for|comes? to) (?:only |just |about |around )?(?P<o>[$€£¥]? ?\d[\d.,]*(?: ?(?:euros?|dollars?|pounds?|yuan|cents?|pence|EUR|USD|€|£))?(?: (?:a|an|per|each) ?\w*)?)"),
    ("costs", r"(?:is|are) (?:only |just )?(?P<o>free(?: of charge)?|[$€£¥] ?\d[\d.,]*|\d[\d.,]* ?(?:euros?|dollars?|pounds?|yuan|cents?|€|£)(?: (?:a|an|per|each) ?\w*)?)"),
    ("opens_at", r"(?:opens?|is open|are open|starts?|begins?) (?:daily |every day )?(?:(?:from|at|on|between) )?(?P<o>(?:\w+days?[^.;]{0,40}?|\d{1,2}(?:[:.]\d\d)?[^.;]{0,40}?|daily[^.;]{0,40}?|noon|midnight)?(?<=[\w)]))(?=[.;]|, (?!\w+day|and)|$| and (?:it |they )?(?:clos|end|last))"),
    ("closes_at", r"(?:closes?|is closed|are closed|ends?) (?:(?:at|on|from) )?(?P<o>\w+days?\b[^.;]{0,30}|\d{1,2}(?:[:.]\d\d)?[^.;]{0,20}|noon|midnight)(?=[.;,]|$)"),
    ("made_of", rf"(?:is|are|was|were) (?:made|built|carved|woven|cast) (?:of|from|out of|in) {_OBJECT}|consists? of {_OBJECT.replace('?P<o>', '?P<o2>')}"),
    ("happened_in", r"(?:dates? (?:from|back to)|took place in|happened in|was (?:built|founded|painted|made|written|opened|established|completed|invented) in) (?P<o>(?:the |about )?[^,.;]*?\d{2,4}(?:s| [A-Z]{2})?|the [\w-]+ century|[A-Z][a-z]+ \d{4})"),
    ("reached_at", r"(?:can be reached|is reached|call|phone|email|write|is reachable)(?: \w+)? (?:at|on|to|under|by) (?P<o>[\w.+-]+@[\w.-]+\w|\+?\d[\d ()-]{5,18}\d)"),
    ("is_a", r"(?:is|was|am|works? as|became) (?:an?|the) (?P<o>[a-z][\w’'-]*(?: [a-z][\w’'-]*){0,3}?)(?=[,.;]|\s+(?:who|which|that|from|in|at|for|with|of|and|but|on|by|to)\b|$)"),
)
_VERB = tuple((relation, re.compile(pattern)) for relation, pattern in _VERBS)
_BE = "is are was were am"
_ACTS = "painted built designed invented composed created made carved directed produced discovered"
# the words without one of which a rule need not be tried, in the order of _VERBS
_SIGNS = tuple(words_of(words) for words in (
    "live lives lived reside resides living moved", "work works worked employed", "study studied studies graduated trained went", "teach teaches taught",
    "lead leads led manage manages managed run runs ran head heads directs charge responsible manager director leader boss chief owner curator captain mayor",
    "belong belongs joined member play plays", "founded established set started co-founded", "founded established set started opened", _ACTS, _ACTS, "wrote written author published",
    "written published", "own owns owned keep keeps kept have has", "like likes love loves adore adores enjoy enjoys prefer prefers fond", "dislike dislikes hate hates like enjoy stand",
    "know knows knew met", "speak speaks", "married wed", "son daughter child", "born", "died passed", f"{_BE} stand stands lie lies sit sits hang hangs", "part belongs belong",
    "cost costs priced sell sells sold come comes", _BE, "open opens start starts begin begins", "close closes closed end ends", "made built carved woven cast consist consists",
    f"date dates took happened {_ACTS} founded written opened established completed", "call phone email write reached reachable", f"{_BE} work works worked became"))
assert len(_SIGNS) == len(_VERB)
_SUBJECT = re.compile(rf"(?<![\w’'])(?P<s>{_WHO})(?:,? (?:who|which|that))?(?: (?:also|now|still|always|usually|normally|often|currently|once|then|later|first|has|have|had|will|can|would))*\s*$")
_FIRST = re.compile(rf"(?:^|[,;] (?:and |but )?|^(?:In|On|At|Since|From|After|Before|During) [^,]{{2,40}}, )(?P<s>{_WHO})\b")
_KIN = {"wife": "married_to", "husband": "married_to", "spouse": "married_to", "partner": "married_to", "son": "-child_of", "daughter": "-child_of", "child": "-child_of", "mother": "child_of", "father": "child_of",
        "mom": "child_of", "mum": "child_of", "dad": "child_of", "brother": "sibling_of", "sister": "sibling_of", "twin brother": "sibling_of", "friend": "friend_of", "best friend": "friend_of",
        "boss": "-leads", "manager": "-leads", "dog": "owns", "cat": "owns", "parrot": "owns", "horse": "owns", "teacher": "-teaches"}
_KINS = "|".join(sorted(_KIN, key=len, reverse=True))
_COMMON_KIN = rf"(?:[Mm]y|[Hh]is|[Hh]er|[Tt]heir|[Oo]ur|[Tt]he) (?:\w+ )?(?:{_KINS}|owner|director|curator|head|chef|captain|painter|author|professor|architect|nurse|doctor)"
_OF = rf"(?:(?P<p>My|my|His|his|Her|her|Their|their|Our|our)|(?P<w>{_NAME.replace('[’', '[')}?)['’]s)"
_KINDRED = (
    re.compile(rf"{_OF} (?:\w+er |elder |only |little |big |late |old )?(?P<k>{_KINS})(?:,? (?:is |was )?(?:called |named )?|, )(?P<o>[A-Z][\w’'-]+(?: [A-Z][\w’'-]+)?)\b"),
    re.compile(rf"(?P<o>{_NAME}),? (?:is|was|,) {_OF} (?:\w+er |elder |only |little |big )?(?P<k>{_KINS})\b"),
    re.compile(rf"(?P<o>{_NAME}) (?:is|was) the (?P<k>{_KINS}) of (?P<w>{_NAME})"))


_ANY_KIN = re.compile(rf"\b(?:{_KINS})\b")


def found_in(sentence: str, me: str = "", last: str = "") -> list[tuple[str, str, str]]:
    """(subject, relation, object) of one sentence; `me`: whose "I" it is, `last`: who was spoken of before."""
    if len(sentence) > 600 or sentence.endswith(("?", "？")):
        return []
    return list(dict.fromkeys(_zh(sentence, me, last) if cjk_share(sentence) >= 0.3 else _en(sentence, me, last)))


def _en(sentence: str, me: str, last: str) -> Iterator[tuple[str, str, str]]:
    for pattern in _KINDRED if _ANY_KIN.search(sentence) else ():
        for match in pattern.finditer(sentence):
            held = match.groupdict()
            owner = _who(held.get("p") or held["w"], me, last)
            kin, other = _KIN[match["k"]], _clean(match["o"])
            if owner and other and not re.fullmatch(r"(?:He|She|It|I|They|We|The|My)", other):
                yield (other, kin[1:], owner) if kin.startswith("-") else (owner, kin, other)
    held_words = set(re.findall(r"[a-z-]+", sentence.lower()))
    first = None
    for (relation, pattern), signs in zip(_VERB, _SIGNS):
        if signs.isdisjoint(held_words):
            continue
        for match in pattern.finditer(sentence):
            if match.start() and sentence[match.start() - 1].isalnum():
                continue
            before = sentence[:match.start()].rstrip()
            who = _SUBJECT.search(before)
            if who is None and re.search(r"(?:\band|\bbut|,|\bwho|\bthen)(?: \w+ly| also| now)?$", before):
                first = first or _FIRST.search(sentence)
                who = first if first and first.end() <= match.start() else None
            if who is None and not (before == "" and relation == "reached_at"):
                continue
            subject = _who(who["s"], me, last) if who else last
            object_ = _clean(match["o"] or match.groupdict().get("o2") or "")
            if relation == "works_at" and re.search(r"\b(?:in|with) ", match.group()) and not re.match(r"[A-Z]|the ", object_):
                continue
            if not subject or not object_ or len(object_) < 2 and not object_.isdigit() or key(object_) in _NOBODY:
                continue
            yield (object_, relation[1:], subject) if relation.startswith("-") else (subject, relation, object_)


def _who(text: str, me: str, last: str) -> str:
    """Who a subject is: a name or a thing as it stands, "I" the teller, a pronoun whoever was spoken of before."""
    text = re.sub(rf"^(?:{_COMMON_KIN}),? (?=[A-Z])", "", text.strip())
    low = text.lower()
    if low in ("i", "my", "we", "our", "me"):
        return me
    if low in ("he", "she", "it", "they", "his", "her", "their", "its"):
        return last
    if re.match(r"(?:his|her|their|my|our) ", low):
        return f"{_who(low.split()[0], me, last)}'s {_clean(text).split(' ', 1)[-1]}" if _who(low.split()[0], me, last) and low.split()[0] not in ("our",) else _clean(text)
    return "" if low in _NOBODY or re.fullmatch(r"(?:there|here|what|who|when|where|this|that|these|those|if|in|on|at|but|and|so)", low) else _clean(text)


def _clean(text: str) -> str:
    text = re.sub(r"^(?:the|an?|our|my|his|her|their|its|this|each|every|about)\s+", "", text.strip(" ,;:\"“”'’."), flags=re.IGNORECASE)
    text = re.sub(r"['’]s$", "", text)
    return text[:LONGEST_NAME].strip()


# Chinese: clauses with a subject of their own, or the one before.
_NOUN = r"[\u4e00-\u9fffA-Za-z0-9·《》“”]"
_S = rf"(?P<s>{_NOUN}{{1,14}}?)"
_O = rf"(?P<o>{_NOUN}{{1,24}})"
_VERBS_ZH: tuple[tuple[str, str], ...] = (
    ("child_of", rf"^{_S}是(?P<o>{_NOUN}{{1,8}})的(?:儿子|女儿|孩子|长子|次子|长女)$"), ("-child_of", rf"^{_S}是(?P<o>{_NOUN}{{1,8}})的(?:父亲|母亲|爸爸|妈妈|爸|妈)$"),
    ("-child_of", rf"^(?P<s>{_NOUN}{{1,8}})的(?:儿子|女儿|孩子)(?:是|叫|名叫)(?P<o>{_NOUN}{{1,8}})$"), ("child_of", rf"^(?P<s>{_NOUN}{{1,8}})的?(?:父亲|母亲|爸爸|妈妈|爸|妈)(?:是|叫|名叫)(?P<o>{_NOUN}{{1,8}})$"),
    ("married_to", rf"^{_S}是(?P<o>{_NOUN}{{1,8}})的(?:妻子|丈夫|老婆|老公|爱人|太太|先生)$"), ("married_to", rf"^(?P<s>{_NOUN}{{1,8}})的?(?:妻子|丈夫|老婆|老公|爱人|太太)(?:是|叫|名叫)(?P<o>{_NOUN}{{1,8}})$"),
    ("married_to", rf"^{_S}(?:和|与|同|跟)(?P<o>{_NOUN}{{1,8}}?)(?:结婚|结为夫妻|成婚)"), ("sibling_of", rf"^{_S}是(?P<o>{_NOUN}{{1,8}})的(?:哥哥|弟弟|姐姐|妹妹|兄弟|姐妹)$"),
    ("sibling_of", rf"^(?P<s>{_NOUN}{{1,8}})的?(?:哥哥|弟弟|姐姐|妹妹|哥|弟|姐|妹)(?:是|叫|名叫)(?P<o>{_NOUN}{{1,8}})$"), ("friend_of", rf"^(?P<s>{_NOUN}{{1,8}})的?(?:好朋友|朋友)(?:是|叫)(?P<o>{_NOUN}{{1,8}})$"),
    ("friend_of", rf"^{_S}是(?P<o>{_NOUN}{{1,8}})的(?:好)?朋友$"),
    ("leads", rf"^{_S}(?:是|担任|任|当)(?P<o>{_NOUN}{{1,16}}?)的?(?:经理|馆长|校长|院长|主任|负责人|老板|店长|队长|主席|总裁|董事长|市长)$"), ("leads", rf"^{_S}(?:负责|管理|领导|主管|掌管){_O}$"),
    ("lives_in", rf"^{_S}(?:现在|一直|目前)?(?:住在|居住在|定居在?|搬到了?){_O}$"), ("works_at", rf"^{_S}(?:现在|目前|曾)?在(?P<o>{_NOUN}{{2,20}}?)(?:工作|上班|任职|当|做)"),
    ("studied_at", rf"^{_S}(?:毕业于|就读于|考入|在(?=.{{2,14}}(?:读书|上学|念书))){_O}$"), ("teaches", rf"^{_S}(?:在.{{2,12}})?教(?P<o>(?!育|练|堂|室|授){_NOUN}{{1,12}})$"),
    ("founded", rf"^{_S}(?:于|在)?(?:\d{{4}}年)?(?:创办|创立|创建|成立|开办|开)了{_O}$"), ("-founded", rf"^{_S}(?:是)?(?:于\d{{4}}年)?由(?P<o>{_NOUN}{{2,10}}?)(?:于\d{{4}}年)?(?:创办|创立|创建|成立|开办)"),
    ("wrote", rf"^{_S}(?:写|创作|著|撰写|出版)(?:了|过|有){_O}$"), ("-wrote", rf"^{_S}(?:是)?由(?P<o>{_NOUN}{{2,10}}?)(?:写|所著|创作|撰写)"), ("-wrote", rf"^{_S}的作者是{_O}$"),
    ("made", rf"^{_S}(?:设计|建造|绘制|发明|雕刻|制作|发现)(?:了|过|出){_O}$"), ("-made", rf"^{_S}(?:是)?由(?P<o>{_NOUN}{{2,12}}?)(?:设计|建造|绘制|发明|雕刻|制作|画)"),
    ("made_of", rf"^{_S}(?:是)?(?:由|用)(?P<o>{_NOUN}{{1,12}}?)(?:制成|做成|做的|制造|雕成|建成|砌成|织成)"), ("owns", rf"^{_S}(?:拥有|养了?|有)(?=[一二两三四五六七八九十\d几]|拥){_O}$"),
    ("dislikes", rf"^{_S}(?:最|很)?(?:不喜欢|讨厌|不爱|害怕|怕){_O}$"), ("likes", rf"^{_S}(?:最|很|特别|非常|也)?(?:喜欢|爱吃|爱喝|热爱|喜爱|爱好){_O}$"), ("knows", rf"^{_S}认识(?:了)?{_O}$"), ("speaks", rf"^{_S}会(?:说|讲){_O}$"),
    ("born_in", rf"^{_S}(?:\d{{4}}年)?(?:出生于|生于|出生在|诞生于){_O}$"), ("died_in", rf"^{_S}(?:逝世|去世|病逝|死)于{_O}$"), ("located_in", rf"^{_S}(?:位于|坐落于|坐落在|地处|设在|放在|陈列在|收藏于|收藏在){_O}$"),
    ("located_in", rf"^{_S}(?:就)?在(?P<o>{_NOUN}{{1,16}}(?:路|街|号|楼|层|厅|室|区|市|省|县|旁|边|里|上|下|处|对面|附近|隔壁))$"), ("part_of", rf"^{_S}(?:是|属于|隶属于)(?P<o>{_NOUN}{{2,16}}?)的一部分$"), ("member_of", rf"^{_S}(?:属于|隶属于|加入了?){_O}$"),
    ("costs", rf"^{_S}(?:的)?(?:票价|价格|售价|门票|费用)?(?:是|为|要|卖|每[人位张个件份次])*(?P<o>(?:[\d.,]+|[一二三四五六七八九十百千两半]+)(?:元|块|角)(?:钱)?(?:一{_NOUN}|每{_NOUN})?|免费(?:入场|入馆)?)$"),
    ("opens_at", rf"^{_S}(?:的)?(?:开放时间|营业时间|开门时间)?(?:是|为|每天|每日|于|从|在)*(?P<o>(?:每?周.{{1,8}}?|星期.{{1,6}}?)?(?:上午|早上|下午|晚上)?(?:[\d一二三四五六七八九十]+点半?(?:钟)?|\d{{1,2}}[:：]\d\d)(?:至|到|—|-|~)?[\d一二三四五六七八九十点半:：上午下晚]*)(?:开门|开放|营业|开馆|开始)?$"),
    ("closes_at", rf"^{_S}(?P<o>(?:每?(?:周|星期)[一二三四五六日天末]|(?:上午|下午|晚上)?(?:[\d一二三四五六七八九十]+点半?|\d{{1,2}}[:：]\d\d)))(?:关门|闭馆|打烊|休息|结束|停止入馆)$"), ("happened_in", rf"^{_S}(?:始建于|建于|建成于|成立于|创作于|写于|发生在|发生于|创建于){_O}$"),
    ("reached_at", rf"^{_S}(?:的)?(?:电话|联系电话|邮箱|热线)(?:是|为|：|:)?(?P<o>[\w.+-]+@[\w.-]+|\+?\d[\d -]{{5,18}}\d)$"), ("is_a", rf"^{_S}(?:是|当|做)(?:一[个名位只家座种条本])(?P<o>{_NOUN}{{1,16}})$"))
_VERB_ZH = tuple((relation, re.compile(pattern)) for relation, pattern in _VERBS_ZH)
_PRONOUN_ZH = re.compile(r"^(?:他们|她们|它们|他|她|它|该馆|本馆|该店|其)$")


def _zh(sentence: str, me: str, last: str) -> Iterator[tuple[str, str, str]]:
    for part in re.split(r"[，,。；;！!（）()]", simplify(sentence)):
        clause = re.sub(r"\s+", "", part).strip("“”\"")
        if not 2 < len(clause) < 60:
            continue
        found: list[tuple[str, str, str]] = []
        for relation, pattern in _VERB_ZH:
            match = pattern.search(clause) or (pattern.search((last or me) + clause) if last or me else None)
            if match is None:
                continue
            subject = _who_zh(match["s"], me, last)
            object_ = re.sub(r"^(?:了|的|我们?的?)|(?:了|的|呢|吧)$", "", match["o"])[:LONGEST_NAME]
            if subject and object_ and not any(row[2] == object_ or row[0] == object_ for row in found):
                found.append((object_, relation[1:], subject) if relation.startswith("-") else (subject, relation, object_))
        yield from found
        if found:
            last = found[0][0] if not found[0][0].isdigit() else last


def _who_zh(text: str, me: str, last: str) -> str:
    text = re.sub(r"^(?:其中|另外|现在|目前|而且|但是|所以|因为|如果|这个|那个|这|那)|(?:现在|也|都|就|已经|曾经?|一直|主要)$", "", text).strip("的")
    if text in ("我", "我们", "咱们", "本人"):
        return me
    if not text or _PRONOUN_ZH.match(text):
        return last
    if text.startswith("我") and me:
        return f"{me}的{text[1:].lstrip('的')}" if len(text) > 1 else me
    return "" if text in ("这", "那", "谁", "什么", "有", "没有", "大家", "你") else text


def _sentences(text: str) -> list[str]:
    from persona.documents import sentences
    return sentences(text)


# what a question wants -------------------------------------------------------------------------------------------------------------------

_WANTED = (
    ("lives_in", r"\bwhere\b.*\bliv(?:e|es|ing)\b|住(?:在)?(?:哪|什么地方)"), ("works_at", r"\bwhere\b.*\bwork(?:s|ing)?\b|\bwho(?:m)? does .* work for\b|在(?:哪|什么).*(?:工作|上班)"), ("studied_at", r"\bwhere\b.*\b(?:study|studied|graduate)|(?:哪|什么).*(?:毕业|读书|上学)"),
    ("teaches", r"\bwhat\b.*\bteach(?:es)?\b|教什么"), ("-teaches", r"\bwho\b.*\bteach(?:es)?\b|谁教"), ("-leads", r"\bwho\b.*\b(?:leads?|runs?|manages?|in charge|responsible|head|director|manager|boss)\b|谁(?:负责|管)|(?:经理|馆长|校长|负责人)是谁"),
    ("-founded", r"\bwho\b.*\b(?:found|establish|start|set up)|谁(?:创办|创立|创建|开)"), ("-wrote", r"\bwho\b.*\b(?:wrote|written|author)|谁写|作者是谁"), ("wrote", r"\bwhat\b.*\b(?:write|wrote|written)\b|写(?:了|过)什么"),
    ("-made", r"\bwho\b.*\b(?:paint|buil|design|invent|compos|creat|ma[dk]e|carve|discover)|谁(?:设计|建|画|发明|做)"), ("happened_in", r"\bwhen\b.*\b(?:built|founded|painted|made|written|opened|established|invented)|(?:什么时候|哪一?年).*(?:建|成立|写|画)"),
    ("born_in", r"\b(?:where|when)\b.*\bborn\b|出生(?:在|于)?(?:哪|什么)|(?:哪|什么时候).*出生"), ("died_in", r"\b(?:where|when)\b.*\bdie"), ("costs", r"\bhow much\b|\bprice\b|\bcost\b|多少钱|价格|票价"), ("opens_at", r"\b(?:when|what time|hours?)\b.*\bopen|几点开|什么时候开|开放时间"),
    ("closes_at", r"\b(?:when|what time)\b.*\bclos|几点关|什么时候关"), ("made_of", r"\bwhat\b.*\bmade (?:of|from|out of)\b|什么做的|材料"), ("located_in", r"\bwhere\b.*\b(?:is|are|find|hang|stand)\b|在哪"), ("likes", r"\bwhat\b.*\b(?:like|love|enjoy)\b|喜欢什么"),
    ("speaks", r"\bwhat languages?\b|会说什么"), ("is_a", r"\bwhat (?:is|are) .*(?:job|profession|occupation)\b|\bwhat does .* do\b|做什么的|什么工作"), ("reached_at", r"\b(?:phone|email|reach|contact|call)\b|电话|联系"),
    ("owns", r"\bwhat (?:pet|animal)s?\b|\bpets?\b|养了?什么"))
_WANT = tuple((relation, re.compile(pattern, re.IGNORECASE)) for relation, pattern in _WANTED)
_KIN_ZH: Mapping[str, str] = {"妻子": "married_to", "丈夫": "married_to", "老婆": "married_to", "老公": "married_to", "太太": "married_to", "儿子": "-child_of", "女儿": "-child_of", "孩子": "-child_of", "父亲": "child_of", "母亲": "child_of",
                              "爸爸": "child_of", "妈妈": "child_of", "哥哥": "sibling_of", "弟弟": "sibling_of", "姐姐": "sibling_of", "妹妹": "sibling_of", "朋友": "friend_of", "老板": "-leads", "经理": "-leads"}


def wanted_of(question: str, language: str) -> str:
    """The relation a question asks for, "-" in front where it asks for its subject; "" for none."""
    text = simplify(question) if language == "zh" else question
    return next((relation for relation, pattern in _WANT if pattern.search(text)), "")


def _chain(question: str, start: str, language: str) -> list[str]:
    """"Rafael's wife's sister" -> [married_to, sibling_of]."""
    if language == "zh":
        at = simplify(question).find(start)
        rest, found = simplify(question)[at + len(start):], []
        while match := re.match(r"的?(" + "|".join(_KIN_ZH) + ")", rest):
            found.append(_KIN_ZH[match[1]])
            rest = rest[match.end():]
        return found
    low = question.lower()
    at = low.find(start)
    rest, found = low[at + len(start):] if at >= 0 else "", []
    while match := re.match(rf"['’]s (?:\w+er |elder |little )?({_KINS})s?\b", rest):
        found.append(_KIN[match[1]])
        rest = rest[match.end():]
    if not found and (of := re.search(rf"\b({_KINS})s? of (?:the )?{re.escape(start)}", low)):
        found.append(_KIN[of[1]])
    return found
