"""A twin in one HTML file, opened from disk in a real browser with the network off."""
from __future__ import annotations

import asyncio
import io
import json
import re
import shutil
from contextlib import aclosing
from datetime import datetime
from pathlib import Path

import pytest
import yaml
from conftest import ROOT
from shelves import ADA
from test_documents import GUIDE, GUIDE_ZH

from persona import carried
from persona.carried import Carried, papers, script
from persona.documents import FILE, Library
from persona.rules import load as rules
from persona.search import Index
from persona.wanted import tokens, wanted
from persona.words import normal
from twin import credentials
from twin.errors import Refused, TwinError
from twin.meet import Host
from twin.registry import Registry
from twin.settings import Settings
from twin.share import alone
from twin.share.modules import joined
from twin.store import Shelf
from twin.trust import consent, digest, revoke

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
FLAGS = ["--headless", "--no-sandbox", "--use-angle=swiftshader", "--enable-unsafe-swiftshader", "--disable-background-networking", "--no-first-run"]
EVIL = "</script><img src=x onerror=hit=1><svg onload=hit=1>&lt;b&gt;"
TOKEN = "hf_" + "k" * 34
LINES = {"en": [{"id": "bees", "ask": ["Do you keep bees?", "how many hives do you have"], "say": ["Eleven hives of them, and every one hums in a key of its own."], "mood": "proud"},
                {"id": "honey", "ask": ["what does honey cost"], "say": [f"Six euros a jar. {EVIL}"]},
                {"id": "safe", "ask": ["where is the key of the safe"], "say": ["Under the seventh hive."], "private": True},
                {"id": "why_bees", "ask": ["why"], "follow": "bees", "say": ["Because they hum in F."]}],
         "zh": [{"id": "bees", "ask": ["你养蜜蜂吗", "你有几箱蜂"], "say": ["养了十一箱，每一箱嗡嗡的调子都不一样，我一听就知道是哪一箱。"]}]}


def sealed(scope: str, purposes: tuple[str, ...] = ("speech", "film")) -> bytes:
    return json.dumps(consent("Ada Lovelace", "self", list(purposes), {"photo": digest(b"photo")}, scope=scope)).encode()


def files(scope: str = "link") -> dict[str, bytes]:
    face = ROOT / "assets" / "twins" / "lin" / "face"
    persona = {"name": {"en": f"Ada {EVIL}", "zh": "阿达"}, "tagline": {"en": EVIL, "zh": "养蜂人"}, "languages": ["en", "zh"],
               "facts": [{"en": "My brother Otto drives the tram.", "zh": "我的哥哥奥托开电车。"}, {"en": "My sister Ida owes me money.", "private": True}],
               "greeting": {"en": ["Hello, I'm Ada."], "zh": ["你好，我是阿达。"]}}
    return {"persona.yaml": yaml.safe_dump(persona, allow_unicode=True).encode(), "consent.json": sealed(scope), "measured.json": b"{}",
            **{f"lines.{language}.yaml": yaml.safe_dump(lines, allow_unicode=True).encode() for language, lines in LINES.items()},
            **{f"face/{path.name}": path.read_bytes() for path in face.iterdir()}}


class Made:
    """The page of a twin whose every text is hostile, and what the server says to the same questions."""

    def __init__(self, data: Path):
        self.data = data
        self.registry = Registry(Settings(data=str(data)))
        self.host, self.shelf = Host(self.registry), Shelf(data)
        self.twin = self.shelf.put(ADA, files())
        library = Library()
        library.add("harbour guide.md", f"{GUIDE} The flag is {EVIL} and blue. I am a real human being. The key is {TOKEN}.")
        library.add("海港指南.txt", GUIDE_ZH)
        library.add("will.txt", "Aunt Petronella left the lighthouse to Cornelius.", private=True)
        self.shelf.note(ADA, self.twin.id, FILE, library.packed())
        self.notes: tuple[tuple[str, str], ...] = ()

    async def page(self, **options: object) -> bytes:
        async with aclosing(alone.html(self.host, self.twin, **options)) as steps:     # type: ignore[arg-type]
            self.steps = [step async for step in steps]
        return self.steps[-1].data

    def says(self, text: str, language: str) -> list[str]:
        said = self.host.mind(self.twin).answer((), text, now=datetime.now(), language=language)
        return [said.sources[0], said.text or said.fallback]


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    made = Made(tmp_path_factory.mktemp("alone"))
    made.file = made.data / "ada.html"
    with pytest.MonkeyPatch.context() as less:
        less.setattr(carried, "MOST_ASKS", 240)          # a fifth of what people say to anybody: the rest takes its time
        made.file.write_bytes(asyncio.run(made.page(answers=22)))
    yield made
    made.registry.close()


@pytest.fixture(scope="module")
def browser():
    if CHROMIUM is None:
        pytest.skip("no Chromium on this machine (apt-get install chromium)")
    from playwright.sync_api import sync_playwright
    with sync_playwright() as play:
        running = play.chromium.launch(executable_path=CHROMIUM, args=[*FLAGS, "--autoplay-policy=document-user-activation-required"])
        yield running
        running.close()


@pytest.fixture
def open_file(made, browser):
    contexts = []

    def opened(file: Path = made.file, query: str = "", offline: bool = True, **options):
        contexts.append(context := browser.new_context(offline=offline, **{"viewport": {"width": 420, "height": 640}, **options}))
        page, page.faults = context.new_page(), []           # type: ignore[attr-defined]
        page.on("console", lambda said: page.faults.append(said.text) if said.type == "error" else None)
        page.on("pageerror", lambda error: page.faults.append(str(error)))
        page.on("request", lambda asked: page.faults.append(asked.url) if not asked.url.startswith(("file:", "blob:", "data:")) else None)
        page.goto(file.as_uri() + query)
        page.wait_for_selector(".stage[data-ready]", timeout=60_000)
        return page
    yield opened
    for context in contexts:
        context.close()


@pytest.fixture(scope="module")
def mind(made, browser):
    """A page whose mind alone is asked: what it shows is not drawn."""
    page = browser.new_context(offline=True, viewport={"width": 320, "height": 240}).new_page()
    page.goto(made.file.as_uri())
    page.wait_for_function("() => window.twin?.stage")          # an element of that id is there before
    page.evaluate("() => { twin.stage.face?.dispose(); twin.stage.frame = () => {}; }")
    yield page
    page.context.close()


def put(page, text: str) -> str:
    """Ask, and the answer's text."""
    before = page.locator(".messages .her").count()
    page.fill("#twin-text", text)
    page.keyboard.press("Enter")
    page.wait_for_function("n => document.querySelectorAll('.messages .her .text').length > n", arg=before)
    return page.locator(".messages .her .text").last.inner_text()


# the file ----------------------------------------------------------------------------------------------------------------------------------

def test_the_page_is_one_file_that_forbids_itself_every_connection(made):
    text = made.file.read_text(encoding="utf-8")
    policy = re.search(r'Content-Security-Policy" content="([^"]*)"', text)[1]
    assert "default-src 'none'" in policy and "connect-src 'none'" in policy and "unsafe" not in policy
    assert not re.search(r'(?:src|href)="(?!data:)', text) and len(text) < 4 * 2**20
    assert [step.done for step in made.steps] == sorted(step.done for step in made.steps) and made.steps[-1].spoken == 44


def test_the_portrait_carries_credentials_and_the_page_names_them_and_the_consent(made):
    text = made.file.read_text(encoding="utf-8")
    face, data = (json.loads(re.search(rf'id="twin-{part}">(.*?)</script>', text)[1]) for part in ("face", "data"))
    import base64
    portrait = base64.b64decode(face["portrait.webp"])
    assert f"sha256:{digest(portrait)}" in text and credentials.read(portrait, "image/webp")
    assert data["made"]["scope"] == "link" and f"link sha256:{data['made']['consent']}" in text
    assert "Lovelace" not in text                        # who agreed is nobody else's business


def test_what_its_owner_keeps_is_not_in_it(made):
    assert made.says("where is the key of the safe", "en")[1] == "Under the seventh hive.", "at home it is told"
    page = made.file.read_text(encoding="utf-8")
    assert "Eleven hives" in page and not [word for word in ("seventh hive", "key of the safe", "sister Ida", "owes me") if word in page]
    assert "Clara Whitfield" in page and not [word for word in ("Petronella", "Cornelius", TOKEN, "previous instructions", "real human being") if word in page]


@pytest.mark.parametrize("record", [sealed("private"), sealed("public", ("film",)), sealed("public").replace(b"public", b"publik")])
def test_nobody_shares_what_was_not_agreed_to(made, record):
    twin = made.shelf.put(ADA, files() | {"consent.json": sealed("link")})
    object.__setattr__(twin, "folder", twin.folder)
    (twin.folder / "consent.json").write_bytes(record)
    with pytest.raises(Refused):
        alone.shared(twin, made.data)
    with pytest.raises(Refused):
        alone.static(twin, b"page", made.data / "space")
    assert not (made.data / "space").exists()


def test_a_consent_taken_back_holds_for_every_copy(made, tmp_path):
    revoke(json.loads(sealed("public")), tmp_path)
    twin = made.shelf.put(ADA, files("public"))
    alone.shared(twin, made.data)
    revoke(json.loads(twin.read("consent.json")), made.data)
    with pytest.raises(Refused):
        alone.shared(twin, made.data)


@pytest.mark.parametrize("address", ["javascript:alert(1)", "https://", "https://a b", "https://u:p@host", "ftp://host", "https://host'; img-src *", "https://host:99999",
                                     "https://host/a'b", "x" * 600])
def test_an_endpoint_is_an_address_and_nothing_else(made, address):
    with pytest.raises(Refused):
        asyncio.run(made.page(endpoint=address))


def test_a_static_space_is_whole_and_its_card_holds_no_markup(made, tmp_path):
    alone.static(made.twin, b"<!doctype html>", tmp_path / "space")
    card = (tmp_path / "space" / "README.md").read_text(encoding="utf-8")
    front = yaml.safe_load(card.split("---\n")[1])
    assert front["sdk"] == "static" and front["app_file"] == "index.html" and "<img" not in card.split("---\n")[2]
    assert sorted(path.name for path in (tmp_path / "space").iterdir()) == ["README.md", "index.html"]
    (tmp_path / "space" / "mine.txt").write_text("mine")
    with pytest.raises(Refused):
        alone.static(made.twin, b"", tmp_path / "space")


def test_modules_that_cannot_be_joined_are_refused(tmp_path):
    (tmp_path / "a.js").write_text('import { b } from "./b.js";\nexport const a = 1;\n')
    for body in ('import { a } from "./a.js";\nexport const b = a;\n', "export default 1;\n", 'export const b = "</script>";\n'):
        (tmp_path / "b.js").write_text(body)
        with pytest.raises(TwinError):
            joined("a.js", tmp_path)
    (tmp_path / "b.js").write_text("export const c = 2;\n")
    with pytest.raises(TwinError, match="has no b"):
        joined("a.js", tmp_path)
    (tmp_path / "b.js").write_text("export const b = 2, c = 3;\n")
    assert "const { b } = $b;" in joined("a.js", tmp_path)


# what it says ------------------------------------------------------------------------------------------------------------------------------

def test_it_answers_as_the_server_does(made, mind):
    page = mind
    for language, lines in LINES.items():
        asks = [ask for line in lines if not {"follow", "private"} & set(line) for ask in line["ask"]]
        asks += ["are you a real person", "i want to die", "who is Otto"] if language == "en" else ["你是真人吗", "我不想活了"]
        for ask in asks:
            found = page.evaluate("([text, language]) => { twin.mind.clear(); const f = twin.mind.answer(text, language); return [f.id, twin.says[f.language][f.say][0]]; }", [ask, language])
            source, words = made.says(ask, language)
            assert found[0] == source or found[1] == words, (ask, found, source, words)
    told = page.evaluate("() => { twin.mind.clear(); return ['do you keep bees', 'why'].map((text) => twin.mind.answer(text, 'en').id); }")
    assert told == ["bees", "why_bees"]
    assert page.evaluate("() => { twin.mind.clear(); return twin.mind.answer('how many hives do you keep', 'en').id; }") == "bees"


def test_words_are_brought_to_one_spelling_as_the_server_does_and_ranked_alike(made, mind):
    page = mind
    for language in ("en", "zh"):
        lines = yaml.safe_load((ROOT / "assets" / "twins" / "lin" / f"lines.{language}.yaml").read_text(encoding="utf-8"))
        asks = [ask for line in lines for ask in line["ask"]][:400]
        assert page.evaluate("([asks, language]) => asks.map((ask) => twin.mind.words.normal(ask, language))", [asks, language]) == [normal(ask, language) for ask in asks]
        own = [ask for line in LINES[language] if "private" not in line for ask in line["ask"]]
        index = Index(own, language)
        theirs = [list(map(float, index.scores(ask) * index.sides(ask))) for ask in asks[:60]]
        ours = page.evaluate("([asks, language]) => asks.map((ask) => [...twin.mind.room(language).own.scores(ask)].slice(0, 9))", [asks[:60], language])
        assert all(abs(a - b) < 1e-4 for one, other in zip(ours, theirs, strict=True) for a, b in zip(one, other, strict=False))


def test_every_rule_reads_the_same_in_the_browser(made, mind):
    page = mind
    for language in ("en", "zh"):
        asks = [ask for line in yaml.safe_load((ROOT / "assets" / "twins" / "maya" / f"lines.{language}.yaml").read_text("utf-8")) for ask in line["ask"]][:300]
        plain = page.evaluate("([asks, language]) => asks.map((ask) => twin.mind.words.plain(ask, language))", [asks, language])
        table = [rule for rule in rules(language).values() if rule.when]
        found = page.evaluate("([plain, rows]) => rows.map(([when, unless]) => plain.map((text) => new RegExp(when, 'i').test(text) && !(unless && new RegExp(unless, 'i').test(text))))",
                              [plain, [[script(rule.when.pattern), script(rule.unless.pattern) if rule.unless else ""] for rule in table]])
        assert found == [[rule.fits(text) for text in plain] for rule in table]


def test_its_documents_answer_with_their_source(made, mind):
    """As at home without an embedder; what no document says is not answered from one."""
    page, library = mind, Library(data=made.twin.read(FILE))
    asks = {"en": ["Who founded the museum?", "How much is a ticket?", "How much is a ticket for children?", "When does it open?", "Can I bring my dog?", "Is it open on Mondays?", "What is the oldest object?",
                   "Where does the anchor hang?", "What is the capital of France?", "How tall is the lighthouse?"],
            "zh": ["几点开门？", "谁创办了博物馆？", "最古老的展品是什么？", "船锚陈列在哪里？", "法国首都是哪里？"]}
    for language, questions in asks.items():
        rows = page.evaluate("([asks, language]) => asks.map((ask) => twin.mind.papers.find(ask, language))", [questions, language])
        for question, row in zip(questions, rows, strict=True):
            found = library.find(question, language)
            sure = bool(found) and found[0].score >= 0.6
            assert bool(row and row["score"] >= 0.6) == sure, (question, row, found[:1])
            assert not sure or row["text"].endswith(found[0].best) and found[0].source in row["named"], (question, row, found[0])
    said = page.evaluate("() => { twin.mind.clear(); return ['Who founded the museum?', '谁创办了博物馆？', 'do you keep bees', 'who is Otto', 'what is the capital of Peru'].map((text) => { const f = twin.mind.answer(text, 'en'); return [f.step, f.text ?? '', f.source ?? '']; }); }")
    assert said[0][0] == "document" and "Clara Whitfield" in said[0][1] and "Harbour" in said[0][2]
    assert said[1][0] == "document" and "林秀芝" in said[1][1] and said[1][2].startswith("《海港指南》") and said[2][0] == "line" and said[3][0] == "fact" and said[4][0] == "unknown"


def test_a_question_is_read_as_the_server_does(made, mind):
    page = mind
    for language in ("en", "zh"):
        asks = [ask for line in yaml.safe_load((ROOT / "assets" / "twins" / "maya" / f"lines.{language}.yaml").read_text("utf-8")) for ask in line["ask"]][:300]
        asks += ["How many children's tickets were sold in Room 3 on 4 May?", "门票多少钱？几点关门？", "Does Dr. Whitfield's clinic open at 9:30?"]
        assert page.evaluate("asks => asks.map((ask) => twin.mind.papers.wanting.tokens(ask))", asks) == [tokens(ask) for ask in asks]
        kinds = page.evaluate("([asks, language]) => asks.map((ask) => twin.mind.papers.wanting.wanted(ask, language).kind?.kind ?? '')", [asks, language])
        assert kinds == [wanted(ask, language).kind for ask in asks]


def test_papers_are_bounded(made):
    library = Library()
    library.add("long.txt", [(f"Room {n} holds {n} chairs. It is blue.", n, "") for n in range(1, 400)])
    found, left = papers(library, made.twin.persona, 500)
    assert len(found["rows"]) == 500 and left == 298


def test_what_follows_a_sum_or_the_clock_stays_behind(made):
    mind = made.host.mind(made.twin)
    taken = Carried(mind, "en", datetime.now())
    for text in ("what time is it", "what is 3 plus 4", "what did i just say"):
        assert taken.reply(mind.answer((), text, now=datetime.now(), language="en")) == ""
    with pytest.raises(ValueError, match="no such expression"):
        script(r"(?P<a>x)")


# in the browser ----------------------------------------------------------------------------------------------------------------------------

@pytest.mark.browser
def test_a_document_is_quoted_on_the_page(open_file, tmp_path):
    page = open_file(query="?lang=en")
    page.locator(".tap").click()
    assert "Clara Whitfield" in put(page, "Who founded the museum?") and page.evaluate("() => window.hit") is None
    assert "guide" in page.locator(".messages .her").last.inner_text() and not page.faults
    page.screenshot(path=tmp_path / "quoted.png")


@pytest.mark.browser
@pytest.mark.parametrize(("language", "asks", "says"), [("en", "do you keep bees", "Eleven hives of them"), ("zh", "你养蜜蜂吗？", "养了十一箱")])
def test_it_opens_from_disk_without_a_network_and_talks(open_file, language, asks, says):
    page = open_file(query=f"?lang={language}", viewport={"width": 390, "height": 844}, has_touch=True, is_mobile=True)
    assert page.locator(".stage").get_attribute("data-ready") == "moving" and page.locator(".ai").is_visible()
    assert ("an AI, not a person" if language == "en" else "是 AI，不是真人") in page.locator(".hello").inner_text()
    page.evaluate("() => { const jaw = twin.stage.channels.indexOf('jawOpen'), all = window.seen = {}; setInterval(() => { "
                  "const seen = all[twin.player.turn] ??= { energy: 0, words: '' }; seen.energy = Math.max(seen.energy, twin.player.energy()); "
                  "seen.words += document.querySelector('.captions').innerText; }, 20); "
                  "twin.stage.onframe = () => { all.jaw = Math.max(all.jaw ?? 0, twin.player.playing ? twin.stage.weights[jaw] : 0); }; }")
    page.locator(".tap").click()                         # browsers play nothing before a gesture
    page.wait_for_function("() => window.seen[1]?.energy > 0.005")
    assert put(page, asks).startswith(says)
    page.wait_for_function("said => window.seen[2]?.energy > 0.005 && window.seen[2].words.includes(said) && window.seen.jaw > 0.05", arg=says[:4])
    page.wait_for_function("() => !twin.player.playing")
    assert page.evaluate("() => twin.player.gaps") < 0.05 and not page.faults


def test_text_stays_text_wherever_it_is_shown(open_file):
    page = open_file(query="?lang=en")
    page.locator(".tap").click()
    assert EVIL in put(page, "what does honey cost")
    put(page, EVIL)
    page.get_by_role("button", name="More").click()
    page.get_by_role("menuitem", name="About this file").click()
    assert page.evaluate("() => [window.hit, document.querySelectorAll('.twin img[src=x], .twin svg[onload]').length]") == [None, 0]
    assert page.locator("h1").inner_text() == f"Ada {EVIL}" and EVIL in page.locator(".names p").inner_text()
    assert not page.faults


def test_it_says_what_it_cannot_and_offers_what_it_can(open_file):
    page = open_file(query="?lang=en")
    page.locator(".tap").click()
    put(page, "what is the capital of mongolia")
    assert "isn't in this file" in page.locator(".near p").inner_text()
    page.locator(".near button").first.click()
    page.wait_for_function("() => document.querySelectorAll('.messages .me').length === 2 && document.querySelector('.near').hidden")
    assert put(page, "what is the capital of mongolia")  # and again, in other words


def test_a_word_more_cuts_in(open_file):
    page = open_file(query="?lang=en")
    page.locator(".tap").click()
    page.wait_for_function("() => twin.player.playing")
    put(page, "do you keep bees")
    page.wait_for_function("() => twin.player.playing && twin.player.turn === 2")
    page.keyboard.press("Escape")
    assert not page.evaluate("() => twin.player.playing")
    page.wait_for_function("() => document.querySelectorAll('.messages .her')[1].querySelector('.cut, .text')")


def test_both_containers_hold_the_same_sound(mind):
    """Browsers without Ogg get Apple's container; FFmpeg reads both here."""
    import av
    import numpy as np
    both = mind.evaluate("() => { const line = twin.says.en.find((row) => row[1] >= 0)[1], { sizes, opus } = twin.soundOf(line); "
                         "return ['ogg', 'caf'].map((name) => [...twin.containers[name](sizes, opus)]); }")
    heard = []
    for data in both:
        with av.open(io.BytesIO(bytes(data))) as file:
            heard.append(np.concatenate([frame.to_ndarray().reshape(-1) for frame in file.decode(audio=0)]))
    n = min(map(len, heard))
    assert n > 20_000 and np.abs(heard[0][:n]).max() > 0.05
    assert max(np.corrcoef(heard[0][shift:n - 700 + shift], heard[1][:n - 700])[0, 1] for shift in (0, 312)) > 0.99 or \
        max(np.corrcoef(heard[1][shift:n - 700 + shift], heard[0][:n - 700])[0, 1] for shift in (0, 312)) > 0.99


def test_what_it_has_no_answer_to_is_asked_of_its_server_and_of_itself_where_that_is_gone(made, open_file, tmp_path):
    from place import Place

    from twin.users import Users
    from twin.wire.door import Door
    from twin.wire.limits import Limits
    text = made.file.read_text(encoding="utf-8")
    data, face = (json.loads(re.search(rf'id="twin-{part}">(.*?)</script>', text)[1]) for part in ("data", "face"))
    sounds = re.search(r'id="twin-sound">(.*?)</script>', text, re.DOTALL)[1].split("\n")
    with Place(tmp_path, door=Door(Users(), Limits(0), ("null",))) as place:
        file = tmp_path / "asks.html"
        file.write_bytes(alone._page(made.twin, data | {"endpoint": alone._endpoint(place.url[:-1])}, face, sounds, ("en", "zh")))
        page = open_file(file, "?lang=en", offline=False)
        assert f"127.0.0.1:{place.port}" in page.locator(".hello").inner_text()
        page.locator(".tap").click()
        assert put(page, "do you keep bees").startswith("Eleven") and not place.made       # its own answers are its own
        put(page, "what is the capital of mongolia")
        page.wait_for_function("() => document.querySelector('.messages .her:last-child .text').innerText.includes('Hello there, my friend')")
        page.wait_for_function("() => twin.player.playing && twin.player.turn === 3 && twin.player.energy() > 0.01")
        assert "asked at" in page.locator(".messages .her .how").last.inner_text()
        page.keyboard.press("Escape")
        assert not [fault for fault in page.faults if f":{place.port}/" not in fault]
    put(page, "what is the capital of peru")
    page.wait_for_function("() => document.querySelector('.near') && !document.querySelector('.near').hidden", timeout=60_000)
    assert "cannot be reached" in page.locator(".notices").inner_text()
