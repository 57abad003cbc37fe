"""The live channel between one browser and one conversation, whatever carries it.

outbox.py numbers and keeps what is to be told; requests.py checks what a browser may say and handlers.py acts on it; microphone.py gathers
its sound; session.py owns them and the conversation; live.py keeps all sessions and carries one over a WebSocket (page/transport.py over
Gradio's stream); media.py serves files; phrases.py is what the server itself says.
"""
