"""A large body that is wanted whole goes from the socket to its place, without pieces between.

In: an exchange whose body has a known length and is being read from its start to its end. Out: the
body as bytes. Every limit and timeout, and every way to fail, stays the protocol's own.
"""

from __future__ import annotations

from io import BytesIO

from tercel.client.body import blank
from tercel.client.exchange import Exchange
from tercel.net.streams import StreamReader

__all__ = ("DirectBody", "find_direct")

#: Octets still to come from which on a place of their own pays.
_LEAST = 131_072
#: Octets for which room is made on the word of the peer.
_MOST = 67_108_864


class _Place(BytesIO):
    """Where the octets go. The garbage collector may close it while a view of it is still there."""

    def close(self) -> None:
        try:
            super().close()
        except BufferError:
            pass


class DirectBody:
    """Receives the rest of a body of which `held` has come already; `rest` octets are missing."""

    def __init__(self, exchange: Exchange, stream: StreamReader, held: bytes, rest: int) -> None:
        self._stream = stream
        # Nobody else holds the bytes, so that they may be written to, and given out uncopied.
        self._place = _Place(blank(len(held) + rest))
        self._view = self._place.getbuffer()
        self._view[: len(held)] = held
        self._rest = self._view[len(held) :]
        exchange.protocol.receive_into(self._rest)

    async def read(self) -> bytes:
        """The body; whatever ends the stream early is raised, and the answer has to be closed."""
        stream = self._stream
        try:
            while not stream.is_eof():
                await stream._wait("read")
        finally:
            # Python 3.12.1 crashes where it collects a view of a BytesIO.
            self._rest.release()
            self._view.release()
        return self._place.getvalue()


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
    held = stream.read_nowait()
    body = DirectBody(exchange, stream, held, rest)
    stream._let_flow()
    return body
