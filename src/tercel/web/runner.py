"""Runners: an application or a low-level server from its start to its end (web_reference,
"Running Applications").

In: an Application or a Server, and the settings of the server. Out: a `server` that sites serve
between `setup()` and `cleanup()`. The end has the documented order (web_advanced, "Graceful
shutdown"): sites stop, idle connections close, on_shutdown, handlers are waited for, the rest is
cancelled, on_cleanup; a step that fails does not keep the later ones from running.
"""

import asyncio
from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, Any, Protocol, runtime_checkable

from .accesslog import AccessLogger
from .shutdown import ignore_signals, raise_on_signals
from .sites import BaseSite

if TYPE_CHECKING:
    from ..abc import AbstractAccessLogger, AbstractAsyncAccessLogger
    from .server import Server

__all__ = ("AppRunner", "BaseRunner", "Runnable", "ServerRunner")

# Seconds. Behind a proxy the proxy is to close first, or a request could meet a closing connection.
_KEEPALIVE_TIMEOUT = 3630.0


@runtime_checkable
class Runnable(Protocol):
    """What an AppRunner asks of an application; `web.Application` is one."""

    def freeze(self) -> None: ...
    async def startup(self) -> None: ...
    async def shutdown(self) -> None: ...
    async def cleanup(self) -> None: ...
    def _make_handler(self, **kwargs: Any) -> "Server": ...


class BaseRunner(ABC):
    """Keeps a server and its sites.

    With `handle_signals` SIGINT and SIGTERM raise GracefulExit from `setup()` to `cleanup()`.
    `shutdown_timeout` is how many seconds `cleanup()` waits for running handlers, and again for
    those it has cancelled; 60 by default. `kwargs` are the server's settings.
    """

    __slots__ = ("_handle_signals", "_kwargs", "_server", "_shutdown_timeout", "_sites")

    def __init__(
        self, *, handle_signals: bool = False, shutdown_timeout: float = 60.0, **kwargs: Any
    ) -> None:
        self._handle_signals = handle_signals
        self._shutdown_timeout = shutdown_timeout
        self._kwargs = kwargs
        self._server: Server | None = None
        self._sites: list[BaseSite] = []

    @property
    def server(self) -> "Server | None":
        """The server that answers; None before `setup()` and after `cleanup()`."""
        return self._server

    @property
    def addresses(self) -> list[Any]:
        """The addresses of all sites that are started, as socket.getsockname() gives them."""
        return [sock.getsockname() for site in self._sites for sock in site._sockets()]

    @property
    def sites(self) -> set[BaseSite]:
        """The sites that are started."""
        return set(self._sites)

    async def setup(self) -> None:
        """Make the server. What it raises is what the application's start raises."""
        if self._handle_signals:
            raise_on_signals(asyncio.get_running_loop())
        self._server = await self._make_server()

    @abstractmethod
    async def shutdown(self) -> None:
        """Tell the application that the server stops; called by `cleanup()`."""

    async def cleanup(self) -> None:
        """Stop the sites, end the connections and release what the application holds.

        May be called whether `setup()` worked or not, and again.
        """
        for site in list(self._sites):
            await site.stop()
        server = self._server
        try:
            if server is not None:
                # Connections that the loop has accepted, but not handed over yet.
                await asyncio.sleep(0)
                server.pre_shutdown()
                try:
                    await self.shutdown()
                finally:
                    await server.shutdown(self._shutdown_timeout)
        finally:
            self._server = None
            try:
                await self._cleanup_server()
            finally:
                if self._handle_signals:
                    ignore_signals(asyncio.get_running_loop())

    @abstractmethod
    async def _make_server(self) -> "Server":
        """The server, ready to answer."""

    @abstractmethod
    async def _cleanup_server(self) -> None:
        """The last step of `cleanup()`."""

    def _reg_site(self, site: BaseSite) -> None:
        if site in self._sites:
            raise RuntimeError(f"Site {site} is already registered in runner {self}")
        self._sites.append(site)

    def _check_site(self, site: BaseSite) -> None:
        if site not in self._sites:
            raise RuntimeError(f"Site {site} is not registered in runner {self}")

    def _unreg_site(self, site: BaseSite) -> None:
        self._check_site(site)
        self._sites.remove(site)


class ServerRunner(BaseRunner):
    """Runs `web_server`, a low-level `web.Server`."""

    __slots__ = ("_web_server",)

    def __init__(
        self, web_server: "Server", *, handle_signals: bool = False, **kwargs: Any
    ) -> None:
        super().__init__(handle_signals=handle_signals, **kwargs)
        self._web_server = web_server

    async def shutdown(self) -> None:
        """Nobody is to be told."""

    async def _make_server(self) -> "Server":
        return self._web_server

    async def _cleanup_server(self) -> None:
        return None


class AppRunner(BaseRunner):
    """Runs `app`, a `web.Application`.

    `access_log_class` makes the access log's lines, `kwargs` are settings of the server
    (`keepalive_timeout`, 3630 seconds by default, `access_log`, `access_log_format`, `logger`,
    `tcp_keepalive`, `max_line_size`, `max_field_size`, `max_headers`, `lingering_time`,
    `read_bufsize`, `auto_decompress`, `handler_cancellation`, `head_timeout`, `body_timeout`,
    `send_timeout`). Raises TypeError if `app` is no application.
    """

    __slots__ = ("_app",)

    def __init__(
        self,
        app: Runnable,
        *,
        handle_signals: bool = False,
        access_log_class: "type[AbstractAccessLogger | AbstractAsyncAccessLogger]" = AccessLogger,
        **kwargs: Any,
    ) -> None:
        if not isinstance(app, Runnable):
            raise TypeError(f"The first argument should be web.Application instance, got {app!r}")
        kwargs.setdefault("keepalive_timeout", _KEEPALIVE_TIMEOUT)
        kwargs["access_log_class"] = access_log_class
        super().__init__(
            handle_signals=handle_signals,
            shutdown_timeout=kwargs.pop("shutdown_timeout", 60.0),
            **kwargs,
        )
        self._app = app

    @property
    def app(self) -> Any:
        """The application that is run."""
        return self._app

    async def shutdown(self) -> None:
        """Send the application's on_shutdown."""
        await self._app.shutdown()

    async def _make_server(self) -> "Server":
        await self._app.startup()
        self._app.freeze()
        return self._app._make_handler(loop=asyncio.get_running_loop(), **self._kwargs)

    async def _cleanup_server(self) -> None:
        await self._app.cleanup()
