"""Room in memory for what is being sent: each sender holds as much as their own file may have, so that slow ones hold up nobody else."""
from __future__ import annotations

from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from starlette.requests import Request

from ..errors import Refused
from .answers import body_of
from .door import Door

MOST = 1024 * 2**20      # bytes of all senders together
EACH = 3                 # that one user sends at once; an address may have half of MOST


class Bodies:
    def __init__(self, door: Door, most: int = MOST):
        self.door, self.most = door, most
        self.held: Counter[str] = Counter()              # bytes by address
        self.senders: Counter[str] = Counter()

    @asynccontextmanager
    async def take(self, request: Request, user: str, most: int) -> AsyncIterator[bytes]:
        """The body, at most so many bytes, while it is worked on. Raises Refused, at once where there is no room."""
        length = request.headers.get("content-length", "")
        size = min(int(length), most) if length.isdigit() else most
        address = self.door.address(request.scope)
        if self.senders[user] >= EACH or self.held.total() + size > self.most or self.held[address] + size > self.most / 2:
            raise Refused("Too much is being sent at once.", "Wait until the other file has arrived, then try again.", code="busy",
                          zh=("同时上传的文件太多了。", "请等另一个文件传完再试。"))
        self.held[address] += size
        self.senders[user] += 1
        try:
            yield await body_of(request, most)
        finally:
            for counter, name, by in ((self.held, address, size), (self.senders, user, 1)):
                counter[name] -= by
                if not counter[name]:
                    del counter[name]
