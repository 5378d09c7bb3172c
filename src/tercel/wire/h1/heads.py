"""Message heads of HTTP/1.1: start line and fields, checked octet by octet, told as facts.

In: bytes and a position; the same head may come in any pieces. Out: a `RequestHead` or
`ResponseHead` when it is whole, None until then, `BadMessage` when it breaks RFC 9112 or a limit.
What most callers never ask for (pairs, mappings) is built when asked. Never keeps a second copy of
the octets.
"""

from typing import Any

from tercel.wire.errors import BadMessage
from tercel.wire.h1.framing import list_tokens, read_coding, read_host, read_length, split_target
from tercel.wire.h1.head import Fields, Head, RequestHead, ResponseHead, parse_pairs
from tercel.wire.limits import Limits
from tercel.wire.octets import DIGIT, HOST, KIND, TARGET, TCHAR, TELLING, VALUE
from tercel.wire.trailers import MISPLACED_TRAILERS
from tercel.wire.version import HttpVersion, HttpVersion10, HttpVersion11

__all__ = ("HeadParser",)

_KIND = KIND
_TCHAR = TCHAR
_VALUE = VALUE
_TARGET = TARGET
_DIGIT = DIGIT
_HOST = HOST
_TELLING = TELLING
_VERSION_10 = HttpVersion10
_VERSION_11 = HttpVersion11

_NOT_IN_TRAILERS = MISPLACED_TRAILERS
#: Octets of fields that are kept to be compared with those of the next request.
_MAX_MEMO = 4096
_METHODS = {
    name.encode(): name
    for name in ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "CONNECT", "TRACE")
}


class HeadParser:
    """Reads one head after another, for one role.

    `is_request` tells which start line to expect. `end` is the position after the last whole head.
    """

    __slots__ = (
        "_connection",
        "_count",
        "_expect",
        "_fields",
        "_head",
        "_host",
        "_is_coded",
        "_length",
        "_limits",
        "_max_field",
        "_max_head",
        "_max_line",
        "_max_lines",
        "_memo",
        "_offset",
        "_scanned",
        "_sets_cookies",
        "_skipped",
        "_transfer",
        "_twin",
        "_twin_octets",
        "_upgrade",
        "end",
        "is_request",
    )

    def __init__(self, is_request: bool, limits: Limits) -> None:
        self.is_request = is_request
        self._limits = limits
        self._max_line = limits.max_line_size
        self._max_field = limits.max_field_size
        self._max_lines = limits.max_headers
        self._max_head = limits.max_head_size
        self.end = 0
        self._memo: Fields | None = None
        self._twin: ResponseHead | None = None
        self._twin_octets = b""
        self._reset()

    def _reset(self) -> None:
        self._head: Head | None = None
        self._offset = 0
        self._scanned = 0
        self._fields = 0
        self._count = 0
        self._skipped = 0
        self._sets_cookies = False
        self._is_coded = False
        self._connection: bytes | None = None
        self._host: bytes | None = None
        self._length: bytes | None = None
        self._transfer: bytes | None = None
        self._upgrade: bytes | None = None
        self._expect: bytes | None = None

    @property
    def has_begun(self) -> bool:
        """True if a head was begun and is not whole yet."""
        return self._scanned > 0

    def parse(self, data: bytes, start: int) -> Head | None:
        """The head that begins at `start`, or None until all of it is in `data`.

        On the next call `data` must hold at least the same octets from `start` on.
        """
        end = len(data)
        if self._twin is not None and not self._scanned:
            size = len(self._twin_octets)
            if end - start >= size and data[start : start + size] == self._twin_octets:
                self.end = start + size
                return self._twin
        pos = start + self._offset
        if self._scanned and data.find(b"\n", start + self._scanned) < 0:
            limit = self._max_line if self._head is None else self._max_field
            if end - pos <= limit + 1:
                self._scanned = end - start
                return None
        if self._head is None:
            pos = self._parse_start(data, pos, end)
            if pos < 0:
                self._scanned = end - start
                return None
            self._fields = pos - start
            if self._memo is not None and self._take_memo(data, pos, end):
                again: Any = self._head
                self.end = pos + len(again._block) + 2
                self._reset()
                return again  # type: ignore[no-any-return]
        pos = self._parse_fields(data, start, pos, end)
        if pos < 0:
            return None
        head: Any = self._head
        head._block = data[start + self._fields : pos]
        self.end = pos + 2
        if self.is_request:
            self._finish_request(head)
            self._keep_memo(head)
        else:
            self._finish_response(head)
            self._keep_twin(head, data, start)
        self._reset()
        return head  # type: ignore[no-any-return]

    def _keep_twin(self, head: ResponseHead, data: bytes, start: int) -> None:
        """Remember a whole answer's head: where the same octets come again, it is told again.

        Nothing in a head that was told changes. An interim head is none that comes often.
        """
        size = self.end - start
        if size <= _MAX_MEMO and head.status >= 200:
            self._twin = head
            self._twin_octets = data[start : self.end]
        else:
            self._twin = None

    def _keep_memo(self, head: RequestHead) -> None:
        """Remember the fields of a request that says nothing unusual about its connection."""
        if (
            head.keep_alive
            and not head.chunked
            and not head.expects
            and not head.may_be_coded
            and head.upgrade is None
            and head.version is _VERSION_11
            and len(head._block) <= _MAX_MEMO
        ):
            head._fields = self._memo = Fields(head._block, head.content_length)

    def _take_memo(self, data: bytes, pos: int, end: int) -> bool:
        """True if the very fields of the last request follow at `pos`: they need no parsing."""
        p = data
        memo: Any = self._memo
        head: Any = self._head
        after = pos + len(memo.block)
        if after + 2 > end or p[after] != 13 or p[after + 1] != 10:
            return False
        if self._fields + len(memo.block) > self._max_head:
            return False
        if head.version is not _VERSION_11 or p[pos:after] != memo.block:
            return False
        head._block = memo.block
        head._fields = memo
        head.content_length = memo.length
        return True

    def parse_trailers(self, data: bytes, start: int) -> tuple[tuple[bytes, bytes], ...] | None:
        """The trailer section that begins at `start`, or None until it is whole (RFC 9112, 7.1.2).

        Fields that frame, route or authorise a message are refused: they come too late to be
        heeded.
        """
        if self._head is None:
            self._head = Head()
        end = len(data)
        if self._scanned and data.find(b"\n", start + self._scanned) < 0:
            if end - start - self._offset <= self._max_field + 1:
                self._scanned = end - start
                return None
        pos = self._parse_fields(data, start, start + self._offset, end)
        if pos < 0:
            return None
        pairs = tuple(parse_pairs(data[start:pos]))
        for name, _ in pairs:
            if name.lower() in _NOT_IN_TRAILERS:
                raise BadMessage(f"the trailer section has {name!r}, which belongs in the head")
        self.end = pos + 2
        self._reset()
        return pairs

    def _parse_fields(self, data: bytes, start: int, pos: int, end: int) -> int:
        """Position of the empty line that ends the section, or -1 until it is there."""
        while True:
            if pos - start > self._max_head:
                raise BadMessage(f"the head is longer than {self._max_head} octets", 431)
            following = self._parse_field(data, pos, end)
            if following < 0:
                self._offset = pos - start
                self._scanned = end - start
                return -1
            if following == pos:
                return pos
            self._count += 1
            if self._count > self._max_lines:
                raise BadMessage(f"the head has more than {self._max_lines} fields", 431)
            pos = following

    def _refuse(self, data: bytes, pos: int, at: int, message: str, status: int) -> int:
        """Raise for the line at `pos`, or -1 while it is not whole and may still grow."""
        limit = self._max_line if self._head is None else self._max_field
        if len(data) - pos <= limit + 1 and data.find(b"\n", at) < 0:
            return -1
        raise BadMessage(message, status)

    def _parse_start(self, data: bytes, pos: int, end: int) -> int:
        """Position after the start line, or -1 until it is whole."""
        p = data
        while pos + 1 < end and p[pos] == 13 and p[pos + 1] == 10 and self.is_request:
            self._skipped += 1
            if self._skipped > self._limits.max_leading_lines:
                raise BadMessage("too many empty lines came before the request line")
            pos += 2
            self._offset += 2
        if pos >= end:
            return -1
        if self.is_request:
            return self._parse_request_line(data, pos, end)
        return self._parse_status_line(data, pos, end)

    def _parse_request_line(self, data: bytes, pos: int, end: int) -> int:
        p = data
        kind = _KIND
        last = pos + self._max_line + 1
        if end < last:
            last = end
        if p[pos] == 22:
            raise BadMessage("a TLS handshake came where plain HTTP was expected")
        i = pos
        while i < last and kind[p[i]] & _TCHAR:
            i += 1
        if i < last and (i == pos or p[i] != 32):
            return self._refuse(data, pos, i, _bad_octet("the method", p[i]), 400)
        method_end = i
        i += 1
        while i < last and kind[p[i]] & _TARGET:
            i += 1
        if i < last and (i == method_end + 1 or p[i] != 32):
            return self._refuse(data, pos, i, _bad_octet("the request target", p[i]), 400)
        target_end = i
        i += 1
        while i < last and kind[p[i]] & _VALUE:
            i += 1
        if i >= last:
            if last == end and end - pos <= self._max_line:
                return -1
            raise BadMessage(f"the request line is longer than {self._max_line} octets", 414)
        if i + 1 >= end and p[i] == 13:
            return -1
        if p[i] != 13 or p[i + 1] != 10:
            return self._refuse(data, pos, i, _bad_octet("the request line", p[i]), 400)
        head = RequestHead()
        if i - target_end == 9 and _is_http11(data, target_end + 1):
            head.version = _VERSION_11
        else:
            head.version = _read_version(data[target_end + 1 : i])
        name = p[pos:method_end]
        method = _METHODS.get(name)
        head.method = name.decode("ascii") if method is None else method
        target = p[method_end + 1 : target_end].decode("utf-8", "surrogateescape")
        head.target = target
        if p[method_end + 1] == 47 and name != b"CONNECT":
            mark = target.find("?")
            if mark < 0:
                head.path = target
            else:
                head.path = target[:mark]
                head.query = target[mark + 1 :]
        else:
            head.scheme, head.authority, head.path, head.query = split_target(head.method, target)
        if "%00" in head.path:
            raise BadMessage("the request target's path has an encoded NUL")
        self._head = head
        return i + 2

    def _parse_status_line(self, data: bytes, pos: int, end: int) -> int:
        p = data
        kind = _KIND
        last = pos + self._max_line + 1
        if end < last:
            last = end
        i = pos
        while i < last and kind[p[i]] & _VALUE:
            i += 1
        if i >= last:
            if last == end and end - pos <= self._max_line:
                return -1
            raise BadMessage(f"the status line is longer than {self._max_line} octets")
        if i + 1 >= end and p[i] == 13:
            return -1
        if p[i] != 13 or p[i + 1] != 10:
            return self._refuse(data, pos, i, _bad_octet("the status line", p[i]), 400)
        head = ResponseHead()
        if i >= pos + 8 and _is_http11(data, pos):
            head.version = _VERSION_11
        else:
            head.version = _read_version(data[pos : min(i, pos + 8)])
        if (
            i < pos + 12
            or p[pos + 8] != 32
            or not kind[p[pos + 9]] & _DIGIT
            or not kind[p[pos + 10]] & _DIGIT
            or not kind[p[pos + 11]] & _DIGIT
            or p[pos + 9] == 48
            or (i > pos + 12 and p[pos + 12] != 32)
        ):
            raise BadMessage(
                f"the status line is {data[pos:i][:80]!r}, expected a code of 3 digits"
            )
        head.status = (p[pos + 9] - 48) * 100 + (p[pos + 10] - 48) * 10 + p[pos + 11] - 48
        if i > pos + 13:
            head.reason = p[pos + 13 : i].decode("utf-8", "surrogateescape")
        self._head = head
        return i + 2

    def _parse_field(self, data: bytes, pos: int, end: int) -> int:
        """Position after the field line at `pos`; `pos` at the empty line; -1 until whole."""
        p = data
        kind = _KIND
        if pos + 1 < end and p[pos] == 13 and p[pos + 1] == 10:
            return pos
        last = pos + self._max_field + 1
        if end < last:
            last = end
        i = pos
        while i < last and kind[p[i]] & _TCHAR:
            i += 1
        if i < last:
            if i == pos and p[i] == 13 and i + 1 >= end:
                return -1
            if i == pos or p[i] != 58:
                return self._refuse(data, pos, i, _bad_octet("a field name", p[i]), 400)
        colon = i
        i += 1
        while i < last and (p[i] == 32 or p[i] == 9):
            i += 1
        first = i
        while i < last and kind[p[i]] & _VALUE:
            i += 1
        if i >= last:
            if last == end and end - pos <= self._max_field:
                return -1
            raise BadMessage(f"a field line is longer than {self._max_field} octets", 431)
        if i + 1 >= end and p[i] == 13:
            return -1
        if p[i] != 13 or p[i + 1] != 10:
            return self._refuse(data, pos, i, _bad_octet("a field value", p[i]), 400)
        size = colon - pos
        if size == 10 and p[pos] | 32 == 115:
            self._sets_cookies = True  # or another name of ten letters that begins with s
        elif size == 16 and p[pos] | 32 == 99:
            self._is_coded = True
        if kind[p[pos]] & _TELLING:
            if size == 4 or size == 10 or size == 14 or size == 17 or size == 6 or size == 7:
                self._note(p[pos:colon].lower(), p[first:i].rstrip(b" \t"))
        return i + 2

    def _note(self, name: bytes, value: bytes) -> None:
        """Remember a field that decides about the message or the connection."""
        if name == b"host":
            if self._host is not None:
                raise BadMessage("Host came more than once, expected one")
            self._host = value
        elif name == b"connection":
            self._connection = (
                value if self._connection is None else self._connection + b"," + value
            )
        elif name == b"content-length":
            if self._length is not None:
                raise BadMessage("Content-Length came more than once, expected one")
            self._length = value
        elif name == b"transfer-encoding":
            self._transfer = value if self._transfer is None else self._transfer + b"," + value
        elif name == b"upgrade":
            self._upgrade = value if self._upgrade is None else self._upgrade + b", " + value
        elif name == b"expect":
            self._expect = value if self._expect is None else self._expect + b"," + value

    def _finish(self, head: Head) -> None:
        """The facts that both kinds of head take from their fields."""
        is_http10 = head.version is _VERSION_10
        if is_http10:
            head.keep_alive = False
        if self._connection is not None and (is_http10 or self._connection != b"keep-alive"):
            options = list_tokens(self._connection)
            if b"close" in options:
                head.keep_alive = False
            elif is_http10 and b"keep-alive" in options:
                head.keep_alive = True
            if self._upgrade is not None and b"upgrade" in options and not is_http10:
                head.upgrade = (
                    "websocket"
                    if self._upgrade == b"websocket"
                    else self._upgrade.decode("utf-8", "surrogateescape")
                )
        if self._transfer is not None:
            if self._length is not None:
                raise BadMessage("Content-Length and Transfer-Encoding came together, expected one")
            read_coding(self._transfer, is_http10)
            head.chunked = True
        elif self._length is not None:
            head.content_length = read_length(self._length, self._limits.max_length_digits)

    def _finish_request(self, head: RequestHead) -> None:
        if self._host is None:
            if head.version is _VERSION_11:
                raise BadMessage("Host is missing, HTTP/1.1 expects it")
        elif not self._is_plain_host(self._host):
            read_host(self._host)
        if (
            self._connection is not None
            or self._length is not None
            or self._transfer is not None
            or head.version is _VERSION_10
        ):
            self._finish(head)
        head.may_be_coded = self._is_coded
        if self._expect is not None and head.version is _VERSION_11:
            head.expects = True
            head.expects_continue = self._expect.lower() == b"100-continue"

    def _is_plain_host(self, value: bytes) -> bool:
        """True for a host name or IPv4 address with or without a port; False to look closer."""
        p = value
        kind = _KIND
        end = len(value)
        i = 0
        while i < end and kind[p[i]] & _HOST:
            i += 1
        if i == 0:
            return False
        if i == end:
            return True
        if p[i] != 58 or end - i > 5:
            return False
        i += 1
        while i < end and kind[p[i]] & _DIGIT:
            i += 1
        return i == end

    def _finish_response(self, head: ResponseHead) -> None:
        head.may_set_cookies = self._sets_cookies
        head.may_be_coded = self._is_coded
        self._finish(head)


def _bad_octet(where: str, octet: int) -> str:
    return f"{where} holds or is ended by the octet 0x{octet:02x}, which may not stand there"


def _is_http11(data: bytes, pos: int) -> bool:
    """True if the octets at `pos`, of which there are eight, are HTTP/1.1."""
    p = data
    return (
        p[pos + 7] == 49
        and p[pos + 6] == 46
        and p[pos + 5] == 49
        and p[pos + 4] == 47
        and p[pos + 3] == 80
        and p[pos + 2] == 84
        and p[pos + 1] == 84
        and p[pos] == 72
    )


def _read_version(text: bytes) -> HttpVersion:
    if text == b"HTTP/1.1":
        return _VERSION_11
    if text == b"HTTP/1.0":
        return _VERSION_10
    if len(text) == 8 and text.startswith(b"HTTP/") and text[5:6].isdigit() and text[6:7] == b".":
        if text[7:8].isdigit():
            raise BadMessage(f"the version is {text!r}, expected HTTP/1.0 or HTTP/1.1", 505)
    raise BadMessage(f"the version is {text[:40]!r}, expected HTTP/1.0 or HTTP/1.1")
