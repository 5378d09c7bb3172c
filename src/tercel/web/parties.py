"""What an answer asks of its request and of its exchange, as protocols.

Out: types only, for the modules that stand below the request and the exchange and so can't import
them. `BaseRequest` and `Exchange` satisfy them.
"""

import asyncio
from typing import Any, Protocol

from multidict import CIMultiDict, CIMultiDictProxy

from tercel.wire.version import HttpVersion

__all__ = ("AnswerSink", "AnsweredRequest")

Data = bytes | bytearray | memoryview


class AnswerSink(Protocol):
    """Where an answer goes to: head, pieces, end."""

    keep_alive: bool

    @property
    def version(self) -> HttpVersion: ...
    @property
    def closed(self) -> bool: ...
    @property
    def must_drain(self) -> bool: ...
    @property
    def bytes_sent(self) -> int: ...
    @property
    def body_bytes_sent(self) -> int: ...

    def start(
        self, status: int, reason: str, headers: CIMultiDict[str], length: int | None, chunked: bool
    ) -> None: ...
    def write(self, data: Data) -> None: ...
    def write_piece(self, data: Data) -> bool: ...
    def finish(self, data: Data = b"") -> None: ...
    def finish_with_trailers(self, data: Data, trailers: CIMultiDict[str]) -> None: ...
    def drain(self) -> Any: ...


class AnsweredRequest(Protocol):
    """The request that is answered."""

    @property
    def method(self) -> str: ...
    @property
    def path(self) -> str: ...
    @property
    def headers(self) -> CIMultiDictProxy[str]: ...
    @property
    def task(self) -> "asyncio.Task[Any]": ...
    @property
    def _exchange(self) -> AnswerSink: ...
    @property
    def _has_prepare_hook(self) -> bool: ...
    async def _prepare_hook(self, response: Any) -> None: ...
