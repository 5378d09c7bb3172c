"""Figures of a server in the OpenMetrics text format, by `prometheus-client` (an extra).

In: an application. Out: a page of counters and histograms: requests by method, route and status,
their seconds and octets, connections, requests under way, and how late the event loop is. A route
is named, never a path: what a client writes can't make a series of its own.
"""

import asyncio
import os
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

from tercel import web
from tercel.ext.jsonlog import name_route

try:
    import prometheus_client as prometheus
    from prometheus_client import multiprocess
    from prometheus_client.openmetrics import exposition
except ImportError as error:
    raise ImportError(
        "tercel.ext.figures needs prometheus-client: pip install 'tercel[figures]'"
    ) from error

__all__ = ("Figures", "setup_figures")

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]

_METHODS = frozenset(
    ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "CONNECT", "TRACE")
)
_NO_ROUTE = "-"
_SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
_LAGS = (0.0001, 0.0005, 0.001, 0.005, 0.01, 0.05, 0.1, 0.5, 1.0)
_OCTETS = (256, 1024, 4096, 16384, 65536, 262144, 1048576, 4194304, 16777216)


class Figures:
    """The figures of one process. `registry` is prometheus-client's; others may add to it."""

    def __init__(self, registry: Any = None) -> None:
        self.registry = prometheus.CollectorRegistry() if registry is None else registry
        labels = ("method", "route", "status")
        make: dict[str, Any] = {
            "registry": self.registry,
            "namespace": "http",
            "subsystem": "server",
        }
        self.requests = prometheus.Counter("requests", "Requests answered.", labels, **make)
        self.seconds = prometheus.Histogram(
            "request_duration_seconds",
            "From the handler's start to the last octet of the answer.",
            labels[:2],
            buckets=_SECONDS,
            **make,
        )
        self.sent = prometheus.Histogram(
            "response_size_bytes",
            "Octets of an answer, head and body.",
            labels[:2],
            buckets=_OCTETS,
            **make,
        )
        self.received = prometheus.Counter(
            "request_body_bytes", "Octets of bodies that were announced.", labels[:2], **make
        )
        live = {**make, "multiprocess_mode": "livesum"}
        self.active = prometheus.Gauge("active_requests", "Requests under way.", **live)
        self.open = prometheus.Gauge("open_connections", "Connections open now.", **live)
        self.connections = prometheus.Counter(
            "connections", "Connections on which a request came.", **make
        )
        self.lag = prometheus.Histogram(
            "event_loop_lag_seconds",
            "How late the event loop called what was due.",
            buckets=_LAGS,
            registry=self.registry,
            namespace="tercel",
        )

        self._server: Any = None

    def begin(self, request: web.Request) -> float:
        """A request has come; the moment in seconds."""
        self.active.inc()
        protocol = request.protocol
        self._server = getattr(protocol, "server", None)
        if getattr(protocol, "requests_count", 0) == 1:
            self.connections.inc()
        return time.perf_counter()

    def end(self, request: web.Request, status: int, began: float, octets: int) -> None:
        """Its answer is out."""
        method = request.method if request.method in _METHODS else "OTHER"
        route = name_route(request) or _NO_ROUTE
        self.active.dec()
        self.requests.labels(method, route, str(status)).inc()
        self.seconds.labels(method, route).observe(time.perf_counter() - began)
        self.sent.labels(method, route).observe(octets)
        if request.content_length:
            self.received.labels(method, route).inc(request.content_length)

    def count_connections(self) -> None:
        """Look how many are open now."""
        if self._server is not None:
            self.open.set(len(self._server.connections))

    async def watch_loop(self, app: web.Application, pause: float = 0.5) -> AsyncIterator[None]:
        """A cleanup context that measures how late the event loop is, every `pause` seconds."""

        async def watch() -> None:
            loop = asyncio.get_running_loop()
            while True:
                due = loop.time() + pause
                await asyncio.sleep(pause)
                self.lag.observe(max(loop.time() - due, 0.0))
                self.count_connections()

        task = asyncio.create_task(watch())
        yield
        task.cancel()
        await asyncio.wait([task])

    def render(self) -> bytes:
        """The page. With PROMETHEUS_MULTIPROC_DIR in the environment, that of all workers."""
        registry = self.registry
        if os.environ.get("PROMETHEUS_MULTIPROC_DIR"):
            registry = prometheus.CollectorRegistry()
            multiprocess.MultiProcessCollector(registry)  # type: ignore[no-untyped-call]
        page: bytes = exposition.generate_latest(registry)  # type: ignore[no-untyped-call]
        return page


def setup_figures(
    app: web.Application, *, path: str = "/metrics", registry: Any = None, lag_pause: float = 0.5
) -> Figures:
    """Count the requests of `app` and serve the figures at `path` (route "figures").

    Call it before other middlewares are added: the first is the outermost, and sees what the others
    answer. `registry` is one of prometheus-client; a new one by default. The page should not be
    open to the world.
    """
    figures = Figures(registry)

    @web.middleware
    async def middleware(request: web.Request, handler: Handler) -> web.StreamResponse:
        began = figures.begin(request)
        status = 500
        try:
            response = await handler(request)
            status = response.status
            return response
        except web.HTTPException as error:
            status = error.status
            raise
        except asyncio.CancelledError:
            status = 499  # nobody was there any more
            raise
        finally:
            _when_sent(request, lambda octets: figures.end(request, status, began, octets))

    async def show(request: web.Request) -> web.Response:
        figures.count_connections()
        return web.Response(
            body=figures.render(), headers={"Content-Type": exposition.CONTENT_TYPE_LATEST}
        )

    async def watch(app: web.Application) -> AsyncIterator[None]:
        async for item in figures.watch_loop(app, lag_pause):
            yield item

    app.middlewares.insert(0, middleware)
    app.cleanup_ctx.append(watch)
    app.router.add_get(path, show, name="figures")
    return figures


def _when_sent(request: web.Request, call: Callable[[int], None]) -> None:
    """Call with the octets of the answer once the task that sends it is done."""
    exchange = request.writer
    task = asyncio.current_task()

    def done(ended: "asyncio.Task[Any]") -> None:
        # A handler that ended in its first step leaves the sending to another task.
        sending = exchange.task
        if sending is not None and sending is not ended and not sending.done():
            sending.add_done_callback(done)
        else:
            call(exchange.bytes_sent)

    if task is None:
        call(exchange.bytes_sent)
    else:
        task.add_done_callback(done)
