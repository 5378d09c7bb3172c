"""A scripted peer, for tests of clients: a server that says and expects exactly what it is told.

In: a script for each connection, a coroutine function that is given a `Line`. Out: an address on
this machine, and AssertionError where the client said something else, ended early, or opened more
or fewer connections than there are scripts. Every wait is bounded.
"""

from __future__ import annotations

import asyncio
import re
import socket
import struct
from collections.abc import Awaitable, Callable
from types import TracebackType
from typing import TypeVar

from yarl import URL

__all__ = ("Line", "Script", "ScriptedPeer")

_T = TypeVar("_T")


class Line:
    """One connection of a scripted peer, from the peer's side.

    `received` is all that has come so far. Waits for longer than `timeout` seconds raise
    AssertionError.
    """

    def __init__(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, timeout: float
    ) -> None:
        self._reader = reader
        self._writer = writer
        self._timeout = timeout
        self._held = b""
        self.received = b""

    async def say(self, data: bytes | str) -> None:
        """Send octets, and wait until the system has most of them."""
        self._writer.write(data.encode() if isinstance(data, str) else data)
        await self._bounded(self._writer.drain(), "the client read nothing")

    async def expect(self, wanted: bytes | str | re.Pattern[bytes]) -> bytes:
        """Take exactly these octets, or the first ones that a pattern matches from the start on."""
        if isinstance(wanted, re.Pattern):
            while not (found := wanted.match(self._held)):
                await self._more(f"a match of {wanted.pattern!r}")
            return self._take(found.end())
        data = wanted.encode() if isinstance(wanted, str) else wanted
        while len(self._held) < len(data) and data.startswith(self._held):
            await self._more(repr(data))
        if not self._held.startswith(data):
            raise AssertionError(f"{self._held[:200]!r} came, expected {data!r}")
        return self._take(len(data))

    async def expect_until(self, separator: bytes) -> bytes:
        """Take all octets up to and with `separator`."""
        while separator not in self._held:
            await self._more(f"{separator!r} at the end of it")
        return self._take(self._held.index(separator) + len(separator))

    async def expect_head(self) -> bytes:
        """Take one head, whatever it says, up to and with its empty line."""
        return await self.expect_until(b"\r\n\r\n")

    async def receive(self, count: int) -> bytes:
        """Take exactly `count` octets."""
        while len(self._held) < count:
            await self._more(f"{count} octets")
        return self._take(count)

    async def expect_end(self) -> None:
        """Wait until the client closes its side, saying nothing more."""
        try:
            held = self._held or await self._bounded(self._reader.read(65536), "it stays open")
        except ConnectionError:
            return
        if held:
            raise AssertionError(f"{held[:200]!r} came, expected the end of the connection")

    async def pause(self, seconds: float) -> None:
        """Do nothing for a while."""
        await asyncio.sleep(seconds)

    async def end(self) -> None:
        """Close our side only: the client may go on sending."""
        self._writer.write_eof()

    async def close(self) -> None:
        """Close the connection in good order."""
        self._writer.close()

    async def reset(self) -> None:
        """Cut the connection: the client sees a reset."""
        sock = self._writer.get_extra_info("socket")
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self._writer.transport.abort()

    def _take(self, count: int) -> bytes:
        data, self._held = self._held[:count], self._held[count:]
        return data

    async def _more(self, wanted: str) -> None:
        try:
            data = await self._bounded(self._reader.read(65536), f"expected {wanted}")
        except ConnectionError as error:
            raise AssertionError(f"the client reset ({error}), expected {wanted}") from error
        if not data:
            raise AssertionError(f"the client ended after {self._held[:200]!r}, expected {wanted}")
        self._held += data
        self.received += data

    async def _bounded(self, awaitable: Awaitable[_T], otherwise: str) -> _T:
        try:
            async with asyncio.timeout(self._timeout):
                return await awaitable
        except TimeoutError:
            raise AssertionError(
                f"{otherwise}, and {self._held[:200]!r} is all that waits after "
                f"{self._timeout:g} seconds"
            ) from None


#: What is to happen on one connection.
Script = Callable[[Line], Awaitable[None]]


class ScriptedPeer:
    """A server on a free port of 127.0.0.1; the first connection runs the first of `scripts`.

    Used with `async with`: leaving it waits for the scripts and raises AssertionError with what did
    not go as written, unless the block itself has failed. A connection is closed when its script
    ends. `timeout` bounds every wait, in seconds.
    """

    def __init__(self, *scripts: Script, timeout: float = 10.0) -> None:
        self._scripts = scripts
        self._timeout = timeout
        self._server: asyncio.Server | None = None
        self._tasks: list[asyncio.Task[None]] = []
        self._failures: list[BaseException] = []
        self.port = 0
        #: The connections so far, in their order.
        self.lines: list[Line] = []

    def url(self, path: str = "/") -> URL:
        """The URL of a path here."""
        return URL.build(scheme="http", host="127.0.0.1", port=self.port).join(URL(path))

    async def start(self) -> None:
        """Listen."""
        self._server = await asyncio.start_server(self._begin, "127.0.0.1", 0)
        self.port = self._server.sockets[0].getsockname()[1]

    def _begin(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        line = Line(reader, writer, self._timeout)
        self.lines.append(line)
        count = len(self.lines)
        if count > len(self._scripts):
            self._failures.append(
                AssertionError(f"connection {count} came, expected {len(self._scripts)}")
            )
            writer.transport.abort()
            return
        self._tasks.append(asyncio.create_task(self._run(self._scripts[count - 1], line)))

    async def _run(self, script: Script, line: Line) -> None:
        try:
            await script(line)
        except Exception as error:
            self._failures.append(error)
            line._writer.transport.abort()
        finally:
            line._writer.close()

    async def finish(self) -> None:
        """Wait for the scripts and stop; AssertionError with the first thing that went wrong."""
        if self._server is None:
            return
        try:
            if self._tasks:
                await asyncio.wait(self._tasks, timeout=self._timeout)
            if len(self.lines) < len(self._scripts):
                text = f"{len(self.lines)} connections came, expected {len(self._scripts)}"
                self._failures.append(AssertionError(text))
        finally:
            await self.stop()
        for error in self._failures:
            if isinstance(error, AssertionError):
                raise error
            raise AssertionError(f"a script of the peer failed: {error!r}") from error

    async def stop(self) -> None:
        """Stop at once, whatever the scripts wait for."""
        if self._server is None:
            return
        self._server.close()
        self._server = None
        for task in self._tasks:
            task.cancel()
        if self._tasks:
            await asyncio.wait(self._tasks)
        for line in self.lines:
            line._writer.transport.abort()
        await asyncio.sleep(0)

    async def __aenter__(self) -> ScriptedPeer:
        await self.start()
        return self

    async def __aexit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if exc is None:
            await self.finish()
        else:
            await self.stop()
