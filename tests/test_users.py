"""Who is asking: one function for a hello, a request and a Gradio event; a token is never taken from a URL."""
from __future__ import annotations

import hashlib
from types import SimpleNamespace

import pytest
from starlette.requests import Request

from twin.errors import Refused
from twin.users import who

TOKEN = "ab" * 32


def request(headers=(), query=b""):
    raw = [(name.encode(), value.encode()) for name, value in headers]
    return Request({"type": "http", "method": "GET", "path": "/", "query_string": query, "headers": raw})


def test_the_same_token_is_the_same_user_whatever_carries_it():
    user = who({"token": TOKEN})
    assert user.id == hashlib.sha256(bytes.fromhex(TOKEN)).hexdigest() and TOKEN not in repr(user)
    assert who(request([("x-twin-token", TOKEN)])) == user
    assert who(SimpleNamespace(headers={"X-Twin-Token": TOKEN})) == user
    assert who({"token": "cd" * 32}) != user


@pytest.mark.parametrize("token", [None, "", "ab", "AB" * 32, "zz" * 32, TOKEN + "0", TOKEN + "\n", 7, [TOKEN], "../" * 21 + "a"])
def test_anything_else_is_refused_with_a_way_out(token):
    with pytest.raises(Refused) as refused:
        who({"token": token})
    assert refused.value.hint


def test_never_from_the_address():
    with pytest.raises(Refused):
        who(request(query=f"token={TOKEN}&X-Twin-Token={TOKEN}".encode()))
    with pytest.raises(Refused):
        who(object())
