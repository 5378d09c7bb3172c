"""StreamResponse: an answer whose head is fixed by prepare(), its body written piece by piece.

In: status, headers, cookies and pieces, from a handler. Out: calls on the request's Exchange
(`request._exchange`): start(), write(), drain(), finish(). `exchange.write(b"")` sends a held head
alone. Framing (Content-Length, chunked, until close) is decided here and nowhere else; it never
trusts a header for it where the length is known. Never touches a transport.
Hooks: see `response.py` for what the connection may do without calling prepare().
"""

import sys
import time
from typing import TYPE_CHECKING, Any

from tercel._version import __version__
from tercel.hdrs import (
    CONNECTION,
    CONTENT_ENCODING,
    CONTENT_LENGTH,
    CONTENT_TYPE,
    DATE,
    ETAG,
    SERVER,
    TRAILER,
    TRANSFER_ENCODING,
)
from tercel.web.answerhead import OCTET_STREAM, AnswerHead, read_length
from tercel.wire.version import HttpVersion10, HttpVersion11

if TYPE_CHECKING:
    import asyncio
    from concurrent.futures import Executor

    from multidict import CIMultiDict

    from tercel.web.codings import BodyEncoder, ContentCoding
    from tercel.web.parties import AnsweredRequest, AnswerSink

__all__ = ("SERVER_SOFTWARE", "StreamResponse")

SERVER_SOFTWARE = f"Python/{sys.version_info[0]}.{sys.version_info[1]} tercel/{__version__}"


#: Octets above which encoding would hold the event loop for too long: done in a thread.
EXECUTOR_SIZE = 4096


def allows_no_body(status: int) -> bool:
    """True for 1xx, 204 and 304, whose answers end with their head (RFC 9110 section 6.4.1)."""
    return status < 200 or status == 204 or status == 304


def _is_bodiless(request: "AnsweredRequest", status: int) -> bool:
    return allows_no_body(status) or (request.method == "CONNECT" and status < 300)


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


_OCTETS = (bytes, bytearray, memoryview)


class StreamResponse(AnswerHead):
    """An answer that is written as it is made (web_reference, StreamResponse).

    `status` is the HTTP status, 200 by default; `reason` its phrase, the standard one by default;
    `headers` a mapping or pairs that are copied. A response is a state machine: until `prepare()`
    its head may be changed, until `write_eof()` its body may be written. A change that comes too
    late raises RuntimeError. It is also a mutable mapping, for middlewares and signals to share
    data; equality is identity.
    """

    # Class-level defaults: an attribute is stored only when it differs.
    _keep_alive: bool | None = None
    _closes: bool = False
    _compression: bool = False
    _compression_force: "ContentCoding | None" = None
    _compression_strategy: int | None = None
    _coding_offer: tuple[str, ...] | None = None
    _encoder: "BodyEncoder | None" = None
    _flushes: bool = False  # True: what was written is not held back by the encoder
    _hides_length: bool = False  # an answer to HEAD whose body only GET would encode
    _strong_tag: str | None = None  # the ETag that a coding made weak
    _trailers: "CIMultiDict[str] | None" = None
    _takes_trailers: bool = False
    _zlib_executor_size: int = EXECUTOR_SIZE
    _zlib_executor: "Executor | None" = None
    _long_way: bool = True  # False: the connection may answer without prepare()
    _sends_head_at_once: bool = True
    _request: "AnsweredRequest | None" = None
    _exchange: "AnswerSink | None" = None
    _added: "dict[str, str] | None" = None  # the default headers of the last sending

    # State

    @property
    def prepared(self) -> bool:
        """True once `prepare()` has been called."""
        return self._exchange is not None or self._eof_sent

    @property
    def task(self) -> "asyncio.Task[Any] | None":
        """The task that serves the request, None before `prepare()`."""
        if self._request is not None:
            return self._request.task
        return getattr(self._exchange, "task", None)

    @property
    def keep_alive(self) -> bool | None:
        """Whether the connection stays open; the request's wish unless `force_close()` was called.

        None before `prepare()`.
        """
        if self._closes:
            return False
        if self._keep_alive is None and self._exchange is not None:
            return self._exchange.keep_alive
        return self._keep_alive

    def force_close(self) -> None:
        """Close the connection after this answer. There is no way back."""
        self._closes = True
        self._long_way = True
        self._is_plain = False

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
        if self._head_gone and self._takes_trailers:
            return
        self._refuse_late("the framing")
        if chunk_size is not None:
            import warnings

            warnings.warn("Chunk size is deprecated #1615", DeprecationWarning, stacklevel=2)
        if self._headers is not None and CONTENT_LENGTH in self._headers:
            raise RuntimeError("You can't enable chunked encoding when a content length is set")
        self._chunked = True
        self._long_way = True
        self._is_plain = False

    @property
    def _payload_writer(self) -> "AnswerSink | None":
        return self._exchange  # aiohttp_sse asks whether there is one

    @property
    def compression(self) -> bool:
        """True once `enable_compression()` has been called."""
        return self._compression

    def enable_compression(
        self, force: "ContentCoding | bool | None" = None, strategy: int | None = None
    ) -> None:
        """Compress the body.

        `force` names the coding; without it the request's Accept-Encoding decides (RFC 9110
        section 12.5.3): of those that the client likes equally the first of zstd, br, deflate and
        gzip. `strategy` is one of zlib's strategies, its default by default. A body that carries a
        Content-Encoding or Content-Range of its own is left as it is; a strong ETag becomes weak.
        Raises TypeError for another `force`, ValueError for one whose library is not installed; a
        bool is deprecated.
        """
        from tercel.web.codings import ContentCoding

        self._refuse_late("the compression")
        if isinstance(force, bool):
            import warnings

            warnings.warn(
                "Using boolean for force is deprecated #3318", DeprecationWarning, stacklevel=2
            )
            force = ContentCoding.deflate if force else None
        elif force is not None and not isinstance(force, ContentCoding):
            raise TypeError(f"force should be None or a ContentCoding, got {force!r}")
        elif force is not None and force is not ContentCoding.identity:
            from tercel.wire.encoders import make_encoder

            make_encoder(force.value, strategy)
        self._compression = True
        self._compression_force = force
        self._compression_strategy = strategy
        self._long_way = True
        self._is_plain = False

    # Trailers

    @property
    def trailers(self) -> "CIMultiDict[str]":
        """Fields to send after the body (RFC 9110 section 6.5), until `write_eof()`.

        Those that are there at `prepare()` are announced in a Trailer field, and make the answer
        chunked; more may follow. They are left out where they can't be sent: for HTTP/1.0, HEAD and
        statuses without a body. `prepare()` and `write_eof()` raise ValueError for a name that is
        forbidden in trailers, such as Content-Length or Set-Cookie. Raises RuntimeError on the
        first use after an answer with a known length was prepared.
        """
        trailers = self._trailers
        if trailers is None:
            if self._eof_sent:
                raise RuntimeError("The answer has ended, no trailers can follow")
            request, exchange = self._request, self._exchange
            if request is not None and exchange is not None and not self._takes_trailers:
                if (
                    request.method != "HEAD"
                    and exchange.version >= HttpVersion11
                    and not allows_no_body(self._status)
                ):
                    raise RuntimeError(
                        "An answer with a known length has no trailers: set them before prepare()"
                    )
            from multidict import CIMultiDict

            self._trailers = trailers = CIMultiDict()
            self._long_way = True
            self._is_plain = False
        return trailers

    def _check_trailers(self, trailers: "CIMultiDict[str]") -> None:
        from tercel.wire.trailers import check_trailers

        check_trailers(trailers)

    def _announce_trailers(self, headers: "CIMultiDict[str]") -> None:
        trailers = self._trailers
        if trailers:
            self._check_trailers(trailers)
            self._add(headers, TRAILER, ", ".join(dict.fromkeys(trailers)))

    # Sending

    async def prepare(self, request: Any) -> "StreamResponse | None":
        """Fix the head: compute default headers, send `on_response_prepare`, start the answer.

        Idempotent for one request. A `Response` with a body of bytes may be sent to one request
        after the other; RuntimeError for any other that was sent before, for chunked encoding
        under HTTP/1.0 and for a Transfer-Encoding header other than "chunked"; ValueError where a
        header or the reason holds a control character.
        """
        exchange = self._exchange
        if exchange is not None:
            if exchange is request._exchange:
                return None if self._eof_sent else self
            if not self._take_back():
                raise RuntimeError("This response answers another request, it can't be sent again")
        await self._start(request)
        return self

    def _answer_at_once(
        self, request: Any, exchange: Any
    ) -> "tuple[int, str, CIMultiDict[str] | bytes | str | None, bytes] | None":
        """What the connection asks of answers at hand; a stream always takes the long way."""
        return None

    def _payload_bytes(self) -> bytes | None:
        """The body where the connection may send it without `prepare()`: see `response.py`."""
        return None

    def _take_back(self) -> bool:
        """Become unsent again, for another request; False where that can't be."""
        return False

    async def _start(self, request: Any) -> None:
        self._is_plain = False
        self._request = request
        self._exchange = exchange = request._exchange
        headers = self.headers
        policy = getattr(request, "_compressor", None)
        if policy is not None and not self._compression:
            policy.compress_stream(self)
        if self._compression:
            await self._start_compression(request, headers)
        self._put_cookies(headers)
        length, chunked = self._frame(request, exchange, headers)
        self._add_defaults(request, headers)
        self._settle_connection(exchange, headers)
        if request._has_prepare_hook:
            await request._prepare_hook(self)
            if self._compression:
                await self._start_compression(request, headers)
            self._put_cookies(headers)
            # What the signal took away stays away; only the framing must be right.
            length, chunked = self._frame(request, exchange, headers)
            self._settle_connection(exchange, headers)
        exchange.start(self._status, self._reason, headers, length, chunked)
        self._takes_trailers = chunked
        self._head_gone = True
        if self._sends_head_at_once:
            exchange.write_piece(b"")

    async def _start_compression(
        self, request: "AnsweredRequest", headers: "CIMultiDict[str]"
    ) -> None:
        coding = self._choose_coding(request, headers)
        if coding is None:
            return
        self._note_coding(headers, coding)
        headers.pop(CONTENT_LENGTH, None)
        if request.method == "HEAD":
            self._hides_length = True
        else:
            from tercel.web.codings import BodyEncoder

            self._encoder = BodyEncoder(
                coding, self._compression_strategy, self._zlib_executor_size, self._zlib_executor
            )

    def _note_coding(self, headers: "CIMultiDict[str]", coding: str) -> None:
        """Make the head that of a body in `coding`."""
        from tercel.web.codings import drop_ranges, weak_tag

        self._add(headers, CONTENT_ENCODING, coding)
        tags = weak_tag(headers)
        if tags is not None:
            self._strong_tag, headers[ETAG] = tags
        drop_ranges(headers)

    def _add(self, headers: "CIMultiDict[str]", name: str, value: str) -> None:
        """Set a header that belongs to this sending, not to the response."""
        if self._added is None:
            self._added = {}
        headers[name] = self._added[name] = value

    def _choose_coding(self, request: "AnsweredRequest", headers: "CIMultiDict[str]") -> str | None:
        """The coding to compress with; None to leave the body as it is."""
        from tercel.web.codings import (
            ContentCoding,
            choose_answer_coding,
            is_coded_or_partial,
            vary_by_coding,
        )

        status = self._status
        if allows_no_body(status) or status == 206 or is_coded_or_partial(headers):
            return None
        force = self._compression_force
        if force is not None:
            return None if force is ContentCoding.identity else force.value
        vary_by_coding(headers)
        return choose_answer_coding(request.headers, self._coding_offer)

    def _known_length(self) -> int | None:
        """Octets of the body where the response knows them itself, else None."""
        return None

    def _has_body(self) -> bool:
        """True where an answer to GET has a body and so wants a Content-Type."""
        return True

    def _frame(
        self, request: "AnsweredRequest", exchange: "AnswerSink", headers: "CIMultiDict[str]"
    ) -> tuple[int | None, bool]:
        """Put the framing into the headers; return length and chunked for the exchange.

        RFC 9112 section 6: Transfer-Encoding, else Content-Length, else the end of the connection.
        """
        version = exchange.version
        status = self._status
        length: int | None = 0
        chunked = False
        asked = self._asked_for_chunks(headers)
        headers.pop(TRANSFER_ENCODING, None)
        if _is_bodiless(request, status):
            headers.pop(CONTENT_LENGTH, None)
        elif self._chunked or (self._trailers and version >= HttpVersion11):
            if version <= HttpVersion10:
                raise RuntimeError("Using chunked encoding is forbidden for HTTP/1.0")
            headers.pop(CONTENT_LENGTH, None)
            length, chunked = None, request.method != "HEAD"
            self._add(headers, TRANSFER_ENCODING, "chunked")
            if self._trailers:
                self._announce_trailers(headers)
        else:
            length = None if self._hides_length else self._known_length()
            if length is None and CONTENT_LENGTH in headers:
                length = read_length(headers[CONTENT_LENGTH])
            if length is not None:
                headers[CONTENT_LENGTH] = str(length)
            elif request.method != "HEAD" or asked:
                if version >= HttpVersion11:
                    self._add(headers, TRANSFER_ENCODING, "chunked")
                    chunked = request.method != "HEAD"
                elif request.method != "HEAD":
                    exchange.keep_alive = False
        return length, chunked

    def _add_defaults(self, request: "AnsweredRequest", headers: "CIMultiDict[str]") -> None:
        if (
            CONTENT_TYPE not in headers
            and self._has_body()
            and not _is_bodiless(request, self._status)
        ):
            headers[CONTENT_TYPE] = OCTET_STREAM
        if DATE not in headers:
            self._add(headers, DATE, _date_header())
        if SERVER not in headers:
            headers[SERVER] = SERVER_SOFTWARE

    def _asked_for_chunks(self, headers: "CIMultiDict[str]") -> bool:
        codings = headers.getall(TRANSFER_ENCODING, ())
        for value in codings:
            if value.strip().lower() != "chunked":
                raise RuntimeError(
                    f"Transfer-Encoding {value!r} can't be sent: the framing of an answer is "
                    "chunked or its length"
                )
        return bool(codings)

    def _settle_connection(self, exchange: "AnswerSink", headers: "CIMultiDict[str]") -> None:
        if self._closes:
            exchange.keep_alive = False
        for value in headers.getall(CONNECTION, ()):
            if "close" in (token.strip().lower() for token in value.split(",")):
                exchange.keep_alive = False
        self._keep_alive = alive = exchange.keep_alive
        if CONNECTION not in headers:
            if alive and exchange.version <= HttpVersion10:
                self._add(headers, CONNECTION, "keep-alive")
            elif not alive and exchange.version >= HttpVersion11:
                self._add(headers, CONNECTION, "close")

    async def write(self, data: bytes | bytearray | memoryview) -> None:
        """Send a piece of the body; waits while the peer reads too slowly.

        Raises TypeError for anything but bytes, bytearray or memoryview, RuntimeError before
        `prepare()`, after `write_eof()` and beyond the content length, ConnectionResetError once
        the peer is gone.
        """
        if type(data) is not bytes and not isinstance(data, _OCTETS):
            raise TypeError(f"data argument must be byte-ish ({type(data)!r})")
        if self._eof_sent:
            raise RuntimeError("Cannot call write() after write_eof()")
        exchange = self._exchange
        if exchange is None:
            raise RuntimeError("Cannot call write() before prepare()")
        if self._encoder is None:
            if exchange.write_piece(data):
                await exchange.drain()
            return
        if exchange.closed:
            raise ConnectionResetError("Cannot write to closing transport")
        await self._encoder.write(exchange, data, self._flushes)
        if exchange.must_drain:
            await exchange.drain()

    async def flush(self) -> None:
        """Send what is held back now, so that the peer can read all that was written.

        A content coding holds octets back; without one, small pieces leave together as soon as the
        handler waits for anything. Waits and raises as `write()` does.
        """
        exchange = self._exchange
        if exchange is None or self._eof_sent:
            raise RuntimeError("Cannot call flush() before prepare() or after write_eof()")
        if exchange.closed:
            raise ConnectionResetError("Cannot write to closing transport")
        if self._encoder is not None:
            await self._encoder.write(exchange, b"", True)
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
        if not isinstance(data, _OCTETS):
            raise TypeError(f"data argument must be byte-ish ({type(data)!r})")
        if self._eof_sent:
            return
        exchange = self._exchange
        if exchange is None:
            raise RuntimeError("Response has not been started")
        if self._trailers:
            self._check_trailers(self._trailers)
        self._eof_sent = True
        if self._encoder is not None:
            data = await self._encoder.finish(data)
        if self._trailers and self._takes_trailers:
            exchange.finish_with_trailers(data, self._trailers)
        else:
            exchange.finish(data)
        if exchange.must_drain:
            await exchange.drain()

    def __repr__(self) -> str:
        if self._eof_sent:
            info = "eof"
        elif self._request is not None:
            info = f"{self._request.method} {self._request.path} "
        else:
            info = "not prepared"
        return f"<{type(self).__name__} {self._reason} {info}>"
