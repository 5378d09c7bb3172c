"""A server that says exactly what a test tells it to, octet by octet."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

__all__ = ("Asked", "Peer", "answer", "forgive", "read_request", "scripted", "serving_peer")


@dataclass
class Asked:
    """One request as it came over the wire."""

    line: str
    fields: list[tuple[str, str]]
    body: bytes
    raw_body: bytes = b""

    @property
    def method(self) -> str:
        return self.line.split(" ")[0]

    @property
    def target(self) -> str:
        return self.line.split(" ")[1]

    def get(self, name: str) -> str | None:
        found = [value for key, value in self.fields if key.lower() == name.lower()]
        assert len(found) < 2, f"{name} came {len(found)} times"
        return found[0] if found else None


@dataclass
class Peer:
    """The server: its URL, what it was asked, how many connections it has had."""

    port: int = 0
    asked: list[Asked] = field(default_factory=list)
    connections: int = 0
    open_connections: int = 0

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"


Play = Callable[[Peer, asyncio.StreamReader, asyncio.StreamWriter], Awaitable[Any]]


async def read_head(reader: asyncio.StreamReader) -> Asked | None:
    try:
        head = await reader.readuntil(b"\r\n\r\n")
    except asyncio.IncompleteReadError:
        return None
    line, *lines = head.decode("latin-1")[:-4].split("\r\n")
    fields = []
    for each in lines:
        name, _, value = each.partition(": ")
        fields.append((name, value))
    return Asked(line, fields, b"")


async def read_body(reader: asyncio.StreamReader, asked: Asked) -> None:
    if (asked.get("Transfer-Encoding") or "") == "chunked":
        while True:
            size_line = await reader.readuntil(b"\r\n")
            size = int(size_line, 16)
            data = await reader.readexactly(size + 2)
            asked.raw_body += size_line + data
            asked.body += data[:-2]
            if not size:
                return
    length = int(asked.get("Content-Length") or 0)
    asked.body = asked.raw_body = await reader.readexactly(length)


async def read_request(reader: asyncio.StreamReader) -> Asked | None:
    """The next request, or None when the client has closed its side."""
    asked = await read_head(reader)
    if asked is not None:
        await read_body(reader, asked)
    return asked


def answer(
    status: int = 200, body: bytes = b"", *fields: tuple[str, str], reason: str = "Said"
) -> bytes:
    """A whole answer with Content-Length."""
    lines = [f"HTTP/1.1 {status} {reason}", f"Content-Length: {len(body)}"]
    lines += [f"{name}: {value}" for name, value in fields]
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + body


def scripted(*answers: bytes | Callable[[Asked], bytes]) -> Play:
    """Answer requests with these, one after another over all connections; the last one repeats."""
    turn = iter(range(10**9))

    async def play(peer: Peer, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while (asked := await read_request(reader)) is not None:
            peer.asked.append(asked)
            said = answers[min(next(turn), len(answers) - 1)]
            writer.write(said if isinstance(said, bytes) else said(asked))
            await writer.drain()

    return play


def forgive(writer: asyncio.StreamWriter) -> None:
    """Take note of a connection's error, so that asyncio's streams don't complain of it."""
    closed = writer._protocol._get_close_waiter(writer)  # type: ignore[attr-defined]
    closed.add_done_callback(lambda done: done.cancelled() or done.exception())


@asynccontextmanager
async def serving_peer(play: Play, ssl: Any = None) -> AsyncIterator[Peer]:
    """Serve `play` on an ephemeral port; what it raises is the test's failure."""
    peer = Peer()
    tasks: set[asyncio.Task[None]] = set()
    failures: list[BaseException] = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        forgive(writer)
        peer.connections += 1
        peer.open_connections += 1
        task = asyncio.current_task()
        assert task is not None
        tasks.add(task)
        try:
            await play(peer, reader, writer)
        except (ConnectionError, asyncio.IncompleteReadError, asyncio.CancelledError):
            pass
        except BaseException as error:
            failures.append(error)
        finally:
            peer.open_connections -= 1
            tasks.discard(task)
            writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0, ssl=ssl)
    peer.port = server.sockets[0].getsockname()[1]
    try:
        yield peer
    finally:
        server.close()
        for task in list(tasks):
            task.cancel()
        if tasks:
            await asyncio.wait(tasks)
        await asyncio.sleep(0)
    if failures:
        raise failures[0]
