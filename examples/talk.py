"""Talk with a twin over its live WebSocket, in sixty lines: python examples/talk.py [http://127.0.0.1:7860] [--twin maya] [--wav answer.wav]

Needs `pip install websockets`. The protocol is in docs/api.md.
"""
import argparse
import asyncio
import json
import secrets
import struct
import wave

from websockets.asyncio.client import connect


def unpack(message: str | bytes) -> tuple[dict, bytes]:
    """JSON text, or a binary frame: u32 length of the JSON, the JSON, the payload (sound, then motion)."""
    if isinstance(message, str):
        return json.loads(message), b""
    size = struct.unpack_from("<I", message)[0]
    return json.loads(message[4:4 + size]), message[4 + size:]


async def answer(socket, text: str) -> tuple[str, bytes]:
    """Ask, and hear all of it: (the words, 24 kHz mono int16)."""
    await socket.send(json.dumps({"type": "say", "text": text}))
    turn, words, sound = None, "", b""
    async for message in socket:
        header, payload = unpack(message)
        if header["type"] == "error":
            raise SystemExit(f"{header['message']} {header['hint']}")
        if header["type"] == "queue" and header["place"]:
            print(header["message"])
        if header["type"] == "heard":                    # our question, as the twin understood it
            turn = header["turn"]
        if header["type"] == "spoken" and header["turn"] == turn:
            words += header["text"]
            if header["audio"]:                          # whoever plays it reports what was heard as it sounds; here it is heard at once
                sound += payload[:sum(header["audio"]["sizes"])]
                await socket.send(json.dumps({"type": "heard", "turn": turn, "at": header["at"] + header["seconds"]}))
        if header["type"] == "ended" and header["turn"] == turn:
            break
    return words.strip(), sound


async def main(options: argparse.Namespace) -> None:
    hello = {"type": "hello", "token": options.token or secrets.token_hex(32), "twin": options.twin, "codecs": ["pcm16"]}
    async with connect(options.url.rstrip("/").replace("http", "ws", 1) + "/live", max_size=None) as socket:
        await socket.send(json.dumps(hello))
        ready, _ = unpack(await socket.recv())
        if ready["type"] == "error":
            raise SystemExit(f"{ready['message']} {ready['hint']}")
        print(f"{ready['twin']['name']['en']} is an AI. Ask away; an empty line ends it.")
        while text := (await asyncio.to_thread(input, "> ")).strip():
            words, sound = await answer(socket, text)
            print(words)
            if options.wav:
                with wave.open(options.wav, "wb") as file:
                    file.setparams((1, 2, 24_000, 0, "NONE", ""))
                    file.writeframes(sound)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("url", nargs="?", default="http://127.0.0.1:7860")
    parser.add_argument("--twin", default="maya")
    parser.add_argument("--token", default="", help="64 hexadecimal digits: whose twins and conversations (default: somebody new)")
    parser.add_argument("--wav", default="", help="write the last answer's sound there")
    asyncio.run(main(parser.parse_args()))
