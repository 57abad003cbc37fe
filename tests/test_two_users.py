"""Two people in two browsers on one server that asks who they are: every id of one is tried by the other, over every route that there is, every message
of the socket and every event of Gradio's; while signed in, and signed out. What is answered is what is answered for ids of nobody."""
from __future__ import annotations

import base64
import hashlib
import json
import re
import secrets
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from conftest import Echo, Tone
from place import Place, watched
from shelves import files

from twin.store import Shelf, export
from twin.users import Passwords, Users
from twin.wire.door import Door
from twin.wire.limits import Limits
from twin.wire.openapi import BODIES
from twin.wire.requests import SHAPES

playwright_api = pytest.importorskip("playwright.sync_api", reason="Playwright is not installed (pip install playwright)")
from test_page import CALM, CHROMIUM, COARSE, FLAGS, LOUD  # noqa: E402

pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="no Chromium here (apt-get install chromium)")
WORDS = {"ada": "correct horse battery", "bea": "another good one"}
CANARY = {"ada": "kestrelfeather", "bea": "lapwingnest"}             # in all that is made, said and drawn of one
# What one may do to oneself: tried at the end. Streams that never end are Gradio's, and are tried as events.
OWN = {("DELETE", "/me"), ("DELETE", "/login"), ("POST", "/login")}
ASK = """async ([tries, token]) => {
  const out = new Array(tries.length), rows = tries.entries();
  const work = async () => { for (const [n, [method, path, body]] of rows) {
    const patience = method === "GET" && /gradio_api.(queue.data|call)/.test(path) ? 3000 : 60000;      // a stream of one's own goes on and on
    const headers = {...(token ? {"X-Twin-Token": token} : {}), ...(body === null ? {} : {"Content-Type": "application/json"})};
    try {
      const answer = await fetch("/" + path, {method, headers, body: body ?? undefined, signal: AbortSignal.timeout(patience), redirect: "manual"});
      out[n] = [answer.status, (await answer.text()).slice(0, 20000)];
    } catch (error) { out[n] = [0, error.name]; }
  } };
  await Promise.all(Array.from({length: 6}, work));
  return out;
}"""
SOCKET = """([hello, messages]) => new Promise((resolve) => {
  const heard = [], socket = new WebSocket(location.origin.replace("http", "ws") + "/live");
  const over = (code) => { resolve([...heard, ["closed", code]]); };
  socket.binaryType = "arraybuffer";
  socket.onopen = () => { socket.send(JSON.stringify(hello)); for (const message of [...messages, {type: "ping", t: 7}]) socket.send(JSON.stringify(message)); };
  socket.onmessage = ({data}) => {
    const text = typeof data === "string" ? data : new TextDecoder().decode(new Uint8Array(data));
    const kind = /"type": ?"(\\w+)"/.exec(text)?.[1];
    heard.push([kind, text]);
    if (kind === "pong") { socket.onclose = null; socket.close(); resolve(heard); }
  };
  socket.onclose = ({code}) => over(code);
})"""


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    """The server, with the page; what is kept is kept under a key."""
    folder = tmp_path_factory.mktemp("house")
    for name, word in WORDS.items():
        Passwords(folder / "users").put(name, word)

    async def pages(twin: Any, languages: Any, endpoint: str) -> Any:
        yield SimpleNamespace(done=1.0, en="made", zh="好了", data=f"<!doctype html>{twin.persona.text('name', 'en')}".encode())
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("TWIN_KEY", "12" * 32)
        door = Door(Users(str(folder / "users"), secret=b"s" * 32), Limits(0))
        with Place(folder / "data", gradio=True, stage=True, shared=True, door=door, pages=pages, think=Echo(["So", "it", "is."]), speak=Tone(pieces=1)) as place:
            yield place


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    with playwright_api.sync_playwright() as play:
        browser = play.chromium.launch(executable_path=CHROMIUM, args=[*FLAGS, LOUD])
        yield browser
        browser.close()


@pytest.fixture(scope="module")
def two(house: Any, browser: Any, tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Any]]:
    """Both, signed in; each with a twin of their own, a conversation, a film, a page in one file, an event of Gradio's and a half-made twin."""
    faults: list[str] = []
    people = {name: Person(house, browser, name, tmp_path_factory.mktemp(name), faults) for name in WORDS}
    yield people
    for person in people.values():
        person.context.close()
    assert not faults, "\n".join(faults)


class Person:
    def __init__(self, house: Any, browser: Any, name: str, folder: Path, faults: list[str]):
        self.house, self.name, self.canary = house, name, CANARY[name]
        self.context = browser.new_context(viewport={"width": 900, "height": 560}, locale="en-GB", **COARSE)
        self.context.set_default_timeout(90_000)
        self.context.add_init_script(CALM)
        self.page = page = watched(self.context, house.url, faults, fine="status of 4")
        page.goto(house.url + "?lang=en")
        page.fill("dialog[open] input[name=name]", name)
        page.fill("dialog[open] input[name=password]", WORDS[name])
        page.keyboard.press("Enter")
        page.wait_for_function("() => window.twin?.live.state === 'open' && !document.querySelector('dialog[open]')")
        self.token = page.evaluate("() => localStorage['twin.token']")
        self.ids = self.live(folder)

    def live(self, folder: Path) -> dict[str, str]:
        """Make all that one can have here. Returns its ids."""
        name = self.name
        shelf = Shelf(folder / self.name, secret=b"k" * 32)
        bundle = export(shelf, shelf.put("c" * 64, files(f"{name.title()} Finch", f"{self.canary} in the facts")))
        told = self.page.evaluate("""async ([bundle, token]) => {
          const headers = {"X-Twin-Token": token};
          const bytes = Uint8Array.from(atob(bundle), (c) => c.charCodeAt(0));
          return (await (await fetch("bundle", {method: "POST", headers, body: bytes})).json());
        }""", [base64.b64encode(bundle).decode(), self.token])
        twin = told["twin"]["id"]
        self.page.goto(f"{self.house.url}?lang=en&twin={twin}")
        self.page.wait_for_function("id => window.twin?.live.state === 'open' && document.title.includes('Finch')", arg=twin)
        self.page.locator("#twin-text").fill(f"My word is {self.canary}.")
        self.page.keyboard.press("Enter")
        self.page.wait_for_function("() => [...document.querySelectorAll('.her:not(.open) .text')].some((said) => said.innerText.includes('So it is'))")
        made = self.asked([("POST", "api/talk", json.dumps({"twin": twin, "text": f"Again {self.canary}"})),
                           ("POST", "twins/maya/film", json.dumps({"text": f"{self.canary}", "aspect": "1:1"})),
                           ("POST", f"twins/{twin}/share/page", "{}"), ("POST", "draft/persona", json.dumps({"name": self.canary}))])
        assert [status for status, _ in made] == [200] * 4, made
        hello = json.dumps({"type": "hello", "token": self.token, "twin": twin, "page": secrets.token_hex(16)})
        (_, opened), = self.asked([("POST", "gradio_api/run/live_open", json.dumps({"data": [hello]}))])
        session = json.loads(json.loads(opened)["data"][0])["session"]
        (_, begun), = self.asked([("POST", "gradio_api/call/live_events", json.dumps({"data": [json.dumps({"session": session, "ack": 0})]}))])
        return {"twin": twin, "conversation": self.page.evaluate("() => sessionStorage['twin.conversation']"), "talk": json.loads(made[0][1])["conversation"],
                "film": json.loads(made[1][1].splitlines()[-1])["film"], "page": json.loads(made[2][1].splitlines()[-1])["page"],
                "tab": self.page.evaluate("() => sessionStorage['twin.page']"), "session": session, "event": json.loads(begun)["event_id"]}

    def asked(self, tries: list[tuple[str, str, str | None]], token: str | None = None) -> list[tuple[int, str]]:
        """[(status, text)] of (method, path, body) each, asked from inside the page."""
        return [(status, text) for status, text in self.page.evaluate(ASK, [tries, self.token if token is None else token])]

    def said(self, messages: list[dict], token: str = "", **hello: str) -> list[tuple[str, str]]:
        """What the socket tells after a hello and these messages."""
        return [tuple(row) for row in self.page.evaluate(SOCKET, [{"type": "hello", "token": token or self.token} | hello, messages])]


def served(house: Any) -> list[tuple[str, str]]:
    """(method, path) of every route of the whole application, Gradio's own too."""
    found: set[tuple[str, str]] = set()

    def walk(routes: Any, front: str = "") -> None:
        for route in routes:
            if getattr(route, "methods", None):
                found.update((method, front + route.path) for method in route.methods if method != "HEAD")
            elif inner := getattr(route, "original_router", route if hasattr(route, "routes") else None):      # as FastAPI includes Gradio's
                walk(inner.routes, front + getattr(route, "path", ""))
    walk(house.page.app.routes)
    return sorted(found)


VARIES = ("healthz", "health?", "metrics", "api/say")    # counters of the whole server; a sound with the time of its signature
TAKEN = ("gradio_api/cancel", "gradio_api/reset", "gradio_api/queue", "gradio_api/call")       # a name of nobody's becomes that of who begins something under it
PLAIN = ("gradio_api/app_id", "gradio_api/info", "gradio_api/startup-events", "gradio_api/theme.css")
OWNED = ("draft", "me")
FITS = {"name": "twin", "film": "film", "page": "page", "event_id": "event", "session_hash": "session"}
ASKED = {"session_hash": "event", "id": "conversation", "twin": "twin", "token": "session", "film": "film"}        # in a query


def tries(house: Any, ids: dict[str, str], whole: bool = True) -> list[tuple[str, str, str | None]]:
    """Every route with the ids in the places of its path, its query and its body: every id in every place, or (not `whole`) those that belong there."""
    made: list[tuple[str, str, str | None]] = []
    for method, path in served(house):
        if (method, path) in OWN:
            continue
        holes = re.findall(r"{(\w+)(?::\w+)?}", path)
        ways = [path.lstrip("/")]
        for n, hole in enumerate(holes):
            fit = ids[FITS[hole]] if hole in FITS else "portrait.webp" if hole == "file" else ids["event"]
            ways = [re.sub(rf"{{{hole}(:\w+)?}}", value, way) for way in ways for value in (ids.values() if n == 0 and whole else [fit])]
        if not holes and method == "GET":
            asked = [dict.fromkeys(ASKED, value) for value in ids.values()] if whole else [{name: ids[fit] for name, fit in ASKED.items()}]
            ways = [f"{way}?{'&'.join(f'{name}={value}' for name, value in query.items())}" for way in ways for query in asked]
        for way in ways:
            if method in ("GET", "DELETE", "OPTIONS"):
                made.append((method, way, None))
                continue
            shape = BODIES.get((method, path))
            fields = shape["properties"] if isinstance(shape, dict) and "properties" in shape else {}
            for value in ids.values() if {"twin", "conversation", "repo"} & set(fields) and whole else [ids["twin"]]:
                body: dict[str, Any] = {"sure": True, "agreed": True, "text": "hello", "passphrase": "correct horse battery", "scope": "public", "private": True,
                                        "name": "x", "session_hash": ids["event"], "event_id": ids["event"], "fn_index": 0, "data": []}
                body |= {name: value for name in ("twin", "conversation", "repo", "to") if name in fields}
                if "conversation" in fields:
                    body["conversation"] = value if whole else ids["talk"]
                    made.append((method, way, json.dumps(body | {"twin": "maya"})))
                made.append((method, way, json.dumps(body)))
    return made


def events(ids: dict[str, str]) -> list[tuple[str, str, str | None]]:
    """Every event of Gradio's, with the ids in the places of its arguments, and the ways to follow, stop or take over one."""
    session = json.dumps({"session": ids["session"], "n": 99, "ack": 0, "messages": [{"type": "list"}]})
    hello = json.dumps({"type": "hello", "token": ids["session"], "twin": ids["twin"], "conversation": ids["conversation"], "page": ids["tab"]})
    data = {"live_open": [hello], "live_send": [session], "live_events": [session], "say": [ids["twin"], "hello", "en"],
            "talk": [ids["twin"], "hello", "en", ids["conversation"], False], "film": [ids["twin"], "hello", "1:1", False]}
    made = [("POST", f"gradio_api/{way}/{name}", json.dumps({"data": given} | ({"session_hash": ids["event"]} if way == "call" else {})))
            for name, given in data.items() for way in ("run", "call")]
    made += [("GET", f"gradio_api/call/{name}/{ids['event']}", None) for name in data]
    made += [("GET", f"gradio_api/queue/data?session_hash={ids['event']}", None)]
    made += [("POST", f"gradio_api/{way}", json.dumps({"session_hash": ids["event"], "event_id": ids["event"], "fn_index": 0})) for way in ("cancel", "reset")]
    return made + [("POST", "gradio_api/queue/join", json.dumps({"session_hash": ids["event"], "fn_index": n, "data": given})) for n, given in enumerate(data.values())]


def nobody(ids: dict[str, str]) -> dict[str, str]:
    """Ids of the same make that were never given to anybody."""
    return {name: f"{value[:-6]}{secrets.token_hex(3)}" if name == "twin" else secrets.token_hex(len(value) // 2) for name, value in ids.items()}


def blank(text: str, ids: dict[str, str]) -> str:
    for value in ids.values():
        text = text.replace(value, "ID")
    text = re.sub(r'nonce="[^"]*"', "", text)
    return re.sub(r'("(event_id|conversation|seq|t)": ?)("[0-9a-f]+"|\d+)|[0-9.e-]+(?=,"|})|\d+ s\b', r"\1_", text)


def tree(house: Any, name: str) -> dict[str, str]:
    """All of the data folder that is not the other's, by its bytes."""
    root = house.shelf.data
    others = {house.rooms.door.users.sign_in(other, WORDS[other]) for other in WORDS if other != name}
    skip = {house.rooms.door.users.who({"token": token}).id for token in others}
    return {str(path.relative_to(root)): hashlib.sha256(path.read_bytes()).hexdigest() for path in sorted(root.rglob("*"))
            if path.is_file() and not (skip | {"scratch", "credentials"}) & set(path.parts)}        # the server's own list of what was taken back


def test_every_id_of_one_is_nothing_to_the_other(house: Any, two: dict[str, Any]) -> None:
    ada, bea = two["ada"], two["bea"]
    hers = [("GET", f"twins/{ada.ids['twin']}/fields", None), ("GET", f"media/films/{ada.ids['film']}", None),
            ("GET", f"media/twins/{ada.ids['twin']}/face/portrait.webp", None), ("GET", f"twins/{ada.ids['twin']}/share/page/{ada.ids['page']}", None),
            ("GET", f"twins/{ada.ids['twin']}/card.png", None), ("GET", "draft", None), ("GET", "me", None)]
    assert [status for status, _ in ada.asked(hers)] == [200] * len(hers), "the ids that are tried are good ones"
    assert ada.canary in str(ada.said([{"type": "resume", "conversation": ada.ids["talk"]}])[-2:])
    ada.page.locator("#twin-text").fill("Half a sentence")           # or, left alone, the twin would say something of its own, and that is kept
    before = tree(house, "ada")
    routes = served(house)
    assert len(routes) > 120 and {("POST", "/twins/{name}/film"), ("POST", "/me/export"), ("GET", "/gradio_api/queue/data")} <= set(routes)

    def tried(person: Any, token: str | None, why: str, whole: bool = False) -> None:
        """Nothing of Ada's is in any answer, and none differs from the answer for an id of nobody."""
        none, differ = nobody(ada.ids), list[str]()
        for make in (lambda ids: tries(house, ids, whole), events):
            real, made = make(ada.ids), make(none)
            got, plain = person.asked(real, token), person.asked(made, token)
            assert len(got) == len(real) == len(plain)
            for (method, path, body), (status, text), (status_of_none, text_of_none) in zip(real, got, plain, strict=True):
                where = f"{why}: {method} {path} {body}"
                assert ada.canary not in text.lower(), where
                if path.startswith(TAKEN):
                    assert person is ada or status in (401, 403, 404, 422), where
                    continue
                if person is ada and path.startswith(PLAIN):
                    continue                             # an event of one's own is no secret to oneself
                if path.startswith(OWNED) or not any(value in f"{path} {body}" for value in ada.ids.values()):
                    continue                             # what one has oneself, as it is at that moment
                if status != status_of_none or (not path.startswith(VARIES) and blank(text, ada.ids) != blank(text_of_none, none)):
                    differ.append(f"{where}: {status} {text[:300]} | {status_of_none} {text_of_none[:300]}")
                if path.startswith(f"twins/{ada.ids['twin']}") or (path.startswith("media/") and "ID" in blank(path, ada.ids)):
                    assert status in (401, 403, 404, 405, 422) or text == '{"stopped":false}', where

        assert not differ, "\n".join(differ[:12])

    def spoken(person: Any, token: str, why: str) -> None:
        heard = []
        for ids in (ada.ids, none := nobody(ada.ids)):
            messages = [{"type": kind} | {field: ids[name] for field, name in fields} for kind in sorted(SHAPES) if kind not in ("hello", "ping", "say", "mic", "idle")
                        for fields in ([("conversation", name), ("id", "twin")] for name in ids)]
            messages = [{name: value for name, value in message.items() if name == "type" or name in SHAPES[message["type"]]} for message in messages]
            rows = person.said(messages, token, twin=ids["twin"], conversation=ids["conversation"], page=ids["tab"])
            heard.append([(kind, blank(str(text), ids)) for kind, text in rows if kind in ("error", "closed", "ready")])
            assert ada.canary not in str(rows).lower(), why
        codes = [[(kind, re.findall(r'"code": ?"[\w-]+"|"twin": ?{"id": ?"[\w-]+"', text)) for kind, text in rows] for rows in heard]
        assert codes[0] == codes[1] and none, (why, codes)

    tried(bea, None, "Bea, signed in", whole=True)
    spoken(bea, bea.token, "Bea, signed in")
    assert tree(house, "ada") == before and [status for status, _ in ada.asked(hers[:3])] == [200] * 3
    assert ada.page.evaluate("() => twin.live.state") == "open", "nobody took her page over"

    bea.page.evaluate("() => fetch('login', {method: 'DELETE', headers: {'X-Twin-Token': localStorage['twin.token']}})")
    tried(bea, None, "Bea, signed out")
    assert [kind for kind, _ in bea.said([], bea.token)] == ["error", "closed"]
    assert tree(house, "ada") == before

    ada.page.evaluate("() => fetch('login', {method: 'DELETE', headers: {'X-Twin-Token': localStorage['twin.token']}})")
    ada.page.wait_for_function("() => document.querySelector('dialog[open] .beside:not([hidden])')?.textContent.includes('not signed in any more')")
    tried(ada, ada.token, "Ada's old token")
    assert "4010" in str(ada.said([{"type": "list"}], ada.token, twin=ada.ids["twin"], page=ada.ids["tab"])[-1])
    assert tree(house, "ada") == before


def test_who_erases_themselves_erases_nobody_else(house: Any, two: dict[str, Any]) -> None:
    before = tree(house, "ada")
    bea = house.rooms.door.users.sign_in("bea", WORDS["bea"])
    (status, text), = two["bea"].asked([("DELETE", "me", json.dumps({"sure": True}))], bea)
    assert status == 200 and json.loads(text)["removed"] and tree(house, "ada") == before
    left = [path for path in house.shelf.data.rglob("*") if path.is_file() and house.rooms.door.users.who({"token": bea}).id in str(path)]
    assert not left, left
