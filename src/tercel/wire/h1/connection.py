"""One HTTP/1.1 connection as its reader sees it, for either role, without I/O.

In: `feed_data`, `feed_eof`. Out: `next_event` gives a head, pieces of its body as bytes,
`EndOfMessage`, or None for not yet; it raises `WireError` once the stream can't be read on. A
message without a body is its head alone. After a message nothing is read until `next_message`:
pipelined requests wait their turn.
"""

from typing import Any

from tercel.wire.errors import TruncatedMessage
from tercel.wire.h1.bodies import Body, ChunkedBody, CloseBody, LengthBody
from tercel.wire.h1.head import Head
from tercel.wire.h1.heads import HeadParser
from tercel.wire.limits import DEFAULT_LIMITS, Limits

__all__ = ("Connection", "EndOfMessage")


class EndOfMessage:
    """The end of a message that had a body; `trailers` holds the pairs that came then."""

    __slots__ = ("trailers",)

    def __init__(self, trailers: tuple[tuple[bytes, bytes], ...] = ()) -> None:
        self.trailers = trailers


_END = EndOfMessage()


class Connection:
    """The reading half of a connection; `is_server` says that requests are expected.

    `reads_body` is True between a head and the end of its body, `message_done` from the end of a
    message to `next_message`, `is_eof` once the peer has closed its side.
    """

    __slots__ = (
        "_body",
        "_data",
        "_limits",
        "_method",
        "_parser",
        "_pos",
        "_switched",
        "is_eof",
        "is_server",
        "message_done",
    )

    def __init__(self, is_server: bool, limits: Limits = DEFAULT_LIMITS) -> None:
        self.is_server = is_server
        self._limits = limits
        self._parser: Any = HeadParser(is_server, limits)
        self._data = b""
        self._pos = 0
        self._body: Body | None = None
        self._method = ""
        self._switched = False
        self.message_done = False
        self.is_eof = False

    @property
    def reads_body(self) -> bool:
        """True while a body is being read."""
        return self._body is not None

    @property
    def chunk_ended(self) -> bool:
        """True if the last piece of a chunked body ended a chunk."""
        return self._body is not None and self._body.chunk_ended

    @property
    def held(self) -> int:
        """Octets received and not yet given out."""
        return len(self._data) - self._pos

    def rest(self) -> int:
        """Octets missing of a body of known length, if all that came was given out; else 0."""
        if self._pos < len(self._data) or type(self._body) is not LengthBody:
            return 0
        length: Any = self._body
        return length.remaining  # type: ignore[no-any-return]

    def count_direct(self, size: int) -> None:
        """`size` octets, `rest()` at most, were received past this object."""
        length: Any = self._body
        length.count(size)

    def feed_data(self, data: bytes) -> None:
        """Accept octets from the peer."""
        if self._pos >= len(self._data):
            self._data = data
        else:
            self._data = self._data[self._pos :] + data
        self._pos = 0

    def feed_eof(self) -> None:
        """The peer has closed its side."""
        self.is_eof = True

    def expect_response(self, method: str) -> None:
        """Client: the response to a request of this method comes next (RFC 9112 section 6.3)."""
        self._method = method
        self.message_done = False

    def next_message(self) -> None:
        """Go on to the message after the one that is done."""
        self.message_done = False

    def switch(self) -> bytes:
        """Leave HTTP: the octets received after the last head; nothing is parsed any more."""
        rest = self._data[self._pos :]
        self._data = b""
        self._pos = 0
        self._switched = True
        self._parser = None
        return rest

    def next_event(self) -> Head | EndOfMessage | bytes | None:
        """The next fact, or None until more octets come; a WireError when there can be none."""
        if self._body is not None:
            return self._next_piece()  # type: ignore[no-any-return]
        if self.message_done or self._switched:
            return None
        if self._pos < len(self._data):
            head: Head | None = self._parser.parse(self._data, self._pos)
            if head is not None:
                self._pos = self._parser.end
                self._begin_body(head)
                return head
        if self.is_eof and self._parser.has_begun:
            raise TruncatedMessage("the connection was closed in the middle of a head")
        return None

    def _next_piece(self) -> Any:
        body: Any = self._body
        if not body.is_done:
            piece = body.take_piece(self._data, self._pos)
            self._pos = body.pos
            if piece is not None:
                return piece
        if not body.is_done:
            if not self.is_eof:
                return None
            if not body.take_eof():
                raise TruncatedMessage("the connection was closed in the middle of a body")
        self._body = None
        self.message_done = True
        return EndOfMessage(body.trailers) if body.trailers else _END

    def _begin_body(self, head: Head) -> None:
        """Decide how the body that follows `head` ends (RFC 9112 section 6.3)."""
        if not self.is_server and self._is_bodiless(head):
            return
        if head.chunked:
            self._body = ChunkedBody(self._limits)
        elif head.content_length is not None:
            if head.content_length:
                self._body = LengthBody(head.content_length)
            else:
                self.message_done = True
        elif self.is_server:
            self.message_done = True
        else:
            head.keep_alive = False
            self._body = CloseBody()

    def _is_bodiless(self, head: Any) -> bool:
        """True for a response that has no body whatever its fields say."""
        status = head.status
        if status < 200:
            if status == 101:
                self.message_done = True
            return True
        if status == 204 or status == 304 or self._method == "HEAD":
            self.message_done = True
            return True
        if self._method == "CONNECT" and status < 300:
            self.message_done = True
            return True
        return False
