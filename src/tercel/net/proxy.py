"""Ways through proxies: a handshake on a fresh connection, after which it belongs to somebody else.

In: a handshake without I/O (SOCKS, or CONNECT below). Out: an open transport on which the proxy has
said yes, paused, with nothing read beyond the handshake. On a refusal, a failure and a cancellation
the connection is closed and nothing else was sent.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping
from typing import Any, Protocol

from tercel.wire.errors import BadMessage, WireError
from tercel.wire.h1.connection import Connection
from tercel.wire.h1.encode import encode_request_head
from tercel.wire.h1.head import ResponseHead
from tercel.wire.limits import DEFAULT_LIMITS, Limits

__all__ = (
    "ConnectHandshake",
    "Handshake",
    "NegotiationProtocol",
    "TunnelRefused",
    "join_host",
)

#: Answers of 1xx before the final one.
_MAX_INTERIM = 16


class Handshake(Protocol):
    """What is said with a proxy before the connection is ours."""

    is_done: bool

    @property
    def rest(self) -> bytes: ...
    def start(self) -> bytes: ...
    def feed(self, data: bytes) -> bytes: ...


class TunnelRefused(WireError):
    """The proxy answered CONNECT with `status`, `reason` and `headers`, and not with 2xx."""

    def __init__(self, status: int, reason: str, headers: Mapping[str, str]) -> None:
        super().__init__(f"the proxy answered {status} {reason}, expected 2xx", 502)
        self.answer_status = status
        self.reason = reason
        self.headers = headers


def join_host(host: str, port: int) -> str:
    """`host:port` as CONNECT and Host want it, IPv6 in brackets."""
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


class ConnectHandshake:
    """CONNECT to `authority` (`host:port`), RFC 9110 section 9.3.6; `headers` are the proxy's.

    Raises `TunnelRefused`, `WireError` for what is no answer, `ValueError` for headers that can't
    be.
    """

    def __init__(
        self,
        authority: str,
        headers: Iterable[tuple[str, str]] = (),
        limits: Limits = DEFAULT_LIMITS,
    ) -> None:
        self._request = encode_request_head("CONNECT", authority, [("Host", authority), *headers])
        self._wire = Connection(False, limits)
        self._wire.expect_response("CONNECT")
        self._interim = 0
        self.is_done = False
        self.rest = b""

    def start(self) -> bytes:
        """The octets to send first."""
        return self._request

    def feed(self, data: bytes) -> bytes:
        """Accept octets of the proxy."""
        self._wire.feed_data(data)
        while not self.is_done:
            head = self._wire.next_event()
            if head is None:
                break
            if not isinstance(head, ResponseHead):
                raise BadMessage("the proxy's answer to CONNECT has no head")
            if head.status < 200:
                self._interim += 1
                if head.status == 101 or self._interim > _MAX_INTERIM:
                    raise BadMessage(f"the proxy answered CONNECT with {head.status}")
                continue
            if head.status >= 300:
                raise TunnelRefused(head.status, head.reason, head.headers)
            self.rest = self._wire.switch()
            self.is_done = True
        return b""


class NegotiationProtocol(asyncio.Protocol):
    """Carries one handshake over one connection.

    `await negotiate(handshake)` returns the transport; the caller gives it another protocol, and
    resumes reading. Raises `WireError` for the handshake's errors, `OSError` when the connection is
    lost in the middle of it.
    """

    def __init__(self) -> None:
        self.transport: Any = None
        self._handshake: Handshake | None = None
        self._waiter: asyncio.Future[None] | None = None
        self._error: BaseException | None = None
        self._is_through = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = transport

    def data_received(self, data: bytes) -> None:
        handshake = self._handshake
        if handshake is None:
            self._fail(BadMessage("the proxy speaks without being asked"))
            return
        if self._is_through:
            self._fail(BadMessage("octets came after the proxy's answer, expected none"))
            return
        try:
            answer = handshake.feed(data)
        except WireError as error:
            self._fail(error)
            return
        if answer:
            self.transport.write(answer)
        if not handshake.is_done:
            return
        if handshake.rest:
            self._fail(BadMessage("octets came after the proxy's answer, expected none"))
            return
        self._is_through = True
        self.transport.pause_reading()
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)

    def connection_lost(self, error: BaseException | None) -> None:
        self._fail(error or ConnectionResetError("the proxy closed the connection"))

    def _fail(self, error: BaseException) -> None:
        if self._error is None:
            self._error = error
        if self.transport is not None:
            self.transport.abort()
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_exception(error)

    async def negotiate(self, handshake: Handshake) -> asyncio.Transport:
        """Go through the handshake; the transport that it opened."""
        transport: asyncio.Transport = self.transport
        try:
            if self._error is not None:
                raise self._error
            self._handshake = handshake
            self._waiter = asyncio.get_running_loop().create_future()
            transport.write(handshake.start())
            await self._waiter
            if self._error is not None:
                raise self._error
        except BaseException:
            transport.abort()
            raise
        return transport
