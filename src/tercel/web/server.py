"""Server: makes a connection for each peer and keeps what all of them share.

In: a handler (`async def handler(request) -> StreamResponse`), a way to make requests, and the
settings. Out: a protocol for each connection, as `loop.create_server` wants it. It stops in two
steps: `pre_shutdown` closes what is idle, `shutdown` waits for the handlers under way. Never binds
a socket.
"""

import asyncio
import functools
import logging
from collections.abc import Awaitable, Callable
from http import HTTPStatus
from typing import TYPE_CHECKING, Any
from weakref import WeakSet

from tercel.net.stepper import Stepper
from tercel.web.connection import HttpConnection
from tercel.web.exchange import Exchange
from tercel.web.request import BaseRequest
from tercel.web.serve import error_response, serve_outcome, serve_request
from tercel.wire.limits import FREE_INFLATION, MAX_INFLATION, Limits

if TYPE_CHECKING:
    from tercel.abc import AbstractAccessLogger, AbstractAsyncAccessLogger
    from tercel.net.streams import StreamReader
    from tercel.web.eventsource import EventSourceResponse
    from tercel.web.response import Response
    from tercel.web.stream import StreamResponse

__all__ = ("RequestHandler", "Server")

access_logger = logging.getLogger("tercel.access")
server_logger = logging.getLogger("tercel.server")

Handler = Callable[[Any], Awaitable["StreamResponse"]]
RequestFactory = Callable[..., BaseRequest]

_UNSET: Any = object()


class RequestHandler(HttpConnection, asyncio.Protocol):
    """The protocol of one connection of the server `manager` (web_reference, Server).

    Settings that are given hold for this connection in place of the server's; see `Server`.
    `timeout_ceil_threshold` is accepted and changes nothing.
    """

    _ended: asyncio.Future[None] | None = None

    def __init__(
        self,
        manager: "Server",
        *,
        loop: asyncio.AbstractEventLoop | None = None,
        keepalive_timeout: float = _UNSET,
        tcp_keepalive: bool = _UNSET,
        logger: logging.Logger = _UNSET,
        access_log_class: "type[AbstractAccessLogger | AbstractAsyncAccessLogger]" = _UNSET,
        access_log: logging.Logger | None = _UNSET,
        access_log_format: str = _UNSET,
        debug: bool = _UNSET,
        max_line_size: int = _UNSET,
        max_headers: int = _UNSET,
        max_field_size: int = _UNSET,
        lingering_time: float = _UNSET,
        read_bufsize: int = _UNSET,
        auto_decompress: bool = _UNSET,
        timeout_ceil_threshold: float = _UNSET,
    ) -> None:
        settings = {
            "keepalive_timeout": keepalive_timeout,
            "tcp_keepalive": tcp_keepalive,
            "logger": logger,
            "access_log_class": access_log_class,
            "access_log": access_log,
            "access_log_format": access_log_format,
            "debug": debug,
            "max_line_size": max_line_size,
            "max_headers": max_headers,
            "max_field_size": max_field_size,
            "lingering_time": lingering_time,
            "read_bufsize": read_bufsize,
            "auto_decompress": auto_decompress,
        }
        changes = {name: value for name, value in settings.items() if value is not _UNSET}
        server = _TunedServer(manager, changes) if changes else manager
        HttpConnection.__init__(self, server, loop or asyncio.get_running_loop())

    def connection_lost(self, exc: BaseException | None) -> None:
        """The event loop tells that the connection is gone."""
        HttpConnection.connection_lost(self, exc)
        if self._ended is not None and not self._ended.done():
            self._ended.set_result(None)

    async def start(self) -> None:
        """Wait for the end of the connection. Its requests are served as they come, unasked."""
        if self.is_closed:
            return
        if self._ended is None:
            self._ended = self.loop.create_future()
        await asyncio.shield(self._ended)

    def set_parser(self, parser: Any, data_received_cb: Callable[[], None] | None = None) -> None:
        """Leave HTTP: octets go to `parser.feed_data`, the end to `parser.feed_eof`, from now on.

        `data_received_cb` is called each time that some have come.
        """
        receiver = _ParserReceiver(self, parser, data_received_cb)
        held = self.take_over(receiver)
        if held:
            receiver.data_received(held)

    def handle_error(
        self,
        request: BaseRequest,
        status: int = 500,
        exc: BaseException | None = None,
        message: str | None = None,
    ) -> "Response":
        """A page for an error, after which the connection closes; `exc` is logged.

        `message` takes the place of the page's text. ConnectionError if an answer has begun.
        """
        if exc is not None:
            self.server.log_exception(request, exc)
        if self.exchange is not None and self.exchange.has_begun:
            raise ConnectionError("an answer has begun already, so there can be no error page")
        response = error_response(self.server, request, status, exc)
        if message is not None:
            response.content_type = "text/plain"
            response.text = message
        return response

    async def finish_response(
        self, request: BaseRequest, resp: "StreamResponse", start_time: float | None
    ) -> "tuple[StreamResponse, bool]":
        """Send `resp` to its end and log it; `start_time` is the loop's time when it began.

        Returns the response, and True if the peer has gone meanwhile.
        """
        is_gone = False
        try:
            await resp.prepare(request)
            await resp.write_eof()
        except ConnectionError:
            is_gone = True
        self.log_access(request, resp, start_time)
        return resp, is_gone

    def log_access(
        self, request: BaseRequest, response: "StreamResponse", time: float | None
    ) -> None:
        """A line in the access log; `time` is the loop's time at the request's start."""
        server = self.server
        if server.access_logger is None or not server.access_logger.enabled:
            return
        started = self.loop.time() if time is None else time
        writing = server.write_access(request, response, self.loop.time() - started)
        server.keep_task(self.loop.create_task(writing))

    @property
    def logger(self) -> logging.Logger:
        """Where the server's errors go."""
        return self.server.logger  # type: ignore[no-any-return]

    @property
    def debug(self) -> bool:
        """True where error pages show what happened."""
        return self.server.debug  # type: ignore[no-any-return]

    @property
    def keepalive_timeout(self) -> float:
        """Seconds that the connection may be idle between requests."""
        return self.server.keepalive_timeout  # type: ignore[no-any-return]

    @property
    def peername(self) -> Any:
        """The peer's address, None once the connection is gone."""
        transport = self.transport
        return None if transport is None else transport.get_extra_info("peername")

    @property
    def sockname(self) -> Any:
        """Our own address, None once the connection is gone."""
        transport = self.transport
        return None if transport is None else transport.get_extra_info("sockname")

    @property
    def ssl_context(self) -> Any:
        """The SSLContext of the connection, None for plain HTTP."""
        transport = self.transport
        return None if transport is None else transport.get_extra_info("sslcontext")

    @property
    def access_logger(self) -> Any:
        """What writes the access log; None where there is none."""
        return self.server.access_logger

    @property
    def access_log(self) -> logging.Logger | None:
        """The logger of the access log; None where there is none."""
        return getattr(self.server.access_logger, "logger", None)

    @property
    def max_line_size(self) -> int:
        """Octets of a request line that are accepted."""
        return self.server.limits.max_line_size  # type: ignore[no-any-return]

    @property
    def max_field_size(self) -> int:
        """Octets of a header field that are accepted."""
        return self.server.limits.max_field_size  # type: ignore[no-any-return]

    @property
    def max_headers(self) -> int:
        """Header fields that are accepted."""
        return self.server.limits.max_headers  # type: ignore[no-any-return]

    def log_debug(self, *args: Any, **kw: Any) -> None:
        """A line for those who debug: as `logging.Logger.debug`, where `debug` is True."""
        if self.debug:
            self.logger.debug(*args, **kw)

    def log_exception(self, *args: Any, **kw: Any) -> None:
        """An error with its traceback: as `logging.Logger.exception`."""
        self.logger.exception(*args, **kw)

    async def shutdown(self, timeout: float | None = 15.0) -> None:
        """Wait up to `timeout` seconds for the handler under way, cancel it, close the connection.

        None waits for as long as it takes.
        """
        self.stop_soon()
        exchange = self.exchange
        task = None if exchange is None else exchange.task
        if task is not None and task is not asyncio.current_task():
            _, pending = await asyncio.wait({task}, timeout=timeout)
            if pending:
                task.cancel()
                await asyncio.wait(pending, timeout=timeout)
        self.abort()

    def keep_alive(self, val: bool) -> None:
        """Let the connection live on after the answer under way, or not."""
        if self.exchange is not None:
            self.exchange.keep_alive = val

    def force_close(self) -> None:
        """Close the connection now, whatever is under way."""
        self.abort()


class Server:
    """A low-level server (web_lowlevel): `handler` answers every request, there is no router.

    `request_factory` makes a request of (head, body, protocol, exchange, task); `BaseRequest` by
    default. `handler_cancellation` cancels a handler whose client has left (default False). Times
    are seconds: `keepalive_timeout` 75 between requests, `head_timeout` 60 from the first octet of
    a head to its last, `lingering_time` 10 for reading over what a handler left unread. A peer that
    sends nothing more of a body for `body_timeout` seconds (60) gets 408, one that takes nothing of
    what it is sent for `send_timeout` seconds (60) is cut off; 0 or None is for ever. Sizes are
    octets: `max_line_size` and `max_field_size` 8190, `max_headers` 128 fields, `read_bufsize`
    65536 held for a body before the peer must wait. `auto_decompress` undoes the Content-Encoding
    of requests (default True): a body may grow to `free_inflation` octets (64 MiB) in any case,
    beyond it to `max_inflation` times what came of it (200; None: to any size). TypeError for an
    unknown setting.
    """

    def __init__(
        self,
        handler: Handler,
        *,
        request_factory: RequestFactory | None = None,
        handler_cancellation: bool = False,
        loop: asyncio.AbstractEventLoop | None = None,
        keepalive_timeout: float = 75.0,
        head_timeout: float = 60.0,
        body_timeout: float | None = 60.0,
        send_timeout: float | None = 60.0,
        tcp_keepalive: bool = True,
        logger: logging.Logger = server_logger,
        access_log: logging.Logger | None = access_logger,
        access_log_class: "type[AbstractAccessLogger | AbstractAsyncAccessLogger] | None" = None,
        access_log_format: str | None = None,
        debug: bool = False,
        max_line_size: int = 8190,
        max_headers: int = 128,
        max_field_size: int = 8190,
        lingering_time: float = 10.0,
        read_bufsize: int = 65536,
        auto_decompress: bool = True,
        free_inflation: int = FREE_INFLATION,
        max_inflation: int | None = MAX_INFLATION,
        timeout_ceil_threshold: float = 5.0,
    ) -> None:
        self.handler = handler
        self.request_handler = handler
        self.request_factory = request_factory
        self.handler_cancellation = handler_cancellation
        self._loop = loop
        self.keepalive_timeout = keepalive_timeout
        self.head_timeout = head_timeout
        self.body_timeout = body_timeout
        self.send_timeout = send_timeout
        self.tcp_keepalive = tcp_keepalive
        self.logger = logger
        self.debug = debug
        self.lingering_time = lingering_time
        self.read_bufsize = read_bufsize
        self.auto_decompress = auto_decompress
        self.free_inflation = free_inflation
        self.max_inflation = max_inflation
        self.limits = _make_limits(max_line_size, max_headers, max_field_size)
        self.request_class: type[BaseRequest] | None = (
            BaseRequest if request_factory is None else None
        )
        self.client_max_size = 1024**2
        self.client_max_fields = 1000
        self.access_logger = _make_access_logger(access_log, access_log_class, access_log_format)
        self.logs_access = False
        #: Makes the coroutine that is a handler's task, of a connection and a request.
        self.serve = functools.partial(serve_request, self)
        #: Makes the coroutine that sends what a handler gave at once.
        self.serve_outcome = functools.partial(serve_outcome, self)
        self._connections: dict[HttpConnection, Any] = {}
        self._past_requests = 0
        self._made = 0
        self._arrived = 0
        self._tasks: set[asyncio.Task[Any]] = set()
        self._streams: WeakSet[EventSourceResponse] = WeakSet()
        self._stepper: Stepper | None = None
        # One method for all connections.
        self._forget = self._forget_task

    def __call__(self) -> RequestHandler:
        """A protocol for one more connection."""
        logger = self.access_logger
        self.logs_access = logger is not None and logger.enabled
        self._made += 1
        return RequestHandler(self, loop=self._loop)

    def __repr__(self) -> str:
        return f"<Server connections={len(self._connections)}>"

    @property
    def connections(self) -> list[HttpConnection]:
        """The connections that are open now."""
        return list(self._connections)

    @property
    def requests_count(self) -> int:
        """How many requests have come so far (web_lowlevel)."""
        return self._past_requests + sum(each.requests_count for each in self._connections)

    @property
    def expected(self) -> int:
        """Connections that were accepted and are not open yet: their TLS handshake goes on, or
        has failed.
        """
        return self._made - self._arrived

    # What connections ask and tell.

    def connection_made(self, handler: HttpConnection, transport: Any) -> None:
        """A connection has been opened."""
        self._arrived += 1
        self._connections[handler] = transport
        if self.tcp_keepalive:
            _set_keepalive(transport)

    def connection_lost(self, handler: HttpConnection, exc: BaseException | None = None) -> None:
        """A connection is gone."""
        if self._connections.pop(handler, None) is not None:
            self._past_requests += handler.requests_count

    def use_requests(self, kind: type[BaseRequest], max_size: int, max_fields: int) -> None:
        """Make requests of class `kind` with these limits, without asking the factory."""
        self.request_class = kind
        self.client_max_size = max_size
        self.client_max_fields = max_fields

    def stepper_of(self, loop: asyncio.AbstractEventLoop) -> Stepper:
        """What runs the first steps of handlers on `loop`."""
        stepper = self._stepper
        if stepper is None or stepper.loop is not loop:
            self._stepper = stepper = Stepper(loop)
        return stepper

    def make_request(self, exchange: Exchange) -> BaseRequest:
        """The request that the factory makes."""
        factory: Any = self.request_factory
        return factory(exchange.head, exchange.body, exchange.protocol, exchange, None)  # type: ignore[no-any-return]

    def inflate(self, connection: HttpConnection, head: Any, stream: "StreamReader") -> Any:
        """What `connection` feeds in place of `stream` for a body in a content coding."""
        from tercel.web.inflate import open_inflated

        free = None if self.max_inflation is None else self.free_inflation
        return open_inflated(connection, head, stream, free, self.max_inflation)

    def watch_stream(self, stream: "EventSourceResponse") -> None:
        """Stop `stream`, which would last for as long as its client, when the server stops."""
        self._streams.add(stream)

    def keep_task(self, task: asyncio.Task[Any]) -> None:
        """Hold a handler's task until it is done: the event loop itself would not."""
        self._tasks.add(task)
        task.add_done_callback(self._forget)

    def _forget_task(self, task: asyncio.Task[Any]) -> None:
        self._tasks.discard(task)
        if not task.cancelled():
            task.exception()

    def reason_of(self, status: int) -> str:
        """The reason phrase for a status."""
        try:
            return HTTPStatus(status).phrase
        except ValueError:
            return ""

    # Logging.

    def log_refusal(self, connection: HttpConnection, status: int, message: str) -> None:
        """One line for octets that are no request."""
        remote = _name_peer(connection.transport)
        self.logger.warning("Refused a request of %s with %d: %s", remote, status, message)

    def log_stuck(self, connection: HttpConnection) -> None:
        """One line for a peer that is cut off because it does not read."""
        self.logger.warning(
            "Cut off %s: it took nothing of what it was sent for %g seconds",
            _name_peer(connection.transport),
            self.send_timeout,
        )

    def log_exception(self, request: BaseRequest, error: BaseException) -> None:
        """A handler's error with its traceback."""
        self.logger.error("Error handling request from %s", request.remote, exc_info=error)

    def log_debug(self, message: str, *args: Any) -> None:
        """A line for those who debug."""
        if self.debug:
            self.logger.debug(message, *args)

    async def log_access(
        self, request: BaseRequest, response: "StreamResponse", connection: HttpConnection
    ) -> None:
        """A line in the access log for the request that `connection` has just served."""
        await self.write_access(request, response, connection.loop.time() - connection.started_at)

    async def write_access(
        self, request: BaseRequest, response: "StreamResponse", seconds: float
    ) -> None:
        """A line in the access log; a logger that fails is reported, not the request's problem."""
        logger = self.access_logger
        if logger is None:
            return
        try:
            outcome: Any = logger.log(request, response, seconds)
            if outcome is not None:
                await outcome
        except Exception:
            self.logger.exception("The access logger failed")

    # Stopping.

    def pre_shutdown(self) -> None:
        """Close idle connections, and streams of events; busy ones close after their answer."""
        for stream in list(self._streams):
            stream.stop()
        for connection in self.connections:
            connection.stop_soon()

    def cancel_handlers(self) -> None:
        """Cancel every handler under way."""
        for task in list(self._tasks):
            task.cancel()

    async def shutdown(self, timeout: float | None = None) -> None:
        """Wait up to `timeout` seconds for handlers under way, cancel the rest, close everything.

        None waits 15 seconds at most, 0 not at all.
        """
        self.pre_shutdown()
        limit = 15.0 if timeout is None else timeout
        pending = {task for task in self._tasks if task is not asyncio.current_task()}
        if pending and limit > 0:
            _, pending = await asyncio.wait(pending, timeout=limit)
        for task in pending:
            task.cancel()
        if pending:
            await asyncio.wait(pending, timeout=max(limit, 1.0))
        for connection in self.connections:
            connection.abort()
        if self._connections:
            await asyncio.sleep(0)
        self._connections.clear()


class _TunedServer(Server):
    """A server with settings of one connection's own. It counts for `origin`, and stops with it."""

    def __init__(self, origin: Server, changes: dict[str, Any]) -> None:
        self.__dict__.update(origin.__dict__)
        self._origin = origin
        if not changes.keys().isdisjoint(("access_log", "access_log_class", "access_log_format")):
            old = origin.access_logger
            self.access_logger = _make_access_logger(
                changes.pop("access_log", getattr(old, "logger", None)),
                changes.pop("access_log_class", None if old is None else type(old)),
                changes.pop("access_log_format", getattr(old, "log_format", None)),
            )
            self.logs_access = self.access_logger is not None and self.access_logger.enabled
        sizes = {
            name: changes.pop(name, getattr(origin.limits, name))
            for name in ("max_line_size", "max_headers", "max_field_size")
        }
        self.limits = _make_limits(**sizes)
        self.__dict__.update(changes)
        self.serve = functools.partial(serve_request, self)
        self.serve_outcome = functools.partial(serve_outcome, self)

    def connection_lost(self, handler: HttpConnection, exc: BaseException | None = None) -> None:
        self._origin.connection_lost(handler, exc)


class _ParserReceiver:
    """What a connection is handed to by `set_parser`."""

    def __init__(
        self, connection: RequestHandler, parser: Any, told: Callable[[], None] | None
    ) -> None:
        self._connection = connection
        self._parser = parser
        self._told = told
        self._is_ended = False

    def data_received(self, data: bytes) -> None:
        self._parser.feed_data(data)
        if self._told is not None:
            self._told()

    def eof_received(self) -> bool:
        self.connection_lost(None)
        return False

    def connection_lost(self, error: BaseException | None) -> None:
        if not self._is_ended:
            self._is_ended = True
            self._parser.feed_eof()

    def fail(self) -> None:
        self._connection.close()


def _make_limits(max_line_size: int, max_headers: int, max_field_size: int) -> Limits:
    return Limits(
        max_line_size=max_line_size,
        max_field_size=max_field_size,
        max_headers=max_headers,
        max_head_size=max(262_144, 4 * (max_line_size + max_field_size)),
    )


def _make_access_logger(
    logger: logging.Logger | None, kind: Any, log_format: str | None
) -> "AbstractAccessLogger | AbstractAsyncAccessLogger | None":
    if logger is None:
        return None
    from tercel.web.accesslog import AccessLogger

    kind = kind or AccessLogger
    made = kind(logger, log_format or getattr(kind, "LOG_FORMAT", AccessLogger.LOG_FORMAT))
    return made  # type: ignore[no-any-return]


def _name_peer(transport: Any) -> str:
    peer = transport.get_extra_info("peername") if transport is not None else None
    return str(peer[0]) if isinstance(peer, tuple) else "a local peer"


def _set_keepalive(transport: Any) -> None:
    """Let the kernel probe peers that have fallen silent."""
    import socket

    sock = transport.get_extra_info("socket")
    if sock is not None and sock.family in (socket.AF_INET, socket.AF_INET6):
        try:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
        except OSError:
            return
