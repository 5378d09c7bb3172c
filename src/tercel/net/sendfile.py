"""A part of a file onto a connection: by the kernel where it can, in pieces read elsewhere.

In: a sink (an Exchange whose head has left and whose body is not framed), an open file, and which
octets of it. Out: exactly so many octets sent, or an exception: ConnectionError when the peer is
gone, OSError when the file is too short. The event loop is never blocked by more than one burst,
works on every loop the same way, and never writes past a transport that holds octets.
"""

import asyncio
import errno
import os
import socket
from typing import Any, Protocol

__all__ = ("FileSink", "send_file")

CHUNK = 256 * 1024  # octets read at a time where the kernel can't send files
_BURST = 1024 * 1024  # octets that the kernel is given before other tasks have their turn
_REFILL = 16 * 1024  # octets handed to a transport so that it tells when the socket takes more

_UNSUPPORTED = {
    getattr(errno, name)
    for name in ("EINVAL", "ENOSYS", "ENOTSOCK", "ENOTSUP", "EOPNOTSUPP", "EOVERFLOW")
    if hasattr(errno, name)
}


_CORK: int | None = getattr(socket, "TCP_CORK", None)
_UNIX = getattr(socket, "AF_UNIX", None)


class FileSink(Protocol):
    """What `send_file` asks of an Exchange."""

    @property
    def transport(self) -> Any: ...
    @property
    def loop(self) -> asyncio.AbstractEventLoop: ...
    @property
    def must_drain(self) -> bool: ...
    @property
    def closed(self) -> bool: ...
    def write(self, data: bytes) -> None: ...
    def note_body(self, count: int) -> None: ...
    def drain(self) -> Any: ...


async def send_file(
    sink: FileSink,
    file: Any,
    offset: int,
    count: int,
    chunk_size: int = CHUNK,
    first: bytes | None = None,
) -> None:
    """Send `count` octets of the binary `file`, from `offset` on.

    `chunk_size` is the number of octets read at a time, by the loop's executor, where the kernel
    can't send the file: over TLS, and from files without a descriptor. `first` is written before
    (an empty one sends a held head), in the same packet where the kernel does the rest: a packet
    of a head's size costs more than the head.
    """
    sent = 0
    source, sock = -1, None
    transport = sink.transport
    if transport is not None and count > 0:
        source, sock = _find_descriptors(transport, file)
    if sock is None:
        if first is not None:
            sink.write(first)
    else:
        corked = first is not None and _cork(sock, True)
        try:
            if first is not None:
                sink.write(first)
            sent = await _send_by_kernel(sink, transport, sock, source, offset, count)
        finally:
            if corked and not transport.is_closing():
                _cork(sock, False)
    if sent < count:
        await _send_by_chunks(sink, file, offset + sent, count - sent, chunk_size)


def _find_descriptors(transport: Any, file: Any) -> tuple[int, Any]:
    """The file's descriptor and the connection's socket; -1 and None if the kernel can't help."""
    if not hasattr(os, "sendfile") or _is_forbidden():
        return -1, None
    if transport.get_extra_info("sslcontext") is not None:
        return -1, None
    sock = transport.get_extra_info("socket")
    if sock is None or not hasattr(transport, "get_write_buffer_limits"):
        return -1, None
    try:
        return file.fileno(), sock
    except (AttributeError, OSError, ValueError):
        return -1, None


def _cork(sock: Any, is_on: bool) -> bool:
    """Hold back packets that are not full, or let them go; False where that can't be done."""
    if _CORK is None or sock.family == _UNIX:
        return False
    try:
        sock.setsockopt(socket.IPPROTO_TCP, _CORK, is_on)
    except (AttributeError, OSError):
        return False
    return True


def _is_forbidden() -> bool:
    """True where the documented variable says so (web_reference, add_static)."""
    environment = os.environ
    return any(environment.get(name) for name in ("TERCEL_NOSENDFILE", "AIOHTTP_NOSENDFILE"))


async def _send_by_kernel(
    sink: FileSink, transport: Any, sock: Any, source: int, offset: int, count: int
) -> int:
    """The number of octets sent: `count`, or 0 if the kernel refuses."""
    low, high = transport.get_write_buffer_limits()
    # With both at zero, draining means that the transport holds nothing.
    transport.set_write_buffer_limits(0)
    sent = 0
    try:
        while True:
            if sink.must_drain:
                await sink.drain()
            # A descriptor may be another connection's once its transport is closing.
            if sink.closed or transport.is_closing():
                raise ConnectionResetError("Cannot write to closing transport")
            if transport.get_write_buffer_size():
                return sent
            want = min(count - sent, _BURST)
            try:
                done = os.sendfile(sock.fileno(), source, offset + sent, want)
            except BlockingIOError:
                piece = os.pread(source, min(want, _REFILL), offset + sent)
                done = len(piece)
                if piece:
                    sink.write(piece)
            except OSError as error:
                if sent == 0 and error.errno in _UNSUPPORTED:
                    return 0
                if isinstance(error, ConnectionError):
                    transport.abort()  # it would learn of it with its next write only
                raise
            else:
                sink.note_body(done)
            if not done:
                raise _too_short(count - sent)
            sent += done
            if sent == count:
                return sent
            if not sink.must_drain:
                await asyncio.sleep(0)
    finally:
        if not transport.is_closing():
            transport.set_write_buffer_limits(high=high, low=low)


async def _send_by_chunks(
    sink: FileSink, file: Any, offset: int, count: int, chunk_size: int
) -> None:
    while count > 0:
        data = await sink.loop.run_in_executor(
            None, _read_at, file, offset, min(count, max(1, chunk_size))
        )
        if not data:
            raise _too_short(count)
        sink.write(data)
        offset += len(data)
        count -= len(data)
        if sink.must_drain:
            await sink.drain()


def _read_at(file: Any, offset: int, count: int) -> bytes:
    file.seek(offset)
    return file.read(count)  # type: ignore[no-any-return]


def _too_short(missing: int) -> OSError:
    return OSError(errno.EIO, f"the file became shorter while it was sent: {missing} bytes missing")
