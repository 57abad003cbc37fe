"""Signing in over HTTP: with a name and a password, or by Hugging Face (OpenID Connect with PKCE). Either way the page gets a token of the
server's making, which it keeps in the place of its own.

Hugging Face's pages come in a window of their own, so that this works inside a frame too. That window gets a cookie when it sets out and must
show it when it comes back: nobody can send another person along a link and be signed in as them.
"""
from __future__ import annotations

import asyncio
import base64
import hashlib
import json
import logging
import os
import secrets
import time
from collections.abc import Awaitable, Callable
from html import escape
from urllib.parse import urlencode

from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response
from starlette.routing import Route

from ..errors import Refused, TwinError
from ..users import HUGGING_FACE
from .answers import ALWAYS, answer, json_of, language_of, open_to_all
from .door import Door, refused

AWAY = 600.0             # s somebody may take over there
MOST_AWAY = 1_000
COOKIE = "twin-signing-in"
log = logging.getLogger("twin.login")


class Login:
    """Routes /login (GET: how and as whom; POST: sign in; DELETE: sign out), /login/huggingface and /login/callback. `left(login)` hears of who
    signed out (User.login)."""

    def __init__(self, door: Door, provider: str = "", left: Callable[[str], Awaitable[None]] | None = None):
        self.door, self.left = door, left
        self.provider = (provider or os.environ.get("OPENID_PROVIDER_URL", "") or "https://huggingface.co").rstrip("/")
        self._away: dict[str, tuple[str, str, float]] = {}               # state -> (PKCE verifier, what the cookie holds, until)

    def routes(self) -> list[Route]:
        table: list[tuple[str, str, Callable[[Request], Awaitable[Response]]]] = [
            ("GET", "/login", self.show), ("POST", "/login", self.enter), ("DELETE", "/login", self.leave),
            ("GET", "/login/huggingface", self.set_out), ("GET", "/login/callback", self.come_back)]
        return [Route(path, open_to_all(self.door, handler), methods=[method]) for method, path, handler in table]

    async def show(self, request: Request) -> Response:
        """How one signs in on this server, and who this browser is."""
        return answer(self.door.users.told(request))

    async def enter(self, request: Request) -> Response:
        """Sign in with {"name", "password"}: {"token"} to send in X-Twin-Token from now on."""
        asked = await json_of(request, 4096)
        name, password = asked.get("name"), asked.get("password")
        if not isinstance(name, str) or not isinstance(password, str) or len(password) > 1000:
            raise Refused("A name and a password are needed.", "Type both.", code="garbage", zh=("需要名字和密码。", "请输入两者。"))
        self.door.limits.take("login", user=name[:64].lower(), address=self.door.address(request.scope))
        return answer({"token": await asyncio.to_thread(self.door.users.sign_in, name, password)})

    async def leave(self, request: Request) -> Response:
        """Sign out: the token is good no more, in any tab."""
        login = self.door.users.sign_out(request)
        if self.left is not None:
            await self.left(login)
        return answer({})

    async def set_out(self, request: Request) -> Response:
        """On to Hugging Face, in a window of the browser's own."""
        client = self._client(request)
        now = time.monotonic()
        self._away = {state: kept for state, kept in self._away.items() if kept[2] > now}
        while len(self._away) >= MOST_AWAY:
            del self._away[next(iter(self._away))]
        state, verifier, cookie = secrets.token_urlsafe(32), secrets.token_urlsafe(64), secrets.token_urlsafe(32)
        self._away[state] = (verifier, cookie, now + AWAY)
        challenge = base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).rstrip(b"=").decode()
        asked = {"response_type": "code", "client_id": client[0], "redirect_uri": client[2], "scope": os.environ.get("OAUTH_SCOPES", "openid profile"),
                 "state": state, "code_challenge": challenge, "code_challenge_method": "S256"}
        there = RedirectResponse(f"{self.provider}/oauth/authorize?{urlencode(asked)}", 303, headers=ALWAYS)
        there.set_cookie(COOKIE, cookie, max_age=round(AWAY), path="/login", secure=client[2].startswith("https"), httponly=True, samesite="lax")
        return there

    async def come_back(self, request: Request) -> Response:
        """From Hugging Face: find out who it is, and hand the page that asked a token."""
        language = language_of(request)
        try:
            verifier, cookie, until = self._away.pop(request.query_params.get("state", ""), ("", "", 0.0))
            if not cookie or until < time.monotonic() or not secrets.compare_digest(request.cookies.get(COOKIE, ""), cookie):
                raise Refused("This sign-in was not begun in this window, or too long ago.", "Close the window and begin again.", code="stale",
                              zh=("这次登录不是从这个窗口开始的，或已过期。", "请关闭窗口，重新登录。"))
            token = await self._token(request, request.query_params.get("code", ""), verifier)
        except TwinError as error:
            page = _page(*error.told(language))
        else:
            page = _page("You are signed in.", "This window can be closed.", token)
        page.delete_cookie(COOKIE, path="/login")
        return page

    async def _token(self, request: Request, code: str, verifier: str) -> str:
        import httpx
        name, secret, back = self._client(request)
        if not code:
            raise refused("not-signed-in")
        try:
            async with httpx.AsyncClient(timeout=15.0, follow_redirects=False) as http:
                form = {"grant_type": "authorization_code", "code": code, "redirect_uri": back, "client_id": name, "code_verifier": verifier}
                given = await http.post(f"{self.provider}/oauth/token", data=form, auth=(name, secret))
                given.raise_for_status()
                hub = str(given.json()["access_token"])
                told = await http.get(f"{self.provider}/oauth/userinfo", headers={"Authorization": f"Bearer {hub}"})
                told.raise_for_status()
                about = told.json()
                groups = tuple(str(group.get("preferred_username") or group.get("name") or "") for group in about.get("orgs") or ())
                return self.door.users.sign_in_hub(str(about["sub"]), str(about.get("preferred_username") or about["sub"])[:64], groups, hub)
        except (httpx.HTTPError, ValueError, KeyError, TypeError, AttributeError) as error:
            log.warning("Hugging Face did not sign somebody in: %s", type(error).__name__)
            raise refused("not-signed-in") from None

    def _client(self, request: Request) -> tuple[str, str, str]:
        """(our id over there, our secret, where they send people back)."""
        name, secret = os.environ.get("OAUTH_CLIENT_ID", ""), os.environ.get("OAUTH_CLIENT_SECRET", "")
        if self.door.users.kind != HUGGING_FACE or not name:
            raise Refused("Nobody signs in here by Hugging Face.", "In a Space, hf_oauth: true and TWIN_USERS=huggingface make it so.", code="no-login",
                          zh=("这里不能用 Hugging Face 登录。", "在 Space 里设置 hf_oauth: true 和 TWIN_USERS=huggingface 即可。"))
        host = os.environ.get("SPACE_HOST", "")
        return name, secret, f"https://{host}/login/callback" if host else f"{str(request.base_url).rstrip('/')}/login/callback"


def _page(message: str, hint: str, token: str = "") -> Response:
    """The last page of the window: it hands the token to the page that opened it and closes."""
    nonce = secrets.token_urlsafe(16)
    script = f"""
const token = {json.dumps(token)};
if (token && opener) {{ opener.postMessage({{ twin: "signed-in", token }}, location.origin); close(); }}
else if (token) {{ try {{ localStorage.setItem("twin.token", token); }} catch {{ /* refused: the page asks again */ }} location.replace("/"); }}
"""
    body = (f'<!doctype html><html lang="en"><meta charset="utf-8"><title>Twin</title><meta name="viewport" content="width=device-width">'
            f'<body style="font: 16px system-ui; margin: 3em auto; max-width: 30em"><h1 style="font-size: 1.2em">{escape(message)}</h1>'
            f'<p>{escape(hint)}</p><script nonce="{nonce}">{script}</script>')
    policy = f"default-src 'none'; style-src 'unsafe-inline'; script-src 'nonce-{nonce}'; frame-ancestors 'none'"
    return HTMLResponse(body, headers=ALWAYS | {"Content-Security-Policy": policy})

