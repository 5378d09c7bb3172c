"""What one call of the session asks for, with the session's defaults worked in.

In: the arguments of `ClientSession.request`. Out: a `Plan` that makes the request, and the next
one where a redirect leads on. Every documented argument is read here and nowhere else.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from multidict import CIMultiDict
from yarl import URL

from tercel.client.auth import BasicAuth, find_netrc_auth
from tercel.client.environment import find_environment_proxy, split_credentials
from tercel.client.fields import DefaultFields
from tercel.client.informational import InformationalResponse
from tercel.client.middleware import ClientMiddlewareType
from tercel.client.options import (
    ClientTimeout,
    ReadOptions,
    RequestInfo,
    Unset,
    sentinel,
    timeout_of,
)
from tercel.client.redirect import Hop, same_origin, strip_fields
from tercel.client.request import ClientRequest
from tercel.client.response import ClientResponse
from tercel.client.send import UploadTracker
from tercel.client.target import Target, read_url
from tercel.client.trust import merge_trust
from tercel.content.payload import BytesPayload, JsonPayload
from tercel.wire.limits import Limits
from tercel.wire.octets import is_token
from tercel.wire.trailers import check_trailers

if TYPE_CHECKING:
    from tercel.client.tracing import Trace

__all__ = ("Plan", "StatusCheck")

Trailers = Mapping[str, str] | Iterable[tuple[str, str]]
StatusCheck = bool | Callable[[ClientResponse], Awaitable[None]]


class Plan:
    """One call of `ClientSession.request` (client_reference); see there for the arguments.

    Ours beside them: `trailers`, a mapping (or pairs) of fields to send after the body, which makes
    it chunked; it is read again when the body is sent, so that it may be filled until then.
    `on_informational`, called with each `InformationalResponse` (103 Early Hints and other 1xx) the
    moment it comes; what it raises ends the request. TypeError for an argument that doesn't exist,
    ValueError for two that exclude each other.
    """

    __slots__ = (
        "allow_redirects",
        "auth",
        "chunked",
        "compress",
        "cookies",
        "data",
        "defaults",
        "expect100",
        "headers",
        "is_plain",
        "is_swift",
        "max_redirects",
        "method",
        "middlewares",
        "on_informational",
        "proxy",
        "proxy_auth",
        "proxy_headers",
        "raise_for_status",
        "read",
        "request",
        "server_hostname",
        "session",
        "skip_auto_headers",
        "ssl",
        "target",
        "timeout",
        "trace_request_ctx",
        "trailers",
        "trust_env",
        "upgrades",
        "upload_tracker",
        "way",
    )

    def __init__(
        self,
        session: Any,
        method: str,
        url: str | URL,
        *,
        params: Any = None,
        data: Any = None,
        json: Any = None,
        cookies: Any = None,
        headers: Any = None,
        skip_auto_headers: Iterable[str] | None = None,
        auth: BasicAuth | None = None,
        allow_redirects: bool = True,
        max_redirects: int = 10,
        compress: str | bool | None = None,
        chunked: bool | None = None,
        expect100: bool = False,
        raise_for_status: StatusCheck | None = None,
        read_until_eof: bool = True,
        proxy: str | URL | None = None,
        proxy_auth: BasicAuth | None = None,
        timeout: ClientTimeout | float | Unset | None = sentinel,
        verify_ssl: bool | None = None,
        fingerprint: bytes | None = None,
        ssl_context: Any = None,
        ssl: Any = True,
        server_hostname: str | None = None,
        proxy_headers: Any = None,
        trace_request_ctx: Any = None,
        read_bufsize: int | None = None,
        auto_decompress: bool | None = None,
        max_line_size: int | None = None,
        max_field_size: int | None = None,
        max_headers: int | None = None,
        middlewares: Sequence[ClientMiddlewareType] | None = None,
        upload_tracker: UploadTracker | None = None,
        trust_env: bool | None = None,
        trailers: Trailers | None = None,
        on_informational: Callable[[InformationalResponse], object] | None = None,
        upgrades: bool = False,
    ) -> None:
        self.session = session
        self.upgrades = upgrades
        self.method = method
        if ssl is not True or verify_ssl is not None or fingerprint is not None or ssl_context:
            ssl = merge_trust(ssl, verify_ssl, ssl_context, fingerprint)
        self.ssl = ssl
        self.data = data if json is None else _json_body(session, data, json)
        self.cookies = cookies
        self.headers = headers
        self.skip_auto_headers = skip_auto_headers
        self.allow_redirects = allow_redirects
        self.max_redirects = max_redirects
        # Of nothing, no coding makes a body that decodes to nothing.
        self.compress = compress if data or json is not None else None
        self.chunked = chunked if trailers is None else True
        self.expect100 = expect100
        self.raise_for_status: StatusCheck = (
            session.raise_for_status if raise_for_status is None else raise_for_status
        )
        self.proxy = session._proxy if proxy is None else read_url(proxy) if proxy != "" else None
        self.proxy_auth = self._find_proxy_auth(proxy_auth)
        self.proxy_headers = session._proxy_headers if proxy_headers is None else proxy_headers
        self.timeout = timeout_of(timeout, session.timeout)
        self.server_hostname = server_hostname
        self.trace_request_ctx = trace_request_ctx
        self.middlewares = session._middlewares if middlewares is None else middlewares
        self.upload_tracker = upload_tracker
        self.trailers = None if trailers is None else _take_trailers(trailers)
        self.on_informational = on_informational
        self.trust_env = session.trust_env if trust_env is None else trust_env
        self.read = _read_options(
            session._read,
            self.timeout.sock_read or None,
            read_until_eof,
            read_bufsize,
            auto_decompress,
            (max_line_size, max_field_size, max_headers),
        )
        self.defaults: DefaultFields = session._defaults
        self.target: Target = session._find_target(url, params)
        self.auth = self._find_auth(auth)
        if upload_tracker is not None:
            upload_tracker.take()
        self.is_plain = self._is_plain()
        if self.is_plain:
            self.method = method.upper()
        # The head can be written at once, and nothing of its own is to be done about the answer.
        self.is_swift: bool = (
            self.is_plain
            and not self.middlewares
            and self.raise_for_status is False
            and self.method != "CONNECT"
            and (not self.timeout.total or self.timeout.total >= self.timeout.ceil_threshold)
            and session._is_swift
        )
        self.request: ClientRequest | None = None
        #: The short way's, once it was asked for.
        self.way: Any = None

    def _is_plain(self) -> bool:
        """True if a head without anything of its own is all that is to be sent."""
        own = (self.data, self.cookies, self.headers, self.skip_auto_headers, self.auth)
        way = (self.proxy, self.server_hostname, self.upload_tracker, self.on_informational)
        return (
            own == (None,) * 5
            and way == (None,) * 4
            and not (self.compress or self.chunked or self.expect100 or self.trust_env)
            and self.ssl is True
            and self.session._request_class is ClientRequest
            and is_token(self.method.encode("utf-8", "surrogateescape"))
        )

    @property
    def request_info(self) -> RequestInfo:
        """The request as answers and errors tell of it; of a plain plan."""
        return ClientRequest.plain(self.method, self.target, self.session, ()).sent_info

    def _find_auth(self, auth: BasicAuth | None) -> BasicAuth | None:
        """Credentials of the call, the URL, the session or the netrc file, in this order."""
        target = self.target
        if target.login is not None or target.password is not None:
            if auth is not None:
                raise ValueError("Cannot combine AUTH argument with credentials encoded in URL")
            return BasicAuth(target.login or "", target.password or "")
        if auth is not None:
            return _check_auth("auth", auth)
        session = self.session
        if session.auth is not None and session._shares_origin(target.url):
            return _check_auth("auth", session.auth)
        return self._find_netrc_auth()

    def _find_proxy_auth(self, proxy_auth: BasicAuth | None) -> BasicAuth | None:
        """Credentials of the call, else the session's; never the session's for another proxy."""
        if proxy_auth is not None:
            return _check_auth("proxy_auth", proxy_auth)
        session = self.session
        if self.proxy is not session._proxy and session._proxy is not None:
            if self.proxy is None or not same_origin(self.proxy, session._proxy):
                return None
        found: BasicAuth | None = session._proxy_auth
        return None if found is None else _check_auth("proxy_auth", found)

    def _find_netrc_auth(self) -> BasicAuth | None:
        if not self.trust_env or self._has_authorization():
            return None
        found: BasicAuth | None = find_netrc_auth(self.target.host)
        return found

    def _has_authorization(self) -> bool:
        headers = self.headers
        if headers and "Authorization" in CIMultiDict(headers):
            return True
        return "Authorization" in self.defaults.headers

    def make_request(self, traces: Sequence[Trace]) -> ClientRequest:
        """The request, with the jar's cookies and the proxy of the environment."""
        session = self.session
        target = self.target
        if self.is_plain and not len(session._cookie_jar):
            request = ClientRequest.plain(self.method, target, session, traces)
            request.read_options = self.read
            request.timeout = self.timeout
            request.sends_close = session._sends_close
            return request
        cookies = session._cookies_for(target.url, self.cookies)
        proxy, proxy_auth = self.proxy, self.proxy_auth
        if proxy is None and self.trust_env:
            proxy, proxy_auth = find_environment_proxy(target.url)
        elif proxy is not None:
            proxy, found = split_credentials(proxy)
            proxy_auth = proxy_auth or found
        own: dict[str, Any] = {"target": target, "defaults": self.defaults}
        headers = self.headers
        if session._request_class is not ClientRequest:
            own = {}
            headers = self.defaults.merge(headers)
        make: type[ClientRequest] = session._request_class
        request = make(
            self.method,
            target.original,
            headers=headers,
            skip_auto_headers=self.skip_auto_headers,
            data=self.data,
            cookies=cookies,
            auth=self.auth,
            version=session.version,
            compress=self.compress,
            chunked=self.chunked,
            expect100=self.expect100,
            loop=session._loop,
            response_class=session._response_class,
            proxy=proxy,
            proxy_auth=proxy_auth,
            session=session,
            ssl=self.ssl,
            proxy_headers=self.proxy_headers,
            traces=traces,
            trust_env=self.trust_env,
            server_hostname=self.server_hostname,
            **own,
        )
        request.read_options = self.read
        request.timeout = self.timeout
        request.upload_tracker = self.upload_tracker
        request.trailers = self.trailers
        request.on_informational = self.on_informational
        request.allows_upgrade = self.upgrades
        request.sends_close = session._sends_close
        return request

    def follow(self, hop: Hop, request: ClientRequest) -> None:
        """Go on to where a redirect leads; `request` is the one that was redirected."""
        self.is_plain = False
        self.method = hop.method
        self.target = Target(hop.url)
        headers = CIMultiDict(self.headers or ())
        strip_fields(headers, hop)
        self.headers = headers
        if hop.drops_body:
            self.data = None
            self.trailers = None
            self.chunked = None
            self.compress = None
            self.expect100 = False
        elif self.data is not None:
            self.data = request.body
        if hop.drops_secrets:
            self.defaults = self.defaults.without_secrets()
            self.cookies = None
            self.auth = self._find_netrc_auth()
        if self.target.login is not None:
            self.auth = BasicAuth(self.target.login, self.target.password or "")


# Who misspells an argument called the session, not this class.
Plan.__init__.__qualname__ = "ClientSession.request"


def _check_auth(name: str, value: Any) -> BasicAuth:
    if not isinstance(value, BasicAuth):
        raise TypeError(f"{name} is {value!r}, expected BasicAuth")
    return value


def _take_trailers(trailers: Trailers) -> Mapping[str, str]:
    """The mapping that the caller may go on to fill."""
    found = trailers if isinstance(trailers, Mapping) else CIMultiDict(trailers)
    check_trailers(found)
    return found


def _json_body(session: Any, data: Any, json: Any) -> Any:
    if data is not None:
        raise ValueError("data and json parameters can not be used at the same time")
    if session._json_serialize_bytes is not None:
        return BytesPayload(session._json_serialize_bytes(json), content_type="application/json")
    return JsonPayload(json, dumps=session.json_serialize)


def _read_options(
    default: ReadOptions,
    sock_read: float | None,
    until_eof: bool,
    bufsize: int | None,
    decompress: bool | None,
    limits: tuple[int | None, int | None, int | None],
) -> ReadOptions:
    """The session's way of reading with what one call changes; the same object if nothing does."""
    if (
        sock_read == default.sock_read
        and until_eof
        and bufsize is None
        and decompress is None
        and limits == (None, None, None)
    ):
        return default
    line, field, count = limits
    old = default.limits
    return ReadOptions(
        until_eof=until_eof,
        decompress=default.decompress if decompress is None else decompress,
        bufsize=default.bufsize if bufsize is None else bufsize,
        sock_read=sock_read,
        limits=old
        if limits == (None, None, None)
        else Limits(
            max_line_size=old.max_line_size if line is None else line,
            max_field_size=old.max_field_size if field is None else field,
            max_headers=old.max_headers if count is None else count,
        ),
        free_inflation=default.free_inflation,
        max_inflation=default.max_inflation,
    )
