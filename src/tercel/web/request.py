"""BaseRequest and Request: what a handler knows of the message that it answers.

In: an exchange. Out: the documented attributes and coroutines (web_reference, Request). Parsing
happens when something is asked for, once. Reading a body respects `client_max_size` (413) and the
peer's errors; nothing here writes to the connection.
"""

import asyncio
import json
from collections.abc import Callable, Iterable, Iterator, Mapping, MutableMapping
from datetime import datetime
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, TypeVar, overload

from multidict import CIMultiDict, CIMultiDictProxy, MultiDict, MultiDictProxy
from yarl import URL

from tercel.content.jsontext import load_text
from tercel.net.protocol import WireProtocol
from tercel.web.errors import HTTPRequestEntityTooLarge
from tercel.web.forms import parse_forwarded, read_form
from tercel.web.incoming import Incoming
from tercel.web.keys import RequestKey
from tercel.wire.dates import parse_http_date
from tercel.wire.h1.head import RequestHead, make_request_head
from tercel.wire.media import parse_content_type

if TYPE_CHECKING:
    from tercel.content.multipart import MultipartReader
    from tercel.net.streams import StreamReader
    from tercel.web.exchange import Exchange
    from tercel.web.stream import StreamResponse
    from tercel.wire.ranges import ETag

__all__ = ("BaseRequest", "Request")

_T = TypeVar("_T")
_V = TypeVar("_V")
_UNSET: Any = object()


class BaseRequest(Incoming, MutableMapping["str | RequestKey[Any]", Any]):
    """An HTTP request, as a low-level server's handler gets it.

    Also a mapping of what middlewares and handlers share about it; keys are str or `RequestKey`.
    """

    __slots__ = ()  # Incoming has the one __dict__, made when somebody sets an attribute

    POST_METHODS = frozenset({"PATCH", "POST", "PUT", "TRACE", "DELETE"})

    _exchange: "Exchange"
    _compressor: Any = None  # set by the compression middleware, asked by streams

    # Who and where

    @property
    def message(self) -> RequestHead:
        """The request's head."""
        return self._head

    @property
    def protocol(self) -> Any:
        """The protocol of the connection."""
        return self._protocol

    @property
    def transport(self) -> Any:
        """The connection's transport, None once it is gone."""
        protocol = self._protocol
        if isinstance(protocol, WireProtocol):
            protocol.let_go()  # whoever writes to the transport writes after what was written
        return None if protocol is None else protocol.transport

    @property
    def writer(self) -> "Exchange":
        """The exchange that the answer goes to."""
        return self._exchange

    @property
    def task(self) -> Any:
        """The task that runs the handler."""
        task = self._task
        if task is None:
            task = getattr(self._exchange, "task", None)
        return asyncio.current_task() if task is None else task

    @property
    def loop(self) -> asyncio.AbstractEventLoop:
        """The event loop that serves the request. Deprecated: ask `asyncio.get_running_loop()`."""
        import warnings

        warnings.warn("request.loop is deprecated", DeprecationWarning, stacklevel=2)
        return self._loop

    @property
    def client_max_size(self) -> int:
        """Octets of a body that `read` and `post` accept; 0 for any number."""
        return self._client_max_size

    @property
    def client_max_fields(self) -> int:
        """Fields of a form that `post` accepts; 0 for any number."""
        return self._client_max_fields

    @property
    def scheme(self) -> str:
        """ "https" over TLS, else "http"; `clone` can change it."""
        if self._scheme is None:
            transport = self.transport
            is_tls = transport is not None and transport.get_extra_info("sslcontext") is not None
            self._scheme = "https" if is_tls else "http"
        return self._scheme

    @property
    def secure(self) -> bool:
        """True over TLS."""
        return self.scheme == "https"

    @property
    def host(self) -> str:
        """The host that was asked for: the target's, the Host field's, else our own address."""
        if self._host is None:
            host = self._head.authority or self.headers.get("Host")
            if host is None:
                name = self.get_extra_info("sockname")
                host = str(name[0]) if isinstance(name, tuple) else str(name or "")
            self._host = host
        return self._host

    @property
    def remote(self) -> str | None:
        """The peer's address, None where it has none."""
        if self._remote is None:
            name = self.get_extra_info("peername")
            if isinstance(name, list | tuple):
                self._remote = str(name[0])
            elif name:
                self._remote = str(name)
        return self._remote

    def get_extra_info(self, name: str, default: Any = None) -> Any:
        """What the transport knows under `name`, else `default`."""
        transport = self.transport
        return default if transport is None else transport.get_extra_info(name, default)

    @property
    def url(self) -> URL:
        """The absolute URL that was asked for; its host is in lower case."""
        if self._url is None:
            authority = self.host.lower()
            self._url = (
                URL.build(scheme=self.scheme, authority=authority, encoded=True).join(self.rel_url)
                if self._head.path.startswith("/")
                else URL.build(scheme=self.scheme, authority=authority)
            )
        return self._url

    @property
    def path(self) -> str:
        """The decoded path, such as "/app/blog"."""
        path = self._head.path
        return path if "%" not in path and path.isascii() else self.rel_url.path

    @property
    def path_qs(self) -> str:
        """Path and query as in the URL."""
        return str(self.rel_url)

    @property
    def query(self) -> MultiDictProxy[str]:
        """The query's variables, decoded."""
        return self.rel_url.query

    @property
    def query_string(self) -> str:
        """The query, decoded, without its question mark."""
        return self.rel_url.query_string

    # Fields

    @property
    def keep_alive(self) -> bool:
        """True if the peer will go on using the connection."""
        return self._head.keep_alive

    @property
    def content_type(self) -> str:
        """The media type of the body, "application/octet-stream" where it is not stated."""
        value = self.headers.get("Content-Type")
        return parse_content_type(value)[0] if value else "application/octet-stream"

    @property
    def charset(self) -> str | None:
        """The body's charset, None where it is not stated."""
        value = self.headers.get("Content-Type")
        return (parse_content_type(value)[1].get("charset") or None) if value else None

    @property
    def content_length(self) -> int | None:
        """Octets of the body as stated, None where they are not."""
        length = self._head.content_length
        if length is None and "Content-Length" in self.headers:
            return int(self.headers["Content-Length"])
        return length

    @property
    def cookies(self) -> Mapping[str, str]:
        """The request's cookies by name; of two of one name the last counts."""
        if self._cookies is None:
            from tercel.wire.cookies import parse_cookie_header

            pairs: list[tuple[str, str]] = []
            for line in self.headers.getall("Cookie", ()):
                pairs.extend(parse_cookie_header(line))
            self._cookies = MappingProxyType(dict(pairs))
        return self._cookies  # type: ignore[no-any-return]

    @property
    def forwarded(self) -> tuple[Mapping[str, str], ...]:
        """The elements of the Forwarded fields (RFC 7239 section 4), one mapping for each proxy."""
        return parse_forwarded(self.headers.getall("Forwarded", ()))

    @property
    def http_range(self) -> slice:
        """The Range field as a slice of octets; ValueError for one that is malformed."""
        from tercel.wire.ranges import parse_range_slice

        return parse_range_slice(self.headers.get("Range"))

    @property
    def if_modified_since(self) -> datetime | None:
        """The date of If-Modified-Since, None where there is no valid one."""
        return parse_http_date(self.headers.get("If-Modified-Since"))

    @property
    def if_unmodified_since(self) -> datetime | None:
        """The date of If-Unmodified-Since, None where there is no valid one."""
        return parse_http_date(self.headers.get("If-Unmodified-Since"))

    @property
    def if_range(self) -> datetime | None:
        """The date of If-Range, None where there is no valid one."""
        return parse_http_date(self.headers.get("If-Range"))

    @property
    def if_match(self) -> "tuple[ETag, ...] | None":
        """The entity tags of If-Match, None where the field is absent."""
        return self._etags("If-Match")

    @property
    def if_none_match(self) -> "tuple[ETag, ...] | None":
        """The entity tags of If-None-Match, None where the field is absent."""
        return self._etags("If-None-Match")

    def _etags(self, name: str) -> "tuple[ETag, ...] | None":
        from tercel.wire.ranges import parse_etags

        value = self.headers.get(name)
        return None if value is None else parse_etags(value)

    # Body

    @property
    def content(self) -> "StreamReader":
        """The body as a stream."""
        if self._head.expects_continue:
            self._ask_for_body()
        return self._payload  # type: ignore[no-any-return]

    def _ask_for_body(self) -> None:
        """Send `100 Continue` where the peer waits for it and nobody has sent it yet."""
        exchange = self._exchange
        if not exchange.head_sent and not exchange.closed:
            exchange.send_informational(100)

    @property
    def trailers(self) -> "CIMultiDictProxy[str]":
        """The fields that came after the body (RFC 9110 section 6.5), none for most requests.

        RuntimeError before the body was read to its end.
        """
        if not self._payload.at_eof():
            raise RuntimeError("Trailers come after the body: read it to its end first")
        return CIMultiDictProxy(
            CIMultiDict(
                (name.decode("ascii"), value.decode("utf-8", "surrogateescape"))
                for name, value in self._exchange.trailers
            )
        )

    @property
    def body_exists(self) -> bool:
        """True if the request has a body."""
        return bool(self._head.chunked or self._head.content_length)

    @property
    def can_read_body(self) -> bool:
        """True if the request has a body that is not read to its end yet."""
        return not self._payload.at_eof()

    @property
    def has_body(self) -> bool:
        """The old name of `can_read_body`."""
        import warnings

        warnings.warn("Deprecated, use .can_read_body instead", DeprecationWarning, stacklevel=2)
        return self.can_read_body

    async def read(self) -> bytes:
        """The whole body; the same bytes on every call.

        Raises HTTPRequestEntityTooLarge above `client_max_size` octets.
        """
        if self._body is None:
            limit = self._client_max_size
            declared = self._head.content_length
            if limit and declared is not None and declared > limit:
                raise HTTPRequestEntityTooLarge(max_size=limit, actual_size=declared)
            payload = self.content
            if payload.is_eof():
                body = payload.read_nowait()
                if limit and len(body) > limit:
                    raise HTTPRequestEntityTooLarge(max_size=limit, actual_size=len(body))
                self._body = body
                return body
            pieces = []
            size = 0
            while piece := await payload.readany():
                size += len(piece)
                if limit and size > limit:
                    raise HTTPRequestEntityTooLarge(max_size=limit, actual_size=size)
                pieces.append(piece)
            self._body = pieces[0] if len(pieces) == 1 else b"".join(pieces)
        return self._body

    async def text(self) -> str:
        """The whole body as text in `charset`, UTF-8 by default.

        Raises HTTPUnsupportedMediaType for a charset that Python doesn't know.
        """
        body = await self.read()
        charset = self.charset or "utf-8"
        try:
            return body.decode(charset)
        except LookupError:
            from tercel.web.errors import HTTPUnsupportedMediaType

            raise HTTPUnsupportedMediaType(
                text=f"the charset is {charset!r}, which is not known here"
            ) from None

    async def json(self, *, loads: Callable[[str], Any] = json.loads) -> Any:
        """The whole body as `loads` reads it; `json.loads` by default."""
        return load_text(await self.text(), loads)

    async def multipart(self) -> "MultipartReader":
        """A reader of the parts of a multipart body.

        Reading a part whole raises HTTPRequestEntityTooLarge above `client_max_size` octets.
        """
        import sys

        from tercel.content.multipart import MultipartReader

        return MultipartReader(
            self.headers,
            self.content,
            client_max_size=self._client_max_size or sys.maxsize,
            max_size_error_cls=HTTPRequestEntityTooLarge,
        )

    async def post(self) -> MultiDictProxy[Any]:
        """The fields of a form, the same mapping on every call; empty for what is no form.

        Raises HTTPRequestEntityTooLarge above `client_max_size` octets or `client_max_fields`
        fields.
        """
        if self._form is None:
            if self._head.method not in self.POST_METHODS:
                self._form = MultiDictProxy(MultiDict())
            else:
                self._form = await read_form(self)
        return self._form  # type: ignore[no-any-return]

    async def release(self) -> None:
        """Read over what is left of the body."""
        content = self.content
        while not content.at_eof():
            await content.readany()

    async def send_early_hints(
        self, links: "str | Iterable[str]" = (), *, headers: "Mapping[str, str] | None" = None
    ) -> None:
        """Send `103 Early Hints` (RFC 8297), so that the client fetches what the answer will need.

        `links` is a Link value, or several: `"</style.css>; rel=preload; as=style"`; `headers` are
        more fields. May be called more than once. Nothing is sent to a client of HTTP/1.0. Raises
        RuntimeError once the answer has begun, ValueError for no field at all or for control
        characters, ConnectionResetError once the peer is gone.
        """
        fields = CIMultiDict(headers or {})
        for link in (links,) if isinstance(links, str) else links:
            fields.add("Link", link)
        if not fields:
            raise ValueError("there is no link and no header to send early")
        exchange = self._exchange
        exchange.send_informational(103, fields)
        if exchange.must_drain:
            await exchange.drain()

    async def wait_for_disconnection(self) -> None:
        """Return when the peer has left; cancelled when the handler ends before.

        While somebody waits, a peer that closes its sending side counts as gone.
        """
        await self._protocol.lost_waiter()

    # The rest

    def clone(
        self,
        *,
        method: str = _UNSET,
        rel_url: "URL | str" = _UNSET,
        headers: Any = _UNSET,
        scheme: str = _UNSET,
        host: str = _UNSET,
        remote: str = _UNSET,
        client_max_size: int = _UNSET,
        client_max_fields: int = _UNSET,
    ) -> "BaseRequest":
        """A copy with some things replaced; it shares body, state and exchange.

        Raises RuntimeError once a body has been read.
        """
        if self._body is not None and self.body_exists:
            raise RuntimeError("Cannot clone request after reading its content")
        head = self._head
        target = head.target if rel_url is _UNSET else str(URL(rel_url))
        fields = CIMultiDict(self.headers if headers is _UNSET else headers)
        if method is not _UNSET or rel_url is not _UNSET or headers is not _UNSET:
            copy = make_request_head(
                head.method if method is _UNSET else method, target, head.version, fields
            )
            copy.keep_alive = head.keep_alive
            copy.chunked = head.chunked
            copy.content_length = head.content_length
            head = copy
        made = type(self)(
            head,
            self._payload,
            self._protocol,
            self._exchange,
            self._task,
            self._loop,
            client_max_size=(
                self._client_max_size if client_max_size is _UNSET else client_max_size
            ),
            client_max_fields=(
                self._client_max_fields if client_max_fields is _UNSET else client_max_fields
            ),
            state=dict(self._state) if self._state else None,
            scheme=self._scheme if scheme is _UNSET else scheme,
            host=self._host if host is _UNSET else host,
            remote=self._remote if remote is _UNSET else remote,
        )
        made._match = self._match
        made._match_info = self._match_info
        made._has_prepare_hook = self._has_prepare_hook
        if self._compressor is not None:
            made._compressor = self._compressor
        return made

    async def _prepare_hook(self, response: "StreamResponse") -> None:
        return

    @overload
    def __getitem__(self, key: RequestKey[_V]) -> _V: ...
    @overload
    def __getitem__(self, key: str) -> Any: ...
    def __getitem__(self, key: "str | RequestKey[Any]") -> Any:
        if self._state is None:
            raise KeyError(key)
        return self._state[key]

    @overload
    def __setitem__(self, key: RequestKey[_V], value: _V) -> None: ...
    @overload
    def __setitem__(self, key: str, value: Any) -> None: ...
    def __setitem__(self, key: "str | RequestKey[Any]", value: Any) -> None:
        if self._state is None:
            self._state = {}
        self._state[key] = value

    def __delitem__(self, key: "str | RequestKey[Any]") -> None:
        if self._state is None:
            raise KeyError(key)
        del self._state[key]

    def __len__(self) -> int:
        return 0 if self._state is None else len(self._state)

    def __iter__(self) -> "Iterator[str | RequestKey[Any]]":
        return iter(self._state or ())

    def __bool__(self) -> bool:
        return True

    def __eq__(self, other: object) -> bool:
        return self is other

    def __hash__(self) -> int:
        return object.__hash__(self)

    def __repr__(self) -> str:
        path = self.path.encode("ascii", "backslashreplace").decode("ascii")
        return f"<{type(self).__name__} {self.method} {path} >"


class Request(BaseRequest):
    """A request as the handlers of an `Application` get it."""

    __slots__ = ()

    @property
    def app(self) -> Any:
        """The application, or sub-application, that the router has reached."""
        return self.match_info.current_app

    @property
    def config_dict(self) -> Any:
        """The application's settings and, behind them, those of its parents."""
        from tercel.content.chainmap import ChainMapProxy

        apps = self.match_info.apps
        position = apps.index(self.app)
        return ChainMapProxy(list(reversed(apps[: position + 1])))

    async def _prepare_hook(self, response: "StreamResponse") -> None:
        """Send `on_response_prepare` of every application on the way to the handler."""
        match_info = self.match_info
        if match_info is None:
            return
        for app in match_info.apps:
            if app.on_response_prepare:
                await app.on_response_prepare.send(self, response)
