"""An answer, with its head read and its body on the way.

In: an exchange whose head has come. Out: status, fields, cookies; the body as bytes, text, JSON or
a stream. Facts that not everybody asks for are worked out when asked. Gives its connection back by
itself when the body is read; closes it when the body is left unread (client_reference,
"Response").
"""

from __future__ import annotations

import asyncio
import codecs
import json
import warnings
from collections.abc import Awaitable, Callable, Mapping, Sequence
from types import MappingProxyType, TracebackType
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

from multidict import CIMultiDictProxy, MultiDictProxy
from yarl import URL

from tercel.client.direct import find_direct
from tercel.client.errors import (
    ClientConnectionError,
    ClientError,
    ClientResponseError,
    ContentTypeError,
)
from tercel.client.exchange import Exchange
from tercel.client.informational import InformationalResponse
from tercel.client.links import read_links
from tercel.client.options import RequestInfo
from tercel.client.trailers import read_trailers
from tercel.content.jsontext import load_text
from tercel.content.mediafields import HeadersMixin
from tercel.net.protocol import Ready
from tercel.net.streams import StreamReader
from tercel.wire.version import HttpVersion

if TYPE_CHECKING:
    from http.cookies import SimpleCookie

    from tercel.client.tracing import Trace

__all__ = ("ClientResponse", "ContentDisposition")

_DONE = Ready()
#: Set-Cookie fields read of one answer.
MAX_COOKIES = 50
#: Octets of the body that an error raised for a status carries.
ERROR_BODY = 16_384


class ContentDisposition(NamedTuple):
    """Content-Disposition: its `type`, its `parameters` and the `filename` among them, or None."""

    type: str | None
    parameters: Mapping[str, str]
    filename: str | None


class Asked(Protocol):
    """What an answer tells of its request."""

    @property
    def request_info(self) -> RequestInfo: ...


class ClientResponse(HeadersMixin):
    """The answer to a request; an async context manager that releases it.

    `version`, `status`, `reason`, `method`: as their names say. `content` is the body's stream.
    Made by the session only.
    """

    version: HttpVersion | None = None
    status: int = 0
    reason: str | None = None
    method: str
    _exchange: Exchange | None = None
    _asked: Asked | None = None
    _body: bytes | None = None
    _content: StreamReader | None = None
    _cookies: SimpleCookie | None = None
    _headers: CIMultiDictProxy[str] | None = None  # of an answer that a test has made up
    _history: tuple[ClientResponse, ...] = ()
    _loop: asyncio.AbstractEventLoop | None = None
    _request_info: RequestInfo | None = None
    _raw_headers: tuple[tuple[bytes, bytes], ...] | None = None
    _released = False
    _session: Any = None
    _traces: Sequence[Trace] = ()
    _url: URL | None = None
    _in_context = False

    def __init__(
        self,
        method: str,
        url: URL,
        *,
        writer: Any = None,
        continue100: Any = None,
        timer: Any = None,
        request_info: RequestInfo | None = None,
        traces: Sequence[Trace] = (),
        loop: asyncio.AbstractEventLoop | None = None,
        session: Any = None,
        stream_writer: Any = None,
    ) -> None:
        self.method = method
        self._real_url = url
        self._request_info = request_info
        self._traces = traces
        self._loop = loop
        self._session = session

    def attach(self, exchange: Exchange, asked: Asked) -> None:
        """Take the facts of an exchange whose head has come."""
        head = exchange.head
        if head is None:
            raise RuntimeError("an answer is attached before its head has come")
        self._exchange = exchange
        self._asked = asked
        self._head = head
        self.version = head.version
        self.status = head.status
        self.reason = head.reason

    async def start(self, connection: Any) -> ClientResponse:
        """The answer itself: its head has been read when it was made."""
        return self

    def __repr__(self) -> str:
        reason = (self.reason or "").encode("ascii", "backslashreplace").decode("ascii")
        headers = self.headers if self._exchange is not None else None
        return f"<{type(self).__name__}({self.url}) [{self.status} {reason}]>\n{headers}\n"

    def __del__(self) -> None:
        exchange = self._exchange
        if exchange is None or exchange.is_done:
            return
        loop = self._loop
        if loop is None or loop.is_closed():
            return
        if loop.get_debug():
            warnings.warn(f"Unclosed response {self!r}", ResourceWarning, 2, self)
            context = {"client_response": self, "message": "Unclosed response"}
            loop.call_exception_handler(context)
        exchange.abandon()

    # --- facts ---------------------------------------------------------------------------------

    @property
    def url(self) -> URL:
        """The URL of the request, without fragment."""
        if self._url is None:
            self._url = self._real_url.with_fragment(None)
        return self._url

    @property
    def url_obj(self) -> URL:
        """`url` under its old name. Deprecated."""
        warnings.warn("url_obj is deprecated, use url", DeprecationWarning, stacklevel=2)
        return self.url

    @property
    def real_url(self) -> URL:
        """The URL of the request, with its fragment."""
        return self._real_url

    @property
    def host(self) -> str:
        """The host of the URL."""
        return self._real_url.host or ""

    @property
    def request_info(self) -> RequestInfo:
        """The request that is answered."""
        if self._request_info is None:
            if self._asked is None:
                raise RuntimeError("the answer belongs to no request")
            self._request_info = self._asked.request_info
        return self._request_info

    @property
    def headers(self) -> CIMultiDictProxy[str]:
        """The fields, read-only."""
        return self._head.headers if self._headers is None else self._headers

    @property
    def raw_headers(self) -> tuple[tuple[bytes, bytes], ...]:
        """The fields as they came: pairs of bytes."""
        return self._head.raw_headers if self._raw_headers is None else self._raw_headers

    @property
    def trailers(self) -> CIMultiDictProxy[str]:
        """The fields that came after the body; none before it is read to its end."""
        return read_trailers(() if self._exchange is None else self._exchange.trailers)

    @property
    def informational(self) -> tuple[InformationalResponse, ...]:
        """The interim answers that came before this one, such as 103 Early Hints."""
        heads = None if self._exchange is None else self._exchange.informational
        return tuple(
            InformationalResponse(head.status, head.reason, head.headers, self.url)
            for head in heads or ()
        )

    @property
    def ok(self) -> bool:
        """True if the status is below 400."""
        return self.status < 400

    @property
    def history(self) -> tuple[ClientResponse, ...]:
        """The answers that redirected here, the first one first."""
        return self._history

    @property
    def closed(self) -> bool:
        """True once the body has come or the answer was released."""
        return self._released or self._exchange is None or self._exchange.is_done

    @property
    def connection(self) -> Any:
        """The connection while the answer uses it, else None."""
        exchange = self._exchange
        if exchange is None:
            return None
        if exchange.claim is not None:
            return exchange.lender.connection_of(exchange)
        return exchange.connection

    @property
    def upload_complete(self) -> bool:
        """True once the request's body was sent, or was given up."""
        return self._exchange is None or self._exchange.upload_done

    @property
    def output_size(self) -> int:
        """Octets of the request that wait in the transport."""
        connection = self.connection
        transport = None if connection is None else connection.transport
        return 0 if transport is None else transport.get_write_buffer_size()

    def get_content_type(self) -> str:
        """`content_type` as a method."""
        return self.content_type

    @property
    def content_disposition(self) -> ContentDisposition | None:
        """Content-Disposition, or None."""
        field = self.headers.get("Content-Disposition")
        if field is None:
            return None
        from tercel.wire.media import content_disposition_filename, parse_content_disposition

        kind, parameters = parse_content_disposition(field)
        filename = content_disposition_filename(parameters)
        return ContentDisposition(kind, MappingProxyType(dict(parameters)), filename)

    @property
    def cookie_fields(self) -> Sequence[str]:
        """The Set-Cookie fields, 50 at most."""
        if self._headers is None and (self._exchange is None or not self._head.may_set_cookies):
            return ()
        return self.headers.getall("Set-Cookie", [])[:MAX_COOKIES]

    @property
    def cookies(self) -> SimpleCookie:
        """The cookies that the answer sets; the last of a name counts, 50 fields are read."""
        if self._cookies is None:
            self._cookies = _read_cookies(self.cookie_fields)
        return self._cookies

    @cookies.setter
    def cookies(self, cookies: SimpleCookie) -> None:
        self._cookies = cookies

    @property
    def links(self) -> MultiDictProxy[MultiDictProxy[str | URL]]:
        """The Link fields: from the relation, or the URL, to parameters with the URL at "url"."""
        return read_links(self.headers, self.url)

    # --- the body ------------------------------------------------------------------------------

    @property
    def content(self) -> StreamReader:
        """The body as a stream."""
        if self._content is None:
            if self._exchange is None:
                raise RuntimeError("the answer belongs to no exchange")
            self._content = self._exchange.open_stream()
        return self._content

    @content.setter
    def content(self, content: StreamReader) -> None:
        self._content = content

    async def read(self) -> bytes:
        """The whole body, the same bytes on every call.

        ClientPayloadError if it breaks off; ClientConnectionError if the answer was released or
        closed before it was read.
        """
        body = self._body
        if body is None:
            if self._released:
                raise ClientConnectionError("Connection closed")
            exchange = self._exchange
            if exchange is None:
                if self._content is None:
                    raise ClientConnectionError("Connection closed")
                self._body = await self._content.read()
                return self._body
            body = exchange.take_body() if self._content is None else None
            if body is None:
                try:
                    stream = self.content
                    direct = find_direct(exchange, stream)
                    body = await (stream.read() if direct is None else direct.read())
                except BaseException:
                    self.close()
                    raise
            self._body = body
            for trace in self._traces:
                await trace.send_response_chunk_received(self.method, self.url, body)
        return body

    def get_encoding(self) -> str:
        """The charset for `text`: of Content-Type, of JSON, or of `fallback_charset_resolver`.

        RuntimeError where the resolver would need a body that was not read.
        """
        kind, parameters = self._media()
        charset = parameters.get("charset")
        if charset:
            try:
                return codecs.lookup(charset).name
            except (LookupError, ValueError):
                pass
        if kind.startswith("application/") and (
            kind == "application/json" or kind.endswith("+json")
        ):
            return "utf-8"
        if self._body is None:
            raise RuntimeError("Cannot compute fallback encoding of a not yet read body")
        if self._session is None:
            return "utf-8"
        fallback: str = self._session._charset_of(self, self._body)
        return fallback

    async def text(self, encoding: str | None = None, errors: str = "strict") -> str:
        """The whole body as text; UnicodeDecodeError where it isn't in `encoding`."""
        body = await self.read()
        return body.decode(self.get_encoding() if encoding is None else encoding, errors)

    async def json(
        self,
        *,
        encoding: str | None = None,
        loads: Callable[[str], Any] = json.loads,
        content_type: str | None = "application/json",
    ) -> Any:
        """The whole body as JSON, None where it is blank.

        ContentTypeError where Content-Type is another than `content_type`, unless that is None.
        """
        body = await self.read()
        if content_type and not _is_expected(self.content_type, content_type):
            raise ContentTypeError(
                self.request_info,
                self.history,
                status=self.status,
                message=(
                    "Attempt to decode JSON with unexpected mimetype: "
                    f"{self.headers.get('Content-Type', '')}"
                ),
                headers=self.headers,
            )
        stripped = body.strip()
        if not stripped:
            return None
        text = stripped.decode(self.get_encoding() if encoding is None else encoding)
        return load_text(text, loads)

    # --- the end -------------------------------------------------------------------------------

    def raise_for_status(self) -> None:
        """Raise ClientResponseError for a status of 400 and more.

        Its `body` is the start of what has come of the answer's body. Outside of `async with` the
        answer is released first.
        """
        if not self.ok:
            raise self._status_error(self._body_at_hand())

    async def raise_with_body(self) -> None:
        """`raise_for_status` that waits for the start of the body."""
        if self.ok:
            return
        start = self._body_at_hand()
        if self._exchange is not None and not self._exchange.body_done:
            try:
                while len(start) < ERROR_BODY:
                    piece = await self.content.readany()
                    if not piece:
                        break
                    start += piece
            except (ClientError, OSError):
                pass
        raise self._status_error(start)

    def _status_error(self, body: bytes) -> ClientResponseError:
        error = ClientResponseError(
            self.request_info,
            self.history,
            status=self.status,
            message=self.reason or "",
            headers=self.headers,
        )
        error.body = body[:ERROR_BODY]
        if not self._in_context:
            self.release()
        return error

    def _body_at_hand(self) -> bytes:
        """What has come of the body; it can still be read."""
        if self._body is not None or self._exchange is None:
            return self._body or b""
        body = self._exchange.take_body() if self._content is None else None
        if body is None and self.content.exception() is None:
            body = self.content.read_nowait(ERROR_BODY)
            self.content._put_back(body)
        return body or b""

    def release(self) -> Any:
        """Want no more: the connection goes back if the body has come, and is closed if not.

        May be awaited, as code of old does; there is nothing to wait for.
        """
        self._released = True
        exchange = self._exchange
        if exchange is not None and not exchange.body_done:
            exchange.abandon()
        return _DONE

    def close(self) -> None:
        """Close the connection, unless it went back already."""
        self._released = True
        if self._exchange is not None:
            self._exchange.abandon()

    async def wait_for_close(self) -> None:
        """Wait until the request's body is sent, or given up."""
        upload = None if self._exchange is None else self._exchange.upload
        if upload is not None:
            await asyncio.wait((upload,))
        self.release()

    async def __aenter__(self) -> ClientResponse:
        self._in_context = True
        return self

    async def __aexit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        await self.leave()

    def leave(self) -> Awaitable[None]:
        """The end of `async with`: release, and wait until the request's body is sent."""
        self._in_context = False
        self.release()
        exchange = self._exchange
        if exchange is not None and exchange.upload is not None:
            return self.wait_for_close()
        return _DONE


def _is_expected(found: str, expected: str) -> bool:
    if expected == "application/json":
        if found == expected:
            return True
        return found.startswith("application/") and found.endswith("+json")
    return expected in found


def _read_cookies(fields: Sequence[str]) -> SimpleCookie:
    from http.cookies import SimpleCookie

    cookies: SimpleCookie = SimpleCookie()
    if fields:
        from tercel.wire.cookies import parse_set_cookie

        for field in fields:
            morsel = parse_set_cookie(field)
            if morsel is not None:
                dict.__setitem__(cookies, morsel.key, morsel)
    return cookies
