"""The Studio over HTTP, with real processes and tiny sizes: a set is painted, a network trained, stopped, killed, gone on with, exported and used; and every way
in which it can go wrong ends in a plain sentence."""
from __future__ import annotations

import io
import json
import os
import secrets
import shutil
import signal
import sys
import time
import zipfile
from pathlib import Path

import httpx
import numpy as np
import psutil
import pytest
from conftest import ROOT, Tone
from PIL import Image
from place import Place

from twin.create import inventing
from twin.errors import Missing, Refused, TwinError
from twin.paint import engines, invent
from twin.studio import places, plain, process, runs, sets, shelf
from twin.wire.door import Door
from twin.wire.limits import Limits

ADA = secrets.token_hex(32)
pytestmark = pytest.mark.usefixtures("one_thread")


@pytest.fixture(scope="module")
def cache(tmp_path_factory) -> Path:
    """A storage of its own, with a set of painted people in it, made once for all."""
    from twin.train import painted
    folder = tmp_path_factory.mktemp("cache")
    painted.make(folder / "sets/painted", 40, 32)
    return folder


@pytest.fixture
def storage(cache, tmp_path, monkeypatch) -> Path:
    monkeypatch.setenv("TWIN_STUDIO", str(tmp_path / "studio"))
    shutil.copytree(cache, tmp_path / "studio")
    shelf.forget()
    yield tmp_path / "studio"
    for kind in ("runs", "jobs"):
        for name in places.names(kind):
            process.halt(places.folder(kind, name))
    shelf.forget()


@pytest.fixture
def place(storage, tmp_path):
    with Place(tmp_path / "data", speak=Tone(pieces=1)) as served:
        yield served


@pytest.fixture
def ada(place):
    with httpx.Client(base_url=place.url, headers={"X-Twin-Token": ADA}, timeout=60, trust_env=False) as client:
        yield client


def until(true, seconds: float = 150.0):
    end = time.monotonic() + seconds
    while not (found := true()):
        assert time.monotonic() < end, "it took too long"
        time.sleep(0.1)
    return found


def stands(client, name: str, *states: str, seconds: float = 150.0) -> dict:
    """The run, once it is in one of these states."""
    def look():
        told = client.get(f"/studio/runs/{name}").json()["run"]
        return told if told["state"] in states else None
    return until(look, seconds)


def begun(client, **asked) -> str:
    got = client.post("/studio/runs", json={"set": "painted", "family": "vae", "size": "tiny", "px": 32, "hours": 0.2, **asked})
    assert got.status_code == 200, got.text
    return got.json()["name"]


def refused(got, code: int = 422) -> dict:
    assert got.status_code == code, got.text
    return got.json()["error"]


# a training, from its beginning to a face ------------------------------------------------------------------------------------------------

def test_train_stop_be_killed_go_on_and_use(ada, storage, place):
    assert ada.get("/studio").json()["runs"] == []
    name = begun(ada, title="Harbour folk")
    assert name == "harbour-folk" and ada.get(f"/studio/runs/{name}").json()["run"]["state"] == "starting"
    second = begun(ada, steps=3)                          # one at a time: it waits
    assert ada.get(f"/studio/runs/{second}").json()["run"]["state"] == "waiting"
    assert refused(ada.post(f"/studio/runs/{name}/go-on", json={}))["code"] == "going" and refused(ada.delete(f"/studio/runs/{name}"))["code"] == "going"
    told = until(lambda: (run := ada.get(f"/studio/runs/{name}").json()["run"])["state"] == "training" and (run["step"] or 0) > 5 and run)
    assert told["title"] == "Harbour folk" and 0 < told["share"] < 1 and told["left"] > 0 and told["pace"] > 0
    assert ada.post(f"/studio/runs/{second}/stop", json={}).status_code == 200, "what waits can be told not to"
    assert ada.get(f"/studio/runs/{second}").json()["run"]["state"] == "stopped"
    ada.post(f"/studio/runs/{name}/stop", json={})
    told = stands(ada, name, "stopped")
    assert told["kept"] == told["step"] and told["sheets"] and told["rows"] and told["command"].startswith("python -m twin.train.vae ")
    until(lambda: not process.running(storage / "runs" / name / "pid"))
    sheet = ada.get(f"/studio/runs/{name}/picture/step-{told['sheets'][-1]:08d}.png")
    assert Image.open(io.BytesIO(sheet.content)).size[0] >= 64 and sheet.headers["cache-control"].startswith("private")
    again = ada.get(f"/studio/runs/{name}?since={int(told['step'])}").json()
    assert again["run"]["rows"] == [] and ada.get(f"/studio/runs/{name}?since={int(told['step'])}&stamp={again['stamp']}").json() == {"same": True}

    ada.post(f"/studio/runs/{name}/go-on", json={})
    at = told["step"]
    until(lambda: (run := ada.get(f"/studio/runs/{name}").json()["run"])["state"] == "training" and (run["step"] or 0) > at)
    os.kill(process.running(storage / "runs" / name / "pid"), signal.SIGKILL)
    told = stands(ada, name, "killed")
    assert "without a word" in told["why"]["en"] and told["why"]["zh"] and told["kept"] == at, "the last checkpoint is whole"

    place.studio.close()
    found = runs.Runs()                                   # another server, later: found again by its files
    assert found.brief(name)["state"] == "killed" and found.brief(second)["state"] == "stopped"
    found.close()

    model = ada.post(f"/studio/runs/{name}/use", json={}).json()["model"]
    until(lambda: ada.get(f"/studio/runs/{name}").json()["run"]["export"]["state"] == "done")
    assert ada.get(f"/studio/runs/{name}").json()["run"]["model"] == model
    shown = next(one for one in ada.get("/studio").json()["made"] if one["name"] == model)
    assert shown["engine"] == f"vae:{model}" and shown["samples"] and shown["title"] == "Harbour folk"
    told = ada.get(f"/studio/models/made/{model}").json()
    assert "Harbour folk" in told["card"] and "CC0" in told["card"] and told["log"]["rows"] and told["about"]["set"]["kind"] == "painted" and "reconstruction" in told["figures"]
    ready = [one for one in ada.get("/draft/invent").json()["engines"] if one["name"] == f"vae:{model}"]
    assert ready and ready[0]["ready"] and "Harbour folk" in ready[0]["label"]["en"]
    lines = [json.loads(line) for line in ada.post("/draft/invent", json={"asked": {}, "seed": 3, "engine": f"vae:{model}", "count": 2}).text.splitlines()]
    assert {line["k"] for line in lines if "face" in line} == {0, 1} and lines[-1]["face"]["picture"].startswith("data:image/webp")
    packed = zipfile.ZipFile(io.BytesIO(ada.get(f"/studio/models/made/{model}/download").content))
    assert {f"{model}/{one}" for one in ("config.json", "model.safetensors", "README.md")} <= set(packed.namelist())
    assert ada.delete(f"/studio/runs/{name}").status_code == 200 and not (storage / "runs" / name).exists() and shelf.made(), "the model stays"
    assert ada.delete(f"/studio/models/made/{model}").status_code == 200 and not shelf.made()
    assert "not on this machine" in ada.post("/draft/invent", json={"asked": {}, "engine": f"vae:{model}"}).text
    assert refused(ada.get(f"/studio/runs/{name}"), 404)["code"] == "gone"


def test_what_waited_begins_when_the_one_before_has_ended(storage):
    own = runs.Runs()
    one, other = (own.begin({"set": "painted", "family": "gan", "size": "tiny", "px": 32, "hours": 1, "steps": steps}) for steps in (2, 3))
    assert own.brief(other)["state"] == "waiting"
    own.close()
    own = runs.Runs()                                     # the server was started again meanwhile
    try:
        until(lambda: own.brief(one)["state"] == "ended")
        assert until(lambda: own.brief(other)["state"] == "ended")
        told = own.told(other)
        assert told["step"] == 3 and {"discriminator", "generator"} <= set(told["columns"])
        own.go_on(other)                                  # an ended one goes on for as long again
        assert until(lambda: own.brief(other)["state"] == "ended" and own.brief(other)["step"] == 6)
    finally:
        own.close()


# pictures --------------------------------------------------------------------------------------------------------------------------------

@pytest.fixture(scope="module")
def photos(tmp_path_factory) -> Path:
    """The default twins' portraits as pictures, one of them grey; noise, a small face, a copy, and a file that is none."""
    folder = tmp_path_factory.mktemp("photos")
    for number, path in enumerate(sorted((ROOT / "assets" / "twins").glob("*/face/portrait.webp"))):
        portrait = Image.open(path).convert("RGBA")
        whole = Image.new("RGBA", portrait.size, (200, 205, 215, 255))
        whole.alpha_composite(portrait)
        whole.convert("L" if number == 1 else "RGB").save(folder / f"{number}.png")
    shutil.copy(folder / "0.png", folder / "copy.png")
    Image.open(folder / "2.png").resize((80, 80)).save(folder / "small.png")
    Image.fromarray(np.random.default_rng(0).integers(0, 255, (200, 200, 3), np.uint8)).save(folder / "noise.png")
    (folder / "broken.jpg").write_bytes(b"\xff\xd8\xff\xe0 this is no picture")
    return folder


def test_a_folder_is_looked_at_before_a_set_is_made_of_it(ada, photos, storage):
    told = ada.get(f"/studio/folders?at={photos.parent}").json()
    assert photos.name in told["folders"] and ada.get(f"/studio/folders?at={photos}").json()["pictures"] == 8
    assert ada.get("/studio/look").json() == {"look": None}
    assert ada.post("/studio/look", json={"folder": str(photos), "size": 128}).status_code == 200
    look = until(lambda: (told := ada.get("/studio/look").json()["look"])["state"] != "running" and told)
    report = look["report"]
    assert look["state"] == "done" and report["of"] == report["looked"] == 8 and report["used"] >= 3 and report["grey"] >= 1
    assert {"copy", "damaged"} <= set(report["refused"]) and {"small", "no-face"} & set(report["refused"])
    assert Image.open(io.BytesIO(ada.get("/studio/look/sheet").content)).width >= 3 * 128
    assert places.names("sets") == ["painted"], "nothing was made of it yet"

    asked = {"kind": "people", "folder": str(photos), "size": 128, "title": "我的照片"}
    assert refused(ada.post("/studio/sets", json=asked))["code"] == "source"
    asked |= {"source": "our own", "licence": "all agreed"}
    assert refused(ada.post("/studio/sets", json=asked))["code"] == "consent"
    assert refused(ada.post("/studio/sets", json=asked | {"agreed": True}))["code"] == "consent"
    name = ada.post("/studio/sets", json=asked | {"agreed": True, "who": "Ada"}, headers={"X-Twin-Language": "zh"}).json()["name"]
    assert refused(ada.post("/studio/sets", json={"kind": "painted", "count": 20, "size": 64}))["code"] == "going"
    told = until(lambda: (told := ada.get(f"/studio/sets/{name}").json()["set"])["state"] != "running" and told)
    assert told["state"] == "done" and told["title"] == "我的照片" and told["count"] == report["used"] and told["signed"] == "Signed: Ada"
    manifest = json.loads((storage / "sets" / name / "manifest.json").read_text())
    assert "欺骗" in manifest["statement"] and manifest["kind"] == "people"
    assert Image.open(io.BytesIO(ada.get(f"/studio/sets/{name}/sheet").content)).width
    assert refused(ada.post("/studio/runs", json={"set": name, "family": "vae", "size": "tiny", "px": 32}))["code"] == "few"
    ada.delete("/studio/look")
    assert not (storage / "jobs/look").exists() and ada.get("/studio/look").json() == {"look": None}
    assert ada.delete(f"/studio/sets/{name}?all=1").status_code == 200 and not (storage / "sets" / name).exists()


def test_a_painted_set_is_stopped_and_gone_on_with(ada, storage):
    name = ada.post("/studio/sets", json={"kind": "painted", "count": 5000, "size": 64, "title": "Many"}).json()["name"]
    before = 0
    for again in (False, True):
        if again:
            assert ada.post(f"/studio/sets/{name}/go-on", json={}).status_code == 200
        until(lambda: ada.get(f"/studio/sets/{name}").json()["set"]["count"] > before + 3)     # noqa: B023
        ada.post(f"/studio/sets/{name}/stop", json={})
        told = until(lambda: (told := ada.get(f"/studio/sets/{name}").json()["set"])["state"] != "running" and told)
        assert told["state"] == "stopped" and before < told["count"] < 5000 and told["total"] == 5000
        before = told["count"]
    assert ada.delete(f"/studio/sets/{name}").status_code == 200 and not (storage / "sets" / name).exists()


@pytest.mark.parametrize("what", ["empty", "one", "no faces", "closed"])
def test_a_folder_that_no_set_can_be_made_of_says_so(what, storage, tmp_path):
    folder = tmp_path / "pictures"
    folder.mkdir()
    if what == "one":
        shutil.copy(next((ROOT / "assets" / "twins").glob("*/face/portrait.webp")), folder / "one.webp")
    if what == "no faces":
        for number in range(3):
            Image.fromarray(np.full((300, 300, 3), 80 * number, np.uint8)).save(folder / f"{number}.png")
    if what == "closed":
        (folder / "inner").mkdir()
        (folder / "inner").chmod(0)
        if os.access(folder / "inner", os.R_OK):
            (folder / "inner").chmod(0o700)
            pytest.skip("whoever runs this may read everything")
    sets.look({"folder": str(folder), "size": 64})
    told = until(lambda: (look := sets.looked())["state"] != "running" and look)
    if what in ("empty", "closed"):
        assert told["state"] == "failed" and {"empty": "no pictures", "closed": "can't be opened"}[what] in told["why"]["en"] and "Traceback" not in told["why"]["en"]
        assert any("\u4e00" <= c <= "\u9fff" for c in told["why"]["zh"])
    else:
        assert told["report"]["of"] == (1 if what == "one" else 3) and told["report"]["used"] <= 1
    if what == "no faces":
        name = sets.begin({"kind": "drawn", "folder": str(folder), "size": 64, "source": "s", "licence": "l"})
        told = until(lambda: (one := sets.told(name))["state"] != "running" and one)
        assert told["state"] == "failed" and "No face could be used" in told["why"]["en"] and told["why"]["zh"] == "没有一张脸可用。"


def test_fifty_thousand_pictures_are_looked_at_in_part(storage, tmp_path):
    """One picture under fifty thousand names, too small to look for a face in: that all are counted and few are looked at is what counts."""
    folder = tmp_path / "many"
    folder.mkdir()
    blank = io.BytesIO()
    Image.new("RGB", (40, 40)).save(blank, "PNG")
    (folder / "0.png").write_bytes(blank.getvalue())
    for number in range(1, 50_000):
        os.link(folder / "0.png", folder / f"{number}.png")
    assert sets.folders(str(folder))["pictures"] == 50_000
    sets.look({"folder": str(folder), "size": 64})
    told = until(lambda: (look := sets.looked())["state"] != "running" and look)
    assert told["report"]["of"] == 50_000 and told["report"]["looked"] == sets.LOOK


# what goes wrong -------------------------------------------------------------------------------------------------------------------------

@pytest.mark.parametrize(("asked", "code"), [
    ({"set": "nothing"}, "gone"), ({"set": "../painted"}, "name"), ({"family": "transformer"}, "garbage"), ({"px": 64}, "px"), ({"px": 33}, "garbage"),
    ({"hours": 0}, "garbage"), ({"hours": True}, "garbage"), ({"hours": 1e9}, "garbage"), ({"size": "vast"}, "garbage"), ({"steps": -1}, "garbage"),
    ({"family": "diffusion"}, "gone"), ({"family": "gan", "vae": "made:nobody"}, "gone"), ({"family": "diffusion", "vae": "made:../../x"}, "name"), ({"family": "diffusion", "vae": "shipped:gan"}, "model")])
def test_what_cannot_be_trained_is_refused(ada, asked, code):
    for language in ("en", "zh"):
        got = ada.post("/studio/runs", json={"set": "painted", "family": "vae", "size": "tiny", "px": 32, "hours": 1} | asked, headers={"X-Twin-Language": language})
        assert got.status_code in (404, 422) and got.json()["error"]["code"] == code, got.text
        assert any("\u4e00" <= c <= "\u9fff" for c in got.json()["error"]["message"]) == (language == "zh")
    assert ada.get("/studio").json()["runs"] == []


def start(name: str, *arguments: str) -> Path:
    """A training's process with arguments that the page has no control for."""
    folder = places.make(places.folder("runs", name))
    process.begin(folder, ["-m", "twin.train.vae", str(places.folder("sets", "painted")), "--out", str(folder), "--size", "tiny", "--px", "32", "--batch", "8",
                           "--sheet", "0", "--save", "0.2", *arguments])
    return folder


def test_a_loss_that_is_no_number_ends_plainly(storage):
    start("wild", "--steps", "400", "--rate", "1e38")
    own = runs.Runs()
    told = until(lambda: (one := own.brief("wild"))["state"] not in ("starting", "training", "measuring") and one)
    assert told["state"] == "failed" and "no number" in told["why"]["en"] and "损失" in told["why"]["zh"] and "Traceback" not in told["why"]["en"]
    own.close()


@pytest.mark.skipif(sys.platform != "linux", reason="a bound on the size of files is set from outside")
def test_a_checkpoint_that_cannot_be_written_leaves_the_older_one(storage):
    folder = start("full", "--steps", "100000")
    until(lambda: [*folder.glob("at-*/state.json")])
    psutil.Process(process.running(folder / "pid")).rlimit(psutil.RLIMIT_FSIZE, (100_000, 100_000))
    own = runs.Runs()
    told = until(lambda: (one := own.told("full"))["state"] == "failed" and one)
    assert "can't be written" in told["why"]["en"] and "still whole" in told["why"]["en"] and "磁盘" in told["why"]["zh"] and told["kept"]
    own.close()


def test_too_few_faces_and_a_folder_that_may_not_be_written(ada, storage, monkeypatch):
    start("few", "--steps", "3", "--batch", "4096")
    own = runs.Runs()
    told = until(lambda: (one := own.brief("few"))["state"] == "failed" and one)
    assert "fewer than a batch" in told["why"]["en"] and "不够" in told["why"]["zh"]
    own.close()
    (storage / "runs2").write_text("a file")
    monkeypatch.setattr(places, "root", lambda: storage / "runs2")
    with pytest.raises(TwinError) as error:
        sets.look({"folder": str(ROOT)})
    assert "can't be written" in error.value.message and error.value.zh


def test_models_of_others_are_refused(ada, storage, tmp_path):
    for name, files in {"pickle": {"model.pt": b"\x80\x04cposix\nsystem\n"}, "other": {"config.json": b'{"architectures": ["LlamaForCausalLM"]}', "model.safetensors": b"x"},
                        "damaged": {"config.json": b'{"architecture": "twin.Vae", "size": {}}', "model.safetensors": b"x" * 40}, "nothing": {}}.items():
        folder = tmp_path / name
        folder.mkdir()
        for file, data in files.items():
            (folder / file).write_bytes(data)
        error = refused(ada.post("/studio/models", json={"folder": str(folder)}), 404 if name == "nothing" else 422)
        assert {"pickle": "pickle", "other": "LlamaForCausalLM", "damaged": "damaged", "nothing": "config.json"}[name] in error["message"]
        zh = refused(ada.post("/studio/models", json={"folder": str(folder)}, headers={"X-Twin-Language": "zh"}), 404 if name == "nothing" else 422)
        assert zh["message"] != error["message"]
    assert shelf.made() == [] and places.names("models") == [], "nothing of them was taken"
    for name in ("pickle", "other"):                      # laid there by hand: shown, with the reason
        shutil.copytree(tmp_path / name, storage / "models" / name)
    shelf.forget()
    shown = {one["name"]: one for one in shelf.made()}
    assert "pickle" in shown["pickle"]["why"]["en"] and "Llama" in shown["other"]["why"]["en"] and not shown["other"]["engine"] and engines.made() == []
    with pytest.raises((Missing, Refused)):
        next(inventing.Inventor().faces({}, 1, engine="vae:other"))


def test_a_model_is_brought_and_one_learnt_without_attributes_paints(ada, storage, tmp_path):
    import torch

    from twin.paint.vae import Autoencoder, Statistics, Vae, sized
    torch.manual_seed(0)
    net = Autoencoder(sized("tiny", 32))
    flat = int(np.prod(net.size.shape)) if hasattr(net, "size") else 4 * 8 * 8
    held = Statistics.none(sized("tiny", 32))
    held.spread, held.basis = torch.ones(4), torch.randn(4, flat)
    Vae(net, held).save_pretrained(tmp_path / "plain")
    name = ada.post("/studio/models", json={"folder": str(tmp_path / "plain")}).json()["name"]
    assert name == "plain" and shelf.made()[0]["engine"] == "vae:plain"
    one, other = invent.engine("vae:plain").faces({}, 4, 2)
    assert one.engine == "vae:plain" and one.picture.shape == (256, 256, 3) and (one.picture != other.picture).any()


def test_paths_lead_nowhere_else(ada, storage):
    (storage.parent / "secret.webp").write_bytes(b"s")
    (storage.parent / "secret").mkdir()
    for path in ("sets/..%2F..%2Fsecret", "runs/..%2Fsets", "runs/%2e%2e", "models/made/..%2F..%2Fsecret", "models/made/x/picture/..%2F..%2Fsecret.webp",
                 "models/shipped/..%2Fhead/picture/samples.webp", "sets/painted/../../secret/sheet"):
        assert ada.get("/studio/" + path).status_code in (404, 422), path
    for path in ("sets/..", "runs/%2e%2e%2fsets", "models/made/..%2f..%2f"):
        assert ada.delete("/studio/" + path).status_code in (404, 405, 422)
    for name in ("", "..", "a/b", "A", "-x", "x" * 60, "ü", 3, None):
        with pytest.raises(Refused):
            places.folder("sets", name)
    assert refused(ada.get("/studio/folders?at=relative"))["code"] == "folder" and refused(ada.get("/studio/folders?at=/no/such/place"), 404)["hint"]
    assert (storage.parent / "secret").is_dir() and (storage / "sets/painted").is_dir()


# who may ---------------------------------------------------------------------------------------------------------------------------------

def test_others_see_the_shelf_and_nothing_of_ours(storage, tmp_path):
    (storage / "runs/mine/samples").mkdir(parents=True)
    (storage / "runs/mine/heartbeat").write_text('{"state": "ended", "step": 3}')
    Image.new("RGB", (8, 8)).save(storage / "runs/mine/nearest.png")
    with Place(tmp_path / "data", home=False, speak=Tone(pieces=1), door=Door(limits=Limits(0))) as served, \
            httpx.Client(base_url=served.url, headers={"X-Twin-Token": ADA}, timeout=30, trust_env=False) as bea:
        told = bea.get("/studio").json()
        assert told["may"] is False and len(told["shipped"]) >= 3 and not {"sets", "runs", "machine"} & set(told)
        for method, path in (("GET", "folders"), ("GET", "look"), ("POST", "look"), ("POST", "sets"), ("GET", "sets/painted"), ("GET", "sets/painted/sheet"),
                             ("DELETE", "sets/painted"), ("GET", "runs/mine"), ("GET", "runs/mine/picture/nearest.png"), ("POST", "runs"), ("POST", "runs/mine/use"),
                             ("POST", "runs/mine/stop"), ("POST", "models"), ("DELETE", "models/made/x"), ("GET", "models/made/x/download"),
                             ("GET", "models/made/x/picture/nearest.webp")):
            got = bea.request(method, "/studio/" + path, **({"json": {}} if method == "POST" else {}))
            assert got.status_code == 403 and got.json()["error"]["code"] == "owner", (method, path, got.text)
    assert (storage / "sets/painted").is_dir()


def test_the_shelf_is_never_empty_and_what_ships_is_told(ada, storage, tmp_path, monkeypatch):
    weights = tmp_path / "weights"
    (weights / "vae").mkdir(parents=True)
    monkeypatch.setattr(engines, "WEIGHTS", weights)
    families = {one["family"]: one for one in ada.get("/studio").json()["shipped"]}
    assert set(families) == {"vae", "gan", "diffusion"} and not any(one["there"] for one in families.values()), "it says so where none ships"
    assert Image.open(io.BytesIO(ada.get("/studio/painter").content)).size == (960, 320)
    for name, data in {"config.json": '{"architecture": "twin.Vae", "size": {"px": 128}}', "figures.json": '{"fd_own": 2.5, "fd_own_real": 1.0, "note": "x", "copies": 0}',
                       "log.csv": "step,pictures,reconstruction\n1,32,1.0\n2,64,\n3,96,0.5\n", "README.md": "---\nlicense: cc0\n---\n# A card\n\nText.", "model.safetensors": "x"}.items():
        (weights / "vae" / name).write_text(data)
    Image.new("RGB", (64, 64)).save(weights / "vae/samples.webp")
    told = ada.get("/studio/models/shipped/vae").json()
    assert told["px"] == 128 and told["figures"] == {"fd_own": 2.5, "fd_own_real": 1.0, "copies": 0} and told["card"] == "# A card\n\nText."
    assert told["log"]["rows"] == [[1.0, 32.0, 1.0], [2.0, 64.0, None], [3.0, 96.0, 0.5]] and told["engine"] == "vae"
    picture = ada.get("/studio/models/shipped/vae/picture/samples.webp")
    assert picture.headers["content-type"] == "image/webp"
    assert ada.get("/studio/models/shipped/vae/picture/samples.webp", headers={"If-None-Match": picture.headers["etag"]}).status_code == 304


def test_sizes_and_columns_are_those_of_the_families():
    from twin.paint import diffusion, gan, vae
    assert runs.FAMILIES == ("vae", "gan", "diffusion") and all(runs.SIZES == one.SIZES for one in (vae, gan, diffusion)) and runs.PIXELS == vae.PIXELS == gan.PIXELS
    words = (ROOT / "assets/web/studio_words.js").read_text("utf-8")
    from twin.train.sift import REASONS
    for reason in REASONS:
        assert f"why_{reason}:" in words or f'"why_{reason}":' in words, reason
    for column in ("reconstruction", "divergence", "gradient", "loss", "figure", "discriminator", "generator", "apart", "r1", "r2", "augment", "overfit", "fd_own", "copies"):
        assert f"fig_{column}_p:" in words


def test_last_words_are_put_plainly():
    assert plain.plain("")["zh"].startswith("它没有")
    assert "memory" in plain.plain("torch.OutOfMemoryError: tried to allocate 2 GiB")["en"]
    broke = plain.plain("KeyError: 'x'")
    assert "nobody foresaw" in broke["en"] and "KeyError" in broke["en"] and broke["zh"]


def test_ten_thousand_rows_are_told_once(storage):
    folder = storage / "runs/long"
    folder.mkdir(parents=True)
    (folder / "log.csv").write_text("step,pictures,loss\n" + "".join(f"{n},{n * 32},{1 / n}\n" for n in range(1, 10_001)))
    (folder / "heartbeat").write_text('{"state": "ended", "step": 10000}')
    own = runs.Runs()
    told = own.told("long")
    assert len(told["rows"]) <= runs.MOST_ROWS + 1 and told["rows"][-1][0] == 10_000 and own.told("long", 10_000)["rows"] == []
    with (folder / "log.csv").open("a") as log:
        log.write("10001,320032,0.5\n")
    assert own.told("long", 10_000)["rows"] == [[10_001, 320_032, 0.5]]
    own.close()
