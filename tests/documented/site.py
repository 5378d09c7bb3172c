"""A server that belongs to neither library: it answers a client's requests with scripted bytes.

Requests are read by h11. A script is bytes, or a function of the request that gives bytes, `None`
(close without an answer), or `Last(bytes)` (close after it); it may be a coroutine function.
"""

import asyncio
import ssl
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import h11

__all__ = ["Asked", "Last", "Site", "reply"]


@dataclass
class Asked:
    """One request as it came."""

    method: str
    target: str
    fields: list[tuple[str, str]]
    body: bytes
    connection: int
    version: str

    @property
    def text(self) -> str:
        return self.body.decode("utf-8")

    def all(self, name: str) -> list[str]:
        return [value for key, value in self.fields if key.lower() == name.lower()]

    def __getitem__(self, name: str) -> str:
        found = self.all(name)
        if not found:
            raise KeyError(f"the request has no {name}; it has {[key for key, _ in self.fields]}")
        return ", ".join(found)

    def get(self, name: str) -> str | None:
        found = self.all(name)
        return ", ".join(found) if found else None


class Last(bytes):
    """An answer after which the server closes the connection."""


def reply(
    body: bytes | str = b"",
    status: int | str = 200,
    headers: Any = (),
    *,
    length: bool = True,
) -> bytes:
    """The bytes of an answer. `headers` is a dict or pairs; Content-Length is added."""
    data = body.encode() if isinstance(body, str) else body
    line = f"{status} Scripted" if isinstance(status, int) else status
    pairs = list(headers.items() if isinstance(headers, dict) else headers)
    if length:
        pairs.append(("Content-Length", str(len(data))))
    lines = [f"HTTP/1.1 {line}", *(f"{name}: {value}" for name, value in pairs), "", ""]
    return "\r\n".join(lines).encode("utf-8", "surrogateescape") + data


Script = bytes | Callable[[Asked], Any]


class Site:
    """A listening scripted server; `requests` holds what it was asked."""

    def __init__(self, script: Script, *, continues: bool = True) -> None:
        self.script = script
        self.continues = continues
        self.requests: list[Asked] = []
        self.connections = 0
        self.continued = 0
        self._server: asyncio.Server | None = None
        self._tasks: set[asyncio.Task[None]] = set()
        self._writers: list[asyncio.StreamWriter] = []
        self.scheme = "http"
        self.host = "127.0.0.1"
        self.port = 0

    @property
    def url(self) -> str:
        return f"{self.scheme}://{self.host}:{self.port}"

    @property
    def last(self) -> Asked:
        return self.requests[-1]

    async def start(
        self, *, ssl_context: ssl.SSLContext | None = None, path: str | None = None
    ) -> None:
        if path is not None:
            self._server = await asyncio.start_unix_server(self._accept, path)
            return
        if ssl_context is not None:
            self.scheme = "https"
        self._server = await asyncio.start_server(self._accept, self.host, 0, ssl=ssl_context)
        self.port = self._server.sockets[0].getsockname()[1]

    async def close(self) -> None:
        assert self._server is not None
        self._server.close()
        for task in list(self._tasks):
            task.cancel()
        if self._tasks:
            await asyncio.wait(self._tasks)
        for writer in self._writers:
            writer.transport.abort()
        await asyncio.sleep(0)

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        self._writers.append(writer)
        number = self.connections
        self.connections += 1
        try:
            await self._serve(number, reader, writer)
        except (ConnectionError, asyncio.CancelledError, ssl.SSLError, h11.RemoteProtocolError):
            pass
        finally:
            self._tasks.discard(task)
            writer.close()

    async def _serve(
        self, number: int, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        held = b""
        while True:
            asked, held = await self._read(number, held, reader, writer)
            if asked is None:
                return
            self.requests.append(asked)
            found = self.script(asked) if callable(self.script) else self.script
            if hasattr(found, "__await__"):
                found = await found
            if found is None:
                return
            writer.write(found)
            await writer.drain()
            if isinstance(found, Last):
                return

    async def _read(
        self,
        number: int,
        held: bytes,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
    ) -> tuple[Asked | None, bytes]:
        parser = h11.Connection(h11.SERVER, max_incomplete_event_size=1 << 20)
        if held:
            parser.receive_data(held)
        asked: Asked | None = None
        body = bytearray()
        while True:
            event = parser.next_event()
            if event is h11.NEED_DATA:
                if parser.they_are_waiting_for_100_continue and self.continues and asked:
                    self.continued += 1
                    parser.send(h11.InformationalResponse(status_code=100, headers=[]))
                    writer.write(b"HTTP/1.1 100 Continue\r\n\r\n")
                data = await reader.read(65536)
                if not data and asked is None:
                    return None, b""
                parser.receive_data(data)
            elif isinstance(event, h11.Request):
                asked = Asked(
                    method=event.method.decode("ascii"),
                    target=event.target.decode("ascii"),
                    fields=[
                        (key.decode("latin-1"), value.decode("utf-8"))
                        for key, value in event.headers.raw_items()
                    ],
                    body=b"",
                    connection=number,
                    version=event.http_version.decode("ascii"),
                )
            elif isinstance(event, h11.Data):
                body += event.data
            elif isinstance(event, h11.EndOfMessage):
                assert asked is not None
                asked.body = bytes(body)
                return asked, parser.trailing_data[0]
            else:
                return None, b""
