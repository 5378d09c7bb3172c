"""Multipart bodies as events (RFC 2046 section 5.1, RFC 7578).

In: the octets of a body, however cut, and its boundary. Out: for each part a `PartHead`, its octets
in pieces and an `EndOfPart`, then one `EndOfBody`; None until more octets are there. Raises
`BadMultipart` for what breaks the grammar or a limit, `TruncatedMultipart` for an end that comes
too early. Holds no more than a part's head or a delimiter back; preamble and epilogue are dropped.
"""

from tercel.wire.errors import BadMessage, TruncatedMessage
from tercel.wire.limits import DEFAULT_MULTIPART_LIMITS, MultipartLimits
from tercel.wire.octets import is_field_text, is_token

__all__ = (
    "BadMultipart",
    "EndOfBody",
    "EndOfPart",
    "MultipartParser",
    "PartHead",
    "TruncatedMultipart",
)

_is_field_text = is_field_text
_is_token = is_token

# Where a body stands.
_PREAMBLE = 0
_DATA = 1
_DELIMITER = 2
_HEAD = 3
_CLOSED = 4
_EPILOGUE = 5


class BadMultipart(BadMessage, ValueError):
    """A multipart body breaks the grammar or a limit."""


class TruncatedMultipart(TruncatedMessage, ValueError):
    """A multipart body ended before its closing delimiter."""


_BadMultipart = BadMultipart
_TruncatedMultipart = TruncatedMultipart


class PartHead:
    """A part begins; `pairs` are its field names and values as they came, without edge spaces."""

    __slots__ = ("pairs",)

    def __init__(self, pairs: tuple[tuple[bytes, bytes], ...]) -> None:
        self.pairs = pairs


class EndOfPart:
    """The part has ended."""

    __slots__ = ()


class EndOfBody:
    """The closing delimiter has come; what follows it has no meaning."""

    __slots__ = ()


_END_OF_PART = EndOfPart()
_END_OF_BODY = EndOfBody()


class MultipartParser:
    """Reads one multipart body.

    `boundary` is the parameter's value, without dashes. With `within_part` the octets begin where
    the head of a part has ended. Raises `BadMultipart` for a boundary that is empty or too long.
    `is_done` tells that the closing delimiter has come.
    """

    __slots__ = (
        "_data",
        "_delimiter",
        "_eof",
        "_in_part",
        "_lead",
        "_limits",
        "_pos",
        "_scanned",
        "_skipped",
        "_state",
        "_within_part",
        "is_done",
    )

    def __init__(
        self,
        boundary: bytes,
        limits: MultipartLimits = DEFAULT_MULTIPART_LIMITS,
        within_part: bool = False,
    ) -> None:
        if not boundary or len(boundary) > limits.max_boundary:
            raise _BadMultipart(
                f"the boundary {boundary[:80]!r} has {len(boundary)} octets, "
                f"expected 1 to {limits.max_boundary}"
            )
        self._limits = limits
        self._delimiter = b"\r\n--" + boundary
        self._state = _DATA if within_part else _PREAMBLE
        self._in_part = within_part
        self._within_part = within_part
        # A delimiter owns the line break before it, even that of the head, and even the one that
        # the first line of a body doesn't have: `_lead` octets at `_pos` are no content.
        self._data = b"\r\n"
        self._lead = 2
        self._pos = 0
        self._scanned = 0
        self._skipped = 0
        self._eof = False
        self.is_done = False

    def feed_data(self, data: bytes) -> None:
        """Take octets of the body; what follows its end is dropped."""
        if self._state >= _CLOSED:
            return
        if self._pos < len(self._data):
            data = self._data[self._pos :] + data
        self._data = data
        self._pos = 0

    def feed_eof(self) -> None:
        """Say that no more octets come."""
        self._eof = True

    def next_event(self) -> PartHead | EndOfPart | EndOfBody | bytes | None:
        """What comes next: a PartHead, a piece, EndOfPart, EndOfBody; None for not yet."""
        while True:
            state = self._state
            if state == _DATA:
                piece = self._take_content()
                if piece is not None:
                    return piece
            elif state == _DELIMITER:
                self._take_delimiter()
                if self._in_part and self._state != _DELIMITER:
                    self._in_part = False
                    return _END_OF_PART
            elif state == _HEAD:
                head = self._take_head()
                if head is not None:
                    return head
            elif state == _PREAMBLE:
                self._skip_preamble()
            elif state == _CLOSED:
                self._state = _EPILOGUE
                self.is_done = True
                self._data = b""
                self._pos = 0
                return _END_OF_BODY
            else:
                return None
            if self._state == state:
                if self._eof:
                    raise _TruncatedMultipart(
                        "the multipart body ended before its closing delimiter "
                        f"{self._delimiter[2:] + b'--'!r}"
                    )
                return None

    def _take_content(self) -> bytes | None:
        """Content up to the next delimiter, or to where one may have begun."""
        data = self._data
        start = self._pos
        first = start + self._lead
        end = data.find(self._delimiter, start)
        if end >= 0:
            self._state = _DELIMITER
        else:
            end = self._find_beginning(data, start)
            if end < first:
                return None
        self._pos = end
        self._lead = 0
        if end <= first:
            return None
        if first == 0 and end == len(data):
            return data
        return data[first:end]

    def _find_beginning(self, data: bytes, start: int) -> int:
        """Where `data` ends in the first octets of a delimiter; its end where it doesn't."""
        end = len(data)
        pos = end - len(self._delimiter) + 1
        if pos < start:
            pos = start
        while True:
            pos = data.find(b"\r", pos)
            if pos < 0:
                return end
            if self._delimiter.startswith(data[pos:]):
                return pos
            pos += 1

    def _skip_preamble(self) -> None:
        piece = self._take_content()
        if piece is not None:
            self._skipped += len(piece)
            if self._skipped > self._limits.max_preamble:
                raise _BadMultipart(
                    f"no delimiter {self._delimiter[2:]!r} came within "
                    f"{self._limits.max_preamble} octets"
                )

    def _take_delimiter(self) -> None:
        """Read over a delimiter, if what ends it is there."""
        data = self._data
        end = len(data)
        pos = self._pos + len(self._delimiter)
        if data[pos : pos + 2] == b"--":
            self._state = _CLOSED
            return
        if pos >= end and self._eof and self._within_part:
            self._state = _CLOSED
            return
        last = pos + self._limits.max_padding
        while pos < end and pos <= last and (data[pos] == 32 or data[pos] == 9):
            pos += 1
        following = data[pos : pos + 2]
        if following == b"\r\n" and pos <= last:
            self._pos = pos
            self._scanned = 0
            self._state = _HEAD
            return
        if (
            pos > last
            or following not in (b"", b"\r")
            and not (following == b"-" and pos == self._pos + len(self._delimiter))
        ):
            raise _BadMultipart(
                f"the line {data[self._pos + 2 : pos + 20]!r} begins with the delimiter, "
                f"expected {self._delimiter[2:]!r} alone"
            )

    def _take_head(self) -> PartHead | None:
        """The fields of a part; `_pos` is at the line break before the first of them."""
        data = self._data
        start = self._pos
        end = data.find(b"\r\n\r\n", start + self._scanned)
        # What isn't whole may end in up to three octets of the line breaks that end it.
        size = end - start if end >= 0 else len(data) - start - 3
        if size > self._limits.max_head_size + 2:
            raise _BadMultipart(
                f"the head of a part is longer than {self._limits.max_head_size} octets"
            )
        if end < 0:
            self._scanned = max(size, 0)
            return None
        pairs = self._parse_fields(data[start + 2 : end]) if end > start else ()
        # The empty line's end may be that of a delimiter: the part is empty then.
        self._pos = end + 2
        self._lead = 2
        self._state = _DATA
        self._in_part = True
        return PartHead(pairs)

    def _parse_fields(self, block: bytes) -> tuple[tuple[bytes, bytes], ...]:
        lines = block.split(b"\r\n")
        if len(lines) > self._limits.max_headers:
            raise _BadMultipart(
                f"the head of a part has {len(lines)} fields, "
                f"expected {self._limits.max_headers} at most"
            )
        pairs = []
        for line in lines:
            if len(line) > self._limits.max_field_size:
                raise _BadMultipart(
                    f"a field line of a part is longer than {self._limits.max_field_size} octets"
                )
            name, colon, value = line.partition(b":")
            if not colon or not _is_token(name):
                raise _BadMultipart(f"a field of a part is {line[:80]!r}, expected a name")
            if not _is_field_text(value):
                raise _BadMultipart(f"the field {name!r} of a part holds a control character")
            pairs.append((name, value.strip(b" \t")))
        return tuple(pairs)
