"""Queues of objects from a protocol to a coroutine, for code that brings its own protocol.

In: what `feed_data` gets, an end, or an exception. Out: the objects in their order, then the
exception, or EofStream. aiohttp exports both and documents neither; nothing of ours uses them.
"""

import asyncio
from collections import deque
from typing import Any, Generic, TypeVar

from .streams import EofStream

__all__ = ("DataQueue", "FlowControlDataQueue")

_T = TypeVar("_T")


class DataQueue(Generic[_T]):
    """A queue for one coroutine that reads, by `read` or by `async for`."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._held: deque[tuple[_T, int]] = deque()
        self._size = 0
        self._eof = False
        self._exception: BaseException | None = None
        self._waiter: asyncio.Future[None] | None = None

    def __len__(self) -> int:
        return len(self._held)

    def is_eof(self) -> bool:
        """True once nothing more is fed: the end was, or an exception."""
        return self._eof

    def at_eof(self) -> bool:
        """True once the end was fed and everything before it was read."""
        return self._eof and not self._held

    def exception(self) -> BaseException | None:
        """What `set_exception` was given."""
        return self._exception

    def set_exception(self, exc: BaseException, exc_cause: BaseException | None = None) -> None:
        """End with an exception, which every read raises after what was fed before."""
        if exc_cause is not None:
            exc.__cause__ = exc_cause
        self._eof = True
        self._exception = exc
        self._wake()

    def feed_data(self, data: _T, size: int = 0) -> None:
        """Add an object; `size` is what it counts for where the flow is controlled."""
        self._held.append((data, size))
        self._size += size
        self._wake()

    def feed_eof(self) -> None:
        """Say that nothing more comes."""
        self._eof = True
        self._wake()

    async def read(self) -> _T:
        """The next object. EofStream at the end; RuntimeError while another read waits."""
        if not self._held and not self._eof:
            if self._waiter is not None:
                raise RuntimeError("read() was called while another read() waits for data")
            self._waiter = self._loop.create_future()
            try:
                await self._waiter
            finally:
                self._waiter = None
        if self._held:
            data, size = self._held.popleft()
            self._size -= size
            return data
        raise EofStream if self._exception is None else self._exception

    def __aiter__(self) -> "DataQueue[_T]":
        return self

    async def __anext__(self) -> _T:
        try:
            return await self.read()
        except EofStream:
            raise StopAsyncIteration from None

    def _wake(self) -> None:
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)


class FlowControlDataQueue(DataQueue[_T]):
    """A queue that has `protocol` pause its reading while more than twice `limit` is held."""

    def __init__(self, protocol: Any, limit: int, *, loop: asyncio.AbstractEventLoop) -> None:
        super().__init__(loop)
        self._protocol = protocol
        self._limit = limit * 2
        self._is_paused = False

    def feed_data(self, data: _T, size: int = 0) -> None:
        """Add an object, and pause the protocol where too much is held."""
        super().feed_data(data, size)
        if self._size > self._limit and not self._is_paused:
            self._is_paused = True
            self._protocol.pause_reading()

    async def read(self) -> _T:
        """The next object; the protocol goes on once little enough is held."""
        try:
            return await super().read()
        finally:
            if self._is_paused and self._size < self._limit:
                self._is_paused = False
                self._protocol.resume_reading()
