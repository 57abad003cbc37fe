"""Inventing a face in a real browser: from a wish in words to a twin that answers, without a photo and without anybody's consent."""
from __future__ import annotations

import contextlib
import json
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

page_tests = pytest.importorskip("test_page", reason="Playwright is not installed (pip install playwright)")
from place import watched  # noqa: E402
from test_page import ANSWER, CALM, CHROMIUM, COARSE, FLAGS, LOUD, ask, expect, playwright_api, quiet, served, spoken  # noqa: E402
from test_wizard import SAID, begin, build, on  # noqa: E402

pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="no Chromium here (apt-get install chromium); the panel was not tried in a browser")
WISH = "a woman of sixty with silver curls and a kind smile, no glasses, dressed as a wizard"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("invent")


@pytest.fixture(scope="module")
def address(folder: Path) -> Iterator[str]:
    with served(folder) as url:
        yield url


@pytest.fixture(scope="module")
def browser() -> Iterator[object]:
    expect.set_options(timeout=ANSWER * 1000)
    with playwright_api.sync_playwright() as play:
        browser = play.chromium.launch(executable_path=CHROMIUM, args=[*FLAGS, LOUD])
        yield browser
        browser.close()


@pytest.fixture
def visit(address: str, browser: object) -> Iterator[Callable[..., object]]:
    contexts, faults = [], []

    def opened(query: str, **options: object) -> object:
        context = browser.new_context(**({"viewport": {"width": 1000, "height": 640}, "locale": "en-GB"} | COARSE | options))   # type: ignore[attr-defined]
        context.set_default_timeout(ANSWER * 1000)
        context.add_init_script(CALM)
        contexts.append(context)
        page = watched(context, address, faults, fine="status of 4")
        page.on("request", lambda asked: faults.append(f"went to Gradio: {asked.url}") if "gradio_api/upload" in asked.url else None)
        page.goto(address + query)
        page.wait_for_function("() => window.twin?.live.state === 'open' && document.querySelector('.picker .make')")
        return page

    yield opened
    for context in contexts:
        context.close()
    assert not faults, "\n".join(faults)


def four(page) -> list[str]:
    """The faces, once they are all there."""
    page.wait_for_function("() => document.querySelector('.invent-faces').ariaBusy === 'false' && document.querySelectorAll('.invent-face img').length === 4")
    return page.evaluate("() => [...document.querySelectorAll('.invent-face img')].map(one => one.src)")


def large(page) -> str:
    return page.locator(".create-lent").get_attribute("src")


def test_from_a_wish_to_a_twin_that_answers(visit, folder: Path) -> None:
    page = visit("?lang=en")
    begin(page)
    page.get_by_role("button", name="Invent a face").click()
    faces, forward = page.get_by_role("radiogroup", name="Invented faces"), page.locator("#twin-step-face .create-foot .strong")
    page.evaluate("""() => { window.seen = new Set(); const look = () => seen.add(document.querySelectorAll('.invent-face img').length);
        new MutationObserver(look).observe(document.querySelector('.invent-faces'), {childList: true, subtree: true}) }""")
    before = four(page)
    assert len(set(before)) == 4 and all(one.startswith("data:image/webp;base64,") for one in before), "nothing of a face lies under an address"
    page.fill("#invent-wish", "draw me Marilyn Monroe")
    page.keyboard.press("Enter")
    expect(page.locator(".invent .beside")).to_contain_text("real person")
    assert four(page) == before, "what is refused changes nothing"

    page.evaluate("() => seen.clear()")
    page.fill("#invent-wish", WISH)
    page.keyboard.press("Enter")
    expect(page.locator(".chip").first).to_be_visible()
    assert [chip.replace("\n", " ") for chip in page.locator(".chip").all_inner_texts()][:3] == ["Who woman", "Age 60", "Hair short curls"]
    expect(page.locator(".wish-left")).to_contain_text("wizard")
    expect(page.locator(".invent .beside")).to_be_hidden()
    expect(page.locator("#invent-gender")).to_have_value("woman")
    wished = four(page)
    assert not set(wished) & set(before) and page.evaluate("() => [1, 2, 3, 4].every(n => seen.has(n))"), "they came one by one"
    assert large(page) == wished[0] and faces.locator("[aria-checked=true]").count() == 1
    assert "woman" in faces.get_by_role("radio").first.get_attribute("aria-label")

    faces.get_by_role("radio").first.focus()
    page.keyboard.press("ArrowRight")
    assert large(page) == wished[1] and faces.locator("[aria-checked=true]").count() == 1
    page.get_by_role("button", name="More like this").click()
    more = four(page)
    assert not set(more) & set(wished)
    page.get_by_role("button", name="The faces before").click()
    assert four(page) == wished and large(page) == wished[1]

    page.get_by_role("button", name="Between two").click()
    faces.get_by_role("radio").nth(3).click()
    slider = page.get_by_role("slider", name="From the one to the other")
    page.wait_for_function("known => !known.includes(document.querySelector('.create-lent').src)", arg=wished)
    half = large(page)
    slider.focus()
    for _ in range(20):
        page.keyboard.press("ArrowRight")
    page.wait_for_function("half => document.querySelector('.create-lent').src !== half", arg=half)
    page.get_by_role("button", name="Done with two").click()
    assert large(page) == wished[1]

    page.get_by_role("button", name="Remove Hair: short curls").click()
    expect(page.locator(".chip", has_text="short curls")).to_have_count(0)
    page.wait_for_function("known => ![...document.querySelectorAll('.invent-face img')].some(one => known.includes(one.src))", arg=wished)
    page.fill("#invent-seed", "77")
    page.keyboard.press("Enter")
    page.wait_for_function("() => document.querySelector('.invent-faces').ariaBusy === 'true'")
    page.select_option("#invent-hair", "bob")             # a newer wish does not wait for the older one
    four(page)
    expect(page.locator(".chip", has_text="bob")).to_have_count(1)
    expect(forward).to_have_text("Use this face")
    forward.click()
    expect(page.locator("#twin-step-face .remarks li").first).to_be_visible()
    expect(page.locator("#twin-step-face .invented-note")).to_contain_text("nobody's")
    expect(forward).to_have_text("Continue")

    on(page, "face", "voice")
    expect(page.locator(".voices [aria-checked=true]")).to_have_text("Birch")
    expect(page.locator(".ready .invented-note")).to_contain_text("suit")
    on(page, "voice", "character")
    expect(page.locator("#create-f-age")).to_have_value("60")
    page.fill("#create-f-name", "Mina")
    page.fill("#create-f-description", "Mina repairs clocks.")
    page.locator("[data-field=examples] .asked").first.fill("Is it cold in space?")
    page.locator("[data-field=examples] .said").first.fill("Cold outside, cosy inside, like a good tent.")
    on(page, "character", "consent")
    expect(page.locator("#twin-step-consent .form-note.invented")).to_contain_text("nobody's consent is needed")
    expect(page.locator("#create-agree")).to_be_hidden()
    on(page, "consent", "build")
    expect(page.locator("#twin-step-build .summary")).to_contain_text("no consent needed")
    build(page)
    page.wait_for_function("() => document.querySelector('.names h1').textContent === 'Mina' && twin.stage.element.dataset.ready === 'moving'")
    quiet(page)
    assert "tent" in ask(page, "Is it cold in space?")
    record = json.loads(next((folder / "data" / "twins").glob("*/*/consent.json")).read_text())
    assert record["relation"] == "nobody" and record["invented"]["engine"] == "illustrated"


@pytest.mark.parametrize("width", [360, 1280])
def test_it_fits_and_speaks_chinese(visit, width: int) -> None:
    small = width < 500
    page = visit("?lang=zh", viewport={"width": width, "height": 740}, has_touch=small, is_mobile=small, device_scale_factor=1)
    begin(page)
    page.get_by_role("button", name="虚构一张脸").click()
    four(page)
    page.fill("#invent-wish", "一个小女孩")
    page.keyboard.press("Enter")
    expect(page.locator(".invent .beside")).to_contain_text("成年人")
    page.fill("#invent-wish", "戴圆框眼镜的短发姑娘")
    page.keyboard.press("Enter")
    expect(page.locator(".chip", has_text="圆框")).to_be_visible()
    four(page)
    for summary in page.locator(".invent-group summary").all():
        summary.click()
    with contextlib.suppress(AssertionError):
        page.locator(".invent-group[open]").first.scroll_into_view_if_needed()
    assert page.evaluate("() => document.documentElement.scrollWidth") <= width
    wide = page.evaluate("""() => [...document.querySelectorAll('#twin-step-face .create-panel *')].filter(e => e.getBoundingClientRect().right > innerWidth + 1
        && getComputedStyle(e).position !== 'absolute' && !e.classList.contains('unseen')).map(e => e.className)""")
    assert not wide, wide
    nameless = page.evaluate("""() => [...document.querySelectorAll('#twin-step-face :is(button, input, select)')]
        .filter(e => e.type !== 'file' && !(e.getAttribute('aria-label') || e.textContent.trim() || e.title || e.labels?.length)).map(e => e.outerHTML.slice(0, 90))""")
    assert not nameless, nameless
    english = page.evaluate("""() => [...document.querySelectorAll('.invent :is(label, summary, output, option, .chip, .small, button span), .create-panel h2')]
        .map(e => e.textContent.trim()).filter(text => /[a-z]{3}/i.test(text) && !/^GAN|^VAE|Hub/.test(text))""")
    assert not english, english
    page.locator(".create .lang").click()
    chinese = page.evaluate("""() => [...document.querySelectorAll('.invent, #twin-step-face header')].map(e => e.innerText).join(' ').match(/[\\u4e00-\\u9fff]+/g)""")
    assert not chinese, chinese
    page.get_by_role("button", name="Back").first.click()
    expect(page.locator("#twin-step-face .sources")).to_be_visible()
    expect(page.locator(".create-lent")).to_be_hidden()


def test_a_recorded_voice_is_asked_for_alone_and_a_photo_ends_what_was_invented(visit, tmp_path: Path) -> None:
    page = visit("?lang=en")
    begin(page)
    page.get_by_role("button", name="Invent a face").click()
    page.wait_for_function("() => document.querySelectorAll('.invent-face img').length > 0")
    page.locator("#twin-step-face .create-foot .strong").click()          # before the others are there
    expect(page.locator("#twin-step-face .remarks li").first).to_be_visible()
    on(page, "face", "voice")
    page.locator("input[name=create-way][value=file]").check(force=True)
    page.locator(".from-file input[type=file]").set_input_files(spoken(tmp_path / "said.wav", SAID))
    page.locator(".from-file .strong").click()
    expect(page.locator(".clips > li")).to_have_count(1)
    on(page, "voice", "character")
    page.fill("#create-f-name", "Mina")
    on(page, "character", "consent")
    step = page.locator("#twin-step-consent")
    expect(step.locator(".form-note.invented")).to_contain_text("The voice is somebody's")
    expect(step.locator("legend").first).to_have_text("Whose voice is this?")
    expect(step.locator("blockquote")).to_contain_text("I am the person in these recordings")
    expect(step.locator(".create-foot .strong")).to_be_disabled()
    assert step.locator(".proof-row:visible").count() == 1, "the face has nobody to compare it with"

    from PIL import Image
    Image.new("RGB", (400, 400), (90, 120, 150)).save(tmp_path / "plain.png")
    page.locator("#twin-step-face-button").click()
    page.locator("#twin-step-face input[type=file]").first.set_input_files(tmp_path / "plain.png")
    page.wait_for_function("() => document.querySelector('.create-mark')?.offsetParent")
    told = page.evaluate("() => fetch('draft', {headers: {'X-Twin-Token': localStorage['twin.token']}}).then(a => a.json()).then(a => a.draft)")
    assert told["invented"] is None and "age" not in told["persona"] and "consent" in told["missing"]
