"""Requests on their way, as callers hold them: to be awaited, or entered with `async with`.

In: a coroutine. Out: a coroutine that is an async context manager too, so that `await
session.get(url)`, `async with session.get(url)` and `loop.create_task(session.get(url))` all work.
"""

from __future__ import annotations

from collections.abc import Awaitable, Coroutine, Generator
from types import TracebackType
from typing import Any, Generic, Protocol, TypeVar

from tercel.client.response import ClientResponse

__all__ = ("OneShotResponse", "PendingResult")

_T = TypeVar("_T")


class PendingResult(Coroutine[Any, Any, _T], Generic[_T]):
    """A request that can be awaited, or entered with `async with`."""

    __slots__ = ("_coro", "_result")

    def __init__(self, coro: Coroutine[Any, Any, _T]) -> None:
        self._coro = coro
        self._result: Any = None

    def send(self, value: Any) -> Any:
        return self._coro.send(value)

    def throw(self, *args: Any) -> Any:
        return self._coro.throw(*args)

    def close(self) -> None:
        self._coro.close()

    def __await__(self) -> Generator[Any, Any, _T]:
        return self._coro.__await__()

    async def __aenter__(self) -> _T:
        result: Any = await self._coro
        self._result = result
        if type(result) is ClientResponse:  # its own way in, without another step
            result._in_context = True
            return result  # type: ignore[return-value]
        entered: _T = await result.__aenter__()
        return entered

    def __aexit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> Awaitable[None]:
        result = self._result
        if type(result) is ClientResponse:
            return result.leave()
        left: Awaitable[None] = result.__aexit__(exc_type, exc, traceback)
        return left


class Closable(Protocol):
    """A session, as far as it matters here."""

    async def close(self) -> None: ...


class OneShotResponse(PendingResult[ClientResponse]):
    """A request whose session lives as long as the request itself."""

    __slots__ = ("_session",)

    def __init__(self, coro: Coroutine[Any, Any, ClientResponse], session: Closable) -> None:
        super().__init__(coro)
        self._session = session

    async def __aenter__(self) -> ClientResponse:
        try:
            return await super().__aenter__()
        except BaseException:
            await self._session.close()
            raise

    def __aexit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> Awaitable[None]:
        return self._leave(super().__aexit__(exc_type, exc, traceback))

    async def _leave(self, leaving: Awaitable[None]) -> None:
        try:
            await leaving
        finally:
            await self._session.close()
