"""One request and its answer on one connection, as the web layer sees them.

In: a head, a body to read, and what the answer consists of. Out: framed octets on the transport,
the head and the first piece in one write. What HTTP version lies below is this module's business
alone. Never decides what an answer's headers are, except in `respond`, the short way of a small
answer.
"""

import asyncio
from time import time
from typing import Any

from multidict import CIMultiDict

from tercel.net.protocol import WireProtocol
from tercel.net.streams import StreamReader
from tercel.web.stream import SERVER_SOFTWARE
from tercel.wire.dates import format_http_date
from tercel.wire.h1.encode import (
    encode_chunk,
    encode_fields,
    encode_last_chunk,
    encode_status_line,
)
from tercel.wire.h1.head import RequestHead
from tercel.wire.version import HttpVersion, HttpVersion10

__all__ = ("Exchange", "date_and_server")

_now = time
_VERSION_10 = HttpVersion10
#: A piece up to this many octets is copied behind the head to save a write.
_JOIN_LIMIT = 65536
#: Octets of a piece from which on the end of its chunk goes beside it, where transports gather.
_UNCOPIED = 16384

#: The Date and Server lines, the same with the empty line, and the seconds that they hold for.
_standing_lines = b""
_standing_end = b""
_standing_from = 1.0
_standing_until = 0.0
_content_types: dict[str, bytes] = {}
_MAX_CONTENT_TYPES = 256
_plain_starts: dict[str, bytes] = {}
_lengths = [b"%d\r\n" % length for length in range(1024)]
_sizes = [b"%x\r\n" % size for size in range(1024)]
_CRLF = b"\r\n"
_CONTENT_LENGTH = b"Content-Length: "


def date_and_server() -> bytes:
    """The Date and Server lines, made anew once a second."""
    global _standing_lines, _standing_end, _standing_from, _standing_until
    now = _now()
    if now >= _standing_until or now < _standing_from:
        second = int(now)
        _standing_lines = encode_fields(
            (("Date", format_http_date(second)), ("Server", SERVER_SOFTWARE))
        )
        _standing_end = _standing_lines + b"\r\n"
        _standing_from = second
        _standing_until = second + 1
    return _standing_lines


def _plain_start(kind: str) -> bytes:
    """The head of an answer with this Content-Type, up to the number of its length."""
    start = _plain_starts.get(kind)
    if start is None:
        start = b"".join((_OK, _content_type_line(kind), _CONTENT_LENGTH))
        if len(_plain_starts) < _MAX_CONTENT_TYPES:
            _plain_starts[kind] = start
    return start


def _content_type_line(value: str) -> bytes:
    line = _content_types.get(value)
    if line is None:
        line = encode_fields((("Content-Type", value),))
        if len(_content_types) < _MAX_CONTENT_TYPES:
            _content_types[value] = line
    return line


class Exchange:
    """One request and its answer.

    `head` is the request's head, `body` its `StreamReader`; `keep_alive` may be set to False to
    close the connection after this answer. `bytes_sent` counts all octets of the answer,
    `body_bytes_sent` those of its body before framing. `task` runs the handler. `trailers` are the
    pairs that came after the request's body, once it has ended.
    """

    __slots__ = (
        "_chunked",
        "_connection",
        "_pending",
        "_remaining",
        "body",
        "body_bytes_sent",
        "bytes_sent",
        "drops_body",
        "finished",
        "head",
        "head_sent",
        "keep_alive",
        "status",
        "task",
        "trailers",
    )

    def __init__(self, connection: WireProtocol, head: RequestHead, body: StreamReader) -> None:
        self._connection = connection
        self.head = head
        self.body = body
        self.keep_alive = head.keep_alive
        self.head_sent = False
        self.finished = False
        self.drops_body = False
        self.status = 0
        self.bytes_sent = 0
        self.body_bytes_sent = 0
        self.task: asyncio.Task[Any] | None = None
        self.trailers: tuple[tuple[bytes, bytes], ...] = ()
        self._chunked = False
        self._pending: bytes | None = None
        self._remaining: int | None = None

    @property
    def protocol(self) -> WireProtocol:
        """The connection's protocol."""
        return self._connection

    @property
    def transport(self) -> Any:
        """The connection's transport, None once it is gone."""
        self._connection.let_go()
        return self._connection.transport

    @property
    def loop(self) -> asyncio.AbstractEventLoop:
        """The event loop that the connection belongs to."""
        return self._connection.loop

    @property
    def version(self) -> HttpVersion:
        """The HTTP version of the request."""
        return self.head.version

    @property
    def must_drain(self) -> bool:
        """True while the transport asks writers to wait."""
        return self._connection.must_drain

    @property
    def closed(self) -> bool:
        """True once nothing more reaches the peer."""
        return self._connection.is_closed

    @property
    def has_begun(self) -> bool:
        """True once octets of the answer's head have left."""
        return self.head_sent

    def is_tunnel(self) -> bool:
        """True for a CONNECT request, whose answer is framed in a way of its own."""
        return self.head.method == "CONNECT"

    def respond_plainly(self, kind: str, body: bytes) -> None:
        """`respond` with 200, a Content-Type and a body."""
        size = len(body)
        if (
            size >= 1024
            or not self.keep_alive
            or self._connection.is_closed
            or self.head.version is _VERSION_10
            or self.head.method == "HEAD"
        ):
            self.respond(200, "OK", kind, body)
            return
        start = _plain_start(kind)
        date_and_server()
        data = b"".join((start, _lengths[size], _standing_end, body))
        self.status = 200
        self.head_sent = True
        self.finished = True
        self.bytes_sent = len(data)
        self.body_bytes_sent = size
        self._connection.transport.write(data)

    def respond(
        self, status: int, reason: str, fields: CIMultiDict[str] | bytes | str | None, body: bytes
    ) -> None:
        """A whole answer in one write.

        `fields` is a Content-Type value, None for none, or all headers but those that frame the
        answer, maybe encoded already. Content-Length (but for 304), Date, Server and Connection
        are added. ValueError for control characters.
        """
        size = len(body)
        if fields is None:
            block = b""
            standing = date_and_server()
        elif isinstance(fields, bytes):
            block = fields
            standing = date_and_server()
        elif isinstance(fields, str):
            block = _content_type_line(fields)
            standing = date_and_server()
        else:
            block = encode_fields(fields.items())
            standing = date_and_server()
            if "Date" in fields or "Server" in fields:
                standing = encode_fields(_missing_of(fields))
        connection = self._end_of_head()
        length = _lengths[size] if size < 1024 else b"%d\r\n" % size
        named = _CONTENT_LENGTH
        if status == 304:
            named = length = b""
        if status == 200 and reason == "OK":
            line = _OK
        else:
            line = encode_status_line(status, reason)
        self.status = status
        self.head_sent = True
        self.finished = True
        if self._connection.is_closed:
            return
        transport = self._connection.transport
        if self.head.method == "HEAD" or size > _JOIN_LIMIT:
            start = b"".join((line, block, named, length, standing, connection))
            self.bytes_sent = len(start)
            transport.write(start)
            if self.head.method != "HEAD":
                self.bytes_sent += size
                self.body_bytes_sent = size
                transport.write(body)
            return
        start = b"".join((line, block, named, length, standing, connection, body))
        self.bytes_sent = len(start)
        self.body_bytes_sent = size
        transport.write(start)

    def start(
        self, status: int, reason: str, headers: CIMultiDict[str], length: int | None, chunked: bool
    ) -> None:
        """Fix the head; it leaves with the first piece of the body.

        `headers` are final. `length` is the number of octets that the body will have, or None;
        `chunked` frames it in chunks. ValueError for control characters, RuntimeError for a second
        call.
        """
        if self.head_sent:
            raise RuntimeError("the answer was started already")
        self._pending = b"%b%b\r\n" % (
            encode_status_line(status, reason),
            encode_fields(headers.items()),
        )
        self.status = status
        self._chunked = chunked
        self.drops_body = (
            self.head.method == "HEAD" or status == 204 or status == 304 or status < 200
        )
        self._remaining = None if self.drops_body else length

    def start_block(self, block: bytes, length: int) -> None:
        """`start` of a 200 with `length` octets, whose own header lines are encoded in `block`.

        Content-Length, Date, Server and Connection are added, as `respond` does.
        """
        if self.head_sent or self._pending is not None:
            raise RuntimeError("the answer was started already")
        framing = b"Content-Length: %d\r\n" % length
        end = self._end_of_head()
        self._pending = b"".join((_OK, block, framing, date_and_server(), end))
        self.status = 200
        self.drops_body = self.head.method == "HEAD"
        self._remaining = None if self.drops_body else length

    def _end_of_head(self) -> bytes:
        """The Connection line where there must be one, and the empty line."""
        if not self.keep_alive:
            return _CLOSE
        return b"\r\n" if self.head.version is not _VERSION_10 else _KEEP_ALIVE

    def write(self, data: bytes | bytearray | memoryview) -> None:
        """Send a piece of the body, or the held head alone if it is empty.

        RuntimeError before `start`, after `finish` and for more octets than `length` announced.
        """
        self._write(data, False)

    def _write(self, data: bytes | bytearray | memoryview, may_wait: bool) -> None:
        """`write`; the piece leaves when the event loop turns, if it `may_wait`."""
        if self.finished:
            raise RuntimeError("the answer has ended, nothing more can be written")
        pending = self._pending
        if pending is None and not self.head_sent:
            raise RuntimeError("the answer was not started")
        if isinstance(data, memoryview) and not data.c_contiguous:
            data = bytes(data)
        size = data.nbytes if isinstance(data, memoryview) else len(data)
        if self.drops_body or size == 0:
            if pending is not None:
                self._flush(pending)
            return
        if self._remaining is not None:
            if size > self._remaining:
                raise RuntimeError(
                    f"{size} octets were written where Content-Length leaves {self._remaining}"
                )
            self._remaining -= size
        self.body_bytes_sent += size
        if may_wait or size >= _UNCOPIED:
            head = b"%x\r\n" % size if self._chunked else b""
            if pending is not None:
                self._pending = None
                self.head_sent = True
                head = pending + head
            self._gather(head, data, may_wait)
            return
        if self._chunked:
            data = encode_chunk(data)
        self._flush(data if pending is None else b"".join((pending, data)))

    def write_piece(self, data: bytes | bytearray | memoryview) -> bool:
        """`write`, where ConnectionResetError tells of a peer that has gone; True to drain now.

        Small pieces, and the held head, leave in one write as soon as the event loop turns.
        """
        connection = self._connection
        if connection.is_closed:
            raise ConnectionResetError("Cannot write to closing transport")
        pending = self._pending
        if pending is not None:
            if type(data) is not bytes or len(data) >= 1024:
                self._write(data, True)
                return connection.must_drain
            self._pending = None
            self.head_sent = True
            self.bytes_sent += len(pending)
            connection.write_late(pending)
        if type(data) is bytes and self.head_sent and not self.finished and not self.drops_body:
            size = len(data)
            remaining = self._remaining
            if 0 < size < 1024 and (remaining is None or size <= remaining):
                if remaining is not None:
                    self._remaining = remaining - size
                octets = b"".join((_sizes[size], data, _CRLF)) if self._chunked else data
                self.body_bytes_sent += size
                self.bytes_sent += len(octets)
                connection.write_late(octets)
                return connection.must_drain
        self._write(data, True)
        return connection.must_drain

    def finish(self, data: bytes | bytearray | memoryview = b"") -> None:
        """Send the last piece and the end of the body.

        A body shorter than its announced length closes the connection: the peer must not take the
        next answer for its rest.
        """
        if self.finished:
            return
        pending = self._pending
        if pending is None and not self.head_sent:
            raise RuntimeError("the answer was not started")
        if isinstance(data, memoryview) and not data.c_contiguous:
            data = bytes(data)
        size = data.nbytes if isinstance(data, memoryview) else len(data)
        if self._chunked and not self.drops_body:
            if size > _JOIN_LIMIT:
                self._write(data, True)  # may wait for what follows at once
                self._send(b"0\r\n\r\n")
            else:
                last = b"".join((b"%x\r\n" % size, data, _LAST)) if size else b"0\r\n\r\n"
                self.body_bytes_sent += size
                self._flush(last if pending is None else pending + last)
        else:
            self.write(data)
            if self._remaining is not None and self._remaining > 0:
                self.keep_alive = False
            elif self._remaining is None and not self.drops_body:
                self.keep_alive = False
            self._connection.let_go()  # the next answer does not ask what waits
        self.finished = True

    def finish_with_trailers(
        self, data: bytes | bytearray | memoryview, trailers: CIMultiDict[str]
    ) -> None:
        """`finish` of a chunked body, with fields after it; ValueError for control characters."""
        if self.finished or not self._chunked or self.drops_body:
            self.finish(data)
            return
        last = encode_last_chunk(trailers.items())
        self.write(data)
        pending = self._pending
        self._flush(last if pending is None else pending + last)
        self.finished = True

    def send_informational(self, status: int, headers: CIMultiDict[str] | tuple[()] = ()) -> None:
        """An interim answer such as 100 or 103 (RFC 9110 section 15.2); dropped for HTTP/1.0."""
        if self.head_sent or self._pending is not None:
            raise RuntimeError("an interim answer must come before the answer's head")
        if status < 100 or status > 199 or status == 101:
            raise ValueError(f"the interim status is {status}, expected 100 or 102 to 199")
        if self.head.version is _VERSION_10:
            return
        if status == 100 and self.head.expects_continue:
            self.head.expects_continue = False
            self.keep_alive = self.head.keep_alive
        fields = encode_fields(headers.items()) if headers else b""
        phrase = {100: "Continue", 102: "Processing", 103: "Early Hints"}.get(status, "")
        self._send(b"%b%b\r\n" % (encode_status_line(status, phrase), fields))

    def send_raw(self, data: bytes | bytearray | memoryview, is_body: int) -> None:
        """Octets that are framed already; `is_body` counts how many of them are the body's."""
        pending = self._pending
        if pending is not None:
            self._flush(pending)
        self.body_bytes_sent += is_body
        self._send(data)

    def note_body(self, count: int) -> None:
        """`count` octets of the body went past this object: by kernel sendfile."""
        self.bytes_sent += count
        self.body_bytes_sent += count
        if self._remaining is not None:
            self._remaining -= count

    def drain(self) -> Any:
        """An awaitable that is done once the transport takes more; ConnectionResetError if not."""
        return self._connection.drain()

    def sendfile(self, file: Any, offset: int, count: int) -> Any:
        """An awaitable that sends `count` octets of `file` from `offset` on, unframed."""
        from tercel.net.sendfile import send_file

        if self.drops_body:
            self.write(b"")
            return self._connection.drain()
        if self._pending is not None:
            self._flush(self._pending)
        return send_file(self, file, offset, count)

    def _flush(self, data: bytes | bytearray | memoryview) -> None:
        self._pending = None
        self.head_sent = True
        self._send(data)

    def _send(self, data: bytes | bytearray | memoryview) -> None:
        connection = self._connection
        if connection.is_closed:
            raise ConnectionResetError("Cannot write to closing transport")
        if type(data) is not bytes:
            # Transports may keep what they can't send yet, and writers use their buffers again.
            data = bytes(data)
        self.bytes_sent += len(data)
        if connection._late is not None:
            connection.write_gathered((data,), False)
            return
        connection.transport.write(data)

    def _gather(self, head: bytes, data: bytes | bytearray | memoryview, may_wait: bool) -> None:
        """Send a piece, uncopied, between `head` and the end of its chunk."""
        connection = self._connection
        if connection.is_closed:
            raise ConnectionResetError("Cannot write to closing transport")
        if type(data) is not bytes:
            data = bytes(data)
        self.bytes_sent += len(head) + len(data)
        if self._chunked:
            self.bytes_sent += 2
            connection.write_gathered((head, data, _CRLF), may_wait)
        else:
            connection.write_gathered((head, data) if head else (data,), may_wait)


_LAST = b"\r\n0\r\n\r\n"
_OK = encode_status_line(200, "OK")
_KEEP_ALIVE = b"Connection: keep-alive\r\n\r\n"
_CLOSE = b"Connection: close\r\n\r\n"


def _missing_of(fields: CIMultiDict[str]) -> list[tuple[str, str]]:
    """Which of Date and Server the headers don't have."""
    missing = []
    if "Date" not in fields:
        missing.append(("Date", format_http_date(int(_now()))))
    if "Server" not in fields:
        missing.append(("Server", SERVER_SOFTWARE))
    return missing
