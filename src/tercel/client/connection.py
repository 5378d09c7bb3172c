"""What a connector lends, and what every connector has: the pool put to work on an event loop.

In: requests that name a `ConnectionKey`. Out: `Connection`s, to be released or closed. Carries
out what `pool` decides; subclasses say in `_create_connection` how a transport is made. Whatever
fails or is cancelled gives its place back; `close()` can be awaited until every transport is
gone.
"""

from __future__ import annotations

import asyncio
import ssl
import sys
import traceback
import warnings
import weakref
from collections.abc import Awaitable, Callable, Coroutine, Generator, Iterator, Sequence
from contextlib import contextmanager
from types import TracebackType
from typing import TYPE_CHECKING, Any

from tercel.client.buffered import BufferedClient
from tercel.client.errors import (
    ClientConnectionError,
    ClientConnectorCertificateError,
    ClientConnectorError,
    ClientConnectorSSLError,
    ClientError,
    ConnectionTimeoutError,
)
from tercel.client.exchange import ROOM, ClientProtocol, Exchange
from tercel.client.options import ClientTimeout, Unset, sentinel
from tercel.client.pool import Claim, ConnectionKey, ConnectorStats, Pool
from tercel.client.timeout import ceiled

if TYPE_CHECKING:
    from tercel.client.tracing import Trace

__all__ = ("BaseConnector", "Connection", "told_as")

_KEEPALIVE = 15.0
#: Seconds that plain transports may take to send what was written before the connector was closed.
_FLUSH_TIMEOUT = 2.0
#: Seconds in which the event loop tells of an aborted transport.
_ABORT_TIMEOUT = 1.0
#: Seconds after which `enable_cleanup_closed` aborts a TLS transport that doesn't end.
_CLEANUP_TIMEOUT = 2.0


@contextmanager
def told_as(key: Any, failure: Callable[[Any, OSError], ClientConnectorError]) -> Iterator[None]:
    """Tell errors of TLS as the documented exceptions, those of sockets as `failure`."""
    try:
        yield
    except ClientError:
        raise
    except ssl.CertificateError as error:
        raise ClientConnectorCertificateError(key, error) from error
    except ssl.SSLError as error:
        raise ClientConnectorSSLError(key, error) from error
    except OSError as error:
        raise failure(key, error) from error


def _place_of_maker(debug: bool) -> str:
    """Where the first caller outside of this package stands; in debug mode the whole way there."""
    frame = sys._getframe(1)
    while frame.f_back is not None and frame.f_globals.get("__name__", "").startswith("tercel."):
        frame = frame.f_back
    place = f"{frame.f_code.co_filename}:{frame.f_lineno}"
    if debug:
        place += "\n" + "".join(traceback.format_stack(frame))
    return place


def _speaks_tls(transport: asyncio.Transport) -> bool:
    try:
        return transport.get_extra_info("sslcontext") is not None
    except AttributeError:
        return True  # asyncio's TLS transport forgets everything when it is closed twice


class Connection:
    """One connection, lent to one request (client_reference, "Connection").

    `protocol` and `transport` are None once it was given back. Calling `release` or `close` again
    is harmless.
    """

    __slots__ = ("_callbacks", "_claim", "_connector", "_protocol")

    def __init__(self, connector: BaseConnector, claim: Claim, protocol: ClientProtocol) -> None:
        self._connector = connector
        self._claim = claim
        self._protocol: ClientProtocol | None = protocol
        self._callbacks: list[Callable[[], None]] | None = None

    def __repr__(self) -> str:
        return f"<Connection {self._claim.key}>"

    def __del__(self) -> None:
        protocol = getattr(self, "_protocol", None)
        if protocol is not None and not self._connector._loop.is_closed():
            warnings.warn(f"Unclosed connection {self!r}", ResourceWarning, 1, source=self)
            self._give_back(True)

    @property
    def key(self) -> ConnectionKey:
        """What the connection is good for."""
        return self._claim.key

    @property
    def loop(self) -> asyncio.AbstractEventLoop:
        """The event loop. Deprecated."""
        warnings.warn("connector.loop property is deprecated", DeprecationWarning, stacklevel=2)
        return self._connector._loop

    @property
    def protocol(self) -> ClientProtocol | None:
        """The protocol, which carries exchanges."""
        return self._protocol

    @property
    def transport(self) -> asyncio.Transport | None:
        """The transport, None once it is gone."""
        protocol = self._protocol
        return None if protocol is None else protocol.transport

    @property
    def closed(self) -> bool:
        """True if it was given back, or is lost."""
        return self._protocol is None or not self._protocol.is_connected()

    def add_callback(self, callback: Callable[[], None]) -> None:
        """Call `callback` when the connection is given back."""
        if self._callbacks is None:
            self._callbacks = []
        self._callbacks.append(callback)

    def release(self) -> None:
        """Give it back for others to use."""
        if self._protocol is not None:
            self._give_back(False)

    def close(self) -> None:
        """Give it back and close its transport."""
        if self._protocol is not None:
            self._give_back(True)

    def _give_back(self, should_close: bool) -> None:
        protocol, self._protocol = self._protocol, None
        assert protocol is not None
        self._connector._take_back(self._claim, protocol, should_close)
        callbacks, self._callbacks = self._callbacks, None
        for callback in callbacks or ():
            callback()


class _Closing:
    """What `close()` returns: it has begun; awaiting it waits for the end."""

    __slots__ = ("_connector",)

    def __init__(self, connector: BaseConnector) -> None:
        self._connector = connector

    def __await__(self) -> Generator[Any, None, None]:
        return self._connector._wait_closed().__await__()


class BaseConnector:
    """What every connector has (client_reference, "BaseConnector").

    `keepalive_timeout`: seconds that an idle connection is kept, 15 by default, None: for ever.
    `force_close`: close after each request. `limit`: connections at once, 0 or None: any number;
    `limit_per_host`: the same for each (host, port, is_ssl). `enable_cleanup_closed`: abort TLS
    connections that have not ended 2 seconds after they were closed. `timeout_ceil_threshold`: for
    timeouts that don't say their own. `ValueError` for `keepalive_timeout` with `force_close`.
    """

    allowed_protocol_schema_set: frozenset[str] = frozenset(("", "http", "https", "ws", "wss"))

    _closed = True
    _room: memoryview | None = None

    def __init__(
        self,
        *,
        keepalive_timeout: float | Unset | None = sentinel,
        force_close: bool = False,
        limit: int | None = 100,
        limit_per_host: int | None = 0,
        enable_cleanup_closed: bool = False,
        loop: asyncio.AbstractEventLoop | None = None,
        timeout_ceil_threshold: float = 5,
    ) -> None:
        if force_close and keepalive_timeout is not sentinel and keepalive_timeout is not None:
            raise ValueError("keepalive_timeout cannot be set if force_close is True")
        keepalive = _KEEPALIVE if isinstance(keepalive_timeout, Unset) else keepalive_timeout
        self._loop = loop or asyncio.get_running_loop()
        self._force_close = force_close
        self._timeout_ceil_threshold = timeout_ceil_threshold
        # From 3.12.7 and 3.13.1 on asyncio ends such connections itself.
        version = sys.version_info[:3]
        is_cured = version >= (3, 13, 1) or (3, 12, 7) <= version < (3, 13)
        self._cleans_up = enable_cleanup_closed and not is_cured
        self._ssl_shutdown_timeout: float = 0
        self._pool: Pool = Pool(
            limit or 0, limit_per_host or 0, keepalive, ClientProtocol.is_connected
        )
        self._pool.is_watched = keepalive is None and not force_close
        self._live: set[ClientProtocol] = set()
        self._timer: asyncio.TimerHandle | None = None
        self._made_at = _place_of_maker(self._loop.get_debug())
        self._closed = False

    def __del__(self) -> None:
        if self._closed:
            return
        if not self._live or self._loop.is_closed():
            self._closed = True
            return
        warnings.warn(
            f"Unclosed connector {self!r}, made at {self._made_at}",
            ResourceWarning,
            stacklevel=1,
            source=self,
        )
        self._begin_close(False)

    async def __aenter__(self) -> BaseConnector:
        return self

    async def __aexit__(
        self,
        exc_type: type[BaseException] | None = None,
        exc: BaseException | None = None,
        traceback: TracebackType | None = None,
    ) -> None:
        await self.close()

    def __enter__(self) -> BaseConnector:
        warnings.warn(
            '"with Connector():" is deprecated, use "async with Connector():" instead',
            DeprecationWarning,
            stacklevel=2,
        )
        return self

    def __exit__(self, *args: object) -> None:
        self.close()

    # --- facts ---------------------------------------------------------------------------------

    @property
    def closed(self) -> bool:
        """True once `close` was called."""
        return self._closed

    @property
    def force_close(self) -> bool:
        """True if connections are closed after each request."""
        return self._force_close

    @property
    def limit(self) -> int:
        """Connections at once; 0 is any number."""
        return self._pool.limit

    @property
    def limit_per_host(self) -> int:
        """Connections to one (host, port, is_ssl) at once; 0 is any number."""
        return self._pool.limit_per_host

    def stats(self) -> ConnectorStats:
        """The figures of this moment: open, idle, waiting, and the same per endpoint."""
        return self._pool.stats()

    @property
    def _conns(self) -> dict[Any, list[tuple[ClientProtocol, float]]]:
        """Idle connections and since when they are, by key. Nobody documents it; gql looks here."""
        lanes = self._pool._lanes.items()
        return {key: list(lane.idle.items()) for key, lane in lanes if lane.idle}

    # --- lending -------------------------------------------------------------------------------

    async def connect(
        self, req: Any, traces: Sequence[Trace] = (), timeout: ClientTimeout | None = None
    ) -> Connection:
        """Lend an idle connection or make one, after waiting in the queue if the limits say so.

        `req`: a `ClientRequest`; `timeout`: its `connect` and `sock_connect` count. Raises
        `ClientConnectionError` and its kin, `ConnectionTimeoutError`.
        """
        if self._closed:
            raise ClientConnectionError("Connector is closed.")
        loop = self._loop
        claim = self._pool.ask(req.connection_key, loop.time())
        if self._pool.doomed:
            self._settle()
        if not traces and claim.connection is not None:
            return Connection(self, claim, claim.connection)
        if timeout is None:
            timeout = ClientTimeout(ceil_threshold=self._timeout_ceil_threshold)
        try:
            work = self._fulfil(claim, req, traces, timeout)
            protocol = await self._bounded(req, timeout.connect, timeout, work)
        except BaseException:
            self._give_up(claim)
            raise
        return Connection(self, claim, protocol)

    def connection_of(self, exchange: Exchange) -> Connection:
        """The connection of an exchange that holds its claim only."""
        claim, exchange.claim = exchange.claim, None
        exchange.connection = connection = Connection(self, claim, exchange.protocol)
        return connection

    async def _bounded(
        self,
        req: Any,
        seconds: float | None,
        timeout: ClientTimeout,
        work: Coroutine[Any, Any, ClientProtocol],
    ) -> ClientProtocol:
        """Await `work` for so many seconds at most, None and 0 without end."""
        if not seconds:
            return await work
        when = ceiled(self._loop.time(), seconds, timeout.ceil_threshold)
        limit = asyncio.timeout_at(when)
        made: ClientProtocol | None = None
        try:
            async with limit:
                made = await work
                return made
        except TimeoutError as error:
            if made is not None:
                made.abort()
            if limit.expired():
                raise ConnectionTimeoutError(f"Connection timeout to host {req.url}") from error
            raise

    async def _create_connection(
        self, req: Any, traces: Sequence[Trace], timeout: ClientTimeout
    ) -> ClientProtocol:
        """Make a connection; a subclass says how."""
        raise TypeError(f"{type(self).__name__} does not say how connections are made")

    async def _fulfil(
        self,
        claim: Claim,
        req: Any,
        traces: Sequence[Trace],
        timeout: ClientTimeout,
    ) -> ClientProtocol:
        """Wait for the claim's turn, then find or make its connection."""
        if not claim.granted:
            await self._wait_turn(claim, traces)
        protocol: ClientProtocol | None = claim.connection
        if protocol is not None:
            for trace in traces:
                await trace.send_connection_reuseconn()
            if protocol.is_connected() and not self._closed:
                return protocol
            claim.connection = None
            protocol.close()
        for trace in traces:
            await trace.send_connection_create_start()
        self._check_open()
        protocol = await self._create_connection(req, traces, timeout)
        claim.connection = protocol
        self._adopt(protocol)
        self._check_open()
        for trace in traces:
            await trace.send_connection_create_end()
        return protocol

    def _make_protocol(self) -> ClientProtocol:
        """A protocol for a new transport; all of a connector read to the same room."""
        if self._room is None:
            self._room = memoryview(bytearray(ROOM))
        # uvloop asks for the methods only, and a class without subclass is the faster one.
        is_uvloop = type(self._loop).__module__.partition(".")[0] == "uvloop"
        return (ClientProtocol if is_uvloop else BufferedClient)(self._loop, self._room)

    def _check_open(self) -> None:
        if self._closed:
            raise ClientConnectionError("Connector is closed.")

    async def _wait_turn(self, claim: Claim, traces: Sequence[Trace]) -> None:
        for trace in traces:
            await trace.send_connection_queued_start()
        self._check_open()
        if not claim.granted:
            claim.waiter = self._loop.create_future()
            await claim.waiter
        for trace in traces:
            await trace.send_connection_queued_end()

    def _adopt(self, protocol: ClientProtocol) -> None:
        """Keep account of a transport until it is gone."""
        self._live.add(protocol)
        myself = weakref.ref(self)

        def forget(_: object) -> None:
            connector = myself()
            if connector is not None:
                connector._live.discard(protocol)
                if not connector._closed:
                    connector._pool.forget(protocol)

        protocol.closed.add_done_callback(forget)

    def _give_up(self, claim: Claim) -> None:
        """A request did not get, or does not want, its connection."""
        if self._closed:
            if claim.connection is not None:
                claim.connection.abort()
            return
        if claim.connection is not None and not claim.connection.is_connected():
            claim.connection = None
        if claim.granted and self._force_close and claim.connection is not None:
            self._shut(claim.connection)
            claim.connection = None
        self._pool.give_up(claim, self._loop.time())
        self._settle()

    def _take_back(self, claim: Claim, protocol: ClientProtocol, should_close: bool) -> None:
        """A lent connection comes back."""
        if self._closed:
            protocol.close()
            return
        pool = self._pool
        now = self._loop.time()
        if (
            should_close
            or self._force_close
            or protocol.should_close
            or not protocol.is_connected()
        ):
            self._shut(protocol)
            pool.give_back(claim, None, now)
        else:
            pool.give_back(claim, protocol, now)
        if pool.doomed or pool.granted or self._timer is None:
            self._settle()

    def _settle(self) -> None:
        """Carry out what the pool has decided."""
        pool = self._pool
        while pool.doomed:
            self._shut(pool.doomed.pop())
        if pool.granted:
            granted, pool.granted = pool.granted, []
            for claim in granted:
                # One that is cancelled gives its place back by itself.
                if claim.waiter is not None and not claim.waiter.done():
                    claim.waiter.set_result(None)
        if self._timer is None and pool.idle and pool.keepalive is not None:
            self._arm(self._loop.time() + pool.keepalive)

    def _shut(self, protocol: ClientProtocol) -> None:
        """Close one transport; its end is awaited by `close`."""
        transport = protocol.transport
        if self._cleans_up and transport is not None and not transport.is_closing():
            if _speaks_tls(transport):
                timer = self._loop.call_later(_CLEANUP_TIMEOUT, protocol.abort)
                protocol.closed.add_done_callback(lambda _: timer.cancel())
        protocol.close()

    def _arm(self, due: float) -> None:
        self._timer = self._loop.call_at(due, _expire, weakref.ref(self))
        self._pool.is_watched = not self._force_close

    def _expire_idle(self) -> None:
        self._timer = None
        self._pool.is_watched = False
        due = self._pool.expire(self._loop.time())
        if due is not None:
            self._arm(due)
        self._settle()

    # --- the end -------------------------------------------------------------------------------

    def close(self, *, abort_ssl: bool = False) -> Awaitable[None]:
        """Close every connection and refuse further requests; those that wait get an error.

        Begins at once. Awaiting the result waits until every transport is closed, TLS included, and
        that is bounded: what can't be ended in time is aborted. `abort_ssl`: no farewell over TLS.
        """
        if not self._closed:
            self._begin_close(abort_ssl)
        return _Closing(self)

    def _begin_close(self, abort_ssl: bool) -> None:
        self._closed = True
        self._pool.is_watched = False
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if self._loop.is_closed():
            self._live.clear()
            return
        for claim in self._pool.clear():
            if claim.waiter is not None and not claim.waiter.done():
                claim.waiter.set_exception(ClientConnectionError("Connector is closed."))
        self._pool.doomed.clear()
        for protocol in list(self._live):
            transport = protocol.transport
            if transport is None:
                continue
            is_tls = _speaks_tls(transport)
            protocol.close()
            if is_tls and (abort_ssl or not self._ssl_shutdown_timeout):
                # The farewell is on its way; the peer's is not waited for.
                self._loop.call_soon(protocol.abort)

    async def _wait_closed(self) -> None:
        if self._loop.is_closed():
            return
        for seconds in (max(_FLUSH_TIMEOUT, self._ssl_shutdown_timeout), _ABORT_TIMEOUT):
            if not self._live:
                return
            await asyncio.wait([protocol.closed for protocol in self._live], timeout=seconds)
            await asyncio.sleep(0)
            for protocol in list(self._live):
                protocol.abort()


def _expire(reference: weakref.ref[BaseConnector]) -> None:
    """The timer of a connector, which must not keep it alive."""
    connector = reference()
    if connector is not None and not connector._closed:
        connector._expire_idle()
