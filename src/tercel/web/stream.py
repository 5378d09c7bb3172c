"""StreamResponse: an answer whose head is fixed by prepare(), its body written piece by piece.

In: status, headers, cookies and pieces, from a handler. Out: calls on the request's Exchange
(`request._exchange`): start(), write(), drain(), finish(). `exchange.write(b"")` sends a held head
alone. Framing (Content-Length, chunked, until close) is decided here and nowhere else; it never
trusts a header for it where the length is known. Never touches a transport.
Hooks: see `response.py` for what the connection may do without calling prepare().
"""

import math
import sys
import time
from collections.abc import Iterator, Mapping, MutableMapping
from enum import Enum
from typing import TYPE_CHECKING, Any, TypeVar, overload

from multidict import CIMultiDict, istr

from tercel._version import __version__
from tercel.web.keys import ResponseKey
from tercel.wire.version import HttpVersion10, HttpVersion11

if TYPE_CHECKING:
    import asyncio
    from datetime import datetime
    from http.cookies import SimpleCookie

    from tercel.web.exchange import Exchange
    from tercel.web.request import BaseRequest
    from tercel.wire.coding import Encoder
    from tercel.wire.ranges import ETag

__all__ = ("SERVER_SOFTWARE", "ContentCoding", "StreamResponse", "reason_phrase")

_V = TypeVar("_V")
Pairs = Mapping[str, str] | Iterator[tuple[str, str]]

SERVER_SOFTWARE = f"Python/{sys.version_info[0]}.{sys.version_info[1]} tercel/{__version__}"
OCTET_STREAM = "application/octet-stream"

CONNECTION = istr("Connection")
CONTENT_ENCODING = istr("Content-Encoding")
CONTENT_LENGTH = istr("Content-Length")
CONTENT_TYPE = istr("Content-Type")
DATE = istr("Date")
ETAG = istr("ETag")
LAST_MODIFIED = istr("Last-Modified")
SERVER = istr("Server")
SET_COOKIE = istr("Set-Cookie")
TRANSFER_ENCODING = istr("Transfer-Encoding")
VARY = istr("Vary")

_REASONS = {200: "OK", 204: "No Content", 302: "Found", 304: "Not Modified", 404: "Not Found"}


class ContentCoding(Enum):
    """The content codings that a response can be compressed with, in order of preference.

    Documented in web_reference (ContentCoding).
    """

    deflate = "deflate"
    gzip = "gzip"
    identity = "identity"


def reason_phrase(status: int) -> str:
    """The standard phrase of `status`, "" where the registry has none (RFC 9110 section 15)."""
    found = _REASONS.get(status)
    if found is None:
        from http import HTTPStatus

        found = HTTPStatus(status).phrase if status in set(HTTPStatus) else ""
        if found:
            _REASONS[status] = found
    return found


def allows_no_body(status: int) -> bool:
    """True for 1xx, 204 and 304, whose answers end with their head (RFC 9110 section 6.4.1)."""
    return status < 200 or status == 204 or status == 304


class _Clock:
    """The Date header of the current second."""

    second = -1
    text = ""


def _date_header() -> str:
    now = int(time.time())
    if now != _Clock.second:
        from tercel.wire.dates import format_http_date

        _Clock.text = format_http_date(now)
        _Clock.second = now
    return _Clock.text


class StreamResponse(MutableMapping["str | ResponseKey[Any]", Any]):
    """An answer that is written as it is made (web_reference, StreamResponse).

    `status` is the HTTP status, 200 by default; `reason` its phrase, the standard one by default;
    `headers` a mapping or pairs that are copied. A response is a state machine: until `prepare()`
    its head may be changed, until `write_eof()` its body may be written. A change that comes too
    late raises RuntimeError. It is also a mutable mapping, for middlewares and signals to share
    data; equality is identity.
    """

    # Class-level defaults: an attribute is stored only when it differs.
    _status: int = 200
    _reason: str = "OK"
    _headers: "CIMultiDict[str] | None" = None
    _type: str | None = None  # Content-Type, as long as _headers is None
    _cookies: "SimpleCookie | None" = None
    _cookie_lines: tuple[str, ...] = ()
    _state: "dict[str | ResponseKey[Any], Any] | None" = None
    _keep_alive: bool | None = None
    _chunked: bool = False
    _compression: bool = False
    _compression_force: ContentCoding | None = None
    _compression_strategy: int | None = None
    _encoder: "Encoder | None" = None
    _long_way: bool = True  # False: the connection may answer without prepare()
    _sends_head_at_once: bool = True
    _request: "BaseRequest | None" = None
    _exchange: "Exchange | None" = None
    _head_gone: bool = False
    _eof_sent: bool = False

    def __init__(
        self,
        *,
        status: int = 200,
        reason: str | None = None,
        headers: "Pairs | None" = None,
        _real_headers: "CIMultiDict[str] | None" = None,
    ) -> None:
        if _real_headers is not None:
            self._headers = _real_headers
        elif headers is not None:
            self._headers = CIMultiDict(headers)
        if status != 200 or reason is not None:
            self._set_status(status, reason)

    # State

    @property
    def prepared(self) -> bool:
        """True once `prepare()` has been called."""
        return self._exchange is not None or self._eof_sent

    @property
    def task(self) -> "asyncio.Task[Any] | None":
        """The task that serves the request, None before `prepare()`."""
        request = self._request
        return request.task if request is not None else None

    @property
    def status(self) -> int:
        """The HTTP status, 200 by default."""
        return self._status

    @property
    def reason(self) -> str:
        """The reason phrase."""
        return self._reason

    def set_status(self, status: int, reason: str | None = None) -> None:
        """Set status and reason; without a reason the standard phrase.

        Raises RuntimeError once the head has been sent, ValueError for a reason with CR or LF.
        """
        self._refuse_late("the status")
        self._set_status(status, reason)

    def _set_status(self, status: int, reason: str | None) -> None:
        self._status = status = int(status)
        if reason is None:
            self._reason = reason_phrase(status)
        elif "\n" in reason or "\r" in reason:
            raise ValueError("Reason cannot contain \\r or \\n")
        else:
            self._reason = reason

    def _refuse_late(self, what: str) -> None:
        if self._head_gone or self._eof_sent:
            raise RuntimeError(f"Cannot change {what} after the headers have been sent")

    @property
    def keep_alive(self) -> bool | None:
        """Whether the connection stays open; the request's wish unless `force_close()` was called.

        None before `prepare()`.
        """
        return self._keep_alive

    def force_close(self) -> None:
        """Close the connection after this answer. There is no way back."""
        self._keep_alive = False
        self._long_way = True

    @property
    def body_length(self) -> int:
        """Octets of the body sent so far, after content coding, without framing."""
        exchange = self._exchange
        return exchange.body_bytes_sent if exchange is not None else 0

    @property
    def output_length(self) -> int:
        """Octets sent so far, head and framing included. Deprecated, as documented."""
        import warnings

        warnings.warn("output_length is deprecated", DeprecationWarning, stacklevel=2)
        exchange = self._exchange
        return exchange.bytes_sent if exchange is not None else 0

    # Framing and coding

    @property
    def chunked(self) -> bool:
        """True once `enable_chunked_encoding()` has been called."""
        return self._chunked

    def enable_chunked_encoding(self, chunk_size: int | None = None) -> None:
        """Send the body chunked, each `write()` one chunk (RFC 9112 section 7.1).

        Raises RuntimeError where a content length is set; `prepare()` raises RuntimeError for an
        HTTP/1.0 request. `chunk_size` is deprecated and means nothing.
        """
        self._refuse_late("the framing")
        if chunk_size is not None:
            import warnings

            warnings.warn("Chunk size is deprecated #1615", DeprecationWarning, stacklevel=2)
        if self._headers is not None and CONTENT_LENGTH in self._headers:
            raise RuntimeError("You can't enable chunked encoding when a content length is set")
        self._chunked = True
        self._long_way = True

    @property
    def compression(self) -> bool:
        """True once `enable_compression()` has been called."""
        return self._compression

    def enable_compression(
        self, force: "ContentCoding | bool | None" = None, strategy: int | None = None
    ) -> None:
        """Compress the body.

        `force` names the coding; without it the request's Accept-Encoding decides (RFC 9110
        section 12.5.3). `strategy` is one of zlib's strategies, its default by default. A body
        that carries a Content-Encoding of its own is left as it is. Raises TypeError for another
        `force`; a bool is deprecated.
        """
        self._refuse_late("the compression")
        if isinstance(force, bool):
            import warnings

            warnings.warn(
                "Using boolean for force is deprecated #3318", DeprecationWarning, stacklevel=2
            )
            force = ContentCoding.deflate if force else None
        elif force is not None and not isinstance(force, ContentCoding):
            raise TypeError(f"force should be None or a ContentCoding, got {force!r}")
        self._compression = True
        self._compression_force = force
        self._compression_strategy = strategy
        self._long_way = True

    # Headers

    @property
    def headers(self) -> "CIMultiDict[str]":
        """The headers of this answer; they may be changed until `prepare()`."""
        headers = self._headers
        if headers is None:
            self._headers = headers = CIMultiDict()
            if self._type is not None:
                headers[CONTENT_TYPE] = self._type
        return headers

    @property
    def content_length(self) -> int | None:
        """Content-Length of this answer in octets, None where it is not set.

        Setting raises RuntimeError where chunked encoding is on, ValueError for less than 0.
        """
        headers = self._headers
        text = headers.get(CONTENT_LENGTH) if headers is not None else None
        return None if text is None else _read_length(text)

    @content_length.setter
    def content_length(self, value: int | None) -> None:
        self._set_content_length(value)

    def _set_content_length(self, value: int | None) -> None:
        self._refuse_late("the content length")
        if value is None:
            self.headers.pop(CONTENT_LENGTH, None)
            return
        if self._chunked:
            raise RuntimeError("You can't set content length when chunked encoding is enable")
        value = int(value)
        if value < 0:
            raise ValueError(f"A content length can't be negative, got {value}")
        self.headers[CONTENT_LENGTH] = str(value)

    def _content_type_value(self) -> str | None:
        headers = self._headers
        return self._type if headers is None else headers.get(CONTENT_TYPE)

    def _put_content_type(self, value: str) -> None:
        self._refuse_late("the content type")
        if self._headers is None:
            self._type = value
        else:
            self._headers[CONTENT_TYPE] = value

    @property
    def content_type(self) -> str:
        """The media type without parameters, "application/octet-stream" where none is set."""
        value = self._content_type_value()
        return OCTET_STREAM if value is None else _split_type(value)[0]

    @content_type.setter
    def content_type(self, value: str) -> None:
        current = self._content_type_value()
        parameters = {} if current is None else _split_type(current)[1]
        self._put_content_type(_join_type(str(value), parameters))

    @property
    def charset(self) -> str | None:
        """The charset parameter of Content-Type, None where there is none.

        Setting lower-cases it; None takes it away. Raises RuntimeError where the content type is
        "application/octet-stream".
        """
        value = self._content_type_value()
        return None if value is None else _split_type(value)[1].get("charset")

    @charset.setter
    def charset(self, value: str | None) -> None:
        current = self._content_type_value()
        kind, parameters = (OCTET_STREAM, {}) if current is None else _split_type(current)
        if kind == OCTET_STREAM:
            raise RuntimeError(
                "Setting charset for application/octet-stream doesn't make sense, "
                "setup content_type first"
            )
        parameters = dict(parameters)
        if value is None:
            parameters.pop("charset", None)
        else:
            parameters["charset"] = str(value).lower()
        self._put_content_type(_join_type(kind, parameters))

    @property
    def last_modified(self) -> "datetime | None":
        """Last-Modified in UTC, None where it is not set or not a date.

        Takes a `datetime` (naive means UTC), a Unix time (a fraction is rounded up), the header's
        text, or None to unset it. Raises TypeError for anything else.
        """
        from tercel.wire.dates import parse_http_date

        return parse_http_date(self.headers.get(LAST_MODIFIED))

    @last_modified.setter
    def last_modified(self, value: "datetime | float | str | None") -> None:
        from datetime import datetime

        from tercel.wire.dates import format_http_date

        self._refuse_late("Last-Modified")
        if value is None:
            self.headers.pop(LAST_MODIFIED, None)
        elif isinstance(value, int | float):
            self.headers[LAST_MODIFIED] = format_http_date(math.ceil(value))
        elif isinstance(value, datetime):
            self.headers[LAST_MODIFIED] = format_http_date(value)
        elif isinstance(value, str):
            self.headers[LAST_MODIFIED] = value
        else:
            raise TypeError(f"Unsupported type for last_modified: {type(value).__name__}")

    @property
    def etag(self) -> "ETag | None":
        """The entity tag, None where it is not set (RFC 9110 section 8.8.3).

        Takes an opaque tag without its quotes (strong), an `ETag`, or None to unset it. Raises
        ValueError for what is not an entity tag.
        """
        from tercel.wire.ranges import ETag

        text = self.headers.get(ETAG)
        if not text:
            return None
        if text == "*":
            return ETag(value="*", is_weak=False)
        is_weak = text.startswith("W/")
        opaque = text[2:] if is_weak else text
        if len(opaque) > 2 and opaque[0] == opaque[-1] == '"' and _is_opaque(opaque[1:-1]):
            return ETag(value=opaque[1:-1], is_weak=is_weak)
        return None

    @etag.setter
    def etag(self, value: "ETag | str | None") -> None:
        from tercel.wire.ranges import ETag

        self._refuse_late("ETag")
        if value is None:
            self.headers.pop(ETAG, None)
            return
        if isinstance(value, str):
            value = ETag(value=value, is_weak=False)
        elif not isinstance(value, ETag):
            raise ValueError(
                f"Unsupported etag type: {type(value)}. etag must be str, ETag or None"
            )
        if value.value == "*":
            self.headers[ETAG] = "*"
            return
        if not _is_opaque(value.value):
            raise ValueError(f"Value {value.value!r} is not a valid etag. Maybe it contains '\"'?")
        self.headers[ETAG] = f'W/"{value.value}"' if value.is_weak else f'"{value.value}"'

    # Cookies

    @property
    def cookies(self) -> "SimpleCookie":
        """The cookies that this answer sets."""
        cookies = self._cookies
        if cookies is None:
            from tercel.web.setcookie import ResponseCookies

            self._cookies = cookies = ResponseCookies()
        return cookies

    def set_cookie(
        self,
        name: str,
        value: str,
        *,
        expires: str | None = None,
        domain: str | None = None,
        max_age: int | str | None = None,
        path: str | None = "/",
        secure: bool | None = None,
        httponly: bool | None = None,
        version: str | int | None = None,
        samesite: str | None = None,
        partitioned: bool | None = None,
    ) -> None:
        """Set a cookie, in place of an earlier one of that name (RFC 6265 section 4.1).

        Raises `http.cookies.CookieError` for a name that is no token, ValueError for an attribute
        with a semicolon or a control character, RuntimeError once the head has been sent.
        """
        from tercel.web.setcookie import make_morsel

        self._refuse_late("the cookies")
        self.cookies[name] = make_morsel(
            name,
            value,
            {
                "expires": expires,
                "domain": domain,
                "max-age": max_age,
                "path": path,
                "secure": secure,
                "httponly": httponly,
                "version": version,
                "samesite": samesite,
                "partitioned": partitioned,
            },
        )

    def del_cookie(
        self,
        name: str,
        *,
        domain: str | None = None,
        path: str = "/",
        secure: bool | None = None,
        httponly: bool | None = None,
        samesite: str | None = None,
    ) -> None:
        """Tell the client to forget a cookie; `domain` and `path` as it was set with."""
        self.set_cookie(
            name,
            "",
            max_age=0,
            expires="Thu, 01 Jan 1970 00:00:00 GMT",
            domain=domain,
            path=path,
            secure=secure,
            httponly=httponly,
            samesite=samesite,
        )

    def _put_cookies(self, headers: "CIMultiDict[str]") -> None:
        """Bring Set-Cookie in step with `cookies`; lines of other origin stay."""
        if not self._cookies:
            return
        from tercel.web.setcookie import cookie_lines

        lines = cookie_lines(self._cookies)
        known = self._cookie_lines
        if lines == known:
            return
        kept = [line for line in headers.popall(SET_COOKIE, ()) if line not in known]
        for line in (*kept, *lines):
            headers.add(SET_COOKIE, line)
        self._cookie_lines = lines

    # Sending

    async def prepare(self, request: "BaseRequest") -> "StreamResponse | None":
        """Fix the head: compute default headers, send `on_response_prepare`, start the answer.

        Idempotent for one request. Raises RuntimeError for a response that answered another
        request, for chunked encoding under HTTP/1.0 and for a Transfer-Encoding header other
        than "chunked"; ValueError where a header or the reason holds a control character.
        """
        exchange = self._exchange
        if exchange is not None:
            if exchange is not request._exchange:
                raise RuntimeError("A response answers one request; this one was sent before")
            return None if self._eof_sent else self
        if self._eof_sent:
            return None
        await self._start(request)
        return self

    async def _start(self, request: "BaseRequest") -> None:
        self._request = request
        self._exchange = exchange = request._exchange
        headers = self.headers
        if self._compression:
            await self._start_compression(request, headers)
        self._put_cookies(headers)
        length, chunked = self._frame(request, exchange, headers)
        if request._has_prepare_hook:
            await request._prepare_hook(self)
            self._put_cookies(headers)
            length, chunked = self._frame(request, exchange, headers)
        exchange.start(self._status, self._reason, headers, length, chunked)
        self._head_gone = True
        if self._sends_head_at_once:
            exchange.write(b"")

    async def _start_compression(self, request: "BaseRequest", headers: "CIMultiDict[str]") -> None:
        coding = self._choose_coding(request, headers)
        if coding is not None:
            from tercel.wire.coding import make_encoder

            self._encoder = make_encoder(coding, self._compression_strategy)
            headers[CONTENT_ENCODING] = coding
            headers.pop(CONTENT_LENGTH, None)

    def _choose_coding(self, request: "BaseRequest", headers: "CIMultiDict[str]") -> str | None:
        """The coding to compress with; None to leave the body as it is."""
        if CONTENT_ENCODING in headers or allows_no_body(self._status):
            return None
        force = self._compression_force
        if force is not None:
            return None if force is ContentCoding.identity else force.value
        from tercel.wire.coding import choose_coding

        vary = headers.get(VARY, "")
        if "*" not in vary and "accept-encoding" not in vary.lower():
            headers[VARY] = f"{vary}, Accept-Encoding" if vary else "Accept-Encoding"
        offered = tuple(coding.value for coding in ContentCoding)
        coding = choose_coding(request.headers.get("Accept-Encoding", ""), offered)
        return None if coding == "identity" else coding

    def _known_length(self) -> int | None:
        """Octets of the body where the response knows them itself, else None."""
        return None

    def _has_body(self) -> bool:
        """True where an answer to GET has a body and so wants a Content-Type."""
        return True

    def _frame(
        self, request: "BaseRequest", exchange: "Exchange", headers: "CIMultiDict[str]"
    ) -> tuple[int | None, bool]:
        """Complete the headers; return length and chunked for the exchange.

        RFC 9112 section 6: Transfer-Encoding, else Content-Length, else the end of the connection.
        """
        version = exchange.version
        status = self._status
        length: int | None = 0
        chunked = False
        asked = self._asked_for_chunks(headers)
        headers.pop(TRANSFER_ENCODING, None)
        if allows_no_body(status) or (request.method == "CONNECT" and status < 300):
            headers.pop(CONTENT_LENGTH, None)
        elif self._chunked:
            if version <= HttpVersion10:
                raise RuntimeError("Using chunked encoding is forbidden for HTTP/1.0")
            headers.pop(CONTENT_LENGTH, None)
            length, chunked = None, request.method != "HEAD"
            headers[TRANSFER_ENCODING] = "chunked"
        else:
            length = self._known_length()
            if length is None and CONTENT_LENGTH in headers:
                length = _read_length(headers[CONTENT_LENGTH])
            if length is not None:
                headers[CONTENT_LENGTH] = str(length)
            elif request.method != "HEAD" or asked:
                if version >= HttpVersion11:
                    headers[TRANSFER_ENCODING] = "chunked"
                    chunked = request.method != "HEAD"
                elif request.method != "HEAD":
                    exchange.keep_alive = False
            if CONTENT_TYPE not in headers and self._has_body():
                headers[CONTENT_TYPE] = OCTET_STREAM
        if DATE not in headers:
            headers[DATE] = _date_header()
        if SERVER not in headers:
            headers[SERVER] = SERVER_SOFTWARE
        self._settle_connection(exchange, headers)
        return length, chunked

    def _asked_for_chunks(self, headers: "CIMultiDict[str]") -> bool:
        codings = headers.getall(TRANSFER_ENCODING, ())
        for value in codings:
            if value.strip().lower() != "chunked":
                raise RuntimeError(
                    f"Transfer-Encoding {value!r} can't be sent: the framing of an answer is "
                    "chunked or its length"
                )
        return bool(codings)

    def _settle_connection(self, exchange: "Exchange", headers: "CIMultiDict[str]") -> None:
        if self._keep_alive is False:
            exchange.keep_alive = False
        for value in headers.getall(CONNECTION, ()):
            if "close" in (token.strip().lower() for token in value.split(",")):
                exchange.keep_alive = False
        self._keep_alive = alive = exchange.keep_alive
        if CONNECTION not in headers:
            if alive and exchange.version <= HttpVersion10:
                headers[CONNECTION] = "keep-alive"
            elif not alive and exchange.version >= HttpVersion11:
                headers[CONNECTION] = "close"

    async def write(self, data: bytes | bytearray | memoryview) -> None:
        """Send a piece of the body; waits while the peer reads too slowly.

        Raises TypeError for anything but bytes, bytearray or memoryview, RuntimeError before
        `prepare()`, after `write_eof()` and beyond the content length, ConnectionResetError once
        the peer is gone.
        """
        if not isinstance(data, bytes | bytearray | memoryview):
            raise TypeError(f"data argument must be byte-ish ({type(data)!r})")
        if self._eof_sent:
            raise RuntimeError("Cannot call write() after write_eof()")
        exchange = self._exchange
        if exchange is None:
            raise RuntimeError("Cannot call write() before prepare()")
        if exchange.closed:
            raise ConnectionResetError("Cannot write to closing transport")
        if self._encoder is not None:
            data = self._encoder.encode(data)
        exchange.write(data)
        if exchange.must_drain:
            await exchange.drain()

    async def drain(self) -> None:
        """Wait until the peer has read enough for more to be written.

        Raises RuntimeError before `prepare()`, ConnectionResetError once the peer is gone.
        """
        if self._exchange is None:
            raise RuntimeError("Response has not been started")
        if not self._eof_sent:
            await self._exchange.drain()

    async def write_eof(self, data: bytes | bytearray | memoryview = b"") -> None:
        """Send the last piece, none by default, and end the body. A second call does nothing.

        Raises TypeError as `write()` does, RuntimeError before `prepare()`.
        """
        if not isinstance(data, bytes | bytearray | memoryview):
            raise TypeError(f"data argument must be byte-ish ({type(data)!r})")
        if self._eof_sent:
            return
        exchange = self._exchange
        if exchange is None:
            raise RuntimeError("Response has not been started")
        if self._encoder is not None:
            data = self._encoder.encode(data) + self._encoder.finish()
        exchange.finish(data)
        self._eof_sent = True
        if exchange.must_drain:
            await exchange.drain()

    # The mapping

    @overload
    def __getitem__(self, key: ResponseKey[_V]) -> _V: ...
    @overload
    def __getitem__(self, key: str) -> Any: ...
    def __getitem__(self, key: "str | ResponseKey[Any]") -> Any:
        if self._state is None:
            raise KeyError(key)
        return self._state[key]

    @overload
    def __setitem__(self, key: ResponseKey[_V], value: _V) -> None: ...
    @overload
    def __setitem__(self, key: str, value: Any) -> None: ...
    def __setitem__(self, key: "str | ResponseKey[Any]", value: Any) -> None:
        if self._state is None:
            self._state = {}
        self._state[key] = value

    def __delitem__(self, key: "str | ResponseKey[Any]") -> None:
        if self._state is None:
            raise KeyError(key)
        del self._state[key]

    def __len__(self) -> int:
        return 0 if self._state is None else len(self._state)

    def __iter__(self) -> "Iterator[str | ResponseKey[Any]]":
        return iter(self._state or ())

    def __bool__(self) -> bool:
        return True

    def __eq__(self, other: object) -> bool:
        return self is other

    def __hash__(self) -> int:
        return object.__hash__(self)

    def __repr__(self) -> str:
        if self._eof_sent:
            info = "eof"
        elif self._request is not None:
            info = f"{self._request.method} {self._request.path} "
        else:
            info = "not prepared"
        return f"<{type(self).__name__} {self._reason} {info}>"


def _read_length(text: str) -> int:
    if not (text.isascii() and text.isdigit()):
        raise ValueError(f"Content-Length must be decimal digits, got {text!r}")
    return int(text)


def _is_opaque(value: str) -> bool:
    """True for what may stand between the quotes of an entity tag (RFC 9110 section 8.8.3)."""
    return bool(value) and all(c == "!" or "\x23" <= c <= "\x7e" or c >= "\x80" for c in value)


def _split_type(value: str) -> "tuple[str, Mapping[str, str]]":
    from tercel.wire.media import parse_content_type

    return parse_content_type(value)


def _join_type(kind: str, parameters: Mapping[str, str]) -> str:
    from tercel.wire.media import quote_parameter

    return "; ".join(
        [kind, *(f"{name}={quote_parameter(text)}" for name, text in parameters.items())]
    )
