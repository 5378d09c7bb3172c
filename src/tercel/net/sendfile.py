"""A part of a file onto a connection: by the kernel where it can, in pieces read elsewhere.

In: a sink (an Exchange whose head has left and whose body is not framed), an open file, and which
octets of it. Out: exactly so many octets sent, or an exception: ConnectionError when the peer is
gone, OSError when the file is too short. The event loop is never blocked by more than one burst,
works on every loop the same way, and never writes past a transport that holds octets.
"""

import asyncio
import errno
import os
from typing import Any, Protocol

__all__ = ("FileSink", "send_burst", "send_file")

CHUNK = 256 * 1024  # octets read at a time where the kernel can't send files
_BURST = 1024 * 1024  # octets that the kernel is given before other tasks have their turn
_REFILL = 16 * 1024  # octets handed to a transport so that it tells when the socket takes more

_UNSUPPORTED = {
    getattr(errno, name)
    for name in ("EINVAL", "ENOSYS", "ENOTSOCK", "ENOTSUP", "EOPNOTSUPP", "EOVERFLOW")
    if hasattr(errno, name)
}


# The variable is a documented one (web_reference, add_static).
_IS_ALLOWED = hasattr(os, "sendfile") and not any(
    os.environ.get(name) for name in ("TERCEL_NOSENDFILE", "AIOHTTP_NOSENDFILE")
)


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
) -> None:
    """Send `count` octets of the binary `file`, from `offset` on.

    `chunk_size` is the number of octets read at a time, by the loop's executor, where the kernel
    can't send the file: over TLS, and from files without a descriptor.
    """
    sent = 0
    transport = sink.transport
    if transport is not None and count > 0:
        sock = _find_socket(transport)
        source = _find_descriptor(file)
        if sock is not None and source >= 0:
            sent = await _send_by_kernel(sink, transport, sock, source, offset, count)
    if sent < count:
        await _send_by_chunks(sink, file, offset + sent, count - sent, chunk_size)


def send_burst(sink: FileSink, source: int, count: int) -> int:
    """Send the held head, and what the socket takes of the first `count` octets of a file, at once.

    `source` is the file's descriptor. The number of octets of the file that were sent; 0, and maybe
    the head not sent either, where the kernel can't help or octets wait before these. Raises
    ConnectionError where the peer is gone.
    """
    transport = sink.transport
    if transport is None or sink.closed or sink.must_drain or transport.is_closing():
        return 0
    sock = _find_socket(transport)
    if sock is None or transport.get_write_buffer_size():
        return 0
    low, high = transport.get_write_buffer_limits()
    try:
        transport.set_write_buffer_limits(0)  # so that the head does not wait for its turn
        sink.write(b"")
        if transport.get_write_buffer_size() or transport.is_closing():
            return 0
        try:
            done = os.sendfile(sock.fileno(), source, 0, min(count, _BURST))
        except ConnectionError:
            transport.abort()
            raise
        except OSError:
            return 0  # the longer way will tell
        sink.note_body(done)
        return done
    finally:
        if not transport.is_closing():
            transport.set_write_buffer_limits(high=high, low=low)


def _find_socket(transport: Any) -> Any:
    """The connection's socket, None if the kernel can't send files there."""
    if not _IS_ALLOWED or transport.get_extra_info("sslcontext") is not None:
        return None
    if not hasattr(transport, "get_write_buffer_limits"):
        return None
    return transport.get_extra_info("socket")


def _find_descriptor(file: Any) -> int:
    """The file's descriptor, -1 if it has none."""
    try:
        return int(file.fileno())
    except (AttributeError, OSError, ValueError):
        return -1


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
