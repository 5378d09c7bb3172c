"""Two asyncio transports that are joined in memory: a connection without a socket.

In: two protocols and their addresses. Out: what one side writes is the other's `data_received`, in
the loop's next turn, in order, with back-pressure, half-close, close and abort as over TCP. What a
side has not taken yet counts as the write buffer of the other one. No TLS, and no `socket` among
the extra information.
"""

import asyncio
from collections import deque
from typing import Any

__all__ = ("MemoryTransport", "join_in_memory")

_MAX_PIECE = 256 * 1024  # octets handed on in one turn of the loop, as a socket's read would
_HIGH = 64 * 1024  # octets that may wait before the writer is asked to


class MemoryTransport(asyncio.Transport):
    """One end of a connection in memory; made by `join_in_memory`."""

    def __init__(
        self, loop: asyncio.AbstractEventLoop, protocol: Any, extra: dict[str, Any]
    ) -> None:
        super().__init__(extra)
        self._loop = loop
        self._protocol = protocol
        self._peer: MemoryTransport = self
        self._waiting: deque[bytes] = deque()  # what was written and the peer has not taken
        self._size = 0
        self._high = _HIGH
        self._low = _HIGH // 4
        self._has_paused_protocol = False
        self._is_reading = True
        self._is_closing = False
        self._is_lost = False
        self._writes_eof = False  # our last octet has been written
        self._told_eof = False  # and the peer knows it
        self._is_scheduled = False

    # Writing

    def write(self, data: bytes | bytearray | memoryview) -> None:
        """Send octets. RuntimeError after `write_eof`; dropped once the connection is lost."""
        if not isinstance(data, bytes | bytearray | memoryview):
            raise TypeError(f"data must be bytes-like, got {type(data).__name__}")
        if self._writes_eof:
            raise RuntimeError("Cannot call write() after write_eof()")
        if self._is_closing or not data:
            return
        if self._peer._is_lost:
            self._lose_soon(ConnectionResetError("the peer has closed the connection"))
            return
        piece = bytes(data)
        self._waiting.append(piece)
        self._size += len(piece)
        self._schedule()
        if self._size > self._high and not self._has_paused_protocol:
            self._has_paused_protocol = True
            self._protocol.pause_writing()

    def can_write_eof(self) -> bool:
        """True."""
        return True

    def write_eof(self) -> None:
        """Say that nothing more will be written; the peer learns of it after the last octet."""
        if not self._writes_eof and not self._is_closing:
            self._writes_eof = True
            self._schedule()

    def get_write_buffer_size(self) -> int:
        """Octets that the peer has not taken."""
        return self._size

    def get_write_buffer_limits(self) -> tuple[int, int]:
        """The low-water and the high-water mark, in octets."""
        return self._low, self._high

    def set_write_buffer_limits(self, high: int | None = None, low: int | None = None) -> None:
        """Set the marks as `asyncio.WriteTransport` says; ValueError unless high >= low >= 0."""
        if high is None:
            high = _HIGH if low is None else 4 * low
        if low is None:
            low = high // 4
        if not high >= low >= 0:
            raise ValueError(f"high ({high!r}) must be >= low ({low!r}) must be >= 0")
        self._high, self._low = high, low
        if self._size > high and not self._has_paused_protocol:
            self._has_paused_protocol = True
            self._protocol.pause_writing()

    # Reading

    def is_reading(self) -> bool:
        """True unless reading is paused or over."""
        return self._is_reading and not self._is_closing

    def pause_reading(self) -> None:
        """Take nothing from the peer."""
        self._is_reading = False

    def resume_reading(self) -> None:
        """Take octets again."""
        if not self._is_reading:
            self._is_reading = True
            self._peer._schedule()

    # The end

    def is_closing(self) -> bool:
        """True from the call of `close` or `abort` on."""
        return self._is_closing

    def close(self) -> None:
        """Take nothing more; end once the peer has taken what was written."""
        if not self._is_closing:
            self._is_closing = True
            self._drop(self._peer)
            self._schedule()

    def abort(self) -> None:
        """End now; the peer learns of it by a ConnectionResetError."""
        if self._is_lost:
            return
        peer = self._peer
        self._lose_soon(None)
        if not peer._is_lost:
            peer._lose_soon(ConnectionResetError("the peer has reset the connection"))

    def get_protocol(self) -> Any:
        """The protocol of this end."""
        return self._protocol

    def set_protocol(self, protocol: Any) -> None:
        """Give what comes to another protocol."""
        self._protocol = protocol

    # Own affairs

    def _schedule(self) -> None:
        if not self._is_scheduled:
            self._is_scheduled = True
            self._loop.call_soon(self._hand_over)

    def _hand_over(self) -> None:
        """Give the peer what waits for it, and the end behind it."""
        self._is_scheduled = False
        peer = self._peer
        try:
            if peer._is_closing:
                self._drop(self)
            elif self._size and peer._is_reading:
                left = self._feed(peer, self._take_piece())
                if left:
                    self._waiting.appendleft(left)
                    self._size += len(left)
                if self._size:
                    self._schedule()
                self._resume_protocol()
            if self._size:
                return
            is_over = self._writes_eof or self._is_closing
            if is_over and not self._told_eof and peer.is_reading():
                self._told_eof = True
                if not peer._protocol.eof_received():
                    peer.close()
        except Exception as error:
            self._loop.call_exception_handler(
                {
                    "message": "Fatal error: a protocol failed over what it received",
                    "exception": error,
                    "transport": peer,
                    "protocol": peer._protocol,
                }
            )
            peer._lose_soon(error)
        if self._is_closing:
            self._lose(None)

    def _feed(self, peer: "MemoryTransport", piece: bytes) -> bytes:
        """Hand a piece to the peer's protocol; returns what it did not take before it paused."""
        while piece and peer.is_reading():
            protocol = peer._protocol
            if not isinstance(protocol, asyncio.BufferedProtocol):
                protocol.data_received(piece)
                return b""
            buffer = memoryview(protocol.get_buffer(len(piece)))
            count = min(len(buffer), len(piece))
            if not count:
                raise RuntimeError("get_buffer() returned an empty buffer")
            buffer[:count] = piece[:count]
            protocol.buffer_updated(count)
            piece = piece[count:]
        return piece

    def _take_piece(self) -> bytes:
        waiting = self._waiting
        if len(waiting) > 1 and self._size <= _MAX_PIECE:
            piece = b"".join(waiting)
            waiting.clear()
        else:
            piece = waiting.popleft()
            if len(piece) > _MAX_PIECE:
                waiting.appendleft(piece[_MAX_PIECE:])
                piece = piece[:_MAX_PIECE]
        self._size -= len(piece)
        return piece

    def _resume_protocol(self) -> None:
        if self._has_paused_protocol and self._size <= self._low:
            self._has_paused_protocol = False
            if not self._is_lost:
                self._protocol.resume_writing()

    def _drop(self, writer: "MemoryTransport") -> None:
        """Forget what `writer` has written: nobody will take it."""
        writer._waiting.clear()
        writer._size = 0
        if writer._has_paused_protocol:
            self._loop.call_soon(writer._resume_protocol)

    def _lose_soon(self, error: BaseException | None) -> None:
        self._is_closing = True
        self._drop(self)
        self._loop.call_soon(self._lose, error)

    def _lose(self, error: BaseException | None) -> None:
        if not self._is_lost:
            self._is_closing = self._is_lost = True
            self._protocol.connection_lost(error)
            self._peer._schedule()


def join_in_memory(
    loop: asyncio.AbstractEventLoop,
    client: Any,
    server: Any,
    *,
    client_address: Any = ("127.0.0.1", 49152),
    server_address: Any = ("127.0.0.1", 80),
) -> tuple[MemoryTransport, MemoryTransport]:
    """Connect two protocols; returns their transports, whose `connection_made` was called.

    The addresses are what `get_extra_info` gives as `sockname` and `peername`.
    """
    near = MemoryTransport(loop, client, {"sockname": client_address, "peername": server_address})
    far = MemoryTransport(loop, server, {"sockname": server_address, "peername": client_address})
    near._peer, far._peer = far, near
    server.connection_made(far)
    client.connection_made(near)
    return near, far
