"""A large body that is wanted whole goes from the socket to its place, without pieces between.

In: an exchange whose body has a known length and is being read from its start to its end. Out: the
body as bytes. Stands between the transport and the exchange's protocol for as long as the body
lasts; every limit and timeout, and every way to fail, stays the protocol's own.
"""

from __future__ import annotations

import asyncio
from io import BytesIO

from tercel.client.exchange import Exchange
from tercel.net.streams import StreamReader

__all__ = ("DirectBody", "find_direct")

#: Octets still to come from which on the change of protocols pays.
_LEAST = 131_072
#: Octets for which room is made on the word of the peer.
_MOST = 67_108_864


class DirectBody(asyncio.BufferedProtocol):
    """Receives the rest of a body of which `held` has come already; `rest` octets are missing."""

    def __init__(self, exchange: Exchange, stream: StreamReader, held: bytes, rest: int) -> None:
        self._protocol = exchange.protocol
        self._stream = stream
        # Nobody else holds the bytes, so that they may be written to, and given out uncopied.
        self._place = BytesIO(bytes(len(held) + rest))
        self._view = self._place.getbuffer()
        self._view[: len(held)] = held
        self._at = len(held)
        self._put_between(self)

    async def read(self) -> bytes:
        """The body; whatever ends the stream early is raised."""
        stream = self._stream
        while not stream.is_eof():
            await stream._wait("read")
        self._view.release()
        return self._place.getvalue()

    def _put_between(self, protocol: asyncio.BaseProtocol) -> None:
        transport = self._protocol.transport
        # uvloop looks at the kind of protocol only where reading begins.
        transport.pause_reading()
        transport.set_protocol(protocol)
        transport.resume_reading()

    def get_buffer(self, hint: int) -> memoryview:
        return self._view[self._at :]

    def buffer_updated(self, size: int) -> None:
        self._at += size
        self._stream.total_bytes += size
        if self._at == len(self._view):
            self._put_between(self._protocol)  # type: ignore[arg-type]
        self._protocol.count_direct(size)

    def eof_received(self) -> bool:
        return self._protocol.eof_received()

    def connection_lost(self, error: BaseException | None) -> None:
        self._protocol.connection_lost(error)

    def pause_writing(self) -> None:
        self._protocol.pause_writing()

    def resume_writing(self) -> None:
        self._protocol.resume_writing()


def find_direct(exchange: Exchange, stream: StreamReader) -> DirectBody | None:
    """The direct way for the rest of the body; None where it has to come in pieces."""
    protocol = exchange.protocol
    rest = protocol.rest_of(exchange)
    if not _LEAST <= rest <= _MOST or stream.exception() is not None:
        return None
    if stream.total_bytes > _MOST or protocol.transport is None:
        return None
    if protocol.transport.is_closing():
        return None
    held = stream.read_nowait()  # lets the transport read again, where it was asked not to
    return DirectBody(exchange, stream, held, rest)
