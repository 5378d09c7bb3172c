"""A client that belongs to neither library: raw asyncio streams, answers read by h11.

It sends exactly the bytes it is given, adds no header of its own beyond those named in `request`,
and reads one answer at a time, so that a test sees what was on the wire.
"""

import asyncio
import ssl
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

import h11

__all__ = ["Answer", "Connection", "Server"]

Headers = Mapping[str, str] | Iterable[tuple[str, str]]


@dataclass
class Answer:
    """One answer as it came: fields in order, their names as sent."""

    status: int
    reason: str
    fields: list[tuple[str, str]]
    body: bytes
    version: str
    interim: list[int] = field(default_factory=list)

    @property
    def text(self) -> str:
        return self.body.decode("utf-8")

    def all(self, name: str) -> list[str]:
        return [value for key, value in self.fields if key.lower() == name.lower()]

    def __getitem__(self, name: str) -> str:
        found = self.all(name)
        if not found:
            raise KeyError(f"the answer has no {name}; it has {[key for key, _ in self.fields]}")
        return ", ".join(found)

    def get(self, name: str) -> str | None:
        found = self.all(name)
        return ", ".join(found) if found else None

    def cookie(self, name: str) -> str:
        """Return the one Set-Cookie line that sets `name`."""
        lines = [line for line in self.all("Set-Cookie") if line.startswith(name + "=")]
        assert len(lines) == 1, f"Set-Cookie of {name}: {lines}"
        return lines[0]


class Connection:
    """One connection to a server. `send` bytes, `receive` answers."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader = reader
        self.writer = writer
        self._held = b""

    @property
    def port(self) -> int:
        return int(self.writer.get_extra_info("sockname")[1])

    async def send(self, data: bytes) -> None:
        self.writer.write(data)
        await self.writer.drain()

    async def receive(self, method: str = "GET") -> Answer:
        """Read one whole answer to a request of `method`; interim answers are noted in it."""
        parser = h11.Connection(h11.CLIENT, max_incomplete_event_size=1 << 20)
        parser.send(h11.Request(method=method, target="/", headers=[("Host", "x")]))
        parser.send(h11.EndOfMessage())
        if self._held:
            parser.receive_data(self._held)
        answer: Answer | None = None
        interim: list[int] = []
        body = bytearray()
        while True:
            event = parser.next_event()
            if event is h11.NEED_DATA:
                parser.receive_data(await self.reader.read(65536))
            elif isinstance(event, h11.InformationalResponse):
                interim.append(event.status_code)
                if event.status_code == 101:
                    raise AssertionError("the server switched protocols")
            elif isinstance(event, h11.Response):
                answer = Answer(
                    status=event.status_code,
                    reason=event.reason.decode("latin-1"),
                    fields=[
                        (key.decode("latin-1"), value.decode("utf-8"))
                        for key, value in event.headers.raw_items()
                    ],
                    body=b"",
                    version=event.http_version.decode("ascii"),
                    interim=interim,
                )
            elif isinstance(event, h11.Data):
                body += event.data
            elif isinstance(event, h11.EndOfMessage):
                assert answer is not None
                answer.body = bytes(body)
                self._held = parser.trailing_data[0]
                return answer
            else:
                raise AssertionError(f"the server ended the connection without an answer: {event}")

    async def receive_raw(self) -> bytes:
        """Read until the server closes."""
        held, self._held = self._held, b""
        return held + await self.reader.read()

    async def receive_head(self) -> bytes:
        """Read up to and with the empty line of the next head."""
        while b"\r\n\r\n" not in self._held:
            data = await self.reader.read(65536)
            if not data:
                raise AssertionError(f"the connection ended within a head: {self._held!r}")
            self._held += data
        head, _, self._held = self._held.partition(b"\r\n\r\n")
        return head + b"\r\n\r\n"

    async def is_closed_by_server(self) -> bool:
        """Wait for the end of what the server sends: True when it closes without another byte."""
        try:
            return not self._held and not await self.reader.read(1)
        except ConnectionError:
            return True

    async def request(
        self, method: str, target: str, headers: Headers = (), body: bytes | None = None
    ) -> Answer:
        await self.send(encode_request(method, target, headers, body))
        return await self.receive(method)

    async def close(self) -> None:
        self.writer.close()
        try:
            await self.writer.wait_closed()
        except (ConnectionError, ssl.SSLError):
            pass

    def abort(self) -> None:
        """Drop the connection without ceremony."""
        self.writer.transport.abort()


def encode_request(
    method: str, target: str, headers: Headers = (), body: bytes | None = None
) -> bytes:
    pairs = list(headers.items() if isinstance(headers, Mapping) else headers)
    names = {name.lower() for name, _ in pairs}
    if "host" not in names:
        pairs.insert(0, ("Host", "localhost"))
    if body is not None and "content-length" not in names and "transfer-encoding" not in names:
        pairs.append(("Content-Length", str(len(body))))
    lines = [f"{method} {target} HTTP/1.1", *(f"{name}: {value}" for name, value in pairs)]
    return "\r\n".join(lines).encode("utf-8") + b"\r\n\r\n" + (body or b"")


class Server:
    """A running server of the subject: its runner, its site, and connections to it."""

    def __init__(self, runner: Any, site: Any, host: str, port: int) -> None:
        self.runner = runner
        self.site = site
        self.host = host
        self.port = port
        self._connections: list[Connection] = []

    @property
    def authority(self) -> str:
        return f"{self.host}:{self.port}"

    async def connect(self, **kwargs: Any) -> Connection:
        reader, writer = await asyncio.open_connection(self.host, self.port, **kwargs)
        connection = Connection(reader, writer)
        self._connections.append(connection)
        return connection

    async def request(
        self, method: str, target: str, headers: Headers = (), body: bytes | None = None
    ) -> Answer:
        """Ask on a connection of its own, which is closed after the answer."""
        connection = await self.connect()
        try:
            return await connection.request(method, target, headers, body)
        finally:
            await connection.close()

    async def get(self, target: str, headers: Headers = ()) -> Answer:
        return await self.request("GET", target, headers)

    async def post(self, target: str, body: bytes, headers: Headers = ()) -> Answer:
        return await self.request("POST", target, headers, body)

    async def close(self) -> None:
        for connection in self._connections:
            if not connection.writer.is_closing():
                await connection.close()
        await self.runner.cleanup()
