"""Inventing a face over HTTP and on a draft: asked for in words, painted one by one, taken like a photo, and nobody's."""
from __future__ import annotations

import json
import secrets
import time

import httpx
import pytest
from conftest import Tone
from place import Place
from shelves import ADA as OWNER

from twin import credentials, trust
from twin.create import Drafts, build, inventing, looks
from twin.errors import Missing, Refused
from twin.paint import invent
from twin.paint.attributes import ATTRIBUTES, Choice, Measure
from twin.share.readme import whose
from twin.share.space import agreement
from twin.store import Shelf

ADA, BEA = secrets.token_hex(32), secrets.token_hex(32)
WISH = "a woman of sixty with silver curls and round glasses"


class Noted(invent.Illustrated):
    """The painter, and how many pictures it was asked for."""

    def __init__(self):
        self.painted = self.closed = 0
        self.words = []

    def _painted(self, parts):
        self.painted += 1
        return super()._painted(parts)

    def faces(self, asked, seed, count=4, words=""):
        self.words.append(words)
        try:
            yield from super().faces(asked, seed, count, words)
        finally:
            self.closed += 1


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    with Place(tmp_path_factory.mktemp("data"), speak=Tone(pieces=1)) as served:
        yield served


@pytest.fixture
def painter(place):
    place.drafts.inventor.engines["illustrated"] = noted = Noted()
    return noted


@pytest.fixture
def ada(place):
    with httpx.Client(base_url=place.url, headers={"X-Twin-Token": ADA}, timeout=60, trust_env=False) as client:
        yield client
        client.delete("/draft")


@pytest.fixture
def bea(place):
    with httpx.Client(base_url=place.url, headers={"X-Twin-Token": BEA}, timeout=60, trust_env=False) as client:
        yield client


def lines(response) -> list[dict]:
    assert response.headers["content-type"].startswith("application/x-ndjson") and response.headers["cache-control"] == "no-store"
    found = [json.loads(line) for line in response.text.splitlines()]
    kept = {line["k"]: line for line in found if "face" in line}           # a line may come again, as a sign of life
    return [*kept.values(), *(line for line in found if "error" in line)]


def face(client, seed: int = 5, **asked) -> dict:
    return lines(client.post("/draft/invent", json={"asked": asked, "seed": seed, "count": 1}))[0]["face"]


def test_what_can_be_asked_for_is_all_there_and_has_a_name_in_both_languages(ada):
    told = ada.get("/draft/invent").json()
    controls = [control for group in told["groups"] for control in group["controls"]]
    assert sorted(control["name"] for control in controls) == sorted(ATTRIBUTES) == sorted(looks.NAMES), "each once, whatever attributes.py has"
    for control in controls:
        row = ATTRIBUTES[control["name"]]
        named = [control["label"], *(value["label"] for value in control.get("values", ())), *control.get("ends", ()), *(control.get("told") or ())]
        assert all(one["en"] and any("\u4e00" <= c <= "\u9fff" or c.isdigit() or one["zh"] == "T恤" for c in one["zh"]) for one in named), named
        if isinstance(row, Choice):
            assert [value["value"] for value in control["values"]] == list(row.often)
        if isinstance(row, Measure):
            assert (control["least"], control["most"]) == (row.least, row.most) and (control["told"] or control["name"] == "age")
    assert [engine["name"] for engine in told["engines"] if engine["ready"]][0] == "illustrated" and told["examples"]["zh"]
    for text in (*told["examples"]["en"], *told["examples"]["zh"]):
        assert inventing.understood(text)["asked"] and not inventing.understood(text)["left"], text


def test_an_engine_without_its_weights_is_named_with_the_reason(monkeypatch):
    monkeypatch.setattr(invent, "at_hand", lambda: ["illustrated"])
    inventor = inventing.Inventor()
    engines = inventor.described()["engines"]
    assert (engines[0]["name"], engines[0]["ready"]) == ("illustrated", True) and {"name": "gan", "ready": False}.items() <= engines[1].items()
    assert engines[1]["why"]["en"] and engines[1]["why"]["zh"]
    for name, error in (("gan", Missing), ("crystal ball", Refused)):
        with pytest.raises(error) as told:
            inventor.faces({}, 1, engine=name)
        assert told.value.hint and told.value.zh and "/" not in told.value.message


def test_a_wish_is_read_and_painted_one_by_one(ada, painter):
    read = ada.post("/draft/invent/read", json={"words": WISH + " and a wizard"}).json()
    assert read["asked"]["gender"] == "woman" and read["asked"]["glasses"] == "round" and "wizard" in read["left"]
    found = lines(ada.post("/draft/invent", json={"words": WISH, "asked": read["asked"], "seed": 3}))
    assert [line["k"] for line in found] == [0, 1, 2, 3] and painter.painted == 4 and painter.closed == 1
    faces = [line["face"] for line in found]
    assert len({one["picture"] for one in faces}) == 4 and all(one["picture"].startswith("data:image/webp;base64,") for one in faces)
    assert all(one["about"]["en"] and one["about"]["zh"] and one["engine"] == "illustrated" and isinstance(one["seed"], int) for one in faces)
    assert all(one["recipe"]["parts"][0]["look"]["glasses"] == "round" for one in faces)
    again = lines(ada.post("/draft/invent", json={"words": WISH, "seed": 3, "count": 1}))
    lines(ada.post("/draft/invent", json={"words": "戴圆框眼镜的短发姑娘", "seed": 3, "count": 1}))
    assert painter.words == [WISH, WISH, ""], "an engine is told English words; Chinese ones are attributes by then"
    assert again[0]["face"] == faces[0], "the same wish and seed, the same face"
    more = lines(ada.post("/draft/invent/like", json={"recipe": faces[0]["recipe"], "seed": 8}))
    assert len(more) == 4 and all(line["face"]["recipe"]["parts"][0]["look"]["gender"] == "woman" for line in more)
    way = [ada.post("/draft/invent/between", json={"one": faces[0]["recipe"], "other": faces[1]["recipe"], "part": part}).json()["face"] for part in (0, 0.5, 1)]
    assert way[0]["picture"] == faces[0]["picture"] and way[2]["picture"] == faces[1]["picture"] and len({one["picture"] for one in way}) == 3


def test_who_leaves_ends_it_and_so_does_a_newer_wish(place, ada, painter):
    with ada.stream("POST", "/draft/invent", json={"seed": 1, "count": 8}) as steps:
        next(steps.iter_lines())
    until(lambda: painter.closed and not place.rooms.inventing.taken)
    assert painter.painted < 8, "what nobody waits for is not painted"
    painted = painter.painted
    with ada.stream("POST", "/draft/invent", json={"seed": 1, "count": 8}) as steps:
        old = steps.iter_lines()
        next(old)
        assert len(lines(ada.post("/draft/invent", json={"seed": 2, "count": 1}))) == 1
        assert len(set(old)) < 7, "another page's wish of the same person gave way"
    assert painter.painted - painted < 8 + 1


def test_two_people_take_turns(place, ada, bea, painter):
    with ada.stream("POST", "/draft/invent", json={"seed": 1, "count": 2}) as steps:
        next(steps.iter_lines())
        assert len(lines(bea.post("/draft/invent", json={"seed": 2, "count": 2}))) == 2 and painter.painted == 4
    until(lambda: place.rooms.inventing.taken == 0 == len(place.rooms.inventing))


@pytest.mark.parametrize(("path", "body", "code"), [
    ("", {"words": "make her look like Marilyn Monroe"}, 422), ("", {"words": "a little girl of seven"}, 422), ("/read", {"words": "长得像刘德华"}, 422),
    ("/read", {"words": "一个小女孩"}, 422), ("", {"words": 3}, 422), ("", {"seed": -1}, 422), ("", {"seed": True}, 422), ("", {"asked": [1]}, 422),
    ("", {"engine": "crystal ball"}, 422), ("", {"count": 900}, 422), ("/like", {"recipe": None}, 422), ("/like", {"recipe": {"parts": ["x" * 70_000]}}, 422),
    ("/between", {"one": {"parts": []}, "other": {"parts": []}, "part": 0.5}, 422), ("/between", {"one": {}, "other": {}, "part": 7}, 422),
    ("/between", {"one": {}, "other": {}, "part": True}, 422), ("/use", {"recipe": {"parts": [{"look": {}, "seed": "1", "weight": 1}]}}, 422), ("/use", {}, 422),
    ("/use", {"recipe": {"parts": [{"look": {}, "seed": 1, "weight": 1}]}, "engine": "gan9"}, 422)])
def test_what_is_wrong_is_said_in_both_languages(ada, path, body, code):
    said = []
    for language in ("en", "zh"):
        got = ada.post("/draft/invent" + path, json=body, headers={"X-Twin-Language": language})
        assert got.status_code == code, got.text
        told = got.json()["error"]
        assert told["hint"]
        said.append(told["message"])
    assert said[0] != said[1] and ada.get("/draft").json()["draft"] is None


def test_a_recipe_that_is_none_ends_the_stream_with_what_is_wrong(ada):
    assert "invented face" in lines(ada.post("/draft/invent/like", json={"recipe": {"parts": [{"look": 1, "seed": 1, "weight": 1}]}}))[-1]["error"]["message"]


def test_a_face_is_taken_like_a_photo_and_is_nobodys(place, ada, bea):
    bea.post("/draft/persona", json={"name": "Bea"})
    before = bea.get("/draft").json()["draft"]
    chosen = face(ada, gender="woman", age=64.0, glasses="none", headwear="none", turn=0.0)
    told = ada.post("/draft/invent/use", json={"recipe": chosen["recipe"]}).json()
    assert told["photo"]["chosen"] == 0 and told["photo"]["size"] == [1024, 1024] and told["photo"]["report"] and told["photo"]["preview"]
    assert told["invented"] == {"engine": "illustrated", "label": {"en": "Illustrated", "zh": "插画"}, "seed": chosen["seed"], "recipe": chosen["recipe"],
                                "voice": "ready/birch", "nobodys": True}
    assert told["voice"]["ready"] == {"voice": "ready/birch"}, "a voice that fits its look"
    assert told["persona"] == {"gender": "female", "age": 64} and told["missing"] == ["name"], "nobody's consent is missing"
    assert bea.get("/draft").json()["draft"] == before
    bea.delete("/draft")

    ada.post("/draft/persona", json=told["persona"] | {"name": "Nobody"})
    assert ada.post("/draft/consent", json={"agreed": True, "who": "Ada", "relation": "self", "for": ["film"]}).json()["consent"] is None, "none is asked for"
    steps = [json.loads(line) for line in ada.post("/draft/build").text.splitlines()]
    twin = place.shelf.get(who(ADA), steps[-1]["twin"]["id"])
    record, measured = json.loads(twin.read("consent.json")), json.loads(twin.read("measured.json"))
    assert (record["relation"], record["who"], record["invented"]) == ("nobody", "nobody", {"engine": "illustrated", "seed": chosen["seed"]})
    assert set(record["samples"]) == {"invented face"} and record["statement"] == trust.STATEMENT_NOBODY["en"]
    assert trust.vouched(record, place.shelf.data) == "here" and record["verified"]["face"]["why"] == "invented"
    trust.scoped(record, "public", place.shelf.data)
    assert measured["face"]["invented"] == {"engine": "illustrated", "seed": chosen["seed"], "recipe": chosen["recipe"]}
    seen = credentials.read(ada.get(f"/twins/{twin.id}/card.png").content, "image/png")
    assert '"invented"' in json.dumps(seen) and "illustrated" in json.dumps(seen)
    assert "no person is in this twin" in whose(agreement(place.shelf, twin))
    report = ada.post("/check", content=ada.post(f"/twins/{twin.id}/bundle", json={}).content, headers={"X-Twin-Name": "n.twin"}).json()
    assert "face invented" in json.dumps(report)
    wider = ada.post(f"/twins/{twin.id}/consent", json={"scope": "private", "agreed": True}).json()["consent"]
    assert wider["relation"] == "nobody" and wider["invented"] == record["invented"] and wider["scope"] == "private"
    assert ada.delete(f"/twins/{twin.id}").status_code == 200


def test_a_voice_of_their_own_still_needs_its_yes_and_a_photo_clears_what_was_invented(tmp_path):
    from test_create import photo
    from test_create import spoken as read_aloud
    drafts = Drafts(Shelf(tmp_path))
    inventor = drafts.inventor
    one = next(inventor.faces({"gender": "man", "age": 30.0, "glasses": "none", "headwear": "none", "turn": 0.0}, 4, count=1))["face"]
    with drafts.of(OWNER) as draft:
        draft.persona({"name": "Nobody", "gender": "other"})
        inventing.used(draft, one["engine"], one["recipe"], inventor.portrait(one["recipe"]))
        assert draft.state["persona"]["gender"] == "other" and draft.state["persona"]["age"] == 30 and draft.nobodys and draft.missing == []
        draft.voice(read_aloud(4.2), "0")
        assert draft.state["ready"] is None, "a voice that nobody chose gives way"
        draft.ready({"voice": "ready/oak"})
        assert draft.nobodys and draft.missing == [], "a recording that the twin will not speak with"
        draft.ready({"voice": None})
        assert not draft.nobodys and draft.missing == ["consent"] and set(draft.samples()) == {"invented face", "voice 0"}
        with pytest.raises(Refused) as refused:
            list(build(drafts.shelf, draft))
        assert refused.value.code == "no-consent"
        for relation in ("nobody", "invented"):
            with pytest.raises(Refused):
                draft.agree({"agreed": True, "who": "nobody", "relation": relation, "for": ["speech"]})
        draft.agree({"agreed": True, "who": "A tester", "relation": "self", "for": ["speech"]})
        record = draft.yes()
        assert record["statement"] == trust.STATEMENT_VOICE["en"] and record["invented"]["engine"] == "illustrated" and draft.missing == []
        with pytest.raises(Refused):
            trust.scoped(record | {"scope": "public"}, "public", drafts.shelf.data)
        draft.unvoice("0")
        draft.ready({"voice": "ready/cedar"})
        draft.photo(photo())
        assert draft.state["invented"] is None and draft.missing == ["consent"] and set(draft.samples()) == {"photo"}
        assert draft.state["persona"] == {"name": "Nobody", "gender": "other"} and draft.state["ready"] == {"voice": "ready/cedar"}, "what was chosen stays"
        with pytest.raises(Refused):
            draft.agree({"agreed": True, "who": "nobody", "relation": "nobody", "for": ["speech"]})
    drafts.close()


def test_a_painted_face_brings_its_own_cut_out_and_background():
    from twin.paint.picture import read
    inventor = inventing.Inventor()
    recipe = next(inventor.faces({"hair": "curly short"}, 4, count=1))["face"]["recipe"]
    picture = read(inventor.portrait(recipe))
    whole = inventor.layered(picture, {"engine": "illustrated", "recipe": recipe})
    assert whole.alpha.shape == whole.behind.shape[:2] == picture.pixels.shape[:2]
    outside = whole.alpha == 0
    assert 0.2 < outside.mean() < 0.8 and (whole.behind[outside] == picture.pixels[outside]).mean() > 0.99
    other = type(picture)(picture.pixels[:512, :512])     # not that picture
    assert inventor.layered(other, {"engine": "illustrated", "recipe": recipe}) is other


def test_a_record_of_nobody_is_held_to_what_it_says():
    hash_ = trust.digest(b"a picture")
    nobody = trust.consent("nobody", "nobody", ["speech"], {"invented face": hash_}, invented={"engine": "illustrated", "seed": 3})
    assert trust.agreed(nobody) is nobody and trust.renewed(nobody, scope="link")["relation"] == "nobody"
    for change in ({"invented": None}, {"samples": {"photo": hash_}}, {"samples": {"voice 0": hash_}}, {"invented": {"engine": ["x"]}}):
        with pytest.raises(Refused):
            trust.agreed(nobody | change)
    without = {name: value for name, value in nobody.items() if name != "invented"}
    with pytest.raises(Refused):
        trust.agreed(without)


def test_on_the_command_line(tmp_path):
    from conftest import command
    data = str(tmp_path / "data")
    refused = command("create", "--invent", "a photo of Marilyn Monroe", "--name", "M", TWIN_DATA=data)
    assert refused.returncode == 1 and "real person" in refused.stderr and "Traceback" not in refused.stderr
    made = command("create", "--invent", "a man of forty with a full beard, no glasses", "--seed", "7", "--name", "Otto", TWIN_DATA=data)
    assert made.returncode == 0, made.stderr
    assert "from seed 7" in made.stderr and "nobody's consent is needed" in made.stderr
    shown = command("consent", made.stdout.split()[0], TWIN_DATA=data)
    assert shown.returncode == 0 and "nobody" in shown.stdout


def until(done) -> None:
    began = time.monotonic()
    while not done():
        time.sleep(0.02)
        assert time.monotonic() - began < 20


def who(token: str) -> str:
    from twin.users import who as user_of
    return user_of({"token": token}).id
