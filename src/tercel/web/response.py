"""Response: an answer whose body is at hand, and the JSON shorthands.

The connection may answer without prepare(), in one write: `_payload_bytes()` returns the body, or
None where prepare() and write_eof() must be awaited (also do so for HEAD where it returns b"", and
where `request._has_prepare_hook`). Then `_hot_headers()` returns a Content-Type value, None for no
such field, or the CIMultiDict of all headers, cookies included, without Content-Length, Connection
and Transfer-Encoding; the connection adds those and Date and Server where absent, passes `_status`
and `_reason`, and sets `_exchange` and `_eof_sent = True` on the response.
"""

import json
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from multidict import CIMultiDict

from tercel.content.jsontext import dump_text
from tercel.content.unset import Unset, sentinel
from tercel.hdrs import (
    CONNECTION,
    CONTENT_LENGTH,
    CONTENT_TYPE,
    ETAG,
    TRANSFER_ENCODING,
)
from tercel.web.answerhead import OCTET_STREAM, Pairs
from tercel.web.outgoing import UTF8_TYPES, Outgoing
from tercel.web.stream import StreamResponse, allows_no_body

if TYPE_CHECKING:
    from concurrent.futures import Executor

    from tercel.content.payload import Payload
    from tercel.web.parties import AnsweredRequest

__all__ = ("Response", "json_bytes_response", "json_response")


class Response(StreamResponse):
    """An answer in one piece (web_reference, Response).

    `body`: bytes, or anything that a payload class is registered for (a file, an async iterable,
    str, ...); `text`: str, sent in `charset` (utf-8 by default). `content_type`: "text/plain" for
    a text, else "application/octet-stream". Content-Length is set by what is sent.
    `zlib_executor_size`: octets from which a body is compressed in `zlib_executor` (None: the
    loop's default executor), 4096 by default.

    Raises ValueError for body and text together, for content_type or charset beside a Content-Type
    header, for a charset within content_type, and for a body that nothing is registered for;
    TypeError for a text that is no str.
    """

    _body: "bytes | bytearray | Payload | None" = None
    _coded: bytes | None = None
    _long_way = False
    _sends_head_at_once = False

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        # A class that changes how an answer is sent is sent that way.
        cls._long_way = not (
            cls.prepare is StreamResponse.prepare
            and cls.write is StreamResponse.write
            and cls.write_eof is Response.write_eof
            and cls._start is Response._start
        )

    if TYPE_CHECKING:

        def __init__(
            self,
            *,
            body: Any = None,
            status: int = 200,
            reason: str | None = None,
            text: str | None = None,
            headers: Pairs | None = None,
            content_type: str | None = None,
            charset: str | None = None,
            zlib_executor_size: int | None = None,
            zlib_executor: Executor | None = None,
        ) -> None: ...

    else:
        __init__ = Outgoing.__init__

    def _set_up(
        self,
        body: Any,
        status: int,
        reason: str | None,
        text: str | None,
        headers: "Pairs | None",
        content_type: str | None,
        charset: str | None,
        zlib_executor_size: int | None,
        zlib_executor: "Executor | None",
    ) -> None:
        """The rest of `__init__`, for all but the plainest answers."""
        if status != 200 or reason is not None:
            self._set_status(status, reason)
        if headers is not None:
            self._take_headers(headers, content_type, charset)
        if content_type is not None and "charset" in content_type.lower():
            raise ValueError("charset must not be in content_type argument")
        if text is not None:
            if body is not None:
                raise ValueError("body and text are not allowed together")
            if not isinstance(text, str):
                raise TypeError(f"text argument must be str ({type(text)!r})")
            if headers is None and charset is None and content_type in UTF8_TYPES:
                self._type = UTF8_TYPES[content_type]
                self._body = text.encode()
            else:
                self._take_text(text, content_type, charset)
        else:
            if content_type is not None:
                if charset is not None:
                    content_type = f"{content_type}; charset={charset}"
                self._put_content_type(content_type)
            if body is not None:
                self.body = body
        if zlib_executor_size is not None:
            self._zlib_executor_size = zlib_executor_size
        if zlib_executor is not None:
            self._zlib_executor = zlib_executor

    def _take_headers(
        self, headers: "Pairs", content_type: str | None, charset: str | None
    ) -> None:
        self._headers = CIMultiDict(headers)
        self._is_plain = False
        if (content_type is not None or charset is not None) and CONTENT_TYPE in self._headers:
            raise ValueError(
                "passing both Content-Type header and content_type or charset params is forbidden"
            )

    def _take_text(self, text: str, content_type: str | None, charset: str | None) -> None:
        if content_type is None and self._content_type_value() is not None:
            charset = self.charset
            if charset is None:
                self.charset = charset = "utf-8"
        else:
            charset = charset or "utf-8"
            self._put_content_type(f"{content_type or 'text/plain'}; charset={charset}")
        self._body = text.encode(charset)

    @property
    def body(self) -> "bytes | bytearray | Payload | None":
        """The body: bytes, a `Payload`, or None where there is none.

        Takes bytes, bytearray, None, or what a payload class is registered for, whose headers are
        added to the response's where it has none of that name. Raises ValueError for anything
        else, RuntimeError once the head has been sent.
        """
        return self._body

    @body.setter
    def body(self, body: Any) -> None:
        self._refuse_late("the body")
        self._coded = None
        if body is None or isinstance(body, bytes | bytearray):
            self._body = body
        else:
            self._take_payload(body)
        headers = self._headers
        if headers is not None:
            headers.pop(CONTENT_LENGTH, None)

    def _take_payload(self, body: Any) -> None:
        from tercel.content.payload import PayloadLookupError, get_payload

        value = self._content_type_value()
        try:
            if isinstance(body, str) and value is not None:
                self._body = payload = get_payload(body, content_type=value)
            else:
                self._body = payload = get_payload(body)
        except PayloadLookupError:
            raise ValueError(f"Unsupported body type {type(body)}") from None
        headers = self.headers
        for name, given in payload.headers.items():
            if name not in headers:
                headers[name] = given

    @property
    def text(self) -> str | None:
        """The body as text in `charset`, utf-8 where there is none; None without a body.

        Takes a str, encodes it in `charset`, and sets Content-Type to text/plain where it is not
        set. Raises TypeError for anything but str, or where a payload can't be read at once.
        """
        body = self._body
        if body is None:
            return None
        if isinstance(body, bytes | bytearray):
            return body.decode(self.charset or "utf-8")
        return body.decode(self.charset or "utf-8")

    @text.setter
    def text(self, text: str) -> None:
        if not isinstance(text, str):
            raise TypeError(f"text argument must be str ({type(text)!r})")
        self._refuse_late("the body")
        if self.content_type == OCTET_STREAM:
            self.content_type = "text/plain"
        if self.charset is None:
            self.charset = "utf-8"
        self._coded = None
        self._body = text.encode(self.charset or "utf-8")
        if self._headers is not None:
            self._headers.pop(CONTENT_LENGTH, None)

    @property
    def content_length(self) -> int | None:
        """Octets of the body; None where chunked encoding is on or nobody knows before.

        Raises RuntimeError on setting.
        """
        if self._chunked:
            return None
        headers = self._headers
        if headers is not None and CONTENT_LENGTH in headers:
            return super().content_length
        return self._length_of_body()

    @content_length.setter
    def content_length(self, value: int | None) -> None:
        raise RuntimeError("Content length is set automatically")

    def _length_of_body(self) -> int | None:
        if self._coded is not None:
            return len(self._coded)
        body = self._body
        if body is None:
            return 0
        if isinstance(body, bytes | bytearray):
            return len(body)
        return None if self._encoder is not None else body.size

    # What the connection asks

    def _answer_at_once(
        self, request: Any, exchange: Any
    ) -> "tuple[int, str, CIMultiDict[str] | str | None, bytes] | None":
        """Status, reason, headers and body for `Exchange.respond`; None for the long way.

        The headers lack those that frame the answer, and Date and Server where they are not set.
        """
        body = self._payload_bytes()
        if body is None or (not body and request.method == "HEAD"):
            return None
        self._exchange = exchange
        self._request = request
        self._eof_sent = True
        self._keep_alive = exchange.keep_alive
        if self._headers is None and self._cookies is None and self._type is not None:
            return self._status, self._reason, self._type, body
        return self._status, self._reason, self._hot_headers(), body

    def _payload_bytes(self) -> bytes | None:
        """The body of an answer that may be sent without `prepare()`, else None.

        Says nothing of whether this very exchange has its answer already.
        """
        if self._long_way or self._added is not None:
            return None
        if self._exchange is not None and not self._eof_sent:
            return None
        status = self._status
        if status < 200 or status == 204 or status == 304:
            return None
        headers = self._headers
        if headers is not None and (
            CONTENT_LENGTH in headers or CONNECTION in headers or TRANSFER_ENCODING in headers
        ):
            return None
        body = self._body
        if body is None:
            return b""
        return body if type(body) is bytes else None

    def _hot_headers(self) -> "CIMultiDict[str] | str | None":
        """The headers that go with `_payload_bytes()`; see the top of this module."""
        headers = self._headers
        if headers is None:
            if self._cookies is None:
                if self._type is None and self._body:
                    return OCTET_STREAM
                return self._type
            headers = self.headers
        if self._cookies is not None:
            self._put_cookies(headers)
        if self._body and CONTENT_TYPE not in headers:
            headers[CONTENT_TYPE] = OCTET_STREAM
        return headers

    # Sending

    def _take_back(self) -> bool:
        body = self._body
        if not self._eof_sent or not (body is None or isinstance(body, bytes | bytearray)):
            return False
        headers, added = self._headers, self._added
        if headers is not None and added:
            for name, value in added.items():
                if headers.get(name) == value:
                    del headers[name]
        tag = self._strong_tag
        if headers is not None and tag is not None and headers.get(ETAG) == f"W/{tag}":
            headers[ETAG] = tag
        self._added = self._exchange = self._request = self._encoder = self._coded = None
        self._keep_alive = self._strong_tag = None
        self._hides_length = False
        self._head_gone = self._eof_sent = False
        return True

    async def _start(self, request: Any) -> None:
        try:
            await super()._start(request)
        except BaseException:
            await self._close_body()
            raise

    async def _close_body(self) -> None:
        body = self._body
        if body is not None and not isinstance(body, bytes | bytearray):
            await body.close()

    def _known_length(self) -> int | None:
        request = self._request
        if self._body is None and request is not None and request.method == "HEAD":
            return None  # what GET would have answered is not known here
        return self._length_of_body()

    def _has_body(self) -> bool:
        return bool(self._body)

    async def _start_compression(
        self, request: "AnsweredRequest", headers: "CIMultiDict[str]"
    ) -> None:
        body = self._body
        if self._chunked or self._trailers or not isinstance(body, bytes | bytearray):
            if body is not None:
                await super()._start_compression(request, headers)
            return
        coding = self._choose_coding(request, headers) if body else None
        if coding is None:
            return
        self._note_coding(headers, coding)
        if request.method == "HEAD":
            self._hides_length = True
        elif len(body) > self._zlib_executor_size:
            import asyncio

            loop = asyncio.get_running_loop()
            self._coded = await loop.run_in_executor(
                self._zlib_executor, _encode_all, coding, self._compression_strategy, body
            )
        else:
            self._coded = _encode_all(coding, self._compression_strategy, body)

    async def write_eof(self, data: bytes | bytearray | memoryview = b"") -> None:
        """Send the body and end the answer. A second call does nothing.

        `data` must be empty unless there is no body of its own. Raises RuntimeError before
        `prepare()`.
        """
        if self._eof_sent:
            return
        exchange, request = self._exchange, self._request
        if exchange is None or request is None:
            raise RuntimeError("Response has not been started")
        body = self._coded if self._coded is not None else self._body
        if body is None:
            await super().write_eof(data)
        elif isinstance(body, bytes | bytearray):
            await super().write_eof(body)
        elif request.method == "HEAD" or allows_no_body(self._status):
            await self._close_body()
            await super().write_eof()
        else:
            try:
                await body.write(self)
            finally:
                await self._close_body()
            await super().write_eof()


def _encode_all(coding: str, strategy: int | None, body: bytes | bytearray) -> bytes:
    from tercel.wire.encoders import make_encoder

    encoder = make_encoder(coding, strategy)
    return encoder.encode(body) + encoder.finish()


def json_response(
    data: Any = sentinel,
    *,
    text: str | None = None,
    body: bytes | None = None,
    status: int = 200,
    reason: str | None = None,
    headers: "Pairs | None" = None,
    content_type: str = "application/json",
    dumps: Callable[[Any], str] = json.dumps,
) -> Response:
    """A `Response` with `data` as JSON (web_reference, json_response).

    `dumps` makes a str of `data`; `text` or `body` stand in for `data` where JSON is at hand.
    Raises ValueError where more than one of them is given.
    """
    if data is not sentinel:
        if text is not None or body is not None:
            raise ValueError("only one of data, text, or body should be specified")
        text = dump_text(data, dumps)
    return Response(
        text=text,
        body=body,
        status=status,
        reason=reason,
        headers=headers,
        content_type=content_type,
    )


def json_bytes_response(
    data: "Any | Unset" = sentinel,
    *,
    dumps: Callable[[Any], bytes],
    body: bytes | None = None,
    status: int = 200,
    reason: str | None = None,
    headers: "Pairs | None" = None,
    content_type: str = "application/json",
) -> Response:
    """A `Response` with `data` as JSON that `dumps` encodes to bytes itself, as orjson does.

    `body` stands in for `data` where JSON is at hand. Raises ValueError where both are given.
    """
    if data is not sentinel:
        if body is not None:
            raise ValueError("only one of data or body should be specified")
        body = dumps(data)
    return Response(
        body=body, status=status, reason=reason, headers=headers, content_type=content_type
    )
