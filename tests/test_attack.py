"""The attack on a running server, a few hundred cases of it; and that it sees what it looks for."""
from __future__ import annotations

import json
import subprocess
import sys
from types import SimpleNamespace

import httpx
import pytest
from conftest import ROOT

from bench.fortress import Fortress, whole
from bench.malice import SCRIPT, body, fitting, rng_of
from bench.siege import Siege
from twin.wire.requests import Complaint, check


def test_a_few_hundred_cases_break_nothing(tmp_path):
    done = subprocess.run([sys.executable, "-m", "bench", "attack", "--quick", "--seed", "3", "--keep", str(tmp_path), "--json", str(tmp_path / "f.json")],
                          cwd=ROOT, capture_output=True, text=True, timeout=420)
    assert done.returncode == 0, done.stderr[-2000:]
    told = json.loads((tmp_path / "f.json").read_text())
    assert (told["crashes"], told["leaks"], told["hangs"]) == (0, 0, 0), done.stderr[-3000:]
    assert told["cases"] >= 300 and told["deep"] >= 0.5 and told["doors"] >= 60 and told["failed"] == ""


def test_what_is_looked_for_is_seen(tmp_path):
    """A siege that could not fail would prove nothing."""
    fortress = Fortress(tmp_path)
    fortress.ids, fortress.face = {"twin": "ada-4711"}, b""
    siege = Siege.__new__(Siege)
    siege.fortress, siege.ids, siege.secrets, siege.failed, siege.seed = fortress, ("ada-4711",), fortress.secrets(), [], 1
    siege.crashes = siege.leaks = siege.hangs = 0
    fine = {"content-type": "application/json", "x-content-type-options": "nosniff"}

    def seen(kind: str, status: int = 200, content: bytes = b"{}", who: str = "bea", sent: bytes = b"", **headers: str) -> bool:
        before = getattr(siege, kind)
        siege.judge("test", who, sent, status, httpx.Headers(fine | {name.replace("_", "-"): value for name, value in headers.items()}), content)
        return bool(getattr(siege, kind) > before)

    assert not seen("leaks") and not seen("crashes", 422, b'{"error": {"code": "x", "message": "y"}}') and not seen("leaks", who="ada", content=fortress.canary.encode())
    assert seen("leaks", content=fortress.canary.encode()) and seen("leaks", location=fortress.canary)
    assert seen("leaks", content=b"there is ada-4711") and not seen("leaks", 404, b'{"error": {"code": "x", "message": "no ada-4711"}}', sent=b"/twins/ada-4711")
    assert seen("leaks", content=fortress.tokens["cy"].encode(), who="ada") and seen("leaks", content=f"{ROOT}/app.py".encode())
    assert seen("leaks", content=SCRIPT.encode(), content_type="text/html") and seen("leaks", set_cookie="a=b")
    assert seen("crashes", 500) and seen("crashes", 422, b'{"error": {"code": "", "message": ""}}') and seen("crashes", x_content_type_options="")
    fortress.log.write_text(f'{{"level": "info", "message": "{fortress.murmur}"}}\n{{"level": "error", "message": "x"}}\nTask exception was never retrieved\n{{"level": "info"}}\n')
    assert [line.partition(":")[0] for line in fortress.faults()] == ["leak", "log", "log"]
    fortress._away = SimpleNamespace(server_address=("", 1234))
    world = {"connected": ["('10.0.0.7', 80)", f"('127.0.0.1', {fortress.port})"], "wrote": ["/etc/evil"]}
    assert fortress.strays(world) == ["it connected to ('10.0.0.7', 80)", "it wrote /etc/evil"]


def test_a_case_is_made_again_from_its_seed(tmp_path):
    shape = {"type": "object", "properties": {"text": {"type": "string"}, "n": {"type": "number"}}}
    assert [body(shape, rng_of(1, "http", n)) for n in range(50)] == [body(shape, rng_of(1, "http", n)) for n in range(50)]
    assert body(shape, rng_of(1, "http", 1)) != body(shape, rng_of(2, "http", 1)) and isinstance(fitting(shape, rng_of(1, "x", 1)), dict)
    files = Fortress(tmp_path).files("a secret", "Ada")
    assert whole(files) == whole(files)


@pytest.mark.parametrize("number", [10**400, -10**400, float("nan"), float("inf"), True, "1"], ids=["huge", "deep", "nan", "inf", "flag", "text"])
def test_numbers_that_no_float_holds_are_refused(number):
    for message in ({"type": "ping", "t": number}, {"type": "heard", "turn": 1, "at": number}, {"type": "heard", "turn": number, "at": 1}):
        with pytest.raises(Complaint) as refused:
            check(json.loads(json.dumps(message)))
        assert refused.value.code == "bad-field"
