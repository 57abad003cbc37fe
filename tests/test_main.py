"""The command line, run as a person runs it."""
from __future__ import annotations

import json
import os
import subprocess
import sys
import wave

import numpy as np
import pytest
from conftest import ROOT, command


def twin(*arguments: str, typed: str | None = None, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, "-m", "twin", *arguments], cwd=ROOT, capture_output=True, text=True, input=typed, timeout=300,
                          env={**os.environ, **environment})


def test_say_writes_a_wav_with_speech_in_it(tmp_path):
    done = twin("say", "maya", "Hello there, what are we fixing today?", "-o", str(tmp_path / "out.wav"))
    assert done.returncode == 0, done.stderr
    with wave.open(str(tmp_path / "out.wav")) as file:
        sound = np.frombuffer(file.readframes(file.getnframes()), "<i2") / 32768
        assert file.getframerate() == 24_000 and 1.0 < len(sound) / 24_000 < 6.0
    assert 0.02 < np.sqrt((sound ** 2).mean()) < 0.3 and np.abs(sound).max() < 1.0
    assert "synthetic" in done.stdout


@pytest.mark.parametrize(("arguments", "told"), [
    (("say", "nobody", "Hello.", "-o", "x.wav"), "maya"),
    (("say", "maya", "  ", "-o", "x.wav"), "nothing to read"),
    (("say", "maya", "🙂", "-o", "x.wav"), "could say"),
    (("say", "maya", "Hello.", "-o", "/no/such/folder/x.wav"), "cannot be written"),
    (("say", "maya", "Hello.", "-o", "x.mp3"), "neither a sound nor a film"),
    (("create", "--photo", "/no/such/face.jpg", "--name", "E", "--consent", "E"), "face.jpg"),
    (("export", "nobody", "-o", "x.twin"), "twin list"), (("delete", "nobody"), "twin list"), (("import", "/no/such/file.twin"), "file.twin"),
    (("talk", "--persona", "/no/such/file.yaml"), "file.yaml"),
])
def test_what_cannot_be_done_is_said_in_a_sentence(arguments, told):
    done = (twin if told == "maya" else command)(*arguments)
    assert done.returncode == 1 and told in done.stderr.lower() and "Traceback" not in done.stderr
    assert not (ROOT / "x.wav").exists()


def test_talk_answers_a_file_of_questions_in_one_conversation(tmp_path):
    persona, turns = tmp_path / "mira.yaml", tmp_path / "turns.txt"
    persona.write_text("name: Mira\ndescription: Mira keeps bees on a roof. She is cheerful.\nfacts: [I have eleven hives., My honey costs 9 dollars a jar.]\n")
    turns.write_text("hello\nmy name is Sam\n" + "x" * 5000 + "\nwhat is 6 times 7?\nare you human?\nwhat's my name?\n", encoding="utf-8")
    done = twin("talk", "--persona", str(persona), "--turns", str(turns), "--json")
    assert done.returncode == 0, done.stderr
    rows = [json.loads(line) for line in done.stdout.splitlines()]
    assert [r["text"] for r in rows] == ["hello", "my name is Sam", "what is 6 times 7?", "are you human?", "what's my name?"]
    assert "42" in rows[2]["reply"] and "digital human" in rows[3]["reply"] and "Sam" in rows[4]["reply"]
    assert all(r["step"] and r["mood"] and r["times"]["sound"] > 0 for r in rows)
    assert "5,000 characters" in done.stderr


def test_talk_greets_in_the_terminal_and_ends_with_the_input():
    done = twin("talk", "lin", "--lang", "zh", typed="你是真人吗\n")
    assert done.returncode == 0 and "数字人" in done.stdout and "林晓雨" in done.stdout


def test_doctor_names_what_is_chosen_and_what_could_be_had():
    done = twin("doctor", HF_HUB_OFFLINE="1")
    assert done.returncode == 0, done.stdout
    for told in ("pocketsphinx", "smollm2", "espeak", "visemes", "not reachable", "TWIN_THINK=Qwen", "maya"):
        assert told in done.stdout


def test_settings_come_from_argv_then_environment_then_file(tmp_path, monkeypatch):
    from twin.errors import Refused
    from twin.settings import load
    file = tmp_path / "twin.toml"
    file.write_text('port = 1111\nthink = "smollm2"\n')
    monkeypatch.delenv("PORT", raising=False)
    assert load([], file).port == 1111
    monkeypatch.setenv("TWIN_PORT", "2222")
    assert (load([], file).port, load(["--port", "3333"], file).port, load([], file).think) == (2222, 3333, "smollm2")
    file.write_text("prot = 1")
    with pytest.raises(Refused) as error:
        load([], file)
    assert "prot" in error.value.message and "port" in error.value.hint
    monkeypatch.setenv("TWIN_PORT", "many")
    with pytest.raises(Refused):
        load([], tmp_path / "none.toml")
