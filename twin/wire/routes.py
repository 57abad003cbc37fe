"""All HTTP routes and the socket, put together: once, for the server and for the tests."""
from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from starlette.routing import BaseRoute, WebSocketRoute

from ..create import Drafts
from ..store import Shelf
from .api import Api
from .api import Speak as Speak
from .health import Health
from .inventing import Inventing
from .live import Live, Sessions
from .login import Login
from .media import Media
from .openapi import Document
from .own import Film, Own
from .upload import Upload


@dataclass(frozen=True)
class Served:
    """`routes` go into the application, `api` and `own` also to Gradio's endpoints (page/api.py)."""
    routes: list[BaseRoute]
    api: Api
    own: Own


def served(web: Path, sessions: Sessions, shelf: Shelf, drafts: Drafts, speak: Speak, film: Film, readers: str = "local",
           *more: BaseRoute) -> Served:
    """`more`: routes of other rooms. `readers`: see health.py."""
    rooms, door = sessions.rooms, sessions.rooms.door
    api, own = Api(sessions, shelf, speak, door), Own(shelf, rooms.twins, sessions, film, door)
    upload = Upload(shelf, drafts, speak, door, rooms.building)
    http = [*Health(sessions, door, readers).routes(), *Login(door, left=sessions.signed_out).routes(), *api.routes(), *own.routes(),
            *upload.routes(), *Inventing(upload, rooms.inventing).routes(), *Media(web, rooms.twins, sessions, shelf).routes(), *more]
    return Served([WebSocketRoute("/live", Live(sessions).serve), Document(http).route(), *http], api, own)
