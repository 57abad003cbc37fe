"""Models: what this machine can carry, fetching from a hub on this machine, switching over while twins talk, and who may."""
from __future__ import annotations

import asyncio
import json
import secrets
import threading
import time
from contextlib import aclosing
from pathlib import Path
from types import SimpleNamespace

import httpx
import pytest
from place import Place
from test_server import process, url  # noqa: F401
from test_think import saved

from twin import catalogue, devices, fetch, settings
from twin.catalogue import CATALOGUE, carries, model
from twin.devices import GIB, Hardware
from twin.errors import Missing, Refused, TwinError
from twin.registry import Engine, Registry, Worker, row
from twin.settings import Settings
from twin.wire.door import Door
from twin.wire.limits import Limits

SMALL = "HuggingFaceTB/SmolLM2-360M-Instruct"
ADA = secrets.token_hex(32)


@pytest.fixture(scope="module")
def tiny(tmp_path_factory) -> dict[str, bytes]:
    """The files of a tiny chat model, as they lie on the hub, with what else lies there."""
    folder = saved(tmp_path_factory.mktemp("tiny"), "Qwen3")
    return {path.name: path.read_bytes() for path in folder.iterdir()} | {"pytorch_model.bin": b"pickle" * 50, "modeling.py": b"raise", "onnx/model.onnx": b"x",
                                                                         "original/model.safetensors": b"y", "README.md": b"# hi"}


@pytest.fixture
def hub(hub, tiny):
    hub.models[SMALL] = dict(tiny)
    return hub


def until(true, seconds: float = 20.0):
    end = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < end
        time.sleep(0.02)


# the catalogue -------------------------------------------------------------------------------------------------------------------------

def machine(free: float, gpus=()) -> Hardware:
    return Hardware("", "", 4, int(64 * GIB), int(free * GIB), 100 * GIB, gpus, "")


def test_every_row_can_be_loaded_by_a_backend_of_ours():
    for one in CATALOGUE:
        assert row(one.task, one.backend) and one.en and one.zh and one.licence and 20 < one.size < 20_000
        assert one.repo.count("/") == 1 and (one.file == "") == (one.backend != "llamacpp")
    assert len({one.id for one in CATALOGUE}) == len(CATALOGUE)


def test_what_a_machine_carries():
    small, large = model("Qwen/Qwen3-0.6B"), model("Qwen/Qwen3-4B-Instruct-2507")
    assert carries(small, machine(8)) == "fits" and carries(large, machine(8)) == "large"
    assert carries(large, machine(32)) == "slow" and carries(large, machine(4, ("GPU",)), gpu=16 * GIB) == "fits"
    assert carries(small, machine(1)) == "large" and carries(model("openai/whisper-base"), machine(4)) == "fits"
    assert carries(model("openai/whisper-small"), machine(4)) == "slow"


# fetching ------------------------------------------------------------------------------------------------------------------------------

def test_only_weights_settings_and_words_are_fetched(hub, tiny):
    found = fetch.Fetches()
    found.begin(model(SMALL))
    until(lambda: found.state.phase in ("done", "failed"))
    assert found.state.phase == "done", found.state.error
    here = fetch.at_hand(model(SMALL))
    names = {path.name for path in here.iterdir()}
    assert {"model.safetensors", "config.json", "tokenizer.json", "tokenizer_config.json"} <= names
    assert not names & {"pytorch_model.bin", "modeling.py", "onnx", "original", "README.md", ".revision"}
    assert (here / "model.safetensors").read_bytes() == tiny["model.safetensors"]
    with pytest.raises(Refused):
        found.begin(model(SMALL))
    assert found.drop(model(SMALL)) > len(tiny["model.safetensors"]) and fetch.at_hand(model(SMALL)) is None


def test_it_pauses_goes_on_where_it_stopped_and_survives_broken_lines(hub, monkeypatch):
    data = hub.models[SMALL]["model.safetensors"] = secrets.token_bytes(3 << 20)
    hub.pace = 0.05
    found = fetch.Fetches()
    found.begin(model(SMALL))
    until(lambda: found.state.done > 600_000)
    with pytest.raises(Refused) as busy:
        found.begin(model("openai/whisper-tiny"))
    assert busy.value.code == "busy"
    found.pause()
    until(lambda: not found.running)
    part = fetch.begun(model(SMALL))
    assert found.state.phase == "paused" and 600_000 <= part < len(data) and fetch.at_hand(model(SMALL)) is None
    hub.pace, hub.cut = 0.0, 1 << 20
    again = fetch.Fetches()                              # after a restart
    again.begin(model(SMALL))
    until(lambda: again.state.phase in ("done", "failed"))
    assert again.state.phase == "done", again.state.error
    assert (fetch.at_hand(model(SMALL)) / "model.safetensors").read_bytes() == data
    assert again.state.done == again.state.total
    resumed = [int(asked[6:-1]) for asked in hub.ranges if asked != "bytes=0-"]
    assert len(resumed) == 2 and 0 < resumed[0] <= part and resumed[1] >= resumed[0] + (1 << 19)


def test_what_arrives_damaged_is_not_kept(hub, monkeypatch):
    wanted = fetch.wanted
    monkeypatch.setattr(fetch, "wanted", lambda files, one="": [fetch.File(f.name, f.size, "0" * 64 if f.sha256 else "") for f in wanted(files, one)])
    state = fetch.State(SMALL)
    with pytest.raises(Missing) as error:
        fetch.fetch(model(SMALL), state, threading.Event())
    assert error.value.code == "damaged" and error.value.zh and fetch.at_hand(model(SMALL)) is None


def test_a_full_disk_a_gated_model_and_one_without_safetensors(hub, monkeypatch):
    def tried(name: str = SMALL) -> str:
        with pytest.raises(TwinError) as error:
            fetch.fetch(model(name), fetch.State(name), threading.Event())
        assert error.value.hint and error.value.zh
        return error.value.code
    assert tried("openai/whisper-tiny") == "gone"
    hub.gated.add(SMALL)
    assert tried() == "terms"
    hub.gated.clear()
    usage = fetch.shutil.disk_usage
    monkeypatch.setattr(fetch.shutil, "disk_usage", lambda path: SimpleNamespace(free=fetch.SPARE + 1000, total=usage(path).total))
    assert tried() == "disk"
    hub.models[SMALL].pop("model.safetensors")
    assert tried() == "no-weights"


def test_without_a_hub_it_says_so_at_once(hub, monkeypatch):
    monkeypatch.setenv("HF_ENDPOINT", "http://127.0.0.1:9")
    began = time.monotonic()
    with pytest.raises(Missing) as error:
        fetch.fetch(model(SMALL), fetch.State(SMALL), threading.Event())
    assert error.value.code == "offline" and "127.0.0.1" in error.value.message and time.monotonic() - began < 5
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    monkeypatch.setattr(devices, "_silent", [])
    assert not fetch.reachable()
    with pytest.raises(Missing, match="HF_HUB_OFFLINE"):
        fetch.fetch(model(SMALL), fetch.State(SMALL), threading.Event())


def test_a_single_gguf_beside_another_of_its_repository(hub):
    one = catalogue.Model("think", "ada/two-GGUF/a.gguf", "A", "llamacpp", 1, 1, "MIT")
    hub.models["ada/two-GGUF"] = {"a.gguf": b"GGUF" + b"a" * 5000, "b.gguf": b"GGUF" + b"b" * 9000}
    path = fetch.fetch(one, fetch.State(one.id), threading.Event())
    assert path.name == "a.gguf" and path == fetch.at_hand(one) and [p.name for p in path.parent.iterdir()] == ["a.gguf"]


# switching -----------------------------------------------------------------------------------------------------------------------------

@pytest.fixture
def folders(tmp_path) -> tuple[Path, Path]:
    made = []
    for kind in ("Qwen3", "Llama"):
        (tmp_path / kind).mkdir()
        made.append(saved(tmp_path / kind, kind))
    return tuple(made)


@pytest.fixture
def registry(tmp_path, folders):
    made = Registry(Settings(data=str(tmp_path / "data"), cache=str(tmp_path / "cache"), think=str(folders[0])))
    yield made
    made.close()


ASK = [{"role": "user", "content": "What do you sell?"}]


async def said(worker: Worker, n: int = 24) -> str:
    async with aclosing(worker.stream(ASK, max_tokens=n, temperature=0.0)) as bits:
        return "".join([bit async for bit in bits])


async def test_a_reply_in_the_making_ends_on_the_old_model_and_the_next_is_the_new_ones(registry, folders):
    from twin.think.local import LocalThinker
    alone = ["".join(LocalThinker(folder).think(ASK, max_tokens=24, temperature=0.0)) for folder in folders]
    assert alone[0] != alone[1]
    crew = registry.crew()
    old = crew.think
    stream = crew.think.stream(ASK, max_tokens=24, temperature=0.0)
    bits = [await anext(stream) for _ in range(4)]
    speed = await registry.switch("think", str(folders[1]))
    assert crew.think is not old and registry.engines["think"].label == folders[1].name and crew.capable
    assert await said(crew.think) == alone[1]
    assert await said(old) == alone[1]                   # who still holds the old worker is served by the new one
    assert old._backend is not None
    bits += [bit async for bit in stream]
    assert "".join(bits) == alone[0]
    for _ in range(200):
        if not registry._leaving:
            break
        await asyncio.sleep(0.05)
    assert old._backend is None and not registry._leaving          # released
    kept = json.loads((Path(registry.settings.data) / settings.CHOICE).read_text())
    assert kept["choice"] == {"think": str(folders[1])} and kept["speed"].get(str(folders[1]), speed) == speed


async def test_what_does_not_load_leaves_all_as_it_was(registry, folders, tmp_path):
    before, crew = registry.engines["think"], registry.crew()
    worker = crew.think
    broken = tmp_path / "broken"
    broken.mkdir()
    (broken / "config.json").write_text("{}")
    (tmp_path / "no.gguf").write_bytes(b"not a model")
    for name in (str(broken), str(tmp_path / "no.gguf"), "nobody/nothing", SMALL, "http://user:pass@x/v1", "server", "http://127.0.0.1:9/v1#m"):
        with pytest.raises(TwinError) as error:
            await registry.switch("think", name)
        assert error.value.message and error.value.hint
    with pytest.raises(TwinError):
        await registry.switch("speak", "espeak")
    assert registry.engines["think"] is before and crew.think is worker and await said(worker)
    assert not (Path(registry.settings.data) / settings.CHOICE).exists()


async def test_too_large_is_refused_before_it_is_read(registry, folders, monkeypatch):
    from twin import registry as room
    monkeypatch.setattr(room, "hardware", lambda: machine(0.00001))
    with pytest.raises(Refused) as error:
        await registry.switch("think", str(folders[1]))
    assert error.value.code == "too-large" and error.value.zh


def test_the_choice_is_read_at_start_below_argv_and_environment(tmp_path, folders, monkeypatch):
    data = tmp_path / "data"
    data.mkdir()
    (data / settings.CHOICE).write_text(json.dumps({"choice": {"think": str(folders[1]), "listen": 7}}))
    monkeypatch.setenv("TWIN_DATA", str(data))
    monkeypatch.delenv("TWIN_THINK", raising=False)
    toml = tmp_path / "twin.toml"
    toml.write_text("think = 'smollm2'\n")

    def chosen(argv=()) -> Engine:
        made = Registry(settings.load(list(argv), toml))
        made.close()
        return made.engines["think"]
    assert chosen().model == str(folders[1])
    assert chosen(["--think", "smollm2"]).backend.name == "smollm2"
    monkeypatch.setenv("TWIN_THINK", "smollm2")
    assert chosen().backend.name == "smollm2"
    monkeypatch.delenv("TWIN_THINK")
    (data / settings.CHOICE).write_text(json.dumps({"choice": {"think": SMALL}}))         # removed meanwhile: never fetched at start
    assert chosen().backend.name == "smollm2"
    (data / settings.CHOICE).write_text("{")
    assert chosen().backend.name == "smollm2"


async def test_a_choice_that_does_not_load_at_start_gives_way_to_the_settings(tmp_path, folders):
    broken = tmp_path / "broken"
    broken.mkdir()
    (broken / "config.json").write_text("{}")
    data = tmp_path / "data"
    data.mkdir()
    (data / settings.CHOICE).write_text(json.dumps({"choice": {"think": str(broken)}}))
    made = Registry(Settings(data=str(data), cache=str(tmp_path / "cache"), think=str(folders[0]), ordered=frozenset()))
    assert made.engines["think"].picked
    try:
        assert await made._back("think") and made.engines["think"].model == str(folders[0]) and await said(made.crew().think)
    finally:
        made.close()


async def test_whisper_is_switched_to_while_it_runs(tmp_path, registry):
    pytest.importorskip("transformers")
    from test_listen import tiny_whisper
    folder = tiny_whisper(tmp_path / "whisper")
    speed = await registry.switch("listen", str(folder))
    assert speed["hears"] > 0 and registry.engines["listen"].backend.name == "transformers"


def test_a_gguf_needs_its_package(tmp_path):
    from twin.think.llamacpp import LlamaThinker
    try:
        import llama_cpp  # noqa: F401
        pytest.skip("llama-cpp-python is installed; the message for its absence cannot be seen")
    except ImportError:
        pass
    (tmp_path / "a.gguf").write_bytes(b"GGUF" + bytes(100))
    with pytest.raises(Missing) as error:
        LlamaThinker(tmp_path / "a.gguf")
    assert "pip install llama-cpp-python" in error.value.hint


def test_a_gguf_through_llama_cpp():
    pytest.importorskip("llama_cpp", reason="llama-cpp-python is optional: it compiles for some minutes")
    from twin.think import smollm2
    from twin.think.llamacpp import LlamaThinker
    mind = LlamaThinker(smollm2.find(), threads=1)
    one, two = mind.think(ASK, max_tokens=12, temperature=0.0), mind.think([{"role": "user", "content": "Where?"}], max_tokens=12, temperature=0.0)
    whole = "".join(mind.think(ASK, max_tokens=12, temperature=0.0))
    turns = [bit for pair in zip(one, two) for bit in pair]
    assert whole and turns
    mind.close()


# who may -------------------------------------------------------------------------------------------------------------------------------

def test_at_home_models_are_shown_fetched_and_used(hub, registry, tmp_path):
    with Place(tmp_path / "place", registry=registry) as place, httpx.Client(base_url=place.url, headers={"X-Twin-Token": ADA}, timeout=60, trust_env=False) as ada:
        told = ada.get("models").json()
        assert told["may"] and set(told["tasks"]) == {"listen", "think", "speak", "paint", "animate"}
        rows = {one["id"]: one for one in told["tasks"]["think"]["rows"]}
        assert rows[SMALL]["state"] == "hub" and rows[SMALL]["verdict"] and rows["smollm2"]["state"] in ("here", "missing")
        assert rows["Qwen/Qwen2.5-3B-Instruct"]["commercial"] is False
        assert ada.get("models/hub").json() == {"reachable": True}
        assert ada.post("models/fetch", json={"model": "Qwen/Qwen2.5-3B-Instruct"}).json()["error"]["code"] == "licence"
        assert ada.post("models/fetch", json={"model": "../../etc"}).status_code == 404
        assert ada.post("models/use", json={"task": "think", "model": SMALL}).json()["error"]["code"] == "not-here"
        assert ada.post("models/fetch", json={"model": SMALL}).json()["fetch"]["model"] == SMALL
        until(lambda: ada.get("models/fetch").json()["fetch"]["phase"] == "done")
        used = ada.post("models/use", json={"task": "think", "model": SMALL}).json()
        assert used["tasks"]["think"]["now"]["name"] == "SmolLM2 360M" and not registry.crew().capable
        assert ada.post("models/drop", json={"model": SMALL}).json()["error"]["code"] == "in-use"
        zh = ada.post("models/use", json={"task": "think", "model": "nobody/nothing"}, headers={"X-Twin-Language": "zh"}).json()["error"]
        assert "本机没有" in zh["message"]
        assert ada.post("models/use", json={"task": "speak", "model": "espeak"}).status_code == 422


def test_a_server_is_tried(registry, tmp_path, url):  # noqa: F811
    address = url + "/v1"
    with Place(tmp_path / "place", registry=registry) as place, \
            httpx.Client(base_url=place.url, headers={"X-Twin-Token": ADA}, timeout=60, trust_env=False) as ada:
        assert ada.post("models/try", json={"address": address}).json()["models"] == ["plain", "other"]
        used = ada.post("models/use", json={"task": "think", "model": address + "#other"}).json()
        assert used["tasks"]["think"]["now"]["name"] == "other"
        assert ada.post("models/try", json={"address": "http://127.0.0.1:9/v1"}).status_code == 404
        assert ada.post("models/try", json={"address": "file:///etc/passwd"}).status_code == 422


@pytest.mark.parametrize("how", ["shared", "proxy", "another name", "nobody"])
def test_elsewhere_nobody_fetches_or_switches(hub, registry, tmp_path, how):
    headers = {"X-Twin-Token": ADA} | ({"X-Forwarded-For": "1.2.3.4"} if how == "proxy" else {"Host": "evil.example"} if how == "another name" else {})
    if how == "nobody":
        headers.pop("X-Twin-Token")
    with Place(tmp_path / "place", registry=registry, home=how != "shared", door=Door(limits=Limits(0))) as place, \
            httpx.Client(base_url=place.url, headers=headers, timeout=60, trust_env=False) as eve:
        told = eve.get("models")
        if how != "nobody":
            assert told.json()["may"] is False and not any(task["rows"] for task in told.json()["tasks"].values())
            assert str(tmp_path) not in told.text and "machine" not in told.json()
        for method, path, body in (("POST", "models/fetch", {"model": SMALL}), ("POST", "models/use", {"task": "think", "model": "smollm2"}), ("GET", "models/hub", None),
                                   ("POST", "models/pause", {}), ("POST", "models/drop", {"model": SMALL}), ("POST", "models/try", {"address": hub.url}), ("GET", "models/fetch", None)):
            answer = eve.request(method, path, json=body)
            assert answer.status_code in (401, 403), (path, answer.text)
    assert not [path for _, path in hub.asked if "models" in path]


def test_how_often_is_bounded(registry, tmp_path):
    with Place(tmp_path / "place", registry=registry, door=Door(limits=Limits())) as place, \
            httpx.Client(base_url=place.url, headers={"X-Twin-Token": ADA}, timeout=60, trust_env=False) as ada:
        codes = [ada.post("models/use", json={"task": "think", "model": "nobody/nothing"}).status_code for _ in range(12)]
    assert codes[0] == 404 and codes[-1] == 429


async def test_a_conversation_goes_on_with_the_new_model(registry, folders):
    from conftest import Lips, Mind, Tone, hear_all

    from twin.conversation import Conversation
    from twin.think.local import LocalThinker
    from twin.types import Ended, Mood, Token, Voice
    crew, events = registry.crew(), []
    crew.speak, crew.animate = Worker("speak", lambda: Tone(pieces=1)), Worker("animate", Lips)
    crew.sampling = {"max_tokens": 24, "temperature": 0.0}
    talk = Conversation(SimpleNamespace(id="test", voice=Voice()), crew, Mind(), lambda name: Mood(name), events.append)
    for folder in folders:
        alone = "".join(LocalThinker(folder).think([{"role": "user", "content": "?"}], max_tokens=24, temperature=0.0))
        if folder != folders[0]:
            await registry.switch("think", str(folder))
        turn = await talk.ask("What do you sell?")
        await hear_all(talk, turn)
        assert events[-1].reason == "done" and isinstance(events[-1], Ended)
        assert "".join("".join(e.text for e in events if isinstance(e, Token) and e.turn == turn.id).split()) == "".join(alone.split())
    crew.speak.close()
    crew.animate.close()
