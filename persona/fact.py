"""What a user told, as data: a fact learnt from a sentence, a fact as it is kept, and what is recalled for a question. Which predicates hold one
value at a time, and which many."""
from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

# A new value of one of these ends the old one; anything else ("likes", "owns", "plan") may hold many.
SINGLE = frozenset(("name", "age", "birthday", "home", "origin", "job", "field", "employer", "status", "school", "born", "death", "is", "address", "phone", "email", "from when",
                    "size", "height", "weight", "working hours", "feeling"))
MANY = frozenset(("likes", "dislikes", "allergy", "diet", "health", "speaks", "learns", "plan", "event", "owns", "has", "plays", "wants", "studies", "afraid", "did", "does"))


def single(predicate: str) -> bool:
    """Whether a subject has one of these at a time; favourites, and what one calls "my car's colour", do."""
    return predicate not in MANY


@dataclass(frozen=True)
class Learned:
    """One thing that a sentence tells. `subject`: "user", or whoever is "my ..." in English ("older sister", "dog", "car"); `named`: the name said
    with it. `change`: "add"; "correct" where what was said before was wrong; "end" where it is no longer so; "was" where it is long over."""
    subject: str
    predicate: str
    object: str
    said: str = ""                                       # the sentence
    change: str = "add"
    named: str = ""
    until: datetime | None = None                        # a plan's day is over
    private: bool = False


@dataclass(frozen=True)
class Fact:
    """As it is kept. `valid_to` None: as far as is known it still holds. `wrong`: it never held, it was corrected."""
    id: int
    subject: str
    predicate: str
    object: str
    valid_from: datetime
    valid_to: datetime | None
    source: int                                          # the message
    said: str
    language: str
    private: bool = False
    wrong: bool = False

    def holds(self, now: datetime) -> bool:
        return not self.wrong and (self.valid_to is None or self.valid_to > now)


BEARS = 0.12                                             # of Recollection.score: how likely it is, from which on what was said is taken to bear on a question


@dataclass(frozen=True)
class Recollection:
    """`text`: a sentence to the user ("Your sister is called Ana."), or the message itself. `kind`: "fact", "message"; "forgot" where they asked to
    forget (`object`: how many), "none" where they asked after something particular of which nothing was told. `past`: it holds no more. `asked`:
    it is just what the question is after. `score`: how likely it bears on the question, 0..1."""
    text: str
    kind: str
    subject: str = ""
    predicate: str = ""
    object: str = ""
    when: datetime | None = None
    source: int = 0
    score: float = 0.0
    past: bool = False
    asked: bool = False
    role: str = "user"
