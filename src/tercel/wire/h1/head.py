"""The facts of a message head: what a parser found, and what most callers never ask for.

In: attributes set by `heads.HeadParser`, and the block of field lines that it has checked. Out:
facts; pairs and mappings of the fields, built when somebody asks. Never parses what was not
checked before.
"""

from typing import Any

from multidict import CIMultiDict, CIMultiDictProxy, istr

from tercel.wire.h1.framing import list_tokens, split_target
from tercel.wire.version import HttpVersion, HttpVersion10, HttpVersion11

__all__ = (
    "Fields",
    "Head",
    "RequestHead",
    "ResponseHead",
    "make_request_head",
    "parse_pairs",
)

_VERSION_10 = HttpVersion10
_VERSION_11 = HttpVersion11

#: Names seen so far, as spelled on the wire: a name is decoded once, not once a message.
_NAMES: dict[bytes, istr] = {}
_MAX_NAMES = 1024


def parse_pairs(block: bytes) -> list[tuple[bytes, bytes]]:
    """Name and value of each line of a field block that a `HeadParser` has checked."""
    return _split_block(block, False)


def _split_block(block: bytes, as_text: bool) -> list[tuple[Any, Any]]:
    """The pairs of a checked block, as bytes, or as the str that a mapping of headers holds."""
    pairs: list[tuple[Any, Any]] = []
    p = block
    end = len(block)
    pos = 0
    while pos < end:
        i = pos
        while p[i] != 58:
            i += 1
        colon = i
        i += 1
        while p[i] == 32 or p[i] == 9:
            i += 1
        first = i
        while p[i] != 13:
            i += 1
        last = i
        while last > first and (p[last - 1] == 32 or p[last - 1] == 9):
            last -= 1
        if as_text:
            pairs.append((_name_of(p[pos:colon]), p[first:last].decode("utf-8", "surrogateescape")))
        else:
            pairs.append((p[pos:colon], p[first:last]))
        pos = i + 2
    return pairs


def _name_of(name: bytes) -> istr:
    found = _NAMES.get(name)
    if found is None:
        found = istr(name.decode("ascii"))
        if len(_NAMES) < _MAX_NAMES:
            _NAMES[name] = found
    return found


class Fields:
    """A checked block of field lines that came again on a connection, and what was made of it.

    Made once, told to every head with the same octets: clients repeat themselves.
    """

    __slots__ = ("_headers", "_raw_headers", "block", "length")

    def __init__(self, block: bytes, length: int | None) -> None:
        self.block = block
        self.length = length
        self._headers: CIMultiDictProxy[str] | None = None
        self._raw_headers: tuple[tuple[bytes, bytes], ...] | None = None

    def headers(self) -> CIMultiDictProxy[str]:
        """The mapping of the fields; it is read-only, so that all may have the same."""
        if self._headers is None:
            self._headers = CIMultiDictProxy(CIMultiDict(_split_block(self.block, True)))
        return self._headers

    def raw_headers(self) -> tuple[tuple[bytes, bytes], ...]:
        """The pairs of bytes."""
        if self._raw_headers is None:
            self._raw_headers = tuple(parse_pairs(self.block))
        return self._raw_headers


class Head:
    """What requests and responses have in common.

    `version` is an `HttpVersion`; `keep_alive` says whether the sender will go on using the
    connection; `chunked` and `content_length` (octets, or None) are its framing fields; `upgrade`
    is the Upgrade value that the Connection field names, or None.
    """

    __slots__ = (
        "_block",
        "_fields",
        "_headers",
        "_raw_headers",
        "chunked",
        "content_length",
        "keep_alive",
        "upgrade",
        "version",
    )

    def __init__(self) -> None:
        self._block: bytes = b""
        self._fields: Fields | None = None
        self._headers: CIMultiDictProxy[str] | None = None
        self._raw_headers: tuple[tuple[bytes, bytes], ...] | None = None
        self.chunked = False
        self.content_length: int | None = None
        self.keep_alive = True
        self.upgrade: str | None = None
        self.version: HttpVersion = _VERSION_11

    @property
    def raw_headers(self) -> tuple[tuple[bytes, bytes], ...]:
        """The fields as they came: pairs of bytes in order, white space around values removed."""
        if self._raw_headers is None:
            if self._fields is not None:
                self._raw_headers = self._fields.raw_headers()
            else:
                self._raw_headers = tuple(parse_pairs(self._block))
        return self._raw_headers

    @property
    def headers(self) -> CIMultiDictProxy[str]:
        """The fields as a read-only mapping; values are UTF-8 with surrogate escapes."""
        if self._headers is None:
            if self._fields is not None:
                self._headers = self._fields.headers()
            else:
                self._headers = CIMultiDictProxy(CIMultiDict(_split_block(self._block, True)))
        return self._headers

    def forget_headers(self) -> None:
        """Let go of what was made of the fields; it is made again when somebody asks."""
        if self._block:
            self._headers = None
            self._raw_headers = None


class RequestHead(Head):
    """The head of a request: `method`, `target` as sent, and its parts.

    `path` is the target's path as sent (percent-encoded), `query` what follows its `?` or an empty
    string; `authority` and `scheme` are set for the absolute and authority forms only;
    `expects_continue` is True if the peer waits for `100 Continue` before it sends the body,
    `expects` if it sent any Expect field; `may_be_coded` is False only where there is no
    Content-Encoding.
    """

    __slots__ = (
        "authority",
        "expects",
        "expects_continue",
        "may_be_coded",
        "method",
        "path",
        "query",
        "scheme",
        "target",
    )

    def __init__(self) -> None:  # sets Head's attributes itself: one call less for every request
        self._block = b""
        self._fields = None
        self._headers = None
        self._raw_headers = None
        self.chunked = False
        self.content_length = None
        self.keep_alive = True
        self.upgrade = None
        self.version = _VERSION_11
        self.method = ""
        self.target = ""
        self.path = ""
        self.query = ""
        self.scheme = ""
        self.authority = ""
        self.expects = False
        self.expects_continue = False
        self.may_be_coded = False


class ResponseHead(Head):
    """The head of a response: `status` and `reason` (UTF-8 with surrogate escapes, maybe empty).

    `may_be_coded` and `may_set_cookies` are False only if there is no such field.
    """

    __slots__ = ("may_be_coded", "may_set_cookies", "reason", "status")

    def __init__(self) -> None:
        self._block = b""
        self._fields = None
        self._headers = None
        self._raw_headers = None
        self.chunked = False
        self.content_length = None
        self.keep_alive = True
        self.upgrade = None
        self.version = _VERSION_11
        self.may_be_coded = False
        self.may_set_cookies = False
        self.reason = ""
        self.status = 0


def make_request_head(
    method: str, target: str, version: HttpVersion, headers: CIMultiDict[str]
) -> RequestHead:
    """A head that came from a program, not from the wire: for copies and for tests.

    `method` and `version` are taken as they are; `target` and the fields decide the rest as they
    would on the wire. BadMessage for a target of no known form.
    """
    head = RequestHead()
    head.method = method
    head.version = version
    head.target = target
    if target.startswith("/") and method != "CONNECT":
        head.path, _, head.query = target.partition("?")
    else:
        head.scheme, head.authority, head.path, head.query = split_target(method, target)
    head._headers = CIMultiDictProxy(headers)
    head._raw_headers = tuple(
        [
            (name.encode("utf-8", "surrogateescape"), value.encode("utf-8", "surrogateescape"))
            for name, value in headers.items()
        ]
    )
    options = list_tokens(",".join(headers.getall("Connection", ())).encode())
    head.keep_alive = b"close" not in options and (
        version != _VERSION_10 or b"keep-alive" in options
    )
    head.chunked = headers.get("Transfer-Encoding", "").lower() == "chunked"
    length = headers.get("Content-Length", "")
    if length.isascii() and length.isdigit():
        head.content_length = int(length)
    if b"upgrade" in options:
        head.upgrade = headers.get("Upgrade")
    head.may_be_coded = "Content-Encoding" in headers
    head.expects = "Expect" in headers
    head.expects_continue = headers.get("Expect", "").lower() == "100-continue"
    return head
