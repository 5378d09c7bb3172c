"""A WebSocket peer of neither library: it sends what a test tells it to, right or wrong."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from tercel.wire.ws.handshake import accept_value
from tests.wsrows import frame

__all__ = ("KEY", "RawClient", "accept", "connected", "handshake")

KEY = "dGhlIHNhbXBsZSBub25jZQ=="


def handshake(path: str = "/", *more: str) -> bytes:
    """A client's handshake, with more field lines."""
    lines = [
        f"GET {path} HTTP/1.1",
        "Host: a",
        "Upgrade: websocket",
        "Connection: Upgrade",
        f"Sec-WebSocket-Key: {KEY}",
        "Sec-WebSocket-Version: 13",
        *more,
    ]
    return "\r\n".join(lines).encode() + b"\r\n\r\n"


async def accept(
    reader: asyncio.StreamReader, writer: asyncio.StreamWriter, *more: str
) -> dict[str, str]:
    """The server's part of a handshake; the fields of the client's."""
    head = (await reader.readuntil(b"\r\n\r\n")).decode()
    fields = dict(line.split(": ", 1) for line in head.split("\r\n")[1:-2])
    lines = [
        "HTTP/1.1 101 Switching Protocols",
        "Upgrade: websocket",
        "Connection: Upgrade",
        f"Sec-WebSocket-Accept: {accept_value(fields['Sec-WebSocket-Key'])}",
        *more,
    ]
    writer.write("\r\n".join(lines).encode() + b"\r\n\r\n")
    return fields


class RawClient:
    """The client's end of a WebSocket, frame by frame."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader = reader
        self.writer = writer
        self.head = b""

    def send(self, opcode: int, payload: bytes = b"", **how: bool) -> None:
        self.writer.write(frame(opcode, payload, **how))  # type: ignore[arg-type]

    async def read_frame(self) -> tuple[int, bytes]:
        """First octet and payload of the next frame, (-1, b"") at the end."""
        try:
            first, size = await self.reader.readexactly(2)
            if size == 126:
                size = int.from_bytes(await self.reader.readexactly(2), "big")
            elif size == 127:
                size = int.from_bytes(await self.reader.readexactly(8), "big")
            return first, await self.reader.readexactly(size)
        except (asyncio.IncompleteReadError, ConnectionError):
            return -1, b""


@asynccontextmanager
async def connected(port: int, *more: str) -> AsyncIterator[RawClient]:
    """A WebSocket to 127.0.0.1 whose handshake is done."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        writer.write(handshake("/", *more))
        client = RawClient(reader, writer)
        client.head = await reader.readuntil(b"\r\n\r\n")
        yield client
    finally:
        writer.transport.abort()
        await asyncio.sleep(0)
