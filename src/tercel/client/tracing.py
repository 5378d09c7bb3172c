"""Tracing: signals along the way of a request, and the facts that each of them carries.

In: receivers appended to a `TraceConfig`. Out: `Trace`, one config bound to one request, whose
`send_*` coroutines the session and the connector await; an event without receivers costs one
comparison (tracing_reference).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import SimpleNamespace
from typing import Any, TypeVar

from aiosignal import Signal
from multidict import CIMultiDict
from yarl import URL

__all__ = (
    "Trace",
    "TraceConfig",
    "TraceConnectionCreateEndParams",
    "TraceConnectionCreateStartParams",
    "TraceConnectionQueuedEndParams",
    "TraceConnectionQueuedStartParams",
    "TraceConnectionReuseconnParams",
    "TraceDnsCacheHitParams",
    "TraceDnsCacheMissParams",
    "TraceDnsResolveHostEndParams",
    "TraceDnsResolveHostStartParams",
    "TraceRequestChunkSentParams",
    "TraceRequestEndParams",
    "TraceRequestExceptionParams",
    "TraceRequestHeadersSentParams",
    "TraceRequestRedirectParams",
    "TraceRequestStartParams",
    "TraceResponseChunkReceivedParams",
)


@dataclass(frozen=True, slots=True)
class TraceRequestStartParams:
    """A request starts; `headers` may be changed."""

    method: str
    url: URL
    headers: CIMultiDict[str]


@dataclass(frozen=True, slots=True)
class TraceRequestChunkSentParams:
    """A piece of a request's body was sent."""

    method: str
    url: URL
    chunk: bytes


@dataclass(frozen=True, slots=True)
class TraceResponseChunkReceivedParams:
    """A piece of an answer's body was read."""

    method: str
    url: URL
    chunk: bytes


@dataclass(frozen=True, slots=True)
class TraceRequestEndParams:
    """A request has its answer."""

    method: str
    url: URL
    headers: CIMultiDict[str]
    response: Any


@dataclass(frozen=True, slots=True)
class TraceRequestExceptionParams:
    """A request ended with an exception."""

    method: str
    url: URL
    headers: CIMultiDict[str]
    exception: BaseException


@dataclass(frozen=True, slots=True)
class TraceRequestRedirectParams:
    """An answer redirects to another place."""

    method: str
    url: URL
    headers: CIMultiDict[str]
    response: Any


@dataclass(frozen=True, slots=True)
class TraceConnectionQueuedStartParams:
    """A request waits for a free connection."""


@dataclass(frozen=True, slots=True)
class TraceConnectionQueuedEndParams:
    """A request that waited has its turn."""


@dataclass(frozen=True, slots=True)
class TraceConnectionCreateStartParams:
    """A new connection is being made."""


@dataclass(frozen=True, slots=True)
class TraceConnectionCreateEndParams:
    """A new connection was made."""


@dataclass(frozen=True, slots=True)
class TraceConnectionReuseconnParams:
    """A connection of the pool is used."""


@dataclass(frozen=True, slots=True)
class TraceDnsResolveHostStartParams:
    """A host name is being resolved."""

    host: str


@dataclass(frozen=True, slots=True)
class TraceDnsResolveHostEndParams:
    """A host name was resolved."""

    host: str


@dataclass(frozen=True, slots=True)
class TraceDnsCacheHitParams:
    """The addresses of a host were in the cache."""

    host: str


@dataclass(frozen=True, slots=True)
class TraceDnsCacheMissParams:
    """The addresses of a host were not in the cache."""

    host: str


@dataclass(frozen=True, slots=True)
class TraceRequestHeadersSentParams:
    """The head of a request was sent."""

    method: str
    url: URL
    headers: CIMultiDict[str]


_T = TypeVar("_T")
_Sig = Signal[Any, Any, _T]


class TraceConfig:
    """The receivers of one kind of tracing; given to a session, which freezes it.

    A receiver is `async def f(session, context, params)`. `trace_config_ctx_factory` makes the
    context of each request; it is called with `trace_request_ctx=...`.
    """

    def __init__(self, trace_config_ctx_factory: Callable[..., Any] = SimpleNamespace) -> None:
        self._trace_config_ctx_factory = trace_config_ctx_factory
        self._on_request_start: _Sig[TraceRequestStartParams] = Signal(self)
        self._on_request_chunk_sent: _Sig[TraceRequestChunkSentParams] = Signal(self)
        self._on_response_chunk_received: _Sig[TraceResponseChunkReceivedParams] = Signal(self)
        self._on_request_end: _Sig[TraceRequestEndParams] = Signal(self)
        self._on_request_exception: _Sig[TraceRequestExceptionParams] = Signal(self)
        self._on_request_redirect: _Sig[TraceRequestRedirectParams] = Signal(self)
        self._on_connection_queued_start: _Sig[TraceConnectionQueuedStartParams] = Signal(self)
        self._on_connection_queued_end: _Sig[TraceConnectionQueuedEndParams] = Signal(self)
        self._on_connection_create_start: _Sig[TraceConnectionCreateStartParams] = Signal(self)
        self._on_connection_create_end: _Sig[TraceConnectionCreateEndParams] = Signal(self)
        self._on_connection_reuseconn: _Sig[TraceConnectionReuseconnParams] = Signal(self)
        self._on_dns_resolvehost_start: _Sig[TraceDnsResolveHostStartParams] = Signal(self)
        self._on_dns_resolvehost_end: _Sig[TraceDnsResolveHostEndParams] = Signal(self)
        self._on_dns_cache_hit: _Sig[TraceDnsCacheHitParams] = Signal(self)
        self._on_dns_cache_miss: _Sig[TraceDnsCacheMissParams] = Signal(self)
        self._on_request_headers_sent: _Sig[TraceRequestHeadersSentParams] = Signal(self)

    def trace_config_ctx(self, trace_request_ctx: Mapping[str, Any] | Any = None) -> Any:
        """A new context, for one request."""
        return self._trace_config_ctx_factory(trace_request_ctx=trace_request_ctx)

    def freeze(self) -> None:
        """Accept no more receivers."""
        for value in vars(self).values():
            if isinstance(value, Signal):
                value.freeze()

    @property
    def on_request_start(self) -> _Sig[TraceRequestStartParams]:
        return self._on_request_start

    @property
    def on_request_chunk_sent(self) -> _Sig[TraceRequestChunkSentParams]:
        return self._on_request_chunk_sent

    @property
    def on_response_chunk_received(self) -> _Sig[TraceResponseChunkReceivedParams]:
        return self._on_response_chunk_received

    @property
    def on_request_end(self) -> _Sig[TraceRequestEndParams]:
        return self._on_request_end

    @property
    def on_request_exception(self) -> _Sig[TraceRequestExceptionParams]:
        return self._on_request_exception

    @property
    def on_request_redirect(self) -> _Sig[TraceRequestRedirectParams]:
        return self._on_request_redirect

    @property
    def on_connection_queued_start(self) -> _Sig[TraceConnectionQueuedStartParams]:
        return self._on_connection_queued_start

    @property
    def on_connection_queued_end(self) -> _Sig[TraceConnectionQueuedEndParams]:
        return self._on_connection_queued_end

    @property
    def on_connection_create_start(self) -> _Sig[TraceConnectionCreateStartParams]:
        return self._on_connection_create_start

    @property
    def on_connection_create_end(self) -> _Sig[TraceConnectionCreateEndParams]:
        return self._on_connection_create_end

    @property
    def on_connection_reuseconn(self) -> _Sig[TraceConnectionReuseconnParams]:
        return self._on_connection_reuseconn

    @property
    def on_dns_resolvehost_start(self) -> _Sig[TraceDnsResolveHostStartParams]:
        return self._on_dns_resolvehost_start

    @property
    def on_dns_resolvehost_end(self) -> _Sig[TraceDnsResolveHostEndParams]:
        return self._on_dns_resolvehost_end

    @property
    def on_dns_cache_hit(self) -> _Sig[TraceDnsCacheHitParams]:
        return self._on_dns_cache_hit

    @property
    def on_dns_cache_miss(self) -> _Sig[TraceDnsCacheMissParams]:
        return self._on_dns_cache_miss

    @property
    def on_request_headers_sent(self) -> _Sig[TraceRequestHeadersSentParams]:
        return self._on_request_headers_sent


class Trace:
    """One config bound to one request: what the rooms of the client send to."""

    __slots__ = ("_config", "_context", "_session")

    def __init__(self, session: Any, trace_config: TraceConfig, trace_config_ctx: Any) -> None:
        self._config = trace_config
        self._session = session
        self._context = trace_config_ctx

    async def _send(self, signal: Signal[Any, Any, Any], params: Any) -> None:
        await signal.send(self._session, self._context, params)

    async def send_request_start(self, method: str, url: URL, headers: CIMultiDict[str]) -> None:
        if self._config._on_request_start:
            params = TraceRequestStartParams(method, url, headers)
            await self._send(self._config._on_request_start, params)

    async def send_request_chunk_sent(self, method: str, url: URL, chunk: bytes) -> None:
        if self._config._on_request_chunk_sent:
            params = TraceRequestChunkSentParams(method, url, chunk)
            await self._send(self._config._on_request_chunk_sent, params)

    async def send_response_chunk_received(self, method: str, url: URL, chunk: bytes) -> None:
        if self._config._on_response_chunk_received:
            params = TraceResponseChunkReceivedParams(method, url, chunk)
            await self._send(self._config._on_response_chunk_received, params)

    async def send_request_end(
        self, method: str, url: URL, headers: CIMultiDict[str], response: Any
    ) -> None:
        if self._config._on_request_end:
            params = TraceRequestEndParams(method, url, headers, response)
            await self._send(self._config._on_request_end, params)

    async def send_request_exception(
        self, method: str, url: URL, headers: CIMultiDict[str], exception: BaseException
    ) -> None:
        if self._config._on_request_exception:
            params = TraceRequestExceptionParams(method, url, headers, exception)
            await self._send(self._config._on_request_exception, params)

    async def send_request_redirect(
        self, method: str, url: URL, headers: CIMultiDict[str], response: Any
    ) -> None:
        if self._config._on_request_redirect:
            params = TraceRequestRedirectParams(method, url, headers, response)
            await self._send(self._config._on_request_redirect, params)

    async def send_request_headers(self, method: str, url: URL, headers: CIMultiDict[str]) -> None:
        if self._config._on_request_headers_sent:
            params = TraceRequestHeadersSentParams(method, url, headers)
            await self._send(self._config._on_request_headers_sent, params)

    async def send_connection_queued_start(self) -> None:
        if self._config._on_connection_queued_start:
            signal = self._config._on_connection_queued_start
            await self._send(signal, TraceConnectionQueuedStartParams())

    async def send_connection_queued_end(self) -> None:
        if self._config._on_connection_queued_end:
            signal = self._config._on_connection_queued_end
            await self._send(signal, TraceConnectionQueuedEndParams())

    async def send_connection_create_start(self) -> None:
        if self._config._on_connection_create_start:
            signal = self._config._on_connection_create_start
            await self._send(signal, TraceConnectionCreateStartParams())

    async def send_connection_create_end(self) -> None:
        if self._config._on_connection_create_end:
            signal = self._config._on_connection_create_end
            await self._send(signal, TraceConnectionCreateEndParams())

    async def send_connection_reuseconn(self) -> None:
        if self._config._on_connection_reuseconn:
            signal = self._config._on_connection_reuseconn
            await self._send(signal, TraceConnectionReuseconnParams())

    async def send_dns_resolvehost_start(self, host: str) -> None:
        if self._config._on_dns_resolvehost_start:
            signal = self._config._on_dns_resolvehost_start
            await self._send(signal, TraceDnsResolveHostStartParams(host))

    async def send_dns_resolvehost_end(self, host: str) -> None:
        if self._config._on_dns_resolvehost_end:
            signal = self._config._on_dns_resolvehost_end
            await self._send(signal, TraceDnsResolveHostEndParams(host))

    async def send_dns_cache_hit(self, host: str) -> None:
        if self._config._on_dns_cache_hit:
            await self._send(self._config._on_dns_cache_hit, TraceDnsCacheHitParams(host))

    async def send_dns_cache_miss(self, host: str) -> None:
        if self._config._on_dns_cache_miss:
            await self._send(self._config._on_dns_cache_miss, TraceDnsCacheMissParams(host))
