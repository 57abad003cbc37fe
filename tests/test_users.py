"""Who is asking: one function for a hello, a request and a Gradio event; a token is never taken from a URL. And who signs in, and what they may do."""
from __future__ import annotations

import hashlib
import secrets
import threading
import time
from types import SimpleNamespace

import httpx
import pytest
import uvicorn
from place import Place
from shelves import files
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, RedirectResponse
from starlette.routing import Route

from bench.client import Client
from twin.errors import Missing, Refused
from twin.users import OWNER, VISITOR, Passwords, User, Users, who
from twin.wire.door import Door
from twin.wire.limits import Limits

TOKEN = "ab" * 32
SECRET = "correct horse battery"


def request(headers=(), query=b""):
    raw = [(name.encode(), value.encode()) for name, value in headers]
    return Request({"type": "http", "method": "GET", "path": "/", "query_string": query, "headers": raw})


def test_the_same_token_is_the_same_user_whatever_carries_it():
    user = who({"token": TOKEN})
    assert user.id == hashlib.sha256(bytes.fromhex(TOKEN)).hexdigest() and TOKEN not in repr(user)
    assert who(request([("x-twin-token", TOKEN)])) == user
    assert who(SimpleNamespace(headers={"X-Twin-Token": TOKEN})) == user
    assert who({"token": "cd" * 32}) != user
    assert Users().who({"token": TOKEN}) == user and Users().who({"token": TOKEN}).owner


@pytest.mark.parametrize("token", [None, "", "ab", "AB" * 32, "zz" * 32, TOKEN + "0", TOKEN + "\n", 7, [TOKEN], "../" * 21 + "a"])
def test_anything_else_is_refused_with_a_way_out(token):
    for resolve in (who, Users().who, Users("huggingface", visitors=True).who):
        with pytest.raises(Refused) as refused:
            resolve({"token": token})
        assert refused.value.hint and refused.value.code == "who"


def test_never_from_the_address():
    with pytest.raises(Refused):
        who(request(query=f"token={TOKEN}&X-Twin-Token={TOKEN}".encode()))
    with pytest.raises(Refused):
        who(object())


@pytest.fixture(scope="module")
def people(tmp_path_factory):
    """A file of two users; made once, for scrypt takes its time."""
    path = tmp_path_factory.mktemp("people") / "users"
    kept = Passwords(path)
    kept.put("ada", SECRET)
    kept.put("bea", "another good one", VISITOR)
    return path


def test_a_file_of_passwords(people):
    text = people.read_text()
    assert SECRET not in text and people.stat().st_mode & 0o077 == 0 and Passwords(people).names() == [("ada", OWNER), ("bea", VISITOR)]
    users = Users(str(people))
    with pytest.raises(Refused) as refused:
        users.who({"token": TOKEN})
    assert refused.value.code == "login"
    for name, word in (("ada", "wrong"), ("nobody", SECRET), ("ada ", SECRET), ("a:b", ""), ("", ""), ("ada\n", SECRET)):
        with pytest.raises(Refused) as refused:
            users.sign_in(name, word)
        assert refused.value.code == "wrong-password"
    token = users.sign_in("ada", SECRET)
    ada, again = users.who({"token": token}), users.who({"token": users.sign_in("ada", SECRET)})
    assert ada == again and ada.key == again.key and ada.owner and ada.name == "ada" and token != TOKEN
    assert ada.id != who({"token": token}).id and SECRET not in repr(ada) and "ada" not in repr(ada)
    bea = users.who({"token": users.sign_in("bea", "another good one")})
    assert bea.role == VISITOR and bea.id != ada.id and bea.key != ada.key
    assert users.stands(ada) and users.stands(bea) and Users(str(people), visitors=True).stands(User("x", role=VISITOR)) and not users.stands(User("x", role=VISITOR))
    users.sign_out({"token": token})
    assert not users.stands(ada) and users.stands(again) and users.stands(bea) and Users().stands(who({"token": token}))
    with pytest.raises(Refused):
        users.who({"token": token})


def test_whoever_is_taken_out_of_the_file_is_signed_out(people, tmp_path):
    path = tmp_path / "users"
    path.write_bytes(people.read_bytes())
    users = Users(str(path))
    token = users.sign_in("ada", SECRET)
    assert users.who({"token": token}).name == "ada"
    Passwords(path).remove("ada")
    with pytest.raises(Refused):
        users.who({"token": token})
    with pytest.raises(Missing):
        Passwords(path).remove("ada")
    path.unlink()
    with pytest.raises(Missing, match="cannot be read"):
        users.sign_in("bea", "another good one")
    for name, word in (("a b", SECRET), ("a:b", SECRET), ("ada", "short"), ("../x", SECRET)):
        with pytest.raises(Refused):
            Passwords(path).put(name, word)


def test_who_sits_at_this_machine(people):
    """What may be done with the machine's own sign-in to the hub."""
    def asked(host="localhost:7860", address="127.0.0.1", **headers):
        raw = [(name.replace("_", "-").encode(), value.encode()) for name, value in ({"host": host} | headers).items()]
        return Request({"type": "http", "method": "GET", "path": "/", "query_string": b"", "headers": raw, "client": (address, 5)})
    door = Door(Users())
    assert all(door.at_home(asked(host, address)) for host in ("localhost", "127.0.0.1:7860", "[::1]:7860") for address in ("127.0.0.1", "::1", "::ffff:127.0.0.1"))
    for other in (asked(address="192.168.1.7"), asked(address=""), asked(host="evil.example"), asked(host="evil.example:7860"), asked(host=""),
                  asked(host="127.0.0.1.evil.example"), asked(host="192.168.1.2:7860"), asked(x_forwarded_for="127.0.0.1"), asked(forwarded="for=127.0.0.1"), asked(x_real_ip="::1")):
        assert not door.at_home(other), other.headers
    assert not Door(Users(str(people))).at_home(asked()) and not Door(Users(), proxies=1).at_home(asked(x_forwarded_for="127.0.0.1"))


async def test_those_who_sign_in_and_those_who_visit(people, tmp_path):
    users = Users(str(people), visitors=True)
    with Place(tmp_path, door=Door(users, Limits(0))) as place:
        async with httpx.AsyncClient(base_url=place.url, trust_env=False, timeout=30) as web:
            visitor = {"X-Twin-Token": secrets.token_hex(32)}
            assert (await web.get("/login", headers=visitor)).json() == {"how": "password", "visitors": True, "signed_in": False, "name": "", "role": "visitor"}
            for method, path in (("POST", "/draft/persona"), ("GET", "/draft"), ("POST", "/bundle"), ("POST", "/api/say"), ("POST", "/twins/maya/film")):
                refused = await web.request(method, path, json={}, headers=visitor)
                assert refused.status_code == 403 and refused.json()["error"]["code"] == "owner", path
            told = (await web.post("/api/talk", json={"twin": "maya", "text": "hi"}, headers=visitor)).json()
            assert told["reply"] and told["conversation"] == "" and not (tmp_path / "conversations").exists()
            async with Client(place.url, token=visitor["X-Twin-Token"]) as client:
                assert client.begin["user"] == {"name": "", "role": "visitor"}
                await client.turn("a word of a visitor")
            wrong = await web.post("/login", json={"name": "ada", "password": "nothing like it"}, headers=visitor)
            assert wrong.status_code == 401 and wrong.json()["error"]["code"] == "wrong-password" and wrong.json()["error"]["hint"]
            token = (await web.post("/login", json={"name": "ada", "password": SECRET})).json()["token"]
            signed = {"X-Twin-Token": token}
            assert (await web.get("/login", headers=signed)).json()["name"] == "ada"
            assert (await web.post("/draft/persona", json={"name": "Mine"}, headers=signed)).status_code == 200
            twin = place.shelf.put(users.who({"token": token}).id, files())
            assert [card["id"] for card in (await web.get("/twins", headers=signed)).json()["twins"]] == [twin.id]
            async with Client(place.url, token=token, twin=twin.id) as client:
                assert client.begin["user"] == {"name": "ada", "role": "owner"} and client.begin["twin"]["id"] == twin.id
            assert (await web.delete("/login", headers=signed)).status_code == 200
            assert (await web.get("/twins", headers=signed)).json() == {"twins": []}, "the token is a visitor's now"
        assert not (tmp_path / "conversations").exists(), "of a visitor nothing is kept"
    closed = Users(str(people))
    with Place(tmp_path / "closed", door=Door(closed, Limits(0))) as place:
        with pytest.raises(ConnectionError, match="login"):
            await Client(place.url).open()
        assert httpx.get(place.url + "twins", headers={"X-Twin-Token": TOKEN}, trust_env=False).json()["error"]["code"] == "login"


@pytest.fixture
def hub(monkeypatch):
    """The smallest OpenID provider on a port of its own: whoever comes is `ada-lovelace`, and PKCE is checked."""
    met: dict = {"challenges": {}, "asked": []}

    async def authorize(request):
        code = secrets.token_hex(8)
        met["challenges"][code] = request.query_params["code_challenge"]
        return RedirectResponse(f"{request.query_params['redirect_uri']}?code={code}&state={request.query_params['state']}", 303)

    async def token(request):
        import base64
        form = await request.form()
        found = base64.urlsafe_b64encode(hashlib.sha256(form["code_verifier"].encode()).digest()).rstrip(b"=").decode()
        if met["challenges"].pop(form["code"], None) != found or not request.headers["authorization"].startswith("Basic "):
            return JSONResponse({"error": "invalid_grant"}, 400)
        return JSONResponse({"access_token": "hf_oauth_of_ada", "token_type": "bearer"})

    async def userinfo(request):
        met["asked"].append(request.headers["authorization"])
        return JSONResponse({"sub": "0123", "preferred_username": "ada-lovelace", "orgs": [{"preferred_username": "analysts"}]})

    server = uvicorn.Server(uvicorn.Config(Starlette(routes=[
        Route("/oauth/authorize", authorize), Route("/oauth/token", token, methods=["POST"]), Route("/oauth/userinfo", userinfo)]), port=0, log_level="error"))
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    while not server.started:
        time.sleep(0.01)
    port = server.servers[0].sockets[0].getsockname()[1]
    for name, value in {"OPENID_PROVIDER_URL": f"http://127.0.0.1:{port}", "OAUTH_CLIENT_ID": "us", "OAUTH_CLIENT_SECRET": "ours",
                        "OAUTH_SCOPES": "openid profile"}.items():
        monkeypatch.setenv(name, value)
    monkeypatch.delenv("SPACE_HOST", raising=False)
    yield met
    server.should_exit = True
    thread.join(5)


def test_signing_in_by_hugging_face(hub, tmp_path):
    users = Users("huggingface", owners=("analysts",))
    with Place(tmp_path, door=Door(users, Limits(0))) as place:
        with httpx.Client(base_url=place.url, trust_env=False) as window:
            away = window.get("/login/huggingface")
            assert away.status_code == 303 and "code_challenge_method=S256" in away.headers["location"] and "HttpOnly" in away.headers["set-cookie"]
            back = httpx.get(away.headers["location"], trust_env=False).headers["location"]
            with httpx.Client(trust_env=False) as stranger:              # who was sent the link has no cookie of this window
                assert "was not begun in this window" in stranger.get(back).text
            assert "was not begun" in window.get(back).text, "a state is good once"
            back = httpx.get(window.get("/login/huggingface").headers["location"], trust_env=False).headers["location"]
            page = window.get(back)
            assert "signed in" in page.text and "frame-ancestors 'none'" in page.headers["content-security-policy"] and page.headers["cache-control"] == "no-store"
            token = page.text.split('const token = "')[1].split('"')[0]
            assert "was not begun" in window.get(back).text
            assert "did not say who you are" in window.get(f"/login/callback?state={_state(window)}&error=denied").text
        user = users.who({"token": token})
        assert user.owner and user.name == "ada-lovelace" and user.hub == "hf_oauth_of_ada" and "hf_" not in repr(user) and hub["asked"] == ["Bearer hf_oauth_of_ada"]
        assert httpx.get(place.url + "login", headers={"X-Twin-Token": token}, trust_env=False).json()["name"] == "ada-lovelace"
    others = Users("huggingface", owners=("others",))
    assert others.who({"token": others.sign_in_hub("0123", "ada-lovelace", ("analysts",))}).role == VISITOR


def _state(window) -> str:
    return window.get("/login/huggingface").headers["location"].split("state=")[1].split("&")[0]
