"""An Exchange in memory: records what a response asks of it, and checks the contract's order."""

from typing import Any

from multidict import CIMultiDict

from tercel.wire.version import HttpVersion11


class FakeExchange:
    """Keeps head and body apart: `started` holds start()'s arguments, `body` what was written."""

    def __init__(self, version: tuple[int, int] = HttpVersion11, keep_alive: bool = True) -> None:
        self.version = version
        self.keep_alive = keep_alive
        self.started: tuple[int, str, CIMultiDict[str], int | None, bool] | None = None
        self.pieces: list[bytes] = []
        self.finished = False
        self.must_drain = False
        self.drains = 0
        self.closed = False
        self.bytes_sent = 0

    @property
    def body(self) -> bytes:
        return b"".join(self.pieces)

    @property
    def body_bytes_sent(self) -> int:
        return len(self.body)

    @property
    def headers(self) -> "CIMultiDict[str]":
        assert self.started is not None
        return self.started[2]

    @property
    def framing(self) -> tuple[int | None, bool]:
        assert self.started is not None
        return self.started[3], self.started[4]

    def start(
        self,
        status: int,
        reason: str,
        headers: "CIMultiDict[str]",
        length: int | None,
        chunked: bool,
    ) -> None:
        assert self.started is None
        self.started = (status, reason, CIMultiDict(headers), length, chunked)

    def write(self, data: Any) -> None:
        assert self.started is not None
        assert not self.finished
        self.pieces.append(bytes(data))

    def write_piece(self, data: Any) -> bool:
        if self.closed:
            raise ConnectionResetError("Cannot write to closing transport")
        self.write(data)
        return self.must_drain

    async def drain(self) -> None:
        self.drains += 1
        self.must_drain = False

    def finish(self, data: Any = b"") -> None:
        assert self.started is not None
        assert not self.finished
        self.pieces.append(bytes(data))
        self.finished = True


class FakeRequest:
    """As much of a request as a response looks at."""

    def __init__(
        self,
        method: str = "GET",
        headers: dict[str, str] | None = None,
        exchange: FakeExchange | None = None,
        hook: Any = None,
    ) -> None:
        self.method = method
        self.path = "/there"
        self.headers = CIMultiDict(headers or {})
        self.task = None
        self._exchange = exchange if exchange is not None else FakeExchange()
        self._hook = hook
        self._has_prepare_hook = hook is not None

    async def _prepare_hook(self, response: Any) -> None:
        await self._hook(self, response)
