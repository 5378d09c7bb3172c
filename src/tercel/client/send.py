"""A request on its way out: head and small bodies in one write, larger bodies piece by piece.

In: an exchange, an encoded head, a body. Out: octets on the connection; a task only where the body
is streamed, so that an early answer is seen. `UploadTracker` tells how far it is. Never builds a
head and never reads an answer.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Protocol

from multidict import CIMultiDict

from tercel.client.errors import (
    ClientConnectionError,
    ClientConnectionResetError,
    ClientError,
    ClientOSError,
    ClientPayloadError,
    UploadAbortedError,
)
from tercel.client.exchange import Exchange
from tercel.client.trailers import last_chunk
from tercel.content.payload import Payload
from tercel.wire.coding import Encoder, make_encoder
from tercel.wire.h1.encode import encode_chunk

if TYPE_CHECKING:
    from tercel.client.tracing import Trace

__all__ = ("Outgoing", "RequestWriter", "UploadTracker", "send_request")

#: Octets of a body in memory that go out with the head, in one write.
SMALL_BODY = 65_536
#: Octets of a chunk from which on its head and end go beside it: that costs less than a copy.
_UNCOPIED = 16_384
#: Octets of a larger body in memory that are written before the peer's pace is asked for.
PIECE = 262_144
#: Seconds to wait for 100 Continue before the body is sent all the same (RFC 9110 section 10.1.1).
CONTINUE_WAIT = 1.0


class Outgoing(Protocol):
    """What of a request matters once its head is encoded."""

    @property
    def method(self) -> str: ...
    @property
    def url(self) -> Any: ...
    @property
    def headers(self) -> CIMultiDict[str]: ...
    @property
    def chunked(self) -> bool | None: ...
    @property
    def compress(self) -> str | None: ...
    @property
    def body_length(self) -> int | None: ...
    @property
    def traces(self) -> Sequence[Trace]: ...
    @property
    def trailers(self) -> Mapping[str, str] | None: ...
    @property
    def upload_tracker(self) -> UploadTracker | None: ...


class UploadTracker:
    """How far the upload of one request is (client_reference, "UploadTracker").

    `attempts` counts the sendings; `upload_complete` is a future that is done when no more will be
    sent: None, the error of the upload, or UploadAbortedError. Made inside a running loop.
    """

    def __init__(self) -> None:
        self.attempts = 0
        self.upload_complete: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._taken = False
        self._is_final = False
        self._is_written = False
        self._error: BaseException | None = None
        self._body = 0
        self._wire = 0
        self._protocol: Any = None

    @property
    def bytes_written(self) -> int:
        """Octets of the body, before coding and framing, that this attempt gave to the kernel."""
        if self._protocol is None or not self._wire:
            return self._body
        waiting: int = self._protocol.count_unsent()
        return max(0, self._body - round(waiting * self._body / self._wire))

    def take(self) -> None:
        """Belong to one request; RuntimeError for a second one."""
        if self._taken:
            raise RuntimeError("an UploadTracker observes one request, this one has had its own")
        self._taken = True

    def begin(self, protocol: Any) -> None:
        """An attempt begins, on the connection of `protocol`."""
        self.attempts += 1
        self._body = 0
        self._wire = 0
        self._protocol = protocol
        self._is_written = False
        self._error = None

    def count(self, body: int, wire: int) -> None:
        """`body` octets became `wire` octets on the transport."""
        self._body += body
        self._wire += wire

    def finish(self) -> None:
        """The attempt has written the body to its end."""
        self._protocol = None
        self._is_written = True
        if self._is_final:
            self.settle()

    def fail(self, error: BaseException | None) -> None:
        """The attempt writes no more; None means that nobody knows of an error."""
        self._protocol = None
        if not self._is_written and self._error is None:
            self._error = UploadAbortedError("the body was not sent to its end")
            if error is not None:
                self._error = error
            if self._is_final:
                self.settle()

    def settle(self) -> None:
        """There will be no other attempt: be done, at once or when the body is written."""
        self._is_final = True
        if self.upload_complete.done():
            return
        if self._is_written:
            self.upload_complete.set_result(None)
        elif self._error is not None or not self.attempts:
            error = self._error or UploadAbortedError("the request was not sent")
            self.upload_complete.set_exception(error)
            self.upload_complete.exception()


class RequestWriter:
    """Writes one body: codes it, frames it, waits while the peer is slow."""

    __slots__ = ("_chunked", "_encoder", "_exchange", "_left", "_out", "_tracker", "output_size")

    def __init__(self, exchange: Exchange, out: Outgoing) -> None:
        self._exchange = exchange
        self._out = out
        self._chunked = bool(out.chunked)
        self._encoder: Encoder | None = make_encoder(out.compress) if out.compress else None
        self._left = None if self._chunked else out.body_length
        self._tracker = out.upload_tracker
        self.output_size = 0

    @property
    def transport(self) -> Any:
        """The transport below, with what was written before."""
        self._exchange.protocol.let_go()
        return self._exchange.protocol.transport

    async def write(self, chunk: bytes | bytearray | memoryview) -> None:
        """Send a piece; ClientConnectionResetError when nobody is there to get it."""
        if not isinstance(chunk, (bytes, bytearray, memoryview)):
            raise TypeError(f"a piece of a body is {type(chunk).__name__}, expected bytes")
        size = chunk.nbytes if isinstance(chunk, memoryview) else len(chunk)
        if not size:
            return
        sent = self._send(_kept(chunk) if self._encoder is None else self._encoder.encode(chunk))
        if self._tracker is not None:
            self._tracker.count(size, sent)
        for trace in self._out.traces:
            await trace.send_request_chunk_sent(self._out.method, self._out.url, bytes(chunk))
        if self._exchange.protocol.must_drain:
            await self.drain()

    def _send(self, data: Any, last: bytes = b"") -> int:
        """Frame `data` and pass it on, `last` behind it: the number of octets on the wire."""
        size = len(data)
        parts: tuple[Any, ...] = (data,)
        if not size:
            parts = (last,)
        elif not self._chunked:
            if self._left is not None:
                if size > self._left:
                    raise ClientPayloadError(
                        "the body goes on beyond its Content-Length of "
                        f"{self._out.body_length} bytes"
                    )
                self._left -= size
        elif size < _UNCOPIED:
            parts = (encode_chunk(data) + last,)
        else:
            parts = (b"%x\r\n" % size, data, b"\r\n" + last)
        sent = sum(map(len, parts))
        if sent:
            self._exchange.write_late(parts)
            self.output_size += sent
        return sent

    async def drain(self) -> None:
        """Wait until the transport takes more."""
        protocol = self._exchange.protocol
        if protocol.must_drain:
            try:
                await protocol.drain()
            except ConnectionResetError as error:
                raise ClientConnectionResetError("Cannot write to closing transport") from error

    async def write_eof(self, chunk: bytes = b"") -> None:
        """End the body; ClientPayloadError where it is shorter than it was announced to be."""
        if chunk:
            await self.write(chunk)
        data = b"" if self._encoder is None else self._encoder.finish()
        self._send(data, last_chunk(self._out.trailers) if self._chunked else b"")
        if self._left:
            raise ClientPayloadError(
                f"the body ended {self._left} bytes before its Content-Length of "
                f"{self._out.body_length}"
            )
        self._exchange.protocol.let_go()
        await self.drain()


def _kept(chunk: bytes | bytearray | memoryview) -> bytes | memoryview:
    """The same octets, to be kept until the transport has sent them."""
    if type(chunk) is bytes:
        return chunk
    if isinstance(chunk, memoryview) and type(chunk.obj) is bytes and chunk.c_contiguous:
        return chunk.cast("B")
    return bytes(chunk)


async def send_request(
    exchange: Exchange, head: bytes, body: Payload | bytes, out: Outgoing, expects: bool
) -> None:
    """Send head and body; returns when both are sent, or when a task sends the rest.

    ValueError for a coding of the body that is not known; nothing is sent then. With `expects`,
    the body waits for 100 Continue, or is left out where another answer comes.
    """
    tracker = out.upload_tracker
    if tracker is not None:
        tracker.begin(exchange.protocol)
    octets = _octets_of(body)
    if octets is not None and not expects and _is_plain(octets, out):
        exchange.write(head + (octets if octets or not out.chunked else last_chunk(out.trailers)))
        if tracker is not None:
            tracker.count(len(octets), len(octets))
            tracker.finish()
        for trace in out.traces:
            await trace.send_request_headers(out.method, out.url, out.headers)
            if octets:
                await trace.send_request_chunk_sent(out.method, out.url, octets)
        return
    writer = RequestWriter(exchange, out)
    exchange.upload_done = False
    loop = asyncio.get_running_loop()
    if expects:
        exchange.continue_waiter = loop.create_future()
    elif not out.traces:
        # The task writes before the event loop turns, so that the head leaves with the body.
        exchange.upload = loop.create_task(_upload(writer, exchange, body, octets, out))
        try:
            exchange.write_late((head,))
        except ClientConnectionResetError:
            exchange.upload.cancel()
            raise
        return
    exchange.write(head)
    for trace in out.traces:
        await trace.send_request_headers(out.method, out.url, out.headers)
    exchange.upload = loop.create_task(_upload(writer, exchange, body, octets, out))


def _octets_of(body: Payload | bytes) -> bytes | None:
    """The octets of a body that is in memory as such, else None."""
    if isinstance(body, bytes):
        return body
    value = body._value
    if body.autoclose and isinstance(value, (bytes, bytearray, memoryview)):
        return value if isinstance(value, bytes) else bytes(value)
    return None


def _is_plain(octets: bytes, out: Outgoing) -> bool:
    """True if head and body can go out as they are, in one write."""
    if not octets:
        return True
    if len(octets) > SMALL_BODY or out.compress or out.chunked:
        return False
    return out.body_length is None or out.body_length == len(octets)


async def _upload(
    writer: RequestWriter,
    exchange: Exchange,
    body: Payload | bytes,
    octets: bytes | None,
    out: Outgoing,
) -> None:
    """The task that streams a body."""
    tracker = out.upload_tracker
    failure: BaseException | None = None
    try:
        if exchange.continue_waiter is not None and not await _may_go_on(exchange):
            exchange.fail_upload(UploadAbortedError("the server did not want the body"))
            return
        if octets is not None:
            view = memoryview(octets)[: out.body_length]
            for start in range(0, len(view), PIECE):
                await writer.write(view[start : start + PIECE])
        else:
            await body.write_with_length(writer, out.body_length)  # type: ignore[union-attr]
        await writer.write_eof()
    except asyncio.CancelledError:
        exchange.upload_done = True
        raise
    except Exception as error:
        failure = _upload_error(error)
        exchange.fail_upload(failure)
    else:
        exchange.upload = None
        exchange.finish_upload()
        if tracker is not None:
            tracker.finish()
    finally:
        if tracker is not None:
            tracker.fail(failure)


async def _may_go_on(exchange: Exchange) -> bool:
    """Wait for 100 Continue; False if the final answer came instead."""
    loop = asyncio.get_running_loop()
    waiter = exchange.continue_waiter
    timer = loop.call_later(CONTINUE_WAIT, exchange.receive_continue)
    try:
        await waiter
    finally:
        timer.cancel()
    return exchange.head is None and exchange.error is None


def _upload_error(error: Exception) -> ClientError:
    """What the request raises where sending its body ended with `error`."""
    if isinstance(error, ClientError):
        return error
    failure: ClientError
    if isinstance(error, OSError) and error.errno is not None:
        failure = ClientOSError(error.errno, f"Can not write request body: {error}")
    else:
        failure = ClientConnectionError(f"Failed to send the request's body: {error!r}")
    failure.__cause__ = error
    return failure
