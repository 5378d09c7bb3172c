"""StreamReader: a body as coroutines read it, piece by piece or whole (streams.rst).

In: what the connection feeds (`reader.ByteQueue`). Out: bytes, lines, chunks, or the exception
that ended the body. One coroutine reads at a time. A read that finds its data at hand makes no
future and never lets the loop turn; a read that is cancelled gives back what it had taken.
"""

import asyncio
import warnings
from collections.abc import Awaitable, Callable
from contextlib import AbstractContextManager
from typing import Any, Generic, TypeVar

from .reader import ByteQueue, Flow, LineTooLong

__all__ = (
    "EMPTY_PAYLOAD",
    "AsyncStreamIterator",
    "ChunkTupleAsyncStreamIterator",
    "EmptyStreamReader",
    "EofStream",
    "LineTooLong",
    "StreamReader",
)

DEFAULT_LIMIT = 2**16  # octets: what a body may hold before its connection is paused is twice this

_T = TypeVar("_T")


class EofStream(Exception):
    """A stream has ended. Streams tell their end by what they return; for code that raises it."""


class AsyncStreamIterator(Generic[_T]):
    """Asks for the next piece until an empty one comes."""

    __slots__ = ("_read",)

    def __init__(self, read: Callable[[], Awaitable[_T]]) -> None:
        self._read = read

    def __aiter__(self) -> "AsyncStreamIterator[_T]":
        return self

    async def __anext__(self) -> _T:
        piece = await self._read()
        if not piece:
            raise StopAsyncIteration
        return piece


class ChunkTupleAsyncStreamIterator:
    """Asks for the next (data, end_of_HTTP_chunk) until the body has ended."""

    __slots__ = ("_stream",)

    def __init__(self, stream: "StreamReader") -> None:
        self._stream = stream

    def __aiter__(self) -> "ChunkTupleAsyncStreamIterator":
        return self

    async def __anext__(self) -> tuple[bytes, bool]:
        found = await self._stream.readchunk()
        if not found[0] and not found[1]:
            raise StopAsyncIteration
        return found


class StreamReader(ByteQueue):
    """A body that arrives (streams.rst, StreamReader).

    `protocol` has `pause_reading()` and `resume_reading()`; it is paused while more than twice
    `limit` octets are held (default 65536). `timer` is a context manager that is entered while a
    read waits. `loop` is the running loop by default. `total_bytes` counts the octets fed so far,
    `total_raw_bytes` those before decompression.

    Every read raises the exception given to `set_exception()`, if there is one, and RuntimeError
    while another coroutine waits in a read.
    """

    __slots__ = ("__weakref__",)

    def __init__(
        self,
        protocol: Flow | None = None,
        limit: int = DEFAULT_LIMIT,
        *,
        timer: AbstractContextManager[Any] | None = None,
        loop: asyncio.AbstractEventLoop | None = None,
    ) -> None:
        ByteQueue.__init__(self, protocol, limit, timer, loop)

    def __repr__(self) -> str:
        low, high = self.get_read_buffer_limits()
        parts = [type(self).__name__]
        if self._size:
            parts.append(f"{self._size} bytes")
        if self._eof:
            parts.append("eof")
        parts.append(f"low={low} high={high}")
        if self._error is not None:
            parts.append(f"exception={self._error!r}")
        return f"<{' '.join(parts)}>"

    @property
    def total_raw_bytes(self) -> int:
        """Octets of the body as they came over the wire, before decompression."""
        compressed = self.total_compressed_bytes
        return self.total_bytes if compressed is None else compressed

    def exception(self) -> BaseException | None:
        """The exception that ended the body, if one did."""
        return self._error

    def is_eof(self) -> bool:
        """True if the end of the body has come; part of it may still wait to be read."""
        return self._eof

    def at_eof(self) -> bool:
        """True if the end of the body has come and everything was read."""
        return self._eof and not self._size

    async def wait_eof(self) -> None:
        """Wait for the end of the body, without reading; RuntimeError if another one waits."""
        while not self._eof:
            if self._error is not None:
                raise self._error
            if self._eof_waiter is not None:
                raise RuntimeError("wait_eof() is already waited for by another coroutine")
            self._let_flow()
            waiter = self._eof_waiter = self._make_future()
            try:
                await waiter
            finally:
                if self._eof_waiter is waiter:
                    self._eof_waiter = None

    async def read(self, n: int = -1) -> bytes:
        """Read up to `n` octets as soon as any are there; with -1 the whole body, to its end.

        Returns b"" at the end of the body, and for `n` = 0.
        """
        if self._error is not None:
            raise self._error
        if n < 0:
            return self._take_all() if self._eof else await self._read_to_eof()
        if n == 0:
            return b""
        while not self._size and not self._eof:
            await self._wait("read")
        return self._take(n)

    async def readany(self) -> bytes:
        """Read what is there; waits only for the first octet. Returns b"" at the end."""
        if self._error is not None:
            raise self._error
        while not self._size and not self._eof:
            await self._wait("readany")
        return self._take_all()

    async def readexactly(self, n: int) -> bytes:
        """Read exactly `n` octets.

        Raises asyncio.IncompleteReadError, whose `partial` holds the rest, if the body ends before.
        """
        if self._error is not None:
            raise self._error
        if n <= 0:
            return b""
        if self._size >= n:
            return self._take(n)
        parts: list[bytes] = []
        missing = n
        try:
            while True:
                part = self._take(missing)
                parts.append(part)
                missing -= len(part)
                if not missing:
                    return b"".join(parts)
                if self._eof:
                    raise asyncio.IncompleteReadError(b"".join(parts), n)
                await self._wait("readexactly")
        except asyncio.CancelledError:
            self._put_back(b"".join(parts))
            raise

    async def readline(self, *, max_line_length: int | None = None) -> bytes:
        """Read up to and with the next b"\\n", or to the end of the body.

        A line of more than `max_line_length` octets (twice the limit by default) raises
        LineTooLong, which is a ValueError, and is dropped as far as it came.
        """
        return await self.readuntil(max_size=max_line_length)

    async def readuntil(self, separator: bytes = b"\n", *, max_size: int | None = None) -> bytes:
        """Read up to and with the next `separator`, or to the end of the body.

        More than `max_size` octets, separator included (twice the limit by default), raise
        LineTooLong, which is a ValueError, and are dropped as far as they came. ValueError for an
        empty separator.
        """
        if not separator:
            raise ValueError("the separator is empty, expected at least one byte")
        if self._error is not None:
            raise self._error
        separator = bytes(separator)
        limit = -1 if max_size is None else max(0, max_size)
        while True:
            line = self._take_until(separator, limit)
            if line is not None:
                return line
            if self._eof:
                return self._take_all()
            await self._wait("readuntil")

    async def readchunk(self) -> tuple[bytes, bool]:
        """Read a piece as it came: (data, whether an HTTP chunk of the chunked coding ended).

        Returns (b"", False) at the end of the body.
        """
        while True:
            if self._error is not None:
                raise self._error
            found = self._take_chunk()
            if found is not None:
                return found
            await self._wait("readchunk")

    def read_nowait(self, n: int = -1) -> bytes:
        """Up to `n` octets of what is at hand, all of it with -1; b"" if there is nothing.

        Raises RuntimeError while a coroutine waits in a read.
        """
        if self._error is not None:
            raise self._error
        if self._waiter is not None:
            raise RuntimeError("read_nowait() was called while a coroutine waits for data")
        return self._take_all() if n < 0 else self._take(n)

    def unread_data(self, data: bytes) -> None:
        """Set `data` before what is yet to be read; wakes nobody. Deprecated."""
        warnings.warn(
            "unread_data() is deprecated: keep what was read too early where it was read",
            DeprecationWarning,
            stacklevel=2,
        )
        self._put_back(bytes(data))

    def __aiter__(self) -> AsyncStreamIterator[bytes]:
        return AsyncStreamIterator(self.readline)

    def iter_chunked(self, n: int) -> AsyncStreamIterator[bytes]:
        """Iterate over pieces of at most `n` octets."""
        self.set_read_chunk_size(n)
        return AsyncStreamIterator(lambda: self.read(n))

    def iter_any(self) -> AsyncStreamIterator[bytes]:
        """Iterate over whatever is there each time."""
        return AsyncStreamIterator(self.readany)

    def iter_chunks(self) -> ChunkTupleAsyncStreamIterator:
        """Iterate over (data, end_of_HTTP_chunk), as `readchunk()` returns them."""
        return ChunkTupleAsyncStreamIterator(self)

    async def _read_to_eof(self) -> bytes:
        parts: list[bytes] = []
        try:
            while True:
                if self._size:
                    parts.append(self._take_all())
                if self._eof and not self._size:
                    return b"".join(parts)
                if not self._size:
                    await self._wait("read")
        except asyncio.CancelledError:
            self._put_back(b"".join(parts))
            raise

    def _make_future(self) -> "asyncio.Future[None]":
        loop = self._loop
        if loop is None:
            loop = self._loop = asyncio.get_running_loop()
        future: asyncio.Future[None] = loop.create_future()
        return future

    async def _wait(self, caller: str) -> None:
        """Wait until something was fed; one turn of the loop may wake it for nothing."""
        if self._error is not None:
            raise self._error
        if self._waiter is not None:
            raise RuntimeError(
                f"{caller}() was called while another coroutine is already waiting for data"
            )
        if self._let_flow():
            return
        waiter = self._waiter = self._make_future()
        timer = self._timer
        try:
            if timer is None:
                await waiter
            else:
                with timer:
                    await waiter
        finally:
            if self._waiter is waiter:
                self._waiter = None
        if self._error is not None:
            raise self._error


class EmptyStreamReader(StreamReader):
    """The body of a message that has none: ended before it began, and shared by all of them."""

    __slots__ = ()

    def __init__(self) -> None:
        StreamReader.__init__(self)
        self._eof = True

    def set_exception(self, exc: BaseException, exc_cause: BaseException | None = None) -> None:
        """Has no effect: nothing is left to be read."""

    def feed_data(self, data: bytes | bytearray | memoryview, size: int = 0) -> None:
        """Has no effect: nothing is taken."""

    def begin_http_chunk_receiving(self) -> None:
        """Has no effect."""

    def end_http_chunk_receiving(self) -> None:
        """Has no effect."""

    def set_read_chunk_size(self, n: int) -> None:
        """Has no effect."""

    def unread_data(self, data: bytes) -> None:
        """Refused with RuntimeError: this reader belongs to everybody."""
        raise RuntimeError("unread_data() was called on a body that is empty")


EMPTY_PAYLOAD = EmptyStreamReader()
