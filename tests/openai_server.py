"""A model server of OpenAI's protocol, as a process of its own: `python openai_server.py`. Prints its port. How it behaves is the model's name."""
from __future__ import annotations

import asyncio
import json
import socket
from typing import Any

import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.routing import Route

seen: dict[str, Any] = {"asked": 0, "closed": 0, "sent": 0, "key": "", "body": {}}
WORDS = ["I ", "mend ", "clocks", ", in ", "Zürich. ", "你好。"]


def event(word: str) -> bytes:
    return f"data: {json.dumps({'choices': [{'delta': {'content': word}}]}, ensure_ascii=False)}\n\n".encode()


def piece(at: Any = None, own: str = "", name: str = "", arguments: Any = None) -> bytes:
    """A piece of a call, with what is not None of it."""
    function = {key: value for key, value in (("name", name), ("arguments", arguments)) if value not in ("", None)}
    row = {key: value for key, value in (("index", at), ("id", own), ("function", function)) if value not in ("", None)}
    return f"data: {json.dumps({'choices': [{'delta': {'content': None, 'tool_calls': [row]}}]})}\n\n".encode()


TWO = {                                                  # the same two calls, as servers are known to send them
    "calls-openai": [piece(0, "a1", "clock", ""), piece(1, "b2", "calculator", ""), *(piece(1, arguments=part) for part in ('{"expr', 'ession": "6', ' * 7"}')), piece(0, arguments="{}")],
    "calls-whole": [piece(0, "a1", "clock", "{}"), piece(0, "b2", "calculator", '{"expression": "6 * 7"}')],
    "calls-bare": [piece(own="a1", name="clock"), piece(own="b2", name="calculator"), piece(arguments='{"expression":'), piece(arguments=' "6 * 7"}')],
    "calls-objects": [piece(own="a1", name="clock", arguments={}), piece(own="b2", name="calculator", arguments={"expression": "6 * 7"})],
    "calls-unnamed": [piece(0, name="clock"), piece(1, name="calculator", arguments='{"expression": "6 * 7"}')],
}


async def functions(body: dict[str, Any]) -> Any:
    """A model that calls functions: events, or a Response of a server that knows none."""
    model, last, told = body["model"], body["messages"][-1], [m for m in body["messages"] if m["role"] == "tool"]
    if model == "calls-slow":
        return None
    if model == "calls-endless" and body.get("tool_choice") != "none":
        return [event("Hm. "), piece(0, f"c{len(told)}", "clock", "{}")]
    if told:
        return [event(f"I have: {json.dumps([m['content'] for m in told])}")] if model != "calls-then-endless" else None
    if model == "calls-broken":
        return [piece(0, "a1", "calculator", '{"expression": 6 *')]
    if model == "calls-many":
        return [piece(n, f"id{n}", "clock", "{}") for n in range(40)]
    if model == "calls-thinking":
        return [event("<think>which tool"), event("?</think>"), *TWO["calls-openai"]]
    if model.startswith("calls-not"):                    # a server that knows no tools, in one of the ways there are
        code = int(model[len("calls-not-"):])
        if "tools" in body or any(m["role"] == "tool" for m in body["messages"]):
            return JSONResponse({"error": {"message": "tools param requires --jinja flag" if code >= 404 else "unknown field"}}, code)
        if last["content"].startswith("<tool_response>"):
            return [event("I have: " + last["content"].split("\n")[1])]
        if "<tools>" in body["messages"][0]["content"]:
            return [event("One moment. "), event("<tool_"), event('call>{"name": "calculator", "arguments": {"expression": "6 * 7"}}'), event("</tool_call>")]
        return [event("No tools.")]
    return [event("One moment. "), *TWO.get(model, TWO["calls-openai"])]


def relations(body: dict[str, Any]) -> Any:
    """A model that reads relations, some of them wrongly, as a server gives them that can hold it to a schema, to JSON, or to nothing."""
    model, form, asked = body["model"], body.get("response_format", {}).get("type"), body["messages"][-1]["content"]
    if model == "json-object" and form == "json_schema" or model == "json-plain" and form:
        return JSONResponse({"error": {"message": "response_format is not supported"}}, 400 if model == "json-object" else 500)
    if model == "json-refuses":
        return JSONResponse({"error": {}}, 401)
    said = "To everybody's surprise it was Clara Whitfield who got the museum going."
    rows = [["Clara Whitfield", "founded", "museum", said], ["Ines", "sibling_of", "Clara Whitfield", "With her sister Ines she quarrelled."],
            ["Clara Whitfield", "loves", "museum", said], ["Clara Whitfield", "owns", "museum", "Clara Whitfield bought the museum."], ["Napoleon", "founded", "museum", said],
            ["Clara Whitfield", "lives_in", "Paris", said], ["she", "founded", "museum", said], ["Clara Whitfield", "founded", "Clara Whitfield", said], [7, "founded", "museum", said], "rubbish"]
    told = json.dumps({"relations": [dict(zip(("subject", "relation", "object", "sentence"), row)) if isinstance(row, list) else row for row in rows] if said in asked else []}, ensure_ascii=False)
    text = "{" if model == "json-broken" else told if form == "json_schema" else f"Here they are:\n```json\n{told}\n```"
    return [event(text[at:at + 50]) for at in range(0, len(text), 50)]


async def chat(request: Request) -> Response:
    body = await request.json()
    seen.update(asked=seen["asked"] + 1, key=request.headers.get("authorization", ""), body=body, bodies=[*seen.get("bodies", []), body][-9:])
    events = await functions(body) if body["model"].startswith("calls-") else relations(body) if body["model"].startswith("json-") else None
    if isinstance(events, Response):
        return events
    model, tries = body["model"], seen["asked"]
    if model.startswith("status-"):
        _, code, times = model.split("-")
        if tries <= int(times):
            return JSONResponse({"error": {"message": "secret of " + str(body["messages"])}}, int(code), {"retry-after": "0.1"})
    if model == "later":
        return JSONResponse({}, 429, {"retry-after": "3600"})
    if model == "whole":
        return JSONResponse({"choices": [{"message": {"content": "".join(WORDS)}}]})

    async def stream() -> Any:
        try:
            if events is not None:
                for one in events:
                    yield one
                yield b"data: [DONE]\n\n"
            elif model == "calls-slow":                  # never done with its arguments
                yield piece(0, "a1", "calculator", '{"expression": "')
                for n in range(10_000):
                    seen["sent"] = n
                    yield piece(0, arguments="1 + ")
                    await asyncio.sleep(0.01)
            elif model == "nothing":
                yield b"data: [DONE]\n\n"
            elif model == "silent":
                await asyncio.sleep(60)
            elif model == "stalls":
                yield event("I ")
                await asyncio.sleep(60)
            elif model == "breaks":
                yield event("I ")
                raise RuntimeError("the process was killed")
            elif model == "says-error":
                yield event("I ")
                yield b'data: {"error": {"message": "out of memory"}}\n\n'
            elif model == "bytes":                       # every byte a packet of its own, between comments and rubbish
                for byte in b": hello\r\n\r\ndata: {]\n\ndata: 7\n\n" + b"".join(map(event, WORDS)) + b"data: [DONE]":
                    yield bytes([byte])
                    await asyncio.sleep(0)
            elif model in ("endless", "calls-then-endless"):
                for n in range(10_000):
                    seen["sent"] = n
                    yield event(f"word{n} ")
                    await asyncio.sleep(0.01)
            else:
                for word in (["<thi", "nk>let me see", "</th", "ink>\n\n"] if model == "thinks" else []) + WORDS:
                    yield event(word)
                yield b"data: [DONE]\n\n"
        finally:
            seen["closed"] += 1
    return StreamingResponse(stream(), media_type="text/event-stream")


async def models(request: Request) -> Response:
    return JSONResponse({"data": [{"id": "plain"}, {"id": "other"}]})


async def told(request: Request) -> Response:
    answer = JSONResponse(seen.copy())
    if request.method == "DELETE":
        seen.update(asked=0, closed=0, sent=0, key="", body={}, bodies=[])
    return answer


app = Starlette(routes=[Route("/v1/chat/completions", chat, methods=["POST"]), Route("/v1/models", models), Route("/seen", told, methods=["GET", "DELETE"]),
                        Route("/empty/models", lambda request: JSONResponse({"data": []}))])

if __name__ == "__main__":
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        free.listen(64)
        print(free.getsockname()[1], flush=True)
        uvicorn.Server(uvicorn.Config(app, log_level="critical")).run(sockets=[free])
