"""The session: the way into the client, and what its requests have in common.

In: the arguments of the documentation (client_reference, "Client Session"). Out: answers.
Redirects, cookies, middlewares, tracing and the total timeout are put together here, from rooms of
their own. Owns its connector unless told otherwise; imported by the package's front door only.
"""

from __future__ import annotations

import asyncio
import json
import warnings
from collections.abc import Callable, Iterable, Sequence
from copy import copy
from types import TracebackType
from typing import TYPE_CHECKING, Any

from multidict import CIMultiDict
from yarl import URL

from tercel.client.answered import after_answer, check_status, release_body
from tercel.client.asking import STALE, PendingRequest, ask
from tercel.client.auth import BasicAuth
from tercel.client.connector import BaseConnector, TCPConnector
from tercel.client.cookies import CookieJar, own_cookies
from tercel.client.errors import ClientPayloadError, TooManyRedirects
from tercel.client.fields import DefaultFields
from tercel.client.middleware import ClientHandlerType, ClientMiddlewareType, chain_middlewares
from tercel.client.options import ClientTimeout, ReadOptions, Unset, sentinel
from tercel.client.pending import OneShotResponse
from tercel.client.plan import Plan, StatusCheck
from tercel.client.redirect import REDIRECTS, Hop, next_hop, same_origin
from tercel.client.request import ClientRequest
from tercel.client.response import ClientResponse
from tercel.client.retry import IDEMPOTENT, can_replay
from tercel.client.settings import check_base_url, merge_timeouts, place_of_caller
from tercel.client.shortcut import Ground
from tercel.client.target import Target, Targets, read_url
from tercel.client.timeout import Deadline, Deadlines
from tercel.client.wsconnect import OpensWebSockets
from tercel.content.payload import Payload
from tercel.wire.limits import FREE_INFLATION, MAX_INFLATION, Limits
from tercel.wire.version import HttpVersion, HttpVersion11

if TYPE_CHECKING:
    from tercel.client.tracing import Trace, TraceConfig

__all__ = ("ClientSession", "request")


class ClientSession(OpensWebSockets):
    """Makes requests that share connections, cookies and defaults.

    The arguments are those of the documentation; ours beside them: `proxy_headers`, the default
    for requests; `retry_stale`, False to never repeat an idempotent request whose kept connection
    turned out to be closed; `free_inflation`, octets that a decompressed body may always have
    (64 MiB), and `max_inflation`, how many times larger than it came it may grow beyond them (200;
    None: any), else reading it raises ClientPayloadError. RuntimeError without a running loop,
    ValueError for a `base_url` that is not absolute or whose path has no trailing slash.
    """

    _connector: BaseConnector | None = None
    _made_at = ""
    #: `_request` as it stands here: a subclass, or a test, may have another.
    _own_request: Any = None

    def __init__(
        self,
        base_url: str | URL | None = None,
        *,
        connector: BaseConnector | None = None,
        loop: asyncio.AbstractEventLoop | None = None,
        cookies: Any = None,
        headers: Any = None,
        proxy: str | URL | None = None,
        proxy_auth: BasicAuth | None = None,
        proxy_headers: Any = None,
        skip_auto_headers: Iterable[str] | None = None,
        auth: BasicAuth | None = None,
        json_serialize: Callable[[Any], str] = json.dumps,
        json_serialize_bytes: Callable[[Any], bytes] | None = None,
        request_class: type[ClientRequest] = ClientRequest,
        response_class: type[ClientResponse] = ClientResponse,
        ws_response_class: Any = None,
        version: HttpVersion = HttpVersion11,
        cookie_jar: Any = None,
        connector_owner: bool = True,
        raise_for_status: StatusCheck = False,
        read_timeout: float | Unset | None = sentinel,
        conn_timeout: float | None = None,
        timeout: ClientTimeout | float | Unset | None = sentinel,
        auto_decompress: bool = True,
        trust_env: bool = False,
        requote_redirect_url: bool = True,
        trace_configs: Sequence[TraceConfig] | None = None,
        read_bufsize: int = 2**18,
        max_line_size: int = 8190,
        max_field_size: int = 8190,
        max_headers: int = 128,
        fallback_charset_resolver: Callable[[ClientResponse, bytes], str] = lambda r, b: "utf-8",
        middlewares: Sequence[ClientMiddlewareType] = (),
        ssl_shutdown_timeout: float | Unset | None = sentinel,
        retry_stale: bool = True,
        free_inflation: int = FREE_INFLATION,
        max_inflation: int | None = MAX_INFLATION,
    ) -> None:
        if connector is None and loop is None:
            loop = asyncio.get_running_loop()
        self._base_url = check_base_url(base_url)
        self._timeout = merge_timeouts(timeout, read_timeout, conn_timeout)
        if ssl_shutdown_timeout is not sentinel:
            warnings.warn(
                "ssl_shutdown_timeout is deprecated: closing a session waits for its transports",
                DeprecationWarning,
                stacklevel=2,
            )
        if connector is None:
            connector = TCPConnector(loop=loop)
        self._loop: asyncio.AbstractEventLoop = connector._loop if loop is None else loop
        if connector._loop is not self._loop:
            raise RuntimeError("Session and connector have to use same event loop")
        self._made_at = place_of_caller()
        self._cookie_jar = CookieJar(loop=self._loop) if cookie_jar is None else cookie_jar
        if cookies:
            self._cookie_jar.update_cookies(cookies)
        self._connector_owner = connector_owner
        self._defaults = DefaultFields(CIMultiDict(headers or ()), skip_auto_headers or ())
        self._auth = auth
        self._version = version
        self._proxy = None if proxy is None or proxy == "" else read_url(proxy)
        self._proxy_auth = proxy_auth
        self._proxy_headers = proxy_headers
        self._json_serialize = json_serialize
        self._json_serialize_bytes = json_serialize_bytes
        self._raise_for_status: StatusCheck = raise_for_status
        self._trust_env = trust_env
        self._requote_redirect_url = requote_redirect_url
        self._request_class = request_class
        self._response_class = response_class
        self._ws_class = ws_response_class
        self._charset_of = fallback_charset_resolver
        self._middlewares = middlewares
        self._retry_stale = retry_stale
        self._trace_configs = list(trace_configs or ())
        for config in self._trace_configs:
            config.freeze()
        self._read = ReadOptions(
            decompress=auto_decompress,
            bufsize=read_bufsize,
            sock_read=self._timeout.sock_read or None,
            limits=Limits(max_line_size, max_field_size, max_headers),
            free_inflation=free_inflation,
            max_inflation=max_inflation,
        )
        self._targets = Targets(connector.allowed_protocol_schema_set)
        self._deadlines = Deadlines(self._loop)
        # Not before everything else has been taken: what fails until here leaves nothing to close.
        self._connector = connector
        self._sends_close = bool(connector.force_close)
        self._is_swift = (
            version == HttpVersion11
            and not self._sends_close
            and type(connector).connect is BaseConnector.connect
            and type(self)._send is ClientSession._send
        )
        self._ground = Ground(self, self._deadlines, self._is_swift)

    # --- requests ------------------------------------------------------------------------------

    def request(self, method: str, url: str | URL, **kwargs: Any) -> PendingRequest:
        """Make a request; see client_reference, "ClientSession.request", for the arguments."""
        return ask(self, method, url, kwargs)

    def get(self, url: str | URL, *, allow_redirects: bool = True, **kwargs: Any) -> PendingRequest:
        """Make a GET request."""
        kwargs["allow_redirects"] = allow_redirects
        return ask(self, "GET", url, kwargs)

    def options(
        self, url: str | URL, *, allow_redirects: bool = True, **kwargs: Any
    ) -> PendingRequest:
        """Make an OPTIONS request."""
        kwargs["allow_redirects"] = allow_redirects
        return ask(self, "OPTIONS", url, kwargs)

    def head(
        self, url: str | URL, *, allow_redirects: bool = False, **kwargs: Any
    ) -> PendingRequest:
        """Make a HEAD request; redirects are not followed unless asked for."""
        kwargs["allow_redirects"] = allow_redirects
        return ask(self, "HEAD", url, kwargs)

    def post(self, url: str | URL, *, data: Any = None, **kwargs: Any) -> PendingRequest:
        """Make a POST request."""
        kwargs["data"] = data
        return ask(self, "POST", url, kwargs)

    def put(self, url: str | URL, *, data: Any = None, **kwargs: Any) -> PendingRequest:
        """Make a PUT request."""
        kwargs["data"] = data
        return ask(self, "PUT", url, kwargs)

    def patch(self, url: str | URL, *, data: Any = None, **kwargs: Any) -> PendingRequest:
        """Make a PATCH request."""
        kwargs["data"] = data
        return ask(self, "PATCH", url, kwargs)

    def delete(self, url: str | URL, **kwargs: Any) -> PendingRequest:
        """Make a DELETE request."""
        return ask(self, "DELETE", url, kwargs)

    async def _request(self, method: str, url: str | URL, **kwargs: Any) -> ClientResponse:
        """What every request comes to; a subclass may do something before or after."""
        response: ClientResponse = await PendingRequest(self, method, url, kwargs)
        return response

    async def _finish(
        self, plan: Plan, first: ClientResponse | None, begun: float | None
    ) -> ClientResponse:
        """Make a request, or go on with one that was begun at `begun`, in the loop's time.

        `first` is its answer; without one it was sent in vain, and is sent for the last time.
        """
        timeout = plan.timeout
        deadline = None
        if timeout.total:
            deadline = self._deadlines.arm(timeout.total, timeout.ceil_threshold, begun)
        try:
            response = await self._follow(plan, first, begun is not None, deadline)
        except BaseException as error:
            await self._give_up(plan)
            if deadline is not None:
                is_ours = deadline.claims(error)
                deadline.disarm()
                if is_ours:
                    raise TimeoutError from error
            raise
        if plan.upload_tracker is not None:
            plan.upload_tracker.settle()
        after_answer(response, deadline)
        return response

    async def _follow(
        self,
        plan: Plan,
        first: ClientResponse | None,
        is_second: bool,
        deadline: Deadline | None,
    ) -> ClientResponse:
        """Send the request, unless `first` answers it, and again where an answer redirects."""
        traces = self._make_traces(plan) if self._trace_configs else []
        history: list[ClientResponse] = []
        while True:
            request = plan.make_request(traces)
            if not plan.is_plain:
                plan.request = request
            if traces and not history:
                for trace in traces:
                    await trace.send_request_start(
                        request.method, plan.target.original, request.headers
                    )
            try:
                if first is None:
                    response = await self._send_traced(plan, request, is_second)
                else:
                    response, first = first, None
                hop = self._heed(plan, request, response)
                if hop is None:
                    if history:
                        response._history = tuple(history)
                    if plan.raise_for_status is not False:
                        await check_status(response, plan.raise_for_status)
                    break
                history.append(response)
                for trace in traces:
                    await trace.send_request_redirect(
                        request.method, plan.target.original, request.headers, response
                    )
                self._check_hop(plan, hop, request, history)
            except BaseException as error:
                if not traces:
                    raise
                is_ours = deadline is not None and deadline.claims(error)
                told = TimeoutError() if is_ours else error
                for trace in traces:
                    await trace.send_request_exception(
                        request.method, plan.target.original, request.headers, told
                    )
                if is_ours:
                    raise told from error
                raise
            response.release()
            if plan.is_plain:
                plan = copy(plan)
            plan.follow(hop, request)
        for trace in traces:
            await trace.send_request_end(
                request.method, plan.target.original, request.headers, response
            )
        if request.body:
            await release_body(request, response)
        return response

    def _make_traces(self, plan: Plan) -> list[Trace]:
        from tercel.client.tracing import Trace

        return [
            Trace(self, config, config.trace_config_ctx(trace_request_ctx=plan.trace_request_ctx))
            for config in self._trace_configs
        ]

    async def _send_traced(
        self, plan: Plan, request: ClientRequest, is_second: bool
    ) -> ClientResponse:
        """One answer, by way of the middlewares; asked for once more on a stale connection."""
        handler: ClientHandlerType = self._send
        if plan.middlewares:
            handler = chain_middlewares(handler, plan.middlewares)
        try:
            return await handler(request)
        except STALE:
            if not (request.was_reused and self._retry_stale and request.method in IDEMPOTENT):
                raise
            if is_second or not can_replay(request):
                raise
            request.was_reused = False
            return await handler(request)

    def _heed(self, plan: Plan, request: ClientRequest, response: ClientResponse) -> Hop | None:
        """Keep an answer's cookies; where it redirects to."""
        if getattr(response, "_exchange", None) is None:
            return None  # a middleware's own object
        cookies = response.cookie_fields
        if cookies:
            self._cookie_jar.update_cookies_from_headers(cookies, response.url)
        if response.status not in REDIRECTS or not plan.allow_redirects:
            return None
        try:
            return next_hop(
                request.method,
                request.original_url,
                response.status,
                response.headers,
                requote=self._requote_redirect_url,
            )
        except BaseException:
            response.close()
            raise

    def _check_hop(
        self, plan: Plan, hop: Hop, request: ClientRequest, history: list[ClientResponse]
    ) -> None:
        """Refuse a hop too many, and one whose body can't be sent once more."""
        response = history[-1]
        if plan.max_redirects and len(history) >= plan.max_redirects:
            response.close()
            raise TooManyRedirects(history[0].request_info, tuple(history))
        if not hop.drops_body and not can_replay(request):
            response.close()
            raise ClientPayloadError(
                "Cannot follow redirect with a consumed request body. Use bytes, a seekable "
                "file-like object, or set allow_redirects=False."
            )

    async def _send(self, request: ClientRequest) -> ClientResponse:
        """Send a request once."""
        connector = self._connector
        if connector is None:
            raise RuntimeError("Session is closed")
        connection = await connector.connect(request, request.traces, request.timeout)
        protocol = connection.protocol
        request.was_reused = protocol is not None and protocol.exchanges > 0
        return await request.send(connection)

    async def _give_up(self, plan: Plan) -> None:
        """The request has failed: release its body."""
        tracker = plan.upload_tracker
        if tracker is not None:
            tracker.fail(None)
            tracker.settle()
        if plan.request is not None and isinstance(plan.request.body, Payload):
            await plan.request.body.close()

    def _build_url(self, url: str | URL) -> URL:
        given = read_url(url)
        return given if self._base_url is None else self._base_url.join(given)

    def _find_target(self, url: str | URL, params: Any) -> Target:
        if params or self._base_url is not None:
            given = self._build_url(url)
            url = given.extend_query(params) if params else given
        return self._targets.find(url)

    def _prepare_headers(self, headers: Any) -> CIMultiDict[str]:
        """The session's fields with those of a call. Nobody documents it; caches key by it."""
        return self._defaults.merge(headers)

    def _shares_origin(self, url: URL) -> bool:
        """True if the session's own credentials may go to `url`."""
        return self._base_url is None or same_origin(self._base_url, url)

    def _cookies_for(self, url: URL, own: Any) -> Any:
        """The jar's cookies for `url` with those of the call, or None."""
        jar = self._cookie_jar
        found = jar.filter_cookies(url) if len(jar) else None
        if not own:
            return found or None
        merged = dict(found.items()) if found else {}
        merged.update(own_cookies(own, url, getattr(jar, "quote_cookie", True)))
        return merged

    # --- the session's life --------------------------------------------------------------------

    async def close(self) -> None:
        """Close the connector, if it is the session's own, and wait until its transports are."""
        connector, self._connector = self._connector, None
        if connector is not None:
            if self._connector_owner:
                await connector.close()
            self._deadlines.close()

    def detach(self) -> None:
        """Let go of the connector without closing it; the session is closed from then on."""
        self._connector = None

    async def __aenter__(self) -> ClientSession:
        return self

    async def __aexit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        await self.close()

    def __del__(self) -> None:
        if self._connector is not None and not self._connector.closed and self._connector_owner:
            warnings.warn(
                f"Unclosed client session {self!r}, made at {self._made_at}",
                ResourceWarning,
                stacklevel=2,
                source=self,
            )
            self._connector.close()  # so that it does not warn as well

    # --- what was asked for --------------------------------------------------------------------

    @property
    def closed(self) -> bool:
        """True once the session, or its connector, is closed."""
        return self._connector is None or self._connector.closed

    @property
    def connector(self) -> BaseConnector | None:
        """The connector, None once the session is closed."""
        return self._connector

    @property
    def cookie_jar(self) -> Any:
        """The cookies."""
        return self._cookie_jar

    @property
    def version(self) -> HttpVersion:
        """The HTTP version of requests."""
        return self._version

    @property
    def requote_redirect_url(self) -> bool:
        """True if the URLs of redirects are requoted. Setting it is deprecated."""
        return self._requote_redirect_url

    @requote_redirect_url.setter
    def requote_redirect_url(self, value: bool) -> None:
        warnings.warn(
            "session.requote_redirect_url modification is deprecated",
            DeprecationWarning,
            stacklevel=2,
        )
        self._requote_redirect_url = value

    @property
    def loop(self) -> asyncio.AbstractEventLoop:
        """The loop. Deprecated."""
        warnings.warn("client.loop property is deprecated", DeprecationWarning, stacklevel=2)
        return self._loop

    @property
    def timeout(self) -> ClientTimeout:
        """The default timeouts."""
        return self._timeout

    @property
    def headers(self) -> CIMultiDict[str]:
        """The default fields; may be changed."""
        return self._defaults.headers

    @property
    def skip_auto_headers(self) -> frozenset[str]:
        """Names of the fields that are not generated."""
        return self._defaults.skip

    @property
    def auth(self) -> BasicAuth | None:
        """The default credentials."""
        return self._auth

    @property
    def json_serialize(self) -> Callable[[Any], str]:
        """What turns `json=` into text."""
        return self._json_serialize

    @property
    def connector_owner(self) -> bool:
        """True if closing the session closes the connector."""
        return self._connector_owner

    @property
    def raise_for_status(self) -> StatusCheck:
        """What is done about statuses of 400 and more."""
        return self._raise_for_status

    @property
    def auto_decompress(self) -> bool:
        """True if bodies are decompressed."""
        return self._read.decompress

    @property
    def trust_env(self) -> bool:
        """True if proxies and credentials are taken from the environment."""
        return self._trust_env

    @property
    def trace_configs(self) -> list[TraceConfig]:
        """The receivers of tracing signals."""
        return self._trace_configs


ClientSession._own_request = staticmethod(ClientSession._request)


def request(
    method: str,
    url: str | URL,
    *,
    version: HttpVersion = HttpVersion11,
    connector: BaseConnector | None = None,
    loop: asyncio.AbstractEventLoop | None = None,
    **kwargs: Any,
) -> OneShotResponse:
    """Make one request with a session of its own (client_reference, "Basic API").

    An async context manager; the session is closed at its end, the connector too unless it was
    given.
    """
    is_owner = connector is None
    if connector is None:
        connector = TCPConnector(loop=loop, force_close=True)
    session = ClientSession(
        loop=loop,
        cookies=kwargs.pop("cookies", None),
        version=version,
        timeout=kwargs.pop("timeout", sentinel),
        connector=connector,
        connector_owner=is_owner,
    )
    return OneShotResponse(session._request(method, url, **kwargs), session)
