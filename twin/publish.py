"""The commands that put a twin on the Hugging Face Hub and take it away again: publish, unpublish. The token is that of HF_TOKEN or `hf auth login`."""
from __future__ import annotations

import argparse
import asyncio
import sys
from contextlib import closing
from typing import Any

from .commands import any_twin, me, own, page_of, shelf
from .errors import Missing


def add(commands: Any) -> None:
    """Add the commands to an argparse's subparsers."""
    publish = commands.add_parser("publish", help="put a twin on the Hugging Face Hub, as a Space that you alone see at first; again: bring it up to date")
    publish.add_argument("twin")
    publish.add_argument("--repo", default="", metavar="USER/NAME", help="what the Space is called; without it, where the twin is published is listed")
    publish.add_argument("--static", action="store_true", help="a Static Space: the twin as one page, which every account can have")
    publish.add_argument("--hardware", choices=("auto", "zero-a10g", "cpu-basic"), default="auto", help="what it runs on; auto tries ZeroGPU, then a processor")
    publish.add_argument("--mind", default="", metavar="MODEL", help="a model of the hub to think with, instead of the one that suits the hardware")
    publish.add_argument("--lang", choices=("en", "zh", "both"), default="both", help="of a page: the languages it speaks")
    publish.add_argument("--endpoint", default="", metavar="URL", help="of a page: a server of this app to ask what the page cannot answer by itself")
    publish.add_argument("--answers", type=int, default=160, metavar="N", help="of a page: how many answers of a language are spoken beforehand")
    then = publish.add_mutually_exclusive_group()
    then.add_argument("--public", action="store_true", help="show a published Space to everybody; the consent is asked again")
    then.add_argument("--private", action="store_true", help="show it to nobody else any more")
    then.add_argument("--duplicate", default="", metavar="USER/NAME", help="a private copy of a published Space, made by the hub")
    publish.set_defaults(run=_publish)
    unpublish = commands.add_parser("unpublish", help="delete the Spaces of a twin from the hub")
    unpublish.add_argument("twin")
    unpublish.add_argument("--repo", default="", metavar="USER/NAME", help="that one alone")
    unpublish.set_defaults(run=_unpublish)


def _publish(options: argparse.Namespace) -> int:
    from .share import hub
    place, twin, user = shelf(), any_twin(options.twin), me().id
    there = hub.published(place, twin, user)
    if not (options.repo or options.public or options.private or options.duplicate):
        for one in there:
            print(f"{one.url or one.repo}  {one.kind}, {'private' if one.private else 'public'}{'' if one.revision else ', not finished'}, {one.when[:10]}")
        if not there:
            print(f"{twin.id} is not published. Publish it: python -m twin publish {twin.id} --repo USER/NAME")
        return 0
    api = hub.client(own=True)
    repo = hub.checked(options.repo, api) if options.repo else ""
    if options.public or options.private:
        found = hub.show(api, place, twin, repo, private=options.private, owner=user)
        print(f"{found.url} is {'private' if found.private else 'public: everybody can meet it'}.")
        return 0
    if options.duplicate:
        print(f"{hub.duplicate(api, place, twin, options.duplicate, repo, owner=user).url} is there, for you alone.")
        return 0
    known = next((one for one in there if one.repo == repo and one.revision), None)
    page = b""
    if options.static or (known and known.kind == "static"):
        page = asyncio.run(page_of(twin, ("en", "zh") if options.lang == "both" else (options.lang,), options.endpoint, options.answers)).data
    if known:
        steps = hub.update(api, place, twin, repo, mind=options.mind, owner=user, page=page)
    else:
        kind = "static" if options.static else "gradio"
        steps = hub.publish(api, place, twin, repo, kind=kind, hardware=options.hardware, mind=options.mind, owner=user, page=page)
    with closing(steps):
        for step in steps:
            print(f"{step.done:4.0%} {step.en}", file=sys.stderr, flush=True)
    print(step.place.url)
    if step.place.private:
        print(f"You alone can see it. To show it to everybody: python -m twin publish {twin.id} --repo {step.place.repo} --public", file=sys.stderr)
    return 0


def _unpublish(options: argparse.Namespace) -> int:
    from .share import hub
    from .store import Twins
    place, user = shelf(), me().id
    twin = own(options.twin) or Twins().get(options.twin)                       # also one whose consent was taken back
    if twin is None:
        raise Missing(f"There is no twin called {options.twin!r}.", "python -m twin list says which there are.")
    if not hub.published(place, twin, user):
        raise Missing(f"{twin.id} is not published.", "python -m twin publish TWIN says where a twin is.")
    for repo in hub.unpublish(hub.client(own=True), place, twin, options.repo, owner=user):
        print(f"removed {repo}")
    return 0
