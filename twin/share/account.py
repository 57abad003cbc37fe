"""Whose hub it is: the client of a token, the account behind it, and the client's errors as ours.

A token comes from the page's one-time field, from a sign-in, or (on somebody's own machine) from HF_TOKEN or `hf auth login`. It lives in the
client that `client` makes, and nowhere else: in no twin, no file, no log, no error. HF_ENDPOINT names another hub.
"""
from __future__ import annotations

import logging
import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ..errors import Missing, Refused, TwinError

if TYPE_CHECKING:
    from huggingface_hub import HfApi

_REPO = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,95}/[A-Za-z0-9][A-Za-z0-9._-]{0,95}")
log = logging.getLogger("twin.share")


@dataclass(frozen=True)
class Account:
    """Who a token belongs to, and where else they may publish."""
    name: str
    pro: bool = False
    groups: tuple[str, ...] = ()
    writes: bool = True                                  # False: the token says that it may only read


def client(token: str = "", own: bool = False) -> HfApi:
    """The hub as the holder of a token sees it; with `own`, the token of this machine's user where none is given. Raises Missing without any."""
    from huggingface_hub import HfApi, get_token
    from huggingface_hub.utils import disable_progress_bars
    disable_progress_bars()                              # how far it is is told by ours
    logging.getLogger("httpx2").setLevel(logging.WARNING)                        # it logs every address, and those hold names
    token = token.strip() or (own and get_token() or "")
    if not token:
        raise Missing("Nobody is signed in to Hugging Face.", "Sign in: hf auth login, or set HF_TOKEN. A token with the right to write is made at "
                      "huggingface.co/settings/tokens", code="no-token",
                      zh=("还没有登录 Hugging Face。", "请运行 hf auth login，或设置 HF_TOKEN；令牌要有写入权限。"))
    if not re.fullmatch(r"[\x21-\x7e]{8,2000}", token):
        raise Refused("That is no token of Hugging Face.", "Copy it again: it begins with hf_.", code="token",
                      zh=("这不是 Hugging Face 的令牌。", "请重新复制，它以 hf_ 开头。"))
    return HfApi(endpoint=os.environ.get("HF_ENDPOINT") or None, token=token, library_name="twin")


def account(api: HfApi) -> Account:
    """Whose token it is. Raises TwinError."""
    with told("sign in"):
        about = api.whoami()
    name = str(about.get("name") or "")[:96]
    role = str((about.get("auth") or {}).get("accessToken", {}).get("role") or "")
    groups = tuple(str(group.get("name"))[:96] for group in about.get("orgs") or () if isinstance(group, dict) and group.get("name"))
    return Account(name, bool(about.get("isPro")), groups, role != "read")


def checked(repo: str, api: HfApi | None = None) -> str:
    """The name of a Space; without a "/" it is the account's own. Raises Refused."""
    repo = repo.strip().strip("/").removeprefix("https://huggingface.co/spaces/").removeprefix("spaces/")
    if repo and "/" not in repo and api is not None:
        repo = f"{account(api).name}/{repo}"
    if not _REPO.fullmatch(repo) or ".." in repo or "--" in repo or repo.endswith((".git", "-", ".")):
        raise Refused(f"{repo[:80]!r} is no name of a Space.", "Write it as user/name, with letters, digits, - and _.", code="repo",
                      zh=("这不是一个空间的名字。", "请写成 用户名/名称，只用字母、数字、- 和 _。"))
    return repo


@contextmanager
def told(what: str, repo: str = "", raw: tuple[int, ...] = ()) -> Iterator[None]:
    """Errors of the client become ours; a status in `raw` comes as it is."""
    from httpx2 import HTTPError, InvalidURL
    from huggingface_hub.errors import HfHubHTTPError, HFValidationError, LocalTokenNotFoundError, OfflineModeIsEnabled
    try:
        yield
    except HfHubHTTPError as error:
        if status_of(error) in raw:
            raise
        raise trouble(error, what, repo) from None
    except OfflineModeIsEnabled:
        raise TwinError("This app was started without the hub in reach, and stays off the network.", "Start it again once you are online.", code="offline",
                        zh=("启动时连不上 Hugging Face，所以一直处于离线状态。", "联网后请重新启动。")) from None
    except LocalTokenNotFoundError:
        raise Missing("Nobody is signed in to Hugging Face.", "Sign in: hf auth login.", code="no-token",
                      zh=("还没有登录 Hugging Face。", "请先登录。")) from None
    except HFValidationError:
        raise Refused(f"{repo[:80]!r} is no name of a Space.", "Write it as user/name.", code="repo",
                      zh=("这不是一个空间的名字。", "请写成 用户名/名称。")) from None
    except ValueError as error:                          # of what it said about a file
        log.warning("the hub did not take a file: %s", type(error).__name__)
        raise Refused(f"Hugging Face did not {what}: {' '.join(str(error).split())[:200]}", "Mend what it names, then try again.", code="hub",
                      zh=("Hugging Face 没有接受其中一个文件。", "请按它的说明修改后再试。")) from None
    except (HTTPError, InvalidURL, ConnectionError, TimeoutError, RuntimeError) as error:     # the client has tried five times by then
        log.info("the hub could not be reached: %s", type(error).__name__)
        raise TwinError("The hub cannot be reached, or the line broke.", "Nothing was published by halves. Try again: what has arrived is not sent twice.",
                        code="network", zh=("连不上 Hugging Face，或者网络断了。", "不会只发布一半。请再试一次，已上传的不会重传。")) from None


def status_of(error: Any) -> int:
    return int(getattr(getattr(error, "response", None), "status_code", 0) or 0)


def said_of(error: Any) -> str:
    """What the hub said, on one line; a token is never in it, and would be taken out."""
    text = " ".join(str(getattr(error, "server_message", "") or "").split())
    return re.sub(r"\b(hf_|Bearer )\S+", "…", text)[:200]


def trouble(error: Any, what: str, repo: str) -> TwinError:
    status, said = status_of(error), said_of(error)
    tail = f" It says: {said}" if said else ""
    if status == 401:
        return Refused(f"Hugging Face does not know this token, so it did not {what}.", "Sign in again, or make a new token with the right to write.",
                       code="token", zh=("Hugging Face 不认识这个令牌。", "请重新登录，或新建一个有写入权限的令牌。"))
    if status == 403:
        return Refused(f"This token may not {what}.{tail}", "Make a token with the right to write, for this account or organisation.", code="rights",
                       zh=("这个令牌没有权限。", "请新建一个有写入权限的令牌。"))
    if status == 404:
        return Missing(f"There is no Space {repo} that this token can see.", "Check the name; it may have been deleted on the hub.", code="gone",
                       zh=(f"找不到空间 {repo}。", "请检查名字，它可能已在网站上被删除。"))
    if status == 409:
        return exists(repo)
    if status == 429:
        return TwinError(f"Hugging Face asks to wait before it will {what}.{tail}", "Try again in some minutes.", code="too-often",
                         zh=("Hugging Face 要求稍候。", "请过几分钟再试。"))
    if status >= 500:
        return TwinError(f"Hugging Face has trouble of its own ({status}).", "Nothing was published by halves. Try again.", code="network",
                         zh=(f"Hugging Face 出了问题（{status}）。", "不会只发布一半，请再试一次。"))
    return Refused(f"Hugging Face did not {what} ({status}).{tail}", "Mend what it names, then try again.", code="hub",
                   zh=(f"Hugging Face 没有接受（{status}）。{said}", "请按它的说明修改后再试。"))


def exists(repo: str) -> Refused:
    return Refused(f"There is a Space {repo} already, and it is not this twin's.", "Choose another name.", code="exists",
                   zh=(f"{repo} 已经存在，而且不是这个分身的。", "请换一个名字。"))
