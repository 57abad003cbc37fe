"""What the HTTP routes take and give, as OpenAPI 3.1 at /openapi.json: written from the routes themselves, with the shapes of their bodies."""
from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route

from .answers import ALWAYS

Json = dict[str, Any]
TEXT: Json = {"type": "string"}
FLAG: Json = {"type": "boolean"}
NUMBER: Json = {"type": "number"}
WHOLE: Json = {"type": "integer"}
RECIPE: Json = {"type": "object", "description": "what a face is painted from, as it came with it"}
LANGUAGE: Json = {"enum": ["en", "zh"]}
BASE64: Json = {"type": "string", "contentEncoding": "base64"}
MARK: Json = {"type": "array", "items": NUMBER, "minItems": 2, "maxItems": 2}


def _object(*needed: str, **fields: Json) -> Json:
    return {"type": "object", "properties": fields} | ({"required": list(needed)} if needed else {})


PASSPHRASE = _object(passphrase=TEXT)
PERSONA = _object(name=TEXT, tagline=TEXT, description=TEXT, style=TEXT, facts={"type": "array", "items": TEXT}, greeting=TEXT,
                  examples={"type": "array", "items": {"type": "array", "items": TEXT}}, languages={"type": "array", "items": LANGUAGE})
CONSENT = {"type": "object", "properties": {"agreed": FLAG, "who": TEXT, "relation": {"enum": ["self", "permission"]},
                                            "for": {"type": "array", "items": TEXT}}, "required": ["agreed"]}
READY = _object(voice={"type": ["string", "null"]}, pitch=NUMBER, warmth=NUMBER, pace=NUMBER, age=NUMBER)
LANGUAGES: Json = {"type": "array", "items": LANGUAGE}
SURE = _object("sure", sure=FLAG, token=TEXT)
SHARE = "/twins/{name}/share"
FILE, ANSWER, LINES = "application/octet-stream", "application/json", "application/x-ndjson"
# (method, path) -> what the body is: a shape (JSON), or a kind of file
BODIES: dict[tuple[str, str], Json | str] = {
    ("POST", "/login"): _object("name", "password", name=TEXT, password=TEXT),
    ("POST", "/api/say"): _object("twin", "text", twin=TEXT, text=TEXT, language=LANGUAGE),
    ("POST", "/api/talk"): _object("twin", "text", twin=TEXT, text=TEXT, language=LANGUAGE, conversation=TEXT, sound={"enum": ["none", "wav"]}, stream=FLAG),
    ("POST", "/api/create"): _object("photo", "persona", "consent", photo=BASE64, persona=PERSONA, consent=CONSENT, face={"type": "integer"}, ready=READY,
                                     voices={"type": "array", "items": _object("sound", sound=BASE64, text=TEXT, language=LANGUAGE)}, passphrase=TEXT),
    ("POST", "/draft/photo"): "image/*", ("POST", "/draft/voice"): "audio/*", ("POST", "/draft/card"): FILE, ("POST", "/draft/chat"): "text/plain",
    ("POST", "/draft/face"): _object(face={"type": ["integer", "null"]}, points={"type": ["object", "null"], "additionalProperties": MARK}),
    ("POST", "/draft/ready"): READY, ("POST", "/draft/hear"): _object("text", text=TEXT), ("POST", "/draft/persona"): PERSONA,
    ("POST", "/draft/invent"): _object(words=TEXT, asked={"type": "object"}, seed=WHOLE, engine=TEXT, count=WHOLE),
    ("POST", "/draft/invent/read"): _object("words", words=TEXT), ("POST", "/draft/invent/like"): _object("recipe", recipe=RECIPE, seed=WHOLE, engine=TEXT),
    ("POST", "/draft/invent/between"): _object("one", "other", "part", one=RECIPE, other=RECIPE, part=NUMBER, engine=TEXT),
    ("POST", "/draft/invent/use"): _object("recipe", recipe=RECIPE, engine=TEXT),
    ("POST", "/studio/look"): _object("folder", folder=TEXT, size=WHOLE), ("POST", "/studio/models"): _object("folder", folder=TEXT),
    ("POST", "/studio/sets"): _object("kind", kind={"enum": ["painted", "people", "drawn"]}, title=TEXT, count=WHOLE, size=WHOLE, folder=TEXT, source=TEXT,
                                      licence=TEXT, agreed=FLAG, who=TEXT),
    ("POST", "/studio/runs"): _object("set", "family", set=TEXT, family={"enum": ["vae", "gan", "diffusion"]}, px=WHOLE, hours=NUMBER, vae=TEXT, title=TEXT,
                                      size={"enum": ["tiny", "small", "base", "large"]}, steps=WHOLE),
    ("POST", "/studio/runs/{name}/go-on"): _object(hours=NUMBER),
    ("POST", "/draft/consent"): CONSENT, ("POST", "/draft/build"): PASSPHRASE,
    ("POST", "/twins/{name}/teach"): _object("asked", "said", asked=TEXT, said=TEXT),
    ("POST", "/twins/{name}/edit"): PERSONA, ("POST", "/twins/{name}/unlock"): PASSPHRASE, ("POST", "/twins/{name}/lock"): PASSPHRASE,
    ("POST", "/twins/{name}/bundle"): PASSPHRASE, ("POST", "/bundle"): "application/zip",
    ("POST", "/twins/{name}/film"): _object("text", text=TEXT, aspect={"enum": ["16:9", "1:1", "9:16"]}, captions=FLAG),
    ("POST", "/draft/reading"): "audio/*", ("POST", "/draft/face-check"): "image/*", ("POST", "/check"): FILE,
    ("POST", "/twins/{name}/consent"): _object("agreed", agreed=FLAG, scope={"enum": ["private", "link", "public"]},
                                               **{"for": {"type": "array", "items": TEXT}}),
    ("POST", "/twins/{name}/knowledge"): FILE, ("POST", "/twins/{name}/knowledge/find"): _object("text", text=TEXT),
    ("POST", "/twins/{name}/knowledge/{document}"): _object("private", private=FLAG),
    ("POST", "/twins/{name}/catalogue"): FILE, ("POST", "/twins/{name}/catalogue/find"): _object("text", text=TEXT),
    ("POST", "/twins/{name}/words"): FILE, ("POST", "/twins/{name}/words/begin"): _object(examples=FLAG),
    ("POST", "/twins/{name}/words/switch"): _object(on=FLAG, public=FLAG),
    ("POST", "/twins/{name}/memory"): _object("on", on=FLAG), ("POST", "/twins/{name}/memory/{fact}"): _object("object", object=TEXT),
    ("DELETE", "/twins/{name}/memory"): _object("sure", sure=FLAG),
    ("POST", "/models/fetch"): _object("model", model=TEXT, agreed=FLAG), ("POST", "/models/drop"): _object("model", model=TEXT),
    ("POST", "/models/use"): _object("task", "model", task={"enum": ["listen", "think"]}, model=TEXT, agreed=FLAG),
    ("POST", "/models/try"): _object("address", address=TEXT),
    ("POST", "/twins/{name}/withdraw"): SURE, ("DELETE", "/me"): SURE,
    ("POST", f"{SHARE}/account"): _object(token=TEXT), ("POST", f"{SHARE}/page"): _object(languages=LANGUAGES, endpoint=TEXT),
    ("POST", f"{SHARE}/space.zip"): _object(hardware=TEXT, mind=TEXT),
    ("POST", f"{SHARE}/publish"): _object("repo", repo=TEXT, token=TEXT, kind={"enum": ["gradio", "static"]}, hardware=TEXT, mind=TEXT, languages=LANGUAGES,
                                          endpoint=TEXT),
    ("POST", f"{SHARE}/update"): _object("repo", repo=TEXT, token=TEXT, mind=TEXT, languages=LANGUAGES, endpoint=TEXT),
    ("POST", f"{SHARE}/visible"): _object("repo", repo=TEXT, token=TEXT, private=FLAG, sure=FLAG),
    ("POST", f"{SHARE}/duplicate"): _object("repo", "to", repo=TEXT, to=TEXT, token=TEXT), ("POST", f"{SHARE}/unpublish"): _object(repo=TEXT, token=TEXT),
}
# (method, path) -> the kind of a good answer, where it is no JSON
ANSWERS: dict[tuple[str, str], str] = {
    ("POST", "/api/say"): "audio/wav", ("POST", "/draft/hear"): "audio/wav", ("POST", "/api/create"): LINES, ("POST", "/draft/build"): LINES,
    ("POST", "/draft/invent"): LINES, ("POST", "/draft/invent/like"): LINES,
    ("POST", "/twins/{name}/film"): LINES, ("POST", "/twins/{name}/bundle"): "application/zip", ("GET", "/twins/{name}/card.png"): "image/png",
    ("GET", "/media/films/{film}"): "video/mp4", ("GET", "/media/twins/{name}/face/{file}"): "image/webp", ("GET", "/metrics"): "text/plain",
    ("POST", "/twins/{name}/knowledge"): LINES, ("POST", f"{SHARE}/page"): LINES, ("POST", f"{SHARE}/publish"): LINES,
    ("POST", f"{SHARE}/update"): LINES, ("POST", f"{SHARE}/try"): LINES,
    ("POST", f"{SHARE}/space.zip"): "application/zip", ("GET", f"{SHARE}/page/{{page}}"): FILE, ("POST", "/me/export"): "application/zip",
    ("GET", "/studio/painter"): "image/webp", ("GET", "/studio/models/{where}/{name}/picture/{file}"): "image/webp",
    ("GET", "/studio/look/sheet"): "image/webp", ("GET", "/studio/sets/{name}/sheet"): "image/webp", ("GET", "/studio/runs/{name}/picture/{file}"): "image/png",
    ("GET", "/studio/models/made/{name}/download"): "application/zip",
    ("GET", "/healthz"): "text/plain", ("GET", "/web/{path}"): "*/*", ("GET", "/login/huggingface"): "text/html", ("GET", "/login/callback"): "text/html",
}
HEADERS: dict[tuple[str, str], dict[str, str]] = {
    ("POST", "/draft/voice"): {"X-Twin-Sentence": "0 to 11, or file", "X-Twin-Text": "what is said, percent-encoded", "X-Twin-Recording-Language": "en or zh"},
    ("POST", "/draft/card"): {"X-Twin-Name": "the file's name, percent-encoded"}, ("POST", "/draft/chat"): {"X-Twin-Speaker": "who the twin is in it"},
    ("POST", "/twins/{name}/knowledge"): {"X-Twin-Name": "the file's name, percent-encoded", "X-Twin-Private": "1 = it stays with its owner",
                                            "X-Twin-Model": "1 = the model server reads relations too"},
    ("POST", "/twins/{name}/catalogue"): {"X-Twin-Name": "the file's name, percent-encoded"},
    ("POST", "/twins/{name}/words"): {"X-Twin-Name": "the file's name, percent-encoded", "X-Twin-Speaker": "under which name they write in a chat"},
    ("POST", "/bundle"): {"X-Twin-Passphrase": "of the file, percent-encoded"},
    ("POST", "/draft/reading"): {"X-Twin-Sentence": "the id of the sentence that was read"},
    ("POST", "/check"): {"X-Twin-Name": "the file's name, percent-encoded"},
    ("POST", "/draft/face-check"): {"X-Twin-Turn": "the id of the turn", "X-Twin-First": "bytes of the first of the two pictures"},
}
ANYONE = ("/health", "/healthz", "/ready", "/metrics", "/login", "/login/huggingface", "/login/callback", "/web/{path}", "/check", "/openapi.json")
ERROR = _object("error", error=_object("code", "message", "hint", code=TEXT, message=TEXT, hint=TEXT))


class Document:
    """The route /openapi.json over these routes."""

    def __init__(self, routes: Sequence[BaseRoute]):
        self.routes = [route for route in routes if isinstance(route, Route)]

    def route(self) -> Route:
        return Route("/openapi.json", self.show)

    async def show(self, request: Request) -> Response:
        """This description."""
        return JSONResponse(self.described(), headers=ALWAYS | {"Access-Control-Allow-Origin": "*"})

    def described(self) -> Json:
        paths: dict[str, Json] = {}
        for route in [*self.routes, self.route()]:
            path = route.path.replace(":path}", "}")
            if path.endswith("/upload"):
                continue                                 # shut
            for method in sorted((route.methods or set()) - {"HEAD"}):
                paths.setdefault(path, {})[method.lower()] = _operation(method, path, route)
        token = {"type": "apiKey", "in": "header", "name": "X-Twin-Token", "description": "64 hexadecimal digits: a browser's own, or given at sign-in."}
        return {"openapi": "3.1.0", "info": {"title": "Twin", "version": "1", "description": "Talk with a digital human. docs/api.md has the rest: "
                                             "the live WebSocket, Gradio's endpoints, a Python client."},
                "paths": paths, "components": {"securitySchemes": {"token": token}, "schemas": {"Error": ERROR}}}


def _operation(method: str, path: str, route: Route) -> Json:
    key = method, path
    about = " ".join((route.endpoint.__doc__ or "").split())
    given = [{"name": part[1:-1], "in": "path", "required": True, "schema": TEXT} for part in path.split("/") if part.startswith("{")]
    given += [{"name": header, "in": "header", "required": False, "description": what, "schema": TEXT} for header, what in HEADERS.get(key, {}).items()]
    good = ANSWERS.get(key, ANSWER)
    told: Json = {"summary": about.partition(". ")[0].rstrip(".") or path, "description": about, "operationId": f"{method.lower()}{path}",
                  "responses": {"200": {"description": "As asked.", "content": {good: {}}},
                                "default": {"description": "What is wrong, and the way out.",
                                            "content": {ANSWER: {"schema": {"$ref": "#/components/schemas/Error"}}}}}}
    if given:
        told["parameters"] = given
    if (body := BODIES.get(key)) is not None:
        kind, shape = (ANSWER, body) if isinstance(body, dict) else (body, {"type": "string", "format": "binary"})
        told["requestBody"] = {"required": True, "content": {kind: {"schema": shape}}}
    if path not in ANYONE:
        told["security"] = [{"token": []}]
    return told
