"""`@streamer`: a body written by a function, as code of aiohttp's first years has it.

In: a coroutine function or a generator of that age (`yield from writer.write(chunk)`) whose first
argument is the writer. Out: an object to pass as `data`, called or not. Deprecated in favour of
async generators (client_quickstart, "Streaming uploads").
"""

from __future__ import annotations

import types
import warnings
from collections.abc import Awaitable, Callable
from typing import Any

from tercel.content.payload import BodyWriter, Payload, payload_type

__all__ = ("streamer",)


class _Call:
    """One call of a streamer: the function and its arguments but the writer."""

    __slots__ = ("args", "kwargs", "write_body")

    def __init__(
        self,
        write_body: Callable[..., Awaitable[None]],
        args: tuple[Any, ...],
        kwargs: dict[str, Any],
    ) -> None:
        self.write_body = write_body
        self.args = args
        self.kwargs = kwargs


class streamer:
    """Decorator; `coro(writer, *args, **kwargs)` writes the body with `writer.write`."""

    def __init__(self, coro: Callable[..., Any]) -> None:
        warnings.warn(
            "@streamer is deprecated, use async generators", DeprecationWarning, stacklevel=2
        )
        self.coro: Callable[..., Awaitable[None]] = types.coroutine(coro)

    def __call__(self, *args: Any, **kwargs: Any) -> _Call:
        return _Call(self.coro, args, kwargs)


@payload_type(_Call)
class StreamerPayload(Payload):
    """The body that one call of a streamer writes."""

    def decode(self, encoding: str = "utf-8", errors: str = "strict") -> str:
        raise TypeError("a streamer can't be read without waiting")

    async def as_bytes(self, encoding: str = "utf-8", errors: str = "strict") -> bytes:
        """All that the streamer writes, in memory."""
        held = _Held()
        await self.write(held)
        return b"".join(held.pieces)

    async def write_with_length(self, writer: BodyWriter, content_length: int | None) -> None:
        call = self._value
        target = writer if content_length is None else _Counted(writer, content_length)
        await call.write_body(target, *call.args, **call.kwargs)


@payload_type(streamer)
class UncalledStreamerPayload(StreamerPayload):
    """A streamer passed without a call: its function takes the writer only."""

    def __init__(self, value: streamer, *args: Any, **kwargs: Any) -> None:
        super().__init__(value(), *args, **kwargs)


class _Held:
    """A body writer that keeps what it gets."""

    def __init__(self) -> None:
        self.pieces: list[bytes] = []

    async def write(self, chunk: bytes | bytearray | memoryview) -> None:
        self.pieces.append(bytes(chunk))


class _Counted:
    """A body writer that passes on the first `left` octets."""

    def __init__(self, writer: BodyWriter, left: int) -> None:
        self._writer = writer
        self._left = left

    async def write(self, chunk: bytes | bytearray | memoryview) -> None:
        piece = bytes(chunk)[: self._left]
        self._left -= len(piece)
        if piece:
            await self._writer.write(piece)
