"""A low-level server on an ephemeral port, and raw connections to it."""

import asyncio
import gc
import logging
import socket
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

from tercel import web
from tests.documented.neutral import Connection

__all__ = ("GET", "Low", "eventually", "low_server", "post")

GET = b"GET / HTTP/1.1\r\nHost: a\r\n\r\n"


def post(body: bytes, *fields: bytes, target: bytes = b"/") -> bytes:
    """A POST with `body` and its length."""
    lines = [b"POST " + target + b" HTTP/1.1", b"Host: a", b"Content-Length: %d" % len(body)]
    return b"\r\n".join([*lines, *fields]) + b"\r\n\r\n" + body


async def eventually(is_so: Callable[[], object]) -> None:
    """Wait until `is_so()`; the time limit of the test is the limit."""
    while not is_so():
        await asyncio.sleep(0.005)


class Low:
    """A running `web.Server`."""

    def __init__(self, server: Any, port: int) -> None:
        self.server = server
        self.port = port
        self._open: list[Connection] = []

    async def connect(self, receive_buffer: int | None = None) -> Connection:
        """A connection; `receive_buffer` bounds what the kernel takes for us."""
        sock = socket.socket()
        if receive_buffer is not None:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
        sock.setblocking(False)
        await asyncio.get_running_loop().sock_connect(sock, ("127.0.0.1", self.port))
        made = Connection(*await asyncio.open_connection(sock=sock, limit=2**16))
        self._open.append(made)
        return made

    async def ask(self, data: bytes, end: bool = False) -> bytes:
        """Send `data` and read until the server closes."""
        connection = await self.connect()
        await connection.send(data)
        if end:
            connection.writer.write_eof()
        return await connection.receive_raw()

    async def close(self) -> None:
        for connection in self._open:
            connection.abort()
            await connection.close()


@asynccontextmanager
async def low_server(handler: Any, **settings: Any) -> AsyncIterator[Low]:
    """Serve `handler` while the block lasts; nothing may be left of it afterwards."""
    settings.setdefault("access_log", None)
    server = web.Server(handler, **settings)
    listener = await asyncio.get_running_loop().create_server(server, "127.0.0.1", 0)
    low = Low(server, listener.sockets[0].getsockname()[1])
    try:
        yield low
    finally:
        listener.close()
        await low.close()
        await server.shutdown(0.2)
        assert not server.connections
        assert not server._tasks
        gc.collect()


def warnings_of(records: list[logging.LogRecord]) -> list[logging.LogRecord]:
    """Records of warnings and worse, without those of asyncio itself."""
    return [
        record
        for record in records
        if record.levelno >= logging.WARNING and record.name.startswith("tercel")
    ]
