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


async def chat(request: Request) -> Response:
    body = await request.json()
    seen.update(asked=seen["asked"] + 1, key=request.headers.get("authorization", ""), body=body)
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
            if model == "nothing":
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
            elif model == "endless":
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
        seen.update(asked=0, closed=0, sent=0, key="", body={})
    return answer


app = Starlette(routes=[Route("/v1/chat/completions", chat, methods=["POST"]), Route("/v1/models", models), Route("/seen", told, methods=["GET", "DELETE"]),
                        Route("/empty/models", lambda request: JSONResponse({"data": []}))])

if __name__ == "__main__":
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        free.listen(64)
        print(free.getsockname()[1], flush=True)
        uvicorn.Server(uvicorn.Config(app, log_level="critical")).run(sockets=[free])
