"""Servers for tests: an application or a bare handler on a free port of this machine.

In: a `web.Application`, or a handler. Out: a server that is started and closed with `async with`
or by hand, and URLs on it (testing.rst, "Test server").
"""

from __future__ import annotations

import asyncio
import inspect
import socket
from abc import ABC, abstractmethod
from collections.abc import Awaitable, Callable
from types import TracebackType
from typing import Any, Generic, TypeVar

from yarl import URL

from tercel.web import (
    Application,
    AppRunner,
    BaseRequest,
    BaseRunner,
    Request,
    Server,
    ServerRunner,
    SockSite,
    StreamResponse,
)

__all__ = (
    "BaseTestServer",
    "RawTestServer",
    "TestServer",
    "get_port_socket",
    "get_unused_port_socket",
    "unused_port",
)

_Handler = Callable[[BaseRequest], Awaitable[StreamResponse]]
_Request = TypeVar("_Request", bound=BaseRequest)

#: The port in the URLs of servers in memory, where none is given: that of plain HTTP.
_MEMORY_PORT = 80


def get_port_socket(host: str, port: int, family: socket.AddressFamily) -> socket.socket:
    """A TCP socket bound to `host` and `port`; 0 is any free port."""
    made = socket.socket(family, socket.SOCK_STREAM)
    made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        made.bind((host, port))
    except BaseException:
        made.close()
        raise
    return made


def get_unused_port_socket(
    host: str, family: socket.AddressFamily = socket.AF_INET
) -> socket.socket:
    """A TCP socket bound to `host` and a free port."""
    return get_port_socket(host, 0, family)


def unused_port() -> int:
    """A TCP port that was free on 127.0.0.1 a moment ago."""
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


class BaseTestServer(ABC, Generic[_Request]):
    """What test servers have in common.

    `scheme`: "http" or "https", by default what `start_server` serves. `host`, `port`: where to
    listen, a free port where none is given. `socket_factory(host, port, family)` makes the
    listening socket. With `memory` there is none: a `TestClient` of this server reaches it within
    the process, over `net.memory` (ours; no TLS), and `port` only stands in the URLs.
    """

    __test__ = False

    def __init__(
        self,
        *,
        scheme: str = "",
        loop: asyncio.AbstractEventLoop | None = None,
        host: str = "127.0.0.1",
        port: int | None = None,
        skip_url_asserts: bool = False,
        memory: bool = False,
        socket_factory: Callable[[str, int, socket.AddressFamily], socket.socket] = get_port_socket,
        **kwargs: Any,
    ) -> None:
        self._loop = loop
        self.runner: BaseRunner | None = None
        self._site: SockSite | None = None
        self._root: URL | None = None
        self.host = host
        self.port = port
        self._closed = False
        self.scheme = scheme
        self.skip_url_asserts = skip_url_asserts
        self.socket_factory = socket_factory
        self.memory = memory
        self._kwargs = kwargs

    async def start_server(
        self, loop: asyncio.AbstractEventLoop | None = None, **kwargs: Any
    ) -> None:
        """Listen; `ssl` is the context of an https server, the rest goes to the runner.

        Handlers whose client leaves are cancelled, unless `handler_cancellation=False` is given.
        Does nothing if the server runs already. ValueError for TLS in memory.
        """
        if self.runner is not None:
            return
        self._loop = loop
        context = kwargs.pop("ssl", self._kwargs.pop("ssl", None))
        if not self.scheme:
            self.scheme = "http" if context is None else "https"
        if self.memory and self.scheme != "http":
            raise ValueError("a test server in memory speaks no TLS: leave memory, or ssl, out")
        # The URLs keep the name that was asked for; `host` becomes the address it stands for.
        host = self.host
        # A test that is over may not wait for the handlers of its clients.
        settings = {"handler_cancellation": True, **self._kwargs, **kwargs}
        self.runner = await self._make_runner(**settings)
        try:
            await self.runner.setup()
            if self.memory:
                self.port = self.port or _MEMORY_PORT
            else:
                await self._listen(self.runner, context)
        except BaseException:
            runner, self.runner = self.runner, None
            await runner.cleanup()
            raise
        self._root = URL.build(scheme=self.scheme, host=host, port=self.port)

    async def _listen(self, runner: BaseRunner, context: Any) -> None:
        family = socket.AF_INET6 if ":" in self.host else socket.AF_INET
        listening = self.socket_factory(self.host, self.port or 0, family)
        try:
            self.host, self.port = listening.getsockname()[:2]
            self._site = SockSite(runner, listening, ssl_context=context)
            await self._site.start()
        except BaseException:
            listening.close()
            raise

    @abstractmethod
    async def _make_runner(self, **kwargs: Any) -> BaseRunner:
        """The runner of whatever is tested."""

    def make_url(self, path: str | URL) -> URL:
        """The absolute URL of `path`; AssertionError where it is absolute, or nothing listens."""
        if self._root is None:
            raise AssertionError("the test server is not started")
        url = URL(path)
        if self.skip_url_asserts:
            return self._root.join(url) if not url.absolute else url
        if url.absolute:
            raise AssertionError(f"the path is {str(url)!r}, expected one without scheme and host")
        return self._root.join(url)

    @property
    def started(self) -> bool:
        """True once `start_server` was called."""
        return self.runner is not None

    @property
    def closed(self) -> bool:
        """True once the server was closed."""
        return self._closed

    @property
    def server(self) -> Any:
        """The asyncio.Server that listens; None before `start_server`, and in memory."""
        return None if self._site is None else self._site._server

    @property
    def handler(self) -> Server:
        """The `web.Server` that answers."""
        if self.runner is None or self.runner.server is None:
            raise AssertionError("the test server is not started")
        return self.runner.server

    async def close(self) -> None:
        """Stop listening, end the connections, clean the application up. May be repeated."""
        if self.started and not self._closed:
            self._root = None
            self.port = None
            self._closed = True
            if self.runner is not None:
                await self.runner.cleanup()

    async def __aenter__(self) -> BaseTestServer[_Request]:
        await self.start_server(loop=self._loop)
        return self

    async def __aexit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        await self.close()


class TestServer(BaseTestServer[Request]):
    """Serves `app`, a `web.Application`."""

    __test__ = False

    def __init__(
        self,
        app: Application,
        *,
        scheme: str = "",
        host: str = "127.0.0.1",
        port: int | None = None,
        **kwargs: Any,
    ) -> None:
        self.app = app
        super().__init__(scheme=scheme, host=host, port=port, **kwargs)

    async def _make_runner(self, **kwargs: Any) -> BaseRunner:
        return AppRunner(self.app, **kwargs)


class RawTestServer(BaseTestServer[BaseRequest]):
    """Serves a bare handler, without application and router."""

    __test__ = False

    def __init__(
        self,
        handler: _Handler,
        *,
        scheme: str = "",
        host: str = "127.0.0.1",
        port: int | None = None,
        **kwargs: Any,
    ) -> None:
        self._handler = handler
        super().__init__(scheme=scheme, host=host, port=port, **kwargs)

    async def _make_runner(self, **kwargs: Any) -> BaseRunner:
        parameters = inspect.signature(BaseRunner.__init__).parameters
        own = {name: kwargs.pop(name) for name in list(kwargs) if name in parameters}
        return ServerRunner(Server(self._handler, loop=self._loop, **kwargs), **own)
