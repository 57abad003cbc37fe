"""A consent that is widened, and one that is taken back: unpublished, deleted, and never used here again."""
from __future__ import annotations

import json
from dataclasses import replace

import pytest
from loopback import TOKEN
from shelves import ADA, BEA
from test_hub import last, make, shelf, there  # noqa: F401

from twin import me, trust
from twin.errors import Missing, Refused, TwinError
from twin.share import hub, known
from twin.share.withdraw import _note, again, delete, standing, withdraw
from twin.store import bring_in, export


def nobody():
    raise Missing("Nobody is signed in to Hugging Face.", "hf auth login", code="no-token")


def test_what_was_published_goes_with_the_consent(there, shelf):  # noqa: F811
    twin, api = make(shelf), hub.client(TOKEN)
    last(hub.publish(api, shelf, twin, "bee-keeper"))
    bundle, copy = export(shelf, twin), shelf.duplicate(ADA, twin.id)
    record = json.loads(twin.read("consent.json"))
    assert there.repos
    done = withdraw(shelf, shelf.get(ADA, twin.id), lambda: api)
    assert done.unpublished == ["ada/bee-keeper"] and not done.standing and not there.repos
    assert sorted(done.twins) == sorted([twin.id, copy.id]) and not shelf.list(ADA) and done.removed
    assert trust.revoked(record, shelf.data) and not list((shelf.data / "twins" / ADA).glob("[!.]*"))
    with pytest.raises(Refused) as refused:
        bring_in(shelf, BEA, bundle)
    assert refused.value.code == "consent-revoked", "nobody brings the bundle back, whoever has it"


def test_nothing_is_asked_of_a_hub_where_nothing_was_published(shelf):  # noqa: F811
    twin = make(shelf, "private")
    done = withdraw(shelf, twin, nobody)
    assert done.twins == [twin.id] and not done.unpublished and not done.standing


def test_what_cannot_be_reached_is_noted_and_tried_again(there, shelf):  # noqa: F811
    twin, api = make(shelf), hub.client(TOKEN)
    last(hub.publish(api, shelf, twin, "bee-keeper"))
    done = withdraw(shelf, shelf.get(ADA, twin.id), nobody)
    assert done.standing == ["ada/bee-keeper"] == standing(shelf, ADA) and done.why and not shelf.list(ADA), "deleted here, whatever stands there"
    assert standing(shelf, BEA) == []
    with pytest.raises(TwinError):
        again(shelf, ADA, nobody)
    assert again(shelf, ADA, lambda: api) == ["ada/bee-keeper"] and not there.repos and standing(shelf, ADA) == []


def test_what_stays_of_a_deleted_twin_is_not_out_of_reach(there, shelf):  # noqa: F811
    twin, api = make(shelf), hub.client(TOKEN)
    last(hub.publish(api, shelf, twin, "bee-keeper"))
    other = make(shelf)
    last(hub.publish(api, shelf, other, "second"))
    assert delete(shelf, ADA, twin.id)[1] == ["ada/bee-keeper"] and there.repos and standing(shelf, ADA) == ["ada/bee-keeper"] and standing(shelf, BEA) == []
    _note(shelf, ADA, {"ada/second": other.id})                  # an end between the note and the deletion
    assert again(shelf, ADA, lambda: api) == ["ada/bee-keeper"] and list(there.repos) == ["ada/second"], "a twin that is there keeps its Space"
    assert delete(shelf, ADA, other.id)[1] == ["ada/second"]
    done = me.erased(shelf, ADA, lambda: api)
    assert done["unpublished"] == ["ada/second"] and not done["standing"] and not there.repos
    with pytest.raises(Missing):
        delete(shelf, ADA, twin.id)


def test_a_space_of_that_name_that_is_none_of_the_twins_stays(there, shelf):  # noqa: F811
    """Noted when its publishing began, and nothing was made: the line broke, or the end came. Of the same name there may be something else."""
    twin, api = make(shelf), hub.client(TOKEN)
    api.create_repo("garden", repo_type="space", space_sdk="gradio")
    api.upload_file(path_or_fileobj=b"mine", path_in_repo="app.py", repo_id="ada/garden", repo_type="space")
    known.note(shelf, twin, ADA, known.Space("ada/garden", "gradio", True, "2026-11-22"))
    assert delete(shelf, ADA, twin.id)[1] == ["ada/garden"]
    stranger = hub.client("hf_" + "x" * 20)
    with pytest.raises(TwinError):                       # nobody can tell: it stays noted
        again(shelf, ADA, lambda: stranger)
    assert standing(shelf, ADA) == ["ada/garden"]
    assert again(shelf, ADA, lambda: api) == [] and "ada/garden" in there.repos and standing(shelf, ADA) == []


def test_a_default_twin_has_no_consent_to_take_back(shelf):  # noqa: F811
    from twin.store import Twins
    with pytest.raises(Missing):
        withdraw(shelf, next(iter(Twins().values())), nobody)


def test_a_locked_twin_is_unlocked_first(shelf):  # noqa: F811
    twin = make(shelf, "private", passphrase="correct horse battery")
    shelf.forget(ADA, twin.id)
    with pytest.raises(Refused) as refused:
        withdraw(shelf, shelf.get(ADA, twin.id), nobody)
    assert refused.value.code == "locked" and shelf.has(ADA, twin.id)


def test_the_commands(shelf, monkeypatch, capsys):  # noqa: F811
    from twin.__main__ import main
    from twin.users import who
    token = "7" * 64
    monkeypatch.setenv("TWIN_TOKEN", token)
    monkeypatch.setenv("TWIN_DATA", str(shelf.data))
    twin = make(shelf, "private")
    (shelf.data / "twins" / ADA).rename(shelf.data / "twins" / who({"token": token}).id)
    assert main(["consent", twin.id]) == 0 and "private" in capsys.readouterr().out
    assert main(["consent", twin.id, "--scope", "public"]) == 0 and "public" in capsys.readouterr().out
    assert main(["withdraw", twin.id]) == 0 and "removed" in capsys.readouterr().out
    assert main(["consent", twin.id]) == 1 and main(["withdraw"]) == 0


def test_the_routes(tmp_path):
    import httpx
    from place import Place

    from twin.wire.consents import Consents

    class Here(Place):
        def served(self):
            whole = super().served()
            return replace(whole, routes=[*Consents(self.shelf, self.sessions, self.rooms.door).routes(), *whole.routes])

    with Here(tmp_path) as place:
        from twin.users import who
        tokens = {name: name * 64 for name in "ab"}
        owner = who({"token": tokens["a"]}).id
        record = trust.consent("Ada", "self", ["speech"], {"photo": trust.digest(b"photo")}, folder=tmp_path)
        from shelves import files
        twin = place.shelf.put(owner, files() | {"consent.json": json.dumps(record).encode()})
        http = {name: httpx.Client(base_url=place.url, headers={"X-Twin-Token": token}, trust_env=False) for name, token in tokens.items()}
        path = f"twins/{twin.id}/consent"
        shown = http["a"].get(path).json()
        assert shown["scope"] == "private" and shown["signed"] == "here" and shown["standing"] == []
        for ask in (lambda h: h.get(path), lambda h: h.post(path, json={"scope": "public", "agreed": True}),
                    lambda h: h.post(f"twins/{twin.id}/withdraw", json={"sure": True})):
            assert ask(http["b"]).status_code == 404, "another user's"
        assert http["a"].post(path, json={"scope": "public"}).status_code == 422
        assert http["a"].post(path, json={"scope": "everywhere", "agreed": True}).status_code == 422
        assert http["a"].post(path, json={"scope": "link", "agreed": True}).json()["scope"] == "link"
        assert known.published(place.shelf, place.shelf.get(owner, twin.id)) == []
        assert http["a"].post(f"twins/{twin.id}/withdraw", json={}).status_code == 422 and place.shelf.has(owner, twin.id)
        done = http["a"].post(f"twins/{twin.id}/withdraw", json={"sure": True}).json()
        assert done["twins"] == [twin.id] and done["removed"] and not place.shelf.has(owner, twin.id)
        for one in http.values():
            one.close()
