"""Sudden ends: the server is killed in the middle of things, started again, and asked for all that it had acknowledged.

Two places take turns: somebody's own machine, and a shared server that keeps everything sealed. In each round two people talk, and one of create, save
(edit, copy, load from a file, put behind a passphrase, delete) and publish (to the hub of the tests, on this machine) goes on, or all of them talk; over
and over, so that the end always comes into the middle of something: at an instant drawn at random, every other time one that is drawn within 30 ms after
an acknowledgement. Acknowledged is what was answered with success, and a turn whose end was told. `lost`: acknowledged and gone, or not as it was
acknowledged. `half`: shown and not whole; left behind on disk; or on the hub and out of reach of what is known here.
"""
from __future__ import annotations

import asyncio
import hashlib
import importlib.util
import json
import random
import secrets
import sys
from collections import Counter
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

from .client import Client
from .house import ASKS, House
from .start import ROOT

KINDS = ("create", "talk", "save", "publish")
LASTS = {"create": 12.0, "talk": 8.0, "save": 6.0, "publish": 8.0}       # s within which the end comes
NEAR = 0.03              # s after an acknowledgement
PHRASE = "four words are good"
SMALL = "Keeps eleven bees."
KEEP = 5                 # twins that are kept from one round to the next
GONE = (ConnectionError, TimeoutError, OSError)


def loopback() -> Any:
    """The hub of the tests."""
    about = importlib.util.spec_from_file_location("loopback_hub", ROOT / "tests" / "loopback.py")
    assert about and about.loader
    module = importlib.util.module_from_spec(about)
    about.loader.exec_module(module)
    return module


class Ledger:
    """What was acknowledged in one place. What was asked for and not answered may have happened or not."""

    def __init__(self, owner: str):
        self.token = owner
        self.twins: dict[str, set[str]] = {}             # id -> descriptions it may have
        self.faces: dict[str, str] = {}                  # id -> SHA-256 of its portrait
        self.locked: dict[str, bool] = {}                # id -> whether the lock was acknowledged
        self.leaving: set[str] = set()                   # deletion was asked
        self.gone: set[str] = set()                      # deletion was acknowledged
        self.talks: dict[str, tuple[str, list[tuple[str, str]], set[str]]] = {}       # conversation -> (twin, [(question, what was heard)], asked since)
        self.spaces: dict[str, tuple[str, str]] = {}     # repo -> (twin, revision)
        self.doing: set[str] = set()                     # repos of which something was asked and not answered
        self.stays: set[str] = set()                     # repos of twins that were deleted
        self.making = 0                                  # twins that were asked for and not answered
        self.photo = False
        self.acknowledged = asyncio.Event()
        self.count: Counter[str] = Counter()

    def ack(self, what: str) -> None:
        self.count[what] += 1
        self.acknowledged.set()


class Round:
    """One person's work at a server that will be killed."""

    def __init__(self, house: House, ledger: Ledger, hub: Any, token: str, rng: random.Random, photo: bytes):
        self.house, self.ledger, self.hub, self.hf, self.rng, self.picture = house, ledger, hub, token, rng, photo
        self.faults: list[tuple[str, str]] = []          # ("lost" | "half", what)

    async def __aenter__(self) -> Round:
        import httpx
        self.web = httpx.AsyncClient(base_url=self.house.url, headers={"X-Twin-Token": self.ledger.token}, timeout=120, trust_env=False)
        return self

    async def __aexit__(self, *_: Any) -> None:
        await self.web.aclose()

    async def ask(self, method: str, path: str, **more: Any) -> Any:
        answer = await self.web.request(method, path, **more)
        if answer.status_code >= 400:
            raise AssertionError(f"{method} {path}: {answer.status_code} {answer.text[:300]}")
        return answer

    async def steps(self, path: str, **more: Any) -> dict[str, Any]:
        """The last line of an answer in lines, which must have come."""
        last = b""
        async with self.web.stream("POST", path, **more) as answer:
            async for line in answer.aiter_lines():
                last = line.encode() or last
        row: dict[str, Any] = json.loads(last)
        if row.get("error", {}).get("code") == "busy":   # the step before is answered before its place is free
            await asyncio.sleep(0.05)
            return await self.steps(path, **more)
        if "error" in row:
            raise AssertionError(f"{path}: {row['error']}")
        return row

    # what goes on --------------------------------------------------------------------------------------------------------------------

    async def create(self) -> None:
        await self.ask("GET", "/draft")
        while True:
            await self.ask("POST", "/draft/photo", content=self.picture)
            self.ledger.photo = True
            self.ledger.ack("photo")
            text = f"Eileen flies spacecraft number {secrets.token_hex(4)}."
            await self.ask("POST", "/draft/persona", json={"name": "Eileen", "description": text, "greeting": "Hello, I am Eileen, a digital human."})
            self.ledger.ack("persona")
            await self.ask("POST", "/draft/consent", json={"agreed": True, "who": "NASA", "relation": "permission", "for": ["talk"], "scope": "public"})
            self.ledger.ack("consent")
            self.ledger.making, self.ledger.photo = self.ledger.making + 1, False
            twin = (await self.steps("/draft/build"))["twin"]
            await self.came(twin["id"], text, "built")

    async def came(self, name: str, text: str, how: str) -> None:
        """A twin was answered to be there."""
        self.ledger.twins[name] = {text}
        self.ledger.making -= 1
        self.ledger.ack(how)

    async def save(self) -> None:
        while True:
            names = [name for name in self.ledger.twins if name not in self.ledger.locked]
            name = self.rng.choice(names)
            texts = self.ledger.twins[name]
            what = self.rng.choices(("edit", "copy", "load", "lock", "delete"), (5, 2, 2, *((1, 1) if len(names) > 2 else (0, 0))))[0]
            if what == "edit":
                text = f"Edited into {secrets.token_hex(4)}."
                texts.add(text)
                await self.ask("POST", f"/twins/{name}/edit", json={"description": text})
                self.ledger.twins[name] = {text}
            elif what == "delete":
                self.ledger.leaving.add(name)
                await self.ask("DELETE", f"/twins/{name}")
                self.forget(name)
            elif what == "lock":
                self.ledger.locked[name] = False
                await self.ask("POST", f"/twins/{name}/lock", json={"passphrase": PHRASE})
                self.ledger.locked[name] = True
            else:
                path, more = f"/twins/{name}/duplicate", {}
                if what == "load":
                    path, more = "/bundle", {"content": (await self.ask("POST", f"/twins/{name}/bundle", json={})).content}
                self.ledger.making += 1
                made = await self.ask("POST", path, **more)
                await self.came(made.json()["twin"]["id"], next(iter(texts)), what)
            self.ledger.ack(what)

    def forget(self, name: str) -> None:
        """Its deletion was acknowledged, and with it everything that was said with it."""
        self.ledger.gone.add(name)
        for known in (self.ledger.twins, self.ledger.faces, self.ledger.locked):
            known.pop(name, None)                        # type: ignore[attr-defined]
        self.ledger.leaving.discard(name)
        self.ledger.talks = {k: talk for k, talk in self.ledger.talks.items() if talk[0] != name}
        stays = {repo for repo, (twin, _) in self.ledger.spaces.items() if twin == name}               # of which the user was told
        self.ledger.stays |= stays
        self.ledger.spaces = {repo: at for repo, at in self.ledger.spaces.items() if repo not in stays}

    async def publish(self) -> None:
        while True:
            free = [name for name in self.ledger.twins if name not in self.ledger.locked and name not in self.ledger.leaving]
            if self.ledger.spaces and self.rng.random() < 0.5:
                repo, (name, revision) = self.rng.choice(list(self.ledger.spaces.items()))
                self.ledger.doing.add(repo)
                if self.rng.random() < 0.5:
                    place = (await self.steps(f"/twins/{name}/share/update", json={"token": self.hf, "repo": repo}))["place"]
                    self.ledger.spaces[repo] = name, place["revision"]
                    self.ledger.ack("update")
                else:
                    await self.ask("POST", f"/twins/{name}/share/unpublish", json={"token": self.hf, "repo": repo})
                    del self.ledger.spaces[repo]
                    self.ledger.ack("unpublish")
            else:
                name, repo = self.rng.choice(free), f"ada/{secrets.token_hex(6)}"
                self.ledger.doing.add(repo)
                place = (await self.steps(f"/twins/{name}/share/publish", json={"token": self.hf, "repo": repo, "hardware": "zero-a10g"}))["place"]
                self.ledger.spaces[repo] = name, place["revision"]
                self.ledger.ack("publish")
            self.ledger.doing.discard(repo)

    async def talk(self) -> None:
        """Somebody of the same user talks, now with an own twin, now with one of ours; goes on with what was said before, or begins anew."""
        while True:
            own = [name for name in self.ledger.twins if name not in self.ledger.locked and name not in self.ledger.leaving]
            old = [k for k, talk in self.ledger.talks.items() if talk[0] in (*own, "wilma")]
            begun = self.rng.choice(old) if old and self.rng.random() < 0.5 else ""
            twin = self.ledger.talks[begun][0] if begun else self.rng.choice(own) if own and self.rng.random() < 0.5 else "wilma"
            async with Client(self.house.url, decodes=False, token=self.ledger.token, page=secrets.token_hex(16), twin=twin,
                              **({"conversation": begun} if begun else {})) as client:
                name, twin = client.conversation, client.begin["twin"]["id"]
                if name not in self.ledger.talks:
                    self.ledger.talks[name] = twin, [], set()
                for _ in range(self.rng.randint(1, 3)):
                    question = f"{self.rng.choice(list(ASKS.values()))} I ask for number {secrets.token_hex(3)}."
                    if name not in self.ledger.talks:    # its twin was deleted meanwhile
                        break
                    self.ledger.talks[name][2].add(question)
                    await client.say(question)
                    if self.rng.random() < 0.5:
                        await client.sound()
                        await client.send({"type": "stop", "turn": client.sounded, "at": self.rng.uniform(0.0, 0.8)})
                        ended, _ = await client.until(lambda h, _: h["type"] == "ended", 60)
                    else:
                        ended = (await client.hear(0.0, 90, first_of=lambda h: h["type"] == "heard"))[-1][1]
                    if name in self.ledger.talks:
                        self.ledger.talks[name][1].append((question, ended["heard"].strip()))
                        self.ledger.ack("turn")

    # what is asked afterwards --------------------------------------------------------------------------------------------------------

    def fault(self, kind: str, what: str) -> None:
        self.faults.append((kind, what))
        print(f"  {kind}: {what}", file=sys.stderr, flush=True)

    async def check(self) -> None:
        await self.twins()
        await self.draft()
        await self.talks()
        await self.spaces()
        data = Path(self.house.settings["TWIN_DATA"])
        for path in data.rglob("*"):
            if path.name.startswith((".new-", ".old-", ".gone-")):
                self.fault("half", f"left behind: {path.relative_to(data)}")
        for line in self.house.faults():
            self.fault("half", f"the log after a start: {line[:300]}")
        self.house.log.write_text("")

    async def twins(self) -> None:
        ledger = self.ledger
        there = {card["id"]: card for card in (await self.ask("GET", "/twins")).json()["twins"]}
        for name in [name for name in ledger.leaving if name not in there]:
            self.forget(name)                            # it was asked for, and it happened
        ledger.leaving.clear()
        for name in ledger.gone & set(there):
            self.fault("lost", f"the deletion of {name}")
        for name in set(ledger.twins) - set(there):
            self.fault("lost", f"the twin {name}")
            self.forget(name)
        strangers = set(there) - set(ledger.twins) - ledger.gone
        if len(strangers) > ledger.making:
            self.fault("half", f"{len(strangers)} twins that nobody asked for, beyond {ledger.making}")
        ledger.making = 0
        for name in there:
            try:
                await self.whole(name, there[name])
            except (AssertionError, KeyError, ValueError) as error:
                self.fault("half", f"the twin {name}: {error}")
        for name in sorted(ledger.twins)[KEEP:]:
            if not any(twin == name for twin, _ in ledger.spaces.values()):
                await self.ask("DELETE", f"/twins/{name}")
                self.forget(name)

    async def whole(self, name: str, card: dict[str, Any]) -> None:
        ledger = self.ledger
        if card["locked"]:
            if name not in ledger.locked and name in ledger.twins:
                self.fault("half", f"{name} is locked and nobody asked for it")
            await self.ask("POST", f"/twins/{name}/unlock", json={"passphrase": PHRASE})
        elif ledger.locked.get(name):
            self.fault("lost", f"the lock of {name}")
        text = (await self.ask("GET", f"/twins/{name}/fields")).json()["fields"]["description"]
        if name in ledger.twins and text not in ledger.twins[name]:
            self.fault("lost", f"an edit of {name}: {text!r}, not one of {ledger.twins[name]}")
        if name not in ledger.twins and not text.startswith(("Eileen flies", "Edited into", SMALL)):
            self.fault("half", f"{name} says {text!r}")
        ledger.twins[name] = {text}
        found = (await self.ask("GET", f"/media/twins/{name}/face/portrait.webp")).content
        for file in ("rig.json", "background.webp"):
            await self.ask("GET", f"/media/twins/{name}/face/{file}")
        if ledger.faces.setdefault(name, hashlib.sha256(found).hexdigest()) != hashlib.sha256(found).hexdigest():
            self.fault("lost", f"the face of {name}")
        ledger.locked.pop(name, None)                    # a lock that was asked for and not answered has happened or not
        if card["locked"]:
            ledger.locked[name] = True

    async def draft(self) -> None:
        draft = (await self.ask("GET", "/draft")).json()["draft"]
        if self.ledger.photo and not (draft and draft["photo"] and draft["photo"]["preview"]):
            self.fault("lost", "the photo of the draft")
        if draft and draft["photo"] and (draft["photo"]["chosen"] is None or not draft["photo"]["faces"] or not draft["photo"]["preview"]):
            self.fault("half", f"a draft with a photo and no face: {str(draft['photo'])[:200]}")

    async def talks(self) -> None:
        """The last conversations, as they are opened and as they are listed."""
        for name, (twin, said, asked) in list(self.ledger.talks.items())[-12:]:
            async with Client(self.house.url, decodes=False, token=self.ledger.token, page=secrets.token_hex(16), conversation=name) as client:
                if client.conversation != name:
                    if said:
                        self.fault("lost", f"a conversation of {len(said)} turns")
                        del self.ledger.talks[name]
                    continue
                history = client.begin["history"]
            turns: list[list[str]] = []
            for message in history:
                if message["role"] == "user":
                    turns.append([message["content"], ""])
                elif turns and not turns[-1][1]:
                    turns[-1][1] = message["content"]
                else:
                    self.fault("half", f"an answer without a question: {message}")
            for question, heard in said:
                if [question, heard] not in turns:
                    self.fault("lost", f"a turn with {twin}: {question!r} ({len(said)} acknowledged, {len(turns)} there)")
            for question, _ in turns[len(said):]:
                if question not in asked:
                    self.fault("half", f"a question that nobody asked: {question!r}")
            self.ledger.talks[name] = twin, [(question, heard) for question, heard in turns], set()

    async def spaces(self) -> None:
        """What is known here of what is published, and what the hub has."""
        ledger, known = self.ledger, {}
        for name in ledger.twins:                        # those behind a passphrase were opened by whole()
            known |= {place["repo"]: (name, place["revision"]) for place in (await self.ask("GET", f"/twins/{name}/share")).json()["published"]}
        for repo, (name, revision) in ledger.spaces.items():
            if repo not in ledger.doing and known.get(repo) != (name, revision):
                self.fault("lost", f"that {name} is published as {repo}: {known.get(repo)}, not {(name, revision)}")
        for repo in set(known) - set(ledger.spaces) - ledger.doing:
            self.fault("lost", f"the unpublishing of {repo}")
        standing = set((await self.ask("GET", "/me")).json()["standing"])
        for repo in [repo for repo in self.hub.repos if repo in ledger.doing | set(ledger.spaces) | ledger.stays]:
            if repo not in known and repo not in standing:
                self.fault("half", f"{repo} is on the hub and not known here")
            elif (files := set(self.hub.repos[repo]["files"]) - {".gitattributes"}) and not {".twin.json", "README.md", "app.py"} <= files:
                self.fault("half", f"{repo} holds {sorted(files)[:5]}")
        for repo in sorted(ledger.doing & set(known)):   # what broke off is taken up again, and taken away
            name = known[repo][0]
            await self.steps(f"/twins/{name}/share/publish", json={"token": self.hf, "repo": repo, "hardware": "zero-a10g"})
            await self.ask("POST", f"/twins/{name}/share/unpublish", json={"token": self.hf, "repo": repo})
        ledger.spaces = {repo: at for repo, at in ledger.spaces.items() if repo not in ledger.doing}
        ledger.doing.clear()


async def cut_off(work: list[Awaitable[None]], house: House, ledger: Ledger, after: float, near: bool, rng: random.Random) -> list[str]:
    """Let it go on, and kill the server. What went wrong before."""
    tasks = [asyncio.ensure_future(one) for one in work]
    await asyncio.wait(tasks, timeout=after, return_when=asyncio.FIRST_COMPLETED)
    if near and not any(task.done() for task in tasks):
        ledger.acknowledged.clear()
        await asyncio.wait([asyncio.ensure_future(ledger.acknowledged.wait()), *tasks], timeout=30, return_when=asyncio.FIRST_COMPLETED)
        await asyncio.sleep(rng.uniform(0, NEAR))
    early = [f"{type(task.exception()).__name__}: {task.exception()}" for task in tasks if task.done()]
    house.kill()
    await asyncio.wait(tasks, timeout=5)                 # what had come before is read
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    asyncio.get_running_loop().set_exception_handler(lambda *_: None)        # the clients' own tasks, whose line broke as was meant
    return early


def bundle(folder: Path) -> bytes:
    """The smallest whole twin, as a file."""
    import io

    from PIL import Image

    from twin.store import Shelf, export
    from twin.trust import consent, digest
    out = io.BytesIO()
    Image.new("RGB", (32, 32), (90, 80, 70)).save(out, "WEBP")
    shelf = Shelf(folder)
    agreed = consent("Ada Lovelace", "self", ["speech"], {"photo": digest(b"photo")}, scope="public", folder=folder)
    twin = shelf.put("a" * 64, {
        "persona.yaml": f"name: Ada\ndescription: {SMALL}\n".encode(), "consent.json": json.dumps(agreed).encode(), "measured.json": b"{}",
        "lines.en.yaml": b"- {id: bees, ask: [Do you keep bees?], say: [Eleven of them.]}\n", "face/portrait.webp": out.getvalue(),
        "face/background.webp": out.getvalue(), "face/rig.json": json.dumps({"version": 1, "size": [32, 32], "points": [[1, 2, 3]]}).encode()})
    return export(shelf, twin)


async def sudden_ends(folder: Path, options: Any) -> dict[str, object]:
    from .create import photo
    module, picture, given = loopback(), photo(), await asyncio.to_thread(bundle, folder / "small")
    count, ended, faults, trouble = options.kills, Counter[str](), [], []
    with module.Hub() as hub:
        common = {"TWIN_TWINS": str(folder / "twins"), "TWIN_LIMITS": "0", "HF_ENDPOINT": hub.url, "HF_HUB_DISABLE_XET": "1", "HF_HUB_DISABLE_TELEMETRY": "1",
                  "HF_HUB_CACHE": str(folder / "hub"), "TWIN_TWIN": "wilma"}
        places = []
        for name, more in (("home", {}), ("shared", {"TWIN_SHARED": "1", "TWIN_KEY": secrets.token_hex(32)})):
            (folder / name).mkdir(parents=True, exist_ok=True)
            places.append((House(folder / name, options.quick, **common, **more), Ledger(secrets.token_hex(32))))

        async def once(number: int, cut: bool) -> None:
            house, ledger = places[number % 2]
            kind, rng = ("talk", "save")[number % 2] if options.quick else KINDS[number // 2 % 4], random.Random(f"{options.seed} {number}")
            await asyncio.to_thread(house.start, awake=False)
            async with Round(house, ledger, hub, module.TOKEN, rng, picture) as work:
                try:
                    await work.check()
                except (AssertionError, *GONE) as error:
                    work.fault("half", f"{type(error).__name__}: {error}")
                faults.extend((kind, number, what) for kind, what in work.faults)
                if not cut:
                    return
                while len([name for name in ledger.twins if name not in ledger.locked]) < 2:
                    ledger.making += 1
                    made = await work.ask("POST", "/bundle", content=given)
                    await work.came(made.json()["twin"]["id"], SMALL, "brought")
                main: dict[str, Callable[[], Awaitable[None]]] = {"create": work.create, "save": work.save, "publish": work.publish, "talk": work.talk}
                early = await cut_off([main[kind](), work.talk(), work.talk()], house, ledger, rng.uniform(0, LASTS[kind]), number % 4 >= 2, rng)
                trouble.extend(early)
                ended[kind] += 1
                print(f"  end {number} in {kind}{''.join(f'; {one[:200]}' for one in early)}", file=sys.stderr, flush=True)
        try:
            for number in range(count):
                await once(number, True)
            for number in range(min(2, count)):
                await once(number + count + count % 2, False)
        finally:
            for house, _ in places:
                house.kill()
    found = Counter(kind for kind, *_ in faults)
    acknowledged = places[0][1].count + places[1][1].count
    return {"lost": found["lost"], "half": found["half"], "kills": sum(ended.values()), "kill_trouble": len(trouble), "kill_seed": options.seed,
            **{f"killed_in_{kind}": ended[kind] for kind in KINDS}, **{f"acknowledged_{what}": times for what, times in sorted(acknowledged.items())}}
