"""Message bodies of HTTP/1.1: by length, chunked, or until the connection closes.

In: a buffer and a position. Out: pieces of the body as bytes, None until more octets are there,
`BadMessage` for what breaks RFC 9112 section 7. A body never takes an octet beyond its end.
"""

from tercel.wire.errors import BadMessage
from tercel.wire.h1.heads import HeadParser
from tercel.wire.limits import Limits
from tercel.wire.octets import HEX, KIND, VALUE

__all__ = ("Body", "ChunkedBody", "CloseBody", "LengthBody")

_KIND = KIND
_HEX = HEX
_VALUE = VALUE

# Where a chunked body stands.
_SIZE = 0
_DATA = 1
_DATA_END = 2
_TRAILERS = 3


class Body:
    """One body being read.

    `pos` is the position up to which the buffer was used, `is_done` tells that the body has ended,
    `chunk_ended` that the last piece ended a chunk, `trailers` holds the trailer section's pairs.
    """

    __slots__ = ("chunk_ended", "is_done", "pos", "trailers")

    def __init__(self) -> None:
        self.pos = 0
        self.is_done = False
        self.chunk_ended = False
        self.trailers: tuple[tuple[bytes, bytes], ...] = ()

    def take_piece(self, data: bytes, pos: int) -> bytes | None:
        """The next piece from `pos` on, or None if there is none yet, or if the body is done."""
        raise TypeError("Body is abstract, expected one of its three kinds")

    def take_eof(self) -> bool:
        """True if the body may end where the connection does."""
        return False


class LengthBody(Body):
    """A body of `remaining` octets (RFC 9112 section 6.2)."""

    __slots__ = ("remaining",)

    def __init__(self, length: int) -> None:
        Body.__init__(self)
        self.remaining = length

    def count(self, size: int) -> None:
        """`size` octets of the body were read past this object."""
        if size > self.remaining:
            raise BadMessage(f"{size} octets came, expected {self.remaining} at most")
        self.remaining -= size
        if self.remaining == 0:
            self.is_done = True

    def take_piece(self, data: bytes, pos: int) -> bytes | None:
        available = len(data) - pos
        if available <= 0:
            self.pos = pos
            return None
        if available > self.remaining:
            available = self.remaining
        self.remaining -= available
        self.pos = pos + available
        if self.remaining == 0:
            self.is_done = True
        if pos == 0 and available == len(data):
            return data
        p = data
        return p[pos : pos + available]


class CloseBody(Body):
    """A response body that ends where the connection does (RFC 9112 section 6.3)."""

    __slots__ = ()

    def take_piece(self, data: bytes, pos: int) -> bytes | None:
        self.pos = len(data)
        if pos >= len(data):
            return None
        return data if pos == 0 else data[pos:]

    def take_eof(self) -> bool:
        self.is_done = True
        return True


class ChunkedBody(Body):
    """A body in chunks, with extensions (read over) and trailers (RFC 9112 section 7.1)."""

    __slots__ = ("_extensions", "_limits", "_max_line", "_remaining", "_state", "_trailer_parser")

    def __init__(self, limits: Limits) -> None:
        Body.__init__(self)
        self._limits = limits
        self._max_line = limits.max_line_size
        self._state = _SIZE
        self._remaining = 0
        self._extensions = 0
        self._trailer_parser: HeadParser | None = None

    def take_piece(self, data: bytes, pos: int) -> bytes | None:
        p = data
        end = len(data)
        self.chunk_ended = False
        while True:
            if self._state == _SIZE:
                following = self._take_size(data, pos, end)
                if following < 0:
                    self.pos = pos
                    return None
                pos = following
                self._state = _DATA if self._remaining else _TRAILERS
            if self._state == _DATA:
                available = end - pos
                if available <= 0:
                    self.pos = pos
                    return None
                if available > self._remaining:
                    available = self._remaining
                self._remaining -= available
                if self._remaining == 0:
                    self._state = _DATA_END
                    self.chunk_ended = True
                self.pos = pos + available
                if pos == 0 and available == end:
                    return data
                return p[pos : pos + available]
            if self._state == _DATA_END:
                if end > pos and p[pos] != 13 or end > pos + 1 and p[pos + 1] != 10:
                    raise BadMessage(
                        f"{data[pos : pos + 2]!r} came after a chunk's data, expected CRLF"
                    )
                if end < pos + 2:
                    self.pos = pos
                    return None
                pos += 2
                self._state = _SIZE
            if self._state == _TRAILERS:
                self._take_trailers(data, pos, end)
                return None

    def _take_size(self, data: bytes, pos: int, end: int) -> int:
        """Read the chunk-size line at `pos`; the position after it, or -1 until it is whole."""
        p = data
        kind = _KIND
        line_end = data.find(b"\n", pos)
        if line_end < 0:
            if end - pos > self._max_line + 1:
                raise BadMessage(f"a chunk-size line is longer than {self._max_line} octets")
            return -1
        if line_end - pos - 1 > self._max_line:
            raise BadMessage(f"a chunk-size line is longer than {self._max_line} octets")
        size = 0
        i = pos
        while kind[p[i]] & _HEX:
            octet = p[i]
            if octet <= 57:
                digit = octet - 48
            elif octet <= 70:
                digit = octet - 55
            else:
                digit = octet - 87
            size = size * 16 + digit
            i += 1
            if i - pos > 15:
                raise BadMessage("a chunk size has more than 15 digits")
        if i == pos:
            raise BadMessage(f"a chunk size is {data[pos : pos + 20]!r}, expected hex digits")
        if p[i] != 13 or i + 1 != line_end:
            self._check_extension(data, i, line_end)
        self._remaining = size
        return line_end + 1

    def _check_extension(self, data: bytes, pos: int, line_end: int) -> None:
        """Read over the chunk extensions from `pos` to the line's LF."""
        p = data
        kind = _KIND
        i = pos
        while p[i] == 32 or p[i] == 9:
            i += 1
        if p[i] != 59:
            raise BadMessage(
                f"{data[pos : pos + 20]!r} came after a chunk size, expected CRLF or ';'"
            )
        while kind[p[i]] & _VALUE:
            i += 1
        if p[i] != 13 or i + 1 != line_end:
            raise BadMessage("a chunk extension holds a control character")
        self._extensions += i - pos
        if self._extensions > self._limits.max_chunk_extensions:
            raise BadMessage(
                f"chunk extensions add up to more than {self._limits.max_chunk_extensions} octets"
            )

    def _take_trailers(self, data: bytes, pos: int, end: int) -> None:
        p = data
        if self._trailer_parser is None:
            if end >= pos + 2 and p[pos] == 13 and p[pos + 1] == 10:
                self.pos = pos + 2
                self.is_done = True
                return
            self._trailer_parser = HeadParser(True, self._limits)
        trailers = self._trailer_parser.parse_trailers(data, pos)
        self.pos = pos
        if trailers is not None:
            self.trailers = trailers
            self.pos = self._trailer_parser.end
            self.is_done = True
