"""One request of the client, as middlewares see and change it, until it is sent.

In: what the session was asked for. Out: fields, body and an encoded head; `send` makes the answer.
Its mapping of fields is built when somebody asks for it: a plain request never has one. Decides
how a body is framed; never touches a socket.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any

from multidict import CIMultiDict, CIMultiDictProxy
from yarl import URL

from tercel.client.auth import BasicAuth
from tercel.client.errors import AnswerError, ClientResponseError
from tercel.client.exchange import Exchange
from tercel.client.fields import HOST, DefaultFields, cookie_field, join_head
from tercel.client.informational import InformationalResponse, tell_informational
from tercel.client.options import (
    DEFAULT_READ,
    DEFAULT_TIMEOUT,
    ClientTimeout,
    ReadOptions,
    RequestInfo,
)
from tercel.client.pool import ConnectionKey, make_connection_key
from tercel.client.response import ClientResponse
from tercel.client.send import UploadTracker, send_request
from tercel.client.target import Target, read_url
from tercel.client.trailers import announce_trailers
from tercel.content.form import FormData
from tercel.content.payload import Payload, PayloadLookupError, get_payload
from tercel.wire.coding import supported_codings
from tercel.wire.h1.encode import encode_request_head
from tercel.wire.octets import is_token
from tercel.wire.version import HttpVersion, HttpVersion10, HttpVersion11

if TYPE_CHECKING:
    from tercel.client.tracing import Trace

__all__ = ("BODYLESS", "TYPED", "ClientRequest", "fields_of_no_body")

#: Methods whose requests have no body unless one is given.
BODYLESS = frozenset(("GET", "HEAD", "OPTIONS", "TRACE"))
#: Methods whose bodies have a type even where they are empty, as servers know them from aiohttp.
TYPED = frozenset(("PATCH", "POST", "PUT"))
_LENGTH = ("Content-Length", "0")
_TYPE = ("Content-Type", "application/octet-stream")


def fields_of_no_body(method: str, skips_type: bool) -> tuple[tuple[str, str], ...]:
    """What a request that could have a body and has none says of it (RFC 9110 section 8.6)."""
    if skips_type or method not in TYPED:
        return (_LENGTH,)
    return _LENGTH, _TYPE


class _Claim(int):
    """A bool that may be called: `is_ssl` is documented as an attribute and used as a method."""

    def __call__(self) -> bool:
        return bool(self)


class ClientRequest:
    """A request that is to be sent (client_reference, "ClientRequest").

    `url` is without fragment, `original_url` with it. `headers` may be changed; the body is
    changed with `update_body` only. `trailers` are the fields to send after the body, or None;
    `on_informational` is called with each `InformationalResponse` that comes before the answer.
    ValueError for a method that is no token, for fields that contradict `chunked`, `compress` or
    `auth`.
    """

    GET_METHODS = frozenset(("GET", "HEAD", "OPTIONS", "TRACE"))
    POST_METHODS = frozenset(("PATCH", "POST", "PUT"))
    ALL_METHODS = GET_METHODS | POST_METHODS | frozenset(("DELETE",))
    DEFAULT_HEADERS: Mapping[str, str] = {
        "Accept": "*/*",
        "Accept-Encoding": ", ".join(supported_codings()),
    }

    method: str = "GET"
    url: URL = URL()
    response: ClientResponse | None = None
    _headers: CIMultiDict[str] | None = None
    _body: Payload | bytes = b""
    _body_fields: tuple[tuple[str, str], ...] = ()
    auth: BasicAuth | None = None
    read_options: ReadOptions = DEFAULT_READ
    timeout: ClientTimeout = DEFAULT_TIMEOUT
    upload_tracker: UploadTracker | None = None
    on_informational: Callable[[InformationalResponse], object] | None = None
    trailers: Mapping[str, str] | None = None
    was_reused = False
    sends_close = False
    allows_upgrade = False
    chunked: bool | None = None
    compress: str | None = None
    expect100 = False
    proxy: URL | None = None
    proxy_auth: BasicAuth | None = None
    proxy_headers: CIMultiDict[str] | None = None
    server_hostname: str | None = None
    version: HttpVersion = HttpVersion11
    _chunked_for_body = False
    _ssl: Any = True
    _timer: Any = None

    def __init__(
        self,
        method: str,
        url: URL,
        *,
        params: Any = None,
        headers: Any = None,
        skip_auto_headers: Iterable[str] | None = None,
        data: Any = None,
        cookies: Any = None,
        auth: BasicAuth | None = None,
        version: HttpVersion = HttpVersion11,
        compress: str | bool | None = None,
        chunked: bool | None = None,
        expect100: bool = False,
        loop: asyncio.AbstractEventLoop | None = None,
        response_class: type[ClientResponse] | None = None,
        proxy: URL | None = None,
        proxy_auth: BasicAuth | None = None,
        timer: Any = None,
        session: Any = None,
        ssl: Any = True,
        proxy_headers: Any = None,
        traces: Sequence[Trace] | None = None,
        trust_env: bool = False,
        server_hostname: str | None = None,
        target: Target | None = None,
        defaults: DefaultFields | None = None,
    ) -> None:
        if not is_token(method.encode("utf-8", "surrogateescape")):
            raise ValueError(f"Method cannot contain non-token characters {method!r}")
        self.method = method.upper()
        if target is None:
            if params:
                url = read_url(url).extend_query(params)
            target = Target(read_url(url))
            if auth is None and target.login is not None:
                auth = BasicAuth(target.login, target.password or "")
        self.target = target
        self.url = target.url
        self.original_url = target.original
        self.version = version
        self.chunked = chunked
        self.expect100 = expect100
        self.loop = loop
        self.response_class = ClientResponse if response_class is None else response_class
        self.proxy = proxy
        self.proxy_auth = proxy_auth
        self.server_hostname = server_hostname
        self.traces: Sequence[Trace] = () if traces is None else traces
        self._session = session
        self._ssl = ssl
        self._timer = timer
        self._defaults = DefaultFields() if defaults is None else defaults
        self._skip = self._defaults.skipped
        if skip_auto_headers:
            self._skip |= frozenset(name.lower() for name in skip_auto_headers)
        if proxy is not None:
            self.update_proxy(proxy, proxy_auth, proxy_headers)
        if headers or skip_auto_headers or cookies or auth is not None or compress or chunked:
            self._prepare(headers, cookies, auth, compress)
        if data is not None:
            self.update_body_from_data(data)
        if self.expect100:
            self.update_expect_continue(True)

    @classmethod
    def plain(
        cls, method: str, target: Target, session: Any, traces: Sequence[Trace]
    ) -> ClientRequest:
        """A request that has nothing of its own: the short way to what `__init__` makes."""
        request = cls.__new__(cls)
        request.method = method
        request.target = target
        request.url = target.url
        request.original_url = target.original
        request.traces = traces
        request._session = session
        request._defaults = defaults = session._defaults
        request._skip = defaults.skipped
        request.version = session._version
        request.loop = session._loop
        request.response_class = session._response_class
        return request

    # --- facts ---------------------------------------------------------------------------------

    @property
    def host(self) -> str:
        """The URL's host."""
        return self.target.host

    @property
    def port(self) -> int | None:
        """The URL's port, or that of its scheme."""
        return self.target.port

    @property
    def is_ssl(self) -> _Claim:
        """True for https and wss; may be called as well."""
        return _Claim(self.target.is_ssl)

    @property
    def ssl(self) -> Any:
        """How the server's certificate is verified: bool, SSLContext or Fingerprint."""
        return self._ssl

    @property
    def session(self) -> Any:
        """The session that makes the request."""
        if self._session is None:
            raise RuntimeError("the request was made without a session")
        return self._session

    @property
    def skip_auto_headers(self) -> CIMultiDict[None]:
        """Names of the fields that are not generated."""
        return CIMultiDict((name, None) for name in self._skip)

    @property
    def connection_key(self) -> ConnectionKey:
        """What a connection must have in common with the request to serve it."""
        if self._ssl is True and self.proxy is None and self.server_hostname is None:
            return self.target.find_key()
        return make_connection_key(
            self.target.url,
            ssl=self._ssl,
            proxy=self.proxy,
            proxy_auth=self.proxy_auth,
            proxy_headers=self.proxy_headers,
            server_hostname=self.server_hostname,
        )

    @property
    def request_info(self) -> RequestInfo:
        """The request as answers and errors tell of it."""
        return RequestInfo(self.url, self.method, CIMultiDictProxy(self.headers), self.original_url)

    @property
    def sent_info(self) -> RequestInfo:
        """`request_info` with what is added where the request is sent."""
        self._add_empty_length()
        return self.request_info

    @property
    def headers(self) -> CIMultiDict[str]:
        """The fields that will be sent; may be changed until then."""
        headers = self._headers
        if headers is None:
            headers = self._defaults.build(self.target.host_field, self._defaults.headers.copy())
            for name, value in self._body_fields:
                headers[name] = value
            self._headers = headers
        return headers

    @headers.setter
    def headers(self, headers: CIMultiDict[str]) -> None:
        self._headers = headers

    # --- fields --------------------------------------------------------------------------------

    def _prepare(self, headers: Any, cookies: Any, auth: BasicAuth | None, compress: Any) -> None:
        """Build the fields of a request that has some of its own."""
        self.update_headers(headers)
        self.update_auto_headers(self._skip)
        if cookies:
            self.update_cookies(cookies)
        if auth is not None:
            self.update_auth(auth)
        if compress:
            self.compress = compress if isinstance(compress, str) else "deflate"
            self.update_content_encoding(compress)
        self.update_transfer_encoding()

    def update_host(self, url: URL) -> None:
        """Aim the request at another URL."""
        self.target = Target(url)
        self.url = self.target.url
        self.original_url = self.target.original
        if self._headers is not None:
            self._headers[HOST] = self.target.host_field

    def update_version(self, version: HttpVersion | str) -> None:
        """Set the HTTP version; a str such as "1.0" is read."""
        if isinstance(version, str):
            major, _, minor = version.partition(".")
            if not (major.isdecimal() and minor.isdecimal()):
                raise ValueError(f"Can not parse http version number: {version}")
            version = HttpVersion(int(major), int(minor))
        self.version = version

    def update_headers(self, headers: Any) -> None:
        """Set the fields: the session's, replaced and followed by `headers`."""
        own: CIMultiDict[str] = self._defaults.headers.copy()
        pairs = headers.items() if isinstance(headers, Mapping) else (headers or ())
        fresh: set[str] = set()
        for name, value in pairs:
            key = name.lower()
            if not isinstance(value, str):
                raise TypeError(f"the value of {name} is {value!r}, expected str")
            if key not in fresh:
                fresh.add(key)
                own.popall(key, None)
            own.add(name, value)
        host = own.pop(HOST, self.target.host_field)
        built: CIMultiDict[str] = CIMultiDict(((HOST, host),))
        built.extend(own)
        self._headers = built

    def update_auto_headers(self, skip_auto_headers: Iterable[str] | None) -> None:
        """Add what is generated for lack of it, but the names of `skip_auto_headers`."""
        self._skip = frozenset(name.lower() for name in skip_auto_headers or ())
        headers = self.headers
        for name, value in self._defaults.auto:
            if name not in headers and name.lower() not in self._skip:
                headers[name] = value

    def update_cookies(self, cookies: Any) -> None:
        """Add cookies to the Cookie field."""
        if cookies:
            mapping = cookies if isinstance(cookies, Mapping) else dict(cookies)
            field = cookie_field(mapping, self.headers.get("Cookie", ""))
            self.headers["Cookie"] = field

    def update_auth(self, auth: BasicAuth | None, trust_env: bool = False) -> None:
        """Set Authorization; ValueError where the request has one of its own."""
        if auth is None:
            return
        if "Authorization" in self.headers:
            raise ValueError(
                "Cannot combine AUTHORIZATION header with AUTH argument or "
                "credentials encoded in URL"
            )
        self.auth = auth
        self.headers["Authorization"] = auth.encode()

    def update_content_encoding(self, data: Any) -> None:
        """Announce the coding that the body gets."""
        if "Content-Encoding" in self.headers:
            raise ValueError("compress can not be set if Content-Encoding header is set")
        if self.compress:
            self.headers["Content-Encoding"] = self.compress
            self.chunked = True

    def update_transfer_encoding(self) -> None:
        """Check the framing that was asked for; ValueError where fields contradict it."""
        headers = self.headers
        if "chunked" in headers.get("Transfer-Encoding", "").lower():
            if self.chunked:
                raise ValueError(
                    'chunked can not be set if "Transfer-Encoding: chunked" header is set'
                )
            if "Content-Length" in headers:
                raise ValueError("Content-Length and Transfer-Encoding can not be set together")
            self.chunked = True
        elif self.chunked:
            if "Content-Length" in headers:
                raise ValueError("chunked can not be set if Content-Length header is set")
            headers["Transfer-Encoding"] = "chunked"

    def update_expect_continue(self, expect: bool = False) -> None:
        """Wait for 100 Continue before the body is sent."""
        if expect:
            self.headers["Expect"] = "100-continue"
        elif self._headers is not None:
            expect = self._headers.get("Expect", "").lower() == "100-continue"
        self.expect100 = expect

    def update_proxy(
        self, proxy: URL | None, proxy_auth: BasicAuth | None, proxy_headers: Any
    ) -> None:
        """Send the request through `proxy`."""
        self.proxy = proxy
        self.proxy_auth = proxy_auth
        self.proxy_headers = None
        if proxy is not None and proxy_headers:
            self.proxy_headers = CIMultiDict(proxy_headers)

    # --- body ----------------------------------------------------------------------------------

    @property
    def body(self) -> Payload | bytes:
        """The body: a payload, or b"" where there is none. Change it with `update_body`."""
        return self._body

    @body.setter
    def body(self, value: Any) -> None:
        self.update_body_from_data(value)

    @property
    def body_length(self) -> int | None:
        """Octets of the body as announced, None where they are framed as chunks."""
        if self._headers is not None:
            announced = self._headers.get("Content-Length")
            if announced is not None:
                return int(announced) if announced.isascii() and announced.isdecimal() else None
            return None
        if isinstance(self._body, bytes):
            return len(self._body)
        return self._body.size

    async def update_body(self, body: Any) -> None:
        """Replace the body and release the one before."""
        before = self._body
        if before is body:
            return
        headers = self.headers
        headers.popall("Content-Length", None)
        if self._chunked_for_body:
            headers.popall("Transfer-Encoding", None)
            self._chunked_for_body = False
            self.chunked = None
        if isinstance(before, Payload):
            await before.close()
        self.update_body_from_data(body)

    def update_body_from_data(self, body: Any, _stacklevel: int = 3) -> None:
        """Make the body of `body` (None: none) and set the fields that describe it."""
        if body is None:
            self._body = b""
            self._set_fields(((), None))
            return
        if isinstance(body, FormData):
            body = body()
        try:
            payload = get_payload(body, disposition=None)
        except PayloadLookupError:
            payload = FormData(body)()
        self._body = payload
        fields: list[tuple[str, str]] = []
        size = payload.size
        if not self.chunked and size is not None:
            fields.append(("Content-Length", str(size)))
        elif not self.chunked and not self._has_field("Content-Length"):
            if self.version == HttpVersion10:
                raise ValueError("HTTP/1.0 has no chunked bodies, expected one of known length")
            self.chunked = True
            self._chunked_for_body = True
            fields.append(("Transfer-Encoding", "chunked"))
        if payload._headers is None and not payload._given_headers:
            if "content-type" not in self._skip:
                fields.append(("Content-Type", payload.content_type))
        else:
            fields.extend(
                (name, value)
                for name, value in payload.headers.items()
                if name.lower() not in self._skip
            )
        self._set_fields((tuple(fields), payload))

    def _has_field(self, name: str) -> bool:
        headers = self._defaults.headers if self._headers is None else self._headers
        return name in headers

    def _set_fields(self, found: tuple[tuple[tuple[str, str], ...], Payload | None]) -> None:
        """Add what describes the body; fields that are there already stand."""
        fields, _ = found
        if self._headers is None and not any(self._has_field(name) for name, _ in fields):
            self._body_fields = fields
            return
        headers = self.headers
        for name, value in fields:
            if name not in headers:
                headers[name] = value

    def _add_empty_length(self) -> None:
        """A request that could have a body and has none says so (RFC 9110 section 8.6)."""
        if self.method in BODYLESS or self._body:
            return
        fields = fields_of_no_body(self.method, "content-type" in self._skip)
        if self.chunked:
            fields = fields[1:]
        if self._headers is None:
            if not self._body_fields:
                self._set_fields((fields, None))
        elif "Content-Length" not in self._headers:
            self._set_fields((fields, None))

    # --- sending -------------------------------------------------------------------------------

    def encode_head(self) -> bytes:
        """The head as octets; ValueError for whatever can't stand in one."""
        if self.trailers is not None:
            announce_trailers(self)
        self._add_empty_length()
        target = self.target.path
        if self.method == "CONNECT":
            target = f"{self.target.host}:{self.target.port}"
        elif self.proxy is not None and not self.target.is_ssl and self.proxy.scheme[:4] == "http":
            target = str(self.url)
            self._authorise_proxy()
        if self.sends_close and self.version == HttpVersion11:
            self.headers.setdefault("Connection", "close")
        if self.version != HttpVersion11:
            if not self.sends_close:
                self.headers.setdefault("Connection", "keep-alive")
            head = encode_request_head(self.method, target, self.headers.items())
            return head.replace(b" HTTP/1.1\r\n", b" HTTP/%d.%d\r\n" % self.version, 1)
        if self._headers is not None:
            return encode_request_head(self.method, target, self._headers.items())
        fields = self._defaults.encoded(self.target.host_field)
        if self._body_fields or self.method == "CONNECT":
            return join_head(self.method, target, fields, self._body_fields)
        found = self.target.heads.get(self.method)
        if found is None or found[0] is not fields:
            found = (fields, join_head(self.method, target, fields, ()))
            self.target.heads[self.method] = found
        return found[1]

    def _authorise_proxy(self) -> None:
        """A proxy that sees the request itself finds its fields among the request's."""
        if self.proxy_auth is not None:
            self.headers.setdefault("Proxy-Authorization", self.proxy_auth.encode())
        for name, value in (self.proxy_headers or {}).items():
            self.headers.setdefault(name, value)

    async def send(self, conn: Any) -> ClientResponse:
        """Send the request on a connection; the answer has its head already.

        Raises the documented connection errors, ClientResponseError for an answer that is no HTTP.
        On any error, a cancellation too, the connection is closed.
        """
        protocol = conn.protocol
        exchange = Exchange(protocol, conn, self.method, self.read_options)
        exchange.sends_close = self.sends_close
        exchange.allows_upgrade = self.allows_upgrade
        if self.on_informational is not None:
            exchange.on_informational = partial(tell_informational, self)
        try:
            head = self.encode_head()
            protocol.begin(exchange)
            if self._body or self.chunked or self.expect100 or self.upload_tracker is not None:
                await send_request(exchange, head, self._body, self, self.expect100)
            else:
                exchange.write(head)
                for trace in self.traces:
                    await trace.send_request_headers(self.method, self.url, self.headers)
            if exchange.head is None:
                await exchange.wait_head()
        except AnswerError as error:
            exchange.abandon()
            raise ClientResponseError(
                self.request_info, (), status=400, message=error.error.message
            ) from error.error
        except BaseException:
            exchange.abandon()
            conn.close()
            raise
        response = self.response_class(
            self.method,
            self.original_url,
            writer=exchange.upload,
            continue100=None,
            timer=self._timer,
            request_info=None,
            traces=self.traces,
            loop=protocol.loop,
            session=self._session,
            stream_writer=None,
        )
        response.attach(exchange, self)
        return response

    async def close(self) -> None:
        """Release what the body holds."""
        if isinstance(self._body, Payload):
            await self._body.close()

    def terminate(self) -> None:
        """Nothing is left to do: an exchange ends its own upload."""

    async def write_bytes(self, writer: Any, conn: Any, content_length: int | None = None) -> None:
        """Write the body to `writer` (any object with `async write`)."""
        if isinstance(self._body, bytes):
            if self._body:
                await writer.write(self._body)
        else:
            await self._body.write_with_length(writer, content_length)
